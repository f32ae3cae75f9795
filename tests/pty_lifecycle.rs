//! The real program through what happens to terminals: other fonts, storms of sizes, windows closed at a bad
//! moment; and what `doctor`, `info --picture`, `--graphics` and `--cell-size` say and do.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/emulator/mod.rs"]
#[allow(dead_code, missing_docs)]
mod emulator;
#[path = "support/session.rs"]
#[allow(dead_code)]
mod session;

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use brushwood::data::Roi5;
use brushwood::io::{self, OpenOptions};
use brushwood::project::Project;
use emulator::{Profile, Screenshot, Terminal};
use rustix::process::{Pid, Signal, kill_process};
use session::Session;
use session::relay::Link;

fn home_with_image() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/nuclei.tif");
    std::fs::copy(sample, home.path().join("nuclei.tif")).unwrap();
    home
}

fn sized(base: Profile, columns: u16, rows: u16) -> Profile {
    Profile { columns, rows, ..base }
}

/// Share of the gray pixels in the middle of the screen, clear of panels.
fn painted(shot: &Screenshot) -> f64 {
    let [columns, rows] = [shot.width, shot.height].map(|n| n * 2 / 5..n * 3 / 5);
    let all = columns.len() * rows.len();
    let gray = |[r, g, b]: [u8; 3]| r == g && g == b && r > 0;
    let count = rows.flat_map(|y| columns.clone().map(move |x| (x, y))).filter(|&(x, y)| gray(shot.at(x, y)));
    count.count() as f64 / all as f64
}

fn shows_image(terminal: &mut Terminal) -> bool {
    painted(&terminal.screenshot()) > 0.9
}

/// Waits until nothing has arrived for so long.
fn settle(session: &mut Session, quiet: Duration) {
    loop {
        let taken = session.terminal.taken;
        session.pump(Instant::now() + quiet);
        if session.terminal.taken == taken {
            return;
        }
    }
}

/// The screen must be what it is when everything is drawn anew.
fn assert_nothing_stale(session: &mut Session, quiet: Duration) {
    session.keys("\x1b[O\x1b[I");
    settle(session, quiet);
    let before = session.screenshot();
    let taken = session.terminal.taken;
    session.keys("\x0c");
    session.wait("everything again", |t| t.taken > taken + 5000);
    settle(session, quiet);
    assert_eq!(session.terminal.problems, [] as [String; 0]);
    let after = session.screenshot();
    assert_eq!([before.width, before.height], [after.width, after.height]);
    // The line at the bottom tells what the link carries.
    let above = before.width * (before.height - 60);
    let differs = before.pixels[..above].iter().zip(&after.pixels).position(|(a, b)| a != b);
    assert_eq!(differs.map(|at| [at % before.width, at / before.width]), None, "a stale pixel");
}

fn terminate(session: Session) {
    kill_process(Pid::from_raw(session.process_id() as i32).unwrap(), Signal::TERM).unwrap();
    assert_eq!(session.wait_end(), 143);
}

/// What `doctor` prints on a terminal.
fn doctor(profile: Profile, arguments: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let arguments = [&["doctor"], arguments].concat();
    let mut session = Session::start(sized(profile, 120, 80), home.path(), &arguments);
    session.wait("the decision", |t| {
        let screen = t.text.screen().contents();
        screen.split_once("Graphics").is_some_and(|(_, rest)| rest.contains(": "))
    });
    settle(&mut session, Duration::from_millis(300));
    let screen = session.screen();
    assert_eq!(session.wait_end(), 0);
    screen
}

#[test]
fn doctor_tells_what_was_asked_what_came_back_and_what_is_used() {
    let kitty = doctor(Profile::kitty(), &[]);
    for told in ["ESC [16t", "ESC [c", "kitty(0.41.1)", "10.00 x 20.00 pixels", "uses             kitty:"] {
        assert!(kitty.contains(told), "'{told}' is not in\n{kitty}");
    }
    let mute = doctor(Profile::mute(), &[]);
    for told in ["no answer", "cell             unknown; --cell-size WxH tells it", "uses             half:"]
    {
        assert!(mute.contains(told), "'{told}' is not in\n{mute}");
    }
    assert!(!mute.contains("first answer after"), "{mute}");
    let asked = doctor(Profile::mute(), &["--graphics", "sixel", "--cell-size", "7x14"]);
    for told in ["given by --cell-size", "uses             sixel:", "but              the terminal reported"]
    {
        assert!(asked.contains(told), "'{told}' is not in\n{asked}");
    }
}

/// Correlation of a sample image with what stands on the screen from pixel (0, `top`) on, in a picture of
/// `width` and `height`.
fn likeness(shot: &Screenshot, top: usize, [width, height]: [usize; 2]) -> f64 {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/nuclei.tif");
    let image = io::open(&sample.to_string_lossy(), &OpenOptions::default()).unwrap();
    let samples = image.read(&Roi5::whole(image.info().shape)).unwrap();
    let [_, _, rows, columns, _] = image.info().shape;
    // Means over fields of the picture, which differences in scaling hardly touch.
    const FIELDS: usize = 8;
    let field = |size: usize, i: usize| size * i / FIELDS..size * (i + 1) / FIELDS;
    let mean = |ys: Range<usize>, xs: Range<usize>, value: &dyn Fn(usize, usize) -> f64| {
        let count = (ys.len() * xs.len()) as f64;
        ys.flat_map(|y| xs.clone().map(move |x| (y, x))).map(|(y, x)| value(y, x)).sum::<f64>() / count
    };
    let pairs: Vec<[f64; 2]> = (0..FIELDS * FIELDS)
        .map(|i| {
            let (row, column) = (i / FIELDS, i % FIELDS);
            let shown = |y: usize, x: usize| f64::from(shot.at(x, top + y)[1]);
            let there = |y: usize, x: usize| samples.sample([0, 0, y, x, 0]);
            [
                mean(field(height, row), field(width, column), &shown),
                mean(field(rows, row), field(columns, column), &there),
            ]
        })
        .collect();
    let count = pairs.len() as f64;
    let [a, b] = [0, 1].map(|k| pairs.iter().map(|pair| pair[k]).sum::<f64>() / count);
    let product = |f: &dyn Fn(&[f64; 2]) -> f64| pairs.iter().map(f).sum::<f64>();
    product(&|p| (p[0] - a) * (p[1] - b))
        / (product(&|p| (p[0] - a).powi(2)) * product(&|p| (p[1] - b).powi(2))).sqrt()
}

#[test]
fn info_draws_a_picture_into_the_shell() {
    let home = home_with_image();
    let text_only = Profile { cell: [10.0, 20.0], ..Profile::mute() };
    for (name, profile) in [
        ("kitty", Profile::kitty()),
        ("kitty before 0.28", Profile { kitty_placeholder: false, ..Profile::kitty() }),
        ("sixel", Profile { reports_size: true, ..Profile::xterm() }),
        ("iTerm2", Profile { cell: [10.0, 20.0], ..Profile::iterm2() }),
        ("half-blocks", Profile { attributes: Some("62"), ..text_only }),
        ("tmux in kitty", Profile::tmux_in_kitty()),
    ] {
        let mut session =
            Session::start(sized(profile, 50, 40), home.path(), &["info", "--picture", "nuclei.tif"]);
        // Square, as wide as the terminal: 50 x 25 cells of 10 x 20 pixels.
        let mut found = 0.0;
        session.wait("a picture below the text", |t| {
            found = likeness(&t.screenshot(), 4 * 20, [500, 500]);
            found > 0.9
        });
        settle(&mut session, Duration::from_millis(300));
        assert_eq!(session.terminal.problems, [] as [String; 0], "{name}");
        assert_eq!(session.terminal.text.screen().cursor_position(), (4 + 25, 0), "{name}");
    }
}

#[test]
fn graphics_and_cell_size_are_obeyed() {
    let home = home_with_image();
    let kitty = sized(Profile::kitty(), 100, 30);
    let mut session = Session::start(kitty, home.path(), &["--graphics", "half", "nuclei.tif"]);
    session.wait("half-blocks", |t| t.text.screen().contents().matches('▀').count() > 300);
    assert!(!session.terminal.holds_images());
    terminate(session);

    // The terminal says nothing of itself but draws sixel.
    let silent = Profile { sixel: true, cell: [9.0, 18.0], largest_sixel: 1000, ..Profile::mute() };
    let arguments = ["--graphics", "sixel", "--cell-size", "9x18", "nuclei.tif"];
    let mut session = Session::start(sized(silent, 100, 30), home.path(), &arguments);
    session.wait("a picture in cells of the size given", shows_image);
    assert_eq!(session.terminal.problems, [] as [String; 0]);
    terminate(session);
}

#[test]
fn what_is_typed_before_the_screen_is_there_counts() {
    let home = home_with_image();
    let mut session = Session::start(sized(Profile::kitty(), 100, 30), home.path(), &["nuclei.tif"]);
    session.keys("....");
    session.wait_text("brush 23");
    terminate(session);
}

#[test]
fn another_size_of_the_font_while_an_overlay_is_shown() {
    for base in [Profile::kitty(), Profile { reports_size: true, ..Profile::xterm() }, Profile::konsole()] {
        let home = home_with_image();
        let mut session = Session::start(sized(base, 100, 30), home.path(), &["nuclei.tif"]);
        session.wait("the picture", shows_image);
        session.drag(&[[400, 200], [440, 200]]);
        session.wait("a stroke", |t| t.screenshot().at(420, 200)[2] < 60);
        // What is on its way is made for the other cells: a terminal would scroll by it.
        settle(&mut session, Duration::from_millis(500));
        // The window keeps its size: fewer, larger cells, and back.
        for (cell, columns, rows) in [([14.0, 28.0], 71, 21), ([10.0, 20.0], 100, 30)] {
            session.terminal.profile.cell = cell;
            session.resize(columns, rows);
            session.wait("the picture in other cells", shows_image);
            assert_nothing_stale(&mut session, Duration::from_millis(500));
        }
        terminate(session);
    }
}

#[test]
fn a_device_without_a_size_leaves_it_to_the_terminal() {
    let home = home_with_image();
    for (reports_size, size) in [(true, [110, 31]), (false, [80, 24])] {
        let [columns, rows] = size;
        let unknown = Profile { device_knows: false, reports_size, ..sized(Profile::kitty(), columns, rows) };
        let mut session = Session::start(unknown, home.path(), &["nuclei.tif"]);
        session.wait_text("? help");
        let screen = session.screen();
        let bottom = screen.lines().position(|line| line.contains("? help"));
        assert_eq!(bottom, Some(usize::from(rows) - 1), "{screen}");
        let frames = screen.lines().nth(1).map(|line| line.trim_end().chars().count());
        assert_eq!(frames, Some(usize::from(columns)), "{screen}");
        terminate(session);
    }
}

#[test]
fn a_terminal_that_keeps_no_images_gets_other_pictures() {
    let home = home_with_image();
    let forgetful = Profile { keeps_images: false, ..sized(Profile::kitty(), 100, 30) };
    let mut session = Session::start(forgetful, home.path(), &["nuclei.tif"]);
    session.wait_text("does not keep its images");
    session
        .wait("the picture in half-blocks", |t| t.text.screen().contents().contains('▀') && shows_image(t));
    session.terminal.problems.retain(|problem| !problem.starts_with("ENOENT"));
    terminate(session);
}

#[test]
fn a_storm_of_sizes_while_a_picture_is_on_its_way() {
    for (link, base) in [
        (Some(Link::SLOW), Profile::kitty()),
        (Some(Link::SLOW), Profile { reports_size: true, ..Profile::xterm() }),
        (None, Profile::tmux_in_kitty()),
    ] {
        let home = home_with_image();
        let mut session = Session::start_over(link, sized(base, 100, 30), home.path(), &["nuclei.tif"]);
        session.wait_text("live update off");
        // Zooming sends everything; windows are dragged meanwhile, down to what holds nothing.
        for step in 0..24_u16 {
            session.keys(if step % 2 == 0 { "+" } else { "-" });
            let (columns, rows) = if step % 5 == 4 { (20, 5) } else { (70 + 2 * step, 20 + step) };
            session.resize(columns, rows);
            session.pump(Instant::now() + Duration::from_millis(40));
            // What was on its way was made for another size: a terminal cuts it off.
            session.terminal.problems.clear();
        }
        session.resize(100, 30);
        // Which zoom the storm ends at depends on the sizes that the program saw.
        session.keys("F");
        session.wait("the picture after the storm", shows_image);
        settle(&mut session, Duration::from_millis(1500));
        session.terminal.problems.clear();
        assert_nothing_stale(&mut session, Duration::from_millis(1500));
        terminate(session);
    }
}

#[test]
fn a_window_that_closes_during_a_save_leaves_a_whole_project() {
    for after in [0, 3, 30] {
        let home = home_with_image();
        let kitty = sized(Profile::kitty(), 100, 30);
        let mut session = Session::start(kitty.clone(), home.path(), &["nuclei.tif"]);
        session.wait("the picture", shows_image);
        session.drag(&[[400, 200], [440, 200]]);
        session.wait("the stroke", |t| t.screenshot().at(420, 200) == [255, 225, 25]);
        session.keys("\x13");
        session.pump(Instant::now() + Duration::from_millis(after));
        session.hang_up();
        let path = home.path().join("nuclei.ilp");
        if path.exists() {
            Project::load(&path).expect("a whole project");
        }
        // Saved, or kept beside it and offered.
        let mut again = Session::start(kitty, home.path(), &["nuclei.tif"]);
        again.wait("the picture, or what was kept", |t| {
            t.text.screen().contents().contains("estore") || t.screenshot().at(420, 200) == [255, 225, 25]
        });
        if again.screen().contains("estore") {
            again.keys("\r");
        }
        again.wait("the stroke again", |t| t.screenshot().at(420, 200) == [255, 225, 25]);
        terminate(again);
    }
}
