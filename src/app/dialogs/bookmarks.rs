//! Bookmarks: places with a note, to come back to.

use crossterm::event::{KeyCode, KeyEvent};

use crate::app::edits::Edit;
use crate::app::form::{Dialog, Field, FieldKind, Form, KeyUse, Row, Table, Verdict};
use crate::app::state::App;
use crate::project::Bookmark;

const EXPLANATION: &str = "Places worth coming back to, in all images; they are kept in the project.\n\
    Enter goes there. Delete or X removes a bookmark; undo brings it back. To add one, put the cursor on the \
    place, type a note and choose Add.";

struct Bookmarks;

impl Dialog for Bookmarks {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        let rows = app.project.bookmarks.iter().map(|bookmark| {
            let [t, z, y, x] = bookmark.at;
            let lane = app.lane_of(bookmark).and_then(|lane| app.project.lanes.get(lane));
            let image = lane.map_or("(not open)", |lane| lane.raw.nickname.as_str());
            Row::new([bookmark.note.clone(), image.into(), format!("{x} {y} {z} {t}")])
        });
        let rows = rows.collect();
        if let Some(table) = form.table_mut("list") {
            table.set_rows(rows);
            table.empty = "no bookmarks yet".into();
        }
    }

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        let row = form.table("list").map_or(0, |table| table.cursor);
        if let Some(bookmark) = app.project.bookmarks.get(row).cloned() {
            match app.lane_of(&bookmark) {
                Some(lane) => app.show_pixel(lane, bookmark.at),
                None => {
                    form.refused = Some("Its image is not open".into());
                    return Verdict::Stay;
                }
            }
        }
        Verdict::Close
    }

    fn act(&mut self, field: &'static str, form: &mut Form, app: &mut App) -> Verdict {
        if field != "add" {
            return self.accept(form, app);
        }
        let note = form.text("note").to_owned();
        app.add_bookmark(&note);
        form.set_text("note", "");
        self.check(form, app);
        Verdict::Stay
    }

    fn key(&mut self, key: &KeyEvent, form: &mut Form, app: &mut App) -> KeyUse {
        let row = match form.focused().map(|field| &field.kind) {
            Some(FieldKind::Table(table)) => table.cursor,
            _ => return KeyUse::Usual,
        };
        if !matches!(key.code, KeyCode::Delete | KeyCode::Char('x' | 'X')) {
            return KeyUse::Usual;
        }
        app.remove_bookmark(row);
        KeyUse::Done
    }
}

impl App {
    pub(in crate::app) fn show_bookmarks(&mut self) {
        let fields = vec![
            Field::table("list", "", Table::new(["Note", "Image", "x y z t"]))
                .hint("Enter goes there, X removes it"),
            Field::text("note", "Note", ""),
            Field::action("add", "Add the place of the cursor"),
        ];
        self.open_form(Form::new("Bookmarks", EXPLANATION, fields).accepts_by("Go there"), Bookmarks);
    }

    /// The image of a bookmark, if it is open.
    fn lane_of(&self, bookmark: &Bookmark) -> Option<usize> {
        let lanes = self.project.lanes.iter().take(self.views.len());
        lanes.enumerate().find(|(_, lane)| lane.raw.id == bookmark.image).map(|(index, _)| index)
    }

    /// Bookmarks the cursor's place.
    pub(in crate::app) fn add_bookmark(&mut self, note: &str) {
        let (Some(lane), Some(view)) = (self.project.lanes.get(self.lane), self.view()) else { return };
        let bookmark = Bookmark { image: lane.raw.id.clone(), at: view.cursor, note: note.trim().into() };
        let mut after = self.project.bookmarks.clone();
        after.push(bookmark);
        self.set_bookmarks("add a bookmark", after);
    }

    fn remove_bookmark(&mut self, row: usize) {
        let mut after = self.project.bookmarks.clone();
        if row < after.len() {
            after.remove(row);
            self.set_bookmarks("remove a bookmark", after);
        }
    }

    fn set_bookmarks(&mut self, what: &str, after: Vec<Bookmark>) {
        let before = std::mem::replace(&mut self.project.bookmarks, after.clone());
        self.record(Edit { what: what.into(), bookmarks: Some([before, after]), ..Edit::default() });
        self.inform(format!("Done: {what}"));
    }
}
