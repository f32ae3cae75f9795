//! What stands in the way of a run: what, why, and what to do, as data.

use std::path::PathBuf;

use crate::data::task::Cancelled;
use crate::features::ScaleError;
use crate::io;
use crate::io::template::TemplateError;
use crate::pipeline::ExportSource;
use crate::project::LaneError;

use super::blocks::Short;
use super::options::OptionError;

/// Why nothing can be run at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Options that contradict each other or the project.
    #[error("{}", joined(.0))]
    Usage(Vec<Problem>),
    /// The project can't be used.
    #[error("{}", joined(.0))]
    Project(Vec<Problem>),
    /// Stopped on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl PlanError {
    /// Everything that is wrong.
    pub fn problems(&self) -> &[Problem] {
        match self {
            PlanError::Usage(problems) | PlanError::Project(problems) => problems,
            PlanError::Cancelled(_) => &[],
        }
    }
}

fn joined(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// One thing that is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// No feature is selected.
    #[error("The project selects no features. Select some in brushwood or ilastik and save it.")]
    NoFeatures,
    /// Neither a classifier nor labels.
    #[error("The project has no classifier and labels of fewer than two classes. Label its images first.")]
    NoClassifier,
    /// A classifier for other features.
    #[error(
        "The project's classifier takes {classifier} feature channels, the selection gives {selection} on '{input}'. Train it again with --retrain."
    )]
    FeatureCount {
        /// Channels the classifier takes.
        classifier: usize,
        /// Channels the selection gives.
        selection: usize,
        /// The image.
        input: String,
    },
    /// A training image can't be used.
    #[error(
        "Can't train: image '{name}' of the project: {reason}. Put the file back, or predict with the stored classifier."
    )]
    TrainingImage {
        /// The lane's name.
        name: String,
        /// Why not.
        reason: String,
    },
    /// No input files.
    #[error("No input files. Name at least one image.")]
    NoInputs,
    /// More masks than images.
    #[error("{masks} prediction masks for {inputs} images. Give one mask for each image, in the same order.")]
    Masks {
        /// Number of masks.
        masks: usize,
        /// Number of images.
        inputs: usize,
    },
    /// Several results under one name.
    #[error(
        "The output name '{template}' lacks {{result_type}}, so that {sources} exports would get the same name. Add it."
    )]
    NoResultType {
        /// The output name.
        template: String,
        /// Number of exports.
        sources: usize,
    },
    /// No such output format.
    #[error("Can't write the outputs: {0}.")]
    Format(#[source] io::Error),
    /// An output name that can't be filled in for any image.
    #[error("Can't name the outputs: {0}.")]
    Template(#[source] TemplateError),
    /// Two results that would go to one file.
    #[error("'{input}' and '{other}' would both be written to '{}'. Use {{nickname}} or {{dataset_dir}} in the output name.", path.display())]
    SameOutput {
        /// The output.
        path: PathBuf,
        /// An image.
        input: String,
        /// The image before it.
        other: String,
    },
    /// An image can't be opened.
    #[error("Can't read {0}")]
    Open(#[source] io::Error),
    /// An image does not fit the project.
    #[error(transparent)]
    Lane(LaneError),
    /// A scale does not fit an image.
    #[error(
        "Can't predict '{input}': {source} ({shape}). Choose smaller scales, or compute this one in 2D, and train again."
    )]
    Scale {
        /// The image.
        input: String,
        /// Its size in words.
        shape: String,
        /// Which scale.
        source: ScaleError,
    },
    /// Not even the smallest blocks of an image and its results fit into the memory allowed.
    #[error("Can't predict '{input}': {short}.")]
    Memory {
        /// The image.
        input: String,
        /// How much it takes.
        short: Short,
    },
    /// A mask of another size.
    #[error(
        "Can't use '{mask}' as mask of '{input}': it has {found:?} pixels (tzyx), the image {expected:?}. Use a mask of the image's size."
    )]
    MaskShape {
        /// The mask.
        mask: String,
        /// The image.
        input: String,
        /// Shape of the mask, `tzyx`.
        found: [usize; 4],
        /// Shape of the image, `tzyx`.
        expected: [usize; 4],
    },
    /// The cutout does not fit an image.
    #[error("Can't cut a region out of '{input}': {source}.")]
    Subregion {
        /// The image.
        input: String,
        /// Why.
        source: OptionError,
    },
    /// Labels of an image that the project does not have.
    #[error(
        "Can't export the labels of '{input}': it is none of the project's images. Name one of these, or leave out the source Labels."
    )]
    NotALane {
        /// The image.
        input: String,
    },
    /// An axis order that leaves out an axis of the result.
    #[error(
        "Can't write the {source_name} of '{input}' as '{axes}': the axis {missing} has {size} entries. Add it to the axis order."
    )]
    OutputAxes {
        /// The image.
        input: String,
        /// What is exported.
        source_name: ExportSource,
        /// Axes asked for.
        axes: String,
        /// The axis that is missing.
        missing: char,
        /// Its size.
        size: usize,
    },
    /// The format can't hold a result, or the name can't be made.
    #[error("Can't write the {source_name} of '{input}': {error}.")]
    Output {
        /// The image.
        input: String,
        /// What is exported.
        source_name: ExportSource,
        /// Why.
        error: io::Error,
    },
    /// A name that can't be made.
    #[error("Can't name the {source_name} of '{input}': {error}.")]
    Name {
        /// The image.
        input: String,
        /// What is exported.
        source_name: ExportSource,
        /// Why.
        error: TemplateError,
    },
    /// An output that exists.
    #[error("'{}' exists. Use --overwrite to replace it, or another --output-filename-format.", path.display())]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// An output that would replace what is being read.
    #[error("'{}' is read in this run and can't be written too. Use another --output-filename-format.", path.display())]
    OutputIsInput {
        /// The output.
        path: PathBuf,
    },
    /// A folder for variable importance that can't be written to.
    #[error("Can't write to the folder '{}': {reason}. Choose another with --variable-importance-path.", path.display())]
    ImportanceFolder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A folder that can't be written to.
    #[error("Can't write to the folder '{}': {reason}. Choose another with --output-filename-format.", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl Problem {
    /// The problem in words for someone who sets it right in a panel, not by options.
    pub fn in_panel(&self) -> String {
        match self {
            Problem::FeatureCount { classifier, selection, input } => format!(
                "The classifier takes {classifier} feature channels, the selection gives {selection} on '{input}'. Train it again: switch live update on."
            ),
            Problem::NoFeatures => "No feature is selected. Select some in the Features panel.".into(),
            Problem::NoClassifier => {
                "There is no classifier, and labels of fewer than two classes. Label first.".into()
            }
            Problem::TrainingImage { name, reason } => {
                format!("Can't train: image '{name}': {reason}. Put the file back.")
            }
            Problem::NoInputs => "There is no image.".into(),
            Problem::Exists { path } => format!("'{}' exists.", path.display()),
            Problem::OutputIsInput { path } => {
                format!(
                    "'{}' is an input or the project and can't be written to. Use another name.",
                    path.display()
                )
            }
            Problem::Folder { path, reason } => {
                format!("Can't write to the folder '{}': {reason}. Use another name.", path.display())
            }
            Problem::NotALane { input } => format!(
                "Can't export the labels of '{input}': it is none of the project's images. Leave out the source Labels."
            ),
            Problem::Memory { input, short: Short { need, limit } } => format!(
                "Can't predict '{input}': computing and writing it needs {need} bytes, {limit} are allowed. Cut out a part, write another format, or start with a larger --memory: half of it is for results."
            ),
            other => other.to_string(),
        }
    }
}

/// The size of a region in words, such as `x 1024, y 768, z 12`.
pub(super) fn size_in_words(shape: [usize; 5]) -> String {
    let [_, z, y, x, _] = shape;
    let mut words = format!("it has x {x}, y {y}");
    if z > 1 {
        words.push_str(&format!(", z {z}"));
    }
    words
}
