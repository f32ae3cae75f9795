//! What a location names that is being typed: the files, what the first of them is, datasets to choose from.

use std::collections::{BTreeMap, BTreeSet};

use super::effect::Effect;
use super::state::App;
use crate::io::ImageInfo;

/// What a location names.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The location, as it was asked for.
    pub location: String,
    /// Its files, or why there are none.
    pub files: Result<Vec<String>, String>,
    /// What the first of them is, or why it can't be opened; `None` when a dataset has to be chosen.
    pub first: Option<Result<ImageInfo, String>>,
    /// The datasets of the first file, when there are several.
    pub datasets: Vec<String>,
    /// Why the first of them is slow to read, if it is.
    pub slow: Option<String>,
}

/// Axes, shape and type of an image in a few words: `zyx 31x512x512 uint16`.
pub fn summary(info: &ImageInfo) -> String {
    let shape: Vec<String> = info.axes.pick(&info.shape).iter().map(usize::to_string).collect();
    format!("{} {} {}", info.axes, shape.join("x"), info.dtype.name())
}

/// What is known of locations, and what was asked for.
#[derive(Clone, Debug, Default)]
pub struct Inspections {
    known: BTreeMap<String, Inspection>,
    asked: BTreeSet<String>,
}

/// Most locations remembered.
const KEPT: usize = 64;

impl App {
    /// Asks what a location names. Answers come in any order.
    pub(super) fn inspect(&mut self, location: &str) {
        self.inspections.asked.insert(location.to_owned());
        self.outbox.push(Effect::Inspect(location.to_owned()));
    }

    /// Whether an answer is still to come.
    pub(super) fn is_inspecting(&self) -> bool {
        !self.inspections.asked.is_empty()
    }

    /// What is known of a location.
    pub(super) fn inspection_of(&self, location: &str) -> Option<&Inspection> {
        self.inspections.known.get(location)
    }

    pub(super) fn inspected(&mut self, found: Inspection) {
        self.inspections.asked.remove(&found.location);
        if self.inspections.known.len() >= KEPT {
            self.inspections.known.clear();
        }
        self.inspections.known.insert(found.location.clone(), found);
        self.recheck_forms();
    }
}
