//! Label blocks: `LabelSets/labelsNNN/blockNNNN`, dense boxes cropped to the labels they hold.
//!
//! Blocks carry their place (`blockSlice`) and mostly their axes (`axistags`). Projects of the years
//! 2017 to 2020 hold blocks whose axes differ from the image's, some without saying so.

use std::collections::BTreeMap;

use super::axistags;
use super::error::Warning;
use super::stored::{Folder, Numbers, Result};
use crate::data::classes::MAX_CLASSES;
use crate::data::{Axis, AxisOrder, LabelVolume, Roi};

/// Axis orders of old blocks that do not name their axes.
const OLD_ORDERS: [&str; 2] = ["txyzc", "tzyxc"];
/// Planes per written block.
const DEPTH: usize = 16;

/// A block to be written: its box `tzyx` and its values.
pub(super) struct LabelBlock {
    /// Shape in the order of the block's axes.
    pub shape: Vec<usize>,
    /// Values, row-major in the order of the block's axes.
    pub values: Vec<u8>,
    /// `[start:stop,…]` per axis.
    pub slice: String,
}

/// A stored block on its way into the labels.
struct Placed {
    axes: AxisOrder,
    start: Vec<usize>,
    numbers: Numbers<u8>,
}

/// Axes of the label blocks of an image with `axes`: the image's, channels last.
pub(super) fn block_axes(axes: &AxisOrder) -> AxisOrder {
    let spatial = axes.axes().iter().copied().filter(|&axis| axis != Axis::C);
    // An order without repetition stays one when its channel axis moves to the end.
    AxisOrder::new(spatial.chain([Axis::C])).unwrap_or_else(|_| AxisOrder::canonical())
}

/// Reads the labels of the lane number `lane` whose blocks lie in `folder`. `shape` is the image's
/// (`tzyxc`); without it the labels get the smallest shape that holds all blocks.
pub(super) fn read(
    folder: &Folder,
    lane: usize,
    axes: &AxisOrder,
    shape: Option<[usize; 5]>,
    warnings: &mut Vec<Warning>,
) -> Result<LabelVolume> {
    let mut blocks = Vec::new();
    let masked = folder.groups().iter().map(|name| (name, true));
    for (name, is_masked) in folder.datasets().iter().map(|name| (name, false)).chain(masked) {
        let read = if is_masked { read_masked(folder, name)? } else { read_block(folder, name)? };
        match read.and_then(|(slice, tags, numbers)| place(&slice, tags.as_deref(), numbers, axes, shape)) {
            Ok(placed) => blocks.push(placed),
            Err(reason) => {
                warnings.push(Warning::LabelsDropped { lane, object: folder.path_of(name), reason });
            }
        }
    }
    let shape = shape.unwrap_or_else(|| {
        blocks.iter().fold([1; 5], |shape, block| {
            let stops: Vec<usize> =
                block.start.iter().zip(&block.numbers.shape).map(|(start, size)| start + size).collect();
            let stops = block.axes.canonical_shape(&stops);
            std::array::from_fn(|i| shape[i].max(stops[i]))
        })
    });
    let mut labels = LabelVolume::new([shape[0], shape[1], shape[2], shape[3]]);
    for block in &blocks {
        labels.paint(pixels(block));
    }
    Ok(labels)
}

type Block = (String, Option<String>, Numbers<u8>);

fn read_block(folder: &Folder, name: &str) -> Result<std::result::Result<Block, String>> {
    let Some(slice) = folder.attribute_text(name, "blockSlice")? else {
        return Ok(Err("it does not say where it lies".into()));
    };
    let tags = folder.attribute_text(name, "axistags")?;
    let numbers = folder.bytes(name)?.ok_or_else(|| folder.damage(name, "it is missing"))?;
    Ok(Ok((slice, tags, numbers)))
}

/// A block of a masked array: a group with the dataset `data`, attributes on the group.
fn read_masked(folder: &Folder, name: &str) -> Result<std::result::Result<Block, String>> {
    let Some(group) = folder.folder(name)? else { return Ok(Err("it is missing".into())) };
    let Some(slice) = group.own_attribute_text("blockSlice")? else {
        return Ok(Err("it does not say where it lies".into()));
    };
    let tags = group.own_attribute_text("axistags")?;
    let numbers = group.bytes("data")?.ok_or_else(|| group.damage("data", "it is missing"))?;
    Ok(Ok((slice, tags, numbers)))
}

/// Finds out which axes a block has: its own tags, else the image's axes, else an order of old
/// projects; the first that fits the block and the image.
fn place(
    slice: &str,
    tags: Option<&str>,
    numbers: Numbers<u8>,
    axes: &AxisOrder,
    shape: Option<[usize; 5]>,
) -> std::result::Result<Placed, String> {
    let ranges = parse_slice(slice).ok_or_else(|| format!("its place '{slice}' makes no sense"))?;
    if ranges.len() != numbers.shape.len()
        || ranges.iter().zip(&numbers.shape).any(|((start, stop), size)| stop - start != *size)
    {
        return Err(format!("its shape {:?} differs from its place {slice}", numbers.shape));
    }
    if let Some(&value) = numbers.values.iter().find(|&&v| usize::from(v) > MAX_CLASSES) {
        return Err(format!("it holds the label {value}"));
    }
    let fits = |order: &AxisOrder| {
        order.len() == ranges.len()
            && order.axes().iter().zip(&ranges).all(|(&axis, &(_, stop))| match shape {
                _ if axis == Axis::C => stop <= 1,
                Some(shape) => stop <= shape[axis as usize],
                None => true,
            })
    };
    let old = OLD_ORDERS.iter().filter_map(|order| order.parse().ok());
    let candidates =
        tags.and_then(axistags::parse).into_iter().chain([axes.clone(), block_axes(axes)]).chain(old);
    match candidates.into_iter().find(fits) {
        Some(axes) => Ok(Placed { axes, start: ranges.iter().map(|r| r.0).collect(), numbers }),
        None => Err(format!("its place {slice} lies outside the image or has other axes")),
    }
}

fn pixels(block: &Placed) -> impl Iterator<Item = ([usize; 4], u8)> + '_ {
    let size = &block.numbers.shape;
    let labelled = block.numbers.values.iter().enumerate().filter(|&(_, &value)| value != 0);
    labelled.map(move |(mut offset, &value)| {
        let mut at = [0; 5];
        for (i, &axis) in block.axes.axes().iter().enumerate().rev() {
            at[axis as usize] = block.start[i] + offset % size[i];
            offset /= size[i];
        }
        ([at[0], at[1], at[2], at[3]], value)
    })
}

/// `[a:b,c:d]` as ranges; `None` when it is no such text or a stop lies before its start.
fn parse_slice(text: &str) -> Option<Vec<(usize, usize)>> {
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    inner
        .split(',')
        .map(|range| {
            let (start, stop) = range.trim().split_once(':')?;
            let (start, stop) = (start.trim().parse().ok()?, stop.trim().parse().ok()?);
            (start <= stop).then_some((start, stop))
        })
        .collect()
}

/// The blocks that hold `labels` in the order of `axes` (see [`block_axes`]).
pub(super) fn blocks(labels: &LabelVolume, axes: &AxisOrder) -> Vec<LabelBlock> {
    let mut boxes: BTreeMap<[usize; 4], Roi<4>> = BTreeMap::new();
    for roi in labels.bounding_boxes() {
        // The boxes of one column of planes come from the same 64 x 64 pixels.
        let key = [roi.start[0], roi.start[1] / DEPTH, roi.start[2] / 64, roi.start[3] / 64];
        boxes.entry(key).and_modify(|all| *all = all.union(&roi)).or_insert(roi);
    }
    boxes.into_values().map(|roi| block(labels, axes, &roi)).collect()
}

fn block(labels: &LabelVolume, axes: &AxisOrder, roi: &Roi<4>) -> LabelBlock {
    let dense = labels.read(roi);
    let size = roi.shape();
    let shape = axes.pick(&[size[0], size[1], size[2], size[3], 1]);
    let mut values = vec![0; dense.len()];
    for (at, &value) in dense.indexed_iter() {
        let at = axes.pick(&[at.0, at.1, at.2, at.3, 0]);
        let offset = at.iter().zip(&shape).fold(0, |offset, (i, n)| offset * n + i);
        values[offset] = value;
    }
    let start = axes.pick(&[roi.start[0], roi.start[1], roi.start[2], roi.start[3], 0]);
    let stop = axes.pick(&[roi.stop[0], roi.stop[1], roi.stop[2], roi.stop[3], 1]);
    let ranges: Vec<String> = start.iter().zip(&stop).map(|(a, b)| format!("{a}:{b}")).collect();
    LabelBlock { shape, values, slice: format!("[{}]", ranges.join(",")) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(text: &str) -> AxisOrder {
        text.parse().unwrap()
    }

    #[test]
    fn slices() {
        assert_eq!(parse_slice("[10:252,34:252,0:1]"), Some(vec![(10, 252), (34, 252), (0, 1)]));
        for text in ["", "[]", "[1]", "[2:1]", "[-1:2]", "[1:2", "[99999999999999999999:1]"] {
            assert_eq!(parse_slice(text), None, "{text}");
        }
    }

    #[test]
    fn channels_come_last() {
        for (axes, expect) in [("yx", "yxc"), ("cyx", "yxc"), ("tcxy", "txyc"), ("zyxc", "zyxc")] {
            assert_eq!(block_axes(&order(axes)), order(expect));
        }
    }

    #[test]
    fn old_blocks_are_placed_by_what_fits() {
        let numbers =
            |shape: &[usize]| Numbers { shape: shape.to_vec(), values: vec![1; shape.iter().product()] };
        // A 2D image of 20 x 90 whose blocks were written as txyzc, without axis tags.
        let shape = Some([1, 1, 20, 90, 1]);
        let placed =
            place("[0:1,80:90,5:7,0:1,0:1]", None, numbers(&[1, 10, 2, 1, 1]), &order("yx"), shape).unwrap();
        assert_eq!(placed.axes, order("txyzc"));
        assert_eq!(pixels(&placed).map(|(at, _)| at).max(), Some([0, 0, 6, 89]));
        let placed = place("[5:7,80:90,0:1]", None, numbers(&[2, 10, 1]), &order("yx"), shape).unwrap();
        assert_eq!(placed.axes, order("yxc"));
        // Tags are believed before the image's axes.
        let tags = axistags::format(&order("xyc"));
        let placed = place("[5:7,8:10,0:1]", Some(&tags), numbers(&[2, 2, 1]), &order("yx"), shape).unwrap();
        assert_eq!(placed.axes, order("xyc"));
        assert!(place("[5:7,80:91,0:1]", None, numbers(&[2, 11, 1]), &order("yx"), shape).is_err());
        assert!(place("[5:7,80:90,0:1]", None, numbers(&[3, 10, 1]), &order("yx"), shape).is_err());
    }

    proptest! {
        #[test]
        fn blocks_hold_the_labels(
            pixels in prop::collection::vec(((0..2usize, 0..40usize, 0..70usize, 0..130usize), 1..4u8), 0..40),
            axes in prop::sample::select(vec!["tzyx", "tzyxc", "xyzt", "cztyx"]),
        ) {
            let mut labels = LabelVolume::new([2, 40, 70, 130]);
            labels.paint(pixels.into_iter().map(|((t, z, y, x), v)| ([t, z, y, x], v)));
            let image = order(axes);
            let stored = block_axes(&image);
            let mut back = LabelVolume::new([2, 40, 70, 130]);
            for block in blocks(&labels, &stored) {
                prop_assert!(block.values.iter().any(|&v| v != 0));
                let numbers = Numbers { shape: block.shape, values: block.values };
                let tags = axistags::format(&stored);
                let placed = place(&block.slice, Some(&tags), numbers, &image, Some([2, 40, 70, 130, 3])).unwrap();
                back.paint(super::pixels(&placed));
            }
            prop_assert_eq!(labels, back);
        }
    }
}
