//! How large the blocks are that an image is computed in.
//!
//! The result does not depend on it; time and memory do: small blocks compute the filters' halo again
//! and again, large ones need memory and leave processors idle at the end.

use crate::data::BlockGrid;

/// Work of presmoothing a pixel of block and halo, relative to filtering and predicting one of the block.
const HALO_WORK: f64 = 0.15;
/// Sides tried along y and x.
const SIDES: [usize; 6] = [64, 128, 256, 512, 1024, 2048];
/// Depths tried along z.
const DEPTHS: [usize; 5] = [1, 16, 32, 64, 128];

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Footprint {
    /// Extent to be computed, `zyx`.
    pub(super) shape: [usize; 3],
    /// Time points to be computed.
    pub(super) times: usize,
    /// Halo of the filters, `zyx`.
    pub(super) halo: [usize; 3],
    /// Bytes needed for each pixel of a block with its halo.
    pub(super) halo_bytes: usize,
    /// Bytes needed for each pixel of a block.
    pub(super) block_bytes: usize,
}

impl Footprint {
    fn enlarged(&self, block: [usize; 3]) -> usize {
        (0..3).map(|i| (block[i] + 2 * self.halo[i]).min(self.shape[i].max(block[i]))).product()
    }

    /// Bytes that one block in flight takes.
    pub(super) fn bytes(&self, block: [usize; 3]) -> u64 {
        let pixels: usize = block.iter().product();
        self.enlarged(block) as u64 * self.halo_bytes as u64 + pixels as u64 * self.block_bytes as u64
    }

    /// Estimated time with `threads` at work.
    fn makespan(&self, block: [usize; 3], threads: usize) -> f64 {
        let pixels: usize = block.iter().product();
        let blocks = BlockGrid::new(self.shape, block).counts().iter().product::<usize>() * self.times;
        blocks.div_ceil(threads) as f64 * (pixels as f64 + HALO_WORK * self.enlarged(block) as f64)
    }

    /// The block (`zyx`) that is done soonest by `threads` threads within `memory` bytes; the smallest
    /// one where nothing fits.
    pub(super) fn block(&self, threads: usize, memory: u64) -> [usize; 3] {
        let fit = |axis: usize, size: usize| size.min(self.shape[axis]).max(1);
        let mut best: Option<([usize; 3], f64, u64)> = None;
        let depths = if self.halo[0] == 0 { &DEPTHS[..1] } else { &DEPTHS[1..] };
        for &z in depths {
            for y in SIDES {
                for x in SIDES {
                    let block = [fit(0, z), fit(1, y), fit(2, x)];
                    let bytes = self.bytes(block);
                    let over = bytes.saturating_mul(threads as u64) > memory;
                    let time = self.makespan(block, threads);
                    let better = match best {
                        None => true,
                        Some((_, best_time, best_bytes)) => {
                            let best_over = best_bytes.saturating_mul(threads as u64) > memory;
                            match (over, best_over) {
                                (false, true) => true,
                                (true, false) => false,
                                (true, true) => bytes < best_bytes,
                                // A few percent of time are not worth more memory.
                                (false, false) => {
                                    time < 0.97 * best_time || (time < best_time && bytes <= best_bytes)
                                }
                            }
                        }
                    };
                    if better {
                        best = Some((block, time, bytes));
                    }
                }
            }
        }
        best.map_or(self.shape, |(block, ..)| block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(side: usize) -> Footprint {
        Footprint { shape: [1, side, side], times: 1, halo: [0, 38, 38], halo_bytes: 40, block_bytes: 40 }
    }

    #[test]
    fn all_processors_have_work() {
        for threads in [1, 2, 8] {
            let block = plane(1024).block(threads, 1 << 30);
            let count: usize = BlockGrid::new([1, 1024, 1024], block).counts().iter().product();
            assert!(count >= threads, "{count} blocks {block:?} for {threads} threads");
        }
    }

    #[test]
    fn memory_bounds_the_block() {
        let image = plane(20_000);
        for memory in [8 << 20, 64 << 20, 1 << 30] {
            let block = image.block(4, memory);
            assert!(image.bytes(block) * 4 <= memory, "{block:?} needs {} x 4", image.bytes(block));
        }
    }
}
