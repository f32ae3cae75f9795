//! Which features a forest relies on: variable importance by permutation of rows outside the bags, and by
//! Gini gain, as ilastik's table shows them.
//!
//! For one tree, let the rows outside its bag be judged by it, once as they are and once with the values
//! of one feature exchanged among them at random. The feature's importance for a class is the number of
//! rows of that class judged rightly before minus after, divided by the number of rows outside the bag;
//! overall it is the same over rows of all classes. The Gini importance is the sum of the impurity gains
//! of all splits at the feature, where a node of n rows, n_c of class c, has the impurity
//! sum n_c (1 - n_c / n), halved for two classes as VIGRA does. All are means over the trees.

use ndarray::{Array2, Zip};
use rayon::prelude::*;

use super::bags::{TreeSeed, mix};
use super::forest::{Forest, Node, Tree};
use super::rows::Rows;
use super::walk::leaf_shares;
use crate::data::CancelToken;
use crate::data::task::Cancelled;

/// How much a forest relies on each of its feature channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// Axes feature channel, class of the forest.
    pub per_class: Array2<f64>,
    /// Over all classes, one per feature channel: the sum over the classes.
    pub overall: Vec<f64>,
    /// Gini gain, one per feature channel.
    pub gini: Vec<f64>,
}

/// Importance of the features in `forest`, whose tree `n` was grown from `rows` as tree `n` of `seed`.
/// Parallel on the current rayon pool; the same for any number of threads.
///
/// # Errors
/// Cancelled.
pub fn importance(
    rows: &Rows,
    forest: &Forest,
    seed: u64,
    cancel: &CancelToken,
) -> Result<Importance, Cancelled> {
    let bagged = Bagged::new(rows, forest, seed);
    let shape = (forest.feature_count, forest.classes.len());
    let trees: Vec<Array2<f64>> = forest
        .trees
        .par_iter()
        .enumerate()
        .map(|(number, tree)| bagged.permuted(tree, number as u32, cancel))
        .collect::<Result<_, _>>()?;
    let mut per_class = Array2::zeros(shape);
    // In tree order, so that rounding does not depend on the threads.
    for tree in &trees {
        per_class += tree;
    }
    per_class /= forest.trees.len().max(1) as f64;
    let overall = per_class.rows().into_iter().map(|row| row.sum()).collect();
    Ok(Importance { per_class, overall, gini: gini_importance(forest) })
}

/// Gini importance of each feature channel of any forest.
pub fn gini_importance(forest: &Forest) -> Vec<f64> {
    let mut gains = vec![0.0; forest.feature_count];
    for tree in &forest.trees {
        if !tree.nodes.is_empty() {
            add_gains(tree, forest.classes.len(), &mut gains);
        }
    }
    gains.iter_mut().for_each(|gain| *gain /= forest.trees.len().max(1) as f64);
    gains
}

fn impurity(counts: &[f64]) -> f64 {
    let rows: f64 = counts.iter().sum();
    if rows == 0.0 {
        return 0.0;
    }
    let sum: f64 = counts.iter().map(|n| n * (1.0 - n / rows)).sum();
    if counts.len() == 2 { sum / 2.0 } else { sum }
}

/// Adds the gain of each split of a tree to its feature's.
fn add_gains(tree: &Tree, classes: usize, gains: &mut [f64]) {
    // Children before their parents: the reverse of an order in which parents come first.
    let mut order = vec![0_u32];
    let mut next = 0;
    while let Some(&at) = order.get(next) {
        next += 1;
        if let Node::Split { below, above, .. } = &tree.nodes[at as usize] {
            order.extend([*below, *above]);
        }
    }
    let mut counts = vec![Vec::new(); tree.nodes.len()];
    for &at in order.iter().rev() {
        counts[at as usize] = match &tree.nodes[at as usize] {
            Node::Leaf { shares, rows } => shares.iter().map(|share| share * rows).collect(),
            Node::Split { column, below, above, .. } => {
                let (below, above) = (&counts[*below as usize], &counts[*above as usize]);
                let both: Vec<f64> = (0..classes).map(|class| below[class] + above[class]).collect();
                gains[*column as usize] += impurity(&both) - impurity(below) - impurity(above);
                both
            }
        };
    }
}

/// Rows in their fixed order, with what tells which trees saw them.
struct Bagged<'a> {
    rows: &'a Rows,
    order: Vec<u32>,
    class_of: Vec<usize>,
    hashed_keys: Vec<u64>,
    seed: u64,
    features: usize,
    classes: usize,
}

impl<'a> Bagged<'a> {
    fn new(rows: &'a Rows, forest: &Forest, seed: u64) -> Self {
        let mut order = rows.canonical_order();
        order.retain(|&row| forest.classes.contains(&rows.labels[row as usize]));
        let label = |&row: &u32| rows.labels[row as usize];
        let class_of =
            order.iter().map(|row| forest.classes.partition_point(|class| *class < label(row))).collect();
        let hashed_keys = order.iter().map(|&row| mix(rows.keys[row as usize])).collect();
        let (features, classes) = (forest.feature_count, forest.classes.len());
        Bagged { rows, order, class_of, hashed_keys, seed, features, classes }
    }

    /// Places in `order` of the rows that tree `number` did not see.
    fn left_out(&self, number: u32) -> Vec<usize> {
        let mut weights = Vec::new();
        TreeSeed::new(self.seed, number).bag(&self.hashed_keys, &mut weights);
        (0..weights.len()).filter(|&at| weights[at] == 0).collect()
    }

    fn value(&self, at: usize, column: u32) -> f32 {
        self.rows.features[[self.order[at] as usize, column as usize]]
    }

    /// Loss of rightly judged rows, axes feature channel, class, as a share of the rows left out.
    fn permuted(&self, tree: &Tree, number: u32, cancel: &CancelToken) -> Result<Array2<f64>, Cancelled> {
        let mut loss = Array2::zeros((self.features, self.classes));
        let left_out = self.left_out(number);
        if left_out.is_empty() || tree.nodes.is_empty() {
            return Ok(loss);
        }
        let right = |at: usize, exchanged: Option<(u32, f32)>| {
            let shares = leaf_shares(tree, |column| match exchanged {
                Some((other, value)) if other == column => value,
                _ => self.value(at, column),
            });
            usize::from(winner(shares) == self.class_of[at])
        };
        let mut before = vec![0; self.classes];
        left_out.iter().for_each(|&at| before[self.class_of[at]] += right(at, None));
        let mut used = vec![false; self.features];
        for node in &tree.nodes {
            if let Node::Split { column, .. } = node {
                used[*column as usize] = true;
            }
        }
        // A feature that the tree does not test can't be missed.
        for column in (0..self.features as u32).filter(|&column| used[column as usize]) {
            cancel.check()?;
            let mut from = left_out.clone();
            let mut draws = TreeSeed::new(self.seed, number).stream(column.into());
            for last in (1..from.len()).rev() {
                from.swap(last, draws.below(last + 1));
            }
            let mut after = vec![0; self.classes];
            for (&at, &from) in left_out.iter().zip(&from) {
                after[self.class_of[at]] += right(at, Some((column, self.value(from, column))));
            }
            Zip::from(loss.row_mut(column as usize)).and(&before).and(&after).for_each(
                |loss, &before, &after: &usize| {
                    *loss = (before as f64 - after as f64) / left_out.len() as f64;
                },
            );
        }
        Ok(loss)
    }
}

/// The class with the largest share, the lowest on ties.
fn winner(shares: &[f64]) -> usize {
    shares.iter().enumerate().fold((0, 0.0), |best, (i, &s)| if s > best.1 { (i, s) } else { best }).0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::array;

    use super::super::train::{TrainOptions, train};
    use super::*;

    /// Two features that carry the label, one that does not.
    fn rows(count: u64) -> Rows {
        let unit = |n: u64| (mix(n) >> 40) as f32 / (1 << 24) as f32;
        let features =
            Array2::from_shape_fn((count as usize, 3), |(row, column)| unit(3 * row as u64 + column as u64));
        let labels = features
            .rows()
            .into_iter()
            .map(|row| 1 + u8::from(row[0] > 0.5) + 2 * u8::from(row[2] > 0.7))
            .collect();
        Rows { features, labels, keys: (0..count).collect() }
    }

    #[test]
    fn the_features_that_carry_the_labels_matter() {
        let rows = rows(400);
        let options = TrainOptions { trees: 0..40, seed: 5 };
        let trained = train(&rows, &options, &CancelToken::new()).unwrap();
        let found = importance(&rows, &trained.forest, 5, &CancelToken::new()).unwrap();
        let [a, b, c] = [0, 1, 2].map(|column| found.overall[column]);
        assert!(a > 0.2 && c > 0.15 && b.abs() < 0.05, "{:?}", found.overall);
        assert!(
            found.gini[0] > 4.0 * found.gini[1] && found.gini[2] > 4.0 * found.gini[1],
            "{:?}",
            found.gini
        );
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let again = one.install(|| importance(&rows, &trained.forest, 5, &CancelToken::new()).unwrap());
        assert_eq!(again, found);
    }

    #[test]
    fn a_hand_worked_gini() {
        let leaf = |shares: [f64; 2], rows| Node::Leaf { shares: shares.to_vec(), rows };
        let split = |column, below, above| Node::Split { column, threshold: 0.5, below, above };
        let tree = Tree {
            nodes: vec![
                split(1, 1, 2),
                leaf([1.0, 0.0], 4.0),
                split(0, 3, 4),
                leaf([0.5, 0.5], 2.0),
                leaf([0.0, 1.0], 2.0),
            ],
        };
        let forest = Forest { trees: vec![tree], classes: vec![1, 2], feature_count: 3 };
        // Root: 5 and 3 of 8; its children pure and 1 and 3 of 4; below 1 and 1 of 2, and pure.
        let expected = [3.0 / 4.0 - 1.0 / 2.0, 15.0 / 8.0 - 3.0 / 4.0, 0.0];
        gini_importance(&forest).iter().zip(expected).for_each(|(a, b)| assert!((a - b).abs() < 1e-12));
    }

    #[test]
    fn the_out_of_bag_error_is_that_of_the_bags() {
        let mut rows = rows(12);
        rows.features.column_mut(0).mapv_inplace(|x| (x * 4.0).round());
        rows.labels = vec![1, 2, 1, 2, 2, 1, 1, 2, 1, 1, 2, 2];
        let options = TrainOptions { trees: 0..7, seed: 3 };
        let trained = train(&rows, &options, &CancelToken::new()).unwrap();
        let bagged = Bagged::new(&rows, &trained.forest, 3);
        let mut votes = Array2::<f64>::zeros((12, 2));
        for (number, tree) in trained.forest.trees.iter().enumerate() {
            for at in bagged.left_out(number as u32) {
                let row = bagged.order[at] as usize;
                let shares = leaf_shares(tree, |column| rows.features[[row, column as usize]]);
                shares.iter().enumerate().for_each(|(class, share)| votes[[row, class]] += share);
            }
        }
        let judged: Vec<usize> = (0..12).filter(|&row| votes.row(row).sum() > 0.0).collect();
        let wrong = judged.iter().filter(|&&row| {
            let says = if votes[[row, 1]] > votes[[row, 0]] { 2 } else { 1 };
            says != rows.labels[row]
        });
        let by_hand = wrong.count() as f64 / judged.len() as f64;
        assert!(judged.len() > 9 && by_hand > 0.0, "the case is too easy: {by_hand} of {}", judged.len());
        assert_eq!(trained.oob_error(), Some(by_hand));
    }

    #[test]
    fn rows_of_classes_unknown_to_the_forest_do_not_count() {
        let mut rows = rows(100);
        let trained = train(&rows, &TrainOptions { trees: 0..5, seed: 1 }, &CancelToken::new()).unwrap();
        let before = importance(&rows, &trained.forest, 1, &CancelToken::new()).unwrap();
        rows.features.append(ndarray::Axis(0), array![[0.1, 0.2, 0.3]].view()).unwrap();
        rows.labels.push(77);
        rows.keys.push(1000);
        let after = importance(&rows, &trained.forest, 1, &CancelToken::new()).unwrap();
        assert_eq!(before, after);
    }
}
