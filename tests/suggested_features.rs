//! Suggested features, from images whose classes are carried by two known features.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/images.rs"]
#[allow(dead_code)]
mod images;

use std::sync::Arc;

use brushwood::classify::{self, TrainOptions};
use brushwood::data::{CancelToken, LabelVolume, SpatialRoi, Volume};
use brushwood::features::{FeatureBank, FeatureSelection};
use brushwood::io::ImageReader;
use brushwood::pipeline::{
    self, Candidates, SuggestionMethod, SuggestionOptions, TrainingLane, candidate_features,
};
use images::MemoryImage;
use ndarray::{Array4, Array5};

/// Row and column of the two features in the selection matrix: smoothing at 0.7 and at 10. No sum of other
/// features gives one of them.
const CARRIERS: [[usize; 2]; 2] = [[0, 1], [0, 6]];
const SIDE: usize = 96;

fn random(seed: u64, i: usize) -> u64 {
    let mut z = (seed << 32 ^ i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn only(cells: &[[usize; 2]]) -> FeatureSelection {
    let mut selection = FeatureSelection::none([1, SIDE, SIDE]);
    cells.iter().for_each(|&[row, column]| selection.selected[row][column] = true);
    selection
}

/// A noise image, labelled at 800 random pixels by whether each of the two features is above its median.
fn lane(seed: u64, index: usize) -> TrainingLane {
    let noise = |y: usize, x: usize| (random(seed, y * SIDE + x) % 1000) as f32;
    let volume = Volume::from(Array5::from_shape_fn([1, 1, SIDE, SIDE, 1], |(_, _, y, x, _)| noise(y, x)));
    let reader = Arc::new(MemoryImage::new(volume));
    let whole = SpatialRoi::whole([1, SIDE, SIDE]);
    let input = pipeline::block_input(&reader.read(&whole.at(0, 1)).unwrap());
    let bank = FeatureBank::new(&only(&CARRIERS), [1, SIDE, SIDE], 1).unwrap();
    let mut features = Array4::zeros((2, 1, SIDE, SIDE));
    bank.compute(input.view(), &whole, &whole, features.view_mut());
    let median = |channel: usize| {
        let mut values: Vec<f32> = features.index_axis(ndarray::Axis(0), channel).iter().copied().collect();
        values.sort_by(f32::total_cmp);
        values[values.len() / 2]
    };
    let cuts = [median(0), median(1)];
    let mut labels = LabelVolume::new([1, 1, SIDE, SIDE]);
    labels.paint((0..800).map(|i| {
        let at = random(seed + 1000, i) as usize % (SIDE * SIDE);
        let [y, x] = [at / SIDE, at % SIDE];
        let above = |channel: usize| u8::from(features[[channel, 0, y, x]] > cuts[channel]);
        ([0, 0, y, x], 1 + above(0) + 2 * above(1))
    }));
    TrainingLane { index, reader, labels }
}

fn candidates(lanes: &[TrainingLane]) -> Candidates {
    let pool = candidate_features(&only(&[]), &[[1, SIDE, SIDE]]);
    Candidates::collect(lanes, pool, &CancelToken::new()).unwrap()
}

fn suggested(candidates: &Candidates, method: SuggestionMethod, count: usize) -> FeatureSelection {
    let options = SuggestionOptions { method, count, penalty: 0.1, seed: 1 };
    candidates.suggest(&options, &CancelToken::new(), &|share| assert!((0.0..=1.0).contains(&share))).unwrap()
}

#[test]
fn filter_and_wrapper_find_the_two_features_in_nine_of_ten_seeds() {
    let mut found = [0; 2];
    for seed in 0..10 {
        let candidates = candidates(&[lane(seed, 0)]);
        for (found, method) in found.iter_mut().zip([SuggestionMethod::Filter, SuggestionMethod::Wrapper]) {
            *found += usize::from(suggested(&candidates, method, 2).selected == only(&CARRIERS).selected);
        }
    }
    assert!(found.iter().all(|&found| found >= 9), "found by filter and wrapper in {found:?} of 10 seeds");
}

#[test]
fn all_images_count_and_results_repeat() {
    // One image alone lacks a class; both together hold all.
    let mut lanes = [lane(3, 0), lane(4, 1)];
    for (lane, kept) in lanes.iter_mut().zip([[1, 2], [3, 4]]) {
        let other: Vec<_> = lane.labels.iter().filter(|(_, v)| !kept.contains(v)).collect();
        lane.labels.paint(other.into_iter().map(|(at, _)| (at, 0)));
    }
    let both = candidates(&lanes);
    for method in SuggestionMethod::ALL {
        let sought = suggested(&both, method, 0);
        assert!((1..=12).contains(&sought.count()), "{method}: {} features", sought.count());
        assert_eq!(sought, suggested(&candidates(&lanes), method, 0), "{method}");
    }
    assert_eq!(suggested(&both, SuggestionMethod::Gini, 5).count(), 5);
}

#[test]
fn a_sets_forest_is_the_one_that_training_gives() {
    let lanes = [lane(5, 0)];
    let selection = only(&[[0, 1], [4, 2], [5, 3]]);
    let set = candidates(&lanes).train(&selection, 10, 7, &CancelToken::new()).unwrap();
    let rows = pipeline::collect_rows(&lanes, &selection, &CancelToken::new()).unwrap();
    let trained =
        classify::train(&rows, &TrainOptions { trees: 0..10, seed: 7 }, &CancelToken::new()).unwrap();
    assert_eq!(*set.forest, trained.forest);
    assert_eq!(set.oob_error, trained.oob_error());
    assert_eq!(set.selection, selection);
}
