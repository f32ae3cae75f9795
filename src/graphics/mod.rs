//! Pictures to terminal bytes, and what terminals answer.
//!
//! Owns the encoders (kitty, sixel, iTerm2, half-blocks, ASCII), the capability query, and the parser of
//! everything a terminal sends. Reads and writes no file descriptor: bytes in, bytes out.

pub mod ascii;
pub mod capabilities;
mod diff;
pub mod encoder;
mod escape;
pub mod half_blocks;
pub mod input;
pub mod iterm2;
pub mod kitty;
mod kitty_layers;
pub mod kitty_tiles;
mod placeholder;
pub mod probe;
mod raster;
pub mod registry;
pub mod session;
mod shown;
pub mod sixel;
mod sixel_few;
mod sixel_palette;
mod strips;

pub use capabilities::{Brand, Capabilities, CellSource, Environment};
pub use encoder::{Allowance, CellRect, FrameEncoder, Placement};
pub use half_blocks::Colors;
pub(crate) use half_blocks::indexed;
pub(crate) use probe::placeholder_query;
pub use probe::{Probe, Question};
pub use registry::{Choice, ENCODERS, EncoderKind, choose};
