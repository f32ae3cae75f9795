//! What a terminal can do, and which encoder follows from it.
//!
//! Plain values: the query that fills them is [`super::probe`].

use std::fmt;

use super::half_blocks::Colors;

/// What the environment says, as far as it travels: hints, which the terminal's own answers overrule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Environment {
    /// `TERM`.
    pub term: String,
    /// `COLORTERM`.
    pub colorterm: String,
    /// `TERM_PROGRAM`, or `LC_TERMINAL`, which SSH carries.
    pub program: String,
    /// Whether `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// Whether `TMUX` is set.
    pub tmux: bool,
    /// Whether the locale is UTF-8.
    pub utf8: bool,
    /// Columns and rows of the terminal.
    pub cells: [u16; 2],
    /// Whether the terminal device does not know `cells`, so that the terminal is asked.
    pub cells_guessed: bool,
    /// Width and height in pixels by `TIOCGWINSZ`, 0 when unknown.
    pub pixels: [u16; 2],
    /// A cell's size given by the user (`--cell-size`).
    pub cell: Option<[f64; 2]>,
}

impl Environment {
    /// Gathers the hints from environment variables, read by `variable`.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| variable(name).unwrap_or_default();
        let first = |names: &[&str]| names.iter().map(|n| get(n)).find(|v| !v.is_empty()).unwrap_or_default();
        let mut program = first(&["LC_TERMINAL", "TERM_PROGRAM"]);
        for (name, brand) in
            [("KONSOLE_VERSION", "konsole"), ("VTE_VERSION", "vte"), ("WEZTERM_PANE", "wezterm")]
        {
            if program.is_empty() && !get(name).is_empty() {
                program = brand.to_owned();
            }
        }
        let locale = first(&["LC_ALL", "LC_CTYPE", "LANG"]).to_ascii_lowercase();
        Environment {
            term: get("TERM"),
            colorterm: get("COLORTERM"),
            program,
            no_color: !get("NO_COLOR").is_empty(),
            tmux: !get("TMUX").is_empty(),
            utf8: locale.contains("utf-8") || locale.contains("utf8"),
            ..Environment::default()
        }
    }
}

/// Terminals that need telling apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Brand {
    #[default]
    Unknown,
    Kitty,
    Ghostty,
    Konsole,
    WezTerm,
    Iterm2,
    Xterm,
    XtermJs,
    Foot,
    Mlterm,
    Contour,
    Vte,
    Alacritty,
    Tmux,
}

impl Brand {
    /// The brand in a name: an XTVERSION answer, `TERM_PROGRAM` or `TERM`.
    pub fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let known = [
            ("kitty", Brand::Kitty),
            ("ghostty", Brand::Ghostty),
            ("konsole", Brand::Konsole),
            ("wezterm", Brand::WezTerm),
            ("iterm", Brand::Iterm2),
            ("xterm.js", Brand::XtermJs),
            ("vscode", Brand::XtermJs),
            ("xterm(", Brand::Xterm),
            ("foot", Brand::Foot),
            ("mlterm", Brand::Mlterm),
            ("contour", Brand::Contour),
            ("vte", Brand::Vte),
            ("alacritty", Brand::Alacritty),
            ("tmux", Brand::Tmux),
        ];
        known.iter().find(|(word, _)| name.contains(word)).map_or(Brand::Unknown, |(_, brand)| *brand)
    }
}

impl Brand {
    /// Whether it takes colours of 24 bits: all that have a name here do, and SSH does not carry `COLORTERM`,
    /// which would tell. tmux rounds for the terminal around it.
    pub fn has_true_color(self) -> bool {
        self != Brand::Unknown
    }
}

/// Whether a cell can have that width and height in pixels: some terminals report nonsense.
pub(super) fn is_cell([width, height]: [f64; 2]) -> bool {
    (3.0..=512.0).contains(&width) && (4.0..=512.0).contains(&height)
}

/// How a cell's size was learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CellSource {
    Given,
    Cell,
    Window,
    WindowSize,
    SixelGeometry,
}

impl fmt::Display for CellSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CellSource::Given => "given by --cell-size",
            CellSource::Cell => "the terminal's cell report (16t)",
            CellSource::Window => "the terminal's window report (14t)",
            CellSource::WindowSize => "the window size of the terminal device",
            CellSource::SixelGeometry => "the terminal's sixel geometry",
        })
    }
}

/// What the terminal can do.
#[derive(Clone, Debug, PartialEq)]
pub struct Capabilities {
    /// Which terminal: by its own word, else by the environment's.
    pub brand: Brand,
    /// Its answer to XTVERSION, empty without one.
    pub version: String,
    /// Width and height of a cell in pixels, and how that is known.
    pub cell: Option<([f64; 2], CellSource)>,
    /// Whether it draws sixel.
    pub sixel: bool,
    /// Its sixel colour registers, where it tells.
    pub sixel_registers: Option<u16>,
    /// Width and height of the largest sixel picture, where it tells.
    pub sixel_geometry: Option<[u32; 2]>,
    /// Whether it draws kitty graphics.
    pub kitty: bool,
    /// Whether it edits kitty images in place.
    pub kitty_edit: bool,
    /// Whether it draws kitty images by placeholder cells (asked through tmux only).
    pub kitty_placeholder: bool,
    /// Whether it reports the mouse in pixels (mode 1016).
    pub pixel_mouse: bool,
    /// Whether it holds back drawing during an update (mode 2026).
    pub sync_2026: bool,
    /// Whether it tells resizes in band (mode 2048).
    pub in_band_resize: bool,
    /// Whether it speaks the kitty keyboard protocol.
    pub kitty_keyboard: bool,
    /// Whether tmux stands between.
    pub tmux: bool,
    /// Whether tmux hands sequences on to the terminal around it (`allow-passthrough`).
    pub passthrough: bool,
    /// How many colours text can have.
    pub colors: Colors,
    /// Whether text can be UTF-8.
    pub utf8: bool,
}

impl Capabilities {
    /// What can be assumed before the terminal has answered.
    pub fn assumed(environment: &Environment) -> Self {
        let term = &environment.term;
        let truecolor = ["truecolor", "24bit"].contains(&environment.colorterm.as_str());
        let colors = match () {
            _ if environment.no_color || term == "dumb" || term.starts_with("vt") => Colors::None,
            _ if truecolor || term.ends_with("-direct") => Colors::True,
            _ => Colors::Indexed,
        };
        let brand = match Brand::of(&environment.program) {
            Brand::Unknown => Brand::of(term),
            brand => brand,
        };
        let window = environment.pixels.map(f64::from);
        let from_window: [f64; 2] = std::array::from_fn(|i| {
            // xterm counts its border too: only whole pixels are sure.
            (window[i] / f64::from(environment.cells[i].max(1))).floor()
        });
        let cell = environment.cell.map(|c| (c, CellSource::Given));
        let cell = cell.or_else(|| {
            let known = is_cell(from_window) && !environment.cells_guessed;
            known.then_some((from_window, CellSource::WindowSize))
        });
        Capabilities {
            brand,
            version: String::new(),
            cell,
            sixel: false,
            sixel_registers: None,
            sixel_geometry: None,
            kitty: false,
            kitty_edit: false,
            kitty_placeholder: false,
            pixel_mouse: false,
            sync_2026: false,
            in_band_resize: false,
            kitty_keyboard: false,
            tmux: environment.tmux || brand == Brand::Tmux,
            passthrough: false,
            colors,
            utf8: environment.utf8 && term != "dumb",
        }
    }

    /// A cell's size in pixels, where known.
    pub fn cell_size(&self) -> Option<[f64; 2]> {
        self.cell.map(|(size, _)| size)
    }

    /// A terminal in colour with cells of 9x18 pixels and nothing else, but for a change.
    #[cfg(test)]
    pub(crate) fn sample(change: impl Fn(&mut Capabilities)) -> Self {
        let environment = Environment { utf8: true, colorterm: "truecolor".into(), ..Environment::default() };
        let mut terminal = Capabilities::assumed(&environment);
        terminal.cell = Some(([9.0, 18.0], CellSource::Cell));
        change(&mut terminal);
        terminal
    }
}
