//! Lanes as stored: `Input Data/infos/laneNNNN/ROLE`.
//!
//! Datasets are described, never opened, so a project with missing images loads.

use super::model::{DataRole, DatasetInfo, DatasetLocation};
use super::stored::{Folder, Result};
use super::value::Value;
use super::{axistags, lanes};
use crate::data::AxisOrder;

/// Folder of the copies inside a project file.
pub(super) const LOCAL_DATA: &str = "Input Data/local_data";

/// More samples than any image has; keeps sums of sizes from overflowing.
const MAX_SAMPLES: usize = 1 << 48;

/// Reads the dataset of a role; `None` when the role's group is empty. Versions before roles described
/// the image in the lane's own group.
pub(super) fn read(
    lane: &Folder,
    role: DataRole,
    local_data: Option<&Folder>,
) -> Result<Option<DatasetInfo>> {
    match lane.folder(role.name())? {
        Some(folder) => read_info(&folder, local_data),
        None if role == DataRole::RawData => read_info(lane, local_data),
        None => Ok(None),
    }
}

fn read_info(folder: &Folder, local_data: Option<&Folder>) -> Result<Option<DatasetInfo>> {
    if folder.datasets().is_empty() {
        return Ok(None);
    }
    let id = folder.text("datasetId")?.unwrap_or_default();
    let path = folder.text("filePath")?.unwrap_or_default();
    let kind = folder.text("__class__")?.unwrap_or_default();
    let is_internal = kind == "ProjectInternalDatasetInfo"
        || folder.text("location")?.is_some_and(|location| location == "ProjectInternal");
    let location = if is_internal {
        let inner = folder.text("inner_path")?.unwrap_or_else(|| format!("{LOCAL_DATA}/{id}"));
        let inner = inner.trim_start_matches('/');
        let below = inner.strip_prefix(LOCAL_DATA).map(|rest| rest.trim_start_matches('/'));
        DatasetLocation::Internal(below.unwrap_or(inner).to_owned())
    } else if kind.contains("Url") || path.contains("://") {
        DatasetLocation::Url(path)
    } else {
        file_location(path)
    };
    let mut shape: Vec<usize> = folder
        .integers("shape")?
        .map(|numbers| numbers.values.iter().filter_map(|&n| usize::try_from(n).ok()).collect())
        .unwrap_or_default();
    if shape.is_empty()
        && let (DatasetLocation::Internal(name), Some(local)) = (&location, local_data)
    {
        shape = local.shape(name)?.unwrap_or_default();
    }
    let axes = match folder.text("axistags")?.as_deref().and_then(axistags::parse) {
        Some(axes) => Some(axes),
        None => folder.text("axisorder")?.and_then(|order| order.parse::<AxisOrder>().ok()),
    };
    let axes = axes.or_else(|| AxisOrder::guess(&shape)).unwrap_or_else(AxisOrder::canonical);
    let pixels = shape.iter().try_fold(1_usize, |pixels, &n| pixels.checked_mul(n));
    let is_possible = shape.len() == axes.len() && pixels.is_some_and(|n| (1..=MAX_SAMPLES).contains(&n));
    if !shape.is_empty() && !is_possible {
        return Err(folder.damage("shape", format!("{shape:?} is no shape of an image with the axes {axes}")));
    }
    let range = folder.floats("drange")?.map(|numbers| numbers.values);
    let nickname = match folder.text("nickname")? {
        Some(name) => name,
        None => lanes::nickname(&location),
    };
    Ok(Some(DatasetInfo {
        nickname,
        id,
        axes,
        shape,
        display_mode: folder.text("display_mode")?.unwrap_or_else(|| "default".into()),
        normalize_display: folder.flag("normalizeDisplay")?,
        data_range: range.filter(|r| r.len() == 2).map(|r| (r[0], r[1])),
        location,
        content_hash: None,
    }))
}

/// The location of a file or of the files of a stack. Windows separates folders by backslashes, the files
/// of a stack by semicolons, and begins absolute paths with a drive.
fn file_location(path: String) -> DatasetLocation {
    let is_of_windows = path.contains('\\') || lanes::has_drive(&path) || is_semicolon_list(&path);
    if !is_of_windows {
        return match path.starts_with('/') {
            true => DatasetLocation::Absolute(path),
            false => DatasetLocation::Relative(path),
        };
    }
    let is_absolute = lanes::has_drive(&path) || path.starts_with(['/', '\\']);
    let path = path.replace('\\', "/").replace(';', ":");
    if is_absolute { DatasetLocation::Absolute(path) } else { DatasetLocation::Relative(path) }
}

/// Whether semicolons separate files of one kind: they may be part of a name, too.
fn is_semicolon_list(path: &str) -> bool {
    let extension = |part: &str| part.rsplit_once('.').map(|(_, extension)| extension.to_owned());
    let mut parts = path.split(';').map(extension);
    let first = parts.next().flatten();
    path.contains(';') && first.is_some() && parts.all(|other| other == first)
}

/// The datasets that describe `info`, by name.
pub(super) fn fields(info: &DatasetInfo) -> Vec<(&'static str, Value)> {
    let (kind, place, path) = match &info.location {
        DatasetLocation::Relative(path) => ("RelativeFilesystemDatasetInfo", "FileSystem", path.clone()),
        DatasetLocation::Absolute(path) => ("FilesystemDatasetInfo", "FileSystem", path.clone()),
        DatasetLocation::Internal(name) | DatasetLocation::ToCopy { name, .. } => {
            ("ProjectInternalDatasetInfo", "ProjectInternal", format!("{LOCAL_DATA}/{name}"))
        }
        DatasetLocation::Url(url) => ("UrlDatasetInfo", "FileSystem", url.clone()),
    };
    let mut fields = vec![
        ("__class__", Value::text(kind)),
        ("filePath", Value::Text(path.clone())),
        ("location", Value::text(place)),
        ("datasetId", Value::text(&info.id)),
        ("nickname", Value::text(&info.nickname)),
        ("axistags", Value::Text(axistags::format(&info.axes))),
        ("display_mode", Value::text(&info.display_mode)),
    ];
    if !info.shape.is_empty() {
        fields.push(("shape", Value::vector_i64(info.shape.iter().map(|&n| n as i64).collect())));
    }
    if let Some(normalize) = info.normalize_display {
        fields.push(("normalizeDisplay", Value::Flag(normalize)));
    }
    if let Some((low, high)) = info.data_range {
        fields.push(("drange", Value::Floats(vec![low, high])));
    }
    match &info.location {
        DatasetLocation::Internal(_) | DatasetLocation::ToCopy { .. } => {
            fields.push(("inner_path", Value::Text(path)))
        }
        DatasetLocation::Url(url) => fields.push(("url", Value::text(url))),
        _ => {}
    }
    fields
}

/// Further datasets of a dataset that is new to the file.
pub(super) fn constants() -> Vec<(&'static str, Value)> {
    vec![
        ("allowLabels", Value::Flag(true)),
        ("axis_units", Value::text("null")),
        ("scale_locked", Value::Flag(false)),
        ("working_scale", Value::text("")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_of_files() {
        let relative = |path: &str| DatasetLocation::Relative(path.into());
        let absolute = |path: &str| DatasetLocation::Absolute(path.into());
        for (stored, expect) in [
            ("images/a.tif", relative("images/a.tif")),
            ("/data/a.h5/volume", absolute("/data/a.h5/volume")),
            ("a_0.png:a_1.png", relative("a_0.png:a_1.png")),
            ("a;b.png", relative("a;b.png")),
            ("a_0.png;a_1.png", relative("a_0.png:a_1.png")),
            ("images\\a.h5/volume", relative("images/a.h5/volume")),
            ("..\\a_0.png;..\\a_1.png", relative("../a_0.png:../a_1.png")),
            ("C:\\data\\a.tif", absolute("C:/data/a.tif")),
            ("D:/data/a.tif", absolute("D:/data/a.tif")),
            ("\\\\server\\share\\a.tif", absolute("//server/share/a.tif")),
        ] {
            assert_eq!(file_location(stored.into()), expect, "{stored}");
        }
    }
}
