//! Asks for the path that a command needs.

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
    /// Asks for the path that `row` takes, beginning with what it is now.
    pub(in crate::app) fn ask_for_path(&mut self, row: &'static Row) {
        let now = match row.name {
            "file.save_as" if self.files.access.refused.is_some() => self.files.access.instead.as_ref(),
            "file.save_as" => self.project.path.as_ref().or(self.files.save_to.as_ref()),
            _ => None,
        };
        let now = now.map_or(String::new(), |path| path.display().to_string());
        let field = Field::path("path", "Path", now);
        let explanation = format!(
            "{}.\nType a path: '~' is your home folder, a relative path starts where the program was started. \
             Tab completes it as far as it is certain, Ctrl-O opens the file browser.",
            row.doc
        );
        self.open_form(Form::new(row.doc, explanation, vec![field]), PathArgument { row });
    }
}
