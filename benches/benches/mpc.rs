//! Protocols between three threads over memory: from a common start to the last party's end, by operation and rows.

use std::{
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use protocols::{
    mpc::{self, Column, Extremum, Shuffle},
    net::{Channel, memory},
    party::Role,
    ring::Z64,
    session::{Gate, Session, SessionError},
    share::{Bits, Shared},
    testkit::{World, share_bits, test_prss},
};

const SEED: u64 = 0x0075_6e73_6565_6e00;
const SMALL: usize = 1 << 10;
const MIDDLE: usize = 1 << 16;
const LARGE: usize = 1 << 20;

/// One party's inputs: two columns of words, and the same as bits.
struct Inputs {
    words: [Shared<Z64>; 2],
    bits: [Bits; 2],
}

type Operation = fn(&mut Session, &Inputs) -> Result<(), SessionError>;

/// Name, operation, most rows.
const OPERATIONS: &[(&str, Operation, usize)] = &[
    ("mul/z64", |s, i| mpc::mul(s, &i.words[0], &i.words[1]).map(drop), LARGE),
    ("and/64", |s, i| mpc::and(s, &i.bits[0], &i.bits[1]).map(drop), LARGE),
    ("lt/64", |s, i| mpc::lt(s, &i.words[0], &i.words[1], 63).map(drop), MIDDLE),
    ("eq/64", |s, i| mpc::eq(s, &i.words[0], &i.words[1], 64).map(drop), MIDDLE),
    ("inject/1", |s, i| mpc::inject::<Z64>(s, &i.bits[0].bit_range(0, 1)).map(drop), LARGE),
    (
        "shuffle/z64",
        |s, i| {
            let order = Shuffle::draw(s, i.words[0].len());
            order.apply(s, &[Column::Z64(i.words[0].clone())]).map(drop)
        },
        MIDDLE,
    ),
    ("matmul/z64", |s, i| square(s, &i.words), LARGE),
    (
        "extremes/64",
        |s, i| {
            let n = i.bits[0].rows();
            mpc::arg_extremes(s, &i.bits[0], n, Extremum::Max, 64).map(drop)
        },
        MIDDLE,
    ),
    (
        "segmented_sums/z64",
        |s, i| mpc::segmented_sums(s, &i.words[0], &i.bits[0].bit_range(0, 1)).map(drop),
        LARGE,
    ),
    (
        "copy_down/64",
        |s, i| mpc::copy_down_bits(s, &i.bits[0], &i.bits[1].bit_range(0, 1)).map(drop),
        LARGE,
    ),
    (
        "lookup/256x32",
        |s, i| {
            let table: Vec<u64> = (0..256).map(|entry: u64| (entry * entry) << 16).collect();
            mpc::lookup_bits(s, &i.bits[0].bit_range(0, 8), &table, 32).map(drop)
        },
        LARGE,
    ),
    ("from_bits/32", |s, i| mpc::from_bits::<Z64>(s, &i.bits[0].bit_range(0, 32)).map(drop), LARGE),
    ("count_ones/1", |s, i| mpc::count_ones::<Z64>(s, &i.bits[0].bit_range(0, 1)).map(drop), LARGE),
    (
        "histogram/16",
        |s, i| {
            let (keys, live) = (i.bits[0].bit_range(0, 4), i.bits[1].bit_range(0, 1));
            mpc::histogram::<Z64>(s, &keys, &live).map(drop)
        },
        LARGE,
    ),
    ("sort/32", |s, i| mpc::sort_positions(s, &i.bits[0].bit_range(0, 32)).map(drop), MIDDLE),
];

/// The product of the two columns as square matrices: 1024 × 1024 are a million rows.
fn square(s: &mut Session, words: &[Shared<Z64>; 2]) -> Result<(), SessionError> {
    let side = words[0].len().isqrt();
    mpc::matmul(s, &words[0], (side, side), &words[1], (side, side)).map(drop)
}

/// Inputs of the three parties: words of at most 62 bits, so that no comparison overflows.
fn inputs(rows: usize) -> Vec<Inputs> {
    let world = World::new(SEED);
    let clear = [1, 2].map(|label| -> Vec<u64> {
        let mut random = world.random(label);
        (0..rows).map(|_| random() >> 2).collect()
    });
    let [a, b] = [0, 1].map(|i| world.deal::<Z64>(10 + i as u64, &clear[i]));
    let [c, d] = [0, 1].map(|i| share_bits(world, 20 + i as u64, &clear[i], 64));
    let both = a.into_iter().zip(b).zip(c.into_iter().zip(d));
    both.map(|((a, b), (c, d))| Inputs { words: [a, b], bits: [c, d] }).collect()
}

/// The time for `times` calls one after the other.
fn run(operation: Operation, inputs: &[Inputs], times: u64) -> Duration {
    let barrier = Barrier::new(3);
    let ends = memory::mesh(3, Duration::from_secs(60));
    let spans = thread::scope(|scope| {
        let parties = Role::ALL.into_iter().zip(ends).zip(inputs);
        let parties: Vec<_> = parties
            .map(|((role, end), inputs)| {
                let barrier = &barrier;
                scope.spawn(move || {
                    let channel: Arc<dyn Channel> = Arc::new(end);
                    let prss = test_prss(SEED, role);
                    let mut s = Session::new(role, channel, prss, Gate::recording());
                    barrier.wait();
                    let began = Instant::now();
                    for step in 1..=times {
                        s.enter(step);
                        operation(&mut s, inputs).expect("the protocol runs");
                    }
                    let ended = Instant::now();
                    // Nobody hangs up before all have heard everything.
                    barrier.wait();
                    (began, ended)
                })
            })
            .collect();
        let join = |party: thread::ScopedJoinHandle<'_, _>| party.join().expect("no party panics");
        parties.into_iter().map(join).collect::<Vec<(Instant, Instant)>>()
    });
    let began = spans.iter().map(|span| span.0).min().expect("three parties");
    let ended = spans.iter().map(|span| span.1).max().expect("three parties");
    ended - began
}

fn protocols(criterion: &mut Criterion) {
    let sizes = [SMALL, MIDDLE, LARGE].map(|rows| (rows, inputs(rows)));
    for (name, operation, most) in OPERATIONS {
        let mut group = criterion.benchmark_group(format!("mpc/{name}"));
        group.sample_size(10);
        for (rows, inputs) in sizes.iter().filter(|(rows, _)| rows <= most) {
            group.throughput(Throughput::Elements(*rows as u64));
            group.bench_function(BenchmarkId::from_parameter(rows), |bencher| {
                bencher.iter_custom(|times| run(*operation, inputs, times));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, protocols);
criterion_main!(benches);
