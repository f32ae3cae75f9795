//! Bad TIFF files: built here page by page, one mistake each.

use super::{Corpus, find, fixture, patched};

const SHORT: u16 = 3;
const LONG: u16 = 4;
const STRIP_OFFSETS: u16 = 273;

/// A page of a classic little-endian file: tags with their values, and the bytes of its strip.
#[derive(Clone)]
struct Page {
    tags: Vec<(u16, u16, Vec<u32>)>,
    description: Option<String>,
    strip: Vec<u8>,
}

impl Page {
    /// An 8-bit gray page of 8 x 8 pixels.
    fn gray() -> Self {
        let tags = [
            (256, LONG, 8),
            (257, LONG, 8),
            (258, SHORT, 8),
            (259, SHORT, 1),
            (262, SHORT, 1),
            (277, SHORT, 1),
            (278, LONG, 8),
            (279, LONG, 64),
        ];
        let tags = tags.into_iter().map(|(tag, kind, value)| (tag, kind, vec![value])).collect();
        Page { tags, description: None, strip: vec![7; 64] }
    }

    /// The page with other values of a tag.
    fn with(mut self, tag: u16, values: &[u32]) -> Self {
        let kind = self.tags.iter().find(|entry| entry.0 == tag).map_or(LONG, |entry| entry.1);
        self.tags.retain(|entry| entry.0 != tag);
        self.tags.push((tag, kind, values.to_vec()));
        self
    }

    fn without(mut self, tag: u16) -> Self {
        self.tags.retain(|entry| entry.0 != tag);
        self
    }

    fn described(mut self, text: &str) -> Self {
        self.description = Some(text.into());
        self
    }
}

/// A file of pages; each directory follows its strip.
fn file(pages: &[Page]) -> Vec<u8> {
    let mut bytes = b"II\x2a\x00\0\0\0\0".to_vec();
    let mut link = 4;
    for page in pages {
        let strip = bytes.len() as u32;
        bytes.extend(&page.strip);
        let description = bytes.len() as u32;
        bytes.extend(page.description.iter().flat_map(|text| text.bytes().chain([0])));
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        let mut entries: Vec<(u16, u16, u32, [u8; 4])> = Vec::new();
        for (tag, kind, values) in &page.tags {
            let width = if *kind == SHORT { 2 } else { 4 };
            let packed: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()[..width].to_vec()).collect();
            let mut value = [0; 4];
            if packed.len() <= 4 {
                value[..packed.len()].copy_from_slice(&packed);
            } else {
                value = (bytes.len() as u32).to_le_bytes();
                bytes.extend(packed);
            }
            entries.push((*tag, *kind, values.len() as u32, value));
        }
        if !page.tags.iter().any(|entry| entry.0 == STRIP_OFFSETS) {
            entries.push((STRIP_OFFSETS, LONG, 1, strip.to_le_bytes()));
        }
        if let Some(text) = &page.description {
            entries.push((270, 2, text.len() as u32 + 1, description.to_le_bytes()));
        }
        entries.sort();
        let directory = bytes.len() as u32;
        bytes[link..link + 4].copy_from_slice(&directory.to_le_bytes());
        bytes.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(value);
        }
        link = bytes.len();
        bytes.extend([0; 4]);
    }
    bytes
}

#[test]
fn structure() {
    let mut corpus = Corpus::new();
    let sound = file(&[Page::gray()]);
    assert!(
        corpus.message(&corpus.file("sound.tif", &sound).to_string_lossy(), &Default::default())
            == "was read"
    );
    let length = sound.len();
    corpus.refuses(
        "magic.tif",
        &sound[..4],
        "the file is cut off: the header needs 8 bytes, the file has 4; copy or export it again",
    );
    corpus.refuses("strip.tif", &sound[..60], "the file is cut off: the directory of page 1 needs 74 bytes, the file has 60; copy or export it again");
    corpus.refuses(
        "directory.tif",
        &sound[..length - 20],
        &format!("the file is cut off: the directory of page 1 needs {length} bytes, the file has {}; copy or export it again", length - 20),
    );
    corpus.refuses(
        "version.tif",
        &patched(&sound, 2, &[44]),
        "the file is damaged: named .tif, but its first bytes are not those of a tiff file",
    );
    corpus.refuses("nowhere.tif", &patched(&sound, 4, &[0xff; 4]), &format!("the file is cut off: the directory of page 1 needs 4294967297 bytes, the file has {length}; copy or export it again"));
    corpus.refuses("no-page.tif", &patched(&sound, 4, &[0; 4]), "the file is damaged: it holds no page");
    let directory = sound[4];
    corpus.refuses(
        "circle.tif",
        &patched(&sound, length - 4, &[directory, 0, 0, 0]),
        "the file is damaged: its list of pages runs in a circle after page 1",
    );
    corpus.refuses(
        "beyond.tif",
        &file(&[Page::gray().with(STRIP_OFFSETS, &[100_000])]),
        &format!("the file is cut off: strip 1 of 1 of page 1 of 1 needs 100064 bytes, the file has {length}; copy or export it again"),
    );
    let pages = file(&[Page::gray(), Page::gray()]);
    let second = find(&pages[100..], &pages[directory.into()..][..10]) + 100;
    corpus.refuses(
        "second.tif",
        &pages[..second + 20],
        &format!("the file is cut off: the directory of page 2 needs {} bytes, the file has {}; copy or export it again", pages.len(), second + 20),
    );
    corpus.refuses("no-width.tif", &file(&[Page::gray().without(256)]), "the file is damaged: *");
    corpus.refuses(
        "no-strips.tif",
        &patched(&sound, find(&sound, &[0x11, 1, 4, 0]), &[0x12, 1]),
        "the file is damaged: *",
    );
    corpus.refuses("no-rows.tif", &file(&[Page::gray().with(257, &[0])]), "the file is damaged: *");
    corpus.finish();
}

#[test]
fn hostile_sizes() {
    let mut corpus = Corpus::new();
    let gray = Page::gray;
    let most = u32::MAX;
    corpus.refuses(
        "huge.tif",
        &file(&[gray().with(256, &[most]).with(257, &[most]).with(278, &[most])]),
        "the file is damaged: *",
    );
    corpus.refuses(
        "wide.tif",
        &file(&[gray().with(256, &[1 << 30])]),
        "the file is damaged: a strip or tile of 64 bytes claims 8589934592 bytes of samples",
    );
    corpus.refuses(
        "tall.tif",
        &file(&[gray().with(257, &[1 << 30]).with(278, &[1 << 30])]),
        "the file is damaged: a strip or tile of 64 bytes claims 8589934592 bytes of samples",
    );
    corpus.refuses("rows.tif", &file(&[gray().with(278, &[0])]), "the file is damaged: *");
    corpus.refuses("samples.tif", &file(&[gray().with(277, &[65_535])]), "*");
    // A count of strips that the file can't hold.
    let sound = file(&[gray()]);
    let entry = find(&sound, &[0x11, 1, 4, 0]);
    corpus.refuses(
        "strips.tif",
        &patched(&sound, entry + 4, &[0xff; 4]),
        "the file is cut off: the value of tag 273 needs 17179869188 bytes, the file has 186; copy or export it again",
    );
    let packed = gray().with(259, &[8]).with(256, &[1 << 20]).with(257, &[1 << 20]).with(278, &[1 << 20]);
    corpus.refuses(
        "zlib.tif",
        &file(&[packed]),
        "the file is damaged: a strip or tile of 64 bytes claims 1099511627776 bytes of samples",
    );
    corpus.finish();
}

#[test]
fn what_is_not_supported() {
    let mut corpus = Corpus::new();
    let gray = Page::gray;
    for (name, compression, known) in [
        ("ccitt.tif", 3, "CCITT"),
        ("old-jpeg.tif", 6, "old-style JPEG"),
        ("jbig.tif", 34661, "JBIG"),
        ("jpeg2000.tif", 34712, "JPEG 2000"),
        ("lzma.tif", 34925, "LZMA"),
        ("lerc.tif", 34887, "LERC"),
        ("webp.tif", 50001, "WebP"),
        ("unknown.tif", 60000, "number 60000"),
    ] {
        let hint = "save it without compression or with zlib, LZW, zstd or JPEG";
        let expected = format!("compression by {known} is not supported; {hint}");
        corpus.refuses(name, &file(&[gray().with(259, &[compression])]), &expected);
    }
    let pixels = "save it with 8 or 16 bits per sample, or as float32";
    corpus.refuses(
        "bits-12.tif",
        &file(&[gray().with(258, &[12]).with(279, &[96])]),
        &format!("a sample of 12 bits (integer) is not supported; {pixels}"),
    );
    corpus.refuses(
        "bits-24.tif",
        &file(&[gray().with(258, &[24])]),
        &format!("a sample of 24 bits (integer) is not supported; {pixels}"),
    );
    corpus.refuses(
        "half.tif",
        &file(&[gray().with(258, &[16]).with(339, &[3])]),
        &format!("a sample of 16 bits (floating-point) is not supported; {pixels}"),
    );
    corpus.refuses(
        "complex.tif",
        &file(&[gray().with(258, &[64]).with(339, &[6])]),
        "the sample format 6 (complex numbers) is not supported; save it as integers or float32",
    );
    corpus.refuses(
        "palette.tif",
        &file(&[gray().with(262, &[3])]),
        "a palette image (its samples are places in a table of colours) is not supported; convert it to grayscale or RGB, in Fiji by Image > Type",
    );
    corpus.refuses(
        "volume.tif",
        &file(&[gray().with(32997, &[5])]),
        "a page that is a volume of 5 slices is not supported; save every slice as a page",
    );
    let other = gray().with(257, &[4]).with(278, &[4]);
    let series = "is not supported; save the one you want as a file of its own";
    corpus.refuses("series.tif", &file(&[gray(), other]), &format!("a TIFF file of 2 image series {series}"));
    let ome = |pixels: &str| format!("<?xml version=\"1.0\"?><OME UUID=\"urn:uuid:own\">{pixels}</OME>");
    let pixels = |size: &str, data: &str| {
        ome(&format!(
            "<Image><Pixels DimensionOrder=\"XYZCT\" SizeX=\"8\" SizeY=\"8\" {size}>{data}</Pixels></Image>"
        ))
    };
    let image = "<Image><Pixels SizeX=\"8\" SizeY=\"8\"/></Image>";
    corpus.refuses(
        "ome-series.tif",
        &file(&[gray().described(&ome(&format!("{image}{image}")))]),
        &format!("a TIFF file of 2 image series {series}"),
    );
    corpus.refuses(
        "ome-more.tif",
        &file(&[gray().described(&pixels("SizeZ=\"3\"", ""))]),
        "the file is damaged: its OME-XML describes more planes (z=3, c=1, t=1) than the file has pages (1)",
    );
    corpus.refuses(
        "ome-far.tif",
        &file(&[
            gray().described(&pixels(
                "SizeZ=\"2\"",
                &format!("<TiffData IFD=\"{0}\" FirstZ=\"{0}\" FirstT=\"{0}\"/>", usize::MAX),
            )),
            gray(),
        ]),
        "the file is damaged: its OME-XML leaves planes without a page, or names pages that the file has not",
    );
    let several = "an OME-TIFF whose planes lie in several files is not supported; join the files into one first, as Fiji or bfconvert do";
    let elsewhere = "<TiffData IFD=\"0\" FirstZ=\"0\"/><TiffData IFD=\"0\" FirstZ=\"1\"><UUID>urn:uuid:other</UUID></TiffData>";
    corpus.refuses(
        "ome-files.tif",
        &file(&[gray().described(&pixels("SizeZ=\"2\"", elsewhere)), gray()]),
        several,
    );
    corpus.refuses("ome-further.tif", &file(&[gray().described(&pixels("SizeZ=\"2\"", elsewhere))]), several);
    corpus.refuses(
        "ome-xml.tif",
        &file(&[gray().described("<OME><Pixels </OME>")]),
        "the file is damaged: its OME-XML can't be read (*",
    );
    corpus.refuses(
        "ome-size.tif",
        &file(&[gray().described(&pixels("SizeZ=\"many\"", ""))]),
        "the file is damaged: its OME-XML says SizeZ=\"many\"",
    );
    corpus.refuses(
        "ome-empty.tif",
        &file(&[gray().described(&ome("<Image/><Pixels/>"))]),
        "the file is damaged: its OME-XML describes no pixels",
    );
    corpus.finish();
}

#[test]
fn damaged_samples() {
    let mut corpus = Corpus::new();
    for (name, expected) in [
        ("lzw-uint8.tif", "the file is damaged: strip or tile 1 of page 1: *"),
        ("deflate-uint16.tif", "the file is damaged: strip or tile 1 of page 1: *"),
        ("packbits-uint8.tif", "the file is damaged: strip or tile 1 of page 1: *"),
        ("zstd-float32.tif", "the file is damaged: strip or tile 1 of page 1: *"),
    ] {
        let sound = fixture(name);
        // Small files of tifffile: header, directory, then the strip, up to the end.
        let end = sound.len();
        corpus.refuses(name, &[&sound[..end - 60], &[0x80; 60]].concat(), expected);
    }
    let stack = fixture("imagej-contiguous.tif");
    let n = stack.len();
    corpus.refuses(
        "stack.tif",
        &stack[..n - 100],
        &format!("the file is cut off: a stack of 12 planes needs {n} bytes, the file has {}; copy or export it again", n - 100),
    );
    corpus.finish();
}

/// ImageJ's hyperstacks beyond 4 GB have one directory and all planes after it.
#[test]
fn a_hyperstack_of_more_than_4_gb_is_read_to_its_end() {
    use brushwood::data::Roi5;
    use brushwood::io::{self, OpenOptions};
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("large.tif");
    let (channels, slices, side) = (2_u64, 700_u64, 2048_u32);
    let plane = u64::from(side) * u64::from(side);
    let text = format!(
        "ImageJ=1.54f\nimages={}\nchannels={channels}\nslices={slices}\nhyperstack=true\n",
        channels * slices
    );
    let mut page = Page::gray().described(&text).with(256, &[side]).with(257, &[side]).with(278, &[side]);
    page = page.with(279, &[side * side]);
    page.strip.clear();
    // The samples begin where the file built here ends.
    let start = file(&[page.clone().with(STRIP_OFFSETS, &[0])]).len() as u32;
    std::fs::write(&path, file(&[page.with(STRIP_OFFSETS, &[start])])).expect("written");
    let options = std::fs::File::options().write(true).open(&path).expect("opened");
    options.set_len(u64::from(start) + channels * slices * plane).expect("a long file");
    #[cfg(unix)]
    std::os::unix::fs::FileExt::write_all_at(
        &options,
        b"end",
        u64::from(start) + channels * slices * plane - 3,
    )
    .expect("written");
    let image = io::open(&path.to_string_lossy(), &OpenOptions::default()).unwrap_or_else(|e| panic!("{e}"));
    let (c, z, side) = (channels as usize, slices as usize, side as usize);
    assert_eq!(image.info().shape, [1, z, side, side, c]);
    let corner = Roi5::new([0, z - 1, side - 1, side - 4, c - 1], [1, z, side, side, c]);
    let read = image.read(&corner).expect("readable");
    let text: Vec<u8> = (0..4).map(|x| read.sample([0, 0, 0, x, 0]) as u8).collect();
    #[cfg(unix)]
    assert_eq!(text, b"\0end");
}
