//! Images of one lane share their pixel sizes: one that says nothing of them has the other's, as in ilastik.

use std::sync::Arc;

use crate::data::{Roi5, Volume};

use super::error::Error;
use super::format::{ImageInfo, ImageReader};

/// An image and another of the same pixels, such as its mask; if one of them has no pixel sizes at all, it gets the
/// other's.
pub fn sharing_pixel_sizes(
    image: Arc<dyn ImageReader>,
    other: Arc<dyn ImageReader>,
) -> (Arc<dyn ImageReader>, Arc<dyn ImageReader>) {
    let (of_image, of_other) = (image.info().clone(), other.info().clone());
    (measured_as(image, &of_other), measured_as(other, &of_image))
}

fn measured_as(image: Arc<dyn ImageReader>, other: &ImageInfo) -> Arc<dyn ImageReader> {
    if has_pixel_sizes(image.info()) || !has_pixel_sizes(other) {
        return image;
    }
    let info = ImageInfo { pixel_size: other.pixel_size.clone(), ..image.info().clone() };
    Arc::new(Measured { image, info })
}

fn has_pixel_sizes(info: &ImageInfo) -> bool {
    info.pixel_size.iter().any(Option::is_some)
}

/// An image with other pixel sizes than its file has.
struct Measured {
    image: Arc<dyn ImageReader>,
    info: ImageInfo,
}

impl ImageReader for Measured {
    fn info(&self) -> &ImageInfo {
        &self.info
    }

    fn by_region(&self) -> bool {
        self.image.by_region()
    }

    fn pieces(&self) -> Option<[usize; 5]> {
        self.image.pieces()
    }

    fn kept_bytes(&self) -> u64 {
        self.image.kept_bytes()
    }

    fn read(&self, roi: &Roi5) -> Result<Volume, Error> {
        self.image.read(roi)
    }
}

#[cfg(test)]
mod tests {
    use super::super::format::PixelSize;
    use super::*;
    use crate::data::DType;

    struct Plain(ImageInfo);

    impl ImageReader for Plain {
        fn info(&self) -> &ImageInfo {
            &self.0
        }

        fn read(&self, roi: &Roi5) -> Result<Volume, Error> {
            Ok(Volume::zeros(self.0.dtype, roi.shape()))
        }
    }

    fn image(x: Option<f64>, unit: &str) -> Arc<dyn ImageReader> {
        let mut pixel_size: [Option<PixelSize>; 5] = Default::default();
        pixel_size[3] = x.map(|size| PixelSize { size, unit: unit.into() });
        let (axes, shape) = ("yx".parse().expect("axes"), [1, 1, 4, 5, 1]);
        Arc::new(Plain(ImageInfo { axes, shape, dtype: DType::U8, pixel_size, data_range: None }))
    }

    #[test]
    fn one_without_sizes_has_the_others() {
        for (a, b, expected) in [
            ((None, ""), (Some(0.5), "µm"), [Some(0.5), Some(0.5)]),
            ((Some(2.0), "nm"), (None, ""), [Some(2.0), Some(2.0)]),
            ((Some(2.0), "nm"), (Some(3.0), "nm"), [Some(2.0), Some(3.0)]),
            ((None, ""), (None, ""), [None, None]),
        ] {
            let (a, b) = sharing_pixel_sizes(image(a.0, a.1), image(b.0, b.1));
            let x = |image: &Arc<dyn ImageReader>| image.info().pixel_size[3].as_ref().map(|size| size.size);
            assert_eq!([x(&a), x(&b)], expected);
            assert_eq!(a.read(&Roi5::whole(a.info().shape)).expect("readable").shape(), [1, 1, 4, 5, 1]);
        }
    }
}
