//! N5 as ilastik writes it: a dataset at an inner path of a folder, which may hold others.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::data::Volume;
use crate::io::atomic::Sealed;
use crate::io::axistags;
use crate::io::error::Error;
use crate::io::format::{ImageSpec, Intake};
use crate::io::pending_folder::PendingFolder;

use super::Sink;
use super::chunk_folder::{ChunkFolder, LEVEL, Layout, write_json};
use super::chunks::ChunkGrid;

const ATTRIBUTES: &str = "attributes.json";

/// A dataset being written.
pub(super) struct N5Sink {
    pending: PendingFolder,
    array: ChunkFolder,
}

/// How it takes blocks.
pub(super) fn intake(spec: &ImageSpec) -> Intake {
    ChunkGrid::new(spec.axes.clone(), spec).intake()
}

/// The names on the way to the dataset of `spec`; none where they are not names.
pub(super) fn inner_path(spec: &ImageSpec) -> Option<PathBuf> {
    let names: Vec<&str> = spec.internal_path.split('/').filter(|name| !name.is_empty()).collect();
    let is_name = |name: &&str| *name != "." && *name != ".." && !name.contains(['\\', '\0']);
    (!names.is_empty() && names.iter().all(is_name)).then(|| names.iter().collect())
}

impl N5Sink {
    /// Starts the dataset of `spec` in the folder that will be at `path`, or is there.
    pub(super) fn create(path: &Path, spec: &ImageSpec, compressed: bool) -> Result<Self, Error> {
        let inner = inner_path(spec).unwrap_or_else(|| "exported_data".into());
        let pending = PendingFolder::create(path, Some(inner.clone()))?;
        let grid = ChunkGrid::new(spec.axes.clone(), spec);
        let array = ChunkFolder {
            path: pending.temporary_path().join(inner),
            grid,
            layout: Layout::N5 { compressed },
        };
        let sink = N5Sink { pending, array };
        sink.describe(spec, compressed).map_err(|e| Error::io(path, e))?;
        Ok(sink)
    }

    /// Writes the attributes of the folder, the groups and the dataset.
    fn describe(&self, spec: &ImageSpec, compressed: bool) -> std::io::Result<()> {
        let root = self.pending.temporary_path();
        let groups = self.array.path.ancestors().skip(1).take_while(|folder| *folder != root);
        for group in groups {
            write_json(&group.join(ATTRIBUTES), &json!({}))?;
        }
        write_json(&root.join(ATTRIBUTES), &json!({ "n5": "2.0.0" }))?;
        let reversed = |extents: [usize; 5]| -> Vec<usize> {
            let mut extents = spec.axes.pick(&extents);
            extents.reverse();
            extents
        };
        let compression = match compressed {
            true => json!({ "type": "gzip", "level": LEVEL, "useZlib": false }),
            false => json!({ "type": "raw" }),
        };
        let mut attributes = json!({
            "dimensions": reversed(spec.shape),
            "blockSize": reversed(self.array.grid.chunk),
            "dataType": spec.dtype.name(),
            "compression": compression,
            "axes": spec.axes.to_string().chars().rev().collect::<String>(),
            "axistags": axistags::format(&spec.axes, &spec.pixel_size),
        });
        if let Some(units) = axistags::format_units(&spec.axes, &spec.pixel_size) {
            attributes["axis_units"] = units.into();
        }
        if let Some((low, high)) = spec.data_range {
            attributes["drange"] = json!([low, high]);
        }
        if let Some(mode) = &spec.display_mode {
            attributes["display_mode"] = mode.as_str().into();
        }
        write_json(&self.array.path.join(ATTRIBUTES), &attributes)
    }
}

impl Sink for N5Sink {
    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error> {
        let N5Sink { pending, array } = self;
        let store = |at, chunk: &Volume| array.write(at, chunk);
        array.grid.each_chunk(pending.target(), (start, block), store, |_, ()| Ok(()))
    }

    fn seal(self: Box<Self>) -> Result<Vec<Sealed>, Error> {
        Ok(vec![self.pending.seal()?])
    }
}

/// Checks that the dataset of `spec` can be put into the folder at `path` without losing any other.
///
/// # Errors
/// Datasets, or other files, are where it or a group of it is to be.
pub(super) fn check_replaced(path: &Path, spec: &ImageSpec) -> Result<(), Error> {
    let Some(inner) = inner_path(spec) else { return Ok(()) };
    let refuse = |what: String| Err(Error::io(path, std::io::Error::other(what)));
    if !path.is_dir() {
        return refuse(
            "a file has this name, and an N5 is a folder; use another name or remove the file".into(),
        );
    }
    let place = path.join(&inner);
    let mut names: Vec<String> = inner
        .ancestors()
        .skip(1)
        .filter(|group| !group.as_os_str().is_empty() && is_dataset(&path.join(group)))
        .map(|group| group.to_string_lossy().into_owned())
        .collect();
    let mut strange = None;
    if !is_dataset(&place) {
        list(&place, &inner, &mut names, &mut strange);
    }
    match strange {
        _ if !names.is_empty() => {
            let name = inner.to_string_lossy().into_owned();
            Err(Error::NameTaken { path: path.to_owned(), name, names })
        }
        Some(other) => {
            refuse(format!("it holds '{}', which is no part of an N5; use another name", other.display()))
        }
        None => Ok(()),
    }
}

/// Removes a dataset, and those groups around it that nothing else is in.
pub(super) fn remove(dataset: &Path) -> std::io::Result<()> {
    std::fs::remove_dir_all(dataset)?;
    let above = dataset.ancestors().skip(1);
    let Some(depth) = above.clone().position(|folder| says(folder, "n5")) else { return Ok(()) };
    for group in above.take(depth + 1) {
        let mut entries = std::fs::read_dir(group)?;
        if !entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == ATTRIBUTES)) {
            break;
        }
        std::fs::remove_dir_all(group)?;
    }
    Ok(())
}

/// Whether `folder` is a dataset of an N5.
pub(super) fn is_dataset(folder: &Path) -> bool {
    says(folder, "dimensions")
}

/// Whether the attributes of `folder` hold `key`.
fn says(folder: &Path, key: &str) -> bool {
    let text = std::fs::read_to_string(folder.join(ATTRIBUTES)).unwrap_or_default();
    serde_json::from_str::<Value>(&text).is_ok_and(|attributes| attributes.get(key).is_some())
}

/// The datasets in `folder`, called `name` in the N5, and a file that is not one's.
fn list(folder: &Path, name: &Path, names: &mut Vec<String>, strange: &mut Option<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), name.join(entry.file_name()));
        if !path.is_dir() {
            if entry.file_name() != ATTRIBUTES {
                strange.get_or_insert(name);
            }
        } else if is_dataset(&path) {
            names.push(name.to_string_lossy().into_owned());
        } else {
            list(&path, &name, names, strange);
        }
    }
}
