//! The live engine with scripted work: what supersedes what, and that nothing starves, hangs or goes back.
//!
//! Work waits at gates that the tests open, so that every order of events is made, not hoped for.

#![allow(clippy::panic, clippy::unwrap_used)]

#[path = "support/images.rs"]
mod images;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use brushwood::classify::{self, Forest, Rows, TrainError, TrainOptions, Trained};
use brushwood::data::revision::{LabelsRev, SelectionRev};
use brushwood::data::{Axis, CancelToken, LabelVolume, SlicePlane, SpatialRoi};
use brushwood::engine::{
    Engine, EngineOptions, Event, FIRST_TREES, Footprint, Goal, LaneSource, TREE_COUNT, TrainingStage, View,
    Work, WorkError,
};
use brushwood::features::FeatureSelection;
use images::MemoryImage;
use ndarray::{Array2, Array4, ArrayView4};

/// Longest wait for something that must happen; reached only when a test fails.
const WATCHDOG: Duration = Duration::from_secs(30);

/// Lets work through only as far as the test says.
#[derive(Default)]
struct Gate {
    permits: Mutex<usize>,
    changed: Condvar,
}

impl Gate {
    fn open(&self, permits: usize) {
        let mut left = self.permits.lock().unwrap();
        *left = left.saturating_add(permits);
        self.changed.notify_all();
    }

    fn pass(&self) {
        let mut left = self.permits.lock().unwrap();
        while *left == 0 {
            left = self.changed.wait(left).unwrap();
        }
        *left -= 1;
    }
}

const FOREVER: usize = usize::MAX / 2;

/// Work that does next to nothing, when it may.
#[derive(Default)]
struct Script {
    grow: Gate,
    predict: Gate,
    /// Where the predictor waits, when the test asks for it, after it told of tiles.
    told: Option<Gate>,
    grown: AtomicUsize,
    rows_computed: AtomicUsize,
    features_computed: AtomicUsize,
    panics: AtomicUsize,
    cancelled: AtomicUsize,
}

#[derive(Clone)]
struct Scripted(Arc<Script>);

impl Work for Scripted {
    type Prepared = usize;
    type Trainer = classify::Trainer;

    fn rows(&self, _: &Goal, lane: usize, labels: &LabelVolume) -> Result<Vec<Rows>, WorkError> {
        Ok(labels
            .blocks()
            .map(|block| {
                self.0.rows_computed.fetch_add(1, Ordering::SeqCst);
                let pixels: Vec<_> = labels.only(block).iter().collect();
                Rows {
                    features: Array2::from_shape_fn((pixels.len(), 1), |(row, _)| f32::from(pixels[row].1)),
                    labels: pixels.iter().map(|(_, value)| *value).collect(),
                    keys: pixels.iter().map(|(at, _)| (lane * 7 + at[2] * 10_000 + at[3]) as u64).collect(),
                }
            })
            .collect())
    }

    fn trainer(&self, rows: &Rows, cancel: &CancelToken) -> Result<classify::Trainer, TrainError> {
        classify::Trainer::new(rows, cancel)
    }

    fn grow(
        &self,
        trainer: &classify::Trainer,
        options: &TrainOptions,
        cancel: &CancelToken,
    ) -> Result<Trained, TrainError> {
        self.0.grow.pass();
        if let Err(cancelled) = cancel.check() {
            self.0.cancelled.fetch_add(1, Ordering::SeqCst);
            return Err(cancelled.into());
        }
        self.0.grown.fetch_add(1, Ordering::SeqCst);
        trainer.grow(options, cancel)
    }

    fn prepare(&self, _: &Goal, _: usize, forest: &Forest) -> Result<usize, WorkError> {
        Ok(forest.trees.len())
    }

    fn footprint(&self, _: &usize) -> Footprint {
        Footprint { halo: [0; 3], channels: 1 }
    }

    fn features(
        &self,
        _: &LaneSource,
        _: usize,
        _: &usize,
        _: usize,
        roi: &SpatialRoi,
    ) -> Result<Array4<f32>, WorkError> {
        self.0.features_computed.fetch_add(1, Ordering::SeqCst);
        let [z, y, x] = roi.shape();
        Ok(Array4::zeros((1, z, y, x)))
    }

    fn predict(&self, trees: &usize, features: ArrayView4<'_, f32>) -> Array4<f32> {
        self.0.predict.pass();
        if self.0.panics.load(Ordering::SeqCst) > 0 {
            self.0.panics.fetch_sub(1, Ordering::SeqCst);
            panic!("scripted");
        }
        let (_, z, y, x) = features.dim();
        Array4::from_elem((2, z, y, x), *trees as f32 / TREE_COUNT as f32)
    }

    fn masked(
        &self,
        _: &LaneSource,
        _: usize,
        _: usize,
        _: &SpatialRoi,
        probabilities: Array4<f32>,
    ) -> Result<Array4<f32>, WorkError> {
        Ok(probabilities)
    }
}

struct Bench {
    engine: Engine<Scripted>,
    script: Arc<Script>,
    events: Receiver<Event>,
    goal: Goal,
}

/// 24 tiles: 4 rows, 6 columns.
const SHAPE: [usize; 3] = [1, 4 * 128, 6 * 128];
const TILES: usize = 24;

impl Bench {
    /// An engine with one thread, and a goal in live mode with labels of two classes; not posted yet.
    fn new() -> Bench {
        Bench::with(Script::default())
    }

    fn with(script: Script) -> Bench {
        let script = Arc::new(script);
        let telling = Arc::clone(&script);
        let (sender, events) = channel();
        let options = EngineOptions { threads: 1, ..EngineOptions::default() };
        let telling_sink = move |event| {
            let tiles = matches!(event, Event::TilesReady { .. });
            let _ = sender.send(event);
            if let (true, Some(gate)) = (tiles, &telling.told) {
                gate.pass();
            }
        };
        let engine =
            Engine::start_with(Scripted(Arc::clone(&script)), telling_sink, options).expect("threads start");
        let raw = Arc::new(MemoryImage::blobs([1, SHAPE[0], SHAPE[1], SHAPE[2], 1], 1));
        let mut selection = FeatureSelection::none(SHAPE);
        selection.selected[0][0] = true;
        let mut labels = LabelVolume::new([1, SHAPE[0], SHAPE[1], SHAPE[2]]);
        labels.paint((0..20).flat_map(|x| [([0, 0, 5, x], 1), ([0, 0, 200, x], 2)]));
        let goal = Goal {
            lanes: Arc::new(vec![LaneSource { raw, mask: None }]),
            selection: Arc::new(selection),
            selection_rev: SelectionRev(1),
            labels: Arc::new(vec![labels]),
            labels_rev: LabelsRev(1),
            class_count: 2,
            classes_rev: Default::default(),
            trees: TREE_COUNT,
            seed: 0,
            live: true,
            once: None,
            stored_forest: None,
            predict: true,
            view: View {
                lane: 0,
                plane: SlicePlane { axis: Axis::Z, t: 0, position: 0 },
                region: SpatialRoi::whole(SHAPE),
                focus: [0, 200, 300],
                step: 1,
            },
            beside: Vec::new(),
        };
        Bench { engine, script, events, goal }
    }

    fn post(&self) {
        self.engine.set_goal(self.goal.clone());
    }

    /// Paints one more pixel and posts the goal.
    fn stroke(&mut self) {
        let mut labels = self.goal.labels[0].clone();
        let n = self.goal.labels_rev.0 as usize;
        labels.paint([([0, 0, 300 + n % 50, 30 + n / 50], 1)]);
        self.goal.labels = Arc::new(vec![labels]);
        self.goal.labels_rev = self.goal.labels_rev.next();
        self.post();
    }

    fn wait<T>(&self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            match self.events.recv_timeout(WATCHDOG) {
                Ok(event) => {
                    if let Some(picked) = pick(event) {
                        return picked;
                    }
                }
                Err(_) => panic!("{what} did not come"),
            }
        }
    }

    fn wait_forest(&self, labels: LabelsRev, whole: bool) -> Arc<Forest> {
        self.wait("a forest", |event| match event {
            Event::ForestReady { forest, trained_on, complete, .. } => {
                (trained_on == labels && complete == whole).then_some(forest)
            }
            _ => None,
        })
    }

    fn wait_tiles(&self) -> usize {
        self.wait("a tile", |event| match event {
            Event::TilesReady { done, .. } => Some(done),
            _ => None,
        })
    }

    /// Revision of each visible tile that there is, by its place.
    fn shown(&self) -> HashMap<[usize; 3], u64> {
        self.engine.tiles(&self.goal.view).iter().map(|tile| (tile.roi.start, tile.revision.0)).collect()
    }
}

#[test]
fn the_first_trees_are_shown_before_the_others_are_grown() {
    let bench = Bench::new();
    bench.script.grow.open(FOREVER);
    bench.script.predict.open(FOREVER);
    bench.post();
    let mut order = Vec::new();
    bench.wait("the whole forest on screen", |event| {
        match event {
            Event::ForestReady { complete, forest, oob_error, .. } => {
                order.push(if complete { "100 trees" } else { "25 trees" });
                assert_eq!(forest.trees.len(), if complete { TREE_COUNT } else { FIRST_TREES } as usize);
                assert_eq!(oob_error.is_some(), complete);
            }
            Event::TilesReady { done: TILES, total: TILES } => order.push("all tiles"),
            _ => {}
        }
        (order.len() == 4).then_some(())
    });
    assert_eq!(order, ["25 trees", "all tiles", "100 trees", "all tiles"]);
    let tiles = bench.engine.tiles(&bench.goal.view);
    assert_eq!(tiles.len(), TILES);
    assert!(tiles.iter().all(|tile| !tile.stale && tile.probabilities.iter().all(|&p| p == 1.0)));
}

#[test]
fn a_slice_is_told_of_again_when_the_images_change() {
    let mut bench = Bench::new();
    (bench.goal.live, bench.goal.predict) = (false, false);
    bench.post();
    let told = |bench: &Bench| {
        bench.wait("a slice", |event| match event {
            Event::SliceLoaded(piece) => Some(piece.lane),
            _ => None,
        })
    };
    assert_eq!(told(&bench), 0);
    // The same image, its properties changed, then behind another one, then first again.
    let image = bench.goal.lanes[0].clone();
    let other = MemoryImage::blobs([1, SHAPE[0], SHAPE[1], SHAPE[2], 1], 2);
    let other = LaneSource { raw: Arc::new(other), mask: None };
    let labels = bench.goal.labels[0].clone();
    for (lanes, shown) in [
        (vec![image.clone()], 0),
        (vec![other.clone(), image.clone()], 1),
        (vec![image.clone(), other.clone()], 0),
        (vec![image.clone()], 0),
    ] {
        bench.goal.labels = Arc::new(vec![labels.clone(); lanes.len()]);
        bench.goal.lanes = Arc::new(lanes);
        bench.goal.view.lane = shown;
        bench.post();
        assert_eq!(told(&bench), shown);
        assert!(bench.engine.slices(&bench.goal.view).iter().all(|piece| piece.lane == shown));
    }
}

#[test]
fn a_burst_of_strokes_settles_to_the_last() {
    let mut bench = Bench::new();
    bench.script.predict.open(FOREVER);
    bench.post();
    for _ in 0..50 {
        bench.stroke();
    }
    bench.script.grow.open(FOREVER);
    let last = bench.goal.labels_rev;
    bench.wait_forest(last, true);
    bench.wait("all tiles", |event| matches!(event, Event::TilesReady { done: TILES, .. }).then_some(()));
    assert!(bench.engine.tiles(&bench.goal.view).iter().all(|tile| !tile.stale));
    // The fit that ran when the burst began, and the last one: what came between was never begun.
    assert!(bench.script.grown.load(Ordering::SeqCst) <= 4, "{:?} fits", bench.script.grown);
}

#[test]
fn painting_without_a_pause_starves_no_tile() {
    let mut bench = Bench::with(Script { told: Some(Gate::default()), ..Script::default() });
    bench.script.grow.open(FOREVER);
    bench.script.predict.open(FOREVER);
    bench.post();
    bench.wait_tiles();
    // Whenever the predictor has told of tiles, the next forest is there already.
    let mut repainted: HashMap<[usize; 3], usize> = HashMap::new();
    let mut before = bench.shown();
    assert_eq!(before.len(), 2);
    repainted.extend(before.keys().map(|place| (*place, 1)));
    let rounds = TILES - 2;
    for _ in 0..rounds {
        bench.stroke();
        bench.wait_forest(bench.goal.labels_rev, false);
        bench.script.told.as_ref().unwrap().open(1);
        bench.wait_tiles();
        let now = bench.shown();
        for (place, revision) in &now {
            assert!(before.get(place).is_none_or(|old| old <= revision), "tile {place:?} went back");
            if before.get(place) != Some(revision) {
                *repainted.entry(*place).or_default() += 1;
            }
        }
        before = now;
    }
    assert_eq!(repainted.len(), TILES, "tiles painted at least once while painting goes on");
    let brush = [0, 128, 256];
    assert_eq!(repainted[&brush], rounds + 1, "the tile at the brush follows every stroke");
    bench.script.told.as_ref().unwrap().open(FOREVER);
}

#[test]
fn three_slices_on_screen_starve_none_of_their_tiles() {
    let mut bench = Bench::with(Script { told: Some(Gate::default()), ..Script::default() });
    let beside = |axis, position: usize| {
        let plane = SlicePlane { axis, t: 0, position };
        let [rows, columns] = plane.extent(SHAPE);
        View { lane: 0, plane, region: plane.region([0, rows], [0, columns]), focus: [0, 200, 300], step: 1 }
    };
    bench.goal.beside = vec![beside(Axis::Y, 200), beside(Axis::X, 300)];
    let all = TILES + 6 + 4;
    bench.script.grow.open(FOREVER);
    bench.script.predict.open(FOREVER);
    bench.post();
    bench.wait_tiles();
    for _ in 0..all - 2 {
        bench.stroke();
        bench.wait_forest(bench.goal.labels_rev, false);
        bench.script.told.as_ref().unwrap().open(1);
        bench.wait_tiles();
    }
    let painted: usize = bench.goal.views().map(|view| bench.engine.tiles(view).len()).sum();
    assert_eq!(painted, all, "tiles painted at least once while painting goes on");
    bench.script.told.as_ref().unwrap().open(FOREVER);
    bench.wait("all tiles", |event| {
        matches!(event, Event::TilesReady { done, total } if (done, total) == (all, all)).then_some(())
    });
}

#[test]
fn training_tells_what_it_is_at() {
    let bench = Bench::new();
    bench.script.grow.open(FOREVER);
    bench.script.predict.open(FOREVER);
    bench.post();
    let mut told = Vec::new();
    bench.wait("the end of training", |event| {
        let Event::Training(stage) = event else { return None };
        told.push(stage);
        let trees = told.contains(&Some(TrainingStage::Trees { done: FIRST_TREES, total: TREE_COUNT }));
        (trees && stage.is_none()).then_some(())
    });
    told.retain(Option::is_some);
    let trees = |done| TrainingStage::Trees { done, total: TREE_COUNT };
    let stages = [TrainingStage::Rows, trees(0), trees(FIRST_TREES)];
    assert_eq!(told, stages.map(Some));
}

#[test]
fn a_stroke_alone_interrupts_no_pass() {
    let mut bench = Bench::new();
    bench.script.grow.open(FOREVER);
    bench.script.predict.open(FOREVER);
    bench.post();
    bench.wait_forest(bench.goal.labels_rev, true);
    bench.wait("all tiles", |event| matches!(event, Event::TilesReady { done: TILES, .. }).then_some(()));
    // All tiles are due again; live update goes off, and a stroke falls before each of them.
    *bench.script.predict.permits.lock().unwrap() = 0;
    bench.goal.selection_rev = SelectionRev(2);
    bench.post();
    bench.wait_forest(bench.goal.labels_rev, false);
    bench.goal.live = false;
    let mut counts = Vec::new();
    bench.script.predict.open(2);
    counts.push(bench.wait_tiles());
    for _ in 2..TILES {
        bench.stroke();
        bench.script.predict.open(1);
        counts.push(bench.wait_tiles());
    }
    assert_eq!(counts, (2..=TILES).collect::<Vec<_>>(), "one pass, never begun again");
}

#[test]
fn another_selection_cancels_the_fit_and_marks_tiles_stale() {
    let mut bench = Bench::new();
    bench.script.grow.open(2);
    bench.script.predict.open(FOREVER);
    bench.post();
    bench.wait_forest(bench.goal.labels_rev, true);
    bench.wait("all tiles", |event| matches!(event, Event::TilesReady { done: TILES, .. }).then_some(()));
    bench.stroke();
    bench.goal.selection_rev = SelectionRev(2);
    bench.goal.live = false;
    bench.post();
    let tiles = bench.engine.tiles(&bench.goal.view);
    assert_eq!(tiles.len(), TILES, "tiles of the old features are kept until replaced");
    assert!(tiles.iter().all(|tile| tile.stale));
    bench.goal.live = true;
    bench.stroke();
    bench.script.grow.open(FOREVER);
    bench.wait("only the forest of the new selection", |event| match event {
        Event::ForestReady { trained_on, complete, .. } => {
            assert_eq!(trained_on, bench.goal.labels_rev, "a cancelled fit was published");
            complete.then_some(())
        }
        _ => None,
    });
}

#[test]
fn only_changed_label_blocks_are_computed_again() {
    let mut bench = Bench::new();
    bench.script.grow.open(FOREVER);
    bench.script.predict.open(FOREVER);
    bench.post();
    bench.wait_forest(bench.goal.labels_rev, true);
    let first = bench.script.rows_computed.load(Ordering::SeqCst);
    assert_eq!(first, 2);
    bench.stroke();
    bench.wait_forest(bench.goal.labels_rev, true);
    assert_eq!(bench.script.rows_computed.load(Ordering::SeqCst), first + 1);
    assert_eq!(bench.script.features_computed.load(Ordering::SeqCst), TILES, "features serve every forest");
}

#[test]
fn a_panic_is_told_and_the_worker_goes_on() {
    let mut bench = Bench::new();
    bench.script.grow.open(FOREVER);
    bench.script.predict.open(FOREVER);
    bench.script.panics.store(1, Ordering::SeqCst);
    bench.post();
    let message = bench.wait("the failure", |event| match event {
        Event::Failed(message) => Some(message),
        _ => None,
    });
    assert!(message.contains("Prediction stopped") && message.contains("scripted"), "{message}");
    bench.stroke();
    bench.wait_forest(bench.goal.labels_rev, true);
    bench.wait("all tiles", |event| matches!(event, Event::TilesReady { done: TILES, .. }).then_some(()));
}

#[test]
fn one_class_alone_is_said_once() {
    let mut bench = Bench::new();
    bench.script.grow.open(FOREVER);
    let mut labels = LabelVolume::new([1, SHAPE[0], SHAPE[1], SHAPE[2]]);
    labels.paint([([0, 0, 1, 1], 1)]);
    bench.goal.labels = Arc::new(vec![labels]);
    bench.post();
    bench.post();
    let message = bench.wait("the reason", |event| match event {
        Event::NotTraining(message) => Some(message),
        _ => None,
    });
    assert_eq!(message, "labels of 2 classes are needed, found 1");
    assert!(bench.engine.shutdown());
    assert!(!bench.events.try_iter().any(|event| matches!(event, Event::NotTraining(_))));
}

#[test]
fn without_live_update_training_happens_once_when_asked() {
    let mut bench = Bench::new();
    bench.script.grow.open(FOREVER);
    bench.script.predict.open(FOREVER);
    bench.goal.live = false;
    bench.post();
    bench.stroke();
    bench.goal.once = Some(bench.goal.labels_rev);
    bench.post();
    bench.wait_forest(bench.goal.labels_rev, true);
    bench.stroke();
    assert!(bench.engine.shutdown());
    assert_eq!(bench.script.grown.load(Ordering::SeqCst), 2);
}

#[test]
fn a_removed_class_takes_its_tiles_along() {
    let mut bench = Bench::new();
    bench.script.grow.open(FOREVER);
    bench.script.predict.open(FOREVER);
    bench.post();
    bench.wait("all tiles", |event| matches!(event, Event::TilesReady { done: TILES, .. }).then_some(()));
    bench.goal.class_count = 1;
    bench.goal.live = false;
    bench.post();
    assert!(bench.engine.tiles(&bench.goal.view).is_empty());
}

#[test]
fn classes_that_trade_places_take_their_tiles_along_and_train_anew() {
    let mut bench = Bench::new();
    bench.script.grow.open(FOREVER);
    bench.script.predict.open(FOREVER);
    bench.post();
    bench.wait_forest(bench.goal.labels_rev, true);
    bench.wait("all tiles", |event| matches!(event, Event::TilesReady { done: TILES, .. }).then_some(()));
    bench.goal.classes_rev = bench.goal.classes_rev.next();
    bench.goal.live = false;
    bench.post();
    assert!(bench.engine.tiles(&bench.goal.view).is_empty(), "tiles of the old numbers are not shown");
    bench.goal.live = true;
    bench.goal.trees = 10;
    bench.post();
    let forest = bench.wait_forest(bench.goal.labels_rev, true);
    assert_eq!(forest.trees.len(), 10, "few trees are grown at once");
    bench.goal.trees = 30;
    bench.goal.labels_rev = bench.goal.labels_rev.next();
    bench.post();
    assert_eq!(bench.wait_forest(bench.goal.labels_rev, true).trees.len(), 30);
}

#[test]
fn a_stored_forest_predicts_until_a_newer_one_is_there() {
    let bench = Bench::new();
    bench.script.grow.open(FOREVER);
    bench.script.predict.open(FOREVER);
    bench.post();
    let forest = bench.wait_forest(bench.goal.labels_rev, true);
    let mut other = Bench::new();
    other.script.predict.open(FOREVER);
    other.goal.live = false;
    other.goal.stored_forest = Some(forest);
    other.post();
    other.wait("all tiles", |event| matches!(event, Event::TilesReady { done: TILES, .. }).then_some(()));
    other.script.grow.open(FOREVER);
    other.goal.live = true;
    other.post();
    other.wait_forest(other.goal.labels_rev, true);
}

#[test]
fn work_in_progress_does_not_hold_up_the_end() {
    let bench = Bench::new();
    bench.script.grow.open(FOREVER);
    bench.post();
    bench.wait_forest(bench.goal.labels_rev, false);
    let began = Instant::now();
    while bench.script.features_computed.load(Ordering::SeqCst) == 0 {
        assert!(began.elapsed() < Duration::from_secs(30), "the predictor never began");
        std::thread::yield_now();
    }
    // The predictor stands at its gate: it can't end, and shutdown does not wait for it for long.
    let (sender, ended) = channel();
    std::thread::spawn(move || {
        let _ = sender.send(bench.engine.shutdown());
    });
    let all_ended = ended.recv_timeout(Duration::from_secs(5)).expect("shutdown returns");
    assert!(!all_ended);
}
