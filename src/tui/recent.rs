//! The projects and images opened last, one per line in the user's state folder, the newest first.

use std::fs;
use std::path::{Path, PathBuf};

use crate::app::files::MOST_RECENT;

fn file() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "brushwood")?;
    Some(folders.state_dir().unwrap_or_else(|| folders.data_local_dir()).join("recent"))
}

/// The list.
pub(super) fn read() -> Vec<String> {
    file().map(|file| read_at(&file)).unwrap_or_default()
}

/// Puts a location on top of the list.
pub(super) fn remember(location: &str) {
    if let Some(file) = file()
        && let Err(error) = remember_at(&file, location)
    {
        // The list is a convenience: without it nothing is lost.
        tracing::warn!("can't write {}: {error}", file.display());
    }
}

fn read_at(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter(|line| !line.is_empty()).take(MOST_RECENT).map(str::to_owned).collect()
}

fn remember_at(file: &Path, location: &str) -> std::io::Result<()> {
    let location = std::path::absolute(location)?.to_string_lossy().into_owned();
    let mut list = read_at(file);
    list.retain(|other| *other != location);
    list.insert(0, location);
    list.truncate(MOST_RECENT);
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let temporary = tempfile::NamedTempFile::new_in(folder)?;
    fs::write(temporary.path(), list.join("\n"))?;
    temporary.persist(file).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_first_and_none_is_twice() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("state/recent");
        assert_eq!(read_at(&file), [""; 0]);
        for location in ["/a.ilp", "/b.tif", "/a.ilp"] {
            remember_at(&file, location).expect("written");
        }
        assert_eq!(read_at(&file), ["/a.ilp", "/b.tif"]);
        (0..2 * MOST_RECENT).for_each(|n| remember_at(&file, &format!("/{n}")).expect("written"));
        assert_eq!(read_at(&file).len(), MOST_RECENT);
    }
}
