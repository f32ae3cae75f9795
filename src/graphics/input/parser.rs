//! Cuts the stream of bytes into sequences and gives their events.
//!
//! What is incomplete waits in a buffer; [`Parser::flush`] decides once nothing followed for a while.
//! Every sequence is bounded, and a byte that cannot continue one ends it and is read anew, so garbage
//! never takes the keys behind it along.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::keys;
use super::sequence::{self, Csi};
use super::{Event, Reply};

/// A lone ESC is the Escape key when nothing follows for this long.
pub const ESCAPE_TIMEOUT: Duration = Duration::from_millis(50);
/// A sequence that has begun is given up when nothing follows for this long.
pub const SEQUENCE_TIMEOUT: Duration = Duration::from_secs(1);

/// Longest CSI sequence.
const LONGEST_CSI: usize = 256;
/// Longest reply string (DCS, APC, OSC).
const LONGEST_STRING: usize = 4096;
/// Largest paste handed on in one piece.
const LARGEST_PASTE: usize = 1 << 20;
/// The mode of mouse reports in pixels.
const PIXEL_MOUSE: u32 = 1016;
/// Bytes after `CSI M` in mouse reports of terminals without SGR's: button, column, row.
const X10_BYTES: usize = 3;
/// What ends a paste.
const PASTE_END: &[u8] = b"\x1b[201~";

/// What the numbers in mouse reports count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MouseUnit {
    /// Cells, from 1 (mode 1006).
    #[default]
    Cells,
    /// Pixels (mode 1016), counted from `origin`: 0 in kitty and xterm.js, 1 in xterm.
    Pixels {
        /// The number of the first pixel.
        origin: i32,
    },
}

/// Bytes in, events out.
#[derive(Debug, Default)]
pub struct Parser {
    /// Bytes of a sequence that is not complete.
    pending: Vec<u8>,
    /// Text of a paste that has not ended.
    paste: Option<Vec<u8>>,
    /// What ends it.
    paste_end: &'static [u8],
    /// The ESC at the front of `pending` has been given out as a key: the packets of a reply came apart.
    escape_given: bool,
    /// The last thing given was a lone Escape key, whose sequence may still follow.
    after_escape: bool,
    /// Whether graphics replies may come without their start.
    headless: bool,
    mouse: MouseUnit,
    /// What mouse reports count behind the next report of mode 1016.
    next_mouse: Option<MouseUnit>,
}

/// What the front of the buffer is.
pub(super) enum Step {
    /// So many bytes, giving this.
    Done(usize, Option<Event>),
    /// More bytes are needed to tell.
    Wait,
}

impl Parser {
    /// A parser that takes mouse positions as cells.
    pub fn new() -> Self {
        Parser::default()
    }

    /// What mouse reports count from now on.
    pub fn set_mouse_unit(&mut self, unit: MouseUnit) {
        (self.mouse, self.next_mouse) = (unit, None);
    }

    /// What mouse reports count once the terminal has reported mode 1016, whatever its state: it was asked after
    /// the mode was set, and what it reported before counts as before.
    pub fn set_mouse_unit_after_report(&mut self, unit: MouseUnit) {
        self.next_mouse = Some(unit);
    }

    /// Inside tmux: while its prefix key is pending the start of a graphics reply is lost, and
    /// `Gi=42;OK` arrives like typed text.
    pub fn set_headless_replies(&mut self, expected: bool) {
        self.headless = expected;
    }

    /// Reads bytes and appends their events. How a stream is cut into calls makes no difference.
    pub fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) {
        if bytes.is_empty() {
            return;
        }
        if std::mem::take(&mut self.after_escape) && matches!(bytes[0], b'[' | b'_' | b'P') {
            self.pending.push(0x1b);
            self.escape_given = true;
        }
        self.pending.extend_from_slice(bytes);
        self.run(events);
    }

    /// How long to wait for more bytes before calling [`Parser::flush`]; none when nothing is pending.
    pub fn timeout(&self) -> Option<Duration> {
        match (&self.paste, self.pending.as_slice()) {
            (Some(_), _) => Some(SEQUENCE_TIMEOUT),
            (None, []) => None,
            (None, pending) => Some(patience(pending)),
        }
    }

    /// Nothing arrived for `idle`: resolves what that settles, such as the Escape key.
    pub fn flush(&mut self, idle: Duration, events: &mut Vec<Event>) {
        if self.timeout().is_none_or(|t| idle < t) {
            return;
        }
        if let Some(mut text) = self.paste.take() {
            text.append(&mut self.pending);
            push_paste(&text, events);
            return;
        }
        let given = std::mem::take(&mut self.escape_given);
        let pending = std::mem::take(&mut self.pending);
        match pending.as_slice() {
            [0x1b] => {
                events.push(Event::Key(KeyCode::Esc.into()));
                self.after_escape = true;
            }
            [0x1b, byte] if given => events.push(Event::Key(keys::of_char(char::from(*byte)))),
            [0x1b, byte] => {
                let key = keys::of_char(char::from(*byte));
                events.push(Event::Key(KeyEvent { modifiers: key.modifiers | KeyModifiers::ALT, ..key }));
            }
            [0x1b, ..] => {}
            text if c1(text).is_some() => {}
            text => {
                text.iter().filter(|b| b.is_ascii()).for_each(|b| events.push(Event::Key(keys::of_byte(*b))))
            }
        }
    }

    fn run(&mut self, events: &mut Vec<Event>) {
        let mut start = 0;
        let pending = std::mem::take(&mut self.pending);
        while start < pending.len() {
            let rest = &pending[start..];
            if self.paste.is_some() {
                match self.take_paste(rest, events) {
                    Some(used) => start += used,
                    None => break,
                }
                continue;
            }
            match self.step(rest) {
                Step::Wait => break,
                Step::Done(used, event) => {
                    let given = start == 0 && std::mem::take(&mut self.escape_given);
                    match event {
                        // After all these were keys typed behind Escape.
                        Some(Event::Key(_)) | None if given && rest[0] == 0x1b => {
                            start += 1;
                            continue;
                        }
                        Some(event) => {
                            if matches!(event, Event::Reply(Reply::ModeReport { mode: PIXEL_MOUSE, .. })) {
                                self.mouse = self.next_mouse.take().unwrap_or(self.mouse);
                            }
                            events.push(event);
                        }
                        None => {}
                    }
                    start += used;
                }
            }
        }
        self.pending = pending[start..].to_vec();
    }

    /// Moves text into the open paste; how many bytes were used, or none when more are needed.
    fn take_paste(&mut self, rest: &[u8], events: &mut Vec<Event>) -> Option<usize> {
        let text = self.paste.as_mut()?;
        let closing = self.paste_end;
        let end = rest.windows(closing.len()).position(|w| w == closing);
        let safe = end.unwrap_or_else(|| rest.len() - partial_end(rest, closing));
        let room = (LARGEST_PASTE - text.len()).min(safe);
        text.extend_from_slice(&rest[..room]);
        if room < safe {
            // Too large for one piece: the rest follows as another.
            push_paste(text, events);
            text.clear();
            return Some(room);
        }
        if end.is_some() {
            push_paste(text, events);
            self.paste = None;
            return Some(room + closing.len());
        }
        (room > 0).then_some(room)
    }

    /// Reads one key or sequence at the front of `bytes`, which is not empty.
    fn step(&mut self, bytes: &[u8]) -> Step {
        if let Some((used, second)) = c1(bytes) {
            return self.control(bytes, used, second);
        }
        match bytes[0] {
            0x1b => self.escape(bytes),
            b'G' if self.headless => headless_reply(bytes),
            byte if byte < 0x80 => Step::Done(1, Some(Event::Key(keys::of_byte(byte)))),
            _ => utf8(bytes)
                .map_or(Step::Wait, |(used, c)| Step::Done(used, c.map(|c| Event::Key(keys::of_char(c))))),
        }
    }

    /// A sequence that an 8-bit control of `used` bytes begins, read as if it began with ESC and `second`.
    fn control(&mut self, bytes: &[u8], used: usize, second: u8) -> Step {
        let rest = &bytes[used..bytes.len().min(used + LONGEST_STRING)];
        let plain: Vec<u8> = [0x1b, second].iter().chain(rest).copied().collect();
        let step = self.escape(&plain);
        if self.paste.is_some() {
            self.paste_end = if used == 1 { b"\x9b201~" } else { b"\xc2\x9b201~" };
        }
        match step {
            // Neither a key with Alt nor the end of a string.
            Step::Done(2, _) => Step::Done(used, None),
            Step::Done(count, event) => Step::Done(count - 2 + used, event),
            Step::Wait => Step::Wait,
        }
    }

    fn escape(&mut self, bytes: &[u8]) -> Step {
        let Some(&second) = bytes.get(1) else { return Step::Wait };
        match second {
            b'[' => self.csi(bytes),
            b'O' => single_shift(bytes),
            b'P' | b'_' | b']' => string(bytes),
            // An Escape key, and the next sequence.
            0x1b => Step::Done(1, Some(Event::Key(KeyCode::Esc.into()))),
            // The end of a string whose start was lost.
            b'\\' => Step::Done(2, None),
            byte if byte < 0x80 => Step::Done(2, Some(Event::Key(alt(keys::of_byte(byte))))),
            _ => match utf8(&bytes[1..]) {
                None => Step::Wait,
                Some((used, c)) => Step::Done(1 + used, c.map(|c| Event::Key(alt(keys::of_char(c))))),
            },
        }
    }

    fn csi(&mut self, bytes: &[u8]) -> Step {
        for (i, byte) in bytes.iter().enumerate().skip(2) {
            match byte {
                0x20..=0x3f if i < LONGEST_CSI => {}
                // `CSI [ A` to `E`: function keys of the Linux console.
                b'[' if i == 2 => {
                    let Some(letter) = bytes.get(3) else { return Step::Wait };
                    let key = keys::console_function(*letter);
                    return Step::Done(if key.is_some() { 4 } else { 3 }, key.map(Event::Key));
                }
                b'M' if i == 2 => {
                    let end = i + 1 + X10_BYTES;
                    let present = &bytes[i + 1..bytes.len().min(end)];
                    if let Some(stray) = present.iter().position(|byte| (1..32).contains(byte)) {
                        return Step::Done(i + 1 + stray, None);
                    }
                    let Some(report) = bytes.get(i + 1..end) else { return Step::Wait };
                    return Step::Done(end, sequence::x10_mouse(report));
                }
                0x40..=0x7e => {
                    let csi = Csi::new(&bytes[2..i], *byte);
                    if csi.is_paste_start() {
                        self.paste = Some(Vec::new());
                        self.paste_end = PASTE_END;
                        return Step::Done(i + 1, None);
                    }
                    return Step::Done(i + 1, csi.event(self.mouse));
                }
                // A byte that no sequence holds: what came before is dropped, this one is read anew.
                _ => return Step::Done(i, None),
            }
        }
        Step::Wait
    }
}

fn alt(key: KeyEvent) -> KeyEvent {
    KeyEvent { modifiers: key.modifiers | KeyModifiers::ALT, ..key }
}

/// The 8-bit control at the front, which the terminal sends where it was told to (S8C1T): its bytes, one or,
/// as a character, two, and the byte that follows ESC in its 7-bit form. No key is one.
fn c1(bytes: &[u8]) -> Option<(usize, u8)> {
    match bytes {
        [0xc2, byte @ 0x80..=0x9f, ..] => Some((2, byte - 0x40)),
        [byte @ 0x80..=0x9f, ..] => Some((1, byte - 0x40)),
        _ => None,
    }
}

/// How long to wait for the rest of `pending`.
fn patience(pending: &[u8]) -> Duration {
    match pending {
        _ if c1(pending).is_some() => SEQUENCE_TIMEOUT,
        [0x1b] | [0x1b, _] => ESCAPE_TIMEOUT,
        [0x1b, ..] => SEQUENCE_TIMEOUT,
        _ => ESCAPE_TIMEOUT,
    }
}

/// `ESC O` and a letter: keypad and function keys.
fn single_shift(bytes: &[u8]) -> Step {
    let Some(&letter) = bytes.get(2) else { return Step::Wait };
    match keys::single_shift(letter) {
        Some(key) => Step::Done(3, Some(Event::Key(key))),
        // Alt and O, then something else.
        None => Step::Done(2, Some(Event::Key(alt(keys::of_char('O'))))),
    }
}

/// DCS, APC and OSC strings up to ST (or BEL after OSC).
fn string(bytes: &[u8]) -> Step {
    for (i, byte) in bytes.iter().enumerate().skip(2) {
        match byte {
            0x1b => match bytes.get(i + 1) {
                None => return Step::Wait,
                Some(b'\\') => return Step::Done(i + 2, sequence::string(&bytes[1..i])),
                Some(_) => return Step::Done(i, None),
            },
            0x07 => return Step::Done(i + 1, None),
            0x9c => return Step::Done(i + 1, sequence::string(&bytes[1..i])),
            0xc2 => match bytes.get(i + 1) {
                None => return Step::Wait,
                Some(0x9c) => return Step::Done(i + 2, sequence::string(&bytes[1..i])),
                Some(_) => return Step::Done(i, None),
            },
            // Neither control codes nor text in other encodings occur in a reply.
            0..0x20 | 0x7f.. => return Step::Done(i, None),
            _ if i >= LONGEST_STRING => return Step::Done(i, None),
            _ => {}
        }
    }
    Step::Wait
}

/// A graphics reply without its `ESC _`: `Gi=42,r=1;OK ESC \`. Anything else is the key G.
fn headless_reply(bytes: &[u8]) -> Step {
    const HEAD: &[u8] = b"Gi=";
    let key = Step::Done(1, Some(Event::Key(keys::of_char('G'))));
    for (i, byte) in bytes.iter().enumerate() {
        match byte {
            b if i < HEAD.len() => {
                if *b != HEAD[i] {
                    return key;
                }
            }
            0x1b => match bytes.get(i + 1) {
                None => return Step::Wait,
                Some(b'\\') => {
                    let mut text = vec![b'_'];
                    text.extend_from_slice(&bytes[..i]);
                    return Step::Done(i + 2, sequence::string(&text));
                }
                Some(_) => return key,
            },
            0x20..0x7f if i < LONGEST_CSI => {}
            _ => return key,
        }
    }
    Step::Wait
}

/// The character at the front: bytes used and the character, which is none for an invalid byte; none at
/// all when the character is not complete.
fn utf8(bytes: &[u8]) -> Option<(usize, Option<char>)> {
    let length = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Some((1, None)),
    };
    let present = &bytes[..length.min(bytes.len())];
    match std::str::from_utf8(present) {
        Ok(text) => Some((length, text.chars().next())),
        Err(error) => error.error_len().map(|bad| (bad, None)),
    }
}

/// How many bytes at the end of `bytes` could begin what closes a paste.
fn partial_end(bytes: &[u8], closing: &[u8]) -> usize {
    (1..closing.len()).rev().find(|n| bytes.ends_with(&closing[..*n])).unwrap_or(0)
}

fn push_paste(text: &[u8], events: &mut Vec<Event>) {
    events.push(Event::Paste(String::from_utf8_lossy(text).into_owned()));
}

impl From<Reply> for Event {
    fn from(reply: Reply) -> Self {
        Event::Reply(reply)
    }
}
