//! What is exported, how, and under which names; with the names that this gives.

use std::path::Path;

use crate::app::export::ExportChoices;
use crate::app::form::{Dialog, Field, Form, Row, Table, Verdict};
use crate::app::runs::RunKind;
use crate::app::screen::Applet;
use crate::app::state::App;
use crate::batch::{PlanSummary, Subregion, internal_axes, parse_range};
use crate::data::{AxisOrder, DType, Roi5};
use crate::io::template::{self, Names};
use crate::io::{self, OUTPUT_FORMATS};
use crate::pipeline::ExportSource;
use crate::project::ExportSettings;

/// Sample types on offer, after "as computed".
const DTYPES: [DType; 10] = [
    DType::U8,
    DType::U16,
    DType::U32,
    DType::U64,
    DType::I8,
    DType::I16,
    DType::I32,
    DType::I64,
    DType::F32,
    DType::F64,
];
/// Axes along which files are stacked, after "z".
const STACKS: [&str; 3] = ["z", "t", "c"];

const EXPLANATION: &str = "What is exported: Probabilities (a channel for each label), Simple Segmentation (the \
    number of the likeliest label, from 1), Uncertainty (1 - margin of the two likeliest), Features, Labels.\n\
    Names may hold {dataset_dir} {nickname} {result_type} {roi} {x_start} {x_stop} (also y, z, t, c), and \
    {slice_index} for sequences; {slice_index:05d} sets its digits. A relative name starts at the project. The \
    format gives the extension.\n\
    First a cutout is taken, then values are mapped from one range to the other and converted (rounded to whole \
    numbers when a range is given, cut off otherwise), then axes are put in order.\n\
    What does not fit together is told below before anything is written.";

struct Settings {
    kind: RunKind,
    /// What the preview was asked for last.
    asked: Option<(ExportSettings, ExportChoices)>,
}

impl Settings {
    /// What the form says; errors go to its fields.
    fn read(form: &mut Form) -> Option<(ExportSettings, ExportChoices)> {
        let sources = read_sources(form);
        let format = form.chosen_text("format").to_owned();
        let name = form.text("name").to_owned();
        let internal = form.text("internal").to_owned();
        check_names(form, &sources, &format, &name, &internal);
        let region = match form.text("cutout").to_owned() {
            text if text.is_empty() => None,
            text => form.checked("cutout", Subregion::parse(&text)),
        };
        let mut range = |key: &str| match form.text(key).to_owned() {
            text if text.is_empty() => None,
            text => form.checked(key, parse_range(&text)),
        };
        let (from, to) = (range("from"), range("to"));
        for (key, other) in [("from", "to"), ("to", "from")] {
            if form.text(key).is_empty() && !form.text(other).is_empty() {
                form.fail(key, "both ranges are needed, or none");
            }
        }
        let axes = read_axes(form, "axes");
        let input_axes = read_axes(form, "input_axes");
        let mask_axes = read_axes(form, "mask_axes");
        if mask_axes.is_some() && input_axes.is_none() {
            form.fail("mask_axes", "the axes of the images are needed too");
        }
        if form.first_error().is_some() {
            return None;
        }
        let text = |axes: Option<AxisOrder>| axes.map(|axes| axes.to_string());
        let choices = ExportChoices {
            sources,
            input_axes: text(input_axes),
            mask_axes: text(mask_axes),
            own_axes: form.is_on("own_axes"),
            stack_along: Some(STACKS[form.chosen("stack")].to_owned()).filter(|axis| axis != STACKS[0]),
        };
        let settings = ExportSettings {
            filename_format: name,
            format,
            internal_path: internal,
            region: region.map(|region| region.bounds().map(<[_]>::to_vec)),
            ranges: from.zip(to).map(Into::into),
            dtype: form.chosen("dtype").checked_sub(1).map(|at| DTYPES[at]),
            axes,
        };
        Some((settings, choices))
    }
}

fn read_sources(form: &mut Form) -> Vec<ExportSource> {
    let rows = form.table("sources").map_or(&[][..], |table| &table.rows);
    let marked = ExportSource::ALL.into_iter().zip(rows).filter(|(_, row)| row.marked);
    let sources: Vec<ExportSource> = marked.map(|(source, _)| source).collect();
    if sources.is_empty() {
        form.fail("sources", "mark what is to be exported");
    }
    sources
}

fn read_axes(form: &mut Form, key: &str) -> Option<AxisOrder> {
    let text = form.text(key).to_owned();
    if text.is_empty() { None } else { form.checked(key, text.parse::<AxisOrder>()) }
}

/// Checks names by filling them for an image that does not matter.
fn check_names(form: &mut Form, sources: &[ExportSource], format: &str, name: &str, internal: &str) {
    let axes = AxisOrder::canonical();
    let names = Names {
        dataset_dir: Path::new("/"),
        nickname: "image",
        result_type: "result",
        axes: &axes,
        roi: Roi5::whole([1; 5]),
    };
    let Some(output) = form.checked("format", io::output_format(format)) else { return };
    let filled = form.checked("name", template::fill(name, &names));
    if name.is_empty() {
        form.fail("name", "a name is needed");
    } else if let Some(path) = filled {
        if sources.len() > 1 && !name.contains("{result_type") {
            form.fail("name", "with several results the name must hold {result_type}");
        } else if output.is_sequence() && !template::has_slice_index(&path) {
            form.fail("name", "a sequence's name must hold {slice_index}");
        }
    }
    let datasets = output.has_datasets();
    form.enable("internal", if datasets { Ok(()) } else { Err("only HDF5 and N5 hold named datasets") });
    if datasets {
        form.checked("internal", template::fill(internal, &names));
        if internal.trim_matches('/').is_empty() {
            form.fail("internal", "a name is needed");
        }
    }
}

/// What would be written, line by line.
pub fn preview_lines(summary: &PlanSummary) -> Vec<String> {
    let mut lines: Vec<String> = summary.problems.iter().map(|problem| format!("! {problem}")).collect();
    for input in &summary.inputs {
        lines.extend(input.problems.iter().map(|problem| format!("! {problem}")));
        lines.extend(input.outputs.iter().map(|output| output_line(output, &input.existing)));
    }
    lines
}

/// A result: its file, what it holds, whether it exists.
pub fn output_line(output: &crate::batch::OutputReport, existing: &[std::path::PathBuf]) -> String {
    let first = output.paths.first().map(|path| path.display().to_string()).unwrap_or_default();
    let count = output.paths.len();
    let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
    let exists = if output.paths.iter().any(|path| existing.contains(path)) { ", exists" } else { "" };
    let shape: Vec<String> = output.shape.iter().map(usize::to_string).collect();
    format!("{first}{more}  ({} {} {}{exists})", output.axes, shape.join("x"), output.dtype)
}

impl Dialog for Settings {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        let Some(read) = Settings::read(form) else {
            return form
                .set_preview("preview", vec!["Names are shown once the settings can be read.".into()]);
        };
        if self.asked.as_ref() != Some(&read) {
            app.preview_export(self.kind, &read.0, &read.1);
            self.asked = Some(read);
        }
        let mut lines = app.export.preview.as_ref().map(preview_lines).unwrap_or_default();
        if app.export.is_previewing() {
            lines.insert(0, "looking …".into());
        }
        form.set_preview("preview", lines);
    }

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        let Some((settings, choices)) = Settings::read(form) else { return Verdict::Stay };
        app.set_export(settings, choices);
        Verdict::Close
    }

    fn act(&mut self, field: &'static str, form: &mut Form, _app: &mut App) -> Verdict {
        if field == "reset" {
            form.set_text("name", ExportSettings::default().filename_format);
            form.set_text("internal", ExportSettings::default().internal_path);
        }
        Verdict::Stay
    }
}

impl App {
    /// Opens the dialog of export settings.
    pub(in crate::app) fn open_export_settings(&mut self) {
        self.open_export_settings_for(&self.export.choices.sources.clone(), None);
    }

    /// The same with `exported` marked, and a cutout of one channel of the result if `channel` is given.
    pub(in crate::app) fn open_export_settings_for(
        &mut self,
        exported: &[ExportSource],
        channel: Option<usize>,
    ) {
        let kind = if self.screen.applet == Applet::Batch { RunKind::Batch } else { RunKind::Export };
        let (settings, choices) = (&self.project.export, &self.export.choices);
        let mut sources = Table { marks: true, ..Table::default() };
        let marked = |source: ExportSource| exported.contains(&source);
        sources.set_rows(
            ExportSource::ALL.into_iter().map(|s| Row::new([s.name()]).marked(marked(s))).collect(),
        );
        let known = OUTPUT_FORMATS.iter().map(|format| format.name);
        let at = OUTPUT_FORMATS.iter().position(|format| format.name.eq_ignore_ascii_case(&settings.format));
        let mut formats: Vec<String> = known.map(str::to_owned).collect();
        if at.is_none() {
            formats.push(settings.format.clone());
        }
        let dtypes = std::iter::once("as computed").chain(DTYPES.iter().map(|dtype| dtype.name()));
        let dtype = settings.dtype.and_then(|dtype| DTYPES.iter().position(|&d| d == dtype));
        let mut bounds = settings.region.clone();
        if let Some(channel) = channel {
            // Channels are the last of the axes.
            let axes = internal_axes(self.shape()).len();
            let mut whole = bounds.filter(|bounds| bounds.iter().all(|b| b.len() == axes));
            let [start, stop] = whole.get_or_insert_with(|| [vec![None; axes], vec![None; axes]]);
            (start[axes - 1], stop[axes - 1]) = (Some(channel), Some(channel + 1));
            bounds = whole;
        }
        let region = bounds
            .and_then(|[start, stop]| Subregion::from_bounds(start, stop))
            .map_or(String::new(), |region| region.to_string());
        let range = |i: usize| {
            settings.ranges.map_or(String::new(), |ranges| format!("({},{})", ranges[i].0, ranges[i].1))
        };
        let axes: String = internal_axes(self.shape()).iter().map(|axis| axis.key()).collect();
        let stack = choices.stack_along.as_ref().and_then(|axis| STACKS.iter().position(|s| s == axis));
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let mut fields = vec![
            Field::table("sources", "Export", sources).hint("Several are computed in one pass"),
            Field::choice("format", "Format", formats.clone(), at.unwrap_or(formats.len() - 1))
                .hint("A letter goes to the next name that begins with it"),
            Field::text("name", "Name", &settings.filename_format)
                .hint("{dataset_dir} {nickname} {result_type} {slice_index} {roi} {x_start} {x_stop}"),
            Field::text("internal", "Dataset", &settings.internal_path)
                .hint("Its name inside an HDF5 file or an N5"),
            Field::text("cutout", "Cutout", region)
                .hint(format!("Blank is all; start and stop of {axes}, such as [(0,0,0),(512,512,None)]")),
            Field::choice("dtype", "Type", dtypes, dtype.map_or(0, |at| at + 1)),
            Field::text("from", "Map from", range(0)).hint("Blank, or a range of values such as (0,1)"),
            Field::text("to", "Map to", range(1)).hint("Blank, or a range of values such as (0,255)"),
            Field::text("axes", "Axes", settings.axes.as_ref().map_or(String::new(), AxisOrder::to_string))
                .hint("Blank is the image's own order; else such as zyxc"),
            Field::text("input_axes", "Read as", text(&choices.input_axes))
                .hint("Axes of the files; blank is as the training images"),
            Field::text("mask_axes", "Masks as", text(&choices.mask_axes)).hint("Axes of the masks"),
            Field::toggle("own_axes", "Own axes", choices.own_axes)
                .hint("Take the files' own axes, not the training images'"),
            Field::choice("stack", "Stack along", STACKS, stack.unwrap_or(0))
                .hint("How the files of a stack follow each other"),
            Field::preview("preview", "Files that this gives"),
            Field::action("reset", "Reset the names"),
        ];
        for field in &mut fields {
            let of_files = matches!(field.key, "input_axes" | "mask_axes" | "own_axes" | "stack");
            field.hidden = of_files && kind == RunKind::Export;
        }
        let form = Form::new("Image Export Options", EXPLANATION, fields).wide(110);
        self.export.preview = None;
        self.open_form(form, Settings { kind, asked: None });
    }
}
