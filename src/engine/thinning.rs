//! How coarsely things are kept when all that is on screen does not fit in memory: whole slides, shown at a
//! fraction of their size.

/// Coarsest step: the side of a tile, so that each keeps at least one pixel.
const COARSEST: usize = super::tiles::TILE_SIDE;

/// The smallest power of two, at most `most`, with which every step-th of `pixels` along both axes, of `bytes`
/// each, fits in `budget` bytes. Where none does it is `most`.
pub(super) fn step_that_fits(pixels: usize, bytes: usize, budget: usize, most: usize) -> usize {
    let most = most.clamp(1, COARSEST);
    steps(most).find(|step| (pixels / (step * step)).saturating_mul(bytes) <= budget).unwrap_or(most)
}

/// The steps from the finest to `most`.
pub(super) fn steps(most: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1), |step| Some(step * 2)).take_while(move |&step| step <= most.min(COARSEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_out_that_fits() {
        assert_eq!(step_that_fits(1 << 20, 4, 1 << 22, 64), 1);
        assert_eq!(step_that_fits(1 << 20, 5, 1 << 22, 64), 2);
        assert_eq!(step_that_fits(20_000 * 20_000, 1, 1 << 26, 64), 4);
    }

    #[test]
    fn what_the_screen_shows_is_kept_even_if_it_does_not_fit() {
        assert_eq!(step_that_fits(1 << 20, 1, 0, 4), 4);
        assert_eq!(step_that_fits(usize::MAX, usize::MAX, 1, usize::MAX), COARSEST);
    }
}
