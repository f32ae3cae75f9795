//! Makes small pictures of image files on a thread of its own, however large the image: what is decoded and kept
//! for one is bounded.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

use super::message::Message;
use crate::app::AppEvent;
use crate::app::thumbnails::{Made, Thumbnail, channels_needed};
use crate::data::{Axis, CancelToken, Roi, SlicePlane, SpatialRoi};
use crate::engine::SliceData;
use crate::io::template::expand_home;
use crate::io::{self, ImageReader, OpenOptions};

/// Samples along a side of a picture at least, where the image has so many.
const SIDE: usize = 256;
/// Most bytes that are decoded for a picture.
const MOST_DECODED: u64 = 128 << 20;
/// Most bytes that are read in one piece; between pieces newer wishes are looked at.
const BAND: u64 = 8 << 20;
/// Bytes that the reader may keep.
const MEMORY: u64 = 256 << 20;

/// Makes the picture of what is at `location`, until `token` is cancelled.
pub(super) fn start(location: String, token: CancelToken, sender: Sender<Message>) -> std::io::Result<()> {
    thread::Builder::new().name("thumbnail".into()).spawn(move || {
        let made = make(&location, &token);
        let _ = sender.send(Message::App(Box::new(AppEvent::ThumbnailMade(location, made))));
    })?;
    Ok(())
}

/// The picture of what is at `location`; `None` when it was cancelled.
pub(super) fn make(location: &str, token: &CancelToken) -> Option<Made> {
    let path = expand_home(location);
    let options = OpenOptions { memory: Some(MEMORY), ..OpenOptions::default() };
    let image = match io::open(&path.to_string_lossy(), &options) {
        Ok(image) => image,
        Err(error) => return Some(Err(error.to_string())),
    };
    let [_, z, ..] = image.info().shape;
    let Some(plan) = Plan::of(image.as_ref(), z / 2) else {
        return Some(Err("too large for a small picture".into()));
    };
    Some(match plan.read(image.as_ref(), token)? {
        Ok(slices) => Ok(Arc::new(Thumbnail::new(image.info(), plan.region, slices))),
        Err(error) => Err(error.to_string()),
    })
}

/// What is read of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    /// The part of the slice, `zyx`.
    region: SpatialRoi,
    /// Every how many pixels along y and x there is a sample.
    step: usize,
    /// Rows that are read at once, a multiple of `step`, or 1 where rows in between need not be read.
    rows: usize,
    channels: usize,
}

impl Plan {
    /// The whole of slice `z`, or as much around its middle as may be decoded; `None` when even the least is too
    /// much.
    fn of(image: &dyn ImageReader, z: usize) -> Option<Plan> {
        let info = image.info();
        let channels = channels_needed(info);
        let [_, _, height, width, _] = info.shape;
        let (mut rows, mut columns) = (height, width);
        loop {
            let [y, x] = [(height - rows) / 2, (width - columns) / 2];
            let region = Roi::new([z, y, x], [z + 1, y + rows, x + columns]);
            let step = (rows.min(columns) / SIDE).max(rows.max(columns) / (4 * SIDE)).max(1);
            let row = (columns * channels * info.dtype.size()) as u64;
            let plan = match image.pieces() {
                None => Plan { region, step, rows: 1, channels },
                Some([.., piece, _, _]) => {
                    let fitting = (BAND / row.max(1)).max(1) as usize;
                    let wanted = piece.min(fitting).max(step);
                    Plan { region, step, rows: wanted.div_ceil(step) * step, channels }
                }
            };
            if plan.decodes(image) <= MOST_DECODED {
                return Some(plan);
            }
            if rows.max(columns) <= SIDE {
                return None;
            }
            // The longer side first, so that what is seen is not a stripe.
            if rows >= columns { rows = rows.div_ceil(2) } else { columns = columns.div_ceil(2) }
        }
    }

    /// Bytes that are read or decoded for it.
    fn decodes(&self, image: &dyn ImageReader) -> u64 {
        let info = image.info();
        let samples = match image.pieces() {
            None => {
                let [_, rows, columns] = self.region.shape();
                (rows.div_ceil(self.step) * columns * self.channels) as u64
            }
            Some(piece) => {
                let region = self.region.at(0, self.channels);
                let touched = |axis: usize| {
                    let size = piece[axis].clamp(1, info.shape[axis].max(1));
                    let count = region.stop[axis].div_ceil(size) - region.start[axis] / size;
                    (count * size) as u64
                };
                (0..5).map(touched).fold(1, u64::saturating_mul)
            }
        };
        samples.saturating_mul(info.dtype.size() as u64)
    }

    /// The samples, band by band; `None` when it was cancelled.
    fn read(
        &self,
        image: &dyn ImageReader,
        token: &CancelToken,
    ) -> Option<Result<Vec<SliceData>, io::Error>> {
        let advance = self.rows.max(self.step);
        let [z, top, left] = self.region.start;
        let [_, bottom, right] = self.region.stop;
        let mut bands = Vec::new();
        for y in (top..bottom).step_by(advance) {
            if token.is_cancelled() {
                return None;
            }
            let region = Roi::new([z, y, left], [z + 1, (y + advance).min(bottom), right]);
            let read = Roi::new(region.start, [z + 1, (y + self.rows).min(bottom), right]);
            match image.read(&read.at(0, self.channels)) {
                Ok(band) => bands.push(SliceData {
                    lane: 0,
                    plane: SlicePlane { t: 0, axis: Axis::Z, position: z },
                    region,
                    step: self.step,
                    raw: band.thinned(self.step),
                    mask: None,
                }),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(bands))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::data::{AxisOrder, DType, Roi5, Volume};
    use crate::io::ImageInfo;

    /// An image of rising rows and columns that counts what is read of it.
    struct Made {
        info: ImageInfo,
        pieces: Option<[usize; 5]>,
        largest: AtomicUsize,
        read: AtomicUsize,
    }

    impl ImageReader for Made {
        fn info(&self) -> &ImageInfo {
            &self.info
        }

        fn pieces(&self) -> Option<[usize; 5]> {
            self.pieces
        }

        fn read(&self, roi: &Roi5) -> Result<Volume, io::Error> {
            self.read.fetch_add(roi.len(), Ordering::Relaxed);
            self.largest.fetch_max(roi.len(), Ordering::Relaxed);
            let [_, _, y, x, _] = roi.start;
            let value =
                |(_, _, dy, dx, _): (usize, usize, usize, usize, usize)| ((y + dy) * 7 + x + dx) as u8;
            Ok(ndarray::Array5::from_shape_fn(roi.shape(), value).into())
        }
    }

    fn image(shape: [usize; 5], pieces: Option<[usize; 5]>) -> Made {
        let info = ImageInfo {
            axes: AxisOrder::canonical(),
            shape,
            dtype: DType::U8,
            pixel_size: std::array::from_fn(|_| None),
            data_range: None,
        };
        Made { info, pieces, largest: AtomicUsize::new(0), read: AtomicUsize::new(0) }
    }

    /// The part shown (rows, columns), and the bytes kept; every sample is where it belongs.
    fn shown(image: &Made) -> ([usize; 2], usize) {
        let plan = Plan::of(image, image.info.shape[1] / 2).unwrap();
        assert!(plan.decodes(image) <= MOST_DECODED);
        let bands = plan.read(image, &CancelToken::new()).unwrap().unwrap();
        let mut rows = plan.region.start[1];
        for band in &bands {
            assert_eq!(band.region.start[1], rows, "bands follow each other");
            rows = band.region.stop[1];
            let Volume::U8(samples) = &band.raw else { unreachable!("bytes were read") };
            let [_, _, height, width, _] = *samples.shape() else { unreachable!("there are five axes") };
            for (i, j) in [(0, 0), (height - 1, width - 1)] {
                let at = |k: usize, axis: usize| band.region.start[axis] + k * band.step;
                assert_eq!(samples[[0, 0, i, j, 0]], (at(i, 1) * 7 + at(j, 2)) as u8);
                assert!(at(i, 1) < band.region.stop[1] && at(j, 2) < band.region.stop[2]);
            }
        }
        assert_eq!(rows, plan.region.stop[1]);
        let [_, height, width] = plan.region.shape();
        ([height, width], bands.iter().map(SliceData::bytes).sum())
    }

    #[test]
    fn small_images_are_read_as_they_are() {
        for shape in [[1, 1, 1, 1, 1], [1, 1, 30, 40, 1], [3, 5, 31, 2000, 5]] {
            for pieces in [None, Some(shape), Some([1, 1, 7, 16, 1])] {
                let image = image(shape, pieces);
                assert_eq!(shown(&image).0, [shape[2], shape[3]]);
            }
        }
    }

    #[test]
    fn large_images_are_thinned_and_little_is_kept() {
        for pieces in [None, Some([1, 1, 256, 256, 1]), Some([1, 1, 1, 9000, 1]), Some([1, 1, 9001, 9000, 1])]
        {
            let image = image([1, 9, 9001, 9000, 1], pieces);
            let (part, kept) = shown(&image);
            assert_eq!(part, [9001, 9000]);
            assert!((256 * 256..4 * 256 * 256).contains(&kept), "{kept}");
            assert!(image.largest.load(Ordering::Relaxed) <= 9000 * 1000, "{pieces:?}");
        }
        let plain = image([1, 1, 100_000, 100_000, 1], None);
        assert_eq!(shown(&plain).0, [100_000; 2]);
        assert!(plain.read.load(Ordering::Relaxed) < 60 << 20, "rows in between are not read");
    }

    #[test]
    fn of_what_is_too_large_the_middle_is_seen() {
        let (part, kept) = shown(&image([1, 1, 100_000, 50_000, 1], Some([1, 1, 512, 512, 1])));
        assert!(part[0] >= 6000 && part[1] >= 6000, "{part:?}");
        assert!(kept < 1 << 20, "{kept}");
        // Chunks of a volume hold slices that are not seen.
        let (part, _) = shown(&image([1, 500, 4000, 4000, 1], Some([1, 64, 64, 64, 1])));
        assert!((1000..4000).contains(&part[0]), "{part:?}");
        let whole = [1, 1, 20_000, 20_000, 1];
        assert_eq!(Plan::of(&image(whole, Some(whole)), 0), None, "it can only be decoded as a whole");
    }

    #[test]
    fn it_stops_when_the_wish_is_given_up() {
        let token = CancelToken::new();
        token.cancel();
        let image = image([1, 1, 900, 900, 1], None);
        assert!(Plan::of(&image, 0).unwrap().read(&image, &token).is_none());
        assert_eq!(image.read.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn files_become_pictures_and_errors_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([x as u8, y as u8, 9]))
            .save(path("a.png"))
            .unwrap();
        std::fs::write(path("b.png"), "no picture").unwrap();
        let made = make(&path("a.png"), &CancelToken::new()).unwrap().unwrap();
        assert_eq!((made.extent, made.windows.len(), made.is_whole()), ([30, 40], 3, true));
        let why = make(&path("b.png"), &CancelToken::new()).unwrap().unwrap_err();
        assert!(why.contains("b.png"), "{why}");
    }
}
