//! Trainings between real daemons where a provider's links are lost: it is in every round all the same, what goes on goes on behind
//! what has arrived, and the receipt says so.

use serde_json::json;

use crate::{
    cast::Cast,
    lost::receipt,
    train::{cast, train},
    wiretap::{Strike, Wiretap},
    world::{World, eventually, succeeded},
};

/// Units of the network.
const UNITS: usize = 14_000;
/// Its parameters, of three inputs and two classes: an update has three pieces of 256 KiB, the model two.
const PARAMETERS: usize = 6 * UNITS + 2;
const ROUNDS: usize = 2;
const PIECE: usize = 256 << 10;

fn large() -> Cast {
    let mut cast = cast();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["models"] = json!(["network"]);
    }
    cast
}

fn asked() -> String {
    let network = format!("\"network\", hidden = [{UNITS}]");
    let more = format!("rounds = {ROUNDS}\nmin_providers = 3");
    train(&more).replace("\"logistic\"", &network).replace("epochs = 5", "epochs = 1")
}

/// Everybody was in every round.
fn all_in_all(text: &str) {
    let of: Vec<_> = text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert_eq!(of, vec!["3"; ROUNDS], "{text}");
}

/// A training in which the link of the provider that does not compute with this party is struck.
fn struck(party: &'static str, strikes: &[(usize, Strike)]) -> (World, Wiretap) {
    let (world, wiretap) = World::start_tapped(&large());
    wiretap.strike(["census", party], strikes);
    all_in_all(&succeeded(&world.ask_psi(&asked())));
    (world, wiretap)
}

#[test]
fn an_update_goes_on_where_the_link_was_cut() {
    // The lab gets the words of this provider.
    let (world, _wiretap) =
        struck("lab", &[(PIECE + PIECE / 2, Strike::Cut), (PIECE, Strike::Cut)]);
    let (body, told) = receipt(&world);
    let [census, lab] = ["census", "lab"].map(|party| party.try_into().unwrap());
    assert_eq!(body.renewed(&census, &lab), 2);
    let words = "the link between census and lab was lost and made anew, 2 of at most 64 times";
    assert!(told.contains(words), "{told}");
    assert!(told.contains("census (census ltd; provider): signed"), "{told}");
    // The last connections carried what was left of the first update, and the others.
    let link = body.links.iter().find(|link| (&link.from, &link.to) == (&census, &lab)).unwrap();
    let (carried, updates) = (link.sent.unwrap().bytes, (ROUNDS * 8 * PARAMETERS) as u64);
    assert!(carried < updates - PIECE as u64 + 4096, "{carried} of {updates}");
    let others = body.links.iter().filter(|link| link.sent.unwrap().renewed > 0).count();
    assert_eq!(others, 2, "one link, both directions");
}

#[test]
fn a_model_goes_on_where_the_link_was_cut_and_all_links_may_be() {
    // One of the other two hands out the first model, the other one the second.
    let cut = [(PIECE, Strike::Cut), (PIECE / 2, Strike::Cut)];
    let (world, wiretap) = struck("employers", &cut);
    let [census, employers] = ["census", "employers"].map(|party| party.try_into().unwrap());
    assert_eq!(receipt(&world).0.renewed(&census, &employers), 2);
    // Nothing passes for a while, and then there is no link.
    wiretap.strike(["census", "neutral"], &[(PIECE, Strike::Hold)]);
    let job = world.submit_psi(&asked());
    let waiting = world.follow(&job);
    eventually("the link is held", || wiretap.holds());
    wiretap.cut_held();
    let (code, out, said) = waiting.end();
    assert_eq!(code, Some(0), "{said}");
    all_in_all(&out);
    for party in ["census", "neutral"] {
        assert!(world.log(party).contains("the link stands again"), "{party}");
    }
}
