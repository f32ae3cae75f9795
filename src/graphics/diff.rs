//! What changed between two pictures: pixel rectangles for terminals that edit images in place, cells
//! for those that draw cell by cell.
//!
//! Rows are compared as bytes, so an unchanged picture costs one pass over memory.

use super::encoder::{CellRect, Placement};
use crate::render::Picture;

/// Side of the squares that changes are gathered in before rectangles are formed.
const SQUARE: usize = 16;

/// A rectangle of picture pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PixelRect {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl PixelRect {
    /// The pixels that a box of the area's cells covers, clipped to the picture. Each pixel belongs to one
    /// cell.
    pub fn of_cells(cells: CellRect, placement: &Placement, size: [usize; 2]) -> Self {
        let span = |axis: usize, from: u16, count: u16| {
            let low = placement.edge(axis, from).min(size[axis]);
            let high = placement.edge(axis, from.saturating_add(count)).min(size[axis]);
            (low, high - low)
        };
        let (x, width) = span(0, cells.x, cells.width);
        let (y, height) = span(1, cells.y, cells.height);
        PixelRect { x, y, width, height }
    }

    /// All of a picture.
    pub fn whole([width, height]: [usize; 2]) -> Self {
        PixelRect { x: 0, y: 0, width, height }
    }

    /// The smallest rectangle inside this one that holds all its pixels in which two layers of `width`
    /// pixels a row differ; none when they do not.
    pub fn changed(self, old: &[[u8; 4]], new: &[[u8; 4]], width: usize) -> Option<PixelRect> {
        tighten(old, new, width, self)
    }

    /// Grown to even borders within a picture of `size`.
    pub fn even(self, size: [usize; 2]) -> PixelRect {
        let span = |from: usize, count: usize, end: usize| {
            let low = from & !1;
            (low, (from + count).next_multiple_of(2).min(end) - low)
        };
        let (x, width) = span(self.x, self.width, size[0]);
        let (y, height) = span(self.y, self.height, size[1]);
        PixelRect { x, y, width, height }
    }

    /// Cut into about so many parts, one below the other.
    pub fn parts(self, count: usize) -> impl Iterator<Item = PixelRect> {
        let height = self.height.div_ceil(count.max(1)).max(1);
        let bottom = self.y + self.height;
        (self.y..bottom).step_by(height).map(move |y| PixelRect { y, height: height.min(bottom - y), ..self })
    }

    /// Number of pixels.
    pub fn area(&self) -> usize {
        self.width * self.height
    }
}

/// Whether a picture's buffers have the sizes it claims; encoders ignore one that has not.
pub(crate) fn is_sound(picture: &Picture) -> bool {
    let pixels = picture.width.checked_mul(picture.height);
    pixels == Some(picture.base.len()) && pixels == Some(picture.overlay.len())
}

/// At most `limit` rectangles that hold every pixel in which two layers of `width` pixels a row differ,
/// each as tight as it can be.
pub(crate) fn changed_rects(old: &[[u8; 4]], new: &[[u8; 4]], width: usize, limit: usize) -> Vec<PixelRect> {
    if width == 0 || old.len() != new.len() {
        return Vec::new();
    }
    let height = new.len() / width;
    let columns = width.div_ceil(SQUARE);
    let mut squares = vec![false; columns * height.div_ceil(SQUARE)];
    for y in 0..height {
        let row = y * width..(y + 1) * width;
        let (before, after) = (&old[row.clone()], &new[row]);
        if before.as_flattened() == after.as_flattened() {
            continue;
        }
        for (i, (b, a)) in before.chunks(SQUARE).zip(after.chunks(SQUARE)).enumerate() {
            squares[y / SQUARE * columns + i] |= b.as_flattened() != a.as_flattened();
        }
    }
    let mut rects = Vec::new();
    if let Some(bounds) = bounds_of(&squares, columns, [0, 0, columns, squares.len() / columns]) {
        split(&squares, columns, bounds, limit.max(1), &mut rects);
    }
    rects.into_iter().filter_map(|r| tighten(old, new, width, r)).collect()
}

/// The tiles of `tile` pixels that make up a picture of `size`, each with its number row by row, those
/// nearest to `focus` (x, y) first.
pub(crate) fn tiles_near(size: [usize; 2], tile: [usize; 2], focus: [usize; 2]) -> Vec<(usize, PixelRect)> {
    let starts =
        (0..size[1]).step_by(tile[1]).flat_map(|y| (0..size[0]).step_by(tile[0]).map(move |x| [x, y]));
    let rect = |[x, y]: [usize; 2]| {
        let [width, height] = [tile[0].min(size[0] - x), tile[1].min(size[1] - y)];
        PixelRect { x, y, width, height }
    };
    let mut tiles: Vec<(usize, PixelRect)> = starts.map(rect).enumerate().collect();
    tiles.sort_by_key(|(_, r)| {
        let off = |from: usize, count: usize, at: usize| (2 * from + count).abs_diff(2 * at).pow(2);
        off(r.x, r.width, focus[0]).saturating_add(off(r.y, r.height, focus[1]))
    });
    tiles
}

/// A box of squares: left, top, right, bottom (half open).
type Bounds = [usize; 4];

fn bounds_of(squares: &[bool], columns: usize, within: Bounds) -> Option<Bounds> {
    let [left, top, right, bottom] = within;
    let mut found: Option<Bounds> = None;
    for y in top..bottom {
        for x in left..right {
            if squares[y * columns + x] {
                let b = found.get_or_insert([x, y, x + 1, y + 1]);
                *b = [b[0].min(x), b[1].min(y), b[2].max(x + 1), b[3].max(y + 1)];
            }
        }
    }
    found
}

/// Cuts a box at its widest empty gap while that leaves out most of it and the limit allows.
fn split(squares: &[bool], columns: usize, bounds: Bounds, limit: usize, rects: &mut Vec<PixelRect>) {
    let [left, top, right, bottom] = bounds;
    if limit > 1
        && let Some((vertical, at)) = widest_gap(squares, columns, bounds)
    {
        let (first, second) = if vertical {
            ([left, top, at, bottom], [at, top, right, bottom])
        } else {
            ([left, top, right, at], [left, at, right, bottom])
        };
        let parts = [first, second].map(|b| bounds_of(squares, columns, b));
        if let [Some(a), Some(b)] = parts {
            let size = |b: Bounds| (b[2] - b[0]) * (b[3] - b[1]);
            if 2 * (size(a) + size(b)) <= size(bounds) {
                split(squares, columns, a, limit / 2, rects);
                split(squares, columns, b, limit - limit / 2, rects);
                return;
            }
        }
    }
    let (x, y) = (left * SQUARE, top * SQUARE);
    rects.push(PixelRect { x, y, width: right * SQUARE - x, height: bottom * SQUARE - y });
}

/// The middle of the longest run of empty columns (true) or rows (false) inside a box.
fn widest_gap(squares: &[bool], columns: usize, [left, top, right, bottom]: Bounds) -> Option<(bool, usize)> {
    let column_empty = |x: usize| (top..bottom).all(|y| !squares[y * columns + x]);
    let row_empty = |y: usize| (left..right).all(|x| !squares[y * columns + x]);
    let vertical = longest_run(left..right, column_empty);
    let horizontal = longest_run(top..bottom, row_empty);
    match (vertical, horizontal) {
        (Some((n, at)), Some((m, _))) if n >= m => Some((true, at)),
        (_, Some((_, at))) => Some((false, at)),
        (Some((_, at)), None) => Some((true, at)),
        (None, None) => None,
    }
}

fn longest_run(range: std::ops::Range<usize>, empty: impl Fn(usize) -> bool) -> Option<(usize, usize)> {
    let mut best: Option<(usize, usize)> = None;
    let mut run = 0;
    for i in range {
        run = if empty(i) { run + 1 } else { 0 };
        if run > best.map_or(0, |b| b.0) {
            best = Some((run, i));
        }
    }
    best
}

/// The smallest rectangle inside `rect` that holds all its differing pixels.
fn tighten(old: &[[u8; 4]], new: &[[u8; 4]], width: usize, rect: PixelRect) -> Option<PixelRect> {
    let height = new.len() / width;
    let (right, bottom) = ((rect.x + rect.width).min(width), (rect.y + rect.height).min(height));
    let (mut x0, mut x1, mut y0, mut y1) = (right, rect.x, bottom, rect.y);
    for y in rect.y..bottom {
        let row = y * width + rect.x..y * width + right;
        let pairs = || old[row.clone()].iter().zip(&new[row.clone()]);
        let Some(first) = pairs().position(|(a, b)| a != b) else { continue };
        let last = pairs().rposition(|(a, b)| a != b).unwrap_or(first);
        (x0, x1) = (x0.min(rect.x + first), x1.max(rect.x + last + 1));
        (y0, y1) = (y0.min(y), y1.max(y + 1));
    }
    (x0 < x1).then(|| PixelRect { x: x0, y: y0, width: x1 - x0, height: y1 - y0 })
}

/// One flag for each cell of an area, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CellGrid {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    flags: Vec<bool>,
}

impl CellGrid {
    /// A grid whose flags are all `value`.
    pub fn new(width: u16, height: u16, value: bool) -> Self {
        CellGrid { width, height, flags: vec![value; usize::from(width) * usize::from(height)] }
    }

    /// The cells of an area outside its holes.
    pub fn drawable(placement: &Placement) -> Self {
        let mut grid = CellGrid::new(placement.area.width, placement.area.height, true);
        placement.holes.iter().for_each(|h| grid.fill(placement.area, *h, false));
        grid
    }

    /// Sets every drawable cell of a row in which any cell is set.
    pub fn widen_rows(&mut self, drawable: &CellGrid) {
        for row in 0..self.height {
            if (0..self.width).any(|c| self.get(c, row)) {
                (0..self.width).filter(|c| drawable.get(*c, row)).for_each(|c| self.set(c, row, true));
            }
        }
    }

    /// Divides the rows into groups of `rows` and sets, in each column of a group in which any cell is
    /// set, the group's drawable cells.
    pub fn grow_rows(&mut self, rows: u16, drawable: &CellGrid) {
        for top in (0..self.height).step_by(usize::from(rows.max(1))) {
            let group = top..self.height.min(top.saturating_add(rows));
            for column in 0..self.width {
                if group.clone().any(|row| self.get(column, row)) {
                    let open = group.clone().filter(|row| drawable.get(column, *row));
                    open.for_each(|row| self.set(column, row, true));
                }
            }
        }
    }

    /// The flag of a cell.
    pub fn get(&self, column: u16, row: u16) -> bool {
        self.flags[usize::from(row) * usize::from(self.width) + usize::from(column)]
    }

    /// Sets the flag of a cell.
    pub fn set(&mut self, column: u16, row: u16, value: bool) {
        self.flags[usize::from(row) * usize::from(self.width) + usize::from(column)] = value;
    }

    /// Sets the flags that are set in `other`, of the same size.
    pub fn add(&mut self, other: &CellGrid) {
        self.flags.iter_mut().zip(&other.flags).for_each(|(a, b)| *a |= *b);
    }

    /// Clears the flags that are set in `other`, of the same size.
    pub fn remove(&mut self, other: &CellGrid) {
        self.flags.iter_mut().zip(&other.flags).for_each(|(a, b)| *a &= !*b);
    }

    /// Clears the flags that are not set in `other`, of the same size.
    pub fn keep(&mut self, other: &CellGrid) {
        self.flags.iter_mut().zip(&other.flags).for_each(|(a, b)| *a &= *b);
    }

    /// Takes out set cells, block after block of `block` cells, and of a block row after row, those nearest to
    /// `focus` first, until there are `count` of them or none is left.
    pub fn take_near(&mut self, focus: [u16; 2], block: [u16; 2], count: usize) -> CellGrid {
        let mut taken = CellGrid::new(self.width, self.height, false);
        let [across, down] = [block[0].max(1), block[1].max(1)];
        let mut blocks: Vec<(u64, u16, u16)> = Vec::new();
        for y in (0..self.height).step_by(usize::from(down)) {
            for x in (0..self.width).step_by(usize::from(across)) {
                // Cells are about twice as high as wide.
                let off = |from: u16, size: u16, at: u16, scale: u64| {
                    (2 * u64::from(from) + u64::from(size)).abs_diff(2 * u64::from(at) + 1) * scale
                };
                let (dx, dy) = (off(x, across, focus[0], 1), off(y, down, focus[1], 2));
                blocks.push((dx * dx + dy * dy, x, y));
            }
        }
        blocks.sort_unstable();
        let mut found = 0;
        for (_, x, y) in blocks {
            let mut rows: Vec<u16> = (y..self.height.min(y.saturating_add(down))).collect();
            rows.sort_by_key(|row| row.abs_diff(focus[1]));
            for row in rows {
                if found >= count {
                    return taken;
                }
                for column in x..self.width.min(x.saturating_add(across)) {
                    if self.get(column, row) {
                        self.set(column, row, false);
                        taken.set(column, row, true);
                        found += 1;
                    }
                }
            }
        }
        taken
    }

    /// How many flags are set.
    pub fn count(&self) -> usize {
        self.flags.iter().filter(|f| **f).count()
    }

    /// Sets the flags of the cells of `area` that a terminal box covers.
    pub fn fill(&mut self, area: CellRect, hole: CellRect, value: bool) {
        for row in 0..self.height {
            for column in 0..self.width {
                if hole.contains(area.x.saturating_add(column), area.y.saturating_add(row)) {
                    self.set(column, row, value);
                }
            }
        }
    }

    /// The longest runs of set cells of each row, grown downwards while the row below has the same run.
    pub fn bands(&self) -> Vec<CellRect> {
        let mut bands: Vec<CellRect> = Vec::new();
        for row in 0..self.height {
            let mut column = 0;
            while column < self.width {
                if !self.get(column, row) {
                    column += 1;
                    continue;
                }
                let end = (column..self.width).find(|c| !self.get(*c, row)).unwrap_or(self.width);
                let (x, width) = (column, end - column);
                let same = |b: &&mut CellRect| (b.x, b.width, b.y + b.height) == (x, width, row);
                match bands.iter_mut().find(same) {
                    Some(above) => above.height += 1,
                    None => bands.push(CellRect { x, y: row, width, height: 1 }),
                }
                column = end;
            }
        }
        bands
    }

    /// Boxes of at most `limit` cells that cover the set cells and no others, each cell once: runs of
    /// a row, grown downwards while the rows below have the same run.
    pub fn boxes(&self, limit: [u16; 2]) -> Vec<CellRect> {
        let mut left = self.clone();
        let mut boxes = Vec::new();
        for row in 0..self.height {
            let mut column = 0;
            while column < self.width {
                if !left.get(column, row) {
                    column += 1;
                    continue;
                }
                let most = self.width.min(column.saturating_add(limit[0].max(1)));
                let end = (column..most).find(|c| !left.get(*c, row)).unwrap_or(most);
                let full = |left: &CellGrid, y: u16| (column..end).all(|c| left.get(c, y));
                let deepest = self.height.min(row.saturating_add(limit[1].max(1)));
                let bottom = (row + 1..deepest).find(|y| !full(&left, *y)).unwrap_or(deepest);
                for y in row..bottom {
                    (column..end).for_each(|c| left.set(c, y, false));
                }
                boxes.push(CellRect { x: column, y: row, width: end - column, height: bottom - row });
                column = end;
            }
        }
        boxes
    }
}

/// Sets the flags of the cells in which two pictures of one size differ.
pub(crate) fn mark_changed(grid: &mut CellGrid, old: &Picture, new: &Picture, placement: &Placement) {
    let width = new.width;
    for row in 0..grid.height {
        let line = CellRect { x: 0, y: row, width: grid.width, height: 1 };
        let pixels = PixelRect::of_cells(line, placement, [new.width, new.height]);
        for y in pixels.y..pixels.y + pixels.height {
            let range = y * width..(y + 1) * width;
            let differs = |range: std::ops::Range<usize>| {
                old.base[range.clone()].as_flattened() != new.base[range.clone()].as_flattened()
                    || old.overlay[range.clone()].as_flattened() != new.overlay[range].as_flattened()
            };
            if !differs(range) {
                continue;
            }
            for column in 0..grid.width {
                let one = CellRect { x: column, y: row, width: 1, height: 1 };
                let span = PixelRect::of_cells(one, placement, [new.width, new.height]);
                if !grid.get(column, row) && differs(y * width + span.x..y * width + span.x + span.width) {
                    grid.set(column, row, true);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rectangles_hold_every_change(points in prop::collection::vec((0..90_usize, 0..70_usize), 0..12)) {
            let old = vec![[0_u8; 4]; 90 * 70];
            let mut new = old.clone();
            points.iter().for_each(|(x, y)| new[y * 90 + x] = [1, 2, 3, 4]);
            let rects = changed_rects(&old, &new, 90, 4);
            prop_assert!(rects.len() <= 4);
            for (x, y) in points {
                let inside = |r: &PixelRect| (r.x..r.x + r.width).contains(&x) && (r.y..r.y + r.height).contains(&y);
                prop_assert!(rects.iter().any(inside), "({x}, {y}) is in none of {rects:?}");
            }
        }

        #[test]
        fn boxes_cover_each_set_cell_once(cells in prop::collection::vec(any::<bool>(), 12 * 9), w in 1_u16..13, h in 1_u16..10) {
            let grid = CellGrid { width: 12, height: 9, flags: cells };
            let mut seen = vec![0; 12 * 9];
            for b in grid.boxes([w, h]) {
                prop_assert!(b.width <= w && b.height <= h);
                for y in b.y..b.y + b.height {
                    for x in b.x..b.x + b.width {
                        seen[usize::from(y) * 12 + usize::from(x)] += 1;
                    }
                }
            }
            for (flag, count) in grid.flags.iter().zip(seen) {
                prop_assert_eq!(i32::from(*flag), count);
            }
        }
    }

    #[test]
    fn distant_changes_become_two_rectangles() {
        let old = vec![[0_u8; 4]; 400 * 300];
        let mut new = old.clone();
        new[5 * 400 + 5] = [1; 4];
        new[290 * 400 + 390] = [1; 4];
        let rects = changed_rects(&old, &new, 400, 4);
        let at = |x, y| PixelRect { x, y, width: 1, height: 1 };
        assert_eq!(rects, vec![at(5, 5), at(390, 290)]);
    }
}
