//! Extremes, scans, lookups and histograms against the same in clear.

use super::{SIZES, on_bits, on_pair, words};
use crate::{
    mpc::{self, Extremum},
    ring::{Arithmetic, Z32, Z64, Z128},
    share::{Bits, Shared},
    testkit::{Run, World, clear_bits, share_bits},
};

const ENDS: [Extremum; 2] = [Extremum::Min, Extremum::Max];

/// The extreme and the first place that has it.
fn extreme_of<T: Ord + Copy>(values: impl Iterator<Item = T>, which: Extremum) -> (T, u64) {
    let best = (0..).zip(values).reduce(|best, next| {
        let better = match which {
            Extremum::Min => next.1 < best.1,
            Extremum::Max => next.1 > best.1,
        };
        if better { next } else { best }
    });
    best.map(|(place, value)| (value, place)).unwrap()
}

fn places<V>(run: &Run<(V, Bits)>) -> Vec<u64> {
    if run.results[0].1.width() == 0 {
        return vec![0; run.results[0].1.rows()];
    }
    clear_bits(run.results.each_ref().map(|result| &result.1))
}

#[test]
fn extremes_and_their_places_of_bits() {
    for (rows, candidates) in [
        (1, 1),
        (1, 2),
        (1, 3),
        (1, 63),
        (1, 64),
        (1, 65),
        (1, 1000),
        (0, 3),
        (5, 4),
        (65, 7),
        (64, 5),
    ] {
        let (n, width) = (rows * candidates, 5);
        let world = World::new((rows * 1000 + candidates) as u64);
        let x: Vec<u64> = words(world, 1, n).into_iter().map(|x| x & 31).collect();
        for which in ENDS {
            let run = on_bits(world, &[(&x, width)], |s, c| {
                mpc::arg_extremes(s, &c[0], candidates, which, width)
            });
            let row = |i: usize| extreme_of((0..candidates).map(|j| x[j * rows + i]), which);
            let want: Vec<(u64, u64)> = (0..rows).map(row).collect();
            let values = clear_bits(run.results.each_ref().map(|result| &result.0));
            let got: Vec<_> = values.into_iter().zip(places(&run)).collect();
            assert_eq!(got, want, "{which:?} of {rows} × {candidates}");
            run.assert_cost("arg_extremes", |m| {
                mpc::arg_extremes_cost::<Bits>(m, rows, candidates, width);
            });
            let run = on_bits(world, &[(&x, width)], |s, c| {
                mpc::extremes(s, &c[0], candidates, which, width)
            });
            assert_eq!(run.reconstruct(), want.iter().map(|pair| pair.0).collect::<Vec<_>>());
            run.assert_cost("extremes", |m| {
                mpc::extremes_cost::<Bits>(m, rows, candidates, width);
            });
        }
    }
}

fn extremes_of_words<R: Arithmetic>() {
    for (rows, candidates) in [(1, 1), (1, 2), (1, 65), (1, 200), (0, 3), (65, 7)] {
        let (n, width) = (rows * candidates, 20);
        let world = World::new((rows * 1000 + candidates) as u64);
        let x: Vec<i64> = words(world, 1, n).into_iter().map(|x| x.cast_signed() >> 45).collect();
        let shared: Vec<R::Word> = x.iter().map(|x| R::from_i128((*x).into())).collect();
        let dealt = world.deal::<R>(5, &shared);
        for which in ENDS {
            let run = world
                .run(|s| mpc::arg_extremes(s, &dealt[s.role().index()], candidates, which, width));
            let row = |i: usize| extreme_of((0..candidates).map(|j| x[j * rows + i]), which);
            let want: Vec<(i64, u64)> = (0..rows).map(row).collect();
            let values = run.results.each_ref().map(|result| &result.0);
            let values = crate::share::reconstruct(values).unwrap();
            let values = values.into_iter().map(|x| i64::try_from(R::to_i128(x)).unwrap());
            let got: Vec<_> = values.zip(places(&run)).collect();
            assert_eq!(got, want, "{} {which:?} of {rows} × {candidates}", R::NAME);
            run.assert_cost("arg_extremes", |m| {
                mpc::arg_extremes_cost::<Shared<R>>(m, rows, candidates, width);
            });
            let run =
                world.run(|s| mpc::extremes(s, &dealt[s.role().index()], candidates, which, width));
            run.assert_cost("extremes", |m| {
                mpc::extremes_cost::<Shared<R>>(m, rows, candidates, width);
            });
        }
    }
}

#[test]
fn extremes_and_their_places_of_words() {
    extremes_of_words::<Z32>();
    extremes_of_words::<Z64>();
    extremes_of_words::<Z128>();
}

#[test]
fn nothing_has_no_extreme() {
    let run = on_pair(World::new(1), (&[], &[]), |s, x, _| {
        Ok(mpc::extremes(s, x, 0, Extremum::Max, 10).is_err())
    });
    assert_eq!(run.results, [true; 3]);
}

#[test]
fn values_are_held_within_bounds() {
    for n in SIZES {
        let world = World::new(n as u64);
        let mut x: Vec<i64> =
            words(world, 1, n).into_iter().map(|x| x.cast_signed() >> 43).collect();
        for (x, edge) in x.iter_mut().zip([-300, -301, -299, 777, 776, 778, 0, -1, 1]) {
            *x = edge;
        }
        let shared: Vec<u64> = x.iter().map(|x| x.cast_unsigned()).collect();
        let signed = |run: &Run<Shared<Z64>>| -> Vec<i64> {
            run.reconstruct().into_iter().map(u64::cast_signed).collect()
        };
        let run = on_pair(world, (&shared, &shared), |s, x, _| mpc::positive_part(s, x, 22));
        assert_eq!(signed(&run), x.iter().map(|x| *x.max(&0)).collect::<Vec<_>>());
        run.assert_cost("positive_part", |m| mpc::positive_part_cost::<Z64>(m, n, 22));
        let bounds = ((-300_i64).cast_unsigned(), 777);
        let run = on_pair(world, (&shared, &shared), |s, x, _| mpc::clamp(s, x, bounds, 22));
        assert_eq!(signed(&run), x.iter().map(|x| *x.clamp(&-300, &777)).collect::<Vec<_>>());
        run.assert_cost("clamp", |m| mpc::clamp_cost::<Z64>(m, n, 22));
    }
}

/// Values, start bits (a quarter of them, the first not always), and for each row where its segment starts.
fn segments(world: World, n: usize) -> (Vec<u64>, Vec<u64>, Vec<usize>) {
    let starts: Vec<u64> = words(world, 7, n).into_iter().map(|x| u64::from(x & 3 == 0)).collect();
    let mut last = 0;
    let first = |(row, start): (usize, &u64)| {
        last = if *start == 1 { row } else { last };
        last
    };
    let firsts = starts.iter().enumerate().map(first).collect();
    (words(world, 1, n), starts, firsts)
}

const SCANNED: [usize; 12] = [0, 1, 2, 3, 4, 5, 63, 64, 65, 127, 128, 1000];

#[test]
fn words_are_added_and_copied_down_their_segments() {
    for n in SCANNED {
        let world = World::new(n as u64);
        let (x, starts, firsts) = segments(world, n);
        let bits = share_bits(world, 8, &starts, 1);
        let run =
            on_pair(world, (&x, &x), |s, x, _| mpc::segmented_sums(s, x, &bits[s.role().index()]));
        let sum = |row: usize| x[firsts[row]..=row].iter().fold(0_u64, |a, b| a.wrapping_add(*b));
        assert_eq!(run.reconstruct(), (0..n).map(sum).collect::<Vec<_>>(), "n = {n}");
        run.assert_cost("segmented_sums", |m| mpc::segmented_sums_cost::<Z64>(m, n));
        let run = on_pair(world, (&x, &x), |s, x, _| mpc::copy_down(s, x, &bits[s.role().index()]));
        assert_eq!(run.reconstruct(), firsts.iter().map(|at| x[*at]).collect::<Vec<_>>());
        run.assert_cost("copy_down", |m| mpc::copy_down_cost::<Z64>(m, n));
    }
}

#[test]
fn bits_are_carried_down_their_segments() {
    for n in SCANNED {
        let world = World::new(n as u64);
        let (x, starts, firsts) = segments(world, n);
        // Mostly zeros in one half of the planes, mostly ones in the other.
        let x: Vec<u64> =
            x.into_iter().map(|x| (x & x >> 9 & x >> 17 & 15) | (x | x >> 5) & 240).collect();
        let columns = [(x.as_slice(), 8), (starts.as_slice(), 1)];
        let fold = |from: &dyn Fn(usize) -> usize, f: &dyn Fn(u64, u64) -> u64| -> Vec<u64> {
            (0..n).map(|row| x[from(row)..=row].iter().copied().reduce(f).unwrap()).collect()
        };
        let (start, top) = (|row: usize| firsts[row], |_: usize| 0);
        let run = on_bits(world, &columns, |s, c| mpc::copy_down_bits(s, &c[0], &c[1]));
        assert_eq!(run.reconstruct(), fold(&start, &|a, _| a), "copy n = {n}");
        run.assert_cost("copy_down_bits", |m| mpc::copy_down_bits_cost(m, n, 8));
        let run = on_bits(world, &columns, |s, c| mpc::segmented_or(s, &c[0], &c[1]));
        assert_eq!(run.reconstruct(), fold(&start, &|a, b| a | b), "or n = {n}");
        run.assert_cost("segmented_or", |m| mpc::segmented_or_cost(m, n, 8));
        let run = on_bits(world, &columns, |s, c| mpc::segmented_and(s, &c[0], &c[1]));
        assert_eq!(run.reconstruct(), fold(&start, &|a, b| a & b), "and n = {n}");
        run.assert_cost("segmented_and", |m| mpc::segmented_and_cost(m, n, 8));
        let run = on_bits(world, &columns, |s, c| mpc::prefix_or(s, &c[0]));
        assert_eq!(run.reconstruct(), fold(&top, &|a, b| a | b), "prefix or n = {n}");
        run.assert_cost("prefix_or", |m| mpc::prefix_or_cost(m, n, 8));
        let run = on_bits(world, &columns, |s, c| mpc::prefix_and(s, &c[0]));
        assert_eq!(run.reconstruct(), fold(&top, &|a, b| a & b), "prefix and n = {n}");
        run.assert_cost("prefix_and", |m| mpc::prefix_and_cost(m, n, 8));
        for which in ENDS {
            let run =
                on_bits(world, &columns, |s, c| mpc::segmented_extremes(s, &c[0], &c[1], which));
            let want = match which {
                Extremum::Min => fold(&start, &u64::min),
                Extremum::Max => fold(&start, &u64::max),
            };
            assert_eq!(run.reconstruct(), want, "{which:?} n = {n}");
            run.assert_cost("extremes", |m| mpc::segmented_extremes_cost(m, n, 8));
        }
    }
}

/// An operator that does not commute, from closures: maps of two bits, composed.
#[test]
fn a_scan_keeps_the_order_of_any_associative_operator() {
    // A row (a, b) of bits is the map x ↦ a·x ⊕ b; the later one goes on the outside.
    let n = 300;
    let world = World::new(4);
    let (x, starts, firsts) = segments(world, n);
    let x: Vec<u64> = x.into_iter().map(|x| x & 3).collect();
    let op = mpc::Associative::new(
        |s: &mut crate::session::Session, first: &Bits, then: &Bits| {
            let slope = Bits::beside(&[&then.bit_range(0, 1), &then.bit_range(0, 1)]);
            let inner = mpc::and(s, &slope, first)?;
            Ok(inner.xor(&Bits::beside(&[&Bits::zeros(first.rows(), 1), &then.bit_range(1, 1)])))
        },
        |m: &mut crate::session::Meter, rows: usize| mpc::and_cost(m, rows, 2),
    );
    let clear =
        |first: u64, then: u64| then & 1 & first | ((then & first >> 1 & 1) ^ then >> 1) << 1;
    let fold = |from: usize, row: usize| x[from..=row].iter().copied().reduce(clear).unwrap();
    let run = on_bits(world, &[(&x, 2)], |s, c| mpc::scan(s, &op, c[0].clone()));
    assert_eq!(run.reconstruct(), (0..n).map(|row| fold(0, row)).collect::<Vec<_>>());
    run.assert_cost("scan", |m| mpc::scan_cost(m, &op, n));
    let op = mpc::Segmented(op, 2);
    let run = on_bits(world, &[(&x, 2), (&starts, 1)], |s, c| {
        let keep = c[1].not(s.role());
        mpc::scan(s, &op, (keep, c[0].clone()))
    });
    assert_eq!(run.reconstruct(), (0..n).map(|row| fold(firsts[row], row)).collect::<Vec<_>>());
    run.assert_cost("segmented scan", |m| mpc::scan_cost(m, &op, n));
}

#[test]
fn a_scan_does_linear_work() {
    // 2·20 − 1 rounds and fewer than 2n ANDs, where a scan by doubling takes 20 n.
    let n = 1 << 20;
    let mut m = crate::session::Meter::new();
    mpc::prefix_and_cost(&mut m, n, 1);
    assert_eq!(m.total().rounds, 39);
    assert!(m.total().bytes / 3 < 2 * n as u64 / 8 + 100 * 39, "{:?}", m.total());
}

fn composes<R: Arithmetic>() {
    for n in SIZES {
        for width in [1, 2, 31, 64] {
            let world = World::new((n * 100 + width) as u64);
            let x: Vec<u64> = words(world, 1, n).into_iter().map(|x| x >> (64 - width)).collect();
            let run = on_bits(world, &[(&x, width)], |s, c| mpc::from_bits::<R>(s, &c[0]));
            let want: Vec<R::Word> = x.iter().map(|x| R::from_u128((*x).into())).collect();
            assert_eq!(run.reconstruct(), want, "{} n = {n} width {width}", R::NAME);
            run.assert_cost("from_bits", |m| mpc::from_bits_cost::<R>(m, n, width));
        }
    }
}

#[test]
fn bits_become_words() {
    composes::<Z32>();
    composes::<Z64>();
    composes::<Z128>();
}

#[test]
fn one_bit_of_all_values_is_hot() {
    for (n, width) in [(0, 3), (1, 0), (5, 1), (63, 2), (64, 3), (65, 4), (130, 5), (1000, 6)] {
        let world = World::new((n * 10 + width) as u64);
        let x: Vec<u64> = words(world, 1, n).into_iter().map(|x| x & ((1 << width) - 1)).collect();
        let run = on_bits(world, &[(&x, width.max(1))], |s, c| {
            mpc::one_hot(s, &c[0].bit_range(0, width))
        });
        assert_eq!(
            run.reconstruct(),
            x.iter().map(|x| 1 << x).collect::<Vec<u64>>(),
            "{n} × {width}"
        );
        run.assert_cost("one_hot", |m| mpc::one_hot_cost(m, n, width));
    }
    // 2^k − k − 1 ANDs a row and party in ⌈log2 k⌉ rounds.
    let mut m = crate::session::Meter::new();
    mpc::one_hot_cost(&mut m, 64, 8);
    assert_eq!((m.total().bytes - 24 * m.total().messages, m.total().rounds), (3 * 8 * 247, 3));
}

#[test]
fn tables_are_read_at_secret_places() {
    for (n, index, width) in [
        (0, 4, 8),
        (1, 0, 5),
        (2, 1, 64),
        (63, 3, 2),
        (64, 6, 64),
        (65, 8, 8),
        (1000, 7, 1),
        (77, 10, 33),
    ] {
        let world = World::new((n * 100 + index) as u64);
        let x: Vec<u64> = words(world, 1, n).into_iter().map(|x| x & ((1 << index) - 1)).collect();
        // Not quite full: what is not there is 0.
        let entries = (1_usize << index) - usize::from(index > 2);
        let table: Vec<u64> =
            words(world, 2, entries).into_iter().map(|x| x >> (64 - width)).collect();
        let entry = |x: &u64| table.get(usize::try_from(*x).unwrap()).copied().unwrap_or(0);
        let want: Vec<u64> = x.iter().map(entry).collect();
        let run = on_bits(world, &[(&x, index.max(1))], |s, c| {
            mpc::lookup_bits(s, &c[0].bit_range(0, index), &table, width)
        });
        assert_eq!(run.reconstruct(), want, "{n} in 2^{index} × {width}");
        run.assert_cost("lookup_bits", |m| mpc::lookup_bits_cost(m, n, index, width));
        let run = on_bits(world, &[(&x, index.max(1))], |s, c| {
            mpc::lookup_words::<Z64>(s, &c[0].bit_range(0, index), &table)
        });
        assert_eq!(run.reconstruct(), want, "{n} in 2^{index} words");
        run.assert_cost("lookup_words", |m| mpc::lookup_words_cost::<Z64>(m, n, index, &table));
    }
}

fn signed_tables<R: Arithmetic>() {
    let (n, index) = (100, 5);
    let world = World::new(9);
    let x: Vec<u64> = words(world, 1, n).into_iter().map(|x| x & 31).collect();
    let extremes = [R::power_of_two(R::BITS - 1), R::from_i128(-1), R::power_of_two(R::BITS - 2)];
    for table in [
        (0..32).map(|i| R::from_i128(i * 3 - 40)).collect::<Vec<_>>(),
        (0..20).map(|_| R::from_i128(-7)).collect(),
        (0..32).map(|i| extremes[i % 3]).collect(),
        vec![R::from_i128(-7); 32],
    ] {
        let entry = |x: &u64| table.get(usize::try_from(*x).unwrap()).copied().unwrap_or(R::ZERO);
        let run = on_bits(world, &[(&x, index)], |s, c| mpc::lookup_words::<R>(s, &c[0], &table));
        assert_eq!(run.reconstruct(), x.iter().map(entry).collect::<Vec<_>>(), "{}", R::NAME);
        run.assert_cost("lookup_words", |m| mpc::lookup_words_cost::<R>(m, n, index, &table));
    }
}

#[test]
fn tables_of_signed_words_are_read() {
    signed_tables::<Z32>();
    signed_tables::<Z64>();
    signed_tables::<Z128>();
}

#[test]
fn a_long_table_costs_its_root() {
    // 2^16 entries of 16 bits: 2·(2^8 − 9) + 16 bits a row and party.
    let mut m = crate::session::Meter::new();
    mpc::lookup_bits_cost(&mut m, 64, 16, 16);
    assert_eq!((m.total().bytes - 24 * m.total().messages, m.total().rounds), (3 * 8 * 510, 4));
}

#[test]
fn one_hot_bits_select_from_shared_tables() {
    for n in SIZES {
        let world = World::new(n as u64);
        let x: Vec<u64> = words(world, 1, n).into_iter().map(|x| x % 6).collect();
        let hot: Vec<u64> = x.iter().map(|x| if *x == 5 { 0 } else { 1 << x }).collect();
        let columns: Vec<Vec<u64>> = (0..5)
            .map(|j| words(world, 10 + j, n).into_iter().map(|x| x & 511).collect())
            .collect();
        let table: Vec<u64> = words(world, 20, 5).into_iter().map(|x| x & 511).collect();
        let mut dealt = vec![(hot.as_slice(), 5)];
        dealt.extend(columns.iter().map(|column| (column.as_slice(), 9)));
        dealt.push((&table, 9));
        let run = on_bits(world, &dealt, |s, c| mpc::select_column(s, &c[0], &c[1..6]));
        let pick = |(row, x): (usize, &u64)| -> u64 {
            columns.get(usize::try_from(*x).unwrap()).map_or(0, |column| column[row])
        };
        assert_eq!(run.reconstruct(), x.iter().enumerate().map(pick).collect::<Vec<_>>());
        run.assert_cost("select_column", |m| mpc::select_column_cost(m, n, 9));
        let run = on_bits(world, &dealt, |s, c| mpc::select_entry(s, &c[0], &c[6]));
        let pick = |x: &u64| table.get(usize::try_from(*x).unwrap()).copied().unwrap_or(0);
        assert_eq!(run.reconstruct(), x.iter().map(pick).collect::<Vec<_>>());
        run.assert_cost("select_entry", |m| mpc::select_entry_cost(m, n, 9));
    }
}

#[test]
fn bits_are_counted_and_columns_added_up() {
    for n in [0, 1, 2, 63, 64, 65, 128, 129, 192, 193, 640, 1000, 5000] {
        for width in [1, 3, 64] {
            let world = World::new((n * 100 + width) as u64);
            let x: Vec<u64> = words(world, 1, n).into_iter().map(|x| x >> (64 - width)).collect();
            // Negated twice, so that the bits beyond the rows are not zero.
            let run = on_bits(world, &[(&x, width)], |s, c| {
                mpc::count_ones::<Z64>(s, &c[0].not(s.role()))
            });
            let zeros = |bit: usize| x.iter().filter(|x| **x >> bit & 1 == 0).count() as u64;
            assert_eq!(run.reconstruct(), (0..width).map(zeros).collect::<Vec<_>>(), "n = {n}");
            run.assert_cost("count_ones", |m| mpc::count_ones_cost::<Z64>(m, n, width));
            let run = on_bits(world, &[(&x, width)], |s, c| mpc::sum_bits::<Z128>(s, &c[0]));
            assert_eq!(run.reconstruct(), [x.iter().map(|x| u128::from(*x)).sum::<u128>()]);
            run.assert_cost("sum_bits", |m| mpc::sum_bits_cost::<Z128>(m, n, width));
        }
    }
}

#[test]
fn counting_a_million_bits_moves_three_bits_each() {
    let mut m = crate::session::Meter::new();
    mpc::count_ones_cost::<Z64>(&mut m, 1 << 20, 1);
    let bits = 8 * m.total().bytes / (1 << 20);
    assert!(bits == 3 && m.total().rounds <= 36, "{bits} {:?}", m.total());
}

#[test]
fn rows_are_counted_and_added_up_by_small_keys() {
    for (n, key) in [(0, 2), (1, 1), (65, 0), (1000, 4), (300, 3)] {
        let world = World::new((n * 10 + key) as u64);
        let keys: Vec<u64> = words(world, 1, n).into_iter().map(|x| x & ((1 << key) - 1)).collect();
        let live: Vec<u64> = words(world, 2, n).into_iter().map(|x| u64::from(x & 3 > 0)).collect();
        let (x, y) = (words(world, 3, n), words(world, 4, n));
        let sums = |of: &dyn Fn(usize) -> u64| -> Vec<u64> {
            let mut sums = vec![0_u64; 1 << key];
            for row in (0..n).filter(|row| live[*row] == 1) {
                let sum = &mut sums[usize::try_from(keys[row]).unwrap()];
                *sum = sum.wrapping_add(of(row));
            }
            sums
        };
        let columns = [(keys.as_slice(), key.max(1)), (live.as_slice(), 1)];
        let run = on_bits(world, &columns, |s, c| {
            mpc::histogram::<Z32>(s, &c[0].bit_range(0, key), &c[1])
        });
        let got: Vec<u64> = run.reconstruct().into_iter().map(u64::from).collect();
        assert_eq!(got, sums(&|_| 1), "{n} rows, 2^{key} values");
        run.assert_cost("histogram", |m| mpc::histogram_cost::<Z32>(m, n, key));
        let both = world.deal::<Z64>(50, &[x.clone(), y.clone()].concat());
        let run = on_bits(world, &columns, |s, c| {
            mpc::histogram_sums(s, &c[0].bit_range(0, key), &c[1], &both[s.role().index()], 2)
        });
        let want = sums(&|row| x[row]).into_iter().zip(sums(&|row| y[row]));
        assert_eq!(run.reconstruct(), want.flat_map(|(x, y)| [x, y]).collect::<Vec<_>>());
        run.assert_cost("histogram_sums", |m| mpc::histogram_sums_cost::<Z64>(m, n, key, 2));
    }
}
