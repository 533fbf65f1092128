//! Sets that enter a circuit bucket by bucket: their keys and what comes along stand on this party's disk, like those that owners
//! intersect.

use super::{
    prepare::{at_fault, fault},
    scratch::Spool,
};
use crate::{
    identity::PartyName,
    job::{Failure, Reason},
    plan::{LocalInput, Op, OwnSet, Plan, columns_of},
    sql::{PortionRows, absent_id, portion_rows},
};

/// Which columns of an input come along with its keys where it is read bucket by bucket; nothing where it is not, or its owner keeps
/// its rows for something else besides.
pub(super) fn entering(plan: &Plan, input: usize) -> Option<Vec<u32>> {
    let number = u32::try_from(input).ok()?;
    let of = plan.nodes.iter().find_map(|op| match op {
        Op::Bucketwise(of) if [of.meet.receiver, of.meet.sender].contains(&number) => Some(of),
        _ => None,
    })?;
    // Behind the last column comes whether a row exists: those that are read do.
    let last = plan.inputs.get(input)?.columns.len();
    let own = columns_of(plan, &of.meet, number).into_iter();
    Some(own.filter(|column| (*column as usize) < last).collect())
}

/// The keys of the rows under a run's key with these columns, read batch by batch.
pub(super) fn entering_set(
    spool: &Spool,
    party: &PartyName,
    input: &LocalInput,
    columns: &[u32],
    hash_key: &[u8; 32],
) -> Result<OwnSet, Failure> {
    let broken = |error: tables::TableError| at_fault(party, &error);
    let mut set = spool.spill_with(columns.len());
    let mut rows = 0;
    for batch in spool.all().map_err(broken)? {
        let batch = batch.map_err(broken)?;
        let portion = portion_rows(input, columns, &batch, hash_key);
        let PortionRows { ids, columns } =
            portion.map_err(|error| fault(party, Reason::InputInvalid, error.to_string()))?;
        for (at, id) in ids.into_iter().enumerate() {
            if let Some(id) = id.or_else(|| absent_id(input, hash_key, rows)) {
                let values = columns.iter().map(|column| column[at]);
                set.push_with(id, rows, values).map_err(broken)?;
            }
            rows += 1;
        }
    }
    Ok(OwnSet::new(set, rows, blake3::derive_key("unseen.psi-salt/v1", hash_key)))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::{
        executor::scratch::Scratch,
        job::{PsiForm, PsiProtocol},
        plan::{EncodedColumn, Portion},
        sql::{
            by_buckets, compile, encode_rows, key_ids_of, local_batches, local_rows,
            tests::psi::{asked, psi, sets},
        },
    };

    const KEY: [u8; 32] = [3; 32];

    /// Of rows without a key there are some, which stay in the first set where they are to.
    #[tokio::test]
    async fn what_is_read_from_disk_is_what_would_stand_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(dir.path().to_owned()).unwrap().with_memory(0);
        let sets = sets(51, (300, 200));
        let by = Some("census.left.label".into());
        let sum = PsiForm::Sum { column: "employers.right.number".into(), by };
        for absent in [false, true] {
            let mut job = asked(sum.clone(), [&[], &[]]);
            psi(&mut job).protocol = PsiProtocol::Circuit;
            let mut compiled = compile(&job, &sets.world.descriptors, &[]).unwrap();
            assert!(entering(&compiled.plan, 0).is_none(), "one bucket is in memory");
            by_buckets(&mut compiled.plan, 60);
            if let (true, Some(key)) = (absent, &mut compiled.plan.inputs[0].key) {
                key.keep_absent = true;
            }
            for (at, input) in compiled.plan.inputs.iter().enumerate() {
                let columns = entering(&compiled.plan, at).unwrap();
                let catalog = sets.world.catalog(input.party.as_str());
                let local = &compiled.locals[at];
                let batches = local_batches(catalog, local, input).await.unwrap();
                let spool = Spool::of(batches, input, &scratch).await.unwrap();
                let set = entering_set(&spool, &input.party, input, &columns, &KEY).unwrap();
                assert!(set.rows() >= 200);
                let Portion { ids, columns: words } = set.portion(0, u128::MAX).unwrap();
                assert!(ids.is_sorted());
                let got: BTreeMap<u128, u64> =
                    ids.into_iter().zip(words[0].iter().copied()).collect();

                let rows = local_rows(catalog, local, input).await.unwrap();
                let whole = encode_rows(input, &rows, &KEY).unwrap();
                let home = whole.home.unwrap();
                assert_eq!(home.context, set.context());
                let keyed = key_ids_of(input, &rows, &KEY).unwrap();
                let without = keyed.iter().filter(|id| id.is_none()).count();
                let stay = if absent && at == 0 { without } else { 0 };
                let keys: BTreeSet<u128> = keyed.into_iter().flatten().collect();
                assert!(without > 0 && got.len() == keys.len() + stay);
                let column = &whole.columns[columns[0] as usize];
                let (EncodedColumn::Bits { rows, .. } | EncodedColumn::Words(rows)) = column else {
                    panic!("{column:?}")
                };
                let want = home.ids.into_iter().flatten().zip(rows.iter().copied());
                assert_eq!(got, want.collect::<BTreeMap<_, _>>());
            }
        }
    }
}
