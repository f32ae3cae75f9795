//! Eight 32-bit floats at once, on two instruction paths: AVX2 with FMA where the CPU has them, portable
//! Rust elsewhere. Chosen at run time by [`InstructionSet::best`] or forced by a caller (tests).
//!
//! Every operation works lane by lane, so the result of a pixel does not depend on its lane. `unsafe` is
//! here for the intrinsics and for loads without bounds checks, of which the passes do two for each
//! multiply-add.
#![allow(unsafe_code)]

/// Lanes of a vector.
pub(super) const LANES: usize = 8;

/// Rounds a row length up to whole vectors.
pub(super) const fn whole_vectors(len: usize) -> usize {
    len.div_ceil(LANES) * LANES
}

/// Which instructions the filters use. Results of the two agree to rounding; results of one are the
/// same to the last bit on every machine.
#[derive(Clone, Copy, Debug)]
pub enum InstructionSet {
    /// Plain Rust without fused multiply-add.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2Fma(Avx2Fma),
}

impl InstructionSet {
    /// The fastest that this CPU has.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = Avx2Fma::detect() {
            return InstructionSet::Avx2Fma(lanes);
        }
        InstructionSet::Portable
    }
}

/// Runs a generic kernel, compiled for the instructions of `set`.
///
/// The kernel and all it calls must be `#[inline(always)]`, else they are compiled without the
/// instructions.
#[inline]
pub(super) fn dispatch<K: Kernel>(set: InstructionSet, kernel: K) {
    match set {
        InstructionSet::Portable => kernel.run(Portable),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an `Avx2Fma` exists only where the CPU was seen to have AVX2 and FMA.
        InstructionSet::Avx2Fma(lanes) => unsafe { run_avx2_fma(lanes, kernel) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2_fma<K: Kernel>(lanes: Avx2Fma, kernel: K) {
    kernel.run(lanes);
}

/// Work that is compiled once for each instruction set.
pub(super) trait Kernel {
    /// Does the work with `lanes`; must be `#[inline(always)]`.
    fn run<L: Lanes>(self, lanes: L);
}

/// Operations on eight floats.
pub(super) trait Lanes: Copy {
    /// Eight floats.
    type V: Copy;
    /// Eight times `x`.
    fn splat(self, x: f32) -> Self::V;
    /// Reads eight floats.
    fn load(self, from: &[f32; LANES]) -> Self::V;
    /// Writes eight floats.
    fn store(self, v: Self::V, to: &mut [f32; LANES]);
    /// `a + b`.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b`.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`.
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, fused where the instructions have it.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Square root.
    fn sqrt(self, a: Self::V) -> Self::V;
    /// The smaller one; `b` where either is NaN.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// The larger one; `b` where either is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a` where `test > 0`, else `b`.
    fn where_positive(self, test: Self::V, a: Self::V, b: Self::V) -> Self::V;

    /// Reads `from[at..at + 8]`.
    ///
    /// # Safety
    /// `at + 8 <= from.len()`.
    #[inline(always)]
    unsafe fn load_at(self, from: &[f32], at: usize) -> Self::V {
        debug_assert!(at + LANES <= from.len());
        // SAFETY: the caller keeps the eight floats inside the slice.
        self.load(unsafe { &*from.as_ptr().add(at).cast() })
    }

    /// Writes `to[at..at + 8]`.
    ///
    /// # Safety
    /// `at + 8 <= to.len()`.
    #[inline(always)]
    unsafe fn store_at(self, v: Self::V, to: &mut [f32], at: usize) {
        debug_assert!(at + LANES <= to.len());
        // SAFETY: the caller keeps the eight floats inside the slice.
        self.store(v, unsafe { &mut *to.as_mut_ptr().add(at).cast() });
    }
}

/// Plain Rust.
#[derive(Clone, Copy, Debug)]
pub(super) struct Portable;

#[inline(always)]
fn zip(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Lanes for Portable {
    type V = [f32; LANES];

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        [x; LANES]
    }
    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::V {
        *from
    }
    #[inline(always)]
    fn store(self, v: Self::V, to: &mut [f32; LANES]) {
        *to = v;
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn sqrt(self, a: Self::V) -> Self::V {
        a.map(f32::sqrt)
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn where_positive(self, test: Self::V, a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| if test[i] > 0.0 { a[i] } else { b[i] })
    }
}

/// Proof that the CPU has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub struct Avx2Fma(());

#[cfg(target_arch = "x86_64")]
impl Avx2Fma {
    /// `Some` where the CPU has both.
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2Fma(()))
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2_fma {
    use std::arch::x86_64::*;

    use super::{Avx2Fma, LANES, Lanes};

    /// Calls an intrinsic.
    macro_rules! intrinsic {
        ($call:expr) => {
            // SAFETY: an `Avx2Fma` exists only where the CPU was seen to have AVX2 and FMA; loads and
            // stores go through references to eight floats.
            unsafe { $call }
        };
    }

    impl Lanes for Avx2Fma {
        type V = __m256;

        #[inline(always)]
        fn splat(self, x: f32) -> __m256 {
            intrinsic!(_mm256_set1_ps(x))
        }
        #[inline(always)]
        fn load(self, from: &[f32; LANES]) -> __m256 {
            intrinsic!(_mm256_loadu_ps(from.as_ptr()))
        }
        #[inline(always)]
        fn store(self, v: __m256, to: &mut [f32; LANES]) {
            intrinsic!(_mm256_storeu_ps(to.as_mut_ptr(), v))
        }
        #[inline(always)]
        fn add(self, a: __m256, b: __m256) -> __m256 {
            intrinsic!(_mm256_add_ps(a, b))
        }
        #[inline(always)]
        fn sub(self, a: __m256, b: __m256) -> __m256 {
            intrinsic!(_mm256_sub_ps(a, b))
        }
        #[inline(always)]
        fn mul(self, a: __m256, b: __m256) -> __m256 {
            intrinsic!(_mm256_mul_ps(a, b))
        }
        #[inline(always)]
        fn div(self, a: __m256, b: __m256) -> __m256 {
            intrinsic!(_mm256_div_ps(a, b))
        }
        #[inline(always)]
        fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
            intrinsic!(_mm256_fmadd_ps(a, b, c))
        }
        #[inline(always)]
        fn sqrt(self, a: __m256) -> __m256 {
            intrinsic!(_mm256_sqrt_ps(a))
        }
        #[inline(always)]
        fn min(self, a: __m256, b: __m256) -> __m256 {
            intrinsic!(_mm256_min_ps(a, b))
        }
        #[inline(always)]
        fn max(self, a: __m256, b: __m256) -> __m256 {
            intrinsic!(_mm256_max_ps(a, b))
        }
        #[inline(always)]
        fn where_positive(self, test: __m256, a: __m256, b: __m256) -> __m256 {
            intrinsic!(_mm256_blendv_ps(b, a, _mm256_cmp_ps::<_CMP_GT_OQ>(test, _mm256_setzero_ps())))
        }
    }
}
