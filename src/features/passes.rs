//! The separable passes: weighted sums of taps on both sides of a row, along any axis.
//!
//! A pass sees taps only as offsets into one slice, so that the same code filters along x (neighbours),
//! y (rows) and z (planes). It knows no images and no borders; rows are whole vectors, and what is
//! computed beyond a row's end is never looked at. `unsafe` is here for loads without bounds checks; each
//! pass first asserts the range that it reads and writes.
#![allow(unsafe_code)]
// Indices, not iterators: see `combine_lanes` on closures and inlining.
#![allow(clippy::needless_range_loop)]

use super::kernel::{MAX_TAPS_RADIUS, Taps};
use super::simd::{InstructionSet, Kernel, LANES, Lanes, dispatch};

/// Most taps of a filter kernel.
const MAX_TAPS: usize = 2 * MAX_TAPS_RADIUS + 1;

/// Rows of a pass: `count` rows of `len` floats, `step` apart in the input and `out_step` in the output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    pub(super) count: usize,
    pub(super) len: usize,
    pub(super) step: usize,
    pub(super) out_step: usize,
}

/// Filters with the kernels of the orders in `ORDERS` (bit `k` is order `k`), one output for each order.
///
/// `taps.radius * 2 + 1` entries of `offsets` give where in `src` the first row's taps start, from the
/// most negative one on. `outs` has an entry for each order; those of other orders are not touched.
pub(super) fn derive<const ORDERS: u8>(
    set: InstructionSet,
    taps: &Taps,
    src: &[f32],
    offsets: &[usize],
    rows: Rows,
    outs: [&mut [f32]; 3],
) {
    let offsets = std::array::from_fn(|k| offsets.get(k).copied().unwrap_or(0));
    match taps.radius {
        0 => dispatch(set, Derive::<ORDERS, 0> { taps, src, offsets, rows, outs }),
        1 => dispatch(set, Derive::<ORDERS, 1> { taps, src, offsets, rows, outs }),
        _ => dispatch(set, Derive::<ORDERS, 2> { taps, src, offsets, rows, outs }),
    }
}

struct Derive<'a, const ORDERS: u8, const R: usize> {
    taps: &'a Taps,
    src: &'a [f32],
    offsets: [usize; MAX_TAPS],
    rows: Rows,
    outs: [&'a mut [f32]; 3],
}

impl<const ORDERS: u8, const R: usize> Kernel for Derive<'_, ORDERS, R> {
    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let Derive { taps, src, offsets, rows, outs: [out0, out1, out2] } = self;
        if rows.count == 0 {
            return;
        }
        assert!(rows.len.is_multiple_of(LANES));
        let reach = (rows.count - 1) * rows.step + rows.len;
        assert!(offsets[..=2 * R].iter().all(|offset| offset + reach <= src.len()));
        let out_reach = (rows.count - 1) * rows.out_step + rows.len;
        assert!(ORDERS & 1 == 0 || out_reach <= out0.len());
        assert!(ORDERS & 2 == 0 || out_reach <= out1.len());
        assert!(ORDERS & 4 == 0 || out_reach <= out2.len());
        let mut c = [[l.splat(0.0); MAX_TAPS_RADIUS + 1]; 3];
        for order in 0..3 {
            for k in 0..=R {
                c[order][k] = l.splat(taps.coefficients[order][k]);
            }
        }
        for row in 0..rows.count {
            let (first, out) = (row * rows.step, row * rows.out_step);
            let mut at = 0;
            while at < rows.len {
                // SAFETY: at + LANES <= rows.len as that is whole vectors, and the whole of `rows` lies
                // inside `src` from each offset, and inside each output, as asserted above.
                unsafe {
                    let centre = l.load_at(src, offsets[R] + first + at);
                    let (mut even0, mut even2, mut odd) = (centre, centre, centre);
                    if R > 0 {
                        even0 = l.mul(centre, c[0][0]);
                        even2 = l.mul(centre, c[2][0]);
                    }
                    let mut k = 1;
                    while k <= R {
                        let before = l.load_at(src, offsets[R - k] + first + at);
                        let after = l.load_at(src, offsets[R + k] + first + at);
                        let (sum, difference) = (l.add(before, after), l.sub(after, before));
                        even0 = l.mul_add(sum, c[0][k], even0);
                        even2 = l.mul_add(sum, c[2][k], even2);
                        odd = if k == 1 {
                            l.mul(difference, c[1][k])
                        } else {
                            l.mul_add(difference, c[1][k], odd)
                        };
                        k += 1;
                    }
                    if ORDERS & 1 != 0 {
                        l.store_at(even0, out0, out + at);
                    }
                    if ORDERS & 2 != 0 {
                        l.store_at(odd, out1, out + at);
                    }
                    if ORDERS & 4 != 0 {
                        l.store_at(even2, out2, out + at);
                    }
                }
                at += LANES;
            }
        }
    }
}

/// Smooths rows with a symmetric kernel of any length.
///
/// `half` holds the coefficient of the centre, then outwards; the taps of the first row are at
/// `centre - k * tap_step` and `centre + k * tap_step` in `src`.
pub(super) fn smooth(
    set: InstructionSet,
    half: &[f32],
    src: &[f32],
    centre: usize,
    tap_step: usize,
    rows: Rows,
    out: &mut [f32],
) {
    dispatch(set, Smooth { half, src, centre, tap_step, rows, out });
}

struct Smooth<'a> {
    half: &'a [f32],
    src: &'a [f32],
    centre: usize,
    tap_step: usize,
    rows: Rows,
    out: &'a mut [f32],
}

impl Kernel for Smooth<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let Smooth { half, src, centre, tap_step, rows, out } = self;
        if rows.count == 0 {
            return;
        }
        let radius = half.len() - 1;
        assert!(rows.len.is_multiple_of(LANES));
        assert!(radius * tap_step <= centre);
        assert!(centre + radius * tap_step + (rows.count - 1) * rows.step + rows.len <= src.len());
        assert!((rows.count - 1) * rows.out_step + rows.len <= out.len());
        let mut row = 0;
        // Rows that are taps of each other share loads, two at a time.
        while rows.step == tap_step && row + 2 <= rows.count {
            let (from, to) = (centre + row * rows.step, row * rows.out_step);
            let mut at = 0;
            // SAFETY: as below, for both rows.
            unsafe {
                while at + 2 * LANES <= rows.len {
                    smooth_pair::<L, 2>(l, half, src, from + at, tap_step, out, to + at, rows.out_step);
                    at += 2 * LANES;
                }
                while at < rows.len {
                    smooth_pair::<L, 1>(l, half, src, from + at, tap_step, out, to + at, rows.out_step);
                    at += LANES;
                }
            }
            row += 2;
        }
        while row < rows.count {
            let (from, to) = (centre + row * rows.step, row * rows.out_step);
            let mut at = 0;
            // SAFETY: each block ends within rows.len, and the whole of `rows` lies inside `src` for all
            // taps, and inside `out`, as asserted above.
            unsafe {
                while at + 4 * LANES <= rows.len {
                    smooth_vectors::<L, 4>(l, half, src, from + at, tap_step, out, to + at);
                    at += 4 * LANES;
                }
                while at < rows.len {
                    smooth_vectors::<L, 1>(l, half, src, from + at, tap_step, out, to + at);
                    at += LANES;
                }
            }
            row += 1;
        }
    }
}

/// Smooths `N` neighbouring vectors of two rows, `tap_step` apart: what is above one is above or below
/// the other at the next tap, so that two loads serve both. The order of operations is that of
/// [`smooth_vectors`].
///
/// # Safety
/// The vectors at `from` and `from + tap_step` lie inside `src` for all taps, those at `to` and
/// `to + out_step` inside `out`.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn smooth_pair<L: Lanes, const N: usize>(
    l: L,
    half: &[f32],
    src: &[f32],
    from: usize,
    tap_step: usize,
    out: &mut [f32],
    to: usize,
    out_step: usize,
) {
    // SAFETY: as the caller promised.
    unsafe {
        let zero = l.splat(0.0);
        let (mut below, mut above, mut first, mut second) = ([zero; N], [zero; N], [zero; N], [zero; N]);
        let centre = l.splat(half[0]);
        for i in 0..N {
            below[i] = l.load_at(src, from + i * LANES);
            above[i] = l.load_at(src, from + tap_step + i * LANES);
            first[i] = l.mul(below[i], centre);
            second[i] = l.mul(above[i], centre);
        }
        let (mut low, mut high) = (from, from + tap_step);
        for &c in &half[1..] {
            let c = l.splat(c);
            low -= tap_step;
            high += tap_step;
            for i in 0..N {
                let next_below = l.load_at(src, low + i * LANES);
                let next_above = l.load_at(src, high + i * LANES);
                first[i] = l.mul_add(l.add(next_below, above[i]), c, first[i]);
                second[i] = l.mul_add(l.add(below[i], next_above), c, second[i]);
                below[i] = next_below;
                above[i] = next_above;
            }
        }
        for i in 0..N {
            l.store_at(first[i], out, to + i * LANES);
            l.store_at(second[i], out, to + out_step + i * LANES);
        }
    }
}

/// Smooths `N` neighbouring vectors.
///
/// # Safety
/// The vectors at `from` lie inside `src` for all taps, those at `to` inside `out`.
#[inline(always)]
unsafe fn smooth_vectors<L: Lanes, const N: usize>(
    l: L,
    half: &[f32],
    src: &[f32],
    from: usize,
    tap_step: usize,
    out: &mut [f32],
    to: usize,
) {
    // SAFETY: as the caller promised.
    unsafe {
        let mut sums = [l.splat(half[0]); N];
        for i in 0..N {
            sums[i] = l.mul(l.load_at(src, from + i * LANES), sums[i]);
        }
        let (mut before, mut after) = (from, from);
        for &c in &half[1..] {
            let c = l.splat(c);
            before -= tap_step;
            after += tap_step;
            for i in 0..N {
                let pair = l.add(l.load_at(src, before + i * LANES), l.load_at(src, after + i * LANES));
                sums[i] = l.mul_add(pair, c, sums[i]);
            }
        }
        for i in 0..N {
            l.store_at(sums[i], out, to + i * LANES);
        }
    }
}

/// Multiplies `a` and `b` element by element; all three have the same length, of whole vectors.
pub(super) fn product(set: InstructionSet, a: &[f32], b: &[f32], out: &mut [f32]) {
    dispatch(set, Product { a, b, out });
}

struct Product<'a> {
    a: &'a [f32],
    b: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Product<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let vectors = self.a.as_chunks().0.iter().zip(self.b.as_chunks().0);
        for (out, (a, b)) in self.out.as_chunks_mut().0.iter_mut().zip(vectors) {
            l.store(l.mul(l.load(a), l.load(b)), out);
        }
    }
}
