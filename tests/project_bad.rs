//! Projects with one mistake each: the exact message, or what is left out with which warning.

use std::path::{Path, PathBuf};

use brushwood::project::{Project, Warning};
use hdf5_pure::{DatasetBuilder, File};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).join(format!("{name}.ilp"))
}

/// A copy of a golden project in which `object` is replaced by what `describe` says, or is gone.
fn with_object(folder: &Path, object: &str, describe: Option<&dyn Fn(&mut DatasetBuilder)>) -> PathBuf {
    let path = folder.join("bad.ilp");
    std::fs::copy(golden("gray"), &path).expect("copied");
    let file = File::open_rw(&path).expect("HDF5");
    if file.dataset(object).is_ok() || file.group(object).is_ok() {
        file.root().delete(object).expect("deleted");
        file.commit().expect("written");
    }
    if let Some(describe) = describe {
        file.root()
            .create_dataset(object, |dataset| {
                describe(dataset);
            })
            .expect("new");
    }
    file.close().expect("written");
    path
}

fn message(path: &Path) -> String {
    let error = Project::load(path).expect_err("a bad project");
    error.to_string().replace(path.to_str().expect("utf-8"), "P")
}

fn warnings(path: &Path) -> Vec<String> {
    let project = Project::load(path).expect("the rest is sound");
    assert_eq!(project.lanes.len(), 1);
    project.warnings.iter().map(Warning::to_string).collect()
}

/// What the object is replaced by.
type Describe = Box<dyn Fn(&mut DatasetBuilder)>;

/// The object, what it is replaced by, what is said of it.
type Mistake = (&'static str, Option<Describe>, &'static str);

#[test]
fn mistakes_that_refuse_the_project() {
    let folder = tempfile::tempdir().expect("folder");
    fn floats(values: &'static [f64]) -> Option<Describe> {
        Some(Box::new(move |d| {
            d.with_f64_data(values);
        }))
    }
    fn numbers(values: &'static [i64]) -> Option<Describe> {
        Some(Box::new(move |d| {
            d.with_i64_data(values);
        }))
    }
    fn texts(values: &'static [&'static str]) -> Option<Describe> {
        Some(Box::new(move |d| {
            d.with_vlen_strings(values);
        }))
    }
    let version: Describe = Box::new(|d| {
        d.with_f64_data(&[0.5]).with_shape(&[]);
    });
    let damaged = "The file may be damaged or cut short: use a copy of it.";
    let choose = "Choose a project that ilastik or brushwood saved.";
    let cases: Vec<(Mistake, &str)> = vec![
        (
            ("ilastikVersion", None, "it is an HDF5 file but not a project (it has no 'ilastikVersion')"),
            choose,
        ),
        (("workflowName", None, "it is an HDF5 file but not a project (it has no 'workflowName')"), choose),
        (
            (
                "ilastikVersion",
                Some(version),
                "it was saved by ilastik 0.5, and brushwood reads projects of ilastik 0.6 and 1.0 to 1.5",
            ),
            "Save it with one of these.",
        ),
        (
            (
                "FeatureSelections/Scales",
                floats(&[0.3, -1.0]),
                "'FeatureSelections/Scales' can't be read ([0.3, -1.0] are no scales)",
            ),
            damaged,
        ),
        (
            (
                "FeatureSelections/Scales",
                floats(&[0.3, 0.7]),
                "'FeatureSelections/SelectionMatrix' can't be read (its shape is [6, 7], for 6 features at 2 scales)",
            ),
            damaged,
        ),
        (
            (
                "FeatureSelections/Scales",
                texts(&["0.3"]),
                "'FeatureSelections/Scales' can't be read (it should hold numbers, not text)",
            ),
            damaged,
        ),
        (
            (
                "FeatureSelections/ComputeIn2d",
                numbers(&[1, 0]),
                "'FeatureSelections/ComputeIn2d' can't be read (it holds 2 values for 7 scales)",
            ),
            damaged,
        ),
        (
            (
                "FeatureSelections/FeatureIds",
                texts(&["GaussianSmoothing", "Sobel", "a", "b", "c", "d"]),
                "it selects the feature 'Sobel', which brushwood does not know",
            ),
            "Deselect it in ilastik and save again.",
        ),
        (
            (
                "PixelClassification/LabelColors",
                numbers(&[1, 2, 3]),
                "'PixelClassification/LabelColors' can't be read (its shape is [3], not classes x RGB)",
            ),
            damaged,
        ),
        (
            (
                "Input Data/infos/lane0000/Raw Data/shape",
                numbers(&[1 << 40, 1 << 40]),
                "'Input Data/infos/lane0000/Raw Data/shape' can't be read ([1099511627776, 1099511627776] is no shape of an image with the axes yx)",
            ),
            damaged,
        ),
        (
            (
                "Input Data/infos/lane0000/Raw Data/shape",
                numbers(&[5]),
                "'Input Data/infos/lane0000/Raw Data/shape' can't be read ([5] is no shape of an image with the axes yx)",
            ),
            damaged,
        ),
    ];
    for ((object, describe, what), fix) in cases {
        let path = with_object(folder.path(), object, describe.as_deref());
        assert_eq!(message(&path), format!("Can't open 'P': {what}. {fix}"), "{object}");
    }
}

#[test]
fn mistakes_that_cost_the_classifier() {
    let folder = tempfile::tempdir().expect("folder");
    let forest = "PixelClassification/ClassifierForests/Forest0000";
    let tree = format!("{forest}/Tree_00");
    let topology = format!("{tree}/topology");
    let floats = |values: &'static [f64]| {
        move |d: &mut DatasetBuilder| {
            d.with_f64_data(values);
        }
    };
    let used =
        |reason: &str| vec![format!("The project's classifier is not used: {reason}. Train it again.")];
    let reasons = |object: &str, describe: &dyn Fn(&mut DatasetBuilder)| {
        warnings(&with_object(folder.path(), object, Some(describe)))
    };
    // A split whose child is itself, one beyond the end, a column that is not there, another number of
    // features, a kind of node that does not exist.
    let trees: [&[i32]; 5] = [
        &[49, 2, 0, 0, 2, 7, 1, 0x4000_0000, 2],
        &[49, 2, 0, 0, 7, i32::MAX, 1, 0x4000_0000, 2],
        &[49, 2, 0, 0, 7, 7, 60, 0x4000_0000, 2],
        &[48, 2, 0x4000_0000, 0],
        &[49, 2, 5, 0, 7, 7, 1, 0x4000_0000, 2],
    ];
    for values in trees {
        let found = reasons(&topology, &|d| {
            d.with_i32_data(values);
        });
        assert_eq!(found.len(), 1, "{found:?}");
        // A number of features is compared with the next tree's.
        let is_named =
            found[0].contains("Tree_00' can't be read") || found[0].contains("Tree_01' can't be read");
        assert!(is_named, "{found:?}");
    }
    let short = reasons(&format!("{tree}/parameters"), &floats(&[1.0]));
    assert!(short[0].contains("Tree_00"), "{short:?}");
    assert_eq!(
        warnings(&with_object(folder.path(), &topology, None)),
        used(&format!("'{topology}' can't be read (it is missing)"))
    );
    let labels = "PixelClassification/ClassifierForests/known_labels";
    let uint32s = |values: &'static [u32]| {
        move |d: &mut DatasetBuilder| {
            d.with_u32_data(values);
        }
    };
    assert_eq!(
        reasons(labels, &uint32s(&[1, 100])),
        used(&format!("'{labels}' can't be read (it names labels beyond 1 to 99)"))
    );
    assert_eq!(reasons(labels, &uint32s(&[1, 3])), used("it knows 2 classes, the project has 2"));
    let names = "PixelClassification/ClassifierForests/feature_names";
    let one = |d: &mut DatasetBuilder| {
        d.with_vlen_strings(&["Gaussian Smoothing (σ=0.3) in 2D"]);
    };
    assert_eq!(reasons(names, &one), used("it names 1 features and tests 49"));
}

#[test]
fn labels_that_cannot_be_placed_are_named() {
    let folder = tempfile::tempdir().expect("folder");
    let block = "PixelClassification/LabelSets/labels000/block0000";
    for (slice, reason) in [
        (
            Some("[0:99999999999,0:1,0:1]"),
            "its shape [2, 2, 1] differs from its place [0:99999999999,0:1,0:1]",
        ),
        (
            Some("[0:18446744073709551616,0:1,0:1]"),
            "its place '[0:18446744073709551616,0:1,0:1]' makes no sense",
        ),
        (Some("[71:73,0:2,0:1]"), "its place [71:73,0:2,0:1] lies outside the image or has other axes"),
        (Some("anywhere"), "its place 'anywhere' makes no sense"),
        (None, "it does not say where it lies"),
    ] {
        let path = with_object(
            folder.path(),
            block,
            Some(&|d| {
                d.with_u8_data(&[1, 2, 1, 2]).with_shape(&[2, 2, 1]);
                if let Some(slice) = slice {
                    d.set_attr("blockSlice", hdf5_pure::AttrValue::VarLenAsciiString(slice.into()));
                }
            }),
        );
        let expect = format!("Labels of image 1 are left out: {block}: {reason}.");
        assert!(warnings(&path).contains(&expect), "{:?} instead of {expect}", warnings(&path));
    }
}

#[test]
fn labels_that_the_edge_of_the_image_cuts_are_kept_within_it() {
    let folder = tempfile::tempdir().expect("folder");
    let block = "PixelClassification/LabelSets/labels000/block0000";
    let tags = r#"{"axes": [{"key": "y"}, {"key": "x"}, {"key": "c"}]}"#;
    let path = with_object(
        folder.path(),
        block,
        Some(&|d| {
            d.with_u8_data(&[1, 2, 1, 2]).with_shape(&[2, 2, 1]);
            for (name, text) in [("blockSlice", "[71:73,0:2,0:1]"), ("axistags", tags)] {
                d.set_attr(name, hdf5_pure::AttrValue::VarLenAsciiString(text.into()));
            }
        }),
    );
    let project = Project::load(&path).expect("loaded");
    let labels: Vec<_> = project.lanes[0].labels.iter().filter(|(at, _)| at[2] >= 71).collect();
    assert_eq!(labels, [([0, 0, 71, 0], 1), ([0, 0, 71, 1], 2)]);
    let expect = format!("Labels of image 1 are left out: {block}: 2 of its pixels lie outside the image.");
    assert!(warnings(&path).contains(&expect), "{:?}", warnings(&path));
}

#[test]
fn claims_of_size_are_not_believed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/project/hostile.ilp");
    assert_eq!(
        message(&path),
        "Can't open 'P': 'FeatureSelections/Scales' can't be read (its shape [1099511627776] is larger than the file can hold). The file may be damaged or cut short: use a copy of it."
    );
}

#[test]
fn flipped_bytes_never_panic_and_are_never_saved_over() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("flipped.ilp");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/project");
    for name in ["links_old.ilp", "links_new.ilp", "inside.ilp", "info_group.ilp"] {
        let whole = std::fs::read(fixtures.join(name)).expect("bytes");
        let mut state = 99_u64;
        for _ in 0..150 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut bytes = whole.clone();
            let at = (state >> 33) as usize % bytes.len();
            bytes[at] ^= 1 << (state % 8);
            std::fs::write(&path, &bytes).expect("written");
            if let Ok(mut project) = Project::load(&path)
                && project.save(&path).is_err()
            {
                assert_eq!(std::fs::read(&path).expect("read"), bytes, "{name}, byte {at}");
            }
        }
    }
}
