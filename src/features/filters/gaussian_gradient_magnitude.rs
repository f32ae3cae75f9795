//! Length of the gradient of the smoothed image.

use super::super::filter::{
    Filter, FilterGroup, OutPlanes, SpatialDims, Term, TermPlanes, TermSet, combine_lanes,
};
use super::super::simd::{InstructionSet, Lanes};
use super::{Formula, apply};

/// Length of the gradient.
pub struct GaussianGradientMagnitude;

impl Filter for GaussianGradientMagnitude {
    fn id(&self) -> &'static str {
        "GaussianGradientMagnitude"
    }
    fn title(&self) -> &'static str {
        "Gaussian Gradient Magnitude"
    }
    fn group(&self) -> FilterGroup {
        FilterGroup::Edge
    }
    fn channels(&self, _: SpatialDims) -> usize {
        1
    }
    fn terms(&self, dims: SpatialDims) -> TermSet {
        match dims {
            SpatialDims::Two => TermSet::of(&[Term::X, Term::Y]),
            SpatialDims::Three => TermSet::of(&[Term::X, Term::Y, Term::Z]),
        }
    }
    fn combine(&self, set: InstructionSet, terms: &TermPlanes<'_>, out: &mut OutPlanes<'_>) {
        apply::<Self>(set, terms, out);
    }
}

impl Formula for GaussianGradientMagnitude {
    #[inline(always)]
    fn apply<L: Lanes>(lanes: L, terms: &TermPlanes<'_>, out: &mut OutPlanes<'_>) {
        match terms.dims() {
            SpatialDims::Two => combine_lanes(lanes, terms, out, [Term::X, Term::Y], |[x, y]| {
                [lanes.sqrt(lanes.add(lanes.mul(x, x), lanes.mul(y, y)))]
            }),
            SpatialDims::Three => {
                combine_lanes(lanes, terms, out, [Term::X, Term::Y, Term::Z], |[x, y, z]| {
                    let in_plane = lanes.add(lanes.mul(x, x), lanes.mul(y, y));
                    [lanes.sqrt(lanes.mul_add(z, z, in_plane))]
                });
            }
        }
    }
}
