//! Lookups on shares' side: right labels at the quoted price, with the table and without, and nothing from a provider that does
//! not say what it signed.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    sync::Mutex,
};

use protocols::{
    net::record::{Recorder, Shape},
    psi::lookup::{Epoch, Rows, publish},
};

use super::*;
use crate::{
    identity::{Hash32, IdentityKey},
    job::{JobKind, PsiForm, PsiProtocol, PsiSet, PsiSpec, TextRule},
    plan::{Answers, Asks, Lookup, LookupEnd, PolicyTerms, Statement},
};

/// Bounds of who asks and of what is published.
const ASKS: u64 = 70;
const PUBLISHED: u64 = 130;

fn compiled() -> Plan {
    let (mut people, mut jobs) = (people(), jobs());
    (people.rows_max, jobs.rows_max) = (ASKS, PUBLISHED);
    let set = |dataset: &str, columns: &[&str]| PsiSet {
        dataset: dataset.into(),
        key: vec!["person_id".into()],
        filter: None,
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
    };
    let psi = PsiSpec {
        sets: vec![set("census.people", &["age"]), set("employers.jobs", &["hours_per_week"])],
        form: PsiForm::Inner,
        to: vec!["census".try_into().unwrap()],
        protocol: PsiProtocol::Lookup,
        text: TextRule::default(),
        noise: None,
        bucket_rows: None,
    };
    let spec = crate::job::JobSpec { kind: JobKind::Psi(psi), ..spec("") };
    let policies = [
        terms("census.people", 0),
        PolicyTerms { lookups: Some(1000), ..terms("employers.jobs", 0) },
    ];
    compile(&spec, &[people, jobs], &policies).unwrap().plan
}

fn lookup_of(plan: &Plan) -> &Lookup {
    let of = plan.nodes.iter().find_map(|op| match op {
        Op::Lookup(of) => Some(of),
        _ => None,
    });
    of.unwrap()
}

fn label(id: u128) -> Vec<u8> {
    let word = u8::try_from(id % 100).unwrap();
    vec![1, word, 0, 0, 0]
}

/// A publication of these ids, signed by this key.
fn published(plan: &Plan, ids: &[u128], signer: &IdentityKey, seed: u8) -> Answers {
    let (of, bound) = (lookup_of(plan), usize::try_from(PUBLISHED).unwrap());
    let invented = (0..).map(|i| u128::MAX - i);
    let items: Vec<u128> = ids.iter().copied().chain(invented).take(bound).collect();
    let labels: Vec<u8> = items.iter().flat_map(|id| label(*id)).collect();
    let rows = Rows { items: &items, labels: &labels, label_bytes: 5, withdrawn: &[] };
    let epoch = Epoch { number: 9, base: None };
    let (made, key) = publish(epoch, of.queries, rows, &mut Prg::new(&[seed; 16])).unwrap();
    let statement = Statement::sign(of.terms(plan), Hash32([seed; 32]), made.header, signer);
    Answers { statement, key, body: Box::new(made.body) }
}

/// Where the second party's identity comes from.
fn provider() -> IdentityKey {
    IdentityKey::from_seed(&[3; 32])
}

/// What who asks learns, and what it fetched.
type Learned = (Vec<Option<Vec<u8>>>, Option<(Statement, Vec<u8>)>);

/// The file of a table that was fetched.
type Fetched = Arc<Mutex<Option<File>>>;

/// What stands in front of it there.
const FRONT: &[u8] = b"before";

fn ends(
    keys: &[Option<u128>],
    held: Option<&(Statement, Vec<u8>)>,
    answers: Answers,
    fetched: &Fetched,
) -> [EncodedInput; 2] {
    let keys = keys.to_vec();
    let held =
        held.map(|(statement, body)| (statement.clone(), statement.header.open(body).unwrap()));
    let ids = Box::new(move |_: &[u8; 32]| Some(keys.clone()));
    let slot = fetched.clone();
    let store = Box::new(move |_: &Statement| {
        let mut file = tempfile::tempfile()?;
        file.write_all(FRONT)?;
        *slot.lock().unwrap() = Some(file.try_clone()?);
        Ok(file)
    });
    let asks = Asks { provider: provider().public(), ids, held, store };
    let input = |end| {
        let (live, columns, lookup) = (Vec::new(), Vec::new(), Some(end));
        EncodedInput { live, columns, home: None, own: None, lookup, train: None }
    };
    [LookupEnd::Asks(Arc::new(asks)), LookupEnd::Answers(Arc::new(answers))].map(input)
}

fn run_ends(plan: &Plan, inputs: &[EncodedInput]) -> ([Result<Ended, ExecError>; 3], Vec<Shape>) {
    let price = quote(plan, &check(plan).unwrap(), Profile::LAN).unwrap();
    let recorders: Vec<_> = memory::mesh(3, Duration::from_secs(20))
        .into_iter()
        .map(|end| Arc::new(Recorder::new(end)))
        .collect();
    let channels = recorders.iter().map(|end| Arc::clone(end) as Arc<dyn Channel>).collect();
    let ended = run_over(5, plan, (inputs, &price), channels, |_| Ok(()));
    (ended, recorders.iter().map(|end| end.shape()).collect())
}

/// Runs it, and holds it to the quote.
fn looked_up(
    plan: &Plan,
    keys: &[Option<u128>],
    held: Option<&(Statement, Vec<u8>)>,
    answers: Answers,
) -> Learned {
    let price = quote(plan, &check(plan).unwrap(), Profile::LAN).unwrap();
    let file = Fetched::default();
    let ended = run_ends(plan, &ends(keys, held, answers, &file)).0.map(Result::unwrap);
    let bytes: u64 = ended.iter().map(|party| party.total.bytes).sum();
    let rounds = ended.iter().map(|party| party.depth).max();
    let [mut asks, others @ ..] = ended;
    let learned = asks.result.looked_up.pop().unwrap();
    let body = file.lock().unwrap().take().map(|mut file| {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_end(&mut bytes).unwrap();
        bytes.strip_prefix(FRONT).unwrap().to_vec()
    });
    assert_eq!(learned.fetched.is_some(), body.is_some());
    assert!(others.iter().all(|party| party.result.looked_up.is_empty()));
    let table = if learned.fetched.is_some() { price.tables.bytes } else { 0 };
    assert_eq!((bytes, rounds), (price.total.bytes + table, Some(price.total.rounds)));
    assert!(price.tables.bytes > 0);
    (learned.labels, learned.fetched.zip(body))
}

#[test]
fn labels_are_those_of_the_keys_that_are_there_at_the_quoted_price() {
    let plan = compiled();
    for (seed, (asked, there)) in
        (0_u8..).zip([(0, 130), (1, 1), (1, 0), (63, 64), (64, 130), (70, 65)])
    {
        let ids: Vec<u128> = (0..there).map(|i| 1000 + 7 * i).collect();
        // Every fifth row has no key, and each key stands there twice.
        let keys: Vec<Option<u128>> =
            (0..asked).map(|i| (i % 5 != 4).then_some(1000 + 3 * (i / 2))).collect();
        let want: Vec<_> =
            keys.iter().map(|key| key.filter(|id| ids.contains(id)).map(label)).collect();
        let made = || published(&plan, &ids, &provider(), seed);
        let (labels, fetched) = looked_up(&plan, &keys, None, made());
        assert_eq!(labels, want, "seed {seed}");
        let (again, nothing) = looked_up(&plan, &keys, fetched.as_ref(), made());
        assert_eq!((again, nothing.is_none()), (want, true), "seed {seed}");
    }
    let all: Vec<_> = (0..70).map(|i| Some(1000 + i)).collect();
    let ids: Vec<u128> = all.iter().flatten().copied().collect();
    let (labels, fetched) = looked_up(&plan, &all, None, published(&plan, &ids, &provider(), 1));
    assert!(labels.iter().all(Option::is_some));
    // A new publication: what is held is of no use, and is replaced.
    let changed = published(&plan, &ids[..1], &provider(), 2);
    let (labels, anew) = looked_up(&plan, &all, fetched.as_ref(), changed);
    assert_eq!(labels.iter().flatten().count(), 1);
    assert!(anew.unwrap().0.digest() != fetched.unwrap().0.digest());
}

#[test]
fn what_a_provider_did_not_sign_for_this_job_is_refused() {
    let plan = compiled();
    let refused = |answers: Answers| {
        let ended = run_ends(&plan, &ends(&[Some(7)], None, answers, &Fetched::default())).0;
        let [asks, ..] = ended;
        match asks.err().unwrap() {
            ExecError::Session(SessionError::Invalid { peer, .. }) => {
                assert_eq!(peer, Role::P1.id());
            }
            other => panic!("{other:?}"),
        }
    };
    refused(published(&plan, &[7], &IdentityKey::from_seed(&[4; 32]), 1));
    // Another table than the one that was signed, of the same length.
    let changed = published(&plan, &[7], &provider(), 1);
    let mut body = vec![0; usize::try_from(changed.body.bytes()).unwrap()];
    changed.body.read_at(0, &mut body).unwrap();
    *body.last_mut().unwrap() ^= 1;
    refused(Answers { body: Box::new(body), ..changed });
    // Another key than the one that was signed.
    let other = published(&plan, &[7], &provider(), 2);
    refused(Answers { key: other.key, ..published(&plan, &[7], &provider(), 1) });
    // Of another question.
    let mut elsewhere = plan.clone();
    elsewhere.inputs[1].text.push(' ');
    refused(published(&elsewhere, &[7], &provider(), 1));
}

#[test]
fn how_many_keys_are_asked_for_and_found_shows_in_no_message() {
    let plan = compiled();
    let ids: Vec<u128> = (0..100).map(|i| 1000 + i).collect();
    let view = |keys: &[Option<u128>]| {
        let answers = published(&plan, &ids, &provider(), 1);
        let (ended, views) = run_ends(&plan, &ends(keys, None, answers, &Fetched::default()));
        assert!(ended.iter().all(Result::is_ok));
        views
    };
    let all: Vec<_> = ids.iter().take(70).copied().map(Some).collect();
    assert_eq!(view(&[]), view(&all));
    assert_eq!(view(&[None, Some(5)]), view(&all));
}

#[test]
fn a_lookup_that_is_none_is_refused() {
    let plan = compiled();
    let at = plan.nodes.iter().position(|op| matches!(op, Op::Lookup(_))).unwrap();
    let broken = |change: &dyn Fn(&mut Lookup)| {
        let mut plan = plan.clone();
        let Op::Lookup(of) = &mut plan.nodes[at] else { unreachable!() };
        change(of);
        check(&plan).unwrap_err().to_string()
    };
    assert!(broken(&|of| of.asks = 9).contains("names input 9"));
    assert!(broken(&|of| of.asks = of.answers).contains("own party"));
    assert!(broken(&|of| of.keeps.input = of.answers).contains("asks nothing"));
    assert!(broken(&|of| of.queries = 0).contains("beyond counting"));
    assert!(broken(&|of| of.labels[0].bytes = 1 << 20).contains("beyond counting"));
    let mut shared = plan;
    shared.inputs[1].key = None;
    assert!(check(&shared).unwrap_err().to_string().contains("no set of a lookup"));
}
