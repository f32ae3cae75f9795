//! What there is to train on: labelled pixels of each label and image, and how good the forest is.

use crate::app::form::{Dialog, Field, Form, Row, Table, Verdict};
use crate::app::state::App;

const EXPLANATION: &str = "Labelled pixels of each label in each image: the rows that the classifier is trained on.\n\
    Out-of-bag error: the share of labelled pixels that those trees get wrong which were not grown from them. It \
    judges pixels beside the labels, not new images: strokes in other places tell more.\n\
    Pixels within the filters' reach of NaN or infinity have no features and do not count.";

struct TrainingReport;

impl Dialog for TrainingReport {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        let classes = &app.project.classes;
        let count = |lane: &[u64; 256], n: usize| lane.get(n).copied().unwrap_or(0).to_string();
        let mut rows: Vec<Row> = (1..)
            .zip(classes)
            .map(|(n, class)| {
                let lanes = app.edits.counts.iter().map(|lane| count(lane, n));
                let first = [format!("{n} {}", class.name), app.label_count(n).to_string()];
                Row::new(first.into_iter().chain(lanes))
            })
            .collect();
        let all = |lane: &[u64; 256]| lane[1..].iter().sum::<u64>();
        let lanes: Vec<u64> = app.edits.counts.iter().map(all).collect();
        let sums = [lanes.iter().sum::<u64>()].into_iter().chain(lanes.iter().copied());
        rows.push(Row::new(["all labels".to_owned()].into_iter().chain(sums.map(|n| n.to_string()))));
        if let Some(table) = form.table_mut("counts") {
            table.set_rows(rows);
        }
        let error = match (app.training.oob_error, app.training_obstacle()) {
            (Some(error), _) => format!("out-of-bag error {:.2} %", 100.0 * error),
            (None, Some(why)) => format!("not trained: {why}"),
            (None, None) => "not trained yet".into(),
        };
        let classifier = format!("{} trees, seed {}", app.project.trees, app.project.seed);
        form.set_preview("preview", vec![error, classifier]);
    }

    fn accept(&mut self, _form: &mut Form, _app: &mut App) -> Verdict {
        Verdict::Close
    }
}

impl App {
    pub(in crate::app) fn show_training_report(&mut self) {
        let names = self.project.lanes.iter().map(|lane| lane.raw.nickname.clone());
        let heading = ["Label".to_owned(), "All images".to_owned()].into_iter().chain(names);
        let fields = vec![Field::table("counts", "", Table::new(heading)), Field::preview("preview", "")];
        self.open_form(
            Form::new("Labels and training", EXPLANATION, fields).accepts_by("Close").wide(100),
            TrainingReport,
        );
    }
}
