//! The classifier's settings: trees and seed.

use crate::app::edits::Edit;
use crate::app::form::{Dialog, Field, Form, Verdict};
use crate::app::state::App;
use crate::project::model::MAX_TREES;

const EXPLANATION: &str = "The classifier is a random forest, as in ilastik.\n\
    Trees: more make probabilities finer and prediction slower; 100 is ilastik's number.\n\
    Seed: the same seed and labels give the same forest. Another seed shows how much of a result is chance.";

struct Classifier;

impl Dialog for Classifier {
    fn check(&mut self, form: &mut Form, _app: &mut App) {
        let seed = form.text("seed").parse::<u64>().map_err(|_| "a whole number from 0 is needed");
        form.checked("seed", seed);
    }

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        let trees = form.number("trees").unwrap_or(100.0) as u32;
        if let Ok(seed) = form.text("seed").parse() {
            app.set_classifier(trees, seed);
        }
        Verdict::Close
    }
}

impl App {
    pub(in crate::app) fn ask_for_classifier(&mut self) {
        let fields = vec![
            Field::number("trees", "Trees", Some(self.project.trees.into()))
                .within(1.0, MAX_TREES.into())
                .whole(),
            Field::text("seed", "Seed", self.project.seed.to_string()),
        ];
        self.open_form(Form::new("Classifier", EXPLANATION, fields), Classifier);
    }

    fn set_classifier(&mut self, trees: u32, seed: u64) {
        let before = (self.project.trees, self.project.seed);
        if before == (trees, seed) {
            return;
        }
        (self.project.trees, self.project.seed) = (trees, seed);
        let what = format!("set the classifier to {trees} trees, seed {seed}");
        self.record(Edit {
            what: what.clone(),
            classifier: Some([before, (trees, seed)]),
            ..Edit::default()
        });
        self.inform(format!("Done: {what}"));
    }
}
