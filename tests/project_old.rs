//! Projects of older versions, and files that are no projects or not any more.

use std::path::{Path, PathBuf};

use brushwood::data::{DType, LabelClass};
use brushwood::io::ImageInfo;
use brushwood::project::{DatasetLocation, LaneError, Project, Warning};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/project").join(name)
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).join(format!("{name}.ilp"))
}

fn image(axes: &str, shape: [usize; 5]) -> ImageInfo {
    ImageInfo {
        axes: axes.parse().expect("axes"),
        shape,
        dtype: DType::U8,
        pixel_size: Default::default(),
        data_range: None,
    }
}

#[test]
fn a_project_of_ilastik_1_2() {
    let mut project = Project::load(&fixture("old_122.ilp")).expect("loaded");
    assert_eq!(project.warnings, []);
    let raw = &project.lanes[0].raw;
    assert_eq!(raw.location, DatasetLocation::Relative("inputdata/2d.h5/volume/data".into()));
    assert_eq!((raw.nickname.as_str(), raw.axes.to_string().as_str()), ("2d", "yxc"));
    assert_eq!((raw.canonical_shape(), raw.normalize_display), (None, None));
    // The first block is txyzc, the second yxc; neither says so.
    let labels: Vec<_> = project.lanes[0].labels.iter().collect();
    let mut expect: Vec<([usize; 4], u8)> = vec![
        ([0, 0, 21, 300], 1),
        ([0, 0, 21, 301], 2),
        ([0, 0, 21, 302], 1),
        ([0, 0, 40, 7], 2),
        ([0, 0, 41, 7], 2),
    ];
    expect.sort_by_key(|(at, _)| (at[2] / 64, at[3] / 64, at[2], at[3]));
    assert_eq!(labels, expect);
    let selection = project.selection.clone().expect("selection");
    assert_eq!(selection.selected[0], [true; 3]);
    assert_eq!(selection.selected[2], [false, true, false], "rows are matched by id");
    assert_eq!(selection.count(), 4);
    assert_eq!(selection.compute_in_2d, [true; 3], "2D, since the image has no z");
    assert_eq!(project.classes[1].name, "foreground");
    assert_eq!((project.classes[1].color, project.classes[1].probability_color), ([0, 255, 0], [0, 0, 255]));
    let forest = project.forest.clone().expect("forest");
    assert_eq!((forest.trees.len(), forest.feature_count), (100, 4));

    // The image says its shape once it is opened.
    let error = project.fit_lane(0, &image("yx", [1, 1, 30, 30, 1])).expect_err("labels lie outside");
    assert!(matches!(error, LaneError::Shape { .. }), "{error}");
    project.fit_lane(0, &image("yxc", [1, 1, 500, 600, 1])).expect("fits");
    assert_eq!(project.lanes[0].raw.shape, [500, 600, 1]);
    assert_eq!(project.lanes[0].labels.shape(), [1, 1, 500, 600]);
    assert_eq!(project.warnings, []);
    assert_eq!(
        project.forest_feature_names[0], "Gaussian Smoothing (σ=0.3) in 2D",
        "as they are named today"
    );

    // Saved, it is a project of today.
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("new.ilp");
    project.save(&path).expect("saved");
    let again = Project::load(&path).expect("loaded");
    assert_eq!(again.warnings, []);
    assert_eq!((&again.lanes, &again.classes), (&project.lanes, &project.classes));
    assert_eq!((&again.forest, again.selection), (&project.forest, project.selection));
    let file = hdf5_pure::File::open(&path).expect("HDF5");
    let text = |name: &str| file.dataset(name).expect(name).read_string().expect(name);
    assert_eq!(text("ilastikVersion"), ["1.4.2"]);
    assert_eq!(file.dataset("currentApplet").expect("kept").read_i32().expect("kept"), [3]);
    assert_eq!(text("Input Data/infos/lane0000/Raw Data/axisorder"), ["yxc"]);
}

#[test]
fn blocks_in_other_orders_and_a_classifier_of_other_classes() {
    let project = Project::load(&fixture("old_133.ilp")).expect("loaded");
    let lane = &project.lanes[0];
    assert_eq!(lane.raw.location, DatasetLocation::Internal("abc".into()));
    assert_eq!(lane.raw.canonical_shape(), Some([1, 2, 3, 4, 1]), "taken from the data inside");
    let at: Vec<_> = lane.labels.iter().map(|(at, _)| at).collect();
    assert_eq!(at, [[0, 0, 0, 3], [0, 1, 0, 1], [0, 1, 0, 2], [0, 1, 1, 1], [0, 1, 1, 2]]);
    assert_eq!(project.selection.as_ref().expect("selection").compute_in_2d, [false]);
    let classes: Vec<_> = project.classes.iter().map(|class| (class.name.as_str(), class.color)).collect();
    assert_eq!(classes, [("Label 1", [1, 2, 3]), ("Label 2", [4, 5, 6])]);
    assert_eq!(project.forest, None);
    let warnings: Vec<String> = project.warnings.iter().map(Warning::to_string).collect();
    assert_eq!(
        warnings,
        [
            "Labels of image 1 are left out: PixelClassification/LabelSets/labels000/block0001: 5 of its pixels \
             lie outside the image.",
            "The project's classifier is not used: it knows 3 classes, the project has 2. Train it again.",
        ]
    );
}

#[test]
fn a_time_series_of_ilastik_1_2_with_forty_forests() {
    let project = Project::load(&fixture("forty_forests.ilp")).expect("loaded");
    assert_eq!(project.warnings, []);
    let lane = &project.lanes[0];
    assert_eq!((lane.raw.axes.to_string().as_str(), lane.raw.canonical_shape()), ("txyzc", None));
    // The blocks are txyzc like the image, though they don't say so.
    let labels: Vec<_> = lane.labels.iter().collect();
    let expect = [([0, 0, 5, 2], 1), ([0, 0, 5, 3], 2), ([2, 0, 1, 30], 2), ([2, 0, 2, 30], 1)].to_vec();
    assert_eq!(labels, expect);
    let forest = project.forest.expect("forest");
    assert_eq!((forest.trees.len(), forest.feature_count), (100, 1));
    assert_eq!(project.forest_feature_names, Vec::<String>::new());
}

#[test]
fn an_image_described_without_lane_and_role() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("p.ilp");
    std::fs::copy(fixture("info_group.ilp"), &path).expect("copied");
    let mut project = Project::load(&path).expect("loaded");
    assert_eq!(project.warnings, []);
    let raw = &project.lanes[0].raw;
    assert_eq!(raw.location, DatasetLocation::Relative("a.png".into()));
    assert_eq!((raw.nickname.as_str(), raw.axes.to_string().as_str()), ("a", "xyc"));
    let labels: Vec<_> = project.lanes[0].labels.iter().collect();
    assert_eq!(labels, [([0, 0, 7, 3], 1), ([0, 0, 7, 4], 2)]);
    assert_eq!(project.classes.len(), 2, "as many as the labels need");
    project.save(&path).expect("saved");
    let again = Project::load(&path).expect("loaded");
    assert_eq!((&again.lanes, again.warnings), (&project.lanes, Vec::new()));
    let file = hdf5_pure::File::open(&path).expect("HDF5");
    assert_eq!(file.group("Input Data/infos").expect("kept").groups().expect("names"), ["lane0000"]);
}

#[test]
fn blocks_without_tags_in_the_order_of_their_version() {
    for name in ["original_order.ilp", "internal_order.ilp"] {
        let project = Project::load(&fixture(name)).expect("loaded");
        assert_eq!(project.warnings, [], "{name}");
        let labels: Vec<_> = project.lanes[0].labels.iter().collect();
        assert_eq!(labels, [([0, 7, 5, 1], 1), ([0, 7, 5, 2], 2)], "{name}");
    }
}

#[test]
fn paths_of_windows() {
    let project = Project::load(&fixture("windows.ilp")).expect("loaded");
    let folder = fixture("");
    let located: Vec<_> = project.lanes.iter().map(|lane| project.locate(&lane.raw)).collect();
    let at = |path: &str| folder.join(path).to_str().expect("utf-8").to_owned();
    assert_eq!(located[0], Ok(at("images/a.h5/volume/data")));
    assert_eq!(located[1], Ok(format!("{}:{}", at("s/0.png"), at("s/1.png"))));
    assert_eq!(
        located[2].as_ref().map_err(ToString::to_string),
        Err("Can't open 'C:/Users/ana/b.tif': it is a path on Windows, where the project was saved. Say \
             where the file is on this machine."
            .into())
    );
    // Saved here, they are as they were: it may go back there.
    let copy = tempfile::tempdir().expect("folder");
    let path = copy.path().join("p.ilp");
    std::fs::copy(fixture("windows.ilp"), &path).expect("copied");
    let mut project = Project::load(&path).expect("loaded");
    project.seed = 5;
    project.save(&path).expect("saved");
    let file = hdf5_pure::File::open(&path).expect("HDF5");
    let stored = |lane: usize| {
        let dataset = file.dataset(&format!("Input Data/infos/lane{lane:04}/Raw Data/filePath"));
        dataset.expect("kept").read_string().expect("text")
    };
    assert_eq!(stored(0), [r"images\a.h5/volume/data"]);
    assert_eq!(stored(2), [r"C:\Users\ana\b.tif"]);
}

#[test]
fn data_inside_the_project() {
    let project = Project::load(&fixture("inside.ilp")).expect("loaded");
    assert_eq!(project.warnings, []);
    let lane = &project.lanes[0];
    let mask = lane.mask.as_ref().expect("a mask");
    for (info, shape) in [(&lane.raw, [1, 5, 24, 26, 1]), (mask, [1, 5, 24, 26, 1])] {
        let location = project.locate(info).expect("a place");
        let reader = brushwood::io::open(&location, &Default::default()).expect("an image");
        assert_eq!((reader.info().shape, info.canonical_shape()), (shape, Some(shape)));
    }
    assert_eq!(lane.labels.iter().count(), 34);
    assert_eq!(project.selection.expect("selection").compute_in_2d, [false, true]);
}

#[test]
fn a_classifier_of_another_kind_is_named() {
    let project = Project::load(&fixture("other_classifier.ilp")).expect("loaded");
    let warnings: Vec<String> = project.warnings.iter().map(Warning::to_string).collect();
    assert_eq!(
        warnings,
        [
            "The project's classifier is not used: it is a SklearnLazyflowClassifier, brushwood knows ilastik's \
          random forest. Train it again."
        ]
    );
}

#[test]
fn a_selection_that_does_not_fit_the_forest_drops_it() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("p.ilp");
    let mut project = Project::load(&golden("gray")).expect("loaded");
    project.selection.as_mut().expect("selection").selected[0][0] = false;
    project.classes.push(LabelClass::numbered(3));
    project.save(&path).expect("saved");
    let again = Project::load(&path).expect("loaded");
    let warnings: Vec<String> = again.warnings.iter().map(Warning::to_string).collect();
    assert_eq!(
        warnings,
        ["The project's classifier is not used: it tests 49 features, 48 are selected. Train it again."]
    );
}

/// The message of the error that loading gives, with the path as `P`.
fn message(path: &Path) -> String {
    let error = Project::load(path).expect_err("no project");
    assert_eq!(error.path(), path);
    error.to_string().replace(path.to_str().expect("utf-8"), "P")
}

#[test]
fn files_that_are_no_projects() {
    let folder = tempfile::tempdir().expect("folder");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    };
    let hdf5 = |name: &str, texts: &[(&str, &str)]| {
        let mut builder = hdf5_pure::FileBuilder::new();
        for (object, text) in texts {
            builder.create_dataset(object).with_vlen_strings(&[text]).with_shape(&[]);
        }
        file(name, &builder.finish().expect("HDF5"))
    };
    let choose = "Choose a project that ilastik or brushwood saved.";
    assert_eq!(message(&file("empty", b"")), format!("Can't open 'P': the file is empty. {choose}"));
    assert_eq!(message(&file("text", b"hello")), format!("Can't open 'P': it is not an HDF5 file. {choose}"));
    assert_eq!(
        message(folder.path()),
        "Can't open 'P': it is a folder, not a project file. Name the .ilp file itself."
    );
    assert_eq!(
        message(&folder.path().join("missing")),
        "Can't open 'P': No such file or directory (os error 2). Check the path and its permissions."
    );
    assert_eq!(
        message(&golden("gray").with_file_name("gray_raw.h5")),
        format!(
            "Can't open 'P': it is an HDF5 file but not a project (it has no 'ilastikVersion'). {choose}"
        )
    );
    assert_eq!(
        message(&fixture("future.ilp")),
        "Can't open 'P': it was saved by ilastik 1.6.0, and brushwood reads projects of ilastik 0.6 and 1.0 to 1.5. Save it with one of these."
    );
    for workflow in [
        "Automatic Tracking Workflow (Conservation Tracking)",
        "Object Classification (from pixel classification)",
        "Autocontext (2-stage)",
    ] {
        let path = hdf5("other", &[("ilastikVersion", "1.4.2"), ("workflowName", workflow)]);
        assert_eq!(
            message(&path),
            format!(
                "Can't open 'P': it is a project of the workflow '{workflow}', and brushwood reads 'Pixel Classification' only. Open it in ilastik."
            )
        );
    }
}

#[test]
fn truncated_files_are_errors() {
    let folder = tempfile::tempdir().expect("folder");
    let whole = std::fs::read(golden("gray")).expect("bytes");
    for part in 1..40 {
        let path = folder.path().join("cut.ilp");
        std::fs::write(&path, &whole[..whole.len() * part / 40]).expect("written");
        match Project::load(&path) {
            // The classifier may be all that is missing.
            Ok(project) => assert!(project.forest.is_none() && !project.warnings.is_empty(), "{part}/40"),
            Err(error) => assert!(error.to_string().contains("damaged or cut short"), "{part}/40: {error}"),
        }
    }
}

#[test]
fn damaged_files_never_panic() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("damaged.ilp");
    for name in ["gray", "time"] {
        let whole = std::fs::read(golden(name)).expect("bytes");
        let mut state = 12345_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        for round in 0..60 {
            let mut bytes = whole.clone();
            for _ in 0..=round % 20 {
                // The structure lies mostly in the first part of the file.
                let range = if random() % 2 == 0 { bytes.len() / 8 } else { bytes.len() };
                let at = random() % range;
                bytes[at] = [0, 0xff, 0x7f, random() as u8][random() % 4];
            }
            std::fs::write(&path, &bytes).expect("written");
            if let Ok(mut project) = Project::load(&path) {
                let _ = project.save(&folder.path().join("again.ilp"));
            }
        }
    }
}

#[test]
fn headers_of_many_parts_are_read_and_kept() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("by_turns.ilp");
    std::fs::copy(fixture("by_turns.ilp"), &path).expect("copied");
    let mut project = Project::load(&path).expect("loaded");
    assert_eq!(project.warnings, []);
    assert_eq!(project.lanes[0].raw.shape, [9, 9]);
    project.seed = 7;
    project.save(&path).expect("saved");
    let file = hdf5_pure::File::open(&path).expect("HDF5");
    let notes = file.group("PixelClassification").expect("kept").attrs().expect("attributes");
    let note = |number: i64| notes.get(&format!("note {number}")).and_then(hdf5_pure::AttrValue::to_i64s);
    assert!((0..60).all(|number| note(number) == Some(vec![number])), "{notes:?}");
}
