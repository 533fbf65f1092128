//! Circuits of one bucket, and what is worked out of a circuit, over links that are lost at each message: the same results, the same
//! openings, and no more bytes than the unit that was repeated.

use std::sync::{Mutex, PoisonError};

use protocols::{
    mpc::Shape as Wire,
    net::wire_bytes,
    party::PartyId,
    session::{Meter, again_bytes},
    testkit::{Cut, Severed, Watch},
};

use super::{
    beneath::sorted,
    buckets::{by_label, compiled, split},
    held, joins,
    told::small,
    *,
};
use crate::{
    job::{JobSpec, PsiForm, PsiNoise, PsiProtocol},
    plan::{Kind, Opened, Shape, Stretch, leakage},
    sql::tests::{
        party,
        psi::{Sets, asked, psi},
    },
};

/// A plan, what its owners hold, and what comes out.
struct Case {
    what: &'static str,
    plan: Plan,
    inputs: Vec<EncodedInput>,
    price: Quote,
    stretch: Stretch,
}

/// What comes out: rows in an order of their own, what each party is told, and what each finds.
type Out = (Vec<Vec<i128>>, [Option<Vec<Vec<i128>>>; 3], Vec<Found>);

/// By whom how many frames were sent to whom.
type Sent = Vec<(PartyId, PartyId, usize)>;

/// How far a run came, how often links were made anew, and what was sent before the stretch began, and before it ended.
struct Ran {
    ended: [Result<Ended, ExecError>; 3],
    watch: Watch,
    sent: [Sent; 2],
}

fn links() -> impl Iterator<Item = (PartyId, PartyId)> {
    Role::ALL.into_iter().flat_map(|from| [from.next(), from.prev()].map(|to| (from.id(), to.id())))
}

impl Case {
    fn of(what: &'static str, plan: Plan, inputs: Vec<EncodedInput>) -> Self {
        let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
        let [stretch] = Stretch::all(&plan).try_into().unwrap();
        Self { what, plan, inputs, price, stretch }
    }

    fn run(&self, cuts: &[Cut]) -> Ran {
        let (plan, price) = (&self.plan, &self.price);
        let mesh = Severed::mesh(3, Duration::from_secs(20), cuts);
        let (watch, sent) = (mesh[0].watch(), Mutex::new([Sent::new(), Sent::new()]));
        let party = |role: Role, channel: Severed| {
            let gate = Gate::listing(&price.openings);
            let prss = test_prss(5, role);
            let mut s = Session::new(role, Arc::new(channel), prss, gate).on(price.profile);
            let mine = plan.inputs.iter().zip(&self.inputs);
            let mine = mine.map(|(input, data)| {
                (input.party == plan.compute[role.index()]).then(|| data.clone())
            });
            let progress = &mut |at, _| {
                let nodes = &self.stretch.nodes;
                if let Some(by) = [nodes.start, nodes.end].iter().position(|due| *due == at) {
                    let ends = links().filter(|(from, _)| *from == role.id());
                    let ends = ends.map(|(from, to)| (from, to, watch.sent(from, to)));
                    let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                    if by > 0 || !sent[0].iter().any(|(from, ..)| *from == role.id()) {
                        sent[by].extend(ends);
                    }
                }
            };
            let around = Around { progress, figures: &mut |_, _| (), trainings: None };
            let rng = &mut Prg::new(&[7; 16]);
            let result = run(plan, mine.collect(), &mut s, around, rng).and_then(|result| {
                s.finish()?;
                let (total, depth, opened) = (s.stats().total(), s.depth(), s.opened().to_vec());
                Ok(Ended { result, total, depth, opened })
            });
            if let Err(ExecError::Session(error)) = &result {
                s.abort(error);
            }
            result
        };
        let ended = std::thread::scope(|scope| {
            let parties = Role::ALL.into_iter().zip(mesh);
            let parties: Vec<_> =
                parties.map(|(role, end)| scope.spawn(move || party(role, end))).collect();
            parties.into_iter().map(|party| party.join().unwrap()).collect::<Vec<_>>()
        });
        let sent = sent.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ran { ended: ended.try_into().unwrap_or_else(|_| panic!("three")), watch, sent }
    }

    /// What came out where all is well: openings are as listed, and bytes within their bound.
    fn out(&self, ended: &[Ended; 3], times: u64, what: &str) -> Out {
        let total: u64 = ended.iter().map(|party| party.total.bytes).sum();
        let price = &self.price;
        let most =
            price.total.bytes + times * again_bytes(self.stretch.largest(|at| price.ops[at].bytes));
        assert!(
            total <= most && (times > 0 || total == price.total.bytes),
            "{what}: {total} bytes"
        );
        for party in ended {
            let (mut opened, mut listed) = (party.opened.clone(), price.openings.clone());
            opened.sort_unstable();
            listed.sort_unstable();
            assert_eq!(opened, listed, "{what}");
        }
        let columns = (0..ended[0].result.columns.len())
            .map(|at| open(&ended.each_ref().map(|party| party.result.columns[at].clone())));
        let columns: Vec<_> = columns.collect();
        let live = columns[0].iter().map(|bit| *bit == 1);
        let rows = sorted(live, &columns[1..]);
        let found = ended.iter().flat_map(|party| party.result.found.clone()).collect();
        let told = |told: &Opened| told.columns.iter().map(|of| of.value.clone()).collect();
        (rows, ended.each_ref().map(|party| party.result.told.as_ref().map(told)), found)
    }

    /// Cuts a link at so many parts of its messages in the stretch; gives a cut of it behind that.
    fn cut_within(&self, parts: &[(usize, usize)]) -> Cut {
        let whole = self.run(&[]);
        let [from, to] = [0, 1].map(PartyId);
        let [begun, within] = whole.sent.each_ref().map(|sent| {
            let of_link = sent.iter().find(|(one, other, _)| (*one, *other) == (from, to));
            of_link.map(|(.., sent)| *sent)
        });
        let within = within.unwrap_or_else(|| whole.watch.sent(from, to));
        let begun = begun.expect("the stretch has a beginning");
        let cut = |nth| Cut { from, to, nth, rest_arrives: false };
        let want = self.out(&whole.ended.map(Result::unwrap), 0, self.what);
        for (part, of) in parts {
            let what = format!("{}: at {part} of {of}", self.what);
            let again = self.run(&[cut(begun + (within - begun) * part / of)]);
            assert_eq!(renewed(&again.watch), 1, "{what}");
            assert_eq!(self.out(&again.ended.map(Result::unwrap), 1, &what), want, "{what}");
        }
        cut(within + 2)
    }

    /// Cuts each link at every so many-th of its messages: nobody is through before the last words of the stretch.
    fn cut_at_each(&self, stride: usize) {
        let whole = self.run(&[]);
        let out = |ran: Ran, what: &str| {
            let times = renewed(&ran.watch);
            let all = ran.ended.map(|of| of.unwrap_or_else(|e| panic!("{what}: {e:?}")));
            (self.out(&all, times, what), times)
        };
        let sent = whole.sent.clone();
        let all: Vec<_> =
            links().map(|(from, to)| (from, to, whole.watch.sent(from, to))).collect();
        let (want, _) = out(whole, self.what);
        let mut ended = 0;
        for (from, to, all) in all {
            let [begun, within] = sent.each_ref().map(|sent| {
                let sent = sent.iter().find(|(one, other, _)| (*one, *other) == (from, to));
                sent.map(|(.., sent)| *sent)
            });
            // Nothing tells of the end of a stretch with which a plan ends.
            let (begun, within) = (begun.unwrap_or(0), within.unwrap_or(all));
            let last = within.saturating_sub(2)..all;
            for nth in (begun..within.saturating_sub(2)).step_by(stride).chain(last) {
                let cut = Cut { from, to, nth, rest_arrives: nth % 2 == 0 };
                let what = format!("{}: {from} to {to}, frame {nth} of {within}", self.what);
                let ran = self.run(&[cut]);
                let failed = ran.ended.iter().filter_map(|of| of.as_ref().err());
                let failed: Vec<_> = failed.cloned().collect();
                if nth + 1 >= within && !failed.is_empty() {
                    // With that word somebody may be through.
                    assert!(failed.iter().all(|e| matches!(e, ExecError::Session(_))), "{what}");
                    ended += 1;
                    continue;
                }
                let (got, times) = out(ran, &what);
                assert_eq!((got, times), (want.clone(), 1), "{what}");
            }
        }
        assert!(ended > 0, "{}: words of the last unit are not repeated", self.what);
    }
}

fn renewed(watch: &Watch) -> u64 {
    let links = links().filter(|(one, other)| one < other);
    links.map(|(one, other)| u64::from(watch.link(one, other).0)).sum()
}

async fn case(what: &'static str, sets: &Sets, job: &JobSpec, rows: Option<usize>) -> Case {
    let compiled = compile(job, &sets.world.descriptors, &[]).unwrap();
    let inputs = sets.world.inputs(&compiled).await;
    let plan = rows.map_or_else(|| compiled.plan.clone(), |rows| split(&compiled.plan, rows));
    Case::of(what, plan, inputs)
}

fn circuit(form: PsiForm, columns: [&[&str]; 2]) -> JobSpec {
    let mut job = asked(form, columns);
    psi(&mut job).protocol = PsiProtocol::Circuit;
    job
}

#[tokio::test]
async fn a_circuit_of_one_bucket_is_repeated_up_to_the_shares_of_its_result() {
    let sets = small(3, (64, 60));
    let compiled = compiled(&sets, &PsiForm::Cardinality, 3);
    let inputs = sets.world.inputs(&compiled).await;
    let counted = Case::of("size", compiled.plan, inputs);
    assert_eq!(counted.stretch.nodes.end, counted.plan.nodes.len() + 1);
    counted.cut_at_each(1);
    let grouped = case("groups", &sets, &circuit(by_label(), [&[], &[]]), None).await;
    grouped.cut_at_each(23);
    let job = circuit(PsiForm::Inner, [&["number"], &["number"]]);
    case("rows", &sets, &job, None).await.cut_at_each(11);
}

#[tokio::test]
async fn what_is_worked_out_of_buckets_is_repeated_behind_them() {
    let sets = small(3, (64, 60));
    let counted = compiled(&sets, &PsiForm::Cardinality, 3);
    let inputs = sets.world.inputs(&counted).await;
    let counted = Case::of("size", split(&counted.plan, 40), inputs);
    assert_eq!(counted.stretch.units(), 3);
    counted.cut_at_each(5);
    let job = circuit(PsiForm::Inner, [&["number"], &["number"]]);
    case("rows", &sets, &job, Some(30)).await.cut_at_each(17);
}

#[tokio::test]
async fn a_second_join_and_a_scoring_are_repeated_behind_what_met() {
    let (plan, inputs) = joins::joined_twice(20).await;
    let twice = Case::of("two joins", plan, inputs);
    assert!(twice.stretch.units() > 2);
    assert!(twice.plan.nodes.iter().any(|op| matches!(op, Op::Join { .. })));
    twice.cut_within(&[(1, 4), (4, 5)]);
    let (plan, inputs) = joins::scored();
    let scored = Case::of("scoring", plan, inputs);
    assert!(matches!(scored.plan.nodes[scored.stretch.nodes.end], Op::Score(_)));
    let behind = scored.cut_within(&[(1, 2)]);
    let ended = scored.run(&[behind]).ended;
    assert!(ended.iter().any(Result::is_err), "a link that is lost while rows are scored");
}

#[tokio::test]
async fn what_owners_open_and_what_they_do_between_themselves_is_behind_a_stretch() {
    let sets = small(3, (64, 60));
    // At such an ε nothing but 0 is drawn: what comes out can be compared.
    for noise in [None, Some(PsiNoise { epsilon_milli: 1_000_000 })] {
        let mut job = circuit(PsiForm::Cardinality, [&[], &[]]);
        psi(&mut job).to = vec![party("employers")];
        psi(&mut job).noise = noise;
        let told = case("told", &sets, &job, None).await;
        assert!(matches!(told.plan.nodes[told.stretch.nodes.end], Op::Tell(_)));
        told.cut_at_each(7);
    }
    let shown = held::compiled(&sets, PsiProtocol::Ecdh, &["census"], 2);
    let inputs = vec![held::own(&sets.first), held::own(&sets.second)];
    let shown = Case::of("shown", shown.plan, inputs);
    assert!(matches!(shown.plan.nodes[shown.stretch.nodes.end], Op::Require(_)));
    shown.cut_at_each(7);
}

/// A word from each to both others, in a round; a plan without a circuit has none.
#[tokio::test]
async fn a_stretch_costs_a_word_of_each_and_says_so() {
    let sets = small(4, (9, 9));
    let plan = compiled(&sets, &PsiForm::Cardinality, 3).plan;
    let shapes = check(&plan).unwrap();
    let price = quote(&plan, &shapes, Profile::LAN).unwrap();
    let layout = plan.output.layout().into_iter().map(|r| {
        let Shape { kind, rows } = shapes[r.0 as usize][r.1 as usize];
        let wire = match kind {
            Kind::Bits(width) => Wire::Bits(width.into()),
            Kind::Z64 => Wire::Z64,
            Kind::Z128 => Wire::Z128,
        };
        (usize::try_from(rows).unwrap(), wire)
    });
    let mut m = Meter::new();
    super::super::release::release_cost(&mut m, &layout.collect::<Vec<_>>());
    let release = price.ops.last().unwrap();
    assert_eq!(release.bytes, m.total().bytes + 6 * wire_bytes(8));
    assert_eq!(release.messages, m.total().messages + 6);
    let told = leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
    assert!(told.contains("all three repeat what was done from n"), "{told}");
    assert!(told.contains("before the result leaves them"), "{told}");

    let joint = compile(&spec(STATEMENTS[0]), &[people(), jobs()], &[]).unwrap().plan;
    assert!(Stretch::all(&joint).is_empty());
    assert!(!leakage(&joint, &|_| Vec::new()).unwrap().join("\n").contains("repeat"));
}
