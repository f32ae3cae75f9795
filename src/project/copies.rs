//! Copies of images inside a project file: `Input Data/local_data/NAME`, as ilastik keeps them.
//!
//! Only datasets that are new to the file are written here. The library writes a dataset from memory, so that a
//! copy has a largest size; what the file holds already is carried over chunk by chunk.

use std::fmt;
use std::sync::Arc;

use hdf5_pure::{
    AttrValue, Datatype, File, make_f32_type, make_f64_type, make_i8_type, make_i16_type, make_i32_type,
    make_i64_type, make_u8_type, make_u16_type, make_u32_type, make_u64_type,
};

use super::plan::PlanError;
use super::value::text_attribute;
use crate::data::{Axis, AxisOrder, DType, Roi5};
use crate::io::{ImageReader, axistags, little_endian_bytes};

/// Largest image that is copied, in bytes.
pub const LARGEST_COPY: usize = 2 << 30;

/// About as much is read at once.
const SLAB: usize = 1 << 24;

/// An open image that is to be copied into the project file.
#[derive(Clone)]
pub struct ImageCopy(pub Arc<dyn ImageReader>);

impl fmt::Debug for ImageCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ImageCopy").field(self.0.info()).finish()
    }
}

/// A copy to be made.
pub(super) struct NewCopy {
    /// The image's name, for messages.
    pub nickname: String,
    /// Where in the file.
    pub path: String,
    /// Axes of the dataset.
    pub axes: AxisOrder,
    /// The image.
    pub image: ImageCopy,
}

impl NewCopy {
    fn bytes(&self) -> usize {
        let info = self.image.0.info();
        info.shape.iter().product::<usize>().saturating_mul(info.dtype.size())
    }

    fn failed(&self, why: impl fmt::Display) -> PlanError {
        PlanError::Copy { name: self.nickname.clone(), reason: why.to_string() }
    }

    /// The samples as they stand in the file; `watch` is told how many bytes more are read.
    fn samples(&self, watch: &mut dyn FnMut(usize) -> Result<(), PlanError>) -> Result<Vec<u8>, PlanError> {
        let info = self.image.0.info();
        let mut samples = Vec::new();
        samples.try_reserve_exact(self.bytes()).map_err(|error| self.failed(error))?;
        let first = self.axes.axes().first().copied().unwrap_or(Axis::Y) as usize;
        let steps = info.shape[first];
        let at_once = (SLAB / (self.bytes() / steps.max(1)).max(1)).max(1);
        for start in (0..steps).step_by(at_once) {
            let mut slab = Roi5::whole(info.shape);
            (slab.start[first], slab.stop[first]) = (start, (start + at_once).min(steps));
            let read = self.image.0.read(&slab).map_err(|error| self.failed(error))?;
            let bytes = little_endian_bytes(&read, &self.axes);
            samples.extend_from_slice(&bytes);
            watch(bytes.len())?;
        }
        Ok(samples)
    }

    /// Writes the dataset into a file that has its group; `watch` is told how many bytes more are done.
    fn write(
        &self,
        file: &File,
        watch: &mut dyn FnMut(usize) -> Result<(), PlanError>,
    ) -> Result<(), PlanError> {
        if self.bytes() > LARGEST_COPY {
            let why = format!("it has {} MB, {} MB are the most", self.bytes() >> 20, LARGEST_COPY >> 20);
            return Err(self.failed(why));
        }
        let info = self.image.0.info();
        let extents = |shape: &[usize]| shape.iter().map(|&n| n as u64).collect::<Vec<u64>>();
        let shape = self.axes.pick(&info.shape);
        let chunk: Vec<u64> = self.axes.axes().iter().map(|&axis| chunk_side(axis, info.shape)).collect();
        let samples = self.samples(watch)?;
        let count = shape.iter().product::<usize>() as u64;
        file.root()
            .create_dataset(&self.path, |dataset| {
                dataset
                    .with_raw_data(datatype(info.dtype), samples, count)
                    .with_shape(&extents(&shape))
                    .with_chunks(&chunk)
                    .set_attr("axistags", text_attribute(&axistags::format(&self.axes, &info.pixel_size)));
                if let Some(units) = axistags::format_units(&self.axes, &info.pixel_size) {
                    dataset.set_attr("axis_units", text_attribute(&units));
                }
                if let Some((low, high)) = info.data_range {
                    dataset.set_attr("drange", AttrValue::F64Array(vec![low, high]));
                }
            })
            .map_err(|error| self.failed(error))?;
        // Each on its own, so that memory holds one image at a time.
        file.commit().map_err(|error| self.failed(error))
    }
}

/// Makes all copies; `watch` is told the share that is done, from 0 to 1, and may stop it.
pub(super) fn write(
    file: &File,
    copies: &[NewCopy],
    watch: &mut dyn FnMut(f64) -> Result<(), PlanError>,
) -> Result<(), PlanError> {
    let all: usize = copies.iter().map(NewCopy::bytes).sum();
    let mut done = 0;
    for copy in copies {
        copy.write(file, &mut |bytes| {
            done += bytes;
            watch(done as f64 / all.max(1) as f64)
        })?;
    }
    Ok(())
}

/// Side of a chunk: one time point and channel, a tile of a few slices.
fn chunk_side(axis: Axis, shape: [usize; 5]) -> u64 {
    let most = match axis {
        Axis::T | Axis::C => 1,
        Axis::Z => 4,
        Axis::Y | Axis::X => 256,
    };
    shape[axis as usize].clamp(1, most) as u64
}

fn datatype(dtype: DType) -> Datatype {
    match dtype {
        DType::U8 => make_u8_type(),
        DType::U16 => make_u16_type(),
        DType::U32 => make_u32_type(),
        DType::U64 => make_u64_type(),
        DType::I8 => make_i8_type(),
        DType::I16 => make_i16_type(),
        DType::I32 => make_i32_type(),
        DType::I64 => make_i64_type(),
        DType::F32 => make_f32_type(),
        DType::F64 => make_f64_type(),
    }
}
