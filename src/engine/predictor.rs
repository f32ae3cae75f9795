//! Predicts the visible tiles, the one at the brush first, then those that wait longest, then outward.
//!
//! A pass is superseded by a newer forest or another view, never by a stroke; the next pass goes on with
//! the tiles that this one did not reach, so that every tile moves while the user paints.

use std::sync::Arc;

use ndarray::{Array4, Axis as ArrayAxis, Slice, s};
use rayon::prelude::*;

use super::Event;
use super::driver::{ActiveForest, Job, PredictMail, Shared};
use super::lru::ByteLru;
use super::thinning::step_that_fits;
use super::tiles::{TILE_SIDE, TileKey, visible_tiles};
use super::work::{Footprint, Work, WorkError};
use crate::data::revision::ForestRev;
use crate::data::{SlicePlane, SpatialRoi};

/// A block of features: which image, time and pixels. They serve every forest of one selection.
type FeatureKey = (u64, usize, SpatialRoi);
type Features = Arc<Array4<f32>>;

/// What outlives a pass.
struct Caches<P> {
    /// Features of blocks, of the epoch `epoch`.
    features: ByteLru<FeatureKey, Features>,
    epoch: u64,
    /// The last bank and forest made ready, and for what.
    prepared: Option<(ForestRev, u64, Arc<P>)>,
}

/// How a pass ended.
enum Outcome {
    /// Nothing is left to do for what is wanted now.
    Done,
    /// This is wanted instead.
    Superseded(PredictMail),
    /// The engine stops.
    Closed,
}

pub(super) fn run<W: Work>(shared: &Shared<W>, seen: &mut u64) {
    let features = ByteLru::new(shared.options.feature_bytes);
    let mut caches = Caches { features, epoch: 0, prepared: None };
    let mut next = shared.predict.wait_newer(seen);
    while let Some(mail) = next {
        next = match pass(shared, &mail, &mut caches, seen) {
            Outcome::Done => shared.predict.wait_newer(seen),
            Outcome::Superseded(newer) => Some(newer),
            Outcome::Closed => None,
        };
    }
}

/// Whether `newer` asks for other tiles than `job`, or for the same by another forest.
fn supersedes(newer: &PredictMail, job: &Job, revision: ForestRev) -> bool {
    newer.forest.as_ref().is_none_or(|forest| forest.revision != revision)
        || newer.job.as_ref().is_none_or(|next| {
            !next.goal.views().eq(job.goal.views())
                || next.goal.predict != job.goal.predict
                || next.goal.class_count != job.goal.class_count
                || next.lane_ids != job.lane_ids
                || next.epoch != job.epoch
                || next.class_epoch != job.class_epoch
        })
}

fn pass<W: Work>(
    shared: &Shared<W>,
    mail: &PredictMail,
    caches: &mut Caches<W::Prepared>,
    seen: &mut u64,
) -> Outcome {
    let (Some(job), Some(forest)) = (&mail.job, &mail.forest) else { return Outcome::Done };
    let outcome = if job.goal.predict && job.goal.view.lane < job.lane_ids.len() {
        predict_visible(shared, job, forest, caches, seen).unwrap_or_else(|error| {
            shared.send(Event::Failed(format!("Not predicting: {error}")));
            Outcome::Done
        })
    } else {
        Outcome::Done
    };
    if matches!(outcome, Outcome::Done) {
        shared.settle(forest.revision);
    }
    outcome
}

fn predict_visible<W: Work>(
    shared: &Shared<W>,
    job: &Job,
    forest: &ActiveForest,
    caches: &mut Caches<W::Prepared>,
    seen: &mut u64,
) -> Result<Outcome, WorkError> {
    let view = job.goal.view;
    let (lane_id, t) = (job.lane_ids[view.lane], view.plane.t);
    if caches.epoch != job.epoch {
        caches.features.retain(|_| false);
        (caches.epoch, caches.prepared) = (job.epoch, None);
    }
    caches.features.retain(|(lane, ..)| job.lane_ids.contains(lane));
    let prepared = caches.prepare(shared, job, forest)?;
    let [_, z, y, x, _] = job.goal.lanes[view.lane].raw.info().shape;
    let footprint = shared.work.footprint(&prepared);
    let visible: Vec<Place> = job
        .goal
        .views()
        .flat_map(|view| {
            let slab = Slab::new(&view.plane, [z, y, x], &footprint);
            let bytes = job.goal.class_count * size_of::<f32>();
            // Half of the memory, so that tiles seen before do not push out what is seen.
            let step =
                step_that_fits(view.region.len(), bytes, shared.options.prediction_bytes / 2, view.step);
            // What is at the focus is looked at closely.
            let place = move |(order, roi)| Place { roi, slab, step: if order == 0 { 1 } else { step } };
            visible_tiles(view, [z, y, x]).into_iter().enumerate().map(place)
        })
        .collect();
    let todo = outdated(shared, &visible, lane_id, t, forest.revision);
    let total = visible.len();
    let mut done = total - todo.len();
    if todo.is_empty() {
        shared.send(Event::TilesReady { done, total });
    }
    // Features of more tiles than fit would only push out those of nearer tiles.
    let largest = visible.iter().map(|place| place.slab.bytes).max().unwrap_or(1);
    let cacheable = (shared.options.feature_bytes / largest.max(1)).max(1);
    let near: Vec<SpatialRoi> = visible.iter().take(cacheable).map(|place| place.roi).collect();
    let task = TileTask { work: &shared.work, job, prepared: &prepared };
    let threads = shared.pool.current_num_threads();
    let mut rest = todo.as_slice();
    // A pass always gets past the tile at the brush, or no other would ever change.
    let mut chunk = threads.max(2);
    while !rest.is_empty() {
        let (places, later) = rest.split_at(chunk.min(rest.len()));
        (rest, chunk) = (later, threads);
        let held: Vec<Option<Features>> =
            places.iter().map(|place| caches.features.get(&(lane_id, t, place.block())).cloned()).collect();
        let results: Vec<Result<(Features, Array4<f32>), WorkError>> = shared
            .pool
            .install(|| places.par_iter().zip(held).map(|(place, held)| task.predict(place, held)).collect());
        for (place, result) in places.iter().zip(results) {
            let (features, probabilities) = result?;
            let key = (lane_id, t, place.block());
            if caches.features.peek(&key).is_none() && near.contains(&place.roi) {
                caches.features.insert(key, features, place.slab.bytes);
            }
            let key = TileKey { lane: lane_id, t, roi: place.roi };
            let thinned = (place.step, place.thinned(probabilities));
            shared.tiles.accept(key, thinned, forest.revision, job.class_epoch);
        }
        done += places.len();
        shared.send(Event::TilesReady { done, total });
        if shared.predict.is_newer(*seen) && !rest.is_empty() {
            match shared.predict.get(seen) {
                None => return Ok(Outcome::Closed),
                Some(newer) if supersedes(&newer, job, forest.revision) => {
                    return Ok(Outcome::Superseded(newer));
                }
                Some(_) => {}
            }
        }
    }
    Ok(Outcome::Done)
}

/// A tile, the blocks in which features of its slice are computed, and how many of its pixels are kept.
#[derive(Clone, Copy)]
struct Place {
    roi: SpatialRoi,
    slab: Slab,
    step: usize,
}

impl Place {
    fn block(&self) -> SpatialRoi {
        self.slab.block(&self.roi)
    }

    /// The probabilities (`class, z, y, x`) of every `step`-th pixel.
    fn thinned(&self, probabilities: Array4<f32>) -> Array4<f32> {
        let step = self.step as isize;
        match step {
            1 => probabilities,
            _ => probabilities.slice(s![.., ..;step, ..;step, ..;step]).to_owned(),
        }
    }
}

/// The visible tiles that `revision` has not predicted yet: the one at the brush, then those whose
/// result is oldest, then outward.
fn outdated<W: Work>(
    shared: &Shared<W>,
    visible: &[Place],
    lane: u64,
    t: usize,
    revision: ForestRev,
) -> Vec<Place> {
    let shown = |place: &Place| {
        let (revision, step) = shared.tiles.shown(&TileKey { lane, t, roi: place.roi })?;
        Some((revision, step <= place.step))
    };
    let mut todo: Vec<_> =
        visible.iter().enumerate().map(|(order, place)| (order != 0, shown(place), order, *place)).collect();
    todo.retain(|(_, shown, ..)| shown.is_none_or(|shown| shown < (revision, true)));
    todo.sort_unstable_by_key(|&(later, shown, order, _)| (later, shown, order));
    todo.into_iter().map(|(.., place)| place).collect()
}

impl<P: Send + Sync> Caches<P> {
    fn prepare<W: Work<Prepared = P>>(
        &mut self,
        shared: &Shared<W>,
        job: &Job,
        forest: &ActiveForest,
    ) -> Result<Arc<P>, WorkError> {
        let lane = job.goal.view.lane;
        let lane_id = job.lane_ids[lane];
        if let Some((revision, of, prepared)) = &self.prepared
            && (*revision, *of) == (forest.revision, lane_id)
        {
            return Ok(Arc::clone(prepared));
        }
        let prepared = Arc::new(shared.work.prepare(&job.goal, lane, &forest.forest)?);
        self.prepared = Some((forest.revision, lane_id, Arc::clone(&prepared)));
        Ok(prepared)
    }
}

/// The blocks of which features are computed: as wide as a tile, and a few slices deep where the filters
/// reach across slices, since a slice costs little once its neighbourhood has been smoothed.
#[derive(Clone, Copy)]
struct Slab {
    axis: usize,
    depth: usize,
    extent: usize,
    /// Bytes of the features of one block.
    bytes: usize,
}

/// Slices of context that pay for one more slice of features (the ratio of the costs of smoothing and of
/// the filters per pixel).
const HALO_PER_SLICE: usize = 10;

impl Slab {
    fn new(plane: &SlicePlane, shape: [usize; 3], footprint: &Footprint) -> Self {
        let axis = plane.axis as usize - 1;
        let depth = (1 + footprint.halo[axis] / HALO_PER_SLICE).min(shape[axis]);
        let bytes = TILE_SIDE * TILE_SIDE * depth * footprint.channels * size_of::<f32>();
        Slab { axis, depth, extent: shape[axis], bytes }
    }

    /// The block that holds the tile `roi`.
    fn block(&self, roi: &SpatialRoi) -> SpatialRoi {
        let mut block = *roi;
        block.start[self.axis] -= roi.start[self.axis] % self.depth;
        block.stop[self.axis] = (block.start[self.axis] + self.depth).min(self.extent);
        block
    }
}

/// What the threads of the pool share while they predict tiles.
struct TileTask<'a, W: Work> {
    work: &'a W,
    job: &'a Job,
    prepared: &'a W::Prepared,
}

impl<W: Work> TileTask<'_, W> {
    fn predict(&self, place: &Place, held: Option<Features>) -> Result<(Features, Array4<f32>), WorkError> {
        let view = &self.job.goal.view;
        let source = &self.job.goal.lanes[view.lane];
        let Place { roi, slab, .. } = place;
        let block = place.block();
        let features = match held {
            Some(features) => features,
            None => Arc::new(self.work.features(source, view.lane, self.prepared, view.plane.t, &block)?),
        };
        let part = roi.relative_to(block.start);
        let slice = features
            .slice_axis(ArrayAxis(slab.axis + 1), Slice::from(part.start[slab.axis]..part.stop[slab.axis]));
        let probabilities = self.work.predict(self.prepared, slice);
        Ok((features, self.work.masked(source, view.lane, view.plane.t, roi, probabilities)?))
    }
}
