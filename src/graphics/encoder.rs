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

impl CellRect {
    /// Whether the cell at `(column, row)` lies inside.
    pub fn contains(&self, column: u16, row: u16) -> bool {
        column >= self.x
            && row >= self.y
            && u32::from(column) < u32::from(self.x) + u32::from(self.width)
            && u32::from(row) < u32::from(self.y) + u32::from(self.height)
    }
}

impl CellRect {
    /// The part of this box that lies in `area`, counted from `area`'s first cell.
    pub fn within(&self, area: CellRect) -> Option<CellRect> {
        let cut = |from: u16, size: u16, low: u16, span: u16| {
            let start = u32::from(from).max(u32::from(low));
            let end = (u32::from(from) + u32::from(size)).min(u32::from(low) + u32::from(span));
            (start < end).then(|| ((start - u32::from(low)) as u16, (end - start) as u16))
        };
        let (x, width) = cut(self.x, self.width, area.x, area.width)?;
        let (y, height) = cut(self.y, self.height, area.y, area.height)?;
        Some(CellRect { x, y, width, height })
    }
}

impl Placement {
    /// Width and height of the area in whole terminal pixels.
    pub fn pixel_size(&self) -> [usize; 2] {
        [self.edge(0, self.area.width), self.edge(1, self.area.height)]
    }

    /// Whether a cell is a whole number of pixels wide and high.
    pub(crate) fn has_whole_cells(&self) -> bool {
        self.cell.iter().all(|step| step.fract() == 0.0)
    }

    /// The first pixel of the area's column (axis 0) or row (axis 1), counted from the area's first. A cell
    /// begins at a whole pixel of the terminal, rounded down where cells have no whole size.
    pub(crate) fn edge(&self, axis: usize, cell: u16) -> usize {
        let start = [self.area.x, self.area.y][axis];
        let pixel = |cells: f64| (cells * self.cell[axis]).floor().max(0.0) as usize;
        pixel(f64::from(start) + f64::from(cell)) - pixel(f64::from(start))
    }
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

/// How much of a large change may be sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Bytes of the change; a little more may come of it.
    pub bytes: usize,
    /// A change that needs more bytes than this is sent coarse first.
    pub patience: usize,
    /// The picture's pixel (x, y) to begin at.
    pub focus: [usize; 2],
}

impl Allowance {
    /// Everything at once, exactly.
    pub const ALL: Allowance = Allowance { bytes: usize::MAX, patience: usize::MAX, focus: [0; 2] };
}

/// Turns successive pictures into the bytes that make a terminal show them, sending only what changed.
pub trait FrameEncoder: Send {
    /// Its name, as `--graphics` takes it.
    fn id(&self) -> &'static str;

    /// Width and height in pixels of the picture that fills `placement`'s area.
    fn picture_size(&self, placement: &Placement) -> [usize; 2];

    /// Appends to `out` what turns the picture shown now into `picture` (of
    /// [`FrameEncoder::picture_size`]); nothing when it is shown already. Escapes are never cut. The
    /// cursor is left anywhere, text attributes are reset. Goes out after the frame's text, whose
    /// blank cells a popup that closes needs. Cells of an earlier area are not touched: when the area
    /// moves or shrinks, [`FrameEncoder::erase`] goes out first, before the text.
    fn encode(&mut self, picture: &Arc<Picture>, placement: &Placement, out: &mut Vec<u8>) {
        self.encode_some(picture, placement, &Allowance::ALL, out);
    }

    /// Like [`FrameEncoder::encode`], but of a large change only what `allowance` lets out at once: small
    /// changes (strokes, the cursor) whole and first, then the overlay where it is an image of its own,
    /// then the rest from the focus outwards, coarse first where the link is too slow for it. Whether the
    /// picture is now shown entirely and exactly; while it is not, further calls send more of it.
    fn encode_some(
        &mut self,
        picture: &Arc<Picture>,
        placement: &Placement,
        allowance: &Allowance,
        out: &mut Vec<u8>,
    ) -> bool;

    /// The next picture is the one before, moved by so many pixels (right, down) wherever both show the
    /// same part. A hint: terminals that can place parts of an image need fewer bytes with it.
    fn moved_by(&mut self, _pixels: [i64; 2]) {}

    /// The terminal may have lost the picture unnoticed (another one attached to tmux): appends what makes
    /// it say so, or forgets the picture.
    fn doubt(&mut self, _out: &mut Vec<u8>) {
        self.forget();
    }

    /// Appends what removes the picture from the terminal.
    fn erase(&mut self, out: &mut Vec<u8>);

    /// The terminal may have lost everything (resize, resume, reattach): the next picture is sent whole.
    fn forget(&mut self);

    /// The link's measured rate in bytes per second: slower links are worth more time compressing.
    fn set_link_rate(&mut self, _bytes_per_second: f64) {}
}
