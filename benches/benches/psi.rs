//! What intersections are made of: the oblivious function and its key, and whole runs, both ends over memory. A run takes the
//! backend of the process; `UNSEEN_KERNELS` names another. The groups' names say which it was.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use protocols::{
    kernels::Backend,
    psi::{Distinct, Output, Parameters, Scattered, Setting, Sizes, oprf, vole_psi},
    testkit::Duo,
    vole::Model,
};

const SEED: u64 = 0x0075_6e73_6565_6e02;
const SIZES: [usize; 2] = [1 << 14, 1 << 18];

fn function(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("oprf/{}", Backend::active().name));
    group.sample_size(10);
    for n in SIZES {
        group.throughput(Throughput::Elements(n as u64));
        let duo = Duo::new(SEED);
        let items = duo.words(1, n);
        let run = || {
            duo.run(
                |pair, rng| oprf::send(pair, (n, 1), rng),
                |pair, rng| oprf::receive(pair, &items, (n, 1), rng),
            )
        };
        group.bench_function(BenchmarkId::new("run", n), |b| b.iter(run));
        let (key, mut out) = (run().sender, vec![0; n]);
        group.bench_function(BenchmarkId::new("eval", n), |b| {
            b.iter(|| key.eval(black_box(&items), &mut out));
        });
    }
}

fn sets(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("psi/{}", Backend::active().name));
    group.sample_size(10);
    for n in SIZES {
        group.throughput(Throughput::Elements(n as u64));
        let duo = Duo::new(SEED);
        let ids = [1, 2].map(|label| duo.words(label, n));
        group.bench_function(BenchmarkId::new("distinct", n), |b| {
            b.iter(|| Distinct::new(ids[0].iter().copied().map(Some)));
        });
        for model in [Model::SemiHonest, Model::Malicious] {
            let parameters = Parameters::new(Sizes { sender: n, receiver: n }, model);
            let Ok(parameters) = parameters else { continue };
            let setting = Setting { parameters, output: Output::ToReceiver, context: [0; 32] };
            let set = |side: usize| Scattered::new(&ids[side], parameters.buckets());
            group.bench_function(format!("vole/{model:?}/{n}"), |b| {
                b.iter(|| {
                    duo.run(
                        |pair, rng| vole_psi::send(pair, &setting, &mut set(0), rng),
                        |pair, rng| vole_psi::receive(pair, &setting, &mut set(1), rng),
                    )
                });
            });
        }
    }
}

criterion_group!(benches, function, sets);
criterion_main!(benches);
