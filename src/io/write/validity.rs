//! Which images an output format can hold: ilastik's rules, with what to do instead.

use std::path::Path;

use crate::data::{Axis, DType};
use crate::io::error::Error;
use crate::io::format::ImageSpec;

use super::{Kind, OutputFormat};

/// What one file of a kind can hold.
struct Limits {
    dtypes: &'static [DType],
    /// Most axes of more than one pixel, channels not counted.
    dimensions: usize,
    /// Numbers of channels; none given means any.
    channels: &'static [usize],
}

fn limits(kind: Kind) -> Limits {
    use DType::{U8, U16};
    match kind {
        Kind::Hdf5 { .. } | Kind::Npy => Limits { dtypes: &DType::ALL, dimensions: 5, channels: &[] },
        Kind::Tiff | Kind::MultipageTiff => Limits { dtypes: &DType::ALL, dimensions: 5, channels: &[] },
        Kind::Png => Limits { dtypes: &[U8, U16], dimensions: 2, channels: &[1, 3] },
        Kind::Jpeg => Limits { dtypes: &[U8], dimensions: 2, channels: &[1] },
        Kind::Bmp => Limits { dtypes: &[U8], dimensions: 2, channels: &[1, 3] },
    }
}

/// Checks that `format` can hold the image, before any work is done.
///
/// # Errors
/// Every reason why it can't, each with what to do.
pub fn check(format: &OutputFormat, spec: &ImageSpec) -> Result<(), Error> {
    let limits = limits(format.kind);
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
    if format.sequence {
        match step_axis(spec) {
            Some(axis) => shape[axis as usize] = 1,
            None => reasons.push(
                "a sequence needs an axis to step along, and every axis is 1; use a single file".into(),
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
            "a file holds {} channels, not {channels}; use 'tiff' or 'hdf5', cut out one channel, or export a sequence with c first in the axis order",
            allowed.join(" or ")
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

/// Checks that the file at `path`, if there is one, may be replaced: an HDF5 file that holds more than the
/// dataset to be written is kept.
///
/// # Errors
/// It holds other datasets.
pub fn check_replaced(format: &OutputFormat, path: &Path, spec: &ImageSpec) -> Result<(), Error> {
    if !format.has_datasets() || !path.exists() {
        return Ok(());
    }
    let own = spec.internal_path.trim_matches('/');
    let mut names = crate::io::hdf5::datasets_of(path);
    names.retain(|name| name != own);
    if names.is_empty() { Ok(()) } else { Err(Error::OtherDatasets { path: path.to_owned(), names }) }
}

/// The axis that a sequence steps along: the first of more than one pixel.
pub(super) fn step_axis(spec: &ImageSpec) -> Option<Axis> {
    spec.axes.axes().iter().copied().find(|&axis| spec.shape[axis as usize] > 1)
}
