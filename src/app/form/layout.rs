//! Where the fields of a dialog are, inside its borders: for drawing and for the mouse.

use ratatui::layout::Rect;

use super::{Field, FieldKind, Focus, Form};

/// Where a dialog's parts are.
#[derive(Clone, Debug, Default)]
pub struct FormLayout {
    /// The fields shown.
    pub places: Vec<Place>,
    /// The line that says why OK was refused, or helps.
    pub note: Rect,
    /// The button that accepts.
    pub ok: Rect,
    /// The button that leaves.
    pub cancel: Rect,
    /// What `?` does.
    pub help: Rect,
    /// Columns of the labels.
    pub labels: u16,
    /// Room for a small picture.
    pub picture: Option<Rect>,
}

/// Where a field is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Index of the field.
    pub field: usize,
    /// Its lines; for tables and previews that have a label its line comes first.
    pub area: Rect,
    /// The line of its error.
    pub error: Option<Rect>,
}

/// Fewest lines of a table, its heading included.
const FEWEST: u16 = 3;
/// Lines of a table beside which a small picture is to stand.
const PICTURE_LINES: u16 = 16;
/// Fewest lines and columns of a small picture.
const SMALLEST_PICTURE: [u16; 2] = [5, 16];
/// Fewest columns of a table with a picture beside it.
const BESIDE_PICTURE: u16 = 32;
/// Lines below the fields: the note and the buttons.
const FOOT: u16 = 3;

/// Lines that a field fills when there is room enough.
fn wanted(field: &Field) -> u16 {
    let label = u16::from(!field.label.is_empty());
    let count = |n: usize| u16::try_from(n).unwrap_or(u16::MAX / 4).min(1000);
    match &field.kind {
        FieldKind::Table(table) => {
            (label + u16::from(!table.heading.is_empty()) + count(table.rows.len())).max(FEWEST)
        }
        FieldKind::Preview(lines, _) => label + count(lines.len()).max(1),
        _ => 1,
    }
}

fn is_flexible(field: &Field) -> bool {
    matches!(field.kind, FieldKind::Table(_) | FieldKind::Preview(..))
}

/// The same within a form.
fn wanted_in(form: &Form, index: usize) -> u16 {
    let lines = wanted(&form.fields[index]);
    if form.picture.is_some() && first_table(form) == Some(index) { lines.max(PICTURE_LINES) } else { lines }
}

fn first_table(form: &Form) -> Option<usize> {
    form.fields.iter().position(|field| !field.hidden && matches!(field.kind, FieldKind::Table(_)))
}

/// Lines that a form fills inside its borders when there is room enough.
pub fn form_height(form: &Form) -> u16 {
    let shown = (0..form.fields.len()).filter(|&i| !form.fields[i].hidden);
    shown.map(|i| wanted_in(form, i) + u16::from(form.fields[i].error.is_some())).sum::<u16>() + FOOT
}

/// The places of the options of a choice, as (first column, width), if all fit `width` columns.
pub fn choice_spans(options: &[String], width: u16) -> Option<Vec<(u16, u16)>> {
    let mut at = 0;
    let spans = options.iter().map(|option| {
        let own = option.chars().count() as u16 + 4;
        at += own;
        (at - own, own)
    });
    let spans: Vec<_> = spans.collect();
    (at <= width + 1).then_some(spans)
}

/// Takes room for a picture from the right of a table, if there is enough: two fifths of it.
fn make_room(table: &mut Place) -> Option<Rect> {
    let [lines, columns] = SMALLEST_PICTURE;
    let width = table.area.width * 2 / 5;
    if table.area.height < lines || width < columns || table.area.width < width + 1 + BESIDE_PICTURE {
        return None;
    }
    table.area.width -= width + 1;
    Some(Rect { x: table.area.right() + 1, width, ..table.area })
}

impl FormLayout {
    /// The layout of `form` within `inner`.
    pub fn of(form: &Form, inner: Rect) -> FormLayout {
        let shown: Vec<usize> = (0..form.fields.len()).filter(|&i| !form.fields[i].hidden).collect();
        let labels = shown
            .iter()
            .filter(|&&i| !is_flexible(&form.fields[i]) && !matches!(form.fields[i].kind, FieldKind::Action))
            .map(|&i| form.fields[i].label.chars().count() as u16 + 2)
            .max()
            .unwrap_or(0)
            .min(inner.width / 2);
        let room = inner.height.saturating_sub(FOOT);
        let errors = shown.iter().filter(|&&i| form.fields[i].error.is_some()).count() as u16;
        let fixed = shown.iter().filter(|&&i| !is_flexible(&form.fields[i])).count() as u16 + errors;
        let mut left = room.saturating_sub(fixed);
        let mut flexible = shown.iter().filter(|&&i| is_flexible(&form.fields[i])).count() as u16;
        // Lines of each field; those that can shrink share what is left.
        let mut places = Vec::new();
        let mut y = 0;
        for &field in &shown {
            let mut height = 1;
            if is_flexible(&form.fields[field]) {
                let later: u16 = shown
                    .iter()
                    .filter(|&&i| i > field && is_flexible(&form.fields[i]))
                    .map(|&i| wanted_in(form, i))
                    .sum();
                let share = (left / flexible.max(1)).max(left.saturating_sub(later));
                let fewest = wanted_in(form, field).min(FEWEST);
                height = wanted_in(form, field).min(share).max(fewest.min(room.max(1)));
                left = left.saturating_sub(height);
                flexible -= 1;
            }
            let area = Rect::new(inner.x, y, inner.width, height);
            y += height;
            let error = form.fields[field].error.is_some().then(|| {
                y += 1;
                Rect::new(inner.x, y - 1, inner.width, 1)
            });
            places.push(Place { field, area, error });
        }
        // Scrolls so that what has the focus is seen.
        let bottom = match form.focus {
            Focus::Field(at) => places
                .iter()
                .find(|place| place.field == at)
                .map_or(0, |place| place.error.unwrap_or(place.area).bottom()),
            Focus::Ok | Focus::Cancel => y,
        };
        let scroll = if y <= room { 0 } else { bottom.saturating_sub(room) };
        let moved = |area: Rect| {
            let top = area.y.max(scroll);
            let bottom = area.bottom().min(scroll + room);
            Rect { y: inner.y + top.saturating_sub(scroll), height: bottom.saturating_sub(top), ..area }
        };
        for place in &mut places {
            place.area = moved(place.area);
            place.error = place.error.map(moved).filter(|area| area.height > 0);
        }
        places.retain(|place| place.area.height > 0);
        let beside = form.picture.as_ref().and(first_table(form));
        let picture = places.iter_mut().find(|place| Some(place.field) == beside).and_then(make_room);
        let line = |from_bottom: u16| Rect {
            y: inner.bottom().saturating_sub(from_bottom).max(inner.y),
            height: 1.min(inner.height),
            ..inner
        };
        let buttons = line(1);
        let ok = form.ok.chars().count() as u16 + 4;
        let cancel = 10;
        let help = 10;
        let part = |x: u16, width: u16| Rect { x: buttons.x + x, width, ..buttons }.intersection(buttons);
        FormLayout {
            places,
            note: line(2),
            ok: part(0, ok),
            cancel: part(ok + 2, cancel),
            help: part(buttons.width.saturating_sub(help), help),
            labels,
            picture,
        }
    }
}
