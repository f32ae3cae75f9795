//! Reads what is on screen: the pieces of the visible slice nearest to the focus first, then the
//! neighbouring slices. A newer view is looked for before each piece. Where the pieces do not fit in memory
//! they are thinned to what the screen shows, all but the one at the focus.

use std::collections::HashSet;
use std::sync::Arc;

use super::driver::{Job, Shared};
use super::lru::ByteLru;
use super::mailbox::lock;
use super::thinning::{step_that_fits, steps};
use super::tiles::slice_grid;
use super::work::Work;
use super::{Event, LaneSource, SliceData, View};
use crate::data::{SlicePlane, SpatialRoi};
use crate::io::{self, ImageReader};

/// Side of a piece in pixels: most microscope images are one piece.
const PIECE_SIDE: usize = 1024;

/// Where a piece is: which image, slice and pixels, and how many of these there are samples of.
pub(super) type PieceKey = (u64, SlicePlane, SpatialRoi, usize);

/// Pieces by place.
pub(super) type Pieces = ByteLru<PieceKey, Arc<SliceData>>;

/// The finest piece of a place that is held, at most as coarse as `most`.
pub(super) fn finest(
    pieces: &mut Pieces,
    (lane, plane, roi): (u64, SlicePlane, SpatialRoi),
    most: usize,
) -> Option<Arc<SliceData>> {
    steps(most).find_map(|step| pieces.get(&(lane, plane, roi, step)).cloned())
}

pub(super) fn visible_pieces(view: &View, shape: [usize; 3]) -> Vec<SpatialRoi> {
    let grid = slice_grid(&view.plane, shape, PIECE_SIDE, 1);
    grid.outward(&view.region, view.focus).into_iter().map(|index| grid.block(index)).collect()
}

pub(super) fn run<W: Work>(shared: &Shared<W>, seen: &mut u64) {
    // Pieces of the visible slice that the interface has been told of.
    let mut told: HashSet<PieceKey> = HashSet::new();
    let mut lanes: Option<Arc<Vec<LaneSource>>> = None;
    while let Some(job) = shared.load.wait_newer(seen) {
        let Some(job) = job else { continue };
        // With other images, or the same in other places, the interface begins anew.
        if lanes.as_ref().is_none_or(|before| !Arc::ptr_eq(before, &job.goal.lanes)) {
            told.clear();
            lanes = Some(Arc::clone(&job.goal.lanes));
        }
        let lane_id = job.lane_ids.get(job.goal.view.lane).copied();
        told.retain(|(lane, plane, ..)| {
            Some(*lane) == lane_id && job.goal.views().any(|view| view.plane == *plane)
        });
        if job.goal.views().all(|view| load(shared, &job, view, Some(&mut told), *seen)) {
            for view in neighbours(&job) {
                load(shared, &job, &view, None, *seen);
            }
        }
    }
}

/// Loads the pieces of `view` that are missing; whether all are there now. Those that are not in `told`,
/// when the view is the visible one, are told of.
fn load<W: Work>(
    shared: &Shared<W>,
    job: &Job,
    view: &View,
    mut told: Option<&mut HashSet<PieceKey>>,
    seen: u64,
) -> bool {
    let (Some(source), Some(&lane_id)) = (job.goal.lanes.get(view.lane), job.lane_ids.get(view.lane)) else {
        return false;
    };
    let [_, z, y, x, channels] = source.raw.info().shape;
    // Half of the memory, so that what is looked at closely meanwhile does not push out what is seen.
    let (bytes, budget) = (source.raw.info().dtype.size() * channels + 1, shared.options.slice_bytes / 2);
    let step = step_that_fits(view.region.len(), bytes, budget, view.step);
    let mut wanted: Vec<_> = visible_pieces(view, [z, y, x]).into_iter().map(|roi| (roi, step)).collect();
    if let Some(&(roi, _)) = wanted.first().filter(|_| step > 1) {
        wanted.push((roi, 1));
    }
    for (roi, step) in wanted {
        let held = finest(&mut lock(&shared.slices), (lane_id, view.plane, roi), step);
        let piece = match held {
            Some(piece) if piece.lane == view.lane => piece,
            // Images before it came or went.
            Some(piece) => {
                let piece = Arc::new(SliceData { lane: view.lane, ..(*piece).clone() });
                let key = (lane_id, view.plane, roi, piece.step);
                lock(&shared.slices).insert(key, Arc::clone(&piece), piece.bytes());
                piece
            }
            None if shared.load.is_newer(seen) => return false,
            None => match read(source, view, roi, step) {
                Ok(piece) => {
                    let bytes = piece.bytes();
                    let piece = Arc::new(piece);
                    let key = (lane_id, view.plane, roi, step);
                    lock(&shared.slices).insert(key, Arc::clone(&piece), bytes);
                    piece
                }
                Err(error) => {
                    if told.is_some() {
                        let number = view.lane + 1;
                        shared.send(Event::Failed(format!("Image {number} can't be read: {error}")));
                    }
                    return false;
                }
            },
        };
        let key = (lane_id, view.plane, roi, piece.step);
        if told.as_mut().is_some_and(|told| told.insert(key)) {
            shared.send(Event::SliceLoaded(piece));
        }
    }
    true
}

fn read(source: &LaneSource, view: &View, region: SpatialRoi, step: usize) -> Result<SliceData, io::Error> {
    let read = |image: &dyn ImageReader| {
        let whole = image.read(&region.at(view.plane.t, image.info().shape[4]))?;
        Ok::<_, io::Error>(if step > 1 { whole.thinned(step) } else { whole })
    };
    let mask = source.mask.as_deref().map(read).transpose()?;
    let raw = read(source.raw.as_ref())?;
    Ok(SliceData { lane: view.lane, plane: view.plane, region, step, raw, mask })
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
