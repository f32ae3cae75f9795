//! Simple Segmentation, Uncertainty and Labels are the same in every output format and sample type: what
//! `golden_probabilities` compares with ilastik's as NumPy files, converted.

#![allow(clippy::panic, clippy::unwrap_used)]

mod predict_support;
mod written;

use std::path::Path;

use brushwood::data::{DType, Roi5, Volume};
use brushwood::io::{self, ImageSpec, OUTPUT_FORMATS, OpenOptions, OutputFormat};
use predict_support::{assert_exit, brushwood, golden};

const SOURCES: [&str; 3] = ["Simple Segmentation", "Uncertainty", "Labels"];

/// Exports all sources of a golden project's own image.
fn export(case: &str, folder: &Path, format: &str, more: &[&str]) {
    let name = if format.ends_with("sequence") { "{result_type}-{slice_index}" } else { "{result_type}" };
    let mut arguments = vec![
        "predict".to_owned(),
        "--project".into(),
        golden(&format!("{case}/{case}.ilp")).display().to_string(),
        format!("--output-format={format}"),
        format!("--output-filename-format={}", folder.join(name).display()),
    ];
    arguments.extend(SOURCES.iter().map(|source| format!("--export-source={source}")));
    arguments.extend(more.iter().map(|&argument| argument.to_owned()));
    arguments.push(golden(&format!("{case}/{case}_raw.h5")).display().to_string());
    assert_exit(&brushwood(arguments), 0);
}

/// What was exported; the axes of a file without any are given.
fn exported(folder: &Path, source: &str, format: &OutputFormat, axes: &str) -> Volume {
    if written::is_decoded_here(format.extension) {
        return decoded_here(folder, source, format);
    }
    let star = if format.is_sequence() { "-*" } else { "" };
    let location = folder.join(format!("{source}{star}.{}", format.extension));
    let options = OpenOptions {
        axes: format.name.starts_with("numpy").then(|| axes.parse().expect("axes")),
        ..OpenOptions::default()
    };
    let image = io::open(&location.to_string_lossy(), &options).unwrap_or_else(|e| panic!("{e}"));
    image.read(&Roi5::whole(image.info().shape)).unwrap_or_else(|e| panic!("{e}"))
}

/// What was exported as a picture, or as a sequence of them along z.
fn decoded_here(folder: &Path, source: &str, format: &OutputFormat) -> Volume {
    if !format.is_sequence() {
        return written::read(&folder.join(format!("{source}.{}", format.extension)));
    }
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(source))
        .collect();
    names.sort();
    let slices: Vec<Volume> = names.iter().map(|path| written::read(path)).collect();
    let arrays: Vec<_> = slices
        .iter()
        .map(|slice| match slice {
            Volume::U8(array) => array.view(),
            other => panic!("slices of {}", other.dtype()),
        })
        .collect();
    ndarray::concatenate(ndarray::Axis(1), &arrays).unwrap().into()
}

fn check(case: &str, axes: &str, shape: [usize; 5], dtypes: &[DType]) {
    let folder = tempfile::tempdir().expect("a folder");
    let numpy = io::output_format("numpy").expect("a format");
    export(case, folder.path(), numpy.name, &[]);
    let reference = SOURCES.map(|source| exported(folder.path(), source, numpy, axes));
    let mut compared = 0;
    for format in OUTPUT_FORMATS {
        // Other names of the same.
        if format.name.starts_with("tif ") || format.name.starts_with("jpg") || format.name == "tif" {
            continue;
        }
        // A picture would be taken apart row by row.
        if format.is_sequence() && shape[1] == 1 {
            continue;
        }
        for &dtype in dtypes {
            let spec = ImageSpec::new(axes.parse().expect("axes"), shape, dtype);
            if io::check(format, &spec).is_err() {
                continue;
            }
            let folder = tempfile::tempdir().expect("a folder");
            export(case, folder.path(), format.name, &[&format!("--export-dtype={dtype}")]);
            for (source, reference) in SOURCES.iter().zip(&reference) {
                let what = format!("{case} {source} as {} {dtype}", format.name);
                let found = exported(folder.path(), source, format, axes);
                assert_eq!(found.shape(), shape, "{what}");
                assert_eq!(found.dtype(), dtype, "{what}");
                let tolerance = if format.name.starts_with("jpeg") { 3.0 } else { 0.0 };
                for (t, z, y, x, c) in ndarray::indices(shape) {
                    let at = [t, z, y, x, c];
                    let value = reference.sample(at);
                    // A conversion without renormalising cuts off, as NumPy does.
                    let expected = if dtype.is_float() { value } else { value.trunc() };
                    let difference = (found.sample(at) - expected).abs();
                    assert!(
                        difference <= tolerance,
                        "{what}: {} at {at:?}, not {expected}",
                        found.sample(at)
                    );
                }
                compared += 1;
            }
        }
    }
    assert!(compared >= 3 * 11, "only {compared} files");
}

#[test]
fn a_picture_in_every_format_and_type() {
    check("gray", "yxc", [1, 1, 72, 80, 1], &DType::ALL);
}

#[test]
fn a_volume_in_every_format() {
    check("vol", "zyxc", [1, 20, 36, 40, 1], &[DType::U8, DType::F32]);
}

#[test]
fn renormalised_in_every_integer_type() {
    let folder = tempfile::tempdir().expect("a folder");
    let numpy = io::output_format("numpy").expect("a format");
    export("gray", folder.path(), numpy.name, &[]);
    let reference = exported(folder.path(), "Uncertainty", numpy, "yxc");
    for dtype in DType::ALL.into_iter().filter(|dtype| !dtype.is_float()) {
        let folder = tempfile::tempdir().expect("a folder");
        let ranges = ["--pipeline-result-drange=(0.0,1.0)", "--export-drange=(0,100)"];
        let kind = format!("--export-dtype={dtype}");
        export("gray", folder.path(), numpy.name, &[ranges[0], ranges[1], &kind]);
        let found = exported(folder.path(), "Uncertainty", numpy, "yxc");
        for (y, x) in ndarray::indices((72, 80)) {
            let at = [0, 0, y, x, 0];
            let expected = (100.0 * reference.sample(at) as f32).round_ties_even();
            assert_eq!(found.sample(at) as f32, expected, "{dtype} at {at:?}");
        }
    }
}
