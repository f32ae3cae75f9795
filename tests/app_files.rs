//! Saving, quitting, journal, lanes, features, live update.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod sim;

use std::path::PathBuf;
use std::sync::Arc;

use brushwood::app::popups::Popup;
use brushwood::app::{AppEvent, Effect, JournalRecord, Opened, Problem, SaveFailure, SaveRequest};
use brushwood::classify::Forest;
use brushwood::data::revision::ForestRev;
use brushwood::engine::Event;
use proptest::prelude::*;
use sim::{Sim, lane, opened};

fn save_request(sim: &mut Sim) -> Box<SaveRequest> {
    sim.take_effects()
        .into_iter()
        .find_map(|effect| match effect {
            Effect::Save(request) => Some(request),
            _ => None,
        })
        .expect("a save")
}

fn saved(sim: &mut Sim, request: &SaveRequest, result: Result<(), SaveFailure>) {
    sim.event(AppEvent::Saved { path: request.path.clone(), mark: request.mark, result, file: None });
}

fn quits(sim: &mut Sim) -> bool {
    sim.take_effects().iter().any(|effect| matches!(effect, Effect::Quit))
}

#[test]
fn a_saved_project_is_clean_and_edits_meanwhile_are_not() {
    let mut sim = Sim::new([1, 30, 40]);
    assert!(!sim.app.is_dirty());
    sim.keys("space");
    assert!(sim.app.is_dirty());
    sim.take_effects();
    sim.keys("ctrl-s");
    let request = save_request(&mut sim);
    assert_eq!((request.path.clone(), request.overwrite), (PathBuf::from("nuclei.ilp"), false));
    sim.keys("right space");
    assert_eq!(request.project.lanes[0].labels.counts()[1], 9, "the snapshot is of the moment");
    saved(&mut sim, &request, Ok(()));
    assert!(sim.app.is_dirty(), "the second dab is not in the file");
    assert!(sim.take_effects().iter().any(|e| matches!(e, Effect::JournalDone(1))));
    sim.keys("ctrl-s");
    let request = save_request(&mut sim);
    assert!(request.overwrite, "its own file");
    saved(&mut sim, &request, Ok(()));
    assert!(!sim.app.is_dirty());
    sim.keys("U");
    assert!(sim.app.is_dirty());
}

#[test]
fn keys_typed_while_the_image_is_opened_wait_for_it() {
    let mut sim = Sim::opening();
    sim.keys("g i l . t i f");
    assert_eq!((sim.app.popups.len(), sim.message().as_str()), (0, ""), "nothing is refused");
    sim.opened(opened(vec![lane("nuclei", [1, 1, 30, 40, 1])]));
    let form = sim.app.form().expect("the dialog that was asked for");
    assert_eq!((form.title.as_str(), form.text("path")), ("Import labels", "l.tif"));
}

#[test]
fn a_palette_opened_meanwhile_stays_open() {
    let mut sim = Sim::opening();
    sim.keys(":").text("live.tog");
    sim.opened(opened(vec![lane("nuclei", [1, 1, 30, 40, 1])]));
    assert!(matches!(&sim.app.popups[..], [Popup::Palette { input, .. }] if input.value() == "live.tog"));
}

#[test]
fn quitting_does_not_wait_for_an_image() {
    let mut sim = Sim::opening();
    sim.keys("space right ctrl-q");
    assert!(quits(&mut sim));
}

#[test]
fn keys_for_an_image_that_does_not_open_are_forgotten() {
    let mut sim = Sim::opening();
    sim.keys("space").event(AppEvent::Opened(Err(Problem::new("no such file", "", ""))));
    sim.opened(opened(vec![lane("nuclei", [1, 1, 30, 40, 1])]));
    assert_eq!(sim.app.project.lanes[0].labels.counts().iter().sum::<u64>(), 0);
}

#[test]
fn keys_that_waited_answer_no_question() {
    let mut sim = Sim::opening();
    sim.keys("space enter");
    let image = || vec![lane("nuclei", [1, 1, 30, 40, 1])];
    let stroke = JournalRecord::Classifier { trees: 10, seed: 1 };
    sim.opened(Opened { journal: vec![stroke], journal_lanes: image(), ..opened(image()) });
    assert_eq!(sim.app.popups.len(), 1, "the question of what to restore is still there");
    assert!(sim.message().contains("left out"));
}

#[test]
fn another_file_is_overwritten_only_when_told_to() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("space").command("file.save_as other");
    let request = save_request(&mut sim);
    assert_eq!((request.path.clone(), request.overwrite), (PathBuf::from("other.ilp"), false));
    saved(&mut sim, &request, Err(SaveFailure::Exists));
    sim.keys("enter");
    assert!(sim.take_effects().is_empty(), "Enter cancels");
    sim.command("file.save_as other");
    let request = save_request(&mut sim);
    saved(&mut sim, &request, Err(SaveFailure::Exists));
    sim.keys("o");
    assert!(save_request(&mut sim).overwrite);
}

#[test]
fn quitting_asks_when_something_is_unsaved() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("ctrl-q");
    assert!(quits(&mut sim), "nothing to save");
    for (answer, quit_at_once) in [("c", false), ("esc", false), ("d", true)] {
        sim.keys("space right ctrl-q");
        assert!(!quits(&mut sim), "it asks first");
        sim.keys(answer);
        assert_eq!(quits(&mut sim), quit_at_once, "{answer}");
    }
    sim.keys("ctrl-q s");
    let request = save_request(&mut sim);
    saved(&mut sim, &request, Err(SaveFailure::Failed(Problem::new("Can't save", "disk full", "Free some"))));
    assert!(!quits(&mut sim), "a failed save keeps the program");
    sim.keys("ctrl-q s");
    let request = save_request(&mut sim);
    saved(&mut sim, &request, Ok(()));
    assert!(quits(&mut sim));
}

#[test]
fn saving_and_quitting_takes_edits_made_meanwhile_along() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("space ctrl-q s");
    let request = save_request(&mut sim);
    sim.keys("right space");
    saved(&mut sim, &request, Ok(()));
    let again = save_request(&mut sim);
    assert_eq!(again.project.lanes[0].labels.counts()[1], 12);
    saved(&mut sim, &again, Ok(()));
    assert!(quits(&mut sim));
}

#[test]
fn undoing_elsewhere_says_where() {
    let mut sim = Sim::new([9, 30, 40]);
    sim.keys("space ] U");
    assert_eq!(sim.message(), "Undone: stroke at x 19 y 14 z 4");
}

#[test]
fn a_journal_brings_everything_back() {
    let two = || vec![lane("a", [1, 1, 30, 40, 1]), lane("b", [1, 1, 30, 40, 1])];
    let mut sim = Sim::with_lanes(two());
    sim.take_effects();
    sim.keys("space 2 right right right space a L space pagedown v right right v U ctrl-y 1 down space")
        .command("label.rename x")
        .command("label.merge 2")
        .keys("f2 space f3");
    let journal = sim.take_journal();
    let lines: Vec<String> = journal.iter().map(JournalRecord::to_line).collect();
    assert!(lines.iter().all(|line| !line.contains('\n') && line.len() < 2000), "{lines:?}");
    let read: Vec<JournalRecord> = lines.iter().filter_map(|line| JournalRecord::from_line(line)).collect();
    assert_eq!(read, journal);

    let mut again = Sim::open(two(), read.clone(), Vec::new());
    assert_eq!(again.app.popups.len(), 1, "it asks");
    again.keys("r");
    for (before, after) in sim.app.project.lanes.iter().zip(&again.app.project.lanes) {
        assert!(before.labels == after.labels, "labels differ");
    }
    assert_eq!(sim.app.project.classes, again.app.project.classes);
    assert_eq!(sim.app.project.selection, again.app.project.selection);
    assert_eq!(sim.app.edits.counts, again.app.edits.counts);
    assert!(again.app.is_dirty());
    assert!(again.take_journal().is_empty(), "what is in the journal already is not written again");
    again.keys("U");
    assert_eq!(again.app.label_count(1), 0, "restored work can be undone");
    again.keys("ctrl-y ctrl-s");
    assert_eq!(
        save_request(&mut again).mark,
        read.len() as u64 + again.app.edits.records - read.len() as u64
    );

    let mut dropped = Sim::open(two(), read.clone(), Vec::new());
    dropped.keys("d");
    assert!(
        dropped.take_effects().iter().any(|e| matches!(e, Effect::JournalDone(n) if *n == read.len() as u64))
    );
    assert_eq!(dropped.app.label_count(1), 0);
}

#[test]
fn a_journal_with_new_images_needs_them() {
    let one = || vec![lane("a", [1, 1, 30, 40, 1])];
    let mut sim = Sim::with_lanes(one());
    sim.take_effects();
    sim.keys("space").lanes_opened(vec![lane("b", [1, 1, 30, 40, 1])]).keys("2 space");
    let journal = sim.take_journal();
    let mut again = Sim::open(one(), journal.clone(), vec![lane("b", [1, 1, 30, 40, 1])]);
    again.keys("r");
    assert_eq!(again.app.edits.counts, sim.app.edits.counts);
    let mut without = Sim::open(one(), journal, Vec::new());
    without.keys("r");
    assert_eq!(without.app.label_count(1), 9);
    let told = without.app.messages.entries().iter().any(|m| m.text.what.contains("not restored"));
    assert!(told, "what can't be restored is named");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn undoing_everything_leaves_nothing_and_replaying_gives_the_same(
        steps in prop::collection::vec(0..15usize, 1..30),
    ) {
        let keys = ["space", "v", "right", "down", "L", "J", "1", "2", "e space b", "a", "U", "ctrl-y", "f", "/", "."];
        let mut sim = Sim::new([1, 30, 40]);
        sim.take_effects();
        for step in steps {
            sim.keys(keys[step]);
        }
        let journal = sim.take_journal();
        let mut again = Sim::open(vec![lane("nuclei", [1, 1, 30, 40, 1])], journal.clone(), Vec::new());
        if !journal.is_empty() {
            again.keys("r");
        }
        prop_assert!(again.app.labels() == sim.app.labels());
        prop_assert_eq!(&again.app.project.classes, &sim.app.project.classes);
        sim.keys("esc");
        while sim.app.edits.can_undo() {
            sim.keys("U");
        }
        prop_assert!(sim.app.labels().unwrap().is_empty());
        prop_assert_eq!(sim.app.project.classes.len(), 2);
        prop_assert_eq!(sim.app.label_count(1) + sim.app.label_count(2), 0);
    }
}

#[test]
fn images_come_and_go_and_come_back() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.lanes_opened(vec![
        lane("b", [1, 1, 50, 50, 1]),
        lane("rgb", [1, 1, 50, 50, 3]),
        lane("deep", [1, 9, 50, 50, 1]),
    ]);
    assert_eq!(sim.app.views.len(), 2);
    let errors: Vec<String> = sim.app.messages.entries().iter().map(|m| m.text.line()).collect();
    assert!(errors.iter().any(|e| e.contains("Can't add 'rgb': it has 3 channels")), "{errors:?}");
    assert!(errors.iter().any(|e| e.contains("Can't add 'deep'")), "{errors:?}");
    sim.keys("2 space").command("lane.remove");
    assert_eq!((sim.app.views.len(), sim.app.label_count(2)), (1, 0));
    sim.keys("U");
    assert_eq!((sim.app.views.len(), sim.app.label_count(2)), (2, 9));
    sim.keys("pageup pagedown");
    assert_eq!(sim.app.lane, 1);
    sim.keys("U U");
    assert_eq!(sim.app.views.len(), 1);
    assert_eq!(sim.app.engine_goal().unwrap().lanes.len(), 1);
}

#[test]
fn a_forest_of_other_features_is_not_saved() {
    let mut sim = Sim::new([1, 64, 64]);
    sim.keys("space 2 L L space r");
    let trained_on = sim.app.edits.labels_rev;
    sim.keys("f2 down right space f3");
    let forest = Arc::new(Forest { trees: Vec::new(), classes: vec![1, 2], feature_count: 49 });
    let revision = ForestRev(1);
    sim.event(AppEvent::Engine(Event::ForestReady {
        forest,
        revision,
        trained_on,
        complete: true,
        oob_error: None,
    }));
    sim.keys("ctrl-s");
    assert!(save_request(&mut sim).project.forest.is_none(), "it was on its way when the features changed");
}

#[test]
fn an_image_that_is_missing_does_not_shift_the_others() {
    let mut lanes = vec![lane("a", [1, 1, 30, 40, 1]), lane("b", [1, 1, 30, 40, 1])];
    let mut project = brushwood::app::state::empty_project();
    let sources = vec![lanes[0].source.clone()];
    project.lanes.extend(lanes.drain(..).map(|lane| lane.lane));
    let mut sim = Sim::with_lanes(Vec::new());
    let problems = vec![Problem::new("Can't open 'b.tif'", "no such file", "")];
    sim.opened(Opened { project, sources, save_to: None, problems, ..opened(Vec::new()) });
    sim.lanes_opened(vec![lane("c", [1, 1, 30, 40, 1])]).keys("space");
    let names: Vec<&str> = sim.app.project.lanes.iter().map(|lane| lane.raw.nickname.as_str()).collect();
    assert_eq!(names, ["a", "c", "b"]);
    assert_eq!(sim.app.project.lanes[1].labels.counts()[1], 9);
    let counted: Vec<_> = sim.app.project.lanes.iter().map(|lane| lane.labels.counts()).collect();
    assert_eq!(counted, sim.app.edits.counts);
    sim.keys("U U");
    assert_eq!(sim.app.views.len(), 1);
}

#[test]
fn the_view_is_kept_in_the_project() {
    let mut sim = Sim::new([20, 30, 40]);
    sim.keys("} x + + u . q left left space o").command("contrast.set 5 50").keys("ctrl-s");
    let request = save_request(&mut sim);
    let mut again = Sim::new([20, 30, 40]);
    let lanes = vec![lane("nuclei", [1, 20, 30, 40, 1])];
    again.opened(Opened { project: request.project.clone(), save_to: None, ..opened(lanes) });
    assert_eq!(again.app.view(), sim.app.view());
    assert_eq!(again.app.layers.layers, sim.app.layers.layers);
    assert_eq!(again.app.paint.brush, sim.app.paint.brush);
    assert_eq!(again.app.label_count(1), sim.app.label_count(1));
    assert!(!again.app.is_dirty());
}

#[test]
fn features_are_edited_and_undone() {
    let mut sim = Sim::new([21, 64, 80]);
    let all = sim.app.shown_selection();
    assert!(all.count() > 20);
    sim.keys("f2 down down space");
    assert_eq!(sim.app.shown_selection().count(), all.count(), "0.3 is not offered for the Laplacian");
    assert!(sim.message().contains("not offered below scale 0.7"), "{}", sim.message());
    sim.keys("right space");
    assert_eq!(sim.app.shown_selection().count(), all.count() - 1);
    sim.keys("up space");
    assert_eq!(sim.app.shown_selection().count(), all.count(), "a group fills up first");
    sim.keys("space");
    assert_eq!(sim.app.shown_selection().count(), all.count() - 3);
    sim.keys("0");
    assert_eq!(sim.app.shown_selection().count(), 0);
    sim.keys("a");
    assert_eq!(sim.app.shown_selection().count(), 37, "with 10.0, which fits in 2D");
    sim.command("feature.scale_add 2.5");
    let selection = sim.app.shown_selection();
    assert_eq!(selection.scales.last(), Some(&2.5));
    sim.command("feature.scale_add 2.5");
    assert!(sim.message().contains("there already"), "{}", sim.message());
    sim.command("feature.scale_set 12");
    sim.command("feature.dimension");
    sim.command("feature.scale_set 0");
    assert_eq!(sim.app.shown_selection().scales, all.scales);
    let rev = sim.app.engine_goal().map(|goal| goal.selection_rev);
    while sim.app.edits.can_undo() {
        sim.keys("U");
    }
    assert_eq!(sim.app.shown_selection(), all);
    assert!(sim.app.engine_goal().map(|goal| goal.selection_rev) > rev);
}

#[test]
fn live_update_and_one_update_reach_the_engine() {
    let mut sim = Sim::new([1, 64, 64]);
    assert!(!sim.app.engine_goal().unwrap().live, "off at first");
    sim.keys("l");
    let goal = sim.app.engine_goal().unwrap();
    assert!(goal.live && goal.predict);
    assert_eq!(sim.app.training.notice.as_deref(), Some("labels of 2 classes are needed, found 0"));
    sim.keys("space 2 L L space");
    assert_eq!(sim.app.training.notice, None);
    sim.keys("l r");
    let goal = sim.app.engine_goal().unwrap();
    assert!(!goal.live && goal.once == Some(goal.labels_rev));
    let forest = Arc::new(Forest { trees: Vec::new(), classes: vec![1, 2], feature_count: 49 });
    let ready = |revision, complete| {
        AppEvent::Engine(Event::ForestReady {
            forest: Arc::clone(&forest),
            revision: ForestRev(revision),
            trained_on: goal.labels_rev,
            complete,
            oob_error: Some(0.1),
        })
    };
    sim.event(ready(1, false)).keys("ctrl-s");
    let request = save_request(&mut sim);
    assert!(request.project.forest.is_none(), "a forest with its first trees is not saved");
    saved(&mut sim, &request, Ok(()));
    sim.event(ready(2, true));
    assert_eq!(sim.app.engine_goal().unwrap().once, None);
    sim.keys("ctrl-s");
    let request = save_request(&mut sim);
    assert!(request.project.forest.is_some());
    assert_eq!(request.project.forest_feature_names.len(), 49);
    saved(&mut sim, &request, Ok(()));
    sim.command("label.rename nucleus").keys("a ctrl-s");
    let request = save_request(&mut sim);
    assert!(request.project.forest.is_some(), "names and empty labels change nothing that was learned");
    saved(&mut sim, &request, Ok(()));
    sim.keys("right space ctrl-s");
    assert!(save_request(&mut sim).project.forest.is_none(), "it was trained on other labels");
}

#[test]
fn a_project_that_cannot_be_saved_is_noticed_at_once_and_goes_elsewhere() {
    let mut sim = Sim::new([1, 30, 40]);
    let mut project = brushwood::app::state::empty_project();
    project.path = Some("shared/p.ilp".into());
    let lane = lane("nuclei", [1, 1, 30, 40, 1]);
    project.lanes.push(lane.lane);
    let access = brushwood::app::Access {
        refused: Some("the file is write-protected".into()),
        instead: Some("own/p.ilp".into()),
        ..Default::default()
    };
    sim.opened(Opened { project, sources: vec![lane.source], save_to: None, access, ..opened(Vec::new()) });
    assert!(
        sim.message().contains("'p.ilp' can't be saved: the file is write-protected"),
        "{}",
        sim.message()
    );
    sim.keys("space ctrl-s");
    assert_eq!(sim.app.popups.len(), 1, "it asks where to");
    sim.take_effects();
    sim.keys("enter");
    let request = save_request(&mut sim);
    assert_eq!(request.path, PathBuf::from("own/p.ilp"));
    saved(&mut sim, &request, Ok(()));
    sim.event(AppEvent::Access(brushwood::app::Access {
        hold: Some(brushwood::app::Hold(Box::new(()))),
        ..Default::default()
    }));
    sim.keys("right space ctrl-s");
    assert_eq!(save_request(&mut sim).path, PathBuf::from("own/p.ilp"));
    let other = brushwood::app::Access { refused: Some("it is gone".into()), ..Default::default() };
    sim.event(AppEvent::Access(other));
    assert!(sim.message().contains("it is gone"));
}

#[test]
fn what_was_open_lately_is_opened_again() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("g o");
    assert!(sim.message().contains("nothing was opened before"), "{}", sim.message());
    sim.event(AppEvent::Recent(vec!["/a.ilp".into(), "/b.tif".into(), "/c.tif".into()]));
    let opened = |sim: &mut Sim| {
        sim.take_effects().into_iter().find_map(|effect| match effect {
            Effect::Open(location) => Some(location),
            _ => None,
        })
    };
    sim.take_effects();
    sim.keys("g o down enter");
    assert_eq!(opened(&mut sim).as_deref(), Some("/b.tif"));
    sim.event(AppEvent::Opened(Err(Problem::new("gone", "", ""))));
    sim.keys("g o 3");
    assert_eq!(opened(&mut sim).as_deref(), Some("/c.tif"));
    sim.event(AppEvent::Opened(Err(Problem::new("gone", "", ""))));
    sim.keys("g o 9");
    assert_eq!((opened(&mut sim), sim.app.popups.len()), (None, 1));
    sim.keys("esc");
    assert!(sim.app.popups.is_empty());
}
