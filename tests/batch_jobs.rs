//! Runs over images that are open, under control, and the command line that does the same.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod predict_support;

use std::path::Path;
use std::process::Command;

use brushwood::batch::{Control, Event, Input, OpenLane, Plan, PlanSummary, Request, run_controlled};
use brushwood::data::{CancelToken, DType};
use brushwood::io::{self, OpenOptions};
use brushwood::pipeline::ExportSource;
use brushwood::project::Project;
use predict_support::golden;

/// A folder with a golden project and copies of its image.
fn lab(copies: usize) -> (tempfile::TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(golden("gray/gray.ilp"), folder.path().join("gray.ilp")).unwrap();
    std::fs::copy(golden("gray/gray_raw.h5"), folder.path().join("gray_raw.h5")).unwrap();
    for copy in 0..copies {
        std::fs::copy(golden("gray/gray_raw.h5"), folder.path().join(format!("copy{copy}.h5"))).unwrap();
    }
    let project = Project::load(&folder.path().join("gray.ilp")).unwrap();
    (folder, project)
}

fn open(project: &Project) -> Vec<OpenLane> {
    let options = OpenOptions::default();
    let lanes = project.lanes.iter();
    lanes
        .map(|lane| OpenLane {
            raw: io::open(&project.locate(&lane.raw).unwrap(), &options).unwrap(),
            mask: None,
        })
        .collect()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A request for the project's first image, or for the copies.
fn request(folder: &Path, copies: usize) -> Request {
    let image = |name: String| folder.join(name).display().to_string();
    let inputs = match copies {
        0 => vec![Input { raw: image("gray_raw.h5".into()), mask: None, lane: Some(0) }],
        n => (0..n).map(|copy| Input { raw: image(format!("copy{copy}.h5")), ..Input::default() }).collect(),
    };
    Request {
        inputs,
        sources: vec![ExportSource::Probabilities, ExportSource::SimpleSegmentation],
        format: Some("numpy".into()),
        template: Some("out/{nickname}_{result_type}".into()),
        folder: Some(folder.to_owned()),
        subregion: Some("[(3,4,0),(20,40,None)]".parse().unwrap()),
        dtype: Some(DType::U8),
        ..Request::default()
    }
}

fn plan(project: Project, request: Request) -> Plan {
    let lanes = open(&project);
    Plan::check_with(project, lanes, request, &CancelToken::new(), &mut |_| {}).unwrap()
}

#[test]
fn a_projects_images_are_exported_as_they_are_in_memory() {
    let (folder, mut project) = lab(0);
    project.lanes[0].raw.nickname = "first {one}".into();
    project.lanes[0].labels.paint([([0, 0, 5, 6], 2)]);
    let mut request = request(folder.path(), 0);
    request.sources = vec![ExportSource::Labels];
    let plan = plan(project, request);
    let report = run_controlled(&plan, 2, &Control::default(), &mut |_| {}).unwrap();
    assert_eq!(report.failed(), 0, "{report:?}");
    let path = folder.path().join("out/first {one}_Labels.npy");
    let labels = predict_support::npy(&path);
    assert_eq!((labels.shape(), labels[[2, 2, 0]]), (&[17, 36, 1][..], 2.0));
}

#[test]
fn the_command_line_writes_the_same_files() {
    let (folder, mut project) = lab(2);
    project.lanes[0].raw.nickname = "it's {one}".into();
    let mut request = request(folder.path(), 2);
    request.inputs.push(Input {
        raw: folder.path().join("gray_raw.h5").display().to_string(),
        mask: None,
        lane: Some(0),
    });
    request.renormalization = Some(brushwood::batch::Renormalization { from: (0.0, 1.0), to: (-5.0, 200.5) });
    let plan = plan(project, request);
    let summary = PlanSummary::of(&plan, Some(&folder.path().join("gray.ilp")));
    assert_eq!(summary.commands.len(), 2, "a name of its own takes a line of its own");
    run_controlled(&plan, 1, &Control::default(), &mut |_| {}).unwrap();
    let out = folder.path().join("out");
    let here = files(&out);
    assert_eq!(here.len(), 6);
    std::fs::rename(&out, folder.path().join("here")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_brushwood")).parent().unwrap().display().to_string();
    for command in &summary.commands {
        let path = format!("{program}:{}", std::env::var("PATH").unwrap_or_default());
        let output =
            Command::new("sh").args(["-c", command]).env("PATH", path).current_dir("/").output().unwrap();
        assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(files(&out), here);
    for name in here {
        let read = |folder: &Path| std::fs::read(folder.join(&name)).unwrap();
        assert_eq!(read(&out), read(&folder.path().join("here")), "{name}");
    }
}

#[test]
fn images_are_left_out_while_the_others_go_on() {
    let (folder, project) = lab(4);
    let plan = plan(project, request(folder.path(), 4));
    let control = Control::default();
    let mut left_out = Vec::new();
    let report = run_controlled(&plan, 2, &control, &mut |event| match event {
        Event::Started { index: 0, .. } => control.cancel_input(2),
        // What is being written now is removed again.
        Event::Advanced { index: 1, .. } => control.cancel_input(1),
        Event::LeftOut { index } => left_out.push(index),
        _ => {}
    })
    .unwrap();
    assert_eq!((left_out, report.failed(), report.interrupted), (vec![1, 2], 0, false));
    let expected: Vec<String> = ["copy0", "copy3"]
        .iter()
        .flat_map(|name| ["Probabilities", "Simple Segmentation"].map(|kind| format!("{name}_{kind}.npy")))
        .collect();
    assert_eq!(files(&folder.path().join("out")), expected);
}

#[test]
fn a_paused_run_writes_nothing_until_it_goes_on() {
    let (folder, project) = lab(2);
    let plan = plan(project, request(folder.path(), 2));
    let control = Control::default();
    control.set_paused(true);
    let (sender, events) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            run_controlled(&plan, 2, &control, &mut |event| {
                if let Event::Started { index, .. } = event {
                    control.set_paused(index == 0);
                    sender.send(index).unwrap();
                }
            })
        });
        assert!(events.try_recv().is_err() && !folder.path().join("out").exists());
        control.set_paused(false);
        assert_eq!(events.recv(), Ok(0));
        // Paused again in the middle of the first image.
        control.set_paused(false);
        assert_eq!(running.join().unwrap().unwrap().failed(), 0);
    });
    assert_eq!(files(&folder.path().join("out")).len(), 4);
}

#[test]
fn a_file_that_appears_after_the_check_is_kept() {
    let (folder, project) = lab(1);
    let plan = plan(project, request(folder.path(), 1));
    let path = folder.path().join("out/copy0_Probabilities.npy");
    std::fs::create_dir(folder.path().join("out")).unwrap();
    std::fs::write(&path, "mine").unwrap();
    let report = run_controlled(&plan, 1, &Control::default(), &mut |_| {}).unwrap();
    assert!(report.inputs[0].errors[0].ends_with("has appeared meanwhile and is kept"), "{report:?}");
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    assert_eq!(files(&folder.path().join("out")).len(), 1);
    std::fs::remove_file(&path).unwrap();
    // While it is being written.
    let report = run_controlled(&plan, 1, &Control::default(), &mut |event| {
        if let Event::Advanced { .. } = event {
            std::fs::write(&path, "mine").unwrap();
        }
    })
    .unwrap();
    assert!(report.inputs[0].errors[0].ends_with("has appeared meanwhile and is kept"), "{report:?}");
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    assert_eq!(files(&folder.path().join("out")).len(), 1);
}

#[test]
fn the_summary_tells_what_would_be_written_and_what_is_in_its_way() {
    let (folder, project) = lab(2);
    let mut asked = request(folder.path(), 2);
    std::fs::create_dir(folder.path().join("out")).unwrap();
    std::fs::write(folder.path().join("out/copy1_Probabilities.npy"), "there").unwrap();
    let mut first = plan(project.clone(), asked.clone());
    let summary = PlanSummary::of(&first, None);
    assert_eq!(summary.inputs[0].pixels, 17 * 36);
    assert_eq!((summary.inputs[0].existing.len(), summary.inputs[1].existing.len()), (0, 1));
    assert!(summary.inputs.iter().all(|input| input.problems.is_empty()));
    first.allow_overwrite();
    assert!(PlanSummary::of(&first, None).inputs[1].existing.is_empty());

    asked.template = Some("out/same_{result_type}".into());
    let summary = PlanSummary::of(&plan(project.clone(), asked.clone()), None);
    assert!(summary.inputs[1].problems[0].contains("would both be written to"), "{summary:?}");
    asked.template = Some("out/{nickname}".into());
    let refused = Plan::check(project, asked).err().unwrap();
    let summary = PlanSummary::refused(&refused);
    assert!(summary.problems[0].contains("lacks {result_type}"), "{summary:?}");
}

#[test]
fn the_command_line_of_a_project_opened_by_its_name_alone_names_its_folder() {
    let (folder, project) = lab(1);
    let mut asked = request(folder.path(), 1);
    asked.folder = Some(std::path::PathBuf::new());
    asked.template = Some("out dir/{nickname}_{result_type}".into());
    let commands = PlanSummary::of(&plan(project, asked), Some(Path::new("gray.ilp"))).commands;
    let here = std::env::current_dir().unwrap();
    let named = |name: &str| format!("'{}/{name}'", here.display());
    assert!(commands[0].contains(&named("out dir/{nickname}_{result_type}")), "{commands:?}");
}
