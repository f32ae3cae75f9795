//! A palette of few registers for one picture: colours of its own, chosen so that the farthest of its colours is as
//! near to one of them as can be.
//!
//! Even levels of each channel leave eight colours where there are sixteen registers.

use std::collections::BTreeMap;

/// Bits of a channel that colours are told apart by.
const BITS: u32 = 5;
/// How far (squared) a colour may be from the palette's, even where those of the picture were nearer.
const NEAR: u32 = 32 * 32;

/// The colours of some registers.
pub(super) struct FewColors {
    colors: Vec<[u8; 3]>,
    /// The same, rounded: distances are between rounded colours, so that all that are rounded alike have a register
    /// or none.
    centers: Vec<[u8; 3]>,
    /// How far (squared) any colour may be from the palette's.
    reach: u32,
    /// The register of each rounded colour that was asked for; none is too far from all.
    known: BTreeMap<u16, Option<u8>>,
}

fn key(rgb: [u8; 3]) -> u16 {
    rgb.iter().fold(0, |key, v| key << BITS | u16::from(v >> (8 - BITS)))
}

fn rounded(rgb: [u8; 3]) -> [u8; 3] {
    rgb.map(|v| v >> (8 - BITS) << (8 - BITS))
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    (0..3).map(|i| u32::from(a[i].abs_diff(b[i])).pow(2)).sum()
}

impl FewColors {
    /// At most `count` colours for those of a picture.
    pub fn of(picture: impl Iterator<Item = [u8; 3]>, count: usize) -> Self {
        let mut kinds = BTreeMap::new();
        for rgb in picture {
            kinds.entry(key(rgb)).or_insert(rgb);
        }
        let kinds: Vec<[u8; 3]> = kinds.into_values().collect();
        let (mut colors, mut centers) = (Vec::new(), Vec::new());
        let mut far: Vec<u32> = vec![u32::MAX; kinds.len()];
        // The next is the one that is farthest from all so far.
        while colors.len() < count
            && let Some(next) = (0..kinds.len()).max_by_key(|&i| far[i]).filter(|&i| far[i] > 0)
        {
            let center = rounded(kinds[next]);
            colors.push(kinds[next]);
            centers.push(center);
            far.iter_mut()
                .zip(&kinds)
                .for_each(|(far, kind)| *far = distance(center, rounded(*kind)).min(*far));
        }
        let reach = far.into_iter().max().unwrap_or(0).max(NEAR);
        FewColors { colors, centers, reach, known: BTreeMap::new() }
    }

    /// The register of a colour; none where all are too far from it.
    pub fn register(&mut self, rgb: [u8; 3]) -> Option<u8> {
        let (centers, reach) = (&self.centers, self.reach);
        *self.known.entry(key(rgb)).or_insert_with(|| {
            let far = |i: &usize| distance(centers[*i], rounded(rgb));
            let nearest = (0..centers.len()).min_by_key(far)?;
            (far(&nearest) <= reach).then_some(nearest as u8)
        })
    }

    /// Red, green and blue of a register.
    pub fn color(&self, register: u8) -> [u8; 3] {
        self.colors.get(usize::from(register)).copied().unwrap_or_default()
    }

    /// Largest difference between a colour and what its register shows: colours that are rounded alike share one.
    #[cfg(test)]
    pub fn error(&self) -> f64 {
        f64::from(self.reach).sqrt() + 2.0 * f64::from(1_u16 << (8 - BITS))
    }
}
