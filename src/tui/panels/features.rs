//! The Features applet: ilastik's table of filters and scales.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::theme::{Theme, cut};
use crate::app::App;
use crate::app::features::{TABLE_ROWS, TableRow, filter_title};
use crate::app::layout::{FEATURE_COLUMN, FEATURE_HEAD, FEATURE_NAMES, first_scale, first_shown};
use crate::features::FeatureSelection;
use crate::features::selection::kernel_diameter;

/// Draws the applet.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let selection = app.shown_selection();
    let title = format!("Feature Selection: {} features selected", selection.count());
    let block = theme.block(&title, true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if !app.has_image() {
        return frame.render_widget("No image is open.", inner);
    }
    let names = usize::from(FEATURE_NAMES);
    let column = usize::from(FEATURE_COLUMN);
    let first = first_scale(app, inner.width);
    let columns = (usize::from(inner.width).saturating_sub(names) / column).max(1);
    let shown = first..(first + columns).min(selection.scales.len() + 1);
    let mut lines = heading(app, theme, &selection, shown.clone());
    for (i, row) in TABLE_ROWS.into_iter().enumerate().skip(app.first_table_row()) {
        let name = match row {
            TableRow::Dimension => Span::raw("Compute in 2D/3D"),
            TableRow::All => Span::styled("All features", theme.strong()),
            TableRow::Group(title, ..) => Span::styled(title, theme.strong()),
            TableRow::Filter(filter) => Span::raw(format!("  {}", filter_title(filter))),
        };
        let pad = " ".repeat(names.saturating_sub(name.content.chars().count()));
        let mut spans = vec![name, Span::raw(pad)];
        for scale in shown.clone() {
            let text = cell(app, &selection, row, scale);
            let here = (app.features.row, app.features.column) == (i, scale);
            let style = if here { theme.selected() } else { Default::default() };
            spans.push(Span::styled(text, style));
            spans.push(Span::raw(" ".repeat(column.saturating_sub(3))));
        }
        lines.push(Line::from(spans));
    }
    debug_assert_eq!(lines.len(), TABLE_ROWS.len() - app.first_table_row() + usize::from(FEATURE_HEAD));
    lines.push(Line::default());
    lines.extend(explanation(app, &selection).into_iter().map(Line::from));
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), inner);
}

/// Draws the list of feature channels, the one on the canvas selected.
pub fn draw_list(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let names = app.feature_entries();
    let title = format!("Features: {}", names.len() - 1);
    let block = theme.block(&title, true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let first = first_shown(names.len(), usize::from(inner.height), app.looking.at);
    let width = usize::from(inner.width);
    for ((i, name), y) in names.iter().enumerate().skip(first).zip(inner.top()..inner.bottom()) {
        let style = if i == app.looking.at { theme.selected() } else { Default::default() };
        frame.render_widget(Line::styled(cut(name, width), style), Rect { y, height: 1, ..inner });
    }
}

fn heading(
    app: &App,
    theme: &Theme,
    selection: &FeatureSelection,
    shown: std::ops::Range<usize>,
) -> Vec<Line<'static>> {
    let names = usize::from(FEATURE_NAMES);
    let width = usize::from(FEATURE_COLUMN);
    let mut sigmas = vec![Span::raw(format!("{:<names$}", "Sigma"))];
    let mut diameters = vec![Span::styled(format!("{:<names$}", "Sees, pixels across"), theme.weak())];
    for column in shown {
        let scale = selection.scales.get(column);
        // As many digits as it has, one at least.
        let text = scale.map_or("add".into(), |sigma| cut(&format!("{sigma:?}"), width - 1));
        let style = if column == app.features.column { theme.strong() } else { Default::default() };
        sigmas.push(Span::styled(format!("{text:<width$}"), style));
        let text = scale.map_or(String::new(), |sigma| cut(&kernel_diameter(*sigma).to_string(), width - 1));
        diameters.push(Span::styled(format!("{text:<width$}"), theme.weak()));
    }
    vec![Line::from(sigmas), Line::from(diameters)]
}

/// Three columns for a cell: selected, not, partly, or not to be had.
fn cell(app: &App, selection: &FeatureSelection, row: TableRow, column: usize) -> &'static str {
    if column >= selection.scales.len() {
        return " + ";
    }
    match row {
        TableRow::Dimension if selection.compute_in_2d[column] => "2D ",
        TableRow::Dimension => "3D ",
        TableRow::Filter(filter) if selection.selected[filter][column] => "[x]",
        TableRow::Filter(filter) if app.feature_available(selection, filter, column).is_ok() => "[ ]",
        TableRow::Filter(_) => " - ",
        row @ (TableRow::All | TableRow::Group(..)) => {
            let offered =
                row.filters().filter(|&f| app.feature_available(selection, f, column).is_ok()).count();
            match row.filters().filter(|&f| selection.selected[f][column]).count() {
                0 if offered == 0 => " - ",
                0 => "[ ]",
                n if n == offered => "[x]",
                _ => "[~]",
            }
        }
    }
}

/// What the cell under the cursor is, and why it can't be selected.
fn explanation(app: &App, selection: &FeatureSelection) -> Vec<String> {
    let column = app.features.column;
    let Some(&sigma) = selection.scales.get(column) else {
        return vec!["Add a scale: Enter or Space asks for its sigma.".into()];
    };
    let rows = TABLE_ROWS[app.features.row].filters();
    let mut lines = vec![match TABLE_ROWS[app.features.row] {
        TableRow::Filter(filter) => {
            let diameter = kernel_diameter(sigma);
            format!("{} at sigma {sigma}: sees {diameter} pixels", filter_title(filter))
        }
        TableRow::Group(title, ..) => format!("{title} at sigma {sigma}"),
        TableRow::All => format!("All features at sigma {sigma}"),
        TableRow::Dimension if selection.compute_in_2d[column] => {
            format!("2D: sigma {sigma} is computed slice by slice")
        }
        TableRow::Dimension => format!("3D: sigma {sigma} is computed over slices too"),
    }];
    lines.extend(rows.filter_map(|filter| app.feature_available(selection, filter, column).err()).take(1));
    let channels = app.feature_names().len();
    let megabytes = 4 * channels;
    let unused = match selection.unused_channels.len() {
        0 => String::new(),
        n => format!("; {n} of {} channels left out", app.shape()[4]),
    };
    let time = match app.feature_cost() {
        Some(cost) => format!("about {} ms", cost.round().max(1.0)),
        None if channels == 0 => "0 ms".into(),
        None => "… ms".into(),
    };
    lines
        .push(format!("{channels} feature channels; each megapixel takes {time} and {megabytes} MB{unused}"));
    lines
}
