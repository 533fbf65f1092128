//! Ideal = real for every protocol, over seeds and sizes; and measured = quoted.

mod rings;
mod vectors;

use crate::{
    mpc,
    mpc::{Column, Shape},
    net::{CHUNK_BYTES, HEADER_BYTES},
    party::Role,
    ring::{B64, Ring, Z32, Z64, Z128},
    session::{Meter, OpeningKind, Session, SessionError},
    share::{Bits, Shared},
    testkit::{Run, World, clear_bits, share_bits},
};

const SIZES: [usize; 6] = [0, 1, 63, 64, 65, 1000];

fn words(world: World, label: u64, n: usize) -> Vec<u64> {
    let mut random = world.random(label);
    (0..n).map(|_| random()).collect()
}

/// Runs a protocol on two dealt Z64 vectors.
fn on_pair<T: Send>(
    world: World,
    (x, y): (&[u64], &[u64]),
    protocol: impl Fn(&mut Session, &Shared<Z64>, &Shared<Z64>) -> Result<T, SessionError> + Sync,
) -> Run<T> {
    let (x, y) = (world.deal::<Z64>(1, x), world.deal::<Z64>(2, y));
    world.run(|s| {
        let me = s.role().index();
        protocol(s, &x[me], &y[me])
    })
}

/// Runs a protocol on dealt bit columns.
fn on_bits<T: Send>(
    world: World,
    columns: &[(&[u64], usize)],
    protocol: impl Fn(&mut Session, &[Bits]) -> Result<T, SessionError> + Sync,
) -> Run<T> {
    let dealt: Vec<[Bits; 3]> = (10..)
        .zip(columns)
        .map(|(label, (x, width))| share_bits(world, label, x, *width))
        .collect();
    world.run(|s| {
        let mine: Vec<Bits> = dealt.iter().map(|three| three[s.role().index()].clone()).collect();
        protocol(s, &mine)
    })
}

fn multiplies<R: Ring>(make: impl Fn(u64) -> R::Word) {
    for n in SIZES {
        let world = World::new(n as u64);
        let x: Vec<_> = words(world, 1, n).into_iter().map(&make).collect();
        let y: Vec<_> = words(world, 2, n).into_iter().map(&make).collect();
        let (a, b) = (world.deal::<R>(1, &x), world.deal::<R>(2, &y));
        let run = world.run(|s| mpc::mul(s, &a[s.role().index()], &b[s.role().index()]));
        let mut want = vec![R::ZERO; n];
        R::mul_add(&mut want, &x, &y);
        assert_eq!(run.reconstruct(), want, "{} n = {n}", R::NAME);
        run.assert_cost("mul", |m| mpc::mul_cost::<R>(m, n));
        let run = world.run(|s| mpc::dot(s, &a[s.role().index()], &b[s.role().index()]));
        let sum = want.iter().fold(R::ZERO, |sum, term| R::add(sum, *term));
        assert_eq!(run.reconstruct(), [sum], "{} dot n = {n}", R::NAME);
        run.assert_cost("dot", |m| mpc::dot_cost::<R>(m));
    }
}

#[test]
fn products_are_products_in_every_ring() {
    #[expect(clippy::cast_possible_truncation, reason = "any 32 bits do")]
    multiplies::<Z32>(|i| i as u32);
    multiplies::<Z64>(|i| i);
    multiplies::<Z128>(|i| u128::from(i) << 64 | u128::from(!i));
    multiplies::<B64>(|i| i);
}

#[test]
fn a_product_of_several_frames_is_one_message() {
    let n = 300_000;
    let world = World::new(7);
    let (x, y) = (words(world, 1, n), words(world, 2, n));
    let run = on_pair(world, (&x, &y), mpc::mul);
    let want: Vec<u64> = x.iter().zip(&y).map(|(x, y)| x.wrapping_mul(*y)).collect();
    assert_eq!(run.reconstruct(), want);
    assert_eq!(run.total.messages, 3);
    let frames = (8 * n).div_ceil(CHUNK_BYTES);
    assert!(frames > 2);
    assert_eq!(run.total.bytes, 3 * (8 * n + frames * HEADER_BYTES) as u64);
    assert_eq!(run.total.rounds, 1);
}

#[test]
fn unequal_lengths_are_refused() {
    let world = World::new(1);
    let run = on_pair(world, (&[1, 2], &[3]), |s, x, y| Ok(mpc::mul(s, x, y).is_err()));
    assert_eq!(run.results, [true; 3]);
}

#[test]
fn inputs_come_from_each_compute_party() {
    for (n, owner) in SIZES.into_iter().zip(Role::ALL.into_iter().cycle()) {
        let world = World::new(n as u64);
        let x = words(world, 1, n);
        let run = world.run(|s| {
            let mine = (s.role() == owner).then_some(x.as_slice());
            mpc::input::<Z64>(s, owner, mine, n)
        });
        assert_eq!(run.reconstruct(), x);
        run.assert_cost("input", |m| mpc::input_cost::<Z64>(m, owner, n));
        assert_eq!(run.total.messages, u64::from(n > 0));
    }
}

#[test]
fn opening_to_all_to_one_and_to_nobody() {
    for n in SIZES {
        let world = World::new(n as u64);
        let x = words(world, 1, n);
        let run =
            on_pair(
                world,
                (&x, &x),
                |s, x, _| Ok(mpc::reveal(s, x, OpeningKind::Masked)?.to_vec()),
            );
        assert!(run.results.iter().all(|got| *got == x));
        run.assert_cost("reveal", |m| mpc::reveal_cost::<Z64>(m, n, OpeningKind::Masked));
        for to in Role::ALL {
            let run = on_pair(world, (&x, &x), |s, x, _| {
                Ok(mpc::reveal_to(s, x, to, OpeningKind::Masked)?.map(|got| got.to_vec()))
            });
            for role in Role::ALL {
                assert_eq!(run.results[role.index()].as_ref(), (role == to).then_some(&x));
            }
            run.assert_cost("reveal_to", |m| {
                mpc::reveal_to_cost::<Z64>(m, n, to, OpeningKind::Masked);
            });
        }
        let run = on_pair(world, (&x, &x), |s, x, _| mpc::reshare(s, x));
        assert_eq!(run.reconstruct(), x);
        run.assert_cost("reshare", |m| mpc::reshare_cost::<Z64>(m, n));
    }
}

#[test]
fn less_than_is_exact_up_to_the_boundaries_of_its_width() {
    for width in [1, 2, 7, 31, 32, 62, 63] {
        let limit = 1_i128 << width;
        // Differences −2^w, −2^w + 1, −1, 0, 1, 2^w − 1, from several bases.
        let mut pairs = Vec::new();
        for base in [0, 1, -1, i64::MIN, i64::MAX, 12345] {
            for difference in [-limit, 1 - limit, -1, 0, 1, limit - 1] {
                #[expect(clippy::cast_possible_truncation, reason = "wrapping is meant")]
                let a = base.wrapping_add(difference as i64);
                pairs.push((a.cast_unsigned(), base.cast_unsigned(), difference < 0));
            }
        }
        let x: Vec<u64> = pairs.iter().map(|pair| pair.0).collect();
        let y: Vec<u64> = pairs.iter().map(|pair| pair.1).collect();
        let run = on_pair(World::new(width as u64), (&x, &y), |s, x, y| mpc::lt(s, x, y, width));
        let want: Vec<u64> = pairs.iter().map(|pair| u64::from(pair.2)).collect();
        assert_eq!(run.reconstruct(), want, "width {width}");
    }
}

#[test]
fn comparisons_agree_with_the_clear_ones_on_all_sizes() {
    for n in SIZES {
        for width in [1, 3, 32, 63] {
            let world = World::new((n * 64 + width) as u64);
            let small = |x: u64| x >> (64 - width);
            let x: Vec<u64> = words(world, 1, n).into_iter().map(small).collect();
            let mut y: Vec<u64> = words(world, 2, n).into_iter().map(small).collect();
            x.iter().zip(&mut y).step_by(3).for_each(|(x, y)| *y = *x);
            let pairs = || x.iter().zip(&y);
            let less: Vec<u64> = pairs().map(|(x, y)| u64::from(x < y)).collect();
            let same: Vec<u64> = pairs().map(|(x, y)| u64::from(x == y)).collect();
            let run = on_pair(world, (&x, &y), |s, x, y| mpc::lt(s, x, y, width));
            assert_eq!(run.reconstruct(), less, "lt n = {n} width {width}");
            run.assert_cost("lt", |m| mpc::lt_cost(m, n, width));
            let run = on_pair(world, (&x, &y), |s, x, y| mpc::eq(s, x, y, width));
            assert_eq!(run.reconstruct(), same, "eq n = {n} width {width}");
            run.assert_cost("eq", |m| mpc::eq_cost(m, n, width));
            let columns = [(x.as_slice(), width), (y.as_slice(), width)];
            let run = on_bits(world, &columns, |s, c| mpc::lt_bits(s, &c[0], &c[1]));
            assert_eq!(run.reconstruct(), less, "lt_bits n = {n} width {width}");
            run.assert_cost("lt_bits", |m| mpc::lt_bits_cost(m, n, width));
            let run = on_bits(world, &columns, |s, c| mpc::eq_bits(s, &c[0], &c[1]));
            assert_eq!(run.reconstruct(), same, "eq_bits n = {n} width {width}");
            run.assert_cost("eq_bits", |m| mpc::eq_bits_cost(m, n, width));
        }
    }
}

#[test]
fn conversions_keep_the_value() {
    for n in SIZES {
        let world = World::new(n as u64);
        let x: Vec<u64> = words(world, 1, n).into_iter().map(|x| x & 7).collect();
        let want: Vec<u64> = (0..3).flat_map(|bit| x.iter().map(move |x| x >> bit & 1)).collect();
        let run = on_bits(world, &[(&x, 3)], |s, c| mpc::inject::<Z64>(s, &c[0]));
        assert_eq!(run.reconstruct(), want);
        run.assert_cost("inject", |m| mpc::inject_cost::<Z64>(m, n, 3));
        let run = on_bits(world, &[(&x, 3)], |s, c| mpc::inject::<Z32>(s, &c[0]));
        assert!(run.reconstruct().iter().zip(&want).all(|(got, want)| u64::from(*got) == *want));
        run.assert_cost("inject z32", |m| mpc::inject_cost::<Z32>(m, n, 3));
        for width in [1, 2, 3, 5, 8, 13, 33, 63, 64] {
            let x = words(world, 1, n);
            let run = on_pair(world, (&x, &x), |s, x, _| mpc::to_bits(s, x, width));
            let low: Vec<u64> = x.iter().map(|x| x << (64 - width) >> (64 - width)).collect();
            assert_eq!(run.reconstruct(), low, "n = {n} width {width}");
            run.assert_cost("to_bits", |m| mpc::to_bits_cost(m, n, width));
        }
    }
}

#[test]
fn selection_takes_the_named_side() {
    for n in SIZES {
        let world = World::new(n as u64);
        let (x, y) = (words(world, 1, n), words(world, 2, n));
        let by: Vec<u64> = words(world, 3, n).into_iter().map(|x| x & 1).collect();
        let pick = |x: &[u64], y: &[u64]| -> Vec<u64> {
            (0..n).map(|i| if by[i] == 1 { x[i] } else { y[i] }).collect()
        };
        let columns = [(by.as_slice(), 1), (x.as_slice(), 64), (y.as_slice(), 64)];
        let run = on_bits(world, &columns, |s, c| mpc::select_bits(s, &c[0], &c[1], &c[2]));
        assert_eq!(run.reconstruct(), pick(&x, &y));
        run.assert_cost("select_bits", |m| mpc::select_bits_cost(m, n, 64));
        let run = on_bits(world, &columns, |s, c| mpc::mask_bits(s, &c[1], &c[0]));
        assert_eq!(run.reconstruct(), pick(&x, &vec![0; n]));
        run.assert_cost("mask_bits", |m| mpc::mask_bits_cost(m, n, 64));
        let bit = share_bits(world, 9, &by, 1);
        let run =
            on_pair(world, (&x, &y), |s, x, y| mpc::select_words(s, &bit[s.role().index()], x, y));
        assert_eq!(run.reconstruct(), pick(&x, &y));
        run.assert_cost("select_words", |m| mpc::select_words_cost::<Z64>(m, n));
    }
}

/// A table of one column of each shape, and the clear values.
fn table(world: World, n: usize) -> ([Vec<Column>; 3], Vec<u64>, Vec<u64>, Vec<u64>) {
    let bits: Vec<u64> = words(world, 1, n).into_iter().map(|x| x & 0x1f).collect();
    let wide = words(world, 2, n);
    let z64 = words(world, 3, n);
    let (a, b) = (share_bits(world, 4, &bits, 5), share_bits(world, 5, &wide, 64));
    let c = world.deal::<Z64>(6, &z64);
    let column = |i: usize| {
        // 69 bits: more than a word.
        vec![Column::Bits(Bits::beside(&[&a[i], &b[i]])), Column::Z64(c[i].clone())]
    };
    ([column(0), column(1), column(2)], bits, wide, z64)
}

/// The three clear columns behind a shuffled table.
fn open_table(run: &Run<Vec<Column>>) -> (Vec<u64>, Vec<u64>, Vec<u64>) {
    let bits = run.results.each_ref().map(|columns| match &columns[0] {
        Column::Bits(bits) => bits.clone(),
        other => panic!("{other:?}"),
    });
    let z64 = run.results.each_ref().map(|columns| match &columns[1] {
        Column::Z64(words) => words.clone(),
        other => panic!("{other:?}"),
    });
    let low = bits.each_ref().map(|b| b.bit_range(0, 5));
    let high = bits.each_ref().map(|b| b.bit_range(5, 64));
    let z64 = crate::share::reconstruct(z64.each_ref()).unwrap();
    (clear_bits(low.each_ref()), clear_bits(high.each_ref()), z64)
}

#[test]
fn a_shuffle_moves_whole_rows_and_can_be_undone() {
    for n in SIZES {
        let world = World::new(n as u64);
        let (shares, bits, wide, z64) = table(world, n);
        let shapes = [Shape::Bits(69), Shape::Z64];
        let run = world.run(|s| mpc::Shuffle::draw(s, n).apply(s, &shares[s.role().index()]));
        run.assert_cost("shuffle", |m| mpc::shuffle_cost(m, n, &shapes, false));
        let (got_bits, got_wide, got_z64) = open_table(&run);
        let mut rows: Vec<_> = (0..n).map(|i| (bits[i], wide[i], z64[i])).collect();
        let mut got: Vec<_> = (0..n).map(|i| (got_bits[i], got_wide[i], got_z64[i])).collect();
        assert!(n < 63 || rows != got, "n = {n}: the order changed");
        rows.sort_unstable();
        got.sort_unstable();
        assert_eq!(got, rows, "n = {n}: the same rows");
        let back = world.run(|s| {
            let shuffle = mpc::Shuffle::draw(s, n);
            let moved = shuffle.apply(s, &shares[s.role().index()])?;
            shuffle.undo(s, &moved)
        });
        assert_eq!(open_table(&back), (bits, wide, z64), "n = {n}: undone");
        back.assert_cost("shuffle and back", |m| {
            mpc::shuffle_cost(m, n, &shapes, false);
            mpc::shuffle_cost(m, n, &shapes, true);
        });
    }
}

/// Sorts shared keys and a column of row numbers; the column sorted, and put back.
fn check_sort(n: usize, width: usize, digit: usize, positions_first: bool) {
    let world = World::new((n * 100 + width * 10 + digit) as u64);
    let keys: Vec<u64> = words(world, 1, n).into_iter().map(|x| x & ((1 << width) - 1)).collect();
    let row: Vec<u64> = (0..n as u64).collect();
    let (shared, rows) = (share_bits(world, 2, &keys, width.max(1)), world.deal::<Z64>(3, &row));
    let run = world.run(|s| {
        let me = s.role().index();
        let keys = shared[me].bit_range(0, width);
        let columns = [Column::Z64(rows[me].clone())];
        let (order, sorted) = if positions_first {
            let positions = mpc::sort_positions_by(s, &keys, digit)?;
            mpc::Ordering::apply(s, &positions, &columns)?
        } else {
            mpc::Ordering::sort_by(s, &keys, digit, &columns)?
        };
        let back = order.undo(s, &sorted)?;
        Ok([sorted, back].map(|mut columns| match columns.remove(0) {
            Column::Z64(words) => words,
            other => panic!("{other:?}"),
        }))
    });
    run.assert_cost("sort", |m| {
        if positions_first {
            mpc::sort_positions_by_cost(m, n, width, digit);
            mpc::order_cost(m, n, &[Shape::Z64]);
        } else {
            mpc::sort_by_cost(m, n, width, digit, &[Shape::Z64]);
        }
        mpc::undo_cost(m, n, &[Shape::Z64]);
    });
    let open =
        |i: usize| crate::share::reconstruct(run.results.each_ref().map(|pair| &pair[i])).unwrap();
    let mut want = row.clone();
    want.sort_by_key(|i| keys[usize::try_from(*i).unwrap()]);
    assert!(open(0) == want, "n = {n} width {width} digit {digit}");
    assert!(open(1) == row, "n = {n} width {width} digit {digit}: back");
}

#[test]
fn sorting_is_stable_and_moves_columns_along_and_back() {
    for n in SIZES {
        for width in [0, 1, 2, 3, 4, 6, 7, 17] {
            for digit in 1..=4 {
                check_sort(n, width, digit, true);
                check_sort(n, width, digit, false);
            }
        }
    }
}

#[test]
fn positions_of_more_than_two_bytes_and_messages_of_several_parts_sort_too() {
    for n in [65_535, 65_536, 65_537, 140_001] {
        check_sort(n, 7, 3, true);
        check_sort(n, 5, 2, false);
    }
}

#[test]
fn a_digit_is_five_rounds() {
    for (digit, digits) in [(1, 32), (2, 16), (3, 11), (4, 8)] {
        let mut m = Meter::new();
        mpc::sort_positions_by_cost(&mut m, 100_000, 32, digit);
        assert_eq!(m.total().rounds, 5 * digits - 1, "digits of {digit} bits");
    }
}

#[test]
fn opened_positions_that_are_no_permutation_end_the_run() {
    let world = World::new(3);
    let positions = world.deal::<Z32>(1, &[0, 2, 2, 3]);
    let run = world.run(|s| Ok(mpc::Ordering::apply(s, &positions[s.role().index()], &[]).err()));
    for result in run.results {
        assert_eq!(result, Some(SessionError::NotAPermutation { step: 1 }));
    }
}
