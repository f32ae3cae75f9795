//! The journal: every edit since the last save as a record that can be applied again after a crash.
//!
//! Records say what the labels, classes and features *became*, so that they need no undo history and may be
//! applied twice. Pure data, one JSON line each; the file is the shell's.

use serde::{Deserialize, Serialize};

use crate::data::{LabelClass, LabelEdit};
use crate::features::FeatureSelection;
use crate::project::Bookmark;

/// Pixels in a row along x that got one value: `t, z, y, x` of the first, their number, the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run(pub usize, pub usize, pub usize, pub usize, pub usize, pub u8);

/// One edit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
pub enum JournalRecord {
    /// Labels of a lane got new values.
    Labels {
        /// Lane.
        lane: usize,
        /// Where and what.
        runs: Vec<Run>,
    },
    /// The label classes are now these.
    Classes {
        /// All classes.
        classes: Vec<LabelClass>,
    },
    /// The selected features are now these.
    Selection {
        /// The selection.
        selection: Option<FeatureSelection>,
    },
    /// The classifier is now set like this.
    Classifier {
        /// Trees of the forest.
        trees: u32,
        /// Seed of training.
        seed: u64,
    },
    /// The bookmarks are now these.
    Bookmarks {
        /// All bookmarks.
        bookmarks: Vec<Bookmark>,
    },
    /// An image was added, without labels.
    LaneAdded {
        /// Its number among the lanes, from 0.
        index: usize,
        /// Where the image is.
        location: String,
        /// Where its prediction mask is.
        mask: Option<String>,
        /// What the user has changed about it.
        #[serde(default)]
        details: Option<LaneDetails>,
    },
    /// An image was removed.
    LaneRemoved {
        /// Its number among the lanes, from 0.
        index: usize,
    },
}

/// What the user may change about an image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LaneDetails {
    /// Its name.
    pub nickname: String,
    /// Its axes.
    pub axes: String,
    /// How it is displayed, ilastik's word.
    pub display_mode: String,
    /// Whether the display is normalized.
    pub normalize: Option<bool>,
    /// The values shown black and white.
    pub range: Option<(f64, f64)>,
    /// Name of its copy, when it lies in the project or is to be copied into it.
    #[serde(default)]
    pub copied: Option<String>,
    /// The same of its mask.
    #[serde(default)]
    pub mask_copied: Option<String>,
    /// The mask's axes.
    #[serde(default)]
    pub mask_axes: Option<String>,
}

impl JournalRecord {
    /// The record as one line of JSON, without the line end.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a line; `None` for a line that was cut off or is no record.
    pub fn from_line(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// The record of a label edit, done (`forward`) or undone; `None` when it changed nothing.
    pub fn of_labels(lane: usize, edit: &LabelEdit, forward: bool) -> Option<Self> {
        let mut runs: Vec<Run> = Vec::new();
        for ([t, z, y, x], before, after) in edit.pixels() {
            let value = if forward { after } else { before };
            match runs.last_mut() {
                Some(run) if [run.0, run.1, run.2, run.3 + run.4] == [t, z, y, x] && run.5 == value => {
                    run.4 += 1;
                }
                _ => runs.push(Run(t, z, y, x, 1, value)),
            }
        }
        (!runs.is_empty()).then_some(JournalRecord::Labels { lane, runs })
    }
}

/// The pixels (`tzyx`) and values of runs; runs that leave an image of `shape` are cut.
pub fn pixels_of<'a>(runs: &'a [Run], shape: [usize; 4]) -> impl Iterator<Item = ([usize; 4], u8)> + 'a {
    runs.iter().flat_map(move |&Run(t, z, y, x, n, value)| {
        (x..x.saturating_add(n).min(shape[3])).map(move |x| ([t, z, y, x], value))
    })
}
