//! ilastik's `--print-labels-by-slice`: how many pixels of each class are labelled in each slice.

use std::collections::BTreeMap;

use super::error::say;
use crate::data::Axis;
use crate::project::{Lane, Project};

/// Tells the labelled pixels of each class, or of the label `searched` alone, in each slice along z (of a time
/// series without depth, at each time point) that holds any.
pub(super) fn tell(project: &Project, searched: Option<u8>) {
    for lane in &project.lanes {
        let lines =
            lines(lane, &project.classes.iter().map(|class| &*class.name).collect::<Vec<_>>(), searched);
        if lines.is_empty() {
            say(&format!("'{}' has no such labels", lane.raw.nickname));
        }
        lines.iter().for_each(|line| say(line));
    }
}

fn lines(lane: &Lane, classes: &[&str], searched: Option<u8>) -> Vec<String> {
    let [times, depth, ..] = lane.labels.shape();
    let axis = if depth == 1 && times > 1 { Axis::T } else { Axis::Z };
    let mut slices: BTreeMap<usize, BTreeMap<u8, u64>> = BTreeMap::new();
    let wanted = |label: u8| searched.is_none_or(|searched| searched == label);
    for (at, label) in lane.labels.iter().filter(|(_, label)| wanted(*label)) {
        *slices.entry(at[axis as usize]).or_default().entry(label).or_default() += 1;
    }
    let name = |label: u8| {
        let class = usize::from(label).checked_sub(1).and_then(|class| classes.get(class));
        class.map_or_else(|| label.to_string(), |name| format!("{label} {name}"))
    };
    slices
        .into_iter()
        .map(|(slice, counts)| {
            let counts: Vec<String> =
                counts.into_iter().map(|(label, count)| format!("{}: {count}", name(label))).collect();
            format!("'{}' {} {slice}: {}", lane.raw.nickname, axis.key(), counts.join(", "))
        })
        .collect()
}
