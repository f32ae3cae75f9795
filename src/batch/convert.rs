//! Renormalisation and conversion of sample types, as ilastik's export does them.

use ndarray::Array5;

use crate::data::volume::Sample;
use crate::data::{DType, Volume};
use crate::with_volume;

/// A linear map of values: `from.0` becomes `to.0`, `from.1` becomes `to.1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Renormalization {
    /// Range before.
    pub from: (f64, f64),
    /// Range after.
    pub to: (f64, f64),
}

/// `volume` renormalised, then as samples of type `dtype`.
///
/// Float samples that are renormalised to integers are rounded to the nearest, halves to the even one;
/// without renormalisation they are truncated, as numpy casts. Values beyond the type's range saturate.
pub(super) fn convert(volume: Volume, renormalization: Option<Renormalization>, dtype: DType) -> Volume {
    fn to<S: Sample>(volume: &Volume, map: impl Fn(f64) -> f64 + Copy) -> Volume {
        fn cast<T: Sample, S: Sample>(array: &Array5<T>, map: impl Fn(f64) -> f64) -> Volume {
            S::volume(array.mapv(|value| S::from_f64(map(value.as_f64()))))
        }
        with_volume!(volume, array => cast::<_, S>(array, map))
    }
    fn to_dtype(volume: &Volume, dtype: DType, map: impl Fn(f64) -> f64 + Copy) -> Volume {
        match dtype {
            DType::U8 => to::<u8>(volume, map),
            DType::U16 => to::<u16>(volume, map),
            DType::U32 => to::<u32>(volume, map),
            DType::U64 => to::<u64>(volume, map),
            DType::I8 => to::<i8>(volume, map),
            DType::I16 => to::<i16>(volume, map),
            DType::I32 => to::<i32>(volume, map),
            DType::I64 => to::<i64>(volume, map),
            DType::F32 => to::<f32>(volume, map),
            DType::F64 => to::<f64>(volume, map),
        }
    }
    let Some(Renormalization { from, to }) = renormalization else {
        return if volume.dtype() == dtype { volume } else { to_dtype(&volume, dtype, |value| value) };
    };
    // In single precision, as the samples are: 255 * 0.7 has to come out as ilastik's.
    let slope = ((to.1 - to.0) / (from.1 - from.0)) as f32;
    let (low, base) = (from.0 as f32, to.0 as f32);
    let linear = move |value: f64| f64::from(base + (value as f32 - low) * slope);
    if dtype.is_float() {
        to_dtype(&volume, dtype, linear)
    } else {
        to_dtype(&volume, dtype, move |value| linear(value).round_ties_even())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(values: &[f32]) -> Volume {
        Array5::from_shape_vec((1, 1, 1, values.len(), 1), values.to_vec()).expect("shape").into()
    }

    fn samples(volume: &Volume) -> Vec<f64> {
        (0..volume.shape()[3]).map(|x| volume.sample([0, 0, 0, x, 0])).collect()
    }

    #[test]
    fn probabilities_become_bytes_by_rounding() {
        let map = Renormalization { from: (0.0, 1.0), to: (0.0, 255.0) };
        let bytes = convert(floats(&[0.0, 0.01, 0.5, 0.99, 1.0]), Some(map), DType::U8);
        assert_eq!(bytes.dtype(), DType::U8);
        assert_eq!(samples(&bytes), [0.0, 3.0, 128.0, 252.0, 255.0]);
    }

    #[test]
    fn a_plain_cast_truncates() {
        assert_eq!(
            samples(&convert(floats(&[0.99, 1.0, 300.0, -1.0]), None, DType::U8)),
            [0.0, 1.0, 255.0, 0.0]
        );
    }

    #[test]
    fn segmentations_spread_over_the_range() {
        let labels = Volume::from(Array5::from_shape_vec((1, 1, 1, 3, 1), vec![0u8, 1, 2]).expect("shape"));
        let map = Renormalization { from: (0.0, 2.0), to: (0.0, 255.0) };
        assert_eq!(samples(&convert(labels, Some(map), DType::U8)), [0.0, 128.0, 255.0]);
    }
}
