//! Small pictures of image files, for the file browser: which one is wanted, and those that were made.

use std::sync::Arc;

use super::channels::{ChannelView, Display, Shading};
use super::effect::Effect;
use super::slices::extremes;
use super::state::App;
use crate::data::{CancelToken, SpatialRoi};
use crate::engine::SliceData;
use crate::io::ImageInfo;

/// Most pictures remembered.
const KEPT: usize = 32;

/// A part of a slice of an image, thinned, and how it is to be shown.
#[derive(Debug)]
pub struct Thumbnail {
    /// Rows and columns of the slice.
    pub extent: [usize; 2],
    /// The part of it that is seen, `zyx`.
    pub region: SpatialRoi,
    /// Its samples.
    pub slices: Vec<Arc<SliceData>>,
    /// How its channels become colours.
    pub display: Display,
    /// What is shown black and white, for each channel.
    pub windows: Vec<(f64, f64)>,
}

/// How many of an image's `channels` a picture of it needs.
pub fn channels_needed(info: &ImageInfo) -> usize {
    match ChannelView::of("default", info.shape[4]) {
        ChannelView::Composite => info.shape[4],
        ChannelView::Gray => 1,
    }
}

impl Thumbnail {
    /// The picture of an image as it looks when it is first opened: the part `region` of a slice along z. Of the
    /// channels, `slices` have those that are [needed](channels_needed).
    pub fn new(info: &ImageInfo, region: SpatialRoi, slices: Vec<SliceData>) -> Self {
        let view = ChannelView::of("default", info.shape[4]);
        let channels = channels_needed(info);
        let photograph = view == ChannelView::Composite && info.dtype.size() == 1;
        let seen = |channel: usize| {
            let ranges = slices.iter().filter_map(|slice| extremes(&slice.raw, channel));
            ranges.reduce(|(a, b), (low, high)| (a.min(low), b.max(high))).unwrap_or((0.0, 1.0))
        };
        let window = |channel: usize| if photograph { (0.0, 255.0) } else { seen(channel) };
        Thumbnail {
            extent: [info.shape[2], info.shape[3]],
            region,
            windows: (0..channels).map(window).collect(),
            display: Display {
                shading: Shading::of("default", info.dtype),
                ..Display::new(channels, view, false)
            },
            slices: slices.into_iter().map(Arc::new).collect(),
        }
    }

    /// Whether the whole slice is seen.
    pub fn is_whole(&self) -> bool {
        let [_, rows, columns] = self.region.shape();
        [rows, columns] == self.extent
    }
}

/// What became of a picture.
pub type Made = Result<Arc<Thumbnail>, String>;

/// The pictures.
#[derive(Clone, Debug, Default)]
pub struct Thumbnails {
    /// By location; the oldest first.
    known: Vec<(String, Made)>,
    /// What is being made.
    asked: Option<(String, CancelToken)>,
    /// What is to be seen.
    wanted: Option<String>,
}

impl Thumbnails {
    /// The picture of what is wanted, or why there is none; `None` until it has been made.
    pub fn shown(&self) -> Option<&Made> {
        let wanted = self.wanted.as_ref()?;
        self.known.iter().find(|(location, _)| location == wanted).map(|(_, made)| made)
    }
}

impl Thumbnails {
    /// The picture of what is wanted.
    pub fn picture(&self) -> Option<Arc<Thumbnail>> {
        self.shown().and_then(|made| made.as_ref().ok()).map(Arc::clone)
    }
}

impl App {
    /// Wants the picture of what is at `location`, or none. One is made at a time: the one under way is given up.
    pub(super) fn want_thumbnail(&mut self, location: Option<&str>) {
        self.thumbnails.wanted = location.map(str::to_owned);
        match (&self.thumbnails.asked, location) {
            (Some((asked, _)), Some(wanted)) if asked == wanted => {}
            (Some((_, token)), _) => token.cancel(),
            (None, Some(wanted)) if self.thumbnails.shown().is_none() => {
                let token = CancelToken::new();
                self.thumbnails.asked = Some((wanted.to_owned(), token.clone()));
                self.outbox.push(Effect::MakeThumbnail(wanted.to_owned(), token));
            }
            (None, _) => {}
        }
    }

    /// A picture was made, or given up.
    pub(super) fn thumbnail_made(&mut self, location: String, made: Option<Made>) {
        self.thumbnails.asked.take_if(|(asked, _)| *asked == location);
        if let Some(made) = made {
            self.thumbnails.known.retain(|(known, _)| *known != location);
            self.thumbnails.known.push((location, made));
            let surplus = self.thumbnails.known.len().saturating_sub(KEPT);
            self.thumbnails.known.drain(..surplus);
        }
        self.recheck_forms();
    }
}
