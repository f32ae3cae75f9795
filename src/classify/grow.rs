//! Growing one tree by ilastik's rules: at each node a draw of sqrt(features) columns without replacement,
//! the best Gini split over them, and on through the remaining columns while none improves; until every
//! leaf is pure or no column can improve it.

use std::ops::Range;

use crate::data::CancelToken;
use crate::data::task::Cancelled;

use super::bags::{Draws, Place, TreeSeed};
use super::codes::{Codes, threshold_between};
use super::exact::Sorter;
use super::forest::{Node, Tree};
use super::histogram::{Entry, Four, Histogram, Lanes, Many, Two, node_score};
use super::oob::OobVotes;

/// Nodes of up to this many distinct rows are split by sorting.
const SORTED_ROWS: usize = 40;

/// What all trees of a forest are grown from; rows in their fixed order.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) codes: Codes,
    /// Class column of each row.
    pub(super) class_of: Vec<u8>,
    /// Hashed key of each row.
    pub(super) hashed_keys: Vec<u64>,
    pub(super) class_count: usize,
    pub(super) feature_count: usize,
    /// The columns that are not the same in all rows: splits are drawn from these.
    pub(super) varying: Vec<u32>,
}

/// Grows tree number `tree` and adds the votes of the rows that it did not see to `votes`.
pub(super) fn grow_tree(
    ground: &Ground,
    seed: TreeSeed,
    votes: &mut OobVotes,
    cancel: &CancelToken,
) -> Result<Tree, Cancelled> {
    let mut weights = Vec::new();
    seed.bag(&ground.hashed_keys, &mut weights);
    let bagged: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
    match ground.class_count {
        0..=2 => Grower::<Two>::new(ground, &weights, votes).grow(seed, cancel),
        3..=4 if bagged <= u16::MAX.into() => Grower::<Four>::new(ground, &weights, votes).grow(seed, cancel),
        3..=8 => Grower::<Many<8>>::new(ground, &weights, votes).grow(seed, cancel),
        9..=32 => Grower::<Many<32>>::new(ground, &weights, votes).grow(seed, cancel),
        _ => Grower::<Many<256>>::new(ground, &weights, votes).grow(seed, cancel),
    }
}

/// A node that waits to be split.
struct Open<L> {
    /// Its bagged rows, in [`Grower::entries`].
    bag: Range<usize>,
    /// Its rows outside the bag, in [`Grower::left_out`].
    left_out: Range<usize>,
    counts: L,
    place: Place,
    /// The split above it, and the side it is on.
    parent: Option<(usize, bool)>,
}

struct Grower<'a, L> {
    ground: &'a Ground,
    votes: &'a mut OobVotes,
    /// Bagged rows; each node owns a range, in the fixed order.
    entries: Vec<Entry>,
    left_out: Vec<u32>,
    /// All columns; a node's draw is shuffled to the front and undone afterwards.
    columns: Vec<u32>,
    swaps: Vec<usize>,
    histogram: Histogram<L>,
    sorter: Sorter,
    moved: Vec<Entry>,
    moved_out: Vec<u32>,
    nodes: Vec<Node>,
}

impl<'a, L: Lanes> Grower<'a, L> {
    fn new(ground: &'a Ground, weights: &[u8], votes: &'a mut OobVotes) -> Self {
        let mut entries = Vec::with_capacity(weights.len());
        let mut left_out = Vec::with_capacity(weights.len());
        for ((&weight, &class), row) in weights.iter().zip(&ground.class_of).zip(0..) {
            if weight == 0 {
                left_out.push(row);
            } else {
                entries.push(Entry { row, class, weight });
            }
        }
        Grower {
            ground,
            votes,
            entries,
            left_out,
            columns: ground.varying.clone(),
            swaps: Vec::new(),
            histogram: Histogram::new(),
            sorter: Sorter::default(),
            moved: Vec::new(),
            moved_out: Vec::new(),
            nodes: Vec::new(),
        }
    }

    fn grow(mut self, seed: TreeSeed, cancel: &CancelToken) -> Result<Tree, Cancelled> {
        let mut open = vec![Open {
            bag: 0..self.entries.len(),
            left_out: 0..self.left_out.len(),
            counts: self.entries.iter().fold(L::ZERO, |sum, &entry| sum.plus(L::of(entry))),
            place: seed.root(),
            parent: None,
        }];
        while let Some(node) = open.pop() {
            cancel.check()?;
            let number = self.nodes.len();
            if let Some((split, is_above)) = node.parent
                && let Node::Split { below, above, .. } = &mut self.nodes[split]
            {
                *(if is_above { above } else { below }) = number as u32;
            }
            match self.find_split(&node) {
                Some((column, threshold)) => {
                    let (below, above) = self.split(node, number, column, threshold);
                    self.nodes.push(Node::Split { column, threshold: threshold.into(), below: 0, above: 0 });
                    open.extend([above, below]);
                }
                None => self.leaf(&node),
            }
        }
        Ok(Tree { nodes: self.nodes })
    }

    fn leaf(&mut self, node: &Open<L>) {
        let (rows, _) = node.counts.moments();
        let shares: Vec<f64> = (0..self.ground.class_count)
            .map(|class| f64::from(node.counts.count(class)) / rows as f64)
            .collect();
        self.votes.add(&self.left_out[node.left_out.clone()], &shares);
        self.nodes.push(Node::Leaf { shares, rows: rows as f64 });
    }

    /// The column and threshold to split at, `None` at a pure node or when no column improves.
    fn find_split(&mut self, node: &Open<L>) -> Option<(u32, f32)> {
        let (rows, squares) = node.counts.moments();
        if rows * rows == squares {
            return None;
        }
        let mut draws = node.place.draws();
        self.swaps.clear();
        let found = if node.bag.len() <= SORTED_ROWS {
            self.find_sorted(node, &mut draws)
        } else {
            self.find_coded(node, &mut draws).or_else(|| self.find_sorted(node, &mut draws))
        };
        for (at, &with) in self.swaps.iter().enumerate().rev() {
            self.columns.swap(at, with);
        }
        found
    }

    /// The column drawn at position `at` of the node's order.
    fn column(&mut self, at: usize, draws: &mut Draws) -> usize {
        while self.swaps.len() <= at {
            let here = self.swaps.len();
            let with = here + draws.below(self.columns.len() - here);
            self.columns.swap(here, with);
            self.swaps.push(with);
        }
        self.columns[at] as usize
    }

    fn find_sorted(&mut self, node: &Open<L>, draws: &mut Draws) -> Option<(u32, f32)> {
        let mut best = node_score(node.counts);
        let mut found = None;
        for at in 0..self.columns.len() {
            if found.is_some() && at >= self.ground.columns_per_split() {
                break;
            }
            let column = self.column(at, draws);
            let values = self.ground.codes.values(column);
            let entries = &self.entries[node.bag.clone()];
            if let Some((score, last_below)) = self.sorter.best_split(entries, values, node.counts, best) {
                best = score;
                found = Some((column, last_below));
            }
        }
        let (column, last_below) = found?;
        let values = self.ground.codes.values(column);
        let first_above = self.entries[node.bag.clone()]
            .iter()
            .map(|entry| values[entry.row as usize])
            .filter(|&value| value > last_below)
            .fold(f32::INFINITY, f32::min);
        Some((column as u32, threshold_between(last_below, first_above)))
    }

    fn find_coded(&mut self, node: &Open<L>, draws: &mut Draws) -> Option<(u32, f32)> {
        let mut best = node_score(node.counts);
        let mut found = None;
        let drawn = self.ground.columns_per_split().min(self.columns.len());
        let mut at = 0;
        while at < self.columns.len() && (at < drawn || found.is_none()) {
            let together = if drawn.saturating_sub(at) >= 4 { 4 } else { 1 };
            let columns: [usize; 4] = std::array::from_fn(|i| self.column(at + i.min(together - 1), draws));
            let entries = &self.entries[node.bag.clone()];
            if together == 4 {
                self.histogram.count_four(entries, columns.map(|column| self.ground.codes.codes(column)));
            } else {
                self.histogram.count_one(entries, self.ground.codes.codes(columns[0]));
            }
            for (i, &column) in columns.iter().enumerate().take(together) {
                if let Some((score, code)) = self.histogram.best_split(i, node.counts, best) {
                    best = score;
                    found = Some((column, code));
                }
            }
            at += together;
        }
        let (column, code) = found?;
        let (codes, values) = (self.ground.codes.codes(column), self.ground.codes.values(column));
        let (mut last_below, mut first_above) = (f32::NEG_INFINITY, f32::INFINITY);
        for entry in &self.entries[node.bag.clone()] {
            let value = values[entry.row as usize];
            if codes[entry.row as usize] <= code {
                last_below = last_below.max(value);
            } else {
                first_above = first_above.min(value);
            }
        }
        Some((column as u32, threshold_between(last_below, first_above)))
    }

    /// Parts a node's rows, both kinds by their values, and gives the two children.
    fn split(&mut self, node: Open<L>, number: usize, column: u32, threshold: f32) -> (Open<L>, Open<L>) {
        let values = self.ground.codes.values(column as usize);
        let is_below = |row: u32| values[row as usize] < threshold;
        let mut counts = L::ZERO;
        let bag = partition(&mut self.entries[node.bag.clone()], &mut self.moved, |entry| {
            let below = is_below(entry.row);
            if below {
                counts = counts.plus(L::of(*entry));
            }
            below
        });
        let out =
            partition(&mut self.left_out[node.left_out.clone()], &mut self.moved_out, |&row| is_below(row));
        let (bag, out) = (node.bag.start + bag, node.left_out.start + out);
        let below = Open {
            bag: node.bag.start..bag,
            left_out: node.left_out.start..out,
            counts,
            place: node.place.child(false),
            parent: Some((number, false)),
        };
        let above = Open {
            bag: bag..node.bag.end,
            left_out: out..node.left_out.end,
            counts: node.counts.minus(counts),
            place: node.place.child(true),
            parent: Some((number, true)),
        };
        (below, above)
    }
}

impl Ground {
    /// Columns drawn at a node: floor(sqrt(features) + 0.5). Columns that can't be split on, such as those
    /// of channels that are not used, do not count.
    fn columns_per_split(&self) -> usize {
        ((self.varying.len() as f64).sqrt() + 0.5).floor() as usize
    }
}

/// Moves the items for which `is_first` to the front, keeping both orders; the number of them.
fn partition<T: Copy>(items: &mut [T], moved: &mut Vec<T>, mut is_first: impl FnMut(&T) -> bool) -> usize {
    moved.clear();
    let mut first = 0;
    for at in 0..items.len() {
        let item = items[at];
        if is_first(&item) {
            items[first] = item;
            first += 1;
        } else {
            moved.push(item);
        }
    }
    items[first..].copy_from_slice(moved);
    first
}
