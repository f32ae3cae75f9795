//! Out-of-bag votes: each row judged by the trees that did not see it.
//!
//! Shares are summed as integers, so that the sums of waves of trees merge to those of all trees at once,
//! whatever the order.

use ndarray::{Array2, Zip};

/// A share of 1.
const ONE: f64 = (1u64 << 32) as f64;

/// Sum over trees of the class shares that each row got out of bag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OobVotes {
    /// Class column of each row.
    class_of: Vec<u8>,
    /// Axes row, class.
    votes: Array2<u64>,
}

/// Votes on different rows can't be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the two sets of trees were grown from different rows")]
pub struct OobMismatch;

impl OobVotes {
    pub(super) fn new(class_of: &[u8], class_count: usize) -> Self {
        OobVotes { class_of: class_of.to_owned(), votes: Array2::zeros((class_of.len(), class_count)) }
    }

    /// Adds one tree's leaf `shares` for `rows`.
    pub(super) fn add(&mut self, rows: &[u32], shares: &[f64]) {
        if rows.is_empty() {
            return;
        }
        for (class, &share) in shares.iter().enumerate().filter(|&(_, &share)| share > 0.0) {
            let vote = (share * ONE) as u64;
            rows.iter().for_each(|&row| self.votes[[row as usize, class]] += vote);
        }
    }

    /// Adds the votes of other trees on the same rows.
    ///
    /// # Errors
    /// The rows are not the same.
    pub fn merge(&mut self, other: &OobVotes) -> Result<(), OobMismatch> {
        if self.class_of != other.class_of || self.votes.dim() != other.votes.dim() {
            return Err(OobMismatch);
        }
        Zip::from(&mut self.votes).and(&other.votes).for_each(|a, b| *a += b);
        Ok(())
    }

    /// Share of the rows with a vote whose winning class (the lowest on ties) is not their label; `None`
    /// when no row has a vote.
    pub fn error(&self) -> Option<f64> {
        let (mut judged, mut wrong) = (0u64, 0u64);
        for (votes, &class) in self.votes.rows().into_iter().zip(&self.class_of) {
            let winner = votes
                .iter()
                .enumerate()
                .fold((0, 0), |best, (class, &vote)| if vote > best.1 { (class, vote) } else { best });
            judged += u64::from(winner.1 > 0);
            wrong += u64::from(winner.1 > 0 && winner.0 != class as usize);
        }
        (judged > 0).then(|| wrong as f64 / judged as f64)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_worked_error() {
        let mut votes = OobVotes::new(&[0, 1, 1, 0], 2);
        assert_eq!(votes.error(), None);
        votes.add(&[0, 1], &[1.0, 0.0]);
        let mut later = OobVotes::new(&[0, 1, 1, 0], 2);
        later.add(&[1, 2], &[0.25, 0.75]);
        votes.merge(&later).unwrap();
        assert_eq!(votes.error(), Some(1.0 / 3.0), "row 1 is wrong, row 3 was never left out");
        assert_eq!(votes.merge(&OobVotes::new(&[0, 1], 2)), Err(OobMismatch));
    }
}
