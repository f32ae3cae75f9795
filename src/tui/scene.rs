//! A snapshot of what the canvas shows, to be composed on another thread.

use std::sync::Arc;

use crate::app::band::BandUse;
use crate::app::channels::{Display, Shading};
use crate::app::thumbnails::Thumbnail;
use crate::app::training_tools::SetPreview;
use crate::app::{App, ChannelView, Tool};
use crate::data::classes::Rgb;
use crate::data::revision::ForestRev;
use crate::data::{Axis, LabelClass, LabelVolume, SlicePlane};
use crate::engine::{Engine, SliceData, Tile, View};
use crate::render::marks::{Band, Crossing};
use crate::render::{
    Channels, Cursor, Layer, LayerKind, Marks, Picture, ProbabilityPart, Scene, SlicePart, Tinted, Viewport,
    Window, compose, panes,
};

/// One slice with what is known of it.
struct SliceParts {
    plane: SlicePlane,
    extent: [usize; 2],
    slices: Vec<Arc<SliceData>>,
    tiles: Vec<Tile>,
    cursor: Option<Cursor>,
    marks: Marks,
    viewport: Viewport,
}

/// Everything that a picture shows; cheap to make, since blocks and tiles are shared.
pub(super) struct SceneParts {
    /// The slices in the order of their panes: one, or three.
    panes: Vec<SliceParts>,
    /// The one that takes keys.
    active: usize,
    channels: Channels,
    labels: LabelVolume,
    classes: Vec<LabelClass>,
    layers: Vec<Layer>,
    mark_stale: bool,
}

/// Colour of the eraser's outline and of a box to zoom to.
const WHITE: Rgb = [255; 3];

/// ilastik's colours of the slices along an axis.
fn axis_color(axis: Axis) -> Rgb {
    match axis {
        Axis::X => [255, 64, 64],
        Axis::Y => [64, 220, 64],
        _ => [80, 120, 255],
    }
}

/// The layers with the segmentation in place of the predictions.
fn segmentation(layers: &[Layer]) -> Vec<Layer> {
    let shown = |layer: &Layer| match layer.kind {
        LayerKind::Segmentation(_) => true,
        LayerKind::Prediction(_) | LayerKind::Uncertainty => false,
        _ => layer.visible,
    };
    layers.iter().map(|layer| Layer { visible: shown(layer), ..*layer }).collect()
}

/// The channel that is shown alone.
fn single_channel(display: &Display, window: Window) -> Channels {
    let channel = display.selected;
    match display.shading {
        Shading::Gray => Channels::Gray { channel, window },
        Shading::Colortable => Channels::Colortable { channel },
        Shading::Mask => Channels::Mask { channel },
        Shading::Tinted => {
            let color = display.tints.get(channel).map_or(WHITE, |tint| tint.color);
            Channels::Composite(vec![Tinted { channel, window, color }])
        }
    }
}

/// The channels that are on, each in its colour.
fn composite(display: &Display, window: impl Fn(usize) -> Window) -> Channels {
    let tinted =
        |channel: usize| Tinted { channel, window: window(channel), color: display.tints[channel].color };
    Channels::Composite(display.shown().into_iter().map(tinted).collect())
}

/// The image without anything above it.
const RAW_ALONE: Layer = Layer { kind: LayerKind::RawInput, visible: true, opacity: 1.0 };

/// What a set of features makes of a slice, as a tile.
fn preview_tile(preview: &SetPreview) -> Tile {
    let probabilities = Arc::clone(&preview.probabilities);
    Tile { roi: preview.region, step: 1, probabilities, revision: ForestRev(0), stale: false }
}

impl SceneParts {
    /// What `app` shows, with what `engine` has of it; `None` without an image or a canvas.
    pub fn of(app: &App, engine: &Engine) -> Option<SceneParts> {
        let view = app.view()?;
        let views = app.engine_views();
        let panes: Option<Vec<SliceParts>> = app
            .panes()
            .into_iter()
            .map(|(axis, _)| {
                let shown = views.iter().find(|shown| shown.plane.axis == axis)?;
                SliceParts::of(app, engine, shown)
            })
            .collect();
        let panes = panes.filter(|panes| !panes.is_empty())?;
        let window = |channel: usize| {
            let (low, high) = app.display_range(channel);
            Window { low, high }
        };
        let display = &view.display;
        let channels = match display.view {
            _ if app.shows_feature() => {
                let range = app.plane().and_then(|plane| app.feature_image(plane)).map(|(_, range)| range);
                let (low, high) = range.unwrap_or((0.0, 1.0));
                Channels::Gray { channel: 0, window: Window { low, high } }
            }
            ChannelView::Gray => single_channel(display, window(display.selected)),
            ChannelView::Composite => composite(display, window),
        };
        let previewed = app.tools.set_preview.is_some();
        let layers = match () {
            () if app.shows_feature() => {
                vec![RAW_ALONE]
            }
            () if previewed => segmentation(&app.layers.layers),
            () => app.layers.layers.clone(),
        };
        Some(SceneParts {
            active: panes.iter().position(|pane| pane.plane.axis == view.axis)?,
            panes,
            channels,
            labels: app.drawn_labels()?.clone(),
            classes: app.project.classes.clone(),
            layers,
            mark_stale: app.marks_stale(),
        })
    }

    /// A small picture, fitted into one of `size` (rows, columns) whose pixels are `aspect` times as high as wide.
    pub fn of_thumbnail(thumbnail: &Thumbnail, size: [usize; 2], aspect: f64) -> Option<SceneParts> {
        let first = thumbnail.slices.first()?;
        let [_, rows, columns] = thumbnail.region.shape().map(|n| n.max(1) as f64);
        let [_, top, left] = thumbnail.region.start.map(|n| n as f64);
        let zoom = (size[0] as f64 * aspect / rows).min(size[1] as f64 / columns);
        let window = |channel: usize| {
            let (low, high) = thumbnail.windows.get(channel).copied().unwrap_or((0.0, 1.0));
            Window { low, high }
        };
        let display = &thumbnail.display;
        let [z, ..] = thumbnail.region.stop;
        let [height, width] = thumbnail.extent;
        let pane = SliceParts {
            plane: first.plane,
            extent: thumbnail.extent,
            slices: thumbnail.slices.clone(),
            tiles: Vec::new(),
            cursor: None,
            marks: Marks::default(),
            viewport: Viewport {
                center: [top + rows / 2.0, left + columns / 2.0],
                zoom: [zoom / aspect, zoom],
                picture: size,
            },
        };
        Some(SceneParts {
            panes: vec![pane],
            active: 0,
            channels: match display.view {
                ChannelView::Gray => single_channel(display, window(0)),
                ChannelView::Composite => composite(display, window),
            },
            labels: LabelVolume::new([1, z, height, width]),
            classes: Vec::new(),
            layers: vec![RAW_ALONE],
            mark_stale: false,
        })
    }

    /// What the canvas shows of the slice that takes keys, without cursor and marks, in square pixels of which
    /// each slice pixel takes at least one.
    pub fn picture(mut self) -> Picture {
        /// Longest side of a picture.
        const LONGEST: f64 = 8192.0;
        let mut pane = self.panes.swap_remove(self.active);
        (pane.cursor, pane.marks) = (None, Marks::default());
        let Viewport { zoom, picture, .. } = pane.viewport;
        let seen: [f64; 2] = std::array::from_fn(|i| picture[i] as f64 / zoom[i]);
        let scale = zoom[0].max(zoom[1]).max(1.0).min(LONGEST / seen[0].max(seen[1]).max(1.0));
        pane.viewport.zoom = [scale; 2];
        self.slice(&pane, seen.map(|extent| (extent * scale).round().max(1.0) as usize))
    }

    /// Whether any of the slice that takes keys has been loaded.
    pub fn is_loaded(&self) -> bool {
        !self.panes[self.active].slices.is_empty()
    }

    /// The pixel (x, y) of a picture of `size` (rows, columns) that the user looks at: the cursor's.
    pub fn focus(&self, size: [usize; 2]) -> [usize; 2] {
        let pane = &self.panes[self.active];
        let area = match &self.panes[..] {
            [_, _, _] => panes::split(size)[self.active],
            _ => panes::PaneArea { origin: [0; 2], size },
        };
        let at = pane.cursor.map_or(pane.viewport.center, |cursor| cursor.at.map(|p| p as f64 + 0.5));
        let at = Viewport { picture: area.size, ..pane.viewport }.picture_at(at);
        let [row, column] = std::array::from_fn(|i| {
            area.origin[i] + at[i].clamp(0.0, area.size[i].saturating_sub(1) as f64) as usize
        });
        [column, row]
    }

    /// By how many whole picture pixels (right, down) the view moved since `before`; none where it shows
    /// another slice, several, or one that is magnified otherwise.
    pub fn moved_since(&self, before: &SceneParts) -> Option<[i64; 2]> {
        let ([after], [before]) = (&self.panes[..], &before.panes[..]) else { return None };
        let (now, then) = (after.viewport, before.viewport);
        let same = after.plane == before.plane && now.zoom == then.zoom && now.picture == then.picture;
        let [down, right] = [0, 1].map(|i| (now.center[i] - then.center[i]) * now.zoom[i]);
        let whole = [down, right].iter().all(|by| (by - by.round()).abs() < 1e-3);
        (same && whole && (down, right) != (0.0, 0.0)).then(|| [right.round() as i64, down.round() as i64])
    }

    /// The picture, of `size` (rows, columns).
    pub fn compose(&self, size: [usize; 2]) -> Picture {
        match &self.panes[..] {
            [z, x, y] => {
                let areas = panes::split(size);
                let parts = [(z, areas[0]), (x, areas[1]), (y, areas[2])];
                panes::join(size, &parts.map(|(pane, area)| self.slice(pane, area.size)), self.active)
            }
            panes => self.slice(&panes[0], size),
        }
    }

    fn slice(&self, pane: &SliceParts, size: [usize; 2]) -> Picture {
        if size.contains(&0) {
            return Picture::new(size[1], size[0]);
        }
        let slices: Vec<SlicePart<'_>> = pane
            .slices
            .iter()
            .map(|piece| SlicePart {
                region: piece.region,
                step: piece.step,
                raw: &piece.raw,
                mask: piece.mask.as_ref(),
            })
            .collect();
        let predictions: Vec<ProbabilityPart<'_>> = pane
            .tiles
            .iter()
            .map(|tile| ProbabilityPart {
                region: tile.roi,
                step: tile.step,
                probabilities: &tile.probabilities,
                stale: tile.stale,
            })
            .collect();
        let scene = Scene {
            plane: pane.plane,
            extent: pane.extent,
            slices: &slices,
            channels: &self.channels,
            labels: &self.labels,
            classes: &self.classes,
            predictions: &predictions,
            layers: &self.layers,
            cursor: pane.cursor,
            mark_stale: self.mark_stale,
            marks: pane.marks,
        };
        compose(&scene, &Viewport { picture: size, ..pane.viewport })
    }
}

impl SliceParts {
    fn of(app: &App, engine: &Engine, shown: &View) -> Option<SliceParts> {
        let view = app.view()?;
        let axis = shown.plane.axis;
        // The state chooses the contrast when it is told of a slice: before that it would be wrong.
        let known = app.slices.of(app.lane, shown.plane).next().is_some();
        let active = axis == view.axis;
        let looking = app.shows_feature();
        let crossing = view.three.then(|| {
            let axes = shown.plane.axes();
            Crossing { at: axes.map(|axis| view.crossing[axis as usize - 1]), colors: axes.map(axis_color) }
        });
        let band = app.band().filter(|_| active).map(|(what, corners)| {
            let color = if what == BandUse::Zoom { WHITE } else { tool_color(app) };
            Band { corners, color }
        });
        let tiles = match (&app.tools.set_preview, app.result_tiles(shown)) {
            (Some(preview), _) if preview.is_of(app.lane, shown.plane) => vec![preview_tile(preview)],
            (None, Some(result)) => result,
            (None, None) if app.layers.needs_predictions() => engine.tiles(shown),
            _ => Vec::new(),
        };
        Some(SliceParts {
            plane: shown.plane,
            extent: shown.plane.extent(app.space()),
            slices: match app.feature_image(shown.plane) {
                _ if !looking => {
                    if known {
                        engine.slices(shown)
                    } else {
                        Vec::new()
                    }
                }
                Some((piece, _)) => vec![Arc::clone(piece)],
                None => Vec::new(),
            },
            tiles: if looking { Vec::new() } else { tiles },
            cursor: active.then(|| Cursor {
                at: view.cursor_on_slice().map(|p| p as i64),
                brush: app.brush_in_hand(),
                color: tool_color(app),
                cross: true,
            }),
            marks: Marks { crossing, band },
            viewport: app.viewport_along(axis)?,
        })
    }
}

/// The colour of what the tool in hand leaves.
fn tool_color(app: &App) -> Rgb {
    match app.paint.tool {
        Tool::Brush if !app.paint.erases_now() => app.selected_class().map_or(WHITE, |class| class.color),
        _ => WHITE,
    }
}
