//! Ranking features by what they tell of the label: mutual information with interaction capping (ICAP;
//! Jakulin 2005) on bins of equal frequency.
//!
//! A feature's worth, given the features S that were chosen before it, is
//! I(f; label) - sum over s in S of max(0, I(f; s) - I(f; s | label)): what it tells of the label, less
//! what others told already. Features of one group (the channels of a filter at a scale) come together,
//! so a group is worth what its best feature is.

use rayon::prelude::*;

use super::codes::order_key;
use super::rows::Rows;
use crate::data::CancelToken;
use crate::data::task::Cancelled;

/// Most bins of a feature.
const BINS: usize = 10;
/// Rows that a pair of features' bins should hold on average, so that counts are not mostly noise.
const ROWS_PER_CELL: usize = 5;

/// Groups of features, best first, at most `count` of them. `group_of` names the group of each feature
/// column. Parallel on the current rayon pool; `progress` is told the share done. Depends on the rows
/// alone, not on their order.
///
/// # Errors
/// Cancelled.
pub fn rank_by_information(
    rows: &Rows,
    group_of: &[usize],
    count: usize,
    cancel: &CancelToken,
    progress: &(dyn Fn(f64) + Sync),
) -> Result<Vec<usize>, Cancelled> {
    let order = rows.canonical_order();
    let labels = Coded::labels(order.iter().map(|&row| rows.labels[row as usize]));
    let bins = bin_count(order.len());
    let features: Vec<Coded> = (0..rows.features.ncols())
        .into_par_iter()
        .map(|column| {
            cancel.check()?;
            let values: Vec<f32> = order.iter().map(|&row| rows.features[[row as usize, column]]).collect();
            Ok(Coded::values(&values, bins))
        })
        .collect::<Result<_, Cancelled>>()?;
    let mut worth: Vec<f64> = features.par_iter().map(|feature| information(feature, &labels)).collect();
    let mut chosen: Vec<usize> = Vec::new();
    let groups = group_of.iter().copied().max().map_or(0, |last| last + 1);
    let wanted = count.min(groups);
    while chosen.len() < wanted {
        let open = (0..features.len()).filter(|&f| !chosen.contains(&group_of[f]));
        // The first of equals, so that the result does not depend on rounding of later ones.
        let Some(best) = open.reduce(|best, f| if worth[f] > worth[best] { f } else { best }) else { break };
        chosen.push(group_of[best]);
        progress(chosen.len() as f64 / wanted as f64);
        let shared: Vec<f64> = (0..features.len())
            .into_par_iter()
            .map(|f| {
                cancel.check()?;
                if chosen.contains(&group_of[f]) {
                    return Ok(0.0);
                }
                let (other, best) = (&features[f], &features[best]);
                Ok((information(other, best) - information_given(other, best, &labels)).max(0.0))
            })
            .collect::<Result<_, Cancelled>>()?;
        worth.iter_mut().zip(shared).for_each(|(worth, shared)| *worth -= shared);
    }
    Ok(chosen)
}

fn bin_count(rows: usize) -> usize {
    ((rows as f64 / ROWS_PER_CELL as f64).sqrt() as usize).clamp(2, BINS)
}

/// A variable with few values, `0..count`.
struct Coded {
    codes: Vec<u8>,
    count: usize,
}

impl Coded {
    /// Bins of about equal frequency; equal values share a bin.
    fn values(values: &[f32], bins: usize) -> Coded {
        let mut sorted: Vec<u32> = (0..values.len() as u32).collect();
        let key = |row: u32| order_key(values[row as usize]);
        sorted.sort_unstable_by_key(|&row| (key(row), row));
        let mut codes = vec![0; values.len()];
        let mut first = 0;
        for (at, &row) in sorted.iter().enumerate() {
            if at > 0 && key(row) != key(sorted[at - 1]) {
                first = at;
            }
            codes[row as usize] = (first * bins / values.len()) as u8;
        }
        Coded { codes, count: bins }
    }

    fn labels(labels: impl Iterator<Item = u8>) -> Coded {
        let labels: Vec<u8> = labels.collect();
        let mut distinct = labels.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let code = |label: &u8| distinct.partition_point(|other| other < label) as u8;
        Coded { codes: labels.iter().map(code).collect(), count: distinct.len() }
    }
}

/// Mutual information in nats from joint counts, `columns` to a row.
fn information_of(counts: &[u32], columns: usize) -> f64 {
    let total: u32 = counts.iter().sum();
    let mut of_column = vec![0; columns];
    for row in counts.chunks(columns) {
        of_column.iter_mut().zip(row).for_each(|(sum, n)| *sum += n);
    }
    let mut sum = 0.0;
    for row in counts.chunks(columns) {
        let of_row: u32 = row.iter().sum();
        for (&n, &of_column) in row.iter().zip(&of_column).filter(|&(&n, _)| n > 0) {
            let n = f64::from(n);
            sum += n * (n * f64::from(total) / (f64::from(of_row) * f64::from(of_column))).ln();
        }
    }
    if total == 0 { 0.0 } else { sum / f64::from(total) }
}

/// I(a; b).
fn information(a: &Coded, b: &Coded) -> f64 {
    let mut counts = vec![0; a.count * b.count];
    a.codes.iter().zip(&b.codes).for_each(|(&a, &c)| counts[usize::from(a) * b.count + usize::from(c)] += 1);
    information_of(&counts, b.count)
}

/// I(a; b | given).
fn information_given(a: &Coded, b: &Coded, given: &Coded) -> f64 {
    let joint = a.count * b.count;
    let mut counts = vec![0; joint * given.count];
    for ((&x, &y), &g) in a.codes.iter().zip(&b.codes).zip(&given.codes) {
        counts[usize::from(g) * joint + usize::from(x) * b.count + usize::from(y)] += 1;
    }
    let total = a.codes.len().max(1) as f64;
    counts
        .chunks(joint.max(1))
        .map(|part| f64::from(part.iter().sum::<u32>()) / total * information_of(part, b.count))
        .sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::Array2;

    use super::super::bags::mix;
    use super::*;

    #[test]
    fn information_of_known_tables() {
        let equal = information_of(&[50, 0, 0, 50], 2);
        assert!((equal - 2f64.ln()).abs() < 1e-12, "{equal}");
        assert_eq!(information_of(&[25, 25, 25, 25], 2), 0.0);
        // Each alone tells nothing of their exclusive or, together they tell all.
        let coded = |codes: [u8; 4]| Coded { codes: codes.to_vec(), count: 2 };
        let (a, b, xor) = (coded([0, 0, 1, 1]), coded([0, 1, 0, 1]), coded([0, 1, 1, 0]));
        assert_eq!(information(&a, &xor), 0.0);
        assert!((information_given(&a, &b, &xor) - 2f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn bins_hold_equally_many_and_keep_ties_together() {
        let coded = Coded::values(&[5.0, 1.0, 1.0, 1.0, 9.0, 7.0, 8.0, 6.0], 4);
        assert_eq!(coded.codes, [1, 0, 0, 0, 3, 2, 3, 2]);
    }

    #[test]
    fn a_copy_is_worth_nothing_beside_its_original() {
        let unit = |n: u64| (mix(n) >> 40) as f32 / (1 << 24) as f32;
        let mut features = Array2::from_shape_fn((600, 4), |(row, column)| unit((4 * row + column) as u64));
        let first = features.column(0).to_owned();
        features.column_mut(1).assign(&first);
        let labels = features
            .rows()
            .into_iter()
            .map(|row| 1 + u8::from(row[0] > 0.4) + u8::from(row[3] > 0.5))
            .collect();
        let rows = Rows { features, labels, keys: (0..600).collect() };
        let ranked = rank_by_information(&rows, &[0, 1, 2, 3], 4, &CancelToken::new(), &|_| {}).unwrap();
        assert_eq!(ranked[..2], [0, 3]);
        assert_eq!(ranked[3], 1);
        let joint = rank_by_information(&rows, &[0, 0, 1, 2], 9, &CancelToken::new(), &|_| {}).unwrap();
        assert_eq!(joint, [0, 2, 1]);
        let cancel = CancelToken::new();
        cancel.cancel();
        assert_eq!(rank_by_information(&rows, &[0, 1, 2, 3], 2, &cancel, &|_| {}), Err(Cancelled));
    }
}
