//! The labels of one image: sparse, cheap to snapshot, every change an undoable edit.
//!
//! Pixels are addressed `[t, z, y, x]`; value 0 is unlabelled. Blocks of one plane and 64 x 64 pixels
//! sit behind `Arc`, so a clone is a snapshot that later edits do not touch.

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::Array4;

use super::roi::Roi;

/// Side of a label block in y and x.
const SIDE: usize = 64;

/// Grid position of a block: `t`, `z`, `y / 64`, `x / 64`.
pub type LabelBlock = [usize; 4];

type Block = Arc<[u8; SIDE * SIDE]>;

/// The labels of one image.
#[derive(Clone, Debug)]
pub struct LabelVolume {
    shape: [usize; 4],
    blocks: BTreeMap<LabelBlock, Block>,
}

/// One undoable change of a [`LabelVolume`]: the blocks it touched, before and after.
#[derive(Clone, Debug, Default)]
pub struct LabelEdit {
    changes: Vec<(LabelBlock, Option<Block>, Option<Block>)>,
}

impl LabelEdit {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The boxes (`tzyx`) of the blocks that changed.
    pub fn dirty(&self) -> impl Iterator<Item = Roi<4>> + '_ {
        self.changes.iter().map(|(block, ..)| block_roi(*block))
    }

    /// Pixels (`tzyx`) that changed, with their values before and after.
    pub fn pixels(&self) -> impl Iterator<Item = ([usize; 4], u8, u8)> + '_ {
        self.changes.iter().flat_map(|(block, before, after)| {
            let [t, z, y, x] = *block;
            let value = |block: &Option<Block>, i: usize| block.as_ref().map_or(0, |b| b[i]);
            (0..SIDE * SIDE)
                .map(move |i| {
                    let at = [t, z, y * SIDE + i / SIDE, x * SIDE + i % SIDE];
                    (at, value(before, i), value(after, i))
                })
                .filter(|(_, before, after)| before != after)
        })
    }

    /// This edit followed by `next`, as one edit.
    pub fn then(mut self, next: LabelEdit) -> LabelEdit {
        for (block, before, after) in next.changes {
            match self.changes.iter_mut().find(|(b, ..)| *b == block) {
                Some(change) => change.2 = after,
                None => self.changes.push((block, before, after)),
            }
        }
        self
    }
}

fn block_roi([t, z, y, x]: LabelBlock) -> Roi<4> {
    Roi::new([t, z, y * SIDE, x * SIDE], [t + 1, z + 1, (y + 1) * SIDE, (x + 1) * SIDE])
}

fn locate([t, z, y, x]: [usize; 4]) -> (LabelBlock, usize) {
    ([t, z, y / SIDE, x / SIDE], y % SIDE * SIDE + x % SIDE)
}

/// The blocks of an image of `shape` that a block with its corner at `corner` (`tzyx`) lies over.
fn targets(corner: [i64; 4], shape: [usize; 4]) -> Vec<LabelBlock> {
    let inside = |i: usize, at: i64| (0..shape[i] as i64).contains(&at);
    if !inside(0, corner[0]) || !inside(1, corner[1]) {
        return Vec::new();
    }
    let side = SIDE as i64;
    let blocks = |i: usize| {
        let first = corner[i].div_euclid(side);
        let last = (corner[i] + side - 1).div_euclid(side);
        (first..=last).filter(move |&block| inside(i, block * side)).map(|block| block as usize)
    };
    let [t, z] = [corner[0] as usize, corner[1] as usize];
    blocks(2).flat_map(|y| blocks(3).map(move |x| [t, z, y, x])).collect()
}

impl LabelVolume {
    /// Pixels of a block.
    pub const BLOCK_PIXELS: usize = SIDE * SIDE;

    /// No labels on an image of `shape` (`tzyx`).
    pub fn new(shape: [usize; 4]) -> Self {
        LabelVolume { shape, blocks: BTreeMap::new() }
    }

    /// Shape of the image, `tzyx`.
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// Blocks that the image has, labelled or not.
    pub fn block_count(&self) -> u64 {
        let [t, z, y, x] = self.shape.map(|extent| extent as u64);
        [t, z, y.div_ceil(SIDE as u64), x.div_ceil(SIDE as u64)].into_iter().fold(1, u64::saturating_mul)
    }

    /// Whether no pixel is labelled.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The label at `at` (`tzyx`); 0 outside the image.
    pub fn get(&self, at: [usize; 4]) -> u8 {
        let (block, offset) = locate(at);
        self.blocks.get(&block).map_or(0, |b| b[offset])
    }

    /// Sets pixels (`tzyx`) to values, 0 erases; pixels outside the image are left out. The edit
    /// returned has been applied.
    pub fn paint(&mut self, pixels: impl IntoIterator<Item = ([usize; 4], u8)>) -> LabelEdit {
        self.paint_where(pixels, |_| true)
    }

    /// The same, but only pixels whose value so far `may_change`.
    pub fn paint_where(
        &mut self,
        pixels: impl IntoIterator<Item = ([usize; 4], u8)>,
        may_change: impl Fn(u8) -> bool,
    ) -> LabelEdit {
        let mut touched: BTreeMap<LabelBlock, Option<Block>> = BTreeMap::new();
        for (at, value) in pixels {
            if (0..4).any(|i| at[i] >= self.shape[i]) {
                continue;
            }
            let (index, offset) = locate(at);
            let current = self.blocks.get(&index);
            let was = current.map_or(0, |b| b[offset]);
            if was == value || !may_change(was) {
                continue;
            }
            touched.entry(index).or_insert_with(|| current.cloned());
            let block = self.blocks.entry(index).or_insert_with(|| Arc::new([0; SIDE * SIDE]));
            Arc::make_mut(block)[offset] = value;
        }
        self.edit_of(touched)
    }

    /// The edit that has been applied, from the blocks touched as they were before.
    fn edit_of(&mut self, touched: BTreeMap<LabelBlock, Option<Block>>) -> LabelEdit {
        let mut edit = LabelEdit::default();
        for (index, before) in touched {
            if self.blocks.get(&index).is_some_and(|b| b.iter().all(|&v| v == 0)) {
                self.blocks.remove(&index);
            }
            let after = self.blocks.get(&index).cloned();
            if before != after {
                edit.changes.push((index, before, after));
            }
        }
        edit
    }

    /// Lays the labelled pixels of `other` over this image, moved by `offset` (`tzyx`) and renamed by
    /// `map`, where 0 leaves a pixel out; what falls outside is left out, and only pixels whose value so
    /// far `may_change` are set. The edit returned has been applied.
    pub fn overlay(
        &mut self,
        other: &LabelVolume,
        offset: [i64; 4],
        map: &[u8; 256],
        may_change: impl Fn(u8) -> bool,
    ) -> LabelEdit {
        let mut touched: BTreeMap<LabelBlock, Option<Block>> = BTreeMap::new();
        for (&from, source) in &other.blocks {
            let corner = block_roi(from).start;
            let moved: [i64; 4] = std::array::from_fn(|i| corner[i] as i64 + offset[i]);
            // A block that is moved lies over up to four blocks here; each is looked up once.
            for target in targets(moved, self.shape) {
                let to = block_roi(target).start.map(|i| i as i64);
                let shift = [moved[2] - to[2], moved[3] - to[3]];
                let block = self.blocks.get(&target).cloned();
                let mut changed = block.clone();
                for (i, &value) in source.iter().enumerate().filter(|&(_, &v)| v != 0 && map[v as usize] != 0)
                {
                    let at = [(i / SIDE) as i64 + shift[0], (i % SIDE) as i64 + shift[1]];
                    let inside = (0..2).all(|k| {
                        (0..SIDE as i64).contains(&at[k])
                            && ((to[k + 2] + at[k]) as usize) < self.shape[k + 2]
                    });
                    if !inside {
                        continue;
                    }
                    let at = at[0] as usize * SIDE + at[1] as usize;
                    if may_change(changed.as_ref().map_or(0, |b| b[at])) {
                        let block = changed.get_or_insert_with(|| Arc::new([0; SIDE * SIDE]));
                        Arc::make_mut(block)[at] = map[value as usize];
                    }
                }
                if changed != block {
                    touched.entry(target).or_insert(block);
                    self.set_block(target, &changed);
                }
            }
        }
        self.edit_of(touched)
    }

    /// Rewrites every labelled pixel by `map[value]`; `map[0]` is not used.
    pub fn map_values(&mut self, map: &[u8; 256]) -> LabelEdit {
        let mut edit = LabelEdit::default();
        for (index, before) in std::mem::take(&mut self.blocks) {
            let mapped = before.map(|v| if v == 0 { 0 } else { map[v as usize] });
            let after = mapped.iter().any(|&v| v != 0).then(|| Arc::new(mapped));
            if let Some(block) = &after {
                self.blocks.insert(index, Arc::clone(block));
            }
            if after.as_ref() != Some(&before) {
                edit.changes.push((index, Some(before), after));
            }
        }
        edit
    }

    /// Does an edit again that was undone.
    pub fn redo(&mut self, edit: &LabelEdit) {
        for (index, _, after) in &edit.changes {
            self.set_block(*index, after);
        }
    }

    /// Undoes an edit.
    pub fn undo(&mut self, edit: &LabelEdit) {
        for (index, before, _) in &edit.changes {
            self.set_block(*index, before);
        }
    }

    fn set_block(&mut self, index: LabelBlock, block: &Option<Block>) {
        match block {
            Some(block) => self.blocks.insert(index, Arc::clone(block)),
            None => self.blocks.remove(&index),
        };
    }

    /// Labelled pixels (`tzyx`, value), in a fixed order that depends on nothing but the labels.
    pub fn iter(&self) -> impl Iterator<Item = ([usize; 4], u8)> + '_ {
        self.blocks.iter().flat_map(|(&[t, z, y, x], block)| {
            block
                .iter()
                .enumerate()
                .filter(|&(_, &value)| value != 0)
                .map(move |(i, &value)| ([t, z, y * SIDE + i / SIDE, x * SIDE + i % SIDE], value))
        })
    }

    /// The tight boxes (`tzyx`) of labelled pixels, one per block that holds any.
    pub fn bounding_boxes(&self) -> Vec<Roi<4>> {
        self.blocks
            .iter()
            .map(|(&[t, z, y, x], block)| {
                let mut low = [SIDE, SIDE];
                let mut high = [0, 0];
                for (i, _) in block.iter().enumerate().filter(|&(_, &v)| v != 0) {
                    let at = [i / SIDE, i % SIDE];
                    low = std::array::from_fn(|k| low[k].min(at[k]));
                    high = std::array::from_fn(|k| high[k].max(at[k] + 1));
                }
                Roi::new(
                    [t, z, y * SIDE + low[0], x * SIDE + low[1]],
                    [t + 1, z + 1, y * SIDE + high[0], x * SIDE + high[1]],
                )
            })
            .collect()
    }

    /// Labelled pixels (`tzyx`, value) inside `roi`, in the order of [`LabelVolume::iter`].
    pub fn iter_in(&self, roi: Roi<4>) -> impl Iterator<Item = ([usize; 4], u8)> + '_ {
        self.blocks.iter().filter(move |(block, _)| !block_roi(**block).intersect(&roi).is_empty()).flat_map(
            move |(&[t, z, y, x], block)| {
                block
                    .iter()
                    .enumerate()
                    .filter(|&(_, &value)| value != 0)
                    .map(move |(i, &value)| ([t, z, y * SIDE + i / SIDE, x * SIDE + i % SIDE], value))
                    .filter(move |(at, _)| roi.contains(*at))
            },
        )
    }

    /// The blocks that hold labels, in the order of [`LabelVolume::iter`].
    pub fn blocks(&self) -> impl Iterator<Item = LabelBlock> + '_ {
        self.blocks.keys().copied()
    }

    /// The labels of one block alone, on an image of the same shape.
    pub fn only(&self, block: LabelBlock) -> LabelVolume {
        let blocks = self.blocks.get(&block).map(|b| (block, Arc::clone(b)));
        LabelVolume { shape: self.shape, blocks: blocks.into_iter().collect() }
    }

    /// Number of labelled pixels per value.
    pub fn counts(&self) -> [u64; 256] {
        let mut counts = [0; 256];
        for (_, value) in self.iter() {
            counts[value as usize] += 1;
        }
        counts
    }

    /// Dense labels of the box `roi` (`tzyx`), 0 outside the image.
    pub fn read(&self, roi: &Roi<4>) -> Array4<u8> {
        let mut dense = Array4::zeros(roi.shape());
        for (&index, block) in &self.blocks {
            let part = block_roi(index).intersect(roi);
            if part.is_empty() {
                continue;
            }
            for y in part.start[2]..part.stop[2] {
                for x in part.start[3]..part.stop[3] {
                    let at = [part.start[0], part.start[1], y, x];
                    let to: [usize; 4] = std::array::from_fn(|i| at[i] - roi.start[i]);
                    dense[to] = block[locate(at).1];
                }
            }
        }
        dense
    }
}

impl PartialEq for LabelVolume {
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape && self.blocks == other.blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pixels() -> impl Strategy<Value = Vec<([usize; 4], u8)>> {
        let at = (0..2usize, 0..3usize, 0..150usize, 0..70usize);
        prop::collection::vec((at.prop_map(|(t, z, y, x)| [t, z, y, x]), 0..4u8), 0..40)
    }

    proptest! {
        #[test]
        fn undo_then_redo_is_identity(first in pixels(), second in pixels()) {
            let mut labels = LabelVolume::new([2, 3, 140, 66]);
            labels.paint(first);
            let before = labels.clone();
            let edit = labels.paint(second);
            let after = labels.clone();
            for (at, old, new) in edit.pixels() {
                prop_assert_eq!((old, new), (before.get(at), after.get(at)));
            }
            let changed = before.shape().iter().product::<usize>()
                - ndarray::Zip::from(&before.read(&Roi::whole(before.shape())))
                    .and(&after.read(&Roi::whole(after.shape())))
                    .fold(0, |same, a, b| same + usize::from(a == b));
            prop_assert_eq!(edit.pixels().count(), changed);
            labels.undo(&edit);
            prop_assert_eq!(&labels, &before);
            labels.redo(&edit);
            prop_assert_eq!(&labels, &after);
        }

        #[test]
        fn reads_what_was_painted(pixels in pixels()) {
            let mut labels = LabelVolume::new([2, 3, 140, 66]);
            labels.paint(pixels);
            let dense = labels.read(&Roi::whole([2, 3, 140, 66]));
            for (at, &value) in dense.indexed_iter() {
                prop_assert_eq!(labels.get(at.into()), value);
            }
            prop_assert_eq!(labels.iter().count(), dense.iter().filter(|&&v| v != 0).count());
            let roi = Roi::new([0, 1, 10, 5], [2, 2, 100, 66]);
            let inside: Vec<_> = labels.iter().filter(|(at, _)| roi.contains(*at)).collect();
            prop_assert_eq!(labels.iter_in(roi).collect::<Vec<_>>(), inside);
            let by_block: Vec<_> = labels.blocks().flat_map(|b| labels.only(b).iter().collect::<Vec<_>>()).collect();
            prop_assert_eq!(by_block, labels.iter().collect::<Vec<_>>());
        }
    }

    proptest! {
        #[test]
        fn an_overlay_is_painting_pixel_by_pixel(
            below in pixels(), above in pixels(), offset in [-1..2i64, -2..3i64, -80..150i64, -70..70i64],
        ) {
            let mut labels = LabelVolume::new([2, 3, 140, 66]);
            labels.paint(below);
            let mut other = LabelVolume::new([2, 3, 150, 70]);
            other.paint(above);
            let mut map = [0; 256];
            (map[1], map[3]) = (3, 1);
            let before = labels.clone();
            let mut painted = labels.clone();
            painted.paint_where(
                other.iter().filter(|(_, v)| map[*v as usize] != 0).filter_map(|(at, v)| {
                    let to: Vec<usize> =
                        (0..4).filter_map(|i| usize::try_from(at[i] as i64 + offset[i]).ok()).collect();
                    Some((to.try_into().ok()?, map[v as usize]))
                }),
                |was| was != 2,
            );
            let edit = labels.overlay(&other, offset, &map, |was| was != 2);
            prop_assert_eq!(&labels, &painted);
            labels.undo(&edit);
            prop_assert_eq!(&labels, &before);
        }
    }

    #[test]
    fn a_snapshot_does_not_see_later_strokes() {
        let mut labels = LabelVolume::new([1, 1, 10, 10]);
        labels.paint([([0, 0, 1, 1], 1)]);
        let snapshot = labels.clone();
        labels.paint([([0, 0, 1, 1], 2)]);
        assert_eq!(snapshot.get([0, 0, 1, 1]), 1);
    }

    #[test]
    fn removing_a_class_shifts_the_others_and_comes_back() {
        let mut labels = LabelVolume::new([1, 1, 4, 4]);
        labels.paint([([0, 0, 0, 0], 1), ([0, 0, 0, 1], 2), ([0, 0, 0, 2], 3)]);
        let before = labels.clone();
        let mut map: [u8; 256] = std::array::from_fn(|i| i as u8);
        (map[2], map[3]) = (0, 2);
        let edit = labels.map_values(&map);
        assert_eq!([0, 1, 2].map(|x| labels.get([0, 0, 0, x])), [1, 0, 2]);
        labels.undo(&edit);
        assert_eq!(labels, before);
    }
}
