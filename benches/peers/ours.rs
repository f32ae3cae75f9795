//! Our side of `benches/peers/run`: computes features of the sample image, writes them with the rows for the
//! peers, then times the filter bank, training and prediction on one thread and prints the times as JSON.
//!
//! Usage: `ours FOLDER`. Times are the processor's, so that other programs on the machine count less.

#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use brushwood::classify::{CompiledForest, Rows, TrainOptions, train};
use brushwood::data::{CancelToken, SpatialRoi};
use brushwood::features::{FeatureBank, FeatureSelection, Presmoothed, Scratch};
use ndarray::{Array2, Array4, Axis};

const ROWS: usize = 5000;

fn main() {
    // cargo passes `--bench` as well.
    let folder = std::env::args().skip(1).find(|arg| !arg.starts_with("--")).map(PathBuf::from);
    let folder = folder.unwrap_or_else(std::env::temp_dir);
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| run(&sample, &folder));
}

fn run(sample: &Path, folder: &Path) {
    let mut decoder =
        tiff::decoder::Decoder::new(fs::File::open(sample.join("nuclei.tif")).unwrap()).unwrap();
    let (width, height) = decoder.dimensions().unwrap();
    let (width, height) = (width as usize, height as usize);
    let pixels: Vec<f32> = match decoder.read_image().unwrap() {
        tiff::decoder::DecodingResult::U8(data) => data.iter().map(|&x| x.into()).collect(),
        tiff::decoder::DecodingResult::U16(data) => data.iter().map(|&x| x.into()).collect(),
        _ => panic!("nuclei.tif has another sample type"),
    };
    let shape = [1, height, width];
    let image = Array4::from_shape_vec((1, 1, height, width), pixels).unwrap();
    let bank = FeatureBank::new(&FeatureSelection::all_fitting(shape), shape, 1).unwrap();
    let mut features = Array4::zeros((bank.channel_count(), 1, height, width));
    let whole = SpatialRoi::whole(shape);
    bank.compute(image.view(), &whole, &whole, features.view_mut());
    let planes = features.view().into_shape_with_order((bank.channel_count(), height * width)).unwrap();
    let by_pixel: Array2<f32> = planes.t().as_standard_layout().into_owned();

    let truth = image::open(sample.join("nuclei_truth.png")).unwrap().to_luma8().into_raw();
    let chosen: Vec<usize> = (0..ROWS).map(|i| i * 7919 * 13 % truth.len()).collect();
    let clean: Vec<u8> = chosen.iter().map(|&i| truth[i]).collect();
    let noisy: Vec<u8> = clean.iter().zip(0..).map(|(&l, i)| if i % 10 == 0 { 3 - l } else { l }).collect();
    let rows = by_pixel.select(Axis(0), &chosen);
    let three = three_classes(&truth, [height, width]);
    let three: Vec<u8> = chosen.iter().map(|&i| three[i]).collect();
    write(&folder.join("forest_features.f32"), by_pixel.iter().copied());
    write(&folder.join("forest_rows.f32"), rows.iter().copied());

    let mut results = vec![bank_times("2d", [1, 1024, 1024]), bank_times("3d", [64, 128, 128])];
    for (name, labels) in [("clean", clean), ("three", three), ("noisy", noisy)] {
        fs::write(folder.join(format!("forest_labels_{name}.u8")), &labels).unwrap();
        let keys = chosen.iter().map(|&i| i as u64).collect();
        let rows = Rows { features: rows.clone(), labels, keys };
        let options = TrainOptions { trees: 0..100, seed: 1 };
        let (training, trained) = best_of(5, || train(&rows, &options, &CancelToken::new()).unwrap());
        let nodes: usize = trained.forest.trees.iter().map(|tree| tree.nodes.len()).sum();
        let compiled = CompiledForest::new(&trained.forest);
        let mut out = Array4::zeros((trained.forest.classes.len(), 1, height, width));
        let (prediction, ()) = best_of(5, || compiled.predict_block(features.view(), out.view_mut()));
        results.push(format!(
            r#""{name}": {{"train": {training:.6}, "predict": {prediction:.6}, "leaves": {}, "oob": {:.4}}}"#,
            (nodes / 100).div_ceil(2),
            trained.oob_error().unwrap_or(f64::NAN),
        ));
    }
    println!(
        r#"{{"channels": {}, "pixels": {}, {}}}"#,
        bank.channel_count(),
        height * width,
        results.join(", ")
    );
}

/// Class 3 within two pixels of a border between the others.
fn three_classes(truth: &[u8], [height, width]: [usize; 2]) -> Vec<u8> {
    let near = |at: usize, end: usize| at.saturating_sub(2)..(at + 3).min(end);
    let class = |i: usize| {
        let mut around = near(i / width, height).flat_map(|y| near(i % width, width).map(move |x| (y, x)));
        if around.any(|(y, x)| truth[y * width + x] != truth[i]) { 3 } else { truth[i] }
    };
    (0..truth.len()).map(class).collect()
}

/// Seconds for all features of waves, as `peer.py` makes them: tile by tile, and stored.
fn bank_times(name: &str, shape: [usize; 3]) -> String {
    let image = Array4::from_shape_fn((1, shape[0], shape[1], shape[2]), |(_, z, y, x)| {
        100.0 + 50.0 * (x as f32 * 0.1).sin() + 30.0 * (y as f32 * 0.07 + z as f32 * 0.2).cos()
    });
    let roi = SpatialRoi::whole(shape);
    let bank = FeatureBank::new(&FeatureSelection::all_fitting(shape), shape, 1).unwrap();
    let (mut scratch, mut presmoothed) = (Scratch::default(), Presmoothed::default());
    let (tiles, _) = best_of(5, || {
        bank.presmooth_into(image.view(), &roi, &roi, &mut scratch, &mut presmoothed);
        let mut sum = 0.0;
        bank.for_each_tile(&presmoothed, &roi, None, &mut scratch, |_, planes| sum += planes.channel(0)[0]);
        std::hint::black_box(sum)
    });
    let mut out = Array4::zeros((bank.channel_count(), shape[0], shape[1], shape[2]));
    let (stored, ()) = best_of(5, || bank.compute(image.view(), &roi, &roi, out.view_mut()));
    format!(r#""{name}": {{"pixels": {}, "tiles": {tiles:.6}, "stored": {stored:.6}}}"#, roi.len())
}

fn write(path: &Path, values: impl Iterator<Item = f32>) {
    fs::write(path, values.flat_map(f32::to_le_bytes).collect::<Vec<u8>>()).unwrap();
}

fn best_of<T>(times: usize, mut work: impl FnMut() -> T) -> (f64, T) {
    let mut timed = || {
        let start = processor_seconds();
        let result = work();
        (processor_seconds() - start, result)
    };
    let mut best = timed();
    for _ in 1..times {
        let next = timed();
        if next.0 < best.0 {
            best = next;
        }
    }
    best
}

/// Time that this thread has run, where the system tells; else the wall clock.
fn processor_seconds() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let start = START.get_or_init(Instant::now);
    fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok())
        .map_or_else(|| start.elapsed().as_secs_f64(), |nanoseconds| nanoseconds * 1e-9)
}
