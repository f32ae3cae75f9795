//! Which applet, panel and size the screen has, and the keys typed towards a longer sequence.

use std::time::Duration;

use super::paint::Tool;
use super::state::App;
use crate::command::{Chord, Mode};

/// ilastik's applets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Applet {
    Data,
    Features,
    #[default]
    Training,
    Export,
    Batch,
}

impl Applet {
    /// All applets in order, with their titles.
    pub const ALL: [(Applet, &'static str); 5] = [
        (Applet::Data, "Data"),
        (Applet::Features, "Features"),
        (Applet::Training, "Training"),
        (Applet::Export, "Export"),
        (Applet::Batch, "Batch"),
    ];
}

/// The panel of the Training applet that takes keys first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Focus {
    #[default]
    Canvas,
    Labels,
    Layers,
    Channels,
}

/// How long after the first key of a sequence the box with the possible next keys appears.
pub const WHICH_KEY_DELAY: Duration = Duration::from_millis(400);

/// What is where on screen.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    /// Size in cells (columns, rows).
    pub size: [u16; 2],
    /// The applet shown.
    pub applet: Applet,
    /// The panel that takes keys first.
    pub focus: Focus,
    /// Whether the panel of labels is folded away.
    pub labels_folded: bool,
    /// Whether the panel of layers is folded away.
    pub layers_folded: bool,
    /// Whether the canvas has the whole screen.
    pub fullscreen: bool,
    /// Keys typed towards a longer sequence.
    pub pending: Vec<Chord>,
    pub(super) pending_since: Duration,
    /// The image selected in the Data applet, from 0.
    pub data_row: usize,
    /// The images marked there, from 0, in order.
    pub data_marks: Vec<usize>,
    /// Picture columns per cell that the views' zooms are for.
    pub(super) zoom_density: Option<f64>,
    /// Whether the slice shown alone was one of three before.
    pub(super) alone: bool,
}

impl Screen {
    /// When the box with the possible next keys appears, if that is yet to come.
    pub fn which_key_at(&self, now: Duration) -> Option<Duration> {
        let at = self.pending_since + WHICH_KEY_DELAY;
        (!self.pending.is_empty() && at > now).then_some(at)
    }

    /// Whether the box with the possible next keys is shown.
    pub fn shows_which_key(&self, now: Duration) -> bool {
        !self.pending.is_empty() && self.which_key_at(now).is_none()
    }
}

impl App {
    /// The mode in which keys are looked up.
    pub fn mode(&self) -> Mode {
        match (self.screen.applet, self.screen.focus) {
            (Applet::Data, _) => Mode::Data,
            (Applet::Features, _) if self.looks_at_features() => Mode::FeatureList,
            (Applet::Features, _) => Mode::Features,
            (Applet::Training, Focus::Labels) => Mode::Labels,
            (Applet::Training, Focus::Layers) => Mode::Layers,
            (Applet::Training, Focus::Channels) => Mode::Channels,
            (Applet::Training, Focus::Canvas) if self.paint.tool == Tool::Contrast => Mode::Contrast,
            (Applet::Training, Focus::Canvas) => Mode::Canvas,
            (Applet::Export, _) => Mode::Export,
            (Applet::Batch, _) => Mode::Batch,
        }
    }

    pub(super) fn show_applet(&mut self, number: usize) {
        let Some(&(applet, _)) = Applet::ALL.get(number - 1) else { return };
        self.lift_pen();
        self.drop_band();
        self.screen.applet = applet;
        self.screen.focus = Focus::Canvas;
        self.screen.fullscreen = false;
        self.screen.data_row = self.lane;
        if applet != Applet::Training {
            self.end_visit();
        }
        if applet == Applet::Features && self.features.opened_with.is_none() {
            self.features.opened_with = Some(self.shown_selection());
        } else if applet != Applet::Features {
            self.features.opened_with = None;
        }
        if applet == Applet::Export {
            self.export.selected = self.lane;
        }
        self.recheck_export();
        self.recheck_batch();
    }

    /// Moves to the next (`step` 1) or previous (-1) panel that is not folded away.
    pub(super) fn move_focus(&mut self, step: i32) {
        let open: Vec<Focus> = [
            (Focus::Canvas, true),
            (Focus::Labels, !self.screen.labels_folded),
            (Focus::Layers, !self.screen.layers_folded),
            (Focus::Channels, !self.screen.layers_folded && self.has_channels()),
        ]
        .into_iter()
        .filter(|&(_, open)| open && (!self.screen.fullscreen))
        .map(|(focus, _)| focus)
        .collect();
        if open.is_empty() {
            return;
        }
        let at = open.iter().position(|&focus| focus == self.screen.focus).unwrap_or(0) as i32;
        self.screen.focus = open[(at + step).rem_euclid(open.len() as i32) as usize];
    }

    pub(super) fn fold(&mut self, panel: Focus) {
        let folded = match panel {
            Focus::Labels => &mut self.screen.labels_folded,
            Focus::Layers | Focus::Channels => &mut self.screen.layers_folded,
            Focus::Canvas => &mut self.screen.fullscreen,
        };
        *folded = !*folded;
        let gone = panel == Focus::Layers && self.screen.focus == Focus::Channels;
        if self.screen.focus == panel || gone || self.screen.fullscreen {
            self.screen.focus = Focus::Canvas;
        }
    }

    /// Closes the topmost popup, else ends what is open, else goes back to the canvas.
    pub(super) fn cancel(&mut self) {
        if self.popups.pop().is_some() {
            return;
        }
        self.messages.hide();
        if self.drop_band() {
            self.paint.drag = None;
        } else if self.screen.applet == Applet::Training && self.leave_visit() {
            // Back at the list.
        } else if self.paint.pen_down {
            self.lift_pen();
        } else if self.looks_at_features() {
            self.toggle_looking();
        } else if self.screen.applet != Applet::Training {
            self.show_applet(3);
        } else if self.screen.fullscreen {
            self.screen.fullscreen = false;
        } else {
            self.screen.focus = Focus::Canvas;
        }
    }
}
