//! Filling: the area that an outline of the selected label closes in, or with the eraser the patch of
//! one label under the cursor.

use super::messages::Level;
use super::paint::Tool;
use super::state::App;
use crate::data::{Roi, SlicePlane};

/// Largest area that is filled, in pixels.
const LARGEST: usize = 1 << 24;

/// Why an area was not filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFilled {
    /// It reaches the edge of the image.
    Open,
    /// It is larger than is sensible.
    TooLarge,
}

/// The 4-connected area around `start` (row, column) of pixels with the value of the start, row by row in
/// `values` of `extent`; with `closed` it must not touch the image's edge.
///
/// # Errors
/// An open or too large area.
pub fn flood(
    values: &[u8],
    [rows, columns]: [usize; 2],
    start: [usize; 2],
    closed: bool,
) -> Result<Vec<[usize; 2]>, NotFilled> {
    let target = values[start[0] * columns + start[1]];
    let mut seen = vec![false; values.len()];
    let mut area = vec![start];
    seen[start[0] * columns + start[1]] = true;
    let mut next = 0;
    while let Some(&[row, column]) = area.get(next) {
        next += 1;
        if closed && (row == 0 || column == 0 || row + 1 == rows || column + 1 == columns) {
            return Err(NotFilled::Open);
        }
        if area.len() > LARGEST {
            return Err(NotFilled::TooLarge);
        }
        let neighbours = [
            (row > 0).then(|| [row - 1, column]),
            (row + 1 < rows).then_some([row + 1, column]),
            (column > 0).then(|| [row, column - 1]),
            (column + 1 < columns).then_some([row, column + 1]),
        ];
        for [row, column] in neighbours.into_iter().flatten() {
            let i = row * columns + column;
            if !seen[i] && values[i] == target {
                seen[i] = true;
                area.push([row, column]);
            }
        }
    }
    Ok(area)
}

impl App {
    /// Labels of the slice shown, row by row.
    fn slice_labels(&self, plane: SlicePlane) -> Vec<u8> {
        let [rows, columns] = self.extent();
        let region = plane.region([0, rows], [0, columns]);
        let roi = Roi::new(
            [plane.t, region.start[0], region.start[1], region.start[2]],
            [plane.t + 1, region.stop[0], region.stop[1], region.stop[2]],
        );
        self.labels().map_or(Vec::new(), |labels| labels.read(&roi).into_raw_vec_and_offset().0)
    }

    pub(super) fn fill(&mut self) {
        let (Some(plane), Some(view)) = (self.plane(), self.view()) else { return };
        let start = view.cursor_on_slice();
        let extent = self.extent();
        if extent[0].saturating_mul(extent[1]) > 16 * LARGEST {
            return self.tell(Level::Warning, "Nothing filled", "the slice is too large to fill in", "");
        }
        let values = self.slice_labels(plane);
        let here = values[start[0] * extent[1] + start[1]];
        let erasing = self.paint.tool == Tool::Eraser;
        if erasing && here == 0 {
            return self.tell(Level::Warning, "Nothing erased", "there is no label under the cursor", "");
        }
        if !erasing && here != 0 {
            return self.tell(
                Level::Warning,
                "Nothing filled",
                "the cursor is on a label",
                "Put it inside the outline, on an unlabelled pixel",
            );
        }
        match flood(&values, extent, start, !erasing) {
            Err(NotFilled::Open) => self.tell(
                Level::Warning,
                "Nothing filled",
                "the outline around the cursor is not closed",
                "Close it, or put the cursor inside",
            ),
            Err(NotFilled::TooLarge) => {
                self.tell(Level::Warning, "Nothing filled", "the area is larger than 16 megapixels", "");
            }
            Ok(area) => {
                let value = self.paint.value();
                let lane = self.lane;
                let locked = self.locked_values();
                if locked[usize::from(here)] {
                    return self.say_if_locked(start.map(|p| p as i64), value);
                }
                self.end_stroke();
                let Some(labels) = self.project.lanes.get_mut(lane).map(|lane| &mut lane.labels) else {
                    return;
                };
                let count = area.len();
                let pixels = area.into_iter().map(|[row, column]| (plane.pixel(row, column), value));
                let edit = labels.paint_where(pixels, |was| !locked[usize::from(was)]);
                self.record_stroke(lane, edit, if erasing { "erased patch" } else { "fill" });
                self.end_stroke();
                let done = if erasing { "Erased" } else { "Filled" };
                self.inform(format!("{done} {count} pixels"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(rows: &[&str]) -> (Vec<u8>, [usize; 2]) {
        let values = rows.iter().flat_map(|row| row.bytes().map(|b| b - b'0')).collect();
        (values, [rows.len(), rows[0].len()])
    }

    #[test]
    fn a_diagonal_outline_holds() {
        let (values, extent) = picture(&["00000", "00100", "01010", "00100", "00000"]);
        assert_eq!(flood(&values, extent, [2, 2], true), Ok(vec![[2, 2]]));
        assert_eq!(flood(&values, extent, [1, 1], true), Err(NotFilled::Open));
    }

    #[test]
    fn a_gap_lets_it_out() {
        let (values, extent) = picture(&["01110", "01010", "01010", "01010"]);
        assert_eq!(flood(&values, extent, [2, 2], true), Err(NotFilled::Open));
        assert_eq!(flood(&values, extent, [0, 1], false).map(|area| area.len()), Ok(9));
    }
}
