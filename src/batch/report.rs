//! What a run did, for people and for machines.

use std::path::PathBuf;

use serde::Serialize;

use crate::pipeline::ExportSource;

/// What happens while a run goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Training began.
    Training,
    /// Training ended.
    Trained(&'a TrainingReport),
    /// Work on an image began.
    Started {
        /// Number of the image, from 0.
        index: usize,
        /// Number of images.
        count: usize,
        /// The image.
        input: &'a str,
        /// Pixels to be computed.
        pixels: u64,
    },
    /// The image is open; its files are begun now.
    Writing {
        /// Number of the image, from 0.
        index: usize,
    },
    /// More pixels of the image are written.
    Advanced {
        /// Number of the image, from 0.
        index: usize,
        /// Pixels written so far.
        done: u64,
        /// Pixels to be written.
        pixels: u64,
    },
    /// The image is given up: its unfinished files are gone.
    GivenUp {
        /// Number of the image, from 0.
        index: usize,
    },
    /// A file that was there is about to be replaced.
    Replacing(&'a PathBuf),
    /// Work on an image ended, well or not.
    Finished {
        /// Number of the image, from 0.
        index: usize,
        /// What became of it.
        report: &'a InputReport,
    },
    /// An image was left out, or stopped in its middle, while the others go on.
    LeftOut {
        /// Number of the image, from 0.
        index: usize,
    },
}

/// What a run did.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Training, if there was any.
    pub training: Option<TrainingReport>,
    /// Each image, in the order given.
    pub inputs: Vec<InputReport>,
    /// Whether the run was interrupted.
    pub interrupted: bool,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// What was trained.
#[derive(Debug, Clone, Serialize)]
pub struct TrainingReport {
    /// Rows of each class, in project order.
    pub rows: Vec<u64>,
    /// Feature channels.
    pub features: usize,
    /// Out-of-bag error.
    pub oob_error: Option<f64>,
    /// Wall-clock seconds, features included.
    pub seconds: f64,
}

/// What became of an image.
#[derive(Clone, Debug, Serialize)]
pub struct InputReport {
    /// The image as named by the user.
    pub input: String,
    /// Files written.
    pub outputs: Vec<OutputReport>,
    /// What went wrong; empty when all is well.
    pub errors: Vec<String>,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// A file written.
#[derive(Debug, Clone, Serialize)]
pub struct OutputReport {
    /// What it holds.
    pub source: ExportSource,
    /// The file; several for a sequence.
    pub paths: Vec<PathBuf>,
    /// Axes of the file.
    pub axes: String,
    /// Shape in this order.
    pub shape: Vec<usize>,
    /// Sample type.
    pub dtype: &'static str,
}

impl Report {
    /// Number of images that failed.
    pub fn failed(&self) -> usize {
        self.inputs.iter().filter(|input| !input.errors.is_empty()).count()
    }
}
