//! Label classes: adding, selecting, naming, colouring, merging, deleting.

use super::edits::Edit;
use super::messages::Level;
use super::paint::Tool;
use super::state::App;
use crate::data::classes::{DEFAULT_COLORS, MAX_CLASSES, Rgb};
use crate::data::{LabelClass, LabelEdit};

/// Reads `#rrggbb` or `rrggbb`.
pub fn parse_color(text: &str) -> Option<Rgb> {
    let digits = text.trim().trim_start_matches('#');
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let part = |i: usize| u8::from_str_radix(&digits[i..i + 2], 16).ok();
    Some([part(0)?, part(2)?, part(4)?])
}

/// A map of label values that leaves all as they are.
fn identity() -> [u8; 256] {
    std::array::from_fn(|i| i as u8)
}

impl App {
    pub(super) fn add_label(&mut self) {
        if self.project.classes.len() >= MAX_CLASSES {
            return;
        }
        let mut classes = self.project.classes.clone();
        classes.push(LabelClass::next(&classes));
        let number = classes.len();
        let what = format!("add '{}'", classes[number - 1].name);
        self.edit_classes(what, classes, &identity());
        self.paint.label = number;
    }

    pub(super) fn select_label(&mut self, number: usize) {
        let count = self.project.classes.len();
        if number > count {
            return self.tell(
                Level::Warning,
                format!("There is no label {number}"),
                format!("the project has {count}"),
                "Add one first",
            );
        }
        if number != self.paint.label {
            self.lift_pen();
        }
        self.end_stroke();
        self.paint.label = number;
        self.paint.tool = Tool::Brush;
    }

    pub(super) fn label_by(&mut self, by: i32) {
        let count = self.project.classes.len().max(1) as i64;
        let next = (self.paint.label as i64 - 1 + i64::from(by)).rem_euclid(count) as usize + 1;
        self.select_label(next);
    }

    pub(super) fn rename_label(&mut self, name: &str) {
        let mut classes = self.project.classes.clone();
        let Some(class) = classes.get_mut(self.paint.label - 1) else { return };
        let what = format!("rename '{}'", class.name);
        class.name = name.trim().to_owned();
        self.edit_classes(what, classes, &identity());
    }

    /// Sets the colour of the selected label's strokes, and of its probabilities where they were the same;
    /// or that of its probabilities alone.
    pub(super) fn recolor_label(&mut self, text: &str, probability_alone: bool) {
        match parse_color(text) {
            Some(color) => self.set_label_color(color, probability_alone),
            None => self.tell(
                Level::Warning,
                format!("'{text}' is no colour"),
                "a colour is #rrggbb, such as #e6194b",
                "",
            ),
        }
    }

    pub(super) fn next_label_color(&mut self) {
        let Some(class) = self.selected_class() else { return };
        let at = DEFAULT_COLORS.iter().position(|color| *color == class.color).map_or(0, |i| i + 1);
        let free = (0..DEFAULT_COLORS.len())
            .map(|i| DEFAULT_COLORS[(at + i) % DEFAULT_COLORS.len()])
            .find(|color| self.project.classes.iter().all(|class| class.color != *color));
        if let Some(color) = free {
            self.set_label_color(color, false);
        }
    }

    fn set_label_color(&mut self, color: Rgb, probability_alone: bool) {
        let mut classes = self.project.classes.clone();
        let Some(class) = classes.get_mut(self.paint.label - 1) else { return };
        let what = format!("recolour '{}'", class.name);
        if probability_alone || class.probability_color == class.color {
            class.probability_color = color;
        }
        if !probability_alone {
            class.color = color;
        }
        self.edit_classes(what, classes, &identity());
    }

    pub(super) fn delete_label(&mut self) {
        self.remove_label(None);
    }

    pub(super) fn merge_label(&mut self, into: usize) {
        let (number, count) = (self.paint.label, self.project.classes.len());
        if into > count || into == number {
            return self.tell(
                Level::Warning,
                "Nothing merged",
                format!("label {into} is not another label; there are {count}"),
                "",
            );
        }
        self.remove_label(Some(into));
    }

    /// Removes the selected label; its strokes become `into` (from 1) or go, higher labels move down.
    fn remove_label(&mut self, into: Option<usize>) {
        let number = self.paint.label;
        let mut classes = self.project.classes.clone();
        let removed = classes.remove(number - 1);
        let shift = |value: usize| (if value > number { value - 1 } else { value }) as u8;
        let mut map = std::array::from_fn(shift);
        map[number] = into.map_or(0, shift);
        let what = match into {
            Some(into) => format!("merge '{}' into '{}'", removed.name, self.project.classes[into - 1].name),
            None => format!("delete '{}'", removed.name),
        };
        let selected = into.map_or(number.min(classes.len()), |into| shift(into) as usize);
        self.edit_classes(what.clone(), classes, &map);
        self.paint.label = selected;
        self.tell(Level::Info, format!("Done: {what}"), "", "Undo brings it back");
    }

    pub(super) fn clear_label(&mut self) {
        let number = self.paint.label;
        let Some(class) = self.selected_class() else { return };
        let what = format!("clear '{}'", class.name);
        let mut map = identity();
        map[number] = 0;
        self.edit_classes(what.clone(), self.project.classes.clone(), &map);
        self.tell(Level::Info, format!("Done: {what}"), "", "Undo brings it back");
    }

    /// Erases all strokes of all labels but the locked ones, in every image.
    pub(super) fn clear_all_labels(&mut self) {
        let locked = self.locked_values();
        let map = std::array::from_fn(|value| if locked[value] { value as u8 } else { 0 });
        let what = "clear all labels".to_owned();
        self.edit_classes(what.clone(), self.project.classes.clone(), &map);
        let kept = self.project.classes.iter().filter(|class| class.locked).count();
        let remedy = match kept {
            0 => "Undo brings them back".into(),
            kept => format!("{kept} locked labels stay. Undo brings the others back"),
        };
        self.tell(Level::Info, format!("Done: {what}"), "", remedy);
    }

    /// Moves the selected label down the list by `by` places; its strokes go with it.
    pub(super) fn move_label(&mut self, by: i32) {
        let (number, count) = (self.paint.label, self.project.classes.len());
        let to = (number as i64 + i64::from(by)).clamp(1, count as i64) as usize;
        if to == number {
            return;
        }
        let mut classes = self.project.classes.clone();
        let moved = classes.remove(number - 1);
        let what = format!("move '{}' to {to}", moved.name);
        classes.insert(to - 1, moved);
        let map = std::array::from_fn(|value| match value {
            _ if value == number => to as u8,
            _ if (number..=to).contains(&value) => (value - 1) as u8,
            _ if (to..=number).contains(&value) => (value + 1) as u8,
            _ => value as u8,
        });
        self.edit_classes(what, classes, &map);
        self.paint.label = to;
    }

    /// Locks the selected label, or unlocks it.
    pub(super) fn toggle_label_lock(&mut self) {
        let mut classes = self.project.classes.clone();
        let Some(class) = classes.get_mut(self.paint.label - 1) else { return };
        class.locked = !class.locked;
        let done = if class.locked { "lock" } else { "unlock" };
        let what = format!("{done} '{}'", class.name);
        self.edit_classes(what.clone(), classes, &identity());
        self.inform(format!("Done: {what}"));
    }

    /// Which label values are locked.
    pub(super) fn locked_values(&self) -> [bool; 256] {
        let is_locked = |class: &LabelClass| class.locked;
        std::array::from_fn(|value| {
            value.checked_sub(1).and_then(|i| self.project.classes.get(i)).is_some_and(is_locked)
        })
    }

    /// Says why painting `value` at a slice pixel (row, column) did nothing, if a lock is why.
    pub(super) fn say_if_locked(&mut self, at: [i64; 2], value: u8) {
        let (Some(plane), [Ok(row), Ok(column)]) = (self.plane(), at.map(usize::try_from)) else { return };
        let here = self.labels().map_or(0, |labels| labels.get(plane.pixel(row, column)));
        if here == value || !self.locked_values()[usize::from(here)] {
            return;
        }
        let name = self.project.classes[usize::from(here) - 1].name.clone();
        self.tell(
            Level::Warning,
            "Nothing painted",
            format!("'{name}' is locked"),
            "Unlock it in the panel of labels",
        );
    }

    /// Replaces names, colours and locks, as one step.
    pub(super) fn replace_classes(&mut self, what: String, classes: Vec<LabelClass>) {
        self.edit_classes(what, classes, &identity());
    }

    /// Replaces the classes and rewrites the labels of every lane by `map`, as one step.
    fn edit_classes(&mut self, what: String, classes: Vec<LabelClass>, map: &[u8; 256]) {
        self.lift_pen();
        self.end_stroke();
        let identical = (0..256).all(|i| usize::from(map[i]) == i);
        let lanes = self.project.lanes.iter_mut().enumerate();
        let labels: Vec<(usize, LabelEdit)> = if identical {
            Vec::new()
        } else {
            lanes
                .map(|(i, lane)| (i, lane.labels.map_values(map)))
                .filter(|(_, edit)| !edit.is_empty())
                .collect()
        };
        let before = std::mem::replace(&mut self.project.classes, classes.clone());
        if before == classes && labels.is_empty() {
            return;
        }
        let renumbers = !identical && before != classes;
        self.record(Edit { what, labels, classes: Some([before, classes]), renumbers, ..Edit::default() });
    }

    /// The number of classes may be another now: what depends on it follows.
    pub(super) fn classes_changed(&mut self) {
        self.paint.label = self.paint.label.clamp(1, self.project.classes.len().max(1));
        let mask = self.sources.get(self.lane).is_some_and(|source| source.mask.is_some());
        self.layers.rebuild(self.project.classes.len(), mask, self.training.live);
    }
}
