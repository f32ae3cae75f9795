//! The terminal device: raw mode, size, reading and writing bytes.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{self, OptionalActions, Termios};

/// How long the bytes that end a session wait for a terminal that takes none.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Bytes written at once.
const PIECE: usize = 4096;

/// The terminal device.
#[derive(Debug)]
pub(super) struct Tty {
    input: OwnedFd,
    output: OwnedFd,
    saved: Termios,
    /// What ends the session, once it has begun.
    leave: Mutex<Vec<u8>>,
    /// Held while bytes are written.
    writing: Mutex<()>,
    /// Whether the terminal is in the program's mode.
    active: AtomicBool,
    /// Columns and rows, where the device does not know them.
    told: Mutex<[u16; 2]>,
}

/// Columns and rows where nothing tells them.
const USUAL: [u16; 2] = [80, 24];

/// Columns and rows, and width and height in pixels (0 when unknown).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub cells: [u16; 2],
    pub pixels: [u16; 2],
    /// Whether the device does not know the cells.
    pub guessed: bool,
}

impl Tty {
    /// The terminal on standard input and output, else the controlling one.
    pub fn open() -> io::Result<Arc<Tty>> {
        let controlling = || OpenOptions::new().read(true).write(true).open("/dev/tty").map(OwnedFd::from);
        let stdin = rustix::stdio::stdin();
        let stdout = rustix::stdio::stdout();
        let input = if termios::isatty(stdin) { stdin.try_clone_to_owned()? } else { controlling()? };
        let output = if termios::isatty(stdout) { stdout.try_clone_to_owned()? } else { controlling()? };
        let saved = termios::tcgetattr(&input)?;
        Ok(Arc::new(Tty {
            input,
            output,
            saved,
            leave: Mutex::default(),
            writing: Mutex::default(),
            active: AtomicBool::new(false),
            told: Mutex::new(from_variables()),
        }))
    }

    /// What [`Tty::restore`] writes.
    pub fn set_leave(&self, leave: Vec<u8>) {
        *self.leave.lock().unwrap_or_else(PoisonError::into_inner) = leave;
    }

    /// Raw mode, so that every key arrives.
    pub fn enter(&self) -> io::Result<()> {
        let mut raw = self.saved.clone();
        raw.make_raw();
        self.active.store(true, Ordering::Release);
        Ok(termios::tcsetattr(&self.input, OptionalActions::Now, &raw)?)
    }

    /// Gives the terminal back as it was; once, however often it is called, from any thread.
    pub fn restore(&self) {
        if !self.active.swap(false, Ordering::AcqRel) {
            return;
        }
        let leave = self.leave.lock().unwrap_or_else(PoisonError::into_inner);
        // A frame that is being written stops after a piece; a terminal that takes nothing must not keep
        // the program from ending.
        let deadline = Instant::now() + LAST_WORDS;
        while self.writing.try_lock().is_err() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        if self.wait(&self.output, PollFlags::OUT, Some(LAST_WORDS)).unwrap_or(false) {
            let _ = self.write_now(&leave);
        }
        let _ = termios::tcsetattr(&self.input, OptionalActions::Flush, &self.saved);
    }

    /// Whether the terminal is in the program's mode.
    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    /// The terminal's size as the device tells it.
    pub fn size(&self) -> Size {
        let size = termios::tcgetwinsize(&self.output).or_else(|_| termios::tcgetwinsize(&self.input));
        match size {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Size {
                cells: [size.ws_col, size.ws_row],
                pixels: [size.ws_xpixel, size.ws_ypixel],
                guessed: false,
            },
            // Serial lines and some containers do not carry it.
            _ => {
                let cells = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
                Size { cells, pixels: [0, 0], guessed: true }
            }
        }
    }

    /// The terminal itself told its columns and rows.
    pub fn tell(&self, cells: [u32; 2]) {
        let [Ok(columns @ 1..), Ok(rows @ 1..)] = cells.map(u16::try_from) else { return };
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = [columns, rows];
    }

    /// Waits for bytes and reads some; nothing when `timeout` passes first.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn read(&self, buffer: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        if !self.wait(&self.input, PollFlags::IN, timeout)? {
            return Ok(0);
        }
        match rustix::io::read(&self.input, buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => Ok(count),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes all bytes, however long the terminal takes; stops when the terminal is given back.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(PIECE) {
            let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
            while self.is_active() && !self.wait(&self.output, PollFlags::OUT, Some(LAST_WORDS))? {}
            if !self.is_active() {
                return Ok(());
            }
            self.write_now(piece)?;
        }
        Ok(())
    }

    fn write_now(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.output, bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    self.wait(&self.output, PollFlags::OUT, None)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn wait(&self, fd: &OwnedFd, for_what: PollFlags, timeout: Option<Duration>) -> io::Result<bool> {
        let timeout = timeout.map(|t| Timespec {
            tv_sec: i64::try_from(t.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(t.subsec_nanos()),
        });
        match poll(&mut [PollFd::new(fd, for_what)], timeout.as_ref()) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// What the environment says of columns and rows, else the usual ones.
fn from_variables() -> [u16; 2] {
    let number = |name| std::env::var(name).ok()?.parse().ok().filter(|n| *n > 0);
    [number("COLUMNS").unwrap_or(USUAL[0]), number("LINES").unwrap_or(USUAL[1])]
}

impl Drop for Tty {
    fn drop(&mut self) {
        self.restore();
    }
}
