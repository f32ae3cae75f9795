//! What is to be known of an image although nothing is wrong with it: that it is slow to read, that its mask's
//! pixels have another size. Told once when the image comes in, and shown in the Data applet as long as it holds.

use super::contrast::short;
use super::messages::{Level, Problem};
use super::state::App;
use crate::data::Axis;
use crate::engine::LaneSource;
use crate::io::grain::{Slow, bytes_of, slowness};
use crate::io::{ImageReader, PixelSize};
use crate::project::LARGEST_COPY;

/// Pixel sizes that differ by this share of themselves are the same, rounded.
const ROUNDING: f64 = 1e-3;

/// A size in megabytes or gigabytes.
fn amount(bytes: u64) -> String {
    match bytes {
        0..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// Why an image is slow to read; `None` when it is not.
pub fn why_slow(image: &dyn ImageReader) -> Option<String> {
    Some(match slowness(image)? {
        Slow::Whole(bytes) => {
            format!("its format can only be decoded as a whole, {} at the first look", amount(bytes))
        }
        Slow::Pieces([.., z, y, x, _]) if image.info().shape[Axis::Z as usize] > 1 => format!(
            "it is kept in pieces of {z} x {y} x {x} pixels (zyx), of which views across the slices and features in \
             3D decode many"
        ),
        Slow::Pieces([.., y, x, _]) => {
            format!(
                "it is kept in pieces of {y} x {x} pixels (yx), so that a small part of it takes many of them"
            )
        }
        Slow::Plain => {
            "its samples are not in chunks: views across the slices and features in 3D gather them from \
                        all over the file"
                .into()
        }
    })
}

/// What helps an image that is slow to read.
fn faster(image: &dyn ImageReader) -> &'static str {
    match bytes_of(image) > LARGEST_COPY as u64 {
        true => "It works, slowly; converted to HDF5 in chunks it is quick",
        false => "It works, slowly; a copy in the project (properties, Location) or HDF5 in chunks is quick",
    }
}

/// A length in micrometres, or a time in seconds; `None` for a unit that is not known.
fn in_base_units(size: &PixelSize) -> Option<f64> {
    let factor = match size.unit.trim().to_lowercase().as_str() {
        "m" | "meter" | "metre" => 1e6,
        "cm" | "centimeter" | "centimetre" => 1e4,
        "mm" | "millimeter" | "millimetre" => 1e3,
        "µm" | "μm" | "um" | "micron" | "microns" | "micrometer" | "micrometre" => 1.0,
        "nm" | "nanometer" | "nanometre" => 1e-3,
        "s" | "sec" | "second" | "seconds" => 1.0,
        "ms" | "msec" | "millisecond" | "milliseconds" => 1e-3,
        "min" | "minute" | "minutes" => 60.0,
        _ => return None,
    };
    Some(size.size * factor)
}

/// Whether two sizes of a pixel along the same axis are different ones.
fn differ(a: &PixelSize, b: &PixelSize) -> bool {
    let (x, y) = match (in_base_units(a), in_base_units(b)) {
        (Some(a), Some(b)) => (a, b),
        _ if a.unit == b.unit => (a.size, b.size),
        _ => return true,
    };
    (x - y).abs() > ROUNDING * x.abs().max(y.abs())
}

/// How a mask's pixel sizes differ from its image's, where both are known.
fn other_pixels(source: &LaneSource) -> Option<String> {
    let (image, mask) = (source.raw.info(), source.mask.as_ref()?.info());
    let text = |size: &PixelSize| format!("{} {}", short(size.size), size.unit).trim_end().to_owned();
    let differing = [Axis::T, Axis::Z, Axis::Y, Axis::X].into_iter().filter_map(|axis| {
        let (of_image, of_mask) =
            image.pixel_size[axis as usize].as_ref().zip(mask.pixel_size[axis as usize].as_ref())?;
        differ(of_image, of_mask).then(|| format!("{} {} and {}", axis.key(), text(of_image), text(of_mask)))
    });
    let differing: Vec<String> = differing.collect();
    (!differing.is_empty()).then(|| differing.join(", "))
}

/// What is to be known of the image called `name`.
pub(super) fn of(name: &str, source: &LaneSource) -> Vec<Problem> {
    let slow = |what: String, image: &dyn ImageReader| {
        why_slow(image).map(|why| Problem::new(format!("{what} is slow to read"), why, faster(image)))
    };
    let raw = slow(format!("'{name}'"), source.raw.as_ref());
    let mask = source.mask.as_ref().and_then(|mask| slow(format!("The mask of '{name}'"), mask.as_ref()));
    let sizes = other_pixels(source).map(|why| {
        let what = format!("'{name}' and its mask have different pixel sizes");
        Problem::new(what, why, "The mask is used pixel by pixel; check that it belongs to this image")
    });
    [raw, mask, sizes].into_iter().flatten().collect()
}

impl App {
    /// What is to be known of a lane, from 0.
    pub fn cautions(&self, lane: usize) -> Vec<Problem> {
        let lane = self.project.lanes.get(lane).zip(self.sources.get(lane));
        lane.map_or(Vec::new(), |(lane, source)| of(&lane.raw.nickname, source))
    }

    /// Tells what is to be known of images that came in: all about one, the first of several.
    pub(super) fn tell_cautions(&mut self, lanes: impl IntoIterator<Item = usize>) {
        let lanes: Vec<Vec<Problem>> = lanes.into_iter().map(|lane| self.cautions(lane)).collect();
        let concerned = lanes.iter().filter(|cautions| !cautions.is_empty()).count();
        let Some(cautions) = lanes.into_iter().find(|cautions| !cautions.is_empty()) else { return };
        for mut caution in cautions {
            match concerned {
                0 | 1 => {}
                2 => caution.remedy = "Another image has a mark ! in the list too".into(),
                n => caution.remedy = format!("{} other images have a mark ! in the list too", n - 1),
            }
            self.messages.push(Level::Warning, caution, self.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(size: f64, unit: &str) -> PixelSize {
        PixelSize { size, unit: unit.into() }
    }

    #[test]
    fn sizes_are_compared_whatever_their_unit() {
        assert!(!differ(&size(0.5, "µm"), &size(500.0, "nm")));
        assert!(!differ(&size(0.5, "micron"), &size(0.50001, "um")));
        assert!(differ(&size(0.5, "µm"), &size(0.25, "µm")));
        assert!(differ(&size(0.5, "µm"), &size(0.5, "mm")));
        assert!(!differ(&size(2.0, "parsec"), &size(2.0, "parsec")));
        assert!(differ(&size(2.0, "parsec"), &size(2.0, "")));
    }
}
