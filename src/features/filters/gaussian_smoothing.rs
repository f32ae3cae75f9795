//! `G(t) * p`.

use super::super::filter::{
    Filter, FilterGroup, OutPlanes, SpatialDims, Term, TermPlanes, TermSet, combine_lanes,
};
use super::super::simd::{InstructionSet, Lanes};
use super::{Formula, apply};

/// The image, smoothed.
pub struct GaussianSmoothing;

impl Filter for GaussianSmoothing {
    fn id(&self) -> &'static str {
        "GaussianSmoothing"
    }
    fn title(&self) -> &'static str {
        "Gaussian Smoothing"
    }
    fn group(&self) -> FilterGroup {
        FilterGroup::ColorIntensity
    }
    fn channels(&self, _: SpatialDims) -> usize {
        1
    }
    fn minimum_scale(&self) -> f64 {
        0.3
    }
    fn terms(&self, _: SpatialDims) -> TermSet {
        TermSet::of(&[Term::Smooth])
    }
    fn combine(&self, set: InstructionSet, terms: &TermPlanes<'_>, out: &mut OutPlanes<'_>) {
        apply::<Self>(set, terms, out);
    }
}

impl Formula for GaussianSmoothing {
    #[inline(always)]
    fn apply<L: Lanes>(lanes: L, terms: &TermPlanes<'_>, out: &mut OutPlanes<'_>) {
        combine_lanes(lanes, terms, out, [Term::Smooth], |smooth| smooth);
    }
}
