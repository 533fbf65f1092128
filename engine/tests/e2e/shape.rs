//! Two runs of one statement on different rows under the same public bounds look the same from outside.

use std::{fmt::Write as _, fs};

use serde_json::{Value, json};

use crate::{
    cast::{BY_SECTOR, Cast},
    world::{World, succeeded},
};

/// The receipt of one run of the statement on these tables; the answer is not the point.
fn receipt(cast: &Cast) -> (String, Value) {
    let world = World::start(cast);
    let answer = succeeded(&world.ask(BY_SECTOR));
    let mut files = fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().path());
    let path = files.find(|path| path.extension().is_some_and(|e| e == "json")).unwrap();
    (answer, serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
}

/// What both ends of every link, the gate and the coordinator saw, without hashes and times.
fn outside(receipt: &Value) -> Value {
    let body = &receipt["body"];
    let all = |list: &Value, pick: &dyn Fn(&Value) -> Value| {
        list.as_array().unwrap().iter().map(pick).collect::<Vec<_>>()
    };
    let flow = |flow: &Value| json!([flow["bytes"], flow["frames"]]);
    let meters = body["meter"].as_object().unwrap().iter();
    json!({
        "links": all(&body["links"], &|link| {
            json!([link["from"], link["to"], flow(&link["sent"]), flow(&link["received"])])
        }),
        "opened": body["opened"],
        "leakage": body["leakage"],
        "outputs": all(&body["outputs"], &|output| json!([output["role"], output["length"]])),
        "inputs": all(&body["inputs"], &|input| json!([input["dataset"], input["rows_max"]])),
        "meter": meters.map(|(p, m)| json!([p, m["bytes_sent"], m["rounds"]])).collect::<Vec<_>>(),
    })
}

/// 40 rows, other people, other pay, hardly a match.
pub(crate) fn other() -> Cast {
    let mut cast = Cast::small();
    cast.people.csv = String::from("person_id,age\n");
    cast.jobs.csv = String::from("person_id,sector,pay\n");
    for i in 0..40 {
        let _ = writeln!(cast.people.csv, "{},{}", 5000 + i, i);
        let _ = writeln!(cast.jobs.csv, "{},trade,{}", 5000 + i + 20, 7 * i);
    }
    cast
}

#[test]
fn links_openings_and_ciphertexts_do_not_depend_on_the_rows() {
    let ((first, one), (second, another)) = (receipt(&Cast::small()), receipt(&other()));
    assert_ne!(first, second);
    assert_eq!(outside(&one), outside(&another));
    let links = one["body"]["links"].as_array().unwrap();
    assert_eq!(links.len(), 6);
    assert_ne!(
        one["body"]["links"][0]["sent"]["hash"],
        another["body"]["links"][0]["sent"]["hash"]
    );
    // The comparison sees a difference in size.
    let mut larger = other();
    larger.jobs.rows_max = 128;
    assert_ne!(outside(&one)["links"], outside(&receipt(&larger).1)["links"]);
}
