//! No share reaches the coordinator, a log or a journal: not of the result, and nothing of what the parties sent each other.

use crate::{
    canary::{Planted, SQL, left_behind, plant},
    opened,
    wiretap::{Call, Wiretap},
    words::{Words, dressed},
    world::{BUYER, DAEMONS, World, succeeded},
};

type Place = (String, Vec<u8>);

/// What the coordinator was told and told others, call by call, as it was meant.
fn calls(wiretap: &Wiretap) -> Vec<Place> {
    let mut places = Vec::new();
    for Call { from, to, method, heads, said, heard } in wiretap.calls() {
        for (what, bytes) in [("heads", heads), ("said", said), ("heard", heard)] {
            places.push((format!("{method} of {from} at {to}: {what}"), bytes));
        }
    }
    places
}

/// The words of all frames of the data plane. Notes hold public keys and signed hashes: no shares.
fn sent(wiretap: &Wiretap) -> Words {
    let mut words = Words::default();
    for link in wiretap.links() {
        let (from, to) = link.direction();
        for frame in link.sent().iter().filter(|frame| !frame.is_note()) {
            let what = format!("a word that {from} sent {to} in step {}", frame.tag.path);
            words.add_all(&what, &frame.body);
        }
    }
    words
}

/// The words of the three result shares, both copies of each summand.
fn of_the_result(world: &World) -> (Words, u64) {
    let listed = succeeded(&world.by(BUYER, &["job", "list"]));
    let shares = opened::shares(world, listed.split_whitespace().next().unwrap());
    let (mut words, mut all) = (Words::default(), Vec::new());
    for share in &shares {
        for (at, column) in share.columns().iter().enumerate() {
            for summand in column.summands() {
                let what = format!("column {at} of the share of {}", share.role());
                summand.iter().for_each(|word| words.add(&what, *word));
                all.extend(summand);
            }
        }
    }
    // Each of three summands is there twice, and is random in all its bits.
    let expected = all.len() / 2;
    assert!(words.len() * 100 > expected * 97, "{} of {expected} words", words.len());
    assert!(expected > 3 * 2 * 64, "two columns of sums at least");
    (words, all[0])
}

#[test]
fn shares_are_nowhere_but_on_the_links_and_in_the_buyers_hands() {
    let Planted { cast, canaries, .. } = plant();
    let (world, wiretap) = World::start_tapped(&cast);
    let output = world.ask(SQL);
    succeeded(&output);
    let sent = sent(&wiretap);
    let (result, one) = of_the_result(&world);
    assert!(sent.len() > 10_000, "{} words on the links", sent.len());

    let mut places = calls(&wiretap);
    assert!(
        places
            .iter()
            .any(|(place, _)| place == "/unseen.v1.PartyService/Run of exchange at neutral: heard")
    );
    assert!(places.iter().any(
        |(place, _)| place == "/unseen.v1.JobService/FetchResult of insurer at exchange: heard"
    ));
    for party in DAEMONS {
        places.extend(left_behind(&world.of(party)));
    }
    places.push(("what the buyer's command printed".into(), output.stdout));
    places.push(("what the buyer's command said beside it".into(), output.stderr));
    for (place, content) in &places {
        assert_eq!(result.found_in(content), Vec::<String>::new(), "{place}");
        assert_eq!(sent.found_in(content), Vec::<String>::new(), "{place}");
    }
    // What providers share is not on the links as it stands in their tables.
    for (place, content) in calls(&wiretap).iter().chain(&on_links(&wiretap)) {
        assert_eq!(canaries.found_in(content), Vec::<&str>::new(), "{place}");
    }
    the_checker_sees_a_share(&result, one, &places);
}

fn on_links(wiretap: &Wiretap) -> Vec<Place> {
    let bytes = |link: &crate::wiretap::Link| {
        let place = format!("the link of {} and {}", link.dialled, link.called);
        (place, link.bytes().concat())
    };
    wiretap.links().iter().map(bytes).collect()
}

/// A share's word in a log or a message, in any dress, must not pass.
fn the_checker_sees_a_share(words: &Words, one: u64, places: &[Place]) {
    let ends = ["exchange/daemon.log", "Run of exchange at census: heard"];
    for end in ends {
        let (_, content) = places.iter().find(|(place, _)| place.ends_with(end)).unwrap();
        for leak in dressed(one) {
            let mut copy = content.clone();
            let middle = copy.len() / 2;
            copy.splice(middle..middle, [b" ", leak.as_slice(), b" "].concat());
            assert!(!words.found_in(&copy).is_empty(), "{}", String::from_utf8_lossy(&leak));
        }
    }
}
