//! Results of a batch: opening an image and its result to look at, deleting files.

use std::path::PathBuf;
use std::sync::Arc;

use crate::app::visit::{VisitRequest, Visited};
use crate::app::{AppEvent, NewLane, Problem};
use crate::batch::StoredResult;
use crate::data::AxisOrder;
use crate::engine::LaneSource;
use crate::io::{self, ImageReader, OpenOptions};
use crate::project::Project;

/// Opens an image to look at, and its result.
pub(super) fn visit(request: &VisitRequest) -> Result<Visited, Problem> {
    let VisitRequest { input, axes, results, request, classes } = request;
    let open = |location: &str, axes: Option<AxisOrder>| {
        io::open(location, &OpenOptions { axes, ..OpenOptions::default() })
            .map_err(|error| Problem::new(format!("Can't open '{location}'"), error.to_string(), ""))
    };
    let mut image = open(&input.raw, None)?;
    if let Some(axes) = axes.as_ref().filter(|axes| axes.len() == image.info().axes.len()) {
        image = open(&input.raw, Some(axes.clone()))?;
    }
    let mut project = Project::new();
    let info = project.describe(&input.raw, image.info());
    let misfit = |why: String| Problem::new(format!("Can't show '{}'", input.raw), why, "");
    project.add_lane(info).map_err(|error| misfit(error.to_string()))?;
    // A mask of other axes was good enough for the batch; here it is only left out.
    let size = |reader: &Arc<dyn ImageReader>| reader.info().shape[..4].to_owned();
    let mask = input.mask.as_ref().and_then(|mask| open(mask, None).ok());
    let mask = mask.filter(|mask| size(mask) == size(&image));
    let lane = project.lanes.remove(0);
    let output = results.iter().find(|output| StoredResult::is_shown(output.source));
    let result = output.map(|output| StoredResult::open(output, request, image.info().shape, *classes));
    Ok(Visited { lane: NewLane { lane, source: LaneSource::new(image, mask) }, result })
}

/// Deletes files; tells how many are gone and why others are not.
pub(super) fn delete(files: &[PathBuf]) -> AppEvent {
    let mut failed = Vec::new();
    for file in files {
        if let Err(error) = io::remove(file) {
            failed.push(error.to_string());
        }
    }
    AppEvent::Deleted(files.len() - failed.len(), failed)
}
