//! Three slices at once, boxes, brushes of any size, channels in colour, contrast, what training tells.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::float_cmp)]

mod sim;

use std::sync::Arc;

use brushwood::app::{AppEvent, ChannelView, Focus, Tool};
use brushwood::classify::Forest;
use brushwood::command::Command;
use brushwood::data::revision::ForestRev;
use brushwood::data::{Axis, LabelVolume};
use brushwood::engine::{Event, TrainingStage};
use crossterm::event::{KeyModifiers, MouseButton, MouseEventKind};
use proptest::prelude::*;
use sim::{Sim, lane};

const NONE: KeyModifiers = KeyModifiers::NONE;

fn channels(count: usize) -> Sim {
    let mut sim = Sim::with_lanes(vec![lane("stains", [1, 1, 30, 40, count])]);
    sim.load();
    sim
}

/// Moves the cursor to a row and column without leaving the box that is being drawn.
fn corner(sim: &mut Sim, row: usize, column: usize) -> &mut Sim {
    sim.keys(":").text(&format!("view.go_to {column} {row}")).keys("enter")
}

#[test]
fn three_slices_cross_at_the_cursor() {
    let mut sim = Sim::new([20, 30, 40]);
    sim.keys("q");
    let axes: Vec<Axis> = sim.app.engine_views().iter().map(|view| view.plane.axis).collect();
    assert_eq!(axes, [Axis::Z, Axis::Y, Axis::X]);
    assert_eq!(sim.app.engine_goal().unwrap().beside.len(), 2);
    // Each slice is seen whole in its pane.
    for (axis, area) in sim.app.panes() {
        let plane = sim.app.view().unwrap().plane_along(axis);
        let extent = plane.extent([20, 30, 40]);
        assert_eq!(sim.app.viewport_along(axis).unwrap().visible(extent), [[0, extent[0]], [0, extent[1]]]);
        assert_eq!(sim.app.viewport_along(axis).unwrap().picture, area.size);
    }
    let at = |sim: &Sim, axis| sim.app.view().unwrap().plane_along(axis).position;
    sim.keys("right down down ]");
    assert_eq!([at(&sim, Axis::X), at(&sim, Axis::Y), at(&sim, Axis::Z)], [21, 17, 11]);
    sim.keys("o");
    assert_eq!(sim.app.plane().unwrap().axis, Axis::X);
    sim.command("brush.size 1").keys("space");
    assert_eq!(sim.label([0, 11, 17, 21]), 1);
    sim.keys("down space");
    assert_eq!((sim.label([0, 12, 17, 21]), at(&sim, Axis::Z)), (1, 12));
    sim.keys("o o");
    assert_eq!(sim.app.plane().unwrap().axis, Axis::Z);
}

#[test]
fn the_mouse_moves_no_slice_until_it_is_pressed() {
    let mut sim = Sim::new([20, 30, 40]);
    sim.command("brush.size 1").keys("q");
    let crossing = |sim: &Sim| sim.app.view().unwrap().crossing;
    assert_eq!(crossing(&sim), [10, 15, 20]);
    sim.mouse_along(Axis::Z, MouseEventKind::Moved, NONE, [4, 5]);
    assert_eq!((crossing(&sim), sim.app.view().unwrap().cursor), ([10, 15, 20], [0, 10, 4, 5]));
    // Over another slice, which takes keys from then on and stays where it is.
    sim.mouse_along(Axis::Y, MouseEventKind::Moved, NONE, [3, 7]);
    assert_eq!((crossing(&sim), sim.app.view().unwrap().cursor), ([10, 15, 20], [0, 3, 15, 7]));
    let press = MouseEventKind::Down(MouseButton::Left);
    sim.mouse_along(Axis::X, press, NONE, [2, 9]);
    assert_eq!((crossing(&sim), sim.label([0, 2, 9, 20])), ([2, 9, 20], 1));
    // A drag stays on its slice, wherever the mouse goes.
    sim.mouse_along(Axis::X, MouseEventKind::Drag(MouseButton::Left), NONE, [2, -60]);
    assert_eq!(sim.app.plane().unwrap().axis, Axis::X);
    sim.mouse_along(Axis::X, MouseEventKind::Up(MouseButton::Left), NONE, [2, -60]);
    assert_eq!(sim.app.label_count(1), 10, "to the edge of the slice");
    sim.mouse_along(Axis::Z, MouseEventKind::ScrollUp, NONE, [4, 5]);
    assert_eq!(sim.app.view().unwrap().plane_along(Axis::Z).position, 3);
}

#[test]
fn one_of_three_slices_can_have_the_canvas() {
    let mut sim = Sim::new([20, 30, 40]);
    sim.keys("q x");
    let shown = |sim: &Sim| (sim.app.panes().len(), sim.app.plane().unwrap().axis);
    assert_eq!(shown(&sim), (1, Axis::X));
    sim.keys("x");
    assert_eq!(shown(&sim), (3, Axis::X));
    sim.keys("q");
    assert_eq!(shown(&sim), (1, Axis::X));
    sim.keys("x");
    assert_eq!(shown(&sim), (1, Axis::X), "it was not one of three");
    let mut flat = Sim::new([1, 30, 40]);
    flat.keys("q");
    assert!(flat.message().contains("no depth"), "{}", flat.message());
}

#[test]
fn the_cursor_moves_by_a_screen() {
    let mut sim = Sim::new([1, 3000, 3000]);
    sim.command("view.actual_size").at(1500, 1500).keys("c");
    let seen = |sim: &Sim| sim.app.viewport().unwrap().visible([3000, 3000]);
    let before = seen(&sim);
    // The cursor is in the middle of a pixel, so that half a pixel is seen at either edge.
    let width = before[1][1] - before[1][0] - 1;
    sim.keys("g right");
    assert_eq!(sim.app.view().unwrap().cursor[3], 1500 + width);
    let after = seen(&sim);
    assert_eq!(after, [before[0], before[1].map(|p| p + width)]);
    sim.keys("g up g up g up g up g up");
    assert_eq!(sim.app.view().unwrap().cursor[2], 0, "it ends at the edge");
}

#[test]
fn a_box_fills_the_canvas() {
    let mut sim = Sim::new([1, 600, 800]);
    sim.at(100, 100).keys("Z");
    corner(&mut sim, 149, 179);
    assert_eq!(sim.app.band().unwrap().1, [[100, 100], [149, 179]]);
    sim.keys("Z");
    let [rows, columns] = sim.app.viewport().unwrap().visible([600, 800]);
    assert!(
        rows[0] <= 100 && rows[1] >= 150 && columns[0] <= 100 && columns[1] >= 180,
        "{rows:?} {columns:?}"
    );
    let tight = (rows[1] - rows[0] <= 51) || (columns[1] - columns[0] <= 81);
    assert!(tight, "{rows:?} {columns:?}");
    sim.keys("F");
    let whole = sim.app.viewport().unwrap();
    // By the mouse, the corners in any order.
    sim.drag_with(MouseButton::Left, KeyModifiers::CONTROL, &[[50, 60], [40, 40], [20, 30]]);
    let [rows, columns] = sim.app.viewport().unwrap().visible([600, 800]);
    assert!(rows[0] <= 20 && rows[1] >= 51 && columns[0] <= 30 && columns[1] >= 61);
    assert_eq!((sim.app.label_count(1), sim.app.band()), (0, None));
    sim.keys("F Z esc");
    assert_eq!((sim.app.band(), sim.app.viewport().unwrap()), (None, whole));
    sim.keys("Z Z");
    assert!(sim.message().contains("single pixel"), "{}", sim.message());
}

#[test]
fn rectangles_by_keys_and_by_mouse() {
    let count = |sim: &Sim, n| sim.app.label_count(n);
    let mut sim = Sim::new([1, 30, 40]);
    sim.at(5, 9).keys("R");
    corner(&mut sim, 2, 3).keys("R");
    assert_eq!(count(&sim, 1), 4 * 7);
    assert!((2..6).all(|y| (3..10).all(|x| sim.label([0, 0, y, x]) == 1)));
    sim.keys("2 R").drag(MouseButton::Left, &[[10, 10], [11, 14], [12, 15]]);
    assert_eq!((count(&sim, 2), sim.app.edits.depth()), (3 * 6, 2));
    // A corner marked by keys and a click on the other.
    sim.keys("e").at(2, 3).keys("R").drag(MouseButton::Left, &[[3, 4]]);
    assert_eq!(count(&sim, 1), 4 * 7 - 4);
    // A drag beyond the image ends at its edge.
    sim.keys("2 R").drag(MouseButton::Left, &[[28, 38], [60, 70]]);
    assert_eq!(count(&sim, 2), 3 * 6 + 2 * 2);
    sim.keys("U U U U");
    assert_eq!((count(&sim, 1), count(&sim, 2)), (0, 0));
}

#[test]
fn brushes_have_any_size_and_are_seen_before_they_paint() {
    let mut sim = Sim::new([1, 200, 200]);
    sim.command("brush.size 4").at(50, 50).keys("space");
    assert_eq!(sim.app.label_count(1), 12);
    sim.keys("g b ctrl-u").text("97").keys("enter");
    assert_eq!(sim.app.brush_in_hand().unwrap().diameter, 97);
    sim.command("brush.size 100000");
    assert!(sim.message().contains("largest brush"), "{}", sim.message());
    // While the right button erases, it is the eraser that is seen.
    sim.mouse(MouseEventKind::Down(MouseButton::Right), NONE, [50, 50]);
    assert_eq!(sim.app.brush_in_hand().unwrap().diameter, 11);
    assert!(sim.app.paint.erases_now());
    sim.mouse(MouseEventKind::Up(MouseButton::Right), NONE, [50, 50]);
    assert!(!sim.app.paint.erases_now());
    sim.keys("n");
    assert_eq!(sim.app.brush_in_hand(), None);
}

#[test]
fn channels_have_colours_and_are_turned_on_and_off() {
    let mut sim = channels(5);
    let shown = |sim: &Sim| sim.app.view().unwrap().display.shown();
    assert_eq!((sim.app.view().unwrap().display.view, shown(&sim)), (ChannelView::Gray, vec![0]));
    sim.keys("C");
    assert_eq!(shown(&sim), [0, 1, 2, 3, 4]);
    sim.keys("shift-tab");
    assert_eq!(sim.app.screen.focus, Focus::Channels);
    sim.keys("down space down down enter");
    assert_eq!(shown(&sim), [0, 2, 4]);
    let color = |sim: &Sim| sim.app.view().unwrap().display.tints[3].color;
    let before = color(&sim);
    sim.keys("c");
    assert_ne!(color(&sim), before);
    sim.command("channel.recolor #102030");
    assert_eq!(color(&sim), [16, 32, 48]);
    sim.command("channel.recolor greenish");
    assert!(sim.message().contains("no colour"));
    // Contrast acts on the selected channel, or on all.
    sim.command("contrast.set 10 20");
    let ranges = |sim: &Sim| (0..5).map(|c| sim.app.display_range(c) == (10.0, 20.0)).collect::<Vec<_>>();
    assert_eq!(ranges(&sim), [false, false, false, true, false]);
    sim.command("channel.link").command("contrast.set 10 20");
    assert_eq!(ranges(&sim), [true, false, true, true, true], "those that are on");
    assert!(!sim.app.is_dirty(), "display only");
    let mut photograph = channels(3);
    photograph.command("contrast.set 1 2");
    assert_eq!(photograph.app.display_range(2), (2000.0, 2329.0), "16 bits: stains, one by one");
}

#[test]
fn the_histogram_is_of_the_channel_and_slice_shown() {
    let mut sim = channels(2);
    let total = |sim: &Sim| sim.app.histogram.as_ref().unwrap().bins.iter().sum::<u32>();
    assert_eq!(total(&sim), 30 * 40);
    assert_eq!(sim.app.histogram.as_ref().unwrap().range, (0.0, 329.0));
    sim.command("channel.select_by 1");
    assert_eq!(sim.app.histogram.as_ref().unwrap().range, (1000.0, 1329.0));
    let heights = sim.app.histogram.as_ref().unwrap().heights();
    assert!(heights.iter().all(|height| (0.0..=1.0).contains(height)) && heights.contains(&1.0));
}

#[test]
fn contrast_from_what_is_on_screen() {
    let mut sim = Sim::new([1, 300, 400]);
    sim.load().at(100, 100).keys("Z");
    corner(&mut sim, 109, 119).keys("Z");
    let [rows, columns] = sim.app.viewport().unwrap().visible([300, 400]);
    let value = |row: usize, column: usize| (column + 10 * row) as f64;
    let expected = (value(rows[0], columns[0]), value(rows[1] - 1, columns[1] - 1));
    sim.keys("V");
    assert_eq!(sim.app.display_range(0), expected);
    sim.keys("T t").drag(MouseButton::Right, &[[105, 105]]);
    assert_eq!(sim.app.display_range(0), expected);
    assert_eq!(sim.app.paint.tool, Tool::Contrast);
}

#[test]
fn the_screen_says_what_training_is_at_and_what_it_lacks() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("l");
    assert_eq!(sim.app.classes_to_label(), ["Label 1", "Label 2"]);
    sim.keys("space");
    assert_eq!(sim.app.classes_to_label(), ["Label 2"]);
    sim.keys("2 L space");
    assert_eq!((sim.app.classes_to_label(), &sim.app.training.notice), (vec![], &None));
    let stages = [Some(TrainingStage::Rows), Some(TrainingStage::Trees { done: 25, total: 100 }), None];
    let texts = stages.map(|stage| {
        sim.event(AppEvent::Engine(Event::Training(stage)));
        sim.app.training_text()
    });
    assert!(texts[0].as_ref().unwrap().contains("features"));
    assert!(texts[1].as_ref().unwrap().contains("25/100"));
    assert_eq!(texts[2], None);
}

#[test]
fn tiles_out_of_date_for_long_are_marked() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("space 2 L space l").time(10_000);
    sim.event(AppEvent::Engine(Event::TilesReady { done: 3, total: 9 }));
    assert!(!sim.app.marks_stale(), "what is replaced at once is not marked");
    assert_eq!(sim.app.next_deadline().map(|at| at.as_millis()), Some(10_700));
    sim.time(10_400).event(AppEvent::Engine(Event::TilesReady { done: 5, total: 9 }));
    sim.time(10_700);
    assert!(sim.app.marks_stale());
    sim.event(AppEvent::Engine(Event::TilesReady { done: 9, total: 9 }));
    sim.event(AppEvent::Engine(Event::TilesReady { done: 0, total: 9 }));
    assert!(!sim.app.marks_stale(), "the next update has its own time");
}

#[test]
fn predictions_that_stay_older_than_the_labels_are_said() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("space 2 L space l");
    let forest = Arc::new(Forest { trees: Vec::new(), classes: vec![1, 2], feature_count: 1 });
    let trained_on = sim.app.edits.labels_rev;
    sim.event(AppEvent::Engine(Event::ForestReady {
        forest,
        revision: ForestRev(1),
        trained_on,
        complete: true,
        oob_error: None,
    }));
    sim.keys("J space");
    assert!(!sim.app.predictions_are_older(), "live update is on it");
    sim.keys("l");
    assert!(sim.app.predictions_are_older());
    sim.keys("r");
    assert!(!sim.app.predictions_are_older(), "it was asked for");
    sim.keys("U");
    let edits = sim.app.edits.depth();
    assert_eq!(edits, 2);
}

/// What is done to labels and classes, in any order.
const EDITS: [&str; 12] = [
    "paint.dab",
    "cursor.leap right",
    "cursor.leap down",
    "paint.line",
    "paint.rectangle",
    "paint.fill",
    "label.add",
    "label.by 1",
    "label.merge 1",
    "label.clear",
    "tool.eraser",
    "tool.brush",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn undo_and_redo_go_back_and_forth_without_limit(picks in prop::collection::vec(0..EDITS.len(), 1..60)) {
        let mut sim = Sim::new([1, 30, 40]);
        let state = |sim: &Sim| -> (LabelVolume, usize) {
            (sim.app.labels().unwrap().clone(), sim.app.project.classes.len())
        };
        let first = state(&sim);
        for pick in picks {
            // Not by `command`, whose esc would drop a box.
            sim.keys(":").text(EDITS[pick]).keys("enter");
        }
        sim.keys("esc");
        let last = state(&sim);
        let depth = sim.app.edits.depth();
        (0..depth).for_each(|_| _ = sim.command("edit.undo"));
        prop_assert!(state(&sim) == first);
        prop_assert!(!sim.app.edits.can_undo());
        (0..depth).for_each(|_| _ = sim.command("edit.redo"));
        prop_assert!(state(&sim) == last);
        let recounted: Vec<_> = sim.app.project.lanes.iter().map(|lane| lane.labels.counts()).collect();
        prop_assert_eq!(recounted, sim.app.edits.counts.clone());
    }
}

#[test]
fn every_edit_of_the_list_is_a_command() {
    assert!(EDITS.iter().all(|text| Command::parse(text).is_ok()));
}
