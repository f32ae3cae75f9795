//! Which images an output format can hold: ilastik's rules, with what to do instead.

use std::path::Path;

use crate::data::{Axis, DType};
use crate::io::error::Error;
use crate::io::format::ImageSpec;

use super::hdf5::{self, Existing};
use super::{Kind, OutputFormat, n5, zarr};

/// What one file of a kind can hold.
struct Limits {
    dtypes: &'static [DType],
    /// Most axes of more than one pixel, channels not counted.
    dimensions: usize,
    /// Numbers of channels; none given means any.
    channels: &'static [usize],
    /// Most pixels along an axis.
    side: usize,
    /// Most bytes of samples.
    bytes: u64,
}

const VOLUME: Limits =
    Limits { dtypes: &DType::ALL, dimensions: 5, channels: &[], side: usize::MAX, bytes: u64::MAX };

const PICTURE: Limits = Limits {
    dtypes: &[DType::U8],
    dimensions: 2,
    channels: &[1, 3],
    side: i32::MAX as usize,
    bytes: u64::MAX,
};

fn limits(format: &OutputFormat) -> Limits {
    use DType::{F32, U8, U16};
    /// Less than 4 GiB, whatever the header and the ends of rows take.
    const SHORT: u64 = 0xf000_0000;
    const SIXTEEN_BITS: usize = u16::MAX as usize;
    match format.kind {
        Kind::Hdf5 { .. } | Kind::N5 { .. } | Kind::Zarr { .. } => VOLUME,
        Kind::Npy | Kind::Tiff | Kind::MultipageTiff => VOLUME,
        Kind::Png => Limits { dtypes: &[U8, U16], ..PICTURE },
        Kind::Jpeg => Limits { channels: &[1], side: SIXTEEN_BITS, ..PICTURE },
        Kind::Bmp | Kind::SunRaster => Limits { bytes: SHORT, ..PICTURE },
        Kind::Gif => Limits { side: SIXTEEN_BITS, ..PICTURE },
        Kind::Hdr => Limits { dtypes: &[F32], channels: &[3], ..PICTURE },
        // These two names are for pictures without colours.
        Kind::Netpbm if matches!(format.extension, "pbm" | "pgm") => {
            Limits { dtypes: &[U8, U16], channels: &[1], ..PICTURE }
        }
        Kind::Netpbm => Limits { dtypes: &[U8, U16], ..PICTURE },
    }
}

/// What to do where a file holds only `allowed` channels, and not `found`.
fn instead_of_channels(allowed: &[usize], found: usize) -> String {
    let mut ways = vec!["use 'tiff' or 'hdf5'".to_owned()];
    if allowed.contains(&1) {
        ways.push("cut out one channel".into());
        ways.push("or export a sequence with c first in the axis order".into());
    } else if let Some(fewer) = allowed.iter().find(|&&n| n < found) {
        ways.push(format!("or cut out {fewer} channels"));
    }
    ways.join(", ")
}

/// Checks that `format` can hold the image, before any work is done.
///
/// # Errors
/// Every reason why it can't, each with what to do.
pub fn check(format: &OutputFormat, spec: &ImageSpec) -> Result<(), Error> {
    let limits = limits(format);
    let mut reasons = Vec::new();
    let mut shape = spec.shape;
    if let Some(missing) =
        Axis::ALL.into_iter().find(|&axis| shape[axis as usize] > 1 && !spec.axes.contains(axis))
    {
        reasons.push(format!(
            "the axes '{}' lack '{}', which has more than one pixel",
            spec.axes,
            missing.key()
        ));
    }
    if matches!(format.kind, Kind::N5 { .. }) && n5::inner_path(spec).is_none() {
        reasons.push(format!(
            "'{}' is no name of a dataset in it; use one such as 'exported_data'",
            spec.internal_path
        ));
    }
    if format.sequence {
        match step_axis(spec) {
            Some(axis) => shape[axis as usize] = 1,
            None => reasons.push(
                "an image of two dimensions is no sequence; use a single file, or begin the axis order with z, t or c"
                    .into(),
            ),
        }
    }
    let wide = |axis: &&Axis| **axis != Axis::C && shape[**axis as usize] > 1;
    let dimensions = Axis::ALL.iter().filter(wide).count();
    if dimensions > limits.dimensions {
        let axes: String = Axis::ALL.iter().filter(wide).map(|axis| axis.key()).collect();
        reasons.push(format!(
            "a file holds two dimensions, not '{axes}'; use '{} sequence', 'multipage tiff' or 'hdf5', or cut out a slice",
            format.extension
        ));
    }
    let channels = shape[Axis::C as usize];
    if !limits.channels.is_empty() && !limits.channels.contains(&channels) {
        let allowed: Vec<String> = limits.channels.iter().map(usize::to_string).collect();
        reasons.push(format!(
            "a file holds {} channels, not {channels}; {}",
            allowed.join(" or "),
            instead_of_channels(limits.channels, channels)
        ));
    }
    let longest = shape.into_iter().max().unwrap_or(0);
    if longest > limits.side {
        reasons.push(format!(
            "a side has at most {} pixels, not {longest}; use 'tiff' or 'hdf5', or cut out a part",
            limits.side
        ));
    }
    let bytes = shape.iter().fold(spec.dtype.size() as u64, |n, &extent| n.saturating_mul(extent as u64));
    if bytes > limits.bytes {
        reasons.push(format!(
            "a file has at most {} bytes, not {bytes}; use 'png', 'tiff' or 'hdf5', or cut out a part",
            limits.bytes
        ));
    }
    if !limits.dtypes.contains(&spec.dtype) {
        let allowed: Vec<&str> = limits.dtypes.iter().map(|dtype| dtype.name()).collect();
        reasons.push(format!(
            "samples are {}, not {}; convert them or use 'hdf5'",
            allowed.join(" or "),
            spec.dtype
        ));
    }
    if reasons.is_empty() { Ok(()) } else { Err(Error::NotWritable { format: format.name.into(), reasons }) }
}

/// Checks that what is at `path`, if there is anything, has room for the image to be written: HDF5 files and N5
/// keep their other datasets, and only a folder of an image is replaced by one.
///
/// # Errors
/// A dataset is where the new one, or a group of it, is to be; it can't be read; it is something else.
pub fn check_replaced(format: &OutputFormat, path: &Path, spec: &ImageSpec) -> Result<(), Error> {
    if !path.exists() {
        return Ok(());
    }
    match format.kind {
        Kind::N5 { .. } => return n5::check_replaced(path, spec),
        Kind::Zarr { .. } => return zarr::check_replaced(path),
        Kind::Hdf5 { .. } => {}
        _ => return Ok(()),
    }
    let own = hdf5::dataset_path(spec);
    let is_within =
        |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
    let mut names = Existing::at(path, &own)?.map_or_else(Vec::new, |existing| existing.others);
    names.retain(|name| is_within(name, &own) || is_within(&own, name));
    if names.is_empty() { Ok(()) } else { Err(Error::NameTaken { path: path.to_owned(), name: own, names }) }
}

/// The axis that a sequence steps along: the first of more than one pixel. An image of two dimensions is one slice
/// across an axis that comes before these, and never cut into rows.
pub fn step_axis(spec: &ImageSpec) -> Option<Axis> {
    let axes = spec.axes.axes();
    let is_wide = |axis: &&Axis| spec.shape[**axis as usize] > 1;
    let first = axes.iter().find(is_wide);
    let is_plane = axes.iter().filter(is_wide).filter(|&&axis| axis != Axis::C).count() <= 2;
    let is_across = |axis: &&Axis| !matches!(axis, Axis::Y | Axis::X);
    if is_plane && !first.as_ref().is_some_and(is_across) {
        return axes.first().filter(is_across).copied();
    }
    first.copied()
}
