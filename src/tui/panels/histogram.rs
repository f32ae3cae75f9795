//! The histogram of the slice: how often its values occur, and which of them the contrast spans.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::theme::Theme;
use crate::app::histogram::BINS;
use crate::app::{App, Tool};

/// Eighths of a cell, from the bottom.
const BARS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Draws the panel.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let channel = app.histogram_channel();
    let title = if app.has_channels() { format!("contrast {}", channel + 1) } else { "contrast".into() };
    let block = theme.block(&title, app.paint.tool == Tool::Contrast);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (low, high) = app.display_range(channel);
    let rows = inner.height.saturating_sub(1);
    if let Some(histogram) = &app.histogram {
        let heights = histogram.heights();
        let (first, last) = histogram.range;
        // Whether the values of a bin are neither all black nor all white.
        let within = |bin: usize| {
            let edge = |bin: usize| first + bin as f64 * (last - first) / BINS as f64;
            edge(bin + 1) >= low && edge(bin) <= high
        };
        for row in 0..rows {
            let below = f64::from(rows - 1 - row);
            let bars = heights.iter().take(usize::from(inner.width)).enumerate().map(|(bin, height)| {
                let eighths = ((height * f64::from(rows) - below) * 8.0).ceil().clamp(0.0, 8.0);
                let style = if within(bin) { theme.strong() } else { theme.weak() };
                Span::styled(BARS[eighths as usize], style)
            });
            let y = inner.y + row;
            frame.render_widget(Line::from(bars.collect::<Vec<_>>()), Rect { y, height: 1, ..inner });
        }
    }
    let (low, high) = (app.shown_value(low), app.shown_value(high));
    let gap = usize::from(inner.width).saturating_sub(low.len() + high.len());
    let text = format!("{low}{:gap$}{high}", "");
    frame.render_widget(Line::raw(text), Rect { y: inner.y + rows, height: inner.height.min(1), ..inner });
}
