//! Every mistake has a message that says what failed, why, and what to do.

use std::path::{Path, PathBuf};

use brushwood::data::{DType, Volume};
use brushwood::io::{self, ImageSpec, OpenOptions};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().expect("folder"))
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }

    /// The message of opening `location`, with the folder's own path as `DIR`.
    fn message(&self, location: &Path, options: &OpenOptions) -> String {
        let error = io::open(&location.to_string_lossy(), options).err().expect("an error");
        error.to_string().replace(&*self.0.path().to_string_lossy(), "DIR")
    }
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a sample")
}

#[test]
fn opening() {
    let folder = Folder::new();
    let none = OpenOptions::default();
    let dir = folder.0.path();
    let npy = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (40, 50), }";
    let header = [&npy[..], &vec![b' '; 128 - npy.len() - 1], b"\n"].concat();
    for (path, expected) in [
        (dir.join("no.tif"), "DIR/no.tif: no such file"),
        (
            dir.join("a/b/no.tif"),
            "DIR/a/b/no.tif: no such file; the nearest folder above it that exists is DIR",
        ),
        (dir.join("*.jpg"), "no file matches DIR/*.jpg"),
        (
            dir.to_owned(),
            "DIR: is a folder, not an image; for a stack of images name its files, such as \"DIR/*.png\"",
        ),
        (folder.file("e.tif", b""), "DIR/e.tif: the file is empty (0 bytes); copy or export it again"),
        (
            folder.file("a.czi", b"ZISRAWFILE"),
            "DIR/a.czi: not an image format that can be read; supported are hdf5, tiff, npy, npz, png, jpeg, bmp",
        ),
        (
            folder.file("html.tif", b"<html>"),
            "DIR/html.tif: the file is damaged: named .tif, but its first bytes are not those of a tiff file",
        ),
        (
            folder.file("cut.npy", &header),
            "DIR/cut.npy: the file is cut off: an array of shape [40, 50] of float32 needs 8128 bytes, the file has 128; copy or export it again",
        ),
        (
            folder.file("cut.tif", &sample("sample_data/nuclei3d.tif")[..100_000]),
            "DIR/cut.tif: the file is cut off: ",
        ),
        (
            folder.file("a.png", &sample("sample_data/cell.png")).join("data"),
            "DIR/a.png: a png file holds one image, so 'data' inside it can't be opened",
        ),
        (
            folder.file("raw.h5", &sample("tests/golden/gray/gray_raw.h5")).join("dat"),
            "DIR/raw.h5: has no dataset 'dat'; it has 'data'",
        ),
    ] {
        let message = folder.message(&path, &none);
        assert!(message.starts_with(expected), "{message}\ninstead of\n{expected}");
    }
    let wrong = OpenOptions { axes: "zyx".parse().ok(), ..OpenOptions::default() };
    assert_eq!(
        folder.message(&dir.join("raw.h5"), &wrong),
        "DIR/raw.h5: 'zyx' names 3 axes, the image has 2 dimensions"
    );
    let small = OpenOptions { memory: Some(1000), ..OpenOptions::default() };
    assert_eq!(
        folder.message(&dir.join("a.png"), &small),
        "DIR/a.png: decoding the image needs 363000 bytes, 1000 are allowed; raise --memory or convert the image to HDF5"
    );
}

/// No prefix and no flipped byte of a sound file may make the program panic or allocate without bound.
#[test]
fn damage_is_an_error_or_an_image() {
    let folder = Folder::new();
    for name in
        ["sample_data/nuclei3d_labels.tif", "tests/golden/gray/gray_raw.h5", "tests/golden/gray/labels.npy"]
    {
        let sound = sample(name);
        let open = |bytes: &[u8]| {
            let path = folder.file("x", bytes);
            if let Ok(image) = io::open(&path.to_string_lossy(), &OpenOptions::default()) {
                let shape = image.info().shape;
                let part = brushwood::data::Roi5::new([0; 5], shape.map(|n| n.min(16)));
                let _ = image.read(&part);
            }
        };
        let length = sound.len();
        (0..64).map(|i| i * length / 64).for_each(|n| open(&sound[..n]));
        for i in 0..400 {
            let mut bytes = sound.clone();
            // The header and the end, where the structure is.
            let at = if i % 2 == 0 { i / 2 * 3 } else { length - 1 - i / 2 * 3 };
            bytes[at] ^= [0xff, 0x80, 0x01][i % 3];
            open(&bytes);
        }
    }
}

#[test]
fn writing() {
    let folder = tempfile::tempdir().expect("folder");
    let message = |format: &str, axes: &str, shape, dtype| {
        let spec = ImageSpec::new(axes.parse().expect("axes"), shape, dtype);
        io::create(format, &folder.path().join("a"), &spec).err().map(|e| e.to_string()).unwrap_or_default()
    };
    let plane = [1, 1, 8, 8, 1];
    assert!(
        message("gif", "yx", plane, DType::U8)
            .starts_with("'gif' is not an output format; use one of compressed hdf5, hdf5, ")
    );
    assert_eq!(
        message("png", "yxc", [1, 1, 8, 8, 2], DType::F32),
        "the format 'png' can't hold this image: a file holds 1 or 3 channels, not 2; use 'tiff' or 'hdf5', cut out one channel, \
         or export a sequence with c first in the axis order; samples are uint8 or uint16, not float32; convert them or use 'hdf5'"
    );
    assert_eq!(
        message("jpg", "zyx", [1, 4, 8, 8, 1], DType::U8),
        "the format 'jpg' can't hold this image: a file holds two dimensions, not 'zyx'; use 'jpg sequence', 'multipage tiff' or 'hdf5', or cut out a slice"
    );
    assert!(message("png sequence", "zyx", [1, 4, 8, 8, 1], DType::U8).contains("must hold {slice_index}"));
    let spec = ImageSpec::new("yx".parse().expect("axes"), plane, DType::U8);
    let mut writer = io::create("numpy", &folder.path().join("b.npy"), &spec).expect("starts");
    assert!(writer.write([0, 0, 4, 0, 0], &Volume::zeros(DType::U8, plane)).is_err(), "outside");
    assert!(writer.write([0; 5], &Volume::zeros(DType::U16, plane)).is_err(), "another type");
    let error = writer.finish().expect_err("nothing was written").to_string();
    assert!(error.ends_with("b.npy: only 0 of 64 samples were written"), "{error}");
}
