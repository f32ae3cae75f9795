//! From what the user wrote to an open image: inner paths, stacks of files, and which format a file is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Error;
use super::file::SharedFile;
use super::format::{FORMATS, Format, ImageReader, OpenOptions};
use super::stack;

/// Opens the image that `location` names: a file, `file.h5/inner/path`, a pattern such as `dir/*.png`,
/// or several files joined by `:` that make one stack.
///
/// # Errors
/// No such file, an unknown format, or one that can't be read.
pub fn open(location: &str, options: &OpenOptions) -> Result<Arc<dyn ImageReader>, Error> {
    let whole = Path::new(location);
    if whole.exists() {
        return open_one(location, options);
    }
    let parts = stack::expand(location)?;
    match &parts[..] {
        [one] if one == location => open_one(location, options),
        parts => stack::open(parts, options),
    }
}

/// `location` with the dataset named that is opened, where an HDF5 file of it holds a single one and none is
/// named: as projects name images.
pub fn with_dataset(location: &str) -> String {
    let name = |part: &str| -> String {
        let path = Path::new(part);
        let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        if !matches!(extension.as_deref(), Some("h5" | "hdf5")) || !path.is_file() {
            return part.to_owned();
        }
        match &super::hdf5::datasets_of(path)[..] {
            [dataset] => format!("{part}/{dataset}"),
            _ => part.to_owned(),
        }
    };
    if Path::new(location).exists() {
        return name(location);
    }
    let separator = if cfg!(windows) { ";" } else { ":" };
    location.split(separator).map(name).collect::<Vec<_>>().join(separator)
}

/// Splits `dir/file.h5/group/name` into the file and the dataset inside it, by the file's extension alone; either may
/// be a pattern.
pub fn split_dataset(location: &str) -> (&str, Option<&str>) {
    let ends = [".h5/", ".hdf5/", ".ilp/", ".npz/"];
    match ends.iter().find_map(|end| Some(location.find(end)? + end.len())) {
        Some(end) => {
            let inner = location[end..].trim_matches('/');
            (&location[..end - 1], Some(inner).filter(|inner| !inner.is_empty()))
        }
        None => (location, None),
    }
}

/// Names of the images in the file at `path`, where its format has datasets by name.
///
/// # Errors
/// The file can't be read, or is of no known format.
pub fn images_in(path: &Path) -> Result<Vec<String>, Error> {
    recognise(path)?.images_in(path)
}

/// Opens one file, maybe with an inner path.
pub(super) fn open_one(location: &str, options: &OpenOptions) -> Result<Arc<dyn ImageReader>, Error> {
    let (path, internal) = split(location)?;
    let format = recognise(&path)?;
    match internal {
        Some(internal) if !format.has_datasets() => {
            Err(Error::NoInternalPath { path, format: format.name(), internal })
        }
        internal => format.open(&path, internal.as_deref(), options),
    }
}

/// Splits `file.h5/inner/path` where the file ends.
fn split(location: &str) -> Result<(PathBuf, Option<String>), Error> {
    let whole = Path::new(location);
    if whole.is_file() {
        return Ok((whole.to_owned(), None));
    }
    if whole.is_dir() {
        return Err(match chunk_folder(whole) {
            Some(name) => Error::unsupported(
                whole,
                format!("reading {name}"),
                "such folders are only written here; write a result as 'hdf5' to look at it or to go on with it",
            ),
            None => Error::IsFolder { path: whole.to_owned() },
        });
    }
    if whole.exists() {
        return Err(Error::NotAFile { path: whole.to_owned() });
    }
    for ancestor in whole.ancestors().skip(1).filter(|a| !a.as_os_str().is_empty()) {
        if ancestor.is_file() {
            let inner = whole.strip_prefix(ancestor).unwrap_or(whole).to_string_lossy().into_owned();
            return Ok((ancestor.to_owned(), Some(inner)));
        }
        if ancestor.is_dir() {
            break;
        }
    }
    // Says why, when the file is there but can't be reached.
    if let Err(error) = std::fs::metadata(whole) {
        use std::io::ErrorKind::{NotADirectory, NotFound};
        if !matches!(error.kind(), NotFound | NotADirectory) {
            return Err(Error::io(whole, error));
        }
    }
    let folder = whole.parent().filter(|p| !p.as_os_str().is_empty());
    let nearest = folder
        .filter(|folder| !folder.is_dir())
        .and_then(|folder| folder.ancestors().find(|a| a.is_dir()))
        .map(Path::to_owned);
    Err(Error::NotFound { path: whole.to_owned(), nearest })
}

/// What format a folder is an image of, or a part of, by what it holds and by the names of those above it.
fn chunk_folder(folder: &Path) -> Option<&'static str> {
    let holds = |names: &[&str]| names.iter().any(|name| folder.join(name).is_file());
    let is_in = |extension| folder.ancestors().any(|above| above.extension().is_some_and(|e| e == extension));
    if holds(&[".zgroup", ".zarray", "zarr.json"]) || is_in("zarr") {
        return Some("OME-Zarr");
    }
    (holds(&["attributes.json"]) || is_in("n5")).then_some("N5")
}

/// Whether a file of a folder is taken for an image, by its name.
pub fn is_image_name(path: &Path) -> bool {
    FORMATS.iter().any(|format| format.is_named_so(path))
}

/// The format of a file: by its first bytes, else by its extension.
fn recognise(path: &Path) -> Result<&'static dyn Format, Error> {
    /// Enough for an HDF5 user block of 2 kB.
    const HEAD: u64 = 2048 + 8;
    let file = SharedFile::open(path)?;
    if file.len() == 0 {
        return Err(Error::Empty { path: path.to_owned() });
    }
    let mut head = vec![0; file.len().min(HEAD) as usize];
    file.read_at(0, &mut head)?;
    if let Some(format) = FORMATS.iter().find(|format| format.recognises(&head)) {
        return Ok(*format);
    }
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    if let Some(format) = FORMATS.iter().find(|format| format.extensions().contains(&extension.as_str())) {
        if !format.has_signature() {
            return Ok(*format);
        }
        let what =
            format!("named .{extension}, but its first bytes are not those of a {} file", format.name());
        return Err(Error::damaged(path, what));
    }
    let supported = FORMATS.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
    Err(Error::UnknownFormat { path: path.to_owned(), supported })
}
