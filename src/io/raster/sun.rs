//! Sun raster files of 1, 8 and 24 bits, plain or run-length encoded. A map of colours makes three channels; of a
//! bitmap without one, bits that are set are 255.

use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use crate::data::DType;
use crate::io::decoded::{Decode, Sink};
use crate::io::error::Error;
use crate::io::file::{FileView, SharedFile};
use crate::io::format::{Format, ImageReader, OpenOptions};

use super::{Picture, cut_off, unsupported};

/// Sun raster files.
pub(in crate::io) struct Sun;

const MAGIC: u32 = 0x59a6_6a95;
/// Length of the header.
const HEADER: u64 = 32;
/// Kinds of files.
mod kind {
    pub(super) const OLD: u32 = 0;
    pub(super) const STANDARD: u32 = 1;
    pub(super) const ENCODED: u32 = 2;
    /// As the standard kind, but colours are red, green, blue and not blue, green, red.
    pub(super) const RGB: u32 = 3;
}
/// Kinds of maps.
mod map {
    pub(super) const NONE: u32 = 0;
    /// All reds, all greens, all blues.
    pub(super) const RGB: u32 = 1;
}

impl Format for Sun {
    fn name(&self) -> &'static str {
        "ras"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["ras"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(&MAGIC.to_be_bytes())
    }

    fn open(
        &self,
        path: &Path,
        _internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        let file = SharedFile::open(path)?;
        let header = Header::read(&file)?;
        let Header { width, height, .. } = header;
        let picture = Picture { width, height, channels: header.channels(), dtype: DType::U8 };
        // Three bytes make a run of 256, each of eight pixels of three channels at most.
        let ratio = 256 * 8;
        picture.open(&file, ratio, Rows { file: Arc::clone(&file), header }, options)
    }
}

struct Header {
    width: usize,
    height: usize,
    /// Bits of a pixel.
    depth: usize,
    kind: u32,
    /// Red, green and blue of each index; empty when samples are as they are.
    palette: Vec<[u8; 3]>,
    /// Where the rows begin.
    start: u64,
}

impl Header {
    fn read(file: &SharedFile) -> Result<Self, Error> {
        let mut head = [0; HEADER as usize];
        file.check_range(0, HEADER, || "the header".into())?;
        file.read_at(0, &mut head)?;
        let word =
            |i: usize| u32::from_be_bytes([head[4 * i], head[4 * i + 1], head[4 * i + 2], head[4 * i + 3]]);
        let (depth, kind, map_kind, map_bytes) = (word(3), word(5), word(6), word(7));
        if !matches!(kind, kind::OLD | kind::STANDARD | kind::ENCODED | kind::RGB) {
            return Err(unsupported(file, format!("a Sun raster file of the kind {kind}")));
        }
        if !matches!(depth, 1 | 8 | 24) {
            return Err(unsupported(file, format!("a Sun raster file of {depth} bits for each pixel")));
        }
        let start = HEADER + u64::from(map_bytes);
        file.check_range(0, start, || "the map of colours".into())?;
        let palette = match map_kind {
            map::RGB if depth <= 8 => read_palette(file, map_bytes as usize)?,
            map::NONE | map::RGB => Vec::new(),
            _ => {
                return Err(unsupported(
                    file,
                    format!("a Sun raster file with a map of the kind {map_kind}"),
                ));
            }
        };
        let header = Header {
            width: word(1) as usize,
            height: word(2) as usize,
            depth: depth as usize,
            kind,
            palette,
            start,
        };
        if kind != kind::ENCODED {
            let bytes = (header.row_bytes() as u64).saturating_mul(header.height as u64);
            file.check_range(start, bytes, || {
                format!("a picture of {} x {} pixels", header.width, header.height)
            })?;
        }
        Ok(header)
    }

    fn channels(&self) -> usize {
        if self.depth == 24 || !self.palette.is_empty() { 3 } else { 1 }
    }

    /// Bytes of a stored row, always an even number.
    fn row_bytes(&self) -> usize {
        (self.width * self.depth).div_ceil(16) * 2
    }
}

fn read_palette(file: &SharedFile, bytes: usize) -> Result<Vec<[u8; 3]>, Error> {
    /// More can't be told apart by eight bits.
    const MOST: usize = 256;
    let colours = bytes / 3;
    if colours == 0 || colours > MOST {
        return Err(Error::damaged(file.path(), format!("its map of colours has {bytes} bytes")));
    }
    let mut planes = vec![0; 3 * colours];
    file.read_at(HEADER, &mut planes)?;
    Ok((0..colours).map(|i| [planes[i], planes[colours + i], planes[2 * colours + i]]).collect())
}

/// Decodes row by row.
struct Rows {
    file: Arc<SharedFile>,
    header: Header,
}

impl Decode for Rows {
    fn decode(&self, sink: &mut Sink<'_>) -> Result<(), Error> {
        let Header { width, height, depth, kind, ref palette, start } = self.header;
        let mut view = self.file.view();
        view.seek(SeekFrom::Start(start)).map_err(|e| Error::io(self.file.path(), e))?;
        let mut stored = Stored { bytes: BufReader::new(view), encoded: kind == kind::ENCODED, run: (0, 0) };
        let mut row = vec![0; self.header.row_bytes()];
        let mut samples = Vec::with_capacity(width * self.header.channels());
        for _ in 0..height {
            stored.fill(&mut row).map_err(|e| match e.kind() {
                ErrorKind::UnexpectedEof => cut_off(&self.file),
                _ => Error::io(self.file.path(), e),
            })?;
            samples.clear();
            match depth {
                24 if kind == kind::RGB => samples.extend_from_slice(&row[..3 * width]),
                24 => {
                    samples.extend(row[..3 * width].chunks_exact(3).flat_map(|bgr| [bgr[2], bgr[1], bgr[0]]))
                }
                _ => {
                    let bit = |x: usize| row[x / 8] >> (7 - x % 8) & 1;
                    let sample = |x: usize| if depth == 1 { bit(x) } else { row[x] };
                    if palette.is_empty() {
                        let scale = if depth == 1 { u8::MAX } else { 1 };
                        samples.extend((0..width).map(|x| sample(x) * scale));
                    } else {
                        let colour = |x| palette.get(usize::from(sample(x))).copied().unwrap_or_default();
                        samples.extend((0..width).flat_map(colour));
                    }
                }
            }
            sink(&samples)?;
        }
        Ok(())
    }

    fn working_bytes(&self) -> u64 {
        (self.header.row_bytes() as u64)
            .saturating_add((self.header.width as u64).saturating_mul(self.header.channels() as u64))
    }
}

/// The bytes of all rows.
struct Stored {
    bytes: BufReader<FileView>,
    encoded: bool,
    /// How often a byte still comes, and the byte.
    run: (usize, u8),
}

impl Stored {
    fn fill(&mut self, row: &mut [u8]) -> std::io::Result<()> {
        if !self.encoded {
            return self.bytes.read_exact(row);
        }
        for byte in row {
            if self.run.0 == 0 {
                self.run = self.next_run()?;
            }
            self.run.0 -= 1;
            *byte = self.run.1;
        }
        Ok(())
    }

    /// A byte stands for itself but this one, which is followed by the number of repetitions and, unless there
    /// are none, the byte repeated.
    fn next_run(&mut self) -> std::io::Result<(usize, u8)> {
        const ESCAPE: u8 = 0x80;
        Ok(match self.next()? {
            ESCAPE => match self.next()? {
                0 => (1, ESCAPE),
                repetitions => (usize::from(repetitions) + 1, self.next()?),
            },
            byte => (1, byte),
        })
    }

    fn next(&mut self) -> std::io::Result<u8> {
        let mut byte = [0];
        self.bytes.read_exact(&mut byte)?;
        Ok(byte[0])
    }
}
