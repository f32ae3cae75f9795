//! Netpbm's maps: binary graymaps (`P5`) and pixmaps (`P6`), read in place; bitmaps (`P1`, `P4`) and maps written as
//! text (`P2`, `P3`), decoded at the first read.
//!
//! Of a file with several pictures the first is read. Samples are as stored, whatever the highest one; bits that are
//! set are 255, as in ilastik.

use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use crate::data::DType;

use super::decoded::{Decode, Sink};
use super::error::Error;
use super::file::{FileView, SharedFile};
use super::format::{Format, ImageReader, OpenOptions};
use super::planes::RawPlanes;
use super::raster::{Picture, cut_off};
use super::samples::ByteOrder;
use super::storage::{Found, StoredImage, byte_count};

/// Portable maps.
pub(super) struct Netpbm;

impl Format for Netpbm {
    fn name(&self) -> &'static str {
        "pnm"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["pnm", "pgm", "ppm", "pbm"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        matches!(head, [b'P', b'1'..=b'7', next, ..] if next.is_ascii_whitespace() || *next == b'#')
    }

    fn open(
        &self,
        path: &Path,
        _internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        /// Longest header that is read, comments included.
        const LONGEST: u64 = 1 << 16;
        let file = SharedFile::open(path)?;
        let mut head = vec![0; file.len().min(LONGEST) as usize];
        file.read_at(0, &mut head)?;
        let kind = head.get(1).copied().unwrap_or_default();
        let channels = match kind {
            b'1' | b'2' | b'4' | b'5' => 1,
            b'3' | b'6' => 3,
            kind => {
                let what = format!("a portable map of the kind P{}", char::from(kind));
                return Err(Error::unsupported(path, what, "save it as a PGM or PPM, or as PNG"));
            }
        };
        let mut fields = Fields { head: &head, at: 2 };
        let mut number =
            || fields.number().ok_or_else(|| Error::damaged(path, "its header is cut off or no header"));
        let (width, height) = (number()?, number()?);
        let highest = if matches!(kind, b'1' | b'4') { 1 } else { number()? };
        let dtype = match highest {
            1..=255 => DType::U8,
            256..=65_535 => DType::U16,
            _ => return Err(Error::damaged(path, format!("its highest sample is {highest}"))),
        };
        // One white space ends the header, behind a comment if there is one.
        let start = fields.end().ok_or_else(|| Error::damaged(path, "its header is cut off or no header"))?;
        let shape = vec![height, width, channels];
        if !matches!(kind, b'5' | b'6') {
            let picture = Picture { width, height, channels, dtype };
            return open_decoded(file, picture, Rows { kind, highest, start }, options);
        }
        let bytes = byte_count(&shape, dtype)
            .ok_or_else(|| Error::damaged(path, format!("an image of shape {shape:?} is impossible")))?;
        file.check_range(start, bytes as u64, || format!("a picture of {width} x {height} pixels"))?;
        let mut found = Found::new(shape.clone(), dtype);
        found.axes = "yxc".parse().ok();
        let planes = RawPlanes {
            file: Arc::clone(&file),
            offsets: vec![start],
            outer: Vec::new(),
            plane: shape,
            item: dtype.size(),
            order: ByteOrder::Big,
        };
        StoredImage::open(path, found, options, planes)
    }
}

/// Opens bits or text, of which a decoded sample takes at least an eighth of a byte or a digit and a space.
fn open_decoded(
    file: Arc<SharedFile>,
    picture: Picture,
    rows: Rows,
    options: &OpenOptions,
) -> Result<Arc<dyn ImageReader>, Error> {
    let Picture { width, height, channels, .. } = picture;
    let stored = match rows.kind {
        b'4' => (width as u64).div_ceil(8).saturating_mul(height as u64),
        // Nothing need follow the last digit.
        kind => {
            let samples = [height, channels].iter().fold(width as u64, |n, &m| n.saturating_mul(m as u64));
            if kind == b'1' { samples } else { samples.saturating_mul(2).saturating_sub(1) }
        }
    };
    file.check_range(rows.start, stored, || format!("a picture of {width} x {height} pixels"))?;
    let decoder = Decoder { file: Arc::clone(&file), picture, rows };
    picture.open(&file, 8, decoder, options)
}

/// How rows that are decoded are stored.
struct Rows {
    /// The digit of its signature.
    kind: u8,
    highest: usize,
    start: u64,
}

/// Decodes row by row.
struct Decoder {
    file: Arc<SharedFile>,
    picture: Picture,
    rows: Rows,
}

impl Decode for Decoder {
    fn decode(&self, sink: &mut Sink<'_>) -> Result<(), Error> {
        let Picture { width, height, channels, dtype } = self.picture;
        let mut view = self.file.view();
        view.seek(SeekFrom::Start(self.rows.start)).map_err(|e| Error::io(self.file.path(), e))?;
        let mut text = Text { file: &self.file, bytes: BufReader::new(view) };
        let mut packed = vec![0; width.div_ceil(8)];
        let mut row = Vec::with_capacity(width * channels * dtype.size());
        for _ in 0..height {
            row.clear();
            if self.rows.kind == b'4' {
                text.read(&mut packed)?;
                row.extend((0..width).map(|x| (packed[x / 8] >> (7 - x % 8) & 1) * u8::MAX));
            }
            while row.len() < width * channels * dtype.size() {
                match (self.rows.kind, dtype) {
                    (b'1', _) => row.push(text.bit()? * u8::MAX),
                    (_, DType::U16) => row.extend(text.sample(self.rows.highest)?.to_ne_bytes()),
                    _ => row.push(text.sample(self.rows.highest)? as u8),
                }
            }
            sink(&row)?;
        }
        Ok(())
    }

    fn working_bytes(&self) -> u64 {
        let Picture { width, channels, dtype, .. } = self.picture;
        let row = (width as u64).saturating_mul((channels * dtype.size()) as u64);
        row.saturating_add(width.div_ceil(8) as u64)
    }
}

/// Samples written as text, apart by white space and comments.
struct Text<'a> {
    file: &'a SharedFile,
    bytes: BufReader<FileView>,
}

impl Text<'_> {
    fn read(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.bytes.read_exact(out).map_err(|e| match e.kind() {
            ErrorKind::UnexpectedEof => cut_off(self.file),
            _ => Error::io(self.file.path(), e),
        })
    }

    fn byte(&mut self) -> Result<u8, Error> {
        let mut byte = [0];
        self.read(&mut byte)?;
        Ok(byte[0])
    }

    /// The first byte that is neither white space nor a comment's.
    fn next(&mut self) -> Result<u8, Error> {
        loop {
            match self.byte()? {
                b'#' => while self.byte()? != b'\n' {},
                byte if byte.is_ascii_whitespace() => {}
                byte => return Ok(byte),
            }
        }
    }

    /// A 0 or a 1, which need not be apart.
    fn bit(&mut self) -> Result<u8, Error> {
        match self.next()? {
            bit @ (b'0' | b'1') => Ok(bit - b'0'),
            other => Err(self.no_sample(other)),
        }
    }

    /// A number up to `highest`, and the byte behind it.
    fn sample(&mut self, highest: usize) -> Result<u16, Error> {
        let mut number = 0;
        let mut byte = self.next()?;
        loop {
            if !byte.is_ascii_digit() {
                return Err(self.no_sample(byte));
            }
            number = number * 10 + usize::from(byte - b'0');
            if number > highest {
                let what = format!("it holds a sample above {highest}, the highest of its header");
                return Err(Error::damaged(self.file.path(), what));
            }
            let mut next = [0];
            match self.bytes.read(&mut next).map_err(|e| Error::io(self.file.path(), e))? {
                0 => break,
                _ if next[0].is_ascii_whitespace() => break,
                _ => byte = next[0],
            }
        }
        Ok(number as u16)
    }

    fn no_sample(&self, byte: u8) -> Error {
        let byte = byte.escape_ascii();
        Error::damaged(self.file.path(), format!("it holds '{byte}' where a sample was expected"))
    }
}

/// The numbers of a header, apart by white space and comments.
struct Fields<'a> {
    head: &'a [u8],
    at: usize,
}

impl Fields<'_> {
    fn number(&mut self) -> Option<usize> {
        loop {
            match self.head.get(self.at)? {
                b'#' => self.at += self.head[self.at..].iter().position(|&byte| byte == b'\n')? + 1,
                byte if byte.is_ascii_whitespace() => self.at += 1,
                _ => break,
            }
        }
        let digits = self.head[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(&self.head[self.at..self.at + digits]).ok()?;
        self.at += digits;
        // A digit that the header's last byte is may have others behind it.
        self.head.get(self.at)?;
        text.parse().ok()
    }

    /// Where the samples begin: behind one white space, which may end a comment.
    fn end(&self) -> Option<u64> {
        let rest = self.head.get(self.at..)?;
        let comment = match rest.first()? {
            b'#' => rest.iter().position(|&byte| byte == b'\n')?,
            _ => 0,
        };
        rest[comment].is_ascii_whitespace().then_some((self.at + comment) as u64 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Roi5;

    fn open(bytes: &[u8]) -> Result<Arc<dyn ImageReader>, Error> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.pgm");
        std::fs::write(&path, bytes).expect("written");
        super::super::open(&path.to_string_lossy(), &OpenOptions::default())
    }

    fn samples(image: &dyn ImageReader) -> Vec<f32> {
        image.read(&Roi5::whole(image.info().shape)).expect("read").to_f32().into_iter().collect()
    }

    #[test]
    fn grays_and_colours_of_one_and_two_bytes() {
        let gray = open(b"P5 # made by hand\n3 2\n# more\n255\n\x01\x02\x03\x04\x05\x06").expect("opens");
        assert_eq!((gray.info().shape, gray.info().dtype), ([1, 1, 2, 3, 1], DType::U8));
        assert_eq!(samples(&*gray), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let commented = open(b"P5 3 1 255# by hand\n\x01\x02\x03 longer than the samples").expect("opens");
        assert_eq!(samples(&*commented), [1.0, 2.0, 3.0]);
        assert!(open(b"P5 3 1 255x\x01\x02\x03").is_err(), "no white space ends the header");
        let deep = open(b"P6\n1 1\n4095\n\x01\x00\x00\x02\x0f\xff").expect("opens");
        assert_eq!((deep.info().shape, deep.info().dtype), ([1, 1, 1, 1, 3], DType::U16));
        assert_eq!(samples(&*deep), [256.0, 2.0, 4095.0]);
        // A sample that looks like white space.
        assert_eq!(samples(&*open(b"P5 1 1 9\n\n").expect("opens")), [10.0]);
    }

    #[test]
    fn bits_and_text() {
        let bits = open(b"P4\n10 2\n\x80\x40\xff\x80").expect("opens");
        assert_eq!((bits.info().shape, bits.info().dtype), ([1, 1, 2, 10, 1], DType::U8));
        let set = |places: &[usize]| -> Vec<f32> {
            (0..20).map(|i| if places.contains(&i) { 255.0 } else { 0.0 }).collect()
        };
        assert_eq!(samples(&*bits), set(&[0, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]));
        assert_eq!(samples(&*open(b"P1 3 2\n110\n# more\n0 0 1").expect("opens")), {
            [255.0, 255.0, 0.0, 0.0, 0.0, 255.0]
        });
        assert_eq!(samples(&*open(b"P2\n3 1\n15\n1 # one\n15\n0").expect("opens")), [1.0, 15.0, 0.0]);
        let colours = open(b"P3\n1 2\n1000\n1 2 3\n400 500 1000\n").expect("opens");
        assert_eq!((colours.info().shape, colours.info().dtype), ([1, 1, 2, 1, 3], DType::U16));
        assert_eq!(samples(&*colours), [1.0, 2.0, 3.0, 400.0, 500.0, 1000.0]);
    }

    #[test]
    fn what_is_no_such_picture_is_refused() {
        let read = |bytes: &[u8]| open(bytes).and_then(|image| image.read(&Roi5::whole(image.info().shape)));
        let why = |bytes: &[u8]| read(bytes).map(|_| ()).expect_err("refused").to_string();
        for (bytes, words) in [
            (&b"P5\n3 2\n255\n\x01\x02"[..], "a picture of 3 x 2 pixels"),
            (b"P5\n3", "cut off"),
            (b"P5\nx 2\n255\n", "no header"),
            (b"P5\n2 2\n70000\n", "highest sample is 70000"),
            (b"P5\n0 2\n255\n", "no pixels"),
            (b"P5\n99999999999 99999999999\n255\n", "impossible"),
            (b"P7\n8 1\n\xff", "a portable map of the kind P7"),
            (b"P4\n9 2\n\xff\x80\xff", "a picture of 9 x 2 pixels needs 11 bytes, the file has 10"),
            (b"P1\n3 2\n11011\n", "the picture needs"),
            (b"P1\n3 2\n110 12 1\n", "it holds '2' where a sample was expected"),
            (b"P2\n3 1\n255\n1 2 256\n", "a sample above 255"),
            (b"P2\n3 1\n255\n1 2 -3\n", "it holds '-' where a sample"),
            (b"P2\n3 1\n255\n1 20   \n", "the picture needs"),
            (b"P3\n99999999 99999999\n255\n1 2 3\n", "a picture of 99999999 x 99999999 pixels"),
        ] {
            let message = why(bytes);
            assert!(message.contains(words), "{message}");
        }
    }
}
