//! Filling the feature table: the cell that was toggled, then all that a drag or Shift extends it over. One step
//! of the history, whatever way it took.

use super::edits::Edit;
use super::features::{TABLE_ROWS, TableRow};
use super::state::App;
use crate::command::Direction;
use crate::data::revision::SelectionRev;
use crate::features::FeatureSelection;

/// A fill that can be extended.
#[derive(Clone, Debug)]
pub struct Fill {
    /// The first cell: its row and column.
    anchor: (usize, usize),
    /// The state of that cell, which the others get.
    on: bool,
    /// What was selected before the others got it.
    before: FeatureSelection,
    /// The selection as the fill left it, and the steps of the history then.
    left: (SelectionRev, usize),
    /// Whether the last step of the history is the fill's own.
    recorded: bool,
}

impl App {
    /// Whether a cell is on; of a group or column, whether all that can be is.
    fn is_cell_on(&self, selection: &FeatureSelection, row: usize, column: usize) -> bool {
        match TABLE_ROWS[row] {
            TableRow::Dimension => selection.compute_in_2d[column],
            row => {
                let mut offered =
                    row.filters().filter(|&f| self.feature_available(selection, f, column).is_ok());
                offered.all(|filter| selection.selected[filter][column])
            }
        }
    }

    /// Begins a fill at the cell under the cursor, as it is now.
    pub(super) fn begin_fill(&mut self, recorded: bool) {
        let before = self.shown_selection();
        let (row, column) = (self.features.row, self.features.column);
        self.features.fill = (column < before.scales.len()).then(|| Fill {
            anchor: (row, column),
            on: self.is_cell_on(&before, row, column),
            before,
            left: (self.edits.selection_rev, self.edits.depth()),
            recorded,
        });
    }

    /// Moves the cursor of the table and gives the cells between it and the first one the state of that.
    pub(super) fn extend_fill(&mut self, direction: Direction) {
        self.continue_fill();
        self.move_in_table(direction);
        self.fill_to(self.features.row, self.features.column);
    }

    /// Begins a fill unless one is under way that nothing has come in between of.
    fn continue_fill(&mut self) {
        let now = (self.edits.selection_rev, self.edits.depth());
        if self.features.fill.as_ref().is_none_or(|fill| fill.left != now) {
            self.begin_fill(false);
        }
    }

    /// Extends the fill to a cell that was clicked or dragged over.
    pub(super) fn fill_to_cell(&mut self, row: usize, column: usize) {
        self.continue_fill();
        (self.features.row, self.features.column) = (row, column);
        self.fill_to(row, column);
    }

    fn fill_to(&mut self, row: usize, column: usize) {
        let Some(mut fill) = self.features.fill.take() else { return };
        let last = fill.before.scales.len().saturating_sub(1);
        let rows = fill.anchor.0.min(row)..=fill.anchor.0.max(row);
        let columns = fill.anchor.1.min(column)..=fill.anchor.1.max(column).min(last);
        let mut selection = fill.before.clone();
        let first = TABLE_ROWS[fill.anchor.0];
        for column in columns {
            if first == TableRow::Dimension {
                if self.has_depth() {
                    selection.compute_in_2d[column] = fill.on;
                    self.drop_unavailable(&mut selection, column);
                }
                continue;
            }
            for row in rows.clone().map(|row| TABLE_ROWS[row]) {
                // Groups that lie between single features are passed over.
                if !matches!(row, TableRow::Filter(_)) && matches!(first, TableRow::Filter(_)) {
                    continue;
                }
                for filter in row.filters() {
                    if self.feature_available(&selection, filter, column).is_ok() {
                        selection.selected[filter][column] = fill.on;
                    }
                }
            }
        }
        if selection != self.shown_selection() {
            if fill.recorded {
                self.amend_selection(selection);
            } else {
                self.set_selection("change features", selection);
                fill.recorded = true;
            }
            fill.left = (self.edits.selection_rev, self.edits.depth());
        }
        self.features.fill = Some(fill);
    }

    /// Changes the selection once more as part of the last step of the history, which changed it.
    fn amend_selection(&mut self, selection: FeatureSelection) {
        let after = Some(selection);
        let before = std::mem::replace(&mut self.project.selection, after.clone());
        self.amend(Edit { selection: Some([before, after]), ..Edit::default() });
    }
}
