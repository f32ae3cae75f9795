//! Images of a project that were not found, or are not the ones that were labelled: nothing is opened
//! before the user has said where they are.

use std::path::PathBuf;

use super::event::Opened;
use super::state::App;
use crate::project::{DataRole, DatasetInfo};

/// An image that can't be used as it is.
#[derive(Clone, Debug)]
pub struct LostImage {
    /// Its lane, from 0.
    pub lane: usize,
    /// What it is used for.
    pub role: DataRole,
    /// What the project knows of it.
    pub info: DatasetInfo,
    /// Where it was looked for.
    pub location: String,
    /// Why it can't be used.
    pub why: String,
    /// Whether a file is there that could be used, but has another content than the one that was labelled.
    pub changed: bool,
}

/// A project to open whose images were found.
#[derive(Clone, Debug)]
pub struct OpenFound {
    /// The project.
    pub path: PathBuf,
    /// Where images are now: lane, role, location.
    pub found: Vec<(usize, DataRole, String)>,
    /// Whether images may differ from those that were labelled.
    pub trust: bool,
}

/// A search for lost images.
#[derive(Clone, Debug)]
pub struct ImageSearch {
    /// Where to search, folders below included.
    pub folder: String,
    /// What to search for.
    pub lost: Vec<LostImage>,
}

impl App {
    /// Takes in what was opened; where images are lost, asks for them first.
    pub(super) fn opened_or_lost(&mut self, opened: Box<Opened>) {
        if opened.lost.is_empty() {
            let changed = opened.changed;
            self.opened(*opened);
            self.edits.changes += u64::from(changed);
        } else {
            self.files.opening = false;
            self.files.held = None;
            self.ask_for_lost(opened);
        }
    }

    /// The search for lost images has ended.
    pub(super) fn images_found(&mut self, found: Vec<(usize, String)>) {
        let count = found.len();
        self.found = Some(found);
        self.inform(match count {
            1 => "1 image was found".to_owned(),
            n => format!("{n} images were found"),
        });
    }
}
