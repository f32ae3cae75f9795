//! Terminal programs: how they are started, and where the program's picture is in their windows.

use std::fs;
use std::path::Path;

use brushwood::render::Viewport;
use image::RgbImage;

/// A terminal program and how its window is laid out.
pub struct Terminal {
    /// X class of its windows.
    pub class: &'static str,
    /// How it is started; the program follows.
    pub command: &'static [&'static str],
    /// Pixels between the window's edge and the first cell.
    pub border: i64,
    /// Largest mean difference, per colour channel, between the overlay expected and seen: kitty blends in
    /// its own way, sixel has a palette.
    pub tolerance: f64,
}

/// kitty, drawn by software.
pub const KITTY: Terminal = Terminal {
    class: "kitty",
    command: &[
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
    ],
    border: 0,
    tolerance: 8.0,
};

/// xterm with sixel graphics.
pub const XTERM: Terminal = Terminal {
    class: "xterm",
    command: &[
        "xterm",
        "-ti",
        "vt340",
        "-xrm",
        "XTerm*allowWindowOps: true",
        "-xrm",
        "XTerm*numColorRegisters: 1024",
        "-xrm",
        "XTerm*maxGraphicSize: 2000x2000",
        "-fa",
        "DejaVu Sans Mono",
        "-fs",
        "11",
        "-geometry",
        "115x42",
        "-e",
    ],
    border: 2,
    tolerance: 20.0,
};

/// Where the canvas is, as the program logs it.
#[derive(Clone, Copy, Debug)]
pub struct Canvas {
    /// Window pixel (x, y) of the picture's top left.
    pub origin: [f64; 2],
    /// The part of the slice that is shown.
    pub viewport: Viewport,
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
        let border = terminal.border as f64;
        Some(Canvas {
            origin: pair("origin")?.map(|p| p + border),
            viewport: Viewport {
                center: pair("center")?,
                zoom: pair("zoom")?,
                picture: pair("picture")?.map(|p| p as usize),
            },
            cell: pair("cell")?,
            screen: pair("screen")?.map(|p| p as u16),
            slice: line[line.find("slice=")? + 6..].split_whitespace().next()?.parse().ok()?,
        })
    }

    /// The window pixel `[x, y]` in the middle of a slice pixel `[row, column]`.
    pub fn window_at(&self, slice: [usize; 2]) -> [i64; 2] {
        // Between two picture pixels, where pictures have an odd size, the first shows the slice pixel.
        let at = self.viewport.picture_at(slice.map(|p| p as f64 + 0.5)).map(|p| (p - 1e-6).floor());
        [(self.origin[0] + at[1]) as i64, (self.origin[1] + at[0]) as i64]
    }

    /// The window pixel `[x, y]` in the middle of the canvas.
    pub fn middle(&self) -> [i64; 2] {
        let [rows, columns] = self.viewport.picture.map(|p| p as f64 / 2.0);
        [(self.origin[0] + columns) as i64, (self.origin[1] + rows) as i64]
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
