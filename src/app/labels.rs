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
        // The stored forest speaks of the old numbers.
        self.training.stored = None;
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
        self.record(Edit { what, labels, classes: Some([before, classes]), ..Edit::default() });
    }

    /// The number of classes may be another now: what depends on it follows.
    pub(super) fn classes_changed(&mut self) {
        self.paint.label = self.paint.label.clamp(1, self.project.classes.len().max(1));
        let mask = self.sources.get(self.lane).is_some_and(|source| source.mask.is_some());
        self.layers.rebuild(self.project.classes.len(), mask, self.training.live);
    }
}
