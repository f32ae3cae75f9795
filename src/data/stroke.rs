//! From brush positions to pixels: round brushes, straight segments, slicing planes.

use serde::{Deserialize, Serialize};

use super::axes::Axis;
use super::roi::SpatialRoi;

/// ilastik's brush sizes, diameters in pixels.
pub const BRUSH_SIZES: [u32; 8] = [1, 3, 5, 7, 11, 23, 31, 61];

/// A round brush.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brush {
    /// Diameter in image pixels, at least 1.
    pub diameter: u32,
}

/// A slice through an image: one time, one position along the axis it is normal to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SlicePlane {
    /// The axis the slice is normal to: `Z`, `Y` or `X`.
    pub axis: Axis,
    /// Time.
    pub t: usize,
    /// Index along `axis`.
    pub position: usize,
}

impl SlicePlane {
    /// The two image axes shown, down the screen then across it: `yx`, `zx` or `zy`.
    pub fn axes(&self) -> [Axis; 2] {
        match self.axis {
            Axis::X => [Axis::Z, Axis::Y],
            Axis::Y => [Axis::Z, Axis::X],
            _ => [Axis::Y, Axis::X],
        }
    }

    /// The image pixel `[t, z, y, x]` of row `v` and column `u` of the slice.
    pub fn pixel(&self, v: usize, u: usize) -> [usize; 4] {
        let [down, across] = self.axes();
        let mut at = [self.t, 0, 0, 0];
        at[self.axis as usize] = self.position;
        at[down as usize] = v;
        at[across as usize] = u;
        at
    }

    /// Rows and columns of the slice in an image of `shape` (`zyx`).
    pub fn extent(&self, shape: [usize; 3]) -> [usize; 2] {
        self.axes().map(|axis| shape[axis as usize - 1])
    }

    /// The box (`zyx`) of the rows and columns given (half open).
    pub fn region(&self, rows: [usize; 2], columns: [usize; 2]) -> SpatialRoi {
        let first = self.pixel(rows[0], columns[0]);
        let last = self.pixel(rows[1].max(rows[0] + 1) - 1, columns[1].max(columns[0] + 1) - 1);
        SpatialRoi::new([first[1], first[2], first[3]], [last[1] + 1, last[2] + 1, last[3] + 1])
    }
}

impl Brush {
    /// The slice pixels `(row, column)` whose centre lies within half a diameter of the segment from
    /// `from` to `to` (both pixel centres, `[row, column]`), in row order. A brush of an even diameter
    /// reaches half a pixel further down and right than up and left.
    pub fn segment(&self, from: [i64; 2], to: [i64; 2]) -> Vec<[i64; 2]> {
        let diameter = i64::from(self.diameter.max(1));
        // Twice all lengths, so that even diameters have an integer centre.
        let shift = i64::from(diameter % 2 == 0);
        let a = from.map(|p| 2 * p + shift);
        let b = to.map(|p| 2 * p + shift);
        let reach = diameter / 2 + 1;
        let span = |i: usize| (from[i].min(to[i]) - reach, from[i].max(to[i]) + reach);
        let ((row0, row1), (col0, col1)) = (span(0), span(1));
        let mut pixels = Vec::new();
        for row in row0..=row1 {
            for column in col0..=col1 {
                if within([2 * row, 2 * column], a, b, diameter) {
                    pixels.push([row, column]);
                }
            }
        }
        pixels
    }

    /// The next larger (`step` > 0) or smaller of ilastik's sizes.
    pub fn stepped(&self, step: i32) -> Brush {
        let sizes = BRUSH_SIZES.iter();
        let next = if step > 0 {
            sizes.copied().find(|&s| s > self.diameter)
        } else {
            sizes.rev().copied().find(|&s| s < self.diameter)
        };
        Brush { diameter: next.unwrap_or(self.diameter) }
    }
}

/// Whether `p` is within `reach` of the segment `a`-`b`, in exact integer arithmetic.
fn within(p: [i64; 2], a: [i64; 2], b: [i64; 2], reach: i64) -> bool {
    let d = [b[0] - a[0], b[1] - a[1]];
    let q = [p[0] - a[0], p[1] - a[1]];
    let length2 = i128::from(d[0] * d[0] + d[1] * d[1]);
    let along = i128::from(q[0] * d[0] + q[1] * d[1]).clamp(0, length2);
    let reach2 = i128::from(reach * reach);
    if length2 == 0 {
        return i128::from(q[0] * q[0] + q[1] * q[1]) <= reach2;
    }
    // Distance to the foot point a + d * along / length2, both sides times length2 squared.
    let off = |i: usize| i128::from(q[i]) * length2 - i128::from(d[i]) * along;
    off(0).pow(2) + off(1).pow(2) <= reach2 * length2 * length2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn area(diameter: u32) -> usize {
        Brush { diameter }.segment([0, 0], [0, 0]).len()
    }

    #[test]
    fn discs_have_round_areas() {
        assert_eq!(area(1), 1);
        assert_eq!(area(2), 4);
        assert_eq!(area(3), 9);
        assert_eq!(area(5), 21);
        let exact = std::f64::consts::PI * 61.0 * 61.0 / 4.0;
        assert!((area(61) as f64 / exact - 1.0).abs() < 0.02);
    }

    #[test]
    fn one_pixel_wide_lines_leave_no_gap() {
        let line = Brush { diameter: 1 }.segment([0, 0], [0, 9]);
        assert_eq!(line.len(), 10);
    }

    proptest! {
        #[test]
        fn segments_are_connected_and_hold_their_ends(
            y in -50i64..50, x in -50i64..50, diameter in 1u32..12,
        ) {
            let pixels = Brush { diameter }.segment([0, 0], [y, x]);
            prop_assert!(pixels.contains(&[0, 0]));
            prop_assert!(pixels.contains(&[y, x]));
            let mut reached = vec![pixels[0]];
            let mut open = reached.clone();
            while let Some([r, c]) = open.pop() {
                for p in &pixels {
                    if (p[0] - r).abs() <= 1 && (p[1] - c).abs() <= 1 && !reached.contains(p) {
                        reached.push(*p);
                        open.push(*p);
                    }
                }
            }
            prop_assert_eq!(reached.len(), pixels.len());
        }
    }

    #[test]
    fn planes_address_pixels() {
        let plane = SlicePlane { axis: Axis::Y, t: 1, position: 7 };
        assert_eq!(plane.pixel(2, 3), [1, 2, 7, 3]);
        assert_eq!(plane.extent([4, 5, 6]), [4, 6]);
        assert_eq!(plane.region([0, 4], [2, 6]), SpatialRoi::new([0, 7, 2], [4, 8, 6]));
    }
}
