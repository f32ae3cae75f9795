//! The table of variable importance.

use crate::app::form::{Dialog, Field, Form, Row, Table, Verdict};
use crate::app::state::App;
use crate::app::training_tools::{ImportanceTable, TrainingWork};
use crate::data::revision::LabelsRev;

const EXPLANATION: &str = "How much the classifier relies on each feature.\n\
    Each tree judges the pixels that it was not grown from, as they are and with the values of one feature \
    exchanged among them. The share of pixels that it then gets wrong more often is the feature's importance, \
    for each label and overall. A feature near 0 can be left out.\n\
    Gini: how much the splits at the feature part the labels, added up over a tree, as the mean over all trees.";

#[derive(Default)]
struct ImportanceDialog {
    /// The labels for which it was asked: what failed is not asked for again by itself.
    asked: Option<LabelsRev>,
}

/// The table's rows, sorted by column `by` (0 is the order of the features).
fn rows(table: &ImportanceTable, by: usize) -> Vec<Row> {
    let importance = &table.importance;
    let figures = |feature: usize| -> Vec<f64> {
        let per_class = importance.per_class.row(feature);
        per_class.iter().copied().chain([importance.overall[feature], importance.gini[feature]]).collect()
    };
    let mut order: Vec<usize> = (0..table.names.len()).collect();
    if let Some(column) = by.checked_sub(1) {
        let value = |feature: &usize| figures(*feature).get(column).copied().unwrap_or(0.0);
        order.sort_by(|a, b| value(b).total_cmp(&value(a)));
    }
    let row = |feature: usize| {
        let (figures, name) = (figures(feature), table.names[feature].clone());
        let last = figures.len() - 1;
        let text = |(i, value): (usize, &f64)| match i {
            i if i == last => format!("{value:.2}"),
            // Adding 0 takes the sign off what rounds to nothing.
            _ => format!("{:.4}", (value * 1e4).round() / 1e4 + 0.0),
        };
        Row::new([name].into_iter().chain(figures.iter().enumerate().map(text)))
    };
    order.into_iter().map(row).collect()
}

impl Dialog for ImportanceDialog {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        let (revision, selection) = (app.edits.labels_rev, app.project.selection.clone());
        let holds = |table: &ImportanceTable| {
            table.revision == revision && Some(&table.selection) == selection.as_ref()
        };
        let known = app.tools.importance.as_ref().is_some_and(holds);
        let new = !known && self.asked != Some(revision);
        if let (true, Some(selection), None) = (new, selection, app.training_obstacle()) {
            let (lanes, classifier) = (app.training_lanes(), (app.project.trees, app.project.seed));
            let work = TrainingWork::MeasureImportance { lanes, selection, classifier, revision };
            if app.start_training_work("measure importance", work) {
                self.asked = Some(revision);
            }
        }
        let by = form.chosen("sort");
        let empty = app.training_obstacle().or_else(|| app.training_job()).unwrap_or_default();
        let found = app.tools.importance.as_ref().filter(|_| known);
        let rows = found.map_or(Vec::new(), |table| rows(table, by));
        let line = found.map_or(String::new(), |table| {
            let error = table.oob_error.map_or("-".into(), |error| format!("{:.2} %", 100.0 * error));
            format!("{} features, out-of-bag error {error}", table.names.len())
        });
        if let Some(table) = form.table_mut("table") {
            table.set_rows(rows);
            table.empty = empty;
        }
        form.set_preview("preview", vec![line]);
    }

    fn accept(&mut self, _form: &mut Form, _app: &mut App) -> Verdict {
        Verdict::Close
    }

    fn cancel(&mut self, _form: &mut Form, app: &mut App) {
        app.cancel_training_work();
    }
}

impl App {
    pub(in crate::app) fn show_importance(&mut self) {
        let labelled = (1..=self.project.classes.len()).filter(|&n| self.label_count(n) > 0);
        let classes: Vec<String> = labelled.map(|n| self.project.classes[n - 1].name.clone()).collect();
        let columns = || classes.iter().cloned().chain(["Overall".to_owned(), "Gini".to_owned()]);
        let table = Table::new(["Variable".to_owned()].into_iter().chain(columns()));
        let overall = classes.len() + 1;
        let sorts = ["feature".to_owned()].into_iter().chain(columns());
        let fields = vec![
            Field::table("table", "", table),
            Field::choice("sort", "Sorted by", sorts, overall),
            Field::preview("preview", ""),
        ];
        let form = Form::new("Variable importance", EXPLANATION, fields).accepts_by("Close").wide(110);
        self.open_form(form, ImportanceDialog::default());
    }
}
