//! Chunked datasets of the newest forms, whose index the first library can't read: a second library
//! reads boxes of them, one thread at a time.

use std::sync::{Arc, Mutex, PoisonError};

use rust_hdf5::{H5Dataset, H5File, Hdf5Error};

use crate::data::DType;
use crate::io::error::Error;
use crate::io::file::SharedFile;
use crate::io::samples::with_dtype;
use crate::io::storage::Storage;

/// A dataset read box by box.
pub(super) struct Slices {
    file: Arc<SharedFile>,
    dataset: Mutex<H5Dataset>,
    dtype: DType,
    /// Extents of a chunk.
    chunk: Option<Vec<usize>>,
}

impl Slices {
    /// Opens the dataset `name`, whose samples are of `dtype`.
    pub(super) fn open(file: &Arc<SharedFile>, name: &str, dtype: DType) -> Result<Self, Error> {
        let open = || H5File::open(file.path())?.dataset(name.trim_matches('/'));
        let dataset = open().map_err(|e| refused(file, &e))?;
        let chunk = dataset.chunk_dims();
        Ok(Slices { file: Arc::clone(file), dataset: Mutex::new(dataset), dtype, chunk })
    }
}

fn refused(file: &SharedFile, error: &Hdf5Error) -> Error {
    Error::damaged(file.path(), error.to_string())
}

impl Storage for Slices {
    fn pieces(&self) -> Option<Vec<usize>> {
        self.chunk.clone()
    }

    fn read_box(&self, start: &[usize], shape: &[usize], out: &mut [u8]) -> Result<(), Error> {
        let dataset = self.dataset.lock().unwrap_or_else(PoisonError::into_inner);
        with_dtype!(self.dtype, T => {
            let samples = dataset.read_slice::<T>(start, shape).map_err(|e| refused(&self.file, &e))?;
            let bytes: &[u8] = bytemuck::cast_slice(&samples);
            if bytes.len() != out.len() {
                let what = format!("{} of {} bytes were read", bytes.len(), out.len());
                return Err(Error::damaged(self.file.path(), what));
            }
            out.copy_from_slice(bytes);
        });
        Ok(())
    }
}
