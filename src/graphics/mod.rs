//! Pictures to terminal bytes, and what terminals answer.
//!
//! Owns the encoders (kitty, sixel, iTerm2, half-blocks, ASCII), the capability query, and the parser of
//! everything a terminal sends. Reads and writes no file descriptor: bytes in, bytes out.

pub mod encoder;

pub use encoder::{CellRect, FrameEncoder, Placement};
