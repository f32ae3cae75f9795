//! The program in real terminals, driven by mouse and keys, judged by screenshots.
//!
//! Not part of a plain `cargo test`: `tests/terminals/run` installs kitty, xterm and a virtual X server and
//! runs it.

#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stdout)]

mod desktop;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use brushwood::data::Brush;
use brushwood::project::Project;
use brushwood::render::Viewport;
use desktop::{Desktop, Window, wait_until};
use image::{GrayImage, RgbImage};
use ndarray::Array3;

/// A terminal program and how its window is laid out.
struct Terminal {
    class: &'static str,
    command: &'static [&'static str],
    /// Pixels between the window's edge and the first cell.
    border: i64,
    /// Largest mean difference, per colour channel, between the overlay expected and seen: kitty blends in
    /// its own way, sixel has a palette.
    tolerance: f64,
}

const KITTY: Terminal = Terminal {
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

const XTERM: Terminal = Terminal {
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

#[test]
fn kitty_shows_strokes_and_overlay_in_place() {
    label_and_predict(&KITTY);
}

#[test]
fn xterm_shows_strokes_and_overlay_in_place() {
    label_and_predict(&XTERM);
}

/// Where the canvas is, as the program logs it.
#[derive(Clone, Copy, Debug)]
struct Canvas {
    /// Window pixel (x, y) of the picture's top left.
    origin: [f64; 2],
    viewport: Viewport,
}

impl Canvas {
    /// The newest `canvas origin=X,Y picture=ROWS,COLUMNS center=ROW,COLUMN zoom=ROWS,COLUMNS` of a log.
    fn from_log(log: &Path, terminal: &Terminal) -> Option<Canvas> {
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
        })
    }

    /// The window pixel `[x, y]` in the middle of a slice pixel `[row, column]`.
    fn window_at(&self, slice: [usize; 2]) -> [i64; 2] {
        // Between two picture pixels, where pictures have an odd size, the first shows the slice pixel.
        let at = self.viewport.picture_at(slice.map(|p| p as f64 + 0.5)).map(|p| (p - 1e-6).floor());
        [(self.origin[0] + at[1]) as i64, (self.origin[1] + at[0]) as i64]
    }

    /// The slice pixels shown entirely.
    fn shows(&self, slice: [usize; 2]) -> bool {
        let at = self.viewport.picture_at(slice.map(|p| p as f64 + 0.5));
        (0..2).all(|i| at[i] > 8.0 && at[i] < self.viewport.picture[i] as f64 - 8.0)
    }
}

/// A run of `length` pixels of a row around which the truth is `value` for `margin` pixels.
fn run_of(truth: &GrayImage, canvas: &Canvas, value: u8, length: u32, margin: u32) -> [[usize; 2]; 2] {
    for row in margin..truth.height() - margin {
        for column in margin..truth.width() - length - margin {
            let inside = (row - margin..=row + margin).all(|y| {
                (column - margin..column + length + margin).all(|x| truth.get_pixel(x, y)[0] == value)
            });
            let ends = [[row as usize, column as usize], [row as usize, (column + length - 1) as usize]];
            if inside && ends.iter().all(|&end| canvas.shows(end)) {
                return ends;
            }
        }
    }
    panic!("the truth has no run of {length} pixels of {value}");
}

/// Presses at the first slice pixel and drags to the second.
fn stroke(window: &Window<'_>, canvas: &Canvas, [from, to]: [[usize; 2]; 2]) {
    let [a, b] = [canvas.window_at(from), canvas.window_at(to)];
    let points: Vec<[i64; 2]> =
        (0..=10).map(|step| std::array::from_fn(|i| a[i] + (b[i] - a[i]) * step / 10)).collect();
    window.drag(&points);
}

fn pixel(shot: &RgbImage, [x, y]: [i64; 2]) -> [f64; 3] {
    shot.get_pixel(x as u32, y as u32).0.map(f64::from)
}

fn difference(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).abs()).sum::<f64>() / 3.0
}

/// Correlation between the image and what is on screen, over a grid of slice pixels.
fn likeness(shot: &RgbImage, canvas: &Canvas, raw: &Array3<f32>) -> f64 {
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for row in (4..raw.dim().1).step_by(9) {
        for column in (4..raw.dim().2).step_by(9).filter(|&column| canvas.shows([row, column])) {
            xs.push(f64::from(raw[[0, row, column]]));
            ys.push(pixel(shot, canvas.window_at([row, column]))[1]);
        }
    }
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (mx, my) = (mean(&xs), mean(&ys));
    let product = |a: &[f64], ma: f64, b: &[f64], mb: f64| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum()
    };
    product(&xs, mx, &ys, my) / (product(&xs, mx, &xs, mx) * product(&ys, my, &ys, my)).sqrt().max(1e-9)
}

fn label_and_predict(terminal: &Terminal) {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data");
    let folder = tempfile::tempdir().unwrap();
    let [image, log] = ["nuclei.tif", "log"].map(|name| folder.path().join(name));
    fs::copy(samples.join("nuclei.tif"), &image).unwrap();
    let truth = image::open(samples.join("nuclei_truth.png")).unwrap().to_luma8();
    let raw = brushwood::io::open(image.to_str().unwrap(), &Default::default()).unwrap();
    let [_, z, y, x, _] = raw.info().shape;
    let raw = raw.read(&brushwood::data::Roi::whole([1, z, y, x, 1])).unwrap().to_f32();
    let raw = raw.into_shape_with_order((z, y, x)).unwrap();

    let program: PathBuf = env!("CARGO_BIN_EXE_brushwood").into();
    let mut command: Vec<String> = terminal.command.iter().map(|&part| part.to_owned()).collect();
    command.extend([
        program.display().to_string(),
        "--log".into(),
        log.display().to_string(),
        "nuclei.tif".into(),
    ]);
    let desktops: Vec<Desktop> = (0..8).map(|_| Desktop::start()).collect();
    let window = desktops
        .iter()
        .find_map(|desktop| desktop.open(terminal.class, &command, folder.path()))
        .expect("one of eight X servers shows the terminal");

    let canvas = wait_until("the image on screen", || {
        let canvas = Canvas::from_log(&log, terminal)?;
        (likeness(&window.screenshot(), &canvas, &raw) > 0.95).then_some(canvas)
    });

    let strokes = [run_of(&truth, &canvas, 1, 60, 6), run_of(&truth, &canvas, 2, 16, 3)];
    for (key, line) in ["1", "2"].into_iter().zip(strokes) {
        window.keys(&[key]);
        stroke(&window, &canvas, line);
    }
    let classes = [[255.0, 225.0, 25.0], [0.0, 130.0, 200.0]];
    for ([from, to], color) in strokes.into_iter().zip(classes) {
        let middle = [from[0], (from[1] + to[1]) / 2];
        wait_until("the stroke on screen", || {
            let shot = window.screenshot();
            let seen = [from, middle, to].map(|at| pixel(&shot, canvas.window_at(at)));
            // The brush's outline may lie over the stroke's end.
            (seen.iter().filter(|&&seen| difference(seen, color) < terminal.tolerance).count() >= 2)
                .then_some(())
        });
    }

    window.keys(&["l"]);
    let project_path = folder.path().join("nuclei.ilp");
    let project = wait_until("a saved project with its forest", || {
        window.keys(&["ctrl+s"]);
        Project::load(&project_path).ok().filter(|project| project.forest.is_some())
    });
    for (class, [from, to]) in strokes.into_iter().enumerate() {
        let center = Brush { diameter: 1 }.segment(from.map(|p| p as i64), to.map(|p| p as i64));
        for [row, column] in &center {
            let label = project.lanes[0].labels.get([0, 0, *row as usize, *column as usize]);
            assert_eq!(usize::from(label), class + 1, "label at row {row}, column {column}");
        }
        let painted = project.lanes[0].labels.iter().filter(|(_, label)| usize::from(*label) == class + 1);
        for ([_, _, row, column], _) in painted {
            let off = row.abs_diff(from[0]);
            assert!(off <= 3, "a pixel of class {} lies {off} rows from its stroke", class + 1);
            assert!(column + 3 >= from[1] && column <= to[1] + 3, "column {column} lies beyond the stroke");
        }
    }

    let status = Command::new(&program)
        .args(["predict", "--project", "nuclei.ilp", "--output-format", "numpy"])
        .args(["--output-filename-format", "out_{result_type}.npy", "nuclei.tif"])
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(status.success(), "predict: {status}");
    let file = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let output = file.into_iter().find(|path| path.extension().is_some_and(|e| e == "npy")).unwrap();
    let probabilities = brushwood::io::open(
        output.to_str().unwrap(),
        &brushwood::io::OpenOptions { axes: Some("yxc".parse().unwrap()), ..Default::default() },
    )
    .unwrap();
    let probabilities = probabilities.read(&brushwood::data::Roi::whole([1, 1, y, x, 2])).unwrap().to_f32();

    // Pixels the forest is sure of, away from labels and from the cursor.
    let labels = &project.lanes[0].labels;
    let mut sure = Vec::new();
    for row in (10..y - 10).step_by(7) {
        for column in (10..x - 10).step_by(7) {
            let near = (0..17 * 17).any(|i| labels.get([0, 0, row + i / 17 - 8, column + i % 17 - 8]) != 0);
            let p = [0, 1].map(|c| probabilities[[0, 0, row, column, c]]);
            if canvas.shows([row, column]) && !near && p[0].max(p[1]) > 0.97 {
                sure.push(([row, column], p.map(f64::from)));
            }
        }
    }
    assert!(sure.len() > 300, "the forest is sure of only {} pixels", sure.len());
    let (low, high) = raw.iter().fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
    let expected = |([row, column], p): ([usize; 2], [f64; 2])| -> [f64; 3] {
        let gray = f64::from((raw[[0, row, column]] - low) / (high - low)) * 255.0;
        let under: [f64; 3] = blend([gray; 3], classes[1], 0.25 * p[1]);
        blend(under, classes[0], 0.25 * p[0])
    };
    let mut last = f64::NAN;
    let shot = wait_until("the overlay on screen", || {
        let shot = window.screenshot();
        let sum: f64 =
            sure.iter().map(|&at| difference(pixel(&shot, canvas.window_at(at.0)), expected(at))).sum();
        last = sum / sure.len() as f64;
        (last < terminal.tolerance).then_some(shot)
    });
    println!("{}: overlay differs by {last:.2} of 255 on average over {} pixels", terminal.class, sure.len());
    if let Some(keep) = std::env::var_os("BRUSHWOOD_SCREENSHOTS") {
        shot.save(Path::new(&keep).join(format!("{}.png", terminal.class))).unwrap();
    }

    window.keys(&["ctrl+q"]);
    window.wait_closed();
}

fn blend(under: [f64; 3], over: [f64; 3], alpha: f64) -> [f64; 3] {
    std::array::from_fn(|i| over[i] * alpha + under[i] * (1.0 - alpha))
}
