//! Opening, saving, quitting, and the work that a journal brings back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::edits::Edits;
use super::effect::{Effect, SaveRequest};
use super::event::{Access, Opened, SaveFailure};
use super::input::Held;
use super::jobs::{JobId, Work};
use super::lanes::first_view;
use super::messages::{Level, Problem};
use super::popups::{Popup, Question, QuestionKind};
use super::state::App;
use crate::features::FeatureSelection;
use crate::project::{DatasetLocation, ImageCopy, SavedFile};

/// Most entries of the list of what was open lately.
pub const MOST_RECENT: usize = 10;

/// Saving and opening.
#[derive(Default)]
pub struct Files {
    /// Whether the project can be saved where it is.
    pub access: Access,
    /// The projects and images opened last, the newest first.
    pub recent: Vec<String>,
    /// Where the first save of a new project goes.
    pub save_to: Option<PathBuf>,
    /// Whether a save is under way.
    pub saving: bool,
    /// Whether something is being opened.
    pub opening: bool,
    /// What was typed for the image that is being opened.
    pub(super) held: Option<Held>,
    /// [`Edits::changes`] of the last saved state.
    saved_changes: u64,
    saving_changes: u64,
    /// The job that saves, when images are copied into the project.
    save_job: Option<JobId>,
    /// What to do once the save under way has succeeded.
    after_save: Option<AfterSave>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum AfterSave {
    Quit,
    Open(String),
}

impl App {
    /// Whether there are changes that no file holds.
    pub fn is_dirty(&self) -> bool {
        self.edits.changes != self.files.saved_changes
    }

    /// The project's file name for display.
    pub fn project_name(&self) -> String {
        let path = self.project.path.as_deref().or(self.files.save_to.as_deref());
        let name = path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| "new project".into())
    }

    pub(super) fn opened(&mut self, opened: Opened) {
        let changes = Edits::default().changes;
        let held = self.files.held.take();
        self.visit = None;
        self.batch = Default::default();
        if self.runs.active().is_none() {
            self.runs.current = None;
        }
        self.project = opened.project;
        self.sources = Arc::new(opened.sources);
        self.sources_match_lanes();
        self.views = self
            .sources
            .iter()
            .zip(&self.project.lanes)
            .map(|(source, lane)| first_view(source.raw.info(), &lane.raw))
            .collect();
        self.lane = 0;
        let recent = std::mem::take(&mut self.files.recent);
        let access = opened.access;
        self.files =
            Files { access, recent, save_to: opened.save_to, saved_changes: changes, ..Files::default() };
        self.slices.clear();
        self.layers = Default::default();
        self.paint = Default::default();
        self.tools = Default::default();
        // Questions and dialogs are about what was open before.
        self.popups.retain(|popup| !matches!(popup, Popup::Question(_) | Popup::Form(_)));
        self.features = Default::default();
        self.training.restart(self.project.forest.clone(), self.project.oob_error);
        self.restart_history();
        self.stored_forest_is_current();
        if self.project.path.is_none() && self.project.selection.is_none() && self.has_image() {
            self.project.selection = Some(FeatureSelection::all_fitting(self.space()));
        }
        self.restore_settings();
        self.show_lane(self.lane);
        self.tell_access();
        self.mending = None;
        if self.project.path.is_none() {
            self.tell_cautions(0..self.views.len());
        }
        for problem in opened.problems {
            self.messages.push(Level::Error, problem, self.now);
        }
        if !opened.journal.is_empty() {
            self.ask(QuestionKind::Restore { records: opened.journal, lanes: opened.journal_lanes });
        }
        self.release(held);
    }

    /// A project whose images could not all be opened shows those before the first that is missing.
    fn sources_match_lanes(&mut self) {
        let count = self.sources.len().min(self.project.lanes.len());
        Arc::make_mut(&mut self.sources).truncate(count);
    }

    /// Brings back the edits of a journal.
    pub(super) fn restore(&mut self, records: &[super::JournalRecord], lanes: Vec<super::NewLane>) {
        self.replay(records, lanes);
        self.inform(format!("Restored {} edits that were not saved", records.len()));
    }

    pub(super) fn discard_journal(&mut self, records: usize) {
        self.edits.records = records as u64;
        self.outbox.push(Effect::JournalDone(self.edits.records));
        self.inform("Discarded the edits that were not saved");
    }

    /// Says at once when the project can't be saved where it is.
    fn tell_access(&mut self) {
        if let Some(why) = self.files.access.refused.clone() {
            let what = format!("'{}' can't be saved", self.project_name());
            self.tell(Level::Warning, what, why, "Saving will ask for another name; your strokes are kept");
        }
    }

    /// The project is at another place now.
    pub(super) fn accessed(&mut self, access: Access) {
        // Without a hold of its own it is the place that is held already.
        if access.refused.is_some() || access.hold.is_some() {
            self.files.access = access;
            self.tell_access();
        }
    }

    /// Saves where the project is, or where a new one belongs.
    pub(super) fn save(&mut self) {
        if self.files.saving {
            return;
        }
        if self.files.access.refused.is_some() {
            self.tell_access();
            return self.prompt("file.save_as");
        }
        match self.project.path.clone().or_else(|| self.files.save_to.clone()) {
            Some(path) => {
                let own = self.project.path.is_some();
                self.save_to(path, own);
            }
            None => self.prompt("file.save_as"),
        }
    }

    pub(super) fn save_as(&mut self, path: &str) {
        let mut path = PathBuf::from(path.trim());
        if path.extension().is_none() {
            path.set_extension("ilp");
        }
        let here = self.project.path.as_deref().or(self.files.save_to.as_deref()) == Some(&path);
        if here && self.files.access.refused.is_some() {
            return self.tell_access();
        }
        let own = self.project.path.as_deref() == Some(&path);
        self.save_to(path, own);
    }

    fn save_to(&mut self, path: PathBuf, overwrite: bool) {
        self.lift_pen();
        self.end_stroke();
        self.store_settings();
        self.files.saving = true;
        self.files.saving_changes = self.edits.changes;
        let mut project = self.snapshot();
        let copies = self.copies();
        let copying = copies.iter().any(|(_, _, new)| *new);
        project.copies = copies.into_iter().map(|(name, image, _)| (name, image)).collect();
        let title = format!("save {}", path.display());
        let request = Box::new(SaveRequest { path, project, overwrite, mark: self.edits.records });
        // Copying images may take long.
        if copying {
            self.files.save_job = Some(self.start_job(title, Work::Save(request)));
        } else {
            self.outbox.push(Effect::Save(request));
        }
    }

    /// The images that lie in the project's file or are to be copied into it, by the names of their copies;
    /// whether they are new to it.
    fn copies(&self) -> Vec<(String, ImageCopy, bool)> {
        let mut copies = Vec::new();
        for (lane, source) in self.project.lanes.iter().zip(self.sources.iter()) {
            let mask = lane.mask.as_ref().zip(source.mask.as_ref());
            for (info, image) in [(&lane.raw, &source.raw)].into_iter().chain(mask) {
                match &info.location {
                    DatasetLocation::Internal(name) => {
                        copies.push((name.clone(), ImageCopy(Arc::clone(image)), false));
                    }
                    DatasetLocation::ToCopy { name, .. } => {
                        copies.push((name.clone(), ImageCopy(Arc::clone(image)), true));
                    }
                    _ => {}
                }
            }
        }
        copies
    }

    /// A job ended without result: if it was the one that saves, nothing was saved.
    pub(super) fn not_saved(&mut self, job: JobId) {
        if self.files.save_job.take_if(|saving| *saving == job).is_some() {
            self.files.saving = false;
            self.files.after_save = None;
        }
    }

    /// Saves over a file that is there already.
    pub(super) fn save_over(&mut self, path: PathBuf) {
        self.save_to(path, true);
    }

    pub(super) fn saved(
        &mut self,
        path: PathBuf,
        mark: u64,
        result: Result<(), SaveFailure>,
        file: Option<SavedFile>,
    ) {
        self.files.saving = false;
        self.files.save_job = None;
        if let Some(file) = file {
            self.project.was_saved_to(file);
        }
        match result {
            Ok(()) => {
                self.inform(format!("Saved {}", path.display()));
                self.project.path = Some(path);
                self.files.saved_changes = self.files.saving_changes;
                self.outbox.push(Effect::JournalDone(mark));
                if self.files.after_save.is_some() && self.is_dirty() {
                    // Edits made meanwhile are to be saved too.
                    return self.save();
                }
                match self.files.after_save.take() {
                    Some(AfterSave::Quit) => self.outbox.push(Effect::Quit),
                    Some(AfterSave::Open(location)) => self.open_now(&location),
                    None => {}
                }
            }
            Err(SaveFailure::Exists) => self.ask(QuestionKind::Overwrite(path)),
            Err(SaveFailure::Failed(problem)) => {
                self.files.after_save = None;
                self.messages.push(Level::Error, problem, self.now);
            }
        }
    }

    pub(super) fn quit(&mut self) {
        self.end_stroke();
        if self.runs.active().is_some() {
            return self.ask(QuestionKind::StopRun);
        }
        self.quit_now();
    }

    /// Quits although a run is under way.
    pub(super) fn quit_now(&mut self) {
        if self.is_dirty() {
            self.ask(QuestionKind::Quit);
        } else {
            self.outbox.push(Effect::Quit);
        }
    }

    pub(super) fn save_and_quit(&mut self) {
        if !self.is_dirty() {
            return self.outbox.push(Effect::Quit);
        }
        self.files.after_save = Some(AfterSave::Quit);
        self.save();
    }

    /// Quits without the changes, as the user said so: the journal goes too.
    pub(super) fn quit_without_saving(&mut self) {
        self.outbox.push(Effect::JournalDone(self.edits.records));
        self.outbox.push(Effect::Quit);
    }

    pub(super) fn open(&mut self, location: &str) {
        if self.is_dirty() {
            self.ask(QuestionKind::Open(location.to_owned()));
        } else {
            self.open_now(location);
        }
    }

    pub(super) fn save_and_open(&mut self, location: String) {
        self.files.after_save = Some(AfterSave::Open(location));
        self.save();
    }

    pub(super) fn open_without_saving(&mut self, location: &str) {
        self.outbox.push(Effect::JournalDone(self.edits.records));
        self.open_now(location);
    }

    fn open_now(&mut self, location: &str) {
        self.files.opening = true;
        self.outbox.push(Effect::Open(location.to_owned()));
    }

    pub(super) fn open_failed(&mut self, problem: Problem) {
        self.files.opening = false;
        self.files.held = None;
        self.messages.push(Level::Error, problem, self.now);
    }

    pub(super) fn forget_after_save(&mut self) {
        self.files.after_save = None;
    }

    pub(super) fn ask(&mut self, kind: QuestionKind) {
        self.popups.push(Popup::Question(Question { kind, selected: 0 }));
    }
}
