//! Intersections of several buckets whose daemons are killed: the same job with `resumes` goes on behind what both owners have on disk.

use std::fs;

use protocols::{
    psi::{Output, Parameters, Setting, Sizes, ecdh, vole_psi},
    session::PairCost,
    vole::Model,
};

use crate::{
    buckets::carried,
    cast::Cast,
    lost::{found_last, receipt},
    psi::{cast, psi},
    wiretap::{Strike, Wiretap},
    world::{World, ended_with, eventually, succeeded},
};

/// The published bound of both tables: five buckets, however few rows there are.
const ROWS: usize = 20_000;
const BUCKETS: usize = 5;
const OWNERS: [&str; 2] = ["census", "employers"];

fn bounded() -> Cast {
    let mut cast = cast(0);
    // What is gone is given up after a quarter of that.
    cast.stall_seconds = 12;
    for table in [&mut cast.people, &mut cast.jobs] {
        table.rows_max = ROWS as u64;
        table.psi["max_queries"] = 30.into();
    }
    cast
}

/// Rows of an inner intersection, to these owners.
fn asked(to: &[&str], protocol: &str, resumes: Option<&str>) -> String {
    let resumes = resumes.map_or_else(String::new, |job| format!("\nresumes = {job:?}"));
    let more = format!("to = {to:?}\nprotocol = {protocol:?}\nbucket_rows = 4096{resumes}");
    psi("\"inner\"", ["[\"age\"]", "[\"pay\"]"], &more)
}

/// What the protocol costs from a bucket on.
fn price(protocol: &str, both: bool, first: usize) -> usize {
    let sizes = Sizes { sender: ROWS, receiver: ROWS };
    let output = if both { Output::ToBoth } else { Output::ToReceiver };
    let mut cost = PairCost::new();
    if protocol == "ecdh" {
        let setting = ecdh::Setting::with_buckets_of(4096, sizes, output, [0; 32]).unwrap();
        assert_eq!(setting.buckets(), BUCKETS);
        ecdh::cost_from(&mut cost, &setting, first);
    } else {
        let parameters = Parameters::with_buckets_of(4096, sizes, Model::SemiHonest).unwrap();
        assert_eq!(parameters.buckets(), BUCKETS);
        let setting = Setting { parameters, output, context: [0; 32] };
        vole_psi::cost_from(&mut cost, &setting, first);
    }
    usize::try_from(cost.total_bytes()).unwrap()
}

/// After how many buckets each owner went on the last time, as it logged.
fn went_on(world: &World) -> [usize; 2] {
    OWNERS.map(|party| {
        let log = world.log(party);
        let line = log.lines().rev().find_map(|line| line.split("goes on after ").nth(1));
        line.unwrap().split(' ').next().unwrap().parse().unwrap()
    })
}

/// What an owner has on its disk of intersections.
fn folders(world: &World, party: &str) -> usize {
    let folder = world.of(party).join("state/intersections");
    fs::read_dir(folder).map_or(0, |all| all.count())
}

/// Takes the receipts of jobs that failed away.
fn no_receipts(world: &World) {
    let files = fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .for_each(|path| fs::remove_file(path).unwrap());
}

/// Runs it until so many bytes have passed between the owners, and kills somebody; gives the job, and how it ended.
fn killed(
    world: &mut World,
    wiretap: &Wiretap,
    (victim, at): (&'static str, usize),
    asked: &str,
) -> (String, String) {
    wiretap.strike(OWNERS, &[(at, Strike::Hold)]);
    let job = world.submit_psi(asked);
    let waiting = world.follow(&job);
    eventually("the buckets are under way", || wiretap.holds());
    world.kill(victim);
    wiretap.cut_held();
    let (code, out, said) = waiting.end();
    assert!(code != Some(0) && out.is_empty(), "{said}");
    world.up(victim);
    (job, said)
}

#[test]
fn an_intersection_goes_on_after_whichever_daemon_was_killed() {
    let (mut world, wiretap) = World::start_tapped(&bounded());
    for (protocol, to, victim) in [
        ("vole", &["employers"][..], "employers"),
        ("vole", &OWNERS, "census"),
        ("ecdh", &["census"], "employers"),
        ("ecdh", &OWNERS, "exchange"),
    ] {
        let price = |first| price(protocol, to.len() == 2, first);
        let asked = |resumes| asked(to, protocol, resumes);
        succeeded(&world.ask_psi(&asked(None)));
        let whole = carried(&receipt(&world).0, OWNERS);
        // The last bucket is under way.
        let at = whole - (price(BUCKETS - 1) - price(BUCKETS)) / 2;
        let (job, said) = killed(&mut world, &wiretap, (victim, at), &asked(None));
        no_receipts(&world);
        let way_on = format!("`resumes = \"{job}\"` in [psi]");
        assert!(victim == "exchange" || said.contains(&way_on), "{said}");
        assert!(OWNERS.iter().all(|party| folders(&world, party) == 1), "{protocol}, {victim}");

        succeeded(&world.ask_psi(&asked(Some(&job))));
        to.iter().for_each(|party| found_last(&world, party));
        let done = went_on(&world);
        let first = done[0].min(done[1]);
        assert!(first >= BUCKETS - 2, "{protocol}, {victim}: {done:?}");
        let link = carried(&receipt(&world).0, OWNERS);
        assert_eq!(whole - link, price(0) - price(first), "{protocol}, {victim}: {done:?}");
        let explained = succeeded(&world.by("insurer", &["job", "explain", "insurer/job.toml"]));
        assert!(explained.contains(&format!("going on with {job}")), "{explained}");
        // It came to its end, and nothing is left of it.
        assert!(OWNERS.iter().all(|party| folders(&world, party) == 0), "{protocol}, {victim}");
        let words = ended_with(&world.ask_psi(&asked(Some(&job))), 1);
        assert!(words.contains("NOT_READY") && words.contains("keeps nothing"), "{words}");
        assert!(words.contains("without `resumes`"), "{words}");
        no_receipts(&world);
    }
}

#[test]
fn a_table_that_changed_meanwhile_is_not_gone_on_with() {
    let (mut world, wiretap) = World::start_tapped(&bounded());
    let asked = |resumes| asked(&["employers"], "vole", resumes);
    succeeded(&world.ask_psi(&asked(None)));
    let at = carried(&receipt(&world).0, OWNERS) * 9 / 10;
    let (job, _) = killed(&mut world, &wiretap, ("census", at), &asked(None));
    let path = world.of("census").join("people.csv");
    let text = fs::read_to_string(&path).unwrap();
    let replace = |text: &str| {
        fs::write(path.with_extension("other"), text).unwrap();
        fs::rename(path.with_extension("other"), &path).unwrap();
    };
    // Two rows that stand the other way round, and somebody who is another.
    let (head, rows) = text.split_once('\n').unwrap();
    let mut turned: Vec<_> = rows.lines().collect();
    turned.swap(0, 1);
    for changed in [format!("{head}\n{}\n", turned.join("\n")), text.replace("gus@", "gil@")] {
        replace(&changed);
        let words = ended_with(&world.ask_psi(&asked(Some(&job))), 1);
        assert!(words.contains("NOT_READY") && words.contains("party census"), "{words}");
        assert!(words.contains("is not the one that the intersection began with"), "{words}");
        assert!(words.contains("run the job without `resumes`"), "{words}");
    }
    replace(&text);
    succeeded(&world.ask_psi(&asked(Some(&job))));
    found_last(&world, "employers");
}

#[test]
fn what_cannot_go_on_is_refused_by_name() {
    let world = World::start(&bounded());
    let job = "00".repeat(32);
    let resumes = format!("resumes = {job:?}");
    let counted = psi("\"cardinality\"", ["[]", "[]"], &resumes);
    let multi = asked(&OWNERS, "multi", Some(&job));
    for refused in [counted, multi] {
        let output = world.ask_psi(&refused);
        assert!(!output.status.success());
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(words.contains("psi.resumes"), "{words}");
    }
    let words = ended_with(&world.ask_psi(&asked(&OWNERS, "vole", Some(&job))), 1);
    assert!(words.contains("keeps nothing of the intersection to go on with"), "{words}");
    // One bucket of points has nothing to go on from: it begins anew.
    let whole = format!("to = [\"census\"]\nprotocol = \"ecdh\"\n{resumes}");
    succeeded(&world.ask_psi(&psi("\"inner\"", ["[\"age\"]", "[]"], &whole)));
    found_last(&world, "census");
}
