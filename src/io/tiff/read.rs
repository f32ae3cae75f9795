//! The TIFF format: recognised by its header, read plane by plane, strip by strip.

use std::path::Path;
use std::sync::Arc;

use crate::io::chunked::Chunked;
use crate::io::error::Error;
use crate::io::file::SharedFile;
use crate::io::format::{Format, ImageReader, OpenOptions};
use crate::io::planes::RawPlanes;
use crate::io::storage::{Found, Storage, StoredImage};

use super::chunks::PageChunks;
use super::ifd::Directories;
use super::series::{Series, storage_shape};

/// TIFF, BigTIFF, ImageJ's and OME's.
pub(in crate::io) struct Tiff;

impl Format for Tiff {
    fn name(&self) -> &'static str {
        "tiff"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["tif", "tiff"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        [b"II\x2a\x00", b"MM\x00\x2a", b"II\x2b\x00", b"MM\x00\x2b"]
            .iter()
            .any(|magic| head.starts_with(*magic))
    }

    fn open(
        &self,
        path: &Path,
        _internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        let directories = Directories::read(SharedFile::open(path)?)?;
        let series = Series::read(&directories)?;
        let kind = series.pages[0].kind.clone();
        let stored = storage_shape(&series.outer, &kind);
        let mut found = Found::new(series.shape.clone(), kind.dtype);
        found.axes = series.axes.clone();
        found.pixel_size = series.pixel_size.clone();
        let item = kind.dtype.size();
        let plane_bytes = (kind.shape().iter().product::<usize>() * item) as u64;
        let raw: Option<Vec<u64>> = series.pages.iter().map(|page| page.raw).collect();
        let storage: Box<dyn Storage> = match raw {
            Some(mut offsets) => {
                let planes = series.planes();
                // ImageJ and tifffile may write one directory and all planes after it.
                if offsets.len() == 1 && planes > 1 {
                    let start = offsets[0];
                    let bytes = plane_bytes.saturating_mul(planes as u64);
                    directories.file.check_range(start, bytes, || format!("a stack of {planes} planes"))?;
                    offsets = (0..planes as u64).map(|plane| start + plane * plane_bytes).collect();
                }
                let (file, order) = (Arc::clone(&directories.file), directories.order);
                Box::new(RawPlanes { file, offsets, outer: series.outer, plane: kind.shape(), item, order })
            }
            None => {
                let (rows, columns) = series.pages[0].chunk;
                if series.pages.iter().any(|page| page.chunk != (rows, columns)) {
                    return Err(Error::unsupported(
                        path,
                        "a TIFF file whose pages are cut into different strips or tiles",
                        "save it again, for example from ImageJ",
                    ));
                }
                let mut chunk = vec![1; series.outer.len()];
                chunk.extend(match (kind.samples, kind.planar) {
                    (1, _) => vec![rows, columns],
                    (_, true) => vec![1, rows, columns],
                    (n, false) => vec![rows, columns, n],
                });
                let outer = series.outer.clone();
                let source = PageChunks { directories, pages: series.pages, outer, idle: Default::default() };
                Box::new(Chunked::new(path, stored.clone(), chunk, item, source, options.memory)?)
            }
        };
        StoredImage::open(path, found, options, Reshaped::new(storage, stored, &series.shape))
    }
}

/// A storage presented with dimensions of extent 1 that it does not have.
struct Reshaped {
    inner: Box<dyn Storage>,
    stored: Vec<usize>,
    /// For each dimension stored, the one presented; `None` for one of extent 1.
    presented: Vec<Option<usize>>,
    /// How many are presented.
    dimensions: usize,
}

impl Reshaped {
    fn new(inner: Box<dyn Storage>, stored: Vec<usize>, shape: &[usize]) -> Self {
        let mut wide = shape.iter().enumerate().filter(|(_, extent)| **extent != 1).map(|(i, _)| i);
        let presented = stored.iter().map(|&extent| if extent == 1 { None } else { wide.next() }).collect();
        Reshaped { inner, stored, presented, dimensions: shape.len() }
    }
}

impl Storage for Reshaped {
    fn read_box(&self, start: &[usize], shape: &[usize], out: &mut [u8]) -> Result<(), Error> {
        let pick = |values: &[usize], missing: usize| -> Vec<usize> {
            (0..self.stored.len()).map(|i| self.presented[i].map_or(missing, |k| values[k])).collect()
        };
        self.inner.read_box(&pick(start, 0), &pick(shape, 1), out)
    }

    fn by_region(&self) -> bool {
        self.inner.by_region()
    }

    fn pieces(&self) -> Option<Vec<usize>> {
        let stored = self.inner.pieces()?;
        let mut pieces = vec![1; self.dimensions];
        for (extent, at) in stored.into_iter().zip(&self.presented) {
            if let Some(at) = at {
                pieces[*at] = extent;
            }
        }
        Some(pieces)
    }

    fn kept_bytes(&self) -> u64 {
        self.inner.kept_bytes()
    }
}
