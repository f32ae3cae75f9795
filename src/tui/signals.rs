//! The thread that turns signals into messages.

use std::io;
use std::sync::mpsc::Sender;
use std::thread;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;

use super::message::Message;

/// Starts the thread; it runs until the program ends.
pub(super) fn spawn(sender: Sender<Message>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT, SIGWINCH])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if sender.send(Message::Signal(signal)).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

/// Stops the program as Ctrl-Z in a shell does, until it is told to go on.
pub(super) fn stop() {
    // Nothing can be done about a system that refuses.
    let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
}
