//! The `axistags` attribute: axes as vigra writes them, one JSON object per axis.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::data::{Axis, AxisOrder};

use super::format::PixelSize;

#[derive(Serialize, Deserialize)]
struct AxisTags {
    axes: Vec<AxisTag>,
}

#[derive(Serialize, Deserialize)]
struct AxisTag {
    key: String,
    #[serde(rename = "typeFlags", default)]
    type_flags: serde_json::Value,
    #[serde(default)]
    resolution: f64,
    #[serde(default)]
    description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
}

/// Axes and pixel sizes (canonical order) of an `axistags` text; `units` is the text of ilastik's
/// `axis_units`, an object of units by axis key. `None` when the text names no usable order.
pub fn parse(text: &str, units: Option<&str>) -> Option<(AxisOrder, [Option<PixelSize>; 5])> {
    let tags: AxisTags = serde_json::from_str(text).ok()?;
    let units: BTreeMap<String, Option<String>> =
        units.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut pixel_size: [Option<PixelSize>; 5] = Default::default();
    let mut axes = Vec::with_capacity(tags.axes.len());
    for tag in tags.axes {
        let mut keys = tag.key.chars();
        let axis = keys.next().filter(|_| keys.next().is_none()).and_then(Axis::from_key)?;
        axes.push(axis);
        let unit = tag.unit.or_else(|| units.get(&tag.key).cloned().flatten()).unwrap_or_default();
        if tag.resolution > 0.0 && tag.resolution.is_finite() && axis != Axis::C {
            pixel_size[axis as usize] = Some(PixelSize { size: tag.resolution, unit });
        }
    }
    Some((AxisOrder::new(axes).ok()?, pixel_size))
}

/// The `axistags` text of an image with `axes` and pixel sizes in canonical order.
pub fn format(axes: &AxisOrder, pixel_size: &[Option<PixelSize>; 5]) -> String {
    let tag = |&axis: &Axis| {
        let size = pixel_size[axis as usize].as_ref();
        AxisTag {
            key: axis.key().into(),
            type_flags: match axis {
                Axis::C => 1,
                Axis::T => 8,
                Axis::Z | Axis::Y | Axis::X => 2,
            }
            .into(),
            resolution: size.map_or(0.0, |s| s.size),
            description: String::new(),
            unit: size.map(|s| s.unit.clone()),
        }
    };
    let tags = AxisTags { axes: axes.axes().iter().map(tag).collect() };
    // Strings and finite numbers always serialise.
    serde_json::to_string_pretty(&tags).unwrap_or_default()
}

/// The `axis_units` text: units by axis key, `None` when no pixel size is known.
pub fn format_units(axes: &AxisOrder, pixel_size: &[Option<PixelSize>; 5]) -> Option<String> {
    let units: BTreeMap<char, &str> = axes
        .axes()
        .iter()
        .filter_map(|&axis| Some((axis.key(), pixel_size[axis as usize].as_ref()?.unit.as_str())))
        .collect();
    if units.is_empty() { None } else { serde_json::to_string(&units).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        let axes: AxisOrder = "tzyxc".parse().expect("axes");
        let mut sizes: [Option<PixelSize>; 5] = Default::default();
        sizes[3] = Some(PixelSize { size: 0.5, unit: "µm".into() });
        assert_eq!(parse(&format(&axes, &sizes), None), Some((axes, sizes)));
    }

    #[test]
    fn reads_vigra_texts() {
        let text = r#"{"axes": [{"key": "y", "typeFlags": 2, "resolution": 0.25, "description": ""},
            {"key": "x", "typeFlags": 2, "resolution": 0}, {"key": "c", "typeFlags": "Channels"}]}"#;
        let (axes, sizes) = parse(text, Some(r#"{"y": "nm", "x": null}"#)).expect("valid");
        assert_eq!(axes.to_string(), "yxc");
        assert_eq!(sizes[2], Some(PixelSize { size: 0.25, unit: "nm".into() }));
        assert_eq!(sizes[3], None);
        assert_eq!(parse(r#"{"axes": [{"key": "?"}]}"#, None), None);
        assert_eq!(parse("nonsense", None), None);
    }
}
