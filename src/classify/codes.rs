//! Training rows as 8-bit codes per feature, for histograms.
//!
//! The up to 255 cuts of a feature come from the labelled rows themselves: every distinct value when there
//! are at most 256, which gives exactly ilastik's candidate splits, else cuts of about equal frequency.
//! So codes depend on nothing but the rows (never on what was viewed), a tile computed later can't fall
//! outside a range, and the threshold of a split is always placed between values of rows.

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::data::CancelToken;
use crate::data::task::Cancelled;

/// Most codes of a feature.
pub(super) const CODES: usize = 256;

/// Features and codes of rows, feature after feature.
#[derive(Debug)]
pub(super) struct Codes {
    rows: usize,
    values: Vec<f32>,
    codes: Vec<u8>,
}

impl Codes {
    /// Codes the rows `order` of `features` (axes row, feature), in that order.
    pub(super) fn new(
        features: ArrayView2<'_, f32>,
        order: &[u32],
        cancel: &CancelToken,
    ) -> Result<Self, Cancelled> {
        let rows = order.len();
        let mut values = vec![0.0; rows * features.ncols()];
        let mut codes = vec![0; rows * features.ncols()];
        if rows > 0 {
            values.par_chunks_mut(rows).zip(codes.par_chunks_mut(rows)).enumerate().try_for_each(
                |(column, (values, codes))| {
                    cancel.check()?;
                    let column = features.column(column);
                    for (value, &row) in values.iter_mut().zip(order) {
                        *value = column[row as usize];
                    }
                    code(values, codes);
                    Ok(())
                },
            )?;
        }
        Ok(Codes { rows, values, codes })
    }

    /// A feature's values.
    pub(super) fn values(&self, column: usize) -> &[f32] {
        &self.values[column * self.rows..][..self.rows]
    }

    /// A feature's codes. A smaller code means a smaller value.
    pub(super) fn codes(&self, column: usize) -> &[u8] {
        &self.codes[column * self.rows..][..self.rows]
    }
}

/// An integer that orders as the float does; the two zeros are one. Not for NaN.
pub(super) fn order_key(x: f32) -> u32 {
    let bits = (x + 0.0).to_bits();
    bits ^ (((bits as i32) >> 31) as u32 | 0x8000_0000)
}

fn code(values: &[f32], codes: &mut [u8]) {
    let mut sorted: Vec<u64> = values
        .iter()
        .enumerate()
        .map(|(row, &value)| (u64::from(order_key(value)) << 32) | row as u64)
        .collect();
    sorted.sort_unstable();
    let key = |at: usize| sorted[at] >> 32;
    let distinct = 1 + (1..sorted.len()).filter(|&at| key(at) != key(at - 1)).count();
    let (mut code, mut bin_start) = (0, 0);
    for at in 0..sorted.len() {
        let is_new_value = at > 0 && key(at) != key(at - 1);
        // A bin is full when it holds its share of the rows that were left at its start, so that a value
        // shared by most rows fills one bin and leaves the others to the rest.
        let share = (sorted.len() - bin_start) / (CODES - code);
        if is_new_value && code < CODES - 1 && (distinct <= CODES || at - bin_start >= share) {
            code += 1;
            bin_start = at;
        }
        codes[sorted[at] as u32 as usize] = code as u8;
    }
}

/// A threshold that parts two values: `below < threshold <= above`, the middle where floats allow it.
pub(super) fn threshold_between(below: f32, above: f32) -> f32 {
    let middle = ((f64::from(below) + f64::from(above)) / 2.0) as f32;
    if middle.is_finite() && below < middle && middle <= above { middle } else { above }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn coded(values: &[f32]) -> Vec<u8> {
        let mut codes = vec![0; values.len()];
        code(values, &mut codes);
        codes
    }

    #[test]
    fn few_values_get_a_code_each() {
        assert_eq!(coded(&[3.0, -1.0, 0.0, -0.0, 3.0, f32::INFINITY]), [2, 0, 1, 1, 2, 3]);
    }

    #[test]
    fn a_common_value_leaves_codes_for_the_rest() {
        let values: Vec<f32> = (0..10_000).map(|i| (i - 9_500).max(0) as f32).collect();
        let codes = coded(&values);
        let mut used = codes.clone();
        used.dedup();
        assert!(used.len() >= 200, "{} codes", used.len());
        let largest = (1..=255).map(|c| codes.iter().filter(|&&x| x == c).count()).max();
        assert!(largest <= Some(4), "{largest:?} rows in a bin of 2");
    }

    proptest! {
        #[test]
        fn codes_keep_the_order(values in prop::collection::vec(-50f32..50.0, 1..900)) {
            let codes = coded(&values);
            for i in 1..values.len() {
                let (a, b) = (values[i - 1], values[i]);
                let (low, high) = if a < b { (codes[i - 1], codes[i]) } else { (codes[i], codes[i - 1]) };
                prop_assert!(low <= high);
            }
        }

        #[test]
        fn thresholds_part(a in any::<f32>(), b in any::<f32>()) {
            prop_assume!(a < b);
            let t = threshold_between(a, b);
            prop_assert!(a < t && t <= b);
        }

        #[test]
        fn keys_order_as_floats(a in any::<f32>(), b in any::<f32>()) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            prop_assert_eq!(a < b, order_key(a) < order_key(b));
            prop_assert_eq!(a == b, order_key(a) == order_key(b));
        }
    }
}
