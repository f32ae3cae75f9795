//! What ilastik's command line does beside predicting: it changes projects where it may, takes settings from
//! ilastik's files and the environment, and writes logs.

#![allow(clippy::unwrap_used)]

mod predict_support;

use std::fs;
use std::process::Output;

use brushwood::project::Project;
use predict_support::desk::GoldenDesk;
use predict_support::{assert_exit, stderr};

impl GoldenDesk {
    fn headless(&self, arguments: &[&str]) -> Output {
        self.run(&[&["--headless", &format!("--project={}.ilp", self.name)], arguments].concat())
    }

    /// What it says on stderr.
    fn says(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.headless(arguments);
        assert_exit(&output, code);
        stderr(&output)
    }

    fn project(&self) -> Project {
        Project::load(&self.path(&format!("{}.ilp", self.name))).expect("a project")
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.path(&format!("{}.ilp", self.name))).expect("read")
    }
}

const RANDOM: [&str; 2] = ["--generate-random-labels", "--readonly=0"];

#[test]
fn random_labels_join_those_that_are_there() {
    let desk = GoldenDesk::new("vol");
    let before = desk.project().lanes[0].labels.clone();
    let said =
        desk.says(0, &[&RANDOM[..], &["--random-label-value=2", "--random-label-count", "500"]].concat());
    assert!(said.contains("Labelled 500 pixels as 'Label 2' in 1 image"), "{said}");
    assert!(said.contains("--retrain trains another"), "{said}");
    let project = desk.project();
    let labels = &project.lanes[0].labels;
    assert!(before.iter().all(|(at, label)| labels.get(at) == label), "the old ones stay");
    let mut counts = before.counts();
    counts[2] += 500;
    assert_eq!(labels.counts(), counts);
    assert_eq!(project.classes.len(), 2);
    assert!(project.forest.is_none());
    // Other pixels in the next run, the same in the same project again.
    desk.says(0, &RANDOM);
    counts[1] += 2000;
    assert_eq!(desk.project().lanes[0].labels.counts(), counts);
    let again = GoldenDesk::new("vol");
    again.says(0, &[&RANDOM[..], &["--random-label-value=2", "--random-label-count", "500"]].concat());
    assert!(again.project().lanes[0].labels.iter().eq(labels.iter()));
    let other = GoldenDesk::new("vol");
    let mut seeded = other.project();
    seeded.seed += 1;
    seeded.save(&other.path("vol.ilp")).expect("saved");
    other.says(0, &[&RANDOM[..], &["--random-label-value=2", "--random-label-count", "500"]].concat());
    assert!(!other.project().lanes[0].labels.iter().eq(labels.iter()), "another seed");
}

#[test]
fn random_labels_count_train_and_predict_in_one_run() {
    let desk = GoldenDesk::new("gray");
    let more = ["--random-label-value=4", "--random-label-count=30", "--print-labels-by-slice", "--retrain"];
    let files = ["--output_format=numpy", "gray_raw.h5"];
    let said = desk.says(0, &[&RANDOM[..], &more, &files].concat());
    for line in ["Added the class 'Label 3'", "Added the class 'Label 4'", "4 Label 4: 30", "Trained on 138"]
    {
        assert!(said.contains(line), "{line}: {said}");
    }
    let project = desk.project();
    assert_eq!(project.classes.len(), 4);
    assert_eq!(project.forest.expect("saved").classes, [1, 2, 4]);
    assert_eq!(desk.read("gray_raw_Probabilities.npy").dim().4, 4);
}

#[test]
fn random_labels_are_refused_with_the_reason_and_nothing_is_changed() {
    let desk = GoldenDesk::new("gray");
    let before = desk.bytes();
    for (arguments, code, why) in [
        (&["--generate-random-labels"][..], 2, "opened read-only unless told otherwise"),
        (&["--generate-random-labels", "--readonly"], 2, "Add --readonly=0"),
        (&["--generate-random-labels", "--readonly", "yes"], 2, "Add --readonly=0"),
        (&[RANDOM[0], RANDOM[1], "--random-label-value=0"], 2, "There is no label 0"),
        (&[RANDOM[0], RANDOM[1], "--random-label-value=100"], 2, "numbered from 1 to 99"),
        (&[RANDOM[0], RANDOM[1], "--random-label-count=5653"], 2, "it has 5652 pixels without a label"),
        (&[RANDOM[0], RANDOM[1], "--random-label-count=0"], 2, "0 is not in"),
        (
            &[RANDOM[0], RANDOM[1], "--memory=1M", "--random-label-count=18446744073709551615"],
            2,
            "pixels without",
        ),
        (&["--random-label-count=5", "--readonly=0"], 2, "--generate-random-labels"),
        (&["--readonly=maybe", "gray_raw.h5"], 2, "write 1 or 0"),
    ] {
        let said = desk.says(code, arguments);
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    let mistyped = desk.run(&["--headless", "--project=no/folder/gray.ilp", RANDOM[0], RANDOM[1]]);
    assert_exit(&mistyped, 3);
    assert!(
        stderr(&mistyped).contains("Can't open 'no/folder/gray.ilp': No such file"),
        "{}",
        stderr(&mistyped)
    );
    fs::rename(desk.path("gray_raw.h5"), desk.path("elsewhere.h5")).expect("moved");
    assert!(desk.says(3, &RANDOM).contains("Can't put labels on 'gray_raw-data'"));
    fs::rename(desk.path("elsewhere.h5"), desk.path("gray_raw.h5")).expect("moved");
    let lock = fs::File::create(desk.path(".gray.ilp.lock")).expect("made");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("locked");
    assert!(desk.says(3, &RANDOM).contains("it is open in another brushwood"));
    drop(lock);
    fs::remove_file(desk.path(".gray.ilp.lock")).expect("removed");
    assert_eq!(desk.bytes(), before);
    let mut rights = fs::metadata(desk.path("gray.ilp")).expect("there").permissions();
    rights.set_readonly(true);
    fs::set_permissions(desk.path("gray.ilp"), rights).expect("set");
    assert!(desk.says(3, &RANDOM).contains("the file is write-protected"));
    assert_eq!(desk.bytes(), before);
    assert_eq!(desk.names(), ["gray.ilp", "gray_raw.h5"]);
}

#[test]
fn a_retrained_classifier_is_saved_where_the_project_may_be_changed() {
    let desk = GoldenDesk::new("gray");
    let before = desk.bytes();
    let files = ["--output_format=numpy", "gray_raw.h5"];
    let said = desk.says(0, &[&["--retrain", "--tree-count=9"], &files[..]].concat());
    assert!(said.contains("--retrain does not change the project without --readonly=0"), "{said}");
    assert_eq!(desk.bytes(), before);
    let expected = desk.read("gray_raw_Probabilities.npy");
    let said = desk.says(0, &["--retrain", "--readonly=0", "--tree-count=9", "--variable-importance-path=t"]);
    assert!(said.contains("Saved gray.ilp"), "{said}");
    assert!(desk.path("t/variable_importance.csv").exists());
    let project = desk.project();
    assert_eq!((project.trees, project.forest.as_ref().expect("saved").trees.len()), (9, 9));
    assert!(project.oob_error.is_some() && !project.forest_feature_names.is_empty());
    assert!(project.warnings.is_empty(), "{:?}", project.warnings);
    let said = desk.says(0, &files);
    assert!(!said.contains("Trained"), "{said}");
    assert_eq!(desk.read("gray_raw_Probabilities.npy"), expected);
    // All in one run: it is trained once.
    let said = desk.says(0, &[&["--retrain", "--readonly=off"], &files[..]].concat());
    assert_eq!(said.matches("Trained on").count(), 1, "{said}");
}

#[test]
fn outputs_that_exist_are_replaced_unless_they_are_to_be_kept() {
    let desk = GoldenDesk::new("gray");
    desk.says(0, &["gray_raw.h5"]);
    assert!(desk.says(0, &["gray_raw.h5"]).contains("replacing "));
    let said = desk.says(1, &["--no-overwrite", "gray_raw.h5"]);
    assert!(said.contains("exists. Use --overwrite"), "{said}");
    // What it says to do can be done.
    desk.says(0, &["--no-overwrite", "--overwrite", "gray_raw.h5"]);
}

#[test]
fn settings_come_from_the_line_the_environment_the_project_and_the_file_in_this_order() {
    let desk = GoldenDesk::new("gray");
    let ini = "[ilastik]\ndebug: false\noutput_format = numpy\n\
        output_filename_format = {dataset_dir}/by_file_{nickname}\n[lazyflow]\nthreads: 1\ntotal_ram_mb: 700\n";
    fs::create_dir_all(desk.path(".config/ilastik")).expect("made");
    fs::write(desk.path(".config/ilastik/ilastik.ini"), ini).expect("written");
    let said = desk.says(0, &["gray_raw.h5"]);
    let names = "threads, total_ram_mb, output_format, output_filename_format";
    assert!(said.contains(&format!(".config/ilastik/ilastik.ini' sets {names}")), "{said}");
    assert!(desk.path("by_file_gray_raw.npy").exists(), "{:?}", desk.names());
    desk.says(0, &["--output_format=hdf5", "--output_filename_format=by_line", "gray_raw.h5"]);
    assert!(desk.path("by_line.h5").exists(), "{:?}", desk.names());
    // The old place goes first.
    fs::write(desk.path(".ilastikrc"), "[ilastik]\noutput_format = tiff\n").expect("written");
    desk.says(0, &["gray_raw.h5"]);
    assert!(desk.path("gray_raw_Probabilities.tiff").exists(), "{:?}", desk.names());
    // A file that is named goes before both.
    fs::write(desk.path("own.ini"), "[ilastik]\noutput_format: n5\n").expect("written");
    desk.says(0, &["--configfile", "own.ini", "gray_raw.h5"]);
    assert!(desk.path("gray_raw_Probabilities.n5").exists(), "{:?}", desk.names());
    let mut project = desk.project();
    project.export.format = "hdf5".into();
    project.save(&desk.path("gray.ilp")).expect("saved");
    desk.says(0, &["gray_raw.h5"]);
    assert!(desk.path("gray_raw_Probabilities.h5").exists(), "{:?}", desk.names());
    // brushwood's own command has options of its own.
    let own = ["predict", "--project=gray.ilp", "--output-filename-format=own", "gray_raw.h5"];
    let output = desk.run(&own);
    assert_exit(&output, 0);
    assert!(!stderr(&output).contains("sets") && desk.path("own.h5").exists());
}

/// How many threads a run has.
fn threads(desk: &GoldenDesk, variable: Option<&str>, arguments: &[&str]) -> usize {
    let project = format!("--project={}.ilp", desk.name);
    let mut command = desk.command(&[&["--headless", &project, "gray_raw.h5"], arguments].concat());
    command.envs(variable.map(|count| ("LAZYFLOW_THREADS", count)));
    let log = desk.path("threads.log");
    let output = command.arg("--logfile").arg(&log).output().expect("the program starts");
    assert_exit(&output, 0);
    let text = fs::read_to_string(&log).expect("a log");
    let last = text.lines().rev().find_map(|line| line.split_once("threads=")).expect(&text);
    last.1.split_whitespace().next().unwrap().parse().expect("a number")
}

#[test]
fn threads_are_those_of_the_line_the_environment_or_the_file() {
    let desk = GoldenDesk::new("gray");
    let all = threads(&desk, None, &[]);
    fs::write(desk.path(".ilastikrc"), "[lazyflow]\nthreads = 3\n").expect("written");
    assert_eq!(threads(&desk, None, &[]), 3);
    assert_eq!(threads(&desk, Some("5"), &[]), 5);
    assert_eq!(threads(&desk, Some("0"), &[]), 1);
    assert_eq!(threads(&desk, Some("5"), &["--threads=2"]), 2);
    // As many as there are processors, whatever the file says.
    assert_eq!(threads(&desk, Some("-1"), &[]), all);
}

#[test]
fn settings_that_make_no_sense_are_named_with_their_line() {
    let desk = GoldenDesk::new("gray");
    for (text, why) in [
        ("[lazyflow]\nthreads = all\n", "line 2: threads: 'all' is not a whole number"),
        ("[ilastik]\n\noutput_format = numpyy\n", "line 3: output_format: 'numpyy' is not an output format"),
        ("threads = 3\n", "line 1: 'threads = 3' stands before any section"),
    ] {
        fs::write(desk.path("bad.ini"), text).expect("written");
        let said = desk.says(2, &["--configfile=bad.ini", "gray_raw.h5"]);
        assert!(said.contains("'bad.ini'") && said.contains(why), "{said}");
    }
    fs::write(desk.path("bad.ini"), b"[lazyflow]\nthreads = \xff\n").expect("written");
    assert!(desk.says(2, &["--configfile=bad.ini", "gray_raw.h5"]).contains("UTF-8"));
    assert!(desk.says(2, &["--configfile=none.ini", "gray_raw.h5"]).contains("No such file"));
    assert!(desk.says(2, &["--configfile=/dev/zero", "gray_raw.h5"]).contains("it is not a file"));
    let mut command = desk.command(&["--headless", "--project=gray.ilp", "gray_raw.h5"]);
    let output = command.env("LAZYFLOW_TOTAL_RAM_MB", "2G").output().expect("the program starts");
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("Can't use LAZYFLOW_TOTAL_RAM_MB=2G"), "{}", stderr(&output));
    assert_eq!(desk.names(), ["bad.ini", "gray.ilp", "gray_raw.h5"]);
    // A new project needs none.
    let new = ["--headless", "--new_project=new.ilp", "--workflow=Pixel Classification"];
    let output = desk.command(&new).env("LAZYFLOW_THREADS", "four").output().expect("the program starts");
    assert_exit(&output, 0);
}

#[test]
fn logs_and_redirected_output_go_on_from_run_to_run() {
    let desk = GoldenDesk::new("gray");
    let files = ["--logfile=run.log", "--process_name=night", "--redirect_output=out.txt"];
    desk.says(0, &[&files[..], &["gray_raw.h5"]].concat());
    assert_eq!(
        desk.says(1, &[&files[..], &["--export_dtype=uint8", "--output_format=hdr", "gray_raw.h5"]].concat()),
        ""
    );
    let [log, out] = ["run.log", "out.txt"].map(|name| fs::read_to_string(desk.path(name)).expect("written"));
    for text in [&log, &out] {
        assert!(text.contains("gray_raw.h5 -> "), "the first run: {text}");
        assert!(text.contains("error: "), "the second run: {text}");
    }
    let begins_so = |line: &str| {
        line.strip_prefix("night ").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    assert!(log.lines().all(begins_so), "{log}");
    let said = desk.says(2, &["--logfile=no/folder/run.log", "gray_raw.h5"]);
    assert!(said.contains("Can't write the log 'no/folder/run.log'"), "{said}");
}
