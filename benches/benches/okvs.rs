//! The key-value store on every backend of this processor, at one bin, several, and more than the caches hold; and the
//! coding of sorted tags.
//!
//! `cargo bench -p benches --bench okvs -- encode` runs one of them. The backend is chosen by the process, so each is timed by
//! `UNSEEN_KERNELS=portable|avx2|avx512 cargo bench -p benches --bench okvs`; the group's name says which it was.

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use protocols::{
    kernels::Backend,
    okvs::{Okvs, Params},
    prg::Prg,
    psi::elias_fano,
    ring::Z128,
};

const SIZES: [usize; 3] = [1 << 10, 1 << 16, 1 << 20];

fn store(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("okvs/{}", Backend::active().name));
    for n in SIZES {
        let mut rng = Prg::new(&[1; 16]);
        let (keys, values) = (rng.elements::<Z128>(n), rng.elements::<Z128>(n));
        let Ok(params) = Params::new(n, 1) else { return };
        let store = Okvs::new(params, 7);
        let placed = store.place(&keys);
        let arranged = placed.arrange(&values);
        let Ok(encoded) = store.encode_placed(&placed, &[&arranged], &mut rng) else { return };
        let mut out = values.clone();
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::new("place", n), |b| b.iter(|| store.place(&keys)));
        group.bench_function(BenchmarkId::new("encode", n), |b| {
            b.iter(|| store.encode(&keys, &values, &mut rng));
        });
        group.bench_function(BenchmarkId::new("encode_placed", n), |b| {
            b.iter(|| store.encode_placed(&placed, &[&arranged], &mut rng));
        });
        group.bench_function(BenchmarkId::new("decode", n), |b| {
            b.iter(|| store.decode(&encoded, &keys, black_box(&mut out)));
        });
        group.bench_function(BenchmarkId::new("decode_placed", n), |b| {
            b.iter(|| store.decode_placed(&encoded, &placed, black_box(&mut out)));
        });
    }
}

fn tags(c: &mut Criterion) {
    let mut group = c.benchmark_group("elias_fano/80");
    for n in SIZES {
        let mut tags = Prg::new(&[2; 16]).elements::<Z128>(n).to_vec();
        tags.iter_mut().for_each(|tag| *tag >>= 48);
        tags.sort_unstable();
        let code = elias_fano::encode(&tags, 80);
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::new("encode", n), |b| {
            b.iter(|| elias_fano::encode(black_box(&tags), 80));
        });
        group.bench_function(BenchmarkId::new("decode", n), |b| {
            b.iter(|| elias_fano::decode(black_box(&code), n, 80));
        });
    }
}

fn quick() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .sample_size(10)
}

criterion_group! { name = okvs; config = quick(); targets = store, tags }
criterion_main!(okvs);
