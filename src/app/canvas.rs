//! Where in the image we are: slice, zoom, position, cursor; moving all of these.

use serde::{Deserialize, Serialize};

use super::contrast::Window;
use super::messages::Level;
use super::state::App;
use crate::command::{Direction, SliceAxis};
use crate::data::{Axis, SlicePlane};
use crate::render::Viewport;

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

/// Which channels of the image are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelView {
    /// One, in gray.
    Gray(usize),
    /// The first two or three, as red, green and blue.
    Rgb,
}

/// How a lane is looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneView {
    /// The cursor's pixel, `tzyx`; the slice shown goes through it.
    pub cursor: [usize; 4],
    /// The axis that the slice is normal to.
    pub axis: Axis,
    /// Slice position at the canvas' centre (row, column; pixel `i` spans `i..i+1`).
    pub center: [f64; 2],
    /// Picture columns per image pixel; `None` until the canvas has a size.
    pub zoom: Option<f64>,
    /// Channels shown.
    pub channels: ChannelView,
    /// Contrast of each channel.
    pub windows: Vec<Window>,
}

impl LaneView {
    /// The slice shown.
    pub fn plane(&self) -> SlicePlane {
        SlicePlane { axis: self.axis, t: self.cursor[0], position: self.cursor[self.axis as usize] }
    }

    /// The cursor on the slice (row, column).
    pub fn cursor_on_slice(&self) -> [usize; 2] {
        self.plane().axes().map(|axis| self.cursor[axis as usize])
    }
}

impl App {
    /// Rows and columns of the slice shown.
    pub fn extent(&self) -> [usize; 2] {
        self.plane().map_or([0, 0], |plane| plane.extent(self.space()))
    }

    /// How the slice is mapped to the canvas; `None` without an image or a canvas.
    pub fn viewport(&self) -> Option<Viewport> {
        let view = self.view()?;
        let zoom = view.zoom?;
        (self.canvas.picture.iter().all(|&n| n > 0)).then(|| Viewport {
            center: view.center,
            zoom: [zoom / self.canvas.pixel_aspect, zoom],
            picture: self.canvas.picture,
        })
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
        if self.view().is_some_and(|view| view.zoom.is_none()) {
            self.fit();
        }
    }

    pub(super) fn scale_zooms(&mut self, factor: f64) {
        if (factor - 1.0).abs() > 1e-3 {
            self.views.iter_mut().filter_map(|view| view.zoom.as_mut()).for_each(|zoom| *zoom *= factor);
        }
    }

    /// Zooms so that the whole slice fits; above 1 the zoom is a whole number.
    pub(super) fn fit(&mut self) {
        let [rows, columns] = self.extent();
        let picture = self.canvas.picture.map(|n| n as f64);
        if rows * columns == 0 || picture[0] * picture[1] == 0.0 {
            return;
        }
        let fitting = (picture[1] / columns as f64).min(picture[0] * self.canvas.pixel_aspect / rows as f64);
        let zoom = if fitting >= 1.0 { fitting.floor() } else { fitting };
        if let Some(view) = self.view_mut() {
            view.zoom = Some(zoom.clamp(ZOOM_STEPS[0] / 16.0, ZOOM_STEPS[ZOOM_STEPS.len() - 1]));
            view.center = [rows as f64 / 2.0, columns as f64 / 2.0];
        }
    }

    /// Zooms in (`step` 1) or out (-1) so that the slice position `anchor` stays where it is on screen.
    pub(super) fn zoom_at(&mut self, step: i32, anchor: [f64; 2]) {
        let Some(zoom) = self.view().and_then(|view| view.zoom) else { return };
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
            let ratio = view.zoom.unwrap_or(zoom) / zoom;
            view.center = std::array::from_fn(|i| anchor[i] + (view.center[i] - anchor[i]) * ratio);
            view.zoom = Some(zoom);
        }
        self.clamp_center();
    }

    /// The slice position at the middle of the cursor's pixel.
    pub(super) fn cursor_anchor(&self) -> [f64; 2] {
        self.view().map_or([0.0; 2], |view| view.cursor_on_slice().map(|p| p as f64 + 0.5))
    }

    pub(super) fn center_at_cursor(&mut self) {
        let at = self.cursor_anchor();
        if let Some(view) = self.view_mut() {
            view.center = at;
        }
    }

    /// Moves the slice under the canvas by picture pixels (rows, columns).
    pub(super) fn pan_by(&mut self, by: [f64; 2]) {
        let Some(viewport) = self.viewport() else { return };
        if let Some(view) = self.view_mut() {
            view.center = std::array::from_fn(|i| view.center[i] + by[i] / viewport.zoom[i]);
        }
        self.clamp_center();
    }

    pub(super) fn pan(&mut self, direction: Direction) {
        let [down, right] = step_of(direction);
        let [height, width] = self.canvas.picture.map(|n| n as f64 / 4.0);
        self.pan_by([down as f64 * height, right as f64 * width]);
    }

    fn clamp_center(&mut self) {
        let extent = self.extent();
        if let Some(view) = self.view_mut() {
            view.center = std::array::from_fn(|i| view.center[i].clamp(0.0, extent[i] as f64));
        }
    }

    /// Moves the cursor by `distance` pixels; with the pen down it paints on its way.
    pub(super) fn move_cursor(&mut self, direction: Direction, distance: i64) {
        let Some(view) = self.view() else { return };
        let from = view.cursor_on_slice();
        let extent = self.extent();
        let step = step_of(direction);
        let to = std::array::from_fn(|i| {
            (from[i] as i64 + distance * step[i]).clamp(0, extent[i].max(1) as i64 - 1) as usize
        });
        self.place_cursor(to);
        self.keep_cursor_visible();
        if self.paint.pen_down {
            self.pen_moved(from);
        }
    }

    /// Puts the cursor on a pixel of the slice (row, column), which must lie inside.
    pub(super) fn place_cursor(&mut self, [row, column]: [usize; 2]) {
        if let Some(view) = self.view_mut() {
            view.cursor = view.plane().pixel(row, column);
        }
    }

    /// Pans as little as needed to have the cursor's pixel on the canvas.
    pub(super) fn keep_cursor_visible(&mut self) {
        let Some(viewport) = self.viewport() else { return };
        let at = viewport.picture_at(self.cursor_anchor());
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
            self.pan_by(by);
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

    fn step_axis(&mut self, axis: Axis, by: i64) {
        self.lift_pen();
        let size = self.shape()[axis as usize];
        if let Some(view) = self.view_mut() {
            let at = &mut view.cursor[axis as usize];
            *at = (*at as i64).saturating_add(by).clamp(0, size.max(1) as i64 - 1) as usize;
        }
    }

    pub(super) fn channel_by(&mut self, by: i32) {
        let channels = self.shape()[4];
        let Some(view) = self.view_mut() else { return };
        // Composite images have one more position, before their single channels.
        let composite = usize::from(matches!(channels, 2 | 3));
        let at = match view.channels {
            ChannelView::Rgb => 0,
            ChannelView::Gray(channel) => channel + composite,
        };
        let next = (at as i64 + i64::from(by)).rem_euclid((channels + composite).max(1) as i64) as usize;
        view.channels = if next < composite { ChannelView::Rgb } else { ChannelView::Gray(next - composite) };
        let text = match view.channels {
            ChannelView::Rgb => "all channels in colour".into(),
            ChannelView::Gray(channel) => format!("channel {} of {channels}", channel + 1),
        };
        self.inform(format!("Showing {text}"));
    }

    pub(super) fn slice_along(&mut self, axis: SliceAxis) {
        let axis = match axis {
            SliceAxis::X => Axis::X,
            SliceAxis::Y => Axis::Y,
            SliceAxis::Z => Axis::Z,
        };
        if self.view().is_none_or(|view| view.axis == axis) {
            return;
        }
        self.lift_pen();
        if let Some(view) = self.view_mut() {
            view.axis = axis;
        }
        self.paint.last_dab = None;
        self.fit();
        self.keep_cursor_visible();
    }

    /// Goes to the pixel that the text names: `x y`, `x y z` or `x y z t`.
    pub(super) fn go_to(&mut self, text: &str) {
        let [t, z, y, x, _] = self.shape();
        let parts: Result<Vec<usize>, _> =
            text.split([' ', ',']).filter(|part| !part.is_empty()).map(str::parse).collect();
        let (Ok(parts), Some(view)) = (parts, self.view()) else {
            return self.tell(
                Level::Warning,
                format!("'{text}' is no position"),
                "a position is x y, x y z or x y z t",
                "",
            );
        };
        let mut cursor = view.cursor;
        match parts[..] {
            [x, y] => (cursor[3], cursor[2]) = (x, y),
            [x, y, z] => (cursor[3], cursor[2], cursor[1]) = (x, y, z),
            [x, y, z, t] => cursor = [t, z, y, x],
            _ => cursor = [usize::MAX; 4],
        }
        if (0..4).any(|i| cursor[i] >= [t, z, y, x][i]) {
            return self.tell(
                Level::Warning,
                format!("There is no pixel {text}"),
                format!("the image is {x} x {y} x {z} (x y z), {t} time points"),
                "Count from 0",
            );
        }
        self.lift_pen();
        if let Some(view) = self.view_mut() {
            view.cursor = cursor;
        }
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
