//! Files that appear whole or not at all: written beside their target, synchronised, then renamed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use super::error::Error;
use super::pending_folder::SealedFolder;
use super::unfinished::temporary_name;

/// A file being written under a temporary name in its target's folder; dropped without
/// [`PendingFile::commit`], it leaves nothing behind and the target untouched.
#[derive(Debug)]
pub struct PendingFile {
    file: File,
    temporary: TempPath,
    target: PathBuf,
}

impl PendingFile {
    /// Starts a file that will replace `path`, or the file that `path` links to, keeping its mode and group.
    ///
    /// # Errors
    /// The folder does not exist or can't be written, or `path` is a folder or a file that must not be
    /// written.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let Target { path: target, metadata } = Target::find(path)?;
        if metadata.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(Error::IsFolder { path: path.to_owned() });
        }
        let (prefix, suffix) = temporary_name(&target);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(suffix);
        // A new file gets the mode that any program would give it.
        #[cfg(unix)]
        builder.permissions(<fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
        let temporary = builder.tempfile_in(folder_of(&target)).map_err(|e| Error::io(path, unnamed(&e)))?;
        if let Some(metadata) = metadata {
            keep_group_and_mode(temporary.as_file(), &metadata).map_err(|e| Error::io(path, e))?;
        }
        let (file, temporary) = NamedTempFile::into_parts(temporary);
        Ok(PendingFile { file, temporary, target })
    }

    /// The file under its temporary name.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The temporary name.
    pub fn temporary_path(&self) -> &Path {
        &self.temporary
    }

    /// The name it will have.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Makes the file durable and closes it, without naming it yet.
    ///
    /// # Errors
    /// The disk is full or failing.
    pub fn seal(self) -> Result<Sealed, Error> {
        self.file.sync_all().map_err(|e| Error::io(&self.target, e))?;
        Ok(Sealed(Kind::File { temporary: self.temporary, target: self.target }))
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// The disk is full or failing, or the file can't be renamed.
    pub fn commit(self) -> Result<(), Error> {
        commit_all([self.seal()?])
    }
}

/// A file or folder that is complete and durable, still under its temporary name; dropped, it leaves nothing
/// behind.
#[derive(Debug)]
pub struct Sealed(Kind);

#[derive(Debug)]
enum Kind {
    File { temporary: TempPath, target: PathBuf },
    Folder(SealedFolder),
}

impl Sealed {
    pub(super) fn folder(folder: SealedFolder) -> Self {
        Sealed(Kind::Folder(folder))
    }
}

/// Gives files and folders their names.
///
/// # Errors
/// One can't be renamed, or the disk is failing.
pub fn commit_all(all: impl IntoIterator<Item = Sealed>) -> Result<(), Error> {
    let mut folders = BTreeSet::new();
    for Sealed(kind) in all {
        folders.insert(match kind {
            Kind::File { temporary, target } => {
                temporary.persist(&target).map_err(|e| Error::io(&target, e.error))?;
                folder_of(&target).to_owned()
            }
            Kind::Folder(folder) => folder.put_in_place()?,
        });
    }
    folders.iter().try_for_each(|folder| sync_folder(folder).map_err(|e| Error::io(folder, e)))
}

/// The error without the name of the temporary file, which says nothing to anybody.
pub(crate) fn unnamed(error: &std::io::Error) -> std::io::Error {
    let text = error.to_string();
    std::io::Error::new(error.kind(), text.split(" at path ").next().unwrap_or(&text).to_owned())
}

/// Where something is to be written, links followed, and what is there already.
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) metadata: Option<fs::Metadata>,
}

impl Target {
    /// Looks at `path`.
    ///
    /// # Errors
    /// Its folder does not exist, or what is there must not be written.
    pub(super) fn find(path: &Path) -> Result<Self, Error> {
        let target = follow_links(path)?;
        let metadata = match fs::metadata(&target) {
            Ok(metadata) => Some(metadata),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(Error::io(path, e)),
        };
        let folder = folder_of(&target);
        if !folder.is_dir() {
            let nearest = folder.ancestors().find(|a| a.is_dir()).map(Path::to_owned);
            return Err(Error::NotFound { path: folder.to_owned(), nearest });
        }
        if let Some(metadata) = metadata.as_ref().filter(|metadata| !is_writable(&target, metadata)) {
            let what = if metadata.is_dir() { "the folder is read-only" } else { "the file is read-only" };
            return Err(Error::io(path, std::io::Error::other(what)));
        }
        Ok(Target { path: target, metadata })
    }
}

/// Replaces the file at `path` by what `write` puts into a new one, whole or not at all.
///
/// # Errors
/// What `write` returns, or the file can't be created, made durable or renamed; the old file is then
/// as it was.
pub fn replace_file<E: From<Error>>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let mut pending = PendingFile::create(path)?;
    write(&mut pending.file)?;
    Ok(pending.commit()?)
}

/// Whether the owner of a file meant it to be written: renaming would replace it all the same.
#[cfg(unix)]
fn is_writable(path: &Path, metadata: &fs::Metadata) -> bool {
    // The administrator may write everything, which says nothing.
    !metadata.permissions().readonly() && rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn is_writable(_path: &Path, metadata: &fs::Metadata) -> bool {
    !metadata.permissions().readonly()
}

/// Gives `file` the group and the mode of the file it will replace. Where the group can't be kept, the
/// other group gets no rights that it had not before.
#[cfg(unix)]
pub(super) fn keep_group_and_mode(file: &File, like: &fs::Metadata) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let mut mode = like.permissions().mode() & 0o7777;
    if file.metadata()?.gid() != like.gid()
        && rustix::fs::fchown(file, None, Some(rustix::fs::Gid::from_raw(like.gid()))).is_err()
    {
        mode = mode & !0o070 | (mode & 0o007) << 3;
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
pub(super) fn keep_group_and_mode(file: &File, like: &fs::Metadata) -> std::io::Result<()> {
    file.set_permissions(like.permissions())
}

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file that `path` stands for, so that a link stays a link.
fn follow_links(path: &Path) -> Result<PathBuf, Error> {
    /// As many as Linux follows.
    const MOST: usize = 40;
    let mut target = path.to_owned();
    for _ in 0..MOST {
        match fs::read_link(&target) {
            Ok(next) => target = folder_of(&target).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(Error::io(path, std::io::Error::other("too many symbolic links")))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    sync_opened_folder(&File::open(folder)?)
}

#[cfg(unix)]
pub(super) fn sync_opened_folder(folder: &File) -> std::io::Result<()> {
    match folder.sync_all() {
        // Some network file systems can't synchronise folders.
        Err(e) if e.kind() == std::io::ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}

#[cfg(not(unix))]
pub(super) fn sync_opened_folder(_folder: &File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::Write;

    fn entries(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn replaces_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        replace_file::<Error>(&path, |file| file.write_all(b"new").map_err(|e| Error::io(&path, e))).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(entries(folder.path()), 1);
    }

    #[test]
    fn failure_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        let result = replace_file(&path, |file| {
            file.write_all(b"half").unwrap();
            Err(Error::Empty { path: path.clone() })
        });
        assert!(result.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(entries(folder.path()), 1);
    }

    #[cfg(unix)]
    #[test]
    fn keeps_links_and_modes() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        // Any of the user's groups, or any at all for the administrator.
        let group = rustix::process::getgroups().unwrap().first().map(|group| group.as_raw());
        let group = if rustix::process::geteuid().is_root() { Some(12_345) } else { group };
        std::os::unix::fs::chown(&real, None, group).unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        replace_file::<Error>(&link, |file| file.write_all(b"new").map_err(|e| Error::io(&link, e))).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        let kept = std::os::unix::fs::MetadataExt::gid(&fs::metadata(&real).unwrap());
        assert!(group.is_none_or(|group| group == kept), "{kept}");
    }

    #[test]
    fn a_read_only_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        let error = PendingFile::create(&path).unwrap_err();
        assert_eq!(error.to_string(), format!("{}: the file is read-only", path.display()));
        assert_eq!(entries(folder.path()), 1);
    }

    #[test]
    fn the_longest_names_can_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("µ".repeat(127));
        replace_file::<Error>(&path, |file| file.write_all(b"new").map_err(|e| Error::io(&path, e))).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn says_which_folder_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let error = PendingFile::create(&folder.path().join("no/such/file")).unwrap_err();
        let expected = format!(
            "{0}/no/such: no such file; the nearest folder above it that exists is {0}",
            folder.path().display()
        );
        assert_eq!(error.to_string(), expected);
    }
}
