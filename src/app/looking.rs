//! Looking at features: each selected feature as an image on the canvas while moving through their list.

use std::sync::Arc;

use super::effect::Effect;
use super::messages::Problem;
use super::slices::{extremes, quantiles};
use super::state::App;
use crate::data::revision::SelectionRev;
use crate::data::{Roi, SlicePlane, SpatialRoi, Volume};
use crate::engine::SliceData;

/// Largest side of the part of a slice that is computed, around the middle of what is visible.
const LARGEST: usize = 2048;

/// The list of features with the canvas beside it.
#[derive(Clone, Debug)]
pub struct Looking {
    /// Whether it is open.
    pub open: bool,
    /// The entry selected: 0 is the image itself, then the feature channels follow.
    pub at: usize,
    /// The values shown black and white where the user has set them; else the lowest and the highest.
    window: Option<(f64, f64)>,
    /// What was asked for last, for each slice shown.
    asked: Vec<FeatureRequest>,
    /// The newest image of each slice.
    images: Vec<(FeatureRequest, Arc<SliceData>)>,
}

impl Default for Looking {
    fn default() -> Self {
        Looking { open: false, at: 1, window: None, asked: Vec::new(), images: Vec::new() }
    }
}

impl Looking {
    /// The feature channel selected; `None` for the image itself.
    pub fn channel(&self) -> Option<usize> {
        self.at.checked_sub(1)
    }
}

/// A part of a slice of one feature channel to compute.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureRequest {
    /// The image, from 0.
    pub lane: usize,
    /// The slice.
    pub plane: SlicePlane,
    /// The part of it, `zyx`.
    pub region: SpatialRoi,
    /// The feature channel, in the order of the names.
    pub channel: usize,
    /// The selection that the channel belongs to.
    pub selection: SelectionRev,
    /// How often the project was changed until then.
    pub changes: u64,
}

/// The part of a slice that is computed: what is visible, of a very large view the middle.
fn cut(region: SpatialRoi) -> SpatialRoi {
    let side = |axis: usize| {
        let (start, stop) = (region.start[axis], region.stop[axis]);
        let spare = (stop - start).saturating_sub(LARGEST);
        (start + spare / 2, stop - spare.div_ceil(2))
    };
    Roi::new([0, 1, 2].map(|axis| side(axis).0), [0, 1, 2].map(|axis| side(axis).1))
}

impl App {
    /// Whether the list of features is open, with the canvas beside it.
    pub fn looks_at_features(&self) -> bool {
        self.looking.open && self.screen.applet == super::Applet::Features && self.has_image()
    }

    /// Whether the canvas shows a feature.
    pub fn shows_feature(&self) -> bool {
        self.looks_at_features() && self.looking.channel().is_some()
    }

    /// The list of features: the image, then every feature channel, with the input channel that it is of.
    pub fn feature_entries(&self) -> Vec<String> {
        let channels = self.shape()[4];
        let selection = self.shown_selection().on(self.space());
        let cells = selection.cells_of_channels(channels);
        let in_cell = |at: &(usize, usize, usize)| {
            cells.iter().filter(|cell| (cell.0, cell.1) == (at.0, at.1)).count() / channels.max(1)
        };
        let of = |at: usize| match (cells.get(at), channels) {
            (None, _) | (_, 0 | 1) => String::new(),
            (Some(cell), 2 | 3) => format!(" {}", ["R", "G", "B"][(cell.2 / in_cell(cell).max(1)).min(2)]),
            (Some(cell), _) => format!(" (Ch. {})", cell.2 / in_cell(cell).max(1)),
        };
        let names =
            self.feature_names().into_iter().enumerate().map(|(at, name)| format!("{name}{}", of(at)));
        ["Raw data".to_owned()].into_iter().chain(names).collect()
    }

    /// Opens or closes the list of features.
    pub(super) fn toggle_looking(&mut self) {
        self.looking = Looking { open: !self.looking.open, at: self.looking.at, ..Looking::default() };
    }

    /// Selects an entry of the list.
    pub(super) fn look_at(&mut self, entry: usize) {
        let entry = entry.min(self.feature_names().len());
        if entry != self.looking.at {
            (self.looking.at, self.looking.window) = (entry, None);
        }
    }

    /// Selects another entry of the list.
    pub(super) fn look_by(&mut self, by: i32) {
        let last = self.feature_names().len() as i64;
        self.look_at((self.looking.at as i64 + i64::from(by)).clamp(0, last) as usize);
    }

    /// Asks for what the canvas is to show of the selected feature, where that was not asked for yet.
    pub(super) fn ask_for_features(&mut self) {
        if !self.looks_at_features() {
            return;
        }
        let count = self.feature_names().len();
        if count == 0 {
            self.looking.images.clear();
            return;
        }
        self.looking.at = self.looking.at.min(count);
        let Some(channel) = self.looking.channel() else { return };
        let request = |view: crate::engine::View| FeatureRequest {
            lane: view.lane,
            plane: view.plane,
            region: cut(view.region),
            channel,
            selection: self.edits.selection_rev,
            changes: self.edits.changes,
        };
        let wanted: Vec<FeatureRequest> = self.engine_views().into_iter().map(request).collect();
        let wanted: Vec<FeatureRequest> =
            wanted.into_iter().filter(|request| !request.region.is_empty()).collect();
        if wanted != self.looking.asked {
            self.outbox.push(Effect::ComputeFeatures(wanted.clone()));
            self.looking.asked = wanted;
        }
    }

    pub(super) fn feature_computed(&mut self, request: FeatureRequest, result: Result<Volume, Problem>) {
        if !self.looking.asked.contains(&request) {
            return;
        }
        match result {
            Ok(raw) => {
                let FeatureRequest { lane, plane, region, .. } = request;
                let piece = Arc::new(SliceData { lane, plane, region, step: 1, raw, mask: None });
                self.looking.images.retain(|(other, _)| other.plane.axis != plane.axis);
                self.looking.images.push((request, piece));
            }
            Err(problem) => self.problem(problem),
        }
    }

    /// The newest image of the selected feature on a slice, with the values shown black and white.
    pub fn feature_image(&self, plane: SlicePlane) -> Option<(&Arc<SliceData>, (f64, f64))> {
        let newest = self.looking.images.iter().find(|(request, _)| {
            request.lane == self.lane
                && request.plane == plane
                && Some(request.channel) == self.looking.channel()
        });
        let (_, piece) = newest?;
        let window = self.looking.window.or_else(|| extremes(&piece.raw, 0));
        Some((piece, window.unwrap_or((0.0, 1.0))))
    }

    /// The values of the feature shown that are black and white.
    pub(super) fn feature_range(&self) -> Option<(f64, f64)> {
        let plane = self.plane().filter(|_| self.shows_feature())?;
        self.feature_image(plane).map(|(_, range)| range)
    }

    /// Values of the feature shown that `cut` percent lie below and above.
    pub(super) fn feature_quantiles(&self, cut: f64) -> Option<(f64, f64)> {
        let plane = self.plane().filter(|_| self.shows_feature())?;
        let (piece, _) = self.feature_image(plane)?;
        quantiles(&piece.raw, 0, cut)
    }

    /// Sets the values of the feature shown that are black and white; the lowest and the highest without any.
    pub(super) fn set_feature_window(&mut self, window: Option<(f64, f64)>) {
        self.looking.window = window;
    }
}
