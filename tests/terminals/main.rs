//! The program in real terminals, driven by mouse and keys, judged by screenshots.
//!
//! Not part of a plain `cargo test`: `tests/terminals/run` installs kitty, xterm and a virtual X server and
//! runs it.

#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stdout)]

mod desktop;
#[path = "../support/emulator/mod.rs"]
#[allow(dead_code, missing_docs)]
mod emulator;
mod font;
mod labelling;
#[path = "../support/session.rs"]
#[allow(dead_code)]
mod session;
mod ssh;
mod terminal;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use brushwood::data::Brush;
use brushwood::project::Project;
use desktop::{Desktop, SCREENSHOTS, Window, wait_until};
use image::{GrayImage, RgbImage};
use labelling::{Hand, replay};
use ndarray::Array3;
use terminal::{
    Canvas, FOOT, KITTY, KONSOLE, MLTERM, TMUX_IN_KITTY, TMUX_IN_XTERM, Terminal, XTERM, XTERM_DEFAULT,
    XTERM_JS, XTERM_VT340, difference, pixel,
};

#[test]
fn nuclei_are_labelled_by_mouse_in_kitty() {
    replay("nuclei", &KITTY, Hand::Mouse);
}

#[test]
fn nuclei_are_labelled_by_keyboard_in_kitty() {
    replay("nuclei", &KITTY, Hand::Keyboard);
}

#[test]
fn nuclei_are_labelled_by_mouse_in_xterm() {
    replay("nuclei", &XTERM, Hand::Mouse);
}

#[test]
fn nuclei_are_labelled_by_keyboard_in_xterm() {
    replay("nuclei", &XTERM, Hand::Keyboard);
}

#[test]
fn histology_is_labelled_by_mouse_in_kitty() {
    replay("histology", &KITTY, Hand::Mouse);
}

#[test]
fn histology_is_labelled_by_keyboard_in_kitty() {
    replay("histology", &KITTY, Hand::Keyboard);
}

#[test]
fn histology_is_labelled_by_mouse_in_xterm() {
    replay("histology", &XTERM, Hand::Mouse);
}

#[test]
fn histology_is_labelled_by_keyboard_in_xterm() {
    replay("histology", &XTERM, Hand::Keyboard);
}

#[test]
fn a_volume_is_labelled_by_mouse_in_kitty() {
    replay("nuclei3d", &KITTY, Hand::Mouse);
}

#[test]
fn a_volume_is_labelled_by_keyboard_in_kitty() {
    replay("nuclei3d", &KITTY, Hand::Keyboard);
}

#[test]
fn a_volume_is_labelled_by_mouse_in_xterm() {
    replay("nuclei3d", &XTERM, Hand::Mouse);
}

#[test]
fn a_volume_is_labelled_by_keyboard_in_xterm() {
    replay("nuclei3d", &XTERM, Hand::Keyboard);
}

#[test]
fn tmux_in_kitty_shows_strokes_and_overlay_in_place() {
    label_and_predict("tmux-in-kitty", &TMUX_IN_KITTY);
}

#[test]
fn tmux_in_xterm_shows_strokes_and_overlay_in_place() {
    label_and_predict("tmux-in-xterm", &TMUX_IN_XTERM);
}

#[test]
fn rarer_xterm_without_sixel() {
    label_and_predict("xterm-default", &XTERM_DEFAULT);
}

#[test]
fn rarer_xterm_that_tells_no_size() {
    label_and_predict("xterm-vt340", &XTERM_VT340);
}

#[test]
fn rarer_mlterm() {
    label_and_predict("mlterm", &MLTERM);
}

#[test]
fn rarer_konsole() {
    label_and_predict("konsole", &KONSOLE);
}

#[test]
fn rarer_foot() {
    label_and_predict("foot", &FOOT);
}

#[test]
fn rarer_xterm_js() {
    label_and_predict("xterm-js", &XTERM_JS);
}

#[test]
fn kitty_shows_strokes_and_overlay_in_place() {
    label_and_predict("kitty", &KITTY);
}

#[test]
fn xterm_shows_strokes_and_overlay_in_place() {
    label_and_predict("xterm", &XTERM);
}

#[test]
fn kitty_shows_the_picture_in_a_font_of_another_size() {
    font::change_size("kitty", &KITTY, "ctrl+shift+equal", "ctrl+shift+minus");
}

#[test]
fn xterm_shows_the_picture_in_a_font_of_another_size() {
    font::change_size("xterm", &XTERM, "shift+KP_Add", "shift+KP_Subtract");
}

/// The sample image of nuclei in a folder of its own.
struct Nuclei {
    folder: tempfile::TempDir,
    /// What the program notes.
    log: PathBuf,
    truth: GrayImage,
    /// z, y, x.
    raw: Array3<f32>,
}

impl Nuclei {
    fn prepare() -> Nuclei {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data");
        let folder = tempfile::tempdir().unwrap();
        let [image, log] = ["nuclei.tif", "log"].map(|name| folder.path().join(name));
        fs::copy(samples.join("nuclei.tif"), &image).unwrap();
        let truth = image::open(samples.join("nuclei_truth.png")).unwrap().to_luma8();
        let raw = brushwood::io::open(image.to_str().unwrap(), &Default::default()).unwrap();
        let [_, z, y, x, _] = raw.info().shape;
        let raw = raw.read(&brushwood::data::Roi::whole([1, z, y, x, 1])).unwrap().to_f32();
        let raw = raw.into_shape_with_order((z, y, x)).unwrap();
        Nuclei { folder, log, truth, raw }
    }

    /// What opens it in a terminal.
    fn command(&self, terminal: &Terminal) -> Vec<String> {
        let [program, log] =
            [Path::new(env!("CARGO_BIN_EXE_brushwood")), &self.log].map(|p| p.to_str().unwrap());
        terminal.running(&[program, "--log", log, "nuclei.tif"])
    }
}

/// A run of pixels of a row around which the truth is `value` for `margin` pixels, with ends that the mouse
/// can point at.
fn run_of(truth: &GrayImage, canvas: &Canvas, cells: bool, value: u8, length: usize) -> [[usize; 2]; 2] {
    let margin = if value == 1 { 5 } else { 3 };
    let [width, height] = [truth.width(), truth.height()].map(|n| n as usize);
    let points_at = |end: &[usize; 2]| canvas.shows(*end) && (!cells || canvas.by_cells(*end) == *end);
    for row in margin..height - margin {
        let ends: Vec<[usize; 2]> = (margin..width - margin).map(|x| [row, x]).filter(points_at).collect();
        for (i, &from) in ends.iter().enumerate() {
            let Some(&to) = ends[i..].iter().find(|to| to[1] >= from[1] + length) else { break };
            let is_value = |y: usize, x: usize| truth.get_pixel(x as u32, y as u32)[0] == value;
            let mut rows = row - margin..=row + margin;
            if rows.all(|y| (from[1] - margin..=to[1] + margin).all(|x| is_value(y, x))) {
                return [from, to];
            }
        }
    }
    panic!("the truth has no run of {length} pixels of {value}");
}

/// Moves the canvas to where the picture is in the window, as its likeness with the image tells.
fn locate(canvas: &mut Canvas, shot: &RgbImage, raw: &Array3<f32>) {
    let from = canvas.origin;
    // A little to the left too: where cells have no whole size, terminals round in their own ways.
    let places =
        (-2..90).flat_map(|y| (-2..40).map(move |x| [from[0] + f64::from(x), from[1] + f64::from(y)]));
    let fit = |origin: [f64; 2]| likeness(shot, &Canvas { origin, ..*canvas }, raw);
    canvas.origin = places.max_by(|&a, &b| fit(a).total_cmp(&fit(b))).unwrap_or(from);
}

/// Presses at the first slice pixel and drags to the second.
fn stroke(window: &Window<'_>, canvas: &Canvas, [from, to]: [[usize; 2]; 2]) {
    let [a, b] = [canvas.window_at(from), canvas.window_at(to)];
    let points: Vec<[i64; 2]> =
        (0..=10).map(|step| std::array::from_fn(|i| a[i] + (b[i] - a[i]) * step / 10)).collect();
    window.drag(&points);
}

/// Correlation between the image and what is on screen, over a grid of slice pixels, but for those near the
/// middle, where the cursor is.
fn likeness(shot: &RgbImage, canvas: &Canvas, raw: &Array3<f32>) -> f64 {
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    // Half-blocks near enough to see single pixels show few of them.
    let step = if canvas.is_coarse() && canvas.viewport.zoom[0] > 0.9 { 2 } else { 9 };
    let (_, height, width) = raw.dim();
    let near = |at: usize, size: usize| at.abs_diff(size / 2) < 12;
    for row in (4..height).step_by(step) {
        let shown =
            |&column: &usize| canvas.shows([row, column]) && !(near(row, height) && near(column, width));
        for column in (4..width).step_by(step).filter(shown) {
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

fn label_and_predict(name: &str, terminal: &Terminal) {
    let nuclei = Nuclei::prepare();
    let command = nuclei.command(terminal);
    let Nuclei { folder, log, truth, raw } = nuclei;
    let (_, y, x) = raw.dim();
    let desktops = Desktop::several();
    let window = Desktop::open_on_one(&desktops, terminal.class, &command, folder.path());

    let mut canvas = wait_until("the image on screen", || {
        let shot = window.screenshot();
        let mut canvas = Canvas::from_log(&log, terminal)?;
        if terminal.border.is_none() {
            locate(&mut canvas, &shot, &raw);
        }
        // A half-block shows the mean of many pixels, compared with the one in its middle.
        let alike = if canvas.is_coarse() { 0.5 } else { 0.95 };
        (likeness(&shot, &canvas, &raw) > alike).then_some(canvas)
    });
    if canvas.is_coarse() {
        // Half-blocks: near enough to see single pixels of the image.
        let fitted = canvas.viewport;
        window.keys(&["O"]);
        let origin = canvas.origin;
        canvas = wait_until("the zoom", || {
            let canvas = Canvas { origin, ..Canvas::from_log(&log, terminal)? };
            let shown = canvas.viewport != fitted && likeness(&window.screenshot(), &canvas, &raw) > 0.95;
            shown.then_some(canvas)
        });
    }

    let [long, short] = if canvas.is_coarse() { [20, 8] } else { [50, 14] };
    let strokes = [(1, long), (2, short)]
        .map(|(value, length)| run_of(&truth, &canvas, terminal.cell_mouse, value, length));
    let classes = [[255.0, 225.0, 25.0], [0.0, 130.0, 200.0]];
    for (key, (line, color)) in ["1", "2"].into_iter().zip(strokes.into_iter().zip(classes)) {
        window.keys(&[key]);
        stroke(&window, &canvas, line);
        // As a person does, who goes on once the stroke is there: a terminal may take a key before the mouse.
        let [from, to] = line;
        let middle = [from[0], (from[1] + to[1]) / 2];
        let wait_for = |count: usize| {
            wait_until("the stroke on screen", || {
                let shot = window.screenshot();
                // The brush's outline lies over the stroke's end, and the cursor's arms over the middle line of
                // a short one: a line beside it counts too.
                let beside = [from, middle].map(|[row, column]| [row + 1, column]);
                let places = [from, middle, to].into_iter().chain(beside);
                let seen = places.map(|at| pixel(&shot, canvas.window_at(at)));
                let count_seen = seen.filter(|&seen| difference(seen, color) < terminal.tolerance).count();
                (count_seen >= count).then_some(())
            });
        };
        wait_for(1);
        if terminal.border.is_none() {
            // Off the stroke's end, which weston's pointer covers. Not before the stroke is there: a busy terminal
            // reports the button's release where the pointer has gone meanwhile.
            window.point_at(canvas.middle());
        }
        wait_for(2);
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
            // The brush reaches one pixel around where the mouse was; one that tells cells may be off.
            let most = if terminal.cell_mouse { 3 } else { 1 };
            let off = row.abs_diff(from[0]);
            assert!(off <= most, "a pixel of class {} lies {off} rows from its stroke", class + 1);
            let beyond = from[1].saturating_sub(column).max(column.saturating_sub(to[1]));
            assert!(beyond <= most, "a pixel of class {} lies {beyond} columns beyond its stroke", class + 1);
        }
    }

    let status = Command::new(env!("CARGO_BIN_EXE_brushwood"))
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
    let step = if canvas.is_coarse() { 1 } else { 7 };
    for row in (10..y - 10).step_by(step) {
        for column in (10..x - 10).step_by(step) {
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
    println!("{name}: overlay differs by {last:.2} of 255 on average over {} pixels", sure.len());
    if let Some(keep) = std::env::var_os(SCREENSHOTS) {
        shot.save(Path::new(&keep).join(format!("{name}.png"))).unwrap();
    }

    window.keys(&["ctrl+q"]);
    window.wait_closed();
}

fn blend(under: [f64; 3], over: [f64; 3], alpha: f64) -> [f64; 3] {
    std::array::from_fn(|i| over[i] * alpha + under[i] * (1.0 - alpha))
}
