//! The table of commands. A row is all there is to a command besides its arm in `app`: keys, palette, help,
//! hints and documentation follow from it.

use std::fmt;

use super::argument::{self, ArgumentError, Direction, SliceAxis};

/// Where a binding holds. A panel's mode comes before the canvas' and that before the global one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// Everywhere.
    Global,
    /// In the Training applet.
    Canvas,
    /// With the contrast tool.
    Contrast,
    /// In the panel of labels.
    Labels,
    /// In the panel of layers.
    Layers,
    /// In the panel of channels.
    Channels,
    /// In the Features applet.
    Features,
    /// In the Features applet, with a feature on the canvas.
    FeatureList,
    /// In the Data applet.
    Data,
    /// In the Export applet.
    Export,
    /// In the Batch applet.
    Batch,
}

impl Mode {
    /// All modes with their names in keymaps.
    pub const ALL: [(Mode, &'static str); 11] = [
        (Mode::Global, "global"),
        (Mode::Canvas, "canvas"),
        (Mode::Contrast, "contrast"),
        (Mode::Labels, "labels"),
        (Mode::Layers, "layers"),
        (Mode::Channels, "channels"),
        (Mode::Features, "features"),
        (Mode::FeatureList, "feature_list"),
        (Mode::Data, "data"),
        (Mode::Export, "export"),
        (Mode::Batch, "batch"),
    ];

    /// Its name in keymaps.
    pub fn name(self) -> &'static str {
        Mode::ALL.iter().find(|(mode, _)| *mode == self).map_or("", |(_, name)| name)
    }

    /// The mode of a name.
    pub fn from_name(name: &str) -> Option<Mode> {
        Mode::ALL.iter().find(|(_, n)| *n == name).map(|&(mode, _)| mode)
    }

    /// The modes whose bindings hold in this mode, the strongest first.
    pub fn chain(self) -> &'static [Mode] {
        match self {
            Mode::Global => &[Mode::Global],
            Mode::Canvas => &[Mode::Canvas, Mode::Global],
            Mode::Contrast => &[Mode::Contrast, Mode::Canvas, Mode::Global],
            Mode::Labels => &[Mode::Labels, Mode::Canvas, Mode::Global],
            Mode::Layers => &[Mode::Layers, Mode::Canvas, Mode::Global],
            Mode::Channels => &[Mode::Channels, Mode::Canvas, Mode::Global],
            Mode::Features => &[Mode::Features, Mode::Global],
            Mode::FeatureList => &[Mode::FeatureList, Mode::Canvas, Mode::Global],
            Mode::Data => &[Mode::Data, Mode::Global],
            Mode::Export => &[Mode::Export, Mode::Global],
            Mode::Batch => &[Mode::Batch, Mode::Global],
        }
    }
}

/// One command, as listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// `area.verb`.
    pub name: &'static str,
    /// Where it is used.
    pub mode: Mode,
    /// What it does, in one line.
    pub doc: &'static str,
    /// Name of its argument.
    pub argument: Option<&'static str>,
    /// Whether the argument must be given.
    pub required: bool,
}

impl Row {
    /// The part before the dot, by which commands are grouped.
    pub fn area(&self) -> &'static str {
        self.name.split('.').next().unwrap_or(self.name)
    }

    /// The name followed by its argument in `<>`, or in `[]` when it may be left out.
    pub fn usage(&self) -> String {
        match self.argument {
            Some(argument) if self.required => format!("{} <{argument}>", self.name),
            Some(argument) => format!("{} [{argument}]", self.name),
            None => self.name.to_owned(),
        }
    }
}

/// Why a text is not a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// No command has that name.
    #[error("no command '{name}'; did you mean '{nearest}'?")]
    Unknown {
        /// The name as given.
        name: String,
        /// The most similar name there is.
        nearest: &'static str,
    },
    /// The argument is wrong.
    #[error("'{name}' {source}")]
    Argument {
        /// The command.
        name: &'static str,
        /// What is wrong with it.
        source: ArgumentError,
    },
}

macro_rules! build {
    ($variant:ident, $text:ident) => {
        if $text.is_empty() {
            Ok(Command::$variant)
        } else {
            Err(ArgumentError::Unexpected($text.to_owned()))
        }
    };
    ($variant:ident, $text:ident, $type:ty) => {
        argument::read::<$type>($text, None).map(Command::$variant)
    };
    ($variant:ident, $text:ident, $type:ty, $default:expr) => {
        argument::read::<$type>($text, Some($default)).map(Command::$variant)
    };
}

macro_rules! argument_name {
    () => {
        None
    };
    ($argument:ident) => {
        Some(stringify!($argument))
    };
}

macro_rules! required {
    ($argument:ident;) => {
        true
    };
    ($($argument:ident)?; $($default:expr)?) => {
        false
    };
}

macro_rules! commands {
    ($($variant:ident $(($argument:ident: $type:ty $(= $default:expr)?))?, $name:literal, $mode:ident, $doc:literal;)*) => {
        /// Everything that a key, the mouse or the palette can ask for.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Command {
            $(#[doc = $doc] $variant $(($type))?,)*
        }

        /// All commands, grouped by area.
        pub const TABLE: &[Row] = &[
            $(Row {
                name: $name,
                mode: Mode::$mode,
                doc: $doc,
                argument: argument_name!($($argument)?),
                required: required!($($argument)?; $($($default)?)?),
            },)*
        ];

        type Build = fn(&str) -> Result<Command, ArgumentError>;

        const BUILD: &[Build] = &[
            $(|text: &str| build!($variant, text $(, $type $(, $default)?)?),)*
        ];

        impl Command {
            /// Its name, `area.verb`.
            pub fn name(&self) -> &'static str {
                match self { $(Command::$variant { .. } => $name,)* }
            }

            fn argument(&self) -> Option<String> {
                $(if let Command::$variant { .. } = self {
                    return argument_text!(self, $variant $(, $type)?);
                })*
                None
            }
        }
    };
}

macro_rules! argument_text {
    ($command:ident, $variant:ident) => {
        None
    };
    ($command:ident, $variant:ident, $type:ty) => {
        match $command {
            Command::$variant(value) => Some(<$type as ToString>::to_string(value)),
            _ => None,
        }
    };
}

commands! {
    FileOpen(path: String), "file.open", Global, "Open a project or an image";
    FileRecent, "file.recent", Global, "Open a project or image that was open lately";
    FileSave, "file.save", Global, "Save the project";
    FileSaveAs(path: String), "file.save_as", Global, "Save the project under another name";
    FileSaveQuit, "file.save_quit", Global, "Save the project and quit";
    LaneAdd(path: String), "lane.add", Data, "Add an image to the project";
    LaneRemove, "lane.remove", Data, "Remove the selected images from the project, with their labels";
    LaneReplace(path: String), "lane.replace", Data, "Use another file for the selected image, with the labels it has";
    LaneMask(path: String), "lane.mask", Data, "Set the prediction mask of the selected image";
    LaneMaskRemove, "lane.mask_remove", Data, "Remove the prediction mask of the selected image";
    LaneProperties, "lane.properties", Data, "Edit name, axes, display and storage of the selected images";
    LaneBy(by: i32 = 1), "lane.by", Global, "Show the next image";
    LaneShow(number: usize), "lane.show", Global, "Show image number N";
    JobCancel, "job.cancel", Global, "Cancel the newest work in the background";
    AppQuit, "app.quit", Global, "Quit";
    AppSuspend, "app.suspend", Global, "Suspend to the shell";
    AppRedraw, "app.redraw", Global, "Draw the screen afresh";
    AppCancel, "app.cancel", Global, "Close, go back to the canvas, or put the pen up";
    AppletShow(number: usize), "applet.show", Global, "Go to applet N: Data, Features, Training, Export, Batch";
    PanelNext, "panel.next", Global, "Go to the next panel";
    PanelPrevious, "panel.previous", Global, "Go to the previous panel";
    PanelFoldLabels, "panel.fold_labels", Global, "Fold or unfold the panel of labels";
    PanelFoldLayers, "panel.fold_layers", Global, "Fold or unfold the panel of layers";
    PanelFullscreen, "panel.fullscreen", Global, "Give the canvas the whole screen, or take it back";
    HelpOpen, "help.open", Global, "Show all keys";
    PaletteOpen, "palette.open", Global, "Choose a command by name";
    MessagesOpen, "messages.open", Global, "Show the messages so far";
    EditUndo, "edit.undo", Global, "Undo the last edit of labels, classes, features or images";
    EditRedo, "edit.redo", Global, "Redo what was undone";
    LiveToggle, "live.toggle", Global, "Turn live update on or off";
    LiveUpdateOnce, "live.update_once", Global, "Train and predict once for the labels as they are";
    ViewZoomIn, "view.zoom_in", Canvas, "Zoom in around the cursor";
    ViewZoomOut, "view.zoom_out", Canvas, "Zoom out around the cursor";
    ViewFit, "view.fit", Canvas, "Zoom so that the whole slice fits";
    ViewActualSize, "view.actual_size", Canvas, "Zoom to 100 %";
    ViewZoomBox, "view.zoom_box", Canvas, "Zoom to a box: mark a corner at the cursor, then the other, or drag";
    ViewCenter, "view.center", Canvas, "Centre the slice at the cursor";
    ViewPan(direction: Direction), "view.pan", Canvas, "Pan by a quarter of the canvas";
    ViewSliceBy(by: i32 = 1), "view.slice_by", Canvas, "Move by N slices";
    ViewSliceFirst, "view.slice_first", Canvas, "Go to the first slice";
    ViewSliceLast, "view.slice_last", Canvas, "Go to the last slice";
    ViewTimeBy(by: i32 = 1), "view.time_by", Canvas, "Move by N time points";
    ViewChannelBy(by: i32 = 1), "view.channel_by", Canvas, "Show the next channel of the image";
    ViewAxis(axis: SliceAxis), "view.axis", Canvas, "Slice along x, y or z; once more: all three again";
    ViewThree, "view.three", Canvas, "Show slices along x, y and z together, or one alone";
    ViewPaneBy(by: i32 = 1), "view.pane_by", Canvas, "Go to the next of the three slices";
    ViewGoTo(position: String), "view.go_to", Canvas, "Go to the pixel x y, x y z or x y z t";
    CursorMove(direction: Direction), "cursor.move", Canvas, "Move the cursor by one image pixel";
    CursorLeap(direction: Direction), "cursor.leap", Canvas, "Move the cursor by ten image pixels";
    CursorPage(direction: Direction), "cursor.page", Canvas, "Move the cursor by a screen";
    ToolBrush, "tool.brush", Canvas, "Take the brush";
    ToolEraser, "tool.eraser", Canvas, "Take the eraser";
    ToolNavigate, "tool.navigate", Canvas, "Navigate: the mouse pans and nothing paints";
    ToolContrast, "tool.contrast", Canvas, "Window leveling: drag or arrows set level and width";
    PaintDab, "paint.dab", Canvas, "Paint one dab at the cursor";
    PaintPen, "paint.pen", Canvas, "Put the pen down or up: while down, moving the cursor paints";
    PaintLine, "paint.line", Canvas, "Paint a line from the last dab to the cursor";
    PaintRectangle, "paint.rectangle", Canvas, "Paint a rectangle: mark a corner at the cursor, then the other, or drag";
    PaintFill, "paint.fill", Canvas, "Fill the closed outline around the cursor";
    BrushBy(steps: i32 = 1), "brush.by", Canvas, "Next larger brush or eraser";
    BrushSize(diameter: usize), "brush.size", Canvas, "Set the diameter of the brush or eraser in pixels";
    LabelAdd, "label.add", Global, "Add a label";
    LabelSelect(number: usize), "label.select", Global, "Select label N and take the brush";
    LabelBy(by: i32 = 1), "label.by", Global, "Select the next label";
    LabelRename(name: String), "label.rename", Labels, "Rename the selected label";
    LabelRecolor(color: String), "label.recolor", Labels, "Set the colour of the selected label, as #rrggbb";
    LabelRecolorProbability(color: String), "label.recolor_probability", Labels, "Set the colour of the selected label's probabilities, as #rrggbb";
    LabelRecolorNext, "label.recolor_next", Labels, "Give the selected label the next default colour";
    LabelDelete, "label.delete", Labels, "Delete the selected label with its strokes";
    LabelMerge(into: usize), "label.merge", Labels, "Merge the selected label into label N";
    LabelClear, "label.clear", Labels, "Erase all strokes of the selected label";
    LabelClearAll, "label.clear_all", Labels, "Erase all strokes of all labels, in all images";
    LabelEdit, "label.edit", Labels, "Change the selected label: name, colours, lock, merge, clear, delete";
    LabelMove(by: i32 = 1), "label.move", Labels, "Move the selected label down the list by N places";
    LabelLock, "label.lock", Labels, "Lock the selected label's strokes against painting and erasing, or unlock them";
    LabelImport(file: String = String::new()), "label.import", Global, "Import labels from an image";
    LabelExport, "label.export", Global, "Export the labels of the image shown";
    LabelExplore, "label.explore", Global, "List all annotations: go to them, erase them";
    TrainingReport, "training.report", Global, "Show labels per class and image, and the out-of-bag error";
    TrainingClassifier, "training.classifier", Global, "Set the trees and the seed of the classifier";
    TrainingImportance, "training.importance", Global, "Show how much the classifier relies on each feature";
    TrainingSuggest, "training.suggest", Global, "Suggest features for the labels";
    BookmarkAdd(note: String), "bookmark.add", Global, "Bookmark the cursor's place with a note";
    BookmarkList, "bookmark.list", Global, "Show the bookmarks: go to them, remove them";
    LayerLabels, "layer.labels", Canvas, "Show or hide the labels";
    LayerPredictions, "layer.predictions", Canvas, "Show or hide the probabilities";
    LayerSegmentation, "layer.segmentation", Canvas, "Show or hide the segmentation";
    LayerUncertainty, "layer.uncertainty", Canvas, "Show or hide the uncertainty";
    LayerMask, "layer.mask", Canvas, "Show or hide the prediction mask";
    LayerRawTop, "layer.raw_top", Canvas, "Bring the raw image to the top or back to the bottom";
    LayerSelectBy(by: i32 = 1), "layer.select_by", Layers, "Select the next layer";
    LayerToggle, "layer.toggle", Layers, "Show or hide the selected layer";
    LayerSolo, "layer.solo", Layers, "Show the selected layer alone over the image, or all again";
    LayerRaise, "layer.raise", Layers, "Move the selected layer up";
    LayerLower, "layer.lower", Layers, "Move the selected layer down";
    LayerOpacityBy(percent: i32 = 1), "layer.opacity_by", Layers, "Change the opacity of the selected layer";
    LayerOpacity(percent: i32), "layer.opacity", Layers, "Set the opacity of the selected layer in percent";
    LayerExport, "layer.export", Layers, "Export what the selected layer shows";
    LayerReset, "layer.reset", Layers, "Give all layers their default order, visibility and opacity";
    ChannelComposite, "channel.composite", Canvas, "Show the channels together in colour, or the selected one alone";
    ChannelSelectBy(by: i32 = 1), "channel.select_by", Channels, "Select the next channel";
    ChannelToggle, "channel.toggle", Channels, "Turn the selected channel on or off";
    ChannelRecolor(color: String), "channel.recolor", Channels, "Set the colour of the selected channel, as #rrggbb";
    ChannelRecolorNext, "channel.recolor_next", Channels, "Give the selected channel the next default colour";
    ChannelLink, "channel.link", Channels, "Set the contrast of all channels together, or of the selected one alone";
    ContrastVisible, "contrast.visible", Canvas, "Contrast from the lowest and highest value on screen";
    ContrastAuto, "contrast.auto", Canvas, "Contrast from the lowest and highest value of the slice";
    ContrastPercentile(cut: f64 = 0.1), "contrast.percentile", Canvas, "Contrast that cuts N percent at both ends";
    ContrastFull, "contrast.full", Canvas, "Contrast over all values the type can hold";
    ContrastSet(range: String), "contrast.set", Canvas, "Set the contrast to the values LOW HIGH";
    ContrastLevel(percent: i32 = 5), "contrast.level", Contrast, "Move the contrast window by N percent of its width";
    ContrastWidth(percent: i32 = 10), "contrast.width", Contrast, "Widen the contrast window by N percent";
    FeatureMove(direction: Direction), "feature.move", Features, "Move between the cells of the feature table";
    FeatureLook, "feature.look", Features, "Look at the selected features on the canvas, or go back to their table";
    FeatureLookBy(by: i32 = 1), "feature.look_by", FeatureList, "Look at the next entry of the list: the image, then each feature";
    FeatureExport, "feature.export", FeatureList, "Export the feature looked at";
    FeatureChannels, "feature.channels", Features, "Choose the channels of the images that are learned from";
    FeatureExtend(direction: Direction), "feature.extend", Features, "Give the next cell of the feature table the state of this one, and so on";
    FeatureToggle, "feature.toggle", Features, "Select or deselect the feature, group or scale";
    FeatureToggleRow, "feature.toggle_row", Features, "Select or deselect the feature or group at all scales";
    FeaturePresets, "feature.presets", Features, "Take a ready selection of features";
    FeatureRevert, "feature.revert", Features, "Put back the features as they were when this applet was opened";
    FeatureSelectAll, "feature.select_all", Features, "Select all features that fit the images";
    FeatureSelectNone, "feature.select_none", Features, "Deselect all features";
    FeatureDimension, "feature.dimension", Features, "Compute the scale in 2D or in 3D";
    FeatureScaleAdd(sigma: f64), "feature.scale_add", Features, "Add a scale";
    FeatureScaleSet(sigma: f64), "feature.scale_set", Features, "Change the scale of this column";
    FeatureScaleRemove, "feature.scale_remove", Features, "Remove the scale of this column";
    DataSelectBy(by: i32 = 1), "data.select_by", Data, "Select the next image of the list";
    DataMark, "data.mark", Data, "Mark the image, to edit or remove several at once";
    DataShow, "data.show", Data, "Show the selected image on the canvas";
    ExportSettings, "export.settings", Export, "Choose what is exported, how, and under which names";
    ExportSelectBy(by: i32 = 1), "export.select_by", Export, "Select the next image to export";
    ExportLane, "export.lane", Export, "Export the selected image";
    ExportAll, "export.all", Export, "Export all images of the project";
    ExportDeleteAll, "export.delete_all", Export, "Delete all files that were exported";
    ExportShow, "export.show", Export, "Show on the canvas what would be exported of the selected image";
    ExportPicture(path: String), "export.picture", Global, "Write the canvas with its overlays as a PNG file, or one of each slice: view_{slice_index}";
    BatchAdd, "batch.add", Batch, "Add files, folders or patterns to the batch, with their masks";
    BatchRemove, "batch.remove", Batch, "Take the selected file off the batch";
    BatchClear, "batch.clear", Batch, "Take all files off the batch";
    BatchSelectBy(by: i32 = 1), "batch.select_by", Batch, "Select the next file of the batch";
    BatchStart, "batch.start", Batch, "Compute the files of the batch";
    BatchOpen, "batch.open", Batch, "Open the selected file on the canvas with its result";
    RunPause, "run.pause", Global, "Pause the export or batch, or let it go on";
    RunCancel, "run.cancel", Global, "Stop the export or batch; what is written stays";
    RunCancelFile, "run.cancel_file", Global, "Leave the selected file out of the export or batch";
    RunRetry, "run.retry", Global, "Compute the files again that failed or were cancelled";
    RunCopyCommand, "run.copy_command", Global, "Copy the command line that does the same";
    MouseTool, "mouse.tool", Canvas, "Use the tool: paint, erase, pan or set the contrast";
    MouseErase, "mouse.erase", Canvas, "Erase, or set the contrast from what is on screen with the contrast tool";
    MouseZoomBox, "mouse.zoom_box", Canvas, "Zoom to the box dragged over";
    MousePan, "mouse.pan", Canvas, "Drag the slice";
}

impl Command {
    /// Reads `area.verb [argument]`.
    ///
    /// # Errors
    /// An unknown name (the nearest is named) or a wrong argument.
    pub fn parse(text: &str) -> Result<Command, ParseError> {
        let text = text.trim();
        let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let Some(index) = TABLE.iter().position(|row| row.name == name) else {
            return Err(ParseError::Unknown { name: name.to_owned(), nearest: nearest(name) });
        };
        BUILD[index](rest.trim()).map_err(|source| ParseError::Argument { name: TABLE[index].name, source })
    }

    /// Its row in the table.
    pub fn row(&self) -> &'static Row {
        row_named(self.name())
    }
}

/// The row of a name in the table; the first row for a name that is not in it.
fn row_named(name: &str) -> &'static Row {
    TABLE.iter().find(|row| row.name == name).unwrap_or(&TABLE[0])
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        self.argument().map_or(Ok(()), |argument| write!(f, " {argument}"))
    }
}

/// The command name most similar to `name`.
pub fn nearest(name: &str) -> &'static str {
    nearest_of(name, TABLE.iter().map(|row| row.name)).unwrap_or("")
}

/// The candidate with the smallest edit distance to `name`.
pub(crate) fn nearest_of<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates.min_by_key(|candidate| edit_distance(name, candidate))
}

/// Levenshtein distance.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_grouped() {
        let mut names: Vec<_> = TABLE.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
        for row in TABLE {
            assert!(row.name.contains('.') && !row.doc.is_empty() && !row.doc.ends_with('.'), "{}", row.name);
        }
    }

    #[test]
    fn every_command_is_read_and_printed() {
        for row in TABLE {
            let arguments = ["", "2", "left", "x", "word"];
            let command = arguments
                .iter()
                .find_map(|argument| Command::parse(&format!("{} {argument}", row.name)).ok())
                .ok_or(row.name)
                .expect("takes one of the arguments");
            assert_eq!(Command::parse(&command.to_string()), Ok(command.clone()), "{command}");
            assert_eq!(command.row().name, row.name);
            assert_eq!(Command::parse(row.name).is_err(), row.required, "{}", row.name);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let message = |text: &str| Command::parse(text).expect_err("a mistake").to_string();
        assert_eq!(message("edit.undu"), "no command 'edit.undu'; did you mean 'edit.undo'?");
        assert_eq!(message("label.select"), "'label.select' needs a number from 1");
        assert_eq!(message("label.select 0"), "'label.select' '0' is not a number from 1");
        assert_eq!(message("edit.undo 3"), "'edit.undo' takes nothing, found '3'");
    }
}
