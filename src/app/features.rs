//! The Features applet: ilastik's table of filters and scales, edited by keys.

use super::edits::Edit;
use super::messages::Level;
use super::state::App;
use crate::command::Direction;
use crate::features::selection::check_scale;
use crate::features::{FILTERS, FeatureSelection, ScaleError};

/// The title of a filter, by its row in the selection matrix.
pub fn filter_title(row: usize) -> &'static str {
    FILTERS[row].title()
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableRow {
    /// Whether each scale is computed in 2D.
    Dimension,
    /// A group of filters: title, first filter, one past the last.
    Group(&'static str, usize, usize),
    /// A filter, by its row in the selection matrix.
    Filter(usize),
}

/// All rows of the table, as ilastik orders them.
pub const TABLE_ROWS: [TableRow; 10] = [
    TableRow::Dimension,
    TableRow::Group("Color/Intensity", 0, 1),
    TableRow::Filter(0),
    TableRow::Group("Edge", 1, 4),
    TableRow::Filter(1),
    TableRow::Filter(2),
    TableRow::Filter(3),
    TableRow::Group("Texture", 4, 6),
    TableRow::Filter(4),
    TableRow::Filter(5),
];

/// Smallest scale that ilastik takes.
const SMALLEST_SCALE: f64 = 0.3;

/// Where the cursor of the feature table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureTable {
    /// Index into [`TABLE_ROWS`].
    pub row: usize,
    /// Column: a scale; one past the last scale is "add".
    pub column: usize,
}

impl Default for FeatureTable {
    fn default() -> Self {
        FeatureTable { row: 2, column: 0 }
    }
}

impl App {
    /// The selection shown in the table; nothing selected where the project has none.
    pub fn shown_selection(&self) -> FeatureSelection {
        self.project.selection.clone().unwrap_or_else(|| FeatureSelection::none(self.space()))
    }

    /// Shapes (`zyx`) of the project's images.
    fn spaces(&self) -> impl Iterator<Item = (usize, [usize; 3])> + '_ {
        self.sources.iter().enumerate().map(|(i, source)| {
            let [_, z, y, x, _] = source.raw.info().shape;
            (i, [z, y, x])
        })
    }

    /// Whether filter `row` can be selected at scale `column`.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn feature_available(
        &self,
        selection: &FeatureSelection,
        row: usize,
        column: usize,
    ) -> Result<(), String> {
        let Some(&scale) = selection.scales.get(column) else { return Err("there is no such scale".into()) };
        let minimum = FILTERS[row].minimum_scale();
        if scale < minimum {
            return Err(format!("{} is not offered below scale {minimum}", filter_title(row)));
        }
        for (i, space) in self.spaces() {
            if let Err(error) = check_scale(scale, selection.compute_in_2d[column], space) {
                let name = &self.project.lanes[i].raw.nickname;
                let shallow = matches!(error, ScaleError::ImageTooSmall { axis: 'z', .. });
                let remedy = if shallow { "; compute it in 2D" } else { "" };
                return Err(format!("{error} ('{name}'){remedy}"));
            }
        }
        Ok(())
    }

    pub(super) fn move_in_table(&mut self, direction: Direction) {
        let columns = self.shown_selection().scales.len();
        let flat = self.sources.iter().all(|source| source.raw.info().shape[1] == 1);
        let first = usize::from(flat);
        let FeatureTable { row, column } = &mut self.features;
        match direction {
            Direction::Up => *row = row.saturating_sub(1).max(first),
            Direction::Down => *row = (*row + 1).min(TABLE_ROWS.len() - 1),
            Direction::Left => *column = column.saturating_sub(1),
            Direction::Right => *column = (*column + 1).min(columns),
        }
    }

    /// Toggles what is under the cursor: a feature, all of a group at that scale, 2D; or asks for a new
    /// scale.
    pub(super) fn toggle_feature(&mut self) {
        let mut selection = self.shown_selection();
        let column = self.features.column;
        if column >= selection.scales.len() {
            return self.prompt("feature.scale_add");
        }
        match TABLE_ROWS[self.features.row] {
            TableRow::Dimension => return self.toggle_dimension(),
            TableRow::Filter(row) => match self.feature_available(&selection, row, column) {
                Ok(()) => selection.selected[row][column] ^= true,
                Err(why) => return self.tell(Level::Warning, "Can't select this feature", why, ""),
            },
            TableRow::Group(_, first, stop) => {
                let rows: Vec<usize> = (first..stop)
                    .filter(|&row| self.feature_available(&selection, row, column).is_ok())
                    .collect();
                if rows.is_empty() {
                    let why = self.feature_available(&selection, first, column).err().unwrap_or_default();
                    return self.tell(Level::Warning, "Can't select these features", why, "");
                }
                let on = !rows.iter().all(|&row| selection.selected[row][column]);
                rows.into_iter().for_each(|row| selection.selected[row][column] = on);
            }
        }
        self.set_selection("change features", selection);
    }

    /// Selects all features that fit every image, at the scales and dimensions of the table.
    pub(super) fn select_all_features(&mut self) {
        let mut selection = self.shown_selection();
        for row in 0..selection.selected.len() {
            for column in 0..selection.scales.len() {
                selection.selected[row][column] = self.feature_available(&selection, row, column).is_ok();
            }
        }
        self.set_selection("select all features", selection);
    }

    pub(super) fn select_no_features(&mut self) {
        let mut selection = self.shown_selection();
        selection.selected.iter_mut().flatten().for_each(|on| *on = false);
        self.set_selection("deselect all features", selection);
    }

    pub(super) fn toggle_dimension(&mut self) {
        let mut selection = self.shown_selection();
        let column = self.features.column;
        if column >= selection.scales.len() {
            return;
        }
        if self.spaces().all(|(_, [z, ..])| z == 1) {
            return self.tell(Level::Warning, "The images have no depth", "everything is computed in 2D", "");
        }
        selection.compute_in_2d[column] ^= true;
        self.drop_unavailable(&mut selection, column);
        self.set_selection("change 2D/3D", selection);
    }

    /// Deselects what can't be computed any more at a scale that changed, and says so.
    fn drop_unavailable(&mut self, selection: &mut FeatureSelection, column: usize) {
        let mut why = None;
        for row in 0..selection.selected.len() {
            if selection.selected[row][column]
                && let Err(reason) = self.feature_available(selection, row, column)
            {
                selection.selected[row][column] = false;
                why = Some(reason);
            }
        }
        if let Some(why) = why {
            self.tell(Level::Warning, "Some features were deselected", why, "");
        }
    }

    /// Checks a scale before it becomes a column's, other than `column`.
    fn scale_allowed(&mut self, sigma: f64, column: Option<usize>) -> bool {
        let selection = self.shown_selection();
        let twice = selection.scales.iter().enumerate().any(|(i, &s)| s == sigma && Some(i) != column);
        let why = if !(SMALLEST_SCALE..=1000.0).contains(&sigma) {
            format!("scales lie between {SMALLEST_SCALE} and 1000")
        } else if twice {
            "it is there already".into()
        } else {
            return true;
        };
        self.tell(Level::Warning, format!("Can't use scale {sigma}"), why, "");
        false
    }

    pub(super) fn add_scale(&mut self, sigma: f64) {
        if !self.scale_allowed(sigma, None) {
            return;
        }
        let mut selection = self.shown_selection();
        let in_2d = selection.compute_in_2d.last().copied().unwrap_or(true);
        selection.scales.push(sigma);
        selection.compute_in_2d.push(in_2d);
        selection.selected.iter_mut().for_each(|row| row.push(false));
        self.features.column = selection.scales.len() - 1;
        self.set_selection(&format!("add scale {sigma}"), selection);
    }

    /// Changes the scale of the cursor's column; 0 removes it, as in ilastik.
    pub(super) fn set_scale(&mut self, sigma: f64) {
        if sigma == 0.0 {
            return self.remove_scale();
        }
        let column = self.features.column;
        if column >= self.shown_selection().scales.len() {
            return self.add_scale(sigma);
        }
        if !self.scale_allowed(sigma, Some(column)) {
            return;
        }
        let mut selection = self.shown_selection();
        selection.scales[column] = sigma;
        self.drop_unavailable(&mut selection, column);
        self.set_selection(&format!("change a scale to {sigma}"), selection);
    }

    pub(super) fn remove_scale(&mut self) {
        let mut selection = self.shown_selection();
        let column = self.features.column;
        if column >= selection.scales.len() || selection.scales.len() == 1 {
            return;
        }
        let sigma = selection.scales.remove(column);
        selection.compute_in_2d.remove(column);
        selection.selected.iter_mut().for_each(|row| {
            row.remove(column);
        });
        self.features.column = column.min(selection.scales.len() - 1);
        self.set_selection(&format!("remove scale {sigma}"), selection);
    }

    /// Leaves these channels of the images (from 0) out of training.
    pub(super) fn set_unused_channels(&mut self, unused: Vec<usize>) {
        let selection = FeatureSelection { unused_channels: unused, ..self.shown_selection() };
        self.set_selection("choose channels", selection);
    }

    fn set_selection(&mut self, what: &str, selection: FeatureSelection) {
        let after = Some(selection);
        if self.project.selection == after {
            return;
        }
        let before = std::mem::replace(&mut self.project.selection, after.clone());
        self.record(Edit { what: what.into(), selection: Some([before, after]), ..Edit::default() });
    }
}
