//! ilastik's headless command lines with only the program's name changed, and what comes out of them.

#![allow(clippy::unwrap_used)]

mod predict_support;

use std::process::{Command, Output};

use brushwood::data::{DType, Volume};
use brushwood::io::{self, ImageSpec, OpenOptions, PixelSize};
use brushwood::project::Project;
use ndarray::{Array5, s};
use predict_support::desk::GoldenDesk;
use predict_support::{assert_exit, stderr};

impl GoldenDesk {
    fn headless_command(&self, arguments: &[&str]) -> Command {
        let project = format!("--project={}.ilp", self.name);
        self.command(&[&["--headless", &project], arguments].concat())
    }

    fn headless(&self, arguments: &[&str]) -> Output {
        self.headless_command(arguments).output().expect("the program starts")
    }

    /// Runs and reads `file`.
    fn result(&self, arguments: &[&str], file: &str) -> Array5<f32> {
        assert_exit(&self.headless(arguments), 0);
        self.read(file)
    }

    /// The project's image.
    fn raw(&self) -> Array5<f32> {
        self.read(&format!("{}_raw.h5", self.name))
    }
}

/// Noise, `tzyxc`.
fn noise(shape: [usize; 5], seed: usize) -> Array5<u8> {
    Array5::from_shape_fn(shape, |(t, z, y, x, c)| {
        let n = (((t * 31 + z) * 37 + y) * 41 + x) * 3 + c + 1_000_003 * seed;
        (n.wrapping_mul(2_654_435_761) >> 13) as u8
    })
}

fn bits(array: &Array5<f32>) -> Vec<u32> {
    array.iter().map(|value| value.to_bits()).collect()
}

const NPY: [&str; 2] = ["--output_format=numpy", "--output_filename_format={dataset_dir}/{nickname}_out"];

#[test]
fn one_image_with_the_projects_settings() {
    let desk = GoldenDesk::new("gray");
    let output = desk.result(&["gray_raw.h5"], "gray_raw_Probabilities.h5");
    assert_eq!(output.dim(), (1, 1, 72, 80, 2));
    assert_eq!(
        bits(&output),
        bits(&desk.result(&[&NPY[..], &["gray_raw.h5/data"]].concat(), "gray_raw-data_out.npy"))
    );
}

#[test]
fn several_images_into_another_folder_and_format() {
    let desk = GoldenDesk::new("gray");
    for (name, seed) in [("a.png", 1), ("b.png", 2)] {
        desk.write(name, "yxc", DType::U8, noise([1, 1, 50, 60, 1], seed));
    }
    let arguments = [
        "--output_format=tiff",
        "--output_filename_format=results/{nickname}_results.tiff",
        "a.png",
        "b.png",
    ];
    assert_exit(&desk.headless(&arguments), 0);
    let [a, b] = ["results/a_results.tiff", "results/b_results.tiff"].map(|name| desk.read(name));
    assert_eq!((a.dim(), b.dim()), ((1, 1, 50, 60, 2), (1, 1, 50, 60, 2)));
    assert_ne!(bits(&a), bits(&b));
}

#[test]
fn a_segmented_volume_as_a_sequence_of_pictures() {
    let desk = GoldenDesk::new("vol");
    desk.write("img.npy", "zyx", DType::U8, noise([1, 20, 40, 44, 1], 1));
    let source = "--export_source=Simple Segmentation";
    let arguments = [
        source,
        "--output_format=png sequence",
        "--output_filename_format={dataset_dir}/{nickname}_seg_z{slice_index}.png",
        "--export_dtype=uint8",
        "--pipeline_result_drange=(0,2)",
        "--export_drange=(0,255)",
        "--output_axis_order=zxyc",
        "img.npy",
    ];
    assert_exit(&desk.headless(&arguments), 0);
    let classes = desk.result(&[&NPY[..], &[source, "img.npy"]].concat(), "img_out.npy");
    assert!(classes.iter().all(|class| [1.0, 2.0].contains(class)));
    for z in 0..20 {
        let slice = desk.read(&format!("img_seg_z{z:02}.png"));
        assert_eq!(slice.dim(), (1, 1, 40, 44, 1));
        let expect =
            classes.slice(s![.., z..z + 1, .., .., ..]).mapv(|class| (class * 127.5).round_ties_even());
        assert_eq!(slice, expect, "slice {z}");
    }
}

#[test]
fn images_and_masks_by_role_are_paired() {
    let desk = GoldenDesk::new("gray");
    for (name, seed) in [("a.npy", 1), ("b.npy", 2)] {
        desk.write(name, "yx", DType::U8, noise([1, 1, 50, 60, 1], seed));
    }
    desk.write(
        "left.png",
        "yxc",
        DType::U8,
        Array5::from_shape_fn((1, 1, 50, 60, 1), |at| u8::from(at.3 < 30)),
    );
    desk.write(
        "top.npy",
        "yx",
        DType::U8,
        Array5::from_shape_fn((1, 1, 50, 60, 1), |at| 200 * u8::from(at.2 < 20)),
    );
    let roles = ["--raw_data", "a.npy", "b.npy", "--prediction_mask", "left.png", "top.npy"];
    assert_exit(&desk.headless(&[&NPY[..], &roles].concat()), 0);
    let masked = ["a_out.npy", "b_out.npy"].map(|name| desk.read(name));
    assert_exit(&desk.headless(&[&NPY[..], &["--raw-data", "a.npy", "b.npy"]].concat()), 0);
    let whole = ["a_out.npy", "b_out.npy"].map(|name| desk.read(name));
    for ((masked, whole), is_kept) in
        masked.iter().zip(&whole).zip([(|_, x| x < 30) as fn(usize, usize) -> bool, |y, _| y < 20])
    {
        for (at, &p) in masked.indexed_iter() {
            let expect = if is_kept(at.2, at.3) { whole[at] } else { 0.0 };
            assert_eq!(p.to_bits(), expect.to_bits(), "{at:?}");
        }
    }
    let refused = desk.headless(&["--raw_data", "a.npy", "--prediction_mask", "left.png", "top.npy"]);
    assert_exit(&refused, 2);
    assert!(stderr(&refused).contains("2 prediction masks for 1 images"), "{}", stderr(&refused));
}

#[test]
fn results_have_the_pixel_sizes_of_the_mask_where_the_image_has_none() {
    let desk = GoldenDesk::new("gray");
    desk.write("a.npy", "yx", DType::U8, noise([1, 1, 50, 60, 1], 1));
    let size = |size: f64| Some(PixelSize { size, unit: "µm".into() });
    let sizes = [None, None, size(0.5), size(0.25), None];
    let shape = [1, 1, 50, 60, 1];
    let spec = ImageSpec {
        pixel_size: sizes.clone(),
        ..ImageSpec::new("yx".parse().expect("axes"), shape, DType::U8)
    };
    let mut mask = io::create("hdf5", &desk.path("mask.h5"), &spec).expect("begun");
    mask.write([0; 5], &Volume::zeros(DType::U8, shape)).expect("written");
    mask.finish().expect("complete");
    let tiff = ["--output_format=multipage tiff", "--raw_data=a.npy", "--output_filename_format=out"];
    for (arguments, expected) in
        [(&tiff[..], Default::default()), (&[&tiff[..], &["--prediction_mask=mask.h5"]].concat(), sizes)]
    {
        assert_exit(&desk.headless(arguments), 0);
        let out = desk.path("out.tiff").to_string_lossy().into_owned();
        let out = io::open(&out, &OpenOptions::default()).expect("opens");
        assert_eq!(out.info().pixel_size, expected);
    }
}

#[test]
fn axes_may_be_given_for_images_and_masks() {
    let desk = GoldenDesk::new("gray");
    let image = noise([1, 1, 50, 60, 1], 1);
    desk.write("yx.npy", "yx", DType::U8, image.clone());
    desk.write("xy.npy", "xy", DType::U8, image);
    let mask = Array5::from_shape_fn((1, 1, 50, 60, 1), |at| u8::from(at.2 + at.3 < 60));
    desk.write("mask.npy", "xy", DType::U8, mask);
    let whole = desk.result(&[&NPY[..], &["yx.npy"]].concat(), "yx_out.npy");
    let order = "--output_axis_order=yxc";
    let same = desk.result(&[&NPY[..], &["--input_axes=xy", order, "xy.npy"]].concat(), "xy_out.npy");
    assert_eq!(bits(&same), bits(&whole));
    let both = ["--input_axes=xy,xy", order, "--raw_data=xy.npy", "--prediction_mask=mask.npy"];
    let masked = desk.result(&[&NPY[..], &both].concat(), "xy_out.npy");
    let expect = Array5::from_shape_fn(whole.dim(), |at| if at.2 + at.3 < 60 { whole[at] } else { 0.0 });
    assert_eq!(bits(&masked), bits(&expect));
}

#[test]
fn stacks_along_z_and_channels() {
    let desk = GoldenDesk::new("vol");
    let volume = noise([1, 20, 40, 44, 1], 3);
    desk.write("whole.npy", "zyx", DType::U8, volume.clone());
    std::fs::create_dir(desk.path("dir")).expect("a folder");
    for z in 0..20 {
        let slice = volume.slice(s![.., z..z + 1, .., .., ..]).to_owned();
        desk.write(&format!("dir/s_{z:02}.png"), "yxc", DType::U8, slice);
    }
    let whole = desk.result(&[&NPY[..], &["whole.npy"]].concat(), "whole_out.npy");
    let out = "--output_filename_format=stack_out";
    let stack = ["--output_format=numpy", out, "--stack_along", "z", "--preconvert_stacks", "dir/*.png"];
    assert_eq!(bits(&desk.result(&stack, "stack_out.npy")), bits(&whole));

    let desk = GoldenDesk::new("rgb");
    let image = desk.raw().mapv(|value| value as u8);
    assert_eq!(image.mapv(f32::from), desk.raw(), "8 bits");
    for c in 0..3 {
        let channel = image.slice(s![.., .., .., .., c..c + 1]).to_owned();
        desk.write(&format!("c{c}.png"), "yxc", DType::U8, channel);
    }
    let whole = desk.result(&[&NPY[..], &["rgb_raw.h5"]].concat(), "rgb_raw_out.npy");
    let stack = ["--output_format=numpy", out, "--stack_along=c", "c*.png"];
    assert_eq!(bits(&desk.result(&stack, "stack_out.npy")), bits(&whole));
}

#[test]
fn cutouts_count_the_axes_that_the_image_has() {
    let desk = GoldenDesk::new("gray");
    let whole = desk.result(&[&NPY[..], &["gray_raw.h5"]].concat(), "gray_raw_out.npy");
    let cutout = ["--cutout_subregion", "[(10,20,0),(30,None,2)]", "gray_raw.h5"];
    let part = desk.result(&[&NPY[..], &cutout].concat(), "gray_raw_out.npy");
    assert_eq!(bits(&part), bits(&whole.slice(s![.., .., 10..30, 20.., ..]).to_owned()));

    let desk = GoldenDesk::new("vol");
    let whole = desk.result(&[&NPY[..], &["vol_raw.h5"]].concat(), "vol_raw_out.npy");
    for region in ["[(0,10,10,0),(5,36,40,None)]", "[(0,0,10,10,0),(1,5,36,40,2)]"] {
        let cutout = ["--cutout_subregion", region, "vol_raw.h5"];
        let part = desk.result(&[&NPY[..], &cutout].concat(), "vol_raw_out.npy");
        assert_eq!(bits(&part), bits(&whole.slice(s![.., 0..5, 10.., 10.., ..]).to_owned()), "{region}");
    }
}

#[test]
fn cutouts_beyond_the_image_end_with_it_and_say_so() {
    let desk = GoldenDesk::new("gray");
    let whole = desk.result(&[&NPY[..], &["gray_raw.h5"]].concat(), "gray_raw_out.npy");
    let output =
        desk.headless(&[&NPY[..], &["--cutout_subregion=[(60,0,0),(100,None,2)]", "gray_raw.h5"]].concat());
    assert_exit(&output, 0);
    assert!(
        stderr(&output).contains("note: The cutout goes beyond 'gray_raw.h5': it ends"),
        "{}",
        stderr(&output)
    );
    assert_eq!(desk.read("gray_raw_out.npy"), whole.slice(s![.., .., 60.., .., ..]));
    let inside =
        desk.headless(&[&NPY[..], &["--cutout_subregion=[(60,0,0),(72,80,2)]", "gray_raw.h5"]].concat());
    assert!(!stderr(&inside).contains("note"), "{}", stderr(&inside));
    assert_eq!(desk.read("gray_raw_out.npy"), whole.slice(s![.., .., 60.., .., ..]));
}

#[test]
fn every_source_alone_and_all_in_one_pass() {
    let desk = GoldenDesk::new("gray");
    // HDF5 says which axes there are; ilastik's guess for 49 channels would be slices.
    let hdf5 = ["--output_format=hdf5", "--output_filename_format=one"];
    let names = ["Probabilities", "Simple Segmentation", "Uncertainty", "Features", "Labels"];
    let channels = [2, 1, 1, 49, 1];
    let alone: Vec<Array5<f32>> = names
        .iter()
        .map(|name| {
            let source = format!("--export_source={}", name.to_lowercase());
            desk.result(&[&hdf5[..], &[&source, "gray_raw.h5"]].concat(), "one.h5")
        })
        .collect();
    let sources: Vec<String> = names.iter().map(|name| format!("--export_source={name}")).collect();
    let mut arguments: Vec<&str> = sources.iter().map(String::as_str).collect();
    arguments.extend(["--output_format=hdf5", "--output_filename_format=all_{result_type}", "gray_raw.h5"]);
    assert_exit(&desk.headless(&arguments), 0);
    for ((name, alone), channels) in names.iter().zip(&alone).zip(channels) {
        assert_eq!(alone.dim(), (1, 1, 72, 80, channels), "{name}");
        assert_eq!(bits(&desk.read(&format!("all_{name}.h5"))), bits(alone), "{name}");
    }
    // Each follows from the probabilities.
    let p = &alone[0];
    for ((y, x), (class, uncertainty)) in ndarray::indices((72, 80))
        .into_iter()
        .map(|(y, x)| ((y, x), (alone[1][[0, 0, y, x, 0]], alone[2][[0, 0, y, x, 0]])))
    {
        let [a, b] = [0, 1].map(|class| p[[0, 0, y, x, class]]);
        assert_eq!(class, if b > a { 2.0 } else { 1.0 });
        assert_eq!(uncertainty, 1.0 - (a.max(b) - a.min(b)));
    }
}

#[test]
fn names_take_pythons_format_specifications() {
    let desk = GoldenDesk::new("vol");
    let arguments = [
        "--output_format=tiff sequence",
        "--output_filename_format=out/{nickname:>9}_{x_start:03d}-{x_stop}_{slice_index:05d}",
        "--cutout_subregion=[(3,0,4,0),(6,36,40,2)]",
        "vol_raw.h5",
    ];
    assert_exit(&desk.headless(&arguments), 0);
    let whole = desk.result(&[&NPY[..], &["vol_raw.h5"]].concat(), "vol_raw_out.npy");
    for z in 3..6 {
        let slice = desk.read(&format!("out/  vol_raw_004-40_{z:05}.tiff"));
        assert_eq!(bits(&slice), bits(&whole.slice(s![.., z..z + 1, .., 4.., ..]).to_owned()), "slice {z}");
    }
}

#[test]
fn options_of_the_program_itself_are_accepted_or_explained() {
    let desk = GoldenDesk::new("gray");
    let before = std::fs::read(desk.path("gray.ilp")).expect("read");
    let accepted = [
        "--readonly",
        "1",
        "--redirect_output",
        "o.txt",
        "--debug",
        "--exit_on_failure",
        "--clean_paths",
        "--process_name=p",
        "gray_raw.h5",
    ];
    let output = desk.headless(&[&NPY[..], &accepted].concat());
    assert_exit(&output, 0);
    assert_eq!(stderr(&output), "");
    let redirected = std::fs::read_to_string(desk.path("o.txt")).expect("a file");
    assert!(redirected.contains("gray_raw.h5 -> "), "{redirected}");
    let retrained = desk.headless(&[&NPY[..], &["--retrain", "--tree-count=10", "gray_raw.h5"]].concat());
    assert_exit(&retrained, 0);
    assert!(stderr(&retrained).contains("out-of-bag error"), "{}", stderr(&retrained));
    assert_eq!(std::fs::read(desk.path("gray.ilp")).expect("read"), before);
    assert_eq!(desk.names(), ["gray.ilp", "gray_raw.h5", "gray_raw_out.npy", "o.txt"]);
    for (option, why) in [
        ("--distributed", "MPI"),
        ("--label-proportion=1.5", "at most 1"),
        ("--generate-random-labels", "Add --readonly=0"),
        ("--new_project=n.ilp", "cannot be used with"),
        ("--export_sorce=Features", "--export-sorce"),
    ] {
        let output = desk.headless(&[option, "gray_raw.h5"]);
        assert_exit(&output, 2);
        assert!(stderr(&output).contains(why), "{option}: {}", stderr(&output));
    }
}

#[test]
fn part_of_the_labels_and_fewer_trees_train_another_forest() {
    let desk = GoldenDesk::new("gray");
    let before = std::fs::read(desk.path("gray.ilp")).expect("read");
    let whole = desk.result(&[&NPY[..], &["--retrain", "gray_raw.h5"]].concat(), "gray_raw_out.npy");
    let part = ["--label-proportion", "0.5", "--variable-importance-path", "tables/new", "gray_raw.h5"];
    let output = desk.headless(&[&NPY[..], &part].concat());
    assert_exit(&output, 0);
    let text = stderr(&output);
    let rows =
        text.lines().find_map(|line| line.strip_prefix("Trained on ")?.split(' ').next()).expect(&text);
    let rows: usize = rows.parse().expect("a number");
    assert!((35..75).contains(&rows), "half of 108 pixels are about {rows}");
    let trained = desk.read("gray_raw_out.npy");
    assert_ne!(bits(&trained), bits(&whole));
    assert_eq!(bits(&desk.result(&[&NPY[..], &part].concat(), "gray_raw_out.npy")), bits(&trained), "again");
    let table = std::fs::read_to_string(desk.path("tables/new/variable_importance.csv")).expect("a table");
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("feature,background,foreground,overall,gini"));
    let overall: Vec<f64> = lines.map(|line| line.split(',').nth(3).unwrap().parse().unwrap()).collect();
    assert!(overall.len() > 10 && overall.is_sorted_by(|a, b| a >= b) && overall[0] > 0.0, "{table}");
    assert_eq!(std::fs::read(desk.path("gray.ilp")).expect("read"), before);
    let stored = desk.headless(&[&NPY[..], &["--variable-importance-path=unused", "gray_raw.h5"]].concat());
    assert!(stderr(&stored).contains("note: The stored classifier is used"), "{}", stderr(&stored));
    assert!(!desk.path("unused").exists());
}

#[test]
fn labels_are_counted_by_slice() {
    let desk = GoldenDesk::new("vol");
    let project = Project::load(&desk.path("vol.ilp")).expect("a project");
    let labels = &project.lanes[0].labels;
    let told = |options: &[&str]| {
        let output = desk.headless(options);
        assert_exit(&output, 0);
        stderr(&output)
    };
    let all = told(&["--print-labels-by-slice"]);
    let count = |line: &str| -> u64 {
        let (_, counts) = line.split_once(": ").expect("counts");
        counts.split(", ").map(|part| part.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    };
    assert_eq!(all.lines().map(count).sum::<u64>(), labels.counts()[1..].iter().sum::<u64>(), "{all}");
    let slices = |label: Option<u8>| {
        let found = labels.iter().filter(|(_, value)| label.is_none_or(|label| *value == label));
        found.map(|(at, _)| at[1]).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(all.lines().count(), slices(None).len());
    let second = told(&["--print-labels-by-slice", "--label-search-value=2"]);
    assert_eq!(second.lines().count(), slices(Some(2)).len());
    assert_eq!(second.lines().map(count).sum::<u64>(), labels.counts()[2], "{second}");
    assert_eq!(told(&["--print-labels-by-slice", "--label-search-value=9"]).lines().count(), 1);
    assert_eq!(told(&["--print-labels-by-slice", "--label-search-value=0"]), all);
}

#[test]
fn an_empty_project_is_made() {
    let desk = GoldenDesk::new("gray");
    let run = |arguments: &[&str]| desk.run(&[&["--headless", "--new_project=new.ilp"], arguments].concat());
    let refused = run(&["--workflow=Object Classification"]);
    assert_exit(&refused, 2);
    assert!(stderr(&refused).contains("Write --workflow='Pixel Classification'"), "{}", stderr(&refused));
    assert_exit(&run(&["--workflow=Pixel Classification", "gray_raw.h5"]), 2);
    assert_exit(&run(&["--workflow=Pixel Classification"]), 0);
    assert_eq!(Project::load(&desk.path("new.ilp")).expect("a project").lanes.len(), 0);
    let again = run(&["--workflow=Pixel Classification"]);
    assert_exit(&again, 2);
    assert!(stderr(&again).contains("'new.ilp' exists"), "{}", stderr(&again));
}

#[test]
fn limits_from_the_environment_change_no_bit() {
    let desk = GoldenDesk::new("noisy");
    let arguments = [&NPY[..], &["noisy_raw.h5"]].concat();
    let whole = desk.result(&arguments, "noisy_raw_out.npy");
    for (threads, megabytes) in [("1", "500"), ("0", "1"), ("3", "8")] {
        let mut command = desk.headless_command(&arguments);
        command.env("LAZYFLOW_THREADS", threads).env("LAZYFLOW_TOTAL_RAM_MB", megabytes);
        assert_exit(&command.output().expect("the program starts"), 0);
        assert_eq!(bits(&desk.read("noisy_raw_out.npy")), bits(&whole), "{threads} threads, {megabytes} MB");
    }
}

#[test]
fn settings_stored_in_the_project_hold_unless_others_are_given() {
    let desk = GoldenDesk::new("gray");
    let floats = desk.result(&[&NPY[..], &["gray_raw.h5"]].concat(), "gray_raw_out.npy");
    let mut project = Project::load(&desk.path("gray.ilp")).expect("a project");
    project.export.format = "multipage tiff".into();
    project.export.filename_format = "{nickname}_stored".into();
    project.export.dtype = Some(DType::U8);
    project.export.ranges = Some([(0.0, 1.0), (0.0, 255.0)]);
    project.export.region = Some([vec![Some(5), None, None], vec![Some(9), None, None]]);
    project.save(&desk.path("gray.ilp")).expect("saved");
    let stored = desk.result(&["gray_raw.h5"], "gray_raw_stored.tiff");
    let expect = floats.slice(s![.., .., 5..9, .., ..]).mapv(|p| (255.0 * p).round_ties_even());
    assert_eq!(stored, expect);
    let arguments = ["--export_dtype=uint16", "--pipeline_result_drange=(0,1)", "--export_drange=(0,1000)"];
    let given = desk.result(&[&arguments[..], &["gray_raw.h5"]].concat(), "gray_raw_stored.tiff");
    let expect = floats.slice(s![.., .., 5..9, .., ..]).mapv(|p| (1000.0 * p).round_ties_even());
    assert_eq!(given, expect);
}

#[test]
fn results_say_how_ilastik_shows_them() {
    let desk = GoldenDesk::new("gray");
    let mut project = Project::load(&desk.path("gray.ilp")).expect("a project");
    project.lanes[0].raw.display_mode = "random-colortable".into();
    project.save(&desk.path("gray.ilp")).expect("saved");
    let sources = ["Probabilities", "Simple Segmentation", "Uncertainty", "Features", "Labels"];
    let mut arguments = vec!["--output_filename_format={nickname}_{result_type}"];
    let named: Vec<String> = sources.iter().map(|source| format!("--export_source={source}")).collect();
    arguments.extend(named.iter().map(String::as_str));
    for format in ["hdf5", "n5", "single-scale OME-Zarr"] {
        let format = format!("--output_format={format}");
        assert_exit(&desk.headless(&[&arguments[..], &[&format, "gray_raw.h5"]].concat()), 0);
    }
    for source in sources {
        let expected = if source == "Labels" { "random-colortable" } else { "grayscale" };
        let has_range = matches!(source, "Probabilities" | "Uncertainty");
        let file = rust_hdf5::H5File::open(desk.path(&format!("gray_raw_{source}.h5"))).expect("opened");
        let dataset = file.dataset("exported_data").expect("the result");
        let mode = dataset.attr("display_mode").expect("said").read_string().expect("a text");
        assert_eq!(mode, expected, "{source}");
        assert_eq!(dataset.attr("drange").is_ok(), has_range, "{source}");
        for (extension, place) in [("n5", "exported_data/attributes.json"), ("zarr", "s0/.zattrs")] {
            let path = desk.path(&format!("gray_raw_{source}.{extension}")).join(place);
            let text = std::fs::read_to_string(&path).expect("attributes");
            let said: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(said["display_mode"], expected, "{}", path.display());
            assert_eq!(said.get("drange").is_some(), has_range, "{}", path.display());
        }
    }
}

#[test]
fn an_image_of_two_dimensions_is_one_slice_of_a_sequence() {
    let desk = GoldenDesk::new("gray");
    let written = |order: &str| {
        let order = format!("--output_axis_order={order}");
        let name = "--output_filename_format=slices/{slice_index}";
        desk.run(&[
            "--headless",
            "--project=gray.ilp",
            "--export_source=Simple Segmentation",
            "--output_format=png sequence",
            name,
            &order,
            "gray_raw.h5",
        ])
    };
    let output = written("zyxc");
    assert_exit(&output, 0);
    let names: Vec<_> = std::fs::read_dir(desk.path("slices")).expect("a folder").collect();
    assert_eq!(names.len(), 1, "{names:?}");
    let output = written("yxc");
    assert_exit(&output, 1);
    let expected = "an image of two dimensions is no sequence; use a single file, or begin the axis order with z, t or c";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
}
