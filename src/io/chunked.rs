//! Arrays kept in chunks that are decoded one by one, with a cache of bounded size.
//!
//! Large chunks, such as the pages of a compressed TIFF, go to a temporary file when the cache can't hold
//! them all: a box touches few samples of each, and decoding them again for every box would take for ever.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::Error;
use super::planes::indices;
use super::samples::{copy_box, strides};
use super::spill::Spill;
use super::storage::Storage;

/// A decoded chunk: C order, the machine's byte order.
#[derive(Debug)]
pub(super) struct Chunk {
    /// Extents; a chunk at the array's edge may be whole or clipped.
    pub(super) shape: Vec<usize>,
    /// Samples.
    pub(super) bytes: Vec<u8>,
}

/// Where decoded chunks come from.
pub(super) trait ChunkSource: Send + Sync {
    /// Decodes the chunk at grid position `index`.
    fn load(&self, index: &[usize]) -> Result<Chunk, Error>;
}

/// An array of `shape` in chunks of `chunk` samples.
pub(super) struct Chunked<S> {
    shape: Vec<usize>,
    chunk: Vec<usize>,
    /// Number of chunks along each dimension.
    grid: Vec<usize>,
    item: usize,
    source: S,
    cache: Mutex<Cache>,
    spilled: Option<Spilled>,
    /// Held while a chunk is decoded that is large beside the cache, so that few are in memory at once.
    large: Option<Mutex<()>>,
    /// Bytes of all chunks.
    bytes: u64,
    chunk_bytes: u64,
}

/// Decoded bytes kept when the caller sets no limit.
pub(super) const DEFAULT_CACHE: u64 = 256 << 20;

/// Chunks up to this size are decoded again rather than written to disk.
const SMALL_CHUNK: u64 = 1 << 20;

/// Extents of a chunk once it is decoded.
type Extents = Mutex<Option<Vec<usize>>>;

/// Decoded chunks in a temporary file, each at its number times the bytes of a chunk.
struct Spilled {
    file: Spill,
    chunk_bytes: u64,
    /// The extents of the chunks that are there, by number; whoever comes first decodes it.
    shapes: Mutex<HashMap<usize, Arc<Extents>>>,
}

#[derive(Default)]
struct Cache {
    slots: HashMap<Vec<usize>, Slot>,
    bytes: u64,
    limit: u64,
    clock: u64,
}

struct Slot {
    /// Filled by the thread that came first; others wait for it and do not decode again.
    chunk: Arc<Mutex<Option<Arc<Chunk>>>>,
    bytes: u64,
    used: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: ChunkSource> Chunked<S> {
    /// An array of the image at `path` whose decoded chunks take at most a quarter of the image's `memory` in
    /// bytes.
    ///
    /// # Errors
    /// A single chunk takes more than all of it.
    pub(super) fn new(
        path: &Path,
        shape: Vec<usize>,
        chunk: Vec<usize>,
        item: usize,
        source: S,
        memory: Option<u64>,
    ) -> Result<Self, Error> {
        let chunk_bytes = chunk.iter().fold(item as u64, |n, &extent| n.saturating_mul(extent as u64));
        if let Some(limit) = memory.filter(|&limit| chunk_bytes > limit) {
            return Err(Error::TooLarge { path: path.to_owned(), need: chunk_bytes, limit });
        }
        let limit = memory.map_or(DEFAULT_CACHE, |memory| memory / 4);
        let grid: Vec<usize> = shape.iter().zip(&chunk).map(|(n, c)| n.div_ceil(*c)).collect();
        let count: usize = grid.iter().product();
        let bytes = chunk_bytes.saturating_mul(count as u64);
        let spilled = (bytes > limit && chunk_bytes > SMALL_CHUNK && count > 1).then(|| Spilled {
            file: Spill::new(path, bytes),
            chunk_bytes,
            shapes: Mutex::default(),
        });
        let large = (chunk_bytes > limit / 8).then(Mutex::default);
        let cache = Mutex::new(Cache { limit, ..Cache::default() });
        Ok(Chunked { shape, chunk, grid, item, source, cache, spilled, large, bytes, chunk_bytes })
    }

    fn load(&self, index: &[usize]) -> Result<Chunk, Error> {
        let _alone = self.large.as_ref().map(lock);
        self.source.load(index)
    }

    /// Calls `copy` with what is `wanted` of the chunk at grid position `index`: where it begins in the chunk,
    /// its extents, and its samples with their strides and the first one's offset.
    fn read_part(
        &self,
        index: &[usize],
        wanted: &Wanted<'_>,
        copy: impl FnOnce(&[usize], &[usize], (&[u8], &[usize], usize)),
    ) -> Result<(), Error> {
        let Some(spilled) = &self.spilled else {
            let chunk = self.chunk(index)?;
            let (from, part) = wanted.within(index, &self.chunk, &chunk.shape);
            let source_strides = strides(&chunk.shape);
            let offset = from.iter().zip(&source_strides).map(|(a, b)| a * b).sum();
            copy(&from, &part, (&chunk.bytes, &source_strides, offset));
            return Ok(());
        };
        let number = index.iter().zip(&self.grid).fold(0, |n, (i, extent)| n * extent + i);
        let base = spilled.chunk_bytes * number as u64;
        let slot = Arc::clone(lock(&spilled.shapes).entry(number).or_default());
        let mut shape = lock(&slot);
        if shape.is_none() {
            let chunk = self.load(index)?;
            spilled.file.write(base, &chunk.bytes)?;
            *shape = Some(chunk.shape);
        }
        let extents = shape.clone().unwrap_or_default();
        drop(shape);
        let (from, part) = wanted.within(index, &self.chunk, &extents);
        if part.contains(&0) {
            return Ok(());
        }
        let mut bytes = vec![0; part.iter().product::<usize>() * self.item];
        spilled.file.read_box((base, &extents, self.item), &from, &part, &mut bytes)?;
        copy(&from, &part, (&bytes, &strides(&part), 0));
        Ok(())
    }

    fn chunk(&self, index: &[usize]) -> Result<Arc<Chunk>, Error> {
        let slot = {
            let mut cache = lock(&self.cache);
            cache.clock += 1;
            let now = cache.clock;
            let slot = cache.slots.entry(index.to_vec()).or_insert_with(|| Slot {
                chunk: Arc::default(),
                bytes: 0,
                used: now,
            });
            slot.used = now;
            Arc::clone(&slot.chunk)
        };
        let mut chunk = lock(&slot);
        if let Some(chunk) = &*chunk {
            return Ok(Arc::clone(chunk));
        }
        let loaded = Arc::new(self.load(index)?);
        *chunk = Some(Arc::clone(&loaded));
        drop(chunk);
        lock(&self.cache).account(index, loaded.bytes.len() as u64);
        Ok(loaded)
    }
}

impl Cache {
    /// Counts a chunk that was just decoded and drops the ones not used for longest.
    fn account(&mut self, index: &[usize], bytes: u64) {
        if let Some(slot) = self.slots.get_mut(index) {
            self.bytes += bytes - slot.bytes.min(bytes);
            slot.bytes = bytes;
        }
        while self.bytes > self.limit {
            let oldest = self
                .slots
                .iter()
                .filter(|(key, slot)| slot.bytes > 0 && key.as_slice() != index)
                .min_by_key(|(_, slot)| slot.used)
                .map(|(key, _)| key.clone());
            let Some(slot) = oldest.and_then(|key| self.slots.remove(&key)) else { break };
            self.bytes -= slot.bytes;
        }
    }
}

/// A box of an array.
struct Wanted<'a> {
    start: &'a [usize],
    shape: &'a [usize],
}

impl Wanted<'_> {
    /// What of it lies in the chunk at grid position `index`: where it begins in the chunk, and its extents.
    fn within(&self, index: &[usize], chunk: &[usize], extents: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let axis = |i: usize| {
            let origin = index[i] * chunk[i];
            let from = self.start[i].max(origin);
            let end = (self.start[i] + self.shape[i]).min(origin + extents[i]);
            (from - origin, end.saturating_sub(from))
        };
        (0..index.len()).map(axis).unzip()
    }
}

impl<S: ChunkSource> Storage for Chunked<S> {
    fn read_box(&self, start: &[usize], shape: &[usize], out: &mut [u8]) -> Result<(), Error> {
        let rank = self.shape.len();
        let first: Vec<usize> = (0..rank).map(|i| start[i] / self.chunk[i]).collect();
        let count: Vec<usize> =
            (0..rank).map(|i| (start[i] + shape[i] - 1) / self.chunk[i] + 1 - first[i]).collect();
        let target_strides = strides(shape);
        for index in indices(&first, &count) {
            self.read_part(&index, &Wanted { start, shape }, |from, part, source| {
                let offset = (0..rank)
                    .map(|i| (index[i] * self.chunk[i] + from[i] - start[i]) * target_strides[i])
                    .sum();
                copy_box(self.item, part, source, (out, &target_strides, offset));
            })?;
        }
        Ok(())
    }

    fn by_region(&self) -> bool {
        self.grid.iter().any(|&count| count > 1)
    }

    fn pieces(&self) -> Option<Vec<usize>> {
        Some(self.chunk.clone())
    }

    fn kept_bytes(&self) -> u64 {
        // And the one that is being decoded.
        let cached = if self.spilled.is_some() { 0 } else { lock(&self.cache).limit };
        (cached + self.chunk_bytes).min(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Planes of `side` x `side` bytes, each sample its plane's number plus its column.
    struct Planes {
        side: usize,
        loads: AtomicUsize,
    }

    impl ChunkSource for Planes {
        fn load(&self, index: &[usize]) -> Result<Chunk, Error> {
            self.loads.fetch_add(1, Ordering::Relaxed);
            let bytes = (0..self.side * self.side).map(|i| (index[0] + i % self.side) as u8).collect();
            Ok(Chunk { shape: vec![1, self.side, self.side], bytes })
        }
    }

    #[test]
    fn what_memory_cannot_hold_is_decoded_once() {
        let (side, planes) = (1100, 6);
        for (memory, loads) in [(2 << 20, planes), (64 << 20, planes)] {
            let source = Planes { side, loads: AtomicUsize::new(0) };
            let (shape, chunk) = (vec![planes, side, side], vec![1, side, side]);
            let array = Chunked::new(Path::new("a"), shape, chunk, 1, source, Some(memory)).expect("fits");
            for column in [3, 700, 3] {
                let mut out = vec![0; planes * 2 * 2];
                array.read_box(&[0, 40, column], &[planes, 2, 2], &mut out).expect("readable");
                let expected: Vec<u8> = (0..planes * 4).map(|i| (i / 4 + column + i % 2) as u8).collect();
                assert_eq!(out, expected, "{memory} bytes, column {column}");
            }
            assert_eq!(array.source.loads.load(Ordering::Relaxed), loads, "{memory} bytes");
        }
    }

    #[test]
    fn a_chunk_must_fit() {
        let source = Planes { side: 10, loads: AtomicUsize::new(0) };
        let array = Chunked::new(Path::new("a.tif"), vec![2, 10, 10], vec![1, 10, 10], 1, source, Some(99));
        let refused = array.map(|_| ()).expect_err("too large").to_string();
        assert!(refused.contains("a.tif: decoding the image needs 100 bytes, 99 are allowed"), "{refused}");
    }
}
