//! The fields of a dialog: what they hold, and what of it can be read.

use tui_input::Input;

use super::table::Table;

/// One field of a dialog.
#[derive(Clone, Debug)]
pub struct Field {
    /// By which the dialog finds it.
    pub key: &'static str,
    /// What stands before it.
    pub label: String,
    /// One line about it, shown while it has the focus.
    pub hint: String,
    /// What it holds.
    pub kind: FieldKind,
    /// What is wrong with it; found anew after every change.
    pub error: Option<String>,
    /// Why it can't be changed.
    pub disabled: Option<String>,
    /// Whether it is left out.
    pub hidden: bool,
}

/// What a field holds.
#[derive(Clone, Debug)]
pub enum FieldKind {
    /// A line of text.
    Text(Input),
    /// A number within a range.
    Number(NumberField),
    /// A place in the file system, completed by Tab.
    Path(Input),
    /// One of several.
    Choice(Vec<String>, usize),
    /// Yes or no.
    Toggle(bool),
    /// Rows with marks and values.
    Table(Table),
    /// Text to read: its lines, and the first line shown.
    Preview(Vec<String>, usize),
    /// Something to do.
    Action,
}

/// A number as it is typed.
#[derive(Clone, Debug)]
pub struct NumberField {
    /// What is typed.
    pub input: Input,
    /// Smallest and largest value.
    pub range: [f64; 2],
    /// Whether only whole numbers are taken.
    pub whole: bool,
    /// Whether it may be left empty.
    pub optional: bool,
}

impl NumberField {
    /// The value; `None` when it is empty and may be.
    ///
    /// # Errors
    /// What is wrong with the text, in words.
    pub fn value(&self) -> Result<Option<f64>, String> {
        let text = self.input.value().trim();
        if text.is_empty() {
            return if self.optional { Ok(None) } else { Err("a number is needed".into()) };
        }
        let value: f64 = text.parse().map_err(|_| format!("'{text}' is not a number"))?;
        let [low, high] = self.range;
        if !value.is_finite() {
            Err(format!("'{text}' is not a number"))
        } else if self.whole && value.fract() != 0.0 {
            Err(format!("{text} is not a whole number"))
        } else if value < low {
            Err(format!("{text} is below {low}"))
        } else if value > high {
            Err(format!("{text} is above {high}"))
        } else {
            Ok(Some(value))
        }
    }
}

impl Field {
    /// A field of any kind.
    pub fn new(key: &'static str, label: &str, kind: FieldKind) -> Self {
        Field {
            key,
            label: label.to_owned(),
            hint: String::new(),
            kind,
            error: None,
            disabled: None,
            hidden: false,
        }
    }

    /// A line of text.
    pub fn text(key: &'static str, label: &str, value: impl Into<String>) -> Self {
        Field::new(key, label, FieldKind::Text(Input::new(value.into())))
    }

    /// A number of any size; `None` is shown empty.
    pub fn number(key: &'static str, label: &str, value: Option<f64>) -> Self {
        let input = Input::new(value.map_or(String::new(), |value| value.to_string()));
        let range = [f64::NEG_INFINITY, f64::INFINITY];
        Field::new(key, label, FieldKind::Number(NumberField { input, range, whole: false, optional: false }))
    }

    /// A place in the file system.
    pub fn path(key: &'static str, label: &str, value: impl Into<String>) -> Self {
        Field::new(key, label, FieldKind::Path(Input::new(value.into())))
    }

    /// One of `options`, from 0.
    pub fn choice<T: Into<String>>(
        key: &'static str,
        label: &str,
        options: impl IntoIterator<Item = T>,
        chosen: usize,
    ) -> Self {
        let options = options.into_iter().map(Into::into).collect();
        Field::new(key, label, FieldKind::Choice(options, chosen))
    }

    /// Yes or no.
    pub fn toggle(key: &'static str, label: &str, on: bool) -> Self {
        Field::new(key, label, FieldKind::Toggle(on))
    }

    /// Rows with marks and values.
    pub fn table(key: &'static str, label: &str, table: Table) -> Self {
        Field::new(key, label, FieldKind::Table(table))
    }

    /// Text to read.
    pub fn preview(key: &'static str, label: &str) -> Self {
        Field::new(key, label, FieldKind::Preview(Vec::new(), 0))
    }

    /// Something to do: Enter or Space calls [`Dialog::act`](super::Dialog::act).
    pub fn action(key: &'static str, label: &str) -> Self {
        Field::new(key, label, FieldKind::Action)
    }

    /// Says something about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Limits a number.
    pub fn within(mut self, low: f64, high: f64) -> Self {
        if let FieldKind::Number(number) = &mut self.kind {
            number.range = [low, high];
        }
        self
    }

    /// Takes whole numbers only.
    pub fn whole(mut self) -> Self {
        if let FieldKind::Number(number) = &mut self.kind {
            number.whole = true;
        }
        self
    }

    /// A number may be left empty.
    pub fn optional(mut self) -> Self {
        if let FieldKind::Number(number) = &mut self.kind {
            number.optional = true;
        }
        self
    }

    /// Whether it can have the focus.
    pub fn takes_focus(&self) -> bool {
        !self.hidden && self.disabled.is_none()
    }

    /// The line that is typed into, if it has one.
    pub fn line(&self) -> Option<&Input> {
        match &self.kind {
            FieldKind::Text(input) | FieldKind::Path(input) => Some(input),
            FieldKind::Number(number) => Some(&number.input),
            FieldKind::Table(table) => table.line(),
            _ => None,
        }
    }

    /// The line that is typed into, if it has one.
    pub fn line_mut(&mut self) -> Option<&mut Input> {
        match &mut self.kind {
            FieldKind::Text(input) | FieldKind::Path(input) => Some(input),
            FieldKind::Number(number) => Some(&mut number.input),
            FieldKind::Table(table) => table.line_mut(),
            _ => None,
        }
    }
}
