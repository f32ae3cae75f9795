//! A hash that tells an image from another of the same name and shape, quick on images of any size.

use crate::data::volume::Sample;
use crate::data::{Roi5, Volume};
use crate::with_volume;

use super::error::Error;
use super::format::ImageReader;

/// Images of up to this many samples are hashed whole.
const WHOLE: usize = 1 << 18;
/// Blocks that are hashed of larger images.
const BLOCKS: usize = 24;
/// Largest side of a block along y and x; it has one slice and one time point.
const SIDE: usize = 64;
/// Most channels of a block.
const CHANNELS: usize = 16;

/// A hash of the image's shape, sample type and the samples of blocks at fixed places (of all samples in a
/// small image). It is the same in every process, wherever the file lies and however it is stored.
///
/// # Errors
/// The image can't be read.
pub fn content_hash(image: &dyn ImageReader) -> Result<String, Error> {
    let info = image.info();
    let mut hash = Fnv::default();
    info.shape.iter().for_each(|&n| hash.bytes(&(n as u64).to_le_bytes()));
    hash.bytes(info.dtype.name().as_bytes());
    for block in blocks(info.shape) {
        hash.volume(&image.read(&block)?);
    }
    Ok(format!("1:{:016x}", hash.0))
}

/// The blocks (`tzyxc`) of an image of `shape` that are hashed: spread evenly over all axes.
fn blocks(shape: [usize; 5]) -> Vec<Roi5> {
    let samples = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
    if samples.is_some_and(|samples| samples <= WHOLE) {
        return vec![Roi5::whole(shape)];
    }
    let [_, _, y, x, c] = shape;
    let size = [1, 1, y.min(SIDE), x.min(SIDE), c.min(CHANNELS)];
    // Multiples of irrational numbers fill a box evenly; the first blocks are the corners.
    const STEPS: [f64; 5] = [0.414_213_562, 0.618_033_989, 0.732_050_808, 0.236_067_977, 0.645_751_311];
    (0..BLOCKS)
        .map(|block| {
            let start: [usize; 5] = std::array::from_fn(|axis| {
                let last = shape[axis] - size[axis];
                match block {
                    0 => 0,
                    1 => last,
                    _ => (((block as f64 * STEPS[axis]).fract() * last as f64).round() as usize).min(last),
                }
            });
            Roi5::new(start, std::array::from_fn(|axis| start[axis] + size[axis]))
        })
        .collect()
}

/// FNV-1a, 64 bits.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn volume(&mut self, volume: &Volume) {
        with_volume!(volume, array => {
            for value in array {
                self.bytes(&value.as_f64().to_bits().to_le_bytes());
            }
        });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::data::{AxisOrder, DType};
    use crate::io::ImageInfo;

    struct Made(ImageInfo, u8, AtomicUsize);

    impl ImageReader for Made {
        fn info(&self) -> &ImageInfo {
            &self.0
        }

        fn read(&self, roi: &Roi5) -> Result<Volume, Error> {
            self.2.fetch_add(roi.len(), Ordering::Relaxed);
            let value = |(t, z, y, x, c): (usize, usize, usize, usize, usize)| {
                (t + 3 * z + 5 * (y + roi.start[2]) + 7 * (x + roi.start[3]) + 11 * c) as u8 ^ self.1
            };
            Ok(ndarray::Array5::from_shape_fn(roi.shape(), value).into())
        }
    }

    fn image(shape: [usize; 5], change: u8) -> Made {
        let info = ImageInfo {
            axes: AxisOrder::canonical(),
            shape,
            dtype: DType::U8,
            pixel_size: std::array::from_fn(|_| None),
            data_range: None,
        };
        Made(info, change, AtomicUsize::new(0))
    }

    #[test]
    fn it_tells_images_of_one_shape_apart() {
        for shape in [[1, 1, 30, 40, 1], [1, 1, 3000, 4000, 3], [5, 90, 700, 700, 2]] {
            let hash = |change| content_hash(&image(shape, change)).unwrap();
            assert_eq!(hash(0), hash(0));
            assert_ne!(hash(0), hash(1));
        }
        let of = |shape| content_hash(&image(shape, 0)).unwrap();
        assert_ne!(of([1, 1, 30, 40, 1]), of([1, 30, 1, 40, 1]));
    }

    #[test]
    fn little_is_read_of_a_terabyte() {
        let large = image([1000, 1000, 1000, 1000, 1], 0);
        content_hash(&large).unwrap();
        assert!(large.2.load(Ordering::Relaxed) <= BLOCKS * SIDE * SIDE);
    }

    #[test]
    fn blocks_lie_within_the_image_and_differ() {
        for shape in [[1, 1, 600, 600, 1], [40, 1, 30, 4000, 5], [2, 3, 1, 1_000_000, 1]] {
            let blocks = blocks(shape);
            assert!(blocks.iter().all(|block| Roi5::whole(shape).encloses(block)));
            let mut starts: Vec<_> = blocks.iter().map(|block| block.start).collect();
            starts.sort_unstable();
            starts.dedup();
            assert!(starts.len() > BLOCKS / 2, "{starts:?}");
        }
    }
}
