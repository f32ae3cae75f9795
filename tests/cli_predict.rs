//! The command line as scripts see it: exit codes, messages, files.

#![allow(clippy::unwrap_used)]

mod predict_support;

use std::path::Path;

use brushwood::data::{DType, Volume};
use brushwood::io::{self, ImageSpec};
use predict_support::desk::GoldenDesk;
use predict_support::{assert_exit, brushwood, golden, npy, stderr};
use rustix::process::Signal;

impl GoldenDesk {
    fn project(&self) -> String {
        self.path(&format!("{}.ilp", self.name)).display().to_string()
    }

    fn image(&self) -> String {
        self.path(&format!("{}_raw.h5", self.name)).display().to_string()
    }

    fn predict(&self, more: &[&str]) -> std::process::Output {
        let (project, image) = (self.project(), self.image());
        let mut arguments = vec!["predict", "--project", &project];
        arguments.extend(more);
        arguments.push(&image);
        brushwood(arguments)
    }
}

fn assert_says(output: &std::process::Output, parts: &[&str]) {
    let text = stderr(output);
    for part in parts {
        assert!(text.contains(part), "'{part}' is missing in:\n{text}");
    }
}

#[test]
fn defaults_are_ilastiks() {
    let bench = GoldenDesk::new("gray");
    assert_exit(&bench.predict(&[]), 0);
    assert!(bench.path("gray_raw_Probabilities.h5").exists(), "{:?}", bench.names());
    let info = brushwood(["info", "--json", &bench.path("gray_raw_Probabilities.h5").display().to_string()]);
    assert_exit(&info, 0);
    let text = String::from_utf8_lossy(&info.stdout);
    let info: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(info["axes"], "yxc");
    assert_eq!(info["shape"], serde_json::json!([72, 80, 2]));
    assert_eq!(info["dtype"], "float32");
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf_8_is_refused_in_words() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let name = OsStr::from_bytes(b"zellk\xf6rper.tif");
    for before in [&["info"][..], &["predict", "--project=p.ilp"], &["--headless", "--project=p.ilp"], &[]] {
        let refused = brushwood(before.iter().map(OsStr::new).chain([name]));
        assert_exit(&refused, 2);
        assert_says(&refused, &["Can't use the name 'zellk\u{fffd}rper.tif'", "not UTF-8", "Rename it"]);
    }
    let lossy = brushwood(["info", "zellk\u{fffd}rper.tif"]);
    assert_exit(&lossy, 1);
    assert_says(&lossy, &["no such file; its name is not UTF-8", "rename it"]);
}

#[test]
fn a_picture_is_drawn_of_images_and_in_terminals_only() {
    let bench = GoldenDesk::new("gray");
    let project = brushwood(["info", "--picture", &bench.path("gray.ilp").display().to_string()]);
    assert_exit(&project, 2);
    assert_says(&project, &["Can't draw a picture", "a project is no image"]);
    let piped = brushwood(["info", "--picture", &bench.path("gray_raw.h5").display().to_string()]);
    assert_exit(&piped, 2);
    assert_says(&piped, &["stdout is no terminal"]);
    assert!(piped.stdout.is_empty());
}

#[test]
fn an_output_that_exists_is_kept_unless_asked() {
    let bench = GoldenDesk::new("gray");
    let format = ["--output-format=numpy"];
    assert_exit(&bench.predict(&format), 0);
    let output = bench.path("gray_raw_Probabilities.npy");
    std::fs::write(&output, b"precious").expect("written");
    let refused = bench.predict(&format);
    assert_exit(&refused, 1);
    assert_says(&refused, &["gray_raw_Probabilities.npy' exists", "--overwrite"]);
    assert_eq!(std::fs::read(&output).expect("read"), b"precious");
    let replaced = bench.predict(&["--output-format=numpy", "--overwrite"]);
    assert_exit(&replaced, 0);
    assert_says(&replaced, &["replacing"]);
    assert_eq!(npy(&output).shape(), [72, 80, 2]);
}

#[test]
fn ilastiks_headless_scripts_keep_working() {
    let bench = GoldenDesk::new("gray");
    let out = bench.path("{nickname}_seg.png").display().to_string();
    let (project, image) = (format!("--project={}", bench.project()), bench.image());
    let arguments = [
        "--headless",
        &project,
        "--export_source=Simple Segmentation",
        "--output_format=png",
        &format!("--output_filename_format={out}"),
        "--export_dtype=uint8",
        "--pipeline_result_drange=(0,2)",
        "--export_drange=(0,255)",
        "--raw_data",
        &image,
    ];
    assert_exit(&brushwood(arguments), 0);
    let again = brushwood(arguments);
    assert_exit(&again, 0);
    assert_says(&again, &["replacing", "gray_raw_seg.png"]);
    let refused = brushwood(arguments.iter().chain(&["--no-overwrite"]));
    assert_exit(&refused, 1);
}

#[test]
fn bytes_are_rounded_probabilities() {
    let bench = GoldenDesk::new("gray");
    let bytes = bench.path("bytes.npy").display().to_string();
    let floats = bench.path("floats.npy").display().to_string();
    assert_exit(&bench.predict(&["--output-format=numpy", "--output-filename-format", &floats]), 0);
    let ranges = ["--pipeline-result-drange=(0.0,1.0)", "--export-drange=(0,255)", "--export-dtype=uint8"];
    let arguments: Vec<&str> =
        ["--output-format=numpy", "--output-filename-format", &bytes].into_iter().chain(ranges).collect();
    assert_exit(&bench.predict(&arguments), 0);
    let (bytes, floats) = (npy(Path::new(&bytes)), npy(Path::new(&floats)));
    for (byte, p) in bytes.iter().zip(&floats) {
        assert_eq!(*byte, (255.0 * p).round_ties_even());
    }
}

#[test]
fn a_cutout_in_another_axis_order_is_a_crop_transposed() {
    let bench = GoldenDesk::new("gray");
    let whole = bench.path("whole.npy").display().to_string();
    let part = bench.path("part.npy").display().to_string();
    assert_exit(&bench.predict(&["--output-format=numpy", "--output-filename-format", &whole]), 0);
    let arguments = [
        "--output-format=numpy",
        "--output-filename-format",
        &part,
        "--output-axis-order=cxy",
        "--cutout-subregion=[(10,20,0),(30,None,1)]",
    ];
    assert_exit(&bench.predict(&arguments), 0);
    let (whole, part) = (npy(Path::new(&whole)), npy(Path::new(&part)));
    assert_eq!(part.shape(), [1, 60, 20]);
    for ((y, x), p) in ndarray::indices((20, 60)).into_iter().map(|(y, x)| ((y, x), part[[0, x, y]])) {
        assert_eq!(p.to_bits(), whole[[y + 10, x + 20, 0]].to_bits());
    }
}

#[test]
fn labels_are_exported_for_the_projects_images_only() {
    let bench = GoldenDesk::new("gray");
    let out = bench.path("labels.npy").display().to_string();
    let source = ["--export-source=Labels", "--output-format=numpy", "--output-filename-format", &out];
    assert_exit(&bench.predict(&source), 0);
    let labels = npy(Path::new(&out));
    let expected = npy(&golden("gray/labels.npy"));
    assert!(labels.iter().eq(expected.iter()), "the labels of the project");
    std::fs::copy(bench.image(), bench.path("other.h5")).expect("copied");
    let other = bench.path("other.h5").display().to_string();
    let refused = brushwood([
        "predict",
        "--project",
        &bench.project(),
        "--export-source=labels",
        "--output-format=numpy",
        &other,
    ]);
    assert_exit(&refused, 1);
    assert_says(&refused, &["other.h5", "none of the project's images"]);
}

#[test]
fn mistakes_in_options_are_usage_errors() {
    let bench = GoldenDesk::new("gray");
    for (arguments, says) in [
        (vec!["--export_sorce=Probabilities"], "--export-sorce"),
        (vec!["--export-source=Probabilites"], "Simple Segmentation"),
        (vec!["--export-dtype=float16"], "float16"),
        (vec!["--cutout-subregion=1,2"], "subregion"),
        (vec!["--export-drange=(0,255)"], "--pipeline-result-drange"),
        (vec!["--memory=lots"], "512M"),
        (vec!["--output-axis-order=yxq"], "'q'"),
    ] {
        let output = bench.predict(&arguments);
        assert_exit(&output, 2);
        assert_says(&output, &[says]);
    }
    let sources = ["--export-source=Probabilities", "--export-source=Uncertainty"];
    let name = bench.path("same.h5").display().to_string();
    let output = bench.predict(&[sources[0], sources[1], "--output-filename-format", &name]);
    assert_exit(&output, 2);
    assert_says(&output, &["{result_type}"]);
    assert_exit(&brushwood(["predict", "--project", &bench.project()]), 2);
    assert_eq!(bench.names().len(), 2, "nothing was written: {:?}", bench.names());
}

#[test]
fn a_project_that_cannot_be_used_is_told_apart() {
    let bench = GoldenDesk::new("gray");
    let image = bench.image();
    for project in [bench.path("missing.ilp").display().to_string(), image.clone()] {
        assert_exit(&brushwood(["predict", "--project", &project, &image]), 3);
    }
}

#[test]
fn one_bad_image_does_not_stop_the_others() {
    let bench = GoldenDesk::new("gray");
    let (project, image) = (bench.project(), bench.image());
    let missing = bench.path("missing.tif").display().to_string();
    let rgb = golden("rgb/rgb_raw.h5").display().to_string();
    let out = bench.path("{nickname}.npy").display().to_string();
    let output = brushwood([
        "predict",
        "--project",
        &project,
        "--output-format=numpy",
        "--output-filename-format",
        &out,
        "--json",
        &missing,
        &rgb,
        &image,
    ]);
    assert_exit(&output, 1);
    assert_says(&output, &["missing.tif", "rgb_raw", "2 of 3 images failed"]);
    assert!(bench.path("gray_raw.npy").exists());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["inputs"][2]["outputs"][0]["shape"], serde_json::json!([72, 80, 2]));
    assert_eq!(report["inputs"][2]["errors"], serde_json::json!([]));
}

#[test]
fn two_images_are_never_written_to_one_file() {
    let bench = GoldenDesk::new("gray");
    std::fs::copy(bench.image(), bench.path("other.h5")).expect("copied");
    let (project, image) = (bench.project(), bench.image());
    let other = bench.path("other.h5").display().to_string();
    let out = bench.path("same.npy").display().to_string();
    let output = brushwood([
        "predict",
        "--project",
        &project,
        "--output-format=numpy",
        "--output-filename-format",
        &out,
        &image,
        &other,
    ]);
    assert_exit(&output, 1);
    assert_says(&output, &["would both be written to"]);
}

#[test]
fn an_input_is_never_replaced() {
    let bench = GoldenDesk::new("gray");
    let before = std::fs::read(bench.image()).expect("read");
    let out = bench.image();
    let output = bench.predict(&["--overwrite", "--output-filename-format", &out]);
    assert_exit(&output, 1);
    assert_says(&output, &["is read in this run"]);
    assert_eq!(std::fs::read(bench.image()).expect("read"), before);
}

#[test]
fn a_retrained_project_stays_as_it_was() {
    let bench = GoldenDesk::new("gray");
    let before = std::fs::read(bench.project()).expect("read");
    let out = bench.path("a.npy").display().to_string();
    let output = bench.predict(&["--retrain", "--output-format=numpy", "--output-filename-format", &out]);
    assert_exit(&output, 0);
    assert_says(&output, &["out-of-bag error"]);
    assert_eq!(std::fs::read(bench.project()).expect("read"), before);
    let theirs = npy(&golden("gray/probabilities.npy"));
    let ours = npy(Path::new(&out));
    let mean =
        ours.iter().zip(&theirs).map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / ours.len() as f64;
    assert!(mean < 2.0 * 0.026, "two forests of ilastik differ by 0.026, this one by {mean:.3}");
}

#[test]
fn training_from_label_images_makes_a_project_that_predicts() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data");
    let project = folder.path().join("nuclei.ilp").display().to_string();
    let image = root.join("nuclei.tif").display().to_string();
    let labels = root.join("nuclei_labels.png").display().to_string();
    let train = [
        "train",
        "--raw-data",
        &image,
        "--labels",
        &labels,
        "--features",
        "gaussiansmoothing:0.3,1.0,3.5 hess:1.6",
        "--label-names",
        "background,nucleus",
        "--seed",
        "7",
        "--tree-count",
        "20",
        "--project",
        &project,
    ];
    let output = brushwood(train);
    assert_exit(&output, 0);
    assert_says(&output, &["background", "nucleus", "out-of-bag error"]);
    assert_exit(&brushwood(train), 2);
    let info = brushwood(["info", "--json", &project]);
    let info: serde_json::Value = serde_json::from_slice(&info.stdout).expect("JSON");
    assert_eq!(info["classes"][1]["name"], "nucleus");
    assert_eq!(info["classifier"]["trees"], 20);
    assert_eq!(info["images"][0]["found"], true);
    let out = folder.path().join("p.npy").display().to_string();
    let predict =
        ["predict", "--project", &project, "--output-format=numpy", "--output-filename-format", &out, &image];
    assert_exit(&brushwood(predict), 0);
    assert!(npy(Path::new(&out)).iter().all(|p| (0.0..=1.0).contains(p)));
}

#[test]
fn relative_output_names_start_from_the_current_folder() {
    let bench = GoldenDesk::new("gray");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_brushwood"))
        .current_dir(bench.folder())
        .args(["predict", "--project=gray.ilp", "--output_format=numpy", "--output_filename_format=out.npy"])
        .arg("gray_raw.h5")
        .output()
        .expect("the program starts");
    assert_exit(&output, 0);
    assert!(bench.path("out.npy").exists(), "{:?}", bench.names());
}

#[test]
fn an_interrupted_run_leaves_nothing_half_written() {
    let bench = GoldenDesk::new("noisy");
    // Large enough that it is still being predicted when the signal comes.
    let image = bench.path("large.npy");
    let shape = [1, 1, 4000, 4000, 1];
    let noise = |(_, _, y, x, _): (usize, usize, usize, usize, usize)| {
        ((y * 4000 + x).wrapping_mul(2_654_435_761) >> 13) as u8
    };
    let spec = ImageSpec::new("yx".parse().expect("axes"), shape, DType::U8);
    let mut writer = io::create("numpy", &image, &spec).expect("begun");
    writer.write([0; 5], &Volume::from(ndarray::Array5::from_shape_fn(shape, noise))).expect("written");
    writer.finish().expect("complete");
    let command = |image: &Path| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_brushwood"));
        command.args(["predict", "--project", &bench.project(), &image.display().to_string()]);
        command
    };
    let ended_by = |signal: Signal| {
        let mut child = command(&image).spawn().expect("the program starts");
        // An output is begun under a temporary name once the handlers are in place.
        while bench.names().len() < 4 {
            assert!(child.try_wait().expect("a child").is_none(), "it ended before the signal");
            std::thread::yield_now();
        }
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, signal).expect("the signal is sent");
        child.wait().expect("a child")
    };
    let before = ["large.npy", "noisy.ilp", "noisy_raw.h5"];
    // The last is the end of an SSH connection.
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let status = ended_by(signal);
        assert_eq!(status.code(), Some(130), "{signal:?}: {status:?}");
        assert_eq!(bench.names(), before, "{signal:?}");
    }
    // What can't clean up any more leaves its unfinished file; the next run does.
    ended_by(Signal::KILL);
    let names = bench.names();
    assert!(names.len() == 4 && names[0].ends_with(".part"), "{names:?}");
    let image = bench.path("noisy_raw.h5");
    let status = command(&image).status().expect("the program starts");
    assert!(status.success(), "{status:?}");
    assert_eq!(bench.names(), ["large.npy", "noisy.ilp", "noisy_raw.h5", "noisy_raw_Probabilities.h5"]);
}
