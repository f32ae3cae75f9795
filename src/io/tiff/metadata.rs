//! What descriptions and resolution tags of the first page say: ImageJ's, tifffile's, plain TIFF's.

use std::collections::HashMap;

use serde::Deserialize;
use tiff::tags::Tag;

use crate::data::Axis;
use crate::io::format::PixelSize;

use super::ifd::PageDecoder;

/// Longest description that is read.
const LONGEST: u64 = 256 << 20;

/// The first page's description; bytes that are not UTF-8 are taken as Latin-1, as ImageJ writes them.
pub(super) fn description(decoder: &mut PageDecoder) -> Option<String> {
    let count = decoder.image_ifd().directory().get(Tag::ImageDescription)?.count();
    let mut bytes = vec![0; usize::try_from(count.min(LONGEST)).ok()?];
    let read = decoder.image_ifd().find_tag_bytes(Tag::ImageDescription, &mut bytes, 0).ok()??;
    bytes.truncate(read);
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    Some(String::from_utf8(bytes).unwrap_or_else(|e| e.as_bytes().iter().map(|&b| char::from(b)).collect()))
}

/// Pixels per unit along x and y, and TIFF's number of the unit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Resolution {
    x: f64,
    y: f64,
    unit: u16,
}

impl Resolution {
    /// The resolution tags of a page; 0 where missing.
    pub(super) fn read(decoder: &mut PageDecoder) -> Self {
        let mut rational = |tag| match decoder.find_tag(tag) {
            Ok(Some(tiff::decoder::ifd::Value::Rational(n, d))) if d != 0 => f64::from(n) / f64::from(d),
            _ => 0.0,
        };
        let (x, y) = (rational(Tag::XResolution), rational(Tag::YResolution));
        let unit = decoder.find_tag_unsigned(Tag::ResolutionUnit).ok().flatten().unwrap_or(0);
        Resolution { x, y, unit }
    }

    /// Pixel sizes of a plain TIFF: those given per centimetre. Inches are for print, so the dots per
    /// inch that most programs write say nothing of the specimen.
    pub(super) fn pixel_size(self) -> [Option<PixelSize>; 5] {
        const CENTIMETRE: u16 = 3;
        let mut sizes: [Option<PixelSize>; 5] = Default::default();
        if self.unit == CENTIMETRE {
            const MICROMETRES: f64 = 1e4;
            sizes[Axis::Y as usize] = size(MICROMETRES / self.y, "µm");
            sizes[Axis::X as usize] = size(MICROMETRES / self.x, "µm");
        }
        sizes
    }
}

fn per_unit(pixels: f64, unit: &str) -> Option<PixelSize> {
    size(1.0 / pixels, unit)
}

/// A pixel size, when it is one.
pub(super) fn size(size: f64, unit: &str) -> Option<PixelSize> {
    (size > 0.0 && size.is_finite()).then(|| PixelSize { size, unit: unit.to_owned() })
}

/// ImageJ's description: lines of `key=value`, the first of which is its version.
pub(super) struct ImageJ(HashMap<String, String>);

impl ImageJ {
    /// Parses a description that ImageJ wrote.
    pub(super) fn parse(description: &str) -> Option<Self> {
        if !description.starts_with("ImageJ=") {
            return None;
        }
        let pair = |line: &str| line.split_once('=').map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned()));
        Some(ImageJ(description.lines().filter_map(pair).collect()))
    }

    fn count(&self, key: &str) -> usize {
        self.0.get(key).and_then(|v| v.parse().ok()).unwrap_or(1).max(1)
    }

    /// Planes of the stack.
    pub(super) fn images(&self) -> usize {
        self.count("images")
    }

    /// Extents of the dimensions that count planes: frames, slices, channels, outermost first.
    pub(super) fn planes(&self) -> [(Axis, usize); 3] {
        [(Axis::T, self.count("frames")), (Axis::Z, self.count("slices")), (Axis::C, self.count("channels"))]
    }

    /// Pixel sizes, of which those along x and y stand in the resolution tags.
    pub(super) fn pixel_size(&self, resolution: Resolution) -> [Option<PixelSize>; 5] {
        let mut sizes: [Option<PixelSize>; 5] = Default::default();
        let Some(unit) = self.0.get("unit") else { return sizes };
        let own = |key: &str| unescape(self.0.get(key).unwrap_or(unit));
        let number = |key: &str| self.0.get(key).and_then(|v| v.parse().ok()).unwrap_or(0.0);
        sizes[Axis::T as usize] =
            size(number("finterval"), &unescape(self.0.get("tunit").map_or("sec", String::as_str)));
        sizes[Axis::Z as usize] = size(number("spacing"), &own("zunit"));
        sizes[Axis::Y as usize] = per_unit(resolution.y, &own("yunit"));
        sizes[Axis::X as usize] = per_unit(resolution.x, &unescape(unit));
        sizes
    }
}

/// Text with escapes such as `\u00b5`, in which ImageJ writes `µ`.
fn unescape(text: &str) -> String {
    let mut parts = text.split("\\u");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        match code {
            Some(c) => {
                out.push(c);
                out.push_str(&part[4..]);
            }
            None => {
                out.push_str("\\u");
                out.push_str(part);
            }
        }
    }
    out
}

/// tifffile's description: the shape of the array that was written, maybe its axes.
#[derive(Debug, Deserialize)]
pub(super) struct Shaped {
    /// Extents.
    pub(super) shape: Vec<usize>,
    /// Axis keys.
    pub(super) axes: Option<String>,
}

impl Shaped {
    /// Parses a description that tifffile wrote.
    pub(super) fn parse(description: &str) -> Option<Self> {
        description.starts_with('{').then(|| serde_json::from_str(description).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_imagej() {
        let text = "ImageJ=1.53t\nimages=12\nchannels=2\nslices=3\nframes=2\nhyperstack=true\nunit=\\u00B5m\nspacing=0.5\nfinterval=2.5\n";
        let meta = ImageJ::parse(text).expect("ImageJ");
        assert_eq!(meta.images(), 12);
        assert_eq!(meta.planes(), [(Axis::T, 2), (Axis::Z, 3), (Axis::C, 2)]);
        let sizes = meta.pixel_size(Resolution { x: 4.0, y: 0.0, unit: 1 });
        assert_eq!(sizes[3], Some(PixelSize { size: 0.25, unit: "µm".into() }));
        assert_eq!(sizes[2], None);
        assert_eq!(sizes[1], Some(PixelSize { size: 0.5, unit: "µm".into() }));
        assert_eq!(sizes[0], Some(PixelSize { size: 2.5, unit: "sec".into() }));
        assert!(ImageJ::parse("a picture").is_none());
    }

    #[test]
    fn reads_shaped() {
        let shaped = Shaped::parse(r#"{"shape": [2, 3, 4], "axes": "ZYX"}"#).expect("shaped");
        assert_eq!((shaped.shape, shaped.axes.as_deref()), (vec![2, 3, 4], Some("ZYX")));
        assert!(Shaped::parse("{oops").is_none());
    }
}
