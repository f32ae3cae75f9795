//! Why an image can't be opened, read or written: what failed, why, and what to do about it.

use std::path::{Path, PathBuf};

use crate::data::axes::AxisError;
use crate::data::{DType, Roi5};

/// Why an image can't be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system said no.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: std::io::Error,
    },
    /// No such file.
    #[error("{}: no such file{}{}", path.display(), undecodable(path), nearest_folder(nearest.as_deref()))]
    NotFound {
        /// The file.
        path: PathBuf,
        /// The nearest folder above it that exists, when its own does not.
        nearest: Option<PathBuf>,
    },
    /// A folder where a file was expected.
    #[error(
        "{}: is a folder, not an image; for a stack of images name its files, such as \"{}/*.png\"",
        path.display(), path.display()
    )]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A pipe, device or socket.
    #[error(
        "{}: is a pipe or a device, not a file; images are read at any place, so write it to a file first",
        path.display()
    )]
    NotAFile {
        /// What it is called.
        path: PathBuf,
    },
    /// A file of no bytes.
    #[error("{}: the file is empty (0 bytes); copy or export it again", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// No format recognises the file.
    #[error("{}: not an image format that can be read; supported are {supported}", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// Names of the supported formats.
        supported: String,
    },
    /// The file ends before its data does.
    #[error(
        "{}: the file is cut off: {what} needs {need} bytes, the file has {have}; copy or export it again",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The part that is missing.
        what: String,
        /// Bytes the file should have at least.
        need: u64,
        /// Bytes it has.
        have: u64,
    },
    /// The file contradicts itself or its format.
    #[error("{}: the file is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A sound file of a kind that is not supported.
    #[error("{}: {what} is not supported; {hint}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is not supported.
        what: String,
        /// What to do instead.
        hint: String,
    },
    /// Decoding needs more memory than allowed.
    #[error(
        "{}: decoding the image needs {need} bytes, {limit} are allowed; raise --memory or convert the image to HDF5",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes needed.
        need: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Decoding needs more space for temporary files than there is.
    #[error(
        "{}: decoding the image needs {need} bytes in the temporary folder {} ({why}); set TMPDIR to a folder with more space, raise --memory or convert the image to HDF5",
        path.display(), folder.display()
    )]
    NoSpace {
        /// The file.
        path: PathBuf,
        /// Where temporary files go.
        folder: PathBuf,
        /// Bytes needed.
        need: u64,
        /// What is wrong there.
        why: String,
    },
    /// The file holds no image.
    #[error("{}: holds no dataset with 2 to 5 dimensions{}", path.display(), that_are_none(others))]
    NoDataset {
        /// The file.
        path: PathBuf,
        /// Datasets that it holds, each with what makes it no image.
        others: Vec<String>,
    },
    /// The file holds several images and none was named.
    #[error(
        "{}: holds {} datasets: {}; name one, such as {}/{}",
        path.display(), names.len(), listed(names), path.display(), names.first().map_or("", String::as_str)
    )]
    ManyDatasets {
        /// The file.
        path: PathBuf,
        /// Their names.
        names: Vec<String>,
    },
    /// The file has no dataset of that name.
    #[error("{}: has no dataset '{name}'; it has {}", path.display(), listed(names))]
    NoSuchDataset {
        /// The file.
        path: PathBuf,
        /// The name asked for.
        name: String,
        /// The names there are.
        names: Vec<String>,
    },
    /// A name inside a file of a format that has no inner datasets.
    #[error("{}: a {format} file holds one image, so '{internal}' inside it can't be opened", path.display())]
    NoInternalPath {
        /// The file.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// The inner path asked for.
        internal: String,
    },
    /// Axes that do not fit the image.
    #[error("{}: {error}", path.display())]
    Axes {
        /// The file.
        path: PathBuf,
        /// Why they do not fit.
        error: AxisError,
    },
    /// A number of dimensions that is no image's.
    #[error("{}: has {dimensions} dimensions; an image has 2 to 5", path.display())]
    Dimensions {
        /// The file.
        path: PathBuf,
        /// How many it has.
        dimensions: usize,
    },
    /// No file matches a pattern.
    #[error("{pattern}: no file matches")]
    NoMatch {
        /// The pattern.
        pattern: String,
    },
    /// A pattern that is not one.
    #[error("{pattern}: not a file pattern: {why}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong.
        why: String,
    },
    /// Files that do not make one stack.
    #[error("{}: {what}, unlike {} before it; the files of a stack must be alike", path.display(), first.display())]
    StackMismatch {
        /// The file that differs.
        path: PathBuf,
        /// The first file of the stack.
        first: PathBuf,
        /// How it differs.
        what: String,
    },
    /// A stack along an axis that its files have already.
    #[error("{}: has {size} planes along '{axis}' already, so files can't be stacked along it; stack along another", path.display())]
    StackAxis {
        /// The first file.
        path: PathBuf,
        /// The axis.
        axis: char,
        /// The size along it.
        size: usize,
    },
    /// A region outside the image.
    #[error("{}: the region {roi} (tzyxc) lies outside the image of shape {shape:?}", path.display())]
    Outside {
        /// The file.
        path: PathBuf,
        /// The region asked for.
        roi: Box<Roi5>,
        /// The image's shape, `tzyxc`.
        shape: Box<[usize; 5]>,
    },
    /// A name that is no output format.
    #[error("'{name}' is not an output format; use one of {known}")]
    UnknownOutputFormat {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
    /// An image that the output format can't hold.
    #[error("the format '{format}' can't hold this image: {}", reasons.join("; "))]
    NotWritable {
        /// The format.
        format: String,
        /// Each reason, with what to do.
        reasons: Vec<String>,
    },
    /// Datasets where another is to be written, or a group of it.
    #[error(
        "{}: holds {}, which are in the way of the dataset '{name}'; choose another --output-internal-path or file",
        path.display(), listed(names)
    )]
    NameTaken {
        /// The file.
        path: PathBuf,
        /// The dataset to be written.
        name: String,
        /// The datasets in its way.
        names: Vec<String>,
    },
    /// A file to be removed that holds several datasets.
    #[error(
        "{}: holds {}; remove the file yourself where none of them is needed",
        path.display(), listed(names)
    )]
    OtherDatasets {
        /// The file.
        path: PathBuf,
        /// Its datasets.
        names: Vec<String>,
    },
    /// A file with other datasets that can't be written into.
    #[error(
        "{}: no dataset can be added to this file ({why}); write to another file, or remove this one first",
        path.display()
    )]
    CannotAdd {
        /// The file.
        path: PathBuf,
        /// What the library says.
        why: String,
    },
    /// A block of another type, or outside the image being written.
    #[error("{}: a block {shape:?} of {found} at {start:?} does not fit an image {image:?} of {expected}", path.display())]
    BadBlock {
        /// The file.
        path: PathBuf,
        /// Where the block starts, `tzyxc`.
        start: Box<[usize; 5]>,
        /// Shape of the block.
        shape: Box<[usize; 5]>,
        /// Its type.
        found: DType,
        /// Shape of the image.
        image: Box<[usize; 5]>,
        /// Its type.
        expected: DType,
    },
    /// Finished before every pixel was written.
    #[error("{}: only {written} of {pixels} samples were written", path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// Samples written.
        written: u64,
        /// Samples of the image.
        pixels: u64,
    },
    /// An output name that can't be made.
    #[error(transparent)]
    Template(#[from] super::template::TemplateError),
}

impl Error {
    /// An operating-system error about `path`.
    pub(crate) fn io(path: &Path, error: std::io::Error) -> Self {
        Error::Io { path: path.to_owned(), error }
    }

    /// A damaged file.
    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Error::Damaged { path: path.to_owned(), what: what.into() }
    }

    /// Something that is not supported, and what to do instead.
    pub(super) fn unsupported(path: &Path, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Error::Unsupported { path: path.to_owned(), what: what.into(), hint: hint.into() }
    }
}

/// What to do about a name that has lost letters on its way to here.
fn undecodable(path: &Path) -> &'static str {
    let is_lossy = path.to_string_lossy().contains(char::REPLACEMENT_CHARACTER);
    if is_lossy { "; its name is not UTF-8, as names in projects have to be: rename it" } else { "" }
}

fn nearest_folder(nearest: Option<&Path>) -> String {
    nearest.map_or_else(String::new, |folder| {
        format!("; the nearest folder above it that exists is {}", folder.display())
    })
}

fn that_are_none(others: &[String]) -> String {
    if others.is_empty() {
        String::new()
    } else {
        format!(" of integers or float32; it has {}", others.join(", "))
    }
}

/// At most twelve names, in quotes.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let mut text = names.iter().take(SHOWN).map(|n| format!("'{n}'")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    if text.is_empty() { "none".into() } else { text }
}
