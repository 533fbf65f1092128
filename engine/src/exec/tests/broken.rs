//! Circuits that go bucket by bucket and lose links on the way: the same counts and sums, the same openings, and no more bytes than
//! the buckets that were repeated.

use protocols::{
    party::PartyId,
    session::{REPEATS, again_bytes},
    testkit::{Cut, Severed, Watch},
};

use super::{
    buckets::{by_label, compiled, ranged, split},
    told::small,
    *,
};
use crate::{job::PsiForm, plan::Stretch};

type Three = [Result<Ended, ExecError>; 3];

fn severed(plan: &Plan, inputs: &[EncodedInput], cuts: &[Cut]) -> (Three, Watch, Quote) {
    let shapes = check(plan).unwrap();
    let price = quote(plan, &shapes, Profile::LAN).unwrap();
    let mesh = Severed::mesh(3, Duration::from_secs(20), cuts);
    let watch = mesh[0].watch();
    let channels = mesh.into_iter().map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
    (run_over(5, plan, (inputs, &price), channels, |_| Ok(())), watch, price)
}

fn links() -> impl Iterator<Item = (PartyId, PartyId)> {
    Role::ALL.into_iter().flat_map(|from| [from.next(), from.prev()].map(|to| (from.id(), to.id())))
}

fn renewed(watch: &Watch) -> u64 {
    let links = links().filter(|(one, other)| one < other);
    links.map(|(one, other)| u64::from(watch.link(one, other).0)).sum()
}

/// The right columns, openings as listed, and a bound on the bytes.
fn check_run(plan: &Plan, inputs: &[EncodedInput], ranges: bool, cuts: &[Cut]) -> Watch {
    let held = if ranges { ranged(plan, inputs) } else { inputs.to_vec() };
    let (three, watch, price) = severed(plan, &held, cuts);
    let ended = three.map(|ended| ended.unwrap_or_else(|error| panic!("{cuts:?}: {error}")));
    let clear = clear::open(plan, inputs).unwrap();
    let column = |at: usize| open(&ended.each_ref().map(|party| party.result.columns[at].clone()));
    assert_eq!(column(0).iter().map(|bit| *bit == 1).collect::<Vec<_>>(), clear.live, "{cuts:?}");
    let mut at = 1;
    for of in &clear.columns {
        assert_eq!(column(at), of.value, "{cuts:?}");
        at += 1 + usize::from(of.present.is_some()) + usize::from(of.divisor.is_some());
    }
    let [stretch] = Stretch::all(plan).try_into().unwrap();
    let unit = stretch.largest(|at| price.ops[at].bytes);
    let times = renewed(&watch);
    let total: u64 = ended.iter().map(|party| party.total.bytes).sum();
    let most = price.total.bytes + times * again_bytes(unit);
    assert!(total <= most && (times > 0 || total == price.total.bytes), "{cuts:?}: {total} bytes");
    for party in &ended {
        let mut opened = party.opened.clone();
        let mut listed = price.openings.clone();
        opened.sort_unstable();
        listed.sort_unstable();
        assert_eq!(opened, listed, "{cuts:?}");
    }
    watch
}

#[tokio::test]
async fn buckets_of_a_circuit_are_repeated_where_a_link_was_lost() {
    let sets = small(3, (64, 60));
    let sum = PsiForm::Sum { column: "employers.right.number".into(), by: None };
    for (form, least, ranges) in [(PsiForm::Cardinality, 3, true), (sum, 0, false)] {
        let compiled = compiled(&sets, &form, least);
        let plan = split(&compiled.plan, 20);
        let inputs = sets.world.inputs(&compiled).await;
        let whole = check_run(&plan, &inputs, ranges, &[]);
        for (from, to) in links() {
            // The first word between two of them, one in the middle, and one of the third bucket.
            let places = [(whole.sent(from, to) / 3, false), (0, true), (2, true)];
            for (nth, rest_arrives) in places.into_iter().take(if ranges { 3 } else { 1 }) {
                let watch =
                    check_run(&plan, &inputs, ranges, &[Cut { from, to, nth, rest_arrives }]);
                assert_eq!(renewed(&watch), 1, "{from} to {to}, {nth}");
            }
        }
        let [a, b, c] = [0, 1, 2].map(PartyId);
        let cut = |from, to, nth| Cut { from, to, nth, rest_arrives: false };
        // None of the last bucket's words, with which somebody may be through.
        let cuts = [(a, b, 1), (a, b, 2), (b, c, 1), (c, b, 2), (a, c, 1), (c, a, 2)];
        let watch =
            check_run(&plan, &inputs, ranges, &cuts.map(|(from, to, nth)| cut(from, to, nth)));
        assert_eq!(renewed(&watch), REPEATS / 2);
        let (three, watch, _) = severed(&plan, &inputs, &[0, 1, 2].map(|nth| cut(a, b, nth)));
        assert!(three.iter().all(Result::is_err) && renewed(&watch) == 2);
    }
}

/// What groups by keys opens permutations: other ones in a bucket that is repeated, each on the list once.
#[tokio::test]
async fn a_bucket_that_opens_permutations_is_repeated_and_opens_what_is_listed() {
    let sets = small(3, (64, 60));
    let grouped = compiled(&sets, &by_label(), 0);
    let plan = split(&grouped.plan, 40);
    let inputs = sets.world.inputs(&grouped).await;
    let whole = check_run(&plan, &inputs, false, &[]);
    for (from, to) in links() {
        let sent = whole.sent(from, to);
        for (nth, rest_arrives) in [(sent / 3, true), (sent / 2, false), (sent / 4, true)] {
            let watch = check_run(&plan, &inputs, false, &[Cut { from, to, nth, rest_arrives }]);
            assert_eq!(renewed(&watch), 1, "{from} to {to}, {nth} of {sent}");
        }
    }
    let told =
        |opens: &[(u64, u64)]| crate::plan::leakage(&plan, &|_| opens.to_vec()).unwrap().join("\n");
    assert!(told(&[(9, 1)]).contains("repeat the bucket that was under way"));
    assert!(told(&[(9, 1)]).contains("random permutations, drawn anew"));
    assert!(!told(&[]).contains("random permutations, drawn anew"));
}
