//! A table and the changes of it, asked together: what was said last of an item counts.

use super::*;

/// The table of some rows, and two changes of it; the keys of all three.
struct Chain {
    items: Vec<u128>,
    tables: Vec<Table>,
    keys: Vec<EpochKey>,
}

fn chain(duo: &Duo) -> Chain {
    let (items, publication, key) = published(duo, 20);
    let mut tables = vec![publication.header.open(&publication.body).unwrap()];
    let mut keys = vec![key];
    let mut change = |number: u64, new: &[u128], mark: u8, withdrawn: &[u128]| {
        let labels = vec![mark; 12 * new.len()];
        let rows = Rows { items: new, labels: &labels, label_bytes: 12, withdrawn };
        let (epoch, mut rng) = (Epoch { number, base: Some(number - 1) }, duo.prg(number));
        let (change, key) = publish(epoch, 1 << 16, rows, &mut rng).unwrap();
        tables.push(change.header.open(&change.body).unwrap());
        keys.push(key);
    };
    // Of the first five two are withdrawn and one comes back; the third has three labels in all.
    change(8, &items[2..4], 1, &items[..2]);
    change(9, &items[1..3], 2, &items[4..5]);
    Chain { items, tables, keys }
}

/// Asks so many of the tables; what either side makes of it.
fn asked(
    duo: &Duo,
    of: &Chain,
    items: &[u128],
    [there, here]: [usize; 2],
) -> (Result<(), LookupError>, Result<Vec<Answer>, LookupError>, u64) {
    let keys: Vec<_> = of.keys.iter().take(there).collect();
    let tables: Vec<_> = of.tables.iter().take(here).collect();
    let mut budget = Ledger::new(1 << 20);
    let run = duo.run(
        |pair, rng| {
            let mut serving = Serving::new(items.len());
            Ok(serve_from(pair, &keys, &mut serving, ("buyer", &mut budget), rng))
        },
        |pair, rng| -> Outcome<_> {
            let mut listed = questions::Listed { items, answers: Vec::new() };
            let mut asking = Asking::new(items.len());
            let done = look_up_from(pair, &tables, &mut asking, &mut listed, rng);
            Ok(done.map(|()| listed.answers))
        },
    );
    if there == here && run.receiver.is_ok() {
        let mut quoted = PairCost::new();
        cost_of(&mut quoted, items.len(), here);
        run.assert_cost(&quoted);
    }
    (run.sender, run.receiver, budget.spent().get("buyer").copied().unwrap_or(0))
}

#[test]
fn what_was_said_last_counts_and_a_key_is_one_query_however_many_tables_there_are() {
    let duo = Duo::new(60);
    let of = chain(&duo);
    let said = |mark: u8| Answer::Present(vec![mark; 12]);
    let gone = || Answer::Withdrawn;
    let first = [gone(), said(2), said(2), said(1), gone(), label(5), Answer::Absent];
    let mut items = of.items[..6].to_vec();
    items.push(7);
    let (served, answers, spent) = asked(&duo, &of, &items, [3, 3]);
    assert_eq!((served, answers.unwrap(), spent), (Ok(()), first.to_vec(), 7));
    let (_, answers, _) = asked(&duo, &of, &items, [2, 2]);
    let before = [gone(), gone(), said(1), said(1), label(4), label(5), Answer::Absent];
    assert_eq!(answers.unwrap(), before);
    let (_, answers, _) = asked(&duo, &of, &items, [1, 1]);
    assert_eq!(answers.unwrap()[..6], (0..6).map(label).collect::<Vec<_>>());
    // More than one batch.
    let mut many = duo.words(4, composite::MOST + 3);
    many[composite::MOST] = of.items[3];
    let (_, answers, spent) = asked(&duo, &of, &many, [3, 3]);
    assert_eq!((&answers.unwrap()[composite::MOST], spent), (&said(1), many.len() as u64));
}

/// Whoever asks chooses what is asked once: it cannot have other items evaluated under the key of a change than under that of the table.
#[test]
fn the_tables_are_asked_of_the_same_items() {
    let duo = Duo::new(61);
    let of = chain(&duo);
    let keys: Vec<_> = of.keys.iter().collect();
    let point = *of.keys[0].public().as_bytes();
    let run = duo.run(
        |pair, rng| {
            let (mut serving, mut budget) = (Serving::new(1), Ledger::new(1));
            Ok(serve_from(pair, &keys, &mut serving, ("buyer", &mut budget), rng))
        },
        |pair, _| {
            pair.send(&[7_u64, 8, 9])?;
            pair.send(&point)?;
            Ok(pair.recv_words::<u8>(3 * 96)?.to_vec())
        },
    );
    assert_eq!(run.sender, Ok(()));
    for (key, answer) in of.keys.iter().zip(run.receiver.chunks_exact(96)) {
        let under = suite::multiply(std::iter::once(*key.secret.scalar()), &[point]).unwrap();
        assert_eq!(answer[..32], under[0], "one point, under each key");
    }
}

#[test]
fn another_chain_than_the_provider_has_is_noticed() {
    let duo = Duo::new(62);
    let of = chain(&duo);
    let swapped = Chain {
        items: of.items.clone(),
        tables: chain(&duo).tables,
        keys: [0, 2, 1].map(|at| EpochKey::from_bytes(&of.keys[at].to_bytes()).unwrap()).into(),
    };
    let (served, answers, _) = asked(&duo, &swapped, &of.items[..2], [3, 3]);
    assert_eq!(served, Err(LookupError::OtherEpoch { ours: 9, theirs: 8 }));
    assert!(answers.is_err());
    // Under the right numbers other keys: no proof holds.
    let forged = Chain {
        items: of.items.clone(),
        tables: of.tables,
        keys: (7..10).map(|number| EpochKey::random(number, &mut duo.prg(90 + number))).collect(),
    };
    let (_, answers, _) = asked(&duo, &forged, &forged.items[..2], [3, 3]);
    assert!(matches!(answers, Err(LookupError::Session(SessionError::Invalid { .. }))));
}
