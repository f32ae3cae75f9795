//! Chooses the input channels that the forest learns from.

use crate::app::form::{Dialog, Field, Form, Row, Table, Verdict};
use crate::app::state::App;

struct Channels;

const EXPLANATION: &str = "The channels of the images that the forest learns from. All are used at first, as in ilastik.\n\
    Space marks a channel. Features of a channel that is left out stay in the project in their places, so that \
    ilastik opens it and predicts the same; no tree asks for them.";

/// The channels that are not marked, from 0.
fn unused(form: &Form) -> Vec<usize> {
    let Some(table) = form.table("channels") else { return Vec::new() };
    (0..table.rows.len()).filter(|&i| !table.rows[i].marked).collect()
}

impl Dialog for Channels {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        let unused = unused(form);
        let count = app.shape()[4];
        if unused.len() == count {
            form.fail("channels", "at least one channel has to be used");
        }
        let columns = app.feature_names().len();
        let used = columns / count.max(1) * (count - unused.len());
        if let Some(field) = form.field_mut("channels") {
            field.hint = format!("{used} of {columns} feature channels are learned from");
        }
    }

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        app.set_unused_channels(unused(form));
        Verdict::Close
    }
}

impl App {
    /// Asks which channels are used.
    pub(in crate::app) fn channels_dialog(&mut self) {
        let unused = self.shown_selection().unused_channels;
        let mut table = Table::new(["Channel"]).with_marks();
        let rows = (0..self.shape()[4])
            .map(|channel| Row::new([format!("channel {}", channel + 1)]).marked(!unused.contains(&channel)));
        table.set_rows(rows.collect());
        let fields = vec![Field::table("channels", "", table)];
        self.open_form(Form::new("Channels that are used", EXPLANATION, fields).wide(78), Channels);
    }
}
