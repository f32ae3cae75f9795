//! Arrays kept in chunks that are decoded one by one, with a cache of bounded size.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::Error;
use super::planes::indices;
use super::samples::{copy_box, strides};
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
    item: usize,
    source: S,
    cache: Mutex<Cache>,
}

/// Decoded bytes kept when the caller sets no limit.
const DEFAULT_CACHE: u64 = 256 << 20;

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
    /// An array whose decoded chunks take at most a quarter of the image's `memory` in bytes (one chunk is
    /// always kept).
    pub(super) fn new(
        shape: Vec<usize>,
        chunk: Vec<usize>,
        item: usize,
        source: S,
        memory: Option<u64>,
    ) -> Self {
        let limit = memory.map_or(DEFAULT_CACHE, |memory| memory / 4);
        let cache = Cache { limit, ..Cache::default() };
        Chunked { shape, chunk, item, source, cache: Mutex::new(cache) }
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
        let loaded = Arc::new(self.source.load(index)?);
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

impl<S: ChunkSource> Storage for Chunked<S> {
    fn read_box(&self, start: &[usize], shape: &[usize], out: &mut [u8]) -> Result<(), Error> {
        let rank = self.shape.len();
        let first: Vec<usize> = (0..rank).map(|i| start[i] / self.chunk[i]).collect();
        let count: Vec<usize> =
            (0..rank).map(|i| (start[i] + shape[i] - 1) / self.chunk[i] + 1 - first[i]).collect();
        let target_strides = strides(shape);
        for index in indices(&first, &count) {
            let chunk = self.chunk(&index)?;
            let origin: Vec<usize> = (0..rank).map(|i| index[i] * self.chunk[i]).collect();
            let from: Vec<usize> = (0..rank).map(|i| start[i].max(origin[i])).collect();
            let part: Vec<usize> = (0..rank)
                .map(|i| (start[i] + shape[i]).min(origin[i] + chunk.shape[i]).saturating_sub(from[i]))
                .collect();
            let source_strides = strides(&chunk.shape);
            let source_offset = (0..rank).map(|i| (from[i] - origin[i]) * source_strides[i]).sum();
            let target_offset = (0..rank).map(|i| (from[i] - start[i]) * target_strides[i]).sum();
            copy_box(
                self.item,
                &part,
                (&chunk.bytes, &source_strides, source_offset),
                (out, &target_strides, target_offset),
            );
        }
        Ok(())
    }
}
