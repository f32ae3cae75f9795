//! A snapshot of what the canvas shows, to be composed on another thread.

use std::sync::Arc;

use crate::app::{App, ChannelView, Tool};
use crate::data::{LabelClass, LabelVolume, SlicePlane};
use crate::engine::{Engine, SliceData, Tile};
use crate::render::{
    Channels, Cursor, Layer, Picture, ProbabilityPart, Scene, SlicePart, Viewport, Window, compose,
};

/// Everything that a picture shows; cheap to make, since blocks and tiles are shared.
pub(super) struct SceneParts {
    plane: SlicePlane,
    extent: [usize; 2],
    slices: Vec<Arc<SliceData>>,
    channels: Channels,
    labels: LabelVolume,
    classes: Vec<LabelClass>,
    tiles: Vec<Tile>,
    layers: Vec<Layer>,
    cursor: Option<Cursor>,
    viewport: Viewport,
    mark_stale: bool,
}

/// Colour of the eraser's outline.
const ERASER_COLOR: [u8; 3] = [255; 3];

impl SceneParts {
    /// What `app` shows, with what `engine` has of it; `None` without an image or a canvas.
    pub fn of(app: &App, engine: &Engine) -> Option<SceneParts> {
        let view = app.engine_view()?;
        let viewport = app.viewport()?;
        // The state chooses the contrast when it is told of a slice: before that it would be wrong.
        let known = app.slices.of(app.lane, view.plane).next().is_some();
        let slices = if known { engine.slices(&view) } else { Vec::new() };
        let window = |channel: usize| {
            let (low, high) = app.display_range(channel);
            Window { low, high }
        };
        let channels = match app.view()?.channels {
            ChannelView::Gray(channel) => Channels::Gray { channel, window: window(channel) },
            ChannelView::Rgb => {
                Channels::Rgb((0..app.shape()[4].min(3)).map(|channel| (channel, window(channel))).collect())
            }
        };
        let paints = matches!(app.paint.tool, Tool::Brush | Tool::Eraser);
        let color = match app.paint.tool {
            Tool::Brush => app.selected_class().map_or(ERASER_COLOR, |class| class.color),
            _ => ERASER_COLOR,
        };
        let cursor = Cursor {
            at: app.view()?.cursor_on_slice().map(|p| p as i64),
            brush: paints.then(|| app.paint.active_brush()),
            color,
            cross: true,
        };
        // While live update runs, stale tiles are replaced soon: marks would only flicker.
        let mark_stale = !app.training.live && app.training.updating().is_none();
        Some(SceneParts {
            plane: view.plane,
            extent: app.extent(),
            slices,
            channels,
            labels: app.labels()?.clone(),
            classes: app.project.classes.clone(),
            tiles: if app.layers.needs_predictions() { engine.tiles(&view) } else { Vec::new() },
            layers: app.layers.layers.clone(),
            cursor: Some(cursor),
            viewport,
            mark_stale,
        })
    }

    /// Whether any of the slice has been loaded.
    pub fn is_loaded(&self) -> bool {
        !self.slices.is_empty()
    }

    /// The picture, of `size` (rows, columns).
    pub fn compose(&self, size: [usize; 2]) -> Picture {
        let slices: Vec<SlicePart<'_>> = self
            .slices
            .iter()
            .map(|piece| SlicePart { region: piece.region, raw: &piece.raw, mask: piece.mask.as_ref() })
            .collect();
        let predictions: Vec<ProbabilityPart<'_>> = self
            .tiles
            .iter()
            .map(|tile| ProbabilityPart {
                region: tile.roi,
                probabilities: &tile.probabilities,
                stale: tile.stale,
            })
            .collect();
        let scene = Scene {
            plane: self.plane,
            extent: self.extent,
            slices: &slices,
            channels: &self.channels,
            labels: &self.labels,
            classes: &self.classes,
            predictions: &predictions,
            layers: &self.layers,
            cursor: self.cursor,
            mark_stale: self.mark_stale,
        };
        compose(&scene, &Viewport { picture: size, ..self.viewport })
    }
}
