//! Constants of the curve and of ristretto255, in every lane. RFC 9496 §4.1, whose names stand in quotes.

use super::field::{Lanes, all};

/// Declares constants by their limbs of 51 bits.
macro_rules! constants {
    ($($(#[$doc:meta])* fn $name:ident = [$($limb:literal),*];)*) => {$(
        $(#[$doc])*
        #[inline]
        #[target_feature(enable = "avx512f")]
        pub(super) fn $name() -> Lanes {
            Lanes([$(all($limb)),*])
        }
    )*};
}
constants! {
    /// d = −121665 / 121666 of the curve.
    fn d = [
        0x0003_4dca_1359_78a3, 0x0001_a828_3b15_6ebd, 0x0005_e7a2_6001_c029, 0x0007_39c6_63a0_3cbb, 0x0005_2036_cee2_b6ff
    ];
    /// 2d.
    fn two_d = [
        0x0006_9b94_26b2_f159, 0x0003_5050_762a_dd7a, 0x0003_cf44_c003_8052, 0x0006_738c_c740_7977, 0x0002_406d_9dc5_6dff
    ];
    /// `SQRT_M1`: a root of −1.
    fn root_of_minus_one = [
        0x0006_1b27_4a0e_a0b0, 0xd5a5_fc8f_189d, 0x0007_ef5e_9cbd_0c60, 0x0007_8595_a680_4c9e, 0x0002_b832_4804_fc1d
    ];
    /// `SQRT_AD_MINUS_ONE`: a root of −d − 1.
    fn root_of_minus_d_minus_one = [
        0x0007_f6a0_497b_2e1b, 0x0001_836f_0a97_afd2, 0x0007_d747_f6be_7638, 0x0004_5607_9e7e_6498, 0x0003_7693_1bf2_b834
    ];
    /// `INVSQRT_A_MINUS_D`: the inverse of a root of −1 − d.
    fn inverse_root_of_minus_one_minus_d = [
        0xfdaa_805d_40ea, 0x0002_eb48_2e57_d339, 0x0761_0274_bc58, 0x0006_510b_613d_c8ff, 0x0007_86c8_905c_faff
    ];
    /// `ONE_MINUS_D_SQ`: 1 − d².
    fn one_minus_d_squared = [
        0x0004_09c1_945f_c176, 0x0007_19ab_c6a1_fc4f, 0x0001_c37f_90b2_0684, 0x6bcc_ca55_eedf, 0x2907_2a8b_2b3e
    ];
    /// `D_MINUS_ONE_SQ`: (d − 1)².
    fn d_minus_one_squared = [
        0x0005_5aaa_44ed_4d20, 0x0005_9603_c333_2635, 0x0002_6d3b_af4a_7928, 0x0001_20a6_6e69_97a9, 0x0005_968b_37af_66c2
    ];
}
