//! The filter bank: what ilastik computes for each pixel, channel by channel.
//!
//! Owns filters, scales, the selection of both, channel names, halos and size limits. Pure and
//! synchronous; one call computes one block on the calling thread. Knows no files, labels or threads.

mod bank;
mod eigen;
mod filter;
mod filters;
mod kernel;
mod passes;
mod presmooth;
mod scale;
pub mod selection;
mod simd;
#[cfg(test)]
mod tests;
mod tile;

pub use bank::{FeatureBank, TilePlanes};
pub use filter::{FILTERS, Filter, FilterGroup, OutPlanes, SpatialDims, Term, TermPlanes, TermSet};
pub use presmooth::Presmoothed;
pub use selection::{FeatureSelection, ScaleError};
pub use simd::InstructionSet;
pub use tile::Scratch;
