//! How large the blocks are that an image is computed in.
//!
//! The result does not depend on it; time and memory do: small blocks compute the filters' halo again
//! and again, large ones need memory and leave processors idle at the end. What the writers keep until
//! their files' own blocks are complete counts too.

use crate::data::BlockGrid;

/// Work of presmoothing a pixel of block and halo, relative to filtering and predicting one of the block.
const HALO_WORK: f64 = 0.15;
/// Sides tried along y and x.
const SIDES: [usize; 6] = [64, 128, 256, 512, 1024, 2048];
/// Depths tried along z.
const DEPTHS: [usize; 5] = [1, 16, 32, 64, 128];

/// What the choice depends on.
pub(super) struct Footprint<'a> {
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
    /// Bytes that the writers keep when blocks of a size (`zyx`) come.
    pub(super) kept: &'a dyn Fn([usize; 3]) -> u64,
}

/// What a writer that takes only its own units keeps while blocks of another shape come in `zyx` order:
/// the units that are begun and not complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    /// Extent of the image, `zyx`.
    pub(super) shape: [usize; 3],
    /// Extent of a unit, `zyx`.
    pub(super) unit: [usize; 3],
    /// Bytes of a pixel, all channels.
    pub(super) pixel_bytes: usize,
}

impl Begun {
    /// Whether every block of `block` pixels holds whole units only.
    pub(super) fn is_aligned(&self, block: [usize; 3]) -> bool {
        (0..3).all(|axis| self.is_aligned_along(axis, block))
    }

    fn is_aligned_along(&self, axis: usize, block: [usize; 3]) -> bool {
        block[axis].is_multiple_of(self.unit[axis].max(1)) || block[axis] >= self.shape[axis]
    }

    /// Most bytes that are kept for blocks of `block` pixels.
    pub(super) fn bytes(&self, block: [usize; 3]) -> u64 {
        // Along an axis, a block lies in units that reach over it on both sides.
        let reach: [usize; 3] = std::array::from_fn(|axis| {
            let unit = self.unit[axis].max(1);
            let over = if self.is_aligned_along(axis, block) { 0 } else { unit };
            (block[axis].next_multiple_of(unit) + over).min(self.shape[axis])
        });
        let [layer, row, column]: [usize; 3] = std::array::from_fn(|axis| {
            let is_cut = !self.is_aligned_along(axis, block);
            if is_cut { self.unit[axis].min(self.shape[axis]) } else { 0 }
        });
        let [_, height, width] = self.shape;
        // Units cut by the next layer of blocks, by the next row, by the next block.
        let pixels = layer * height * width + reach[0] * row * width + reach[0] * reach[1] * column;
        let begun_at_once = if self.is_aligned(block) { 0 } else { reach.iter().product() };
        (pixels + begun_at_once) as u64 * self.pixel_bytes as u64
    }
}

impl Footprint<'_> {
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

    /// Bytes that `count` blocks in flight take, and what the writers keep meanwhile.
    pub(super) fn total(&self, block: [usize; 3], count: usize) -> u64 {
        self.bytes(block).saturating_mul(count as u64).saturating_add((self.kept)(block))
    }

    /// How many blocks may be in flight within `memory` bytes: twice the threads, so that nobody waits
    /// for the block that is being written, or as many as fit, but one.
    pub(super) fn in_flight(&self, block: [usize; 3], threads: usize, memory: u64) -> usize {
        let left = memory.saturating_sub((self.kept)(block));
        let affordable = usize::try_from(left / self.bytes(block).max(1)).unwrap_or(usize::MAX);
        affordable.clamp(1, 2 * threads)
    }

    /// The block (`zyx`) that is done soonest by `threads` threads within `memory` bytes; the one that
    /// needs least where nothing fits.
    pub(super) fn block(&self, threads: usize, memory: u64) -> [usize; 3] {
        let fit = |axis: usize, size: usize| size.min(self.shape[axis]).max(1);
        let mut best: Option<([usize; 3], f64, u64)> = None;
        let depths = if self.halo[0] == 0 { &DEPTHS[..1] } else { &DEPTHS[1..] };
        for &z in depths {
            for y in SIDES {
                for x in SIDES {
                    let block = [fit(0, z), fit(1, y), fit(2, x)];
                    let bytes = self.total(block, threads);
                    let over = bytes > memory;
                    let time = self.makespan(block, threads);
                    let better = match best {
                        None => true,
                        Some((_, best_time, best_bytes)) => {
                            let best_over = best_bytes > memory;
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

    const NOTHING: &dyn Fn([usize; 3]) -> u64 = &|_| 0;

    fn plane(side: usize) -> Footprint<'static> {
        Footprint {
            shape: [1, side, side],
            times: 1,
            halo: [0, 38, 38],
            halo_bytes: 40,
            block_bytes: 40,
            kept: NOTHING,
        }
    }

    /// A volume of 8-bit samples, five presmoothed scales, two classes.
    fn volume(kept: &dyn Fn([usize; 3]) -> u64) -> Footprint<'_> {
        Footprint {
            shape: [1000, 2048, 2048],
            times: 1,
            halo: [20, 20, 20],
            halo_bytes: 5,
            block_bytes: 60,
            kept,
        }
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
            assert!(image.total(block, 4) <= memory, "{block:?} needs {}", image.total(block, 4));
        }
    }

    #[test]
    fn memory_bounds_blocks_and_writers_of_a_volume_much_larger() {
        let image = [1000, 2048, 2048];
        // Chunks, whole slices of a sequence, and nothing.
        let chunks = Begun { shape: image, unit: [32, 64, 64], pixel_bytes: 8 };
        let by_chunk = move |block| chunks.bytes(block);
        let slices = |block: [usize; 3]| (block[0] * 2048 * 2048) as u64;
        for kept in [NOTHING, &by_chunk, &slices] {
            for memory in [256_u64 << 20, 1 << 30] {
                for threads in [1, 2, 8] {
                    let footprint = volume(kept);
                    let block = footprint.block(threads, memory);
                    let count = footprint.in_flight(block, threads, memory);
                    let total = footprint.total(block, count);
                    assert!(
                        total <= memory,
                        "{threads} threads: {count} x {block:?} need {total} of {memory}"
                    );
                }
            }
        }
    }

    #[test]
    fn where_nothing_fits_one_small_block_is_in_flight() {
        let footprint = plane(20_000);
        let block = footprint.block(4, 1 << 16);
        assert_eq!(block, [1, 64, 64]);
        assert_eq!(footprint.in_flight(block, 4, 1 << 16), 1);
    }

    #[test]
    fn blocks_of_whole_units_keep_nothing() {
        let begun = Begun { shape: [100, 300, 500], unit: [32, 64, 64], pixel_bytes: 4 };
        for block in [[32, 64, 64], [64, 128, 256], [100, 64, 500], [128, 300, 64]] {
            assert_eq!(begun.bytes(block), 0, "{block:?}");
        }
        assert!(begun.bytes([16, 64, 64]) >= 32 * 300 * 500 * 4, "a layer of begun units");
    }
}
