//! Looks into folders, and into files that hold datasets by name, for the completion of paths and the file browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::thread;

use super::message::Message;
use crate::app::AppEvent;
use crate::app::folders::{FolderEntry, Listing};
use crate::io;
use crate::io::template::expand_home;

/// Most entries told of.
const MOST: usize = 50_000;

/// Looks into `folder`, as it was typed, on a thread of its own: a network folder may take long.
pub(super) fn list(folder: String, sender: Sender<Message>) -> std::io::Result<()> {
    thread::Builder::new().name("folder".into()).spawn(move || {
        let path = expand_home(&folder);
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { &path };
        let result = entries(path).or_else(|error| datasets(path).unwrap_or_else(|| Err(error.to_string())));
        let _ = sender.send(Message::App(Box::new(AppEvent::FolderListed { folder, result })));
    })?;
    Ok(())
}

fn entries(path: &Path) -> std::io::Result<Listing> {
    let mut entries: Vec<FolderEntry> = fs::read_dir(path)?
        .filter_map(Result::ok)
        .take(MOST)
        .map(|entry| {
            // Follows links, as opening does.
            let metadata = fs::metadata(entry.path()).ok();
            FolderEntry {
                name: entry.file_name().to_string_lossy().into_owned(),
                is_folder: metadata.as_ref().is_some_and(fs::Metadata::is_dir),
                bytes: metadata.as_ref().map_or(0, fs::Metadata::len),
            }
        })
        .collect();
    entries.sort_by(|a, b| b.is_folder.cmp(&a.is_folder).then_with(|| a.name.cmp(&b.name)));
    let folder = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    Ok(Listing { folder: folder.to_string_lossy().into_owned(), entries })
}

/// The datasets below `path`, a file or a group in one, if there are any, or why the file can't be read.
fn datasets(path: &Path) -> Option<Result<Listing, String>> {
    // Without the `/` at its end, with which a file is none.
    let path: PathBuf = path.components().collect();
    let file = path.ancestors().find(|ancestor| ancestor.is_file())?;
    let group = path.strip_prefix(file).ok()?;
    let names = match io::images_in(file) {
        Ok(names) => names,
        Err(error) => return Some(Err(error.to_string())),
    };
    let mut entries: Vec<FolderEntry> = names
        .iter()
        .filter_map(|name| {
            let mut below = Path::new(name.trim_start_matches('/')).strip_prefix(group).ok()?.components();
            let name = below.next()?.as_os_str().to_string_lossy().into_owned();
            Some(FolderEntry { name, is_folder: below.next().is_some(), bytes: 0 })
        })
        .collect();
    entries.sort_by(|a, b| b.is_folder.cmp(&a.is_folder).then_with(|| a.name.cmp(&b.name)));
    entries.dedup();
    (!entries.is_empty()).then(|| Ok(Listing { folder: path.to_string_lossy().into_owned(), entries }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_first_and_links_are_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.tif"), [0; 7]).expect("a file");
        fs::create_dir(folder.path().join("z")).expect("a folder");
        let listing = entries(folder.path()).expect("its entries");
        let names: Vec<String> = listing.entries.iter().map(FolderEntry::shown_name).collect();
        assert_eq!(names, ["z/", "a.tif"]);
        assert_eq!(listing.entries[1].bytes, 7);
        assert!(entries(&folder.path().join("none")).is_err());
    }

    #[test]
    fn files_are_looked_into_for_datasets() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/images/bad/two.h5");
        let names = |inner: &str| {
            let listing = datasets(&file.join(inner)).expect("a file").expect("readable");
            listing.entries.iter().map(FolderEntry::shown_name).collect::<Vec<_>>()
        };
        assert_eq!(names(""), ["group/", "a"]);
        assert_eq!(names("group"), ["b"]);
        assert!(datasets(&file.join("nothing")).is_none());
        let damaged = tempfile::NamedTempFile::with_suffix(".h5").expect("a file");
        fs::write(damaged.path(), b"\x89HDF\r\n\x1a\n and no more").expect("written");
        let reason = datasets(damaged.path()).expect("a file").expect_err("damaged");
        assert!(reason.contains("the file is damaged"), "{reason}");
        assert!(datasets(Path::new("/no/such/file.h5")).is_none());
    }
}
