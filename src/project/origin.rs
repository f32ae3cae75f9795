//! The file that a project came from: what it held, and whether it still is the same.
//!
//! The file stays open, so that what brushwood does not know can be carried over even when the file
//! was deleted or replaced meanwhile.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::model::{DatasetInfo, DatasetLocation, ExportSettings, Lane, Project};
use crate::classify::Forest;
use crate::data::LabelClass;
use crate::features::FeatureSelection;

/// A project file as it was when it was loaded or saved.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// Where it was.
    pub path: PathBuf,
    /// The file itself.
    pub file: Arc<File>,
    /// How it was then.
    pub stamp: Stamp,
    /// What brushwood knows of its contents.
    pub state: Arc<State>,
}

/// A project file that was written, for the project that it was written from.
#[derive(Clone, Debug)]
pub struct SavedFile(pub(super) Origin);

/// Tells whether a file was replaced or written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

/// The contents of a project file as far as brushwood knows them.
#[derive(Debug)]
pub(super) struct State {
    /// Whether labels and names are laid out as ilastik 1.4 lays them out; otherwise they are written
    /// anew on saving.
    pub is_current: bool,
    /// The lanes, with their numbers in the file.
    pub lanes: Vec<(usize, Lane)>,
    pub classes: Vec<LabelClass>,
    pub selection: Option<FeatureSelection>,
    pub forest: Option<Arc<Forest>>,
    /// Trees of the forests that its classifier grows.
    pub trees: u32,
    pub export: ExportSettings,
}

impl Stamp {
    /// The stamp of a file.
    pub fn of(metadata: &Metadata) -> Self {
        Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

impl Origin {
    /// Whether the file at its path is still the one that was loaded; a deleted file counts as such,
    /// since nothing can be lost by writing it again.
    pub fn is_unchanged(&self) -> bool {
        match std::fs::metadata(&self.path) {
            Ok(metadata) => Stamp::of(&metadata) == self.stamp,
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        }
    }

    /// Whether the open file still holds what was loaded, wherever it is now.
    pub fn is_intact(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| {
            let now = Stamp::of(&metadata);
            (now.length, now.modified) == (self.stamp.length, self.stamp.modified)
        })
    }

    /// Whether `path` names the file that was loaded.
    pub fn is_at(&self, path: &Path) -> bool {
        let canonical = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        canonical(&self.path) == canonical(path)
    }
}

impl State {
    /// The dataset of this id.
    pub fn dataset(&self, id: &str) -> Option<&DatasetInfo> {
        let mut infos = self.lanes.iter().flat_map(|(_, lane)| lane.mask.iter().chain([&lane.raw]));
        infos.find(|info| info.id == id)
    }

    /// Whether an image of the file lies in it under this name.
    pub fn has_copy(&self, name: &str) -> bool {
        let infos = self.lanes.iter().flat_map(|(_, lane)| lane.mask.iter().chain([&lane.raw]));
        infos.into_iter().any(|info| info.location == DatasetLocation::Internal(name.to_owned()))
    }

    /// What a file holds after `project` was saved to it.
    pub fn of(project: &Project) -> Self {
        State {
            is_current: true,
            lanes: project.lanes.iter().cloned().enumerate().collect(),
            classes: project.classes.clone(),
            selection: project.selection.clone(),
            forest: project.forest.clone(),
            trees: project.trees,
            export: project.export.clone(),
        }
    }
}
