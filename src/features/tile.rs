//! The filters of one scale on one tile of a presmoothed image.
//!
//! A tile is small enough for its intermediate planes to stay in the second-level cache. Derivatives that
//! several filters need are computed once. Rows, columns and slices outside of the image are filled by
//! mirroring, of the presmoothed image and again of the structure tensor's products.

use super::filter::{FILTERS, OutPlanes, SpatialDims, TERM_COUNT, Term, TermPlanes, TermSet};
use super::kernel::{MAX_TAPS_RADIUS, Taps};
use super::passes::{Rows, derive, product};
use super::presmooth::{Plane, Workspace, mirror};
use super::scale::{Cell, ScalePlan};
use super::simd::{InstructionSet, whole_vectors};
use crate::data::SpatialRoi;

/// Slices that a pass along z with a filter kernel sees.
const SLOTS: usize = 2 * MAX_TAPS_RADIUS + 1;

/// Floats that the pass along x reads past the last row of products.
const PRODUCT_SLACK: usize = 2 * MAX_TAPS_RADIUS;

/// In-plane derivatives of a slice: smooth, y, yy, x, xy, xx.
const WIDE_KINDS: usize = 6;
/// Structure tensor derivatives of a slice: smooth, y, x.
const INNER_KINDS: usize = 3;

/// Buffers kept between blocks and between tiles; one for each thread.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// A slice filtered along x, orders 0, 1 and 2.
    along_x: Vec<f32>,
    /// Rings of slices for the passes along z, `[slot][kind]`.
    wide: Vec<f32>,
    narrow: Vec<f32>,
    inner: Vec<f32>,
    tensor: Vec<f32>,
    /// Gradients, then their products.
    gradients: Vec<f32>,
    products: Vec<f32>,
    terms: Vec<f32>,
    /// Buffers of presmoothing.
    pub(super) workspace: Workspace,
    /// Channels of a tile, for callers that consume tiles.
    pub(super) channels: Vec<f32>,
}

/// Where a tile's channels go; strides in floats.
pub(super) struct TileOut<'a> {
    /// Starts at the tile's first pixel in channel 0.
    pub(super) data: &'a mut [f32],
    pub(super) channel_stride: usize,
    pub(super) slice_stride: usize,
    pub(super) row_stride: usize,
}

/// One channel at one scale, and the tile to compute.
pub(super) struct TileJob<'a> {
    pub(super) set: InstructionSet,
    pub(super) plan: &'a ScalePlan,
    pub(super) plane: &'a Plane,
    pub(super) image_shape: [usize; 3],
    pub(super) tile: SpatialRoi,
    pub(super) input_channel: usize,
    /// Channels wanted; all when `None`.
    pub(super) needed: Option<&'a [bool]>,
}

/// Lengths that follow from the tile and the kernels.
struct Geometry {
    /// Rows of the tile.
    rows: usize,
    /// Columns of the tile, in whole vectors.
    columns: usize,
    /// Rows and columns (whole vectors) of the structure tensor's products.
    product_rows: usize,
    product_columns: usize,
}

impl Geometry {
    /// For a tile of `tile` pixels, `zyx`.
    fn of([_, rows, width]: [usize; 3], plan: &ScalePlan) -> Self {
        let reach = plan.wide.radius;
        Geometry {
            rows,
            columns: whole_vectors(width),
            product_rows: rows + 2 * reach,
            product_columns: whole_vectors(width + 2 * reach),
        }
    }

    /// Floats in the buffers of [`Scratch`], in its order.
    fn lengths(&self, plan: &ScalePlan) -> [usize; 8] {
        let len = self.rows * self.columns;
        let product_len = self.product_rows * self.product_columns;
        let lines = (self.product_rows + 2 * MAX_TAPS_RADIUS) * self.product_columns;
        let slots = if plan.dims == SpatialDims::Three { SLOTS } else { 1 };
        [
            3 * lines,
            slots * WIDE_KINDS * len,
            slots * len,
            slots * INNER_KINDS * product_len,
            slots * TENSOR.len() * len,
            3 * product_len,
            product_len + PRODUCT_SLACK,
            TERM_COUNT * len,
        ]
    }
}

/// Floats that the filters of `plan` work in on a tile of `tile` pixels, `zyx`.
pub(super) fn tile_floats(tile: [usize; 3], plan: &ScalePlan) -> usize {
    Geometry::of(tile, plan).lengths(plan).iter().sum()
}

impl TileJob<'_> {
    /// Computes the tile's channels.
    pub(super) fn run(&self, scratch: &mut Scratch, out: &mut TileOut<'_>) {
        let cells: [Option<&Cell>; FILTERS.len()] = {
            let mut wanted = self.plan.cells.iter().filter(|cell| self.is_needed(cell));
            std::array::from_fn(|_| wanted.next())
        };
        let terms = cells
            .iter()
            .flatten()
            .fold(TermSet::default(), |terms, cell| terms.union(FILTERS[cell.filter].terms(self.plan.dims)));
        if terms == TermSet::default() || self.tile.is_empty() {
            return;
        }
        let [_, _, width] = self.tile.shape();
        let geometry = Geometry::of(self.tile.shape(), self.plan);
        scratch.fit(&geometry, self.plan);
        let mut progress = Progress::new(self);
        for z in self.tile.start[0]..self.tile.stop[0] {
            match self.plan.dims {
                SpatialDims::Two => self.terms_of_slice(z, terms, &geometry, scratch),
                SpatialDims::Three => self.terms_of_volume(z, terms, &geometry, scratch, &mut progress),
            }
            let planes = TermPlanes {
                data: &scratch.terms,
                dims: self.plan.dims,
                rows: geometry.rows,
                stride: geometry.columns,
            };
            for cell in cells.iter().flatten() {
                let channel = self.first_channel(cell);
                let start = channel * out.channel_stride + (z - self.tile.start[0]) * out.slice_stride;
                let mut out = OutPlanes {
                    data: &mut out.data[start..],
                    width,
                    row_stride: out.row_stride,
                    plane_stride: out.channel_stride,
                };
                FILTERS[cell.filter].combine(self.set, &planes, &mut out);
            }
        }
    }

    fn first_channel(&self, cell: &Cell) -> usize {
        cell.first_channel + self.input_channel * cell.channels
    }

    fn is_needed(&self, cell: &Cell) -> bool {
        let first = self.first_channel(cell);
        self.needed.is_none_or(|needed| needed[first..first + cell.channels].contains(&true))
    }

    /// The terms of slice `z`, in 2D.
    fn terms_of_slice(&self, z: usize, terms: TermSet, geometry: &Geometry, scratch: &mut Scratch) {
        let mut planes = split::<TERM_COUNT>(&mut scratch.terms, geometry.rows * geometry.columns);
        let mut take = |term: Term| std::mem::take(&mut planes[term as usize]);
        let outs = [Term::Smooth, Term::Y, Term::Yy, Term::X, Term::Xy, Term::Xx].map(&mut take);
        let wanted =
            [Term::Smooth, Term::Y, Term::Yy, Term::X, Term::Xy, Term::Xx].map(|term| terms.contains(term));
        self.wide_in_plane(z, wanted, geometry, &mut scratch.along_x, outs);
        if terms.contains(Term::Narrow) {
            self.narrow_in_plane(z, geometry, &mut scratch.along_x, take(Term::Narrow));
        }
        if terms.contains(Term::TensorXx) {
            let len = geometry.product_rows * geometry.product_columns;
            let [smooth, y, x] = split::<INNER_KINDS>(&mut scratch.inner, len);
            self.inner_in_plane(z, geometry, &mut scratch.along_x, [smooth, &mut *y, &mut *x], false);
            let product_plane = &mut scratch.products[..len + PRODUCT_SLACK];
            for (a, b, term) in [(&*x, &*x, Term::TensorXx), (y, y, Term::TensorYy), (x, y, Term::TensorXy)] {
                product(self.set, a, b, product_plane);
                self.smooth_product(geometry, product_plane, &mut scratch.along_x, take(term));
            }
        }
    }

    /// The terms of slice `z`, in 3D. Slices are visited in order; what is behind them stays in the rings.
    fn terms_of_volume(
        &self,
        z: usize,
        terms: TermSet,
        geometry: &Geometry,
        scratch: &mut Scratch,
        progress: &mut Progress,
    ) {
        let (reach, inner_reach) = (self.plan.wide.radius, self.plan.inner.radius);
        let depth = self.image_shape[0];
        let len = geometry.rows * geometry.columns;
        while progress.wide < depth.min(z + reach + 1) {
            self.load_wide(progress.wide, terms, geometry, scratch);
            progress.wide += 1;
        }
        let has_tensor = terms.contains(Term::TensorXx);
        while has_tensor && progress.products < depth.min(z + reach + 1) {
            while progress.inner < depth.min(progress.products + inner_reach + 1) {
                self.load_inner(progress.inner, geometry, scratch);
                progress.inner += 1;
            }
            self.load_products(progress.products, geometry, scratch);
            progress.products += 1;
        }

        let mut planes = split::<TERM_COUNT>(&mut scratch.terms, len);
        let mut take = |term: Term| std::mem::take(&mut planes[term as usize]);
        let rows = Rows { count: 1, len, step: len, out_step: len };
        for (kind, orders) in [
            [Some(Term::Smooth), Some(Term::Z), Some(Term::Zz)],
            [Some(Term::Y), Some(Term::Yz), None],
            [Some(Term::Yy), None, None],
            [Some(Term::X), Some(Term::Xz), None],
            [Some(Term::Xy), None, None],
            [Some(Term::Xx), None, None],
        ]
        .into_iter()
        .enumerate()
        {
            let wanted = orders.map(|term| term.is_some_and(|term| terms.contains(term)));
            let outs = orders.map(|term| term.map(&mut take).unwrap_or_default());
            let offsets = self.slots(z, &self.plan.wide, WIDE_KINDS * len, kind * len);
            derive_orders(self.set, &self.plan.wide, wanted, &scratch.wide, &offsets, rows, outs);
        }
        if terms.contains(Term::Narrow) {
            let offsets = self.slots(z, &self.plan.narrow, len, 0);
            let outs = [take(Term::Narrow), &mut [], &mut []];
            derive::<1>(self.set, &self.plan.narrow, &scratch.narrow, &offsets, rows, outs);
        }
        if has_tensor {
            for (kind, term) in TENSOR.into_iter().enumerate() {
                let offsets = self.slots(z, &self.plan.wide, TENSOR.len() * len, kind * len);
                let outs = [take(term), &mut [], &mut []];
                derive::<1>(self.set, &self.plan.wide, &scratch.tensor, &offsets, rows, outs);
            }
        }
    }

    /// Where a ring holds the slices that a kernel around `z` sees.
    fn slots(&self, z: usize, taps: &Taps, slot_len: usize, at: usize) -> [usize; SLOTS] {
        let mut offsets = [0; SLOTS];
        for (k, offset) in offsets.iter_mut().enumerate().take(2 * taps.radius + 1) {
            let slice = mirror((z + k) as isize - taps.radius as isize, self.image_shape[0]);
            *offset = slice % SLOTS * slot_len + at;
        }
        offsets
    }

    /// Puts slice `z` into the rings of the filter scale's and the narrow kernel.
    fn load_wide(&self, z: usize, terms: TermSet, geometry: &Geometry, scratch: &mut Scratch) {
        let len = geometry.rows * geometry.columns;
        let slot = &mut scratch.wide[z % SLOTS * WIDE_KINDS * len..];
        let wanted = [
            terms.intersects(&[Term::Smooth, Term::Z, Term::Zz]),
            terms.intersects(&[Term::Y, Term::Yz]),
            terms.contains(Term::Yy),
            terms.intersects(&[Term::X, Term::Xz]),
            terms.contains(Term::Xy),
            terms.contains(Term::Xx),
        ];
        let outs = split::<WIDE_KINDS>(slot, len);
        self.wide_in_plane(z, wanted, geometry, &mut scratch.along_x, outs);
        if terms.contains(Term::Narrow) {
            let slot = &mut scratch.narrow[z % SLOTS * len..][..len];
            self.narrow_in_plane(z, geometry, &mut scratch.along_x, slot);
        }
    }

    /// Puts slice `z` into the ring of the structure tensor's inner kernel.
    fn load_inner(&self, z: usize, geometry: &Geometry, scratch: &mut Scratch) {
        let len = geometry.product_rows * geometry.product_columns;
        let slot = &mut scratch.inner[z % SLOTS * INNER_KINDS * len..];
        let outs = split::<INNER_KINDS>(slot, len);
        self.inner_in_plane(z, geometry, &mut scratch.along_x, outs, true);
    }

    /// Puts the gradient products of slice `z`, smoothed along x and y, into their ring.
    fn load_products(&self, z: usize, geometry: &Geometry, scratch: &mut Scratch) {
        let len = geometry.product_rows * geometry.product_columns;
        let [gx, gy, gz] = split::<3>(&mut scratch.gradients, len);
        let rows = Rows { count: 1, len, step: len, out_step: len };
        let inner = &self.plan.inner;
        let slots = |kind: usize| self.slots(z, inner, INNER_KINDS * len, kind * len);
        derive::<2>(self.set, inner, &scratch.inner, &slots(0), rows, [&mut [], &mut *gz, &mut []]);
        derive::<1>(self.set, inner, &scratch.inner, &slots(1), rows, [&mut *gy, &mut [], &mut []]);
        derive::<1>(self.set, inner, &scratch.inner, &slots(2), rows, [&mut *gx, &mut [], &mut []]);
        let slot_len = geometry.rows * geometry.columns;
        let slot = &mut scratch.tensor[z % SLOTS * TENSOR.len() * slot_len..];
        let outs = split::<6>(slot, slot_len);
        let product_plane = &mut scratch.products[..len + PRODUCT_SLACK];
        let pairs: [(&[f32], &[f32]); 6] = [(gx, gx), (gy, gy), (gz, gz), (gx, gy), (gx, gz), (gy, gz)];
        for ((a, b), out) in pairs.into_iter().zip(outs) {
            product(self.set, a, b, product_plane);
            self.smooth_product(geometry, product_plane, &mut scratch.along_x, out);
        }
    }

    /// Derivatives of slice `z` in x and y: smooth, y, yy, x, xy, xx, those that are `wanted`.
    fn wide_in_plane(
        &self,
        z: usize,
        wanted: [bool; WIDE_KINDS],
        geometry: &Geometry,
        along_x: &mut [f32],
        outs: [&mut [f32]; WIDE_KINDS],
    ) {
        let [smooth, y, yy, x, xy, xx] = wanted;
        let taps = &self.plan.wide;
        let first_row = self.tile.start[1] as isize - taps.radius as isize;
        let (rows, columns) = (geometry.rows + 2 * taps.radius, geometry.columns);
        let mut lines = split::<3>(along_x, rows * columns);
        let orders = [smooth || y || yy, x || xy, xx];
        self.rows_along_x(z, first_row, rows, self.tile.start[2] as isize, columns, taps, orders, &mut lines);
        let offsets: [usize; SLOTS] = std::array::from_fn(|k| k * columns);
        let rows = Rows { count: geometry.rows, len: columns, step: columns, out_step: columns };
        let [out_smooth, out_y, out_yy, out_x, out_xy, out_xx] = outs;
        let set = self.set;
        derive_orders(set, taps, [smooth, y, yy], lines[0], &offsets, rows, [out_smooth, out_y, out_yy]);
        derive_orders(set, taps, [x, xy, false], lines[1], &offsets, rows, [out_x, out_xy, &mut []]);
        derive_orders(set, taps, [xx, false, false], lines[2], &offsets, rows, [out_xx, &mut [], &mut []]);
    }

    /// Slice `z` smoothed in x and y with the narrow kernel.
    fn narrow_in_plane(&self, z: usize, geometry: &Geometry, along_x: &mut [f32], out: &mut [f32]) {
        let taps = &self.plan.narrow;
        let first_row = self.tile.start[1] as isize - taps.radius as isize;
        let (rows, columns) = (geometry.rows + 2 * taps.radius, geometry.columns);
        let mut lines = split::<3>(along_x, rows * columns);
        let orders = [true, false, false];
        self.rows_along_x(z, first_row, rows, self.tile.start[2] as isize, columns, taps, orders, &mut lines);
        let offsets: [usize; SLOTS] = std::array::from_fn(|k| k * columns);
        let rows = Rows { count: geometry.rows, len: columns, step: columns, out_step: columns };
        derive::<1>(self.set, taps, lines[0], &offsets, rows, [out, &mut [], &mut []]);
    }

    /// Slice `z` with the structure tensor's inner kernel: smooth in both (if `with_smooth`), derived in y,
    /// derived in x; on the tile and the reach of the outer kernel around it.
    fn inner_in_plane(
        &self,
        z: usize,
        geometry: &Geometry,
        along_x: &mut [f32],
        [smooth, y, x]: [&mut [f32]; INNER_KINDS],
        with_smooth: bool,
    ) {
        let taps = &self.plan.inner;
        let reach = self.plan.wide.radius as isize;
        let first_row = self.tile.start[1] as isize - reach - taps.radius as isize;
        let (rows, columns) = (geometry.product_rows + 2 * taps.radius, geometry.product_columns);
        let mut lines = split::<3>(along_x, rows * columns);
        let first_column = self.tile.start[2] as isize - reach;
        let orders = [true, true, false];
        self.rows_along_x(z, first_row, rows, first_column, columns, taps, orders, &mut lines);
        let offsets: [usize; SLOTS] = std::array::from_fn(|k| k * columns);
        let rows = Rows { count: geometry.product_rows, len: columns, step: columns, out_step: columns };
        let orders = [with_smooth, true, false];
        derive_orders(self.set, taps, orders, lines[0], &offsets, rows, [smooth, y, &mut []]);
        derive::<1>(self.set, taps, lines[1], &offsets, rows, [x, &mut [], &mut []]);
    }

    /// Filters rows of slice `z` along x; rows outside of the image are those mirrored into it.
    #[allow(clippy::too_many_arguments)]
    fn rows_along_x(
        &self,
        z: usize,
        first_row: isize,
        rows: usize,
        first_column: isize,
        columns: usize,
        taps: &Taps,
        orders: [bool; 3],
        outs: &mut [&mut [f32]; 3],
    ) {
        let height = self.image_shape[1];
        let mut row = 0;
        while row < rows {
            let y = first_row + row as isize;
            let count = if y < 0 || y >= height as isize { 1 } else { (rows - row).min(height - y as usize) };
            let first = self.plane.offset(z, mirror(y, height), first_column - taps.radius as isize);
            let offsets: [usize; SLOTS] = std::array::from_fn(|k| first + k);
            let lines = Rows { count, len: columns, step: self.plane.stride, out_step: columns };
            let [out0, out1, out2] = outs;
            let at = row * columns;
            let outs = [&mut out0[at..], &mut out1[at..], &mut out2[at..]];
            derive_orders(self.set, taps, orders, &self.plane.data, &offsets, lines, outs);
            row += count;
        }
    }

    /// Smooths a plane of products along x and y, after mirroring it at the image's border.
    fn smooth_product(&self, geometry: &Geometry, plane: &mut [f32], along_x: &mut [f32], out: &mut [f32]) {
        let taps = &self.plan.wide;
        self.mirror_product(geometry, plane);
        let (rows, columns) = (geometry.product_rows, geometry.columns);
        let [lines] = split::<1>(along_x, rows * columns);
        let offsets: [usize; SLOTS] = std::array::from_fn(|k| k);
        // The last vector of a row may reach into the next row: what it computes there lies past the tile.
        let (step, len) = (geometry.product_columns, columns);
        let x_rows = Rows { count: rows, len, step, out_step: columns };
        derive::<1>(self.set, taps, plane, &offsets, x_rows, [&mut *lines, &mut [], &mut []]);
        let offsets: [usize; SLOTS] = std::array::from_fn(|k| k * columns);
        let y_rows = Rows { count: geometry.rows, len: columns, step: columns, out_step: columns };
        derive::<1>(self.set, taps, lines, &offsets, y_rows, [out, &mut [], &mut []]);
    }

    /// Overwrites the rows and columns of a plane of products that lie outside of the image.
    fn mirror_product(&self, geometry: &Geometry, plane: &mut [f32]) {
        let reach = self.plan.wide.radius;
        let [_, height, width] = self.image_shape;
        let [_, tile_rows, tile_columns] = self.tile.shape();
        let step = geometry.product_columns;
        let first = self.tile.start[2] as isize - reach as isize;
        for (i, x) in (0..tile_columns + 2 * reach).zip(first..) {
            if x < 0 || x >= width as isize {
                let from = (mirror(x, width) as isize - first) as usize;
                for row in plane.chunks_exact_mut(step) {
                    row[i] = row[from];
                }
            }
        }
        let first = self.tile.start[1] as isize - reach as isize;
        for (i, y) in (0..tile_rows + 2 * reach).zip(first..) {
            if y < 0 || y >= height as isize {
                let from = (mirror(y, height) as isize - first) as usize;
                plane.copy_within(from * step..(from + 1) * step, i * step);
            }
        }
    }
}

const TENSOR: [Term; 6] =
    [Term::TensorXx, Term::TensorYy, Term::TensorZz, Term::TensorXy, Term::TensorXz, Term::TensorYz];

/// The next slice that each ring of a tile waits for.
struct Progress {
    wide: usize,
    inner: usize,
    products: usize,
}

impl Progress {
    fn new(job: &TileJob<'_>) -> Self {
        let (reach, inner_reach) = (job.plan.wide.radius, job.plan.inner.radius);
        let products = job.tile.start[0].saturating_sub(reach);
        Progress {
            wide: job.tile.start[0].saturating_sub(reach),
            inner: products.saturating_sub(inner_reach),
            products,
        }
    }
}

impl Scratch {
    /// Memory taken.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let Scratch { along_x, wide, narrow, inner, tensor, gradients, products, terms, .. } = self;
        let buffers = [along_x, wide, narrow, inner, tensor, gradients, products, terms, &self.channels];
        size_of::<f32>() * buffers.iter().map(|buffer| buffer.len()).sum::<usize>() + self.workspace.bytes()
    }

    /// Makes room for a tile.
    fn fit(&mut self, geometry: &Geometry, plan: &ScalePlan) {
        let buffers = [
            &mut self.along_x,
            &mut self.wide,
            &mut self.narrow,
            &mut self.inner,
            &mut self.tensor,
            &mut self.gradients,
            &mut self.products,
            &mut self.terms,
        ];
        for (buffer, len) in buffers.into_iter().zip(geometry.lengths(plan)) {
            if buffer.len() < len {
                buffer.resize(len, 0.0);
            }
        }
    }
}

/// The first `N` pieces of `len` floats.
fn split<const N: usize>(buffer: &mut [f32], len: usize) -> [&mut [f32]; N] {
    let mut pieces = buffer.chunks_exact_mut(len.max(1));
    std::array::from_fn(|_| pieces.next().unwrap_or_default())
}

/// [`derive`] with the orders chosen at run time; does nothing when none is wanted.
fn derive_orders(
    set: InstructionSet,
    taps: &Taps,
    wanted: [bool; 3],
    src: &[f32],
    offsets: &[usize; SLOTS],
    rows: Rows,
    outs: [&mut [f32]; 3],
) {
    match wanted {
        [false, false, false] => {}
        [true, false, false] => derive::<1>(set, taps, src, offsets, rows, outs),
        [false, true, false] => derive::<2>(set, taps, src, offsets, rows, outs),
        [true, true, false] => derive::<3>(set, taps, src, offsets, rows, outs),
        [false, false, true] => derive::<4>(set, taps, src, offsets, rows, outs),
        [true, false, true] => derive::<5>(set, taps, src, offsets, rows, outs),
        [false, true, true] => derive::<6>(set, taps, src, offsets, rows, outs),
        [true, true, true] => derive::<7>(set, taps, src, offsets, rows, outs),
    }
}
