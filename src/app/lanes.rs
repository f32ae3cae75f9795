//! The images of the project: adding, removing, going from one to the next.

use std::path::PathBuf;
use std::sync::Arc;

use super::canvas::{LaneView, Pane};
use super::channels::{ChannelView, Display, Shading};
use super::contrast::default_windows;
use super::dialogs::AddAnswers;
use super::edits::{Edit, LaneChange, location_text};
use super::event::NewLane;
use super::jobs::Work;
use super::journal::LaneDetails;
use super::messages::{Level, Problem};
use super::refused::{Asked, Refused};
use super::state::App;
use crate::command::TABLE;
use crate::data::{Axis, AxisOrder};
use crate::engine::LaneSource;
use crate::features::FeatureSelection;
use crate::io::ImageInfo;
use crate::project::{DatasetInfo, DatasetLocation, Lane};

/// The first look at an image: its middle slice, fitted once the canvas has a size.
pub(super) fn first_view(info: &ImageInfo, dataset: &DatasetInfo) -> LaneView {
    let [_, z, y, x, c] = info.shape;
    let shading = Shading::of(&dataset.display_mode, info.dtype);
    let channels = ChannelView::of(&dataset.display_mode, c);
    // Bytes in two or three channels are a photograph, else channels are stains.
    let linked = matches!(c, 2 | 3) && info.dtype.size() == 1;
    let mut display = Display { shading, ..Display::new(c, channels, linked) };
    if dataset.display_mode == "rgba" {
        // What comes after red, green and blue is no light.
        display.tints.iter_mut().skip(3).for_each(|tint| tint.on = false);
    }
    let pane =
        |rows: usize, columns: usize| Pane { center: [rows as f64 / 2.0, columns as f64 / 2.0], zoom: None };
    LaneView {
        cursor: [0, z / 2, y / 2, x / 2],
        crossing: [z / 2, y / 2, x / 2],
        axis: Axis::Z,
        three: false,
        panes: [pane(y, x), pane(z, x), pane(z, y)],
        display,
        windows: default_windows(info, dataset, channels),
    }
}

/// Images to add to the project.
#[derive(Clone, Debug, Default)]
pub struct AddImages {
    /// Files, folders, patterns, or files of a stack joined by `:`.
    pub locations: Vec<String>,
    /// All files become one image, stacked along this axis.
    pub stack_along: Option<Axis>,
    /// The dataset inside each file.
    pub dataset: Option<String>,
    /// Overrides what the files say about their axes.
    pub axes: Option<AxisOrder>,
    /// The images are to be copied into the project.
    pub copy: bool,
    /// The last image of the project: where it is, its axes and its channels. Where the user gave it other axes
    /// than its file says, images with as many dimensions and channels get the same.
    pub previous: Option<(String, AxisOrder, usize)>,
}

impl AddImages {
    /// What one location names.
    pub fn of(location: String) -> Self {
        AddImages { locations: vec![location], ..AddImages::default() }
    }
}

/// An image of the project to open anew.
#[derive(Clone, Debug)]
pub struct Reopen {
    /// Its number, from 0.
    pub index: usize,
    /// What the project knows of it.
    pub lane: Lane,
    /// Where the image is now, when it is another file.
    pub raw: Option<String>,
    /// Other axes.
    pub axes: Option<AxisOrder>,
    /// Another mask, or none.
    pub mask: Option<Option<String>>,
    /// Other axes of the mask.
    pub mask_axes: Option<AxisOrder>,
    /// The project's file, from which locations are counted.
    pub project: Option<PathBuf>,
}

impl LaneDetails {
    /// What the user may have changed about an image.
    pub fn of(lane: &Lane) -> Self {
        let copied = |info: &DatasetInfo| match &info.location {
            DatasetLocation::Internal(name) | DatasetLocation::ToCopy { name, .. } => Some(name.clone()),
            _ => None,
        };
        let info = &lane.raw;
        LaneDetails {
            nickname: info.nickname.clone(),
            axes: info.axes.to_string(),
            display_mode: info.display_mode.clone(),
            normalize: info.normalize_display,
            range: info.data_range,
            copied: copied(info),
            mask_copied: lane.mask.as_ref().and_then(copied),
            mask_axes: lane.mask.as_ref().map(|mask| mask.axes.to_string()),
        }
    }

    /// Describes an image so; its axes are the opener's.
    pub fn apply(&self, info: &mut DatasetInfo) {
        info.nickname.clone_from(&self.nickname);
        info.display_mode.clone_from(&self.display_mode);
        info.normalize_display = self.normalize;
        info.data_range = self.range;
    }
}

/// A path that was typed for the command `name`.
fn asked_path(name: &str, path: &str) -> Option<Asked> {
    let row = TABLE.iter().find(|row| row.name == name)?;
    Some(Asked::Path(row, path.to_owned()))
}

/// A number with what is counted.
fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Why an image with `found` does not go with the project's images, which are like `there`.
fn misfit(name: &str, there: &ImageInfo, found: &ImageInfo) -> Option<Problem> {
    let (a, b) = (there.shape, found.shape);
    let what = format!("Can't add '{name}'");
    if a[4] != b[4] {
        return Some(Problem::new(
            what,
            format!("it has {}, the project's images have {}", plural(b[4], "channel"), a[4]),
            "Give its axes as you add it, convert it, or start a new project for it",
        ));
    }
    if (a[1] > 1) != (b[1] > 1) {
        let words = |z: usize| if z > 1 { "depth" } else { "a single slice" };
        return Some(Problem::new(
            what,
            format!("it has {}, the project's images have {}", words(b[1]), words(a[1])),
            "Give its axes as you add it, or start a new project for it",
        ));
    }
    None
}

impl App {
    /// Puts an image into the project at `index`, or after the last image that is open; says where it is.
    /// The step of the history is the caller's.
    pub(super) fn insert_lane(&mut self, index: usize, lane: NewLane) -> usize {
        let index = index.min(self.views.len());
        let view = first_view(lane.source.raw.info(), &lane.lane.raw);
        self.edits.counts.insert(index, lane.lane.labels.counts());
        self.views.insert(index, view);
        self.project.lanes.insert(index, lane.lane);
        Arc::make_mut(&mut self.sources).insert(index, lane.source);
        self.slices.clear();
        self.show_lane(index);
        index
    }

    /// Takes an image out of the project; the step of the history is the caller's.
    pub(super) fn take_lane(&mut self, index: usize) -> Option<NewLane> {
        if index >= self.project.lanes.len() || index >= self.sources.len() {
            return None;
        }
        let lane = self.project.lanes.remove(index);
        let source: LaneSource = Arc::make_mut(&mut self.sources).remove(index);
        self.views.remove(index);
        self.edits.counts.remove(index);
        self.slices.clear();
        self.paint.last_dab = None;
        self.show_lane(self.lane.min(self.views.len().saturating_sub(1)));
        Some(NewLane { lane, source })
    }

    /// Shows lane `index`, from 0.
    pub(super) fn show_lane(&mut self, index: usize) {
        self.lift_pen();
        self.end_stroke();
        if index + 1 < self.views.len() && self.end_visit() {
            return self.show_lane(index);
        }
        self.lane = index.min(self.views.len().saturating_sub(1));
        self.screen.data_row = self.lane;
        self.classes_changed();
        self.drop_band();
        self.fit_new_panes();
    }

    pub(super) fn lane_by(&mut self, by: i32) {
        let last = self.views.len().saturating_sub(1) as i64;
        let next = (self.lane as i64 + i64::from(by)).clamp(0, last) as usize;
        if next != self.lane {
            self.show_lane(next);
            let name = self.project.lanes[next].raw.nickname.clone();
            self.inform(format!("Image {} of {}: {name}", next + 1, last + 1));
        }
    }

    pub(super) fn lane_show(&mut self, number: usize) {
        let count = self.views.len();
        if number > count {
            return self.tell(
                Level::Warning,
                format!("There is no image {number}"),
                format!("the project has {count}"),
                "",
            );
        }
        self.show_lane(number - 1);
    }

    pub(super) fn select_data_row(&mut self, by: i32) {
        let last = self.views.len().saturating_sub(1) as i64;
        self.screen.data_row = (self.screen.data_row as i64 + i64::from(by)).clamp(0, last) as usize;
    }

    /// The images that commands of the Data applet act on: those marked, else the one selected.
    pub fn chosen_lanes(&self) -> Vec<usize> {
        let marked: Vec<usize> =
            self.screen.data_marks.iter().copied().filter(|&i| i < self.views.len()).collect();
        let selected = self.screen.data_row.min(self.views.len().saturating_sub(1));
        if marked.is_empty() { vec![selected] } else { marked }
    }

    pub(super) fn mark_data_row(&mut self) {
        let row = self.screen.data_row;
        match self.screen.data_marks.binary_search(&row) {
            Ok(at) => {
                self.screen.data_marks.remove(at);
            }
            Err(at) => self.screen.data_marks.insert(at, row),
        }
    }

    /// Removes the images that are chosen in the Data applet, each as a step of its own.
    pub(super) fn remove_lanes(&mut self) {
        let chosen = self.chosen_lanes();
        self.screen.data_marks.clear();
        chosen.into_iter().rev().for_each(|index| self.remove_lane(index));
    }

    fn reopen(&mut self, what: String, asked: Option<Asked>, change: impl Fn(&mut Reopen)) {
        let index = self.screen.data_row.min(self.views.len().saturating_sub(1));
        let Some(mut request) = self.reopen_request(index) else { return };
        change(&mut request);
        let job = self.start_job(what.clone(), Work::Reopen(what, vec![request]));
        if let Some(asked) = asked {
            self.remember_asked(job, asked);
        }
    }

    /// What it takes to open an image anew as it is.
    pub(super) fn reopen_request(&self, index: usize) -> Option<Reopen> {
        let lane = self.project.lanes.get(index)?.clone();
        let project = self.project.path.clone();
        Some(Reopen { index, lane, raw: None, axes: None, mask: None, mask_axes: None, project })
    }

    /// Uses another file for the image selected in the Data applet.
    pub(super) fn replace_lane(&mut self, path: String) {
        let asked = asked_path("lane.replace", &path);
        self.reopen(format!("replace by {path}"), asked, |request| request.raw = Some(path.clone()));
    }

    /// Opens images for the project in the background, as `answers` ask for.
    pub(super) fn add_images(&mut self, title: String, mut request: AddImages, answers: AddAnswers) {
        let last = self.project.lanes.last().zip(self.sources.last());
        request.previous = last.and_then(|(lane, source)| {
            let location = self.project.locate(&lane.raw).ok()?;
            Some((location, lane.raw.axes.clone(), source.raw.info().shape[4]))
        });
        let job = self.start_job(title, Work::AddLanes(request));
        self.remember_asked(job, Asked::Add(answers));
    }

    /// Sets or removes the prediction mask of the image selected in the Data applet.
    pub(super) fn set_mask(&mut self, path: Option<String>) {
        let what = if path.is_some() { "set the mask" } else { "remove the mask" };
        let asked = path.as_deref().and_then(|path| asked_path("lane.mask", path));
        self.reopen(what.into(), asked, |request| request.mask = Some(path.clone()));
    }

    /// Puts images that were opened anew in the place of those that are there, all or none.
    ///
    /// # Errors
    /// One does not go with its labels, or with the project's other images.
    pub(super) fn replace_lanes(&mut self, what: &str, lanes: Vec<(usize, NewLane)>) -> Result<(), Refused> {
        let mut replaced = Vec::new();
        for (index, mut new) in lanes {
            let Some(old) = self.project.lanes.get(index) else { continue };
            let name = old.raw.nickname.clone();
            let fits = new.lane.labels.shape() == old.labels.shape();
            if !fits && !old.labels.is_empty() {
                let shape = |labels: &crate::data::LabelVolume| format!("{:?}", labels.shape());
                let why = format!(
                    "it would have the shape {} (tzyx), its labels are for {}",
                    shape(&new.lane.labels),
                    shape(&old.labels)
                );
                let remedy = "Clear its labels first, or add it as another image";
                let problem = Problem::new(format!("Can't change '{name}'"), why, remedy);
                return Err(Refused { location: location_text(&new.lane.raw), problem, axes: true });
            }
            let others = self.sources.iter().enumerate().find(|(i, _)| *i != index);
            if let Some(problem) =
                others.and_then(|(_, other)| misfit(&name, other.raw.info(), new.source.raw.info()))
            {
                return Err(Refused { location: location_text(&new.lane.raw), problem, axes: true });
            }
            if fits {
                // Strokes may have come while it was being opened.
                new.lane.labels = old.labels.clone();
            }
            replaced.push((index, Box::new(new)));
        }
        if replaced.is_empty() {
            return Ok(());
        }
        // A selection that is still what the images were given at first follows their shape.
        let given = self.given_selection();
        let untouched = given.is_some() && given == self.project.selection;
        for (index, new) in &mut replaced {
            self.swap_lane(*index, new);
        }
        let after = self.given_selection();
        let selection = (untouched && after != given).then(|| {
            self.project.selection.clone_from(&after);
            [given, after]
        });
        self.record(Edit { what: what.to_owned(), replaced, selection, ..Edit::default() });
        self.inform(format!("Done: {what}"));
        Ok(())
    }

    /// The features that a new project with these images begins with.
    fn given_selection(&self) -> Option<FeatureSelection> {
        let [_, z, y, x, _] = self.sources.first()?.raw.info().shape;
        Some(FeatureSelection::all_fitting([z, y, x]))
    }

    /// Exchanges an image with another; the step of the history is the caller's.
    pub(super) fn swap_lane(&mut self, index: usize, other: &mut NewLane) {
        let (Some(lane), Some(source)) =
            (self.project.lanes.get_mut(index), Arc::make_mut(&mut self.sources).get_mut(index))
        else {
            return;
        };
        std::mem::swap(lane, &mut other.lane);
        std::mem::swap(source, &mut other.source);
        let mut view = first_view(source.raw.info(), &lane.raw);
        let kept = self.views.get(index).filter(|_| lane.labels.shape() == other.lane.labels.shape());
        if let Some(kept) = kept {
            (view.cursor, view.crossing, view.axis) = (kept.cursor, kept.crossing, kept.axis);
            (view.three, view.panes) = (kept.three, kept.panes);
        }
        self.edits.counts[index] = lane.labels.counts();
        if let Some(slot) = self.views.get_mut(index) {
            *slot = view;
        }
        self.slices.clear();
        self.paint.last_dab = None;
        if index == self.lane {
            self.show_lane(index);
        }
    }

    fn remove_lane(&mut self, index: usize) {
        let Some(kept) = self.take_lane(index) else { return };
        let what = format!("remove '{}'", kept.lane.raw.nickname);
        let change = LaneChange { index, added: false, kept: Some(Box::new(kept)) };
        self.record(Edit { what: what.clone(), lane: Some(change), ..Edit::default() });
        self.tell(Level::Info, format!("Done: {what}"), "", "Undo brings it back with its labels");
    }

    /// Images came in: those that fit join the project, the others are returned.
    pub(super) fn lanes_opened(&mut self, lanes: Vec<NewLane>) -> Vec<Refused> {
        self.end_visit();
        let known = self.views.len();
        let mut refused = Vec::new();
        for new in lanes {
            let name = new.lane.raw.nickname.clone();
            let misfit =
                self.sources.first().and_then(|first| misfit(&name, first.raw.info(), new.source.raw.info()));
            if let Some(problem) = misfit {
                refused.push(Refused { location: location_text(&new.lane.raw), problem, axes: true });
                continue;
            }
            let first = self.project.lanes.is_empty();
            let [_, z, y, x, _] = new.source.raw.info().shape;
            let index = self.insert_lane(self.views.len(), new);
            let change = LaneChange { index, added: true, kept: None };
            let selection = (first && self.project.selection.is_none()).then(|| {
                let chosen = Some(FeatureSelection::all_fitting([z, y, x]));
                [std::mem::replace(&mut self.project.selection, chosen.clone()), chosen]
            });
            let what = format!("add '{name}'");
            self.record(Edit { what: what.clone(), lane: Some(change), selection, ..Edit::default() });
            self.inform(format!("Done: {what}"));
        }
        self.tell_cautions(known..self.views.len());
        refused
    }
}
