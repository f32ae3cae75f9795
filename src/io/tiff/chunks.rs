//! Decoding the strips and tiles of TIFF pages, in any thread.

use std::sync::{Mutex, PoisonError};

use crate::io::chunked::{Chunk, ChunkSource};
use crate::io::error::Error;

use super::ifd::{Directories, PageDecoder, refused};
use super::page::Page;

/// The strips or tiles of pages of one kind; grid dimensions are those that count pages, followed by
/// those of a page.
pub(super) struct PageChunks {
    pub(super) directories: Directories,
    pub(super) pages: Vec<Page>,
    /// Extents of the dimensions that count pages.
    pub(super) outer: Vec<usize>,
    /// Decoders at rest, with the number of their page.
    pub(super) idle: Mutex<Vec<(usize, PageDecoder)>>,
}

/// Decoders kept open; each holds the offsets of its page's strips.
const IDLE: usize = 16;

impl PageChunks {
    fn take_decoder(&self, page: usize) -> Result<PageDecoder, Error> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = idle.iter().position(|(number, _)| *number == page) {
            return Ok(idle.swap_remove(at).1);
        }
        drop(idle);
        let page = &self.pages[page];
        Ok(self.directories.decoder(page.directory, page.ycbcr)?.0)
    }

    fn put_back(&self, page: usize, decoder: PageDecoder) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= IDLE {
            idle.remove(0);
        }
        idle.push((page, decoder));
    }
}

impl ChunkSource for PageChunks {
    fn load(&self, index: &[usize]) -> Result<Chunk, Error> {
        let (outer, inner) = index.split_at(self.outer.len());
        let number = outer.iter().zip(&self.outer).fold(0, |n, (i, extent)| n * extent + i);
        let page = &self.pages[number];
        let kind = &page.kind;
        let (plane, row, column) = match (kind.samples, kind.planar) {
            (1, _) => (0, inner[0], inner[1]),
            (_, true) => (inner[0], inner[1], inner[2]),
            (_, false) => (0, inner[0], inner[1]),
        };
        let across = kind.width.div_ceil(page.chunk.1);
        let down = kind.height.div_ceil(page.chunk.0);
        let chunk = (plane * down + row) * across + column;
        // Tiles come whole, the last strip ends with the page.
        let (mut rows, columns) = page.chunk;
        if !page.tiled {
            rows = rows.min(kind.height - row * rows);
        }

        let mut decoder = self.take_decoder(number)?;
        let bytes = self.decode(&mut decoder, page, chunk, rows, columns).map_err(|e| match e {
            Error::Damaged { path, what } => Error::Damaged {
                path,
                what: format!("strip or tile {} of page {}: {what}", chunk + 1, number + 1),
            },
            e => e,
        })?;
        self.put_back(number, decoder);
        let mut shape = vec![1; self.outer.len()];
        shape.extend(match (kind.samples, kind.planar) {
            (1, _) => vec![rows, columns],
            (_, true) => vec![1, rows, columns],
            (n, false) => vec![rows, columns, n],
        });
        Ok(Chunk { shape, bytes })
    }
}

impl PageChunks {
    /// Samples of one strip or tile.
    fn decode(
        &self,
        decoder: &mut PageDecoder,
        page: &Page,
        chunk: usize,
        rows: usize,
        columns: usize,
    ) -> Result<Vec<u8>, Error> {
        let file = &self.directories.file;
        let kind = &page.kind;
        let samples = columns * kind.interleaved();
        let row_bytes = (samples * kind.bits).div_ceil(8);
        let mut bytes = vec![0; row_bytes * rows];
        let number = u32::try_from(chunk).map_err(|_| Error::damaged(file.path(), "too many strips"))?;
        let layout = decoder.image_chunk_buffer_layout(number).map_err(|e| refused(file, &e))?;
        if layout.len != bytes.len() {
            let what = format!("it decodes to {} bytes, not {}", layout.len, bytes.len());
            return Err(Error::damaged(file.path(), what));
        }
        if !page.empty.contains(&chunk) {
            decoder.read_chunk_bytes(number, &mut bytes).map_err(|e| refused(file, &e))?;
        }
        if page.ycbcr {
            bytes.chunks_exact_mut(3).for_each(ycbcr_to_rgb);
        }
        Ok(if kind.bits < 8 { unpack(&bytes, row_bytes, samples, kind.bits) } else { bytes })
    }
}

/// Full-range ITU-R BT.601 as JFIF 1.02 has it, rounded.
fn ycbcr_to_rgb(pixel: &mut [u8]) {
    let [y, cb, cr] = [pixel[0], pixel[1], pixel[2]].map(f32::from);
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    pixel[0] = (y + 1.402 * cr).round() as u8;
    pixel[1] = (y - 0.344_136 * cb - 0.714_136 * cr).round() as u8;
    pixel[2] = (y + 1.772 * cb).round() as u8;
}

/// One byte per sample from rows of samples of 1, 2 or 4 bits, most significant first.
fn unpack(packed: &[u8], row_bytes: usize, samples: usize, bits: usize) -> Vec<u8> {
    let per_byte = 8 / bits;
    let mask = (1_u16 << bits) as u8 - 1;
    let row = |row: &[u8]| -> Vec<u8> {
        (0..samples).map(|i| row[i / per_byte] >> (8 - bits * (i % per_byte + 1)) & mask).collect()
    };
    packed.chunks_exact(row_bytes).flat_map(row).collect()
}
