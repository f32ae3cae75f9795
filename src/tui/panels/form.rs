//! Dialogs: their fields, what is wrong with them, and the buttons.

use ratatui::Frame;
use ratatui::layout::{Margin, Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::popup::input_line;
use super::theme::{Theme, cut};
use crate::app::form::{
    Field, FieldKind, Focus, Form, FormLayout, Row, RowValue, Table, choice_spans, complete, folder_of,
};
use crate::app::layout::first_shown;
use crate::app::{App, Level};

/// Draws a dialog; where it takes text, says where the text cursor is.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, form: &Form) -> Option<Position> {
    let title = cut(&form.title, usize::from(area.width.saturating_sub(4)));
    let block = theme.block(&title, true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if form.explaining {
        let text: Vec<Line<'_>> = form.explanation.lines().map(Line::from).collect();
        frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: false }), inner);
        return None;
    }
    let layout = FormLayout::of(form, inner);
    let mut cursor = None;
    for place in &layout.places {
        let field = &form.fields[place.field];
        let focused = form.focus == Focus::Field(place.field);
        let at = draw_field(frame, theme, place.area, field, layout.labels, focused);
        cursor = cursor.or(at);
        if let (Some(area), Some(error)) = (place.error, &field.error) {
            let text = cut(&format!("  {error}"), usize::from(area.width));
            frame.render_widget(Line::styled(text, theme.level(Level::Error)), area);
        }
    }
    if let (Some(area), Some(text)) = (layout.picture, &form.picture) {
        draw_picture_place(frame, app, theme, area, text);
    }
    let width = usize::from(layout.note.width);
    match &form.refused {
        // The line above is free: what may follow a path is not shown then.
        Some(why) if why.chars().count() > width && layout.note.y > inner.y => {
            let above = Rect { y: layout.note.y - 1, height: 2, ..layout.note };
            let text =
                Paragraph::new(why.as_str()).style(theme.level(Level::Error)).wrap(Wrap { trim: true });
            frame.render_widget(text, above);
        }
        refused => {
            draw_candidates(frame, app, theme, form, &layout);
            let note = match refused {
                Some(why) => Line::styled(cut(why, width), theme.level(Level::Error)),
                None => Line::styled(cut(&form.note(), width), theme.weak()),
            };
            frame.render_widget(note, layout.note);
        }
    }
    let button = |focus: Focus| if form.focus == focus { theme.selected() } else { theme.strong() };
    frame.render_widget(Line::styled(format!("[ {} ]", form.ok), button(Focus::Ok)), layout.ok);
    frame.render_widget(Line::styled("[ Cancel ]", button(Focus::Cancel)), layout.cancel);
    frame.render_widget(Line::styled("   F1 help", theme.weak()), layout.help);
    cursor
}

/// Where a dialog whose borders are `area` has room for a small picture.
pub fn picture_place(form: &Form, area: Rect) -> Option<Rect> {
    if form.explaining { None } else { FormLayout::of(form, area.inner(Margin::new(1, 1))).picture }
}

/// Leaves the place of a small picture blank, or says why there is none.
fn draw_picture_place(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, text: &str) {
    if matches!(app.thumbnails.shown(), Some(Ok(_))) {
        // Unlike other blanks: they are sent when the picture goes.
        frame.buffer_mut().set_style(area, Style::new().add_modifier(Modifier::HIDDEN));
    } else {
        frame.render_widget(Paragraph::new(text).style(theme.weak()).wrap(Wrap { trim: true }), area);
    }
}

/// What a path that is typed may go on with, on the line above the note.
fn draw_candidates(frame: &mut Frame<'_>, app: &App, theme: &Theme, form: &Form, layout: &FormLayout) {
    let Some(FieldKind::Path(input)) = form.focused().map(|field| &field.kind) else { return };
    let area = Rect { y: layout.note.y.saturating_sub(1), ..layout.note };
    let text = match app.folders.get(folder_of(input.value())) {
        None => return,
        // The folders of a pattern are not listed.
        Some(Err(_)) if folder_of(input.value()).contains(['*', '?']) => return,
        Some(Err(why)) => format!("{}: {why}", folder_of(input.value())),
        Some(Ok(listing)) => complete(input.value(), &listing.entries).candidates.join("  "),
    };
    frame.render_widget(Line::styled(cut(&text, usize::from(area.width)), theme.weak()), area);
}

fn draw_field(
    frame: &mut Frame<'_>,
    theme: &Theme,
    area: Rect,
    field: &Field,
    labels: u16,
    focused: bool,
) -> Option<Position> {
    let style = match (focused, &field.disabled) {
        (true, _) => theme.strong(),
        (_, Some(_)) => theme.weak(),
        _ => Style::default(),
    };
    let first = Rect { height: 1.min(area.height), ..area };
    let value = Rect { x: area.x + labels, width: area.width.saturating_sub(labels), ..first };
    match &field.kind {
        FieldKind::Table(table) => return draw_table(frame, theme, area, field, table, focused),
        FieldKind::Preview(lines, from) => {
            let mut area = area;
            if !field.label.is_empty() {
                frame.render_widget(Line::styled(field.label.clone(), style), first);
                area = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
            }
            let rows = usize::from(area.height);
            let from = (*from).min(lines.len().saturating_sub(rows));
            let width = usize::from(area.width);
            let shown = lines.iter().skip(from).take(rows).map(|line| Line::from(cut(line, width)));
            frame.render_widget(Paragraph::new(shown.collect::<Vec<_>>()), area);
            return None;
        }
        FieldKind::Action => {
            let style = if focused { theme.selected() } else { style };
            frame.render_widget(Line::styled(format!("[ {} ]", field.label), style), first);
            return None;
        }
        _ => {}
    }
    frame.render_widget(Line::styled(cut(&field.label, usize::from(labels)), style), first);
    if let Some(why) = &field.disabled {
        let text = cut(why, usize::from(value.width));
        frame.render_widget(Line::styled(text, theme.weak()), value);
        return None;
    }
    match &field.kind {
        FieldKind::Text(input) | FieldKind::Path(input) => {
            let at = input_line(frame, value, "", input);
            focused.then_some(at)
        }
        FieldKind::Number(number) => {
            let at = input_line(frame, value, "", &number.input);
            focused.then_some(at)
        }
        FieldKind::Toggle(on) => {
            let text = if *on { "[x]" } else { "[ ]" };
            frame.render_widget(Line::styled(text, if focused { theme.selected() } else { style }), value);
            None
        }
        FieldKind::Choice(options, chosen) => {
            frame.render_widget(choice_line(theme, options, *chosen, value.width, focused), value);
            None
        }
        FieldKind::Table(_) | FieldKind::Preview(..) | FieldKind::Action => None,
    }
}

fn choice_line<'a>(theme: &Theme, options: &[String], chosen: usize, width: u16, focused: bool) -> Line<'a> {
    let marked = if focused { theme.selected() } else { theme.strong() };
    if choice_spans(options, width).is_none() {
        let text = options.get(chosen).map_or("", String::as_str);
        let text = cut(text, usize::from(width).saturating_sub(14));
        let count = format!(" {}/{}", chosen + 1, options.len());
        return Line::from(vec![
            Span::styled(format!("< {text} >"), marked),
            Span::styled(count, theme.weak()),
        ]);
    }
    let mut spans = Vec::new();
    for (i, option) in options.iter().enumerate() {
        match i == chosen {
            true => spans.push(Span::styled(format!("[{option}]"), marked)),
            false => spans.push(Span::raw(format!(" {option} "))),
        }
        spans.push(Span::raw("  "));
    }
    Line::from(spans)
}

fn draw_table(
    frame: &mut Frame<'_>,
    theme: &Theme,
    area: Rect,
    field: &Field,
    table: &Table,
    focused: bool,
) -> Option<Position> {
    let (width, mut area) = (usize::from(area.width), area);
    let mut take_line = || {
        let line = Rect { height: 1.min(area.height), ..area };
        area = Rect { y: area.y + line.height, height: area.height - line.height, ..area };
        line
    };
    if !field.label.is_empty() {
        let style = if focused { theme.strong() } else { Style::default() };
        frame.render_widget(Line::styled(field.label.clone(), style), take_line());
    }
    let widths = table.widths(width);
    if !table.heading.is_empty() {
        let marks = if table.marks { "    " } else { "" };
        let text = format!("{marks}{}", columns(&table.heading, &widths));
        let line = take_line();
        frame.render_widget(Line::styled(cut(&text, usize::from(line.width)), theme.weak()), line);
    }
    if table.rows.is_empty() {
        frame.render_widget(
            Line::styled(table.empty.clone(), theme.weak()),
            Rect { height: 1.min(area.height), ..area },
        );
        return None;
    }
    let first = first_shown(table.rows.len(), usize::from(area.height), table.cursor);
    let mut cursor = None;
    for ((i, row), y) in table.rows.iter().enumerate().skip(first).zip(area.top()..area.bottom()) {
        let here = i == table.cursor;
        let line = Rect { y, height: 1, ..area };
        let (text, typed_at) = row_text(table, row, &widths, here && focused);
        let text = format!("{:<1$}", cut(&text, usize::from(area.width)), usize::from(area.width));
        let style = match (here, focused, &row.error) {
            (true, true, _) => theme.selected(),
            (_, _, Some(_)) => theme.level(Level::Error),
            (true, false, _) => theme.strong(),
            _ => Style::default(),
        };
        frame.render_widget(Line::styled(text, style), line);
        if let Some(column) = typed_at {
            let x = area.x + u16::try_from(column).unwrap_or(0);
            cursor = Some(Position::new(x.min(area.right().saturating_sub(1)), y));
        }
    }
    cursor
}

/// A row's line, and the column of the text cursor in its value, when it is typed into.
fn row_text(table: &Table, row: &Row, widths: &[usize], typed: bool) -> (String, Option<usize>) {
    let mark = match (table.marks, row.marked) {
        (false, _) => "",
        (_, true) => "[x] ",
        (_, false) => "[ ] ",
    };
    let mut cells = row.cells.clone();
    let value = table.value_text(row);
    let has_value = row.value != RowValue::None;
    if has_value {
        cells.push(match row.value {
            RowValue::Choice(_) => format!("< {value} >"),
            _ => value.clone(),
        });
    }
    let text = format!("{mark}{}", columns(&cells, widths));
    let at = match &row.value {
        RowValue::Text(input) if typed => {
            let before: usize = widths.iter().take(row.cells.len()).map(|width| width + 2).sum();
            Some(mark.len() + before + input.visual_cursor())
        }
        _ => None,
    };
    (text, at)
}

/// Cells side by side.
fn columns(cells: &[String], widths: &[usize]) -> String {
    let cells = cells.iter().zip(widths).map(|(cell, &width)| format!("{:<width$}", cut(cell, width)));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}
