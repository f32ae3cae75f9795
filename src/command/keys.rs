//! Chords: a key, a mouse button or the wheel, with modifiers; how they are written in keymaps, and which
//! of them a plain terminal can send.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton};

/// A key, a mouse button that drags, or a turn of the wheel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Key {
    Char(char),
    F(u8),
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    Insert,
    Delete,
    Backspace,
    Enter,
    Tab,
    Esc,
    MouseLeft,
    MouseRight,
    MouseMiddle,
    WheelUp,
    WheelDown,
}

/// Keys with a name; characters and function keys are written as themselves.
const NAMES: [(&str, Key); 21] = [
    ("space", Key::Char(' ')),
    ("up", Key::Up),
    ("down", Key::Down),
    ("left", Key::Left),
    ("right", Key::Right),
    ("home", Key::Home),
    ("end", Key::End),
    ("pageup", Key::PageUp),
    ("pagedown", Key::PageDown),
    ("insert", Key::Insert),
    ("delete", Key::Delete),
    ("backspace", Key::Backspace),
    ("enter", Key::Enter),
    ("tab", Key::Tab),
    ("esc", Key::Esc),
    ("mouse-left", Key::MouseLeft),
    ("mouse-right", Key::MouseRight),
    ("mouse-middle", Key::MouseMiddle),
    ("wheel-up", Key::WheelUp),
    ("wheel-down", Key::WheelDown),
    ("hash", Key::Char('#')),
];

/// A key with the modifiers held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chord {
    /// The key.
    pub key: Key,
    /// Whether Control is held.
    pub ctrl: bool,
    /// Whether Alt is held.
    pub alt: bool,
    /// Whether Shift is held; never set for characters, whose case says it.
    pub shift: bool,
}

/// A text that names no chord.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a key; write keys as 'b', 'ctrl-z', 'shift-left', 'f1', 'space' or 'mouse-left'")]
pub struct UnknownChord(pub String);

impl Chord {
    /// The chord of a key alone.
    pub const fn plain(key: Key) -> Self {
        Chord { key, ctrl: false, alt: false, shift: false }
    }

    /// The chord of a key event; `None` for keys that cannot be bound.
    pub fn from_event(event: &KeyEvent) -> Option<Self> {
        let mut shift = event.modifiers.contains(KeyModifiers::SHIFT);
        let key = match event.code {
            KeyCode::Char(c) => {
                let c = if shift && c.is_lowercase() { c.to_uppercase().next().unwrap_or(c) } else { c };
                shift = false;
                Key::Char(c)
            }
            KeyCode::F(n) => Key::F(n),
            KeyCode::Up => Key::Up,
            KeyCode::Down => Key::Down,
            KeyCode::Left => Key::Left,
            KeyCode::Right => Key::Right,
            KeyCode::Home => Key::Home,
            KeyCode::End => Key::End,
            KeyCode::PageUp => Key::PageUp,
            KeyCode::PageDown => Key::PageDown,
            KeyCode::Insert => Key::Insert,
            KeyCode::Delete => Key::Delete,
            KeyCode::Backspace => Key::Backspace,
            KeyCode::Enter => Key::Enter,
            KeyCode::Tab => Key::Tab,
            KeyCode::BackTab => {
                shift = true;
                Key::Tab
            }
            KeyCode::Esc => Key::Esc,
            _ => return None,
        };
        Some(Chord::with(key, event.modifiers, shift))
    }

    /// The chord of a mouse button.
    pub fn from_button(button: MouseButton, modifiers: KeyModifiers) -> Self {
        let key = match button {
            MouseButton::Left => Key::MouseLeft,
            MouseButton::Right => Key::MouseRight,
            MouseButton::Middle => Key::MouseMiddle,
        };
        Chord::with(key, modifiers, modifiers.contains(KeyModifiers::SHIFT))
    }

    /// The chord of a turn of the wheel.
    pub fn from_wheel(up: bool, modifiers: KeyModifiers) -> Self {
        let key = if up { Key::WheelUp } else { Key::WheelDown };
        Chord::with(key, modifiers, modifiers.contains(KeyModifiers::SHIFT))
    }

    fn with(key: Key, modifiers: KeyModifiers, shift: bool) -> Self {
        Chord {
            key,
            ctrl: modifiers.contains(KeyModifiers::CONTROL),
            alt: modifiers.contains(KeyModifiers::ALT),
            shift,
        }
    }

    /// Whether it is made with the mouse.
    pub fn is_mouse(&self) -> bool {
        matches!(
            self.key,
            Key::MouseLeft | Key::MouseRight | Key::MouseMiddle | Key::WheelUp | Key::WheelDown
        )
    }

    /// Whether every terminal sends this chord, and as nothing else: no mouse, no Alt, no modified
    /// special keys, no Control with anything but the letters that are not Tab, Enter or Backspace.
    pub fn is_plain(&self) -> bool {
        if self.is_mouse() || self.alt {
            return false;
        }
        match self.key {
            Key::Char(c) if self.ctrl => c.is_ascii_lowercase() && !matches!(c, 'h' | 'i' | 'j' | 'm'),
            Key::Char(c) => c.is_ascii(),
            Key::Tab => !self.ctrl,
            Key::F(n) => !self.ctrl && !self.shift && n <= 12,
            _ => !self.ctrl && !self.shift,
        }
    }
}

impl FromStr for Chord {
    type Err = UnknownChord;

    fn from_str(text: &str) -> Result<Self, UnknownChord> {
        let unknown = || UnknownChord(text.to_owned());
        let mut chord = Chord::plain(Key::Esc);
        let mut rest = text;
        loop {
            let (flag, after) = match rest {
                _ if rest.len() > 5 && rest.starts_with("ctrl-") => (&mut chord.ctrl, &rest[5..]),
                _ if rest.len() > 4 && rest.starts_with("alt-") => (&mut chord.alt, &rest[4..]),
                _ if rest.len() > 6 && rest.starts_with("shift-") => (&mut chord.shift, &rest[6..]),
                _ => break,
            };
            if *flag {
                return Err(unknown());
            }
            *flag = true;
            rest = after;
        }
        let mut characters = rest.chars();
        chord.key = match (characters.next(), characters.next()) {
            (Some(c), None) if !c.is_whitespace() && !c.is_control() => Key::Char(c),
            (Some('f'), Some('0'..='9')) => {
                let n = rest[1..].parse().map_err(|_| unknown())?;
                if !(1..=24).contains(&n) {
                    return Err(unknown());
                }
                Key::F(n)
            }
            _ => NAMES.iter().find(|(name, _)| *name == rest).map(|&(_, key)| key).ok_or_else(unknown)?,
        };
        if let (Key::Char(c), true) = (chord.key, chord.shift) {
            if !c.is_alphabetic() {
                return Err(unknown());
            }
            chord.key = Key::Char(c.to_uppercase().next().unwrap_or(c));
            chord.shift = false;
        }
        Ok(chord)
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        match self.key {
            Key::F(n) => write!(f, "f{n}"),
            Key::Char(c) if c != ' ' => write!(f, "{c}"),
            key => {
                let name = NAMES.iter().find(|(_, named)| *named == key).map_or("", |(name, _)| name);
                f.write_str(name)
            }
        }
    }
}

/// Chords as written in a keymap, separated by spaces.
pub fn print_sequence(chords: &[Chord]) -> String {
    chords.iter().map(Chord::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chords() -> impl Strategy<Value = Chord> {
        let key = prop_oneof![
            (0..NAMES.len()).prop_map(|i| NAMES[i].1),
            prop::char::range('!', '~').prop_map(Key::Char),
            (1..=24u8).prop_map(Key::F),
        ];
        (key, any::<[bool; 3]>()).prop_map(|(key, [ctrl, alt, shift])| {
            let shift = shift && !matches!(key, Key::Char(_));
            Chord { key, ctrl, alt, shift }
        })
    }

    proptest! {
        #[test]
        fn printed_chords_are_read_back(chord in chords()) {
            prop_assert_eq!(chord.to_string().parse(), Ok(chord));
        }
    }

    #[test]
    fn shifted_letters_are_upper_case() {
        assert_eq!("shift-a".parse(), Ok(Chord::plain(Key::Char('A'))));
        let event = KeyEvent::new(KeyCode::Char('a'), KeyModifiers::SHIFT);
        assert_eq!(Chord::from_event(&event), Some(Chord::plain(Key::Char('A'))));
        let event = KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT);
        assert_eq!(Chord::from_event(&event).map(|c| c.to_string()), Some("shift-tab".into()));
    }

    #[test]
    fn knows_what_a_plain_terminal_sends() {
        for (text, plain) in [
            ("b", true),
            ("ctrl-z", true),
            ("ctrl-i", false),
            ("ctrl-m", false),
            ("ctrl-Z", false),
            ("ctrl-up", false),
            ("shift-left", false),
            ("shift-tab", true),
            ("alt-x", false),
            ("f5", true),
            ("wheel-up", false),
            ("pageup", true),
        ] {
            let chord: Chord = text.parse().expect("a chord");
            assert_eq!(chord.is_plain(), plain, "{text}");
        }
        for wrong in ["", "ctrl-", "ctrl-ctrl-a", "hyper-a", "f0", "f25", "shift-1", "pgup"] {
            assert!(wrong.parse::<Chord>().is_err() || wrong == "ctrl-", "{wrong}");
        }
    }
}
