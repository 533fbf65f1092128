//! Shares against the clear: the same trees, cut by cut.

use protocols::{
    prg::Prg,
    ring::Z64,
    session::Meter,
    testkit::{Run, World},
};

use super::*;
use crate::{
    average::{Seeds, explicit_party, split},
    model::{Rows, area_under_curve},
};

/// Rows of bins with some rhyme, and labels.
fn rows(seed: u64, n: usize, plan: &Plan) -> (Vec<u8>, Vec<f32>) {
    let mut random = World::new(seed).random(7);
    let mut codes = Vec::with_capacity(n * plan.features);
    let mut labels = Vec::with_capacity(n);
    let bins = plan.bins as u64;
    for _ in 0..n {
        let row: Vec<u8> =
            (0..plan.features).map(|_| u8::try_from(random() % bins).unwrap()).collect();
        let first = u64::from(row[0]) * 2 > bins;
        let last = row.last().is_some_and(|bin| u64::from(*bin) * 3 > bins);
        let noise = random().is_multiple_of(8);
        labels.push(f32::from(u8::from((first | last) ^ noise)));
        codes.extend(row);
    }
    (codes, labels)
}

/// Providers' rows: some each, one provider none.
fn parted(plan: &Plan, codes: &[u8], labels: &[f32], providers: usize) -> Vec<(Codes, Vec<f32>)> {
    let n = labels.len();
    let cut = |k: usize| n * k * k / (providers * providers);
    (0..providers)
        .map(|k| {
            let (from, to) = (cut(k), cut(k + 1));
            let codes = codes[from * plan.features..to * plan.features].to_vec();
            (Codes::new(plan.features, codes).unwrap(), labels[from..to].to_vec())
        })
        .collect()
}

/// The whole training: providers share their sums, three parties decide.
fn grown(seed: u64, setting: &Setting, parts: &[(Codes, Vec<f32>)]) -> Forest {
    let mut growers: Vec<Grower> = parts
        .iter()
        .map(|(codes, labels)| Grower::new(setting, codes.clone(), labels).unwrap())
        .collect();
    let mut rng = Prg::new(&[9; 16]);
    let mut committee = [(); 3].map(|()| Some(Committee::new(setting)));
    let mut forest = Forest::default();
    let mut step = 0;
    while growers[0].turn() != Turn::Done {
        let turn = growers[0].turn();
        assert!(growers.iter().all(|grower| grower.turn() == turn));
        step += 1;
        // Each step in a world of its own, since nothing is kept between them but shares.
        let world = World::new(seed << 20 | step);
        let parties = std::sync::Mutex::new(committee);
        if let Turn::Level { level, .. } = turn {
            let mut sums = [0, 1, 2].map(|_| vec![0; setting.words(level)]);
            for (k, grower) in growers.iter().enumerate() {
                let words = grower.histograms().unwrap();
                let shares = split(words, Seeds::draw(&mut rng), explicit_party(k));
                sums.iter_mut().zip(&shares).for_each(|(sum, share)| share.add_to(sum));
            }
            let run = world.run(|s| {
                let i = s.role().index();
                let mut party = parties.lock().unwrap()[i].take().unwrap();
                let sums = replicate(s, &sums[i])?;
                let cuts = party.decide(s, &sums)?;
                parties.lock().unwrap()[i] = Some(party);
                Ok(cuts)
            });
            priced(&run, |m| {
                replicate_cost(m, setting.words(level));
                decide_cost(m, setting, level);
            });
            let cuts = agreed(run);
            growers.iter_mut().for_each(|grower| grower.split(&cuts).unwrap());
        } else {
            let run = world.run(|s| {
                let i = s.role().index();
                let mut party = parties.lock().unwrap()[i].take().unwrap();
                let tree = party.leaves(s)?;
                parties.lock().unwrap()[i] = Some(party);
                Ok(tree)
            });
            priced(&run, |m| leaves_cost(m, setting));
            let tree = agreed(run);
            growers.iter_mut().for_each(|grower| grower.finish(&tree.leaves).unwrap());
            forest.trees.push(tree);
        }
        committee = parties.into_inner().unwrap();
    }
    forest
}

fn priced<T>(run: &Run<T>, quote: impl FnOnce(&mut Meter)) {
    run.assert_cost("a step of a tree", quote);
}

fn agreed<T: PartialEq + std::fmt::Debug>(run: Run<T>) -> T {
    let [first, second, third] = run.results;
    assert_eq!(first, second);
    assert_eq!(first, third);
    first
}

#[test]
fn trees_on_shares_are_those_of_all_rows_in_one_place() {
    let base = Plan { trees: 3, ..Plan::default() };
    let cases = [
        (1, 1, Plan { features: 1, bins: 2, depth: 1, least: 1, ..base }),
        (63, 2, Plan { features: 3, bins: 3, depth: 2, least: 3, ..base }),
        (65, 3, Plan { features: 2, bins: 17, depth: 3, least: 1, lambda: 0.25, ..base }),
        (1000, 4, Plan { features: 5, bins: 16, depth: 4, rows: 1000, ..base }),
        (1000, 2, Plan { features: 4, bins: 8, gamma: 3.0, rows: 1 << 20, rate: 1.0, ..base }),
    ];
    for (seed, (n, providers, plan)) in (0..).zip(cases) {
        let setting = Setting::new(plan).unwrap();
        let (codes, labels) = rows(seed, n, &plan);
        let all = Codes::new(plan.features, codes.clone()).unwrap();
        let want = central(&setting, all, &labels).unwrap();
        let got = grown(seed, &setting, &parted(&plan, &codes, &labels, providers));
        assert_eq!(got, want, "seed {seed}: {n} rows, {plan:?}");
        assert_eq!(want.trees.len(), 3);
        if n > 100 {
            assert!(want.trees[0].cuts[0][0].is_some(), "{plan:?}");
        }
    }
}

/// What the trees are, worked out anew from the rows in real numbers.
#[test]
fn cuts_are_the_best_and_leaves_are_newton_steps() {
    let plan = Plan { features: 4, bins: 8, depth: 3, trees: 1, ..Plan::default() };
    let setting = Setting::new(plan).unwrap();
    let (codes, labels) = rows(11, 2000, &plan);
    let all = Codes::new(plan.features, codes).unwrap();
    let forest = central(&setting, all.clone(), &labels).unwrap();
    let tree = &forest.trees[0];
    // Before the first tree every row has g = 1/2 − y and h = 1/4.
    let newton = |rows: &[usize]| {
        let gradient: f64 = rows.iter().map(|row| 0.5 - f64::from(labels[*row])).sum();
        (gradient, rows.len() as f64 / 4.0 + plan.lambda)
    };
    let quality = |rows: &[usize]| {
        let (gradient, hessian) = newton(rows);
        gradient * gradient / hessian
    };
    let row: Vec<&[u8]> = all.rows().collect();
    let parted = |rows: &[usize], cut: Cut| -> [Vec<usize>; 2] {
        let (right, left) = rows.iter().partition(|at| cut.is_right(row[**at]));
        [left, right]
    };
    let mut level: Vec<Vec<usize>> = vec![(0..row.len()).collect()];
    for cuts in &tree.cuts {
        let mut below = Vec::new();
        for (rows, cut) in level.iter().zip(cuts) {
            let gain = |cut: Cut| {
                let sides = parted(rows, cut);
                let enough = sides.iter().all(|side| side.len() as u64 >= plan.least);
                enough.then(|| quality(&sides[0]) + quality(&sides[1]) - quality(rows))
            };
            let all = (0..plan.features)
                .flat_map(|feature| (0..plan.bins - 1).map(move |bin| Cut { feature, bin }));
            let most = all.filter_map(gain).fold(0.0, f64::max);
            match cut {
                Some(cut) => {
                    let gain = gain(*cut).expect("rows enough on both sides");
                    assert!(gain > 0.0 && gain >= most - 1e-9, "{gain} where {most} is possible");
                    below.extend(parted(rows, *cut));
                }
                None => {
                    assert!(most <= 1e-9, "{most} would be gained");
                    below.extend([rows.clone(), Vec::new()]);
                }
            }
        }
        level = below;
    }
    for (rows, value) in level.iter().zip(&tree.leaves) {
        let (gradient, hessian) = newton(rows);
        let want = -gradient / hessian;
        let got = *value as f64 / 1024.0;
        assert!(got <= want && want < got + 1.0 / 1024.0, "{got} for {want}");
    }
}

#[test]
fn leaves_are_held_within_their_range() {
    // Rows of one class under a small λ: each value goes up by the most there is, and then the hessian is next to nothing.
    let plan = Plan { trees: 4, least: 1, lambda: 1e-3, rate: 4.0, depth: 1, ..Plan::default() };
    let setting = Setting::new(plan).unwrap();
    for label in [0.0, 1.0] {
        let codes = vec![0; 50];
        let labels = vec![label; 50];
        let want = central(&setting, Codes::new(1, codes.clone()).unwrap(), &labels).unwrap();
        let got = grown(3, &setting, &parted(&plan, &codes, &labels, 1));
        assert_eq!(got, want);
        let values: Vec<i64> = want.trees.iter().map(|tree| tree.leaves[0]).collect();
        assert!(values.iter().all(|value| (-8192..8192).contains(value)), "{values:?}");
    }
    // Sums that no rows have: a quotient beyond either end.
    let plan = Plan { depth: 1, least: 1, lambda: 1e-3, ..plan };
    let setting = Setting::new(plan).unwrap();
    for (gradient, want) in [(1_i64 << 24, -8192), (-(1 << 24), 8191)] {
        let mut sums = vec![0_u64; setting.words(0)];
        let bins = plan.bins;
        (sums[0], sums[bins], sums[2 * bins]) = (1000, gradient.cast_unsigned(), 0);
        let world = World::new(5);
        let shared = world.deal::<Z64>(1, &sums);
        let run = world.run(|s| {
            let mut party = Committee::new(&setting);
            party.decide(s, &shared[s.role().index()])?;
            party.leaves(s)
        });
        assert_eq!(agreed(run).leaves, vec![want, 0]);
    }
}

#[test]
fn too_few_rows_are_no_side_of_a_cut_and_no_leaf() {
    let plan = Plan { features: 2, bins: 4, depth: 2, trees: 1, least: 20, ..Plan::default() };
    let setting = Setting::new(plan).unwrap();
    // 19 rows that one cut would tell apart from the 100 others.
    let few = |n: usize| {
        let (mut codes, mut labels) = (vec![0; 200], vec![0.0; 100]);
        codes.extend([3, 0].repeat(n));
        labels.extend(vec![1.0; n]);
        (codes, labels)
    };
    for (n, splits) in [(19, false), (20, true)] {
        let (codes, labels) = few(n);
        let forest = grown(7, &setting, &parted(&plan, &codes, &labels, 2));
        assert_eq!(forest.trees[0].cuts[0][0].is_some(), splits, "{n} rows");
    }
    // Fewer rows in all: a value that says nothing.
    let forest = grown(8, &setting, &parted(&plan, &[0; 38], &[1.0; 19], 2));
    assert!(forest.trees[0].leaves.iter().all(|value| *value == 0));
    let forest = grown(8, &setting, &parted(&plan, &[0; 40], &[1.0; 20], 2));
    assert!(forest.trees[0].leaves[0] > 0);
}

#[test]
fn edges_are_quantiles_of_all_rows() {
    let (features, buckets, bins) = (3, 128, 10);
    let plan = Plan { features, bins, rows: 5000, ..Plan::default() };
    let setting = Setting::new(plan).unwrap();
    let grids = [
        Grid { low: 0.0, high: 1.0, buckets },
        Grid { low: -1.0, high: 1.0, buckets },
        Grid { low: 0.0, high: 0.0, buckets },
    ];
    let mut random = World::new(2).random(1);
    let mut unit = move || (random() >> 40) as f32 / (1_u64 << 24) as f32;
    let values: Vec<f32> = (0..1000)
        .flat_map(|_| [unit() * unit(), if unit() < 0.9 { 0.0 } else { unit() }, 5.0])
        .collect();
    let rows = Rows::new(features, values, vec![0.0; 1000]).unwrap();
    let counts = Bins::counts(&grids, &rows);
    let want: Vec<u64> = counts
        .chunks(buckets)
        .flat_map(|counts| {
            (1..bins as u64).map(move |q| {
                let below = |bucket: &usize| {
                    counts[..=*bucket].iter().sum::<u64>() * (bins as u64) < q * 1000
                };
                (0..buckets).filter(below).count() as u64
            })
        })
        .collect();
    let world = World::new(1);
    let shared = world.deal::<Z64>(1, &counts);
    let run = world.run(|s| edges(s, &setting, &shared[s.role().index()], buckets));
    run.assert_cost("edges", |m| edges_cost(m, &setting, buckets));
    for result in &run.results {
        assert_eq!(result[..], want[..]);
    }
    let made = Bins::of_edges(&grids, &want).unwrap();
    let codes = made.codes(&rows);
    let in_bin = |bin: u8| codes.rows().filter(|row| row[0] == bin).count();
    assert!((0..10).all(|bin| (60..=140).contains(&in_bin(bin))), "a tenth of the rows each");
    let short = world.run(|s| {
        assert!(edges(s, &setting, &shared[s.role().index()].slice(0, 128), buckets).is_err());
        assert!(edges(s, &setting, &shared[s.role().index()], 96).is_err());
        Ok(())
    });
    assert_eq!(short.total.bytes, 0);
}

#[test]
fn what_is_not_due_is_refused() {
    let plan = Plan { features: 2, bins: 4, depth: 1, trees: 1, ..Plan::default() };
    let setting = Setting::new(plan).unwrap();
    let codes = || Codes::new(2, vec![0, 1, 2, 3]).unwrap();
    let grower = |labels: &[f32]| Grower::new(&setting, codes(), labels);
    assert_eq!(grower(&[0.0, 0.5]).unwrap_err(), GrowError::Label(1));
    assert!(matches!(grower(&[0.0]), Err(GrowError::Shape { what: "labels", .. })));
    let wide = Codes::new(2, vec![0, 4]).unwrap();
    assert!(matches!(
        Grower::new(&setting, wide, &[0.0]),
        Err(GrowError::Shape { what: "bins", got: 5, want: 4 })
    ));
    let mut right = grower(&[0.0, 1.0]).unwrap();
    assert!(matches!(right.finish(&[0, 0]), Err(GrowError::Turn { .. })));
    let outside = [Some(Cut { feature: 2, bin: 0 })];
    assert!(matches!(right.split(&outside), Err(GrowError::Shape { .. })));
    assert!(matches!(
        right.split(&[Some(Cut { feature: 1, bin: 3 })]),
        Err(GrowError::Shape { .. })
    ));
    assert!(matches!(right.split(&[None, None]), Err(GrowError::Shape { .. })));
    right.split(&[None]).unwrap();
    assert!(matches!(right.histograms(), Err(GrowError::Turn { .. })));
    assert!(matches!(right.finish(&[0]), Err(GrowError::Shape { .. })));
    right.finish(&[5, 0]).unwrap();
    assert_eq!(right.turn(), Turn::Done);
    assert!(matches!(right.split(&[None]), Err(GrowError::Turn { .. })));
    let run = World::new(1).run(|s| {
        let mut party = Committee::new(&setting);
        assert!(party.leaves(s).is_err());
        assert!(party.decide(s, &protocols::share::Shared::zeros(3)).is_err());
        Ok(())
    });
    assert_eq!(run.total.bytes, 0);
}

#[test]
fn plans_without_room_are_refused() {
    let plan = Plan::default();
    assert_eq!(Setting::new(Plan { rows: 32_561, ..plan }).unwrap().bits(), 11);
    let refused = |plan| Setting::new(plan).unwrap_err();
    assert!(matches!(refused(Plan { rows: 1 << 30, ..plan }), PlanError::Rows { .. }));
    for bad in [
        Plan { rows: 0, ..plan },
        Plan { features: 0, ..plan },
        Plan { bins: 1, ..plan },
        Plan { bins: 257, ..plan },
        Plan { depth: 0, ..plan },
        Plan { depth: 9, ..plan },
        Plan { trees: 0, ..plan },
        Plan { least: 0, ..plan },
        Plan { lambda: 0.0, ..plan },
        Plan { lambda: f64::NAN, ..plan },
        Plan { gamma: -1.0, ..plan },
        Plan { rate: f64::INFINITY, ..plan },
    ] {
        assert!(matches!(refused(bad), PlanError::Range { .. }), "{bad:?}");
    }
}

/// Sums as large as the plan allows: nothing wraps.
#[test]
fn the_largest_sums_are_compared_without_overflow() {
    for rows in [1_u64, 1000, 32_561, 1 << 20] {
        let plan =
            Plan { rows, features: 1, bins: 2, depth: 1, trees: 1, least: 1, ..Plan::default() };
        let setting = Setting::new(plan).unwrap();
        let unit = 1_i64 << setting.bits();
        let half = (rows / 2).cast_signed();
        let rest = rows.cast_signed() - half;
        for signs in [[1, -1], [-1, 1], [1, 1]] {
            let sums: Vec<u64> = [
                [half, rest],
                [half * unit * signs[0], rest * unit * signs[1]],
                [half * unit / 4, rest * unit / 4],
            ]
            .concat()
            .iter()
            .map(|sum| sum.cast_unsigned())
            .collect();
            let mut clear = Central::new(&setting);
            let want = (clear.decide(&sums), clear.leaves());
            let world = World::new(rows);
            let shared = world.deal::<Z64>(1, &sums);
            let run = world.run(|s| {
                let mut party = Committee::new(&setting);
                let cuts = party.decide(s, &shared[s.role().index()])?;
                Ok((cuts, party.leaves(s)?))
            });
            assert_eq!(agreed(run), want, "{rows} rows, {signs:?}");
        }
    }
}

#[test]
fn a_real_table_is_told_apart() {
    let text = include_str!("../../../testdata/breast_cancer/breast_cancer.csv");
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for line in text.lines().skip(1) {
        let mut numbers: Vec<f32> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        labels.push(numbers.pop().unwrap());
        values.extend(numbers);
    }
    let all = Rows::new(30, values, labels).unwrap();
    let [train, test] = [0, 1].map(|part| {
        let chosen: Vec<usize> =
            (0..all.len()).filter(|row| (row % 4 == 3) == (part == 1)).collect();
        all.pick(&chosen)
    });
    let ends = |at: usize| {
        let column = (0..train.len()).map(|row| f64::from(train.row(row)[at]));
        column.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)))
    };
    let grids: Vec<Grid> = (0..30)
        .map(|at| {
            let (low, high) = ends(at);
            Grid { low, high, buckets: 256 }
        })
        .collect();
    let plan = Plan { rows: 1 << 10, features: 30, trees: 20, depth: 3, ..Plan::default() };
    let setting = Setting::new(plan).unwrap();
    let bins = Bins::even(&grids, plan.bins);
    let labels = |rows: &Rows| (0..rows.len()).map(|row| rows.label(row)).collect::<Vec<f32>>();
    let forest = central(&setting, bins.codes(&train), &labels(&train)).unwrap();
    #[expect(clippy::cast_possible_truncation, reason = "scores are compared only")]
    let scores: Vec<f32> =
        forest.scores(&plan, &bins.codes(&test)).iter().map(|x| *x as f32).collect();
    let area = area_under_curve(&scores, &labels(&test));
    assert!(area > 0.985, "{area}");
}

/// What is opened of a node that is not split: nothing but that it is not, though it has a best cut.
#[test]
fn nothing_is_said_of_where_a_leaf_would_be_cut() {
    let plan = Plan { features: 3, bins: 4, depth: 1, least: 1, ..Plan::default() };
    let (codes, labels) = rows(4, 500, &plan);
    let all = Codes::new(3, codes).unwrap();
    for (gamma, splits) in [(0.0, true), (1e4, false)] {
        let setting = Setting::new(Plan { gamma, ..plan }).unwrap();
        let sums = Grower::new(&setting, all.clone(), &labels).unwrap().histograms().unwrap();
        let world = World::new(6);
        let left = world.deal::<Z64>(1, &layout::left_of_cuts(&setting, 1, &sums));
        let whole = world.deal::<Z64>(2, &layout::totals(&setting, 1, &sums));
        let run = world.run(|s| {
            let i = s.role().index();
            cuts::best_cuts(s, &setting, &left[i], &whole[i])
        });
        let best = run.reconstruct();
        assert_eq!(best[0] >> 4 == 1, splits, "γ = {gamma}");
        assert_eq!(best[0] & 15 != 0, splits, "γ = {gamma}: {best:?}");
    }
}
