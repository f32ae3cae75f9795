//! The real program, end to end, in an emulated terminal.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/emulator/mod.rs"]
#[allow(dead_code, missing_docs)]
mod emulator;
#[path = "support/session.rs"]
#[allow(dead_code)]
mod session;

use std::path::Path;
use std::process::Command;

use emulator::{Profile, Screenshot};
use rustix::process::{Pid, Signal, kill_process};
use session::Session;

fn profile(base: Profile) -> Profile {
    Profile { columns: 100, rows: 30, ..base }
}

fn home_with_image() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/nuclei.tif");
    std::fs::copy(sample, home.path().join("nuclei.tif")).unwrap();
    home
}

/// Pixels in the middle of the screen, clear of panels and text, that show the image: gray and not black.
fn painted(shot: &Screenshot) -> usize {
    let inside = |at: usize| {
        let (x, y) = (at % shot.width, at / shot.width);
        (shot.width / 3..shot.width * 2 / 3).contains(&x)
            && (shot.height / 6..shot.height * 5 / 6).contains(&y)
    };
    let gray = |[r, g, b]: &[u8; 3]| r == g && g == b && *r > 0;
    shot.pixels.iter().enumerate().filter(|(at, pixel)| inside(*at) && gray(pixel)).count()
}

fn differing(a: &Screenshot, b: &Screenshot) -> usize {
    a.pixels.iter().zip(&b.pixels).filter(|(a, b)| a != b).count()
}

#[test]
fn kitty_from_the_first_stroke_to_a_headless_prediction() {
    let home = home_with_image();
    let mut session = Session::start(profile(Profile::kitty()), home.path(), &["nuclei.tif"]);
    session.wait_text("live update off");
    session.wait("the picture", |t| painted(&t.screenshot()) > 50_000);
    let before = session.screenshot();

    // Two strokes with the mouse, one for each class, and one with the keyboard.
    session.drag(&[[400, 200], [440, 200], [480, 210]]);
    session.wait("the stroke's colour", |t| t.screenshot().at(440, 200) == [255, 225, 25]);
    session.keys("2");
    session.drag(&[[420, 330], [450, 360]]);
    session.wait("the second colour", |t| t.screenshot().at(420, 330) == [0, 130, 200]);
    session.keys("J vL v");
    session.wait_text("nuclei.ilp *");
    let strokes = session.screenshot();
    let changed = differing(&before, &strokes);
    assert!((100..20_000).contains(&changed), "{changed} pixels changed by three strokes");

    session.keys("l");
    session.wait_text("OOB");
    session.wait("the overlay", |t| differing(&strokes, &t.screenshot()) > 20_000);
    // With live update off nothing changes the project by itself any more.
    session.keys("l");
    session.wait_text("live update off");
    let count = |t: &emulator::Terminal| {
        let screen = t.text.screen().contents();
        screen.lines().find(|line| line.contains("2 Label 2")).unwrap_or_default()[..24].to_owned()
    };
    let painted_with = count(&session.terminal);
    session.keys("U");
    session.wait("the undone stroke", |t| count(t) != painted_with);
    session.keys("\x13");
    session.wait_text("Saved");
    session.keys("\x11");
    assert_eq!(session.wait_end(), 0);
    assert!(!home.path().join("nuclei.ilp.journal").exists(), "a saved project leaves no journal");

    let mut again = Session::start(profile(Profile::kitty()), home.path(), &["nuclei.ilp"]);
    again.wait("the strokes", |t| t.screenshot().at(440, 200) == [255, 225, 25]);
    again.keys("\x11");
    assert_eq!(again.wait_end(), 0);

    let output = Command::new(env!("CARGO_BIN_EXE_brushwood"))
        .current_dir(home.path())
        .args(["predict", "--project", "nuclei.ilp", "nuclei.tif", "--output-format", "numpy"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(home.path().join("nuclei_Probabilities.npy").exists());
}

#[test]
fn half_blocks_on_a_terminal_that_says_nothing() {
    let home = home_with_image();
    let mut session = Session::start(profile(Profile::mute()), home.path(), &["nuclei.tif"]);
    session.wait("half-blocks", |t| t.text.screen().contents().matches('▀').count() > 300);
    session.keys(" 2LLL l");
    session.wait_text("OOB");
    session.keys("\x11");
    session.wait_text("nuclei.ilp *");
    session.keys("\x1b");
    kill_process(Pid::from_raw(session.process_id() as i32).unwrap(), Signal::TERM).unwrap();
    assert_eq!(session.wait_end(), 143);

    // What was painted is offered again.
    let mut again = Session::start(profile(Profile::mute()), home.path(), &["nuclei.tif"]);
    again.wait_text("estore");
    again.keys("\r");
    again.wait_text("Restored");
    kill_process(Pid::from_raw(again.process_id() as i32).unwrap(), Signal::TERM).unwrap();
    again.wait_end();
}

#[test]
fn sixel_and_a_window_that_changes_its_size() {
    let home = home_with_image();
    let base = Profile { reports_size: true, ..profile(Profile::xterm()) };
    let mut session = Session::start(base, home.path(), &["nuclei.tif"]);
    session.wait("the picture", |t| painted(&t.screenshot()) > 40_000);
    session.resize(120, 40);
    session.wait_text("live update off");
    session.wait("the larger picture", |t| {
        let shot = t.screenshot();
        shot.height == t.pixel(1, 40) && painted(&shot) > 90_000
    });
    session.keys("\x11");
    assert_eq!(session.wait_end(), 0);
}
