//! The tab bar, and the Export and Batch applets, which tell how to do it on the command line.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::theme::{Theme, cut};
use crate::app::layout::tab_columns;
use crate::app::{App, Applet};

/// Draws the tabs and the project's name.
pub fn draw_tabs(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let mut end = area.x;
    for (i, ((applet, title), (at, width))) in Applet::ALL.into_iter().zip(tab_columns()).enumerate() {
        let style = if applet == app.screen.applet { theme.selected() } else { Default::default() };
        let tab = Rect { x: area.x + at, width, ..area }.intersection(area);
        frame.render_widget(Span::styled(format!(" {} {title} ", i + 1), style), tab);
        end = tab.right();
    }
    let mark = if app.files.saving {
        " saving"
    } else if app.files.access.refused.is_some() {
        if app.is_dirty() { " * (read-only)" } else { " (read-only)" }
    } else if app.is_dirty() {
        " *"
    } else {
        ""
    };
    let room = usize::from(area.right().saturating_sub(end + 2)).saturating_sub(mark.len());
    let name = format!("{}{mark} ", cut(&app.project_name(), room));
    frame.render_widget(Line::styled(name, theme.strong()).right_aligned(), area);
}

fn draw_text(frame: &mut Frame<'_>, theme: &Theme, area: Rect, title: &str, lines: Vec<Line<'_>>) {
    let text = Paragraph::new(lines).wrap(Wrap { trim: false }).block(theme.block(title, true));
    frame.render_widget(text, area);
}

fn project_path(app: &App) -> String {
    let path = app.project.path.as_ref().or(app.files.save_to.as_ref());
    path.map_or("PROJECT.ilp".into(), |path| path.display().to_string())
}

/// Draws the Export applet.
pub fn draw_export(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let export = &app.project.export;
    let names: Vec<&str> = app.project.lanes.iter().map(|lane| lane.raw.nickname.as_str()).collect();
    let lines = vec![
        Line::from(format!("Images   {}", if names.is_empty() { "none".into() } else { names.join(", ") })),
        Line::from(format!("Output   {}", export.filename_format)),
        Line::from(format!("Format   {}, dataset '{}'", export.format, export.internal_path)),
        Line::default(),
        Line::from("Save the project (file.save), then export from a shell:"),
        Line::default(),
        Line::styled(format!("  brushwood predict --project '{}' \\", project_path(app)), theme.strong()),
        Line::styled(
            "      --export-source Probabilities --export-source 'Simple Segmentation' \\",
            theme.strong(),
        ),
        Line::styled("      --output-format tiff IMAGE...", theme.strong()),
        Line::default(),
        Line::from("Sources: Probabilities, Simple Segmentation, Uncertainty, Features, Labels."),
        Line::from("What is written equals what live update shows, to the last bit."),
    ];
    draw_text(frame, theme, area, "Prediction Export", lines);
}

/// Draws the Batch applet.
pub fn draw_batch(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let lines = vec![
        Line::from("Save the project (file.save), then run it on any number of files from a shell:"),
        Line::default(),
        Line::styled(format!("  brushwood predict --project '{}' \\", project_path(app)), theme.strong()),
        Line::styled(
            "      --output-format tiff --output-filename-format '{dataset_dir}/{nickname}_{result_type}' \\",
            theme.strong(),
        ),
        Line::styled("      images/*.tif", theme.strong()),
        Line::default(),
        Line::from("Files that fail are named and do not stop the others; existing outputs are kept unless"),
        Line::from("--overwrite is given. 'brushwood predict --help' lists all options."),
    ];
    draw_text(frame, theme, area, "Batch Processing", lines);
}
