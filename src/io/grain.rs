//! How finely an image can be read: whether the way it lies in its file makes it slow to look at.

use crate::data::Axis;

use super::format::ImageReader;

/// Images up to so many bytes are quick however they are kept.
const SMALL: u64 = 100_000_000;
/// The same for samples that lie plain in the file: the system keeps what was read.
const SMALL_PLAIN: u64 = 1_000_000_000;
/// What is decoded for a box of [`PLANE_SIDE`] or [`BLOCK_SIDE`] may be so many times as much as the box.
const MOST: u64 = 32;
/// Side of the box that a look at a plane wants, in pixels.
const PLANE_SIDE: usize = 256;
/// Side of the box that features in 3D want, in pixels.
const BLOCK_SIDE: usize = 64;

/// Why an image is slow to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slow {
    /// It is decoded as a whole, these bytes, at the first look.
    Whole(u64),
    /// It is kept in pieces of this shape (`tzyxc`), of which a small box needs many times its own size.
    Pieces([usize; 5]),
    /// The samples of a volume lie one after another: views across the slices gather them from all over the file.
    Plain,
}

/// Bytes of an image in memory.
pub fn bytes_of(image: &dyn ImageReader) -> u64 {
    let info = image.info();
    info.shape.iter().fold(info.dtype.size() as u64, |bytes, &n| bytes.saturating_mul(n as u64))
}

/// Whether `image` is large and kept so that it is slow to read, and why.
pub fn slowness(image: &dyn ImageReader) -> Option<Slow> {
    let shape = image.info().shape;
    let bytes = bytes_of(image);
    let deep = shape[Axis::Z as usize] > 1;
    let Some(piece) = image.pieces() else {
        return (deep && bytes > SMALL_PLAIN).then_some(Slow::Plain);
    };
    if bytes <= SMALL {
        return None;
    }
    if piece.iter().zip(&shape).all(|(piece, extent)| piece >= extent) {
        return Some(Slow::Whole(bytes));
    }
    let side = if deep { BLOCK_SIDE } else { PLANE_SIDE };
    let wanted = [1, side, side, side, usize::MAX];
    let (mut asked, mut decoded) = (1_u64, 1_u64);
    for axis in 0..5 {
        let extent = wanted[axis].min(shape[axis]).max(1);
        let piece = piece[axis].clamp(1, shape[axis].max(1));
        asked = asked.saturating_mul(extent as u64);
        decoded = decoded.saturating_mul((extent.div_ceil(piece) * piece) as u64);
    }
    (decoded / asked >= MOST).then_some(Slow::Pieces(piece))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{AxisOrder, DType, Roi5, Volume};
    use crate::io::{Error, ImageInfo};

    struct Kept(ImageInfo, Option<[usize; 5]>);

    impl ImageReader for Kept {
        fn info(&self) -> &ImageInfo {
            &self.0
        }

        fn pieces(&self) -> Option<[usize; 5]> {
            self.1
        }

        fn read(&self, roi: &Roi5) -> Result<Volume, Error> {
            Ok(Volume::zeros(self.0.dtype, roi.shape()))
        }
    }

    fn slow(shape: [usize; 5], pieces: Option<[usize; 5]>) -> Option<Slow> {
        let info = ImageInfo {
            axes: AxisOrder::canonical(),
            shape,
            dtype: DType::U8,
            pixel_size: std::array::from_fn(|_| None),
            data_range: None,
        };
        slowness(&Kept(info, pieces))
    }

    #[test]
    fn large_images_in_one_piece_or_in_planes_are_slow() {
        let whole = [1, 1, 12_000, 12_000, 1];
        assert_eq!(slow(whole, Some(whole)), Some(Slow::Whole(144_000_000)));
        let volume = [1, 200, 1000, 1000, 1];
        let plane = [1, 1, 1000, 1000, 1];
        assert_eq!(slow(volume, Some(plane)), Some(Slow::Pieces(plane)));
        let row = [1, 1, 1, 50_000, 1];
        assert_eq!(slow([1, 1, 20_000, 50_000, 1], Some(row)), Some(Slow::Pieces(row)));
        assert_eq!(slow([1, 500, 2000, 2000, 1], None), Some(Slow::Plain));
    }

    #[test]
    fn small_images_and_those_in_chunks_are_not() {
        assert_eq!(slow([1, 1, 2000, 2000, 3], Some([1, 1, 2000, 2000, 3])), None);
        assert_eq!(slow([1, 50, 1000, 1000, 1], Some([1, 1, 1000, 1000, 1])), None);
        assert_eq!(slow([1, 500, 2000, 2000, 1], Some([1, 64, 64, 64, 1])), None);
        assert_eq!(slow([1, 500, 2000, 2000, 1], Some([1, 4, 256, 256, 1])), None);
        assert_eq!(slow([1, 1, 50_000, 50_000, 3], Some([1, 1, 512, 512, 3])), None);
        assert_eq!(slow([1, 1, 50_000, 50_000, 1], None), None, "planes are read row by row");
        assert_eq!(slow([1, 100, 1000, 1000, 1], None), None);
    }
}
