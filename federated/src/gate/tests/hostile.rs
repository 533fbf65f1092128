//! Updates that nobody would send who keeps to the rules.

use super::{
    CLIP, Gates, MOST_WEIGHT, PARAMETERS, Prg, TRAILER_WORDS, Terms, Z64, front, raw, taken, terms,
    update, vector,
};

/// The honest one's update comes last, and is taken; the others' are not.
fn refused(terms: Terms, mut updates: Vec<Vec<u64>>) {
    let gates = Gates::new(terms).unwrap();
    for coin in 0..3 {
        let honest = vector(&mut Prg::new(&[coin; 16]), terms.parameters, CLIP);
        updates.push(update(&terms, &honest, MOST_WEIGHT));
        let taken = taken(&gates, coin, &updates);
        let (honest, others) = taken.split_last().unwrap();
        assert!(*honest, "coin {coin}: who kept to the rules");
        assert!(others.iter().all(|taken| !taken), "coin {coin}: {others:?}");
        updates.pop();
    }
}

#[test]
fn words_that_wrap_are_refused() {
    let half = 1 << 63;
    let mut rng = Prg::new(&[1; 16]);
    let any = rng.elements::<Z64>(PARAMETERS).to_vec();
    // Twice 2^63 is nothing, and so is four times 2^62; beside them nothing stands.
    let corpus = [
        front(&[half, half]),
        front(&[half]),
        vec![half; PARAMETERS],
        front(&[1 << 62; 4]),
        vec![1 << 62; PARAMETERS],
        vec![u64::MAX / 3; PARAMETERS],
        front(&[half - 1, half + 1]),
        any,
    ];
    let weights = [1, MOST_WEIGHT];
    let updates = corpus.iter().flat_map(|words| weights.map(|weight| raw(words, weight)));
    refused(terms(PARAMETERS), updates.collect());
}

#[test]
fn a_spike_is_refused_however_it_is_made_up() {
    let terms = terms(PARAMETERS);
    let one = |value: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "below 2^63")]
        let word = (value * f64::from(terms.encoding.bits()).exp2()) as i64;
        front(&[word.cast_unsigned()])
    };
    let twenty = raw(&one(20.0 * CLIP), 1);
    let huge = raw(&one(1e9), 1);
    // What a weight of 10 would allow, at a weight of 1: a bound by the largest weight would let it through.
    let scaled = raw(&one(10.0 * CLIP), 1);
    let all: Vec<u64> = one(1e6).iter().map(|_| one(3.0 * CLIP)[0]).collect();
    refused(terms, vec![twenty, huge, scaled, raw(&all, 1), raw(&all, 7)]);
}

#[test]
fn trailers_that_cannot_be_true_are_refused() {
    let terms = terms(33);
    let values = vector(&mut Prg::new(&[2; 16]), 33, CLIP);
    let honest = update(&terms, &values, 7);
    let with = |at: usize, word: u64| {
        let mut words = honest.clone();
        words[33 + at] = word;
        words
    };
    assert_eq!(honest.len(), 33 + TRAILER_WORDS);
    // One less all others together, which would make the total weight 1.
    let alone = 1_u64.wrapping_sub(MOST_WEIGHT);
    let nothing = raw(&[0; 33], 0);
    let mut updates = vec![nothing, raw(&[0; 33], alone), raw(&[0; 33], u64::MAX)];
    let weights = [0, alone, u64::MAX, MOST_WEIGHT + 1, 1 << 63, (1 << 63) - 1, 1 << 57, 1 << 32];
    updates.extend(weights.map(|weight| with(0, weight)));
    updates.extend([u64::MAX, 1 << 63, 1 << 40].map(|loss| with(1, loss)));
    updates.extend([u64::MAX, 8, 1 << 63].map(|correct| with(2, correct)));
    updates.extend([0, 2, u64::MAX, 1 << 63, (1 << 63) + 1].map(|count| with(3, count)));
    updates.extend([u64::MAX, 1 << 63, 1 << 30].map(|norm| with(4, norm)));
    refused(terms, updates);
}
