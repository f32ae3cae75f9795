//! Label blocks: `LabelSets/labelsNNN/blockNNNN`, dense boxes cropped to the labels they hold.
//!
//! Blocks carry their place (`blockSlice`) and mostly their axes (`axistags`). Others are in the order
//! that ilastik works in, in that of the image's file (1.3.3post2 to 1.4.0b7), or in one that the oldest
//! versions forced on every image; which of these fits is found out for all blocks of an image together.

use std::collections::BTreeMap;

use super::axistags;
use super::error::Warning;
use super::stored::{Folder, Numbers, Result};
use crate::data::classes::MAX_CLASSES;
use crate::data::{Axis, AxisOrder, LabelVolume, Roi};

/// Axis orders that old versions forced on every image.
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

/// Which axis order blocks are in that do not name their axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Untagged {
    /// The order that ilastik works in: `tzyx` without axes of one pixel, then `c`.
    Internal,
    /// The image's own, as in its file.
    OfTheFile,
}

/// The image that labels belong to, as far as the project says what it is.
pub(super) struct Labelled<'a> {
    /// Number of its lane.
    pub lane: usize,
    /// Axes of its file.
    pub axes: &'a AxisOrder,
    /// Shape, `tzyxc`.
    pub shape: Option<[usize; 5]>,
    /// What blocks without axis tags are in, for the version that wrote them.
    pub untagged: Untagged,
}

/// A stored block whose axes may not be known yet.
struct Found {
    name: String,
    ranges: Vec<(usize, usize)>,
    tags: Option<AxisOrder>,
    numbers: Numbers<u8>,
}

/// A stored block on its way into the labels.
struct Placed {
    name: String,
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

/// Reads the labels of an image whose blocks lie in `folder`. Without the image's shape they get the
/// smallest one that holds all blocks.
pub(super) fn read(
    folder: &Folder,
    image: &Labelled<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<LabelVolume> {
    let mut found = Vec::new();
    let masked = folder.groups().iter().map(|name| (name, true));
    for (name, is_masked) in folder.datasets().iter().map(|name| (name, false)).chain(masked) {
        let read = if is_masked { read_masked(folder, name)? } else { read_block(folder, name)? };
        match read.and_then(|(slice, tags, numbers)| check(name, &slice, tags.as_deref(), numbers)) {
            Ok(block) => found.push(block),
            Err(reason) => {
                let object = folder.path_of(name);
                warnings.push(Warning::LabelsDropped { lane: image.lane, object, reason });
            }
        }
    }
    let (blocks, homeless) = place(found, image);
    for block in homeless {
        let ranges: Vec<String> =
            block.ranges.iter().map(|(start, stop)| format!("{start}:{stop}")).collect();
        let reason = format!("its place [{}] lies outside the image or has other axes", ranges.join(","));
        let object = folder.path_of(&block.name);
        warnings.push(Warning::LabelsDropped { lane: image.lane, object, reason });
    }
    let shape = image.shape.unwrap_or_else(|| {
        blocks.iter().fold([1; 5], |shape, block| {
            let stops: Vec<usize> =
                block.start.iter().zip(&block.numbers.shape).map(|(start, size)| start + size).collect();
            let stops = block.axes.canonical_shape(&stops);
            std::array::from_fn(|i| shape[i].max(stops[i]))
        })
    });
    let mut labels = LabelVolume::new([shape[0], shape[1], shape[2], shape[3]]);
    for block in &blocks {
        let is_inside = |&(at, _): &([usize; 4], u8)| at.iter().zip(&shape).all(|(at, size)| at < size);
        let outside = pixels(block).filter(|pixel| !is_inside(pixel)).count();
        if outside > 0 {
            let object = folder.path_of(&block.name);
            let reason = format!("{outside} of its pixels lie outside the image");
            warnings.push(Warning::LabelsDropped { lane: image.lane, object, reason });
        }
        labels.paint(pixels(block).filter(is_inside));
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

/// Checks a block by itself.
fn check(
    name: &str,
    slice: &str,
    tags: Option<&str>,
    numbers: Numbers<u8>,
) -> std::result::Result<Found, String> {
    let ranges = parse_slice(slice).ok_or_else(|| format!("its place '{slice}' makes no sense"))?;
    if ranges.len() != numbers.shape.len()
        || ranges.iter().zip(&numbers.shape).any(|((start, stop), size)| stop - start != *size)
    {
        return Err(format!("its shape {:?} differs from its place {slice}", numbers.shape));
    }
    if let Some(&value) = numbers.values.iter().find(|&&v| usize::from(v) > MAX_CLASSES) {
        return Err(format!("it holds the label {value}"));
    }
    Ok(Found { name: name.to_owned(), ranges, tags: tags.and_then(axistags::parse), numbers })
}

/// Finds out which axes the blocks have: their own tags if these fit, else the first order that fits all
/// blocks with as many axes, else the first that fits the block alone, else their own tags if these reach into the image.
/// Blocks that none fits come second.
fn place(found: Vec<Found>, image: &Labelled<'_>) -> (Vec<Placed>, Vec<Found>) {
    let fits = |order: &AxisOrder, block: &Found| {
        order.len() == block.ranges.len()
            && order.axes().iter().zip(&block.ranges).all(|(&axis, &(_, stop))| match image.shape {
                _ if axis == Axis::C => stop <= 1,
                Some(shape) => stop <= shape[axis as usize],
                None => true,
            })
    };
    // The image ends within the block: it was exchanged for a smaller one.
    let is_cut = |order: &AxisOrder, block: &Found| {
        order.len() == block.ranges.len()
            && order.axes().iter().zip(&block.ranges).all(|(&axis, &(start, stop))| match image.shape {
                _ if axis == Axis::C => stop <= 1,
                shape => shape.is_none_or(|shape| start < shape[axis as usize]),
            })
    };
    let tagged = |block: &Found| block.tags.clone().filter(|tags| fits(tags, block));
    let candidates = candidates(image);
    let mut common: BTreeMap<usize, Option<AxisOrder>> = BTreeMap::new();
    for block in found.iter().filter(|block| tagged(block).is_none()) {
        let count = block.ranges.len();
        common.entry(count).or_insert_with(|| {
            let alike: Vec<&Found> =
                found.iter().filter(|other| other.ranges.len() == count && tagged(other).is_none()).collect();
            candidates.iter().find(|order| alike.iter().all(|block| fits(order, block))).cloned()
        });
    }
    let mut placed = Vec::new();
    let mut homeless = Vec::new();
    for block in found {
        let order = tagged(&block)
            .or_else(|| common.get(&block.ranges.len()).cloned().flatten())
            .or_else(|| candidates.iter().find(|order| fits(order, &block)).cloned())
            .or_else(|| block.tags.clone().filter(|tags| is_cut(tags, &block)));
        match order {
            Some(axes) => {
                let start = block.ranges.iter().map(|range| range.0).collect();
                placed.push(Placed { name: block.name, axes, start, numbers: block.numbers });
            }
            None => homeless.push(block),
        }
    }
    (placed, homeless)
}

/// The orders that blocks without tags may be in, the likeliest first.
fn candidates(image: &Labelled<'_>) -> Vec<AxisOrder> {
    let internal = image.shape.and_then(|shape| {
        let wide = Axis::ALL.into_iter().filter(|&axis| match axis {
            Axis::Y | Axis::X | Axis::C => true,
            Axis::T | Axis::Z => shape[axis as usize] > 1,
        });
        AxisOrder::new(wide).ok()
    });
    let own = [image.axes.clone(), block_axes(image.axes)];
    let old = OLD_ORDERS.iter().filter_map(|order| order.parse().ok());
    match image.untagged {
        Untagged::Internal => internal.into_iter().chain(own).chain(old).collect(),
        Untagged::OfTheFile => own.into_iter().chain(internal).chain(old).collect(),
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

    fn ones(place: &str, tags: Option<&str>) -> Found {
        let ranges = parse_slice(place).unwrap();
        let shape: Vec<usize> = ranges.iter().map(|(start, stop)| stop - start).collect();
        let values = vec![1; shape.iter().product()];
        check("block", place, tags, Numbers { shape, values }).unwrap()
    }

    fn orders(
        places: &[&str],
        axes: &str,
        shape: Option<[usize; 5]>,
        untagged: Untagged,
    ) -> (Vec<String>, usize) {
        let axes = order(axes);
        let image = Labelled { lane: 0, axes: &axes, shape, untagged };
        let found = places.iter().map(|place| ones(place, None)).collect();
        let (placed, homeless) = place(found, &image);
        (placed.iter().map(|block| block.axes.to_string()).collect(), homeless.len())
    }

    #[test]
    fn a_block_says_what_it_holds() {
        let block = |slice: &str, shape: &[usize], value: u8| {
            let values = vec![value; shape.iter().product()];
            check("block", slice, None, Numbers { shape: shape.to_vec(), values }).err()
        };
        assert_eq!(block("[5:7,80:90,0:1]", &[2, 10, 1], 1), None);
        assert!(block("[5:7,80:90,0:1]", &[3, 10, 1], 1).unwrap().contains("differs from its place"));
        assert!(block("[5:7,80:90]", &[2, 10, 1], 1).unwrap().contains("differs from its place"));
        assert_eq!(block("[0:1]", &[1], 200).unwrap(), "it holds the label 200");
        assert_eq!(block("here", &[1], 1).unwrap(), "its place 'here' makes no sense");
    }

    #[test]
    fn blocks_without_tags_are_in_the_order_of_their_time() {
        use Untagged::{Internal, OfTheFile};
        let volume = Some([1, 30, 30, 30, 1]);
        let places = ["[0:2,3:9,20:30,0:1]"];
        assert_eq!(orders(&places, "xyz", volume, Internal), (vec!["zyxc".into()], 0));
        assert_eq!(orders(&places, "xyz", volume, OfTheFile), (vec!["xyzc".into()], 0));
        assert_eq!(orders(&places, "xyzc", volume, OfTheFile), (vec!["xyzc".into()], 0));
        // Axes of one pixel are not there.
        assert_eq!(orders(&["[0:2,3:9,0:1]"], "xyz", Some([1, 1, 30, 30, 1]), Internal).0, ["yxc"]);
    }

    #[test]
    fn an_order_has_to_fit_all_blocks() {
        // Either block alone would fit the order that comes first.
        let image = Some([1, 1, 20, 90, 1]);
        let places = ["[0:2,3:9,0:1]", "[80:90,5:7,0:1]"];
        assert_eq!(orders(&places, "xy", image, Untagged::Internal).0, ["xyc", "xyc"]);
        assert_eq!(orders(&places[..1], "xy", image, Untagged::Internal).0, ["yxc"]);
        // A 2D image whose blocks were written as txyzc, others as yxc.
        let places = ["[0:1,80:90,5:7,0:1,0:1]", "[5:7,80:90,0:1]"];
        assert_eq!(orders(&places, "yx", image, Untagged::Internal).0, ["txyzc", "yxc"]);
        // One that lies outside spoils it for itself only.
        let places = ["[5:7,80:90,0:1]", "[5:7,80:91,0:1]"];
        assert_eq!(orders(&places, "yx", image, Untagged::Internal), (vec!["yxc".into()], 1));
    }

    #[test]
    fn tags_are_believed_first_if_they_fit() {
        let axes = order("yx");
        let shape = Some([1, 1, 20, 90, 1]);
        let image = Labelled { lane: 0, axes: &axes, shape, untagged: Untagged::Internal };
        let tags = axistags::format(&order("xyc"));
        let axes_of = |place_: &str| {
            let (placed, _) = place(vec![ones(place_, Some(&tags))], &image);
            placed[0].axes.to_string()
        };
        assert_eq!(axes_of("[5:7,8:10,0:1]"), "xyc");
        assert_eq!(axes_of("[5:7,80:90,0:1]"), "yxc");
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
                let found = check("block", &block.slice, Some(&tags), numbers).unwrap();
                let shape = Some([2, 40, 70, 130, 3]);
                let image = Labelled { lane: 0, axes: &image, shape, untagged: Untagged::Internal };
                let (placed, _) = place(vec![found], &image);
                back.paint(super::pixels(&placed[0]));
            }
            prop_assert_eq!(labels, back);
        }
    }
}
