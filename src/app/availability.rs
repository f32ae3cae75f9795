//! Why a command can't be used now, in words: shown in the palette, and said when its key is pressed.

use super::features::TableRow;
use super::runs::FileState;
use super::screen::Applet;
use super::state::App;
use crate::command::help::{ShownHint, hints, start_hints};
use crate::data::classes::MAX_CLASSES;
use crate::render::LayerKind;

/// Why not, as a clause without capital and full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(pub String);

fn unless(condition: bool, why: impl Into<String>) -> Result<(), Reason> {
    if condition { Ok(()) } else { Err(Reason(why.into())) }
}

impl App {
    /// The hints that fit a line of `width` columns, without those of no use for such images. Without an image only
    /// what can be done without one.
    pub fn hints(&self, width: usize) -> Vec<ShownHint> {
        let usable = |name: &str| available(name, self).is_ok();
        if self.has_image() || self.screen.applet == Applet::Batch {
            let by_image = |name: &str| matches!(name, "feature.dimension" | "feature.channels");
            return hints(&self.keymap, self.mode(), width, |name| !by_image(name) || usable(name));
        }
        start_hints(&self.keymap, self.mode(), width, usable)
    }
}

fn unlocked(app: &App) -> Result<(), Reason> {
    unless(!app.selected_class().is_some_and(|class| class.locked), "the label is locked; unlock it first")
}

/// Whether the command `name` can be used now.
///
/// # Errors
/// Why not.
pub fn available(name: &str, app: &App) -> Result<(), Reason> {
    let area = name.split('.').next().unwrap_or(name);
    let image = || unless(app.has_image(), "there is no image; open one first");
    match area {
        "view" | "cursor" | "paint" | "brush" | "contrast" | "channel" | "mouse" | "feature" | "data" => {
            image()?
        }
        _ => {}
    }
    if matches!(area, "paint" | "cursor") {
        unless(app.screen.applet == Applet::Training, "the canvas is in the Training applet")?;
    }
    if area == "paint" {
        unless(!app.is_visiting(), "the image is none of the project's; add it to label it")?;
    }
    match name {
        "file.save" | "file.save_as" | "file.save_quit" => {
            unless(!app.files.saving, "the project is being saved")
        }
        "file.open" => unless(!app.files.opening, "something is being opened"),
        "file.recent" => unless(!app.files.recent.is_empty(), "nothing was opened before"),
        "lane.by" | "lane.show" => unless(app.views.len() > 1, "the project has no other image"),
        "lane.remove" if app.is_visiting() => unless(false, "the image is none of the project's"),
        "lane.mask_remove" => unless(
            app.project.lanes.get(app.screen.data_row).is_some_and(|lane| lane.mask.is_some()),
            "the image has no mask",
        ),
        "lane.remove" | "lane.replace" | "lane.mask" | "lane.properties" | "data.show" => {
            unless(app.has_image(), "the project has no image")
        }
        "job.cancel" => unless(!app.jobs.running().is_empty(), "nothing runs in the background"),
        "export.picture" => image(),
        "export.settings" | "export.select_by" | "export.delete_all" | "export.show" => image(),
        "export.lane" | "export.all" => {
            image()?;
            unless(app.runs.active().is_none(), "an export or batch is under way")
        }
        "batch.start" => {
            image()?;
            unless(!app.batch.files.is_empty(), "there is no file; add some")?;
            unless(app.runs.active().is_none(), "an export or batch is under way")
        }
        "batch.remove" | "batch.clear" | "batch.open" | "batch.select_by" => {
            unless(!app.batch.files.is_empty(), "there is no file; add some")
        }
        "run.pause" | "run.cancel" | "run.cancel_file" => {
            unless(app.runs.active().is_some(), "no export or batch is under way")
        }
        "run.retry" => {
            unless(app.runs.active().is_none(), "an export or batch is under way")?;
            let again = |state: &FileState| matches!(state, FileState::Failed(_) | FileState::Cancelled);
            let some = app.runs.current.as_ref().is_some_and(|run| run.count(again) > 0);
            unless(some, "nothing failed or was cancelled")
        }
        "edit.undo" => unless(app.edits.can_undo(), "there is nothing to undo"),
        "edit.redo" => unless(app.edits.can_redo(), "there is nothing to redo"),
        "live.update_once" => match app.training_obstacle() {
            Some(why) => Err(Reason(why)),
            None => Ok(()),
        },
        "live.toggle" => unless(app.has_image(), "there is no image; open one first"),
        "view.slice_by" | "view.slice_first" | "view.slice_last" => {
            let axis = app.view().map_or(0, |view| view.axis as usize);
            unless(app.shape()[axis] > 1, "the image has a single slice along this axis")
        }
        "view.axis" | "view.three" => unless(app.space()[0] > 1, "the image has no depth"),
        "view.pane_by" => unless(app.view().is_some_and(|view| view.three), "a single slice is shown"),
        "view.time_by" => unless(app.shape()[0] > 1, "the image has a single time point"),
        "view.channel_by" => unless(app.has_channels(), "the image has a single channel"),
        name if name.starts_with("channel.") => unless(app.has_channels(), "the image has a single channel"),
        "paint.dab" | "paint.pen" | "paint.line" | "paint.fill" | "paint.rectangle" => unless(
            matches!(app.paint.tool, super::Tool::Brush | super::Tool::Eraser),
            "the tool in hand does not paint; take the brush",
        ),
        "label.add" => unless(
            app.project.classes.len() < MAX_CLASSES,
            format!("a project has at most {MAX_CLASSES} labels"),
        ),
        "label.import" | "label.export" | "label.explore" | "training.suggest" | "bookmark.add"
        | "bookmark.list" => unless(app.has_image(), "there is no image; open one first"),
        "training.importance" => match app.training_obstacle() {
            Some(why) => Err(Reason(why)),
            None => Ok(()),
        },
        "label.delete" | "label.merge" => {
            unless(app.project.classes.len() > 2, "a project keeps at least two labels")?;
            unlocked(app)
        }
        "label.clear" => {
            unless(app.label_count(app.paint.label) > 0, "the label has no strokes")?;
            unlocked(app)
        }
        "label.clear_all" => unless(
            (1..=app.project.classes.len())
                .any(|n| app.label_count(n) > 0 && !app.project.classes[n - 1].locked),
            "no label that is not locked has strokes",
        ),
        "layer.mask" => {
            unless(app.layers.layers.iter().any(|l| l.kind == LayerKind::Mask), "the image has no mask")
        }
        "layer.raise" => unless(app.layers.selected > 0, "the layer is the topmost"),
        "layer.lower" => unless(app.layers.selected + 1 < app.layers.layers.len(), "the layer is the lowest"),
        "feature.look" => unless(!app.feature_names().is_empty(), "no feature is selected"),
        "feature.export" => unless(app.shows_feature(), "no feature is looked at"),
        "feature.channels" => unless(app.shape()[4] > 1, "the images have a single channel"),
        "feature.dimension" => {
            unless(app.has_depth(), "the images have no depth, everything is computed in 2D")
        }
        "feature.revert" => unless(app.features_changed(), "the features are as they were"),
        "feature.toggle_row" => {
            let row = super::features::TABLE_ROWS[app.features.row];
            unless(row != TableRow::Dimension, "the cursor is on no feature")
        }
        "feature.scale_remove" => {
            let scales = app.shown_selection().scales.len();
            unless(scales > 1, super::features::ONE_SCALE)?;
            unless(app.features.column < scales, "the cursor is on no scale")
        }
        "feature.toggle" => {
            let row = super::features::TABLE_ROWS[app.features.row];
            unless(app.has_depth() || row != TableRow::Dimension, "the images have no depth")
        }
        _ => Ok(()),
    }
}
