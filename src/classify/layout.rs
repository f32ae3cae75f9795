//! Trees packed for mask traversal: splits of a group of trees in one array, breadth first, the children
//! of a split side by side.

use super::forest::{Node, Tree, pure_class};
use super::traverse::PIXELS;

/// Most trees traversed together: enough to keep the processor busy, few enough for their splits to stay in
/// the second-level cache. A multiple of [`super::votes::ADDED`].
pub(super) const GROUP: usize = 56;
/// Slots that take the masks of children that are splits themselves, where nobody looks. Several, so that
/// one write need not wait for the last.
pub(super) const UNREAD_SLOTS: usize = 16;

/// A split and its children, below first. Each child has a slot for its mask, an unread one when it is a split
/// itself, which then also has a place among the splits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    /// Where the column's values start in a block, in floats.
    pub(super) values: u32,
    /// A pixel goes above when its value reaches this.
    pub(super) reached: f32,
    /// Places of the children that are splits.
    pub(super) children: [u32; 2],
    /// Slots of the children.
    pub(super) slots: [u32; 2],
    /// -1 for children that are splits, else 0.
    pub(super) is_split: [i8; 2],
}

/// The smallest 32-bit float for which `x < threshold` (by 64 bits) is false. Nothing is below a NaN.
pub(super) fn reached_at(threshold: f64) -> f32 {
    if threshold.is_nan() {
        return f32::NEG_INFINITY;
    }
    let nearest = threshold as f32;
    if f64::from(nearest) < threshold { nearest.next_up() } else { nearest }
}

/// Up to [`GROUP`] consecutive trees.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) splits: Vec<Split>,
    /// Splits at the roots.
    pub(super) roots: Vec<u32>,
    /// Slots of the trees that are a leaf alone.
    pub(super) lone_leaves: Vec<u32>,
    /// Shares of the impure leaves, whose slots are the last, in tree order.
    pub(super) impure: Vec<Box<[f64]>>,
    class_count: usize,
    values_end: usize,
}

impl Group {
    /// Packs up to [`GROUP`] `trees`; the values of `used` columns follow each other in a block.
    pub(super) fn new(trees: &[Tree], class_count: usize, used: &[u32]) -> Self {
        let mut group = Group {
            splits: Vec::new(),
            roots: Vec::new(),
            lone_leaves: Vec::new(),
            impure: Vec::new(),
            class_count,
            values_end: 0,
        };
        for (number, tree) in trees.iter().enumerate() {
            group.pack(number, tree, used);
        }
        group
    }

    /// Values that a block must have for every split to find its column.
    pub(super) fn values_end(&self) -> usize {
        self.values_end
    }

    /// Number of slots.
    pub(super) fn slot_count(&self) -> usize {
        self.first_impure_slot() + self.impure.len()
    }

    /// Slot of the first impure leaf.
    pub(super) fn first_impure_slot(&self) -> usize {
        UNREAD_SLOTS + GROUP * self.class_count
    }

    /// Slot of the pure leaves of one tree (counted in the group) and class.
    pub(super) fn pure_slot(&self, tree: usize, class: usize) -> usize {
        UNREAD_SLOTS + GROUP * class + tree
    }

    fn pack(&mut self, number: usize, tree: &Tree, used: &[u32]) {
        if let Node::Leaf { shares, .. } = &tree.nodes[0] {
            let slot = self.leaf_slot(number, shares);
            self.lone_leaves.push(slot);
            return;
        }
        let first = self.splits.len();
        self.roots.push(first as u32);
        let mut waiting = vec![0u32];
        let mut at = 0;
        while at < waiting.len() {
            if let Node::Split { column, threshold, below, above } = &tree.nodes[waiting[at] as usize] {
                let values = PIXELS * used.partition_point(|other| other < column);
                self.values_end = self.values_end.max(values + PIXELS);
                let (mut children, mut slots, mut is_split) = ([first as u32; 2], [0; 2], [0; 2]);
                for (side, &node) in [below, above].into_iter().enumerate() {
                    match &tree.nodes[node as usize] {
                        Node::Leaf { shares, .. } => slots[side] = self.leaf_slot(number, shares),
                        Node::Split { .. } => {
                            slots[side] = ((2 * at + side) % UNREAD_SLOTS) as u32;
                            children[side] = (first + waiting.len()) as u32;
                            is_split[side] = -1;
                            waiting.push(node);
                        }
                    }
                }
                let reached = reached_at(*threshold);
                self.splits.push(Split { values: values as u32, reached, children, slots, is_split });
            }
            at += 1;
        }
    }

    fn leaf_slot(&mut self, tree: usize, shares: &[f64]) -> u32 {
        let slot = match pure_class(shares) {
            Some(class) => self.pure_slot(tree, class),
            None => {
                self.impure.push(shares.into());
                self.slot_count() - 1
            }
        };
        slot as u32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_float_reaches_what_it_is_not_below(
            threshold in prop_oneof![any::<f64>(), -2f64..2.0, any::<f32>().prop_map(f64::from)],
            x in prop_oneof![any::<f32>(), -2f32..2.0, Just(0.0), Just(-0.0), Just(f32::INFINITY)],
        ) {
            let near = threshold as f32;
            for x in [x, near, near.next_up(), near.next_down()].into_iter().filter(|x| !x.is_nan()) {
                prop_assert_eq!(f64::from(x) < threshold, x < reached_at(threshold), "{} < {}", x, threshold);
            }
        }
    }
}
