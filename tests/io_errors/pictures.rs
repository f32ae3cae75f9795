//! Bad PNG, JPEG and BMP files.

use super::{Corpus, find, fixture, patched};

/// A PNG file's part with a right checksum.
fn part(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    [&(data.len() as u32).to_be_bytes()[..], kind, data, &crc.sum().to_be_bytes()].concat()
}

/// A PNG file of a header and whatever comes before its end.
fn png(width: u32, height: u32, bits_and_colour: [u8; 2], rest: &[u8]) -> Vec<u8> {
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &bits_and_colour, &[0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n", &part(b"IHDR", &head)[..], rest, &part(b"IEND", b"")].concat()
}

#[test]
fn bad_png() {
    let mut corpus = Corpus::new();
    let sound = fixture("rgb-8.png");
    let data = find(&sound, b"IDAT");
    let length = sound.len();
    corpus.refuses(
        "signature.png",
        &sound[..8],
        "the file is cut off: a part of the picture needs 20 bytes, the file has 8; copy or export it again",
    );
    corpus.refuses("header.png", &sound[..20], "the file is cut off: the part IHDR of the picture needs 33 bytes, the file has 20; copy or export it again");
    corpus.refuses(
        "data.png",
        &sound[..data + 20],
        &format!(
            "the file is cut off: the part IDAT of the picture needs {} bytes, the file has {}; copy or export it again",
            length - 12,
            data + 20
        ),
    );
    corpus.refuses(
        "end.png",
        &sound[..length - 12],
        &format!("the file is cut off: a part of the picture needs {length} bytes, the file has {}; copy or export it again", length - 12),
    );
    corpus.refuses("checksum.png", &patched(&sound, length - 16, &[0x55]), "the file is damaged: CRC error*");
    corpus.refuses(
        "no-data.png",
        &png(8, 8, [8, 0], b""),
        "the file is damaged: IDAT or fdAT chunk is missing.",
    );
    corpus.refuses(
        "huge.png",
        &png(0x7fff_ffff, 0x7fff_ffff, [16, 6], &part(b"IDAT", b"")),
        "the file is damaged: its header claims more pixels than can be read",
    );
    corpus.refuses(
        "large.png",
        &png(20_000, 20_000, [8, 0], &part(b"IDAT", b"")),
        "the file is damaged: it claims 20000 x 20000 pixels in 57 bytes",
    );
    corpus.refuses("no-pixels.png", &png(0, 8, [8, 0], &part(b"IDAT", b"")), "the file is damaged: *");
    corpus.refuses("colour.png", &png(8, 8, [8, 1], &part(b"IDAT", b"")), "the file is damaged: *");
    corpus.refuses(
        "too-little.png",
        &png(8, 8, [8, 0], &part(b"IDAT", b"x\x9c\x03\0\0\0\0\x01")),
        "the file is damaged: *",
    );
    corpus.finish();
}

#[test]
fn bad_jpeg() {
    let mut corpus = Corpus::new();
    let sound = fixture("rgb.jpg");
    let frame = find(&sound, b"\xff\xc0");
    let scan = find(&sound, b"\xff\xda");
    let cut = |n: usize| {
        format!(
            "the file is cut off: the picture needs {} bytes, the file has {n}; copy or export it again",
            n + 1
        )
    };
    for (name, n) in [
        ("header.jpg", 10),
        ("tables.jpg", frame - 20),
        ("frame.jpg", frame + 6),
        ("scan.jpg", scan + 30),
        ("end.jpg", sound.len() - 2),
    ] {
        corpus.refuses(name, &sound[..n], &cut(n));
    }
    corpus.refuses("no-frame.jpg", b"\xff\xd8\xff\xd9", "the file is damaged: it holds no picture");
    // Components: two, and four, with room for what describes them.
    corpus.refuses(
        "two.jpg",
        &patched(&sound, frame + 9, &[2]),
        "a JPEG picture of 2 components is not supported; convert it to an 8- or 16-bit PNG or to TIFF",
    );
    corpus.refuses(
        "cmyk.jpg",
        &patched(&sound, frame + 9, &[4]),
        "a JPEG picture of four colours (CMYK) is not supported; convert it to RGB",
    );
    corpus.refuses(
        "bits.jpg",
        &patched(&sound, frame + 4, &[12]),
        "a JPEG picture of 12 bits is not supported; convert it to an 8- or 16-bit PNG or to TIFF",
    );
    corpus.refuses(
        "lossless.jpg",
        &patched(&sound, frame + 1, &[0xc3]),
        "a JPEG picture of lossless coding is not supported; convert it to an 8- or 16-bit PNG or to TIFF",
    );
    corpus.refuses("arithmetic.jpg", &patched(&sound, frame + 1, &[0xc9]), "a JPEG picture of arithmetic or hierarchical coding is not supported; convert it to an 8- or 16-bit PNG or to TIFF");
    corpus.refuses(
        "no-rows.jpg",
        &patched(&sound, frame + 5, &[0, 0]),
        "the file is damaged: its frame header has no width or height",
    );
    corpus.refuses(
        "huge.jpg",
        &patched(&sound, frame + 5, &[0xff, 0xff, 0xff, 0xff]),
        &format!("the file is damaged: it claims 65535 x 65535 pixels in {} bytes", sound.len()),
    );
    corpus.finish();
}

#[test]
fn bad_bmp() {
    let mut corpus = Corpus::new();
    let sound = fixture("rgb.bmp");
    corpus.refuses(
        "header.bmp",
        &sound[..20],
        "the file is cut off: the picture needs 21 bytes, the file has 20; copy or export it again",
    );
    corpus.refuses(
        "rows.bmp",
        &sound[..1000],
        &format!("the file is cut off: a bitmap of 30 x 20 pixels needs {} bytes, the file has 1000; copy or export it again", sound.len()),
    );
    corpus.refuses("huge.bmp", &patched(&sound, 18, &[0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]), &format!("the file is cut off: a bitmap of 65535 x 65535 pixels needs 12884705334 bytes, the file has {}; copy or export it again", sound.len()));
    corpus.refuses("bits.bmp", &patched(&sound, 28, &[7]), "the file is damaged: *");
    corpus.refuses("compression.bmp", &patched(&sound, 30, &[4]), "this kind of picture*");
    corpus.finish();
}
