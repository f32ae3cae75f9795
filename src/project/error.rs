//! Why a project can't be read or written, and what a loaded project has lost.
//!
//! Every error says what failed, why, and what to do; its fields carry the data, so that an interface
//! may word it otherwise.

use std::path::{Path, PathBuf};

/// Workflow name of the projects that brushwood reads and writes.
pub const WORKFLOW: &str = "Pixel Classification";

/// Why a project can't be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file can't be opened or read.
    #[error("Can't open '{}': {source}. Check the path and its permissions.", path.display())]
    Open {
        /// The project file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The path names a folder.
    #[error("Can't open '{}': it is a folder, not a project file. Name the .ilp file itself.", path.display())]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The file is not HDF5.
    #[error(
        "Can't open '{}': {}. Choose a project that ilastik or brushwood saved.",
        path.display(),
        if *empty { "the file is empty" } else { "it is not an HDF5 file" }
    )]
    NotHdf5 {
        /// The file.
        path: PathBuf,
        /// Whether it holds no bytes at all.
        empty: bool,
    },
    /// HDF5, but not an ilastik project.
    #[error(
        "Can't open '{}': it is an HDF5 file but not a project (it has no '{missing}'). Choose a project that ilastik or brushwood saved.",
        path.display()
    )]
    NotAProject {
        /// The file.
        path: PathBuf,
        /// The object that every project has.
        missing: &'static str,
    },
    /// A project of another ilastik workflow.
    #[error(
        "Can't open '{}': it is a project of the workflow '{workflow}', and brushwood reads '{WORKFLOW}' only. Open it in ilastik.",
        path.display()
    )]
    OtherWorkflow {
        /// The file.
        path: PathBuf,
        /// The workflow's name.
        workflow: String,
    },
    /// A project of a version whose layout is not known.
    #[error(
        "Can't open '{}': it was saved by ilastik {version}, and brushwood reads projects of ilastik 0.6 and 1.0 to 1.5. Save it with one of these.",
        path.display()
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// ilastik's version as stored.
        version: String,
    },
    /// An object inside the file can't be read.
    #[error(
        "Can't open '{}': '{object}' can't be read ({reason}). {}",
        path.display(), remedy(reason)
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Path of the object inside the file.
        object: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A feature that brushwood does not know.
    #[error(
        "Can't open '{}': it selects the feature '{id}', which brushwood does not know. Deselect it in ilastik and save again.",
        path.display()
    )]
    UnknownFeature {
        /// The file.
        path: PathBuf,
        /// The feature's id as stored.
        id: String,
    },
    /// The file can't be written.
    #[error(
        "Can't save '{}': {source}. The file is as it was; save to another folder, or make room there.",
        path.display()
    )]
    Write {
        /// The project file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The folder does not exist.
    #[error(
        "Can't save '{}': there is no folder '{}'. Create it, or save to another folder.",
        path.display(), folder.display()
    )]
    NoFolder {
        /// The project file.
        path: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// The file was changed by another program after it was loaded or saved here.
    #[error(
        "Can't save '{}': another program has changed the file since it was opened. Save under another name, or replace it on purpose.",
        path.display()
    )]
    ChangedOnDisk {
        /// The project file.
        path: PathBuf,
    },
    /// The file that the project came from holds something that can't be carried over.
    #[error(
        "Can't save '{}': what '{}' holds besides can't be carried over ({reason}). Save it without that, under another name.",
        path.display(), origin.display()
    )]
    CannotKeep {
        /// The project file to be written.
        path: PathBuf,
        /// The file that was loaded.
        origin: PathBuf,
        /// What can't be carried over, and why.
        reason: String,
    },
    /// An image can't be copied into the project file.
    #[error(
        "Can't save '{}': '{name}' can't be copied into it ({reason}). Store it by its path, in the properties of the image.",
        path.display()
    )]
    CannotCopy {
        /// The project file.
        path: PathBuf,
        /// Name of the image.
        name: String,
        /// Why not.
        reason: String,
    },
    /// Saving was cancelled.
    #[error("Saving '{}' was cancelled. The file is as it was.", path.display())]
    Cancelled {
        /// The project file.
        path: PathBuf,
    },
    /// The project can't be expressed in the file format.
    #[error("Can't save '{}': {reason}. This is a fault of brushwood: please report it.", path.display())]
    Encode {
        /// The project file.
        path: PathBuf,
        /// What the writer said.
        reason: String,
    },
}

/// What to do about an object that can't be read.
fn remedy(reason: &str) -> &'static str {
    let is_new_form = ["data layout version", "version 2 B-tree"].iter().any(|form| reason.contains(form));
    if is_new_form {
        "It is stored in a form of HDF5 that ilastik does not write: open the project in ilastik and save it under \
         another name."
    } else {
        "The file may be damaged or cut short: use a copy of it."
    }
}

impl Error {
    /// The project file that the error is about.
    pub fn path(&self) -> &Path {
        match self {
            Error::Open { path, .. }
            | Error::IsFolder { path }
            | Error::NotHdf5 { path, .. }
            | Error::NotAProject { path, .. }
            | Error::OtherWorkflow { path, .. }
            | Error::OtherVersion { path, .. }
            | Error::Damaged { path, .. }
            | Error::UnknownFeature { path, .. }
            | Error::Write { path, .. }
            | Error::NoFolder { path, .. }
            | Error::ChangedOnDisk { path }
            | Error::CannotKeep { path, .. }
            | Error::CannotCopy { path, .. }
            | Error::Cancelled { path }
            | Error::Encode { path, .. } => path,
        }
    }
}

/// Something of a project file that could not be used; the rest was loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// The stored classifier is not used.
    #[error("The project's classifier is not used: {reason}. Train it again.")]
    ClassifierDropped {
        /// Why.
        reason: String,
    },
    /// The stored classifier is of a kind that brushwood does not know.
    #[error(
        "The project's classifier is not used: it is a {kind}, brushwood knows ilastik's random forest. Train it again."
    )]
    OtherClassifier {
        /// Its class.
        kind: String,
    },
    /// A block of labels lies outside its image or can't be placed.
    #[error("Labels of image {} are left out: {object}: {reason}.", lane + 1)]
    LabelsDropped {
        /// The lane, from 0.
        lane: usize,
        /// Path of the block inside the file.
        object: String,
        /// Why.
        reason: String,
    },
    /// Labels of classes that the project does not name.
    #[error("The labels use class {highest}, the project names {named}: the others got default names.")]
    ClassesAdded {
        /// Highest label value found.
        highest: u8,
        /// Classes that the project names.
        named: usize,
    },
    /// A lane without an image.
    #[error("Image {} of the project names no file and is left out.", lane + 1)]
    EmptyLane {
        /// The lane, from 0, as the file counts.
        lane: usize,
    },
}

/// Why an image does not fit into a project.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LaneError {
    /// Another number of channels.
    #[error(
        "Can't use '{name}': it has {found} {}, the project's images have {expected}. Convert it, or start a new project.",
        if *found == 1 { "channel" } else { "channels" }
    )]
    Channels {
        /// Name of the image.
        name: String,
        /// Channels of the project's images.
        expected: usize,
        /// Channels of this one.
        found: usize,
    },
    /// Another kind of image: 2D, 3D, with or without time.
    #[error(
        "Can't use '{name}': it is {found}, the project's images are {expected}. Choose its axes anew, or start a new project."
    )]
    Dimensions {
        /// Name of the image.
        name: String,
        /// What the project's images are, such as `3D`.
        expected: String,
        /// What this one is.
        found: String,
    },
    /// The image has another shape than the project remembers, and labels that lie outside of it.
    #[error(
        "Can't use '{name}': it has the shape {found:?} (tzyxc), the project was labelled on {expected:?}. Choose the file that was labelled."
    )]
    Shape {
        /// Name of the image.
        name: String,
        /// Shape in the project, `tzyxc`.
        expected: [usize; 5],
        /// Shape of the image, `tzyxc`.
        found: [usize; 5],
    },
    /// The prediction mask has another shape than its image.
    #[error(
        "Can't use '{name}' as mask: it has the shape {found:?} (tzyx), the image {expected:?}. Choose a mask of the image's size."
    )]
    MaskShape {
        /// Name of the mask.
        name: String,
        /// Shape of the image, `tzyx`.
        expected: [usize; 4],
        /// Shape of the mask, `tzyx`.
        found: [usize; 4],
    },
    /// A kind of location that brushwood does not read.
    #[error("Can't open '{location}': brushwood reads files, not this kind of address. Save it to a file.")]
    UnsupportedLocation {
        /// The location as stored.
        location: String,
    },
    /// A path of another operating system.
    #[error(
        "Can't open '{location}': it is a path on Windows, where the project was saved. Say where the file is on this machine."
    )]
    OtherSystem {
        /// The location as stored.
        location: String,
    },
    /// Data inside a project that was never saved.
    #[error("Can't open '{location}': it lies inside a project file that was not saved yet.")]
    NoProjectFile {
        /// The location as stored.
        location: String,
    },
}
