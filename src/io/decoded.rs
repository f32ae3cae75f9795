//! Images that can only be decoded from their beginning: decoded once, at the first read, into memory or,
//! where that is too small, into a temporary file.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::data::DType;

use super::chunked::DEFAULT_CACHE;
use super::error::Error;
use super::spill::Spill;
use super::storage::{InMemory, Storage, byte_count};

/// Takes decoded samples, piece by piece.
pub(super) type Sink<'a> = dyn FnMut(&[u8]) -> Result<(), Error> + 'a;

/// Decodes an image from its beginning to its end.
pub(super) trait Decode: Send + Sync {
    /// Hands all samples to `sink`: C order, the machine's byte order.
    fn decode(&self, sink: &mut Sink<'_>) -> Result<(), Error>;

    /// Bytes that decoding takes beside the samples handed out; all of the image for a decoder that hands it
    /// out in one piece.
    fn working_bytes(&self) -> u64;
}

/// An image decoded when it is first read.
pub(super) struct Decoded<D> {
    path: PathBuf,
    shape: Vec<usize>,
    dtype: DType,
    bytes: u64,
    limit: u64,
    decoder: D,
    kept: Mutex<Option<Arc<Kept>>>,
}

/// Where the samples are.
enum Kept {
    Memory(InMemory),
    Disk(Spill),
}

impl<D: Decode> Decoded<D> {
    /// The image at `path`, an array of `shape`, decoded in at most `memory` bytes and kept in a quarter of them.
    ///
    /// # Errors
    /// Its decoder needs more.
    pub(super) fn new(
        path: &Path,
        shape: Vec<usize>,
        dtype: DType,
        decoder: D,
        memory: Option<u64>,
    ) -> Result<Self, Error> {
        let bytes = byte_count(&shape, dtype)
            .ok_or_else(|| Error::damaged(path, format!("an image of shape {shape:?} is impossible")))?
            as u64;
        let need = decoder.working_bytes();
        if let Some(limit) = memory.filter(|&limit| need > limit) {
            return Err(Error::TooLarge { path: path.to_owned(), need, limit });
        }
        // What can go to a file takes no more memory than the cache of a chunked image.
        let limit = memory.map_or(DEFAULT_CACHE, |memory| memory / 4);
        Ok(Decoded { path: path.to_owned(), shape, dtype, bytes, limit, decoder, kept: Mutex::default() })
    }

    /// The samples; the first thread decodes, others wait for it.
    fn kept(&self) -> Result<Arc<Kept>, Error> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = &*kept {
            return Ok(Arc::clone(kept));
        }
        let decoded = if self.bytes > self.limit {
            Kept::Disk(self.to_disk()?)
        } else {
            Kept::Memory(self.to_memory()?)
        };
        Ok(Arc::clone(kept.insert(Arc::new(decoded))))
    }

    fn to_memory(&self) -> Result<InMemory, Error> {
        let mut bytes = Vec::with_capacity(self.bytes.min(self.limit) as usize);
        self.decoder.decode(&mut |piece| {
            bytes.extend_from_slice(piece);
            self.count(bytes.len() as u64, false)
        })?;
        InMemory::new(&self.path, &self.shape, self.dtype, bytes)
    }

    fn to_disk(&self) -> Result<Spill, Error> {
        let spill = Spill::new(&self.path, self.bytes);
        let mut offset = 0;
        self.decoder.decode(&mut |piece| {
            self.count(offset + piece.len() as u64, false)?;
            spill.write(offset, piece)?;
            offset += piece.len() as u64;
            Ok(())
        })?;
        self.count(offset, true)?;
        Ok(spill)
    }

    /// Checks that `bytes`, all or those so far, are as many as the header says.
    fn count(&self, bytes: u64, all: bool) -> Result<(), Error> {
        if bytes > self.bytes || all && bytes < self.bytes {
            let what = format!("it decodes to {bytes} bytes, not {}", self.bytes);
            return Err(Error::damaged(&self.path, what));
        }
        Ok(())
    }
}

impl<D: Decode> Storage for Decoded<D> {
    fn read_box(&self, start: &[usize], shape: &[usize], out: &mut [u8]) -> Result<(), Error> {
        match &*self.kept()? {
            Kept::Memory(array) => array.read_box(start, shape, out),
            Kept::Disk(spill) => spill.read_box((0, &self.shape, self.dtype.size()), start, shape, out),
        }
    }

    fn by_region(&self) -> bool {
        false
    }

    fn pieces(&self) -> Option<Vec<usize>> {
        Some(self.shape.clone())
    }

    fn kept_bytes(&self) -> u64 {
        if self.bytes > self.limit { 0 } else { self.bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Bytes that count up, decoded in pieces of 7.
    struct Counting {
        bytes: usize,
        working: u64,
        times: AtomicUsize,
    }

    impl Decode for Counting {
        fn decode(&self, sink: &mut Sink<'_>) -> Result<(), Error> {
            self.times.fetch_add(1, Ordering::Relaxed);
            let all: Vec<u8> = (0..self.bytes).map(|i| i as u8).collect();
            all.chunks(7).try_for_each(sink)
        }

        fn working_bytes(&self) -> u64 {
            self.working
        }
    }

    fn image(bytes: usize, working: u64, memory: u64) -> Result<Decoded<Counting>, Error> {
        let decoder = Counting { bytes, working, times: AtomicUsize::new(0) };
        Decoded::new(Path::new("a.png"), vec![5, 6], DType::U8, decoder, Some(memory))
    }

    #[test]
    fn is_decoded_once_wherever_it_is_kept() {
        for (working, memory) in [(0, 4 * 29), (0, 4 * 30), (4 * 29, 4 * 29), (4 * 29, 4 * 30)] {
            let image = image(30, working, memory).expect("fits");
            assert_eq!(image.kept_bytes(), if memory < 4 * 30 { 0 } else { 30 });
            for _ in 0..3 {
                let mut out = [0; 4];
                image.read_box(&[1, 4], &[2, 2], &mut out).expect("readable");
                assert_eq!(out, [10, 11, 16, 17], "with {memory} bytes");
            }
            assert_eq!(image.decoder.times.load(Ordering::Relaxed), 1);
        }
    }

    #[test]
    fn what_is_decoded_whole_must_fit() {
        let refused = image(30, 70, 69).map(|_| ()).expect_err("too large").to_string();
        assert!(refused.contains("needs 70 bytes, 69 are allowed"), "{refused}");
        assert!(image(30, 70, 70).is_ok());
    }

    #[test]
    fn too_few_or_too_many_bytes_are_damage() {
        for (bytes, memory) in [(29, 200), (31, 200), (29, 10), (31, 10)] {
            let image = image(bytes, 0, memory).expect("opens");
            let mut out = [0; 1];
            assert!(matches!(image.read_box(&[0, 0], &[1, 1], &mut out), Err(Error::Damaged { .. })));
        }
    }
}
