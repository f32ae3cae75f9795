//! Links in project files: what names a path in the file or in another one is still there after saving.

use std::path::{Path, PathBuf};

use brushwood::data::LabelVolume;
use brushwood::project::{DatasetInfo, DatasetLocation, Lane, Project};
use rust_hdf5::{H5File, LinkClass};

const FIXTURES: [&str; 2] = ["links_old.ilp", "links_new.ilp"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/project").join(name)
}

/// The kind of every link of a group that is given by its path.
fn links(path: &Path, group: &str) -> Vec<(String, LinkClass)> {
    let file = H5File::options().no_locking().open(path).expect("HDF5");
    let group = match group {
        "" => file.root_group(),
        name => file.root_group().group(name).expect(name),
    };
    let names = group.link_names().expect("names");
    names.into_iter().map(|name| (name.clone(), group.link_class(&name).expect("a class"))).collect()
}

fn symbolic(path: &Path, group: &str) -> Vec<(String, LinkClass)> {
    links(path, group).into_iter().filter(|(_, class)| *class != LinkClass::Hard).collect()
}

fn soft(path: &str) -> LinkClass {
    LinkClass::Soft { path: path.into() }
}

fn assert_links_of_the_fixture(path: &Path, name: &str) {
    let expect = [
        ("dangling".to_owned(), soft("nowhere/µ")),
        ("external".to_owned(), LinkClass::External { file: "other.h5".into(), path: "/a/b".into() }),
        ("soft".to_owned(), soft("/Other Program/data")),
    ];
    assert_eq!(symbolic(path, "Other Program"), expect, "{name}");
    assert_eq!(symbolic(path, "Other Program/empty"), [("up".to_owned(), soft("/"))], "{name}");
    assert_eq!(symbolic(path, ""), [("link".to_owned(), soft("Input Data"))], "{name}");
    let many = links(path, "Other Program/many");
    assert_eq!(many.len(), 41, "{name}: {many:?}");
    assert_eq!(many[40], ("link".to_owned(), soft("/Other Program/data")), "{name}");
}

fn info(id: &str) -> DatasetInfo {
    DatasetInfo {
        location: DatasetLocation::Absolute(format!("/images/{id}.tif")),
        id: id.into(),
        nickname: id.into(),
        axes: "yx".parse().expect("axes"),
        shape: vec![9, 9],
        display_mode: "default".into(),
        normalize_display: Some(false),
        data_range: None,
        content_hash: None,
    }
}

#[test]
fn links_survive_a_save() {
    let folder = tempfile::tempdir().expect("folder");
    for name in FIXTURES {
        let path = folder.path().join(name);
        std::fs::copy(fixture(name), &path).expect("copied");
        let mut project = Project::load(&path).expect(name);
        assert_eq!(project.warnings, [], "{name}");
        assert_eq!(project.lanes.len(), 1, "{name}");
        // Again and again, over its own files too.
        for round in 1..=3 {
            project.lanes[0].labels.paint([([0, 0, 1, round], 1)]);
            project.save(&path).expect("saved");
            assert_links_of_the_fixture(&path, name);
            let class = symbolic(&path, "PixelClassification");
            assert_eq!(class, [("link".to_owned(), soft("/Other Program"))], "{name}");
            let again = Project::load(&path).expect("loaded");
            assert_eq!((&again.lanes, again.warnings), (&project.lanes, Vec::new()), "{name}");
        }
        // What is not a link is there, too.
        let file = hdf5_pure::File::open(&path).expect("HDF5");
        let data = file.dataset("Other Program/data").expect("kept");
        assert_eq!(data.read_i64().expect("numbers"), [0, 1, 2, 3, 4], "{name}");
    }
}

#[test]
fn links_move_with_their_lane_and_go_with_it() {
    let folder = tempfile::tempdir().expect("folder");
    for name in FIXTURES {
        let path = folder.path().join(name);
        std::fs::copy(fixture(name), &path).expect("copied");
        let mut project = Project::load(&path).expect(name);
        let lane = |id: &str| Lane { raw: info(id), mask: None, labels: LabelVolume::new([1, 1, 9, 9]) };
        project.lanes.insert(0, lane("first"));
        project.save(&path).expect("saved");
        let own = |lane: usize| symbolic(&path, &format!("Input Data/infos/lane{lane:04}/Raw Data"));
        assert_eq!(own(0), [], "{name}");
        assert_eq!(own(1), [("link".to_owned(), soft("../filePath"))], "{name}");
        assert_links_of_the_fixture(&path, name);
        project.lanes.remove(1);
        project.save(&path).expect("saved");
        assert_eq!(own(0), [], "{name}");
        assert_links_of_the_fixture(&path, name);
        assert_eq!(Project::load(&path).expect("loaded").lanes, project.lanes, "{name}");
    }
}
