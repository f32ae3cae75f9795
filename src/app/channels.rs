//! Which channels of the image are shown, in which colours, and on which of them contrast acts.

use serde::{Deserialize, Serialize};

use super::labels::parse_color;
use super::messages::Level;
use super::state::App;
use crate::data::DType;
use crate::data::classes::Rgb;

/// Colours of the channels of an image: first those of two or three channels, then further ones.
const COLORS: [Rgb; 7] =
    [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 255, 255], [255, 0, 255], [255, 255, 0]];

/// The colour of an image's only channel, as ilastik tints it.
const ALONE: Rgb = [0, 255, 255];

/// How channels become colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelView {
    /// The selected one alone, as its [`Shading`] says.
    Gray,
    /// All that are on, each in its colour, their light added.
    Composite,
}

impl ChannelView {
    /// ilastik's choice for one of its display modes and a number of channels.
    pub fn of(display_mode: &str, channels: usize) -> Self {
        match display_mode {
            "grayscale" | "random-colortable" | "alpha-modulated" | "binary-mask" => ChannelView::Gray,
            "rgba" if channels >= 2 => ChannelView::Composite,
            _ if matches!(channels, 2 | 3) => ChannelView::Composite,
            _ => ChannelView::Gray,
        }
    }
}

/// How a channel that is shown alone looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shading {
    /// Gray.
    #[default]
    Gray,
    /// A colour of its own for each value, for images of labels.
    Colortable,
    /// The channel's colour, as strong as the value.
    Tinted,
    /// White where it is not zero.
    Mask,
}

impl Shading {
    /// ilastik's choice for one of its display modes; labels of 64 bits have colours by default.
    pub fn of(display_mode: &str, dtype: DType) -> Self {
        match display_mode {
            "random-colortable" => Shading::Colortable,
            "alpha-modulated" => Shading::Tinted,
            "binary-mask" => Shading::Mask,
            "default" if dtype == DType::U64 => Shading::Colortable,
            _ => Shading::Gray,
        }
    }

    /// How it is said that a channel is shown so.
    fn words(self) -> &'static str {
        match self {
            Shading::Gray => "in gray",
            Shading::Colortable => "with a colour for each value",
            Shading::Tinted => "in its colour",
            Shading::Mask => "as a mask",
        }
    }
}

/// The colour of a channel in a composite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tint {
    /// The colour of its brightest pixels.
    pub color: Rgb,
    /// Whether it is part of the composite.
    pub on: bool,
}

/// How the channels of a lane are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Display {
    /// One alone, or several in colour.
    pub view: ChannelView,
    /// How one channel looks.
    #[serde(default)]
    pub shading: Shading,
    /// The channel shown alone, and the one that the panel of channels acts on; from 0.
    pub selected: usize,
    /// One for each channel.
    pub tints: Vec<Tint>,
    /// Whether contrast acts on all channels of a composite; else on the selected one.
    pub linked: bool,
}

impl Display {
    /// A new view of an image with `channels` channels. Contrast acts on all channels of a photograph
    /// (`linked`), whose colours would change otherwise.
    pub fn new(channels: usize, view: ChannelView, linked: bool) -> Display {
        let color = |i: usize| if channels == 1 { ALONE } else { COLORS[i % COLORS.len()] };
        let tints = (0..channels).map(|i| Tint { color: color(i), on: true }).collect();
        Display { view, shading: Shading::Gray, selected: 0, tints, linked }
    }

    /// The channels shown, from 0.
    pub fn shown(&self) -> Vec<usize> {
        match self.view {
            ChannelView::Gray => vec![self.selected],
            ChannelView::Composite => (0..self.tints.len()).filter(|&i| self.tints[i].on).collect(),
        }
    }

    /// The channels that contrast acts on, from 0.
    pub fn contrasted(&self) -> Vec<usize> {
        match self.view {
            ChannelView::Composite if self.linked => self.shown(),
            _ => vec![self.selected],
        }
    }

    /// Whether it is for an image with `channels` channels.
    pub fn fits(&self, channels: usize) -> bool {
        self.tints.len() == channels && self.selected < channels
    }
}

impl App {
    /// Whether the image shown has several channels.
    pub fn has_channels(&self) -> bool {
        self.shape()[4] > 1
    }

    fn display_mut(&mut self) -> Option<&mut Display> {
        self.view_mut().map(|view| &mut view.display)
    }

    /// Steps through the composite and the single channels.
    pub(super) fn channel_by(&mut self, by: i32) {
        let channels = self.shape()[4];
        let Some(display) = self.display_mut() else { return };
        let at = match display.view {
            ChannelView::Composite => 0,
            ChannelView::Gray => display.selected + 1,
        };
        let next = (at as i64 + i64::from(by)).rem_euclid(channels as i64 + 1) as usize;
        match next.checked_sub(1) {
            Some(channel) => (display.view, display.selected) = (ChannelView::Gray, channel),
            None => display.view = ChannelView::Composite,
        }
        self.tell_channels();
    }

    pub(super) fn toggle_composite(&mut self) {
        if let Some(display) = self.display_mut() {
            display.view = match display.view {
                ChannelView::Gray => ChannelView::Composite,
                ChannelView::Composite => ChannelView::Gray,
            };
        }
        self.tell_channels();
    }

    fn tell_channels(&mut self) {
        let channels = self.shape()[4];
        let text = match self.view().map(|view| &view.display) {
            Some(display) if display.view == ChannelView::Gray => {
                format!("channel {} of {channels} {}", display.selected + 1, display.shading.words())
            }
            _ => "all channels that are on, in colour".into(),
        };
        self.inform(format!("Showing {text}"));
    }

    pub(super) fn select_channel_by(&mut self, by: i32) {
        let last = self.shape()[4] as i64 - 1;
        if let Some(display) = self.display_mut() {
            display.selected = (display.selected as i64 + i64::from(by)).clamp(0, last.max(0)) as usize;
        }
    }

    /// Selects a channel by its index.
    pub(super) fn select_channel(&mut self, index: usize) {
        if let Some(display) = self.display_mut().filter(|display| index < display.tints.len()) {
            display.selected = index;
        }
    }

    pub(super) fn toggle_channel(&mut self) {
        if let Some(display) = self.display_mut()
            && let Some(tint) = display.tints.get_mut(display.selected)
        {
            tint.on = !tint.on;
            display.view = ChannelView::Composite;
        }
    }

    pub(super) fn recolor_channel(&mut self, text: &str) {
        match parse_color(text) {
            Some(color) => self.set_channel_color(color),
            None => self.tell(
                Level::Warning,
                format!("'{text}' is no colour"),
                "a colour is #rrggbb, such as #00ff00",
                "",
            ),
        }
    }

    pub(super) fn next_channel_color(&mut self) {
        let Some(display) = self.view().map(|view| &view.display) else { return };
        let now = display.tints.get(display.selected).map(|tint| tint.color);
        let at = COLORS.iter().position(|color| Some(*color) == now).map_or(0, |i| i + 1);
        self.set_channel_color(COLORS[at % COLORS.len()]);
    }

    fn set_channel_color(&mut self, color: Rgb) {
        if let Some(display) = self.display_mut()
            && let Some(tint) = display.tints.get_mut(display.selected)
        {
            tint.color = color;
        }
    }

    pub(super) fn link_channels(&mut self) {
        let Some(display) = self.display_mut() else { return };
        display.linked = !display.linked;
        let text = if display.linked { "all channels together" } else { "the selected channel alone" };
        self.inform(format!("Contrast acts on {text}"));
    }
}
