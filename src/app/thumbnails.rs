//! Small pictures of image files, for the file browser: which one is wanted, and those that were made.

use std::sync::Arc;

use super::channels::{ChannelView, Display};
use super::effect::Effect;
use super::lanes::default_channels;
use super::slices::extremes;
use super::state::App;
use crate::data::CancelToken;
use crate::engine::SliceData;
use crate::io::ImageInfo;

/// Most pictures remembered.
const KEPT: usize = 32;

/// A part of a slice of an image, thinned, and how it is to be shown.
#[derive(Debug)]
pub struct Thumbnail {
    /// Rows and columns of the slice.
    pub extent: [usize; 2],
    /// The samples.
    pub slice: SliceData,
    /// How its channels become colours.
    pub display: Display,
    /// What is shown black and white, for each channel.
    pub windows: Vec<(f64, f64)>,
}

/// How many of an image's `channels` a picture of it needs.
pub fn channels_needed(info: &ImageInfo) -> usize {
    match default_channels("default", info) {
        ChannelView::Composite => info.shape[4],
        ChannelView::Gray => 1,
    }
}

impl Thumbnail {
    /// The picture of an image as it looks when it is first opened; of its channels, `slice` has those that are
    /// [needed](channels_needed).
    pub fn new(info: &ImageInfo, slice: SliceData) -> Self {
        let view = default_channels("default", info);
        let channels = slice.raw.shape()[4];
        let photograph = view == ChannelView::Composite && info.dtype.size() == 1;
        let window = |channel: usize| match photograph {
            true => (0.0, 255.0),
            false => extremes(&slice.raw, channel).unwrap_or((0.0, 1.0)),
        };
        Thumbnail {
            extent: slice.plane.extent([info.shape[1], info.shape[2], info.shape[3]]),
            windows: (0..channels).map(window).collect(),
            display: Display::new(channels, view, false),
            slice,
        }
    }

    /// Whether the whole slice is seen.
    pub fn is_whole(&self) -> bool {
        let [_, rows, columns] = self.slice.region.shape();
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
