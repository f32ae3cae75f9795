//! From a slice, its labels and its predictions to one picture. Pure CPU work on values.
//!
//! Owns the viewport's geometry, layers, contrast, colours and composition. Knows no terminal.

pub mod layer;
pub mod picture;
pub mod viewport;

pub use layer::{Layer, LayerKind};
pub use picture::Picture;
pub use viewport::Viewport;
