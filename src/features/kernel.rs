//! Sampled Gaussian kernels as ilastik's filters use them: truncated, then normalised on the taps kept.
//!
//! Knows sigmas and taps, not images.

/// Half of a symmetric or antisymmetric kernel: the coefficient of the centre, then outwards.
///
/// The radius is `floor(window_size * sigma + 0.5)`. Order 0 sums to 1; order 1 is exact on a ramp;
/// order 2 has no mean and is exact on a parabola. With radius 0 the line is copied whatever the order,
/// so every order is the single tap 1.
pub(super) fn half_kernel(sigma: f64, window_size: f64, order: usize) -> Vec<f32> {
    let radius = kernel_radius(sigma, window_size);
    if radius == 0 {
        return vec![1.0];
    }
    let height = 1.0 / ((2.0 * std::f64::consts::PI).sqrt() * sigma);
    let gaussian = |x: f64| height * (-0.5 * x * x / (sigma * sigma)).exp();
    let xs = || (0..=radius).map(|x| x as f64);
    let twice = |x: f64| if x == 0.0 { 1.0 } else { 2.0 };
    // Samples are rounded before they are normalised, as fastfilters stores them: with this the filters
    // give ilastik's features to the last bit.
    let sampled = |c: f64| f64::from(c as f32);
    let mut half: Vec<f64> = match order {
        0 => xs().map(|x| sampled(gaussian(x))).collect(),
        1 => xs().map(|x| sampled(x * gaussian(x))).collect(),
        _ => {
            let raw: Vec<f64> = xs().map(|x| sampled(((x / sigma).powi(2) - 1.0) * gaussian(x))).collect();
            let mean = xs().zip(&raw).map(|(x, c)| twice(x) * c).sum::<f64>() / (2 * radius + 1) as f64;
            raw.iter().map(|c| c - mean).collect()
        }
    };
    let moment: f64 = xs()
        .zip(&half)
        .map(|(x, c)| match order {
            0 => twice(x) * c,
            1 => 2.0 * x * c,
            _ => x * x * c,
        })
        .sum();
    half.iter_mut().for_each(|c| *c /= moment);
    half.into_iter().map(|c| c as f32).collect()
}

/// Taps on each side of the centre.
pub(super) fn kernel_radius(sigma: f64, window_size: f64) -> usize {
    (window_size * sigma + 0.5).floor() as usize
}

/// Largest radius of the filters that run on a presmoothed image (sigma at most 1, window 2).
pub(super) const MAX_TAPS_RADIUS: usize = 2;

/// The kernels of orders 0, 1 and 2 at one sigma, short enough for the filter passes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Taps {
    /// Taps on each side, at most [`MAX_TAPS_RADIUS`].
    pub(super) radius: usize,
    /// Half kernels, `[order][distance from the centre]`; unused ones are 0.
    pub(super) coefficients: [[f32; MAX_TAPS_RADIUS + 1]; 3],
}

impl Taps {
    /// The kernels at `sigma`, which must be at most 1 for a window of 2.
    pub(super) fn new(sigma: f64, window_size: f64) -> Self {
        let radius = kernel_radius(sigma, window_size);
        assert!(radius <= MAX_TAPS_RADIUS, "sigma {sigma} needs {radius} taps on each side");
        let coefficients = std::array::from_fn(|order| {
            let mut padded = [0.0; MAX_TAPS_RADIUS + 1];
            padded[..=radius].copy_from_slice(&half_kernel(sigma, window_size, order));
            padded
        });
        Taps { radius, coefficients }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radii_follow_the_window() {
        let radius = |sigma| kernel_radius(sigma, 2.0);
        assert_eq!(
            [1.0, 0.7, 0.66, 0.5, 0.462, 0.35, 0.3, 0.198, 0.15].map(radius),
            [2, 1, 1, 1, 1, 1, 1, 0, 0]
        );
        let presmoothing = [0.3, 0.7, 1.0, 1.6, 3.5, 5.0, 10.0f64]
            .map(|s| if s > 1.0 { (s * s - 1.0).sqrt() } else { s })
            .map(|sigma| kernel_radius(sigma, 3.5));
        assert_eq!(presmoothing, [1, 2, 4, 4, 12, 17, 35]);
    }

    #[test]
    fn each_order_is_exact_on_its_polynomial() {
        for sigma in [0.3, 0.7, 1.0] {
            let sum = |order: usize, f: fn(f64) -> f64| -> f64 {
                half_kernel(sigma, 2.0, order)
                    .iter()
                    .enumerate()
                    .map(|(x, &c)| {
                        let (x, c) = (x as f64, f64::from(c));
                        let mirrored = if order == 1 { -c } else { c };
                        if x == 0.0 { c * f(0.0) } else { c * f(x) + mirrored * f(-x) }
                    })
                    .sum()
            };
            for (order, f, expect) in [
                (0, (|_| 1.0) as fn(f64) -> f64, 1.0),
                (1, |x| x, 1.0),
                (1, |_| 1.0, 0.0),
                (2, |_| 1.0, 0.0),
                (2, |x| x * x / 2.0, 1.0),
            ] {
                assert!((sum(order, f) - expect).abs() < 1e-6, "order {order} at sigma {sigma}");
            }
        }
    }

    #[test]
    fn radius_zero_copies() {
        for order in 0..3 {
            assert_eq!(half_kernel(0.15, 2.0, order), [1.0]);
        }
    }
}
