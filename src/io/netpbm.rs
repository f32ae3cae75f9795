//! Netpbm's binary maps: graymaps (`P5`) and pixmaps (`P6`), read in place.
//!
//! Of a file with several pictures the first is read. Samples are as stored, whatever the highest one.

use std::path::Path;
use std::sync::Arc;

use crate::data::DType;

use super::error::Error;
use super::file::SharedFile;
use super::format::{Format, ImageReader, OpenOptions};
use super::planes::RawPlanes;
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
        let channels = match head.get(1) {
            Some(b'5') => 1,
            Some(b'6') => 3,
            kind => {
                let kind = kind.map_or(' ', |&kind| char::from(kind));
                let what = format!("a portable map of the kind P{kind}");
                return Err(Error::unsupported(path, what, "save it as a binary PGM or PPM, or as PNG"));
            }
        };
        let mut fields = Fields { head: &head, at: 2 };
        let mut number =
            || fields.number().ok_or_else(|| Error::damaged(path, "its header is cut off or no header"));
        let (width, height, highest) = (number()?, number()?, number()?);
        let dtype = match highest {
            1..=255 => DType::U8,
            256..=65_535 => DType::U16,
            _ => return Err(Error::damaged(path, format!("its highest sample is {highest}"))),
        };
        // One white space ends the header.
        let start = fields.at as u64 + 1;
        let shape = vec![height, width, channels];
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
        let deep = open(b"P6\n1 1\n4095\n\x01\x00\x00\x02\x0f\xff").expect("opens");
        assert_eq!((deep.info().shape, deep.info().dtype), ([1, 1, 1, 1, 3], DType::U16));
        assert_eq!(samples(&*deep), [256.0, 2.0, 4095.0]);
        // A sample that looks like white space.
        assert_eq!(samples(&*open(b"P5 1 1 9\n\n").expect("opens")), [10.0]);
    }

    #[test]
    fn what_is_no_such_picture_is_refused() {
        let why = |bytes: &[u8]| open(bytes).map(|_| ()).expect_err("refused").to_string();
        for (bytes, words) in [
            (&b"P5\n3 2\n255\n\x01\x02"[..], "a picture of 3 x 2 pixels"),
            (b"P5\n3", "cut off"),
            (b"P5\nx 2\n255\n", "no header"),
            (b"P5\n2 2\n70000\n", "highest sample is 70000"),
            (b"P5\n0 2\n255\n", "no pixels"),
            (b"P5\n99999999999 99999999999\n255\n", "impossible"),
            (b"P4\n8 1\n\xff", "a portable map of the kind P4"),
        ] {
            let message = why(bytes);
            assert!(message.contains(words), "{message}");
        }
    }
}
