//! The chain of image file directories, and decoders that start at any of them.
//!
//! The `tiff` crate walks the chain from its head and interprets colours. Here every page is opened on
//! its own, and its samples are read as they are stored, as ilastik does: no inversion of
//! white-is-zero images.

use std::collections::HashSet;
use std::sync::Arc;

use tiff::decoder::{Decoder, Limits};

use crate::io::error::Error;
use crate::io::file::{FileView, SharedFile};
use crate::io::samples::ByteOrder;

/// Pages are decoded by one of these.
pub(super) type PageDecoder = Decoder<FileView>;

/// Tag numbers used here.
pub(super) const WIDTH: u16 = 256;
pub(super) const HEIGHT: u16 = 257;
const PHOTOMETRIC: u16 = 262;
const TILE_WIDTH: u16 = 322;
const TILE_HEIGHT: u16 = 323;
pub(super) const IMAGE_DEPTH: u16 = 32997;
/// "Black is zero": samples are numbers, whatever their count.
const AS_STORED: u16 = 1;
/// Places in a table of colours.
pub(super) const PALETTE: u16 = 3;
/// Luminance and two colour differences.
pub(super) const YCBCR: u16 = 6;

/// Whether a tag's values are read here or by the library; what others say does not matter.
fn is_read(tag: u64) -> bool {
    matches!(tag, 254..=259 | 262 | 270 | 273..=279 | 282..=284 | 296 | 317 | 320..=325 | 338..=347 | 530..=532 | 32997)
}

/// A TIFF file and the offsets of its directories.
#[derive(Clone, Debug)]
pub(super) struct Directories {
    pub(super) file: Arc<SharedFile>,
    pub(super) order: ByteOrder,
    big: bool,
    pub(super) offsets: Vec<u64>,
}

impl Directories {
    /// Reads the header and follows the chain.
    pub(super) fn read(file: Arc<SharedFile>) -> Result<Self, Error> {
        let mut head = [0; 8];
        file.check_range(0, 8, || "the header".into())?;
        file.read_at(0, &mut head)?;
        let order = if head[0] == b'M' { ByteOrder::Big } else { ByteOrder::Little };
        let mut directories = Directories { file, order, big: false, offsets: Vec::new() };
        directories.big = match directories.number(&head[2..4]) {
            42 => false,
            43 => true,
            version => {
                let what = format!("its TIFF version is {version}, not 42 or 43");
                return Err(Error::damaged(directories.file.path(), what));
            }
        };
        directories.walk()?;
        Ok(directories)
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        let fold = |n: u64, &byte: &u8| n << 8 | u64::from(byte);
        match self.order {
            ByteOrder::Big => bytes.iter().fold(0, fold),
            ByteOrder::Little => bytes.iter().rev().fold(0, fold),
        }
    }

    fn number_at(&self, offset: u64, len: u64, what: impl Fn() -> String) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        let bytes = &mut bytes[..len as usize];
        self.file.check_range(offset, len, what)?;
        self.file.read_at(offset, bytes)?;
        Ok(self.number(bytes))
    }

    /// Bytes of a pointer, of an entry count and of an entry.
    fn sizes(&self) -> (u64, u64, u64) {
        if self.big { (8, 8, 20) } else { (4, 2, 12) }
    }

    fn walk(&mut self) -> Result<(), Error> {
        let (pointer, count_size, entry_size) = self.sizes();
        let mut seen = HashSet::new();
        let mut next = self.number_at(pointer, pointer, || "the header".into())?;
        while next != 0 {
            let page = self.offsets.len() + 1;
            if !seen.insert(next) {
                let what = format!("its list of pages runs in a circle after page {}", page - 1);
                return Err(Error::damaged(self.file.path(), what));
            }
            let what = || format!("the directory of page {page}");
            let count = self.number_at(next, count_size, what)?;
            let end = count.checked_mul(entry_size).and_then(|n| n.checked_add(next + count_size));
            self.offsets.push(next);
            next = self.number_at(end.unwrap_or(u64::MAX), pointer, what)?;
        }
        if self.offsets.is_empty() {
            return Err(Error::damaged(self.file.path(), "it holds no page"));
        }
        Ok(())
    }

    /// The entries of a directory as they are in the file, and the offset of the first.
    fn entries(&self, directory: u64) -> Result<(Vec<u8>, u64), Error> {
        let (_, count_size, entry_size) = self.sizes();
        let what = || "a directory".to_owned();
        let count = self.number_at(directory, count_size, what)?;
        let len = count.saturating_mul(entry_size);
        let first = directory + count_size;
        self.file.check_range(first, len, what)?;
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        self.file.read_at(first, &mut bytes)?;
        Ok((bytes, first))
    }

    /// Where the value of a number in a directory is stored, its length in bytes, and the value.
    pub(super) fn find(&self, directory: u64, tag: u16) -> Result<Option<Stored>, Error> {
        const SHORT: u64 = 3;
        const LONG: u64 = 4;
        let (pointer, _, entry_size) = self.sizes();
        let (entries, first) = self.entries(directory)?;
        let is_tag = |entry: &&[u8]| self.number(&entry[..2]) == u64::from(tag);
        let mut numbered = entries.chunks_exact(entry_size as usize).zip(0..);
        let Some((entry, number)) = numbered.find(|(entry, _)| is_tag(entry)) else { return Ok(None) };
        let len = match self.number(&entry[2..4]) {
            SHORT => 2,
            LONG => 4,
            _ => return Ok(None),
        };
        let value_at = 4 + pointer;
        let value = self.number(&entry[value_at as usize..][..len as usize]);
        let at = first + number * entry_size + value_at;
        Ok(Some(Stored { at, len, value }))
    }

    /// Checks that the values of the tags that are read lie within the file: the library makes room for as
    /// many as an entry says before it reads them.
    fn check_values(&self, directory: u64) -> Result<(), Error> {
        /// Bytes of a value by field type.
        const SIZES: [u64; 19] = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];
        let (pointer, _, entry_size) = self.sizes();
        let (entries, _) = self.entries(directory)?;
        for entry in entries.chunks_exact(entry_size as usize) {
            let tag = self.number(&entry[..2]);
            let kind = self.number(&entry[2..4]) as usize;
            let (count, value) = entry[4..].split_at(pointer as usize);
            let size = SIZES.get(kind).copied().unwrap_or(0);
            let bytes = self.number(count).saturating_mul(size);
            if bytes > pointer && is_read(tag) {
                self.file.check_range(self.number(value), bytes, || format!("the value of tag {tag}"))?;
            }
        }
        Ok(())
    }

    /// A decoder of the page whose directory is at `directory`, and the page's photometric
    /// interpretation. Samples come as stored; `colours` keeps the interpretation, which JPEG needs.
    ///
    /// Tiled pages are presented as large as their tiles are: clipping rows at the page's edge, the
    /// library loses the end of some LZW-coded tiles.
    pub(super) fn decoder(&self, directory: u64, colours: bool) -> Result<(PageDecoder, u16), Error> {
        let bytes = |n: u64, len: usize| match self.order {
            ByteOrder::Big => n.to_be_bytes()[8 - len..].to_vec(),
            ByteOrder::Little => n.to_le_bytes()[..len].to_vec(),
        };
        self.check_values(directory)?;
        let mut view = self.file.view();
        let pointer = self.sizes().0;
        view.patch(pointer, bytes(directory, pointer as usize));
        let photometric = self.find(directory, PHOTOMETRIC)?;
        if let Some(stored) = photometric.filter(|_| !colours) {
            view.patch(stored.at, bytes(AS_STORED.into(), stored.len as usize));
        }
        for (page, tile) in [(WIDTH, TILE_WIDTH), (HEIGHT, TILE_HEIGHT)] {
            let (Some(page), Some(tile)) = (self.find(directory, page)?, self.find(directory, tile)?) else {
                continue;
            };
            let padded = page.value.checked_next_multiple_of(tile.value).unwrap_or(page.value);
            if padded < 1 << (8 * page.len) {
                view.patch(page.at, bytes(padded, page.len as usize));
            }
        }
        let mut limits = Limits::default();
        // What a chunk decodes to is checked before it is decoded.
        limits.decoding_buffer_size = usize::MAX;
        limits.intermediate_buffer_size = usize::MAX;
        limits.ifd_value_size = usize::try_from(self.file.len()).unwrap_or(usize::MAX);
        let decoder = Decoder::new(view).map_err(|e| refused(&self.file, &e))?.with_limits(limits);
        Ok((decoder, photometric.map_or(AS_STORED, |stored| stored.value as u16)))
    }
}

/// A number in a directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    at: u64,
    len: u64,
    pub(super) value: u64,
}

/// An error of the library, as one of ours.
pub(super) fn refused(file: &SharedFile, error: &tiff::TiffError) -> Error {
    match error {
        tiff::TiffError::UnsupportedError(what) => Error::unsupported(
            file.path(),
            what.to_string(),
            "save it as an uncompressed or zlib-compressed TIFF of 8- to 64-bit samples",
        ),
        tiff::TiffError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::damaged(file.path(), "its compressed data end early")
        }
        error => Error::damaged(file.path(), error.to_string()),
    }
}
