//! Which features to train on, as the command line names them.

use crate::features::FeatureSelection;
use crate::features::selection::FILTER_IDS;

/// Features asked for; what they are depends on the image.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum FeatureChoice {
    /// ilastik's 37 features, as far as they fit.
    #[default]
    All,
    /// A selection, as of a project.
    Selection(FeatureSelection),
    /// Filters (rows of the selection matrix) at scales.
    Cells(Vec<(usize, f64)>),
}

/// Why a text names no features.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureSpecError {
    /// Not filters with scales.
    #[error(
        "'{0}' is not a filter with scales; write it like GaussianSmoothing:0.3,1.0 HessianOfGaussianEigenvalues:1.6"
    )]
    Form(String),
    /// No such filter.
    #[error("'{name}' is not a filter; use one of {}", FILTER_IDS.join(", "))]
    Filter {
        /// The name given.
        name: String,
    },
    /// Several filters begin so, or have it in their names.
    #[error("'{name}' may be {}; write more of it", candidates.join(" or "))]
    Ambiguous {
        /// The name given.
        name: String,
        /// The filters it may be.
        candidates: Vec<&'static str>,
    },
    /// Not a scale.
    #[error(
        "'{0}' is not a scale; scales are numbers from 0.3 on, and from 0.7 on for all filters but GaussianSmoothing"
    )]
    Scale(String),
}

impl FeatureChoice {
    /// Parses `FILTER:SCALE,SCALE FILTER:SCALE`; filters by their ids, in any case, or the beginning or
    /// a part of one; `all` is everything.
    ///
    /// # Errors
    /// Not of that form, an unknown filter, or a scale that is none.
    pub fn parse(text: &str) -> Result<Self, FeatureSpecError> {
        if text.trim().eq_ignore_ascii_case("all") {
            return Ok(FeatureChoice::All);
        }
        let mut cells = Vec::new();
        for part in text.split([' ', ';']).filter(|part| !part.is_empty()) {
            let (name, scales) =
                part.split_once(':').ok_or_else(|| FeatureSpecError::Form(part.to_owned()))?;
            let row = filter_row(name)?;
            let lowest = if row == 0 { 0.3 } else { 0.7 };
            for scale in scales.split(',') {
                let sigma =
                    scale.trim().parse::<f64>().ok().filter(|s| s.is_finite() && *s >= lowest && *s <= 1e4);
                cells.push((row, sigma.ok_or_else(|| FeatureSpecError::Scale(scale.to_owned()))?));
            }
        }
        if cells.is_empty() {
            Err(FeatureSpecError::Form(text.to_owned()))
        } else {
            Ok(FeatureChoice::Cells(cells))
        }
    }

    /// The selection for images of `shape` (`zyx`).
    pub fn selection(&self, shape: [usize; 3]) -> FeatureSelection {
        match self {
            FeatureChoice::All => FeatureSelection::all_fitting(shape),
            FeatureChoice::Selection(selection) => selection.clone(),
            FeatureChoice::Cells(cells) => {
                let mut scales: Vec<f64> = cells.iter().map(|&(_, scale)| scale).collect();
                scales.sort_by(f64::total_cmp);
                scales.dedup();
                let has = |row: usize, scale: f64| cells.contains(&(row, scale));
                FeatureSelection {
                    compute_in_2d: vec![shape[0] == 1; scales.len()],
                    selected: std::array::from_fn(|row| {
                        scales.iter().map(|&scale| has(row, scale)).collect()
                    }),
                    scales,
                    unused_channels: Vec::new(),
                }
            }
        }
    }
}

/// The row of the filter that `name` means.
fn filter_row(name: &str) -> Result<usize, FeatureSpecError> {
    let plain = |text: &str| text.replace(['-', '_'], "").to_ascii_lowercase();
    let wanted = plain(name);
    let named = |is_so: fn(&str, &str) -> bool| -> Vec<usize> {
        let all = 0..FILTER_IDS.len();
        all.filter(|&row| !wanted.is_empty() && is_so(&plain(FILTER_IDS[row]), &wanted)).collect()
    };
    let mut rows = named(|id, wanted| id.starts_with(wanted));
    if rows.is_empty() {
        rows = named(|id, wanted| id.contains(wanted));
    }
    match rows[..] {
        [row] => Ok(row),
        [] => Err(FeatureSpecError::Filter { name: name.to_owned() }),
        _ => Err(FeatureSpecError::Ambiguous {
            name: name.to_owned(),
            candidates: rows.iter().map(|&row| FILTER_IDS[row]).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_may_be_shortened() {
        let choice = FeatureChoice::parse("gaussian-smoothing:0.3,1.0 hess:1.0").expect("valid");
        let selection = choice.selection([1, 50, 50]);
        assert_eq!(selection.scales, [0.3, 1.0]);
        assert_eq!(selection.selected[0], [true, true]);
        assert_eq!(selection.selected[5], [false, true]);
        assert_eq!((selection.count(), &selection.compute_in_2d[..]), (3, &[true, true][..]));
        assert_eq!(FeatureChoice::parse("smoothing:0.3,1.0 hessian:1.0"), Ok(choice));
        assert_eq!(FeatureChoice::parse("ALL"), Ok(FeatureChoice::All));
    }

    #[test]
    fn mistakes_are_named() {
        assert!(matches!(FeatureChoice::parse("gauss:1"), Err(FeatureSpecError::Ambiguous { .. })));
        assert!(matches!(FeatureChoice::parse("eigenvalues:1"), Err(FeatureSpecError::Ambiguous { .. })));
        assert!(matches!(FeatureChoice::parse("sobel:1"), Err(FeatureSpecError::Filter { .. })));
        assert!(matches!(FeatureChoice::parse("hess"), Err(FeatureSpecError::Form(_))));
        assert!(matches!(FeatureChoice::parse("hess:0.3"), Err(FeatureSpecError::Scale(_))));
        assert!(matches!(FeatureChoice::parse(""), Err(FeatureSpecError::Form(_))));
    }
}
