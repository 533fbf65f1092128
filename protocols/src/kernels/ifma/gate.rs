//! The way in: here the processor is asked.

use crate::kernels::{
    ristretto::{self, FixedBase},
    x25519,
};

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

pub(in crate::kernels) fn ristretto_from_uniform(uniform: &[[u8; 64]], out: &mut [[u8; 32]]) {
    if detected() {
        // SAFETY: the processor has the features that the function is compiled for.
        unsafe { super::group::from_uniform(uniform, out) }
    } else {
        ristretto::from_uniform(uniform, out);
    }
}

pub(in crate::kernels) fn ristretto_multiply(scalars: &[[u8; 32]], points: &mut [[u8; 32]]) {
    if detected() {
        // SAFETY: the processor has the features that the function is compiled for.
        unsafe { super::group::multiply(scalars, points) }
    } else {
        ristretto::multiply(scalars, points);
    }
}

pub(in crate::kernels) fn ristretto_weigh(
    scalars: &[[u8; 32]],
    points: &[[u8; 32]],
    sum: &mut Option<[u8; 32]>,
) {
    if detected() {
        // SAFETY: the processor has the features that the function is compiled for.
        unsafe { super::group::weigh(scalars, points, sum) }
    } else {
        ristretto::weigh(scalars, points, sum);
    }
}

pub(in crate::kernels) fn ristretto_raise(scalar: &[u8; 32], points: &mut [[u8; 32]]) {
    if detected() {
        // SAFETY: the processor has the features that the function is compiled for.
        unsafe { super::group::raise(scalar, points) }
    } else {
        ristretto::raise(scalar, points);
    }
}

pub(in crate::kernels) fn ristretto_raise_map(scalar: &[u8; 32], points: &mut [[u8; 32]]) {
    if detected() {
        // SAFETY: the processor has the features that the function is compiled for.
        unsafe { super::group::raise_map(scalar, points) }
    } else {
        ristretto::raise_map(scalar, points);
    }
}

pub(in crate::kernels) fn ristretto_add(
    base: &FixedBase,
    scalars: &[[u8; 32]],
    points: &mut [[u8; 32]],
) {
    if detected() {
        // SAFETY: the processor has the features that the functions are compiled for.
        unsafe {
            let table = base.lanes(|encoding| super::fixed_base::Table::new(encoding));
            super::group::add(table, scalars, points);
        }
    } else {
        ristretto::add(base, scalars, points);
    }
}

pub(in crate::kernels) fn ristretto_add_to_map(
    base: &FixedBase,
    scalars: &[[u8; 32]],
    points: &mut [[u8; 32]],
) {
    if detected() {
        // SAFETY: the processor has the features that the functions are compiled for.
        unsafe {
            let table = base.lanes(|encoding| super::fixed_base::Table::new(encoding));
            super::group::add_to_map(table, scalars, points);
        }
    } else {
        ristretto::add_to_map(base, scalars, points);
    }
}
