//! A folder with images and projects where the program is run, as a user's shell would.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use brushwood::data::{DType, Roi5, Volume};
use brushwood::io::{self, ImageSpec, OpenOptions};
use ndarray::Array5;

use super::golden;

/// A folder where the program is run.
pub struct Desk(tempfile::TempDir);

impl Desk {
    /// An empty one.
    pub fn new() -> Self {
        Desk(tempfile::tempdir().expect("a folder"))
    }

    /// With a golden project and its image.
    pub fn golden(name: &str) -> Self {
        let desk = Desk::new();
        for file in [format!("{name}.ilp"), format!("{name}_raw.h5")] {
            std::fs::copy(golden(&format!("{name}/{file}")), desk.path(&file)).expect("copied");
        }
        desk
    }

    /// Its path.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Path of a file in it.
    pub fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    /// The program with `arguments`, to be started there.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_brushwood"));
        command.current_dir(self.folder()).args(arguments);
        // What the machine's own user has set is nothing to a test.
        command.env("HOME", self.folder());
        for name in ["XDG_CONFIG_HOME", "LAZYFLOW_THREADS", "LAZYFLOW_TOTAL_RAM_MB"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs the program.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    /// Runs under limits that a shell sets.
    pub fn run_limited(&self, limit: &str, arguments: &[&str]) -> Output {
        let script = format!("{limit}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.current_dir(self.0.path()).args(["-c", &script, env!("CARGO_BIN_EXE_brushwood")]);
        command.args(arguments).output().expect("the shell starts")
    }

    /// Writes an image, as PNG or `.npy`.
    pub fn write<T: brushwood::data::volume::Sample>(
        &self,
        file: &str,
        axes: &str,
        dtype: DType,
        image: Array5<T>,
    ) {
        let volume = T::volume(image);
        let spec = ImageSpec::new(axes.parse().expect("axes"), volume.shape(), dtype);
        let format = if file.ends_with("png") { "png" } else { "numpy" };
        let mut writer = io::create(format, &self.path(file), &spec).expect("begun");
        writer.write([0; 5], &volume).expect("written");
        writer.finish().expect("complete");
    }

    /// All of an image, as floats.
    pub fn read(&self, file: &str) -> Array5<f32> {
        read(&self.path(file).display().to_string(), None)
    }

    /// What is in it, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.0.path())
            .expect("listed")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// A folder with a golden project and its image.
pub struct GoldenDesk {
    desk: Desk,
    /// The golden folder's name.
    pub name: &'static str,
}

impl GoldenDesk {
    /// With copies of the golden files.
    pub fn new(name: &'static str) -> Self {
        GoldenDesk { desk: Desk::golden(name), name }
    }
}

impl Deref for GoldenDesk {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

/// All of an image, as floats.
pub fn read(location: &str, axes: Option<&str>) -> Array5<f32> {
    let options =
        OpenOptions { axes: axes.map(|axes| axes.parse().expect("axes")), ..OpenOptions::default() };
    let reader = io::open(location, &options).expect("an image");
    let volume: Volume = reader.read(&Roi5::whole(reader.info().shape)).expect("read");
    volume.to_f32()
}
