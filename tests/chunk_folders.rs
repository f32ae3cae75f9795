//! N5 and OME-Zarr: what is said of an image, levels, what is kept and what is refused.

#![allow(clippy::panic, clippy::unwrap_used)]

mod written;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use brushwood::data::{DType, Roi5, Volume};
use brushwood::io::{self, ImageSpec, OpenOptions, PixelSize};
use ndarray::Array5;
use proptest::prelude::*;
use serde_json::json;

fn noise(shape: [usize; 5]) -> Array5<f64> {
    Array5::from_shape_fn(shape, |(t, z, y, x, c)| {
        let n = (((t * 31 + z) * 733 + y) * 919 + x) * 3 + c;
        (n.wrapping_mul(2_654_435_761) >> 7 & 0xffff) as f64 / 16.0 - 1000.0
    })
}

fn spec(axes: &str, image: &Volume) -> ImageSpec {
    ImageSpec::new(axes.parse().unwrap(), image.shape(), image.dtype())
}

/// Writes `image` in blocks of `times` as many chunks along each axis.
fn write(
    format: &str,
    path: &Path,
    spec: &ImageSpec,
    image: &Volume,
    times: [usize; 5],
) -> Result<(), io::Error> {
    let mut writer = io::create(format, path, spec)?;
    let block: [usize; 5] = std::array::from_fn(|i| writer.intake().block[i] * times[i]);
    let count: [usize; 5] = std::array::from_fn(|i| spec.shape[i].div_ceil(block[i]));
    for place in ndarray::indices(count) {
        let place = [place.0, place.1, place.2, place.3, place.4];
        let start: [usize; 5] = std::array::from_fn(|i| place[i] * block[i]);
        let stop = std::array::from_fn(|i| (start[i] + block[i]).min(spec.shape[i]));
        writer.write(start, &image.crop(&Roi5::new(start, stop)))?;
    }
    writer.finish()
}

fn whole(format: &str, path: &Path, spec: &ImageSpec, image: &Volume) -> Result<(), io::Error> {
    write(format, path, spec, image, [usize::MAX >> 32; 5])
}

/// All files below a folder, by name.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(path) = folders.pop() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    all
}

/// Every second pixel, or the mean of each two along the axes that have two.
fn halved(image: &Volume, nearest: bool) -> Array5<f64> {
    let [t, z, y, x, c] = image.shape();
    let window = [z, y, x].map(|n| if n > 1 { 2 } else { 1 });
    let half = |n: usize| (n / 2).max(1);
    Array5::from_shape_fn([t, half(z), half(y), half(x), c], |(t, z, y, x, c)| {
        let at =
            |dz, dy, dx| image.sample([t, z * window[0] + dz, y * window[1] + dy, x * window[2] + dx, c]);
        if nearest {
            return at(0, 0, 0);
        }
        let values: Vec<f64> = ndarray::indices(window).into_iter().map(|(z, y, x)| at(z, y, x)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        if image.dtype().is_float() { mean } else { mean.round_ties_even() }
    })
}

#[test]
fn levels_are_means_or_every_second_pixel() {
    let folder = tempfile::tempdir().unwrap();
    for (shape, levels) in [
        ([1, 100, 130, 151, 1], 2),
        ([2, 1, 901, 600, 2], 3),
        ([1, 3, 500, 1100, 1], 3),
        ([1, 1, 1, 400_001, 1], 3),
        ([1, 1, 200, 300, 2], 1),
    ] {
        let floats = noise(shape);
        let mut images: Vec<(Volume, bool)> = Vec::new();
        if shape[3] == 400_001 {
            images.push((floats.mapv(|v| v as f32).into(), true));
            images.push((floats.mapv(|v| (v.abs() as u64) << 40).into(), false));
        }
        if shape[1] == 100 {
            images.push((floats.mapv(|v| (v.abs() as u64 % 251) as u8).into(), false));
        } else {
            images.push((floats.into(), false));
        }
        for (image, categorical) in images {
            let path = folder.path().join("a.zarr");
            let spec = ImageSpec { categorical, ..spec("tzyxc", &image) };
            write("multi-scale OME-Zarr", &path, &spec, &image, [1; 5]).unwrap();
            let image_of = |level| written::zarr(&path, level);
            assert!(image_of(0) == image, "{shape:?}");
            let described = written::json(&path.join(".zattrs"))["multiscales"][0].clone();
            let found = described["datasets"].as_array().unwrap().len();
            let expected = if image.dtype() == DType::F32 { levels - 1 } else { levels };
            assert_eq!(found, expected, "{shape:?} {}", image.dtype());
            assert_eq!(described["type"] == json!("nearest"), categorical && found > 1);
            let mut before = image;
            for level in 1..found {
                let (got, expected) = (image_of(level), halved(&before, categorical));
                assert_eq!(got.shape(), <[usize; 5]>::from(expected.dim()), "{shape:?} level {level}");
                for ((t, z, y, x, c), &value) in expected.indexed_iter() {
                    let got = got.sample([t, z, y, x, c]);
                    assert!(
                        (got - value).abs() <= 1e-9 * value.abs(),
                        "{got}, not {value} at {level} {z} {y} {x}"
                    );
                }
                before = got;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn any_blocks_give_the_same_files(
        format in 0..4usize,
        extent in (1..3usize, 1..40usize, 1..120usize, 1..200usize, 1..3usize),
        times in prop::array::uniform5(1..4usize),
    ) {
        let format = ["n5", "compressed n5", "single-scale OME-Zarr", "multi-scale OME-Zarr"][format];
        let image: Volume = noise([extent.0, extent.1, extent.2, extent.3, extent.4]).into();
        let spec = spec("tzyxc", &image);
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("1"), folder.path().join("2"));
        whole(format, &first.join("a"), &spec, &image).unwrap();
        write(format, &second.join("a"), &spec, &image, times).unwrap();
        prop_assert!(files(&first) == files(&second));
    }
}

#[test]
fn what_is_said_of_an_n5() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.n5");
    let image: Volume = noise([1, 5, 60, 70, 2]).into();
    let mut spec = ImageSpec {
        internal_path: "/volume/result".into(),
        data_range: Some((0.0, 1.0)),
        ..spec("zyxc", &image)
    };
    spec.pixel_size[3] = Some(PixelSize { size: 0.25, unit: "µm".into() });
    whole("compressed n5", &path, &spec, &image).unwrap();
    assert!(written::n5(&path, "volume/result") == image);
    let attributes = written::json(&path.join("volume/result/attributes.json"));
    for (key, expected) in [
        ("dimensions", json!([2, 70, 60, 5])),
        ("axes", "cxyz".into()),
        ("dataType", "float64".into()),
        ("compression", json!({ "type": "gzip", "level": 1, "useZlib": false })),
        ("drange", json!([0.0, 1.0])),
        ("axis_units", r#"{"x":"µm"}"#.into()),
    ] {
        assert_eq!(attributes[key], expected, "{key}");
    }
    let tags: serde_json::Value = serde_json::from_str(attributes["axistags"].as_str().unwrap()).unwrap();
    assert_eq!((&tags["axes"][2]["key"], &tags["axes"][2]["resolution"]), (&"x".into(), &0.25.into()));
}

#[test]
fn what_is_said_of_an_ome_zarr() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cells.ome.zarr");
    let image: Volume = noise([1, 20, 300, 400, 1]).into();
    let mut spec = ImageSpec { origin: [0, 2, 0, 40, 0], ..spec("xyz", &image) };
    let size = |size, unit: &str| Some(PixelSize { size, unit: unit.into() });
    spec.pixel_size = [size(2.0, "sec"), size(1.0, "µm"), size(0.5, "um"), None, None];
    whole("multi-scale OME-Zarr", &path, &spec, &image).unwrap();
    let attributes = written::json(&path.join(".zattrs"));
    let image = &attributes["multiscales"][0];
    assert_eq!(
        (&image["version"], &image["name"], &image["type"]),
        (&"0.4".into(), &"cells".into(), &"mean".into())
    );
    assert_eq!(
        image["axes"],
        json!([
            { "name": "t", "type": "time", "unit": "second" },
            { "name": "c", "type": "channel" },
            { "name": "z", "type": "space", "unit": "micrometer" },
            { "name": "y", "type": "space", "unit": "micrometer" },
            { "name": "x", "type": "space" },
        ])
    );
    let level = |n: usize, scale: [f64; 5], place: [f64; 5]| {
        json!({ "path": format!("s{n}"), "coordinateTransformations": [
            { "type": "scale", "scale": scale }, { "type": "translation", "translation": place }] })
    };
    assert_eq!(image["datasets"][0], level(0, [2.0, 1.0, 1.0, 0.5, 1.0], [0.0, 0.0, 2.0, 0.0, 40.0]));
    assert_eq!(image["datasets"][1], level(1, [2.0, 1.0, 2.0, 1.0, 2.0], [0.0, 0.0, 2.5, 0.25, 40.5]));
    let array = written::json(&path.join("s1/.zarray"));
    assert_eq!((&array["shape"], &array["dtype"]), (&json!([1, 1, 10, 150, 200]), &"<f8".into()));
}

fn message(result: Result<(), io::Error>, folder: &Path) -> String {
    result.expect_err("refused").to_string().replace(&*folder.to_string_lossy(), "DIR")
}

#[test]
fn other_datasets_of_an_n5_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.n5");
    let [first, second]: [Volume; 2] = [noise([1, 1, 20, 30, 1]).into(), noise([1, 1, 9, 8, 1]).into()];
    let put = |name: &str, image: &Volume| {
        whole("n5", &path, &ImageSpec { internal_path: name.into(), ..spec("yx", image) }, image)
    };
    put("exported_data", &first).unwrap();
    put("group/other", &second).unwrap();
    assert!(written::n5(&path, "exported_data") == first && written::n5(&path, "group/other") == second);
    put("exported_data", &second).unwrap();
    assert!(written::n5(&path, "exported_data") == second, "replaced, not added to");
    let taken = |others: &str, name: &str| {
        format!(
            "DIR/a.n5: holds {others}, which are in the way of the dataset '{name}'; choose another --output-internal-path or file"
        )
    };
    let unnamed = |name: &str| {
        format!(
            "the format 'n5' can't hold this image: '{name}' is no name of a dataset in it; use one such as 'exported_data'"
        )
    };
    for (name, expected) in [
        ("group", taken("'group/other'", "group")),
        ("exported_data/more", taken("'exported_data'", "exported_data/more")),
        ("../x", unnamed("../x")),
        ("/", unnamed("/")),
    ] {
        assert_eq!(message(put(name, &first), folder.path()), expected);
    }
    fs::create_dir(path.join("notes")).unwrap();
    fs::write(path.join("notes/text"), "").unwrap();
    let expected = "DIR/a.n5: it holds 'notes/text', which is no part of an N5; use another name";
    assert_eq!(message(put("notes", &first), folder.path()), expected);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_folder_of_something_else_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zarr");
    let image: Volume = noise([1, 1, 20, 30, 1]).into();
    let put = || whole("single-scale OME-Zarr", &path, &spec("yx", &image), &image);
    fs::write(&path, "a file").unwrap();
    let expected =
        "DIR/a.zarr: a file has this name, and an OME-Zarr is a folder; use another name or remove the file";
    assert_eq!(message(put(), folder.path()), expected);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    put().expect("an empty folder is replaced");
    put().expect("an image is replaced");
    fs::create_dir(path.join("labels")).unwrap();
    let expected =
        "DIR/a.zarr: it also holds 'labels', which would be lost; use another name or remove the folder";
    assert_eq!(message(put(), folder.path()), expected);
    fs::remove_file(path.join(".zgroup")).unwrap();
    let expected =
        "DIR/a.zarr: a folder of something else has this name; use another name or remove the folder";
    assert_eq!(message(put(), folder.path()), expected);
    assert!(path.join("s0/.zarray").exists());
}

#[test]
fn reading_them_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let image: Volume = noise([1, 1, 20, 30, 1]).into();
    for (format, name, inner, what) in [
        ("n5", "a.n5", "a.n5/exported_data", "N5"),
        ("n5", "b", "b/exported_data", "N5"),
        ("multi-scale OME-Zarr", "a.zarr", "a.zarr/s0", "OME-Zarr"),
        ("single-scale OME-Zarr", "c", "c/s0", "OME-Zarr"),
    ] {
        whole(format, &folder.path().join(name), &spec("yx", &image), &image).unwrap();
        for name in [name, inner] {
            let location = folder.path().join(name);
            let result = io::open(&location.to_string_lossy(), &OpenOptions::default()).map(|_| ());
            assert_eq!(
                message(result, folder.path()),
                format!(
                    "DIR/{name}: reading {what} is not supported; such folders are only written here; write a result as 'hdf5' to look at it or to go on with it"
                )
            );
        }
    }
}

#[test]
fn what_was_written_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let image: Volume = noise([1, 1, 20, 30, 1]).into();
    let path = folder.path().join("a.n5");
    for name in ["exported_data", "deep/er/one", "deep/two"] {
        whole("n5", &path, &ImageSpec { internal_path: name.into(), ..spec("yx", &image) }, &image).unwrap();
    }
    io::remove(&path.join("deep/er/one")).unwrap();
    assert!(!path.join("deep/er").exists() && path.join("deep/two").exists());
    io::remove(&path.join("deep/two")).unwrap();
    assert!(!path.join("deep").exists() && path.join("exported_data").exists());
    io::remove(&path.join("exported_data")).unwrap();
    assert!(!path.exists() && folder.path().exists());
    let path = folder.path().join("a.zarr");
    let put = || whole("multi-scale OME-Zarr", &path, &spec("yx", &image), &image).unwrap();
    put();
    io::remove(&path).unwrap();
    assert!(!path.exists());
    put();
    fs::write(path.join("notes"), "").unwrap();
    let expected =
        "DIR/a.zarr: it also holds 'notes', which would be lost; use another name or remove the folder";
    assert_eq!(message(io::remove(&path), folder.path()), expected);
    let expected = "DIR: a folder of something else has this name; use another name or remove the folder";
    assert_eq!(message(io::remove(folder.path()), folder.path()), expected);
    assert!(path.join("notes").exists());
}
