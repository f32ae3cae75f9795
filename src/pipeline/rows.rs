//! Labelled pixels to feature rows.
//!
//! Features are computed only around the labels: the boxes of labels that lie close together are
//! computed as one, so that the filters' halo is paid once.

use ndarray::{Array2, Array3, Array4, s};
use rayon::prelude::*;

use super::input::block_input;
use super::nonfinite::near_nonfinite;
use crate::classify::Rows;
use crate::data::{LabelVolume, Roi, SpatialRoi};
use crate::features::{FeatureBank, Scratch};
use crate::io::{self, ImageReader};

/// Most pixels of image, with halo, that are computed as one group.
const GROUP_PIXELS: usize = 1 << 20;

/// The number that names a labelled pixel `at` (`tzyx`) of lane `lane` with labels of `shape`: a hash,
/// without collisions within a lane.
pub fn pixel_key(lane: usize, shape: [usize; 4], at: [usize; 4]) -> u64 {
    let index = at.iter().zip(shape).fold(0u64, |index, (&i, n)| index.wrapping_mul(n as u64) + i as u64);
    mix(index ^ mix(lane as u64 + 1))
}

/// A bijection of 64-bit numbers that scatters neighbours (the finalizer of SplitMix64).
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Feature rows of the labelled pixels of one lane, in the labels' fixed order. Pixels with NaN or
/// infinity within the filters' halo are left out, as nothing is predicted there either.
///
/// # Errors
/// The image can't be read.
pub fn rows(
    bank: &FeatureBank,
    reader: &dyn ImageReader,
    lane: usize,
    labels: &LabelVolume,
) -> Result<Rows, io::Error> {
    let parts = rows_of_boxes(bank, reader, lane, labels, &labels.bounding_boxes())?;
    Ok(concatenate(bank.channel_count(), &parts))
}

/// Feature rows of the labelled pixels in each of `boxes` (`tzyx`, each of one time point, such as
/// those of [`LabelVolume::bounding_boxes`]), one entry for each box. Parallel on the current rayon
/// pool.
///
/// # Errors
/// The image can't be read.
pub fn rows_of_boxes(
    bank: &FeatureBank,
    reader: &dyn ImageReader,
    lane: usize,
    labels: &LabelVolume,
    boxes: &[Roi<4>],
) -> Result<Vec<Rows>, io::Error> {
    let shape = [labels.shape()[1], labels.shape()[2], labels.shape()[3]];
    let groups = group(boxes, bank.halo(), shape);
    let computed: Vec<Vec<(usize, Rows)>> = groups
        .par_iter()
        .map(|group| rows_of_group(bank, reader, lane, labels, boxes, group))
        .collect::<Result<_, _>>()?;
    let mut parts = vec![Rows::default(); boxes.len()];
    for (index, rows) in computed.into_iter().flatten() {
        parts[index] = rows;
    }
    Ok(parts)
}

/// Boxes that are computed as one.
struct Group {
    /// Indices of the boxes.
    members: Vec<usize>,
    t: usize,
    /// What encloses them.
    roi: SpatialRoi,
}

fn spatial(roi: &Roi<4>) -> SpatialRoi {
    Roi::new([roi.start[1], roi.start[2], roi.start[3]], [roi.stop[1], roi.stop[2], roi.stop[3]])
}

/// Puts boxes together wherever the union costs no more pixels than its parts, halos counted.
fn group(boxes: &[Roi<4>], halo: [usize; 3], shape: [usize; 3]) -> Vec<Group> {
    let cost = |roi: &SpatialRoi| roi.enlarge(halo, shape).len();
    let mut groups: Vec<Group> = Vec::new();
    for (index, roi) in boxes.iter().enumerate() {
        let mut next = Group { members: vec![index], t: roi.start[0], roi: spatial(roi) };
        // Boxes come in order, so whatever lies close was seen lately.
        let mut at = groups.len();
        let oldest = groups.len().saturating_sub(64);
        while at > oldest {
            at -= 1;
            let union = groups[at].roi.union(&next.roi);
            let joint = cost(&union);
            if groups[at].t == next.t
                && joint <= GROUP_PIXELS
                && joint <= cost(&groups[at].roi) + cost(&next.roi)
            {
                let mut group = groups.remove(at);
                group.members.append(&mut next.members);
                group.roi = union;
                next = group;
                at = groups.len();
            }
        }
        groups.push(next);
    }
    groups
}

fn rows_of_group(
    bank: &FeatureBank,
    reader: &dyn ImageReader,
    lane: usize,
    labels: &LabelVolume,
    boxes: &[Roi<4>],
    group: &Group,
) -> Result<Vec<(usize, Rows)>, io::Error> {
    let image = reader.info().shape;
    let input_roi = group.roi.enlarge(bank.halo(), [image[1], image[2], image[3]]);
    let input = block_input(&reader.read(&input_roi.at(group.t, image[4]))?);
    let channels = bank.channel_count();
    let presmoothed = bank.presmooth(input.view(), &input_roi, &group.roi);
    let near = near_nonfinite(input.view(), &input_roi, &group.roi, bank.halo());
    let mut scratch = Scratch::default();
    let mut parts = Vec::with_capacity(group.members.len());
    for &member in &group.members {
        let roi = spatial(&boxes[member]);
        let [z, y, x] = roi.shape();
        let mut features = Array4::zeros((channels, z, y, x));
        // What nothing is to be learned from stays 0 in every row: no split can be found there.
        let learned = bank.learned_channels();
        bank.for_each_tile(&presmoothed, &roi, learned, &mut scratch, |tile, planes| {
            let at = tile.relative_to(roi.start);
            let [z, y, x] = [0, 1, 2].map(|i| at.start[i]..at.stop[i]);
            let planes_of = features.outer_iter_mut().enumerate();
            for (channel, mut plane) in
                planes_of.filter(|(channel, _)| learned.is_none_or(|learned| learned[*channel]))
            {
                let mut part = plane.slice_mut(s![z.clone(), y.clone(), x.clone()]);
                part.iter_mut().zip(planes.channel(channel)).for_each(|(to, from)| *to = *from);
            }
        });
        let values = labels.read(&boxes[member]);
        let mut rows = Rows::default();
        let mut flat = Vec::new();
        for ((_, z, y, x), &label) in values.indexed_iter() {
            if label == 0 || is_near(&near, &group.roi, &roi, [z, y, x]) {
                continue;
            }
            flat.extend(features.slice(s![.., z, y, x]));
            rows.labels.push(label);
            let at = [group.t, roi.start[0] + z, roi.start[1] + y, roi.start[2] + x];
            rows.keys.push(pixel_key(lane, labels.shape(), at));
        }
        rows.features = matrix(channels, flat);
        parts.push((member, rows));
    }
    Ok(parts)
}

/// Whether pixel `at` of `roi` is marked in `near`, which covers `group`.
fn is_near(near: &Option<Array3<bool>>, group: &SpatialRoi, roi: &SpatialRoi, at: [usize; 3]) -> bool {
    near.as_ref().is_some_and(|near| {
        let index: [usize; 3] = std::array::from_fn(|i| roi.start[i] - group.start[i] + at[i]);
        near[index]
    })
}

/// A matrix of `channels` columns from its rows, one after the other.
fn matrix(channels: usize, flat: Vec<f32>) -> Array2<f32> {
    let count = flat.len().checked_div(channels).unwrap_or(0);
    Array2::from_shape_vec((count, channels), flat).unwrap_or_default()
}

/// `parts` one after the other; each has `channels` columns or no row.
pub(super) fn concatenate(channels: usize, parts: &[Rows]) -> Rows {
    let mut flat = Vec::with_capacity(parts.iter().map(|part| part.features.len()).sum());
    let mut all = Rows::default();
    for part in parts {
        flat.extend(part.features.iter());
        all.labels.extend(&part.labels);
        all.keys.extend(&part.keys);
    }
    all.features = matrix(channels, flat);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_name_pixels() {
        let shape = [2, 3, 5, 7];
        let mut seen = HashSet::new();
        for lane in 0..3 {
            for t in 0..2 {
                for z in 0..3 {
                    for y in 0..5 {
                        seen.extend((0..7).map(|x| pixel_key(lane, shape, [t, z, y, x])));
                    }
                }
            }
        }
        assert_eq!(seen.len(), 3 * 2 * 3 * 5 * 7);
    }

    #[test]
    fn neighbours_are_computed_together_and_strangers_apart() {
        let at = |z: usize, y: usize, x: usize| Roi::new([0, z, y, x], [1, z + 1, y + 20, x + 20]);
        let boxes = [at(0, 0, 0), at(0, 0, 30), at(0, 900, 900), at(1, 0, 0)];
        let members = |halo| {
            let mut groups: Vec<Vec<usize>> =
                group(&boxes, halo, [4, 1000, 1000]).into_iter().map(|g| g.members).collect();
            groups.iter_mut().for_each(|g| g.sort_unstable());
            groups.sort();
            groups
        };
        assert_eq!(members([0, 38, 38]), [vec![0, 1], vec![2], vec![3]]);
        assert_eq!(members([3, 38, 38]), [vec![0, 1, 3], vec![2]]);
    }
}
