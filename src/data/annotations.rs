//! Connected annotations: the patches that the labelled pixels of an image make.
//!
//! Two pixels belong together when they have one label and touch in space, also at a corner; time points
//! are apart. Owns no labels; nothing depends on the blocks that they are stored in.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use super::labels::LabelVolume;
use super::roi::Roi;
use super::task::{CancelToken, Cancelled};

/// A patch of connected pixels of one label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// Its label, from 1.
    pub label: u8,
    /// Its number of pixels.
    pub pixels: u64,
    /// The box (`tzyx`) around it.
    pub bounds: Roi<4>,
    /// A pixel of it (`tzyx`), about in its middle.
    pub middle: [usize; 4],
}

/// Neighbouring pixels of one label in a row: `t, z, y` of the row, first and last but one x, the label.
struct Run {
    row: [usize; 3],
    x: Range<usize>,
    label: u8,
}

/// All annotations of `labels`, in the order of their first pixels (`tzyx`).
///
/// # Errors
/// Cancelled.
pub fn annotations(labels: &LabelVolume, cancel: &CancelToken) -> Result<Vec<Annotation>, Cancelled> {
    let runs = runs(labels, cancel)?;
    let mut rows: BTreeMap<[usize; 3], Range<usize>> = BTreeMap::new();
    for (i, run) in runs.iter().enumerate() {
        rows.entry(run.row).or_insert(i..i).end = i + 1;
    }
    let mut parents: Vec<usize> = (0..runs.len()).collect();
    for (&[t, z, y], row) in &rows {
        cancel.check()?;
        for i in row.clone().skip(1) {
            let (before, run) = (&runs[i - 1], &runs[i]);
            if before.x.end == run.x.start && before.label == run.label {
                join(&mut parents, i - 1, i);
            }
        }
        let above = [y.checked_sub(1).map(|y| [t, z, y])];
        let behind = z
            .checked_sub(1)
            .map(|z| [y.checked_sub(1).map(|y| [t, z, y]), Some([t, z, y]), Some([t, z, y + 1])]);
        for other in above.into_iter().chain(behind.into_iter().flatten()).flatten() {
            if let Some(other) = rows.get(&other) {
                join_rows(&mut parents, &runs, other.clone(), row.clone());
            }
        }
    }
    Ok(collect(&runs, &mut parents))
}

fn runs(labels: &LabelVolume, cancel: &CancelToken) -> Result<Vec<Run>, Cancelled> {
    let mut runs: Vec<Run> = Vec::new();
    for ([t, z, y, x], label) in labels.iter() {
        match runs.last_mut() {
            Some(run) if run.row == [t, z, y] && run.x.end == x && run.label == label => run.x.end += 1,
            _ => {
                cancel.check()?;
                runs.push(Run { row: [t, z, y], x: x..x + 1, label });
            }
        }
    }
    runs.sort_unstable_by_key(|run| (run.row, run.x.start));
    Ok(runs)
}

fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

/// The first run of a patch is its root, so that the order of joining does not matter.
fn join(parents: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parents, a), root(parents, b));
    parents[a.max(b)] = a.min(b);
}

/// Joins the runs of two neighbouring rows that touch, also at a corner.
fn join_rows(parents: &mut [usize], runs: &[Run], a: Range<usize>, b: Range<usize>) {
    let mut first = b.start;
    for i in a {
        let one = &runs[i];
        while first < b.end && runs[first].x.end < one.x.start {
            first += 1;
        }
        for (j, other) in runs[..b.end].iter().enumerate().skip(first) {
            if other.x.start > one.x.end {
                break;
            }
            if one.label == other.label {
                join(parents, i, j);
            }
        }
    }
}

fn collect(runs: &[Run], parents: &mut [usize]) -> Vec<Annotation> {
    let mut found: BTreeMap<usize, Annotation> = BTreeMap::new();
    let roots: Vec<usize> = (0..runs.len()).map(|i| root(parents, i)).collect();
    for (run, &root) in runs.iter().zip(&roots) {
        let [t, z, y] = run.row;
        let bounds = Roi::new([t, z, y, run.x.start], [t + 1, z + 1, y + 1, run.x.end]);
        let entry = found.entry(root).or_insert(Annotation {
            label: run.label,
            pixels: 0,
            bounds,
            middle: bounds.start,
        });
        entry.bounds = entry.bounds.union(&bounds);
        entry.pixels += run.x.len() as u64;
    }
    // The run that holds the middle one of all pixels.
    let mut passed: BTreeMap<usize, u64> = BTreeMap::new();
    for (run, root) in runs.iter().zip(&roots) {
        let passed = passed.entry(*root).or_default();
        if let Some(patch) = found.get_mut(root)
            && *passed <= patch.pixels / 2
        {
            let [t, z, y] = run.row;
            patch.middle = [t, z, y, (run.x.start + run.x.end) / 2];
        }
        *passed += run.x.len() as u64;
    }
    found.into_values().collect()
}

/// The pixels (`tzyx`) of the annotation that holds the pixel `at`; none where there is no label.
pub fn annotation_at(labels: &LabelVolume, at: [usize; 4]) -> Vec<[usize; 4]> {
    let label = labels.get(at);
    if label == 0 {
        return Vec::new();
    }
    let mut seen = HashSet::from([at]);
    let mut pixels = vec![at];
    let mut next = 0;
    while let Some(&[t, z, y, x]) = pixels.get(next) {
        next += 1;
        let around = |i: usize| i.saturating_sub(1)..=i + 1;
        for (z, y, x) in
            around(z).flat_map(|z| around(y).flat_map(move |y| around(x).map(move |x| (z, y, x))))
        {
            let near = [t, z, y, x];
            if labels.get(near) == label && seen.insert(near) {
                pixels.push(near);
            }
        }
    }
    pixels
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(labels: &LabelVolume) -> Vec<Annotation> {
        annotations(labels, &CancelToken::new()).unwrap()
    }

    #[test]
    fn a_stroke_over_many_blocks_is_one() {
        let mut labels = LabelVolume::new([2, 3, 300, 300]);
        labels.paint((0..250).map(|i| ([0, 1, i, i], 1)));
        labels.paint((60..70).map(|x| ([0, 1, 63, x + 10], 2)));
        labels.paint([([0, 2, 250, 250], 1), ([1, 1, 10, 10], 1)]);
        let found = of(&labels);
        assert_eq!(
            found.iter().map(|a| (a.label, a.pixels)).collect::<Vec<_>>(),
            [(1, 251), (2, 10), (1, 1)]
        );
        assert_eq!(found[0].bounds, Roi::new([0, 1, 0, 0], [1, 3, 251, 251]));
        assert_eq!(found[2].middle, [1, 1, 10, 10]);
        assert!(found.iter().all(|a| labels.get(a.middle) == a.label && a.bounds.contains(a.middle)));
        assert_eq!(annotation_at(&labels, [0, 1, 63, 72]).len(), 10);
        assert_eq!(annotation_at(&labels, [0, 0, 0, 0]), [] as [[usize; 4]; 0]);
    }

    #[test]
    fn labels_side_by_side_stay_apart() {
        let mut labels = LabelVolume::new([1, 1, 4, 200]);
        labels.paint((0..200).map(|x| ([0, 0, 1, x], 1 + (x / 100) as u8)));
        assert_eq!(of(&labels).iter().map(|a| a.pixels).collect::<Vec<_>>(), [100, 100]);
    }

    #[test]
    fn stops_when_cancelled() {
        let mut labels = LabelVolume::new([1, 1, 4, 4]);
        labels.paint([([0, 0, 1, 1], 1)]);
        let cancel = CancelToken::new();
        cancel.cancel();
        assert_eq!(annotations(&labels, &cancel), Err(Cancelled));
    }

    proptest! {
        #[test]
        fn patches_part_the_labels_as_flooding_does(
            pixels in prop::collection::vec((0..2usize, 0..4usize, 0..12usize, 58..72usize, 1..3u8), 0..150),
        ) {
            let mut labels = LabelVolume::new([2, 4, 12, 72]);
            labels.paint(pixels.into_iter().map(|(t, z, y, x, v)| ([t, z, y, x], v)));
            let mut left: HashSet<[usize; 4]> = labels.iter().map(|(at, _)| at).collect();
            for patch in of(&labels) {
                let flooded = annotation_at(&labels, patch.middle);
                prop_assert_eq!(labels.get(patch.middle), patch.label);
                prop_assert_eq!(flooded.len() as u64, patch.pixels);
                let around = flooded.iter().map(|&at| Roi::new(at, at.map(|i| i + 1))).reduce(|a, b| a.union(&b));
                prop_assert_eq!(around, Some(patch.bounds));
                prop_assert!(flooded.iter().all(|at| left.remove(at)), "patches overlap");
            }
            prop_assert!(left.is_empty());
        }
    }
}
