//! JPEG pictures: 8-bit gray or colour, baseline or progressive.

use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use image::ImageDecoder;
use image::codecs::jpeg::JpegDecoder;

use crate::data::DType;
use crate::io::decoded::{Decode, Sink};
use crate::io::error::Error;
use crate::io::file::SharedFile;
use crate::io::format::{Format, ImageReader, OpenOptions};

use super::{Picture, cut_off, refused, unsupported};

/// JPEG pictures.
pub(in crate::io) struct Jpeg;

impl Format for Jpeg {
    fn name(&self) -> &'static str {
        "jpeg"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["jpg", "jpeg"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(b"\xff\xd8\xff")
    }

    fn open(
        &self,
        path: &Path,
        _internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        let file = SharedFile::open(path)?;
        let frame = Markers::new(&file).frame()?;
        let channels = match frame.components {
            1 => 1,
            3 => 3,
            4 => {
                let what = "a JPEG picture of four colours (CMYK)";
                return Err(Error::unsupported(path, what, "convert it to RGB"));
            }
            other => return Err(unsupported(&file, format!("a JPEG picture of {other} components"))),
        };
        let picture =
            Picture { width: frame.width.into(), height: frame.height.into(), channels, dtype: DType::U8 };
        // The decoder holds the file, and of a progressive picture all coefficients, 16 bits each.
        let copies = if frame.progressive { 3 } else { 1 };
        let working = picture.bytes().saturating_mul(copies).saturating_add(file.len());
        let decoder = Whole { file: Arc::clone(&file), working };
        // A block of 8 x 8 samples takes at least a few bits.
        picture.open(&file, 5000, decoder, options)
    }
}

/// What the frame header says.
struct Frame {
    width: u16,
    height: u16,
    components: u8,
    progressive: bool,
}

/// Walks a JPEG file; the decoder fills what is missing with gray, so it is checked here.
struct Markers<'a> {
    file: &'a SharedFile,
    /// A part of the file, and where it begins.
    part: Vec<u8>,
    start: u64,
}

/// Markers that matter here.
mod marker {
    pub(super) const START_OF_IMAGE: u8 = 0xd8;
    pub(super) const END_OF_IMAGE: u8 = 0xd9;
    pub(super) const START_OF_SCAN: u8 = 0xda;
    pub(super) const RESTARTS: std::ops::RangeInclusive<u8> = 0xd0..=0xd7;
}

impl<'a> Markers<'a> {
    fn new(file: &'a SharedFile) -> Self {
        Markers { file, part: Vec::new(), start: 0 }
    }

    /// The bytes of the file from `at` on, as many as are at hand.
    fn rest(&mut self, at: u64) -> Result<&[u8], Error> {
        /// Bytes read at once.
        const PART: u64 = 64 << 10;
        if at >= self.file.len() {
            return Err(cut_off(self.file));
        }
        if at < self.start || at >= self.start + self.part.len() as u64 {
            self.part.resize((self.file.len() - at).min(PART) as usize, 0);
            self.file.read_at(at, &mut self.part)?;
            self.start = at;
        }
        Ok(&self.part[(at - self.start) as usize..])
    }

    fn byte(&mut self, at: u64) -> Result<u8, Error> {
        Ok(self.rest(at)?[0])
    }

    fn number(&mut self, at: u64) -> Result<u16, Error> {
        Ok(u16::from_be_bytes([self.byte(at)?, self.byte(at + 1)?]))
    }

    /// The marker at or after `at`, and what follows it. Between a scan's coded bytes, 0xff is followed by 0.
    fn next(&mut self, mut at: u64) -> Result<(u8, u64), Error> {
        loop {
            let rest = self.rest(at)?;
            let Some(found) = rest.iter().position(|&byte| byte == 0xff) else {
                at += rest.len() as u64;
                continue;
            };
            at += found as u64 + 1;
            match self.byte(at)? {
                0xff => {}
                0 => at += 1,
                code if marker::RESTARTS.contains(&code) => at += 1,
                code => return Ok((code, at + 1)),
            }
        }
    }

    /// The frame header of a picture that is complete.
    fn frame(&mut self) -> Result<Frame, Error> {
        let file = self.file;
        let damaged = |what: &str| Error::damaged(file.path(), what);
        let mut frame = None;
        let mut scans = 0;
        let mut at = 0;
        loop {
            let (code, after) = self.next(at)?;
            at = after;
            match code {
                marker::START_OF_IMAGE | 0x01 => continue,
                marker::END_OF_IMAGE => break,
                marker::START_OF_SCAN => scans += 1,
                // All that start a frame, whatever its kind of coding.
                0xc0..=0xcf if !matches!(code, 0xc4 | 0xc8 | 0xcc) => {
                    if code > 0xc2 {
                        let kind = if code & 3 == 3 { "lossless" } else { "arithmetic or hierarchical" };
                        return Err(unsupported(file, format!("a JPEG picture of {kind} coding")));
                    }
                    let bits = self.byte(at + 2)?;
                    if bits != 8 {
                        return Err(unsupported(file, format!("a JPEG picture of {bits} bits")));
                    }
                    let (height, width) = (self.number(at + 3)?, self.number(at + 5)?);
                    if height == 0 || width == 0 {
                        return Err(damaged("its frame header has no width or height"));
                    }
                    let (components, progressive) = (self.byte(at + 7)?, code == 0xc2);
                    frame = Some(Frame { width, height, components, progressive });
                }
                _ => {}
            }
            at += u64::from(self.number(at)?);
        }
        frame.filter(|_| scans > 0).ok_or_else(|| damaged("it holds no picture"))
    }
}

/// Decodes the picture whole.
struct Whole {
    file: Arc<SharedFile>,
    /// Bytes that it takes.
    working: u64,
}

impl Decode for Whole {
    fn decode(&self, sink: &mut Sink<'_>) -> Result<(), Error> {
        let refused = |e| refused(&self.file, e);
        let decoder = JpegDecoder::new(BufReader::new(self.file.view())).map_err(refused)?;
        let mut picture = vec![0; usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX)];
        decoder.read_image(&mut picture).map_err(refused)?;
        sink(&picture)
    }

    fn working_bytes(&self) -> u64 {
        self.working
    }
}
