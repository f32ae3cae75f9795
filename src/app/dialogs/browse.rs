//! The file browser: goes through folders, filters by what is typed, and hands what is chosen to the field
//! of a dialog.

use std::path::Path;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::app::contrast::short;
use crate::app::folders::FolderEntry;
use crate::app::form::{Dialog, Field, FieldKind, Form, KeyUse, Row, Table, Verdict, folder_of};
use crate::app::inspect::{Inspection, summary};
use crate::app::state::App;
use crate::io;

/// What joins several files that make one image, as in a project file.
const SEPARATOR: &str = ":";

struct Browser {
    /// The field that gets what is chosen.
    target: &'static str,
    /// The folder shown, ending in `/`; blank is the working folder.
    folder: String,
    hidden: bool,
    /// What was marked, in other folders or filtered away too: full paths.
    marked: Vec<String>,
    /// The entries shown.
    shown: Vec<FolderEntry>,
    /// Whether the entries of `folder` are shown yet.
    current: bool,
    /// What to put the cursor on once the entries are there.
    seek: Option<String>,
    /// Whether nobody asked for `folder`: when it is gone, the one above it is shown.
    guessed: bool,
}

const EXPLANATION: &str = "Choose files.\n\
    Up and Down move, Enter or Right goes into a folder, Left goes to the folder above. Enter on a file \
    chooses it. Space marks several; Enter then chooses all that are marked, from any folder. Typing \
    filters by name. Ctrl-H shows hidden files or hides them. Beside the list stands a small picture of the image \
    under the cursor: its middle slice, or the middle of that where all of it would take too long.\n\
    The mouse: a click selects, a second click opens or chooses, a click on the box marks.";

impl Browser {
    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.folder)
    }

    fn go(&mut self, folder: String, seek: Option<String>, form: &mut Form, app: &mut App) {
        self.folder = folder;
        self.guessed = false;
        self.current = false;
        self.seek = seek;
        form.set_text("filter", "");
        if let Some(table) = form.table_mut("files") {
            table.cursor = 0;
        }
        app.list_folder(&self.folder);
    }

    fn up(&mut self, form: &mut Form, app: &mut App) {
        let here = match app.folders.get(&self.folder) {
            Some(Ok(listing)) => listing.folder.clone(),
            _ => self.folder.trim_end_matches('/').to_owned(),
        };
        let Some((above, name)) = here.trim_end_matches('/').rsplit_once('/') else { return };
        let (above, name) = (format!("{above}/"), name.to_owned());
        self.go(above, Some(name), form, app);
    }

    /// Goes into a folder, or chooses a file and what is marked.
    fn open(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        let at = form.table("files").map_or(0, |table| table.cursor);
        match self.shown.get(at) {
            Some(entry) if entry.is_folder && self.marked.is_empty() => {
                let folder = format!("{}/", self.path(&entry.name));
                self.go(folder, None, form, app);
                Verdict::Stay
            }
            entry => {
                let one = entry.map(|entry| self.path(&entry.name));
                self.choose(one, form, app)
            }
        }
    }

    fn choose(&mut self, one: Option<String>, form: &mut Form, app: &mut App) -> Verdict {
        let chosen = if self.marked.is_empty() { one.into_iter().collect() } else { self.marked.clone() };
        if chosen.is_empty() {
            form.refused = Some("Nothing is chosen".into());
            return Verdict::Stay;
        }
        app.fill_field(self.target, &chosen.join(SEPARATOR));
        app.want_thumbnail(None);
        Verdict::Close
    }

    /// Says what the entry under the cursor is, as soon as that is known.
    fn preview(&mut self, form: &mut Form, app: &mut App) {
        let at = form.table("files").map_or(0, |table| table.cursor);
        let lines = match self.shown.get(at) {
            None => Vec::new(),
            Some(entry) if entry.is_folder => vec!["a folder".to_owned()],
            Some(entry) => {
                let path = self.path(&entry.name);
                match app.inspection_of(&path) {
                    Some(found) => described(found),
                    None => {
                        // One at a time, however fast the cursor moves.
                        if !app.is_inspecting() {
                            app.inspect(&path);
                        }
                        vec!["looking …".to_owned()]
                    }
                }
            }
        };
        let mut lines = lines;
        form.picture = Some(self.picture(at, &mut lines, app));
        form.set_preview("preview", lines);
    }

    /// Wants the picture of the entry under the cursor; says what stands in its place as long as there is none, and in
    /// the lines about the image when it shows a part only.
    fn picture(&self, at: usize, lines: &mut Vec<String>, app: &mut App) -> String {
        let path = self.shown.get(at).filter(|entry| !entry.is_folder).map(|entry| self.path(&entry.name));
        let found =
            path.as_deref().and_then(|path| app.inspection_of(path)).and_then(|found| found.first.as_ref());
        if let Some(Err(why)) = found {
            let why = why.clone();
            app.want_thumbnail(None);
            return why;
        }
        let image = path.filter(|_| matches!(found, Some(Ok(_))));
        app.want_thumbnail(image.as_deref());
        match (image, app.thumbnails.shown()) {
            (None, _) => String::new(),
            (Some(_), None) => "making a picture …".into(),
            (Some(_), Some(Err(why))) => format!("no picture: {why}"),
            (Some(_), Some(Ok(thumbnail))) => {
                if !thumbnail.is_whole() {
                    let [_, rows, columns] = thumbnail.region.shape();
                    lines.push(format!("the picture shows its middle, {columns} x {rows}"));
                }
                String::new()
            }
        }
    }

    fn keep_marks(&mut self, form: &Form) {
        let Some(table) = form.table("files") else { return };
        for (entry, row) in self.shown.iter().zip(&table.rows) {
            let path = self.path(&entry.name);
            let at = self.marked.iter().position(|marked| *marked == path);
            match (row.marked, at) {
                (true, None) => self.marked.push(path),
                (false, Some(at)) => {
                    self.marked.remove(at);
                }
                _ => {}
            }
        }
    }
}

/// What an image is, in a line or two.
fn described(found: &Inspection) -> Vec<String> {
    match &found.first {
        Some(Ok(info)) => {
            let sizes = info.axes.axes().iter().filter_map(|&axis| {
                let size = info.pixel_size[axis as usize].as_ref()?;
                Some(format!("{} {} {}", axis.key(), short(size.size), size.unit))
            });
            let sizes: Vec<String> = sizes.collect();
            let size =
                if sizes.is_empty() { String::new() } else { format!(", pixels {}", sizes.join(", ")) };
            vec![format!("{}{size}", summary(info))]
        }
        Some(Err(why)) => vec![why.clone()],
        None if found.datasets.is_empty() => vec!["no image".to_owned()],
        None => vec![format!("{} datasets: {}", found.datasets.len(), found.datasets.join(", "))],
    }
}

/// A size with a unit.
fn size_text(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

impl Dialog for Browser {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        if self.current {
            self.keep_marks(form);
        }
        while self.guessed && matches!(app.folders.get(&self.folder), Some(Err(_))) {
            self.folder = folder_of(self.folder.trim_end_matches('/')).to_owned();
            self.guessed = !self.folder.is_empty();
            app.list_folder(&self.folder);
        }
        let filter = form.text("filter").to_lowercase();
        let (title, entries, empty) = match app.folders.get(&self.folder) {
            None => (self.folder.clone(), &[][..], "looking into the folder …".to_owned()),
            Some(Err(why)) => (self.folder.clone(), &[][..], format!("can't look into it: {why}")),
            Some(Ok(listing)) => {
                self.current = true;
                (listing.folder.clone(), &listing.entries[..], "nothing here".to_owned())
            }
        };
        let shown = entries.iter().filter(|entry| {
            (self.hidden || !entry.name.starts_with('.')) && entry.name.to_lowercase().contains(&filter)
        });
        self.shown = shown.cloned().collect();
        let rows = self.shown.iter().map(|entry| {
            let size = if entry.is_folder { String::new() } else { size_text(entry.bytes) };
            Row::new([entry.shown_name(), size]).marked(self.marked.contains(&self.path(&entry.name)))
        });
        let rows: Vec<Row> = rows.collect();
        let empty = match entries.is_empty() || filter.is_empty() {
            true => empty,
            false => format!("no name here has '{filter}' in it"),
        };
        let seek = self.seek.take_if(|_| self.current);
        if let Some(table) = form.table_mut("files") {
            let at = seek.and_then(|name| self.shown.iter().position(|entry| entry.name == name));
            table.cursor = at.unwrap_or(table.cursor);
            table.set_rows(rows);
            table.empty = empty;
        }
        self.preview(form, app);
        form.title = if title.is_empty() { "files".into() } else { title };
        let marked = match self.marked.len() {
            0 => String::new(),
            n => format!("{n} marked"),
        };
        if let Some(field) = form.field_mut("files") {
            field.hint = marked;
        }
    }

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        self.open(form, app)
    }

    fn cancel(&mut self, _form: &mut Form, app: &mut App) {
        app.want_thumbnail(None);
    }

    fn act(&mut self, field: &'static str, form: &mut Form, app: &mut App) -> Verdict {
        match field {
            "here" => self.choose(Some(self.folder.clone()), form, app),
            _ => self.open(form, app),
        }
    }

    fn key(&mut self, key: &KeyEvent, form: &mut Form, app: &mut App) -> KeyUse {
        let in_list = form.focused().is_some_and(|field| matches!(field.kind, FieldKind::Table(_)));
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('h') if ctrl => self.hidden = !self.hidden,
            KeyCode::Left if in_list => self.up(form, app),
            KeyCode::Backspace if in_list && form.text("filter").is_empty() => self.up(form, app),
            KeyCode::Right if in_list => {
                let at = form.table("files").map_or(0, |table| table.cursor);
                if self.shown.get(at).is_some_and(|entry| entry.is_folder) {
                    let folder = format!("{}/", self.path(&self.shown[at].name));
                    self.go(folder, None, form, app);
                }
            }
            // Typing in the list filters it.
            KeyCode::Char(c) if in_list && !ctrl && c != ' ' && c != '?' => {
                let filter = format!("{}{c}", form.text("filter"));
                form.set_text("filter", filter);
            }
            KeyCode::Backspace if in_list => {
                let mut filter = form.text("filter").to_owned();
                filter.pop();
                form.set_text("filter", filter);
            }
            _ => return KeyUse::Usual,
        }
        KeyUse::Done
    }
}

impl App {
    /// Opens the file browser for the field `target` of the topmost dialog, where `typed` stands.
    pub(in crate::app) fn browse_for_field(&mut self, target: &'static str, typed: &str) {
        let first = typed.split(SEPARATOR).next().unwrap_or_default();
        let name = first[folder_of(first).len()..].to_owned();
        let guessed = first.is_empty();
        let folder = if guessed { self.last_folder() } else { folder_of(first).to_owned() };
        let files = Table::new(["Name", "Size"]).with_marks();
        let fields = vec![
            Field::table("files", "", files),
            Field::text("filter", "Filter", "").hint("Only names with this in them are shown"),
            Field::preview("preview", ""),
            Field::action("here", "Choose this folder")
                .hint("Takes the folder itself instead of a file in it"),
        ];
        let browser = Browser {
            target,
            folder: folder.clone(),
            hidden: name.starts_with('.'),
            marked: Vec::new(),
            shown: Vec::new(),
            current: false,
            seek: Some(name).filter(|name| !name.is_empty()),
            guessed,
        };
        self.list_folder(&folder);
        let form = Form::new("files", EXPLANATION, fields).accepts_by("Choose").wide(100);
        self.open_form(form, browser);
    }

    /// The folder of the image that came last, else of what was opened last; blank when there is none.
    fn last_folder(&self) -> String {
        let image = self.project.lanes.last().and_then(|lane| self.project.locate(&lane.raw).ok());
        let last = image.as_ref().or(self.files.recent.first());
        let first = last.and_then(|last| last.split(SEPARATOR).next()).unwrap_or_default();
        // The file itself, where a dataset in it is named.
        let file = Path::new(first).ancestors().find(|path| io::is_image_name(path));
        folder_of(&file.map_or(first.into(), Path::to_string_lossy)).to_owned()
    }
}
