//! Two pixels a cell with the upper half block, for terminals without graphics.
//!
//! Colours are rounded so that neighbouring cells share them and few colour changes are sent.

use super::encoder::Placement;
use super::escape::{move_to, push};
use super::shown::{Batch, CellWise, Shown};
use crate::render::Picture;

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colors {
    /// 24 bits, of which 15 are used.
    True,
    /// The 6x6x6 cube and 24 grays of the 256-colour palette.
    Indexed,
    /// None: `NO_COLOR`, or a terminal that has none.
    None,
}

/// A colour as it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellColor {
    Rgb([u8; 3]),
    Index(u8),
}

impl CellColor {
    /// The sent form of a colour: 5 bits a channel (at most 4 levels off), or the nearest of the 256.
    pub(crate) fn of(rgb: [u8; 3], colors: Colors) -> Self {
        match colors {
            Colors::Indexed => CellColor::Index(indexed(rgb)),
            _ => CellColor::Rgb(rgb.map(|v| {
                let five = (u16::from(v) * 31 + 127) / 255;
                ((five * 255 + 15) / 31) as u8
            })),
        }
    }

    /// Appends the SGR parameters for text (38) or background (48).
    pub(crate) fn select(self, layer: u8, out: &mut Vec<u8>) {
        match self {
            CellColor::Rgb([r, g, b]) => push(out, format_args!("\x1b[{layer};2;{r};{g};{b}m")),
            CellColor::Index(i) => push(out, format_args!("\x1b[{layer};5;{i}m")),
        }
    }
}

/// The nearest colour of the 6x6x6 cube (16 to 231) and the gray ramp (232 to 255).
pub(crate) fn indexed(rgb: [u8; 3]) -> u8 {
    const STEPS: [i32; 6] = [0, 95, 135, 175, 215, 255];
    let value = rgb.map(i32::from);
    let nearest = value.map(|v| (0..6).min_by_key(|i| (STEPS[*i as usize] - v).abs()).unwrap_or(0));
    let distance = |c: [i32; 3]| -> i32 { c.iter().zip(value).map(|(a, b)| (a - b) * (a - b)).sum() };
    let gray = ((value.iter().sum::<i32>() / 3 - 3) / 10).clamp(0, 23);
    let cube = distance(nearest.map(|i| STEPS[i as usize]));
    if distance([8 + 10 * gray; 3]) < cube {
        (232 + gray) as u8
    } else {
        (16 + 36 * nearest[0] + 6 * nearest[1] + nearest[2]) as u8
    }
}

/// Half-block cells.
pub struct HalfBlocks {
    colors: Colors,
    shown: Shown,
}

/// Bytes of a cell in a picture without areas of one colour.
const BYTES_PER_CELL: f64 = 30.0;
/// A cell's size in picture pixels.
const CELL: [f64; 2] = [1.0, 2.0];

impl HalfBlocks {
    /// Draws with the colours that the terminal has.
    pub fn new(colors: Colors) -> Self {
        HalfBlocks { colors, shown: Shown::new(BYTES_PER_CELL) }
    }
}

impl CellWise for HalfBlocks {
    fn name(&self) -> &'static str {
        "half"
    }

    fn cell(&self, _: &Placement) -> [f64; 2] {
        CELL
    }

    fn shown(&mut self) -> &mut Shown {
        &mut self.shown
    }

    fn draw(&mut self, batch: &Batch, picture: &Picture, placement: &Placement, out: &mut Vec<u8>) {
        let at =
            |x: u16, y: usize| CellColor::of(picture.color(y * picture.width + usize::from(x)), self.colors);
        let (mut text, mut ground) = (None, None);
        let mut any = false;
        for run in batch.cells.boxes([u16::MAX, 1]) {
            move_to(out, placement.area.x.saturating_add(run.x), placement.area.y.saturating_add(run.y));
            if !any {
                out.extend_from_slice(b"\x1b[0m");
                any = true;
            }
            for x in run.x..run.x + run.width {
                let (top, bottom) = (at(x, 2 * usize::from(run.y)), at(x, 2 * usize::from(run.y) + 1));
                if top == bottom {
                    if ground == Some(top) {
                        out.push(b' ');
                        continue;
                    }
                    if text == Some(top) {
                        out.extend_from_slice("█".as_bytes());
                        continue;
                    }
                    top.select(48, out);
                    ground = Some(top);
                    out.push(b' ');
                    continue;
                }
                if text == Some(bottom) && ground == Some(top) {
                    out.extend_from_slice("▄".as_bytes());
                    continue;
                }
                if text != Some(top) {
                    top.select(38, out);
                    text = Some(top);
                }
                if ground != Some(bottom) {
                    bottom.select(48, out);
                    ground = Some(bottom);
                }
                out.extend_from_slice("▀".as_bytes());
            }
        }
        if any {
            out.extend_from_slice(b"\x1b[0m");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_256_colours_are_the_nearest() {
        assert_eq!(indexed([0, 0, 0]), 16);
        assert_eq!(indexed([255, 255, 255]), 231);
        assert_eq!(indexed([255, 0, 0]), 196);
        assert_eq!(indexed([128, 128, 128]), 244);
    }

    #[test]
    fn true_colours_are_at_most_four_levels_off() {
        for v in 0..=255_u8 {
            let CellColor::Rgb([r, ..]) = CellColor::of([v; 3], Colors::True) else {
                unreachable!("true colours are asked for")
            };
            assert!(r.abs_diff(v) <= 5, "{v} became {r}");
        }
    }
}
