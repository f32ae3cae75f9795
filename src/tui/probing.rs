//! The capability query at the start of a session.

use std::env;
use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::input::{self as reader, InputSettings, MouseChange};
use super::message::Message;
use super::tty::{Size, Tty};
use crate::graphics::input::{MouseUnit, Reply};
use crate::graphics::{Environment, Probe, input, session};

/// What the environment and the device say of the terminal.
pub(super) fn environment(size: Size, cell: Option<[f64; 2]>) -> Environment {
    let from_variables = Environment::from_variables(|name| env::var(name).ok());
    let Size { cells, pixels, guessed } = size;
    Environment { cells, cells_guessed: guessed, pixels, cell, ..from_variables }
}

/// A terminal that was asked outside a session; it is in raw mode until it is [restored](Tty::restore).
pub(super) struct Asked {
    pub tty: Arc<Tty>,
    pub messages: Receiver<Message>,
    pub probe: Probe,
    pub environment: Environment,
    /// How long its first answer took.
    pub answering: Option<Duration>,
}

impl Asked {
    /// Asks the terminal of this process. `cell` is the option `--cell-size`.
    ///
    /// # Errors
    /// There is no terminal, or it went away.
    pub fn of_terminal(cell: Option<[f64; 2]>, begun: Instant) -> io::Result<Asked> {
        let tty = Tty::open()?;
        let environment = environment(tty.size(), cell);
        tty.enter()?;
        let (sender, messages) = channel();
        let asked = reader::spawn(Arc::clone(&tty), Arc::new(Mutex::new(InputSettings::default())), sender)
            .and_then(|()| ask(&tty, &messages, environment.clone(), begun));
        match asked {
            Ok((probe, answering, _)) => Ok(Asked { tty, messages, probe, environment, answering }),
            Err(error) => {
                tty.restore();
                Err(error)
            }
        }
    }
}

/// Asks the terminal what it can do. What else arrives meanwhile is returned in order, so that nothing
/// typed is lost, with the query and the time to its first answer.
///
/// # Errors
/// The terminal is gone.
pub(super) fn ask(
    tty: &Tty,
    messages: &Receiver<Message>,
    environment: Environment,
    begun: Instant,
) -> io::Result<(Probe, Option<Duration>, Vec<Message>)> {
    let mut probe = Probe::new(environment);
    tty.write_all(&probe.query_bytes())?;
    let asked = begun.elapsed();
    let mut others = Vec::new();
    while !probe.is_over(begun.elapsed()) {
        let left = probe.deadline().saturating_sub(begun.elapsed());
        match messages.recv_timeout(left) {
            Ok(Message::Terminal(events, at)) => {
                let mut rest = Vec::new();
                for event in events {
                    match event {
                        input::Event::Reply(reply) => {
                            if let Reply::Resized { columns, rows, .. } = reply {
                                tty.tell([columns, rows]);
                                probe.told_cells(tty.size().cells);
                            }
                            let more = probe.feed(&reply, at.saturating_duration_since(begun));
                            more.map_or(Ok(()), |bytes| tty.write_all(&bytes))?;
                        }
                        event => rest.push(event),
                    }
                }
                if !rest.is_empty() {
                    others.push(Message::Terminal(rest, at));
                }
            }
            Ok(Message::Hangup) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(other) => others.push(other),
            Err(_) => {}
        }
    }
    let answering = probe.first_answer().map(|at| at.saturating_sub(asked));
    Ok((probe, answering, others))
}

/// Tells the reader what the terminal's mouse reports count, from when on: `from` now or behind a report.
pub(super) fn apply(probe: &Probe, settings: &Mutex<InputSettings>, from: impl Fn(MouseUnit) -> MouseChange) {
    let terminal = probe.capabilities();
    let mut settings = settings.lock().unwrap_or_else(PoisonError::into_inner);
    settings.mouse = Some(from(session::mouse_unit(&terminal)));
    settings.in_tmux = terminal.tmux;
}
