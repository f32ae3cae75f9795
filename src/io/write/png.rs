//! PNG pictures, encoded row by row as they come.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use png::{BitDepth, ColorType, Compression, EncodingError, StreamWriter};

use crate::data::{AxisOrder, DType, Volume};
use crate::io::atomic::{PendingFile, Sealed};
use crate::io::error::Error;
use crate::io::format::{ImageSpec, Intake};
use crate::io::samples::{ByteOrder, bytes_in_file_order};

use super::Sink;
use super::picture::{band, picture_axes};

/// A PNG picture being written.
pub(super) struct PngSink {
    file: PendingFile,
    stream: StreamWriter<'static, Reporting>,
    failure: Failure,
    /// Rows, columns, channels.
    axes: AxisOrder,
    image: [usize; 5],
    dtype: DType,
    /// Bytes of a row.
    row_bytes: usize,
    /// The row that is encoded next.
    row: usize,
    /// That row and those after it, as far as something of them has come.
    waiting: VecDeque<Row>,
}

/// A row that is not complete.
struct Row {
    samples: Vec<u8>,
    /// Bytes that have come.
    filled: usize,
}

/// The first error of a writer whose owner may drop it silently, as the encoder does at the end.
type Failure = Arc<Mutex<Option<io::Error>>>;

/// Writes to a file and keeps the first error.
struct Reporting {
    file: File,
    failure: Failure,
}

impl Reporting {
    fn kept<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|e| {
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            let error = e.raw_os_error().map_or_else(|| e.kind().into(), io::Error::from_raw_os_error);
            failure.get_or_insert(error);
        })
    }
}

impl Write for Reporting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.file.write(bytes);
        self.kept(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.file.flush();
        self.kept(result)
    }
}

impl PngSink {
    /// A picture of the two wide axes of `spec` and its channels.
    pub(super) fn create(file: PendingFile, spec: &ImageSpec) -> Result<Self, Error> {
        /// Bytes of a part of the file.
        const PART: usize = 64 << 10;
        let axes = picture_axes(spec);
        let shape = axes.pick(&spec.shape);
        let failure = Failure::default();
        let own = file.file().try_clone().map_err(|e| Error::io(file.target(), e))?;
        let writer = Reporting { file: own, failure: Arc::clone(&failure) };
        let extent = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mut encoder = png::Encoder::new(writer, extent(shape[1]), extent(shape[0]));
        encoder.set_color(if shape[2] == 1 { ColorType::Grayscale } else { ColorType::Rgb });
        encoder.set_depth(if spec.dtype == DType::U16 { BitDepth::Sixteen } else { BitDepth::Eight });
        encoder.set_compression(Compression::Fast);
        let stream = encoder
            .write_header()
            .and_then(|writer| writer.into_stream_writer_with_size(PART))
            .map_err(|e| failed(&file, e))?;
        Ok(PngSink {
            file,
            stream,
            failure,
            axes,
            image: spec.shape,
            dtype: spec.dtype,
            row_bytes: shape[1] * shape[2] * spec.dtype.size(),
            row: 0,
            waiting: VecDeque::new(),
        })
    }
}

/// Any block; the rows that it begins are kept.
pub(super) fn intake(spec: &ImageSpec) -> Intake {
    let axes = picture_axes(spec);
    let [_, columns, channels] = axes.pick(&spec.shape)[..] else { return Intake::any(spec.shape) };
    let row_bytes = columns * channels * spec.dtype.size();
    Intake::any(band(&spec.shape, &axes)).keeping(row_bytes as u64).for_each_along(axes.axes()[0])
}

fn failed(file: &PendingFile, error: EncodingError) -> Error {
    let error = match error {
        EncodingError::IoError(e) => e,
        e => io::Error::other(e.to_string()),
    };
    Error::io(file.target(), error)
}

impl Sink for PngSink {
    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error> {
        let [first, column, channel] = self.axes.pick(&start)[..] else { return Ok(()) };
        let [rows, _, channels] = self.axes.pick(&block.shape())[..] else { return Ok(()) };
        if first < self.row || channel != 0 || channels != self.image[4] {
            return Err(Error::BadBlock {
                path: self.file.target().to_owned(),
                start: Box::new(start),
                shape: Box::new(block.shape()),
                found: block.dtype(),
                image: Box::new(self.image),
                expected: self.dtype,
            });
        }
        let mut bytes = bytes_in_file_order(block, &self.axes);
        ByteOrder::Big.to_native(&mut bytes, self.dtype.size());
        let missing = (first + rows).saturating_sub(self.row + self.waiting.len());
        let row_bytes = self.row_bytes;
        self.waiting.extend((0..missing).map(|_| Row { samples: vec![0; row_bytes], filled: 0 }));
        let run = bytes.len() / rows.max(1);
        let from = column * channels * self.dtype.size();
        for (row, samples) in
            self.waiting.iter_mut().skip(first - self.row).zip(bytes.chunks_exact(run.max(1)))
        {
            row.samples[from..from + run].copy_from_slice(samples);
            row.filled += run;
        }
        while self.waiting.front().is_some_and(|row| row.filled == row_bytes) {
            let Some(row) = self.waiting.pop_front() else { break };
            self.stream.write_all(&row.samples).map_err(|e| Error::io(self.file.target(), e))?;
            self.row += 1;
        }
        Ok(())
    }

    fn seal(self: Box<Self>) -> Result<Vec<Sealed>, Error> {
        let PngSink { file, stream, failure, .. } = *self;
        stream.finish().map_err(|e| failed(&file, e))?;
        if let Some(error) = failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(Error::io(file.target(), error));
        }
        Ok(vec![file.seal()?])
    }
}
