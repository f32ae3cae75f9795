//! Arguments and their help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

use crate::batch::{Subregion, parse_memory, parse_range};
use crate::data::axes::AxisError;
use crate::data::{Axis, AxisOrder, DType};
use crate::pipeline::ExportSource;

/// Interactive pixel classification in the terminal.
#[derive(Debug, Parser)]
#[command(
    name = "brushwood",
    version,
    about,
    subcommand_negates_reqs = true,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = "ilastik's own headless command line works too: brushwood --headless --project=P.ilp ..."
)]
pub struct Cli {
    /// A subcommand; none opens the terminal interface.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of the terminal interface.
    #[command(flatten)]
    pub terminal: TerminalArgs,
}

/// Options of the terminal interface.
#[derive(Debug, Clone, Args)]
pub struct TerminalArgs {
    /// Images, a folder of images, or a project
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Project file: opened when it exists, else created at the first save
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub project: Option<PathBuf>,
    /// How the terminal draws
    #[command(flatten)]
    pub graphics: GraphicsArgs,
    /// Most that is sent to the terminal, in bits per second, such as 500k or 2M; without it what the link
    /// carries is measured, and 2M where the terminal does not answer
    #[arg(long, value_name = "RATE", value_parser = parse_link_rate)]
    pub link_rate: Option<f64>,
    /// Key preset (ilastik, vim, emacs) or a keymap file
    #[arg(long, value_name = "NAME|FILE")]
    pub keymap: Option<String>,
    /// Number of threads
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Memory for caches, such as 512M or 2G; an export or a batch takes up to half as much again
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    pub memory: Option<u64>,
    /// Write a log to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub log: Option<PathBuf>,
}

/// How the terminal draws.
#[derive(Debug, Clone, Args)]
pub struct GraphicsArgs {
    /// How images are drawn: auto, kitty, kitty-tiles, kitty-placeholder, sixel, iterm2, half or ascii
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub graphics: String,
    /// Size of a character cell in pixels, for terminals that don't tell
    #[arg(long, value_name = "WxH", value_parser = parse_cell_size)]
    pub cell_size: Option<CellSize>,
}

fn parse_link_rate(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches("bit/s");
    let (digits, unit) = match number.char_indices().last() {
        Some((at, 'k' | 'K')) => (&number[..at], 1e3),
        Some((at, 'M')) => (&number[..at], 1e6),
        Some((at, 'G')) => (&number[..at], 1e9),
        _ => (number, 1.0),
    };
    let rate = digits.trim().parse::<f64>().map(|rate| rate * unit).ok();
    rate.filter(|rate| (9600.0..=1e12).contains(rate))
        .ok_or_else(|| "a rate is bits per second, at least 9600, such as 500k or 2M".to_owned())
}

/// Width and height of a character cell in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CellSize(pub [f64; 2]);

fn parse_cell_size(text: &str) -> Result<CellSize, String> {
    let size = text.split_once(['x', 'X']).and_then(|(width, height)| {
        let sound = |part: &str| part.parse().ok().filter(|size| (1.0..=512.0).contains(size));
        Some(CellSize([sound(width)?, sound(height)?]))
    });
    size.ok_or_else(|| "a cell size is width x height in pixels, such as 9x18".to_owned())
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Predict images with a project's classifier
    Predict(Box<PredictArgs>),
    /// Train a project from images and label images
    Train(TrainArgs),
    /// Tell what an image or a project holds
    Info(InfoArgs),
    /// Tell what this terminal can do, and what brushwood will use
    Doctor(GraphicsArgs),
    /// Tell what keys do, or check a keymap file
    #[command(subcommand)]
    Keymap(KeymapCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Subcommands of `keymap`.
#[derive(Debug, Subcommand)]
pub enum KeymapCommand {
    /// List all keys
    List {
        /// A preset (ilastik, vim, emacs) or a keymap file
        #[arg(value_name = "NAME|FILE", default_value = "ilastik")]
        keymap: String,
        /// As a Markdown table, one row for each command
        #[arg(long)]
        markdown: bool,
    },
    /// Check a keymap file
    Check {
        /// The file
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

/// Options shared by `predict` and ilastik's headless command line, in ilastik's names.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// What to export: Probabilities (default), Simple Segmentation, Uncertainty, Features or Labels;
    /// may be given several times
    #[arg(long, value_name = "SOURCE")]
    pub export_source: Vec<ExportSource>,
    /// Output format: compressed hdf5 (default), hdf5, compressed n5, n5, single-scale OME-Zarr, multi-scale
    /// OME-Zarr, numpy, tiff, multipage tiff, png, jpg, bmp, gif, hdr, pbm, pgm, pnm, ppm, ras, and sequences
    /// such as 'png sequence'
    #[arg(long, value_name = "FORMAT")]
    pub output_format: Option<String>,
    /// Output name [default: {dataset_dir}/{nickname}_{result_type}]; also {roi}, {x_start}, {x_stop}, ...,
    /// {slice_index}
    #[arg(long, value_name = "NAME")]
    pub output_filename_format: Option<String>,
    /// Dataset name inside HDF5 and N5 outputs [default: exported_data]
    #[arg(long, value_name = "NAME")]
    pub output_internal_path: Option<String>,
    /// Axes of the outputs, such as zyxc [default: the input's, with c]
    #[arg(long, value_name = "AXES")]
    pub output_axis_order: Option<AxisOrder>,
    /// Region to compute, such as '[(0,10,10,0),(5,60,60,None)]': start and stop of t, z, y, x, c, without
    /// t and z where the image has none
    #[arg(long, value_name = "REGION", value_parser = Subregion::parse)]
    pub cutout_subregion: Option<Subregion>,
    /// Range of values before renormalization, such as '(0.0,1.0)'
    #[arg(long, value_name = "RANGE", value_parser = parse_range, requires = "export_drange", allow_hyphen_values = true)]
    pub pipeline_result_drange: Option<(f64, f64)>,
    /// Range of values after renormalization, such as '(0,255)'
    #[arg(long, value_name = "RANGE", value_parser = parse_range, requires = "pipeline_result_drange", allow_hyphen_values = true)]
    pub export_drange: Option<(f64, f64)>,
    /// Sample type of the outputs, such as uint8
    #[arg(long, value_name = "TYPE")]
    pub export_dtype: Option<DType>,
    /// Axes of the images, such as zyx; after a comma those of the masks
    #[arg(long, value_name = "AXES", value_delimiter = ',')]
    pub input_axes: Vec<AxisOrder>,
    /// Take the axes from the files, not from the training images
    #[arg(long)]
    pub ignore_training_axistags: bool,
    /// Axis along which the files of a stack follow each other
    #[arg(long, value_name = "AXIS", value_parser = parse_axis)]
    pub stack_along: Option<Axis>,
    /// Prediction masks, one for each image, in the same order
    #[arg(long, value_name = "FILE", num_args = 1.., value_hint = ValueHint::FilePath)]
    pub prediction_mask: Vec<String>,
    /// Train from the labels in the project; it is not changed, but by --headless with --readonly=0
    #[arg(long)]
    pub retrain: bool,
    /// Number of trees to train
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub tree_count: Option<u32>,
    /// Train on this share of the labelled pixels, from 0 to 1; the project is not changed
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub label_proportion: Option<f64>,
    /// Write how much each feature matters to variable_importance.csv in this folder, when training
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub variable_importance_path: Option<PathBuf>,
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.trim().parse().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "a share is larger than 0 and at most 1, such as 0.5".to_owned())
}

/// How much to use and how to tell.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Number of threads [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Memory for images, blocks and results, such as 512M or 2G; the program takes up to 32M beside
    /// [default: 1G]
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    pub memory: Option<u64>,
    /// Print a report as JSON to stdout
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `predict`.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// The project
    #[arg(long, value_name = "P.ilp", value_hint = ValueHint::FilePath)]
    pub project: PathBuf,
    /// Images: files, file.h5/inner/path, or quoted patterns for stacks
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<String>,
    /// Images, as in ilastik's command line
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "files", value_hint = ValueHint::FilePath)]
    pub raw_data: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub export: ExportArgs,
    /// Replace outputs that exist
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: RunArgs,
}

/// Arguments of `train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Images to train on
    #[arg(long, value_name = "IMAGE", num_args = 1.., required = true, value_hint = ValueHint::FilePath)]
    pub raw_data: Vec<String>,
    /// Label images, one for each image: 0 is unlabelled, 1, 2, ... are the classes
    #[arg(long, value_name = "IMAGE", num_args = 1.., required = true, value_hint = ValueHint::FilePath)]
    pub labels: Vec<String>,
    /// Features: 'all', those of a project, or filters with scales such as 'smoothing:0.3,1.0 hessian:1.6'
    #[arg(long, value_name = "all|FILE.ilp|SPEC", default_value = "all")]
    pub features: String,
    /// Class names, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub label_names: Vec<String>,
    /// Seed of training
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Number of trees
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub tree_count: u32,
    /// Axes of the images, such as zyx
    #[arg(long, value_name = "AXES")]
    pub input_axes: Option<AxisOrder>,
    /// Axis along which the files of a stack, images and label images, follow each other
    #[arg(long, value_name = "AXIS", value_parser = parse_axis)]
    pub stack_along: Option<Axis>,
    /// The project to write
    #[arg(long, value_name = "OUT.ilp", value_hint = ValueHint::FilePath)]
    pub project: PathBuf,
    /// Replace the project if it exists
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: RunArgs,
}

/// Arguments of `info`.
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// An image or a project
    #[arg(value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub path: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Draw a small picture of the image below, in the terminal
    #[arg(long, conflicts_with = "json")]
    pub picture: bool,
    #[command(flatten)]
    pub graphics: GraphicsArgs,
}

/// The axis of a single letter.
fn parse_axis(text: &str) -> Result<Axis, AxisError> {
    let order: AxisOrder = text.parse()?;
    match order.axes() {
        [axis] => Ok(*axis),
        _ => Err(AxisError::WrongLength { axes: text.to_owned(), dimensions: 1 }),
    }
}
