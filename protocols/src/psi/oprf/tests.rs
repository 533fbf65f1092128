use super::*;
use crate::{
    session::{PairCost, SessionError},
    testkit::Duo,
};

#[test]
fn both_sides_get_the_same_outputs_for_items_of_the_store_and_only_for_those() {
    for n in [0, 1, 2, 63, 64, 65, 1000] {
        let duo = Duo::new(n as u64);
        let (items, others) = (duo.words(0, n), duo.words(1, 50));
        let room = n + n / 3;
        let run = duo.run(
            |pair, rng| {
                let key = send(pair, (room, 1), rng)?;
                let mut outputs = vec![0; n + others.len()];
                key.eval(&[&items[..], &others].concat(), &mut outputs);
                Ok(outputs)
            },
            |pair, rng| receive(pair, &items, (room, 1), rng),
        );
        assert_eq!(run.sender[..n], run.receiver[..], "{n} items");
        assert!(run.sender[n..].iter().all(|output| !run.receiver.contains(output)));
        let mut quoted = PairCost::new();
        cost(&mut quoted, (room, 1));
        run.assert_cost(&quoted);
    }
}

#[test]
fn what_a_store_does_not_take_is_refused() {
    let words = Duo::new(1).words(0, 10);
    let twice = [&words[..], &words[..1]].concat();
    for (items, what) in [
        (&twice[..], "a set with an item twice"),
        (&words[..], "more items than the sizes both sides agreed on"),
    ] {
        let room = if items.len() == words.len() { 9 } else { 20 };
        let run = Duo::new(2).run(
            |pair, rng| Ok(send(pair, (room, 1), rng).map(drop)),
            |pair, rng| Ok(receive(pair, items, (room, 1), rng).map(drop)),
        );
        assert_eq!(run.receiver, Err(SessionError::Misuse { step: 1, what }));
    }
}
