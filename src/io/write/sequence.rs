//! Sequences: one file per slice along the first axis.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::data::{Axis, AxisOrder, Roi5, Volume};
use crate::io::atomic::Sealed;
use crate::io::error::Error;
use crate::io::format::{ImageSpec, Intake};
use crate::io::template::{TemplateError, has_slice_index, slice_path};

use super::validity::step_axis;
use super::{Kind, OutputFormat, Sink, file_intake, sink};

/// A sequence being written; slices are completed as soon as they are full.
pub(super) struct Sequence {
    kind: Kind,
    path: PathBuf,
    axis: Axis,
    /// Number of the first slice, and digits of the last.
    first: usize,
    digits: usize,
    slice: ImageSpec,
    open: BTreeMap<usize, (Box<dyn Sink>, usize)>,
    sealed: Vec<Sealed>,
}

/// Blocks as a slice takes them; what a slice keeps is kept for every slice that a block begins.
pub(super) fn intake(kind: Kind, spec: &ImageSpec) -> Intake {
    let axis = step_axis(spec).unwrap_or(Axis::Z);
    let mut intake = file_intake(kind, &slice_of(spec, axis)).for_each_along(axis);
    if axis == Axis::C {
        intake.block[Axis::C as usize] = spec.shape[Axis::C as usize];
    }
    intake
}

/// One slice across `axis`.
fn slice_of(spec: &ImageSpec, axis: Axis) -> ImageSpec {
    let mut slice = spec.clone();
    slice.shape[axis as usize] = 1;
    slice.axes = AxisOrder::new(spec.axes.axes().iter().copied().filter(|&a| a != axis))
        .unwrap_or_else(|_| spec.axes.clone());
    slice
}

impl Sequence {
    pub(super) fn create(format: &OutputFormat, path: &Path, spec: &ImageSpec) -> Result<Self, Error> {
        if !has_slice_index(path) {
            return Err(Error::Template(TemplateError::NoSliceIndex {
                template: path.to_string_lossy().into_owned(),
                format: format.name.into(),
            }));
        }
        let axis = step_axis(spec).unwrap_or(Axis::Z);
        let slice = slice_of(spec, axis);
        let first = spec.origin[axis as usize];
        let last = first + spec.shape[axis as usize] - 1;
        let (kind, path) = (format.kind, path.to_owned());
        let digits = last.to_string().len();
        let mut this =
            Sequence { kind, path, axis, first, digits, slice, open: BTreeMap::new(), sealed: Vec::new() };
        this.start(0)?;
        Ok(this)
    }

    fn start(&mut self, index: usize) -> Result<&mut (Box<dyn Sink>, usize), Error> {
        let path = slice_path(&self.path, self.first + index, self.digits)?;
        let sink = sink(self.kind, &path, &self.slice)?;
        Ok(self.open.entry(index).or_insert((sink, 0)))
    }
}

impl Sink for Sequence {
    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error> {
        let axis = self.axis as usize;
        let whole: usize = self.slice.shape.iter().product();
        for k in 0..block.shape()[axis] {
            let index = start[axis] + k;
            let mut roi = Roi5::whole(block.shape());
            (roi.start[axis], roi.stop[axis]) = (k, k + 1);
            let part = block.crop(&roi);
            let mut at = start;
            at[axis] = 0;
            if !self.open.contains_key(&index) {
                self.start(index)?;
            }
            let Some((sink, written)) = self.open.get_mut(&index) else { continue };
            sink.write(at, &part)?;
            *written += roi.len();
            if *written == whole
                && let Some((sink, _)) = self.open.remove(&index)
            {
                self.sealed.extend(sink.seal()?);
            }
        }
        Ok(())
    }

    fn seal(mut self: Box<Self>) -> Result<Vec<Sealed>, Error> {
        for (_, (sink, _)) in std::mem::take(&mut self.open) {
            self.sealed.extend(sink.seal()?);
        }
        Ok(self.sealed)
    }
}
