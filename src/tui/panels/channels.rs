//! The panel of channels: which are shown, in which colours, and between which values.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::theme::{Theme, cut};
use crate::app::channels::Shading;
use crate::app::layout::first_shown;
use crate::app::{App, ChannelView, Focus};

/// Draws the panel.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let Some(display) = app.view().map(|view| &view.display) else { return };
    let focused = app.screen.focus == Focus::Channels;
    let title = match display.view {
        ChannelView::Gray => match display.shading {
            Shading::Gray => "channels (gray)",
            Shading::Colortable => "channels (labels)",
            Shading::Tinted => "channels (tinted)",
            Shading::Mask => "channels (mask)",
        },
        ChannelView::Composite if display.linked => "channels (linked)",
        ChannelView::Composite => "channels",
    };
    let block = theme.block(title, focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let tints = &display.tints;
    let first = first_shown(tints.len(), usize::from(inner.height), display.selected);
    for ((i, tint), y) in tints.iter().enumerate().skip(first).zip(inner.top()..inner.bottom()) {
        let shown = match display.view {
            ChannelView::Gray => i == display.selected,
            ChannelView::Composite => tint.on,
        };
        let mark = if shown { 'x' } else { ' ' };
        let (low, high) = app.display_range(i);
        let range = format!("{}-{}", app.shown_value(low), app.shown_value(high));
        let room = usize::from(inner.width).saturating_sub(8);
        let text = format!("[{mark}] {:<2} {:>room$}", i + 1, cut(&range, room));
        let style = match (i == display.selected, focused) {
            (true, true) => theme.selected(),
            (true, false) => theme.strong(),
            _ => Default::default(),
        };
        let line = Line::from(vec![Span::styled(text, style), theme.swatch(tint.color)]);
        frame.render_widget(line, Rect { y, height: 1, ..inner });
    }
}
