//! What a buyer hears of a training while it goes on: the figures of rounds, as the result has them; and who does not hear them.

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _};

use serde_json::json;

use crate::{
    canary::left_behind,
    needles::Needles,
    train::{cast, figures, train},
    wiretap::Call,
    world::{BUYER, World, succeeded},
};

/// Every 25th of them is told.
const ROUNDS: usize = 1000;

/// The table of rounds in the words in which the command line tells of them.
pub(crate) fn told(table: &str) -> Vec<String> {
    let rounds: Vec<_> = table.lines().skip(1).map(figures).collect();
    let line = |round: &Vec<f64>| {
        format!(
            "round {} of {}: {} providers, {} rows, loss {:.4}, accuracy {:.4}",
            round[0],
            rounds.len(),
            round[1],
            round[2],
            round[3],
            round[4]
        )
    };
    rounds.iter().map(line).collect()
}

/// The lines that tell of rounds.
pub(crate) fn heard(err: &[u8]) -> Vec<String> {
    let err = String::from_utf8_lossy(err);
    let lines = err.lines().filter_map(|line| line.strip_prefix("unseen: "));
    lines.filter(|line| line.starts_with("round ")).map(str::to_owned).collect()
}

/// The command line as of a buyer that has another sealing key.
fn with_another_key(world: &World) -> String {
    let folder = world.of(BUYER);
    let config = fs::read_to_string(folder.join("unseen.toml")).unwrap();
    assert!(config.contains("\"sealing.key\""), "{config}");
    fs::write(folder.join("other.toml"), config.replace("\"sealing.key\"", "\"other.key\""))
        .unwrap();
    let mut key = fs::OpenOptions::new();
    let mut key = key.write(true).create_new(true).mode(0o600).open(folder.join("other.key"));
    key.as_mut().unwrap().write_all("5a".repeat(32).as_bytes()).unwrap();
    folder.join("other.toml").to_str().unwrap().to_owned()
}

#[test]
fn the_buyer_hears_of_rounds_what_the_result_says_and_nobody_else_does() {
    let mut cast = cast();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["max_rounds"] = json!(5000);
    }
    let world = World::start(&cast);
    let other = with_another_key(&world);
    let job = world.submit_psi(&train(&format!("rounds = {ROUNDS}\nmin_providers = 3")));
    let mut waiting = world.follow(&job);
    // The model is not there yet.
    waiting.until(&format!("round 101 of {ROUNDS}: 3 providers, 180 rows, loss 0."));
    let (late, stranger) = std::thread::scope(|scope| {
        let watch = |config: String| {
            let (world, job) = (&world, &job);
            scope.spawn(move || world.unseen(&["job", "watch", job, "--config", &config]))
        };
        let own = world.of(BUYER).join("unseen.toml").to_str().unwrap().to_owned();
        let [late, stranger] = [own, other].map(watch).map(|one| one.join().unwrap());
        (late, stranger)
    });
    let (code, table, err) = waiting.end();
    assert_eq!(code, Some(0), "{err}");
    let all = told(&table);
    let due = |from: usize| -> Vec<_> {
        let of = |round: usize| round % 25 == 1 || round == ROUNDS;
        (from..=ROUNDS).filter(|round| of(*round)).map(|round| all[round - 1].clone()).collect()
    };
    assert_eq!(heard(err.as_bytes()), due(1));

    // Who comes late hears of the last ones.
    succeeded(&late);
    let heard_late = heard(&late.stderr);
    let first = all.iter().position(|line| *line == heard_late[0]).unwrap() + 1;
    assert!((101 - 64..ROUNDS).contains(&first), "{first}");
    assert!(heard_late[1..] == due(first + 1), "{heard_late:?}");

    // And who has another key that they do not open.
    succeeded(&stranger);
    let words = String::from_utf8_lossy(&stranger.stderr);
    assert_eq!(heard(&stranger.stderr), Vec::<String>::new());
    assert_eq!(words.matches("figures of rounds are left out").count(), 1, "{words}");
    assert!(words.contains("`recipient`"), "{words}");
}

#[test]
fn what_the_coordinator_is_given_of_rounds_is_of_one_length_and_says_nothing() {
    let (world, wiretap) = World::start_tapped(&cast());
    let output = world.ask_psi(&train("rounds = 8\nmin_providers = 3"));
    let table = succeeded(&output);
    let mut needles = Needles::default();
    let words = [3_u64, 180].map(u64::to_le_bytes).concat();
    needles.bytes("how many providers and rows", &words);
    for line in table.lines().skip(1) {
        let loss = figures(line)[3];
        needles.bytes("a loss", &loss.to_le_bytes());
        needles.bytes("a sum of losses", &(180.0 * loss).to_le_bytes());
        // More digits than a time in a log has.
        needles
            .text("a loss in digits", loss.to_string().get(..12).unwrap_or("its digits are few"));
    }
    assert!(!needles.found_in(table.as_bytes()).is_empty(), "the buyer has them");
    let mut rounds = Vec::new();
    for call in wiretap.calls() {
        for side in [&call.said, &call.heard] {
            assert_eq!(needles.found_in(side), Vec::<&str>::new(), "{}", call.method);
        }
        if call.method.ends_with("/Run") {
            let sealed = |message: &&[u8]| String::from_utf8_lossy(message).contains("\"round\":");
            let messages = Call::messages(&call.heard).into_iter().filter(sealed);
            rounds.extend(messages.map(<[u8]>::len));
        }
    }
    assert_eq!(rounds, [rounds[0]; 8]);
    for (place, content) in left_behind(&world.of("exchange")) {
        assert_eq!(needles.found_in(&content), Vec::<&str>::new(), "{place}");
    }
    assert_eq!(heard(&output.stderr), told(&table));
}
