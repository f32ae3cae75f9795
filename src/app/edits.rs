//! The undo stack: one history over labels, classes, features and images, with the revisions, counts and
//! journal records that follow from every change.

use super::effect::Effect;
use super::event::NewLane;
use super::journal::{JournalRecord, LaneDetails, pixels_of};
use super::messages::Level;
use super::state::App;
use crate::data::revision::{ClassesRev, LabelsRev, SelectionRev};
use crate::data::{LabelClass, LabelEdit};
use crate::features::FeatureSelection;
use crate::project::{Bookmark, DatasetInfo, DatasetLocation};

/// One step of the history, applied or undone as a whole.
#[derive(Clone, Default)]
pub struct Edit {
    /// What it was, for messages: "stroke", "delete 'nucleus'".
    pub what: String,
    /// Changed labels with their lane.
    pub labels: Vec<(usize, LabelEdit)>,
    /// Classes before and after.
    pub classes: Option<[Vec<LabelClass>; 2]>,
    /// Feature selection before and after.
    pub selection: Option<[Option<FeatureSelection>; 2]>,
    /// Whether label values stand for other classes before and after.
    pub renumbers: bool,
    /// Trees and seed before and after.
    pub classifier: Option<[(u32, u64); 2]>,
    /// Bookmarks before and after.
    pub bookmarks: Option<[Vec<Bookmark>; 2]>,
    /// An image that came or went.
    pub lane: Option<LaneChange>,
    /// Images that took the place of others, with what is not shown now: each by its number from 0.
    pub replaced: Vec<(usize, Box<NewLane>)>,
}

/// An image that came or went.
#[derive(Clone)]
pub struct LaneChange {
    /// Its number among the lanes, from 0.
    pub index: usize,
    /// Whether doing the edit adds it.
    pub added: bool,
    /// The image, while it is not part of the project.
    pub kept: Option<Box<NewLane>>,
}

/// The history and what is counted along.
#[derive(Default)]
pub struct Edits {
    undo: Vec<Edit>,
    redo: Vec<Edit>,
    joining: bool,
    /// Counts changes of what a forest learns from: labels, images, and features too.
    pub labels_rev: LabelsRev,
    /// Counts changes after which label values stand for other classes.
    pub classes_rev: ClassesRev,
    /// Counts changes of the feature selection.
    pub selection_rev: SelectionRev,
    /// Labelled pixels per lane and value.
    pub counts: Vec<[u64; 256]>,
    /// Counts every change of the project, undoing included.
    pub changes: u64,
    /// Journal records so far.
    pub records: u64,
}

impl Edits {
    /// Whether there is something to undo.
    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }

    /// Whether there is something to redo.
    pub fn can_redo(&self) -> bool {
        !self.redo.is_empty()
    }

    /// Number of steps that can be undone.
    pub fn depth(&self) -> usize {
        self.undo.len()
    }

    /// The next label edit is a step of its own.
    pub fn end_stroke(&mut self) {
        self.joining = false;
    }
}

impl App {
    /// Labelled pixels of class `number` (from 1) in all lanes.
    pub fn label_count(&self, number: usize) -> u64 {
        self.edits.counts.iter().map(|counts| counts.get(number).copied().unwrap_or(0)).sum()
    }

    /// Number of classes with labels.
    pub fn labelled_classes(&self) -> usize {
        (1..=self.project.classes.len()).filter(|&n| self.label_count(n) > 0).count()
    }

    /// Takes note of an edit that has just been applied to the project, as a new step.
    pub(super) fn record(&mut self, edit: Edit) {
        self.follow(&edit, true);
        self.edits.joining = false;
        self.edits.redo.clear();
        self.edits.undo.push(edit);
    }

    /// Takes note of an applied part of the open stroke: the first part is a new step, later parts join it.
    pub(super) fn record_stroke(&mut self, lane: usize, labels: LabelEdit, what: &str) {
        if labels.is_empty() {
            return;
        }
        let edit = Edit { what: what.to_owned(), labels: vec![(lane, labels)], ..Edit::default() };
        let joining = self.edits.joining;
        match self.edits.undo.last_mut().filter(|_| joining) {
            None => self.record(edit),
            Some(step) => {
                for (lane, labels) in &edit.labels {
                    match step.labels.iter_mut().find(|(other, _)| other == lane) {
                        Some((_, before)) => *before = std::mem::take(before).then(labels.clone()),
                        None => step.labels.push((*lane, labels.clone())),
                    }
                }
                self.follow(&edit, true);
                self.edits.redo.clear();
            }
        }
        self.edits.joining = true;
    }

    /// Takes note of an applied change of the features that belongs to the last step.
    pub(super) fn amend(&mut self, edit: Edit) {
        let step = self.edits.undo.last_mut().and_then(|step| step.selection.as_mut());
        match (step, &edit.selection) {
            (Some(step), Some([_, after])) => {
                step[1].clone_from(after);
                self.follow(&edit, true);
                self.edits.redo.clear();
            }
            _ => self.record(edit),
        }
    }

    /// Undoes the last step.
    pub(super) fn undo(&mut self) {
        self.end_stroke();
        self.end_visit();
        if let Some(mut edit) = self.edits.undo.pop() {
            self.apply(&mut edit, false);
            self.inform(format!("Undone: {}{}", edit.what, self.elsewhere(&edit)));
            self.edits.redo.push(edit);
        }
    }

    /// Does the last undone step again.
    pub(super) fn redo(&mut self) {
        self.end_stroke();
        self.end_visit();
        if let Some(mut edit) = self.edits.redo.pop() {
            self.apply(&mut edit, true);
            self.inform(format!("Redone: {}{}", edit.what, self.elsewhere(&edit)));
            self.edits.undo.push(edit);
        }
    }

    /// Where a stroke is, if it is not on the slice shown.
    fn elsewhere(&self, edit: &Edit) -> String {
        let (None, [(lane, labels)], Some(plane)) = (&edit.classes, &edit.labels[..], self.plane()) else {
            return String::new();
        };
        let Some((at, ..)) = labels.pixels().next() else { return String::new() };
        if *lane != self.lane {
            return self
                .project
                .lanes
                .get(*lane)
                .map_or(String::new(), |l| format!(" on '{}'", l.raw.nickname));
        }
        let visible = |at: [usize; 4]| at[0] == plane.t && at[plane.axis as usize] == plane.position;
        if labels.pixels().any(|(at, ..)| visible(at)) {
            return String::new();
        }
        let [t, z, y, x] = at;
        let time = if self.shape()[0] > 1 { format!(" t {t}") } else { String::new() };
        format!(" at x {x} y {y} z {z}{time}")
    }

    /// Applies a step's parts: images come before labels when done, after them when undone.
    fn apply(&mut self, edit: &mut Edit, forward: bool) {
        if forward {
            self.apply_lane(edit, true);
        }
        for (lane, labels) in &edit.labels {
            if let Some(lane) = self.project.lanes.get_mut(*lane) {
                if forward {
                    lane.labels.redo(labels);
                } else {
                    lane.labels.undo(labels);
                }
            }
        }
        for (index, kept) in &mut edit.replaced {
            self.swap_lane(*index, kept);
        }
        let side = usize::from(forward);
        if let Some(classes) = &edit.classes {
            self.project.classes.clone_from(&classes[side]);
        }
        if let Some(selection) = &edit.selection {
            self.project.selection.clone_from(&selection[side]);
        }
        if let Some(classifier) = &edit.classifier {
            (self.project.trees, self.project.seed) = classifier[side];
        }
        if let Some(bookmarks) = &edit.bookmarks {
            self.project.bookmarks.clone_from(&bookmarks[side]);
        }
        if !forward {
            self.apply_lane(edit, false);
        }
        self.follow(edit, forward);
    }

    fn apply_lane(&mut self, edit: &mut Edit, forward: bool) {
        let Some(change) = &mut edit.lane else { return };
        if change.added == forward {
            if let Some(lane) = change.kept.take() {
                self.insert_lane(change.index, *lane);
            }
        } else {
            change.kept = self.take_lane(change.index).map(Box::new);
        }
    }

    /// Revisions, counts and journal after a change of the project.
    fn follow(&mut self, edit: &Edit, forward: bool) {
        self.edits.changes += 1;
        if let Some(change) = &edit.lane {
            self.edits.labels_rev = self.edits.labels_rev.next();
            let record = self.lane_record(change, forward);
            self.journal(record);
            if change.added == forward {
                self.journal_all_labels(change.index);
            }
        }
        for &(index, _) in &edit.replaced {
            self.edits.labels_rev = self.edits.labels_rev.next();
            self.journal(JournalRecord::LaneRemoved { index });
            let record = self.lane_record(&LaneChange { index, added: true, kept: None }, true);
            self.journal(record);
            self.journal_all_labels(index);
        }
        for (lane, labels) in &edit.labels {
            if let Some(counts) = self.edits.counts.get_mut(*lane) {
                for (_, before, after) in labels.pixels() {
                    let (gone, come) = if forward { (before, after) } else { (after, before) };
                    counts[gone as usize] = counts[gone as usize].saturating_sub(u64::from(gone != 0));
                    counts[come as usize] += u64::from(come != 0);
                }
            }
            if let Some(record) = JournalRecord::of_labels(*lane, labels, forward) {
                self.journal(record);
            }
        }
        if let Some(classes) = &edit.classes {
            self.journal(JournalRecord::Classes { classes: classes[usize::from(forward)].clone() });
            self.classes_changed();
        }
        // Names, colours and classes without strokes change nothing that was learned. A forest that was on
        // its way when the features changed must not pass for one with the new features, hence the second.
        if !edit.labels.is_empty() || edit.selection.is_some() || edit.classifier.is_some() || edit.renumbers
        {
            self.edits.labels_rev = self.edits.labels_rev.next();
        }
        if edit.renumbers {
            self.edits.classes_rev = self.edits.classes_rev.next();
            // The stored forest speaks of other numbers.
            self.training.stored = None;
        }
        if let Some(classifier) = &edit.classifier {
            let (trees, seed) = classifier[usize::from(forward)];
            self.journal(JournalRecord::Classifier { trees, seed });
        }
        if let Some(bookmarks) = &edit.bookmarks {
            self.journal(JournalRecord::Bookmarks { bookmarks: bookmarks[usize::from(forward)].clone() });
        }
        if let Some(selection) = &edit.selection {
            self.journal(JournalRecord::Selection { selection: selection[usize::from(forward)].clone() });
            self.edits.selection_rev = self.edits.selection_rev.next();
        }
    }

    fn lane_record(&self, change: &LaneChange, forward: bool) -> JournalRecord {
        match self.project.lanes.get(change.index).filter(|_| change.added == forward) {
            Some(lane) => JournalRecord::LaneAdded {
                index: change.index,
                location: self.journal_location(&lane.raw),
                mask: lane.mask.as_ref().map(|mask| self.journal_location(mask)),
                details: Some(LaneDetails::of(lane)),
            },
            None => JournalRecord::LaneRemoved { index: change.index },
        }
    }

    /// Where a dataset can be opened: relative to the project where it is so.
    fn journal_location(&self, info: &DatasetInfo) -> String {
        match &info.location {
            DatasetLocation::Internal(_) => self.project.locate(info).unwrap_or_default(),
            _ => location_text(info),
        }
    }

    fn journal_all_labels(&mut self, index: usize) {
        let Some(lane) = self.project.lanes.get(index) else { return };
        let mut all = crate::data::LabelVolume::new(lane.labels.shape());
        let edit = all.paint(lane.labels.iter());
        if let Some(record) = JournalRecord::of_labels(index, &edit, true) {
            self.journal(record);
        }
    }

    fn journal(&mut self, record: JournalRecord) {
        self.edits.records += 1;
        self.outbox.push(Effect::Journal(record));
    }

    /// Forgets the history and counts the labels of a project that was just opened.
    pub(super) fn restart_history(&mut self) {
        let labels_rev = self.edits.labels_rev.next();
        let selection_rev = self.edits.selection_rev.next();
        let classes_rev = self.edits.classes_rev.next();
        let counts = self.project.lanes.iter().map(|lane| lane.labels.counts()).collect();
        self.edits = Edits { labels_rev, classes_rev, selection_rev, counts, ..Edits::default() };
    }

    /// Applies journal records as one step; `lanes` are the images that they add, in order.
    pub(super) fn replay(&mut self, records: &[JournalRecord], lanes: Vec<NewLane>) {
        let mut edit = Edit { what: "restored work".into(), ..Edit::default() };
        let mut lanes = lanes.into_iter();
        let mut missing = 0;
        for record in records {
            match record {
                JournalRecord::Labels { lane, runs } => {
                    let Some(labels) = self.project.lanes.get_mut(*lane).map(|lane| &mut lane.labels) else {
                        missing += 1;
                        continue;
                    };
                    let shape = labels.shape();
                    let change = labels.paint(pixels_of(runs, shape));
                    match edit.labels.iter_mut().find(|(other, _)| other == lane) {
                        Some((_, before)) => *before = std::mem::take(before).then(change),
                        None => edit.labels.push((*lane, change)),
                    }
                }
                JournalRecord::Classes { classes } => {
                    let before = std::mem::replace(&mut self.project.classes, classes.clone());
                    let first = edit.classes.take().map_or(before, |[first, _]| first);
                    edit.classes = Some([first, classes.clone()]);
                    edit.renumbers = true;
                }
                JournalRecord::Selection { selection } => {
                    let before = std::mem::replace(&mut self.project.selection, selection.clone());
                    let first = edit.selection.take().map_or(before, |[first, _]| first);
                    edit.selection = Some([first, selection.clone()]);
                }
                JournalRecord::Classifier { trees, seed } => {
                    let now = (*trees, *seed);
                    let before = (self.project.trees, self.project.seed);
                    (self.project.trees, self.project.seed) = now;
                    let first = edit.classifier.take().map_or(before, |[first, _]| first);
                    edit.classifier = Some([first, now]);
                }
                JournalRecord::Bookmarks { bookmarks } => {
                    let before = std::mem::replace(&mut self.project.bookmarks, bookmarks.clone());
                    let first = edit.bookmarks.take().map_or(before, |[first, _]| first);
                    edit.bookmarks = Some([first, bookmarks.clone()]);
                }
                JournalRecord::LaneAdded { index, .. } => match lanes.next() {
                    // Lanes move the numbers of later records: what came before becomes its own step.
                    Some(lane) => {
                        self.close_replayed(&mut edit);
                        let index = self.insert_lane(*index, lane);
                        let change = LaneChange { index, added: true, kept: None };
                        self.push_replayed(Edit {
                            what: "add image".into(),
                            lane: Some(change),
                            ..Edit::default()
                        });
                    }
                    None => missing += 1,
                },
                JournalRecord::LaneRemoved { index } => {
                    self.close_replayed(&mut edit);
                    let kept = self.take_lane(*index).map(Box::new);
                    let change = LaneChange { index: *index, added: false, kept };
                    self.push_replayed(Edit {
                        what: "remove image".into(),
                        lane: Some(change),
                        ..Edit::default()
                    });
                }
            }
        }
        self.close_replayed(&mut edit);
        self.edits.counts = self.project.lanes.iter().map(|lane| lane.labels.counts()).collect();
        self.edits.records = records.len() as u64;
        self.edits.labels_rev = self.edits.labels_rev.next();
        self.edits.classes_rev = self.edits.classes_rev.next();
        self.edits.selection_rev = self.edits.selection_rev.next();
        self.classes_changed();
        if missing > 0 {
            self.tell(
                Level::Warning,
                "Part of the unsaved work was not restored",
                format!("{missing} of {} edits belong to an image that can't be opened", records.len()),
                "",
            );
        }
    }

    fn close_replayed(&mut self, edit: &mut Edit) {
        let done = std::mem::replace(edit, Edit { what: edit.what.clone(), ..Edit::default() });
        let edit = &done;
        let settings = edit.classifier.is_some() || edit.bookmarks.is_some();
        if !edit.labels.is_empty() || edit.classes.is_some() || edit.selection.is_some() || settings {
            self.push_replayed(done);
        }
    }

    fn push_replayed(&mut self, edit: Edit) {
        self.edits.changes += 1;
        self.edits.undo.push(edit);
    }
}

/// Where a dataset is, as one would type it.
pub fn location_text(info: &DatasetInfo) -> String {
    match &info.location {
        DatasetLocation::Relative(text)
        | DatasetLocation::Absolute(text)
        | DatasetLocation::ToCopy { from: text, .. }
        | DatasetLocation::Url(text) => text.clone(),
        DatasetLocation::Internal(_) => "(in the project)".into(),
    }
}
