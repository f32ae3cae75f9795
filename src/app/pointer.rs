//! The mouse: on the canvas by the keymap's mouse chords, elsewhere by what lies under it.

use crossterm::event::{KeyModifiers, MouseButton, MouseEventKind};

use super::band::{BandInHand, BandUse};
use super::event::MouseInput;
use super::layout::{Layout, Spot, choice_areas, palette_entry};
use super::paint::Tool;
use super::popups::Popup;
use super::screen::{Applet, Focus};
use super::state::App;
use crate::command::{Action, Chord, Command, Lookup};
use crate::data::Brush;

/// A drag of the mouse on the canvas.
#[derive(Clone, Debug)]
pub enum Drag {
    /// Painting: the value and brush, and the last slice position (row, column).
    Paint(u8, Brush, [i64; 2]),
    /// Panning: the last position in picture pixels.
    Pan([f64; 2]),
    /// Contrast: the first position in picture pixels and the windows there.
    Contrast([f64; 2], Vec<(f64, f64)>),
    /// Filling cells of the feature table.
    Features,
    /// Drawing a box; whether its first corner was marked before the button went down.
    Band(bool),
}

impl App {
    pub(super) fn mouse(&mut self, mouse: &MouseInput) {
        if !self.popups.is_empty() {
            return self.mouse_on_popup(mouse);
        }
        match mouse.kind {
            MouseEventKind::Drag(_) if self.paint.drag.is_some() => self.drag_to(mouse),
            MouseEventKind::Up(_) => {
                if let Some(drag) = self.paint.drag.take() {
                    self.end_drag(&drag);
                }
            }
            _ => match Layout::of(self).spot(self, mouse.cell) {
                Spot::Canvas => self.mouse_on_canvas(mouse),
                spot => self.mouse_on_panel(mouse, spot),
            },
        }
    }

    /// The position on the canvas in picture pixels (row, column).
    fn picture_position(&self, mouse: &MouseInput) -> [f64; 2] {
        if let Some(at) = mouse.picture {
            return at;
        }
        let area = self.canvas.area;
        let cells = [area.height.max(1), area.width.max(1)].map(f64::from);
        let from = [mouse.cell[1] - i32::from(area.y), mouse.cell[0] - i32::from(area.x)].map(f64::from);
        std::array::from_fn(|i| (from[i] + 0.5) * self.canvas.picture[i] as f64 / cells[i] - 0.5)
    }

    /// The position in the pane of the slice that takes keys, in picture pixels (row, column).
    fn pane_position(&self, mouse: &MouseInput) -> Option<[f64; 2]> {
        let axis = self.view()?.axis;
        let origin = self.panes().into_iter().find(|(shown, _)| *shown == axis)?.1.origin;
        let at = self.picture_position(mouse);
        Some(std::array::from_fn(|i| at[i] - origin[i] as f64))
    }

    /// The slice pixel (row, column) under the mouse, which may lie outside the slice.
    fn slice_position(&self, mouse: &MouseInput) -> Option<[i64; 2]> {
        let [row, column] = self.pane_position(mouse)?;
        let at = self.viewport()?.slice_at(row, column);
        // Terminals report no more than their own size, so this only guards the arithmetic.
        Some(at.map(|p| p.floor().clamp(-1e6, 1e9) as i64))
    }

    /// Takes the cursor along with the mouse, as far as it is over a slice.
    fn hover(&mut self, mouse: &MouseInput) {
        if self.paint.pen_down {
            return;
        }
        let at = self.picture_position(mouse).map(|p| p + 0.5);
        let under = self.panes().into_iter().find(|(_, area)| area.holds(at)).map(|(axis, _)| axis);
        if let Some(axis) = under.filter(|_| self.paint.drag.is_none() && self.paint.band.is_none()) {
            self.point_at(axis);
        }
        let extent = self.extent();
        let Some(at) = self.slice_position(mouse) else { return };
        if self.paint.band.is_some_and(|band| band.dragged) {
            // A box ends at the image's edge, however far the mouse goes.
            self.place_cursor(std::array::from_fn(|i| at[i].clamp(0, extent[i].max(1) as i64 - 1) as usize));
        } else if (0..2).all(|i| at[i] >= 0 && at[i] < extent[i] as i64) {
            self.place_cursor(at.map(|p| p as usize));
        }
    }

    fn mouse_on_canvas(&mut self, mouse: &MouseInput) {
        self.hover(mouse);
        let chord = match mouse.kind {
            MouseEventKind::Down(button) => Chord::from_button(button, mouse.modifiers),
            MouseEventKind::ScrollUp => Chord::from_wheel(true, mouse.modifiers),
            MouseEventKind::ScrollDown => Chord::from_wheel(false, mouse.modifiers),
            _ => return,
        };
        self.screen.pending.clear();
        self.screen.focus = Focus::Canvas;
        let Lookup::Action(Action::Run(command)) = self.keymap.lookup(self.mode(), &[chord]) else { return };
        match command {
            Command::MouseTool | Command::MouseErase | Command::MousePan | Command::MouseZoomBox => {
                self.start_drag(&command, mouse);
            }
            Command::ViewZoomIn | Command::ViewZoomOut => {
                let at = self.pane_position(mouse).zip(self.viewport());
                if let Some(([row, column], viewport)) = at {
                    let anchor = viewport.slice_at(row, column);
                    self.zoom_at(if command == Command::ViewZoomIn { 1 } else { -1 }, anchor);
                }
            }
            command => self.run(command),
        }
    }

    fn start_drag(&mut self, command: &Command, mouse: &MouseInput) {
        let Some(at) = self.slice_position(mouse) else { return };
        let picture = self.picture_position(mouse);
        self.lift_pen();
        self.end_stroke();
        if let (Command::MouseTool, Some(band)) = (command, self.paint.band) {
            self.paint.drag = Some(Drag::Band(true));
            // The corner marked before counts if the mouse is not dragged.
            self.paint.band = Some(BandInHand { dragged: true, ..band });
            return self.hover(mouse);
        }
        self.drop_band();
        let (value, brush) = match (command, self.paint.tool) {
            _ if self.screen.applet != Applet::Training => {
                self.paint.drag = Some(Drag::Pan(picture));
                return;
            }
            (Command::MouseZoomBox, _) => {
                self.drag_band(BandUse::Zoom, at);
                self.paint.drag = Some(Drag::Band(false));
                return self.hover(mouse);
            }
            (Command::MousePan, _) | (Command::MouseTool, Tool::Navigate) => {
                if *command == Command::MouseTool {
                    self.settle_crossing();
                }
                self.paint.drag = Some(Drag::Pan(picture));
                return;
            }
            (Command::MouseTool, Tool::Contrast) => {
                self.paint.drag = Some(Drag::Contrast(picture, self.display_ranges()));
                return;
            }
            (_, Tool::Contrast) => return self.visible_contrast(),
            (Command::MouseTool, _) => (self.paint.value(), self.paint.active_brush()),
            _ => (0, self.paint.eraser),
        };
        self.settle_crossing();
        if self.is_visiting() {
            return self.inform("The image is none of the project's; add it to label it");
        }
        self.paint.drag = Some(Drag::Paint(value, brush, at));
        self.paint_segment(at, at, value, brush);
    }

    fn end_drag(&mut self, drag: &Drag) {
        self.end_stroke();
        match (drag, self.paint.band) {
            (Drag::Paint(..), _) => self.settle_crossing(),
            (Drag::Band(true), Some(_)) => self.use_band(),
            (Drag::Band(false), Some(band)) if band.corner == self.cursor_pixel() => {
                self.drop_band();
            }
            (Drag::Band(false), Some(_)) => self.use_band(),
            _ => {}
        }
    }

    fn drag_to(&mut self, mouse: &MouseInput) {
        let picture = self.picture_position(mouse);
        match self.paint.drag.clone() {
            Some(Drag::Paint(value, brush, from)) => {
                let Some(to) = self.slice_position(mouse) else { return };
                if to != from {
                    self.hover(mouse);
                    self.paint_segment(from, to, value, brush);
                    self.paint.drag = Some(Drag::Paint(value, brush, to));
                }
            }
            Some(Drag::Pan(from)) => {
                self.pan_by(std::array::from_fn(|i| from[i] - picture[i]));
                self.paint.drag = Some(Drag::Pan(picture));
            }
            Some(Drag::Contrast(from, windows)) => {
                let size = self.canvas.picture.map(|n| n.max(1) as f64);
                let [down, right]: [f64; 2] = std::array::from_fn(|i| (picture[i] - from[i]) / size[i]);
                self.shape_contrast(&windows, right, (-4.0 * down).exp2());
            }
            Some(Drag::Band(marked)) => {
                if marked && let Some(at) = self.slice_position(mouse) {
                    // A drag draws a box of its own.
                    let start = self.cursor_pixel();
                    let band = self.paint.band.filter(|_| at != start);
                    self.paint.band =
                        band.map(|band| BandInHand { corner: start, ..band }).or(self.paint.band);
                    self.paint.drag = Some(Drag::Band(at == start));
                }
                self.hover(mouse);
            }
            Some(Drag::Features) => {
                if let Spot::Feature(row, column) = Layout::of(self).spot(self, mouse.cell) {
                    self.fill_to_cell(row, column);
                }
            }
            None => {}
        }
    }

    fn mouse_on_panel(&mut self, mouse: &MouseInput, spot: Spot) {
        let step = match mouse.kind {
            MouseEventKind::ScrollUp => -1,
            MouseEventKind::ScrollDown => 1,
            MouseEventKind::Down(MouseButton::Left) => 0,
            MouseEventKind::Down(MouseButton::Right) => {
                match spot {
                    Spot::Label(number) => {
                        self.run(Command::LabelSelect(number));
                        self.run(Command::LabelEdit);
                    }
                    Spot::DataRow(row) => {
                        self.screen.data_row = row;
                        self.run(Command::LaneProperties);
                    }
                    Spot::Layer(index) => {
                        self.layers.selected = index;
                        self.run(Command::LayerExport);
                    }
                    Spot::FeatureEntry(entry) => {
                        self.look_at(entry);
                        self.run(Command::FeatureExport);
                    }
                    _ => {}
                }
                return;
            }
            _ => return,
        };
        match (spot, step) {
            (Spot::Tab(number), 0) => self.run(Command::AppletShow(number)),
            (Spot::Label(number), 0) => self.run(Command::LabelSelect(number)),
            (Spot::AddLabel, 0) => self.run(Command::LabelAdd),
            (Spot::Live, 0) => self.run(Command::LiveToggle),
            (Spot::Hint(command), 0) => self.run_named(command),
            (Spot::ProjectName, 0) => self.open_palette("file."),
            (Spot::Message, 0) => self.messages.hide(),
            (Spot::Layer(index), 0) => {
                self.screen.focus = Focus::Layers;
                self.layers.selected = index;
                self.run(Command::LayerToggle);
            }
            (Spot::Channel(index), 0) => {
                self.screen.focus = Focus::Channels;
                self.select_channel(index);
                self.run(Command::ChannelToggle);
            }
            (Spot::Feature(row, column), 0) => {
                if mouse.modifiers.contains(KeyModifiers::SHIFT) {
                    return self.fill_to_cell(row, column);
                }
                (self.features.row, self.features.column) = (row, column);
                self.run(Command::FeatureToggle);
                self.paint.drag = self.popups.is_empty().then_some(Drag::Features);
            }
            (Spot::FeatureRow(row), 0) => {
                self.features.row = row;
                self.run(Command::FeatureToggleRow);
            }
            (Spot::FeatureScale(column), 0) => {
                self.features.column = column;
                let adds = column >= self.shown_selection().scales.len();
                self.run_named(if adds { "feature.scale_add" } else { "feature.scale_set" });
            }
            (Spot::FeatureEntry(entry), 0) => self.look_at(entry),
            (Spot::FeatureEntry(_), by) => self.look_by(by),
            (Spot::DataRow(row), 0) => {
                // The first click selects, a second one shows.
                let again = self.screen.data_row == row;
                self.screen.data_row = row;
                if again {
                    self.run(Command::DataShow);
                }
            }
            (Spot::ExportRow(row), 0) => self.export.selected = row,
            (Spot::BatchRow(row), 0) if self.batch.selected == row => self.run(Command::BatchOpen),
            (Spot::BatchRow(row), 0) => self.batch.selected = row,
            (Spot::ExportRow(_), by) => self.select_export(by),
            (Spot::BatchRow(_), by) => self.select_batch(by),
            (Spot::Button(button), 0) => self.run_named(button),
            (Spot::Labels, 0) => self.screen.focus = Focus::Labels,
            (Spot::Layers, 0) => self.screen.focus = Focus::Layers,
            (Spot::Channels, 0) => self.screen.focus = Focus::Channels,
            (Spot::Histogram, 0) => self.run(Command::ToolContrast),
            (Spot::Channel(_) | Spot::Channels, by) => self.select_channel_by(by),
            (Spot::Label(_) | Spot::Labels | Spot::AddLabel | Spot::Live, by) => self.label_by(by),
            (Spot::Layer(_), by) => self.change_opacity(-5 * by),
            (Spot::Layers, by) => self.select_layer_by(by),
            (Spot::DataRow(_), by) if self.screen.applet == Applet::Data => self.select_data_row(by),
            _ => {}
        }
    }

    fn mouse_on_popup(&mut self, mouse: &MouseInput) {
        let area = Layout::of(self).popup;
        if let Some(area) = area
            && matches!(self.popups.last(), Some(Popup::Form(_)))
            && let Some(Popup::Form(open)) = self.popups.pop()
        {
            return self.with_form(open, |open, app| open.mouse(mouse, area, app));
        }
        let step: i64 = match mouse.kind {
            MouseEventKind::ScrollUp => -3,
            MouseEventKind::ScrollDown => 3,
            MouseEventKind::Down(_) => return self.click_on_popup(mouse),
            _ => return,
        };
        let add = |at: usize| (at as i64 + step).max(0) as usize;
        match self.popups.last_mut() {
            Some(Popup::Help { scroll, .. }) => *scroll = add(*scroll),
            Some(Popup::Messages { scroll }) => *scroll = (*scroll as i64 - step).max(0) as usize,
            Some(Popup::Palette { input, selected }) => {
                let (typed, at) = (input.value().to_owned(), add(*selected));
                let last = self.palette_entries(&typed).len().saturating_sub(1);
                if let Some(Popup::Palette { selected, .. }) = self.popups.last_mut() {
                    *selected = at.min(last);
                }
            }
            _ => {}
        }
    }

    /// A click beside a popup leaves it; questions stay until they are answered.
    fn click_on_popup(&mut self, mouse: &MouseInput) {
        let Some(area) = Layout::of(self).popup else { return };
        let inside = Layout::holds(area, mouse.cell);
        match self.popups.last_mut() {
            Some(Popup::Question(question)) => {
                let areas = choice_areas(area, question);
                let choice = areas.into_iter().position(|area| Layout::holds(area, mouse.cell));
                let kind = question.kind.clone();
                if let Some(choice) = choice {
                    self.popups.pop();
                    self.answer(kind, choice);
                }
            }
            Some(Popup::Palette { input, selected }) if inside => {
                let (typed, selected) = (input.value().to_owned(), *selected);
                let entries = self.palette_entries(&typed);
                if let Some(entry) = palette_entry(area, entries.len(), selected, mouse.cell[1]) {
                    self.popups.pop();
                    self.run_named(entries[entry].line.name);
                }
            }
            _ if !inside => {
                self.popups.pop();
            }
            _ => {}
        }
    }
}
