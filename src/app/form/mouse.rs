//! The mouse in a dialog.

use crossterm::event::{MouseButton, MouseEventKind};
use ratatui::layout::{Margin, Rect};

use super::field::FieldKind;
use super::layout::{FormLayout, Place, choice_spans};
use super::{Focus, OpenForm, Verdict};
use crate::app::event::MouseInput;
use crate::app::layout::{Layout, first_shown};
use crate::app::state::App;

impl OpenForm {
    /// Takes a mouse event over the dialog, whose borders are `area`; says whether the dialog stays.
    pub(in crate::app) fn mouse(&mut self, mouse: &MouseInput, area: Rect, app: &mut App) -> Verdict {
        let step = match mouse.kind {
            MouseEventKind::ScrollUp => -1,
            MouseEventKind::ScrollDown => 1,
            MouseEventKind::Down(MouseButton::Left) => 0,
            _ => return Verdict::Stay,
        };
        if self.form.explaining {
            self.form.explaining = step != 0;
            return Verdict::Stay;
        }
        let layout = FormLayout::of(&self.form, area.inner(Margin::new(1, 1)));
        let verdict = match layout.places.iter().find(|place| Layout::holds(place.area, mouse.cell)) {
            Some(&place) if self.form.fields[place.field].takes_focus() => match step {
                0 => self.click(place, &layout, mouse, app),
                by => {
                    self.wheel(place, by);
                    Verdict::Stay
                }
            },
            Some(_) => Verdict::Stay,
            None if step != 0 => Verdict::Stay,
            None if Layout::holds(layout.ok, mouse.cell) => return self.accept(app),
            None if Layout::holds(layout.cancel, mouse.cell) => {
                self.dialog.cancel(&mut self.form, app);
                return Verdict::Close;
            }
            None => {
                self.form.explaining = Layout::holds(layout.help, mouse.cell);
                Verdict::Stay
            }
        };
        if verdict == Verdict::Stay {
            self.check(app);
        }
        verdict
    }

    fn wheel(&mut self, place: Place, by: i64) {
        match &mut self.form.fields[place.field].kind {
            FieldKind::Table(table) => {
                table.move_by(3 * by);
            }
            FieldKind::Preview(lines, first) => {
                let last = lines.len().saturating_sub(1) as i64;
                *first = (*first as i64 + 3 * by).clamp(0, last) as usize;
            }
            _ => {}
        }
    }

    fn click(&mut self, place: Place, layout: &FormLayout, mouse: &MouseInput, app: &mut App) -> Verdict {
        let column = (mouse.cell[0] - i32::from(place.area.x)).max(0) as u16;
        let line = (mouse.cell[1] - i32::from(place.area.y)).max(0) as usize;
        let had_focus = self.form.focus == Focus::Field(place.field);
        self.form.focus = Focus::Field(place.field);
        self.form.refused = None;
        let field = &mut self.form.fields[place.field];
        match &mut field.kind {
            FieldKind::Toggle(on) => *on = !*on,
            FieldKind::Choice(options, chosen) => {
                let room = place.area.width.saturating_sub(layout.labels);
                let at = column.saturating_sub(layout.labels);
                match choice_spans(options, room) {
                    Some(spans) => {
                        let hit = spans.iter().position(|&(from, width)| (from..from + width).contains(&at));
                        if let Some(option) = hit.filter(|_| column >= layout.labels) {
                            *chosen = option;
                        }
                    }
                    None => *chosen = (*chosen + 1) % options.len().max(1),
                }
            }
            FieldKind::Table(table) => {
                let above = usize::from(!field.label.is_empty()) + usize::from(!table.heading.is_empty());
                let rows = usize::from(place.area.height).saturating_sub(above);
                let first = first_shown(table.rows.len(), rows, table.cursor);
                let Some(row) = line.checked_sub(above).map(|line| first + line) else {
                    return Verdict::Stay;
                };
                if row >= table.rows.len() {
                    return Verdict::Stay;
                }
                let again = had_focus && table.cursor == row;
                table.cursor = row;
                if table.marks && column < 4 {
                    table.toggle_mark();
                } else if again {
                    return self.dialog.act(self.form.fields[place.field].key, &mut self.form, app);
                }
            }
            FieldKind::Action => return self.dialog.act(field.key, &mut self.form, app),
            FieldKind::Text(_) | FieldKind::Path(_) | FieldKind::Number(_) | FieldKind::Preview(..) => {}
        }
        Verdict::Stay
    }
}
