//! Hostile bytes in place of every message and document that travels, and of what is kept in files: an error or a value, never
//! a panic, and never more memory than the frame limit beside a few copies of what came.

use std::{collections::BTreeMap, fs, panic, path::Path};

use engine::{
    audit::{self, InputEntry, ReceiptBody, ReceiptPart, verify_log},
    catalog::DatasetDescriptor,
    executor::{DATASET_DOMAIN, compile_published},
    identity::{IdentityKey, PartyName, Pins, SealingKey, Signed},
    job::{JobSpec, Stage, admit},
    policy::{self, Consent, POLICY_DOMAIN, PolicyDocument},
    seal::SealedManifest,
    store::{Database, JobStore},
    wire::{self, Explanation, JobView, PrepareEvent, Published, RunEvent, RunOrder, Verdict},
};
use prost::Message as _;
use proto::v1;
use protocols::net::MAX_BODY_BYTES;
use serde::de::DeserializeOwned;

use crate::{
    allocation::peak,
    cast::{BY_SECTOR, Cast},
    mutant::{Chance, mutant},
    opened,
    wiretap::{Call, Wiretap},
    world::{World, succeeded},
};

/// Says whether it takes these bytes.
type Decoder = Box<dyn Fn(&[u8]) -> bool>;

/// A decoder with bytes that it takes.
struct Door {
    name: String,
    valid: Vec<u8>,
    takes: Decoder,
}

fn document<T: DeserializeOwned + 'static>(name: &str, valid: &[u8]) -> Door {
    let takes = |bytes: &[u8]| wire::parse::<T>("document", Stage::Validate, bytes).is_ok();
    Door { name: name.to_owned(), valid: valid.to_vec(), takes: Box::new(takes) }
}

/// What stands behind one side of a method's messages.
fn reader(method: &str, said: bool) -> Decoder {
    macro_rules! plain {
        ($message:ty) => {
            Box::new(|bytes: &[u8]| <$message>::decode(bytes).is_ok())
        };
    }
    macro_rules! read {
        ($message:ty, $read:expr) => {
            Box::new(|bytes: &[u8]| <$message>::decode(bytes).is_ok_and(|read| $read(read).is_ok()))
        };
    }
    match (method.rsplit('/').next().unwrap(), said) {
        ("Describe", true) => plain!(v1::DescribeRequest),
        ("Describe", false) => {
            Box::new(|bytes| v1::DescribeResponse::decode(bytes).map(Published::from).is_ok())
        }
        ("Validate", true) => plain!(v1::ValidateRequest),
        ("Validate", false) => read!(v1::Verdict, Verdict::read),
        ("Prepare", true) => plain!(v1::PrepareRequest),
        ("Prepare", false) => read!(v1::PrepareEvent, PrepareEvent::read),
        ("Run", true) => read!(v1::RunRequest, RunOrder::read),
        ("Run", false) => read!(v1::RunEvent, RunEvent::read),
        ("Cosign", true) => plain!(v1::CosignRequest),
        ("Cosign", false) => plain!(v1::CosignResponse),
        ("Submit", true) => plain!(v1::SubmitRequest),
        ("Submit" | "Get", false) => read!(v1::JobView, JobView::read),
        ("Explain", true) => plain!(v1::ExplainRequest),
        ("Explain", false) => read!(v1::Explanation, Explanation::read),
        ("Watch", true) => plain!(v1::WatchJobRequest),
        ("Watch", false) => read!(v1::JobView, JobView::read),
        ("List", true) => plain!(v1::ListJobsRequest),
        ("List", false) => plain!(v1::ListJobsResponse),
        ("FetchResult", true) => plain!(v1::FetchResultRequest),
        ("FetchResult", false) => plain!(v1::ResultChunk),
        ("GetReceipt", true) => plain!(v1::GetReceiptRequest),
        ("GetReceipt", false) => plain!(v1::Receipt),
        ("GetDocuments", true) => plain!(v1::GetDocumentsRequest),
        ("GetDocuments", false) => plain!(v1::Documents),
        (other, _) => panic!("who reads {other}?"),
    }
}

/// One message of each method and side that has passed.
fn messages(wiretap: &Wiretap) -> Vec<Door> {
    let mut doors = BTreeMap::new();
    for Call { method, said, heard, .. } in wiretap.calls() {
        for (side, bytes) in [(true, said), (false, heard)] {
            // The longest says the most.
            let longest = Call::messages(&bytes).into_iter().max_by_key(|message| message.len());
            let name = format!("{method}, {}", if side { "request" } else { "answer" });
            let takes = reader(&method, side);
            let valid = longest.unwrap_or_default().to_vec();
            doors.entry(name.clone()).or_insert(Door { name, valid, takes });
        }
    }
    doors.into_values().collect()
}

/// Signed documents that somebody relays.
fn documents(fetched: &engine::client::Fetched, wiretap: &Wiretap, pins: &Pins) -> Vec<Door> {
    let published = &fetched.documents.published;
    let run = wiretap.calls().into_iter().find(|call| call.method.ends_with("/Run")).unwrap();
    let order = v1::RunRequest::decode(Call::messages(&run.said)[0]).unwrap();
    let part =
        Call::messages(&run.heard).into_iter().find_map(|event| {
            match v1::RunEvent::decode(event).unwrap().event {
                Some(v1::run_event::Event::ReceiptPart(part)) => Some(part),
                _ => None,
            }
        });
    let cosign = wiretap.calls().into_iter().find(|call| call.method.ends_with("/Cosign")).unwrap();
    let body = v1::CosignRequest::decode(Call::messages(&cosign.said)[0]).unwrap().body;
    let mut doors = vec![
        document::<Signed<JobSpec>>("specification", &fetched.documents.spec),
        document::<Signed<DatasetDescriptor>>("descriptor", &published.descriptors[0]),
        document::<Signed<PolicyDocument>>("policy", &published.policies[0]),
        document::<Published>("published", &wire::write(published)),
        document::<Signed<Consent>>("consent", &order.participants[0].consent),
        document::<Vec<InputEntry>>("commitments", &order.participants[0].commitments),
        document::<Signed<ReceiptPart>>("receipt part", &part.unwrap()),
        document::<ReceiptBody>("receipt body", &body),
    ];
    let manifest = &fetched.sealed.values().next().unwrap().manifest;
    doors.push(document::<Signed<SealedManifest>>("manifest", manifest));
    let mut more = |name: &str, valid: &[u8], takes: Decoder| {
        doors.push(Door { name: name.to_owned(), valid: valid.to_vec(), takes });
    };
    let own = pins.clone();
    let verified: Decoder = Box::new(move |bytes| {
        let text = std::str::from_utf8(bytes).ok();
        let receipt = text.and_then(|text| audit::read(text).ok());
        receipt.is_some_and(|receipt| audit::verify(&receipt, Some(&own)).is_ok())
    });
    more("receipt", &fetched.receipt, verified);
    let own = pins.clone();
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let admitted: Decoder = Box::new(move |bytes| admit(bytes, Stage::Submit, &own, now).is_ok());
    more("submission", &fetched.documents.spec, admitted);
    let key = pins.of(&PartyName::try_from("census").unwrap()).unwrap().key;
    let trusted: Decoder = Box::new(move |bytes| {
        std::str::from_utf8(bytes).is_ok_and(|text| policy::parse_signed(text, &key).is_ok())
    });
    let census = published.policies.iter().find(|json| json.windows(6).any(|w| w == b"census"));
    more("policy with its signature", census.unwrap(), trusted);
    doors
}

/// Files that a daemon reads when it starts again.
fn files(world: &World, scratch: &Path) -> Vec<Door> {
    let read = |file: &str| fs::read(world.of("census").join(file)).unwrap();
    let mut doors = Vec::new();
    let mut door = |name: &str, valid: Vec<u8>, open: fn(&Path) -> bool| {
        let path = scratch.join(name);
        let takes = move |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            open(&path)
        };
        doors.push(Door { name: name.to_owned(), valid, takes: Box::new(takes) });
    };
    door("identity.key", read("identity.key"), |path| IdentityKey::load(path).is_ok());
    door("sealing.key", read("identity.key"), |path| SealingKey::load(path).is_ok());
    door("audit.jsonl", read("state/audit.jsonl"), |path| verify_log(path).is_ok());
    doors
}

/// Tries one door many times; a failure names the seed that leads to it.
fn besiege(door: &Door, seed: u64, times: usize) {
    let Door { name, valid, takes } = door;
    assert!(takes(valid), "{name} refuses what is right");
    let mut chance = Chance::new(seed);
    let mut refused = 0;
    for _ in 0..times {
        let bytes = mutant(valid, &mut chance);
        let tried = panic::catch_unwind(panic::AssertUnwindSafe(|| peak(|| takes(&bytes))));
        let Ok((taken, held)) = tried else { panic!("{name} panics on seed {seed}") };
        let limit = MAX_BODY_BYTES + 32 * bytes.len();
        assert!(held <= limit, "{name} holds {held} bytes for {} on seed {seed}", bytes.len());
        refused += usize::from(!taken);
    }
    assert!(valid.is_empty() || refused > 0, "{name} takes everything, seed {seed}");
}

#[test]
fn hostile_documents_are_refused_within_the_frame_limit() {
    let (world, wiretap) = World::start_tapped(&Cast::small());
    succeeded(&world.by("insurer", &["job", "list"]));
    let output = world.ask(BY_SECTOR);
    succeeded(&output);
    succeeded(&world.by("insurer", &["job", "explain", "insurer/job.toml"]));
    let listed = succeeded(&world.by("insurer", &["job", "list"]));
    let (fetched, pins) = opened::fetched(&world, listed.split_whitespace().next().unwrap());
    let scratch = tempfile::tempdir().unwrap();
    let mut doors = messages(&wiretap);
    assert!(doors.len() >= 20, "{} sides of methods", doors.len());
    doors.extend(documents(&fetched, &wiretap, &pins));
    doors.extend(files(&world, scratch.path()));
    let seed = Chance::seed();
    doors.iter().for_each(|door| besiege(door, seed, 300));
    broken_journals(&world, scratch.path(), seed);
    hostile_providers(&world, &fetched, &pins, seed);
}

/// A journal that is none is an error when it is opened or asked.
fn broken_journals(world: &World, scratch: &Path, seed: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let whole = fs::read(world.of("exchange").join("state/journal.db")).unwrap();
    let mut chance = Chance::new(seed);
    for at in 0..20 {
        let path = scratch.join(format!("journal-{at}.db"));
        fs::write(&path, mutant(&whole, &mut chance)).unwrap();
        runtime.block_on(async {
            if let Ok(database) = Database::open(&path).await {
                let _ = JobStore::new(database).unfinished().await;
            }
        });
    }
}

/// What a party has signed itself still decides nothing about how much memory others spend on it.
fn hostile_providers(world: &World, fetched: &engine::client::Fetched, pins: &Pins, seed: u64) {
    const LIMIT: usize = 32 << 20;
    let spec: Signed<JobSpec> = serde_json::from_slice(&fetched.documents.spec).unwrap();
    let mut chance = Chance::new(seed);
    for _ in 0..60 {
        let (mut spec, mut published) = (spec.body.clone(), fetched.documents.published.clone());
        match chance.below(3) {
            0 => resign(world, &mut published.descriptors, DATASET_DOMAIN, &mut chance),
            1 => resign(world, &mut published.policies, POLICY_DOMAIN, &mut chance),
            _ => {
                let sql = mutant(statement(&mut spec).as_bytes(), &mut chance);
                *statement(&mut spec) = String::from_utf8_lossy(&sql).into_owned();
            }
        }
        let compile = || compile_published(&spec, &published, pins).is_ok();
        let tried = panic::catch_unwind(panic::AssertUnwindSafe(|| peak(compile)));
        let Ok((_, held)) = tried else { panic!("a compilation panics on seed {seed}") };
        assert!(held <= LIMIT, "a compilation holds {held} bytes on seed {seed}");
    }
}

fn statement(spec: &mut JobSpec) -> &mut String {
    let engine::job::JobKind::Sql { sql } = &mut spec.kind else { panic!("another kind") };
    sql
}

/// Changes one signed document and signs it again, if it is still JSON.
fn resign(world: &World, documents: &mut [Vec<u8>], domain: &str, chance: &mut Chance) {
    let document = &mut documents[chance.below(2)];
    let signed: Signed<serde_json::Value> = serde_json::from_slice(document).unwrap();
    let key = IdentityKey::load(&world.of(signed.party.as_str()).join("identity.key")).unwrap();
    let body = mutant(&wire::write(&signed.body), chance);
    if let Ok(body) = serde_json::from_slice::<serde_json::Value>(&body) {
        *document = wire::write(&Signed::new(domain, body, signed.party, &key));
    }
}
