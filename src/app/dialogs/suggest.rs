//! Suggested features: methods, sets with their error and cost, a preview of each on the canvas.

use crate::app::edits::Edit;
use crate::app::form::{Dialog, Field, Form, Row, Table, Verdict};
use crate::app::messages::Level;
use crate::app::state::App;
use crate::app::training_tools::{SuggestionRequest, TrainingWork};
use crate::features::FeatureBank;
use crate::pipeline::{SuggestionMethod, SuggestionOptions, candidate_features};

const EXPLANATION: &str = "Finds features that tell the labels apart, from the labelled pixels of all images. \
    Fewer features compute faster.\n\
    Filter: what each feature tells of the labels, less what the chosen ones tell already. Wrapper: adds the \
    feature that leaves the smallest out-of-bag error; slow. Gini: what a forest of all features relies on.\n\
    Number: how many features; 0 finds the number too. Penalty: what a large set costs against its error; used by \
    the wrapper and where the number is found.\n\
    The list shows each set with its out-of-bag error and its cost in milliseconds per megapixel on one core. \
    The canvas shows the segmentation by the set under the cursor. Take makes it the selection; undo takes it back.";

/// Most features that are offered.
const MOST: f64 = 999.0;

#[derive(Default)]
struct Suggest {
    /// Sets that the cursor was put on.
    seen: usize,
}

impl Suggest {
    fn start(form: &mut Form, app: &mut App) {
        if let Some(why) = app.training_obstacle() {
            // Candidates do not depend on what is selected.
            if !why.starts_with("no feature") {
                form.refused = Some(why);
                return;
            }
        }
        let method = SuggestionMethod::ALL[form.chosen("method").min(SuggestionMethod::ALL.len() - 1)];
        let count = form.number("count").unwrap_or(0.0) as usize;
        let options = SuggestionOptions {
            method,
            count,
            penalty: form.number("penalty").unwrap_or(0.1),
            seed: app.project.seed,
        };
        let Some(request) = app.suggestion_request(options) else { return };
        if request.pool.count() == 0 {
            form.refused = Some("No feature fits all images".into());
        } else if !app
            .start_training_work(format!("suggest by {method}"), TrainingWork::Suggest(Box::new(request)))
        {
            form.refused = Some("Other work for this panel still runs".into());
        }
    }
}

impl Dialog for Suggest {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        let searches = form.chosen_text("method").starts_with("wrapper") || form.number("count") == Some(0.0);
        let only = "used by the wrapper, and where the number is found";
        form.enable("penalty", if searches { Ok(()) } else { Err(only) });
        let sets = &app.tools.sets;
        let rows = sets.iter().map(|shown| {
            let error = shown.set.oob_error.map_or("-".into(), |error| format!("{:.2} %", 100.0 * error));
            let features = shown.set.selection.count().to_string();
            Row::new([shown.title.clone(), features, error, format!("{:.0}", shown.cost)])
        });
        let rows: Vec<Row> = rows.collect();
        let count = rows.len();
        let empty = app.training_job().unwrap_or_else(|| "Suggest finds sets of features".into());
        if let Some(table) = form.table_mut("sets") {
            table.set_rows(rows);
            table.empty = empty;
            if count != self.seen {
                table.cursor = count.saturating_sub(1);
            }
        }
        if count != self.seen {
            self.seen = count;
            form.focus_on("sets");
        }
        let shown = form.table("sets").and_then(|table| app.tools.sets.get(table.cursor));
        let mut lines: Vec<String> = app.training_job().into_iter().collect();
        lines.extend(shown.into_iter().flat_map(|shown| app.cells_of(&shown.set.selection)));
        let preview = shown.map(|shown| shown.preview.clone());
        app.tools.set_preview = preview;
        form.set_preview("preview", lines);
    }

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        let row = form.table("sets").map_or(0, |table| table.cursor);
        let Some(shown) = app.tools.sets.get(row).cloned() else {
            Self::start(form, app);
            self.check(form, app);
            return Verdict::Stay;
        };
        app.forget_suggestions();
        app.take_suggestion(&shown.title, shown.set.selection);
        Verdict::Close
    }

    fn act(&mut self, field: &'static str, form: &mut Form, app: &mut App) -> Verdict {
        match field {
            "start" => {
                form.refused = None;
                Self::start(form, app);
                self.check(form, app);
                Verdict::Stay
            }
            _ => self.accept(form, app),
        }
    }

    fn cancel(&mut self, _form: &mut Form, app: &mut App) {
        app.cancel_training_work();
        app.forget_suggestions();
    }
}

impl App {
    pub(in crate::app) fn suggest_features(&mut self) {
        let methods = ["filter (recommended)", "wrapper (slow but good)", "Gini (quick)"];
        let table = Table::new(["Set", "Features", "OOB error", "ms per Mpx"]);
        let fields = vec![
            Field::choice("method", "Method", methods, 0),
            Field::number("count", "Number", Some(7.0))
                .within(0.0, MOST)
                .whole()
                .hint("0 finds the number too"),
            Field::number("penalty", "Penalty", Some(0.1)).within(0.0, 10.0),
            Field::action("start", "Suggest"),
            Field::table("sets", "", table).hint("The canvas shows what each makes of the view"),
            Field::preview("preview", ""),
        ];
        let form = Form::new("Suggest features", EXPLANATION, fields).accepts_by("Take").wide(58).aside();
        self.forget_suggestions();
        self.open_form(form, Suggest::default());
    }

    fn forget_suggestions(&mut self) {
        self.tools.sets.clear();
        self.tools.set_preview = None;
    }

    fn suggestion_request(&self, options: SuggestionOptions) -> Option<SuggestionRequest> {
        let current = self.shown_selection();
        let shapes: Vec<[usize; 3]> = self
            .sources
            .iter()
            .map(|source| {
                let [_, z, y, x, _] = source.raw.info().shape;
                [z, y, x]
            })
            .collect();
        let pool = candidate_features(&current, &shapes);
        let revision = self.edits.labels_rev;
        let known = self.tools.candidates.as_ref();
        let candidates = known.filter(|(of, known)| *of == revision && *known.pool() == pool);
        Some(SuggestionRequest {
            lanes: self.training_lanes(),
            candidates: candidates.map(|(_, known)| std::sync::Arc::clone(known)),
            current,
            pool,
            options,
            trees: self.project.trees,
            class_count: self.project.classes.len(),
            source: self.sources.get(self.lane)?.clone(),
            view: self.engine_view()?,
            with_references: self.tools.sets.is_empty(),
            revision,
        })
    }

    fn take_suggestion(&mut self, title: &str, selection: crate::features::FeatureSelection) {
        let after = Some(selection);
        if self.project.selection == after {
            return self.inform("These features are selected already");
        }
        let before = std::mem::replace(&mut self.project.selection, after.clone());
        let what = format!("take the features '{title}'");
        self.record(Edit { what: what.clone(), selection: Some([before, after]), ..Edit::default() });
        self.tell(Level::Info, format!("Done: {what}"), "", "Undo brings the others back");
    }

    /// Names of the selected features, channels of one filter and scale together.
    fn cells_of(&self, selection: &crate::features::FeatureSelection) -> Vec<String> {
        FeatureBank::new(selection, self.space(), 1).map_or(Vec::new(), |bank| {
            let mut names: Vec<String> = bank
                .channel_names()
                .into_iter()
                .map(|name| name.split(" [").next().unwrap_or_default().to_owned())
                .collect();
            names.dedup();
            names
        })
    }
}
