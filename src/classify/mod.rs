//! Rows in, probabilities out: the random forest.
//!
//! Owns training, the trees, exact and fast prediction, out-of-bag error, and VIGRA's array layout of a
//! tree. Knows neither images nor files.

pub mod forest;

pub use forest::{Forest, Node, Rows, TrainError, TrainOptions, Trained, Tree};
