//! Which colours a sixel picture uses: every channel rounded to the same evenly spaced levels, the
//! finest spacing whose colours fit the terminal's registers.
//!
//! A register keeps its colour until a whole picture is sent again, so rectangles sent one after the
//! other agree, also on terminals where all pictures share the registers. No dithering: it triples the
//! bytes of noisy images, and equal colours must stay equal for rectangles to join without seams.

use super::sixel_few::FewColors;

/// Levels per channel, finest first: more than 17 make strokes on gray images cost more than they show. Where not
/// even the last fit, colours are chosen for the picture instead.
const LEVELS: [u16; 11] = [17, 16, 15, 14, 13, 12, 11, 9, 7, 6, 5];

/// A register that no colour has.
const FREE: u16 = u16::MAX;

/// Colours to registers.
pub(crate) struct SixelPalette {
    /// Index into [`LEVELS`].
    fineness: usize,
    /// The register of each level triple, or [`FREE`].
    register: Vec<u16>,
    /// The levels of each register.
    colors: Vec<[u16; 3]>,
    /// How many registers the terminal has, at most 256.
    capacity: usize,
    /// The level of each 8-bit value.
    level: [u16; 256],
    /// The colours instead, where all levels are too many.
    few: Option<FewColors>,
}

impl SixelPalette {
    /// An empty palette at the finest spacing; at least 8 registers, at most 256.
    pub fn new(registers: u16) -> Self {
        let mut palette = SixelPalette {
            fineness: 0,
            register: Vec::new(),
            colors: Vec::new(),
            capacity: usize::from(registers.clamp(8, 256)),
            level: [0; 256],
            few: None,
        };
        palette.reset(0);
        palette
    }

    fn reset(&mut self, fineness: usize) {
        self.few = None;
        self.fineness = fineness.min(LEVELS.len() - 1);
        let levels = LEVELS[self.fineness];
        self.register.clear();
        self.register.resize(usize::from(levels).pow(3), FREE);
        self.colors.clear();
        for (value, level) in self.level.iter_mut().enumerate() {
            *level = ((value as u16) * (levels - 1) + 127) / 255;
        }
    }

    /// The register of a colour, taking a free one on first use; none when all are taken.
    pub fn register(&mut self, rgb: [u8; 3]) -> Option<u8> {
        if let Some(few) = &mut self.few {
            return few.register(rgb);
        }
        let levels = rgb.map(|v| self.level[usize::from(v)]);
        let count = usize::from(LEVELS[self.fineness]);
        let key = levels.iter().fold(0, |key, l| key * count + usize::from(*l));
        if self.register[key] == FREE {
            if self.colors.len() == self.capacity {
                return None;
            }
            self.register[key] = self.colors.len() as u16;
            self.colors.push(levels);
        }
        Some(self.register[key] as u8)
    }

    /// Starts afresh with the finest spacing at which all of `colors` have a register, else with colours of their own.
    pub fn fit(&mut self, colors: impl Iterator<Item = [u8; 3]> + Clone) {
        for fineness in 0..LEVELS.len() {
            self.reset(fineness);
            let mut uses = [0_u32; 256];
            let fits = colors.clone().all(|c| self.register(c).map(|r| uses[usize::from(r)] += 1).is_some());
            if fits {
                self.sort_by_use(&uses);
                return;
            }
        }
        self.few = Some(FewColors::of(colors, self.capacity));
    }

    /// Gives the most used colours the smallest numbers, which take the fewest digits.
    fn sort_by_use(&mut self, uses: &[u32; 256]) {
        let mut order: Vec<usize> = (0..self.colors.len()).collect();
        order.sort_by_key(|r| std::cmp::Reverse(uses[*r]));
        let count = usize::from(LEVELS[self.fineness]);
        self.colors = order.iter().map(|r| self.colors[*r]).collect();
        for (register, levels) in self.colors.iter().enumerate() {
            let key = levels.iter().fold(0, |key, l| key * count + usize::from(*l));
            self.register[key] = register as u16;
        }
    }

    /// Red, green and blue of a register in percent, as sixel wants them.
    pub fn percent(&self, register: u8) -> [u16; 3] {
        if let Some(few) = &self.few {
            return few.color(register).map(|v| (u16::from(v) * 100 + 127) / 255);
        }
        let top = LEVELS[self.fineness] - 1;
        self.colors.get(usize::from(register)).map_or([0; 3], |c| c.map(|l| (l * 100 + top / 2) / top))
    }

    /// Largest difference, in 8-bit levels of a channel, between a colour and what its register shows:
    /// half a step, and up to 1.3 for the rounding to percent and 0.5 for the terminal's own.
    #[cfg(test)]
    pub fn error(&self) -> f64 {
        if let Some(few) = &self.few {
            return few.error() + 1.3 + 0.5;
        }
        255.0 / f64::from(LEVELS[self.fineness] - 1) / 2.0 + 1.3 + 0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(palette: &SixelPalette, register: u8) -> [f64; 3] {
        palette.percent(register).map(|p| f64::from(p) * 2.55)
    }

    #[test]
    fn a_gray_ramp_keeps_17_grays() {
        let ramp = (0..=255_u8).map(|v| [v; 3]);
        let mut palette = SixelPalette::new(256);
        palette.fit(ramp.clone());
        assert_eq!(palette.colors.len(), 17);
        for gray in ramp {
            let register = palette.register(gray).expect("every gray was fitted");
            let got = shown(&palette, register);
            assert!((got[0] - f64::from(gray[0])).abs() <= palette.error(), "{gray:?} became {got:?}");
            assert!(got[0] == got[1] && got[1] == got[2], "a gray became the colour {got:?}");
        }
    }

    #[test]
    fn sixteen_registers_show_a_picture_of_all_colors_and_its_labels() {
        let labels = [[255, 225, 25], [0, 130, 200], [230, 25, 75]];
        let smooth =
            (0..4096_u32).map(|i| [(i & 15) as u8 * 9, (i >> 4 & 15) as u8 * 12, (i >> 8) as u8 * 10]);
        let mut palette = SixelPalette::new(16);
        palette.fit(smooth.clone().chain(labels));
        assert!(palette.error() < 110.0, "levels would be up to 130 off: {}", palette.error());
        for color in smooth.chain(labels) {
            let register = palette.register(color).expect("every colour was fitted");
            for (got, want) in shown(&palette, register).iter().zip(color) {
                assert!((got - f64::from(want)).abs() <= palette.error());
            }
        }
        let shown: Vec<u8> = labels.iter().filter_map(|label| palette.register(*label)).collect();
        assert!(
            shown[0] != shown[1] && shown[1] != shown[2] && shown[2] != shown[0],
            "labels are told apart"
        );
        // A colour far from all of these makes a new palette.
        assert_eq!(palette.register([255, 0, 255]), None);
    }

    #[test]
    fn any_picture_fits_any_number_of_registers() {
        let all = (0..4096_u32).map(|i| [(i & 15) as u8 * 17, (i >> 4 & 15) as u8 * 17, (i >> 8) as u8 * 17]);
        for registers in [8, 16, 64, 256] {
            let mut palette = SixelPalette::new(registers);
            palette.fit(all.clone());
            assert!(palette.colors.len() <= usize::from(registers));
            for color in all.clone() {
                let register = palette.register(color).expect("every colour was fitted");
                for (got, want) in shown(&palette, register).iter().zip(color) {
                    assert!((got - f64::from(want)).abs() <= palette.error());
                }
            }
        }
    }
}
