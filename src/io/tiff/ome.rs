//! OME-XML in the first page of an OME-TIFF: which page is which plane, and pixel sizes.

use std::path::Path;

use roxmltree::{Document, Node};

use crate::data::Axis;
use crate::io::error::Error;
use crate::io::format::PixelSize;

use super::metadata::size;

/// The one image that an OME-XML text describes.
#[derive(Debug, PartialEq)]
pub(super) struct Ome {
    /// Dimensions that count planes, outermost first, with their extents.
    pub(super) planes: Vec<(Axis, usize)>,
    /// For every plane, in that order, its page (from 0).
    pub(super) pages: Vec<usize>,
    /// Pixel sizes in canonical order.
    pub(super) pixel_size: [Option<PixelSize>; 5],
}

/// Whether a description is OME-XML.
pub(super) fn is_ome(description: &str) -> bool {
    description.trim_end().ends_with("OME>") && description.contains("<Pixels")
        || description.trim_end().ends_with("OME>") && description.contains(":Pixels")
}

/// Parses the OME-XML of a file with `page_count` pages of `samples` samples per pixel.
pub(super) fn parse(path: &Path, text: &str, samples: usize, page_count: usize) -> Result<Ome, Error> {
    let damaged = |what: String| Error::damaged(path, what);
    let document = Document::parse(text).map_err(|e| damaged(format!("its OME-XML can't be read ({e})")))?;
    let named = |name: &'static str| move |node: &Node<'_, '_>| node.tag_name().name() == name;
    let images: Vec<Node<'_, '_>> = document.root_element().children().filter(named("Image")).collect();
    let [image] = images[..] else {
        return Err(several_series(path, images.len()));
    };
    let pixels = image
        .children()
        .find(named("Pixels"))
        .ok_or_else(|| damaged("its OME-XML describes no pixels".into()))?;
    let extent = |name: &str| -> Result<usize, Error> {
        let value = pixels.attribute(name).unwrap_or("1");
        value
            .parse()
            .ok()
            .filter(|&n| n > 0)
            .ok_or_else(|| damaged(format!("its OME-XML says {name}=\"{value}\"")))
    };
    let channels = extent("SizeC")?;
    if channels % samples != 0 {
        let what = format!("its OME-XML says {channels} channels, its pages hold {samples} samples");
        return Err(damaged(what));
    }
    let extents = [(Axis::Z, extent("SizeZ")?), (Axis::C, channels / samples), (Axis::T, extent("SizeT")?)];
    // Fastest first, after X and Y.
    let order = pixels.attribute("DimensionOrder").unwrap_or("XYZCT");
    let mut planes: Vec<(Axis, usize)> = order
        .chars()
        .filter_map(|key| extents.iter().copied().find(|(axis, _)| axis.key() == key.to_ascii_lowercase()))
        .collect();
    planes.reverse();
    let own = document.root_element().attribute("UUID");
    let elsewhere = |data: &Node<'_, '_>| {
        data.children().find(named("UUID")).is_some_and(|uuid| own.is_some() && uuid.text() != own)
    };
    let lacking =
        |what: String| match pixels.children().filter(named("TiffData")).any(|data| elsewhere(&data)) {
            true => Error::unsupported(
                path,
                "an OME-TIFF whose planes lie in several files",
                "join the files into one first, as Fiji or bfconvert do",
            ),
            false => damaged(what),
        };
    let count = planes.iter().try_fold(1_usize, |n, (_, extent)| n.checked_mul(*extent));
    let count = count.filter(|&n| planes.len() == 3 && n <= page_count).ok_or_else(|| {
        let stated: Vec<String> = extents.iter().map(|(axis, n)| format!("{}={n}", axis.key())).collect();
        lacking(format!(
            "its OME-XML describes more planes ({}) than the file has pages ({page_count})",
            stated.join(", ")
        ))
    })?;

    let mut pages: Vec<Option<usize>> = vec![None; count];
    let mut mapped = false;
    for data in pixels.children().filter(named("TiffData")) {
        if elsewhere(&data) {
            continue;
        }
        mapped = true;
        let number = |name: &str| data.attribute(name).and_then(|v| v.parse::<usize>().ok());
        let first = planes.iter().fold(0_usize, |n, (axis, extent)| {
            let key = match axis {
                Axis::Z => "FirstZ",
                Axis::T => "FirstT",
                _ => "FirstC",
            };
            // FirstC counts samples, of which a page holds several.
            let at = number(key).unwrap_or(0) / if *axis == Axis::C { samples } else { 1 };
            n.saturating_mul(*extent).saturating_add(at)
        });
        let page = number("IFD").unwrap_or(0);
        let many = number("PlaneCount").unwrap_or(if data.has_attribute("IFD") { 1 } else { count });
        for k in 0..many.min(count) {
            if let Some(slot) = pages.get_mut(first.saturating_add(k)) {
                *slot = Some(page.saturating_add(k));
            }
        }
    }
    let pages: Option<Vec<usize>> =
        if mapped { pages.into_iter().collect() } else { Some((0..count).collect()) };
    let pages = pages.filter(|pages| pages.iter().all(|&page| page < page_count)).ok_or_else(|| {
        lacking("its OME-XML leaves planes without a page, or names pages that the file has not".into())
    })?;

    let mut pixel_size: [Option<PixelSize>; 5] = Default::default();
    for (axis, name, unit) in [
        (Axis::T, "TimeIncrement", "s"),
        (Axis::Z, "PhysicalSizeZ", "µm"),
        (Axis::Y, "PhysicalSizeY", "µm"),
        (Axis::X, "PhysicalSizeX", "µm"),
    ] {
        let value = pixels.attribute(name).and_then(|v| v.parse().ok()).unwrap_or(0.0);
        let unit = pixels.attribute(format!("{name}Unit").as_str()).unwrap_or(unit);
        pixel_size[axis as usize] = size(value, unit);
    }
    Ok(Ome { planes, pages, pixel_size })
}

/// The error for a file of several images.
pub(super) fn several_series(path: &Path, count: usize) -> Error {
    Error::unsupported(
        path,
        format!("a TIFF file of {count} image series"),
        "save the one you want as a file of its own",
    )
}
