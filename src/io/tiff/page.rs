//! One page of a TIFF file: its samples, and how they are cut into strips or tiles.

use std::collections::HashSet;

use tiff::ColorType;
use tiff::decoder::ChunkType;
use tiff::tags::{CompressionMethod, PlanarConfiguration, Tag};

use crate::data::DType;
use crate::io::error::Error;
use crate::io::samples::dtype_of;

use super::ifd::{Directories, HEIGHT, IMAGE_DEPTH, PALETTE, PageDecoder, WIDTH, YCBCR, refused};

/// What must agree between the pages of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageKind {
    /// Columns.
    pub(super) width: usize,
    /// Rows.
    pub(super) height: usize,
    /// Samples per pixel.
    pub(super) samples: usize,
    /// Whether each sample has a plane of its own.
    pub(super) planar: bool,
    /// Bits per sample.
    pub(super) bits: usize,
    /// Sample type as read; samples of fewer than 8 bits become `U8`.
    pub(super) dtype: DType,
}

impl PageKind {
    /// Extents of a page's array: `[sample, ] y, x [, sample]`, without the sample axis for one sample.
    pub(super) fn shape(&self) -> Vec<usize> {
        match (self.samples, self.planar) {
            (1, _) => vec![self.height, self.width],
            (n, true) => vec![n, self.height, self.width],
            (n, false) => vec![self.height, self.width, n],
        }
    }

    /// Axis keys of [`PageKind::shape`].
    pub(super) fn axes(&self) -> &'static str {
        match (self.samples, self.planar) {
            (1, _) => "yx",
            (_, true) => "cyx",
            (_, false) => "yxc",
        }
    }

    /// Samples per pixel within one strip or tile.
    pub(super) fn interleaved(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }
}

/// A page.
#[derive(Clone, Debug)]
pub(super) struct Page {
    /// Offset of its directory.
    pub(super) directory: u64,
    pub(super) kind: PageKind,
    /// Extents of a strip or tile, `y, x`.
    pub(super) chunk: (usize, usize),
    /// Whether it is cut into tiles.
    pub(super) tiled: bool,
    /// Whether samples are JPEG-coded luminance and colour differences.
    pub(super) ycbcr: bool,
    /// Where the samples begin when they lie dense and uncompressed.
    pub(super) raw: Option<u64>,
    /// Strips or tiles that take no bytes in the file, which stands for zeros.
    pub(super) empty: HashSet<usize>,
    /// Whether samples are places in a table of colours.
    pub(super) palette: bool,
    /// Whether this is a smaller copy of another page.
    pub(super) reduced: bool,
}

const NEW_SUBFILE_TYPE_REDUCED: u32 = 1;

impl Page {
    /// Reads the directory of page `number` (from 0) and checks that its data are in the file.
    pub(super) fn read(directories: &Directories, number: usize) -> Result<(Page, PageDecoder), Error> {
        let file = &directories.file;
        let directory = directories.offsets[number];
        let tag = |tag| Ok::<_, Error>(directories.find(directory, tag)?.map(|stored| stored.value as usize));
        if let Some(depth) = tag(IMAGE_DEPTH)?.filter(|&depth| depth > 1) {
            let what = format!("a page that is a volume of {depth} slices");
            return Err(Error::unsupported(file.path(), what, "save every slice as a page"));
        }
        let (mut decoder, photometric) = directories.decoder(directory, false)?;
        let refused = |e| refused(file, &e);
        let (Some(width), Some(height)) = (tag(WIDTH)?, tag(HEIGHT)?) else {
            return Err(Error::damaged(file.path(), format!("page {} has no width or height", number + 1)));
        };
        let samples: usize =
            decoder.find_tag_unsigned(Tag::SamplesPerPixel).map_err(refused)?.unwrap_or(1_u16).into();
        let planar = decoder.find_tag_unsigned::<u16>(Tag::PlanarConfiguration).map_err(refused)?
            == Some(PlanarConfiguration::Planar.to_u16())
            && samples > 1;
        let compression = decoder
            .find_tag_unsigned::<u16>(Tag::Compression)
            .map_err(refused)?
            .map_or(CompressionMethod::None, CompressionMethod::from_u16_exhaustive);
        check_compression(directories, compression)?;
        if compression == CompressionMethod::ModernJPEG && photometric == YCBCR {
            decoder = directories.decoder(directory, true)?.0;
        }
        let (dtype, bits) = sample_type(directories, &mut decoder)?;
        let kind = PageKind { width, height, samples, planar, bits, dtype };
        let (chunk_width, chunk_height) = decoder.chunk_dimensions();
        let tiled = decoder.get_chunk_type() == ChunkType::Tile;
        let chunk = if tiled {
            (chunk_height as usize, chunk_width as usize)
        } else {
            ((chunk_height as usize).min(kind.height), kind.width)
        };
        let (offsets, sizes) = if tiled {
            (Tag::TileOffsets, Tag::TileByteCounts)
        } else {
            (Tag::StripOffsets, Tag::StripByteCounts)
        };
        let offsets = decoder.get_tag_u64_vec(offsets).map_err(refused)?;
        let sizes = decoder.get_tag_u64_vec(sizes).map_err(refused)?;
        let unit = if tiled { "tile" } else { "strip" };
        for (i, (&offset, &size)) in offsets.iter().zip(&sizes).enumerate() {
            file.check_range(offset, size, || {
                let (page, pages) = (number + 1, directories.offsets.len());
                format!("{unit} {} of {} of page {page} of {pages}", i + 1, offsets.len())
            })?;
        }
        check_sizes(directories, &kind, chunk, compression, &sizes)?;
        let reduced = decoder
            .find_tag_unsigned::<u32>(Tag::NewSubfileType)
            .map_err(refused)?
            .is_some_and(|kind| kind & NEW_SUBFILE_TYPE_REDUCED != 0);
        let raw = raw_start(&kind, chunk, tiled, compression, &offsets, &sizes, &mut decoder);
        let ycbcr = compression == CompressionMethod::ModernJPEG && photometric == YCBCR && samples == 3;
        let empty = (0..sizes.len()).filter(|&i| sizes[i] == 0).collect();
        let palette = photometric == PALETTE;
        Ok((Page { directory, kind, chunk, tiled, ycbcr, raw, empty, palette, reduced }, decoder))
    }
}

/// Refuses compressions that can't be undone, by the names that people know.
fn check_compression(directories: &Directories, compression: CompressionMethod) -> Result<(), Error> {
    let name = match compression.to_u16() {
        1 | 4 | 5 | 7 | 8 | 32773 | 32946 | 50000 => return Ok(()),
        2 | 3 => "CCITT".to_owned(),
        6 => "old-style JPEG".to_owned(),
        34661 => "JBIG".to_owned(),
        34712 | 33003 | 33004 | 33005 => "JPEG 2000".to_owned(),
        34887 => "LERC".to_owned(),
        34925 => "LZMA".to_owned(),
        50001 => "WebP".to_owned(),
        50002 | 52546 => "JPEG XL".to_owned(),
        other => format!("number {other}"),
    };
    Err(Error::unsupported(
        directories.file.path(),
        format!("compression by {name}"),
        "save it without compression or with zlib, LZW, zstd or JPEG",
    ))
}

fn sample_type(directories: &Directories, decoder: &mut PageDecoder) -> Result<(DType, usize), Error> {
    let file = &directories.file;
    let color = decoder.colortype().map_err(|e| refused(file, &e))?;
    let bits = match color {
        ColorType::Multiband { bit_depth, .. } => bit_depth,
        color => color.bit_depth(),
    };
    let format = decoder
        .find_tag_unsigned_vec::<u16>(Tag::SampleFormat)
        .map_err(|e| refused(file, &e))?
        .and_then(|formats| formats.first().copied())
        .unwrap_or(1);
    let (float, signed) = match format {
        1 | 4 => (false, false),
        2 => (false, true),
        3 => (true, true),
        other => {
            let what = format!("the sample format {other} (complex numbers)");
            return Err(Error::unsupported(file.path(), what, "save it as integers or float32"));
        }
    };
    let bits = usize::from(bits);
    let dtype = match bits {
        1 | 2 | 4 if !float && !signed => Some(DType::U8),
        bits => dtype_of(float, signed, bits),
    };
    let dtype = dtype.ok_or_else(|| {
        let kind = if float { "floating-point" } else { "integer" };
        let what = format!("a sample of {bits} bits ({kind})");
        Error::unsupported(file.path(), what, "save it with 8 or 16 bits per sample, or as float32")
    })?;
    Ok((dtype, bits))
}

/// Refuses strips that claim more samples than their bytes can hold.
fn check_sizes(
    directories: &Directories,
    kind: &PageKind,
    chunk: (usize, usize),
    compression: CompressionMethod,
    sizes: &[u64],
) -> Result<(), Error> {
    // The most bytes that one compressed byte can stand for.
    let ratio: u64 = match compression {
        CompressionMethod::None => 1,
        CompressionMethod::PackBits => 64,
        CompressionMethod::LZW => 4096,
        CompressionMethod::Deflate | CompressionMethod::OldDeflate => 1100,
        CompressionMethod::ModernJPEG => 8192,
        _ => 1 << 20,
    };
    let row_bits = (chunk.1 * kind.interleaved()) as u128 * kind.bits as u128;
    // The last strip may be shorter.
    let last_rows = match kind.height % chunk.0 {
        0 => chunk.0,
        rest if chunk.1 == kind.width => rest,
        _ => chunk.0,
    };
    let full = row_bits.div_ceil(8) * chunk.0 as u128;
    let down = kind.height.div_ceil(chunk.0);
    let across = kind.width.div_ceil(chunk.1);
    for (i, &size) in sizes.iter().enumerate() {
        let rows = if (i / across) % down == down - 1 { last_rows } else { chunk.0 };
        let need = row_bits.div_ceil(8) * rows as u128;
        // Strips of no bytes are all zero.
        if size > 0 && need > u128::from(size) * u128::from(ratio) {
            let what = format!("a strip or tile of {size} bytes claims {need} bytes of samples");
            return Err(Error::damaged(directories.file.path(), what));
        }
    }
    if usize::try_from(full).is_err() {
        return Err(Error::damaged(directories.file.path(), format!("strips or tiles of {full} bytes")));
    }
    Ok(())
}

/// Where the samples of a page begin when they lie in one dense, uncompressed run.
fn raw_start(
    kind: &PageKind,
    chunk: (usize, usize),
    tiled: bool,
    compression: CompressionMethod,
    offsets: &[u64],
    sizes: &[u64],
    decoder: &mut PageDecoder,
) -> Option<u64> {
    let predicted = decoder.find_tag_unsigned::<u16>(Tag::Predictor).ok()?.is_some_and(|p| p != 1);
    if tiled || compression != CompressionMethod::None || predicted || kind.bits < 8 {
        return None;
    }
    let row = kind.width * kind.interleaved() * kind.dtype.size();
    let down = kind.height.div_ceil(chunk.0);
    let rows = |i: usize| chunk.0.min(kind.height - (i % down) * chunk.0);
    let start = *offsets.first()?;
    let mut next = start;
    for (i, (&offset, &size)) in offsets.iter().zip(sizes).enumerate() {
        let need = (rows(i) * row) as u64;
        if offset != next || size < need {
            return None;
        }
        next = offset + need;
    }
    Some(start)
}
