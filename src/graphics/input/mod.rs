//! Bytes from the terminal to events: keys, mouse, pastes, focus, and replies to queries, kept apart.
//!
//! Reads no descriptor and no clock. The vocabulary of keys and mouse is crossterm's.

mod keys;
mod parser;
mod sequence;

use crossterm::event::{KeyEvent, KeyModifiers, MouseEventKind};

pub use parser::{ESCAPE_TIMEOUT, MouseUnit, Parser, SEQUENCE_TIMEOUT};

/// Something the terminal sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A key went down, repeated or up.
    Key(KeyEvent),
    /// The mouse moved, or a button or the wheel changed.
    Mouse(Mouse),
    /// Text pasted in one piece.
    Paste(String),
    /// The terminal's window got (true) or lost the focus.
    Focus(bool),
    /// The answer to a query.
    Reply(Reply),
}

/// A mouse event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mouse {
    /// What happened.
    pub kind: MouseEventKind,
    /// Where.
    pub position: Position,
    /// Keys held.
    pub modifiers: KeyModifiers,
}

/// A place on the terminal, from 0 at the top left; outside it while a drag leaves the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// In cells.
    Cell {
        /// From the left.
        column: i32,
        /// From the top.
        row: i32,
    },
    /// In the terminal's pixels.
    Pixel {
        /// From the left.
        x: i32,
        /// From the top.
        y: i32,
    },
}

/// The answer to a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `CSI 6n`: row and column from 1. The answer that paces frames.
    CursorPosition {
        /// From 1.
        row: u32,
        /// From 1.
        column: u32,
    },
    /// `CSI 5n`: the terminal is well.
    StatusOk,
    /// `CSI c`: class and features; 4 is sixel.
    DeviceAttributes(Vec<u32>),
    /// `CSI > c`: kind, version, options.
    SecondaryAttributes(Vec<u32>),
    /// `CSI 16t`: a cell in pixels.
    CellSize {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// `CSI 14t`: the text area in pixels.
    WindowSize {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// `CSI 18t`, or a resize told in band (mode 2048): the text area in cells, and in pixels where told.
    Resized {
        /// Cells.
        columns: u32,
        /// Cells.
        rows: u32,
        /// Width and height in pixels, 0 when not told.
        pixels: [u32; 2],
    },
    /// `CSI ? Pm $ p`: 0 unknown, 1 set, 2 reset, 3 always set, 4 always reset.
    ModeReport {
        /// The private mode.
        mode: u32,
        /// Its state.
        state: u32,
    },
    /// `CSI ? Pi ; 1 S`: graphics item (1 colour registers, 2 sixel geometry), status (0 good), values.
    GraphicsAttribute {
        /// Which item.
        item: u32,
        /// 0 when the values are good.
        status: u32,
        /// The registers, or width and height.
        values: Vec<u32>,
    },
    /// `CSI ? u`: the kitty keyboard's flags.
    KeyboardFlags(u32),
    /// `CSI > q`: name and version.
    XtVersion(String),
    /// A kitty graphics command's answer.
    KittyGraphics {
        /// Image id.
        id: u32,
        /// The frame edited, when an edit is answered.
        frame: Option<u32>,
        /// `OK`, or an error's code and text.
        message: String,
    },
}
