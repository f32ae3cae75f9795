//! JPEG pictures.

use std::path::Path;
use std::sync::Arc;

use crate::io::error::Error;
use crate::io::format::{Format, ImageReader, OpenOptions};

/// JPEG pictures.
pub(in crate::io) struct Jpeg;

impl Format for Jpeg {
    fn name(&self) -> &'static str {
        "jpeg"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["jpg", "jpeg"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(b"\xff\xd8\xff")
    }

    fn open(
        &self,
        path: &Path,
        _internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        super::open(path, image::ImageFormat::Jpeg, 5000, options)
    }
}
