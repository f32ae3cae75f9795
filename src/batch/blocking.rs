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
    /// Bytes that a thread works in to compute a block of a size (`zyx`), beside its result.
    pub(super) working: &'a dyn Fn([usize; 3]) -> u64,
    /// Bytes of a pixel of the result.
    pub(super) result_bytes: usize,
    /// Bytes that the writers take when blocks of a size (`zyx`) come.
    pub(super) kept: &'a dyn Fn([usize; 3]) -> u64,
}

/// How an image is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// Extent of a block, `zyx`.
    pub(super) block: [usize; 3],
    /// Threads at work.
    pub(super) workers: usize,
    /// Most blocks that are taken and not yet written.
    pub(super) in_flight: usize,
    /// Bytes that it takes.
    pub(super) bytes: u64,
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

/// `block` (`zyx`) enlarged by `halo` on all sides, in an image of `shape`.
pub(super) fn enlarged(block: [usize; 3], halo: [usize; 3], shape: [usize; 3]) -> [usize; 3] {
    std::array::from_fn(|i| (block[i] + 2 * halo[i]).min(shape[i].max(block[i])))
}

impl Footprint<'_> {
    /// Estimated time with `workers` threads.
    fn makespan(&self, block: [usize; 3], workers: usize) -> f64 {
        let pixels: usize = block.iter().product();
        let read: usize = enlarged(block, self.halo, self.shape).iter().product();
        let blocks = BlockGrid::new(self.shape, block).counts().iter().product::<usize>() * self.times;
        blocks.div_ceil(workers) as f64 * (pixels as f64 + HALO_WORK * read as f64)
    }

    /// Bytes that `workers` threads take with `in_flight` blocks taken and not yet written.
    pub(super) fn bytes(&self, block: [usize; 3], workers: usize, in_flight: usize) -> u64 {
        let pixels = block.iter().product::<usize>() as u64;
        let result = pixels.saturating_mul(self.result_bytes as u64);
        (self.working)(block)
            .saturating_mul(workers as u64)
            .saturating_add(result.saturating_mul(in_flight as u64))
            .saturating_add((self.kept)(block))
    }

    /// Blocks of one size within `memory` bytes: as many threads as fit, but one, and twice as many blocks in
    /// flight, or what fits of that, so that nobody waits for the block that is being written.
    pub(super) fn with_block(&self, block: [usize; 3], threads: usize, memory: u64) -> Choice {
        let fits = |&(workers, in_flight): &(usize, usize)| self.bytes(block, workers, in_flight) <= memory;
        let fewer = (1..threads).rev().map(|workers| (workers, workers));
        let (workers, in_flight) = (threads..=2 * threads)
            .rev()
            .map(|in_flight| (threads, in_flight))
            .chain(fewer)
            .find(fits)
            .unwrap_or((1, 1));
        Choice { block, workers, in_flight, bytes: self.bytes(block, workers, in_flight) }
    }

    /// What is done soonest by up to `threads` threads within `memory` bytes; what needs least where nothing
    /// fits.
    pub(super) fn choose(&self, threads: usize, memory: u64) -> Choice {
        let fit = |axis: usize, size: usize| size.min(self.shape[axis]).max(1);
        let mut best: Option<(Choice, f64)> = None;
        let depths = if self.halo[0] == 0 { &DEPTHS[..1] } else { &DEPTHS[1..] };
        for &z in depths {
            for y in SIDES {
                for x in SIDES {
                    let choice = self.with_block([fit(0, z), fit(1, y), fit(2, x)], threads, memory);
                    let time = self.makespan(choice.block, choice.workers);
                    let is_better = best.is_none_or(|(best, best_time)| {
                        match (choice.bytes > memory, best.bytes > memory) {
                            (false, true) => true,
                            (true, false) => false,
                            (true, true) => choice.bytes < best.bytes,
                            // A few percent of time are not worth more memory.
                            (false, false) => {
                                time < 0.97 * best_time || (time < best_time && choice.bytes <= best.bytes)
                            }
                        }
                    });
                    if is_better {
                        best = Some((choice, time));
                    }
                }
            }
        }
        best.map_or_else(|| self.with_block(self.shape, threads, memory), |(choice, _)| choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: &dyn Fn([usize; 3]) -> u64 = &|_| 0;

    /// What a block takes with `per_read` bytes for each pixel read and `per_pixel` for each computed.
    fn work(
        halo: [usize; 3],
        shape: [usize; 3],
        per_read: usize,
        per_pixel: usize,
    ) -> impl Fn([usize; 3]) -> u64 {
        move |block| {
            let read: usize = enlarged(block, halo, shape).iter().product();
            (read * per_read + block.iter().product::<usize>() * per_pixel) as u64
        }
    }

    fn plane(side: usize) -> Footprint<'static> {
        let work = work([0, 38, 38], [1, side, side], 40, 30);
        Footprint {
            shape: [1, side, side],
            times: 1,
            halo: [0, 38, 38],
            working: Box::leak(Box::new(work)),
            result_bytes: 10,
            kept: NOTHING,
        }
    }

    /// A volume of 8-bit samples, five presmoothed scales, two classes.
    fn volume(kept: &dyn Fn([usize; 3]) -> u64) -> Footprint<'_> {
        let (shape, halo) = ([1000, 2048, 2048], [20, 20, 20]);
        let working = Box::leak(Box::new(work(halo, shape, 13, 52)));
        Footprint { shape, times: 1, halo, working, result_bytes: 8, kept }
    }

    #[test]
    fn all_processors_have_work() {
        for threads in [1, 2, 8] {
            let choice = plane(1024).choose(threads, 1 << 30);
            let count: usize = BlockGrid::new([1, 1024, 1024], choice.block).counts().iter().product();
            assert!(count >= threads, "{count} blocks: {choice:?} for {threads} threads");
            assert_eq!(choice.workers, threads);
        }
    }

    #[test]
    fn memory_bounds_the_block() {
        let image = plane(20_000);
        for memory in [8 << 20, 64 << 20, 1 << 30] {
            let choice = image.choose(4, memory);
            assert!(choice.bytes <= memory, "{choice:?}");
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
                    let Choice { block, workers, in_flight, bytes } = footprint.choose(threads, memory);
                    assert_eq!(bytes, footprint.bytes(block, workers, in_flight));
                    assert!(
                        bytes <= memory,
                        "{threads} threads: {in_flight} x {block:?} need {bytes} of {memory}"
                    );
                    assert!((1..=threads).contains(&workers) && (workers..=2 * threads).contains(&in_flight));
                }
            }
        }
    }

    #[test]
    fn fewer_threads_work_where_memory_is_short() {
        let footprint = plane(20_000);
        let one = footprint.bytes([1, 64, 64], 1, 1);
        assert_eq!(footprint.choose(8, one).workers, 1);
        assert_eq!(footprint.choose(8, 3 * one).workers, 3);
        assert_eq!(footprint.choose(8, 1 << 30).workers, 8);
    }

    #[test]
    fn where_nothing_fits_one_small_block_is_in_flight() {
        let footprint = plane(20_000);
        let choice = footprint.choose(4, 1 << 16);
        assert_eq!((choice.block, choice.workers, choice.in_flight), ([1, 64, 64], 1, 1));
        assert!(choice.bytes > 1 << 16);
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
