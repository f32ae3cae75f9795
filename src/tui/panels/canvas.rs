//! The frame around the canvas: which image, zoom, tool.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::theme::{Theme, cut};
use crate::app::band::BandUse;
use crate::app::{App, Applet, Focus, Tool};
use crate::command::{Action, Command};

/// Draws the frame.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let name = app.project.lanes.get(app.lane).map_or("", |lane| lane.raw.nickname.as_str());
    let count = app.views.len();
    let lane = if count > 1 { format!("{}/{count} {name}", app.lane + 1) } else { name.to_owned() };
    let title = cut(&lane, usize::from(area.width.saturating_sub(16)));
    let mut block = theme.block(&title, app.screen.focus == Focus::Canvas);
    if let Some(view) = app.view() {
        if let Some(zoom) = view.pane().zoom {
            let zoom = zoom * 100.0;
            let digits = usize::from(zoom < 10.0);
            block = block.title_top(Line::from(format!(" {zoom:.digits$} % ")).right_aligned());
        }
        if app.space()[0] > 1 {
            let mut axes = vec![Span::raw(" ")];
            for (axis, _) in app.panes() {
                let active = view.three && axis == view.axis;
                let style = if active { theme.selected() } else { Default::default() };
                axes.push(Span::styled(axis.key().to_string(), style));
                axes.push(Span::raw(" "));
            }
            block = block.title_bottom(Line::from(axes).right_aligned());
        }
    }
    frame.render_widget(block.title_bottom(tool_line(app, theme)), area);
}

fn tool_line(app: &App, theme: &Theme) -> Line<'static> {
    let size = app.paint.active_brush().diameter;
    let text = match app.paint.tool {
        Tool::Brush => format!(" brush {size} "),
        Tool::Eraser => format!(" eraser {size} "),
        Tool::Navigate => " navigate ".into(),
        Tool::Contrast => " window leveling ".into(),
    };
    // Elsewhere nothing is painted.
    let text = if app.screen.applet == Applet::Training { text } else { String::new() };
    let mut spans = vec![Span::raw(text)];
    if let Some((what, [a, b])) = app.band() {
        let name = match what {
            BandUse::Zoom => "zoom to",
            BandUse::Paint => "rectangle",
        };
        let [rows, columns]: [i64; 2] = std::array::from_fn(|i| (a[i] - b[i]).abs() + 1);
        spans.push(Span::styled(format!(" {name} {columns} x {rows} "), theme.selected()));
    }
    if app.paint.pen_down {
        spans.push(Span::styled(" pen down ", theme.selected()));
    }
    Line::from(spans)
}

/// Draws what to do where no image is open.
pub fn draw_welcome(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let text = if app.files.opening {
        vec![Line::styled("Opening …", theme.strong())]
    } else {
        let mut lines = vec![
            Line::styled("No image is open.", theme.strong()),
            Line::default(),
            Line::from("Open an image or a project with ':' and file.open, or start with one:"),
            Line::from("brushwood IMAGE"),
        ];
        if !app.files.recent.is_empty() {
            let action = Action::Run(Command::FileRecent);
            let key = app.keymap.keys_of(&action, app.mode()).into_iter().next().unwrap_or_default();
            lines.extend([Line::default(), Line::from(format!("Open lately ({key} to choose):"))]);
            lines.extend(app.files.recent.iter().map(|location| Line::from(location.as_str())));
        }
        lines
    };
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), area);
}
