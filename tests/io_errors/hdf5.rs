//! Bad HDF5 files.

use brushwood::io::OpenOptions;

use super::{Corpus, find, fixture, patched};

#[test]
fn which_dataset() {
    let mut corpus = Corpus::new();
    let bad = |name: &str| fixture(&format!("bad/{name}"));
    corpus.refuses(
        "two.h5",
        &bad("two.h5"),
        "holds 2 datasets: 'a', 'group/b'; name one, such as DIR/two.h5/a",
    );
    for (inner, expected) in [
        ("c", "DIR/two.h5: has no dataset 'c'; it has 'a', 'group/b'"),
        ("group", "DIR/two.h5: has no dataset 'group'; it has 'a', 'group/b'"),
        ("line", "DIR/two.h5: has 1 dimensions; an image has 2 to 5"),
        ("text", "DIR/two.h5: the type of its data, *"),
        ("complex", "DIR/two.h5: the type of its data, *"),
        ("half", "DIR/two.h5: the type of its data, *"),
        ("none", "DIR/two.h5: the file is damaged: the image has no pixels, its shape is [0, 5]"),
    ] {
        let location = corpus.path("two.h5").join(inner);
        corpus.says(&location.to_string_lossy(), &OpenOptions::default(), expected);
    }
    let none = "holds no dataset with 2 to 5 dimensions of integers or float32; it has 'half' of type f16, \
                'line' of shape [5]";
    corpus.refuses("none.h5", &bad("none.h5"), none);
    corpus.finish();
}

#[test]
fn damage() {
    let mut corpus = Corpus::new();
    let sound = fixture("gzip.h5");
    let n = sound.len();
    corpus.refuses("signature.h5", &sound[..8], "the file is damaged: *");
    corpus.refuses("superblock.h5", &sound[..40], "the file is damaged: *");
    corpus.refuses("half.h5", &sound[..n / 2], "the file is *");
    corpus.refuses("end.h5", &sound[..n - 8], "the file is *");
    corpus.refuses("version.h5", &patched(&sound, 8, &[77]), "the file is damaged: *");
    let tree = find(&sound, b"TREE");
    corpus.refuses("tree.h5", &patched(&sound, tree, b"EERT"), "the file is damaged: *");
    let filter = find(&sound, b"deflate") - 8;
    corpus.refuses(
        "blosc.h5",
        &patched(&sound, filter, &32001_u16.to_le_bytes()),
        "compression by blosc (HDF5 filter 32001) is not supported; repack the file with gzip: h5repack -f GZIP=1 in.h5 out.h5",
    );
    corpus.refuses(
        "szip.h5",
        &patched(&sound, filter, &4_u16.to_le_bytes()),
        "compression by szip (HDF5 filter 4) is not supported; repack the file with gzip: h5repack -f GZIP=1 in.h5 out.h5",
    );
    // The first chunk's data begin with zlib's own mark.
    let data = find(&sound, b"\x78\x5e");
    corpus.refuses(
        "chunk.h5",
        &patched(&sound, data + 2, &[0xff; 12]),
        "the file is damaged: the chunk at [0, 0, 0] can't be decoded (*",
    );
    let checked = fixture("shuffle.h5");
    let data = find(&checked, b"\x78\x5e");
    corpus.refuses(
        "checksum.h5",
        &patched(&checked, data + 20, &[0x55; 3]),
        "the file is damaged: the chunk at [0, 0, 0] can't be decoded (*",
    );
    // The value of chunks that were never written counts only where there are such.
    let unreadable_fill = |name: &str| {
        let bytes = fixture(name);
        patched(&bytes, find(&bytes, &[2, 3, 2, 1]), &[77])
    };
    corpus.refuses("fill.h5", &unreadable_fill("fill.h5"), "the file is damaged: *");
    let whole = corpus.path("whole.h5");
    std::fs::write(&whole, unreadable_fill("gzip.h5")).expect("written");
    corpus.says(&whole.to_string_lossy(), &OpenOptions::default(), "was read");
    let contiguous = fixture("contiguous.h5");
    corpus.refuses("cut.h5", &contiguous[..contiguous.len() - 10], "the file is *");
    corpus.finish();
}

#[test]
fn links_are_followed_within_the_file() {
    for kind in ["old", "new"] {
        let file = format!("{}/tests/fixtures/images/linked/{kind}.h5", env!("CARGO_MANIFEST_DIR"));
        let mut corpus = Corpus::new();
        corpus.says(&file, &OpenOptions::default(), "was read");
        for inner in
            ["group/image", "alias", "group/up/image", "group/beside", "folder/image", "folder/up/beside"]
        {
            corpus.says(&format!("{file}/{inner}"), &OpenOptions::default(), "was read");
        }
        let elsewhere = format!(
            "{file}: 'elsewhere', a link into another file, is not supported; name what it leads to: 'other.h5/data'"
        );
        corpus.says(&format!("{file}/elsewhere"), &OpenOptions::default(), &elsewhere);
        for inner in ["dangling", "circle", "folder", "folder/nothing"] {
            let expected = format!("{file}: has no dataset '{inner}'; it has 'group/image'");
            corpus.says(&format!("{file}/{inner}"), &OpenOptions::default(), &expected);
        }
        corpus.finish();
    }
}
