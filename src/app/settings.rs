//! The view, kept in the project: position, zoom, contrast, layers, brushes.

use serde::{Deserialize, Serialize};

use super::canvas::LaneView;
use super::paint::LARGEST_BRUSH;
use super::state::App;
use crate::data::{Axis, Brush};
use crate::render::Layer;

/// Key of the view in the project's settings.
const KEY: &str = "view";

#[derive(Serialize, Deserialize)]
struct Saved {
    lane: usize,
    views: Vec<LaneView>,
    layers: Vec<Layer>,
    brush: Brush,
    eraser: Brush,
    label: usize,
    density: Option<f64>,
}

/// Whether a stored view fits an image of `shape` (`tzyxc`).
fn fits(view: &LaneView, shape: [usize; 5]) -> bool {
    (0..4).all(|i| view.cursor[i] < shape[i])
        && (0..3).all(|i| view.crossing[i] < shape[i + 1])
        && matches!(view.axis, Axis::X | Axis::Y | Axis::Z)
        && (!view.three || shape[1] > 1)
        && view.crossing[view.axis as usize - 1] == view.cursor[view.axis as usize]
        && view.windows.len() == shape[4]
        && view.display.fits(shape[4])
        && view.panes.iter().all(|pane| {
            pane.center.iter().all(|p| p.is_finite())
                && pane.zoom.is_none_or(|zoom| zoom.is_finite() && zoom > 0.0)
        })
}

impl App {
    pub(super) fn store_settings(&mut self) {
        self.store_export();
        let saved = Saved {
            lane: self.lane,
            views: self.views.clone(),
            layers: self.layers.layers.clone(),
            brush: self.paint.brush,
            eraser: self.paint.eraser,
            label: self.paint.label,
            density: self.screen.zoom_density,
        };
        if let Ok(text) = serde_json::to_string(&saved) {
            self.project.settings.insert(KEY.into(), text);
        }
    }

    /// Takes the view from the project, as far as it fits the images; what does not fit stays default.
    pub(super) fn restore_settings(&mut self) {
        self.restore_export();
        let Some(saved) =
            self.project.settings.get(KEY).and_then(|text| serde_json::from_str::<Saved>(text).ok())
        else {
            return;
        };
        for ((view, stored), source) in self.views.iter_mut().zip(saved.views).zip(self.sources.iter()) {
            if fits(&stored, source.raw.info().shape) {
                *view = stored;
            }
        }
        if let Some(density) = saved.density.filter(|density| density.is_finite() && *density > 0.0) {
            match self.screen.zoom_density {
                Some(now) => self.scale_zooms(now / density),
                None => self.screen.zoom_density = Some(density),
            }
        }
        self.lane = saved.lane.min(self.views.len().saturating_sub(1));
        self.layers.layers = saved.layers;
        self.layers.layers.iter_mut().for_each(|layer| layer.opacity = layer.opacity.clamp(0.0, 1.0));
        self.paint.brush.diameter = saved.brush.diameter.clamp(1, LARGEST_BRUSH);
        self.paint.eraser.diameter = saved.eraser.diameter.clamp(1, LARGEST_BRUSH);
        self.paint.label = saved.label.clamp(1, self.project.classes.len().max(1));
    }
}
