//! The palette: commands by name, with keys, and why one can't be used.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use tui_input::Input;

use super::popup::input_line;
use super::theme::{Theme, cut};
use crate::app::App;
use crate::app::layout::first_shown;

/// Draws the palette; the place of the text cursor.
pub fn draw(
    frame: &mut Frame<'_>,
    app: &App,
    theme: &Theme,
    area: Rect,
    input: &Input,
    selected: usize,
) -> Position {
    let block = theme.block("commands", true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let cursor = input_line(frame, inner, ": ", input);
    let entries = app.palette_entries(input.value());
    let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let first = first_shown(entries.len(), usize::from(list.height), selected);
    let width = usize::from(inner.width);
    let (names, keys) = (30.min(width / 2), if width >= 70 { 12 } else { 0 });
    for ((i, entry), y) in entries.iter().enumerate().skip(first).zip(list.top()..list.bottom()) {
        let key = entry.line.keys.first().map_or("", |(keys, _)| keys.as_str());
        let text = match &entry.unavailable {
            Some(why) => format!("not now: {why}"),
            None => entry.line.doc.to_owned(),
        };
        let room = width.saturating_sub(names + keys + 1);
        let style = match (i == selected, &entry.unavailable) {
            (true, _) => theme.selected(),
            (false, Some(_)) => theme.weak(),
            _ => Default::default(),
        };
        let line = Line::from(vec![
            Span::styled(format!("{:<names$} ", cut(&entry.line.usage, names)), style),
            Span::raw(format!("{:<keys$}", cut(key, keys))),
            Span::styled(
                cut(&text, room),
                if entry.unavailable.is_some() { theme.weak() } else { Default::default() },
            ),
        ]);
        frame.render_widget(line, Rect { y, height: 1, ..list });
    }
    if entries.is_empty() {
        frame.render_widget("Nothing matches.", list);
    }
    cursor
}
