//! Terminal programs: how they are started, and where the program's picture is in their windows.

use std::fs;
use std::path::Path;

use brushwood::render::Viewport;
use image::RgbImage;

/// A terminal program and how its window is laid out.
pub struct Terminal {
    /// X class of its windows.
    pub class: &'static str,
    /// How it is started, in parts; the program follows.
    pub command: &'static [&'static [&'static str]],
    /// Pixels between the window's edge and the first cell (x, y); found by the picture where it is not known.
    pub border: Option<[i64; 2]>,
    /// Whether the mouse is reported by cells only.
    pub cell_mouse: bool,
    /// Largest mean difference, per colour channel, between the overlay expected and seen: kitty blends in
    /// its own way, sixel has a palette.
    pub tolerance: f64,
}

impl Terminal {
    /// The command line that runs `program`, a program with its arguments, in it.
    pub fn running(&self, program: &[&str]) -> Vec<String> {
        self.command.iter().chain([&program]).flat_map(|part| part.iter().map(ToString::to_string)).collect()
    }
}

/// kitty, with its own window's size.
const KITTY_COMMAND: &[&str] = &[
    "kitty",
    "--config",
    "NONE",
    "-o",
    "remember_window_size=no",
    "-o",
    "initial_window_width=122c",
    "-o",
    "initial_window_height=44c",
    "-o",
    "font_size=11",
    "-o",
    "confirm_os_window_close=0",
    "-o",
    "update_check_interval=0",
    "-o",
    "window_padding_width=0",
];
/// xterm as Debian ships it: no sixel, no window reports.
const XTERM_COMMAND: &[&str] = &["xterm", "-fa", "DejaVu Sans Mono", "-fs", "11", "-geometry", "115x42"];
/// xterm with sixel graphics.
const XTERM_SIXEL: &[&str] = &["-ti", "vt340"];
/// xterm that tells its size and draws large pictures.
const XTERM_WINDOW_OPERATIONS: &[&str] = &[
    "-xrm",
    "XTerm*allowWindowOps: true",
    "-xrm",
    "XTerm*numColorRegisters: 1024",
    "-xrm",
    "XTerm*maxGraphicSize: 2000x2000",
];
/// Before the program that a terminal runs.
const RUNS: &[&str] = &["-e"];
/// tmux with what the program recommends: see `tmux.conf`.
const TMUX: &[&str] =
    &["tmux", "-f", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terminals/tmux.conf"), "new-session"];

/// kitty, drawn by software.
pub const KITTY: Terminal = Terminal {
    class: "kitty",
    command: &[KITTY_COMMAND],
    border: Some([0, 0]),
    cell_mouse: false,
    tolerance: 8.0,
};

/// xterm with sixel graphics and window operations.
pub const XTERM: Terminal = Terminal {
    class: "xterm",
    command: &[XTERM_COMMAND, XTERM_SIXEL, XTERM_WINDOW_OPERATIONS, RUNS],
    border: Some([2, 2]),
    cell_mouse: false,
    tolerance: 20.0,
};

/// xterm with sixel graphics that does not tell its size.
pub const XTERM_VT340: Terminal = Terminal { command: &[XTERM_COMMAND, XTERM_SIXEL, RUNS], ..XTERM };

/// xterm as Debian ships it.
pub const XTERM_DEFAULT: Terminal = Terminal { command: &[XTERM_COMMAND, RUNS], ..XTERM };

/// tmux in kitty: placeholders, or half-blocks where kitty is older than 0.28.
pub const TMUX_IN_KITTY: Terminal =
    Terminal { command: &[KITTY_COMMAND, TMUX], cell_mouse: true, tolerance: 12.0, ..KITTY };

/// tmux in xterm: sixel from tmux 3.4 on, half-blocks before.
pub const TMUX_IN_XTERM: Terminal = Terminal {
    command: &[XTERM_COMMAND, XTERM_SIXEL, XTERM_WINDOW_OPERATIONS, RUNS, TMUX],
    cell_mouse: true,
    ..XTERM
};

/// mlterm: sixel, the mouse by cells.
pub const MLTERM: Terminal = Terminal {
    class: "mlterm",
    command: &[&["mlterm", "--geometry=115x42", "--fontsize=16"], RUNS],
    border: None,
    cell_mouse: true,
    ..XTERM
};

/// Konsole: kitty graphics without edits, and sixel; the mouse by cells.
pub const KONSOLE: Terminal = Terminal {
    class: "konsole",
    command: &[
        &["dbus-run-session", "--", "konsole", "--separate", "--hide-menubar", "--hide-tabbar"],
        &["--geometry", "1000x760"],
        RUNS,
    ],
    border: None,
    cell_mouse: true,
    ..XTERM
};

/// foot, in weston in an X window: sixel.
pub const FOOT: Terminal = Terminal {
    class: "weston",
    command: &[&[concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terminals/foot")]],
    border: None,
    cell_mouse: false,
    ..XTERM
};

/// xterm.js, VS Code's terminal, in Chromium: sixel.
pub const XTERM_JS: Terminal = Terminal {
    class: "chromium",
    command: &[&[concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terminals/xterm_js/open")]],
    border: None,
    cell_mouse: false,
    ..XTERM
};

/// Where the canvas is, as the program logs it.
#[derive(Clone, Copy, Debug)]
pub struct Canvas {
    /// Window pixel (x, y) of the picture's top left.
    pub origin: [f64; 2],
    /// The part of the slice that is shown.
    pub viewport: Viewport,
    /// Window pixels (x, y) per picture pixel: 1 but for half-blocks.
    pub scale: [f64; 2],
    /// Size of a cell (x, y) in pixels.
    pub cell: [f64; 2],
    /// Size of the screen in cells (columns, rows).
    pub screen: [u16; 2],
    /// Index of the slice.
    pub slice: usize,
}

impl Canvas {
    /// The newest line of a log that tells of the canvas: `canvas origin=X,Y picture=ROWS,COLUMNS …`.
    pub fn from_log(log: &Path, terminal: &Terminal) -> Option<Canvas> {
        let text = fs::read_to_string(log).ok()?;
        let line = text.lines().rfind(|line| line.contains("canvas origin="))?;
        let pair = |key: &str| -> Option<[f64; 2]> {
            let rest = &line[line.find(&format!("{key}="))? + key.len() + 1..];
            let (a, b) = rest.split_whitespace().next()?.split_once(',')?;
            Some([a.parse().ok()?, b.parse().ok()?])
        };
        let border = terminal.border.unwrap_or_default();
        let ([x, y], [rows, columns]) = (pair("origin")?, pair("picture")?);
        let (cell, area) = (pair("cell")?, pair("area")?);
        let scale = [area[0] * cell[0] / columns, area[1] * cell[1] / rows];
        Some(Canvas {
            origin: [x + border[0] as f64, y + border[1] as f64],
            viewport: Viewport {
                center: pair("center")?,
                zoom: pair("zoom")?,
                picture: [rows as usize, columns as usize],
            },
            // A rest of a pixel at the edge does not stretch the picture.
            scale: scale.map(|scale| if (scale - 1.0).abs() < 0.02 { 1.0 } else { scale }),
            cell,
            screen: pair("screen")?.map(|p| p as u16),
            slice: line[line.find("slice=")? + 6..].split_whitespace().next()?.parse().ok()?,
        })
    }

    /// The window pixel `[x, y]` in the middle of a slice pixel `[row, column]`.
    pub fn window_at(&self, slice: [usize; 2]) -> [i64; 2] {
        // Between two picture pixels, where pictures have an odd size, the first shows the slice pixel.
        let at = self.viewport.picture_at(slice.map(|p| p as f64 + 0.5)).map(|p| (p - 1e-6).floor());
        self.window_of(at)
    }

    /// The window pixel `[x, y]` in the middle of a picture pixel `[row, column]`.
    fn window_of(&self, at: [f64; 2]) -> [i64; 2] {
        [0, 1].map(|i| (self.origin[i] + (at[1 - i] + 0.5) * self.scale[i]) as i64)
    }

    /// Whether half-blocks make the picture coarse.
    pub fn is_coarse(&self) -> bool {
        self.scale[1] > 2.0
    }

    /// The slice pixel `[row, column]` that a mouse which tells cells only means in the middle of another.
    pub fn by_cells(&self, slice: [usize; 2]) -> [usize; 2] {
        let window = self.window_at(slice);
        let picture = [1, 0].map(|i| {
            let cell = ((window[i] as f64 - self.origin[i]) / self.cell[i]).floor();
            (cell + 0.5) * self.cell[i] / self.scale[i] - 0.5
        });
        self.viewport.slice_at(picture[0], picture[1]).map(|p| p.floor().max(0.0) as usize)
    }

    /// The window pixel `[x, y]` in the middle of the canvas.
    pub fn middle(&self) -> [i64; 2] {
        self.window_of(self.viewport.picture.map(|p| (p / 2) as f64))
    }

    /// Whether a slice pixel is shown entirely.
    pub fn shows(&self, slice: [usize; 2]) -> bool {
        let at = self.viewport.picture_at(slice.map(|p| p as f64 + 0.5));
        (0..2).all(|i| at[i] > 8.0 && at[i] < self.viewport.picture[i] as f64 - 8.0)
    }
}

/// The colour of a window pixel (x, y).
pub fn pixel(shot: &RgbImage, [x, y]: [i64; 2]) -> [f64; 3] {
    shot.get_pixel(x as u32, y as u32).0.map(f64::from)
}

/// Mean difference of two colours over the channels.
pub fn difference(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).abs()).sum::<f64>() / 3.0
}
