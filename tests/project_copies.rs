//! Images that lie inside a project file: copied when it is saved, carried over, left out again.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use brushwood::data::task::Cancelled;
use brushwood::data::{Roi5, Volume};
use brushwood::io::{self, ImageReader, OpenOptions, content_hash};
use brushwood::project::{DatasetLocation, Error, ImageCopy, Project};
use ndarray::Array5;

fn open(location: &str) -> Arc<dyn ImageReader> {
    io::open(location, &OpenOptions::default()).unwrap()
}

/// Writes an image of 16 bits with these axes as an HDF5 file; its location.
fn write(folder: &Path, name: &str, axes: &str, shape: [usize; 5]) -> String {
    let values =
        Array5::from_shape_fn(shape, |(t, z, y, x, c)| (t + 3 * z + 7 * y + 300 * x + 11 * c) as u16);
    let volume = Volume::from(values);
    let spec = io::ImageSpec::new(axes.parse().unwrap(), shape, volume.dtype());
    let path = folder.join(name);
    let mut writer = io::create("hdf5", &path, &spec).unwrap();
    let [t, z, y, x, c] = writer.intake().block;
    for start_t in (0..shape[0]).step_by(t) {
        for start_z in (0..shape[1]).step_by(z) {
            for start_y in (0..shape[2]).step_by(y) {
                for start_x in (0..shape[3]).step_by(x) {
                    let start = [start_t, start_z, start_y, start_x, 0];
                    let size = [t, z, y, x, c.max(shape[4])];
                    let stop = std::array::from_fn(|i| (start[i] + size[i]).min(shape[i]));
                    writer.write(start, &volume.crop(&Roi5::new(start, stop))).unwrap();
                }
            }
        }
    }
    writer.finish().unwrap();
    format!("{}/exported_data", path.display())
}

/// Adds an image that is to be copied.
fn add(project: &mut Project, location: &str) -> String {
    let image = open(location);
    let mut info = project.describe(location, image.info());
    info.content_hash = Some(content_hash(image.as_ref()).unwrap());
    info.location = project.stored_as(&info, "copied").unwrap();
    let name = info.id.clone();
    project.copies.insert(name.clone(), ImageCopy(image));
    project.add_lane(info).unwrap();
    name
}

fn same(a: &dyn ImageReader, b: &dyn ImageReader) {
    assert_eq!(a.info().axes, b.info().axes);
    assert_eq!(a.info().shape, b.info().shape);
    let whole = Roi5::whole(a.info().shape);
    assert!(a.read(&whole).unwrap() == b.read(&whole).unwrap(), "the samples differ");
}

#[test]
fn images_of_any_axes_are_copied_and_need_their_files_no_more() {
    for (axes, shape) in [
        ("yx", [1, 1, 700, 300, 1]),
        ("yxc", [1, 1, 300, 270, 3]),
        ("cyx", [1, 1, 30, 40, 2]),
        ("zyx", [1, 9, 260, 33, 1]),
        ("tzyxc", [3, 5, 20, 30, 2]),
        ("xy", [1, 1, 17, 600, 1]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let location = write(folder.path(), "image.h5", axes, shape);
        let path = folder.path().join("p.ilp");
        let mut project = Project::new();
        let name = add(&mut project, &location);
        assert_eq!(
            project.locate(&project.lanes[0].raw),
            Ok(location.clone()),
            "until then it is where it was"
        );
        project.save(&path).unwrap();
        assert_eq!(project.lanes[0].raw.location, DatasetLocation::Internal(name));

        let original = open(&location);
        let again = Project::load(&path).unwrap();
        let raw = &again.lanes[0].raw;
        let options = OpenOptions { axes: Some(raw.axes.clone()), ..OpenOptions::default() };
        let copy = io::open(&again.locate(raw).unwrap(), &options).unwrap();
        same(original.as_ref(), copy.as_ref());
        assert_eq!(Some(content_hash(copy.as_ref()).unwrap()), raw.content_hash, "{axes}");
        assert_eq!(raw.nickname, project.lanes[0].raw.nickname);
        // Its axes are named in the file for other programs.
        same(original.as_ref(), open(&again.locate(raw).unwrap()).as_ref());
    }
}

#[test]
fn a_copy_is_carried_over_and_left_out_once_its_image_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/gray/gray.ilp");
    let path = folder.path().join("p.ilp");
    std::fs::copy(golden, &path).unwrap();
    let mut project = Project::load(&path).unwrap();
    let [_, _, y, x, _] = project.lanes[0].raw.canonical_shape().unwrap();
    let location = write(folder.path(), "image.h5", "yx", [1, 1, y, x, 1]);
    let name = add(&mut project, &location);
    project.save(&path).unwrap();

    // Without any image open, and to another file.
    let mut again = Project::load(&path).unwrap();
    let elsewhere = folder.path().join("q.ilp");
    again.seed = 7;
    again.save(&elsewhere).unwrap();
    let copy = open(&format!("{}/Input Data/local_data/{name}", elsewhere.display()));
    same(open(&location).as_ref(), copy.as_ref());

    again.lanes.pop();
    again.save(&elsewhere).unwrap();
    let gone =
        io::open(&format!("{}/Input Data/local_data/{name}", elsewhere.display()), &OpenOptions::default());
    assert!(gone.is_err(), "the copy is left out");
    // The image that is open still has its samples, so that undoing brings the copy back.
    let mut back = again.clone();
    back.lanes = Project::load(&path).unwrap().lanes;
    back.copies.insert(name.clone(), ImageCopy(copy));
    back.save(&elsewhere).unwrap();
    same(
        open(&location).as_ref(),
        open(&format!("{}/Input Data/local_data/{name}", elsewhere.display())).as_ref(),
    );
}

#[test]
fn what_can_not_be_copied_and_what_is_cancelled_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.ilp");
    let location = write(folder.path(), "image.h5", "yx", [1, 1, 30, 40, 1]);
    let mut project = Project::new();
    project.save(&path).unwrap();
    let before = std::fs::read(&path).unwrap();
    add(&mut project, &location);
    let mut open = project.clone();
    project.copies.clear();
    let error = project.save(&path).unwrap_err();
    assert!(matches!(error, Error::CannotCopy { .. }), "{error}");
    assert!(error.to_string().contains("Store it by its path"), "{error}");
    let error = open.save_watched(&path, &mut |_| Err(Cancelled)).unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error}");
    assert!(std::fs::read(&path).unwrap() == before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
}

#[test]
fn a_project_is_saved_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.ilp");
    let location = write(folder.path(), "image.h5", "yx", [1, 1, 30, 40, 1]);
    let mut project = Project::new();
    let image = open(&location);
    project.add_lane(project.describe(&location, image.info())).unwrap();
    let name = add(&mut project, &location);
    // What is saved are snapshots, as in the interface.
    for round in 0..3 {
        project.seed = round;
        let mut snapshot = project.clone();
        snapshot.save(&path).unwrap();
        project.was_saved_to(snapshot.saved_file().unwrap());
        project.copies.clear();
        assert_eq!(project.lanes[0].raw.location, DatasetLocation::Relative("image.h5/exported_data".into()));
        assert_eq!(project.lanes[1].raw.location, DatasetLocation::Internal(name.clone()));
    }
    let elsewhere = folder.path().join("sub");
    std::fs::create_dir(&elsewhere).unwrap();
    let mut snapshot = project.clone();
    snapshot.save(&elsewhere.join("p.ilp")).unwrap();
    project.was_saved_to(snapshot.saved_file().unwrap());
    assert_eq!(project.locate(&project.lanes[0].raw), Ok(location));
}
