//! Uncompressed TIFF: samples first, then one directory per page; BigTIFF beyond 4 GB.
//!
//! Two-dimensional images are one page, channels side by side. Everything else is one page per frame,
//! slice and channel, described by OME-XML (or tifffile's JSON for the types that OME lacks).

use std::fmt::Write as _;

use crate::data::{Axis, AxisOrder, DType, Volume};
use crate::io::atomic::{PendingFile, Sealed};
use crate::io::error::Error;
use crate::io::file::write_all_at;
use crate::io::format::{ImageSpec, Intake, PixelSize};

use super::raw::RawArray;
use super::tiff_tags::{Layout, PageTags, directories};
use super::{Sink, plane_axes};

/// A TIFF file being written.
pub(super) struct TiffSink {
    file: PendingFile,
    array: RawArray,
    layout: Layout,
    tags: PageTags,
    pages: usize,
}

impl TiffSink {
    /// A file of one page when the image allows and `multipage` is not asked for.
    pub(super) fn create(file: PendingFile, spec: &ImageSpec, multipage: bool) -> Result<Self, Error> {
        let single = is_single(spec, multipage);
        let mut array = array(spec, multipage);
        let shape = &array.shape;
        let (pages, page) = if single { (1, &shape[..]) } else { (shape[..3].iter().product(), &shape[3..]) };
        let samples = if single { page[2] } else { 1 };
        let extent = |n: usize| {
            u32::try_from(n).map_err(|_| Error::NotWritable {
                format: "tiff".into(),
                reasons: vec![format!("an image of {n} pixels along one axis; use 'hdf5'")],
            })
        };
        let tags = PageTags {
            width: extent(page[1])?,
            height: extent(page[0])?,
            samples: extent(samples)?,
            dtype: spec.dtype,
            description: if single { None } else { Some(description(spec)) },
            per_centimetre: [Axis::X, Axis::Y]
                .map(|axis| per_centimetre(spec.pixel_size[axis as usize].as_ref())),
        };
        let layout = Layout::of(array.bytes(), pages);
        array.start = layout.header_len();
        array.reserve(&file)?;
        Ok(TiffSink { file, array, layout, tags, pages })
    }
}

/// How it takes blocks.
pub(super) fn intake(spec: &ImageSpec, multipage: bool) -> Intake {
    array(spec, multipage).intake()
}

/// Whether the image is one page.
fn is_single(spec: &ImageSpec, multipage: bool) -> bool {
    let wide = [Axis::T, Axis::Z, Axis::Y, Axis::X].iter().filter(|&&a| spec.shape[a as usize] > 1).count();
    !multipage && wide <= 2
}

/// The samples, from the file's beginning.
fn array(spec: &ImageSpec, multipage: bool) -> RawArray {
    let axes = if is_single(spec, multipage) {
        let [rows, columns] = plane_axes(&spec.shape);
        AxisOrder::new([rows, columns, Axis::C])
    } else {
        AxisOrder::new([Axis::T, Axis::Z, Axis::C, Axis::Y, Axis::X])
    }
    .unwrap_or_else(|_| AxisOrder::canonical());
    RawArray::new(axes, spec)
}

impl Sink for TiffSink {
    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error> {
        self.array.write(&self.file, start, block)
    }

    fn seal(self: Box<Self>) -> Result<Vec<Sealed>, Error> {
        let data_end = self.array.start + self.array.bytes();
        // Directories begin on a word boundary.
        let first = data_end.next_multiple_of(2);
        let page_bytes = self.array.bytes() / self.pages as u64;
        let offsets: Vec<u64> =
            (0..self.pages as u64).map(|page| self.array.start + page * page_bytes).collect();
        let tail = directories(self.layout, &self.tags, first, page_bytes, &offsets);
        let write = |offset, bytes: &[u8]| {
            write_all_at(self.file.file(), offset, bytes).map_err(|e| Error::io(self.file.target(), e))
        };
        write(first, &tail)?;
        write(0, &self.layout.header(first))?;
        Ok(vec![self.file.seal()?])
    }
}

/// Pixels per centimetre, when the pixel size is a length.
fn per_centimetre(size: Option<&PixelSize>) -> Option<f64> {
    let size = size?;
    let centimetres = match size.unit.as_str() {
        "nm" => 1e-7,
        "µm" | "μm" | "um" | "micron" | "microns" => 1e-4,
        "mm" => 0.1,
        "cm" => 1.0,
        "m" => 100.0,
        _ => return None,
    };
    Some(1.0 / (size.size * centimetres)).filter(|n| n.is_finite() && *n > 0.0)
}

/// OME-XML of pages in the order `tzcyx`, or tifffile's JSON for 64-bit integers.
fn description(spec: &ImageSpec) -> String {
    let [t, z, y, x, c] = spec.shape;
    let kind = match spec.dtype {
        DType::U8 => "uint8",
        DType::U16 => "uint16",
        DType::U32 => "uint32",
        DType::I8 => "int8",
        DType::I16 => "int16",
        DType::I32 => "int32",
        DType::F32 => "float",
        DType::F64 => "double",
        DType::U64 | DType::I64 => {
            return format!("{{\"shape\": [{t}, {z}, {c}, {y}, {x}], \"axes\": \"TZCYX\"}}");
        }
    };
    let mut sizes = String::new();
    for (axis, name) in [
        (Axis::X, "PhysicalSizeX"),
        (Axis::Y, "PhysicalSizeY"),
        (Axis::Z, "PhysicalSizeZ"),
        (Axis::T, "TimeIncrement"),
    ] {
        if let Some(PixelSize { size, unit }) = &spec.pixel_size[axis as usize] {
            // TIFF texts are ASCII.
            let escaped: String = unit
                .chars()
                .map(|ch| match ch {
                    'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' => ch.to_string(),
                    ch => format!("&#{};", u32::from(ch)),
                })
                .collect();
            let unit = if escaped == "sec" { "s".into() } else { escaped };
            // Writing to a String cannot fail.
            let _ = write!(sizes, " {name}=\"{size}\" {name}Unit=\"{unit}\"");
        }
    }
    let channels: String =
        (0..c).map(|i| format!("<Channel ID=\"Channel:0:{i}\" SamplesPerPixel=\"1\"/>")).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:schemaLocation=\"http://www.openmicroscopy.org/Schemas/OME/2016-06 \
         http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd\" Creator=\"brushwood\">\
         <Image ID=\"Image:0\" Name=\"Image0\"><Pixels ID=\"Pixels:0\" DimensionOrder=\"XYCZT\" Type=\"{kind}\" \
         SizeX=\"{x}\" SizeY=\"{y}\" SizeC=\"{c}\" SizeZ=\"{z}\" SizeT=\"{t}\"{sizes}>{channels}\
         <TiffData IFD=\"0\" PlaneCount=\"{}\"/></Pixels></Image></OME>",
        t * z * c
    )
}
