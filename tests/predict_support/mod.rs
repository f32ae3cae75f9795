//! What the tests of prediction share: golden files, arrays from files, images kept in memory.

#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

pub mod desk;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use brushwood::batch::{ImageJob, Resources, Sink, predict_image};
use brushwood::data::{CancelToken, DType, Roi, Roi5, Volume};
use brushwood::features::FeatureBank;
use brushwood::io::{self, ImageReader, ImageWriter, Intake, OpenOptions};
use brushwood::pipeline::{Classification, ExportSource};
use brushwood::project::Project;
use ndarray::{Array5, ArrayD, IxDyn};

/// A file of `tests/golden`.
pub fn golden(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(relative)
}

/// Runs the program.
pub fn brushwood<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_brushwood")).args(arguments).output().expect("the program starts")
}

/// stderr of a run.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asserts the exit code, showing stderr otherwise.
pub fn assert_exit(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stderr:\n{}", stderr(output));
}

/// An `.npy` file of floats or bytes as floats.
pub fn npy(path: &Path) -> ArrayD<f32> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file = npyz::NpyFile::new(&bytes[..]).expect("an npy file");
    let shape: Vec<usize> = file.shape().iter().map(|&n| n as usize).collect();
    let values: Vec<f32> = match file.dtype().descr().as_str() {
        "'|u1'" => file.into_vec::<u8>().expect("bytes").into_iter().map(f32::from).collect(),
        _ => file.into_vec::<f32>().expect("floats"),
    };
    ArrayD::from_shape_vec(IxDyn(&shape), values).expect("shape")
}

/// An image in memory that is written block by block.
#[derive(Clone)]
pub struct Memory(Arc<Mutex<Array5<f32>>>);

impl Memory {
    /// An image of `shape` (`tzyxc`), NaN wherever nothing was written yet.
    pub fn new(shape: [usize; 5]) -> Self {
        Memory(Arc::new(Mutex::new(Array5::from_elem(shape, f32::NAN))))
    }

    /// What was written.
    pub fn take(&self) -> Array5<f32> {
        self.0.lock().expect("unpoisoned").clone()
    }
}

impl ImageWriter for Memory {
    fn intake(&self) -> Intake {
        Intake::aligned([1; 5])
    }

    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), io::Error> {
        let part = block.to_f32();
        let mut image = self.0.lock().expect("unpoisoned");
        for (at, &value) in part.indexed_iter() {
            let at = [at.0, at.1, at.2, at.3, at.4];
            image[std::array::from_fn::<usize, 5, _>(|i| start[i] + at[i])] = value;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), io::Error> {
        Ok(())
    }
}

/// A golden project, ready to predict its image.
pub struct Case {
    pub project: Project,
    pub raw: Arc<dyn ImageReader>,
    pub bank: FeatureBank,
    pub classification: Classification,
}

impl Case {
    /// Opens `tests/golden/NAME`.
    pub fn open(name: &str) -> Self {
        let project = Project::load(&golden(&format!("{name}/{name}.ilp"))).expect("a project");
        let location = golden(&format!("{name}/{name}_raw.h5")).display().to_string();
        let raw = io::open(&location, &OpenOptions::default()).expect("an image");
        let [_, z, y, x, c] = raw.info().shape;
        let bank =
            FeatureBank::new(project.selection.as_ref().expect("features"), [z, y, x], c).expect("fits");
        let forest = project.forest.as_ref().expect("a classifier");
        let classification = Classification::new(bank.clone(), forest, project.classes.len());
        Case { project, raw, bank, classification }
    }

    /// The same classifier for images of another shape (`zyx`).
    pub fn with_shape(mut self, shape: [usize; 3]) -> Self {
        let channels = self.raw.info().shape[4];
        self.bank = FeatureBank::new(self.project.selection.as_ref().expect("features"), shape, channels)
            .expect("every scale fits");
        let forest = self.project.forest.as_ref().expect("a classifier");
        self.classification = Classification::new(self.bank.clone(), forest, self.project.classes.len());
        self
    }

    /// Predicts `region` (`tzyx`) of `raw` in blocks of `block` (`zyx`), by `threads` threads.
    pub fn predict(
        &self,
        raw: &Arc<dyn ImageReader>,
        region: Roi<4>,
        block: Option<[usize; 3]>,
        threads: usize,
    ) -> Array5<f32> {
        let [t, z, y, x] = region.shape();
        let classes = self.project.classes.len();
        let memory = Memory::new([t, z, y, x, classes]);
        let sink = Sink {
            source: ExportSource::Probabilities,
            channels: 0..classes,
            renormalization: None,
            dtype: DType::F32,
            writer: Box::new(memory.clone()),
            kept: Vec::new(),
        };
        let job = ImageJob {
            raw: Arc::clone(raw),
            mask: None,
            labels: None,
            bank: Some(&self.bank),
            classification: Some(&self.classification),
            region,
        };
        let resources = Resources { threads, memory: 1 << 28, block };
        predict_image(&job, vec![sink], resources, &CancelToken::new(), &mut |_| {}).expect("predicted");
        memory.take()
    }

    /// All of the image, `tzyx`.
    pub fn whole(&self) -> Roi<4> {
        let [t, z, y, x, _] = self.raw.info().shape;
        Roi::whole([t, z, y, x])
    }
}

/// An image in memory.
pub struct InMemory {
    info: io::ImageInfo,
    volume: Volume,
}

impl InMemory {
    /// `array` (`tzyxc`) as an image.
    pub fn open(array: Array5<f32>, like: &io::ImageInfo) -> Arc<dyn ImageReader> {
        let volume = Volume::from(array);
        let info = io::ImageInfo { shape: volume.shape(), dtype: DType::F32, ..like.clone() };
        Arc::new(InMemory { info, volume })
    }
}

impl ImageReader for InMemory {
    fn info(&self) -> &io::ImageInfo {
        &self.info
    }

    fn read(&self, roi: &Roi5) -> Result<Volume, io::Error> {
        Ok(self.volume.crop(roi))
    }
}
