//! Folders that appear whole or not at all, as [`atomic`](super::atomic) has it for files.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tempfile::TempDir;

use super::atomic::{Sealed, Target, folder_of, keep_group_and_mode, sync_opened_folder};
use super::error::Error;
use super::unfinished::temporary_name;

/// A folder being written inside a temporary one beside its target; dropped without being named, it leaves
/// nothing behind and the target untouched.
#[derive(Debug)]
pub(super) struct PendingFolder(SealedFolder);

/// A folder that is complete and durable, still inside a temporary one; dropped, it leaves nothing behind.
#[derive(Debug)]
pub(super) struct SealedFolder {
    temporary: TempDir,
    target: PathBuf,
    /// The part of it that is put into the target where that exists; the target is replaced when not given.
    part: Option<PathBuf>,
}

impl PendingFolder {
    /// Starts a folder that will be at `path`, or at the place that `path` links to, with its mode and group. Where
    /// it exists, only the inner path `part` of it will be replaced, if given.
    ///
    /// # Errors
    /// The folder above does not exist or can't be written, or `path` is a file or a folder that must not be
    /// written.
    pub(super) fn create(path: &Path, part: Option<PathBuf>) -> Result<Self, Error> {
        let Target { path: target, metadata } = Target::find(path)?;
        if metadata.as_ref().is_some_and(|metadata| !metadata.is_dir()) {
            return Err(Error::io(
                path,
                io::Error::other("a file has this name, and a folder is to be written"),
            ));
        }
        let (prefix, suffix) = temporary_name(&target);
        let mut builder = tempfile::Builder::new();
        let temporary = builder.prefix(&prefix).suffix(suffix).tempdir_in(folder_of(&target));
        let temporary = temporary.map_err(|e| Error::io(path, e))?;
        let folder = SealedFolder { temporary, target, part };
        fs::create_dir(folder.new_path()).map_err(|e| Error::io(path, e))?;
        if let Some(metadata) = metadata {
            File::open(folder.new_path())
                .and_then(|new| keep_group_and_mode(&new, &metadata))
                .map_err(|e| Error::io(path, e))?;
        }
        Ok(PendingFolder(folder))
    }

    /// The folder as long as it is temporary.
    pub(super) fn temporary_path(&self) -> PathBuf {
        self.0.new_path()
    }

    /// The name it will have.
    pub(super) fn target(&self) -> &Path {
        &self.0.target
    }

    /// Makes all that is in it durable, without naming it yet.
    ///
    /// # Errors
    /// The disk is full or failing.
    pub(super) fn seal(self) -> Result<Sealed, Error> {
        sync_all(&self.0.new_path()).map_err(|e| Error::io(&self.0.target, e))?;
        Ok(Sealed::folder(self.0))
    }
}

impl SealedFolder {
    fn new_path(&self) -> PathBuf {
        self.temporary.path().join("new")
    }

    /// Gives it its name, and returns the folder whose entry that is.
    ///
    /// # Errors
    /// It can't be renamed; what was there is as it was.
    pub(super) fn put_in_place(self) -> Result<PathBuf, Error> {
        let SealedFolder { temporary, target, part } = &self;
        let new = self.new_path();
        let (new, place) = match part {
            Some(part) if target.is_dir() => {
                let place = target.join(part);
                let groups = place.parent().unwrap_or(target);
                fs::create_dir_all(groups).map_err(|e| Error::io(target, e))?;
                (new.join(part), place)
            }
            _ => (new, target.clone()),
        };
        replace(&new, &place, &temporary.path().join("old")).map_err(|e| Error::io(target, e))?;
        Ok(folder_of(&place).to_owned())
    }
}

/// Renames `new` to `place`; what is there goes to `old`, or to `new`.
fn replace(new: &Path, place: &Path, old: &Path) -> io::Result<()> {
    if !place.exists() {
        return fs::rename(new, place);
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        // Some file systems can't do it in one step.
        if renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE).is_ok() {
            return Ok(());
        }
    }
    replace_by_turns(new, place, old)
}

/// The same with nothing at `place` for a moment.
fn replace_by_turns(new: &Path, place: &Path, old: &Path) -> io::Result<()> {
    fs::rename(place, old)?;
    fs::rename(new, place).inspect_err(|_| {
        // As it was; where not even that works, the error says so.
        let _ = fs::rename(old, place);
    })
}

/// Synchronises the files and folders below `folder`; many of them with all else on their file system at once.
fn sync_all(folder: &Path) -> io::Result<()> {
    const MANY: usize = 256;
    let mut entries = vec![folder.to_owned()];
    let mut next = 0;
    while let Some(path) = entries.get(next).cloned() {
        next += 1;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if entries.len() > MANY {
            return Ok(rustix::fs::syncfs(File::open(folder)?)?);
        }
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                entries.push(entry?.path());
            }
        }
    }
    entries.par_iter().with_max_len(MANY).try_for_each(|path| {
        let file = File::open(path)?;
        if path.is_dir() { sync_opened_folder(&file) } else { file.sync_all() }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::atomic::commit_all;
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn filled(path: &Path, part: Option<&str>, name: &str) -> Sealed {
        let pending = PendingFolder::create(path, part.map(Into::into)).unwrap();
        let inner = part.map_or(pending.temporary_path(), |part| pending.temporary_path().join(part));
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join(name), "new").unwrap();
        pending.seal().unwrap()
    }

    #[test]
    fn appears_whole_and_replaces_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zarr");
        let sealed = filled(&path, None, "first");
        assert!(!path.exists());
        commit_all([sealed]).unwrap();
        assert_eq!(names(&path), ["first"]);
        commit_all([filled(&path, None, "second")]).unwrap();
        assert_eq!(names(&path), ["second"]);
        drop(filled(&path, None, "third"));
        assert_eq!((names(&path), names(folder.path())), (vec!["second".into()], vec!["a.zarr".into()]));
    }

    #[test]
    fn a_part_is_put_beside_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.n5");
        // Both are begun before there is any folder.
        let (first, second) = (filled(&path, Some("b/c"), "1"), filled(&path, Some("d"), "2"));
        commit_all([first, second]).unwrap();
        assert_eq!(
            (names(&path), names(&path.join("b/c"))),
            (vec!["b".into(), "d".into()], vec!["1".into()])
        );
        commit_all([filled(&path, Some("b/c"), "3")]).unwrap();
        assert_eq!((names(&path.join("b/c")), names(&path.join("d"))), (vec!["3".into()], vec!["2".into()]));
        assert_eq!(names(folder.path()), ["a.n5"]);
    }

    #[test]
    fn where_names_can_not_be_exchanged() {
        let folder = tempfile::tempdir().unwrap();
        let [new, place, old] = ["new", "place", "old"].map(|name| folder.path().join(name));
        for path in [&new, &place] {
            fs::create_dir(path).unwrap();
            fs::write(path.join("file"), path.to_string_lossy().as_bytes()).unwrap();
        }
        replace_by_turns(&new, &place, &old).unwrap();
        assert_eq!(fs::read_to_string(place.join("file")).unwrap(), new.to_string_lossy());
        assert_eq!(fs::read_to_string(old.join("file")).unwrap(), place.to_string_lossy());
        // What is to replace it is gone: it stays.
        fs::remove_dir_all(&old).unwrap();
        assert!(replace_by_turns(&new, &place, &old).is_err());
        assert!(place.join("file").exists() && !old.exists());
    }

    #[test]
    fn a_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        let error = PendingFolder::create(&path, None).unwrap_err().to_string();
        assert!(error.ends_with("a: a file has this name, and a folder is to be written"), "{error}");
        assert_eq!(names(folder.path()), ["a"]);
    }
}
