//! Training rows, and the fixed order in which they are worked on.

use std::cmp::Ordering;

use ndarray::{Array2, Axis};

use super::bags::mix;

/// Labelled pixels with their features.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Axes row, feature channel.
    pub features: Array2<f32>,
    /// Label value of each row, from 1.
    pub labels: Vec<u8>,
    /// A number that names the row's pixel (lane and voxel) wherever and whenever it was painted; bags
    /// are drawn from it.
    pub keys: Vec<u64>,
}

impl Rows {
    /// About `share` (0 to 1) of the rows: those whose pixels `seed` draws.
    pub fn sample(&self, share: f64, seed: u64) -> Rows {
        let limit = share * 2_f64.powi(64);
        let is_drawn = |key: u64| (mix(key ^ mix(seed)) as f64) < limit;
        let drawn: Vec<usize> = (0..self.keys.len()).filter(|&row| is_drawn(self.keys[row])).collect();
        Rows {
            features: self.features.select(Axis(0), &drawn),
            labels: drawn.iter().map(|&row| self.labels[row]).collect(),
            keys: drawn.iter().map(|&row| self.keys[row]).collect(),
        }
    }

    /// The rows fit to train on, in an order that depends on their contents alone: by key, then label,
    /// then features. Rows with a NaN are left out, as no threshold can place them, and so are rows
    /// without a label.
    pub(super) fn canonical_order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.labels.len() as u32)
            .filter(|&row| {
                self.labels[row as usize] != 0 && !self.features.row(row as usize).iter().any(|x| x.is_nan())
            })
            .collect();
        order.sort_unstable_by(|&a, &b| self.compare(a as usize, b as usize));
        order
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let bits = |row: usize| self.features.row(row).into_iter().map(|x| x.to_bits());
        (self.keys[a], self.labels[a]).cmp(&(self.keys[b], self.labels[b])).then_with(|| bits(a).cmp(bits(b)))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn order_is_that_of_the_contents() {
        let rows = Rows {
            features: array![[1.0], [3.0], [2.0], [f32::NAN], [5.0]],
            labels: vec![1, 2, 2, 1, 0],
            keys: vec![9, 4, 4, 0, 1],
        };
        assert_eq!(rows.canonical_order(), [2, 1, 0]);
    }
}
