//! Half-open boxes in pixel coordinates.

use std::fmt;

/// A half-open box `start..stop` in `N` dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Roi<const N: usize> {
    /// First index per axis.
    pub start: [usize; N],
    /// One past the last index per axis.
    pub stop: [usize; N],
}

/// A box in the canonical order `tzyxc`.
pub type Roi5 = Roi<5>;
/// A box in space, order `zyx`.
pub type SpatialRoi = Roi<3>;

impl<const N: usize> Roi<N> {
    /// The box `start..stop`; a stop below its start is raised to it, which makes the box empty.
    pub fn new(start: [usize; N], stop: [usize; N]) -> Self {
        Roi { start, stop: std::array::from_fn(|i| stop[i].max(start[i])) }
    }

    /// The box that covers an array of `shape`.
    pub fn whole(shape: [usize; N]) -> Self {
        Roi { start: [0; N], stop: shape }
    }

    /// Extent per axis.
    pub fn shape(&self) -> [usize; N] {
        std::array::from_fn(|i| self.stop[i] - self.start[i])
    }

    /// Number of pixels.
    pub fn len(&self) -> usize {
        self.shape().iter().product()
    }

    /// Whether the box holds no pixel.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the box holds the pixel `at`.
    pub fn contains(&self, at: [usize; N]) -> bool {
        (0..N).all(|i| (self.start[i]..self.stop[i]).contains(&at[i]))
    }

    /// Whether all of `other` lies inside.
    pub fn encloses(&self, other: &Self) -> bool {
        (0..N).all(|i| self.start[i] <= other.start[i] && other.stop[i] <= self.stop[i])
    }

    /// The common part; empty when there is none.
    pub fn intersect(&self, other: &Self) -> Self {
        Roi::new(
            std::array::from_fn(|i| self.start[i].max(other.start[i])),
            std::array::from_fn(|i| self.stop[i].min(other.stop[i])),
        )
    }

    /// The smallest box that holds both.
    pub fn union(&self, other: &Self) -> Self {
        Roi {
            start: std::array::from_fn(|i| self.start[i].min(other.start[i])),
            stop: std::array::from_fn(|i| self.stop[i].max(other.stop[i])),
        }
    }

    /// Grown by `halo` on each side, clipped to an image of `shape`.
    pub fn enlarge(&self, halo: [usize; N], shape: [usize; N]) -> Self {
        Roi::new(
            std::array::from_fn(|i| self.start[i].saturating_sub(halo[i])),
            std::array::from_fn(|i| (self.stop[i] + halo[i]).min(shape[i])),
        )
    }

    /// The same box with `origin` as the new zero; `origin` must not exceed `start`.
    pub fn relative_to(&self, origin: [usize; N]) -> Self {
        Roi {
            start: std::array::from_fn(|i| self.start[i] - origin[i]),
            stop: std::array::from_fn(|i| self.stop[i] - origin[i]),
        }
    }
}

impl Roi5 {
    /// The spatial part, `zyx`.
    pub fn spatial(&self) -> SpatialRoi {
        Roi {
            start: [self.start[1], self.start[2], self.start[3]],
            stop: [self.stop[1], self.stop[2], self.stop[3]],
        }
    }
}

impl SpatialRoi {
    /// This box at time `t` with the channels `0..channels`.
    pub fn at(&self, t: usize, channels: usize) -> Roi5 {
        Roi {
            start: [t, self.start[0], self.start[1], self.start[2], 0],
            stop: [t + 1, self.stop[0], self.stop[1], self.stop[2], channels],
        }
    }
}

impl<const N: usize> fmt::Display for Roi<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[")?;
        for i in 0..N {
            write!(f, "{}{}:{}", if i > 0 { ", " } else { "" }, self.start[i], self.stop[i])?;
        }
        write!(f, "]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enlarges_within_the_image() {
        let roi = Roi::new([0, 4], [3, 9]);
        assert_eq!(roi.enlarge([2, 2], [4, 20]), Roi::new([0, 2], [4, 11]));
    }

    #[test]
    fn disjoint_boxes_intersect_to_nothing() {
        let roi = Roi::new([0, 0], [3, 3]).intersect(&Roi::new([5, 1], [6, 2]));
        assert!(roi.is_empty());
    }
}
