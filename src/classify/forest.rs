//! The forest as plain data: trees, nodes, classes. Nothing here trains or predicts.

// The names under which other layers know the whole classifier.
pub use super::compiled::CompiledForest;
pub use super::rows::Rows;
pub use super::train::{TrainError, TrainOptions, Trained, train};

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

impl Forest {
    /// The feature channels that some split tests, ascending.
    pub fn used_columns(&self) -> Vec<u32> {
        let mut used: Vec<u32> = self
            .trees
            .iter()
            .flat_map(|tree| &tree.nodes)
            .filter_map(|node| match node {
                Node::Split { column, .. } => Some(*column),
                Node::Leaf { .. } => None,
            })
            .collect();
        used.sort_unstable();
        used.dedup();
        used
    }
}

/// The class of a leaf that holds one class only: its share is 1 and every other share 0.
pub(super) fn pure_class(shares: &[f64]) -> Option<usize> {
    let class = shares.iter().position(|&share| share != 0.0)?;
    (shares[class] == 1.0 && shares[class + 1..].iter().all(|&share| share == 0.0)).then_some(class)
}
