//! The help, filtered by typing, and the box with the possible next keys.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use tui_input::Input;

use super::popup::input_line;
use super::theme::{Theme, cut};
use crate::app::App;
use crate::command::help::{help_for, which_key};
use crate::command::keys::print_sequence;

/// Draws the help; the place of the text cursor.
pub fn draw(
    frame: &mut Frame<'_>,
    app: &App,
    theme: &Theme,
    area: Rect,
    filter: &Input,
    scroll: usize,
) -> Position {
    let block = theme.block("help: type to filter, Esc closes", true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let cursor = input_line(frame, inner, "filter ", filter);
    let width = usize::from(inner.width);
    let mut lines = Vec::new();
    let mut area_shown = "";
    let matching = help_for(&app.keymap, app.mode()).into_iter().filter(|line| line.matches(filter.value()));
    for line in matching.skip(scroll) {
        if line.area != area_shown {
            area_shown = line.area;
            lines.push(Line::styled(area_shown, theme.strong()));
        }
        let keys = 24.min(width / 3);
        let usage = if width >= 90 { 28 } else { 0 };
        let doc = width.saturating_sub(keys + usage + 3);
        lines.push(Line::from(vec![
            Span::styled(format!(" {:<keys$} ", cut(&line.keys_text(), keys)), theme.strong()),
            Span::raw(format!("{:<doc$}", cut(line.doc, doc))),
            Span::styled(cut(&line.usage, usage), theme.weak()),
        ]));
    }
    if lines.is_empty() {
        lines.push(Line::from("Nothing matches."));
    }
    let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    frame.render_widget(Paragraph::new(lines), list);
    cursor
}

/// Draws the keys that may follow.
pub fn draw_which_key(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    frame.render_widget(Clear, area);
    let typed = print_sequence(&app.screen.pending);
    let block = theme.block(&typed, true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let rows = which_key(&app.keymap, app.mode(), &app.screen.pending);
    let longest = rows.iter().map(|(keys, _)| keys.chars().count()).max().unwrap_or(0);
    let lines: Vec<Line<'_>> = rows
        .into_iter()
        .map(|(keys, doc)| {
            Line::from(vec![Span::styled(format!(" {keys:<longest$} "), theme.strong()), Span::raw(doc)])
        })
        .collect();
    let height = usize::from(inner.height).max(1);
    let columns = lines.len().div_ceil(height).clamp(1, 2) as u16;
    let width = inner.width / columns;
    for (column, part) in (0..columns).zip(lines.chunks(height)) {
        let area = Rect { x: inner.x + column * width, width, ..inner };
        frame.render_widget(Paragraph::new(part.to_vec()), area);
    }
}
