//! What is written is read back: every format, sample type and axis order; any region equals the crop.

#![allow(clippy::panic)]

mod written;

use std::path::Path;

use brushwood::data::{DType, Roi5, Volume};
use brushwood::io::{self, FORMATS, ImageSpec, OUTPUT_FORMATS, OpenOptions};
use ndarray::Array5;
use proptest::prelude::*;

/// Distinct values, as far as the type has them.
fn volume(dtype: DType, shape: [usize; 5]) -> Volume {
    macro_rules! of {
        ($($v:ident: $t:ty),*) => {
            match dtype {
                $(DType::$v => Array5::<$t>::from_shape_fn(shape, |(t, z, y, x, c)| {
                    (t * 7919 + z * 1009 + y * 101 + x * 11 + c * 3) as $t
                }).into(),)*
            }
        };
    }
    of!(U8: u8, U16: u16, U32: u32, U64: u64, I8: i8, I16: i16, I32: i32, I64: i64, F32: f32, F64: f64)
}

/// Writes in the blocks that the writer prefers, the last of each row clipped.
fn write(format: &str, path: &Path, axes: &str, image: &Volume) -> Result<(), io::Error> {
    let shape = image.shape();
    let spec = ImageSpec::new(axes.parse().expect("axes"), shape, image.dtype());
    let mut writer = io::create(format, path, &spec)?;
    let block = writer.intake().block;
    let count: [usize; 5] = std::array::from_fn(|i| shape[i].div_ceil(block[i]));
    for n in 0..count.iter().product() {
        let mut rest = n;
        let mut start = [0; 5];
        for i in (0..5).rev() {
            start[i] = rest % count[i] * block[i];
            rest /= count[i];
        }
        let stop = std::array::from_fn(|i| (start[i] + block[i]).min(shape[i]));
        writer.write(start, &image.crop(&Roi5::new(start, stop)))?;
    }
    writer.finish()
}

const WHOLE: [(&str, &str); 9] = [
    ("compressed hdf5", "a.h5"),
    ("hdf5", "a.h5"),
    ("numpy", "a.npy"),
    ("tiff", "a.tiff"),
    ("multipage tiff", "a.tiff"),
    ("n5", "a.n5"),
    ("compressed n5", "a.n5"),
    ("single-scale OME-Zarr", "a.zarr"),
    ("multi-scale OME-Zarr", "a.zarr"),
];

#[test]
fn every_type_and_order() {
    let folder = tempfile::tempdir().expect("folder");
    for (format, name) in WHOLE {
        for dtype in DType::ALL {
            for (axes, shape) in [
                ("yx", [1, 1, 13, 17, 1]),
                ("yxc", [1, 1, 13, 17, 3]),
                ("zyx", [1, 5, 13, 17, 1]),
                ("tzyxc", [2, 3, 13, 17, 2]),
                ("cxyzt", [2, 3, 13, 17, 2]),
            ] {
                let image = volume(dtype, shape);
                let path = folder.path().join(name);
                write(format, &path, axes, &image).unwrap_or_else(|e| panic!("{format} {dtype} {axes}: {e}"));
                if written::is_decoded_here(name.split_once('.').expect("an extension").1) {
                    let got = written::read(&path);
                    assert!(got == image, "{format} {dtype} {axes}: values differ");
                    continue;
                }
                let mut options = OpenOptions::default();
                if format == "numpy" {
                    options.axes = Some(axes.parse().expect("axes"));
                }
                let read = io::open(&path.to_string_lossy(), &options).unwrap_or_else(|e| panic!("{e}"));
                assert_eq!(read.info().shape, shape, "{format} {dtype} {axes}");
                if format.ends_with("hdf5") {
                    assert_eq!(read.info().axes.to_string(), axes);
                }
                let got = read.read(&Roi5::whole(shape)).expect("readable");
                assert!(got == image, "{format} {dtype} {axes}: values differ");
            }
        }
    }
}

#[test]
fn pictures_and_sequences() {
    let folder = tempfile::tempdir().expect("folder");
    for (format, name, shape) in [
        ("png", "a.png", [1, 1, 13, 17, 3]),
        ("png", "b.png", [1, 1, 13, 17, 1]),
        ("bmp", "c.bmp", [1, 1, 13, 17, 3]),
        ("png sequence", "d_{slice_index}.png", [1, 11, 13, 17, 1]),
        ("tiff sequence", "e_{slice_index:03d}.tiff", [1, 11, 13, 17, 1]),
    ] {
        let image = volume(DType::U8, shape);
        write(format, &folder.path().join(name), "zyxc", &image).unwrap_or_else(|e| panic!("{format}: {e}"));
        let pattern = name.replace("{slice_index}", "*").replace("{slice_index:03d}", "*");
        let location = folder.path().join(pattern);
        let read = io::open(&location.to_string_lossy(), &OpenOptions::default()).expect("opens");
        assert_eq!(read.info().shape, shape, "{format}");
        assert!(read.read(&Roi5::whole(shape)).expect("readable") == image, "{format}");
    }
    assert!(folder.path().join("d_00.png").exists() && folder.path().join("e_010.tiff").exists());
}

/// Pictures of sides that are odd and even, of other axes than `yx`, of all that a format can hold.
#[test]
fn pictures_that_are_decoded_here_too() {
    let folder = tempfile::tempdir().expect("folder");
    let mut compared = 0;
    for format in OUTPUT_FORMATS {
        if !written::is_decoded_here(format.extension)
            || format.is_sequence()
            || format.name.len() > 3
            || format.name == "n5"
        {
            continue;
        }
        for (axes, [t, z, y, x]) in
            [("yxc", [1, 1, 13, 17]), ("yxc", [1, 1, 300, 16]), ("zxc", [1, 9, 1, 33]), ("yx", [1, 1, 1, 1])]
        {
            for (channels, dtype) in
                [(1, DType::U8), (1, DType::U16), (3, DType::U8), (3, DType::U16), (3, DType::F32)]
            {
                if channels > 1 && axes == "yx" {
                    continue;
                }
                let image = volume(dtype, [t, z, y, x, channels]);
                let path = folder.path().join(format!("a.{}", format.extension));
                let spec = ImageSpec::new(axes.parse().expect("axes"), image.shape(), dtype);
                if io::check(format, &spec).is_err() {
                    continue;
                }
                let what = format!("{} {axes} {:?} {dtype}", format.name, image.shape());
                write(format.name, &path, axes, &image).unwrap_or_else(|e| panic!("{what}: {e}"));
                let found = written::read(&path);
                assert_eq!(found.shape(), [1, 1, y.max(z), x, channels], "{what}");
                assert_eq!(found.dtype(), dtype, "{what}");
                let read = io::open(&path.to_string_lossy(), &OpenOptions::default())
                    .unwrap_or_else(|e| panic!("{what}: {e}"));
                let whole = Roi5::whole(read.info().shape);
                assert!(read.read(&whole).expect("readable") == found, "{what}: our own reader differs");
                // Colours beyond 256 are chosen, and floats have an exponent in common.
                let pixels = y * z * x;
                let exact = format.name != "hdr" && !(format.name == "gif" && channels == 3 && pixels > 256);
                for (t, z, y, x, c) in ndarray::indices(image.shape()) {
                    let expected = image.sample([t, z, y, x, c]);
                    let got = found.sample([0, 0, y.max(z), x, c]);
                    let most = (0..channels).map(|c| image.sample([t, z, y, x, c])).fold(0.0, f64::max);
                    let tolerance = if exact {
                        0.0
                    } else if format.name == "gif" {
                        40.0
                    } else {
                        most / 128.0
                    };
                    assert!(
                        (got - expected).abs() <= tolerance,
                        "{what}: {got}, not {expected} at {y} {x} {c}"
                    );
                }
                compared += 1;
            }
        }
    }
    assert!(compared >= 40, "only {compared} pictures");
}

#[test]
fn floats_beyond_what_hdr_can_hold() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.hdr");
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, 1e-40, 0.0, f32::MAX, 1.0, 0.5];
    let image = Array5::from_shape_vec([1, 1, 1, 3, 3], odd.to_vec()).expect("shape");
    write("hdr", &path, "yxc", &image.into()).expect("written");
    let found = written::read(&path);
    let pixel = |x: usize| [0, 1, 2].map(|c| found.sample([0, 0, 0, x, c]));
    assert!(pixel(0)[0] == 0.0 && pixel(0)[1] > 1e37 && pixel(0)[2] == 0.0, "{:?}", pixel(0));
    assert_eq!(pixel(1), [0.0; 3]);
    assert!(pixel(2)[0] > 1e37, "{:?}", pixel(2));
}

#[test]
fn unfinished_leaves_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    for format in OUTPUT_FORMATS {
        let (channels, dtype) = if format.extension == "hdr" { (3, DType::F32) } else { (1, DType::U8) };
        let slices = if format.is_sequence() { 3 } else { 1 };
        let spec = ImageSpec::new("zyxc".parse().expect("axes"), [1, slices, 8, 8, channels], dtype);
        let path = folder.path().join(format!("a{{slice_index}}.{}", format.extension));
        let mut writer = io::create(format.name, &path, &spec).expect("starts");
        let block = [1, 1, 8, 8, channels];
        writer.write([0; 5], &Volume::zeros(dtype, block)).expect("a block");
        drop(writer);
        let left: Vec<_> = std::fs::read_dir(folder.path()).expect("folder").collect();
        assert!(left.is_empty(), "{}: {left:?}", format.name);
    }
}

#[test]
fn formats_keep_the_contract() {
    for (i, format) in FORMATS.iter().enumerate() {
        assert!(!format.extensions().is_empty(), "{} has no extension", format.name());
        assert!(!format.recognises(b""), "{} recognises an empty file", format.name());
        for other in &FORMATS[..i] {
            assert_ne!(format.name(), other.name());
            assert!(format.extensions().iter().all(|e| !other.extensions().contains(e)));
        }
        for junk in [
            &[0_u8; 64][..],
            &[0xff; 9],
            b"II\x2a\x00",
            b"\x93NUMPY\x01\x00\xff\xff{",
            b"\x89HDF\r\n\x1a\n",
            b"BM",
        ] {
            let folder = tempfile::tempdir().expect("folder");
            let path = folder.path().join("junk");
            std::fs::write(&path, junk).expect("written");
            let result = format.open(&path, None, &OpenOptions::default());
            let message = result.err().expect("junk is no image").to_string();
            assert!(message.starts_with(&*path.to_string_lossy()), "{}: {message}", format.name());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn regions_are_crops(
        format in 0..WHOLE.len(),
        extent in prop::array::uniform5(1_usize..9),
        corners in prop::array::uniform5((0.0..1.0_f64, 0.0..1.0_f64)),
    ) {
        let (format, name) = WHOLE[format];
        // A picture of any two axes is one page of a plain TIFF, which does not say which axes they are.
        let [t, z, y, x, _] = extent;
        prop_assume!(format != "tiff" || t * z == 1 || (y > 1 && x > 1));
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join(name);
        let image = volume(DType::U16, extent);
        write(format, &path, "tzyxc", &image).expect("written");
        if name.ends_with("n5") || name.ends_with("zarr") {
            prop_assert!(written::read(&path) == image, "{format}");
            return Ok(());
        }
        let options = OpenOptions {
            axes: (format == "numpy").then(|| "tzyxc".parse().expect("axes")),
            // A few chunks, so that they are decoded again.
            memory: Some(2048),
            ..OpenOptions::default()
        };
        let read = io::open(&path.to_string_lossy(), &options).expect("opens");
        let at = |i: usize, f: f64| (f * (extent[i] + 1) as f64) as usize;
        let a: [usize; 5] = std::array::from_fn(|i| at(i, corners[i].0));
        let b: [usize; 5] = std::array::from_fn(|i| at(i, corners[i].1));
        let roi = Roi5::new(std::array::from_fn(|i| a[i].min(b[i])), std::array::from_fn(|i| a[i].max(b[i])));
        prop_assert!(read.read(&roi).expect("readable") == image.crop(&roi), "{format} {roi}");
    }
}
