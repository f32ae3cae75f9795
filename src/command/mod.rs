//! Commands and keys: the one table of commands, and the keymaps that bind keys and mouse to them.
//!
//! Everything that lists commands or keys (help, palette, hints, `keymap list`, the README) is made from
//! here. Knows no program state; performs nothing.

pub mod argument;
pub mod help;
pub mod keymap;
pub mod keys;
pub mod table;

pub use argument::{Argument, ArgumentError, Direction, SliceAxis};
pub use keymap::{Action, Keymap, Lookup, Mistake};
pub use keys::{Chord, Key};
pub use table::{Command, Mode, ParseError, Row, TABLE};
