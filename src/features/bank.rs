//! A selection made ready for images of one shape: names, halo, and the computation in two steps,
//! presmoothing and tiles.

use ndarray::{ArrayView4, ArrayViewMut4, Axis, s};

use super::filter::{FILTERS, SpatialDims};
use super::presmooth::{Plane, Presmoothed, Source, presmooth, presmoothing_floats};
use super::scale::ScalePlan;
use super::selection::{FeatureSelection, ScaleError};
use super::simd::InstructionSet;
use super::tile::{Scratch, TileJob, TileOut, tile_floats};
use crate::data::{BlockGrid, Roi, SpatialRoi};

/// Tile of a bank without filters in 3D, `zyx`.
const TILE_2D: [usize; 3] = [1, 32, 128];
/// Tile of a bank with filters in 3D: small in plane, since some 80 planes of it stay in cache, and deep,
/// since the slices before and after it are filtered again.
const TILE_3D: [usize; 3] = [16, 24, 32];

/// Pixels of a slice that are presmoothed at a time.
const BAND_PIXELS: usize = 1 << 18;

/// A selection made ready for images of one shape and number of channels.
#[derive(Clone, Debug)]
pub struct FeatureBank {
    plans: Vec<ScalePlan>,
    names: Vec<String>,
    /// Whether something may be learned from each feature channel; `None` when from all.
    learned: Option<Vec<bool>>,
    image_shape: [usize; 3],
    input_channels: usize,
    set: InstructionSet,
}

/// The channels of a tile.
pub struct TilePlanes<'a> {
    data: &'a [f32],
    plane_len: usize,
}

impl<'a> TilePlanes<'a> {
    /// One channel: the tile's pixels in `zyx` order. Unspecified for a channel that was not needed.
    pub fn channel(&self, channel: usize) -> &'a [f32] {
        &self.data[channel * self.plane_len..][..self.plane_len]
    }

    /// All channels, one after the other, and the number of samples from one to the next.
    pub fn samples(&self) -> (&'a [f32], usize) {
        (self.data, self.plane_len)
    }
}

impl FeatureBank {
    /// Prepares `selection` for images of `image_shape` (`zyx`) with `input_channels` channels.
    ///
    /// # Errors
    /// A selected scale that the image is too small for.
    pub fn new(
        selection: &FeatureSelection,
        image_shape: [usize; 3],
        input_channels: usize,
    ) -> Result<Self, ScaleError> {
        selection.check(image_shape)?;
        let selection = &selection.on(image_shape);
        let plans = ScalePlan::all(selection, input_channels);
        Ok(FeatureBank {
            learned: learned_channels(&plans, input_channels, &selection.unused_channels),
            plans,
            names: channel_names(selection, input_channels),
            image_shape,
            input_channels,
            set: InstructionSet::best(),
        })
    }

    /// The same bank on other instructions.
    pub fn with_instructions(self, set: InstructionSet) -> Self {
        FeatureBank { set, ..self }
    }

    /// Shape of the images, `zyx`.
    pub fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    /// Channels of the images.
    pub fn input_channels(&self) -> usize {
        self.input_channels
    }

    /// Number of feature channels.
    pub fn channel_count(&self) -> usize {
        self.names.len()
    }

    /// Which feature channels something may be learned from, one entry for each: those of input channels
    /// that are used. `None` when all are.
    pub fn learned_channels(&self) -> Option<&[bool]> {
        self.learned.as_deref()
    }

    /// Bytes that one thread works in while it presmooths a block of `block` pixels (`zyx`) and computes its
    /// tiles, beside the input.
    pub fn working_bytes(&self, block: [usize; 3]) -> u64 {
        let presmoothing = presmoothing_floats(&self.plans, block, self.image_shape, self.input_channels);
        let tile = self.tile_shape();
        let filters = self.plans.iter().map(|plan| tile_floats(tile, plan)).max().unwrap_or(0);
        let channels = self.channel_count() * tile.iter().product::<usize>();
        (size_of::<f32>() * (presmoothing + filters + channels)) as u64
    }

    /// ilastik's channel names, in ilastik's order.
    pub fn channel_names(&self) -> Vec<String> {
        self.names.clone()
    }

    /// Pixels of context (`zyx`) that a block needs on each side, clipped at the image.
    pub fn halo(&self) -> [usize; 3] {
        std::array::from_fn(|axis| {
            let reach = |plan: &ScalePlan| plan.presmoothing_halo()[axis] + plan.filter_halo()[axis];
            self.plans.iter().map(reach).max().unwrap_or(0)
        })
    }

    /// Computes all feature channels of `roi`.
    ///
    /// `input` has axes `czyx` and covers `input_roi`, which must hold `roi` enlarged by the halo and
    /// clipped to the image. `out` has axes `channel, z, y, x` and the shape of `roi`. The result of a
    /// pixel does not depend on the block asked for, to the last bit.
    pub fn compute(
        &self,
        input: ArrayView4<'_, f32>,
        input_roi: &SpatialRoi,
        roi: &SpatialRoi,
        mut out: ArrayViewMut4<'_, f32>,
    ) {
        let [slices, rows, columns] = roi.shape();
        assert_eq!(out.dim(), (self.channel_count(), slices, rows, columns), "shape of the output");
        if out.is_empty() {
            return;
        }
        let mut scratch = Scratch::default();
        let mut presmoothed = Presmoothed::default();
        let band = BlockGrid::new(roi.shape(), self.band(columns));
        for index in band.touching(&Roi::whole(roi.shape())) {
            let band = shifted(&band.block(index), roi.start);
            self.presmooth_into(input, input_roi, &band, &mut scratch, &mut presmoothed);
            if let Some(data) = out.as_slice_mut() {
                for tile in self.tiles(&band) {
                    let at = tile.relative_to(roi.start).start;
                    let mut out = TileOut {
                        data: &mut data[(at[0] * rows + at[1]) * columns + at[2]..],
                        channel_stride: slices * rows * columns,
                        slice_stride: rows * columns,
                        row_stride: columns,
                    };
                    self.compute_tile(&presmoothed, &tile, None, &mut scratch, &mut out);
                }
                continue;
            }
            self.for_each_tile(&presmoothed, &band, None, &mut scratch, |tile, planes| {
                let at = tile.relative_to(roi.start);
                let [z, y, x] = [0, 1, 2].map(|i| at.start[i]..at.stop[i]);
                for (channel, mut out) in out.axis_iter_mut(Axis(0)).enumerate() {
                    let mut part = out.slice_mut(s![z.clone(), y.clone(), x.clone()]);
                    part.iter_mut().zip(planes.channel(channel)).for_each(|(to, from)| *to = *from);
                }
            });
        }
    }

    /// Shape of what [`Self::compute`] presmooths at a time. In 2D bands of a slice, so that the planes
    /// are reused while they are in cache; in 3D all, as the halo costs more than that.
    fn band(&self, columns: usize) -> [usize; 3] {
        if self.has_depth() { [usize::MAX; 3] } else { [1, (BAND_PIXELS / columns).max(64), usize::MAX] }
    }

    /// Smooths `roi` for each scale: the part of the work that reaches far, worth keeping.
    ///
    /// `input` and `input_roi` are as for [`Self::compute`].
    pub fn presmooth(
        &self,
        input: ArrayView4<'_, f32>,
        input_roi: &SpatialRoi,
        roi: &SpatialRoi,
    ) -> Presmoothed {
        let mut presmoothed = Presmoothed::default();
        self.presmooth_into(input, input_roi, roi, &mut Scratch::default(), &mut presmoothed);
        presmoothed
    }

    /// [`Self::presmooth`] into memory that was used before, which is twice as fast.
    pub fn presmooth_into(
        &self,
        input: ArrayView4<'_, f32>,
        input_roi: &SpatialRoi,
        roi: &SpatialRoi,
        scratch: &mut Scratch,
        presmoothed: &mut Presmoothed,
    ) {
        assert_eq!(input.dim().0, self.input_channels, "channels of the input");
        let (_, slices, rows, columns) = input.dim();
        assert_eq!([slices, rows, columns], input_roi.shape(), "shape of the input");
        assert!(SpatialRoi::whole(self.image_shape).encloses(roi), "{roi} lies outside of the image");
        assert!(
            input_roi.encloses(&roi.enlarge(self.halo(), self.image_shape)),
            "{input_roi} lacks the halo"
        );
        presmoothed.roi = Some(*roi);
        presmoothed.planes.resize_with(self.plans.len(), Vec::new);
        for planes in &mut presmoothed.planes {
            planes.resize_with(self.input_channels, Plane::default);
        }
        if roi.is_empty() {
            return;
        }
        for (channel, input) in input.outer_iter().enumerate() {
            let source = Source { input, input_roi, image_shape: self.image_shape };
            let planes = &mut presmoothed.planes;
            presmooth(self.set, &self.plans, &source, roi, &mut scratch.workspace, planes, channel);
        }
    }

    /// Computes `roi`, a part of what was presmoothed, in small tiles and hands each tile to `consume`.
    ///
    /// Channels that are not `needed` (one entry per channel, `None` for all) are skipped, save that the
    /// eigenvalues of one filter come together. Nothing is allocated once `scratch` has grown.
    pub fn for_each_tile(
        &self,
        presmoothed: &Presmoothed,
        roi: &SpatialRoi,
        needed: Option<&[bool]>,
        scratch: &mut Scratch,
        mut consume: impl FnMut(&SpatialRoi, &TilePlanes<'_>),
    ) {
        let mut channels = std::mem::take(&mut scratch.channels);
        for tile in self.tiles(roi) {
            let [_, rows, columns] = tile.shape();
            let plane_len = tile.len();
            if channels.len() < self.channel_count() * plane_len {
                channels.resize(self.channel_count() * plane_len, 0.0);
            }
            let mut out = TileOut {
                data: &mut channels,
                channel_stride: plane_len,
                slice_stride: rows * columns,
                row_stride: columns,
            };
            self.compute_tile(presmoothed, &tile, needed, scratch, &mut out);
            consume(&tile, &TilePlanes { data: &channels, plane_len });
        }
        scratch.channels = channels;
    }

    /// Tiles of `roi`, from its first corner on.
    fn tiles(&self, roi: &SpatialRoi) -> impl Iterator<Item = SpatialRoi> {
        let grid = BlockGrid::new(roi.shape(), self.tile_shape());
        let start = roi.start;
        let indices = grid.touching(&Roi::whole(roi.shape()));
        indices.into_iter().map(move |index| shifted(&grid.block(index), start))
    }

    fn tile_shape(&self) -> [usize; 3] {
        if self.has_depth() { TILE_3D } else { TILE_2D }
    }

    fn has_depth(&self) -> bool {
        self.plans.iter().any(|plan| plan.dims == SpatialDims::Three)
    }

    fn compute_tile(
        &self,
        presmoothed: &Presmoothed,
        tile: &SpatialRoi,
        needed: Option<&[bool]>,
        scratch: &mut Scratch,
        out: &mut TileOut<'_>,
    ) {
        assert!(presmoothed.roi.is_some_and(|roi| roi.encloses(tile)), "{tile} was not presmoothed");
        assert!(needed.is_none_or(|needed| needed.len() == self.channel_count()), "one entry per channel");
        for (plan, planes) in self.plans.iter().zip(&presmoothed.planes) {
            for (input_channel, plane) in planes.iter().enumerate() {
                TileJob {
                    set: self.set,
                    plan,
                    plane,
                    image_shape: self.image_shape,
                    tile: *tile,
                    input_channel,
                    needed,
                }
                .run(scratch, out);
            }
        }
    }
}

impl FeatureSelection {
    /// For each feature channel of images with `input_channels` channels, in the order of the names: the row
    /// and column of its cell, and its number within the cell.
    pub fn cells_of_channels(&self, input_channels: usize) -> Vec<(usize, usize, usize)> {
        let mut cells = Vec::new();
        for (row, filter) in FILTERS.iter().enumerate() {
            for column in (0..self.scales.len()).filter(|&column| self.selected[row][column]) {
                let dims = if self.compute_in_2d[column] { SpatialDims::Two } else { SpatialDims::Three };
                cells.extend((0..filter.channels(dims) * input_channels).map(|k| (row, column, k)));
            }
        }
        cells
    }
}

/// Marks the feature channels of the input channels that are used.
fn learned_channels(plans: &[ScalePlan], input_channels: usize, unused: &[usize]) -> Option<Vec<bool>> {
    if !unused.iter().any(|&channel| channel < input_channels) {
        return None;
    }
    let cells = || plans.iter().flat_map(|plan| &plan.cells);
    let count = cells().map(|cell| cell.channels * input_channels).sum();
    let mut learned = vec![true; count];
    for cell in cells() {
        for &channel in unused.iter().filter(|&&channel| channel < input_channels) {
            learned[cell.first_channel + channel * cell.channels..][..cell.channels].fill(false);
        }
    }
    Some(learned)
}

/// `roi`, which was counted from `origin` on, in pixels of the image.
fn shifted(roi: &SpatialRoi, origin: [usize; 3]) -> SpatialRoi {
    Roi::new(
        std::array::from_fn(|i| roi.start[i] + origin[i]),
        std::array::from_fn(|i| roi.stop[i] + origin[i]),
    )
}

/// Names as ilastik gives them: title, scale, "in 2D" where slices are filtered, and a number where the
/// filter gives more than one channel for all input channels together.
fn channel_names(selection: &FeatureSelection, input_channels: usize) -> Vec<String> {
    let mut names = Vec::new();
    for (row, filter) in selection.selected.iter().zip(FILTERS) {
        for (column, _) in row.iter().enumerate().filter(|&(_, &on)| on) {
            let (dims, suffix) = if selection.compute_in_2d[column] {
                (SpatialDims::Two, " in 2D")
            } else {
                (SpatialDims::Three, "")
            };
            let name = format!("{} (σ={:?}){suffix}", filter.title(), selection.scales[column]);
            match filter.channels(dims) * input_channels {
                1 => names.push(name),
                channels => names.extend((0..channels).map(|k| format!("{name} [{k}]"))),
            }
        }
    }
    names
}
