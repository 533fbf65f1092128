//! What parties say when they open a sum.

use protocols::{net::record::Recorder, session::Gate};

use super::*;
use crate::{
    average::{Encoding, TRAILER_WORDS, Trailer},
    round::open::open,
};

const PARAMETERS: usize = 300;

fn wide() -> Course {
    Course { parameters: PARAMETERS, ..course(&[3, 4], 1, Rule::Average { rate: 1.0 }) }
}

fn narrow() -> Course {
    let bounds = Bounds { total_weight: 100, coordinate: 1.0 };
    Course { encoding: Encoding::narrow(bounds, (50, 2)).unwrap(), ..wide() }
}

/// What this party says while it opens a sum of zeros, whose figures the first one has: the bodies of its frames to the next.
fn says(course: &Course, role: Role, end: memory::MemoryChannel) -> Vec<Vec<u8>> {
    let mut sum = vec![0; course.words()];
    if role == Role::P0 {
        let trailer = Trailer { weight: 80, updates: 2, ..Trailer::default() };
        let figures = &mut sum[course.layout().body()..];
        figures.copy_from_slice(&trailer.words());
        // By weights of 40 of 50 rows each.
        figures[0] |= if course.encoding.is_narrow() { (2 * 3276) << 42 } else { 0 };
    }
    let recorder = Arc::new(Recorder::with_bytes(end));
    let channel: Arc<dyn Channel> = Arc::clone(&recorder) as Arc<dyn Channel>;
    let mut s = Session::new(role, channel, test_prss(9, role), Gate::recording());
    s.enter(1);
    let (average, trailer, _) = open(&mut s, course, sum, (&[0, 1], 0)).unwrap();
    assert!(average.average() == [0.0; PARAMETERS] && trailer.weight == 80);
    let (to, frames) = (protocols::net::record::Direction::To(role.next().id()), recorder.shape());
    let (bytes, frames) = (&recorder.bytes()[&to], &frames[&to]);
    let bodies: usize = frames.iter().map(|frame| frame.len).sum();
    let header = (bytes.len() - bodies) / frames.len();
    let mut at = 0;
    let body = |frame: &protocols::net::record::Entry| {
        at += header + frame.len;
        bytes[at - frame.len..at].to_vec()
    };
    frames.iter().map(body).collect()
}

#[test]
fn sums_are_masked_in_words_of_either_length() {
    for (course, each) in [(wide(), 8), (narrow(), 4)] {
        let ends = memory::mesh(3, Duration::from_secs(5));
        let said = std::thread::scope(|scope| {
            let course = &course;
            let says = |(role, end)| scope.spawn(move || says(course, role, end));
            let parties: Vec<_> = Role::ALL.into_iter().zip(ends).map(says).collect();
            parties.into_iter().map(|party| party.join().unwrap()).collect::<Vec<_>>()
        });
        for bodies in &said {
            let [figures, third, _] = &bodies[..] else { panic!("figures, a third, an average") };
            assert_eq!(figures.len(), 8 * TRAILER_WORDS);
            assert_eq!(third.len(), each * PARAMETERS / 3);
            // A word of zeros is one in 2^32; of a sum that is not masked all are.
            for words in [figures, third] {
                let (words, _) = words.as_chunks::<4>();
                assert!(words.iter().all(|word| *word != [0; 4]), "{each}");
            }
        }
    }
}
