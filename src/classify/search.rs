//! Sets of features chosen by the out-of-bag error of forests grown on them.
//!
//! A set S of the groups in G costs its out-of-bag error plus `penalty` * |S| / |G|. Every forest of a
//! search has the same bags, so that sets are compared on equal terms and the result depends on the rows
//! and the seed alone.

use ndarray::Axis;

use super::bags::mix;
use super::rows::Rows;
use super::train::{TrainError, TrainOptions, train};
use crate::data::CancelToken;

/// Steps without improvement after which a search ends.
const OVERSHOOT: usize = 3;

/// What to search for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchOptions {
    /// Number of groups; 0 finds the cheapest number.
    pub count: usize,
    /// Weight of the set's size.
    pub penalty: f64,
    /// Trees of each forest.
    pub trees: u32,
    /// Seed of the forests.
    pub seed: u64,
}

/// Out-of-bag error of a forest on the columns of `groups` alone; 1 where no row was ever left out.
///
/// # Errors
/// Too few classes, or cancelled.
pub fn error_of(
    rows: &Rows,
    group_of: &[usize],
    groups: &[usize],
    options: &SearchOptions,
    cancel: &CancelToken,
) -> Result<f64, TrainError> {
    let columns: Vec<usize> = (0..group_of.len()).filter(|&c| groups.contains(&group_of[c])).collect();
    let part = Rows {
        features: rows.features.select(Axis(1), &columns),
        labels: rows.labels.clone(),
        keys: rows.keys.clone(),
    };
    let trained = train(&part, &TrainOptions { trees: 0..options.trees, seed: options.seed }, cancel)?;
    Ok(trained.oob_error().unwrap_or(1.0))
}

/// Follows the costs of growing sets, to the cheapest or to the number asked for.
struct Course {
    options: SearchOptions,
    groups: usize,
    best: f64,
    best_len: usize,
}

impl Course {
    fn new(options: SearchOptions, groups: usize) -> Self {
        Course { options, groups, best: f64::INFINITY, best_len: 0 }
    }

    fn limit(&self) -> usize {
        if self.options.count == 0 { self.groups } else { self.options.count.min(self.groups) }
    }

    /// Takes note of a set of `len` groups; whether larger ones are of interest.
    fn goes_on(&mut self, len: usize, error: f64) -> bool {
        let cost = error + self.options.penalty * len as f64 / self.groups.max(1) as f64;
        if cost < self.best {
            (self.best, self.best_len) = (cost, len);
        }
        len < self.limit() && (self.options.count > 0 || len < self.best_len + OVERSHOOT)
    }

    fn result(&self, mut groups: Vec<usize>) -> Vec<usize> {
        groups.truncate(if self.options.count == 0 { self.best_len } else { self.limit() });
        groups
    }
}

/// Sequential forward selection: to the set so far comes the group that leaves the smallest error. The
/// result is in the order of choice. Parallel on the current rayon pool; `progress` is told the share
/// done.
///
/// # Errors
/// Too few classes, or cancelled.
pub fn search_forward(
    rows: &Rows,
    group_of: &[usize],
    options: SearchOptions,
    cancel: &CancelToken,
    progress: &(dyn Fn(f64) + Sync),
) -> Result<Vec<usize>, TrainError> {
    let groups = group_of.iter().copied().max().map_or(0, |last| last + 1);
    let mut course = Course::new(options, groups);
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < course.limit() {
        let mut best: Option<(f64, usize)> = None;
        let open: Vec<usize> = (0..groups).filter(|group| !chosen.contains(group)).collect();
        for (tried, &group) in open.iter().enumerate() {
            let steps = (chosen.len() as f64 + tried as f64 / open.len() as f64) / course.limit() as f64;
            progress(steps);
            chosen.push(group);
            let error = error_of(rows, group_of, &chosen, &options, cancel)?;
            chosen.pop();
            if best.is_none_or(|(least, _)| error < least) {
                best = Some((error, group));
            }
        }
        let Some((error, group)) = best else { break };
        chosen.push(group);
        if !course.goes_on(chosen.len(), error) {
            break;
        }
    }
    progress(1.0);
    Ok(course.result(chosen))
}

/// The first groups of `ranked` whose set costs least.
///
/// # Errors
/// Too few classes, or cancelled.
pub fn cut_ranking(
    rows: &Rows,
    group_of: &[usize],
    ranked: &[usize],
    options: SearchOptions,
    cancel: &CancelToken,
    progress: &(dyn Fn(f64) + Sync),
) -> Result<Vec<usize>, TrainError> {
    let groups = group_of.iter().copied().max().map_or(0, |last| last + 1);
    let mut course = Course::new(options, groups);
    for len in 1..=ranked.len() {
        let error = error_of(rows, group_of, &ranked[..len], &options, cancel)?;
        progress(len as f64 / ranked.len() as f64);
        if !course.goes_on(len, error) {
            break;
        }
    }
    Ok(course.result(ranked.to_vec()))
}

/// At most about `limit` of `rows`, drawn by their keys; of a rare class at least 200 where it has them.
pub fn sample(rows: &Rows, limit: usize) -> Rows {
    const RARE: usize = 200;
    if rows.labels.len() <= limit {
        return rows.clone();
    }
    let mut of_class = std::collections::BTreeMap::<u8, Vec<usize>>::new();
    rows.labels.iter().enumerate().for_each(|(row, &label)| of_class.entry(label).or_default().push(row));
    let mut kept: Vec<usize> = Vec::new();
    for class in of_class.values_mut() {
        let share = (class.len() as u128 * limit as u128 / rows.labels.len() as u128) as usize;
        class.sort_by_key(|&row| (mix(rows.keys[row]), row));
        kept.extend(class.iter().take(share.max(RARE)));
    }
    kept.sort_unstable();
    Rows {
        features: rows.features.select(Axis(0), &kept),
        labels: kept.iter().map(|&row| rows.labels[row]).collect(),
        keys: kept.iter().map(|&row| rows.keys[row]).collect(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::Array2;

    use super::*;

    /// Column 1 tells classes 1 and 2 apart, column 3 class 3; the others are noise.
    fn rows(count: usize) -> Rows {
        let unit = |n: u64| (mix(n ^ 0xabcd) >> 40) as f32 / (1 << 24) as f32;
        let features = Array2::from_shape_fn((count, 5), |(row, column)| unit((5 * row + column) as u64));
        let label = |row: ndarray::ArrayView1<'_, f32>| match (row[1] > 0.5, row[3] > 0.6) {
            (_, true) => 3,
            (above, false) => 1 + u8::from(above),
        };
        let labels = features.rows().into_iter().map(label).collect();
        Rows { features, labels, keys: (0..count as u64).collect() }
    }

    const OPTIONS: SearchOptions = SearchOptions { count: 0, penalty: 0.1, trees: 20, seed: 3 };

    #[test]
    fn finds_what_carries_the_classes_and_stops() {
        let rows = rows(400);
        let groups = [0, 1, 2, 3, 4];
        let mut found = search_forward(&rows, &groups, OPTIONS, &CancelToken::new(), &|_| {}).unwrap();
        found.sort_unstable();
        assert_eq!(found, [1, 3]);
        let three = SearchOptions { count: 3, ..OPTIONS };
        assert_eq!(search_forward(&rows, &groups, three, &CancelToken::new(), &|_| {}).unwrap().len(), 3);
        let ranked = [3, 1, 0, 2, 4];
        let cut = cut_ranking(&rows, &groups, &ranked, OPTIONS, &CancelToken::new(), &|_| {}).unwrap();
        assert_eq!(cut, [3, 1]);
        let cancel = CancelToken::new();
        cancel.cancel();
        let stopped = search_forward(&rows, &groups, OPTIONS, &cancel, &|_| {});
        assert!(matches!(stopped, Err(TrainError::Cancelled(_))));
    }

    #[test]
    fn a_sample_keeps_rare_classes() {
        let mut rows = rows(5000);
        rows.labels.fill(1);
        rows.labels[17..117].fill(2);
        let part = sample(&rows, 1000);
        assert_eq!(part.labels.iter().filter(|&&label| label == 2).count(), 100);
        assert!((1000..1100).contains(&part.labels.len()), "{}", part.labels.len());
        assert_eq!(part.features.nrows(), part.keys.len());
        assert_eq!(part.keys, sample(&rows, 1000).keys);
        assert_eq!(sample(&rows, 5000).keys, rows.keys);
    }
}
