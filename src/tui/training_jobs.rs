//! The work behind the dialogs around training, on a job's thread.

use std::sync::Arc;
use std::time::Instant;

use super::jobs::{JobControl, Stop};
use crate::app::Problem;
use crate::app::training_tools::{
    FoundAnnotations, ImportanceTable, LabelImageKey, SetPreview, ShownSet, Suggested, SuggestionRequest,
    TrainingOutput, TrainingWork,
};
use crate::batch::label_image::{LabelExportError, LabelImage, LabelImageError, write_labels};
use crate::classify::{self, TrainOptions};
use crate::data::SpatialRoi;
use crate::data::annotations::annotations;
use crate::features::{FeatureBank, FeatureSelection};
use crate::io::ImageInfo;
use crate::io::template::expand_home;
use crate::pipeline::{self, Candidates, Classification, FeatureSet, TrainError, TrainingLane};

/// Most pixels along each axis of a slice that a preview covers.
const PREVIEW_SIDE: usize = 768;
/// Side of the square that the cost of a set is measured on.
const COST_SIDE: usize = 256;

/// Does `work`.
pub(super) fn run(work: TrainingWork, job: &JobControl) -> Result<TrainingOutput, Stop> {
    match work {
        TrainingWork::ReadLabels { key, image } => read_labels(key, &image, job),
        TrainingWork::WriteLabels { labels, image, path, overwrite } => {
            let path = expand_home(&path.to_string_lossy());
            let told = |done| {
                let _ = job.progress(done);
            };
            write_labels(&labels, &image, &path, overwrite, &job.token, &told).map_err(
                |error| match error {
                    LabelExportError::Cancelled(_) => Stop::Cancelled,
                    error => Problem::new("Can't export the labels", error.to_string(), "").into(),
                },
            )?;
            Ok(TrainingOutput::LabelsWritten(path))
        }
        TrainingWork::FindAnnotations { labels, revision } => {
            let all = labels.iter().map(|labels| annotations(labels, &job.token));
            let of_lane = all.collect::<Result<_, _>>()?;
            Ok(TrainingOutput::Annotations(FoundAnnotations { revision, of_lane }))
        }
        TrainingWork::MeasureImportance { lanes, selection, classifier: (trees, seed), revision } => {
            let cannot = |error| failed("Can't measure the importance of the features", error);
            let rows = pipeline::collect_rows(&lanes, &selection, &job.token).map_err(cannot)?;
            job.progress(0.3)?;
            let options = TrainOptions { trees: 0..trees, seed };
            let trained =
                classify::train(&rows, &options, &job.token).map_err(|error| cannot(error.into()))?;
            job.progress(0.6)?;
            let importance = classify::importance(&rows, &trained.forest, seed, &job.token)?;
            let names = names(&lanes, &selection);
            let oob_error = trained.oob_error();
            let classes = trained.forest.classes;
            Ok(TrainingOutput::Importance(Box::new(ImportanceTable {
                revision,
                selection,
                names,
                classes,
                importance,
                oob_error,
            })))
        }
        TrainingWork::Suggest(request) => suggest(&request, job),
    }
}

fn read_labels(key: LabelImageKey, image: &ImageInfo, job: &JobControl) -> Result<TrainingOutput, Stop> {
    let location = expand_home(&key.location).to_string_lossy().into_owned();
    let told = |done| {
        let _ = job.progress(done);
    };
    let result = LabelImage::read(&location, key.axes.clone(), image, &job.token, &told);
    match result {
        Err(LabelImageError::Cancelled(_)) => Err(Stop::Cancelled),
        result => Ok(TrainingOutput::LabelImage(key, result.map_err(|error| error.to_string()))),
    }
}

fn failed(what: &str, error: TrainError) -> Stop {
    match error {
        TrainError::Cancelled(_) | TrainError::Forest(classify::TrainError::Cancelled(_)) => Stop::Cancelled,
        error => Problem::new(what, error.to_string(), "").into(),
    }
}

/// Names of the feature channels.
fn names(lanes: &[TrainingLane], selection: &FeatureSelection) -> Vec<String> {
    let shape = lanes.first().map(|lane| lane.reader.info().shape);
    let bank = shape.map(|[_, z, y, x, c]| FeatureBank::new(selection, [z, y, x], c));
    bank.and_then(Result::ok).map_or(Vec::new(), |bank| bank.channel_names())
}

fn suggest(request: &SuggestionRequest, job: &JobControl) -> Result<TrainingOutput, Stop> {
    let cannot = |error| failed("Can't suggest features", error);
    let candidates = match &request.candidates {
        Some(candidates) => Arc::clone(candidates),
        None => {
            let candidates = Candidates::collect(&request.lanes, request.pool.clone(), &job.token);
            Arc::new(candidates.map_err(cannot)?)
        }
    };
    job.progress(0.2)?;
    let mut sets = Vec::new();
    let mut wanted = Vec::new();
    if request.with_references {
        wanted.push(("your features".to_owned(), request.current.clone()));
        wanted.push(("all features".to_owned(), request.pool.clone()));
    }
    let told = |done: f64| {
        let _ = job.progress(0.2 + 0.6 * done);
    };
    let chosen = candidates.suggest(&request.options, &job.token, &told).map_err(cannot)?;
    wanted.push((format!("{}, {}", request.options.method, chosen.count()), chosen));
    wanted.retain(|(_, selection)| selection.count() > 0);
    for (title, selection) in wanted {
        let set =
            candidates.train(&selection, request.trees, request.options.seed, &job.token).map_err(cannot)?;
        let (cost, preview) = judge(request, &set)?;
        sets.push(ShownSet { title, set, cost, preview });
        job.progress(0.85 + 0.05 * sets.len() as f64)?;
    }
    Ok(TrainingOutput::Suggested(Suggested { candidates, revision: request.revision, sets }))
}

/// What a set costs, and what it makes of the view.
fn judge(request: &SuggestionRequest, set: &FeatureSet) -> Result<(f64, SetPreview), Stop> {
    let cannot = |why: String| Stop::from(Problem::new("Can't show a set of features", why, ""));
    let reader = request.source.raw.as_ref();
    let [_, z, y, x, channels] = reader.info().shape;
    let view = &request.view;
    let bank = FeatureBank::new(&set.selection, [z, y, x], channels).map_err(|e| cannot(e.to_string()))?;
    let classification = Classification::new(bank, &set.forest, request.class_count);
    let t = view.plane.t;
    let square = around(&view.region, view.focus, COST_SIDE);
    let begin = Instant::now();
    let clock = || begin.elapsed();
    let cost =
        pipeline::cost(&classification, reader, t, &square, &clock).map_err(|e| cannot(e.to_string()))?;
    let region = around(&view.region, view.focus, PREVIEW_SIDE);
    let input_roi = region.enlarge(classification.bank.halo(), [z, y, x]);
    let volume = reader.read(&input_roi.at(t, channels)).map_err(|e| cannot(e.to_string()))?;
    let input = pipeline::block_input(&volume);
    let probabilities = Arc::new(classification.probabilities(input.view(), &input_roi, &region));
    Ok((cost, SetPreview { lane: view.lane, plane: view.plane, region, probabilities }))
}

/// The part of `region` within `side` pixels about `focus` (`zyx`).
fn around(region: &SpatialRoi, focus: [usize; 3], side: usize) -> SpatialRoi {
    let start: [usize; 3] = std::array::from_fn(|i| {
        let last = region.stop[i].saturating_sub(side).max(region.start[i]);
        focus[i].saturating_sub(side / 2).clamp(region.start[i], last)
    });
    SpatialRoi::new(start, std::array::from_fn(|i| (start[i] + side).min(region.stop[i])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_about_the_focus_stays_inside() {
        let region = SpatialRoi::new([3, 100, 0], [4, 1100, 300]);
        assert_eq!(around(&region, [3, 110, 290], 256), SpatialRoi::new([3, 100, 44], [4, 356, 300]));
        assert_eq!(around(&region, [3, 600, 10], 256), SpatialRoi::new([3, 472, 0], [4, 728, 256]));
        assert_eq!(around(&region, [0, 0, 0], 2000), region);
    }
}
