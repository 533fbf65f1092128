//! Numbers beyond 64 bits: whatever fits 127 bits is as exact as in DataFusion, and what does not is refused when planned.

use std::fmt::Write;

use super::{
    column, spec,
    world::{Dice, World, declared, lines, listed, nullable, ranged, unique},
};
use crate::{
    catalog::{Bound, ColumnConfig, ColumnType, DatasetConfig, DatasetDescriptor, Range, Source},
    plan::{Decode, Encoding, Kind, Op, Plan, check, explain},
    sql::{CompileError, compile},
};

const MONEY: ColumnType = ColumnType::Decimal { precision: 38, scale: 10 };
const WHOLE: ColumnType = ColumnType::Decimal { precision: 38, scale: 0 };
/// ±(10^38 − 1) and their neighbours.
const ENDS: &[&str] = &[
    "99999999999999999999999999999999999999",
    "99999999999999999999999999999999999998",
    "-99999999999999999999999999999999999999",
    "-99999999999999999999999999999999999998",
    "0",
    "1",
    "-1",
    "18446744073709551616",
    "-9223372036854775809",
];
const WORDS: &[&str] = &[
    "-9223372036854775808",
    "-9223372036854775807",
    "9223372036854775807",
    "9223372036854775806",
    "0",
    "-1",
    "1",
];
const KINDS: &[&str] = &["bond", "fund", "share"];

fn between(name: &str, ty: ColumnType, min: &str, max: &str) -> ColumnConfig {
    let bound = |text: &str| Some(Bound::Text(text.to_owned()));
    ColumnConfig { min: bound(min), max: bound(max), ..declared(name, ty) }
}

/// Up to 22 digits before the point and 10 behind it.
fn amount(dice: &mut Dice) -> String {
    let sign = dice.pick(&["", "-"]);
    match dice.roll(6) {
        0 => "0".to_owned(),
        1 => format!("{sign}0.000000000{}", 1 + dice.roll(9)),
        2 => format!("{sign}{}.{:010}", dice.roll(1000), dice.roll(10_u64.pow(10))),
        _ => format!(
            "{sign}{}{:012}.{:010}",
            dice.roll(10_u64.pow(10)),
            dice.roll(10_u64.pow(12)),
            dice.roll(10_u64.pow(10))
        ),
    }
}

fn accounts(dice: &mut Dice, rows: u64) -> (String, Vec<ColumnConfig>) {
    let mut csv = String::from("id,kind,balance,ends,word,small,few\n");
    for id in 0..rows {
        let kind = dice.pick(KINDS);
        let balance = amount(dice);
        let balance = dice.or_null(6, balance);
        let ends = dice.pick(ENDS);
        let word = dice.pick(WORDS);
        let word = dice.or_null(7, word.into());
        let (small, few) = (dice.roll(2_000_000_000), dice.pick(&ENDS[..3]));
        writeln!(csv, "{id},{kind},{balance},{ends},{word},{small},{few}").unwrap();
    }
    let limit = "9999999999999999999999";
    let columns = vec![
        ranged("id", ColumnType::Int64, 0, 100_000),
        listed("kind", KINDS),
        nullable(between("balance", MONEY, &format!("-{limit}"), limit)),
        declared("ends", WHOLE),
        nullable(declared("word", ColumnType::Int64)),
        ranged("small", ColumnType::Int64, 0, 2_000_000_000),
        declared("few", WHOLE),
    ];
    (csv, columns)
}

fn holdings(dice: &mut Dice, rows: u64) -> (String, Vec<ColumnConfig>) {
    let mut csv = String::from("id,worth,ends,word,price,rate\n");
    for id in 0..rows {
        let id = 2 * id + id % 2;
        let worth = amount(dice);
        let ends = dice.pick(ENDS);
        let ends = dice.or_null(5, ends.into());
        let (word, price) = (dice.pick(WORDS), dice.roll(2_000_000_000));
        let rate = format!("{}{}.{:04}", dice.pick(&["", "-"]), dice.roll(10), dice.roll(10_000));
        writeln!(csv, "{id},{worth},{ends},{word},{price},{rate}").unwrap();
    }
    let limit = "9999999999999999999999";
    let columns = vec![
        ranged("id", ColumnType::Int32, 0, 100_000),
        between("worth", MONEY, &format!("-{limit}"), limit),
        nullable(declared("ends", WHOLE)),
        declared("word", ColumnType::Int64),
        ranged("price", ColumnType::Int64, 0, 2_000_000_000),
        between("rate", ColumnType::Decimal { precision: 6, scale: 4 }, "-10", "10"),
    ];
    (csv, columns)
}

fn codes() -> (String, Vec<ColumnConfig>) {
    let mut csv = String::from("code,label\n");
    for (i, code) in ENDS[..7].iter().enumerate() {
        writeln!(csv, "{code},{}", KINDS[i % 3]).unwrap();
    }
    (csv, vec![unique(declared("code", WHOLE)), listed("label", KINDS)])
}

fn world(seed: u64, rows: u64) -> World {
    let mut dice = Dice::new(seed);
    let file = |name: &str, key: Option<&str>, (csv, columns): (String, Vec<ColumnConfig>)| {
        DatasetConfig {
            name: name.into(),
            source: Source::Bytes(format!("{name}.csv"), csv.into_bytes().into()),
            entity_key: key.map(str::to_owned),
            rows_max: None,
            columns,
        }
    };
    let accounts = file("accounts", Some("id"), accounts(&mut dice, rows));
    let holdings = file("holdings", Some("id"), holdings(&mut dice, rows));
    World::of(vec![
        ("bank", vec![accounts]),
        ("broker", vec![holdings, file("codes", None, codes())]),
    ])
}

const JOINED: &str = "FROM bank.accounts a JOIN broker.holdings h ON a.id = h.id";

/// `JOINED` stands for the join of both tables.
const STATEMENTS: &[&str] = &[
    // Sums, averages, extremes of DECIMAL(38, 10).
    "SELECT COUNT(*), SUM(a.balance), AVG(a.balance), MIN(a.balance), MAX(a.balance), SUM(h.worth) JOINED",
    "SELECT a.kind, SUM(a.balance), AVG(h.worth), MIN(h.worth), MAX(a.balance), COUNT(a.balance) JOINED GROUP BY a.kind",
    "SELECT kind, SUM(balance), MIN(ends), MAX(ends), MAX(word), MIN(word) FROM bank.accounts GROUP BY kind",
    "SELECT SUM(a.balance + h.worth), SUM(a.balance - h.worth), SUM(-a.balance), MAX(a.balance - h.worth) JOINED",
    "SELECT a.kind, SUM(CAST(a.small AS DECIMAL(20, 0)) * CAST(h.price AS DECIMAL(18, 0))), AVG(a.small) JOINED GROUP BY a.kind",
    "SELECT SUM(h.worth * 3), SUM(h.worth * CAST(-2.5 AS DECIMAL(2, 1))) JOINED",
    "SELECT SUM(balance) FILTER (WHERE small > 1000000000), SUM(small) FROM bank.accounts",
    // Conditions: within one table, across both, against literals.
    "SELECT COUNT(*), COUNT(a.word) JOINED WHERE a.word < h.word",
    "SELECT COUNT(*) JOINED WHERE a.word >= h.word",
    "SELECT COUNT(*) JOINED WHERE a.word = h.word",
    "SELECT COUNT(*) JOINED WHERE a.word <> h.word OR a.word IS NULL",
    "SELECT COUNT(*) JOINED WHERE a.word BETWEEN h.word AND 9223372036854775806",
    "SELECT COUNT(*) JOINED WHERE a.ends > h.ends",
    "SELECT COUNT(*) JOINED WHERE a.ends = h.ends",
    "SELECT COUNT(*) JOINED WHERE NOT (a.ends <= h.ends)",
    "SELECT COUNT(*) JOINED WHERE a.ends = h.word",
    "SELECT COUNT(*) JOINED WHERE a.balance < h.worth",
    "SELECT COUNT(*) JOINED WHERE a.balance - h.worth > 0.0000000001",
    "SELECT COUNT(*) JOINED WHERE a.balance + h.worth < 1234567890123456789012.5",
    "SELECT COUNT(*) JOINED WHERE a.balance > h.rate AND a.balance < h.price",
    "SELECT COUNT(*) FROM bank.accounts WHERE ends = 99999999999999999999999999999999999999",
    "SELECT COUNT(*) FROM bank.accounts WHERE ends >= -99999999999999999999999999999999999998",
    "SELECT COUNT(*) FROM bank.accounts WHERE word = -9223372036854775808 OR word > 9223372036854775806",
    "SELECT COUNT(*) JOINED WHERE a.ends IN (h.word, 18446744073709551616, -1)",
    // CASE, keys, HAVING.
    "SELECT SUM(CASE WHEN a.balance > h.worth THEN a.balance ELSE h.worth END), \
     SUM(CASE WHEN a.word > h.word THEN 1 ELSE 0 END) JOINED",
    "SELECT CASE WHEN a.small > h.price THEN a.ends ELSE h.ends END AS k, COUNT(*) JOINED GROUP BY 1",
    "SELECT a.few, COUNT(*), SUM(h.worth), MAX(a.ends) JOINED GROUP BY a.few",
    "SELECT a.ends, h.ends, COUNT(*) JOINED GROUP BY 1, 2",
    "SELECT a.word, COUNT(*) JOINED GROUP BY a.word HAVING a.word < 0 OR SUM(h.worth) > 0",
    "SELECT a.kind, SUM(a.balance) JOINED GROUP BY a.kind HAVING AVG(a.balance) > 12345678901234.5678 OR COUNT(*) > 20",
    "SELECT a.kind FROM bank.accounts a GROUP BY a.kind HAVING SUM(a.balance) < 0 AND MAX(a.ends) > 18446744073709551615",
    "SELECT a.kind JOINED GROUP BY a.kind HAVING AVG(a.balance) < AVG(h.worth)",
    "SELECT a.kind, SUM(a.balance) - SUM(h.worth), SUM(a.balance) * 2 JOINED GROUP BY a.kind",
    // Rows and joins.
    "SELECT a.id, a.balance, a.ends, a.word, h.worth, h.ends, a.balance + h.worth JOINED WHERE a.small > 500000000",
    "SELECT c.label, COUNT(*), SUM(a.small), MAX(a.balance) FROM bank.accounts a JOIN broker.codes c ON a.ends = c.code \
     GROUP BY c.label",
    "SELECT a.id, c.code, a.few FROM bank.accounts a JOIN broker.codes c ON a.few = c.code",
    "SELECT DISTINCT a.ends, a.few FROM bank.accounts a WHERE a.small > 700000000",
];

const ORDERED: &[&str] = &[
    "SELECT a.id, a.balance JOINED ORDER BY a.balance DESC NULLS LAST, a.id",
    "SELECT a.id, a.ends JOINED ORDER BY a.ends, a.word NULLS FIRST, a.id LIMIT 7",
    "SELECT a.few, SUM(h.worth) s JOINED GROUP BY a.few ORDER BY s DESC, a.few",
];

async fn compare(world: &World, ours: &str, theirs: &str, ordered: bool) -> Option<String> {
    let [ours, theirs] = [ours, theirs].map(|sql| sql.replace("JOINED", JOINED));
    let mut got = lines(&world.ours(&ours, &[]).await);
    let mut want = lines(&world.oracle(&theirs).await);
    if !ordered {
        got.sort();
        want.sort();
    }
    (got != want).then(|| format!("{ours}\nours {got:#?}\nDataFusion {want:#?}"))
}

#[tokio::test]
async fn wide_numbers_agree_with_datafusion() {
    for (seed, rows) in [(11, 0), (12, 1), (13, 10), (14, 130)] {
        let world = world(seed, rows);
        let all = STATEMENTS.iter().map(|s| (*s, false)).chain(ORDERED.iter().map(|s| (*s, true)));
        for (sql, ordered) in all {
            if let Some(difference) = compare(&world, sql, sql, ordered).await {
                panic!("seed {seed}, {rows} rows: {difference}");
            }
        }
    }
}

/// DataFusion's SUM of BIGINT wraps; ours is a decimal where the declared ranges allow more than 64 bits.
#[tokio::test]
async fn sums_of_words_leave_64_bits_exactly() {
    let pairs = [
        (
            "SELECT kind, SUM(word) FROM bank.accounts GROUP BY kind",
            "SELECT kind, SUM(CAST(word AS DECIMAL(38, 0))) FROM bank.accounts GROUP BY kind",
        ),
        (
            "SELECT SUM(a.word), SUM(h.word) JOINED",
            "SELECT SUM(CAST(a.word AS DECIMAL(38, 0))), SUM(CAST(h.word AS DECIMAL(38, 0))) JOINED",
        ),
        (
            "SELECT SUM(a.small * h.price), SUM(a.small * h.price - 1) FILTER (WHERE a.small > h.price) JOINED",
            "SELECT SUM(CAST(a.small * h.price AS DECIMAL(38, 0))), \
             SUM(CAST(a.small * h.price - 1 AS DECIMAL(38, 0))) FILTER (WHERE a.small > h.price) JOINED",
        ),
        (
            "SELECT a.kind, SUM(a.small * h.price) JOINED GROUP BY a.kind HAVING SUM(h.word) > -5 AND AVG(h.word) < 1000000.5",
            "SELECT a.kind, SUM(CAST(a.small * h.price AS DECIMAL(38, 0))) JOINED GROUP BY a.kind \
             HAVING SUM(CAST(h.word AS DECIMAL(38, 0))) > -5 \
             AND SUM(CAST(h.word AS DECIMAL(38, 0))) * 2 < 2000001 * COUNT(*)",
        ),
        (
            "SELECT kind, SUM(word) s FROM bank.accounts GROUP BY kind ORDER BY s LIMIT 2",
            "SELECT kind, SUM(CAST(word AS DECIMAL(38, 0))) s FROM bank.accounts GROUP BY kind ORDER BY s LIMIT 2",
        ),
    ];
    for (seed, rows) in [(21, 0), (22, 3), (23, 140)] {
        let world = world(seed, rows);
        for (ours, theirs) in pairs {
            if let Some(difference) = compare(&world, ours, theirs, false).await {
                panic!("seed {seed}, {rows} rows: {difference}");
            }
        }
    }
}

fn plan(sql: &str) -> Result<Plan, CompileError> {
    let world = world(1, 0);
    let sql = sql.replace("JOINED", JOINED);
    compile(&spec(&sql), &world.descriptors, &[]).map(|c| c.plan)
}

/// Words of the kinds that a plan has anywhere.
fn kinds(plan: &Plan) -> (bool, bool) {
    let shapes = check(plan).unwrap();
    let has = |kind| shapes.iter().flatten().any(|s| s.kind == kind);
    (has(Kind::Z64), has(Kind::Z128))
}

#[test]
fn the_ring_follows_from_the_declared_ranges() {
    let cases = [
        ("SELECT SUM(a.small) JOINED", (true, false)),
        ("SELECT SUM(a.small * h.price) JOINED", (true, true)),
        ("SELECT SUM(a.balance) JOINED", (true, true)),
        ("SELECT MAX(a.balance), MIN(a.ends) JOINED GROUP BY a.few", (true, false)),
        ("SELECT a.id JOINED WHERE a.word < h.word", (false, false)),
        ("SELECT a.id JOINED WHERE a.small + h.price > 5", (true, false)),
        ("SELECT a.id JOINED WHERE CAST(a.word AS DECIMAL(20, 0)) + h.word > 5", (false, true)),
    ];
    for (sql, want) in cases {
        assert_eq!(kinds(&plan(sql).unwrap()), want, "{sql}");
    }
    // The factors of a product that is summed beyond 64 bits are shared in the sum's ring at once.
    let product = plan("SELECT SUM(a.small * h.price) JOINED").unwrap();
    assert!(!product.nodes.iter().any(|op| matches!(op, Op::ToWide { .. } | Op::ToBits { .. })));
    let wide = |i: usize| {
        let columns = product.inputs[i].columns.iter();
        columns.filter(|c| matches!(c.encoding, Encoding::Wide { .. })).count()
    };
    assert_eq!((wide(0), wide(1)), (1, 1));
    assert_eq!(product.output.columns[0].decode, Decode::Decimal { offset: 0, scale: 0 });
    let text = explain(&product, &|_| None).unwrap();
    for line in
        ["as a 128-bit word, 0 to 2000000000", "multiply n0.1, n2.1, in Z128", "in Z64 and Z128"]
    {
        assert!(text.contains(line), "{text}\nlacks {line}");
    }
}

#[test]
fn wide_plans_survive_their_json() {
    let first =
        plan("SELECT a.few, SUM(a.balance) JOINED WHERE a.ends < h.ends GROUP BY a.few").unwrap();
    let text = serde_json::to_string(&first).unwrap();
    assert!(text.contains("\"-99999999999999999999999999999999999999\""), "{text}");
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), first);
}

#[test]
fn what_could_leave_127_bits_is_refused_with_its_bounds() {
    let ends = "99999999999999999999999999999999999999";
    let cases = [
        (
            "SELECT SUM(ends) FROM bank.accounts",
            "SUM(",
            "-2^127 or less to 2^127 or more, beyond 38 digits",
        ),
        ("SELECT AVG(ends) FROM bank.accounts", "AVG(", "beyond 38 digits"),
        (
            "SELECT COUNT(*) JOINED WHERE a.ends + h.ends > 0",
            "bank.accounts.ends + broker.holdings.ends",
            ends,
        ),
        ("SELECT COUNT(*) JOINED WHERE a.ends * h.price > 0", "bank.accounts.ends * ", ends),
        ("SELECT SUM(h.word + 1) JOINED", "broker.holdings.word + ", "9223372036854775808"),
        (
            "SELECT SUM(a.word * h.word) JOINED",
            "bank.accounts.word * broker.holdings.word",
            "9223372036854775807",
        ),
    ];
    for (sql, place, bound) in cases {
        let message = plan(sql).unwrap_err().to_string();
        assert!(message.contains(place) && message.contains(bound), "{sql}\n{message}");
    }
    // One digit more than a decimal has: its owner may compare with it, the parties cannot.
    let joint =
        format!("SELECT COUNT(*) JOINED WHERE a.balance - h.word < 1{ends} OR a.small > h.price");
    let message = plan(&joint).unwrap_err().to_string();
    assert!(message.contains("Decimal256") && message.contains("WHERE"), "{message}");
    assert!(plan(&format!("SELECT COUNT(*) FROM bank.accounts WHERE ends < 1{ends}")).is_ok());
    // Sums that fit to the last unit.
    let table = |rows_max, max: i128| DatasetDescriptor {
        party: super::party("bank"),
        name: "t".into(),
        rows_max,
        entity_key: None,
        columns: vec![crate::catalog::ColumnSpec {
            range: Some(Range { min: -max, max }),
            ..column("x", WHOLE, None)
        }],
    };
    let sum = |table: DatasetDescriptor| {
        compile(&spec("SELECT SUM(x) FROM bank.t"), &[table], &[]).map(|c| c.plan.format)
    };
    assert!(sum(table(1, 10_i128.pow(38) - 1)).is_ok());
    assert!(matches!(sum(table(2, 10_i128.pow(38) - 1)), Err(CompileError::Overflow { .. })));
    assert!(sum(table(1 << 20, 10_i128.pow(38) / (1 << 20) - 1)).is_ok());
}
