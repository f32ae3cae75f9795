//! Projects that ilastik itself wrote: read, written back, and compared object by object.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use brushwood::data::LabelVolume;
use brushwood::project::{DatasetLocation, Project};

/// Name, axes, image shape `tzyxc`, classes, features, feature channels.
type Expected = (&'static str, &'static str, [usize; 5], usize, usize, usize);

const PROJECTS: [Expected; 6] = [
    ("gray", "yx", [1, 1, 72, 80, 1], 2, 37, 49),
    ("rgb", "yxc", [1, 1, 48, 56, 3], 2, 37, 147),
    ("vol", "zyx", [1, 20, 36, 40, 1], 2, 31, 51),
    ("mixed", "zyx", [1, 20, 36, 40, 1], 2, 0, 28),
    ("noisy", "yx", [1, 1, 256, 256, 1], 3, 37, 49),
    ("time", "tyxc", [3, 1, 48, 56, 2], 2, 25, 0),
];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).join(format!("{name}.ilp"))
}

fn labels(name: &str, shape: [usize; 5]) -> LabelVolume {
    let file = std::fs::File::open(golden(name).with_file_name("labels.npy")).expect("golden labels");
    let values: Vec<u8> = npyz::NpyFile::new(file).expect("npy").into_vec().expect("uint8");
    let size = [shape[0], shape[1], shape[2], shape[3]];
    let mut labels = LabelVolume::new(size);
    labels.paint(values.iter().enumerate().map(|(mut offset, &value)| {
        let mut at = [0; 4];
        for i in (0..4).rev() {
            at[i] = offset % size[i];
            offset /= size[i];
        }
        (at, value)
    }));
    labels
}

#[test]
fn golden_projects_load() {
    for (name, axes, shape, classes, features, channels) in PROJECTS {
        let project = Project::load(&golden(name)).expect(name);
        assert_eq!(project.warnings, [], "{name}");
        assert_eq!(project.lanes.len(), 1, "{name}");
        let raw = &project.lanes[0].raw;
        assert_eq!(raw.location, DatasetLocation::Relative(format!("{name}_raw.h5/data")));
        assert_eq!(raw.nickname, format!("{name}_raw-data"));
        assert_eq!(raw.axes.to_string(), axes, "{name}");
        assert_eq!(raw.canonical_shape(), Some(shape), "{name}");
        assert!(Path::new(&project.locate(raw).expect(name)).parent().expect(name).is_file(), "{name}");
        assert_eq!(project.lanes[0].labels, labels(name, shape), "{name}: labels");
        assert_eq!(project.classes.len(), classes, "{name}");
        let selection = project.selection.as_ref().expect(name);
        assert!(features == 0 || selection.count() == features, "{name}: {} features", selection.count());
        let forest = project.forest.as_ref().expect(name);
        assert_eq!(forest.trees.len(), 100, "{name}");
        assert_eq!(forest.classes, (1..=classes as u8).collect::<Vec<_>>(), "{name}");
        assert!(channels == 0 || forest.feature_count == channels, "{name}: {}", forest.feature_count);
        assert_eq!(project.forest_feature_names.len(), forest.feature_count, "{name}");
        assert!(project.forest_feature_names[0].starts_with("Gaussian Smoothing (σ=0.3)"), "{name}");
    }
    let project = Project::load(&golden("noisy")).expect("noisy");
    let names: Vec<&str> = project.classes.iter().map(|class| class.name.as_str()).collect();
    assert_eq!(names, ["background", "nucleus", "bright"]);
    let project = Project::load(&golden("mixed")).expect("mixed");
    assert_eq!(project.selection.expect("selection").compute_in_2d, [false, false, true, false, true]);
}

/// Every object of an HDF5 file: datatype, shape, raw bytes (strings for variable-length ones), attributes.
fn dump(path: &Path) -> BTreeMap<String, String> {
    fn visit(group: &hdf5_pure::Group, path: &str, all: &mut BTreeMap<String, String>) {
        let sorted = |attrs: std::collections::HashMap<String, hdf5_pure::AttrValue>| {
            format!("{:?}", attrs.into_iter().collect::<BTreeMap<_, _>>())
        };
        all.insert(format!("{path}/"), sorted(group.attrs().expect("attributes")));
        for name in group.datasets().expect("datasets") {
            let dataset = group.dataset(&name).expect("dataset");
            let datatype = dataset.datatype().expect("datatype");
            let values = match datatype {
                hdf5_pure::Datatype::VariableLength { .. } => {
                    format!("{:?}", dataset.read_string().expect("text"))
                }
                _ => format!("{:?}", dataset.read_raw().expect("bytes")),
            };
            let shape = dataset.shape().expect("shape");
            let attributes = sorted(dataset.attrs().expect("attributes"));
            all.insert(format!("{path}/{name}"), format!("{datatype:?} {shape:?} {values} {attributes}"));
        }
        for name in group.groups().expect("groups") {
            visit(&group.group(&name).expect("group"), &format!("{path}/{name}"), all);
        }
    }
    let file = hdf5_pure::File::open(path).expect("HDF5");
    let mut all = BTreeMap::new();
    visit(&file.root(), "", &mut all);
    all
}

fn assert_same(a: &Project, b: &Project, name: &str) {
    assert_eq!(a.lanes, b.lanes, "{name}");
    assert_eq!(a.classes, b.classes, "{name}");
    assert_eq!(a.selection, b.selection, "{name}");
    assert!(a.forest == b.forest, "{name}: forest");
    assert_eq!(a.forest_feature_names, b.forest_feature_names, "{name}");
    assert_eq!(a.export, b.export, "{name}");
    assert_eq!(
        (a.seed, a.oob_error, a.algorithm_version),
        (b.seed, b.oob_error, b.algorithm_version),
        "{name}"
    );
    assert_eq!(a.settings, b.settings, "{name}");
}

#[test]
fn an_unchanged_project_is_saved_as_it_was() {
    let folder = tempfile::tempdir().expect("folder");
    for (name, ..) in PROJECTS {
        let copy = folder.path().join("in").join(format!("{name}.ilp"));
        std::fs::create_dir_all(copy.parent().expect("parent")).expect("folder");
        std::fs::copy(golden(name), &copy).expect("copy");
        let mut project = Project::load(&copy).expect(name);
        project.save(&copy).expect(name);
        let (before, mut after) = (dump(&golden(name)), dump(&copy));
        after.retain(|path, _| !path.starts_with("/brushwood"));
        for (path, value) in &before {
            if path != "/time" {
                assert!(
                    after.get(path) == Some(value),
                    "{name}: {path} differs: {:?} {value}",
                    after.get(path)
                );
            }
        }
        assert_eq!(before.len(), after.len(), "{name}: new objects");
        let again = Project::load(&copy).expect(name);
        assert_eq!(again.warnings, []);
        assert_same(&project, &again, name);
    }
}

#[test]
fn everything_written_anew_loads_the_same() {
    let folder = tempfile::tempdir().expect("folder");
    for (name, ..) in PROJECTS {
        let target = folder.path().join(format!("{name}.ilp"));
        let mut project = Project::load(&golden(name)).expect(name);
        project.detach();
        project.seed = 7;
        project.oob_error = Some(0.25);
        project.algorithm_version = Some(3);
        project.settings.insert("view/zoom".into(), "{\"zoom\": 2}".into());
        project.lanes[0].raw.content_hash = Some("abc".into());
        project.save(&target).expect(name);
        let again = Project::load(&target).expect(name);
        assert_eq!(again.warnings, []);
        assert_same(&project, &again, name);
        // The image is no longer below the project's folder.
        let image = golden(name).with_file_name(format!("{name}_raw.h5")).join("data");
        assert_eq!(
            again.lanes[0].raw.location,
            DatasetLocation::Absolute(image.to_str().expect("utf-8").into())
        );
        let golden = dump(&golden(name));
        let ours = dump(&target);
        for path in golden.keys().filter(|path| !path.contains("/LabelSets/") && !path.contains("/Forest0")) {
            assert!(ours.contains_key(path), "{name}: {path} is missing");
        }
    }
}
