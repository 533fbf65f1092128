//! Joins of two owners' tables over TLS: in a circuit where the job's links make it cheaper, by sorting elsewhere, with one answer.

use crate::{
    buckets::carried,
    cast::{BY_SECTOR, Cast, SMALL_ANSWER},
    lost::receipt,
    psi::psi,
    wiretap::Strike,
    world::{World, succeeded},
};

#[test]
fn a_join_goes_by_a_circuit_where_that_is_cheaper_and_is_repeated_where_a_link_is_lost() {
    let (world, wiretap) = World::start_tapped(&Cast::small());
    let explained = || succeeded(&world.by("insurer", &["job", "explain", "insurer/job.toml"]));
    assert_eq!(succeeded(&world.ask(BY_SECTOR)), SMALL_ANSWER);
    let told = explained();
    assert!(told.contains("(sorted by its owner)"), "{told}");
    assert!(told.contains("    `circuit`: ") && told.contains("    `sorting`: "), "{told}");
    let (sorted, _) = receipt(&world);
    assert!(!sorted.leakage.lines.join("\n").contains("circuit"), "{:?}", sorted.leakage.lines);

    // Whoever wants the other way has it, and the same answer.
    let near = format!("joins = \"circuit\"\nsql = \"\"\"\n{BY_SECTOR}\n\"\"\"\n");
    assert_eq!(succeeded(&world.ask_psi(&near)), SMALL_ANSWER);
    assert!(explained().contains("intersect into shares"), "{}", explained());
    let (asked_for, _) = receipt(&world);
    assert!(asked_for.opened.len() < sorted.opened.len(), "nothing is opened of a circuit");
    let counted = psi("\"cardinality\"", ["[]", "[]"], "");
    let refused = world.ask_psi(&format!("joins = \"sorting\"\n{counted}"));
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && words.contains("joins: is for `sql` and `score`"),
        "{words}"
    );

    // Far from each other, it is the rounds that cost.
    let far = format!(
        "network = {{ rtt_us = 50000, bandwidth_mbps = 100 }}\nsql = \"\"\"\n{BY_SECTOR}\n\"\"\"\n"
    );
    assert_eq!(succeeded(&world.ask_psi(&far)), SMALL_ANSWER);
    let told = explained();
    for words in ["intersect into shares", "ways to join two owners' tables:", "a set by c0"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let (whole, _) = receipt(&world);
    let meet = "keys are compared in a circuit between census and employers";
    assert!(whole.leakage.lines.join("\n").contains(meet), "{:?}", whole.leakage.lines);
    assert!(whole.opened.len() < sorted.opened.len(), "nothing is opened of a circuit");

    let link = ["census", "employers"];
    wiretap.strike(link, &[(carried(&whole, link) / 2, Strike::Cut)]);
    assert_eq!(succeeded(&world.ask_psi(&far)), SMALL_ANSWER);
    let (again, told) = receipt(&world);
    assert_eq!(again.opened, whole.opened);
    assert!(told.contains("census and employers was lost and made anew, 1 of at most 2"), "{told}");
}
