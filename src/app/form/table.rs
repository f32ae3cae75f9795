//! A field of rows: a cursor, marks, and a value for each row.

use tui_input::Input;

/// Rows under headings.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Titles of the columns.
    pub heading: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
    /// The row under the cursor.
    pub cursor: usize,
    /// Whether rows can be marked, by Space.
    pub marks: bool,
    /// What [`RowValue::Choice`] chooses from.
    pub options: Vec<String>,
    /// What is shown without rows.
    pub empty: String,
}

/// A row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Texts of the columns.
    pub cells: Vec<String>,
    /// Whether it is marked.
    pub marked: bool,
    /// Its own value, shown in the last column.
    pub value: RowValue,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// The value of a row.
#[derive(Clone, Debug, Default)]
pub enum RowValue {
    /// None.
    #[default]
    None,
    /// One of [`Table::options`], changed by Left and Right.
    Choice(usize),
    /// A text, typed when the cursor is on the row.
    Text(Input),
}

impl PartialEq for RowValue {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (RowValue::None, RowValue::None) => true,
            (RowValue::Choice(a), RowValue::Choice(b)) => a == b,
            (RowValue::Text(a), RowValue::Text(b)) => a.value() == b.value(),
            _ => false,
        }
    }
}

impl Row {
    /// A row without value.
    pub fn new<T: Into<String>>(cells: impl IntoIterator<Item = T>) -> Self {
        Row { cells: cells.into_iter().map(Into::into).collect(), ..Row::default() }
    }

    /// Gives it a choice.
    pub fn with_choice(mut self, chosen: usize) -> Self {
        self.value = RowValue::Choice(chosen);
        self
    }

    /// Gives it a text.
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.value = RowValue::Text(Input::new(text.into()));
        self
    }

    /// Marks it.
    pub fn marked(mut self, marked: bool) -> Self {
        self.marked = marked;
        self
    }
}

impl Table {
    /// A table without rows.
    pub fn new<T: Into<String>>(heading: impl IntoIterator<Item = T>) -> Self {
        Table { heading: heading.into_iter().map(Into::into).collect(), ..Table::default() }
    }

    /// Rows can be marked.
    pub fn with_marks(mut self) -> Self {
        self.marks = true;
        self
    }

    /// Rows choose from these.
    pub fn with_options<T: Into<String>>(mut self, options: impl IntoIterator<Item = T>) -> Self {
        self.options = options.into_iter().map(Into::into).collect();
        self
    }

    /// Gives it rows, and keeps the cursor within them.
    pub fn set_rows(&mut self, rows: Vec<Row>) {
        self.rows = rows;
        self.cursor = self.cursor.min(self.rows.len().saturating_sub(1));
    }

    /// The row under the cursor.
    pub fn current(&self) -> Option<&Row> {
        self.rows.get(self.cursor)
    }

    /// Moves the cursor; whether it moved.
    pub fn move_by(&mut self, by: i64) -> bool {
        let last = self.rows.len().saturating_sub(1) as i64;
        let before = self.cursor;
        self.cursor = (self.cursor as i64 + by).clamp(0, last) as usize;
        self.cursor != before
    }

    /// Marks the row under the cursor or takes its mark away.
    pub fn toggle_mark(&mut self) {
        let at = self.cursor;
        if let Some(row) = self.rows.get_mut(at).filter(|_| self.marks) {
            row.marked = !row.marked;
        }
    }

    /// Chooses the next (`by` 1) or previous option for the row under the cursor; whether there is any.
    pub fn choose_by(&mut self, by: i64) -> bool {
        let (at, count) = (self.cursor, self.options.len() as i64);
        match self.rows.get_mut(at).map(|row| &mut row.value) {
            Some(RowValue::Choice(chosen)) if count > 0 => {
                *chosen = (*chosen as i64 + by).rem_euclid(count) as usize;
                true
            }
            _ => false,
        }
    }

    /// Numbers of the marked rows; without any mark, the row under the cursor.
    pub fn chosen_rows(&self) -> Vec<usize> {
        let marked: Vec<usize> = (0..self.rows.len()).filter(|&i| self.rows[i].marked).collect();
        if marked.is_empty() && self.cursor < self.rows.len() { vec![self.cursor] } else { marked }
    }

    /// The text of a row's value.
    pub fn value_text(&self, row: &Row) -> String {
        match &row.value {
            RowValue::None => String::new(),
            RowValue::Choice(chosen) => self.options.get(*chosen).cloned().unwrap_or_default(),
            RowValue::Text(input) => input.value().to_owned(),
        }
    }

    pub(super) fn line(&self) -> Option<&Input> {
        match &self.rows.get(self.cursor)?.value {
            RowValue::Text(input) => Some(input),
            _ => None,
        }
    }

    pub(super) fn line_mut(&mut self) -> Option<&mut Input> {
        match &mut self.rows.get_mut(self.cursor)?.value {
            RowValue::Text(input) => Some(input),
            _ => None,
        }
    }

    /// Widths of the columns, the value last, so that they fit `width`: what is too wide is cut where most
    /// is, the last text column first.
    pub fn widths(&self, width: usize) -> Vec<usize> {
        let columns = self.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0).max(self.heading.len());
        let length = |text: &String| text.chars().count();
        let mut widths: Vec<usize> = (0..columns)
            .map(|i| {
                let cells = self.rows.iter().filter_map(|row| row.cells.get(i));
                cells.chain(self.heading.get(i)).map(length).max().unwrap_or(0)
            })
            .collect();
        let has_values = self.rows.iter().any(|row| row.value != RowValue::None);
        if has_values {
            let value = |row: &Row| self.value_text(row).chars().count() + 4;
            let own = self.rows.iter().map(value).max().unwrap_or(0);
            // The heading of the value column is the one beyond the cells.
            match self.rows.iter().map(|row| row.cells.len()).max() {
                Some(cells) if cells < widths.len() => widths[cells] = widths[cells].max(own),
                _ => widths.push(own),
            }
        }
        let marks = if self.marks { 4 } else { 0 };
        let room = width.saturating_sub(marks + 2 * widths.len().saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            let Some(widest) = (0..widths.len()).max_by_key(|&i| (widths[i], i)) else { break };
            if widths[widest] <= 3 {
                break;
            }
            widths[widest] -= 1;
        }
        widths
    }
}
