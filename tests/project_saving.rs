//! Saving: identity, lanes that move, other folders, files that must stay whole, programs that interfere.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use brushwood::classify::{Forest, Node, Tree};
use brushwood::data::{AxisOrder, DType, LabelClass, LabelVolume};
use brushwood::features::FeatureSelection;
use brushwood::project::{
    Bookmark, DatasetInfo, DatasetLocation, Error, ExportSettings, Lane, LaneError, Project,
};
use proptest::prelude::*;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).join(format!("{name}.ilp"))
}

fn info(id: &str, axes: &str, shape: &[usize]) -> DatasetInfo {
    DatasetInfo {
        location: DatasetLocation::Absolute(format!("/images/{id}.tif")),
        id: id.into(),
        nickname: id.into(),
        axes: axes.parse().expect("axes"),
        shape: shape.to_vec(),
        display_mode: "default".into(),
        normalize_display: Some(false),
        data_range: None,
        content_hash: None,
    }
}

fn lane(id: &str, at: [usize; 4]) -> Lane {
    let mut labels = LabelVolume::new([1, 1, 90, 100]);
    labels.paint([(at, 1), ([0, 0, 3, 4], 2)]);
    Lane { raw: info(id, "yx", &[90, 100]), mask: None, labels }
}

fn assert_same(a: &Project, b: &Project) {
    assert_eq!(a.lanes, b.lanes);
    assert_eq!(a.classes, b.classes);
    assert_eq!(a.selection, b.selection);
    assert_eq!(a.forest, b.forest);
    assert_eq!(a.settings, b.settings);
    assert_eq!((a.seed, a.trees), (b.seed, b.trees));
    assert_eq!((a.oob_error, a.algorithm_version), (b.oob_error, b.algorithm_version));
    assert_eq!(a.forest_feature_names, b.forest_feature_names);
    assert_eq!(a.bookmarks, b.bookmarks);
    assert_eq!(a.export, b.export);
    assert_eq!(b.warnings, []);
}

/// Reads a text of a project file.
fn text(path: &Path, object: &str) -> Option<String> {
    let file = hdf5_pure::File::open(path).expect("HDF5");
    file.dataset(object).ok().map(|dataset| dataset.read_string().expect("text").remove(0))
}

/// Adds objects that brushwood knows nothing of.
fn add_foreign(path: &Path, objects: &[&str]) {
    let file = hdf5_pure::File::open_rw(path).expect("HDF5");
    for object in objects {
        if let Some((group, _)) = object.rsplit_once('/')
            && file.group(group).is_err()
        {
            file.root().create_group(group).expect("new");
        }
        file.root()
            .create_dataset(object, |d| {
                d.with_vlen_strings(&[object]).with_shape(&[]);
            })
            .expect("new");
    }
    file.close().expect("written");
}

#[test]
fn lanes_keep_what_belongs_to_them_when_they_move() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("p.ilp");
    let mut project = Project::new();
    project.lanes = (0..4).map(|i| lane(&format!("image{i}"), [0, 0, 10 * i, 5])).collect();
    project.lanes[2].mask = Some(info("mask2", "yx", &[90, 100]));
    project.save(&path).expect("saved");
    let own: Vec<String> =
        (0..4).map(|i| format!("Input Data/infos/lane{i:04}/Raw Data/subvolume")).collect();
    add_foreign(&path, &own.iter().map(String::as_str).collect::<Vec<_>>());

    let mut project = Project::load(&path).expect("loaded");
    project.lanes.remove(1);
    project.lanes.swap(0, 1);
    project.lanes.push(lane("new", [0, 0, 80, 90]));
    project.save(&path).expect("saved");
    let again = Project::load(&path).expect("loaded");
    assert_same(&project, &again);
    let kept = |i: usize| text(&path, &format!("Input Data/infos/lane{i:04}/Raw Data/subvolume"));
    assert_eq!([kept(0), kept(1), kept(2)], [2, 0, 3].map(|i| Some(own[i].clone())));
    assert_eq!(kept(3), None);
    assert_eq!(text(&path, "Input Data/infos/lane0003/Raw Data/axis_units"), Some("null".into()));

    project.lanes.truncate(1);
    project.save(&path).expect("saved");
    assert_same(&project, &Project::load(&path).expect("loaded"));
}

#[test]
fn foreign_objects_survive_every_change() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("gray.ilp");
    std::fs::copy(golden("gray"), &path).expect("copy");
    let foreign = ["PixelClassification/Other/thing", "Third/Party", "brushwood/from a newer version"];
    add_foreign(&path, &foreign);
    let mut project = Project::load(&path).expect("loaded");
    project.lanes[0].labels.paint([([0, 0, 1, 1], 2)]);
    project.classes.push(LabelClass::numbered(3));
    project.selection = Some(FeatureSelection::none([1, 72, 80]));
    project.export.format = "numpy".into();
    project.invalidate_forest();
    project.save(&path).expect("saved");
    for object in foreign {
        assert_eq!(text(&path, object), Some(object.into()));
    }
    let file = hdf5_pure::File::open(&path).expect("HDF5");
    let bookmark = file.dataset("PixelClassification/Bookmarks/0000").expect("kept");
    assert_eq!(bookmark.read_raw().expect("bytes"), b"(lp0\n.");
    assert!(file.group("PixelClassification/ClassifierForests").is_err(), "a forest without its labels");
    assert_same(&project, &Project::load(&path).expect("loaded"));
    assert_eq!(text(&path, "Prediction Export/OutputFormat"), Some("numpy".into()));
}

#[test]
fn objects_of_every_type_survive() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/project/foreign.ilp");
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("p.ilp");
    let mut project = Project::load(&fixture).expect("loaded");
    project.lanes.push(lane("image", [0, 0, 1, 1]));
    project.save(&path).expect("saved");
    let (before, after) = [&fixture, &path].map(|path| hdf5_pure::File::open(path).expect("HDF5")).into();
    let (old, new) =
        (before.group("Other Program").expect("old"), after.group("Other Program").expect("kept"));
    assert_eq!(old.attrs().expect("attributes"), new.attrs().expect("attributes"));
    assert_eq!(old.attr_datatypes().expect("types"), new.attr_datatypes().expect("types"));
    assert_eq!(old.named_datatypes().expect("types"), ["type"]);
    assert_eq!(new.named_datatypes().expect("types"), ["type"]);
    let names = old.datasets().expect("datasets");
    assert!(names.len() >= 14, "{names:?}");
    for name in &names {
        let (old, new) = (old.dataset(name).expect("old"), new.dataset(name).expect(name));
        assert_eq!(old.datatype().expect("type"), new.datatype().expect("type"), "{name}");
        assert_eq!(old.shape().expect("shape"), new.shape().expect("shape"), "{name}");
        assert_eq!(old.maxshape().expect("shape"), new.maxshape().expect("shape"), "{name}");
        assert_eq!(old.chunk_shape().expect("chunks"), new.chunk_shape().expect("chunks"), "{name}");
        assert_eq!(old.filters(), new.filters(), "{name}");
        match name.as_str() {
            // These hold addresses, which differ; `tests/interop/same_foreign.py` compares what is there.
            "ragged" | "reference" => {}
            "texts" => assert_eq!(old.read_string().expect("old"), new.read_string().expect("new")),
            _ => assert_eq!(old.read_raw().expect("old"), new.read_raw().expect("new"), "{name}"),
        }
    }
    let deep = "Other Program".to_owned() + &"/many".repeat(12);
    assert!(after.group(&deep).is_ok());
    assert_eq!(after.dataset("Input Data/local_data/abc").expect("kept").read_u8().expect("ones"), [1; 20]);
}

#[test]
fn what_cannot_be_kept_stops_the_save() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/project/null.ilp");
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("p.ilp");
    let mut project = Project::load(&fixture).expect("loaded");
    let error = project.save(&path).expect_err("a dataset without dataspace");
    assert!(matches!(error, Error::CannotKeep { .. }), "{error}");
    assert!(error.to_string().contains("/Other Program/empty: a dataset without values"), "{error}");
    assert!(!path.exists());
    project.detach();
    project.save(&path).expect("without that");
}

#[test]
fn saving_elsewhere_keeps_locations_valid() {
    let folder = tempfile::tempdir().expect("folder");
    let (a, b) = (folder.path().join("a"), folder.path().join("a/b"));
    std::fs::create_dir_all(&b).expect("folders");
    let place = |project: &Project| project.lanes[0].raw.location.clone();
    let image = a.join("image.h5/data").to_str().expect("utf-8").to_owned();

    let mut project = Project::new();
    project.lanes.push(lane("image", [0, 0, 1, 1]));
    project.lanes[0].raw.location = DatasetLocation::Absolute(image.clone());
    project.save(&a.join("p.ilp")).expect("saved");
    assert_eq!(place(&project), DatasetLocation::Relative("image.h5/data".into()), "first file");
    project.save(&folder.path().join("q.ilp")).expect("saved");
    assert_eq!(place(&project), DatasetLocation::Relative("a/image.h5/data".into()), "folder above");
    project.save(&b.join("r.ilp")).expect("saved");
    assert_eq!(place(&project), DatasetLocation::Absolute(image.clone()), "folder below");
    let again = Project::load(&b.join("r.ilp")).expect("loaded");
    assert_eq!(again.locate(&again.lanes[0].raw), Ok(image.clone()));
    assert_eq!(
        text(&b.join("r.ilp"), "Input Data/infos/lane0000/Raw Data/__class__"),
        Some("FilesystemDatasetInfo".into())
    );

    project.lanes[0].raw.location = DatasetLocation::Relative("../image.h5/data".into());
    assert_eq!(project.locate(&project.lanes[0].raw).map(|p| p.replace("b/../", "")), Ok(image));
    project.lanes[0].raw.location = DatasetLocation::Internal("some-id".into());
    let inside = b.join("r.ilp/Input Data/local_data/some-id").to_str().map(str::to_owned);
    assert_eq!(project.locate(&project.lanes[0].raw).ok(), inside);
}

#[test]
fn a_failed_save_leaves_the_old_file() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("p.ilp");
    std::fs::copy(golden("gray"), &path).expect("copy");
    let before = std::fs::read(&path).expect("bytes");
    let mut project = Project::load(&path).expect("loaded");
    let missing = folder.path().join("missing/p.ilp");
    let error = project.save(&missing).expect_err("no such folder");
    assert!(matches!(error, Error::NoFolder { .. }), "{error}");
    assert_eq!(project.path.as_deref(), Some(&*path), "still the old file's project");
    // The writer fails in the middle.
    project.lanes[0].raw.id = "new".into();
    project.selection = Some(FeatureSelection { scales: vec![1.0; 3], ..FeatureSelection::none([1, 1, 1]) });
    let error = project.save(&path).expect_err("a matrix of another size");
    assert!(matches!(error, Error::Encode { .. }), "{error}");
    assert_eq!(std::fs::read(&path).expect("bytes"), before);
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).expect("folder").map(|f| f.expect("file").file_name()).collect();
    assert_eq!(left, ["p.ilp"], "temporary files are left behind");
    assert!(matches!(project.save(folder.path()), Err(Error::IsFolder { .. })));
}

#[test]
fn links_and_modes_are_kept() {
    let folder = tempfile::tempdir().expect("folder");
    let (file, link) = (folder.path().join("real.ilp"), folder.path().join("link.ilp"));
    let mut project = Project::new();
    project.save(&file).expect("saved");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("mode");
    std::os::unix::fs::symlink("real.ilp", &link).expect("link");
    let mut project = Project::load(&link).expect("loaded");
    project.settings.insert("a".into(), "1".into());
    project.save(&link).expect("saved");
    assert!(std::fs::symlink_metadata(&link).expect("link").file_type().is_symlink());
    assert_eq!(std::fs::metadata(&file).expect("file").permissions().mode() & 0o777, 0o640);
    assert_eq!(Project::load(&file).expect("loaded").settings, project.settings);
}

#[test]
fn another_programs_changes_are_not_overwritten() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("p.ilp");
    Project::new().save(&path).expect("saved");
    let mut project = Project::load(&path).expect("loaded");
    add_foreign(&path, &["theirs"]);
    assert!(project.is_changed_on_disk());
    assert!(matches!(project.save(&path), Err(Error::ChangedOnDisk { .. })));
    project.save(&folder.path().join("copy.ilp")).expect("another name is fine");
    assert_eq!(text(&folder.path().join("copy.ilp"), "theirs"), Some("theirs".into()));
    let mut project = Project::load(&path).expect("loaded");
    add_foreign(&path, &["more"]);
    project.save_replacing(&path).expect("on purpose");
    assert_eq!(text(&path, "more"), Some("more".into()), "what they wrote is kept all the same");

    // A deleted file is written again, with all that it held.
    std::fs::remove_file(&path).expect("deleted");
    project.save(&path).expect("saved");
    assert_eq!(text(&path, "theirs"), Some("theirs".into()));
}

#[test]
fn labels_that_another_program_erased_are_written_again() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("p.ilp");
    let mut project = Project::new();
    project.lanes.push(lane("image", [0, 0, 70, 5]));
    project.save(&path).expect("saved");
    let file = hdf5_pure::File::open_rw(&path).expect("HDF5");
    file.root().delete("PixelClassification/LabelSets/labels000/block0000").expect("deleted");
    file.close().expect("written");
    assert!(matches!(project.save(&path), Err(Error::ChangedOnDisk { .. })));
    assert!(matches!(project.save(&path), Err(Error::ChangedOnDisk { .. })), "still");
    project.save(&folder.path().join("copy.ilp")).expect("saved");
    assert_same(&project, &Project::load(&folder.path().join("copy.ilp")).expect("loaded"));
}

#[test]
fn images_must_fit_together() {
    let mut project = Project::new();
    project.add_lane(info("a", "yx", &[9, 9])).expect("first");
    assert_eq!(project.add_lane(info("b", "zyxc", &[1, 7, 8, 1])), Ok(1), "a single slice is 2D");
    let error = project.add_lane(info("c", "yxc", &[9, 9, 3])).expect_err("channels");
    assert_eq!(
        error.to_string(),
        "Can't use 'c': it has 3 channels, the project's images have 1. Convert it, or start a new project."
    );
    let error = project.add_lane(info("d", "zyx", &[4, 9, 9])).expect_err("dimensions");
    assert!(
        matches!(&error, LaneError::Dimensions { expected, found, .. } if expected == "2D" && found == "3D")
    );
    assert!(matches!(project.set_mask(0, info("m", "yx", &[9, 8])), Err(LaneError::MaskShape { .. })));
    project.set_mask(0, info("m", "yxc", &[9, 9, 1])).expect("fits");
    assert_eq!(project.lanes.len(), 2);
}

fn trees() -> impl Strategy<Value = Forest> {
    let threshold =
        prop_oneof![any::<f32>().prop_filter("number", |t| !t.is_nan()).prop_map(f64::from), -9.0..9.0];
    let tree =
        (0..5_u32, threshold, 1..900_u32, 0.0..=1.0).prop_map(|(column, threshold, rows, share)| Tree {
            nodes: vec![
                Node::Split { column, threshold, below: 1, above: 2 },
                Node::Leaf { shares: vec![share, 1.0 - share], rows: rows.into() },
                Node::Leaf { shares: vec![0.0, 1.0], rows: 3.0 },
            ],
        });
    prop::collection::vec(tree, 1..12).prop_map(|trees| Forest {
        trees,
        classes: vec![1, 3],
        feature_count: 5,
    })
}

/// Images that lie outside the file; `project_copies.rs` has those inside.
fn infos() -> impl Strategy<Value = DatasetInfo> {
    let location = prop::sample::select(vec![
        DatasetLocation::Absolute("/images/a b/µ.h5/inner/data".into()),
        DatasetLocation::Absolute("/images/1.png:/images/2.png".into()),
        DatasetLocation::Url("precomputed://https://somewhere/image".into()),
    ]);
    let display = prop::sample::select(vec!["default", "grayscale", "rgba", "alpha-modulated"]);
    let range = prop::option::of((-5.0..5.0, 6.0..9.0));
    let hash = prop::option::of("[0-9a-f]{16}");
    (location, "\\PC{1,20}", display, any::<Option<bool>>(), range, hash).prop_map(
        |(location, nickname, display_mode, normalize_display, data_range, content_hash)| DatasetInfo {
            location,
            nickname,
            display_mode: display_mode.into(),
            normalize_display,
            data_range,
            content_hash,
            ..info("", "yx", &[130, 130])
        },
    )
}

fn lanes() -> impl Strategy<Value = Vec<Lane>> {
    let axes = prop::sample::select(vec!["tzyxc", "yxc", "cyx", "zyx", "xy", "txyc"]);
    let pixels =
        prop::collection::vec(((0..2_usize, 0..40_usize, 0..130_usize, 0..130_usize), 1..=3_u8), 0..30);
    let lane = (axes, pixels, infos(), prop::option::of(infos())).prop_map(|(axes, pixels, raw, mask)| {
        let axes: AxisOrder = axes.parse().expect("axes");
        let shape = axes.pick(&[2, 40, 130, 130, 2]);
        let canonical = axes.canonical_shape(&shape);
        let mut labels = LabelVolume::new([canonical[0], canonical[1], canonical[2], canonical[3]]);
        labels.paint(pixels.into_iter().map(|((t, z, y, x), v)| ([t, z, y, x], v)));
        Lane { raw: DatasetInfo { axes, shape, ..raw }, mask, labels }
    });
    prop::collection::vec(lane, 0..4).prop_map(|mut lanes| {
        for (index, lane) in lanes.iter_mut().enumerate() {
            lane.raw.id = format!("i{index}");
            if let Some(mask) = &mut lane.mask {
                mask.id = format!("m{index}");
            }
        }
        lanes
    })
}

fn export_settings() -> impl Strategy<Value = ExportSettings> {
    let format = prop::sample::select(vec!["hdf5", "compressed hdf5", "png sequence", "numpy"]);
    let bound = prop::option::of(0..5000_usize);
    let region = prop::option::of((1..=5_usize).prop_flat_map(move |axes| {
        let bounds = prop::collection::vec(bound.clone(), axes);
        (bounds.clone(), bounds).prop_map(|(start, stop)| [start, stop])
    }));
    let range = || (-1e6..0.0, 0.5..1e6);
    let ranges = prop::option::of((range(), range()).prop_map(|(from, to)| [from, to]));
    let dtypes = [DType::U8, DType::I16, DType::U32, DType::U64, DType::F32, DType::F64];
    let dtype = prop::option::of(prop::sample::select(dtypes.to_vec()));
    let axes = prop::option::of(prop::sample::select(vec!["yxc", "tzyxc", "cyx", "xyz"]));
    ("\\PC{1,30}", format, "[a-z/]{1,12}", region, ranges, dtype, axes).prop_map(
        |(filename_format, format, internal_path, region, ranges, dtype, axes)| ExportSettings {
            filename_format,
            format: format.into(),
            internal_path,
            region,
            ranges,
            dtype,
            axes: axes.map(|axes| axes.parse().expect("axes")),
        },
    )
}

fn selections() -> impl Strategy<Value = FeatureSelection> {
    prop::collection::vec(any::<bool>(), 18).prop_map(|cells| FeatureSelection {
        scales: vec![0.3, 2.25, 10.0],
        compute_in_2d: vec![true, false, true],
        selected: std::array::from_fn(|row| cells[row * 3..row * 3 + 3].to_vec()),
        unused_channels: vec![1; usize::from(cells[1])],
    })
}

fn projects() -> impl Strategy<Value = Project> {
    let class = ("[a-zA-Zσµ .-]{0,12}", any::<[u8; 3]>(), any::<[u8; 3]>(), any::<bool>()).prop_map(
        |(name, color, probability_color, locked)| LabelClass { name, color, probability_color, locked },
    );
    let note = (0..4_usize, any::<[u16; 4]>(), "\\PC{0,20}").prop_map(|(lane, at, note)| Bookmark {
        image: format!("i{lane}"),
        at: at.map(usize::from),
        note,
    });
    let settings = prop::collection::btree_map("[a-z/\"]{1,8}", "\\PC{0,20}", 0..3);
    (
        lanes(),
        prop::collection::vec(class, 3..5),
        prop::collection::vec(note, 0..3),
        export_settings(),
        settings,
        (any::<u64>(), 1..=10_000_u32),
        prop::option::of((trees(), prop::option::of(0.0..1.0), prop::option::of(1..9_u32))),
        selections(),
    )
        .prop_map(|(lanes, classes, bookmarks, export, settings, (seed, trees), forest, selection)| {
            let mut project = Project::new();
            project.lanes = lanes;
            project.classes = classes;
            project.bookmarks = bookmarks;
            project.export = export;
            project.settings = settings;
            (project.seed, project.trees) = (seed, trees);
            project.selection = Some(selection);
            // One that does not fit the images is not loaded.
            if let Some((forest, oob_error, algorithm_version)) = forest.filter(|_| project.lanes.is_empty())
            {
                project.forest = Some(Arc::new(forest));
                project.forest_feature_names = (0..5).map(|i| format!("Feature (σ={i}.0)")).collect();
                (project.oob_error, project.algorithm_version) = (oob_error, algorithm_version);
            }
            project
        })
}

/// Everything of `other`, in the file of `project`.
fn take_all(project: &mut Project, other: Project) {
    (project.lanes, project.classes, project.bookmarks) = (other.lanes, other.classes, other.bookmarks);
    (project.export, project.settings) = (other.export, other.settings);
    (project.seed, project.trees, project.selection) = (other.seed, other.trees, other.selection);
    (project.forest, project.forest_feature_names) = (other.forest, other.forest_feature_names);
    (project.oob_error, project.algorithm_version) = (other.oob_error, other.algorithm_version);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_is_saved_is_loaded(mut first in projects(), second in projects()) {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("p.ilp");
        first.save(&path).expect("saved");
        assert_same(&first, &Project::load(&path).expect("loaded"));
        // What other programs put there, a pickle among it, survives any project saved over any other.
        let foreign = ["PixelClassification/Other/thing", "Third/Party", "brushwood/from a newer version"];
        add_foreign(&path, &foreign);
        let pickle = b"ccollections\nOrderedDict\np0\n(lp1\ntp2\nRp3\n.";
        let file = hdf5_pure::File::open_rw(&path).expect("HDF5");
        file.root().create_dataset("Third/pickle", |d| { d.with_u8_data(pickle); }).expect("new");
        file.close().expect("written");
        let mut loaded = Project::load(&path).expect("loaded");
        take_all(&mut loaded, second);
        loaded.save(&path).expect("saved over");
        assert_same(&loaded, &Project::load(&path).expect("loaded"));
        for object in foreign {
            prop_assert_eq!(text(&path, object), Some(object.into()));
        }
        let file = hdf5_pure::File::open(&path).expect("HDF5");
        prop_assert_eq!(file.dataset("Third/pickle").expect("kept").read_raw().expect("bytes"), pickle);
    }
}
