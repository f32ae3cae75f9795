//! Ready selections of features: some of ilastik's table, chosen by what they are good for.

use crate::app::form::{Dialog, Field, Form, Row, Table, Verdict};
use crate::app::state::App;
use crate::features::FeatureSelection;
use crate::features::selection::DEFAULT_SCALES;

const EXPLANATION: &str = "Ready selections of features. Each replaces the selection; undo and 'put back' bring it back.\n\
    Small scales see fine structures and noise, large ones what lies around a pixel. Fewer features are faster and \
    need fewer labels; what is missing shows where more labels do not help.\n\
    Scales that do not fit the images are left out. Presets use ilastik's scales; 'Enter' takes one.";

/// Name, what it is for, the filters and the smallest and largest scale.
type Preset = (&'static str, &'static str, &'static [usize], [f64; 2]);

const ALL: &[usize] = &[0, 1, 2, 3, 4, 5];

const PRESETS: [Preset; 8] = [
    ("all", "everything that ilastik offers", ALL, [0.0, 10.0]),
    ("medium", "a good start with fewer features", ALL, [0.7, 3.5]),
    ("fine", "small structures, thin membranes", ALL, [0.3, 1.6]),
    ("coarse", "large structures, noisy images", ALL, [1.6, 10.0]),
    ("brightness", "objects that differ by intensity or stain", &[0], [0.3, 10.0]),
    ("edges", "borders and spots", &[1, 2, 3], [0.7, 5.0]),
    ("texture", "regions that differ by their texture", &[0, 4, 5], [0.7, 10.0]),
    ("none", "to begin from nothing, as ilastik does", &[], [0.0, 0.0]),
];

struct Presets;

impl Dialog for Presets {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        let at = form.table("presets").map_or(0, |table| table.cursor);
        let selection = of(app, at);
        let line = match app.channels_of(&selection) {
            0 => "No feature: nothing can be trained until some are selected".to_owned(),
            channels => {
                format!(
                    "{} features, {channels} channels, {} MB for each megapixel",
                    selection.count(),
                    4 * channels
                )
            }
        };
        if let Some(field) = form.field_mut("presets") {
            field.hint = line;
        }
    }

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        let at = form.table("presets").map_or(0, |table| table.cursor);
        let selection = of(app, at);
        app.set_selection(&format!("take the features '{}'", PRESETS[at].0), selection);
        Verdict::Close
    }

    fn act(&mut self, _field: &'static str, form: &mut Form, app: &mut App) -> Verdict {
        self.accept(form, app)
    }
}

/// The preset number `at`, as far as it fits the images; the channels that are left out stay so.
fn of(app: &App, at: usize) -> FeatureSelection {
    let (_, _, filters, [low, high]) = PRESETS[at.min(PRESETS.len() - 1)];
    let mut selection = FeatureSelection::all_fitting(app.space());
    selection.unused_channels = app.shown_selection().unused_channels;
    for row in 0..selection.selected.len() {
        for (column, scale) in DEFAULT_SCALES.into_iter().enumerate() {
            let wanted = filters.contains(&row) && (low..=high).contains(&scale);
            let fits = app.feature_available(&selection, row, column).is_ok();
            selection.selected[row][column] = wanted && fits;
        }
    }
    selection
}

impl App {
    /// Offers ready selections of features.
    pub(in crate::app) fn presets_dialog(&mut self) {
        let mut table = Table::new(["Preset", "For", "Features"]);
        let rows = PRESETS.iter().enumerate().map(|(at, (name, purpose, ..))| {
            Row::new([(*name).to_owned(), (*purpose).to_owned(), of(self, at).count().to_string()])
        });
        table.set_rows(rows.collect());
        let fields = vec![Field::table("presets", "", table)];
        self.open_form(
            Form::new("Feature presets", EXPLANATION, fields).accepts_by("Take").wide(72),
            Presets,
        );
    }
}
