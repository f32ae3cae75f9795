//! Labels at random pixels of a project's images, as ilastik's command line offers them.
//!
//! Which pixels follows from the project's seed and the image's place in it alone. Pixels that carry a label
//! keep it.

use std::collections::BTreeSet;

use crate::classify::Draws;
use crate::data::classes::MAX_CLASSES;
use crate::data::{LabelClass, LabelVolume};
use crate::io::OpenOptions;
use crate::project::Project;

use super::plan::open_image;

/// Bytes of a block of labels: one for each pixel, and its place among the blocks.
const BLOCK_BYTES: u64 = LabelVolume::BLOCK_PIXELS as u64 + 104;
/// Bytes that are kept for a label while its image is labelled: its number in the set that is drawn, whose nodes may
/// be half empty, and its place and value in the list that is painted.
const DRAWN_BYTES: u64 = 96;

/// What labels to make.
#[derive(Clone, Copy, Debug)]
pub struct RandomLabels {
    /// The label, from 1; classes that the project has not yet are added.
    pub value: u8,
    /// Labels in each image.
    pub count: u64,
    /// Bytes for labels.
    pub memory: u64,
}

/// Why no labels were made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RandomLabelError {
    /// No class can have that number.
    #[error("There is no label {0}. Labels are numbered from 1 to {MAX_CLASSES}.")]
    Value(u8),
    /// Nowhere to put labels.
    #[error("The project has no images. Add some in brushwood, or make a project with 'brushwood train'.")]
    NoImages,
    /// An image can't be read, or is another one.
    #[error("Can't put labels on '{name}': {reason}. Put the image back, or show brushwood where it is.")]
    Image {
        /// The image's name in the project.
        name: String,
        /// Why.
        reason: String,
    },
    /// More labels than pixels for them.
    #[error(
        "Can't put {count} labels on '{name}': it has {free} pixels without a label. Ask for fewer with --random-label-count."
    )]
    TooMany {
        /// The image's name in the project.
        name: String,
        /// Labels asked for.
        count: u64,
        /// Pixels without a label.
        free: usize,
    },
    /// More labels than memory for them.
    #[error(
        "{count} labels in each of {images} images can need {bytes} bytes, and {memory} are allowed. Ask for fewer with --random-label-count, or allow more with --memory."
    )]
    Memory {
        /// Labels asked for.
        count: u64,
        /// Images of the project.
        images: usize,
        /// Bytes for them.
        bytes: u64,
        /// Bytes allowed.
        memory: u64,
    },
}

/// Puts labels on all images of `project`, which is not saved; its classifier goes, as it knows nothing of
/// them. All images are opened first, so that none is labelled unless all can be.
///
/// # Errors
/// No such label, no images, images that can't be read, or more labels than there is room for.
pub fn label_at_random(project: &mut Project, labels: RandomLabels) -> Result<(), RandomLabelError> {
    let RandomLabels { value, count, memory } = labels;
    if value == 0 || usize::from(value) > MAX_CLASSES {
        return Err(RandomLabelError::Value(value));
    }
    let images = project.lanes.len();
    if images == 0 {
        return Err(RandomLabelError::NoImages);
    }
    let mut bytes = count.saturating_mul(DRAWN_BYTES);
    for index in 0..images {
        let options = OpenOptions { memory: Some(memory), ..OpenOptions::default() };
        let opened = open_image(project, index, &options);
        let name = || project.lanes[index].raw.nickname.clone();
        opened.map_err(|reason| RandomLabelError::Image { name: name(), reason })?;
        let labels = &project.lanes[index].labels;
        bytes = bytes.saturating_add(count.min(labels.block_count()).saturating_mul(BLOCK_BYTES));
        let free = free_pixels(labels);
        if count > free as u64 {
            return Err(RandomLabelError::TooMany { name: name(), count, free });
        }
    }
    if bytes > memory {
        return Err(RandomLabelError::Memory { count, images, bytes, memory });
    }
    while project.classes.len() < usize::from(value) {
        project.classes.push(LabelClass::next(&project.classes));
    }
    let seed = project.seed;
    for (index, lane) in project.lanes.iter_mut().enumerate() {
        // No more than there are pixels.
        scatter(&mut lane.labels, value, count as usize, Draws::new(seed, index as u64));
    }
    project.invalidate_forest();
    Ok(())
}

fn free_pixels(labels: &LabelVolume) -> usize {
    let pixels = labels.shape().into_iter().fold(1, usize::saturating_mul);
    pixels - labels.iter().count()
}

/// Labels `count` of the unlabelled pixels, each set of them as likely as any other.
fn scatter(labels: &mut LabelVolume, value: u8, count: usize, mut draws: Draws) {
    let free = free_pixels(labels);
    // Floyd's sampling: as many draws as there are labels, however full the image is.
    let mut drawn = BTreeSet::new();
    for last in free - count..free {
        let one = draws.below(last + 1);
        if !drawn.insert(one) {
            drawn.insert(last);
        }
    }
    let [_, z, y, x] = labels.shape();
    let mut taken: Vec<usize> =
        labels.iter().map(|([t, k, j, i], _)| ((t * z + k) * y + j) * x + i).collect();
    taken.sort_unstable();
    let mut passed = 0;
    let pixels: Vec<_> = drawn
        .into_iter()
        .map(|free| {
            while taken.get(passed).is_some_and(|&at| at <= free + passed) {
                passed += 1;
            }
            let at = free + passed;
            ([at / (x * y * z), at / (x * y) % z, at / x % y, at % x], value)
        })
        .collect();
    labels.paint(pixels);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn free_pixels_alone_are_labelled(
            shape in [1..3_usize, 1..4_usize, 1..70_usize, 1..70_usize],
            before in 0..40_usize,
            share in 0.0..=1.0,
            seed: u64,
        ) {
            let mut labels = LabelVolume::new(shape);
            let free = free_pixels(&labels);
            scatter(&mut labels, 1, before.min(free), Draws::new(seed, 0));
            let old: Vec<_> = labels.iter().collect();
            prop_assert_eq!(old.len(), before.min(free));
            let count = ((free - old.len()) as f64 * share) as usize;
            scatter(&mut labels, 2, count, Draws::new(seed, 1));
            prop_assert_eq!(labels.counts()[2], count as u64);
            prop_assert!(old.iter().all(|&(at, value)| labels.get(at) == value));
        }
    }

    #[test]
    fn every_pixel_is_as_likely_as_any_other() {
        let mut hits = [0_u32; 30];
        for seed in 0..3000 {
            let mut labels = LabelVolume::new([1, 2, 3, 5]);
            scatter(&mut labels, 1, 10, Draws::new(seed, 0));
            labels.iter().for_each(|([_, z, y, x], _)| hits[(z * 3 + y) * 5 + x] += 1);
        }
        // A third of 3000, give or take five standard deviations.
        assert!(hits.iter().all(|hits| (870..=1130).contains(hits)), "{hits:?}");
    }
}
