//! Rounding at random.

use super::{Backend, Sample as _, agree, lengths, wide};

/// As the definition has it, in double precision.
fn plain(x: f32, scale: f32, weight: u32, word: u32) -> u32 {
    let scaled = f64::from(x) * f64::from(scale);
    let (below, part) = (scaled.floor(), f64::from(word >> 8) / f64::from(1 << 24));
    let fraction = scaled - below;
    // Nearer to the lower integer the word says whether it is the upper one; nearer to the upper one whether it is not.
    let up = if fraction < 0.5 || fraction == 0.5 && below.rem_euclid(2.0) == 0.0 {
        part < fraction
    } else {
        part >= 1.0 - fraction
    };
    #[expect(clippy::cast_possible_truncation, reason = "an integer")]
    let rounded = below as i64 + i64::from(up);
    u32::try_from(rounded & 0xffff_ffff).unwrap().wrapping_mul(weight)
}

#[test]
fn dithered() {
    agree("dithered", |backend, cases, n, offset| {
        let x: Vec<f32> = cases
            .words::<u64>(offset + n)
            .iter()
            .map(|word| (word.cast_signed() >> (word % 60)) as f32 / 2.0_f32.powi(53))
            .collect();
        let mut out = cases.words::<u32>(offset + n + 8);
        let weight = u32::sample(cases) >> 20;
        backend.dithered(&x[offset..], 2.0_f32.powi(11), weight, &mut out[offset..offset + n]);
        wide(&out)
    });
}

#[test]
fn dithered_is_one_of_the_two_beside_as_the_definition_says() {
    for backend in Backend::available() {
        for n in lengths() {
            let mut cases = super::Cases(n as u64);
            let word = |word: &u64| (word >> 32) as f32 / 2.0_f32.powi(32) - 0.5;
            let mut x: Vec<f32> = cases.words::<u64>(n).iter().map(word).collect();
            let beside = [0.0, -0.0, 0.25, -0.25, 0.125, -0.375, 1e-9, -1e-9, 511.937_5, -512.0];
            x.iter_mut().zip(beside).for_each(|(x, beside)| *x = beside);
            let uniform = cases.words::<u32>(n);
            let (scale, weight) = (4096.0, 1 + u32::sample(&mut cases) % 4095);
            let mut words = uniform.clone();
            backend.dithered(&x, scale, weight, &mut words);
            for ((x, uniform), word) in x.iter().zip(uniform).zip(words) {
                let want = plain(*x, scale, weight, uniform);
                assert_eq!(word, want, "{} {n}: {x} by {uniform:x}", backend.name);
            }
        }
    }
}

/// Over all uniform words there is no bias: of 24 bits that count each value comes as often.
#[test]
fn dithered_means_what_it_rounds() {
    const WORDS: u32 = 1 << 16;
    let uniform: Vec<u32> = (0..WORDS).map(|at| at << 16).collect();
    for backend in Backend::available() {
        for x in [0.3_f32, -0.3, 0.5, -0.5, 0.999, -0.999, 17.75, -17.75, 3.0, -3.0, 1e-4, -1e-4] {
            let mut words = uniform.clone();
            backend.dithered(&vec![x; words.len()], 1.0, 1, &mut words);
            let sum: i64 = words.iter().map(|word| i64::from(word.cast_signed())).sum();
            let mean = sum as f64 / f64::from(WORDS);
            // One part of as many as there are words.
            let off = (mean - f64::from(x)).abs();
            assert!(off <= 1.0 / f64::from(WORDS), "{} {x}: {mean}", backend.name);
        }
    }
}
