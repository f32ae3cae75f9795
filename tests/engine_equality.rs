//! What the live engine shows equals what the pipeline computes for the whole image, to the last bit, for
//! any number of threads and any history of strokes.

#![allow(clippy::panic, clippy::unwrap_used)]

#[path = "support/images.rs"]
mod images;

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use brushwood::classify::{self, Forest, Node, TrainOptions};
use brushwood::data::revision::{LabelsRev, SelectionRev};
use brushwood::data::{Axis, CancelToken, LabelVolume, Roi5, SlicePlane, SpatialRoi, Volume};
use brushwood::engine::{Engine, EngineOptions, Event, Goal, LaneSource, TREE_COUNT, View};
use brushwood::features::{FeatureBank, FeatureSelection};
use brushwood::io::ImageReader;
use brushwood::pipeline::{self, Classification};
use images::MemoryImage;
use ndarray::{Array4, s};

/// Longest wait for something that must happen; reached only when a test fails.
const WATCHDOG: Duration = Duration::from_secs(120);

fn labels(shape: [usize; 4]) -> LabelVolume {
    let mut labels = LabelVolume::new(shape);
    let z = shape[1] / 2;
    labels
        .paint((0..30).flat_map(|i| [([0, z, 20, 5 + i], 1), ([0, z, 40 + i, 90], 2), ([0, z, 100, i], 1)]));
    labels
}

/// Probabilities of the whole image, as a headless run trains and computes them.
fn headless(goal: &Goal) -> Array4<f32> {
    let raw = &goal.lanes[0].raw;
    let [_, z, y, x, c] = raw.info().shape;
    let bank = FeatureBank::new(&goal.selection, [z, y, x], c).unwrap();
    let rows = pipeline::rows(&bank, raw.as_ref(), 0, &goal.labels[0]).unwrap();
    let options = TrainOptions { trees: 0..TREE_COUNT, seed: goal.seed };
    let trained = classify::train(&rows, &options, &CancelToken::new()).unwrap();
    let whole = SpatialRoi::whole([z, y, x]);
    let input = pipeline::block_input(&raw.read(&whole.at(0, c)).unwrap());
    assert_eq!(trained.forest.feature_count, bank.channel_count(), "columns of unused channels are kept");
    assert!(!splits_on_unused(&trained.forest, &goal.selection, c));
    let classification = Classification::new(bank, &trained.forest, goal.class_count);
    let mut probabilities = classification.probabilities(input.view(), &whole, &whole);
    if let Some(mask) = &goal.lanes[0].mask {
        let kept = pipeline::mask_of(&mask.read(&whole.at(0, mask.info().shape[4])).unwrap());
        pipeline::apply_mask(probabilities.view_mut(), kept.view());
    }
    probabilities
}

/// Whether any tree asks for a feature of a channel that is left out.
fn splits_on_unused(forest: &Forest, selection: &FeatureSelection, channels: usize) -> bool {
    let cells = selection.cells_of_channels(channels);
    let unused = |column: usize| {
        let (row, scale, at) = cells[column];
        let count = cells.iter().filter(|cell| (cell.0, cell.1) == (row, scale)).count() / channels;
        selection.unused_channels.contains(&(at / count))
    };
    forest.trees.iter().flat_map(|tree| &tree.nodes).any(|node| match node {
        Node::Split { column, .. } => unused(*column as usize),
        Node::Leaf { .. } => false,
    })
}

fn goal(image: MemoryImage, axis: Axis, position: usize) -> Goal {
    let [t, z, y, x, _] = image.info().shape;
    let mut selection = FeatureSelection::none([z, y, x]);
    for (row, column) in [(0, 0), (1, 2), (2, 1), (4, 3), (5, 2)] {
        selection.selected[row][column] = true;
    }
    let plane = SlicePlane { axis, t: 0, position };
    let extent = plane.extent([z, y, x]);
    Goal {
        lanes: Arc::new(vec![LaneSource { raw: Arc::new(image), mask: None }]),
        selection: Arc::new(selection),
        selection_rev: SelectionRev(1),
        labels: Arc::new(vec![labels([t, z, y, x])]),
        labels_rev: LabelsRev(1),
        class_count: 2,
        classes_rev: Default::default(),
        trees: TREE_COUNT,
        seed: 7,
        live: true,
        once: None,
        stored_forest: None,
        predict: true,
        view: View {
            lane: 0,
            plane,
            region: plane.region([0, extent[0]], [0, extent[1]]),
            focus: plane.region([1, 2], [1, 2]).start,
            step: 1,
        },
        beside: Vec::new(),
    }
}

fn check(goal: &Goal, threads: usize) {
    let steps = steps_shown(goal, EngineOptions { threads, ..EngineOptions::default() });
    assert!(steps.iter().all(|&step| step == 1), "all of it fits in memory");
}

/// Paints, takes back and paints again, then shows the goal; the tiles must be the headless result, at every
/// step-th pixel. The steps of the tiles, the farthest from the focus first.
fn steps_shown(goal: &Goal, options: EngineOptions) -> Vec<usize> {
    let (sender, events) = channel();
    let engine = Engine::start(
        move |event| {
            let _ = sender.send(event);
        },
        options,
    )
    .unwrap();
    let mut strokes = goal.clone();
    strokes.labels_rev = LabelsRev(1);
    engine.set_goal(strokes.clone());
    for n in 0..4 {
        let mut labels = goal.labels[0].clone();
        let z = goal.labels[0].shape()[1] / 2;
        labels.paint((0..20).map(|i| ([0, z, 64 + n, 64 + i], 1 + (n % 2) as u8)));
        strokes.labels = Arc::new(vec![labels]);
        strokes.labels_rev = strokes.labels_rev.next();
        engine.set_goal(strokes.clone());
    }
    let last = Goal { labels_rev: strokes.labels_rev.next(), ..goal.clone() };
    engine.set_goal(last.clone());
    // A forest may be in use before it is told of, so its tiles may come first.
    let are_current = || {
        let tiles = engine.tiles(&goal.view);
        let pixels: usize = tiles.iter().map(|tile| tile.roi.len()).sum();
        pixels == goal.view.region.len() && tiles.iter().all(|tile| !tile.stale)
    };
    let mut whole = false;
    while !(whole && are_current()) {
        match events.recv_timeout(WATCHDOG).expect("the engine settles") {
            Event::ForestReady { trained_on, complete, .. } => {
                whole = complete && trained_on == last.labels_rev
            }
            Event::Failed(message) | Event::NotTraining(message) => panic!("{message}"),
            _ => {}
        }
    }
    let expect = headless(goal);
    let tiles = engine.tiles(&goal.view);
    let mut pixels = 0;
    for tile in &tiles {
        assert!(!tile.stale);
        let (a, b) = (tile.roi.start, tile.roi.stop);
        let step = tile.step;
        let part = expect.slice(s![.., a[0]..b[0];step, a[1]..b[1];step, a[2]..b[2];step]);
        let equal = tile.probabilities.iter().zip(part).all(|(x, y)| x.to_bits() == y.to_bits());
        assert!(equal && tile.probabilities.dim() == part.dim(), "tile {} differs", tile.roi);
        pixels += tile.roi.len();
    }
    assert_eq!(pixels, goal.view.region.len());
    let loaded = || engine.slices(&goal.view).iter().map(|piece| piece.region.len()).sum::<usize>();
    while loaded() < goal.view.region.len() {
        events.recv_timeout(WATCHDOG).expect("the image is loaded");
    }
    for piece in engine.slices(&goal.view) {
        let whole = goal.lanes[0].raw.read(&piece.region.at(0, piece.raw.shape()[4])).unwrap();
        let at = piece.raw.shape().map(|n| n - 1);
        let far = std::array::from_fn(|i| if (1..4).contains(&i) { at[i] * piece.step } else { at[i] });
        assert_eq!(piece.raw.sample(at), whole.sample(far));
    }
    tiles.iter().map(|tile| tile.step).collect()
}

#[test]
fn two_dimensions_one_thread_and_three() {
    let goal = goal(MemoryImage::blobs([1, 1, 150, 170, 1], 3), Axis::Z, 0);
    check(&goal, 1);
    check(&goal, 3);
}

#[test]
fn two_channels() {
    check(&goal(MemoryImage::blobs([1, 1, 140, 133, 2], 4), Axis::Z, 0), 2);
}

#[test]
fn a_channel_left_out_and_a_mask() {
    let shape = [1, 1, 130, 140, 3];
    let with_noise = |seed| {
        let (image, noise) = (MemoryImage::blobs(shape, 4), MemoryImage::blobs(shape, seed));
        let whole = |image: &MemoryImage| image.read(&Roi5::whole(shape)).unwrap();
        let (Volume::U16(mut samples), Volume::U16(noise)) = (whole(&image), whole(&noise)) else {
            panic!("16 bits")
        };
        samples.slice_mut(s![.., .., .., .., 1]).assign(&noise.slice(s![.., .., .., .., 1]));
        let kept = ndarray::Array5::from_shape_fn([1, 1, 130, 140, 1], |at| u8::from(at.2 + at.3 < 150));
        let mut goal = goal(MemoryImage::new(samples.into()), Axis::Z, 0);
        let selection = Arc::make_mut(&mut goal.selection);
        selection.unused_channels = vec![1];
        Arc::make_mut(&mut goal.lanes)[0].mask = Some(Arc::new(MemoryImage::new(kept.into())));
        goal
    };
    let first = with_noise(5);
    check(&first, 2);
    let (a, b) = (headless(&first), headless(&with_noise(6)));
    assert!(
        a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits()),
        "what is in the channel changes nothing"
    );
    assert!(a.slice(s![.., 0, 100, 100]).iter().all(|p| *p == 0.0), "outside the mask");
    assert!(a.slice(s![.., 0, 10, 10]).sum() > 0.99);
}

#[test]
fn three_dimensions_along_every_axis() {
    let image = || MemoryImage::blobs([1, 9, 110, 130, 1], 5);
    check(&goal(image(), Axis::Z, 4), 2);
    check(&goal(image(), Axis::Y, 61), 2);
    check(&goal(image(), Axis::X, 129), 3);
}

#[test]
fn what_does_not_fit_in_memory_is_shown_whole_but_coarser() {
    let mut goal = goal(MemoryImage::blobs([1, 1, 150, 1100, 1], 6), Axis::Z, 0);
    goal.view.step = 8;
    let pixels = 150 * 1100;
    let options = EngineOptions {
        threads: 2,
        feature_bytes: 1 << 20,
        prediction_bytes: pixels * 2 * size_of::<f32>() / 2,
        slice_bytes: pixels,
    };
    let steps = steps_shown(&goal, options);
    let (nearest, others) = steps.split_last().unwrap();
    assert!(*nearest == 1 && others.iter().all(|&step| step == 2), "{steps:?}");
}
