//! AVX-512, GFNI and VAES: the portable loops compiled for 512-bit registers; what shuffles bits or bytes by hand.
#![expect(unsafe_code, reason = "calls into functions that need a detected processor feature")]

use super::{backend::Backend, instantiate::instantiate, loops, planes, portable};

static AVX512: Backend = Backend {
    name: "avx512",
    add_u64,
    sub_u64,
    scale_u64,
    mul_add_u64,
    cross_u64,
    add_u32,
    sub_u32,
    scale_u32,
    mul_add_u32,
    cross_u32,
    xor,
    and,
    cross_bits,
    to_planes,
    from_planes,
    ..portable::KERNELS
};

/// The backend, if this processor has all that it uses (Ice Lake, Zen 4 and later).
pub(super) fn backend() -> Option<&'static Backend> {
    let detected = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("gfni")
        && is_x86_feature_detected!("vaes");
    detected.then_some(&AVX512)
}

instantiate! { "avx512f,avx512bw,avx512dq,avx512vl":
    fn add_u64(acc: &mut [u64], x: &[u64]) = loops::add;
    fn sub_u64(acc: &mut [u64], x: &[u64]) = loops::sub;
    fn scale_u64(acc: &mut [u64], c: u64) = loops::scale;
    fn mul_add_u64(acc: &mut [u64], x: &[u64], y: &[u64]) = loops::mul_add;
    fn cross_u64(acc: &mut [u64], xo: &[u64], xn: &[u64], yo: &[u64], yn: &[u64]) = loops::cross;
    fn add_u32(acc: &mut [u32], x: &[u32]) = loops::add;
    fn sub_u32(acc: &mut [u32], x: &[u32]) = loops::sub;
    fn scale_u32(acc: &mut [u32], c: u32) = loops::scale;
    fn mul_add_u32(acc: &mut [u32], x: &[u32], y: &[u32]) = loops::mul_add;
    fn cross_u32(acc: &mut [u32], xo: &[u32], xn: &[u32], yo: &[u32], yn: &[u32]) = loops::cross;
    fn xor(acc: &mut [u64], x: &[u64]) = loops::xor;
    fn and(acc: &mut [u64], x: &[u64]) = loops::and;
    fn cross_bits(acc: &mut [u64], xo: &[u64], xn: &[u64], yo: &[u64], yn: &[u64]) = loops::cross_bits;
    fn to_planes(rows: &[u64], width: usize, out: &mut [u64]) = planes::to_planes;
    fn from_planes(planes: &[u64], width: usize, rows: &mut [u64]) = planes::from_planes;
}
