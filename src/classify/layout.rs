//! Trees packed for mask traversal: splits of a group of trees in one array, breadth first, the children
//! of a split side by side.

use super::forest::{Node, Tree, pure_class};
use super::traverse::PIXELS;

/// Trees traversed together.
pub(super) const GROUP: usize = 8;
/// Slots that take the masks of children that are splits themselves, where nobody looks. Several, so that
/// one write need not wait for the last.
pub(super) const UNREAD_SLOTS: usize = 16;

/// A split. Each child has a slot for its mask and, when it is a split itself, a place among the splits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    /// First code of the column in a block of codes, in codes.
    pub(super) codes: u32,
    /// First child that is a split.
    pub(super) child: u32,
    /// Slots of the child below and the child above.
    pub(super) slots: [u32; 2],
    /// A pixel goes below when its code, as [`super::traverse`] stores it, is less.
    pub(super) bound: i16,
    /// Whether the child below, and the child above, is a split (1) or a leaf (0).
    pub(super) is_split: [u8; 2],
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
    columns_end: usize,
}

impl Group {
    /// Packs `trees`; `code_of` gives a split's first code and bound from its column and threshold.
    pub(super) fn new(trees: &[Tree], class_count: usize, code_of: impl Fn(u32, f64) -> (u32, i16)) -> Self {
        let mut group = Group {
            splits: Vec::new(),
            roots: Vec::new(),
            lone_leaves: Vec::new(),
            impure: Vec::new(),
            class_count,
            columns_end: 0,
        };
        for (number, tree) in trees.iter().enumerate() {
            group.pack(number, tree, &code_of);
        }
        group
    }

    /// Codes that a block must have for every split to find its column.
    pub(super) fn columns_end(&self) -> usize {
        self.columns_end
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

    fn pack(&mut self, number: usize, tree: &Tree, code_of: &impl Fn(u32, f64) -> (u32, i16)) {
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
                let (codes, bound) = code_of(*column, *threshold);
                self.columns_end = self.columns_end.max(codes as usize + PIXELS);
                let child = (first + waiting.len()) as u32;
                let mut slots = [0; 2];
                let mut is_split = [0; 2];
                for (side, &node) in [below, above].into_iter().enumerate() {
                    match &tree.nodes[node as usize] {
                        Node::Leaf { shares, .. } => slots[side] = self.leaf_slot(number, shares),
                        Node::Split { .. } => {
                            slots[side] = ((2 * at + side) % UNREAD_SLOTS) as u32;
                            is_split[side] = 1;
                            waiting.push(node);
                        }
                    }
                }
                self.splits.push(Split { codes, child, slots, bound, is_split });
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
