//! Values of options in ilastik's notation: `(0,255)`, `[(0,10,10,0),(5,60,60,None)]`.

use std::fmt;

use crate::data::{Axis, AxisOrder, Roi5};

/// Why an option's value can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// Not a pair of numbers.
    #[error("'{0}' is not a range; write it like (0,255), the lower value first")]
    Range(String),
    /// Not two tuples of one length.
    #[error("'{0}' is not a subregion; write start and stop like [(0,10,10,0),(5,60,60,None)]")]
    Subregion(String),
    /// Another number of axes than the image has.
    #[error("the subregion has {found} axes; this image takes {} ({axes}), stop exclusive, None for all", axes.len())]
    Axes {
        /// Axes in the subregion.
        found: usize,
        /// Axes of the image, in order.
        axes: String,
    },
    /// No pixel.
    #[error("the subregion is empty along {axis}: the image has {size}")]
    Empty {
        /// The axis.
        axis: char,
        /// Its size in the image.
        size: usize,
    },
    /// Channels can't be cut out of some outputs only.
    #[error("the subregion leaves out channels of '{0}', which are written whole; use None for c")]
    Channels(&'static str),
    /// Not an amount of memory.
    #[error("'{0}' is not an amount of memory; write it like 512M or 2G")]
    Memory(String),
}

/// A pair such as `(0.0,1.0)`, brackets and spaces at will.
///
/// # Errors
/// Not two finite numbers, the lower first.
pub fn parse_range(text: &str) -> Result<(f64, f64), OptionError> {
    let error = || OptionError::Range(text.to_owned());
    let inner = text.trim().trim_matches(|c: char| "()[]".contains(c) || c.is_whitespace());
    let (low, high) = inner.split_once(',').ok_or_else(error)?;
    let number = |part: &str| part.trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(error);
    let (low, high) = (number(low)?, number(high)?);
    if low < high { Ok((low, high)) } else { Err(error()) }
}

/// Bytes from `512M`, `2G`, `1.5GiB`, `1000000`.
///
/// # Errors
/// Not a positive number with one of these units.
pub fn parse_memory(text: &str) -> Result<u64, OptionError> {
    let error = || OptionError::Memory(text.to_owned());
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" | "kib" => 1024.0,
        "m" | "mb" | "mib" => 1024.0 * 1024.0,
        "g" | "gb" | "gib" => 1024.0 * 1024.0 * 1024.0,
        "t" | "tb" | "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return Err(error()),
    };
    let bytes = number.parse::<f64>().map_err(|_| error())? * factor;
    if bytes >= 1.0 && bytes < u64::MAX as f64 { Ok(bytes as u64) } else { Err(error()) }
}

/// Start and stop of a cutout as given, before it is known which axes they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subregion {
    start: Vec<Option<usize>>,
    stop: Vec<Option<usize>>,
}

impl Subregion {
    /// Parses `[(0,10,10,0),(5,60,60,None)]`.
    ///
    /// # Errors
    /// Not two tuples of one length.
    pub fn parse(text: &str) -> Result<Self, OptionError> {
        let error = || OptionError::Subregion(text.to_owned());
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let inner = compact.strip_prefix(['[', '(']).unwrap_or(&compact);
        let (first, second) =
            inner.split_once("),(").or_else(|| inner.split_once("],[")).ok_or_else(error)?;
        let tuple = |part: &str| -> Result<Vec<Option<usize>>, OptionError> {
            part.trim_matches(|c: char| "()[]".contains(c))
                .trim_end_matches(',')
                .split(',')
                .map(|entry| match entry {
                    "None" | "none" => Ok(None),
                    number => number.parse().map(Some).map_err(|_| error()),
                })
                .collect()
        };
        let (start, stop) = (tuple(first)?, tuple(second)?);
        if start.len() == stop.len() { Ok(Subregion { start, stop }) } else { Err(error()) }
    }

    /// A cutout of these bounds, one pair for each axis, `None` for the image's own; `None` when the
    /// two differ in length or are empty.
    pub fn from_bounds(start: Vec<Option<usize>>, stop: Vec<Option<usize>>) -> Option<Self> {
        (start.len() == stop.len() && !start.is_empty()).then_some(Subregion { start, stop })
    }

    /// Start and stop of each axis, `None` for the image's own.
    pub fn bounds(&self) -> [&[Option<usize>]; 2] {
        [&self.start, &self.stop]
    }

    /// The box (`tzyxc`) for an image of `shape` (`tzyxc`) whose result has `channels` channels, clipped
    /// to the image, and whether it had to be clipped.
    ///
    /// The axes are ilastik's internal ones: of `tzyx` those longer than 1 (x and y always), then `c`;
    /// the `c` entry may be left out. A subregion of five entries is `tzyxc`.
    ///
    /// # Errors
    /// Another number of axes, or an empty box.
    pub fn resolve(&self, shape: [usize; 5], channels: usize) -> Result<(Roi5, bool), OptionError> {
        let axes = internal_axes(shape);
        let axes = match self.start.len() {
            5 => AxisOrder::canonical().axes().to_vec(),
            n if n == axes.len() => axes,
            n if n + 1 == axes.len() => axes[..n].to_vec(),
            found => {
                let axes = axes.iter().map(|axis| axis.key()).collect();
                return Err(OptionError::Axes { found, axes });
            }
        };
        let whole = [shape[0], shape[1], shape[2], shape[3], channels];
        let mut roi = Roi5::whole(whole);
        let mut clipped = false;
        for (i, axis) in axes.into_iter().enumerate() {
            let at = axis as usize;
            let (start, stop) = (self.start[i].unwrap_or(0), self.stop[i].unwrap_or(whole[at]));
            clipped |= stop > whole[at];
            (roi.start[at], roi.stop[at]) = (start, stop.min(whole[at]));
            if roi.start[at] >= roi.stop[at] {
                return Err(OptionError::Empty { axis: axis.key(), size: whole[at] });
            }
        }
        Ok((roi, clipped))
    }
}

impl std::str::FromStr for Subregion {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        Subregion::parse(text)
    }
}

impl fmt::Display for Subregion {
    /// In ilastik's notation, as it is parsed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tuple = |bounds: &[Option<usize>]| {
            let entries = bounds.iter().map(|n| n.map_or("None".to_owned(), |n| n.to_string()));
            format!("({})", entries.collect::<Vec<_>>().join(","))
        };
        write!(f, "[{},{}]", tuple(&self.start), tuple(&self.stop))
    }
}

/// ilastik's internal axes for an image of `shape` (`tzyxc`): singletons of `t` and `z` dropped, `c` last.
pub fn internal_axes(shape: [usize; 5]) -> Vec<Axis> {
    Axis::ALL
        .into_iter()
        .filter(|&axis| matches!(axis, Axis::Y | Axis::X | Axis::C) || shape[axis as usize] > 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Roi;

    #[test]
    fn reads_ilastiks_notation() {
        assert_eq!(parse_range("(0.0, 1.0)"), Ok((0.0, 1.0)));
        assert_eq!(parse_range("[0,255]"), Ok((0.0, 255.0)));
        assert!(parse_range("(1,0)").is_err());
        assert!(parse_range("255").is_err());
        assert_eq!(parse_memory("512M"), Ok(512 << 20));
        assert_eq!(parse_memory("1.5 GiB"), Ok(3 << 29));
        assert!(parse_memory("lots").is_err());
        assert!(parse_memory("0").is_err());
    }

    #[test]
    fn subregions_count_ilastiks_axes() {
        let region = Subregion::parse("[(0,10,10,0),(5,60,None,None)]").expect("valid");
        let (roi, clipped) = region.resolve([1, 20, 50, 70, 1], 2).expect("fits");
        assert_eq!(roi, Roi::new([0, 0, 10, 10, 0], [1, 5, 50, 70, 2]));
        assert!(clipped);
        let plane = Subregion::parse("[(1, 2), (3, 4)]").expect("valid");
        assert_eq!(
            plane.resolve([1, 1, 5, 5, 3], 2).expect("fits").0,
            Roi::new([0, 0, 1, 2, 0], [1, 1, 3, 4, 2])
        );
        assert!(matches!(
            plane.resolve([2, 9, 5, 5, 1], 2),
            Err(OptionError::Axes { found: 2, axes }) if axes == "tzyxc"
        ));
        assert!(matches!(
            Subregion::parse("[(3,3,0),(3,9,1)]").and_then(|r| r.resolve([1, 1, 5, 5, 1], 2)),
            Err(OptionError::Empty { axis: 'y', size: 5 })
        ));
        assert!(Subregion::parse("[(0,0),(1,1,1)]").is_err());
        assert_eq!(region.to_string(), "[(0,10,10,0),(5,60,None,None)]");
        assert_eq!(Subregion::parse(&region.to_string()), Ok(region));
        assert!(Subregion::parse("0,0,1,1").is_err());
    }
}
