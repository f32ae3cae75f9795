//! The seam that graphics protocols plug into.

use std::sync::Arc;

use crate::render::Picture;

/// A box of terminal cells, counted from 0 at the top left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CellRect {
    /// First column.
    pub x: u16,
    /// First row.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// Where on the terminal a picture goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// The cells it fills.
    pub area: CellRect,
    /// Cells inside the area that text covers (menus, dialogs): nothing may be drawn there, and they
    /// show the picture again once they are no longer listed.
    pub holes: Vec<CellRect>,
    /// Width and height of a cell in the terminal's pixels; may be fractional.
    pub cell: [f64; 2],
}

/// Turns successive pictures into the bytes that make a terminal show them, sending only what changed.
pub trait FrameEncoder: Send {
    /// Its name, as `--graphics` takes it.
    fn id(&self) -> &'static str;

    /// Width and height in pixels of the picture that fills `placement`'s area.
    fn picture_size(&self, placement: &Placement) -> [usize; 2];

    /// Appends to `out` what turns the picture shown now into `picture` (of
    /// [`FrameEncoder::picture_size`]); nothing when it is shown already. Escapes are never cut. The
    /// cursor is left anywhere.
    fn encode(&mut self, picture: &Arc<Picture>, placement: &Placement, out: &mut Vec<u8>);

    /// Appends what removes the picture from the terminal.
    fn erase(&mut self, out: &mut Vec<u8>);

    /// The terminal may have lost everything (resize, resume, reattach): the next picture is sent whole.
    fn forget(&mut self);
}
