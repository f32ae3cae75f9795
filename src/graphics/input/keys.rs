//! Bytes, letters and code points to crossterm's keys.

use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyEventState, KeyModifiers, MediaKeyCode, ModifierKeyCode,
};

/// The key of a 7-bit byte; control codes are Ctrl with a letter, save those that have keys of their own.
pub(super) fn of_byte(byte: u8) -> KeyEvent {
    let control = |c: u8| KeyEvent::new(KeyCode::Char(char::from(c)), KeyModifiers::CONTROL);
    match byte {
        b'\r' => KeyCode::Enter.into(),
        b'\t' => KeyCode::Tab.into(),
        0x7f => KeyCode::Backspace.into(),
        0x1b => KeyCode::Esc.into(),
        0 => control(b' '),
        1..=0x1a => control(byte - 1 + b'a'),
        0x1c..=0x1f => control(byte - 0x1c + b'4'),
        _ => of_char(char::from(byte)),
    }
}

/// The key of a character; upper case carries Shift.
pub(super) fn of_char(c: char) -> KeyEvent {
    let modifiers = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::empty() };
    KeyEvent::new(KeyCode::Char(c), modifiers)
}

/// A key with the modifiers of a parameter (1 more than their sum).
pub(super) fn plain(code: KeyCode, parameter: u32) -> KeyEvent {
    let (modifiers, mut state) = modifiers(parameter);
    if matches!(code, KeyCode::KeypadBegin) {
        state |= KeyEventState::KEYPAD;
    }
    KeyEvent::new_with_kind_and_state(code, modifiers, KeyEventKind::Press, state)
}

fn modifiers(parameter: u32) -> (KeyModifiers, KeyEventState) {
    let bits = parameter.max(1) - 1;
    let mut modifiers = KeyModifiers::empty();
    for (bit, modifier) in [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
        (8, KeyModifiers::SUPER),
        (16, KeyModifiers::HYPER),
        (32, KeyModifiers::META),
    ] {
        modifiers.set(modifier, bits & bit != 0);
    }
    let mut state = KeyEventState::empty();
    state.set(KeyEventState::CAPS_LOCK, bits & 64 != 0);
    state.set(KeyEventState::NUM_LOCK, bits & 128 != 0);
    (modifiers, state)
}

/// Final letters of `CSI 1 ; modifiers letter`.
pub(super) fn letter(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'E' => KeyCode::KeypadBegin,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P'..=b'S' => KeyCode::F(letter - b'P' + 1),
        _ => return None,
    })
}

/// Letters after `ESC O`; the keypad's in application mode too.
pub(super) fn single_shift(byte: u8) -> Option<KeyEvent> {
    let code = match byte {
        b'M' => KeyCode::Enter,
        b'j'..=b'o' => KeyCode::Char(char::from(byte - b'j' + b'*')),
        b'p'..=b'y' => KeyCode::Char(char::from(byte - b'p' + b'0')),
        b'X' => KeyCode::Char('='),
        _ => letter(byte)?,
    };
    Some(code.into())
}

/// `CSI [ A` to `E`: F1 to F5 of the Linux console.
pub(super) fn console_function(byte: u8) -> Option<KeyEvent> {
    (b'A'..=b'E').contains(&byte).then(|| KeyCode::F(byte - b'A' + 1).into())
}

/// Numbers of `CSI number ~`.
pub(super) fn tilde(number: u32) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number as u8 - 10),
        17..=21 => KeyCode::F(number as u8 - 11),
        23..=26 => KeyCode::F(number as u8 - 12),
        28 | 29 => KeyCode::F(number as u8 - 13),
        31..=34 => KeyCode::F(number as u8 - 14),
        57427 => KeyCode::KeypadBegin,
        _ => return None,
    })
}

/// The key of a kitty keyboard code; `shifted` is the character with Shift, where the terminal tells.
pub(super) fn of_code_point(code: u32, shifted: Option<u32>, parameter: u32) -> Option<KeyEvent> {
    let mut key = plain(KeyCode::Null, parameter);
    if let Some(code) = functional(code) {
        key.code = code;
        return Some(key);
    }
    if let Some(code) = keypad(code) {
        key.code = code;
        key.state |= KeyEventState::KEYPAD;
        return Some(key);
    }
    let shift = key.modifiers.contains(KeyModifiers::SHIFT);
    key.code = match code {
        9 if shift => KeyCode::BackTab,
        9 => KeyCode::Tab,
        13 => KeyCode::Enter,
        27 => KeyCode::Esc,
        8 | 127 => KeyCode::Backspace,
        57344..=63743 => return None,
        _ => {
            let c = char::from_u32(code).filter(|c| !c.is_control())?;
            let shifted = shifted.filter(|s| *s != 0).and_then(char::from_u32);
            KeyCode::Char(match shifted {
                Some(upper) if shift => upper,
                _ if shift && c.is_ascii_lowercase() => c.to_ascii_uppercase(),
                _ => c,
            })
        }
    };
    Some(key)
}

fn functional(code: u32) -> Option<KeyCode> {
    Some(match code {
        57358 => KeyCode::CapsLock,
        57359 => KeyCode::ScrollLock,
        57360 => KeyCode::NumLock,
        57361 => KeyCode::PrintScreen,
        57362 => KeyCode::Pause,
        57363 => KeyCode::Menu,
        57376..=57398 => KeyCode::F((code - 57376) as u8 + 13),
        57428 => KeyCode::Media(MediaKeyCode::Play),
        57429 => KeyCode::Media(MediaKeyCode::Pause),
        57430 => KeyCode::Media(MediaKeyCode::PlayPause),
        57431 => KeyCode::Media(MediaKeyCode::Reverse),
        57432 => KeyCode::Media(MediaKeyCode::Stop),
        57433 => KeyCode::Media(MediaKeyCode::FastForward),
        57434 => KeyCode::Media(MediaKeyCode::Rewind),
        57435 => KeyCode::Media(MediaKeyCode::TrackNext),
        57436 => KeyCode::Media(MediaKeyCode::TrackPrevious),
        57437 => KeyCode::Media(MediaKeyCode::Record),
        57438 => KeyCode::Media(MediaKeyCode::LowerVolume),
        57439 => KeyCode::Media(MediaKeyCode::RaiseVolume),
        57440 => KeyCode::Media(MediaKeyCode::MuteVolume),
        57441 => KeyCode::Modifier(ModifierKeyCode::LeftShift),
        57442 => KeyCode::Modifier(ModifierKeyCode::LeftControl),
        57443 => KeyCode::Modifier(ModifierKeyCode::LeftAlt),
        57444 => KeyCode::Modifier(ModifierKeyCode::LeftSuper),
        57445 => KeyCode::Modifier(ModifierKeyCode::LeftHyper),
        57446 => KeyCode::Modifier(ModifierKeyCode::LeftMeta),
        57447 => KeyCode::Modifier(ModifierKeyCode::RightShift),
        57448 => KeyCode::Modifier(ModifierKeyCode::RightControl),
        57449 => KeyCode::Modifier(ModifierKeyCode::RightAlt),
        57450 => KeyCode::Modifier(ModifierKeyCode::RightSuper),
        57451 => KeyCode::Modifier(ModifierKeyCode::RightHyper),
        57452 => KeyCode::Modifier(ModifierKeyCode::RightMeta),
        57453 => KeyCode::Modifier(ModifierKeyCode::IsoLevel3Shift),
        57454 => KeyCode::Modifier(ModifierKeyCode::IsoLevel5Shift),
        _ => return None,
    })
}

fn keypad(code: u32) -> Option<KeyCode> {
    Some(match code {
        57399..=57408 => KeyCode::Char(char::from(b'0' + (code - 57399) as u8)),
        57409 => KeyCode::Char('.'),
        57410 => KeyCode::Char('/'),
        57411 => KeyCode::Char('*'),
        57412 => KeyCode::Char('-'),
        57413 => KeyCode::Char('+'),
        57414 => KeyCode::Enter,
        57415 => KeyCode::Char('='),
        57416 => KeyCode::Char(','),
        57417 => KeyCode::Left,
        57418 => KeyCode::Right,
        57419 => KeyCode::Up,
        57420 => KeyCode::Down,
        57421 => KeyCode::PageUp,
        57422 => KeyCode::PageDown,
        57423 => KeyCode::Home,
        57424 => KeyCode::End,
        57425 => KeyCode::Insert,
        57426 => KeyCode::Delete,
        57427 => KeyCode::KeypadBegin,
        _ => return None,
    })
}
