//! Rows in, probabilities out: the random forest.
//!
//! Owns training, the trees, exact and fast prediction, out-of-bag error, and VIGRA's array layout of a
//! tree. Knows neither images nor files.
//!
//! Training: [`train()`] or, in waves over the same rows, [`Trainer`]. Prediction: [`Forest::predict_rows`]
//! is the exact walk that defines the result; [`CompiledForest`] gives the same bits, fast.

mod bags;
mod codes;
pub mod compiled;
mod exact;
pub mod forest;
mod grow;
mod histogram;
pub mod importance;
pub mod information;
mod layout;
pub mod oob;
pub mod rows;
pub mod search;
pub mod train;
mod traverse;
pub mod vigra;
mod votes;
mod walk;

pub use bags::Draws;
pub use compiled::{CompiledForest, Planes, PlanesMut, Scratch};
pub use forest::{Forest, Node, Tree};
pub use importance::{Importance, gini_importance, importance};
pub use information::rank_by_information;
pub use oob::{OobMismatch, OobVotes};
pub use rows::Rows;
pub use search::{SearchOptions, cut_ranking, error_of, search_forward};
pub use train::{ALGORITHM_VERSION, TrainError, TrainOptions, Trained, Trainer, train};
pub use vigra::{TreeArrays, TreeError};
