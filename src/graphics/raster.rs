//! RGBA rectangles to PNG and zlib, in the smallest form that keeps every pixel.

use std::collections::HashMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// How hard to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// For links faster than the processor: 0.5 to 5 ms for 800x600 gray pixels.
    Fast,
    /// A fifth to a quarter fewer bytes for ten times the time.
    Small,
}

/// Pixels up to which both forms of a rectangle are made and the smaller one is sent.
const TRY_BOTH: usize = 16_384;

/// An encoded rectangle and the kitty keys that name its form.
pub(crate) struct Payload {
    /// `f=100` or `f=32,o=z`.
    pub keys: &'static str,
    /// The bytes, before base64.
    pub data: Vec<u8>,
}

/// The smaller of PNG and zlib-packed RGBA; large rectangles always become PNG.
pub(crate) fn smallest(pixels: &[[u8; 4]], width: usize, effort: Effort) -> Payload {
    let as_png = || Payload { keys: "f=100", data: png(pixels, width, effort) };
    if pixels.len() > TRY_BOTH {
        return as_png();
    }
    let packed = zlib(pixels.as_flattened());
    let png = as_png();
    if png.data.len() < packed.len() { png } else { Payload { keys: "f=32,o=z", data: packed } }
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// A PNG of the pixels: gray where all are gray, indexed where at most 256 colours occur, else RGB or
/// RGBA.
pub(crate) fn png(pixels: &[[u8; 4]], width: usize, effort: Effort) -> Vec<u8> {
    let opaque = pixels.iter().all(|p| p[3] == 255);
    let gray = pixels.iter().all(|p| p[0] == p[1] && p[1] == p[2]);
    let palette = palette(pixels);
    let few = palette.as_ref().is_some_and(|p| p.colors.len() <= 16);
    match palette {
        Some(palette) if few || !gray => indexed(pixels, width, &palette, effort),
        _ if gray && opaque => {
            let data: Vec<u8> = pixels.iter().map(|p| p[0]).collect();
            write_png(&data, width, pixels.len(), png::ColorType::Grayscale, None, effort)
        }
        _ if gray => {
            let data: Vec<u8> = pixels.iter().flat_map(|p| [p[0], p[3]]).collect();
            write_png(&data, width, pixels.len(), png::ColorType::GrayscaleAlpha, None, effort)
        }
        _ if opaque => {
            let data: Vec<u8> = pixels.iter().flat_map(|p| [p[0], p[1], p[2]]).collect();
            write_png(&data, width, pixels.len(), png::ColorType::Rgb, None, effort)
        }
        _ => write_png(pixels.as_flattened(), width, pixels.len(), png::ColorType::Rgba, None, effort),
    }
}

/// A JPEG of opaque pixels, gray where all are gray; `quality` from 1 to 100.
pub(crate) fn jpeg(pixels: &[[u8; 4]], width: usize, quality: u8) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, quality);
    let (columns, rows) = (width as u32, (pixels.len() / width.max(1)) as u32);
    // Writing to memory cannot fail, and the data has the size that is stated.
    let _ = if pixels.iter().all(|p| p[0] == p[1] && p[1] == p[2]) {
        let data: Vec<u8> = pixels.iter().map(|p| p[0]).collect();
        encoder.encode(&data, columns, rows, image::ExtendedColorType::L8)
    } else {
        let data: Vec<u8> = pixels.iter().flat_map(|p| [p[0], p[1], p[2]]).collect();
        encoder.encode(&data, columns, rows, image::ExtendedColorType::Rgb8)
    };
    out
}

/// Whether at most 256 distinct colours occur.
pub(crate) fn has_few_colors(pixels: &[[u8; 4]]) -> bool {
    palette(pixels).is_some()
}

struct Palette {
    colors: Vec<[u8; 4]>,
    index: HashMap<[u8; 4], u8>,
}

/// The distinct colours, translucent ones first (their alphas are stored, the rest is implied), or none
/// when they are more than 256.
fn palette(pixels: &[[u8; 4]]) -> Option<Palette> {
    let mut index = HashMap::new();
    let mut last = None;
    for pixel in pixels {
        if last != Some(pixel) {
            index.insert(*pixel, 0_u8);
            last = Some(pixel);
            if index.len() > 256 {
                return None;
            }
        }
    }
    let mut colors: Vec<[u8; 4]> = index.keys().copied().collect();
    colors.sort_by_key(|c| (c[3] == 255, *c));
    for (i, color) in colors.iter().enumerate() {
        index.insert(*color, i as u8);
    }
    Some(Palette { colors, index })
}

fn indexed(pixels: &[[u8; 4]], width: usize, palette: &Palette, effort: Effort) -> Vec<u8> {
    let depth = match palette.colors.len() {
        0..=2 => png::BitDepth::One,
        3..=4 => png::BitDepth::Two,
        5..=16 => png::BitDepth::Four,
        _ => png::BitDepth::Eight,
    };
    let bits = depth as usize;
    let mut data = Vec::with_capacity(pixels.len() * bits / 8 + 1);
    let mut last = ([0; 4], 0);
    let mut known = false;
    for row in pixels.chunks(width.max(1)) {
        let mut byte = 0_u8;
        let mut filled = 0;
        for pixel in row {
            if !known || last.0 != *pixel {
                last = (*pixel, palette.index.get(pixel).copied().unwrap_or(0));
                known = true;
            }
            // Eight bits fill a byte whole; shifting a u8 by eight is not defined.
            byte = if bits == 8 { last.1 } else { byte << bits | last.1 };
            filled += bits;
            if filled == 8 {
                data.push(byte);
                (byte, filled) = (0, 0);
            }
        }
        if filled > 0 {
            data.push(byte << (8 - filled));
        }
    }
    write_png(&data, width, pixels.len(), png::ColorType::Indexed, Some((depth, palette)), effort)
}

fn write_png(
    data: &[u8],
    width: usize,
    pixels: usize,
    color: png::ColorType,
    palette: Option<(png::BitDepth, &Palette)>,
    effort: Effort,
) -> Vec<u8> {
    let mut out = Vec::new();
    let height = pixels / width.max(1);
    let mut encoder = png::Encoder::new(&mut out, width as u32, height as u32);
    encoder.set_color(color);
    encoder.set_compression(match effort {
        Effort::Fast => png::Compression::Fast,
        Effort::Small => png::Compression::Balanced,
    });
    if let Some((depth, palette)) = palette {
        encoder.set_depth(depth);
        encoder.set_compression(png::Compression::Balanced);
        // Neighbouring indices are not neighbouring colours: filters only hurt.
        encoder.set_filter(png::Filter::NoFilter);
        encoder.set_palette(palette.colors.iter().flat_map(|c| [c[0], c[1], c[2]]).collect::<Vec<u8>>());
        let alphas: Vec<u8> = palette.colors.iter().map(|c| c[3]).take_while(|a| *a < 255).collect();
        if !alphas.is_empty() {
            encoder.set_trns(alphas);
        }
    }
    // Writing to memory cannot fail, and the data has the size that the header states.
    if let Ok(mut writer) = encoder.write_header() {
        let _ = writer.write_image_data(data);
        let _ = writer.finish();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(data: &[u8]) -> Vec<[u8; 4]> {
        let image = image::load_from_memory(data).expect("what was written can be read");
        image.to_rgba8().pixels().map(|p| p.0).collect()
    }

    proptest! {
        #[test]
        fn every_form_keeps_every_pixel(width in 1_usize..20, height in 1_usize..20, gray: bool, opaque: bool,
                                        colors in 1_usize..400, seed: u32) {
            let mut state = seed | 1;
            let mut next = || { state ^= state << 13; state ^= state >> 17; state ^= state << 5; state };
            let table: Vec<[u8; 4]> = (0..colors).map(|_| {
                let [r, g, b, a] = next().to_le_bytes();
                let a = if opaque { 255 } else { a };
                if gray { [r, r, r, a] } else { [r, g, b, a] }
            }).collect();
            let pixels: Vec<[u8; 4]> = (0..width * height).map(|_| table[next() as usize % colors]).collect();
            for effort in [Effort::Fast, Effort::Small] {
                prop_assert_eq!(&decode(&png(&pixels, width, effort)), &pixels);
            }
        }
    }
}
