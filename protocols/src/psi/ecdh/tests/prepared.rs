//! A set that is prepared once and intersected often.

use super::*;

fn repeat(
    duo: &Duo,
    prepared: &Prepared,
    x: &[u128],
    output: Output,
) -> DuoRun<Option<Vec<u32>>, Vec<u32>> {
    let shape = Shape { sender: prepared.len(), receiver: x.len(), output };
    let run =
        duo.run(|pair, _| prepared.send(pair, shape), |pair, rng| receive(pair, x, shape, rng));
    let mut quoted = PairCost::new();
    cost(&mut quoted, shape);
    run.assert_cost(&quoted);
    run
}

#[test]
fn every_repetition_gives_the_plain_intersection() {
    for (seed, sender) in (0..).zip([0, 1, 63, 64, 65, 1000, 4100]) {
        let duo = Duo::new(seed);
        let prepared = Prepared::new(&duo.words(1, sender), &mut duo.prg(7));
        assert_eq!((prepared.len(), prepared.is_empty()), (sender, sender == 0));
        for (again, receiver) in (0..).zip([0, 1, 65, 300]) {
            let (y, mut x) = sets(&duo, sender, receiver, 20);
            x.rotate_left(again);
            let run = repeat(&Duo::new(seed + 100), &prepared, &x, Output::ToBoth);
            assert_eq!(run.receiver, plain(&x, &y), "seed {seed}, run {again}");
            assert_eq!(run.sender, Some(plain(&y, &x)), "seed {seed}, run {again}");
            assert_eq!(run.opened[0].len(), 1, "every run passes the gate by itself");
            let quiet = repeat(&duo, &prepared, &x, Output::ToReceiver);
            assert_eq!((quiet.receiver, quiet.sender), (plain(&x, &y), None), "seed {seed}");
        }
    }
}

/// What the documentation says repetitions show, and no more: equal tags under one key, unrelated ones under two.
#[test]
fn repetitions_show_that_the_set_is_the_same_and_fresh_ones_do_not() {
    let duo = Duo::new(50);
    let y = duo.words(1, 40);
    let shape = Shape { sender: 40, receiver: 3, output: Output::ToReceiver };
    let seen = |prepared: &Prepared| {
        let run = duo.run(
            |pair, _| prepared.send(pair, shape),
            |pair, _| {
                pair.send(elements(&duo, 3).as_flattened())?;
                pair.recv_words::<u8>(32)?;
                let seen = pair.recv_words::<u8>(40 * shape.tag_bytes())?.to_vec();
                pair.recv_words::<u8>(3 * 32).map(|_| seen)
            },
        );
        run.receiver.chunks(shape.tag_bytes()).map(<[u8]>::to_vec).collect::<HashSet<_>>()
    };
    let [one, two] = [1, 2].map(|label| Prepared::new(&y, &mut duo.prg(label)));
    assert_eq!((seen(&one), seen(&one).len()), (seen(&one), 40));
    assert!(seen(&one).is_disjoint(&seen(&two)));
}

#[test]
fn a_count_and_another_size_are_refused_before_anything_is_sent() {
    let duo = Duo::new(51);
    let prepared = Prepared::new(&duo.words(1, 4), &mut duo.prg(7));
    let refused = |shape| {
        let run = duo.run(|pair, _| Ok(prepared.send(pair, shape).unwrap_err()), |_, _| Ok(()));
        assert_eq!((run.sent[0].bytes, run.opened[0].len()), (0, 0));
        run.sender
    };
    let shape = Shape { sender: 4, receiver: 2, output: Output::CountToReceiver };
    assert!(matches!(refused(shape), SessionError::Misuse { .. }));
    let other = Shape { sender: 5, output: Output::ToReceiver, ..shape };
    assert!(matches!(refused(other), SessionError::Shape { left: 4, right: 5, .. }));
    assert_eq!(format!("{prepared:?}"), "Prepared(4 items)");
}
