//! Keys and mouse in, labels and effects out.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod sim;

use brushwood::app::{Effect, Tool};
use crossterm::event::{KeyModifiers, MouseButton};
use sim::{Sim, lane};

fn small() -> Sim {
    let mut sim = Sim::new([1, 7, 9]);
    sim.command("brush.size 1").at(3, 4);
    sim
}

#[test]
fn space_dabs_and_u_undoes() {
    let mut sim = small();
    sim.keys("b 2 space right space");
    assert_eq!(sim.picture()[3], "....22...");
    assert_eq!(sim.app.label_count(2), 2);
    sim.keys("U");
    assert_eq!(sim.picture()[3], "....2....");
    sim.keys("ctrl-z ctrl-y ctrl-y");
    assert_eq!(sim.picture()[3], "....22...");
    assert_eq!(sim.app.label_count(2), 2);
}

#[test]
fn the_pen_paints_while_the_cursor_moves_as_one_step() {
    let mut sim = small();
    sim.keys("v right right down v left left");
    assert_eq!(sim.picture()[3..5], ["....111..", "......1.."]);
    sim.keys("U");
    assert_eq!(sim.app.label_count(1), 0);
    assert!(!sim.app.edits.can_undo());
}

#[test]
fn slash_paints_a_line_from_the_last_dab() {
    let mut sim = small();
    sim.keys("space").at(0, 1).keys("/");
    assert_eq!(sim.picture()[..4], [".1.......", "..1......", "...1.....", "....1...."]);
    sim.keys("up").command("view.go_to 8 6").keys("/");
    assert_eq!(sim.label([0, 0, 6, 8]), 1, "the line goes on from the end of the last one");
}

#[test]
fn fill_takes_the_inside_of_a_closed_outline_only() {
    let mut sim = small();
    sim.at(1, 2).keys("space").at(1, 6).keys("/").at(5, 6).keys("/").at(5, 2).keys("/").at(1, 2).keys("/");
    sim.at(3, 4).keys("2 f");
    assert_eq!(sim.picture()[2], "..12221..");
    assert_eq!(sim.app.label_count(2), 9);
    sim.at(0, 0).keys("f");
    assert_eq!(sim.app.label_count(2), 9);
    assert!(sim.message().contains("not closed"), "{}", sim.message());
    sim.at(3, 4).keys("e f");
    assert_eq!(sim.app.label_count(2), 0, "the eraser takes the patch under the cursor");
    assert_eq!(sim.app.label_count(1), 16);
}

#[test]
fn dragging_paints_without_gaps_and_the_right_button_erases() {
    let mut sim = small();
    sim.drag(MouseButton::Left, &[[0, 0], [0, 4], [4, 8]]);
    let picture = sim.picture();
    assert_eq!(picture[..5], ["11111....", ".....1...", "......1..", ".......1.", "........1"]);
    assert_eq!(sim.app.edits.depth(), 1, "one drag is one step");
    sim.keys("e").command("brush.size 1").keys("b").drag(MouseButton::Right, &[[0, 1], [0, 3]]);
    assert_eq!(sim.picture()[0], "1...1....");
    assert_eq!(sim.app.paint.tool, Tool::Brush);
    sim.keys("U U");
    assert_eq!(sim.app.label_count(1), 0);
}

#[test]
fn a_drag_may_leave_the_image() {
    let mut sim = small();
    sim.drag(MouseButton::Left, &[[3, 4], [3, 40], [-9, 40], [-9, 2], [3, 2]]);
    assert_eq!(sim.picture()[3], "..1.11111");
    assert_eq!(sim.label([0, 0, 0, 2]), 1);
}

#[test]
fn long_strokes_are_painted_in_one_piece() {
    let mut sim = Sim::new([1, 700, 900]);
    sim.command("brush.size 1").drag(MouseButton::Left, &[[0, 0], [699, 899]]);
    let labels = sim.app.labels().unwrap();
    assert!((0..700).all(|y| (0..900).any(|x| labels.get([0, 0, y, x]) == 1)), "a row is missing");
}

#[test]
fn sizes_of_brush_and_eraser_are_separate() {
    let mut sim = small();
    assert_eq!((sim.app.paint.brush.diameter, sim.app.paint.eraser.diameter), (1, 11));
    sim.keys(". . e ,");
    assert_eq!((sim.app.paint.brush.diameter, sim.app.paint.eraser.diameter), (5, 7));
}

#[test]
fn strokes_go_onto_the_slice_shown() {
    let mut sim = Sim::new([5, 6, 7]);
    sim.command("brush.size 1").at(2, 3).keys("] space x space");
    let cursor = sim.app.view().unwrap().cursor;
    assert_eq!(cursor, [0, 3, 2, 3]);
    assert_eq!(sim.label(cursor), 1);
    sim.keys("right space");
    assert_eq!(sim.label([0, 3, 3, 3]), 1, "along x, right is y");
}

#[test]
fn every_edit_of_labels_is_undone_in_turn() {
    let mut sim = Sim::with_lanes(vec![lane("a", [1, 1, 7, 9, 1]), lane("b", [1, 1, 7, 9, 1])]);
    sim.command("brush.size 1").keys("1 space right 2 space a right space pagedown 3 space 2 space");
    let names = |sim: &Sim| sim.app.project.classes.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    let all = |sim: &Sim| {
        let labels: Vec<_> = sim.app.project.lanes.iter().map(|lane| lane.labels.clone()).collect();
        (labels, sim.app.project.classes.clone(), sim.app.edits.counts.clone())
    };
    let mut states = vec![all(&sim)];
    for command in
        ["label.rename nucleus", "label.recolor #010203", "label.merge 1", "label.select 2", "label.clear"]
    {
        sim.command(command);
        if command != "label.select 2" {
            states.push(all(&sim));
        }
    }
    assert_eq!(names(&sim), ["Label 1", "Label 3"]);
    assert_eq!(sim.app.label_count(1), 3, "merged");
    assert_eq!(sim.app.label_count(2), 0, "what was label 3 moved down and was cleared");
    for state in states.iter().rev().skip(1) {
        sim.keys("U");
        assert!(all(&sim) == *state, "undo of the labels");
    }
    for state in states.iter().skip(1) {
        sim.keys("ctrl-y");
        assert!(all(&sim) == *state, "redo of the labels");
    }
    let recounted: Vec<_> = sim.app.project.lanes.iter().map(|lane| lane.labels.counts()).collect();
    assert_eq!(recounted, sim.app.edits.counts);
}

#[test]
fn deleting_a_label_moves_the_others_down_in_every_lane() {
    let mut sim = Sim::with_lanes(vec![lane("a", [1, 1, 7, 9, 1]), lane("b", [1, 1, 7, 9, 1])]);
    sim.command("brush.size 1").keys("a space pagedown space 1").command("label.delete");
    assert_eq!(sim.app.project.classes.len(), 2);
    assert!(sim.app.project.lanes.iter().all(|lane| lane.labels.counts()[2] == 1));
    sim.command("label.delete");
    assert!(sim.message().contains("at least two labels"), "{}", sim.message());
}

#[test]
fn the_engine_hears_of_strokes_only_through_goals() {
    let mut sim = small();
    sim.take_effects();
    sim.keys("space");
    assert!(matches!(sim.take_effects()[..], [Effect::Journal(_), Effect::Goal]));
    let goal = sim.app.engine_goal().unwrap();
    assert_eq!(goal.labels[0].get([0, 0, 3, 4]), 1);
    sim.keys("right space");
    assert_eq!(goal.labels[0].get([0, 0, 3, 5]), 0, "a goal is a snapshot");
    assert!(sim.app.engine_goal().unwrap().labels_rev > goal.labels_rev);
}

#[test]
fn panning_moves_the_slice_with_the_mouse() {
    let mut sim = Sim::new([1, 600, 600]);
    sim.command("view.actual_size");
    let before = sim.app.view().unwrap().pane().center;
    sim.drag_with(MouseButton::Left, KeyModifiers::SHIFT, &[[300, 300], [310, 320]]);
    let after = sim.app.view().unwrap().pane().center;
    assert_eq!([before[0] - after[0], before[1] - after[1]], [10.0, 20.0]);
    assert_eq!(sim.app.edits.depth(), 0);
    sim.drag(MouseButton::Middle, &[[300, 300], [290, 280]]);
    assert_eq!(sim.app.view().unwrap().pane().center, before);
}
