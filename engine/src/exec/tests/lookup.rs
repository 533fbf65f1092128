//! Lookups on shares' side: right labels at the quoted price, with the table and without, and nothing from a provider that does
//! not say what it signed.

mod changes;

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    sync::{Mutex, MutexGuard},
};

use protocols::{
    net::record::{Recorder, Shape},
    psi::lookup::{Epoch, Landing, PIECE_BYTES, Rows, Stored, TableError, publish, table_cost},
    session::PairCost,
};
use tables::Spill;

use super::*;
use crate::{
    identity::{Hash32, IdentityKey},
    job::{JobKind, PsiForm, PsiProtocol, PsiSet, PsiSpec, TextRule},
    plan::{
        Answers, Asks, Layer, Lookup, LookupEnd, OwnSet, PolicyTerms, Shelf, Statement, TableCopy,
    },
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
        resumes: None,
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
    Answers { layers: vec![whole(plan, ids, signer, seed)] }
}

/// The same in a publication alone.
fn whole(plan: &Plan, ids: &[u128], signer: &IdentityKey, seed: u8) -> Layer {
    let (of, bound) = (lookup_of(plan), usize::try_from(PUBLISHED).unwrap());
    let invented = (0..).map(|i| u128::MAX - i);
    let items: Vec<u128> = ids.iter().copied().chain(invented).take(bound).collect();
    let (label_bytes, mut labels) = (of.label_bytes(), Vec::new());
    for id in &items {
        labels.extend(label(*id));
        labels.resize(labels.len() + label_bytes as usize - 5, 0);
    }
    let rows = Rows { items: &items, labels: &labels, label_bytes, withdrawn: &[] };
    let epoch = Epoch { number: 9, base: None };
    let (made, key) = publish(epoch, of.queries, rows, &mut Prg::new(&[seed; 16])).unwrap();
    let statement = Statement::sign(of.terms(plan), Hash32([seed; 32]), made.header, signer);
    Layer { statement, key, body: Box::new(made.body) }
}

/// Another table than the one that was signed, of the same length.
fn forged(layer: Layer) -> Answers {
    let mut body = vec![0; usize::try_from(layer.body.bytes()).unwrap()];
    layer.body.read_at(0, &mut body).unwrap();
    *body.last_mut().unwrap() ^= 1;
    Answers { layers: vec![Layer { body: Box::new(body), ..layer }] }
}

/// Where the second party's identity comes from.
fn provider() -> IdentityKey {
    IdentityKey::from_seed(&[3; 32])
}

/// What stands in front of a table where it is kept.
const FRONT: &[u8] = b"before";

/// Where who asks keeps what it fetches, by place.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<[Slot; 5]>>);

#[derive(Default)]
struct Slot {
    file: Option<(Statement, File)>,
    /// All of it has come, as it was signed.
    whole: bool,
}

impl Kept {
    fn slots(&self) -> MutexGuard<'_, [Slot; 5]> {
        self.0.lock().unwrap()
    }

    /// The publication that it has a file of.
    fn statement(&self) -> Option<Statement> {
        self.slots()[0].file.as_ref().map(|(statement, _)| statement.clone())
    }

    fn is_whole(&self) -> bool {
        self.slots().iter().all(|slot| slot.whole == slot.file.is_some())
    }

    /// What a later run finds there.
    fn copies(&self) -> Vec<TableCopy> {
        self.slots().iter().map_while(Slot::copy).collect()
    }

    /// As if no more had come than so many pieces.
    fn cut(&self, pieces: usize) {
        let slot = &mut self.slots()[0];
        let (statement, file) = slot.file.as_mut().unwrap();
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(FRONT.len() as u64)).unwrap();
        file.read_to_end(&mut bytes).unwrap();
        let file = file.try_clone().unwrap();
        let mut landing = Landing::begin(file, FRONT.len() as u64, &statement.header).unwrap();
        bytes.chunks(PIECE_BYTES).take(pieces).for_each(|piece| landing.take(piece).unwrap());
        slot.whole = false;
    }
}

impl Slot {
    fn copy(&self) -> Option<TableCopy> {
        let (statement, file) = self.file.as_ref()?;
        let (statement, file) = (statement.clone(), file.try_clone().unwrap());
        let (header, from) = (statement.header, FRONT.len() as u64);
        if self.whole {
            let body = Box::new(Stored::behind(file, from).unwrap());
            return Some(TableCopy::Whole(statement, header.open_stored(body).unwrap()));
        }
        Some(TableCopy::Part(statement, Landing::again(file, from, &header).unwrap()))
    }
}

impl Shelf for Kept {
    fn begin(&self, place: usize, of: &Statement) -> Result<Landing, TableError> {
        let mut file = tempfile::tempfile()?;
        file.write_all(FRONT)?;
        let front = file.try_clone()?;
        self.slots()[place] = Slot { file: Some((of.clone(), file)), whole: false };
        Landing::begin(front, FRONT.len() as u64, &of.header)
    }

    fn keep(&self, place: usize, of: &Statement) {
        let mut slots = self.slots();
        assert!(slots[place].file.as_ref().map(|(statement, _)| statement) == Some(of));
        slots[place].whole = true;
        slots[place + 1..].fill_with(Slot::default);
    }

    fn discard(&self, place: usize) {
        self.slots()[place] = Slot::default();
    }
}

/// Keys, as their owner's disk has them.
fn set_of(keys: &[Option<u128>]) -> OwnSet {
    let mut ids = Spill::new(&std::env::temp_dir(), 0);
    for (id, row) in keys.iter().zip(0..) {
        id.map_or(Ok(()), |id| ids.push(id, row)).unwrap();
    }
    OwnSet::new(ids, keys.len() as u64, [0; 32])
}

fn ends(keys: &[Option<u128>], kept: &Kept, answers: Answers) -> [EncodedInput; 2] {
    let keys = keys.to_vec();
    let asks = Asks {
        provider: provider().public(),
        ids: Box::new(move |_| Ok(set_of(&keys))),
        passing: Box::new(tempfile::tempfile),
        copies: Mutex::new(kept.copies()),
        shelf: Box::new(kept.clone()),
    };
    let input = |end| EncodedInput { lookup: Some(end), ..EncodedInput::default() };
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

/// Bytes of what is fetched where so many pieces of the table are there; nothing where it has no more.
fn fetched(plan: &Plan, pieces: u64) -> u64 {
    let mut cost = PairCost::new();
    table_cost(&mut cost, lookup_of(plan).table_bytes(plan).unwrap(), pieces);
    cost.total_bytes()
}

/// Runs it, and holds it to the quote, where so many pieces of the table are there; the label of each row.
fn looked_up(
    plan: &Plan,
    keys: &[Option<u128>],
    (kept, pieces): (&Kept, u64),
    answers: Answers,
) -> Vec<Option<Vec<u8>>> {
    let price = quote(plan, &check(plan).unwrap(), Profile::LAN).unwrap();
    let ended = run_ends(plan, &ends(keys, kept, answers)).0.map(Result::unwrap);
    let bytes: u64 = ended.iter().map(|party| party.total.bytes).sum();
    let rounds = ended.iter().map(|party| party.depth).max();
    let [mut asks, others @ ..] = ended;
    let labels = asks.result.looked_up.pop().unwrap().labels;
    assert!(others.iter().all(|party| party.result.looked_up.is_empty()));
    assert_eq!(price.tables.bytes, fetched(plan, 0));
    let due = price.total.bytes + fetched(plan, pieces);
    assert_eq!((bytes, rounds), (due, Some(price.total.rounds)));
    assert!(kept.is_whole());
    assert_eq!(labels.rows(), keys.len() as u64);
    let (width, all) = (labels.width(), labels.read(0, keys.len()).unwrap());
    let place = |row: usize| all[row * width..(row + 1) * width].to_vec();
    (0..keys.len()).map(|row| labels.has(row as u64).then(|| place(row))).collect()
}

/// All of the table is there.
const ALL: u64 = u64::MAX;

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
        let (made, kept) = (|| published(&plan, &ids, &provider(), seed), Kept::default());
        assert_eq!(looked_up(&plan, &keys, (&kept, 0), made()), want, "seed {seed}");
        assert_eq!(looked_up(&plan, &keys, (&kept, ALL), made()), want, "seed {seed}");
    }
    let all: Vec<_> = (0..70).map(|i| Some(1000 + i)).collect();
    let ids: Vec<u128> = all.iter().flatten().copied().collect();
    let kept = Kept::default();
    let labels = looked_up(&plan, &all, (&kept, 0), published(&plan, &ids, &provider(), 1));
    assert!(labels.iter().all(Option::is_some));
    // A new publication: what is held is of no use, and is replaced.
    let before = kept.statement().unwrap().digest();
    let changed = published(&plan, &ids[..1], &provider(), 2);
    let labels = looked_up(&plan, &all, (&kept, 0), changed);
    assert_eq!(labels.iter().flatten().count(), 1);
    assert!(kept.statement().unwrap().digest() != before);
}

/// A plan whose table has several pieces.
fn large() -> Plan {
    let mut plan = compiled();
    let at = plan.nodes.iter().position(|op| matches!(op, Op::Lookup(_))).unwrap();
    let Op::Lookup(of) = &mut plan.nodes[at] else { unreachable!() };
    of.labels[0].bytes = 6 << 10;
    plan
}

#[test]
fn what_has_come_of_a_table_in_an_earlier_run_is_not_fetched_again() {
    let plan = large();
    let ids: Vec<u128> = (0..100).map(|i| 1000 + i).collect();
    let keys: Vec<Option<u128>> = (0..70).map(|i| Some(1050 + i)).collect();
    let (made, kept) = (|seed| published(&plan, &ids, &provider(), seed), Kept::default());
    let want = looked_up(&plan, &keys, (&kept, 0), made(1));
    assert_eq!(want.iter().flatten().count(), 50);
    assert!(fetched(&plan, 3) > 0 && fetched(&plan, 4) == 0, "four pieces");
    for pieces in 0..=4 {
        kept.cut(pieces);
        assert_eq!(looked_up(&plan, &keys, (&kept, pieces as u64), made(1)), want, "{pieces}");
    }
    // Of another publication it is of no use, however much of it has come.
    for pieces in [1, 4] {
        kept.cut(pieces);
        assert_eq!(looked_up(&plan, &keys, (&kept, 0), made(2)), want);
        assert_eq!(looked_up(&plan, &keys, (&kept, 0), made(1)), want);
    }
    // Another table in the second try than the one that was signed: refused, and nothing of it is kept.
    kept.cut(2);
    let hostile = forged(whole(&plan, &ids, &provider(), 1));
    let [asks, ..] = run_ends(&plan, &ends(&keys, &kept, hostile)).0;
    let error = asks.err().unwrap();
    assert!(matches!(error, ExecError::Session(SessionError::Invalid { .. })), "{error}");
    assert!(error.to_string().contains("another table than the one that"), "{error}");
    assert!(kept.statement().is_none());
    assert_eq!(looked_up(&plan, &keys, (&kept, 0), made(1)), want);
}

#[test]
fn what_a_provider_did_not_sign_for_this_job_is_refused() {
    let plan = compiled();
    let refused = |answers: Answers| {
        let ended = run_ends(&plan, &ends(&[Some(7)], &Kept::default(), answers)).0;
        let [asks, ..] = ended;
        match asks.err().unwrap() {
            ExecError::Session(SessionError::Invalid { peer, .. }) => {
                assert_eq!(peer, Role::P1.id());
            }
            other => panic!("{other:?}"),
        }
    };
    refused(published(&plan, &[7], &IdentityKey::from_seed(&[4; 32]), 1));
    refused(forged(whole(&plan, &[7], &provider(), 1)));
    // Another key than the one that was signed.
    let other = whole(&plan, &[7], &provider(), 2);
    let layer = Layer { key: other.key, ..whole(&plan, &[7], &provider(), 1) };
    refused(Answers { layers: vec![layer] });
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
        let (ended, views) = run_ends(&plan, &ends(keys, &Kept::default(), answers));
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
