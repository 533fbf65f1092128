//! Points of Curve25519 by their u-coordinates, on every backend: one scalar times each, and hashes mapped to points.
//!
//! `cargo bench -p benches --bench ladder`

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use protocols::kernels::Backend;

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

fn config() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! {
    name = benches;
    config = config();
    targets = ladder, map
}
criterion_main!(benches);
