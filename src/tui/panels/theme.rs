//! Styles: the terminal's own colours, emphasis by bold, dim and reverse, colour only where it means a label.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;
use ratatui::widgets::{Block, BorderType};

use crate::app::Level;
use crate::data::classes::Rgb;

/// How text is styled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Whether colours may be used; `false` under NO_COLOR.
    pub color: bool,
}

impl Default for Theme {
    fn default() -> Self {
        Theme { color: true }
    }
}

impl Theme {
    /// The theme for the value of the environment variable NO_COLOR: any text in it means no colour.
    pub fn for_no_color(variable: Option<&str>) -> Self {
        Theme { color: variable.is_none_or(str::is_empty) }
    }

    /// What matters most.
    pub fn strong(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What matters least.
    pub fn weak(&self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// The entry under the cursor of a list.
    pub fn selected(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The style of a message.
    pub fn level(&self, level: Level) -> Style {
        let color = match level {
            Level::Info => return Style::new(),
            Level::Warning => Color::Yellow,
            Level::Error => Color::Red,
        };
        if self.color { self.strong().fg(color) } else { self.strong() }
    }

    /// A patch of a label's colour.
    pub fn swatch(&self, [r, g, b]: Rgb) -> Span<'static> {
        if self.color { Span::styled("■", Style::new().fg(Color::Rgb(r, g, b))) } else { Span::raw("■") }
    }

    /// A box with a title; `active` for the panel that takes keys first.
    pub fn block<'a>(&self, title: &'a str, active: bool) -> Block<'a> {
        let block = Block::bordered().title(Span::styled(format!(" {title} "), self.strong()));
        if active { block.border_type(BorderType::Thick) } else { block.border_style(self.weak()) }
    }
}

/// The first `width` columns of a text, ending in `…` when it was cut.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    if width > 0 {
        short.push('…');
    }
    short
}
