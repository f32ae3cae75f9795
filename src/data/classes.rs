//! Label classes: what the label values 1, 2, … mean.

use serde::{Deserialize, Serialize};

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// Most classes a project may have; ilastik reserves the value 100 for its eraser.
pub const MAX_CLASSES: usize = 99;

/// A label class; class `n` (counted from 1) is the `n`-th of its project, 0 is unlabelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelClass {
    /// Name shown to the user.
    pub name: String,
    /// Colour of its strokes.
    pub color: Rgb,
    /// Colour of its probability and segmentation.
    pub probability_color: Rgb,
    /// Whether its strokes are protected: nothing paints over them or erases them.
    #[serde(default)]
    pub locked: bool,
}

/// ilastik's label colours, in order.
pub const DEFAULT_COLORS: [Rgb; 15] = [
    [255, 225, 25],
    [0, 130, 200],
    [230, 25, 75],
    [70, 240, 240],
    [60, 180, 75],
    [250, 190, 190],
    [170, 110, 40],
    [145, 30, 180],
    [0, 128, 128],
    [245, 130, 48],
    [240, 50, 230],
    [210, 245, 60],
    [255, 215, 180],
    [230, 190, 255],
    [128, 128, 128],
];

impl LabelClass {
    /// A class with ilastik's default name and colour for the class number `number` (from 1).
    pub fn numbered(number: usize) -> Self {
        let color = default_color(number);
        LabelClass { name: format!("Label {number}"), color, probability_color: color, locked: false }
    }

    /// The class that "add label" appends to `classes`: its name takes the highest number found in
    /// any name plus one, its colour the first default not in use.
    pub fn next(classes: &[LabelClass]) -> Self {
        let highest = classes.iter().filter_map(|class| trailing_number(&class.name)).max().unwrap_or(0);
        let number = highest.max(classes.len()) + 1;
        let color = (1..=DEFAULT_COLORS.len())
            .map(default_color)
            .find(|color| classes.iter().all(|class| class.color != *color))
            .unwrap_or_else(|| default_color(number));
        LabelClass { name: format!("Label {number}"), color, probability_color: color, locked: false }
    }
}

/// Default colour of class `number` (from 1); beyond ilastik's fifteen, spread around the colour wheel.
pub fn default_color(number: usize) -> Rgb {
    if let Some(color) = number.checked_sub(1).and_then(|i| DEFAULT_COLORS.get(i)) {
        return *color;
    }
    // Multiples of the golden angle never come close to each other.
    let hue = (number as f64 * 0.618_033_988_75).fract() * 6.0;
    let ramp = |offset: f64| {
        let k = (offset + hue) % 6.0;
        (255.0 * (1.0 - 0.75 * k.min(4.0 - k).clamp(0.0, 1.0))) as u8
    };
    [ramp(5.0), ramp(3.0), ramp(1.0)]
}

fn trailing_number(name: &str) -> Option<usize> {
    let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    name[name.len() - digits..].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_class_has_a_new_name_and_colour() {
        let mut classes = vec![LabelClass::numbered(1), LabelClass::numbered(2)];
        assert_eq!(LabelClass::next(&classes), LabelClass::numbered(3));
        classes.remove(0);
        let next = LabelClass::next(&classes);
        assert_eq!(next.name, "Label 3");
        assert_eq!(next.color, DEFAULT_COLORS[0]);
    }

    #[test]
    fn colours_beyond_the_list_differ() {
        assert_ne!(default_color(20), default_color(21));
    }
}
