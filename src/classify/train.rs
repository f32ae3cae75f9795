//! Training: rows in, forest and out-of-bag votes out.
//!
//! The result depends on the rows and the seed alone: not on threads, the order of rows, or how the trees
//! are shared out over calls.

use std::ops::Range;

use rayon::prelude::*;

use crate::data::CancelToken;
use crate::data::task::Cancelled;

use super::bags::{TreeSeed, mix};
use super::codes::Codes;
use super::forest::{Forest, Tree};
use super::grow::{Ground, grow_tree};
use super::oob::{OobMismatch, OobVotes};
use super::rows::Rows;

/// Names the algorithm that turns rows and a seed into a forest. It changes whenever the same rows and
/// seed would give another forest, and is saved beside the seed.
pub const ALGORITHM_VERSION: u32 = 2;

/// How to train.
#[derive(Clone, Debug)]
pub struct TrainOptions {
    /// Which trees of the forest to grow; a tree depends on its number, not on this range.
    pub trees: Range<u32>,
    /// Seed of the project.
    pub seed: u64,
}

/// Result of training.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The forest.
    pub forest: Forest,
    /// Votes of its trees on the rows that they did not see.
    pub oob: OobVotes,
}

impl Trained {
    /// Share of rows that the trees which did not see them get wrong; `None` when no row was left out.
    pub fn oob_error(&self) -> Option<f64> {
        self.oob.error()
    }

    /// Adds the trees of `later`, grown from the same rows. Trees 0 to 25 merged with 25 to 100 are what
    /// training 0 to 100 at once gives.
    ///
    /// # Errors
    /// The rows were not the same.
    pub fn merge(&mut self, later: Trained) -> Result<(), OobMismatch> {
        if self.forest.classes != later.forest.classes
            || self.forest.feature_count != later.forest.feature_count
        {
            return Err(OobMismatch);
        }
        self.oob.merge(&later.oob)?;
        self.forest.trees.extend(later.forest.trees);
        Ok(())
    }
}

/// Why there is no forest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Labels of fewer than two classes.
    #[error(
        "labels of at least two classes are needed (pixels within the filters' reach of NaN or infinity do not count)"
    )]
    TooFewClasses,
    /// Stopped on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Rows made ready for growing trees, in one go or in waves.
#[derive(Debug)]
pub struct Trainer {
    ground: Ground,
    classes: Vec<u8>,
}

impl Trainer {
    /// Sorts and codes `rows`, in parallel on the current rayon pool. Rows with a NaN are left out.
    ///
    /// # Errors
    /// Too few classes, or cancelled.
    pub fn new(rows: &Rows, cancel: &CancelToken) -> Result<Self, TrainError> {
        let order = rows.canonical_order();
        let mut classes: Vec<u8> = order.iter().map(|&row| rows.labels[row as usize]).collect();
        let labels = classes.clone();
        classes.sort_unstable();
        classes.dedup();
        if classes.len() < 2 {
            return Err(TrainError::TooFewClasses);
        }
        let column_of = |label: &u8| classes.partition_point(|class| class < label) as u8;
        let codes = Codes::new(rows.features.view(), &order, cancel)?;
        let varies = |column: &u32| {
            let values = codes.values(*column as usize);
            values.iter().any(|value| *value != values[0])
        };
        let ground = Ground {
            varying: (0..rows.features.ncols() as u32).filter(varies).collect(),
            codes,
            class_of: labels.iter().map(column_of).collect(),
            hashed_keys: order.iter().map(|&row| mix(rows.keys[row as usize])).collect(),
            class_count: classes.len(),
            feature_count: rows.features.ncols(),
        };
        Ok(Trainer { ground, classes })
    }

    /// Grows trees, in parallel on the current rayon pool.
    ///
    /// # Errors
    /// Cancelled, which is looked for at every node.
    pub fn grow(&self, options: &TrainOptions, cancel: &CancelToken) -> Result<Trained, TrainError> {
        let no_votes = || OobVotes::new(&self.ground.class_of, self.ground.class_count);
        let (trees, oob) = options
            .trees
            .clone()
            .into_par_iter()
            .try_fold(
                || (Vec::new(), no_votes()),
                |(mut trees, mut votes): (Vec<Tree>, OobVotes), tree| {
                    let seed = TreeSeed::new(options.seed, tree);
                    trees.push(grow_tree(&self.ground, seed, &mut votes, cancel)?);
                    Ok::<_, Cancelled>((trees, votes))
                },
            )
            .try_reduce(
                || (Vec::new(), no_votes()),
                |(mut trees, mut votes), (more_trees, more_votes)| {
                    trees.extend(more_trees);
                    // Both come from these rows, so that they can always be merged.
                    let _ = votes.merge(&more_votes);
                    Ok((trees, votes))
                },
            )?;
        let forest =
            Forest { trees, classes: self.classes.clone(), feature_count: self.ground.feature_count };
        Ok(Trained { forest, oob })
    }
}

/// Grows trees on `rows`, in parallel on the current rayon pool. The result is the same for any number
/// of threads and any order of the rows.
///
/// # Errors
/// Too few classes, or cancelled.
pub fn train(rows: &Rows, options: &TrainOptions, cancel: &CancelToken) -> Result<Trained, TrainError> {
    Trainer::new(rows, cancel)?.grow(options, cancel)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::{Array2, Axis};
    use proptest::prelude::*;

    use super::super::forest::Node;
    use super::*;

    const SEED: u64 = 11;

    fn trees(trees: Range<u32>) -> TrainOptions {
        TrainOptions { trees, seed: SEED }
    }

    fn trained(rows: &Rows, range: Range<u32>) -> Trained {
        train(rows, &trees(range), &CancelToken::new()).unwrap()
    }

    /// Rows of `levels` values per feature, labelled by the sum of two features and some noise.
    fn rows(count: usize, features: usize, classes: u8, levels: u32, noise: u64, seed: u64) -> Rows {
        let value = |i: usize| (mix(seed ^ i as u64) % u64::from(levels)) as f32 / levels as f32 - 0.3;
        let features = Array2::from_shape_fn((count, features), |(r, f)| value(r * features + f));
        let labels = (0..count)
            .map(|r| {
                let position = (features[[r, 0]] + features[[r, features.ncols() - 1]] + 0.6) / 2.0;
                let noisy = mix(seed ^ 77 ^ r as u64) % 100 < noise;
                let label = (position * f32::from(classes)) as u8 + u8::from(noisy);
                1 + label % classes
            })
            .collect();
        Rows { features, labels, keys: (0..count as u64).map(|r| 3 * r).collect() }
    }

    fn permuted(rows: &Rows, seed: u64) -> Rows {
        let mut order: Vec<usize> = (0..rows.labels.len()).collect();
        order.sort_by_key(|&r| mix(seed ^ r as u64));
        Rows {
            features: rows.features.select(Axis(0), &order),
            labels: order.iter().map(|&r| rows.labels[r]).collect(),
            keys: order.iter().map(|&r| rows.keys[r]).collect(),
        }
    }

    #[test]
    fn waves_equal_all_at_once() {
        let rows = rows(700, 9, 3, 1000, 10, 5);
        let trainer = Trainer::new(&rows, &CancelToken::new()).unwrap();
        let mut waves = trainer.grow(&trees(0..7), &CancelToken::new()).unwrap();
        waves.merge(trainer.grow(&trees(7..30), &CancelToken::new()).unwrap()).unwrap();
        let whole = trained(&rows, 0..30);
        assert_eq!(waves, whole);
        let error = whole.oob_error().unwrap();
        assert!((0.05..0.4).contains(&error), "out-of-bag error {error}");
    }

    #[test]
    fn threads_do_not_matter() {
        let rows = rows(400, 5, 2, 1000, 10, 6);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| trained(&rows, 0..16))
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn equal_keys_stay_deterministic() {
        let mut rows = rows(300, 4, 2, 50, 20, 8);
        rows.keys.iter_mut().for_each(|key| *key /= 90);
        assert_eq!(trained(&rows, 0..8), trained(&permuted(&rows, 3), 0..8));
    }

    #[test]
    fn too_few_classes() {
        let mut rows = rows(50, 3, 2, 50, 0, 1);
        rows.labels.fill(4);
        let error = train(&rows, &trees(0..2), &CancelToken::new());
        assert!(matches!(error, Err(TrainError::TooFewClasses)));
        rows.labels[3] = 1;
        rows.features[[3, 1]] = f32::NAN;
        let error = train(&rows, &trees(0..2), &CancelToken::new());
        assert!(matches!(error, Err(TrainError::TooFewClasses)), "its only row can't be placed");
    }

    #[test]
    fn cancelled_before_and_within_a_tree() {
        let rows = rows(2000, 20, 2, 100_000, 30, 2);
        let cancel = CancelToken::new();
        cancel.cancel();
        assert!(matches!(train(&rows, &trees(0..1), &cancel), Err(TrainError::Cancelled(_))));
        let trainer = Trainer::new(&rows, &CancelToken::new()).unwrap();
        assert!(matches!(trainer.grow(&trees(0..1), &cancel), Err(TrainError::Cancelled(_))));
    }

    #[test]
    fn a_rare_class_is_found_among_many_values() {
        // Three rows between neighbours that share their 8-bit code.
        let mut rows = rows(20_000, 1, 2, 1, 0, 1);
        rows.features.column_mut(0).iter_mut().zip(0..).for_each(|(x, i)| *x = i as f32);
        rows.labels.fill(1);
        rows.labels[10_001..10_004].fill(2);
        let forest = trained(&rows, 0..20).forest;
        let p = forest.predict_rows(rows.features.slice(ndarray::s![10_000..10_005, ..]));
        assert!(p[[2, 1]] > 0.8 && p[[0, 0]] > 0.5 && p[[4, 0]] > 0.5, "{p}");
    }

    #[test]
    fn any_number_of_classes() {
        for classes in [2, 3, 5, 9, 33, 99, 255] {
            let rows = rows(1500, 6, classes, 10_000, 5, 4);
            let forest = trained(&rows, 0..12).forest;
            let p = forest.predict_rows(rows.features.view());
            let right = p.rows().into_iter().zip(&rows.labels).filter(|(p, label)| {
                let best = p.iter().enumerate().fold((0, 0.0), |b, (i, &p)| if p > b.1 { (i, p) } else { b });
                forest.classes[best.0] == **label
            });
            let right = right.count();
            assert!(right >= 1450, "{classes} classes: {right} of 1500 training rows recalled");
        }
    }

    #[test]
    fn infinities_are_split_like_numbers() {
        let rows = Rows {
            features: ndarray::arr2(&[[f32::NEG_INFINITY], [0.0], [f32::MAX], [f32::INFINITY]]),
            labels: vec![1, 2, 1, 2],
            keys: vec![0, 1, 2, 3],
        };
        let forest = trained(&rows, 0..200).forest;
        let p = forest.predict_rows(rows.features.view());
        assert!(p[[0, 0]] > 0.5 && p[[1, 1]] > 0.5 && p[[2, 0]] > 0.5 && p[[3, 1]] > 0.5, "{p}");
        let thresholds = forest.trees.iter().flat_map(|tree| &tree.nodes).filter_map(|node| match node {
            Node::Split { threshold, .. } => Some(*threshold),
            Node::Leaf { .. } => None,
        });
        assert!(thresholds.into_iter().all(|t| !t.is_nan()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn trees_keep_their_promises(
            count in 2..400usize, features in 1..12usize, classes in 2..7u8,
            levels in prop_oneof![Just(2u32), Just(40), Just(1_000_000)], noise in 0..30u64, seed in any::<u64>(),
        ) {
            let rows = rows(count, features, classes, levels, noise, seed);
            prop_assume!(rows.labels.iter().any(|label| *label != rows.labels[0]));
            let whole = trained(&rows, 0..5);
            prop_assert_eq!(&whole, &trained(&permuted(&rows, seed ^ 1), 0..5));
            for tree in &whole.forest.trees {
                for node in &tree.nodes {
                    if let Node::Leaf { shares, rows } = node {
                        prop_assert!(*rows >= 1.0);
                        prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                        // Values told apart are parted: only rows with equal features share an impure leaf.
                        prop_assert!(levels < 1_000_000 || shares.contains(&1.0), "{shares:?}");
                    }
                }
                let arrays = tree.to_vigra(features, whole.forest.classes.len());
                let read = Tree::from_vigra(
                    &arrays.topology, &arrays.parameters, features, whole.forest.classes.len());
                prop_assert_eq!(read.as_ref(), Ok(tree), "VIGRA's arrays");
            }
        }
    }
}
