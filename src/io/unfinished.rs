//! Names of files and folders while they are written, and the removal of those whose program was killed.
//!
//! A name tells who writes it: which start of which system, which of its spaces of processes, and which process.
//! So what lies there without its program is known for sure, also in folders that several machines share. Systems
//! that don't tell all of that have nothing removed.

use std::fs;
use std::path::Path;

/// Characters of a target's name that its temporary name begins with: names have an end.
const LONGEST_PREFIX: usize = 40;
const SUFFIX: &str = ".part";

/// What the names beside `target` of what is not complete begin and end with.
pub(crate) fn temporary_name(target: &Path) -> (String, &'static str) {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let prefix: String = format!(".{name}.").chars().take(LONGEST_PREFIX).collect();
    let writer = system().map_or_else(String::new, |system| format!("{system}-{}.", std::process::id()));
    (format!("{}.{writer}", prefix.trim_end_matches('.')), SUFFIX)
}

/// Removes what programs that run no more have left unfinished in `folder`; what can't be removed stays.
pub(crate) fn remove_abandoned(folder: &Path) {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let (Some(system), Ok(entries)) = (system(), fs::read_dir(folder)) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let writer = name.to_str().and_then(|name| writer_of(name, &system));
        if writer.is_none_or(is_running) {
            continue;
        }
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let removed = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Ok(()) => tracing::info!("removed '{}', left by a program that was killed", path.display()),
            Err(error) => tracing::warn!("'{}' is unfinished and can't be removed: {error}", path.display()),
        }
    }
}

/// The process on `system` that writes the file called `name`, if it is such a file.
fn writer_of(name: &str, system: &str) -> Option<i32> {
    let (named, _random) = name.strip_prefix('.')?.strip_suffix(SUFFIX)?.rsplit_once('.')?;
    let (_target, writer) = named.rsplit_once('.')?;
    writer.strip_prefix(system)?.strip_prefix('-')?.parse().ok().filter(|&process| process > 0)
}

/// This start of the system and the space that processes are numbered in.
#[cfg(target_os = "linux")]
fn system() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = fs::metadata("/proc/self/ns/pid").ok()?.ino();
    Some(format!("{}{space:x}", boot.get(..8)?))
}

#[cfg(not(target_os = "linux"))]
fn system() -> Option<String> {
    None
}

/// Whether there is such a process, its own or anyone's, that has not ended yet.
#[cfg(target_os = "linux")]
fn is_running(process: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name, in brackets, may hold anything.
    if status.rsplit_once(") ").is_some_and(|(_, status)| status.starts_with(['Z', 'X'])) {
        return false;
    }
    let signalled = rustix::process::Pid::from_raw(process).map(rustix::process::test_kill_process);
    signalled != Some(Err(rustix::io::Errno::SRCH))
}

#[cfg(not(target_os = "linux"))]
fn is_running(_process: i32) -> bool {
    true
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_killed_programs_left_is_removed() {
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        // Nobody has asked how it ended yet.
        while is_running(ended.id() as i32) {
            std::thread::yield_now();
        }
        let folder = tempfile::tempdir().unwrap();
        let (own, system) = (std::process::id(), system().unwrap());
        let kept = [
            format!(".a.h5.{system}-{own}.abcdef.part"),
            format!(".a.h5.0{system}-{}.abcdef.part", ended.id()),
            format!("a.h5.{system}-{}.abcdef.part", ended.id()),
            ".a.h5.abcdef.part".into(),
            "a.part".into(),
        ];
        let left = format!(".a.h5.{system}-{}.abcdef.part", ended.id());
        let left_folder = format!(".ä.n5.{system}-{}.abcdef.part", ended.id());
        kept.iter().chain([&left]).for_each(|name| fs::write(folder.path().join(name), "x").unwrap());
        fs::create_dir_all(folder.path().join(left_folder).join("new")).unwrap();
        remove_abandoned(folder.path());
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut kept = kept.to_vec();
        names.sort();
        kept.sort();
        assert_eq!(names, kept);
        ended.wait().unwrap();
        assert!(!is_running(ended.id() as i32) && is_running(own as i32));
    }

    #[test]
    fn a_temporary_name_tells_its_process() {
        let system = system().unwrap();
        for target in
            ["out/a.h5", "no extension", "a.very.long.name.of.an.image.that.goes.on.and.on.and.on.h5"]
        {
            let (prefix, suffix) = temporary_name(Path::new(target));
            let writer = writer_of(&format!("{prefix}Ab12Cd{suffix}"), &system);
            assert_eq!(writer, Some(std::process::id() as i32), "{prefix}");
        }
    }
}
