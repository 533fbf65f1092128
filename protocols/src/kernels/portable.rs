//! Every kernel for every processor.

use super::{backend::Backend, gemm, keystream, loops, planes};

/// The meaning of every kernel, without a processor feature that was not there at build time. (The `aes` crate
/// beneath the keystreams looks for AES instructions itself.)
pub static PORTABLE: Backend = KERNELS;

/// The table as a constant, so that other backends can start from it.
pub(super) const KERNELS: Backend = Backend {
    name: "portable",
    add_u64: loops::add,
    sub_u64: loops::sub,
    scale_u64: loops::scale,
    mul_add_u64: loops::mul_add,
    cross_u64: loops::cross,
    prefix_sum_u64: loops::prefix_sum,
    gather_u64: loops::gather,
    add_u32: loops::add,
    sub_u32: loops::sub,
    scale_u32: loops::scale,
    mul_add_u32: loops::mul_add,
    cross_u32: loops::cross,
    prefix_sum_u32: loops::prefix_sum,
    gather_u32: loops::gather,
    add_u128: loops::add,
    sub_u128: loops::sub,
    scale_u128: loops::scale,
    mul_add_u128: loops::mul_add,
    cross_u128: loops::cross,
    prefix_sum_u128: loops::prefix_sum,
    gather_u128: loops::gather,
    gemm_u32: gemm::plain,
    gemm_u64: gemm::plain,
    gemm_u128: gemm::plain,
    xor: loops::xor,
    and: loops::and,
    cross_bits: loops::cross_bits,
    to_planes: planes::to_planes,
    from_planes: planes::from_planes,
    to_planes_u32: planes::to_planes,
    from_planes_u32: planes::from_planes,
    to_planes_u128: planes::to_planes,
    from_planes_u128: planes::from_planes,
    expand_u64: planes::expand,
    expand_u32: planes::expand,
    expand_u128: planes::expand,
    fill_u64: keystream::fill,
    fill_u32: keystream::fill,
    fill_u128: keystream::fill,
    fill_sub_u64: keystream::fill_sub,
    fill_sub_u32: keystream::fill_sub,
    fill_sub_u128: keystream::fill_sub,
    fill_xor: keystream::fill_xor,
    add_fill_sub_u64: keystream::add_fill_sub,
    add_fill_sub_u32: keystream::add_fill_sub,
    add_fill_sub_u128: keystream::add_fill_sub,
    xor_fill_xor: keystream::xor_fill_xor,
};
