//! Image samples as the filter bank takes them: 32-bit floats, channel first.

use ndarray::{Array4, Axis as ArrayAxis};

use crate::data::Volume;
use crate::data::volume::Sample;
use crate::with_volume;

/// The samples of the first time point of `volume`, cast to floats without scaling, axes `czyx`.
pub fn block_input(volume: &Volume) -> Array4<f32> {
    fn cast<T: Sample>(array: &ndarray::Array5<T>) -> Array4<f32> {
        let (_, z, y, x, c) = array.dim();
        let mut input = Array4::zeros((c, z, y, x));
        let frame = array.index_axis(ArrayAxis(0), 0).permuted_axes([3, 0, 1, 2]);
        input.zip_mut_with(&frame, |to, from| *to = from.as_f32());
        input
    }
    with_volume!(volume, array => cast(array))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array5;

    #[test]
    fn channels_come_first_and_values_stay() {
        let array = Array5::from_shape_fn((1, 2, 3, 4, 2), |(_, z, y, x, c)| {
            (1000 * c + 100 * z + 10 * y + x) as u16
        });
        let input = block_input(&Volume::from(array));
        assert_eq!(input.dim(), (2, 2, 3, 4));
        assert_eq!(input[[1, 1, 2, 3]], 1123.0);
    }
}
