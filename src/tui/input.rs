//! The thread that reads the terminal.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::message::Message;
use super::tty::Tty;
use crate::graphics::input::{MouseUnit, Parser};

/// What the reader must know of the terminal, which is learnt while it reads already.
#[derive(Debug, Default)]
pub(super) struct InputSettings {
    /// A change of what the mouse reports count, until it is taken.
    pub mouse: Option<MouseChange>,
    pub in_tmux: bool,
}

/// From when on mouse reports count in another way.
#[derive(Clone, Copy, Debug)]
pub(super) enum MouseChange {
    Now(MouseUnit),
    /// Behind the terminal's next report of mode 1016.
    AfterReport(MouseUnit),
}

/// Longest wait before looking whether the program ends.
const IDLE: Duration = Duration::from_millis(250);

/// Starts the reader. It ends when nobody listens any more or the terminal is gone.
pub(super) fn spawn(
    tty: Arc<Tty>,
    settings: Arc<Mutex<InputSettings>>,
    sender: Sender<Message>,
) -> std::io::Result<()> {
    thread::Builder::new().name("input".into()).spawn(move || {
        let mut parser = Parser::new();
        let mut buffer = vec![0; 1 << 14];
        let mut last_bytes = Instant::now();
        loop {
            // While another program has the terminal its keys are not ours.
            if !tty.is_active() {
                thread::sleep(Duration::from_millis(10));
                continue;
            }
            let patience = parser.timeout();
            let mut events = Vec::new();
            let message = match tty.read(&mut buffer, Some(patience.unwrap_or(IDLE).min(IDLE))) {
                Ok(0) => {
                    parser.flush(last_bytes.elapsed(), &mut events);
                    Message::Terminal(events, Instant::now())
                }
                Ok(count) => {
                    last_bytes = Instant::now();
                    let mut settings = settings.lock().unwrap_or_else(PoisonError::into_inner);
                    match settings.mouse.take() {
                        Some(MouseChange::Now(unit)) => parser.set_mouse_unit(unit),
                        Some(MouseChange::AfterReport(unit)) => parser.set_mouse_unit_after_report(unit),
                        None => {}
                    }
                    parser.set_headless_replies(settings.in_tmux);
                    drop(settings);
                    parser.feed(&buffer[..count], &mut events);
                    Message::Terminal(events, last_bytes)
                }
                Err(_) => Message::Hangup,
            };
            let ends = matches!(message, Message::Hangup);
            let empty = matches!(&message, Message::Terminal(events, _) if events.is_empty());
            if !empty && sender.send(message).is_err() || ends {
                return;
            }
        }
    })?;
    Ok(())
}
