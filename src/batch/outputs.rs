//! The files that a run writes: names, axes, sample types, and whether the format can hold them.

use std::path::{Path, PathBuf};

use super::blocks::Output;
use super::plan::{Input, Plan, PlannedInput, Request, canonical};
use super::problem::Problem;
use super::report::OutputReport;
use crate::data::{Axis, AxisOrder, Roi, Roi5};
use crate::io::template::{self, Names, TemplateError};
use crate::io::{self, ImageInfo, ImageSpec, ImageWriter};
use crate::pipeline::ExportSource;
use crate::project::Project;

/// A file to be written.
#[derive(Clone, Debug)]
pub struct PlannedOutput {
    /// What it holds.
    pub source: ExportSource,
    /// The files: one, or one for each slice of a sequence.
    pub paths: Vec<PathBuf>,
    /// Axes, shape and sample type.
    pub spec: ImageSpec,
    /// ilastik's name of the format.
    pub format: String,
    pub(super) channels: std::ops::Range<usize>,
    /// The name, for a sequence with its placeholder.
    pub(super) path: PathBuf,
}

impl PlannedOutput {
    /// What computing and writing it takes; nothing of a format that there is not.
    pub(super) fn demand(&self, request: &Request) -> Option<Output> {
        let format = io::output_format(&self.format).ok()?;
        Some(Output {
            source: self.source,
            channels: self.channels.len(),
            dtype: self.spec.dtype,
            is_renormalized: request.renormalization.is_some(),
            intake: io::intake(format, &self.spec),
        })
    }

    /// What the report says of it once it is written.
    pub(super) fn report(&self) -> OutputReport {
        OutputReport {
            source: self.source,
            paths: self.paths.clone(),
            axes: self.spec.axes.to_string(),
            shape: self.spec.axes.pick(&self.spec.shape),
            dtype: self.spec.dtype.name(),
        }
    }
}

/// Checks that files that exist hold nothing but what replaces them.
pub(super) fn check_replaced(output: &PlannedOutput) -> Result<(), io::Error> {
    io::check_replaced(io::output_format(&output.format)?, &output.path, &output.spec)
}

/// Starts writing.
pub(super) fn create(output: &PlannedOutput) -> Result<Box<dyn ImageWriter>, io::Error> {
    io::create(&output.format, &output.path, &output.spec)
}

/// What is wrong with the name and the format of the outputs, whatever the images are.
pub(super) fn check_names(project: &Project, request: &Request) -> Vec<Problem> {
    let format = request.format.as_deref().unwrap_or(&project.export.format);
    let name = request.template.as_deref().unwrap_or(&project.export.filename_format);
    let format = io::output_format(format);
    let path = template::outline(name);
    let mut problems = Vec::new();
    if let (Ok(format), Ok(path)) = (&format, &path) {
        let (template, has_index) = (name.to_owned(), template::has_slice_index(path));
        let name = format.name.to_owned();
        match (format.is_sequence(), has_index) {
            (true, false) => {
                problems.push(Problem::Template(TemplateError::NoSliceIndex { template, format: name }));
            }
            (false, true) => {
                problems.push(Problem::Template(TemplateError::SliceIndex { template, format: name }));
            }
            _ => {}
        }
    }
    problems.extend(format.err().map(Problem::Format));
    problems.extend(path.err().map(Problem::Template));
    problems
}

/// Plans one file for each source of `plan`; what can't be written becomes a problem of `planned`.
pub(super) fn plan_outputs(
    plan: &Plan,
    input: &Input,
    info: &ImageInfo,
    features: usize,
    planned: &mut PlannedInput,
) {
    let lane = planned.lane.and_then(|lane| plan.project.lanes.get(lane));
    let display_mode = lane.map(|lane| lane.raw.display_mode.as_str());
    for &source in &plan.request().sources {
        match plan_output(plan, input, (info, display_mode), source, features) {
            Ok((output, region, is_clipped)) => {
                planned.is_clipped |= is_clipped;
                planned.region = region;
                planned.outputs.push(output);
            }
            Err(problem) => planned.problems.push(problem),
        }
    }
}

/// Plans the file of one source, of an image and the way ilastik shows that; with the region to compute and whether
/// the cutout went beyond the image.
fn plan_output(
    plan: &Plan,
    input: &Input,
    (info, display_mode): (&ImageInfo, Option<&str>),
    source: ExportSource,
    features: usize,
) -> Result<(PlannedOutput, Roi<4>, bool), Problem> {
    let request = plan.request();
    let name = || input.raw.clone();
    let channels = source.channels(plan.project.classes.len(), features);
    let [t, z, y, x, _] = info.shape;
    let (roi, is_clipped) = match &request.subregion {
        Some(subregion) => subregion
            .resolve(info.shape, channels)
            .map_err(|source| Problem::Subregion { input: name(), source })?,
        None => (Roi5::whole([t, z, y, x, channels]), false),
    };
    let shape = roi.shape();
    let axes = match &request.output_axes {
        Some(axes) => axes.clone(),
        None => with_channels(&info.axes),
    };
    let cannot = |error: io::Error| Problem::Output { input: name(), source_name: source, error };
    let format = plan.format();
    let output_format = io::output_format(format).map_err(cannot)?;
    let axes = output_format.own_axes().unwrap_or(axes);
    if let Some(missing) =
        Axis::ALL.into_iter().find(|&axis| shape[axis as usize] > 1 && !axes.contains(axis))
    {
        return Err(Problem::OutputAxes {
            input: name(),
            source_name: source,
            axes: axes.to_string(),
            missing: missing.key(),
            size: shape[missing as usize],
        });
    }
    let export = &plan.project.export;
    let dataset_dir = dataset_dir(&input.raw);
    let nickname = match input.lane.and_then(|lane| plan.project.lanes.get(lane)) {
        Some(lane) => lane.raw.nickname.clone(),
        None => {
            io::stack_name(&input.raw).unwrap_or_else(|| plan.project.describe(&input.raw, info).nickname)
        }
    };
    let names = Names {
        dataset_dir: &dataset_dir,
        nickname: &nickname,
        result_type: source.name(),
        axes: &axes,
        roi,
    };
    let cannot_name = |error: TemplateError| Problem::Name { input: name(), source_name: source, error };
    let fill = |text: &str| template::fill(text, &names).map_err(cannot_name);
    let path = match &request.template {
        Some(template) => {
            let path = fill(template)?;
            request.folder.as_ref().map_or(path.clone(), |folder| folder.join(path))
        }
        None => {
            let path = fill(&export.filename_format)?;
            plan.project.folder().map_or(path.clone(), |folder| folder.join(path))
        }
    };
    let internal = plan.internal_path();
    let spec = ImageSpec {
        axes: axes.clone(),
        shape,
        dtype: request.dtype.unwrap_or(source.dtype()),
        pixel_size: info.pixel_size.clone(),
        internal_path: fill(internal)?.to_string_lossy().into_owned(),
        data_range: request.renormalization.map(|map| map.to).or(source.data_range()),
        display_mode: source.display_mode().or(display_mode).map(str::to_owned),
        categorical: matches!(source, ExportSource::SimpleSegmentation | ExportSource::Labels),
        origin: roi.start,
    };
    io::check(output_format, &spec).map_err(cannot)?;
    let path = template::with_extension(&path, output_format.extension);
    let paths = if output_format.is_sequence() {
        sequence_paths(&path, &spec, output_format.name).map_err(cannot_name)?
    } else {
        vec![output_format.place(&path, &spec)]
    };
    let region = Roi::new(
        [roi.start[0], roi.start[1], roi.start[2], roi.start[3]],
        [roi.stop[0], roi.stop[1], roi.stop[2], roi.stop[3]],
    );
    let channels = roi.start[4]..roi.stop[4];
    let output = PlannedOutput { source, paths, spec, format: format.to_owned(), channels, path };
    Ok((output, region, is_clipped))
}

/// `axes` with the channel axis last if it has none, as ilastik writes results.
fn with_channels(axes: &AxisOrder) -> AxisOrder {
    if axes.contains(Axis::C) {
        return axes.clone();
    }
    AxisOrder::new(axes.axes().iter().copied().chain([Axis::C])).unwrap_or_else(|_| AxisOrder::canonical())
}

/// The names of all slices of a sequence.
fn sequence_paths(path: &Path, spec: &ImageSpec, format: &str) -> Result<Vec<PathBuf>, TemplateError> {
    if !template::has_slice_index(path) {
        let template = path.to_string_lossy().into_owned();
        return Err(TemplateError::NoSliceIndex { template, format: format.to_owned() });
    }
    let axis = io::step_axis(spec).unwrap_or(Axis::Z);
    let first = spec.origin[axis as usize];
    let last = first + spec.shape[axis as usize] - 1;
    let digits = last.to_string().len();
    (first..=last).map(|index| template::slice_path(path, index, digits)).collect()
}

/// The folder of an image, or of the first file of a stack.
fn dataset_dir(location: &str) -> PathBuf {
    let first = location.split(':').find(|part| !part.is_empty()).unwrap_or(location);
    let whole = std::path::absolute(first).unwrap_or_else(|_| PathBuf::from(first));
    let file = whole.ancestors().find(|ancestor| ancestor.is_file()).unwrap_or(&whole);
    file.parent().unwrap_or(Path::new("/")).to_owned()
}

/// Whether a file can be made at `path`: its folder, or the nearest above it that exists, can be
/// written to.
pub(super) fn check_folder(path: &Path) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = canonical(folder);
    let Some(existing) = folder.ancestors().find(|ancestor| ancestor.exists()) else {
        return Err("it does not exist".into());
    };
    if !existing.is_dir() {
        return Err(format!("'{}' is a file", existing.display()));
    }
    rustix::fs::access(existing, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
        .map_err(|error| error.to_string())
}
