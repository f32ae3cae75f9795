//! NumPy files, version 1 of the format.

use crate::data::{DType, Volume};
use crate::io::atomic::{PendingFile, Sealed};
use crate::io::error::Error;
use crate::io::file::write_all_at;
use crate::io::format::{ImageSpec, Intake};

use super::Sink;
use super::raw::RawArray;

/// A `.npy` file being written.
pub(super) struct NpySink {
    file: PendingFile,
    array: RawArray,
}

impl NpySink {
    pub(super) fn create(file: PendingFile, spec: &ImageSpec) -> Result<Self, Error> {
        let mut array = array(spec);
        let header = header(spec.dtype, &array.shape);
        array.start = header.len() as u64;
        write_all_at(file.file(), 0, &header).map_err(|e| Error::io(file.target(), e))?;
        array.reserve(&file)?;
        Ok(NpySink { file, array })
    }
}

/// How it takes blocks.
pub(super) fn intake(spec: &ImageSpec) -> Intake {
    array(spec).intake()
}

/// The samples, from the file's beginning.
fn array(spec: &ImageSpec) -> RawArray {
    RawArray::new(spec.axes.clone(), spec)
}

/// Magic, version, and the array's description, padded to a multiple of 64 bytes.
fn header(dtype: DType, shape: &[usize]) -> Vec<u8> {
    let extents: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let text = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
        type_name(dtype),
        extents.trim_end()
    );
    const PREFIX: usize = 10;
    let total = (PREFIX + text.len() + 1).next_multiple_of(64);
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    // Five extents take far less than the 65,535 bytes that fit.
    header.extend(((total - PREFIX) as u16).to_le_bytes());
    header.extend(text.bytes());
    header.resize(total - 1, b' ');
    header.push(b'\n');
    header
}

/// NumPy's name of little-endian samples, such as `<f4`.
pub(super) fn type_name(dtype: DType) -> String {
    let kind = match dtype {
        DType::F32 | DType::F64 => 'f',
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => 'u',
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => 'i',
    };
    let order = if dtype.size() == 1 { '|' } else { '<' };
    format!("{order}{kind}{}", dtype.size())
}

impl Sink for NpySink {
    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error> {
        self.array.write(&self.file, start, block)
    }

    fn seal(self: Box<Self>) -> Result<Vec<Sealed>, Error> {
        Ok(vec![self.file.seal()?])
    }
}
