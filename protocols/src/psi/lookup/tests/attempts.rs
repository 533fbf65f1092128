//! Queries whose link is lost: another attempt goes on behind the batches that were answered, and nothing is evaluated twice.

use std::{sync::Arc, time::Duration};

use super::{
    super::{
        buyer::AHEAD,
        cost::{Batches as Priced, cost_in},
    },
    *,
};
use crate::{
    net::{
        Channel,
        faulty::{Fault, Faulty, Planned},
        memory,
    },
    party::PartyId,
    testkit::DuoRun,
};

/// Queries of a batch.
const BATCH: usize = 3;

/// Items to ask for, and the answers by batch.
struct Batches {
    items: Vec<u128>,
    answers: Vec<Answer>,
    /// Items that were brought and not answered.
    open: usize,
    most: usize,
}

impl Batches {
    fn new(items: &[u128]) -> Self {
        Self { items: items.to_vec(), answers: Vec::new(), open: 0, most: 0 }
    }
}

impl Questions for Batches {
    fn next(&mut self, count: usize, out: &mut Vec<u128>) -> Result<(), String> {
        out.extend(self.items.drain(..count.min(self.items.len())));
        self.open += count;
        self.most = self.most.max(self.open);
        Ok(())
    }

    fn answered(&mut self, answers: Vec<Answer>) -> Result<(), String> {
        self.open -= answers.len();
        self.answers.extend(answers);
        Ok(())
    }
}

/// Both sides between attempts.
struct Sides<'t> {
    tables: Vec<&'t Table>,
    keys: Vec<&'t EpochKey>,
    asking: Asking,
    questions: Batches,
    serving: Serving,
    budget: Ledger,
}

type Ended = DuoRun<
    Result<Result<(), LookupError>, SessionError>,
    Result<Result<(), LookupError>, SessionError>,
>;

impl<'t> Sides<'t> {
    fn new(table: &'t Table, key: &'t EpochKey, items: &[u128]) -> Self {
        let asking = Asking::new(items.len()).in_batches_of(BATCH);
        let serving = Serving::new(items.len()).in_batches_of(BATCH);
        let (questions, budget) = (Batches::new(items), Ledger::new(1 << 20));
        Self { tables: vec![table], keys: vec![key], asking, questions, serving, budget }
    }

    /// With a change of the table behind it.
    fn changed(mut self, (table, key): (&'t Table, &'t EpochKey)) -> Self {
        self.tables.push(table);
        self.keys.push(key);
        self
    }

    /// An attempt in which a message of one party suffers a fault.
    fn attempt(&mut self, seed: u64, fault: Option<(u16, Planned)>) -> Ended {
        let ends = memory::mesh(2, Duration::from_secs(5)).into_iter().zip(0_u16..);
        let channels = ends.map(|(end, id)| {
            let plan = fault.filter(|(party, _)| *party == id).map(|(_, planned)| planned);
            Arc::new(Faulty::new(end, plan.into_iter().collect())) as Arc<dyn Channel>
        });
        let Self { tables, keys, asking, questions, serving, budget } = self;
        Duo::new(seed).run_over(
            channels.collect(),
            |pair, rng| {
                let served = serve_from(pair, keys, serving, ("buyer", budget), rng);
                if let Err(LookupError::Session(error)) = served { Err(error) } else { Ok(served) }
            },
            |pair, rng| {
                let asked = look_up_from(pair, tables, asking, questions, rng);
                if let Err(LookupError::Session(error)) = asked { Err(error) } else { Ok(asked) }
            },
        )
    }

    /// The link was lost.
    fn lost(&mut self) {
        self.asking.lost();
        self.serving.lost();
    }
}

/// A table of some rows, and items of which every other one is in it.
fn instance(seed: u64, asked: usize) -> (Table, EpochKey, Vec<u128>, Vec<Answer>) {
    let duo = Duo::new(seed);
    let (items, publication, key) = published(&duo, 40);
    let table = publication.header.open(&publication.body).unwrap();
    let mut queries = duo.words(2, asked);
    let mut want = vec![Answer::Absent; asked];
    for (at, row) in (0..asked).step_by(2).zip(0..40) {
        (queries[at], want[at]) = (items[row], label(row));
    }
    (table, key, queries, want)
}

#[test]
fn every_size_in_small_batches_gives_the_plain_answers_at_the_quoted_price() {
    for (seed, asked) in (400..).zip([0, 1, 2, 3, 4, 63, 64, 65, 1000]) {
        let (table, key, queries, want) = instance(seed, asked);
        let mut sides = Sides::new(&table, &key, &queries);
        let run = sides.attempt(seed, None);
        assert_eq!((&run.sender, &run.receiver), (&Ok(Ok(())), &Ok(Ok(()))), "seed {seed}");
        assert!(sides.questions.answers == want, "seed {seed}");
        assert!(sides.questions.most <= AHEAD * BATCH, "seed {seed}: {}", sides.questions.most);
        let mut quoted = PairCost::new();
        if asked <= BATCH {
            cost(&mut quoted, asked);
            run.assert_cost(&quoted);
        }
        // In batches of the usual size.
        let (answers, budget) = look(&Duo::new(seed), &table, &key, &queries);
        assert!(answers.unwrap() == want, "seed {seed}");
        assert_eq!(budget.spent().get("buyer").copied(), Some(asked as u64));
    }
}

#[test]
fn whichever_message_is_lost_nothing_is_asked_or_evaluated_twice() {
    for (seed, (asked, tables)) in (420..).zip([(1, 1), (3, 1), (7, 1), (17, 1), (4, 2)]) {
        let (table, key, queries, mut want) = instance(seed, asked);
        let change = Rows { items: &[], labels: &[], label_bytes: 12, withdrawn: &queries[..1] };
        let epoch = Epoch { number: 8, base: Some(7) };
        let (change, change_key) = publish(epoch, 100, change, &mut Duo::new(seed).prg(3)).unwrap();
        let change = change.header.open(&change.body).unwrap();
        let sides = || {
            let sides = Sides::new(&table, &key, &queries);
            if tables == 2 { sides.changed((&change, &change_key)) } else { sides }
        };
        if tables == 2 {
            want[0] = Answer::Withdrawn;
        }
        let clean = sides().attempt(seed, None);
        let messages = |party: usize| usize::try_from(clean.sent[party].messages).unwrap();
        // All but the last one, which nobody waits behind.
        let all = [(0, messages(0) - 1), (1, messages(1))];
        for (party, nth) in all.into_iter().flat_map(|(party, n)| (0..n).map(move |i| (party, i))) {
            let what = format!("seed {seed}, {asked} queries, message {nth} of {party}");
            let mut sides = sides();
            let id = u16::try_from(party).unwrap();
            let planned = Planned { to: PartyId(1 - id), nth, fault: Fault::Close };
            let broken = sides.attempt(seed, Some((id, planned)));
            assert!(broken.sender.is_err() || broken.receiver.is_err(), "{what}");
            let far = [sides.asking.heard(), sides.serving.answered()];
            assert!(far[0] <= far[1] && far[1] <= far[0] + AHEAD, "{what}: {far:?}");
            sides.lost();
            let again = sides.attempt(seed + 100, None);
            assert_eq!((&again.sender, &again.receiver), (&Ok(Ok(())), &Ok(Ok(()))), "{what}");
            let mut quoted = PairCost::new();
            let priced = Priced { queries: asked, batch: BATCH, tables };
            cost_in(&mut quoted, priced, far).unwrap();
            again.assert_cost(&quoted);
            assert!(sides.questions.answers == want, "{what}");
            assert_eq!(sides.budget.spent()["buyer"], asked as u64, "{what}");
            let opened = broken.opened[0].len() + again.opened[0].len();
            assert_eq!(opened, 1, "{what}: taken off the list once");
        }
    }
}

/// A link that breaks in every attempt, one message later each time.
#[test]
fn a_link_may_be_lost_again_and_again() {
    let (seed, asked) = (440, 20);
    let (table, key, queries, want) = instance(seed, asked);
    let mut sides = Sides::new(&table, &key, &queries);
    for time in 0..12_u16 {
        let (id, nth) = (time % 2, usize::from(time) / 3);
        let planned = Planned { to: PartyId(1 - id), nth, fault: Fault::Close };
        let run = sides.attempt(seed + u64::from(time), Some((id, planned)));
        if run.sender == Ok(Ok(())) && run.receiver == Ok(Ok(())) {
            break;
        }
        sides.lost();
    }
    if sides.asking.heard() < asked.div_ceil(BATCH) {
        let run = sides.attempt(seed + 50, None);
        assert_eq!((run.sender, run.receiver), (Ok(Ok(())), Ok(Ok(()))));
    }
    assert!(sides.questions.answers == want);
}

/// A buyer that loses its link on purpose, to have other points evaluated in the place of those that were.
#[test]
fn a_batch_that_was_answered_is_not_evaluated_again_whatever_is_asked() {
    let (_, key, ..) = instance(450, 0);
    let point = *key.public().as_bytes();
    let mut serving = Serving::new(2 * BATCH).in_batches_of(BATCH);
    let mut budget = Ledger::new(2 * BATCH as u64);
    let first = Duo::new(451).run(
        |pair, rng| {
            Ok(serve_from(pair, &[&key], &mut serving, ("buyer", &mut budget), rng).is_err())
        },
        |pair, _| {
            pair.send(&7_u64.to_le_bytes())?;
            pair.send(&[point; BATCH].concat())?;
            Ok(pair.recv_words::<u8>(32 * BATCH + 64)?.to_vec())
        },
    );
    assert!(first.sender);
    for (claimed, refused) in [(0_u64, false), (1, false), (2, true), (u64::MAX, true)] {
        serving.lost();
        let again = Duo::new(452).run(
            |pair, rng| Ok(serve_from(pair, &[&key], &mut serving, ("buyer", &mut budget), rng)),
            |pair, _| {
                pair.send(&7_u64.to_le_bytes())?;
                pair.send(&claimed.to_le_bytes())?;
                if refused {
                    return Ok(Vec::new());
                }
                assert_eq!(pair.recv_array()?, 1_u64.to_le_bytes());
                let again = (claimed == 0).then(|| pair.recv_words::<u8>(32 * BATCH + 64));
                Ok(again.transpose()?.map(|again| again.to_vec()).unwrap_or_default())
            },
        );
        let invalid =
            matches!(again.sender, Err(LookupError::Session(SessionError::Invalid { .. })));
        assert_eq!(invalid, refused, "{claimed}");
        assert!(claimed > 0 || again.receiver == first.receiver, "to the byte");
    }
    assert_eq!(serving.answered(), 1);
    assert_eq!(budget.spent()["buyer"], 2 * BATCH as u64);
}

/// A provider that says it has answered more than it was asked.
#[test]
fn a_provider_that_is_where_it_cannot_be_is_refused() {
    let (table, _, queries, _) = instance(460, 10);
    for claimed in [1_u64, 4, u64::MAX] {
        let mut asking = Asking::new(queries.len()).in_batches_of(BATCH);
        asking.lost();
        let run = Duo::new(461).run(
            |pair, _| {
                pair.recv_array::<8>()?;
                pair.recv_array::<8>()?;
                pair.send(&claimed.to_le_bytes())
            },
            |pair, rng| -> Outcome<_> {
                let mut questions = Batches::new(&queries);
                Ok(look_up_from(pair, &[&table], &mut asking, &mut questions, rng))
            },
        );
        assert!(matches!(run.receiver, Err(LookupError::Session(SessionError::Invalid { .. }))));
    }
}

#[test]
fn items_that_cannot_be_read_end_it_in_their_own_words() {
    struct Gone;
    impl Questions for Gone {
        fn next(&mut self, _: usize, _: &mut Vec<u128>) -> Result<(), String> {
            Err("the disk is gone".into())
        }

        fn answered(&mut self, _: Vec<Answer>) -> Result<(), String> {
            Ok(())
        }
    }
    let (table, ..) = instance(470, 0);
    let run = Duo::new(471).run(
        // It is there when the first word comes.
        |pair, _| pair.recv_array::<8>(),
        |pair, rng| -> Outcome<_> {
            Ok(look_up_from(pair, &[&table], &mut Asking::new(5), &mut Gone, rng))
        },
    );
    assert_eq!(run.receiver, Err(LookupError::Own("the disk is gone".into())));
}
