//! Lines over the picture: where other slices cross this one, and a box that is being drawn.

use super::{Picture, Viewport};
use crate::data::classes::Rgb;

/// Every how many picture pixels a crossing line has a dot.
const DOTS: usize = 3;

/// Lines over a slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Where other slices cross this one.
    pub crossing: Option<Crossing>,
    /// A box that is being drawn.
    pub band: Option<Band>,
}

/// Two dotted lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// The row and the column of the slice that they lie on.
    pub at: [usize; 2],
    /// Their colours.
    pub colors: [Rgb; 2],
}

/// The outline of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Two opposite corners, pixels of the slice (row, column), inside the box.
    pub corners: [[i64; 2]; 2],
    /// Its colour.
    pub color: Rgb,
}

/// Draws `marks` into the overlay.
pub(super) fn draw(marks: &Marks, viewport: &Viewport, picture: &mut Picture) {
    let size = [picture.height, picture.width];
    if let Some(crossing) = &marks.crossing {
        let middle = viewport.picture_at(crossing.at.map(|p| p as f64 + 0.5)).map(|p| p.floor() as i64);
        for along in (0..size[1]).step_by(DOTS) {
            put(picture, middle[0], along as i64, crossing.colors[0]);
        }
        for along in (0..size[0]).step_by(DOTS) {
            put(picture, along as i64, middle[1], crossing.colors[1]);
        }
    }
    if let Some(Band { corners: [a, b], color }) = marks.band {
        let low = viewport.picture_at(std::array::from_fn(|i| a[i].min(b[i]) as f64));
        let high = viewport.picture_at(std::array::from_fn(|i| a[i].max(b[i]) as f64 + 1.0));
        // The outline lies on the first and last picture pixels that show the box.
        let from: [i64; 2] = std::array::from_fn(|i| low[i].round() as i64);
        let to: [i64; 2] = std::array::from_fn(|i| (high[i].round() as i64 - 1).max(from[i]));
        let visible = |i: usize| from[i].clamp(0, size[i] as i64)..(to[i] + 1).clamp(0, size[i] as i64);
        for column in visible(1) {
            put(picture, from[0], column, color);
            put(picture, to[0], column, color);
        }
        for row in visible(0) {
            put(picture, row, from[1], color);
            put(picture, row, to[1], color);
        }
    }
}

fn put(picture: &mut Picture, row: i64, column: i64, [r, g, b]: Rgb) {
    let (Ok(row), Ok(column)) = (usize::try_from(row), usize::try_from(column)) else { return };
    if row < picture.height && column < picture.width {
        picture.overlay[row * picture.width + column] = [r, g, b, 255];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(marks: Marks) -> Vec<[usize; 2]> {
        let viewport = Viewport { center: [5.0, 5.0], zoom: [2.0, 2.0], picture: [20, 20] };
        let mut picture = Picture::new(20, 20);
        draw(&marks, &viewport, &mut picture);
        let set = picture.overlay.iter().enumerate().filter(|(_, pixel)| pixel[3] > 0);
        set.map(|(i, _)| [i / 20, i % 20]).collect()
    }

    #[test]
    fn a_box_is_outlined_on_its_own_pixels() {
        let band = Band { corners: [[4, 6], [2, 3]], color: [1, 2, 3] };
        let set = drawn(Marks { band: Some(band), crossing: None });
        // Rows 2 to 4 and columns 3 to 6 at two picture pixels each.
        assert!(set.iter().all(|[r, c]| (4..10).contains(r) && (6..14).contains(c)));
        assert_eq!(set.len(), 2 * 8 + 2 * 4);
    }

    #[test]
    fn what_lies_outside_is_left_out() {
        let band = Band { corners: [[-90, -90], [900, 900]], color: [1, 2, 3] };
        assert_eq!(drawn(Marks { band: Some(band), crossing: None }), [[0; 2]; 0]);
        let crossing = Crossing { at: [2, 900], colors: [[9; 3]; 2] };
        let set = drawn(Marks { band: None, crossing: Some(crossing) });
        assert!(!set.is_empty() && set.iter().all(|[row, _]| *row == 5));
    }
}
