//! Prediction does not depend on how the work is cut up, and stays away from what is not an image.

#![allow(clippy::unwrap_used)]

mod predict_support;

use std::sync::LazyLock;

use brushwood::data::Roi;
use ndarray::{Array5, s};
use predict_support::{Case, InMemory};
use proptest::prelude::*;

static GRAY: LazyLock<(Case, Array5<f32>)> = LazyLock::new(|| reference("gray"));
static MIXED: LazyLock<(Case, Array5<f32>)> = LazyLock::new(|| reference("mixed"));
static TIME: LazyLock<(Case, Array5<f32>)> = LazyLock::new(|| reference("time"));

/// A golden project and its image predicted as one block by one thread.
fn reference(name: &str) -> (Case, Array5<f32>) {
    let case = Case::open(name);
    let [_, z, y, x] = case.whole().shape();
    let whole = case.predict(&case.raw, case.whole(), Some([z, y, x]), 1);
    assert!(whole.iter().all(|p| (0.0..=1.0).contains(p)), "{name}: every pixel is written");
    (case, whole)
}

fn bits(array: &Array5<f32>) -> Vec<u32> {
    array.iter().map(|value| value.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn blocks_and_threads_change_no_bit_in_2d(y in 5..80usize, x in 5..80usize, threads in 1..4usize) {
        let (case, whole) = &*GRAY;
        let cut = case.predict(&case.raw, case.whole(), Some([1, y, x]), threads);
        prop_assert_eq!(bits(&cut), bits(whole));
    }

    #[test]
    fn a_cutout_is_a_crop_of_the_whole(
        y in (0..40usize, 1..32usize), x in (0..40usize, 1..40usize), block in 7..50usize,
    ) {
        let (case, whole) = &*GRAY;
        let region = Roi::new([0, 0, y.0, x.0], [1, 1, y.0 + y.1, x.0 + x.1]);
        let cut = case.predict(&case.raw, region, Some([1, block, block]), 2);
        let crop = whole.slice(s![.., .., y.0..y.0 + y.1, x.0..x.0 + x.1, ..]).to_owned();
        prop_assert_eq!(bits(&cut), bits(&crop));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn blocks_and_threads_change_no_bit_in_3d(
        z in 4..20usize, y in 9..36usize, x in 9..40usize, threads in 1..4usize,
    ) {
        let (case, whole) = &*MIXED;
        let cut = case.predict(&case.raw, case.whole(), Some([z, y, x]), threads);
        prop_assert_eq!(bits(&cut), bits(whole));
    }
}

#[test]
fn the_default_blocks_change_no_bit() {
    for (case, whole) in [&*GRAY, &*MIXED, &*TIME] {
        let cut = case.predict(&case.raw, case.whole(), None, 3);
        assert_eq!(bits(&cut), bits(whole));
    }
}

#[test]
fn time_points_are_predicted_each_on_its_own() {
    let (case, whole) = &*TIME;
    let [_, z, y, x] = case.whole().shape();
    let second = case.predict(&case.raw, Roi::new([1, 0, 0, 0], [2, z, y, x]), None, 1);
    assert_eq!(bits(&second), bits(&whole.slice(s![1..2, .., .., .., ..]).to_owned()));
}

#[test]
fn not_a_number_clears_its_halo_and_nothing_else() {
    let (case, whole) = &*GRAY;
    let [t, z, y, x, c] = case.raw.info().shape;
    let mut image = case.raw.read(&Roi::whole([t, z, y, x, c])).expect("read").to_f32();
    image[[0, 0, 2, 3, 0]] = f32::NAN;
    let raw = InMemory::open(image, case.raw.info());
    let [_, reach_y, reach_x] = case.bank.halo();
    for block in [[1, 72, 80], [1, 17, 23]] {
        let damaged = case.predict(&raw, case.whole(), Some(block), 2);
        for (at, &p) in damaged.indexed_iter() {
            let near = at.2.abs_diff(2) <= reach_y && at.3.abs_diff(3) <= reach_x;
            let expect = if near { 0.0 } else { whole[[at.0, at.1, at.2, at.3, at.4]] };
            assert_eq!(p.to_bits(), expect.to_bits(), "at {at:?} in blocks of {block:?}");
        }
    }
}
