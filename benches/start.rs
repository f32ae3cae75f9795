//! From the start of the program to the first picture in the terminal: the real binary in a pseudo-terminal
//! that answers at once, with the sample image.
//!
//! `cargo bench --bench start`; prints the median and the longest of the repetitions in milliseconds. The
//! emulated terminal's own work (decoding the picture) is part of the time.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../tests/support/emulator/mod.rs"]
#[allow(dead_code)]
mod emulator;
#[path = "../tests/support/session.rs"]
#[allow(dead_code)]
mod session;

use std::path::Path;
use std::time::Instant;

use emulator::Profile;
use session::Session;

const REPETITIONS: usize = 15;

fn main() {
    let home = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/nuclei.tif");
    std::fs::copy(sample, home.path().join("nuclei.tif")).unwrap();
    for (name, profile) in [("kitty", Profile::kitty()), ("xterm", Profile::xterm())] {
        let mut times: Vec<f64> = (0..REPETITIONS)
            .map(|_| {
                let profile = Profile { columns: 100, rows: 30, ..profile.clone() };
                let begun = Instant::now();
                let mut session = Session::start(profile, home.path(), &["nuclei.tif"]);
                session.wait("the picture", |t| t.holds_images());
                let time = begun.elapsed();
                session.keys("\x11");
                session.wait_end();
                time.as_secs_f64() * 1e3
            })
            .collect();
        times.sort_unstable_by(f64::total_cmp);
        println!(
            "start to first picture, {name:<8} {:>8.1} ms   longest {:>8.1} ms",
            times[times.len() / 2],
            times[times.len() - 1]
        );
    }
}
