//! The journal file: every edit since the last save, durable as soon as it is made.
//!
//! It lies beside the project, and in the user's state folder where that is read-only. One thread owns the
//! file; whoever edits only posts a record.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use crate::app::{AppEvent, JournalRecord, Problem};

/// Largest number in the name of another program's project that is looked for.
const OTHERS: usize = 9;

/// The journal of the project at `project`, and where it goes when that folder can't be written.
fn places(project: &Path) -> Vec<PathBuf> {
    let project = std::path::absolute(project).unwrap_or_else(|_| project.to_owned());
    let mut beside = project.clone().into_os_string();
    beside.push(".journal");
    let mut places = vec![PathBuf::from(beside)];
    if let Some(folders) = directories::ProjectDirs::from("", "", "brushwood") {
        let folder = folders.state_dir().unwrap_or_else(|| folders.data_local_dir());
        let name = project.to_string_lossy().replace(['/', '\\', ':'], "%");
        places.push(folder.join(format!("{name}.journal")));
    }
    places
}

/// The records in the journal of the project at `project`: what was not saved when the program last ended.
pub(super) fn read(project: &Path) -> Vec<JournalRecord> {
    // Each is written whole when the place changes: the newest has all.
    let written = |path: &PathBuf| fs::metadata(path).and_then(|file| file.modified()).ok();
    let newest = places(project).into_iter().filter(|path| path.exists()).max_by_key(written);
    let text = newest.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    // A line that was cut off ends what can be trusted.
    text.lines().map_while(JournalRecord::from_line).collect()
}

/// Where a program that had no right to the project at `project` would have saved it (`NAME_2.ilp`, ...), had it
/// not ended before: its journals are there, and no projects.
pub(super) fn left_by_others(project: &Path) -> Vec<PathBuf> {
    let stem = project.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let names = (2..=OTHERS).map(|n| project.with_file_name(format!("{stem}_{n}.ilp")));
    names.filter(|other| !other.exists() && places(other).iter().any(|path| path.exists())).collect()
}

enum Order {
    Use(PathBuf, Vec<JournalRecord>),
    Move(PathBuf),
    Append(JournalRecord),
    Done(u64),
}

/// The writer of the journal.
pub(super) struct Journal {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    /// Starts the thread; what goes wrong is told to `tell`.
    pub fn start(tell: impl Fn(AppEvent) + Send + 'static) -> io::Result<Journal> {
        let (sender, orders) = channel();
        let thread = thread::Builder::new().name("journal".into()).spawn(move || write(&orders, &tell))?;
        Ok(Journal { orders: Some(sender), thread: Some(thread) })
    }

    /// From now on the journal is that of the project at `project`, which holds `records` already.
    pub fn use_project(&self, project: PathBuf, records: Vec<JournalRecord>) {
        self.order(Order::Use(project, records));
    }

    /// The project is at another place from now on.
    pub fn move_to(&self, project: PathBuf) {
        self.order(Order::Move(project));
    }

    /// Makes a record durable.
    pub fn append(&self, record: JournalRecord) {
        self.order(Order::Append(record));
    }

    /// The records up to number `count` are saved or not wanted.
    pub fn done(&self, count: u64) {
        self.order(Order::Done(count));
    }

    /// Writes what was posted, and ends.
    pub fn finish(mut self) {
        self.orders.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            let _ = orders.send(order);
        }
    }
}

#[derive(Default)]
struct Book {
    project: Option<PathBuf>,
    file: Option<(PathBuf, File)>,
    /// Lines that are not saved yet.
    lines: VecDeque<String>,
    /// Number of records before those.
    dropped: u64,
}

fn write(orders: &Receiver<Order>, tell: &dyn Fn(AppEvent)) {
    let mut book = Book::default();
    let mut told = false;
    for order in orders {
        let result = match order {
            Order::Use(project, records) => {
                book = Book { project: Some(project), ..Book::default() };
                book.lines = records.iter().map(JournalRecord::to_line).collect();
                Ok(())
            }
            Order::Move(project) => book.move_to(project),
            Order::Append(record) => book.append(record.to_line()),
            Order::Done(count) => book.drop_until(count),
        };
        match result {
            Ok(()) => told = false,
            Err(_) if told => {}
            Err(error) => {
                told = true;
                tell(AppEvent::Problem(Problem::new(
                    "Can't write the journal of unsaved edits",
                    error.to_string(),
                    "Save the project; a crash would lose what is not saved",
                )));
            }
        }
    }
}

impl Book {
    fn append(&mut self, line: String) -> io::Result<()> {
        let text = format!("{line}\n");
        self.lines.push_back(line);
        let appended = self
            .file
            .as_mut()
            .is_some_and(|(_, file)| file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).is_ok());
        // A line that was written in part would end what can be read.
        if appended { Ok(()) } else { self.rewrite() }
    }

    fn move_to(&mut self, project: PathBuf) -> io::Result<()> {
        let before = self.project.replace(project);
        if before == self.project {
            return Ok(());
        }
        if !self.lines.is_empty() {
            self.rewrite()?;
        }
        let old = before.as_deref().map(places).unwrap_or_default();
        old.iter().filter(|path| path.exists()).try_for_each(fs::remove_file)
    }

    fn drop_until(&mut self, count: u64) -> io::Result<()> {
        while self.dropped < count && self.lines.pop_front().is_some() {
            self.dropped += 1;
        }
        self.dropped = self.dropped.max(count);
        if self.lines.is_empty() {
            self.file = None;
            let places = self.project.as_deref().map(places).unwrap_or_default();
            for path in places.iter().filter(|path| path.exists()) {
                fs::remove_file(path)?;
            }
            return Ok(());
        }
        self.rewrite()
    }

    /// Writes all lines to the first place that can be written, whole or not at all.
    fn rewrite(&mut self) -> io::Result<()> {
        let Some(project) = &self.project else { return Ok(()) };
        self.file = None;
        let text: String = self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        let mut failure = io::Error::from(io::ErrorKind::NotFound);
        let places = places(project);
        for path in &places {
            match replace(path, &text) {
                Ok(file) => {
                    // What stays at another place is older.
                    places.iter().filter(|other| *other != path).for_each(|other| _ = fs::remove_file(other));
                    self.file = Some((path.clone(), file));
                    return Ok(());
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

fn replace(path: &Path, text: &str) -> io::Result<File> {
    let folder = path.parent().unwrap_or(Path::new("."));
    if !folder.exists() {
        fs::create_dir_all(folder)?;
    }
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    OpenOptions::new().append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::journal::Run;

    fn record(n: usize) -> JournalRecord {
        JournalRecord::Labels { lane: 0, runs: vec![Run(0, 0, n, 0, 1, 1)] }
    }

    #[test]
    fn what_is_not_saved_is_found_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = folder.path().join("p.ilp");
        let journal = Journal::start(|_| {}).expect("a thread");
        journal.use_project(project.clone(), Vec::new());
        (0..5).for_each(|n| journal.append(record(n)));
        journal.done(3);
        journal.append(record(5));
        journal.finish();
        assert_eq!(read(&project), [record(3), record(4), record(5)]);

        let journal = Journal::start(|_| {}).expect("a thread");
        journal.use_project(project.clone(), read(&project));
        journal.append(record(6));
        journal.done(4);
        journal.finish();
        assert_eq!(read(&project), []);
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0, "no journal is left behind");
    }

    #[test]
    fn the_journal_of_a_second_program_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = folder.path().join("p.ilp");
        assert_eq!(left_by_others(&project), [] as [PathBuf; 0]);
        let other = folder.path().join("p_2.ilp");
        fs::write(&places(&other)[0], record(0).to_line()).expect("written");
        assert_eq!(left_by_others(&project), std::slice::from_ref(&other));
        fs::write(&other, "").expect("saved");
        assert_eq!(left_by_others(&project), [] as [PathBuf; 0]);
    }

    #[test]
    fn a_record_that_was_written_in_part_is_written_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = folder.path().join("p.ilp");
        let mut book = Book { project: Some(project.clone()), ..Book::default() };
        book.append(record(0).to_line()).expect("written");
        // As a disk leaves it that became full: half a line, and no more is taken.
        let path = places(&project)[0].clone();
        let half = &record(1).to_line()[..9];
        OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(half.as_bytes()))
            .expect("half");
        book.file = Some((path.clone(), File::open(&path).expect("there")));
        book.append(record(1).to_line()).expect("written again");
        book.append(record(2).to_line()).expect("written");
        assert_eq!(read(&project), [record(0), record(1), record(2)]);
    }

    #[test]
    fn a_line_cut_off_by_a_crash_is_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = folder.path().join("p.ilp");
        let lines = [record(0).to_line(), record(1).to_line()].join("\n");
        fs::write(&places(&project)[0], &lines[..lines.len() - 4]).expect("written");
        assert_eq!(read(&project), [record(0)]);
    }
}
