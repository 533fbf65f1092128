//! Every kernel on every backend of this processor, at sizes that fit the first cache, the second, and neither.
//!
//! `cargo bench -p benches --bench kernels -- cross/z64` runs one kernel.

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use protocols::kernels::{AesKey, Backend, Matrix};

const SIZES: [usize; 3] = [1 << 10, 1 << 16, 1 << 20];

/// Values that differ from each other; which ones does not matter to the time.
fn words<W: From<u32>>(n: usize, salt: u32) -> Vec<W> {
    let n = u32::try_from(n).unwrap_or(u32::MAX);
    (0..n).map(|i| i.wrapping_mul(0x9e37_79b9).wrapping_add(salt).into()).collect()
}

/// A permutation without locality: multiplication by an odd number modulo a power of two.
fn permutation(n: usize) -> Vec<u32> {
    let mask = u32::try_from(n - 1).unwrap_or(u32::MAX);
    (0..=mask).map(|i| i.wrapping_mul(0x9e37_79b1) & mask).collect()
}

/// Times what `prepare(n)` returns, named `name/backend/n`.
fn kernel<K: FnMut(&Backend)>(c: &mut Criterion, name: &str, prepare: impl Fn(usize) -> K) {
    for backend in Backend::available() {
        let mut group = c.benchmark_group(format!("{name}/{}", backend.name));
        for n in SIZES {
            let mut run = prepare(n);
            group.throughput(Throughput::Elements(n as u64));
            group.bench_function(BenchmarkId::from_parameter(n), |b| b.iter(|| run(backend)));
        }
    }
}

/// Kernels of `acc` and some slices.
macro_rules! slices {
    ($c:ident, $ty:ty: $($name:literal $kernel:ident($($input:ident),*);)*) => {$(
        kernel($c, $name, |n| {
            let mut acc = words::<$ty>(n, 0);
            $(let $input = words::<$ty>(n, line!());)*
            move |backend| backend.$kernel(black_box(&mut acc), $(&$input),*)
        });
    )*};
}

fn arithmetic(c: &mut Criterion) {
    slices! { c, u64:
        "add/z64" add_u64(x);
        "sub/z64" sub_u64(x);
        "mul_add/z64" mul_add_u64(x, y);
        "cross/z64" cross_u64(xo, xn, yo, yn);
        "prefix_sum/z64" prefix_sum_u64();
        "xor/b64" xor(x);
        "and/b64" and(x);
        "cross/b64" cross_bits(xo, xn, yo, yn);
    }
    slices! { c, u32:
        "add/z32" add_u32(x);
        "sub/z32" sub_u32(x);
        "mul_add/z32" mul_add_u32(x, y);
        "cross/z32" cross_u32(xo, xn, yo, yn);
        "prefix_sum/z32" prefix_sum_u32();
    }
    slices! { c, u128:
        "add/z128" add_u128(x);
        "cross/z128" cross_u128(xo, xn, yo, yn);
        "prefix_sum/z128" prefix_sum_u128();
    }
    kernel(c, "scale/z64", |n| {
        let mut acc = words(n, 0);
        move |backend| backend.scale_u64(black_box(&mut acc), 0x9e37_79b9_7f4a_7c15)
    });
    kernel(c, "scale/z32", |n| {
        let mut acc = words(n, 0);
        move |backend| backend.scale_u32(black_box(&mut acc), 0x9e37_79b9)
    });
}

fn movement(c: &mut Criterion) {
    for width in [1, 8, 32, 64] {
        kernel(c, &format!("to_planes/{width}"), |n| {
            let (rows, mut planes) = (words(n, 0), vec![0; width * n.div_ceil(64)]);
            move |backend| backend.to_planes(&rows, width, black_box(&mut planes))
        });
        kernel(c, &format!("from_planes/{width}"), |n| {
            let (mut rows, planes) = (vec![0; n], words(width * n.div_ceil(64), 0));
            move |backend| backend.from_planes(&planes, width, black_box(&mut rows))
        });
    }
    kernel(c, "gather/z64", |n| {
        let (mut out, src, perm) = (vec![0; n], words(n, 0), permutation(n));
        move |backend| backend.gather_u64(black_box(&mut out), &src, &perm)
    });
    kernel(c, "gather/z32", |n| {
        let (mut out, src, perm) = (vec![0; n], words(n, 0), permutation(n));
        move |backend| backend.gather_u32(black_box(&mut out), &src, &perm)
    });
}

/// Kernels of two keys' streams.
macro_rules! two_streams {
    ($c:ident: $($name:literal $kernel:ident: $ty:ty;)*) => {$(
        kernel($c, $name, |n| {
            let (a, b) = (AesKey::new(&[1; 16]), AesKey::new(&[2; 16]));
            let mut out = words::<$ty>(n, 0);
            move |backend| backend.$kernel(&a, &b, 1, 0, black_box(&mut out))
        });
    )*};
}

fn keystreams(c: &mut Criterion) {
    kernel(c, "fill/z64", |n| {
        let (key, mut out) = (AesKey::new(&[1; 16]), words(n, 0));
        move |backend| backend.fill_u64(&key, 1, 0, black_box(&mut out))
    });
    kernel(c, "hash/aes128", |n| {
        let (key, mut x) = (AesKey::new(&[1; 16]), words::<u128>(n, 0));
        move |backend| backend.hash_blocks(&key, black_box(&mut x))
    });
    two_streams! { c:
        "fill_sub/z64" fill_sub_u64: u64;
        "fill_sub/z32" fill_sub_u32: u32;
        "fill_sub/z128" fill_sub_u128: u128;
        "fill_xor/b64" fill_xor: u64;
        "add_fill_sub/z64" add_fill_sub_u64: u64;
        "xor_fill_xor/b64" xor_fill_xor: u64;
    }
}

/// Products of square matrices: by the multiply-add.
fn products(c: &mut Criterion) {
    macro_rules! square {
        ($($name:literal $kernel:ident: $ty:ty, $sizes:expr;)*) => {$(
            for backend in Backend::available() {
                let mut group = c.benchmark_group(format!("{}/{}", $name, backend.name));
                group.sample_size(10);
                for n in $sizes {
                    let (a, b) = (words::<$ty>(n * n, 1), words::<$ty>(n * n, 2));
                    let mut acc = words::<$ty>(n * n, 3);
                    let (a, b) = (Matrix::new(&a, n, n), Matrix::new(&b, n, n));
                    group.throughput(Throughput::Elements((n * n * n) as u64));
                    group.bench_function(BenchmarkId::from_parameter(n), |bencher| {
                        bencher.iter(|| backend.$kernel(black_box(&mut acc), a, b));
                    });
                }
            }
        )*};
    }
    square! {
        "gemm/z64" gemm_u64: u64, [64, 250, 1000];
        "gemm/z32" gemm_u32: u32, [64, 250, 1000];
        "gemm/z128" gemm_u128: u128, [64, 250];
    }
}

/// A table of 1000 rows × 30 with a vector, and its transpose with another, as in a step of a linear model: by the multiply-add.
fn steps(c: &mut Criterion) {
    let (rows, d) = (1000, 30);
    let (x, w, e) = (words::<u64>(rows * d, 1), words::<u64>(d, 2), words::<u64>(rows, 3));
    let (mut z, mut g) = (words::<u64>(rows, 4), words::<u64>(d, 5));
    let x = Matrix::new(&x, rows, d);
    for backend in Backend::available() {
        let mut group = c.benchmark_group(format!("gemv/z64/{}", backend.name));
        group.throughput(Throughput::Elements((rows * d) as u64));
        let (w, e) = (Matrix::new(&w, d, 1), Matrix::new(&e, rows, 1));
        group.bench_function("rows", |b| b.iter(|| backend.gemm_u64(black_box(&mut z), x, w)));
        let xt = x.transposed();
        group.bench_function("columns", |b| b.iter(|| backend.gemm_u64(black_box(&mut g), xt, e)));
    }
}

fn quick() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! { name = kernels; config = quick(); targets = arithmetic, movement, keystreams, products, steps }
criterion_main!(kernels);
