//! Export and batch, keys in, effects out: settings, checks, questions, progress, control.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod sim;

use std::path::PathBuf;

use brushwood::app::popups::{Popup, QuestionKind};
use brushwood::app::runs::{CheckFor, FileState, RunEvent, RunKind, RunOrder};
use brushwood::app::visit::Visited;
use brushwood::app::{AppEvent, Applet, Effect, SaveFailure};
use brushwood::batch::{InputReport, InputSummary, OutputReport, PlanSummary, Request, StoredResult};
use brushwood::data::{DType, Volume};
use brushwood::io::{self, ImageSpec};
use brushwood::pipeline::ExportSource;
use brushwood::render::LayerKind;
use sim::{Sim, lane};

/// Two images of 64 x 80 pixels.
fn two() -> Sim {
    let mut sim = Sim::with_lanes(vec![lane("nuclei", [1, 1, 64, 80, 1]), lane("cells", [1, 1, 64, 80, 1])]);
    sim.load().keys("space 2 right space");
    sim.take_effects();
    sim
}

/// The newest check asked for, for a purpose: its number and the names and sources of its request.
fn check(sim: &mut Sim, purpose: CheckFor) -> (u64, Request) {
    let checks = sim.take_effects().into_iter().filter_map(|effect| match effect {
        Effect::CheckRun(check) if check.purpose == purpose => Some((check.id, check.request)),
        _ => None,
    });
    checks.last().expect("a check was asked for")
}

fn output(name: &str) -> OutputReport {
    OutputReport {
        source: ExportSource::Probabilities,
        paths: vec![PathBuf::from(format!("/out/{name}.h5"))],
        axes: "yxc".into(),
        shape: vec![64, 80, 2],
        dtype: "uint8",
    }
}

/// A summary of images of 1000 pixels; those named in `existing` are there already, those in `bad` can't be.
fn summary(names: &[&str], existing: &[&str], bad: &[&str]) -> PlanSummary {
    let input = |name: &&str| InputSummary {
        name: (*name).into(),
        pixels: 1000,
        outputs: vec![output(name)],
        existing: existing.iter().filter(|e| *e == name).map(|e| format!("/out/{e}.h5").into()).collect(),
        problems: bad.iter().filter(|b| *b == name).map(|b| format!("'{b}' is truncated")).collect(),
    };
    PlanSummary {
        inputs: names.iter().map(input).collect(),
        commands: vec!["brushwood predict --project p.ilp a".into()],
        ..PlanSummary::default()
    }
}

fn checked(sim: &mut Sim, id: u64, purpose: CheckFor, summary: PlanSummary) {
    sim.event(AppEvent::Run(id, RunEvent::Checked(purpose, Box::new(summary))));
}

fn finished(name: &str, errors: &[&str]) -> RunEvent {
    let errors: Vec<String> = errors.iter().map(|e| (*e).into()).collect();
    let outputs = if errors.is_empty() { vec![output(name)] } else { Vec::new() };
    let report = InputReport { input: name.into(), outputs, errors, seconds: 2.0 };
    RunEvent::Finished(if name == "a" { 0 } else { 1 }, Box::new(report))
}

/// A batch of files `a`, `b`, ..., listed.
fn batch(names: &[&str]) -> Sim {
    let mut sim = two();
    sim.keys("f5 a").text("*.tif");
    sim.event(AppEvent::ImagesFound("*.tif".into(), Ok(names.iter().map(|n| (*n).into()).collect())));
    sim.keys("enter");
    assert!(sim.app.popups.is_empty(), "{:?}", sim.app.form().map(|form| &form.refused));
    sim
}

fn states(sim: &Sim) -> Vec<FileState> {
    let run = sim.app.runs.current.as_ref().unwrap();
    run.files.iter().map(|file| file.state.clone()).collect()
}

#[test]
fn the_settings_are_checked_as_one_types_and_kept_in_the_project() {
    let mut sim = two();
    sim.keys("f4 s");
    let (id, request) = check(&mut sim, CheckFor::Dialog);
    assert_eq!((request.inputs.len(), request.sources.clone()), (2, vec![ExportSource::Probabilities]));
    checked(&mut sim, id, CheckFor::Dialog, summary(&["a"], &["a"], &[]));
    let preview = |sim: &Sim| match &sim.app.form().unwrap().field("preview").unwrap().kind {
        brushwood::app::form::FieldKind::Preview(lines, _) => lines.clone(),
        _ => Vec::new(),
    };
    assert_eq!(preview(&sim), ["/out/a.h5  (yxc 64x80x2 uint8, exists)"]);

    // The segmentation too; then the name has to tell the two apart.
    sim.keys("down space");
    let error = |sim: &Sim, key: &str| sim.app.form().unwrap().field(key).unwrap().error.clone();
    assert_eq!(error(&sim, "name"), None);
    let field = |sim: &mut Sim, key: &str, text: &str| {
        for _ in 0..40 {
            if sim.app.form().unwrap().focused().is_some_and(|field| field.key == key) {
                break;
            }
            sim.keys("tab");
        }
        sim.keys("ctrl-a ctrl-k").text(text);
    };
    field(&mut sim, "name", "{nickname}");
    assert!(error(&sim, "name").unwrap().contains("{result_type}"));
    field(&mut sim, "name", "{nickname}_{result_tipe}");
    assert!(error(&sim, "name").unwrap().contains("'{result_tipe}'"), "{:?}", error(&sim, "name"));
    sim.keys("enter");
    assert!(sim.app.form().unwrap().refused.as_ref().unwrap().starts_with("Name: "));
    field(&mut sim, "name", "out/{nickname}_{result_type}");
    field(&mut sim, "cutout", "[(3,4),(20]");
    assert!(error(&sim, "cutout").unwrap().contains("is not a subregion"));
    field(&mut sim, "cutout", "[(3,4,0),(20,40,None)]");
    field(&mut sim, "from", "(0,1)");
    assert!(error(&sim, "to").unwrap().contains("both ranges"));
    field(&mut sim, "to", "(0,255)");
    sim.keys("shift-tab shift-tab right");
    sim.take_effects();
    sim.keys("enter");
    assert!(sim.app.popups.is_empty());
    let settings = &sim.app.project.export;
    assert_eq!(settings.filename_format, "out/{nickname}_{result_type}");
    assert_eq!(settings.dtype, Some(DType::U8));
    assert_eq!(settings.ranges, Some([(0.0, 1.0), (0.0, 255.0)]));
    assert_eq!(settings.region, Some([vec![Some(3), Some(4), Some(0)], vec![Some(20), Some(40), None]]));
    let (_, request) = check(&mut sim, CheckFor::Panel(RunKind::Export));
    assert_eq!(request.sources, [ExportSource::Probabilities, ExportSource::SimpleSegmentation]);
    assert!(sim.app.is_dirty());
    sim.keys("ctrl-s");
    let saved = sim.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Save(request) => Some(request.project),
        _ => None,
    });
    let saved = saved.unwrap();
    assert!(saved.settings["export"].contains("Simple Segmentation"), "{:?}", saved.settings);
    assert_eq!(saved.export.dtype, Some(DType::U8));
}

#[test]
fn formats_have_their_rules() {
    let mut sim = two();
    sim.keys("f4 s tab");
    assert_eq!(sim.app.form().unwrap().focused().unwrap().key, "format");
    while sim.app.form().unwrap().chosen_text("format") != "png sequence" {
        sim.keys("right");
    }
    let form = sim.app.form().unwrap();
    assert!(form.field("name").unwrap().error.as_ref().unwrap().contains("{slice_index}"));
    assert!(form.field("internal").unwrap().disabled.is_some(), "PNG has no datasets");
    assert!(form.field("input_axes").unwrap().hidden, "the project's images have their axes");
}

#[test]
fn existing_files_are_asked_about() {
    for (answer, starts, replaced) in
        [("r", true, true), ("k", true, false), ("c", false, false), ("esc", false, false)]
    {
        let mut sim = two();
        sim.keys("f4 a");
        let (id, request) = check(&mut sim, CheckFor::Run);
        assert_eq!(request.inputs.iter().map(|i| i.lane).collect::<Vec<_>>(), [Some(0), Some(1)]);
        assert!(!request.overwrite);
        checked(&mut sim, id, CheckFor::Run, summary(&["a", "b"], &["b"], &[]));
        assert!(matches!(&sim.app.popups[..], [Popup::Question(question)]
            if matches!(&question.kind, QuestionKind::Replace { existing } if existing.len() == 1)));
        sim.keys(answer);
        let started = sim.take_effects().into_iter().find_map(|effect| match effect {
            Effect::StartRun { id, replace, skipped } => Some((id, replace, skipped)),
            _ => None,
        });
        let skipped = if replaced { Vec::new() } else { vec![1] };
        assert_eq!(started, starts.then_some((id, replaced, skipped)), "{answer}");
        if starts {
            let second = if replaced { FileState::Queued } else { FileState::Kept };
            assert_eq!(states(&sim), [FileState::Queued, second]);
        }
    }
}

#[test]
fn a_run_that_cannot_start_says_why() {
    let mut sim = two();
    sim.keys("f4 enter");
    let (id, request) = check(&mut sim, CheckFor::Run);
    assert_eq!(request.inputs.len(), 1, "the selected image alone");
    let refused = PlanSummary { problems: vec!["No feature is selected.".into()], ..PlanSummary::default() };
    checked(&mut sim, id, CheckFor::Run, refused);
    assert_eq!(sim.message(), "Can't start: No feature is selected.");
    assert!(sim.app.runs.current.is_none());
}

#[test]
fn a_batch_goes_on_is_held_and_is_tried_again() {
    let mut sim = batch(&["a", "b", "c"]);
    assert_eq!(sim.app.batch.files.len(), 3);
    sim.time(1000).keys("S");
    let (id, _) = check(&mut sim, CheckFor::Run);
    checked(&mut sim, id, CheckFor::Run, summary(&["a", "b", "c"], &[], &["b"]));
    assert!(matches!(&states(&sim)[1], FileState::Failed(why) if why.contains("truncated")));
    sim.take_effects();
    sim.event(AppEvent::Run(id, RunEvent::Started(0)));
    sim.time(3000).event(AppEvent::Run(id, RunEvent::Advanced(0, 500)));
    let now = sim.app.now;
    let run = sim.app.runs.active().unwrap();
    assert_eq!((run.pixels(), run.speed(now)), ([500, 2000], Some(250.0)));
    assert_eq!(run.time_left(now).unwrap().as_secs(), 6);

    // Held: its clock stands still, labelling goes on.
    sim.keys("space f3 left space");
    assert!(sim.take_effects().iter().any(|e| matches!(e, Effect::OrderRun(RunOrder::Pause))));
    sim.time(60_000);
    assert_eq!(sim.app.runs.active().unwrap().elapsed(sim.app.now).as_secs(), 2);
    sim.command("run.pause");
    assert!(sim.take_effects().iter().any(|e| matches!(e, Effect::OrderRun(RunOrder::Resume))));
    sim.event(AppEvent::Run(id, finished("a", &[])));
    sim.event(AppEvent::Run(id, RunEvent::LeftOut(1)));

    // The third is left out; the one that can't be is not asked to stop.
    sim.keys("f5 down x");
    assert!(!sim.take_effects().iter().any(|e| matches!(e, Effect::OrderRun(_))), "{}", sim.message());
    sim.keys("down x");
    assert!(sim.take_effects().iter().any(|e| matches!(e, Effect::OrderRun(RunOrder::CancelFile(2)))));
    sim.event(AppEvent::Run(id, RunEvent::LeftOut(2)));
    sim.event(AppEvent::Run(id, RunEvent::Ended(None)));
    assert!(sim.message().contains("1 done, 1 failed, 1 cancelled"), "{}", sim.message());

    // Put right, the two that are missing are computed.
    sim.take_effects();
    sim.keys("R");
    let (again, request) = check(&mut sim, CheckFor::Run);
    assert_eq!(request.inputs.iter().map(|i| i.raw.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    checked(&mut sim, again, CheckFor::Run, summary(&["b", "c"], &[], &[]));
    assert_eq!(states(&sim), [FileState::Done, FileState::Queued, FileState::Queued]);
    // What an ended run still says changes nothing.
    sim.event(AppEvent::Run(id, finished("a", &["late"])));
    for (index, name) in ["a", "b"].into_iter().enumerate() {
        sim.event(AppEvent::Run(again, RunEvent::Started(index)));
        sim.event(AppEvent::Run(again, finished(name, &[])));
    }
    sim.event(AppEvent::Run(again, RunEvent::Ended(None)));
    assert_eq!(states(&sim), [FileState::Done, FileState::Done, FileState::Done]);
    assert!(sim.message().contains("3 done"), "{}", sim.message());
}

#[test]
fn masks_go_with_images_one_by_one() {
    let mut sim = two();
    sim.keys("f5 a").text("*.tif").keys("tab tab").text("m*");
    sim.event(AppEvent::ImagesFound("*.tif".into(), Ok(vec!["a".into(), "b".into()])));
    sim.event(AppEvent::ImagesFound("m*".into(), Ok(vec!["ma".into()])));
    let error = sim.app.form().unwrap().field("masks").unwrap().error.clone();
    assert_eq!(error.as_deref(), Some("1 masks for 2 images: each takes one"));
    sim.event(AppEvent::ImagesFound("m*".into(), Ok(vec!["ma".into(), "mb".into()])));
    sim.keys("enter");
    let files = &sim.app.batch.files;
    assert_eq!((files[1].raw.as_str(), files[1].mask.as_deref()), ("b", Some("mb")));
    // The same files again are not added twice.
    sim.keys("a").text("a");
    sim.event(AppEvent::ImagesFound("a".into(), Ok(vec!["a".into()])));
    sim.keys("enter");
    assert_eq!(sim.app.batch.files.len(), 2);
    sim.keys("X");
    assert_eq!(sim.app.batch.files[0].raw, "b");
    sim.keys("backspace");
    assert!(sim.app.batch.files.is_empty());
}

#[test]
fn a_stack_is_one_image() {
    let mut sim = two();
    sim.keys("f5 a").text("z*.png").keys("tab right");
    sim.event(AppEvent::ImagesFound("z*.png".into(), Ok(vec!["z0.png".into(), "z1.png".into()])));
    sim.keys("enter");
    assert_eq!(sim.app.batch.files.len(), 1);
    assert_eq!(sim.app.batch.files[0].raw, "z*.png");
}

#[test]
fn the_command_line_is_copied() {
    let mut sim = two();
    sim.keys("f4");
    let (id, _) = check(&mut sim, CheckFor::Panel(RunKind::Export));
    checked(&mut sim, id, CheckFor::Panel(RunKind::Export), summary(&["a", "b"], &["a"], &[]));
    sim.keys("y");
    assert!(
        sim.take_effects()
            .iter()
            .any(|e| matches!(e, Effect::Copy(text) if text == "brushwood predict --project p.ilp a"))
    );
    assert!(sim.message().contains("Save the project"), "{}", sim.message());
    sim.keys("X");
    assert!(
        matches!(&sim.app.popups[..], [Popup::Question(q)] if matches!(q.kind, QuestionKind::DeleteExported { .. }))
    );
    sim.keys("d");
    assert!(sim.take_effects().iter().any(|e| matches!(e, Effect::Delete(files) if files.len() == 1)));
}

#[test]
fn a_result_is_looked_at_without_joining_the_project() {
    let mut sim = batch(&["a", "b"]);
    sim.keys("enter");
    assert_eq!(sim.message(), "This file has not been computed yet");
    sim.keys("S");
    let (id, _) = check(&mut sim, CheckFor::Run);
    checked(&mut sim, id, CheckFor::Run, summary(&["a", "b"], &[], &[]));
    sim.event(AppEvent::Run(id, finished("a", &[])));
    sim.event(AppEvent::Run(id, finished("b", &["no such file"])));
    sim.event(AppEvent::Run(id, RunEvent::Ended(None)));
    sim.take_effects();
    sim.keys("enter");
    assert!(sim.take_effects().iter().any(|e| matches!(e, Effect::Visit(visit) if visit.input.raw == "a")));
    let dirty = sim.app.is_dirty();
    let visited = Visited { lane: lane("a", [1, 1, 30, 40, 1]), result: None };
    sim.event(AppEvent::Visited(Ok(Box::new(visited))));
    assert!(sim.message().contains("'a' with predictions of now"), "{}", sim.message());
    assert_eq!((sim.app.screen.applet, sim.app.lane, sim.app.views.len()), (Applet::Training, 2, 3));
    assert_eq!(sim.app.engine_goal().unwrap().labels.len(), 3, "as many labels as images");
    // Neither key nor mouse paints on it, and a save does not hold it.
    sim.keys("space");
    assert!(sim.message().contains("none of the project's"), "{}", sim.message());
    sim.drag(crossterm::event::MouseButton::Left, &[[3, 3], [5, 5]]);
    assert!(sim.app.labels().unwrap().is_empty());
    sim.take_effects();
    sim.keys("ctrl-s");
    assert!(
        sim.take_effects()
            .into_iter()
            .any(|e| matches!(e, Effect::Save(request) if request.project.lanes.len() == 2))
    );
    sim.keys("esc");
    assert_eq!((sim.app.screen.applet, sim.app.views.len(), sim.app.lane), (Applet::Batch, 2, 0));
    assert_eq!(sim.app.is_dirty(), dirty);
    sim.keys("down enter");
    assert!(sim.message().contains("no such file"), "{}", sim.message());
}

/// A segmentation of 30 x 40 pixels in a file, class 2 in column 7 and class 1 elsewhere.
fn segmentation(folder: &std::path::Path) -> StoredResult {
    let path = folder.join("a_Simple Segmentation.npy");
    let shape = [1, 1, 30, 40, 1];
    let image = ndarray::Array5::from_shape_fn(shape, |(_, _, _, x, _)| if x == 7 { 2_u8 } else { 1 });
    let spec = ImageSpec::new("yxc".parse().unwrap(), shape, DType::U8);
    let mut writer = io::create("numpy", &path, &spec).unwrap();
    writer.write([0; 5], &Volume::from(image)).unwrap();
    writer.finish().unwrap();
    let source = ExportSource::SimpleSegmentation;
    let report = OutputReport {
        source,
        paths: vec![path],
        axes: "yxc".into(),
        shape: vec![30, 40, 1],
        dtype: "uint8",
    };
    StoredResult::open(&report, &Request::default(), shape, 2).unwrap()
}

#[test]
fn what_a_batch_wrote_is_shown_and_not_what_the_forest_says_now() {
    let folder = tempfile::tempdir().unwrap();
    let mut sim = batch(&["a"]);
    let layers = sim.app.layers.clone();
    sim.take_effects();
    let result = Some(Ok(segmentation(folder.path())));
    sim.event(AppEvent::Visited(Ok(Box::new(Visited { lane: lane("a", [1, 1, 30, 40, 1]), result }))));
    assert!(sim.message().contains("a_Simple Segmentation.npy (Simple Segmentation)"), "{}", sim.message());
    assert!(
        sim.app.layers.shows(LayerKind::Segmentation(1)) && !sim.app.layers.shows(LayerKind::Prediction(1))
    );
    let reads: Vec<_> = sim
        .take_effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::ReadResult(read) => Some(read),
            _ => None,
        })
        .collect();
    let [read] = &reads[..] else { panic!("{} reads of one slice", reads.len()) };
    let view = sim.app.engine_view().unwrap();
    assert_eq!(
        sim.app.result_tiles(&view).map(|tiles| tiles.len()),
        Some(0),
        "nothing of the forest meanwhile"
    );
    let part = read.result.read(read.plane.t, &read.region, read.classes);
    sim.event(AppEvent::ResultRead(read.clone(), part));
    assert_eq!(sim.app.result_at(&view, [0, 3, 7]), Some(vec![0.0, 1.0]));
    assert_eq!(sim.app.result_at(&view, [0, 3, 8]), Some(vec![1.0, 0.0]));
    sim.keys("right");
    assert!(!sim.take_effects().iter().any(|e| matches!(e, Effect::ReadResult(_))), "it is there");
    sim.keys("esc");
    assert!(!sim.app.shows_result());
    assert_eq!(sim.app.layers, layers, "as they were before");
    // An answer that comes too late is dropped.
    sim.event(AppEvent::ResultRead(read.clone(), Ok(None)));
    assert!(!sim.app.is_visiting());
}

#[test]
fn quitting_while_a_run_is_under_way_asks() {
    let mut sim = batch(&["a"]);
    sim.keys("S");
    let (id, _) = check(&mut sim, CheckFor::Run);
    checked(&mut sim, id, CheckFor::Run, summary(&["a"], &[], &[]));
    sim.keys("ctrl-q");
    assert!(matches!(&sim.app.popups[..], [Popup::Question(q)] if matches!(q.kind, QuestionKind::StopRun)));
    sim.keys("s");
    assert!(sim.take_effects().iter().any(|e| matches!(e, Effect::OrderRun(RunOrder::Cancel))));
    assert!(matches!(&sim.app.popups[..], [Popup::Question(q)] if matches!(q.kind, QuestionKind::Quit)));
}

#[test]
fn the_view_is_written_as_a_picture() {
    let mut sim = two();
    sim.command("export.picture view");
    assert!(
        sim.take_effects().iter().any(
            |e| matches!(e, Effect::SavePicture { path, overwrite: false, whole: None } if path.ends_with("view.png"))
        )
    );
    sim.event(AppEvent::PictureSaved { path: "view.png".into(), result: Err(SaveFailure::Exists) });
    sim.keys("o");
    assert!(sim.take_effects().iter().any(|e| matches!(e, Effect::SavePicture { overwrite: true, .. })));
}

#[test]
fn the_views_of_all_slices_are_written_one_after_the_other() {
    let mut sim = Sim::with_lanes(vec![lane("volume", [1, 12, 20, 30, 1])]);
    sim.load();
    sim.command("view.slice_first").command("view.slice_by 7");
    sim.take_effects();
    sim.command("export.picture out/view_{slice_index}");
    let asked = |sim: &mut Sim| {
        sim.take_effects().into_iter().find_map(|effect| match effect {
            Effect::SavePicture { path, overwrite, whole } => Some((path, overwrite, whole)),
            _ => None,
        })
    };
    for slice in 0..12 {
        let (path, overwrite, whole) = asked(&mut sim).expect("a picture is asked for");
        assert_eq!(path, PathBuf::from(format!("out/view_{slice:02}.png")));
        assert_eq!(whole.expect("a slice").position, slice);
        assert_eq!(overwrite, slice > 3, "once answered, for all that follow");
        if slice == 3 {
            sim.event(AppEvent::PictureSaved { path: path.clone(), result: Err(SaveFailure::Exists) });
            sim.keys("o");
            let again = asked(&mut sim).expect("asked for again");
            assert_eq!((&again.0, again.1), (&path, true));
        }
        sim.event(AppEvent::PictureSaved { path, result: Ok(()) });
    }
    assert!(asked(&mut sim).is_none());
    assert_eq!(sim.app.view().expect("a view").cursor[1], 7, "the slice that was shown before");
    for leave in ["c", "esc"] {
        sim.command("export.picture out/view_{slice_index}");
        let (path, ..) = asked(&mut sim).expect("a picture is asked for");
        sim.event(AppEvent::PictureSaved { path, result: Err(SaveFailure::Exists) });
        sim.keys(leave);
        assert_eq!(sim.app.view().expect("a view").cursor[1], 7, "the slice that was shown before");
        sim.event(AppEvent::PictureSaved { path: "late.png".into(), result: Ok(()) });
        assert!(asked(&mut sim).is_none(), "given up");
    }
}

#[test]
fn the_selected_layer_is_exported() {
    let mut sim = two();
    let mut export = |kind: LayerKind| {
        let at = sim.app.layers.layers.iter().position(|layer| layer.kind == kind).expect("a layer");
        sim.app.layers.selected = at;
        sim.command("layer.export").keys("enter");
        (sim.app.export.choices.sources.clone(), sim.app.screen.applet, sim.message())
    };
    for (kind, source) in [
        (LayerKind::Segmentation(1), ExportSource::SimpleSegmentation),
        (LayerKind::Uncertainty, ExportSource::Uncertainty),
        (LayerKind::Prediction(2), ExportSource::Probabilities),
    ] {
        let (sources, applet, _) = export(kind);
        assert_eq!((sources, applet), (vec![source], Applet::Export));
    }
    assert!(export(LayerKind::RawInput).2.contains("The layer is a file already"));
}
