//! From samples to screen brightness: window leveling and which channels are shown.

use crate::data::classes::Rgb;
use crate::data::volume::Sample;

/// The sample values shown black and full bright.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Shown black.
    pub low: f64,
    /// Shown full bright.
    pub high: f64,
}

impl Window {
    /// Brightness of a sample. A window of no width shows what lies above it full bright; NaN is black.
    pub fn level(&self, value: f64) -> u8 {
        let width = self.high - self.low;
        let share =
            if width > 0.0 { (value - self.low) / width } else { f64::from(u8::from(value > self.low)) };
        (share * 255.0 + 0.5) as u8
    }
}

/// How the channels of an image become colours.
#[derive(Clone, Debug, PartialEq)]
pub enum Channels {
    /// One channel, in gray.
    Gray {
        /// The channel.
        channel: usize,
        /// Its window.
        window: Window,
    },
    /// One channel, a colour of its own for each value; 0 is black.
    Colortable {
        /// The channel.
        channel: usize,
    },
    /// One channel: white where it is not zero.
    Mask {
        /// The channel.
        channel: usize,
    },
    /// Channels in colours, their light added.
    Composite(Vec<Tinted>),
}

/// A channel of a composite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tinted {
    /// The channel.
    pub channel: usize,
    /// Its window.
    pub window: Window,
    /// The colour of its brightest pixels.
    pub color: Rgb,
}

/// The colour that stands for a whole number: bright and far from its neighbours'; black for 0.
pub fn table_color(value: i64) -> Rgb {
    if value == 0 {
        return [0; 3];
    }
    // The golden ratio spreads hues evenly whatever the numbers are; a second one varies their strength.
    let turn = |by: f64| (value as f64 * by).rem_euclid(1.0);
    let (hue, pale) = (turn(0.618_033_988_75) * 6.0, 0.45 * turn(0.754_877_666_25));
    [0.0, 2.0, 4.0].map(|shift| {
        let ramp = ((hue + shift).rem_euclid(6.0) - 3.0).abs() - 1.0;
        ((pale + (1.0 - pale) * ramp.clamp(0.0, 1.0)) * 255.0).round() as u8
    })
}

/// A window made ready for samples of one type: a table where the type is small.
pub(super) enum Leveler {
    Table { table: Vec<u8>, offset: i64 },
    Direct(Window),
}

impl Leveler {
    /// For about `count` samples; a table that is larger than that would not pay.
    pub fn new<T: Sample>(window: Window, count: usize) -> Leveler {
        let (low, high) = T::DTYPE.range();
        let span = high - low;
        if span == 255.0 || (span == 65535.0 && count > 4096) {
            let table = (0..=span as usize).map(|i| window.level(low + i as f64)).collect();
            Leveler::Table { table, offset: low as i64 }
        } else {
            Leveler::Direct(window)
        }
    }

    pub fn level<T: Sample>(&self, value: T) -> u8 {
        match self {
            Leveler::Table { table, offset } => {
                let index = value.as_f64() as i64 - offset;
                usize::try_from(index).ok().and_then(|i| table.get(i)).copied().unwrap_or(0)
            }
            Leveler::Direct(window) => window.level(value.as_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_bright_colours_of_their_own() {
        assert_eq!(table_color(0), [0; 3]);
        let colors: Vec<Rgb> = (1..=60).map(table_color).collect();
        let far = |a: &Rgb, b: &Rgb| (0..3).map(|i| a[i].abs_diff(b[i])).max();
        for (i, color) in colors.iter().enumerate() {
            assert!(color.iter().max() >= Some(&250), "{color:?} is dark");
            assert!(colors[..i].iter().all(|other| other != color), "{color:?} stands for two numbers");
            let next = table_color(i as i64 + 2);
            assert!(far(color, &next) > Some(60), "{color:?} and {next:?} are hard to tell apart");
        }
    }

    #[test]
    fn windows_level_and_saturate() {
        let window = Window { low: 10.0, high: 20.0 };
        assert_eq!(
            [0.0, 10.0, 15.0, 20.0, 99.0, f64::NAN].map(|v| window.level(v)),
            [0, 0, 128, 255, 255, 0]
        );
        let flat = Window { low: 5.0, high: 5.0 };
        assert_eq!([4.0, 5.0, 6.0].map(|v| flat.level(v)), [0, 0, 255]);
    }

    #[test]
    fn tables_say_what_the_window_says() {
        let window = Window { low: -3.0, high: 900.0 };
        let wide = Leveler::new::<i16>(window, 1 << 20);
        assert!(matches!(wide, Leveler::Table { .. }));
        for value in [i16::MIN, -4, -3, 0, 7, 450, 899, 900, i16::MAX] {
            assert_eq!(wide.level(value), window.level(f64::from(value)));
        }
    }
}
