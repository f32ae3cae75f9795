//! Cutting a box into blocks, the unit of computation and of caching.

use super::roi::{Roi, SpatialRoi};

/// A regular grid of blocks over an image of `shape` (`zyx`), anchored at the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockGrid {
    shape: [usize; 3],
    block: [usize; 3],
}

impl BlockGrid {
    /// A grid of blocks of `block` pixels (`zyx`, each at least 1) over an image of `shape`.
    pub fn new(shape: [usize; 3], block: [usize; 3]) -> Self {
        BlockGrid { shape, block: block.map(|n| n.max(1)) }
    }

    /// The image covered, `zyx`.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Number of blocks per axis.
    pub fn counts(&self) -> [usize; 3] {
        std::array::from_fn(|i| self.shape[i].div_ceil(self.block[i]))
    }

    /// The block at grid position `index`, clipped to the image.
    pub fn block(&self, index: [usize; 3]) -> SpatialRoi {
        Roi::new(
            std::array::from_fn(|i| (index[i] * self.block[i]).min(self.shape[i])),
            std::array::from_fn(|i| ((index[i] + 1) * self.block[i]).min(self.shape[i])),
        )
    }

    /// Grid positions of the blocks that touch `roi`, in `zyx` order.
    pub fn touching(&self, roi: &SpatialRoi) -> Vec<[usize; 3]> {
        let roi = roi.intersect(&Roi::whole(self.shape));
        if roi.is_empty() {
            return Vec::new();
        }
        let first: [usize; 3] = std::array::from_fn(|i| roi.start[i] / self.block[i]);
        let last: [usize; 3] = std::array::from_fn(|i| (roi.stop[i] - 1) / self.block[i]);
        let mut indices = Vec::new();
        for z in first[0]..=last[0] {
            for y in first[1]..=last[1] {
                indices.extend((first[2]..=last[2]).map(|x| [z, y, x]));
            }
        }
        indices
    }

    /// Grid positions of the blocks that touch `roi`, nearest to the pixel `from` (`zyx`) first.
    pub fn outward(&self, roi: &SpatialRoi, from: [usize; 3]) -> Vec<[usize; 3]> {
        let mut indices = self.touching(roi);
        let distance = |index: &[usize; 3]| -> usize {
            let block = self.block(*index);
            (0..3)
                .map(|i| {
                    let gap =
                        block.start[i].saturating_sub(from[i]) + (from[i] + 1).saturating_sub(block.stop[i]);
                    gap * gap
                })
                .sum()
        };
        indices.sort_by_key(|index| (distance(index), *index));
        indices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_tile_the_image() {
        let grid = BlockGrid::new([3, 10, 7], [2, 4, 4]);
        let blocks = grid.touching(&Roi::whole([3, 10, 7]));
        assert_eq!(blocks.len(), 2 * 3 * 2);
        assert_eq!(blocks.iter().map(|&i| grid.block(i).len()).sum::<usize>(), 3 * 10 * 7);
    }

    #[test]
    fn outward_starts_at_the_brush() {
        let grid = BlockGrid::new([1, 100, 100], [1, 10, 10]);
        let order = grid.outward(&Roi::whole([1, 100, 100]), [0, 55, 23]);
        assert_eq!(order[0], [0, 5, 2]);
        assert_eq!(order.len(), 100);
    }
}
