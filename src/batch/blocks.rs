//! The blocks that an image is computed in, as memory, threads and the files to be written have them.

use super::blocking::{Begun, Choice, Footprint, enlarged};
use super::predict::{ImageJob, Resources, Sink};
use super::reblock::Reblocked;
use crate::data::{BlockGrid, DType, Roi, SpatialRoi};
use crate::features::FeatureBank;
use crate::io::{ImageInfo, ImageReader, ImageWriter, Intake};
use crate::pipeline::ExportSource;

/// Bytes that are taken where the smallest blocks need them, whatever is allowed.
const LEAST: u64 = 32 << 20;

/// What is computed and written, as far as memory depends on it.
pub(super) struct Demand<'a> {
    pub(super) raw: &'a dyn ImageReader,
    pub(super) mask: Option<&'a dyn ImageReader>,
    /// The filter bank, where anything is computed.
    pub(super) bank: Option<&'a FeatureBank>,
    /// Classes whose probabilities are computed.
    pub(super) classes: usize,
    /// The time points and the region (`tzyx`) to compute.
    pub(super) region: Roi<4>,
    pub(super) outputs: Vec<Output>,
}

/// What is written of one source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    pub(super) source: ExportSource,
    pub(super) channels: usize,
    pub(super) dtype: DType,
    /// Whether values are mapped before they are converted.
    pub(super) is_renormalized: bool,
    /// How the file takes blocks.
    pub(super) intake: Intake,
}

impl<'a> Demand<'a> {
    /// What `job` takes to write `sinks`.
    fn of(job: &'a ImageJob<'_>, sinks: &[Sink]) -> Self {
        Demand {
            raw: &*job.raw,
            mask: job.mask.as_deref(),
            bank: job.bank,
            classes: job.classification.map_or(0, |classification| classification.class_count),
            region: job.region,
            outputs: sinks.iter().map(Output::of).collect(),
        }
    }

    /// Checks that one thread and the smallest blocks fit into `memory` bytes, or into [`LEAST`].
    ///
    /// # Errors
    /// They don't.
    pub(super) fn check(&self, memory: u64) -> Result<(), Short> {
        Blocks::new(self, Resources { threads: 1, memory, block: None }).map(drop)
    }
}

impl Output {
    fn of(sink: &Sink) -> Self {
        Output {
            source: sink.source,
            channels: sink.channels.len(),
            dtype: sink.dtype,
            is_renormalized: sink.renormalization.is_some(),
            intake: sink.writer.intake(),
        }
    }
}

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

/// Not even the smallest blocks fit into the memory allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "computing and writing it needs {need} bytes, {limit} are allowed; raise --memory, cut out a part or write another format"
)]
pub struct Short {
    /// Bytes that would do.
    pub need: u64,
    /// Bytes allowed.
    pub limit: u64,
}

impl Blocks {
    /// The blocks of `job` that suit `sinks` and `resources`.
    ///
    /// # Errors
    /// As [`Blocks::new`].
    pub(super) fn of(job: &ImageJob<'_>, sinks: &[Sink], resources: Resources) -> Result<Self, Short> {
        Blocks::new(&Demand::of(job, sinks), resources)
    }

    /// The blocks that suit `demand` and `resources`.
    ///
    /// # Errors
    /// Not even one thread and the smallest block fit into the memory, nor into [`LEAST`].
    fn new(demand: &Demand<'_>, resources: Resources) -> Result<Self, Short> {
        let threads = resources.threads.max(1);
        let [times, z, y, x] = demand.region.shape();
        let outputs: Vec<Writing> =
            demand.outputs.iter().map(|&output| Writing::of(output, [z, y, x])).collect();
        let work = Work::of(demand);
        let footprint = Footprint {
            shape: [z, y, x],
            times,
            halo: demand.bank.map_or([0; 3], FeatureBank::halo),
            working: &|block| work.bytes(block),
            result_bytes: outputs.iter().map(|output| output.begun.pixel_bytes).sum(),
            kept: &|block| {
                let writing = outputs.iter().map(|output| output.at_once(block)).max().unwrap_or(0);
                writing + outputs.iter().map(|output| output.kept(block)).sum::<u64>()
            },
        };
        let readers = demand.raw.kept_bytes() + demand.mask.map_or(0, |mask| mask.kept_bytes());
        let memory = resources.memory.saturating_sub(readers);
        let Choice { block, workers, in_flight, bytes } = match resources.block {
            Some(block) => footprint.with_block(block, threads, memory),
            None => footprint.choose(threads, memory),
        };
        if bytes > memory.max(LEAST) && resources.block.is_none() {
            return Err(Short { need: bytes + readers, limit: resources.memory });
        }
        let grid = BlockGrid::new([z, y, x], block);
        let per_time = grid.touching(&Roi::whole([z, y, x]));
        Ok(Blocks { region: demand.region, per_time, grid, workers, in_flight })
    }

    /// The writer of `sink`, made to take these blocks.
    pub(super) fn suited(&self, sink: Sink) -> Box<dyn ImageWriter> {
        let [t, z, y, x] = self.region.shape();
        let block = self.grid.block([0; 3]).shape();
        if Writing::of(Output::of(&sink), [z, y, x]).takes(block) {
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
    fn of(demand: &Demand<'a>) -> Self {
        const FLOAT: usize = size_of::<f32>();
        let Demand { bank, classes, ref outputs, .. } = *demand;
        let info = demand.raw.info();
        let [_, z, y, x, channels] = info.shape;
        let wants_features = outputs.iter().any(|output| output.source == ExportSource::Features);
        let features = bank.filter(|_| wants_features).map_or(0, FeatureBank::channel_count);
        // Before they are converted.
        let converted = outputs.iter().filter(|output| output.is_renormalized || output.dtype != DType::F32);
        let converted = converted.map(|output| output.channels).max().unwrap_or(0);
        let mask = demand.mask.map_or(0, |mask| samples_bytes(mask.info()) + size_of::<bool>());
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

/// What writing an output keeps in memory.
struct Writing {
    intake: Intake,
    channels: usize,
    begun: Begun,
}

impl Writing {
    /// `output` of a region of `shape`, `zyx`.
    fn of(Output { channels, dtype, intake, .. }: Output, shape: [usize; 3]) -> Self {
        let [_, depth, height, width, _] = intake.block;
        let begun = Begun { shape, unit: [depth, height, width], pixel_bytes: channels * dtype.size() };
        Writing { intake, channels, begun }
    }

    /// Whether the writer takes blocks of `block` pixels (`zyx`) as they are.
    fn takes(&self, block: [usize; 3]) -> bool {
        self.intake.any_block || self.intake.block[0] <= 1 && self.begun.is_aligned(block)
    }

    /// Bytes kept while blocks of `block` pixels (`zyx`) come.
    fn kept(&self, [z, y, x]: [usize; 3]) -> u64 {
        let begun = if self.takes([z, y, x]) { 0 } else { self.begun.bytes([z, y, x]) };
        begun + self.intake.buffered([1, z, y, x, self.channels])
    }

    /// Bytes taken to write one block of `block` pixels (`zyx`): in the file's order of axes, then of bytes.
    fn at_once(&self, block: [usize; 3]) -> u64 {
        let at_once = if self.takes(block) { block } else { self.begun.unit };
        2 * (at_once.iter().product::<usize>() * self.begun.pixel_bytes) as u64
    }
}
