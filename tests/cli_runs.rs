//! What a run of `predict` shows and leaves behind: progress, reports, interruption, full disks, short memory.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod predict_support;

use std::io::Read;
use std::process::{Command, Output, Stdio};

use brushwood::data::DType;
use ndarray::Array5;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use predict_support::desk::Desk;
use predict_support::{assert_exit, stderr};

/// Formats of single pictures, with what makes bytes of one class' probabilities.
const PICTURES: [&str; 12] = [
    "numpy",
    "hdf5",
    "compressed hdf5",
    "n5",
    "multi-scale OME-Zarr",
    "tiff",
    "png",
    "jpeg",
    "bmp",
    "gif",
    "pgm",
    "ras",
];
const VOLUMES: [&str; 9] = [
    "compressed hdf5",
    "compressed n5",
    "multi-scale OME-Zarr",
    "multipage tiff",
    "tiff sequence",
    "png sequence",
    "jpeg sequence",
    "bmp sequence",
    "pnm sequence",
];

fn noise(shape: [usize; 5]) -> Array5<u8> {
    Array5::from_shape_fn(shape, |(_, z, y, x, _)| {
        (((z * 37 + y) * 4000 + x).wrapping_mul(2_654_435_761) >> 13) as u8
    })
}

/// Arguments that write the segmentation of `image` in `format` to the folder `out`.
fn segment<'a>(project: &'a str, format: &'a str, image: &'a str) -> Vec<&'a str> {
    let name = if format.ends_with("sequence") { "out/{slice_index}" } else { "out/segmentation" };
    vec![
        "predict",
        "--project",
        project,
        "--export-source=Simple Segmentation",
        "--output-format",
        format,
        "--output-filename-format",
        name,
        image,
    ]
}

/// Names of what was written, finished or not.
fn outputs(desk: &Desk) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(desk.path("out")) else { return Vec::new() };
    folder.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_signal_stops_every_format_and_leaves_nothing() {
    // Large enough that they are still being computed when the signal comes.
    for (project, formats, axes, shape) in [
        ("gray", &PICTURES[..], "yx", [1, 1, 5000, 5000, 1]),
        ("vol", &VOLUMES[..], "zyx", [1, 100, 400, 400, 1]),
    ] {
        let desk = Desk::golden(project);
        desk.write("large.npy", axes, DType::U8, noise(shape));
        let project = format!("{project}.ilp");
        for format in formats {
            let mut child =
                desk.command(&segment(&project, format, "large.npy")).stderr(Stdio::piped()).spawn().unwrap();
            while outputs(&desk).is_empty() {
                assert!(child.try_wait().unwrap().is_none(), "{format}: it ended before the signal");
                std::thread::yield_now();
            }
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
            let output = child.wait_with_output().unwrap();
            assert_exit(&output, 130);
            assert!(stderr(&output).contains("Interrupted"), "{}", stderr(&output));
            assert_eq!(outputs(&desk), [""; 0], "{format}");
        }
    }
}

/// Runs the program with the folder `out` on a file system of `kilobytes`, and lists what is there at its end on
/// stdout. `None` where mounting is not permitted.
fn on_a_small_disk(desk: &Desk, kilobytes: usize, arguments: &[&str]) -> Option<Output> {
    let script =
        "mount -t tmpfs -o size=$1k tmpfs out || exit 99; shift; \"$@\"; code=$?; ls -A out; exit $code";
    std::fs::create_dir_all(desk.path("out")).unwrap();
    let run = |options: &str| {
        let mut command = Command::new("unshare");
        command.current_dir(desk.folder()).args([options, "sh", "-c", script, "sh", &kilobytes.to_string()]);
        command.arg(env!("CARGO_BIN_EXE_brushwood")).args(arguments).output().ok()
    };
    // In a user namespace of one's own, or as root.
    ["-rm", "-m"].iter().filter_map(|options| run(options)).find(|output| {
        let refused = stderr(output).contains("unshare") || output.status.code() == Some(99);
        !refused
    })
}

#[test]
fn a_full_disk_is_told_and_nothing_stays_there() {
    let desk = Desk::golden("gray");
    desk.write("image.npy", "yx", DType::U8, noise([1, 1, 300, 300, 1]));
    desk.write("volume.npy", "zyx", DType::U8, noise([1, 20, 60, 60, 1]));
    let vol = Desk::golden("vol");
    std::fs::copy(vol.path("vol.ilp"), desk.path("vol.ilp")).unwrap();
    let pictures = PICTURES.map(|format| ("gray.ilp", format, "image.npy", "[(0,0,0),(300,300,1)]"));
    let volumes = ["tiff sequence", "png sequence", "multipage tiff"]
        .map(|format| ("vol.ilp", format, "volume.npy", "[(0,0,0,0),(20,60,60,1)]"));
    for (project, format, image, cutout) in pictures.into_iter().chain(volumes) {
        let bytes = ["--export-dtype=uint8", "--pipeline-result-drange=(0,1)", "--export-drange=(0,255)"];
        let mut arguments = segment(project, format, image);
        arguments.retain(|argument| !argument.starts_with("--export-source"));
        arguments.extend(bytes.into_iter().chain(["--cutout-subregion", cutout]));
        let Some(output) = on_a_small_disk(&desk, 8, &arguments) else {
            eprintln!("skipped: mounting a small file system is not permitted here");
            return;
        };
        let text = stderr(&output);
        assert_exit(&output, 1);
        let extension = match format {
            "hdf5" | "compressed hdf5" => "h5",
            "numpy" => "npy",
            "multi-scale OME-Zarr" => "zarr",
            _ => format.trim_start_matches("multipage ").trim_end_matches(" sequence"),
        };
        let name = if format.ends_with("sequence") { "" } else { "segmentation" };
        let (begin, end) = (
            format!("error: '{image}' failed: out/{name}"),
            format!(".{extension}: No space left on device (os error 28)\n1 of 1 images failed\n"),
        );
        assert!(
            text.starts_with(&begin) && text.ends_with(&end) && text.lines().count() == 2,
            "{format}: {text}"
        );
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{format} left something");
    }
}

#[test]
fn a_full_disk_keeps_the_old_project() {
    let desk = Desk::golden("gray");
    desk.write("labels.png", "yxc", DType::U8, noise([1, 1, 72, 80, 1]).mapv(|value| value % 3));
    let arguments = [
        "train",
        "--raw-data=gray_raw.h5",
        "--labels=labels.png",
        "--features=gaussiansmoothing:0.3",
        "--project=out/p.ilp",
    ];
    let Some(output) = on_a_small_disk(&desk, 16, &arguments) else {
        eprintln!("skipped: mounting a small file system is not permitted here");
        return;
    };
    assert_exit(&output, 1);
    let text = stderr(&output);
    assert!(text.contains("Can't save 'out/p.ilp': No space left on device (os error 28)"), "{text}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "something was left");
}

#[test]
fn what_memory_cannot_hold_is_refused_before_anything_is_computed() {
    let desk = Desk::golden("gray");
    desk.write("large.npy", "yx", DType::U8, Array5::<u8>::zeros([1, 1, 6000, 6000, 1]));
    for format in ["jpeg", "bmp", "gif"] {
        let mut arguments = segment("gray.ilp", format, "gray_raw.h5");
        if let Some(name) = arguments.iter_mut().find(|argument| **argument == "out/segmentation") {
            *name = "out/{nickname}";
        }
        arguments.extend(["large.npy", "missing.png", "--memory=20M"]);
        let output = desk.run(&arguments);
        assert_exit(&output, 1);
        let text = stderr(&output);
        let (refused, rest) = text.split_once('\n').expect(&text);
        let begin = "error: Can't predict 'large.npy': computing and writing it needs ";
        let end = " bytes, 20971520 are allowed; raise --memory, cut out a part or write another format.";
        let bytes = refused.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end)).expect(&text);
        let bytes: u64 = bytes.parse().expect("a number");
        let most = if format == "gif" { 130_000_000 } else { 60_000_000 };
        assert!((36_000_000..most).contains(&bytes), "{bytes} for a picture of 36 MB");
        assert!(rest.starts_with("error: Can't read missing.png: no such file\n"), "{text}");
        assert!(text.ends_with("2 of 3 images failed\n"), "{text}");
        assert_eq!(outputs(&desk), [format!("gray_raw.{format}")]);
        std::fs::remove_file(desk.path(&format!("out/gray_raw.{format}"))).unwrap();
    }
}

#[test]
fn lines_tell_of_the_work_where_there_is_no_terminal() {
    let desk = Desk::golden("gray");
    std::fs::copy(desk.path("gray_raw.h5"), desk.path("other.h5")).unwrap();
    let arguments = ["predict", "--project=gray.ilp", "--retrain", "gray_raw.h5", "missing.png", "other.h5"];
    let output = desk.run(&arguments);
    assert_exit(&output, 1);
    let text = stderr(&output);
    // Seconds vary.
    let lines: Vec<&str> = text.lines().map(|line| line.split(" (").next().unwrap_or(line)).collect();
    let trained = lines.iter().position(|line| line.starts_with("Trained on 108 pixels")).expect(&text);
    assert_eq!(lines[0], "error: Can't read missing.png: no such file");
    assert_eq!(lines[1], "Training from the project's labels");
    assert!(lines[trained].contains("out-of-bag error"), "{text}");
    let rest: Vec<String> = lines[trained + 1..]
        .iter()
        .map(|line| line.replace(&desk.folder().display().to_string(), ""))
        .collect();
    assert_eq!(
        rest,
        [
            "gray_raw.h5 -> /gray_raw_Probabilities.h5",
            "other.h5 -> /other_Probabilities.h5",
            "1 of 3 images failed"
        ]
    );
    assert!(!text.contains('\r') && !text.contains('\x1b'), "{text:?}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_terminal_gets_a_progress_bar() {
    let desk = Desk::golden("gray");
    desk.write("large.npy", "yx", DType::U8, noise([1, 1, 1500, 1500, 1]));
    let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_brushwood"));
    command.args(segment("gray.ilp", "numpy", "large.npy"));
    command.cwd(desk.folder());
    command.env("TERM", "xterm-256color");
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut bytes = Vec::new();
    // The read fails once the program has gone.
    let _ = pair.master.try_clone_reader().unwrap().read_to_end(&mut bytes);
    assert!(child.wait().unwrap().success());
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("1/1 large.npy [") && text.contains('%'), "{text:?}");
    let shown = vt100_screen(&bytes);
    assert!(
        shown.starts_with("large.npy -> out/segmentation.npy ("),
        "the bar is gone at the end: {shown:?}"
    );
}

fn vt100_screen(bytes: &[u8]) -> String {
    let mut parser = vt100::Parser::new(24, 80, 0);
    parser.process(bytes);
    parser.screen().contents()
}

#[test]
fn the_report_says_what_was_written_and_what_failed() {
    let desk = Desk::golden("gray");
    let arguments = [
        "predict",
        "--project=gray.ilp",
        "--retrain",
        "--json",
        "--export-source=Probabilities",
        "--export-source=Simple Segmentation",
        "--output-format=png",
        "--output-filename-format=out/{nickname}_{result_type}",
        "--export-dtype=uint8",
        "gray_raw.h5",
        "missing.png",
    ];
    let output = desk.run(&arguments);
    // Two classes are no picture.
    assert_exit(&output, 1);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["interrupted"], false);
    assert_eq!(report["training"]["rows"], serde_json::json!([65, 43]));
    assert_eq!(report["training"]["features"], 49);
    assert!(report["training"]["oob_error"].is_f64() && report["seconds"].is_f64());
    let [image, missing] = [0, 1].map(|i| &report["inputs"][i]);
    assert!(
        image["errors"][0].as_str().expect("a text").contains("a file holds 1 or 3 channels, not 2"),
        "{image}"
    );
    assert_eq!(image["outputs"], serde_json::json!([]));
    assert_eq!(missing["input"], "missing.png");

    let channel = ["--cutout-subregion=[(10,0,1),(72,60,2)]"];
    let output = desk.run(&[&arguments[..4], &arguments[4..5], &arguments[6..10], &channel].concat());
    assert_exit(&output, 0);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let written = &report["inputs"][0]["outputs"][0];
    assert_eq!(
        *written,
        serde_json::json!({
            "source": "Probabilities",
            "paths": ["out/gray_raw_Probabilities.png"],
            "axes": "yxc",
            "shape": [62, 60, 1],
            "dtype": "uint8",
        })
    );
    assert_eq!(report["inputs"][0]["errors"], serde_json::json!([]));
}
