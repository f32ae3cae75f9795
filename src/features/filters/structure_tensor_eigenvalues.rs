//! Eigenvalues of the structure tensor: gradients at `0.5 t`, their products smoothed with `t`. This is what
//! ilastik computes; its parameters are named the other way round.

use super::super::eigen::{eigenvalues_2x2, eigenvalues_3x3};
use super::super::filter::{
    Filter, FilterGroup, OutPlanes, SpatialDims, Term, TermPlanes, TermSet, combine_lanes,
};
use super::super::simd::{InstructionSet, Lanes};
use super::{Formula, apply};

const IN_PLANE: [Term; 3] = [Term::TensorXx, Term::TensorYy, Term::TensorXy];
const IN_SPACE: [Term; 6] =
    [Term::TensorXx, Term::TensorYy, Term::TensorZz, Term::TensorXy, Term::TensorXz, Term::TensorYz];

/// Eigenvalues of the structure tensor, largest first.
pub struct StructureTensorEigenvalues;

impl Filter for StructureTensorEigenvalues {
    fn id(&self) -> &'static str {
        "StructureTensorEigenvalues"
    }
    fn title(&self) -> &'static str {
        "Structure Tensor Eigenvalues"
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

impl Formula for StructureTensorEigenvalues {
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
