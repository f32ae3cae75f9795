//! The Export applet: what is exported, how, and under which names.
//!
//! Settings that ilastik has are kept where it keeps them; which results are exported, and how the files of
//! a batch are read, are kept in our own part of the project.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::effect::Effect;
use super::messages::{Level, Problem};
use super::popups::QuestionKind;
use super::runs::{CheckFor, RunKind};
use super::screen::Applet;
use super::state::App;
use crate::batch::{Input, PlanSummary, Renormalization, Request, Subregion};
use crate::data::AxisOrder;
use crate::pipeline::ExportSource;
use crate::project::ExportSettings;
use crate::render::LayerKind;

/// Key of the choices in the project's settings.
const KEY: &str = "export";
/// Images whose names a dialog shows.
const PREVIEWED: usize = 50;

/// What ilastik's export settings do not say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportChoices {
    /// What is exported, in one pass.
    pub sources: Vec<ExportSource>,
    /// Axes of the files of a batch.
    pub input_axes: Option<String>,
    /// Axes of their masks.
    pub mask_axes: Option<String>,
    /// Takes the axes of these files as they say, not as the training images have them.
    pub own_axes: bool,
    /// Axis along which the files of a stack follow each other.
    pub stack_along: Option<String>,
}

impl Default for ExportChoices {
    fn default() -> Self {
        ExportChoices {
            sources: vec![ExportSource::Probabilities],
            input_axes: None,
            mask_axes: None,
            own_axes: false,
            stack_along: None,
        }
    }
}

/// The Export applet.
#[derive(Clone, Debug, Default)]
pub struct ExportPanel {
    /// What is exported.
    pub choices: ExportChoices,
    /// The image selected, from 0.
    pub selected: usize,
    /// What would be written now, as last checked.
    pub checked: Option<PlanSummary>,
    checking: Option<u64>,
    /// What would be written by the settings in the dialog.
    pub preview: Option<PlanSummary>,
    previewing: Option<u64>,
}

impl ExportPanel {
    /// Whether what is shown is not up to date yet.
    pub fn is_checking(&self) -> bool {
        self.checking.is_some()
    }

    /// Whether the dialog's preview is not up to date yet.
    pub fn is_previewing(&self) -> bool {
        self.previewing.is_some()
    }
}

fn axes(text: &Option<String>) -> Option<AxisOrder> {
    text.as_ref().and_then(|axes| axes.parse().ok())
}

impl App {
    /// What `settings` and `choices` ask for, of these images.
    pub(super) fn export_request(
        &self,
        settings: &ExportSettings,
        choices: &ExportChoices,
        inputs: Vec<Input>,
    ) -> Request {
        let of_files = inputs.iter().all(|input| input.lane.is_none());
        let folder = self.project.folder().or_else(|| {
            let beside = self.files.save_to.as_deref().and_then(std::path::Path::parent);
            beside.map(PathBuf::from)
        });
        let region = settings.region.clone();
        Request {
            inputs,
            sources: choices.sources.clone(),
            format: Some(settings.format.clone()),
            template: Some(settings.filename_format.clone()),
            folder,
            internal_path: Some(settings.internal_path.clone()),
            output_axes: settings.axes.clone(),
            input_axes: axes(&choices.input_axes).filter(|_| of_files),
            mask_axes: axes(&choices.mask_axes).filter(|_| of_files),
            ignore_training_axes: choices.own_axes && of_files,
            stack_along: axes(&choices.stack_along)
                .and_then(|axes| axes.axes().first().copied())
                .filter(|_| of_files),
            subregion: region.and_then(|[start, stop]| Subregion::from_bounds(start, stop)),
            renormalization: settings.ranges.map(|[from, to]| Renormalization { from, to }),
            dtype: settings.dtype,
            memory: self.runs.memory,
            ..Request::default()
        }
    }

    /// Exports what the selected layer shows: the settings open with that source, or a question for a file of labels.
    pub(super) fn export_layer(&mut self) {
        let Some(kind) = self.layers.layers.get(self.layers.selected).map(|layer| layer.kind) else { return };
        let source = match kind {
            LayerKind::Prediction(_) => ExportSource::Probabilities,
            LayerKind::Segmentation(_) => ExportSource::SimpleSegmentation,
            LayerKind::Uncertainty => ExportSource::Uncertainty,
            LayerKind::Labels => return self.ask_where_to_export_labels(),
            LayerKind::RawInput | LayerKind::Mask => {
                let what = "The layer is a file already";
                return self.problem(Problem::new(what, "", "Write what is seen with :export.picture"));
            }
        };
        self.show_applet(4);
        self.open_export_settings_for(&[source], None);
    }

    /// Exports the feature looked at: the settings open with a cutout of its channel.
    pub(super) fn export_feature(&mut self) {
        let Some(channel) = self.looking.channel().filter(|_| self.shows_feature()) else { return };
        self.show_applet(4);
        self.open_export_settings_for(&[ExportSource::Features], Some(channel));
        self.inform("The cutout takes the channel of this feature; blank exports all of them");
    }

    /// The project's images as inputs of a run.
    fn lane_inputs(&self) -> Vec<Input> {
        let lanes = self.project.lanes.iter().take(self.views.len()).enumerate();
        let locate = |info| self.project.locate(info).unwrap_or_default();
        lanes
            .map(|(i, lane)| Input {
                raw: locate(&lane.raw),
                mask: lane.mask.as_ref().map(locate),
                lane: Some(i),
            })
            .collect()
    }

    /// Looks again at what would be written, if the panel is shown.
    pub(super) fn recheck_export(&mut self) {
        self.export.selected = self.export.selected.min(self.views.len().saturating_sub(1));
        if self.screen.applet != Applet::Export || !self.has_image() {
            return;
        }
        let request = self.export_request(&self.project.export, &self.export.choices, self.lane_inputs());
        self.export.checking = Some(self.check_run(CheckFor::Panel(RunKind::Export), request));
    }

    pub(super) fn export_checked(&mut self, id: u64, summary: PlanSummary) {
        if self.export.checking == Some(id) {
            self.export.checking = None;
            self.export.checked = Some(summary);
        }
    }

    /// Looks at what would be written by other settings: of the project's images, or of the first files.
    pub(super) fn preview_export(
        &mut self,
        kind: RunKind,
        settings: &ExportSettings,
        choices: &ExportChoices,
    ) {
        let mut inputs = match kind {
            RunKind::Export => self.lane_inputs(),
            RunKind::Batch => self.batch.files.clone(),
        };
        if inputs.is_empty() {
            inputs = self.lane_inputs();
        }
        inputs.truncate(PREVIEWED);
        let request = self.export_request(settings, choices, inputs);
        self.export.previewing = Some(self.check_run(CheckFor::Dialog, request));
    }

    pub(super) fn export_previewed(&mut self, id: u64, summary: PlanSummary) {
        if self.export.previewing == Some(id) {
            self.export.previewing = None;
            self.export.preview = Some(summary);
            self.recheck_forms();
        }
    }

    /// Takes new settings.
    pub(super) fn set_export(&mut self, settings: ExportSettings, choices: ExportChoices) {
        if (&settings, &choices) != (&self.project.export, &self.export.choices) {
            self.project.export = settings;
            self.export.choices = choices;
            self.edits.changes += 1;
        }
        self.recheck_export();
        self.recheck_batch();
    }

    pub(super) fn select_export(&mut self, by: i32) {
        let last = self.views.len().saturating_sub(1) as i64;
        self.export.selected = (self.export.selected as i64 + i64::from(by)).clamp(0, last) as usize;
    }

    /// Exports the selected image, or all.
    pub(super) fn export_lanes(&mut self, all: bool) {
        let mut inputs = self.lane_inputs();
        if !all {
            inputs.retain(|input| input.lane == Some(self.export.selected));
        }
        let request = self.export_request(&self.project.export, &self.export.choices, inputs);
        self.prepare_run(RunKind::Export, request);
    }

    /// Files that were exported and are still there.
    pub fn exported_files(&self) -> Vec<PathBuf> {
        let Some(checked) = &self.export.checked else { return Vec::new() };
        checked.inputs.iter().flat_map(|input| input.existing.iter().cloned()).collect()
    }

    /// Asks whether to delete all files that were exported.
    pub(super) fn delete_exported(&mut self) {
        let files = self.exported_files();
        if files.is_empty() {
            return self.inform("None of these files exists");
        }
        self.ask(QuestionKind::DeleteExported { files });
    }

    pub(super) fn exported_deleted(&mut self, deleted: usize, failed: Vec<String>) {
        let level = if failed.is_empty() { Level::Info } else { Level::Error };
        self.tell(level, format!("Deleted {deleted} files"), failed.join("; "), "");
        self.recheck_export();
    }

    /// Copies the command line of the panel shown.
    pub(super) fn copy_command(&mut self) {
        let checked = match self.screen.applet {
            Applet::Batch => self.batch.checked.as_ref(),
            _ => self.export.checked.as_ref(),
        };
        let commands = checked.map_or(&[][..], |checked| &checked.commands);
        if commands.is_empty() {
            return self
                .inform("There is no command line: nothing can be computed, or no project file is named");
        }
        self.outbox.push(Effect::Copy(commands.join("\n")));
        let unsaved = self.is_dirty() || self.project.path.is_none();
        let remedy =
            if unsaved { "Save the project before running it: it works on the saved one" } else { "" };
        self.tell(
            Level::Info,
            "The command line is in the clipboard, where the terminal allows it",
            "",
            remedy,
        );
    }

    pub(super) fn store_export(&mut self) {
        if let Ok(text) = serde_json::to_string(&self.export.choices) {
            self.project.settings.insert(KEY.into(), text);
        }
    }

    pub(super) fn restore_export(&mut self) {
        let stored = self.project.settings.get(KEY).and_then(|text| serde_json::from_str(text).ok());
        self.export = ExportPanel { choices: stored.unwrap_or_default(), ..ExportPanel::default() };
    }
}
