//! A character a pixel, for terminals without colour, UTF-8 or graphics.
//!
//! Brightness is a ramp of ten characters. Opaque overlay pixels, such as labels, are capital letters, a
//! letter for each colour, so that classes can be told apart without colour.

use super::encoder::Placement;
use super::escape::move_to;
use super::half_blocks::{CellColor, Colors};
use super::shown::{Batch, CellWise, Shown};
use crate::render::Picture;

/// From dark to bright.
const RAMP: &[u8; 10] = b" .:-=+*#%@";
/// Overlay alpha from which a pixel is a letter.
const OPAQUE: u8 = 230;

/// Bytes of a cell, with colour.
const BYTES_PER_CELL: f64 = 12.0;

/// ASCII cells.
pub struct Ascii {
    colors: Colors,
    shown: Shown,
    /// Overlay colours in the order they were first seen: the letters A, B, C...
    letters: Vec<[u8; 3]>,
}

impl Ascii {
    /// Draws with the colours that the terminal has, none of them for `NO_COLOR`.
    pub fn new(colors: Colors) -> Self {
        Ascii { colors, shown: Shown::new(BYTES_PER_CELL), letters: Vec::new() }
    }

    fn character(&mut self, picture: &Picture, i: usize) -> u8 {
        let [r, g, b, alpha] = picture.overlay[i];
        if alpha >= OPAQUE {
            let known = self.letters.iter().position(|l| *l == [r, g, b]);
            let letter = known.unwrap_or_else(|| {
                self.letters.push([r, g, b]);
                self.letters.len() - 1
            });
            return b'A' + (letter % 26) as u8;
        }
        RAMP[brightness(picture.color(i)) * RAMP.len() / 256]
    }
}

/// Rec. 709 luma, 0 to 255.
fn brightness([r, g, b]: [u8; 3]) -> usize {
    (usize::from(r) * 54 + usize::from(g) * 183 + usize::from(b) * 19) >> 8
}

impl CellWise for Ascii {
    fn name(&self) -> &'static str {
        "ascii"
    }

    fn cell(&self, _: &Placement) -> [f64; 2] {
        [1.0; 2]
    }

    fn shown(&mut self) -> &mut Shown {
        &mut self.shown
    }

    fn draw(&mut self, batch: &Batch, picture: &Picture, placement: &Placement, out: &mut Vec<u8>) {
        let mut color = None;
        let mut any = false;
        for run in batch.cells.boxes([u16::MAX, 1]) {
            move_to(out, placement.area.x.saturating_add(run.x), placement.area.y.saturating_add(run.y));
            if !any {
                out.extend_from_slice(b"\x1b[0m");
                any = true;
            }
            for x in run.x..run.x + run.width {
                let i = usize::from(run.y) * picture.width + usize::from(x);
                let character = self.character(picture, i);
                if self.colors != Colors::None && character != b' ' {
                    let wanted = CellColor::of(picture.color(i), self.colors);
                    if color != Some(wanted) {
                        wanted.select(38, out);
                        color = Some(wanted);
                    }
                }
                out.push(character);
            }
        }
        if any {
            out.extend_from_slice(b"\x1b[0m");
        }
    }
}
