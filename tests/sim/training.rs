//! States of the dialogs around training, with the answers that the background would give.

use std::sync::Arc;

use brushwood::app::training_tools::{
    FoundAnnotations, ImportanceTable, LabelImageKey, SetPreview, ShownSet, Suggested, TrainingOutput,
    TrainingWork,
};
use brushwood::app::{Effect, JobOutput, Work};
use brushwood::batch::label_image::LabelImage;
use brushwood::classify::{Forest, Importance};
use brushwood::data::annotations::annotations;
use brushwood::data::{CancelToken, LabelVolume, SpatialRoi};
use brushwood::features::FeatureSelection;
use brushwood::pipeline::{Candidates, FeatureSet};
use ndarray::Array4;

use super::{Sim, lane};

/// The work that was started since the last call.
pub fn started(sim: &mut Sim) -> Vec<TrainingWork> {
    let work = |effect| match effect {
        Effect::StartJob(job) => match job.work {
            Work::Training(work) => Some(*work),
            _ => None,
        },
        _ => None,
    };
    sim.take_effects().into_iter().filter_map(work).collect()
}

pub fn answer(sim: &mut Sim, output: TrainingOutput) {
    sim.job_done(JobOutput::Training(Box::new(output)));
}

/// A file of 10 x 8 pixels with the values 3 (two pixels) and 200 (one pixel).
pub fn label_image() -> LabelImage {
    let mut places = LabelVolume::new([1, 1, 8, 10]);
    places.paint([([0, 0, 0, 0], 1), ([0, 0, 0, 1], 1), ([0, 0, 7, 9], 2)]);
    LabelImage { axes: "yx".parse().unwrap(), shape: [1, 1, 8, 10], values: vec![(3, 2), (200, 1)], places }
}

/// Opens the import dialog on a file and answers its reading.
pub fn importing(sim: &mut Sim, image: LabelImage) {
    sim.take_effects();
    sim.keys("g i").listing("", &["labels.png", "other.txt"]).text("labels.png");
    let work = started(sim);
    let [TrainingWork::ReadLabels { key, .. }] = &work[..] else { panic!("{work:?}") };
    assert_eq!(*key, LabelImageKey { location: "labels.png".into(), axes: None });
    answer(sim, TrainingOutput::LabelImage(key.clone(), Ok(image)));
    sim.keys("enter");
}

/// Three annotations: two of label 1 of 1 and 5 pixels, one of label 2 in another image.
pub fn annotated() -> Sim {
    let mut sim = Sim::with_lanes(vec![lane("a", [1, 1, 30, 40, 1]), lane("b", [1, 1, 30, 40, 1])]);
    sim.command("brush.size 1").at(3, 3).keys("1 space").at(20, 30).keys("v right right right right v");
    sim.keys("pagedown 2").at(9, 9).keys("space").keys("pageup");
    sim
}

pub fn explored(sim: &mut Sim) {
    sim.take_effects();
    sim.keys("g a");
    let work = started(sim);
    let [TrainingWork::FindAnnotations { labels, revision }] = &work[..] else { panic!("{work:?}") };
    let of_lane = labels.iter().map(|labels| annotations(labels, &CancelToken::new()).unwrap()).collect();
    answer(sim, TrainingOutput::Annotations(FoundAnnotations { revision: *revision, of_lane }));
}

/// One image with labels of two classes.
pub fn trainable() -> Sim {
    let mut sim = Sim::new([1, 64, 80]);
    sim.keys("1 space").at(40, 40).keys("2 space");
    sim.take_effects();
    sim
}

pub fn shown(title: &str, cells: &[[usize; 2]], error: f64) -> ShownSet {
    let mut selection = FeatureSelection::none([1, 64, 80]);
    cells.iter().for_each(|&[row, column]| selection.selected[row][column] = true);
    let forest = Arc::new(Forest { trees: Vec::new(), classes: vec![1, 2], feature_count: 1 });
    let region = SpatialRoi::whole([1, 64, 80]);
    let plane = brushwood::data::SlicePlane { axis: brushwood::data::Axis::Z, t: 0, position: 0 };
    ShownSet {
        title: title.into(),
        set: FeatureSet { selection, forest, oob_error: Some(error) },
        cost: 12.4,
        preview: SetPreview {
            lane: 0,
            plane,
            region,
            probabilities: Arc::new(Array4::zeros((2, 1, 64, 80))),
        },
    }
}

/// Answers the measuring of importance that was started: two features, the second the more important.
pub fn measured(sim: &mut Sim) {
    let work = started(sim);
    let [TrainingWork::MeasureImportance { selection, classifier: (100, 1), revision, .. }] = &work[..]
    else {
        panic!("{work:?}")
    };
    let importance = Importance {
        per_class: ndarray::arr2(&[[0.1, 0.0], [0.2, 0.3]]),
        overall: vec![0.1, 0.5],
        gini: vec![4.0, 3.0],
    };
    let table = ImportanceTable {
        revision: *revision,
        selection: selection.clone(),
        names: vec!["Gaussian Smoothing (σ=0.3)".into(), "Gaussian Gradient Magnitude (σ=1.6)".into()],
        classes: vec![1, 2],
        importance,
        oob_error: Some(0.125),
    };
    answer(sim, TrainingOutput::Importance(Box::new(table)));
}

/// Answers the suggestion that was started: two references and a set of one feature.
pub fn suggested(sim: &mut Sim) {
    let work = started(sim);
    let [TrainingWork::Suggest(request)] = &work[..] else { panic!("{work:?}") };
    let candidates = Arc::new(Candidates::collect(&[], request.pool.clone(), &CancelToken::new()).unwrap());
    let sets = vec![
        shown("your features", &[[0, 0], [1, 2]], 0.02),
        shown("all features", &[[0, 0], [1, 2], [2, 2]], 0.01),
        shown("filter, 1", &[[4, 3]], 0.015),
    ];
    let revision = request.revision;
    answer(sim, TrainingOutput::Suggested(Suggested { candidates, revision, sets }));
}
