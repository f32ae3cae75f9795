//! Dialogs: a popup made of fields, with live validation, by keyboard and mouse.
//!
//! A dialog is one file in `app/dialogs`: a type that implements [`Dialog`], and a function on [`App`] that
//! makes its [`Form`] and calls `App::open_form`. The form holds all that is typed and chosen; the dialog
//! says what is wrong with it ([`Dialog::check`], called after every change and every answer of background
//! work) and what OK does ([`Dialog::accept`]). Moving, typing, completing paths, scrolling, refusing OK
//! and drawing are done here and in `tui/panels/form.rs`, the same for all dialogs.
//!
//! Pure as all of `app`: what has to be looked up outside is asked for by an effect, and the answer's
//! handler calls `App::recheck_forms`.

mod field;
mod keys;
mod layout;
mod mouse;
mod path;
mod table;
#[cfg(test)]
mod tests;

use crossterm::event::KeyEvent;

pub use field::{Field, FieldKind, NumberField};
pub use layout::{FormLayout, Place, choice_spans, form_height};
pub use path::{Completion, complete, folder_of};
pub use table::{Row, RowValue, Table};

use super::popups::Popup;
use super::state::App;

/// What is in a dialog's popup.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// Its title.
    pub title: String,
    /// What `?` and F1 say about it: paragraphs.
    pub explanation: String,
    /// Its fields, in order.
    pub fields: Vec<Field>,
    /// What has the focus.
    pub focus: Focus,
    /// What the button that accepts says.
    pub ok: String,
    /// Why OK was refused.
    pub refused: Option<String>,
    /// Whether it was accepted and waits for an answer from outside, to be accepted then; any key ends that.
    pub awaiting: bool,
    /// Whether the explanation is shown.
    pub explaining: bool,
    /// Columns that it would like, borders included.
    pub width: u16,
    /// Whether it stands at the left edge, so that the picture can be seen beside it.
    pub aside: bool,
    /// Beside its first table is room for a small picture; what stands there as long as there is none.
    pub picture: Option<String>,
}

/// What has the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// A field, by its index.
    Field(usize),
    /// The button that accepts.
    Ok,
    /// The button that leaves.
    Cancel,
}

impl Default for Focus {
    fn default() -> Self {
        Focus::Field(0)
    }
}

/// What becomes of a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It closes.
    Close,
    /// It stays; [`Form::refused`] says why if that is not obvious.
    Stay,
}

/// What a dialog does with a key before everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// Nothing: the key does what it does in every dialog.
    Usual,
    /// The dialog has dealt with it.
    Done,
    /// The dialog closes.
    Close,
}

/// What a dialog does with its form. While a function here runs, the dialog is not among `app.popups`; a
/// popup that it opens comes to lie above it.
pub trait Dialog: Send {
    /// Says what is wrong ([`Form::fail`]), and brings previews, choices and disabled fields up to date.
    /// Errors of the last time are gone already, and numbers out of their range are found already.
    fn check(&mut self, form: &mut Form, app: &mut App);

    /// OK, with a form without errors.
    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict;

    /// Left without OK: puts back what [`Dialog::check`] may have changed outside the form.
    fn cancel(&mut self, _form: &mut Form, _app: &mut App) {}

    /// An [action](Field::action) was pressed, or a table's row clicked again; `Close` closes the dialog.
    fn act(&mut self, _field: &'static str, _form: &mut Form, _app: &mut App) -> Verdict {
        Verdict::Stay
    }

    /// A key, before it does what it does in every dialog.
    fn key(&mut self, _key: &KeyEvent, _form: &mut Form, _app: &mut App) -> KeyUse {
        KeyUse::Usual
    }
}

/// A dialog on screen.
pub struct OpenForm {
    /// What is in it.
    pub form: Form,
    pub(super) dialog: Box<dyn Dialog>,
    /// The folder whose entries were asked for last.
    listed: Option<String>,
}

/// Columns of a dialog that does not say.
const USUAL_WIDTH: u16 = 76;

impl Form {
    /// A form with these fields; the first that can be changed has the focus.
    pub fn new(title: impl Into<String>, explanation: impl Into<String>, fields: Vec<Field>) -> Self {
        let first = fields.iter().position(Field::takes_focus);
        Form {
            title: title.into(),
            explanation: explanation.into(),
            focus: first.map_or(Focus::Ok, Focus::Field),
            fields,
            ok: "OK".into(),
            width: USUAL_WIDTH,
            ..Form::default()
        }
    }

    /// Gives the button that accepts another name.
    pub fn accepts_by(mut self, ok: &str) -> Self {
        self.ok = ok.into();
        self
    }

    /// Gives it another width in columns, borders included.
    pub fn wide(mut self, columns: u16) -> Self {
        self.width = columns;
        self
    }

    /// Puts it at the left edge, so that the picture can be seen beside it.
    pub fn aside(mut self) -> Self {
        self.aside = true;
        self
    }

    /// The field `key`.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The field `key`.
    pub fn field_mut(&mut self, key: &str) -> Option<&mut Field> {
        self.fields.iter_mut().find(|field| field.key == key)
    }

    /// What is typed in a text, path or number field, without blanks around it.
    pub fn text(&self, key: &str) -> &str {
        self.field(key).and_then(Field::line).map_or("", |line| line.value().trim())
    }

    /// The value of a number field, if it is one within the range.
    pub fn number(&self, key: &str) -> Option<f64> {
        match &self.field(key)?.kind {
            FieldKind::Number(number) => number.value().ok().flatten(),
            _ => None,
        }
    }

    /// Which option of a choice is chosen, from 0.
    pub fn chosen(&self, key: &str) -> usize {
        match self.field(key).map(|field| &field.kind) {
            Some(FieldKind::Choice(_, chosen)) => *chosen,
            _ => 0,
        }
    }

    /// The text of the option chosen.
    pub fn chosen_text(&self, key: &str) -> &str {
        match self.field(key).map(|field| &field.kind) {
            Some(FieldKind::Choice(options, chosen)) => options.get(*chosen).map_or("", String::as_str),
            _ => "",
        }
    }

    /// Whether a toggle is on.
    pub fn is_on(&self, key: &str) -> bool {
        matches!(self.field(key).map(|field| &field.kind), Some(FieldKind::Toggle(true)))
    }

    /// A table.
    pub fn table(&self, key: &str) -> Option<&Table> {
        match &self.field(key)?.kind {
            FieldKind::Table(table) => Some(table),
            _ => None,
        }
    }

    /// A table.
    pub fn table_mut(&mut self, key: &str) -> Option<&mut Table> {
        match &mut self.field_mut(key)?.kind {
            FieldKind::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Replaces what is typed in a field; the text cursor goes to its end.
    pub fn set_text(&mut self, key: &str, text: impl Into<String>) {
        if let Some(line) = self.field_mut(key).and_then(Field::line_mut) {
            *line = tui_input::Input::new(text.into());
        }
    }

    /// Replaces the options of a choice; the chosen one stays chosen if it is still there.
    pub fn set_options<T: Into<String>>(&mut self, key: &str, options: impl IntoIterator<Item = T>) {
        if let Some(FieldKind::Choice(now, chosen)) = self.field_mut(key).map(|field| &mut field.kind) {
            let options: Vec<String> = options.into_iter().map(Into::into).collect();
            let kept = now.get(*chosen).and_then(|text| options.iter().position(|option| option == text));
            *chosen = kept.unwrap_or(0);
            *now = options;
        }
    }

    /// Chooses an option, from 0.
    pub fn choose(&mut self, key: &str, option: usize) {
        if let Some(FieldKind::Choice(options, chosen)) = self.field_mut(key).map(|field| &mut field.kind) {
            *chosen = option.min(options.len().saturating_sub(1));
        }
    }

    /// Turns a toggle on or off.
    pub fn set_on(&mut self, key: &str, on: bool) {
        if let Some(FieldKind::Toggle(now)) = self.field_mut(key).map(|field| &mut field.kind) {
            *now = on;
        }
    }

    /// Replaces the lines of a preview.
    pub fn set_preview(&mut self, key: &str, text: Vec<String>) {
        if let Some(FieldKind::Preview(lines, first)) = self.field_mut(key).map(|field| &mut field.kind) {
            *first = (*first).min(text.len().saturating_sub(1));
            *lines = text;
        }
    }

    /// Lets a field be changed, or says why it can't.
    pub fn enable(&mut self, key: &str, result: Result<(), &str>) {
        if let Some(field) = self.field_mut(key) {
            field.disabled = result.err().map(str::to_owned);
        }
        self.keep_focus();
    }

    /// Shows a field or leaves it out.
    pub fn show(&mut self, key: &str, shown: bool) {
        if let Some(field) = self.field_mut(key) {
            field.hidden = !shown;
        }
        self.keep_focus();
    }

    /// Says what is wrong with a field.
    pub fn fail(&mut self, key: &str, why: impl Into<String>) {
        if let Some(field) = self.field_mut(key) {
            field.error = Some(why.into());
        }
    }

    /// The value of a check; an error becomes the field's.
    pub fn checked<T, E: std::fmt::Display>(&mut self, key: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|why| self.fail(key, why.to_string())).ok()
    }

    /// Gives a field the focus.
    pub fn focus_on(&mut self, key: &str) {
        if let Some(at) = self.fields.iter().position(|field| field.key == key && field.takes_focus()) {
            self.focus = Focus::Field(at);
        }
    }

    /// The field with the focus.
    pub fn focused(&self) -> Option<&Field> {
        match self.focus {
            Focus::Field(at) => self.fields.get(at),
            _ => None,
        }
    }

    pub(super) fn focused_mut(&mut self) -> Option<&mut Field> {
        match self.focus {
            Focus::Field(at) => self.fields.get_mut(at),
            _ => None,
        }
    }

    /// The first field with an error, and the error.
    pub fn first_error(&self) -> Option<(usize, &str)> {
        let shown = self.fields.iter().enumerate().filter(|(_, field)| !field.hidden);
        shown.filter_map(|(i, field)| field.error.as_deref().map(|error| (i, error))).next()
    }

    /// Everything that can have the focus, in order.
    fn stops(&self) -> Vec<Focus> {
        let fields = (0..self.fields.len()).filter(|&i| self.fields[i].takes_focus()).map(Focus::Field);
        fields.chain([Focus::Ok, Focus::Cancel]).collect()
    }

    /// Moves the focus by `step` places, round about.
    pub(super) fn move_focus(&mut self, step: i64) {
        let stops = self.stops();
        let at = stops.iter().position(|stop| *stop == self.focus).unwrap_or(0) as i64;
        self.focus = stops[(at + step).rem_euclid(stops.len() as i64) as usize];
    }

    /// Takes the focus off a field that can't have it any more.
    fn keep_focus(&mut self) {
        if self.focused().is_some_and(|field| !field.takes_focus()) {
            let Focus::Field(at) = self.focus else { return };
            let next = (at..self.fields.len()).find(|&i| self.fields[i].takes_focus());
            self.focus = next.map_or(Focus::Ok, Focus::Field);
        }
    }
}

impl OpenForm {
    /// Finds anew what is wrong, and asks for the entries of the folder that is being typed.
    pub(super) fn check(&mut self, app: &mut App) {
        for field in &mut self.form.fields {
            field.error = match &field.kind {
                FieldKind::Number(number) if field.disabled.is_none() => number.value().err(),
                _ => None,
            };
        }
        self.dialog.check(&mut self.form, app);
        if let Some(FieldKind::Path(input)) = self.form.focused().map(|field| &field.kind) {
            let folder = folder_of(input.value()).to_owned();
            if self.listed.as_ref() != Some(&folder) {
                app.list_folder(&folder);
                self.listed = Some(folder);
            }
        }
    }

    /// Does what OK does, or says why not.
    pub(super) fn accept(&mut self, app: &mut App) -> Verdict {
        self.check(app);
        self.form.refused = None;
        self.form.awaiting = false;
        if let Some((at, why)) = self.form.first_error().map(|(at, why)| (at, why.to_owned())) {
            let label = self.form.fields[at].label.clone();
            self.form.refused = Some(if label.is_empty() { why } else { format!("{label}: {why}") });
            if self.form.fields[at].takes_focus() {
                self.form.focus = Focus::Field(at);
            }
            return Verdict::Stay;
        }
        self.dialog.accept(&mut self.form, app)
    }
}

impl App {
    /// Opens a dialog.
    pub(super) fn open_form(&mut self, form: Form, dialog: impl Dialog + 'static) {
        let mut open = OpenForm { form, dialog: Box::new(dialog), listed: None };
        open.check(self);
        self.popups.push(Popup::Form(Box::new(open)));
    }

    /// The topmost dialog's form.
    pub fn form(&self) -> Option<&Form> {
        match self.popups.last() {
            Some(Popup::Form(open)) => Some(&open.form),
            _ => None,
        }
    }

    /// Lets every open dialog look again at what it depends on.
    pub(super) fn recheck_forms(&mut self) {
        let mut below = std::mem::take(&mut self.popups);
        for popup in &mut below {
            if let Popup::Form(open) = popup {
                open.check(self);
            }
        }
        below.append(&mut self.popups);
        self.popups = below;
        if matches!(self.popups.last(), Some(Popup::Form(open)) if open.form.awaiting)
            && let Some(Popup::Form(open)) = self.popups.pop()
        {
            self.with_form(open, |open, app| open.accept(app));
        }
    }

    /// Puts a path into a field of the topmost dialog, as if it had been typed.
    pub(super) fn fill_field(&mut self, key: &str, text: &str) {
        if let Some(Popup::Form(open)) = self.popups.last_mut() {
            open.form.set_text(key, text);
            open.form.refused = None;
        }
        self.recheck_forms();
    }
}
