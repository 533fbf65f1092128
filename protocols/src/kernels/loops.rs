//! Element-wise loops, written so that the compiler turns them into vector code of whatever instruction set
//! the caller enables: backends instantiate them inside functions with the features switched on.

/// An unsigned machine word that counts modulo a power of two.
pub(super) trait Word: bytemuck::Pod {
    /// Words in a cipher block.
    const PER_BLOCK: usize;
    const ZERO: Self;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    /// This word, read from a stream of little-endian bytes.
    fn of_stream(self) -> Self;
}

macro_rules! word {
    ($($ty:ty),*) => {$(
        impl Word for $ty {
            const PER_BLOCK: usize = 16 / size_of::<$ty>();
            const ZERO: Self = 0;
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline(always)]
            fn times(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn of_stream(self) -> Self {
                Self::from_le(self)
            }
        }
    )*};
}
// Words of 128 bits are added by the carry flag, which takes no longer than two 64-bit words do (0.35 ns where the data is in a
// cache); vectors whose carries come of comparisons save 0.04 to 0.15 ns of it, little beside the products and masks around it.
word!(u32, u64, u128);

#[inline(always)]
pub(super) fn add<W: Word>(acc: &mut [W], x: &[W]) {
    debug_assert_eq!(acc.len(), x.len());
    for (a, x) in acc.iter_mut().zip(x) {
        *a = a.plus(*x);
    }
}

#[inline(always)]
pub(super) fn sub<W: Word>(acc: &mut [W], x: &[W]) {
    debug_assert_eq!(acc.len(), x.len());
    for (a, x) in acc.iter_mut().zip(x) {
        *a = a.minus(*x);
    }
}

#[inline(always)]
pub(super) fn scale<W: Word>(acc: &mut [W], c: W) {
    for a in acc {
        *a = a.times(c);
    }
}

#[inline(always)]
pub(super) fn mul_add<W: Word>(acc: &mut [W], x: &[W], y: &[W]) {
    debug_assert!(acc.len() == x.len() && acc.len() == y.len());
    for ((a, x), y) in acc.iter_mut().zip(x).zip(y) {
        *a = a.plus(x.times(*y));
    }
}

#[inline(always)]
pub(super) fn cross<W: Word>(acc: &mut [W], xo: &[W], xn: &[W], yo: &[W], yn: &[W]) {
    debug_assert!(acc.len() == xo.len() && acc.len() == xn.len());
    debug_assert!(acc.len() == yo.len() && acc.len() == yn.len());
    for ((((a, xo), xn), yo), yn) in acc.iter_mut().zip(xo).zip(xn).zip(yo).zip(yn) {
        *a = a.plus(xo.times(yo.plus(*yn))).plus(xn.times(*yo));
    }
}

#[inline(always)]
pub(super) fn prefix_sum<W: Word>(xs: &mut [W]) {
    let mut sum = W::ZERO;
    for x in xs {
        sum = sum.plus(*x);
        *x = sum;
    }
}

#[inline(always)]
pub(super) fn gather<W: Word>(out: &mut [W], src: &[W], perm: &[u32]) {
    debug_assert_eq!(out.len(), perm.len());
    for (out, index) in out.iter_mut().zip(perm) {
        *out = src[*index as usize];
    }
}

#[inline(always)]
pub(super) fn xor(acc: &mut [u64], x: &[u64]) {
    debug_assert_eq!(acc.len(), x.len());
    for (a, x) in acc.iter_mut().zip(x) {
        *a ^= x;
    }
}

#[inline(always)]
pub(super) fn and(acc: &mut [u64], x: &[u64]) {
    debug_assert_eq!(acc.len(), x.len());
    for (a, x) in acc.iter_mut().zip(x) {
        *a &= x;
    }
}

#[inline(always)]
pub(super) fn cross_bits(acc: &mut [u64], xo: &[u64], xn: &[u64], yo: &[u64], yn: &[u64]) {
    debug_assert!(acc.len() == xo.len() && acc.len() == xn.len());
    debug_assert!(acc.len() == yo.len() && acc.len() == yn.len());
    for ((((a, xo), xn), yo), yn) in acc.iter_mut().zip(xo).zip(xn).zip(yo).zip(yn) {
        *a ^= (xo & (yo ^ yn)) ^ (xn & yo);
    }
}
