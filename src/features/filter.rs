//! What a filter declares, and the ordered slice of all filters.
//!
//! A filter is one file in `filters/` and one line in [`FILTERS`]: it names the [`Term`]s it needs of the
//! presmoothed image and how a pixel's channels follow from them. Terms are computed once for all filters.

use super::filters;
use super::simd::{InstructionSet, LANES, Lanes};

/// Whether filters see slices or volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpatialDims {
    /// Slice by slice in x and y.
    Two,
    /// In x, y and z.
    Three,
}

impl SpatialDims {
    /// Number of axes, which is also the number of eigenvalues.
    pub fn count(self) -> usize {
        match self {
            SpatialDims::Two => 2,
            SpatialDims::Three => 3,
        }
    }
}

/// ilastik's groups of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilterGroup {
    /// Intensity.
    ColorIntensity,
    /// Edges.
    Edge,
    /// Texture.
    Texture,
}

impl FilterGroup {
    /// ilastik's words for the group.
    pub fn title(self) -> &'static str {
        match self {
            FilterGroup::ColorIntensity => "Color/Intensity",
            FilterGroup::Edge => "Edge",
            FilterGroup::Texture => "Texture",
        }
    }
}

/// A plane derived from the presmoothed image at filter scale `t`, `t = min(sigma, 1)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
#[allow(missing_docs)]
pub enum Term {
    /// Smoothed with `t`.
    Smooth,
    /// Derivatives with `t`.
    X,
    Y,
    Z,
    Xx,
    Yy,
    Zz,
    Xy,
    Xz,
    Yz,
    /// Smoothed with `0.66 t`.
    Narrow,
    /// Products of derivatives with `0.5 t`, smoothed with `t`.
    TensorXx,
    TensorYy,
    TensorZz,
    TensorXy,
    TensorXz,
    TensorYz,
}

/// Number of [`Term`]s.
pub(super) const TERM_COUNT: usize = Term::TensorYz as usize + 1;

/// A set of terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TermSet(u32);

impl TermSet {
    /// The terms in `terms`.
    pub const fn of(terms: &[Term]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < terms.len() {
            bits |= 1 << terms[i] as u32;
            i += 1;
        }
        TermSet(bits)
    }

    /// Terms in either set.
    pub const fn union(self, other: Self) -> Self {
        TermSet(self.0 | other.0)
    }

    /// Whether `term` is in the set.
    pub const fn contains(self, term: Term) -> bool {
        self.0 & (1 << term as u32) != 0
    }

    /// Whether some of `terms` are in the set.
    pub const fn intersects(self, terms: &[Term]) -> bool {
        self.0 & TermSet::of(terms).0 != 0
    }
}

/// A filter of the bank.
pub trait Filter: Sync {
    /// ilastik's id, stored in project files; never changes.
    fn id(&self) -> &'static str;
    /// ilastik's words for it.
    fn title(&self) -> &'static str;
    /// The group it is offered in.
    fn group(&self) -> FilterGroup;
    /// Channels per input channel.
    fn channels(&self, dims: SpatialDims) -> usize;
    /// The smallest sigma it is offered at.
    fn minimum_scale(&self) -> f64 {
        0.7
    }
    /// Reach of its kernels in sigmas; the same for all filters, as they share terms.
    fn window_size(&self) -> f64 {
        FILTER_WINDOW
    }
    /// The terms it needs.
    fn terms(&self, dims: SpatialDims) -> TermSet;
    /// Computes its channels from the terms.
    fn combine(&self, set: InstructionSet, terms: &TermPlanes<'_>, out: &mut OutPlanes<'_>);
}

/// Reach of the filters' kernels in sigmas.
pub(super) const FILTER_WINDOW: f64 = 2.0;

/// All filters in the order of the selection matrix's rows.
pub const FILTERS: [&dyn Filter; 6] = [
    &filters::GaussianSmoothing,
    &filters::LaplacianOfGaussian,
    &filters::GaussianGradientMagnitude,
    &filters::DifferenceOfGaussians,
    &filters::StructureTensorEigenvalues,
    &filters::HessianOfGaussianEigenvalues,
];

/// The terms of a piece of one slice, each `rows` rows of `stride` floats.
pub struct TermPlanes<'a> {
    pub(super) data: &'a [f32],
    pub(super) dims: SpatialDims,
    pub(super) rows: usize,
    pub(super) stride: usize,
}

impl TermPlanes<'_> {
    /// Whether the terms were taken from slices or from a volume.
    pub(super) fn dims(&self) -> SpatialDims {
        self.dims
    }

    fn plane(&self, term: Term) -> &[f32] {
        let len = self.rows * self.stride;
        &self.data[term as usize * len..][..len]
    }
}

/// Where a filter's channels go: `rows` rows of `width` pixels in planes `plane_stride` apart.
pub struct OutPlanes<'a> {
    pub(super) data: &'a mut [f32],
    pub(super) width: usize,
    pub(super) row_stride: usize,
    pub(super) plane_stride: usize,
}

/// Computes `N` channels from `M` terms, eight pixels at a time.
///
/// Loops stand where `array::map` would read better: closures inside of library calls are not always
/// inlined, and code that is not inlined here is compiled without the wide instructions.
#[inline(always)]
#[allow(clippy::needless_range_loop)]
pub(super) fn combine_lanes<L: Lanes, const M: usize, const N: usize>(
    lanes: L,
    terms: &TermPlanes<'_>,
    out: &mut OutPlanes<'_>,
    needed: [Term; M],
    f: impl Fn([L::V; M]) -> [L::V; N],
) {
    let planes = needed.map(|term| terms.plane(term));
    let mut outs = out.data.chunks_mut(out.plane_stride);
    let outs: [&mut [f32]; N] = std::array::from_fn(|_| outs.next().unwrap_or_default());
    let vectors = out.width.div_ceil(LANES);
    for row in 0..terms.rows {
        let mut rows = [&[] as &[[f32; LANES]]; M];
        for (row_of, plane) in rows.iter_mut().zip(&planes) {
            *row_of = &plane[row * terms.stride..][..terms.stride].as_chunks().0[..vectors];
        }
        for i in 0..vectors {
            let mut values = [lanes.splat(0.0); M];
            for k in 0..M {
                values[k] = lanes.load(&rows[k][i]);
            }
            let channels = f(values);
            let (at, end) = (row * out.row_stride + i * LANES, row * out.row_stride + out.width);
            if at + LANES <= end {
                for k in 0..N {
                    if let Some(to) = outs[k][at..].first_chunk_mut() {
                        lanes.store(channels[k], to);
                    }
                }
            } else {
                for k in 0..N {
                    let mut last = [0.0; LANES];
                    lanes.store(channels[k], &mut last);
                    outs[k][at..end].copy_from_slice(&last[..end - at]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::selection::FILTER_IDS;
    use super::*;

    #[test]
    fn order_is_that_of_the_selection_matrix() {
        assert_eq!(FILTERS.map(Filter::id), FILTER_IDS);
    }

    #[test]
    fn declarations_fit_the_bank() {
        for filter in FILTERS {
            assert!(filter.minimum_scale() > 0.0, "{}", filter.id());
            assert_eq!(filter.window_size(), FILTER_WINDOW, "{}", filter.id());
            for dims in [SpatialDims::Two, SpatialDims::Three] {
                assert!((1..=3).contains(&filter.channels(dims)), "{}", filter.id());
                assert_ne!(filter.terms(dims), TermSet::default(), "{}", filter.id());
            }
            let in_z =
                [Term::Z, Term::Zz, Term::Xz, Term::Yz, Term::TensorZz, Term::TensorXz, Term::TensorYz];
            assert!(!filter.terms(SpatialDims::Two).intersects(&in_z), "{}", filter.id());
        }
    }
}
