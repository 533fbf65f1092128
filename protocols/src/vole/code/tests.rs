use super::*;
use crate::kernels::gf128_mul;

/// `G·e` for a message of `K` and noise `e` of `2K` words.
fn encode(noise: &[u128]) -> Vec<u128> {
    let (top, d) = noise.split_at(noise.len() / 2);
    let (mut out, mut d) = (top.to_vec(), d.to_vec());
    let code = Code::new();
    code.convolve(&mut d);
    code.expand(&mut out, &d);
    out
}

#[test]
fn the_code_is_linear_over_the_field() {
    let vector = |salt: u128| -> Vec<u128> {
        (0..2048).map(|i| gf128_mul(i + 2 + salt, u128::MAX - 977 * i)).collect()
    };
    let (x, y, factor) = (vector(1), vector(1 << 90), 0x1234_5678_9abc_def0_5555_aaaa_0f0f_f0f0);
    let sum: Vec<u128> = x.iter().zip(&y).map(|(x, y)| gf128_mul(*x, factor) ^ y).collect();
    let want: Vec<u128> =
        encode(&x).iter().zip(encode(&y)).map(|(x, y)| gf128_mul(*x, factor) ^ y).collect();
    assert_eq!(encode(&sum), want);
}
