//! What is derived from probabilities: segmentation, uncertainty, masking, and the names of it all.

use std::fmt;
use std::str::FromStr;

use ndarray::{Array3, Array5, ArrayView3, ArrayView4, ArrayViewMut4, Axis as ArrayAxis, Zip};
use serde::{Deserialize, Serialize};

use crate::data::volume::Sample;
use crate::data::{DType, Volume};
use crate::with_volume;

/// What can be exported, by ilastik's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ExportSource {
    /// One channel for each class, 0 to 1.
    Probabilities,
    /// Number (from 1) of the likeliest class, 0 where nothing is predicted.
    #[serde(rename = "Simple Segmentation")]
    SimpleSegmentation,
    /// 1 - (highest - second highest probability).
    Uncertainty,
    /// Every feature channel.
    Features,
    /// The project's labels.
    Labels,
}

/// A name that is no export source.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "'{0}' can't be exported; use one of Probabilities, Simple Segmentation, Uncertainty, Features, Labels"
)]
pub struct UnknownSource(pub String);

impl ExportSource {
    /// All sources, in ilastik's order.
    pub const ALL: [ExportSource; 5] = [
        ExportSource::Probabilities,
        ExportSource::SimpleSegmentation,
        ExportSource::Uncertainty,
        ExportSource::Features,
        ExportSource::Labels,
    ];

    /// ilastik's name, which also stands for `{result_type}` in file names.
    pub fn name(self) -> &'static str {
        match self {
            ExportSource::Probabilities => "Probabilities",
            ExportSource::SimpleSegmentation => "Simple Segmentation",
            ExportSource::Uncertainty => "Uncertainty",
            ExportSource::Features => "Features",
            ExportSource::Labels => "Labels",
        }
    }

    /// Sample type before any conversion.
    pub fn dtype(self) -> DType {
        match self {
            ExportSource::Probabilities | ExportSource::Uncertainty | ExportSource::Features => DType::F32,
            ExportSource::SimpleSegmentation | ExportSource::Labels => DType::U8,
        }
    }

    /// Number of channels, for a project of `classes` classes and `features` feature channels.
    pub fn channels(self, classes: usize, features: usize) -> usize {
        match self {
            ExportSource::Probabilities => classes,
            ExportSource::Features => features,
            _ => 1,
        }
    }

    /// Lowest and highest value, where fixed.
    pub fn data_range(self) -> Option<(f64, f64)> {
        matches!(self, ExportSource::Probabilities | ExportSource::Uncertainty).then_some((0.0, 1.0))
    }

    /// ilastik's display mode of the files; `None` is that of the image.
    pub fn display_mode(self) -> Option<&'static str> {
        (self != ExportSource::Labels).then_some("grayscale")
    }

    /// Whether it takes a forest.
    pub fn needs_forest(self) -> bool {
        !matches!(self, ExportSource::Features | ExportSource::Labels)
    }
}

impl fmt::Display for ExportSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ExportSource {
    type Err = UnknownSource;

    /// In any case, as ilastik's command line takes it.
    fn from_str(name: &str) -> Result<Self, UnknownSource> {
        ExportSource::ALL
            .into_iter()
            .find(|source| source.name().eq_ignore_ascii_case(name.trim()))
            .ok_or_else(|| UnknownSource(name.to_owned()))
    }
}

/// The number (from 1) of the likeliest class of each pixel (`zyx`), the lowest on ties, 0 where every
/// probability is 0. `probabilities` has axes `class, z, y, x`.
pub fn simple_segmentation(probabilities: ArrayView4<'_, f32>) -> Array3<u8> {
    let (_, z, y, x) = probabilities.dim();
    let mut best = Array3::<f32>::zeros((z, y, x));
    let mut segmentation = Array3::zeros((z, y, x));
    for (class, plane) in probabilities.outer_iter().enumerate() {
        let number = u8::try_from(class + 1).unwrap_or(u8::MAX);
        Zip::from(&mut segmentation).and(&mut best).and(&plane).for_each(|label, best, &p| {
            if p > *best {
                (*label, *best) = (number, p);
            }
        });
    }
    segmentation
}

/// 1 - (highest - second highest probability) of each pixel (`zyx`), 0 everywhere with a single class.
/// `probabilities` has axes `class, z, y, x`.
///
/// Where nothing is predicted (masked pixels) the formula gives 1, as in ilastik.
pub fn uncertainty(probabilities: ArrayView4<'_, f32>) -> Array3<f32> {
    let (classes, z, y, x) = probabilities.dim();
    if classes < 2 {
        return Array3::zeros((z, y, x));
    }
    let mut first = Array3::<f32>::zeros((z, y, x));
    let mut second = Array3::<f32>::zeros((z, y, x));
    for plane in probabilities.outer_iter() {
        Zip::from(&mut first).and(&mut second).and(&plane).for_each(|first, second, &p| {
            *second = second.max(first.min(p));
            *first = first.max(p);
        });
    }
    first.zip_mut_with(&second, |first, &second| *first = 1.0 - (*first - second));
    first
}

/// Which pixels (`zyx`) of a mask's first time point are to be predicted: those where any channel is
/// not 0.
pub fn mask_of(mask: &Volume) -> Array3<bool> {
    fn any<T: Sample>(array: &Array5<T>) -> Array3<bool> {
        array
            .index_axis(ArrayAxis(0), 0)
            .map_axis(ArrayAxis(3), |channels| channels.iter().any(|value| value.as_f64() != 0.0))
    }
    with_volume!(mask, array => any(array))
}

/// Sets all classes to 0 where `mask` (`zyx`) is false. `probabilities` has axes `class, z, y, x`.
pub fn apply_mask(mut probabilities: ArrayViewMut4<'_, f32>, mask: ArrayView3<'_, bool>) {
    for mut plane in probabilities.outer_iter_mut() {
        plane.zip_mut_with(&mask, |p, &keep| {
            if !keep {
                *p = 0.0;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array4;

    fn pixels(rows: &[&[f32]]) -> Array4<f32> {
        Array4::from_shape_fn((rows[0].len(), 1, 1, rows.len()), |(c, _, _, x)| rows[x][c])
    }

    #[test]
    fn the_lowest_class_wins_a_tie_and_nothing_gives_zero() {
        let p = pixels(&[&[0.5, 0.5, 0.0], &[0.2, 0.3, 0.5], &[0.0, 0.0, 0.0], &[0.0, 0.5, 0.5]]);
        assert_eq!(simple_segmentation(p.view()).into_raw_vec_and_offset().0, [1, 3, 0, 2]);
    }

    #[test]
    fn uncertainty_is_one_minus_the_margin_of_the_top_two() {
        let p = pixels(&[&[0.5, 0.5, 0.0], &[0.25, 0.0, 0.75], &[0.0, 0.0, 0.0], &[1.0, 0.0, 0.0]]);
        assert_eq!(uncertainty(p.view()).into_raw_vec_and_offset().0, [1.0, 0.5, 1.0, 0.0]);
        let one = pixels(&[&[1.0], &[0.0]]);
        assert_eq!(uncertainty(one.view()).into_raw_vec_and_offset().0, [0.0, 0.0]);
    }

    #[test]
    fn any_mask_channel_counts() {
        let mask = Array5::from_shape_vec((1, 1, 1, 3, 2), vec![0u8, 0, 0, 7, 255, 0]).expect("shape");
        let mask = mask_of(&Volume::from(mask));
        assert_eq!(mask.iter().copied().collect::<Vec<_>>(), [false, true, true]);
        let mut p = pixels(&[&[0.5, 0.5], &[0.25, 0.75], &[1.0, 0.0]]);
        apply_mask(p.view_mut(), mask.view());
        assert_eq!(p, pixels(&[&[0.0, 0.0], &[0.25, 0.75], &[1.0, 0.0]]));
    }

    #[test]
    fn names_are_ilastiks_in_any_case() {
        for source in ExportSource::ALL {
            assert_eq!(source.name().to_uppercase().parse(), Ok(source));
        }
        assert!("Probabilites".parse::<ExportSource>().is_err());
    }
}
