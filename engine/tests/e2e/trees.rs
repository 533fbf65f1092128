//! Boosted trees by real daemons, over TLS: grown on the rows of three providers, one of whom does not compute, for the buyer.

use serde_json::json;

use crate::{
    train::{cast, model_of},
    world::{BUYER, World, ended_with, eventually, succeeded},
};

pub(crate) const TREES: &str = "[train]\ndatasets = [\"census.people\", \"employers.jobs\", \"neutral.patients\"]\n\
     features = [\"age\", \"sector\"]\nlabel = \"pay = 'high'\"\nrate = 0.5\nrounds = 4\n\
     model = { kind = \"trees\", depth = 2, bins = 8, least_rows = 5 }\n";

#[test]
fn trees_are_grown_on_all_rows_and_the_buyer_has_them() {
    let mut cast = cast();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["models"] = json!(["trees"]);
        table.train["min_leaf_rows"] = json!(5);
    }
    let world = World::start(&cast);
    let text = succeeded(&world.ask_psi(TREES));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (5, "tree,cuts"));
    let explained = succeeded(&world.by(BUYER, &["job", "explain", "insurer/job.toml"]));
    assert!(explained.contains("train a trees model in 4 rounds"), "{explained}");
    let (header, numbers) = model_of(&world);
    assert_eq!(header["trees.input"]["shape"], json!([4, 3]));
    assert_eq!(header["trees.leaf"]["shape"], json!([4, 4]));
    let (nodes, leaves) = (3, 4);
    let (inputs, rest) = numbers.split_at(4 * nodes);
    let (thresholds, values) = rest.split_at(4 * nodes);
    let mut right = 0;
    let people = (0..60).chain(100..160).chain(200..260);
    for i in people.clone() {
        let age = 20 + i * 7 % 50;
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let place = 2.0 * (age as f32 - 20.0) / 50.0 - 1.0;
        let sector = if i % 2 == 0 { [1.0, 0.0] } else { [0.0, 1.0] };
        let row = [place, sector[0], sector[1]];
        let score: f32 = (0..4)
            .map(|tree| {
                let (mut node, mut first, mut below) = (0, 0, leaves);
                // A leaf above the last level has its value where its leftmost descendant would stand.
                while below > 1 && inputs[tree * nodes + first + node] >= 0.0 {
                    let at = tree * nodes + first + node;
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "the number of an input"
                    )]
                    let goes_right = row[inputs[at] as usize] >= thresholds[at];
                    first = 2 * first + 1;
                    node = 2 * node + usize::from(goes_right);
                    below /= 2;
                }
                values[tree * leaves + node * below]
            })
            .sum();
        right += usize::from((score > 0.0) == (age > 45));
    }
    assert!(right * 10 > people.count() * 9, "{right} are right: {text}");
}

#[test]
fn a_provider_that_is_lost_ends_a_growth() {
    let mut cast = cast();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["models"] = json!(["trees"]);
        table.train["min_leaf_rows"] = json!(5);
        table.train["max_rounds"] = json!(5000);
    }
    let mut world = World::start(&cast);
    let job = world.submit_psi(&TREES.replace("rounds = 4", "rounds = 2000"));
    let mut waiting = world.follow(&job);
    waiting.until("the parties compute on shares");
    eventually("the provider has its links", || {
        world.log("census").lines().any(|line| line.contains("all links stand"))
    });
    world.kill("census");
    let (code, _, err) = waiting.end();
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("PARTY_LOST") && err.contains("census"), "{err}");
}

#[test]
fn policies_name_trees_too() {
    let world = World::start(&cast());
    let words = ended_with(&world.ask_psi(TREES), 3);
    assert!(words.contains("train.models") && words.contains("trees"), "{words}");
    let late = ended_with(&world.ask_psi(&format!("{TREES}min_providers = 2\n")), 2);
    assert!(late.contains("train.min_providers"), "{late}");
}
