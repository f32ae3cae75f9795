//! One block: image in, feature rows or probabilities out. Pure and synchronous; the live engine and
//! the headless batch both call it, so that what was seen is what is written.
//!
//! Owns no threads beyond the rayon calls in [`train`] and [`rows`], no caches and no files.

mod classification;
mod input;
mod nonfinite;
mod outputs;
mod rows;
mod suggestion;
mod training;

pub use classification::Classification;
pub use input::block_input;
pub use outputs::{ExportSource, UnknownSource, apply_mask, mask_of, simple_segmentation, uncertainty};
pub use rows::{pixel_key, rows, rows_of_boxes};
pub use suggestion::{Candidates, FeatureSet, SuggestionMethod, SuggestionOptions, candidate_features, cost};
pub use training::{TrainError, TrainingLane, collect_rows, train};
