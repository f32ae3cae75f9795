//! The filters, one per file. A file holds a filter's declaration and its formula, nothing else.

mod difference_of_gaussians;
mod gaussian_gradient_magnitude;
mod gaussian_smoothing;
mod hessian_of_gaussian_eigenvalues;
mod laplacian_of_gaussian;
mod structure_tensor_eigenvalues;

pub use difference_of_gaussians::DifferenceOfGaussians;
pub use gaussian_gradient_magnitude::GaussianGradientMagnitude;
pub use gaussian_smoothing::GaussianSmoothing;
pub use hessian_of_gaussian_eigenvalues::HessianOfGaussianEigenvalues;
pub use laplacian_of_gaussian::LaplacianOfGaussian;
pub use structure_tensor_eigenvalues::StructureTensorEigenvalues;

use super::filter::{OutPlanes, TermPlanes};
use super::simd::{InstructionSet, Kernel, Lanes, dispatch};

/// A filter's formula, compiled once for each instruction set. Must be `#[inline(always)]`.
trait Formula {
    /// Computes the channels of each pixel.
    fn apply<L: Lanes>(lanes: L, terms: &TermPlanes<'_>, out: &mut OutPlanes<'_>);
}

struct Job<'a, 't, 'o, F> {
    terms: &'a TermPlanes<'t>,
    out: &'a mut OutPlanes<'o>,
    formula: std::marker::PhantomData<F>,
}

impl<F: Formula> Kernel for Job<'_, '_, '_, F> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        F::apply(lanes, self.terms, self.out);
    }
}

/// Runs the formula `F` on the instructions of `set`.
fn apply<F: Formula>(set: InstructionSet, terms: &TermPlanes<'_>, out: &mut OutPlanes<'_>) {
    dispatch(set, Job { terms, out, formula: std::marker::PhantomData::<F> });
}
