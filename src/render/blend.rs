//! Source-over blending of whole layers.

use crate::data::classes::Rgb;

/// A stack of layers blended so far: per pixel red, green, blue (0 to 255, multiplied by alpha) and alpha.
#[derive(Clone, Debug)]
pub(super) struct Sheet {
    pixels: Vec<[f32; 4]>,
}

impl Sheet {
    /// Nothing, `len` pixels of it.
    pub fn new(len: usize) -> Sheet {
        Sheet { pixels: vec![[0.0; 4]; len] }
    }

    /// Lays a colour over pixel `at`.
    pub fn over(&mut self, at: usize, [r, g, b]: Rgb, alpha: f32) {
        let rest = 1.0 - alpha;
        let below = &mut self.pixels[at];
        *below = [
            f32::from(r) * alpha + below[0] * rest,
            f32::from(g) * alpha + below[1] * rest,
            f32::from(b) * alpha + below[2] * rest,
            alpha + below[3] * rest,
        ];
    }

    /// Replaces pixel `at`.
    pub fn set(&mut self, at: usize, color: Rgb) {
        self.over(at, color, 1.0);
    }

    /// Lays all of `above`, which has as many pixels, over this.
    pub fn stack(&mut self, above: Sheet) {
        for (below, above) in self.pixels.iter_mut().zip(above.pixels) {
            let rest = 1.0 - above[3];
            for (below, above) in below.iter_mut().zip(above) {
                *below = above + *below * rest;
            }
        }
    }

    /// The colours on black.
    pub fn opaque(&self) -> Vec<Rgb> {
        self.pixels.iter().map(|&[r, g, b, _]| [r, g, b].map(round)).collect()
    }

    /// Colours with straight alpha; wholly transparent pixels are all zero.
    pub fn straight(&self) -> Vec<[u8; 4]> {
        self.pixels
            .iter()
            .map(|&[r, g, b, a]| {
                let alpha = round(a * 255.0);
                if alpha == 0 {
                    return [0; 4];
                }
                let [r, g, b] = [r, g, b].map(|light| round(light / a));
                [r, g, b, alpha]
            })
            .collect()
    }
}

fn round(value: f32) -> u8 {
    (value + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_over() {
        let mut sheet = Sheet::new(1);
        sheet.over(0, [200, 0, 0], 0.5);
        sheet.over(0, [0, 100, 0], 0.5);
        // 0.5 green over 0.5 red: alpha 0.75, red 200 * 0.25 / 0.75, green 100 * 0.5 / 0.75.
        assert_eq!(sheet.straight(), [[67, 67, 0, 191]]);
        assert_eq!(sheet.opaque(), [[50, 50, 0]]);
    }

    #[test]
    fn stacking_sheets_is_stacking_their_layers() {
        let (mut one, mut lower, mut upper) = (Sheet::new(1), Sheet::new(1), Sheet::new(1));
        one.over(0, [9, 90, 200], 0.3);
        lower.over(0, [9, 90, 200], 0.3);
        for (color, alpha) in [([250, 1, 2], 0.6), ([3, 140, 5], 0.25)] {
            one.over(0, color, alpha);
            upper.over(0, color, alpha);
        }
        lower.stack(upper);
        assert_eq!(lower.straight(), one.straight());
    }
}
