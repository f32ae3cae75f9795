//! Sum of the second derivatives along each axis, without scale normalisation.

use super::super::filter::{
    Filter, FilterGroup, OutPlanes, SpatialDims, Term, TermPlanes, TermSet, combine_lanes,
};
use super::super::simd::{InstructionSet, Lanes};
use super::{Formula, apply};

/// Laplacian of the smoothed image.
pub struct LaplacianOfGaussian;

impl Filter for LaplacianOfGaussian {
    fn id(&self) -> &'static str {
        "LaplacianOfGaussian"
    }
    fn title(&self) -> &'static str {
        "Laplacian of Gaussian"
    }
    fn group(&self) -> FilterGroup {
        FilterGroup::Edge
    }
    fn channels(&self, _: SpatialDims) -> usize {
        1
    }
    fn terms(&self, dims: SpatialDims) -> TermSet {
        match dims {
            SpatialDims::Two => TermSet::of(&[Term::Xx, Term::Yy]),
            SpatialDims::Three => TermSet::of(&[Term::Xx, Term::Yy, Term::Zz]),
        }
    }
    fn combine(&self, set: InstructionSet, terms: &TermPlanes<'_>, out: &mut OutPlanes<'_>) {
        apply::<Self>(set, terms, out);
    }
}

impl Formula for LaplacianOfGaussian {
    #[inline(always)]
    fn apply<L: Lanes>(lanes: L, terms: &TermPlanes<'_>, out: &mut OutPlanes<'_>) {
        match terms.dims() {
            SpatialDims::Two => {
                combine_lanes(lanes, terms, out, [Term::Xx, Term::Yy], |[xx, yy]| [lanes.add(xx, yy)]);
            }
            SpatialDims::Three => {
                combine_lanes(lanes, terms, out, [Term::Xx, Term::Yy, Term::Zz], |[xx, yy, zz]| {
                    [lanes.add(lanes.add(xx, yy), zz)]
                });
            }
        }
    }
}
