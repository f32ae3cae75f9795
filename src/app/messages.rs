//! Messages to the user: what happened, why, what to do; the newest on screen, all in the history.

use std::time::Duration;

/// How grave a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something was done.
    Info,
    /// Something can't be done now, and why.
    Warning,
    /// Something failed.
    Error,
}

/// What failed, why, and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// What failed, and on which object.
    pub what: String,
    /// Why; may be empty.
    pub why: String,
    /// The next step; may be empty.
    pub remedy: String,
}

impl Problem {
    /// A problem in three parts.
    pub fn new(what: impl Into<String>, why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Problem { what: what.into(), why: why.into(), remedy: remedy.into() }
    }

    /// The parts on one line.
    pub fn line(&self) -> String {
        let mut line = self.what.clone();
        for (mark, part) in [(": ", &self.why), (". ", &self.remedy)] {
            if !part.is_empty() {
                // A question ends its sentence itself.
                line.push_str(if line.ends_with('?') { " " } else { mark });
                line.push_str(part);
            }
        }
        line
    }
}

/// A message and when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How grave it is.
    pub level: Level,
    /// Its text, in parts.
    pub text: Problem,
    /// When, since the program began.
    pub at: Duration,
}

/// All messages so far.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    entries: Vec<Message>,
    hidden: bool,
}

/// Most messages kept.
const KEPT: usize = 1000;

impl Messages {
    /// The history, oldest first.
    pub fn entries(&self) -> &[Message] {
        &self.entries
    }

    /// The message to show now, if one is recent: ten seconds for information, a minute for the rest.
    pub fn current(&self, now: Duration) -> Option<&Message> {
        self.entries.last().filter(|message| !self.hidden && now < Self::until(message))
    }

    /// When [`Messages::current`] changes by itself.
    pub fn deadline(&self, now: Duration) -> Option<Duration> {
        self.current(now).map(Self::until)
    }

    fn until(message: &Message) -> Duration {
        message.at + Duration::from_secs(if message.level == Level::Info { 10 } else { 60 })
    }

    /// Adds a message.
    pub fn push(&mut self, level: Level, text: Problem, at: Duration) {
        self.hidden = false;
        if self.entries.len() == KEPT {
            self.entries.remove(0);
        }
        self.entries.push(Message { level, text, at });
    }

    /// Hides the current message; it stays in the history.
    pub fn hide(&mut self) {
        self.hidden = true;
    }
}
