//! The blocks that an image is computed in, as memory, threads and the files to be written have them.

use super::blocking::{Begun, Choice, Footprint, enlarged};
use super::predict::{ImageJob, Resources, Sink};
use super::reblock::Reblocked;
use crate::data::{BlockGrid, DType, Roi, SpatialRoi};
use crate::features::FeatureBank;
use crate::io::{ImageInfo, ImageWriter};
use crate::pipeline::ExportSource;

/// Bytes that are taken where the smallest blocks need them, whatever is allowed.
const LEAST: u64 = 32 << 20;

/// The blocks of a job, in the order in which they are written.
pub(super) struct Blocks {
    region: Roi<4>,
    grid: BlockGrid,
    per_time: Vec<[usize; 3]>,
    /// Threads at work.
    pub(super) workers: usize,
    /// Most blocks that are taken and not yet written.
    pub(super) in_flight: usize,
}

/// Bytes that would do, where what is allowed does not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Short {
    /// Bytes needed.
    pub(super) need: u64,
}

impl Blocks {
    /// The blocks of `job` that suit `sinks` and `resources`.
    ///
    /// # Errors
    /// Not even one thread and the smallest block fit into the memory, nor into [`LEAST`].
    pub(super) fn new(job: &ImageJob<'_>, sinks: &[Sink], resources: Resources) -> Result<Self, Short> {
        let threads = resources.threads.max(1);
        let [times, z, y, x] = job.region.shape();
        let outputs: Vec<Output<'_>> = sinks.iter().map(|sink| Output::of(sink, [times, z, y, x])).collect();
        let work = Work::of(job, sinks);
        let footprint = Footprint {
            shape: [z, y, x],
            times,
            halo: job.bank.map_or([0; 3], FeatureBank::halo),
            working: &|block| work.bytes(block),
            result_bytes: outputs.iter().map(|output| output.begun.pixel_bytes).sum(),
            kept: &|block| {
                let writing = outputs.iter().map(|output| output.writing(block)).max().unwrap_or(0);
                writing + outputs.iter().map(|output| output.kept(block)).sum::<u64>()
            },
        };
        let readers = job.raw.kept_bytes() + job.mask.as_ref().map_or(0, |mask| mask.kept_bytes());
        let memory = resources.memory.saturating_sub(readers);
        let Choice { block, workers, in_flight, bytes } = match resources.block {
            Some(block) => footprint.with_block(block, threads, memory),
            None => footprint.choose(threads, memory),
        };
        if bytes > memory.max(LEAST) && resources.block.is_none() {
            return Err(Short { need: bytes + readers });
        }
        let grid = BlockGrid::new([z, y, x], block);
        let per_time = grid.touching(&Roi::whole([z, y, x]));
        Ok(Blocks { region: job.region, per_time, grid, workers, in_flight })
    }

    /// The writer of `sink`, made to take these blocks.
    pub(super) fn suited(&self, sink: Sink) -> Box<dyn ImageWriter> {
        let [t, z, y, x] = self.region.shape();
        let block = self.grid.block([0; 3]).shape();
        if Output::of(&sink, [t, z, y, x]).takes(block) {
            return sink.writer;
        }
        Box::new(Reblocked::new(sink.writer, sink.dtype, [t, z, y, x, sink.channels.len()]))
    }

    pub(super) fn len(&self) -> usize {
        self.per_time.len() * self.region.shape()[0]
    }

    /// Time and region (`zyx`) of block `index`, in the image.
    pub(super) fn at(&self, index: usize) -> (usize, SpatialRoi) {
        let [t, z, y, x] = self.region.start;
        let block = self.grid.block(self.per_time[index % self.per_time.len()]);
        let shifted = |at: [usize; 3]| [at[0] + z, at[1] + y, at[2] + x];
        (t + index / self.per_time.len(), Roi::new(shifted(block.start), shifted(block.stop)))
    }

    /// Where a block begins in the output, `tzyxc`.
    pub(super) fn output_start(&self, t: usize, roi: &SpatialRoi) -> [usize; 5] {
        let [t0, z, y, x] = self.region.start;
        [t - t0, roi.start[0] - z, roi.start[1] - y, roi.start[2] - x, 0]
    }
}

/// What a thread works in.
struct Work<'a> {
    bank: Option<&'a FeatureBank>,
    /// Extent of the image, `zyx`.
    image: [usize; 3],
    /// Bytes for each pixel that is read: as the file has it, and as floats.
    read_bytes: usize,
    /// Bytes for each pixel of the block.
    pixel_bytes: usize,
}

impl<'a> Work<'a> {
    fn of(job: &ImageJob<'a>, sinks: &[Sink]) -> Self {
        const FLOAT: usize = size_of::<f32>();
        let info = job.raw.info();
        let [_, z, y, x, channels] = info.shape;
        let bank = job.bank;
        let wants_features = sinks.iter().any(|sink| sink.source == ExportSource::Features);
        let features = bank.filter(|_| wants_features).map_or(0, FeatureBank::channel_count);
        let classes = job.classification.map_or(0, |classification| classification.class_count);
        // Before they are converted.
        let converted =
            sinks.iter().filter(|sink| sink.renormalization.is_some() || sink.dtype != DType::F32);
        let converted = converted.map(|sink| sink.channels.len()).max().unwrap_or(0);
        let mask = job.mask.as_ref().map_or(0, |mask| samples_bytes(mask.info()) + size_of::<bool>());
        Work {
            bank,
            image: [z, y, x],
            read_bytes: if bank.is_some() { samples_bytes(info) + channels * FLOAT } else { 0 },
            // Twice the probabilities: those of a part come before they are put in their place; and labels,
            // segmentation or uncertainty in the making.
            pixel_bytes: FLOAT * (features + 2 * classes + converted + 2) + mask,
        }
    }

    fn bytes(&self, block: [usize; 3]) -> u64 {
        let pixels: usize = block.iter().product();
        let working = self.bank.map_or(0, |bank| {
            let read: usize = enlarged(block, bank.halo(), self.image).iter().product();
            bank.working_bytes(block) + (read * self.read_bytes) as u64
        });
        working + (pixels * self.pixel_bytes) as u64
    }
}

/// Bytes of a pixel while it is read: twice where the file's axes are in another order.
fn samples_bytes(info: &ImageInfo) -> usize {
    let copies = if info.axes.axes().is_sorted() { 1 } else { 2 };
    copies * info.shape[4] * info.dtype.size()
}

/// What a sink keeps in memory.
struct Output<'a> {
    writer: &'a dyn ImageWriter,
    channels: usize,
    begun: Begun,
}

impl<'a> Output<'a> {
    /// The sink of an image of `shape`, `tzyx`.
    fn of(sink: &'a Sink, [_, z, y, x]: [usize; 4]) -> Self {
        let [_, depth, height, width, _] = sink.writer.preferred_block();
        let channels = sink.channels.len();
        let begun = Begun {
            shape: [z, y, x],
            unit: [depth, height, width],
            pixel_bytes: channels * sink.dtype.size(),
        };
        Output { writer: &*sink.writer, channels, begun }
    }

    /// Whether the writer takes blocks of `block` pixels (`zyx`) as they are.
    fn takes(&self, block: [usize; 3]) -> bool {
        self.writer.takes_any_block() || self.writer.preferred_block()[0] <= 1 && self.begun.is_aligned(block)
    }

    /// Bytes kept while blocks of `block` pixels (`zyx`) come.
    fn kept(&self, [z, y, x]: [usize; 3]) -> u64 {
        let begun = if self.takes([z, y, x]) { 0 } else { self.begun.bytes([z, y, x]) };
        begun + self.writer.buffered([1, z, y, x, self.channels])
    }

    /// Bytes taken to write one block of `block` pixels (`zyx`): in the file's order of axes, then of bytes.
    fn writing(&self, block: [usize; 3]) -> u64 {
        let at_once = if self.takes(block) { block } else { self.begun.unit };
        2 * (at_once.iter().product::<usize>() * self.begun.pixel_bytes) as u64
    }
}
