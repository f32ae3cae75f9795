//! Randomness of training: every draw is a hash of the seed, the tree, and a row's key or a node's place,
//! so that neither threads, nor the order of rows, nor what else was trained can change it.

/// What one tree's draws are derived from.
#[derive(Clone, Copy, Debug)]
pub(super) struct TreeSeed(u64);

impl TreeSeed {
    pub(super) fn new(seed: u64, tree: u32) -> Self {
        TreeSeed(mix(mix(seed) ^ (u64::from(tree) + 1).wrapping_mul(STEP)))
    }

    /// Weight of each row in the tree's bag: Poisson(1), the limit of drawing as many rows as there are
    /// with replacement, drawn from the row's hashed key alone. An empty bag is drawn again.
    pub(super) fn bag(self, hashed_keys: &[u64], weights: &mut Vec<u8>) {
        let mut state = self.0;
        while !hashed_keys.is_empty() {
            weights.clear();
            weights.extend(hashed_keys.iter().map(|key| poisson(mix(state ^ key))));
            if weights.iter().any(|&weight| weight > 0) {
                return;
            }
            state = mix(state.wrapping_add(STEP));
        }
    }

    /// Random numbers that have nothing to do with the bag and the nodes, number `n` of them.
    pub(super) fn stream(self, n: u64) -> Draws {
        Draws(mix(self.0 ^ mix(n.wrapping_add(STREAM))))
    }

    /// Place of the root, from which those of all nodes follow.
    pub(super) fn root(self) -> Place {
        Place(mix(self.0 ^ ROOT))
    }
}

/// A node's place in a tree: the sides taken from the root, hashed. A new stroke that changes one branch
/// leaves the draws of all other branches alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(u64);

impl Place {
    /// The place below or above this one.
    pub(super) fn child(self, is_above: bool) -> Place {
        Place(mix(self.0.wrapping_add(if is_above { ABOVE } else { BELOW })))
    }

    /// The node's own random numbers.
    pub(super) fn draws(self) -> Draws {
        Draws(self.0)
    }
}

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Draws(u64);

impl Draws {
    /// Stream number `n` of a project's seed, for what is no part of training.
    pub fn new(seed: u64, n: u64) -> Draws {
        Draws(mix(mix(seed) ^ mix(n.wrapping_add(APART))))
    }

    /// A number below `end`, which is at least 1.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(STEP);
        ((u128::from(mix(self.0)) * end as u128) >> 64) as usize
    }
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
const STREAM: u64 = 0x94D0_49BB_1331_11EB;
/// Keeps these streams apart from those of training.
const APART: u64 = 0xC2B2_AE3D_27D4_EB4F;
const ROOT: u64 = 0xD1B5_4A32_D192_ED03;
const BELOW: u64 = 0xAEF1_7502_108E_F2D9;
const ABOVE: u64 = 0x8CB9_2BA7_2F3D_8DD7;

/// SplitMix64's finaliser (Steele, Lea and Flood, 2014).
pub(super) const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// `POISSON[k]` is the chance of at most `k`, as a share of 2^32.
const POISSON: [u32; 10] = {
    let mut table = [0; 10];
    let mut term = 1.0 / std::f64::consts::E;
    let mut sum = 0.0;
    let mut k = 0;
    while k < table.len() {
        sum += term;
        table[k] = (sum * 4_294_967_296.0) as u32;
        term /= (k + 1) as f64;
        k += 1;
    }
    table
};

fn poisson(hash: u64) -> u8 {
    let uniform = (hash >> 32) as u32;
    POISSON.iter().map(|&bound| u8::from(uniform >= bound)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bags_are_poisson() {
        let keys: Vec<u64> = (0..100_000).map(mix).collect();
        let mut weights = Vec::new();
        TreeSeed::new(7, 3).bag(&keys, &mut weights);
        let mean = weights.iter().map(|&w| f64::from(w)).sum::<f64>() / 1e5;
        let variance = weights.iter().map(|&w| (f64::from(w) - mean).powi(2)).sum::<f64>() / 1e5;
        let empty = weights.iter().filter(|&&w| w == 0).count() as f64 / 1e5;
        assert!((mean - 1.0).abs() < 0.015, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.03, "variance {variance}");
        assert!((empty - (-1f64).exp()).abs() < 0.006, "left out {empty}");
    }

    #[test]
    fn a_bag_is_never_empty() {
        let mut weights = Vec::new();
        for tree in 0..200 {
            TreeSeed::new(1, tree).bag(&[mix(5)], &mut weights);
            assert!(weights[0] > 0, "tree {tree}");
        }
    }

    #[test]
    fn draws_cover_their_range() {
        let mut draws = TreeSeed::new(1, 0).root().child(true).draws();
        let mut seen = [0; 7];
        (0..7000).for_each(|_| seen[draws.below(7)] += 1);
        assert!(seen.iter().all(|&n| (850..1150).contains(&n)), "{seen:?}");
    }
}
