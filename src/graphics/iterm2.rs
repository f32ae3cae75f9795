//! iTerm2's inline images: the composed picture in PNG rectangles of whole cells, of which only those
//! that changed are sent. Where the link is too slow for that they go out as JPEG first.
//!
//! An image takes every cell that it touches, whatever the cell held, so its size is told in cells: a size
//! in pixels, rounded up, would take the cells beside it too, and a menu's edge with them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::diff::{CellGrid, PixelRect};
use super::encoder::{CellRect, Placement};
use super::escape::{move_to, push};
use super::raster::{Effort, jpeg, png};
use super::shown::{Batch, CellWise, Shown};
use crate::render::Picture;

/// Bytes of a cell of noisy gray.
const BYTES_PER_CELL: f64 = 160.0;
/// Quality of a picture that an exact one follows.
const JPEG_QUALITY: u8 = 80;

/// Inline images.
pub struct Iterm2 {
    shown: Shown,
}

impl Iterm2 {
    /// Nothing shown yet.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Iterm2 { shown: Shown::new(BYTES_PER_CELL) }
    }
}

impl CellWise for Iterm2 {
    fn name(&self) -> &'static str {
        "iterm2"
    }

    fn cell(&self, placement: &Placement) -> [f64; 2] {
        placement.cell
    }

    fn shown(&mut self) -> &mut Shown {
        &mut self.shown
    }

    fn draw(&mut self, batch: &Batch, picture: &Picture, placement: &Placement, out: &mut Vec<u8>) {
        let mut cells = batch.cells.clone();
        if !placement.has_whole_cells() {
            cells.widen_rows(&CellGrid::drawable(placement));
        }
        for cells in cells.boxes([u16::MAX; 2]) {
            let rect = PixelRect::of_cells(cells, placement, [picture.width, picture.height]);
            if rect.area() == 0 {
                continue;
            }
            let rows = rect.y..rect.y + rect.height;
            let at = rows.flat_map(|y| y * picture.width + rect.x..y * picture.width + rect.x + rect.width);
            let opaque = |i| {
                let [r, g, b] = picture.color(i);
                [r, g, b, 255]
            };
            let pixels: Vec<[u8; 4]> = at.map(opaque).collect();
            let data = if batch.is_coarse {
                jpeg(&pixels, rect.width, JPEG_QUALITY)
            } else {
                png(&pixels, rect.width, Effort::Fast)
            };
            move_to(out, placement.area.x.saturating_add(cells.x), placement.area.y.saturating_add(cells.y));
            let (size, CellRect { width, height, .. }) = (data.len(), cells);
            push(
                out,
                format_args!(
                    "\x1b]1337;File=inline=1;size={size};width={width};height={height};\
                     preserveAspectRatio=0;doNotMoveCursor=1:"
                ),
            );
            out.extend_from_slice(STANDARD.encode(&data).as_bytes());
            out.push(0x07);
        }
        if batch.is_coarse {
            self.shown.blurred(&cells);
        } else {
            self.shown.drawn(&cells);
        }
    }
}
