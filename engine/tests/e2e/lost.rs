//! Intersections of several buckets between real daemons whose link is lost on the way: the job goes on, and its receipt says so.

use std::path::PathBuf;

use datafusion::arrow::{array::AsArray as _, datatypes::Int32Type};
use engine::audit::{self, ReceiptBody};
use protocols::{
    psi::{Output, Parameters, Setting, Sizes, ecdh, vole_psi::cost_from},
    session::PairCost,
    vole::Model,
};

use crate::{
    cast::Cast,
    psi::{cast, kept, psi, rows},
    wiretap::{Strike, Wiretap},
    world::{World, ended_with, eventually, succeeded},
};

/// The published bound of both tables: three buckets, however few rows there are.
const ROWS: usize = 600_000;
const MIB: usize = 1 << 20;
const OWNERS: [&str; 2] = ["census", "employers"];

fn large() -> Cast {
    let mut cast = cast(0);
    for table in [&mut cast.people, &mut cast.jobs] {
        table.rows_max = ROWS as u64;
        table.psi["max_queries"] = 9.into();
    }
    cast
}

/// Rows of an inner intersection, to these owners.
fn asked(to: &[&str], protocol: &str) -> String {
    let more = format!("to = {to:?}\nprotocol = {protocol:?}");
    psi("\"inner\"", ["[\"age\"]", "[\"pay\"]"], &more)
}

/// What an owner found last, which is right; it found something so many times.
fn found(world: &World, party: &str, times: usize) {
    assert_eq!(kept(world, party).len(), times, "{party}");
    found_last(world, party);
}

/// What an owner found last, which is right.
pub(crate) fn found_last(world: &World, party: &str) {
    let mut files = kept(world, party);
    files.sort_by_key(|file| file.metadata().unwrap().modified().unwrap());
    let found = rows(files.last().unwrap());
    let (column, due): (_, &[i32]) = match party {
        "census" => ("age", &[31, 32, 33, 35, 36, 37]),
        _ => ("pay", &[1000, 2000, 4000, 6000, 7000, 8000]),
    };
    assert_eq!(found[column].as_primitive::<Int32Type>().values()[..], *due, "{party}");
}

/// The only receipt there is, which holds; and what is said of it. It is taken away.
pub(crate) fn receipt(world: &World) -> (ReceiptBody, String) {
    let files = std::fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().path());
    let is_json = |path: &PathBuf| path.extension().is_some_and(|end| end == "json");
    let files: Vec<PathBuf> = files.filter(is_json).collect();
    let [file] = &files[..] else { panic!("{files:?}") };
    let text = std::fs::read_to_string(file).unwrap();
    let pins = world.of("insurer").join("unseen.toml");
    let verify = ["receipt", "verify", file.to_str().unwrap(), "--pins", pins.to_str().unwrap()];
    let told = succeeded(&world.unseen(&verify));
    std::fs::remove_file(file).unwrap();
    (audit::read(&text).unwrap().body, told)
}

/// The same of three small buckets by Diffie–Hellman: a smaller bound, as little as a bucket may have.
const FEW: usize = 12_000;

#[test]
fn points_go_through_a_job_bucket_by_bucket_whether_their_link_is_cut_or_not() {
    let mut cast = large();
    cast.people.rows_max = FEW as u64;
    cast.jobs.rows_max = FEW as u64;
    let (world, wiretap) = World::start_tapped(&cast);
    let asked = |to: &[&str]| {
        let more = format!("to = {to:?}\nprotocol = \"ecdh\"\nbucket_rows = 4096");
        psi("\"inner\"", ["[\"age\"]", "[\"pay\"]"], &more)
    };
    succeeded(&world.ask_psi(&asked(&["employers"])));
    found(&world, "employers", 1);
    let (body, _) = receipt(&world);
    let (whole, _) = bytes(&body);
    assert_eq!(renewed(&body), 0);

    let price = |first| {
        let sizes = Sizes { sender: FEW, receiver: FEW };
        let setting =
            ecdh::Setting::with_buckets_of(4096, sizes, Output::ToReceiver, [0; 32]).unwrap();
        assert_eq!(setting.buckets(), 3);
        let mut cost = PairCost::new();
        ecdh::cost_from(&mut cost, &setting, first);
        cost.total_bytes()
    };
    let most = usize::try_from(price(0)).unwrap();
    wiretap.strike(OWNERS, &[(most / 5, Strike::Cut), (most / 10 * 8, Strike::Cut)]);
    succeeded(&world.ask_psi(&asked(&["employers"])));
    found(&world, "employers", 2);
    let (body, told) = receipt(&world);
    let (carried, sent) = bytes(&body);
    assert_eq!(renewed(&body), 2, "{told}");
    let saved = whole - carried;
    assert!([1, 2].map(|first| price(0) - price(first)).contains(&saved), "{saved} bytes");
    assert!(sent > carried, "{sent} of {carried}");

    wiretap.strike(OWNERS, &[(most / 2, Strike::Cut)]);
    succeeded(&world.ask_psi(&asked(&OWNERS)));
    found(&world, "employers", 3);
    found(&world, "census", 1);
    assert_eq!(renewed(&receipt(&world).0), 1);
}

/// Bytes that the links carried, and those that the parties say they sent.
fn bytes(body: &ReceiptBody) -> (u64, u64) {
    let carried = body.links.iter().map(|link| link.sent.unwrap().bytes).sum();
    (carried, body.meter.values().map(|meter| meter.bytes_sent).sum())
}

fn renewed(body: &ReceiptBody) -> u32 {
    let [one, other] = OWNERS.map(|party| party.try_into().unwrap());
    let all: u32 = body.links.iter().map(|link| link.sent.unwrap().renewed).sum();
    assert_eq!(all, 2 * body.renewed(&one, &other), "no other link was made anew");
    body.renewed(&one, &other)
}

/// What VOLE-PSI costs from a bucket on.
fn price(first: usize) -> u64 {
    let sizes = Sizes { sender: ROWS, receiver: ROWS };
    let parameters = Parameters::new(sizes, Model::SemiHonest).unwrap();
    assert_eq!(parameters.buckets(), 3);
    let setting = Setting { parameters, output: Output::ToReceiver, context: [0; 32] };
    let mut cost = PairCost::new();
    cost_from(&mut cost, &setting, first);
    cost.total_bytes()
}

#[test]
fn several_buckets_go_through_a_job_whose_link_is_cut_or_not() {
    let (world, wiretap) = World::start_tapped(&large());
    succeeded(&world.ask_psi(&asked(&["employers"], "vole")));
    found(&world, "employers", 1);
    let (body, told) = receipt(&world);
    let (whole, sent) = bytes(&body);
    assert_eq!((renewed(&body), sent), (0, whole));
    assert!(!told.contains("made anew"), "{told}");

    // The receiver asks for two buckets, 8 MiB in all, before it hears of the first, and for the third one when it is through.
    wiretap.strike(OWNERS, &[(12 * MIB, Strike::Cut)]);
    succeeded(&world.ask_psi(&asked(&["employers"], "vole")));
    found(&world, "employers", 2);
    let (body, told) = receipt(&world);
    let (carried, sent) = bytes(&body);
    assert_eq!(renewed(&body), 1);
    assert!(told.contains("census and employers was lost and made anew, 1 of at most 2"), "{told}");
    let saved = whole - carried;
    assert!([1, 2].map(|first| price(0) - price(first)).contains(&saved), "{saved} bytes");
    // What had passed by then, and a few bytes that were on their way.
    assert!(sent > carried + 12 * MIB as u64 - (1 << 16), "{sent} of {carried}");
}

#[test]
fn a_link_may_be_cut_twice_and_an_owner_need_not_compute() {
    let (world, wiretap) = World::start_tapped(&Cast { outside: true, ..large() });
    wiretap.strike(OWNERS, &[(MIB, Strike::Cut), (7 * MIB, Strike::Cut)]);
    succeeded(&world.ask_psi(&asked(&OWNERS, "vole-low")));
    OWNERS.iter().for_each(|party| found(&world, party, 1));
    let (body, _) = receipt(&world);
    assert_eq!(renewed(&body), 2);
    let (carried, sent) = bytes(&body);
    assert!(sent > carried + 7 * MIB as u64, "{sent} of {carried}");
}

#[test]
fn a_link_that_is_cut_a_third_time_ends_the_job_with_a_name() {
    let (mut world, wiretap) = World::start_tapped(&large());
    wiretap.strike(OWNERS, &[(5 * MIB, Strike::Cut); 3]);
    let said = ended_with(&world.ask_psi(&asked(&["employers"], "vole-malicious")), 1);
    assert!(said.contains("PARTY_LOST at stage run"), "{said}");
    assert!(OWNERS.iter().any(|party| said.contains(&format!(", party {party}: "))), "{said}");
    assert_eq!(again(&world), 2, "{}\n{}", world.log("census"), world.log("employers"));
    assert!(kept(&world, "employers").is_empty());
    for party in world.daemons() {
        assert!(world.is_up(party), "{party}:\n{}", world.log(party));
    }
    world.unseen(&["version"]);
}

/// How often the link between the owners stood again.
fn again(world: &World) -> usize {
    let times = OWNERS.map(|party| world.log(party).matches("the link stands again").count());
    assert_eq!(times[0], times[1]);
    times[0]
}

/// Kills an owner while the buckets are under way; says how the job ended.
fn killed(world: &mut World, wiretap: &Wiretap, victim: &str) -> String {
    wiretap.strike(OWNERS, &[(6 * MIB, Strike::Hold)]);
    let job = world.submit_psi(&asked(&["employers"], "vole"));
    let waiting = world.follow(&job);
    eventually("the buckets are under way", || wiretap.holds());
    world.kill(victim);
    wiretap.cut_held();
    let (code, out, said) = waiting.end();
    assert_eq!((code, out.as_str()), (Some(1), ""), "{said}");
    said
}

#[test]
fn an_owner_that_is_dead_is_named_and_not_waited_for() {
    let mut cast = large();
    // What is gone is given up after a quarter of that.
    cast.stall_seconds = 12;
    let (mut world, wiretap) = World::start_tapped(&cast);
    for victim in OWNERS {
        let said = killed(&mut world, &wiretap, victim);
        assert!(said.contains(&format!("PARTY_LOST at stage run, party {victim}: ")), "{said}");
        world.up(victim);
    }
    succeeded(&world.ask_psi(&asked(&["employers"], "vole")));
}

#[test]
fn bytes_that_were_changed_end_the_job_and_no_link_is_made_anew() {
    let (world, wiretap) = World::start_tapped(&large());
    wiretap.strike(OWNERS, &[(6 * MIB, Strike::Garble)]);
    let said = ended_with(&world.ask_psi(&asked(&["census"], "vole")), 1);
    assert!(said.contains("PROTOCOL_VIOLATION at stage run"), "{said}");
    assert_eq!(again(&world), 0);
    assert!(kept(&world, "census").is_empty());
}
