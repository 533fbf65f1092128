//! What a party receives: uniform bytes whatever the values, in a shape that the values do not change.

use std::sync::Arc;

use super::{super::*, words_in};
use crate::{
    net::{
        Channel, memory,
        record::{Direction, Recorder, Shape},
    },
    ring::Z64,
    session::{Session, SessionError},
    share::Shared,
    testkit::World,
};

const HEADER_BYTES: usize = 24;

/// The bodies that each party received, and the shape of its transcript.
fn views(
    world: World,
    words: &[u64],
    protocol: impl Fn(&mut Session, &Shared<Z64>) -> Result<Shared<Z64>, SessionError> + Sync,
) -> Vec<(Vec<u8>, Shape)> {
    let dealt = world.deal::<Z64>(1, words);
    let mesh = memory::mesh(3, std::time::Duration::from_secs(20)).into_iter();
    let recorders: Vec<_> = mesh.map(|end| Arc::new(Recorder::with_bytes(end))).collect();
    let channels = recorders.iter().map(|end| Arc::clone(end) as Arc<dyn Channel>).collect();
    let run = world.run_over(channels, |s| protocol(s, &dealt[s.role().index()]));
    assert!(run.results.iter().all(Result::is_ok));
    recorders.iter().map(|end| (received(end), end.shape())).collect()
}

fn received(end: &Recorder<impl Channel>) -> Vec<u8> {
    let (shape, bytes) = (end.shape(), end.bytes());
    let mut bodies = Vec::new();
    for (direction, entries) in shape {
        let mut rest = bytes[&direction].as_slice();
        for entry in entries {
            let (frame, behind) = rest.split_at(HEADER_BYTES + entry.len);
            if matches!(direction, Direction::From(_)) {
                bodies.extend_from_slice(&frame[HEADER_BYTES..]);
            }
            rest = behind;
        }
    }
    bodies
}

/// How far a histogram is from flat, in standard deviations of the chi-squared statistic.
fn unevenness(bytes: &[u8]) -> f64 {
    let mut counts = [0.0_f64; 256];
    bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1.0);
    let expected = bytes.len() as f64 / 256.0;
    let chi: f64 = counts.iter().map(|count| (count - expected).powi(2) / expected).sum();
    (chi - 255.0) / (2.0_f64 * 255.0).sqrt()
}

fn hold(
    what: &str,
    range: Fixed,
    protocol: impl Fn(&mut Session, &Shared<Z64>) -> Result<Shared<Z64>, SessionError> + Sync,
) {
    // Rows that fill their last word of bits: the filling of a shorter one is no value, and may be anything.
    let n = 4096;
    let (low, high) = range.words();
    let mut shapes = Vec::new();
    for (seed, words) in (1..).zip([
        vec![low.cast_unsigned(); n],
        vec![high.cast_unsigned(); n],
        words_in(World::new(3), 1, n, low, high),
    ]) {
        let views = views(World::new(seed), &words, &protocol);
        for (party, (bytes, _)) in views.iter().enumerate() {
            let uneven = unevenness(bytes);
            assert!(
                bytes.is_empty() || uneven < 6.0,
                "{what}: P{party} sees {uneven:.1} deviations from uniform bytes, seed {seed}"
            );
        }
        shapes.push(views.into_iter().map(|(_, shape)| shape).collect::<Vec<_>>());
    }
    assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{what}: values change the transcript");
}

#[test]
fn what_parties_receive_is_uniform_and_its_shape_is_public() {
    let range = |low, high| Fixed::new(16, low, high).unwrap();
    let small = range(-8.0, 8.0);
    let plan = Truncation::exact(small, 3).unwrap();
    hold("truncation", small, |s, x| truncate(s, x, &plan));
    let plan = Rounding::new(small, 3).unwrap();
    hold("rounding", small, |s, x| round(s, x, &plan));
    let plan = Product::new(small, small, 16).unwrap();
    hold("product", small, |s, x| mul(s, x, x, &plan));
    let plan = Exp::new(small, 30).unwrap();
    hold("exponential", small, |s, x| exp(s, x, &plan));
    let plan = Sigmoid::new(small, Logistic::Series, 16).unwrap();
    hold("series", small, |s, x| sigmoid(s, x, &plan));
    let plan = Sigmoid::new(small, Logistic::Segments, 16).unwrap();
    hold("segments", small, |s, x| sigmoid(s, x, &plan));
    let positive = range(0.001, 1000.0);
    let plan = Power::reciprocal(positive, 30).unwrap();
    hold("reciprocal", positive, |s, x| power(s, x, &plan));
    hold("range check", small, |s, x| check_ranges(s, &[(x, small)]).map(|()| x.clone()));
    let plan = Truncation::local(Fixed::of_words(3, 0, 100).unwrap(), 1, 4096).unwrap();
    hold("local truncation", Fixed::of_words(3, 0, 100).unwrap(), |s, x| truncate(s, x, &plan));
}
