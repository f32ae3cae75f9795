//! Computes feature channels as images, for looking at them.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use ndarray::{Array4, Axis as ArrayAxis};

use super::message::Message;
use crate::app::features::CostRequest;
use crate::app::looking::FeatureRequest;
use crate::app::{AppEvent, Problem};
use crate::data::{CancelToken, Roi, Volume};
use crate::features::{FeatureBank, FeatureSelection};
use crate::io::ImageReader;
use crate::pipeline::block_input;

/// Computes what is asked for, on a thread of its own, until `token` is cancelled.
pub(super) fn start(
    requests: Vec<FeatureRequest>,
    selection: FeatureSelection,
    image: Arc<dyn ImageReader>,
    token: CancelToken,
    sender: Sender<Message>,
) -> std::io::Result<()> {
    thread::Builder::new().name("feature".into()).spawn(move || {
        for request in requests {
            if token.is_cancelled() {
                return;
            }
            let result = compute(&request, &selection, image.as_ref());
            let _ = sender.send(Message::App(Box::new(AppEvent::FeatureComputed(request, result))));
        }
    })?;
    Ok(())
}

/// Longest sides of the part of an image that costs are measured on.
const MEASURED: [usize; 3] = [8, 192, 192];

/// Measures what features cost, on a thread of its own, until `token` is cancelled: the best of three runs on
/// made-up samples, reading left out.
pub(super) fn measure(
    request: CostRequest,
    token: CancelToken,
    sender: Sender<Message>,
) -> std::io::Result<()> {
    thread::Builder::new().name("cost".into()).spawn(move || {
        let CostRequest { selection, revision, space, channels } = request;
        let Ok(bank) = FeatureBank::new(&selection, space, channels) else { return };
        let middle = |axis: usize| {
            let side = space[axis].min(MEASURED[axis]);
            let start = (space[axis] - side) / 2;
            (start, start + side)
        };
        let region = Roi::new([0, 1, 2].map(|axis| middle(axis).0), [0, 1, 2].map(|axis| middle(axis).1));
        let input_roi = region.enlarge(bank.halo(), space);
        let [z, y, x] = input_roi.shape();
        let sample =
            |(c, z, y, x): (usize, usize, usize, usize)| ((7 * x + 13 * y + 29 * z + 3 * c) % 251) as f32;
        let input = Array4::from_shape_fn((channels, z, y, x), sample);
        let [depth, rows, columns] = region.shape();
        let mut features = Array4::zeros((bank.channel_count(), depth, rows, columns));
        let mut best = Duration::MAX;
        for _ in 0..3 {
            if token.is_cancelled() {
                return;
            }
            let begin = Instant::now();
            bank.compute(input.view(), &input_roi, &region, features.view_mut());
            best = best.min(begin.elapsed());
        }
        let cost = best.as_secs_f64() * 1e3 / (region.len().max(1) as f64 / 1e6);
        let _ = sender.send(Message::App(Box::new(AppEvent::FeatureCost(revision, cost))));
    })?;
    Ok(())
}

/// One feature channel of a part of a slice, axes `tzyxc` of one time point and channel.
fn compute(
    request: &FeatureRequest,
    selection: &FeatureSelection,
    image: &dyn ImageReader,
) -> Result<Volume, Problem> {
    let failed = |why: String| Problem::new("Can't compute this feature", why, "");
    let [_, z, y, x, channels] = image.info().shape;
    let cells = selection.cells_of_channels(channels);
    let Some(&(row, column, offset)) = cells.get(request.channel) else {
        return Err(failed("it is not selected any more".into()));
    };
    let mut single = selection.clone();
    single.selected.iter_mut().flatten().for_each(|on| *on = false);
    single.selected[row][column] = true;
    let bank = FeatureBank::new(&single, [z, y, x], channels).map_err(|error| failed(error.to_string()))?;
    let input_roi = request.region.enlarge(bank.halo(), [z, y, x]);
    let volume =
        image.read(&input_roi.at(request.plane.t, channels)).map_err(|error| failed(error.to_string()))?;
    let input = block_input(&volume);
    let [depth, rows, columns] = request.region.shape();
    let mut features = Array4::zeros((bank.channel_count(), depth, rows, columns));
    bank.compute(input.view(), &input_roi, &request.region, features.view_mut());
    let plane = features.index_axis(ArrayAxis(0), offset).to_owned();
    Ok(plane.insert_axis(ArrayAxis(0)).insert_axis(ArrayAxis(4)).into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::looking::FeatureRequest;
    use crate::data::revision::SelectionRev;
    use crate::data::{Axis, Roi, SlicePlane};
    use crate::io::{self, OpenOptions};

    #[test]
    fn each_channel_is_the_banks_own() {
        let location = concat!(env!("CARGO_MANIFEST_DIR"), "/sample_data/histology.png");
        let image = io::open(location, &OpenOptions::default()).unwrap();
        let [_, z, y, x, channels] = image.info().shape;
        let mut selection = FeatureSelection::none([z, y, x]);
        (selection.selected[0][2], selection.selected[4][3], selection.selected[5][2]) = (true, true, true);
        let bank = FeatureBank::new(&selection, [z, y, x], channels).unwrap();
        let region = Roi::new([0, 10, 20], [1, 40, 70]);
        let input_roi = region.enlarge(bank.halo(), [z, y, x]);
        let input = block_input(&image.read(&input_roi.at(0, channels)).unwrap());
        let mut all = Array4::zeros((bank.channel_count(), 1, 30, 50));
        bank.compute(input.view(), &input_roi, &region, all.view_mut());
        for channel in 0..bank.channel_count() {
            let plane = SlicePlane { axis: Axis::Z, t: 0, position: 0 };
            let request = FeatureRequest {
                lane: 0,
                plane,
                region,
                channel,
                selection: SelectionRev::default(),
                changes: 0,
            };
            let computed = compute(&request, &selection, image.as_ref()).unwrap();
            let expected = all.index_axis(ArrayAxis(0), channel);
            let same = expected
                .indexed_iter()
                .all(|((z, y, x), &value)| computed.sample([0, z, y, x, 0]) == f64::from(value));
            assert!(same, "channel {channel}");
        }
    }
}
