//! `G(t) * p - G(0.66 t) * p`, wide minus narrow.

use super::super::filter::{
    Filter, FilterGroup, OutPlanes, SpatialDims, Term, TermPlanes, TermSet, combine_lanes,
};
use super::super::simd::{InstructionSet, Lanes};
use super::{Formula, apply};

/// The smoothed image minus a less smoothed one.
pub struct DifferenceOfGaussians;

impl Filter for DifferenceOfGaussians {
    fn id(&self) -> &'static str {
        "DifferenceOfGaussians"
    }
    fn title(&self) -> &'static str {
        "Difference of Gaussians"
    }
    fn group(&self) -> FilterGroup {
        FilterGroup::Edge
    }
    fn channels(&self, _: SpatialDims) -> usize {
        1
    }
    fn terms(&self, _: SpatialDims) -> TermSet {
        TermSet::of(&[Term::Smooth, Term::Narrow])
    }
    fn combine(&self, set: InstructionSet, terms: &TermPlanes<'_>, out: &mut OutPlanes<'_>) {
        apply::<Self>(set, terms, out);
    }
}

impl Formula for DifferenceOfGaussians {
    #[inline(always)]
    fn apply<L: Lanes>(lanes: L, terms: &TermPlanes<'_>, out: &mut OutPlanes<'_>) {
        combine_lanes(lanes, terms, out, [Term::Smooth, Term::Narrow], |[wide, narrow]| {
            [lanes.sub(wide, narrow)]
        });
    }
}
