//! Writes the labels of the image shown to a file.

use std::path::PathBuf;

use crate::app::form::{Dialog, Field, Form, Verdict, folder_of};
use crate::app::state::App;
use crate::app::training_tools::TrainingWork;
use crate::batch::label_image::label_format;

const EXPLANATION: &str = "Writes the labels of the image shown as an image of 8 bits: 0 is unlabelled, 1 the first \
    label and so on.\nThe format follows from the extension: .h5, .npy, .tif, .png (2D) or .bmp (2D).\n\
    A file that is there is only replaced when you allow it.";

struct ExportLabels;

/// Whether a file of the name typed is known to be there.
pub(super) fn is_there(path: &str, app: &App) -> bool {
    let folder = folder_of(path);
    let listed = app.folders.get(folder).and_then(|listing| listing.as_ref().ok());
    let name = &path[folder.len()..];
    listed.is_some_and(|listing| listing.entries.iter().any(|e| e.name == name && !e.is_folder))
}

impl Dialog for ExportLabels {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        let format = label_format(&PathBuf::from(form.text("path")));
        let there = is_there(form.text("path"), app);
        form.show("overwrite", there);
        match format {
            None => form.fail("path", "end the name in .h5, .npy, .tif, .png or .bmp"),
            Some("png" | "bmp") if app.space()[0] > 1 || app.shape()[0] > 1 => {
                form.fail("path", "a picture holds a single slice; choose .tif, .h5 or .npy");
            }
            Some(_) if there && !form.is_on("overwrite") => {
                form.fail("path", "this file exists; allow replacing it or choose another name");
            }
            Some(_) => {}
        }
        let labels: u64 = app.edits.counts.get(app.lane).map_or(0, |counts| counts[1..].iter().sum());
        let line = format!("{labels} labelled pixels, {}", format.unwrap_or("no format"));
        form.set_preview("preview", vec![line]);
    }

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        let (Some(labels), Some(image)) = (app.labels().cloned(), app.info().cloned()) else {
            return Verdict::Close;
        };
        let path = PathBuf::from(form.text("path"));
        let overwrite = form.is_on("overwrite");
        let work = TrainingWork::WriteLabels { labels, image, path, overwrite };
        if !app.start_training_work("export labels", work) {
            form.refused = Some("Other work for this panel still runs".into());
            return Verdict::Stay;
        }
        Verdict::Close
    }
}

impl App {
    pub(in crate::app) fn ask_where_to_export_labels(&mut self) {
        let name = self.project.lanes.get(self.lane).map_or("image", |lane| lane.raw.nickname.as_str());
        let fields = vec![
            Field::path("path", "File", format!("{name}_Labels.h5")),
            Field::toggle("overwrite", "Replace it", false),
            Field::preview("preview", ""),
        ];
        self.open_form(Form::new("Export labels", EXPLANATION, fields).accepts_by("Export"), ExportLabels);
    }
}
