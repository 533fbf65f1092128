//! Updates in words of 32 bits, by real daemons over TLS: the model is the one of 64 bits but for its bound, and updates and sums
//! take half.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    cast::Cast,
    train::{cast, model_of, train},
    world::{BUYER, World, succeeded},
};

/// Values of a text that nobody has, so that models are of some size.
const MORE: usize = 300;

fn large() -> Cast {
    let mut cast = cast();
    let values: Vec<String> = (0..MORE).map(|at| format!("s{at}")).collect();
    let domain = [&["care".to_owned(), "trade".to_owned()], &values[..]].concat();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        let sector = table.columns.iter_mut().find(|column| column.name == "sector").unwrap();
        sector.config = format!("type = \"string\"\ndomain = {domain:?}");
    }
    cast
}

/// The receipts so far, by their jobs.
fn receipts(world: &World) -> Vec<Value> {
    let files = std::fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    files.map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
}

/// Trains one round: the model, the table of rounds, and the bytes that all parties sent.
fn one_round(world: &World, known: &mut BTreeSet<String>, ring: u8) -> (Vec<f32>, String, u64) {
    // One step after the other on all rows: their order does not matter.
    let more = "rounds = 1\nmin_providers = 3\nbatch = 64\nlargest_update = 4";
    let told = succeeded(&world.ask_psi(&train(&format!("{more}\nring = {ring}"))));
    let job = |receipt: &Value| receipt["body"]["job"].as_str().unwrap().to_owned();
    let all = receipts(world);
    let receipt = all.iter().find(|receipt| known.insert(job(receipt))).unwrap();
    let meters = receipt["body"]["meter"].as_object().unwrap().values();
    let sent = |meter: &Value| meter["bytes_sent"].as_str().unwrap().parse::<u64>().unwrap();
    (model_of(world).1, told, meters.map(sent).sum())
}

#[test]
fn a_model_in_32_bits_is_within_its_bound_and_takes_half() {
    let world = World::start(&large());
    let mut known = BTreeSet::new();
    let (exact, figures, whole) = one_round(&world, &mut known, 64);
    let explained = succeeded(&world.by(BUYER, &["job", "explain", "insurer/job.toml"]));
    assert!(!explained.contains("32 bits"), "{explained}");
    let (close, told, half) = one_round(&world, &mut known, 32);
    assert_eq!(figures, told, "rows, loss and accuracy are exact");
    let explained = succeeded(&world.by(BUYER, &["job", "explain", "insurer/job.toml"]));
    // 3 · 4095 · 4 · 2^15 is below 2^31; and all have as many rows.
    let bound = 0.5_f32.powi(15);
    assert!(explained.contains("less than 3.1e-5"), "{explained}");
    assert_eq!((exact.len(), close.len()), (MORE + 4, MORE + 4));
    for (at, (close, exact)) in close.iter().zip(&exact).enumerate() {
        assert!((close - exact).abs() < bound + 1e-5, "{at}: {close} for {exact}");
    }
    assert!(exact[0] > 0.1 && close != exact, "it learned, and is another encoding");
    // One update travels, two parties' sums of every number: 24 bytes a number, of which half go but for what fills up words.
    let numbers = exact.len() as u64;
    assert!((whole - half).abs_diff(12 * numbers) <= 16, "{whole} and {half}");

    let gated = "rounds = 1\nring = 32\ngate = { kind = \"norm\", largest_norm = 5 }";
    let refused = world.ask_psi(&train(gated));
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("train.ring"), "{words}");
    let wide = world.ask_psi(&train("rounds = 1\nring = 32\nlargest_update = 1000"));
    let words = String::from_utf8_lossy(&wide.stderr).into_owned();
    assert!(!wide.status.success() && words.contains("words of 64 bits"), "{words}");
}
