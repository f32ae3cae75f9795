//! Speed of the filter bank on one thread: all features of a 2D image and of a volume.
//! `benches/peers/features.py` runs vigra's filters on the same images.
#![allow(missing_docs)]

use brushwood::data::Roi;
use brushwood::features::{FeatureBank, FeatureSelection, Presmoothed, Scratch};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ndarray::Array4;

/// Waves, as `benches/peers/features.py` makes them.
fn image([depth, height, width]: [usize; 3]) -> Array4<f32> {
    Array4::from_shape_fn((1, depth, height, width), |(_, z, y, x)| {
        100.0 + 50.0 * (x as f32 * 0.1).sin() + 30.0 * (y as f32 * 0.07 + z as f32 * 0.2).cos()
    })
}

fn features(criterion: &mut Criterion) {
    for (name, shape) in [("2d_1024x1024", [1, 1024, 1024]), ("3d_64x128x128", [64, 128, 128])] {
        let image = image(shape);
        let roi = Roi::whole(shape);
        let bank = FeatureBank::new(&FeatureSelection::all_fitting(shape), shape, 1).expect("fits");
        let mut group = criterion.benchmark_group(format!("features/{name}"));
        group.throughput(Throughput::Elements(roi.len() as u64)).sample_size(10);
        let (mut scratch, mut presmoothed) = (Scratch::default(), Presmoothed::default());
        group.bench_function("presmooth", |b| {
            b.iter(|| bank.presmooth_into(image.view(), &roi, &roi, &mut scratch, &mut presmoothed));
        });
        group.bench_function("tiles", |b| {
            b.iter(|| {
                let mut sum = 0.0;
                bank.for_each_tile(&presmoothed, &roi, None, &mut scratch, |_, planes| {
                    sum += planes.channel(0)[0];
                });
                sum
            });
        });
        let mut out = Array4::zeros((bank.channel_count(), shape[0], shape[1], shape[2]));
        group.bench_function("compute", |b| {
            b.iter(|| bank.compute(image.view(), &roi, &roi, out.view_mut()));
        });
        group.finish();
    }
}

criterion_group!(benches, features);
criterion_main!(benches);
