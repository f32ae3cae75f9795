//! Opening and saving, away from the thread that draws.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::thread;

use super::message::Message;
use super::{access, images, journal, recent, visit};
use crate::app::lost::OpenFound;
use crate::app::visit::{ResultRead, VisitRequest};
use crate::app::{Access, AppEvent, JournalRecord, Opened, Problem, SaveFailure, SaveRequest};
use crate::batch::{find_images, images_in};
use crate::data::task::Cancelled;
use crate::io::{self, OpenOptions};
use crate::project::{LaneError, Project, SavedFile};

/// What to open.
pub(super) enum Task {
    /// What the command line named: images or folders, or a project; and where the project is.
    Start(Vec<String>, Option<PathBuf>),
    /// A project or image.
    Open(String),
    /// A project some of whose images were found elsewhere.
    OpenFound(Box<OpenFound>),
    /// Save.
    Save(Box<SaveRequest>),
    /// Images that a pattern stands for.
    FindImages(String),
    /// An image to look at.
    Visit(Box<VisitRequest>),
    /// A part of a result that is shown.
    ReadResult(ResultRead),
    /// Files to delete.
    Delete(Vec<PathBuf>),
}

/// Does a task on a thread of its own and answers with events.
pub(super) fn perform(task: Task, sender: Sender<Message>) -> std::io::Result<()> {
    thread::Builder::new().name("files".into()).spawn(move || {
        let send = |event: AppEvent| {
            // Once the interface has ended nobody wants to know.
            let _ = sender.send(Message::App(Box::new(event)));
        };
        match task {
            Task::Start(inputs, project) => {
                let result = open(&inputs, project);
                let location = result.as_ref().ok().and_then(|opened| lately(opened, inputs.first()));
                send(AppEvent::Opened(result.map(Box::new)));
                location.iter().for_each(|location| recent::remember(location));
                send(AppEvent::Recent(recent::read()));
            }
            Task::Open(location) => {
                let location = io::template::expand_home(&location).to_string_lossy().into_owned();
                let result = open(std::slice::from_ref(&location), None);
                let location = result.as_ref().ok().and_then(|opened| lately(opened, Some(&location)));
                send(AppEvent::Opened(result.map(Box::new)));
                location.iter().for_each(|location| recent::remember(location));
                send(AppEvent::Recent(recent::read()));
            }
            Task::OpenFound(request) => send(AppEvent::Opened(load_found(&request).map(Box::new))),
            Task::Save(request) => {
                let (path, mark, moved) = (request.path.clone(), request.mark, moves(&request));
                let (result, file) = save(*request, &mut |_| Ok(()));
                let saved = result.is_ok();
                send(AppEvent::Saved { path: path.clone(), mark, result, file });
                if saved && moved {
                    settle(&path, send);
                }
            }
            Task::FindImages(named) => {
                let found = find_images(&named).map_err(|error| error.to_string());
                send(AppEvent::ImagesFound(named, found));
            }
            Task::Visit(request) => send(AppEvent::Visited(visit::visit(&request).map(Box::new))),
            Task::ReadResult(read) => {
                let part = read.result.read(read.plane.t, &read.region, read.classes);
                send(AppEvent::ResultRead(read, part));
            }
            Task::Delete(files) => send(visit::delete(&files)),
        }
    })?;
    Ok(())
}

/// What to open again to come back here: the project once there is a file, else what was named.
fn lately(opened: &Opened, named: Option<&String>) -> Option<String> {
    let project = opened.project.path.as_ref().map(|path| path.to_string_lossy().into_owned());
    project.or_else(|| named.filter(|_| !opened.sources.is_empty()).cloned())
}

/// Whether a save gives the project another place.
pub(super) fn moves(request: &SaveRequest) -> bool {
    request.project.path.as_ref() != Some(&request.path)
}

/// Holds the place that a project was saved to, and remembers it.
pub(super) fn settle(path: &Path, send: impl Fn(AppEvent)) {
    send(AppEvent::Access(access::check(path)));
    recent::remember(&path.to_string_lossy());
    send(AppEvent::Recent(recent::read()));
}

/// Saves; `watch` is told how far copying images is, from 0 to 1. What was written comes with the result.
pub(super) fn save(
    request: SaveRequest,
    watch: &mut dyn FnMut(f64) -> Result<(), Cancelled>,
) -> (Result<(), SaveFailure>, Option<SavedFile>) {
    let SaveRequest { path, mut project, overwrite, .. } = request;
    if !overwrite && path.exists() {
        return (Err(SaveFailure::Exists), None);
    }
    match project.save_watched(&path, watch) {
        Ok(()) => (Ok(()), project.saved_file()),
        Err(error) => {
            let what = format!("Can't save '{}'", path.display());
            let why = error.to_string();
            let why = why.strip_prefix(&format!("{what}: ")).unwrap_or(&why);
            let problem = Problem::new(what, why, "Save elsewhere with :file.save_as");
            (Err(SaveFailure::Failed(problem)), None)
        }
    }
}

fn is_project(location: &str) -> bool {
    Path::new(location).extension().is_some_and(|e| e.eq_ignore_ascii_case("ilp"))
}

/// Opens what the command line names.
fn open(inputs: &[String], project: Option<PathBuf>) -> Result<Opened, Problem> {
    if let ([location], None) = (inputs, &project)
        && is_project(location)
    {
        return load(Path::new(location));
    }
    if let Some(other) = inputs.iter().find(|location| is_project(location)) {
        return Err(Problem::new(
            format!("Can't open '{other}' together with images"),
            "a project is opened alone",
            "Open the project and add images with :lane.add, or give it by --project",
        ));
    }
    let mut locations = Vec::new();
    for input in inputs {
        locations.extend(images_at(input)?);
    }
    let beside = locations.first().map(|first| project_beside(first));
    let Some(path) = project.or(beside) else {
        return Ok(empty(Project::new()));
    };
    if path.exists() {
        let mut opened = load(&path)?;
        add_missing(&mut opened, &locations);
        return Ok(opened);
    }
    let mut opened = empty(Project::new());
    locations.iter().for_each(|location| add(&mut opened, location));
    if opened.sources.is_empty() && !opened.problems.is_empty() {
        return Err(first_of(opened.problems));
    }
    read_journal(&mut opened, &path);
    opened.save_to = Some(path);
    Ok(opened)
}

/// The first of `problems`, which says how many more images could not be opened.
fn first_of(mut problems: Vec<Problem>) -> Problem {
    let mut first = problems.swap_remove(0);
    let more = match problems.len() {
        0 => return first,
        1 => "1 more image could not be opened".to_owned(),
        more => format!("{more} more images could not be opened"),
    };
    first.why = if first.why.is_empty() { more } else { format!("{}; {more}", first.why) };
    first
}

fn empty(project: Project) -> Opened {
    Opened {
        project,
        sources: Vec::new(),
        save_to: None,
        journal: Vec::new(),
        journal_lanes: Vec::new(),
        lost: Vec::new(),
        changed: false,
        problems: Vec::new(),
        access: Access::default(),
    }
}

/// `IMAGE.ilp` beside the image; an inner path is left out.
pub(super) fn project_beside(location: &str) -> PathBuf {
    let first = location.split(':').next().unwrap_or(location);
    let file = Path::new(first).ancestors().find(|path| path.is_file()).unwrap_or(Path::new(first));
    file.with_extension("ilp")
}

/// The images that `input` names: itself, or the images in that folder, by name.
pub(super) fn images_at(input: &str) -> Result<Vec<String>, Problem> {
    let expanded = io::template::expand_home(input);
    let input = &*expanded.to_string_lossy();
    if !Path::new(input).is_dir() {
        return Ok(vec![input.to_owned()]);
    }
    images_in(Path::new(input)).map_err(|error| {
        Problem::new("Can't open it", error.to_string(), "Name an image, or a folder with images")
    })
}

/// Why an image can't be added; the error says all of it.
pub(super) fn cannot_add(error: &LaneError) -> Problem {
    Problem::new(error.to_string().trim_end_matches('.'), "", "")
}

fn read_project(path: &Path) -> Result<Project, Problem> {
    Project::load(path).map_err(|error| {
        Problem::new(format!("Can't open the project '{}'", path.display()), error.to_string(), "")
    })
}

fn load(path: &Path) -> Result<Opened, Problem> {
    let project = read_project(path)?;
    Ok(open_images(project, path, false))
}

/// Opens a project some of whose images were found elsewhere.
fn load_found(request: &OpenFound) -> Result<Opened, Problem> {
    let mut project = read_project(&request.path)?;
    for (lane, role, location) in &request.found {
        let location = io::template::expand_home(location).to_string_lossy().into_owned();
        project.move_dataset(*lane, *role, &location);
    }
    let mut opened = open_images(project, &request.path, request.trust);
    opened.changed = true;
    Ok(opened)
}

fn open_images(project: Project, path: &Path, trust: bool) -> Opened {
    let mut opened = empty(project);
    for warning in &opened.project.warnings {
        opened.problems.push(Problem::new(warning.to_string(), "", ""));
    }
    for lane in 0..opened.project.lanes.len() {
        match images::open_lane(&mut opened.project, lane, trust) {
            Ok(source) if opened.lost.is_empty() => opened.sources.push(source),
            Ok(_) => {}
            Err(lost) => opened.lost.push(*lost),
        }
    }
    read_journal(&mut opened, path);
    opened
}

/// Adds an image, or notes why that can't be: the others are opened all the same.
fn add(opened: &mut Opened, location: &str) {
    let described = images::describe(&opened.project, location, &OpenOptions::default());
    let added = described.and_then(|(info, source)| {
        opened.project.add_lane(info).map(|_| source).map_err(|error| cannot_add(&error))
    });
    match added {
        Ok(source) => opened.sources.push(source),
        Err(problem) => opened.problems.push(problem),
    }
}

/// Adds the images that the project does not have yet.
fn add_missing(opened: &mut Opened, locations: &[String]) {
    for location in locations {
        let named = io::with_dataset(location);
        let wanted = std::path::absolute(&named).unwrap_or_else(|_| named.into());
        let has = opened.project.lanes.iter().any(|lane| {
            let there = opened.project.locate(&lane.raw);
            there.is_ok_and(|there| {
                std::path::absolute(io::with_dataset(&there)).is_ok_and(|there| there == wanted)
            })
        });
        if !has {
            add(opened, location);
        }
    }
}

/// Finds the edits that were not saved, with the images that they added, and holds the project.
fn read_journal(opened: &mut Opened, project: &Path) {
    opened.access = access::check(project);
    if opened.access.shared {
        // The journal is that of the program which has the project open.
        return;
    }
    opened.journal = journal::read(project);
    opened.problems.extend(journal::left_by_others(project).into_iter().map(|other| {
        let other = other.display();
        Problem::new(
            "There is unsaved work of another brushwood that had this project open",
            format!("it is beside '{other}'"),
            format!("Unless that still runs, open it with --project {other}"),
        )
    }));
    for record in &opened.journal {
        if let JournalRecord::LaneAdded { location, mask, details, .. } = record {
            match images::journal_lane(project, location, mask.as_deref(), details.as_ref()) {
                Ok(lane) => opened.journal_lanes.push(lane),
                Err(problem) => opened.problems.push(problem),
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;
    use crate::data::{DType, Volume};
    use crate::io::{ImageSpec, create};

    #[test]
    fn an_image_that_does_not_fit_keeps_no_other_out() {
        let folder = tempfile::tempdir().unwrap();
        let image = |name: &str, depth: usize| -> String {
            let (path, shape) = (folder.path().join(name), [1, depth, 8, 9, 1]);
            let spec = ImageSpec::new("zyx".parse().unwrap(), shape, DType::U8);
            let mut writer = create("numpy", &path, &spec).unwrap();
            writer.write([0; 5], &Volume::zeros(DType::U8, shape)).unwrap();
            writer.finish().unwrap();
            path.to_string_lossy().into_owned()
        };
        let broken = folder.path().join("broken.png").to_string_lossy().into_owned();
        fs::write(&broken, "no picture").unwrap();
        let inputs = [image("a.npy", 1), image("deep.npy", 5), broken.clone(), image("b.npy", 1)];
        let opened = open(&inputs, None).unwrap();
        let names: Vec<&str> = opened.project.lanes.iter().map(|lane| lane.raw.nickname.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(opened.sources.len(), 2);
        let problems: Vec<String> = opened.problems.iter().map(Problem::line).collect();
        assert_eq!(
            problems[0],
            "Can't use 'deep': it is 3D, the project's images are 2D. Choose its axes anew, or start a new project"
        );
        assert!(problems[1].starts_with(&format!("Can't open '{broken}'")), "{problems:?}");
        let why = |inputs: &[String]| open(inputs, None).err().expect("nothing is left to open").why;
        let alone = why(std::slice::from_ref(&broken));
        let missing = folder.path().join("none.png").to_string_lossy().into_owned();
        let all = why(&[broken, missing.clone(), missing]);
        assert_eq!(all, format!("{alone}; 2 more images could not be opened"));
    }
}
