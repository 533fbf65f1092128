use super::*;
use crate::kernels::gf128_mul;

/// `G·e` for noise `e` of twice as many words.
fn encode_over(field: Field, noise: &[u128]) -> Vec<u128> {
    let (top, d) = noise.split_at(noise.len() / 2);
    let (mut out, mut d) = (top.to_vec(), d.to_vec());
    Code::new(field).encode(&mut out, &mut d);
    out
}

fn encode(noise: &[u128]) -> Vec<u128> {
    encode_over(Field::Gf128, noise)
}

fn encode_short(noise: &[u128]) -> Vec<u128> {
    encode_over(Field::Gf80, noise)
}

/// The same with every field constant 1: the binary code that must not be used.
fn encode_binary(noise: &[u128]) -> Vec<u128> {
    let (top, d) = noise.split_at(noise.len() / 2);
    let (mut out, mut d) = (top.to_vec(), d.to_vec());
    let code = Code::new(Field::Gf128);
    let mut state = [0; CONVOLUTION_STATE];
    let mut taps = vec![0; d.len() / 2];
    for path in [FIRST_PASS, SECOND_PASS] {
        Backend::active().fill_u128(&code.key, path, 0, &mut taps);
        taps.chunks_mut(2).for_each(|block| block[0] = 1);
        Backend::active().convolve(&mut d, &mut state, &taps);
    }
    code.expand(&mut out, &d);
    out
}

/// Noise of 80 bits at every second of the positions: fewer than a value has bits, which is what lets the attack below find
/// those of a binary code.
fn short_noise(len: usize, seed: u8) -> Vec<u128> {
    let mut keep = false;
    let short = |word: u128| {
        keep ^= word != 0;
        if keep { word >> 48 } else { 0 }
    };
    noise(len, seed).into_iter().map(short).collect()
}

/// Regular noise: a random value at a random position of each of 128 classes.
fn noise(len: usize, seed: u8) -> Vec<u128> {
    let mut prg = crate::prg::Prg::new(&[seed; 16]);
    let values = prg.elements::<crate::ring::Z128>(128);
    let positions = prg.elements::<crate::ring::Z64>(128);
    let mut noise = vec![0; len];
    for (class, (value, position)) in values.iter().zip(&*positions).enumerate() {
        let row = usize::try_from(*position % (len as u64 / 128)).unwrap();
        noise[row * 128 + class] = *value;
    }
    noise
}

#[test]
fn the_code_is_linear_over_the_field() {
    for field in [Field::Gf128, Field::Gf80] {
        let vector = |salt: u128| -> Vec<u128> {
            let word = |i: u128| gf128_mul(i + 2 + salt, u128::MAX - 977 * i);
            (0..2048).map(|i| word(i) & field.mask()).collect()
        };
        let (x, y) = (vector(1), vector(1 << 90));
        let factor = 0x1234_5678_9abc_def0_5555_aaaa_0f0f_f0f0;
        let scaled = |x: &u128, y: &u128| -> u128 { field.mul(*x, factor & field.mask()) ^ y };
        let sum: Vec<u128> = x.iter().zip(&y).map(|(x, y)| scaled(x, y)).collect();
        let (x, y) = (encode_over(field, &x), encode_over(field, &y));
        let want: Vec<u128> = x.iter().zip(&y).map(|(x, y)| scaled(x, y)).collect();
        assert_eq!(encode_over(field, &sum), want, "{field:?}");
    }
}

#[test]
fn every_entry_of_the_noise_reaches_nearly_every_output() {
    for at in [1024, 1025, 1500, 2046, 2047] {
        let mut unit = vec![0; 2048];
        unit[at] = 1;
        for field in [Field::Gf128, Field::Gf80] {
            let reached = encode_over(field, &unit).iter().filter(|out| **out != 0).count();
            assert!(reached > 1000, "entry {at} reaches {reached} of 1024 outputs");
        }
    }
}

/// Sets of the given outputs, as bits, whose sum is zero: elimination over GF(2) of 192 words of 128 bits.
fn vanishing_sums(outputs: &[u128]) -> Vec<[u64; 3]> {
    let mut rows: Vec<(u128, [u64; 3])> = Vec::new();
    for (i, output) in outputs.iter().enumerate() {
        let mut set = [0; 3];
        set[i / 64] |= 1 << (i % 64);
        rows.push((*output, set));
    }
    let mut rank = 0;
    for bit in 0..128 {
        let Some(pivot) = (rank..rows.len()).find(|row| rows[*row].0 >> bit & 1 == 1) else {
            continue;
        };
        rows.swap(rank, pivot);
        let (word, set) = rows[rank];
        for (_, row) in
            rows.iter_mut().enumerate().filter(|(i, row)| *i != rank && row.0 >> bit & 1 == 1)
        {
            row.0 ^= word;
            row.1.iter_mut().zip(set).for_each(|(mine, other)| *mine ^= other);
        }
        rank += 1;
    }
    rows[rank..]
        .iter()
        .map(|(word, set)| {
            assert_eq!(*word, 0);
            *set
        })
        .collect()
}

/// The columns that no vanishing sum of 192 outputs touches, of those that any of the outputs depends on.
fn betrayed(encode: fn(&[u128]) -> Vec<u128>, noise: &[u128]) -> Vec<usize> {
    let sums = vanishing_sums(&encode(noise)[..192]);
    assert!(sums.len() >= 64);
    (0..noise.len())
        .filter(|column| {
            let mut unit = vec![0; noise.len()];
            unit[*column] = 1;
            let column = &encode(&unit)[..192];
            let coefficient = |set: &[u64; 3]| {
                let chosen =
                    column.iter().enumerate().filter(|(i, _)| set[i / 64] >> (i % 64) & 1 == 1);
                chosen.fold(0, |sum, (_, entry)| sum ^ entry)
            };
            column.iter().any(|entry| *entry != 0) && sums.iter().all(|set| coefficient(set) == 0)
        })
        .collect()
}

/// The splitting attack: over GF(2), 192 outputs of 128 bits have 64 dependencies, and a binary code's must vanish where
/// the noise is. Those of this code touch every column, and so say nothing about where it is.
#[test]
fn splitting_192_outputs_betrays_no_position() {
    for seed in 1..=3 {
        let noise = noise(1024, seed);
        assert_eq!(betrayed(encode, &noise), [0; 0], "seed {seed}");
    }
}

/// Of 80 bits, the same outputs have 112 dependencies, and those touch every column too: with all of the noise, and with
/// half of it.
#[test]
fn splitting_192_short_outputs_betrays_no_position() {
    for seed in 1..=3 {
        let all: Vec<u128> = noise(1024, seed).iter().map(|word| word >> 48).collect();
        for short in [all, short_noise(1024, seed)] {
            assert_eq!(betrayed(encode_short, &short), [0; 0], "seed {seed}");
        }
    }
}

/// The same attack finds the noise of the same code without its field constants, so the test above can fail.
#[test]
fn splitting_breaks_the_binary_code() {
    let noise = noise(1024, 9);
    let betrayed = betrayed(encode_binary, &noise);
    let found = betrayed.iter().filter(|column| noise[**column] != 0).count();
    assert!(found > 32, "{found} of the positions found");
}

/// And that of short values.
#[test]
fn splitting_breaks_the_binary_code_of_short_values() {
    let noise = short_noise(1024, 9);
    let betrayed = betrayed(encode_binary, &noise);
    let found = betrayed.iter().filter(|column| noise[**column] != 0).count();
    assert!(found > 16, "{found} of the positions found");
}
