//! SIGINT, SIGTERM and SIGHUP: the first asks the work to stop, the second ends the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::error::say;
use crate::data::CancelToken;

/// How long the work may take to stop by itself while there is nothing to clean up.
const PATIENCE: Duration = Duration::from_millis(700);

/// No file is being written: the program may end at any time.
const IDLE: u8 = 0;
/// Files are being written.
const WRITING: u8 = 1;
/// The program ends.
const ENDING: u8 = 2;

/// What signals do to a run.
#[derive(Clone)]
pub(super) struct Interrupt {
    token: CancelToken,
    state: Arc<AtomicU8>,
}

impl Interrupt {
    /// Waits for signals.
    pub(super) fn on_signal() -> Self {
        let interrupt = Interrupt { token: CancelToken::new(), state: Arc::default() };
        let told = interrupt.clone();
        let hang_up = hang_ups_end_it().then_some(SIGHUP);
        match Signals::new([SIGINT, SIGTERM].into_iter().chain(hang_up)) {
            Ok(mut signals) => {
                thread::spawn(move || {
                    for _ in signals.forever() {
                        if told.token.is_cancelled() {
                            std::process::exit(130);
                        }
                        told.token.cancel();
                        let told = told.clone();
                        thread::spawn(move || told.end_if_idle());
                    }
                });
            }
            Err(error) => say(&format!("note: interrupting will not clean up ({error})")),
        }
        interrupt
    }

    /// Cancelled by the first signal.
    pub(super) fn token(&self) -> &CancelToken {
        &self.token
    }

    /// Says whether files are being written from now on. Does not return once the program ends.
    pub(super) fn set_writing(&self, writing: bool) {
        let (from, to) = if writing { (IDLE, WRITING) } else { (WRITING, IDLE) };
        let changed = self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
        while changed == Err(ENDING) {
            thread::park();
        }
    }

    /// Ends the program when the work has not stopped in time, as while an image is decoded, unless files
    /// would be left behind.
    fn end_if_idle(&self) {
        thread::sleep(PATIENCE);
        if self.state.compare_exchange(IDLE, ENDING, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            say("Interrupted");
            std::process::exit(130);
        }
    }
}

/// Whether the end of the terminal, as of an SSH connection, ends the program: not under `nohup`, which has SIGHUP
/// ignored. Where the system does not tell, SIGHUP is left as it is.
fn hang_ups_end_it() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & (1 << (SIGHUP - 1)) == 0)
}
