//! Fast prediction of blocks and tiles, equal to the exact walk to the last bit.
//!
//! A tile is cut into blocks of 64 pixels, 8x8 where it is that high. The features of a strip of blocks are
//! coded by rank, column after column; then each block goes down the trees (`traverse`) and its
//! votes become probabilities.

use std::sync::Arc;

use ndarray::{Array3, ArrayView4, ArrayViewMut4, Axis};

use super::forest::{Forest, Node, Tree};
use super::layout::{GROUP, Group};
use super::ranks::{MOST_THRESHOLDS, Ranks};
use super::traverse::{Code, PIXELS, Queue, traverse};
use super::votes;
use super::walk::{self, probability};

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
    parts: Vec<Part>,
    /// Probability of each number of votes when no impure leaf has a say.
    probabilities: Vec<f32>,
    use_avx2: bool,
}

/// Consecutive trees that share their codes.
#[derive(Debug)]
enum Part {
    /// Of 8 bits, for up to 255 thresholds a column.
    Narrow(Coded),
    /// Of 16 bits.
    Wide(Coded),
    /// A tree with too many thresholds for either.
    Walk(Tree),
}

#[derive(Debug)]
struct Coded {
    /// Number of the column among those used, and its thresholds.
    columns: Vec<(usize, Ranks)>,
    groups: Vec<Group>,
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
    narrow: Vec<i8>,
    wide: Vec<i16>,
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
        let parts = part_lengths(&forest.trees, &used)
            .into_iter()
            .scan(&forest.trees[..], |rest, length| {
                let (trees, others) = rest.split_at(length.max(1));
                *rest = others;
                Some(if length == 0 {
                    Part::Walk(trees[0].clone())
                } else {
                    Part::new(trees, &used, forest.classes.len())
                })
            })
            .collect();
        let compiled = Compiled {
            classes: forest.classes.clone(),
            feature_count: forest.feature_count,
            tree_count,
            used,
            parts,
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
    /// [`Forest::predict_rows`] to the last bit. Tiles of 64 pixels or more in width keep codes in cache
    /// and blocks full; any size works.
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
        for part in &self.parts {
            match part {
                Part::Narrow(coded) => {
                    let mut codes = std::mem::take(&mut scratch.narrow);
                    self.vote(coded, features, strip, &mut codes, scratch);
                    scratch.narrow = codes;
                }
                Part::Wide(coded) => {
                    let mut codes = std::mem::take(&mut scratch.wide);
                    self.vote(coded, features, strip, &mut codes, scratch);
                    scratch.wide = codes;
                }
                Part::Walk(tree) => self.vote_walking(tree, features, strip, scratch),
            }
        }
        for block in 0..blocks {
            self.write_block(strip, block, scratch, out);
        }
    }

    /// Adds the votes of a part's trees.
    fn vote<C: Code>(
        &self,
        coded: &Coded,
        features: Planes<'_>,
        strip: Strip,
        codes: &mut Vec<C>,
        scratch: &mut Scratch,
    ) {
        let block_codes = coded.columns.len() * PIXELS;
        codes.resize((strip.block_count() * block_codes).max(codes.len()), C::default());
        for (number, (column, ranks)) in coded.columns.iter().enumerate() {
            for block in 0..strip.block_count() {
                let codes = &mut codes[block * block_codes + number * PIXELS..][..PIXELS];
                let values = read_block(features, strip, self.used[*column], block);
                mark_nan(&values, &mut scratch.nan[block]);
                let ranks = ranks.ranks(&values, self.use_avx2);
                for (run, ranks) in ranks.chunks_exact(8).enumerate() {
                    let stored = &mut codes[8 * C::stored_run(run)..][..8];
                    stored.iter_mut().zip(ranks).for_each(|(code, &rank)| *code = C::of(rank));
                }
            }
        }
        for block in 0..strip.block_count() {
            for group in &coded.groups {
                let codes = &codes[block * block_codes..][..block_codes];
                traverse(group, codes, &mut scratch.queue, &mut scratch.slots, self.use_avx2);
                self.count(group, block, scratch);
            }
        }
    }

    /// Counts the leaves that a group's traversal has reached.
    fn count(&self, group: &Group, block: usize, scratch: &mut Scratch) {
        let classes = self.classes.len();
        let words = votes::words_for(self.tree_count);
        let counters = &mut scratch.counters[block * classes * words..][..classes * words];
        for (class, counter) in counters.chunks_exact_mut(words).enumerate() {
            if let Some(masks) = scratch.slots[group.pure_slot(0, class)..].first_chunk::<GROUP>() {
                votes::add_group(counter, masks);
            }
        }
        let reached = scratch.slots[group.first_impure_slot()..].iter().zip(&group.impure);
        for (&mask, shares) in reached.filter(|&(&mask, _)| mask != 0) {
            let sums = sums_of(block, classes, &mut scratch.sums, &mut scratch.has_sums);
            add_shares(sums, mask, shares);
        }
    }

    fn vote_walking(&self, tree: &Tree, features: Planes<'_>, strip: Strip, scratch: &mut Scratch) {
        let classes = self.classes.len();
        let words = votes::words_for(self.tree_count);
        for block in 0..strip.block_count() {
            for &column in &self.used {
                mark_nan(&read_block(features, strip, column, block), &mut scratch.nan[block]);
            }
            for run in 0..PIXELS / 8 {
                for at in 0..8 {
                    let feature = |column| read_run(features, strip, column, block, run)[at];
                    let shares = walk::leaf_shares(tree, feature);
                    let mask = 1 << (8 * run + at);
                    if let Some(class) = super::forest::pure_class(shares) {
                        let counter = &mut scratch.counters[(block * classes + class) * words..][..words];
                        votes::add_group(counter, &[mask, 0, 0, 0, 0, 0, 0, 0]);
                    } else {
                        let sums = sums_of(block, classes, &mut scratch.sums, &mut scratch.has_sums);
                        add_shares(sums, mask, shares);
                    }
                }
            }
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

impl Part {
    fn new(trees: &[Tree], used: &[u32], class_count: usize) -> Part {
        let mut thresholds: Vec<Vec<f64>> = vec![Vec::new(); used.len()];
        for (column, threshold) in trees.iter().flat_map(splits) {
            thresholds[number_of(used, column)].push(threshold);
        }
        let mut place = vec![0; used.len()];
        let mut columns = Vec::new();
        for (number, thresholds) in thresholds.into_iter().enumerate().filter(|(_, t)| !t.is_empty()) {
            place[number] = columns.len();
            columns.push((number, Ranks::new(thresholds.into_iter())));
        }
        let is_narrow = columns.iter().all(|(_, ranks)| ranks.count() <= u8::MAX.into());
        let code_of = |column, threshold| {
            let place = place[number_of(used, column)];
            let number = columns[place].1.number_of(threshold);
            let bound = if is_narrow { i8::bound(number) } else { i16::bound(number) };
            ((place * PIXELS) as u32, bound)
        };
        let groups = trees.chunks(GROUP).map(|trees| Group::new(trees, class_count, code_of)).collect();
        let coded = Coded { columns, groups };
        if is_narrow { Part::Narrow(coded) } else { Part::Wide(coded) }
    }
}

/// Cuts the trees into runs with few enough thresholds a column for ranks of 16 bits; 0 stands for a
/// single tree that alone has too many.
fn part_lengths(trees: &[Tree], used: &[u32]) -> Vec<usize> {
    let mut lengths = Vec::new();
    let mut length = 0;
    let mut counts = vec![0; used.len()];
    for tree in trees {
        let mut own = vec![0; used.len()];
        splits(tree).for_each(|(column, _)| own[number_of(used, column)] += 1);
        let fits = |counts: &[usize]| counts.iter().zip(&own).all(|(a, b)| a + b <= MOST_THRESHOLDS);
        if !fits(&counts) {
            lengths.extend((length > 0).then_some(length));
            length = 0;
            counts.fill(0);
        }
        if fits(&counts) {
            length += 1;
            counts.iter_mut().zip(&own).for_each(|(count, own)| *count += own);
        } else {
            lengths.push(0);
        }
    }
    lengths.extend((length > 0).then_some(length));
    lengths
}

fn splits(tree: &Tree) -> impl Iterator<Item = (u32, f64)> {
    tree.nodes.iter().filter_map(|node| match node {
        Node::Split { column, threshold, .. } => Some((*column, *threshold)),
        Node::Leaf { .. } => None,
    })
}

fn number_of(used: &[u32], column: u32) -> usize {
    used.partition_point(|&other| other < column)
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

/// The values of one feature in a block, in the order of its bits.
#[inline(always)]
fn read_block(features: Planes<'_>, strip: Strip, column: u32, block: usize) -> [f32; PIXELS] {
    let mut values = [0.0; PIXELS];
    for (run, values) in values.chunks_exact_mut(8).enumerate() {
        values.copy_from_slice(&read_run(features, strip, column, block, run));
    }
    values
}

/// Adds the pixels whose value is NaN. That no value is can be told from few additions: squares are never
/// negative, so that only a NaN makes their sum one.
#[inline(always)]
fn mark_nan(values: &[f32; PIXELS], nan: &mut u64) {
    let mut sums = [0f32; 8];
    for run in values.chunks_exact(8) {
        sums.iter_mut().zip(run).for_each(|(sum, x)| *sum += x * x);
    }
    if sums.iter().any(|sum| sum.is_nan()) {
        for (at, x) in values.iter().enumerate() {
            *nan |= u64::from(x.is_nan()) << at;
        }
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
    fn more_thresholds_than_16_bits_tell_apart() {
        let chain = |splits: u32, offset: f64| Tree {
            nodes: (0..splits)
                .flat_map(|i| {
                    let class = f64::from(i % 2);
                    [
                        Node::Split {
                            column: 0,
                            threshold: f64::from(i) / 4096.0 + offset,
                            below: 2 * i + 1,
                            above: 2 * i + 2,
                        },
                        Node::Leaf { shares: vec![class, 1.0 - class], rows: 1.0 },
                    ]
                })
                .chain([Node::Leaf { shares: vec![0.5, 0.5], rows: 1.0 }])
                .collect(),
        };
        let trees =
            vec![chain(3, 0.0), chain(70_000, 0.0), chain(40_000, 1e-5), chain(40_000, 2e-5), chain(2, 0.5)];
        assert_eq!(part_lengths(&trees, &[0]), [1, 0, 1, 2]);
        let forest = Forest { trees, classes: vec![1, 2], feature_count: 1 };
        assert_equals_the_walk(
            &forest,
            &Array4::from_shape_fn((1, 1, 3, 9), |(_, _, y, x)| (y * 9 + x) as f32),
        );
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
