//! Carries out a plan: trains where that is needed, then image by image.

use std::time::Instant;

use super::control::Control;
use super::importance_file;
use super::outputs;
use super::plan::{Origin, Plan, PlannedInput};
use super::predict::{ImageJob, PredictError, Resources, Sink, Step, predict_image};
use super::report::{Event, InputReport, OutputReport, Report, TrainingReport};
use crate::classify::{ALGORITHM_VERSION, Forest, Rows, TrainOptions, Trained, importance};
use crate::data::CancelToken;
use crate::data::task::Cancelled;
use crate::features::FeatureBank;
use crate::io::{self, unfinished::remove_abandoned};
use crate::pipeline::{Classification, ExportSource, TrainError, collect_rows};
use crate::project::Project;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Training failed.
    #[error("Can't train from the project's labels: {0}")]
    Training(#[source] TrainError),
    /// The table of variable importance can't be written.
    #[error("Can't write the variable importance: {0}")]
    Importance(#[source] io::Error),
}

/// Carries out `plan` on `threads` threads; training and decoding use the current rayon pool. Errors of one image are in the report and don't stop
/// the others; once `cancel` is cancelled the report says so.
///
/// # Errors
/// No classifier could be trained.
pub fn run(
    plan: &Plan,
    threads: usize,
    cancel: &CancelToken,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Report, RunError> {
    run_controlled(plan, threads, &Control::new(cancel.clone()), tell)
}

/// The same under `control`: it can be paused, and images can be left out.
///
/// # Errors
/// No classifier could be trained.
pub fn run_controlled(
    plan: &Plan,
    threads: usize,
    control: &Control,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Report, RunError> {
    let begin = Instant::now();
    let cancel = control.token();
    let outputs = plan.inputs.iter().flat_map(|input| &input.outputs);
    let folders: BTreeSet<&Path> =
        outputs.flat_map(|output| &output.paths).filter_map(|path| path.parent()).collect();
    folders.into_iter().for_each(remove_abandoned);
    let mut report = Report::default();
    let forest = match (&plan.forest, plan.needs_forest()) {
        (Some(forest), _) => Some(Arc::clone(forest)),
        (None, false) => None,
        (None, true) => match train(plan, cancel, tell) {
            Ok((forest, training)) => {
                report.training = Some(training);
                Some(forest)
            }
            Err(RunError::Training(TrainError::Cancelled(_))) => {
                report.interrupted = true;
                return Ok(report);
            }
            Err(error) => return Err(error),
        },
    };
    for (index, input) in plan.inputs.iter().enumerate() {
        let token = control.begin(index);
        if cancel.is_cancelled() {
            break;
        }
        let Some(token) = token else {
            tell(Event::LeftOut { index });
            continue;
        };
        let began = Instant::now();
        let mut entry = InputReport {
            input: input.name.clone(),
            outputs: Vec::new(),
            errors: input.problems.iter().map(ToString::to_string).collect(),
            seconds: 0.0,
        };
        if entry.errors.is_empty() {
            let pixels = input.region.len() as u64;
            tell(Event::Started { index, count: plan.inputs.len(), input: &input.name, pixels });
            let job = InputJob { plan, input, index, forest: forest.as_deref(), threads };
            match job.run(control, &token, tell) {
                Ok(outputs) => entry.outputs = outputs,
                Err(PredictError::Cancelled(_)) if cancel.is_cancelled() => break,
                Err(PredictError::Cancelled(_)) => {
                    tell(Event::LeftOut { index });
                    continue;
                }
                Err(error) => entry.errors.push(format!("'{}' failed: {error}", input.name)),
            }
        }
        entry.seconds = began.elapsed().as_secs_f64();
        tell(Event::Finished { index, report: &entry });
        report.inputs.push(entry);
    }
    report.interrupted = cancel.is_cancelled();
    report.seconds = begin.elapsed().as_secs_f64();
    Ok(report)
}

/// Trains as `plan` says and returns the project with its new classifier, not saved.
///
/// # Errors
/// No classifier could be trained, or it was cancelled.
pub fn retrain(
    plan: Plan,
    cancel: &CancelToken,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Project, RunError> {
    let (forest, report) = train(&plan, cancel, tell)?;
    let names = feature_names(&plan);
    let trees = plan.request().tree_count.unwrap_or(plan.project.trees);
    let mut project = plan.project;
    project.forest = Some(forest);
    project.forest_feature_names = names;
    project.oob_error = report.oob_error;
    project.algorithm_version = Some(ALGORITHM_VERSION);
    project.trees = trees;
    Ok(project)
}

/// Names of the feature channels that are trained on.
fn feature_names(plan: &Plan) -> Vec<String> {
    let bank = plan.training.first().zip(plan.project.selection.as_ref()).and_then(|(lane, selection)| {
        let [_, z, y, x, channels] = lane.reader.info().shape;
        FeatureBank::new(selection, [z, y, x], channels).ok()
    });
    bank.map_or_else(Vec::new, |bank| bank.channel_names())
}

fn train(
    plan: &Plan,
    cancel: &CancelToken,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<(Arc<Forest>, TrainingReport), RunError> {
    tell(Event::Training);
    let begin = Instant::now();
    let request = plan.request();
    let (rows, trained) = train_rows(plan, cancel).map_err(RunError::Training)?;
    if let Some(folder) = &request.importance_folder {
        write_importance(plan, folder, &rows, &trained.forest, cancel)?;
    }
    let training = TrainingReport {
        rows: super::train::rows_per_class(&rows, plan.project.classes.len()),
        features: rows.features.ncols(),
        oob_error: trained.oob_error(),
        seconds: begin.elapsed().as_secs_f64(),
    };
    tell(Event::Trained(&training));
    Ok((Arc::new(trained.forest), training))
}

fn train_rows(plan: &Plan, cancel: &CancelToken) -> Result<(Rows, Trained), TrainError> {
    let Some(selection) = &plan.project.selection else { return Err(Cancelled.into()) };
    let (request, seed) = (plan.request(), plan.project.seed);
    let options = TrainOptions { trees: 0..request.tree_count.unwrap_or(plan.project.trees), seed };
    let rows = collect_rows(&plan.training, selection, cancel)?;
    let rows = match request.label_share {
        Some(share) => rows.sample(share, seed),
        None => rows,
    };
    let trained = crate::classify::train(&rows, &options, cancel)?;
    Ok((rows, trained))
}

/// Measures how much `forest`, grown from `rows`, relies on each feature, and writes it to `folder`.
fn write_importance(
    plan: &Plan,
    folder: &Path,
    rows: &Rows,
    forest: &Forest,
    cancel: &CancelToken,
) -> Result<(), RunError> {
    let cancelled = |error: Cancelled| RunError::Training(error.into());
    let measured = importance(rows, forest, plan.project.seed, cancel).map_err(cancelled)?;
    let class_name = |label: u8| {
        let class = usize::from(label).checked_sub(1).and_then(|class| plan.project.classes.get(class));
        class.map_or_else(|| label.to_string(), |class| class.name.clone())
    };
    let classes: Vec<String> = forest.classes.iter().map(|&label| class_name(label)).collect();
    importance_file::write(folder, &feature_names(plan), &classes, &measured).map_err(RunError::Importance)
}

/// One image to be computed.
struct InputJob<'a> {
    plan: &'a Plan,
    input: &'a PlannedInput,
    index: usize,
    forest: Option<&'a Forest>,
    threads: usize,
}

impl InputJob<'_> {
    fn run(
        &self,
        control: &Control,
        token: &CancelToken,
        tell: &mut dyn FnMut(Event<'_>),
    ) -> Result<Vec<OutputReport>, PredictError> {
        let InputJob { plan, input, index, .. } = *self;
        let raw = input.raw.open()?;
        let mask = input.mask.as_ref().map(Origin::open).transpose()?;
        let [_, z, y, x, channels] = raw.info().shape;
        // The plan has checked that every scale fits.
        let bank = plan
            .project
            .selection
            .as_ref()
            .filter(|_| plan.needs_features())
            .and_then(|selection| FeatureBank::new(selection, [z, y, x], channels).ok());
        let classification = match (&bank, self.forest) {
            (Some(bank), Some(forest)) => {
                Some(Classification::new(bank.clone(), forest, plan.project.classes.len()))
            }
            _ => None,
        };
        tell(Event::Writing { index });
        let mut sinks = Vec::with_capacity(input.outputs.len());
        for output in &input.outputs {
            for path in output.paths.iter().filter(|path| path.exists()) {
                if !plan.request().overwrite {
                    return Err(PredictError::Appeared(path.clone()));
                }
                tell(Event::Replacing(path));
            }
            sinks.push(Sink {
                source: output.source,
                channels: output.channels.clone(),
                renormalization: plan.request().renormalization,
                dtype: output.spec.dtype,
                writer: outputs::create(output)?,
                kept: if plan.request().overwrite { Vec::new() } else { output.paths.clone() },
            });
        }
        let labels = match input.lane {
            Some(lane) if plan.request().sources.contains(&ExportSource::Labels) => {
                Some(&plan.project.lanes[lane].labels)
            }
            _ => None,
        };
        let job = ImageJob {
            raw,
            mask,
            labels,
            bank: bank.as_ref(),
            classification: classification.as_ref(),
            region: input.region,
        };
        let pixels = input.region.len() as u64;
        let resources = Resources { threads: self.threads, memory: plan.request().memory, block: None };
        predict_image(&job, sinks, resources, token, &mut |step| match step {
            Step::Written(done) => {
                tell(Event::Advanced { index, done, pixels });
                // Nothing is written meanwhile, so that the workers soon have no room for more blocks.
                control.wait(token);
            }
            Step::GivenUp => tell(Event::GivenUp { index }),
        })?;
        Ok(input.outputs.iter().map(outputs::PlannedOutput::report).collect())
    }
}
