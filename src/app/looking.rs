//! Looking at features: each selected feature as an image on the canvas while moving through their list.

use std::sync::Arc;

use super::effect::Effect;
use super::messages::Problem;
use super::slices::extremes;
use super::state::App;
use crate::data::revision::SelectionRev;
use crate::data::{Roi, SlicePlane, SpatialRoi, Volume};
use crate::engine::SliceData;

/// Largest side of the part of a slice that is computed, around the middle of what is visible.
const LARGEST: usize = 2048;

/// The list of features with the canvas beside it.
#[derive(Clone, Debug, Default)]
pub struct Looking {
    /// Whether it is open.
    pub open: bool,
    /// The feature channel selected.
    pub at: usize,
    /// What was asked for last, for each slice shown.
    asked: Vec<FeatureRequest>,
    /// The newest image of each slice.
    images: Vec<(FeatureRequest, Arc<SliceData>)>,
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
    /// Whether the canvas shows a feature.
    pub fn looks_at_features(&self) -> bool {
        self.looking.open && self.screen.applet == super::Applet::Features && self.has_image()
    }

    /// Opens or closes the list of features.
    pub(super) fn toggle_looking(&mut self) {
        self.looking = Looking { open: !self.looking.open, at: self.looking.at, ..Looking::default() };
    }

    /// Selects another feature.
    pub(super) fn look_by(&mut self, by: i32) {
        let last = self.feature_names().len().saturating_sub(1) as i64;
        self.looking.at = (self.looking.at as i64 + i64::from(by)).clamp(0, last) as usize;
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
        self.looking.at = self.looking.at.min(count - 1);
        let request = |view: crate::engine::View| FeatureRequest {
            lane: view.lane,
            plane: view.plane,
            region: cut(view.region),
            channel: self.looking.at,
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
            request.lane == self.lane && request.plane == plane && request.channel == self.looking.at
        });
        let (_, piece) = newest?;
        Some((piece, extremes(&piece.raw, 0).unwrap_or((0.0, 1.0))))
    }
}
