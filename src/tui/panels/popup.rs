//! Prompts, questions and the messages so far.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};
use tui_input::Input;

use super::theme::{Theme, cut};
use crate::app::App;
use crate::app::layout::{choice_areas, first_shown};
use crate::app::popups::Question;
use crate::command::Row;

/// Draws a line of input after `label` on the first row of `area`; the place of the text cursor.
pub fn input_line(frame: &mut Frame<'_>, area: Rect, label: &str, input: &Input) -> Position {
    let room = usize::from(area.width).saturating_sub(label.len() + 1);
    let scroll = input.visual_scroll(room);
    let shown: String = input.value().chars().skip(scroll).take(room).collect();
    frame.render_widget(Line::from(format!("{label}{shown}")), Rect { height: 1.min(area.height), ..area });
    let column = label.len() + input.visual_cursor().saturating_sub(scroll);
    Position::new((area.x + column as u16).min(area.right().saturating_sub(1)), area.y)
}

/// Draws the line for a command's argument; the place of the text cursor.
pub fn draw_prompt(
    frame: &mut Frame<'_>,
    theme: &Theme,
    area: Rect,
    row: &Row,
    input: &Input,
    error: Option<&str>,
) -> Position {
    let block = theme.block(row.doc, true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let label = format!("{}: ", row.argument.unwrap_or("value"));
    let cursor = input_line(frame, inner, &label, input);
    let note = match error {
        Some(error) => Line::styled(error.to_owned(), theme.level(crate::app::Level::Error)),
        None => Line::styled("Enter does it, Esc leaves it", theme.weak()),
    };
    let y = inner.bottom().saturating_sub(1);
    frame.render_widget(note, Rect { y, height: 1, ..inner });
    cursor
}

/// Draws a question with its choices.
pub fn draw_question(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, question: &Question) {
    let block = theme.block("question", true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [text, more] = question.text(&app.project_name());
    let lines = vec![Line::styled(text, theme.strong()), Line::from(more)];
    let above = Rect { height: inner.height.saturating_sub(3), ..inner };
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), above);
    for (i, ((label, key), area)) in question.choices().iter().zip(choice_areas(area, question)).enumerate() {
        let style = if i == question.selected { theme.selected() } else { Default::default() };
        frame.render_widget(Line::styled(format!(" {label} ({key}) "), style), area);
    }
}

/// Draws the list of what was open lately.
pub fn draw_recent(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, selected: usize) {
    let block = theme.block("recent", true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = usize::from(inner.width);
    let list = &app.files.recent;
    let first = first_shown(list.len(), usize::from(inner.height), selected);
    for ((i, location), y) in list.iter().enumerate().skip(first).zip(inner.top()..inner.bottom()) {
        // The end of a path tells more than its beginning.
        let room = width.saturating_sub(4);
        let count = location.chars().count();
        let shown: String = if count > room {
            std::iter::once('…').chain(location.chars().skip(count + 1 - room.max(1))).collect()
        } else {
            location.clone()
        };
        let style = if i == selected { theme.selected() } else { Default::default() };
        frame.render_widget(
            Line::styled(format!("{:>2}  {shown}", i + 1), style),
            Rect { y, height: 1, ..inner },
        );
    }
}

/// Draws the messages, the newest last.
pub fn draw_messages(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, scroll: usize) {
    let block = theme.block("messages", true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let entries = app.messages.entries();
    if entries.is_empty() {
        return frame.render_widget("No messages yet.", inner);
    }
    let width = usize::from(inner.width);
    let shown = &entries[..entries.len().saturating_sub(scroll.min(entries.len() - 1))];
    let mut lines: Vec<Line<'_>> = Vec::new();
    for message in shown.iter().rev() {
        let seconds = message.at.as_secs();
        let time = format!("{:>3}:{:02}  ", seconds / 60, seconds % 60);
        let mut part = vec![Line::from(vec![
            Span::styled(time, theme.weak()),
            Span::styled(cut(&message.text.what, width.saturating_sub(8)), theme.level(message.level)),
        ])];
        for text in [&message.text.why, &message.text.remedy].into_iter().filter(|text| !text.is_empty()) {
            part.push(Line::from(format!("        {}", cut(text, width.saturating_sub(8)))));
        }
        if lines.len() + part.len() > usize::from(inner.height) {
            break;
        }
        part.append(&mut lines);
        lines = part;
    }
    frame.render_widget(Paragraph::new(lines), inner);
}
