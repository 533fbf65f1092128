use super::*;
use crate::{kernels::Field, prg::Prg, ring::Z128};

fn prg(seed: u8) -> Prg {
    Prg::new(&[seed; 16])
}

fn okvs(keys: usize, seed: u128) -> Okvs {
    Okvs::new(Params::new(keys, 1).unwrap(), seed)
}

#[test]
fn every_key_decodes_to_its_value() {
    let sizes = [0, 1, 2, 3, 63, 64, 65, 127, 128, 129, 1000, 34_000, 36_001, 100_000];
    for (seed, n) in (0_u8..).zip(sizes) {
        let mut rng = prg(seed);
        let [keys, values] = [(); 2].map(|()| rng.elements::<Z128>(n));
        let store = okvs(n, u128::from(seed) << 77);
        let encoded = store.encode(&keys, &values, &mut rng).unwrap();
        assert_eq!(encoded.len(), store.params().slots());
        let mut out = vec![0; n];
        store.decode(&encoded, &keys, &mut out);
        assert!(out == *values, "{n} keys, seed {seed}");
    }
}

/// Elements of 80 bits in one bin, with places of 16 and of 32 bits.
#[test]
fn every_key_decodes_to_its_short_value() {
    let sizes = [0, 1, 2, 63, 64, 65, 1000, 50_000, 60_000, 70_000];
    for (seed, n) in (0_u8..).zip(sizes) {
        let mut rng = prg(seed);
        let [keys, mut values] = [(); 2].map(|()| rng.elements::<Z128>(n));
        Field::Gf80.truncate(&mut values);
        let store = Okvs::new(Params::short(n, 1).unwrap(), u128::from(seed) << 77);
        let encoded = store.encode(&keys, &values, &mut rng).unwrap();
        assert!(encoded.len() == store.params().slots() && encoded.iter().all(|it| it >> 80 == 0));
        let mut out = vec![0; n];
        store.decode(&encoded, &keys, &mut out);
        assert!(out == *values, "{n} keys, seed {seed}");
        let other = store.encode(&keys, &values, &mut rng).unwrap();
        assert!(encoded.iter().zip(&*other).all(|(one, other)| one != other), "{n} keys");
        if n > 1 {
            let twice = [&keys[..n - 1], &keys[..1]].concat();
            let why = store.encode(&twice, &values, &mut rng).unwrap_err();
            assert_eq!(why, EncodeError::Duplicate, "{n} keys");
        }
    }
}

/// Small stores have a remainder often enough for the elimination to be used.
#[test]
fn remainders_of_short_values_are_solved() {
    let (n, mut with_dense) = (64, 0);
    let mut rng = prg(16);
    let mut peeler = peel::Peeler::<u32, { peel::WIDE }>::new();
    for seed in 0..3000 {
        let store = Okvs::new(Params::short(n, 1).unwrap(), seed);
        let [keys, mut values] = [(); 2].map(|()| rng.elements::<Z128>(n));
        Field::Gf80.truncate(&mut values);
        let placed = store.place(&keys);
        let columns = store.params().sparse();
        crate::kernels::PORTABLE.places_u32(
            placed.hashes(),
            u32::try_from(columns).unwrap(),
            peeler.places_mut(n),
        );
        with_dense += usize::from(!peeler.peel(columns));
        let encoded = store.encode(&keys, &values, &mut rng).unwrap();
        let mut out = vec![0; n];
        store.decode(&encoded, &keys, &mut out);
        assert!(out == *values, "seed {seed}");
    }
    assert!(with_dense > 3, "{with_dense} remainders: nothing was tried");
}

#[test]
fn fewer_keys_than_the_parameters_are_for_take_the_same_room() {
    let store = okvs(50_000, 5);
    let mut rng = prg(1);
    for n in [0, 1, 777, 50_000] {
        let [keys, values] = [(); 2].map(|()| rng.elements::<Z128>(n));
        let encoded = store.encode(&keys, &values, &mut rng).unwrap();
        assert_eq!(encoded.len(), store.params().slots());
        let mut out = vec![0; n];
        store.decode(&encoded, &keys, &mut out);
        assert!(out == *values, "{n} keys");
    }
    let keys = rng.elements::<Z128>(50_001);
    let why = store.encode(&keys, &keys, &mut rng).unwrap_err();
    assert_eq!(why, EncodeError::TooManyKeys { keys: 50_001, most: 50_000 });
    let why = store.encode(&keys[..2], &keys[..3], &mut rng).unwrap_err();
    assert_eq!(why, EncodeError::Unequal { keys: 2, values: 3 });
}

#[test]
fn duplicates_are_found_wherever_they_are() {
    let mut rng = prg(2);
    for n in [2, 64, 1000, 100_000] {
        let store = okvs(n, 9);
        let mut keys = rng.elements::<Z128>(n);
        keys[n - 1] = keys[0];
        assert_eq!(store.encode(&keys, &keys, &mut rng).unwrap_err(), EncodeError::Duplicate);
        let same = vec![7; n];
        assert_eq!(store.encode(&same, &same, &mut rng).unwrap_err(), EncodeError::Duplicate);
    }
}

/// Keys that are no members give something random, and another encoding gives them something else.
#[test]
fn other_keys_decode_to_nothing_that_was_put_in() {
    let mut rng = prg(3);
    let [keys, others] = [(); 2].map(|()| rng.elements::<Z128>(2000));
    let store = okvs(2000, 1);
    let zeros = vec![0; 2000];
    let mut seen = std::collections::HashSet::new();
    for _ in 0..3 {
        let encoded = store.encode(&keys, &zeros, &mut rng).unwrap();
        let mut out = vec![1; 2000];
        store.decode(&encoded, &others, &mut out);
        assert!(out.iter().all(|value| *value != 0 && seen.insert(*value)));
    }
}

/// No word of an encoding is left as it was or the same in two encodings: the free variables are random, dense ones too.
#[test]
fn free_variables_are_random() {
    let mut rng = prg(4);
    for n in [0, 1, 500, 40_000] {
        let [keys, values] = [(); 2].map(|()| rng.elements::<Z128>(n));
        let store = okvs(n, 3);
        let [first, second] = [(); 2].map(|()| store.encode(&keys, &values, &mut rng).unwrap());
        let equal = first.iter().zip(second.iter()).filter(|(a, b)| a == b).count();
        assert_eq!(equal, 0, "{n} keys");
        assert!(!first.contains(&0));
    }
}

#[test]
fn placed_keys_serve_several_columns_and_both_ways() {
    let mut rng = prg(5);
    let n = 45_000;
    let keys = rng.elements::<Z128>(n);
    let columns = [(); 3].map(|()| rng.elements::<Z128>(n));
    let store = okvs(n, 8);
    let placed = store.place(&keys);
    assert_eq!((placed.len(), placed.is_empty()), (n, false));
    let arranged = [0, 1, 2].map(|i| placed.arrange(&columns[i]));
    let slices = [&*arranged[0], &*arranged[1], &*arranged[2]];
    let encoded = store.encode_placed(&placed, &slices, &mut rng).unwrap();
    let slots = store.params().slots();
    for (i, column) in columns.iter().enumerate() {
        let mut out = vec![0; n];
        store.decode_placed(&encoded[i * slots..][..slots], &placed, &mut out);
        assert!(out == *arranged[i]);
        store.decode(&encoded[i * slots..][..slots], &keys, &mut out);
        assert!(out == **column);
        placed.restore(&arranged[i], &mut out);
        assert!(out == **column);
    }
}

/// Small stores have a remainder often enough for the elimination to be used.
#[test]
fn remainders_are_solved() {
    let (n, mut with_remainder) = (64, 0);
    let mut rng = prg(6);
    for seed in 0..3000 {
        let store = okvs(n, seed);
        let [keys, values] = [(); 2].map(|()| rng.elements::<Z128>(n));
        let placed = store.place(&keys);
        let mut peeler = peel::Peeler::<u16, { peel::NARROW }>::new();
        crate::kernels::PORTABLE.places(
            placed.hashes(),
            u32::try_from(store.params().sparse()).unwrap(),
            peeler.places_mut(n),
        );
        with_remainder += usize::from(!peeler.peel(store.params().sparse()));
        let encoded = store.encode(&keys, &values, &mut rng).unwrap();
        let mut out = vec![0; n];
        store.decode(&encoded, &keys, &mut out);
        assert!(out == *values, "seed {seed}");
    }
    assert!(with_remainder > 3, "{with_remainder} remainders: nothing was tried");
}

/// Columns so few that remainders are the rule, so that sparse rows depend on each other and the dense columns decide.
#[test]
fn remainders_of_any_size_are_solved_or_refused() {
    let mut rng = prg(7);
    let (mut solved, mut refused, mut with_gap) = (0, 0, 0);
    for columns in [60_u32, 64, 68, 75] {
        for _ in 0..200 {
            let n = 62;
            let [hashes, values] = [(); 2].map(|()| rng.elements::<Z128>(n));
            let mut peeler = peel::Peeler::<u16, { peel::NARROW }>::new();
            crate::kernels::PORTABLE.places(&hashes, columns, peeler.places_mut(n));
            if peeler.peel(columns as usize) {
                continue;
            }
            let rest = remainder::Remainder::new(&peeler.remainder(), &hashes).unwrap();
            let mut vector = rng.elements::<Z128>(columns as usize + 4);
            let (sparse, dense) = vector.split_at_mut(columns as usize);
            let before = dense.to_vec();
            if rest.solve_dense(Field::Gf128, dense, &hashes, &values).is_err() {
                refused += 1;
                continue;
            }
            with_gap += usize::from(dense != before);
            let mut own = values.to_vec();
            dense::add(Field::Gf128, &mut own, &hashes, dense);
            rest.solve_sparse(sparse, &own);
            crate::kernels::PORTABLE.substitute(sparse, peeler.order(), &own);
            let mut places = vec![[0; 4]; n];
            crate::kernels::PORTABLE.places(&hashes, columns, &mut places);
            let mut out = vec![0; n];
            crate::kernels::PORTABLE.gather_three(&mut out, sparse, &places);
            dense::add(Field::Gf128, &mut out, &hashes, dense);
            assert!(out == *values, "{columns} columns");
            solved += 1;
        }
    }
    assert!(solved > 100 && refused > 10 && with_gap > 10, "{solved}, {refused}, {with_gap}");
}
