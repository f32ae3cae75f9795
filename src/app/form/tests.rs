//! A dialog with every kind of field, driven by keys and mouse.

use std::sync::{Arc, Mutex};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEventKind};
use ratatui::layout::Margin;

use super::*;
use crate::app::event::{AppEvent, InputEvent, MouseInput};
use crate::app::layout::Layout;
use crate::app::update;
use crate::command::Keymap;

/// Notes what OK and Cancel were told.
struct Sample(Arc<Mutex<Vec<String>>>);

impl Dialog for Sample {
    fn check(&mut self, form: &mut Form, _app: &mut App) {
        if form.text("name").is_empty() {
            form.fail("name", "a name is needed");
        }
        let on = form.is_on("ranged");
        form.enable("low", if on { Ok(()) } else { Err("only with a range") });
        let text = format!("{} {:?}", form.chosen_text("mode"), form.number("low"));
        form.set_preview("preview", vec![text]);
    }

    fn accept(&mut self, form: &mut Form, _app: &mut App) -> Verdict {
        let rows = form.table("rows").map(|table| {
            let values: Vec<String> = table.rows.iter().map(|row| table.value_text(row)).collect();
            format!("{:?} {}", table.chosen_rows(), values.join(","))
        });
        let text =
            format!("ok {} {} {}", form.text("name"), form.chosen_text("mode"), rows.unwrap_or_default());
        self.0.lock().expect("a lock").push(text);
        Verdict::Close
    }

    fn cancel(&mut self, form: &mut Form, _app: &mut App) {
        self.0.lock().expect("a lock").push(format!("cancel {}", form.text("name")));
    }

    fn act(&mut self, field: &'static str, form: &mut Form, _app: &mut App) -> Verdict {
        form.set_text("name", format!("by {field}"));
        Verdict::Stay
    }
}

struct Bench {
    app: App,
    told: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    fn new(rows: u16) -> Self {
        let mut app = App::new(Keymap::preset("ilastik").expect("a preset"));
        update(&mut app, AppEvent::Resized([80, rows]));
        let table = Table::new(["File", "Size", "Label"]).with_marks().with_options(["none", "1", "2"]);
        let fields = vec![
            Field::text("name", "Name", ""),
            Field::choice("mode", "Mode", ["default", "gray", "rgba"], 0),
            Field::toggle("ranged", "Use a range", false),
            Field::number("low", "Low", Some(3.0)).within(0.0, 10.0).whole(),
            Field::table("rows", "Files", table),
            Field::preview("preview", "Preview"),
            Field::action("fill", "Fill in"),
        ];
        let mut form = Form::new("sample", "A sample.", fields);
        let rows = (0..6).map(|i| Row::new([format!("file {i}"), "3 kB".into()]).with_choice(0)).collect();
        form.table_mut("rows").expect("a table").set_rows(rows);
        let told = Arc::new(Mutex::new(Vec::new()));
        app.open_form(form, Sample(Arc::clone(&told)));
        Bench { app, told }
    }

    fn key(&mut self, code: KeyCode) -> &mut Self {
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        update(&mut self.app, AppEvent::Input(InputEvent::Key(key)));
        self
    }

    fn keys(&mut self, codes: &[KeyCode]) -> &mut Self {
        codes.iter().for_each(|code| {
            self.key(*code);
        });
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        text.chars().for_each(|c| {
            self.key(KeyCode::Char(c));
        });
        self
    }

    fn form(&self) -> &Form {
        self.app.form().expect("an open dialog")
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().expect("a lock").clone()
    }

    fn layout(&self) -> FormLayout {
        let area = Layout::of(&self.app).popup.expect("a popup");
        FormLayout::of(self.form(), area.inner(Margin::new(1, 1)))
    }

    fn click(&mut self, x: u16, y: u16) -> &mut Self {
        let mouse = MouseInput {
            kind: MouseEventKind::Down(MouseButton::Left),
            modifiers: KeyModifiers::NONE,
            cell: [i32::from(x), i32::from(y)],
            picture: None,
        };
        update(&mut self.app, AppEvent::Input(InputEvent::Mouse(mouse)));
        self
    }
}

#[test]
fn ok_is_refused_with_the_first_reason_and_the_focus_goes_there() {
    let mut bench = Bench::new(40);
    bench.keys(&[KeyCode::Tab, KeyCode::Enter]);
    assert_eq!(bench.form().refused.as_deref(), Some("Name: a name is needed"));
    assert_eq!(bench.form().focus, Focus::Field(0));
    bench.text("x");
    assert_eq!(bench.form().refused, None, "typing answers it");
    bench.key(KeyCode::Enter);
    assert_eq!(bench.told(), ["ok x default [0] none,none,none,none,none,none"]);
    assert!(bench.app.popups.is_empty());
}

#[test]
fn esc_leaves_and_cancel_is_told() {
    let mut bench = Bench::new(40);
    bench.text("ab").key(KeyCode::Esc);
    assert_eq!(bench.told(), ["cancel ab"]);
    assert!(bench.app.popups.is_empty());
}

#[test]
fn errors_and_previews_follow_as_one_types() {
    let mut bench = Bench::new(40);
    assert_eq!(bench.form().field("low").and_then(|f| f.disabled.as_deref()), Some("only with a range"));
    bench.keys(&[KeyCode::Down, KeyCode::Right, KeyCode::Down, KeyCode::Char(' '), KeyCode::Down]);
    assert_eq!(bench.form().focused().map(|field| field.key), Some("low"));
    bench.text("0");
    assert_eq!(bench.form().field("low").and_then(|f| f.error.as_deref()), Some("30 is above 10"));
    bench.keys(&[KeyCode::Backspace]).text(".5");
    assert_eq!(bench.form().field("low").and_then(|f| f.error.as_deref()), Some("3.5 is not a whole number"));
    bench.keys(&[KeyCode::Backspace, KeyCode::Backspace]);
    let preview = &bench.form().field("preview").expect("a preview").kind;
    assert!(matches!(preview, FieldKind::Preview(lines, _) if lines == &["gray Some(3.0)"]), "{preview:?}");
}

#[test]
fn tables_are_marked_and_their_rows_have_values() {
    let mut bench = Bench::new(40);
    bench.text("n").keys(&[KeyCode::Tab, KeyCode::Tab, KeyCode::Tab]);
    assert_eq!(bench.form().focused().map(|field| field.key), Some("rows"));
    bench.keys(&[KeyCode::Char(' '), KeyCode::Down, KeyCode::Right, KeyCode::Down, KeyCode::Char(' ')]);
    bench.keys(&[KeyCode::Left, KeyCode::Enter]);
    assert_eq!(bench.told(), ["ok n default [0, 2] none,1,2,none,none,none"]);
}

#[test]
fn question_mark_is_typed_in_text_and_explains_elsewhere() {
    let mut bench = Bench::new(40);
    bench.text("?");
    assert_eq!(bench.form().text("name"), "?");
    bench.key(KeyCode::Tab).text("?");
    assert!(bench.form().explaining);
    bench.key(KeyCode::Enter);
    assert!(!bench.form().explaining, "any key ends the explanation and does nothing else");
    bench.keys(&[KeyCode::BackTab, KeyCode::F(1)]);
    assert!(bench.form().explaining);
}

#[test]
fn the_mouse_reaches_every_field() {
    let mut bench = Bench::new(40);
    let layout = bench.layout();
    let place = |bench: &Bench, key: &str| {
        let at = bench.form().fields.iter().position(|field| field.key == key).expect("a field");
        layout.places.iter().find(|place| place.field == at).expect("a place").area
    };
    let mode = place(&bench, "mode");
    let spans = choice_spans(&["default".into(), "gray".into(), "rgba".into()], 60).expect("room");
    bench.click(mode.x + layout.labels + spans[2].0 + 1, mode.y);
    assert_eq!(bench.form().chosen_text("mode"), "rgba");
    let ranged = place(&bench, "ranged");
    bench.click(ranged.x + layout.labels, ranged.y);
    assert!(bench.form().is_on("ranged"));
    let rows = place(&bench, "rows");
    bench.click(rows.x + 1, rows.y + 2 + 3);
    let table = bench.form().table("rows").expect("a table");
    assert_eq!((table.cursor, table.chosen_rows()), (3, vec![3]));
    let fill = place(&bench, "fill");
    bench.click(fill.x + 2, fill.y);
    assert_eq!(bench.form().text("name"), "by fill");
    // The error that is gone moved the buttons up.
    let ok = bench.layout().ok;
    bench.click(ok.x + 1, ok.y);
    assert_eq!(bench.told(), ["ok by fill rgba [3] none,none,none,none,none,none"]);
}

#[test]
fn a_low_screen_scrolls_to_the_focus() {
    for rows in [6, 10, 14, 24] {
        let mut bench = Bench::new(rows);
        for _ in 0..bench.form().fields.len() {
            let layout = bench.layout();
            let shown =
                |i: usize| layout.places.iter().any(|place| place.field == i && place.area.height > 0);
            if let Focus::Field(at) = bench.form().focus {
                assert!(rows < 8 || shown(at), "field {at} at {rows} rows");
            }
            bench.key(KeyCode::Tab);
        }
    }
}
