//! What holds for the whole bank: results independent of blocks, tiles and instructions; closed forms;
//! symmetry; sizes at the limit; hostile samples.
#![allow(clippy::unwrap_used)]

use ndarray::{Array4, ArrayView4, Axis, s};
use proptest::prelude::*;

use super::kernel::half_kernel;
use super::selection::DEFAULT_SCALES;
use super::*;
use crate::data::{BlockGrid, Roi, SpatialRoi};

/// A repeatable image of noise, `czyx`.
fn noise(channels: usize, shape: [usize; 3], seed: u64) -> Array4<f32> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    Array4::from_shape_simple_fn((channels, shape[0], shape[1], shape[2]), || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 65536.0
    })
}

fn compute(bank: &FeatureBank, image: ArrayView4<'_, f32>) -> Array4<f32> {
    let roi = Roi::whole(bank.image_shape());
    compute_block(bank, image, &roi)
}

/// Computes `roi` from no more of the image than the halo asks for.
fn compute_block(bank: &FeatureBank, image: ArrayView4<'_, f32>, roi: &SpatialRoi) -> Array4<f32> {
    let input_roi = roi.enlarge(bank.halo(), bank.image_shape());
    let [z, y, x] = [0, 1, 2].map(|i| input_roi.start[i]..input_roi.stop[i]);
    let [slices, rows, columns] = roi.shape();
    let mut out = Array4::from_elem((bank.channel_count(), slices, rows, columns), f32::NAN);
    bank.compute(image.slice(s![.., z, y, x]), &input_roi, roi, out.view_mut());
    out
}

fn part(whole: &Array4<f32>, roi: &SpatialRoi) -> Array4<f32> {
    let [z, y, x] = [0, 1, 2].map(|i| roi.start[i]..roi.stop[i]);
    whole.slice(s![.., z, y, x]).to_owned()
}

fn bits(array: &Array4<f32>) -> Vec<u32> {
    array.iter().map(|v| v.to_bits()).collect()
}

fn channel(bank: &FeatureBank, name: &str) -> usize {
    bank.channel_names().iter().position(|n| n == name).unwrap()
}

fn sets() -> [InstructionSet; 2] {
    [InstructionSet::best(), InstructionSet::Portable]
}

fn selection(scales: &[f64], in_2d: &[bool]) -> FeatureSelection {
    FeatureSelection {
        scales: scales.to_vec(),
        compute_in_2d: in_2d.to_vec(),
        selected: std::array::from_fn(|_| vec![true; scales.len()]),
        unused_channels: Vec::new(),
    }
}

/// All filters at those of `scales` (and whether in 2D) that an image of `shape` is large enough for.
fn fitting(scales: &[(f64, bool)], shape: [usize; 3]) -> FeatureSelection {
    let fits = |&&(scale, in_2d): &&(f64, bool)| selection::check_scale(scale, in_2d, shape).is_ok();
    let (scales, in_2d): (Vec<f64>, Vec<bool>) = scales.iter().filter(fits).copied().unzip();
    selection(&scales, &in_2d)
}

/// Largest difference over the channel's largest value, of all channels. Differences of large numbers
/// leave rounding of the image's own magnitude (256), which is forgiven.
fn deviation(a: &Array4<f32>, b: &Array4<f32>) -> f32 {
    a.outer_iter()
        .zip(b.outer_iter())
        .map(|(a, b)| {
            let largest = a.iter().fold(1e-30f32, |m, v| m.max(v.abs()));
            a.iter().zip(&b).fold(0f32, |m, (a, b)| m.max((a - b).abs() - 256.0 * 1e-6)) / largest
        })
        .fold(0.0, f32::max)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_equal_the_whole_to_the_bit(
        shape in [1usize..12, 5usize..90, 5usize..150],
        block in [1usize..8, 1usize..70, 1usize..100],
        scales in prop::collection::vec((0.1f64..6.0, any::<bool>()), 1..4),
        channels in 1usize..3,
        seed in any::<u64>(),
    ) {
        let selection = fitting(&scales, shape);
        let image = noise(channels, shape, seed);
        for set in sets() {
            let bank = FeatureBank::new(&selection, shape, channels).unwrap().with_instructions(set);
            let whole = compute(&bank, image.view());
            let grid = BlockGrid::new(shape, block);
            let indices = grid.touching(&Roi::whole(shape));
            for index in indices.iter().step_by(indices.len().div_ceil(12)) {
                let roi = grid.block(*index);
                let alone = compute_block(&bank, image.view(), &roi);
                prop_assert_eq!(bits(&alone), bits(&part(&whole, &roi)), "{} with {:?}", roi, set);
            }
        }
    }

    #[test]
    fn mirrored_images_have_mirrored_features(
        shape in [1usize..14, 5usize..60, 5usize..70],
        scales in prop::collection::vec((0.1f64..4.0, any::<bool>()), 1..4),
        channels in 1usize..3,
        axis in 1usize..4,
        seed in any::<u64>(),
    ) {
        let image = noise(channels, shape, seed);
        for set in sets() {
            let bank = FeatureBank::new(&fitting(&scales, shape), shape, channels).unwrap().with_instructions(set);
            let mut expected = compute(&bank, image.view());
            let mut image = image.clone();
            image.invert_axis(Axis(axis));
            expected.invert_axis(Axis(axis));
            let error = deviation(&expected, &compute(&bank, image.as_standard_layout().view()));
            prop_assert!(error < 1e-4, "axis {}: {:e} with {:?}", axis, error, set);
        }
    }

    #[test]
    fn both_instruction_sets_agree_to_rounding(
        shape in [5usize..14, 36usize..60, 36usize..60],
        seed in any::<u64>(),
    ) {
        let image = noise(1, shape, seed);
        for selection in [FeatureSelection::all_fitting([1, shape[1], shape[2]]), FeatureSelection::all_fitting(shape)] {
            let bank = FeatureBank::new(&selection, shape, 1).unwrap();
            let fused = compute(&bank, image.view());
            let portable = compute(&bank.with_instructions(InstructionSet::Portable), image.view());
            let error = deviation(&fused, &portable);
            prop_assert!(error < 1e-4, "deviation {:e}", error);
        }
    }
}

#[test]
fn tiles_and_needed_channels_equal_the_whole_to_the_bit() {
    let shape = [9, 70, 150];
    let image = noise(2, shape, 7);
    let selection = selection(&[0.7, 1.6, 1.0], &[false, false, true]);
    let bank = FeatureBank::new(&selection, shape, 2).unwrap();
    let whole = compute(&bank, image.view());
    let needed: Vec<bool> = (0..bank.channel_count()).map(|channel| channel % 3 == 1).collect();
    let roi = Roi::new([1, 3, 5], [8, 61, 149]);
    let input_roi = Roi::whole(shape);
    let presmoothed = bank.presmooth(image.view(), &input_roi, &roi);
    assert!(presmoothed.bytes() >= 6 * 4 * roi.len());
    let mut seen = 0;
    let mut scratch = Scratch::default();
    bank.for_each_tile(&presmoothed, &roi, Some(&needed), &mut scratch, |tile, planes| {
        seen += tile.len();
        let expected = part(&whole, tile);
        for channel in (0..needed.len()).filter(|&channel| needed[channel]) {
            let expected: Vec<f32> = expected.index_axis(Axis(0), channel).iter().copied().collect();
            assert_eq!(planes.channel(channel), expected, "channel {channel} of {tile}");
        }
    });
    assert_eq!(seen, roi.len());
}

#[test]
fn buffers_take_what_was_promised() {
    let selections = [
        (selection(&[0.7, 1.6, 5.0], &[false, false, false]), [60, 90, 150]),
        (selection(&[0.7, 1.6, 5.0], &[true, false, true]), [60, 90, 150]),
        (selection(&[0.3, 3.5, 10.0], &[true, true, true]), [1, 300, 200]),
    ];
    for (selection, shape) in selections {
        let image = noise(2, shape, 1);
        let bank = FeatureBank::new(&selection, shape, 2).unwrap();
        let (mut scratch, mut presmoothed) = (Scratch::default(), Presmoothed::default());
        let block = shape.map(|extent| extent.div_ceil(2));
        let grid = BlockGrid::new(shape, block);
        let whole = Roi::whole(shape);
        for index in grid.touching(&whole) {
            let roi = grid.block(index);
            bank.presmooth_into(image.view(), &whole, &roi, &mut scratch, &mut presmoothed);
            bank.for_each_tile(&presmoothed, &roi, None, &mut scratch, |_, _| {});
        }
        let taken = (presmoothed.bytes() + scratch.bytes()) as u64;
        let promised = bank.working_bytes(block);
        assert!(taken <= promised, "{taken} bytes of {promised} promised");
        assert!(promised < taken + taken / 4, "{promised} bytes promised for {taken}");
    }
}

#[test]
fn writes_to_arrays_of_any_layout() {
    let shape = [1, 40, 45];
    let image = noise(1, shape, 3);
    let bank = FeatureBank::new(&FeatureSelection::all_fitting(shape), shape, 1).unwrap();
    let expected = compute(&bank, image.view());
    let mut channel_last = Array4::zeros((1, 40, 45, bank.channel_count()));
    let roi = Roi::whole(shape);
    bank.compute(image.view(), &roi, &roi, channel_last.view_mut().permuted_axes([3, 0, 1, 2]));
    assert_eq!(channel_last.permuted_axes([3, 0, 1, 2]), expected);
}

#[test]
fn a_dirac_gives_the_kernels() {
    let shape = [1, 21, 25];
    let mut image = Array4::zeros((1, 1, 21, 25));
    image[[0, 0, 10, 12]] = 1.0;
    let bank = FeatureBank::new(&selection(&[0.7], &[true]), shape, 1).unwrap();
    let (outer, inner) = (half_kernel(0.7, 3.5, 0), half_kernel(0.7, 2.0, 0));
    let second = half_kernel(0.7, 2.0, 2);
    let at = |half: &[f32], x: isize| half.get(x.unsigned_abs()).map_or(0.0, |&c| f64::from(c));
    let twice =
        |half: &[f32], x: isize| -> f64 { (-2isize..=2).map(|k| at(&outer, k) * at(half, x - k)).sum() };
    for set in sets() {
        let features = compute(&bank.clone().with_instructions(set), image.view());
        for (y, x) in (6..15).flat_map(|y| (8..17).map(move |x| (y, x))) {
            let (dy, dx) = (y as isize - 10, x as isize - 12);
            let (gy, gx) = (twice(&inner, dy), twice(&inner, dx));
            let laplacian = twice(&second, dy) * gx + gy * twice(&second, dx);
            assert!((f64::from(features[[0, 0, y, x]]) - gy * gx).abs() < 1e-7, "smooth at {dy}, {dx}");
            assert!((f64::from(features[[1, 0, y, x]]) - laplacian).abs() < 1e-6, "Laplacian at {dy}, {dx}");
        }
    }
}

#[test]
fn a_ramp_has_its_slope_and_nothing_else() {
    let shape = [30, 40, 44];
    let image = Array4::from_shape_fn((1, 30, 40, 44), |(_, z, y, x)| {
        2.0 * x as f32 - 3.0 * y as f32 + 6.0 * z as f32
    });
    let bank = FeatureBank::new(&selection(&[0.7, 1.0, 1.6], &[false; 3]), shape, 1).unwrap();
    for set in sets() {
        let features = compute(&bank.clone().with_instructions(set), image.view());
        for scale in ["0.7", "1.0", "1.6"] {
            let value = |name: String| features[[channel(&bank, &name), 15, 20, 21]];
            let within = |bound: f32, name: &str, expect: f32| {
                let got = value(name.replace("σ=", &format!("σ={scale}")));
                assert!((got - expect).abs() < bound, "{name} at {scale}: {got} instead of {expect}");
            };
            let close = |name: &str, expect: f32| within(1e-3, name, expect);
            close("Gaussian Smoothing (σ=)", 2.0 * 21.0 - 3.0 * 20.0 + 6.0 * 15.0);
            close("Gaussian Gradient Magnitude (σ=)", 7.0);
            close("Laplacian of Gaussian (σ=)", 0.0);
            close("Difference of Gaussians (σ=)", 0.0);
            close("Structure Tensor Eigenvalues (σ=) [0]", 49.0);
            close("Structure Tensor Eigenvalues (σ=) [1]", 0.0);
            close("Structure Tensor Eigenvalues (σ=) [2]", 0.0);
            close("Hessian of Gaussian Eigenvalues (σ=) [0]", 0.0);
        }
    }
}

#[test]
fn a_constant_image_has_no_features_but_itself() {
    for shape in [[1, 40, 50], [40, 37, 36]] {
        let image = Array4::from_elem((1, shape[0], shape[1], shape[2]), 200.0);
        let bank = FeatureBank::new(&FeatureSelection::all_fitting(shape), shape, 1).unwrap();
        let features = compute(&bank, image.view());
        for (name, values) in bank.channel_names().iter().zip(features.outer_iter()) {
            let expect = if name.starts_with("Gaussian Smoothing") { 200.0 } else { 0.0 };
            assert!(values.iter().all(|v| (v - expect).abs() < 2e-3), "{name}");
        }
    }
}

#[test]
fn transposed_images_have_transposed_features() {
    let shape = [1, 37, 41];
    let image = noise(1, shape, 13);
    let all = |shape| FeatureBank::new(&FeatureSelection::all_fitting([1, 37, 37]), shape, 1).unwrap();
    let expected = compute(&all(shape), image.view());
    let transposed = image.permuted_axes([0, 1, 3, 2]);
    let features = compute(&all([1, 41, 37]), transposed.view()).permuted_axes([0, 1, 3, 2]);
    let error = deviation(&expected, &features.as_standard_layout().to_owned());
    assert!(error < 1e-4, "{error:e}");
}

#[test]
fn images_at_the_limit_of_each_scale() {
    for scale in DEFAULT_SCALES.into_iter().chain([0.01, 0.1, 0.25, 0.5, 0.72, 0.75, 1.01, 2.0, 25.0]) {
        let size = selection::required_pixels(scale);
        for (shape, in_2d) in [([1, size, size], true), ([size.min(40), size, size], size > 40)] {
            let bank = FeatureBank::new(&selection(&[scale], &[in_2d]), shape, 1).unwrap();
            let features = compute(&bank, noise(1, shape, 5).view());
            assert!(features.iter().all(|v| v.is_finite()), "{scale} on {shape:?}");
        }
        for axis in 1..3 {
            let mut shape = [1, size, size];
            shape[axis] -= 1;
            assert!(
                FeatureBank::new(&selection(&[scale], &[true]), shape, 1).is_err(),
                "{scale} on {shape:?}"
            );
        }
    }
}

#[test]
fn tensor_without_a_gradient_kernel_copies() {
    let shape = [1, 12, 12];
    let image = noise(1, shape, 17);
    let bank = FeatureBank::new(&selection(&[0.3], &[true]), shape, 1).unwrap();
    let features = compute(&bank, image.view());
    let smooth_only = |half: &[f32], source: &Array4<f32>| -> Array4<f32> {
        let reflect = |i: isize| {
            if i < 0 {
                1
            } else if i > 11 {
                10
            } else {
                i as usize
            }
        };
        let along = |source: &Array4<f32>, step: [isize; 2]| {
            Array4::from_shape_fn((1, 1, 12, 12), |(_, _, y, x)| {
                let tap = |k: isize| {
                    source[[0, 0, reflect(y as isize + k * step[0]), reflect(x as isize + k * step[1])]]
                };
                half[0] * tap(0) + half[1] * (tap(-1) + tap(1))
            })
        };
        along(&along(source, [0, 1]), [1, 0])
    };
    let presmoothed = smooth_only(&half_kernel(0.3, 3.5, 0), &image);
    let expected = smooth_only(&half_kernel(0.3, 2.0, 0), &presmoothed.mapv(|p| p * p)) * 2.0;
    let first = channel(&bank, "Structure Tensor Eigenvalues (σ=0.3) in 2D [0]");
    for (got, expect) in features.index_axis(Axis(0), first).iter().zip(&expected) {
        assert!((got - expect).abs() <= 1e-5 * expect, "{got} instead of {expect}");
    }
}

#[test]
fn nan_and_infinity_stay_within_the_halo() {
    let shape = [12, 40, 44];
    let bank = FeatureBank::new(&selection(&[0.3, 1.0, 1.6], &[false, true, false]), shape, 1).unwrap();
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut image = noise(1, shape, 19);
        let clean = compute(&bank, image.view());
        image[[0, 5, 20, 21]] = bad;
        let features = compute(&bank, image.view());
        assert!(features.slice(s![.., 5, 20, 21]).iter().all(|v| !v.is_finite()), "{bad} is lost");
        let reach = Roi::new([5, 20, 21], [6, 21, 22]).enlarge(bank.halo(), shape);
        for ((_, z, y, x), value) in
            features.indexed_iter().filter(|((_, z, y, x), _)| !reach.contains([*z, *y, *x]))
        {
            assert!(value.is_finite(), "{bad} reaches {z}, {y}, {x}");
        }
        assert!(clean.iter().all(|v| v.is_finite()));
    }
}

#[test]
fn an_empty_selection_has_no_channels() {
    let bank = FeatureBank::new(&FeatureSelection::all_fitting([1, 1, 1]), [1, 1, 1], 3).unwrap();
    assert_eq!(bank.channel_count(), 0);
    assert_eq!(bank.halo(), [0; 3]);
    assert_eq!(compute(&bank, noise(3, [1, 1, 1], 1).view()).len(), 0);
}

#[test]
fn names_are_ilastiks() {
    let shape = [20, 40, 40];
    let mut chosen = selection(&[0.3, 10.0, 1.25], &[false, true, false]);
    chosen.selected = std::array::from_fn(|row| match row {
        0 => vec![true, false, true],
        4 => vec![false, true, true],
        _ => vec![false; 3],
    });
    let names = FeatureBank::new(&chosen, shape, 1).unwrap().channel_names();
    assert_eq!(
        names,
        [
            "Gaussian Smoothing (σ=0.3)",
            "Gaussian Smoothing (σ=1.25)",
            "Structure Tensor Eigenvalues (σ=10.0) in 2D [0]",
            "Structure Tensor Eigenvalues (σ=10.0) in 2D [1]",
            "Structure Tensor Eigenvalues (σ=1.25) [0]",
            "Structure Tensor Eigenvalues (σ=1.25) [1]",
            "Structure Tensor Eigenvalues (σ=1.25) [2]",
        ]
    );
    let names = FeatureBank::new(&chosen, shape, 2).unwrap().channel_names();
    assert_eq!(names[1], "Gaussian Smoothing (σ=0.3) [1]");
    assert_eq!(names.len(), 14);
}
