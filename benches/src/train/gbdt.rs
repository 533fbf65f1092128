//! Boosted trees: what the committee decides on shares.

use federated::{
    model::{Rows, area_under_curve},
    trees::{
        Bins, Central, Codes, Committee, Forest, Grid, Grower, Plan, Setting, Tree, Turn, central,
        decide_cost, leaves_cost,
    },
};
use protocols::{
    mpc::Column,
    prg::Prg,
    ring::Z32,
    session::{Meter, Session, SessionError},
    share::Shared,
};

use super::adult::{TRAIN, adult};
use crate::{
    Failure,
    case::{Case, Clear, Verdict, misfit},
};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "gbdt",
        note: "20 trees of 4 levels on n rows, 14 features of 16 bins: all decisions of the committee on shared sums",
        rows: |n| n.max(1),
        clear: |_, n| sums(&synthetic(n)),
        run: |s, inputs| grow(s, inputs, setting),
        quote: |m, n| quote(m, setting(n)),
        judge: |_, opened| is_central(&synthetic(opened[1].len()), opened),
    },
    Case {
        name: "gbdt/adult",
        note: "the same of UCI Adult; the error is how far the area under the curve is below 0.9058",
        rows: |_| TRAIN,
        clear: |_, _| sums(&census(setting)),
        run: |s, inputs| grow(s, inputs, setting),
        quote: |m, n| quote(m, setting(n)),
        judge: |_, opened| area(opened, setting, 0.9058).unwrap_or(Verdict::Exact(false)),
    },
    Case {
        name: "gbdt/adult-100",
        note: "100 trees of 5 levels and 32 bins of UCI Adult; the error is how far the area under the curve is below 0.9110",
        rows: |_| TRAIN,
        clear: |_, _| sums(&census(larger)),
        run: |s, inputs| grow(s, inputs, larger),
        quote: |m, n| quote(m, larger(n)),
        judge: |_, opened| area(opened, larger, 0.9110).unwrap_or(Verdict::Exact(false)),
    },
];

/// How near is near: half a point.
const NEAR: f64 = 0.005;

/// A training in the clear.
struct Task {
    setting: Setting,
    codes: Codes,
    labels: Vec<f32>,
}

fn setting(n: usize) -> Option<Setting> {
    Setting::new(Plan { rows: n as u64, features: 14, ..Plan::default() }).ok()
}

fn larger(n: usize) -> Option<Setting> {
    let plan = Plan { trees: 100, depth: 5, bins: 32, ..Plan::default() };
    Setting::new(Plan { rows: n as u64, features: 14, ..plan }).ok()
}

/// Rows whose label depends on some features, and on chance.
fn synthetic(n: usize) -> Option<Task> {
    let setting = setting(n)?;
    let features = setting.plan().features;
    let draws = Prg::new(&[8; 16]).elements::<Z32>(n * (features + 1));
    let (mut codes, mut labels) = (Vec::with_capacity(n * features), Vec::with_capacity(n));
    for row in draws.chunks_exact(features + 1) {
        let bins: Vec<u8> = row[1..].iter().map(|word| word.to_le_bytes()[3] >> 4).collect();
        let score: u32 = bins.iter().zip(0..).map(|(bin, at)| u32::from(*bin) * at).sum();
        labels.push(f32::from(u8::from(score + row[0] % 200 > 780)));
        codes.extend(bins);
    }
    Some(Task { setting, codes: Codes::new(features, codes)?, labels })
}

/// The census in bins.
fn census(setting: fn(usize) -> Option<Setting>) -> Option<Task> {
    let [train, _] = &adult()?.plain;
    let labels = (0..train.len()).map(|row| train.label(row)).collect();
    let setting = setting(train.len())?;
    Some(Task { codes: census_bins(train, setting.plan().bins)?.codes(train), setting, labels })
}

/// The bins that [`federated::trees::edges`] finds, here from counts in the clear.
fn census_bins(train: &Rows, bins: usize) -> Option<Bins> {
    const BUCKETS: usize = 256;
    let grid = |(low, high): &(f64, f64)| Grid { low: *low, high: *high, buckets: BUCKETS };
    let grids: Vec<Grid> = adult()?.ends.iter().map(grid).collect();
    let edge = |counts: &[u64], q: usize| {
        let all = counts.iter().sum::<u64>() * q as u64;
        let mut so_far = 0;
        let below = counts.iter().take_while(|count| {
            so_far += *count * bins as u64;
            so_far < all
        });
        below.count() as u64
    };
    let counts = Bins::counts(&grids, train);
    let edges: Vec<u64> = counts
        .chunks(BUCKETS)
        .flat_map(|counts| (1..bins).map(|q| edge(counts, q)).collect::<Vec<_>>())
        .collect();
    Bins::of_edges(&grids, &edges)
}

/// All sums of the training, level by level, and a word a row that only says how many there are: the trees on shares are those of the
/// clear, and so are the sums they ask for.
fn sums(task: &Option<Task>) -> Vec<Clear> {
    let Some(task) = task else { return Vec::new() };
    let grown = || -> Result<Vec<u64>, Failure> {
        let mut grower = Grower::new(&task.setting, task.codes.clone(), &task.labels)?;
        let (mut decider, mut all) = (Central::new(&task.setting), Vec::new());
        loop {
            match grower.turn() {
                Turn::Level { .. } => {
                    let words = grower.histograms()?;
                    grower.split(&decider.decide(&words))?;
                    all.extend(words);
                }
                Turn::Leaves { .. } => grower.finish(&decider.leaves().leaves)?,
                Turn::Done => return Ok(all),
            }
        }
    };
    let rows = Clear::Words(vec![0; task.labels.len()]);
    grown().map_or_else(|_| Vec::new(), |all| vec![Clear::Words(all), rows])
}

fn grow(
    s: &mut Session,
    inputs: &[Column],
    setting: fn(usize) -> Option<Setting>,
) -> Result<Vec<Column>, SessionError> {
    let [Column::Z64(sums), Column::Z64(rows)] = inputs else { return Err(misfit(s, inputs)) };
    let Some(setting) = setting(rows.len()) else { return Err(misfit(s, inputs)) };
    let mut party = Committee::new(&setting);
    let (mut at, mut words) = (0, Vec::new());
    for _ in 0..setting.plan().trees {
        for level in 0..setting.plan().depth {
            let to = at + setting.words(level);
            party.decide(s, &sums.slice(at, to))?;
            at = to;
        }
        words.extend(as_words(&setting, &party.leaves(s)?));
    }
    Ok(vec![Column::Z64(Shared::public(s.role(), &words)), Column::Z64(rows.clone())])
}

/// A tree as words: its cuts, and its leaves.
fn as_words(setting: &Setting, tree: &Tree) -> Vec<u64> {
    let bins = setting.plan().bins;
    let cuts = tree.cuts.iter().flatten();
    let cuts = cuts.map(|cut| cut.map_or(u64::MAX, |cut| (cut.feature * bins + cut.bin) as u64));
    cuts.chain(tree.leaves.iter().map(|value| value.cast_unsigned())).collect()
}

fn quote(m: &mut Meter, setting: Option<Setting>) {
    let Some(setting) = setting else { return };
    for _ in 0..setting.plan().trees {
        for level in 0..setting.plan().depth {
            decide_cost(m, &setting, level);
        }
        leaves_cost(m, &setting);
    }
}

fn clearly(task: &Task) -> Option<Forest> {
    central(&task.setting, task.codes.clone(), &task.labels).ok()
}

fn is_central(task: &Option<Task>, opened: &[Vec<u64>]) -> Verdict {
    let want = task.as_ref().and_then(|task| Some((task, clearly(task)?)));
    Verdict::Exact(want.is_some_and(|(task, forest)| {
        let words = forest.trees.iter().flat_map(|tree| as_words(&task.setting, tree));
        words.eq(opened[0].iter().copied())
    }))
}

/// How far the area under the curve of the test's rows is below the golden one, of trees that are those of the clear.
fn area(
    opened: &[Vec<u64>],
    setting: fn(usize) -> Option<Setting>,
    golden: f64,
) -> Option<Verdict> {
    let task = census(setting);
    if !is_central(&task, opened).is_right() {
        return None;
    }
    let (task, [train, test]) = (task?, &adult()?.plain);
    let codes = census_bins(train, task.setting.plan().bins)?.codes(test);
    let scores = clearly(&task)?.scores(task.setting.plan(), &codes);
    #[expect(clippy::cast_possible_truncation, reason = "scores are compared only")]
    let scores: Vec<f32> = scores.iter().map(|score| *score as f32).collect();
    let labels: Vec<f32> = (0..test.len()).map(|row| test.label(row)).collect();
    let error = (golden - area_under_curve(&scores, &labels)).max(0.0);
    Some(Verdict::Within { error, bound: NEAR })
}

/// A provider's sums of the root's level.
pub(super) fn histogram(n: usize) -> Result<super::command::Rep, Failure> {
    let task = synthetic(n).ok_or("no such training")?;
    let grower = Grower::new(&task.setting, task.codes, &task.labels)?;
    let start = std::time::Instant::now();
    let words = grower.histograms()?;
    let took = start.elapsed();
    let rows: u64 = words[..16].iter().sum();
    Ok(super::command::Rep { took, exact: rows == n as u64 })
}
