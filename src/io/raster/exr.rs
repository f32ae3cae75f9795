//! OpenEXR pictures: all channels of the first part at full resolution; half and single floats become float32.
//!
//! Channels come as red, green, blue and alpha, others by name.

use std::collections::HashSet;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use exr::block::chunk::TileCoordinates;
use exr::block::lines::LineRef;
use exr::block::reader::{ChunksReader, Reader};
use exr::block::{self, BlockIndex};
use exr::error::Error as ExrError;
use exr::math::Vec2;
use exr::meta::attribute::{ChannelDescription, SampleType};
use exr::meta::header::Header;
use exr::meta::{BlockDescription, MetaData};
use exr::prelude::f16;

use crate::data::DType;
use crate::io::decoded::{Decode, Sink};
use crate::io::error::Error;
use crate::io::file::{FileView, SharedFile};
use crate::io::format::{Format, ImageReader, OpenOptions};

use super::{Picture, cut_off};

/// OpenEXR pictures.
pub(in crate::io) struct Exr;

/// Most bytes that a byte of a file may stand for. PIZ packs best: of a picture of one value a byte stands for some
/// hundreds; this leaves room.
const RATIO: u64 = 1 << 14;
/// Tiles of so many bytes may be much larger than the picture.
const HARMLESS: u64 = 1 << 26;

impl Format for Exr {
    fn name(&self) -> &'static str {
        "exr"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["exr"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(b"\x76\x2f\x31\x01")
    }

    fn open(
        &self,
        path: &Path,
        _internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        let file = SharedFile::open(path)?;
        let reader = reader(&file)?;
        let header = first_part(&file, reader.headers())?;
        let channels = &header.channels.list;
        if header.deep {
            return Err(unsupported(&file, "deep samples"));
        }
        let is_integer = channels.iter().all(|channel| channel.sample_type == SampleType::U32);
        let picture = Picture {
            width: header.layer_size.width(),
            height: header.layer_size.height(),
            channels: channels.len(),
            dtype: if is_integer { DType::U32 } else { DType::F32 },
        };
        picture.check_claim(&file, RATIO)?;
        // The library makes room for a block before it reads one, of any part.
        let largest = reader.headers().iter().map(block_bytes).max().unwrap_or_default();
        if largest > HARMLESS && largest / RATIO > file.len() {
            return Err(Error::damaged(path, "it claims blocks larger than it can hold"));
        }
        // A block as stored and as decoded.
        let block = block_bytes(header);
        let working = picture.bytes().saturating_add(block).saturating_add(block.min(file.len()));
        picture.open(&file, RATIO, Whole { file: Arc::clone(&file), picture, working }, options)
    }
}

fn reader(file: &Arc<SharedFile>) -> Result<Reader<BufReader<FileView>>, Error> {
    block::read(BufReader::new(file.view()), false).map_err(|e| refused(file, e))
}

fn first_part<'a>(file: &SharedFile, headers: &'a [Header]) -> Result<&'a Header, Error> {
    headers.first().ok_or_else(|| Error::damaged(file.path(), "it holds no picture"))
}

/// Bytes of the largest block.
fn block_bytes(header: &Header) -> u64 {
    let Vec2(width, mut height) = header.max_block_pixel_size();
    if header.blocks == BlockDescription::ScanLines {
        height = height.min(header.layer_size.height());
    }
    let pixels = (width as u64).saturating_mul(height as u64);
    pixels.saturating_mul(header.channels.bytes_per_pixel as u64)
}

fn refused(file: &SharedFile, error: ExrError) -> Error {
    /// What the library says of a file that ends too early.
    const MISSING: &str = "reference to missing bytes";
    match error {
        ExrError::Invalid(what) if what == MISSING => cut_off(file),
        ExrError::NotSupported(what) => unsupported(file, &what),
        ExrError::Io(e) => Error::io(file.path(), e),
        e => Error::damaged(file.path(), e.to_string()),
    }
}

fn unsupported(file: &SharedFile, what: &str) -> Error {
    let what = format!("an OpenEXR file of this kind ({what})");
    Error::unsupported(file.path(), what, "convert it to TIFF or HDF5")
}

/// The place among the channels of the picture for each one of the file.
fn places(channels: &[ChannelDescription]) -> Vec<usize> {
    let key = |channel: &ChannelDescription| {
        let name = channel.name.to_string();
        let (layer, own) = name.rsplit_once('.').unwrap_or(("", &name));
        let colour = ["R", "G", "B", "A"].iter().position(|&colour| colour == own);
        (layer.to_owned(), colour.unwrap_or(usize::MAX), own.to_owned())
    };
    let mut order: Vec<usize> = (0..channels.len()).collect();
    order.sort_by_key(|&i| key(&channels[i]));
    let mut places = vec![0; order.len()];
    for (place, &channel) in order.iter().enumerate() {
        places[channel] = place;
    }
    places
}

/// Decodes the picture whole, since its blocks may come in any order.
struct Whole {
    file: Arc<SharedFile>,
    picture: Picture,
    working: u64,
}

impl Decode for Whole {
    fn decode(&self, sink: &mut Sink<'_>) -> Result<(), Error> {
        let refused = |e| refused(&self.file, e);
        let reader = reader(&self.file)?;
        let channels = first_part(&self.file, reader.headers())?.channels.clone();
        let places = places(&channels.list);
        let is_shown = |_: &MetaData, _: TileCoordinates, block: BlockIndex| {
            block.layer == 0 && block.level == Vec2(0, 0)
        };
        let blocks = reader.filter_chunks(false, is_shown).map_err(refused)?;
        let mut blocks = blocks.sequential_decompressor(false);
        let mut samples = vec![0; usize::try_from(self.picture.bytes()).unwrap_or(usize::MAX)];
        let mut count = 0;
        let mut places_seen = HashSet::new();
        while let Some(block) = blocks.decompress_next_block() {
            let block = block.map_err(refused)?;
            let Vec2(x, y) = block.index.pixel_position;
            // The table of blocks may lead to those of another part or level, or twice to one.
            if block.index.layer != 0 || block.index.level != Vec2(0, 0) || !places_seen.insert((x, y)) {
                return Err(Error::damaged(self.file.path(), "its table of blocks is wrong"));
            }
            for line in block.lines(&channels) {
                let channel = line.location.channel;
                let sample_type = channels.list[channel].sample_type;
                count += self.place(&line, sample_type, places[channel], &mut samples);
            }
        }
        if count * size_of::<f32>() != samples.len() {
            return Err(Error::damaged(self.file.path(), "some of its blocks are missing"));
        }
        sink(&samples)
    }

    fn working_bytes(&self) -> u64 {
        self.working
    }
}

impl Whole {
    /// Puts a row of samples of one channel to its place; returns how many there was a place for.
    fn place(
        &self,
        line: &LineRef<'_>,
        sample_type: SampleType,
        channel: usize,
        picture: &mut [u8],
    ) -> usize {
        let Picture { width, channels, dtype, .. } = self.picture;
        let Vec2(x, y) = line.location.position;
        let sample = |bytes: &[u8]| -> [u8; 4] {
            let four = || [bytes[0], bytes[1], bytes[2], bytes[3]];
            match sample_type {
                SampleType::F16 => f16::from_ne_bytes([bytes[0], bytes[1]]).to_f32().to_ne_bytes(),
                SampleType::U32 if dtype == DType::F32 => (u32::from_ne_bytes(four()) as f32).to_ne_bytes(),
                SampleType::U32 | SampleType::F32 => four(),
            }
        };
        let first = (y * width + x) * channels + channel;
        let targets = picture.chunks_exact_mut(size_of::<f32>()).skip(first).step_by(channels);
        let stored = line.value.chunks_exact(sample_type.bytes_per_sample());
        targets.zip(stored).map(|(target, bytes)| target.copy_from_slice(&sample(bytes))).count()
    }
}
