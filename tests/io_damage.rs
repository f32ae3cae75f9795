//! Files damaged at random never make the program panic or allocate without bound.
//!
//! A run takes its length and its first seed from the environment; unset, it is quick:
//!
//!     BRUSHWOOD_FUZZ_SEED=1000 BRUSHWOOD_FUZZ_ROUNDS=400 cargo test --release --test io_damage -- --nocapture

#![allow(clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use brushwood::data::Roi5;
use brushwood::io::{self, OpenOptions};

/// Numbers that look random, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// A damaged copy of a sound file.
fn damaged(sound: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    if dice.below(5) == 0 {
        bytes.truncate(dice.below(bytes.len()));
    }
    for _ in 0..1 + dice.below(4) {
        if bytes.is_empty() {
            break;
        }
        // The structure is mostly at either end.
        let length = bytes.len();
        let at = match dice.below(3) {
            0 => dice.below(length.min(512)),
            1 => length - 1 - dice.below(length.min(512)),
            _ => dice.below(length),
        };
        let end = length.min(at + [1, 2, 4, 8][dice.below(4)]);
        match dice.below(5) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => bytes[at] = dice.next() as u8,
            2 => bytes[at..end].fill([0, 0x7f, 0x80, 0xff][dice.below(4)]),
            3 => {
                let from = dice.below(length - (end - at) + 1);
                bytes.copy_within(from..from + (end - at), at);
            }
            _ => {
                bytes.drain(at..end);
            }
        }
    }
    bytes
}

/// Opens a file and reads some of it, as a prediction would.
fn use_file(path: &Path, dice: &mut Dice) -> bool {
    let options = OpenOptions { memory: Some(64 << 20), ..OpenOptions::default() };
    let Ok(image) = io::open(&path.to_string_lossy(), &options) else { return false };
    let shape = image.info().shape;
    let start: [usize; 5] = std::array::from_fn(|i| dice.below(shape[i]));
    let stop = std::array::from_fn(|i| (start[i] + 1 + dice.below(24)).min(shape[i]));
    image.read(&Roi5::new(start, stop)).is_ok()
}

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/images");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the images")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file() && !path.extension().is_some_and(|e| e == "py" || e == "json"))
        .collect();
    files.sort();
    assert!(files.len() > 100, "{} files", files.len());
    files
}

/// No file of these needs a gigabyte of addresses; an allocation beyond that ends the test.
#[cfg(target_os = "linux")]
fn limit_memory() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    const MOST: u64 = 4 << 30;
    setrlimit(Resource::As, Rlimit { current: Some(MOST), maximum: Some(MOST) }).expect("a limit");
}

#[cfg(not(target_os = "linux"))]
fn limit_memory() {}

/// Damages `rounds` copies of a file; returns how many were read all the same, and the seeds that panicked.
fn attack(path: &Path, seeds: std::ops::Range<u64>) -> (u64, Vec<u64>) {
    let sound = std::fs::read(path).expect("a fixture");
    let folder = tempfile::tempdir().expect("folder");
    let target = folder.path().join(path.file_name().unwrap_or_default());
    let (mut read, mut panicked) = (0, Vec::new());
    for seed in seeds {
        let mut dice = Dice(seed);
        std::fs::write(&target, damaged(&sound, &mut dice)).expect("written");
        match catch_unwind(AssertUnwindSafe(|| use_file(&target, &mut dice))) {
            Ok(was_read) => read += u64::from(was_read),
            Err(_) => panicked.push(seed),
        }
    }
    (read, panicked)
}

/// A number from the environment, or the usual one.
fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().expect("a number"))
}

/// Damages every fixture `BRUSHWOOD_FUZZ_ROUNDS` times, with seeds from `BRUSHWOOD_FUZZ_SEED` on.
#[test]
fn damage_is_an_error_or_an_image() {
    limit_memory();
    let (first, rounds) = (number("BRUSHWOOD_FUZZ_SEED", 0), number("BRUSHWOOD_FUZZ_ROUNDS", 40));
    let files = Mutex::new(fixtures().into_iter());
    let totals = Mutex::new((0, 0, BTreeMap::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(path) = files.lock().expect("no thread panics").next() else { break };
                    let (read, panicked) = attack(&path, first..first + rounds);
                    let mut totals = totals.lock().expect("no thread panics");
                    totals.0 += rounds;
                    totals.1 += read;
                    if !panicked.is_empty() {
                        totals.2.insert(path, panicked);
                    }
                }
            });
        }
    });
    let (damaged, read, panicked) = totals.into_inner().expect("no thread panics");
    println!("{damaged} damaged files: {read} were read, the others refused");
    assert!(panicked.is_empty(), "panics by file and seed: {panicked:#?}");
}

/// Every prefix of a file, in steps, is an error or an image.
#[test]
fn files_cut_off_anywhere_are_errors_or_images() {
    limit_memory();
    let folder = tempfile::tempdir().expect("folder");
    for path in fixtures() {
        let sound = std::fs::read(&path).expect("a fixture");
        let target = folder.path().join(path.file_name().unwrap_or_default());
        for part in 0..16 {
            std::fs::write(&target, &sound[..part * sound.len() / 16]).expect("written");
            use_file(&target, &mut Dice(part as u64));
        }
    }
}
