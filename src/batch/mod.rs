//! The headless driver: many images through the pipeline, block by block, into files.
//!
//! A [`Request`] is what the user asks for; [`Plan::check`] turns it into a plan and lists everything
//! that stands in its way before any work is done; [`run`] carries it out. Knows no terminal: progress
//! goes to a callback.

mod blocking;
mod blocks;
mod control;
mod convert;
mod feature_spec;
mod files;
mod gate;
mod importance_file;
pub mod label_image;
mod options;
mod outputs;
mod plan;
mod predict;
mod problem;
mod random_labels;
mod reblock;
mod report;
mod run;
mod shell;
mod stored_result;
mod summary;
pub mod train;

pub use blocks::Short;
pub use control::Control;
pub use convert::Renormalization;
pub use feature_spec::{FeatureChoice, FeatureSpecError};
pub use files::{FilesError, find_images, images_in};
pub use options::{OptionError, Subregion, internal_axes, parse_memory, parse_range};
pub use outputs::PlannedOutput;
pub use plan::{Input, OpenLane, Plan, PlannedInput, Request};
pub use predict::{ImageJob, PredictError, Resources, Sink, Step, predict_image};
pub use problem::{PlanError, Problem};
pub use random_labels::{RandomLabelError, RandomLabels, label_at_random};
pub use report::{Event, InputReport, OutputReport, Report, TrainingReport};
pub use run::{RunError, retrain, run, run_controlled};
pub use shell::quote;
pub use stored_result::StoredResult;
pub use summary::{InputSummary, PlanSummary};
