//! What the engine is to work on, made from the state.

use std::sync::Arc;

use super::state::App;
use crate::data::revision::{ClassesRev, LabelsRev, SelectionRev};
use crate::data::{LabelVolume, SpatialRoi};
use crate::engine::{Goal, View};
use crate::features::FeatureSelection;

/// What tells one goal from another, cheap to compare.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GoalStamp {
    labels_rev: LabelsRev,
    selection_rev: SelectionRev,
    classes: usize,
    classes_rev: ClassesRev,
    lanes: usize,
    live: bool,
    once: Option<LabelsRev>,
    predict: bool,
    views: Vec<View>,
}

/// Snapshots that goals share, so that stating a goal copies nothing that did not change.
#[derive(Clone, Default)]
pub(super) struct GoalParts {
    labels: Option<(LabelsRev, Arc<Vec<LabelVolume>>)>,
    selection: Option<(SelectionRev, Arc<FeatureSelection>)>,
}

/// The largest power of two of slice pixels along an axis for which one picture pixel stands.
fn step_of(zoom: [f64; 2]) -> usize {
    let pixels = 1.0 / zoom[0].max(zoom[1]);
    1 << (pixels.log2().floor().clamp(0.0, 16.0) as u32)
}

impl App {
    /// The slice that takes keys, for the engine; `None` without an image or a canvas.
    pub fn engine_view(&self) -> Option<View> {
        self.engine_views().into_iter().next()
    }

    /// What is on screen, for the engine, the slice that takes keys first.
    pub fn engine_views(&self) -> Vec<View> {
        let Some(view) = self.view() else { return Vec::new() };
        let axes = view.axes_shown().into_iter();
        axes.map_while(|axis| {
            let plane = view.plane_along(axis);
            let viewport = self.viewport_along(axis)?;
            let [rows, columns] = viewport.visible(plane.extent(self.space()));
            let region: SpatialRoi = plane.region(rows, columns);
            let [_, z, y, x] = view.cursor;
            let focus = if axis == view.axis { [z, y, x] } else { view.crossing };
            Some(View { lane: self.lane, plane, region, focus, step: step_of(viewport.zoom) })
        })
        .collect()
    }

    /// What the engine is to work on; `None` without an image or a canvas.
    pub fn engine_goal(&self) -> Option<Goal> {
        let mut views = self.engine_views();
        if views.is_empty() {
            return None;
        }
        let view = views.remove(0);
        let labels = match &self.goal_parts.labels {
            Some((rev, labels)) if *rev == self.edits.labels_rev => Arc::clone(labels),
            _ => Arc::new(self.label_snapshot()),
        };
        let selection = match &self.goal_parts.selection {
            Some((rev, selection)) if *rev == self.edits.selection_rev => Arc::clone(selection),
            _ => Arc::new(self.selection_or_none()),
        };
        let trains = selection.count() > 0;
        Some(Goal {
            lanes: Arc::clone(&self.sources),
            selection,
            selection_rev: self.edits.selection_rev,
            labels,
            labels_rev: self.edits.labels_rev,
            class_count: self.project.classes.len(),
            classes_rev: self.edits.classes_rev,
            trees: self.project.trees,
            seed: self.project.seed,
            live: self.training.live && trains,
            once: self.training.once.filter(|_| trains),
            stored_forest: self.stored_forest().cloned(),
            predict: self.layers.needs_predictions() && !self.shows_result(),
            view,
            beside: views,
        })
    }

    /// Whether predictions of what is on screen are there, or will be.
    pub fn awaits_predictions(&self) -> bool {
        let is_training =
            (self.training.live || self.training.once.is_some()) && self.training_obstacle().is_none();
        let has_forest = self.training.forest.is_some() || self.stored_forest().is_some();
        self.layers.needs_predictions() && !self.shows_result() && (is_training || has_forest)
    }

    fn label_snapshot(&self) -> Vec<LabelVolume> {
        self.project.lanes.iter().take(self.sources.len()).map(|lane| lane.labels.clone()).collect()
    }

    fn selection_or_none(&self) -> FeatureSelection {
        self.project.selection.clone().unwrap_or_else(|| FeatureSelection::none(self.space()))
    }

    /// The lanes are others while the labels are the same.
    pub(super) fn forget_goal_labels(&mut self) {
        self.goal_parts.labels = None;
    }

    /// Takes new snapshots of what changed since the last goal.
    pub(super) fn refresh_goal_parts(&mut self) {
        let (labels_rev, selection_rev) = (self.edits.labels_rev, self.edits.selection_rev);
        if self.goal_parts.labels.as_ref().is_none_or(|(rev, _)| *rev != labels_rev) {
            self.goal_parts.labels = Some((labels_rev, Arc::new(self.label_snapshot())));
        }
        if self.goal_parts.selection.as_ref().is_none_or(|(rev, _)| *rev != selection_rev) {
            self.goal_parts.selection = Some((selection_rev, Arc::new(self.selection_or_none())));
        }
    }

    pub(super) fn goal_stamp(&self) -> GoalStamp {
        GoalStamp {
            labels_rev: self.edits.labels_rev,
            selection_rev: self.edits.selection_rev,
            classes: self.project.classes.len(),
            classes_rev: self.edits.classes_rev,
            lanes: self.sources.len(),
            live: self.training.live,
            once: self.training.once,
            predict: self.layers.needs_predictions() && !self.shows_result(),
            views: self.engine_views(),
        }
    }
}
