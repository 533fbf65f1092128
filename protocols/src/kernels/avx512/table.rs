//! The table of this backend.

use super::{
    aligned, exconv, expand, gather, gemm, gf128, hash, keystream, lanes, places, planes, prefix,
    ternary,
};
use crate::kernels::{
    aes::AesKey,
    avx2,
    backend::Backend,
    digits,
    exconv::CONVOLUTION_STATE,
    field::{GF80, GF128},
    fixed_point, ifma,
    instantiate::instantiate,
    keyed_hash as hashes, lanes as portable_lanes, loops,
    matrix::Matrix,
    places::{self as portable_places, Places, WidePlaces},
    portable,
};

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
    gemm_u64,
    gemm_u32,
    xor,
    and,
    cross_bits,
    gather_u64,
    gather_u32,
    prefix_sum_u64,
    fixed_point,
    dithered,
    largest_magnitude,
    ternary_products,
    prefix_sum_u32,
    pack_u32,
    unpack_u32,
    unit_minus_u32,
    swap_where_u32,
    put_bit,
    to_planes,
    from_planes,
    to_planes_u32,
    from_planes_u32,
    to_planes_u128,
    from_planes_u128,
    expand_u64,
    expand_u32,
    digit_lanes,
    digit_sums,
    gf128_scale_add,
    gf128_mul_add,
    gf128_inner,
    gf80_scale_add,
    gf80_mul_add,
    convolve,
    gf80_convolve,
    expand_sums,
    fill_u64,
    fill_u32,
    fill_u128,
    fill_sub_u64,
    fill_sub_u32,
    fill_xor,
    add_fill_sub_u64,
    add_fill_sub_u32,
    fill_sub_u128,
    add_fill_sub_u128,
    xor_fill_xor,
    hash_blocks,
    keyed_hash,
    montgomery_ladder: ifma::montgomery_ladder,
    elligator2: ifma::elligator2,
    ristretto_from_uniform: ifma::ristretto_from_uniform,
    ristretto_multiply: ifma::ristretto_multiply,
    ristretto_weigh: ifma::ristretto_weigh,
    ristretto_raise: ifma::ristretto_raise,
    ristretto_raise_map: ifma::ristretto_raise_map,
    ristretto_add: ifma::ristretto_add,
    ristretto_add_to_map: ifma::ristretto_add_to_map,
    places,
    gather_three,
    substitute,
    places_u32,
    gather_three_u32,
    substitute_u32,
    ..portable::KERNELS
};

/// The backend, if this processor has all that it uses (Ice Lake, Zen 4 and later).
pub(in crate::kernels) fn backend() -> Option<&'static Backend> {
    let detected = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("gfni")
        && is_x86_feature_detected!("vaes")
        && is_x86_feature_detected!("vpclmulqdq")
        && is_x86_feature_detected!("bmi2");
    detected.then_some(&AVX512)
}

instantiate! { "avx512f":
    fn keyed_hash(key: &[u8; 32], blocks: &[[u8; 64]], lengths: &[u8], out: &mut [[u8; 32]]) = hashes::side_by_side::<16>;
}

instantiate! { "avx512f,avx512bw,avx512dq,avx512vl":
    fn digit_lanes(planes: &[u64], bits: usize, lanes: &mut [u64]) = digits::lanes;
    fn digit_sums(planes: &[u64], bits: usize, lanes: &[u64], constant: bool, out: [&mut [u64]; 2]) = digits::sums;
    fn add_u64(acc: &mut [u64], x: &[u64]) = aligned::add;
    fn sub_u64(acc: &mut [u64], x: &[u64]) = aligned::sub;
    fn scale_u64(acc: &mut [u64], c: u64) = loops::scale;
    fn mul_add_u64(acc: &mut [u64], x: &[u64], y: &[u64]) = aligned::mul_add;
    fn cross_u64(acc: &mut [u64], xo: &[u64], xn: &[u64], yo: &[u64], yn: &[u64]) = aligned::cross;
    fn add_u32(acc: &mut [u32], x: &[u32]) = aligned::add;
    fn sub_u32(acc: &mut [u32], x: &[u32]) = aligned::sub;
    fn scale_u32(acc: &mut [u32], c: u32) = loops::scale;
    fn mul_add_u32(acc: &mut [u32], x: &[u32], y: &[u32]) = aligned::mul_add;
    fn cross_u32(acc: &mut [u32], xo: &[u32], xn: &[u32], yo: &[u32], yn: &[u32]) = aligned::cross;
    fn unit_minus_u32(acc: &mut [u32], digits: &[u8], digit: u8) = portable_lanes::unit_minus;
    fn swap_where_u32(a: &mut [u32], b: &mut [u32], digits: &[u8], bit: u32) = portable_lanes::swap_where;
    fn put_bit(acc: &mut [u8], plane: &[u64], at: u32) = portable_lanes::put_bit;
    fn xor(acc: &mut [u64], x: &[u64]) = aligned::xor;
    fn and(acc: &mut [u64], x: &[u64]) = aligned::and;
    fn cross_bits(acc: &mut [u64], xo: &[u64], xn: &[u64], yo: &[u64], yn: &[u64]) = aligned::cross_bits;
    fn fixed_point(x: &[f32], scale: f64, weight: u64, out: &mut [u64]) = fixed_point::weighted;
    fn dithered(x: &[f32], scale: f32, weight: u32, words: &mut [u32]) = fixed_point::dithered;
    fn largest_magnitude(x: &[f32], largest: &mut u32) = fixed_point::largest_magnitude;
    fn ternary_products(signs: &[u64], x: [&[u64]; 2], sums: [&mut [u64]; 2]) = ternary::products;
    fn prefix_sum_u64(xs: &mut [u64]) = prefix::sum_u64;
    fn prefix_sum_u32(xs: &mut [u32]) = prefix::sum_u32;
    fn gemm_u64(acc: &mut [u64], a: Matrix<'_, u64>, b: Matrix<'_, u64>) = gemm::gemm_u64;
    fn gemm_u32(acc: &mut [u32], a: Matrix<'_, u32>, b: Matrix<'_, u32>) = gemm::gemm_u32;
}

instantiate! { "avx512f,avx512bw,avx512vbmi,gfni":
    fn to_planes(rows: &[u64], width: usize, out: &mut [u64]) = planes::to_planes;
    fn from_planes(planes: &[u64], width: usize, rows: &mut [u64]) = planes::from_planes;
    fn to_planes_u32(rows: &[u32], width: usize, out: &mut [u64]) = planes::to_planes_u32;
    fn from_planes_u32(planes: &[u64], width: usize, rows: &mut [u32]) = planes::from_planes_u32;
    fn to_planes_u128(rows: &[u128], width: usize, out: &mut [u64]) = planes::to_planes_u128;
    fn from_planes_u128(planes: &[u64], width: usize, rows: &mut [u128]) = planes::from_planes_u128;
    fn expand_u64(plane: &[u64], out: &mut [u64]) = expand::expand_u64;
    fn expand_u32(plane: &[u64], out: &mut [u32]) = expand::expand_u32;
}

instantiate! { "avx512f,avx512bw,avx512vl,avx512vbmi":
    fn pack_u32(out: &mut [u8], values: &[u32], bytes: usize) = lanes::pack;
    fn unpack_u32(values: &mut [u32], packed: &[u8], bytes: usize) = lanes::unpack;
}

instantiate! { "avx512f,vaes":
    fn hash_blocks(key: &AesKey, x: &mut [u128]) = hash::blocks;
    fn fill_u64(key: &AesKey, path: u64, block: u64, out: &mut [u64]) = keystream::fill_u64;
    fn fill_u32(key: &AesKey, path: u64, block: u64, out: &mut [u32]) = keystream::fill_u32;
    fn fill_u128(key: &AesKey, path: u64, block: u64, out: &mut [u128]) = keystream::fill_u128;
    fn fill_sub_u64(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [u64]) = keystream::fill_sub_u64;
    fn fill_sub_u32(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [u32]) = keystream::fill_sub_u32;
    fn fill_xor(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [u64]) = keystream::fill_xor;
    fn add_fill_sub_u64(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [u64]) = keystream::add_fill_sub_u64;
    fn add_fill_sub_u32(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [u32]) = keystream::add_fill_sub_u32;
    fn xor_fill_xor(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [u64]) = keystream::xor_fill_xor;
    fn fill_sub_u128(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [u128]) = keystream::fill_sub_u128;
    fn add_fill_sub_u128(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [u128]) = keystream::add_fill_sub_u128;
}

instantiate! { "avx512f,avx512vl":
    fn places(hashes: &[u128], columns: u32, out: &mut [Places]) = places::places;
    fn gather_three(out: &mut [u128], vector: &[u128], places: &[Places]) = avx2::gather_three;
    fn substitute(vector: &mut [u128], order: &[Places], values: &[u128]) = avx2::substitute;
    fn places_u32(hashes: &[u128], columns: u32, out: &mut [WidePlaces]) = portable_places::places;
    fn gather_three_u32(out: &mut [u128], vector: &[u128], places: &[WidePlaces]) = avx2::gather_three;
    fn substitute_u32(vector: &mut [u128], order: &[WidePlaces], values: &[u128]) = avx2::substitute;
    fn gather_u64(out: &mut [u64], src: &[u64], perm: &[u32]) = gather::gather_u64;
    fn gather_u32(out: &mut [u32], src: &[u32], perm: &[u32]) = gather::gather_u32;
}

instantiate! { "avx512f,avx512bw,vpclmulqdq":
    fn gf128_scale_add(acc: &mut [u128], x: &[u128], c: u128) = gf128::scale_add::<GF128>;
    fn gf128_mul_add(acc: &mut [u128], x: &[u128], y: &[u128]) = gf128::mul_add::<GF128>;
    fn gf80_scale_add(acc: &mut [u128], x: &[u128], c: u128) = gf128::scale_add::<GF80>;
    fn gf80_mul_add(acc: &mut [u128], x: &[u128], y: &[u128]) = gf128::mul_add::<GF80>;
    fn gf128_inner(sum: &mut u128, x: &[u128], y: &[u128]) = gf128::inner;
}

instantiate! { "avx512f,avx512bw,vpclmulqdq,bmi2":
    fn convolve(x: &mut [u128], state: &mut [u128; CONVOLUTION_STATE], taps: &[u128]) = exconv::convolve::<GF128>;
    fn gf80_convolve(x: &mut [u128], state: &mut [u128; CONVOLUTION_STATE], taps: &[u128]) = exconv::convolve::<GF80>;
}

instantiate! { "avx2":
    fn expand_sums(out: &mut [u128], d: &[u128], places: &[u16]) = avx2::expand_sums;
}
