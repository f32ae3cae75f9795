//! Files for the batch: files, folders, patterns, and their masks.

use crate::app::form::{Dialog, Field, Form, Verdict};
use crate::app::state::App;
use crate::batch::Input;

const EXPLANATION: &str = "Images: a file (with an inner path for HDF5, file.h5/data), a folder, or a pattern such \
    as plate1/**/*.tif; several are joined by ':'. With 'one stack' the files that match are the slices of one \
    image, along the axis that the settings name.\n\
    Masks: named the same way, one for each image, in the same order. Where a mask is zero nothing is predicted.";

#[derive(Default)]
struct BatchAdd {
    /// What was asked for last, of images and of masks.
    asked: [String; 2],
}

/// How files are taken.
const AS: [&str; 2] = ["separate images", "one stack"];

/// The images of a text; `None` until that is known, or when it is blank.
fn images<'a>(app: &'a App, text: &str) -> Option<&'a Result<Vec<String>, String>> {
    app.batch.images(text).filter(|_| !text.is_empty())
}

impl BatchAdd {
    /// The images with their masks, as far as they are known.
    fn inputs(form: &mut Form, app: &App) -> Option<Vec<Input>> {
        let (text, masks) = (form.text("images").to_owned(), form.text("masks").to_owned());
        let is_stack = form.chosen("as") == 1;
        let found = form.checked("images", images(app, &text)?.clone())?;
        let raws = if is_stack { vec![text] } else { found };
        let masks = match (masks.is_empty(), is_stack) {
            (true, _) => Vec::new(),
            (false, true) => {
                form.checked("masks", images(app, &masks)?.clone())?;
                vec![masks]
            }
            (false, false) => form.checked("masks", images(app, &masks)?.clone())?,
        };
        if !masks.is_empty() && masks.len() != raws.len() {
            form.fail("masks", format!("{} masks for {} images: each takes one", masks.len(), raws.len()));
            return None;
        }
        let mut masks = masks.into_iter();
        Some(raws.into_iter().map(|raw| Input { raw, mask: masks.next(), lane: None }).collect())
    }
}

impl Dialog for BatchAdd {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        for (asked, key) in self.asked.iter_mut().zip(["images", "masks"]) {
            let text = form.text(key);
            if asked != text {
                text.clone_into(asked);
                if !text.is_empty() && app.batch.images(text).is_none() {
                    app.find_images(&asked.clone());
                }
            }
        }
        if form.text("images").is_empty() {
            form.fail("images", "name images");
        }
        let lines = match BatchAdd::inputs(form, app) {
            Some(inputs) => {
                let mut lines = vec![format!("{} images", inputs.len())];
                lines.extend(inputs.iter().map(|input| match &input.mask {
                    Some(mask) => format!("{}  mask {mask}", input.raw),
                    None => input.raw.clone(),
                }));
                lines
            }
            None if form.first_error().is_none() => vec!["looking …".into()],
            None => Vec::new(),
        };
        form.set_preview("preview", lines);
    }

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        let Some(inputs) = BatchAdd::inputs(form, app) else {
            form.refused = Some("Still looking for these files".into());
            return Verdict::Stay;
        };
        app.add_to_batch(inputs);
        Verdict::Close
    }
}

impl App {
    /// Opens the dialog that adds files to the batch.
    pub(in crate::app) fn open_batch_add(&mut self) {
        self.batch.found.clear();
        let fields = vec![
            Field::path("images", "Images", "").hint("A file, a folder, or a pattern such as dir/*.tif"),
            Field::choice("as", "As", AS, 0),
            Field::path("masks", "Masks", "").hint("Blank, or one mask for each image, in the same order"),
            Field::preview("preview", "These are"),
        ];
        let form = Form::new("Add files to the batch", EXPLANATION, fields).accepts_by("Add").wide(100);
        self.open_form(form, BatchAdd::default());
    }
}
