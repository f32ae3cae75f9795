//! The forest as data, and the interface to training and prediction.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, ArrayView4, ArrayViewMut4};

use crate::data::CancelToken;
use crate::data::task::Cancelled;

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

/// A node of a tree. Children are indices into [`Tree::nodes`]; index 0 is the root.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A pixel goes to `below` when `feature[column] < threshold`, else (and for NaN) to `above`.
    Split {
        /// Feature channel tested.
        column: u32,
        /// Threshold, compared as a 64-bit float.
        threshold: f64,
        /// Child for smaller values.
        below: u32,
        /// Child for the others.
        above: u32,
    },
    /// A leaf: share of each class (in the order of [`Forest::classes`]) and number of training rows.
    Leaf {
        /// Class shares, which sum to 1.
        shares: Vec<f64>,
        /// Training rows that reached the leaf.
        rows: f64,
    },
}

/// One decision tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// Nodes, the root first.
    pub nodes: Vec<Node>,
}

/// A trained random forest.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    /// The trees; each counts alike.
    pub trees: Vec<Tree>,
    /// Label values that the class columns stand for.
    pub classes: Vec<u8>,
    /// Number of feature channels.
    pub feature_count: usize,
}

/// How to train.
#[derive(Clone, Debug)]
pub struct TrainOptions {
    /// Which trees of the forest to grow; a tree depends on its number, not on this range.
    pub trees: Range<u32>,
    /// Seed of the project.
    pub seed: u64,
}

/// Result of training.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The forest.
    pub forest: Forest,
    /// Share of rows that the trees which did not see them get wrong; `None` when no row was left out.
    pub oob_error: Option<f64>,
}

/// Why there is no forest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Labels of fewer than two classes.
    #[error("labels of at least two classes are needed")]
    TooFewClasses,
    /// Stopped on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Grows trees on `rows`, in parallel on the current rayon pool. The result is the same for any number
/// of threads and any order of the rows.
///
/// # Errors
/// Too few classes, or cancelled.
pub fn train(rows: &Rows, options: &TrainOptions, cancel: &CancelToken) -> Result<Trained, TrainError> {
    let _ = (rows, options, cancel);
    unimplemented!()
}

impl Forest {
    /// Class probabilities of each row, axes row, class. The exact float walk, the reference for every
    /// faster path. A row with a NaN gets 0 in every class.
    pub fn predict_rows(&self, features: ArrayView2<'_, f32>) -> Array2<f32> {
        let _ = features;
        unimplemented!()
    }
}

/// A forest made ready for fast prediction of blocks.
#[derive(Clone, Debug)]
pub struct CompiledForest {}

impl CompiledForest {
    /// Prepares `forest`.
    pub fn new(forest: &Forest) -> Self {
        let _ = forest;
        unimplemented!()
    }

    /// Class probabilities of a block: `features` has axes `channel, z, y, x`, `out` axes
    /// `class, z, y, x`. Equal to [`Forest::predict_rows`] to the last bit.
    pub fn predict_block(&self, features: ArrayView4<'_, f32>, out: ArrayViewMut4<'_, f32>) {
        let _ = (features, out);
        unimplemented!()
    }
}
