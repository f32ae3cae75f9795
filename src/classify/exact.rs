//! Split search over sorted values: ilastik's own candidates, one between each two distinct values at the
//! node. Used at small nodes, where it is as fast as a histogram, and where codes can't tell rows apart.

use super::codes::order_key;
use super::histogram::{Entry, Lanes, split_score};

/// Room for sorting, reused from node to node.
#[derive(Default)]
pub(super) struct Sorter {
    sorted: Vec<u64>,
}

impl Sorter {
    /// The best split of `entries` by one column's `values`, as the largest value that goes below, if its
    /// score exceeds `best`.
    pub(super) fn best_split<L: Lanes>(
        &mut self,
        entries: &[Entry],
        values: &[f32],
        total: L,
        best: f64,
    ) -> Option<(f64, f32)> {
        self.sorted.clear();
        self.sorted.extend(
            entries
                .iter()
                .zip(0u64..)
                .map(|(entry, at)| (u64::from(order_key(values[entry.row as usize])) << 32) | at),
        );
        self.sorted.sort_unstable();
        let mut found = None;
        let mut score = best;
        let mut below = L::ZERO;
        for pair in self.sorted.windows(2) {
            let entry = entries[pair[0] as u32 as usize];
            below = below.plus(L::of(entry));
            if pair[0] >> 32 == pair[1] >> 32 {
                continue;
            }
            let candidate = split_score(below, total.minus(below));
            if candidate > score {
                score = candidate;
                found = Some((score, values[entry.row as usize]));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::histogram::{Two, node_score};
    use super::*;

    #[test]
    fn parts_the_classes() {
        let entries: Vec<Entry> =
            [0, 1, 0, 1].into_iter().zip(0..).map(|(class, row)| Entry { row, class, weight: 1 }).collect();
        let values = [-2.5, 7.0, -0.0, 0.5];
        let total = entries.iter().fold(Two::ZERO, |sum, &entry| sum.plus(Two::of(entry)));
        let found = Sorter::default().best_split(&entries, &values, total, node_score(total));
        assert_eq!(found, Some((4.0, -0.0)));
    }
}
