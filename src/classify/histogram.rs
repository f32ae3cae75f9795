//! Class counts in fixed-size lanes, and the search for the best Gini split over a histogram of them.

use super::codes::CODES;

/// A row of the bag at a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Its number in the fixed order.
    pub(super) row: u32,
    /// Its class column.
    pub(super) class: u8,
    /// Its weight in the bag.
    pub(super) weight: u8,
}

/// Class counts packed for speed. Every kind gives the same splits; which one fits depends on the number
/// of classes and rows.
pub(super) trait Lanes: Copy + PartialEq {
    /// No rows.
    const ZERO: Self;
    /// One row.
    fn of(entry: Entry) -> Self;
    /// Counts of both.
    fn plus(self, other: Self) -> Self;
    /// Counts without `other`, which they hold.
    fn minus(self, other: Self) -> Self;
    /// Count of one class.
    fn count(self, class: usize) -> u32;
    /// Sum of the counts, and sum of their squares.
    fn moments(self) -> (u64, u64);
}

/// Two classes of up to 2^32 rows.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Two(u64);

impl Lanes for Two {
    const ZERO: Self = Two(0);
    fn of(entry: Entry) -> Self {
        Two(u64::from(entry.weight) << (32 * (entry.class & 1)))
    }
    fn plus(self, other: Self) -> Self {
        Two(self.0 + other.0)
    }
    fn minus(self, other: Self) -> Self {
        Two(self.0 - other.0)
    }
    fn count(self, class: usize) -> u32 {
        (self.0 >> (32 * class)) as u32
    }
    fn moments(self) -> (u64, u64) {
        let (a, b) = (self.0 & 0xFFFF_FFFF, self.0 >> 32);
        (a + b, a * a + b * b)
    }
}

/// Four classes of fewer than 2^16 rows together.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Four(u64);

impl Lanes for Four {
    const ZERO: Self = Four(0);
    fn of(entry: Entry) -> Self {
        Four(u64::from(entry.weight) << (16 * (entry.class & 3)))
    }
    fn plus(self, other: Self) -> Self {
        Four(self.0 + other.0)
    }
    fn minus(self, other: Self) -> Self {
        Four(self.0 - other.0)
    }
    fn count(self, class: usize) -> u32 {
        u32::from((self.0 >> (16 * class)) as u16)
    }
    fn moments(self) -> (u64, u64) {
        let lane = |class: u32| (self.0 >> (16 * class)) & 0xFFFF;
        let (a, b, c, d) = (lane(0), lane(1), lane(2), lane(3));
        (a + b + c + d, a * a + b * b + c * c + d * d)
    }
}

/// Up to `N` classes.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Many<const N: usize>([u32; N]);

impl<const N: usize> Lanes for Many<N> {
    const ZERO: Self = Many([0; N]);
    fn of(entry: Entry) -> Self {
        let mut lanes = [0; N];
        lanes[entry.class as usize] = u32::from(entry.weight);
        Many(lanes)
    }
    fn plus(self, other: Self) -> Self {
        Many(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }
    fn minus(self, other: Self) -> Self {
        Many(std::array::from_fn(|i| self.0[i] - other.0[i]))
    }
    fn count(self, class: usize) -> u32 {
        self.0[class]
    }
    fn moments(self) -> (u64, u64) {
        self.0.iter().map(|&n| u64::from(n)).fold((0, 0), |(sum, squares), n| (sum + n, squares + n * n))
    }
}

/// How good a split is: the sum over both sides of (sum of squared class counts) / count. It is largest
/// where the Gini loss, `count - squares / count` summed over both sides, is smallest.
pub(super) fn split_score<L: Lanes>(below: L, above: L) -> f64 {
    let ((n, squares), (m, more_squares)) = (below.moments(), above.moments());
    let (n, m) = (n as f64, m as f64);
    (squares as f64 * m + more_squares as f64 * n) / (n * m)
}

/// The score that a split must exceed to improve on the node itself. The margin absorbs rounding where a
/// split leaves the class shares as they were.
pub(super) fn node_score<L: Lanes>(counts: L) -> f64 {
    let (n, squares) = counts.moments();
    squares as f64 / n as f64 * (1.0 + 1e-12)
}

/// Histograms of one or four columns at a node.
pub(super) struct Histogram<L> {
    bins: Vec<L>,
}

impl<L: Lanes> Histogram<L> {
    pub(super) fn new() -> Self {
        Histogram { bins: vec![L::ZERO; 4 * CODES] }
    }

    /// Counts `entries` by the codes of four columns at once, which shares the work of reading them and
    /// keeps repeats of a code from waiting on each other.
    pub(super) fn count_four(&mut self, entries: &[Entry], codes: [&[u8]; 4]) {
        self.bins.fill(L::ZERO);
        let (first, rest) = self.bins.split_at_mut(CODES);
        let (second, rest) = rest.split_at_mut(CODES);
        let (third, fourth) = rest.split_at_mut(CODES);
        let mut bins = [first, second, third, fourth];
        for &entry in entries {
            let one = L::of(entry);
            for (bins, codes) in bins.iter_mut().zip(codes) {
                let bin = &mut bins[codes[entry.row as usize] as usize];
                *bin = bin.plus(one);
            }
        }
    }

    /// Counts `entries` by the codes of one column.
    pub(super) fn count_one(&mut self, entries: &[Entry], codes: &[u8]) {
        let bins = &mut self.bins[..CODES];
        bins.fill(L::ZERO);
        for &entry in entries {
            let bin = &mut bins[codes[entry.row as usize] as usize];
            *bin = bin.plus(L::of(entry));
        }
    }

    /// The lowest code below or at which to split for the best score, if that exceeds `best`; `column`
    /// counts within those counted together.
    pub(super) fn best_split(&self, column: usize, total: L, best: f64) -> Option<(f64, u8)> {
        let mut found = None;
        let mut score = best;
        let mut below = L::ZERO;
        for (code, &bin) in self.bins[column * CODES..][..CODES].iter().enumerate() {
            if bin == L::ZERO {
                continue;
            }
            below = below.plus(bin);
            if below == total {
                break;
            }
            let candidate = split_score(below, total.minus(below));
            if candidate > score {
                score = candidate;
                found = Some((score, code as u8));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(classes: &[u8]) -> Vec<Entry> {
        classes.iter().zip(0..).map(|(&class, row)| Entry { row, class, weight: 1 + class }).collect()
    }

    fn split<L: Lanes>(entries: &[Entry], codes: &[u8]) -> Option<(f64, u8)> {
        let total = entries.iter().fold(L::ZERO, |sum, &entry| sum.plus(L::of(entry)));
        let mut one = Histogram::<L>::new();
        one.count_one(entries, codes);
        let mut four = Histogram::<L>::new();
        four.count_four(entries, [&[0; 4], &[0; 4], codes, &[0; 4]]);
        let found = one.best_split(0, total, node_score(total));
        assert_eq!(found, four.best_split(2, total, node_score(total)));
        assert_eq!(four.best_split(0, total, node_score(total)), None, "one code can't be split");
        found
    }

    #[test]
    fn all_lanes_find_the_same_split() {
        // Weights 1, 1, 2, 2: parting after code 9 leaves two pure sides, (4 + 16) / 2 and / 4.
        let (entries, codes) = (entries(&[0, 0, 1, 1]), [3, 9, 10, 200]);
        let expected = Some((2.0 + 4.0, 9));
        assert_eq!(split::<Two>(&entries, &codes), expected);
        assert_eq!(split::<Four>(&entries, &codes), expected);
        assert_eq!(split::<Many<8>>(&entries, &codes), expected);
    }

    #[test]
    fn equal_shares_on_both_sides_improve_nothing() {
        assert_eq!(split::<Two>(&entries(&[0, 1, 0, 1]), &[5, 5, 6, 6]), None);
    }
}
