//! The exact float walk: the definition of a forest's probabilities, which every faster path must equal
//! to the last bit.
//!
//! A pure leaf (one class has share 1) is one vote, counted as an integer; the shares of other leaves are
//! summed in tree order as 64-bit floats. The probability is (votes + sum) / trees, rounded once to 32
//! bits, so that votes may be counted in any order.

use ndarray::{Array2, ArrayView2};

use super::forest::{Forest, Node, Tree, pure_class};

impl Forest {
    /// Class probabilities of each row, axes row, class. The exact float walk, the reference for every
    /// faster path. A row with a NaN in a column that the forest tests ([`Forest::used_columns`]) gets 0
    /// in every class; infinities are compared like any number.
    pub fn predict_rows(&self, features: ArrayView2<'_, f32>) -> Array2<f32> {
        let used = self.used_columns();
        let mut out = Array2::zeros((features.nrows(), self.classes.len()));
        let mut votes = vec![0u32; self.classes.len()];
        let mut sums = vec![0f64; self.classes.len()];
        for (row, mut probabilities) in features.rows().into_iter().zip(out.rows_mut()) {
            if self.trees.is_empty() || used.iter().any(|&column| row[column as usize].is_nan()) {
                continue;
            }
            votes.fill(0);
            sums.fill(0.0);
            for tree in &self.trees {
                let shares = leaf_shares(tree, |column| row[column as usize]);
                match pure_class(shares) {
                    Some(class) => votes[class] += 1,
                    None => sums.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share),
                }
            }
            for ((p, &votes), &sum) in probabilities.iter_mut().zip(&votes).zip(&sums) {
                *p = probability(votes, sum, self.trees.len());
            }
        }
        out
    }
}

/// A class's probability from its pure votes, the sum of its shares in impure leaves, and the number of
/// trees.
pub(super) fn probability(votes: u32, sum: f64, trees: usize) -> f32 {
    ((f64::from(votes) + sum) / trees as f64) as f32
}

/// Class shares of the leaf that a pixel ends in; `feature` gives its features by column.
pub(super) fn leaf_shares(tree: &Tree, feature: impl Fn(u32) -> f32) -> &[f64] {
    let mut at = 0;
    loop {
        match &tree.nodes[at as usize] {
            Node::Leaf { shares, .. } => return shares,
            Node::Split { column, threshold, below, above } => {
                at = if f64::from(feature(*column)) < *threshold { *below } else { *above };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn stump(column: u32, threshold: f64, below: [f64; 2], above: [f64; 2]) -> Tree {
        Tree {
            nodes: vec![
                Node::Split { column, threshold, below: 1, above: 2 },
                Node::Leaf { shares: below.to_vec(), rows: 3.0 },
                Node::Leaf { shares: above.to_vec(), rows: 4.0 },
            ],
        }
    }

    #[test]
    fn a_hand_worked_forest() {
        let forest = Forest {
            trees: vec![stump(0, 1.5, [1.0, 0.0], [0.0, 1.0]), stump(0, 0.5, [0.25, 0.75], [0.0, 1.0])],
            classes: vec![1, 2],
            feature_count: 2,
        };
        let nan = f32::NAN;
        let features = array![[0.0, 0.0], [1.0, nan], [1.5, 0.0], [nan, 0.0], [f32::INFINITY, 0.0]];
        let expected = array![[0.625, 0.375], [0.5, 0.5], [0.0, 1.0], [0.0, 0.0], [0.0, 1.0]];
        assert_eq!(forest.predict_rows(features.view()), expected);
    }
}
