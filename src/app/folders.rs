//! What is in the folders that are looked at, as far as it has been told.

use std::collections::BTreeMap;

use super::effect::Effect;
use super::state::App;

/// Something in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderEntry {
    /// Its name.
    pub name: String,
    /// Whether it is a folder, or a file that holds datasets by name and may be looked into.
    pub is_folder: bool,
    /// Its size.
    pub bytes: u64,
}

impl FolderEntry {
    /// Its name, with `/` after a folder's.
    pub fn shown_name(&self) -> String {
        if self.is_folder { format!("{}/", self.name) } else { self.name.clone() }
    }
}

/// What is in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The folder, absolute.
    pub folder: String,
    /// Its entries: folders first, each kind by name.
    pub entries: Vec<FolderEntry>,
}

/// What is in the folders that were looked at, by the path as it was typed.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    known: BTreeMap<String, Result<Listing, String>>,
}

/// Most folders remembered.
const KEPT: usize = 64;

impl Folders {
    /// What is in a folder, or why that can't be told; `None` until the answer has come.
    pub fn get(&self, folder: &str) -> Option<&Result<Listing, String>> {
        self.known.get(folder)
    }
}

impl App {
    /// Asks for the entries of a folder (as typed; blank is the working folder).
    pub(super) fn list_folder(&mut self, folder: &str) {
        self.outbox.push(Effect::ListFolder(folder.to_owned()));
    }

    pub(super) fn folder_listed(&mut self, folder: String, result: Result<Listing, String>) {
        if self.folders.known.len() >= KEPT {
            self.folders.known.clear();
        }
        self.folders.known.insert(folder, result);
        self.recheck_forms();
    }
}
