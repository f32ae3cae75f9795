//! Whole-image prediction through the headless driver: filter bank, forest and ordered writing, with
//! one thread and with all, without files.

#![allow(missing_docs)]

#[path = "../tests/predict_support/mod.rs"]
mod predict_support;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::Array5;
use predict_support::{Case, InMemory};

use brushwood::data::Roi;

/// The golden image mirrored until it fills `shape` (`zyx`).
fn enlarged(case: &Case, shape: [usize; 3]) -> Array5<f32> {
    let [t, z, y, x, c] = case.raw.info().shape;
    let small = case.raw.read(&Roi::whole([t, z, y, x, c])).map(|volume| volume.to_f32()).unwrap_or_default();
    let mirrored = |i: usize, n: usize| if (i / n).is_multiple_of(2) { i % n } else { n - 1 - i % n };
    Array5::from_shape_fn([1, shape[0], shape[1], shape[2], c], |(_, k, j, i, c)| {
        small[[0, mirrored(k, z), mirrored(j, y), mirrored(i, x), c]]
    })
}

fn predict(criterion: &mut Criterion) {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    for (name, shape) in [("gray", [1, 1024, 1024]), ("noisy", [1, 1024, 1024]), ("vol", [64, 128, 128])] {
        let case = Case::open(name).with_shape(shape);
        let raw = InMemory::open(enlarged(&case, shape), case.raw.info());
        let mut group = criterion.benchmark_group(format!("predict {name}"));
        group.throughput(Throughput::Elements(shape.iter().product::<usize>() as u64)).sample_size(10);
        for threads in if all > 1 { vec![1, all] } else { vec![1] } {
            let region = Roi::new([0; 4], [1, shape[0], shape[1], shape[2]]);
            group.bench_function(format!("{threads} threads"), |bencher| {
                bencher.iter_batched(
                    || (),
                    |()| case.predict(&raw, region, None, threads),
                    BatchSize::LargeInput,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(benches, predict);
criterion_main!(benches);
