//! Trees of plans against trees of all rows in one place: the same words, at the quoted price, opened as listed.

use federated::trees::{Bins, Codes, central};

use super::{
    train::{everywhere, rows, words},
    *,
};
use crate::{
    job::{JobKind, TreesSpec},
    sql::tests::train::{asked, world},
};

#[test]
fn trees_of_several_providers_are_those_of_one_place_at_the_quoted_price() {
    for owners in [&["census", "employers"][..], &["census", "bank", "lab"], &["a", "b", "c", "d"]]
    {
        let (descriptors, terms) = world(owners);
        let mut job = asked(owners, &["age", "pay"], "income = 'high'");
        let JobKind::Train(train) = &mut job.kind else { unreachable!() };
        let trees = r#"{"depth": 2, "bins": 4, "least_rows": 5}"#;
        train.model =
            crate::job::ModelSpec::Trees(serde_json::from_str::<TreesSpec>(trees).unwrap());
        let plan = compile(&job, &descriptors, &terms).unwrap().plan;
        let shapes = check(&plan).unwrap();
        let price = quote(&plan, &shapes, Profile::LAN).unwrap();
        let left = everywhere(&plan, &price);
        let got = words(&left);

        let of = plan.training().unwrap().1;
        assert_eq!(of.least as usize, owners.len(), "all of them");
        let setting = of.forest(&plan).unwrap().unwrap();
        let (edges, grown) = got.split_at(setting.candidates());
        let bins = Bins::of_edges(&of.grids(), edges).unwrap();
        let (mut codes, mut labels) = (Vec::new(), Vec::new());
        for rows in (0..owners.len()).map(rows) {
            codes.extend(bins.codes(&rows).rows().flatten().copied().collect::<Vec<_>>());
            labels.extend((0..rows.len()).map(|at| rows.label(at)));
        }
        let forest = central(&setting, Codes::new(2, codes).unwrap(), &labels).unwrap();
        let want: Vec<u64> = forest
            .trees
            .iter()
            .flat_map(|tree| {
                let cuts = tree.cuts.iter().flatten();
                let cuts = cuts.map(|cut| cut.map_or(0, |cut| 1 + setting.candidate(cut) as u64));
                let leaves = tree.leaves.iter().map(|leaf| leaf.cast_unsigned());
                cuts.chain(leaves).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(grown, want, "{owners:?}");
        assert!(want[0] > 0, "it learned something");
        let bytes: u64 = left.iter().map(|(.., bytes, _)| bytes).sum();
        let rounds = left.iter().map(|(.., rounds)| *rounds).max().unwrap();
        assert_eq!((bytes, rounds), (price.total.bytes, price.total.rounds), "{owners:?}");
        assert!(left[..3].iter().all(|(_, opened, ..)| *opened == price.openings));
    }
}
