//! Which pictures show some cells of an area where cells have no whole size in pixels.
//!
//! Such terminals (xterm.js, hence VS Code) keep a picture by cells: it takes every cell that it touches, and
//! what that cell showed before is gone. A picture that ends a part of a pixel beyond its last cell may do so
//! only where the cells there are drawn after it; elsewhere it ends a pixel early. Side by side, pictures would
//! leave seams, so they are as wide as what can be drawn of a row.

use super::diff::{CellGrid, PixelRect};
use super::encoder::{CellRect, Placement};

/// A picture to draw: its cells, and the pixels that it shows of the area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strip {
    /// Where it begins, and what it takes.
    pub cells: CellRect,
    /// What it shows.
    pub pixels: PixelRect,
}

/// Adds to `cells` what has to be drawn with them, and returns the pictures that show them all, in the order in
/// which they are to be drawn. `size` is the whole picture's.
pub(crate) fn strips(
    cells: &mut CellGrid,
    drawable: &CellGrid,
    placement: &Placement,
    size: [usize; 2],
) -> Vec<Strip> {
    let bands = loop {
        cells.widen_rows(drawable);
        let bands = cells.bands();
        let mut below = Vec::new();
        for band in bands.iter().filter(|band| goes_beyond(1, band.y, band.height, placement)) {
            let row = band.y + band.height;
            let columns = band.x..band.x + band.width;
            below.extend(columns.filter(|c| is_set(drawable, *c, row)).map(|c| (c, row)));
        }
        below.retain(|(column, row)| !cells.get(*column, *row));
        if below.is_empty() {
            break bands;
        }
        below.into_iter().for_each(|(column, row)| cells.set(column, row, true));
    };
    let mut strips = Vec::new();
    for band in bands {
        let end = band.x + band.width;
        let mut column = band.x;
        while column < end {
            // Cells below that are drawn later, or none: a picture does not mix them.
            let is_followed = |column: u16| is_set(cells, column, band.y + band.height);
            let follows = is_followed(column);
            let next = (column..end).find(|c| is_followed(*c) != follows).unwrap_or(end);
            let piece = CellRect { x: column, width: next - column, ..band };
            let mut pixels = PixelRect::of_cells(piece, placement, size);
            if next == end {
                pixels.width = pixels.width.min(whole(piece.width, placement.cell[0]));
            }
            if !follows {
                pixels.height = pixels.height.min(whole(piece.height, placement.cell[1]));
            }
            strips.push(Strip { cells: piece, pixels });
            column = next;
        }
    }
    strips
}

fn is_set(cells: &CellGrid, column: u16, row: u16) -> bool {
    row < cells.height && cells.get(column, row)
}

/// The pixels of a picture that takes so many cells and no more.
fn whole(cells: u16, cell: f64) -> usize {
    (f64::from(cells) * cell).floor() as usize
}

/// Whether a picture of all pixels of so many cells takes a cell more.
fn goes_beyond(axis: usize, from: u16, cells: u16, placement: &Placement) -> bool {
    let pixels = placement.edge(axis, from.saturating_add(cells)) - placement.edge(axis, from);
    pixels > whole(cells, placement.cell[axis])
}
