//! Dialogs, path completion, the file browser and background jobs: keys in, state and effects out.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod sim;

use std::time::Duration;

use brushwood::app::{AppEvent, Effect, JobEvent, JobOutput, Problem, Work};
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
