//! The Features applet: ilastik's table of filters and scales, edited by keys.

use super::edits::Edit;
use super::effect::Effect;
use super::feature_fill::Fill;
use super::messages::Level;
use super::state::App;
use crate::command::Direction;
use crate::data::revision::SelectionRev;
use crate::features::selection::check_scale;
use crate::features::{FILTERS, FeatureSelection, ScaleError};

/// The title of a filter, by its row in the selection matrix.
pub fn filter_title(row: usize) -> &'static str {
    FILTERS[row].title()
}

/// Features whose cost is to be measured.
#[derive(Clone, Debug)]
pub struct CostRequest {
    /// The features.
    pub selection: FeatureSelection,
    /// Their revision.
    pub revision: SelectionRev,
    /// Shape of the image (`zyx`).
    pub space: [usize; 3],
    /// Its channels.
    pub channels: usize,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableRow {
    /// Whether each scale is computed in 2D.
    Dimension,
    /// All filters at a scale.
    All,
    /// A group of filters: title, first filter, one past the last.
    Group(&'static str, usize, usize),
    /// A filter, by its row in the selection matrix.
    Filter(usize),
}

impl TableRow {
    /// The filters that a cell of the row stands for, by their rows in the selection matrix.
    pub fn filters(self) -> std::ops::Range<usize> {
        match self {
            TableRow::Dimension => 0..0,
            TableRow::All => 0..FILTERS.len(),
            TableRow::Group(_, first, stop) => first..stop,
            TableRow::Filter(filter) => filter..filter + 1,
        }
    }
}

/// All rows of the table, as ilastik orders them.
pub const TABLE_ROWS: [TableRow; 11] = [
    TableRow::Dimension,
    TableRow::All,
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
#[derive(Clone, Debug)]
pub struct FeatureTable {
    /// Index into [`TABLE_ROWS`].
    pub row: usize,
    /// Column: a scale; one past the last scale is "add".
    pub column: usize,
    /// What can be extended over more cells.
    pub(super) fill: Option<Fill>,
    /// What was selected when the applet was opened.
    pub(super) opened_with: Option<FeatureSelection>,
    /// What the features cost as they were when that was measured: their revision, and the milliseconds that a
    /// megapixel takes on one core.
    pub(super) cost: Option<(SelectionRev, f64)>,
    /// The features whose cost was asked for last.
    pub(super) cost_asked: Option<SelectionRev>,
}

impl Default for FeatureTable {
    fn default() -> Self {
        FeatureTable { row: 3, column: 0, fill: None, opened_with: None, cost: None, cost_asked: None }
    }
}

/// Why the last scale can't be removed.
pub(super) const ONE_SCALE: &str = "one scale must stay";

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
        let first = self.first_table_row();
        let FeatureTable { row, column, .. } = &mut self.features;
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
            row @ (TableRow::Group(..) | TableRow::All) => {
                let rows: Vec<usize> = row
                    .filters()
                    .filter(|&row| self.feature_available(&selection, row, column).is_ok())
                    .collect();
                if rows.is_empty() {
                    let first = row.filters().start;
                    let why = self.feature_available(&selection, first, column).err().unwrap_or_default();
                    return self.tell(Level::Warning, "Can't select these features", why, "");
                }
                let on = !rows.iter().all(|&row| selection.selected[row][column]);
                rows.into_iter().for_each(|row| selection.selected[row][column] = on);
            }
        }
        self.set_selection("change features", selection);
        self.begin_fill(true);
    }

    /// Selects a feature, group or all at every scale, or deselects it where it is selected at all of them.
    pub(super) fn toggle_feature_row(&mut self) {
        let mut selection = self.shown_selection();
        let cells: Vec<(usize, usize)> = TABLE_ROWS[self.features.row]
            .filters()
            .flat_map(|filter| (0..selection.scales.len()).map(move |column| (filter, column)))
            .filter(|&(filter, column)| self.feature_available(&selection, filter, column).is_ok())
            .collect();
        let on = !cells.iter().all(|&(filter, column)| selection.selected[filter][column]);
        cells.into_iter().for_each(|(filter, column)| selection.selected[filter][column] = on);
        self.set_selection("change features", selection);
    }

    /// Puts back what was selected when the applet was opened.
    pub(super) fn revert_features(&mut self) {
        if let Some(before) = self.features.opened_with.clone() {
            self.set_selection("put back the features", before);
            self.features.column = self.features.column.min(self.shown_selection().scales.len());
        }
    }

    /// Whether features were changed since the applet was opened.
    pub fn features_changed(&self) -> bool {
        self.features.opened_with.as_ref().is_some_and(|before| *before != self.shown_selection())
    }

    /// What the features cost as they are: milliseconds for a megapixel on one core; `None` until that was
    /// measured.
    pub fn feature_cost(&self) -> Option<f64> {
        self.features.cost.filter(|(revision, _)| *revision == self.edits.selection_rev).map(|(_, cost)| cost)
    }

    /// Has the cost of the features measured while they are looked at.
    pub(super) fn ask_for_cost(&mut self) {
        let now = self.edits.selection_rev;
        let shown = self.screen.applet == super::Applet::Features && !self.feature_names().is_empty();
        if shown && self.features.cost_asked != Some(now) {
            self.features.cost_asked = Some(now);
            let [_, z, y, x, channels] = self.shape();
            self.outbox.push(Effect::MeasureFeatures(CostRequest {
                selection: self.shown_selection(),
                revision: now,
                space: [z, y, x],
                channels,
            }));
        }
    }

    /// The cost of features was measured.
    pub(super) fn cost_measured(&mut self, revision: SelectionRev, milliseconds: f64) {
        self.features.cost = Some((revision, milliseconds));
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
        if !self.has_depth() {
            return self.tell(Level::Warning, "The images have no depth", "everything is computed in 2D", "");
        }
        selection.compute_in_2d[column] ^= true;
        self.drop_unavailable(&mut selection, column);
        self.set_selection("change 2D/3D", selection);
        self.begin_fill(true);
    }

    /// The first row of the table that is shown: where no image has depth, there is no choice of 2D or 3D.
    pub fn first_table_row(&self) -> usize {
        usize::from(!self.has_depth())
    }

    /// Keeps the cursor of the table on a row that is shown, whatever images came or went.
    pub(super) fn keep_table_cursor(&mut self) {
        self.features.row = self.features.row.max(self.first_table_row());
    }

    /// Whether any image has depth.
    pub(super) fn has_depth(&self) -> bool {
        self.spaces().any(|(_, [z, ..])| z > 1)
    }

    /// Deselects what can't be computed any more at a scale that changed, and says so.
    pub(super) fn drop_unavailable(&mut self, selection: &mut FeatureSelection, column: usize) {
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

    /// Why a scale can't become a column's, other than `column`.
    pub(super) fn scale_objection(&self, sigma: f64, column: Option<usize>) -> Option<String> {
        let selection = self.shown_selection();
        let twice = selection.scales.iter().enumerate().any(|(i, &s)| s == sigma && Some(i) != column);
        if !(SMALLEST_SCALE..=1000.0).contains(&sigma) {
            Some(format!("scales lie between {SMALLEST_SCALE} and 1000"))
        } else {
            twice.then(|| format!("scale {sigma} is there already"))
        }
    }

    /// Whether a scale can become a column's; says why not.
    fn scale_allowed(&mut self, sigma: f64, column: Option<usize>) -> bool {
        let objection = self.scale_objection(sigma, column);
        let allowed = objection.is_none();
        if let Some(why) = objection {
            self.tell(Level::Warning, format!("Can't use scale {sigma}"), why, "");
        }
        allowed
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
        if column >= selection.scales.len() {
            return;
        }
        if selection.scales.len() == 1 {
            return self.tell(Level::Warning, "The scale is not removed", ONE_SCALE, "");
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

    pub(super) fn set_selection(&mut self, what: &str, selection: FeatureSelection) {
        let after = Some(selection);
        if self.project.selection == after {
            return;
        }
        let before = std::mem::replace(&mut self.project.selection, after.clone());
        self.record(Edit { what: what.into(), selection: Some([before, after]), ..Edit::default() });
    }
}
