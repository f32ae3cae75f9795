//! Projects and images of every kind through the command line, and files that must stay whole.

#![allow(clippy::unwrap_used)]

mod predict_support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use brushwood::data::DType;
use brushwood::project::Project;
use ndarray::{Array5, s};
use predict_support::desk::{Desk, read};
use predict_support::{assert_exit, stderr};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/project").join(name)
}

fn noise(shape: [usize; 5]) -> Array5<u8> {
    Array5::from_shape_fn(shape, |(t, z, y, x, c)| {
        let n = (((t * 31 + z) * 37 + y) * 41 + x) * 3 + c;
        (n.wrapping_mul(2_654_435_761) >> 13) as u8
    })
}

const OUT: [&str; 2] = ["--output-format=numpy", "--output-filename-format=out"];

#[test]
fn forty_forests_of_1_2_predict_a_time_series_without_their_image() {
    let desk = Desk::new();
    let project = fixture("forty_forests.ilp").display().to_string();
    // Smoothing leaves a constant frame as it is; each tree votes for the first class below its threshold.
    let levels = [5_u8, 95, 205];
    desk.write("movie.npy", "txyzc", DType::U8, Array5::from_shape_fn((3, 1, 20, 24, 1), |at| levels[at.0]));
    let arguments =
        [&["predict", "--project", &project, "--output-axis-order=tyxc"], &OUT[..], &["movie.npy"]];
    assert_exit(&desk.run(&arguments.concat()), 0);
    let p = read(&desk.path("out.npy").display().to_string(), Some("tyxc"));
    assert_eq!(p.dim(), (3, 1, 20, 24, 2));
    let thresholds: Vec<f32> = (0..40)
        .flat_map(|forest| (0..if forest < 20 { 3 } else { 2 }).map(move |tree| (10 * forest + tree) as f32))
        .collect();
    assert_eq!(thresholds.len(), 100);
    for (at, &p) in p.indexed_iter() {
        let below = thresholds.iter().filter(|&&threshold| f32::from(levels[at.0]) < threshold).count();
        let expect = if at.4 == 0 { below as f32 } else { (100 - below) as f32 } / 100.0;
        assert!((p - expect).abs() < 1e-6, "{at:?}: {p}, {expect} expected");
    }
    // Training needs the image, which is named.
    let retrain = desk.run(&["predict", "--retrain", "--project", &project, "movie.npy"]);
    assert_exit(&retrain, 3);
    assert!(stderr(&retrain).contains("image 'movie' of the project"), "{}", stderr(&retrain));
}

#[test]
fn data_inside_a_project_trains_and_is_predicted() {
    let desk = Desk::new();
    std::fs::copy(fixture("inside.ilp"), desk.path("inside.ilp")).expect("copied");
    let raw = "inside.ilp/Input Data/local_data/raw-id";
    let mask = "inside.ilp/Input Data/local_data/mask-id";
    let arguments = [
        "predict",
        "--project=inside.ilp",
        "--export-source=Simple Segmentation",
        "--export-source=Labels",
        "--output-format=numpy",
        "--output-filename-format={result_type}",
        "--raw-data",
        raw,
        "--prediction-mask",
        mask,
    ];
    assert_exit(&desk.run(&arguments), 0);
    let classes = desk.read("Simple Segmentation.npy");
    assert_eq!(classes.dim(), (1, 5, 24, 26, 1));
    for (at, &class) in classes.indexed_iter() {
        let expect = if at.3 >= 13 {
            0.0
        } else if at.2 < 12 {
            1.0
        } else {
            2.0
        };
        // Smoothing blurs the border.
        assert!(class == expect || (10..14).contains(&at.2), "{at:?}: {class}");
    }
    let labels = desk.read("Labels.npy");
    assert_eq!(labels.iter().filter(|&&label| label == 1.0).count(), 17);
    assert_eq!(labels[[0, 2, 2, 3, 0]], 1.0);
    assert_eq!(labels[[0, 1, 20, 19, 0]], 2.0);
}

#[test]
fn all_that_is_wrong_is_said_at_once_and_before_the_work() {
    let desk = Desk::golden("gray");
    let mistakes = [
        "predict",
        "--project=gray.ilp",
        "--export-source=Probabilities",
        "--export-source=Uncertainty",
        "--output-format=png sequenze",
        "--output-filename-format=out_{nickame}",
        "gray_raw.h5",
        "missing.png",
    ];
    let output = desk.run(&mistakes);
    assert_exit(&output, 2);
    for part in ["{result_type}", "png sequenze", "{nickame}", "missing.png"] {
        assert!(stderr(&output).contains(part), "'{part}' is missing in:\n{}", stderr(&output));
    }
    let sequence =
        [&["predict", "--project=gray.ilp", "--output-format=png sequence"], &OUT[1..], &["gray_raw.h5"]];
    let output = desk.run(&sequence.concat());
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("{slice_index}"), "{}", stderr(&output));
    assert_eq!(desk.names(), ["gray.ilp", "gray_raw.h5"]);
    // What is wrong with some images is said before the others are predicted.
    desk.write("small.npy", "yx", DType::U8, noise([1, 1, 20, 30, 1]));
    let output = desk.run(&["predict", "--project=gray.ilp", "gray_raw.h5", "small.npy", "missing.png"]);
    assert_exit(&output, 1);
    let text = stderr(&output);
    let at = |part: &str| text.find(part).expect(part);
    let done = at("gray_raw.h5 -> ");
    assert!(at("missing.png: no such file") < done, "{text}");
    assert!(at("scale 10.0 needs 36 pixels along x, the image has 30") < done, "{text}");
    assert_eq!(text.matches("missing.png").count(), 1, "{text}");
    assert!(text.contains("2 of 3 images failed"), "{text}");
}

#[test]
fn a_long_sequence_needs_few_open_files() {
    let desk = Desk::golden("vol");
    desk.write("long.npy", "zyx", DType::U8, noise([1, 150, 36, 38, 1]));
    let arguments = [
        "predict",
        "--project=vol.ilp",
        "--output-format=tiff sequence",
        "--output-filename-format=out/{slice_index}",
        "--memory=64M",
        "long.npy",
    ];
    assert_exit(&desk.run_limited("ulimit -n 100", &arguments), 0);
    assert_eq!(std::fs::read_dir(desk.path("out")).expect("a folder").count(), 150);
}

#[test]
fn threads_memory_and_cutouts_change_no_bit() {
    let desk = Desk::golden("vol");
    desk.write("v.npy", "zyx", DType::U8, noise([1, 40, 70, 90, 1]));
    let whole = ["predict", "--project=vol.ilp", "--overwrite", OUT[0], OUT[1], "v.npy"];
    assert_exit(&desk.run(&whole), 0);
    let expect = desk.read("out.npy");
    for more in
        [["--threads=1", "--memory=1K"], ["--threads=3", "--memory=4M"], ["--threads=2", "--memory=40M"]]
    {
        assert_exit(&desk.run(&[&whole[..], &more].concat()), 0);
        assert!(desk.read("out.npy") == expect, "{more:?}");
    }
    let cutout = ["--cutout-subregion=[(7,11,13,1),(30,70,77,2)]", "--memory=2M"];
    assert_exit(&desk.run(&[&whole[..], &cutout].concat()), 0);
    let crop = expect.slice(s![.., 7..30, 11..70, 13..77, 1..2]).to_owned();
    assert!(desk.read("out.npy") == crop, "a cutout is a crop");
    // The same in every format, which take blocks of other shapes.
    for format in ["hdf5", "compressed hdf5", "tiff", "multipage tiff"] {
        let arguments = [
            "predict",
            "--project=vol.ilp",
            "--overwrite",
            "--memory=3M",
            "--output-format",
            format,
            OUT[1],
            "v.npy",
        ];
        assert_exit(&desk.run(&arguments), 0);
        let file = if format.ends_with("5") { "out.h5" } else { "out.tiff" };
        assert!(desk.read(file) == expect, "{format}");
    }
}

#[test]
fn nothing_is_predicted_near_what_is_not_a_number() {
    let desk = Desk::golden("gray");
    let mut image = noise([1, 1, 120, 130, 1]).mapv(f32::from);
    desk.write("sound.npy", "yx", DType::F32, image.clone());
    (image[[0, 0, 60, 65, 0]], image[[0, 0, 2, 3, 0]]) = (f32::NAN, f32::INFINITY);
    desk.write("bad.npy", "yx", DType::F32, image);
    let sources = ["--export-source=Probabilities", "--export-source=Simple Segmentation"];
    let names = ["--output-format=numpy", "--output-filename-format={nickname}_{result_type}"];
    let arguments =
        [&["predict", "--project=gray.ilp", "sound.npy", "bad.npy"], &sources[..], &names].concat();
    assert_exit(&desk.run(&arguments), 0);
    let [sound, bad] = ["sound", "bad"].map(|name| desk.read(&format!("{name}_Probabilities.npy")));
    let classes = desk.read("bad_Simple Segmentation.npy");
    let mut cleared = 0;
    for y in 0..120 {
        for x in 0..130 {
            let at = |array: &Array5<f32>, c| array[[0, 0, y, x, c]];
            if at(&bad, 0) == 0.0 && at(&bad, 1) == 0.0 {
                cleared += 1;
                assert_eq!(at(&classes, 0), 0.0);
            } else {
                assert_eq!([at(&bad, 0), at(&bad, 1)], [at(&sound, 0), at(&sound, 1)], "y {y}, x {x}");
            }
        }
    }
    assert!((77 * 77..90 * 90 * 2).contains(&cleared), "{cleared} pixels are cleared");
}

#[test]
fn several_images_classes_without_pixels_and_labels_of_any_format() {
    let desk = Desk::new();
    let image = |seed: usize| {
        Array5::from_shape_fn((1, 1, 40, 44, 1), |at| {
            (if at.3 < 22 { 30 } else { 190 }) + ((at.2 * 7 + at.3 + seed) % 9) as u8
        })
    };
    desk.write("a.png", "yxc", DType::U8, image(0));
    desk.write("b.npy", "yx", DType::U8, image(4));
    // The second image has labels of one class only, in another axis order and sample type.
    let labels = |at: (usize, usize, usize, usize, usize)| {
        if at.2 == 5 {
            if at.3 < 20 {
                1
            } else if at.3 > 24 {
                3
            } else {
                0
            }
        } else {
            0
        }
    };
    desk.write(
        "a_labels.png",
        "yxc",
        DType::U8,
        Array5::from_shape_fn((1, 1, 40, 44, 1), |at| labels(at) as u8),
    );
    let one = |at: (usize, usize, usize, usize, usize)| i64::from(at.2 == 7 && at.3 < 15);
    desk.write("b_labels.npy", "xy", DType::I64, Array5::from_shape_fn((1, 1, 40, 44, 1), one));
    // A square would do for either order of axes: these sides differ.
    let train = [
        "train",
        "--raw-data",
        "a.png",
        "b.npy",
        "--labels",
        "a_labels.png",
        "b_labels.npy",
        "--features=gauss",
        "--project=p.ilp",
    ];
    let output = desk.run(&train);
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("gauss"), "{}", stderr(&output));
    let train: Vec<&str> = train
        .iter()
        .map(|argument| match *argument {
            "--features=gauss" => "--features=gaussiansmoothing:0.3,1.0",
            other => other,
        })
        .chain(["--label-names=dark,never,bright,spare", "--json", "--seed=3"])
        .collect();
    let output = desk.run(&train);
    assert_exit(&output, 1);
    assert!(stderr(&output).contains("b_labels.npy"), "labels that lie on their side: {}", stderr(&output));
    desk.write("b_labels.npy", "yx", DType::I64, Array5::from_shape_fn((1, 1, 40, 44, 1), one));
    let output = desk.run(&train);
    assert_exit(&output, 0);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["rows"], serde_json::json!([20 + 15, 0, 19, 0]));
    assert!(
        stderr(&output).contains("class 2 never: 0 pixels (none: never predicted)"),
        "{}",
        stderr(&output)
    );
    let project = Project::load(&desk.path("p.ilp")).expect("a project");
    assert_eq!((project.lanes.len(), project.seed, project.classes.len()), (2, 3, 4));
    assert_eq!(project.forest.expect("trained").classes, [1, 3]);
    assert_exit(&desk.run(&["predict", "--project=p.ilp", OUT[0], OUT[1], "b.npy"]), 0);
    let p = desk.read("out.npy");
    assert_eq!(p.dim(), (1, 1, 40, 44, 4));
    for (at, &p) in p.indexed_iter().filter(|(at, _)| !(18..26).contains(&at.3)) {
        let expect = if (at.4 == 0 && at.3 < 22) || (at.4 == 2 && at.3 >= 22) { 1.0 } else { 0.0 };
        assert_eq!(p, expect, "{at:?}");
    }
    // The same seed, the same project, the same bits.
    let forest = |name: &str| Project::load(&desk.path(name)).expect("a project").forest;
    let again: Vec<&str> =
        train.iter().map(|a| if *a == "--project=p.ilp" { "--project=q.ilp" } else { a }).collect();
    assert_exit(&desk.run(&[&again[..], &["--threads=1"]].concat()), 0);
    assert_eq!(forest("p.ilp"), forest("q.ilp"));
}

#[test]
fn coloured_label_images_are_refused_by_name() {
    let desk = Desk::golden("gray");
    desk.write("labels.png", "yxc", DType::U8, noise([1, 1, 72, 80, 3]));
    let train = ["train", "--raw-data=gray_raw.h5", "--labels=labels.png", "--project=p.ilp"];
    let output = desk.run(&train);
    assert_exit(&output, 1);
    assert!(stderr(&output).contains("'labels.png' has 3 channels"), "{}", stderr(&output));
    // Where the project can't be saved is said before anything is read or trained.
    let output = desk.run(&[train[0], train[1], train[2], "--project=no/p.ilp"]);
    assert_exit(&output, 1);
    assert!(
        stderr(&output).contains("Can't save 'no/p.ilp': there is no folder 'no'"),
        "{}",
        stderr(&output)
    );
}

/// Trains into `project`, which exists.
fn retrain(desk: &Desk, limit: &str) -> Output {
    let arguments = [
        "train",
        "--raw-data=gray_raw.h5",
        "--labels=labels.png",
        "--features=gaussiansmoothing:0.3,1.0,3.5",
        "--project=p.ilp",
        "--overwrite",
    ];
    desk.run_limited(limit, &arguments)
}

fn trained() -> (Desk, Vec<u8>) {
    let desk = Desk::golden("gray");
    desk.write("labels.png", "yxc", DType::U8, noise([1, 1, 72, 80, 1]).mapv(|value| value % 3));
    assert_exit(&retrain(&desk, "true"), 0);
    let bytes = std::fs::read(desk.path("p.ilp")).expect("read");
    (desk, bytes)
}

#[test]
fn a_full_disk_leaves_projects_and_outputs_as_they_were() {
    let (desk, before) = trained();
    let names = desk.names();
    // A limit on the size of files, which any user may set, stops writing as a full disk does.
    let limit = "trap '' XFSZ; ulimit -f 40";
    let output = retrain(&desk, limit);
    assert_exit(&output, 1);
    assert!(stderr(&output).contains("Can't save 'p.ilp'"), "{}", stderr(&output));
    assert_eq!(std::fs::read(desk.path("p.ilp")).expect("read"), before);
    for format in ["numpy", "hdf5", "compressed hdf5", "multipage tiff"] {
        let arguments = ["predict", "--project=p.ilp", "--output-format", format, OUT[1], "gray_raw.h5"];
        let output = desk.run_limited("trap '' XFSZ; ulimit -f 8", &arguments);
        assert_exit(&output, 1);
        assert_eq!(desk.names(), names, "{format}: {}", stderr(&output));
    }
}

#[test]
fn a_kill_in_the_middle_leaves_the_old_project_or_the_new() {
    let (desk, before) = trained();
    let arguments = [
        "train",
        "--raw-data=gray_raw.h5",
        "--labels=labels.png",
        "--features=gaussiansmoothing:0.3",
        "--seed=9",
        "--project=p.ilp",
        "--overwrite",
    ];
    let start = || {
        Command::new(env!("CARGO_BIN_EXE_brushwood"))
            .current_dir(desk.folder())
            .args(arguments)
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the program starts")
    };
    let is_being_written = || desk.names().iter().any(|name| name.ends_with(".part"));
    for spins in [0, 50, 500, 5_000, 50_000] {
        let mut child = start();
        while !is_being_written() && child.try_wait().expect("a child").is_none() {
            std::hint::spin_loop();
        }
        (0..spins).for_each(|_| std::hint::spin_loop());
        // It may have ended by now.
        let _ = child.kill();
        child.wait().expect("a child");
        let now = std::fs::read(desk.path("p.ilp")).expect("read");
        let project = Project::load(&desk.path("p.ilp")).expect("whole");
        assert_eq!(project.warnings, []);
        assert!(now == before || project.seed == 9, "neither the old project nor the new");
        for name in desk.names().iter().filter(|name| name.ends_with(".part")) {
            std::fs::remove_file(desk.path(name)).expect("removed");
        }
        std::fs::write(desk.path("p.ilp"), &before).expect("restored");
    }
}

#[test]
fn read_only_projects_and_folders_are_kept() {
    let (desk, before) = trained();
    let mode = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("mode");
    };
    mode(&desk.path("p.ilp"), 0o444);
    let output = retrain(&desk, "true");
    assert_exit(&output, 1);
    assert!(stderr(&output).contains("Can't save 'p.ilp': the file is read-only"), "{}", stderr(&output));
    assert_eq!(std::fs::read(desk.path("p.ilp")).expect("read"), before);
    assert_eq!(std::fs::metadata(desk.path("p.ilp")).expect("there").permissions().mode() & 0o777, 0o444);
    if rustix::process::geteuid().is_root() {
        // The administrator may write to any folder.
        return;
    }
    mode(desk.folder(), 0o555);
    let predicted = desk.run(&["predict", "--project=p.ilp", OUT[0], OUT[1], "gray_raw.h5"]);
    mode(desk.folder(), 0o755);
    assert_exit(&predicted, 1);
    assert!(stderr(&predicted).contains("Can't write to the folder"), "{}", stderr(&predicted));
}
