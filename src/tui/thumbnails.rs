//! Makes small pictures of image files on a thread of its own, however large the image: what is decoded and kept
//! for one is bounded.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

use ndarray::{Axis as ArrayAxis, concatenate};

use super::message::Message;
use crate::app::AppEvent;
use crate::app::thumbnails::{Made, Thumbnail, channels_needed};
use crate::data::{Axis, CancelToken, Roi, Roi5, SlicePlane, SpatialRoi, Volume};
use crate::engine::SliceData;
use crate::io::template::expand_home;
use crate::io::{self, ImageReader, OpenOptions};
use crate::with_volume;

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

/// `None` when it was cancelled.
fn make(location: &str, token: &CancelToken) -> Option<Made> {
    let path = expand_home(location);
    let options = OpenOptions { memory: Some(MEMORY), ..OpenOptions::default() };
    let image = match io::open(&path.to_string_lossy(), &options) {
        Ok(image) => image,
        Err(error) => return Some(Err(error.to_string())),
    };
    let [_, z, ..] = image.info().shape;
    let plane = SlicePlane { t: 0, axis: Axis::Z, position: z / 2 };
    let Some(plan) = Plan::of(image.as_ref(), z / 2) else {
        return Some(Err("too large for a small picture".into()));
    };
    let raw = match plan.read(image.as_ref(), token)? {
        Ok(raw) => raw,
        Err(error) => return Some(Err(error.to_string())),
    };
    let slice = SliceData { lane: 0, plane, region: plan.region, step: plan.step, raw, mask: None };
    Some(Ok(Arc::new(Thumbnail::new(image.info(), slice))))
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

    /// The samples; `None` when it was cancelled.
    fn read(&self, image: &dyn ImageReader, token: &CancelToken) -> Option<Result<Volume, io::Error>> {
        let whole = self.region.at(0, self.channels);
        let advance = self.rows.max(self.step);
        let mut bands = Vec::new();
        for y in (whole.start[2]..whole.stop[2]).step_by(advance) {
            if token.is_cancelled() {
                return None;
            }
            let mut band: Roi5 = whole;
            (band.start[2], band.stop[2]) = (y, (y + self.rows).min(whole.stop[2]));
            match image.read(&band) {
                Ok(band) => bands.push(band.thinned(self.step)),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(stacked(&bands)))
    }
}

/// Bands below each other.
fn stacked(bands: &[Volume]) -> Volume {
    let Some(first) = bands.first() else { return Volume::zeros(crate::data::DType::U8, [0; 5]) };
    todo!("{first:?}")
}
