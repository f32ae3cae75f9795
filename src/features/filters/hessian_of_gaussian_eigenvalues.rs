//! Eigenvalues of the matrix of second derivatives of the smoothed image.

use super::super::eigen::{eigenvalues_2x2, eigenvalues_3x3};
use super::super::filter::{
    Filter, FilterGroup, OutPlanes, SpatialDims, Term, TermPlanes, TermSet, combine_lanes,
};
use super::super::simd::{InstructionSet, Lanes};
use super::{Formula, apply};

const IN_PLANE: [Term; 3] = [Term::Xx, Term::Yy, Term::Xy];
const IN_SPACE: [Term; 6] = [Term::Xx, Term::Yy, Term::Zz, Term::Xy, Term::Xz, Term::Yz];

/// Eigenvalues of the Hessian matrix, largest first.
pub struct HessianOfGaussianEigenvalues;

impl Filter for HessianOfGaussianEigenvalues {
    fn id(&self) -> &'static str {
        "HessianOfGaussianEigenvalues"
    }
    fn title(&self) -> &'static str {
        "Hessian of Gaussian Eigenvalues"
    }
    fn group(&self) -> FilterGroup {
        FilterGroup::Texture
    }
    fn channels(&self, dims: SpatialDims) -> usize {
        dims.count()
    }
    fn terms(&self, dims: SpatialDims) -> TermSet {
        match dims {
            SpatialDims::Two => TermSet::of(&IN_PLANE),
            SpatialDims::Three => TermSet::of(&IN_SPACE),
        }
    }
    fn combine(&self, set: InstructionSet, terms: &TermPlanes<'_>, out: &mut OutPlanes<'_>) {
        apply::<Self>(set, terms, out);
    }
}

impl Formula for HessianOfGaussianEigenvalues {
    #[inline(always)]
    fn apply<L: Lanes>(lanes: L, terms: &TermPlanes<'_>, out: &mut OutPlanes<'_>) {
        match terms.dims() {
            SpatialDims::Two => {
                combine_lanes(lanes, terms, out, IN_PLANE, |matrix| eigenvalues_2x2(lanes, matrix));
            }
            SpatialDims::Three => {
                combine_lanes(lanes, terms, out, IN_SPACE, |matrix| eigenvalues_3x3(lanes, matrix));
            }
        }
    }
}
