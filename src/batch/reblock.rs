//! Blocks of one shape in, blocks of the shape that a file wants out.
//!
//! The shape that is quick to compute (little halo, every processor busy) is seldom the one that a file
//! is written in. Keeps only the file's blocks that are begun and not complete.

use std::collections::BTreeMap;

use ndarray::{Array5, Slice};

use crate::data::volume::Sample;
use crate::data::{BlockGrid, DType, Roi, Roi5, Volume};
use crate::io::{Error, ImageWriter, Intake};

/// A writer that takes blocks of any shape, in any order, and passes them on in the shape that `inner`
/// wants, each as soon as it is complete.
pub(super) struct Reblocked {
    inner: Box<dyn ImageWriter>,
    dtype: DType,
    shape: [usize; 5],
    grid: BlockGrid,
    per_time: Vec<[usize; 3]>,
    /// Blocks begun, by their number in file order, with the samples they still lack.
    begun: BTreeMap<usize, (Volume, usize)>,
}

impl Reblocked {
    /// Wraps `inner`, which writes an image of `shape` (`tzyxc`).
    pub(super) fn new(inner: Box<dyn ImageWriter>, dtype: DType, shape: [usize; 5]) -> Self {
        let [_, z, y, x, _] = inner.intake().block;
        let space = [shape[1], shape[2], shape[3]];
        let grid = BlockGrid::new(space, [z, y, x]);
        Reblocked {
            inner,
            dtype,
            shape,
            grid,
            per_time: grid.touching(&Roi::whole(space)),
            begun: BTreeMap::new(),
        }
    }

    /// Number in file order of the block at grid position `index` of time `t`.
    fn number(&self, t: usize, index: [usize; 3]) -> usize {
        let [_, y, x] = self.grid.counts();
        t * self.per_time.len() + (index[0] * y + index[1]) * x + index[2]
    }

    /// The box (`tzyxc`) of block `number`.
    fn roi(&self, number: usize) -> Roi5 {
        let count = self.per_time.len().max(1);
        self.grid.block(self.per_time[number % count]).at(number / count, self.shape[4])
    }
}

impl ImageWriter for Reblocked {
    fn intake(&self) -> Intake {
        let mut intake = self.inner.intake();
        intake.any_block = true;
        intake
    }

    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error> {
        let extent = block.shape();
        let given = Roi5::new(start, std::array::from_fn(|i| start[i] + extent[i]));
        for t in start[0]..given.stop[0] {
            for index in self.grid.touching(&given.spatial()) {
                let number = self.number(t, index);
                let unit = self.roi(number);
                let part = unit.intersect(&given);
                let dtype = self.dtype;
                let (volume, missing) = self
                    .begun
                    .entry(number)
                    .or_insert_with(|| (Volume::zeros(dtype, unit.shape()), unit.len()));
                copy(volume, &part.relative_to(unit.start), block, &part.relative_to(given.start));
                *missing -= part.len();
                if *missing == 0
                    && let Some((volume, _)) = self.begun.remove(&number)
                {
                    self.inner.write(unit.start, &volume)?;
                }
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        self.inner.finish()
    }
}

/// Copies the box `source` of `from` to the box `target` of `to`; both have one shape and type.
fn copy(to: &mut Volume, target: &Roi5, from: &Volume, source: &Roi5) {
    fn typed<T: Sample>(to: &mut Array5<T>, target: &Roi5, from: &Array5<T>, source: &Roi5) {
        let range = |roi: &Roi5, axis: usize| Slice::from(roi.start[axis]..roi.stop[axis]);
        let from = from.slice_each_axis(|axis| range(source, axis.axis.index()));
        to.slice_each_axis_mut(|axis| range(target, axis.axis.index())).assign(&from);
    }
    macro_rules! same {
        ($($kind:ident),*) => {
            match (to, from) {
                $((Volume::$kind(to), Volume::$kind(from)) => typed(to, target, from, source),)*
                _ => debug_assert!(false, "blocks of one image have one type"),
            }
        };
    }
    same!(U8, U16, U32, U64, I8, I16, I32, I64, F32, F64);
}

#[cfg(test)]
mod tests {
    use super::super::blocking::Begun;
    use super::*;
    use proptest::prelude::*;
    use std::sync::{Arc, Mutex};

    /// Checks that it is given each of its blocks once.
    struct Strict {
        block: [usize; 5],
        expected: Vec<Roi5>,
        image: Arc<Mutex<Array5<u16>>>,
    }

    impl ImageWriter for Strict {
        fn intake(&self) -> Intake {
            Intake::aligned(self.block)
        }

        fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error> {
            let roi = Roi5::new(start, std::array::from_fn(|i| start[i] + block.shape()[i]));
            let at = self.expected.iter().position(|expected| *expected == roi);
            self.expected.remove(at.expect("a block of the file that was not given before"));
            let mut image = self.image.lock().expect("unpoisoned");
            let mut whole = Volume::U16(std::mem::take(&mut *image));
            copy(&mut whole, &roi, block, &Roi5::whole(roi.shape()));
            if let Volume::U16(array) = whole {
                *image = array;
            }
            Ok(())
        }

        fn finish(self: Box<Self>) -> Result<(), Error> {
            assert!(self.expected.is_empty(), "{} blocks were never written", self.expected.len());
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn every_block_arrives_whole_and_once(
            shape in (1..3usize, 1..4usize, 1..12usize, 1..14usize, 1..3usize),
            unit in prop::array::uniform3(1..9usize),
            given in prop::array::uniform3(1..9usize),
        ) {
            let shape = [shape.0, shape.1, shape.2, shape.3, shape.4];
            let space = [shape[1], shape[2], shape[3]];
            let units = BlockGrid::new(space, unit);
            let boxes = |grid: BlockGrid| -> Vec<Roi5> {
                (0..shape[0])
                    .flat_map(|t| {
                        grid.touching(&Roi::whole(space)).into_iter().map(move |i| grid.block(i).at(t, shape[4]))
                    })
                    .collect()
            };
            let image = Array5::from_shape_fn(shape, |(t, z, y, x, c)| {
                (((t * 5 + z) * 13 + y) * 17 + x) as u16 * 3 + c as u16
            });
            let written = Arc::new(Mutex::new(Array5::zeros(shape)));
            let inner = Strict {
                block: [1, unit[0], unit[1], unit[2], shape[4]],
                expected: boxes(units),
                image: Arc::clone(&written),
            };
            let mut writer = Reblocked::new(Box::new(inner), DType::U16, shape);
            let whole = Volume::from(image.clone());
            let bound = Begun { shape: space, unit, pixel_bytes: 2 * shape[4] }.bytes(given);
            for roi in boxes(BlockGrid::new(space, given)) {
                writer.write(roi.start, &whole.crop(&roi)).expect("written");
                let kept: usize = writer.begun.values().map(|(volume, _)| 2 * volume.shape().iter().product::<usize>()).sum();
                prop_assert!(kept as u64 <= bound, "{kept} bytes are kept, {bound} were planned");
            }
            Box::new(writer).finish().expect("finished");
            prop_assert_eq!(&*written.lock().expect("unpoisoned"), &image);
        }
    }
}
