//! The canvas as a file, and what an export would give, on the canvas.

use std::path::PathBuf;

use super::effect::Effect;
use super::event::SaveFailure;
use super::popups::QuestionKind;
use super::state::App;
use crate::pipeline::ExportSource;
use crate::render::LayerKind;

impl App {
    /// Writes what the canvas shows.
    pub(super) fn save_picture(&mut self, path: &str) {
        let mut path = crate::io::template::expand_home(path.trim());
        if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) {
            let mut name = path.into_os_string();
            name.push(".png");
            path = PathBuf::from(name);
        }
        self.outbox.push(Effect::SavePicture { path, overwrite: false });
    }

    pub(super) fn picture_saved(&mut self, path: PathBuf, result: Result<(), SaveFailure>) {
        match result {
            Ok(()) => self.inform(format!("Wrote the view to {}", path.display())),
            Err(SaveFailure::Exists) => self.ask(QuestionKind::OverwritePicture(path)),
            Err(SaveFailure::Failed(problem)) => self.problem(problem),
        }
    }

    /// Shows the selected image with the layers that the export sources stand for.
    pub(super) fn show_exported(&mut self) {
        self.show_lane(self.export.selected);
        let sources = self.export.choices.sources.clone();
        let has = |source: ExportSource| sources.contains(&source);
        let classes = self.project.classes.len();
        self.layers.show(LayerKind::Labels, has(ExportSource::Labels));
        self.layers.show(LayerKind::Uncertainty, has(ExportSource::Uncertainty));
        for class in (1..=classes).filter_map(|class| u8::try_from(class).ok()) {
            self.layers.show(LayerKind::Prediction(class), has(ExportSource::Probabilities));
            self.layers.show(LayerKind::Segmentation(class), has(ExportSource::SimpleSegmentation));
        }
        if !self.training.live && sources.iter().any(|source| source.needs_forest()) {
            self.update_once_if_needed();
        }
        self.show_applet(3);
    }

    /// Trains for the labels as they are unless a forest for them is there.
    fn update_once_if_needed(&mut self) {
        if self.snapshot().forest.is_none() && self.training_obstacle().is_none() {
            self.update_once();
        }
    }
}
