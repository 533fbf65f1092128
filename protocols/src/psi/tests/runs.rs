//! Every protocol on two sets, at its price.

use super::{Found, instances::value};
use crate::{
    mpc::{Column, Shape, reveal},
    party::{PartyId, Role},
    psi::{
        Distinct, Members, Output, Parameters, ParametersError, Setting, Sizes,
        aggregate::{Ask, Rule, aggregate},
        circuit::{self, Provider, Set, Task, intersect_cost},
        ecdh,
        lookup::{self, Answer, Epoch, Ledger, Rows},
        multiparty::{self, Audience},
        vole_psi,
    },
    ring::{B64, Z64},
    session::{CircleCost, OpeningKind, PairCost, Recipient, Session, SessionError},
    share::{Bits, Shared},
    testkit::{Circle, Duo, World},
    vole::Model,
};

pub(super) type Run = fn(u64, &Distinct, &Distinct) -> Found;

pub(super) fn vole(seed: u64, sender: &Distinct, receiver: &Distinct) -> Found {
    let parameters = |sizes| Parameters::with_buckets_of(1 << 15, sizes, Model::SemiHonest);
    by_correlations(seed, sender, receiver, parameters)
}

pub(super) fn vole_low(seed: u64, sender: &Distinct, receiver: &Distinct) -> Found {
    by_correlations(seed, sender, receiver, Parameters::low_communication)
}

pub(super) fn vole_malicious(seed: u64, sender: &Distinct, receiver: &Distinct) -> Found {
    let parameters = |sizes| Parameters::with_buckets_of(1 << 15, sizes, Model::Malicious);
    by_correlations(seed, sender, receiver, parameters)
}

fn by_correlations(
    seed: u64,
    sender: &Distinct,
    receiver: &Distinct,
    parameters: fn(Sizes) -> Result<Parameters, ParametersError>,
) -> Found {
    let sizes = Sizes { sender: sender.len(), receiver: receiver.len() };
    let parameters = parameters(sizes).unwrap();
    let setting = Setting { parameters, output: Output::ToReceiver, context: [9; 32] };
    let run = Duo::new(seed).run(
        |pair, rng| vole_psi::send(pair, &setting, &mut Members::of(sender), rng),
        |pair, rng| {
            let mut set = Members::of(receiver);
            vole_psi::receive(pair, &setting, &mut set, rng)?;
            Ok(set.into_positions())
        },
    );
    let mut quoted = PairCost::new();
    vole_psi::cost(&mut quoted, &setting);
    run.assert_cost(&quoted);
    Found::Rows(receiver.rows_of_all(&run.receiver))
}

fn shape(sender: &Distinct, receiver: &Distinct, output: ecdh::Output) -> ecdh::Shape {
    ecdh::Shape { sender: sender.len(), receiver: receiver.len(), output }
}

pub(super) fn ecdh(seed: u64, sender: &Distinct, receiver: &Distinct) -> Found {
    let shape = shape(sender, receiver, ecdh::Output::ToReceiver);
    let run = Duo::new(seed).run(
        |pair, rng| ecdh::send(pair, sender.ids(), shape, rng),
        |pair, rng| ecdh::receive(pair, receiver.ids(), shape, rng),
    );
    let mut quoted = PairCost::new();
    ecdh::cost(&mut quoted, shape);
    run.assert_cost(&quoted);
    Found::Rows(receiver.rows_of_all(&run.receiver))
}

pub(super) fn ecdh_count(seed: u64, sender: &Distinct, receiver: &Distinct) -> Found {
    let shape = shape(sender, receiver, ecdh::Output::CountToReceiver);
    let run = Duo::new(seed).run(
        |pair, rng| ecdh::send(pair, sender.ids(), shape, rng),
        |pair, rng| ecdh::count(pair, receiver.ids(), shape, rng),
    );
    Found::Count(run.receiver)
}

/// Labels say the value of a key: a wrong one is no row.
pub(super) fn lookup(seed: u64, sender: &Distinct, receiver: &Distinct) -> Found {
    let (duo, queries) = (Duo::new(seed), receiver.len());
    let label = |key: &u128| value(*key).1.to_le_bytes();
    let labels: Vec<u8> = sender.ids().iter().flat_map(label).collect();
    let rows = Rows { items: sender.ids(), labels: &labels, label_bytes: 8, withdrawn: &[] };
    let epoch = Epoch { number: 1, base: None };
    let (table, key) = lookup::publish(epoch, 1 << 20, rows, &mut duo.prg(3)).unwrap();
    let table = table.header.open(&table.body).unwrap();
    let run = duo.run(
        |pair, rng| {
            lookup::serve(pair, &key, queries, "buyer", &mut Ledger::new(1 << 20), rng).unwrap();
            Ok(())
        },
        |pair, rng| Ok(lookup::look_up(pair, &table, receiver.ids(), rng).unwrap()),
    );
    let mut quoted = PairCost::new();
    lookup::cost(&mut quoted, queries);
    run.assert_cost(&quoted);
    let answers = (0..).zip(receiver.ids().iter().zip(run.receiver));
    let found = answers.filter(|(_, (key, answer))| match answer {
        Answer::Present(got) => {
            assert_eq!(**got, label(key), "another key's label");
            true
        }
        _ => false,
    });
    Found::Rows(receiver.rows_of_all(&found.map(|(position, _)| position).collect::<Vec<_>>()))
}

/// The sender is P0, the receiver P1. Columns: the sender's values; the receiver's positions, from 1.
struct Joint<'s> {
    task: Task,
    sets: [&'s Distinct; 2],
    columns: [Vec<u64>; 2],
}

impl<'s> Joint<'s> {
    fn new(sender: &'s Distinct, receiver: &'s Distinct) -> Self {
        let columns = [
            sender.ids().iter().map(|key| value(*key).1).collect(),
            (1..).take(receiver.len()).collect(),
        ];
        let provider =
            |role, set: &Distinct| Provider { role, items: set.len(), columns: vec![Shape::Z64] };
        let task = Task::new(provider(Role::P1, receiver), provider(Role::P0, sender), 1).unwrap();
        Self { task, sets: [sender, receiver], columns }
    }

    fn intersect(&self, s: &mut Session, seed: u64) -> Result<circuit::Matches, SessionError> {
        let role = s.role().index();
        let mut rng = Duo::new(seed).prg(role as u64);
        let Some(items) = self.sets.get(role) else {
            return circuit::intersect(s, &self.task, None, &mut rng);
        };
        let columns = [&self.columns[role][..]];
        let set = Set { items: items.ids(), columns: &columns };
        circuit::intersect(s, &self.task, Some(&set), &mut rng)
    }

    /// The number of matches and the sum of the sender's values.
    fn numbers(&self, seed: u64, sums: bool) -> (usize, Vec<i64>) {
        let run = World::new(seed).run(|s| {
            let matches = self.intersect(s, seed)?;
            let values: Vec<_> = matches.sender.iter().map(words).filter(|_| sums).collect();
            let group = Bits::zeros(self.task.bins(), 0);
            let ask = Ask { live: &matches.live, group: &group, sums: &values };
            let rule = Rule { minimum: 0, noise: None };
            let mut rng = Duo::new(seed).prg(10 + s.role().index() as u64);
            aggregate(s, &ask, &rule, &mut rng)?.open(s, Recipient::One(Role::P1))
        });
        let [_, Some(cells), _] = &run.results else { panic!("the receiver learns it") };
        let cell = cells[0].as_ref().expect("no minimum");
        (usize::try_from(cell.count).unwrap(), cell.sums.clone())
    }
}

fn words(column: &Column) -> &Shared<Z64> {
    let Column::Z64(words) = column else { panic!("a column of words") };
    words
}

pub(super) fn circuit(seed: u64, sender: &Distinct, receiver: &Distinct) -> Found {
    let joint = Joint::new(sender, receiver);
    let run = World::new(seed).run(|s| {
        let matches = joint.intersect(s, seed)?;
        let measured = s.stats().total();
        let mut live = matches.live.clone();
        live.clear_beyond_rows();
        let live = reveal::<B64>(s, live.planes(), OpeningKind::Result)?;
        let columns = [&matches.receiver[0], &matches.sender[0]];
        let columns = columns.map(|column| reveal::<Z64>(s, words(column), OpeningKind::Result));
        let [positions, values] = columns;
        Ok((live, positions?, values?, measured.bytes))
    });
    let mut quoted = crate::session::Meter::new();
    quoted.enter(1);
    intersect_cost(&mut quoted, &joint.task);
    assert_eq!(run.results.iter().map(|it| it.3).sum::<u64>(), quoted.total().bytes, "bytes");
    let (live, positions, values, _) = &run.results[0];
    let mut found = Vec::new();
    for bin in (0..joint.task.bins()).filter(|bin| live[bin / 64] >> (bin % 64) & 1 == 1) {
        let position = u32::try_from(positions[bin]).unwrap().checked_sub(1).expect("an element");
        assert_eq!(values[bin], value(receiver.ids()[position as usize]).1, "another's value");
        found.push(position);
    }
    Found::Rows(receiver.rows_of_all(&found))
}

pub(super) fn cardinality(seed: u64, sender: &Distinct, receiver: &Distinct) -> Found {
    Found::Count(Joint::new(sender, receiver).numbers(seed, false).0)
}

pub(super) fn sum(seed: u64, sender: &Distinct, receiver: &Distinct) -> Found {
    let (count, sums) = Joint::new(sender, receiver).numbers(seed, true);
    Found::Sum(count, sums[0].cast_unsigned())
}

/// Three parties, of whom the third has what the sender has.
pub(super) fn multi(seed: u64, sender: &Distinct, receiver: &Distinct) -> Found {
    let sizes = vec![sender.len(), receiver.len(), sender.len()];
    let setting = multiparty::Setting::new(PartyId(1), sizes, Audience::Leader).unwrap();
    let run = Circle::new(seed, 3).run(|wire, rng| {
        let set = if wire.me() == PartyId(1) { receiver } else { sender };
        multiparty::intersect(wire, &setting, set.ids(), rng)
    });
    let mut quoted = CircleCost::new(3);
    multiparty::cost(&mut quoted, &setting);
    run.assert_cost(&quoted);
    let positions = run.results[1].as_ref().expect("the leader learns it");
    Found::Rows(receiver.rows_of_all(positions))
}
