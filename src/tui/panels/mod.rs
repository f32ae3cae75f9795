//! Drawing of everything but the picture: a function of the state, onto ratatui's buffer.
//!
//! Text stands on the terminal's own colours. Decides nothing: where things are says `app::layout`.

mod applets;
mod canvas;
mod channels;
mod data;
mod features;
mod form;
mod help;
mod histogram;
mod labels;
mod layers;
mod palette;
mod popup;
mod runs;
mod status;
mod theme;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Clear;

pub use theme::Theme;

use crate::app::popups::Popup;
use crate::app::{App, Applet, Layout};
use crate::graphics::CellRect;

/// Where the picture goes after the text was drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawn {
    /// The cells that the picture fills; `None` where no canvas is shown.
    pub canvas: Option<CellRect>,
    /// Cells of the canvas that text covers.
    pub holes: Vec<CellRect>,
    /// Cells for a small picture in a dialog; `None` where none is shown.
    pub small: Option<CellRect>,
}

fn cells(area: Rect) -> CellRect {
    CellRect { x: area.x, y: area.y, width: area.width, height: area.height }
}

/// Smallest screen (columns, rows) that the panels are drawn on.
const SMALLEST: [u16; 2] = [20, 6];

/// Draws the screen of `app`; the canvas' cells are left blank for the picture.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme) -> Drawn {
    let layout = Layout::of(app);
    let screen = frame.area();
    if screen.width < SMALLEST[0] || screen.height < SMALLEST[1] {
        frame.render_widget("too small", screen);
        return Drawn::default();
    }
    if !layout.tabs.is_empty() {
        applets::draw_tabs(frame, app, theme, layout.tabs);
    }
    match app.screen.applet {
        Applet::Training => draw_training(frame, app, theme, &layout),
        Applet::Data => data::draw(frame, app, theme, layout.body),
        Applet::Features if app.looks_at_features() => {
            if let Some(area) = layout.features {
                features::draw_list(frame, app, theme, area);
            }
            draw_training(frame, app, theme, &layout);
        }
        Applet::Features => features::draw(frame, app, theme, layout.body),
        Applet::Export => runs::draw_export(frame, app, theme, layout.body),
        Applet::Batch => runs::draw_batch(frame, app, theme, layout.body),
    }
    status::draw_status(frame, app, theme, layout.status);
    status::draw_hints(frame, app, theme, layout.status, layout.hints);
    let mut holes = Vec::new();
    if let Some(area) = layout.which_key {
        help::draw_which_key(frame, app, theme, area);
        holes.push(area);
    }
    if let (Some(popup), Some(area)) = (app.popups.last(), layout.popup) {
        frame.render_widget(Clear, area);
        if let Some(cursor) = draw_popup(frame, app, theme, popup, area) {
            frame.set_cursor_position(cursor);
        }
        holes.push(area);
    }
    let canvas = layout.canvas.filter(|area| app.has_image() && !area.is_empty());
    let covered =
        |hole: &Rect| canvas.map(|canvas| hole.intersection(canvas)).filter(|hole| !hole.is_empty());
    let small = match (app.popups.last(), layout.popup, app.thumbnails.shown()) {
        (Some(Popup::Form(open)), Some(area), Some(Ok(_))) => form::picture_place(&open.form, area),
        _ => None,
    };
    Drawn {
        canvas: canvas.map(cells),
        holes: holes.iter().filter_map(covered).map(cells).collect(),
        small: small.map(cells),
    }
}

fn draw_training(frame: &mut Frame<'_>, app: &App, theme: &Theme, layout: &Layout) {
    if let Some(area) = layout.labels {
        labels::draw(frame, app, theme, area);
    }
    if let Some(area) = layout.frame {
        canvas::draw(frame, app, theme, area);
    }
    if let Some(area) = layout.layers {
        layers::draw(frame, app, theme, area);
    }
    if let Some(area) = layout.channels {
        channels::draw(frame, app, theme, area);
    }
    if let Some(area) = layout.histogram {
        histogram::draw(frame, app, theme, area);
    }
    let Some(area) = layout.canvas else { return };
    if app.has_image() {
        // Unlike the blanks of a popup: those are sent when one opens, these when it closes.
        frame.buffer_mut().set_style(area, Style::new().add_modifier(Modifier::HIDDEN));
    } else {
        canvas::draw_welcome(frame, app, theme, area);
    }
}

/// Draws a popup; where it takes text, says where the text cursor is.
fn draw_popup(
    frame: &mut Frame<'_>,
    app: &App,
    theme: &Theme,
    popup: &Popup,
    area: Rect,
) -> Option<Position> {
    match popup {
        Popup::Help { filter, scroll } => Some(help::draw(frame, app, theme, area, filter, *scroll)),
        Popup::Palette { input, selected } => Some(palette::draw(frame, app, theme, area, input, *selected)),
        Popup::Prompt { row, input, error } => {
            Some(popup::draw_prompt(frame, theme, area, row, input, error.as_deref()))
        }
        Popup::Question(question) => {
            popup::draw_question(frame, app, theme, area, question);
            None
        }
        Popup::Recent { selected } => {
            popup::draw_recent(frame, app, theme, area, *selected);
            None
        }
        Popup::Messages { scroll } => {
            popup::draw_messages(frame, app, theme, area, *scroll);
            None
        }
        Popup::Form(open) => form::draw(frame, app, theme, area, &open.form),
    }
}
