//! One selected scale made ready: its kernels, its reach and where its channels go.

use super::filter::{FILTER_WINDOW, FILTERS, SpatialDims, Term, TermSet};
use super::kernel::{Taps, half_kernel};
use super::selection::{FeatureSelection, PRESMOOTHING_WINDOW};

/// Half of the presmoothing kernel of `scale`: sigma `sqrt(scale^2 - 1)` above 1, `scale` below.
pub(super) fn presmoothing_kernel(scale: f64) -> Vec<f32> {
    let sigma = if scale > 1.0 { (scale * scale - 1.0).sqrt() } else { scale };
    half_kernel(sigma, PRESMOOTHING_WINDOW, 0)
}

/// A selected filter at one scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    /// Index in [`FILTERS`].
    pub(super) filter: usize,
    /// Channel of the first input channel.
    pub(super) first_channel: usize,
    /// Channels per input channel.
    pub(super) channels: usize,
}

/// A selected scale.
#[derive(Clone, Debug)]
pub(super) struct ScalePlan {
    pub(super) dims: SpatialDims,
    /// Half of the presmoothing kernel.
    pub(super) presmoothing: Vec<f32>,
    /// Kernels at the filter scale `t`.
    pub(super) wide: Taps,
    /// Kernels at `0.66 t`.
    pub(super) narrow: Taps,
    /// Kernels at `0.5 t`.
    pub(super) inner: Taps,
    /// Selected filters.
    pub(super) cells: Vec<Cell>,
}

const TENSOR: [Term; 6] =
    [Term::TensorXx, Term::TensorYy, Term::TensorZz, Term::TensorXy, Term::TensorXz, Term::TensorYz];

impl ScalePlan {
    /// The plans of all columns that `selection` uses, with channels in ilastik's order: filter, scale,
    /// input channel, eigenvalue.
    pub(super) fn all(selection: &FeatureSelection, input_channels: usize) -> Vec<ScalePlan> {
        let used: Vec<usize> = (0..selection.scales.len()).filter(|&c| selection.uses_scale(c)).collect();
        let mut plans: Vec<ScalePlan> = used
            .iter()
            .map(|&column| ScalePlan::new(selection.scales[column], selection.compute_in_2d[column]))
            .collect();
        let mut first_channel = 0;
        for (filter, row) in selection.selected.iter().enumerate() {
            for (plan, &column) in plans.iter_mut().zip(&used) {
                if row[column] {
                    let channels = FILTERS[filter].channels(plan.dims);
                    plan.cells.push(Cell { filter, first_channel, channels });
                    first_channel += channels * input_channels;
                }
            }
        }
        plans
    }

    fn new(scale: f64, in_2d: bool) -> Self {
        let t = scale.min(1.0);
        ScalePlan {
            dims: if in_2d { SpatialDims::Two } else { SpatialDims::Three },
            presmoothing: presmoothing_kernel(scale),
            wide: Taps::new(t, FILTER_WINDOW),
            narrow: Taps::new(0.66 * t, FILTER_WINDOW),
            inner: Taps::new(0.5 * t, FILTER_WINDOW),
            cells: Vec::new(),
        }
    }

    /// Pixels that the selected filters reach on each side of a presmoothed image.
    pub(super) fn filter_reach(&self) -> usize {
        let terms = self
            .cells
            .iter()
            .fold(TermSet::default(), |terms, cell| terms.union(FILTERS[cell.filter].terms(self.dims)));
        let tensor = if terms.intersects(&TENSOR) { self.inner.radius } else { 0 };
        self.wide.radius + tensor
    }

    /// Pixels that the presmoothing kernel reaches on each side.
    pub(super) fn presmoothing_reach(&self) -> usize {
        self.presmoothing.len() - 1
    }

    /// [`Self::filter_reach`] per axis, `zyx`.
    pub(super) fn filter_halo(&self) -> [usize; 3] {
        self.per_axis(self.filter_reach())
    }

    /// [`Self::presmoothing_reach`] per axis, `zyx`.
    pub(super) fn presmoothing_halo(&self) -> [usize; 3] {
        self.per_axis(self.presmoothing_reach())
    }

    fn per_axis(&self, reach: usize) -> [usize; 3] {
        [if self.dims == SpatialDims::Three { reach } else { 0 }, reach, reach]
    }
}
