//! GIF pictures: the first frame. A table of grays makes one channel, any other three, as in ilastik.

use std::io::{BufReader, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use gif::{ColorOutput, DecodeOptions, Decoder, DecodingError};

use crate::data::DType;
use crate::io::decoded::{Decode, Sink};
use crate::io::error::Error;
use crate::io::file::{FileView, SharedFile};
use crate::io::format::{Format, ImageReader, OpenOptions};

use super::{Picture, cut_off};

/// GIF pictures.
pub(in crate::io) struct Gif;

impl Format for Gif {
    fn name(&self) -> &'static str {
        "gif"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["gif"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a")
    }

    fn open(
        &self,
        path: &Path,
        _internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        /// A code of a byte and a half stands for at most as many pixels as there are codes, of three bytes each.
        const RATIO: u64 = 3 * 4096;
        let file = SharedFile::open(path)?;
        let (_, frame) = first_frame(&file)?;
        let picture = Picture {
            width: frame.width,
            height: frame.height,
            channels: frame.channels(),
            dtype: DType::U8,
        };
        picture.open(
            &file,
            RATIO,
            FirstFrame { file: Arc::clone(&file), pixels: frame.width as u64 * frame.height as u64 },
            options,
        )
    }
}

/// What is said of the first frame.
struct Frame {
    width: usize,
    height: usize,
    /// Red, green and blue of each index.
    palette: Vec<[u8; 3]>,
}

impl Frame {
    fn channels(&self) -> usize {
        if self.palette.iter().all(|[r, g, b]| r == g && g == b) { 1 } else { 3 }
    }
}

/// The decoder before the samples of the first frame.
fn first_frame(file: &Arc<SharedFile>) -> Result<(Decoder<BufReader<FileView>>, Frame), Error> {
    let refused = |e| refused(file, e);
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    let mut decoder = options.read_info(BufReader::new(file.view())).map_err(refused)?;
    let (width, height) = match decoder.next_frame_info().map_err(refused)? {
        Some(frame) => (frame.width.into(), frame.height.into()),
        None => return Err(Error::damaged(file.path(), "it holds no picture")),
    };
    let palette = decoder.palette().map_err(refused)?;
    let palette = palette.chunks_exact(3).map(|colour| [colour[0], colour[1], colour[2]]).collect();
    Ok((decoder, Frame { width, height, palette }))
}

fn refused(file: &SharedFile, error: DecodingError) -> Error {
    match error {
        DecodingError::UnexpectedEof => cut_off(file),
        DecodingError::Io(e) if e.kind() == ErrorKind::UnexpectedEof => cut_off(file),
        DecodingError::Io(e) => Error::io(file.path(), e),
        e => Error::damaged(file.path(), e.to_string()),
    }
}

/// Decodes the indices of the frame whole, since its rows may be interlaced, then row by row their colours.
struct FirstFrame {
    file: Arc<SharedFile>,
    pixels: u64,
}

impl Decode for FirstFrame {
    fn decode(&self, sink: &mut Sink<'_>) -> Result<(), Error> {
        let (mut decoder, frame) = first_frame(&self.file)?;
        let mut indices = vec![0; frame.width * frame.height];
        decoder.read_into_buffer(&mut indices).map_err(|e| refused(&self.file, e))?;
        let channels = frame.channels();
        let mut row = Vec::with_capacity(frame.width * channels);
        // The file may have been replaced since it was opened.
        for indices in indices.chunks_exact(frame.width.max(1)) {
            row.clear();
            for &index in indices {
                let colour = frame.palette.get(usize::from(index)).copied().unwrap_or_default();
                row.extend_from_slice(&colour[..channels]);
            }
            sink(&row)?;
        }
        Ok(())
    }

    fn working_bytes(&self) -> u64 {
        self.pixels
    }
}
