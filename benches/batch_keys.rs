//! How long a key takes to be seen while a batch computes on every processor: the cursor is moved by a pixel, again
//! and again, and its position read from the terminal's screen. `cargo bench --bench batch_keys` prints median, 95th
//! percentile and longest in milliseconds, alone and during a batch.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../tests/support/emulator/mod.rs"]
#[allow(dead_code)]
mod emulator;
#[path = "../tests/support/session.rs"]
#[allow(dead_code)]
mod session;

use std::path::Path;
use std::time::{Duration, Instant};

use brushwood::data::{DType, Roi, Volume};
use brushwood::io::{self, ImageSpec, OpenOptions};
use emulator::Profile;
use session::Session;

/// Keys typed.
const KEYS: usize = 150;
/// Time between two keys, as when one is held down.
const PACE: Duration = Duration::from_millis(40);
const RIGHT: &str = "\x1b[C";
const LEFT: &str = "\x1b[D";

/// Column of the cursor, as the status line tells it.
fn column(session: &Session) -> Option<usize> {
    let text = session.terminal.text.screen().contents();
    let line = text.lines().find(|line| line.trim_start().starts_with("x ") && line.contains(" y "))?;
    line.trim_start().strip_prefix("x ")?.split_whitespace().next()?.parse().ok()
}

/// Times from a key to the cursor's new place on the screen.
fn keys(session: &mut Session) -> Vec<Duration> {
    let mut times = Vec::new();
    for i in 0..KEYS {
        let at = column(session).unwrap();
        let (key, wanted) = if i % 2 == 0 { (RIGHT, at + 1) } else { (LEFT, at - 1) };
        let typed = Instant::now();
        session.keys(key);
        while column(session) != Some(wanted) {
            session.pump(Instant::now() + Duration::from_millis(1));
            assert!(typed.elapsed() < Duration::from_secs(60), "the cursor stays at {:?}", column(session));
        }
        times.push(typed.elapsed());
        session.pump(typed + PACE);
    }
    times
}

fn row(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3;
    println!("{name:<28}{:>8.1}{:>8.1}{:>8.1}", at(0.5), at(0.95), at(1.0));
}

/// Writes the sample, mirrored to 8192 x 8192 pixels.
fn write_large(image: &dyn io::ImageReader, path: &Path) {
    let [_, _, height, width, _] = image.info().shape;
    let Volume::U8(small) = image.read(&Roi::new([0; 5], [1, 1, height, width, 1])).unwrap() else {
        panic!("8 bits")
    };
    let mirrored = |i: usize, n: usize| if (i / n).is_multiple_of(2) { i % n } else { n - 1 - i % n };
    let shape = [1, 1, 8192, 8192, 1];
    let large = ndarray::Array5::from_shape_fn(shape, |(_, _, y, x, _)| {
        small[[0, 0, mirrored(y, height), mirrored(x, width), 0]]
    });
    let spec = ImageSpec::new("yx".parse().unwrap(), shape, DType::U8);
    let mut writer = io::create("numpy", path, &spec).unwrap();
    writer.write([0; 5], &Volume::from(large)).unwrap();
    writer.finish().unwrap();
}

fn main() {
    let home = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/nuclei.tif");
    std::fs::copy(&sample, home.path().join("nuclei.tif")).unwrap();
    let image = io::open(&sample.display().to_string(), &OpenOptions::default()).unwrap();
    for i in 1..=6 {
        write_large(&*image, &home.path().join(format!("f{i}.npy")));
    }
    let profile = Profile { columns: 120, rows: 40, ..Profile::kitty() };
    let mut session = Session::start(profile, home.path(), &["nuclei.tif"]);
    session.wait_text("live update off");
    session.wait_text("raw ");
    session.keys(" 2LLL r");
    session.wait_text("OOB");
    session.keys("\x13");
    session.wait_text("Saved");
    println!("{:<28}{:>8}{:>8}{:>8}", "key to screen, ms", "median", "95 %", "longest");
    row("alone", keys(&mut session));
    session.keys("g5");
    session.wait_text("No file yet");
    session.keys("a");
    session.wait_text("Add files to the batch");
    session.keys("f*.npy");
    session.wait_text("6 images");
    session.keys("\r");
    session.wait_text("f6.npy");
    session.keys("S");
    session.wait_text("batch ");
    session.keys("g3");
    session.wait_text("live update");
    row("while a batch runs", keys(&mut session));
    // Strokes are trained on and predicted meanwhile.
    session.keys("l");
    row("and predictions are live", keys(&mut session));
    session.keys("g5");
    session.wait_text("Batch Processing");
    let text = session.terminal.text.screen().contents();
    assert!(!text.contains("Ended"), "the batch was over too soon:\n{text}");
}
