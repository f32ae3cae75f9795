//! `brushwood info --picture`: one picture of an image in the shell's own text, where it scrolls with the rest.
//!
//! Whole and once, so ratatui-image draws it; nothing of the canvas's encoders and their pace is needed.

use std::io::{self, Write};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use image::{DynamicImage, RgbImage};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Rect, Size};
use ratatui::style::Color;
use ratatui::widgets::Widget;
use ratatui_image::Image;
use ratatui_image::protocol::{Protocol, halfblocks::Halfblocks, iterm2::Iterm2, kitty::Kitty, sixel::Sixel};

use super::content::cells_of;
use super::message::Message;
use super::probing::Asked;
use super::scene::SceneParts;
use super::thumbnails;
use crate::app::thumbnails::Thumbnail;
use crate::data::CancelToken;
use crate::graphics::input::{Event, Reply};
use crate::graphics::{Capabilities, Colors, Probe, choose, indexed, placeholder_query};

/// Columns and rows of a picture at most.
const MOST: [u16; 2] = [100, 30];
/// How long the terminal has to say where its cursor is.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// What is there can't be read, or is too large for a small picture.
    #[error("{0}")]
    Image(String),
    /// The terminal, or what encodes for it, failed.
    #[error("the terminal: {0}")]
    Terminal(#[from] io::Error),
    /// Nothing that could draw.
    #[error("this terminal shows no pictures: {0}")]
    NoGraphics(String),
}

/// Draws the image at `location` below the cursor and leaves the cursor below it. `graphics` and `cell` are the
/// options `--graphics` and `--cell-size`.
///
/// # Errors
/// The image can't be read, or the terminal can't be asked, is gone, or draws nothing.
pub fn print_picture(location: &str, graphics: &str, cell: Option<[f64; 2]>) -> Result<(), PrintError> {
    let thumbnail = match thumbnails::make(location, &CancelToken::new()) {
        Some(made) => made.map_err(PrintError::Image)?,
        None => return Err(PrintError::Image("interrupted".into())),
    };
    let mut asked = Asked::of_terminal(cell, Instant::now())?;
    let row = cursor_row(&mut asked);
    asked.tty.restore();
    let terminal = asked.probe.capabilities();
    let way = Way::of(graphics, &terminal).map_err(PrintError::NoGraphics)?;
    let cells = asked.tty.size().cells;
    // A row is left free below: sixel scrolls when it touches the last.
    let room = [MOST[0].min(cells[0]), MOST[1].min(cells[1].saturating_sub(2)).max(1)];
    let [columns, rows] = cells_of(&thumbnail, room, way.cell);
    let size = Size::new(columns, rows);
    let picture = way.compose(&thumbnail, size).ok_or_else(|| PrintError::Image("it is empty".into()))?;
    let area = Rect::new(0, 0, size.width, size.height);
    let mut buffer = Buffer::empty(area);
    let protocol =
        way.encode(picture, size).map_err(|error| PrintError::Terminal(io::Error::other(error)))?;
    Image::new(&protocol).render(area, &mut buffer);
    if terminal.colors == Colors::Indexed && way.method == Method::Half {
        buffer.content.iter_mut().for_each(to_palette);
    }
    Ok(draw(&buffer, row?, cells[1])?)
}

/// How a picture is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// By placeholders, which scroll with the text.
    Kitty,
    Sixel,
    Iterm2,
    Half,
}

#[derive(Clone, Copy, Debug)]
struct Way {
    method: Method,
    in_tmux: bool,
    /// Width and height of a cell; in half-blocks only their ratio counts.
    cell: [f64; 2],
}

impl Way {
    /// The best there is, or what was asked for; else why there is none.
    fn of(graphics: &str, terminal: &Capabilities) -> Result<Way, String> {
        let choice = choose(graphics, terminal).ok_or_else(|| format!("there is no '{graphics}'"))?;
        let method = match choice.kind.id {
            "kitty" | "kitty-tiles" | "kitty-placeholder" if terminal.kitty_placeholder => Method::Kitty,
            "sixel" => Method::Sixel,
            "iterm2" => Method::Iterm2,
            _ if terminal.colors == Colors::None => return Err("it has no colours (NO_COLOR or TERM)".into()),
            _ if !terminal.utf8 => return Err("the locale is not UTF-8".into()),
            _ => Method::Half,
        };
        let cell = terminal.cell_size().unwrap_or([1.0, 2.0]);
        Ok(Way { method, in_tmux: terminal.tmux, cell })
    }

    /// The picture in the pixels of `size` cells; `None` for an image without any.
    fn compose(&self, thumbnail: &Thumbnail, size: Size) -> Option<DynamicImage> {
        let [wide, high] = match self.method {
            // More than there are blocks: the mean of them is drawn.
            Method::Half => [4.0, 8.0],
            _ => self.cell,
        };
        let pixels = |cells: u16, cell: f64| ((f64::from(cells) * cell) as usize).max(1);
        let [width, height] = [pixels(size.width, wide), pixels(size.height, high)];
        let aspect = (self.cell[1] / high) / (self.cell[0] / wide);
        let picture = SceneParts::of_thumbnail(thumbnail, [height, width], aspect)?.compose([height, width]);
        let colors = (0..width * height).flat_map(|i| picture.color(i)).collect();
        RgbImage::from_raw(width as u32, height as u32, colors).map(DynamicImage::ImageRgb8)
    }

    fn encode(&self, picture: DynamicImage, size: Size) -> Result<Protocol, ratatui_image::errors::Errors> {
        Ok(match self.method {
            Method::Kitty => {
                // Another number for each run, so that no picture further up is drawn anew.
                let id = std::process::id() << 8 | 0x51;
                Protocol::Kitty(Kitty::new(picture, size, id, self.in_tmux, false)?)
            }
            Method::Sixel => Protocol::Sixel(Sixel::new(picture, size, self.in_tmux)?),
            Method::Iterm2 => Protocol::ITerm2(Iterm2::new(picture, size, self.in_tmux)?),
            Method::Half => Protocol::Halfblocks(Halfblocks::new(picture, size)?),
        })
    }
}

/// The terminal's row of the cursor, from 0; asks on the way whether images can stand in the text, which `choose`
/// does not need to know.
fn cursor_row(asked: &mut Asked) -> io::Result<u16> {
    let mut question = Vec::new();
    let terminal = asked.probe.capabilities();
    if terminal.kitty && !terminal.tmux {
        question.extend(placeholder_query());
    }
    question.extend_from_slice(b"\x1b[6n");
    asked.tty.write_all(&question)?;
    wait_for_position(&mut asked.probe, &asked.messages)
        .ok_or_else(|| io::Error::new(io::ErrorKind::TimedOut, "it does not say where its cursor is"))
}

fn wait_for_position(probe: &mut Probe, messages: &Receiver<Message>) -> Option<u16> {
    let begun = Instant::now();
    while let Ok(message) = messages.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())) {
        let Message::Terminal(events, _) = message else { continue };
        for event in events {
            match event {
                Event::Reply(Reply::CursorPosition { row, .. }) => {
                    return u16::try_from(row.saturating_sub(1)).ok();
                }
                Event::Reply(reply) => {
                    // What would be asked further is of no use to a single picture.
                    let _ = probe.feed(&reply, begun.elapsed());
                }
                _ => {}
            }
        }
    }
    None
}

/// Makes room below `row` of a terminal of `rows`, draws there, and leaves the cursor below.
fn draw(buffer: &Buffer, row: u16, rows: u16) -> io::Result<()> {
    let mut out = io::stdout();
    let height = buffer.area.height;
    out.write_all("\n".repeat(usize::from(height)).as_bytes())?;
    let below = row.saturating_add(height).min(rows.saturating_sub(1));
    let top = below.saturating_sub(height);
    let empty = Buffer::empty(buffer.area);
    let mut backend = CrosstermBackend::new(out);
    backend.draw(empty.diff(buffer).into_iter().map(|(x, y, cell)| (x, top + y, cell)))?;
    backend.set_cursor_position((0, below))?;
    Backend::flush(&mut backend)
}

/// Colours of 24 bits as the nearest of the 256-colour palette.
fn to_palette(cell: &mut Cell) {
    for color in [&mut cell.fg, &mut cell.bg] {
        if let Color::Rgb(r, g, b) = *color {
            *color = Color::Indexed(indexed([r, g, b]));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_scrolls_with_the_text_is_preferred_and_what_cannot_be_drawn_is_said() {
        let method = |change: fn(&mut Capabilities)| {
            Way::of("auto", &Capabilities::sample(change)).map(|way| way.method)
        };
        let placing =
            |t: &mut Capabilities| (t.kitty, t.kitty_edit, t.kitty_placeholder) = (true, true, true);
        assert_eq!(method(placing), Ok(Method::Kitty));
        assert_eq!(method(|t| (t.kitty, t.kitty_edit) = (true, true)), Ok(Method::Half), "kitty before 0.28");
        assert_eq!(method(|t| t.sixel = true), Ok(Method::Sixel));
        assert_eq!(method(|t| (t.sixel, t.tmux) = (true, true)), Ok(Method::Half));
        assert_eq!(method(|_| ()), Ok(Method::Half));
        assert!(method(|t| t.colors = Colors::None).unwrap_err().contains("NO_COLOR"));
        assert!(method(|t| t.utf8 = false).unwrap_err().contains("UTF-8"));
        assert!(Way::of("crayons", &Capabilities::sample(|_| ())).unwrap_err().contains("crayons"));
    }

    #[test]
    fn colours_fit_a_small_palette() {
        let mut cell = Cell::default();
        cell.set_fg(Color::Rgb(255, 0, 0)).set_bg(Color::Reset);
        to_palette(&mut cell);
        assert_eq!((cell.fg, cell.bg), (Color::Indexed(196), Color::Reset));
    }
}
