//! The two layers of a picture as the kitty protocol's images hold them: RGBA pixels, few colours in the
//! overlay, and images that are turned like a torus when the picture moves.
//!
//! Sends nothing.

use super::diff::PixelRect;
use crate::render::Picture;

/// How many layers there are.
pub(crate) const LAYERS: usize = 2;
/// The slice.
pub(crate) const BASE: usize = 0;
/// Everything above it.
pub(crate) const OVERLAY: usize = 1;

/// The pixels of each layer.
pub(crate) type Layers = [Vec<[u8; 4]>; LAYERS];

/// Rounding steps tried until an overlay rectangle has at most 256 colours.
const STEPS: [u8; 3] = [1, 4, 8];

/// Largest difference, in 8-bit levels of the blended colour, between an overlay with more than 256
/// colours in one rectangle and what is shown: half a step for alpha, half for the colour, one for
/// rounding. Overlays of fewer colours are exact, opaque pixels always are.
pub const OVERLAY_ERROR: u8 = 9;

/// The layers of a picture, transparent in their holes.
pub(crate) fn of(picture: &Picture, base_holes: &[PixelRect], overlay_holes: &[PixelRect]) -> Layers {
    let mut base: Vec<[u8; 4]> = picture.base.iter().map(|[r, g, b]| [*r, *g, *b, 255]).collect();
    clear(&mut base, picture.width, base_holes);
    // Every invisible pixel alike, so that they are equal and compress.
    let seen = |p: &[u8; 4]| if p[3] == 0 { [0; 4] } else { *p };
    let mut overlay: Vec<[u8; 4]> = picture.overlay.iter().map(seen).collect();
    clear(&mut overlay, picture.width, overlay_holes);
    [base, overlay]
}

fn clear(layer: &mut [[u8; 4]], width: usize, rects: &[PixelRect]) {
    for rect in rects {
        for y in rect.y..rect.y + rect.height {
            layer[y * width + rect.x..y * width + rect.x + rect.width].fill([0; 4]);
        }
    }
}

/// The pixels of a rectangle, row by row.
pub(crate) fn cut(layer: &[[u8; 4]], width: usize, rect: PixelRect) -> Vec<[u8; 4]> {
    let rows = rect.y..rect.y + rect.height;
    rows.flat_map(|y| &layer[y * width + rect.x..y * width + rect.x + rect.width]).copied().collect()
}

/// Copies a rectangle between layers of the same size.
pub(crate) fn copy_rect(from: &[[u8; 4]], to: &mut [[u8; 4]], width: usize, rect: PixelRect) {
    for y in rect.y..rect.y + rect.height {
        let row = y * width + rect.x..y * width + rect.x + rect.width;
        to[row.clone()].copy_from_slice(&from[row]);
    }
}

/// In how many of every eighth row's pixels two layers differ.
pub(crate) fn count_differing(a: &[[u8; 4]], b: &[[u8; 4]], width: usize) -> usize {
    let rows = || a.chunks(width.max(1)).zip(b.chunks(width.max(1))).step_by(8);
    rows().map(|(a, b)| a.iter().zip(b).filter(|(a, b)| a != b).count()).sum()
}

/// A layer at half its resolution: each 2x2 pixels have the first one's colour. Transparent pixels (holes)
/// stay.
pub(crate) fn halve(layer: &[[u8; 4]], width: usize) -> Vec<[u8; 4]> {
    let width = width.max(1);
    let pick = |i: usize| {
        let (x, y) = (i % width, i / width);
        let from = layer[(y & !1) * width + (x & !1)];
        if layer[i][3] == 0 || from[3] == 0 { layer[i] } else { from }
    };
    (0..layer.len()).map(pick).collect()
}

/// Rounds colours and alphas by the smallest of [`STEPS`] that leaves at most 256 of them, so that a
/// byte names one; the largest where none does.
pub(crate) fn to_few_colors(pixels: Vec<[u8; 4]>) -> Vec<[u8; 4]> {
    for step in STEPS {
        let rounded: Vec<[u8; 4]> = pixels.iter().map(|p| round(*p, step)).collect();
        if step == STEPS[STEPS.len() - 1] || super::raster::has_few_colors(&rounded) {
            return rounded;
        }
    }
    pixels
}

fn round(pixel: [u8; 4], step: u8) -> [u8; 4] {
    if step == 1 || pixel[3] == 255 || pixel[3] == 0 {
        return pixel;
    }
    pixel.map(|v| ((u16::from(v) + u16::from(step) / 2) / u16::from(step) * u16::from(step)).min(255) as u8)
}

/// Where on the images the screen's first pixel lies; both wrap around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Torus {
    origin: [usize; 2],
}

impl Torus {
    /// Whether the images are shown in parts.
    pub fn is_turned(&self) -> bool {
        self.origin != [0, 0]
    }

    /// The screen now shows what lay `by` pixels (right, down) of it.
    pub fn turn(&mut self, by: [i64; 2], size: [usize; 2]) {
        self.origin = std::array::from_fn(|i| {
            (self.origin[i] as i64 + by[i]).rem_euclid(size[i].max(1) as i64) as usize
        });
    }

    /// A layer, as placed on screen, after a turn.
    pub fn turned(layer: &[[u8; 4]], [width, height]: [usize; 2], by: [i64; 2]) -> Vec<[u8; 4]> {
        let right = by[0].rem_euclid(width.max(1) as i64) as usize;
        let mut turned = Vec::with_capacity(layer.len());
        for y in 0..height {
            let from = (y as i64 + by[1]).rem_euclid(height.max(1) as i64) as usize;
            let row = &layer[from * width..(from + 1) * width];
            turned.extend_from_slice(&row[right..]);
            turned.extend_from_slice(&row[..right]);
        }
        turned
    }

    /// The parts of a rectangle of the screen that lie in one piece on the images: where on screen, where
    /// on the images.
    pub fn split(&self, rect: PixelRect, size: [usize; 2]) -> Vec<(PixelRect, PixelRect)> {
        let spans = |axis: usize, from: usize, count: usize| {
            // On screen, the image's end is followed by its beginning.
            let seam = size[axis] - self.origin[axis];
            let before = (from, seam.min(from + count).saturating_sub(from));
            let after = (from.max(seam), (from + count).saturating_sub(from.max(seam)));
            let image = move |at: usize| (at + self.origin[axis]) % size[axis].max(1);
            [before, after].into_iter().filter(|s| s.1 > 0).map(move |(at, n)| (at, image(at), n))
        };
        let mut parts = Vec::new();
        for (y, image_y, height) in spans(1, rect.y, rect.height) {
            for (x, image_x, width) in spans(0, rect.x, rect.width) {
                let screen = PixelRect { x, y, width, height };
                parts.push((screen, PixelRect { x: image_x, y: image_y, width, height }));
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_turned_image_shows_the_moved_picture(turns in prop::collection::vec((-40_i64..40, -30_i64..30), 0..5),
                                                  rect in (0_usize..20, 0_usize..15, 1_usize..20, 1_usize..15)) {
            let size = [20, 15];
            let image: Vec<[u8; 4]> = (0..300_u32).map(u32::to_le_bytes).collect();
            let (mut torus, mut screen) = (Torus::default(), image.clone());
            for (right, down) in turns {
                torus.turn([right, down], size);
                screen = Torus::turned(&screen, size, [right, down]);
            }
            let (x, y) = (rect.0, rect.1);
            let rect = PixelRect { x, y, width: rect.2.min(20 - x), height: rect.3.min(15 - y) };
            let mut area = 0;
            for (on_screen, on_image) in torus.split(rect, size) {
                area += on_screen.area();
                prop_assert_eq!(cut(&screen, 20, on_screen), cut(&image, 20, on_image));
            }
            prop_assert_eq!(area, rect.area(), "every pixel once");
        }
    }
}
