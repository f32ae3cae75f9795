//! Searches folders for the images of a project that are lost.

use std::fs;
use std::path::{Path, PathBuf};

use super::jobs::{JobControl, Stop};
use crate::app::Problem;
use crate::app::lost::{ImageSearch, LostImage};
use crate::io::template::expand_home;
use crate::io::{self, OpenOptions, content_hash};

/// Most files looked at.
const MOST: usize = 1_000_000;

/// Finds images that are the same as those that are lost: each by its number in the list, with its path.
pub(super) fn search(request: &ImageSearch, job: &JobControl) -> Result<Vec<(usize, String)>, Stop> {
    let start = expand_home(&request.folder);
    let start = if start.as_os_str().is_empty() { PathBuf::from(".") } else { start };
    if !start.is_dir() {
        let what = format!("Can't search '{}'", start.display());
        return Err(Stop::Failed(Problem::new(what, "it is no folder", "Choose a folder")));
    }
    // The name of each image's first file, and what follows the file's own path.
    let wanted: Vec<(String, String)> = request.lost.iter().map(file_and_rest).collect();
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut folders = vec![start];
    let (mut looked, mut known) = (0_usize, 1_usize);
    while let Some(folder) = folders.pop() {
        job.progress(looked as f64 / (looked + 50 * known) as f64)?;
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            looked += 1;
            let path = entry.path();
            // Links to folders are not followed: they may lead round in a circle.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
                continue;
            }
            let name = entry.file_name();
            for (index, image) in request.lost.iter().enumerate() {
                let (file, rest) = &wanted[index];
                let open = !found.iter().any(|(other, _)| *other == index);
                if open && *file == *name.to_string_lossy() {
                    job.progress(looked as f64 / (looked + 50 * known) as f64)?;
                    let location = whole(image, &path, rest);
                    if is_same(image, &location) {
                        found.push((index, location));
                    }
                }
            }
            if looked >= MOST || found.len() == request.lost.len() {
                found.sort();
                return Ok(found);
            }
        }
        known = folders.len().max(1);
    }
    found.sort();
    Ok(found)
}

/// The name of the first file of an image, and its inner path.
fn file_and_rest(image: &LostImage) -> (String, String) {
    let first = image.location.split(':').next().unwrap_or_default();
    let path = Path::new(first);
    // The file is the first part with an extension that may hold datasets, else the last part.
    let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let holds = |part: &String| {
        let extension = Path::new(part).extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        matches!(extension.as_deref(), Some("h5" | "hdf5" | "ilp"))
    };
    match parts.iter().rposition(holds) {
        Some(at) => (parts[at].clone(), parts[at + 1..].join("/")),
        None => (parts.last().cloned().unwrap_or_default(), String::new()),
    }
}

/// The location of an image whose first file is `file`; the other files of a stack lie beside it.
fn whole(image: &LostImage, file: &Path, rest: &str) -> String {
    let folder = file.parent().unwrap_or(Path::new(""));
    let with_rest = |path: PathBuf| if rest.is_empty() { path } else { path.join(rest) };
    let mut parts = vec![with_rest(file.to_owned())];
    for other in image.location.split(':').skip(1) {
        let (name, inner) = file_and_rest(&LostImage { location: other.to_owned(), ..image.clone() });
        parts.push(if inner.is_empty() { folder.join(name) } else { folder.join(name).join(inner) });
    }
    parts.iter().map(|part| part.to_string_lossy().into_owned()).collect::<Vec<_>>().join(":")
}

/// Whether a location holds the image that is lost: by its content where that was noted, else by its shape.
fn is_same(image: &LostImage, location: &str) -> bool {
    let axes = (!image.info.shape.is_empty()).then(|| image.info.axes.clone());
    let options = OpenOptions {
        stack_along: axes.as_ref().map(super::images::stack_axis),
        axes,
        ..OpenOptions::default()
    };
    let Ok(opened) = io::open(location, &options) else { return false };
    match &image.info.content_hash {
        Some(noted) => content_hash(opened.as_ref()).is_ok_and(|hash| hash == *noted),
        None => image.info.canonical_shape().is_none_or(|shape| shape == opened.info().shape),
    }
}
