//! The engine itself: turns each new goal into work for the threads, and owns what they share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::loader::{self, Pieces, finest, visible_pieces};
use super::lru::ByteLru;
use super::mailbox::{Latest, lock};
use super::supervise::spawn;
use super::tiles::{Tile, TileStore, visible_tiles};
use super::work::{PipelineWork, Work};
use super::{Event, Goal, SliceData, View, predictor, trainer};
use crate::classify::{Forest, Trained};
use crate::data::revision::{ForestRev, LabelsRev};
use crate::data::{CancelToken, SpatialRoi};

/// How long [`Engine::shutdown`] waits for work that can't be interrupted, such as a read.
const SHUTDOWN_WAIT: Duration = Duration::from_millis(500);

/// What the engine may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Threads that compute.
    pub threads: usize,
    /// Most bytes of features kept.
    pub feature_bytes: usize,
    /// Most bytes of predictions kept.
    pub prediction_bytes: usize,
    /// Most bytes of image slices kept.
    pub slice_bytes: usize,
}

impl EngineOptions {
    /// Shares `memory` bytes out: most of it goes to features, which are dear to compute again.
    pub fn new(threads: usize, memory: usize) -> Self {
        EngineOptions {
            threads: threads.max(1),
            feature_bytes: memory / 8 * 5,
            prediction_bytes: memory / 8 * 2,
            slice_bytes: memory / 8,
        }
    }
}

impl Default for EngineOptions {
    /// All cores and 1 GiB.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        EngineOptions::new(threads, 1 << 30)
    }
}

/// A goal with what the engine knows about it.
pub(super) struct Job {
    pub goal: Goal,
    /// Ids of the goal's images; an image opened again gets another id.
    pub lane_ids: Vec<u64>,
    /// Counts changes after which features, rows and forests are worthless.
    pub epoch: u64,
    /// Counts changes after which predictions show the wrong classes.
    pub class_epoch: u64,
    /// Cancelled when the epoch ends.
    pub cancel: CancelToken,
}

/// A forest in use.
#[derive(Clone)]
pub(super) struct ActiveForest {
    pub forest: Arc<Forest>,
    pub revision: ForestRev,
}

#[derive(Clone, Default)]
pub(super) struct TrainMail {
    pub job: Option<Arc<Job>>,
    /// The visible tiles are up to date with this forest, or can't be.
    pub settled: ForestRev,
}

#[derive(Clone, Default)]
pub(super) struct PredictMail {
    pub job: Option<Arc<Job>>,
    pub forest: Option<ActiveForest>,
}

/// What the threads share.
pub(super) struct Shared<W> {
    pub work: W,
    pub options: EngineOptions,
    pub pool: ThreadPool,
    pub train: Latest<TrainMail>,
    pub predict: Latest<PredictMail>,
    pub load: Latest<Option<Arc<Job>>>,
    pub tiles: TileStore,
    pub slices: Mutex<Pieces>,
    sink: Box<dyn Fn(Event) + Send + Sync>,
    forests: AtomicU64,
    /// The newest job. Whoever publishes a forest holds the lock, so that none of an ended epoch slips in.
    newest: Mutex<Option<Arc<Job>>>,
}

impl<W: Work> Shared<W> {
    pub fn send(&self, event: Event) {
        (self.sink)(event);
    }

    /// Puts a forest to use unless its epoch has ended; its revision.
    pub fn publish(
        &self,
        job: &Job,
        trained: &Trained,
        trained_on: LabelsRev,
        complete: bool,
    ) -> Option<ForestRev> {
        let forest = Arc::new(trained.forest.clone());
        let newest = lock(&self.newest);
        if newest.as_ref().is_none_or(|newest| newest.epoch != job.epoch) {
            return None;
        }
        let revision = self.next_forest();
        let active = ActiveForest { forest: Arc::clone(&forest), revision };
        self.predict.update(|mail| mail.forest = Some(active));
        drop(newest);
        let oob_error = complete.then(|| trained.oob_error()).flatten();
        self.send(Event::ForestReady { forest, revision, trained_on, complete, oob_error });
        Some(revision)
    }

    /// Tells the trainer that the visible tiles are as new as `revision` can make them.
    pub fn settle(&self, revision: ForestRev) {
        self.train.update(|mail| mail.settled = mail.settled.max(revision));
    }

    fn next_forest(&self) -> ForestRev {
        let revision = ForestRev(self.forests.fetch_add(1, Ordering::AcqRel) + 1);
        self.tiles.set_newest(revision);
        revision
    }
}

/// The running engine. Dropping it stops the threads.
pub struct Engine<W: Work = PipelineWork> {
    shared: Arc<Shared<W>>,
    lanes: Mutex<LaneIds>,
    ended: Receiver<()>,
}

impl Engine {
    /// Starts the threads; what they have to tell goes to `sink`, from any of them.
    ///
    /// # Errors
    /// The system can't start threads.
    pub fn start(
        sink: impl Fn(Event) + Send + Sync + 'static,
        options: EngineOptions,
    ) -> std::io::Result<Self> {
        Engine::start_with(PipelineWork, sink, options)
    }
}

impl<W: Work> Engine<W> {
    /// Starts the threads with other work than the pipeline's.
    ///
    /// # Errors
    /// The system can't start threads.
    pub fn start_with(
        work: W,
        sink: impl Fn(Event) + Send + Sync + 'static,
        options: EngineOptions,
    ) -> std::io::Result<Self> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(options.threads)
            .thread_name(|n| format!("compute-{n}"))
            .build()
            .map_err(std::io::Error::other)?;
        let shared = Arc::new(Shared {
            work,
            options,
            pool,
            train: Latest::new(TrainMail::default()),
            predict: Latest::new(PredictMail::default()),
            load: Latest::new(None),
            tiles: TileStore::new(options.prediction_bytes),
            slices: Mutex::new(ByteLru::new(options.slice_bytes)),
            sink: Box::new(sink),
            forests: AtomicU64::new(0),
            newest: Mutex::new(None),
        });
        let (sender, ended) = channel();
        start_worker(&shared, &sender, "loader", "Loading", loader::run, |_| {})?;
        start_worker(&shared, &sender, "trainer", "Training", trainer::run, |_| {})?;
        // The trainer waits for the visible tiles: those that can't be predicted must not hold it up.
        let give_up = |shared: &Shared<W>| shared.settle(ForestRev(shared.forests.load(Ordering::Acquire)));
        start_worker(&shared, &sender, "predictor", "Prediction", predictor::run, give_up)?;
        Ok(Engine { shared, lanes: Mutex::new(LaneIds::default()), ended })
    }

    /// Says what to work on from now on.
    pub fn set_goal(&self, goal: Goal) {
        let shared = &self.shared;
        let lane_ids = lock(&self.lanes).assign(&goal);
        let mut newest = lock(&shared.newest);
        let previous = newest.as_ref();
        let other_classes = previous
            .is_some_and(|p| goal.class_count < p.goal.class_count || goal.classes_rev != p.goal.classes_rev);
        let other_features = previous.is_none_or(|p| p.goal.selection_rev != goal.selection_rev);
        let restart = other_classes || other_features;
        let (mut epoch, mut class_epoch, mut cancel) =
            previous.map_or((0, 0, CancelToken::new()), |p| (p.epoch, p.class_epoch, p.cancel.clone()));
        if restart {
            cancel.cancel();
            (epoch, cancel) = (epoch + 1, CancelToken::new());
        }
        if other_classes {
            class_epoch += 1;
            shared.tiles.clear(class_epoch);
        }
        if previous.is_some_and(|p| p.lane_ids != lane_ids) {
            shared.tiles.retain_lanes(|lane| lane_ids.contains(&lane));
            lock(&shared.slices).retain(|(lane, ..)| lane_ids.contains(lane));
        }
        let stored = goal.stored_forest.clone();
        let job = Arc::new(Job { goal, lane_ids, epoch, class_epoch, cancel });
        *newest = Some(Arc::clone(&job));
        shared.predict.update(|mail| {
            if restart && mail.forest.take().is_some() {
                shared.next_forest();
            }
            if mail.forest.is_none()
                && let Some(forest) = stored
            {
                mail.forest = Some(ActiveForest { forest, revision: shared.next_forest() });
            }
            mail.job = Some(Arc::clone(&job));
        });
        drop(newest);
        shared.train.update(|mail| mail.job = Some(Arc::clone(&job)));
        shared.load.update(|mail| *mail = Some(job));
    }

    /// The newest prediction of each visible tile that has one. Does not wait for any work.
    pub fn tiles(&self, view: &View) -> Vec<Tile> {
        match self.locate(view) {
            Some((lane, shape)) => self.shared.tiles.tiles(lane, view.plane.t, &visible_tiles(view, shape)),
            None => Vec::new(),
        }
    }

    /// Whether all that is to be seen of the slice is there: its pixels, and where it is `predicted` its
    /// predictions, `newest` ones or any. Does not wait for any work.
    pub fn is_whole(&self, view: &View, predicted: bool, newest: bool) -> bool {
        let Some((_, shape)) = self.locate(view) else { return false };
        let is_predicted = || {
            let tiles = self.tiles(view);
            tiles.len() == visible_tiles(view, shape).len()
                && !(newest && tiles.iter().any(|tile| tile.stale))
        };
        self.slices(view).len() == visible_pieces(view, shape).len() && (!predicted || is_predicted())
    }

    /// The newest probabilities of every class at the pixel `at` (`zyx`) of the slice, if there are any.
    pub fn probabilities(&self, view: &View, at: [usize; 3]) -> Option<Vec<f32>> {
        let (lane, shape) = self.locate(view)?;
        let region = SpatialRoi::new(at, at.map(|p| p + 1));
        let rois = visible_tiles(&View { region, focus: at, ..*view }, shape);
        let tile = self.shared.tiles.tiles(lane, view.plane.t, &rois).pop()?;
        let from: [usize; 3] = std::array::from_fn(|i| at[i] - tile.roi.start[i]);
        let at = from.map(|p| p / tile.step);
        let predicted = from.iter().all(|p| p % tile.step == 0);
        predicted.then(|| tile.probabilities.outer_iter().map(|class| class[at]).collect())
    }

    /// The visible parts of the image that have been loaded. Does not wait for any work.
    pub fn slices(&self, view: &View) -> Vec<Arc<SliceData>> {
        let Some((lane, shape)) = self.locate(view) else { return Vec::new() };
        let mut slices = lock(&self.shared.slices);
        // The nearest last, so that they are the last to be forgotten.
        visible_pieces(view, shape)
            .into_iter()
            .rev()
            .filter_map(|roi| finest(&mut slices, (lane, view.plane, roi), view.step))
            .collect()
    }

    fn locate(&self, view: &View) -> Option<(u64, [usize; 3])> {
        let newest = lock(&self.shared.newest);
        let job = newest.as_ref()?;
        let [_, z, y, x, _] = job.goal.lanes.get(view.lane)?.raw.info().shape;
        Some((*job.lane_ids.get(view.lane)?, [z, y, x]))
    }

    /// Stops the threads and waits a little for them to end; whether all did.
    pub fn shutdown(&self) -> bool {
        if let Some(job) = lock(&self.shared.newest).as_ref() {
            job.cancel.cancel();
        }
        self.shared.train.close();
        self.shared.predict.close();
        self.shared.load.close();
        let deadline = Instant::now() + SHUTDOWN_WAIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.ended.recv_timeout(left) {
                // Nothing is ever sent: the channel disconnects when the last thread ends.
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }
}

impl<W: Work> Drop for Engine<W> {
    fn drop(&mut self) {
        self.shutdown();
    }
}

fn start_worker<W: Work>(
    shared: &Arc<Shared<W>>,
    ended: &Sender<()>,
    name: &str,
    title: &'static str,
    body: fn(&Shared<W>, &mut u64),
    after_panic: impl Fn(&Shared<W>) + Send + 'static,
) -> std::io::Result<()> {
    let (working, telling) = (Arc::clone(shared), Arc::clone(shared));
    spawn(
        name,
        ended.clone(),
        move |seen| body(&working, seen),
        move |reason| {
            after_panic(&telling);
            telling.send(Event::Failed(format!("{title} stopped: internal error ({reason})")));
        },
    )
}

/// Numbers the open images, so that caches can't mix them up.
#[derive(Default)]
struct LaneIds {
    known: Vec<(super::LaneSource, u64)>,
    last: u64,
}

impl LaneIds {
    fn assign(&mut self, goal: &Goal) -> Vec<u64> {
        let same = |a: &super::LaneSource, b: &super::LaneSource| {
            Arc::ptr_eq(&a.raw, &b.raw)
                && match (&a.mask, &b.mask) {
                    (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                    (None, None) => true,
                    _ => false,
                }
        };
        let mut known = Vec::with_capacity(goal.lanes.len());
        for lane in goal.lanes.iter() {
            let id = self.known.iter().find(|(other, _)| same(other, lane)).map(|(_, id)| *id);
            let id = id.unwrap_or_else(|| {
                self.last += 1;
                self.last
            });
            known.push((lane.clone(), id));
        }
        self.known = known;
        self.known.iter().map(|(_, id)| *id).collect()
    }
}
