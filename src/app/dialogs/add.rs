//! Adds images: files, folders, patterns, stacks, and datasets inside HDF5 files.

use crate::app::form::{Dialog, Field, Form, Verdict};
use crate::app::inspect::summary;
use crate::app::lanes::AddImages;
use crate::app::messages::Problem;
use crate::app::refused::{Mending, Refused};
use crate::app::state::App;
use crate::data::{Axis, AxisOrder};

/// What becomes of several files, in the order of the choices.
const MODES: [(&str, Option<Axis>); 4] = [
    ("separate images", None),
    ("stack along z", Some(Axis::Z)),
    ("stack along t", Some(Axis::T)),
    ("stack along c", Some(Axis::C)),
];

/// Where the images are to be.
const STORAGE: [&str; 2] = ["where they are", "copied into the project"];

const EXPLANATION: &str = "Add images to the project.\n\
    Files: a file, several joined by ':' (Ctrl-O marks them in the file browser), a folder (all images in it), \
    or a pattern such as scan/*.png.\n\
    Several files become separate images, or one image stacked along z, t or c in the order of their names.\n\
    Dataset: which dataset of an HDF5 file is the image, when it holds several.\n\
    Location: the project names the files (relative to itself where they lie below its folder), or copies them \
    into itself when it is saved.\n\
    Axes: what the dimensions mean, outermost first, for example zyx or yxc. Leave it empty to take what the \
    file says, or what you gave the image before it.\n\
    All images of a project have the same number of channels, and are all 2D or all 3D.";

/// What is typed in the dialog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddAnswers {
    /// The files.
    pub path: String,
    /// What becomes of several files, from 0.
    pub mode: usize,
    /// The dataset inside an HDF5 file; blank for none.
    pub dataset: String,
    /// The axes; blank for the file's own.
    pub axes: String,
    /// Where the images are to be, from 0.
    pub storage: usize,
}

impl AddAnswers {
    fn of(form: &Form) -> Self {
        AddAnswers {
            path: form.text("path").to_owned(),
            mode: form.chosen("mode"),
            dataset: dataset(form).unwrap_or_default(),
            axes: form.text("axes").to_owned(),
            storage: form.chosen("storage"),
        }
    }
}

struct AddDialog {
    /// The location that was asked about last.
    asked: Option<String>,
    /// What was refused, shown until something else is typed.
    mending: Option<Mending>,
    /// It was accepted before anything was known of the files: datasets to choose from have not been seen.
    unseen: bool,
}

/// What was refused and why, in lines of at most `width` columns.
fn complaint(refused: &[Refused], width: usize) -> Vec<String> {
    let of = |refused: &Refused| {
        let Problem { what, why, remedy } = &refused.problem;
        [what, why, remedy].into_iter().flat_map(|text| wrapped(text, width)).collect::<Vec<_>>()
    };
    refused.iter().flat_map(of).chain([String::new()]).collect()
}

/// A text in lines of at most `width` columns, parted between words where that is possible.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let room = |line: &String| line.chars().count() + 1 + word.chars().count() <= width;
        match lines.last_mut().filter(|line| room(line)) {
            Some(line) => *line = format!("{line} {word}"),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The location that the path and the dataset name together.
fn dataset(form: &Form) -> Option<String> {
    let shown = form.field("dataset").is_some_and(|field| !field.hidden);
    Some(form.chosen_text("dataset").to_owned()).filter(|name| shown && !name.is_empty())
}

impl AddDialog {
    /// Axes as typed: `None` for none.
    fn axes(form: &Form) -> Result<Option<AxisOrder>, String> {
        match form.text("axes") {
            "" => Ok(None),
            text => text
                .parse::<AxisOrder>()
                .and_then(|axes| {
                    let count = axes.len();
                    axes.fitting(count)
                })
                .map(Some)
                .map_err(|error| error.to_string()),
        }
    }
}

impl Dialog for AddDialog {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        let typed = AddAnswers::of(form);
        self.mending.take_if(|mending| mending.answers != typed);
        let location = typed.path;
        if self.asked.as_ref() != Some(&location) {
            self.asked = Some(location.clone());
            if !location.is_empty() {
                app.inspect(&location);
            }
        }
        let axes = Self::axes(form);
        let axes = form.checked("axes", axes).flatten();
        if location.is_empty() {
            form.show("dataset", false);
            form.set_preview("preview", vec!["Nothing is named yet.".into()]);
            return form.fail("path", "a file, folder or pattern is needed");
        }
        let Some(found) = app.inspection_of(&location).cloned() else {
            form.set_preview("preview", vec!["looking …".into()]);
            return;
        };
        let files = match &found.files {
            Ok(files) => files.clone(),
            Err(why) => {
                form.show("dataset", false);
                form.set_preview("preview", Vec::new());
                return form.fail("path", why.clone());
            }
        };
        form.show("dataset", !found.datasets.is_empty());
        if !found.datasets.is_empty() {
            form.set_options("dataset", found.datasets.clone());
        }
        let stack = MODES[form.chosen("mode")].1;
        let width = usize::from(form.width.min(app.screen.size[0]).saturating_sub(2));
        let mending = self.mending.as_ref();
        let mut lines = mending.map_or(Vec::new(), |mending| complaint(&mending.refused, width));
        lines.push(match (files.len(), stack) {
            (1, _) => "1 file".to_owned(),
            (n, None) => format!("{n} images"),
            (n, Some(axis)) => format!("1 image of {n} files, stacked along {}", axis.key()),
        });
        match &found.first {
            Some(Ok(info)) => {
                lines.push(format!("first: {}", summary(info)));
                let slow = found.slow.iter().map(|why| format!("slow to read: {why}"));
                lines.extend(slow.flat_map(|text| wrapped(&text, width)));
                let dimensions = info.axes.len() + usize::from(stack.is_some_and(|a| !info.axes.contains(a)));
                if let Some(axes) = &axes
                    && let Err(error) = axes.clone().fitting(dimensions)
                {
                    form.fail("axes", error.to_string());
                }
            }
            Some(Err(why)) => form.fail("path", why.clone()),
            None => lines.push(format!("{} datasets to choose from", found.datasets.len())),
        }
        lines.extend(files.iter().take(200).map(|file| format!("  {file}")));
        form.set_preview("preview", lines);
    }

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        let location = form.text("path").to_owned();
        let stack_along = MODES[form.chosen("mode")].1;
        let files = app.inspection_of(&location).and_then(|found| found.files.clone().ok());
        let Some(locations) = files else {
            form.refused = Some("The files are still being looked at; then they are added".into());
            (form.awaiting, self.unseen) = (true, true);
            return Verdict::Stay;
        };
        if std::mem::take(&mut self.unseen) && dataset(form).is_some() {
            form.refused = Some("Which dataset is it?".into());
            form.focus_on("dataset");
            return Verdict::Stay;
        }
        let title = match (locations.len(), stack_along) {
            (1, _) => format!("open {location}"),
            (n, None) => format!("open {n} images"),
            (n, Some(_)) => format!("open a stack of {n} files"),
        };
        let stack_along = stack_along.filter(|_| locations.len() > 1);
        let axes = Self::axes(form).ok().flatten();
        let copy = form.chosen("storage") == 1;
        let request =
            AddImages { locations, stack_along, dataset: dataset(form), axes, copy, previous: None };
        let answers = AddAnswers::of(form);
        app.add_images(title, request, answers);
        Verdict::Close
    }
}

/// The files that were dropped on the terminal: quoted, escaped or as addresses, between blanks or on lines of
/// their own.
fn dropped_files(text: &str) -> Vec<String> {
    let (mut files, mut file, mut quote) = (Vec::new(), String::new(), None);
    let mut letters = text.trim().chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', None) => file.extend(letters.next()),
            ('\'' | '"', None) => quote = Some(letter),
            (end, Some(begin)) if end == begin => quote = None,
            (blank, None) if blank.is_whitespace() => files.push(std::mem::take(&mut file)),
            _ => file.push(letter),
        }
    }
    files.push(file);
    let path = |file: &String| file.strip_prefix("file://").unwrap_or(file).to_owned();
    files.iter().filter(|file| !file.is_empty()).map(path).collect()
}

impl App {
    /// Asks whether to add files that were dropped on the terminal, which pastes their names.
    pub(in crate::app) fn add_dropped_files(&mut self, text: &str) {
        let files = dropped_files(text);
        if !files.is_empty() {
            self.add_images_dialog(&files.join(":"));
        }
    }

    /// Asks which images to add; what was refused before is offered again unless some are `named`.
    pub(in crate::app) fn add_images_dialog(&mut self, named: &str) {
        let mending = self.mending.take().filter(|_| named.is_empty());
        let answers = mending.as_ref().map(|mending| mending.answers.clone());
        let answers =
            answers.unwrap_or_else(|| AddAnswers { path: named.to_owned(), ..AddAnswers::default() });
        // The others are known once the file has been looked at.
        let datasets: Vec<String> =
            Some(answers.dataset).filter(|name| !name.is_empty()).into_iter().collect();
        let hidden = datasets.is_empty();
        let mut dataset = Field::choice("dataset", "Dataset", datasets, 0);
        dataset.hidden = hidden;
        let fields = vec![
            Field::path("path", "Files", answers.path).hint("A file, a folder or a pattern (scan/*.png)"),
            Field::choice("mode", "Several files", MODES.map(|(name, _)| name), answers.mode),
            dataset.hint("The dataset of the HDF5 file that is the image"),
            Field::text("axes", "Axes", answers.axes)
                .hint("Empty: as the file says. Else for example zyx, yxc or tyx"),
            Field::choice("storage", "Location", STORAGE, answers.storage)
                .hint("Copies are made when the project is saved"),
            Field::preview("preview", "What will be added"),
        ];
        let mut form = Form::new("Add images", EXPLANATION, fields).accepts_by("Add").wide(100);
        if let Some(first) = mending.as_ref().and_then(|mending| mending.refused.first()) {
            form.refused = Some(first.problem.why.clone());
            form.focus_on(if first.axes { "axes" } else { "path" });
        }
        self.open_form(form, AddDialog { asked: None, mending, unseen: false });
    }
}
