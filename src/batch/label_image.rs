//! Label images: files that give pixels whole numbers, read to become labels and written from them.
//!
//! Knows nothing of classes but their numbers; which value becomes which class says the caller.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ndarray::Array5;

use crate::data::classes::MAX_CLASSES;
use crate::data::task::Cancelled;
use crate::data::volume::Sample;
use crate::data::{AxisOrder, BlockGrid, CancelToken, DType, LabelVolume, Roi, Roi5, Volume};
use crate::io::{self, ImageInfo, ImageReader, ImageSpec, OpenOptions};
use crate::with_volume;

/// Most values of a label image besides 0.
pub const MAX_VALUES: usize = 255;
/// Pixels that are read at once.
const READ_PIXELS: usize = 1 << 20;

/// A label image as its file has it.
#[derive(Clone, Debug)]
pub struct LabelImage {
    /// Axes by which the file was read.
    pub axes: AxisOrder,
    /// Shape, `tzyx`.
    pub shape: [usize; 4],
    /// Values other than 0, ascending, with their numbers of pixels.
    pub values: Vec<(i64, u64)>,
    /// For each pixel the place of its value among `values`, counted from 1.
    pub places: LabelVolume,
}

/// Why a file is no label image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelImageError {
    /// It can't be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It has channels.
    #[error("read as {axes} it has {channels} channels, a label image has one; say which axes it has")]
    Channels {
        /// Axes by which it was read.
        axes: String,
        /// Number of channels.
        channels: usize,
    },
    /// A value that is no whole number.
    #[error("it holds the value {value}; labels are whole numbers")]
    NotWhole {
        /// The value.
        value: f64,
    },
    /// It looks like an image.
    #[error("it holds more than {MAX_VALUES} values besides 0, as images do; labels have few")]
    TooManyValues,
    /// Stopped on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl LabelImage {
    /// Reads the label image `location`: by `axes`, or else by what the file says, or else as an image
    /// with the axes of `image`. `progress` is told the share done.
    ///
    /// # Errors
    /// A file that can't be read or is no label image, or cancelled.
    pub fn read(
        location: &str,
        axes: Option<AxisOrder>,
        image: &ImageInfo,
        cancel: &CancelToken,
        progress: &dyn Fn(f64),
    ) -> Result<LabelImage, LabelImageError> {
        let reader = open(location, axes, image)?;
        let info = reader.info();
        let [t, z, y, x, channels] = info.shape;
        if channels != 1 {
            return Err(LabelImageError::Channels { axes: info.axes.to_string(), channels });
        }
        let mut found = Found { places: HashMap::new() };
        let mut labels = LabelVolume::new([t, z, y, x]);
        let rows = (READ_PIXELS / x.max(1)).max(1);
        let grid = BlockGrid::new([z, y, x], [1, rows, x]);
        let blocks = grid.touching(&Roi::whole([z, y, x]));
        let total = (t * blocks.len()).max(1) as f64;
        let mut done = 0.0;
        for t in 0..t {
            for &index in &blocks {
                cancel.check()?;
                let roi = grid.block(index);
                let part = reader.read(&roi.at(t, 1))?;
                labels.paint(found.pixels(&part, [t, roi.start[0], roi.start[1], roi.start[2]])?);
                done += 1.0;
                progress(done / total);
            }
        }
        Ok(found.image(info.axes.clone(), labels))
    }

    /// The class that each value becomes if nobody says otherwise: the class of that number where there is
    /// one among `classes` classes, else a new class for each further value, as far as there may be more.
    pub fn usual_classes(&self, classes: usize) -> Vec<u8> {
        let mut next = classes + 1;
        self.values
            .iter()
            .map(|&(value, _)| match usize::try_from(value) {
                Ok(number) if (1..=classes).contains(&number) => number as u8,
                _ if next <= MAX_CLASSES => {
                    next += 1;
                    (next - 1) as u8
                }
                _ => 0,
            })
            .collect()
    }

    /// The map of [`LabelImage::places`] to classes, from the class of each value (0 leaves it out).
    pub fn map(&self, classes: &[u8]) -> [u8; 256] {
        let mut map = [0; 256];
        map[1..].iter_mut().zip(classes).for_each(|(to, class)| *to = *class);
        map
    }
}

fn open(
    location: &str,
    axes: Option<AxisOrder>,
    image: &ImageInfo,
) -> Result<std::sync::Arc<dyn ImageReader>, LabelImageError> {
    let with = |axes| OpenOptions { axes, ..OpenOptions::default() };
    let reader = io::open(location, &with(axes.clone()))?;
    if axes.is_some() || reader.info().shape[4] == 1 {
        return Ok(reader);
    }
    // A stack of few slices without metadata may have been taken for channels.
    let plain = image.axes.axes().iter().copied().filter(|axis| axis.key() != 'c');
    let again = AxisOrder::new(plain)
        .ok()
        .filter(|axes| axes.len() == reader.info().axes.len())
        .and_then(|axes| io::open(location, &with(Some(axes))).ok());
    Ok(again.unwrap_or(reader))
}

/// The values met so far.
struct Found {
    /// Value to its place, from 1, in the order met, and its count.
    places: HashMap<i64, (u8, u64)>,
}

impl Found {
    /// Pixels (`tzyx`) other than 0 of a part at `corner`, with the places of their values.
    fn pixels(
        &mut self,
        part: &Volume,
        corner: [usize; 4],
    ) -> Result<Vec<([usize; 4], u8)>, LabelImageError> {
        fn collect<T: Sample>(
            found: &mut Found,
            array: &Array5<T>,
            [t, z, y, x]: [usize; 4],
        ) -> Result<Vec<([usize; 4], u8)>, LabelImageError> {
            let mut pixels = Vec::new();
            for ((_, dz, dy, dx, _), value) in array.indexed_iter() {
                let value = value.as_f64();
                if value != 0.0 {
                    pixels.push(([t, z + dz, y + dy, x + dx], found.place(value)?));
                }
            }
            Ok(pixels)
        }
        with_volume!(part, array => collect(self, array, corner))
    }

    fn place(&mut self, value: f64) -> Result<u8, LabelImageError> {
        if value.fract() != 0.0 || !value.is_finite() {
            return Err(LabelImageError::NotWhole { value });
        }
        let value = value as i64;
        let next = self.places.len() + 1;
        if !self.places.contains_key(&value) && next > MAX_VALUES {
            return Err(LabelImageError::TooManyValues);
        }
        let (place, count) = self.places.entry(value).or_insert((next as u8, 0));
        *count += 1;
        Ok(*place)
    }

    /// The image, its values in ascending order.
    fn image(self, axes: AxisOrder, mut labels: LabelVolume) -> LabelImage {
        let mut values: Vec<(i64, u8, u64)> =
            self.places.into_iter().map(|(value, (place, count))| (value, place, count)).collect();
        values.sort_unstable();
        let mut map = [0; 256];
        for (number, (_, place, _)) in (1..=u8::MAX).zip(&values) {
            map[usize::from(*place)] = number;
        }
        labels.map_values(&map);
        let values = values.into_iter().map(|(value, _, count)| (value, count)).collect();
        LabelImage { axes, shape: labels.shape(), values, places: labels }
    }
}

/// Why labels were not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelExportError {
    /// A name that says no format.
    #[error("'{}' says no image format; end it in .h5, .npy, .tif, .png or .bmp", path.display())]
    NoFormat {
        /// The name.
        path: PathBuf,
    },
    /// A file is there already.
    #[error("'{}' exists; choose another name, or allow it to be replaced", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It can't be written.
    #[error(transparent)]
    Write(#[from] io::Error),
    /// Stopped on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// The output format that the extension of `path` stands for, by ilastik's name.
pub fn label_format(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "h5" | "hdf5" => Some("compressed hdf5"),
        "npy" => Some("numpy"),
        "tif" | "tiff" => Some("multipage tiff"),
        "png" => Some("png"),
        "bmp" => Some("bmp"),
        _ => None,
    }
}

/// Writes the labels of an image (8 bits, 0 unlabelled) to `path`, in the format of its extension, with the
/// image's axes without channels. `progress` is told the share done.
///
/// # Errors
/// A file that is there already (without `overwrite`) or can't be written, a format that can't hold the
/// labels, or cancelled.
pub fn write_labels(
    labels: &LabelVolume,
    image: &ImageInfo,
    path: &Path,
    overwrite: bool,
    cancel: &CancelToken,
    progress: &dyn Fn(f64),
) -> Result<(), LabelExportError> {
    let format = label_format(path).ok_or_else(|| LabelExportError::NoFormat { path: path.to_owned() })?;
    if path.exists() && !overwrite {
        return Err(LabelExportError::Exists { path: path.to_owned() });
    }
    let [t, z, y, x] = labels.shape();
    let plain = image.axes.axes().iter().copied().filter(|axis| axis.key() != 'c');
    // Removing an axis can't make another occur twice.
    let axes = AxisOrder::new(plain).unwrap_or_else(|_| AxisOrder::canonical());
    let spec = ImageSpec {
        pixel_size: image.pixel_size.clone(),
        ..ImageSpec::new(axes, [t, z, y, x, 1], DType::U8)
    };
    let mut writer = io::create(format, path, &spec)?;
    let [bt, bz, by, bx, _] = writer.intake().block;
    let grid = BlockGrid::new([z, y, x], [bz, by, bx]);
    let blocks = grid.touching(&Roi::whole([z, y, x]));
    let times: Vec<usize> = (0..t).step_by(bt.max(1)).collect();
    let total = (times.len() * blocks.len()).max(1) as f64;
    let mut done = 0.0;
    for first in times {
        for &index in &blocks {
            cancel.check()?;
            let roi = grid.block(index);
            let (start, stop) = (roi.start, roi.stop);
            let last = (first + bt.max(1)).min(t);
            let part = Roi::new([first, start[0], start[1], start[2]], [last, stop[0], stop[1], stop[2]]);
            let dense = labels.read(&part).insert_axis(ndarray::Axis(4));
            let at =
                Roi5::new([first, start[0], start[1], start[2], 0], [last, stop[0], stop[1], stop[2], 1]);
            writer.write(at.start, &Volume::U8(dense))?;
            done += 1.0;
            progress(done / total);
        }
    }
    Ok(writer.finish()?)
}
