//! The Data and Features panels of the real program in an emulated terminal: images of every kind come in and are
//! put right, features and channels are chosen, an image that moved is found again; then `predict` says what the
//! screen said.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/emulator/mod.rs"]
#[allow(dead_code, missing_docs)]
mod emulator;
#[path = "support/session.rs"]
#[allow(dead_code)]
mod session;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use brushwood::data::{Roi5, Volume};
use brushwood::io::{self, ImageReader, ImageSpec, OpenOptions};
use brushwood::project::{DatasetLocation, Project};
use emulator::Profile;
use ndarray::{Array5, ArrayD};
use session::Session;

const CTRL_S: &str = "\x13";
const CTRL_Q: &str = "\x11";
const CTRL_U: &str = "\x15";
const DOWN: &str = "\x1b[B";
const UP: &str = "\x1b[A";
const LEFT: &str = "\x1b[D";
const RIGHT: &str = "\x1b[C";
const PAGE_DOWN: &str = "\x1b[6~";
/// Depth, rows, columns, channels.
const SHAPE: [usize; 4] = [12, 44, 52, 2];

/// Balls in the first channel, stripes that have nothing to do with them in the second.
fn sample(seed: usize, [z, y, x, c]: [usize; 4]) -> u16 {
    let noise =
        (seed * 31 + z * 7919 + y * 104_729 + x * 1_299_709 + c * 31_337) * 2_654_435_761 % 4_294_967_296;
    let noise = (noise >> 20) as u16 % 300;
    let (dz, dy, dx) = (z as i64 - 6, (y as i64 + seed as i64) % 22 - 11, x as i64 % 26 - 13);
    match c {
        0 if 2 * dz * dz + dy * dy + dx * dx < 40 => 3000 + noise,
        0 => 900 + noise,
        _ => 500 * (y as u16 % 7) + noise,
    }
}

fn image(seed: usize) -> Volume {
    let [z, y, x, c] = SHAPE;
    Array5::from_shape_fn([1, z, y, x, c], |(_, z, y, x, c)| sample(seed, [z, y, x, c])).into()
}

fn write(path: &Path, format: &str, axes: &str, volume: &Volume) {
    let spec = ImageSpec::new(axes.parse().unwrap(), volume.shape(), volume.dtype());
    let mut writer = io::create(format, path, &spec).unwrap();
    writer.write([0; 5], volume).unwrap();
    writer.finish().unwrap();
}

/// One channel of an image.
fn channel(volume: &Volume, c: usize) -> Volume {
    let [t, z, y, x, _] = volume.shape();
    volume.crop(&Roi5::new([0, 0, 0, 0, c], [t, z, y, x, c + 1]))
}

/// `a.npy` says nothing of its axes, which are czyx; `b.tif` and `c.h5` do; `s_0.npy` and `s_1.npy` are the channels
/// of a fourth image; `mask.npy` is for the first.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    write(&at("a.npy"), "numpy", "czyx", &image(0));
    write(&at("b.tif"), "multipage tiff", "zyxc", &image(1));
    write(&at("c.h5"), "hdf5", "zyxc", &image(2));
    let stack = image(3);
    write(&at("s_0.npy"), "numpy", "zyx", &channel(&stack, 0));
    write(&at("s_1.npy"), "numpy", "zyx", &channel(&stack, 1));
    let [z, y, x, _] = SHAPE;
    let kept = Array5::from_shape_fn([1, z, y, x, 1], |(_, _, _, x, _)| u8::from(x < 40));
    write(&at("mask.npy"), "numpy", "zyx", &kept.into());
    home
}

/// Adds what `location` names; `more` are keys in the dialog after it.
fn add(session: &mut Session, location: &str, more: &str, named: &str) {
    session.keys("a");
    session.wait_text("Add images");
    session.keys(location);
    session.wait_text("first: ");
    session.keys(&format!("{more}\r"));
    session.wait_text(&format!("Done: add '{named}'"));
}

/// The probabilities that the status line tells.
fn told(screen: &str) -> Option<Vec<f64>> {
    let line = screen.lines().find(|line| line.contains("raw ") && line.contains(" P "))?;
    let values = line.split(" P ").nth(1)?.split_whitespace();
    Some(values.map_while(|value| value.parse().ok()).collect())
}

fn is_current(screen: &str) -> bool {
    screen.contains("OOB") && !screen.contains("updating") && !screen.contains("training")
}

/// Whether the project's name stands without a mark.
fn is_saved(screen: &str) -> bool {
    screen.lines().next().is_some_and(|line| line.trim_end().ends_with("a.ilp"))
}

/// Goes to a pixel and reads what the status line tells of it, once that is up to date.
fn probabilities_at(session: &mut Session, [z, y, x]: [usize; 3]) -> Vec<f64> {
    session.keys(&format!(":view.go_to {x} {y} {z}\r"));
    let place = format!(" x {x} y {y} z {z}/");
    session.wait(&format!("probabilities at {place}"), |t| {
        let screen = t.text.screen().contents();
        screen.contains(&place) && is_current(&screen) && told(&screen).is_some()
    });
    told(&session.screen()).unwrap()
}

fn open(path: &Path, axes: &str) -> Arc<dyn ImageReader> {
    let options = OpenOptions { axes: Some(axes.parse().unwrap()), ..OpenOptions::default() };
    io::open(&path.display().to_string(), &options).unwrap()
}

fn whole(image: &dyn ImageReader) -> Volume {
    image.read(&Roi5::whole(image.info().shape)).unwrap()
}

/// The classes (0 for none) that a picture of a slice shows, by the colours of the two labels.
fn classes_on(picture: &Path, [rows, columns]: [usize; 2]) -> ArrayD<u8> {
    let picture = image::open(picture).unwrap().to_rgb8();
    let class = |x: u32, y: u32| match picture.get_pixel(x, y).0 {
        [255, 225, 25] => 1,
        [0, 130, 200] => 2,
        _ => 0_u8,
    };
    // The image fills a part of the picture; every pixel of it has a class.
    let shown: Vec<(u32, u32)> = (0..picture.height())
        .flat_map(|y| (0..picture.width()).map(move |x| (x, y)))
        .filter(|&(x, y)| class(x, y) != 0)
        .collect();
    let first = shown[0];
    let scale = f64::from(shown.last().unwrap().0 + 1 - first.0) / columns as f64;
    ArrayD::from_shape_fn(vec![rows, columns], |at| {
        let [y, x] = [at[0], at[1]].map(|p| ((p as f64 + 0.5) * scale) as u32);
        class(first.0 + x, first.1 + y)
    })
}

#[test]
fn images_come_in_features_are_chosen_and_predict_says_what_the_screen_said() {
    let home = home();
    let profile = Profile { columns: 120, rows: 40, ..Profile::kitty() };
    let mut session = Session::start(profile.clone(), home.path(), &["a.npy"]);
    session.wait_text("live update off");
    session.wait_text("raw ");

    // Axes that the file does not tell.
    session.keys("g1");
    session.wait_text("2x12x44x52");
    session.keys("p");
    session.wait_text("Properties of a");
    session.keys(&format!("\t{CTRL_U}czyy"));
    session.wait_text("axis 'y' occurs twice");
    session.keys("\x7fx\r");
    session.wait_text("Done: change properties");
    session.wait_text("czyx");

    add(&mut session, "b.tif", "", "b");
    add(&mut session, "c.h5", "", "c-exported_data");
    // The channels of the fourth, by their first letter: "stack along c".
    add(&mut session, "s_*.npy", &format!("\t{RIGHT}{RIGHT}{RIGHT}"), "s_0");
    // What does not fit is refused with the reason.
    session.keys("a");
    session.wait_text("Add images");
    session.keys("mask.npy");
    session.wait_text("first: ");
    session.keys("\r");
    session.wait_text("it has 1 channel, the project's images have 2");
    // What was typed is there again, to be mended; it is left.
    session.wait_text("Give its axes as you add it");
    session.wait_text("Files          mask.npy");
    session.keys("\x1b");
    session.wait("the dialog is gone", |t| !t.text.screen().contents().contains("Add images"));

    // The fourth is copied into the project, the first gets a mask.
    session.keys(&format!("{DOWN}{DOWN}{DOWN}{DOWN}p"));
    session.wait_text("Properties of s_0");
    session.keys(&format!("\t\t\t\t{RIGHT}\r"));
    session.wait_text("copied into the project when that is saved");
    session.keys(&format!("{UP}{UP}{UP}{UP}m"));
    session.wait_text("prediction mask");
    session.keys("mask.npy\r");
    session.wait_text("Done: set the mask");

    // Smoothing and edges at three scales, and one of our own in 2D.
    session.keys("g2");
    session.wait_text("Feature Selection");
    session.keys("0");
    session.wait_text("0 features selected");
    session.keys(&format!("{RIGHT} LL"));
    session.wait_text("3 features selected");
    session.keys(&format!("{DOWN}{DOWN} HH"));
    session.wait_text("6 features selected");
    session.keys("+1.3\r");
    session.wait_text("1.3");
    session.keys(" ");
    session.wait_text("7 features selected");
    // It is in 2D, as the last column is; another one is put there.
    session.wait_text("3D    3D    3D    3D    2D    2D    2D    2D");
    session.keys(&format!("{LEFT}{LEFT}{LEFT}{LEFT}{LEFT}2"));
    session.wait_text("3D    3D    2D    3D    2D    2D    2D    2D");
    session.wait("the cost", |t| t.text.screen().contents().contains("takes about"));
    // The second channel is left out.
    session.keys("c");
    session.wait_text("Channels that are used");
    session.keys(&format!("{DOWN} "));
    session.wait_text("7 of 14 feature channels are learned from");
    session.keys("\r");
    session.wait_text("1 of 2 channels left out");

    // A look at the image and four features.
    session.keys("V");
    session.wait_text("Features: 14");
    let mut before = session.screenshot();
    for step in 0..4 {
        session.keys(DOWN);
        session.wait(&format!("feature {step}"), |t| {
            let now = t.screenshot();
            now.pixels.iter().zip(&before.pixels).filter(|(a, b)| a != b).count() > 500
        });
        before = session.screenshot();
    }
    session.keys("V");
    session.wait_text("Feature Selection");

    // Two dabs: a ball and what is around it.
    session.keys("g3");
    session.wait_text("live update off");
    session.keys(":lane.show 3\r");
    session.wait_text("3/4 c-exported_data");
    session.keys(":view.go_to 13 9 6\r2 ");
    session.keys(":view.go_to 26 20 6\r1 ");
    session.keys(":view.go_to 26 2 1\r1 ");
    session.keys("l");
    session.wait("a forest", |t| is_current(&t.text.screen().contents()));

    // What the screen says.
    let places = [[6, 9, 13], [6, 20, 26], [5, 30, 39], [2, 40, 3]];
    let said: Vec<Vec<f64>> = places.map(|at| probabilities_at(&mut session, at)).to_vec();
    session.keys(":view.go_to 0 0 6\r0s");
    session.wait_text("z 6/");
    session.keys("p");
    session.wait("the segmentation", |t| {
        is_current(&t.text.screen().contents()) && {
            let shot = t.screenshot();
            shot.pixels.iter().filter(|pixel| **pixel == [0, 130, 200]).count() > 100
        }
    });
    session.keys(":export.picture seen.png\r");
    session.wait("the picture", |_| home.path().join("seen.png").exists());
    session.keys(":export.picture slices/{slice_index}\r");
    session.wait_text("Wrote the view of");
    session.wait_text("z 6/");
    let picture = |name: &str| std::fs::read(home.path().join(name)).expect("a picture");
    assert!(picture("slices/06.png") == picture("seen.png"), "the slice that was seen");
    let slices: std::collections::BTreeSet<Vec<u8>> =
        (0..12).map(|slice| picture(&format!("slices/{slice:02}.png"))).collect();
    assert!(slices.len() > 4, "{} different slices", slices.len());
    session.keys(":lane.show 1\r");
    session.wait_text("1/4 a");
    let masked = [[6, 9, 13], [6, 9, 45]];
    let said_masked: Vec<Vec<f64>> = masked.map(|at| probabilities_at(&mut session, at)).to_vec();
    assert_eq!(said_masked[1], [0.0, 0.0], "outside the mask");
    session.keys(CTRL_S);
    session.wait_text("Saved");
    session.wait("saved", |t| is_saved(&t.text.screen().contents()));
    // Twice more: what is in the file is carried over. A name changes nothing that was learned.
    for name in ["ground", "around"] {
        session.keys(&format!(":label.rename {name}\r"));
        session.wait("changed", |t| t.text.screen().contents().contains("a.ilp *"));
        session.keys(CTRL_S);
        session.wait("saved again", |t| is_saved(&t.text.screen().contents()));
    }
    session.keys(CTRL_Q);
    assert_eq!(session.wait_end(), 0);

    // An image moves away, and the files of the copy are gone.
    std::fs::create_dir(home.path().join("moved")).unwrap();
    std::fs::rename(home.path().join("b.tif"), home.path().join("moved/b.tif")).unwrap();
    for name in ["s_0.npy", "s_1.npy"] {
        std::fs::remove_file(home.path().join(name)).unwrap();
    }
    let mut session = Session::start(profile, home.path(), &["a.ilp"]);
    session.wait_text("Images that moved or changed");
    session.keys(&format!("{DOWN}{DOWN}\r"));
    session.wait_text("moved/b.tif");
    session.keys(&format!("{UP}\r"));
    session.wait_text("live update off");
    session.wait_text("1/4 a");
    session.keys(&format!("{PAGE_DOWN}{PAGE_DOWN}{PAGE_DOWN}"));
    session.wait_text("4/4 s_0");
    session.wait_text("raw ");
    session.keys(CTRL_S);
    session.wait_text("Saved");
    session.keys(CTRL_Q);
    assert_eq!(session.wait_end(), 0);

    let project = Project::load(&home.path().join("a.ilp")).unwrap();
    let selection = project.selection.clone().unwrap();
    assert_eq!((selection.count(), selection.unused_channels), (7, vec![1]));
    assert_eq!(selection.compute_in_2d, [false, false, true, false, true, true, true, true]);
    assert_eq!(project.classes.iter().filter(|class| class.name == "around").count(), 1);
    assert!(project.lanes[0].mask.is_some());
    assert_eq!(project.lanes[0].raw.axes.to_string(), "czyx");
    assert_eq!(project.lanes[1].raw.location, DatasetLocation::Relative("moved/b.tif".into()));
    assert!(matches!(project.lanes[3].raw.location, DatasetLocation::Internal(_)));
    let copy = open(Path::new(&project.locate(&project.lanes[3].raw).unwrap()), "zyxc");
    assert!(whole(copy.as_ref()) == image(3), "the copy is the image");
    let forest = project.forest.clone().unwrap();
    assert_eq!(forest.feature_count, 14, "all columns are kept, as ilastik expects");

    // The same from a shell.
    let output = Command::new(env!("CARGO_BIN_EXE_brushwood"))
        .args(["predict", "--project", "a.ilp", "--output-format", "numpy"])
        .args(["--export-source", "Probabilities", "--export-source", "Simple Segmentation"])
        .args(["--output-filename-format", "out/{nickname}_{result_type}", "c.h5", "a.npy"])
        .args(["--output-axis-order", "zyxc"])
        .current_dir(home.path())
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let result = |kind: &str| {
        let names = std::fs::read_dir(home.path().join("out")).unwrap().map(|entry| entry.unwrap().path());
        let found = names.into_iter().find(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with('c') && name.contains(kind)
        });
        whole(open(&found.unwrap(), "zyxc").as_ref())
    };
    let probabilities = result("Probabilities");
    let close = |said: &[f64], volume: &Volume, [z, y, x]: [usize; 3]| {
        assert_eq!(said.len(), 2);
        for (class, said) in said.iter().enumerate() {
            let computed = volume.sample([0, z, y, x, class]);
            assert!(
                (said - computed).abs() <= 0.0051,
                "{said} on screen, {computed} in the file at {z} {y} {x}"
            );
        }
    };
    for (said, at) in said.iter().zip(places) {
        close(said, &probabilities, at);
    }
    let segmentation = result("Simple Segmentation");
    let [_, rows, columns, _] = SHAPE;
    let seen = classes_on(&home.path().join("seen.png"), [rows, columns]);
    for ((y, x), class) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))).zip(seen.iter()) {
        assert_eq!(f64::from(*class), segmentation.sample([0, 6, y, x, 0]), "at {y} {x}");
    }
}
