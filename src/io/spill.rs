//! Decoded samples that memory can't hold: kept in a temporary file that has no name and goes with the
//! process, however that ends.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::Error;
use super::file::SharedFile;
use super::planes::read_dense;

/// A temporary file of fixed length, made when it is first written to.
pub(super) struct Spill {
    /// The image whose samples it keeps.
    image: PathBuf,
    bytes: u64,
    file: Mutex<Option<Arc<SharedFile>>>,
}

impl Spill {
    /// Room for `bytes` bytes of the image at `path`.
    pub(super) fn new(image: &Path, bytes: u64) -> Self {
        Spill { image: image.to_owned(), bytes, file: Mutex::default() }
    }

    fn no_space(&self, why: String) -> Error {
        let (path, folder) = (self.image.clone(), std::env::temp_dir());
        Error::NoSpace { path, folder, need: self.bytes, why }
    }

    fn file(&self) -> Result<Arc<SharedFile>, Error> {
        let mut slot = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*slot {
            return Ok(Arc::clone(file));
        }
        let folder = std::env::temp_dir();
        let failed = |e: std::io::Error| self.no_space(e.to_string());
        if let Some(free) = free_bytes(&folder).filter(|&free| free < self.bytes) {
            return Err(self.no_space(format!("{free} are free there")));
        }
        let file = tempfile::tempfile_in(&folder).map_err(failed)?;
        file.set_len(self.bytes).map_err(failed)?;
        let file = SharedFile::new(file, &folder, self.bytes);
        *slot = Some(Arc::clone(&file));
        Ok(file)
    }

    /// Keeps `bytes` at `offset`.
    pub(super) fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        self.file()?.write_at(offset, bytes).map_err(|e| self.no_space(e.to_string()))
    }

    /// Reads the box of `shape` at `start` of a C-ordered array of `extents` kept at `base`.
    pub(super) fn read_box(
        &self,
        array: (u64, &[usize], usize),
        start: &[usize],
        shape: &[usize],
        out: &mut [u8],
    ) -> Result<(), Error> {
        read_dense(&*self.file()?, array, start, shape, out)
    }
}

/// Bytes that are free in `folder`, where the system tells.
#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let system = rustix::fs::statvfs(folder).ok()?;
    Some(system.f_bavail.saturating_mul(system.f_frsize))
}

/// Bytes that are free in `folder`, where the system tells.
#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}
