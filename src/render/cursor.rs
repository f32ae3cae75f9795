//! The cursor: the outline of the brush and a small cross around it.

use super::{Picture, Viewport};
use crate::data::Brush;
use crate::data::classes::Rgb;

/// Length of the cross's arms in picture pixels, and their distance from the brush.
const ARM: i64 = 6;
const GAP: i64 = 2;

/// Where the next dab would go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Slice pixel `(row, column)`.
    pub at: [i64; 2],
    /// The brush whose outline is drawn.
    pub brush: Option<Brush>,
    /// Colour of the outline.
    pub color: Rgb,
    /// Whether the cross is drawn.
    pub cross: bool,
}

/// Draws `cursor` into the overlay.
pub(super) fn draw(cursor: &Cursor, viewport: &Viewport, picture: &mut Picture) {
    let pixels = cursor.brush.unwrap_or(Brush { diameter: 1 }).segment(cursor.at, cursor.at);
    let low: [i64; 2] = std::array::from_fn(|i| pixels.iter().map(|p| p[i]).min().unwrap_or(cursor.at[i]));
    let high: [i64; 2] = std::array::from_fn(|i| pixels.iter().map(|p| p[i]).max().unwrap_or(cursor.at[i]));
    let span: [usize; 2] = std::array::from_fn(|i| (high[i] - low[i] + 1) as usize);
    let mut covered = vec![false; span[0] * span[1]];
    for p in &pixels {
        covered[(p[0] - low[0]) as usize * span[1] + (p[1] - low[1]) as usize] = true;
    }
    let is_covered = |row: i64, column: i64| {
        let at = viewport.slice_at(row as f64, column as f64).map(|p| p.floor() as i64);
        (0..2).all(|i| (low[i]..=high[i]).contains(&at[i]))
            && covered[(at[0] - low[0]) as usize * span[1] + (at[1] - low[1]) as usize]
    };
    // The picture rows and columns that show any of the brush.
    let from = viewport.picture_at(low.map(|p| p as f64)).map(|p| p.floor() as i64 - 1);
    let to = viewport.picture_at(high.map(|p| p as f64 + 1.0)).map(|p| p.ceil() as i64 + 1);
    let size = [picture.height as i64, picture.width as i64];
    let clip = |i: usize| from[i].clamp(0, size[i])..to[i].clamp(0, size[i]);
    if cursor.brush.is_some() {
        for row in clip(0) {
            for column in clip(1) {
                let edge = is_covered(row, column)
                    && [(-1, 0), (1, 0), (0, -1), (0, 1)]
                        .iter()
                        .any(|(r, c)| !is_covered(row + r, column + c));
                if edge {
                    put(picture, row, column, cursor.color);
                }
            }
        }
    }
    if cursor.cross {
        let middle = viewport.picture_at(cursor.at.map(|p| p as f64 + 0.5)).map(|p| p.floor() as i64);
        for step in 0..ARM {
            for (row, column) in [
                (from[0] + 1 - GAP - step, middle[1]),
                (to[0] - 2 + GAP + step, middle[1]),
                (middle[0], from[1] + 1 - GAP - step),
                (middle[0], to[1] - 2 + GAP + step),
            ] {
                contrast(picture, row, column);
            }
        }
    }
}

fn index(picture: &Picture, row: i64, column: i64) -> Option<usize> {
    let (row, column) = (usize::try_from(row).ok()?, usize::try_from(column).ok()?);
    (row < picture.height && column < picture.width).then(|| row * picture.width + column)
}

fn put(picture: &mut Picture, row: i64, column: i64, [r, g, b]: Rgb) {
    if let Some(i) = index(picture, row, column) {
        picture.overlay[i] = [r, g, b, 255];
    }
}

/// Black on bright pixels, white on dark ones.
fn contrast(picture: &mut Picture, row: i64, column: i64) {
    if let Some(i) = index(picture, row, column) {
        let [r, g, b] = picture.color(i).map(u32::from);
        let light = if 2 * r + 5 * g + b > 8 * 127 { 0 } else { 255 };
        picture.overlay[i] = [light, light, light, 255];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outline_lies_on_the_brush_and_the_cross_outside() {
        let viewport = Viewport { center: [10.0, 10.0], zoom: [3.0, 3.0], picture: [60, 60] };
        let mut picture = Picture::new(60, 60);
        let cursor =
            Cursor { at: [10, 10], brush: Some(Brush { diameter: 3 }), color: [1, 2, 3], cross: true };
        draw(&cursor, &viewport, &mut picture);
        let mut outline = 0;
        for (i, pixel) in picture.overlay.iter().enumerate().filter(|(_, p)| p[3] > 0) {
            let at = viewport.slice_at((i / 60) as f64, (i % 60) as f64).map(|p| p.floor() as i64);
            let inside = at.iter().all(|&p| (9..=11).contains(&p));
            assert_eq!(inside, *pixel == [1, 2, 3, 255], "{at:?}");
            outline += usize::from(inside);
        }
        // Nine slice pixels of 3 x 3 picture pixels: the outline of a square of side 9.
        assert_eq!(outline, 4 * 8);
        assert_eq!(picture.overlay.iter().filter(|p| p[3] > 0).count(), 32 + 4 * ARM as usize);
    }

    #[test]
    fn outside_the_picture_nothing_happens() {
        let viewport = Viewport { center: [10.0, 10.0], zoom: [1.0, 1.0], picture: [20, 20] };
        let mut picture = Picture::new(20, 20);
        let cursor =
            Cursor { at: [-50, 900], brush: Some(Brush { diameter: 61 }), color: [9; 3], cross: true };
        draw(&cursor, &viewport, &mut picture);
        assert_eq!(picture, Picture::new(20, 20));
    }
}
