//! The dialogs around training: import and export of labels, the explorer, importance, suggestions,
//! classifier settings, bookmarks, the report. Keys in, state and effects out.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod sim;

use brushwood::app::training_tools::{TrainingOutput, TrainingWork};
use sim::training::{
    annotated, answer, explored, importing, label_image, measured, started, suggested, trainable,
};
use sim::{Sim, lane};

fn field_error<'a>(sim: &'a Sim, key: &str) -> Option<&'a str> {
    sim.app.form().unwrap().field(key).unwrap().error.as_deref()
}

fn cells(sim: &Sim, table: &str) -> Vec<Vec<String>> {
    sim.app.form().unwrap().table(table).unwrap().rows.iter().map(|row| row.cells.clone()).collect()
}

#[test]
fn labels_are_imported_with_offset_and_mapping_and_undone_in_one_step() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.at(5, 4).command("brush.size 1").keys("2 space");
    let before = sim.app.labels().unwrap().clone();
    let depth = sim.app.edits.depth();
    importing(&mut sim, label_image());
    assert_eq!(cells(&sim, "values"), [["3", "2"], ["200", "1"]]);
    // The first value becomes label 2, the second stays new; the first pixel comes to (4, 5).
    let form = sim.app.form().unwrap();
    assert_eq!(form.focused().unwrap().key, "values");
    let table = form.table("values").unwrap();
    let becomes: Vec<String> = table.rows.iter().map(|row| table.value_text(row)).collect();
    assert_eq!(becomes, ["new label 1", "new label 2"]);
    sim.keys("left shift-tab backspace").text("5").keys("shift-tab backspace").text("4");
    assert_eq!(sim.label([0, 0, 5, 4]), 2, "the project itself waits for OK");
    let preview = sim.app.drawn_labels().unwrap();
    assert_eq!(
        [preview.get([0, 0, 5, 4]), preview.get([0, 0, 5, 5]), preview.get([0, 0, 12, 13])],
        [2, 2, 3]
    );
    sim.keys("enter");
    assert!(sim.app.popups.is_empty());
    assert_eq!([sim.label([0, 0, 5, 5]), sim.label([0, 0, 12, 13])], [2, 3]);
    assert_eq!(sim.app.project.classes.len(), 3);
    assert_eq!((sim.app.label_count(2), sim.app.label_count(3)), (2, 1));
    assert_eq!(sim.app.edits.depth(), depth + 1);
    sim.keys("U");
    assert_eq!(*sim.app.labels().unwrap(), before);
    assert_eq!(sim.app.project.classes.len(), 2);
    sim.keys("ctrl-y");
    assert_eq!(sim.label([0, 0, 12, 13]), 3);
}

#[test]
fn an_import_warns_refuses_and_leaves_without_a_trace() {
    let mut sim = Sim::new([1, 30, 40]);
    importing(&mut sim, label_image());
    let text = |sim: &Sim| match &sim.app.form().unwrap().field("preview").unwrap().kind {
        brushwood::app::form::FieldKind::Preview(lines, _) => lines.join("\n"),
        _ => String::new(),
    };
    assert!(text(&sim).contains("another size than the image's 40 x 30"), "{}", text(&sim));
    sim.keys("shift-tab shift-tab backspace").text("-500");
    assert!(text(&sim).contains("outside the image"), "{}", text(&sim));
    sim.keys("enter");
    assert!(sim.app.form().unwrap().refused.as_deref().unwrap().contains("Nothing would change"));
    sim.keys("esc");
    assert!(sim.app.labels().unwrap().is_empty() && sim.app.tools.label_preview.is_none());
    assert!(sim.app.drawn_labels().unwrap().is_empty());
    // Axes that are none are named while they are typed, and a file that is none is too.
    sim.keys("g i tab").text("yq");
    sim.keys("shift-tab").text("labels.png");
    assert!(
        field_error(&sim, "axes").is_some_and(|error| error.contains("'q'")),
        "{:?}",
        field_error(&sim, "axes")
    );
    sim.keys("tab backspace").text("x");
    // What stood there on the way was read first; only the answer for all of it counts.
    for _ in 0..2 {
        let work = started(&mut sim).into_iter().next();
        let Some(TrainingWork::ReadLabels { key, .. }) = work else { panic!("nothing is read") };
        answer(&mut sim, TrainingOutput::LabelImage(key, Err("it holds the value 0.5".into())));
    }
    assert_eq!(field_error(&sim, "path"), Some("it holds the value 0.5"));
}

#[test]
fn an_import_spares_locked_labels_and_takes_the_slice_from_the_name() {
    let mut sim = Sim::new([20, 30, 40]);
    sim.keys("1").command("brush.size 1").command("view.go_to 0 0 7").keys("space").command("label.lock");
    sim.take_effects();
    sim.keys("g i").listing("", &["slice_0007.png"]).text("slice_0007.png");
    let Some(TrainingWork::ReadLabels { key, .. }) = started(&mut sim).into_iter().next() else { panic!() };
    answer(&mut sim, TrainingOutput::LabelImage(key, Ok(label_image())));
    assert_eq!(sim.app.form().unwrap().number("z"), Some(7.0));
    sim.keys("enter enter");
    assert_eq!([sim.label([0, 7, 0, 0]), sim.label([0, 7, 0, 1])], [1, 3]);
}

#[test]
fn labels_are_exported_and_nothing_is_replaced_unasked() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("space").take_effects();
    sim.keys("g e").listing("", &["nuclei_Labels.h5"]);
    assert!(field_error(&sim, "path").unwrap().contains("exists"));
    sim.keys("enter");
    assert!(started(&mut sim).is_empty());
    sim.keys("tab space enter");
    let work = started(&mut sim);
    assert!(matches!(&work[..], [TrainingWork::WriteLabels { overwrite: true, .. }]), "{work:?}");
    answer(&mut sim, TrainingOutput::LabelsWritten("nuclei_Labels.h5".into()));
    assert!(sim.message().contains("nuclei_Labels.h5"));
    sim.keys("g e").text(".xyz");
    assert!(field_error(&sim, "path").unwrap().contains("end the name in"));
}

#[test]
fn the_explorer_lists_sorts_filters_goes_there_and_deletes() {
    let mut sim = annotated();
    explored(&mut sim);
    let sizes = |sim: &Sim| -> Vec<String> { cells(sim, "list").iter().map(|row| row[1].clone()).collect() };
    assert_eq!(sizes(&sim), ["1", "5", "1"]);
    assert_eq!(sim.app.view().unwrap().cursor, [0, 0, 3, 3], "the canvas follows the list");
    sim.keys("down");
    assert_eq!(sim.app.view().unwrap().cursor, [0, 0, 20, 32]);
    sim.keys("down");
    assert_eq!((sim.app.lane, sim.app.view().unwrap().cursor), (1, [0, 0, 9, 9]));
    sim.keys("/").text(">2");
    assert_eq!(sizes(&sim), ["5"]);
    sim.keys("backspace backspace").text("label 2 b");
    assert_eq!(cells(&sim, "list"), [["2 Label 2", "1", "9", "9", "b"]]);
    sim.keys("ctrl-u tab right right right shift-tab shift-tab");
    assert_eq!(sim.app.form().unwrap().chosen_text("order"), "largest");
    assert_eq!(sizes(&sim), ["5", "1", "1"]);
    // The largest goes, and comes back.
    let before = sim.app.project.lanes[0].labels.clone();
    sim.keys("x");
    assert_eq!(sizes(&sim), ["1", "1"]);
    assert_eq!(sim.app.label_count(1), 1);
    sim.keys("enter");
    assert!(sim.app.popups.is_empty());
    sim.keys("U");
    assert_eq!(sim.app.project.lanes[0].labels, before);
    assert_eq!(sim.app.label_count(1), 6);
    explored(&mut sim);
    assert_eq!(sizes(&sim).len(), 3, "what undo brought back is found again");
}

#[test]
fn the_explorer_spares_locked_labels_and_says_when_there_are_none() {
    let mut sim = annotated();
    sim.keys("1").command("label.lock");
    explored(&mut sim);
    sim.keys("x");
    assert!(sim.message().contains("is locked"), "{}", sim.message());
    assert_eq!(cells(&sim, "list").len(), 3);
    let mut empty = Sim::new([1, 30, 40]);
    explored(&mut empty);
    assert_eq!(empty.app.form().unwrap().table("list").unwrap().empty, "there are no labels");
    empty.keys("x enter");
}

#[test]
fn importance_is_measured_and_sorted() {
    let mut sim = Sim::new([1, 64, 80]);
    sim.keys("g v");
    assert!(sim.message().contains("labels of 2 classes are needed"), "{}", sim.message());
    let mut sim = trainable();
    sim.keys("g v");
    measured(&mut sim);
    assert_eq!(
        cells(&sim, "table")[0],
        ["Gaussian Gradient Magnitude (σ=1.6)", "0.2000", "0.3000", "0.5000", "3.00"]
    );
    sim.keys("tab right");
    assert!(cells(&sim, "table")[0][0].starts_with("Gaussian Smoothing"), "sorted by Gini");
    sim.keys("enter g v");
    assert!(started(&mut sim).is_empty(), "what still holds is not measured again");
    sim.keys("esc right right right right space g v");
    assert_eq!(started(&mut sim).len(), 1, "other labels, another table");
}

#[test]
fn a_suggestion_is_made_compared_previewed_and_taken() {
    let mut sim = trainable();
    let before = sim.app.project.selection.clone();
    sim.keys("g f");
    assert!(sim.app.form().unwrap().field("penalty").unwrap().disabled.is_some(), "not for the filter");
    sim.keys("right");
    assert!(sim.app.form().unwrap().field("penalty").unwrap().disabled.is_none());
    sim.keys("left tab backspace").text("3").keys("tab enter");
    suggested(&mut sim);
    assert_eq!(cells(&sim, "sets")[2], ["filter, 1", "1", "1.50 %", "12"]);
    assert_eq!(sim.app.form().unwrap().focused().unwrap().key, "sets");
    assert!(sim.app.tools.set_preview.is_some());
    sim.keys("enter");
    assert!(sim.app.popups.is_empty() && sim.app.tools.set_preview.is_none());
    let taken = sim.app.project.selection.clone().unwrap();
    assert!(taken.count() == 1 && taken.selected[4][3]);
    sim.keys("U");
    assert_eq!(sim.app.project.selection, before);
}

#[test]
fn leaving_a_suggestion_cancels_it() {
    let mut sim = trainable();
    sim.keys("g f tab tab enter esc");
    assert!(sim.app.jobs.running().iter().all(|job| job.is_cancelled()));
    assert!(sim.app.popups.is_empty());
    let mut bare = Sim::new([1, 64, 80]);
    bare.keys("g f tab tab enter");
    assert!(bare.app.form().unwrap().refused.as_deref().unwrap().contains("labels of 2 classes"));
}

#[test]
fn the_classifier_is_set_undone_and_part_of_the_goal() {
    let mut sim = trainable();
    sim.keys("g t backspace backspace").text("0 tab").keys("tab backspace").text("77x");
    assert!(field_error(&sim, "seed").unwrap().contains("whole number"));
    sim.keys("backspace enter");
    assert!(sim.app.form().is_some(), "'10 tab' is no number of trees");
    sim.keys("esc g t backspace").text("5").keys("tab backspace").text("77").keys("enter");
    let goal = sim.app.engine_goal().unwrap();
    assert_eq!((goal.trees, goal.seed), (105, 77));
    sim.keys("U");
    let goal = sim.app.engine_goal().unwrap();
    assert_eq!((goal.trees, goal.seed), (100, 1));
}

#[test]
fn bookmarks_are_added_visited_removed_and_kept_in_the_journal() {
    let mut sim = annotated();
    sim.at(7, 6).command("bookmark.add a vessel").keys("pagedown").at(2, 1).keys("g j tab");
    sim.text("corner").keys("tab enter");
    assert_eq!(cells(&sim, "list"), [["a vessel", "a", "6 7 0 0"], ["corner", "b", "1 2 0 0"]]);
    sim.keys("shift-tab shift-tab enter");
    assert_eq!((sim.app.lane, sim.app.view().unwrap().cursor), (0, [0, 0, 7, 6]));
    sim.keys("g j x esc");
    assert_eq!(sim.app.project.bookmarks.len(), 1);
    sim.keys("U");
    assert_eq!(sim.app.project.bookmarks.len(), 2);
    let records = sim.take_journal();
    let lanes = vec![lane("a", [1, 1, 30, 40, 1]), lane("b", [1, 1, 30, 40, 1])];
    let mut again = Sim::open(lanes, records, Vec::new());
    again.keys("r");
    assert_eq!(again.app.project.bookmarks, sim.app.project.bookmarks);
    // A bookmark of an image that left the project waits for it.
    sim.command("lane.remove").keys("g j");
    assert_eq!(cells(&sim, "list")[0][1], "(not open)");
    sim.keys("enter");
    assert!(sim.app.form().unwrap().refused.is_some());
}

#[test]
fn the_report_counts_labels_per_class_and_image() {
    let mut sim = annotated();
    sim.keys("g n");
    let expected =
        [["1 Label 1", "6", "6", "0"], ["2 Label 2", "1", "0", "1"], ["all labels", "7", "6", "1"]];
    assert_eq!(cells(&sim, "counts"), expected);
    sim.keys("enter");
    assert!(sim.app.popups.is_empty());
}

#[test]
fn every_dialog_explains_itself_and_leaves_by_esc() {
    for keys in ["g i", "g e", "g a", "g n", "g t", "g v", "g f", "g j"] {
        let mut sim = trainable();
        sim.keys(keys);
        let explanation =
            sim.app.form().unwrap_or_else(|| panic!("{keys} opens nothing")).explanation.clone();
        assert!(explanation.len() > 60, "{keys}");
        sim.keys("f1");
        assert!(sim.app.form().unwrap().explaining, "{keys}");
        sim.keys("esc esc");
        assert!(sim.app.popups.is_empty(), "{keys}");
    }
}
