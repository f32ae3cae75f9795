//! The label explorer: every connected annotation of every image in a list, sorted and filtered.

use crossterm::event::{KeyCode, KeyEvent};

use crate::app::edits::Edit;
use crate::app::form::{Dialog, Field, FieldKind, Form, KeyUse, Row, Table, Verdict};
use crate::app::messages::Level;
use crate::app::state::App;
use crate::app::training_tools::TrainingWork;
use crate::data::Annotation;
use crate::data::annotations::annotation_at;
use crate::data::revision::LabelsRev;

const EXPLANATION: &str = "Every patch of connected pixels of one label, in all images.\n\
    Up and Down go from one to the next, and the canvas follows. Enter stays there and closes the list. \
    Delete or X erases the annotation; undo brings it back.\n\
    Filter: part of a label's or an image's name, or a size such as <20 or >500. Several words must all fit.";

/// The orders, as they are offered.
const ORDERS: [&str; 4] = ["place", "label", "smallest", "largest"];

#[derive(Default)]
struct Explorer {
    /// The annotations listed: lane and annotation.
    listed: Vec<(usize, Annotation)>,
    /// The labels that were asked for: what failed is not asked for again by itself.
    asked: Option<LabelsRev>,
    /// The row that the canvas went to last.
    at: Option<(usize, Annotation)>,
}

impl Explorer {
    /// Whether an annotation fits what is typed.
    fn fits(filter: &str, lane: usize, annotation: &Annotation, app: &App) -> bool {
        let class = app.project.classes.get(usize::from(annotation.label) - 1);
        let label = class.map_or("", |class| class.name.as_str()).to_lowercase();
        let image = app.project.lanes.get(lane).map_or("", |lane| lane.raw.nickname.as_str()).to_lowercase();
        filter.to_lowercase().split_whitespace().all(|word| {
            let size = |text: &str| text.parse::<u64>().ok();
            match (word.strip_prefix('<').map(size), word.strip_prefix('>').map(size)) {
                (Some(Some(limit)), _) => annotation.pixels < limit,
                (_, Some(Some(limit))) => annotation.pixels > limit,
                (None, None) => label.contains(word) || image.contains(word),
                // A size that is still being typed.
                _ => true,
            }
        })
    }

    fn list(&mut self, form: &mut Form, app: &App) {
        let Some(found) = &app.tools.annotations else { return };
        let filter = form.text("filter");
        let lanes = found.of_lane.iter().enumerate();
        let mut listed: Vec<(usize, Annotation)> = lanes
            .flat_map(|(lane, annotations)| annotations.iter().map(move |a| (lane, *a)))
            .filter(|(lane, annotation)| Self::fits(filter, *lane, annotation, app))
            .collect();
        match form.chosen_text("order") {
            "label" => listed.sort_by_key(|(_, a)| a.label),
            "smallest" => listed.sort_by_key(|(_, a)| a.pixels),
            "largest" => listed.sort_by_key(|(_, a)| std::cmp::Reverse(a.pixels)),
            _ => {}
        }
        self.listed = listed;
    }

    fn rows(&self, app: &App) -> Vec<Row> {
        let (deep, timed) = (app.space()[0] > 1, app.shape()[0] > 1);
        let several = app.project.lanes.len() > 1;
        let row = |(lane, a): &(usize, Annotation)| {
            let name = app.project.classes.get(usize::from(a.label) - 1).map_or("", |class| &class.name);
            let [t, z, y, x] = a.middle.map(|i| i.to_string());
            let mut cells = vec![format!("{} {name}", a.label), a.pixels.to_string(), x, y];
            cells.extend(deep.then_some(z));
            cells.extend(timed.then_some(t));
            let image = || app.project.lanes.get(*lane).map_or(String::new(), |l| l.raw.nickname.clone());
            cells.extend(several.then(image));
            Row::new(cells)
        };
        self.listed.iter().map(row).collect()
    }

    fn current(&self, form: &Form) -> Option<(usize, Annotation)> {
        self.listed.get(form.table("list")?.cursor).copied()
    }

    /// The canvas goes to the annotation under the cursor.
    fn follow(&mut self, form: &Form, app: &mut App) {
        let now = self.current(form);
        if now == self.at {
            return;
        }
        self.at = now;
        if let Some((lane, annotation)) = now {
            app.show_pixel(lane, annotation.middle);
        }
    }
}

/// The headings for the images that there are.
fn heading(app: &App) -> Vec<&'static str> {
    let mut heading = vec!["Label", "Pixels", "x", "y"];
    heading.extend((app.space()[0] > 1).then_some("z"));
    heading.extend((app.shape()[0] > 1).then_some("t"));
    heading.extend((app.project.lanes.len() > 1).then_some("Image"));
    heading
}

impl Dialog for Explorer {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        let revision = app.edits.labels_rev;
        let current = app.tools.annotations.as_ref().is_some_and(|found| found.revision == revision);
        if !current && self.asked != Some(revision) {
            let labels = app.project.lanes.iter().map(|lane| lane.labels.clone()).collect();
            let work = TrainingWork::FindAnnotations { labels, revision };
            if app.start_training_work("find annotations", work) {
                self.asked = Some(revision);
            }
        }
        self.list(form, app);
        let rows = self.rows(app);
        let count = rows.len();
        let empty = match (&app.tools.annotations, app.training_job()) {
            (_, Some(job)) if !current => job,
            (Some(found), _) if found.of_lane.iter().all(Vec::is_empty) => "there are no labels".into(),
            _ => "no annotation fits the filter".into(),
        };
        if let Some(table) = form.table_mut("list") {
            table.set_rows(rows);
            table.empty = empty;
        }
        form.title = format!("Label explorer: {count} annotations");
        if current {
            self.follow(form, app);
        }
    }

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        if let Some((lane, annotation)) = self.current(form) {
            app.show_pixel(lane, annotation.middle);
        }
        Verdict::Close
    }

    fn act(&mut self, _field: &'static str, form: &mut Form, app: &mut App) -> Verdict {
        self.accept(form, app)
    }

    fn key(&mut self, key: &KeyEvent, form: &mut Form, app: &mut App) -> KeyUse {
        let in_list = form.focused().is_some_and(|field| matches!(field.kind, FieldKind::Table(_)));
        match key.code {
            KeyCode::Delete | KeyCode::Char('x' | 'X') if in_list => {
                if let Some((lane, annotation)) = self.current(form) {
                    app.delete_annotation(lane, annotation);
                }
                KeyUse::Done
            }
            KeyCode::Char('/') if in_list => {
                form.focus_on("filter");
                KeyUse::Done
            }
            _ => KeyUse::Usual,
        }
    }
}

impl App {
    pub(in crate::app) fn explore_labels(&mut self) {
        let fields = vec![
            Field::table("list", "", Table::new(heading(self)))
                .hint("Enter goes there, X erases it, / filters, Tab sorts"),
            Field::text("filter", "Filter", "").hint("A label, an image, or a size such as <20"),
            Field::choice("order", "Sorted by", ORDERS, 0),
        ];
        let form = Form::new("Label explorer", EXPLANATION, fields).accepts_by("Go there").wide(58).aside();
        self.open_form(form, Explorer::default());
    }

    /// Shows a pixel (`tzyx`) of a lane, with the cursor on it.
    pub(in crate::app) fn show_pixel(&mut self, lane: usize, [t, z, y, x]: [usize; 4]) {
        if lane >= self.views.len() {
            return;
        }
        if lane != self.lane {
            self.show_lane(lane);
        }
        self.go_to(&format!("{x} {y} {z} {t}"));
    }

    /// Erases an annotation; those that are known besides stay known.
    fn delete_annotation(&mut self, lane: usize, annotation: Annotation) {
        let name = self
            .project
            .classes
            .get(usize::from(annotation.label) - 1)
            .map_or(String::new(), |class| class.name.clone());
        if self.locked_values()[usize::from(annotation.label)] {
            return self.tell(
                Level::Warning,
                "Nothing erased",
                format!("'{name}' is locked"),
                "Unlock it in the panel of labels",
            );
        }
        let current = self.tools.annotations.as_ref().is_some_and(|f| f.revision == self.edits.labels_rev);
        let Some(target) = self.project.lanes.get_mut(lane).filter(|_| current) else { return };
        let pixels = annotation_at(&target.labels, annotation.middle);
        let edit = target.labels.paint(pixels.into_iter().map(|at| (at, 0)));
        self.end_stroke();
        let what = format!("delete an annotation of '{name}'");
        self.record(Edit { what: what.clone(), labels: vec![(lane, edit)], ..Edit::default() });
        self.tell(Level::Info, format!("Done: {what}"), "", "Undo brings it back");
        if let Some(found) = &mut self.tools.annotations {
            found.revision = self.edits.labels_rev;
            found.of_lane[lane].retain(|other| *other != annotation);
        }
    }
}
