//! An array as a folder with a file for each of its chunks: what N5 and Zarr have in common, and where they
//! differ.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::data::Volume;
use crate::io::samples::ByteOrder;

use super::chunks::ChunkGrid;

/// gzip's level, as in ilastik's compressed formats.
pub(super) const LEVEL: u32 = 1;

/// How chunks are named and stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Axes in reverse, big-endian, each chunk with a header of its extents, as much of it as lies in the image.
    N5 {
        /// By gzip, or as they are.
        compressed: bool,
    },
    /// Axes in order, little-endian, chunks of one size, compressed by gzip.
    Zarr,
}

/// An array being written.
pub(super) struct ChunkFolder {
    /// The folder, which is created with the first chunk.
    pub(super) path: PathBuf,
    pub(super) grid: ChunkGrid,
    pub(super) layout: Layout,
}

impl ChunkFolder {
    /// Writes the chunk at the place `at` (`tzyxc`).
    pub(super) fn write(&self, at: [usize; 5], chunk: &Volume) -> io::Result<()> {
        let bytes = match self.layout {
            Layout::N5 { compressed } => {
                let mut bytes = self.n5_header(chunk);
                let samples = self.grid.bytes(chunk, ByteOrder::Big);
                if !compressed {
                    bytes.extend(samples);
                    bytes
                } else {
                    zipped(bytes, &samples)?
                }
            }
            Layout::Zarr => zipped(Vec::new(), &self.grid.whole_bytes(chunk))?,
        };
        write_file(&self.path_of(at), &bytes)
    }

    /// The samples of the whole chunk at the place `at` (`tzyxc`) that was written, in the machine's byte order.
    pub(super) fn read_zarr(&self, at: [usize; 5]) -> io::Result<Vec<u8>> {
        let item = self.grid.dtype.size();
        let mut bytes = Vec::with_capacity(self.grid.chunk.iter().product::<usize>() * item);
        MultiGzDecoder::new(File::open(self.path_of(at))?).read_to_end(&mut bytes)?;
        ByteOrder::Little.to_native(&mut bytes, item);
        Ok(bytes)
    }

    fn path_of(&self, at: [usize; 5]) -> PathBuf {
        let mut place = self.grid.axes.pick(&at);
        if matches!(self.layout, Layout::N5 { .. }) {
            place.reverse();
        }
        place.iter().fold(self.path.clone(), |path, number| path.join(number.to_string()))
    }

    /// The kind of chunk (0: as many samples as its extents say), the number of axes, the extents.
    fn n5_header(&self, chunk: &Volume) -> Vec<u8> {
        let extents = self.grid.axes.pick(&chunk.shape());
        let mut header = vec![0, 0];
        // At most five axes, and chunks of half a megabyte.
        header.extend((extents.len() as u16).to_be_bytes());
        header.extend(extents.iter().rev().flat_map(|&extent| (extent as u32).to_be_bytes()));
        header
    }
}

/// `bytes` compressed, after `start`.
fn zipped(start: Vec<u8>, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(start, Compression::new(LEVEL));
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Writes a file, creating its folders.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = match File::create(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            std::fs::create_dir_all(path.parent().unwrap_or(path))?;
            File::create(path)
        }
        result => result,
    };
    file?.write_all(bytes)
}

/// Writes a file of JSON, creating its folders.
pub(super) fn write_json(path: &Path, value: &serde_json::Value) -> io::Result<()> {
    write_file(path, format!("{value:#}\n").as_bytes())
}
