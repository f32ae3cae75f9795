//! Reads what is on screen: the pieces of the visible slice nearest to the focus first, then the
//! neighbouring slices. A newer view is looked for before each piece.

use std::sync::Arc;

use super::driver::{Job, Shared};
use super::mailbox::lock;
use super::tiles::slice_grid;
use super::work::Work;
use super::{Event, SliceData, View};
use crate::data::{SlicePlane, SpatialRoi};

/// Side of a piece in pixels: most microscope images are one piece.
const PIECE_SIDE: usize = 1024;

/// Where a piece is: which image, slice and pixels.
pub(super) type PieceKey = (u64, SlicePlane, SpatialRoi);

pub(super) fn visible_pieces(view: &View, shape: [usize; 3]) -> Vec<SpatialRoi> {
    let grid = slice_grid(&view.plane, shape, PIECE_SIDE, 1);
    grid.outward(&view.region, view.focus).into_iter().map(|index| grid.block(index)).collect()
}

pub(super) fn run<W: Work>(shared: &Shared<W>, seen: &mut u64) {
    while let Some(job) = shared.load.wait_newer(seen) {
        let Some(job) = job else { continue };
        if load(shared, &job, &job.goal.view, true, *seen) {
            for view in neighbours(&job) {
                load(shared, &job, &view, false, *seen);
            }
        }
    }
}

/// Loads the pieces of `view` that are missing; whether all are there now.
fn load<W: Work>(shared: &Shared<W>, job: &Job, view: &View, visible: bool, seen: u64) -> bool {
    let (Some(source), Some(&lane_id)) = (job.goal.lanes.get(view.lane), job.lane_ids.get(view.lane)) else {
        return false;
    };
    let [_, z, y, x, channels] = source.raw.info().shape;
    for roi in visible_pieces(view, [z, y, x]) {
        let key = (lane_id, view.plane, roi);
        if lock(&shared.slices).get(&key).is_some() {
            continue;
        }
        if shared.load.is_newer(seen) {
            return false;
        }
        let raw = match source.raw.read(&roi.at(view.plane.t, channels)) {
            Ok(raw) => raw,
            Err(error) if visible => {
                shared.send(Event::Failed(format!("Image {} can't be read: {error}", view.lane + 1)));
                return false;
            }
            Err(_) => return false,
        };
        let mask =
            source.mask.as_ref().and_then(|mask| mask.read(&roi.at(view.plane.t, mask.info().shape[4])).ok());
        let bytes = raw.shape().iter().product::<usize>() * raw.dtype().size() + roi.len();
        let piece = SliceData { lane: view.lane, plane: view.plane, region: roi, raw, mask };
        let piece = Arc::new(piece);
        lock(&shared.slices).insert(key, Arc::clone(&piece), bytes);
        if visible {
            shared.send(Event::SliceLoaded(piece));
        }
    }
    true
}

/// The slices before and after the visible one.
fn neighbours(job: &Job) -> Vec<View> {
    let view = job.goal.view;
    let Some(source) = job.goal.lanes.get(view.lane) else { return Vec::new() };
    let axis = view.plane.axis as usize;
    let count = source.raw.info().shape[axis];
    let positions = [Some(view.plane.position + 1), view.plane.position.checked_sub(1)];
    let move_to = |position: usize| {
        let mut moved = view;
        moved.plane.position = position;
        moved.region.start[axis - 1] = position;
        moved.region.stop[axis - 1] = position + 1;
        moved.focus[axis - 1] = position;
        moved
    };
    positions.into_iter().flatten().filter(|&position| position < count).map(move_to).collect()
}
