//! Results out, as a user gets them: export and batch in the real program, then the same from a shell.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/emulator/mod.rs"]
#[allow(dead_code, missing_docs)]
mod emulator;
#[path = "support/session.rs"]
#[allow(dead_code)]
mod session;

use std::path::Path;
use std::process::Command;

use brushwood::data::{Roi, Volume};
use brushwood::io::{self, ImageSpec, OpenOptions};
use emulator::Profile;
use session::Session;

const CTRL_S: &str = "\x13";

/// Writes an image (`tzyxc`).
fn write(path: &Path, volume: &Volume) {
    let axes = if volume.shape()[4] > 1 { "yxc" } else { "yx" };
    let spec = ImageSpec::new(axes.parse().unwrap(), volume.shape(), volume.dtype());
    let mut writer = io::create("tif", path, &spec).unwrap();
    writer.write([0; 5], volume).unwrap();
    writer.finish().unwrap();
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A gray image, three times across and three times down: enough work to be held in the middle.
fn tiled(volume: &Volume) -> Volume {
    let Volume::U8(tile) = volume else { panic!("8 bits") };
    let row = ndarray::concatenate(ndarray::Axis(3), &[tile.view(), tile.view(), tile.view()]).unwrap();
    Volume::from(ndarray::concatenate(ndarray::Axis(2), &[row.view(), row.view(), row.view()]).unwrap())
}

/// A home with an image to label and six files: parts of it, of which the second is cut off and the fourth
/// has three channels.
fn home() -> (tempfile::TempDir, Vec<Volume>) {
    let home = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/nuclei.tif");
    let image = io::open(&sample.display().to_string(), &OpenOptions::default()).unwrap();
    let part = |at: usize, side: usize| {
        image.read(&Roi::new([0, 0, at, at, 0], [1, 1, at + side, at + side, 1])).unwrap()
    };
    write(&home.path().join("nuclei.tif"), &part(100, 256));
    std::fs::create_dir(home.path().join("files")).unwrap();
    let parts: Vec<Volume> = (0..6).map(|i| tiled(&part(20 * i, 380))).collect();
    for (i, volume) in parts.iter().enumerate() {
        write(&home.path().join(format!("files/f{}.tif", i + 1)), volume);
    }
    let second = home.path().join("files/f2.tif");
    let whole = std::fs::read(&second).unwrap();
    std::fs::write(&second, &whole[..whole.len() / 2]).unwrap();
    let Volume::U8(gray) = &parts[3] else { panic!("8 bits") };
    let rgb = ndarray::concatenate(ndarray::Axis(4), &[gray.view(), gray.view(), gray.view()]).unwrap();
    write(&home.path().join("files/f4.tif"), &Volume::from(rgb));
    (home, parts)
}

/// Goes to a field of a dialog, by Tab, and types over what is in it.
fn fill(session: &mut Session, tabs: usize, text: &str) {
    session.keys(&"\t".repeat(tabs));
    session.keys("\x01\x0b");
    session.keys(text);
}

#[test]
fn an_export_a_batch_and_the_same_from_a_shell() {
    let (home, parts) = home();
    let profile = Profile { columns: 120, rows: 40, ..Profile::kitty() };
    let mut session = Session::start(profile, home.path(), &["nuclei.tif"]);
    session.wait_text("live update off");
    session.wait_text("raw ");
    // A stroke for each class.
    session.keys(" 2LLL ");
    session.wait_text("nuclei.ilp *");
    session.keys("r");
    session.wait_text("OOB");
    session.keys(CTRL_S);
    session.wait_text("Saved");

    // Two results under one name are explained; the names are shown once they differ.
    session.keys("g4");
    session.wait_text("Ready");
    session.keys("s");
    session.wait_text("Image Export Options");
    session.keys("\x1b[B ");
    // The format by its first letter, which another has too.
    session.keys("\tnn");
    session.wait_text("numpy");
    fill(&mut session, 1, "{nickname}");
    session.wait_text("must hold {result_type}");
    session.keys("\x01\x0bout/{nickname}_{result_type}");
    session.wait_text("out/nuclei_Simple Segmentation.npy");
    // Past the dataset, which NumPy files do not name.
    fill(&mut session, 1, "[(10,20,0),(110,170,None)]");
    session.wait_text("100x150x2 float32");
    session.keys("\tu");
    session.wait_text("100x150x2 uint8");
    fill(&mut session, 1, "(0,1)");
    session.wait_text("both ranges are needed");
    fill(&mut session, 1, "(0,255)");
    session.keys("\r");
    session.wait_text("(0,1) mapped to (0,255)");

    // One of the files exists already.
    let out = home.path().join("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("nuclei_Probabilities.npy"), "mine").unwrap();
    session.keys("a");
    session.wait_text("One of the files exists. Replace it?");
    session.keys("k");
    session.wait_text("1 kept");
    assert_eq!(std::fs::read(out.join("nuclei_Probabilities.npy")).unwrap(), b"mine");
    session.keys("a");
    session.wait_text("Replace it?");
    session.keys("r");
    session.wait_text("Ended: 1 done");
    assert_eq!(files(&out), ["nuclei_Probabilities.npy", "nuclei_Simple Segmentation.npy"]);

    // Six files, of which two can't be computed.
    session.keys("g5");
    session.wait_text("No file yet");
    session.keys("a");
    session.wait_text("Add files to the batch");
    session.keys("files/*.tif");
    session.wait_text("6 images");
    session.keys("\r");
    session.wait_text("3 channels");
    // The files are computed whole.
    session.keys("s");
    session.wait_text("Image Export Options");
    fill(&mut session, 3, "");
    session.wait_text("1140x1140x2 uint8");
    session.keys("\r");
    session.wait_text("no cutout");
    // Held as soon as it has begun, so that there is time for all that follows.
    session.keys("S");
    session.wait_text("batch ");
    session.keys(" ");
    session.wait_text("paused");
    // Labelling goes on meanwhile.
    session.keys("g3");
    session.wait_text("live update off");
    let before = session.screenshot();
    session.keys("KK ");
    session.wait("a stroke", |t| {
        let shot = t.screenshot();
        before.pixels.iter().zip(&shot.pixels).filter(|(a, b)| a != b).count() > 50
    });
    session.keys("U");
    session.keys("g5");
    session.wait_text("Batch Processing");
    // The last one is left out.
    session.keys("\x1b[B\x1b[B\x1b[B\x1b[B\x1b[B");
    session.keys("x");
    session.keys(" ");
    session.wait_text("Ended: 3 done, 2 failed, 1 cancelled");
    assert!(!out.join("f2_Probabilities.npy").exists() && !out.join("f6_Probabilities.npy").exists());

    // Repaired, the three that are missing are computed.
    write(&home.path().join("files/f2.tif"), &parts[1]);
    write(&home.path().join("files/f4.tif"), &parts[3]);
    session.keys("R");
    session.wait_text("Ended: 6 done");
    assert_eq!(files(&out).len(), 14);

    // A result is looked at and left again.
    session.keys("\r");
    session.wait_text("with its result f");
    session.keys("\x1b");
    session.wait_text("Batch Processing");

    // The same from a shell.
    session.wait_text("The same from a shell");
    session.keys("y");
    session.wait("the clipboard", |t| t.clipboard.is_some());
    let command = session.terminal.clipboard.clone().unwrap();
    assert!(command.contains("f6.tif") && command.contains("--export-drange"), "{command}");
    // The stroke was undone, which still counts as a change; the saved project is what counts.
    session.keys("\x11");
    session.wait_text("Save the changes");
    session.keys("d");
    assert_eq!(session.wait_end(), 0);
    let here = home.path().join("here");
    std::fs::rename(&out, &here).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_brushwood")).parent().unwrap().display().to_string();
    let output = Command::new("sh")
        .args(["-c", &command])
        .env("PATH", format!("{program}:{}", std::env::var("PATH").unwrap_or_default()))
        .env("HOME", home.path())
        .current_dir("/")
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(files(&out).len(), 12, "{:?}", files(&out));
    for name in files(&out) {
        assert_eq!(
            std::fs::read(out.join(&name)).unwrap(),
            std::fs::read(here.join(&name)).unwrap(),
            "{name}"
        );
    }
    // What is exported is what the library reads: the cutout of the image, the files whole.
    let options = OpenOptions { axes: Some("yxc".parse().unwrap()), ..OpenOptions::default() };
    for (path, [height, width]) in [
        (here.join("nuclei_Probabilities.npy"), [100, 150]),
        (out.join("f1_Probabilities.npy"), [1140, 1140]),
    ] {
        let image = io::open(&path.display().to_string(), &options).unwrap();
        assert_eq!(image.info().shape, [1, 1, height, width, 2]);
    }
}
