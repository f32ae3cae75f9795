//! Asks where a project's images are that were not found, or are not the ones that were labelled.

use crate::app::effect::Effect;
use crate::app::event::Opened;
use crate::app::form::{Dialog, Field, Form, Row, RowValue, Table, Verdict};
use crate::app::jobs::{JobId, Work};
use crate::app::lost::{ImageSearch, LostImage, OpenFound};
use crate::app::messages::{Level, Problem};
use crate::app::state::App;
use crate::project::DataRole;

struct FindImages {
    opened: Option<Box<Opened>>,
    search: Option<JobId>,
}

const EXPLANATION: &str = "The project names images that are not there, or that are not the ones that were labelled.\n\
    An image is the same when its shape, its sample type and the values at fixed places are those that were \
    noted when it was added.\n\
    Write where an image is now into its row (Ctrl-O browses), or search a folder and all folders in it: only \
    images that are the same are taken.\n\
    A file that has changed on purpose can be used as it is; the labels are then put on it.\n\
    Esc opens the project without: the images before the first lost one are shown, and nothing is lost.";

impl FindImages {
    fn lost(&self) -> &[LostImage] {
        self.opened.as_ref().map_or(&[], |opened| &opened.lost)
    }

    /// Where each lost image is now, as far as that was said.
    fn locations(form: &Form) -> Vec<String> {
        let Some(table) = form.table("images") else { return Vec::new() };
        table.rows.iter().map(|row| table.value_text(row).trim().to_owned()).collect()
    }
}

impl Dialog for FindImages {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        if let Some(found) = app.found.take()
            && let Some(table) = form.table_mut("images")
        {
            for (index, location) in found {
                if let Some(row) = table.rows.get_mut(index) {
                    row.value = RowValue::Text(location.into());
                }
            }
        }
        let trust = form.is_on("trust");
        let locations = Self::locations(form);
        let mut open = 0;
        for (i, (image, location)) in self.lost().iter().zip(&locations).enumerate() {
            let solved = *location != image.location || (image.changed && trust);
            open += usize::from(!solved);
            if let Some(row) = form.table_mut("images").and_then(|table| table.rows.get_mut(i)) {
                row.error = (!solved).then(|| image.why.clone());
            }
        }
        if open > 0 {
            form.fail("images", format!("{open} of {} are not found yet", locations.len()));
        }
        let why = form.table("images").and_then(|table| self.lost().get(table.cursor));
        let why = why.map_or(String::new(), |image| image.why.clone());
        if let Some(field) = form.field_mut("images") {
            field.hint = why;
        }
        let running = self.search.and_then(|id| app.jobs.get(id)).map(|job| job.line(app.now));
        form.set_preview("progress", running.into_iter().collect());
    }

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        let Some(path) = self.opened.as_ref().and_then(|opened| opened.project.path.clone()) else {
            return Verdict::Close;
        };
        let found = self.lost().iter().zip(Self::locations(form));
        let found = found.filter(|(image, location)| image.location != *location);
        let found = found.map(|(image, location)| (image.lane, image.role, location)).collect();
        app.files.opening = true;
        app.outbox.push(Effect::OpenFound(Box::new(OpenFound { path, found, trust: form.is_on("trust") })));
        Verdict::Close
    }

    fn cancel(&mut self, _form: &mut Form, app: &mut App) {
        let Some(opened) = self.opened.take() else { return };
        let lost = opened.lost.clone();
        app.opened(*opened);
        for image in lost {
            let what =
                format!("Can't open image {} of the project, '{}'", image.lane + 1, image.info.nickname);
            let remedy = "It and the images after it are not shown; open the project again to find it";
            app.messages.push(Level::Error, Problem::new(what, image.why, remedy), app.now);
        }
    }

    fn act(&mut self, field: &'static str, form: &mut Form, app: &mut App) -> Verdict {
        match field {
            "search" => {
                let folder = form.text("folder").to_owned();
                let search = ImageSearch { folder: folder.clone(), lost: self.lost().to_vec() };
                let folder = if folder.is_empty() { "." } else { &folder };
                let title = format!("search {folder}");
                self.search = Some(app.start_job(title, Work::FindImages(Box::new(search))));
            }
            _ => {
                let typed = form.table("images").and_then(|table| Some(table.value_text(table.current()?)));
                app.browse_for_field("images", &typed.unwrap_or_default());
            }
        }
        Verdict::Stay
    }
}

impl App {
    /// Asks for the images of `opened` that are lost.
    pub(in crate::app) fn ask_for_lost(&mut self, opened: Box<Opened>) {
        let rows = opened.lost.iter().map(|image| {
            let role = if image.role == DataRole::PredictionMask { " (mask)" } else { "" };
            let problem = if image.changed { "another content" } else { "not found" };
            Row::new([format!("{}{role}", image.info.nickname), problem.to_owned()])
                .with_text(image.location.clone())
        });
        let mut table = Table::new(["Image", "Problem", "Where it is now"]);
        table.set_rows(rows.collect());
        let folder = opened.project.folder().map_or(String::new(), |folder| format!("{}/", folder.display()));
        let changed = opened.lost.iter().any(|image| image.changed);
        let mut trust = Field::toggle("trust", "Use changed images as they are", false)
            .hint("The labels are put on what the files hold now");
        trust.hidden = !changed;
        let fields = vec![
            Field::table("images", "", table),
            trust,
            Field::path("folder", "Search in", folder).hint("This folder and all folders in it"),
            Field::action("search", "Search for them").hint("Takes only images that are the same"),
            Field::action("browse", "Browse for the selected one"),
            Field::preview("progress", ""),
        ];
        let form =
            Form::new("Images that moved or changed", EXPLANATION, fields).accepts_by("Open").wide(110);
        self.open_form(form, FindImages { opened: Some(opened), search: None });
    }
}
