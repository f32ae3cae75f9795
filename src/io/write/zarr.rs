//! OME-Zarr (OME-NGFF 0.4 on Zarr version 2): an image as a folder of arrays, one or several levels of it.

use std::path::Path;

use serde_json::{Value, json};

use crate::data::{Axis, AxisOrder, Volume};
use crate::io::atomic::Sealed;
use crate::io::axistags;
use crate::io::error::Error;
use crate::io::format::{ImageSpec, Intake, PixelSize};
use crate::io::pending_folder::PendingFolder;

use super::Sink;
use super::chunk_folder::{ChunkFolder, LEVEL, Layout, write_json};
use super::chunks::ChunkGrid;
use super::npy;
use super::pyramid::{Pyramid, level_shapes};

const GROUP: &str = ".zgroup";
const ARRAY: &str = ".zarray";
const ATTRIBUTES: &str = ".zattrs";

/// The order that the format asks for: time, channels, space.
const AXES: [Axis; 5] = [Axis::T, Axis::C, Axis::Z, Axis::Y, Axis::X];

/// An image being written.
pub(super) struct ZarrSink {
    pending: PendingFolder,
    array: ChunkFolder,
    pyramid: Pyramid,
}

/// The axes of all arrays.
pub(super) fn axes() -> AxisOrder {
    AxisOrder::new(AXES).unwrap_or_else(|_| AxisOrder::canonical())
}

/// How it takes blocks.
pub(super) fn intake(spec: &ImageSpec) -> Intake {
    ChunkGrid::new(axes(), spec).intake()
}

/// Name of a level's array.
fn level_name(level: usize) -> String {
    format!("s{level}")
}

impl ZarrSink {
    /// Starts the image `spec`, which will be the folder `path`; `multi` for smaller levels beside it.
    pub(super) fn create(path: &Path, spec: &ImageSpec, multi: bool) -> Result<Self, Error> {
        let pending = PendingFolder::create(path, None)?;
        let root = pending.temporary_path();
        let grid = ChunkGrid::new(axes(), spec);
        let shapes = if multi { level_shapes(spec.shape, spec.dtype) } else { vec![spec.shape] };
        let pyramid = Pyramid::new(spec, &grid, &shapes, |level| root.join(level_name(level)));
        let array = ChunkFolder { path: root.join(level_name(0)), grid, layout: Layout::Zarr };
        let sink = ZarrSink { pending, array, pyramid };
        sink.describe(path, spec, &shapes).map_err(|e| Error::io(path, e))?;
        Ok(sink)
    }

    /// Writes what is said of the image and of each array.
    fn describe(&self, path: &Path, spec: &ImageSpec, shapes: &[[usize; 5]]) -> std::io::Result<()> {
        let root = self.pending.temporary_path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        write_json(&root.join(GROUP), &json!({ "zarr_format": 2 }))?;
        let mut image = json!({
            "version": "0.4",
            "name": name.trim_end_matches(".zarr").trim_end_matches(".ome"),
            "axes": AXES.map(|axis| described(axis, spec.pixel_size[axis as usize].as_ref())),
            "datasets": datasets(spec, shapes),
        });
        if shapes.len() > 1 {
            image["type"] = if spec.categorical { "nearest" } else { "mean" }.into();
        }
        let creator = json!({ "name": "brushwood", "version": env!("CARGO_PKG_VERSION") });
        write_json(&root.join(ATTRIBUTES), &json!({ "multiscales": [image], "_creator": creator }))?;
        let mut attributes = json!({ "axistags": axistags::format(&axes(), &spec.pixel_size) });
        if let Some(units) = axistags::format_units(&axes(), &spec.pixel_size) {
            attributes["axis_units"] = units.into();
        }
        if let Some((low, high)) = spec.data_range {
            attributes["drange"] = json!([low, high]);
        }
        if let Some(mode) = &spec.display_mode {
            attributes["display_mode"] = mode.as_str().into();
        }
        for ChunkFolder { path, grid, .. } in std::iter::once(&self.array).chain(self.pyramid.arrays()) {
            let array = json!({
                "zarr_format": 2,
                "shape": grid.axes.pick(&grid.shape),
                "chunks": grid.axes.pick(&grid.chunk),
                "dtype": npy::type_name(grid.dtype),
                "compressor": { "id": "gzip", "level": LEVEL },
                "fill_value": 0,
                "order": "C",
                "filters": null,
                "dimension_separator": "/",
            });
            write_json(&path.join(ARRAY), &array)?;
        }
        write_json(&self.array.path.join(ATTRIBUTES), &attributes)
    }
}

/// An axis as OME-NGFF describes it.
fn described(axis: Axis, size: Option<&PixelSize>) -> Value {
    let kind = match axis {
        Axis::T => "time",
        Axis::C => "channel",
        Axis::Z | Axis::Y | Axis::X => "space",
    };
    let mut described = json!({ "name": axis.key().to_string(), "type": kind });
    if let Some(unit) = size.map(|size| unit_name(&size.unit)).filter(|unit| !unit.is_empty()) {
        described["unit"] = unit.into();
    }
    described
}

/// OME-NGFF's name of a unit, or its own where there is none.
fn unit_name(unit: &str) -> &str {
    match unit {
        "nm" => "nanometer",
        "µm" | "μm" | "um" | "micron" | "microns" => "micrometer",
        "mm" => "millimeter",
        "cm" => "centimeter",
        "m" => "meter",
        "ms" => "millisecond",
        "s" | "sec" => "second",
        "min" => "minute",
        "h" => "hour",
        "pixel" => "",
        other => other,
    }
}

/// Each level with the size of its pixels and where the first of them has its centre: a cutout lies where it was
/// cut, and a pixel in the middle of those that it stands for.
fn datasets(spec: &ImageSpec, shapes: &[[usize; 5]]) -> Vec<Value> {
    let size = |axis: Axis| spec.pixel_size[axis as usize].as_ref().map_or(1.0, |size| size.size);
    let mut factors = [1.0; 5];
    let mut before = spec.shape;
    let mut levels = Vec::with_capacity(shapes.len());
    for shape in shapes {
        (0..5).filter(|&i| shape[i] < before[i]).for_each(|i| factors[i] *= 2.0);
        before = *shape;
        let scale = AXES.map(|axis| size(axis) * factors[axis as usize]);
        let place = AXES.map(|axis| match axis {
            Axis::C => 0.0,
            axis => size(axis) * (spec.origin[axis as usize] as f64 + (factors[axis as usize] - 1.0) / 2.0),
        });
        levels.push((scale, place));
    }
    let is_placed = levels.iter().any(|(_, place)| place.iter().any(|&at| at != 0.0));
    let dataset = |(level, (scale, place)): (usize, ([f64; 5], [f64; 5]))| {
        let mut steps = vec![json!({ "type": "scale", "scale": scale })];
        if is_placed {
            steps.push(json!({ "type": "translation", "translation": place }));
        }
        json!({ "path": level_name(level), "coordinateTransformations": steps })
    };
    levels.into_iter().enumerate().map(dataset).collect()
}

impl Sink for ZarrSink {
    fn write(&mut self, start: [usize; 5], block: &Volume) -> Result<(), Error> {
        let ZarrSink { pending, array, pyramid } = self;
        let mut written = Vec::new();
        let store = |at, chunk: &Volume| array.write(at, chunk);
        array.grid.each_chunk(pending.target(), (start, block), store, |at, ()| {
            written.push(at);
            Ok(())
        })?;
        pyramid.advance(array, written).map_err(|e| Error::io(pending.target(), e))
    }

    fn seal(self: Box<Self>) -> Result<Vec<Sealed>, Error> {
        Ok(vec![self.pending.seal()?])
    }
}

/// Checks that what is at `path` may be replaced: a folder with no other arrays than levels of an image like
/// those that are written here.
///
/// # Errors
/// It is a file, a folder of something else, or holds more.
pub(super) fn check_replaced(path: &Path) -> Result<(), Error> {
    let refuse = |what: String| Err(Error::io(path, std::io::Error::other(what)));
    if !path.is_dir() {
        return refuse(
            "a file has this name, and an OME-Zarr is a folder; use another name or remove the file".into(),
        );
    }
    let entries = std::fs::read_dir(path).map_err(|e| Error::io(path, e))?.flatten();
    let names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    if !names.is_empty() && !names.iter().any(|name| name == GROUP) {
        return refuse(
            "a folder of something else has this name; use another name or remove the folder".into(),
        );
    }
    let is_level = |name: &str| name.strip_prefix('s').is_some_and(|n| n.parse::<usize>().is_ok());
    match names.iter().find(|name| ![GROUP, ATTRIBUTES].contains(&&***name) && !is_level(name)) {
        None => Ok(()),
        Some(other) => refuse(format!(
            "it also holds '{other}', which would be lost; use another name or remove the folder"
        )),
    }
}
