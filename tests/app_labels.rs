//! Label classes by commands: locking, moving, merging, clearing, and what undo brings back.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod sim;

use brushwood::app::{AppEvent, Level};
use brushwood::classify::Forest;
use brushwood::data::LabelVolume;
use brushwood::data::revision::ForestRev;
use brushwood::engine::Event;
use sim::{Sim, lane};
use std::sync::Arc;

/// Two images with three labels each, on rows 1 to 3.
fn three() -> Sim {
    let mut sim = Sim::with_lanes(vec![lane("a", [1, 1, 20, 30, 1]), lane("b", [1, 1, 20, 30, 1])]);
    sim.keys("a").command("brush.size 1");
    for lane in 1..=2 {
        sim.command(&format!("lane.show {lane}"));
        for label in 1..=3 {
            sim.keys(&label.to_string()).at(label, 5).keys("space");
        }
    }
    sim
}

fn labels(sim: &Sim) -> Vec<LabelVolume> {
    sim.app.project.lanes.iter().map(|lane| lane.labels.clone()).collect()
}

fn names(sim: &Sim) -> Vec<&str> {
    sim.app.project.classes.iter().map(|class| class.name.as_str()).collect()
}

/// Labels at column 5 of rows 1 to 3, in both images.
fn column(sim: &Sim) -> [Vec<u8>; 2] {
    [0, 1].map(|lane| {
        (1..=3).map(|row| sim.app.project.lanes[lane].labels.get([0, 0, row, 5])).collect::<Vec<_>>()
    })
}

#[test]
fn moving_a_label_renumbers_its_strokes_in_every_image() {
    let mut sim = three();
    let before = labels(&sim);
    let revision = sim.app.engine_goal().unwrap().classes_rev;
    sim.keys("1").command("label.move 2");
    assert_eq!(names(&sim), ["Label 2", "Label 3", "Label 1"]);
    assert_eq!(column(&sim), [vec![3, 1, 2], vec![3, 1, 2]]);
    assert_eq!(sim.app.paint.label, 3, "the label moved stays selected");
    assert_ne!(sim.app.engine_goal().unwrap().classes_rev, revision, "forests spoke of the old numbers");
    sim.keys("esc tab K");
    assert_eq!(column(&sim), [vec![2, 1, 3], vec![2, 1, 3]]);
    sim.keys("U U");
    assert_eq!((labels(&sim), names(&sim)), (before, vec!["Label 1", "Label 2", "Label 3"]));
    let depth = sim.app.edits.depth();
    sim.keys("1").command("label.move -5");
    assert_eq!(sim.app.edits.depth(), depth, "the first label can't go up");
}

#[test]
fn a_locked_label_is_neither_painted_over_nor_erased() {
    let mut sim = three();
    sim.keys("2").command("label.lock");
    assert!(sim.app.project.classes[1].locked);
    let before = labels(&sim);
    sim.at(2, 5).keys("1 space");
    assert_eq!(sim.app.messages.entries().last().unwrap().level, Level::Warning);
    assert!(sim.message().contains("'Label 2' is locked"), "{}", sim.message());
    sim.keys("e").command("brush.size 1").keys("space f");
    assert_eq!(labels(&sim), before);
    sim.command("label.select 2");
    for command in ["label.clear", "label.delete", "label.merge 1"] {
        sim.command(command);
        assert!(sim.message().contains("the label is locked"), "{command}: {}", sim.message());
    }
    assert_eq!(labels(&sim), before);
    sim.command("label.clear_all");
    assert_eq!(column(&sim), [vec![0, 2, 0], vec![0, 2, 0]]);
    assert!(sim.message().contains("1 locked"), "{}", sim.message());
    sim.keys("U");
    assert_eq!(labels(&sim), before);
    sim.keys("2").at(4, 5).keys("space");
    assert_eq!(sim.label([0, 0, 4, 5]), 2, "a locked label can still be painted");
    sim.command("label.lock").at(2, 5).keys("1 space");
    assert_eq!(sim.label([0, 0, 2, 5]), 1);
    sim.keys("U U");
    assert!(sim.app.project.classes[1].locked, "locking is undone like any edit");
}

#[test]
fn merging_and_clearing_are_undone_to_the_pixel_also_while_live_update_runs() {
    let mut sim = three();
    sim.keys("l");
    let forest = Arc::new(Forest { trees: Vec::new(), classes: vec![1, 2, 3], feature_count: 37 });
    let before = labels(&sim);
    let classes = sim.app.project.classes.clone();
    for command in ["label.merge 1", "label.delete", "label.clear", "label.clear_all", "label.move -1"] {
        sim.keys("3").command(command);
        let goal = sim.app.engine_goal().unwrap();
        assert!(goal.live && *goal.labels != before, "{command}");
        assert_eq!(goal.class_count, sim.app.project.classes.len());
        // The forest of before may still be on its way.
        let trained_on = brushwood::data::revision::LabelsRev(1);
        sim.event(AppEvent::Engine(Event::ForestReady {
            forest: Arc::clone(&forest),
            revision: ForestRev(1),
            trained_on,
            complete: true,
            oob_error: None,
        }));
        sim.keys("U");
        assert_eq!(labels(&sim), before, "{command}");
        assert_eq!(sim.app.project.classes, classes, "{command}");
        sim.keys("ctrl-y U");
        assert_eq!(labels(&sim), before, "{command}");
    }
}

#[test]
fn locks_and_moves_survive_in_the_journal() {
    let mut sim = three();
    sim.keys("2").command("label.lock").keys("1").command("label.move 1");
    let records = sim.take_journal();
    let lanes = vec![lane("a", [1, 1, 20, 30, 1]), lane("b", [1, 1, 20, 30, 1])];
    let mut again = Sim::open(lanes, records, Vec::new());
    again.keys("r");
    assert_eq!(labels(&again), labels(&sim));
    assert_eq!(again.app.project.classes, sim.app.project.classes);
}

#[test]
fn the_dialog_of_a_label_changes_merges_clears_and_deletes() {
    let mut sim = three();
    let before = labels(&sim);
    sim.keys("2").command("label.edit");
    assert_eq!(sim.app.form().unwrap().title, "Label 2");
    sim.keys("ctrl-u").text("nucleus").keys("tab ctrl-u").text("#10203");
    assert!(sim.app.form().unwrap().field("color").unwrap().error.is_some());
    sim.text("0");
    assert_eq!(sim.app.form().unwrap().text("probability"), "#102030", "linked");
    sim.keys("tab space tab ctrl-u").text("#ff0000").keys("tab space enter");
    let class = sim.app.project.classes[1].clone();
    assert_eq!(
        (class.name.as_str(), class.color, class.probability_color),
        ("nucleus", [16, 32, 48], [255, 0, 0])
    );
    assert!(class.locked);
    sim.command("label.edit");
    let form = sim.app.form().unwrap();
    assert_eq!(form.field("merge").unwrap().disabled.as_deref(), Some("the label is locked"));
    sim.keys("esc U");
    assert_eq!(sim.app.project.classes[1].name, "Label 2", "all of it is one step");
    // Merging into the third label, then clearing and deleting.
    sim.command("label.edit").keys("tab tab tab tab right right enter");
    assert_eq!(column(&sim), [vec![1, 2, 2], vec![1, 2, 2]]);
    sim.keys("U 2").command("label.edit").keys("tab tab tab tab tab enter");
    assert_eq!(column(&sim), [vec![1, 0, 3], vec![1, 0, 3]]);
    sim.keys("U 2").command("label.edit").keys("tab tab tab tab tab tab enter");
    assert_eq!(column(&sim), [vec![1, 0, 2], vec![1, 0, 2]]);
    sim.keys("U");
    assert_eq!(labels(&sim), before);
}
