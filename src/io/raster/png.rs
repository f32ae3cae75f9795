//! PNG pictures.

use std::path::Path;
use std::sync::Arc;

use crate::io::error::Error;
use crate::io::format::{Format, ImageReader, OpenOptions};

/// PNG pictures.
pub(in crate::io) struct Png;

impl Format for Png {
    fn name(&self) -> &'static str {
        "png"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["png"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(b"\x89PNG\r\n\x1a\n")
    }

    fn open(
        &self,
        path: &Path,
        _internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        super::open(path, image::ImageFormat::Png, 1100, options)
    }
}
