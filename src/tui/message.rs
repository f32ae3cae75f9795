//! What the interface's threads tell the one that owns the state.

use std::time::Instant;

use crate::app::AppEvent;
use crate::engine;
use crate::graphics::input;

/// Something for the main thread.
pub(super) enum Message {
    /// The terminal sent these.
    Terminal(Vec<input::Event>, Instant),
    /// The terminal is gone.
    Hangup,
    /// The engine reports.
    Engine(engine::Event),
    /// A frame has been written.
    Written(Written),
    /// A frame could not be made: why.
    NotDrawn(String),
    /// Background work is done.
    App(Box<AppEvent>),
    /// A signal arrived.
    Signal(i32),
}

/// A frame that was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    /// The number of its request for an answer.
    pub request: Option<u8>,
    /// Its bytes; 0 when there was nothing to send.
    pub bytes: usize,
    /// Whether more of the picture is to follow.
    pub more: bool,
}
