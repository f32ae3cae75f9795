//! Where NaN or infinity in the image makes a prediction meaningless.

use ndarray::{Array3, ArrayView4, Zip};

use crate::data::SpatialRoi;

/// Marks the pixels of `roi` (`zyx`) that have a NaN or an infinity within `halo` (`zyx`, a box) in any
/// channel of `input` (`czyx`, covering `input_roi`); `None` when there is none.
///
/// The result of a pixel depends on the image alone, as long as `input_roi` holds `roi` enlarged by
/// `halo` and clipped to the image.
pub(super) fn near_nonfinite(
    input: ArrayView4<'_, f32>,
    input_roi: &SpatialRoi,
    roi: &SpatialRoi,
    halo: [usize; 3],
) -> Option<Array3<bool>> {
    if input.iter().all(|value| value.is_finite()) {
        return None;
    }
    let mut marked = Array3::from_elem(input_roi.shape(), false);
    for channel in input.outer_iter() {
        Zip::from(&mut marked).and(&channel).for_each(|mark, value| *mark |= !value.is_finite());
    }
    for (axis, &reach) in halo.iter().enumerate() {
        for lane in marked.lanes_mut(ndarray::Axis(axis)) {
            dilate(lane, reach);
        }
    }
    let part = roi.relative_to(input_roi.start);
    let inside = marked.slice(ndarray::s![
        part.start[0]..part.stop[0],
        part.start[1]..part.stop[1],
        part.start[2]..part.stop[2]
    ]);
    inside.iter().any(|&mark| mark).then(|| inside.to_owned())
}

/// Spreads each mark by `reach` to both sides.
fn dilate(mut line: ndarray::ArrayViewMut1<'_, bool>, reach: usize) {
    let marks: Vec<usize> = line.iter().enumerate().filter(|&(_, &mark)| mark).map(|(i, _)| i).collect();
    let mut filled = 0;
    for at in marks {
        let stop = (at + reach + 1).min(line.len());
        for i in at.saturating_sub(reach).max(filled)..stop {
            line[i] = true;
        }
        filled = stop;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Roi;
    use ndarray::Array4;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn marks_exactly_the_pixels_within_the_halo(
            bad in prop::collection::vec((0..2usize, 0..3usize, 0..9usize, 0..11usize), 0..4),
            halo in prop::array::uniform3(0..4usize),
            start in (0..3usize, 0..9usize, 0..11usize),
        ) {
            let mut image = Array4::<f32>::zeros((2, 3, 9, 11));
            for &(c, z, y, x) in &bad {
                image[[c, z, y, x]] = if c == 0 { f32::NAN } else { f32::INFINITY };
            }
            let roi = Roi::new([start.0, start.1, start.2], [3, 9, 11]);
            let input_roi = roi.enlarge(halo, [3, 9, 11]);
            let (from, to) = (input_roi.start, input_roi.stop);
            let input = image.slice(ndarray::s![.., from[0]..to[0], from[1]..to[1], from[2]..to[2]]);
            let marks = near_nonfinite(input, &input_roi, &roi, halo);
            for z in roi.start[0]..3 {
                for y in roi.start[1]..9 {
                    for x in roi.start[2]..11 {
                        let expect = bad.iter().any(|&(_, bz, by, bx)| {
                            bz.abs_diff(z) <= halo[0] && by.abs_diff(y) <= halo[1] && bx.abs_diff(x) <= halo[2]
                        });
                        let got = marks.as_ref().is_some_and(|m| {
                            m[[z - roi.start[0], y - roi.start[1], x - roi.start[2]]]
                        });
                        prop_assert_eq!(got, expect);
                    }
                }
            }
        }
    }
}
