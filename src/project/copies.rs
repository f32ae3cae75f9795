//! Copies of images inside a project file: `Input Data/local_data/NAME`, as ilastik keeps them.
//!
//! An image is copied in slabs along its first axis, so that memory holds a slab and never the image. Only
//! datasets that are new to the file are written here.

use std::fmt;
use std::sync::Arc;

use hdf5_pure::{
    AttrValue, Datatype, File, MaxExtent, make_f32_type, make_f64_type, make_i8_type, make_i16_type,
    make_i32_type, make_i64_type, make_u8_type, make_u16_type, make_u32_type, make_u64_type,
};

use super::plan::PlanError;
use super::value::text_attribute;
use crate::data::{Axis, AxisOrder, DType, Roi5};
use crate::io::{ImageReader, axistags, little_endian_bytes};

/// About as much of an image is in memory at once, unless a single step along its first axis is more.
const SLAB: usize = 1 << 26;

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

    /// Writes the dataset into a file that has its group; `watch` is told how many bytes more are done.
    fn write(
        &self,
        file: &File,
        watch: &mut dyn FnMut(usize) -> Result<(), PlanError>,
    ) -> Result<(), PlanError> {
        let info = self.image.0.info();
        let shape = self.axes.pick(&info.shape);
        let chunk: Vec<u64> = self.axes.axes().iter().map(|&axis| chunk_side(axis, info.shape)).collect();
        let extents = |n: &usize| MaxExtent::Fixed(*n as u64);
        // The first axis grows slab by slab.
        let largest: Vec<MaxExtent> =
            [MaxExtent::Unlimited].into_iter().chain(shape[1..].iter().map(extents)).collect();
        let empty: Vec<u64> = [0].into_iter().chain(shape[1..].iter().map(|&n| n as u64)).collect();
        file.root()
            .create_dataset(&self.path, |dataset| {
                dataset
                    .with_raw_data(datatype(info.dtype), Vec::new(), 0)
                    .with_shape(&empty)
                    .with_maxshape(&largest)
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
        file.commit().map_err(|error| self.failed(error))?;
        let mut dataset = file.dataset(&self.path).map_err(|error| self.failed(error))?;
        let first = self.axes.axes().first().copied().unwrap_or(Axis::Y) as usize;
        let step = info.shape[first];
        let row = self.bytes() / step.max(1);
        // Whole chunks, so that none is written twice.
        let side = chunk[0] as usize;
        let rows = (SLAB / row.max(1) / side).max(1) * side;
        for start in (0..step).step_by(rows) {
            let mut slab = Roi5::whole(info.shape);
            (slab.start[first], slab.stop[first]) = (start, (start + rows).min(step));
            let samples = self.image.0.read(&slab).map_err(|error| self.failed(error))?;
            let bytes = little_endian_bytes(&samples, &self.axes);
            dataset.append_raw(&bytes).map_err(|error| self.failed(error))?;
            watch(bytes.len())?;
        }
        Ok(())
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
