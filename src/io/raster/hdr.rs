//! Radiance pictures: three float32 channels from eight bits each and an exponent in common.

use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use image::ImageDecoder;
use image::codecs::hdr::HdrDecoder;

use crate::data::DType;
use crate::io::decoded::{Decode, Sink};
use crate::io::error::Error;
use crate::io::file::{FileView, SharedFile};
use crate::io::format::{Format, ImageReader, OpenOptions};

use super::{Picture, cut_off, refused};

/// Radiance pictures.
pub(in crate::io) struct Hdr;

impl Format for Hdr {
    fn name(&self) -> &'static str {
        "hdr"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["hdr", "rgbe"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(b"#?RADIANCE") || head.starts_with(b"#?RGBE")
    }

    fn open(
        &self,
        path: &Path,
        _internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        /// Runs make 127 pixels of 12 bytes from eight bytes; those of old files may be longer.
        const RATIO: u64 = 1 << 14;
        let file = SharedFile::open(path)?;
        let (width, height) = decoder(&file)?.dimensions();
        let picture =
            Picture { width: width as usize, height: height as usize, channels: 3, dtype: DType::F32 };
        let decoder = Whole { file: Arc::clone(&file), bytes: picture.bytes() };
        picture.open(&file, RATIO, decoder, options)
    }
}

fn decoder(file: &Arc<SharedFile>) -> Result<HdrDecoder<BufReader<FileView>>, Error> {
    // Lines of the header that are not understood say nothing of the samples.
    HdrDecoder::new_nonstrict(BufReader::new(file.view())).map_err(|error| {
        let has_ended = error.to_string().ends_with("EOF in header");
        if has_ended { cut_off(file) } else { refused(file, error) }
    })
}

/// Decodes the picture whole.
struct Whole {
    file: Arc<SharedFile>,
    bytes: u64,
}

impl Decode for Whole {
    fn decode(&self, sink: &mut Sink<'_>) -> Result<(), Error> {
        let decoder = decoder(&self.file)?;
        let mut picture = vec![0; usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX)];
        decoder.read_image(&mut picture).map_err(|e| refused(&self.file, e))?;
        sink(&picture)
    }

    fn working_bytes(&self) -> u64 {
        self.bytes
    }
}
