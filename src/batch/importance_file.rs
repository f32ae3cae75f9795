//! Variable importance as a file: one line for each feature channel, most important first.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::classify::Importance;
use crate::io::{self, atomic::replace_file};

/// Name of the file in the folder that the user gives.
const NAME: &str = "variable_importance.csv";

/// The file in `folder`.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// Writes `importance` of the channels `features`, for each of `classes`, overall, and by Gini gain; a file that
/// is there is replaced.
///
/// # Errors
/// The folder or the file can't be written.
pub(super) fn write(
    folder: &Path,
    features: &[String],
    classes: &[String],
    importance: &Importance,
) -> Result<(), io::Error> {
    std::fs::create_dir_all(folder).map_err(|error| io::Error::io(folder, error))?;
    let columns = classes.iter().map(String::as_str);
    let header: Vec<String> =
        ["feature"].into_iter().chain(columns).chain(["overall", "gini"]).map(cell).collect();
    let mut text = header.join(",") + "\n";
    let mut order: Vec<usize> = (0..importance.overall.len()).collect();
    order.sort_by(|&a, &b| importance.overall[b].total_cmp(&importance.overall[a]));
    for channel in order {
        let per_class = importance.per_class.row(channel);
        let values = per_class.iter().chain([&importance.overall[channel], &importance.gini[channel]]);
        let name = features.get(channel).map_or("", String::as_str);
        let line: Vec<String> = [cell(name)].into_iter().chain(values.map(f64::to_string)).collect();
        text.push_str(&line.join(","));
        text.push('\n');
    }
    let path = path(folder);
    replace_file(&path, |file| file.write_all(text.as_bytes()).map_err(|error| io::Error::io(&path, error)))
}

/// A text as a cell of CSV.
fn cell(text: &str) -> String {
    let is_plain = !text.contains([',', '"', '\n', '\r']);
    if is_plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}
