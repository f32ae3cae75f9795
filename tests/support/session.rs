//! The real program in a pseudo-terminal, with the terminal emulated in memory. Waits are for conditions
//! on the screen; the watchdog only ends a test that has failed.

use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use relay::Link;

use super::emulator::{Profile, Screenshot, Terminal};

#[path = "relay.rs"]
pub mod relay;

/// Longest wait for something that must happen.
const WATCHDOG: Duration = Duration::from_secs(60);

/// A running program and its terminal.
pub struct Session {
    pub terminal: Terminal,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    bytes: Receiver<Vec<u8>>,
    /// Answers are kept back while this is set.
    pub silent: bool,
    kept: Vec<u8>,
}

fn pty_size(profile: &Profile) -> PtySize {
    let [rows, cols] = [profile.rows, profile.columns].map(|n| n * u16::from(profile.device_knows));
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

impl Session {
    /// Starts `brushwood` with `arguments`; its home is `home`.
    pub fn start(profile: Profile, home: &Path, arguments: &[&str]) -> Session {
        Session::start_over(None, profile, home, arguments)
    }

    /// The same over a link.
    pub fn start_over(link: Option<Link>, profile: Profile, home: &Path, arguments: &[&str]) -> Session {
        Session::start_program(link, profile, home, env!("CARGO_BIN_EXE_brushwood"), arguments)
    }

    /// Starts a program that brings brushwood to the terminal.
    pub fn start_program(
        link: Option<Link>,
        profile: Profile,
        home: &Path,
        program: &str,
        arguments: &[&str],
    ) -> Session {
        let pair = native_pty_system().openpty(pty_size(&profile)).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        command.cwd(home);
        for (name, value) in [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LANG", "C.UTF-8")] {
            command.env(name, value);
        }
        command.env("HOME", home);
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let bytes = relay::to_terminal(pair.master.try_clone_reader().unwrap(), link);
        let keyboard = relay::to_program(pair.master.take_writer().unwrap(), link);
        let terminal = Terminal::new(profile);
        Session { terminal, child, master: pair.master, keyboard, bytes, silent: false, kept: Vec::new() }
    }

    /// Feeds the terminal what arrives until `until`.
    pub fn pump(&mut self, until: Instant) {
        while let Ok(bytes) = self.bytes.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.feed(&bytes);
        }
    }

    /// Feeds the terminal until `condition` holds.
    pub fn wait(&mut self, what: &str, mut condition: impl FnMut(&mut Terminal) -> bool) {
        let deadline = Instant::now() + WATCHDOG;
        while self.terminal.is_torn() || !condition(&mut self.terminal) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.bytes.recv_timeout(left) {
                Ok(bytes) => self.feed(&bytes),
                Err(why) => panic!("{what}: {why}; the screen is\n{}", self.screen()),
            }
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.terminal.feed(bytes);
        self.kept.extend(self.terminal.take_replies());
        if self.silent {
            return;
        }
        let replies = std::mem::take(&mut self.kept);
        // A program that has just ended reads no replies.
        let _ = self.keyboard.write_all(&replies);
    }

    /// Waits for a text on the screen.
    pub fn wait_text(&mut self, text: &str) {
        self.wait(&format!("waiting for '{text}'"), |t| t.text.screen().contents().contains(text));
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Gives the answers that were kept back, and what is typed while the terminal has not read yet that it is to
    /// report the mouse in pixels.
    pub fn break_silence(&mut self, typed: &str) {
        self.silent = false;
        let kept = std::mem::take(&mut self.kept);
        self.keyboard.write_all(&kept).unwrap();
        let mut unread: Vec<u8> = Vec::new();
        while !unread.windows(8).any(|bytes| bytes == b"\x1b[?1016h") {
            unread.extend(self.bytes.recv_timeout(WATCHDOG).expect("the mode is set"));
        }
        self.keys(typed);
        self.feed(&unread);
    }

    /// Drags with the left button along pixels of the terminal, as mode 1016 reports them.
    pub fn drag(&mut self, path: &[[i32; 2]]) {
        self.press(path[0]);
        path[1..].iter().for_each(|&at| self.drag_to(at));
        self.release(path[path.len() - 1]);
    }

    pub fn press(&mut self, at: [i32; 2]) {
        self.report(0, at, 'M');
    }

    pub fn drag_to(&mut self, at: [i32; 2]) {
        self.report(32, at, 'M');
    }

    pub fn release(&mut self, at: [i32; 2]) {
        self.report(0, at, 'm');
    }

    fn report(&mut self, button: u8, [x, y]: [i32; 2], last: char) {
        let report = format!("\x1b[<{button};{x};{y}{last}");
        self.keyboard.write_all(report.as_bytes()).unwrap();
    }

    /// The terminal's window is closed: the program's device hangs up. Its exit code.
    pub fn hang_up(self) -> u32 {
        let Session { mut child, master, mut keyboard, bytes, .. } = self;
        drop(bytes);
        // The reader holds the device until it has something to hand on: the help gives it that.
        keyboard.write_all(b"?").unwrap();
        drop((master, keyboard));
        child.wait().unwrap().exit_code()
    }

    /// Changes the terminal's size, as a window manager does.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.terminal.resize(columns, rows);
        self.master.resize(pty_size(&self.terminal.profile)).unwrap();
    }

    pub fn screen(&self) -> String {
        self.terminal.text.screen().contents()
    }

    pub fn screenshot(&self) -> Screenshot {
        self.terminal.screenshot()
    }

    pub fn process_id(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Waits for the program to end; its exit code. The terminal must be as it was.
    pub fn wait_end(mut self) -> u32 {
        loop {
            match self.bytes.recv_timeout(WATCHDOG) {
                Ok(bytes) => self.feed(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the program does not end\n{}", self.screen()),
            }
        }
        let status = self.child.wait().unwrap();
        assert!(!self.terminal.is_torn(), "an escape was cut at the end");
        let left: Vec<u32> = self.terminal.modes.iter().copied().filter(|mode| *mode != 25).collect();
        assert_eq!(left, [] as [u32; 0], "modes left set");
        assert!(!self.terminal.text.screen().alternate_screen());
        assert!(!self.terminal.text.screen().hide_cursor(), "the cursor is left hidden");
        assert!(!self.terminal.holds_images(), "images are left");
        assert_eq!(self.terminal.problems, [] as [String; 0]);
        status.exit_code()
    }
}
