//! Mask traversal: 64 pixels go down a group of trees together, one bit each.
//!
//! A visited split compares the codes of its column for all 64 pixels, which parts its mask in two. Both
//! halves are written to their slots and to the end of a queue, whose end advances only past splits that
//! some pixel reached; so the loop has no branch to mispredict but its end, and as neighbouring pixels
//! mostly turn alike, few splits are visited. Splits of all trees of the group share the queue, which lets
//! the processor work on several at once.
//!
//! `unsafe` here: vector intrinsics, and reads and writes without bounds checks in the innermost loop,
//! whose indices [`Group`] fixes when the forest is compiled.
#![allow(unsafe_code)]

use super::layout::{Group, Split};

/// Pixels of a block.
pub(super) const PIXELS: usize = 64;

/// Codes of blocks: for each column [`PIXELS`] ranks, less half the type's range, in stored order.
pub(super) trait Code: Copy + Default {
    /// Where the code of a block's eight pixels from `8 * run` on is stored, in eights.
    fn stored_run(run: usize) -> usize;
    /// The code of a rank.
    fn of(rank: u16) -> Self;
    /// The bound of the codes that are below the threshold numbered `number`.
    fn bound(number: u16) -> i16;
    /// Bit per pixel, set where its code is less than `bound`, for [`PIXELS`] codes in stored order.
    fn less(codes: &[Self; PIXELS], bound: i16) -> u64;
    /// [`Code::less`] by AVX2.
    ///
    /// # Safety
    /// The processor has AVX2, and `codes` points to [`PIXELS`] codes.
    #[cfg(target_arch = "x86_64")]
    unsafe fn less_avx2(codes: *const Self, bound: i16) -> u64;
}

impl Code for i8 {
    fn stored_run(run: usize) -> usize {
        run
    }

    fn of(rank: u16) -> Self {
        (rank as u8 ^ 0x80) as i8
    }

    fn bound(number: u16) -> i16 {
        number as i16 + 1 - 128
    }

    #[inline(always)]
    fn less(codes: &[Self; PIXELS], bound: i16) -> u64 {
        let bits = |mask: u64, (at, &code): (usize, &i8)| mask | (u64::from(i16::from(code) < bound) << at);
        codes.iter().enumerate().fold(0, bits)
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn less_avx2(codes: *const Self, bound: i16) -> u64 {
        use std::arch::x86_64::*;
        let bound = _mm256_set1_epi8(bound as i8);
        // SAFETY: the caller's codes are 64 bytes.
        let (low, high) =
            unsafe { (_mm256_loadu_si256(codes.cast()), _mm256_loadu_si256(codes.add(32).cast())) };
        let low = _mm256_movemask_epi8(_mm256_cmpgt_epi8(bound, low)) as u32;
        let high = _mm256_movemask_epi8(_mm256_cmpgt_epi8(bound, high)) as u32;
        u64::from(low) | (u64::from(high) << 32)
    }
}

impl Code for i16 {
    /// Of four runs the middle two change places, which packing two vectors to bytes undoes.
    fn stored_run(run: usize) -> usize {
        match run % 4 {
            1 => run + 1,
            2 => run - 1,
            _ => run,
        }
    }

    fn of(rank: u16) -> Self {
        (rank ^ 0x8000) as i16
    }

    fn bound(number: u16) -> i16 {
        ((number + 1) ^ 0x8000) as i16
    }

    #[inline(always)]
    fn less(codes: &[Self; PIXELS], bound: i16) -> u64 {
        let runs = codes.chunks_exact(8).enumerate();
        runs.fold(0, |mask, (stored, run)| {
            let bits = |mask: u64, (at, &code): (usize, &i16)| mask | (u64::from(code < bound) << at);
            // Changing places twice changes nothing, so the stored run is also the run stored there.
            mask | (run.iter().enumerate().fold(0, bits) << (8 * Self::stored_run(stored)))
        })
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn less_avx2(codes: *const Self, bound: i16) -> u64 {
        use std::arch::x86_64::*;
        let bound = _mm256_set1_epi16(bound);
        // SAFETY: the caller's codes are four vectors long.
        let less =
            |at: usize| unsafe { _mm256_cmpgt_epi16(bound, _mm256_loadu_si256(codes.add(16 * at).cast())) };
        let low = _mm256_movemask_epi8(_mm256_packs_epi16(less(0), less(1))) as u32;
        let high = _mm256_movemask_epi8(_mm256_packs_epi16(less(2), less(3))) as u32;
        u64::from(low) | (u64::from(high) << 32)
    }
}

/// Splits waiting to be visited.
#[derive(Debug, Default)]
pub(super) struct Queue {
    splits: Vec<u32>,
    masks: Vec<u64>,
}

/// Sends the pixels of `codes` (axes column, pixel) down the trees of `group`, all 64; `slots` receives
/// the mask of each leaf.
pub(super) fn traverse<C: Code>(
    group: &Group,
    codes: &[C],
    queue: &mut Queue,
    slots: &mut Vec<u64>,
    use_avx2: bool,
) {
    slots.clear();
    slots.resize(group.slot_count(), 0);
    for &slot in &group.lone_leaves {
        slots[slot as usize] = u64::MAX;
    }
    // A split is queued at most once, and one more entry is written at the end.
    if queue.splits.len() <= group.splits.len() {
        queue.splits.resize(group.splits.len() + 1, 0);
        queue.masks.resize(group.splits.len() + 1, 0);
    }
    queue.splits[..group.roots.len()].copy_from_slice(&group.roots);
    queue.masks[..group.roots.len()].fill(u64::MAX);
    assert!(group.columns_end() <= codes.len(), "a split tests a column without codes");
    #[cfg(target_arch = "x86_64")]
    if use_avx2 {
        // SAFETY: `use_avx2` says that the processor has it.
        unsafe { visit_avx2(group, codes, queue, slots) };
        return;
    }
    let _ = use_avx2;
    visit(group, codes, queue, slots, |codes, bound| {
        // SAFETY: `visit` passes pointers to 64 codes of `codes`.
        C::less(unsafe { &*codes.cast::<[C; PIXELS]>() }, bound)
    });
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2")]
unsafe fn visit_avx2<C: Code>(group: &Group, codes: &[C], queue: &mut Queue, slots: &mut [u64]) {
    // SAFETY: as above, and this function is only called where there is AVX2.
    visit(group, codes, queue, slots, |codes, bound| unsafe { C::less_avx2(codes, bound) });
}

#[inline(always)]
fn visit<C: Code>(
    group: &Group,
    codes: &[C],
    queue: &mut Queue,
    slots: &mut [u64],
    less: impl Fn(*const C, i16) -> u64,
) {
    let (queued, masks) = (queue.splits.as_mut_ptr(), queue.masks.as_mut_ptr());
    let (splits, slots) = (group.splits.as_ptr(), slots.as_mut_ptr());
    let (mut head, mut tail) = (0, group.roots.len());
    while head < tail {
        // SAFETY: `head < tail <= splits.len()`, since each split has one parent and is queued at most
        // once; the queue holds one entry more than there are splits. `Group` makes children and slots
        // within bounds, and `traverse` has checked that every column has its codes.
        unsafe {
            let split: &Split = &*splits.add(*queued.add(head) as usize);
            let mask = *masks.add(head);
            head += 1;
            let is_below = less(codes.as_ptr().add(split.codes as usize), split.bound);
            let (below, above) = (mask & is_below, mask & !is_below);
            *slots.add(split.slots[0] as usize) |= below;
            *slots.add(split.slots[1] as usize) |= above;
            *queued.add(tail) = split.child;
            *masks.add(tail) = below;
            tail += usize::from(below != 0) & usize::from(split.is_split[0]);
            *queued.add(tail) = split.child + u32::from(split.is_split[0]);
            *masks.add(tail) = above;
            tail += usize::from(above != 0) & usize::from(split.is_split[1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<C: Code>(ranks: &[u16; PIXELS], numbers: &[u16]) {
        let mut codes = [C::default(); PIXELS];
        for (run, ranks) in ranks.chunks(8).enumerate() {
            for (at, &rank) in ranks.iter().enumerate() {
                codes[8 * C::stored_run(run) + at] = C::of(rank);
            }
        }
        for &number in numbers {
            let expected =
                ranks.iter().zip(0..).fold(0, |m, (&rank, i)| m | (u64::from(rank <= number) << i));
            assert_eq!(C::less(&codes, C::bound(number)), expected, "{number}");
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                // SAFETY: just detected, and the array holds 64 codes.
                assert_eq!(unsafe { C::less_avx2(codes.as_ptr(), C::bound(number)) }, expected, "{number}");
            }
        }
    }

    #[test]
    fn both_widths_compare_ranks() {
        check::<i8>(&std::array::from_fn(|i| (i * 97 % 256) as u16), &[0, 1, 127, 128, 200, 254]);
        check::<i16>(
            &std::array::from_fn(|i| (i * 40_009 % 65_536) as u16),
            &[0, 255, 32_767, 32_768, 65_534],
        );
    }
}
