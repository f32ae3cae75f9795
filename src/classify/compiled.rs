//! Fast prediction of blocks and tiles, equal to the exact walk to the last bit.
//!
//! A tile is cut into blocks of 64 pixels, 8x8 where it is that high. The features of a strip of blocks are
//! stored block by block; then each block goes down the trees (`traverse`) and its votes become
//! probabilities.

use std::sync::Arc;

use ndarray::{Array3, ArrayView4, ArrayViewMut4, Axis};

use super::forest::Forest;
use super::layout::{GROUP, Group};
use super::traverse::{PIXELS, Queue, stored_at, traverse};
use super::votes;
use super::walk::probability;

/// A forest made ready for fast prediction of blocks. Clones share it.
#[derive(Clone, Debug)]
pub struct CompiledForest {
    compiled: Arc<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    classes: Vec<u8>,
    feature_count: usize,
    tree_count: usize,
    /// Columns that some split tests, ascending.
    used: Vec<u32>,
    groups: Vec<Group>,
    /// Probability of each number of votes when no impure leaf has a say.
    probabilities: Vec<f32>,
    use_avx2: bool,
}

/// Planes of a two-dimensional tile: sample `(plane, y, x)` is
/// `samples[plane * plane_stride + y * row_stride + x]`.
#[derive(Clone, Copy, Debug)]
pub struct Planes<'a> {
    /// The samples.
    pub samples: &'a [f32],
    /// Samples from one plane to the next.
    pub plane_stride: usize,
    /// Samples from one row to the next.
    pub row_stride: usize,
}

/// Planes of a tile to be written, laid out as [`Planes`].
#[derive(Debug)]
pub struct PlanesMut<'a> {
    /// The samples.
    pub samples: &'a mut [f32],
    /// Samples from one plane to the next.
    pub plane_stride: usize,
    /// Samples from one row to the next.
    pub row_stride: usize,
}

/// Room for prediction, reused from tile to tile.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Axes block of the strip, used column, pixel in stored order.
    values: Vec<f32>,
    queue: Queue,
    slots: Vec<u64>,
    /// Axes block of the strip, class, word.
    counters: Vec<u64>,
    /// Axes block of the strip, class, pixel; what impure leaves add.
    sums: Vec<f64>,
    has_sums: Vec<bool>,
    /// Per block of the strip, a bit for each pixel with a NaN.
    nan: Vec<u64>,
}

impl CompiledForest {
    /// Prepares `forest`.
    pub fn new(forest: &Forest) -> Self {
        #[cfg(target_arch = "x86_64")]
        let use_avx2 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2");
        #[cfg(not(target_arch = "x86_64"))]
        let use_avx2 = false;
        Self::on_path(forest, use_avx2)
    }

    fn on_path(forest: &Forest, use_avx2: bool) -> Self {
        let used = forest.used_columns();
        let tree_count = forest.trees.len();
        let group = tree_count.div_ceil(tree_count.div_ceil(GROUP).max(1)).max(1);
        let groups = forest.trees.chunks(group).map(|trees| Group::new(trees, forest.classes.len(), &used));
        let groups = groups.collect();
        let compiled = Compiled {
            classes: forest.classes.clone(),
            feature_count: forest.feature_count,
            tree_count,
            used,
            groups,
            probabilities: (0..=tree_count as u32).map(|n| probability(n, 0.0, tree_count)).collect(),
            use_avx2,
        };
        CompiledForest { compiled: Arc::new(compiled) }
    }

    /// Number of feature channels that [`Self::predict_block`] takes.
    pub fn feature_count(&self) -> usize {
        self.compiled.feature_count
    }

    /// Label values that the class planes stand for.
    pub fn classes(&self) -> &[u8] {
        &self.compiled.classes
    }

    /// The feature channels that prediction reads, ascending.
    pub fn used_columns(&self) -> &[u32] {
        &self.compiled.used
    }

    /// Class probabilities of a tile of `height` by `width` pixels: planes of `features` are feature
    /// channels, planes of `out` classes. Channels outside [`Self::used_columns`] are not read. Equal to
    /// [`Forest::predict_rows`] to the last bit. Tiles of 64 pixels or more in width keep blocks
    /// full; any size works.
    ///
    /// # Panics
    /// The planes don't hold the tile.
    pub fn predict_tile(
        &self,
        features: Planes<'_>,
        [height, width]: [usize; 2],
        scratch: &mut Scratch,
        mut out: PlanesMut<'_>,
    ) {
        if height == 0 || width == 0 {
            return;
        }
        let rows = height.min(8).next_power_of_two();
        for top in (0..height).step_by(rows) {
            for left in (0..width).step_by(STRIP) {
                let strip = Strip {
                    top,
                    left,
                    rows,
                    height: (height - top).min(rows),
                    width: (width - left).min(STRIP),
                };
                self.compiled.predict_strip(features, strip, scratch, &mut out);
            }
        }
    }

    /// Class probabilities of a block: `features` has axes `channel, z, y, x`, `out` axes
    /// `class, z, y, x`. Equal to [`Forest::predict_rows`] to the last bit.
    ///
    /// # Panics
    /// The shapes don't fit each other or the forest.
    pub fn predict_block(&self, features: ArrayView4<'_, f32>, mut out: ArrayViewMut4<'_, f32>) {
        let (channels, depth, height, width) = features.dim();
        assert_eq!(channels, self.compiled.feature_count, "feature channels of the block and the forest");
        assert_eq!(out.dim(), (self.compiled.classes.len(), depth, height, width), "shape of the result");
        let mut scratch = Scratch::default();
        let (plane_stride, row_stride) = (height * width, width);
        let mut result = Array3::zeros((self.compiled.classes.len(), height, width));
        for z in 0..depth {
            let slice = features.index_axis(Axis(1), z);
            let slice = slice.as_standard_layout();
            if let (Some(samples), Some(written)) = (slice.as_slice(), result.as_slice_mut()) {
                self.predict_tile(
                    Planes { samples, plane_stride, row_stride },
                    [height, width],
                    &mut scratch,
                    PlanesMut { samples: written, plane_stride, row_stride },
                );
            }
            out.index_axis_mut(Axis(1), z).assign(&result);
        }
    }
}

/// Widest strip, in pixels.
const STRIP: usize = 64;

/// A row of blocks in a tile.
#[derive(Clone, Copy)]
struct Strip {
    top: usize,
    left: usize,
    /// Rows of a block: 1, 2, 4 or 8.
    rows: usize,
    /// Rows and columns that are in the tile.
    height: usize,
    width: usize,
}

impl Strip {
    fn block_width(self) -> usize {
        PIXELS / self.rows
    }

    /// Whether all its blocks are 8x8 and full.
    fn is_full(self) -> bool {
        [self.height, self.width] == [8, STRIP]
    }

    fn block_count(self) -> usize {
        self.width.div_ceil(self.block_width())
    }

    /// Row and column (in the tile) of the eight pixels of a block from `8 * run` on.
    fn run_at(self, block: usize, run: usize) -> (usize, usize) {
        let runs_per_row = self.block_width() / 8;
        let y = run / runs_per_row;
        let x = block * self.block_width() + 8 * (run % runs_per_row);
        (y, x)
    }
}

impl Compiled {
    fn predict_strip(
        &self,
        features: Planes<'_>,
        strip: Strip,
        scratch: &mut Scratch,
        out: &mut PlanesMut<'_>,
    ) {
        let blocks = strip.block_count();
        let (classes, words) = (self.classes.len(), votes::words_for(self.tree_count));
        scratch.counters.clear();
        scratch.counters.resize(blocks * classes * words, 0);
        scratch.has_sums.clear();
        scratch.has_sums.resize(blocks, false);
        scratch.nan.clear();
        scratch.nan.resize(blocks, 0);
        self.vote(features, strip, scratch);
        for block in 0..blocks {
            self.write_block(strip, block, scratch, out);
        }
    }

    /// Adds the votes of all trees.
    fn vote(&self, features: Planes<'_>, strip: Strip, scratch: &mut Scratch) {
        let block_values = self.used.len() * PIXELS;
        let mut values = std::mem::take(&mut scratch.values);
        values.resize((strip.block_count() * block_values).max(values.len()), 0.0);
        for (number, &column) in self.used.iter().enumerate() {
            let values = &mut values[number * PIXELS..];
            if strip.is_full() {
                read_strip(features, strip, column, block_values, values, &mut scratch.nan);
                continue;
            }
            for (block, nan) in scratch.nan.iter_mut().enumerate() {
                read_block(
                    features,
                    strip,
                    column,
                    block,
                    &mut values[block * block_values..][..PIXELS],
                    nan,
                );
            }
        }
        // Group after group, as the splits of all together are too many for the caches.
        for group in &self.groups {
            for block in 0..strip.block_count() {
                let values = &values[block * block_values..][..block_values];
                traverse(group, values, &mut scratch.queue, &mut scratch.slots, self.use_avx2);
                self.count(group, block, scratch);
            }
        }
        scratch.values = values;
    }

    /// Counts the leaves that a group's traversal has reached.
    fn count(&self, group: &Group, block: usize, scratch: &mut Scratch) {
        let classes = self.classes.len();
        let words = votes::words_for(self.tree_count);
        let counters = &mut scratch.counters[block * classes * words..][..classes * words];
        for (class, counter) in counters.chunks_exact_mut(words).enumerate() {
            for masks in scratch.slots[group.pure_slot(0, class)..][..GROUP].as_chunks().0 {
                votes::add_group(counter, masks);
            }
        }
        let reached = scratch.slots[group.first_impure_slot()..].iter().zip(&group.impure);
        for (&mask, shares) in reached.filter(|&(&mask, _)| mask != 0) {
            let sums = sums_of(block, classes, &mut scratch.sums, &mut scratch.has_sums);
            add_shares(sums, mask, shares);
        }
    }

    fn write_block(&self, strip: Strip, block: usize, scratch: &Scratch, out: &mut PlanesMut<'_>) {
        let classes = self.classes.len();
        let words = votes::words_for(self.tree_count);
        for class in 0..classes {
            let counter = &scratch.counters[(block * classes + class) * words..][..words];
            for run in 0..PIXELS / 8 {
                let (y, x) = strip.run_at(block, run);
                if y >= strip.height || x >= strip.width {
                    continue;
                }
                let start = class * out.plane_stride + (strip.top + y) * out.row_stride + strip.left + x;
                let counts = votes::counts(counter, run);
                let written = out.samples[start..][..(strip.width - x).min(8)].iter_mut().enumerate();
                for (at, p) in written {
                    let pixel = 8 * run + at;
                    *p = if self.tree_count == 0 || scratch.nan[block] >> pixel & 1 == 1 {
                        0.0
                    } else if scratch.has_sums[block] {
                        let sum = scratch.sums[(block * classes + class) * PIXELS + pixel];
                        probability(counts[at], sum, self.tree_count)
                    } else {
                        self.probabilities[counts[at] as usize]
                    };
                }
            }
        }
    }
}

/// Eight values of one feature. Outside the tile those at its edge are repeated.
#[inline(always)]
fn read_run(features: Planes<'_>, strip: Strip, column: u32, block: usize, run: usize) -> [f32; 8] {
    let (y, x) = strip.run_at(block, run);
    let y = strip.top + y.min(strip.height - 1);
    let row = &features.samples[column as usize * features.plane_stride + y * features.row_stride..];
    let row = &row[strip.left..][..strip.width];
    match row.get(x..).and_then(|rest| rest.first_chunk()) {
        Some(values) => *values,
        None => std::array::from_fn(|at| row[(x + at).min(strip.width - 1)]),
    }
}

/// Stores the values of one feature in a block, in stored order, and marks the pixels whose value is NaN.
fn read_block(
    features: Planes<'_>,
    strip: Strip,
    column: u32,
    block: usize,
    stored: &mut [f32],
    nan: &mut u64,
) {
    for run in 0..PIXELS / 8 {
        store_run(&read_run(features, strip, column, block, run), run, stored);
    }
    mark_nan(stored, nan);
}

/// [`read_block`] for the blocks of a full strip, whose values are `block_values` apart in `stored`.
fn read_strip(
    features: Planes<'_>,
    strip: Strip,
    column: u32,
    block_values: usize,
    stored: &mut [f32],
    nan: &mut [u64],
) {
    let first = column as usize * features.plane_stride + strip.top * features.row_stride + strip.left;
    // That no value is NaN can be told from few additions: squares are never negative, so that only a NaN
    // makes their sum one.
    let mut sums = [0f32; 8];
    for row in 0..8 {
        let values = &features.samples[first + row * features.row_stride..][..STRIP];
        for (values, stored) in values.as_chunks().0.iter().zip(stored.chunks_mut(block_values)) {
            store_run(values, row, stored);
            sums.iter_mut().zip(values).for_each(|(sum, x)| *sum += x * x);
        }
    }
    if sums.iter().any(|sum| sum.is_nan()) {
        for (stored, nan) in stored.chunks(block_values).zip(nan) {
            mark_nan(&stored[..PIXELS], nan);
        }
    }
}

/// Stores the eight values of a block's pixels from `8 * run` on.
#[inline(always)]
fn store_run(values: &[f32; 8], run: usize, stored: &mut [f32]) {
    for (half, values) in values.chunks_exact(4).enumerate() {
        stored[stored_at(8 * run + 4 * half)..][..4].copy_from_slice(values);
    }
}

fn mark_nan(stored: &[f32], nan: &mut u64) {
    for pixel in 0..PIXELS {
        *nan |= u64::from(stored[stored_at(pixel)].is_nan()) << pixel;
    }
}

/// A block's sums (axes class, pixel), made 0 when first asked for.
fn sums_of<'a>(block: usize, classes: usize, sums: &'a mut Vec<f64>, has: &mut [bool]) -> &'a mut [f64] {
    let length = classes * PIXELS;
    if sums.len() < has.len() * length {
        sums.resize(has.len() * length, 0.0);
    }
    let sums = &mut sums[block * length..][..length];
    if !std::mem::replace(&mut has[block], true) {
        sums.fill(0.0);
    }
    sums
}

fn add_shares(sums: &mut [f64], mut mask: u64, shares: &[f64]) {
    while mask != 0 {
        let pixel = mask.trailing_zeros() as usize;
        mask &= mask - 1;
        sums.chunks_exact_mut(PIXELS).zip(shares).for_each(|(sums, share)| sums[pixel] += share);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Array4};
    use proptest::prelude::*;

    use super::super::bags::{Draws, TreeSeed};
    use super::super::forest::{Node, Tree};
    use super::*;

    /// A tree of up to `splits` splits, some of whose leaves are impure.
    fn tree(draws: &mut Draws, splits: usize, features: usize, classes: usize, thresholds: &[f64]) -> Tree {
        let mut nodes = vec![leaf(draws, classes)];
        for _ in 0..splits {
            let at = draws.below(nodes.len());
            if matches!(nodes[at], Node::Leaf { .. }) {
                let below = nodes.len() as u32;
                let threshold = thresholds[draws.below(thresholds.len())];
                nodes[at] =
                    Node::Split { column: draws.below(features) as u32, threshold, below, above: below + 1 };
                nodes.extend([leaf(draws, classes), leaf(draws, classes)]);
            }
        }
        Tree { nodes }
    }

    fn leaf(draws: &mut Draws, classes: usize) -> Node {
        let mut shares = vec![0.0; classes];
        let (one, other) = (draws.below(classes), draws.below(classes));
        let share = if draws.below(4) == 0 { draws.below(1000) as f64 / 1000.0 } else { 1.0 };
        shares[one] = share;
        shares[other] += 1.0 - share;
        Node::Leaf { shares, rows: 1.0 }
    }

    fn assert_equals_the_walk(forest: &Forest, features: &Array4<f32>) {
        let (channels, depth, height, width) = features.dim();
        let pixels = depth * height * width;
        let rows = Array2::from_shape_fn((pixels, channels), |(pixel, channel)| {
            let (yx, z) = (pixel % (height * width), pixel / (height * width));
            features[[channel, z, yx / width, yx % width]]
        });
        let walked = forest.predict_rows(rows.view());
        for use_avx2 in [CompiledForest::new(forest).compiled.use_avx2, false] {
            let mut out = Array4::from_elem((forest.classes.len(), depth, height, width), 7.0);
            CompiledForest::on_path(forest, use_avx2).predict_block(features.view(), out.view_mut());
            for (pixel, row) in walked.rows().into_iter().enumerate() {
                let (yx, z) = (pixel % (height * width), pixel / (height * width));
                for (class, p) in row.iter().enumerate() {
                    let fast = out[[class, z, yx / width, yx % width]];
                    assert_eq!(fast.to_bits(), p.to_bits(), "pixel {pixel} class {class}: {fast} walked {p}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn equals_the_walk(
            trees in 0..40usize,
            splits in prop_oneof![Just(0usize), 1..8usize, Just(400)],
            feature_count in 1..6usize,
            classes in prop_oneof![Just(2usize), 2..6usize, Just(99)],
            shape in (1..3usize, 1..20usize, 1..75usize),
            values in prop::collection::vec(prop_oneof![
                5 => -2f32..2.0, 1 => Just(0.0f32), 1 => Just(-0.0), 1 => Just(f32::NAN),
                1 => Just(f32::INFINITY), 1 => Just(f32::NEG_INFINITY)], 64),
            more in prop::collection::vec(prop_oneof![
                9 => -2f64..2.0, 1 => Just(f64::INFINITY), 1 => Just(f64::NEG_INFINITY), 1 => Just(f64::NAN)], 300),
            seed in any::<u64>(),
        ) {
            let mut draws = TreeSeed::new(seed, 0).root().draws();
            let mut thresholds: Vec<f64> = values.iter().map(|&x| x.into()).collect();
            thresholds.extend(more);
            let forest = Forest {
                trees: (0..trees).map(|_| tree(&mut draws, splits, feature_count, classes, &thresholds)).collect(),
                classes: (1..=classes as u8).collect(),
                feature_count,
            };
            let (depth, height, width) = shape;
            let features = Array4::from_shape_fn((feature_count, depth, height, width), |_| {
                values[draws.below(values.len())]
            });
            assert_equals_the_walk(&forest, &features);
        }
    }

    #[test]
    fn reads_no_unused_channel_and_heeds_strides() {
        let mut draws = TreeSeed::new(3, 0).root().draws();
        let trees = vec![tree(&mut draws, 5, 1, 2, &[0.25, 0.5])];
        let mut forest = Forest { trees, classes: vec![1, 2], feature_count: 3 };
        for node in &mut forest.trees[0].nodes {
            if let Node::Split { column, .. } = node {
                *column = 1;
            }
        }
        let compiled = CompiledForest::new(&forest);
        assert_eq!(compiled.used_columns(), [1]);
        let (height, width, row_stride, plane_stride) = (5, 11, 13, 70);
        let mut samples = vec![f32::NAN; plane_stride + height * row_stride];
        for y in 0..height {
            for x in 0..width {
                samples[plane_stride + y * row_stride + x] = x as f32 / 10.0;
            }
        }
        let mut written = vec![-1.0; 2 * plane_stride];
        compiled.predict_tile(
            Planes { samples: &samples, plane_stride, row_stride },
            [height, width],
            &mut Scratch::default(),
            PlanesMut { samples: &mut written, plane_stride, row_stride },
        );
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let row = ndarray::array![[f32::NAN, x as f32 / 10.0, f32::NAN]];
            let expected = forest.predict_rows(row.view());
            assert_eq!(written[y * row_stride + x], expected[[0, 0]]);
            assert_eq!(written[plane_stride + y * row_stride + x], expected[[0, 1]]);
        }
        assert_eq!(written.iter().filter(|&&p| p == -1.0).count(), 2 * (plane_stride - height * width));
    }
}
