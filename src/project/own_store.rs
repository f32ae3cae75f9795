//! Our own data in a project file: the group `/brushwood`, which ilastik keeps.

use std::collections::BTreeMap;

use super::model::{Lane, Project};
use super::stored::{Folder, Result};
use super::value::Value;
use crate::classify::{Forest, Node};

/// Name of the group.
pub(super) const GROUP: &str = "brushwood";

/// Reads our data into `project`, whose lanes and forest were read before.
pub(super) fn read(root: &Folder, project: &mut Project) -> Result<()> {
    let Some(folder) = root.folder(GROUP)? else { return Ok(()) };
    if let Some(seed) = folder.text("seed")?.and_then(|text| text.parse().ok()) {
        project.seed = seed;
    }
    if let Some(bookmarks) = folder.text("bookmarks")?.and_then(|text| serde_json::from_str(&text).ok()) {
        project.bookmarks = bookmarks;
    }
    if let Some(locked) = folder.integers("locked_labels")? {
        for class in locked.values.iter().filter_map(|&n| usize::try_from(n - 1).ok()) {
            if let Some(class) = project.classes.get_mut(class) {
                class.locked = true;
            }
        }
    }
    if let (Some(text), Some(selection)) = (folder.text("unused_channels")?, &mut project.selection) {
        selection.unused_channels = serde_json::from_str(&text).unwrap_or_default();
    }
    if let Some(settings) = map(folder.text("settings")?) {
        project.settings = settings;
    }
    if let Some(hashes) = map(folder.text("content_hashes")?) {
        let infos = project.lanes.iter_mut().flat_map(|lane| lane.mask.iter_mut().chain([&mut lane.raw]));
        for info in infos {
            info.content_hash = hashes.get(&info.id).cloned();
        }
    }
    // ilastik may have trained anew since: what we know of the forest holds for that forest only.
    let fingerprint = project.forest.as_deref().map(fingerprint);
    if fingerprint.is_some() && folder.text("forest")? == fingerprint {
        project.oob_error = folder.floats("oob_error")?.and_then(|n| n.values.first().copied());
        project.algorithm_version = folder
            .integers("algorithm_version")?
            .and_then(|n| n.values.first().and_then(|&v| u32::try_from(v).ok()));
    }
    Ok(())
}

/// The datasets of the group by name; those without a value are to be removed.
pub(super) fn fields(project: &Project, lanes: &[Lane]) -> Vec<(&'static str, Option<Value>)> {
    let hashes: BTreeMap<String, String> = lanes
        .iter()
        .flat_map(|lane| [Some(&lane.raw), lane.mask.as_ref()])
        .flatten()
        .filter_map(|info| Some((info.id.clone(), info.content_hash.clone()?)))
        .collect();
    let unused = project.selection.as_ref().map_or(&[][..], |selection| &selection.unused_channels);
    let forest = project.forest.as_deref();
    let number = |n: i64| Value::Int64s(Vec::new(), vec![n]);
    let locked: Vec<i64> = (1..).zip(&project.classes).filter(|(_, c)| c.locked).map(|(n, _)| n).collect();
    let bookmarks = serde_json::to_string(&project.bookmarks).ok();
    vec![
        ("StorageVersion", Some(Value::text("0.1"))),
        ("seed", Some(Value::Text(project.seed.to_string()))),
        ("bookmarks", bookmarks.filter(|_| !project.bookmarks.is_empty()).map(Value::Text)),
        ("locked_labels", (!locked.is_empty()).then(|| Value::Int64s(vec![locked.len()], locked))),
        ("unused_channels", (!unused.is_empty()).then(|| Value::Text(serde_json::json!(unused).to_string()))),
        ("settings", (!project.settings.is_empty()).then(|| json(&project.settings))),
        ("content_hashes", (!hashes.is_empty()).then(|| json(&hashes))),
        ("forest", forest.map(|forest| Value::Text(fingerprint(forest)))),
        ("oob_error", forest.and(project.oob_error).map(|error| Value::Floats(vec![error]))),
        ("algorithm_version", forest.and(project.algorithm_version).map(|v| number(v.into()))),
    ]
}

fn map(text: Option<String>) -> Option<BTreeMap<String, String>> {
    serde_json::from_str(&text?).ok()
}

fn json(map: &BTreeMap<String, String>) -> Value {
    let entries = map.iter().map(|(key, value)| (key.clone(), serde_json::Value::from(value.as_str())));
    Value::Text(serde_json::Value::Object(entries.collect()).to_string())
}

/// A hash of all that a forest is (FNV-1a, 64 bits), the same in every process.
fn fingerprint(forest: &Forest) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |value: u64| {
        for byte in value.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    add(forest.feature_count as u64);
    forest.classes.iter().for_each(|&class| add(class.into()));
    for tree in &forest.trees {
        add(tree.nodes.len() as u64);
        // Depth first, so that the numbering of the nodes does not matter.
        let mut open = vec![0_u32];
        while let Some(node) = open.pop().and_then(|index| tree.nodes.get(index as usize)) {
            match node {
                Node::Split { column, threshold, below, above } => {
                    add((*column).into());
                    add(threshold.to_bits());
                    open.extend([*above, *below]);
                }
                Node::Leaf { shares, rows } => {
                    add(rows.to_bits());
                    shares.iter().for_each(|share| add(share.to_bits()));
                }
            }
        }
    }
    format!("{hash:016x}")
}
