//! Label images in every format: written from labels, read back, and read as other programs write them.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use brushwood::batch::label_image::{LabelExportError, LabelImage, LabelImageError, write_labels};
use brushwood::data::{CancelToken, DType, LabelVolume, Volume};
use brushwood::io::{self, ImageInfo, ImageSpec};
use ndarray::Array5;

fn info(axes: &str, shape: [usize; 5]) -> ImageInfo {
    ImageInfo {
        axes: axes.parse().unwrap(),
        shape,
        dtype: DType::U16,
        pixel_size: Default::default(),
        data_range: None,
    }
}

fn read(path: &Path, axes: Option<&str>, image: &ImageInfo) -> Result<LabelImage, LabelImageError> {
    let axes = axes.map(|axes| axes.parse().unwrap());
    LabelImage::read(path.to_str().unwrap(), axes, image, &CancelToken::new(), &|done| {
        assert!((0.0..=1.0).contains(&done));
    })
}

fn write(
    labels: &LabelVolume,
    image: &ImageInfo,
    path: &Path,
    overwrite: bool,
) -> Result<(), LabelExportError> {
    write_labels(labels, image, path, overwrite, &CancelToken::new(), &|_| {})
}

fn save(format: &str, path: &Path, axes: &str, image: &Volume) {
    let spec = ImageSpec::new(axes.parse().unwrap(), image.shape(), image.dtype());
    let mut writer = io::create(format, path, &spec).unwrap();
    writer.write([0; 5], image).unwrap();
    writer.finish().unwrap();
}

#[test]
fn labels_come_back_from_every_format() {
    let folder = tempfile::tempdir().unwrap();
    for (name, axes, shape) in [
        ("a.h5", "yx", [1, 1, 70, 90, 1]),
        ("a.npy", "yx", [1, 1, 70, 90, 1]),
        ("a.tif", "yx", [1, 1, 70, 90, 1]),
        ("a.png", "yx", [1, 1, 70, 90, 1]),
        ("a.bmp", "yxc", [1, 1, 70, 90, 3]),
        ("b.h5", "tzyxc", [2, 3, 70, 90, 1]),
        ("b.npy", "zyx", [1, 3, 70, 90, 1]),
        ("b.tif", "zyx", [1, 5, 70, 90, 1]),
        ("c.tif", "tyx", [4, 1, 70, 90, 1]),
    ] {
        let image = info(axes, shape);
        let [t, z, ..] = shape;
        let mut labels = LabelVolume::new([t, z, 70, 90]);
        labels.paint((0..60).map(|i| ([i % t, i % z, i, i + 20], 1 + (i % 3) as u8)));
        let path = folder.path().join(name);
        write(&labels, &image, &path, false).unwrap();
        let location = if name.ends_with("h5") { path.join("exported_data") } else { path.clone() };
        let back = read(&location, None, &image).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(back.values, [(1, 20), (2, 20), (3, 20)], "{name}");
        assert_eq!(back.places, labels, "{name}");
        let refused = write(&labels, &image, &path, false);
        assert!(matches!(refused, Err(LabelExportError::Exists { .. })), "{name}");
        write(&LabelVolume::new(labels.shape()), &image, &path, true).unwrap();
        assert!(read(&location, None, &image).unwrap().values.is_empty(), "{name}");
    }
    let stack = info("zyx", [1, 3, 9, 9, 1]);
    let labels = LabelVolume::new([1, 3, 9, 9]);
    assert!(matches!(
        write(&labels, &stack, Path::new("x.foo"), false),
        Err(LabelExportError::NoFormat { .. })
    ));
}

#[test]
fn values_of_any_kind_become_labels() {
    let folder = tempfile::tempdir().unwrap();
    let image = info("yx", [1, 1, 4, 6, 1]);
    let values = |(_, _, y, x, _): (usize, usize, usize, usize, usize)| match (y, x) {
        (0, _) => -7.0,
        (1, 0..3) => 255.0,
        (2, 5) => 70_000.0,
        _ => 0.0,
    };
    for (name, volume) in [
        ("a.npy", Volume::from(Array5::from_shape_fn([1, 1, 4, 6, 1], |at| values(at) as f32))),
        ("b.npy", Volume::from(Array5::from_shape_fn([1, 1, 4, 6, 1], |at| values(at) as i32))),
        ("c.npy", Volume::from(Array5::from_shape_fn([1, 1, 4, 6, 1], |at| values(at) as i64))),
    ] {
        let path = folder.path().join(name);
        save("numpy", &path, "yx", &volume);
        let read = read(&path, None, &image).unwrap();
        assert_eq!(read.values, [(-7, 6), (255, 3), (70_000, 1)], "{name}");
        assert_eq!([[0, 0, 0, 4], [0, 0, 1, 1], [0, 0, 2, 5]].map(|at| read.places.get(at)), [1, 2, 3]);
        assert_eq!(read.usual_classes(2), [3, 4, 5]);
    }
    let two = LabelImage {
        values: vec![(1, 5), (2, 6), (5, 1)],
        ..read(&folder.path().join("a.npy"), None, &image).unwrap()
    };
    assert_eq!(two.usual_classes(2), [1, 2, 3]);
    assert_eq!(two.usual_classes(99), [1, 2, 5]);
}

#[test]
fn axes_follow_the_image_or_the_user() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.npy");
    // Written as numpy does, without axes: a last axis of 3 looks like channels.
    let volume = Volume::from(Array5::from_shape_fn([1, 5, 7, 3, 1], |(_, z, ..)| (z % 2) as u8));
    save("numpy", &path, "zyx", &volume);
    let image = info("zyx", [1, 5, 7, 3, 1]);
    assert_eq!(read(&path, None, &image).unwrap().shape, [1, 5, 7, 3]);
    assert_eq!(read(&path, Some("tyx"), &image).unwrap().shape, [5, 1, 7, 3]);
    let error = read(&path, Some("yxc"), &image).unwrap_err();
    assert!(error.to_string().contains("3 channels"), "{error}");
    assert!(read(&path, Some("yx"), &image).is_err());
}

#[test]
fn images_are_no_label_images() {
    let folder = tempfile::tempdir().unwrap();
    let image = info("yx", [1, 1, 20, 20, 1]);
    let many = Volume::from(Array5::from_shape_fn([1, 1, 20, 20, 1], |(_, _, y, x, _)| (20 * y + x) as u16));
    let path = folder.path().join("many.npy");
    save("numpy", &path, "yx", &many);
    assert!(matches!(read(&path, None, &image), Err(LabelImageError::TooManyValues)));
    for value in [0.5_f32, f32::NAN, f32::INFINITY] {
        let path = folder.path().join("half.npy");
        let _ = std::fs::remove_file(&path);
        save("numpy", &path, "yx", &Volume::from(Array5::from_elem([1, 1, 2, 2, 1], value)));
        assert!(matches!(read(&path, None, &image), Err(LabelImageError::NotWhole { .. })), "{value}");
    }
    assert!(matches!(read(&folder.path().join("none.png"), None, &image), Err(LabelImageError::Read(_))));
    let cancel = CancelToken::new();
    cancel.cancel();
    let cancelled = LabelImage::read(path.to_str().unwrap(), None, &image, &cancel, &|_| {});
    assert!(matches!(cancelled, Err(LabelImageError::Cancelled(_))));
}
