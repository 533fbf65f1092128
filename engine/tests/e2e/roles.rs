//! One daemon in two roles.

use std::fs;

use serde_json::Value;

use crate::{
    cast::{BY_SECTOR, Cast, SMALL_ANSWER},
    world::{BUYER, World, succeeded},
};

/// A world without an exchange: this participant coordinates.
fn coordinated_by(party: &'static str, cast: &Cast) -> World {
    let mut world = World::make(cast);
    let exchange = fs::read_to_string(world.of("exchange").join("unseen.toml")).unwrap();
    let (from, to) = (exchange.find("[coordinator]").unwrap(), exchange.find("[pins.").unwrap());
    for name in ["census", "employers", "neutral", BUYER] {
        let path = world.of(name).join("unseen.toml");
        let mut config = fs::read_to_string(&path)
            .unwrap()
            .replace("coordinator = \"exchange\"", &format!("coordinator = \"{party}\""))
            .replace(&world.reached("exchange"), &world.reached(party));
        if name == party {
            config =
                config.replacen("[provider]", &format!("{}[provider]", &exchange[from..to]), 1);
        }
        fs::write(path, config).unwrap();
    }
    ["census", "employers", "neutral"].into_iter().for_each(|name| world.up(name));
    world
}

/// What the receipt that the buyer keeps says of a party's roles, and who signed it.
fn receipt(world: &World) -> Value {
    let mut files = fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().path());
    let path = files.find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    let pins = world.of(BUYER).join("unseen.toml");
    let shown = ["receipt", "verify", path.to_str().unwrap(), "--pins", pins.to_str().unwrap()];
    succeeded(&world.unseen(&shown));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_compute_party_may_coordinate_and_stands_in_the_receipt_once() {
    for party in ["neutral", "census"] {
        let world = coordinated_by(party, &Cast::small());
        assert_eq!(succeeded(&world.ask(BY_SECTOR)), SMALL_ANSWER);
        let receipt = receipt(&world);
        let entries = receipt["body"]["parties"].as_array().unwrap();
        let entry: Vec<_> = entries.iter().filter(|entry| entry["party"] == party).collect();
        assert_eq!(entry.len(), 1);
        let roles = entry[0]["roles"].as_array().unwrap();
        assert_eq!(roles.first(), Some(&Value::from(if party == "census" { "p0" } else { "p2" })));
        assert_eq!(roles.last(), Some(&Value::from("coordinator")));
        assert_eq!(receipt["signatures"].as_array().unwrap().len(), 3);
    }
}
