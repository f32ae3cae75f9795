//! The stack of layers over the image: visibility, opacity, order, solo.

use super::state::App;
use crate::render::{Layer, LayerKind};

/// Opacity of a probability layer, as in ilastik.
const PREDICTION_OPACITY: f32 = 0.25;

/// The layers, the topmost first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerStack {
    /// All layers, the topmost first.
    pub layers: Vec<Layer>,
    /// The one selected in the panel.
    pub selected: usize,
    solo: Option<Vec<(LayerKind, bool)>>,
}

/// ilastik's stack for `classes` classes, the topmost first.
fn defaults(classes: usize, mask: bool, live: bool) -> Vec<Layer> {
    let layer = |kind, visible, opacity| Layer { kind, visible, opacity };
    let mut layers = vec![layer(LayerKind::Labels, true, 1.0)];
    if mask {
        layers.push(layer(LayerKind::Mask, true, 1.0));
    }
    layers.push(layer(LayerKind::Uncertainty, false, 1.0));
    layers.extend((1..=classes as u8).map(|n| layer(LayerKind::Segmentation(n), false, 1.0)));
    layers.extend((1..=classes as u8).map(|n| layer(LayerKind::Prediction(n), live, PREDICTION_OPACITY)));
    layers.push(layer(LayerKind::RawInput, true, 1.0));
    layers
}

/// Kinds that are shown and hidden together.
pub(super) fn same_group(a: LayerKind, b: LayerKind) -> bool {
    std::mem::discriminant(&a) == std::mem::discriminant(&b)
}

impl LayerStack {
    /// Fits the stack to the number of classes; layers that stay keep their place and state, new ones take
    /// the state of their group.
    pub fn rebuild(&mut self, classes: usize, mask: bool, live: bool) {
        let wanted = defaults(classes, mask, live);
        self.layers.retain(|layer| wanted.iter().any(|other| other.kind == layer.kind));
        for (i, mut layer) in wanted.iter().copied().enumerate() {
            if self.layers.iter().any(|other| other.kind == layer.kind) {
                continue;
            }
            if let Some(alike) = self.layers.iter().find(|other| same_group(other.kind, layer.kind)) {
                (layer.visible, layer.opacity) = (alike.visible, alike.opacity);
            }
            // Below whatever stands above it by default, else on top.
            let above = &wanted[..i];
            let at = self.layers.iter().rposition(|other| above.iter().any(|a| a.kind == other.kind));
            self.layers.insert(at.map_or(0, |at| at + 1), layer);
        }
        self.selected = self.selected.min(self.layers.len().saturating_sub(1));
    }

    /// Whether any layer of the group of `kind` is shown.
    pub fn shows(&self, kind: LayerKind) -> bool {
        self.layers.iter().any(|layer| layer.visible && same_group(layer.kind, kind))
    }

    /// Shows or hides all layers of the group of `kind`.
    pub fn show(&mut self, kind: LayerKind, visible: bool) {
        self.solo = None;
        for layer in self.layers.iter_mut().filter(|layer| same_group(layer.kind, kind)) {
            layer.visible = visible;
        }
    }

    /// Whether a layer is drawn that needs predictions.
    pub fn needs_predictions(&self) -> bool {
        [LayerKind::Prediction(1), LayerKind::Segmentation(1), LayerKind::Uncertainty]
            .into_iter()
            .any(|kind| self.shows(kind))
    }

    /// Whether one layer is shown alone.
    pub fn is_solo(&self) -> bool {
        self.solo.is_some()
    }

    fn toggle_solo(&mut self) {
        if let Some(before) = self.solo.take() {
            for layer in &mut self.layers {
                if let Some((_, visible)) = before.iter().find(|(kind, _)| *kind == layer.kind) {
                    layer.visible = *visible;
                }
            }
            return;
        }
        self.solo = Some(self.layers.iter().map(|layer| (layer.kind, layer.visible)).collect());
        for (i, layer) in self.layers.iter_mut().enumerate() {
            layer.visible = i == self.selected || layer.kind == LayerKind::RawInput;
        }
    }
}

impl App {
    pub(super) fn toggle_layers(&mut self, kind: LayerKind) {
        let shown = self.layers.shows(kind);
        self.layers.show(kind, !shown);
    }

    /// Brings the raw image to the top, or back to the bottom.
    pub(super) fn raw_to_top(&mut self) {
        let layers = &mut self.layers.layers;
        let Some(at) = layers.iter().position(|layer| layer.kind == LayerKind::RawInput) else { return };
        let raw = layers.remove(at);
        if at == 0 {
            layers.push(raw);
        } else {
            layers.insert(0, raw);
        }
    }

    pub(super) fn select_layer_by(&mut self, by: i32) {
        let last = self.layers.layers.len().saturating_sub(1) as i64;
        self.layers.selected = (self.layers.selected as i64 + i64::from(by)).clamp(0, last) as usize;
    }

    pub(super) fn toggle_selected_layer(&mut self) {
        self.layers.solo = None;
        if let Some(layer) = self.layers.layers.get_mut(self.layers.selected) {
            layer.visible = !layer.visible;
        }
    }

    pub(super) fn solo_layer(&mut self) {
        self.layers.toggle_solo();
    }

    pub(super) fn move_layer(&mut self, by: i32) {
        let from = self.layers.selected as i64;
        let to = from + i64::from(by);
        if (0..self.layers.layers.len() as i64).contains(&to) {
            self.layers.layers.swap(from as usize, to as usize);
            self.layers.selected = to as usize;
        }
    }

    pub(super) fn change_opacity(&mut self, percent: i32) {
        if let Some(layer) = self.layers.layers.get(self.layers.selected) {
            let now = (layer.opacity * 100.0).round() as i32;
            self.set_opacity(now.saturating_add(percent));
        }
    }

    pub(super) fn set_opacity(&mut self, percent: i32) {
        if let Some(layer) = self.layers.layers.get_mut(self.layers.selected) {
            layer.opacity = percent.clamp(0, 100) as f32 / 100.0;
        }
    }

    pub(super) fn reset_layers(&mut self) {
        let selected = self.layers.selected;
        self.layers = LayerStack::default();
        self.classes_changed();
        self.layers.selected = selected.min(self.layers.layers.len().saturating_sub(1));
    }
}
