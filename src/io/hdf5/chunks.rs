//! Chunked datasets: chunks found through their index and decoded one by one, in any thread.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hdf5_pure::{Dataset, Filter};

use crate::data::DType;
use crate::io::chunked::{Chunk, ChunkSource};
use crate::io::error::Error;
use crate::io::file::SharedFile;
use crate::io::samples::{ByteOrder, with_dtype};

use super::filters;
use super::read::refused;

/// Where a chunk lies in the file.
struct Stored {
    address: u64,
    size: u64,
    filter_mask: u32,
}

/// The chunks of a dataset, by grid position.
pub(super) struct ChunkIndex {
    file: Arc<SharedFile>,
    chunk: Vec<usize>,
    chunk_bytes: usize,
    item: usize,
    order: ByteOrder,
    filters: Vec<Filter>,
    stored: HashMap<Vec<usize>, Stored>,
    /// Value of samples in chunks that were never written, as stored; 0 where all were.
    fill: Vec<u8>,
}

impl ChunkIndex {
    /// Whether the chunks can be found and decoded here.
    pub(super) fn supports(dataset: &Dataset) -> bool {
        dataset.filters().iter().all(|&id| filters::supported(id)) && dataset.chunks().is_ok()
    }

    /// Reads the index of `dataset`, an array of `shape` with samples of `dtype` in the byte order `order`.
    pub(super) fn open(
        file: &Arc<SharedFile>,
        dataset: Dataset,
        shape: &[usize],
        dtype: DType,
        order: ByteOrder,
    ) -> Result<Self, Error> {
        let item = dtype.size();
        let refused = |e| refused(file, &e);
        let chunk: Vec<usize> = dataset
            .chunk_shape()
            .map_err(refused)?
            .unwrap_or_default()
            .iter()
            .map(|&n| usize::try_from(n).unwrap_or(usize::MAX))
            .collect();
        let chunk_bytes = checked_chunk(file, &chunk, shape, item)?;
        let filters = dataset.filter_pipeline();
        let mut stored = HashMap::new();
        for found in dataset.chunks().map_err(refused)? {
            let index: Vec<usize> = found
                .offset
                .iter()
                .zip(&chunk)
                .map(|(&at, &extent)| usize::try_from(at).unwrap_or(usize::MAX) / extent)
                .collect();
            file.check_range(found.address, found.storage_size, || {
                format!("the chunk at {:?}", found.offset)
            })?;
            if filters.is_empty() && found.storage_size < chunk_bytes as u64 {
                let what = format!("the chunk at {:?} has {} bytes", found.offset, found.storage_size);
                return Err(Error::damaged(file.path(), what));
            }
            let (address, size, filter_mask) = (found.address, found.storage_size, found.filter_mask);
            stored.insert(index, Stored { address, size, filter_mask });
        }
        let grid: Vec<usize> = shape.iter().zip(&chunk).map(|(n, extent)| n.div_ceil(*extent)).collect();
        let is_in_grid = |index: &&Vec<usize>| index.iter().zip(&grid).all(|(at, end)| at < end);
        // A value that nothing needs may be one that can't be read.
        let fill = if stored.keys().filter(is_in_grid).count() < grid.iter().product() {
            fill_value(&dataset, dtype, order).map_err(refused)?
        } else {
            vec![0; item]
        };
        let file = Arc::clone(file);
        Ok(ChunkIndex { file, chunk, chunk_bytes, item, order, filters, stored, fill })
    }

    /// Extents of a chunk.
    pub(super) fn chunk_shape(&self) -> &[usize] {
        &self.chunk
    }
}

/// Bytes of a chunk, refused when no sound file has such.
fn checked_chunk(file: &SharedFile, chunk: &[usize], shape: &[usize], item: usize) -> Result<usize, Error> {
    /// The format keeps the size of a chunk in 32 bits.
    const LARGEST: usize = u32::MAX as usize;
    let bytes = chunk.iter().try_fold(item, |n, &extent| n.checked_mul(extent));
    match bytes.filter(|&n| n > 0 && n <= LARGEST && chunk.len() == shape.len()) {
        Some(bytes) => Ok(bytes),
        None => Err(Error::damaged(
            file.path(),
            format!("chunks of shape {chunk:?} in a dataset of shape {shape:?}"),
        )),
    }
}

/// The value of samples that were never written, in the file's byte order.
fn fill_value(dataset: &Dataset, dtype: DType, order: ByteOrder) -> Result<Vec<u8>, hdf5_pure::Error> {
    let mut fill = with_dtype!(dtype, T => {
        bytemuck::bytes_of(&dataset.fill_value::<T>()?.unwrap_or_default()).to_vec()
    });
    order.to_native(&mut fill, dtype.size());
    Ok(fill)
}

impl ChunkSource for ChunkIndex {
    fn load(&self, index: &[usize]) -> Result<Chunk, Error> {
        let mut bytes = match self.stored.get(index) {
            None => self.fill.repeat(self.chunk_bytes / self.item),
            Some(stored) => {
                let mut packed = vec![0; usize::try_from(stored.size).unwrap_or(usize::MAX)];
                self.file.read_at(stored.address, &mut packed)?;
                if self.filters.is_empty() {
                    packed.truncate(self.chunk_bytes);
                }
                filters::undo(&self.filters, stored.filter_mask, packed, self.chunk_bytes).map_err(|why| {
                    let at: Vec<usize> = index.iter().zip(&self.chunk).map(|(i, c)| i * c).collect();
                    Error::damaged(self.file.path(), format!("the chunk at {at:?} can't be decoded ({why})"))
                })?
            }
        };
        self.order.to_native(&mut bytes, self.item);
        Ok(Chunk { shape: self.chunk.clone(), bytes })
    }
}

/// A chunked dataset whose index or filters only the library understands: read by runs of rows, one
/// thread at a time.
pub(super) struct Rows {
    file: Arc<SharedFile>,
    dataset: Mutex<Dataset>,
    shape: Vec<usize>,
    rows: usize,
    item: usize,
    order: ByteOrder,
}

impl Rows {
    /// Reads `dataset`, an array of `shape` with samples of `item` bytes, by rows.
    pub(super) fn new(
        file: &Arc<SharedFile>,
        dataset: Dataset,
        shape: &[usize],
        item: usize,
        order: ByteOrder,
    ) -> Result<Self, Error> {
        for id in dataset.filters() {
            // The library undoes scale-offset besides ours.
            if !filters::supported(id) && id != 6 {
                return Err(Error::unsupported(
                    file.path(),
                    format!("compression by {} (HDF5 filter {id})", filters::name(id)),
                    "repack the file with gzip: h5repack -f GZIP=1 in.h5 out.h5",
                ));
            }
        }
        let chunk = dataset.chunk_shape().map_err(|e| refused(file, &e))?.unwrap_or_default();
        let rows = chunk.first().map_or(1, |&n| usize::try_from(n).unwrap_or(1)).clamp(1, shape[0].max(1));
        let file = Arc::clone(file);
        Ok(Rows { file, dataset: Mutex::new(dataset), shape: shape.to_vec(), rows, item, order })
    }

    /// Extents of what is read at once.
    pub(super) fn chunk_shape(&self) -> Vec<usize> {
        let mut shape = self.shape.clone();
        shape[0] = self.rows;
        shape
    }
}

impl ChunkSource for Rows {
    fn load(&self, index: &[usize]) -> Result<Chunk, Error> {
        let start = index[0] * self.rows;
        let count = self.rows.min(self.shape[0] - start);
        let dataset = self.dataset.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes =
            dataset.read_raw_rows(start as u64, count as u64).map_err(|e| refused(&self.file, &e))?;
        drop(dataset);
        let mut shape = self.shape.clone();
        shape[0] = count;
        if bytes.len() != shape.iter().product::<usize>() * self.item {
            return Err(Error::damaged(self.file.path(), format!("rows {start} to {}", start + count)));
        }
        self.order.to_native(&mut bytes, self.item);
        Ok(Chunk { shape, bytes })
    }
}
