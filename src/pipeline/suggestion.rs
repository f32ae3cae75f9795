//! Suggesting features: which filters at which scales tell the labels apart, from the labelled pixels of
//! all images.
//!
//! A candidate is a cell of the selection matrix with all its channels. Results depend on the labels,
//! the images and the seed alone; what is measured by the clock stands apart, in [`cost`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ndarray::Axis as ArrayAxis;

use super::classification::Classification;
use super::input::block_input;
use super::training::{TrainError, TrainingLane, collect_rows};
use crate::classify::{
    self, Forest, Rows, SearchOptions, TrainOptions, cut_ranking, gini_importance, rank_by_information,
    search_forward,
};
use crate::data::{CancelToken, SpatialRoi};
use crate::features::selection::check_scale;
use crate::features::{FILTERS, FeatureBank, FeatureSelection};
use crate::io::{self, ImageReader};

/// Most rows that features are ranked on; more add time and no insight.
const RANKED_ROWS: usize = 20_000;
/// Most rows that a forest of a search is grown from.
const SEARCHED_ROWS: usize = 4_000;
/// Trees of a forest that sets are compared by.
const SEARCH_TREES: u32 = 50;

/// How features are suggested, in ilastik's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuggestionMethod {
    /// Mutual information with interaction capping.
    Filter,
    /// Sequential forward selection on the out-of-bag error.
    Wrapper,
    /// Gini importance in a forest of all features.
    Gini,
}

impl SuggestionMethod {
    /// All methods, the default first.
    pub const ALL: [SuggestionMethod; 3] =
        [SuggestionMethod::Filter, SuggestionMethod::Wrapper, SuggestionMethod::Gini];
}

impl fmt::Display for SuggestionMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SuggestionMethod::Filter => "filter",
            SuggestionMethod::Wrapper => "wrapper",
            SuggestionMethod::Gini => "Gini importance",
        })
    }
}

/// What to suggest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SuggestionOptions {
    /// The method.
    pub method: SuggestionMethod,
    /// Number of features; 0 finds the number too.
    pub count: usize,
    /// What a set's size costs: `penalty` times its share of the candidates is added to its error.
    pub penalty: f64,
    /// Seed of the forests.
    pub seed: u64,
}

/// A set of features with its forest.
#[derive(Clone, Debug)]
pub struct FeatureSet {
    /// The features.
    pub selection: FeatureSelection,
    /// A forest grown on them.
    pub forest: Arc<Forest>,
    /// Its out-of-bag error.
    pub oob_error: Option<f64>,
}

/// All features at the scales of `selection` that fit images of all `shapes` (`zyx`). A scale that only
/// lacks slices is computed in 2D; one that does not fit at all has no feature selected.
pub fn candidate_features(selection: &FeatureSelection, shapes: &[[usize; 3]]) -> FeatureSelection {
    let mut pool = selection.clone();
    for (column, &scale) in selection.scales.iter().enumerate() {
        let fits = |in_2d: bool| shapes.iter().all(|&shape| check_scale(scale, in_2d, shape).is_ok());
        pool.compute_in_2d[column] |= !fits(pool.compute_in_2d[column]);
        let usable = fits(pool.compute_in_2d[column]);
        for (row, filter) in pool.selected.iter_mut().zip(FILTERS) {
            row[column] = usable && scale >= filter.minimum_scale();
        }
    }
    pool
}

/// The labelled pixels with all candidate features, from which sets are made.
#[derive(Clone, Debug)]
pub struct Candidates {
    pool: FeatureSelection,
    /// Row and column in the selection matrix, in the order of the channels.
    cells: Vec<[usize; 2]>,
    /// The cell of each channel.
    cell_of: Vec<usize>,
    rows: Rows,
}

impl Candidates {
    /// Computes all features of `pool` at the labelled pixels of `lanes`, in parallel on the current
    /// rayon pool.
    ///
    /// # Errors
    /// As [`collect_rows`].
    pub fn collect(
        lanes: &[TrainingLane],
        pool: FeatureSelection,
        cancel: &CancelToken,
    ) -> Result<Self, TrainError> {
        let rows = collect_rows(lanes, &pool, cancel)?;
        let mut cells = Vec::new();
        let mut cell_of = Vec::new();
        if let Some(lane) = lanes.iter().find(|lane| !lane.labels.is_empty()) {
            let [_, z, y, x, c] = lane.reader.info().shape;
            for row in 0..pool.selected.len() {
                for column in (0..pool.scales.len()).filter(|&column| pool.selected[row][column]) {
                    let alone = selection_of(&pool, &[[row, column]]);
                    let bank = FeatureBank::new(&alone, [z, y, x], c)
                        .map_err(|source| TrainError::Scale { lane: lane.index, source })?;
                    cell_of.extend(std::iter::repeat_n(cells.len(), bank.channel_count()));
                    cells.push([row, column]);
                }
            }
        }
        Ok(Candidates { pool, cells, cell_of, rows })
    }

    /// All candidates.
    pub fn pool(&self) -> &FeatureSelection {
        &self.pool
    }

    /// Suggests features, in parallel on the current rayon pool; `progress` is told the share done.
    ///
    /// # Errors
    /// Labels of fewer than two classes, or cancelled.
    pub fn suggest(
        &self,
        options: &SuggestionOptions,
        cancel: &CancelToken,
        progress: &(dyn Fn(f64) + Sync),
    ) -> Result<FeatureSelection, TrainError> {
        let search = SearchOptions {
            count: options.count,
            penalty: options.penalty,
            trees: SEARCH_TREES,
            seed: options.seed,
        };
        let few = || classify::search::sample(&self.rows, SEARCHED_ROWS);
        if options.method == SuggestionMethod::Wrapper {
            let chosen = search_forward(&few(), &self.cell_of, search, cancel, progress)?;
            return Ok(self.selection_of(&chosen));
        }
        let many = classify::search::sample(&self.rows, RANKED_ROWS);
        let count = if options.count == 0 { self.cells.len() } else { options.count };
        let half = |share: f64| progress(share / 2.0);
        let ranked = match options.method {
            SuggestionMethod::Gini => self.rank_by_gini(&many, count, &search, cancel)?,
            _ => rank_by_information(&many, &self.cell_of, count, cancel, &half)?,
        };
        let chosen = if options.count == 0 {
            let rest = |share: f64| progress(0.5 + share / 2.0);
            cut_ranking(&few(), &self.cell_of, &ranked, search, cancel, &rest)?
        } else {
            ranked
        };
        progress(1.0);
        Ok(self.selection_of(&chosen))
    }

    fn rank_by_gini(
        &self,
        rows: &Rows,
        count: usize,
        search: &SearchOptions,
        cancel: &CancelToken,
    ) -> Result<Vec<usize>, TrainError> {
        let options = TrainOptions { trees: 0..search.trees * 2, seed: search.seed };
        let forest = classify::train(rows, &options, cancel)?.forest;
        let mut worth = vec![0.0; self.cells.len()];
        for (&cell, gain) in self.cell_of.iter().zip(gini_importance(&forest)) {
            worth[cell] += gain;
        }
        let mut ranked: Vec<usize> = (0..self.cells.len()).collect();
        ranked.sort_by(|&a, &b| worth[b].total_cmp(&worth[a]).then(a.cmp(&b)));
        ranked.truncate(count);
        Ok(ranked)
    }

    fn selection_of(&self, chosen: &[usize]) -> FeatureSelection {
        let cells: Vec<[usize; 2]> = chosen.iter().map(|&cell| self.cells[cell]).collect();
        selection_of(&self.pool, &cells)
    }

    /// Grows a forest of `trees` trees on the features of `selection` that are candidates, from all
    /// labelled pixels. It is the forest that training on that selection gives.
    ///
    /// # Errors
    /// Labels of fewer than two classes, or cancelled.
    pub fn train(
        &self,
        selection: &FeatureSelection,
        trees: u32,
        seed: u64,
        cancel: &CancelToken,
    ) -> Result<FeatureSet, TrainError> {
        let chosen: Vec<bool> =
            self.cells.iter().map(|&[row, column]| selection.selected[row][column]).collect();
        let columns: Vec<usize> = (0..self.cell_of.len()).filter(|&c| chosen[self.cell_of[c]]).collect();
        let rows = Rows {
            features: self.rows.features.select(ArrayAxis(1), &columns),
            labels: self.rows.labels.clone(),
            keys: self.rows.keys.clone(),
        };
        let trained = classify::train(&rows, &TrainOptions { trees: 0..trees, seed }, cancel)?;
        let oob_error = trained.oob_error();
        let cells: Vec<[usize; 2]> =
            self.cells.iter().zip(&chosen).filter(|&(_, &on)| on).map(|(&cell, _)| cell).collect();
        let selection = selection_of(&self.pool, &cells);
        Ok(FeatureSet { selection, forest: Arc::new(trained.forest), oob_error })
    }
}

fn selection_of(pool: &FeatureSelection, cells: &[[usize; 2]]) -> FeatureSelection {
    let mut selection = pool.clone();
    selection.selected.iter_mut().flatten().for_each(|on| *on = false);
    cells.iter().for_each(|&[row, column]| selection.selected[row][column] = true);
    selection
}

/// Time that features and prediction of the pixels `roi` at time `t` take on one core, in milliseconds
/// per megapixel: the best of three runs by `clock`, reading left out.
///
/// # Errors
/// The image can't be read.
pub fn cost(
    classification: &Classification,
    reader: &dyn ImageReader,
    t: usize,
    roi: &SpatialRoi,
    clock: &dyn Fn() -> Duration,
) -> Result<f64, io::Error> {
    let [_, z, y, x, channels] = reader.info().shape;
    let input_roi = roi.enlarge(classification.bank.halo(), [z, y, x]);
    let input = block_input(&reader.read(&input_roi.at(t, channels))?);
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let begin = clock();
        classification.probabilities(input.view(), &input_roi, roi);
        best = best.min(clock().saturating_sub(begin));
    }
    Ok(best.as_secs_f64() * 1e3 / (roi.len().max(1) as f64 / 1e6))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_what_fits() {
        let selection = FeatureSelection::none([20, 64, 64]);
        let pool = candidate_features(&selection, &[[20, 64, 64], [30, 30, 90]]);
        assert!(!pool.uses_scale(6), "scale 10 needs 36 rows");
        assert!(pool.selected[1][5] && !pool.compute_in_2d[5]);
        let shallow = candidate_features(&selection, &[[8, 64, 64]]);
        assert_eq!(shallow.compute_in_2d, [false, false, false, false, true, true, true]);
        assert_eq!(shallow.count(), 37);
    }
}
