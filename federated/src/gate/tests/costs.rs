//! What the gates cost is what their twin says.

use super::{CLIP, Gates, Prg, Projections, Terms, krum, run, terms, update, vector};
use crate::gate::accept_cost;

#[test]
fn measured_is_quoted() {
    let kinds = [(Projections::Few, None, 5000), (Projections::Usual, None, 5000)];
    let chosen = [(Projections::Few, krum(1, 2), 5000), (Projections::Few, krum(1, 3), 1)];
    for (projections, krum, most_weight) in kinds.into_iter().chain(chosen) {
        for n in [5, 11, 65] {
            if krum.is_some() && n > 11 {
                continue;
            }
            let terms = Terms { projections, krum, most_weight, ..terms(33) };
            let gates = Gates::new(terms).unwrap();
            let mut rng = Prg::new(&[7; 16]);
            let updates: Vec<_> =
                (0..n).map(|_| update(&terms, &vector(&mut rng, 33, CLIP), 1)).collect();
            let run = run(&gates, 7, &updates);
            run.assert_cost(&format!("{terms:?} {n}"), |m| accept_cost(m, &gates, n));
            assert_eq!(run.opened[0].len(), 1, "the bits, and nothing else");
        }
    }
}
