//! The status line, and the line of hints that gives way to messages.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::theme::{Theme, cut};
use crate::app::contrast::short;
use crate::app::{App, Applet, ChannelView};
use crate::command::keys::print_sequence;
use crate::command::{Action, Command};

/// Between the parts of the status line.
const GAP: &str = "   ";

/// How much a part of the status line matters: where not all fit, the last go first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Place,
    Training,
    Value,
    Link,
}

/// The parts of the status line in the order in which they stand.
fn parts(app: &App) -> Vec<(Rank, String)> {
    let mut parts = Vec::new();
    let Some(view) = app.view() else { return parts };
    let [t, z, y, x] = view.cursor;
    let [times, depth, ..] = app.shape();
    let mut at = format!("x {x} y {y}");
    if depth > 1 {
        at.push_str(&format!(" z {z}/{}", depth - 1));
    }
    if times > 1 {
        at.push_str(&format!(" t {t}/{}", times - 1));
    }
    parts.push((Rank::Place, at));
    if let Some(values) = app.slices.values_at(app.lane, view.cursor) {
        let shown = view.display.shown().into_iter().filter_map(|channel| values.get(channel));
        let shown: Vec<String> = shown.map(|&value| short(value)).collect();
        if !shown.is_empty() {
            parts.push((Rank::Value, format!("raw {}", shown.join(" "))));
        }
    }
    if let (ChannelView::Gray, channels @ 2..) = (view.display.view, app.shape()[4]) {
        parts.push((Rank::Value, format!("ch {}/{channels}", view.display.selected + 1)));
    }
    if let Some(values) = app.probabilities_at_cursor() {
        let values: Vec<String> = values.iter().map(|p| format!("{p:.2}").replacen("0.", ".", 1)).collect();
        parts.push((Rank::Value, format!("P {}", values.join(" "))));
    }
    if let Some(notice) = app.training.notice.as_ref().filter(|_| app.training.live) {
        let missing: Vec<String> = app.classes_to_label().iter().map(|name| format!("'{name}'")).collect();
        let what =
            if missing.is_empty() { notice.clone() } else { format!("paint {}", missing.join(" and ")) };
        parts.push((Rank::Training, format!("not training: {what}")));
    } else {
        parts.extend(app.training_text().map(|text| (Rank::Training, text)));
        if let Some((done, total)) = app.training.updating() {
            parts.push((Rank::Training, format!("updating {done}/{total}")));
        }
    }
    if app.predictions_are_older() {
        let once = Action::Run(Command::LiveUpdateOnce);
        let key = app.keymap.keys_of(&once, app.mode()).into_iter().next();
        let how = key.map_or(String::new(), |key| format!(" ({key} updates)"));
        parts.push((Rank::Training, format!("predictions older than labels{how}")));
    }
    if let Some(error) = app.training.oob_error {
        parts.push((Rank::Value, format!("OOB {:.1} %", error * 100.0)));
    }
    if let Some(rate) = app.link.rate {
        let trip = app.link.round_trip.map_or(String::new(), |trip| match trip.as_millis() {
            0 => " <1 ms".to_owned(),
            ms => format!(" {ms} ms"),
        });
        parts.push((Rank::Link, format!("link {}{trip}", rate_text(rate))));
    }
    parts
}

/// Bits per second with a unit.
fn rate_text(rate: f64) -> String {
    match rate {
        _ if rate >= 1e9 => format!("{:.1} Gbit/s", rate / 1e9),
        _ if rate >= 1e6 => format!("{:.1} Mbit/s", rate / 1e6),
        _ => format!("{:.0} kbit/s", rate / 1e3),
    }
}

/// The parts that fit `width` columns, those that matter most chosen first.
fn fitting(parts: &[(Rank, String)], width: usize) -> String {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&i| parts[i].0);
    // One blank in front, and a gap between two.
    let mut room = (width + GAP.len()).saturating_sub(1);
    order.retain(|&i| {
        let needed = parts[i].1.chars().count() + GAP.len();
        let fits = needed <= room;
        room -= if fits { needed } else { 0 };
        fits
    });
    order.sort_unstable();
    let shown: Vec<&str> = order.into_iter().map(|i| parts[i].1.as_str()).collect();
    format!(" {}", shown.join(GAP))
}

/// Draws the status line: as many parts as fit.
pub fn draw_status(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let mut line = fitting(&parts(app), usize::from(area.width));
    if app.files.opening {
        line.push_str("   opening …");
    }
    // Work in the background stands at the right, over what it hides.
    let jobs = app.jobs.running();
    let room = usize::from(area.width);
    if let Some(job) = jobs.last() {
        let more = if jobs.len() > 1 { format!(" (+{})", jobs.len() - 1) } else { String::new() };
        let text = cut(&format!("  {}{more} ", job.line(app.now)), room);
        let left = room.saturating_sub(text.chars().count());
        line = format!("{:<left$}{text}", cut(&line, left));
    }
    if let (Some(run), true) = (app.runs.active(), jobs.is_empty()) {
        let what = if run.kind == crate::app::runs::RunKind::Batch { "batch" } else { "export" };
        let text = cut(&format!("  {what} {} ", super::runs::run_line(run, app)), room);
        let left = room.saturating_sub(text.chars().count());
        line = format!("{:<left$}{text}", cut(&line, left));
    }
    let style = if app.screen.applet == Applet::Training { Default::default() } else { theme.weak() };
    frame.render_widget(Line::styled(line, style), area);
}

/// A text on two lines of `width` columns, parted between words; what does not fit is left out, with a mark.
fn in_two(text: &str, width: usize) -> [String; 2] {
    let end = text.char_indices().nth(width).map_or(text.len(), |(at, _)| at);
    let before = text[..end].rfind(' ').filter(|at| *at > 0 && !text[end..].starts_with(' '));
    let (first, second) = text.split_at(before.unwrap_or(end));
    [first.to_owned(), cut(second.trim_start(), width)]
}

/// Draws the newest message while it is new, over the status line too if it is long; else the keys typed
/// so far, else hints.
pub fn draw_hints(frame: &mut Frame<'_>, app: &App, theme: &Theme, status: Rect, hints_area: Rect) {
    let area = if hints_area.is_empty() { status } else { hints_area };
    let width = usize::from(area.width);
    if let Some(message) = app.messages.current(app.now) {
        let text = format!(" {}", message.text.line());
        let style = theme.level(message.level);
        let long = text.chars().count() > width && area != status;
        let area = if long { status.union(area) } else { area };
        frame.render_widget(Clear, area);
        if long {
            let lines = in_two(&text, width).map(Line::from).to_vec();
            frame.render_widget(Paragraph::new(lines).style(style), area);
        } else {
            frame.render_widget(Line::styled(cut(&text, width), style), area);
        }
        return;
    }
    if !app.screen.pending.is_empty() {
        let keys = print_sequence(&app.screen.pending);
        frame.render_widget(Clear, area);
        frame.render_widget(Line::from(format!(" {keys} …")), area);
        return;
    }
    if hints_area.is_empty() {
        return;
    }
    let mut spans = vec![Span::raw(" ")];
    for hint in app.hints(width.saturating_sub(1)) {
        spans.push(Span::styled(hint.keys_text(), theme.strong()));
        spans.push(Span::raw(format!(" {}  ", hint.label)));
    }
    frame.render_widget(Line::from(spans), area);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_longer_than_two_lines_ends_with_a_mark() {
        assert_eq!(in_two(" no such file here", 9), [" no such", "file here"]);
        assert_eq!(in_two(" no such file. Open it", 9), [" no such", "file. Op…"]);
        assert_eq!(in_two(" ééééééééé", 5), [" éééé", "ééééé"]);
    }
}
