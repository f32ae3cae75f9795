//! Raw binary files: samples alone, C order, little-endian. Their names end in shape and type, as ilastik has
//! them: `volume-100-200-300-uint8.raw`.

use std::path::Path;
use std::sync::Arc;

use crate::data::DType;

use super::error::Error;
use super::file::SharedFile;
use super::format::{Format, ImageReader, OpenOptions};
use super::planes::RawPlanes;
use super::samples::ByteOrder;
use super::storage::{Found, StoredImage, byte_count};

/// Raw binary files.
pub(super) struct RawBinary;

impl Format for RawBinary {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["raw", "bin", "dat"]
    }

    fn recognises(&self, _head: &[u8]) -> bool {
        false
    }

    fn has_signature(&self) -> bool {
        false
    }

    fn is_named_so(&self, path: &Path) -> bool {
        let name = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        name.is_some_and(|name| self.extensions().contains(&name.as_str())) && shape_and_type(&stem).is_some()
    }

    fn open(
        &self,
        path: &Path,
        _internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        let file = SharedFile::open(path)?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let (shape, dtype) = shape_and_type(&stem).ok_or_else(|| {
            let what = "a raw binary file whose name does not end in its shape and type";
            let fix =
                "name it like volume-100-200-300-uint8.raw, with 2 to 5 extents, the last varying fastest";
            Error::unsupported(path, what.to_owned(), fix)
        })?;
        let expected = byte_count(&shape, dtype).map(|bytes| bytes as u64);
        if expected != Some(file.len()) {
            let expected = expected.map_or("too many".to_owned(), |bytes| bytes.to_string());
            let what = format!("its name says {shape:?} of {dtype}, {expected} bytes; it has {}", file.len());
            return Err(Error::damaged(path, what));
        }
        let planes = RawPlanes {
            file: Arc::clone(&file),
            offsets: vec![0],
            outer: Vec::new(),
            plane: shape.clone(),
            item: dtype.size(),
            order: ByteOrder::Little,
        };
        StoredImage::open(path, Found::new(shape, dtype), options, planes)
    }
}

/// What a name such as `a-100-200-uint8` says.
fn shape_and_type(stem: &str) -> Option<(Vec<usize>, DType)> {
    let mut parts = stem.rsplit('-');
    let dtype = parts.next()?.parse().ok()?;
    let mut shape: Vec<usize> = parts.map_while(|part| part.parse().ok()).take(5).collect();
    shape.reverse();
    (shape.len() >= 2).then_some((shape, dtype))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Roi5;

    fn open(name: &str, bytes: &[u8]) -> Result<Arc<dyn ImageReader>, Error> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        super::super::open(&path.to_string_lossy(), &OpenOptions::default())
    }

    #[test]
    fn the_name_says_shape_and_type() {
        let name = |stem| shape_and_type(stem).map(|(shape, dtype)| (shape, dtype.name()));
        assert_eq!(name("my-3d-image-100-200-300-3-uint8"), Some((vec![100, 200, 300, 3], "uint8")));
        assert_eq!(name("4-5-float32"), Some((vec![4, 5], "float32")));
        for stem in ["volume", "volume-uint8", "volume-3-uint8", "volume-3-4", "volume-3-4-uint7"] {
            assert_eq!(name(stem), None, "{stem}");
        }
    }

    #[test]
    fn samples_are_little_endian_and_the_last_extent_is_the_fastest() {
        let samples: Vec<u8> = (0..24_u16).flat_map(u16::to_le_bytes).collect();
        let image = open("v-2-3-4-uint16.raw", &samples).expect("opens");
        // As ilastik guesses: a short last dimension is channels.
        assert_eq!(image.info().shape, [1, 1, 2, 3, 4]);
        let part = image.read(&Roi5::new([0, 0, 1, 2, 1], [1, 1, 2, 3, 3])).expect("read");
        assert_eq!(part.to_f32().into_iter().collect::<Vec<_>>(), [21.0, 22.0]);
    }

    #[test]
    fn names_that_say_nothing_or_another_size_are_refused() {
        let why = |name, bytes: &[u8]| open(name, bytes).map(|_| ()).expect_err("refused").to_string();
        assert!(why("a.raw", b"12").contains("name it like volume-100-200-300-uint8.raw"));
        assert!(why("a-2-3-uint8.dat", b"12345").contains("6 bytes; it has 5"));
        assert!(why("a-99999999999-99999999999-uint8.bin", b"1").contains("too many bytes"));
    }
}
