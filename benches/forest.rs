//! The forest alone, on made-up rows: training by number of rows and classes, prediction of a tile.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use brushwood::classify::{CompiledForest, Planes, PlanesMut, Rows, Scratch, TrainOptions, train};
use brushwood::data::CancelToken;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ndarray::Array2;

const FEATURES: usize = 49;
const TILE: usize = 64;

/// Smooth features of a pixel, alike for neighbours, with a little noise.
fn feature(y: usize, x: usize, channel: usize) -> f32 {
    let (y, x, scale) = (y as f32, x as f32, 2.0 + channel as f32);
    let noise = ((y * 12.9898 + x * 78.233 + scale).sin() * 43_758.547).fract();
    (y / scale).sin() * (x / (scale + 3.0)).cos() + 0.1 * noise
}

fn rows(count: usize, classes: u8) -> Rows {
    let at = |row: usize| (row / 100 * 7, row % 100 * 5);
    let features = Array2::from_shape_fn((count, FEATURES), |(row, channel)| {
        let (y, x) = at(row);
        feature(y, x, channel)
    });
    let labels = features.rows().into_iter().map(|row| {
        let sum: f32 = row.iter().take(9).sum();
        1 + ((sum + 2.0).clamp(0.0, 3.99) / 4.0 * f32::from(classes)) as u8
    });
    Rows { labels: labels.collect(), keys: (0..count as u64).collect(), features }
}

fn training(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("train 100 trees");
    group.sample_size(10);
    for (count, classes) in [(1000, 2), (5000, 2), (5000, 3), (5000, 9)] {
        let rows = rows(count, classes);
        let options = TrainOptions { trees: 0..100, seed: 1 };
        group.bench_function(BenchmarkId::new(format!("{classes} classes"), count), |bencher| {
            bencher.iter(|| train(black_box(&rows), &options, &CancelToken::new()).unwrap());
        });
    }
}

fn prediction(criterion: &mut Criterion) {
    let samples: Vec<f32> = (0..FEATURES)
        .flat_map(|channel| (0..TILE * TILE).map(move |i| feature(i / TILE, i % TILE, channel)))
        .collect();
    for count in [1000, 5000] {
        let options = TrainOptions { trees: 0..100, seed: 1 };
        let trained = train(&rows(count, 2), &options, &CancelToken::new()).unwrap();
        let forest = CompiledForest::new(&trained.forest);
        let mut scratch = Scratch::default();
        let mut out = vec![0.0; 2 * TILE * TILE];
        let (plane_stride, row_stride) = (TILE * TILE, TILE);
        criterion.bench_function(&format!("predict a tile, {count} rows"), |bencher| {
            bencher.iter(|| {
                forest.predict_tile(
                    Planes { samples: black_box(&samples), plane_stride, row_stride },
                    [TILE, TILE],
                    &mut scratch,
                    PlanesMut { samples: &mut out, plane_stride, row_stride },
                );
            });
        });
    }
}

criterion_group!(benches, training, prediction);
criterion_main!(benches);
