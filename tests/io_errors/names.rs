//! What is no file, no image, or not one image.

use brushwood::io::OpenOptions;

use super::{Corpus, fixture, sample};

const NONE: OpenOptions = OpenOptions { axes: None, memory: None, stack_along: None };

#[test]
fn what_is_not_an_image() {
    let mut corpus = Corpus::new();
    let dir = corpus.folder.path().to_string_lossy().into_owned();
    corpus.says(&format!("{dir}/no.tif"), &NONE, "DIR/no.tif: no such file");
    corpus.says(
        &format!("{dir}/a/b/no.tif"),
        &NONE,
        "DIR/a/b/no.tif: no such file; the nearest folder above it that exists is DIR",
    );
    corpus.says(
        &dir,
        &NONE,
        "DIR: is a folder, not an image; for a stack of images name its files, such as \"DIR/*.png\"",
    );
    corpus.says(
        "/dev/null",
        &NONE,
        "/dev/null: is a pipe or a device, not a file; images are read at any place, so write it to a file first",
    );
    corpus.refuses("e.tif", b"", "the file is empty (0 bytes); copy or export it again");
    corpus.refuses(
        "a.czi",
        b"ZISRAWFILE",
        "not an image format that can be read; supported are hdf5, tiff, npy, npz, png, jpeg, bmp, gif, hdr, ras, exr, xv, pnm, raw",
    );
    for (name, format) in
        [("a.tif", "tiff"), ("a.png", "png"), ("a.jpg", "jpeg"), ("a.h5", "hdf5"), ("a.npz", "npz")]
    {
        let expected = format!(
            "the file is damaged: named .{}, but its first bytes are not those of a {format} file",
            &name[2..]
        );
        corpus.refuses(name, b"<html>404 Not Found</html>", &expected);
    }
    let picture = corpus.file("b.png", &fixture("rgb-8.png"));
    corpus.says(
        &format!("{}/data", picture.display()),
        &NONE,
        "DIR/b.png: a png file holds one image, so 'data' inside it can't be opened",
    );
    corpus.finish();
}

#[test]
#[cfg(unix)]
fn what_the_system_refuses() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let mut corpus = Corpus::new();
    let pipe = corpus.path("pipe.tif");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .expect("a pipe");
    corpus.says(
        &pipe.to_string_lossy(),
        &NONE,
        "DIR/pipe.tif: is a pipe or a device, not a file; images are read at any place, so write it to a file first",
    );
    let link = corpus.path("link.tif");
    symlink("gone.tif", &link).expect("a link");
    corpus.says(&link.to_string_lossy(), &NONE, "DIR/link.tif: no such file");
    let closed = corpus.file("closed.png", &fixture("rgb-8.png"));
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).expect("closed");
    // Root reads it all the same.
    if std::fs::read(&closed).is_err() {
        corpus.says(&closed.to_string_lossy(), &NONE, "DIR/closed.png: Permission denied (os error 13)");
    }
    corpus.finish();
}

#[test]
fn axes_and_memory() {
    let mut corpus = Corpus::new();
    let volume = corpus.file("raw.h5", &sample("tests/golden/gray/gray_raw.h5"));
    let given = |axes: &str| OpenOptions { axes: axes.parse().ok(), ..NONE };
    let volume = volume.to_string_lossy();
    corpus.says(&volume, &given("zyx"), "DIR/raw.h5: 'zyx' names 3 axes, the image has 2 dimensions");
    corpus.says(&volume, &given("zy"), "DIR/raw.h5: the axes 'zy' lack x or y");
    let small = |memory| OpenOptions { memory: Some(memory), ..NONE };
    for (name, memory, need) in [
        ("gray.jpg", 1049, 1050),
        ("interlaced.png", 599, 600),
        ("rgb.bmp", 1799, 1800),
        ("rgb.gif", 599, 600),
        ("runs.hdr", 1187, 1188),
        ("y.exr", 4720, 4721),
        ("lzw-uint16.tif", 797, 798),
        ("one-chunk.h5", 1439, 1440),
    ] {
        let path = corpus.file(name, &fixture(name));
        let expected = format!(
            "DIR/{name}: decoding the image needs {need} bytes, {memory} are allowed; raise --memory or convert the image to HDF5"
        );
        corpus.says(&path.to_string_lossy(), &small(memory), &expected);
        corpus.says(&path.to_string_lossy(), &small(need), "was read");
    }
    corpus.finish();
}

#[test]
fn files_that_make_no_stack() {
    let mut corpus = Corpus::new();
    let dir = corpus.folder.path().to_string_lossy().into_owned();
    for (name, source) in [
        ("a0.png", "slice-0.png"),
        ("a1.png", "rgb-8.png"),
        ("b0.png", "gray-8.png"),
        ("b1.png", "gray-16.png"),
        ("c0.tif", "shaped.tif"),
        ("c1.tif", "shaped.tif"),
        ("d0.png", "slice-0.png"),
        ("d1.png", "slice-1.png"),
    ] {
        corpus.file(name, &fixture(source));
    }
    corpus.file("d2.png", b"");
    let along = |axis| OpenOptions { stack_along: brushwood::data::Axis::from_key(axis), ..NONE };
    let given = OpenOptions { axes: "zyt".parse().ok(), ..NONE };
    for (pattern, options, expected) in [
        ("*.jpg", &NONE, "DIR/*.jpg: no file matches"),
        ("[.png", &NONE, "DIR/[.png: not a file pattern: Pattern syntax error near position"),
        (
            "a?.png",
            &NONE,
            "DIR/a1.png: its shape is [1, 1, 7, 11, 3] (tzyxc), not [1, 1, 20, 30, 1], unlike DIR/a0.png before it; the files of a stack must be alike",
        ),
        (
            "b*.png",
            &NONE,
            "DIR/b1.png: its samples are uint16, not uint8, unlike DIR/b0.png before it; the files of a stack must be alike",
        ),
        (
            "c*.tif",
            &along('z'),
            "DIR/c0.tif: has 6 planes along 'z' already, so files can't be stacked along it; stack along another",
        ),
        ("d*.png", &NONE, "DIR/d2.png: the file is empty (0 bytes); copy or export it again"),
        ("d0.png:DIR/gone.png", &NONE, "DIR/gone.png: no such file"),
        ("d[01].png", &given, "DIR/d0.png: 'zyt' names 3 axes, the image has 4 dimensions"),
    ] {
        let location = format!("{dir}/{}", pattern.replace("DIR", &dir));
        let message = corpus.message(&location, options);
        if !message.starts_with(expected) {
            corpus.wrong.push(format!("{message}\n  instead of\n{expected}\n"));
        }
    }
    corpus.finish();
}
