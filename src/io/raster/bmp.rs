//! Windows bitmaps.

use std::path::Path;
use std::sync::Arc;

use crate::io::error::Error;
use crate::io::format::{Format, ImageReader, OpenOptions};

/// Windows bitmaps.
pub(in crate::io) struct Bmp;

impl Format for Bmp {
    fn name(&self) -> &'static str {
        "bmp"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["bmp"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(b"BM")
    }

    fn open(
        &self,
        path: &Path,
        _internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        super::open(path, image::ImageFormat::Bmp, 256, options)
    }
}
