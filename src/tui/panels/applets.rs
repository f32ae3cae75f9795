//! The tab bar.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::theme::{Theme, cut};
use crate::app::layout::tab_columns;
use crate::app::{App, Applet};

/// Draws the tabs and the project's name.
pub fn draw_tabs(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let mut end = area.x;
    for (i, ((applet, title), (at, width))) in Applet::ALL.into_iter().zip(tab_columns()).enumerate() {
        let style = if applet == app.screen.applet { theme.selected() } else { Default::default() };
        let tab = Rect { x: area.x + at, width, ..area }.intersection(area);
        frame.render_widget(Span::styled(format!(" {} {title} ", i + 1), style), tab);
        end = tab.right();
    }
    let mark = if app.files.saving {
        " saving"
    } else if app.files.access.refused.is_some() {
        if app.is_dirty() { " * (read-only)" } else { " (read-only)" }
    } else if app.is_dirty() {
        " *"
    } else {
        ""
    };
    let room = usize::from(area.right().saturating_sub(end + 2)).saturating_sub(mark.len());
    let name = format!("{}{mark} ", cut(&app.project_name(), room));
    frame.render_widget(Line::styled(name, theme.strong()).right_aligned(), area);
}
