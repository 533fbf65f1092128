//! Sets that are counted bucket by bucket: what the plan says, and what is none.

use super::{
    psi::{asked, psi, sets},
    terms,
};
use crate::{
    job::{BucketRows, PsiForm, PsiProtocol},
    plan::{Bucketwise, Op, Plan, PolicyTerms, Ref, check, explain, leakage},
    sql::compile,
};

/// Counts by label of sets of up to 20,000 rows.
fn planned(bucket_rows: Option<u32>) -> Plan {
    let by = Some("census.left.label".into());
    let form = PsiForm::Sum { column: "employers.right.number".into(), by };
    planned_of(20_000, form, bucket_rows)
}

fn planned_of(rows: u64, form: PsiForm, bucket_rows: Option<u32>) -> Plan {
    let mut sets = sets(41, (5, 5));
    for descriptor in &mut sets.world.descriptors {
        descriptor.rows_max = rows;
    }
    let columns: &[&str] = if form.aggregates() { &[] } else { &["number"] };
    let second: &[&str] = if form == PsiForm::Anti { &[] } else { columns };
    let mut job = asked(form, [columns, second]);
    psi(&mut job).protocol = PsiProtocol::Circuit;
    psi(&mut job).bucket_rows = bucket_rows.map(|rows| BucketRows::try_from(rows).unwrap());
    psi(&mut job).check().unwrap();
    let policies = [PolicyTerms { min_intersection: 9, ..terms("employers.right", 0) }];
    compile(&job, &sets.world.descriptors, &policies).unwrap().plan
}

fn bucketwise(plan: &mut Plan) -> &mut Bucketwise {
    let found = plan.nodes.iter_mut().find_map(|op| match op {
        Op::Bucketwise(of) => Some(&mut **of),
        _ => None,
    });
    found.expect("sets that meet bucket by bucket")
}

#[test]
fn sets_meet_in_as_many_buckets_as_their_rows_ask_for() {
    let mut plan = planned(Some(4096));
    check(&plan).unwrap();
    assert_eq!(bucketwise(&mut plan).buckets, 5);
    assert!(!plan.nodes.iter().any(|op| matches!(op, Op::Intersect(_))));
    let text = explain(&plan, &|_| None).unwrap();
    for words in [" in 5 buckets of about 4,000 rows", "    b1 = ", "    kept of each bucket: b"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let surely = "with probability at most 2^-38";
    let shown = leakage(&plan, &|_| vec![(7, 2)]).unwrap();
    assert!(shown.iter().any(|line| line.contains(surely)), "{shown:?}");
    assert!(shown.iter().any(|line| line.contains("groupings of the buckets of")), "{shown:?}");

    let whole = planned(None);
    assert!(whole.nodes.iter().any(|op| matches!(op, Op::Intersect(_))));
    let text = explain(&whole, &|_| None).unwrap();
    assert!(!text.contains("buckets"), "{text}");
}

#[test]
fn buckets_are_larger_where_there_would_be_too_many() {
    let mut plan = planned_of(20_000_000, PsiForm::Cardinality, Some(4096));
    check(&plan).unwrap();
    assert!((4000..=4096).contains(&bucketwise(&mut plan).buckets));
    bucketwise(&mut plan).buckets = 4097;
    let error = check(&plan).unwrap_err().to_string();
    assert!(error.contains("4097 buckets, 4096 at most are due"), "{error}");
}

#[test]
fn a_plan_that_does_in_a_bucket_what_is_not_done_there_is_none() {
    type Change = fn(&mut Bucketwise);
    let cases: [(Change, &str); 6] = [
        (|of| of.buckets = 1, "1 buckets"),
        (|of| of.buckets = 0, "0 buckets"),
        (|of| of.kept.push(Ref(99, 0)), "keeps b99.0"),
        (|of| of.body.push(Op::Require(Ref(0, 0))), "is not done bucket by bucket"),
        (|of| of.body.push(Op::Not(Ref(99, 0))), "names n99"),
        (|of| of.meet.columns.push(Ref(1, 99)), "names column 99"),
    ];
    for (change, words) in cases {
        let mut plan = planned(Some(4096));
        change(bucketwise(&mut plan));
        let error = check(&plan).unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn rows_of_a_bucket_are_said_where_sets_meet_so() {
    let mut job = asked(PsiForm::Cardinality, [&[], &[]]);
    psi(&mut job).bucket_rows = Some(BucketRows::default());
    for (protocol, taken) in [
        (PsiProtocol::Auto, true),
        (PsiProtocol::Circuit, true),
        (PsiProtocol::Joint, false),
        (PsiProtocol::Lookup, false),
    ] {
        psi(&mut job).protocol = protocol;
        assert_eq!(psi(&mut job).check().is_ok(), taken, "{protocol}");
    }
    psi(&mut job).protocol = PsiProtocol::Auto;
    let mut refused = |form, sets: usize| {
        let psi = psi(&mut job);
        psi.form = form;
        psi.sets = vec![psi.sets[0].clone(); sets];
        psi.check().err().is_some_and(|error| error.0 == "psi.bucket_rows")
    };
    assert!(
        [PsiForm::Left, PsiForm::Anti, PsiForm::Inner].into_iter().all(|form| !refused(form, 2))
    );
    assert!(refused(PsiForm::Inner, 3) && refused(PsiForm::Cardinality, 3));
}

/// Where a row stands would say which bucket its key is of, to whoever knows the hashes: those that come out are shuffled before, and
/// without that they would meet at once.
#[test]
fn rows_of_buckets_come_out_shuffled() {
    for form in [PsiForm::Inner, PsiForm::Left, PsiForm::Anti] {
        let plan = planned_of(600_000, form, None);
        assert!(plan.nodes.iter().any(|op| matches!(op, Op::Bucketwise(_))));
        assert!(plan.nodes.iter().any(|op| matches!(op, Op::Shuffle { .. })));
    }
}
