//! The Export and Batch applets: settings, buttons, the list of images, files and problems of the selected
//! one, the command line.

use std::path::PathBuf;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::theme::{Theme, cut};
use crate::app::dialogs::export_settings::output_line;
use crate::app::run_layout::{RunLayout, buttons};
use crate::app::runs::{FileState, Run, RunKind};
use crate::app::{App, Level, available};
use crate::batch::{Input, PlanSummary, Subregion};
use crate::pipeline::ExportSource;

/// Draws the Export applet.
pub fn draw_export(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let title = match app.views.len() {
        0 => "Prediction Export".to_owned(),
        1 => "Prediction Export: 1 image".to_owned(),
        n => format!("Prediction Export: {n} images"),
    };
    let inputs: Vec<Input> =
        (0..app.views.len()).map(|lane| Input { lane: Some(lane), ..Input::default() }).collect();
    let names = app.project.lanes.iter().take(inputs.len()).map(|lane| lane.raw.nickname.clone()).collect();
    let panel = Panel {
        app,
        theme,
        kind: RunKind::Export,
        inputs: &inputs,
        names,
        selected: app.export.selected.min(inputs.len().saturating_sub(1)),
        checked: app.export.checked.as_ref(),
        is_checking: app.export.is_checking(),
        empty: "No image is open.",
    };
    panel.draw(frame, area, &title);
}

/// Draws the Batch applet.
pub fn draw_batch(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let title = match app.batch.files.len() {
        1 => "Batch Processing: 1 file".to_owned(),
        n => format!("Batch Processing: {n} files"),
    };
    let panel = Panel {
        app,
        theme,
        kind: RunKind::Batch,
        inputs: &app.batch.files,
        names: app.batch.files.iter().map(|input| input.raw.clone()).collect(),
        selected: app.batch.selected.min(app.batch.files.len().saturating_sub(1)),
        checked: app.batch.checked.as_ref(),
        is_checking: app.batch.is_checking(),
        empty: "No file yet: add files, folders or patterns.",
    };
    panel.draw(frame, area, &title);
}

struct Panel<'a> {
    app: &'a App,
    theme: &'a Theme,
    kind: RunKind,
    inputs: &'a [Input],
    names: Vec<String>,
    selected: usize,
    checked: Option<&'a PlanSummary>,
    is_checking: bool,
    empty: &'static str,
}

impl Panel<'_> {
    fn draw(&self, frame: &mut Frame<'_>, area: Rect, title: &str) {
        let block = self.theme.block(title, true);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let layout = RunLayout::of(self.app, self.kind, inner);
        let width = usize::from(inner.width);
        let settings = settings_lines(self.app, self.kind);
        frame.render_widget(
            Paragraph::new(
                settings.into_iter().map(|line| Line::from(cut(&line, width))).collect::<Vec<_>>(),
            ),
            layout.settings,
        );
        self.draw_buttons(frame, layout.buttons);
        frame.render_widget(Line::styled(cut(&self.progress(), width), self.theme.strong()), layout.progress);
        if self.inputs.is_empty() {
            return frame.render_widget(Line::from(self.empty), layout.list);
        }
        let rows = (layout.first..self.inputs.len()).zip(layout.list.top()..layout.list.bottom());
        for (i, y) in rows {
            let style = if i == self.selected { self.theme.selected() } else { Default::default() };
            let line = Line::styled(self.row(i, width), style);
            frame.render_widget(line, Rect { y, height: 1, ..layout.list });
        }
        self.draw_details(frame, layout.details);
    }

    fn draw_buttons(&self, frame: &mut Frame<'_>, area: Rect) {
        for (label, command, x, width) in buttons(self.kind) {
            let at = Rect { x: area.x + x, width, ..area }.intersection(area);
            let label = match (command, self.app.runs.active()) {
                ("run.pause", Some(run)) if run.paused => "Go on",
                _ => label,
            };
            let style = match available(command, self.app) {
                Ok(()) => self.theme.strong(),
                Err(_) => self.theme.weak(),
            };
            frame.render_widget(Span::styled(format!("[{label}]"), style), at);
        }
    }

    /// What is going on.
    fn progress(&self) -> String {
        if let Some((done, all)) = self.app.runs.checking() {
            return format!("Checking {done}/{all}");
        }
        match self.app.runs.current.as_ref() {
            Some(run) if !run.ended && run.kind != self.kind => {
                let what = if run.kind == RunKind::Batch { "The batch" } else { "The export" };
                format!("{what} is under way: {}", run_line(run, self.app))
            }
            Some(run) if run.kind == self.kind => run_line(run, self.app),
            _ if self.is_checking => "Looking at what would be written …".into(),
            _ => {
                let bad = self.checked.map_or(0, |checked| {
                    checked.inputs.iter().filter(|input| !input.problems.is_empty()).count()
                });
                match self.checked {
                    Some(checked) if !checked.problems.is_empty() => "Can't be written".into(),
                    Some(_) if bad > 0 => format!("{bad} of {} can't be written", self.inputs.len()),
                    Some(_) => "Ready".into(),
                    None => String::new(),
                }
            }
        }
    }

    /// A line of the list: name, state, files.
    fn row(&self, i: usize, width: usize) -> String {
        let summary = self.checked.and_then(|checked| checked.inputs.get(i));
        let file = self.app.run_file(self.kind, &self.inputs[i]);
        let state = match file.map(|file| &file.state) {
            Some(FileState::Queued) => "waits".into(),
            Some(FileState::Running) => {
                let [done, all] = file.map_or([0, 1], |file| file.pixels);
                format!("{} %", done * 100 / all.max(1))
            }
            Some(FileState::Done) => format!("done, {:.1} s", file.map_or(0.0, |file| file.seconds)),
            Some(FileState::Failed(_)) => "failed".into(),
            Some(FileState::Cancelled) => "cancelled".into(),
            Some(FileState::Kept) => "kept".into(),
            None => match summary {
                Some(summary) if !summary.problems.is_empty() => "can't".into(),
                Some(summary) if !summary.existing.is_empty() => "exists".into(),
                Some(_) => "ready".into(),
                None => String::new(),
            },
        };
        let why = match file.map(|file| &file.state) {
            Some(FileState::Failed(why)) => why.clone(),
            Some(_) => String::new(),
            None => summary.and_then(|summary| summary.problems.first().cloned()).unwrap_or_default(),
        };
        let mask = if self.inputs[i].mask.is_some() { " +mask" } else { "" };
        let name = format!("{}{mask}", self.names.get(i).map_or("", String::as_str));
        let names = (width / 3).max(20).min(width);
        let text = format!("{:>3} {:<names$} {state:<12} {why}", i + 1, end_of(&name, names), names = names);
        cut(&text, width)
    }

    fn draw_details(&self, frame: &mut Frame<'_>, area: Rect) {
        let mut lines: Vec<Line<'_>> = vec![Line::default()];
        let error = self.theme.level(Level::Error);
        let Some(checked) = self.checked else { return };
        for problem in &checked.problems {
            lines.push(Line::styled(problem.clone(), error));
        }
        let file = self.app.run_file(self.kind, &self.inputs[self.selected]);
        if let Some(FileState::Failed(why)) = file.map(|file| &file.state) {
            lines.push(Line::styled(why.clone(), error));
        } else if let Some(input) = checked.inputs.get(self.selected) {
            for problem in &input.problems {
                lines.push(Line::styled(problem.clone(), error));
            }
        }
        let none: Vec<PathBuf> = Vec::new();
        let planned = checked.inputs.get(self.selected);
        let outputs = match file {
            Some(file) if file.state == FileState::Done => &file.outputs[..],
            _ => planned.map_or(&[][..], |input| &input.outputs[..]),
        };
        let existing = planned.map_or(&none, |input| &input.existing);
        for output in outputs {
            lines.push(Line::from(output_line(output, existing)));
        }
        for note in &checked.notes {
            lines.push(Line::styled(note.clone(), self.theme.weak()));
        }
        if !checked.commands.is_empty() {
            lines.push(Line::default());
            let unsaved = self.app.is_dirty() || self.app.project.path.is_none();
            let note = if unsaved { " (save the project first)" } else { "" };
            lines.push(Line::styled(format!("The same from a shell{note}:"), self.theme.weak()));
            lines.extend(checked.commands.iter().map(|command| Line::from(command.clone())));
        }
        frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), area);
    }
}

/// The end of a text that is too long: of a path that says most.
fn end_of(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.to_owned();
    }
    let end: String = text.chars().skip(count + 1 - width.max(1)).collect();
    format!("…{end}")
}

/// How far a run is, on one line.
pub fn run_line(run: &Run, app: &App) -> String {
    let now = app.now;
    if run.ended {
        return format!("Ended: {}", run.summary());
    }
    let [done, all] = run.pixels();
    let finished = run.files.len() - run.count(|s| matches!(s, FileState::Queued | FileState::Running));
    let mut line = format!("{finished}/{} files, {} %", run.files.len(), done * 100 / all.max(1));
    if run.training {
        line.push_str(", training");
    }
    if let Some(speed) = run.speed(now) {
        line.push_str(&format!(", {:.2} Mpx/s", speed / 1e6));
    }
    if let (Some(left), false) = (run.time_left(now), run.paused) {
        let seconds = left.as_secs_f64().ceil() as u64;
        line.push_str(&format!(", {}:{:02} left", seconds / 60, seconds % 60));
    }
    if run.failed() > 0 {
        line.push_str(&format!(", {} failed", run.failed()));
    }
    if run.paused {
        line.push_str(", paused");
    }
    line
}

fn settings_lines(app: &App, kind: RunKind) -> Vec<String> {
    let (settings, choices) = (&app.project.export, &app.export.choices);
    let sources: Vec<&str> = choices.sources.iter().map(|source| ExportSource::name(*source)).collect();
    let dataset = match crate::io::output_format(&settings.format) {
        Ok(format) if format.has_datasets() => format!(", dataset '{}'", settings.internal_path),
        _ => String::new(),
    };
    let mut values = vec![settings.dtype.map_or("type as computed".to_owned(), |dtype| dtype.to_string())];
    if let Some([from, to]) = settings.ranges {
        values.push(format!("({},{}) mapped to ({},{})", from.0, from.1, to.0, to.1));
    }
    let region = settings.region.clone().and_then(|[start, stop]| Subregion::from_bounds(start, stop));
    values.push(region.map_or("no cutout".into(), |region| format!("cutout {region}")));
    values.push(settings.axes.as_ref().map_or("axes as the image".into(), |axes| format!("axes {axes}")));
    if kind == RunKind::Batch {
        values.extend(choices.input_axes.as_ref().map(|axes| format!("read as {axes}")));
    }
    vec![
        format!("Export    {}", sources.join(", ")),
        format!("Format    {}{dataset}", settings.format),
        format!("Name      {}", settings.filename_format),
        format!("Values    {}", values.join(", ")),
    ]
}
