//! A terminal in memory: decodes what a program writes into a picture of the screen, and answers queries
//! as a scripted terminal would.
//!
//! Text goes through `vt100`; kitty graphics, sixel and iTerm2 images are decoded here. What a real
//! terminal would garble is recorded in [`Terminal::problems`].

mod kitty;
mod sixel;

use kitty::{Images, Knows};

/// Colour of the screen where nothing is drawn: unlike anything that a test draws.
pub const GROUND: [u8; 3] = [1, 22, 43];

/// How a terminal behaves.
#[derive(Clone, Debug)]
pub struct Profile {
    pub columns: u16,
    pub rows: u16,
    /// Whether the terminal device knows them.
    pub device_knows: bool,
    /// Width and height of a cell in pixels.
    pub cell: [f64; 2],
    /// Answers to XTVERSION and DA1; none keeps silent.
    pub name: Option<&'static str>,
    pub attributes: Option<&'static str>,
    pub kitty: bool,
    pub kitty_edit: bool,
    pub kitty_placeholder: bool,
    /// Whether images stay that were sent, other than the query's.
    pub keeps_images: bool,
    pub sixel: bool,
    pub iterm2: bool,
    /// Whether 14t and 16t are answered.
    pub reports_size: bool,
    /// Whether DECRQM is answered, and the modes known.
    pub modes: Option<&'static [u32]>,
    pub keyboard: bool,
    /// Largest sixel picture side.
    pub largest_sixel: usize,
    /// Whether sixel pictures are kept by cells: one takes every cell that it touches.
    pub keeps_cells: bool,
    /// A name makes this tmux inside that terminal: graphics arrive by passthrough only.
    pub around: Option<(&'static str, &'static str)>,
}

impl Profile {
    pub fn kitty() -> Self {
        Profile {
            columns: 80,
            rows: 24,
            device_knows: true,
            cell: [10.0, 20.0],
            name: Some("kitty(0.41.1)"),
            attributes: Some("62"),
            kitty: true,
            kitty_edit: true,
            kitty_placeholder: true,
            keeps_images: true,
            sixel: false,
            iterm2: false,
            reports_size: true,
            modes: Some(&[1016, 2026, 2048]),
            keyboard: true,
            largest_sixel: 0,
            keeps_cells: false,
            around: None,
        }
    }

    pub fn konsole() -> Self {
        Profile {
            name: Some("Konsole 22.12.3"),
            attributes: Some("62;1;4"),
            kitty_edit: false,
            sixel: true,
            modes: None,
            keyboard: false,
            largest_sixel: 10_000,
            ..Profile::kitty()
        }
    }

    /// `xterm -ti vt340` without window operations.
    pub fn xterm() -> Self {
        Profile {
            name: Some("XTerm(379)"),
            attributes: Some("63;1;2;4;6;9;15;22"),
            kitty: false,
            kitty_edit: false,
            sixel: true,
            reports_size: false,
            modes: Some(&[1016]),
            keyboard: false,
            largest_sixel: 1000,
            ..Profile::kitty()
        }
    }

    /// The engine of VS Code's terminal: cells of 9.03 pixels.
    pub fn xterm_js() -> Self {
        Profile {
            name: None,
            attributes: Some("62;4;9;22"),
            cell: [9.03, 17.0],
            reports_size: true,
            iterm2: true,
            largest_sixel: 10_000,
            keeps_cells: true,
            modes: Some(&[1016, 2026]),
            ..Profile::xterm()
        }
    }

    pub fn iterm2() -> Self {
        Profile { name: Some("iTerm2 3.5.0"), sixel: false, iterm2: true, ..Profile::xterm_js() }
    }

    pub fn tmux_in_kitty() -> Self {
        Profile {
            name: Some("tmux 3.5a"),
            attributes: Some("1;2;4"),
            modes: None,
            keyboard: false,
            around: Some(("kitty(0.41.1)", "62")),
            ..Profile::kitty()
        }
    }

    /// Debian 12's: tmux hands graphics on, and kitty draws no placeholders.
    pub fn tmux_in_old_kitty() -> Self {
        Profile {
            name: Some("tmux 3.3a"),
            attributes: Some("1;2"),
            kitty_placeholder: false,
            around: Some(("kitty(0.26.5)", "62")),
            ..Profile::tmux_in_kitty()
        }
    }

    /// Text only, and no answers.
    pub fn mute() -> Self {
        Profile {
            name: None,
            attributes: None,
            kitty: false,
            kitty_edit: false,
            reports_size: false,
            modes: None,
            keyboard: false,
            ..Profile::kitty()
        }
    }
}

/// A screen in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screenshot {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<[u8; 3]>,
}

impl Screenshot {
    pub fn at(&self, x: usize, y: usize) -> [u8; 3] {
        self.pixels[y * self.width + x]
    }
}

/// The terminal.
pub struct Terminal {
    pub profile: Profile,
    /// The text screen.
    pub text: vt100::Parser,
    /// What a real terminal would have garbled.
    pub problems: Vec<String>,
    /// Private modes that are set.
    pub modes: std::collections::BTreeSet<u32>,
    /// Bytes taken so far.
    pub taken: usize,
    /// What was last put into the clipboard.
    pub clipboard: Option<String>,
    /// So many questions for its name that come through tmux are lost.
    pub deaf: usize,
    images: Images,
    /// Sixel and iTerm2 pixels, which text erases.
    raster: Vec<Option<[u8; 3]>>,
    replies: Vec<u8>,
    pending: Vec<u8>,
}

impl Terminal {
    pub fn new(profile: Profile) -> Self {
        let text = vt100::Parser::new(profile.rows, profile.columns, 0);
        let mut terminal = Terminal {
            profile,
            text,
            problems: Vec::new(),
            modes: Default::default(),
            taken: 0,
            clipboard: None,
            deaf: 0,
            images: Images::default(),
            raster: Vec::new(),
            replies: Vec::new(),
            pending: Vec::new(),
        };
        terminal.clear_raster();
        terminal
    }

    /// Changes the number of cells, as a window that is resized.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        (self.profile.columns, self.profile.rows) = (columns, rows);
        self.text.screen_mut().set_size(rows, columns);
        self.clear_raster();
    }

    /// What the terminal has to say since the last call.
    pub fn take_replies(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.replies)
    }

    /// Whether the bytes so far end inside an escape sequence or a character.
    pub fn is_torn(&self) -> bool {
        !self.pending.is_empty() || self.images.is_loading()
    }

    /// Whether any image data or pixel is left.
    pub fn holds_images(&self) -> bool {
        !self.images.is_empty() || self.raster.iter().any(Option::is_some)
    }

    /// Takes what a program wrote.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.taken += bytes.len();
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let mut start = 0;
        while let Some(length) = token(&pending[start..]) {
            self.token(&pending[start..start + length]);
            start += length;
        }
        self.pending = pending[start..].to_vec();
    }

    fn token(&mut self, token: &[u8]) {
        match token {
            [0x1b, b'_', b'G', body @ .., 0x1b, b'\\'] => {
                if self.profile.around.is_none() {
                    self.graphics(body);
                }
            }
            [0x1b, b'P', b't', b'm', b'u', b'x', b';', body @ .., 0x1b, b'\\'] => {
                if self.profile.around.is_some() {
                    self.around(body);
                } else {
                    self.problems.push("a tmux sequence outside of tmux".into());
                }
            }
            [0x1b, b'P', body @ .., 0x1b, b'\\'] => self.device_control(body),
            [0x1b, b']', body @ .., 0x07] => self.command(body),
            [0x1b, b'[', body @ .., last] => {
                self.control(body, *last);
                self.text.process(token);
            }
            [0x1b, ..] => self.text.process(token),
            [byte, ..] if *byte < 0x20 => self.text.process(token),
            character => {
                let (row, column) = self.text.screen().cursor_position();
                self.text.process(character);
                self.erase_cells(row, column, 1);
            }
        }
    }

    fn graphics(&mut self, body: &[u8]) {
        if self.profile.kitty {
            let (row, column) = self.text.screen().cursor_position();
            let at = [self.pixel(0, column), self.pixel(1, row)];
            let knows =
                Knows { edits: self.profile.kitty_edit, placeholders: self.profile.kitty_placeholder };
            self.images.command(body, (at, self.profile.cell), knows, &mut self.replies, &mut self.problems);
            let is_question = body.windows(4).any(|part| part == b"i=41");
            if !self.profile.keeps_images && !self.images.is_loading() && !is_question {
                self.images = Images::default();
            }
        }
    }

    /// What tmux hands to the terminal around it.
    fn around(&mut self, doubled: &[u8]) {
        let mut inner = Vec::new();
        let mut bytes = doubled.iter();
        while let Some(byte) = bytes.next() {
            inner.push(*byte);
            if *byte == 0x1b && bytes.next() != Some(&0x1b) {
                self.problems.push("an escape inside a tmux sequence is not doubled".into());
            }
        }
        if self.deaf > 0 && inner.windows(2).any(|w| w == b">q") {
            self.deaf -= 1;
            return;
        }
        let (name, attributes) = self.profile.around.unwrap();
        let mut start = 0;
        while let Some(length) = token(&inner[start..]) {
            match &inner[start..start + length] {
                [0x1b, b'_', b'G', body @ .., 0x1b, b'\\'] => self.graphics(body),
                [0x1b, b']', b'5', b'2', ..] => {}
                b"\x1b[>q" => self.reply(format!("\x1bP>|{name}\x1b\\")),
                b"\x1b[c" => self.reply(format!("\x1b[?{attributes}c")),
                b"\x1b[5n" => self.reply("\x1b[0n".into()),
                other => self.problems.push(format!("unexpected through tmux: {other:?}")),
            }
            start += length;
        }
        if start != inner.len() {
            self.problems.push("a cut sequence through tmux".into());
        }
    }

    fn reply(&mut self, text: String) {
        self.replies.extend_from_slice(text.as_bytes());
    }

    fn control(&mut self, body: &[u8], last: u8) {
        let text = String::from_utf8_lossy(body).into_owned();
        let profile = self.profile.clone();
        let (row, column) = self.text.screen().cursor_position();
        let window = [self.pixel(0, profile.columns), self.pixel(1, profile.rows)];
        match (text.as_str(), last) {
            ("6", b'n') if profile.attributes.is_some() => {
                self.reply(format!("\x1b[{};{}R", row + 1, column + 1))
            }
            ("5", b'n') if profile.attributes.is_some() => self.reply("\x1b[0n".into()),
            ("" | "0", b'c') => {
                if let Some(attributes) = profile.attributes {
                    self.reply(format!("\x1b[?{attributes}c"));
                }
            }
            (">" | ">0", b'q') => {
                if let Some(name) = profile.name {
                    self.reply(format!("\x1bP>|{name}\x1b\\"));
                }
            }
            ("14", b't') if profile.reports_size => {
                self.reply(format!("\x1b[4;{};{}t", window[1], window[0]))
            }
            ("16", b't') if profile.reports_size => {
                self.reply(format!("\x1b[6;{};{}t", profile.cell[1].floor(), profile.cell[0].floor()));
            }
            ("18", b't') if profile.reports_size => {
                self.reply(format!("\x1b[8;{};{}t", profile.rows, profile.columns));
            }
            ("?1;1;0", b'S') if profile.sixel => self.reply("\x1b[?1;0;256S".into()),
            ("?2;1;0", b'S') if profile.sixel => {
                self.reply(format!("\x1b[?2;0;{};{}S", window[0], window[1]))
            }
            ("?", b'u') if profile.keyboard => self.reply("\x1b[?0u".into()),
            (mode, b'p') if mode.starts_with('?') && mode.ends_with('$') => {
                let mode: u32 = mode[1..mode.len() - 1].parse().unwrap();
                if let Some(known) = profile.modes {
                    let state =
                        if known.contains(&mode) { 2 - u32::from(self.modes.contains(&mode)) } else { 0 };
                    self.reply(format!("\x1b[?{mode};{state}$y"));
                }
            }
            (modes, b'h' | b'l') if modes.starts_with('?') => {
                for mode in modes[1..].split(';').map(|m| m.parse::<u32>().unwrap()) {
                    if last == b'h' {
                        self.modes.insert(mode)
                    } else {
                        self.modes.remove(&mode)
                    };
                    if mode == 1049 {
                        self.clear_raster();
                        self.images = Images::default();
                    }
                }
            }
            ("2" | "3", b'J') => {
                self.clear_raster();
                self.images.clear_screen();
            }
            ("", b'J') => {
                self.erase_cells(row, column, profile.columns - column);
                (row + 1..profile.rows).for_each(|r| self.erase_cells(r, 0, profile.columns));
            }
            ("", b'K') => self.erase_cells(row, column, profile.columns - column),
            ("2", b'K') => self.erase_cells(row, 0, profile.columns),
            (count, b'X') => self.erase_cells(row, column, count.parse().unwrap_or(1)),
            _ => {}
        }
    }

    fn device_control(&mut self, body: &[u8]) {
        let Some(q) = body.iter().position(|b| *b == b'q') else { return };
        if !self.profile.sixel {
            self.problems.push("sixel on a terminal without it".into());
            return;
        }
        let (row, column) = self.text.screen().cursor_position();
        match sixel::decode(&body[..q], &body[q + 1..]) {
            Ok(picture) => {
                let largest = self.profile.largest_sixel;
                if picture.width > largest || picture.height > largest {
                    self.problems.push(format!("sixel of {}x{} is cut", picture.width, picture.height));
                }
                if self.profile.keeps_cells {
                    let cells =
                        |axis: usize, size: usize| (size as f64 / self.profile.cell[axis]).ceil() as u16;
                    let (columns, rows) = (cells(0, picture.width), cells(1, picture.height));
                    (row..row + rows).for_each(|row| self.erase_cells(row, column, columns));
                }
                self.draw(row, column, picture.width, picture.height, &picture.pixels);
            }
            Err(problem) => self.problems.push(problem),
        }
    }

    fn command(&mut self, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        if let Some(data) = text.strip_prefix("52;c;") {
            self.clipboard = String::from_utf8(kitty::base64(data.as_bytes())).ok();
        }
        let Some(rest) = text.strip_prefix("1337;File=") else { return };
        let Some((arguments, data)) = rest.split_once(':') else { return };
        if !self.profile.iterm2 || !arguments.contains("doNotMoveCursor=1") {
            self.problems.push(format!("unexpected iTerm2 image: {arguments}"));
        }
        // In cells, or pixels that fill cells; the image is stretched to them, and what they held is gone.
        let number = |name: &str, axis: usize| -> Option<u16> {
            let value = arguments.split(';').find_map(|f| f.strip_prefix(name))?;
            let count: u16 = value.trim_end_matches("px").parse().ok()?;
            let per_cell = if value.ends_with("px") { self.profile.cell[axis] } else { 1.0 };
            Some((f64::from(count) / per_cell).ceil() as u16).filter(|n| *n > 0)
        };
        let image = kitty::png(&kitty::base64(data.as_bytes()));
        let (row, column) = self.text.screen().cursor_position();
        let (Some(columns), Some(rows), Some((width, height, pixels))) =
            (number("width=", 0), number("height=", 1), image)
        else {
            return self.problems.push(format!("bad iTerm2 image: {arguments}"));
        };
        let span = |axis, from, count| self.pixel(axis, from + count) - self.pixel(axis, from);
        let size = [span(0, column, columns), span(1, row, rows)];
        let stretched = (0..size[0] * size[1]).map(|i| {
            let (x, y) = (i % size[0] * width / size[0], i / size[0] * height / size[1]);
            let [r, g, b, a] = pixels[y * width + x];
            (a > 0).then_some([r, g, b])
        });
        let stretched: Vec<_> = stretched.collect();
        for row in row..row + rows {
            let spaces = " ".repeat(columns.into());
            self.text.process(format!("\x1b7\x1b[{};{}H{spaces}\x1b8", row + 1, column + 1).as_bytes());
            self.erase_cells(row, column, columns);
        }
        self.draw(row, column, size[0], size[1], &stretched);
    }

    fn draw(&mut self, row: u16, column: u16, width: usize, height: usize, pixels: &[Option<[u8; 3]>]) {
        let (left, top) = (self.pixel(0, column), self.pixel(1, row));
        let (columns, bottom) = (self.pixel(0, self.profile.columns), self.pixel(1, self.profile.rows - 1));
        if top + height > bottom {
            self.problems.push(format!("a picture of height {height} at row {row} scrolls the screen"));
        }
        for y in 0..height {
            for x in 0..width {
                if let Some(color) = pixels[y * width + x]
                    && left + x < columns
                    && top + y < bottom
                {
                    self.raster[(top + y) * columns + left + x] = Some(color);
                }
            }
        }
    }

    /// First pixel of a column (axis 0) or row (axis 1).
    pub fn pixel(&self, axis: usize, cell: u16) -> usize {
        (f64::from(cell) * self.profile.cell[axis]).floor() as usize
    }

    fn clear_raster(&mut self) {
        let size = self.pixel(0, self.profile.columns) * self.pixel(1, self.profile.rows);
        self.raster = vec![None; size];
    }

    fn erase_cells(&mut self, row: u16, column: u16, count: u16) {
        let width = self.pixel(0, self.profile.columns);
        let end = column.saturating_add(count).min(self.profile.columns);
        let columns = self.pixel(0, column)..self.pixel(0, end);
        for y in self.pixel(1, row)..self.pixel(1, row + 1).min(self.raster.len() / width) {
            self.raster[y * width + columns.start..y * width + columns.end].fill(None);
        }
    }

    /// The colour that images have at a pixel; none where there are none.
    pub fn picture_at(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        let width = self.pixel(0, self.profile.columns);
        self.raster[y * width + x].or_else(|| self.images.at(x, y))
    }

    /// Forgets all images, as another terminal of the same kind has none of them.
    pub fn lose_images(&mut self) {
        self.images = Images::default();
        self.clear_raster();
    }

    /// The screen: cell colours, images below the text, glyphs, images above.
    pub fn screenshot(&self) -> Screenshot {
        let (width, height) = (self.pixel(0, self.profile.columns), self.pixel(1, self.profile.rows));
        let mut shot = Screenshot { width, height, pixels: vec![GROUND; width * height] };
        let each_cell = |paint: &mut dyn FnMut(u16, u16, &vt100::Cell)| {
            for row in 0..self.profile.rows {
                for column in 0..self.profile.columns {
                    if let Some(cell) = self.text.screen().cell(row, column) {
                        paint(row, column, cell);
                    }
                }
            }
        };
        let mut parts: Vec<(u16, u16, usize, usize)> = Vec::new();
        let mut left = None;
        each_cell(&mut |row, column, cell| {
            let bounds = self.bounds(row, column);
            if let Some(color) = color(cell.bgcolor()) {
                fill(&mut shot, bounds, color);
            }
            left = kitty::placeholder(cell.contents(), left.filter(|_| column > 0));
            if let Some((r, c)) = left {
                parts.push((row, column, r, c));
            }
        });
        self.images.draw(&mut shot, |z| z < 0);
        each_cell(&mut |row, column, cell| {
            let [x0, y0, x1, y1] = self.bounds(row, column);
            let ink = color(cell.fgcolor()).unwrap_or([200; 3]);
            match cell.contents() {
                "" | " " => {}
                text if text.starts_with(kitty::PLACEHOLDER) => {}
                "▀" => fill(&mut shot, [x0, y0, x1, (y0 + y1) / 2], ink),
                "▄" => fill(&mut shot, [x0, (y0 + y1) / 2, x1, y1], ink),
                "█" => fill(&mut shot, [x0, y0, x1, y1], ink),
                _ => fill(&mut shot, [x0 + 2, y0 + 2, x1 - 2, y1 - 2], ink),
            }
        });
        for (pixel, drawn) in shot.pixels.iter_mut().zip(&self.raster) {
            if let Some(color) = drawn {
                *pixel = *color;
            }
        }
        let anchor = parts.iter().map(|(row, column, r, c)| {
            let at = [self.pixel(0, *column), self.pixel(1, *row)];
            (at, [self.pixel(0, *c as u16), self.pixel(1, *r as u16)], [self.pixel(0, 1), self.pixel(1, 1)])
        });
        self.images.draw_placeholders(&mut shot, anchor.collect());
        self.images.draw(&mut shot, |z| z >= 0);
        shot
    }

    fn bounds(&self, row: u16, column: u16) -> [usize; 4] {
        [self.pixel(0, column), self.pixel(1, row), self.pixel(0, column + 1), self.pixel(1, row + 1)]
    }
}

fn fill(shot: &mut Screenshot, [x0, y0, x1, y1]: [usize; 4], color: [u8; 3]) {
    for y in y0..y1 {
        shot.pixels[y * shot.width + x0..y * shot.width + x1].fill(color);
    }
}

/// The colour of text, by the 256-colour palette.
fn color(color: vt100::Color) -> Option<[u8; 3]> {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match color {
        vt100::Color::Default => None,
        vt100::Color::Rgb(r, g, b) => Some([r, g, b]),
        vt100::Color::Idx(i @ 16..=231) => {
            let i = usize::from(i) - 16;
            Some([STEPS[i / 36], STEPS[i / 6 % 6], STEPS[i % 6]])
        }
        vt100::Color::Idx(i @ 232..) => Some([8 + (i - 232) * 10; 3]),
        vt100::Color::Idx(i) => {
            let level = if i < 8 { 170 } else { 255 };
            Some([0, 1, 2].map(|bit| if i >> bit & 1 == 1 { level } else { 0 }))
        }
    }
}

/// Length of the sequence or character at the front, when it is complete.
fn token(bytes: &[u8]) -> Option<usize> {
    let first = *bytes.first()?;
    if first != 0x1b {
        let length = match first {
            0xf0.. => 4,
            0xe0.. => 3,
            0xc0.. => 2,
            _ => 1,
        };
        return (bytes.len() >= length).then_some(length);
    }
    match bytes.get(1)? {
        b'[' => bytes.iter().skip(2).position(|b| (0x40..0x7f).contains(b)).map(|i| i + 3),
        b'P' | b'_' | b'^' | b'X' => {
            let mut i = 2;
            while i + 1 < bytes.len() {
                match (bytes[i], bytes[i + 1]) {
                    // CAN gives a string up.
                    (0x18, _) => return Some(i + 1),
                    (0x1b, b'\\') => return Some(i + 2),
                    (0x1b, _) => i += 2,
                    _ => i += 1,
                }
            }
            None
        }
        b']' => {
            let bell = bytes.iter().position(|b| *b == 0x07).map(|i| i + 1);
            let st = bytes.windows(2).position(|w| w == b"\x1b\\").map(|i| i + 2);
            match (bell, st) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            }
        }
        _ => Some(2),
    }
}
