//! Value types that every layer shares: axes, regions, blocks, volumes, labels, strokes, classes,
//! revisions and cancellation.
//!
//! Owns no files, threads or terminal, and must not import any other layer.

pub mod annotations;
pub mod axes;
pub mod blocks;
pub mod classes;
pub mod labels;
pub mod revision;
pub mod roi;
pub mod stroke;
pub mod task;
pub mod volume;

pub use annotations::Annotation;
pub use axes::{Axis, AxisOrder};
pub use blocks::BlockGrid;
pub use classes::LabelClass;
pub use labels::{LabelEdit, LabelVolume};
pub use roi::{Roi, Roi5, SpatialRoi};
pub use stroke::{Brush, SlicePlane};
pub use task::CancelToken;
pub use volume::{DType, Volume};
