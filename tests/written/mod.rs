//! Decoders of what the program writes and does not read, after the formats' own descriptions.

#![allow(dead_code, clippy::panic)]

use std::path::Path;

use brushwood::data::Volume;
use ndarray::Array5;

/// Whether the program itself can't read files of this extension.
pub fn is_only_written(extension: &str) -> bool {
    matches!(extension, "gif" | "hdr" | "pbm" | "pgm" | "pnm" | "ppm" | "ras")
}

/// The image at `path` (`tzyxc`, of one frame and slice), by its extension.
pub fn read(path: &Path) -> Volume {
    let bytes = || std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("gif") => gif(path),
        Some("hdr") => hdr(path),
        Some("pbm" | "pgm" | "pnm" | "ppm") => netpbm(&bytes()),
        Some("ras") => sun_raster(&bytes()),
        other => panic!("no decoder for {other:?}"),
    }
}

fn plane<T>(width: usize, height: usize, channels: usize, samples: Vec<T>) -> Array5<T> {
    Array5::from_shape_vec([1, 1, height, width, channels], samples).expect("as many samples as pixels")
}

fn netpbm(bytes: &[u8]) -> Volume {
    let mut rest = bytes;
    let mut word = || {
        let end = rest.iter().position(u8::is_ascii_whitespace).expect("a word");
        let word = std::str::from_utf8(&rest[..end]).expect("text");
        rest = &rest[end + 1..];
        word
    };
    let channels = match word() {
        "P5" => 1,
        "P6" => 3,
        other => panic!("{other} is neither a graymap nor a pixmap"),
    };
    let [width, height, highest] = [(); 3].map(|()| word().parse::<usize>().expect("a number"));
    match highest {
        255 => plane(width, height, channels, rest.to_vec()).into(),
        65535 => {
            let samples = rest.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            plane(width, height, channels, samples.collect()).into()
        }
        other => panic!("a highest value of {other}"),
    }
}

fn sun_raster(bytes: &[u8]) -> Volume {
    let word =
        |i: usize| u32::from_be_bytes(bytes[4 * i..4 * i + 4].try_into().expect("four bytes")) as usize;
    assert_eq!(word(0), 0x59a6_6a95);
    let (width, height, channels) = (word(1), word(2), word(3) / 8);
    assert_eq!((word(5), word(6), word(7)), (if channels == 1 { 1 } else { 3 }, 0, 0), "no map of colours");
    let row = (width * channels).next_multiple_of(2);
    assert_eq!((word(4), bytes.len()), (row * height, 32 + row * height));
    let samples = bytes[32..].chunks_exact(row).flat_map(|row| &row[..width * channels]).copied();
    plane(width, height, channels, samples.collect()).into()
}

/// As gray when every colour is.
fn gif(path: &Path) -> Volume {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(std::fs::File::open(path).expect("a file")).expect("a GIF header");
    let (width, height) = (usize::from(decoder.width()), usize::from(decoder.height()));
    let frame = decoder.read_next_frame().expect("sound").expect("a frame").clone();
    assert!(decoder.read_next_frame().expect("sound").is_none(), "a single frame");
    let pixels = frame.buffer.chunks_exact(4);
    if pixels.clone().all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]) {
        return plane(width, height, 1, pixels.map(|pixel| pixel[0]).collect()).into();
    }
    plane(width, height, 3, pixels.flat_map(|pixel| &pixel[..3]).copied().collect()).into()
}

fn hdr(path: &Path) -> Volume {
    let file = std::io::BufReader::new(std::fs::File::open(path).expect("a file"));
    let decoder = image::codecs::hdr::HdrDecoder::new(file).expect("an HDR header");
    let picture = image::DynamicImage::from_decoder(decoder).expect("sound").to_rgb32f();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    plane(width, height, 3, picture.into_raw()).into()
}
