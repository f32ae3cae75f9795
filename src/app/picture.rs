//! The canvas as a file, and what an export would give, on the canvas.

use std::path::PathBuf;

use super::canvas::LaneView;
use super::effect::Effect;
use super::event::SaveFailure;
use super::messages::Problem;
use super::popups::QuestionKind;
use super::state::App;
use crate::data::Axis;
use crate::io::template;
use crate::pipeline::ExportSource;
use crate::render::LayerKind;

/// Pictures of one slice after the other, being written.
#[derive(Clone, Debug)]
pub(super) struct PictureSeries {
    /// Their name, with `{slice_index}`.
    name: PathBuf,
    axis: Axis,
    /// The slice that is being written.
    slice: usize,
    /// How many there are.
    count: usize,
    overwrite: bool,
    /// The slice that was shown before.
    before: usize,
}

impl App {
    /// Writes what the canvas shows; of every slice where the name has a place for its number.
    pub(super) fn save_picture(&mut self, path: &str) {
        let mut path = template::expand_home(path.trim());
        if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) {
            let mut name = path.into_os_string();
            name.push(".png");
            path = PathBuf::from(name);
        }
        if template::has_slice_index(&path) {
            return self.start_series(path);
        }
        self.series = None;
        self.inform(format!("Writing {} …", path.display()));
        self.outbox.push(Effect::SavePicture { path, overwrite: false, whole: None });
    }

    fn start_series(&mut self, name: PathBuf) {
        let shape = self.shape();
        let Some(view) = self.view() else { return };
        let axis = [view.axis, Axis::T].into_iter().find(|&axis| shape[axis as usize] > 1);
        let Some(axis) = axis else {
            let what = "The image is a single slice";
            return self.problem(Problem::new(what, "", "Leave out {slice_index}"));
        };
        let before = view.cursor[axis as usize];
        let count = shape[axis as usize];
        self.series = Some(PictureSeries { name, axis, slice: 0, count, overwrite: false, before });
        self.write_slice();
    }

    /// Shows the next slice of the series and asks for its picture.
    fn write_slice(&mut self) {
        let Some(PictureSeries { name, axis, slice, count, overwrite, .. }) = self.series.clone() else {
            return;
        };
        self.show_slice(axis, slice);
        let digits = (count - 1).to_string().len();
        match template::slice_path(&name, slice, digits) {
            Ok(path) => {
                let whole = self.view().map(LaneView::plane);
                self.outbox.push(Effect::SavePicture { path, overwrite, whole });
            }
            Err(error) => {
                self.series = None;
                self.problem(Problem::new("Can't name the pictures", error.to_string(), ""));
            }
        }
    }

    /// Replaces a picture, and those that follow it in a series.
    pub(super) fn overwrite_picture(&mut self, path: PathBuf) {
        match &mut self.series {
            Some(series) => {
                series.overwrite = true;
                self.write_slice();
            }
            None => self.outbox.push(Effect::SavePicture { path, overwrite: true, whole: None }),
        }
    }

    pub(super) fn picture_saved(&mut self, path: PathBuf, result: Result<(), SaveFailure>) {
        match result {
            Ok(()) => match &mut self.series {
                Some(series) if series.slice + 1 < series.count => {
                    series.slice += 1;
                    let (slice, count) = (series.slice + 1, series.count);
                    self.inform(format!("Writing slice {slice} of {count}"));
                    self.write_slice();
                }
                Some(PictureSeries { name, count, .. }) => {
                    let text = format!("Wrote the view of {count} slices to {}", name.display());
                    self.end_series();
                    self.inform(text);
                }
                None => self.inform(format!("Wrote the view to {}", path.display())),
            },
            Err(SaveFailure::Exists) => self.ask(QuestionKind::OverwritePicture(path)),
            Err(SaveFailure::Failed(problem)) => {
                self.end_series();
                self.problem(problem);
            }
        }
    }

    /// Shows the slice again that was shown before the series, unless the user has gone elsewhere.
    pub(super) fn end_series(&mut self) {
        let Some(PictureSeries { axis, slice, before, .. }) = self.series.take() else { return };
        if self.view().is_some_and(|view| view.cursor[axis as usize] == slice) {
            self.show_slice(axis, before);
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
