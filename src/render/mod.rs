//! From a slice, its labels and its predictions to one picture. Pure CPU work on values.
//!
//! Owns the viewport's geometry, layers, contrast, colours and composition. Knows no terminal.

mod blend;
pub mod compose;
#[cfg(test)]
mod compose_tests;
pub mod cursor;
pub mod layer;
pub mod marks;
pub mod normalize;
pub mod panes;
pub mod picture;
mod sampling;
pub mod viewport;

pub use compose::{ProbabilityPart, Scene, SlicePart, compose};
pub use cursor::Cursor;
pub use layer::{Layer, LayerKind};
pub use marks::Marks;
pub use normalize::{Channels, Tinted, Window};
pub use picture::Picture;
pub use viewport::Viewport;
