//! From keys to commands: popups first, then the keymap with its sequences.

use crossterm::event::{KeyEvent, KeyEventKind};

use super::availability::available;
use super::event::InputEvent;
use super::messages::Level;
use super::state::App;
use crate::command::keys::print_sequence;
use crate::command::{Action, Chord, Command, Key, Lookup};

/// A command that waits for the image being opened, and what was typed after it.
pub(super) struct Held {
    action: Action,
    typed: Vec<InputEvent>,
}

/// Most events kept for an image that is being opened.
const MOST_HELD: usize = 1000;

impl App {
    pub(super) fn input(&mut self, event: InputEvent) {
        if let InputEvent::Key(key) = &event
            && self.leaves(key)
        {
            self.files.held = None;
        }
        match event {
            InputEvent::Key(_) | InputEvent::Paste(_) if self.files.held.is_some() => self.hold(event),
            InputEvent::Key(key) => self.key(&key),
            InputEvent::Mouse(mouse) => self.mouse(&mouse),
            InputEvent::Paste(text) => self.paste(&text),
        }
    }

    fn key(&mut self, key: &KeyEvent) {
        if key.kind == KeyEventKind::Release || self.popup_key(key) {
            return;
        }
        let Some(chord) = Chord::from_event(key) else { return };
        self.chord(chord);
    }

    /// A chord of keys or of the wheel; mouse buttons come by [`App::mouse`].
    pub(super) fn chord(&mut self, chord: Chord) {
        if !self.screen.pending.is_empty() && chord == Chord::plain(Key::Esc) {
            return self.screen.pending.clear();
        }
        self.screen.pending.push(chord);
        match self.keymap.lookup(self.mode(), &self.screen.pending) {
            Lookup::Action(action) => {
                self.screen.pending.clear();
                let name = match &action {
                    Action::Run(command) => command.name(),
                    Action::Ask(row) => row.name,
                };
                if self.files.opening && !self.has_image() && available(name, self).is_err() {
                    self.files.held = Some(Held { action, typed: Vec::new() });
                } else {
                    self.act_on(action);
                }
            }
            Lookup::Prefix => {
                if self.screen.pending.len() == 1 {
                    self.screen.pending_since = self.now;
                }
            }
            Lookup::Unbound => {
                let pending = std::mem::take(&mut self.screen.pending);
                // A lone unbound key is silent; a sequence that leads nowhere is named.
                if pending.len() > 1 {
                    let keys = print_sequence(&pending);
                    self.tell(Level::Warning, format!("No command on '{keys}'"), "", "");
                }
            }
        }
    }

    fn act_on(&mut self, action: Action) {
        match action {
            Action::Run(command) => self.run(command),
            Action::Ask(row) => self.run_named(row.name),
        }
    }

    fn hold(&mut self, event: InputEvent) {
        if let Some(held) = &mut self.files.held
            && held.typed.len() < MOST_HELD
        {
            held.typed.push(event);
        }
    }

    /// Whether a key means that nobody waits for what is being opened any more.
    fn leaves(&self, key: &KeyEvent) -> bool {
        let Some(chord) = Chord::from_event(key).filter(|_| self.files.held.is_some()) else { return false };
        let action = self.keymap.lookup(self.mode(), &[chord]);
        matches!(action, Lookup::Action(Action::Run(Command::AppQuit | Command::AppSuspend)))
    }

    /// Does what was typed while the image was being opened.
    pub(super) fn release(&mut self, held: Option<Held>) {
        let Some(Held { action, typed }) = held else { return };
        if !self.popups.is_empty() {
            // Keys meant for the canvas must not answer a question.
            return self.tell(
                Level::Warning,
                "Keys typed while opening were left out",
                "a question came first",
                "",
            );
        }
        self.act_on(action);
        if self.has_image() {
            typed.into_iter().for_each(|event| self.input(event));
        }
    }
}
