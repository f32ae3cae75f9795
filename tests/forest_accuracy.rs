//! The forest on a real image: trained on the scribbles of nuclei_labels.png, it finds the nuclei as well as
//! scikit-learn's forest does on the same features and rows (`benches/peers/forest_accuracy.py`).

#![allow(clippy::panic, clippy::unwrap_used)]

use std::path::Path;

use brushwood::classify::{CompiledForest, Rows, TrainOptions, train};
use brushwood::data::{CancelToken, SpatialRoi};
use brushwood::features::{FeatureBank, FeatureSelection};
use ndarray::{Array2, Array4, Axis};

/// Mean intersection over union of scikit-learn 1.9.1's RandomForestClassifier(100) over 10 seeds.
const SCIKIT_LEARN: f64 = 0.7851;
const SEEDS: u64 = 10;

#[test]
fn finds_nuclei_as_well_as_scikit_learn() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data");
    let file = std::fs::File::open(sample.join("nuclei.tif")).unwrap();
    let mut decoder = tiff::decoder::Decoder::new(file).unwrap();
    let (width, height) = decoder.dimensions().unwrap();
    let (width, height) = (width as usize, height as usize);
    let samples: Vec<f32> = match decoder.read_image().unwrap() {
        tiff::decoder::DecodingResult::U8(data) => data.iter().map(|&x| x.into()).collect(),
        tiff::decoder::DecodingResult::U16(data) => data.iter().map(|&x| x.into()).collect(),
        other => panic!("nuclei.tif has another sample type: {other:?}"),
    };
    let shape = [1, height, width];
    let image = Array4::from_shape_vec((1, 1, height, width), samples).unwrap();
    let bank = FeatureBank::new(&FeatureSelection::all_fitting(shape), shape, 1).unwrap();
    let mut features = Array4::zeros((bank.channel_count(), 1, height, width));
    let whole = SpatialRoi::whole(shape);
    bank.compute(image.view(), &whole, &whole, features.view_mut());

    let luma = |name: &str| image::open(sample.join(name)).unwrap().to_luma8().into_raw();
    let (labels, truth) = (luma("nuclei_labels.png"), luma("nuclei_truth.png"));
    let labelled: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] != 0).collect();
    let planes = features.view().into_shape_with_order((bank.channel_count(), labels.len())).unwrap();
    let selected: Array2<f32> = planes.select(Axis(1), &labelled).t().to_owned();
    if let Some(folder) = std::env::var_os("FOREST_ACCURACY_DUMP") {
        let write = |name: &str, values: &Array2<f32>| {
            let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            std::fs::write(Path::new(&folder).join(name), bytes).unwrap();
        };
        write("forest_accuracy_rows.f32", &selected);
        write("forest_accuracy_features.f32", &planes.t().to_owned());
    }
    let rows = Rows {
        features: selected,
        labels: labelled.iter().map(|&i| labels[i]).collect(),
        keys: labelled.iter().map(|&i| i as u64).collect(),
    };
    let mut overlap = 0.0;
    for seed in 0..SEEDS {
        let trained = train(&rows, &TrainOptions { trees: 0..100, seed }, &CancelToken::new()).unwrap();
        let mut p = Array4::zeros((2, 1, height, width));
        CompiledForest::new(&trained.forest).predict_block(features.view(), p.view_mut());
        let found = p
            .index_axis(Axis(0), 1)
            .iter()
            .zip(p.index_axis(Axis(0), 0))
            .map(|(b, a)| b > a)
            .collect::<Vec<_>>();
        let both = found.iter().zip(&truth).filter(|&(&f, &t)| f && t == 2).count();
        let either = found.iter().zip(&truth).filter(|&(&f, &t)| f || t == 2).count();
        overlap += both as f64 / either as f64 / SEEDS as f64;
    }
    assert!(
        overlap >= SCIKIT_LEARN - 0.005,
        "mean intersection over union {overlap:.4}, scikit-learn's {SCIKIT_LEARN:.4}"
    );
}
