//! Contrast: which values are shown black and white. Display only, never part of what is computed.

use serde::{Deserialize, Serialize};

use super::channels::ChannelView;
use super::messages::Problem;
use super::slices::{Ranges, extremes, quantiles};
use super::state::App;
use crate::data::SpatialRoi;
use crate::io::ImageInfo;
use crate::project::DatasetInfo;

/// Contrast of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Window {
    /// From the lowest to the highest value seen so far.
    Auto(Option<(f64, f64)>),
    /// From the first value (black) to the second (white).
    Fixed(f64, f64),
}

impl Window {
    /// The values shown black and white.
    pub fn range(&self) -> Option<(f64, f64)> {
        match *self {
            Window::Auto(seen) => seen,
            Window::Fixed(low, high) => Some((low, high)),
        }
    }
}

/// ilastik's choice for a new view: the range that the dataset states, all values for 8-bit colour, else
/// the lowest and highest value seen.
pub(super) fn default_windows(info: &ImageInfo, dataset: &DatasetInfo, channels: ChannelView) -> Vec<Window> {
    let stated = dataset.data_range.filter(|_| dataset.normalize_display == Some(true));
    let window = match (stated, channels) {
        (Some((low, high)), _) => Window::Fixed(low, high),
        (None, ChannelView::Composite) if info.dtype.size() == 1 => Window::Fixed(0.0, 255.0),
        _ => Window::Auto(None),
    };
    vec![window; info.shape[4]]
}

impl App {
    /// The values shown black and white in a channel of the lane shown; the whole range of the type until
    /// something is loaded.
    pub fn display_range(&self, channel: usize) -> (f64, f64) {
        let range = self.view().and_then(|view| view.windows.get(channel)?.range());
        range.unwrap_or_else(|| self.full_range())
    }

    fn full_range(&self) -> (f64, f64) {
        self.info().map_or((0.0, 255.0), |info| info.data_range.unwrap_or_else(|| info.dtype.range()))
    }

    /// A value of the image as short as it can be read: whole where the samples are.
    pub fn shown_value(&self, value: f64) -> String {
        let whole = !self.shows_feature() && self.info().is_some_and(|info| !info.dtype.is_float());
        short(if whole { value.round() } else { value })
    }

    /// The channels that contrast commands act on.
    fn contrast_channels(&self) -> Vec<usize> {
        self.view().map_or(Vec::new(), |view| view.display.contrasted())
    }

    /// Widens automatic windows to the values of a newly loaded piece.
    pub(super) fn see(&mut self, lane: usize, ranges: &Ranges) {
        let Some(view) = self.views.get_mut(lane) else { return };
        for (window, range) in view.windows.iter_mut().zip(ranges) {
            if let Window::Auto(seen) = window
                && let Some((low, high)) = *range
            {
                *seen = Some(seen.map_or((low, high), |(a, b)| (a.min(low), b.max(high))));
            }
        }
    }

    /// Values of the visible slice, or of the feature shown, that `cut` percent lie below and above.
    fn slice_range(&self, channel: usize, cut: f64) -> Option<(f64, f64)> {
        if self.shows_feature() {
            return self.feature_quantiles(cut);
        }
        let plane = self.plane()?;
        let ranges = self.slices.of(self.lane, plane).filter_map(|piece| quantiles(&piece.raw, channel, cut));
        ranges.reduce(|(a, b), (low, high)| (a.min(low), b.max(high)))
    }

    /// Lowest and highest value of a channel, or of the feature shown, among the pixels on screen.
    fn visible_range(&self, channel: usize) -> Option<(f64, f64)> {
        if self.shows_feature() {
            return self.feature_quantiles(0.0);
        }
        let view = self.engine_view()?;
        let ranges = self.slices.of(view.lane, view.plane).filter_map(|piece| {
            let seen = view.region.intersect(&piece.region);
            let part = (!seen.is_empty()).then(|| seen.relative_to(piece.region.start))?;
            let channels = piece.raw.shape()[4];
            let samples = SpatialRoi::new(
                part.start.map(|p| p / piece.step),
                part.stop.map(|p| p.div_ceil(piece.step)),
            );
            extremes(&piece.raw.crop(&samples.at(0, channels)), channel)
        });
        ranges.reduce(|(a, b), (low, high)| (a.min(low), b.max(high)))
    }

    pub(super) fn visible_contrast(&mut self) {
        self.set_windows(|app, channel| {
            app.visible_range(channel).map(|(low, high)| Window::Fixed(low, high))
        });
    }

    /// Sets the windows of the channels that are shown, or that of the feature shown in their place.
    fn set_windows(&mut self, window: impl Fn(&App, usize) -> Option<Window>) {
        if self.shows_feature() {
            if let Some(window) = window(self, 0) {
                let set = if let Window::Fixed(low, high) = window { Some((low, high)) } else { None };
                self.set_feature_window(set);
            }
            return self.tell_contrast();
        }
        let windows: Vec<(usize, Option<Window>)> =
            self.contrast_channels().into_iter().map(|channel| (channel, window(self, channel))).collect();
        let Some(view) = self.view_mut() else { return };
        for (channel, window) in windows {
            if let (Some(slot), Some(window)) = (view.windows.get_mut(channel), window) {
                *slot = window;
            }
        }
        self.tell_contrast();
    }

    fn tell_contrast(&mut self) {
        let range = if self.shows_feature() {
            self.feature_range()
        } else {
            self.contrast_channels().first().map(|&channel| self.display_range(channel))
        };
        if let Some((low, high)) = range {
            let [low, high] = [low, high].map(|value| self.shown_value(value));
            self.inform(format!("Contrast from {low} to {high}"));
        }
    }

    pub(super) fn auto_contrast(&mut self) {
        self.set_windows(|app, channel| Some(Window::Auto(app.slice_range(channel, 0.0))));
    }

    pub(super) fn percentile_contrast(&mut self, cut: f64) {
        self.set_windows(|app, channel| {
            app.slice_range(channel, cut.clamp(0.0, 49.0)).map(|(low, high)| Window::Fixed(low, high))
        });
    }

    pub(super) fn full_contrast(&mut self) {
        self.set_windows(|app, _| {
            // The values that a feature can have are those that it has.
            let (low, high) = app.feature_quantiles(0.0).unwrap_or_else(|| app.full_range());
            Some(Window::Fixed(low, high))
        });
    }

    /// The values of black and white that a text names.
    ///
    /// # Errors
    /// Not two numbers, the lower first.
    pub(super) fn contrast_range(&self, text: &str) -> Result<(f64, f64), Problem> {
        let values: Vec<f64> = text
            .split([' ', ',', ':'])
            .filter(|part| !part.is_empty())
            .filter_map(|part| part.parse().ok())
            .collect();
        match values[..] {
            [low, high] if low < high && low.is_finite() && high.is_finite() => Ok((low, high)),
            _ => {
                let what = format!("'{text}' is no contrast");
                Err(Problem::new(what, "it takes two numbers, the lower first", "For example: 100 4000"))
            }
        }
    }

    /// Sets the contrast to the two values that the text names.
    pub(super) fn set_contrast(&mut self, text: &str) {
        match self.contrast_range(text) {
            Ok((low, high)) => self.set_windows(|_, _| Some(Window::Fixed(low, high))),
            Err(problem) => self.warn(problem),
        }
    }

    /// Moves the window by a share of its width and widens it by a factor, from the windows `before`.
    pub(super) fn shape_contrast(&mut self, before: &[(f64, f64)], shift: f64, widen: f64) {
        let full = self.feature_quantiles(0.0).unwrap_or_else(|| self.full_range());
        let is_float = self.shows_feature() || self.info().is_some_and(|info| info.dtype.is_float());
        let least = if is_float { (full.1 - full.0).abs() * 1e-6 } else { 1.0 };
        self.set_windows(|_, channel| {
            let &(low, high) = before.get(channel)?;
            let width = (high - low).abs().max(least);
            let center = (low + high) / 2.0 + shift * width;
            let half = (width * widen).max(least) / 2.0;
            Some(Window::Fixed(center - half, center + half))
        });
    }

    /// The windows of all channels as they are shown, or that of the feature shown.
    pub(super) fn display_ranges(&self) -> Vec<(f64, f64)> {
        if self.shows_feature() {
            return self.feature_range().into_iter().collect();
        }
        (0..self.shape()[4]).map(|channel| self.display_range(channel)).collect()
    }
}

/// A number as short as it can be read.
pub fn short(value: f64) -> String {
    if value == value.trunc() && value.abs() < 1e15 {
        format!("{value:.0}")
    } else {
        let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
        format!("{value:.digits$}")
    }
}
