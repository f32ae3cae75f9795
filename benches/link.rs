//! Painting and typing over a slow link: 1 Mbit/s and 50 ms each way, between the program and a terminal in
//! memory. `cargo bench --bench link` prints how long strokes and keys take to be seen; with
//! `-- --minutes N` it labels for so long and compares the project with one made without the link.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../tests/support/emulator/mod.rs"]
#[allow(dead_code)]
mod emulator;
#[path = "../tests/support/script.rs"]
#[allow(dead_code)]
mod script;
#[path = "../tests/support/session.rs"]
#[allow(dead_code)]
mod session;

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use emulator::Profile;
use session::Session;
use session::relay::Link;

/// Pixels of the terminal on which the canvas lies for certain.
const ORIGIN: [i32; 2] = [300, 80];
const SIZE: [i32; 2] = [600, 500];
/// Time between two events of the pointer.
const POINTER: Duration = Duration::from_micros(16_667);

fn start(link: Option<Link>, base: Profile, image: &str) -> (Session, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data").join(image);
    std::fs::copy(sample, home.path().join(image)).unwrap();
    // A canvas of 800x620 pixels between the panels.
    let profile = Profile { columns: 126, rows: 36, ..base };
    let mut session = Session::start_over(link, profile, home.path(), &[image]);
    session.wait_text("live update off");
    settle(&mut session);
    (session, home)
}

/// Waits until nothing has arrived for half a second.
fn settle(session: &mut Session) {
    loop {
        let taken = session.terminal.taken;
        session.pump(Instant::now() + Duration::from_millis(500));
        if session.terminal.taken == taken {
            return;
        }
    }
}

fn row(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize].as_millis();
    println!("{name:<58} {:>4} {:>6} {:>6} {:>6}", times.len(), at(0.5), at(0.95), at(1.0));
}

/// Whether a pixel has the first label's colour, or what sixel's palette makes of it.
fn is_label(color: [u8; 3]) -> bool {
    color.iter().zip([255, 225, 25]).all(|(a, b)| a.abs_diff(b) <= 10)
}

/// From the hand to the colour on screen, for each point of a stroke. `first` is the number of the first pixel in
/// the terminal's reports.
fn strokes(session: &mut Session, first: i32) -> Vec<Duration> {
    let mut waiting: VecDeque<([i32; 2], Instant)> = VecDeque::new();
    let mut times = Vec::new();
    let point = |i: i32| [ORIGIN[0] + 110 + 2 * i, ORIGIN[1] + 150 + (i * 7 % 23)];
    session.press(point(0));
    let mut next = Instant::now();
    let mut sent = 1;
    while sent < 180 || !waiting.is_empty() {
        if sent < 180 && Instant::now() >= next {
            session.drag_to(point(sent));
            waiting.push_back((point(sent), Instant::now()));
            sent += 1;
            next += POINTER;
        }
        session.pump(Instant::now() + Duration::from_millis(1));
        while let Some(([x, y], since)) = waiting.front().copied() {
            let [x, y] = [x, y].map(|at| (at - first) as usize);
            if !session.terminal.picture_at(x, y).is_some_and(is_label) {
                break;
            }
            times.push(since.elapsed());
            waiting.pop_front();
        }
    }
    session.release(point(179));
    times
}

/// From a key to its answer in the text, with nothing under way.
fn quiet_keys(session: &mut Session) -> Vec<Duration> {
    let key = |i| script::Action::Brush(if i % 2 == 0 { "." } else { "," });
    let mut times = Vec::new();
    for i in 0..36 {
        times.extend(script::play(session, &[key(i)], POINTER));
        settle(session);
    }
    times
}

/// From a key to its answer in the text, while a whole new picture is under way; and how long that takes.
fn keys(session: &mut Session) -> (Vec<Duration>, Vec<Duration>) {
    let (mut times, mut pictures) = (Vec::new(), Vec::new());
    for i in 0..12 {
        session.keys(if i % 2 == 0 { "%" } else { "T" });
        let changed = Instant::now();
        let before = session.terminal.taken;
        for (j, pause) in [150, 120, 330].into_iter().enumerate() {
            session.pump(Instant::now() + Duration::from_millis(pause));
            let key = if (i + j) % 2 == 0 { "." } else { "," };
            times.extend(script::play(session, &[script::Action::Brush(key)], POINTER));
        }
        settle(session);
        pictures.push(changed.elapsed().saturating_sub(Duration::from_millis(500)));
        if i == 0 {
            println!("  a new picture is {} bytes", session.terminal.taken - before);
        }
    }
    (times, pictures)
}

fn label(minutes: f64) {
    let mut projects = Vec::new();
    for (link, pace) in [(Some(Link::SLOW), POINTER), (None, Duration::from_millis(1))] {
        let (mut session, home) = start(link, Profile::kitty(), "nuclei.tif");
        // A stroke of 25 points takes half a second, a key a third of that.
        let count = (minutes * 60.0 / 0.33) as usize;
        let actions = script::actions(20_260_101, count, ORIGIN, SIZE);
        session.keys("l");
        let began = Instant::now();
        let answers = script::play(&mut session, &actions, pace);
        let took = began.elapsed();
        session.keys("l");
        session.wait_text("live update off");
        projects.push(script::save(session, &home.path().join("nuclei.ilp")));
        let name = if link.is_some() { "over 1 Mbit/s and 50 ms" } else { "directly" };
        println!("labelled for {} s {name}, {} actions", took.as_secs(), actions.len());
        row("  key to its answer, ms", answers);
    }
    script::assert_same(&projects[0], &projects[1]);
    println!("the projects are the same");
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    println!("{:<58} {:>4} {:>6} {:>6} {:>6}", "1 Mbit/s, 50 ms each way; ms", "n", "p50", "p95", "max");
    if let Some(at) = arguments.iter().position(|a| a == "--minutes") {
        return label(arguments[at + 1].parse().unwrap());
    }
    let sixel = Profile { reports_size: true, ..Profile::xterm() };
    for (name, base, first) in [("kitty", Profile::kitty(), 0), ("sixel", sixel, 1)] {
        for image in ["nuclei.tif", "cell.png"] {
            let (mut session, _home) = start(Some(Link::SLOW), base.clone(), image);
            row(&format!("{name}, {image}: stroke point to its colour"), strokes(&mut session, first));
            settle(&mut session);
            row(&format!("{name}, {image}: key while nothing is under way"), quiet_keys(&mut session));
            let (times, pictures) = keys(&mut session);
            row(&format!("{name}, {image}: key while a picture is under way"), times);
            row(&format!("{name}, {image}: new picture until it is exact"), pictures);
            session.keys("\x11");
        }
    }
}
