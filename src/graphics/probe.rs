//! The capability query: one write at start, closed by a request that every terminal answers.
//!
//! A state machine over [`Reply`]s and the time since the start; the caller reads the bytes, keeps the
//! keys that come among them, and may go on feeding late replies after the query is over.

use std::time::Duration;

use super::capabilities::{Brand, Capabilities, CellSource, Environment, is_cell};
use super::escape::passthrough;
use super::half_blocks::Colors;
use super::input::Reply;

/// How long a terminal may stay silent.
const SILENCE: Duration = Duration::from_secs(1);
/// How long a terminal that has begun to answer may take.
const ANSWERING: Duration = Duration::from_secs(3);
/// How long the terminal around tmux may take after tmux has answered.
const AROUND_TMUX: Duration = Duration::from_millis(400);
/// Image id of the query's pixel.
const IMAGE: u32 = 41;
/// Image id of the question for placeholders; nothing is stored under it.
const PLACEHOLDER_QUESTION: u32 = 40;

/// What the question for columns and rows is to find out, and its bytes.
const CELLS: &str = "window size in cells";
const ASK_CELLS: &[u8] = b"\x1b[18t";

/// Device attributes of xterm.js with pictures, which does not tell its name.
const XTERM_JS: [u32; 4] = [62, 4, 9, 22];

/// The query's course.
#[derive(Clone, Debug)]
pub struct Probe {
    environment: Environment,
    found: Capabilities,
    /// Sizes of the window and of a cell, as reported.
    window: Option<[u32; 2]>,
    cell: Option<[u32; 2]>,
    geometry: Option<[u32; 2]>,
    /// When the first answer came.
    begun: Option<Duration>,
    /// When the closing answer came.
    closed: Option<Duration>,
    /// Whether the terminal loses its images.
    forgetful: bool,
    /// Whether the terminal around tmux was asked, and has answered.
    outer_asked: bool,
    outer_closed: bool,
    outer_sixel: Option<bool>,
    outer_version: Option<String>,
    /// Everything that came back: the purpose of its question, and the answer.
    answers: Vec<(&'static str, String)>,
}

/// Most answers that are remembered.
const MOST_ANSWERS: usize = 64;

/// A question to the terminal and its answers.
#[derive(Clone, Debug)]
pub struct Question {
    /// What it is to find out.
    pub purpose: String,
    /// Its bytes.
    pub bytes: String,
    /// What came back, in words.
    pub answers: Vec<String>,
}

/// The purpose of the question that a reply answers, and the answer in words.
fn answer(reply: &Reply) -> Option<(&'static str, String)> {
    let numbers = |values: &[u32]| values.iter().map(u32::to_string).collect::<Vec<_>>().join(";");
    Some(match reply {
        Reply::GraphicsAttribute { item, status, values } => {
            let purpose = if *item == 1 { "sixel colour registers" } else { "sixel geometry" };
            let answer = if *status == 0 { numbers(values) } else { format!("error {status}") };
            (purpose, answer)
        }
        Reply::WindowSize { width, height } => ("window size in pixels", format!("{width} x {height}")),
        Reply::Resized { columns, rows, .. } => (CELLS, format!("{columns} x {rows}")),
        Reply::CellSize { width, height } => ("cell size in pixels", format!("{width} x {height}")),
        Reply::ModeReport { mode, state } => {
            let purpose = match mode {
                1016 => "mouse in pixels",
                2026 => "updates drawn at once",
                2048 => "resizes told in band",
                _ => return None,
            };
            let state = match state {
                1 => "set",
                2 => "reset",
                3 => "always set",
                4 => "always reset",
                _ => "unknown",
            };
            (purpose, state.to_owned())
        }
        Reply::XtVersion(name) => ("name and version", name.clone()),
        Reply::KittyGraphics { id: PLACEHOLDER_QUESTION, message, .. } => {
            ("kitty placeholders", message.clone())
        }
        Reply::KittyGraphics { frame, message, .. } => {
            let what = if frame.is_some() { "edited" } else { "sent" };
            ("kitty graphics", format!("{what}: {message}"))
        }
        Reply::KeyboardFlags(flags) => ("kitty keyboard", format!("flags {flags}")),
        Reply::DeviceAttributes(features) => ("device attributes", numbers(features)),
        _ => return None,
    })
}

impl Probe {
    /// A query that starts from what the environment says.
    pub fn new(environment: Environment) -> Self {
        Probe {
            found: Capabilities::assumed(&environment),
            environment,
            window: None,
            cell: None,
            geometry: None,
            begun: None,
            closed: None,
            forgetful: false,
            outer_asked: false,
            outer_closed: false,
            outer_sixel: None,
            outer_version: None,
            answers: Vec::new(),
        }
    }

    /// What is asked, and what came back: each question's purpose, its bytes, and the answers to it.
    pub fn questions(&self) -> Vec<Question> {
        let around = if self.found.tmux { " (through tmux)" } else { "" };
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let graphics = text(graphics_query());
        let placeholders = self.found.tmux.then(|| ("kitty placeholders", text(placeholder_query())));
        let cells = self.environment.cells_guessed.then(|| (CELLS, text(ASK_CELLS.to_vec())));
        [
            ("sixel colour registers", "\x1b[?1;1;0S".to_owned()),
            ("sixel geometry", "\x1b[?2;1;0S".into()),
            ("window size in pixels", "\x1b[14t".into()),
            ("cell size in pixels", "\x1b[16t".into()),
            ("mouse in pixels", "\x1b[?1016$p".into()),
            ("updates drawn at once", "\x1b[?2026$p".into()),
            ("resizes told in band", "\x1b[?2048$p".into()),
            ("name and version", "\x1b[>q".into()),
            ("kitty graphics", graphics),
            ("kitty keyboard", "\x1b[?u".into()),
            ("device attributes", "\x1b[c".into()),
        ]
        .into_iter()
        .chain(placeholders)
        .chain(cells)
        .map(|(purpose, bytes)| {
            let answers = self.answers.iter().filter(|(of, _)| *of == purpose).map(|(_, a)| a.clone());
            let through =
                if purpose.starts_with("kitty ") && purpose != "kitty keyboard" { around } else { "" };
            Question { purpose: format!("{purpose}{through}"), bytes, answers: answers.collect() }
        })
        .collect()
    }

    /// The bytes to write: sizes, modes, name, graphics, keyboard, and last the device attributes.
    pub fn query_bytes(&mut self) -> Vec<u8> {
        let mut out = if self.environment.cells_guessed { ASK_CELLS.to_vec() } else { Vec::new() };
        out.extend_from_slice(b"\x1b[?1;1;0S\x1b[?2;1;0S\x1b[14t\x1b[16t");
        out.extend_from_slice(b"\x1b[?1016$p\x1b[?2026$p\x1b[?2048$p\x1b[>q");
        if self.found.tmux {
            out.extend(self.outer_query());
        } else {
            out.extend(graphics_query());
        }
        out.extend_from_slice(b"\x1b[?u\x1b[c");
        out
    }

    /// Through tmux to the terminal around it: graphics, name, and a closing request.
    fn outer_query(&mut self) -> Vec<u8> {
        self.outer_asked = true;
        let mut out = Vec::new();
        let mut inner = graphics_query();
        inner.extend(placeholder_query());
        inner.extend_from_slice(b"\x1b[>q\x1b[c");
        passthrough(&mut out, &inner);
        out
    }

    /// Takes a reply that arrived `at` so long after the start. Returns bytes to write, when the reply
    /// calls for another question. Late replies are taken too: compare [`Probe::capabilities`].
    pub fn feed(&mut self, reply: &Reply, at: Duration) -> Option<Vec<u8>> {
        self.begun.get_or_insert(at);
        if let Some(answer) = answer(reply)
            && self.answers.len() < MOST_ANSWERS
        {
            self.answers.push(answer);
        }
        match reply {
            Reply::DeviceAttributes(features) => {
                let sixel = features.contains(&4);
                if self.found.brand == Brand::Unknown && *features == XTERM_JS {
                    self.found.brand = Brand::XtermJs;
                }
                if self.closed.is_none() {
                    self.closed = Some(at);
                    self.found.sixel = sixel;
                } else if self.outer_asked {
                    self.outer_closed = true;
                    self.outer_sixel = Some(sixel);
                }
            }
            Reply::WindowSize { width, height } => self.window = Some([*width, *height]),
            Reply::CellSize { width, height } => self.cell = Some([*width, *height]),
            Reply::ModeReport { mode, state } => {
                // 1 and 2 are set and reset: it can be changed.
                let works = matches!(state, 1 | 2);
                match mode {
                    1016 => self.found.pixel_mouse = works,
                    2026 => self.found.sync_2026 = works,
                    2048 => self.found.in_band_resize = works,
                    _ => {}
                }
            }
            Reply::GraphicsAttribute { item: 1, status: 0, values } => {
                self.found.sixel_registers =
                    values.first().and_then(|n| u16::try_from(*n).ok()).filter(|n| *n > 0);
            }
            Reply::GraphicsAttribute { item: 2, status: 0, values } => {
                if let [width, height] = values.as_slice()
                    && *width > 0
                    && *height > 0
                {
                    self.geometry = Some([*width, *height]);
                    self.found.sixel_geometry = self.geometry;
                }
            }
            Reply::KeyboardFlags(_) => self.found.kitty_keyboard = true,
            Reply::KittyGraphics { id: IMAGE, frame, message } if message == "OK" => {
                self.found.kitty = true;
                self.found.kitty_edit |= frame.is_some();
            }
            Reply::KittyGraphics { id: PLACEHOLDER_QUESTION, message, .. } if message == "OK" => {
                self.found.kitty_placeholder = true;
            }
            Reply::XtVersion(name) => return self.named(name),
            _ => {}
        }
        None
    }

    fn named(&mut self, name: &str) -> Option<Vec<u8>> {
        let brand = Brand::of(name);
        if self.found.tmux && brand != Brand::Tmux {
            self.outer_version = Some(name.to_owned());
            return None;
        }
        self.found.version = name.to_owned();
        self.found.brand = brand;
        self.found.tmux = brand == Brand::Tmux;
        (self.found.tmux && !self.outer_asked).then(|| self.outer_query())
    }

    /// When the query is over at the latest, after the start, if nothing else arrives.
    pub fn deadline(&self) -> Duration {
        match (self.begun, self.closed) {
            (_, Some(closed)) if self.outer_asked && !self.outer_closed => closed + AROUND_TMUX,
            (_, Some(closed)) => closed,
            (Some(_), None) => ANSWERING,
            (None, None) => SILENCE,
        }
    }

    /// Whether the query is over: answered, or out of time.
    pub fn is_over(&self, now: Duration) -> bool {
        now >= self.deadline()
    }

    /// The terminal does not keep the images that it was sent: it is not to draw any.
    pub fn give_up_images(&mut self) {
        self.forgetful = true;
    }

    /// A query to be asked again, from the start.
    pub fn anew(&self) -> Probe {
        Probe::new(self.environment.clone())
    }

    /// When the terminal first answered anything, after the start.
    pub fn first_answer(&self) -> Option<Duration> {
        self.begun
    }

    /// Whether everything that was asked has had the time to be answered: the closing answers are there.
    pub fn is_closed(&self) -> bool {
        self.closed.is_some() && (!self.outer_asked || self.outer_closed)
    }

    /// What is known so far.
    pub fn capabilities(&self) -> Capabilities {
        let mut found = self.found.clone();
        found.kitty &= !self.forgetful;
        if found.cell.is_none_or(|(_, source)| source != CellSource::Given) {
            found.cell = self.cell_size().or(found.cell);
        }
        // Pixels say nothing of cells whose size is unknown.
        found.pixel_mouse &= found.cell.is_some();
        if found.colors == Colors::Indexed && found.brand.has_true_color() {
            found.colors = Colors::True;
        }
        if found.tmux {
            // tmux claims sixel whatever the terminal around it draws, and forwards no pixel mouse.
            found.sixel &= self.outer_sixel.unwrap_or(true);
            found.pixel_mouse = false;
            found.passthrough = found.kitty || self.outer_closed || self.outer_version.is_some();
            if let Some(outer) = &self.outer_version {
                found.version = format!("{} in {outer}", found.version);
            }
        }
        found
    }

    /// Columns and rows changed: sizes reported before no longer hold.
    pub fn resized(&mut self, cells: [u16; 2], pixels: [u16; 2]) {
        self.environment.cells = cells;
        self.environment.pixels = pixels;
        (self.window, self.cell, self.geometry) = (None, None, None);
        self.found.cell = Capabilities::assumed(&self.environment).cell;
    }

    /// The terminal told its columns and rows, which the device does not know.
    pub fn told_cells(&mut self, cells: [u16; 2]) {
        self.environment.cells = cells;
    }

    fn cell_size(&self) -> Option<([f64; 2], CellSource)> {
        let cells = self.environment.cells.map(f64::from);
        let counted = cells.iter().all(|n| *n > 0.0);
        let sound = |size: [f64; 2]| is_cell(size).then_some(size);
        let per_cell = |window: [u32; 2]| [f64::from(window[0]) / cells[0], f64::from(window[1]) / cells[1]];
        let window = self.window.filter(|_| counted).map(per_cell).and_then(sound);
        if let Some(cell) = self.cell.map(|c| c.map(f64::from)).and_then(sound) {
            // The window tells the fraction of a pixel that the cell's report rounds off.
            let exact = std::array::from_fn(|i| match window {
                Some(w) if (w[i] - cell[i]).abs() < 1.0 => w[i],
                _ => cell[i],
            });
            return Some((exact, CellSource::Cell));
        }
        if let Some(window) = window {
            return Some((window, CellSource::Window));
        }
        if self.found.cell.is_some() {
            return None;
        }
        let geometry = self.geometry.filter(|_| counted).map(|g| per_cell(g).map(f64::floor));
        geometry.and_then(sound).map(|size| (size, CellSource::SixelGeometry))
    }
}

/// A pixel is sent, edited and deleted: who answers the first draws kitty graphics, who answers the
/// second edits in place.
fn graphics_query() -> Vec<u8> {
    format!(
        "\x1b_Ga=t,i={IMAGE},f=24,s=1,v=1;AAAA\x1b\\\x1b_Ga=f,i={IMAGE},r=1,f=24,s=1,v=1;AAAA\x1b\\\
         \x1b_Ga=d,d=I,i={IMAGE},q=2\x1b\\"
    )
    .into_bytes()
}

/// Whether an image could be drawn by placeholders: who does not know the key refuses the command, without
/// an answer.
pub(crate) fn placeholder_query() -> Vec<u8> {
    format!("\x1b_Ga=q,U=1,i={PLACEHOLDER_QUESTION},f=24,s=1,v=1;AAAA\x1b\\").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn probe() -> Probe {
        let environment = Environment { cells: [100, 40], utf8: true, ..Environment::default() };
        Probe::new(environment)
    }

    fn ok(frame: Option<u32>) -> Reply {
        Reply::KittyGraphics { id: IMAGE, frame, message: "OK".into() }
    }

    #[test]
    fn pixels_of_the_mouse_need_a_cell_of_a_sound_size() {
        for (size, pixels) in [([0, 0], false), ([1, 1], false), ([2, 600], false), ([7, 15], true)] {
            let mut probe = probe();
            probe.feed(&Reply::ModeReport { mode: 1016, state: 2 }, at(10));
            probe.feed(&Reply::CellSize { width: size[0], height: size[1] }, at(10));
            let found = probe.capabilities();
            assert_eq!((found.pixel_mouse, found.cell.is_some()), (pixels, pixels), "a cell of {size:?}");
        }
    }

    #[test]
    fn a_terminal_that_keeps_no_images_is_asked_for_them_anew() {
        let mut probe = probe();
        probe.feed(&ok(None), at(10));
        assert!(probe.capabilities().kitty);
        probe.give_up_images();
        assert!(!probe.capabilities().kitty);
        let mut probe = probe.anew();
        probe.feed(&ok(None), at(10));
        assert!(probe.capabilities().kitty);
    }

    #[test]
    fn a_mute_terminal_costs_one_second() {
        let probe = probe();
        assert!(!probe.is_over(at(999)));
        assert!(probe.is_over(at(1000)));
    }

    #[test]
    fn a_terminal_that_answers_gets_three_seconds_and_ends_with_its_attributes() {
        let mut probe = probe();
        probe.feed(&ok(None), at(900));
        assert!(!probe.is_over(at(2999)));
        assert!(probe.is_over(at(3000)));
        probe.feed(&Reply::DeviceAttributes(vec![62, 4]), at(2000));
        assert!(probe.is_over(at(2000)));
        assert!(probe.capabilities().sixel);
    }

    #[test]
    fn a_late_answer_upgrades() {
        let mut probe = probe();
        assert!(!probe.capabilities().kitty_edit);
        probe.feed(&ok(None), at(5000));
        probe.feed(&ok(Some(1)), at(5001));
        let found = probe.capabilities();
        assert!(found.kitty && found.kitty_edit);
    }

    #[test]
    fn the_window_gives_the_fraction_of_a_cell() {
        let mut probe = probe();
        probe.feed(&Reply::CellSize { width: 9, height: 17 }, at(1));
        probe.feed(&Reply::WindowSize { width: 903, height: 680 }, at(1));
        assert_eq!(probe.capabilities().cell_size(), Some([9.03, 17.0]));
        probe.feed(&Reply::WindowSize { width: 2000, height: 680 }, at(1));
        assert_eq!(probe.capabilities().cell_size(), Some([9.0, 17.0]), "an absurd window is not believed");
    }

    #[test]
    fn the_device_size_counts_the_border_and_is_rounded_down() {
        let environment = Environment { cells: [100, 40], pixels: [904, 684], ..Environment::default() };
        let mut probe = Probe::new(environment);
        assert_eq!(probe.capabilities().cell, Some(([9.0, 17.0], CellSource::WindowSize)));
        probe.resized([50, 40], [904, 684]);
        assert_eq!(probe.capabilities().cell_size(), Some([18.0, 17.0]));
    }

    #[test]
    fn tmux_is_recognised_by_name_and_the_terminal_around_it_is_asked() {
        let mut probe = probe();
        let more = probe.feed(&Reply::XtVersion("tmux 3.5a".into()), at(1));
        let more = more.expect("the terminal around tmux is asked");
        assert!(more.starts_with(b"\x1bPtmux;"));
        probe.feed(&Reply::DeviceAttributes(vec![1, 4]), at(2));
        assert!(!probe.is_over(at(100)), "the terminal around has a little longer");
        assert!(probe.is_over(at(402)));
        probe.feed(&ok(None), at(110));
        probe.feed(&ok(Some(1)), at(110));
        probe.feed(&Reply::XtVersion("kitty(0.41.1)".into()), at(110));
        probe.feed(&Reply::DeviceAttributes(vec![62]), at(110));
        assert!(probe.is_over(at(110)));
        let found = probe.capabilities();
        assert!(found.tmux && found.passthrough && found.kitty_edit && !found.sixel, "{found:?}");
    }
}
