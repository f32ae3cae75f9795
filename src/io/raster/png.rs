//! PNG pictures, decoded row by row.

use std::io::{BufReader, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use png::{BitDepth, DecodingError, Transformations};

use crate::data::DType;
use crate::io::decoded::{Decode, Sink};
use crate::io::error::Error;
use crate::io::file::{FileView, SharedFile};
use crate::io::format::{Format, ImageReader, OpenOptions};
use crate::io::samples::ByteOrder;

use super::{Picture, cut_off};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// PNG pictures.
pub(in crate::io) struct Png;

impl Format for Png {
    fn name(&self) -> &'static str {
        "png"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["png"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(SIGNATURE)
    }

    fn open(
        &self,
        path: &Path,
        _internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        let file = SharedFile::open(path)?;
        check_chunks(&file)?;
        let reader = reader(&file)?;
        let info = reader.info();
        let (color, depth) = reader.output_color_type();
        let dtype = if depth == BitDepth::Sixteen { DType::U16 } else { DType::U8 };
        let (width, height) = (info.width as usize, info.height as usize);
        let picture = Picture { width, height, channels: color.samples(), dtype };
        let (interlaced, bytes) = (info.interlaced, picture.bytes());
        let decoder = Rows { file: Arc::clone(&file), interlaced, dtype, bytes };
        // Deflate makes at most 1032 bytes of one, and expanding bits makes eight of that.
        picture.open(&file, 8 * 1032, decoder, options)
    }
}

/// A decoder that gives 8- or 16-bit samples, palettes and transparent colours expanded.
fn reader(file: &Arc<SharedFile>) -> Result<png::Reader<BufReader<FileView>>, Error> {
    let mut decoder = png::Decoder::new(BufReader::new(file.view()));
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.read_info().map_err(|e| refused(file, e))
}

/// Walks the chunks, so that a file that is cut off is told at once and not in the middle of the work.
fn check_chunks(file: &SharedFile) -> Result<(), Error> {
    /// Length, type and checksum.
    const FRAME: u64 = 12;
    let mut at = SIGNATURE.len() as u64;
    loop {
        let mut head = [0; 8];
        file.check_range(at, FRAME, || "a part of the picture".into())?;
        file.read_at(at, &mut head)?;
        let [l0, l1, l2, l3, kind @ ..] = head;
        let length = u64::from(u32::from_be_bytes([l0, l1, l2, l3]));
        file.check_range(at, FRAME + length, || {
            format!("the part {} of the picture", String::from_utf8_lossy(&kind))
        })?;
        if &kind == b"IEND" {
            return Ok(());
        }
        at += FRAME + length;
    }
}

fn refused(file: &SharedFile, error: DecodingError) -> Error {
    match error {
        DecodingError::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => cut_off(file),
        DecodingError::LimitsExceeded => {
            Error::damaged(file.path(), "its header claims more pixels than can be read")
        }
        e => Error::damaged(file.path(), e.to_string()),
    }
}

/// Decodes row by row; interlaced pictures whole.
struct Rows {
    file: Arc<SharedFile>,
    interlaced: bool,
    dtype: DType,
    /// Bytes of the picture.
    bytes: u64,
}

impl Decode for Rows {
    fn decode(&self, sink: &mut Sink<'_>) -> Result<(), Error> {
        let refused = |e| refused(&self.file, e);
        let mut reader = reader(&self.file)?;
        let item = self.dtype.size();
        if self.interlaced {
            let size = reader.output_buffer_size().unwrap_or(usize::MAX);
            let mut picture = vec![0; size];
            reader.next_frame(&mut picture).map_err(refused)?;
            ByteOrder::Big.to_native(&mut picture, item);
            return sink(&picture);
        }
        let mut row = vec![0; reader.output_line_size(reader.info().width).unwrap_or(usize::MAX)];
        while reader.read_row(&mut row).map_err(refused)?.is_some() {
            ByteOrder::Big.to_native(&mut row, item);
            sink(&row)?;
        }
        Ok(())
    }

    fn working_bytes(&self) -> u64 {
        if self.interlaced { self.bytes } else { 0 }
    }
}
