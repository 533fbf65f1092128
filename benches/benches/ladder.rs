//! Points of Curve25519 by their u-coordinates, on every backend: one scalar times each, and hashes mapped to points; and the
//! same of ristretto255, each with a scalar of its own.
//!
//! `cargo bench -p benches --bench ladder`

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use protocols::kernels::{Backend, FixedBase};

const SIZES: [usize; 3] = [8, 256, 1 << 12];

/// Elements of the field that differ from each other.
fn elements(n: usize) -> Vec<[u8; 32]> {
    let mut word = 0x9e37_79b9_7f4a_7c15_u64;
    let mut byte = || {
        word = word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        word.to_be_bytes()[0]
    };
    (0..n).map(|_| std::array::from_fn(|_| byte())).collect()
}

fn points(c: &mut Criterion, name: &str, run: impl Fn(&Backend, &mut [[u8; 32]])) {
    for backend in Backend::available() {
        let mut group = c.benchmark_group(format!("{name}/{}", backend.name));
        for n in SIZES {
            let mut points = elements(n);
            backend.elligator2(&mut points);
            group.throughput(Throughput::Elements(n as u64));
            group.bench_function(BenchmarkId::from_parameter(n), |b| {
                b.iter(|| run(backend, black_box(&mut points)));
            });
        }
    }
}

fn ladder(c: &mut Criterion) {
    let scalar = [0x58; 32];
    points(c, "ladder", |backend, points| backend.montgomery_ladder(&scalar, points));
}

fn map(c: &mut Criterion) {
    points(c, "elligator2", |backend, points| backend.elligator2(points));
}

/// What items are mapped from: hashes of sixteen bytes each.
fn hash(c: &mut Criterion) {
    for backend in Backend::available() {
        let n = 1 << 12;
        let (blocks, lengths) = (vec![[0; 64]; n], vec![16; n]);
        let mut hashes = elements(n);
        let mut group = c.benchmark_group(format!("keyed_hash/{}", backend.name));
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::from_parameter(n), |b| {
            b.iter(|| backend.keyed_hash(&[7; 32], black_box(&blocks), &lengths, &mut hashes));
        });
    }
}

fn ristretto(c: &mut Criterion) {
    for backend in Backend::available() {
        let n = 256;
        let (halves, mut scalars) = (elements(2 * n), elements(n));
        scalars.iter_mut().for_each(|scalar| scalar[31] &= 0x0f);
        let uniform: Vec<[u8; 64]> =
            halves.chunks(2).map(|two| std::array::from_fn(|i| two[i / 32][i % 32])).collect();
        let (mut points, mut sum) = (vec![[0; 32]; n], None);
        let mut group = c.benchmark_group(format!("ristretto/{}", backend.name));
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function("from_uniform", |b| {
            b.iter(|| backend.ristretto_from_uniform(black_box(&uniform), &mut points));
        });
        group.bench_function("weigh", |b| {
            b.iter(|| backend.ristretto_weigh(black_box(&scalars), &points, &mut sum));
        });
        group.bench_function("multiply", |b| {
            b.iter(|| backend.ristretto_multiply(black_box(&scalars), &mut points));
        });
        group.bench_function("raise", |b| {
            b.iter(|| backend.ristretto_raise(black_box(&scalars[0]), &mut points));
        });
        let base = FixedBase::generator();
        group.bench_function("add", |b| {
            b.iter(|| backend.ristretto_add(base, black_box(&scalars), &mut points));
        });
        let mut elements = elements(n);
        group.bench_function("raise_map", |b| {
            b.iter(|| backend.ristretto_raise_map(black_box(&scalars[0]), &mut elements));
        });
        group.bench_function("add_to_map", |b| {
            b.iter(|| backend.ristretto_add_to_map(base, black_box(&scalars), &mut elements));
        });
    }
}

fn config() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! {
    name = benches;
    config = config();
    targets = ladder, map, hash, ristretto
}
criterion_main!(benches);
