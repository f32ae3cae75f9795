//! Bookmarks: places in the images with a note.
//!
//! Ours live in `/brushwood`. ilastik's, which only its debug mode makes, are Python pickles: those that are
//! plain text of lists, tuples, numbers and strings are read where we have none of our own; they stay in
//! the file as they are.

use serde::{Deserialize, Serialize};

use super::model::Lane;
use super::stored::{Folder, Result};
use crate::data::Axis;

/// A place worth coming back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
    /// Id of the image ([`DatasetInfo::id`](super::DatasetInfo::id)).
    pub image: String,
    /// The pixel, `tzyx`.
    pub at: [usize; 4],
    /// What the user says about it.
    pub note: String,
}

/// ilastik's bookmarks of `lanes`, whose numbers in the file are `indices`.
pub(super) fn read(
    classification: Option<&Folder>,
    indices: &[usize],
    lanes: &[Lane],
) -> Result<Vec<Bookmark>> {
    let Some(folder) = classification.map(|folder| folder.folder("Bookmarks")).transpose()?.flatten() else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for (index, lane) in indices.iter().zip(lanes) {
        // A pickle of another kind is none of ours to judge.
        if let Ok(Some(text)) = folder.text(&format!("{index:04}")) {
            found.extend(bookmarks_of(&text, lane));
        }
    }
    Ok(found)
}

/// The bookmarks in a pickled list of (coordinates in the image's axes, note).
fn bookmarks_of(pickle: &str, lane: &Lane) -> Vec<Bookmark> {
    let Some(Object::Sequence(entries)) = unpickle(pickle) else { return Vec::new() };
    entries.into_iter().filter_map(|entry| bookmark_of(entry, lane)).collect()
}

fn bookmark_of(entry: Object, lane: &Lane) -> Option<Bookmark> {
    let Object::Sequence(parts) = entry else { return None };
    let parts: [Object; 2] = parts.try_into().ok()?;
    let [Object::Sequence(coordinates), Object::Text(note)] = parts else { return None };
    let mut at = [0; 4];
    let axes = lane.raw.axes.axes().iter().copied().chain([Axis::C]);
    if coordinates.len() < lane.raw.axes.len() {
        return None;
    }
    for (axis, value) in axes.zip(coordinates) {
        let Object::Number(value) = value else { return None };
        if axis != Axis::C {
            at[axis as usize] = usize::try_from(value).ok()?;
        }
    }
    (0..4).all(|i| at[i] < lane.labels.shape()[i]).then(|| Bookmark { image: lane.raw.id.clone(), at, note })
}

/// What a simple pickle holds.
#[derive(Clone, Debug, PartialEq)]
enum Object {
    Number(i64),
    Text(String),
    Sequence(Vec<Object>),
    /// Where a list or tuple begins on the stack.
    Mark,
}

/// Reads Python's pickle protocol 0 as far as it is made of whole numbers, texts, lists and tuples; `None`
/// for everything else. Nothing is executed, and nothing grows beyond the text.
fn unpickle(text: &str) -> Option<Object> {
    let mut stack: Vec<Object> = Vec::new();
    let mut memo: std::collections::BTreeMap<String, Object> = std::collections::BTreeMap::new();
    let mut rest = text;
    let mut copied = 0;
    loop {
        let (operation, after) = rest.split_at_checked(1)?;
        rest = after;
        let mut line = || {
            let (line, after) = rest.split_once('\n')?;
            rest = after;
            Some(line)
        };
        match operation {
            "(" => stack.push(Object::Mark),
            "I" | "L" => stack.push(Object::Number(line()?.trim_end_matches('L').parse().ok()?)),
            "V" => stack.push(Object::Text(line()?.to_owned())),
            "S" => stack.push(Object::Text(line()?.trim_matches(['\'', '"']).to_owned())),
            "l" | "t" => {
                let parts = since_mark(&mut stack)?;
                stack.push(Object::Sequence(parts));
            }
            "a" => {
                let item = stack.pop()?;
                let Object::Sequence(list) = stack.last_mut()? else { return None };
                list.push(item);
            }
            "e" => {
                let items = since_mark(&mut stack)?;
                let Object::Sequence(list) = stack.last_mut()? else { return None };
                list.extend(items);
            }
            "p" => {
                let name = line()?.to_owned();
                // A list is numbered while it is empty, and only then is it filled: what refers to it later
                // would need more than this reader knows.
                if !matches!(stack.last()?, Object::Sequence(_)) {
                    memo.insert(name, stack.last()?.clone());
                }
            }
            "g" => {
                copied += 1;
                let object = memo.get(line()?)?.clone();
                if copied > text.len() / 4 {
                    return None;
                }
                stack.push(object);
            }
            "." => return stack.pop().filter(|_| stack.is_empty()),
            _ => return None,
        }
    }
}

fn since_mark(stack: &mut Vec<Object>) -> Option<Vec<Object>> {
    let mark = stack.iter().rposition(|object| *object == Object::Mark)?;
    let parts = stack.split_off(mark + 1);
    stack.pop();
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::LabelVolume;
    use crate::project::{DatasetInfo, DatasetLocation};

    fn lane(axes: &str, shape: &[usize]) -> Lane {
        let axes: crate::data::AxisOrder = axes.parse().expect("axes");
        let [t, z, y, x, _] = axes.canonical_shape(shape);
        let raw = DatasetInfo {
            location: DatasetLocation::Relative("a.tif".into()),
            id: "id".into(),
            nickname: "a".into(),
            axes,
            shape: shape.to_vec(),
            display_mode: "default".into(),
            normalize_display: None,
            data_range: None,
            content_hash: None,
        };
        Lane { raw, mask: None, labels: LabelVolume::new([t, z, y, x]) }
    }

    #[test]
    fn ilastiks_bookmarks_are_read() {
        let list = "(lp0\n((lp1\nI7\naI30\naI20\naI0\naVa vessel\np2\ntp3\na.";
        let found = bookmarks_of(list, &lane("zyx", &[10, 40, 50]));
        assert_eq!(found, [Bookmark { image: "id".into(), at: [0, 7, 30, 20], note: "a vessel".into() }]);
        let tuple = "(lp0\n((I1\nI2\ntp1\nS'b'\np2\ntp3\na((I3\nI4\ntg2\nta.";
        let found = bookmarks_of(tuple, &lane("yx", &[10, 10]));
        assert_eq!(
            found.iter().map(|b| (b.at, b.note.as_str())).collect::<Vec<_>>(),
            [([0, 0, 1, 2], "b"), ([0, 0, 3, 4], "b")]
        );
    }

    #[test]
    fn other_pickles_are_none_of_ours() {
        let lane = lane("yx", &[10, 10]);
        for text in [
            "",
            "(lp0\n.",
            "cos\nsystem\n(S'ls'\ntR.",
            "(lp0\n((I1\nI99\nt",
            "(((((",
            "g1\n.",
            "I1\n.",
            "\u{e9}",
        ] {
            assert_eq!(bookmarks_of(text, &lane), [], "{text:?}");
        }
        assert_eq!(bookmarks_of("(lp0\n((I1\nI99\ntVfar\nta.", &lane), [], "outside the image");
    }
}
