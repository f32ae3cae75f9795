//! Where everything is on screen, in cells: the panels are drawn by it and the mouse is read by it.

use ratatui::layout::{Margin, Rect};

use super::features::TABLE_ROWS;
use super::form::{Form, form_height};
use super::paint::Tool;
use super::popups::{Popup, Question};
use super::screen::Applet;
use super::state::App;
use crate::command::help::{help_lines, hint_command, which_key};

/// Columns of the panel of labels, with its borders.
const LABELS_WIDTH: u16 = 22;
/// Columns of the panel of layers, with its borders.
const LAYERS_WIDTH: u16 = 22;
/// Lines of the histogram with its borders.
const HISTOGRAM_HEIGHT: u16 = 6;
/// Lines of the panel of layers, with its borders, that the histogram leaves it.
const LEAST_LAYERS: u16 = 9;
/// Channels listed at once.
const MOST_CHANNELS: usize = 6;
/// Lines below the labels in their panel: "add", brushes, live update.
pub const LABELS_FOOT: u16 = 3;
/// Columns between the choices of a question.
const CHOICE_GAP: u16 = 2;
/// Columns of the names in the feature table.
pub const FEATURE_NAMES: u16 = 34;
/// Columns of a scale in the feature table.
pub const FEATURE_COLUMN: u16 = 6;
/// Columns of the list of features that are looked at.
const FEATURE_LIST: u16 = 52;
/// Lines above the first row of the feature table: the scales, and how far they see.
pub const FEATURE_HEAD: u16 = 2;

/// Where everything is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The applets' tabs.
    pub tabs: Rect,
    /// All between the tabs and the status line.
    pub body: Rect,
    /// The panel of labels with its borders.
    pub labels: Option<Rect>,
    /// The list of features that are looked at, with its borders.
    pub features: Option<Rect>,
    /// The canvas with its borders.
    pub frame: Option<Rect>,
    /// The canvas: the cells that the picture fills.
    pub canvas: Option<Rect>,
    /// The panel of layers with its borders.
    pub layers: Option<Rect>,
    /// The panel of channels with its borders.
    pub channels: Option<Rect>,
    /// The histogram with its borders.
    pub histogram: Option<Rect>,
    /// The status line.
    pub status: Rect,
    /// The line of hints and messages.
    pub hints: Rect,
    /// The topmost popup with its borders.
    pub popup: Option<Rect>,
    /// The box with the possible next keys.
    pub which_key: Option<Rect>,
}

/// What lies under the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// The canvas.
    Canvas,
    /// The tab of applet `n`, from 1.
    Tab(usize),
    /// Label `n`, from 1.
    Label(usize),
    /// The line that adds a label.
    AddLabel,
    /// The line that tells of live update.
    Live,
    /// Elsewhere in the panel of labels.
    Labels,
    /// Layer by its index.
    Layer(usize),
    /// Elsewhere in the panel of layers.
    Layers,
    /// Channel by its index.
    Channel(usize),
    /// Elsewhere in the panel of channels.
    Channels,
    /// The histogram.
    Histogram,
    /// A cell of the feature table: row and column.
    Feature(usize, usize),
    /// The name of a row of the feature table.
    FeatureRow(usize),
    /// A scale in the heading of the feature table; one past the last adds one.
    FeatureScale(usize),
    /// An entry of the list of features that are looked at.
    FeatureEntry(usize),
    /// A row of the list of images.
    DataRow(usize),
    /// The project's name.
    ProjectName,
    /// The command of a hint on the last line.
    Hint(&'static str),
    /// The message on the last line.
    Message,
    /// An image of the Export applet.
    ExportRow(usize),
    /// A file of the Batch applet.
    BatchRow(usize),
    /// A command by its name.
    Button(&'static str),
    /// Nothing that takes the mouse.
    Nothing,
}

/// Columns at which the tabs start, and their widths.
pub fn tab_columns() -> [(u16, u16); 5] {
    let mut start = 1;
    Applet::ALL.map(|(_, title)| {
        let width = title.len() as u16 + 4;
        let at = (start, width);
        start += width;
        at
    })
}

/// First of `count` entries to show in `rows` lines so that `selected` is among them.
pub fn first_shown(count: usize, rows: usize, selected: usize) -> usize {
    if count <= rows { 0 } else { (selected + 1).saturating_sub(rows).min(count - rows) }
}

impl Layout {
    /// The layout of the screen as it is.
    pub fn of(app: &App) -> Layout {
        let [width, height] = app.screen.size;
        let screen = Rect::new(0, 0, width, height);
        let line = |y: u16, n: u16| Rect::new(0, y, width, n).intersection(screen);
        let mut layout = Layout::default();
        if app.screen.fullscreen && app.screen.applet == Applet::Training {
            layout.body = line(0, height.saturating_sub(1));
            layout.canvas = Some(layout.body);
            layout.status = line(height.saturating_sub(1), 1);
        } else {
            layout.tabs = line(0, 1);
            layout.body = line(1, height.saturating_sub(3));
            layout.status = line(height.saturating_sub(2).max(1), 1);
            layout.hints = line(height.saturating_sub(1), 1);
            if app.screen.applet == Applet::Training {
                layout.split_body(app);
            } else if app.looks_at_features() {
                layout.split_features();
            }
        }
        layout.popup = app.popups.last().map(|popup| popup_area(app, popup, screen));
        if app.popups.is_empty() && app.screen.shows_which_key(app.now) {
            let rows = which_key(&app.keymap, app.mode(), &app.screen.pending).len() as u16;
            // What does not fit below each other stands in two columns.
            let (rows, width) = match rows + 2 > layout.body.height {
                true => (rows.div_ceil(2), width.min(120)),
                false => (rows, 60.min(width)),
            };
            let height = (rows + 2).min(layout.body.height);
            layout.which_key =
                Some(Rect::new(layout.body.right() - width, layout.body.bottom() - height, width, height));
        }
        layout
    }

    /// The list of features at the left, the canvas beside it.
    fn split_features(&mut self) {
        let width = FEATURE_LIST.min(self.body.width / 2);
        let frame = Rect { x: self.body.x + width, width: self.body.width - width, ..self.body };
        self.features = Some(Rect { width, ..self.body });
        self.frame = Some(frame);
        self.canvas = Some(frame.inner(Margin::new(1, 1)));
    }

    fn split_body(&mut self, app: &App) {
        let mut frame = self.body;
        // Below this width the canvas would be narrower than the panels.
        let room = |frame: Rect, panel: u16| frame.width >= panel + 24;
        if !app.screen.labels_folded && room(frame, LABELS_WIDTH) {
            self.labels = Some(Rect { width: LABELS_WIDTH, ..frame });
            frame.x += LABELS_WIDTH;
            frame.width -= LABELS_WIDTH;
        }
        if !app.screen.layers_folded && room(frame, LAYERS_WIDTH) {
            frame.width -= LAYERS_WIDTH;
            self.split_right(app, Rect { x: frame.right(), width: LAYERS_WIDTH, ..frame });
        }
        self.frame = Some(frame);
        self.canvas = Some(frame.inner(Margin::new(1, 1)));
    }

    /// Layers above, channels and histogram below them as far as there is room.
    fn split_right(&mut self, app: &App, mut area: Rect) {
        let mut take = |wanted: u16, rest: u16| {
            let fits = area.height >= wanted + rest;
            fits.then(|| {
                area.height -= wanted;
                Rect { y: area.bottom(), height: wanted, ..area }
            })
        };
        let layers = (app.layers.layers.len() as u16 + 2).min(LEAST_LAYERS);
        // With the contrast tool in hand its histogram matters more than the list of layers.
        let rest = if app.paint.tool == Tool::Contrast { 3 } else { layers };
        if app.has_image() {
            self.histogram = take(HISTOGRAM_HEIGHT, rest);
        }
        if app.has_channels() {
            let count = app.shape()[4].min(MOST_CHANNELS) as u16;
            self.channels = take(count + 2, layers.min(5)).or_else(|| take(4, 3));
        }
        self.layers = Some(area);
    }

    /// Whether an area holds a cell (column, row).
    pub fn holds(area: Rect, [column, row]: [i32; 2]) -> bool {
        (i32::from(area.left())..i32::from(area.right())).contains(&column)
            && (i32::from(area.top())..i32::from(area.bottom())).contains(&row)
    }

    /// What lies under the cell (column, row).
    pub fn spot(&self, app: &App, cell: [i32; 2]) -> Spot {
        let within = |area: Option<Rect>| area.filter(|&area| Layout::holds(area, cell));
        if within(self.which_key).is_some() {
            return Spot::Nothing;
        }
        if within(Some(self.hints)).is_some() {
            return hint_spot(app, self.hints, cell[0]);
        }
        if within(self.canvas).is_some() {
            return Spot::Canvas;
        }
        if within(Some(self.tabs)).is_some() {
            let tab = tab_columns()
                .iter()
                .position(|&(at, width)| (i32::from(at)..i32::from(at + width)).contains(&cell[0]));
            return tab.map_or(Spot::ProjectName, |tab| Spot::Tab(tab + 1));
        }
        if let Some(area) = within(self.labels) {
            let inner = area.inner(Margin::new(1, 1));
            let line = (cell[1] - i32::from(inner.y)).max(0) as usize;
            let rows = usize::from(inner.height.saturating_sub(LABELS_FOOT));
            let count = app.project.classes.len();
            let shown = count.min(rows);
            return match line {
                _ if !Layout::holds(inner, cell) => Spot::Labels,
                line if line < shown => Spot::Label(first_shown(count, rows, app.paint.label - 1) + line + 1),
                line if line == shown => Spot::AddLabel,
                line if line == shown + 2 => Spot::Live,
                _ => Spot::Labels,
            };
        }
        if let Some(area) = within(self.layers) {
            let inner = area.inner(Margin::new(1, 1));
            let count = app.layers.layers.len();
            let first = first_shown(count, usize::from(inner.height), app.layers.selected);
            let index = first + (cell[1] - i32::from(inner.y)).max(0) as usize;
            let on = Layout::holds(inner, cell) && index < count;
            return if on { Spot::Layer(index) } else { Spot::Layers };
        }
        if within(self.histogram).is_some() {
            return Spot::Histogram;
        }
        if let Some(area) = within(self.channels) {
            let inner = area.inner(Margin::new(1, 1));
            let count = app.shape()[4];
            let selected = app.histogram_channel();
            let first = first_shown(count, usize::from(inner.height), selected);
            let index = first + (cell[1] - i32::from(inner.y)).max(0) as usize;
            let on = Layout::holds(inner, cell) && index < count;
            return if on { Spot::Channel(index) } else { Spot::Channels };
        }
        if let Some(area) = within(self.features) {
            let inner = area.inner(Margin::new(1, 1));
            let count = app.feature_names().len() + 1;
            let first = first_shown(count, usize::from(inner.height), app.looking.at);
            let entry = first + (cell[1] - i32::from(inner.y)).max(0) as usize;
            let on = Layout::holds(inner, cell) && entry < count;
            return if on { Spot::FeatureEntry(entry) } else { Spot::Nothing };
        }
        if let Some(area) = within(Some(self.body)) {
            return body_spot(app, area.inner(Margin::new(1, 1)), cell);
        }
        Spot::Nothing
    }
}

/// The hint at a column of their line, while no message or half a key sequence stands there.
fn hint_spot(app: &App, area: Rect, column: i32) -> Spot {
    if app.messages.current(app.now).is_some() {
        return Spot::Message;
    }
    if !app.screen.pending.is_empty() {
        return Spot::Nothing;
    }
    let shown = app.hints(usize::from(area.width).saturating_sub(1));
    let at = usize::try_from(column - i32::from(area.x) - 1).ok();
    at.and_then(|at| hint_command(&shown, at)).map_or(Spot::Nothing, Spot::Hint)
}

/// The entry of a palette in the popup's area that stands on a line of the screen.
pub fn palette_entry(area: Rect, count: usize, selected: usize, line: i32) -> Option<usize> {
    let inner = area.inner(Margin::new(1, 1));
    let rows = usize::from(inner.height.saturating_sub(1));
    let row = usize::try_from(line - i32::from(inner.y) - 1).ok().filter(|&row| row < rows)?;
    Some(first_shown(count, rows, selected) + row).filter(|&entry| entry < count)
}

/// Where a question in the popup's area offers its choices: a line each, cut to their text.
pub fn choice_areas(area: Rect, question: &Question) -> Vec<Rect> {
    let inner = area.inner(Margin::new(1, 1));
    let y = inner.bottom().saturating_sub(2);
    let mut x = inner.x;
    let choices = question.choices().iter();
    choices
        .map(|(label, _)| {
            let width = choice_width(label);
            let at = Rect { x, y, width, height: 1 }.intersection(inner);
            x += width + CHOICE_GAP;
            at
        })
        .collect()
}

/// Columns of a choice with its key: ` Keep them (k) `.
fn choice_width(label: &str) -> u16 {
    label.chars().count() as u16 + 6
}

/// Lines that `text` takes in `room` columns, wrapped between words; words that are longer are broken.
fn lines_of(text: &str, room: u16) -> u16 {
    let room = usize::from(room.max(1));
    let (mut lines, mut used) = (1, 0);
    for word in text.split(' ') {
        let length = word.chars().count();
        let with_space = if used == 0 { length } else { used + 1 + length };
        if with_space <= room {
            used = with_space;
            continue;
        }
        lines += usize::from(used > 0) + length.saturating_sub(1) / room;
        used = length.saturating_sub(1) % room + 1;
    }
    lines.min(64) as u16
}

fn body_spot(app: &App, inner: Rect, cell: [i32; 2]) -> Spot {
    if !Layout::holds(inner, cell) {
        return Spot::Nothing;
    }
    let line = (cell[1] - i32::from(inner.y)) as usize;
    let column = cell[0] - i32::from(inner.x);
    match app.screen.applet {
        Applet::Features => {
            let row = line.checked_sub(usize::from(FEATURE_HEAD)).map(|row| row + app.first_table_row());
            let scales = app.shown_selection().scales.len();
            let first = first_scale(app, inner.width);
            let column = (column - i32::from(FEATURE_NAMES)).div_euclid(i32::from(FEATURE_COLUMN));
            match (row, usize::try_from(column).map(|column| first + column)) {
                (Some(row), _) if row >= TABLE_ROWS.len() => Spot::Nothing,
                (Some(row), Ok(column)) if column <= scales => Spot::Feature(row, column),
                (Some(row), Err(_)) => Spot::FeatureRow(row),
                (None, Ok(column)) if column <= scales => Spot::FeatureScale(column),
                _ => Spot::Nothing,
            }
        }
        Applet::Data => {
            let rows = data_rows(app, inner.height);
            let first = first_shown(app.views.len(), rows, app.screen.data_row);
            match line.checked_sub(1).filter(|&line| line < rows).map(|line| first + line) {
                Some(row) if row < app.views.len() => Spot::DataRow(row),
                _ => Spot::Nothing,
            }
        }
        Applet::Export => super::run_layout::export_spot(app, inner, cell),
        Applet::Batch => super::run_layout::batch_spot(app, inner, cell),
        _ => Spot::Nothing,
    }
}

/// Lines about the selected image below the list of images, with the line that parts them.
pub const DATA_DETAILS: u16 = 7;

/// Lines that something to be known of the selected image takes among them.
const CAUTION_LINES: u16 = 2;

/// Lines of the list of images in a panel with `height` lines inside.
pub fn data_rows(app: &App, height: u16) -> usize {
    let details = DATA_DETAILS + CAUTION_LINES * app.cautions(app.screen.data_row).len() as u16;
    let details = if height >= details + 6 { details } else { 0 };
    usize::from(height.saturating_sub(1 + details))
}

/// First scale shown in a feature table of `width` columns.
pub fn first_scale(app: &App, width: u16) -> usize {
    let columns = usize::from(width.saturating_sub(FEATURE_NAMES) / FEATURE_COLUMN).max(1);
    first_shown(app.shown_selection().scales.len() + 1, columns, app.features.column)
}

/// A box of at most `width` x `height` in the middle of the screen.
fn centered(screen: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(screen.width), height.min(screen.height));
    Rect::new((screen.width - width) / 2, (screen.height - height) / 2, width, height)
}

/// Lines that the explanation of a form takes in a popup of `width` columns, borders included.
fn explanation_height(form: &Form, width: u16) -> u16 {
    let room = width.saturating_sub(2);
    form.explanation.lines().map(|line| lines_of(line, room)).sum::<u16>().max(1)
}

fn popup_area(app: &App, popup: &Popup, screen: Rect) -> Rect {
    let tall = screen.height.saturating_sub(4).max(3);
    match popup {
        Popup::Help { .. } => {
            let lines = help_lines(&app.keymap).len() as u16;
            centered(screen, 100, tall.min(lines + 24))
        }
        Popup::Palette { .. } => centered(screen, 90, tall.min(18)),
        Popup::Prompt { .. } => centered(screen, 64, 5),
        Popup::Question(question) => {
            let [text, more] = question.text(&app.project_name());
            let choices = question.choices().iter().map(|(label, _)| choice_width(label) + CHOICE_GAP);
            let choices = choices.sum::<u16>().saturating_sub(CHOICE_GAP);
            let longest = text.chars().count().max(more.chars().count()).min(96) as u16;
            let width = longest.max(choices).max(40) + 4;
            let room = width.min(screen.width).saturating_sub(2);
            centered(screen, width, lines_of(&text, room) + lines_of(&more, room) + 5)
        }
        Popup::Messages { .. } => centered(screen, 100, tall),
        Popup::Form(open) => {
            let height = match open.form.explaining {
                true => explanation_height(&open.form, open.form.width.min(screen.width)),
                false => form_height(&open.form),
            };
            let height = height.saturating_add(2);
            let area = centered(screen, open.form.width, height.min(screen.height.saturating_sub(2).max(3)));
            if open.form.aside { Rect { x: 0, ..area } } else { area }
        }
        Popup::Recent { .. } => centered(screen, 90, tall.min(app.files.recent.len() as u16 + 2)),
    }
}
