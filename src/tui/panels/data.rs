//! The Data applet: the project's images.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::theme::{Theme, cut};
use crate::app::App;
use crate::app::edits::location_text;
use crate::app::layout::first_shown;

/// Draws the list of images.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let title = format!("Input Data: {} images", app.views.len());
    let block = theme.block(if app.views.len() == 1 { "Input Data: 1 image" } else { &title }, true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = usize::from(inner.width);
    let heading = row("", "Image", "Shape", "Type", "Labels", "Location", width);
    frame.render_widget(Line::styled(heading, theme.weak()), Rect { height: 1, ..inner });
    let rows = usize::from(inner.height.saturating_sub(1));
    let first = first_shown(app.views.len(), rows, app.screen.data_row);
    let lanes = app.project.lanes.iter().zip(app.sources.iter()).enumerate().skip(first);
    for ((i, (lane, source)), y) in lanes.zip(inner.top() + 1..inner.bottom()) {
        let info = source.raw.info();
        let shape: Vec<String> = info.axes.pick(&info.shape).iter().map(usize::to_string).collect();
        let shape = format!("{} {}", info.axes, shape.join("x"));
        let labels: u64 = app.edits.counts.get(i).map_or(0, |counts| counts.iter().sum());
        let mut location = location_text(&lane.raw);
        if let Some(mask) = &lane.mask {
            location.push_str(&format!(", mask {}", location_text(mask)));
        }
        let mark = if i == app.lane { ">" } else { " " };
        let text = row(
            &format!("{mark}{}", i + 1),
            &lane.raw.nickname,
            &shape,
            info.dtype.name(),
            &labels.to_string(),
            &location,
            width,
        );
        let style = if i == app.screen.data_row { theme.selected() } else { Default::default() };
        frame.render_widget(Line::styled(text, style), Rect { y, height: 1, ..inner });
    }
    if app.views.is_empty() {
        let y = inner.top() + 1;
        frame.render_widget("No image yet: add one.", Rect { y, height: 1, ..inner }.intersection(inner));
    }
}

fn row(
    number: &str,
    name: &str,
    shape: &str,
    dtype: &str,
    labels: &str,
    location: &str,
    width: usize,
) -> String {
    let names = (width / 4).clamp(10, 30);
    let text =
        format!("{number:<4}{:<names$} {shape:<20} {dtype:<8} {labels:>8}  {location}", cut(name, names));
    cut(&text, width)
}
