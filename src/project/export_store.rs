//! Export settings in a project file: the group `Prediction Export`, as ilastik keeps it.

use super::model::ExportSettings;
use super::stored::{Folder, Result};
use super::value::Value;

/// ilastik's number for a bound that is the image's own.
const OPEN: i64 = -1;

/// Reads the settings. Optional ones that make no sense count as not given.
pub(super) fn read(folder: &Folder) -> Result<ExportSettings> {
    let default = ExportSettings::default();
    let range = |low: &str, high: &str| -> Option<(f64, f64)> {
        let number = |name: &str| folder.floats(name).ok()??.values.first().copied();
        let (low, high) = (number(low)?, number(high)?);
        (low.is_finite() && high.is_finite() && low < high).then_some((low, high))
    };
    let bounds = |name: &str| -> Option<Vec<Option<usize>>> {
        let values = folder.integers(name).ok()??.values;
        let bound =
            |value: i64| if value == OPEN { Some(None) } else { usize::try_from(value).ok().map(Some) };
        values.into_iter().map(bound).collect()
    };
    let region = bounds("RegionStart").zip(bounds("RegionStop"));
    Ok(ExportSettings {
        filename_format: folder.text("OutputFilenameFormat")?.unwrap_or(default.filename_format),
        format: folder.text("OutputFormat")?.unwrap_or(default.format),
        internal_path: folder.text("OutputInternalPath")?.unwrap_or(default.internal_path),
        region: region.filter(|(start, stop)| start.len() == stop.len() && !start.is_empty()).map(Into::into),
        ranges: range("InputMin", "InputMax").zip(range("ExportMin", "ExportMax")).map(Into::into),
        dtype: folder.text("ExportDtype").ok().flatten().and_then(|name| name.parse().ok()),
        axes: folder.text("OutputAxisOrder").ok().flatten().and_then(|axes| axes.parse().ok()),
    })
}

/// The datasets of the group by name; those without a value are to be removed.
pub(super) fn fields(settings: &ExportSettings) -> Vec<(&'static str, Option<Value>)> {
    let bounds = |i: usize| {
        let region = settings.region.as_ref()?;
        let number = |bound: &Option<usize>| bound.map_or(OPEN, |n| i64::try_from(n).unwrap_or(i64::MAX));
        Some(Value::vector_i64(region[i].iter().map(number).collect()))
    };
    let end = |i: usize, high: bool| {
        let (low_end, high_end) = settings.ranges.as_ref()?[i];
        Some(Value::Float(if high { high_end } else { low_end }))
    };
    vec![
        ("OutputFilenameFormat", Some(Value::text(&settings.filename_format))),
        ("OutputFormat", Some(Value::text(&settings.format))),
        ("OutputInternalPath", Some(Value::text(&settings.internal_path))),
        ("RegionStart", bounds(0)),
        ("RegionStop", bounds(1)),
        ("InputMin", end(0, false)),
        ("InputMax", end(0, true)),
        ("ExportMin", end(1, false)),
        ("ExportMax", end(1, true)),
        ("ExportDtype", settings.dtype.map(|dtype| Value::text(dtype.name()))),
        ("OutputAxisOrder", settings.axes.as_ref().map(|axes| Value::text(&axes.to_string()))),
    ]
}
