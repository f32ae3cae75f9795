//! Bad GIF, Radiance, Sun raster, OpenEXR and Khoros files.

use super::{Corpus, find, fixture, patched};

fn cut(what: &str, need: usize, have: usize) -> String {
    format!("the file is cut off: {what} needs {need} bytes, the file has {have}; copy or export it again")
}

#[test]
fn bad_gif() {
    let mut corpus = Corpus::new();
    let sound = fixture("rgb.gif");
    let frame = find(&sound, b"\x2c\0\0\0\0");
    for (name, n) in
        [("header.gif", 8), ("table.gif", 15), ("frame.gif", frame + 4), ("codes.gif", frame + 30)]
    {
        corpus.refuses(name, &sound[..n], &cut("the picture", n + 1, n));
    }
    corpus.refuses("no-frame.gif", b"GIF89a\x01\0\x01\0\0\0\0;", &cut("the picture", 15, 14));
    corpus.refuses(
        "no-table.gif",
        b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0;",
        "the file is damaged: no color table*",
    );
    corpus.refuses(
        "huge.gif",
        &patched(&sound, frame + 5, b"\xff\xff\xff\xff"),
        &format!("the file is damaged: it claims 65535 x 65535 pixels in {} bytes", sound.len()),
    );
    corpus.finish();
}

#[test]
fn bad_radiance() {
    let mut corpus = Corpus::new();
    for name in ["plain", "runs"] {
        let sound = fixture(&format!("{name}.hdr"));
        let rows = find(&sound, b"+X 11\n") + 6;
        for (name, n) in [("header", 20), ("rows", rows + 9), ("end", sound.len() - 1)] {
            corpus.refuses(&format!("{name}.hdr"), &sound[..n], &cut("the picture", n + 1, n));
        }
        let size = find(&sound, b"-Y 9");
        corpus.refuses("turned.hdr", &patched(&sound, size, b"+Y"), "this kind of picture (*");
        let huge = [&sound[..size], b"-Y 99999 +X 99999\n", &sound[rows..]].concat();
        let what = format!("the file is damaged: it claims 99999 x 99999 pixels in {} bytes", huge.len());
        corpus.refuses("huge.hdr", &huge, &what);
    }
    corpus.finish();
}

#[test]
fn bad_sun_raster() {
    let mut corpus = Corpus::new();
    let sound = fixture("rgb.ras");
    let length = sound.len();
    corpus.refuses("header.ras", &sound[..20], &cut("the header", 32, 20));
    corpus.refuses("rows.ras", &sound[..1000], &cut("a picture of 29 x 20 pixels", length, 1000));
    corpus.refuses(
        "huge.ras",
        &patched(&sound, 4, &[0xff; 8]),
        &cut("a picture of 4294967295 x 4294967295 pixels", length, length)
            .replace(&format!("needs {length} "), "needs 18446744073709551615 "),
    );
    corpus.refuses("table.ras", &patched(&sound, 24, &[0, 0, 0, 1, 0xff, 0, 0, 0]), &{
        cut("the map of colours", 32 + 0xff00_0000, length)
    });
    let palette = fixture("palette.ras");
    corpus.refuses(
        "long-table.ras",
        &[&patched(&palette, 28, &[0, 0, 4, 0]), &[0; 1024][..]].concat(),
        "the file is damaged: its map of colours has 1024 bytes",
    );
    let hint = "is not supported; convert it to an 8- or 16-bit PNG or to TIFF";
    corpus.refuses(
        "raw-table.ras",
        &patched(&palette, 27, &[2]),
        &format!("a Sun raster file with a map of the kind 2 {hint}"),
    );
    corpus.refuses(
        "depth.ras",
        &patched(&sound, 15, &[32]),
        &format!("a Sun raster file of 32 bits for each pixel {hint}"),
    );
    corpus.refuses(
        "kind.ras",
        &patched(&sound, 23, &[4]),
        &format!("a Sun raster file of the kind 4 {hint}"),
    );
    corpus.refuses(
        "no-pixels.ras",
        &patched(&sound, 4, &[0; 4]),
        "the file is damaged: the image has no pixels*",
    );
    let runs = fixture("runs.ras");
    let half = runs.len() / 2;
    corpus.refuses("runs.ras", &runs[..half], &cut("the picture", half + 1, half));
    corpus.refuses(
        "huge-runs.ras",
        &patched(&runs, 4, &[0, 1, 0, 0, 0, 1, 0, 0]),
        &format!("the file is damaged: it claims 65536 x 65536 pixels in {} bytes", runs.len()),
    );
    corpus.finish();
}

#[test]
fn bad_openexr() {
    let mut corpus = Corpus::new();
    for name in ["zip-float32", "no-float16", "piz-float32", "tiles"] {
        let sound = fixture(&format!("{name}.exr"));
        for n in [5, 100, sound.len() / 2, sound.len() - 1] {
            corpus.refuses(&format!("{name}-{n}.exr"), &sound[..n], &cut("the picture", n + 1, n));
        }
    }
    let sound = fixture("zip-float32.exr");
    let window = find(&sound, b"dataWindow\0box2i\0") + 17 + 4;
    corpus.refuses(
        "huge.exr",
        &patched(&sound, window + 8, &[0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0, 0]),
        &format!("the file is damaged: it claims 268435456 x 65536 pixels in {} bytes", sound.len()),
    );
    corpus.refuses("window.exr", &patched(&sound, window + 8, &[0xff; 8]), "the file is damaged: *");
    let tiles = fixture("tiles.exr");
    let side = find(&tiles, b"tiles\0tiledesc\0") + 15 + 4;
    corpus.refuses(
        "tiles.exr",
        &patched(&tiles, side, &[0, 0, 0, 0x20, 0, 0, 0, 0x20]),
        "the file is damaged: it claims blocks larger than it can hold",
    );
    // Offsets to the six lines of each part; the lines follow.
    let parts = fixture("parts.exr");
    let offset = |at: usize| u64::from_le_bytes(parts[at..at + 8].try_into().expect("eight bytes"));
    let table = (0..parts.len() - 96).find(|&at| offset(at) == at as u64 + 96).expect("the table");
    for (name, other) in [("part", 6), ("twice", 1)] {
        let wrong = patched(&parts, table, &offset(table + 8 * other).to_le_bytes());
        let what = "the file is damaged: its table of blocks is wrong";
        corpus.refuses(&format!("{name}.exr"), &wrong, what);
    }
    let compression = find(&sound, b"compression\0compression\0") + 24 + 4;
    corpus.refuses("dwaa.exr", &patched(&sound, compression, &[8]), "an OpenEXR file of this kind (*");
    let sampling = find(&sound, b"channels\0chlist\0") + 16 + 4 + 2 + 8;
    corpus.refuses(
        "sampled.exr",
        &patched(&sound, sampling, &[2]),
        "an OpenEXR file of this kind (*) is not supported; convert it to TIFF or HDF5",
    );
    corpus.finish();
}

#[test]
fn bad_khoros() {
    let mut corpus = Corpus::new();
    let sound = fixture("int16-big.xv");
    let length = sound.len();
    corpus.refuses("header.xv", &sound[..1000], &cut("the header", 1024, 1000));
    corpus.refuses("bands.xv", &sound[..1100], &cut("1 band(s) of 11 x 9 pixels", length, 1100));
    let huge = cut("1 band(s) of 2139062143 x 2139062143 pixels", 9_151_173_703_231_505_922, length);
    corpus.refuses("huge.xv", &patched(&sound, 520, &[0x7f; 8]), &huge);
    corpus.refuses(
        "no-bands.xv",
        &patched(&sound, 560, &[0; 4]),
        "the file is damaged: the image has no pixels*",
    );
    let hint = "is not supported; convert it to TIFF or HDF5";
    for (name, at, byte, what) in [
        ("bits.xv", 567, 0, "a Khoros image of bits"),
        ("complex.xv", 567, 6, "a Khoros image of complex numbers"),
        ("packed.xv", 571, 1, "a compressed Khoros image"),
        ("map.xv", 575, 1, "a Khoros image with a map of colours"),
        ("places.xv", 551, 2, "a Khoros image with a place for each pixel"),
        ("two.xv", 559, 2, "a Khoros file of 2 images"),
        ("vax.xv", 4, 4, "a Khoros image with numbers of the machine kind 4"),
    ] {
        corpus.refuses(name, &patched(&sound, at, &[byte]), &format!("{what} {hint}"));
    }
    corpus.refuses(
        "type.xv",
        &patched(&sound, 567, &[7]),
        "the file is damaged: its samples are of the unknown type 7",
    );
    corpus.finish();
}
