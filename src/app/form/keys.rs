//! Keys in a dialog.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;

use super::field::FieldKind;
use super::path::{complete, folder_of};
use super::{Focus, Form, KeyUse, OpenForm, Verdict};
use crate::app::popups::edit_line;
use crate::app::state::App;

/// Lines that PageUp and PageDown move by.
const PAGE: i64 = 10;

impl OpenForm {
    /// Takes a key; says whether the dialog stays.
    pub(in crate::app) fn key(&mut self, key: &KeyEvent, app: &mut App) -> Verdict {
        self.form.awaiting = false;
        if self.form.explaining {
            self.form.explaining = false;
            return Verdict::Stay;
        }
        let leaves = key.code == KeyCode::Esc
            || (key.modifiers.contains(KeyModifiers::CONTROL)
                && matches!(key.code, KeyCode::Char('c' | 'g')));
        match self.dialog.key(key, &mut self.form, app) {
            KeyUse::Close => return Verdict::Close,
            KeyUse::Done => {
                self.check(app);
                return Verdict::Stay;
            }
            KeyUse::Usual if leaves => {
                self.dialog.cancel(&mut self.form, app);
                return Verdict::Close;
            }
            KeyUse::Usual => {}
        }
        let verdict = self.usual_key(key, app);
        if verdict == Verdict::Stay {
            self.check(app);
        }
        verdict
    }

    fn usual_key(&mut self, key: &KeyEvent, app: &mut App) -> Verdict {
        let types = self.form.focused().is_some_and(|field| field.line().is_some());
        match key.code {
            KeyCode::F(1) => self.form.explaining = true,
            KeyCode::Char('?') if !types => self.form.explaining = true,
            KeyCode::Enter => return self.enter(app),
            KeyCode::Tab if self.complete(app) => {}
            KeyCode::Tab => self.form.move_focus(1),
            KeyCode::BackTab => self.form.move_focus(-1),
            KeyCode::Char('o') if key.modifiers.contains(KeyModifiers::CONTROL) => self.browse(app),
            _ => return self.field_key(key, app),
        }
        Verdict::Stay
    }

    fn enter(&mut self, app: &mut App) -> Verdict {
        match (self.form.focus, self.form.focused().map(|field| (&field.kind, field.key))) {
            (Focus::Cancel, _) => {
                self.dialog.cancel(&mut self.form, app);
                Verdict::Close
            }
            (_, Some((FieldKind::Action, key))) => self.dialog.act(key, &mut self.form, app),
            _ => self.accept(app),
        }
    }

    /// Completes a path; `false` when there is nothing to complete, so that the focus may move on.
    fn complete(&mut self, app: &App) -> bool {
        let Some(FieldKind::Path(input)) = self.form.focused_mut().map(|field| &mut field.kind) else {
            return false;
        };
        let Some(Ok(listing)) = app.folders.get(folder_of(input.value())) else { return false };
        let completed = complete(input.value(), &listing.entries).text;
        let more = completed != input.value();
        if more {
            *input = Input::new(completed);
        }
        more
    }

    /// Opens the file browser for a path.
    fn browse(&mut self, app: &mut App) {
        if let Some((FieldKind::Path(input), key)) = self.form.focused().map(|field| (&field.kind, field.key))
        {
            app.browse_for_field(key, input.value());
        }
    }

    fn field_key(&mut self, key: &KeyEvent, app: &mut App) -> Verdict {
        let Some(field) = self.form.focused_mut() else {
            match key.code {
                KeyCode::Left | KeyCode::Up => self.form.move_focus(-1),
                KeyCode::Right | KeyCode::Down => self.form.move_focus(1),
                KeyCode::Char(' ') => return self.enter(app),
                _ => {}
            }
            return Verdict::Stay;
        };
        let used = match &mut field.kind {
            FieldKind::Text(input) | FieldKind::Path(input) => edit_line(input, key),
            FieldKind::Number(number) => edit_line(&mut number.input, key),
            FieldKind::Toggle(on) => match key.code {
                KeyCode::Char(' ') | KeyCode::Left | KeyCode::Right => {
                    *on = !*on;
                    true
                }
                _ => false,
            },
            FieldKind::Choice(options, chosen) => {
                let count = options.len().max(1);
                match key.code {
                    KeyCode::Right | KeyCode::Char(' ') => *chosen = (*chosen + 1) % count,
                    KeyCode::Left => *chosen = (*chosen + count - 1) % count,
                    KeyCode::Char(c) => choose_by_letter(options, chosen, c),
                    _ => return self.moves(key),
                }
                true
            }
            FieldKind::Table(table) => match key.code {
                KeyCode::Up => table.move_by(-1),
                KeyCode::Down => table.move_by(1),
                KeyCode::PageUp => {
                    table.move_by(-PAGE);
                    true
                }
                KeyCode::PageDown => {
                    table.move_by(PAGE);
                    true
                }
                KeyCode::Left if table.choose_by(-1) => true,
                KeyCode::Right if table.choose_by(1) => true,
                KeyCode::Char(' ') if table.marks && table.line().is_none() => {
                    table.toggle_mark();
                    true
                }
                _ => table.line_mut().is_some_and(|line| edit_line(line, key)),
            },
            FieldKind::Preview(lines, first) => {
                let last = lines.len().saturating_sub(1) as i64;
                let by = match key.code {
                    KeyCode::Up if *first > 0 => -1,
                    KeyCode::Down if (*first as i64) < last => 1,
                    KeyCode::PageUp => -PAGE,
                    KeyCode::PageDown => PAGE,
                    _ => 0,
                };
                *first = (*first as i64 + by).clamp(0, last) as usize;
                by != 0
            }
            FieldKind::Action => {
                if key.code == KeyCode::Char(' ') {
                    return self.enter(app);
                }
                false
            }
        };
        if used {
            self.form.refused = None;
            return Verdict::Stay;
        }
        self.moves(key)
    }

    /// Keys that mean nothing to the field itself move the focus.
    fn moves(&mut self, key: &KeyEvent) -> Verdict {
        match key.code {
            KeyCode::Up => self.form.move_focus(-1),
            KeyCode::Down => self.form.move_focus(1),
            _ => {}
        }
        Verdict::Stay
    }

    /// Types a pasted text.
    pub(in crate::app) fn paste(&mut self, text: &str, app: &mut App) {
        if let Some(line) = self.form.focused_mut().and_then(|field| field.line_mut()) {
            for c in text.chars().filter(|c| !c.is_control()) {
                line.handle(tui_input::InputRequest::InsertChar(c));
            }
        }
        self.check(app);
    }
}

/// Chooses the next option that begins with a letter.
fn choose_by_letter(options: &[String], chosen: &mut usize, letter: char) {
    let starts = |option: &String| option.to_lowercase().starts_with(letter.to_ascii_lowercase());
    let count = options.len();
    if let Some(next) = (1..=count).map(|i| (*chosen + i) % count).find(|&i| starts(&options[i])) {
        *chosen = next;
    }
}

impl Form {
    /// The line of help for what has the focus.
    pub fn note(&self) -> String {
        let Some(field) = self.focused() else { return String::new() };
        let usual = match &field.kind {
            FieldKind::Path(_) => "Tab completes, Ctrl-O browses",
            FieldKind::Choice(..) => "Left and Right choose",
            FieldKind::Toggle(_) => "Space turns it on or off",
            FieldKind::Table(table) if table.marks => "Space marks, Up and Down move",
            FieldKind::Action => "Enter does it",
            _ => "",
        };
        match (field.hint.is_empty(), usual.is_empty()) {
            (true, _) => usual.into(),
            (_, true) => field.hint.clone(),
            _ => format!("{}. {usual}", field.hint.trim_end_matches('.')),
        }
    }
}
