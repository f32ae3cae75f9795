//! What complete control sequences and strings mean.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};

use super::keys;
use super::parser::MouseUnit;
use super::{Event, Mouse, Position, Reply};

/// A control sequence cut into its parts.
pub(super) struct Csi<'a> {
    /// `?`, `<`, `=`, `>` or none.
    private: Option<u8>,
    /// Parameters, separated by `;`, each with its sub-parameters, separated by `:`.
    text: &'a [u8],
    /// The intermediate before the final byte, if any.
    intermediate: Option<u8>,
    last: u8,
}

impl<'a> Csi<'a> {
    /// `body` is what stands between `CSI` and the final byte.
    pub fn new(body: &'a [u8], last: u8) -> Self {
        let private = body.first().copied().filter(|b| (b'<'..=b'?').contains(b));
        let body = &body[usize::from(private.is_some())..];
        let end = body.iter().position(|b| (0x20..0x30).contains(b) && *b != b'-').unwrap_or(body.len());
        Csi { private, text: &body[..end], intermediate: body.get(end).copied(), last }
    }

    /// Whether a paste begins.
    pub fn is_paste_start(&self) -> bool {
        self.private.is_none() && self.text == b"200" && self.last == b'~'
    }

    fn fields(&self) -> impl Iterator<Item = &'a [u8]> {
        self.text.split(|b| *b == b';')
    }

    /// The parameters as numbers; absent or malformed ones are 0, too large ones the largest number.
    fn numbers(&self) -> Vec<u32> {
        self.fields().map(|f| number(f.split(|b| *b == b':').next().unwrap_or(f))).collect()
    }

    /// What the sequence means; none when nothing needs to know.
    pub fn event(&self, mouse: MouseUnit) -> Option<Event> {
        let n = self.numbers();
        let at = |i: usize| n.get(i).copied().unwrap_or(0);
        let reply = match (self.private, self.intermediate, self.last) {
            (Some(b'<'), None, b'M' | b'm') => return self.mouse(mouse).map(Event::Mouse),
            (None, None, b'I') if self.text.is_empty() => return Some(Event::Focus(true)),
            (None, None, b'O') if self.text.is_empty() => return Some(Event::Focus(false)),
            // Row 1 is how F3 with modifiers looks: queries are asked from another row.
            (None, None, b'R') if n.len() == 2 && !(at(0) == 1 && (2..=16).contains(&at(1))) => {
                Reply::CursorPosition { row: at(0), column: at(1) }
            }
            (Some(b'?'), None, b'R') => Reply::CursorPosition { row: at(0), column: at(1) },
            (None, None, b'n') if at(0) == 0 => Reply::StatusOk,
            (Some(b'?'), None, b'c') => Reply::DeviceAttributes(n),
            (Some(b'>'), None, b'c') => Reply::SecondaryAttributes(n),
            (None, None, b't') => match n.as_slice() {
                [4, height, width] => Reply::WindowSize { width: *width, height: *height },
                [6, height, width] => Reply::CellSize { width: *width, height: *height },
                [8, rows, columns] => Reply::Resized { columns: *columns, rows: *rows, pixels: [0; 2] },
                [48, rows, columns, height, width, ..] => {
                    Reply::Resized { columns: *columns, rows: *rows, pixels: [*width, *height] }
                }
                _ => return None,
            },
            (Some(b'?'), Some(b'$'), b'y') => Reply::ModeReport { mode: at(0), state: at(1) },
            (Some(b'?'), None, b'S') => Reply::GraphicsAttribute {
                item: at(0),
                status: at(1),
                values: n.get(2..).unwrap_or(&[]).to_vec(),
            },
            (Some(b'?'), None, b'u') => Reply::KeyboardFlags(at(0)),
            (None, None, _) => return self.key().map(Event::Key),
            _ => return None,
        };
        Some(Event::Reply(reply))
    }

    /// SGR mouse reports; positions may be negative or beyond the window.
    fn mouse(&self, unit: MouseUnit) -> Option<Mouse> {
        let mut fields = self.fields().map(signed);
        let (code, x, y) = (fields.next()??, fields.next()??, fields.next()??);
        let (kind, modifiers) = buttons(u32::try_from(code).ok()?, self.last == b'm')?;
        let position = match unit {
            MouseUnit::Cells => Position::Cell { column: x.saturating_sub(1), row: y.saturating_sub(1) },
            MouseUnit::Pixels { origin } => {
                Position::Pixel { x: x.saturating_sub(origin), y: y.saturating_sub(origin) }
            }
        };
        Some(Mouse { kind, position, modifiers })
    }

    /// Keys: letters, `~` codes, and the kitty keyboard's `u`, with modifiers and press or release.
    fn key(&self) -> Option<KeyEvent> {
        let mut fields = self.fields();
        let first = fields.next().unwrap_or(b"");
        let mut second = fields.next().unwrap_or(b"").split(|b| *b == b':').map(number);
        let modifiers = second.next().unwrap_or(0);
        let kind = match second.next() {
            Some(2) => KeyEventKind::Repeat,
            Some(3) => KeyEventKind::Release,
            _ => KeyEventKind::Press,
        };
        let mut codes = first.split(|b| *b == b':').map(number);
        let code = codes.next().unwrap_or(0);
        let key = match self.last {
            b'u' => keys::of_code_point(code, codes.next(), modifiers)?,
            // xterm's other keys: CSI 27 ; modifiers ; code ~
            b'~' if code == 27 => keys::of_code_point(number(fields.next()?), None, modifiers)?,
            b'~' => keys::plain(keys::tilde(code)?, modifiers),
            b'Z' => keys::plain(KeyCode::BackTab, ((modifiers.max(1) - 1) | 1) + 1),
            letter => keys::plain(keys::letter(letter)?, modifiers),
        };
        Some(KeyEvent { kind, ..key })
    }
}

/// What the number of a mouse report says of buttons, wheel and keys; `released` where its end tells that.
fn buttons(code: u32, released: bool) -> Option<(MouseEventKind, KeyModifiers)> {
    let button = match code & 3 {
        0 => Some(MouseButton::Left),
        1 => Some(MouseButton::Middle),
        2 => Some(MouseButton::Right),
        _ => None,
    };
    let kind = match (code >> 6, code & 32 != 0, button) {
        (0, true, Some(button)) => MouseEventKind::Drag(button),
        (0, true, None) => MouseEventKind::Moved,
        (0, false, Some(button)) if released => MouseEventKind::Up(button),
        (0, false, Some(button)) => MouseEventKind::Down(button),
        (1, _, _) => match code & 3 {
            0 => MouseEventKind::ScrollUp,
            1 => MouseEventKind::ScrollDown,
            2 => MouseEventKind::ScrollLeft,
            _ => MouseEventKind::ScrollRight,
        },
        _ => return None,
    };
    let mut modifiers = KeyModifiers::empty();
    modifiers.set(KeyModifiers::SHIFT, code & 4 != 0);
    modifiers.set(KeyModifiers::ALT, code & 8 != 0);
    modifiers.set(KeyModifiers::CONTROL, code & 16 != 0);
    Some((kind, modifiers))
}

/// The three bytes after `CSI M`, from terminals that do not know mode 1006: button, column and row, each 32
/// more than its number. They do not tell which button was released.
pub(super) fn x10_mouse(report: &[u8]) -> Option<Event> {
    let [code, column, row] = report else { return None };
    let code = u32::from(code.checked_sub(32)?);
    let released = code & 3 == 3 && code & (32 | 64) == 0;
    let (kind, modifiers) = buttons(if released { code & !3 } else { code }, released)?;
    // Columns beyond 223 come as 0: nobody knows where.
    let at = |byte: &u8| byte.checked_sub(33).map(i32::from);
    let position = Position::Cell { column: at(column)?, row: at(row)? };
    Some(Event::Mouse(Mouse { kind, position, modifiers }))
}

/// A decimal number; empty or malformed is 0, too large is the largest.
fn number(text: &[u8]) -> u32 {
    let digit =
        |n: u32, b: &u8| b.is_ascii_digit().then(|| n.saturating_mul(10).saturating_add(u32::from(b - b'0')));
    text.iter().try_fold(0, digit).unwrap_or(0)
}

/// A number with an optional minus sign, held within 2^30 so that sums cannot overflow.
fn signed(text: &[u8]) -> Option<i32> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = number(digits).min(1 << 30) as i32;
    Some(if negative { -value } else { value })
}

/// DCS and APC replies; `body` starts with the byte after ESC and ends before ST.
pub(super) fn string(body: &[u8]) -> Option<Event> {
    let (kind, body) = body.split_first()?;
    match (kind, body) {
        (b'P', [b'>', b'|', name @ ..]) => {
            Some(Reply::XtVersion(String::from_utf8_lossy(name).into_owned()).into())
        }
        (b'_', [b'G', body @ ..]) => {
            let end = body.iter().position(|b| *b == b';').unwrap_or(body.len());
            let (mut id, mut frame) = (0, None);
            for pair in body[..end].split(|b| *b == b',') {
                match pair {
                    [b'i', b'=', value @ ..] => id = number(value),
                    [b'r', b'=', value @ ..] => frame = Some(number(value)),
                    _ => {}
                }
            }
            let message = String::from_utf8_lossy(body.get(end + 1..).unwrap_or(&[])).into_owned();
            Some(Reply::KittyGraphics { id, frame, message }.into())
        }
        _ => None,
    }
}
