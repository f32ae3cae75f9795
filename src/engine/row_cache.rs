//! Training rows, kept per block of labels: after a stroke only the blocks it touched are computed again.

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayView2, Axis as ArrayAxis, concatenate};

use super::driver::Job;
use super::work::{Work, WorkError};
use crate::classify::Rows;
use crate::data::LabelVolume;
use crate::data::labels::LabelBlock;

/// Which labels a set of rows belongs to: the image, its number in the project, the block.
type RowKey = (u64, usize, LabelBlock);

#[derive(Debug, Default)]
pub(super) struct RowCache {
    parts: BTreeMap<RowKey, (LabelVolume, Rows)>,
}

impl RowCache {
    pub fn clear(&mut self) {
        self.parts.clear();
    }

    /// All rows of the job's labels, lane after lane, in the labels' order.
    pub fn rows<W: Work>(&mut self, work: &W, job: &Job) -> Result<Rows, WorkError> {
        let mut kept = BTreeMap::new();
        for (lane, labels) in job.goal.labels.iter().enumerate().take(job.lane_ids.len()) {
            let key = |block| (job.lane_ids[lane], lane, block);
            let mut dirty = Vec::new();
            for block in labels.blocks() {
                let now = labels.only(block);
                match self.parts.remove(&key(block)) {
                    Some((before, rows)) if before == now => {
                        kept.insert(key(block), (now, rows));
                    }
                    _ => dirty.push((block, now)),
                }
            }
            if dirty.is_empty() {
                continue;
            }
            let mut changed = LabelVolume::new(labels.shape());
            changed.paint(dirty.iter().flat_map(|(_, part)| part.iter().collect::<Vec<_>>()));
            let rows = work.rows(&job.goal, lane, &changed)?;
            kept.extend(dirty.into_iter().zip(rows).map(|((block, part), rows)| (key(block), (part, rows))));
        }
        self.parts = kept;
        let mut lanes: Vec<_> = self.parts.iter().collect();
        lanes.sort_by_key(|((_, lane, block), _)| (*lane, *block));
        Ok(join(lanes.iter().map(|(_, (_, rows))| rows)))
    }
}

fn join<'a>(parts: impl Iterator<Item = &'a Rows> + Clone) -> Rows {
    let filled = || parts.clone().filter(|part| !part.labels.is_empty());
    let views: Vec<ArrayView2<'_, f32>> = filled().map(|part| part.features.view()).collect();
    Rows {
        // Only images of different numbers of channels could fail here; a project can't hold such.
        features: concatenate(ArrayAxis(0), &views).unwrap_or_else(|_| Array2::zeros((0, 0))),
        labels: filled().flat_map(|part| part.labels.iter().copied()).collect(),
        keys: filled().flat_map(|part| part.keys.iter().copied()).collect(),
    }
}
