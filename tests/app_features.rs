//! The Features applet: filling the table by keys and mouse, presets, putting back, looking at features.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod sim;

use brushwood::app::features::{CostRequest, TABLE_ROWS, TableRow};
use brushwood::app::layout::{FEATURE_COLUMN, FEATURE_HEAD, FEATURE_NAMES};
use brushwood::app::popups::Popup;
use brushwood::app::{AppEvent, Effect, InputEvent, Layout, MouseInput};
use brushwood::pipeline::ExportSource;
use crossterm::event::{KeyModifiers, MouseButton, MouseEventKind};
use sim::{Sim, lane};

/// Rows of the table.
const DIMENSION: usize = 0;
const ALL: usize = 1;
const SMOOTHING: usize = 3;
const EDGE: usize = 4;
const LAPLACE: usize = 5;

fn table() -> Sim {
    let mut sim = Sim::new([40, 64, 64]);
    sim.keys("f2 0");
    assert_eq!(sim.app.shown_selection().count(), 0);
    sim
}

/// The cells of a filter, as `x` and `.`.
fn cells(sim: &Sim, filter: usize) -> String {
    let row = &sim.app.shown_selection().selected[filter];
    row.iter().map(|&on| if on { 'x' } else { '.' }).collect()
}

/// The middle of a cell of the table on the screen.
fn place(row: usize, column: usize) -> [i32; 2] {
    let x = FEATURE_NAMES + FEATURE_COLUMN * column as u16 + 2;
    [i32::from(x), 2 + i32::from(FEATURE_HEAD) + row as i32]
}

fn mouse(sim: &mut Sim, kind: MouseEventKind, modifiers: KeyModifiers, cell: [i32; 2]) {
    sim.event(AppEvent::Input(InputEvent::Mouse(MouseInput { kind, modifiers, cell, picture: None })));
}

fn drag(sim: &mut Sim, cells: &[(usize, usize)]) {
    let left = MouseButton::Left;
    let at = |i: usize| place(cells[i].0, cells[i].1);
    mouse(sim, MouseEventKind::Down(left), KeyModifiers::NONE, at(0));
    (1..cells.len()).for_each(|i| mouse(sim, MouseEventKind::Drag(left), KeyModifiers::NONE, at(i)));
    mouse(sim, MouseEventKind::Up(left), KeyModifiers::NONE, at(cells.len() - 1));
}

#[test]
fn without_depth_there_is_no_choice_of_dimension() {
    let mut sim = Sim::new([1, 64, 64]);
    sim.keys("f2 0");
    let row = |sim: &Sim| TABLE_ROWS[sim.app.features.row];
    let all_the_way = |key: &str| [key; TABLE_ROWS.len()].join(" ");
    sim.keys(&all_the_way("up"));
    assert_eq!(row(&sim), TableRow::All);
    sim.keys(&all_the_way("down"));
    assert_eq!(row(&sim), TableRow::Filter(5));
    drag(&mut sim, &[(0, 2)]);
    assert_eq!(row(&sim), TableRow::All, "the first line on the screen");
    assert_eq!((0..6).map(|filter| cells(&sim, filter)).collect::<Vec<_>>(), ["..x...."; 6]);
    drag(&mut sim, &[(9, 2)]);
    assert_eq!((row(&sim), cells(&sim, 5)), (TableRow::Filter(5), ".......".to_owned()));
    drag(&mut sim, &[(10, 2)]);
    assert_eq!(row(&sim), TableRow::Filter(5), "nothing is below the last line");

    let mut deep = table();
    deep.keys(&all_the_way("up"));
    assert_eq!(row(&deep), TableRow::Dimension);
    drag(&mut deep, &[(0, 2)]);
    assert!(deep.app.shown_selection().compute_in_2d[2]);
}

#[test]
fn shift_extends_what_was_toggled_and_shrinking_takes_it_back() {
    let mut sim = table();
    let steps = sim.app.edits.depth();
    sim.keys("right space shift-right shift-right");
    assert_eq!(cells(&sim, 0), ".xxx...");
    sim.keys("L H H");
    assert_eq!(cells(&sim, 0), ".xx....", "what was left again is as it was");
    sim.keys("J J");
    assert_eq!([0, 1, 2].map(|filter| cells(&sim, filter)), [".xx....", ".xx....", "......."]);
    assert_eq!(sim.app.edits.depth(), steps + 1, "one step");
    sim.keys("U");
    assert_eq!(sim.app.shown_selection().count(), 0);
    sim.keys("ctrl-y");
    assert_eq!(sim.app.shown_selection().count(), 4);
    // Without a toggle before it, the first cell's own state is taken on.
    sim.keys("right shift-left");
    assert_eq!(cells(&sim, 1), ".x.....", "an empty cell empties");
}

#[test]
fn dragging_fills_and_cells_that_can_not_be_are_left_out() {
    let mut sim = table();
    drag(&mut sim, &[(SMOOTHING, 0), (SMOOTHING, 3), (LAPLACE + 1, 3), (LAPLACE, 2)]);
    assert_eq!(
        [0, 1, 2, 3].map(|filter| cells(&sim, filter)),
        ["xxx....", ".xx....", ".......", "......."],
        "the group between is passed over, 0.3 is not offered for edges"
    );
    let steps = sim.app.edits.depth();
    mouse(&mut sim, MouseEventKind::Down(MouseButton::Left), KeyModifiers::SHIFT, place(SMOOTHING, 6));
    assert_eq!(cells(&sim, 0), "xxxxxxx", "Shift and a click extend from the first cell");
    assert_eq!(sim.app.edits.depth(), steps);
    // Groups and columns fill as groups and columns, 2D as 2D.
    drag(&mut sim, &[(EDGE, 4), (EDGE, 5)]);
    assert_eq!([1, 2, 3].map(|filter| cells(&sim, filter)[4..6].to_owned()), ["xx", "xx", "xx"]);
    drag(&mut sim, &[(ALL, 6), (ALL, 6)]);
    assert!((0..6).all(|filter| cells(&sim, filter).ends_with('x')));
    drag(&mut sim, &[(DIMENSION, 1), (DIMENSION, 3)]);
    assert_eq!(sim.app.shown_selection().compute_in_2d, [false, true, true, true, false, false, false]);
}

#[test]
fn rows_are_toggled_by_their_names_and_scales_are_changed_by_their_heads() {
    let mut sim = table();
    let [_, y] = place(EDGE, 0);
    sim.click(4, y);
    assert_eq!(sim.app.shown_selection().count(), 18);
    sim.click(4, y);
    assert_eq!(sim.app.shown_selection().count(), 0);
    sim.keys("r");
    assert_eq!(sim.app.shown_selection().count(), 18, "the key does the same where the cursor is");
    let [x, _] = place(0, 3);
    sim.click(x, 2);
    sim.keys("ctrl-u").text("2.5").keys("enter");
    assert_eq!(sim.app.shown_selection().scales[3], 2.5);
    let [x, _] = place(0, 7);
    sim.click(x, 2);
    sim.text("7").keys("enter");
    assert_eq!(sim.app.shown_selection().scales[7], 7.0);
    sim.click(x, 2);
    sim.keys("ctrl-u").text("0").keys("enter");
    assert_eq!(sim.app.shown_selection().scales.len(), 7, "0 removes it, as in ilastik");
}

#[test]
fn the_features_are_put_back_as_they_were() {
    let mut sim = Sim::new([1, 64, 64]);
    let before = sim.app.shown_selection();
    sim.keys("f2 backspace");
    assert!(sim.message().contains("the features are as they were"), "{}", sim.message());
    sim.keys("0 right space + 2 . 2 5 enter");
    assert_ne!(sim.app.shown_selection(), before);
    sim.keys("backspace");
    assert_eq!(sim.app.shown_selection(), before);
    sim.keys("U");
    assert_eq!(sim.app.shown_selection().count(), 1, "that can be undone");
    // Leaving the applet takes the features on.
    sim.keys("f3 f2 backspace");
    assert_eq!(sim.app.shown_selection().count(), 1);
}

#[test]
fn presets_take_what_fits_and_esc_takes_nothing() {
    let mut sim = Sim::new([1, 64, 30]);
    let before = sim.app.shown_selection();
    sim.keys("f2 P down down");
    let hint = sim.app.form().unwrap().note();
    assert!(hint.contains("19 features") && hint.contains("MB"), "{hint}");
    sim.keys("esc");
    assert_eq!(sim.app.shown_selection(), before);
    sim.keys("P down down enter");
    assert_eq!(sim.app.shown_selection().count(), 19);
    sim.keys("P end down down down down down down down enter");
    assert_eq!(sim.app.shown_selection().count(), 0);
    sim.keys("P enter");
    assert_eq!(sim.app.shown_selection().count(), 31, "scale 10 does not fit 30 columns");
}

#[test]
fn the_cost_of_what_is_selected_is_measured_once_for_each_change() {
    let mut sim = Sim::new([1, 64, 64]);
    let asked = |sim: &mut Sim| -> Vec<CostRequest> {
        let effects = sim.take_effects().into_iter();
        effects
            .filter_map(|effect| match effect {
                Effect::MeasureFeatures(request) => Some(request),
                _ => None,
            })
            .collect()
    };
    sim.keys("f3");
    assert!(asked(&mut sim).is_empty(), "nobody wants to know yet");
    sim.keys("f2 down up");
    let requests = asked(&mut sim);
    assert_eq!(requests.len(), 1);
    sim.event(AppEvent::FeatureCost(requests[0].revision, 41.6));
    assert_eq!(sim.app.feature_cost(), Some(41.6));
    sim.keys("space");
    assert_eq!((sim.app.feature_cost(), asked(&mut sim).len()), (None, 1));
}

#[test]
fn entries_of_the_list_are_clicked_and_name_their_channel() {
    let mut sim = Sim::with_lanes(vec![lane("a", [1, 1, 64, 64, 3])]);
    sim.load().keys("f2 0 r V");
    let entries = sim.app.feature_entries();
    assert_eq!(entries.len(), 1 + 21);
    assert_eq!(
        entries[..4],
        [
            "Raw data",
            "Gaussian Smoothing (σ=0.3) in 2D [0] R",
            "Gaussian Smoothing (σ=0.3) in 2D [1] G",
            "Gaussian Smoothing (σ=0.3) in 2D [2] B"
        ]
    );
    assert!(sim.app.shows_feature());
    let area = Layout::of(&sim.app).features.unwrap();
    sim.click(i32::from(area.x) + 3, i32::from(area.y) + 1 + 3);
    assert_eq!(sim.app.looking.channel(), Some(2));
    sim.keys("up up up up");
    assert!(!sim.app.shows_feature(), "the image itself");
    sim.keys("end");
    assert_eq!(sim.app.looking.channel(), Some(20));
}

/// A list of features with the one at `entry` computed: it grows from left to right by 0.5.
fn looking_at(sim: &mut Sim, entry: &str) {
    sim.load().keys("f2 0 r V home").keys(entry).take_effects();
    sim.keys("down");
    let effects = sim.take_effects();
    let requests = effects.into_iter().find_map(|effect| match effect {
        Effect::ComputeFeatures(requests) => Some(requests),
        _ => None,
    });
    for request in requests.expect("a feature is asked for") {
        let shape = request.region.shape();
        let ramp =
            ndarray::Array5::from_shape_fn((1, shape[0], shape[1], shape[2], 1), |at| 0.5 * at.3 as f32);
        sim.event(AppEvent::FeatureComputed(request, Ok(ramp.into())));
    }
}

#[test]
fn contrast_is_that_of_the_feature_looked_at() {
    let mut sim = Sim::new([1, 64, 64]);
    looking_at(&mut sim, "down");
    let range = |sim: &Sim| sim.app.plane().and_then(|plane| sim.app.feature_image(plane)).map(|(_, r)| r);
    let of_image = sim.app.display_range(0);
    assert_eq!(range(&sim), Some((0.0, 31.5)));
    sim.keys(":").text("contrast.set 2.5 7.25").keys("enter");
    assert_eq!(range(&sim), Some((2.5, 7.25)));
    assert!(sim.message().contains("2.5") && sim.message().contains("7.25"), "{}", sim.message());
    sim.keys(":").text("contrast.width 100").keys("enter");
    assert_eq!(range(&sim), Some((0.125, 9.625)));
    sim.keys(":").text("contrast.auto").keys("enter");
    assert_eq!(range(&sim), Some((0.0, 31.5)));
    assert_eq!(sim.app.display_range(0), of_image, "the image's own stays");
    sim.keys(":").text("contrast.set 1 2").keys("enter").keys("down up");
    assert!(range(&sim).is_none_or(|range| range == (0.0, 31.5)), "each feature has its own");
}

#[test]
fn the_feature_looked_at_is_exported_by_key_and_mouse() {
    let mut sim = Sim::new([1, 64, 64]);
    looking_at(&mut sim, "down");
    let at = sim.app.looking.channel().expect("a feature");
    let text = |sim: &Sim| sim.app.form().expect("the settings").text("cutout").to_owned();
    sim.keys("x");
    assert_eq!(text(&sim), format!("[(None,None,{at}),(None,None,{})]", at + 1));
    sim.keys("esc f2");
    let area = Layout::of(&sim.app).features.expect("the list");
    sim.right_click(i32::from(area.x) + 3, i32::from(area.y) + 1 + 5);
    assert_eq!(text(&sim), "[(None,None,4),(None,None,5)]");
    sim.keys("enter");
    assert_eq!(sim.app.export.choices.sources, [ExportSource::Features]);
    sim.keys("f2 home x");
    assert!(sim.app.form().is_none(), "the image is a file already");
}

#[test]
fn a_scale_is_checked_while_it_is_typed() {
    let mut sim = table();
    let error = |sim: &Sim| match sim.app.popups.last() {
        Some(Popup::Prompt { error, .. }) => error.clone().unwrap_or_default(),
        _ => "closed".into(),
    };
    let before = sim.app.shown_selection();
    sim.keys("+");
    for (text, why) in [
        ("", ""),
        ("0", "scales lie between 0.3 and 1000"),
        ("0.3", "scale 0.3 is there already"),
        ("0.31", ""),
        ("1e9", "scales lie between 0.3 and 1000"),
        ("-1", "scales lie between 0.3 and 1000"),
        ("nan", "'nan' is not a number"),
        ("1,5", "'1,5' is not a number"),
    ] {
        sim.keys("ctrl-u").text(text);
        assert_eq!(error(&sim), why, "'{text}'");
    }
    sim.keys("enter");
    assert_ne!(error(&sim), "closed", "what is wrong stays to be mended");
    assert_eq!(sim.app.shown_selection(), before);
    sim.keys("ctrl-u").text("0.69999").keys("enter");
    assert_eq!(error(&sim), "closed");
    assert_eq!(sim.app.shown_selection().scales.last(), Some(&0.69999));
}

#[test]
fn the_last_scale_stays_and_that_is_said() {
    let mut sim = table();
    sim.keys("X X X X X X");
    assert_eq!(sim.app.shown_selection().scales.len(), 1);
    sim.keys("X");
    assert!(sim.message().contains("one scale must stay"), "'{}'", sim.message());
    sim.keys("= ctrl-u").text("0").keys("enter");
    let Some(Popup::Prompt { error, .. }) = sim.app.popups.last() else { panic!("what is wrong stays") };
    assert_eq!(error.as_deref(), Some("one scale must stay"));
    assert_eq!(sim.app.shown_selection().scales.len(), 1);
}
