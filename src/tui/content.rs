//! What the picture of a frame holds: the canvas, a small picture in a dialog, or both; and where it goes.

use std::sync::Arc;

use super::scene::SceneParts;
use crate::app::thumbnails::Thumbnail;
use crate::graphics::{CellRect, FrameEncoder, Placement};
use crate::render::Picture;

/// A small picture in its place.
#[derive(Clone)]
pub(super) struct Small {
    thumbnail: Arc<Thumbnail>,
    scene: Arc<SceneParts>,
    /// Its cells.
    area: CellRect,
    /// Rows and columns of its pixels.
    size: [usize; 2],
}

impl Small {
    /// `thumbnail` within `room`, as `encoder` draws it where a cell has the size `cell`; what is known from
    /// `before` is kept.
    pub fn of(
        thumbnail: &Arc<Thumbnail>,
        room: CellRect,
        cell: [f64; 2],
        encoder: &dyn FrameEncoder,
        before: Option<Small>,
    ) -> Option<Small> {
        let [width, height] = cells_of(thumbnail, [room.width, room.height], cell);
        let area = CellRect { width, height, ..room };
        if let Some(before) = before
            && Arc::ptr_eq(&before.thumbnail, thumbnail)
            && before.area == area
        {
            return Some(before);
        }
        let [width, height] = encoder.picture_size(&Placement { area, holes: Vec::new(), cell });
        if width * height == 0 {
            return None;
        }
        let pixel = |count: u16, cell: f64, pixels: usize| f64::from(count) * cell / pixels as f64;
        let aspect = pixel(area.height, cell[1], height) / pixel(area.width, cell[0], width);
        let scene = SceneParts::of_thumbnail(thumbnail, [height, width], aspect)?;
        let (thumbnail, scene) = (Arc::clone(thumbnail), Arc::new(scene));
        Some(Small { thumbnail, scene, area, size: [height, width] })
    }

    fn is(&self, other: &Small) -> bool {
        Arc::ptr_eq(&self.scene, &other.scene) && self.area == other.area
    }
}

/// How many cells (columns, rows) the shape of `thumbnail` needs of those in `room`, where one has the size `cell`.
pub(super) fn cells_of(thumbnail: &Thumbnail, room: [u16; 2], cell: [f64; 2]) -> [u16; 2] {
    let [_, rows, columns] = thumbnail.region.shape().map(|n| n.max(1) as f64);
    let pixels = [columns, rows];
    let fits = |i: usize| f64::from(room[i]) * cell[i] / pixels[i];
    let scale = fits(0).min(fits(1));
    std::array::from_fn(|i| ((pixels[i] * scale / cell[i]).ceil() as u16).clamp(1, room[i].max(1)))
}

/// What a picture holds; at least one of both.
#[derive(Clone)]
pub(super) struct Content {
    scene: Option<Arc<SceneParts>>,
    small: Option<Small>,
}

/// Whether `inner` lies in `outer`.
fn encloses(outer: &CellRect, inner: &CellRect) -> bool {
    inner.within(*outer).is_some_and(|part| (part.width, part.height) == (inner.width, inner.height))
}

/// What of a hole is left around `area`.
fn around(hole: CellRect, area: &CellRect) -> Vec<CellRect> {
    let Some(inside) = area.within(hole) else { return vec![hole] };
    let CellRect { x, y, width, height } = inside;
    let rect = |x, y, width, height| CellRect { x: hole.x + x, y: hole.y + y, width, height };
    let parts = [
        rect(0, 0, hole.width, y),
        rect(0, y + height, hole.width, hole.height - y - height),
        rect(0, y, x, height),
        rect(x + width, y, hole.width - x - width, height),
    ];
    parts.into_iter().filter(|part| part.width > 0 && part.height > 0).collect()
}

impl Content {
    /// What a frame shows, and where: the canvas at `placement` with the small picture in it. Where that does not
    /// lie within the canvas it is shown alone.
    pub fn of(
        canvas: Option<(Arc<SceneParts>, Placement)>,
        small: Option<Small>,
        cell: [f64; 2],
    ) -> Option<(Content, Placement)> {
        match (canvas, small) {
            (Some((scene, mut placement)), Some(small)) if encloses(&placement.area, &small.area) => {
                placement.holes =
                    placement.holes.into_iter().flat_map(|hole| around(hole, &small.area)).collect();
                Some((Content { scene: Some(scene), small: Some(small) }, placement))
            }
            (_, Some(small)) => {
                let placement = Placement { area: small.area, holes: Vec::new(), cell };
                Some((Content { scene: None, small: Some(small) }, placement))
            }
            (Some((scene, placement)), None) => {
                Some((Content { scene: Some(scene), small: None }, placement))
            }
            (None, None) => None,
        }
    }

    /// Whether it shows the same as `other`.
    pub fn is(&self, other: &Content) -> bool {
        let scene = match (&self.scene, &other.scene) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let small = match (&self.small, &other.small) {
            (Some(a), Some(b)) => a.is(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        scene && small
    }

    /// As [`SceneParts::moved_since`], where the canvas alone is shown.
    pub fn moved_since(&self, before: &Content) -> Option<[i64; 2]> {
        match (self, before) {
            (Content { scene: Some(now), small: None }, Content { scene: Some(then), small: None }) => {
                now.moved_since(then)
            }
            _ => None,
        }
    }

    /// The pixel (x, y) of a picture of `size` (rows, columns) at `placement` to begin with.
    pub fn focus(&self, size: [usize; 2], placement: &Placement, encoder: &dyn FrameEncoder) -> [usize; 2] {
        match (&self.small, &self.scene) {
            (Some(small), _) => {
                let [left, top] = origin(small, placement, encoder);
                let [rows, columns] = small.size;
                [
                    (left + columns / 2).min(size[1].saturating_sub(1)),
                    (top + rows / 2).min(size[0].saturating_sub(1)),
                ]
            }
            (None, Some(scene)) => scene.focus(size),
            (None, None) => [0; 2],
        }
    }

    /// The picture of `size` (rows, columns) at `placement`.
    pub fn compose(&self, size: [usize; 2], placement: &Placement, encoder: &dyn FrameEncoder) -> Picture {
        let mut picture = match &self.scene {
            Some(scene) => scene.compose(size),
            None => Picture::new(size[1], size[0]),
        };
        if let Some(small) = &self.small {
            paste(&small.scene.compose(small.size), origin(small, placement, encoder), &mut picture);
        }
        picture
    }
}

/// The pixel (x, y) of a picture at `placement` where a small one begins.
fn origin(small: &Small, placement: &Placement, encoder: &dyn FrameEncoder) -> [usize; 2] {
    let area = placement.area;
    let before = CellRect { width: small.area.x - area.x, height: small.area.y - area.y, ..area };
    encoder.picture_size(&Placement { area: before, holes: Vec::new(), cell: placement.cell })
}

/// Puts a picture onto another.
fn paste(small: &Picture, [left, top]: [usize; 2], onto: &mut Picture) {
    let width = small.width.min(onto.width.saturating_sub(left));
    for row in 0..small.height.min(onto.height.saturating_sub(top)) {
        let (from, to) = (row * small.width, (top + row) * onto.width + left);
        onto.base[to..to + width].copy_from_slice(&small.base[from..from + width]);
        onto.overlay[to..to + width].copy_from_slice(&small.overlay[from..from + width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_left_around_a_small_picture() {
        let hole = CellRect { x: 10, y: 5, width: 40, height: 20 };
        for (x, y, width, height) in
            [(30, 8, 12, 9), (10, 5, 3, 2), (44, 5, 6, 20), (10, 5, 40, 20), (0, 0, 5, 5)]
        {
            let small = CellRect { x, y, width, height };
            let parts = around(hole, &small);
            for column in 0..60 {
                for row in 0..30 {
                    let covering = parts.iter().filter(|part| part.contains(column, row)).count();
                    let expected = hole.contains(column, row) && !small.contains(column, row);
                    assert_eq!(covering, usize::from(expected), "cell {column}, {row} beside {small:?}");
                }
            }
        }
    }

    #[test]
    fn a_small_picture_that_sticks_out_is_cut() {
        let mut onto = Picture::new(4, 3);
        let mut small = Picture::new(3, 3);
        small.base.fill([9; 3]);
        paste(&small, [2, 1], &mut onto);
        let lit: Vec<usize> = (0..12).filter(|&i| onto.base[i] == [9; 3]).collect();
        assert_eq!(lit, [6, 7, 10, 11]);
    }
}
