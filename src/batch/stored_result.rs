//! A result read back from the file that a run wrote, as probabilities, so that it is shown like predictions.

use std::fmt;
use std::sync::Arc;

use ndarray::{Array4, ArrayView4, Axis as ArrayAxis, s};

use super::convert::Renormalization;
use super::plan::Request;
use super::report::OutputReport;
use crate::data::{Axis, AxisOrder, Roi5, SpatialRoi};
use crate::io::{self, ImageReader, OpenOptions};
use crate::pipeline::ExportSource;

/// Most bytes that are read at once.
const MOST_BYTES: usize = 512 << 20;

/// A result that a run wrote.
#[derive(Clone)]
pub struct StoredResult {
    /// What it is.
    pub source: ExportSource,
    /// The file, or the first of a sequence.
    pub name: String,
    reader: Arc<dyn ImageReader>,
    /// Time points, pixels and channels of the image's result that the file holds.
    roi: Roi5,
    renormalization: Option<Renormalization>,
}

impl fmt::Debug for StoredResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredResult")
            .field("source", &self.source)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl StoredResult {
    /// Whether results of this kind can be shown like predictions.
    pub fn is_shown(source: ExportSource) -> bool {
        source != ExportSource::Features
    }

    /// Opens `output`, which `request` asked for, of an image of `shape` (`tzyxc`) in a project of `classes`.
    ///
    /// # Errors
    /// In words: the file is gone, can't be read, or is not what was written.
    pub fn open(
        output: &OutputReport,
        request: &Request,
        shape: [usize; 5],
        classes: usize,
    ) -> Result<Self, String> {
        let first = output.paths.first().ok_or("no file was written")?;
        let is_npy = first.extension().is_some_and(|extension| extension == "npy");
        let axes: Option<AxisOrder> = output.axes.parse().ok();
        // Along the first axis of more than one pixel.
        let step = axes.as_ref().and_then(|axes| {
            let wide = axes.axes().iter().zip(&output.shape).find(|(_, extent)| **extent > 1);
            wide.map(|(axis, _)| *axis)
        });
        let options = OpenOptions {
            axes: axes.filter(|_| is_npy),
            stack_along: step.filter(|_| output.paths.len() > 1),
            ..OpenOptions::default()
        };
        let paths: Vec<String> =
            output.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        let reader = io::open(&paths.join(":"), &options).map_err(|error| error.to_string())?;
        let channels = output.source.channels(classes, 0);
        let [t, z, y, x, _] = shape;
        let roi = match &request.subregion {
            Some(subregion) => subregion.resolve(shape, channels).map_err(|error| error.to_string())?.0,
            None => Roi5::whole([t, z, y, x, channels]),
        };
        if reader.info().shape != roi.shape() {
            let (found, expected) = (reader.info().shape, roi.shape());
            return Err(format!("its shape is {found:?} (tzyxc), not {expected:?} as it was written"));
        }
        let name = first.to_string_lossy().into_owned();
        Ok(StoredResult {
            source: output.source,
            name,
            reader,
            roi,
            renormalization: request.renormalization,
        })
    }

    /// Of `region` (`zyx`) at time `t` the part that the file holds, as probabilities of `classes`: axes
    /// `class, z, y, x`. `None` where it holds nothing.
    ///
    /// # Errors
    /// In words: the file can't be read, or so much at once.
    pub fn read(
        &self,
        t: usize,
        region: &SpatialRoi,
        classes: usize,
    ) -> Result<Option<(SpatialRoi, Array4<f32>)>, String> {
        let part = region.intersect(&self.roi.spatial());
        if part.is_empty() || !(self.roi.start[0]..self.roi.stop[0]).contains(&t) || classes == 0 {
            return Ok(None);
        }
        if part.len().saturating_mul(classes * size_of::<f32>()) > MOST_BYTES {
            return Err("it is too large to be shown at once; zoom in".into());
        }
        let wanted = part.at(t, self.roi.stop[Axis::C as usize]);
        let wanted = Roi5::new(
            [wanted.start[0], wanted.start[1], wanted.start[2], wanted.start[3], self.roi.start[4]],
            wanted.stop,
        );
        let volume =
            self.reader.read(&wanted.relative_to(self.roi.start)).map_err(|error| error.to_string())?;
        let mut values = volume.to_f32();
        if let Some(Renormalization { from, to }) = self.renormalization {
            let slope = ((from.1 - from.0) / (to.1 - to.0)) as f32;
            values.mapv_inplace(|value| from.0 as f32 + (value - to.0 as f32) * slope);
        }
        let frame = values.index_axis(ArrayAxis(0), 0);
        let planes = frame.permuted_axes([3, 0, 1, 2]);
        Ok(Some((part, as_probabilities(self.source, planes, self.roi.start[4], classes))))
    }
}

/// Probabilities (`class, z, y, x`) that would give the result `planes` (`channel, z, y, x`), whose first channel is
/// number `first`.
fn as_probabilities(
    source: ExportSource,
    planes: ArrayView4<'_, f32>,
    first: usize,
    classes: usize,
) -> Array4<f32> {
    let (channels, z, y, x) = planes.dim();
    let mut probabilities = Array4::zeros((classes, z, y, x));
    match source {
        ExportSource::Probabilities => {
            let last = (first + channels).min(classes);
            let there = last.saturating_sub(first);
            probabilities.slice_mut(s![first.min(last)..last, .., .., ..]).assign(&planes.slice(s![
                ..there,
                ..,
                ..,
                ..
            ]));
        }
        ExportSource::SimpleSegmentation | ExportSource::Labels => {
            for ((_, z, y, x), &value) in planes.slice(s![..1, .., .., ..]).indexed_iter() {
                let class = value.round() as usize;
                if (1..=classes).contains(&class) {
                    probabilities[[class - 1, z, y, x]] = 1.0;
                }
            }
        }
        // The two likeliest differ by what is certain.
        ExportSource::Uncertainty if classes > 1 => {
            for ((_, z, y, x), &value) in planes.slice(s![..1, .., .., ..]).indexed_iter() {
                probabilities[[0, z, y, x]] = 1.0 - value / 2.0;
                probabilities[[1, z, y, x]] = value / 2.0;
            }
        }
        ExportSource::Uncertainty | ExportSource::Features => {}
    }
    probabilities
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DType, Roi, Volume};
    use crate::io::ImageSpec;
    use crate::pipeline::{simple_segmentation, uncertainty};
    use ndarray::Array5;

    /// Writes `image` (`tzyxc`) as a result of `source` and reads it back.
    fn back(
        folder: &tempfile::TempDir,
        source: ExportSource,
        image: Volume,
        request: &Request,
        format: &str,
    ) -> StoredResult {
        let sequence = format.ends_with("sequence");
        let path = folder.path().join(if sequence { "s{slice_index}.png" } else { "r.npy" });
        let axes: AxisOrder = "zyxc".parse().expect("axes");
        let spec = ImageSpec::new(axes.clone(), image.shape(), image.dtype());
        let mut writer = io::create(format, &path, &spec).expect("begun");
        writer.write([0; 5], &image).expect("written");
        writer.finish().expect("complete");
        let paths = match sequence {
            true => (0..image.shape()[1]).map(|z| folder.path().join(format!("s{z}.png"))).collect(),
            false => vec![path],
        };
        let report = OutputReport {
            source,
            paths,
            axes: axes.to_string(),
            shape: axes.pick(&image.shape()),
            dtype: "",
        };
        StoredResult::open(&report, request, SHAPE, 3).expect("opened")
    }

    fn probabilities() -> Array5<f32> {
        Array5::from_shape_fn((1, 2, 5, 6, 3), |(_, z, y, x, c)| match c {
            0 => (x as f32 + z as f32) / 8.0,
            1 => (1.0 - (x as f32 + z as f32) / 8.0) * y as f32 / 5.0,
            _ => (1.0 - (x as f32 + z as f32) / 8.0) * (1.0 - y as f32 / 5.0),
        })
    }

    const SHAPE: [usize; 5] = [1, 2, 5, 6, 1];

    fn expected() -> Array4<f32> {
        probabilities()
            .index_axis_move(ArrayAxis(0), 0)
            .permuted_axes([3, 0, 1, 2])
            .as_standard_layout()
            .into_owned()
    }

    #[test]
    fn probabilities_come_back_from_bytes_and_cutouts() {
        let region = Roi::new([1, 0, 0], [2, 5, 6]);
        let folder = tempfile::tempdir().expect("a folder");
        let plain =
            back(&folder, ExportSource::Probabilities, probabilities().into(), &Request::default(), "numpy");
        let (part, read) = plain.read(0, &region, 3).expect("read").expect("some");
        assert_eq!(part, region);
        assert_eq!(read, expected().slice(s![.., 1..2, .., ..]));

        let request = Request {
            subregion: super::super::Subregion::parse("[(0,1,2,1),(2,5,6,3)]").ok(),
            renormalization: Some(Renormalization { from: (0.0, 1.0), to: (0.0, 255.0) }),
            ..Request::default()
        };
        let cut = probabilities().slice(s![.., .., 1..5, 2..6, 1..3]).mapv(|p| (255.0 * p).round() as u8);
        let result = back(&folder, ExportSource::Probabilities, Volume::from(cut), &request, "numpy");
        let (part, read) = result.read(0, &region, 3).expect("read").expect("some");
        assert_eq!(part, Roi::new([1, 1, 2], [2, 5, 6]));
        let expected = expected();
        for ((class, _, y, x), &p) in read.indexed_iter() {
            let wanted = if class == 0 { 0.0 } else { expected[[class, 1, y + 1, x + 2]] };
            assert!((p - wanted).abs() < 0.003, "{p} for {wanted}");
        }
        assert!(result.read(0, &Roi::new([0, 0, 0], [1, 1, 6]), 3).expect("read").is_none(), "outside");
    }

    #[test]
    fn what_is_derived_from_a_result_is_the_result() {
        let folder = tempfile::tempdir().expect("a folder");
        let whole = Roi::whole([2, 5, 6]);
        let segmentation = simple_segmentation(expected().view());
        let image = segmentation.clone().insert_axis(ArrayAxis(0)).insert_axis(ArrayAxis(4));
        for format in ["numpy", "png sequence"] {
            let source = ExportSource::SimpleSegmentation;
            let result = back(&folder, source, image.clone().into(), &Request::default(), format);
            let (_, read) = result.read(0, &whole, 3).expect("read").expect("some");
            assert_eq!(simple_segmentation(read.view()), segmentation, "{format}");
        }
        let unsure = uncertainty(expected().view());
        let image = unsure.clone().insert_axis(ArrayAxis(0)).insert_axis(ArrayAxis(4));
        let result = back(&folder, ExportSource::Uncertainty, image.into(), &Request::default(), "numpy");
        let (_, read) = result.read(0, &whole, 3).expect("read").expect("some");
        for (found, wanted) in uncertainty(read.view()).iter().zip(&unsure) {
            assert!((found - wanted).abs() < 1e-6);
        }
    }

    #[test]
    fn a_file_of_another_shape_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("r.npy");
        let spec = ImageSpec::new("yxc".parse().expect("axes"), [1, 1, 5, 6, 2], DType::U8);
        let mut writer = io::create("numpy", &path, &spec).expect("begun");
        writer.write([0; 5], &Volume::zeros(DType::U8, [1, 1, 5, 6, 2])).expect("written");
        writer.finish().expect("complete");
        let report = OutputReport {
            source: ExportSource::Probabilities,
            paths: vec![path.clone()],
            axes: "yxc".into(),
            shape: vec![5, 6, 2],
            dtype: "uint8",
        };
        let error =
            StoredResult::open(&report, &Request::default(), [1, 1, 5, 6, 1], 3).expect_err("another shape");
        assert!(error.contains("not [1, 1, 5, 6, 3] as it was written"), "{error}");
        std::fs::remove_file(&path).expect("removed");
        assert!(StoredResult::open(&report, &Request::default(), [1, 1, 5, 6, 1], 3).is_err(), "gone");
    }
}
