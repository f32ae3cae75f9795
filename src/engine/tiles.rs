//! Prediction tiles: the grid they lie on, and the store from which the screen is composed.
//!
//! A tile is a square part of a slice. The newest result of each tile is kept, in the order of use, within a
//! byte budget; a tile of an older forest is shown until a newer one is there.

use std::sync::{Arc, Mutex};

use ndarray::Array4;

use super::View;
use super::lru::ByteLru;
use super::mailbox::lock;
use crate::data::revision::ForestRev;
use crate::data::{BlockGrid, SlicePlane, SpatialRoi};

/// Side of a tile in pixels. A pass over the tiles stops for a newer forest after each tile, so tiles
/// must not be large; the halo computed again for each makes small ones dear.
pub const TILE_SIDE: usize = 128;

/// A part of a slice, predicted.
#[derive(Clone, Debug)]
pub struct Tile {
    /// The pixels covered (`zyx`), one thick along the axis of the slice.
    pub roi: SpatialRoi,
    /// Every how many pixels along each axis, from the region's start, there is a prediction.
    pub step: usize,
    /// Probabilities, axes `class, z, y, x`.
    pub probabilities: Arc<Array4<f32>>,
    /// The forest it was predicted with.
    pub revision: ForestRev,
    /// Whether there is, or will be, a newer forest.
    pub stale: bool,
}

/// Where a tile is: which image, time and pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TileKey {
    pub lane: u64,
    pub t: usize,
    pub roi: SpatialRoi,
}

/// The tiles that cover the visible part of a slice, nearest to the focus first.
pub(super) fn visible_tiles(view: &View, shape: [usize; 3]) -> Vec<SpatialRoi> {
    let grid = slice_grid(&view.plane, shape, TILE_SIDE, 1);
    grid.outward(&view.region, view.focus).into_iter().map(|index| grid.block(index)).collect()
}

/// A grid of blocks `side` pixels wide in the slice and `depth` deep across it.
pub(super) fn slice_grid(plane: &SlicePlane, shape: [usize; 3], side: usize, depth: usize) -> BlockGrid {
    let mut block = [side; 3];
    block[plane.axis as usize - 1] = depth;
    BlockGrid::new(shape, block)
}

/// The newest tiles.
#[derive(Debug)]
pub(super) struct TileStore {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    tiles: ByteLru<TileKey, Tile>,
    newest: ForestRev,
    /// Counts changes of what the classes mean; tiles from before one are refused.
    class_epoch: u64,
}

impl TileStore {
    pub fn new(budget: usize) -> Self {
        let inner = Inner { tiles: ByteLru::new(budget), newest: ForestRev(0), class_epoch: 0 };
        TileStore { inner: Mutex::new(inner) }
    }

    /// Tiles older than `revision` are stale from now on.
    pub fn set_newest(&self, revision: ForestRev) {
        lock(&self.inner).newest = revision;
    }

    /// Drops everything: the classes have other numbers now.
    pub fn clear(&self, class_epoch: u64) {
        let mut inner = lock(&self.inner);
        inner.class_epoch = class_epoch;
        inner.tiles.retain(|_| false);
    }

    /// Drops the tiles of images that `keep` refuses.
    pub fn retain_lanes(&self, keep: impl Fn(u64) -> bool) {
        lock(&self.inner).tiles.retain(|key| keep(key.lane));
    }

    /// Puts in what was predicted at every `step`-th pixel of a tile, unless something newer or as new and
    /// as fine is there; whether it was accepted.
    pub fn accept(
        &self,
        key: TileKey,
        (step, probabilities): (usize, Array4<f32>),
        revision: ForestRev,
        class_epoch: u64,
    ) -> bool {
        let mut inner = lock(&self.inner);
        let outdone = |shown: &Tile| (shown.revision, step) >= (revision, shown.step);
        if inner.class_epoch != class_epoch || inner.tiles.peek(&key).is_some_and(outdone) {
            return false;
        }
        let bytes = probabilities.len() * size_of::<f32>() + size_of::<Tile>();
        let probabilities = Arc::new(probabilities);
        let tile = Tile { roi: key.roi, step, probabilities, revision, stale: false };
        inner.tiles.insert(key, tile, bytes);
        true
    }

    /// Revision and step of the tile at `key`, if there is one.
    pub fn shown(&self, key: &TileKey) -> Option<(ForestRev, usize)> {
        lock(&self.inner).tiles.peek(key).map(|tile| (tile.revision, tile.step))
    }

    /// The tiles there are among `rois`; they count as used, the first as the last.
    pub fn tiles(&self, lane: u64, t: usize, rois: &[SpatialRoi]) -> Vec<Tile> {
        let mut inner = lock(&self.inner);
        let newest = inner.newest;
        rois.iter()
            .rev()
            .filter_map(|&roi| inner.tiles.get(&TileKey { lane, t, roi }).cloned())
            .map(|tile| Tile { stale: tile.revision < newest, ..tile })
            .collect()
    }
}
