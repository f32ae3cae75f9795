//! The project: lanes, labels, classes, feature selection, classifier; reading and writing `.ilp` files.
//!
//! Opens no images and computes nothing.

pub mod model;

pub use model::{DataRole, DatasetInfo, DatasetLocation, ExportSettings, Lane, Project};

use std::path::Path;

/// Why a project can't be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {}

impl Project {
    /// Reads a project file.
    ///
    /// # Errors
    /// Not a project file, another workflow, a newer format, or damaged.
    pub fn load(path: &Path) -> Result<Project, Error> {
        let _ = path;
        unimplemented!()
    }

    /// Writes the project to `path`, whole or not at all; what the file it was loaded from holds
    /// besides is kept.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn save(&mut self, path: &Path) -> Result<(), Error> {
        let _ = path;
        unimplemented!()
    }
}
