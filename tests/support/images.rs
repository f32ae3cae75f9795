//! Images made in memory, for tests of what reads images.

use brushwood::data::{AxisOrder, Roi5, Volume};
use brushwood::io::{Error, ImageInfo, ImageReader};
use ndarray::Array5;

/// An image in memory.
pub struct MemoryImage {
    info: ImageInfo,
    volume: Volume,
}

impl MemoryImage {
    /// An image of the samples given, `tzyxc`.
    pub fn new(volume: Volume) -> Self {
        let info = ImageInfo {
            axes: AxisOrder::canonical(),
            shape: volume.shape(),
            dtype: volume.dtype(),
            pixel_size: Default::default(),
            data_range: None,
        };
        MemoryImage { info, volume }
    }

    /// Blobs on a noisy ground, 16 bits, the same for the same shape and seed.
    pub fn blobs(shape: [usize; 5], seed: u64) -> Self {
        let noise = |at: [usize; 5]| {
            let mut z =
                at.iter().fold(seed, |hash, &i| (hash ^ i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            z ^= z >> 29;
            (z.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f64 / (1u64 << 24) as f64
        };
        let array = Array5::from_shape_fn(shape, |(t, z, y, x, c)| {
            let wave = |i: usize, period: f64| (i as f64 * std::f64::consts::TAU / period).sin();
            let blob = wave(y + 3 * c, 31.0) * wave(x, 23.0) * wave(z + t + 3, 13.0);
            (400.0 + 300.0 * blob + 60.0 * noise([t, z, y, x, c])) as u16
        });
        MemoryImage::new(Volume::from(array))
    }
}

impl ImageReader for MemoryImage {
    fn info(&self) -> &ImageInfo {
        &self.info
    }

    fn read(&self, roi: &Roi5) -> Result<Volume, Error> {
        Ok(self.volume.crop(roi))
    }
}
