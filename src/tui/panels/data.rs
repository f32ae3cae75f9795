//! The Data applet: the project's images, and all about the one that is selected.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};

use super::theme::{Theme, cut};
use crate::app::contrast::short;
use crate::app::edits::location_text;
use crate::app::form::{Row, Table};
use crate::app::layout::{data_rows, first_shown};
use crate::app::{App, Level};
use crate::data::Axis;
use crate::io::{self, ImageInfo};
use crate::project::{DatasetInfo, DatasetLocation};

/// From this width on, all columns are shown.
const WIDE: u16 = 118;

/// Draws the list of images.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let title = match app.views.len() {
        1 => "Input Data: 1 image".to_owned(),
        n => format!("Input Data: {n} images"),
    };
    let block = theme.block(&title, true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let table = table(app, inner.width >= WIDE);
    let width = usize::from(inner.width);
    let widths = table.widths(width.saturating_sub(7));
    let text = |mark: &str, cells: &[String]| {
        let cells = cells.iter().zip(&widths).map(|(cell, &width)| format!("{:<width$}", cut(cell, width)));
        cut(&format!("{mark:<7}{}", cells.collect::<Vec<_>>().join("  ")), width)
    };
    let heading = Line::styled(text("", &table.heading), theme.weak());
    frame.render_widget(heading, Rect { height: 1.min(inner.height), ..inner });
    let rows = data_rows(app, inner.height);
    let first = first_shown(table.rows.len(), rows, app.screen.data_row);
    for ((i, row), line) in table.rows.iter().enumerate().skip(first).take(rows).zip(1..) {
        let shown = if i == app.lane { ">" } else { " " };
        let marked = if app.screen.data_marks.contains(&i) { "*" } else { " " };
        let caution = if app.cautions(i).is_empty() { "" } else { "!" };
        let text = text(&format!("{shown}{marked}{}{caution}", i + 1), &row.cells);
        let style = if i == app.screen.data_row { theme.selected() } else { Default::default() };
        frame.render_widget(Line::styled(text, style), Rect { y: inner.y + line, height: 1, ..inner });
    }
    if app.views.is_empty() {
        let place = Rect { y: inner.y + 1, height: 1, ..inner }.intersection(inner);
        frame.render_widget("No image yet: add one.", place);
        return;
    }
    let top = inner.y + 1 + rows as u16;
    let lines = details(app).into_iter().map(|line| cut(&line, width));
    let mut y = top + 1;
    for line in lines {
        frame.render_widget(Line::from(line), Rect { y, height: 1, ..inner }.intersection(inner));
        y += 1;
    }
    let cautions = app.cautions(app.screen.data_row).into_iter();
    let cautions = cautions.map(|caution| Line::styled(caution.line(), theme.level(Level::Warning)));
    let rest = Rect { y, height: inner.bottom().saturating_sub(y), ..inner };
    frame.render_widget(Paragraph::new(cautions.collect::<Vec<_>>()).wrap(Wrap { trim: true }), rest);
}

fn table(app: &App, wide: bool) -> Table {
    let mut table = match wide {
        true => Table::new([
            "Name",
            "Axes",
            "Shape",
            "Type",
            "Pixel size",
            "Range",
            "Labels",
            "Mask",
            "Inner path",
            "Location",
        ]),
        false => Table::new(["Name", "Axes", "Shape", "Type", "Labels", "Location"]),
    };
    let lanes = app.project.lanes.iter().zip(app.sources.iter()).enumerate();
    let rows = lanes.map(|(i, (lane, source))| {
        let info = source.raw.info();
        let labels: u64 = app.edits.counts.get(i).map_or(0, |counts| counts.iter().sum());
        let (file, inner) = split(&location_text(&lane.raw));
        let mask = lane.mask.as_ref().map_or(String::new(), |mask| mask.nickname.clone());
        let (name, axes) = (lane.raw.nickname.clone(), info.axes.to_string());
        let (dtype, labels) = (info.dtype.name().to_owned(), labels.to_string());
        Row::new(match wide {
            true => vec![
                name,
                axes,
                shape(info),
                dtype,
                pixel_size(info),
                range(&lane.raw, info),
                labels,
                mask,
                inner,
                file,
            ],
            false => vec![name, axes, shape(info), dtype, labels, location_text(&lane.raw)],
        })
    });
    table.rows = rows.collect();
    table
}

/// The file and the dataset inside of it; of a stack, the first file.
fn split(location: &str) -> (String, String) {
    let files = location.split(':').count();
    let first = location.split(':').next().unwrap_or_default();
    let more = if files > 1 { format!(" and {} more", files - 1) } else { String::new() };
    let (file, dataset) = io::split_dataset(first);
    (format!("{file}{more}"), dataset.unwrap_or_default().to_owned())
}

fn shape(info: &ImageInfo) -> String {
    let shape: Vec<String> = info.axes.pick(&info.shape).iter().map(usize::to_string).collect();
    shape.join("x")
}

fn pixel_size(info: &ImageInfo) -> String {
    let sizes = info.axes.axes().iter().filter(|axis| **axis != Axis::C).filter_map(|&axis| {
        let size = info.pixel_size[axis as usize].as_ref()?;
        Some(format!("{} {} {}", axis.key(), short(size.size), size.unit).trim_end().to_owned())
    });
    sizes.collect::<Vec<_>>().join(", ")
}

fn range(dataset: &DatasetInfo, info: &ImageInfo) -> String {
    match dataset.data_range.or(info.data_range) {
        Some((low, high)) => format!("{}-{}", short(low), short(high)),
        None => String::new(),
    }
}

/// All about the image that is selected.
fn details(app: &App) -> Vec<String> {
    let selected = app.screen.data_row;
    let (Some(lane), Some(source)) = (app.project.lanes.get(selected), app.sources.get(selected)) else {
        return Vec::new();
    };
    let info = source.raw.info();
    let (file, inner) = split(&location_text(&lane.raw));
    let storage = match &lane.raw.location {
        DatasetLocation::Relative(_) => "relative to the project",
        DatasetLocation::Absolute(_) => "absolute",
        DatasetLocation::Internal(_) => "copied into the project",
        DatasetLocation::ToCopy { .. } => "copied into the project when that is saved",
        DatasetLocation::Url(_) => "address",
    };
    let or_none = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let inner = if inner.is_empty() { String::new() } else { format!(", dataset {inner}") };
    let mask = lane.mask.as_ref().map_or("none".to_owned(), location_text);
    let normalized = match lane.raw.normalize_display {
        Some(true) => "normalized",
        Some(false) => "not normalized",
        None => "normalized by default",
    };
    vec![
        format!("{}  {} {} {}", lane.raw.nickname, info.axes, shape(info), info.dtype.name()),
        match lane.raw.location {
            DatasetLocation::Internal(_) => format!("Location    {storage}"),
            _ => format!("Location    {file}{inner} ({storage})"),
        },
        format!("Pixel size  {}", or_none(pixel_size(info))),
        format!(
            "Display     {}, {normalized}, range {}",
            lane.raw.display_mode.replace('-', " "),
            or_none(range(&lane.raw, info))
        ),
        format!("Mask        {mask}"),
    ]
}
