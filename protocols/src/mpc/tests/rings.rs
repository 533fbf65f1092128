//! Comparisons, conversions and selections in every arithmetic ring, at every kind of width, up to the last value that fits.

use super::SIZES;
use crate::{
    mpc,
    mpc::Column,
    relational::{GroupBy, group_by, group_by_cost},
    ring::{Arithmetic, B64, Z32, Z64, Z128},
    session::{Meter, Profile, Session, SessionError},
    share::{Bits, Shared, reconstruct},
    testkit::{Run, World, clear_bits, share_bits},
};

const WIDTHS: [usize; 10] = [1, 2, 3, 31, 32, 33, 63, 64, 65, 127];

fn words<R: Arithmetic>(world: World, label: u64, n: usize) -> Vec<R::Word> {
    let mut random = world.random(label);
    (0..n).map(|_| R::from_u128(u128::from(random()) << 64 | u128::from(random()))).collect()
}

fn on_pair<R: Arithmetic, T: Send>(
    world: World,
    (x, y): (&[R::Word], &[R::Word]),
    protocol: impl Fn(&mut Session, &Shared<R>, &Shared<R>) -> Result<T, SessionError> + Sync,
) -> Run<T> {
    let (x, y) = (world.deal::<R>(1, x), world.deal::<R>(2, y));
    world.run(|s| {
        let me = s.role().index();
        protocol(s, &x[me], &y[me])
    })
}

/// Every bit of every row, whatever the width.
fn rows_of(run: &Run<Bits>) -> Vec<u128> {
    let width = run.results[0].width();
    let mut rows = vec![0; run.results[0].rows()];
    for from in (0..width).step_by(64) {
        let part = (width - from).min(64);
        let cut = run.results.each_ref().map(|bits| bits.bit_range(from, part));
        for (row, bits) in rows.iter_mut().zip(clear_bits(cut.each_ref())) {
            *row |= u128::from(bits) << from;
        }
    }
    rows
}

/// Pairs (a, b) with −2^width ≤ a − b < 2^width, at the ends and at random, and their difference.
fn close_pairs<R: Arithmetic>(
    world: World,
    width: usize,
    n: usize,
) -> Vec<(R::Word, R::Word, i128)> {
    let limit = 1_i128 << (width - 1) << 1;
    let last = i128::MAX >> (127 - width);
    let mut random = world.random(9);
    let mut bases = words::<R>(world, 10, n);
    let extremes = [0, 1, -1, i128::MIN >> (128 - R::BITS), i128::MAX >> (128 - R::BITS)];
    bases
        .iter_mut()
        .zip(extremes.into_iter().cycle())
        .step_by(2)
        .for_each(|(base, x)| *base = R::from_i128(x));
    let mut pairs = Vec::new();
    for (i, base) in bases.into_iter().enumerate() {
        let wide = (u128::from(random()) << 64 | u128::from(random())).cast_signed();
        let power = 1_i128 << (i % width);
        let ends = [limit.wrapping_neg(), -last, -1, 0, 1, last, power, -power];
        let difference = ends.get(i % 11).copied().unwrap_or(wide >> (127 - width));
        pairs.push((R::add(base, R::from_i128(difference)), base, difference));
    }
    pairs
}

fn compares<R: Arithmetic>() {
    for width in WIDTHS.into_iter().filter(|width| *width <= R::BITS) {
        for n in SIZES {
            let world = World::new((n * 200 + width) as u64);
            let what = format!("{} n = {n} width {width}", R::NAME);
            let sign = width.min(R::BITS - 1);
            let pairs = close_pairs::<R>(world, sign, n);
            let (x, y): (Vec<_>, Vec<_>) = pairs.iter().map(|pair| (pair.0, pair.1)).unzip();
            let less: Vec<u128> = pairs.iter().map(|pair| u128::from(pair.2 < 0)).collect();
            let same: Vec<u128> = pairs.iter().map(|pair| u128::from(pair.2 == 0)).collect();
            let run = on_pair::<R, _>(world, (&x, &y), |s, x, y| mpc::lt(s, x, y, sign));
            assert_eq!(rows_of(&run), less, "lt {what}");
            run.assert_cost("lt", |m| mpc::lt_cost(m, n, sign));
            // −2^width is 0 modulo 2^width: for equality it is out of range.
            let nearest = |pair: &(R::Word, R::Word, i128)| {
                if pair.2 == (1_i128 << (width - 1) << 1).wrapping_neg() { pair.1 } else { pair.0 }
            };
            let near: Vec<R::Word> = pairs.iter().map(nearest).collect();
            let same: Vec<u128> = near
                .iter()
                .zip(&y)
                .zip(same)
                .map(|((x, y), same)| same | u128::from(x == y))
                .collect();
            let run = on_pair::<R, _>(world, (&near, &y), |s, x, y| mpc::eq(s, x, y, width));
            assert_eq!(rows_of(&run), same, "eq {what}");
            run.assert_cost("eq", |m| mpc::eq_cost(m, n, width));
            let run = on_pair::<R, _>(world, (&x, &y), |s, x, _| mpc::to_bits(s, x, width));
            let low: Vec<u128> =
                x.iter().map(|x| R::to_u128(*x) & (u128::MAX >> (128 - width))).collect();
            assert_eq!(rows_of(&run), low, "to_bits {what}");
            run.assert_cost("to_bits", |m| mpc::to_bits_cost(m, n, width));
        }
    }
}

#[test]
fn comparisons_in_32_bits_are_exact() {
    compares::<Z32>();
}

#[test]
fn comparisons_in_64_bits_are_exact() {
    compares::<Z64>();
}

#[test]
fn comparisons_in_128_bits_are_exact() {
    compares::<Z128>();
}

/// Rows of `width` bits as elements: extremes, powers of two and random ones.
fn composes<R: Arithmetic>() {
    for width in WIDTHS.into_iter().chain([128]) {
        for n in SIZES {
            let world = World::new((n * 300 + width) as u64);
            let mask = u128::MAX >> (128 - width);
            let mut rows: Vec<u128> =
                words::<Z128>(world, 1, n).into_iter().map(|row| row & mask).collect();
            let ends = [0, 1, mask, mask >> 1, (mask >> 1) + 1, 1 << (n % width)];
            rows.iter_mut().zip(ends).for_each(|(row, end)| *row = end & mask);
            let mut planes = vec![0; width * n.div_ceil(64)];
            Z128::to_planes(&rows, width, &mut planes);
            let dealt = world.deal::<B64>(2, &planes).map(|b| Bits::from_planes(n, width, b));
            for signed in [false, true] {
                let run = world.run(|s| {
                    let mine = &dealt[s.role().index()];
                    if signed {
                        mpc::from_signed_bits::<R>(s, mine)
                    } else {
                        mpc::from_bits(s, mine)
                    }
                });
                let unused = 128 - width;
                let want: Vec<R::Word> = rows
                    .iter()
                    .map(|row| match signed {
                        true => R::from_i128((row << unused).cast_signed() >> unused),
                        false => R::from_u128(*row),
                    })
                    .collect();
                let what = format!("{} n = {n}, {width} bits, signed: {signed}", R::NAME);
                assert_eq!(run.reconstruct(), want, "{what}");
                run.assert_cost(&what, |m| mpc::from_bits_cost::<R>(m, n, width));
            }
        }
    }
}

#[test]
fn bits_become_signed_and_unsigned_elements_of_every_ring() {
    composes::<Z32>();
    composes::<Z64>();
    composes::<Z128>();
}

#[test]
fn no_bits_are_zero() {
    let run = World::new(1).run(|s| mpc::from_signed_bits::<Z64>(s, &Bits::zeros(5, 0)));
    assert_eq!(run.reconstruct(), [0; 5]);
    run.assert_cost("nothing", |m| mpc::from_bits_cost::<Z64>(m, 5, 0));
}

/// Bits a comparison, all parties together and without headers, and rounds.
fn price(profile: Profile, n: usize, quote: impl Fn(&mut Meter, usize)) -> (u64, u32) {
    let mut m = Meter::on(profile);
    quote(&mut m, n);
    let total = m.total();
    ((total.bytes - 24 * total.messages) * 8 / n as u64, total.rounds)
}

#[test]
fn a_comparison_costs_what_its_digits_say() {
    let (room, cities) = (Profile::LAN, Profile::WAN);
    let lt = |m: &mut Meter, n| mpc::lt_cost(m, n, 63);
    let eq = |m: &mut Meter, n| mpc::eq_cost(m, n, 64);
    // Digits of 3, 4 and 8 bits.
    assert_eq!(price(room, 64 << 14, lt), (335, 7));
    assert_eq!(price(room, 64 << 4, lt), (373, 6));
    assert_eq!(price(cities, 64, lt), (1976, 5));
    assert_eq!(price(room, 64 << 14, eq), (253, 7));
    assert_eq!(price(cities, 64, eq), (2077, 5));
    let to_bits = |m: &mut Meter, n| mpc::to_bits_cost(m, n, 64);
    let from_bits = |m: &mut Meter, n| mpc::from_bits_cost::<Z64>(m, n, 64);
    assert_eq!(price(room, 64 << 4, to_bits), (1120, 8));
    assert_eq!(price(room, 64 << 4, from_bits), (66 * 64, 2));
}

#[test]
fn comparisons_are_right_whatever_digits_the_links_call_for() {
    let fast = Profile { rtt_us: 0, bandwidth_mbps: 1 };
    for (seed, profile) in
        [Profile::LOOPBACK, Profile::LAN, Profile::WAN, fast].into_iter().enumerate()
    {
        for (n, width) in [(1, 63), (65, 63), (1000, 40), (1000, 9), (20_000, 63)] {
            let world = World::new(seed as u64).on(profile);
            let pairs = close_pairs::<Z64>(world, width, n);
            let (x, y): (Vec<_>, Vec<_>) = pairs.iter().map(|pair| (pair.0, pair.1)).unzip();
            let less: Vec<u128> = pairs.iter().map(|pair| u128::from(pair.2 < 0)).collect();
            let run = on_pair::<Z64, _>(world, (&x, &y), |s, x, y| mpc::lt(s, x, y, width));
            assert_eq!(rows_of(&run), less, "{profile:?} n = {n} width {width}");
            run.assert_cost("lt", |m| mpc::lt_cost(m, n, width));
            let same: Vec<u128> = x.iter().zip(&y).map(|(x, y)| u128::from(x == y)).collect();
            let run = on_pair::<Z64, _>(world, (&x, &y), |s, x, y| mpc::eq(s, x, y, 64));
            assert_eq!(rows_of(&run), same, "{profile:?} n = {n}");
            run.assert_cost("eq", |m| mpc::eq_cost(m, n, 64));
        }
    }
}

fn selects<R: Arithmetic>() {
    for n in SIZES {
        let world = World::new(n as u64);
        let (x, y) = (words::<R>(world, 1, n), words::<R>(world, 2, n));
        let by: Vec<u64> = words::<Z64>(world, 3, n).into_iter().map(|x| x & 1).collect();
        let bit = share_bits(world, 9, &by, 1);
        let run = on_pair::<R, _>(world, (&x, &y), |s, x, y| {
            mpc::select_words(s, &bit[s.role().index()], x, y)
        });
        let want: Vec<R::Word> = (0..n).map(|i| if by[i] == 1 { x[i] } else { y[i] }).collect();
        assert_eq!(run.reconstruct(), want, "{} n = {n}", R::NAME);
        run.assert_cost("select_words", |m| mpc::select_words_cost::<R>(m, n));
        let run =
            on_pair::<R, _>(world, (&x, &x), |s, x, _| mpc::mask(s, x, &bit[s.role().index()]));
        let want: Vec<R::Word> = (0..n).map(|i| if by[i] == 1 { x[i] } else { R::ZERO }).collect();
        assert_eq!(run.reconstruct(), want, "{} n = {n}", R::NAME);
        run.assert_cost("mask", |m| mpc::mask_cost::<R>(m, n));
        let run = world.run(|s| mpc::inject::<R>(s, &bit[s.role().index()]));
        let want: Vec<R::Word> = by.iter().map(|bit| R::from_u128(u128::from(*bit))).collect();
        assert_eq!(run.reconstruct(), want, "{} n = {n}", R::NAME);
    }
}

#[test]
fn selection_and_injection_work_in_every_ring() {
    selects::<Z32>();
    selects::<Z64>();
    selects::<Z128>();
}

#[test]
fn narrowing_keeps_the_value_modulo_the_smaller_ring() {
    let world = World::new(3);
    let x = words::<Z128>(world, 1, 65);
    let shares = world.deal::<Z128>(1, &x);
    let narrow = shares.each_ref().map(mpc::narrow::<Z128, Z64>);
    let want: Vec<u64> = x.iter().map(|x| Z128::low_u64(*x)).collect();
    assert_eq!(reconstruct(narrow.each_ref()), Ok(want));
    let narrow = shares.each_ref().map(mpc::narrow::<Z128, Z32>);
    let want: Vec<u32> = x.iter().map(|x| Z32::from_u128(*x)).collect();
    assert_eq!(reconstruct(narrow.each_ref()), Ok(want));
}

fn wide(column: &Column) -> Shared<Z128> {
    match column {
        Column::Z128(words) => words.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn wide_columns_travel_with_a_sort_and_add_up_in_groups() {
    for n in SIZES {
        for key_width in [0, 3] {
            let world = World::new((n + key_width) as u64);
            let keys: Vec<u64> =
                words::<Z64>(world, 1, n).into_iter().map(|key| key % (1 << key_width)).collect();
            let values = words::<Z128>(world, 2, n);
            let (k, v) = (share_bits(world, 3, &keys, 3), world.deal::<Z128>(4, &values));
            let ones = world.deal::<Z64>(5, &vec![1; n]);
            let groups = 8;
            let run = world.run(|s| {
                let me = s.role().index();
                let sums = [Column::Z128(v[me].clone()), Column::Z64(ones[me].clone())];
                let group = GroupBy {
                    keys: &k[me].bit_range(0, key_width),
                    live: &Bits::public(s.role(), &vec![1; n], 1),
                    sums: &sums,
                    extremes: &[],
                    groups,
                };
                group_by(s, &group)
            });
            let shapes = [mpc::Shape::Z128, mpc::Shape::Z64];
            run.assert_cost("group_by", |m| group_by_cost(m, n, key_width, &shapes, &[], groups));
            let sums = run.results.each_ref().map(|grouped| wide(&grouped.sums[0]));
            let mut want = vec![0_u128; 1 << key_width];
            for (key, value) in keys.iter().zip(&values) {
                let sum = &mut want[usize::try_from(*key).unwrap()];
                *sum = sum.wrapping_add(*value);
            }
            let present: Vec<u128> = (0..1 << key_width)
                .filter(|key| keys.contains(key))
                .map(|key| want[usize::try_from(key).unwrap()])
                .collect();
            let got = reconstruct(sums.each_ref()).unwrap();
            assert_eq!(got[..present.len()], present, "n = {n}, keys of {key_width} bits");
            assert!(got[present.len()..].iter().all(|sum| *sum == 0));
        }
    }
}
