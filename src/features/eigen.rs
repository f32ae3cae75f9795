//! Eigenvalues of symmetric 2x2 and 3x3 matrices in closed form, eight matrices at a time.

use super::simd::Lanes;

/// Eigenvalues of `[xx, yy, xy]`, larger first: `mean +- sqrt(((xx - yy) / 2)^2 + xy^2)`.
#[inline(always)]
pub(super) fn eigenvalues_2x2<L: Lanes>(lanes: L, [xx, yy, xy]: [L::V; 3]) -> [L::V; 2] {
    let half = lanes.splat(0.5);
    let mean = lanes.mul(lanes.add(xx, yy), half);
    let difference = lanes.mul(lanes.sub(xx, yy), half);
    let squares = lanes.add(lanes.mul(difference, difference), lanes.mul(xy, xy));
    let radius = lanes.sqrt(squares);
    [lanes.add(mean, radius), lanes.sub(mean, radius)]
}

/// Fits `cos(acos(r) / 3)` on `[0, 1]` to 4e-5; one Newton step brings that below rounding.
const CUBIC: [f32; 4] = [0.866_061_85, 0.165_404_34, -0.040_881_23, 0.009_443_62];

/// Eigenvalues of `[xx, yy, zz, xy, xz, yz]`, largest first, to rounding of the matrix's norm.
///
/// With `m` the mean of the diagonal and `p` the scale of the rest, the matrix is `m + p B` and the
/// eigenvalues of `B` are `2 cos(phi + 2 pi k / 3)` with `cos(3 phi) = det(B) / 2` (Smith 1961). The
/// cosine `c` is the root of `4 c^3 - 3 c = |det B / 2|` in `[0.866, 1]`, found by a Newton step
/// from a cubic. The sine follows from `sin(3 phi)`, which is not taken from the cosine: where two
/// eigenvalues are close that would halve the number of digits. Its square is the discriminant, and as a
/// sum of squares (of the minors of `B` and the trace-free part of `B^2`) it is exact when small.
#[inline(always)]
pub(super) fn eigenvalues_3x3<L: Lanes>(lanes: L, [xx, yy, zz, xy, xz, yz]: [L::V; 6]) -> [L::V; 3] {
    let l = lanes;
    let (zero, one) = (l.splat(0.0), l.splat(1.0));
    let mean = l.mul(l.add(l.add(xx, yy), zz), l.splat(1.0 / 3.0));
    let (bxx, byy, bzz) = (l.sub(xx, mean), l.sub(yy, mean), l.sub(zz, mean));
    let diagonal = l.mul_add(bxx, bxx, l.mul_add(byy, byy, l.mul(bzz, bzz)));
    let others = l.mul_add(xy, xy, l.mul_add(xz, xz, l.mul(yz, yz)));
    let p = l.sqrt(l.mul(l.mul_add(others, l.splat(2.0), diagonal), l.splat(1.0 / 6.0)));
    let inverse = l.where_positive(p, l.div(one, p), zero);

    let (bxx, byy, bzz) = (l.mul(bxx, inverse), l.mul(byy, inverse), l.mul(bzz, inverse));
    let (bxy, bxz, byz) = (l.mul(xy, inverse), l.mul(xz, inverse), l.mul(yz, inverse));
    // Cofactors; `B^2 - 2` is these plus 1 on the diagonal.
    let cxx = minor(l, byy, bzz, byz, byz);
    let cyy = minor(l, bxx, bzz, bxz, bxz);
    let czz = minor(l, bxx, byy, bxy, bxy);
    let cxy = minor(l, byz, bxz, bxy, bzz);
    let cxz = minor(l, bxy, byz, byy, bxz);
    let cyz = minor(l, bxy, bxz, bxx, byz);
    let determinant = l.mul_add(bxx, cxx, l.mul_add(bxy, cxy, l.mul(bxz, cxz)));
    let r = l.mul(determinant, l.splat(0.5));
    let negative = l.sub(zero, r);
    let magnitude = l.min(l.max(r, negative), one);
    let (cxx, cyy, czz) = (l.add(cxx, one), l.add(cyy, one), l.add(czz, one));
    // Off-diagonal entries count twice, so that the squares count 4, 2 and 1 times.
    let mut sum = zero;
    sum = add_square(l, sum, bxy, cxz, bxz, cxy);
    sum = add_square(l, sum, bxy, cyz, byz, cxy);
    sum = add_square(l, sum, bxz, cyz, byz, cxz);
    sum = l.add(sum, sum);
    sum = add_square(l, sum, bxx, cxy, bxy, cxx);
    sum = add_square(l, sum, bxx, cxz, bxz, cxx);
    sum = add_square(l, sum, bxx, cyz, byz, cxx);
    sum = add_square(l, sum, byy, cxy, bxy, cyy);
    sum = add_square(l, sum, byy, cxz, bxz, cyy);
    sum = add_square(l, sum, byy, cyz, byz, cyy);
    sum = add_square(l, sum, bzz, cxy, bxy, czz);
    sum = add_square(l, sum, bzz, cxz, bxz, czz);
    sum = add_square(l, sum, bzz, cyz, byz, czz);
    sum = l.add(sum, sum);
    sum = add_square(l, sum, bxx, cyy, byy, cxx);
    sum = add_square(l, sum, bxx, czz, bzz, cxx);
    sum = add_square(l, sum, byy, czz, bzz, cyy);
    let triple_sine = l.mul(l.sqrt(sum), l.splat(1.0 / 6.0));

    let mut c = l.mul_add(l.splat(CUBIC[3]), magnitude, l.splat(CUBIC[2]));
    c = l.mul_add(c, magnitude, l.splat(CUBIC[1]));
    c = l.mul_add(c, magnitude, l.splat(CUBIC[0]));
    let squared = l.mul(c, c);
    let numerator = l.mul_add(l.mul(l.splat(8.0), squared), c, magnitude);
    let denominator = l.mul_add(l.splat(12.0), squared, l.splat(-3.0));
    c = l.div(numerator, denominator);
    let sine = l.div(triple_sine, l.mul_add(l.mul(l.splat(4.0), c), c, l.splat(-1.0)));
    let far = l.mul(p, l.add(c, c));
    let spread = l.mul(l.mul(p, sine), l.splat(3.0f32.sqrt()));
    let middle = l.mul(p, l.sub(zero, c));
    let (upper, lower) = (l.add(middle, spread), l.sub(middle, spread));

    let first = l.where_positive(negative, l.sub(zero, lower), far);
    let second = l.where_positive(negative, l.sub(zero, upper), upper);
    let third = l.where_positive(negative, l.sub(zero, far), lower);
    [l.add(mean, first), l.add(mean, second), l.add(mean, third)]
}

/// `a * b - c * d`.
#[inline(always)]
fn minor<L: Lanes>(l: L, a: L::V, b: L::V, c: L::V, d: L::V) -> L::V {
    l.sub(l.mul(a, b), l.mul(c, d))
}

/// `sum + (a * b - c * d)^2`.
#[inline(always)]
fn add_square<L: Lanes>(l: L, sum: L::V, a: L::V, b: L::V, c: L::V, d: L::V) -> L::V {
    let minor = minor(l, a, b, c, d);
    l.mul_add(minor, minor, sum)
}

#[cfg(test)]
mod tests {
    use super::super::simd::{Lanes, Portable};
    use super::*;

    /// Eigenvalues by Jacobi rotations in 64-bit floats, largest first.
    fn jacobi(m: [f64; 6]) -> [f64; 3] {
        let [xx, yy, zz, xy, xz, yz] = m;
        let mut a = [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]];
        for _ in 0..30 {
            for (p, q) in [(0, 1), (0, 2), (1, 2)] {
                if a[p][q] == 0.0 {
                    continue;
                }
                let angle = 0.5 * (2.0 * a[p][q]).atan2(a[q][q] - a[p][p]);
                let (sin, cos) = angle.sin_cos();
                for row in &mut a {
                    (row[p], row[q]) = (cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]);
                }
                let (rp, rq) = (a[p], a[q]);
                for k in 0..3 {
                    (a[p][k], a[q][k]) = (cos * rp[k] - sin * rq[k], sin * rp[k] + cos * rq[k]);
                }
            }
        }
        let mut values = [a[0][0], a[1][1], a[2][2]];
        values.sort_by(|a, b| b.total_cmp(a));
        values
    }

    fn check(matrix: [f32; 6]) {
        let [a, b, c] = eigenvalues_3x3(Portable, matrix.map(|v| Portable.splat(v)));
        let expected = jacobi(matrix.map(f64::from));
        let norm = matrix.iter().fold(1e-37f32, |m, v| m.max(v.abs()));
        assert!(a[0] >= b[0] && b[0] >= c[0], "{matrix:?}");
        for (got, expect) in [a[0], b[0], c[0]].into_iter().zip(expected) {
            assert!((f64::from(got) - expect).abs() < 4e-6 * f64::from(norm), "{matrix:?}: {got}, {expect}");
        }
    }

    #[test]
    fn eigenvalues_of_3x3_are_close_for_any_matrix() {
        let mut state = 1u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        for scale in [1e-12f32, 1.0, 1e9] {
            for _ in 0..2000 {
                check(std::array::from_fn(|_| random() * scale));
                let [x, y, z] = [random(), random(), random()];
                check([x * x, y * y, z * z, x * y, x * z, y * z].map(|v| v * scale));
            }
        }
        for diagonal in [[0.0; 3], [1.0; 3], [2.0, 1.0, 1.0], [2.0, 2.0, 1.0], [-1.0, 0.0, 1.0]] {
            check([diagonal[0], diagonal[1], diagonal[2], 0.0, 0.0, 0.0]);
        }
    }
}
