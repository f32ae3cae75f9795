//! Decoders of some of what the program writes, after the formats' own descriptions: nothing of its own reading.

#![allow(dead_code, clippy::panic)]

use std::io::Read;
use std::path::Path;

use brushwood::data::volume::Sample;
use brushwood::data::{Axis, Volume};
use ndarray::{Array5, ArrayD, IxDyn};
use serde_json::Value;

/// Whether files of this extension are decoded here.
pub fn is_decoded_here(extension: &str) -> bool {
    matches!(extension, "gif" | "hdr" | "pbm" | "pgm" | "pnm" | "ppm" | "ras" | "n5" | "zarr")
}

/// The image at `path` (`tzyxc`, pictures of one frame and slice), by its extension: of an N5 the dataset
/// `exported_data`, of an OME-Zarr the first level.
pub fn read(path: &Path) -> Volume {
    let bytes = || std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("gif") => gif(path),
        Some("hdr") => hdr(path),
        Some("pbm" | "pgm" | "pnm" | "ppm") => netpbm(&bytes()),
        Some("ras") => sun_raster(&bytes()),
        Some("n5") => n5(path, "exported_data"),
        Some("zarr") => zarr(path, 0),
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

/// The JSON in a file.
pub fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn numbers(value: &Value) -> Vec<usize> {
    value.as_array().expect("a list").iter().map(|n| n.as_u64().expect("a number") as usize).collect()
}

/// Extents and samples of the chunk at a place.
type Chunks<'a> = &'a dyn Fn(&[usize]) -> (Vec<usize>, Vec<u8>);

/// An array whose axes are `axes`, put together of chunks: `chunk` gives extents and samples of the one at a
/// place, `big` for those that begin with the most significant byte.
fn gathered<T: Sample + bytemuck::Pod>(
    axes: &str,
    (shape, chunk_shape): (&[usize], &[usize]),
    big: bool,
    chunk: Chunks<'_>,
) -> Volume {
    let mut array = ArrayD::from_elem(IxDyn(shape), T::from_f64(0.0));
    let counts: Vec<usize> = shape.iter().zip(chunk_shape).map(|(n, c)| n.div_ceil(*c)).collect();
    for place in ndarray::indices(IxDyn(&counts)) {
        let place: Vec<usize> = (0..counts.len()).map(|i| place[i]).collect();
        let (extents, mut bytes) = chunk(&place);
        if big {
            bytes.chunks_exact_mut(size_of::<T>()).for_each(<[u8]>::reverse);
        }
        let samples: Vec<T> = bytemuck::pod_collect_to_vec(&bytes);
        let samples =
            ArrayD::from_shape_vec(IxDyn(&extents), samples).expect("as many samples as its extents say");
        for (index, &sample) in samples.indexed_iter() {
            let at: Vec<usize> = (0..counts.len()).map(|i| place[i] * chunk_shape[i] + index[i]).collect();
            if at.iter().zip(shape).all(|(i, n)| i < n) {
                array[IxDyn(&at)] = sample;
            }
        }
    }
    let order: Vec<Axis> = axes.chars().map(|key| Axis::from_key(key).expect("an axis")).collect();
    let mut extents = [1; 5];
    order.iter().zip(shape).for_each(|(&axis, &extent)| extents[axis as usize] = extent);
    let canonical = Array5::from_shape_fn(extents, |(t, z, y, x, c)| {
        let at: Vec<usize> = order.iter().map(|&axis| [t, z, y, x, c][axis as usize]).collect();
        array[IxDyn(&at)]
    });
    T::volume(canonical)
}

/// Calls [`gathered`] with the type of NumPy's name `dtype`.
macro_rules! of_type {
    ($dtype:expr, $($arguments:expr),*) => {
        match $dtype {
            "uint8" | "|u1" => gathered::<u8>($($arguments),*),
            "uint16" | "<u2" => gathered::<u16>($($arguments),*),
            "uint32" | "<u4" => gathered::<u32>($($arguments),*),
            "uint64" | "<u8" => gathered::<u64>($($arguments),*),
            "int8" | "|i1" => gathered::<i8>($($arguments),*),
            "int16" | "<i2" => gathered::<i16>($($arguments),*),
            "int32" | "<i4" => gathered::<i32>($($arguments),*),
            "int64" | "<i8" => gathered::<i64>($($arguments),*),
            "float32" | "<f4" => gathered::<f32>($($arguments),*),
            "float64" | "<f8" => gathered::<f64>($($arguments),*),
            other => panic!("samples of {other}"),
        }
    };
}

fn unzipped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).expect("gzip");
    out
}

/// The dataset `name` of an N5: places and extents begin with the axis that is dense in the file.
pub fn n5(path: &Path, name: &str) -> Volume {
    assert!(json(&path.join("attributes.json"))["n5"].is_string(), "its version");
    let folder = path.join(name);
    let attributes = json(&folder.join("attributes.json"));
    let reversed = |key: &str| numbers(&attributes[key]).into_iter().rev().collect::<Vec<_>>();
    let axes: String = attributes["axes"].as_str().expect("axes").chars().rev().collect();
    let compressed = match attributes["compression"]["type"].as_str().expect("a kind of compression") {
        "raw" => false,
        "gzip" => true,
        other => panic!("compression by {other}"),
    };
    let chunk = |place: &[usize]| {
        let path = place.iter().rev().fold(folder.clone(), |path, n| path.join(n.to_string()));
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(bytes[..4], [0, 0, 0, place.len() as u8], "the kind of chunk, and how many axes");
        let (header, samples) = bytes[4..].split_at(4 * place.len());
        let extents = header.chunks_exact(4).rev();
        let extents = extents.map(|n| u32::from_be_bytes(n.try_into().expect("four bytes")) as usize);
        (extents.collect(), if compressed { unzipped(samples) } else { samples.to_vec() })
    };
    let (shape, chunk_shape) = (reversed("dimensions"), reversed("blockSize"));
    of_type!(attributes["dataType"].as_str().expect("a type"), &axes, (&shape, &chunk_shape), true, &chunk)
}

/// A level of an OME-Zarr.
pub fn zarr(path: &Path, level: usize) -> Volume {
    assert_eq!(json(&path.join(".zgroup"))["zarr_format"], 2);
    let image = &json(&path.join(".zattrs"))["multiscales"][0];
    let axes: String =
        image["axes"].as_array().expect("axes").iter().filter_map(|axis| axis["name"].as_str()).collect();
    let folder = path.join(image["datasets"][level]["path"].as_str().expect("the level"));
    let array = json(&folder.join(".zarray"));
    assert_eq!((&array["compressor"]["id"], &array["dimension_separator"]), (&"gzip".into(), &"/".into()));
    let (shape, chunk_shape) = (numbers(&array["shape"]), numbers(&array["chunks"]));
    let chunk = |place: &[usize]| {
        let path = place.iter().fold(folder.clone(), |path, n| path.join(n.to_string()));
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (chunk_shape.clone(), unzipped(&bytes))
    };
    of_type!(array["dtype"].as_str().expect("a type"), &axes, (&shape, &chunk_shape), false, &chunk)
}
