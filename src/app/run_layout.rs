//! Where things are in the Export and Batch applets: for drawing and for the mouse.

use ratatui::layout::Rect;

use super::layout::{Spot, first_shown};
use super::runs::RunKind;
use super::state::App;

/// Lines that tell the settings.
pub const SETTING_LINES: u16 = 4;
/// Fewest lines of the list.
const LIST: u16 = 3;

/// The parts of such an applet, inside its borders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunLayout {
    /// The settings.
    pub settings: Rect,
    /// The buttons.
    pub buttons: Rect,
    /// What is going on, which also heads the list.
    pub progress: Rect,
    /// The list of images.
    pub list: Rect,
    /// The first image shown.
    pub first: usize,
    /// Files and problems of the selected image, and the command line.
    pub details: Rect,
}

/// A button: what it says, the command it runs, its first column and width.
pub type Button = (&'static str, &'static str, u16, u16);

/// The buttons of an applet.
pub fn buttons(kind: RunKind) -> Vec<Button> {
    const EXPORT: &[(&str, &str)] = &[
        ("Settings", "export.settings"),
        ("Export", "export.lane"),
        ("Export All", "export.all"),
        ("Delete All", "export.delete_all"),
        ("Show", "export.show"),
        ("Copy Command", "run.copy_command"),
    ];
    const BATCH: &[(&str, &str)] = &[
        ("Add", "batch.add"),
        ("Clear", "batch.clear"),
        ("Settings", "export.settings"),
        ("Start", "batch.start"),
        ("Pause", "run.pause"),
        ("Cancel", "run.cancel"),
        ("Retry", "run.retry"),
        ("Copy Command", "run.copy_command"),
    ];
    let all = match kind {
        RunKind::Export => EXPORT,
        RunKind::Batch => BATCH,
    };
    let mut x = 0;
    all.iter()
        .map(|&(label, command)| {
            let width = label.len() as u16 + 2;
            x += width + 1;
            (label, command, x - width - 1, width)
        })
        .collect()
}

impl RunLayout {
    /// The layout within `inner`.
    pub fn of(app: &App, kind: RunKind, inner: Rect) -> RunLayout {
        let (count, selected) = match kind {
            RunKind::Export => (app.views.len(), app.export.selected),
            RunKind::Batch => (app.batch.files.len(), app.batch.selected),
        };
        let mut y = 0;
        let mut take = |lines: u16| {
            let area = Rect { y: inner.y + y, height: lines, ..inner }.intersection(inner);
            y = (y + lines).min(inner.height);
            area
        };
        let settings = take(SETTING_LINES);
        let buttons = take(1);
        let progress = take(1);
        let left = inner.height.saturating_sub(SETTING_LINES + 2);
        let wanted = u16::try_from(count).unwrap_or(u16::MAX).max(1);
        let list = take(wanted.min((left / 2).max(LIST)).min(left));
        let details = take(u16::MAX / 2);
        let first = first_shown(count, usize::from(list.height).max(1), selected);
        RunLayout { settings, buttons, progress, list, first, details }
    }

    fn spot(&self, kind: RunKind, count: usize, cell: [i32; 2]) -> Option<Result<usize, &'static str>> {
        let [column, line] = cell;
        if line == i32::from(self.buttons.y) && !self.buttons.is_empty() {
            let column = column - i32::from(self.buttons.x);
            let hit = buttons(kind)
                .into_iter()
                .find(|&(_, _, x, width)| (i32::from(x)..i32::from(x + width)).contains(&column));
            return hit.map(|(_, command, ..)| Err(command));
        }
        let row = usize::try_from(line - i32::from(self.list.y)).ok()?;
        let row = (row < usize::from(self.list.height)).then_some(self.first + row)?;
        (row < count).then_some(Ok(row))
    }
}

pub(super) fn export_spot(app: &App, inner: Rect, cell: [i32; 2]) -> Spot {
    match RunLayout::of(app, RunKind::Export, inner).spot(RunKind::Export, app.views.len(), cell) {
        Some(Ok(row)) => Spot::ExportRow(row),
        Some(Err(command)) => Spot::Button(command),
        None => Spot::Nothing,
    }
}

pub(super) fn batch_spot(app: &App, inner: Rect, cell: [i32; 2]) -> Spot {
    match RunLayout::of(app, RunKind::Batch, inner).spot(RunKind::Batch, app.batch.files.len(), cell) {
        Some(Ok(row)) => Spot::BatchRow(row),
        Some(Err(command)) => Spot::Button(command),
        None => Spot::Nothing,
    }
}
