//! Imports labels from an image: axes, offset, which value becomes which label, with a preview on the canvas.

use std::path::Path;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};

use super::export_labels::is_there;
use crate::app::edits::Edit;
use crate::app::form::{Dialog, Field, Form, KeyUse, Row, RowValue, Table, Verdict};
use crate::app::messages::Level;
use crate::app::state::App;
use crate::app::training_tools::{LabelImageKey, TrainingWork};
use crate::batch::label_image::LabelImage;
use crate::data::classes::MAX_CLASSES;
use crate::data::{AxisOrder, LabelClass, LabelEdit, LabelVolume};

const EXPLANATION: &str = "Takes labels from a file: any image of whole numbers that can be opened, such as TIFF, \
    PNG, HDF5 (file.h5/dataset) or NPY. 0 is unlabelled.\n\
    Enter reads it and goes on to its values; Enter there imports.\n\
    Axes: how the file is to be read, such as yx or tzyx; leave it empty to go by what the file says.\n\
    Offset: where the first pixel of the file comes to lie in the image.\n\
    Values: choose with Left and Right what each value becomes: an existing label, a new one, or nothing.\n\
    Labels that are there are painted over, except locked ones. The canvas shows what will come of it. \
    Undo takes all of it back in one step.";

/// Offset fields with the image axis (of `tzyx`) that each belongs to.
const OFFSETS: [(&str, usize); 4] = [("x", 3), ("y", 2), ("z", 1), ("t", 0)];

/// What a preview was made for: the file, the offset, and the option chosen for each value.
type Wanted = (LabelImageKey, [i64; 4], Vec<usize>);

#[derive(Default)]
struct ImportLabels {
    /// What Enter was pressed on: it is read, and the focus goes on to its values.
    wanted: Option<LabelImageKey>,
    asked: Option<LabelImageKey>,
    shown: Option<LabelImageKey>,
    previewed: Option<Wanted>,
    lines: Vec<String>,
}

/// What comes of an import.
struct Outcome {
    labels: LabelVolume,
    edit: LabelEdit,
    classes: Vec<LabelClass>,
    new: usize,
}

/// The file and axes typed, if they can be read.
fn key_of(form: &mut Form) -> Option<LabelImageKey> {
    let location = form.text("path").to_owned();
    let axes = match form.text("axes").to_owned() {
        text if text.is_empty() => None,
        text => Some(form.checked("axes", text.parse::<AxisOrder>())?),
    };
    (!location.is_empty()).then_some(LabelImageKey { location, axes })
}

/// The image that was read for `key`, or why it was not.
fn image_of(key: &LabelImageKey, app: &App) -> Option<Result<Arc<LabelImage>, String>> {
    let (read, result) = app.tools.label_image.as_ref()?;
    (read == key).then(|| result.clone())
}

fn offset_of(form: &Form) -> [i64; 4] {
    let mut offset = [0; 4];
    for (key, axis) in OFFSETS {
        offset[axis] = form.number(key).unwrap_or(0.0) as i64;
    }
    offset
}

/// The option chosen for each value.
fn chosen_of(form: &Form) -> Vec<usize> {
    let option = |row: &Row| match row.value {
        RowValue::Choice(option) => option,
        _ => 0,
    };
    form.table("values").map_or(Vec::new(), |table| table.rows.iter().map(option).collect())
}

/// The slice that a file's name ends in, as in `labels_0012.png`.
fn slice_in_name(location: &str) -> Option<usize> {
    let stem = Path::new(location).file_stem()?.to_string_lossy().into_owned();
    let digits = stem.len() - stem.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    stem[stem.len() - digits..].parse().ok()
}

/// Lays `image` over the labels of the lane shown; the classes with those that come new.
fn outcome(image: &LabelImage, form: &Form, app: &App) -> Option<Outcome> {
    let chosen = chosen_of(form);
    let mut classes = app.project.classes.clone();
    let there = classes.len();
    let mut new: Vec<usize> = chosen.iter().copied().filter(|&option| option > there).collect();
    new.sort_unstable();
    new.dedup();
    for _ in &new {
        classes.push(LabelClass::next(&classes));
    }
    let number = |option: &usize| match new.iter().position(|n| n == option) {
        Some(at) => (there + at + 1) as u8,
        None => *option as u8,
    };
    let map = image.map(&chosen.iter().map(number).collect::<Vec<_>>());
    let locked = app.locked_values();
    let mut labels = app.labels()?.clone();
    let edit = labels.overlay(&image.places, offset_of(form), &map, |was| !locked[usize::from(was)]);
    Some(Outcome { labels, edit, classes, new: new.len() })
}

/// What an import does, in words.
fn said(image: &LabelImage, outcome: &Outcome, (_, offset, chosen): &Wanted, app: &App) -> Vec<String> {
    let sizes = |[t, z, y, x]: [usize; 4]| {
        let depth = if z > 1 { format!(" x {z}") } else { String::new() };
        let time = if t > 1 { format!(", {t} time points") } else { String::new() };
        format!("{x} x {y}{depth}{time}")
    };
    let [t, z, y, x, _] = app.shape();
    let own = [t, z, y, x];
    let mut lines = vec![format!("read as {}: {}", image.axes, sizes(image.shape))];
    if image.shape[2..] != own[2..] {
        lines.push(format!("! another size than the image's {}", sizes(own)));
    }
    let taken: u64 = image.values.iter().zip(chosen).filter(|(_, c)| **c > 0).map(|((_, n), _)| n).sum();
    let (mut set, mut replaced) = (0_u64, 0_u64);
    for (_, before, _) in outcome.edit.pixels() {
        set += 1;
        replaced += u64::from(before != 0);
    }
    let new = match outcome.new {
        0 => String::new(),
        1 => ", 1 new label".into(),
        n => format!(", {n} new labels"),
    };
    lines.push(format!("{taken} pixels taken: {set} change, {replaced} were labelled{new}"));
    if (0..4).any(|i| offset[i] < 0 || offset[i] + image.shape[i] as i64 > own[i] as i64) {
        lines.push("! what lies outside the image is left out".into());
    }
    lines
}

impl ImportLabels {
    fn read(&mut self, key: &LabelImageKey, app: &mut App) {
        let Some(image) = app.info().cloned() else { return };
        let work = TrainingWork::ReadLabels { key: key.clone(), image };
        if app.start_training_work(format!("read {}", key.location), work) {
            self.asked = Some(key.clone());
        }
    }

    /// Lists the values of an image that was just read.
    fn show(&mut self, key: &LabelImageKey, image: &LabelImage, form: &mut Form, app: &App) {
        self.shown = Some(key.clone());
        let classes = &app.project.classes;
        let usual = image.usual_classes(classes.len());
        let mut options = vec!["leave out".to_owned()];
        options.extend((1..).zip(classes).map(|(n, class)| format!("{n} {}", class.name)));
        let new = image.values.len().min(MAX_CLASSES.saturating_sub(classes.len()));
        options.extend((1..=new).map(|n| format!("new label {n}")));
        let rows = image.values.iter().zip(usual).map(|((value, count), class)| {
            Row::new([value.to_string(), count.to_string()]).with_choice(class.into())
        });
        let rows = rows.collect();
        if let Some(table) = form.table_mut("values") {
            table.options = options;
            table.set_rows(rows);
        }
        let slice = slice_in_name(&key.location).filter(|&z| image.shape[1] == 1 && z < app.space()[0]);
        if let (Some(slice), Some(0.0)) = (slice, form.number("z")) {
            form.set_text("z", slice.to_string());
        }
        if self.wanted.as_ref() == Some(key) {
            form.focus_on("values");
        }
    }

    fn preview(&mut self, key: LabelImageKey, image: &LabelImage, form: &mut Form, app: &mut App) {
        let wanted = (key, offset_of(form), chosen_of(form));
        if self.previewed.as_ref() != Some(&wanted) {
            let Some(outcome) = outcome(image, form, app) else { return };
            self.lines = said(image, &outcome, &wanted, app);
            app.tools.label_preview = Some((app.lane, outcome.labels));
            self.previewed = Some(wanted);
        }
        form.set_preview("preview", self.lines.clone());
    }
}

impl Dialog for ImportLabels {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        let Some(key) = key_of(form) else {
            return form.set_preview("preview", vec!["no file is chosen".into()]);
        };
        match image_of(&key, app) {
            Some(Ok(image)) => {
                if self.shown.as_ref() != Some(&key) {
                    self.show(&key, &image, form, app);
                }
                if image.values.is_empty() {
                    form.fail("path", "it holds no value but 0");
                }
                self.preview(key, &image, form, app);
            }
            Some(Err(why)) => form.fail("path", why),
            None => {
                let wanted = self.wanted.as_ref() == Some(&key) || is_there(&key.location, app);
                if wanted && self.asked.as_ref() != Some(&key) {
                    self.read(&key, app);
                }
                let line = app.training_job().unwrap_or_else(|| "Enter reads the file".into());
                form.set_preview("preview", vec![line]);
            }
        }
    }

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        let Some(key) = key_of(form) else {
            form.refused = Some("A file is needed".into());
            return Verdict::Stay;
        };
        let Some(Ok(image)) = image_of(&key, app) else {
            self.wanted = Some(key);
            self.check(form, app);
            return Verdict::Stay;
        };
        let Some(outcome) = outcome(&image, form, app) else { return Verdict::Close };
        if outcome.edit.is_empty() {
            form.refused = Some("Nothing would change: no value is taken, or all lies outside".into());
            return Verdict::Stay;
        }
        (app.tools.label_preview, app.tools.label_image) = (None, None);
        app.import_labels(outcome, &key.location);
        Verdict::Close
    }

    fn key(&mut self, key: &KeyEvent, form: &mut Form, app: &mut App) -> KeyUse {
        let names_the_file = form.focused().is_some_and(|field| matches!(field.key, "path" | "axes"));
        if key.code != KeyCode::Enter || !names_the_file {
            return KeyUse::Usual;
        }
        self.wanted = key_of(form);
        if self.wanted.as_ref().is_some_and(|key| matches!(image_of(key, app), Some(Ok(_)))) {
            form.focus_on("values");
        }
        KeyUse::Done
    }

    fn cancel(&mut self, _form: &mut Form, app: &mut App) {
        (app.tools.label_preview, app.tools.label_image) = (None, None);
        app.cancel_training_work();
    }
}

impl App {
    /// Asks what to import; `location` may be blank.
    pub(in crate::app) fn ask_for_labels(&mut self, location: &str) {
        let [t, z, ..] = self.shape();
        let offset = |key, label: &str| {
            Field::number(key, label, Some(0.0)).whole().hint("Where the file's first pixel comes to lie")
        };
        let table = Table::new(["Value", "Pixels", "Becomes"]);
        let fields = vec![
            Field::path("path", "File", location),
            Field::text("axes", "Axes", "").hint("Empty: as the file says"),
            offset("x", "Offset x"),
            offset("y", "Offset y"),
            offset("z", "Offset z"),
            offset("t", "Offset t"),
            Field::table("values", "", table).hint("Left and Right choose the label"),
            Field::preview("preview", ""),
        ];
        let mut form = Form::new("Import labels", EXPLANATION, fields).accepts_by("Import").wide(58).aside();
        form.show("z", z > 1);
        form.show("t", t > 1);
        self.tools.label_image = None;
        self.open_form(form, ImportLabels::default());
    }

    fn import_labels(&mut self, outcome: Outcome, location: &str) {
        self.lift_pen();
        self.end_stroke();
        let lane = self.lane;
        let Some(target) = self.project.lanes.get_mut(lane) else { return };
        let Outcome { labels, edit, classes, .. } = outcome;
        target.labels = labels;
        let before = std::mem::replace(&mut self.project.classes, classes.clone());
        let classes = (before != classes).then_some([before, classes]);
        let pixels = edit.pixels().count();
        let name = Path::new(location).file_name().map_or(location.into(), |name| name.to_string_lossy());
        let what = format!("import labels from '{name}'");
        self.record(Edit { what, labels: vec![(lane, edit)], classes, ..Edit::default() });
        self.tell(Level::Info, format!("Imported {pixels} label pixels"), "", "Undo takes them back");
    }
}
