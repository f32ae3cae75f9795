//! Reads and writes images by a list of jobs, so that `run.py` can compare with other programs.
//!
//! `interop JOBS.json`: each job is `{"read": LOCATION, "to": NPY, "axes"?, "stack_along"?}` or
//! `{"write": NPY, "axes": AXES, "to": PATH, "format": NAME, "order": AXES, "pixel_size"?}`; results go to
//! standard output, one JSON value per job. Arrays are exchanged as `.npy` in the order `tzyxc`.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;

use brushwood::data::{Axis, AxisOrder, Roi5};
use brushwood::io::{self, ImageReader, ImageSpec, OpenOptions, PixelSize};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: interop JOBS.json")?;
    let jobs: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    for job in &jobs {
        let result = if job.get("read").is_some() { read(job) } else { write(job) };
        println!("{}", result.unwrap_or_else(|e| json!({ "error": e.to_string() })));
    }
    Ok(())
}

fn text<'a>(job: &'a Value, key: &str) -> Result<&'a str, String> {
    job.get(key).and_then(Value::as_str).ok_or_else(|| format!("a job lacks '{key}'"))
}

fn read(job: &Value) -> Result<Value, Box<dyn Error>> {
    let mut options = OpenOptions::default();
    if let Ok(axes) = text(job, "axes") {
        options.axes = Some(axes.parse()?);
    }
    if let Ok(axis) = text(job, "stack_along") {
        options.stack_along = axis.chars().next().and_then(Axis::from_key);
    }
    let image = io::open(text(job, "read")?, &options)?;
    let info = image.info();
    let spec = ImageSpec::new(AxisOrder::canonical(), info.shape, info.dtype);
    copy(&*image, "numpy", Path::new(text(job, "to")?), &spec)?;
    let sizes: Vec<Value> =
        info.pixel_size.iter().map(|s| s.as_ref().map_or(Value::Null, |s| json!([s.size, s.unit]))).collect();
    Ok(json!({ "axes": info.axes.to_string(), "shape": info.shape, "dtype": info.dtype.name(),
        "pixel_size": sizes, "data_range": info.data_range.map(|(low, high)| [low, high]) }))
}

fn write(job: &Value) -> Result<Value, Box<dyn Error>> {
    let options = OpenOptions { axes: Some(text(job, "axes")?.parse()?), ..OpenOptions::default() };
    let image = io::open(text(job, "write")?, &options)?;
    let info = image.info();
    let mut spec = ImageSpec::new(text(job, "order")?.parse()?, info.shape, info.dtype);
    if let Some(sizes) = job.get("pixel_size").and_then(Value::as_array) {
        for (slot, size) in spec.pixel_size.iter_mut().zip(sizes) {
            if let (Some(size), Some(unit)) = (size[0].as_f64(), size[1].as_str()) {
                *slot = Some(PixelSize { size, unit: unit.into() });
            }
        }
    }
    if let Some([low, high]) = job.get("data_range").and_then(Value::as_array).map(Vec::as_slice) {
        spec.data_range = low.as_f64().zip(high.as_f64());
    }
    if let Ok(internal) = text(job, "internal") {
        spec.internal_path = internal.into();
    }
    copy(&*image, text(job, "format")?, Path::new(text(job, "to")?), &spec)?;
    Ok(json!({}))
}

/// Copies an image block by block, in the blocks that the writer prefers.
fn copy(image: &dyn ImageReader, format: &str, to: &Path, spec: &ImageSpec) -> Result<(), io::Error> {
    let mut writer = io::create(format, to, spec)?;
    let block = writer.intake().block;
    let count: [usize; 5] = std::array::from_fn(|i| spec.shape[i].div_ceil(block[i]));
    for n in 0..count.iter().product() {
        let mut rest = n;
        let mut start = [0; 5];
        for i in (0..5).rev() {
            start[i] = rest % count[i] * block[i];
            rest /= count[i];
        }
        let stop = std::array::from_fn(|i| (start[i] + block[i]).min(spec.shape[i]));
        writer.write(start, &image.read(&Roi5::new(start, stop))?)?;
    }
    writer.finish()
}
