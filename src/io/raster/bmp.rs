//! Windows bitmaps. A palette of grays makes one channel, any other three.

use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use image::ImageDecoder;
use image::codecs::bmp::BmpDecoder;

use crate::data::DType;
use crate::io::decoded::{Decode, Sink};
use crate::io::error::Error;
use crate::io::file::{FileView, SharedFile};
use crate::io::format::{Format, ImageReader, OpenOptions};

use super::{Picture, refused};

/// Windows bitmaps.
pub(in crate::io) struct Bmp;

impl Format for Bmp {
    fn name(&self) -> &'static str {
        "bmp"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["bmp"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(b"BM")
    }

    fn open(
        &self,
        path: &Path,
        _internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        let file = SharedFile::open(path)?;
        let decoder = decoder(&file)?;
        let (width, height) = decoder.dimensions();
        check_size(&file, u64::from(width), u64::from(height))?;
        let is_gray = |palette: &[[u8; 3]]| palette.iter().all(|[r, g, b]| r == g && g == b);
        let gray = decoder.get_palette().is_some_and(is_gray);
        let channels = if gray { 1 } else { usize::from(decoder.color_type().channel_count()) };
        let picture = Picture { width: width as usize, height: height as usize, channels, dtype: DType::U8 };
        let decoded = if gray && !has_bytes(&file)? { 3 } else { 1 };
        let decoder = Whole { file: Arc::clone(&file), gray, working: decoded * picture.bytes() };
        // Two bytes may stand for a run of 255 pixels.
        picture.open(&file, 512, decoder, options)
    }
}

fn decoder(file: &Arc<SharedFile>) -> Result<BmpDecoder<BufReader<FileView>>, Error> {
    BmpDecoder::new(BufReader::new(file.view())).map_err(|e| refused(file, e))
}

/// What the headers say of how samples are stored.
struct Stored {
    /// Where the samples begin.
    start: u32,
    /// Bits of a pixel.
    bits: u32,
    /// Kind of compression.
    compression: u32,
}

impl Stored {
    /// `None` for older headers, which have other fields.
    fn read(file: &SharedFile) -> Result<Option<Self>, Error> {
        const HEADERS: usize = 34;
        let mut head = [0; HEADERS];
        if file.len() < HEADERS as u64 {
            return Ok(None);
        }
        file.read_at(0, &mut head)?;
        let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let stored = Stored { start: number(10), bits: number(28) & 0xffff, compression: number(30) };
        Ok((number(14) >= 40).then_some(stored))
    }
}

/// Whether each pixel of a bitmap with a palette is a byte of its own.
fn has_bytes(file: &SharedFile) -> Result<bool, Error> {
    Ok(Stored::read(file)?.is_some_and(|stored| stored.bits == 8 && stored.compression == 0))
}

/// Checks that the rows of an uncompressed bitmap are in the file.
fn check_size(file: &SharedFile, width: u64, height: u64) -> Result<(), Error> {
    const NOT_COMPRESSED: [u32; 2] = [0, 3];
    let Some(Stored { start, bits, compression }) = Stored::read(file)? else { return Ok(()) };
    if !NOT_COMPRESSED.contains(&compression) {
        return Ok(());
    }
    let row = (width * u64::from(bits)).div_ceil(32) * 4;
    file.check_range(start.into(), row.saturating_mul(height), || {
        format!("a bitmap of {width} x {height} pixels")
    })
}

/// Decodes the picture whole.
struct Whole {
    file: Arc<SharedFile>,
    /// Whether the palette holds nothing but grays.
    gray: bool,
    /// Bytes that it takes.
    working: u64,
}

impl Decode for Whole {
    fn decode(&self, sink: &mut Sink<'_>) -> Result<(), Error> {
        let refused = |e| refused(&self.file, e);
        let mut decoder = decoder(&self.file)?;
        // Numbers of palette entries take a third of the bytes of their colours.
        let indexed = self.gray && has_bytes(&self.file)?;
        decoder.set_indexed_color(indexed);
        let grays: Option<Vec<u8>> = decoder
            .get_palette()
            .filter(|_| indexed)
            .map(|palette| palette.iter().map(|[gray, ..]| *gray).collect());
        let channels = usize::from(decoder.color_type().channel_count());
        let mut picture = vec![0; usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX)];
        decoder.read_image(&mut picture).map_err(refused)?;
        if let Some(grays) = grays {
            for sample in &mut picture {
                *sample = grays.get(usize::from(*sample)).copied().unwrap_or(0);
            }
        } else if self.gray {
            picture = picture.into_iter().step_by(channels).collect();
        }
        sink(&picture)
    }

    fn working_bytes(&self) -> u64 {
        self.working
    }
}
