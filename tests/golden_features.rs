//! Features of the golden images against those that ilastik computed and stored.

use std::path::PathBuf;

use brushwood::data::{AxisOrder, Roi, SpatialRoi};
use brushwood::features::{FeatureBank, FeatureSelection, InstructionSet};
use hdf5_pure::{DType, Dataset, File, VlenStringReadOptions};
use ndarray::{Array4, Array5, ArrayD, Axis, Ix5, s};

fn path(case: &str, file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(case).join(file)
}

fn shape(dataset: &Dataset) -> Vec<usize> {
    dataset.shape().expect("shape").into_iter().map(|n| n as usize).collect()
}

/// Reorders an array of `axes` to `tczyx`.
fn canonical<T: Clone>(array: ArrayD<T>, axes: &str) -> Array5<T> {
    let axes: AxisOrder = axes.parse().expect("axes");
    let mut array = array;
    let mut names: String = axes.to_string();
    for key in "tczyx".chars().filter(|key| !axes.to_string().contains(*key)) {
        array = array.insert_axis(Axis(0));
        names.insert(0, key);
    }
    let order: Vec<usize> = "tczyx".chars().map(|key| names.find(key).expect("every axis")).collect();
    array.permuted_axes(order).into_dimensionality::<Ix5>().expect("five axes")
}

fn raw(case: &str, axes: &str) -> Array5<f32> {
    let file = File::open(path(case, &format!("{case}_raw.h5"))).expect("raw file");
    let dataset = file.dataset("data").expect("dataset");
    let samples: Vec<f32> = match dataset.dtype().expect("type") {
        DType::U8 => dataset.read_u8().expect("samples").into_iter().map(f32::from).collect(),
        DType::U16 => dataset.read_u16().expect("samples").into_iter().map(f32::from).collect(),
        _ => dataset.read_f32().expect("samples"),
    };
    canonical(ArrayD::from_shape_vec(shape(&dataset), samples).expect("shape"), axes)
}

fn selection(project: &File) -> FeatureSelection {
    let flags = |name: &str| -> Vec<bool> {
        let dataset = project.dataset(&format!("FeatureSelections/{name}")).expect("flags");
        dataset.read_raw().expect("flags").into_iter().map(|byte| byte != 0).collect()
    };
    let scales = project.dataset("FeatureSelections/Scales").expect("scales").read_f64().expect("scales");
    let matrix = flags("SelectionMatrix");
    let mut rows = matrix.chunks(scales.len());
    FeatureSelection {
        compute_in_2d: flags("ComputeIn2d"),
        selected: std::array::from_fn(|_| rows.next().expect("six rows").to_vec()),
        scales,
        unused_channels: Vec::new(),
    }
}

fn stored_names(project: &File) -> Vec<String> {
    let dataset = project.dataset("PixelClassification/ClassifierForests/feature_names").expect("names");
    dataset.read_vlen_strings(VlenStringReadOptions::default()).expect("names")
}

fn stored_features(case: &str, axes: &str) -> Array5<f32> {
    let mut archive = npyz::npz::NpzArchive::open(path(case, "features.npz")).expect("features");
    let array = archive.by_name("features").expect("features").expect("key");
    let shape: Vec<usize> = array.shape().iter().map(|&n| n as usize).collect();
    let samples: Vec<f32> = array.into_vec().expect("float32");
    let axes: String = axes.chars().filter(|&key| key != 'c').chain(['c']).collect();
    canonical(ArrayD::from_shape_vec(shape, samples).expect("shape"), &axes)
}

/// Largest and median error of a channel over the channel's largest value.
struct Deviation {
    name: String,
    largest: f32,
    median: f32,
}

fn deviations(case: &str, axes: &str, rows: SpatialRoi, set: InstructionSet) -> Vec<Deviation> {
    let project = File::open(path(case, &format!("{case}.ilp"))).expect("project");
    let raw = raw(case, axes);
    let (_, channels, depth, height, width) = raw.dim();
    let bank = FeatureBank::new(&selection(&project), [depth, height, width], channels)
        .expect("the project fits its image")
        .with_instructions(set);
    assert_eq!(bank.channel_names(), stored_names(&project), "channel names of {case}");
    let expected = stored_features(case, axes);
    let rows = rows.intersect(&Roi::whole([depth, height, width]));
    let [slices, lines, columns] = rows.shape();
    let mut computed = Array5::zeros((raw.dim().0, bank.channel_count(), slices, lines, columns));
    for (image, mut out) in raw.outer_iter().zip(computed.outer_iter_mut()) {
        let image = image.as_standard_layout();
        let mut block = Array4::zeros(out.raw_dim());
        bank.compute(image.view(), &Roi::whole([depth, height, width]), &rows, block.view_mut());
        out.assign(&block);
    }
    assert_eq!(computed.dim(), expected.dim(), "shape of {case}");
    (0..bank.channel_count())
        .map(|channel| {
            let ours = computed.slice(s![.., channel, .., .., ..]);
            let theirs = expected.slice(s![.., channel, .., .., ..]);
            let largest = theirs.iter().fold(f32::MIN_POSITIVE, |m, v| m.max(v.abs()));
            let mut errors: Vec<f32> =
                ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs() / largest).collect();
            errors.sort_by(f32::total_cmp);
            Deviation {
                name: bank.channel_names()[channel].clone(),
                largest: errors[errors.len() - 1],
                median: errors[errors.len() / 2],
            }
        })
        .collect()
}

fn is_3d_eigenvalue(name: &str) -> bool {
    name.contains("Eigenvalues") && !name.contains("in 2D")
}

/// Compares all channels: within 2e-3 of a channel's largest value, four in five within 1e-4. ilastik's
/// eigenvalues in 3D come from a less exact formula: within 1e-2, half of the pixels within 1e-5.
fn check(case: &str, axes: &str, rows: SpatialRoi) {
    for set in [InstructionSet::best(), InstructionSet::Portable] {
        let deviations = deviations(case, axes, rows, set);
        for Deviation { name, largest, median } in &deviations {
            let bound = if is_3d_eigenvalue(name) { 1e-2 } else { 2e-3 };
            assert!(*largest <= bound, "{case}, {name}: largest error {largest:e} ({set:?})");
            assert!(
                *median <= 1e-5 || !is_3d_eigenvalue(name),
                "{case}, {name}: median error {median:e} ({set:?})"
            );
        }
        let exact: Vec<_> = deviations.iter().filter(|d| !is_3d_eigenvalue(&d.name)).collect();
        let close = exact.iter().filter(|d| d.largest <= 1e-4).count();
        assert!(close * 5 >= exact.len() * 4, "{case}: {close} of {} channels within 1e-4", exact.len());
    }
}

const WHOLE: SpatialRoi = Roi { start: [0; 3], stop: [usize::MAX; 3] };

#[test]
fn gray() {
    check("gray", "yx", WHOLE);
}

#[test]
fn rgb() {
    check("rgb", "yxc", WHOLE);
}

#[test]
fn vol() {
    check("vol", "zyx", WHOLE);
}

#[test]
fn mixed() {
    check("mixed", "zyx", WHOLE);
}

#[test]
fn time() {
    check("time", "tyxc", WHOLE);
}

#[test]
fn noisy() {
    check("noisy", "yx", Roi { start: [0, 96, 0], stop: [usize::MAX, 128, usize::MAX] });
}
