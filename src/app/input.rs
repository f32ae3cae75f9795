//! From keys to commands: popups first, then the keymap with its sequences.

use crossterm::event::{KeyEvent, KeyEventKind};

use super::event::InputEvent;
use super::messages::Level;
use super::state::App;
use crate::command::keys::print_sequence;
use crate::command::{Action, Chord, Key, Lookup};

impl App {
    pub(super) fn input(&mut self, event: InputEvent) {
        match event {
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
                match action {
                    Action::Run(command) => self.run(command),
                    Action::Ask(row) => self.run_named(row.name),
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
}
