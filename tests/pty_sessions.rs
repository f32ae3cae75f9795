//! The real program, end to end, in an emulated terminal.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/emulator/mod.rs"]
#[allow(dead_code, missing_docs)]
mod emulator;
#[path = "support/script.rs"]
#[allow(dead_code)]
mod script;
#[path = "support/session.rs"]
#[allow(dead_code)]
mod session;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use emulator::{Profile, Screenshot};
use rustix::process::{Pid, Signal, kill_process};
use session::Session;
use session::relay::Link;

fn profile(base: Profile) -> Profile {
    Profile { columns: 100, rows: 30, ..base }
}

fn home_with_image() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/nuclei.tif");
    std::fs::copy(sample, home.path().join("nuclei.tif")).unwrap();
    home
}

/// Pixels in the middle of the screen, clear of panels and text, of which `shows` holds.
fn in_the_middle(shot: &Screenshot, shows: impl Fn([u8; 3]) -> bool) -> usize {
    let inside = |at: usize| {
        let (x, y) = (at % shot.width, at / shot.width);
        (shot.width / 3..shot.width * 2 / 3).contains(&x)
            && (shot.height / 6..shot.height * 5 / 6).contains(&y)
    };
    shot.pixels.iter().enumerate().filter(|&(at, &pixel)| inside(at) && shows(pixel)).count()
}

/// Pixels that show the image: gray and not black.
fn painted(shot: &Screenshot) -> usize {
    in_the_middle(shot, |[r, g, b]| r == g && g == b && r > 0)
}

/// Pixels in the colours of the first two labels.
fn labelled(shot: &Screenshot) -> usize {
    in_the_middle(shot, |pixel| [[255, 225, 25], [0, 130, 200]].contains(&pixel))
}

/// Pixels that an overlay tints.
fn tinted(shot: &Screenshot) -> usize {
    let plain = [[255, 225, 25], [0, 130, 200], emulator::GROUND];
    in_the_middle(shot, |pixel| (pixel[0] != pixel[1] || pixel[1] != pixel[2]) && !plain.contains(&pixel))
}

#[test]
fn kitty_from_the_first_stroke_to_a_headless_prediction() {
    let home = home_with_image();
    let mut session = Session::start(profile(Profile::kitty()), home.path(), &["nuclei.tif"]);
    session.wait_text("live update off");
    session.wait("the picture", |t| painted(&t.screenshot()) > 50_000);
    assert!(labelled(&session.screenshot()) < 50, "no more than the brush's outline");

    // Two strokes with the mouse, one for each class, and one with the keyboard.
    session.drag(&[[400, 200], [440, 200], [480, 210]]);
    session.wait("the stroke's colour", |t| t.screenshot().at(440, 200) == [255, 225, 25]);
    session.keys("2");
    session.drag(&[[420, 330], [450, 360]]);
    session.wait("the second colour", |t| t.screenshot().at(420, 330) == [0, 130, 200]);
    session.keys("J vL v");
    session.wait_text("nuclei.ilp *");
    let strokes = session.screenshot();
    let (labelled, tinted_before) = (labelled(&strokes), tinted(&strokes));
    assert!((100..20_000).contains(&labelled), "three strokes label {labelled} pixels");
    assert!(tinted_before < 1_000, "{tinted_before} pixels tinted before live update");

    session.keys("l");
    session.wait_text("OOB");
    session.wait("the overlay", |t| tinted(&t.screenshot()) > 20_000);
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

/// Pixels in a colour that only the image in the browser has.
fn of_the_small_picture(shot: &Screenshot) -> usize {
    let alike = |a: u8, b: u8| a.abs_diff(b) <= 40;
    shot.pixels.iter().filter(|[r, g, b]| alike(*r, 250) && alike(*g, 20) && alike(*b, 120)).count()
}

#[test]
fn the_browser_shows_a_small_picture_and_leaves_nothing_of_it() {
    for of in [Profile::kitty(), Profile::xterm(), Profile::iterm2()] {
        let home = home_with_image();
        let lit = image::RgbImage::from_pixel(64, 48, image::Rgb([250, 20, 120]));
        lit.save(home.path().join("lit.png")).unwrap();
        let mut session = Session::start(profile(of), home.path(), &["nuclei.tif"]);
        session.wait("the picture", |t| painted(&t.screenshot()) > 50_000);
        let canvas = session.screenshot();
        assert_eq!(of_the_small_picture(&canvas), 0);
        // Without a canvas below it.
        session.keys("g1a\x0f");
        session.wait_text("lit.png");
        session.keys("lit");
        session.wait("the small picture", |t| of_the_small_picture(&t.screenshot()) > 5_000);
        session.keys("\x1b");
        session.wait("it is gone", |t| of_the_small_picture(&t.screenshot()) == 0);
        session.keys("\x1b");
        let shows = |t: &emulator::Terminal, text: &str| t.text.screen().contents().contains(text);
        session.wait("the dialog is gone", |t| !shows(t, "Add images"));
        // Over the canvas, which comes back.
        session.keys("g3:file.open\r");
        session.wait_text("Open a project or an image");
        session.keys("\x0f");
        session.wait_text("Choose this folder");
        session.keys("lit");
        session.wait("the small picture", |t| of_the_small_picture(&t.screenshot()) > 5_000);
        // The picture that takes the canvas' place does not take text along.
        session.wait_text("Filter  lit");
        session.wait_text("[ ] lit.png");
        session.wait_text("Choose this folder");
        session.keys("\x1b");
        session.wait("it is gone", |t| of_the_small_picture(&t.screenshot()) == 0);
        session.keys("\x1b");
        session.wait("the dialog is gone", |t| !shows(t, "Open a project or an image"));
        session.wait("the canvas", |t| painted(&t.screenshot()) > 50_000);
        session.keys("\x11");
        assert_eq!(session.wait_end(), 0);
    }
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

fn signal(session: &Session, signal: Signal) {
    kill_process(Pid::from_raw(session.process_id() as i32).unwrap(), signal).unwrap();
}

#[test]
fn a_second_program_on_a_project_is_told_and_keeps_to_itself() {
    let home = home_with_image();
    let mut first = Session::start(profile(Profile::mute()), home.path(), &["nuclei.tif"]);
    first.wait_text("live update off");
    first.wait_text("raw ");
    first.keys(" ");
    first.wait_text("nuclei.ilp *");
    let mut second = Session::start(profile(Profile::mute()), home.path(), &["nuclei.tif"]);
    second.wait_text("open in another brushwood");
    assert!(!second.screen().contains("estore"), "the journal is the first one's");
    second.keys(" \x13");
    second.wait_text("nuclei_2.ilp");
    second.keys("\r");
    second.wait_text("Saved");
    second.keys("\x11");
    assert_eq!(second.wait_end(), 0);
    assert!(home.path().join("nuclei_2.ilp").exists());

    // However the first one ends, its strokes are kept and its hold is gone.
    signal(&first, Signal::KILL);
    drop(first);
    let mut again = Session::start(profile(Profile::mute()), home.path(), &["nuclei.tif"]);
    again.wait_text("estore");
    again.keys("\r");
    again.wait_text("Restored");
    assert!(!again.screen().contains("another brushwood"));
    again.keys("\x13");
    again.wait_text("Saved");
    again.keys("\x11");
    assert_eq!(again.wait_end(), 0);
}

/// Waits until a process is stopped: told to go on before that, it would stop afterwards.
fn wait_stopped(process: u32) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let is_stopped = || {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
    };
    while !is_stopped() {
        assert!(Instant::now() < deadline, "the program does not stop");
        std::thread::yield_now();
    }
}

#[test]
fn suspended_and_continued() {
    let home = home_with_image();
    let mut session = Session::start(profile(Profile::kitty()), home.path(), &["nuclei.tif"]);
    session.wait("the picture", |t| painted(&t.screenshot()) > 50_000);
    signal(&session, Signal::TSTP);
    session.wait("the terminal given back", |t| !t.text.screen().alternate_screen() && !t.holds_images());
    wait_stopped(session.process_id());
    signal(&session, Signal::CONT);
    session.wait("the picture again", |t| {
        t.text.screen().alternate_screen() && painted(&t.screenshot()) > 50_000
    });
    signal(&session, Signal::HUP);
    assert_eq!(session.wait_end(), 129);
}

/// A file in numpy's format.
fn npy(path: &Path, kind: &str, shape: &str, samples: &[u8]) {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    header.push_str(&" ".repeat(63 - (10 + header.len()) % 64));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(samples);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn odd_images_are_painted_on_while_the_window_shrinks() {
    let floats: Vec<u8> = (0..30 * 40)
        .flat_map(|i| if i % 7 == 0 { f32::NAN } else { i as f32 * 1e-3 }.to_le_bytes())
        .collect();
    let words: Vec<u8> = (0..5 * 20 * 30u16).flat_map(|i| (i * 21).to_le_bytes()).collect();
    let images: [(&str, &str, &str, Vec<u8>); 6] = [
        ("pixel", "|u1", "(1, 1)", vec![7]),
        ("row", "|u1", "(1, 50)", (0..50).collect()),
        ("constant", "|u1", "(30, 40)", vec![9; 1200]),
        ("nan", "<f4", "(30, 40)", floats),
        ("channels", "<u2", "(1, 1, 20, 30, 5)", words.clone()),
        ("times", "<u2", "(5, 1, 20, 30, 1)", words),
    ];
    for (name, kind, shape, samples) in images {
        let home = tempfile::tempdir().unwrap();
        let file = format!("{name}.npy");
        npy(&home.path().join(&file), kind, shape, &samples);
        let mut session = Session::start(profile(Profile::mute()), home.path(), &[&file]);
        session.wait_text("live update off");
        session.wait_text("raw ");
        session.keys("1 v");
        session.resize(12, 4);
        session.keys("\x1b[C\x1b[C\x1b[B");
        session.resize(100, 30);
        session.keys("\x1b[Cv2L TVt\x1b[A\x1b[CbC>lq");
        session.wait_text("live update on");
        session.wait_text(&format!("{name}.ilp *"));
        session.keys("\x03");
        session.wait_text("Discard");
        session.keys("d");
        assert_eq!(session.wait_end(), 0, "{name}");
    }
}

#[test]
fn three_slices_are_one_picture() {
    let home = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/nuclei3d.tif");
    std::fs::copy(sample, home.path().join("nuclei3d.tif")).unwrap();
    let mut session = Session::start(profile(Profile::kitty()), home.path(), &["nuclei3d.tif"]);
    session.wait("the picture", |t| painted(&t.screenshot()) > 10_000);
    session.keys("q");
    // The line between the panes is white along the slice that takes keys.
    let white_column = |shot: &Screenshot| {
        (shot.width / 4..shot.width * 3 / 4)
            .any(|x| (0..shot.height).filter(|&y| shot.at(x, y) == [255; 3]).count() > shot.height / 2)
    };
    session.wait("three panes", |t| white_column(&t.screenshot()));
    session.keys(" oo2 ");
    session.wait_text("nuclei3d.ilp *");
    session.keys("q");
    session.wait("one slice again", |t| !white_column(&t.screenshot()));
    signal(&session, Signal::TERM);
    assert_eq!(session.wait_end(), 143);
}

#[test]
fn answers_that_come_late_upgrade_the_picture() {
    let home = home_with_image();
    let mut session = Session::start(profile(Profile::kitty()), home.path(), &["nuclei.tif"]);
    session.silent = true;
    session.wait("half-blocks", |t| t.text.screen().contents().matches('▀').count() > 300);
    session.keys("2");
    session.silent = false;
    session.keys("1");
    session.wait("the picture", |t| t.holds_images() && painted(&t.screenshot()) > 50_000);
    session.drag(&[[400, 200], [440, 200]]);
    session.wait("a stroke of class 1", |t| t.screenshot().at(420, 200) == [255, 225, 25]);
    session.keys("\x11");
    session.wait_text("nuclei.ilp *");
    session.keys("d");
    assert_eq!(session.wait_end(), 0);
}

#[test]
fn a_stroke_that_is_reported_before_the_terminal_counts_pixels_stays_in_place() {
    let home = home_with_image();
    let mut session = Session::start(profile(Profile::kitty()), home.path(), &["nuclei.tif"]);
    session.silent = true;
    session.wait("half-blocks", |t| t.text.screen().contents().matches('▀').count() > 300);
    // By cells, from 1: the terminal has not read yet that it is to report pixels.
    session.break_silence("\x1b[<0;41;11M\x1b[<32;46;11M\x1b[<0;46;11m");
    session.wait("the picture", |t| t.holds_images() && painted(&t.screenshot()) > 50_000);
    session.wait("a stroke in those cells", |t| t.screenshot().at(430, 210) == [255, 225, 25]);
    session.drag(&[[400, 300], [440, 300]]);
    session.wait("a stroke by pixels", |t| t.screenshot().at(420, 300) == [255, 225, 25]);
    signal(&session, Signal::TERM);
    assert_eq!(session.wait_end(), 143);
}

#[test]
fn a_terminal_that_goes_away_leaves_the_edits_in_the_journal() {
    let home = home_with_image();
    let mut session = Session::start(profile(Profile::kitty()), home.path(), &["nuclei.tif"]);
    session.wait("the picture", |t| painted(&t.screenshot()) > 50_000);
    session.drag(&[[400, 200], [440, 200]]);
    session.wait("the stroke's colour", |t| t.screenshot().at(420, 200) == [255, 225, 25]);
    session.hang_up();

    let mut again = Session::start(profile(Profile::kitty()), home.path(), &["nuclei.tif"]);
    again.wait_text("estore");
    again.keys("\r");
    again.wait("the restored stroke", |t| t.screenshot().at(420, 200) == [255, 225, 25]);
    kill_process(Pid::from_raw(again.process_id() as i32).unwrap(), Signal::TERM).unwrap();
    assert_eq!(again.wait_end(), 143);
}

#[test]
fn an_evicted_image_is_sent_again() {
    let home = home_with_image();
    let mut session = Session::start(profile(Profile::kitty()), home.path(), &["nuclei.tif"]);
    session.wait("the picture", |t| painted(&t.screenshot()) > 50_000);
    session.terminal.lose_images();
    session.drag(&[[400, 200], [440, 200]]);
    session.wait("the picture again", |t| {
        let shot = t.screenshot();
        painted(&shot) > 50_000 && shot.at(420, 200) == [255, 225, 25]
    });
    session.terminal.problems.retain(|problem| !problem.starts_with("ENOENT"));
    kill_process(Pid::from_raw(session.process_id() as i32).unwrap(), Signal::TERM).unwrap();
    assert_eq!(session.wait_end(), 143);
}

#[test]
fn another_terminal_attached_to_tmux_gets_the_picture_in_its_own_way() {
    let home = home_with_image();
    let mut session = Session::start(profile(Profile::tmux_in_kitty()), home.path(), &["nuclei.tif"]);
    session.wait("the picture", |t| painted(&t.screenshot()) > 50_000);
    // Another kitty: the same answers, no images.
    session.terminal.lose_images();
    session.keys("\x1b[O\x1b[I");
    session.wait("the picture again", |t| t.holds_images() && painted(&t.screenshot()) > 50_000);
    // An xterm: no kitty graphics, and of sixel pictures tmux keeps a few only: half-blocks.
    session.terminal.lose_images();
    session.terminal.profile.around = Some(("XTerm(379)", "63;1;2;4;6"));
    (session.terminal.profile.kitty, session.terminal.profile.sixel) = (false, true);
    session.terminal.profile.largest_sixel = 1000;
    // tmux tells of the focus before it hands on what is asked.
    session.terminal.deaf = 2;
    session.keys("\x1b[O\x1b[I");
    session.wait("the picture in half-blocks", |t| {
        t.text.screen().contents().contains('▀') && !t.holds_images() && painted(&t.screenshot()) > 50_000
    });
    kill_process(Pid::from_raw(session.process_id() as i32).unwrap(), Signal::TERM).unwrap();
    assert_eq!(session.wait_end(), 143);
}

#[test]
fn labelling_over_a_slow_link_ends_with_the_same_project() {
    let actions = script::actions(7, 30, [300, 80], [350, 400]);
    let label = |link: Option<Link>, pace: u64| {
        let home = home_with_image();
        let mut session = Session::start_over(link, profile(Profile::kitty()), home.path(), &["nuclei.tif"]);
        session.wait("the picture", |t| painted(&t.screenshot()) > 50_000);
        script::play(&mut session, &actions, Duration::from_millis(pace));
        script::save(session, &home.path().join("nuclei.ilp"))
    };
    let (near, far) = (label(None, 1), label(Some(Link::SLOW), 16));
    script::assert_same(&near, &far);
}
