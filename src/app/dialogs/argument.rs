//! Asks for the path that a command needs.

use crate::app::edits::location_text;
use crate::app::form::{Dialog, Field, Form, Verdict};
use crate::app::state::App;
use crate::command::{Command, Row};

struct PathArgument {
    row: &'static Row,
}

impl Dialog for PathArgument {
    fn check(&mut self, _form: &mut Form, _app: &mut App) {}

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        match Command::parse(&format!("{} {}", self.row.name, form.text("path"))) {
            Ok(command) => {
                app.run(command);
                Verdict::Close
            }
            Err(_) => {
                form.refused = Some("A path is needed".into());
                Verdict::Stay
            }
        }
    }
}

impl App {
    /// A project's name beside its first image: the image's with another extension.
    fn name_beside_the_first_image(&self) -> String {
        let Some(lane) = self.project.lanes.first() else { return String::new() };
        let location = location_text(&lane.raw);
        let file = location.split(':').next().unwrap_or_default();
        let end = [".h5/", ".hdf5/"].iter().find_map(|inner| Some(file.find(inner)? + inner.len() - 1));
        let file = std::path::Path::new(&file[..end.unwrap_or(file.len())]);
        file.with_extension("ilp").display().to_string()
    }

    /// Asks for the path that `row` takes, beginning with what it is now.
    pub(in crate::app) fn ask_for_path(&mut self, row: &'static Row) {
        let now = match row.name {
            "file.save_as" if self.files.access.refused.is_some() => self.files.access.instead.as_ref(),
            "file.save_as" => self.project.path.as_ref().or(self.files.save_to.as_ref()),
            _ => None,
        };
        let now = now.map_or(String::new(), |path| path.display().to_string());
        let now = match row.name {
            "file.save_as" if now.is_empty() => self.name_beside_the_first_image(),
            _ => now,
        };
        self.path_dialog(row, now, None);
    }

    /// Asks again for the path that `row` takes: `path` was refused.
    pub(in crate::app) fn ask_for_path_again(&mut self, row: &'static Row, path: String, why: String) {
        self.path_dialog(row, path, Some(why));
    }

    fn path_dialog(&mut self, row: &'static Row, now: String, refused: Option<String>) {
        let field = Field::path("path", "Path", now);
        let explanation = format!(
            "{}.\nType a path: '~' is your home folder, a relative path starts where the program was started. \
             Tab completes it as far as it is certain, Ctrl-O opens the file browser.",
            row.doc
        );
        let form = Form { refused, ..Form::new(row.doc, explanation, vec![field]) };
        self.open_form(form, PathArgument { row });
    }
}
