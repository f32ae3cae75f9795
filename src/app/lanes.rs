//! The images of the project: adding, removing, going from one to the next.

use std::sync::Arc;

use super::canvas::{LaneView, Pane};
use super::channels::{ChannelView, Display};
use super::contrast::default_windows;
use super::edits::{Edit, LaneChange};
use super::event::NewLane;
use super::messages::{Level, Problem};
use super::state::App;
use crate::data::Axis;
use crate::engine::LaneSource;
use crate::features::FeatureSelection;
use crate::io::ImageInfo;
use crate::project::DatasetInfo;

/// The first look at an image: its middle slice, fitted once the canvas has a size.
pub(super) fn first_view(info: &ImageInfo, dataset: &DatasetInfo) -> LaneView {
    let [_, z, y, x, c] = info.shape;
    let channels = match dataset.display_mode.as_str() {
        "grayscale" => ChannelView::Gray,
        "rgba" if c >= 2 => ChannelView::Composite,
        _ if matches!(c, 2 | 3) => ChannelView::Composite,
        _ => ChannelView::Gray,
    };
    // Bytes in two or three channels are a photograph, else channels are stains.
    let linked = matches!(c, 2 | 3) && info.dtype.size() == 1;
    let pane =
        |rows: usize, columns: usize| Pane { center: [rows as f64 / 2.0, columns as f64 / 2.0], zoom: None };
    LaneView {
        cursor: [0, z / 2, y / 2, x / 2],
        crossing: [z / 2, y / 2, x / 2],
        axis: Axis::Z,
        three: false,
        panes: [pane(y, x), pane(z, x), pane(z, y)],
        display: Display::new(c, channels, linked),
        windows: default_windows(info, dataset, channels),
    }
}

/// Why an image with `found` does not go with the project's images, which are like `there`.
fn misfit(name: &str, there: &ImageInfo, found: &ImageInfo) -> Option<Problem> {
    let (a, b) = (there.shape, found.shape);
    let what = format!("Can't add '{name}'");
    if a[4] != b[4] {
        return Some(Problem::new(
            what,
            format!("it has {} channels, the project's images have {}", b[4], a[4]),
            "Convert it, or start a new project for it",
        ));
    }
    if (a[1] > 1) != (b[1] > 1) {
        let words = |z: usize| if z > 1 { "depth" } else { "a single slice" };
        return Some(Problem::new(
            what,
            format!("it has {}, the project's images have {}", words(b[1]), words(a[1])),
            "Start a new project for it",
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

    /// Removes the image selected in the Data applet, or the one shown.
    pub(super) fn remove_lane(&mut self) {
        let index = self.screen.data_row.min(self.views.len().saturating_sub(1));
        let Some(kept) = self.take_lane(index) else { return };
        let what = format!("remove '{}'", kept.lane.raw.nickname);
        let change = LaneChange { index, added: false, kept: Some(Box::new(kept)) };
        self.record(Edit { what: what.clone(), lane: Some(change), ..Edit::default() });
        self.tell(Level::Info, format!("Done: {what}"), "", "Undo brings it back with its labels");
    }

    /// Images came in: those that fit join the project, the others are named.
    pub(super) fn lanes_opened(&mut self, lanes: Vec<NewLane>) {
        for new in lanes {
            let name = new.lane.raw.nickname.clone();
            let misfit =
                self.sources.first().and_then(|first| misfit(&name, first.raw.info(), new.source.raw.info()));
            if let Some(problem) = misfit {
                self.messages.push(Level::Error, problem, self.now);
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
    }
}
