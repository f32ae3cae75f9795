//! Replacing a file by a new version, whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// How many symbolic links are followed before a loop is assumed, as Linux does.
const MAX_LINKS: usize = 40;

/// Has `write` write a new file and puts it in the place of `path`.
///
/// The new file is written beside the old one, forced to disk, given the old one's mode, and renamed
/// over it; a symbolic link stays a link and what it points to is replaced. On any error the old file
/// is as it was and nothing else is left behind.
///
/// # Errors
/// What `write` says, or the file can't be created or renamed.
pub(super) fn replace_file<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let target = follow_links(path)?;
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let temporary = tempfile::Builder::new().prefix(".brushwood-").suffix(".tmp").tempfile_in(folder)?;
    write(temporary.path())?;
    // The writer may have put another file in its place, so open it by its name again.
    let written = File::open(temporary.path())?;
    match fs::metadata(&target) {
        Ok(old) => written.set_permissions(old.permissions())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => written.set_permissions(default_mode())?,
        Err(error) => return Err(error.into()),
    }
    written.sync_all()?;
    temporary.persist(&target).map_err(|failed| failed.error)?;
    // The rename itself is on disk once the folder is; some file systems can't do that, which is no loss.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Where `path` leads after all symbolic links, whether or not there is a file.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&target) {
            Ok(link) => target = target.parent().unwrap_or(Path::new("")).join(link),
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// The mode of a new file under the process's umask.
fn default_mode() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    let mask = rustix::process::umask(rustix::fs::Mode::empty());
    rustix::process::umask(mask);
    fs::Permissions::from_mode(0o666 & !mask.bits())
}
