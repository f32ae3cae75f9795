//! Mask traversal: 64 pixels go down a group of trees together, one bit each.
//!
//! A visited split compares the values of its column for all 64 pixels, which parts its mask in two. Both
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

/// Where the value of a block's pixel is stored among its column's: the order that packing vectors of
/// comparisons to bytes undoes.
pub(super) const fn stored_at(pixel: usize) -> usize {
    (pixel & 0x23) | (pixel & 0x0C) << 1 | (pixel & 0x10) >> 2
}

/// Bit per pixel, set where its value is less than `reached`, for values in stored order.
#[inline(always)]
fn less(values: &[f32; PIXELS], reached: f32) -> u64 {
    let mut mask = 0;
    let mut pixel = 0;
    while pixel < PIXELS {
        mask |= u64::from(values[stored_at(pixel)] < reached) << pixel;
        pixel += 1;
    }
    mask
}

/// [`less`] by AVX2.
///
/// # Safety
/// The processor has AVX2, and `values` points to [`PIXELS`] floats.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn less_avx2(values: *const f32, reached: f32) -> u64 {
    use std::arch::x86_64::*;
    let reached = _mm256_set1_ps(reached);
    // SAFETY: the caller's values are eight vectors long.
    let less = |at: usize| unsafe {
        _mm256_castps_si256(_mm256_cmp_ps::<_CMP_GT_OQ>(reached, _mm256_loadu_ps(values.add(8 * at))))
    };
    let half = |at: usize| {
        let (low, high) =
            (_mm256_packs_epi32(less(at), less(at + 1)), _mm256_packs_epi32(less(at + 2), less(at + 3)));
        u64::from(_mm256_movemask_epi8(_mm256_packs_epi16(low, high)) as u32)
    };
    half(0) | (half(4) << 32)
}

/// Splits waiting to be visited.
#[derive(Debug, Default)]
pub(super) struct Queue {
    splits: Vec<u32>,
    masks: Vec<u64>,
}

/// Sends the pixels of `values` (axes column, pixel in stored order) down the trees of `group`, all 64;
/// `slots` receives the mask of each leaf.
pub(super) fn traverse(
    group: &Group,
    values: &[f32],
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
    assert!(group.values_end() <= values.len(), "a split tests a column without values");
    #[cfg(target_arch = "x86_64")]
    if use_avx2 {
        // SAFETY: `use_avx2` says that the processor has it.
        unsafe { visit_avx2(group, values, queue, slots) };
        return;
    }
    let _ = use_avx2;
    visit(group, values, queue, slots, |values, reached| {
        // SAFETY: `visit` passes pointers to 64 values of `values`.
        less(unsafe { &*values.cast::<[f32; PIXELS]>() }, reached)
    });
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2")]
unsafe fn visit_avx2(group: &Group, values: &[f32], queue: &mut Queue, slots: &mut [u64]) {
    // SAFETY: as above, and this function is only called where there is AVX2.
    visit(group, values, queue, slots, |values, reached| unsafe { less_avx2(values, reached) });
}

#[inline(always)]
fn visit(
    group: &Group,
    values: &[f32],
    queue: &mut Queue,
    slots: &mut [u64],
    less: impl Fn(*const f32, f32) -> u64,
) {
    let (queued, masks) = (queue.splits.as_mut_ptr(), queue.masks.as_mut_ptr());
    let (splits, slots) = (group.splits.as_ptr(), slots.as_mut_ptr());
    let (mut head, mut tail) = (0, group.roots.len());
    while head < tail {
        // SAFETY: `head < tail <= splits.len()`, since each split has one parent and is queued at most
        // once; the queue holds one entry more than there are splits. `Group` makes children and slots
        // within bounds, and `traverse` has checked that every column has its values.
        unsafe {
            let split: &Split = &*splits.add(*queued.add(head) as usize);
            let mask = *masks.add(head);
            head += 1;
            let is_below = less(values.as_ptr().add(split.values as usize), split.reached);
            let (below, above) = (mask & is_below, mask & !is_below);
            *slots.add(split.slots[0] as usize) |= below;
            *slots.add(split.slots[1] as usize) |= above;
            *queued.add(tail) = split.children[0];
            *masks.add(tail) = below;
            tail += usize::from(below & i64::from(split.is_split[0]) as u64 != 0);
            *queued.add(tail) = split.children[1];
            *masks.add(tail) = above;
            tail += usize::from(above & i64::from(split.is_split[1]) as u64 != 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_come_out_in_the_order_of_pixels() {
        let value = |pixel: usize| ((pixel * 37 % 64) as f32 - 31.5) * 0.25;
        let mut values = [f32::NAN; PIXELS];
        (0..PIXELS).for_each(|pixel| values[stored_at(pixel)] = value(pixel));
        for reached in [f32::NEG_INFINITY, -7.875, -3.0, -0.0, 0.125, 7.875, f32::INFINITY] {
            let expected = (0..PIXELS).fold(0, |m, pixel| m | (u64::from(value(pixel) < reached) << pixel));
            assert_eq!(less(&values, reached), expected, "{reached}");
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                // SAFETY: just detected, and the array holds 64 values.
                assert_eq!(unsafe { less_avx2(values.as_ptr(), reached) }, expected, "{reached}");
            }
        }
    }
}
