//! The training panel of the real program in an emulated terminal: labels imported from every kind of file and
//! undone, classes changed while live update runs, an annotation erased from the list, a suggestion taken.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/emulator/mod.rs"]
#[allow(dead_code, missing_docs)]
mod emulator;
#[path = "support/session.rs"]
#[allow(dead_code)]
mod session;

use std::path::Path;

use brushwood::data::Volume;
use brushwood::io::{self, ImageSpec};
use brushwood::project::Project;
use emulator::Profile;
use ndarray::Array5;
use session::Session;

const SHIFT_TAB: &str = "\x1b[Z";
const LEFT: &str = "\x1b[D";
const DOWN: &str = "\x1b[B";

/// A label image of 60 x 40 pixels: 7 in the upper rows, 9 in the lower.
fn write_labels(path: &Path, format: &str) {
    let values = Array5::from_shape_fn([1, 1, 40, 60, 1], |(_, _, y, x, _)| match (y, x) {
        (5..10, 5..50) => 7_u8,
        (25..30, 5..50) => 9,
        _ => 0,
    });
    let volume = Volume::from(values);
    let spec = ImageSpec::new("yx".parse().unwrap(), volume.shape(), volume.dtype());
    let mut writer = io::create(format, path, &spec).unwrap();
    writer.write([0; 5], &volume).unwrap();
    writer.finish().unwrap();
}

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/nuclei.tif");
    std::fs::copy(sample, home.path().join("nuclei.tif")).unwrap();
    for (name, format) in [("l.tif", "tiff"), ("l.png", "png"), ("l.npy", "numpy"), ("l.h5", "hdf5")] {
        write_labels(&home.path().join(name), format);
    }
    home
}

/// Imports `file` with an offset of (30, 20), its values becoming the two labels that there are.
fn import(session: &mut Session, file: &str) {
    session.keys("gi");
    session.wait_text("Import labels");
    session.keys(&format!("{file}\r"));
    session.wait_text("pixels taken");
    session.keys(&format!("{LEFT}{LEFT}{DOWN}{LEFT}{LEFT}{SHIFT_TAB}\x7f20{SHIFT_TAB}\x7f30"));
    session.wait_text("450 pixels taken: 450 change");
    session.wait_text("2 Label 2");
    session.keys("\r");
    session.wait_text("Imported 450 label pixels");
}

#[test]
fn training_panel_from_import_to_a_suggestion() {
    let home = home();
    let mut session =
        Session::start(Profile { columns: 110, rows: 34, ..Profile::kitty() }, home.path(), &["nuclei.tif"]);
    session.wait_text("live update off");
    session.wait_text("raw ");
    for file in ["l.tif", "l.png", "l.npy", "l.h5/exported_data"] {
        import(&mut session, file);
        session.keys("U");
        session.wait_text("Undone: import labels");
        let line = session.screen().lines().find(|line| line.contains("1 Label 1")).unwrap().to_owned();
        let row = line.split('│').find(|cell| cell.contains("1 Label 1")).unwrap();
        assert!(row.ends_with(" 0"), "undone: {line}");
    }
    import(&mut session, "l.png");

    session.keys("l");
    session.wait_text("OOB");
    // Classes come and go while live update runs.
    session.keys("a");
    session.wait_text("3 Label 3");
    session.drag(&[[450, 300], [480, 310]]);
    session.keys(":label.recolor #ff0080\r");
    session.wait("the new colour", |t| t.screenshot().at(450, 300) == [255, 0, 128]);
    session.keys(":label.merge 1\r");
    session.wait_text("Done: merge 'Label 3' into 'Label 1'");
    session.keys("a");
    session.wait_text("3 Label 3");
    session.keys(":label.delete\r");
    session.wait_text("Done: delete 'Label 3'");
    session.wait("a forest of the labels as they are", |t| {
        let screen = t.text.screen().contents();
        screen.contains("OOB") && !screen.contains("updating")
    });

    // The stroke is the smallest of three annotations: it goes.
    session.keys("ga");
    session.wait_text("Label explorer: 3 annotations");
    session.keys("\t\tsm");
    session.keys("\t\t\t");
    session.wait_text("Sorted by");
    session.keys("x");
    session.wait_text("Label explorer: 2 annotations");
    session.keys("\r");
    session.wait("the list is closed", |t| !t.text.screen().contents().contains("Label explorer"));

    session.keys("l");
    session.wait_text("live update off");
    session.keys("gf");
    session.wait_text("Suggest features");
    session.keys("\t\t\r");
    session.wait_text("filter, 7");
    session.wait_text("all features");
    session.keys("\r");
    session.wait_text("Done: take the features");
    session.keys("\x13");
    session.wait_text("Saved");
    session.keys("\x11");
    assert_eq!(session.wait_end(), 0);

    let project = Project::load(&home.path().join("nuclei.ilp")).unwrap();
    assert_eq!(project.selection.unwrap().count(), 7);
    assert_eq!(project.classes.len(), 2);
    let counts = project.lanes[0].labels.counts();
    assert_eq!([counts[1], counts[2]], [225, 225], "the stroke that was merged is gone, the rest is there");
}
