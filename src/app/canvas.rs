//! Where in the image we are: slice, zoom, position, cursor; moving all of these.

use serde::{Deserialize, Serialize};

use super::channels::Display;
use super::contrast::Window;
use super::messages::Problem;
use super::state::App;
use crate::command::{Direction, SliceAxis};
use crate::data::{Axis, SlicePlane};
use crate::render::Viewport;
use crate::render::panes::{self, PaneArea};

/// The axes that slices can be normal to, in the order of [`LaneView::panes`].
pub const SPACE: [Axis; 3] = [Axis::Z, Axis::Y, Axis::X];

/// The axes of the slices in the panes of the three-view layout, as ilastik orders them.
const PANE_ORDER: [Axis; 3] = [Axis::Z, Axis::X, Axis::Y];

/// Zoom levels that keys and the wheel step through: picture pixels per image pixel.
pub const ZOOM_STEPS: [f64; 23] = [
    1.0 / 64.0,
    1.0 / 32.0,
    1.0 / 16.0,
    1.0 / 12.0,
    1.0 / 8.0,
    1.0 / 6.0,
    0.25,
    1.0 / 3.0,
    0.5,
    2.0 / 3.0,
    1.0,
    1.5,
    2.0,
    3.0,
    4.0,
    6.0,
    8.0,
    12.0,
    16.0,
    24.0,
    32.0,
    48.0,
    64.0,
];

/// Where on a slice its pane of the canvas is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pane {
    /// Slice position at the pane's centre (row, column; pixel `i` spans `i..i+1`).
    pub center: [f64; 2],
    /// Picture columns per image pixel; `None` until the canvas has a size.
    pub zoom: Option<f64>,
}

/// How a lane is looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneView {
    /// The cursor's pixel, `tzyx`; the slice that takes keys goes through it.
    pub cursor: [usize; 4],
    /// The pixel, `zyx`, that the slices go through. The cursor leaves it only within the slice that takes
    /// keys, when the mouse moves: the other slices must not change with every motion.
    pub crossing: [usize; 3],
    /// The axis that the slice which takes keys is normal to.
    pub axis: Axis,
    /// Whether slices along all three axes are shown.
    pub three: bool,
    /// The panes of slices along z, y and x.
    pub panes: [Pane; 3],
    /// Channels shown.
    pub display: Display,
    /// Contrast of each channel.
    pub windows: Vec<Window>,
}

impl LaneView {
    /// The slice that takes keys.
    pub fn plane(&self) -> SlicePlane {
        SlicePlane { axis: self.axis, t: self.cursor[0], position: self.cursor[self.axis as usize] }
    }

    /// The slice along `axis`.
    pub fn plane_along(&self, axis: Axis) -> SlicePlane {
        if axis == self.axis {
            return self.plane();
        }
        SlicePlane { axis, t: self.cursor[0], position: self.crossing[axis as usize - 1] }
    }

    /// The axes along which slices are shown, that of the slice which takes keys first.
    pub fn axes_shown(&self) -> Vec<Axis> {
        let others = SPACE.into_iter().filter(|&axis| self.three && axis != self.axis);
        std::iter::once(self.axis).chain(others).collect()
    }

    /// The pane of the slice that takes keys.
    pub fn pane(&self) -> &Pane {
        &self.panes[self.axis as usize - 1]
    }

    pub(super) fn pane_mut(&mut self) -> &mut Pane {
        &mut self.panes[self.axis as usize - 1]
    }

    /// The cursor on its slice (row, column).
    pub fn cursor_on_slice(&self) -> [usize; 2] {
        self.plane().axes().map(|axis| self.cursor[axis as usize])
    }

    /// Has all slices go through the cursor.
    pub(super) fn cross_at_cursor(&mut self) {
        self.crossing = [self.cursor[1], self.cursor[2], self.cursor[3]];
    }
}

impl App {
    /// Rows and columns of the slice shown.
    pub fn extent(&self) -> [usize; 2] {
        self.plane().map_or([0, 0], |plane| plane.extent(self.space()))
    }

    /// How the slice that takes keys is mapped to its pane; `None` without an image or a canvas.
    pub fn viewport(&self) -> Option<Viewport> {
        self.viewport_along(self.view()?.axis)
    }

    /// How the slice along `axis` is mapped to its pane; `None` where none is shown.
    pub fn viewport_along(&self, axis: Axis) -> Option<Viewport> {
        let picture = self.panes().into_iter().find(|(shown, _)| *shown == axis)?.1.size;
        let Pane { center, zoom } = self.view()?.panes[axis as usize - 1];
        let zoom = zoom?;
        picture.iter().all(|&n| n > 0).then(|| Viewport {
            center,
            zoom: [zoom / self.canvas.pixel_aspect, zoom],
            picture,
        })
    }

    /// The panes of the canvas with the axes of their slices.
    pub fn panes(&self) -> Vec<(Axis, PaneArea)> {
        match self.view() {
            Some(view) if view.three => {
                PANE_ORDER.into_iter().zip(panes::split(self.canvas.picture)).collect()
            }
            Some(view) => vec![(view.axis, PaneArea { origin: [0, 0], size: self.canvas.picture })],
            None => Vec::new(),
        }
    }

    /// Takes a new canvas. Where it has other pixels than before (another font, better graphics), zooms
    /// follow so that the same part of the slice is seen.
    pub(super) fn set_canvas(&mut self, canvas: super::CanvasGeometry) {
        self.canvas = canvas;
        if canvas.area.width > 0 && canvas.picture[1] > 0 {
            let density = canvas.picture[1] as f64 / f64::from(canvas.area.width);
            let before = self.screen.zoom_density.replace(density);
            self.scale_zooms(before.map_or(1.0, |before| density / before));
        }
        self.fit_new_panes();
    }

    pub(super) fn scale_zooms(&mut self, factor: f64) {
        if (factor - 1.0).abs() > 1e-3 {
            let panes = self.views.iter_mut().flat_map(|view| &mut view.panes);
            panes.filter_map(|pane| pane.zoom.as_mut()).for_each(|zoom| *zoom *= factor);
        }
    }

    /// Fits the slices shown that were never looked at.
    pub(super) fn fit_new_panes(&mut self) {
        for axis in self.view().map_or(Vec::new(), LaneView::axes_shown) {
            if self.view().is_some_and(|view| view.panes[axis as usize - 1].zoom.is_none()) {
                self.fit_along(axis);
            }
        }
    }

    /// Zooms so that the whole of each slice shown fits.
    pub(super) fn fit(&mut self) {
        for axis in self.view().map_or(Vec::new(), LaneView::axes_shown) {
            self.fit_along(axis);
        }
    }

    /// Zooms so that the whole slice along `axis` fits; above 1 the zoom is a whole number.
    fn fit_along(&mut self, axis: Axis) {
        let Some(view) = self.view() else { return };
        let [rows, columns] = view.plane_along(axis).extent(self.space());
        let Some((_, area)) = self.panes().into_iter().find(|(shown, _)| *shown == axis) else { return };
        let picture = area.size.map(|n| n as f64);
        if rows * columns == 0 || picture[0] * picture[1] == 0.0 {
            return;
        }
        let fitting = (picture[1] / columns as f64).min(picture[0] * self.canvas.pixel_aspect / rows as f64);
        let zoom = if fitting >= 1.0 { fitting.floor() } else { fitting };
        if let Some(view) = self.view_mut() {
            let zoom = Some(zoom.clamp(ZOOM_STEPS[0] / 16.0, ZOOM_STEPS[ZOOM_STEPS.len() - 1]));
            let center = [rows as f64 / 2.0, columns as f64 / 2.0];
            view.panes[axis as usize - 1] = Pane { center, zoom };
        }
    }

    /// Zooms in (`step` 1) or out (-1) so that the slice position `anchor` stays where it is on screen.
    pub(super) fn zoom_at(&mut self, step: i32, anchor: [f64; 2]) {
        let Some(zoom) = self.view().and_then(|view| view.pane().zoom) else { return };
        let next = if step > 0 {
            ZOOM_STEPS.iter().copied().find(|&z| z > zoom * 1.001)
        } else {
            ZOOM_STEPS.iter().rev().copied().find(|&z| z < zoom * 0.999)
        };
        if let Some(next) = next {
            self.set_zoom(next, anchor);
        }
    }

    pub(super) fn set_zoom(&mut self, zoom: f64, anchor: [f64; 2]) {
        if let Some(view) = self.view_mut() {
            let pane = view.pane_mut();
            let ratio = pane.zoom.unwrap_or(zoom) / zoom;
            pane.center = std::array::from_fn(|i| anchor[i] + (pane.center[i] - anchor[i]) * ratio);
            pane.zoom = Some(zoom);
        }
        self.clamp_centers();
    }

    /// Zooms so that the box between two pixels of the slice (row, column) fills the pane.
    pub(super) fn zoom_to_box(&mut self, a: [i64; 2], b: [i64; 2]) {
        let Some(viewport) = self.viewport() else { return };
        let size: [f64; 2] = std::array::from_fn(|i| ((a[i] - b[i]).abs() + 1) as f64);
        let aspect = self.canvas.pixel_aspect;
        let fitting =
            (viewport.picture[1] as f64 / size[1]).min(viewport.picture[0] as f64 * aspect / size[0]);
        let center = std::array::from_fn(|i| (a[i] + b[i] + 1) as f64 / 2.0);
        if let Some(view) = self.view_mut() {
            let zoom = Some(fitting.clamp(ZOOM_STEPS[0] / 16.0, ZOOM_STEPS[ZOOM_STEPS.len() - 1]));
            *view.pane_mut() = Pane { center, zoom };
        }
        self.clamp_centers();
    }

    /// The slice position at the middle of the cursor's pixel.
    pub(super) fn cursor_anchor(&self) -> [f64; 2] {
        self.view().map_or([0.0; 2], |view| view.cursor_on_slice().map(|p| p as f64 + 0.5))
    }

    pub(super) fn center_at_cursor(&mut self) {
        let Some(cursor) = self.view().map(|view| view.cursor) else { return };
        self.settle_crossing();
        if let Some(view) = self.view_mut() {
            for axis in view.axes_shown() {
                let at = view.plane_along(axis).axes().map(|axis| cursor[axis as usize] as f64 + 0.5);
                view.panes[axis as usize - 1].center = at;
            }
        }
    }

    /// Moves the slice under its pane by picture pixels (rows, columns).
    pub(super) fn pan_by(&mut self, by: [f64; 2]) {
        if let Some(axis) = self.view().map(|view| view.axis) {
            self.pan_along(axis, by);
        }
    }

    fn pan_along(&mut self, axis: Axis, by: [f64; 2]) {
        let Some(viewport) = self.viewport_along(axis) else { return };
        if let Some(view) = self.view_mut() {
            let pane = &mut view.panes[axis as usize - 1];
            pane.center = std::array::from_fn(|i| pane.center[i] + by[i] / viewport.zoom[i]);
        }
        self.clamp_centers();
    }

    pub(super) fn pan(&mut self, direction: Direction) {
        let [down, right] = step_of(direction);
        let Some(viewport) = self.viewport() else { return };
        let [height, width] = viewport.picture.map(|n| n as f64 / 4.0);
        self.pan_by([down as f64 * height, right as f64 * width]);
    }

    fn clamp_centers(&mut self) {
        let space = self.space();
        let Some(view) = self.view_mut() else { return };
        for axis in SPACE {
            let extent = view.plane_along(axis).extent(space);
            let pane = &mut view.panes[axis as usize - 1];
            pane.center = std::array::from_fn(|i| pane.center[i].clamp(0.0, extent[i] as f64));
        }
    }

    /// Moves the cursor by `distance` pixels; with the pen down it paints on its way.
    pub(super) fn move_cursor(&mut self, direction: Direction, distance: i64) {
        let Some(view) = self.view() else { return };
        let from = view.cursor_on_slice();
        let extent = self.extent();
        let step = step_of(direction);
        let to = std::array::from_fn(|i| {
            (from[i] as i64 + distance.saturating_mul(step[i])).clamp(0, extent[i].max(1) as i64 - 1) as usize
        });
        self.place_cursor(to);
        self.settle_crossing();
        self.keep_cursor_visible();
        if self.paint.pen_down {
            self.pen_moved(from);
        }
    }

    /// Moves the cursor by what the pane shows of the slice, and the pane with it.
    pub(super) fn page_cursor(&mut self, direction: Direction) {
        let Some(viewport) = self.viewport() else { return };
        let [down, right] = step_of(direction);
        let [height, width] = viewport.picture.map(|n| n as f64);
        let seen = (height / viewport.zoom[0] * down.abs() as f64)
            .max(width / viewport.zoom[1] * right.abs() as f64);
        self.pan_by([down as f64 * height, right as f64 * width]);
        self.move_cursor(direction, seen.round().max(1.0) as i64);
    }

    /// Puts the cursor on a pixel of the slice (row, column), which must lie inside.
    pub(super) fn place_cursor(&mut self, [row, column]: [usize; 2]) {
        if let Some(view) = self.view_mut() {
            view.cursor = view.plane().pixel(row, column);
        }
    }

    /// Has all slices go through the cursor, and that pixel visible on those beside its own.
    pub(super) fn settle_crossing(&mut self) {
        let Some(view) = self.view_mut() else { return };
        view.cross_at_cursor();
        let axes = view.axes_shown();
        axes.into_iter().skip(1).for_each(|axis| self.keep_visible(axis));
    }

    /// Pans as little as needed to have the cursor's pixel in its pane.
    pub(super) fn keep_cursor_visible(&mut self) {
        if let Some(axis) = self.view().map(|view| view.axis) {
            self.keep_visible(axis);
        }
    }

    fn keep_visible(&mut self, axis: Axis) {
        let (Some(view), Some(viewport)) = (self.view(), self.viewport_along(axis)) else { return };
        let at = view.plane_along(axis).axes().map(|axis| view.cursor[axis as usize] as f64 + 0.5);
        let at = viewport.picture_at(at);
        let by: [f64; 2] = std::array::from_fn(|i| {
            let size = viewport.picture[i] as f64;
            let margin = (size / 10.0).max(viewport.zoom[i] / 2.0).min(size / 2.0);
            if at[i] < margin && at[i] < viewport.zoom[i] / 2.0 {
                at[i] - margin
            } else if at[i] > size - viewport.zoom[i] / 2.0 {
                at[i] - (size - margin)
            } else {
                0.0
            }
        });
        if by != [0.0, 0.0] {
            self.pan_along(axis, by);
        }
    }

    /// Moves along the slicing axis.
    pub(super) fn slice_by(&mut self, by: i64) {
        let Some(axis) = self.view().map(|view| view.axis) else { return };
        self.step_axis(axis, by);
    }

    pub(super) fn time_by(&mut self, by: i64) {
        self.step_axis(Axis::T, by);
    }

    /// Goes to slice `position` along `axis`.
    pub(super) fn show_slice(&mut self, axis: Axis, position: usize) {
        let at = self.view().map_or(0, |view| view.cursor[axis as usize]);
        self.step_axis(axis, position as i64 - at as i64);
    }

    fn step_axis(&mut self, axis: Axis, by: i64) {
        self.lift_pen();
        self.drop_band();
        let size = self.shape()[axis as usize];
        if let Some(view) = self.view_mut() {
            let at = &mut view.cursor[axis as usize];
            *at = (*at as i64).saturating_add(by).clamp(0, size.max(1) as i64 - 1) as usize;
            let axis = view.axis as usize;
            view.crossing[axis - 1] = view.cursor[axis];
        }
    }

    /// Shows the slice along `axis` alone; asked again, shows all three where they were shown before.
    pub(super) fn slice_along(&mut self, axis: SliceAxis) {
        let axis = match axis {
            SliceAxis::X => Axis::X,
            SliceAxis::Y => Axis::Y,
            SliceAxis::Z => Axis::Z,
        };
        let Some(view) = self.view() else { return };
        if view.three {
            self.activate(axis);
            self.paint.last_dab = None;
            self.set_three(false);
            self.screen.alone = true;
        } else if view.axis != axis {
            self.activate(axis);
            self.paint.last_dab = None;
            self.fit();
            self.keep_cursor_visible();
        } else if self.screen.alone {
            self.set_three(true);
        }
    }

    /// Lets the slice along `axis` take keys.
    pub(super) fn activate(&mut self, axis: Axis) {
        if self.view().is_none_or(|view| view.axis == axis) {
            return;
        }
        self.lift_pen();
        self.end_stroke();
        self.drop_band();
        if let Some(view) = self.view_mut() {
            view.cross_at_cursor();
            view.axis = axis;
        }
    }

    /// Lets the slice under the mouse take keys, without moving any slice.
    pub(super) fn point_at(&mut self, axis: Axis) {
        let Some(view) = self.view().filter(|view| view.axis != axis) else { return };
        let [z, y, x] = view.crossing;
        let cursor = [view.cursor[0], z, y, x];
        if let Some(view) = self.view_mut() {
            view.cursor = cursor;
        }
        self.activate(axis);
    }

    /// Shows slices along all three axes, or one alone.
    pub(super) fn set_three(&mut self, three: bool) {
        self.screen.alone = false;
        if let Some(view) = self.view_mut() {
            view.three = three;
        }
        self.fit();
        self.settle_crossing();
    }

    pub(super) fn toggle_three(&mut self) {
        let three = self.view().is_some_and(|view| view.three);
        self.set_three(!three);
    }

    /// Lets the next of the slices shown take keys.
    pub(super) fn next_pane(&mut self, by: i32) {
        let axes: Vec<Axis> = self.panes().into_iter().map(|(axis, _)| axis).collect();
        let Some(at) = self.view().and_then(|view| axes.iter().position(|&axis| axis == view.axis)) else {
            return;
        };
        self.activate(axes[(at as i64 + i64::from(by)).rem_euclid(axes.len() as i64) as usize]);
        self.keep_cursor_visible();
    }

    /// The pixel (`tzyx`) that a text names: `x y`, `x y z` or `x y z t`.
    ///
    /// # Errors
    /// No position, or none in the image.
    pub(super) fn position(&self, text: &str) -> Result<[usize; 4], Problem> {
        let [t, z, y, x, _] = self.shape();
        let parts: Result<Vec<usize>, _> =
            text.split([' ', ',']).filter(|part| !part.is_empty()).map(str::parse).collect();
        let (Ok(parts), Some(view)) = (parts, self.view()) else {
            let what = format!("'{text}' is no position");
            return Err(Problem::new(what, "a position is x y, x y z or x y z t", ""));
        };
        let mut cursor = view.cursor;
        match parts[..] {
            [x, y] => (cursor[3], cursor[2]) = (x, y),
            [x, y, z] => (cursor[3], cursor[2], cursor[1]) = (x, y, z),
            [x, y, z, t] => cursor = [t, z, y, x],
            _ => cursor = [usize::MAX; 4],
        }
        if (0..4).any(|i| cursor[i] >= [t, z, y, x][i]) {
            let why = format!("the image is {x} x {y} x {z} (x y z), {t} time points");
            return Err(Problem::new(format!("There is no pixel {text}"), why, "Count from 0"));
        }
        Ok(cursor)
    }

    /// Goes to the pixel that the text names.
    pub(super) fn go_to(&mut self, text: &str) {
        let cursor = match self.position(text) {
            Ok(cursor) => cursor,
            Err(problem) => return self.warn(problem),
        };
        self.lift_pen();
        if let Some(view) = self.view_mut() {
            view.cursor = cursor;
        }
        self.settle_crossing();
        self.keep_cursor_visible();
    }
}

/// Rows and columns of one step.
fn step_of(direction: Direction) -> [i64; 2] {
    match direction {
        Direction::Up => [-1, 0],
        Direction::Down => [1, 0],
        Direction::Left => [0, -1],
        Direction::Right => [0, 1],
    }
}
