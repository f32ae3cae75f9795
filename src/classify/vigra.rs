//! VIGRA's layout of a tree, two flat arrays, as ilastik's project files hold it.
//!
//! `topology`: `[features, classes]`, then the nodes, the root first. A split is `[0, address, below,
//! above, column]`, children being indices into `topology`, and its parameters at `address` are `[1,
//! threshold]`. A leaf is `[0x4000_0000, address]` with parameters `[rows, share of each class]`.
//! Arrays come from files, so every index is checked before it is followed.

use super::forest::{Forest, Node, Tree};

const SPLIT: i32 = 0;
const LEAF: i32 = 0x4000_0000;
const ROOT: usize = 2;
const SPLIT_LENGTH: usize = 5;
const LEAF_LENGTH: usize = 2;
/// Weight of a split node, which VIGRA stores and ignores.
const SPLIT_WEIGHT: f64 = 1.0;
/// How far the shares of a leaf may sum from 1.
const SHARE_TOLERANCE: f64 = 1e-4;

/// The two arrays of a tree.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeArrays {
    /// Header and nodes.
    pub topology: Vec<i32>,
    /// Thresholds and class shares.
    pub parameters: Vec<f64>,
}

/// Why two arrays are no tree.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// The header's counts are not those of the forest.
    #[error(
        "the tree is for {found_features} features and {found_classes} classes, the forest for {features} and {classes}"
    )]
    Header {
        /// Features by the header.
        found_features: i32,
        /// Classes by the header.
        found_classes: i32,
        /// Features of the forest.
        features: usize,
        /// Classes of the forest.
        classes: usize,
    },
    /// A node reaches past the end of an array, or the array is too short for a tree.
    #[error("node {node} reaches outside the tree's arrays")]
    OutOfRange {
        /// Index of the node in `topology`.
        node: i64,
    },
    /// A node of a kind that ilastik never writes.
    #[error("node {node} is of unknown kind {kind:#x}")]
    UnknownKind {
        /// Index of the node in `topology`.
        node: usize,
        /// What stands where the kind is.
        kind: i32,
    },
    /// A split tests a column that does not exist.
    #[error("node {node} tests column {column} of {features}")]
    Column {
        /// Index of the node in `topology`.
        node: usize,
        /// The column.
        column: i32,
        /// Number of columns.
        features: usize,
    },
    /// A node is reached twice: a cycle, or a shared subtree.
    #[error("node {node} is reached twice")]
    ReachedTwice {
        /// Index of the node in `topology`.
        node: usize,
    },
    /// A threshold that is not a number, or shares that are no distribution.
    #[error("the numbers of node {node} are damaged")]
    Numbers {
        /// Index of the node in `topology`.
        node: usize,
    },
}

impl Tree {
    /// Reads a tree for `features` channels and `classes` classes from VIGRA's arrays.
    ///
    /// # Errors
    /// Anything but a tree whose nodes are reached once and whose columns, addresses, thresholds and
    /// shares make sense.
    pub fn from_vigra(
        topology: &[i32],
        parameters: &[f64],
        features: usize,
        classes: usize,
    ) -> Result<Tree, TreeError> {
        let &[found_features, found_classes, ..] = topology else {
            return Err(TreeError::OutOfRange { node: 0 });
        };
        if usize::try_from(found_features) != Ok(features) || usize::try_from(found_classes) != Ok(classes) {
            return Err(TreeError::Header { found_features, found_classes, features, classes });
        }
        Reader { topology, parameters, features, classes, parameters_used: 0 }.read()
    }

    /// Writes the tree in VIGRA's arrays, nodes in VIGRA's order: what stands above a split before what
    /// stands below it.
    pub fn to_vigra(&self, features: usize, classes: usize) -> TreeArrays {
        let mut topology = vec![features as i32, classes as i32];
        let mut parameters = Vec::new();
        // A node to write, and where its index goes.
        let mut open = vec![(0u32, None)];
        while let Some((node, link)) = open.pop() {
            let at = topology.len();
            if let Some(link) = link {
                topology[link] = at as i32;
            }
            match &self.nodes[node as usize] {
                Node::Split { column, threshold, below, above } => {
                    topology.extend([SPLIT, parameters.len() as i32, 0, 0, *column as i32]);
                    parameters.extend([SPLIT_WEIGHT, *threshold]);
                    open.extend([(*below, Some(at + 2)), (*above, Some(at + 3))]);
                }
                Node::Leaf { shares, rows } => {
                    topology.extend([LEAF, parameters.len() as i32]);
                    parameters.push(*rows);
                    parameters.extend(shares);
                }
            }
        }
        TreeArrays { topology, parameters }
    }
}

impl Forest {
    /// The trees in VIGRA's arrays.
    pub fn to_vigra(&self) -> Vec<TreeArrays> {
        self.trees.iter().map(|tree| tree.to_vigra(self.feature_count, self.classes.len())).collect()
    }
}

struct Reader<'a> {
    topology: &'a [i32],
    parameters: &'a [f64],
    features: usize,
    classes: usize,
    /// Parameters that the nodes read so far hold. Nodes of a real tree share none, so a tree can't be
    /// larger in memory than its arrays suggest.
    parameters_used: usize,
}

impl<'a> Reader<'a> {
    fn read(mut self) -> Result<Tree, TreeError> {
        let mut reached = vec![false; self.topology.len()];
        let mut nodes: Vec<Node> = Vec::new();
        // A node to read, and the split (with side) that waits for its number.
        let mut open: Vec<(i64, Option<(usize, bool)>)> = vec![(ROOT as i64, None)];
        while let Some((address, parent)) = open.pop() {
            let at = usize::try_from(address)
                .ok()
                .filter(|&at| at >= ROOT && at < self.topology.len())
                .ok_or(TreeError::OutOfRange { node: address })?;
            if std::mem::replace(&mut reached[at], true) {
                return Err(TreeError::ReachedTwice { node: at });
            }
            let number = nodes.len() as u32;
            if let Some((split, is_above)) = parent
                && let Node::Split { below, above, .. } = &mut nodes[split]
            {
                *(if is_above { above } else { below }) = number;
            }
            let node = match self.topology[at] {
                SPLIT => {
                    let (node, below, above) = self.split(at)?;
                    open.extend([(above, Some((nodes.len(), true))), (below, Some((nodes.len(), false)))]);
                    node
                }
                LEAF => self.leaf(at)?,
                kind => return Err(TreeError::UnknownKind { node: at, kind }),
            };
            nodes.push(node);
        }
        Ok(Tree { nodes })
    }

    fn split(&mut self, at: usize) -> Result<(Node, i64, i64), TreeError> {
        let &[_, address, below, above, column] = self.fields::<SPLIT_LENGTH>(at)?;
        let threshold = self.parameters(at, address, 2)?[1];
        let features = self.features;
        let column = u32::try_from(column)
            .ok()
            .filter(|&c| (c as usize) < features)
            .ok_or(TreeError::Column { node: at, column, features })?;
        if threshold.is_nan() {
            return Err(TreeError::Numbers { node: at });
        }
        Ok((Node::Split { column, threshold, below: 0, above: 0 }, below.into(), above.into()))
    }

    fn leaf(&mut self, at: usize) -> Result<Node, TreeError> {
        let &[_, address] = self.fields::<LEAF_LENGTH>(at)?;
        let numbers = self.parameters(at, address, 1 + self.classes)?;
        let (rows, shares) = (numbers[0], &numbers[1..]);
        let is_distribution = shares.iter().all(|share| (0.0..=1.0).contains(share))
            && (shares.iter().sum::<f64>() - 1.0).abs() <= SHARE_TOLERANCE;
        if !is_distribution || !rows.is_finite() || rows < 0.0 {
            return Err(TreeError::Numbers { node: at });
        }
        Ok(Node::Leaf { shares: shares.to_vec(), rows })
    }

    fn fields<const N: usize>(&self, at: usize) -> Result<&'a [i32; N], TreeError> {
        self.topology[at..].first_chunk().ok_or(TreeError::OutOfRange { node: at as i64 })
    }

    fn parameters(&mut self, at: usize, address: i32, count: usize) -> Result<&'a [f64], TreeError> {
        self.parameters_used += count;
        usize::try_from(address)
            .ok()
            .and_then(|address| self.parameters.get(address..address.checked_add(count)?))
            .filter(|_| self.parameters_used <= self.parameters.len())
            .ok_or(TreeError::OutOfRange { node: at as i64 })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of VIGRA's layout: one split with a leaf on each side.
    fn example() -> TreeArrays {
        TreeArrays {
            topology: vec![49, 2, 0, 0, 9, 7, 1, LEAF, 2, LEAF, 5],
            parameters: vec![1.0, 116.96, 495.0, 0.0, 1.0, 505.0, 1.0, 0.0],
        }
    }

    fn read(arrays: &TreeArrays) -> Result<Tree, TreeError> {
        Tree::from_vigra(&arrays.topology, &arrays.parameters, 49, 2)
    }

    #[test]
    fn the_example_reads_and_writes() {
        let tree = read(&example()).unwrap();
        assert_eq!(
            tree.nodes,
            [
                Node::Split { column: 1, threshold: 116.96, below: 1, above: 2 },
                Node::Leaf { shares: vec![1.0, 0.0], rows: 505.0 },
                Node::Leaf { shares: vec![0.0, 1.0], rows: 495.0 },
            ]
        );
        assert_eq!(tree.to_vigra(49, 2), example());
    }

    #[test]
    fn damaged_arrays_are_errors() {
        let damage = |f: &dyn Fn(&mut TreeArrays)| {
            let mut arrays = example();
            f(&mut arrays);
            read(&arrays).unwrap_err()
        };
        assert_eq!(damage(&|a| a.topology[4] = 2), TreeError::ReachedTwice { node: 2 }, "cycle");
        assert_eq!(damage(&|a| a.topology[4] = 7), TreeError::ReachedTwice { node: 7 }, "shared leaf");
        assert_eq!(damage(&|a| a.topology[5] = -3), TreeError::OutOfRange { node: -3 });
        assert_eq!(damage(&|a| a.topology[5] = 1 << 30), TreeError::OutOfRange { node: 1 << 30 });
        assert_eq!(damage(&|a| a.topology[5] = 1), TreeError::OutOfRange { node: 1 }, "header");
        assert_eq!(damage(&|a| a.topology[5] = 10), TreeError::UnknownKind { node: 10, kind: 5 });
        assert_eq!(damage(&|a| a.topology[2] = 1), TreeError::UnknownKind { node: 2, kind: 1 });
        assert_eq!(damage(&|a| a.topology[10] = 6), TreeError::OutOfRange { node: 9 });
        assert_eq!(damage(&|a| a.topology[10] = i32::MIN), TreeError::OutOfRange { node: 9 });
        assert_eq!(damage(&|a| a.topology.truncate(10)), TreeError::OutOfRange { node: 9 });
        assert_eq!(damage(&|a| a.topology.truncate(1)), TreeError::OutOfRange { node: 0 });
        assert_eq!(damage(&|a| a.topology.truncate(2)), TreeError::OutOfRange { node: 2 });
        assert_eq!(damage(&|a| a.parameters.truncate(7)), TreeError::OutOfRange { node: 9 });
        assert_eq!(damage(&|a| a.topology[6] = 49), TreeError::Column { node: 2, column: 49, features: 49 });
        assert_eq!(damage(&|a| a.parameters[1] = f64::NAN), TreeError::Numbers { node: 2 });
        assert_eq!(damage(&|a| a.parameters[3] = f64::NAN), TreeError::Numbers { node: 7 });
        assert_eq!(damage(&|a| a.parameters[3] = 0.5), TreeError::Numbers { node: 7 });
        assert!(matches!(damage(&|a| a.topology[1] = 3), TreeError::Header { found_classes: 3, .. }));
    }

    #[test]
    fn an_infinite_threshold_is_kept() {
        let mut arrays = example();
        arrays.parameters[1] = f64::INFINITY;
        assert_eq!(read(&arrays).unwrap().to_vigra(49, 2), arrays);
    }

    proptest! {
        #[test]
        fn noise_never_panics(
            topology in prop::collection::vec(prop_oneof![Just(0), Just(LEAF), -3..40i32, any::<i32>()], 0..40),
            parameters in prop::collection::vec(prop_oneof![Just(0.0), Just(1.0), any::<f64>()], 0..40),
        ) {
            let mut topology = topology;
            topology.splice(0..0, [3, 2]);
            if let Ok(tree) = Tree::from_vigra(&topology, &parameters, 3, 2) {
                prop_assert!(tree.nodes.len() <= topology.len());
            }
        }
    }
}
