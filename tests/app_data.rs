//! The Data applet: adding, properties, masks, lost images. Keys in, state and effects out.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod sim;

use brushwood::app::form::FieldKind;
use brushwood::app::inspect::Inspection;
use brushwood::app::lost::LostImage;
use brushwood::app::refused::Refused;
use brushwood::app::{
    AppEvent, Effect, InputEvent, JobEvent, JobOutput, JournalRecord, MouseInput, Opened, Problem, Work,
};
use brushwood::data::Axis;
use brushwood::project::{DataRole, DatasetInfo, DatasetLocation};
use crossterm::event::{KeyModifiers, MouseButton, MouseEventKind};
use sim::{Sim, lane};

fn work(sim: &mut Sim) -> Work {
    let found = sim.take_effects().into_iter().rev().find_map(|effect| match effect {
        Effect::StartJob(job) => Some(job.work),
        _ => None,
    });
    found.unwrap()
}

fn inspected(sim: &mut Sim, location: &str, files: &[&str], datasets: &[&str]) {
    let first = datasets.is_empty().then(|| Ok(sim::info([1, 1, 30, 40, 1])));
    sim.event(AppEvent::Inspected(Box::new(Inspection {
        location: location.into(),
        files: Ok(files.iter().map(|file| (*file).to_owned()).collect()),
        first,
        datasets: datasets.iter().map(|name| (*name).to_owned()).collect(),
        slow: None,
    })));
}

#[test]
fn a_pattern_is_looked_at_while_it_is_typed_and_becomes_a_stack() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 a enter");
    assert_eq!(
        sim.app.form().unwrap().refused.as_deref(),
        Some("Files: a file, folder or pattern is needed")
    );
    sim.text("s*.png");
    let asked: Vec<String> = sim
        .take_effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Inspect(location) => Some(location),
            _ => None,
        })
        .collect();
    assert_eq!(asked.last().map(String::as_str), Some("s*.png"));
    inspected(&mut sim, "s*.png", &["s1.png", "s2.png"], &[]);
    sim.keys("tab right right enter");
    let Work::AddLanes(request) = work(&mut sim) else { panic!("images are added") };
    assert_eq!((request.stack_along, request.locations.len()), (Some(Axis::T), 2));
}

#[test]
fn images_accepted_before_they_are_known_are_added_once_they_are() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 a").text("s.tif").keys("enter");
    let refused = sim.app.form().unwrap().refused.clone().unwrap();
    assert!(refused.contains("still being looked at"), "{refused}");
    inspected(&mut sim, "s.tif", &["s.tif"], &[]);
    assert!(sim.app.form().is_none());
    let Work::AddLanes(request) = work(&mut sim) else { panic!("images are added") };
    assert_eq!(request.locations, ["s.tif"]);
    // Datasets are chosen by the user.
    sim.keys("a").text("v.h5").keys("enter");
    inspected(&mut sim, "v.h5", &["v.h5"], &["raw", "truth"]);
    assert_eq!(sim.app.form().unwrap().focused().unwrap().key, "dataset");
    sim.keys("right enter");
    let Work::AddLanes(request) = work(&mut sim) else { panic!("images are added") };
    assert_eq!(request.dataset.as_deref(), Some("truth"));
    // Whoever types on has not said so of what is typed then.
    sim.keys("a").text("b.ti").keys("enter").text("f");
    inspected(&mut sim, "b.ti", &["b.ti"], &[]);
    inspected(&mut sim, "b.tif", &["b.tif"], &[]);
    assert!(sim.app.form().is_some());
}

#[test]
fn answers_about_what_was_typed_before_do_not_count() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 a").text("s.h5");
    inspected(&mut sim, "s.h5", &["s.h5"], &[]);
    inspected(&mut sim, "s.h", &["s.h"], &[]);
    sim.keys("enter");
    let Work::AddLanes(request) = work(&mut sim) else { panic!("images are added") };
    assert_eq!(request.locations, ["s.h5"]);
}

#[test]
fn a_dataset_is_chosen_and_wrong_axes_are_named() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 a").text("v.h5");
    inspected(&mut sim, "v.h5", &["v.h5"], &["raw", "volume/data"]);
    sim.keys("tab tab right tab").text("zyq").keys("enter");
    assert_eq!(
        sim.app.form().unwrap().refused.as_deref(),
        Some("Axes: 'q' is not an axis; the axes are t, z, y, x and c")
    );
    sim.keys("backspace").text("x").keys("enter");
    let Work::AddLanes(request) = work(&mut sim) else { panic!("images are added") };
    assert_eq!(request.dataset.as_deref(), Some("volume/data"));
    assert_eq!(request.axes.unwrap().to_string(), "zyx");
}

/// The text of the preview in the topmost dialog.
fn previewed(sim: &Sim) -> String {
    match &sim.app.form().unwrap().field("preview").unwrap().kind {
        FieldKind::Preview(lines, _) => lines.join("\n"),
        _ => panic!("it is a preview"),
    }
}

/// What is typed in the dialog that adds images.
fn typed(sim: &Sim) -> [String; 4] {
    let form = sim.app.form().unwrap();
    let chosen = ["mode", "storage"].map(|key| form.chosen_text(key).to_owned());
    let [mode, storage] = chosen;
    [form.text("path").to_owned(), mode, form.text("axes").to_owned(), storage]
}

#[test]
fn what_was_typed_for_a_refused_image_comes_back_to_be_mended() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 a").text("rgb.png").keys("tab tab").text("tzyxc").keys("tab right");
    inspected(&mut sim, "rgb.png", &["rgb.png"], &[]);
    let as_typed = typed(&sim);
    sim.keys("enter");
    assert!(sim.app.form().is_none(), "the dialog is gone while the image is opened");
    sim.job_done(JobOutput::Lanes(vec![lane("rgb", [1, 1, 30, 40, 3])], Vec::new()));
    assert_eq!(typed(&sim), as_typed);
    let form = sim.app.form().unwrap();
    assert_eq!(form.refused.as_deref(), Some("it has 3 channels, the project's images have 1"));
    assert_eq!(form.focused().unwrap().key, "axes", "where it can be mended");
    inspected(&mut sim, "rgb.png", &["rgb.png"], &[]);
    assert!(previewed(&sim).contains("Give its axes as you add it"), "{}", previewed(&sim));
    // It may be tried again as it is, and what was mended is what is asked for.
    sim.keys("ctrl-u").text("tzcyx");
    assert_eq!(sim.app.form().unwrap().refused, None);
    assert!(!previewed(&sim).contains("Give its axes"), "{}", previewed(&sim));
    sim.keys("ctrl-u").text("czyxt").keys("enter");
    let Work::AddLanes(request) = work(&mut sim) else { panic!("images are added") };
    assert_eq!(request.axes.unwrap().to_string(), "czyxt");
    assert!(request.copy && request.locations == ["rgb.png"]);
    sim.job_done(JobOutput::Lanes(vec![lane("rgb", [1, 1, 30, 40, 1])], Vec::new()));
    assert!(sim.app.form().is_none());
    assert_eq!(sim.app.views.len(), 2);
    sim.keys("a");
    assert_eq!(typed(&sim)[0], "", "what was mended is not offered again");
}

#[test]
fn of_several_images_only_those_refused_come_back() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 a").text("*.tif");
    inspected(&mut sim, "*.tif", &["a.tif", "b.tif", "c.tif"], &[]);
    sim.keys("enter");
    let broken = Problem::new("Can't open 'c.tif'", "it ends too early", "");
    let lanes = vec![lane("a", [1, 1, 30, 40, 1]), lane("b", [1, 5, 30, 40, 1])];
    sim.job_done(JobOutput::Lanes(lanes, vec![Refused::unreadable("c.tif", broken)]));
    assert_eq!(sim.app.views.len(), 2, "a fits");
    assert_eq!(typed(&sim)[0], "b.tif:c.tif");
    inspected(&mut sim, "b.tif:c.tif", &["b.tif", "c.tif"], &[]);
    let said = previewed(&sim);
    assert!(said.contains("it has depth") && said.contains("it ends too early"), "{said}");
}

#[test]
fn a_refused_image_disturbs_nobody_who_works_elsewhere() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 a").text("rgb.png");
    inspected(&mut sim, "rgb.png", &["rgb.png"], &[]);
    sim.keys("enter f3");
    sim.job_done(JobOutput::Lanes(vec![lane("rgb", [1, 1, 30, 40, 3])], Vec::new()));
    assert!(sim.app.popups.is_empty(), "strokes go on");
    assert!(sim.message().contains("it has 3 channels"), "{}", sim.message());
    sim.keys("f1 a");
    assert_eq!(typed(&sim)[0], "rgb.png");
    // A dialog that is open comes first.
    sim.keys("esc a").text("gone.png");
    inspected(&mut sim, "gone.png", &["gone.png"], &[]);
    sim.keys("enter p");
    let job = sim.app.jobs.running()[0].id;
    let why = Problem::new("Can't open 'gone.png'", "there is no such file", "");
    sim.event(AppEvent::Job(job, JobEvent::Failed(why)));
    assert_eq!(sim.app.form().unwrap().title, "Properties of nuclei");
    sim.keys("esc");
    assert_eq!(sim.app.form().unwrap().refused.as_deref(), Some("there is no such file"));
}

#[test]
fn a_refused_mask_is_asked_for_again() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 m").text("m.png").keys("enter");
    let job = sim.app.jobs.running()[0].id;
    let why = Problem::new("Can't change 'nuclei'", "the mask has another shape", "");
    sim.event(AppEvent::Job(job, JobEvent::Failed(why)));
    let form = sim.app.form().unwrap();
    assert_eq!((form.text("path"), form.refused.as_deref()), ("m.png", Some("the mask has another shape")));
    sim.keys("backspace backspace backspace").text("tif").keys("enter");
    let Work::Reopen(_, requests) = work(&mut sim) else { panic!("the mask is opened") };
    assert_eq!(requests[0].mask, Some(Some("m.tif".into())));
}

#[test]
fn a_slow_format_is_told_once_and_marked() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.lanes_opened(vec![sim::lane_in_one_piece("slide", [1, 1, 9000, 9000, 1])]);
    let said = "'slide' is slow to read: its format can only be decoded as a whole, 162 MB at the first look";
    assert!(sim.message().starts_with(said), "{}", sim.message());
    assert!(sim.app.cautions(0).is_empty());
    assert_eq!(sim.app.cautions(1).len(), 1);
    // Small ones are quick however they are kept.
    sim.lanes_opened(vec![sim::lane_in_one_piece("small", [1, 1, 300, 300, 1])]);
    assert_eq!(sim.message(), "Done: add 'small'");
    // A new project says it too, and of several images the first.
    let large = |name| sim::lane_in_one_piece(name, [1, 1, 9000, 9000, 1]);
    let sim = Sim::with_lanes(vec![large("a"), large("b"), large("c")]);
    assert!(sim.message().starts_with("'a' is slow"), "{}", sim.message());
    assert!(sim.message().contains("2 other images"), "{}", sim.message());
}

#[test]
fn a_slow_format_is_named_before_it_is_added() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 a").text("slide.png");
    sim.event(AppEvent::Inspected(Box::new(Inspection {
        location: "slide.png".into(),
        files: Ok(vec!["slide.png".into()]),
        first: Some(Ok(sim::info([1, 1, 9000, 9000, 1]))),
        datasets: Vec::new(),
        slow: Some("its format can only be decoded as a whole".into()),
    })));
    assert!(previewed(&sim).contains("slow to read: its format"), "{}", previewed(&sim));
    sim.keys("enter");
    assert!(matches!(work(&mut sim), Work::AddLanes(_)), "nothing is refused");
}

#[test]
fn pixel_sizes_of_a_mask_that_differ_are_told() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.lanes_opened(vec![sim::masked_lane("b", [1, 1, 30, 40, 1], [0.5, 0.25])]);
    let said = "'b' and its mask have different pixel sizes: x 0.5000 µm and 0.2500 µm";
    assert!(sim.message().starts_with(said), "{}", sim.message());
    sim.lanes_opened(vec![sim::masked_lane("c", [1, 1, 30, 40, 1], [0.5, 0.5])]);
    assert_eq!(sim.message(), "Done: add 'c'");
    // Also when the mask comes later.
    sim.keys("f1 m").text("m.png").keys("enter");
    let masked = sim::masked_lane("c", [1, 1, 30, 40, 1], [0.5, 0.1]);
    sim.job_done(JobOutput::Reopened("set the mask".into(), vec![(2, masked)]));
    assert!(sim.message().contains("different pixel sizes"), "{}", sim.message());
}

#[test]
fn another_dataset_of_the_same_file_is_chosen_in_the_properties() {
    let mut sim = Sim::with_lanes(vec![lane("a", [1, 1, 30, 40, 1]), lane("b", [1, 1, 30, 40, 1])]);
    for (index, location) in ["/data/a.h5/raw", "/data/b.h5/raw"].into_iter().enumerate() {
        sim.app.project.lanes[index].raw.location = DatasetLocation::Absolute(location.into());
    }
    sim.keys("f1 space down space p");
    let hidden = |sim: &Sim| sim.app.form().unwrap().field("dataset").unwrap().hidden;
    assert!(hidden(&sim), "nobody knows what is in the files yet");
    inspected(&mut sim, "/data/a.h5", &["/data/a.h5"], &["blurred", "raw", "truth"]);
    inspected(&mut sim, "/data/b.h5", &["/data/b.h5"], &["blurred", "raw"]);
    assert!(!hidden(&sim));
    assert_eq!(sim.app.form().unwrap().chosen_text("dataset"), "raw");
    // Only what all of them have, and the axes are the other dataset's own.
    sim.keys("shift-tab left");
    assert_eq!(sim.app.form().unwrap().chosen_text("dataset"), "blurred");
    assert!(sim.app.form().unwrap().field("axes").unwrap().disabled.is_some());
    sim.keys("enter");
    let Work::Reopen(_, requests) = work(&mut sim) else { panic!("the images are opened anew") };
    let there: Vec<_> =
        requests.iter().map(|request| (request.index, request.raw.as_deref().unwrap())).collect();
    assert_eq!(there, [(0, "/data/a.h5/blurred"), (1, "/data/b.h5/blurred")]);
    assert!(requests.iter().all(|request| request.axes.is_none()));
}

#[test]
fn without_an_image_the_hints_are_what_can_be_done() {
    let mut sim = Sim::with_lanes(Vec::new());
    for (keys, expected) in [
        ("f1", vec!["add images", "open", "commands", "help", "quit"]),
        ("f2", vec!["images", "open", "commands", "help", "quit"]),
        ("f3", vec!["images", "open", "commands", "help", "quit"]),
        ("f4", vec!["images", "open", "commands", "help", "quit"]),
    ] {
        sim.keys(keys);
        let shown: Vec<&str> = sim.app.hints(120).iter().map(|hint| hint.label).collect();
        assert_eq!(shown, expected, "after {keys}");
    }
    sim.keys("f1").lanes_opened(vec![lane("a", [1, 1, 30, 40, 1])]).keys("f3");
    assert!(sim.app.hints(120).iter().any(|hint| hint.label == "brush"));
}

#[test]
fn what_is_not_there_can_not_be_added() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 a").text("x");
    sim.event(AppEvent::Inspected(Box::new(Inspection {
        location: "x".into(),
        files: Err("no file matches".into()),
        first: None,
        datasets: Vec::new(),
        slow: None,
    })));
    sim.keys("enter");
    assert_eq!(sim.app.form().unwrap().refused.as_deref(), Some("Files: no file matches"));
}

#[test]
fn a_name_and_the_display_are_changed_and_undone_and_kept_in_the_journal() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("space f1 p ctrl-u").text("cells");
    sim.keys("tab tab right tab right tab").text("5").keys("tab").text("50").keys("enter");
    let raw = &sim.app.project.lanes[0].raw;
    assert_eq!(
        (raw.nickname.as_str(), raw.display_mode.as_str(), raw.normalize_display, raw.data_range),
        ("cells", "grayscale", Some(true), Some((5.0, 50.0)))
    );
    assert_eq!(sim.app.display_range(0), (5.0, 50.0));
    assert_eq!(sim.app.label_count(1), 9, "its labels stay");
    let added = sim.take_journal().into_iter().find_map(|record| match record {
        JournalRecord::LaneAdded { details, .. } => details,
        _ => None,
    });
    assert_eq!(added.unwrap().nickname, "cells");
    sim.keys("U");
    assert_eq!(sim.app.project.lanes[0].raw.nickname, "nuclei");
    assert_eq!(sim.app.label_count(1), 9);
    sim.keys("ctrl-y");
    assert_eq!(sim.app.project.lanes[0].raw.nickname, "cells");
}

#[test]
fn axes_are_checked_against_labels_and_the_other_images() {
    let mut sim = Sim::with_lanes(vec![lane("a", [1, 9, 30, 40, 1]), lane("b", [1, 9, 30, 40, 1])]);
    sim.keys("f1 p tab ctrl-u");
    let error = |sim: &Sim| sim.app.form().unwrap().field("axes").unwrap().error.clone().unwrap_or_default();
    sim.text("zyxtt");
    assert_eq!(error(&sim), "axis 't' occurs twice");
    sim.keys("backspace backspace").text("c");
    assert_eq!(error(&sim), "'zyxc' names 4 axes, the image has 5 dimensions");
    sim.keys("ctrl-u").text("ztyxc");
    assert_eq!(error(&sim), "'a' would be 2D with 1 channel, the other images are 3D with 1 channel");
    sim.keys("ctrl-u").text("tzxyc").keys("enter");
    let Work::Reopen(_, requests) = work(&mut sim) else { panic!("the image is opened anew") };
    assert_eq!(requests[0].axes.as_ref().unwrap().to_string(), "tzxyc");
    sim.job_done(JobOutput::Reopened("change".into(), vec![(0, lane("a", [1, 9, 40, 30, 1]))]));
    assert_eq!(sim.app.shape(), [1, 9, 40, 30, 1]);
    // With labels the shape has to stay.
    sim.keys("f3 space f1 p tab ctrl-u").text("tzxyc");
    assert!(error(&sim).contains("has labels"), "{}", error(&sim));
}

#[test]
fn axes_of_several_images_are_checked_against_their_masks_and_each_other() {
    let masked = |name, shape| {
        let mut new = lane(name, shape);
        new.lane.mask = Some(new.lane.raw.clone());
        new.source.mask = Some(new.source.raw.clone());
        new
    };
    let mut sim = Sim::with_lanes(vec![masked("a", [1, 9, 30, 40, 1]), lane("b", [1, 9, 30, 50, 1])]);
    sim.keys("f1 space down space p ctrl-u");
    let error = |sim: &Sim| sim.app.form().unwrap().field("axes").unwrap().error.clone().unwrap_or_default();
    sim.text("tzxyc");
    assert_eq!(error(&sim), "the mask of 'a' is [1, 9, 30, 40] (tzyx), not [1, 9, 40, 30]; change it alone");
    sim.keys("ctrl-u").text("tzyxc");
    assert_eq!(error(&sim), "");
    let mut sim = Sim::with_lanes(vec![lane("a", [1, 9, 30, 40, 1]), lane("b", [1, 9, 30, 50, 1])]);
    sim.keys("f1 space down space p ctrl-u").text("tzycx");
    assert_eq!(error(&sim), "'b' would be 3D with 50 channels, another of them would be 3D with 40 channels");
}

#[test]
fn features_that_nobody_has_chosen_follow_the_axes() {
    for chosen in [false, true] {
        let mut sim = Sim::with_lanes(vec![lane("a", [1, 2, 12, 40, 1])]);
        assert!(sim.app.shown_selection().compute_in_2d[2], "two slices are too few");
        if chosen {
            sim.keys("f2 space");
        }
        let before = sim.app.shown_selection();
        sim.keys("f1 p tab ctrl-u").text("tzxyc").keys("enter");
        sim.job_done(JobOutput::Reopened("change".into(), vec![(0, lane("a", [1, 40, 40, 40, 1]))]));
        let all = brushwood::features::FeatureSelection::all_fitting([40, 40, 40]);
        assert_eq!(sim.app.shown_selection(), if chosen { before.clone() } else { all });
        sim.keys("U");
        assert_eq!(sim.app.shown_selection(), before);
    }
}

#[test]
fn files_dropped_on_the_terminal_are_to_be_added() {
    for (pasted, path) in [
        ("/data/a.tif", "/data/a.tif"),
        ("'/data/my cell.tif' /data/b.tif ", "/data/my cell.tif:/data/b.tif"),
        ("/data/my\\ cell.tif\n/data/b.tif\n", "/data/my cell.tif:/data/b.tif"),
        ("file:///data/a.tif", "/data/a.tif"),
    ] {
        let mut sim = Sim::new([1, 30, 40]);
        sim.keys("f1").event(AppEvent::Input(InputEvent::Paste(pasted.into())));
        assert_eq!(sim.app.form().unwrap().text("path"), path);
    }
}

#[test]
fn a_right_click_opens_the_properties() {
    let mut sim = Sim::with_lanes(["a", "b"].map(|name| lane(name, [1, 1, 30, 40, 1])).to_vec());
    sim.keys("f1");
    let click = MouseInput {
        kind: MouseEventKind::Down(MouseButton::Right),
        modifiers: KeyModifiers::NONE,
        cell: [10, 4],
        picture: None,
    };
    sim.event(AppEvent::Input(InputEvent::Mouse(click)));
    assert_eq!(sim.app.form().unwrap().title, "Properties of b");
}

#[test]
fn images_are_copied_with_their_masks_and_saving_is_work_that_can_be_cancelled() {
    let mut masked = lane("a", [1, 1, 30, 40, 1]);
    let mask = DatasetInfo { id: "m".into(), nickname: "m".into(), ..masked.lane.raw.clone() };
    masked.lane.mask = Some(mask);
    masked.source.mask = Some(masked.source.raw.clone());
    let mut sim = Sim::with_lanes(vec![masked, lane("b", [1, 1, 30, 40, 1])]);
    sim.keys("f1 space down space p").keys("tab tab tab right right enter");
    assert!(sim.app.form().is_none(), "{:?}", sim.app.form().map(|form| &form.refused));
    let locations = |sim: &Sim| -> Vec<DatasetLocation> {
        let lanes = &sim.app.project.lanes;
        let all = [&lanes[0].raw, lanes[0].mask.as_ref().unwrap(), &lanes[1].raw];
        all.map(|info| info.location.clone()).to_vec()
    };
    assert!(
        locations(&sim).iter().all(|at| matches!(at, DatasetLocation::ToCopy { .. })),
        "{:?}",
        locations(&sim)
    );
    let added = sim.take_journal().into_iter().find_map(|record| match record {
        JournalRecord::LaneAdded { index: 0, location, details, .. } => Some((location, details.unwrap())),
        _ => None,
    });
    let (location, details) = added.unwrap();
    assert!(location.ends_with("a.tif"), "until it is saved it is where it was: {location}");
    assert_eq!((details.copied.as_deref(), details.mask_copied.as_deref()), (Some("a"), Some("m")));

    sim.keys("ctrl-s");
    let Work::Save(request) = work(&mut sim) else { panic!("copying is work in the background") };
    assert_eq!(request.project.copies.keys().collect::<Vec<_>>(), ["a", "b", "m"]);
    assert!(sim.app.files.saving);
    let job = sim.app.jobs.running()[0].id;
    sim.event(AppEvent::Job(job, JobEvent::Cancelled));
    assert!(!sim.app.files.saving && sim.app.is_dirty(), "nothing was saved");
    sim.keys("ctrl-s");
    let Work::Save(request) = work(&mut sim) else { panic!("copying is work in the background") };
    sim.job_done(JobOutput::Saved { path: request.path, mark: request.mark, result: Ok(()), file: None });
    assert!(!sim.app.files.saving && !sim.app.is_dirty());
}

#[test]
fn several_images_are_edited_and_removed_at_once() {
    let lanes = ["a", "b", "c"].map(|name| lane(name, [1, 1, 30, 40, 1])).to_vec();
    let mut sim = Sim::with_lanes(lanes);
    sim.keys("f1 space down down space p");
    assert!(sim.app.form().unwrap().title.contains("2 images"));
    sim.keys("tab right right enter");
    let modes: Vec<&str> = sim.app.project.lanes.iter().map(|lane| lane.raw.display_mode.as_str()).collect();
    assert_eq!(modes, ["rgba", "default", "rgba"]);
    sim.keys("X");
    let names: Vec<&str> = sim.app.project.lanes.iter().map(|lane| lane.raw.nickname.as_str()).collect();
    assert_eq!(names, ["b"]);
    sim.keys("U U");
    assert_eq!(sim.app.views.len(), 3);
}

#[test]
fn a_mask_is_set_and_removed() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("f1 M");
    assert!(sim.message().contains("the image has no mask"));
    sim.keys("m").text("m.png").keys("enter");
    let Work::Reopen(_, requests) = work(&mut sim) else { panic!("the mask is opened") };
    assert_eq!(requests[0].mask, Some(Some("m.png".into())));
    let mut masked = lane("nuclei", [1, 1, 30, 40, 1]);
    masked.lane.mask = Some(masked.lane.raw.clone());
    masked.source.mask = Some(masked.source.raw.clone());
    sim.job_done(JobOutput::Reopened("set the mask".into(), vec![(0, masked)]));
    assert!(sim.app.engine_goal().unwrap().lanes[0].mask.is_some());
    sim.keys("M");
    let Work::Reopen(_, requests) = work(&mut sim) else { panic!("the image is opened anew") };
    assert_eq!(requests[0].mask, Some(None));
}

#[test]
fn a_replacement_of_another_shape_is_refused_while_there_are_labels() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("space f1 R").text("other.tif").keys("enter");
    sim.job_done(JobOutput::Reopened("replace".into(), vec![(0, lane("nuclei", [1, 1, 31, 40, 1]))]));
    assert!(sim.message().contains("its labels are for [1, 1, 30, 40]"), "{}", sim.message());
    assert_eq!(sim.app.label_count(1), 9);
    sim.keys("ctrl-u").text("same.tif").keys("enter");
    sim.job_done(JobOutput::Reopened("replace".into(), vec![(0, lane("nuclei", [1, 1, 30, 40, 1]))]));
    assert_eq!(sim.app.label_count(1), 9, "labels are put on the new file");
}

/// A project with two images, of which the second is lost.
fn with_a_lost_image(changed: bool) -> Sim {
    let mut sim = Sim::with_lanes(Vec::new());
    let lanes = vec![lane("a", [1, 1, 30, 40, 1]), lane("b", [1, 1, 30, 40, 1])];
    let mut project = brushwood::app::state::empty_project();
    project.path = Some("/data/p.ilp".into());
    let sources = vec![lanes[0].source.clone()];
    let info = lanes[1].lane.raw.clone();
    project.lanes.extend(lanes.into_iter().map(|lane| lane.lane));
    let lost = LostImage {
        lane: 1,
        role: DataRole::RawData,
        info,
        location: "/data/b.tif".into(),
        why: "no such file".into(),
        changed,
    };
    sim.event(AppEvent::Opened(Ok(Box::new(Opened {
        project,
        sources,
        save_to: None,
        journal: Vec::new(),
        journal_lanes: Vec::new(),
        lost: vec![lost],
        changed: false,
        problems: Vec::new(),
        access: Default::default(),
    }))));
    sim
}

fn reopened(sim: &mut Sim) -> (Vec<(usize, String)>, bool) {
    let found = sim.take_effects().into_iter().find_map(|effect| match effect {
        Effect::OpenFound(request) => Some(request),
        _ => None,
    });
    let request = found.unwrap();
    (request.found.into_iter().map(|(lane, _, location)| (lane, location)).collect(), request.trust)
}

#[test]
fn lost_images_are_asked_for_before_anything_is_opened() {
    let mut sim = with_a_lost_image(false);
    assert!(!sim.app.has_image());
    sim.keys("enter");
    assert_eq!(sim.app.form().unwrap().refused.as_deref(), Some("1 of 1 are not found yet"));
    // Searching a folder finds it.
    sim.keys("tab tab enter");
    let Work::FindImages(search) = work(&mut sim) else { panic!("a search") };
    assert_eq!((search.folder.as_str(), search.lost.len()), ("/data/", 1));
    sim.job_done(JobOutput::ImagesFound(vec![(0, "/data/moved/b.tif".into())]));
    sim.keys("shift-tab enter");
    assert_eq!(reopened(&mut sim), (vec![(1, "/data/moved/b.tif".into())], false));
}

#[test]
fn a_changed_image_is_used_only_when_the_user_says_so() {
    let mut sim = with_a_lost_image(true);
    sim.keys("enter");
    assert!(sim.app.form().unwrap().refused.is_some());
    sim.keys("tab space enter");
    assert_eq!(reopened(&mut sim), (Vec::new(), true));
}

#[test]
fn a_project_opens_without_its_lost_images() {
    let mut sim = with_a_lost_image(false);
    sim.keys("esc");
    assert_eq!((sim.app.views.len(), sim.app.project.lanes.len()), (1, 2));
    assert!(sim.message().contains("Can't open image 2 of the project, 'b'"), "{}", sim.message());
    assert!(matches!(sim.app.project.lanes[1].raw.location, DatasetLocation::Relative(_)));
}
