//! Images that the repository ships are read as other programs read or wrote them: the samples, and a file of
//! each kind and sample type that can be read (`tests/fixtures/images`, made by `make.py` there).

#![allow(clippy::panic)]

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use brushwood::data::{Axis, AxisOrder, DType, Roi5, Volume};
use brushwood::io::{self, FORMATS, ImageReader, OpenOptions};
use ndarray::Array5;
use npyz::npz::NpzArchive;
use serde::Deserialize;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn sample_images_open() {
    for (name, axes, shape, dtype) in [
        ("sample_data/nuclei.tif", "yx", [1, 1, 512, 512, 1], DType::U8),
        ("sample_data/nuclei3d.tif", "zyx", [1, 31, 61, 57, 1], DType::U16),
        ("sample_data/cell.png", "yxc", [1, 1, 660, 550, 1], DType::U8),
        ("sample_data/histology.png", "yxc", [1, 1, 512, 512, 3], DType::U8),
        ("tests/golden/time/time_raw.h5", "tyxc", [3, 1, 48, 56, 2], DType::F32),
        ("tests/golden/time/time_raw.h5/data", "tyxc", [3, 1, 48, 56, 2], DType::F32),
        ("tests/golden/gray/probabilities.npy", "yxc", [1, 1, 72, 80, 2], DType::F32),
    ] {
        let image = io::open(&root().join(name).to_string_lossy(), &OpenOptions::default())
            .unwrap_or_else(|e| panic!("{e}"));
        let info = image.info();
        assert_eq!(info.axes.to_string(), axes, "{name}");
        assert_eq!(info.dtype, dtype, "{name}");
        assert_eq!(info.shape, shape, "{name}");
        let whole = image.read(&Roi5::whole(info.shape)).expect("readable");
        assert_eq!(whole.shape(), shape);
    }
}

/// An image of `index.json`.
#[derive(Deserialize)]
struct Fixture {
    /// Name of its samples in `expected.npz`.
    key: String,
    /// A file, one with an inner path, a pattern, or files joined by `:`.
    location: String,
    /// Axes of more than one pixel must be read in this order.
    axes: String,
    dtype: String,
    /// By how much samples may differ, for lossy formats.
    #[serde(default)]
    tolerance: f64,
    /// Sizes and units by axis key.
    #[serde(default)]
    pixel_size: std::collections::BTreeMap<char, (f64, String)>,
    stack_along: Option<char>,
    /// Axes given when it is opened.
    given: Option<AxisOrderText>,
}

/// An axis order as text.
#[derive(Deserialize)]
#[serde(transparent)]
struct AxisOrderText(String);

impl Fixture {
    fn path(&self) -> String {
        let folder = root().join("tests/fixtures/images");
        let absolute = |part: &str| folder.join(part).to_string_lossy().into_owned();
        self.location.split(':').map(absolute).collect::<Vec<_>>().join(":")
    }

    fn open(&self, memory: Option<u64>) -> std::sync::Arc<dyn ImageReader> {
        let options = OpenOptions {
            axes: self.given.as_ref().map(|axes| axes.0.parse().expect("axes")),
            memory,
            stack_along: self.stack_along.and_then(Axis::from_key),
        };
        io::open(&self.path(), &options).unwrap_or_else(|e| panic!("{e}"))
    }
}

fn fixtures() -> Vec<Fixture> {
    let text = std::fs::read_to_string(root().join("tests/fixtures/images/index.json")).expect("the index");
    serde_json::from_str(&text).expect("a list of images")
}

/// The samples of each image.
struct Expected(NpzArchive<File>);

impl Expected {
    fn open() -> Self {
        let file = File::open(root().join("tests/fixtures/images/expected.npz")).expect("the samples");
        Expected(NpzArchive::new(file).expect("an archive"))
    }

    fn of(&mut self, fixture: &Fixture) -> Volume {
        let array = self.0.by_name(&fixture.key).expect("readable").expect("samples of each image");
        let shape: Vec<usize> = array.shape().iter().map(|&n| n as usize).collect();
        let shape: [usize; 5] = shape.try_into().expect("five dimensions");
        macro_rules! of {
            ($($name:literal: $t:ty),*) => {
                match &*fixture.dtype {
                    $($name => {
                        let samples = array.into_vec::<$t>().expect("samples of that type");
                        Array5::from_shape_vec(shape, samples).expect("as many samples").into()
                    })*
                    other => panic!("{other}"),
                }
            };
        }
        of!("uint8": u8, "uint16": u16, "uint32": u32, "uint64": u64, "int8": i8, "int16": i16, "int32": i32,
            "int64": i64, "float32": f32, "float64": f64)
    }
}

/// Whether two volumes of one shape and type agree, to `tolerance`.
fn agree(a: &Volume, b: &Volume, tolerance: f64) -> bool {
    if tolerance == 0.0 {
        return a == b;
    }
    let [t, z, y, x, c] = a.shape();
    let indices = ndarray::indices([t, z, y, x, c]).into_iter();
    indices.map(|(t, z, y, x, c)| [t, z, y, x, c]).all(|at| (a.sample(at) - b.sample(at)).abs() <= tolerance)
}

#[test]
fn every_kind_of_file_reads_as_it_was_written() {
    let mut expected = Expected::open();
    let fixtures = fixtures();
    assert!(fixtures.len() > 150, "{} images", fixtures.len());
    for fixture in &fixtures {
        let name = &fixture.location;
        let expected = expected.of(fixture);
        let image = fixture.open(None);
        let info = image.info();
        assert_eq!(info.dtype.name(), fixture.dtype, "{name}");
        assert_eq!(info.shape, expected.shape(), "{name}");
        let wide = |axes: &AxisOrder| -> String {
            let wide = axes.axes().iter().filter(|&&axis| info.shape[axis as usize] > 1);
            wide.map(|axis| axis.key()).collect()
        };
        let axes: AxisOrder = fixture.axes.parse().expect("axes");
        assert_eq!(wide(&info.axes), wide(&axes), "{name}: axes in order");
        let got = image.read(&Roi5::whole(info.shape)).unwrap_or_else(|e| panic!("{e}"));
        assert!(agree(&got, &expected, fixture.tolerance), "{name}: samples differ");
        for (&key, (size, unit)) in &fixture.pixel_size {
            let axis = Axis::from_key(key).expect("an axis");
            let stored =
                info.pixel_size[axis as usize].as_ref().unwrap_or_else(|| panic!("{name} along {key}"));
            assert!((stored.size - size).abs() <= 1e-6 * size, "{name}: {stored:?} along {key}");
            assert_eq!(&stored.unit, unit, "{name} along {key}");
        }
    }
}

/// Numbers that look random, the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// For every format there is: a box of an image is the crop of the whole image, whatever may be kept in
/// memory, in every order of boxes and from several threads.
#[test]
fn boxes_are_crops_in_every_format() {
    let mut dice = Dice(1);
    let mut seen = BTreeSet::new();
    for fixture in &fixtures() {
        let name = &fixture.location;
        let whole = {
            let image = fixture.open(None);
            image.read(&Roi5::whole(image.info().shape)).unwrap_or_else(|e| panic!("{e}"))
        };
        let file = file_of(&fixture.path());
        let format = FORMATS.iter().find(|format| {
            let extension = file.extension().unwrap_or_default().to_string_lossy().into_owned();
            format.extensions().contains(&&*extension)
        });
        seen.extend(format.map(|format| format.name()));
        // All of it, a few chunks, and as little as its decoder needs.
        for memory in [None, Some(17 << 10)] {
            let image = fixture.open(memory);
            let shape = image.info().shape;
            let boxes: Vec<Roi5> = (0..12)
                .map(|_| {
                    let start: [usize; 5] = std::array::from_fn(|i| dice.below(shape[i] + 1));
                    let stop = std::array::from_fn(|i| start[i] + dice.below(shape[i] - start[i] + 1));
                    Roi5::new(start, stop)
                })
                .collect();
            std::thread::scope(|scope| {
                for boxes in boxes.chunks(6) {
                    let (image, whole) = (&image, &whole);
                    scope.spawn(move || {
                        for roi in boxes {
                            let part = image.read(roi).unwrap_or_else(|e| panic!("{e}"));
                            assert!(part == whole.crop(roi), "{name}: {roi}");
                        }
                    });
                }
            });
            let mut outside = Roi5::whole(shape);
            outside.stop[3] += 1;
            assert!(matches!(image.read(&outside), Err(io::Error::Outside { .. })), "{name}");
        }
    }
    let all: BTreeSet<&str> = FORMATS.iter().map(|format| format.name()).collect();
    assert_eq!(seen, all, "there is an image of each format");
}

/// The file that holds an image, of a stack the last.
fn file_of(location: &str) -> PathBuf {
    let last = location.rsplit(':').next().unwrap_or(location);
    Path::new(last).ancestors().find(|path| path.extension().is_some()).unwrap_or(Path::new(last)).to_owned()
}

/// Prediction reads a volume by region: what is decoded goes to disk and what is not stays there.
#[test]
#[cfg(target_os = "linux")]
fn a_volume_larger_than_memory_is_read_by_region() {
    let folder = tempfile::tempdir().expect("folder");
    let resident = || -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("status");
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("anonymous memory");
        line.split_whitespace()
            .nth(1)
            .and_then(|n| n.parse().ok())
            .map_or(0, |kilobytes: u64| kilobytes << 10)
    };
    // 256 MiB in a hole of a file, and 16 pages of 4 MiB that compress well.
    let sparse = folder.path().join("sparse.npy");
    let header =
        b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (256, 1024, 1024), }";
    let mut bytes = header.to_vec();
    bytes.resize(127, b' ');
    bytes.push(b'\n');
    std::fs::write(&sparse, bytes).expect("written");
    File::options()
        .write(true)
        .open(&sparse)
        .and_then(|f| f.set_len(128 + (256 << 20)))
        .expect("a long file");
    let pages = folder.path().join("pages.tif");
    let mut file = File::create(&pages).expect("created");
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut file)
        .expect("a file")
        .with_compression(tiff::encoder::Compression::Deflate(tiff::encoder::DeflateLevel::Fast));
    for page in 0..16_u8 {
        let samples = vec![page; 2048 * 2048];
        encoder.write_image::<tiff::encoder::colortype::Gray8>(2048, 2048, &samples).expect("a page");
    }
    const MEMORY: u64 = 16 << 20;
    for path in [sparse, pages] {
        let before = resident();
        let options = OpenOptions { memory: Some(MEMORY), ..OpenOptions::default() };
        let image = io::open(&path.to_string_lossy(), &options).unwrap_or_else(|e| panic!("{e}"));
        let shape = image.info().shape;
        let mut most = 0;
        for step in 0..8 {
            let start = step * shape[2] / 8;
            let mut roi = Roi5::whole(shape);
            (roi.start[2], roi.stop[2]) = (start, start + 8);
            (roi.start[3], roi.stop[3]) = (start, start + 8);
            image.read(&roi).unwrap_or_else(|e| panic!("{e}"));
            most = most.max(resident().saturating_sub(before));
        }
        assert!(most < MEMORY, "{most} bytes for {}", path.display());
    }
}
