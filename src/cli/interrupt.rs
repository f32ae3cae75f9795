//! SIGINT and SIGTERM: the first asks the work to stop, the second ends the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
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
        match Signals::new([SIGINT, SIGTERM]) {
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
