//! The panel of labels: classes with their colours and counts, brushes, live update.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::theme::{Theme, cut};
use crate::app::layout::{LABELS_FOOT, first_shown};
use crate::app::{App, Focus, Tool};
use crate::command::{Action, Command, Mode};

/// Draws the panel.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let block = theme.block("labels", app.screen.focus == Focus::Labels);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = usize::from(inner.width);
    let rows = usize::from(inner.height.saturating_sub(LABELS_FOOT));
    let classes = &app.project.classes;
    let first = first_shown(classes.len(), rows, app.paint.label - 1);
    let mut lines: Vec<Line<'_>> = classes
        .iter()
        .enumerate()
        .skip(first)
        .take(rows)
        .map(|(i, class)| {
            let count = app.label_count(i + 1).to_string();
            let room = width.saturating_sub(count.len() + 5);
            let name = cut(&class.name, room);
            let (mark, style) =
                if i + 1 == app.paint.label { ('>', theme.selected()) } else { (' ', Default::default()) };
            let lock = if class.locked { '!' } else { ' ' };
            let text = format!("{mark}{:<2}{name:<room$}{lock}{count}", i + 1);
            Line::from(vec![theme.swatch(class.color), Span::styled(text, style)])
        })
        .collect();
    let key = |command: Command| {
        app.keymap.keys_of(&Action::Run(command), Mode::Labels).into_iter().next().unwrap_or_default()
    };
    lines.push(line_with_key("+ add", &key(Command::LabelAdd), width, theme));
    lines.push(brushes(app, theme));
    let live = if app.training.live { "live update on" } else { "live update off" };
    let strong = !app.training.live_was_used || app.training.live;
    let line = line_with_key(live, &key(Command::LiveToggle), width, theme);
    lines.push(if strong { line.style(theme.strong()) } else { line });
    for (line, y) in lines.into_iter().zip(inner.top()..inner.bottom()) {
        frame.render_widget(line, Rect { y, height: 1, ..inner });
    }
}

fn line_with_key(text: &str, key: &str, width: usize, theme: &Theme) -> Line<'static> {
    let gap = width.saturating_sub(text.chars().count() + key.chars().count());
    Line::from(vec![Span::raw(format!("{text}{:gap$}", "")), Span::styled(key.to_owned(), theme.weak())])
}

fn brushes(app: &App, theme: &Theme) -> Line<'static> {
    let style = |tool| if app.paint.tool == tool { theme.strong() } else { theme.weak() };
    Line::from(vec![
        Span::styled(format!("brush {}", app.paint.brush.diameter), style(Tool::Brush)),
        Span::raw("  "),
        Span::styled(format!("eraser {}", app.paint.eraser.diameter), style(Tool::Eraser)),
    ])
}
