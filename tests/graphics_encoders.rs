//! What every encoder must do: after any sequence of edits, the decoded screen is the composed picture,
//! menus keep their cells, nothing is torn, and nothing is sent when nothing changed.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;

use brushwood::graphics::kitty::OVERLAY_ERROR;
use brushwood::graphics::{
    Allowance, Capabilities, CellRect, CellSource, ENCODERS, Environment, FrameEncoder, Placement,
};
use brushwood::render::Picture;
use proptest::prelude::*;
use support::emulator::{Profile, Screenshot, Terminal};

/// The terminal that an encoder is made for.
fn profiles(id: &str) -> Vec<Profile> {
    let all = match id {
        "kitty" => vec![Profile::kitty()],
        "kitty-placeholder" => vec![Profile::tmux_in_kitty()],
        "kitty-tiles" => vec![Profile::konsole()],
        "sixel" => vec![
            Profile::xterm(),
            Profile::xterm_js(),
            // VS Code on a screen that shows 1.25 pixels for one.
            Profile { cell: [9.6, 17.6], ..Profile::xterm_js() },
        ],
        "iterm2" => [[9.03, 17.0], [9.03, 17.4], [10.0, 20.0]]
            .map(|cell| Profile { cell, ..Profile::iterm2() })
            .to_vec(),
        _ => vec![Profile::mute()],
    };
    all.into_iter().map(|p| Profile { columns: 44, rows: 15, ..p }).collect()
}

fn capabilities(profile: &Profile) -> Capabilities {
    let environment = Environment { utf8: true, colorterm: "truecolor".into(), ..Environment::default() };
    let mut terminal = Capabilities::assumed(&environment);
    terminal.cell = Some((profile.cell, CellSource::Cell));
    terminal
}

#[test]
fn sixel_through_tmux_comes_in_whole_bands() {
    let profile = Profile { columns: 44, rows: 15, ..Profile::xterm() };
    let mut terminal = capabilities(&profile);
    terminal.tmux = true;
    let kind = ENCODERS.iter().find(|e| e.id == "sixel").unwrap();
    let mut encoder = (kind.create)(&terminal);
    let area = CellRect { x: 0, y: 0, width: 30, height: 12 };
    let placement = Placement { area, holes: Vec::new(), cell: [10.0, 20.0] };
    let mut picture = Picture::new(300, 240);
    encoder.encode(&Arc::new(picture.clone()), &placement, &mut Vec::new());
    picture.overlay[130 * 300 + 40] = CLASSES[0];
    let mut out = Vec::new();
    encoder.encode(&Arc::new(picture), &placement, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("\x1b[7;5H\x1bP0;1;0q\"1;1;10;60"), "{text:?}");
}

/// A step of a session.
#[derive(Clone, Debug)]
enum Step {
    /// A dab of label paint.
    Dab { x: usize, y: usize, class: u8 },
    /// Another overlay of a few colours.
    Overlay(u8),
    /// An overlay whose every pixel has a colour of its own.
    Smooth(u8),
    /// The view moves (right, down), and the encoder is told so, or something wrong.
    Pan { right: i64, down: i64, told: bool },
    /// The view shows each pixel so large.
    Zoom(u8),
    /// The link is slow from now on, or fast again.
    Slow(bool),
    /// A slice in colour.
    Color(u8),
    /// A menu opens.
    Menu { x: u16, y: u16, width: u16, height: u16 },
    /// All menus close.
    Close,
    /// The same picture again.
    Again,
    /// The terminal lost everything.
    Lost,
    /// The area changes.
    Move { width: u16, height: u16 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..300_usize, 0..200_usize, 0..3_u8).prop_map(|(x, y, class)| Step::Dab { x, y, class }),
        2 => any::<u8>().prop_map(Step::Overlay),
        1 => any::<u8>().prop_map(Step::Smooth),
        3 => (-120..120_i64, -90..90_i64, any::<bool>())
            .prop_map(|(right, down, told)| Step::Pan { right, down, told }),
        1 => (1..5_u8).prop_map(Step::Zoom),
        2 => any::<bool>().prop_map(Step::Slow),
        1 => any::<u8>().prop_map(Step::Color),
        2 => (0..40_u16, 0..14_u16, 1..20_u16, 1..8_u16)
            .prop_map(|(x, y, width, height)| Step::Menu { x, y, width, height }),
        2 => Just(Step::Close),
        2 => Just(Step::Again),
        1 => Just(Step::Lost),
        1 => (1..40_u16, 1..12_u16).prop_map(|(width, height)| Step::Move { width, height }),
    ];
    prop::collection::vec(step, 1..14)
}

/// A session with one terminal, and beside it one that gets the text alone.
struct Session {
    encoder: Box<dyn FrameEncoder>,
    terminal: Terminal,
    text: Terminal,
    picture: Arc<Picture>,
    placement: Placement,
    /// How far a colour may be off.
    tolerance: u8,
    /// Where the view is.
    at: [i64; 2],
    /// Screen pixels per pixel of the slice.
    zoom: usize,
    /// Pictures go out in small pieces.
    slow: bool,
    /// Whether the picture is shown entirely.
    complete: bool,
}

/// What a slow link gets at once.
const PIECE: Allowance = Allowance { bytes: 1500, patience: 4000, focus: [90, 60] };

fn noise(x: usize, y: usize, seed: u8) -> u8 {
    let n = (x as u32).wrapping_mul(374_761_393).wrapping_add((y as u32).wrapping_mul(668_265_263));
    let n = (n ^ (u32::from(seed) << 13)).wrapping_mul(1_274_126_177);
    (((x + y + usize::from(seed)) % 200) as u8).wrapping_add((n >> 24) as u8 % 40)
}

const CLASSES: [[u8; 4]; 3] = [[255, 225, 25, 255], [0, 130, 200, 255], [230, 25, 75, 255]];

impl Session {
    fn new(kind: usize, profile: Profile) -> Self {
        let encoder = (ENCODERS[kind].create)(&capabilities(&profile));
        let area = CellRect { x: 3, y: 1, width: 30, height: 10 };
        let placement = Placement { area, holes: Vec::new(), cell: profile.cell };
        let mut session = Session {
            encoder,
            text: Terminal::new(Profile { sixel: false, iterm2: false, kitty: false, ..profile.clone() }),
            terminal: Terminal::new(profile),
            picture: Arc::new(Picture::new(0, 0)),
            placement,
            tolerance: 0,
            at: [0; 2],
            zoom: 1,
            slow: false,
            complete: true,
        };
        session.fresh();
        session
    }

    fn fresh(&mut self) {
        let [width, height] = self.encoder.picture_size(&self.placement);
        let mut picture = Picture::new(width, height);
        self.paint_base(&mut picture);
        self.picture = Arc::new(picture);
        self.tolerance = self.exactness(false);
    }

    fn paint_base(&self, picture: &mut Picture) {
        let width = picture.width;
        let [right, down] = self.at.map(|at| (at + 10_000) as usize);
        for (i, pixel) in picture.base.iter_mut().enumerate() {
            *pixel = [noise((i % width + right) / self.zoom, (i / width + down) / self.zoom, 7); 3];
        }
    }

    /// The documented error of the encoder, for pictures of few overlay colours over gray, or any.
    fn exactness(&self, many_colors: bool) -> u8 {
        match (self.encoder.id(), many_colors) {
            ("kitty" | "kitty-placeholder", true) => OVERLAY_ERROR,
            ("sixel", false) => 10,
            ("sixel", true) => 28,
            ("half", _) => 5,
            _ => 0,
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.terminal.feed(bytes);
        assert!(!self.terminal.is_torn(), "{} left an escape unfinished", self.encoder.id());
    }

    fn write_text(&mut self, bytes: &[u8]) {
        self.terminal.feed(bytes);
        self.text.feed(bytes);
    }

    fn fill_cells(&mut self, cells: CellRect, character: char) {
        let mut bytes = b"\x1b[0m".to_vec();
        for row in cells.y..(cells.y + cells.height).min(self.terminal.profile.rows) {
            bytes.extend(format!("\x1b[{};{}H", row + 1, cells.x + 1).bytes());
            let width = cells.width.min(self.terminal.profile.columns - cells.x);
            bytes.extend((0..width).map(|_| character as u8));
        }
        self.write_text(&bytes);
    }

    fn encode(&mut self) -> usize {
        let mut out = Vec::new();
        let allowance = if self.slow { PIECE } else { Allowance::ALL };
        self.complete = self.encoder.encode_some(&self.picture, &self.placement, &allowance, &mut out);
        assert!(self.slow || self.complete, "{} holds something back", self.encoder.id());
        self.write(&out);
        out.len()
    }

    /// Sends pieces until the picture is complete.
    fn finish(&mut self) {
        for _ in 0..2000 {
            self.encode();
            if self.complete {
                return;
            }
        }
        panic!("{} never completes the picture", self.encoder.id());
    }

    fn apply(&mut self, step: &Step) {
        let [width, height] = [self.picture.width, self.picture.height];
        let mut picture = (*self.picture).clone();
        match *step {
            Step::Dab { x, y, class } => {
                for (dx, dy) in (0..5).flat_map(|dy| (0..5).map(move |dx| (dx, dy))) {
                    let (x, y) = ((x + dx) % width, (y + dy) % height);
                    picture.overlay[y * width + x] = CLASSES[usize::from(class)];
                }
            }
            Step::Overlay(seed) => {
                for (i, pixel) in picture.overlay.iter_mut().enumerate() {
                    let (x, y) = (i % width, i / width);
                    let class = (x / 23 + y / 17 * 3 + usize::from(seed)) % 4;
                    *pixel = CLASSES.get(class).map_or([9, 9, 9, 0], |[r, g, b, _]| [*r, *g, *b, 100]);
                }
                self.tolerance = self.exactness(false);
                if picture.base.iter().any(|[r, g, b]| r != g || g != b) {
                    self.tolerance = self.exactness(true);
                }
            }
            Step::Smooth(seed) => {
                for (i, pixel) in picture.overlay.iter_mut().enumerate() {
                    let (x, y) = (i % width, i / width);
                    *pixel = [(x % 256) as u8, (y % 256) as u8, seed, ((x + 2 * y) % 256) as u8];
                }
                self.tolerance = self.exactness(true);
            }
            Step::Pan { right, down, told } => {
                self.at = [self.at[0] + right, self.at[1] + down];
                self.paint_base(&mut picture);
                self.encoder.moved_by(if told { [right, down] } else { [down, right] });
            }
            Step::Zoom(zoom) => {
                self.zoom = usize::from(zoom);
                self.paint_base(&mut picture);
            }
            Step::Slow(slow) => self.slow = slow,
            Step::Color(seed) => {
                for (i, pixel) in picture.base.iter_mut().enumerate() {
                    *pixel = [1, 2, 3].map(|c| noise(i % width, i / width * c, seed));
                }
                self.tolerance = self.tolerance.max(self.exactness(true));
            }
            Step::Menu { x, y, width, height } => {
                let hole = CellRect { x, y, width, height };
                self.placement.holes.push(hole);
                self.fill_cells(hole, 'm');
            }
            Step::Close => {
                for hole in std::mem::take(&mut self.placement.holes) {
                    self.fill_cells(hole, ' ');
                }
            }
            Step::Again => {
                self.finish();
                let sent = self.encode();
                assert_eq!(sent, 0, "{}: {sent} bytes for the picture that is shown", self.encoder.id());
                // Equal pixels in another allocation are no change either.
                self.picture = Arc::new(picture.clone());
                assert_eq!(self.encode(), 0, "{}", self.encoder.id());
            }
            Step::Lost => {
                self.encoder.forget();
                self.write_text(b"\x1b[0m\x1b[2J");
                for hole in self.placement.holes.clone() {
                    self.fill_cells(hole, 'm');
                }
            }
            Step::Move { width, height } => {
                let mut out = Vec::new();
                self.encoder.erase(&mut out);
                self.write(&out);
                self.write_text(b"\x1b[0m\x1b[2J");
                self.placement.holes.clear();
                self.placement.area = CellRect { x: 2, y: 2, width, height };
                self.fresh();
                return;
            }
        }
        self.picture = Arc::new(picture);
    }

    /// Whether a pixel of the screen lies in a cell that the picture owns.
    fn check(&self, step: &Step) {
        let id = self.encoder.id();
        assert_eq!(self.terminal.problems, Vec::<String>::new(), "{id} after {step:?}");
        let (shot, text) = (self.terminal.screenshot(), self.text.screenshot());
        let Placement { area, holes, cell } = &self.placement;
        // The cell whose pixels, by the terminal's rounding, hold a pixel.
        let cell_at = |axis: usize, at: usize| {
            let near = (at as f64 / cell[axis]) as u16;
            if self.terminal.pixel(axis, near + 1) <= at { near + 1 } else { near }
        };
        let column = |x: usize| cell_at(0, x);
        let row = |y: usize| cell_at(1, y);
        let owned = |x: usize, y: usize| {
            let (c, r) = (column(x), row(y));
            area.contains(c, r) && !holes.iter().any(|h| h.contains(c, r))
        };
        let is_text = id == "ascii";
        // A sixel picture ends a pixel early where it would take a cell beside the picture's otherwise.
        let may_end = |axis: usize, x: usize, y: usize| {
            id == "sixel" && cell[axis].fract() != 0.0 && !owned(x + 1 - axis, y + axis)
        };
        for y in 0..shot.height {
            for x in 0..shot.width {
                if !owned(x, y) {
                    assert!(
                        shot.at(x, y) == text.at(x, y),
                        "{id} drew {:?} at ({x}, {y}), which is not its own, after {step:?}",
                        shot.at(x, y)
                    );
                } else if !is_text && self.complete && !may_end(0, x, y) && !may_end(1, x, y) {
                    self.check_pixel(&shot, x, y, step);
                }
            }
        }
    }

    fn check_pixel(&self, shot: &Screenshot, x: usize, y: usize, step: &Step) {
        let id = self.encoder.id();
        let Placement { area, cell, .. } = &self.placement;
        let (left, top) = (self.terminal.pixel(0, area.x), self.terminal.pixel(1, area.y));
        let scale = if id == "half" { [1.0 / cell[0], 2.0 / cell[1]] } else { [1.0; 2] };
        let at = [((x - left) as f64 * scale[0]) as usize, ((y - top) as f64 * scale[1]) as usize];
        let want = |x: usize, y: usize| {
            (x < self.picture.width && y < self.picture.height)
                .then(|| self.picture.color(y * self.picture.width + x))
        };
        let got = shot.at(x, y);
        let close = |want: Option<[u8; 3]>| {
            want.is_none_or(|want| want.iter().zip(got).all(|(w, g)| w.abs_diff(g) <= self.tolerance))
        };
        assert!(
            close(want(at[0], at[1])),
            "{id}: pixel {at:?} is {got:?}, not {:?} within {}, after {step:?}",
            want(at[0], at[1]),
            self.tolerance
        );
    }
}

/// Few of these large cases, unless `PROPTEST_CASES` says how many.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_some() {
        default
    } else {
        ProptestConfig { cases: 16, ..default }
    }
}

proptest! {
    #![proptest_config(config())]
    #[test]
    fn the_screen_is_the_composed_picture(steps in steps()) {
        run(&steps);
    }
}

/// Plays steps with every encoder on each of its terminals, and compares the screen after each step.
fn run(steps: &[Step]) {
    for (kind, entry) in ENCODERS.iter().enumerate() {
        for profile in profiles(entry.id) {
            let mut session = Session::new(kind, profile);
            session.encode();
            session.check(&Step::Again);
            for step in steps {
                session.apply(step);
                session.encode();
                session.check(step);
            }
            session.finish();
            session.check(&Step::Again);
            let mut out = Vec::new();
            session.encoder.erase(&mut out);
            session.write(&out);
            assert!(!session.terminal.holds_images(), "{} leaves images behind", entry.id);
            assert_eq!(session.encoder.id(), entry.id);
        }
    }
}

#[test]
fn two_menus_side_by_side_after_the_screen_was_lost_leave_nothing_of_the_picture() {
    run(&[
        Step::Menu { x: 31, y: 3, width: 1, height: 4 },
        Step::Lost,
        Step::Menu { x: 17, y: 0, width: 14, height: 4 },
    ]);
}

#[test]
fn a_dab_leaves_the_rows_below_it_whole_where_cells_have_fractions() {
    for y in (0..200).step_by(17) {
        run(&[Step::Dab { x: 40, y, class: 0 }]);
    }
}

#[test]
fn a_menu_over_a_picture_on_a_slow_link_is_seen_at_once() {
    for (kind, entry) in ENCODERS.iter().enumerate() {
        for profile in profiles(entry.id) {
            let mut session = Session::new(kind, profile);
            session.encode();
            // A new overlay, of which little has gone out when a menu covers most of the picture.
            for step in [Step::Slow(true), Step::Smooth(7), Step::Menu { x: 4, y: 2, width: 25, height: 8 }] {
                session.apply(&step);
                session.encode();
                session.check(&step);
            }
            assert!(!session.complete || entry.id == "ascii", "{} is not slow enough to tell", entry.id);
            session.apply(&Step::Close);
            session.finish();
            session.check(&Step::Close);
        }
    }
}

#[test]
fn ascii_tells_classes_apart_without_colour() {
    let mut terminal = capabilities(&Profile::mute());
    terminal.colors = brushwood::graphics::Colors::None;
    let kind = ENCODERS.iter().find(|e| e.id == "ascii").unwrap();
    let mut encoder = (kind.create)(&terminal);
    let area = CellRect { x: 0, y: 0, width: 4, height: 1 };
    let placement = Placement { area, holes: Vec::new(), cell: [10.0, 20.0] };
    let mut picture = Picture::new(4, 1);
    picture.base[1] = [255; 3];
    picture.overlay[2] = CLASSES[0];
    picture.overlay[3] = CLASSES[1];
    let mut out = Vec::new();
    encoder.encode(&Arc::new(picture), &placement, &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), "\x1b[1;1H\x1b[0m @AB\x1b[0m");
}

#[test]
fn pictures_of_the_wrong_size_are_ignored() {
    for kind in ENCODERS {
        let profile = profiles(kind.id).remove(0);
        let mut encoder = (kind.create)(&capabilities(&profile));
        let area = CellRect { x: 0, y: 0, width: 10, height: 5 };
        let placement = Placement { area, holes: Vec::new(), cell: profile.cell };
        let mut broken = Picture::new(30, 30);
        broken.overlay.pop();
        let mut out = Vec::new();
        encoder.encode(&Arc::new(broken), &placement, &mut out);
        encoder.encode(&Arc::new(Picture::new(0, 0)), &placement, &mut out);
        assert!(out.is_empty(), "{} drew a broken picture", kind.id);
    }
}
