//! Every mistake has a message that says what failed, why, and what to do: a corpus of bad files, one for
//! each mistake, and of images that a format can't hold.

#![allow(clippy::panic)]

mod arrays;
mod hdf5;
mod names;
mod pictures;
mod rarer;
mod tiff;
mod writing;

use std::path::{Path, PathBuf};

use brushwood::data::Roi5;
use brushwood::io::{self, OpenOptions};

/// A folder of bad files, and the messages that were not as expected.
struct Corpus {
    folder: tempfile::TempDir,
    wrong: Vec<String>,
}

impl Corpus {
    fn new() -> Self {
        Corpus { folder: tempfile::tempdir().expect("folder"), wrong: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }

    /// The message of opening `location` and reading all of it, with the folder's own path as `DIR`.
    fn message(&self, location: &str, options: &OpenOptions) -> String {
        let result = io::open(location, options)
            .and_then(|image| image.read(&Roi5::whole(image.info().shape)).map(|_| "was read".to_owned()));
        let message = result.unwrap_or_else(|error| error.to_string());
        message.replace(&*self.folder.path().to_string_lossy(), "DIR")
    }

    /// A file of these bytes must be refused in these words; those that follow its name.
    fn refuses(&mut self, name: &str, bytes: &[u8], expected: &str) {
        let path = self.file(name, bytes);
        self.says(&path.to_string_lossy(), &OpenOptions::default(), &format!("DIR/{name}: {expected}"));
    }

    /// Opening `location` must fail in these words; `*` stands for words of a library.
    fn says(&mut self, location: &str, options: &OpenOptions, expected: &str) {
        let message = self.message(location, options);
        let fits = match expected.split_once('*') {
            Some((before, after)) => {
                message.len() >= before.len() + after.len()
                    && message.starts_with(before)
                    && message.ends_with(after)
            }
            None => message == expected,
        };
        if !fits {
            self.wrong.push(format!("{message}\n  instead of\n{expected}\n"));
        }
    }

    fn finish(self) {
        assert!(self.wrong.is_empty(), "\n{}", self.wrong.join("\n"));
    }
}

/// A file of the repository.
fn sample(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a sample")
}

/// An image of `tests/fixtures/images`.
fn fixture(name: &str) -> Vec<u8> {
    sample(&format!("tests/fixtures/images/{name}"))
}

/// `bytes` with others in their place at `at`.
fn patched(bytes: &[u8], at: usize, patch: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + patch.len()].copy_from_slice(patch);
    bytes
}

/// Where `needle` is in `bytes` first.
fn find(bytes: &[u8], needle: &[u8]) -> usize {
    bytes.windows(needle.len()).position(|window| window == needle).expect("the bytes looked for")
}
