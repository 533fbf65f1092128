//! What intersections let out, between real daemons over TLS: numbers for owners of sets.

use datafusion::arrow::{array::AsArray as _, datatypes::Int64Type};
use serde_json::json;

use crate::{
    psi::{cast, kept, opened, psi, rows},
    world::{World, succeeded},
};

#[test]
fn a_count_or_a_sum_reaches_the_owners_it_is_for() {
    let mut cast = cast(5);
    cast.people.psi["forms"] = json!(["cardinality", "sum"]);
    let world = World::start(&cast);
    let one = psi("\"cardinality\"", ["[]", "[]"], "to = [\"employers\"]\nprotocol = \"circuit\"");
    assert_eq!(succeeded(&world.ask_psi(&one)).trim(), "");
    assert!(kept(&world, "census").is_empty());
    let counted = rows(&kept(&world, "employers")[0]);
    assert_eq!(counted["matched"].as_primitive::<Int64Type>().values()[..], [5]);

    let form = "{ sum = { column = \"employers.jobs.pay\" } }";
    let both = psi(form, ["[]", "[]"], "to = [\"census\", \"employers\"]");
    assert_eq!(succeeded(&world.ask_psi(&both)).trim(), "");
    assert_eq!(kept(&world, "employers").len(), 2);
    let summed = rows(&kept(&world, "census")[0]);
    assert_eq!(summed["matched"].as_primitive::<Int64Type>().values()[..], [5]);
    assert_eq!(summed["sum_pay"].as_primitive::<Int64Type>().values()[..], [20_000]);
    let opened = opened(&world);
    let to = |name: &str| {
        opened.iter().filter(|all| all.to_string().contains(&format!("\"{name}\""))).count()
    };
    assert_eq!((to("census"), to("employers")), (1, 2), "{opened:?}");
}
