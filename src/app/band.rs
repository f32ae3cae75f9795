//! Boxes drawn on the slice: one corner, then the other, by keys or by dragging.

use super::messages::Level;
use super::state::App;

/// What a box is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BandUse {
    /// It fills the canvas.
    Zoom,
    /// It is painted.
    Paint,
}

/// A box that is being drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BandInHand {
    /// What for.
    pub what: BandUse,
    /// Its first corner, a pixel of the slice (row, column).
    pub corner: [i64; 2],
    /// Whether the mouse draws it.
    pub dragged: bool,
}

impl App {
    /// The box being drawn: what for, and its corners (row, column).
    pub fn band(&self) -> Option<(BandUse, [[i64; 2]; 2])> {
        let band = self.paint.band?;
        Some((band.what, [band.corner, self.cursor_pixel()]))
    }

    /// The first time marks a corner at the cursor, the second time uses the box up to the cursor.
    pub(super) fn draw_band(&mut self, what: BandUse) {
        match self.paint.band {
            Some(band) if band.what == what => self.use_band(),
            _ => {
                self.lift_pen();
                self.end_stroke();
                self.paint.band = Some(BandInHand { what, corner: self.cursor_pixel(), dragged: false });
                let done = match what {
                    BandUse::Zoom => "zoom",
                    BandUse::Paint => "paint",
                };
                self.inform(format!(
                    "Go to the opposite corner and press again to {done}, or drag; esc leaves"
                ));
            }
        }
    }

    /// The mouse starts a box at a pixel of the slice.
    pub(super) fn drag_band(&mut self, what: BandUse, corner: [i64; 2]) {
        self.paint.band = Some(BandInHand { what, corner, dragged: true });
    }

    /// Uses the box up to the cursor.
    pub(super) fn use_band(&mut self) {
        let Some(band) = self.paint.band.take() else { return };
        let other = self.cursor_pixel();
        match band.what {
            BandUse::Zoom if band.corner == other => self.tell(
                Level::Warning,
                "Not zoomed",
                "the box is a single pixel",
                "Drag over what you want to see",
            ),
            BandUse::Zoom => self.zoom_to_box(band.corner, other),
            BandUse::Paint => self.paint_box(band.corner, other),
        }
    }

    /// Forgets the box; whether there was one.
    pub(super) fn drop_band(&mut self) -> bool {
        self.paint.band.take().is_some()
    }

    fn paint_box(&mut self, a: [i64; 2], b: [i64; 2]) {
        let Some(plane) = self.plane() else { return };
        let extent = self.extent();
        let value = self.paint.value();
        let lane = self.lane;
        let span = |i: usize| {
            let clip = |p: i64| usize::try_from(p).unwrap_or(0).min(extent[i].saturating_sub(1));
            clip(a[i].min(b[i]))..clip(a[i].max(b[i])) + 1
        };
        let (rows, columns) = (span(0), span(1));
        self.end_stroke();
        let locked = self.locked_values();
        let Some(labels) = self.project.lanes.get_mut(lane).map(|lane| &mut lane.labels) else { return };
        let pixels =
            rows.flat_map(|row| columns.clone().map(move |column| (plane.pixel(row, column), value)));
        let edit = labels.paint_where(pixels, |was| !locked[usize::from(was)]);
        self.record_stroke(lane, edit, if value == 0 { "erased rectangle" } else { "rectangle" });
        self.end_stroke();
    }
}
