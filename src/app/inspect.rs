//! What a location names that is being typed: the files, what the first of them is, datasets to choose from.

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
}

/// Axes, shape and type of an image in a few words: `zyx 31x512x512 uint16`.
pub fn summary(info: &ImageInfo) -> String {
    let shape: Vec<String> = info.axes.pick(&info.shape).iter().map(usize::to_string).collect();
    format!("{} {} {}", info.axes, shape.join("x"), info.dtype.name())
}

impl App {
    /// Asks what a location names.
    pub(super) fn inspect(&mut self, location: &str) {
        self.outbox.push(Effect::Inspect(location.to_owned()));
    }

    /// What is known of a location.
    pub(super) fn inspection_of(&self, location: &str) -> Option<&Inspection> {
        self.inspection.as_ref().filter(|found| found.location == location)
    }

    pub(super) fn inspected(&mut self, found: Inspection) {
        self.inspection = Some(found);
        self.recheck_forms();
    }
}
