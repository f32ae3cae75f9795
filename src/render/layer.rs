//! The layers above and including the raw image, in ilastik's terms.

use serde::{Deserialize, Serialize};

/// What a layer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LayerKind {
    /// Painted labels.
    Labels,
    /// Where the prediction mask is zero.
    Mask,
    /// 1 - (highest - second highest probability).
    Uncertainty,
    /// The winning class, for class number `n` (from 1).
    Segmentation(u8),
    /// Probability of class number `n` (from 1).
    Prediction(u8),
    /// The image.
    RawInput,
}

/// One entry of the layer stack.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// What it shows.
    pub kind: LayerKind,
    /// Whether it is drawn.
    pub visible: bool,
    /// 0 to 1.
    pub opacity: f32,
}
