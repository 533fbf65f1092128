//! Plans from anywhere: what is no plan is refused, and none makes the checker panic.

use proptest::prelude::*;

use super::{
    Decode, DecodeError, Encoding, InputColumn, Kind, LocalInput, Op, Opened, OpenedColumn, Output,
    OutputColumn, PLAN_FORMAT, Plan, PlanError, Ref, Shape, SortKey, check, decode, explain,
    json_rows, leakage,
};
use crate::identity::{Hash32, PartyName};

fn party(name: &str) -> PartyName {
    PartyName::try_from(name).unwrap()
}

fn input(rows: u64) -> LocalInput {
    let column = |encoding| InputColumn { source: 0, name: "x".into(), encoding };
    LocalInput {
        key: None,
        trains: false,
        party: party("census"),
        datasets: vec!["people".into()],
        text: String::new(),
        rows,
        sorted_by: vec![0],
        columns: vec![
            column(Encoding::Offset { min: 0, max: 7, width: 3 }),
            column(Encoding::Word { min: -5, max: 5 }),
        ],
    }
}

/// Rows, masked by their live bit, sorted, cut.
fn plan() -> Plan {
    let live = Ref(0, 2);
    Plan {
        psi: None,
        format: PLAN_FORMAT,
        job: Hash32([0; 32]),
        compute: ["census", "employers", "neutral"].map(party).into(),
        buyer: party("insurer"),
        inputs: vec![input(8)],
        nodes: vec![
            Op::Input { input: 0 },
            Op::Mask { of: Ref(0, 1), by: live },
            Op::Sort {
                live,
                keys: vec![SortKey { of: Ref(0, 0), descending: true }],
                columns: vec![Ref(1, 0)],
            },
            Op::Head { of: Ref(2, 0), rows: 3 },
            Op::Head { of: Ref(2, 1), rows: 3 },
        ],
        output: Output {
            live: Ref(3, 0),
            columns: vec![column(Ref(4, 0), Decode::Integer { offset: 0 })],
        },
        min_group_entities: 0,
        uses: vec![],
        policies: vec![],
        notes: vec![],
    }
}

fn column(value: Ref, decode: Decode) -> OutputColumn {
    OutputColumn { name: "v".into(), value, present: None, divisor: None, decode }
}

fn with(change: impl Fn(&mut Plan)) -> Result<Vec<Vec<Shape>>, PlanError> {
    let mut plan = plan();
    change(&mut plan);
    check(&plan)
}

#[test]
fn a_plan_has_a_shape_for_every_output() {
    let shapes = check(&plan()).unwrap();
    let row = |kind, rows| Shape { kind, rows };
    assert_eq!(shapes[0], [row(Kind::Bits(3), 8), row(Kind::Z64, 8), row(Kind::Bits(1), 8)]);
    assert_eq!(shapes[4], [row(Kind::Z64, 3)]);
}

#[test]
fn what_is_not_masked_by_the_release_bit_is_no_output() {
    let unmasked = |change: &dyn Fn(&mut Plan)| {
        let found = with(change);
        assert!(
            matches!(&found, Err(PlanError::Output { column: 0, what }) if what.contains("not masked")),
            "{found:?}"
        );
    };
    // The raw column instead of the masked one; masked by another bit; sorted by another bit.
    unmasked(&|p| {
        if let Op::Sort { columns, .. } = &mut p.nodes[2] {
            columns[0] = Ref(0, 1);
        }
    });
    unmasked(&|p| {
        p.nodes[0] = Op::Constant { value: 1, shape: Shape { kind: Kind::Bits(1), rows: 8 } };
        p.nodes[1] = Op::Constant { value: 1, shape: Shape { kind: Kind::Z64, rows: 8 } };
        p.nodes.truncate(4);
        p.nodes[2] = Op::Not(Ref(0, 0));
        p.nodes[3] = Op::Mask { of: Ref(1, 0), by: Ref(2, 0) };
        p.output.live = Ref(0, 0);
        p.output.columns[0].value = Ref(3, 0);
    });
    unmasked(&|p| {
        p.nodes[3] = Op::Head { of: Ref(0, 2), rows: 3 };
    });
}

#[test]
fn what_does_not_fit_is_named() {
    type Change = Box<dyn Fn(&mut Plan)>;
    let cases: Vec<(&str, Change)> = vec![
        ("plan format 9", Box::new(|p| p.format = 9)),
        ("n1: names n1, which does not come before", Box::new(|p| p.nodes[1] = Op::Not(Ref(1, 0)))),
        ("n1: names output 9 of n0", Box::new(|p| p.nodes[1] = Op::Not(Ref(0, 9)))),
        ("n1: n0.1 is Z64, bits are due", Box::new(|p| p.nodes[1] = Op::Not(Ref(0, 1)))),
        (
            "n1: n0.0 is bits, words are due",
            Box::new(|p| p.nodes[1] = Op::Add(Ref(0, 0), Ref(0, 1))),
        ),
        (
            "n1: widths or row counts differ",
            Box::new(|p| p.nodes[1] = Op::And(Ref(0, 0), Ref(0, 2))),
        ),
        (
            "n2: rings or row counts differ",
            Box::new(|p| {
                p.nodes[1] = Op::ToWide { of: Ref(0, 0), min: 0 };
                p.nodes[2] = Op::Add(Ref(0, 1), Ref(1, 0));
            }),
        ),
        (
            "n2: 128 bits, 1 to 127",
            Box::new(|p| {
                p.nodes[1] = Op::ToWide { of: Ref(0, 0), min: 0 };
                p.nodes[2] = Op::Eq { a: Ref(1, 0), b: Ref(1, 0), width: 128 };
            }),
        ),
        (
            "in a word of 64 bits",
            Box::new(|p| p.inputs[0].columns[1].encoding = Encoding::Word { min: 0, max: 1 << 63 }),
        ),
        (
            "n1: 64 bits, 1 to 63",
            Box::new(|p| p.nodes[1] = Op::Lt { a: Ref(0, 1), b: Ref(0, 1), width: 64 }),
        ),
        (
            "n1: 4 bits from bit 65535 of 3",
            Box::new(|p| p.nodes[1] = Op::Slice { of: Ref(0, 0), from: u16::MAX, width: 4 }),
        ),
        ("n0: names input 7", Box::new(|p| p.nodes[0] = Op::Input { input: 7 })),
        (
            "n3: the first 9 of 8 rows",
            Box::new(|p| p.nodes[3] = Op::Head { of: Ref(2, 0), rows: 9 }),
        ),
        ("input 0: 0 rows", Box::new(|p| p.inputs[0].rows = 0)),
        ("input 0: sorted by column 1", Box::new(|p| p.inputs[0].sorted_by = vec![1])),
        (
            "0 to 8 in 3 bits",
            Box::new(|p| {
                p.inputs[0].columns[0].encoding = Encoding::Offset { min: 0, max: 8, width: 3 }
            }),
        ),
        (
            "a list of 2 values",
            Box::new(|p| {
                let domain = vec!["b".into(), "a".into()];
                p.inputs[0].columns[0].encoding = Encoding::Code { domain, width: 1 };
            }),
        ),
        ("n1: joins no columns", Box::new(|p| p.nodes[1] = Op::Concat(vec![]))),
        (
            "n1: 4097 bits",
            Box::new(|p| {
                p.nodes[1] =
                    Op::Constant { value: 0, shape: Shape { kind: Kind::Bits(4097), rows: 1 } }
            }),
        ),
        (
            "n1: 99 groups of 8 rows",
            Box::new(|p| {
                p.nodes[1] = Op::GroupBy {
                    keys: vec![Ref(0, 0)],
                    live: Ref(0, 2),
                    sums: vec![],
                    extremes: vec![],
                    groups: 99,
                };
            }),
        ),
        ("operations, at most", Box::new(|p| p.nodes = vec![Op::Input { input: 0 }; 70_000])),
        ("output column 1: names n9", Box::new(|p| p.output.live = Ref(9, 0))),
        (
            "output column 0: has another shape",
            Box::new(|p| p.output.columns[0].divisor = Some(Ref(3, 0))),
        ),
    ];
    for (message, change) in cases {
        let found = with(change).unwrap_err().to_string();
        assert!(found.contains(message), "{found}\nlacks {message}");
    }
}

fn any_ref() -> impl Strategy<Value = Ref> {
    (0..6_u32, 0..4_u32).prop_map(|(n, o)| Ref(n, o))
}

fn any_op() -> impl Strategy<Value = Op> {
    let refs = || prop::collection::vec(any_ref(), 0..4);
    let (r, w, n) = (any_ref(), any::<u16>(), any::<u64>());
    (r, any_ref(), refs(), refs(), w, n, 0..20_u8).prop_map(|(a, b, x, y, w, n, kind)| match kind {
        0 => Op::Input { input: u32::from(w) % 3 },
        1 => Op::Constant { value: 1, shape: Shape { kind: Kind::Bits(w), rows: n } },
        2 => Op::Xor(a, b),
        3 => Op::Concat(x),
        4 => Op::Slice { of: a, from: w, width: w },
        5 => Op::Lt { a, b, width: w },
        6 => Op::ToBits { of: a, min: i64::MIN.into(), width: w },
        7 => Op::ToWord { of: a, min: 0 },
        8 => Op::Mask { of: a, by: b },
        9 => Op::Select { by: a, yes: b, no: b },
        10 => Op::Join {
            left_key: a,
            left_live: b,
            left_sorted: true,
            columns: x,
            right_key: b,
            right_live: a,
        },
        11 => Op::GroupBy { keys: x, live: a, sums: y, extremes: vec![], groups: n },
        12 => Op::Sort {
            live: a,
            keys: x.iter().map(|of| SortKey { of: *of, descending: true }).collect(),
            columns: y,
        },
        18 => Op::Shuffle { columns: x },
        13 => Op::Head { of: a, rows: n },
        14 => Op::And(a, b),
        15 => Op::Inject(a),
        17 => Op::ToWide { of: a, min: i128::MIN },
        16 => Op::Constant { value: 1, shape: Shape { kind: Kind::Z64, rows: 8 } },
        _ => Op::Not(a),
    })
}

proptest! {
    /// Whatever the nodes and the output name, checking ends with a verdict, and what it passes can be printed.
    #[test]
    fn hostile_plans_do_not_panic(
        nodes in prop::collection::vec(any_op(), 0..7),
        outputs in prop::collection::vec((any_ref(), any_ref()), 0..3),
        rows in 0..20_u64,
        width in any::<u16>(),
        live in any_ref(),
    ) {
        let mut plan = plan();
        plan.inputs = vec![input(rows), input(8)];
        plan.inputs[0].columns[0].encoding = Encoding::KeyedHash { from: width, width: width % 70 };
        plan.nodes = [vec![Op::Input { input: 1 }], nodes].concat();
        plan.output.live = live;
        plan.output.columns = outputs.iter().map(|(value, present)| OutputColumn {
            present: Some(*present), ..column(*value, Decode::Bool)
        }).collect();
        if check(&plan).is_ok() {
            prop_assert!(explain(&plan, &|_| None).is_ok());
            prop_assert!(leakage(&plan, &|_| vec![(1, 1)]).is_ok());
        }
    }
}

fn opened(value: Vec<i128>) -> OpenedColumn {
    OpenedColumn { value, present: None, divisor: None }
}

#[test]
fn opened_wide_integers_become_decimals() {
    let at = Ref(0, 0);
    let most = 10_i128.pow(38) - 1;
    let average = |name: &str, scale| OutputColumn {
        divisor: Some(at),
        name: name.into(),
        ..column(at, Decode::DecimalQuotient { from: 10, scale })
    };
    let output = Output {
        live: at,
        columns: vec![
            column(at, Decode::Decimal { offset: -most, scale: 10 }),
            average("a", 14),
            average("b", 10),
        ],
    };
    let by = |sum, count| OpenedColumn { divisor: Some(vec![count]), ..opened(vec![sum]) };
    // Bits of the largest value stand for 2 · (10^38 − 1) above the offset, modulo 2^128.
    let bits = most.wrapping_mul(2);
    let columns = vec![opened(vec![bits]), by(-(1 << 120), 1 << 20), by(most, 2)];
    let table = decode(&output, &Opened { live: vec![true], columns }).unwrap();
    let rows = serde_json::to_value(json_rows(&table).unwrap()).unwrap();
    let want = serde_json::json!([{
        "v": "9999999999999999999999999999.9999999999",
        "a": "-126765060022822940149.67032053760000",
        "b": "4999999999999999999999999999.9999999999",
    }]);
    assert_eq!(rows, want);
}

#[test]
fn opened_integers_become_sql_values_and_json() {
    let name = |name: &str, c: OutputColumn| OutputColumn { name: name.into(), ..c };
    let at = Ref(0, 0);
    let output = Output {
        live: at,
        columns: vec![
            name("i", column(at, Decode::Integer { offset: -3 })),
            OutputColumn {
                present: Some(at),
                ..name("d", column(at, Decode::Decimal { offset: 0, scale: 2 }))
            },
            OutputColumn {
                divisor: Some(at),
                ..name("q", column(at, Decode::Quotient { scale: 1 }))
            },
            OutputColumn {
                divisor: Some(at),
                ..name("dq", column(at, Decode::DecimalQuotient { from: 1, scale: 5 }))
            },
            name("c", column(at, Decode::Code { domain: vec!["a".into(), "b".into()] })),
            name("b", column(at, Decode::Bool)),
            name("t", column(at, Decode::Date { offset: 10 })),
            name("s", column(at, Decode::Timestamp { offset: 1 })),
        ],
    };
    let columns = vec![
        opened(vec![1, 0, -1]),
        OpenedColumn { present: Some(vec![true, false, false]), ..opened(vec![-150, 0, 0]) },
        OpenedColumn { divisor: Some(vec![4, 0, 0]), ..opened(vec![50, 0, 0]) },
        OpenedColumn { divisor: Some(vec![3, 0, 7]), ..opened(vec![-20, 0, 7]) },
        opened(vec![1, 0, 0]),
        opened(vec![1, 0, 0]),
        opened(vec![1, 0, 0]),
        opened(vec![1_000_000, 0, 0]),
    ];
    let table =
        decode(&output, &Opened { live: vec![true, false, true], columns: columns.clone() })
            .unwrap();
    let rows = json_rows(&table).unwrap();
    let want = serde_json::json!([
        {"i": "-2", "d": "-1.50", "q": 1.25, "dq": "-0.66666", "c": "b", "b": true, "t": "1970-01-12", "s": "1970-01-01T00:00:01.000001"},
        {"i": "-4", "d": null, "q": null, "dq": "0.10000", "c": "a", "b": false, "t": "1970-01-11", "s": "1970-01-01T00:00:00.000001"},
    ]);
    assert_eq!(serde_json::to_value(&rows).unwrap(), want);
    let mut bad = columns.clone();
    bad[0].value[0] = i128::from(i64::MAX) + 4;
    let found = decode(&output, &Opened { live: vec![true, false, true], columns: bad });
    assert!(matches!(found, Err(DecodeError::Value { column, .. }) if column == "i"));
    let mut bad = columns.clone();
    bad[4].value[0] = 2;
    let found = decode(&output, &Opened { live: vec![true, false, true], columns: bad });
    assert!(matches!(found, Err(DecodeError::Value { column, .. }) if column == "c"));
    let mut short = columns;
    short[0].value.pop();
    let found = decode(&output, &Opened { live: vec![true, false, true], columns: short });
    assert!(matches!(found, Err(DecodeError::Shape)));
}
