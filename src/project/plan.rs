//! A list of changes to a project file, and their execution on a copy of it.
//!
//! The copy is compact: objects that are to be replaced are left out of it, everything else is copied
//! with its type, its attributes and its compressed chunks, or the whole plan fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File as DiskFile;
use std::io;
use std::path::Path;
use std::sync::Arc;

use hdf5_pure::{
    AttrValue, File, FileAccessProperties, FileLocking, Group, RepackOptions, SyncPolicy, repack,
};

use super::copies::{self, NewCopy};
use super::links::{self, SymbolicLink};
use super::stored::{self, SharedFile};
use super::value::{Value, text_attribute};
use crate::io::atomic::unnamed;
use crate::io::unfinished::temporary_name;

/// Groups nested deeper than this are taken for a cycle of links.
const MAX_DEPTH: usize = 32;
/// More objects than this are taken for a cycle of links.
const MAX_OBJECTS: usize = 1_000_000;
/// Where moved groups are kept while their places are taken by others.
const PARKING: &str = "brushwood_moving";

/// Why a plan could not be executed.
#[derive(Debug)]
pub(super) enum PlanError {
    /// The operating system said no.
    Io(io::Error),
    /// Something in the old file can't be carried over.
    Keep(String),
    /// The new data can't be written in HDF5.
    Encode(String),
    /// An image can't be copied: its name, and why.
    Copy { name: String, reason: String },
    /// It was told to stop.
    Cancelled,
}

impl From<io::Error> for PlanError {
    fn from(error: io::Error) -> Self {
        PlanError::Io(error)
    }
}

/// An object of the old file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Group,
    Dataset,
}

/// A dataset to be written.
struct NewDataset {
    value: Value,
    attributes: Vec<(String, AttrValue)>,
}

/// Changes to a project file. Paths are from the root, without a leading slash.
pub(super) struct Plan {
    source: Option<Arc<DiskFile>>,
    existing: BTreeMap<String, Kind>,
    removed: BTreeSet<String>,
    groups: BTreeSet<String>,
    group_attributes: Vec<(String, String, AttrValue)>,
    datasets: BTreeMap<String, NewDataset>,
    copies: Vec<NewCopy>,
    links: Vec<SymbolicLink>,
}

impl Plan {
    /// No changes yet to the file `source`, or to an empty file; `links` are those that the source had
    /// before it was copied.
    pub fn new(source: Option<Arc<DiskFile>>, links: Vec<SymbolicLink>) -> Result<Plan, PlanError> {
        let mut existing = BTreeMap::new();
        if let Some(source) = &source {
            let file = stored::open(source).map_err(keep)?;
            list(&file.root(), "", 0, &mut existing)?;
        }
        Ok(Plan {
            source,
            existing,
            removed: BTreeSet::new(),
            groups: BTreeSet::new(),
            group_attributes: Vec::new(),
            datasets: BTreeMap::new(),
            copies: Vec::new(),
            links,
        })
    }

    /// Names of the groups that the old file has in the group `path`.
    pub fn groups_in(&self, path: &str) -> Vec<String> {
        let prefix = format!("{path}/");
        self.existing
            .range(prefix.clone()..)
            .take_while(|(name, _)| name.starts_with(&prefix))
            .filter(|(name, kind)| **kind == Kind::Group && !name[prefix.len()..].contains('/'))
            .map(|(name, _)| name[prefix.len()..].to_owned())
            .collect()
    }

    /// Writes a dataset in place of what was there.
    pub fn put(&mut self, path: &str, value: Value) {
        self.remove(path);
        self.parents(path);
        self.datasets.insert(path.to_owned(), NewDataset { value, attributes: Vec::new() });
    }

    /// Writes a dataset unless there is one.
    pub fn put_missing(&mut self, path: &str, value: Value) {
        if !self.existing.contains_key(path) {
            self.put(path, value);
        }
    }

    /// Whether the old file has a dataset there.
    pub fn has_dataset(&self, path: &str) -> bool {
        self.existing.get(path) == Some(&Kind::Dataset)
    }

    /// Copies an image into the file.
    pub fn copy_image(&mut self, copy: NewCopy) {
        self.parents(&copy.path);
        self.copies.push(copy);
    }

    /// Gives a dataset of the plan a string attribute.
    pub fn text_attribute(&mut self, path: &str, name: &str, text: &str) {
        if let Some(dataset) = self.datasets.get_mut(path) {
            dataset.attributes.push((name.to_owned(), text_attribute(text)));
        }
    }

    /// Gives a dataset an integer attribute if the plan writes it.
    pub fn attribute_if_new(&mut self, path: &str, name: &str, value: i64) {
        if let Some(dataset) = self.datasets.get_mut(path) {
            dataset.attributes.push((name.to_owned(), AttrValue::I64(value)));
        }
    }

    /// Makes sure that there is a group.
    pub fn group(&mut self, path: &str) {
        self.parents(path);
        if self.existing.get(path) != Some(&Kind::Group) || self.is_removed(path) {
            self.groups.insert(path.to_owned());
        }
    }

    /// Puts an empty group in place of what was there.
    pub fn empty_group(&mut self, path: &str) {
        self.remove(path);
        self.group(path);
    }

    /// Gives a group of the plan an attribute.
    pub fn group_attribute(&mut self, path: &str, name: &str, value: AttrValue) {
        self.group_attributes.push((path.to_owned(), name.to_owned(), value));
    }

    /// Leaves out an object of the old file, with all that it holds.
    pub fn remove(&mut self, path: &str) {
        if self.existing.contains_key(path) {
            self.removed.insert(path.to_owned());
        }
    }

    fn is_removed(&self, path: &str) -> bool {
        self.removed.contains(path)
            || path.match_indices('/').any(|(at, _)| self.removed.contains(&path[..at]))
    }

    fn parents(&mut self, path: &str) {
        for (at, _) in path.match_indices('/') {
            let parent = &path[..at];
            if self.existing.get(parent) != Some(&Kind::Group) || self.is_removed(parent) {
                self.groups.insert(parent.to_owned());
            }
        }
    }

    /// Executes the plan: writes the changed file to `target`, which exists and is overwritten. `watch` is
    /// told the share of the images that are copied, from 0 to 1, and may stop it.
    pub fn write(
        self,
        target: &Path,
        watch: &mut dyn FnMut(f64) -> Result<(), PlanError>,
    ) -> Result<(), PlanError> {
        match &self.source {
            Some(source) => {
                let dropped = self.removed.iter().filter(|path| !self.is_below_removed(path));
                copy_without(source, target, dropped)?;
            }
            None => {
                drop(File::create_with_options(target, Default::default(), access()).map_err(encode)?);
            }
        }
        let file = File::open_rw_with_options(target, access()).map_err(encode)?;
        self.stage(&file)?;
        copies::write(&file, &self.copies, watch)?;
        file.close().map_err(encode)?;
        let kept: Vec<SymbolicLink> =
            self.links.iter().filter(|link| !self.is_removed(&link.path())).cloned().collect();
        links::insert(target, &kept).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => PlanError::Keep(format!("its links: {error}")),
            _ => PlanError::Io(error),
        })
    }

    fn is_below_removed(&self, path: &str) -> bool {
        path.match_indices('/').any(|(at, _)| self.removed.contains(&path[..at]))
    }

    fn stage(&self, file: &File) -> Result<(), PlanError> {
        let root = file.root();
        for path in &self.groups {
            let attributes = self.group_attributes.iter().filter(|(group, ..)| group == path);
            root.create_group_with(path, |group| {
                for (_, name, value) in attributes {
                    group.set_attr(name, value.clone());
                }
            })
            .map_err(encode)?;
        }
        for (path, new) in &self.datasets {
            let mut described = Ok(());
            root.create_dataset(path, |dataset| {
                described = new.value.describe(dataset);
                for (name, value) in &new.attributes {
                    dataset.set_attr(name, value.clone());
                }
            })
            .map_err(encode)?;
            described.map_err(encode)?;
        }
        file.commit().map_err(encode)
    }
}

/// The links of `source` that name a path; `folder` is for temporary files.
pub(super) fn links_of(source: &Arc<DiskFile>, folder: &Path) -> Result<Vec<SymbolicLink>, PlanError> {
    let mut snapshot = temporary_in(folder)?;
    io::copy(&mut SharedFile::raw(source), &mut snapshot)?;
    links::list(snapshot.path()).map_err(PlanError::Keep)
}

/// `links` after the groups `from` have taken the place of the groups `to`.
pub(super) fn moved_links(links: Vec<SymbolicLink>, moves: &[(String, String)]) -> Vec<SymbolicLink> {
    let below = |path: &str, group: &str| path == group || path.starts_with(&format!("{group}/"));
    links
        .into_iter()
        .filter_map(|mut link| {
            if let Some((from, to)) = moves.iter().find(|(from, _)| below(&link.group, from)) {
                link.group = format!("{to}{}", &link.group[from.len()..]);
                return Some(link);
            }
            (!moves.iter().any(|(_, to)| below(&link.group, to))).then_some(link)
        })
        .collect()
}

/// A copy of `source` in `folder` whose groups `from` have taken the place of the groups `to`; the file
/// is gone from the folder when this returns, its handle is all that is left of it.
pub(super) fn with_moved_groups(
    source: &Arc<DiskFile>,
    folder: &Path,
    moves: &[(String, String)],
) -> Result<Arc<DiskFile>, PlanError> {
    let copy = temporary_in(folder)?;
    copy_without(source, copy.path(), [])?;
    let file = File::open_rw_with_options(copy.path(), access()).map_err(encode)?;
    let root = file.root();
    let mut existing = BTreeMap::new();
    list(&root, "", 0, &mut existing)?;
    root.create_group(PARKING).map_err(keep)?;
    file.commit().map_err(keep)?;
    for (number, (from, _)) in moves.iter().enumerate() {
        file.copy(from, &format!("{PARKING}/{number}")).map_err(keep)?;
    }
    file.commit().map_err(keep)?;
    let places: BTreeSet<&String> = moves.iter().flat_map(|(from, to)| [from, to]).collect();
    for place in places.into_iter().filter(|place| existing.contains_key(*place)) {
        root.delete(place).map_err(keep)?;
    }
    file.commit().map_err(keep)?;
    for (number, (_, to)) in moves.iter().enumerate() {
        if let Some((parent, _)) = to.rsplit_once('/')
            && !existing.contains_key(parent)
        {
            root.create_group(parent).map_err(keep)?;
            existing.insert(parent.to_owned(), Kind::Group);
            file.commit().map_err(keep)?;
        }
        file.copy(&format!("{PARKING}/{number}"), to).map_err(keep)?;
    }
    root.delete(PARKING).map_err(keep)?;
    drop(root);
    file.close().map_err(keep)?;
    Ok(Arc::new(DiskFile::open(copy.path())?))
}

/// Copies the HDF5 file `source` over `target`, leaving out the objects `dropped`.
fn copy_without<'a>(
    source: &Arc<DiskFile>,
    target: &Path,
    dropped: impl IntoIterator<Item = &'a String>,
) -> Result<(), PlanError> {
    let snapshot = snapshot(source, target.parent().unwrap_or(Path::new(".")))?;
    let mut options = RepackOptions::new();
    for path in dropped {
        options = options.drop_path(path);
    }
    repack(snapshot.path(), target, &options).map_err(keep)
}

/// A copy of `source` in `folder`: libraries take paths, and the file may have none any more.
fn snapshot(source: &Arc<DiskFile>, folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut snapshot = temporary_in(folder)?;
    io::copy(&mut SharedFile::new(source), &mut snapshot)?;
    Ok(snapshot)
}

fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let (prefix, suffix) = temporary_name(Path::new("project"));
    let made = tempfile::Builder::new().prefix(&prefix).suffix(suffix).tempfile_in(folder);
    made.map_err(|error| unnamed(&error))
}

fn keep(error: hdf5_pure::Error) -> PlanError {
    match error {
        hdf5_pure::Error::Io(error) => PlanError::Io(error),
        other => PlanError::Keep(other.to_string()),
    }
}

/// Our own file: nobody else can lock it, and it is synced as a whole later.
fn access() -> FileAccessProperties {
    FileAccessProperties::new().with_locking(FileLocking::Disabled).with_sync_policy(SyncPolicy::OnClose)
}

fn encode(error: hdf5_pure::Error) -> PlanError {
    match error {
        hdf5_pure::Error::Io(error) => PlanError::Io(error),
        other => PlanError::Encode(other.to_string()),
    }
}

/// Lists the objects below `group`.
fn list(group: &Group, path: &str, depth: usize, all: &mut BTreeMap<String, Kind>) -> Result<(), PlanError> {
    let keep = |error: hdf5_pure::Error| PlanError::Keep(format!("/{path}: {error}"));
    if depth > MAX_DEPTH || all.len() > MAX_OBJECTS {
        return Err(PlanError::Keep(format!("/{path}: groups are nested without end")));
    }
    let child = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
    for (name, dataset) in group.iter_datasets().map_err(keep)? {
        // A dataset without a dataspace would come out as one with a value.
        if dataset.shape().map_err(keep)?.is_empty() && dataset.read_raw().is_ok_and(|raw| raw.is_empty()) {
            return Err(PlanError::Keep(format!("/{}: a dataset without values", child(&name))));
        }
        all.insert(child(&name), Kind::Dataset);
    }
    for name in group.groups().map_err(keep)? {
        all.insert(child(&name), Kind::Group);
        list(&group.group(&name).map_err(keep)?, &child(&name), depth + 1, all)?;
    }
    Ok(())
}
