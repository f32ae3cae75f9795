//! Dialogs, path completion, the file browser and background jobs: keys in, state and effects out.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod sim;

use std::sync::Arc;
use std::time::Duration;

use brushwood::app::form::FieldKind;
use brushwood::app::inspect::Inspection;
use brushwood::app::thumbnails::Thumbnail;
use brushwood::app::{AppEvent, Effect, JobEvent, JobOutput, Problem, Work};
use brushwood::data::CancelToken;
use brushwood::project::DatasetLocation;
use sim::{Sim, lane};

/// The folders that were asked for since the last call.
fn listed(sim: &mut Sim) -> Vec<String> {
    let folder = |effect| match effect {
        Effect::ListFolder(folder) => Some(folder),
        _ => None,
    };
    sim.take_effects().into_iter().filter_map(folder).collect()
}

fn typed(sim: &Sim) -> &str {
    sim.app.form().unwrap().text("path")
}

#[test]
fn tab_completes_a_path_and_moves_on_when_it_is_complete() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 R");
    assert_eq!(listed(&mut sim), [""], "the working folder is asked for at once");
    sim.listing("", &["cells/", "nuclei.tif"]).text("ce").keys("tab");
    assert_eq!(typed(&sim), "cells/");
    assert_eq!(listed(&mut sim), ["cells/"], "going into a folder asks for its entries");
    sim.listing("cells/", &["a.png", "b.png"]).text("b").keys("tab");
    assert_eq!(typed(&sim), "cells/b.png");
    sim.keys("tab enter");
    assert!(sim.app.popups.is_empty());
    let started = sim.take_effects().into_iter().find_map(|effect| match effect {
        Effect::StartJob(job) => Some(job.work),
        _ => None,
    });
    assert!(
        matches!(started, Some(Work::Reopen(_, requests)) if requests[0].raw.as_deref() == Some("cells/b.png"))
    );
}

#[test]
fn a_path_is_needed_and_esc_leaves() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 R enter");
    assert_eq!(sim.app.form().unwrap().refused.as_deref(), Some("A path is needed"));
    sim.keys("esc");
    assert!(sim.app.popups.is_empty() && sim.app.jobs.running().is_empty());
}

#[test]
fn save_as_begins_with_the_name_it_has() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("g s");
    assert_eq!(typed(&sim), "nuclei.ilp");
    sim.text(".2").keys("enter");
    let saved = sim.take_effects().into_iter().any(
        |effect| matches!(effect, Effect::Save(request) if request.path.to_str() == Some("nuclei.ilp.2")),
    );
    assert!(saved);
}

#[test]
fn the_browser_goes_through_folders_and_marks_files_of_several() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 R ctrl-o").listing("", &["cells/", "x.tif", ".secret"]);
    sim.keys("down space up right");
    assert!(listed(&mut sim).ends_with(&["cells/".to_owned()]));
    sim.listing("cells/", &["a.png", "b.png"]).text("b").keys("space enter");
    assert_eq!(sim.app.popups.len(), 1, "back in the first dialog");
    assert_eq!(typed(&sim), "x.tif:cells/b.png");
}

#[test]
fn the_browser_goes_up_shows_hidden_files_and_takes_folders() {
    let mut sim = Sim::new([1, 30, 40]);
    let names = |sim: &Sim| -> Vec<String> {
        let table = sim.app.form().unwrap().table("files").unwrap();
        table.rows.iter().map(|row| row.cells[0].clone()).collect()
    };
    sim.keys("f1 R").text("cells/b.png").keys("ctrl-o").listing("cells/", &["a.png", "b.png", ".c"]);
    assert_eq!(names(&sim), ["a.png", "b.png"]);
    assert_eq!(sim.app.form().unwrap().table("files").unwrap().cursor, 1, "on the file that was typed");
    sim.keys("ctrl-h");
    assert_eq!(names(&sim), ["a.png", "b.png", ".c"]);
    sim.take_effects();
    sim.keys("left");
    assert_eq!(listed(&mut sim), ["/home/user/"], "the folder above");
    sim.event(AppEvent::FolderListed { folder: "/home/user/".into(), result: Err("no permission".into()) });
    assert!(sim.app.form().unwrap().table("files").unwrap().empty.contains("no permission"));
    sim.keys("shift-tab shift-tab shift-tab enter");
    assert_eq!(typed(&sim), "/home/user/");
}

#[test]
fn the_browser_begins_in_the_folder_of_the_last_image() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.app.project.lanes[0].raw.location = DatasetLocation::Absolute("/scans/old/a.h5/data".into());
    sim.keys("f1 R ctrl-o");
    assert_eq!(listed(&mut sim).last().map(String::as_str), Some("/scans/old/"));
    let gone =
        |folder: &str| AppEvent::FolderListed { folder: folder.into(), result: Err("no folder".into()) };
    sim.event(gone("/scans/old/"));
    assert_eq!(listed(&mut sim), ["/scans/"], "the nearest there is");
    sim.listing("/scans/", &["b.png"]).keys("enter");
    assert_eq!(typed(&sim), "/scans/b.png");
    // What was opened in an earlier session, where there is no image yet.
    let mut sim = Sim::with_lanes(Vec::new());
    sim.event(AppEvent::Recent(vec!["/last/week.ilp".into()])).keys("f1 a ctrl-o");
    assert_eq!(listed(&mut sim).last().map(String::as_str), Some("/last/"));
    // A folder that was asked for is not left.
    sim.listing("/last/", &["older/"]).keys("enter");
    sim.event(gone("/last/older/"));
    assert!(listed(&mut sim).iter().all(|folder| folder == "/last/older/"));
}

/// The pictures that are to be made, and whether they are given up.
fn pictures(sim: &mut Sim) -> Vec<(String, CancelToken)> {
    let wanted = sim.take_effects().into_iter().filter_map(|effect| match effect {
        Effect::MakeThumbnail(location, token) => Some((location, token)),
        _ => None,
    });
    wanted.collect()
}

fn look_at(sim: &mut Sim, location: &str, slow: Option<&str>) {
    sim.event(AppEvent::Inspected(Box::new(Inspection {
        location: location.into(),
        files: Ok(vec![location.into()]),
        first: Some(slow.map_or(Ok(sim::info([1, 1, 30, 40, 1])), |why| Err(why.into()))),
        datasets: Vec::new(),
        slow: None,
    })));
}

#[test]
fn the_picture_of_the_file_under_the_cursor_is_made_one_at_a_time() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 R ctrl-o").listing("", &["folder/", "a.tif", "b.tif", "c.tif"]);
    assert!(pictures(&mut sim).is_empty(), "of a folder there is none");
    sim.keys("down");
    assert!(pictures(&mut sim).is_empty(), "it is not known yet whether it is an image");
    look_at(&mut sim, "a.tif", None);
    let asked = pictures(&mut sim);
    assert_eq!(asked.len(), 1);
    let (location, token) = &asked[0];
    assert_eq!(location, "a.tif");
    let place = |sim: &Sim| sim.app.form().unwrap().picture.clone().unwrap();
    assert_eq!(place(&sim), "making a picture …");
    // The cursor moves on: what is under way is given up, and the newest comes next.
    sim.keys("down");
    look_at(&mut sim, "b.tif", None);
    assert!(token.is_cancelled());
    sim.keys("down");
    look_at(&mut sim, "c.tif", None);
    assert!(pictures(&mut sim).is_empty(), "one at a time");
    sim.event(AppEvent::ThumbnailMade("a.tif".into(), None));
    let asked = pictures(&mut sim);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].0, "c.tif", "b.tif is not looked at any more");
    sim.event(AppEvent::ThumbnailMade("c.tif".into(), Some(Ok(sim::thumbnail([30, 40])))));
    assert!(sim.app.thumbnails.picture().is_some());
    // It is known when the cursor comes back, and gone with the browser.
    sim.keys("up");
    assert!(sim.app.thumbnails.picture().is_none(), "that of another file would be a lie");
    sim.event(AppEvent::ThumbnailMade("b.tif".into(), Some(Err("it ends too early".into()))));
    assert_eq!(place(&sim), "no picture: it ends too early");
    sim.keys("down");
    assert!(sim.app.thumbnails.picture().is_some());
    assert!(pictures(&mut sim).iter().all(|(location, _)| location != "c.tif"));
    sim.keys("esc");
    assert!(sim.app.thumbnails.picture().is_none());
    assert!(sim.app.form().is_some(), "back in the first dialog");
}

#[test]
fn what_is_no_image_has_no_picture() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 R ctrl-o").listing("", &["a.txt"]);
    look_at(&mut sim, "a.txt", Some("it is no image"));
    assert!(pictures(&mut sim).is_empty());
    assert_eq!(sim.app.form().unwrap().picture.as_deref(), Some("it is no image"), "why stands in its place");
    // A picture that is still being made when the browser closes is given up.
    sim.keys("esc esc").keys("R ctrl-o").listing("", &["b.tif"]);
    look_at(&mut sim, "b.tif", None);
    let asked = pictures(&mut sim);
    sim.keys("enter");
    assert!(asked[0].1.is_cancelled());
    assert_eq!(typed(&sim), "b.tif");
}

#[test]
fn the_middle_of_a_large_image_is_said_to_be_it() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 R ctrl-o").listing("", &["a.tif"]);
    look_at(&mut sim, "a.tif", None);
    let part = Thumbnail { extent: [3000, 4000], ..sim::made_thumbnail([30, 40]) };
    sim.event(AppEvent::ThumbnailMade("a.tif".into(), Some(Ok(Arc::new(part)))));
    let FieldKind::Preview(lines, _) = &sim.app.form().unwrap().field("preview").unwrap().kind else {
        panic!("it is a preview")
    };
    assert_eq!(lines.last().map(String::as_str), Some("the picture shows its middle, 40 x 30"));
}

#[test]
fn a_job_tells_progress_and_time_left_and_can_be_cancelled() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.time(10_000).command("lane.add folder");
    let job = sim.app.jobs.running()[0].id;
    sim.event(AppEvent::Job(job, JobEvent::Progress(0.25))).time(20_000);
    let running = &sim.app.jobs.running()[0];
    assert_eq!(running.time_left(sim.app.now), Some(Duration::from_secs(30)));
    assert_eq!(running.line(sim.app.now), "open folder 25 %, 0:30 left");
    assert_eq!(sim.app.next_deadline(), Some(Duration::from_secs(21)));
    sim.event(AppEvent::Job(job, JobEvent::Progress(0.1)));
    assert_eq!(sim.app.jobs.running()[0].progress, Some(0.25), "progress never goes back");
    let token = sim.take_effects().into_iter().find_map(|effect| match effect {
        Effect::StartJob(job) => Some(job.token),
        _ => None,
    });
    sim.keys("g k");
    assert!(token.unwrap().is_cancelled());
    sim.event(AppEvent::Job(job, JobEvent::Cancelled));
    assert!(sim.app.jobs.running().is_empty());
    assert_eq!(sim.message(), "Cancelled: open folder");
    sim.keys("g k");
    assert!(sim.message().contains("nothing runs in the background"), "{}", sim.message());
}

#[test]
fn a_job_that_fails_says_why_and_one_that_is_done_is_taken_in() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.command("lane.add x");
    let job = sim.app.jobs.running()[0].id;
    sim.event(AppEvent::Job(job, JobEvent::Failed(Problem::new("Can't open 'x'", "no such file", ""))));
    assert_eq!(sim.message(), "Can't open 'x': no such file");
    sim.command("lane.add y").job_done(JobOutput::Lanes(vec![lane("y", [1, 1, 30, 40, 1])], Vec::new()));
    assert_eq!(sim.app.views.len(), 2);
    // A job that is over can report no more.
    sim.event(AppEvent::Job(
        job,
        JobEvent::Done(JobOutput::Lanes(vec![lane("z", [1, 1, 30, 40, 1])], Vec::new())),
    ));
    assert_eq!(sim.app.views.len(), 2);
}
