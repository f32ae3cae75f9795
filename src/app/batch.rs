//! The Batch applet: files to be computed with the project's classifier and the export settings.

use super::effect::Effect;
use super::messages::Problem;
use super::runs::{CheckFor, FileState, RunKind};
use super::screen::Applet;
use super::state::App;
use super::visit::VisitRequest;
use crate::batch::{Input, PlanSummary};

/// The Batch applet.
#[derive(Clone, Debug, Default)]
pub struct BatchPanel {
    /// The files, in order.
    pub files: Vec<Input>,
    /// The file selected, from 0.
    pub selected: usize,
    /// What would be written, as last checked.
    pub checked: Option<PlanSummary>,
    checking: Option<u64>,
    /// What the dialog's patterns stand for, by pattern.
    pub found: Vec<(String, Result<Vec<String>, String>)>,
}

impl BatchPanel {
    /// Whether what is shown is not up to date yet.
    pub fn is_checking(&self) -> bool {
        self.checking.is_some()
    }

    /// What a pattern stands for, once that is known.
    pub fn images(&self, named: &str) -> Option<&Result<Vec<String>, String>> {
        self.found.iter().find(|(pattern, _)| pattern == named).map(|(_, found)| found)
    }
}

/// Patterns whose files are remembered.
const KEPT: usize = 8;

impl App {
    /// Asks what a pattern stands for.
    pub(super) fn find_images(&mut self, named: &str) {
        self.outbox.push(Effect::FindImages(named.to_owned()));
    }

    pub(super) fn batch_images_found(&mut self, named: String, found: Result<Vec<String>, String>) {
        self.batch.found.retain(|(pattern, _)| *pattern != named);
        self.batch.found.insert(0, (named, found));
        self.batch.found.truncate(KEPT);
        self.recheck_forms();
    }

    /// Adds files to the list; those that are in it already are not added again.
    pub(super) fn add_to_batch(&mut self, inputs: Vec<Input>) {
        let before = self.batch.files.len();
        for input in inputs {
            match self.batch.files.iter_mut().find(|there| there.raw == input.raw) {
                Some(there) if input.mask.is_some() => there.mask = input.mask,
                Some(_) => {}
                None => self.batch.files.push(input),
            }
        }
        self.inform(format!("Added {} files", self.batch.files.len() - before));
        self.recheck_batch();
    }

    pub(super) fn recheck_batch(&mut self) {
        self.batch.selected = self.batch.selected.min(self.batch.files.len().saturating_sub(1));
        if self.screen.applet != Applet::Batch {
            return;
        }
        if self.batch.files.is_empty() {
            (self.batch.checked, self.batch.checking) = (None, None);
            return;
        }
        let inputs = self.batch.files.clone();
        let request = self.export_request(&self.project.export, &self.export.choices, inputs);
        self.batch.checking = Some(self.check_run(CheckFor::Panel(RunKind::Batch), request));
    }

    pub(super) fn batch_checked(&mut self, id: u64, summary: PlanSummary) {
        if self.batch.checking == Some(id) {
            self.batch.checking = None;
            self.batch.checked = Some(summary);
        }
    }

    pub(super) fn select_batch(&mut self, by: i32) {
        let last = self.batch.files.len().saturating_sub(1) as i64;
        self.batch.selected = (self.batch.selected as i64 + i64::from(by)).clamp(0, last) as usize;
    }

    /// Takes the selected file off the list.
    pub(super) fn remove_from_batch(&mut self) {
        if self.batch.selected < self.batch.files.len() {
            self.batch.files.remove(self.batch.selected);
            self.batch.checked = None;
            self.recheck_batch();
        }
    }

    pub(super) fn clear_batch(&mut self) {
        self.batch.files.clear();
        self.batch.checked = None;
        self.recheck_batch();
    }

    /// Computes all files that are not computed yet.
    pub(super) fn start_batch(&mut self) {
        let is_done = |input: &Input| {
            self.run_file(RunKind::Batch, input).is_some_and(|file| file.state == FileState::Done)
        };
        let mut inputs: Vec<Input> =
            self.batch.files.iter().filter(|input| !is_done(input)).cloned().collect();
        if inputs.is_empty() {
            // All done: once more, and the files that exist are asked about.
            inputs = self.batch.files.clone();
        }
        let request = self.export_request(&self.project.export, &self.export.choices, inputs);
        self.prepare_run(RunKind::Batch, request);
    }

    /// Opens the selected file on the canvas, with its result over it.
    pub(super) fn open_batch_file(&mut self) {
        let Some(input) = self.batch.files.get(self.batch.selected).cloned() else { return };
        let file =
            self.run_file(RunKind::Batch, &input).map(|file| (file.state.clone(), file.outputs.clone()));
        match file {
            Some((FileState::Done | FileState::Kept, results)) => {
                let request = self.runs.current.as_ref().map(|run| run.request().clone()).unwrap_or_default();
                let (axes, classes) = (self.batch_axes(), self.project.classes.len());
                let visit = VisitRequest { input, axes, results, request, classes };
                self.outbox.push(Effect::Visit(Box::new(visit)));
            }
            Some((FileState::Failed(why), _)) => {
                self.problem(Problem::new(
                    format!("'{}' failed", input.raw),
                    why,
                    "Put it right, then :run.retry",
                ));
            }
            _ => self.inform("This file has not been computed yet"),
        }
    }

    /// Axes with which the files of the batch are read, where they are not read with their own.
    fn batch_axes(&self) -> Option<crate::data::AxisOrder> {
        let own = self.export.choices.own_axes;
        let asked = self.export.choices.input_axes.as_ref().and_then(|axes| axes.parse().ok());
        asked.or_else(|| self.project.lanes.last().map(|lane| lane.raw.axes.clone()).filter(|_| !own))
    }
}
