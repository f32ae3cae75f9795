//! A virtual X server with a window manager, a terminal window on it, and a hand on mouse and keys.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use image::RgbImage;
use rustix::process::{Pid, Signal, kill_process_group};

/// How long a condition may take on a busy machine before the test gives up.
const WATCHDOG: Duration = Duration::from_secs(90);

/// Waits until `ready` gives a value; fails with `what` when it never does.
pub fn wait_until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(began.elapsed() < WATCHDOG, "waited {WATCHDOG:?} in vain for {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A process that ends with its owner, and with it those that it has started.
pub struct Owned(pub Child);

impl Owned {
    /// Starts a process at the head of a group of its own.
    pub fn start(command: &mut Command) -> std::io::Result<Owned> {
        command.process_group(0).spawn().map(Owned)
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

/// A virtual X server with openbox, or the display of whoever wants to watch.
pub struct Desktop {
    display: String,
    _owned: Vec<Owned>,
}

/// Names the folder that screenshots are kept in.
pub const SCREENSHOTS: &str = "BRUSHWOOD_SCREENSHOTS";

/// Set to replay on one's own display, slowly enough to follow.
const WATCH: &str = "BRUSHWOOD_WATCH";

impl Desktop {
    /// Servers on free displays, more than one needs: see [`Desktop::open`]. The display in use, to watch.
    pub fn several() -> Vec<Desktop> {
        if std::env::var_os(WATCH).is_some() {
            let display = std::env::var("DISPLAY").expect("a display to watch on");
            return vec![Desktop { display, _owned: Vec::new() }];
        }
        (0..8).map(|_| Desktop::start()).collect()
    }

    /// Opens a terminal on the first of `desktops` that shows it.
    pub fn open_on_one<'a>(
        desktops: &'a [Desktop],
        class: &str,
        command: &[String],
        folder: &Path,
    ) -> Window<'a> {
        let shown = desktops.iter().find_map(|desktop| desktop.open(class, command, folder));
        shown.expect("one of the X servers shows the terminal")
    }

    /// Starts a server on a free display.
    fn start() -> Desktop {
        let mut server = Owned::start(
            Command::new("Xvfb")
                .args([
                    "-displayfd",
                    "1",
                    "-screen",
                    "0",
                    "1280x900x24",
                    "+extension",
                    "GLX",
                    "+render",
                    "-noreset",
                ])
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        )
        .expect("Xvfb starts");
        let mut number = String::new();
        BufReader::new(server.0.stdout.take().expect("piped"))
            .read_line(&mut number)
            .expect("Xvfb names its display");
        let display = format!(":{}", number.trim());
        let manager = Owned::start(
            Command::new("openbox").env("DISPLAY", &display).stdout(Stdio::null()).stderr(Stdio::null()),
        )
        .expect("openbox starts");
        let desktop = Desktop { display, _owned: vec![manager, server] };
        // A window that is there before the window manager may stay hidden.
        wait_until("the window manager", || {
            (!desktop.xdotool(&["get_num_desktops"]).is_empty()).then_some(())
        });
        desktop
    }

    /// Opens a terminal, `command` with its arguments, whose window has the X class `class`; `None` when the
    /// X server never shows it, as happens to some servers.
    fn open(&self, class: &str, command: &[String], folder: &Path) -> Option<Window<'_>> {
        let complaints = folder.join("terminal_stderr");
        let mut starting = Command::new(&command[0]);
        starting
            .args(&command[1..])
            .current_dir(folder)
            .env("DISPLAY", &self.display)
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env("TMUX_TMPDIR", folder)
            .env("XDG_RUNTIME_DIR", folder)
            .env("QT_QPA_PLATFORM", "xcb")
            .env("LANG", "C.UTF-8")
            .env_remove("NO_COLOR")
            .env_remove("TMUX")
            .stdout(Stdio::null())
            .stderr(File::create(&complaints).expect("a file in the folder"));
        let mut child = Owned::start(&mut starting)
            .unwrap_or_else(|error| panic!("{} can't be started: {error}", command[0]));
        let began = Instant::now();
        let id = loop {
            if let Ok(Some(status)) = child.0.try_wait() {
                let complaints = fs::read_to_string(&complaints).unwrap_or_default();
                panic!("{} ended with {status} before its window was there: {complaints}", command[0]);
            }
            let found = self.xdotool(&["search", "--onlyvisible", "--class", class]);
            if let Some(id) = found.lines().last() {
                break id.to_owned();
            }
            if began.elapsed() > Duration::from_secs(8) {
                return None;
            }
            thread::sleep(Duration::from_millis(50));
        };
        wait_until("the window's focus", || {
            self.xdotool(&["windowfocus", &id]);
            (self.xdotool(&["getwindowfocus"]) == id).then_some(())
        });
        Some(Window { desktop: self, id, child })
    }

    fn xdotool(&self, arguments: &[&str]) -> String {
        let output = Command::new("xdotool")
            .env("DISPLAY", &self.display)
            .args(arguments)
            .output()
            .expect("xdotool runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Window<'_> {
    /// Keeps what a test that fails saw last.
    fn drop(&mut self) {
        if thread::panicking()
            && let Some(folder) = std::env::var_os(SCREENSHOTS)
        {
            let _ = self.screenshot().save(Path::new(&folder).join(format!("failed_{}.png", self.id)));
        }
    }
}

/// A terminal's window. Coordinates are pixels from its top left.
pub struct Window<'a> {
    desktop: &'a Desktop,
    id: String,
    child: Owned,
}

impl Window<'_> {
    /// What the window shows now.
    pub fn screenshot(&self) -> RgbImage {
        let output = Command::new("import")
            .env("DISPLAY", &self.desktop.display)
            .args(["-window", &self.id, "png:-"])
            .output()
            .expect("import runs");
        image::load_from_memory(&output.stdout).expect("a screenshot").to_rgb8()
    }

    /// Its width and height.
    pub fn size(&self) -> Option<[f64; 2]> {
        let told = self.desktop.xdotool(&["getwindowgeometry", "--shell", &self.id]);
        let of = |key: &str| told.lines().find_map(|line| line.strip_prefix(key)?.parse().ok());
        Some([of("WIDTH=")?, of("HEIGHT=")?])
    }

    /// Does something with the mouse at each of some points, in one go.
    fn mouse(&self, points: &[[i64; 2]], at_first: &[&str], at_last: &[&str]) {
        let mut words: Vec<String> = Vec::new();
        let pause = if std::env::var_os(WATCH).is_some() { "0.03" } else { "0.002" };
        for (i, point) in points.iter().enumerate() {
            let [x, y] = point.map(|p| p.to_string());
            words.extend(["mousemove", "--window", &self.id, &x, &y, "sleep", pause].map(str::to_owned));
            words.extend(at_first.iter().filter(|_| i == 0).map(|&word| word.to_owned()));
        }
        words.extend(at_last.iter().map(|&word| word.to_owned()));
        self.desktop.xdotool(&words.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// Moves the pointer to a point.
    pub fn point_at(&self, at: [i64; 2]) {
        self.mouse(&[at], &[], &[]);
    }

    /// Clicks with the left button.
    pub fn click(&self, at: [i64; 2]) {
        self.mouse(&[at], &[], &["click", "1"]);
    }

    /// Turns the wheel by one notch over a point.
    pub fn wheel(&self, over: [i64; 2], up: bool) {
        self.mouse(&[over], &[], &["click", if up { "4" } else { "5" }]);
    }

    /// Types a text.
    pub fn text(&self, text: &str) {
        self.desktop.xdotool(&["type", "--delay", "15", text]);
    }

    /// Presses the left button at the first point, moves through all, releases at the last.
    pub fn drag(&self, points: &[[i64; 2]]) {
        self.mouse(points, &["mousedown", "1"], &["mouseup", "1"]);
    }

    /// Presses keys, by their X names (`2`, `ctrl+s`, `Right`).
    pub fn keys(&self, keys: &[&str]) {
        self.desktop.xdotool(&[&["key", "--delay", "30"], keys].concat());
    }

    /// Waits until the terminal has closed its window.
    pub fn wait_closed(mut self) {
        wait_until("the terminal to close", || self.child.0.try_wait().ok().flatten());
    }
}
