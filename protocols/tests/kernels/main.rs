//! Every backend that this processor offers against the portable one, on every kernel, length and alignment.
#![expect(clippy::unwrap_used, reason = "a test may stop where a conversion fails")]

mod dithered;
mod keyed_hash;
mod places;
mod planes;
mod ristretto;
mod ternary;
mod x25519;

use std::{panic::catch_unwind, process::Command};

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use protocols::kernels::{AesKey, Backend, CONVOLUTION_STATE, EXPANSION_PLACES, Matrix, PORTABLE};

/// A fixed generator, so that a seed names a case.
struct Cases(u64);

impl Cases {
    /// SplitMix64, Steele, Lea and Flood 2014.
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn words<W: Sample>(&mut self, n: usize) -> Vec<W> {
        (0..n).map(|_| W::sample(self)).collect()
    }

    fn key(&mut self) -> AesKey {
        AesKey::new(&u128::sample(self).to_le_bytes())
    }

    fn permutation(&mut self, n: usize) -> Vec<u32> {
        let mut perm: Vec<u32> = (0..u32::try_from(n).unwrap()).collect();
        for i in (1..n).rev() {
            perm.swap(i, usize::try_from(self.word() % (i as u64 + 1)).unwrap());
        }
        perm
    }
}

trait Sample {
    fn sample(cases: &mut Cases) -> Self;
}
impl Sample for u64 {
    fn sample(cases: &mut Cases) -> Self {
        // Carries and wrap-arounds more often than chance would have them.
        match cases.word() % 8 {
            0 => Self::MAX,
            1 => 0,
            _ => cases.word(),
        }
    }
}
impl Sample for u32 {
    fn sample(cases: &mut Cases) -> Self {
        Self::try_from(u64::sample(cases) >> 32).unwrap()
    }
}
impl Sample for u128 {
    fn sample(cases: &mut Cases) -> Self {
        (Self::from(u64::sample(cases)) << 64) | Self::from(u64::sample(cases))
    }
}

/// Every length to 257, then some beside the sizes at which kernels change their step.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=257).chain([383, 511, 512, 513, 1000, 1023, 1025, 2049, 4097])
}

/// Runs `kernel` on every backend, from the same seed, on slices that start 0..8 words into their buffers.
fn agree(kernel: &str, run: impl Fn(&Backend, &mut Cases, usize, usize) -> Vec<u128>) {
    for n in lengths() {
        let (seed, offset) = (n as u64 * 1_000_003 + 17, n % 8);
        let want = run(&PORTABLE, &mut Cases(seed), n, offset);
        for backend in Backend::available() {
            let got = run(backend, &mut Cases(seed), n, offset);
            assert!(
                got == want,
                "{kernel} on {}: n {n}, offset {offset}, seed {seed}",
                backend.name
            );
        }
    }
}

fn wide<W: Copy + Into<u128>>(words: &[W]) -> Vec<u128> {
    words.iter().map(|w| (*w).into()).collect()
}

/// A test for each kernel of the form `kernel(acc, inputs…)`. The whole buffer is compared: a kernel that
/// writes outside its slice fails.
macro_rules! agrees {
    ($($kernel:ident: $ty:ty, $($input:ident),*;)*) => {$(
        #[test]
        fn $kernel() {
            agree(stringify!($kernel), |backend, cases, n, offset| {
                let mut acc = cases.words::<$ty>(offset + n + 8);
                $(let $input = cases.words::<$ty>(offset + n);)*
                backend.$kernel(&mut acc[offset..offset + n], $(&$input[offset..]),*);
                wide(&acc)
            });
        }
    )*};
}
agrees! {
    add_u32: u32, x;
    add_u64: u64, x;
    add_u128: u128, x;
    sub_u32: u32, x;
    sub_u64: u64, x;
    sub_u128: u128, x;
    mul_add_u32: u32, x, y;
    mul_add_u64: u64, x, y;
    mul_add_u128: u128, x, y;
    cross_u32: u32, x_own, x_next, y_own, y_next;
    cross_u64: u64, x_own, x_next, y_own, y_next;
    cross_u128: u128, x_own, x_next, y_own, y_next;
    xor: u64, x;
    and: u64, x;
    cross_bits: u64, x_own, x_next, y_own, y_next;
    gf128_mul_add: u128, x, y;
    gf80_mul_add: u128, x, y;
    prefix_sum_u32: u32, ;
    prefix_sum_u64: u64, ;
    prefix_sum_u128: u128, ;
}

/// Kernels with something other than slices of words among their arguments.
macro_rules! agrees_with {
    ($($kernel:ident: $ty:ty, |$cases:ident, $n:ident, $offset:ident| ($($arg:expr),*), $place:ident;)*) => {$(
        #[test]
        fn $kernel() {
            agree(stringify!($kernel), |backend, $cases, $n, $offset| {
                let mut acc = $cases.words::<$ty>($offset + $n + 8);
                let slice = &mut acc[$offset..$offset + $n];
                agrees_with!(@$place backend $kernel slice $($arg),*);
                wide(&acc)
            });
        }
    )*};
    (@first $backend:ident $kernel:ident $slice:ident $($arg:expr),*) => {
        $backend.$kernel($slice, $($arg),*)
    };
    (@last $backend:ident $kernel:ident $slice:ident $($arg:expr),*) => {
        $backend.$kernel($($arg),*, $slice)
    };
}
agrees_with! {
    scale_u32: u32, |cases, n, offset| (u32::sample(cases)), first;
    scale_u64: u64, |cases, n, offset| (u64::sample(cases)), first;
    scale_u128: u128, |cases, n, offset| (u128::sample(cases)), first;
    gf128_scale_add: u128, |cases, n, offset| (&cases.words::<u128>(n), u128::sample(cases)), first;
    gf80_scale_add: u128, |cases, n, offset| (&cases.words::<u128>(n), u128::sample(cases)), first;
    gather_u32: u32, |cases, n, offset| (&cases.words::<u32>(n), &cases.permutation(n)), first;
    gather_u64: u64, |cases, n, offset| (&cases.words::<u64>(n), &cases.permutation(n)), first;
    gather_u128: u128, |cases, n, offset| (&cases.words::<u128>(n), &cases.permutation(n)), first;
    fill_u32: u32, |cases, n, offset| (&cases.key(), cases.word(), cases.word()), last;
    fill_u64: u64, |cases, n, offset| (&cases.key(), cases.word(), cases.word()), last;
    fill_u128: u128, |cases, n, offset| (&cases.key(), cases.word(), cases.word()), last;
    fill_sub_u32: u32, |cases, n, offset| (&cases.key(), &cases.key(), cases.word(), cases.word()), last;
    fill_sub_u64: u64, |cases, n, offset| (&cases.key(), &cases.key(), cases.word(), cases.word()), last;
    fill_sub_u128: u128, |cases, n, offset| (&cases.key(), &cases.key(), cases.word(), cases.word()), last;
    add_fill_sub_u32: u32, |cases, n, offset| (&cases.key(), &cases.key(), cases.word(), cases.word()), last;
    add_fill_sub_u64: u64, |cases, n, offset| (&cases.key(), &cases.key(), cases.word(), cases.word()), last;
    add_fill_sub_u128: u128, |cases, n, offset| (&cases.key(), &cases.key(), cases.word(), cases.word()), last;
    fill_xor: u64, |cases, n, offset| (&cases.key(), &cases.key(), cases.word(), cases.word()), last;
    xor_fill_xor: u64, |cases, n, offset| (&cases.key(), &cases.key(), cases.word(), cases.word()), last;
    hash_blocks: u128, |cases, n, offset| (&cases.key()), last;
}

/// Numbers of all sizes that fit, and halves, which go to the even integer.
#[test]
fn fixed_point() {
    agree("fixed_point", |backend, cases, n, offset| {
        let x: Vec<f32> = cases
            .words::<u64>(offset + n)
            .iter()
            .map(|word| (word.cast_signed() >> (word % 48)) as f32 / 2.0_f32.powi(40))
            .collect();
        let mut out = cases.words::<u64>(offset + n + 8);
        let weight = u64::sample(cases);
        backend.fixed_point(&x[offset..], 2.0_f64.powi(20), weight, &mut out[offset..offset + n]);
        wide(&out)
    });
    for backend in Backend::available() {
        let mut out = [0; 6];
        backend.fixed_point(&[0.5, 1.5, 2.5, -0.5, -1.5, 1.0e9], 1.0, 3, &mut out);
        let want = [0, 6, 6, 0, -6_i64, 3_000_000_000].map(i64::cast_unsigned);
        assert_eq!(out, want, "{}", backend.name);
    }
}

/// FIPS 197, appendix C.1: the hash is the cipher text of the plain text, and the plain text added to it.
#[test]
fn the_hash_is_the_standard_cipher_with_its_input_added() {
    let key = AesKey::new(&0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes());
    let plain = u128::from_le_bytes(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff_u128.to_be_bytes());
    let cipher = u128::from_le_bytes(0x69c4_e0d8_6a7b_0430_d8cd_b780_70b4_c55a_u128.to_be_bytes());
    for backend in Backend::available() {
        let mut out = [plain; 77];
        backend.hash_blocks(&key, &mut out);
        assert_eq!(out, [plain ^ cipher; 77], "{}", backend.name);
    }
}

/// The convolution in two pieces, whose sizes straddle what a backend may hold in registers, and its state.
#[test]
fn convolve() {
    agree("convolve", |backend, cases, n, offset| {
        convolved(cases, n, offset, |x, state, taps| backend.convolve(x, state, taps))
    });
    agree("gf80_convolve", |backend, cases, n, offset| {
        convolved(cases, n, offset, |x, state, taps| backend.gf80_convolve(x, state, taps))
    });
}

fn convolved(
    cases: &mut Cases,
    n: usize,
    offset: usize,
    convolve: impl Fn(&mut [u128], &mut [u128; CONVOLUTION_STATE], &[u128]),
) -> Vec<u128> {
    let n = n.min(300);
    let mut x = cases.words::<u128>(offset + 4 * n + 8);
    let taps = cases.words::<u128>(2 * n);
    let mut state = [0; CONVOLUTION_STATE];
    state.copy_from_slice(&cases.words::<u128>(CONVOLUTION_STATE));
    let (first, second) = x[offset..offset + 4 * n].split_at_mut(n / 3 * 4);
    let (first_taps, second_taps) = taps.split_at(n / 3 * 2);
    convolve(first, &mut state, first_taps);
    convolve(second, &mut state, second_taps);
    x.extend(state);
    x
}

/// Of what it is for, the convolution over the smaller field is that over it: elements stay elements.
#[test]
fn the_convolution_of_short_elements_keeps_them_short() {
    for backend in Backend::available() {
        let mut cases = Cases(5);
        let mut x: Vec<u128> = cases.words::<u128>(400).iter().map(|word| word >> 48).collect();
        let mut state = [0; CONVOLUTION_STATE];
        backend.gf80_convolve(&mut x, &mut state, &cases.words::<u128>(200));
        assert!(x.iter().chain(&state).all(|word| word >> 80 == 0), "{}", backend.name);
    }
}

#[test]
fn expand_sums() {
    agree("expand_sums", |backend, cases, n, offset| {
        let bits = match n {
            100 => 16,
            101 => 17,
            202 => 20,
            _ => [4, 5, 9, 11][n % 4],
        };
        let n = n.min(300);
        let d = cases.words::<u128>(1 << bits);
        let mut out = cases.words::<u128>(offset + n + 8);
        let places: Vec<u16> =
            (0..n * EXPANSION_PLACES).map(|_| u16::try_from(cases.word() >> 48).unwrap()).collect();
        backend.expand_sums(&mut out[offset..offset + n], &d, &places);
        out
    });
}

#[test]
fn gf128_inner() {
    agree("gf128_inner", |backend, cases, n, offset| {
        let (x, y) = (cases.words::<u128>(offset + n), cases.words::<u128>(n));
        let mut sum = u128::sample(cases);
        backend.gf128_inner(&mut sum, &x[offset..], &y);
        vec![sum]
    });
}

#[test]
fn pack_and_unpack() {
    for bytes in 1..=4 {
        agree(&format!("pack_u32 to {bytes}"), |backend, cases, n, offset| {
            let values = cases.words::<u32>(n);
            let mut out = vec![0xa5; offset + bytes * n + 70];
            backend.pack_u32(&mut out[offset..offset + bytes * n], &values, bytes);
            let mut back = vec![0xa5a5_a5a5; n + 20];
            backend.unpack_u32(&mut back[..n], &out[offset..offset + bytes * n], bytes);
            let low = u32::MAX >> (32 - 8 * bytes);
            assert!(values.iter().zip(&back).all(|(value, back)| value & low == *back));
            assert!(back[n..].iter().all(|word| *word == 0xa5a5_a5a5), "writes beyond");
            wide(&out)
        });
    }
}

#[test]
fn digits_choose_and_swap() {
    let digits = |cases: &mut Cases, n: usize| -> Vec<u8> {
        (0..n).map(|_| u8::try_from(cases.word() % 16).unwrap()).collect()
    };
    agree("unit_minus_u32", |backend, cases, n, offset| {
        let (digits, mut acc) = (digits(cases, n), cases.words::<u32>(offset + n + 8));
        let old = acc.clone();
        backend.unit_minus_u32(&mut acc[offset..offset + n], &digits, 5);
        let sums = acc[offset..].iter().zip(&old[offset..]).zip(&digits);
        assert!(
            sums.into_iter()
                .all(|((new, old), digit)| { new.wrapping_add(*old) == u32::from(*digit == 5) })
        );
        wide(&acc)
    });
    agree("swap_where_u32", |backend, cases, n, offset| {
        let digits = digits(cases, n);
        let (mut a, mut b) = (cases.words::<u32>(offset + n + 8), cases.words::<u32>(n));
        let (old_a, old_b) = (a.clone(), b.clone());
        backend.swap_where_u32(&mut a[offset..offset + n], &mut b, &digits, 2);
        for i in 0..n {
            let want = [old_a[offset + i], old_b[i]];
            let got = [a[offset + i], b[i]];
            assert!(if digits[i] & 4 == 0 { got == want } else { got == [want[1], want[0]] });
        }
        wide(&a)
    });
    agree("put_bit", |backend, cases, n, offset| {
        let plane = cases.words::<u64>(n.div_ceil(64));
        let mut acc = vec![0x41; offset + n + 8];
        backend.put_bit(&mut acc[offset..offset + n], &plane, 2);
        for i in 0..n {
            let bit = u8::try_from(plane[i / 64] >> (i % 64) & 1).unwrap();
            assert_eq!(acc[offset + i], 0x41 | bit << 2);
        }
        wide(&acc)
    });
}

/// FIPS 197, appendix C.1: the plain text as a position, the cipher text as its block.
#[test]
fn the_keystream_is_the_standard_cipher() {
    let key = AesKey::new(&0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes());
    let plain = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff_u128.to_be_bytes();
    let cipher = 0x69c4_e0d8_6a7b_0430_d8cd_b780_70b4_c55a_u128.to_be_bytes();
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    for backend in Backend::available() {
        let mut out = [0; 2];
        backend.fill_u64(&key, word(&plain[..8]), word(&plain[8..]), &mut out);
        assert_eq!(out, [word(&cipher[..8]), word(&cipher[8..])], "{}", backend.name);
    }
}

/// Block `j` against the cipher itself; any start gives the same stream, across the wrap of the counter too.
#[test]
fn the_keystream_has_random_access() {
    let (bytes, path) = ([0x5a; 16], 0x0123_4567_89ab_cdef);
    let (key, cipher) = (AesKey::new(&bytes), Aes128::new(&bytes.into()));
    for backend in Backend::available() {
        for first in [0, 1, 77, u64::from(u32::MAX) - 3, u64::MAX - 40] {
            let mut out = [0; 201];
            backend.fill_u64(&key, path, first, &mut out);
            for (i, got) in out.chunks(2).enumerate() {
                let mut block = [0; 16];
                block[..8].copy_from_slice(&path.to_le_bytes());
                block[8..].copy_from_slice(&first.wrapping_add(i as u64).to_le_bytes());
                let mut block = block.into();
                cipher.encrypt_block(&mut block);
                let want: Vec<u64> =
                    block.chunks(8).map(|w| u64::from_le_bytes(w.try_into().unwrap())).collect();
                assert_eq!(got, &want[..got.len()], "{} block {first} + {i}", backend.name);
            }
        }
    }
}

/// The three parties' parts sum to zero: each takes its own stream minus the next one's.
#[test]
fn differences_of_streams_share_zero() {
    let keys = [AesKey::new(&[1; 16]), AesKey::new(&[2; 16]), AesKey::new(&[3; 16])];
    for backend in Backend::available() {
        let (mut sum, mut bits) = (vec![0_u64; 77], vec![0_u64; 77]);
        for (own, next) in [(0, 1), (1, 2), (2, 0)] {
            backend.add_fill_sub_u64(&keys[own], &keys[next], 9, 4, &mut sum);
            assert!(sum.iter().any(|word| *word != 0) || own == 2);
            backend.xor_fill_xor(&keys[own], &keys[next], 9, 4, &mut bits);
        }
        assert_eq!((sum, bits), (vec![0; 77], vec![0; 77]), "{}", backend.name);
    }
}

/// In the part that goes by registers, in the rest, with the sign bit set, and of an empty source.
#[test]
fn an_index_outside_the_source_is_caught() {
    for backend in Backend::available() {
        for (n, bad, index) in [(9, 3, 9), (9, 8, 9), (16, 0, u32::MAX), (8, 7, 1 << 31), (0, 0, 0)]
        {
            let mut perm = vec![0; 16];
            perm[bad] = index;
            let gather = || backend.gather_u64(&mut [0; 16], &vec![1; n], &perm);
            assert!(catch_unwind(gather).is_err(), "{} takes index {index} of {n}", backend.name);
            let gather = || backend.gather_u32(&mut [0; 16], &vec![1; n], &perm);
            assert!(catch_unwind(gather).is_err(), "{} takes index {index} of {n}", backend.name);
        }
    }
}

/// Products of matrices of every way to lie in memory, against the definition.
macro_rules! gemm_agrees {
    ($($kernel:ident: $ty:ty;)*) => {$(
        #[test]
        fn $kernel() {
            for (m, q, p) in shapes() {
                let seed = (m * 1_000_003 + q * 1009 + p) as u64;
                let mut cases = Cases(seed);
                let (a, b) = (cases.words::<$ty>(m * q), cases.words::<$ty>(q * p));
                let acc = cases.words::<$ty>(m * p);
                for (flip_a, flip_b) in [(false, false), (true, false), (false, true), (true, true)] {
                    let x = factor(&a, m, q, flip_a);
                    let y = factor(&b, q, p, flip_b);
                    let mut want = acc.clone();
                    for (at, sum) in want.iter_mut().enumerate() {
                        for k in 0..q {
                            *sum = sum.wrapping_add(x.at(at / p, k).wrapping_mul(y.at(k, at % p)));
                        }
                    }
                    for backend in Backend::available() {
                        let mut got = acc.clone();
                        backend.$kernel(&mut got, x, y);
                        let name = backend.name;
                        assert!(got == want, "{name}: {m} × {q} × {p}, {flip_a} {flip_b}, seed {seed}");
                    }
                }
            }
        }
    )*};
}
gemm_agrees! {
    gemm_u32: u32;
    gemm_u64: u64;
    gemm_u128: u128;
}

/// `rows` × `columns` from words that lie row by row, or column by column.
fn factor<W>(words: &[W], rows: usize, columns: usize, flip: bool) -> Matrix<'_, W> {
    if flip {
        Matrix::new(words, columns, rows).transposed()
    } else {
        Matrix::new(words, rows, columns)
    }
}

/// Thin ones, odd ones, and those beside the sizes of tiles and blocks.
fn shapes() -> impl Iterator<Item = (usize, usize, usize)> {
    let small = [0, 1, 2, 3, 4, 5, 12, 13];
    let all = small.into_iter().flat_map(move |m| {
        small.into_iter().flat_map(move |q| small.into_iter().map(move |p| (m, q, p)))
    });
    let edges = [(17, 31, 9), (64, 64, 64), (65, 65, 65), (6, 192, 16), (7, 193, 17), (253, 3, 33)];
    all.chain(edges).chain([
        (11, 400, 31),
        (260, 200, 5),
        (1, 1000, 70),
        (70, 1000, 1),
        (505, 1, 4),
    ])
}

#[test]
fn factors_that_do_not_fit_are_refused() {
    for backend in Backend::available() {
        let words = [0; 12];
        let square = Matrix::new(&words[..4], 2, 2);
        let wide = Matrix::new(&words, 3, 4);
        assert!(catch_unwind(|| backend.gemm_u64(&mut [0; 8], square, wide)).is_err());
        assert!(catch_unwind(|| backend.gemm_u64(&mut [0; 3], square, square)).is_err());
        assert!(catch_unwind(|| backend.gemm_u64(&mut [0; 4], square, square)).is_ok());
    }
    assert!(catch_unwind(|| Matrix::new(&[0_u64; 5], 2, 3)).is_err());
}

/// The switch is read at run time: a child process of this test sees the backend that it names.
#[test]
fn the_switch_is_read_at_run_time() {
    const CHILD: &str = "UNSEEN_KERNELS_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return println!("active: {}", Backend::active().name);
    }
    for backend in Backend::available() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_switch_is_read_at_run_time", "--nocapture"])
            .env(CHILD, "1")
            .env("UNSEEN_KERNELS", backend.name)
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.contains(&format!("active: {}", backend.name)), "{printed}");
    }
}
