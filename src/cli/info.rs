//! `brushwood info`: what an image or a project holds.

use std::io::IsTerminal;
use std::path::Path;

use serde::Serialize;

use super::args::InfoArgs;
use super::error::{Failure, Message, Status, print};
use crate::features::selection::FILTER_IDS;
use crate::io::{self, OpenOptions};
use crate::project::Project;
use crate::tui::{self, PrintError};

/// Runs `brushwood info`.
///
/// # Errors
/// The file can't be read, or a picture was asked for that can't be drawn.
pub(super) fn run(args: &InfoArgs) -> Result<Status, Failure> {
    let path = Path::new(&args.path);
    let is_project = path.is_file() && path.extension().is_some_and(|e| e.eq_ignore_ascii_case("ilp"));
    if args.picture {
        may_draw(is_project)?;
    }
    if is_project {
        let project = Project::load(path).map_err(|error| Failure::Project(Message::whole(error)))?;
        show(&ProjectInfo::of(&project), args.json)
    } else {
        let reader = io::open(&args.path, &OpenOptions::default())
            .map_err(|error| Failure::Work(Message::new("Can't read the image", error.to_string(), "")))?;
        show(&ImageDescription::of(&args.path, reader.info()), args.json)?;
        drop(reader);
        if args.picture { draw(args) } else { Ok(Status::Done) }
    }
}

fn may_draw(is_project: bool) -> Result<(), Failure> {
    let (why, fix) = match () {
        () if is_project => ("a project is no image", "Name one of its images"),
        () if !std::io::stdout().is_terminal() => ("stdout is no terminal", "Leave --picture out in a pipe"),
        () => return Ok(()),
    };
    Err(Failure::usage("Can't draw a picture", why, fix))
}

fn draw(args: &InfoArgs) -> Result<Status, Failure> {
    let cell = args.graphics.cell_size.map(|size| size.0);
    tui::print_picture(&args.path, &args.graphics.graphics, cell).map_err(|error| {
        let fix = match &error {
            PrintError::Image(_) => "",
            _ => "'brushwood doctor' tells what the terminal can do",
        };
        Failure::Work(Message::new("Can't draw the picture", error.to_string(), fix))
    })?;
    Ok(Status::Done)
}

fn show<T: Serialize + Describe>(info: &T, json: bool) -> Result<Status, Failure> {
    let text = if json {
        serde_json::to_string_pretty(info)
            .map_err(|error| Failure::Work(Message::new("Can't write JSON", error.to_string(), "")))?
    } else {
        info.lines().join("\n")
    };
    print(&text).map(|()| Status::Done)
}

trait Describe {
    fn lines(&self) -> Vec<String>;
}

#[derive(Serialize)]
struct ImageDescription {
    path: String,
    axes: String,
    shape: Vec<usize>,
    dtype: &'static str,
    /// Size and unit along each axis, where known.
    pixel_size: Vec<Option<(f64, String)>>,
    data_range: Option<(f64, f64)>,
}

impl ImageDescription {
    fn of(path: &str, info: &io::ImageInfo) -> Self {
        let sizes = info.axes.axes().iter().map(|&axis| info.pixel_size[axis as usize].clone());
        ImageDescription {
            path: path.to_owned(),
            axes: info.axes.to_string(),
            shape: info.axes.pick(&info.shape),
            dtype: info.dtype.name(),
            pixel_size: sizes.map(|size| size.map(|size| (size.size, size.unit))).collect(),
            data_range: info.data_range,
        }
    }
}

impl Describe for ImageDescription {
    fn lines(&self) -> Vec<String> {
        let shape: Vec<String> =
            self.axes.chars().zip(&self.shape).map(|(axis, size)| format!("{axis} {size}")).collect();
        let mut lines = vec![
            format!("image       {}", self.path),
            format!("axes        {}", self.axes),
            format!("shape       {}", shape.join(", ")),
            format!("type        {}", self.dtype),
        ];
        let sizes: Vec<String> = self
            .axes
            .chars()
            .zip(&self.pixel_size)
            .filter_map(|(axis, size)| size.as_ref().map(|(size, unit)| format!("{axis} {size} {unit}")))
            .collect();
        if !sizes.is_empty() {
            lines.push(format!("pixel size  {}", sizes.join(", ")));
        }
        if let Some((low, high)) = self.data_range {
            lines.push(format!("data range  {low} to {high}"));
        }
        lines
    }
}

#[derive(Serialize)]
struct ProjectInfo {
    path: String,
    images: Vec<LaneInfo>,
    classes: Vec<ClassInfo>,
    features: Vec<FeatureInfo>,
    classifier: Option<ClassifierInfo>,
    seed: u64,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct LaneInfo {
    name: String,
    location: String,
    found: bool,
    axes: String,
    shape: Vec<usize>,
    mask: Option<String>,
    labelled_pixels: u64,
}

#[derive(Serialize)]
struct ClassInfo {
    name: String,
    color: [u8; 3],
    labelled_pixels: u64,
}

#[derive(Serialize)]
struct FeatureInfo {
    filter: &'static str,
    scale: f64,
    in_2d: bool,
}

#[derive(Serialize)]
struct ClassifierInfo {
    trees: usize,
    features: usize,
    classes: Vec<u8>,
    oob_error: Option<f64>,
}

impl ProjectInfo {
    fn of(project: &Project) -> Self {
        let location = |info| project.locate(info).unwrap_or_else(|error| error.to_string());
        let mut counts = [0u64; 256];
        let images = project.lanes.iter().map(|lane| {
            let per_class = lane.labels.counts();
            counts.iter_mut().zip(per_class).for_each(|(sum, count)| *sum += count);
            let path = location(&lane.raw);
            LaneInfo {
                name: lane.raw.nickname.clone(),
                found: io::open(&path, &OpenOptions::default()).is_ok(),
                location: path,
                axes: lane.raw.axes.to_string(),
                shape: lane.raw.shape.clone(),
                mask: lane.mask.as_ref().map(location),
                labelled_pixels: per_class.iter().sum(),
            }
        });
        let images = images.collect();
        let features = project.selection.iter().flat_map(|selection| {
            selection.selected.iter().zip(FILTER_IDS).flat_map(move |(row, filter)| {
                row.iter().enumerate().filter(|&(_, &on)| on).map(move |(column, _)| FeatureInfo {
                    filter,
                    scale: selection.scales[column],
                    in_2d: selection.compute_in_2d[column],
                })
            })
        });
        ProjectInfo {
            path: project.path.as_ref().map_or_else(String::new, |path| path.display().to_string()),
            images,
            classes: project
                .classes
                .iter()
                .enumerate()
                .map(|(class, info)| ClassInfo {
                    name: info.name.clone(),
                    color: info.color,
                    labelled_pixels: counts.get(class + 1).copied().unwrap_or(0),
                })
                .collect(),
            features: features.collect(),
            classifier: project.forest.as_ref().map(|forest| ClassifierInfo {
                trees: forest.trees.len(),
                features: forest.feature_count,
                classes: forest.classes.clone(),
                oob_error: project.oob_error,
            }),
            seed: project.seed,
            warnings: project.warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Describe for ProjectInfo {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("project     {}", self.path)];
        for (index, lane) in self.images.iter().enumerate() {
            let shape: Vec<String> = lane.shape.iter().map(usize::to_string).collect();
            let missing = if lane.found { "" } else { " (not found)" };
            let shape = if shape.is_empty() { String::new() } else { format!(" {}", shape.join(" x ")) };
            lines.push(format!(
                "image {:<5} {} [{}{shape}] {}{missing}, {} labelled pixels",
                index + 1,
                lane.name,
                lane.axes,
                lane.location,
                lane.labelled_pixels
            ));
            if let Some(mask) = &lane.mask {
                lines.push(format!("  mask      {mask}"));
            }
        }
        for (index, class) in self.classes.iter().enumerate() {
            lines.push(format!(
                "class {:<5} {}: {} labelled pixels",
                index + 1,
                class.name,
                class.labelled_pixels
            ));
        }
        lines.push(format!("features    {} selected", self.features.len()));
        for filter in FILTER_IDS {
            let scales: Vec<String> = self
                .features
                .iter()
                .filter(|feature| feature.filter == filter)
                .map(|feature| format!("{:?}{}", feature.scale, if feature.in_2d { " in 2D" } else { "" }))
                .collect();
            if !scales.is_empty() {
                lines.push(format!("  {filter}: {}", scales.join(", ")));
            }
        }
        lines.push(match &self.classifier {
            None => "classifier  none".into(),
            Some(forest) => {
                let oob = forest
                    .oob_error
                    .map_or(String::new(), |e| format!(", out-of-bag error {:.2} %", 100.0 * e));
                format!(
                    "classifier  {} trees, {} feature channels, {} classes{oob}",
                    forest.trees,
                    forest.features,
                    forest.classes.len()
                )
            }
        });
        lines.extend(self.warnings.iter().map(|warning| format!("warning     {warning}")));
        lines
    }
}
