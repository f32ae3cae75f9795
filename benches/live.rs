//! How long the user waits: from a stroke's end to the first and the last changed pixel, from opening to
//! the first slice, and for the composition of a picture. 512 x 512, features cached, ilastik's 37 features.
//!
//! `cargo bench --bench live`; prints the median and the longest of the repetitions in milliseconds.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use brushwood::data::revision::{LabelsRev, SelectionRev};
use brushwood::data::{Axis, LabelClass, LabelVolume, SlicePlane, SpatialRoi};
use brushwood::engine::{Engine, EngineOptions, Event, Goal, LaneSource, TREE_COUNT, View};
use brushwood::features::FeatureSelection;
use brushwood::io::{self, OpenOptions};
use brushwood::render::{
    Channels, Layer, LayerKind, Marks, ProbabilityPart, Scene, SlicePart, Viewport, Window, compose,
};

const REPETITIONS: usize = 20;
const WATCHDOG: Duration = Duration::from_secs(60);

fn report(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{name:<44} {:>8.1} ms   longest {:>8.1} ms",
        ms(times[times.len() / 2]),
        ms(times[times.len() - 1])
    );
}

fn first_goal() -> Goal {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/nuclei.tif");
    let raw = io::open(&path.to_string_lossy(), &OpenOptions::default()).unwrap();
    let [t, z, y, x, _] = raw.info().shape;
    let mut labels = LabelVolume::new([t, z, y, x]);
    labels.paint((0..60).flat_map(|i| [([0, 0, 100, 50 + i], 1), ([0, 0, 300, 200 + i], 2)]));
    let plane = SlicePlane { axis: Axis::Z, t: 0, position: 0 };
    Goal {
        lanes: Arc::new(vec![LaneSource { raw, mask: None }]),
        selection: Arc::new(FeatureSelection::all_fitting([z, y, x])),
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
        view: View { lane: 0, plane, region: SpatialRoi::whole([z, y, x]), focus: [0, 256, 256], step: 1 },
        beside: Vec::new(),
    }
}

/// Waits until everything is up to date with the whole forest for `labels`.
fn settle(events: &Receiver<Event>, labels: LabelsRev) {
    let mut whole = false;
    loop {
        match events.recv_timeout(WATCHDOG).unwrap() {
            Event::ForestReady { trained_on, complete, .. } => whole = complete && trained_on == labels,
            Event::TilesReady { done, total } if whole && done == total => return,
            _ => {}
        }
    }
}

fn main() {
    let (mut first_slice, mut first, mut view, mut settled) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        let begun = Instant::now();
        let (sender, events) = channel();
        let _engine = {
            let engine = Engine::start(
                move |event| {
                    let _ = sender.send(event);
                },
                EngineOptions::default(),
            )
            .unwrap();
            engine.set_goal(first_goal());
            engine
        };
        while !matches!(events.recv_timeout(WATCHDOG).unwrap(), Event::SliceLoaded(_)) {}
        first_slice.push(begun.elapsed());
    }
    let (sender, events) = channel();
    let engine = Engine::start(
        move |event| {
            let _ = sender.send(event);
        },
        EngineOptions::default(),
    )
    .unwrap();
    let mut goal = first_goal();
    engine.set_goal(goal.clone());
    settle(&events, goal.labels_rev);
    for n in 0..REPETITIONS {
        let mut labels = goal.labels[0].clone();
        labels.paint((0..30).map(|i| ([0, 0, 250 + n, 240 + i], 1 + (n % 2) as u8)));
        goal.labels = Arc::new(vec![labels]);
        goal.labels_rev = goal.labels_rev.next();
        let begun = Instant::now();
        engine.set_goal(goal.clone());
        let mut trained = false;
        let mut shown = false;
        loop {
            match events.recv_timeout(WATCHDOG).unwrap() {
                Event::ForestReady { trained_on, .. } => trained = trained_on == goal.labels_rev,
                Event::TilesReady { done, total } if trained => {
                    if !shown {
                        first.push(begun.elapsed());
                        shown = true;
                    }
                    if done == total {
                        view.push(begun.elapsed());
                        break;
                    }
                }
                _ => {}
            }
        }
        settle(&events, goal.labels_rev);
        settled.push(begun.elapsed());
    }
    report("start to first slice", first_slice);
    report("stroke to first changed tiles", first);
    report("stroke to the whole view (25 trees)", view);
    report("stroke to the whole view (100 trees)", settled);
    report("composition, 800 x 600, labels and 2 classes", composition(&engine, &goal));
}

fn composition(engine: &Engine, goal: &Goal) -> Vec<Duration> {
    let slices = engine.slices(&goal.view);
    let slices: Vec<SlicePart<'_>> = slices
        .iter()
        .map(|piece| SlicePart {
            region: piece.region,
            step: piece.step,
            raw: &piece.raw,
            mask: piece.mask.as_ref(),
        })
        .collect();
    let tiles = engine.tiles(&goal.view);
    let predictions: Vec<ProbabilityPart<'_>> = tiles
        .iter()
        .map(|tile| ProbabilityPart {
            region: tile.roi,
            step: tile.step,
            probabilities: &tile.probabilities,
            stale: false,
        })
        .collect();
    let layer = |kind, opacity| Layer { kind, visible: true, opacity };
    let scene = Scene {
        plane: goal.view.plane,
        extent: [512, 512],
        slices: &slices,
        channels: &Channels::Gray { channel: 0, window: Window { low: 0.0, high: 255.0 } },
        labels: &goal.labels[0],
        classes: &[LabelClass::numbered(1), LabelClass::numbered(2)],
        predictions: &predictions,
        layers: &[
            layer(LayerKind::Labels, 1.0),
            layer(LayerKind::Prediction(1), 0.25),
            layer(LayerKind::Prediction(2), 0.25),
            layer(LayerKind::RawInput, 1.0),
        ],
        cursor: None,
        mark_stale: false,
        marks: Marks::default(),
    };
    let viewport = Viewport { center: [256.0, 256.0], zoom: [1.17, 1.56], picture: [600, 800] };
    (0..REPETITIONS)
        .map(|_| {
            let begun = Instant::now();
            std::hint::black_box(compose(&scene, &viewport));
            begun.elapsed()
        })
        .collect()
}
