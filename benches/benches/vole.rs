//! What hides sets: arithmetic in GF(2^128) and the code's two steps on every backend, and whole runs of transfers and of silent
//! VOLE, both ends over memory. A run takes the backend of the process; `UNSEEN_KERNELS` names another, and the group's name says which
//! it was.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use protocols::{
    kernels::{AesKey, Backend, CONVOLUTION_STATE, EXPANSION_PLACES},
    ot::{CorrelatedReceiver, CorrelatedSender},
    testkit::Duo,
    vole::{self, Model},
};

const SEED: u64 = 0x0075_6e73_6565_6e01;
/// Elements that fit the first cache, the second, and neither.
const SIZES: [usize; 3] = [1 << 10, 1 << 15, 1 << 20];
/// Lengths of an instance's convolved half.
const CODES: [usize; 3] = [1 << 10, 1 << 14, 1 << 16];
/// Outputs of a run: an instance, two, and what a balanced intersection of 2^20 needs.
const OUTPUTS: [usize; 3] = [1000, 86_000, 1_375_000];

fn field(c: &mut Criterion) {
    for backend in Backend::available() {
        for n in SIZES {
            let mut group = c.benchmark_group(format!("gf128/{}", backend.name));
            group.throughput(Throughput::Elements(n as u64));
            let words = |label| Duo::new(SEED).words(label, n);
            let (mut acc, x, y) = (words(1), words(2), words(3));
            group.bench_function(BenchmarkId::new("scale_add", n), |b| {
                b.iter(|| backend.gf128_scale_add(black_box(&mut acc), &x, y[0]));
            });
            group.bench_function(BenchmarkId::new("mul_add", n), |b| {
                b.iter(|| backend.gf128_mul_add(black_box(&mut acc), &x, &y));
            });
            group.bench_function(BenchmarkId::new("inner", n), |b| {
                b.iter(|| backend.gf128_inner(black_box(&mut acc[0]), &x, &y));
            });
        }
    }
}

fn code(c: &mut Criterion) {
    let key = AesKey::new(&[7; 16]);
    for backend in Backend::available() {
        for n in CODES {
            let mut group = c.benchmark_group(format!("exconv/{}", backend.name));
            group.throughput(Throughput::Elements(n as u64));
            let (mut d, mut out) = (Duo::new(SEED).words(1, n), Duo::new(SEED).words(2, n));
            let (taps, mut state) = (Duo::new(SEED).words(3, n / 2), [0; CONVOLUTION_STATE]);
            let mut places = vec![0_u64; n * EXPANSION_PLACES / 4];
            backend.fill_u64(&key, 0, 0, &mut places);
            let places: Vec<u16> = places
                .iter()
                .flat_map(|word| [0, 16, 32, 48].map(|shift| (word >> shift & 0xffff) as u16))
                .collect();
            group.bench_function(BenchmarkId::new("convolve", n), |b| {
                b.iter(|| backend.convolve(black_box(&mut d), &mut state, &taps));
            });
            group.bench_function(BenchmarkId::new("expand", n), |b| {
                b.iter(|| backend.expand_sums(black_box(&mut out), &d, &places));
            });
        }
    }
}

fn runs(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("run/{}", Backend::active().name));
    group.sample_size(10);
    for model in [Model::SemiHonest, Model::Malicious] {
        group.bench_function(format!("ot/setup/{model:?}"), |b| {
            b.iter(|| {
                Duo::new(SEED).run(
                    |pair, rng| CorrelatedSender::setup(pair, model, rng),
                    |pair, rng| CorrelatedReceiver::setup(pair, model, rng),
                )
            });
        });
        for n in OUTPUTS {
            group.throughput(Throughput::Elements(n as u64));
            group.bench_function(format!("vole/{model:?}/{n}"), |b| {
                b.iter(|| {
                    Duo::new(SEED).run(
                        |pair, rng| vole::send(pair, n, model, rng),
                        |pair, rng| vole::receive(pair, n, model, rng),
                    )
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, field, code, runs);
criterion_main!(benches);
