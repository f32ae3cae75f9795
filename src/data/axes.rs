//! Axis keys and axis orders such as `zyx` or `yxc`.
//!
//! In memory every image is five-dimensional in the canonical order `tzyxc`; an [`AxisOrder`] says
//! which of those axes a file has, and in which order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One image axis; the discriminant is its position in the canonical order `tzyxc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Axis {
    /// Time.
    T = 0,
    /// Depth.
    Z = 1,
    /// Rows.
    Y = 2,
    /// Columns.
    X = 3,
    /// Channel.
    C = 4,
}

impl Axis {
    /// All axes in canonical order.
    pub const ALL: [Axis; 5] = [Axis::T, Axis::Z, Axis::Y, Axis::X, Axis::C];

    /// The lower-case key, as in an axis order.
    pub fn key(self) -> char {
        ['t', 'z', 'y', 'x', 'c'][self as usize]
    }

    /// The axis of a key, in either case.
    pub fn from_key(key: char) -> Option<Axis> {
        Axis::ALL.into_iter().find(|axis| axis.key() == key.to_ascii_lowercase())
    }
}

/// A sequence of distinct axes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AxisOrder(Vec<Axis>);

/// Why a text is not an axis order.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum AxisError {
    /// A letter that names no axis.
    #[error("'{0}' is not an axis; the axes are t, z, y, x and c")]
    Unknown(char),
    /// An axis that occurs twice.
    #[error("axis '{0}' occurs twice")]
    Repeated(char),
    /// x or y is missing.
    #[error("the axes '{0}' lack x or y")]
    NoPlane(String),
    /// The number of axes differs from the number of dimensions.
    #[error("'{axes}' names {} axes, the image has {dimensions} dimensions", axes.len())]
    WrongLength {
        /// The axes as given.
        axes: String,
        /// Dimensions of the image.
        dimensions: usize,
    },
}

impl AxisOrder {
    /// An order of the given axes.
    ///
    /// # Errors
    /// An axis that occurs twice.
    pub fn new(axes: impl IntoIterator<Item = Axis>) -> Result<Self, AxisError> {
        let mut seen = Vec::with_capacity(5);
        for axis in axes {
            if seen.contains(&axis) {
                return Err(AxisError::Repeated(axis.key()));
            }
            seen.push(axis);
        }
        Ok(AxisOrder(seen))
    }

    /// `tzyxc`, the order of everything in memory.
    pub fn canonical() -> Self {
        AxisOrder(Axis::ALL.to_vec())
    }

    /// ilastik's guess for an image without metadata: `yx`, `zyx` (`yxc` when the last dimension is
    /// at most 4), `zyxc`, `tzyxc`. `None` for other numbers of dimensions.
    pub fn guess(shape: &[usize]) -> Option<Self> {
        let text = match shape {
            [_, _] => "yx",
            [_, _, channels] if *channels <= 4 => "yxc",
            [_, _, _] => "zyx",
            [_, _, _, _] => "zyxc",
            [_, _, _, _, _] => "tzyxc",
            _ => return None,
        };
        text.parse().ok()
    }

    /// Checks that the order fits an image of `dimensions` dimensions and has x and y.
    ///
    /// # Errors
    /// A wrong number of axes, or x or y missing.
    pub fn fitting(self, dimensions: usize) -> Result<Self, AxisError> {
        if self.0.len() != dimensions {
            return Err(AxisError::WrongLength { axes: self.to_string(), dimensions });
        }
        if !self.contains(Axis::X) || !self.contains(Axis::Y) {
            return Err(AxisError::NoPlane(self.to_string()));
        }
        Ok(self)
    }

    /// The axes, outermost first.
    pub fn axes(&self) -> &[Axis] {
        &self.0
    }

    /// Number of axes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no axis.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `axis` occurs.
    pub fn contains(&self, axis: Axis) -> bool {
        self.0.contains(&axis)
    }

    /// Position of `axis` in this order.
    pub fn position(&self, axis: Axis) -> Option<usize> {
        self.0.iter().position(|&a| a == axis)
    }

    /// A shape in this order as a canonical `tzyxc` shape, missing axes 1.
    pub fn canonical_shape(&self, shape: &[usize]) -> [usize; 5] {
        let mut canonical = [1; 5];
        for (&axis, &size) in self.0.iter().zip(shape) {
            canonical[axis as usize] = size;
        }
        canonical
    }

    /// The entries of a canonical `tzyxc` array of values, picked in this order.
    pub fn pick<T: Copy>(&self, canonical: &[T; 5]) -> Vec<T> {
        self.0.iter().map(|&axis| canonical[axis as usize]).collect()
    }
}

impl FromStr for AxisOrder {
    type Err = AxisError;

    fn from_str(text: &str) -> Result<Self, AxisError> {
        let axes: Result<Vec<Axis>, AxisError> =
            text.chars().map(|key| Axis::from_key(key).ok_or(AxisError::Unknown(key))).collect();
        AxisOrder::new(axes?)
    }
}

impl fmt::Display for AxisOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|axis| write!(f, "{}", axis.key()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_prints() {
        let order: AxisOrder = "ZYxc".parse().expect("valid");
        assert_eq!(order.to_string(), "zyxc");
        assert_eq!(order.canonical_shape(&[5, 6, 7, 3]), [1, 5, 6, 7, 3]);
        assert_eq!(order.pick(&[9, 5, 6, 7, 3]), [5, 6, 7, 3]);
    }

    #[test]
    fn names_the_mistake() {
        assert_eq!("yxq".parse::<AxisOrder>(), Err(AxisError::Unknown('q')));
        assert_eq!("yxy".parse::<AxisOrder>(), Err(AxisError::Repeated('y')));
        assert!(matches!("zy".parse::<AxisOrder>().and_then(|o| o.fitting(2)), Err(AxisError::NoPlane(_))));
        assert!(matches!(
            "yx".parse::<AxisOrder>().and_then(|o| o.fitting(3)),
            Err(AxisError::WrongLength { .. })
        ));
    }

    #[test]
    fn guesses_as_ilastik() {
        for (shape, expect) in [
            (&[4, 5][..], "yx"),
            (&[9, 9, 3], "yxc"),
            (&[9, 9, 5], "zyx"),
            (&[9, 9, 9, 1], "zyxc"),
            (&[2, 9, 9, 9, 1], "tzyxc"),
        ] {
            assert_eq!(AxisOrder::guess(shape).expect("guess").to_string(), expect);
        }
        assert_eq!(AxisOrder::guess(&[4]), None);
    }
}
