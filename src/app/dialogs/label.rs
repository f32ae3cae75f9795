//! Everything about one label in one dialog: name, colours, lock, merging, clearing, deleting.

use crate::app::form::{Dialog, Field, Form, Verdict};
use crate::app::labels::parse_color;
use crate::app::state::App;
use crate::data::classes::Rgb;

const EXPLANATION: &str = "A label and the class that it stands for.\n\
    Colours are #rrggbb: one for strokes, one for probabilities and segmentation. Locked strokes are neither \
    painted over nor erased.\n\
    Merging gives the strokes to another label and removes this one; higher labels move down by one. Clearing \
    erases the strokes of this label in all images. Undo brings everything back.";

struct LabelDialog {
    /// The label, from 1.
    number: usize,
}

fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn color(form: &mut Form, key: &str) -> Option<Rgb> {
    let color = parse_color(form.text(key)).ok_or("a colour is #rrggbb, such as #e6194b");
    form.checked(key, color)
}

impl LabelDialog {
    /// The numbers of the other labels, in the order of the choice, which begins with "no other".
    fn others(&self, app: &App) -> Vec<usize> {
        (1..=app.project.classes.len()).filter(|&n| n != self.number).collect()
    }

    fn merged_into(&self, form: &Form, app: &App) -> Option<usize> {
        let chosen = form.chosen("merge").checked_sub(1)?;
        self.others(app).get(chosen).copied()
    }
}

impl Dialog for LabelDialog {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        if form.text("name").is_empty() {
            form.fail("name", "a name is needed");
        }
        let stroke = color(form, "color");
        let linked = form.is_on("linked");
        form.enable("probability", if linked { Err("linked") } else { Ok(()) });
        match stroke {
            Some(stroke) if linked => form.set_text("probability", hex(stroke)),
            _ => drop(color(form, "probability").map(hex)),
        }
        let keeps = app.project.classes.len() <= 2;
        let locked = form.is_on("locked");
        let gone = match (keeps, locked) {
            (true, _) => Err("a project keeps at least two labels"),
            (_, true) => Err("the label is locked"),
            _ => Ok(()),
        };
        form.enable("merge", gone);
        form.enable("delete", gone);
        let count = app.label_count(self.number);
        let clear = if count == 0 { Err("the label has no strokes") } else { Ok(()) };
        form.enable("clear", if locked { Err("the label is locked") } else { clear });
        form.set_preview("preview", vec![format!("{count} labelled pixels in all images")]);
    }

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        let into =
            self.merged_into(form, app).filter(|_| form.field("merge").is_some_and(Field::takes_focus));
        let mut classes = app.project.classes.clone();
        let (Some(class), Some(stroke), Some(probability)) =
            (classes.get_mut(self.number - 1), color(form, "color"), color(form, "probability"))
        else {
            return Verdict::Close;
        };
        let what = format!("change '{}'", class.name);
        class.name = form.text("name").to_owned();
        (class.color, class.probability_color) = (stroke, probability);
        class.locked = form.is_on("locked");
        app.replace_classes(what, classes);
        app.paint.label = self.number;
        if let Some(into) = into {
            app.merge_label(into);
        }
        Verdict::Close
    }

    fn act(&mut self, field: &'static str, _form: &mut Form, app: &mut App) -> Verdict {
        app.paint.label = self.number;
        match field {
            "clear" => app.clear_label(),
            _ => app.delete_label(),
        }
        Verdict::Close
    }
}

impl App {
    /// Asks for everything about the selected label.
    pub(in crate::app) fn edit_label(&mut self) {
        let number = self.paint.label;
        let Some(class) = self.selected_class().cloned() else { return };
        let dialog = LabelDialog { number };
        let others = dialog.others(self);
        let name = |n: usize| format!("{n} {}", self.project.classes[n - 1].name);
        let into = ["no other".to_owned()].into_iter().chain(others.into_iter().map(name));
        let fields = vec![
            Field::text("name", "Name", class.name.clone()),
            Field::text("color", "Colour", hex(class.color)).hint("Of its strokes, as #rrggbb"),
            Field::toggle("linked", "Linked", class.color == class.probability_color)
                .hint("Probabilities and segmentation in the same colour"),
            Field::text("probability", "Probability", hex(class.probability_color))
                .hint("Colour of its probabilities and segmentation, as #rrggbb"),
            Field::toggle("locked", "Locked", class.locked)
                .hint("Its strokes can't be painted over or erased"),
            Field::choice("merge", "Merge into", into, 0),
            Field::action("clear", "Clear its strokes"),
            Field::action("delete", "Delete the label"),
            Field::preview("preview", ""),
        ];
        self.open_form(Form::new(format!("Label {number}"), EXPLANATION, fields).wide(64), dialog);
    }
}
