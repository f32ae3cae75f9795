//! The panel of layers: what is drawn over the image, and how strongly.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::theme::{Theme, cut};
use crate::app::layout::first_shown;
use crate::app::{App, Focus};
use crate::render::LayerKind;

/// Draws the panel.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let focused = app.screen.focus == Focus::Layers;
    let title = if app.layers.is_solo() { "layers (solo)" } else { "layers" };
    let block = theme.block(title, focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let layers = &app.layers.layers;
    let first = first_shown(layers.len(), usize::from(inner.height), app.layers.selected);
    for ((i, layer), y) in layers.iter().enumerate().skip(first).zip(inner.top()..inner.bottom()) {
        let class = |n: u8| app.project.classes.get(usize::from(n) - 1);
        let (name, color) = match layer.kind {
            LayerKind::Labels => ("Labels".into(), None),
            LayerKind::Mask => ("Mask".into(), None),
            LayerKind::Uncertainty => ("Uncertainty".into(), None),
            LayerKind::Segmentation(n) => (format!("Segm. {n}"), class(n)),
            LayerKind::Prediction(n) => (format!("Prob. {n}"), class(n)),
            LayerKind::RawInput => ("Raw Input".into(), None),
        };
        let mark = if layer.visible { "[x] " } else { "[ ] " };
        let room = usize::from(inner.width).saturating_sub(9);
        let text = format!("{:<room$}{:>4}", cut(&name, room), (layer.opacity * 100.0).round());
        let style = if focused && i == app.layers.selected { theme.selected() } else { Default::default() };
        let swatch = color.map_or(Span::raw(" "), |class| theme.swatch(class.probability_color));
        let line = Line::from(vec![Span::styled(format!("{mark}{text}"), style), swatch]);
        frame.render_widget(line, Rect { y, height: 1, ..inner });
    }
}
