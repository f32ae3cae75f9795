//! Several slices in one picture: where their panes are, and putting them together.

use super::Picture;
use crate::data::classes::Rgb;

/// Colour of the lines between panes, and of those around the pane that takes keys.
const LINE: Rgb = [70, 70, 70];
const ACTIVE_LINE: Rgb = [255, 255, 255];

/// A part of a picture, in its pixels (row, column).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaneArea {
    /// Its first row and column.
    pub origin: [usize; 2],
    /// Its rows and columns.
    pub size: [usize; 2],
}

impl PaneArea {
    /// Whether a position in the picture (row, column) lies in it.
    pub fn holds(&self, at: [f64; 2]) -> bool {
        (0..2).all(|i| {
            let from = self.origin[i] as f64;
            (from..from + self.size[i] as f64).contains(&at[i])
        })
    }
}

/// Three panes of a picture of `size` (rows, columns): one on the left, two on the right, with a line of one
/// pixel between them.
pub fn split([rows, columns]: [usize; 2]) -> [PaneArea; 3] {
    let halves = |n: usize| {
        let first = n.saturating_sub(1).div_ceil(2);
        [first, n.saturating_sub(first + 1)]
    };
    let ([left, right], [upper, lower]) = (halves(columns), halves(rows));
    [
        PaneArea { origin: [0, 0], size: [rows, left] },
        PaneArea { origin: [0, left + 1], size: [upper, right] },
        PaneArea { origin: [upper + 1, left + 1], size: [lower, right] },
    ]
}

/// Puts the pictures of [`split`]'s panes together in one of `size` (rows, columns); `active` is the pane
/// that takes keys.
pub fn join(size: [usize; 2], parts: &[Picture; 3], active: usize) -> Picture {
    let [rows, columns] = size;
    let mut joined = Picture::new(columns, rows);
    let areas = split(size);
    for (part, area) in parts.iter().zip(&areas) {
        let [height, width] = area.size;
        for row in 0..height.min(part.height) {
            let from = row * part.width;
            let to = (area.origin[0] + row) * columns + area.origin[1];
            let width = width.min(part.width);
            joined.base[to..to + width].copy_from_slice(&part.base[from..from + width]);
            joined.overlay[to..to + width].copy_from_slice(&part.overlay[from..from + width]);
        }
    }
    let mut line = |row: usize, column: usize, color: Rgb| {
        if row < rows && column < columns {
            joined.base[row * columns + column] = color;
        }
    };
    let (left, upper) = (areas[0].size[1], areas[1].size[0]);
    let color = |panes: &[usize]| if panes.contains(&active) { ACTIVE_LINE } else { LINE };
    for row in 0..rows {
        line(row, left, color(if row < upper { &[0, 1] } else { &[0, 2] }));
    }
    for column in left + 1..columns {
        line(upper, column, color(&[1, 2]));
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn panes_and_lines_cover_a_picture_once(rows in 0..40usize, columns in 0..40usize) {
            let areas = split([rows, columns]);
            for row in 0..rows {
                for column in 0..columns {
                    let at = [row as f64 + 0.5, column as f64 + 0.5];
                    let held = areas.iter().filter(|area| area.holds(at)).count();
                    let on_line = column == areas[0].size[1]
                        || (column > areas[0].size[1] && row == areas[1].size[0]);
                    prop_assert_eq!(held, usize::from(!on_line), "{} {}", row, column);
                }
            }
        }
    }

    #[test]
    fn each_part_lies_in_its_pane() {
        let size = [9, 11];
        let areas = split(size);
        let part = |i: usize| {
            let [height, width] = areas[i].size;
            let mut picture = Picture::new(width, height);
            picture.base.fill([i as u8 + 1; 3]);
            picture
        };
        let joined = join(size, &[part(0), part(1), part(2)], 1);
        let at = |row: usize, column: usize| joined.base[row * 11 + column];
        assert_eq!([at(8, 0), at(0, 10), at(8, 10)], [[1; 3], [2; 3], [3; 3]]);
        assert_eq!([at(0, 5), at(8, 5), at(4, 8)], [ACTIVE_LINE, LINE, ACTIVE_LINE]);
    }
}
