//! The portable loops with the accumulator's stores on cache-line boundaries.
//!
//! A register is a cache line here, so that off a boundary every access touches two. Buffers of one origin lie
//! alike within a line: aligning the accumulator aligns the others too, or most of them. What lies before the
//! boundary goes first, by itself.

use crate::kernels::loops::{self, Word};

macro_rules! aligned {
    ($(fn $name:ident<$word:ty $(, $w:ident)?>(acc, $($x:ident),*);)*) => {$(
        #[inline(always)]
        pub(super) fn $name $(<$w: Word>)? (acc: &mut [$word], $($x: &[$word]),*) {
            let head = acc.as_ptr().align_offset(64).min(acc.len());
            let (first, acc) = acc.split_at_mut(head);
            loops::$name(first, $(&$x[..head]),*);
            loops::$name(acc, $(&$x[head..]),*);
        }
    )*};
}
aligned! {
    fn add<W, W>(acc, x);
    fn sub<W, W>(acc, x);
    fn mul_add<W, W>(acc, x, y);
    fn cross<W, W>(acc, xo, xn, yo, yn);
    fn xor<u64>(acc, x);
    fn and<u64>(acc, x);
    fn cross_bits<u64>(acc, xo, xn, yo, yn);
}
