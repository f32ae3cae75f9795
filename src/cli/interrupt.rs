//! SIGINT and SIGTERM: the first asks the work to stop, the second ends the program.

use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::error::say;
use crate::data::CancelToken;

/// A token that is cancelled by the first signal.
pub(super) fn on_signal() -> CancelToken {
    let cancel = CancelToken::new();
    let token = cancel.clone();
    match Signals::new([SIGINT, SIGTERM]) {
        Ok(mut signals) => {
            thread::spawn(move || {
                for _ in signals.forever() {
                    if token.is_cancelled() {
                        std::process::exit(130);
                    }
                    token.cancel();
                }
            });
        }
        Err(error) => say(&format!("note: interrupting will not clean up ({error})")),
    }
    cancel
}
