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
        let frame = Markers::read(&file)?.frame()?;
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
        let decoder = Whole { file: Arc::clone(&file) };
        // A block of 8 x 8 samples takes at least a few bits.
        picture.open(&file, 5000, decoder, options)
    }
}

/// What the frame header says.
struct Frame {
    width: u16,
    height: u16,
    components: u8,
}

/// The bytes of a JPEG file; the decoder fills what is missing with gray, so they are checked here.
struct Markers<'a> {
    file: &'a SharedFile,
    bytes: Vec<u8>,
}

/// Markers that matter here.
mod marker {
    pub(super) const START_OF_IMAGE: u8 = 0xd8;
    pub(super) const END_OF_IMAGE: u8 = 0xd9;
    pub(super) const START_OF_SCAN: u8 = 0xda;
    pub(super) const RESTARTS: std::ops::RangeInclusive<u8> = 0xd0..=0xd7;
}

impl<'a> Markers<'a> {
    fn read(file: &'a SharedFile) -> Result<Self, Error> {
        let mut bytes = vec![0; usize::try_from(file.len()).unwrap_or(usize::MAX)];
        file.read_at(0, &mut bytes)?;
        Ok(Markers { file, bytes })
    }

    fn byte(&self, at: usize) -> Result<u8, Error> {
        self.bytes.get(at).copied().ok_or_else(|| cut_off(self.file))
    }

    fn number(&self, at: usize) -> Result<u16, Error> {
        Ok(u16::from_be_bytes([self.byte(at)?, self.byte(at + 1)?]))
    }

    /// The marker at or after `at`, and what follows it. Between a scan's coded bytes, 0xff is followed by 0.
    fn next(&self, mut at: usize) -> Result<(u8, usize), Error> {
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let found = rest.iter().position(|&byte| byte == 0xff).ok_or_else(|| cut_off(self.file))?;
            at += found + 1;
            match self.byte(at)? {
                0xff => {}
                0 => at += 1,
                code if marker::RESTARTS.contains(&code) => at += 1,
                code => return Ok((code, at + 1)),
            }
        }
    }

    /// The frame header of a picture that is complete.
    fn frame(&self) -> Result<Frame, Error> {
        let damaged = |what: &str| Error::damaged(self.file.path(), what);
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
                        return Err(unsupported(self.file, format!("a JPEG picture of {kind} coding")));
                    }
                    let bits = self.byte(at + 2)?;
                    if bits != 8 {
                        return Err(unsupported(self.file, format!("a JPEG picture of {bits} bits")));
                    }
                    let (height, width) = (self.number(at + 3)?, self.number(at + 5)?);
                    if height == 0 || width == 0 {
                        return Err(damaged("its frame header has no width or height"));
                    }
                    frame = Some(Frame { width, height, components: self.byte(at + 7)? });
                }
                _ => {}
            }
            at += usize::from(self.number(at)?);
        }
        frame.filter(|_| scans > 0).ok_or_else(|| damaged("it holds no picture"))
    }
}

/// Decodes the picture whole.
struct Whole {
    file: Arc<SharedFile>,
}

impl Decode for Whole {
    fn decode(&self, sink: &mut Sink<'_>) -> Result<(), Error> {
        let refused = |e| refused(&self.file, e);
        let decoder = JpegDecoder::new(BufReader::new(self.file.view())).map_err(refused)?;
        let mut picture = vec![0; usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX)];
        decoder.read_image(&mut picture).map_err(refused)?;
        sink(&picture)
    }

    fn streams(&self) -> bool {
        false
    }
}
