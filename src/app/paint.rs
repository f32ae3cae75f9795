//! Painting: tools, brushes, strokes by mouse and by keys.

use super::band::BandInHand;
use super::messages::Level;
use super::state::App;
use crate::data::Brush;

/// What the mouse and the Space key do on the canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tool {
    /// Paint the selected label.
    #[default]
    Brush,
    /// Erase labels.
    Eraser,
    /// Move about.
    Navigate,
    /// Set the contrast.
    Contrast,
}

/// Largest brush, in pixels: a dab of it must not hold up the interface.
pub const LARGEST_BRUSH: u32 = 501;

/// Longest piece of a stroke that is painted at once, in pixels.
const PIECE: i64 = 192;

/// The painter's state.
#[derive(Clone, Debug)]
pub struct PaintState {
    /// The tool.
    pub tool: Tool,
    /// The brush.
    pub brush: Brush,
    /// The eraser.
    pub eraser: Brush,
    /// The selected label, from 1.
    pub label: usize,
    /// Whether moving the cursor by keys paints.
    pub pen_down: bool,
    /// Where the last dab or line ended: lane and pixel (`tzyx`).
    pub last_dab: Option<(usize, [usize; 4])>,
    /// A box that is being drawn.
    pub band: Option<BandInHand>,
    pub(super) drag: Option<super::pointer::Drag>,
}

impl Default for PaintState {
    fn default() -> Self {
        PaintState {
            tool: Tool::Brush,
            brush: Brush { diameter: 3 },
            eraser: Brush { diameter: 11 },
            label: 1,
            pen_down: false,
            last_dab: None,
            band: None,
            drag: None,
        }
    }
}

impl PaintState {
    /// The brush of the tool in hand.
    pub fn active_brush(&self) -> Brush {
        if self.tool == Tool::Eraser { self.eraser } else { self.brush }
    }

    /// Whether the mouse erases at this moment, whatever the tool.
    pub fn erases_now(&self) -> bool {
        matches!(self.drag, Some(super::pointer::Drag::Paint(0, ..)))
    }

    /// The label that the tool in hand paints, 0 for the eraser.
    pub fn value(&self) -> u8 {
        if self.tool == Tool::Eraser { 0 } else { self.label as u8 }
    }
}

impl App {
    pub(super) fn take_tool(&mut self, tool: Tool) {
        if !matches!(tool, Tool::Brush | Tool::Eraser) {
            self.lift_pen();
        }
        self.end_stroke();
        self.drop_band();
        self.paint.tool = tool;
    }

    /// The brush that paints now or would paint next, for its preview.
    pub fn brush_in_hand(&self) -> Option<Brush> {
        match (self.paint.tool, &self.paint.drag) {
            _ if self.screen.applet != super::Applet::Training => None,
            (_, Some(super::pointer::Drag::Paint(_, brush, _))) => Some(*brush),
            (Tool::Brush | Tool::Eraser, _) => Some(self.paint.active_brush()),
            _ => None,
        }
    }

    /// Paints straight from one pixel of the slice to another (row, column; either may lie outside) as a
    /// part of the open stroke.
    pub(super) fn paint_segment(&mut self, from: [i64; 2], to: [i64; 2], value: u8, brush: Brush) {
        let Some(plane) = self.plane() else { return };
        let [rows, columns] = self.extent();
        let lane = self.lane;
        let locked = self.locked_values();
        let Some(labels) = self.project.lanes.get_mut(lane).map(|lane| &mut lane.labels) else { return };
        let length = (0..2).map(|i| (to[i] - from[i]).abs()).max().unwrap_or(0);
        let pieces = (length / PIECE + 1) as usize;
        let along = |k: usize| -> [i64; 2] {
            let share = k as f64 / pieces as f64;
            std::array::from_fn(|i| from[i] + ((to[i] - from[i]) as f64 * share).round() as i64)
        };
        let mut edit = crate::data::LabelEdit::default();
        for k in 0..pieces {
            let pixels = brush.segment(along(k), along(k + 1)).into_iter().filter_map(|[row, column]| {
                let (row, column) = (usize::try_from(row).ok()?, usize::try_from(column).ok()?);
                (row < rows && column < columns).then(|| (plane.pixel(row, column), value))
            });
            edit = edit.then(labels.paint_where(pixels, |was| !locked[usize::from(was)]));
        }
        if edit.is_empty() && from == to {
            self.say_if_locked(to, value);
        }
        self.record_stroke(lane, edit, if value == 0 { "eraser stroke" } else { "stroke" });
        if let (Ok(row), Ok(column)) = (usize::try_from(to[0]), usize::try_from(to[1]))
            && row < rows
            && column < columns
        {
            self.paint.last_dab = Some((lane, plane.pixel(row, column)));
        }
    }

    /// Ends the open stroke: the next one is undone by itself.
    pub(super) fn end_stroke(&mut self) {
        self.edits.end_stroke();
    }

    pub(super) fn cursor_pixel(&self) -> [i64; 2] {
        self.view().map_or([0; 2], |view| view.cursor_on_slice().map(|p| p as i64))
    }

    pub(super) fn dab(&mut self) {
        let at = self.cursor_pixel();
        if !self.paint.pen_down {
            self.end_stroke();
        }
        self.paint_segment(at, at, self.paint.value(), self.paint.active_brush());
        if !self.paint.pen_down {
            self.end_stroke();
        }
    }

    pub(super) fn toggle_pen(&mut self) {
        if self.paint.pen_down {
            return self.lift_pen();
        }
        self.end_stroke();
        self.paint.pen_down = true;
        self.dab();
    }

    pub(super) fn lift_pen(&mut self) {
        if self.paint.pen_down {
            self.paint.pen_down = false;
            self.end_stroke();
        }
    }

    /// The cursor moved by keys while the pen is down.
    pub(super) fn pen_moved(&mut self, from: [usize; 2]) {
        let to = self.cursor_pixel();
        self.paint_segment(from.map(|p| p as i64), to, self.paint.value(), self.paint.active_brush());
    }

    /// Paints a line from the last dab to the cursor.
    pub(super) fn line(&mut self) {
        let Some(plane) = self.plane() else { return };
        let start = self
            .paint
            .last_dab
            .filter(|&(lane, at)| {
                lane == self.lane && at[0] == plane.t && at[plane.axis as usize] == plane.position
            })
            .map(|(_, at)| plane.axes().map(|axis| at[axis as usize] as i64));
        let Some(start) = start else {
            return self.tell(
                Level::Warning,
                "No line painted",
                "there is no dab on this slice to start from",
                "Dab first",
            );
        };
        let to = self.cursor_pixel();
        self.end_stroke();
        self.paint_segment(start, to, self.paint.value(), self.paint.active_brush());
        self.end_stroke();
    }

    pub(super) fn brush_by(&mut self, steps: i32) {
        let mut brush = self.paint.active_brush();
        for _ in 0..steps.unsigned_abs().min(64) {
            brush = brush.stepped(steps.signum());
        }
        self.set_brush(brush);
    }

    pub(super) fn set_brush(&mut self, brush: Brush) {
        if brush.diameter > LARGEST_BRUSH {
            self.tell(
                Level::Warning,
                format!("The largest brush is {LARGEST_BRUSH} pixels wide"),
                "",
                "Fill or paint rectangles for larger areas",
            );
        }
        let brush = Brush { diameter: brush.diameter.clamp(1, LARGEST_BRUSH) };
        if self.paint.tool == Tool::Eraser {
            self.paint.eraser = brush;
        } else {
            self.paint.brush = brush;
        }
    }
}
