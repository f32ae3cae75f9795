//! Bad NPY and NPZ files.

use std::io::{Cursor, Write};

use brushwood::io::OpenOptions;
use zip::write::FileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::Corpus;

/// An array of this description and these samples.
fn npy(description: &str, samples: usize) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(description.bytes());
    bytes.resize(127, b' ');
    bytes.push(b'\n');
    bytes.resize(128 + samples, 0);
    bytes
}

/// An archive of members.
fn npz(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, FileOptions::default().compression_method(method)).expect("a member");
        writer.write_all(bytes).expect("written");
    }
    writer.finish().expect("complete").into_inner()
}

#[test]
fn bad_npy() {
    let mut corpus = Corpus::new();
    let of =
        |kind: &str, shape: &str| format!("{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}");
    let hint = "save it as an integer or float32 array, such as array.astype('float32')";
    for (name, bytes, expected) in [
        ("magic.npy", b"\x93NUMPY".to_vec(), "the file is cut off: the header needs 12 bytes, the file has 6; copy or export it again".to_owned()),
        ("header.npy", npy(&of("'<f4'", "(4, 5)"), 80)[..60].to_vec(), "the file is cut off: the header needs 128 bytes, the file has 60; copy or export it again".into()),
        ("samples.npy", npy(&of("'<f4'", "(40, 50)"), 0), "the file is cut off: an array of shape [40, 50] of float32 needs 8128 bytes, the file has 128; copy or export it again".into()),
        ("huge.npy", npy(&of("'<f8'", "(4294967296, 4294967296)"), 0), "the file is damaged: an array of shape (4294967296, 4294967296)".into()),
        ("large.npy", npy(&of("'|u1'", "(1099511627776, 1024)"), 0), "the file is cut off: an array of shape [1099511627776, 1024] of uint8 needs 1125899906842752 bytes, the file has 128; copy or export it again".into()),
        ("no-pixels.npy", npy(&of("'|u1'", "(0, 5)"), 0), "the file is damaged: the image has no pixels, its shape is [0, 5]".into()),
        ("line.npy", npy(&of("'|u1'", "(5,)"), 5), "has 1 dimensions; an image has 2 to 5".into()),
        ("six.npy", npy(&of("'|u1'", "(1, 1, 1, 1, 2, 2)"), 4), "has 6 dimensions; an image has 2 to 5".into()),
        ("complex.npy", npy(&of("'<c8'", "(4, 4)"), 128), format!("the sample type '<c8' is not supported; {hint}")),
        ("half.npy", npy(&of("'<f2'", "(4, 4)"), 32), format!("the sample type '<f2' is not supported; {hint}")),
        ("records.npy", npy(&of("[('a', '<i4')]", "(4, 4)"), 64), format!("an array of records is not supported; {hint}")),
        ("objects.npy", npy(&of("'|O'", "(4, 4)"), 64), format!("the sample type '|O' is not supported; {hint}")),
        ("words.npy", npy("these are not the words of an array", 64), "the file is damaged: its header can't be read (*".into()),
    ] {
        corpus.refuses(name, &bytes, &expected);
    }
    corpus.finish();
}

#[test]
fn bad_npz() {
    let mut corpus = Corpus::new();
    let plane = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4, 5), }", 20);
    let line = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }", 5);
    let short = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4, 5), }", 10);
    let huge = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (400000, 500000), }", 20);
    let (stored, packed) = (CompressionMethod::Stored, CompressionMethod::Deflated);
    let two = npz(&[("b.npy", &plane), ("a.npy", &plane), ("c.txt", b"text")], stored);
    corpus.refuses("two.npz", &two, "holds 2 datasets: 'a', 'b'; name one, such as DIR/two.npz/a");
    let location = corpus.path("two.npz/c");
    corpus.says(
        &location.to_string_lossy(),
        &OpenOptions::default(),
        "DIR/two.npz: has no dataset 'c'; it has 'a', 'b'",
    );
    corpus.refuses("empty.npz", &npz(&[], stored), "holds no dataset with 2 to 5 dimensions");
    corpus.refuses(
        "document.npz",
        &npz(&[("word/document.xml", b"<xml/>")], packed),
        "holds no dataset with 2 to 5 dimensions",
    );
    corpus.refuses("line.npz", &npz(&[("a.npy", &line)], stored), "has 1 dimensions; an image has 2 to 5");
    corpus.refuses("list.npz", &two[..two.len() - 30], "the file is damaged: its list of arrays can't be read (invalid Zip archive: Could not find central directory end)");
    corpus.refuses(
        "short.npz",
        &npz(&[("a.npy", &short)], packed),
        "the file is damaged: 10 bytes for an image of shape [4, 5] of uint8",
    );
    corpus.refuses(
        "huge.npz",
        &npz(&[("a.npy", &huge)], packed),
        "the file is damaged: the array 'a' claims 200000000000 bytes in *",
    );
    let mut member = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (40, 50), }", 0);
    member.extend((0..2000_u32).map(|i| (i * i % 251) as u8));
    let mut flipped = npz(&[("volume.npy", &member)], packed);
    let at = flipped.len() / 2;
    flipped[at] ^= 0x40;
    let path = corpus.file("flipped.npz", &flipped);
    let message = corpus.message(&format!("{}/volume", path.display()), &OpenOptions::default());
    assert!(
        message.starts_with("DIR/flipped.npz: the file is damaged: the array 'volume' can't be decoded ("),
        "{message}"
    );
    corpus.finish();
}
