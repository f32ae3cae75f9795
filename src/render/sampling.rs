//! Which slice pixel each picture pixel shows (the nearest), without repeating work for those shown more
//! than once.

use super::Viewport;

/// The slice rows (or columns) that a picture shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Slice positions that occur, ascending.
    pub positions: Vec<usize>,
    /// For each picture row (or column) the index of its position, `None` outside the slice.
    pub of_picture: Vec<Option<usize>>,
    /// Largest distance between neighbouring positions.
    step: usize,
}

impl Line {
    /// Rows (`axis` 0) or columns (`axis` 1) of a slice that is `extent` long.
    pub fn new(viewport: &Viewport, axis: usize, extent: usize) -> Line {
        let mut positions = Vec::new();
        let of_picture = (0..viewport.picture[axis])
            .map(|i| {
                let at = viewport.slice_at(i as f64, i as f64)[axis].floor();
                if at < 0.0 || at >= extent as f64 {
                    return None;
                }
                let position = at as usize;
                if positions.last() != Some(&position) {
                    positions.push(position);
                }
                Some(positions.len() - 1)
            })
            .collect();
        let step = positions.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(1);
        Line { positions, of_picture, step }
    }

    /// Indices of the positions in `start..stop`.
    pub fn within(&self, start: usize, stop: usize) -> std::ops::Range<usize> {
        self.positions.partition_point(|&p| p < start)..self.positions.partition_point(|&p| p < stop)
    }

    /// The index that stands for the slice position `at`: its own, or that of a neighbour when the picture
    /// is too small to show every position.
    pub fn standing_for(&self, at: usize) -> Option<usize> {
        let index = self.positions.partition_point(|&p| p <= at).saturating_sub(1);
        (self.positions.get(index)?.abs_diff(at) < self.step).then_some(index)
    }

    /// The slice positions that the picture stands for, half open.
    pub fn span(&self, extent: usize) -> Option<[usize; 2]> {
        Some([
            (self.positions.first()? + 1).saturating_sub(self.step),
            (self.positions.last()? + self.step).min(extent),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(zoom: f64, picture: usize, extent: usize) -> Line {
        let viewport = Viewport { center: [extent as f64 / 2.0; 2], zoom: [zoom; 2], picture: [picture; 2] };
        Line::new(&viewport, 0, extent)
    }

    #[test]
    fn magnified_pixels_repeat() {
        let line = line(2.0, 6, 2);
        assert_eq!(line.positions, [0, 1]);
        assert_eq!(line.of_picture, [None, Some(0), Some(0), Some(1), Some(1), None]);
    }

    #[test]
    fn every_position_is_stood_for_when_shrunk() {
        let line = line(0.3, 30, 100);
        for at in 0..100 {
            assert!(line.standing_for(at).is_some(), "{at}");
        }
        assert_eq!(line.positions.len(), 30);
    }
}
