//! The escapes that put a terminal into the program's mode and back, as data: the ordinary way out and
//! the panic hook write the same bytes.

use base64::Engine;

use super::capabilities::{Brand, Capabilities};
use super::escape::{Route, kitty, kitty_payload, passthrough, push};
use super::input::{MouseUnit, Reply};
use super::kitty::{IDS, delete_images};

/// How many numbers fences have; they are used in turn.
pub const FENCES: u8 = 16;
/// Image id of the first fence's question through tmux; nothing is stored under these.
const FENCE_ID: u32 = 3900;

/// A question whose answer says that all bytes before it have been taken, and which question it was, by its
/// `number` below [`FENCES`]. It moves the cursor.
///
/// The cursor's position is asked from row 2, in the column that is the number: row 1 is answered by bytes
/// that can also mean F3 with modifiers. tmux answers that itself, whatever the link behind it does, so the
/// terminal around it is asked where passthrough works. tmux may lose answers: the caller needs a timeout.
pub fn fence(terminal: &Capabilities, number: u8) -> Vec<u8> {
    let mut out = Vec::new();
    let number = u32::from(number % FENCES);
    match (terminal.tmux && terminal.passthrough, terminal.kitty) {
        (false, _) => push(&mut out, format_args!("\x1b[2;{}H\x1b[6n", number + 1)),
        (true, true) => {
            let question = format!("a=q,i={},s=1,v=1,f=24", FENCE_ID + number);
            kitty_payload(&mut out, Route::Tmux, &question, "", &[0; 3]);
        }
        (true, false) => passthrough(&mut out, b"\x1b[5n"),
    }
    out
}

/// Puts a text into the terminal's clipboard (OSC 52), where the terminal allows that. tmux has a clipboard
/// of its own; the terminal around it gets the text too where passthrough works.
pub fn clipboard(text: &str, terminal: &Capabilities) -> Vec<u8> {
    let encoded = base64::engine::general_purpose::STANDARD.encode(text);
    let plain = format!("\x1b]52;c;{encoded}\x07").into_bytes();
    let mut out = plain.clone();
    if terminal.tmux && terminal.passthrough {
        passthrough(&mut out, &plain);
    }
    out
}

/// Which fence a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FenceAnswer {
    /// The one of this number.
    Number(u8),
    /// The oldest that has no answer.
    Oldest,
}

/// What a reply says about fences, if it answers one.
pub fn fence_answer(reply: &Reply) -> Option<FenceAnswer> {
    let numbered = |n: u32| u8::try_from(n).ok().filter(|n| *n < FENCES).map(FenceAnswer::Number);
    match reply {
        Reply::CursorPosition { row: 2, column } => numbered(column.checked_sub(1)?),
        Reply::StatusOk => Some(FenceAnswer::Oldest),
        Reply::KittyGraphics { id, .. } => numbered(id.checked_sub(FENCE_ID)?),
        _ => None,
    }
}

/// Whether a reply says that an image of the canvas is not there, or was not taken.
pub fn misses_image(reply: &Reply) -> bool {
    matches!(reply, Reply::KittyGraphics { id, message, .. } if IDS.contains(id) && !message.starts_with("OK"))
}

/// Opens an update that the terminal draws at once (mode 2026): text and small edits only, kitty 0.26
/// gives up at 2 MB.
pub const BEGIN_UPDATE: &[u8] = b"\x1b[?2026h";
/// Closes it.
pub const END_UPDATE: &[u8] = b"\x1b[?2026l";

/// The bytes that begin a session: alternate screen, hidden cursor, mouse, pastes, focus, keyboard.
/// `hover` also reports the mouse while no button is down.
pub fn enter(terminal: &Capabilities, hover: bool) -> Vec<u8> {
    let mut out = b"\x1b[?1049h\x1b[0m\x1b[2J\x1b[?25l\x1b[?1006h".to_vec();
    if terminal.pixel_mouse {
        // After 1006: the mode set last decides.
        out.extend_from_slice(b"\x1b[?1016h");
    }
    // After both: nothing is reported in another way.
    out.extend_from_slice(b"\x1b[?1002h");
    if hover {
        out.extend_from_slice(b"\x1b[?1003h");
    }
    out.extend_from_slice(b"\x1b[?2004h\x1b[?1004h");
    if terminal.in_band_resize {
        out.extend_from_slice(b"\x1b[?2048h");
    }
    if terminal.kitty_keyboard {
        // Escape codes told apart. Releases are not asked for: kitty 0.26 then sends Tab, Enter and Backspace
        // a second time when they are released.
        out.extend_from_slice(b"\x1b[>1u");
    }
    out
}

/// The bytes that end a session, whatever was being written: a cut escape is ended first, images are
/// deleted, every mode of [`enter`] is reset.
pub fn leave(terminal: &Capabilities) -> Vec<u8> {
    let mut out = b"\x18\x1b\\".to_vec();
    if terminal.kitty {
        if terminal.tmux {
            // The terminal may show other panes' images too.
            delete_images(Route::Tmux, &mut out);
        } else {
            kitty(&mut out, Route::Direct, "a=d,d=A,q=2");
        }
    }
    out.extend_from_slice(b"\x1b[?2026l");
    if terminal.in_band_resize {
        out.extend_from_slice(b"\x1b[?2048l");
    }
    out.extend_from_slice(b"\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?1016l\x1b[?1006l\x1b[?2004l\x1b[?1004l");
    if terminal.kitty_keyboard {
        out.extend_from_slice(b"\x1b[<u");
    }
    out.extend_from_slice(b"\x1b[0m\x1b[?25h\x1b[?1049l");
    out
}

/// Asks for a report of the mode of mouse reports in pixels; what is reported behind it counts as the mode says that
/// was set before.
pub const ASK_PIXEL_MOUSE: &[u8] = b"\x1b[?1016$p";

/// What the terminal's mouse reports count after [`enter`].
pub fn mouse_unit(terminal: &Capabilities) -> MouseUnit {
    match terminal.brand {
        _ if !terminal.pixel_mouse => MouseUnit::Cells,
        Brand::Kitty | Brand::XtermJs => MouseUnit::Pixels { origin: 0 },
        _ => MouseUnit::Pixels { origin: 1 },
    }
}

#[cfg(test)]
mod tests {
    use super::super::capabilities::Environment;
    use super::*;

    /// Private modes that a string sets (`h`) or resets (`l`).
    fn modes(bytes: &[u8], end: char) -> Vec<String> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.split("\x1b[?")
            .skip(1)
            .filter_map(|s| s.split_once(end))
            .map(|(m, _)| m.to_owned())
            .filter(|m| m.chars().all(|c| c.is_ascii_digit()))
            .collect()
    }

    #[test]
    fn releases_of_keys_are_not_asked_for() {
        let terminal =
            Capabilities { kitty_keyboard: true, ..Capabilities::assumed(&Environment::default()) };
        let bytes = String::from_utf8(enter(&terminal, true)).expect("escape codes are ASCII");
        let flags = bytes.split("\x1b[>").filter_map(|part| part.split_once('u')?.0.parse::<u8>().ok());
        assert_eq!(flags.collect::<Vec<_>>(), [1], "kitty's flag 2 doubles Tab, Enter and Backspace");
    }

    #[test]
    fn leaving_resets_every_mode_that_entering_sets() {
        for bits in 0..8 {
            let mut terminal = Capabilities::assumed(&Environment::default());
            terminal.pixel_mouse = bits & 1 != 0;
            terminal.kitty_keyboard = bits & 2 != 0;
            terminal.in_band_resize = bits & 4 != 0;
            let (enter, leave) = (enter(&terminal, true), leave(&terminal));
            let reset = modes(&leave, 'l');
            for mode in modes(&enter, 'h') {
                assert!(reset.contains(&mode), "mode {mode} is left set");
            }
            assert!(modes(&leave, 'h').contains(&"25".to_owned()), "the cursor is left hidden");
        }
    }
}
