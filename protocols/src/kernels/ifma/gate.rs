//! The way in: here the processor is asked.

use crate::kernels::x25519;

fn detected() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512ifma")
}

pub(in crate::kernels) fn montgomery_ladder(scalar: &[u8; 32], points: &mut [[u8; 32]]) {
    if detected() {
        // SAFETY: the processor has the features that the function is compiled for.
        unsafe { super::ladder::ladder(scalar, points) }
    } else {
        x25519::ladder(scalar, points);
    }
}

pub(in crate::kernels) fn elligator2(elements: &mut [[u8; 32]]) {
    if detected() {
        // SAFETY: the processor has the features that the function is compiled for.
        unsafe { super::elligator::map(elements) }
    } else {
        x25519::map(elements);
    }
}
