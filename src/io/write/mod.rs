//! Writing images block by block, by ilastik's names of formats.
//!
//! Every file is written under a temporary name beside its target and renamed when it is complete.

mod chunk_folder;
mod chunks;
mod hdf5;
mod n5;
mod npy;
mod picture;
mod png;
mod pyramid;
mod raw;
mod raw_picture;
mod sequence;
mod tiff;
mod tiff_tags;
mod validity;
mod zarr;

use std::path::{Path, PathBuf};

use crate::data::{Axis, AxisOrder, Roi5, Volume};

use super::atomic::{PendingFile, Sealed, commit_all};
use super::error::Error;
use super::format::{ImageSpec, ImageWriter, Intake};

pub use validity::{check, check_replaced, step_axis};

/// An output format as ilastik names it.
#[derive(Debug)]
pub struct OutputFormat {
    /// Name, such as `compressed hdf5`.
    pub name: &'static str,
    /// Extension of its files, without the dot.
    pub extension: &'static str,
    kind: Kind,
    /// Whether every slice along the first axis is a file of its own.
    sequence: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Hdf5 {
        compressed: bool,
    },
    N5 {
        compressed: bool,
    },
    Zarr {
        multi: bool,
    },
    Npy,
    Tiff,
    MultipageTiff,
    Png,
    Jpeg,
    Bmp,
    Gif,
    Hdr,
    /// Portable maps, which VIGRA writes alike under all their names: gray ones of one channel, pixmaps of three.
    Netpbm,
    SunRaster,
}

impl OutputFormat {
    /// Whether every slice along the first axis is a file of its own, so that the file name must hold
    /// `{slice_index}`.
    pub fn is_sequence(&self) -> bool {
        self.sequence
    }

    /// Whether a file or folder holds named datasets.
    pub fn has_datasets(&self) -> bool {
        matches!(self.kind, Kind::Hdf5 { .. } | Kind::N5 { .. })
    }

    /// The axes that it has whatever order is asked for, where it must have all of them.
    pub fn own_axes(&self) -> Option<AxisOrder> {
        matches!(self.kind, Kind::Zarr { .. }).then(zarr::axes)
    }

    /// What appears, or is replaced, when the image `spec` is written to `path`: a folder in it where others may
    /// stay.
    pub fn place(&self, path: &Path, spec: &ImageSpec) -> PathBuf {
        match (self.kind, n5::inner_path(spec)) {
            (Kind::N5 { .. }, Some(inner)) => path.join(inner),
            _ => path.to_owned(),
        }
    }
}

const fn single(name: &'static str, extension: &'static str, kind: Kind) -> OutputFormat {
    OutputFormat { name, extension, kind, sequence: false }
}

const fn sequence(name: &'static str, extension: &'static str, kind: Kind) -> OutputFormat {
    OutputFormat { name, extension, kind, sequence: true }
}

/// All output formats.
pub const OUTPUT_FORMATS: &[OutputFormat] = &[
    single("compressed hdf5", "h5", Kind::Hdf5 { compressed: true }),
    single("hdf5", "h5", Kind::Hdf5 { compressed: false }),
    single("compressed n5", "n5", Kind::N5 { compressed: true }),
    single("n5", "n5", Kind::N5 { compressed: false }),
    single("single-scale OME-Zarr", "zarr", Kind::Zarr { multi: false }),
    single("multi-scale OME-Zarr", "zarr", Kind::Zarr { multi: true }),
    single("numpy", "npy", Kind::Npy),
    single("tiff", "tiff", Kind::Tiff),
    single("tif", "tif", Kind::Tiff),
    single("multipage tiff", "tiff", Kind::MultipageTiff),
    single("png", "png", Kind::Png),
    single("jpeg", "jpeg", Kind::Jpeg),
    single("jpg", "jpg", Kind::Jpeg),
    single("bmp", "bmp", Kind::Bmp),
    single("gif", "gif", Kind::Gif),
    single("hdr", "hdr", Kind::Hdr),
    single("pbm", "pbm", Kind::Netpbm),
    single("pgm", "pgm", Kind::Netpbm),
    single("pnm", "pnm", Kind::Netpbm),
    single("ppm", "ppm", Kind::Netpbm),
    single("ras", "ras", Kind::SunRaster),
    sequence("tiff sequence", "tiff", Kind::Tiff),
    sequence("tif sequence", "tif", Kind::Tiff),
    sequence("multipage tiff sequence", "tiff", Kind::MultipageTiff),
    sequence("png sequence", "png", Kind::Png),
    sequence("jpeg sequence", "jpeg", Kind::Jpeg),
    sequence("jpg sequence", "jpg", Kind::Jpeg),
    sequence("bmp sequence", "bmp", Kind::Bmp),
    sequence("gif sequence", "gif", Kind::Gif),
    sequence("hdr sequence", "hdr", Kind::Hdr),
    sequence("pbm sequence", "pbm", Kind::Netpbm),
    sequence("pgm sequence", "pgm", Kind::Netpbm),
    sequence("pnm sequence", "pnm", Kind::Netpbm),
    sequence("ppm sequence", "ppm", Kind::Netpbm),
    sequence("ras sequence", "ras", Kind::SunRaster),
];

/// The output format of a name, in any case.
///
/// # Errors
/// No format has that name.
pub fn output_format(name: &str) -> Result<&'static OutputFormat, Error> {
    OUTPUT_FORMATS.iter().find(|format| format.name.eq_ignore_ascii_case(name.trim())).ok_or_else(|| {
        Error::UnknownOutputFormat {
            name: name.to_owned(),
            known: OUTPUT_FORMATS.iter().map(|format| format.name).collect::<Vec<_>>().join(", "),
        }
    })
}

/// Starts an image at `path` (for a sequence a name that holds `{slice_index}`), creating its folder.
///
/// # Errors
/// An unknown format, an image it can't hold, or a file that can't be created.
pub fn create(format: &str, path: &Path, spec: &ImageSpec) -> Result<Box<dyn ImageWriter>, Error> {
    let format = output_format(format)?;
    check(format, spec)?;
    check_replaced(format, path, spec)?;
    let sink: Box<dyn Sink> = if format.sequence {
        Box::new(sequence::Sequence::create(format, path, spec)?)
    } else {
        sink(format.kind, path, spec)?
    };
    let intake = intake(format, spec);
    Ok(Box::new(Checked { path: path.to_owned(), spec: spec.clone(), intake, written: 0, sink }))
}

/// Removes an image that was written: a file; a folder only where it is nothing but an image, of an N5 its dataset
/// with the groups that nothing else is in; an HDF5 file only where it holds a single dataset.
///
/// # Errors
/// It is something else, or can't be removed.
pub fn remove(path: &Path) -> Result<(), Error> {
    if path.is_dir() && n5::is_dataset(path) {
        return n5::remove(path).map_err(|e| Error::io(path, e));
    }
    let datasets = hdf5::Existing::at(path, "").ok().flatten().map_or_else(Vec::new, |file| file.others);
    if datasets.len() > 1 {
        return Err(Error::OtherDatasets { path: path.to_owned(), names: datasets });
    }
    let removed = if path.is_dir() {
        zarr::check_replaced(path)?;
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    removed.map_err(|e| Error::io(path, e))
}

/// How `format` takes the blocks of an image that it can hold.
pub fn intake(format: &OutputFormat, spec: &ImageSpec) -> Intake {
    if format.sequence { sequence::intake(format.kind, spec) } else { file_intake(format.kind, spec) }
}

/// How one file takes blocks.
fn file_intake(kind: Kind, spec: &ImageSpec) -> Intake {
    match kind {
        Kind::Hdf5 { .. } => hdf5::intake(spec),
        Kind::N5 { .. } => n5::intake(spec),
        Kind::Zarr { .. } => zarr::intake(spec),
        Kind::Npy => npy::intake(spec),
        Kind::Tiff | Kind::MultipageTiff => tiff::intake(spec, kind == Kind::MultipageTiff),
        Kind::Png => png::intake(spec),
        Kind::Jpeg | Kind::Bmp | Kind::Gif | Kind::Hdr => picture::intake(kind, spec),
        Kind::Netpbm | Kind::SunRaster => raw_picture::intake(spec),
    }
}

/// Starts one file.
fn sink(kind: Kind, path: &Path, spec: &ImageSpec) -> Result<Box<dyn Sink>, Error> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    }
    let file = || PendingFile::create(path);
    Ok(match kind {
        Kind::Hdf5 { compressed } => Box::new(hdf5::Hdf5Sink::create(file()?, spec, compressed)?),
        Kind::N5 { compressed } => Box::new(n5::N5Sink::create(path, spec, compressed)?),
        Kind::Zarr { multi } => Box::new(zarr::ZarrSink::create(path, spec, multi)?),
        Kind::Npy => Box::new(npy::NpySink::create(file()?, spec)?),
        Kind::Tiff | Kind::MultipageTiff => {
            Box::new(tiff::TiffSink::create(file()?, spec, kind == Kind::MultipageTiff)?)
        }
        Kind::Png => Box::new(png::PngSink::create(file()?, spec)?),
        Kind::Jpeg | Kind::Bmp | Kind::Gif | Kind::Hdr => {
            Box::new(picture::PictureSink::create(file()?, kind, spec))
        }
        Kind::Netpbm => Box::new(raw_picture::RawPicture::netpbm(file()?, spec)?),
        Kind::SunRaster => Box::new(raw_picture::RawPicture::sun_raster(file()?, spec)?),
    })
}

/// A file that takes blocks.
trait Sink: Send {
    /// Writes a block that lies inside the image and has its type.
    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error>;

    /// Completes the files, still under their temporary names.
    fn seal(self: Box<Self>) -> Result<Vec<Sealed>, Error>;
}

/// Checks blocks, counts them, and renames the files at the end.
struct Checked {
    path: PathBuf,
    spec: ImageSpec,
    intake: Intake,
    written: u64,
    sink: Box<dyn Sink>,
}

impl ImageWriter for Checked {
    fn intake(&self) -> Intake {
        self.intake
    }

    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error> {
        let shape = block.shape();
        let roi = Roi5::new(start, std::array::from_fn(|i| start[i].saturating_add(shape[i])));
        if block.dtype() != self.spec.dtype || !Roi5::whole(self.spec.shape).encloses(&roi) {
            return Err(Error::BadBlock {
                path: self.path.clone(),
                start: Box::new(start),
                shape: Box::new(shape),
                found: block.dtype(),
                image: Box::new(self.spec.shape),
                expected: self.spec.dtype,
            });
        }
        if !roi.is_empty() {
            self.sink.write(start, block)?;
            self.written += roi.len() as u64;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        let pixels = self.spec.shape.iter().map(|&n| n as u64).product();
        if self.written != pixels {
            return Err(Error::Incomplete { path: self.path, written: self.written, pixels });
        }
        commit_all(self.sink.seal()?)
    }
}

/// The two axes of a picture, rows and columns: those of more than one pixel, without channels and
/// `without`, completed by y and x.
fn plane_axes(shape: &[usize; 5]) -> [Axis; 2] {
    let space = [Axis::T, Axis::Z, Axis::Y, Axis::X];
    let wide: Vec<Axis> = space.into_iter().filter(|&axis| shape[axis as usize] > 1).collect();
    match wide[..] {
        [rows, columns] => [rows, columns],
        [Axis::Y] | [Axis::X] | [] => [Axis::Y, Axis::X],
        [other] => [other, Axis::X],
        _ => [Axis::Y, Axis::X],
    }
}
