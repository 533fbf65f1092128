//! Intersections of three and four owners' sets between real daemons, over TLS: to one of them, to all, to the buyer, and refused.

use datafusion::arrow::{
    array::AsArray as _,
    datatypes::{Int32Type, UInt64Type},
};
use serde_json::json;

use engine::audit::ReceiptBody;

use crate::{
    cast::{Cast, Column, Table},
    lost::receipt,
    psi::{kept, opened, rows},
    wiretap::Strike,
    world::{BUYER, World, ended_with, succeeded},
};

const SETS: [&str; 4] = ["census.people", "employers.jobs", "neutral.patients", "clinic.stays"];

/// Codes of three organisations: A, B and C are everywhere, D and E in two tables; and of a fourth, which has no B.
const CODES: [&str; 4] = ["a,b,c,d,e,,x", "b,A,d,c,b,y", "e,C,b ,z,a", "q,C,a,,e"];

/// A table of codes and, for each row, its number times ten.
fn table(own: usize, least: u32) -> Table {
    let (_, name) = SETS[own].split_once('.').unwrap();
    let name: &'static str = name;
    let others: Vec<_> = SETS.iter().enumerate().filter(|(at, _)| *at != own).collect();
    let others: Vec<_> = others.into_iter().map(|(_, set)| *set).collect();
    let mut csv = "person_id,code,score\n".to_owned();
    for (code, row) in CODES[own].split(',').zip(1..) {
        csv += &format!("{row},{code},{}\n", row * 10);
    }
    let id = Column::key("type = \"int64\"\nunique = true\nmin = 0\nmax = 1000", "nobody.else");
    let code = json!({"release": ["join_key"], "join_with": others});
    let score = json!({"release": ["list", "aggregate"], "aggregates": ["SUM"]});
    let columns = vec![
        id,
        Column::new("code", "type = \"string\"\nnullable = true", code),
        Column::new("score", "type = \"int32\"\nmin = 0\nmax = 1000", score),
    ];
    let mut table = Table::new(name, csv, columns);
    table.least = 0;
    table.psi = json!({
        "forms": ["inner", "cardinality", "sum"], "recipients": ["buyer", "owners"], "min_intersection": least
    });
    table
}

fn cast(least: u32) -> Cast {
    Cast { people: table(0, 0), jobs: table(1, 0), third: Some(table(2, least)), ..Cast::small() }
}

/// The `[psi]` table of a job file over all three sets.
fn psi(form: &str, columns: &str, more: &str) -> String {
    psi_of(3, form, columns, more)
}

/// The same over so many of the sets.
fn psi_of(sets: usize, form: &str, columns: &str, more: &str) -> String {
    let set = |dataset: &str| {
        format!("[[psi.sets]]\ndataset = \"{dataset}\"\nkey = [\"code\"]\ncolumns = {columns}\n")
    };
    let sets: String = SETS[..sets].iter().copied().map(set).collect();
    format!("[psi]\nform = {form}\n{more}\ntext = {{ fold_case = true }}\n{sets}")
}

/// Of what it found last.
fn scores(world: &World, party: &str) -> Vec<i32> {
    let found = kept(world, party).into_iter();
    let found = found.max_by_key(|file| file.metadata().unwrap().modified().unwrap());
    let found = rows(&found.unwrap());
    assert_eq!(found.column(0).as_primitive::<UInt64Type>().len(), found.num_rows());
    found["score"].as_primitive::<Int32Type>().values().to_vec()
}

#[test]
fn three_owners_or_the_buyer_learn_what_all_of_them_have() {
    let world = World::start(&cast(0));
    let one = psi("\"inner\"", "[\"score\"]", "to = [\"neutral\"]\nprotocol = \"multi\"");
    assert_eq!(succeeded(&world.ask_psi(&one)).trim(), "");
    assert_eq!(scores(&world, "neutral"), [20, 30, 50]);
    assert!(kept(&world, "census").is_empty() && kept(&world, "employers").is_empty());
    let membership = |to: &str| json!({"op": 4, "kind": "membership", "count": "64", "to": to});
    let to_one = opened(&world).remove(0);
    let told = to_one.as_array().unwrap().iter().filter(|o| **o == membership("neutral")).count();
    assert_eq!(told, 2, "{to_one}");

    let all = psi("\"inner\"", "[\"score\"]", "to = [\"census\", \"employers\", \"neutral\"]");
    assert_eq!(succeeded(&world.ask_psi(&all)).trim(), "");
    assert_eq!(scores(&world, "census"), [10, 20, 30]);
    // All rows of a key: B stands there twice.
    assert_eq!(scores(&world, "employers"), [10, 20, 40, 50]);

    let listed = succeeded(&world.ask_psi(&psi("\"inner\"", "[\"score\"]", "")));
    let mut lines: Vec<_> = listed.lines().map(str::to_owned).collect();
    assert_eq!(lines.remove(0), "census_score,employers_score,neutral_score");
    lines.sort();
    assert_eq!(lines, ["10,20,50", "20,10,30", "30,40,20"]);
    let explained = world.by(BUYER, &["job", "explain", "insurer/job.toml"]);
    let explained = succeeded(&explained);
    assert!(explained.contains("`joint`: ") && explained.contains("a circuit of 3 sets"));
    let sum = "{ sum = { column = \"neutral.patients.score\" } }";
    assert_eq!(succeeded(&world.ask_psi(&psi(sum, "[]", ""))), "matched,sum_score\n3,100\n");
}

#[test]
fn the_policy_of_every_owner_is_asked() {
    let mut cast = cast(4);
    cast.jobs.psi["forms"] = json!(["inner"]);
    let world = World::start(&cast);
    // Three keys are fewer than four.
    let to_one = psi("\"inner\"", "[\"score\"]", "to = [\"census\"]");
    let words = ended_with(&world.ask_psi(&to_one), 1);
    assert!(words.contains("TOO_FEW_IN_COMMON") && words.contains("none were shown"), "{words}");
    assert!(kept(&world, "census").is_empty());
    let words = ended_with(&world.ask_psi(&psi("\"cardinality\"", "[]", "")), 3);
    assert!(words.contains("employers") && words.contains("psi.forms"), "{words}");
    // To the buyer the least size is held inside.
    let listed = psi("\"inner\"", "[\"score\"]", "");
    let header = "census_score,employers_score,neutral_score\n";
    assert_eq!(succeeded(&world.ask_psi(&listed)), header);
    let mut names = psi("\"inner\"", "[\"score\"]", "to = [\"census\"]");
    names = names.replace("protocol", "").replace("to =", "protocol = \"vole\"\nto =");
    let output = world.ask_psi(&names);
    assert!(!output.status.success());
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.contains("`vole` with 3 sets"), "{words}");
}

/// Four owners of sets, two of whom do not compute; the lab computes and owns none.
fn four() -> Cast {
    Cast { fourth: Some(table(3, 0)), outside: true, ..cast(0) }
}

/// Three buckets, however few rows there are.
fn in_buckets(mut cast: Cast) -> Cast {
    let more = [&mut cast.third, &mut cast.fourth].into_iter().flatten();
    for table in [&mut cast.people, &mut cast.jobs].into_iter().chain(more) {
        table.rows_max = 9000;
        table.psi["max_queries"] = json!(9);
    }
    cast
}

/// What the link between two carried in both directions, and how often it was made anew.
fn carried(body: &ReceiptBody, [one, other]: [&str; 2]) -> (u64, u32) {
    let ends = [(one, other), (other, one)];
    let links = body.links.iter();
    let links = links.filter(|link| ends.contains(&(link.from.as_str(), link.to.as_str())));
    let renewed = body.renewed(&one.try_into().unwrap(), &other.try_into().unwrap());
    (links.map(|link| link.sent.unwrap().bytes).sum(), renewed)
}

#[test]
fn a_link_of_three_may_be_cut_and_all_of_them_go_on() {
    const FAR: [&str; 2] = ["census", "neutral"];
    const NEAR: [&str; 2] = ["employers", "neutral"];
    const IDLE: [&str; 2] = ["census", "employers"];
    let (world, wiretap) = World::start_tapped(&in_buckets(cast(0)));
    let asked = |to: &[&str]| {
        let more = format!("to = {to:?}\nprotocol = \"multi\"\nbucket_rows = 4096");
        psi("\"inner\"", "[\"score\"]", &more)
    };
    succeeded(&world.ask_psi(&asked(&["neutral"])));
    assert_eq!(scores(&world, "neutral"), [20, 30, 50]);
    let (whole, _) = receipt(&world);
    let (bytes, _) = carried(&whole, FAR);
    let most = usize::try_from(bytes).unwrap();

    wiretap.strike(FAR, &[(most / 2, Strike::Cut), (most / 2, Strike::Cut)]);
    succeeded(&world.ask_psi(&asked(&["neutral"])));
    assert_eq!((scores(&world, "neutral"), kept(&world, "neutral").len()), (vec![20, 30, 50], 2));
    let (body, told) = receipt(&world);
    assert!(told.contains("census and neutral was lost and made anew, 2 of at most 2"), "{told}");
    assert_eq!((carried(&body, FAR).1, carried(&body, NEAR).1, carried(&body, IDLE).1), (2, 0, 0));
    assert!(carried(&body, FAR).0 < bytes, "what was left");
    assert!(carried(&body, NEAR).0 > carried(&whole, NEAR).0, "buckets were repeated");
    assert_eq!(carried(&body, IDLE), carried(&whole, IDLE));

    // All learn it, and the first of them leads.
    wiretap.strike(IDLE, &[(most / 2, Strike::Cut)]);
    succeeded(&world.ask_psi(&asked(&["census", "employers", "neutral"])));
    assert_eq!(scores(&world, "census"), [10, 20, 30]);
    assert_eq!(scores(&world, "employers"), [10, 20, 40, 50]);
    assert_eq!(scores(&world, "neutral"), [20, 30, 50]);
    assert_eq!(carried(&receipt(&world).0, IDLE).1, 1);

    wiretap.strike(NEAR, &[(most / 4, Strike::Cut); 3]);
    let said = ended_with(&world.ask_psi(&asked(&["neutral"])), 1);
    assert!(said.contains("PARTY_LOST at stage run"), "{said}");
}

#[test]
fn owners_who_do_not_compute_learn_it_and_tell_it_with_those_who_do() {
    let world = World::start(&four());
    let asked = |more: &str| psi_of(4, "\"inner\"", "[\"score\"]", more);
    assert_eq!(succeeded(&world.ask_psi(&asked("to = [\"clinic\"]"))).trim(), "");
    assert_eq!(scores(&world, "clinic"), [20, 30]);
    for party in ["census", "employers", "neutral", "lab"] {
        assert!(kept(&world, party).is_empty(), "{party}");
    }
    let membership = |to: &str| json!({"op": 5, "kind": "membership", "count": "64", "to": to});
    let to_one = opened(&world).remove(0);
    let told = to_one.as_array().unwrap().iter().filter(|o| **o == membership("clinic")).count();
    assert_eq!(told, 3, "{to_one}");
    let explained = succeeded(&world.by(BUYER, &["job", "explain", "insurer/job.toml"]));
    let words = "census, employers, neutral, clinic intersect by `multi`; clinic learns";
    assert!(explained.contains(words) && explained.contains("`multi`: "), "{explained}");

    let all = "to = [\"census\", \"employers\", \"neutral\", \"clinic\"]\nprotocol = \"multi\"";
    assert_eq!(succeeded(&world.ask_psi(&asked(all))).trim(), "");
    assert_eq!(scores(&world, "census"), [10, 30]);
    assert_eq!(scores(&world, "employers"), [20, 40]);
    assert_eq!(scores(&world, "neutral"), [20, 50]);
    assert_eq!((scores(&world, "clinic"), kept(&world, "clinic").len()), (vec![20, 30], 2));
    assert!(kept(&world, "lab").is_empty());
    // What was there of the sets while the job ran is gone.
    for party in ["census", "employers", "neutral", "clinic"] {
        let scratch = std::fs::read_dir(world.of(party).join("state/scratch")).unwrap();
        assert_eq!(scratch.count(), 0, "{party}");
    }

    let two = world.ask_psi(&asked("to = [\"census\", \"clinic\"]"));
    assert!(!two.status.success());
    let words = String::from_utf8_lossy(&two.stderr).into_owned();
    assert!(words.contains("2 of 4 owners"), "{words}");
}

#[test]
fn owners_who_do_not_compute_hear_whether_enough_keys_are_common() {
    let all = "to = [\"census\", \"employers\", \"neutral\", \"clinic\"]";
    let asked = |more: &str| psi_of(4, "\"inner\"", "[\"score\"]", more);
    // Two keys are in all four sets.
    let cast = |least| Cast { fourth: Some(table(3, least)), ..four() };
    let world = World::start(&cast(2));
    assert_eq!(succeeded(&world.ask_psi(&asked(all))).trim(), "");
    assert_eq!(scores(&world, "census"), [10, 30]);
    assert_eq!(scores(&world, "clinic"), [20, 30]);
    let bit = |to: &str| json!({"kind": "threshold", "count": "1", "to": to});
    let opened = opened(&world).remove(0);
    let mut bits = opened.as_array().unwrap().clone();
    bits.retain(|opening| opening["kind"] == "threshold");
    bits.iter_mut().for_each(|opening| drop(opening.as_object_mut().unwrap().remove("op")));
    assert_eq!(bits[0], bit("compute parties"), "{opened}");
    assert!(bits.contains(&bit("clinic")), "{opened}");
    let explained = succeeded(&world.by(BUYER, &["job", "explain", "insurer/job.toml"]));
    assert!(explained.contains("tell census, clinic, and go on where it is 1"), "{explained}");
    let two = "to = [\"clinic\"]\nprotocol = \"vole\"";
    let pair = |more: &str| {
        let sets: Vec<_> = asked(more).split("[[psi.sets]]").map(str::to_owned).collect();
        format!("{}[[psi.sets]]{}[[psi.sets]]{}", sets[0], sets[3], sets[4])
    };
    assert_eq!(succeeded(&world.ask_psi(&pair(two))).trim(), "");
    let before = kept(&world, "clinic").len();
    drop(world);

    let world = World::start(&cast(9));
    for job in [asked(all), pair(two)] {
        let words = ended_with(&world.ask_psi(&job), 1);
        assert!(words.contains("TOO_FEW_IN_COMMON"), "{words}");
    }
    assert_eq!(before, 2);
    for party in ["census", "employers", "neutral", "clinic"] {
        assert!(kept(&world, party).is_empty(), "{party}");
    }
}

/// Messages of the two are numbered from the start again, behind inputs and the bit.
#[test]
fn a_link_over_which_keys_were_shared_may_be_cut_behind_the_bit() {
    const HALF: [&str; 2] = ["employers", "clinic"];
    let cast = in_buckets(Cast { fourth: Some(table(3, 2)), ..four() });
    let (world, wiretap) = World::start_tapped(&cast);
    let more = "to = [\"clinic\"]\nprotocol = \"multi\"\nbucket_rows = 4096";
    let job = psi_of(4, "\"inner\"", "[\"score\"]", more);
    succeeded(&world.ask_psi(&job));
    assert_eq!(scores(&world, "clinic"), [20, 30]);
    let (bytes, renewed) = carried(&receipt(&world).0, HALF);
    assert_eq!(renewed, 0);
    let late = usize::try_from(bytes).unwrap() * 3 / 4;
    wiretap.strike(HALF, &[(late, Strike::Cut)]);
    succeeded(&world.ask_psi(&job));
    assert_eq!((scores(&world, "clinic"), kept(&world, "clinic").len()), (vec![20, 30], 2));
    assert_eq!(carried(&receipt(&world).0, HALF).1, 1);
}

#[test]
fn a_link_of_an_owner_who_does_not_compute_may_be_cut_and_all_go_on() {
    const OUTSIDE: [&str; 2] = ["census", "clinic"];
    const HALF: [&str; 2] = ["employers", "clinic"];
    const WAITS: [&str; 2] = ["lab", "clinic"];
    let (world, wiretap) = World::start_tapped(&in_buckets(four()));
    let asked = |to: &[&str]| {
        let more = format!("to = {to:?}\nprotocol = \"multi\"\nbucket_rows = 4096");
        psi_of(4, "\"inner\"", "[\"score\"]", &more)
    };
    succeeded(&world.ask_psi(&asked(&["clinic"])));
    assert_eq!(scores(&world, "clinic"), [20, 30]);
    let (whole, _) = receipt(&world);
    let (bytes, _) = carried(&whole, OUTSIDE);
    let most = usize::try_from(bytes).unwrap();

    for (link, told) in [(OUTSIDE, "census and clinic"), (HALF, "clinic and employers")] {
        wiretap.strike(link, &[(most / 2, Strike::Cut)]);
        succeeded(&world.ask_psi(&asked(&["clinic"])));
        assert_eq!(scores(&world, "clinic"), [20, 30]);
        let (body, words) = receipt(&world);
        let words_of_link = format!("{told} was lost and made anew, 1 of at most 2");
        assert!(words.contains(&words_of_link), "{words}");
        assert!(carried(&body, link).1 == 1 && carried(&body, link).0 < bytes, "what was left");
        let waits = carried(&whole, WAITS);
        assert_eq!(carried(&body, WAITS), waits, "who waits hears nothing of it");
        let near = ["neutral", "clinic"];
        assert!(carried(&body, near).0 > carried(&whole, near).0, "buckets were repeated");
    }
    assert_eq!(kept(&world, "clinic").len(), 3);

    // All learn it; of those with as many rows the first leads.
    wiretap.strike(OUTSIDE, &[(most / 2, Strike::Cut)]);
    succeeded(&world.ask_psi(&asked(&["census", "employers", "neutral", "clinic"])));
    for (party, found) in
        [("census", [10, 30]), ("employers", [20, 40]), ("neutral", [20, 50]), ("clinic", [20, 30])]
    {
        assert_eq!(scores(&world, party), found, "{party}");
    }
    assert_eq!(carried(&receipt(&world).0, OUTSIDE).1, 1);

    wiretap.strike(OUTSIDE, &[(most / 4, Strike::Cut); 3]);
    let said = ended_with(&world.ask_psi(&asked(&["clinic"])), 1);
    assert!(said.contains("PARTY_LOST at stage run"), "{said}");
}
