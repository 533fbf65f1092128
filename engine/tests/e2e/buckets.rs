//! Counts and sums of sets that meet bucket by bucket, between real daemons that keep no table in memory.

use std::fs;

use datafusion::arrow::{array::AsArray as _, datatypes::Int32Type};
use engine::audit::ReceiptBody;
use serde_json::json;

use crate::{
    cast::Cast,
    lost::receipt,
    psi::{cast, kept, psi, rows},
    wiretap::Strike,
    world::{World, ended_with, succeeded},
};

/// Bounds of three buckets of the least size.
const BOUND: u64 = 9_000;
const BUCKETS: &str = "bucket_rows = 4096\nprotocol = \"circuit\"";

/// Five keys are common; policies ask for so many.
fn bounded(least: u32) -> Cast {
    let mut cast = cast(least);
    for table in [&mut cast.people, &mut cast.jobs] {
        table.rows_max = BOUND;
        table.psi["forms"] = json!(["inner", "cardinality", "sum"]);
        table.psi["max_queries"] = json!(9);
    }
    cast
}

fn world(least: u32) -> World {
    let world = World::make(&bounded(least));
    for party in ["census", "employers"] {
        let path = world.of(party).join("unseen.toml");
        let config = fs::read_to_string(&path).unwrap();
        fs::write(path, config.replace("[provider]\n", "[provider]\ntable_memory_mb = 0\n"))
            .unwrap();
    }
    world.start_all()
}

#[test]
fn counts_and_sums_over_buckets_reach_the_buyer_and_a_minimum_that_is_met_shows_rows() {
    let mut world = world(5);
    let counted = psi("\"cardinality\"", ["[]", "[]"], BUCKETS);
    assert_eq!(succeeded(&world.ask_psi(&counted)), "matched\n5\n");
    let explained = succeeded(&world.by("insurer", &["job", "explain", "insurer/job.toml"]));
    assert!(explained.contains(" in 3 buckets of about 3,000 rows"), "{explained}");

    // Of the rows of one key the first counts.
    let sum = psi("{ sum = { column = \"employers.jobs.pay\" } }", ["[]", "[]"], BUCKETS);
    assert_eq!(succeeded(&world.ask_psi(&sum)), "matched,sum_pay\n5,20000\n");

    let rows_to = "to = [\"employers\"]\nprotocol = \"vole\"\nbucket_rows = 4096";
    let listed = psi("\"inner\"", ["[]", "[\"pay\"]"], rows_to);
    succeeded(&world.ask_psi(&listed));
    let found = rows(&kept(&world, "employers")[0]);
    let pay = found["pay"].as_primitive::<Int32Type>();
    assert_eq!(pay.values()[..], [1000, 2000, 4000, 6000, 7000, 8000]);

    // A value beyond its range in a file that changed: the job ends, and the next one takes the file as it is then.
    let jobs = world.of("employers").join("jobs.csv");
    let text = fs::read_to_string(&jobs).unwrap();
    let replace = |text: &str| {
        fs::write(jobs.with_extension("other"), text).unwrap();
        fs::rename(jobs.with_extension("other"), &jobs).unwrap();
    };
    replace(&text.replace(",3000", ",33000"));
    let words = ended_with(&world.ask_psi(&sum), 1);
    assert!(words.contains("INPUT_INVALID") && !words.contains("33000"), "{words}");
    assert!(world.is_up("employers"));
    replace(&text.replace("zoe@example.org", "hal@example.org"));
    assert_eq!(succeeded(&world.ask_psi(&sum)), "matched,sum_pay\n6,23000\n");
    // What was there of the sets while a job ran is gone.
    for party in ["census", "employers"] {
        let scratch = fs::read_dir(world.of(party).join("state/scratch")).unwrap();
        assert_eq!(scratch.count(), 0, "{party}");
    }
}

#[test]
fn a_minimum_that_is_missed_by_one_over_all_buckets_shows_nothing() {
    let world = world(6);
    let counted = psi("\"cardinality\"", ["[]", "[]"], BUCKETS);
    assert_eq!(succeeded(&world.ask_psi(&counted)), "matched\n");
    let rows_to = "to = [\"employers\"]\nprotocol = \"vole\"\nbucket_rows = 4096";
    let listed = psi("\"inner\"", ["[]", "[\"pay\"]"], rows_to);
    let words = ended_with(&world.ask_psi(&listed), 1);
    assert!(words.contains("TOO_FEW_IN_COMMON"), "{words}");
    assert!(kept(&world, "employers").is_empty());
}

/// What the link between two carried in both directions.
pub(crate) fn carried(body: &ReceiptBody, [one, other]: [&str; 2]) -> usize {
    let ends = [(one, other), (other, one)];
    let links = body.links.iter();
    let links = links.filter(|link| ends.contains(&(link.from.as_str(), link.to.as_str())));
    usize::try_from(links.map(|link| link.sent.unwrap().bytes).sum::<u64>()).unwrap()
}

#[test]
fn any_link_of_a_circuit_may_be_cut_and_the_bucket_is_repeated() {
    let [left, whole] = cut_each_link(BUCKETS, "all three repeat the bucket that was under way");
    assert!(left < whole, "what was left");
}

#[test]
fn any_link_of_a_circuit_of_one_bucket_may_be_cut_and_it_is_repeated() {
    let circuit = "protocol = \"circuit\"";
    let [again, whole] = cut_each_link(circuit, "all three repeat what was done from");
    // All of it, and how far each was.
    assert!((whole..whole + 1000).contains(&again), "{again} of {whole} bytes");
}

/// Counts by a circuit like this; gives what the last connections of a link carried that was cut, and what it carries when it is not.
fn cut_each_link(circuit: &str, explained_as: &str) -> [usize; 2] {
    const LINKS: [[&str; 2]; 3] =
        [["census", "employers"], ["census", "neutral"], ["employers", "neutral"]];
    let (mut world, wiretap) = World::start_tapped(&bounded(5));
    let counted = psi("\"cardinality\"", ["[]", "[]"], circuit);
    let found = |times: [u32; 3]| {
        assert_eq!(succeeded(&world.ask_psi(&counted)), "matched\n5\n");
        let (body, told) = receipt(&world);
        for ([one, other], times) in LINKS.into_iter().zip(times) {
            let again = format!("{one} and {other} was lost and made anew, {times} of at most 2");
            assert_eq!(told.contains(&again), times > 0, "{told}");
            let times_of = body.renewed(&one.try_into().unwrap(), &other.try_into().unwrap());
            assert_eq!(times_of, times, "{one}, {other}");
        }
        body
    };
    let whole = found([0, 0, 0]);
    let half = LINKS.map(|link| carried(&whole, link) / 2);
    wiretap.strike(LINKS[0], &[(half[0], Strike::Cut)]);
    let body = found([1, 0, 0]);
    assert_eq!(body.opened, whole.opened);
    let bytes = [&body, &whole].map(|body| carried(body, LINKS[0]));
    wiretap.strike(LINKS[1], &[(half[1], Strike::Cut); 2]);
    assert_eq!(found([0, 2, 0]).opened, whole.opened);
    wiretap.strike(LINKS[2], &[(half[2], Strike::Cut)]);
    assert_eq!(found([0, 0, 1]).opened, whole.opened);

    wiretap.strike(LINKS[0], &[(half[0] / 2, Strike::Cut); 3]);
    let said = ended_with(&world.ask_psi(&counted), 1);
    assert!(said.contains("PARTY_LOST at stage run"), "{said}");
    for party in world.daemons() {
        assert!(world.is_up(party), "{party}:\n{}", world.log(party));
    }
    let explained = succeeded(&world.by("insurer", &["job", "explain", "insurer/job.toml"]));
    assert!(explained.contains(explained_as), "{explained}");
    bytes
}

/// What cut a link may tell one end alone of it: the other one notices when it has heard nothing for as long as a link may be silent.
#[test]
fn a_link_that_one_end_believes_in_is_made_anew_when_the_other_notices() {
    let (world, wiretap) = World::start_tapped(&bounded(5));
    let counted = psi("\"cardinality\"", ["[]", "[]"], BUCKETS);
    wiretap.strike(["census", "employers"], &[(100_000, Strike::Half)]);
    assert_eq!(succeeded(&world.ask_psi(&counted)), "matched\n5\n");
    let (body, told) = receipt(&world);
    let ends = ["census", "employers"].map(|party| party.try_into().unwrap());
    assert_eq!(body.renewed(&ends[0], &ends[1]), 1, "{told}");
}
