//! Live update, the forest, and what the engine reports.

use std::sync::Arc;
use std::time::Duration;

use super::messages::{Level, Problem};
use super::slices;
use super::state::App;
use crate::classify::Forest;
use crate::data::revision::{ForestRev, LabelsRev, SelectionRev};
use crate::engine::{Event, TrainingStage};
use crate::features::{FeatureBank, FeatureSelection};
use crate::project::Project;
use crate::render::LayerKind;

/// How long tiles may be out of date before they are marked.
const STALE_DELAY: Duration = Duration::from_millis(700);

/// A forest in use.
#[derive(Clone, Debug)]
pub struct ForestInUse {
    /// The forest.
    pub forest: Arc<Forest>,
    /// Its revision.
    pub revision: ForestRev,
    /// The labels it was trained on.
    pub trained_on: LabelsRev,
    /// The feature selection when it came.
    pub selection_rev: SelectionRev,
    /// Whether all its trees are in.
    pub complete: bool,
}

/// Live update and its results.
#[derive(Clone, Debug, Default)]
pub struct Training {
    /// Whether live update is on.
    pub live: bool,
    /// Whether live update was ever used; until then the screen says how to turn it on.
    pub live_was_used: bool,
    /// Labels for which training was asked once.
    pub once: Option<LabelsRev>,
    /// The forest trained here last.
    pub forest: Option<ForestInUse>,
    /// The forest of the project file, until the features change.
    pub stored: Option<Arc<Forest>>,
    /// Out-of-bag error of the newest complete forest.
    pub oob_error: Option<f64>,
    /// Visible tiles that are up to date, and all.
    pub progress: Option<(usize, usize)>,
    /// What the trainer is at.
    pub stage: Option<TrainingStage>,
    /// Since when visible tiles are out of date.
    updating_since: Option<Duration>,
    /// Why there is no training, in words.
    pub notice: Option<String>,
    /// The newest known probabilities: lane, pixel (`tzyx`), one value per class.
    pub probabilities: Option<(usize, [usize; 4], Vec<f32>)>,
    stored_for: (LabelsRev, SelectionRev),
    stored_oob: Option<f64>,
}

impl Training {
    /// A project was opened with this forest.
    pub(super) fn restart(&mut self, stored: Option<Arc<Forest>>, oob_error: Option<f64>) {
        let live_was_used = self.live_was_used;
        *self = Training { stored, oob_error, stored_oob: oob_error, live_was_used, ..Training::default() };
    }

    /// When tiles that are out of date are marked, if that is yet to be or has been.
    pub(super) fn stale_at(&self) -> Option<Duration> {
        self.updating_since.map(|since| since + STALE_DELAY)
    }

    /// Visible tiles that are being brought up to date, and all, while any is not.
    pub fn updating(&self) -> Option<(usize, usize)> {
        self.progress.filter(|(done, total)| done < total)
    }
}

impl App {
    pub(super) fn toggle_live(&mut self) {
        self.training.live = !self.training.live;
        self.training.live_was_used = true;
        if self.training.live {
            self.layers.show(LayerKind::Prediction(1), true);
            self.training.once = None;
            self.say_what_training_needs();
        } else {
            self.training.notice = None;
        }
        self.inform(if self.training.live { "Live update on" } else { "Live update off" });
    }

    pub(super) fn update_once(&mut self) {
        self.training.once = Some(self.edits.labels_rev);
        self.layers.show(LayerKind::Prediction(1), true);
    }

    fn say_what_training_needs(&mut self) {
        self.training.notice = self.training_obstacle();
    }

    /// Why training can't start, in words.
    pub fn training_obstacle(&self) -> Option<String> {
        if !self.has_image() {
            return Some("there is no image".into());
        }
        if !self.selects_features() {
            return Some("no feature is selected".into());
        }
        let labelled = self.labelled_classes();
        (labelled < 2).then(|| format!("labels of 2 classes are needed, found {labelled}"))
    }

    /// Whether any feature is selected.
    fn selects_features(&self) -> bool {
        self.project.selection.as_ref().is_some_and(|selection| selection.count() > 0)
    }

    pub(super) fn engine_event(&mut self, event: Event) {
        match event {
            Event::SliceLoaded(piece) => {
                let ranges = slices::ranges(&piece.raw);
                self.see(piece.lane, &ranges);
                self.slices.add(piece, ranges);
            }
            Event::ForestReady { forest, revision, trained_on, complete, oob_error } => {
                if self.training.forest.as_ref().is_some_and(|old| old.revision > revision) {
                    return;
                }
                if complete {
                    self.training.oob_error = oob_error;
                    self.edits.changes += 1;
                }
                self.training.notice = None;
                let selection_rev = self.edits.selection_rev;
                self.training.forest =
                    Some(ForestInUse { forest, revision, trained_on, selection_rev, complete });
            }
            Event::TilesReady { done, total } => {
                self.training.progress = Some((done, total));
                match self.training.updating() {
                    Some(_) => _ = self.training.updating_since.get_or_insert(self.now),
                    None => self.training.updating_since = None,
                }
            }
            Event::Training(stage) => self.training.stage = stage,
            Event::NotTraining(why) => {
                if self.training.notice.as_ref() != Some(&why) {
                    self.tell(Level::Warning, "Not training yet", why.clone(), "");
                }
                self.training.notice = Some(why);
            }
            Event::Failed(why) => self.tell(Level::Error, why, "", ""),
        }
    }

    /// What follows when the state has changed: an obstacle that is gone, a forest that no longer fits.
    pub(super) fn settle_training(&mut self) {
        if self.training.notice.is_some() && self.training_obstacle().is_none() {
            self.training.notice = None;
        }
        if self.training.once.is_some_and(|once| {
            self.training.forest.as_ref().is_some_and(|forest| forest.complete && forest.trained_on >= once)
        }) {
            self.training.once = None;
        }
    }

    /// Called when a project was opened: its forest is for the labels and features as they are now.
    pub(super) fn stored_forest_is_current(&mut self) {
        self.training.stored_for = (self.edits.labels_rev, self.edits.selection_rev);
    }

    /// The forest of the project file, as long as the features are those it was trained with.
    pub(super) fn stored_forest(&self) -> Option<&Arc<Forest>> {
        self.training.stored.as_ref().filter(|_| self.training.stored_for.1 == self.edits.selection_rev)
    }

    /// The project to save: with the forest only if it is for the labels and features as they are.
    pub(super) fn snapshot(&self) -> Project {
        let mut project = self.project.clone();
        if self.is_visiting() {
            project.lanes.pop();
        }
        let now = (self.edits.labels_rev, self.edits.selection_rev);
        let trained = self
            .training
            .forest
            .as_ref()
            .filter(|forest| forest.complete && (forest.trained_on, forest.selection_rev) == now);
        let names = self.feature_names();
        match trained.filter(|trained| trained.forest.feature_count == names.len()) {
            Some(trained) => {
                project.forest = Some(Arc::clone(&trained.forest));
                project.oob_error = self.training.oob_error;
                project.forest_feature_names = names;
            }
            None if self.training.stored_for == now => {
                project.forest.clone_from(&self.training.stored);
                project.oob_error = self.training.stored_oob;
            }
            None => {
                project.forest = None;
                project.oob_error = None;
                project.forest_feature_names.clear();
            }
        }
        project
    }

    /// Names of the feature channels that the selection gives on the project's images.
    pub fn feature_names(&self) -> Vec<String> {
        let names = |selection| Some(self.bank_of(selection)?.channel_names());
        self.project.selection.as_ref().and_then(names).unwrap_or_default()
    }

    /// Feature channels of a selection on the project's images.
    pub(super) fn channels_of(&self, selection: &FeatureSelection) -> usize {
        self.bank_of(selection).map_or(0, |bank| bank.channel_count())
    }

    fn bank_of(&self, selection: &FeatureSelection) -> Option<FeatureBank> {
        let [_, z, y, x, c] = self.sources.first()?.raw.info().shape;
        FeatureBank::new(selection, [z, y, x], c).ok()
    }

    /// Whether out-of-date tiles are marked: those that are replaced at once would only flicker.
    pub fn marks_stale(&self) -> bool {
        self.training.stale_at().is_none_or(|at| self.now >= at)
    }

    /// Whether the predictions shown are of fewer or other labels than there are, and stay so.
    pub fn predictions_are_older(&self) -> bool {
        let trained_on = match (&self.training.forest, self.stored_forest()) {
            (Some(forest), _) if forest.selection_rev == self.edits.selection_rev => forest.trained_on,
            (_, Some(_)) => self.training.stored_for.0,
            _ => return false,
        };
        let idle = !self.training.live && self.training.once.is_none();
        idle && trained_on < self.edits.labels_rev && self.layers.needs_predictions() && !self.shows_result()
    }

    /// The first classes without labels, as far as two labelled ones are all that training lacks, to be named
    /// to the user.
    pub fn classes_to_label(&self) -> Vec<&str> {
        let missing =
            if self.selects_features() { 2usize.saturating_sub(self.labelled_classes()) } else { 0 };
        let classes = self.project.classes.iter().enumerate();
        let bare =
            classes.filter(|(i, _)| self.label_count(i + 1) == 0).map(|(_, class)| class.name.as_str());
        bare.take(missing).collect()
    }

    /// What training is at, in words.
    pub fn training_text(&self) -> Option<String> {
        match self.training.stage? {
            TrainingStage::Rows => Some("training: features of the labels".into()),
            TrainingStage::Trees { done, total } => Some(format!("training: {done}/{total} trees")),
        }
    }

    /// Probabilities at the cursor, if they are known.
    pub fn probabilities_at_cursor(&self) -> Option<&[f32]> {
        let cursor = self.view()?.cursor;
        let (lane, at, values) = self.training.probabilities.as_ref()?;
        (*lane == self.lane && *at == cursor).then_some(values)
    }

    /// Something went wrong outside.
    pub(super) fn problem(&mut self, problem: Problem) {
        self.messages.push(Level::Error, problem, self.now);
    }
}
