//! Rank coding: a feature as the number of the forest's own thresholds that it reaches.
//!
//! `x < threshold[j]` is the same as `rank(x) <= j`, so whole-number ranks take every turn that the floats
//! take, exactly. A rank is looked up by the leading bits of the float's order and settled by a few steps
//! of binary search.
//!
//! `unsafe` here: vector intrinsics. Coding is most of the work of predicting with a small forest.
#![allow(unsafe_code)]

use super::codes::order_key;
use super::traverse::PIXELS;

/// Thresholds that ranks of 16 bits can tell apart.
pub(super) const MOST_THRESHOLDS: usize = u16::MAX as usize;
/// Thresholds up to which comparing with all is quicker than searching.
const MOST_COMPARED: usize = 64;
const MOST_BUCKETS: usize = 4096;

/// The thresholds of one column.
#[derive(Debug)]
pub(super) struct Ranks {
    /// Order keys of the thresholds, ascending, followed by keys that nothing reaches.
    keys: Vec<u32>,
    lowest: u32,
    highest: u32,
    shift: u32,
    /// Number of thresholds before each bucket of keys, and one entry more.
    starts: Vec<u16>,
    /// First stride of the search within a bucket: a power of two, or 0 when there is nothing to search.
    stride: usize,
}

/// The smallest 32-bit float that a pixel must reach to go above, for which `x < threshold` (by 64 bits)
/// is false. Nothing is below a NaN.
pub(super) fn reached_at(threshold: f64) -> f32 {
    if threshold.is_nan() {
        return f32::NEG_INFINITY;
    }
    let nearest = threshold as f32;
    if f64::from(nearest) < threshold { nearest.next_up() } else { nearest }
}

impl Ranks {
    /// From the thresholds of a column, at least one, in any order.
    pub(super) fn new(thresholds: impl Iterator<Item = f64>) -> Self {
        let mut keys: Vec<u32> = thresholds.map(|t| order_key(reached_at(t))).collect();
        keys.sort_unstable();
        keys.dedup();
        let count = keys.len();
        let lowest = keys.first().map_or(0, |key| key - 1);
        let highest = keys.last().copied().unwrap_or(1);
        let buckets = (4 * count).next_power_of_two().clamp(64, MOST_BUCKETS);
        let shift = (0..32).find(|&s| ((highest - lowest) >> s) < buckets as u32).unwrap_or(31);
        let mut starts = vec![0u16; ((highest - lowest) >> shift) as usize + 1];
        let bucket_of = |key: u32| ((key - lowest) >> shift) as usize;
        for (bucket, start) in starts.iter_mut().enumerate() {
            *start = keys.partition_point(|&key| bucket_of(key) < bucket) as u16;
        }
        starts.push(count as u16);
        let fullest = keys.chunk_by(|&a, &b| bucket_of(a) == bucket_of(b)).map(<[u32]>::len).max();
        let stride = fullest.map_or(0, |n| (n + 1).next_power_of_two() / 2);
        keys.resize(count + 2 * stride, u32::MAX);
        Ranks { keys, lowest, highest, shift, starts, stride }
    }

    /// Number of a threshold that is one of the column's.
    pub(super) fn number_of(&self, threshold: f64) -> u16 {
        let key = order_key(reached_at(threshold));
        self.keys.partition_point(|&k| k < key) as u16
    }

    /// Number of distinct thresholds.
    pub(super) fn count(&self) -> usize {
        self.keys.partition_point(|&key| key <= self.highest)
    }

    /// Ranks of a block's values; those of NaN are arbitrary.
    pub(super) fn ranks(&self, values: &[f32; PIXELS], use_avx2: bool) -> [u16; PIXELS] {
        let mut ranks = [0; PIXELS];
        #[cfg(target_arch = "x86_64")]
        if use_avx2 {
            // SAFETY: `use_avx2` says that the processor has it.
            unsafe { self.ranks_avx2(values, &mut ranks) };
            return ranks;
        }
        let _ = use_avx2;
        ranks.iter_mut().zip(values).for_each(|(rank, &x)| *rank = self.rank(order_key(x)) as u16);
        ranks
    }

    /// Number of thresholds that a float, by its order key, reaches.
    fn rank(&self, key: u32) -> usize {
        let key = key.clamp(self.lowest, self.highest);
        let mut reached = usize::from(self.starts[((key - self.lowest) >> self.shift) as usize]);
        let mut stride = self.stride;
        while stride > 0 {
            // Keys past the bucket's are larger, so the search may look beyond it.
            reached += if self.keys[reached + stride - 1] <= key { stride } else { 0 };
            stride /= 2;
        }
        reached
    }

    /// [`Self::ranks`]. Neighbouring pixels are alike, so few thresholds lie between the least and the
    /// greatest of a block: the values are compared with each of those, 32 at a time.
    ///
    /// # Safety
    /// The processor has AVX2.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn ranks_avx2(&self, values: &[f32; PIXELS], ranks: &mut [u16; PIXELS]) {
        use std::arch::x86_64::*;
        // Order keys as signed integers, which AVX2 can compare.
        let mut keys = [_mm256_setzero_si256(); PIXELS / 8];
        for (keys, values) in keys.iter_mut().zip(values.chunks_exact(8)) {
            // SAFETY: a load of eight values.
            let x = unsafe { _mm256_loadu_ps(values.as_ptr()) };
            let bits = _mm256_castps_si256(_mm256_add_ps(x, _mm256_setzero_ps()));
            *keys = _mm256_xor_si256(bits, _mm256_srli_epi32::<1>(_mm256_srai_epi32::<31>(bits)));
        }
        let (mut least, mut greatest) = (keys[0], keys[0]);
        for &key in &keys[1..] {
            (least, greatest) = (_mm256_min_epi32(least, key), _mm256_max_epi32(greatest, key));
        }
        let (mut lanes_least, mut lanes_greatest) = ([0i32; 8], [0i32; 8]);
        // SAFETY: stores of eight values.
        unsafe {
            _mm256_storeu_si256(lanes_least.as_mut_ptr().cast(), least);
            _mm256_storeu_si256(lanes_greatest.as_mut_ptr().cast(), greatest);
        }
        let least = lanes_least.iter().fold(i32::MAX, |a, &b| a.min(b));
        let greatest = lanes_greatest.iter().fold(i32::MIN, |a, &b| a.max(b));
        let unsigned = |key: i32| key as u32 ^ 0x8000_0000;
        let (first, end) = (self.rank(unsigned(least)), self.rank(unsigned(greatest)));
        if end - first > MOST_COMPARED {
            // SAFETY: AVX2, as here.
            unsafe { self.search_avx2(values, ranks) };
            return;
        }
        for (keys, ranks) in keys.chunks_exact(4).zip(ranks.chunks_exact_mut(32)) {
            let mut reached = [_mm256_set1_epi32(end as i32); 4];
            for &bound in &self.keys[first..end] {
                let bound = _mm256_set1_epi32(unsigned(bound as i32) as i32);
                for (reached, &key) in reached.iter_mut().zip(keys) {
                    // A comparison that holds is -1.
                    *reached = _mm256_add_epi32(*reached, _mm256_cmpgt_epi32(bound, key));
                }
            }
            for (reached, ranks) in reached.iter().zip(ranks.chunks_exact_mut(8)) {
                let (low, high) = (_mm256_castsi256_si128(*reached), _mm256_extracti128_si256::<1>(*reached));
                // SAFETY: a store of eight ranks.
                unsafe { _mm_storeu_si128(ranks.as_mut_ptr().cast(), _mm_packus_epi32(low, high)) };
            }
        }
    }

    /// [`Self::ranks`], by search, eight values at a time.
    ///
    /// # Safety
    /// The processor has AVX2.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn search_avx2(&self, values: &[f32; PIXELS], ranks: &mut [u16; PIXELS]) {
        use std::arch::x86_64::*;
        let lowest = _mm256_set1_epi32(self.lowest as i32);
        let highest = _mm256_set1_epi32(self.highest as i32);
        let shift = _mm_cvtsi32_si128(self.shift as i32);
        for (values, ranks) in values.chunks_exact(8).zip(ranks.chunks_exact_mut(8)) {
            // SAFETY: loads and stores are of eight values. A clamped key's bucket is one of `starts`,
            // which has an entry more, since two of 16 bits are read at a time; the search ends within
            // `keys`, which has twice the first stride more.
            unsafe {
                let x = _mm256_add_ps(_mm256_loadu_ps(values.as_ptr()), _mm256_setzero_ps());
                let bits = _mm256_castps_si256(x);
                let flip = _mm256_or_si256(_mm256_srai_epi32::<31>(bits), _mm256_set1_epi32(i32::MIN));
                let key = _mm256_xor_si256(bits, flip);
                let key = _mm256_min_epu32(_mm256_max_epu32(key, lowest), highest);
                let bucket = _mm256_srl_epi32(_mm256_sub_epi32(key, lowest), shift);
                let starts = _mm256_i32gather_epi32::<2>(self.starts.as_ptr().cast(), bucket);
                let mut reached = _mm256_and_si256(starts, _mm256_set1_epi32(0xFFFF));
                let mut stride = self.stride;
                while stride > 0 {
                    let at = self.keys.as_ptr().add(stride - 1);
                    let bound = _mm256_i32gather_epi32::<4>(at.cast(), reached);
                    let is_reached = _mm256_cmpeq_epi32(_mm256_max_epu32(bound, key), key);
                    let step = _mm256_and_si256(is_reached, _mm256_set1_epi32(stride as i32));
                    reached = _mm256_add_epi32(reached, step);
                    stride /= 2;
                }
                let (low, high) = (_mm256_castsi256_si128(reached), _mm256_extracti128_si256::<1>(reached));
                _mm_storeu_si128(ranks.as_mut_ptr().cast(), _mm_packus_epi32(low, high));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_float() -> impl Strategy<Value = f32> {
        prop_oneof![
            any::<f32>(),
            -2f32..2.0,
            Just(0.0),
            Just(-0.0),
            Just(f32::INFINITY),
            Just(f32::NEG_INFINITY)
        ]
    }

    proptest! {
        #[test]
        fn a_rank_takes_the_turns_of_the_float(
            thresholds in prop::collection::vec(
                prop_oneof![any::<f64>(), -2f64..2.0, any_float().prop_map(f64::from)], 1..600),
            values in prop::collection::vec(any_float(), 8),
            near in 0..600usize,
        ) {
            let ranks = Ranks::new(thresholds.iter().copied());
            let mut values: [f32; PIXELS] = std::array::from_fn(|i| values[i % 8]);
            values[0] = thresholds[near % thresholds.len()] as f32;
            values[1] = values[0].next_down();
            let found = ranks.ranks(&values, false);
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                let vectors = ranks.ranks(&values, true);
                for i in (0..PIXELS).filter(|&i| !values[i].is_nan()) {
                    prop_assert_eq!(vectors[i], found[i]);
                }
            }
            for (&x, rank) in values.iter().zip(found).take(8) {
                for &threshold in thresholds.iter().filter(|_| !x.is_nan()) {
                    prop_assert_eq!(
                        f64::from(x) < threshold, rank <= ranks.number_of(threshold), "{} < {}", x, threshold);
                }
            }
        }
    }

    #[test]
    fn alike_and_unlike_values() {
        let ranks = Ranks::new((0..1000).map(f64::from));
        for step in [0.0, 0.1, 1.0, 2.5, 40.0] {
            let values: [f32; PIXELS] = std::array::from_fn(|i| 500.5 + step * (i as f32 - 30.0));
            let expected = values.map(|x| (x.floor() as i32 + 1).clamp(0, 1000) as u16);
            assert_eq!(ranks.ranks(&values, false), expected);
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                assert_eq!(ranks.ranks(&values, true), expected, "step {step}");
            }
        }
    }

    #[test]
    fn crowded_thresholds() {
        let thresholds: Vec<f64> = (0..5000).map(|i| 1e-30 * f64::from(i)).chain([1e30, -1e30]).collect();
        let ranks = Ranks::new(thresholds.iter().copied());
        assert_eq!(ranks.count(), 5002);
        let x = 2500.5e-30;
        assert_eq!(ranks.ranks(&[x; PIXELS], false), [2502; PIXELS]);
    }
}
