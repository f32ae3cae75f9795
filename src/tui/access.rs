//! Whether a project can be saved where it is: protected files and folders, other running programs.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::app::{Access, Hold};

/// A file beside the project that is locked while the project is open. The system unlocks it however the
/// program ends.
struct Lock {
    path: PathBuf,
    _file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Left behind it harms nobody: it is not locked.
        let _ = fs::remove_file(&self.path);
    }
}

/// What came of trying to lock a project.
enum Locked {
    Ours(Lock),
    /// By this process already.
    Before,
    /// By the program that the text names.
    Other(String),
    /// The folder takes no lock.
    Never,
}

/// Looks whether the project at `project` can be saved there, and holds it for this program.
pub(crate) fn check(project: &Path) -> Access {
    let refused =
        |why: String| Access { refused: Some(why), instead: Some(elsewhere(project)), ..Access::default() };
    if fs::metadata(project).is_ok_and(|there| there.permissions().readonly()) {
        return refused("the file is write-protected".into());
    }
    if let Err(error) = tempfile::tempfile_in(folder_of(project)) {
        return refused(format!("its folder can't be written ({error})"));
    }
    match lock(project) {
        Locked::Ours(lock) => Access { hold: Some(Hold(Box::new(lock))), ..Access::default() },
        Locked::Before | Locked::Never => Access::default(),
        Locked::Other(who) => {
            Access { shared: true, ..refused(format!("it is open in another brushwood ({who})")) }
        }
    }
}

fn folder_of(project: &Path) -> &Path {
    project.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A name like the project's that is free: beside it, else where the program runs, else at home.
fn elsewhere(project: &Path) -> PathBuf {
    let stem = project.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let home = directories::UserDirs::new().map(|user| user.home_dir().to_owned());
    let folders = [Some(folder_of(project).to_owned()), std::env::current_dir().ok(), home];
    let writable = folders.into_iter().flatten().find(|folder| tempfile::tempfile_in(folder).is_ok());
    let folder = writable.unwrap_or_default();
    let names = std::iter::once(format!("{stem}.ilp")).chain((2..1000).map(|n| format!("{stem}_{n}.ilp")));
    names
        .map(|name| folder.join(name))
        .find(|path| !path.exists() && std::path::absolute(path).ok() != std::path::absolute(project).ok())
        .unwrap_or_else(|| folder.join(format!("{stem}_copy.ilp")))
}

fn lock(project: &Path) -> Locked {
    let name = project.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let path = folder_of(project).join(format!(".{name}.lock"));
    // Another program may remove the file between opening and locking: then it is opened again.
    for _ in 0..10 {
        let opened = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let Ok(mut file) = opened else { return Locked::Never };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut who = String::new();
                let _ = file.read_to_string(&mut who);
                return if who == own_name() { Locked::Before } else { Locked::Other(who) };
            }
            Err(_) => return Locked::Never,
        }
        let same = match (file.metadata(), fs::metadata(&path)) {
            (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
            _ => false,
        };
        if same {
            let written = file.set_len(0).and_then(|()| file.rewind());
            let _ = written.and_then(|()| file.write_all(own_name().as_bytes()));
            return Locked::Ours(Lock { path, _file: file });
        }
    }
    Locked::Never
}

/// How this program is named to others: process and machine.
fn own_name() -> String {
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let machine = machine.trim();
    let on = if machine.is_empty() { String::new() } else { format!(" on {machine}") };
    format!("process {}{on}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_held_until_it_is_let_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = folder.path().join("p.ilp");
        let access = check(&project);
        assert!(access.refused.is_none() && access.hold.is_some());
        // The same program may look again.
        assert!(check(&project).refused.is_none());
        // Another one is named.
        let lock_file = folder.path().join(".p.ilp.lock");
        fs::write(&lock_file, "process 1 on elsewhere").expect("written");
        let other = check(&project);
        assert!(other.shared && other.refused.is_some_and(|why| why.contains("process 1 on elsewhere")));
        assert_eq!(other.instead, Some(folder.path().join("p_2.ilp")));
        drop(access);
        assert!(!lock_file.exists());
        assert!(check(&project).hold.is_some());
    }

    #[test]
    fn protected_files_are_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = folder.path().join("p.ilp");
        fs::write(&project, "").expect("written");
        let mut rights = fs::metadata(&project).expect("there").permissions();
        rights.set_readonly(true);
        fs::set_permissions(&project, rights).expect("set");
        let access = check(&project);
        assert_eq!(access.refused.as_deref(), Some("the file is write-protected"));
        assert_eq!(access.instead, Some(folder.path().join("p_2.ilp")));
        let lost = check(&folder.path().join("nowhere/p.ilp"));
        assert!(lost.refused.is_some_and(|why| why.contains("folder")));
    }
}
