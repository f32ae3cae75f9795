//! The escapes that several encoders share: cursor moves, tmux passthrough, kitty graphics commands.
//!
//! Appends bytes to a buffer, whole sequences only. Knows no picture.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::encoder::CellRect;

/// Largest base64 payload of one kitty graphics command.
const CHUNK: usize = 4096;

/// Whether commands go to the terminal itself or through tmux to the terminal around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Straight to the terminal.
    Direct,
    /// Wrapped in tmux's passthrough sequence, each command on its own.
    Tmux,
}

/// Appends formatted text; writing to memory cannot fail.
pub(crate) fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// Moves the cursor to a cell counted from 0.
pub(crate) fn move_to(out: &mut Vec<u8>, column: u16, row: u16) {
    push(out, format_args!("\x1b[{};{}H", u32::from(row) + 1, u32::from(column) + 1));
}

/// Overwrites cells with spaces in the terminal's own colours, which also removes sixel and iTerm2
/// pictures there.
pub(crate) fn blank(out: &mut Vec<u8>, area: CellRect) {
    out.extend_from_slice(b"\x1b[0m");
    for row in 0..area.height {
        move_to(out, area.x, area.y.saturating_add(row));
        out.resize(out.len() + usize::from(area.width), b' ');
    }
}

/// Wraps `inner` for tmux to hand on: `ESC P tmux;` with every ESC doubled, then ST.
pub(crate) fn passthrough(out: &mut Vec<u8>, inner: &[u8]) {
    out.extend_from_slice(b"\x1bPtmux;");
    for &byte in inner {
        if byte == 0x1b {
            out.push(0x1b);
        }
        out.push(byte);
    }
    out.extend_from_slice(b"\x1b\\");
}

/// Appends one kitty graphics command without payload.
pub(crate) fn kitty(out: &mut Vec<u8>, route: Route, control: &str) {
    kitty_chunk(out, route, control, &[]);
}

/// Appends a kitty graphics command with a payload, in chunks of at most 4096 base64 bytes.
///
/// `continuation` are the keys that each further chunk carries besides `m`: an edit (`a=f`) whose
/// further chunks lack `a=f,i=,r=1` replaces the whole image in kitty 0.41.
pub(crate) fn kitty_payload(out: &mut Vec<u8>, route: Route, control: &str, continuation: &str, data: &[u8]) {
    let encoded = STANDARD.encode(data);
    let count = encoded.len().div_ceil(CHUNK).max(1);
    if count == 1 {
        kitty_chunk(out, route, control, encoded.as_bytes());
        return;
    }
    for (i, chunk) in encoded.as_bytes().chunks(CHUNK).enumerate() {
        let keys = if i == 0 { control } else { continuation };
        let more = u8::from(i + 1 < count);
        kitty_chunk(out, route, &format!("{keys},m={more}"), chunk);
    }
}

fn kitty_chunk(out: &mut Vec<u8>, route: Route, control: &str, payload: &[u8]) {
    match route {
        Route::Direct => append_kitty(out, control, payload),
        Route::Tmux => {
            let mut inner = Vec::with_capacity(payload.len() + control.len() + 8);
            append_kitty(&mut inner, control, payload);
            passthrough(out, &inner);
        }
    }
}

fn append_kitty(out: &mut Vec<u8>, control: &str, payload: &[u8]) {
    out.extend_from_slice(b"\x1b_G");
    out.extend_from_slice(control.as_bytes());
    if !payload.is_empty() {
        out.push(b';');
        out.extend_from_slice(payload);
    }
    out.extend_from_slice(b"\x1b\\");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_carry_the_continuation_keys() {
        let mut out = Vec::new();
        kitty_payload(&mut out, Route::Direct, "a=f,i=1,r=1,f=100", "a=f,i=1,r=1", &[7; 5000]);
        let text = String::from_utf8(out).expect("base64 and control data are ASCII");
        let commands: Vec<&str> = text.split("\x1b_G").skip(1).collect();
        assert_eq!(commands.len(), 2);
        assert!(commands[0].starts_with("a=f,i=1,r=1,f=100,m=1;"));
        assert!(commands[1].starts_with("a=f,i=1,r=1,m=0;"));
        assert!(commands.iter().all(|c| c.ends_with("\x1b\\")));
    }

    #[test]
    fn passthrough_doubles_every_escape() {
        let mut out = Vec::new();
        kitty(&mut out, Route::Tmux, "a=d");
        assert_eq!(out, b"\x1bPtmux;\x1b\x1b_Ga=d\x1b\x1b\\\x1b\\");
    }
}
