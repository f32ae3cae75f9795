//! Trains whenever the labels are newer than the forest: the first trees at once, the others when the
//! visible tiles have been predicted with those.
//!
//! A fit that runs is finished, whatever is painted meanwhile; only another selection of features or
//! other classes cancel it.

use std::collections::BTreeSet;

use super::driver::{Job, Shared};
use super::row_cache::RowCache;
use super::work::Work;
use super::{Event, Goal, TrainingStage};
use crate::classify::{Rows, TrainError, TrainOptions, Trained};
use crate::data::revision::{ForestRev, LabelsRev};

/// Trees of a forest unless the project says otherwise, as in ilastik.
pub const TREE_COUNT: u32 = 100;
/// Trees grown before the first prediction: enough to show a stroke's effect, and a quarter of the work.
pub const FIRST_TREES: u32 = 25;

/// What a forest depends on. The epoch stands for features and classes.
#[derive(Clone, PartialEq)]
struct Inputs {
    epoch: u64,
    labels_rev: LabelsRev,
    trees: u32,
    seed: u64,
    lane_ids: Vec<u64>,
}

/// A forest whose other trees are still to be grown.
struct Partial<T> {
    trainer: T,
    trained: Trained,
    revision: ForestRev,
    trees: u32,
    seed: u64,
    labels_rev: LabelsRev,
}

pub(super) fn run<W: Work>(shared: &Shared<W>, seen: &mut u64) {
    let mut rows = RowCache::default();
    let mut rows_epoch = 0;
    let mut started: Option<Inputs> = None;
    let mut partial: Option<Partial<W::Trainer>> = None;
    while let Some(mut mail) = shared.train.wait_newer(seen) {
        let mut worked = false;
        // Growing the first trees can make the others due at once, so look again before waiting.
        loop {
            let Some(job) = mail.job.clone() else { break };
            if job.epoch != rows_epoch {
                rows.clear();
                (rows_epoch, started, partial) = (job.epoch, None, None);
            }
            let goal = &job.goal;
            let inputs = Inputs {
                epoch: job.epoch,
                labels_rev: goal.labels_rev,
                trees: goal.trees,
                seed: goal.seed,
                lane_ids: job.lane_ids.clone(),
            };
            let wanted = goal.live || goal.once == Some(goal.labels_rev);
            let settled = |p: &Partial<W::Trainer>| mail.settled >= p.revision || !goal.predict;
            if wanted && started.as_ref() != Some(&inputs) {
                started = Some(inputs);
                worked = true;
                partial = first_trees(shared, &job, &mut rows);
            } else if let Some(waiting) = partial.take_if(|p| settled(p)) {
                worked = true;
                other_trees(shared, &job, waiting);
            } else {
                break;
            }
            match shared.train.get(seen) {
                Some(newer) => mail = newer,
                None => return,
            }
        }
        if worked {
            shared.send(Event::Training(None));
        }
    }
}

fn first_trees<W: Work>(shared: &Shared<W>, job: &Job, rows: &mut RowCache) -> Option<Partial<W::Trainer>> {
    let goal = &job.goal;
    if goal.selection.count() == 0 {
        shared.send(Event::NotTraining("no features are selected; select some (applet 2)".to_owned()));
        return None;
    }
    shared.send(Event::Training(Some(TrainingStage::Rows)));
    let rows = match shared.pool.install(|| rows.rows(&shared.work, job)) {
        Ok(rows) => rows,
        Err(error) => {
            shared.send(Event::NotTraining(error.to_string()));
            return None;
        }
    };
    let trees = goal.trees.max(1);
    shared.send(Event::Training(Some(TrainingStage::Trees { done: 0, total: trees })));
    let options = TrainOptions { trees: 0..FIRST_TREES.min(trees), seed: goal.seed };
    let grown = shared.pool.install(|| {
        let trainer = shared.work.trainer(&rows, &job.cancel)?;
        let trained = shared.work.grow(&trainer, &options, &job.cancel)?;
        Ok((trainer, trained))
    });
    match grown {
        Ok((trainer, trained)) => {
            let complete = trees <= FIRST_TREES;
            let revision = shared.publish(job, &trained, goal.labels_rev, complete)?;
            let labels_rev = goal.labels_rev;
            (!complete).then_some(Partial { trainer, trained, revision, trees, seed: goal.seed, labels_rev })
        }
        Err(TrainError::Cancelled(_)) => None,
        Err(TrainError::TooFewClasses) => {
            shared.send(Event::NotTraining(too_few_classes(goal, &rows)));
            None
        }
    }
}

/// Why `rows` do not hold two classes.
fn too_few_classes(goal: &Goal, rows: &Rows) -> String {
    let distinct = |values: &mut dyn Iterator<Item = u8>| values.collect::<BTreeSet<u8>>().len();
    let painted = distinct(&mut goal.labels.iter().flat_map(|labels| labels.iter().map(|(_, value)| value)));
    let usable = distinct(&mut rows.labels.iter().copied());
    if painted < 2 {
        return format!("labels of 2 classes are needed, found {usable}");
    }
    "the labels of all but one class lie within the filters' reach of NaN or infinity; use smaller scales"
        .into()
}

fn other_trees<W: Work>(shared: &Shared<W>, job: &Job, partial: Partial<W::Trainer>) {
    let Partial { trainer, mut trained, trees, seed, labels_rev, .. } = partial;
    shared.send(Event::Training(Some(TrainingStage::Trees { done: FIRST_TREES, total: trees })));
    let options = TrainOptions { trees: FIRST_TREES..trees, seed };
    match shared.pool.install(|| shared.work.grow(&trainer, &options, &job.cancel)) {
        Ok(later) => match trained.merge(later) {
            Ok(()) => {
                shared.publish(job, &trained, labels_rev, true);
            }
            Err(error) => shared.send(Event::Failed(format!("Training stopped: {error}"))),
        },
        Err(TrainError::Cancelled(_)) => {}
        Err(error) => shared.send(Event::Failed(format!("Training stopped: {error}"))),
    }
}
