//! Whole labelling sessions from the scripts in `labelling/`, replayed by mouse only or by keyboard only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use brushwood::app::event::{CanvasGeometry, MouseInput};
use brushwood::app::layout::{Spot, palette_entry};
use brushwood::app::popups::Popup;
use brushwood::app::{App, AppEvent, InputEvent, Layout, Opened, update};
use brushwood::command::Keymap;
use brushwood::data::{Brush, Roi};
use brushwood::engine::LaneSource;
use brushwood::project::Project;
use crossterm::event::{KeyModifiers, MouseButton, MouseEventKind};
use ndarray::{Array3, Axis, s};

use super::likeness;
use crate::desktop::{Desktop, SCREENSHOTS, Window, wait_until};
use crate::terminal::{Canvas, Terminal, difference, pixel};

/// A line of a script.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Take label N.
    Label(usize),
    /// Add a label.
    Add,
    /// Go to slice N.
    Slice(usize),
    /// Paint a straight line between two slice pixels (column, row).
    Stroke([[usize; 2]; 2]),
    /// Turn live update on.
    Live,
}

/// What the segmentation is held to.
enum Goal {
    /// Intersection over union of class 2 with a truth image.
    Truth(String, f64),
    /// Share of every class of a scribble image that is found.
    Scribbles(String, f64),
}

struct Script {
    image: String,
    goal: Goal,
    steps: Vec<Step>,
}

impl Script {
    fn read(name: &str) -> Script {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terminals/labelling");
        let text = fs::read_to_string(folder.join(name).with_extension("txt")).unwrap();
        let (mut image, mut goal, mut steps) = (None, None, Vec::new());
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let number = |text: &str| text.parse::<usize>().unwrap_or_else(|_| panic!("'{line}'"));
            let pair = |text: &str| {
                let (a, b) = text.split_once(',').unwrap_or_else(|| panic!("'{line}'"));
                [number(a), number(b)]
            };
            match words[..] {
                ["image", name] => image = Some(name.to_owned()),
                ["truth", name, least] => goal = Some(Goal::Truth(name.into(), least.parse().unwrap())),
                ["scribbles", name, least] => {
                    goal = Some(Goal::Scribbles(name.into(), least.parse().unwrap()));
                }
                ["label", n] => steps.push(Step::Label(number(n))),
                ["slice", n] => steps.push(Step::Slice(number(n))),
                ["stroke", from, to] => steps.push(Step::Stroke([pair(from), pair(to)])),
                ["add"] => steps.push(Step::Add),
                ["live"] => steps.push(Step::Live),
                _ => panic!("{name}: no such step: '{line}'"),
            }
        }
        Script { image: image.expect("an image"), goal: goal.expect("a goal"), steps }
    }
}

/// What the user has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// The mouse only.
    Mouse,
    /// The keyboard only.
    Keyboard,
}

/// A session at a terminal.
struct Session<'a> {
    window: &'a Window<'a>,
    terminal: &'static Terminal,
    log: PathBuf,
    hand: Hand,
    /// The same program without a terminal: it knows where panels and palette entries are.
    mirror: App,
    slice: usize,
}

impl Session<'_> {
    fn canvas(&self) -> Canvas {
        wait_until("the canvas in the log", || Canvas::from_log(&self.log, self.terminal))
    }

    /// Clicks a cell of the screen, here and in the mirror.
    fn click(&mut self, cell: [i32; 2]) {
        let canvas = self.canvas();
        let at = [0, 1].map(|i| {
            self.terminal.border.unwrap_or_default()[i] + ((f64::from(cell[i]) + 0.5) * canvas.cell[i]) as i64
        });
        self.window.click(at);
        for kind in [MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left)] {
            let mouse = MouseInput { kind, modifiers: KeyModifiers::NONE, cell, picture: None };
            update(&mut self.mirror, AppEvent::Input(InputEvent::Mouse(mouse)));
        }
    }

    fn click_on(&mut self, spot: &Spot) {
        let layout = Layout::of(&self.mirror);
        let [columns, rows] = self.mirror.screen.size.map(i32::from);
        let mut cells = (0..rows).flat_map(|row| (0..columns).map(move |column| [column, row]));
        let cell = cells.find(|&cell| layout.spot(&self.mirror, cell) == *spot);
        self.click(cell.unwrap_or_else(|| panic!("no {spot:?} on screen")));
    }

    /// Chooses a command of the menu behind the project's name.
    fn choose(&mut self, name: &str) {
        self.click_on(&Spot::ProjectName);
        let area = Layout::of(&self.mirror).popup.expect("the palette");
        let Some(Popup::Palette { input, selected }) = self.mirror.popups.last() else {
            panic!("no palette")
        };
        let entries = self.mirror.palette_entries(input.value());
        let entry = entries.iter().position(|entry| entry.line.name == name);
        let line = (area.top()..area.bottom())
            .map(i32::from)
            .find(|&line| palette_entry(area, entries.len(), *selected, line) == entry)
            .expect("the command in the palette");
        self.click([i32::from(area.x) + 4, line]);
    }

    /// Moves the keyboard's cursor to a slice pixel (column, row).
    fn go_to(&self, [x, y]: [usize; 2]) {
        self.window.keys(&["g", "g", "ctrl+u"]);
        self.window.text(&format!("{x} {y} {}", self.slice));
        self.window.keys(&["Return"]);
    }

    fn step(&mut self, step: Step) {
        match (step, self.hand) {
            (Step::Label(n), Hand::Keyboard) => self.window.keys(&[&n.to_string()]),
            (Step::Label(n), Hand::Mouse) => self.click_on(&Spot::Label(n)),
            (Step::Add, Hand::Keyboard) => self.window.keys(&["a"]),
            (Step::Add, Hand::Mouse) => self.click_on(&Spot::AddLabel),
            (Step::Live, Hand::Keyboard) => self.window.keys(&["l"]),
            (Step::Live, Hand::Mouse) => self.click_on(&Spot::Live),
            (Step::Stroke([from, to]), Hand::Keyboard) => {
                self.go_to(from);
                self.window.keys(&["space"]);
                self.go_to(to);
                self.window.keys(&["slash"]);
            }
            (Step::Stroke(ends), Hand::Mouse) => {
                let canvas = self.canvas();
                let [a, b] = ends.map(|[x, y]| canvas.window_at([y, x]));
                let points: Vec<[i64; 2]> =
                    (0..=8).map(|k| std::array::from_fn(|i| a[i] + (b[i] - a[i]) * k / 8)).collect();
                self.window.drag(&points);
            }
            (Step::Slice(to), Hand::Keyboard) => self.slice = to,
            (Step::Slice(to), Hand::Mouse) => {
                self.slice = to;
                let over = self.canvas().middle();
                let mut now = self.canvas().slice;
                while now != to {
                    self.window.wheel(over, now < to);
                    now = wait_until("the next slice", || {
                        let next = self.canvas().slice;
                        (next != now).then_some(next)
                    });
                }
            }
        }
    }
}

/// The program without a terminal, with the image opened at the size of the terminal's screen.
fn mirror(image: &Path, canvas: &Canvas) -> App {
    let raw = brushwood::io::open(image.to_str().unwrap(), &Default::default()).unwrap();
    let mut project = Project::new();
    let described = project.describe(image.to_str().unwrap(), raw.info());
    project.add_lane(described).unwrap();
    let source = LaneSource { raw, mask: None };
    let mut app = App::new(Keymap::preset("ilastik").unwrap());
    update(&mut app, AppEvent::Resized(canvas.screen));
    let opened = Opened {
        project,
        sources: vec![source],
        save_to: Some("image.ilp".into()),
        journal: Vec::new(),
        journal_lanes: Vec::new(),
        problems: Vec::new(),
        access: Default::default(),
        changed: Default::default(),
        lost: Default::default(),
    };
    update(&mut app, AppEvent::Opened(Ok(Box::new(opened))));
    let area = Layout::of(&app).canvas.unwrap();
    let geometry = CanvasGeometry { area, picture: canvas.viewport.picture, pixel_aspect: 1.0 };
    update(&mut app, AppEvent::Canvas(geometry));
    app
}

fn read_zyx(path: &Path) -> Array3<u8> {
    let image = brushwood::io::open(path.to_str().unwrap(), &Default::default()).unwrap();
    let whole = image.read(&Roi::whole(image.info().shape)).unwrap().to_f32();
    whole.index_axis(Axis(0), 0).index_axis(Axis(3), 0).mapv(|v| v as u8)
}

/// What is seen of a slice in the middle colour, or in gray.
fn green(path: &Path, slice: usize) -> Array3<f32> {
    let image = brushwood::io::open(path.to_str().unwrap(), &Default::default()).unwrap();
    let whole = image.read(&Roi::whole(image.info().shape)).unwrap().to_f32();
    let channel = whole.len_of(Axis(4)) / 2;
    let plane = whole.index_axis(Axis(0), 0).index_axis(Axis(3), channel).to_owned();
    plane.slice(s![slice..slice + 1, .., ..]).to_owned()
}

/// How good a segmentation is, and how good it has to be.
fn quality(goal: &Goal, segmentation: &Array3<u8>, samples: &Path) -> (f64, f64) {
    match goal {
        Goal::Truth(name, least) => {
            let truth = read_zyx(&samples.join(name));
            let count = |f: &dyn Fn(u8, u8) -> bool| {
                segmentation.iter().zip(&truth).filter(|&(&s, &t)| f(s, t)).count() as f64
            };
            (count(&|s, t| s == 2 && t == 2) / count(&|s, t| s == 2 || t == 2), *least)
        }
        Goal::Scribbles(name, least) => {
            let scribbles = read_zyx(&samples.join(name));
            let share = |class: u8| {
                let of_class = segmentation.iter().zip(&scribbles).filter(|&(_, &t)| t == class);
                let found: Vec<bool> = of_class.map(|(&s, _)| s == class).collect();
                found.iter().filter(|&&found| found).count() as f64 / found.len() as f64
            };
            ((1..=scribbles.iter().copied().max().unwrap()).map(share).fold(1.0, f64::min), *least)
        }
    }
}

/// Labels an image by a script, saves, leaves, predicts, opens the project again.
pub fn replay(name: &str, terminal: &'static Terminal, hand: Hand) {
    let script = Script::read(name);
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data");
    let folder = tempfile::tempdir().unwrap();
    let [image, log, again] = [&script.image, "log", "log_again"].map(|name| folder.path().join(name));
    fs::copy(samples.join(&script.image), &image).unwrap();
    let program: PathBuf = env!("CARGO_BIN_EXE_brushwood").into();
    let command = |log: &Path, open: &str| {
        terminal.running(&[program.to_str().unwrap(), "--log", log.to_str().unwrap(), open])
    };
    let desktops = Desktop::several();
    let window =
        Desktop::open_on_one(&desktops, terminal.class, &command(&log, &script.image), folder.path());

    // A window may get its size after the program's first picture.
    let canvas = wait_until("the canvas of a window of its size in the log", || {
        let (canvas, window) = (Canvas::from_log(&log, terminal)?, window.size()?);
        let rest = [0, 1].map(|i| window[i] - f64::from(canvas.screen[i]) * canvas.cell[i]);
        rest.iter().zip(canvas.cell).all(|(rest, cell)| (0.0..3.0 * cell).contains(rest)).then_some(canvas)
    });
    // As a person does, who begins when the image is there: a busy terminal takes the mouse to be its own until it
    // has read that the program wants it.
    let raw = green(&image, canvas.slice);
    wait_until("the image on screen", || {
        (likeness(&window.screenshot(), &canvas, &raw) > 0.95).then_some(())
    });
    let mirror = mirror(&image, &canvas);
    let mut session =
        Session { window: &window, terminal, log: log.clone(), hand, mirror, slice: canvas.slice };
    for &step in &script.steps {
        session.step(step);
    }

    let project_path = image.with_extension("ilp");
    let strokes = strokes_of(&script, canvas.slice);
    let lacking = |project: &Project| -> Vec<_> {
        let is_painted = |&&(label, slice, ends): &&(usize, usize, [[usize; 2]; 2])| {
            ends.iter().all(|&[x, y]| usize::from(project.lanes[0].labels.get([0, slice, y, x])) == label)
        };
        strokes.iter().filter(|stroke| !is_painted(stroke)).copied().collect()
    };
    let mut told = String::new();
    let project = wait_until("a saved project with all strokes and a forest", || {
        match hand {
            Hand::Keyboard => window.keys(&["ctrl+s"]),
            Hand::Mouse => session.choose("file.save"),
        }
        let project = Project::load(&project_path).ok()?;
        let (lacking, is_trained) = (lacking(&project), project.forest.is_some());
        let found = format!("saved: forest {is_trained}, without the strokes {lacking:?}");
        if told != found {
            println!("{found}");
            told = found;
        }
        (is_trained && lacking.is_empty()).then_some(project)
    });
    for &(label, slice, [[x0, y0], [x1, y1]]) in &strokes {
        let ends = [[y0, x0], [y1, x1]].map(|end| end.map(|p| p as i64));
        let line = Brush { diameter: 1 }.segment(ends[0], ends[1]);
        let missed = line.iter().filter(|[row, column]| {
            let found = project.lanes[0].labels.get([0, slice, *row as usize, *column as usize]);
            usize::from(found) != label
        });
        assert_eq!(missed.count(), 0, "{name}: stroke of label {label} at {x0},{y0} on slice {slice}");
    }
    if let Some(folder) = std::env::var_os(SCREENSHOTS) {
        let shot = wait_until("a screen at rest", || {
            let shot = window.screenshot();
            std::thread::sleep(std::time::Duration::from_millis(300));
            (shot == window.screenshot()).then_some(shot)
        });
        let file = format!("{name}_{}_{hand:?}.png", terminal.class).to_lowercase();
        shot.save(Path::new(&folder).join(file)).unwrap();
    }
    match hand {
        Hand::Keyboard => window.keys(&["ctrl+q"]),
        Hand::Mouse => session.choose("file.save_quit"),
    }
    window.wait_closed();

    let status = Command::new(&program)
        .args([
            "predict",
            "--project",
            project_path.to_str().unwrap(),
            "--export-source",
            "Simple Segmentation",
        ])
        .args(["--output-format", "tiff", "--output-filename-format", "segmentation.tiff", &script.image])
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(status.success(), "predict: {status}");
    let segmentation = read_zyx(&folder.path().join("segmentation.tiff"));
    let (reached, least) = quality(&script.goal, &segmentation, &samples);
    println!("{name} by {hand:?} in {}: {reached:.3} (at least {least})", terminal.class);
    assert!(reached >= least, "{name}: the segmentation reaches {reached}, less than {least}");

    let file = project_path.file_name().unwrap().to_str().unwrap();
    let window = Desktop::open_on_one(&desktops, terminal.class, &command(&again, file), folder.path());
    let canvas = wait_until("the project opened again", || Canvas::from_log(&again, terminal));
    let shown: Vec<_> = strokes.iter().filter(|stroke| stroke.1 == canvas.slice).collect();
    wait_until("the strokes on screen again", || {
        let shot = window.screenshot();
        let seen = shown.iter().filter(|(label, _, [[x0, y0], [x1, y1]])| {
            let color = project.classes[label - 1].color.map(f64::from);
            let middle = canvas.window_at([(y0 + y1) / 2, (x0 + x1) / 2]);
            difference(pixel(&shot, middle), color) < terminal.tolerance
        });
        (seen.count() >= shown.len() - shown.len() / 4).then_some(())
    });
    window.keys(&["ctrl+q"]);
    window.wait_closed();
}

/// The strokes of a script with their labels and slices.
fn strokes_of(script: &Script, mut slice: usize) -> Vec<(usize, usize, [[usize; 2]; 2])> {
    let mut label = 1;
    let mut strokes = Vec::new();
    for step in &script.steps {
        match *step {
            Step::Label(n) => label = n,
            Step::Slice(n) => slice = n,
            Step::Stroke(ends) => strokes.push((label, slice, ends)),
            Step::Add | Step::Live => {}
        }
    }
    strokes
}
