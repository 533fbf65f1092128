//! What links carry: bytes a second in one direction and in both, and how long a frame takes there and back.

use std::{hint::black_box, thread, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use protocols::{
    net::{Body, Channel, Frame, MAX_BODY_BYTES, Tag, loopback, memory, tls::LinkConfig},
    party::PartyId,
};

const STREAM_BYTES: usize = 256 << 20;
const FRAMES: usize = 10_000;
const TURNS: u64 = 1000;

fn frame(body: Body) -> Frame {
    Frame { tag: Tag { path: 0, seq: 0, chunk: 0 }, depth: 0, body }
}

fn send(from: &dyn Channel, to: PartyId, count: usize, len: usize) {
    for _ in 0..count {
        from.send(to, frame(Body::scratch(len))).expect("the peer receives");
    }
}

fn receive(at: &dyn Channel, from: PartyId, count: usize) {
    for _ in 0..count {
        black_box(at.recv(from).expect("the peer sends"));
    }
}

fn meshes() -> [(&'static str, Vec<Box<dyn Channel>>); 2] {
    fn boxed<C: Channel + 'static>(channels: Vec<C>) -> Vec<Box<dyn Channel>> {
        channels.into_iter().map(|channel| Box::new(channel) as Box<dyn Channel>).collect()
    }
    let tls = loopback::mesh(2, LinkConfig::default()).expect("this machine has a loopback");
    [("memory", boxed(memory::mesh(2, Duration::from_secs(60)))), ("tls", boxed(tls))]
}

fn links(criterion: &mut Criterion) {
    for (name, ends) in meshes() {
        let [a, b] = [&*ends[0], &*ends[1]];
        let mut group = criterion.benchmark_group(format!("net/{name}"));
        group.sample_size(10);
        for len in [64, 4096, MAX_BODY_BYTES] {
            let count = FRAMES.min(STREAM_BYTES / len);
            group.throughput(Throughput::Bytes((count * len) as u64));
            let id = BenchmarkId::new("one_way", len);
            group.bench_function(id, |bencher| bencher.iter(|| one_way(a, b, count, len)));
        }
        group.throughput(Throughput::Bytes(2 * STREAM_BYTES as u64));
        group.bench_function("both_ways", |bencher| bencher.iter(|| both_ways(a, b)));
        group.throughput(Throughput::Elements(TURNS));
        group.bench_function("there_and_back", |bencher| bencher.iter(|| there_and_back(a, b)));
        group.finish();
    }
}

fn one_way(a: &dyn Channel, b: &dyn Channel, count: usize, len: usize) {
    thread::scope(|scope| {
        scope.spawn(|| send(a, b.me(), count, len));
        receive(b, a.me(), count);
    });
}

fn both_ways(a: &dyn Channel, b: &dyn Channel) {
    let count = STREAM_BYTES / MAX_BODY_BYTES;
    let exchange = |me: &dyn Channel, peer| {
        send(me, peer, count, MAX_BODY_BYTES);
        receive(me, peer, count);
    };
    thread::scope(|scope| {
        scope.spawn(|| exchange(a, b.me()));
        exchange(b, a.me());
    });
}

fn there_and_back(a: &dyn Channel, b: &dyn Channel) {
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..TURNS {
                receive(b, a.me(), 1);
                send(b, a.me(), 1, 64);
            }
        });
        for _ in 0..TURNS {
            send(a, b.me(), 1, 64);
            receive(a, b.me(), 1);
        }
    });
}

criterion_group!(benches, links);
criterion_main!(benches);
