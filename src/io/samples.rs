//! Samples as bytes: byte order, and boxes of samples moved between arrays of different strides.

use ndarray::Array5;

use crate::data::volume::Sample;
use crate::data::{Axis, AxisOrder, DType, Volume};

/// Calls `$body` with `$T` standing for the Rust type of `$dtype`.
macro_rules! with_dtype {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::data::DType::U8 => {
                type $T = u8;
                $body
            }
            $crate::data::DType::U16 => {
                type $T = u16;
                $body
            }
            $crate::data::DType::U32 => {
                type $T = u32;
                $body
            }
            $crate::data::DType::U64 => {
                type $T = u64;
                $body
            }
            $crate::data::DType::I8 => {
                type $T = i8;
                $body
            }
            $crate::data::DType::I16 => {
                type $T = i16;
                $body
            }
            $crate::data::DType::I32 => {
                type $T = i32;
                $body
            }
            $crate::data::DType::I64 => {
                type $T = i64;
                $body
            }
            $crate::data::DType::F32 => {
                type $T = f32;
                $body
            }
            $crate::data::DType::F64 => {
                type $T = f64;
                $body
            }
        }
    };
}
pub(super) use with_dtype;

/// Order of the bytes of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    /// This machine's order.
    pub(super) const NATIVE: ByteOrder =
        if cfg!(target_endian = "big") { ByteOrder::Big } else { ByteOrder::Little };

    /// Turns samples of `size` bytes from this order into the machine's, or back.
    pub(super) fn to_native(self, bytes: &mut [u8], size: usize) {
        if self != Self::NATIVE && size > 1 {
            bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
    }
}

/// Strides in elements of a C-ordered array of `shape`.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i] * shape[i];
    }
    strides
}

/// Copies a box of `shape` samples of `item` bytes; the arrays' strides are in samples and the offsets
/// name the box's first sample in each. The last axis must be dense in both.
pub(super) fn copy_box(
    item: usize,
    shape: &[usize],
    (source, source_strides, source_offset): (&[u8], &[usize], usize),
    (target, target_strides, target_offset): (&mut [u8], &[usize], usize),
) {
    let Some((&run, outer)) = shape.split_last() else { return };
    if shape.contains(&0) {
        return;
    }
    let mut index = vec![0; outer.len()];
    let (mut from, mut to) = (source_offset, target_offset);
    loop {
        target[to * item..(to + run) * item].copy_from_slice(&source[from * item..(from + run) * item]);
        let mut axis = outer.len();
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            index[axis] += 1;
            from += source_strides[axis];
            to += target_strides[axis];
            if index[axis] < outer[axis] {
                break;
            }
            from -= source_strides[axis] * index[axis];
            to -= target_strides[axis] * index[axis];
            index[axis] = 0;
        }
    }
}

/// Samples in the order `axes`, of extents `shape` along them, as a `tzyxc` volume.
pub(super) fn volume_from_file_order<T: Sample>(data: Vec<T>, shape: &[usize], axes: &AxisOrder) -> Volume {
    let order = five_axes(axes);
    let extents: [usize; 5] = std::array::from_fn(|i| shape.get(i).copied().unwrap_or(1));
    let to_canonical: [usize; 5] =
        std::array::from_fn(|axis| order.iter().position(|&a| a as usize == axis).unwrap_or(axis));
    // Cannot fail: the caller sized `data` by `shape`.
    let array = Array5::from_shape_vec(extents, data).unwrap_or_default().permuted_axes(to_canonical);
    let array = if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() };
    T::volume(array)
}

/// The samples of a `tzyxc` volume in the order `axes`, least significant bytes first.
pub(crate) fn little_endian_bytes(volume: &Volume, axes: &AxisOrder) -> Vec<u8> {
    let mut bytes = bytes_in_file_order(volume, axes);
    ByteOrder::Little.to_native(&mut bytes, volume.dtype().size());
    bytes
}

/// The samples of a `tzyxc` volume in the order `axes`, in the machine's byte order.
pub(super) fn bytes_in_file_order(volume: &Volume, axes: &AxisOrder) -> Vec<u8> {
    fn bytes<T: Sample + bytemuck::Pod>(array: &Array5<T>, order: [usize; 5]) -> Vec<u8> {
        let permuted = array.view().permuted_axes(order);
        let dense = permuted.as_standard_layout();
        dense.as_slice().map_or_else(Vec::new, |samples| bytemuck::cast_slice(samples).to_vec())
    }
    let order = five_axes(axes).map(|axis| axis as usize);
    crate::with_volume!(volume, array => bytes(array, order))
}

/// `axes` followed by the axes that it lacks.
fn five_axes(axes: &AxisOrder) -> [Axis; 5] {
    let missing = Axis::ALL.into_iter().filter(|&axis| !axes.contains(axis));
    let mut order = Axis::ALL;
    for (slot, axis) in order.iter_mut().zip(axes.axes().iter().copied().chain(missing)) {
        *slot = axis;
    }
    order
}

/// The sample type of an integer or float of `bits` bits, if there is one.
pub(super) fn dtype_of(float: bool, signed: bool, bits: usize) -> Option<DType> {
    Some(match (float, signed, bits) {
        (true, _, 32) => DType::F32,
        (true, _, 64) => DType::F64,
        (false, false, 8) => DType::U8,
        (false, false, 16) => DType::U16,
        (false, false, 32) => DType::U32,
        (false, false, 64) => DType::U64,
        (false, true, 8) => DType::I8,
        (false, true, 16) => DType::I16,
        (false, true, 32) => DType::I32,
        (false, true, 64) => DType::I64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_order_round_trips() {
        let data: Vec<u16> = (0..2 * 3 * 4).collect();
        let axes: AxisOrder = "xcz".parse().expect("axes");
        let volume = volume_from_file_order(data.clone(), &[2, 3, 4], &axes);
        assert_eq!(volume.shape(), [1, 4, 1, 2, 3]);
        assert_eq!(volume.sample([0, 3, 0, 1, 2]), 23.0);
        assert_eq!(volume.sample([0, 1, 0, 0, 2]), 9.0);
        assert_eq!(bytes_in_file_order(&volume, &axes), bytemuck::cast_slice::<u16, u8>(&data));
    }

    #[test]
    fn boxes_are_copied() {
        let source: Vec<u8> = (0..60).collect();
        let mut target = vec![0; 8];
        copy_box(1, &[2, 2, 2], (&source, &strides(&[3, 4, 5]), 20 + 5 + 2), (&mut target, &[4, 2, 1], 0));
        assert_eq!(target, [27, 28, 32, 33, 47, 48, 52, 53]);
    }
}
