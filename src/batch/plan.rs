//! From a request to a plan: everything that can be checked before work begins is checked here.
//!
//! What is wrong with the options or the project stops the run ([`PlanError`]); what is wrong with one
//! image is kept with it, so that the others are still predicted. Nothing is written.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::blocks::Demand;
use super::convert::Renormalization;
use super::importance_file;
use super::options::Subregion;
use super::outputs::{self, PlannedOutput};
use super::problem::{PlanError, Problem, size_in_words};
use crate::classify::Forest;
use crate::data::{Axis, AxisOrder, CancelToken, DType, Roi};
use crate::features::FeatureBank;
use crate::io::{self, ImageInfo, ImageReader, OpenOptions, sharing_pixel_sizes};
use crate::pipeline::{ExportSource, TrainingLane};
use crate::project::{LaneError, Project};

/// An image to be predicted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// The image: a file, `file.h5/inner/path`, or a pattern for a stack.
    pub raw: String,
    /// Its prediction mask.
    pub mask: Option<String>,
    /// The project's image that it is, from 0, to be taken as it is there: with its name, its axes, its
    /// mask. Files are looked up among the project's images by themselves.
    pub lane: Option<usize>,
}

/// An image of the project that is open already, so that it is read as it was seen.
#[derive(Clone)]
pub struct OpenLane {
    /// The image.
    pub raw: Arc<dyn ImageReader>,
    /// Its prediction mask.
    pub mask: Option<Arc<dyn ImageReader>>,
}

/// What the user asks for. `None` is the project's own setting, or ilastik's default.
#[derive(Clone, Debug)]
pub struct Request {
    /// The images.
    pub inputs: Vec<Input>,
    /// What to export; all in one pass.
    pub sources: Vec<ExportSource>,
    /// ilastik's name of the output format.
    pub format: Option<String>,
    /// Output name with placeholders; relative names start from `folder`.
    pub template: Option<String>,
    /// Where relative names in `template` start from; the current folder when not given.
    pub folder: Option<PathBuf>,
    /// Dataset name inside HDF5 outputs.
    pub internal_path: Option<String>,
    /// Axes of the output files.
    pub output_axes: Option<AxisOrder>,
    /// Axes of the images.
    pub input_axes: Option<AxisOrder>,
    /// Axes of the masks.
    pub mask_axes: Option<AxisOrder>,
    /// Takes the images' axes from their files, not from the training images.
    pub ignore_training_axes: bool,
    /// Axis along which the files of a stack follow each other.
    pub stack_along: Option<Axis>,
    /// What to compute of each image.
    pub subregion: Option<Subregion>,
    /// Map of values before conversion.
    pub renormalization: Option<Renormalization>,
    /// Sample type of the outputs.
    pub dtype: Option<DType>,
    /// Trains from the project's labels although it has a classifier.
    pub retrain: bool,
    /// Trees to train; the project's number when not given.
    pub tree_count: Option<u32>,
    /// Share of the labelled pixels (0 to 1) that is trained on; all when not given.
    pub label_share: Option<f64>,
    /// Folder for a table of variable importance, written when a classifier is trained.
    pub importance_folder: Option<PathBuf>,
    /// Replaces outputs that exist.
    pub overwrite: bool,
    /// Bytes for blocks and decoded images.
    pub memory: u64,
}

impl Default for Request {
    fn default() -> Self {
        Request {
            inputs: Vec::new(),
            sources: vec![ExportSource::Probabilities],
            format: None,
            template: None,
            folder: None,
            internal_path: None,
            output_axes: None,
            input_axes: None,
            mask_axes: None,
            ignore_training_axes: false,
            stack_along: None,
            subregion: None,
            renormalization: None,
            dtype: None,
            retrain: false,
            tree_count: None,
            label_share: None,
            importance_folder: None,
            overwrite: false,
            memory: 1 << 30,
        }
    }
}

/// A request that was checked.
pub struct Plan {
    /// The project.
    pub project: Project,
    /// The classifier; `None` when it has to be trained, or is not needed.
    pub(super) forest: Option<Arc<Forest>>,
    /// The images to train on, when a classifier has to be trained.
    pub(super) training: Vec<TrainingLane>,
    /// The images.
    pub inputs: Vec<PlannedInput>,
    /// What the user should know although it is no problem.
    pub notes: Vec<String>,
    request: Request,
    /// The project's images, where they are open.
    lanes: Vec<OpenLane>,
}

/// Where an image to be read is.
#[derive(Clone)]
pub(super) enum Origin {
    /// A file, to be opened when its turn comes.
    File(String, OpenOptions),
    /// Open already.
    Open(Arc<dyn ImageReader>),
}

impl Origin {
    pub(super) fn open(&self) -> Result<Arc<dyn ImageReader>, io::Error> {
        match self {
            Origin::File(location, options) => io::open(location, options),
            Origin::Open(reader) => Ok(Arc::clone(reader)),
        }
    }
}

/// An image of a plan.
pub struct PlannedInput {
    /// The image as the user named it.
    pub name: String,
    /// What stands in its way; it is left out when there is anything.
    pub problems: Vec<Problem>,
    /// The files to be written.
    pub outputs: Vec<PlannedOutput>,
    pub(super) raw: Origin,
    pub(super) mask: Option<Origin>,
    /// Time points and region to compute, `tzyx`.
    pub(super) region: Roi<4>,
    /// Whether the cutout went beyond the image.
    pub(super) is_clipped: bool,
    /// The project's lane that this image is.
    pub(super) lane: Option<usize>,
    /// Its name in the project, where that is not the one its file gives.
    pub(super) nickname: Option<String>,
    /// Its axes in the project, where a file would not be read with them by itself.
    pub(super) own_axes: Option<AxisOrder>,
}

impl PlannedInput {
    /// Whether it can be computed, maybe over files that exist.
    pub(super) fn is_possible(&self) -> bool {
        self.problems.iter().all(|problem| matches!(problem, Problem::Exists { .. }))
    }
}

impl Plan {
    /// Checks `request` against `project` and the files it names.
    ///
    /// # Errors
    /// Everything that is wrong with the options, or with the project.
    pub fn check(project: Project, request: Request) -> Result<Plan, PlanError> {
        Plan::check_with(project, Vec::new(), request, &CancelToken::new(), &mut |_| {})
    }

    /// The same for a project whose images are open: `lanes` are its first ones, which are trained on
    /// instead of their files. Tells `checked` how many images have been looked at.
    ///
    /// # Errors
    /// As [`Plan::check`], and cancelled.
    pub fn check_with(
        project: Project,
        lanes: Vec<OpenLane>,
        request: Request,
        cancel: &CancelToken,
        checked: &mut dyn FnMut(usize),
    ) -> Result<Plan, PlanError> {
        let mut usage = Vec::new();
        if request.inputs.is_empty() {
            usage.push(Problem::NoInputs);
        }
        let template = request.template.as_deref().unwrap_or(&project.export.filename_format);
        if request.sources.len() > 1 && !template.contains("{result_type") {
            let sources = request.sources.len();
            usage.push(Problem::NoResultType { template: template.to_owned(), sources });
        }
        usage.extend(outputs::check_names(&project, &request));
        let mut plan = Plan {
            forest: None,
            training: Vec::new(),
            inputs: Vec::new(),
            notes: project.warnings.iter().map(ToString::to_string).collect(),
            project,
            request,
            lanes,
        };
        let unusable = plan.check_classifier().err().unwrap_or_default();
        let is_usable = usage.is_empty() && unusable.is_empty();
        let mut inputs = Vec::with_capacity(plan.request.inputs.len());
        for (i, input) in plan.request.inputs.iter().enumerate() {
            cancel.check()?;
            inputs.push(Checker { plan: &plan, is_usable, notes: Vec::new() }.check(input));
            checked(i + 1);
        }
        for (input, notes) in inputs {
            plan.notes.extend(notes);
            plan.inputs.push(input);
        }
        plan.note_clipped();
        if is_usable {
            plan.check_outputs();
            return Ok(plan);
        }
        // Everything at once, so that nobody mends one thing to learn of the next.
        let refused = if usage.is_empty() { PlanError::Project } else { PlanError::Usage };
        let images = plan.inputs.into_iter().flat_map(|input| input.problems);
        Err(refused(usage.into_iter().chain(unusable).chain(images).collect()))
    }

    /// A plan to do nothing but train from the labels of `project`, as `request` says.
    ///
    /// # Errors
    /// No features, labels of fewer than two classes, or images that can't be read.
    pub fn of_training(project: Project, request: Request) -> Result<Plan, PlanError> {
        // Nothing is exported, but of a plan only what needs a classifier has one trained: these always do.
        let request = Request { retrain: true, sources: vec![ExportSource::Probabilities], ..request };
        let (notes, lanes) = (Vec::new(), Vec::new());
        let mut plan =
            Plan { project, forest: None, training: Vec::new(), inputs: Vec::new(), notes, request, lanes };
        plan.check_classifier().map_err(PlanError::Project)?;
        Ok(plan)
    }

    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    /// The output name with its placeholders.
    pub(super) fn template(&self) -> &str {
        self.request.template.as_deref().unwrap_or(&self.project.export.filename_format)
    }

    /// ilastik's name of the output format.
    pub(super) fn format(&self) -> &str {
        self.request.format.as_deref().unwrap_or(&self.project.export.format)
    }

    /// Dataset name inside HDF5 outputs, with its placeholders.
    pub(super) fn internal_path(&self) -> &str {
        self.request.internal_path.as_deref().unwrap_or(&self.project.export.internal_path)
    }

    fn note_clipped(&mut self) {
        let mut clipped = self.inputs.iter().filter(|input| input.is_clipped && input.is_possible());
        let Some(first) = clipped.next() else { return };
        let more = match clipped.count() {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        self.notes
            .push(format!("The cutout goes beyond '{}'{more}: it ends where the image does.", first.name));
    }

    /// Lets files that exist be replaced: they are no problem any more.
    pub fn allow_overwrite(&mut self) {
        self.request.overwrite = true;
        for input in &mut self.inputs {
            input.problems.retain(|problem| !matches!(problem, Problem::Exists { .. }));
        }
    }

    /// Whether any source needs features.
    pub(super) fn needs_features(&self) -> bool {
        self.request.sources.iter().any(|&source| source != ExportSource::Labels)
    }

    /// Whether any source needs a classifier.
    pub(super) fn needs_forest(&self) -> bool {
        self.request.sources.iter().any(|source| source.needs_forest())
    }

    fn check_classifier(&mut self) -> Result<(), Vec<Problem>> {
        if !self.needs_features() {
            return Ok(());
        }
        let selection = self.project.selection.as_ref().filter(|selection| selection.count() > 0);
        if selection.is_none() {
            return Err(vec![Problem::NoFeatures]);
        }
        if !self.needs_forest() {
            return Ok(());
        }
        if let (Some(forest), false) = (&self.project.forest, self.request.retrain) {
            self.forest = Some(Arc::clone(forest));
            if self.request.importance_folder.is_some() {
                self.notes.push(
                    "The stored classifier is used, so variable importance is not measured; --retrain trains one."
                        .into(),
                );
            }
            return Ok(());
        }
        if let Some(folder) = &self.request.importance_folder {
            let path = importance_file::path(folder);
            outputs::check_folder(&path)
                .map_err(|reason| vec![Problem::ImportanceFolder { path: folder.clone(), reason }])?;
        }
        let mut counts = [0u64; 256];
        for lane in &self.project.lanes {
            counts.iter_mut().zip(lane.labels.counts()).for_each(|(sum, count)| *sum += count);
        }
        if counts.iter().filter(|&&count| count > 0).count() < 2 {
            return Err(vec![Problem::NoClassifier]);
        }
        if !self.request.retrain {
            self.notes.push(
                "The project has no classifier: it is trained from the labels for this run; the project is not changed."
                    .into(),
            );
        }
        let mut problems = Vec::new();
        for index in 0..self.project.lanes.len() {
            if self.project.lanes[index].labels.is_empty() {
                continue;
            }
            match self.open_lane(index) {
                Ok(lane) => self.training.push(lane),
                Err(reason) => problems.push(Problem::TrainingImage {
                    name: self.project.lanes[index].raw.nickname.clone(),
                    reason: reason.trim_end_matches('.').to_owned(),
                }),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn open_lane(&mut self, index: usize) -> Result<TrainingLane, String> {
        if let Some(open) = self.lanes.get(index) {
            let (reader, labels) = (Arc::clone(&open.raw), self.project.lanes[index].labels.clone());
            return Ok(TrainingLane { index, reader, labels });
        }
        let options = OpenOptions {
            axes: None,
            memory: Some(self.request.memory),
            stack_along: self.request.stack_along,
        };
        let reader = open_image(&mut self.project, index, &options)?;
        Ok(TrainingLane { index, reader, labels: self.project.lanes[index].labels.clone() })
    }

    /// Names that two results share, files that exist, files that are being read, folders that can't be
    /// written to.
    fn check_outputs(&mut self) {
        let mut readers: Vec<PathBuf> = self.project.path.iter().map(|path| canonical(path)).collect();
        for input in &self.request.inputs {
            readers.extend(
                [Some(&input.raw), input.mask.as_ref()].into_iter().flatten().map(|path| file_of(path)),
            );
        }
        if !self.lanes.is_empty() {
            let lanes = self.project.lanes.iter();
            let infos = lanes.flat_map(|lane| [Some(&lane.raw), lane.mask.as_ref()]).flatten();
            readers
                .extend(infos.filter_map(|info| self.project.locate(info).ok()).map(|path| file_of(&path)));
        }
        let mut taken: HashMap<PathBuf, String> = HashMap::new();
        for input in &mut self.inputs {
            let outputs = input.outputs.iter();
            for (output, path) in
                outputs.flat_map(|output| output.paths.iter().map(move |path| (output, path)))
            {
                let path = path.clone();
                let real = canonical(&path);
                if readers.contains(&real) {
                    input.problems.push(Problem::OutputIsInput { path });
                } else if let Some(other) = taken.insert(real, input.name.clone()) {
                    input.problems.push(Problem::SameOutput { path, input: input.name.clone(), other });
                } else if path.exists() && !self.request.overwrite {
                    input.problems.push(Problem::Exists { path });
                } else if let Err(error) = outputs::check_replaced(output) {
                    let (name, source_name) = (input.name.clone(), output.source);
                    input.problems.push(Problem::Output { input: name, source_name, error });
                } else if let Err(reason) = outputs::check_folder(&path) {
                    let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
                    input.problems.push(Problem::Folder { path: folder, reason });
                }
            }
        }
    }
}

/// Opens the image of a lane with the axes that the project says, and lets the lane take note of it.
pub(super) fn open_image(
    project: &mut Project,
    lane: usize,
    options: &OpenOptions,
) -> Result<Arc<dyn ImageReader>, String> {
    let raw = &project.lanes[lane].raw;
    let location = project.locate(raw).map_err(|error| error.to_string())?;
    let axes = (!raw.axes.is_empty()).then(|| raw.axes.clone());
    let options = OpenOptions { axes, ..options.clone() };
    let reader = io::open(&location, &options).map_err(|error| error.to_string())?;
    project.fit_lane(lane, reader.info()).map_err(|error| error.to_string())?;
    Ok(reader)
}

/// Checks one image.
struct Checker<'a> {
    plan: &'a Plan,
    /// Whether the options and the project are sound, so that outputs can be planned.
    is_usable: bool,
    notes: Vec<String>,
}

impl Checker<'_> {
    fn check(mut self, input: &Input) -> (PlannedInput, Vec<String>) {
        let mut planned = PlannedInput {
            name: input.raw.clone(),
            problems: Vec::new(),
            outputs: Vec::new(),
            raw: Origin::File(input.raw.clone(), OpenOptions::default()),
            mask: None,
            region: Roi::new([0; 4], [0; 4]),
            is_clipped: false,
            lane: input.lane.or_else(|| self.lane_of(&input.raw)),
            nickname: None,
            own_axes: None,
        };
        if let Some(open) = input.lane.and_then(|lane| self.plan.lanes.get(lane)) {
            planned.raw = Origin::Open(Arc::clone(&open.raw));
            planned.mask = open.mask.clone().map(Origin::Open);
            self.note_what_is_its_own(input, open.raw.info(), &mut planned);
            self.check_open(input, Arc::clone(&open.raw), open.mask.clone(), &mut planned);
            return (planned, self.notes);
        }
        match self.open_raw(input) {
            Ok((reader, options)) => {
                planned.raw = Origin::File(input.raw.clone(), options);
                self.check_open(input, reader, None, &mut planned);
            }
            Err(error) => planned.problems.push(Problem::Open(error)),
        }
        (planned, self.notes)
    }

    /// Notes how the project's image differs from what its file would be taken for.
    fn note_what_is_its_own(&self, input: &Input, info: &ImageInfo, planned: &mut PlannedInput) {
        let project = &self.plan.project;
        let Some(lane) = planned.lane.and_then(|lane| project.lanes.get(lane)) else { return };
        let of_file = project.describe(&input.raw, info).nickname.replace('*', "");
        planned.nickname = (of_file != lane.raw.nickname).then(|| lane.raw.nickname.clone());
        let usual = project.lanes.last().map(|last| &last.raw.axes);
        planned.own_axes = (usual != Some(&lane.raw.axes)).then(|| lane.raw.axes.clone());
    }

    /// Opens the image with the axes it is to be read with: those asked for, or those of the last
    /// training image if it has as many, or its own.
    fn open_raw(&mut self, input: &Input) -> Result<(Arc<dyn ImageReader>, OpenOptions), io::Error> {
        let request = &self.plan.request;
        let mut options = OpenOptions {
            axes: request.input_axes.clone(),
            memory: Some(request.memory),
            stack_along: request.stack_along,
        };
        let reader = io::open(&input.raw, &options)?;
        // An image of the project is read as there, others as the last of them.
        let lanes = &self.plan.project.lanes;
        let lane = self.lane_of(&input.raw).and_then(|lane| lanes.get(lane)).or(lanes.last());
        let training = lane.map(|lane| lane.raw.axes.clone());
        let training = training.as_ref();
        let own = &reader.info().axes;
        match training {
            Some(training)
                if options.axes.is_none()
                    && !request.ignore_training_axes
                    && training.len() == own.len()
                    && training != own =>
            {
                self.notes.push(format!(
                    "'{}' is read as {training} like the training images (the file says {own}; --ignore-training-axistags takes that).",
                    input.raw
                ));
                options.axes = Some(training.clone());
                Ok((io::open(&input.raw, &options)?, options))
            }
            _ => Ok((reader, options)),
        }
    }

    /// Checks the open image `raw` and its `mask`, which is opened where it is not open.
    fn check_open(
        &mut self,
        input: &Input,
        mut raw: Arc<dyn ImageReader>,
        mut mask: Option<Arc<dyn ImageReader>>,
        planned: &mut PlannedInput,
    ) {
        let plan = self.plan;
        let info = &raw.info().clone();
        let [t, z, y, x, channels] = info.shape;
        planned.region = Roi::whole([t, z, y, x]);
        let mut bank = None;
        if plan.needs_features() {
            if let Err(error) = self.check_kind(&input.raw, info) {
                planned.problems.push(Problem::Lane(error));
                return;
            }
            if let Some(selection) = &plan.project.selection {
                let unfit = selection.invalid_scales([z, y, x]);
                planned.problems.extend(unfit.into_iter().map(|source| Problem::Scale {
                    input: input.raw.clone(),
                    shape: size_in_words(info.shape),
                    source,
                }));
                bank = FeatureBank::new(selection, [z, y, x], channels).ok();
                if bank.is_none() {
                    return;
                }
            }
        }
        let features = bank.as_ref().map_or(0, FeatureBank::channel_count);
        if let Some(forest) = &plan.forest
            && forest.feature_count != features
        {
            planned.problems.push(Problem::FeatureCount {
                classifier: forest.feature_count,
                selection: features,
                input: input.raw.clone(),
            });
        }
        if let (Some(location), None) = (&input.mask, &planned.mask) {
            match self.check_mask(location, input, info) {
                Ok((reader, options)) => {
                    planned.mask = Some(Origin::File(location.clone(), options));
                    let (image, reader) = sharing_pixel_sizes(raw, reader);
                    (raw, mask) = (image, Some(reader));
                }
                Err(problem) => planned.problems.push(problem),
            }
        }
        if plan.request.sources.contains(&ExportSource::Labels) && planned.lane.is_none() {
            planned.problems.push(Problem::NotALane { input: input.raw.clone() });
        }
        if self.is_usable {
            outputs::plan_outputs(plan, input, raw.info(), features, planned);
        }
        if planned.problems.is_empty() && !planned.outputs.is_empty() {
            let demand = Demand {
                raw: &*raw,
                mask: mask.as_deref(),
                bank: bank.as_ref(),
                classes: if plan.needs_forest() { plan.project.classes.len() } else { 0 },
                region: planned.region,
                outputs: planned.outputs.iter().filter_map(|output| output.demand(&plan.request)).collect(),
            };
            if let Err(short) = demand.check(plan.request.memory) {
                planned.problems.push(Problem::Memory { input: input.raw.clone(), short });
            }
        }
    }

    /// Channels and depth have to be those of the training images; the number of time points is free.
    fn check_kind(&self, name: &str, info: &ImageInfo) -> Result<(), LaneError> {
        let lanes = self.plan.project.lanes.iter();
        let Some(expected) = lanes.filter_map(|lane| lane.raw.canonical_shape()).next() else {
            return Ok(());
        };
        let name = name.to_owned();
        if info.shape[4] != expected[4] {
            return Err(LaneError::Channels { name, expected: expected[4], found: info.shape[4] });
        }
        let kind = |z: usize| if z > 1 { "3D" } else { "2D" }.to_owned();
        let (expected, found) = (kind(expected[1]), kind(info.shape[1]));
        if expected == found { Ok(()) } else { Err(LaneError::Dimensions { name, expected, found }) }
    }

    /// Finds axes under which the mask has the image's size: those asked for, its own, the image's with
    /// or without channels.
    fn check_mask(
        &self,
        mask: &str,
        input: &Input,
        info: &ImageInfo,
    ) -> Result<(Arc<dyn ImageReader>, OpenOptions), Problem> {
        let request = &self.plan.request;
        let open = |axes: Option<AxisOrder>| {
            let options =
                OpenOptions { axes, memory: Some(request.memory), stack_along: request.stack_along };
            io::open(mask, &options).map(|reader| (reader, options))
        };
        let expected = [info.shape[0], info.shape[1], info.shape[2], info.shape[3]];
        let size = |info: &ImageInfo| [info.shape[0], info.shape[1], info.shape[2], info.shape[3]];
        let (reader, options) = open(request.mask_axes.clone()).map_err(Problem::Open)?;
        let own = reader.info();
        if size(own) == expected {
            return Ok((reader, options));
        }
        let mismatch = || Problem::MaskShape {
            mask: mask.to_owned(),
            input: input.raw.clone(),
            found: size(own),
            expected,
        };
        if request.mask_axes.is_some() {
            return Err(mismatch());
        }
        let without_channels =
            AxisOrder::new(info.axes.axes().iter().copied().filter(|&a| a != Axis::C)).ok();
        [Some(info.axes.clone()), without_channels]
            .into_iter()
            .flatten()
            .filter(|axes| axes.len() == own.axes.len())
            .filter_map(|axes| open(Some(axes)).ok())
            .find(|(reader, _)| size(reader.info()) == expected)
            .ok_or_else(mismatch)
    }

    /// The project's lane that is the image `location`.
    fn lane_of(&self, location: &str) -> Option<usize> {
        let project = &self.plan.project;
        project.lanes.iter().position(|lane| {
            project.locate(&lane.raw).is_ok_and(|known| {
                let (known, given) = (dataset_of(&known), dataset_of(location));
                known.0 == given.0 && (known.1 == given.1 || given.1.is_none())
            })
        })
    }
}

/// The real file that `location` names.
fn file_of(location: &str) -> PathBuf {
    dataset_of(location).0
}

/// The real file and the inner path that `location` names.
fn dataset_of(location: &str) -> (PathBuf, Option<PathBuf>) {
    let whole = Path::new(location);
    for ancestor in whole.ancestors() {
        if ancestor.is_file() {
            let inner = whole.strip_prefix(ancestor).ok().filter(|inner| !inner.as_os_str().is_empty());
            return (canonical(ancestor), inner.map(Path::to_owned));
        }
    }
    (canonical(whole), None)
}

/// `path` with links resolved as far as it exists.
pub(super) fn canonical(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for ancestor in absolute.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            let rest = absolute.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
    }
    absolute
}
