//! A look at an image that is none of the project's: it is shown on the canvas with the result that a batch wrote
//! of it, or else with the predictions; it can't be labelled, and leaves nothing behind.

use std::path::Path;
use std::sync::Arc;

use ndarray::Array4;

use super::effect::Effect;
use super::event::NewLane;
use super::layers::LayerStack;
use super::screen::Applet;
use super::state::App;
use crate::batch::{Input, OutputReport, Request, StoredResult};
use crate::data::revision::ForestRev;
use crate::data::{AxisOrder, SlicePlane, SpatialRoi};
use crate::engine::{Tile, View};
use crate::pipeline::ExportSource;
use crate::render::LayerKind;

/// What to open to look at.
#[derive(Clone, Debug)]
pub struct VisitRequest {
    /// The image.
    pub input: Input,
    /// Axes to read it with, if it has as many.
    pub axes: Option<AxisOrder>,
    /// The results that were written of it, and what asked for them.
    pub results: Vec<OutputReport>,
    /// What asked for them.
    pub request: Request,
    /// Number of classes of the project.
    pub classes: usize,
}

/// An image to look at, open.
pub struct Visited {
    /// The image.
    pub lane: NewLane,
    /// Its result, or why it can't be shown; `None` where nothing was written that can.
    pub result: Option<Result<StoredResult, String>>,
}

/// A part of a result to be read.
#[derive(Clone, Debug)]
pub struct ResultRead {
    /// The result.
    pub result: Arc<StoredResult>,
    /// The slice.
    pub plane: SlicePlane,
    /// The pixels, `zyx`.
    pub region: SpatialRoi,
    /// Classes of the project.
    pub classes: usize,
}

/// A part of a result: where it lies (`zyx`), and probabilities that give it (`class, z, y, x`). Nothing where the
/// file holds nothing.
pub type ResultPart = Option<(SpatialRoi, Array4<f32>)>;

/// A visit.
pub(super) struct Visit {
    /// The lane shown before.
    from: usize,
    /// The layers as they were.
    layers: LayerStack,
    result: Option<Shown>,
}

/// A result that is shown.
struct Shown {
    stored: Arc<StoredResult>,
    /// What has been read: slice, pixels asked for, and what is there.
    parts: Vec<(SlicePlane, SpatialRoi, Option<Tile>)>,
    /// What was asked for last of each slice.
    asked: Vec<(SlicePlane, SpatialRoi)>,
}

fn file_name(result: &StoredResult) -> String {
    let name = Path::new(&result.name).file_name();
    name.map_or_else(|| result.name.clone(), |name| name.to_string_lossy().into_owned())
}

/// Slices up to this size are read whole.
const WHOLE_PIXELS: usize = 1 << 22;

/// What to read of a slice of which `view` shows a part: more than that, so that moving about does not read at
/// every step.
fn region_to_read(view: &View, space: [usize; 3]) -> SpatialRoi {
    let [rows, columns] = view.plane.extent(space);
    let whole = view.plane.region([0, rows], [0, columns]);
    if whole.len() <= WHOLE_PIXELS {
        return whole;
    }
    let margins = std::array::from_fn(|i| view.region.shape()[i] / 2);
    view.region.enlarge(margins, space).intersect(&whole)
}

impl App {
    /// Shows an image after the project's own.
    pub(super) fn visit(&mut self, visited: Visited) {
        self.end_visit();
        let Visited { lane, result } = visited;
        let own = self.views.len();
        // Lanes whose images could not be opened have no view: then there is no place for another.
        if self.project.lanes.len() != own {
            return self.inform("Can't show it: an image of the project is missing");
        }
        let fits = self.project.check(&lane.lane.raw);
        if let Err(error) = fits {
            return self.problem(super::Problem::new("Can't show the image", error.to_string(), ""));
        }
        let name = lane.lane.raw.nickname.clone();
        let (result, with) = match result {
            Some(Ok(stored)) => {
                let with = format!("its result {} ({})", file_name(&stored), stored.source);
                (Some(Shown { stored: Arc::new(stored), parts: Vec::new(), asked: Vec::new() }), with)
            }
            Some(Err(why)) => (None, format!("predictions of now, since its result can't be shown: {why}")),
            None => (None, "predictions of now".to_owned()),
        };
        let source = result.as_ref().map_or(ExportSource::Probabilities, |shown| shown.stored.source);
        self.visit = Some(Visit { from: self.lane, layers: self.layers.clone(), result });
        self.insert_lane(own, lane);
        self.forget_goal_labels();
        let kinds = [LayerKind::Prediction(1), LayerKind::Segmentation(1), LayerKind::Uncertainty];
        let shown = match source {
            ExportSource::SimpleSegmentation | ExportSource::Labels => LayerKind::Segmentation(1),
            ExportSource::Uncertainty => LayerKind::Uncertainty,
            ExportSource::Probabilities | ExportSource::Features => LayerKind::Prediction(1),
        };
        kinds.into_iter().for_each(|kind| self.layers.show(kind, kind == shown));
        self.show_applet(3);
        self.inform(format!("'{name}' with {with}; it can't be labelled here. Esc goes back to the batch"));
    }

    /// Whether the image shown is only looked at.
    pub fn is_visiting(&self) -> bool {
        self.visit.is_some()
    }

    fn shown_result(&self) -> Option<&Shown> {
        let own = self.views.len().checked_sub(1)?;
        self.visit.as_ref()?.result.as_ref().filter(|_| self.lane == own)
    }

    /// Whether what is over the image comes from a file and not from the forest.
    pub fn shows_result(&self) -> bool {
        self.shown_result().is_some()
    }

    /// What is known of the result in `view`; `None` when predictions are shown.
    pub fn result_tiles(&self, view: &View) -> Option<Vec<Tile>> {
        let parts = self.shown_result()?.parts.iter();
        Some(parts.filter(|(plane, ..)| *plane == view.plane).filter_map(|(.., tile)| tile.clone()).collect())
    }

    /// The probabilities in the result at the pixel `at`, `zyx`, of `view`.
    pub fn result_at(&self, view: &View, at: [usize; 3]) -> Option<Vec<f32>> {
        let pixel = SpatialRoi::new(at, at.map(|p| p + 1));
        let tile = self.result_tiles(view)?.into_iter().find(|tile| tile.roi.encloses(&pixel))?;
        let [z, y, x] = pixel.relative_to(tile.roi.start).start;
        Some(tile.probabilities.outer_iter().map(|class| class[[z, y, x]]).collect())
    }

    /// Asks for what is visible of the result and not read yet.
    pub(super) fn ask_for_result(&mut self) {
        if self.shown_result().is_none() {
            return;
        }
        let (views, space, classes) = (self.engine_views(), self.space(), self.project.classes.len());
        let Some(shown) = self.visit.as_mut().and_then(|visit| visit.result.as_mut()) else { return };
        let is_on_screen = |plane: &SlicePlane| views.iter().any(|view| view.plane == *plane);
        shown.parts.retain(|(plane, ..)| is_on_screen(plane));
        shown.asked.retain(|(plane, _)| is_on_screen(plane));
        for view in &views {
            let is_read = |(plane, region): (&SlicePlane, &SpatialRoi)| {
                *plane == view.plane && region.encloses(&view.region)
            };
            let read = shown.parts.iter().map(|(plane, region, _)| (plane, region));
            let mut known = read.chain(shown.asked.iter().map(|(plane, region)| (plane, region)));
            if view.region.is_empty() || known.any(is_read) {
                continue;
            }
            let region = region_to_read(view, space);
            shown.asked.retain(|(plane, _)| *plane != view.plane);
            shown.asked.push((view.plane, region));
            let result = Arc::clone(&shown.stored);
            self.outbox.push(Effect::ReadResult(ResultRead { result, plane: view.plane, region, classes }));
        }
    }

    /// A part of the result was read.
    pub(super) fn result_read(&mut self, read: ResultRead, part: Result<ResultPart, String>) {
        let shown = self.visit.as_mut().and_then(|visit| visit.result.as_mut());
        let Some(shown) = shown.filter(|shown| Arc::ptr_eq(&shown.stored, &read.result)) else { return };
        let tile = match part {
            Ok(part) => part.map(|(roi, probabilities)| Tile {
                roi,
                step: 1,
                probabilities: Arc::new(probabilities),
                revision: ForestRev(0),
                stale: false,
            }),
            Err(why) => {
                let what = format!("Can't show the result {}", file_name(&shown.stored));
                return self.problem(super::Problem::new(what, why, ""));
            }
        };
        shown.parts.retain(|(plane, ..)| *plane != read.plane);
        shown.parts.push((read.plane, read.region, tile));
    }

    /// Takes the image away again, if there is one; whether there was.
    pub(super) fn end_visit(&mut self) -> bool {
        let Some(Visit { from, layers, .. }) = self.visit.take() else { return false };
        self.layers = layers;
        self.take_lane(self.views.len().saturating_sub(1));
        self.forget_goal_labels();
        self.show_lane(from);
        true
    }

    /// Ends the visit and goes back to the list it came from.
    pub(super) fn leave_visit(&mut self) -> bool {
        let was = self.end_visit();
        if was {
            self.show_applet(Applet::ALL.len());
        }
        was
    }
}
