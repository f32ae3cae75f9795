//! Image data in memory: one of ten sample types over a `tzyxc` array.

use std::fmt;
use std::str::FromStr;

use ndarray::{Array5, ArrayView5, Axis as ArrayAxis, Slice, s};
use serde::{Deserialize, Serialize};

use super::roi::Roi5;

/// Calls `$body` with `$array` bound to the typed array inside a [`Volume`].
#[macro_export]
macro_rules! with_volume {
    ($volume:expr, $array:ident => $body:expr) => {
        match $volume {
            $crate::data::Volume::U8($array) => $body,
            $crate::data::Volume::U16($array) => $body,
            $crate::data::Volume::U32($array) => $body,
            $crate::data::Volume::U64($array) => $body,
            $crate::data::Volume::I8($array) => $body,
            $crate::data::Volume::I16($array) => $body,
            $crate::data::Volume::I32($array) => $body,
            $crate::data::Volume::I64($array) => $body,
            $crate::data::Volume::F32($array) => $body,
            $crate::data::Volume::F64($array) => $body,
        }
    };
}

/// A sample type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum DType {
    #[serde(rename = "uint8")]
    U8,
    #[serde(rename = "uint16")]
    U16,
    #[serde(rename = "uint32")]
    U32,
    #[serde(rename = "uint64")]
    U64,
    #[serde(rename = "int8")]
    I8,
    #[serde(rename = "int16")]
    I16,
    #[serde(rename = "int32")]
    I32,
    #[serde(rename = "int64")]
    I64,
    #[serde(rename = "float32")]
    F32,
    #[serde(rename = "float64")]
    F64,
}

impl DType {
    /// All sample types.
    pub const ALL: [DType; 10] = [
        DType::U8,
        DType::U16,
        DType::U32,
        DType::U64,
        DType::I8,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::F32,
        DType::F64,
    ];

    /// numpy's name, such as `uint16`.
    pub fn name(self) -> &'static str {
        match self {
            DType::U8 => "uint8",
            DType::U16 => "uint16",
            DType::U32 => "uint32",
            DType::U64 => "uint64",
            DType::I8 => "int8",
            DType::I16 => "int16",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::F32 => "float32",
            DType::F64 => "float64",
        }
    }

    /// Bytes per sample.
    pub fn size(self) -> usize {
        match self {
            DType::U8 | DType::I8 => 1,
            DType::U16 | DType::I16 => 2,
            DType::U32 | DType::I32 | DType::F32 => 4,
            DType::U64 | DType::I64 | DType::F64 => 8,
        }
    }

    /// Whether samples are floating-point numbers.
    pub fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }

    /// Smallest and largest value of an integer type; 0 and 1 for floats.
    pub fn range(self) -> (f64, f64) {
        match self {
            DType::U8 => (0.0, u8::MAX.into()),
            DType::U16 => (0.0, u16::MAX.into()),
            DType::U32 => (0.0, u32::MAX.into()),
            DType::U64 => (0.0, u64::MAX as f64),
            DType::I8 => (i8::MIN.into(), i8::MAX.into()),
            DType::I16 => (i16::MIN.into(), i16::MAX.into()),
            DType::I32 => (i32::MIN.into(), i32::MAX.into()),
            DType::I64 => (i64::MIN as f64, i64::MAX as f64),
            DType::F32 | DType::F64 => (0.0, 1.0),
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no sample type.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "'{0}' is not a sample type; use one of uint8, uint16, uint32, uint64, int8, int16, int32, int64, float32, float64"
)]
pub struct UnknownDType(pub String);

impl FromStr for DType {
    type Err = UnknownDType;

    fn from_str(name: &str) -> Result<Self, UnknownDType> {
        DType::ALL.into_iter().find(|d| d.name() == name).ok_or_else(|| UnknownDType(name.to_owned()))
    }
}

/// Image data, axes `tzyxc`.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Volume {
    U8(Array5<u8>),
    U16(Array5<u16>),
    U32(Array5<u32>),
    U64(Array5<u64>),
    I8(Array5<i8>),
    I16(Array5<i16>),
    I32(Array5<i32>),
    I64(Array5<i64>),
    F32(Array5<f32>),
    F64(Array5<f64>),
}

/// A sample that a [`Volume`] can hold, so that typed readers can wrap what they read.
pub trait Sample: Copy + Default + Send + Sync + 'static {
    /// Its sample type.
    const DTYPE: DType;
    /// Wraps an array of axes `tzyxc`.
    fn volume(array: Array5<Self>) -> Volume;
    /// As a 64-bit float (64-bit integers beyond 2^53 lose their last bits).
    fn as_f64(self) -> f64;
    /// As a 32-bit float, as numpy casts.
    fn as_f32(self) -> f32;
    /// From a float, truncated and saturated as Rust's `as`.
    fn from_f64(value: f64) -> Self;
}

macro_rules! samples {
    ($($t:ty => $v:ident),* $(,)?) => {$(
        impl Sample for $t {
            const DTYPE: DType = DType::$v;
            fn volume(array: Array5<Self>) -> Volume {
                Volume::$v(array)
            }
            #[allow(clippy::unnecessary_cast)]
            fn as_f64(self) -> f64 {
                self as f64
            }
            #[allow(clippy::unnecessary_cast)]
            fn as_f32(self) -> f32 {
                self as f32
            }
            #[allow(clippy::unnecessary_cast)]
            fn from_f64(value: f64) -> Self {
                value as $t
            }
        }

        impl From<Array5<$t>> for Volume {
            fn from(array: Array5<$t>) -> Volume {
                Volume::$v(array)
            }
        }
    )*};
}

samples! {
    u8 => U8, u16 => U16, u32 => U32, u64 => U64,
    i8 => I8, i16 => I16, i32 => I32, i64 => I64,
    f32 => F32, f64 => F64,
}

impl Volume {
    /// A volume of zeros; `shape` is `tzyxc`.
    pub fn zeros(dtype: DType, shape: [usize; 5]) -> Self {
        match dtype {
            DType::U8 => Array5::<u8>::zeros(shape).into(),
            DType::U16 => Array5::<u16>::zeros(shape).into(),
            DType::U32 => Array5::<u32>::zeros(shape).into(),
            DType::U64 => Array5::<u64>::zeros(shape).into(),
            DType::I8 => Array5::<i8>::zeros(shape).into(),
            DType::I16 => Array5::<i16>::zeros(shape).into(),
            DType::I32 => Array5::<i32>::zeros(shape).into(),
            DType::I64 => Array5::<i64>::zeros(shape).into(),
            DType::F32 => Array5::<f32>::zeros(shape).into(),
            DType::F64 => Array5::<f64>::zeros(shape).into(),
        }
    }

    /// The sample type.
    pub fn dtype(&self) -> DType {
        fn of<T: Sample>(_: &Array5<T>) -> DType {
            T::DTYPE
        }
        with_volume!(self, array => of(array))
    }

    /// Shape, `tzyxc`.
    pub fn shape(&self) -> [usize; 5] {
        with_volume!(self, array => array.dim()).into()
    }

    /// A copy of the box `roi`, which must lie inside.
    pub fn crop(&self, roi: &Roi5) -> Volume {
        fn crop<T: Sample>(array: &Array5<T>, roi: &Roi5) -> Volume {
            T::volume(view(array, roi).to_owned())
        }
        fn view<'a, T: Sample>(array: &'a Array5<T>, roi: &Roi5) -> ArrayView5<'a, T> {
            array.slice_each_axis(|ax| {
                let ArrayAxis(i) = ax.axis;
                Slice::from(roi.start[i]..roi.stop[i])
            })
        }
        with_volume!(self, array => crop(array, roi))
    }

    /// Every `step`-th pixel along each spatial axis, from the first.
    pub fn thinned(&self, step: usize) -> Volume {
        let thin = Slice::new(0, None, step as isize);
        with_volume!(self, array => {
            Volume::from(array.slice(s![.., thin, thin, thin, ..]).to_owned())
        })
    }

    /// All samples as 32-bit floats without scaling (as ilastik casts its input), axes `tzyxc`.
    pub fn to_f32(&self) -> Array5<f32> {
        fn cast<T: Sample>(array: &Array5<T>) -> Array5<f32> {
            array.mapv(Sample::as_f32)
        }
        with_volume!(self, array => cast(array))
    }

    /// One sample as a 64-bit float; `at` is `tzyxc` and must lie inside.
    pub fn sample(&self, at: [usize; 5]) -> f64 {
        fn get<T: Sample>(array: &Array5<T>, at: [usize; 5]) -> f64 {
            array[at].as_f64()
        }
        with_volume!(self, array => get(array, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for dtype in DType::ALL {
            assert_eq!(dtype.name().parse(), Ok(dtype));
            assert_eq!(Volume::zeros(dtype, [1, 1, 2, 3, 1]).dtype(), dtype);
        }
        assert!("float16".parse::<DType>().is_err());
    }

    #[test]
    fn thinning_keeps_every_step_th_pixel() {
        let array = Array5::from_shape_fn([1, 1, 5, 4, 2], |(.., y, x, c)| (100 * y + 10 * x + c) as u16);
        let thin = Volume::from(array).thinned(2);
        assert_eq!(thin.shape(), [1, 1, 3, 2, 2]);
        assert_eq!(thin.sample([0, 0, 2, 1, 1]), 421.0);
    }

    #[test]
    fn crops() {
        let array = Array5::from_shape_fn([1, 2, 3, 4, 1], |(_, z, y, x, _)| (100 * z + 10 * y + x) as u16);
        let crop = Volume::from(array).crop(&Roi5::new([0, 1, 1, 2, 0], [1, 2, 3, 4, 1]));
        assert_eq!(crop.shape(), [1, 1, 2, 2, 1]);
        assert_eq!(crop.sample([0, 0, 1, 1, 0]), 123.0);
    }
}
