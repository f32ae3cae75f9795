//! VIGRA's axis tags, the JSON in which ilastik names the axes of an image.

use serde_json::Value;

use crate::data::{Axis, AxisOrder};

/// The axes named by axis tags; `None` when the text is no such JSON or an axis is unknown or repeated.
pub(super) fn parse(text: &str) -> Option<AxisOrder> {
    let json: Value = serde_json::from_str(text).ok()?;
    let axes = json.get("axes")?.as_array()?;
    let keys: Option<Vec<Axis>> = axes
        .iter()
        .map(|axis| {
            let mut letters = axis.get("key")?.as_str()?.chars();
            let first = Axis::from_key(letters.next()?)?;
            letters.next().is_none().then_some(first)
        })
        .collect();
    AxisOrder::new(keys?).ok()
}

/// Axis tags for `axes`, laid out as VIGRA writes them.
pub(super) fn format(axes: &AxisOrder) -> String {
    let entries: Vec<String> = axes
        .axes()
        .iter()
        .map(|axis| {
            let flags = match axis {
                Axis::C => 1,
                Axis::T => 8,
                Axis::Z | Axis::Y | Axis::X => 2,
            };
            format!(
                "    {{\n      \"key\": \"{}\",\n      \"typeFlags\": {flags},\n      \"resolution\": 0,\n      \"description\": \"\"\n    }}",
                axis.key()
            )
        })
        .collect();
    format!("{{\n  \"axes\": [\n{}\n  ]\n}}", entries.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for text in ["yx", "zyxc", "tzyxc", "txyzc"] {
            let axes: AxisOrder = text.parse().expect("valid");
            assert_eq!(parse(&format(&axes)), Some(axes));
        }
    }

    #[test]
    fn refuses_what_is_no_axis_order() {
        for text in [
            "",
            "{}",
            "[]",
            "{\"axes\": 3}",
            "{\"axes\": [{\"key\": \"q\"}]}",
            "{\"axes\": [{\"key\": \"xy\"}]}",
            "{\"axes\": [{\"key\": \"x\"}, {\"key\": \"x\"}]}",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
