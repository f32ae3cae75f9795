//! From what the user names to images: files, folders, patterns.

use std::path::Path;

use crate::io;

/// Most images that one pattern may give.
const MOST: usize = 100_000;

/// Why nothing was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// The pattern can't be read.
    #[error("'{pattern}' is not a pattern: {why}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why not.
        why: String,
    },
    /// No file matches.
    #[error("no image matches '{0}'")]
    NoMatch(String),
    /// A folder that can't be read, or holds no image.
    #[error("the folder '{folder}' {why}")]
    Folder {
        /// The folder.
        folder: String,
        /// What about it.
        why: String,
    },
    /// More than can be listed.
    #[error("'{0}' names more than {MOST} images; use a narrower pattern")]
    TooMany(String),
}

/// The images that `named` stands for, by name: a folder's images of a known format, the files that match
/// a pattern such as `plate1/**/*.tif`, or itself (a file, maybe with an inner path). `~` is the home
/// folder.
///
/// # Errors
/// Nothing matches, or the folder can't be read.
pub fn find_images(named: &str) -> Result<Vec<String>, FilesError> {
    let path = io::template::expand_home(named.trim());
    let text = path.to_string_lossy().into_owned();
    if path.is_dir() {
        return images_in(&path);
    }
    if path.exists() || !text.contains(['*', '?', '[']) {
        return Ok(vec![text]);
    }
    let bad = |e: glob::PatternError| FilesError::Pattern { pattern: text.clone(), why: e.msg.to_owned() };
    let mut found: Vec<String> = glob::glob(&text)
        .map_err(bad)?
        .filter_map(Result::ok)
        .filter(|path| path.is_file())
        .take(MOST + 1)
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    if found.len() > MOST {
        return Err(FilesError::TooMany(text));
    }
    found.sort();
    if found.is_empty() { Err(FilesError::NoMatch(text)) } else { Ok(found) }
}

/// The images of a known format in `folder`, projects left out, by name.
///
/// # Errors
/// The folder can't be read, or holds none.
pub fn images_in(folder: &Path) -> Result<Vec<String>, FilesError> {
    let failed = |why: String| FilesError::Folder { folder: folder.display().to_string(), why };
    let entries = std::fs::read_dir(folder).map_err(|error| failed(format!("can't be read: {error}")))?;
    let is_project =
        |path: &Path| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ilp"));
    let mut images: Vec<String> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_file() && io::is_image_name(path) && !is_project(path))
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    images.sort();
    if images.is_empty() { Err(failed("holds no image of a known format".into())) } else { Ok(images) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn folders_patterns_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::create_dir(at("sub")).unwrap();
        for name in ["b.tif", "a.png", "notes.txt", "project.ilp", "sub/c.tif"] {
            std::fs::write(at(name), "x").unwrap();
        }
        assert_eq!(find_images(&at("")), Ok(vec![at("a.png"), at("b.tif")]));
        assert_eq!(find_images(&at("*.tif")), Ok(vec![at("b.tif")]));
        assert_eq!(find_images(&at("**/*.tif")), Ok(vec![at("b.tif"), at("sub/c.tif")]));
        assert_eq!(find_images(&at("b.tif")), Ok(vec![at("b.tif")]));
        assert_eq!(find_images(&at("v.h5/data")), Ok(vec![at("v.h5/data")]));
        assert_eq!(find_images(&at("*.bmp")), Err(FilesError::NoMatch(at("*.bmp"))));
        std::fs::create_dir(at("empty")).unwrap();
        assert!(matches!(find_images(&at("empty")), Err(FilesError::Folder { .. })));
    }
}
