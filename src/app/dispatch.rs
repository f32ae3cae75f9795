//! From commands to what they do: dispatch only, the doing lies in the areas' files.

use super::availability::{Reason, available};
use super::band::BandUse;
use super::dialogs::AddAnswers;
use super::effect::Effect;
use super::lanes::AddImages;
use super::messages::Level;
use super::paint::Tool;
use super::popups::Popup;
use super::screen::Focus;
use super::state::App;
use crate::command::Command;
use crate::data::Brush;
use crate::render::LayerKind;

impl App {
    /// Says why a command can't be used.
    pub(super) fn refuse(&mut self, name: &str, reason: &Reason) {
        let doc = crate::command::TABLE.iter().find(|row| row.name == name).map_or(name, |row| row.doc);
        self.tell(Level::Warning, format!("Can't do now: {}", lower_first(doc)), reason.0.clone(), "");
    }

    /// Does what a command asks for, or says why it can't.
    pub(super) fn run(&mut self, command: Command) {
        if let Err(reason) = available(command.name(), self) {
            return self.refuse(command.name(), &reason);
        }
        match command {
            Command::FileOpen(path) => self.open(&path),
            Command::FileRecent => self.popups.push(Popup::Recent { selected: 0 }),
            Command::FileSave => self.save(),
            Command::FileSaveAs(path) => self.save_as(&path),
            Command::FileSaveQuit => self.save_and_quit(),
            Command::LaneAdd(path) => {
                let answers = AddAnswers { path: path.clone(), ..AddAnswers::default() };
                self.add_images(format!("open {path}"), AddImages::of(path), answers);
            }
            Command::LaneRemove => self.remove_lanes(),
            Command::LaneReplace(path) => self.replace_lane(path),
            Command::LaneMask(path) => self.set_mask(Some(path)),
            Command::LaneMaskRemove => self.set_mask(None),
            Command::LaneProperties => self.lane_properties(),
            Command::DataMark => self.mark_data_row(),
            Command::LaneBy(by) => self.lane_by(by),
            Command::LaneShow(number) => self.lane_show(number),
            Command::JobCancel => self.cancel_job(),
            Command::AppQuit => self.quit(),
            Command::AppSuspend => self.outbox.push(Effect::Suspend),
            Command::AppRedraw => self.outbox.push(Effect::Redraw),
            Command::AppCancel => self.cancel(),
            Command::AppletShow(number) => self.show_applet(number),
            Command::PanelNext => self.move_focus(1),
            Command::PanelPrevious => self.move_focus(-1),
            Command::PanelFoldLabels => self.fold(Focus::Labels),
            Command::PanelFoldLayers => self.fold(Focus::Layers),
            Command::PanelFullscreen => self.fold(Focus::Canvas),
            Command::HelpOpen => self.popups.push(Popup::Help { filter: Default::default(), scroll: 0 }),
            Command::PaletteOpen => self.open_palette(""),
            Command::MessagesOpen => self.popups.push(Popup::Messages { scroll: 0 }),
            Command::EditUndo => self.undo(),
            Command::EditRedo => self.redo(),
            Command::LiveToggle => self.toggle_live(),
            Command::LiveUpdateOnce => self.update_once(),
            Command::ViewZoomIn => self.zoom_at(1, self.cursor_anchor()),
            Command::ViewZoomOut => self.zoom_at(-1, self.cursor_anchor()),
            Command::ViewFit => self.fit(),
            Command::ViewActualSize => self.set_zoom(1.0, self.cursor_anchor()),
            Command::ViewZoomBox => self.draw_band(BandUse::Zoom),
            Command::ViewCenter => self.center_at_cursor(),
            Command::ViewPan(direction) => self.pan(direction),
            Command::ViewSliceBy(by) => self.slice_by(by.into()),
            Command::ViewSliceFirst => self.slice_by(i64::MIN),
            Command::ViewSliceLast => self.slice_by(i64::MAX),
            Command::ViewTimeBy(by) => self.time_by(by.into()),
            Command::ViewChannelBy(by) => self.channel_by(by),
            Command::ViewAxis(axis) => self.slice_along(axis),
            Command::ViewThree => self.toggle_three(),
            Command::ViewPaneBy(by) => self.next_pane(by),
            Command::ViewGoTo(position) => self.go_to(&position),
            Command::CursorMove(direction) => self.move_cursor(direction, 1),
            Command::CursorLeap(direction) => self.move_cursor(direction, 10),
            Command::CursorPage(direction) => self.page_cursor(direction),
            Command::ToolBrush => self.take_tool(Tool::Brush),
            Command::ToolEraser => self.take_tool(Tool::Eraser),
            Command::ToolNavigate => self.take_tool(Tool::Navigate),
            Command::ToolContrast => self.take_tool(Tool::Contrast),
            Command::PaintDab => self.dab(),
            Command::PaintPen => self.toggle_pen(),
            Command::PaintLine => self.line(),
            Command::PaintRectangle => self.draw_band(BandUse::Paint),
            Command::PaintFill => self.fill(),
            Command::BrushBy(steps) => self.brush_by(steps),
            Command::BrushSize(diameter) => {
                self.set_brush(Brush { diameter: diameter.try_into().unwrap_or(u32::MAX) });
            }
            Command::LabelAdd => self.add_label(),
            Command::LabelSelect(number) => self.select_label(number),
            Command::LabelBy(by) => self.label_by(by),
            Command::LabelRename(name) => self.rename_label(&name),
            Command::LabelRecolor(color) => self.recolor_label(&color, false),
            Command::LabelRecolorProbability(color) => self.recolor_label(&color, true),
            Command::LabelRecolorNext => self.next_label_color(),
            Command::LabelDelete => self.delete_label(),
            Command::LabelMerge(into) => self.merge_label(into),
            Command::LabelClear => self.clear_label(),
            Command::LabelClearAll => self.clear_all_labels(),
            Command::LabelEdit => self.edit_label(),
            Command::LabelMove(by) => self.move_label(by),
            Command::LabelLock => self.toggle_label_lock(),
            Command::LabelImport(file) => self.ask_for_labels(&file),
            Command::LabelExport => self.ask_where_to_export_labels(),
            Command::LabelExplore => self.explore_labels(),
            Command::TrainingReport => self.show_training_report(),
            Command::TrainingClassifier => self.ask_for_classifier(),
            Command::TrainingImportance => self.show_importance(),
            Command::TrainingSuggest => self.suggest_features(),
            Command::BookmarkAdd(note) => self.add_bookmark(&note),
            Command::BookmarkList => self.show_bookmarks(),
            Command::LayerLabels => self.toggle_layers(LayerKind::Labels),
            Command::LayerPredictions => self.toggle_layers(LayerKind::Prediction(1)),
            Command::LayerSegmentation => self.toggle_layers(LayerKind::Segmentation(1)),
            Command::LayerUncertainty => self.toggle_layers(LayerKind::Uncertainty),
            Command::LayerMask => self.toggle_layers(LayerKind::Mask),
            Command::LayerRawTop => self.raw_to_top(),
            Command::LayerSelectBy(by) => self.select_layer_by(by),
            Command::LayerToggle => self.toggle_selected_layer(),
            Command::LayerSolo => self.solo_layer(),
            Command::LayerRaise => self.move_layer(-1),
            Command::LayerLower => self.move_layer(1),
            Command::LayerOpacityBy(percent) => self.change_opacity(percent),
            Command::LayerOpacity(percent) => self.set_opacity(percent),
            Command::LayerExport => self.export_layer(),
            Command::LayerReset => self.reset_layers(),
            Command::ChannelComposite => self.toggle_composite(),
            Command::ChannelSelectBy(by) => self.select_channel_by(by),
            Command::ChannelToggle => self.toggle_channel(),
            Command::ChannelRecolor(color) => self.recolor_channel(&color),
            Command::ChannelRecolorNext => self.next_channel_color(),
            Command::ChannelLink => self.link_channels(),
            Command::ContrastVisible => self.visible_contrast(),
            Command::ContrastAuto => self.auto_contrast(),
            Command::ContrastPercentile(cut) => self.percentile_contrast(cut),
            Command::ContrastFull => self.full_contrast(),
            Command::ContrastSet(range) => self.set_contrast(&range),
            Command::ContrastLevel(percent) => {
                self.shape_contrast(&self.display_ranges(), f64::from(percent) / 100.0, 1.0);
            }
            Command::ContrastWidth(percent) => {
                self.shape_contrast(
                    &self.display_ranges(),
                    0.0,
                    (1.0 + f64::from(percent) / 100.0).max(0.01),
                );
            }
            Command::FeatureMove(direction) => self.move_in_table(direction),
            Command::FeatureLook => self.toggle_looking(),
            Command::FeatureLookBy(by) => self.look_by(by),
            Command::FeatureExport => self.export_feature(),
            Command::FeatureChannels => self.channels_dialog(),
            Command::FeatureExtend(direction) => self.extend_fill(direction),
            Command::FeatureToggle => self.toggle_feature(),
            Command::FeatureToggleRow => self.toggle_feature_row(),
            Command::FeaturePresets => self.presets_dialog(),
            Command::FeatureRevert => self.revert_features(),
            Command::FeatureSelectAll => self.select_all_features(),
            Command::FeatureSelectNone => self.select_no_features(),
            Command::FeatureDimension => self.toggle_dimension(),
            Command::FeatureScaleAdd(sigma) => self.add_scale(sigma),
            Command::FeatureScaleSet(sigma) => self.set_scale(sigma),
            Command::FeatureScaleRemove => self.remove_scale(),
            Command::DataSelectBy(by) => self.select_data_row(by),
            Command::DataShow => {
                self.show_lane(self.screen.data_row);
                self.show_applet(3);
            }
            Command::ExportSettings => self.open_export_settings(),
            Command::ExportSelectBy(by) => self.select_export(by),
            Command::ExportLane => self.export_lanes(false),
            Command::ExportAll => self.export_lanes(true),
            Command::ExportDeleteAll => self.delete_exported(),
            Command::ExportShow => self.show_exported(),
            Command::ExportPicture(path) => self.save_picture(&path),
            Command::BatchAdd => self.open_batch_add(),
            Command::BatchRemove => self.remove_from_batch(),
            Command::BatchClear => self.clear_batch(),
            Command::BatchSelectBy(by) => self.select_batch(by),
            Command::BatchStart => self.start_batch(),
            Command::BatchOpen => self.open_batch_file(),
            Command::RunPause => self.pause_run(),
            Command::RunCancel => self.cancel_run(),
            Command::RunCancelFile => self.cancel_run_file(),
            Command::RunRetry => self.retry_run(),
            Command::RunCopyCommand => self.copy_command(),
            Command::MouseTool | Command::MouseErase | Command::MousePan | Command::MouseZoomBox => {
                self.inform("Use the mouse on the canvas for this");
            }
        }
    }
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or(String::new(), |first| first.to_lowercase().chain(characters).collect())
}
