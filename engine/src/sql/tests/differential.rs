//! Every statement of a corpus gives what DataFusion gives on the joined clear tables.

use super::{
    terms,
    world::{World, lines},
};

/// Statements whose ORDER BY decides every row's place.
pub(super) const ORDERED: &[&str] = &[
    "SELECT j.occupation, p.education, COUNT(*) AS people, AVG(j.hours) AS avg_hours, \
     AVG(CASE WHEN p.income = '>50K' THEN 1.0 ELSE 0.0 END) AS share \
     FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id \
     WHERE p.age BETWEEN 25 AND 64 AND j.hours >= 20 GROUP BY j.occupation, p.education \
     ORDER BY people DESC, occupation, education",
    "SELECT education, COUNT(*) FROM census.people GROUP BY education ORDER BY education NULLS FIRST",
    "SELECT education, MIN(age) lo, MAX(age) hi FROM census.people GROUP BY education ORDER BY hi DESC, education",
    "SELECT education, SUM(age) s FROM census.people GROUP BY education ORDER BY s, education DESC LIMIT 2",
    "SELECT vip, income, COUNT(vip) FROM census.people GROUP BY vip, income ORDER BY vip, income",
    "SELECT p.person_id, j.hours, p.education FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id \
     WHERE p.age > 50 ORDER BY p.person_id LIMIT 5",
    "SELECT p.person_id, p.age FROM census.people p JOIN employers.jobs j USING (person_id) ORDER BY p.age DESC, p.person_id",
    "SELECT date_part('year', p.born) AS y, COUNT(*) n, SUM(j.bonus) FROM census.people p, employers.jobs j \
     WHERE p.person_id = j.person_id AND j.occupation IN ('Sales', 'Tech') GROUP BY date_part('year', p.born) ORDER BY n DESC, y",
    "SELECT CASE WHEN p.age < 30 THEN 'young' WHEN p.age >= 30 THEN 'old' END AS grp, COUNT(*) \
     FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id GROUP BY 1 ORDER BY 1",
    "SELECT r.region, v.shop, SUM(v.amount) total FROM employers.visits v JOIN shops.places r ON v.shop = r.shop \
     GROUP BY r.region, v.shop ORDER BY total DESC, v.shop",
    "SELECT j.occupation, SUM(j.gain - j.loss) AS net FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id \
     GROUP BY j.occupation ORDER BY net, occupation",
    "SELECT j.occupation, MAX(p.education), MIN(p.born), MAX(j.bonus) FROM census.people p \
     JOIN employers.jobs j ON p.person_id = j.person_id GROUP BY j.occupation ORDER BY j.occupation",
];

/// Statements compared as sets of rows.
pub(super) const SETS: &[&str] = &[
    // Scalars.
    "SELECT COUNT(*), COUNT(p.age), SUM(j.hours), AVG(p.age), MIN(p.age), MAX(j.gain) FROM census.people p \
     JOIN employers.jobs j ON p.person_id = j.person_id",
    "SELECT COUNT(*), SUM(age), AVG(age), MIN(born), MAX(vip) FROM census.people WHERE age > 1000",
    "SELECT AVG(height), SUM(height), MIN(height), MAX(height) FROM census.people",
    "SELECT AVG(bonus), SUM(bonus * 2), SUM(bonus) - SUM(loss) FROM employers.jobs",
    "SELECT MAX(score), MIN(score) FROM census.people",
    "SELECT SUM(p.age * j.hours) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id",
    "SELECT SUM(p.height * j.bonus), SUM(p.height + j.bonus), SUM(-p.age - j.loss) FROM census.people p \
     JOIN employers.jobs j ON p.person_id = j.person_id",
    "SELECT COUNT(*) * 3 - COUNT(age) + 7, 2 - COUNT(*) FROM census.people",
    // Conditions on several providers' columns.
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id WHERE p.age > j.hours",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id WHERE NOT (p.age >= j.gain)",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id \
     WHERE p.vip OR j.gain > 500",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id \
     WHERE NOT (p.vip AND j.gain > 500)",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id \
     WHERE (p.age > 40 AND j.hours < 50) OR (p.age <= 40 AND j.gain IS NULL)",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id \
     WHERE (p.vip OR j.gain > 500) IS NULL",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id \
     WHERE (p.vip OR j.gain > 500) IS NOT TRUE",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id \
     WHERE p.age + j.gain BETWEEN 100 AND 400",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id \
     WHERE p.age NOT IN (j.hours, j.gain, 42)",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id WHERE p.born < j.since",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id WHERE p.height < j.bonus",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id WHERE p.city = j.town",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id WHERE p.city <> j.town",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id WHERE p.education < j.occupation",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id WHERE p.score < j.loss",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id WHERE p.score <> j.loss - 500 OR p.score IS NULL",
    // Local parts of any kind.
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id \
     WHERE p.city LIKE '%o%' AND substr(j.town, 1, 1) = 'R' AND p.born > DATE '1960-01-01'",
    "SELECT SUM(CASE WHEN p.city LIKE 'R%' THEN j.hours ELSE 0 END), SUM(CASE WHEN p.vip THEN j.gain END) \
     FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id",
    "SELECT COUNT(*) FROM employers.visits WHERE at >= TIMESTAMP '2024-03-01T00:00:00' AND at < now()",
    // CASE over several providers.
    "SELECT SUM(CASE WHEN p.age > j.hours THEN p.age ELSE j.hours END), \
     AVG(CASE WHEN p.age > j.hours THEN 1.0 WHEN p.vip THEN 0.5 END) \
     FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id",
    "SELECT CASE WHEN p.age > j.hours THEN p.education ELSE j.occupation END AS k, COUNT(*) \
     FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id GROUP BY 1",
    "SELECT p.age > j.hours AS older, COUNT(*), SUM(j.gain) FROM census.people p \
     JOIN employers.jobs j ON p.person_id = j.person_id GROUP BY 1",
    "SELECT p.age - j.hours AS d, COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id GROUP BY 1",
    // Joins: not unique on one side, NULL keys, several tables, composite and string keys.
    "SELECT COUNT(*), SUM(v.amount), COUNT(v.at) FROM census.people p JOIN employers.visits v ON p.person_id = v.person_id",
    "SELECT p.education, r.region, COUNT(*), AVG(v.amount) FROM census.people p \
     JOIN employers.visits v ON p.person_id = v.person_id JOIN shops.places r ON v.shop = r.shop \
     GROUP BY p.education, r.region",
    "SELECT j.occupation, r.region, SUM(p.age) FROM employers.visits v \
     JOIN census.people p ON p.person_id = v.person_id JOIN employers.jobs j ON j.person_id = p.person_id \
     JOIN shops.places r ON r.city = p.city GROUP BY 1, 2",
    "SELECT COUNT(*) FROM census.people p JOIN shops.places r ON p.city = r.city",
    "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id AND p.city = j.town",
    "SELECT COUNT(*) FROM census.people a JOIN census.people b ON a.person_id = b.person_id WHERE a.age < b.age + 1",
    "SELECT COUNT(*), SUM(q.w) FROM (SELECT person_id, hours * 2 AS w FROM employers.jobs WHERE hours > 10) q \
     JOIN census.people p ON p.person_id = q.person_id",
    "WITH rich AS (SELECT person_id, education FROM census.people WHERE income = '>50K') \
     SELECT rich.education, COUNT(*) FROM rich JOIN employers.jobs j ON rich.person_id = j.person_id GROUP BY rich.education",
    // HAVING.
    "SELECT education, COUNT(*) FROM census.people GROUP BY education HAVING COUNT(*) > 3",
    "SELECT education FROM census.people GROUP BY education HAVING AVG(age) > 45.5 AND education <> 'Masters'",
    "SELECT education, SUM(age) FROM census.people GROUP BY education HAVING AVG(height) >= 165.25",
    "SELECT j.occupation, COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id \
     GROUP BY j.occupation HAVING AVG(p.age) < AVG(j.hours) OR SUM(j.gain) IS NULL OR MIN(p.born) < DATE '1945-06-01'",
    "SELECT COUNT(*) FROM census.people HAVING COUNT(*) > 1000000",
    // Rows, DISTINCT, constants.
    "SELECT DISTINCT p.education, j.occupation FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id",
    "SELECT p.age + j.hours, p.vip, j.bonus, p.born, p.income, v.at FROM census.people p \
     JOIN employers.jobs j ON p.person_id = j.person_id JOIN employers.visits v ON v.person_id = p.person_id",
    "SELECT education, 'x' AS tag, 1.50 AS c, COUNT(*) FROM census.people WHERE false GROUP BY education",
    "SELECT education, COUNT(*) FILTER (WHERE age > 40), SUM(age) FILTER (WHERE vip) FROM census.people GROUP BY education",
    "SELECT income, AVG(CAST(height AS DOUBLE)) FROM census.people GROUP BY income",
];

/// What differs, if anything.
async fn difference(world: &World, sql: &str, ordered: bool) -> Option<String> {
    let (mut ours, mut theirs) =
        (lines(&world.ours(sql, &[]).await), lines(&world.oracle(sql).await));
    if !ordered {
        ours.sort();
        theirs.sort();
    }
    (ours != theirs).then(|| format!("ours {ours:#?}\nDataFusion {theirs:#?}"))
}

#[tokio::test]
async fn the_corpus_agrees_with_datafusion() {
    for (seed, rows) in [(1, 0), (2, 1), (3, 9), (4, 150)] {
        let world = World::new(seed, rows);
        let all = ORDERED.iter().map(|s| (*s, true)).chain(SETS.iter().map(|s| (*s, false)));
        for (sql, ordered) in all {
            if let Some(difference) = difference(&world, sql, ordered).await {
                panic!("seed {seed}, {rows} rows: {sql}\n{difference}");
            }
        }
    }
}

/// A group of fewer than k entities is as if it were not there, and so is a scalar.
#[tokio::test]
async fn small_groups_and_scalars_are_not_shown() {
    let world = World::new(5, 200);
    let k = [terms("census.people", 4), terms("employers.jobs", 2)];
    let from = "FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id";
    let sql = format!("SELECT p.education, j.occupation, COUNT(*) {from} GROUP BY 1, 2");
    let kept = lines(&world.oracle(&format!("{sql} HAVING COUNT(*) >= 4")).await);
    let mut ours = lines(&world.ours(&sql, &k).await);
    let mut theirs = kept.clone();
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
    assert!(!kept.is_empty() && kept.len() < lines(&world.oracle(&sql).await).len());
    // A cell rests on k entities too: NULLs and rows that FILTER drops do not count.
    let cells = "SUM(j.gain), AVG(j.bonus), MAX(p.age), SUM(p.age) FILTER (WHERE p.age > 20)";
    let sql = format!("SELECT p.education, j.occupation, {cells} {from} GROUP BY 1, 2");
    let cell =
        |cell: &str, counted: &str| format!("CASE WHEN COUNT({counted}) >= 4 THEN {cell} END");
    let checked = [
        cell("SUM(j.gain)", "j.gain"),
        cell("AVG(j.bonus)", "j.bonus"),
        cell("MAX(p.age)", "p.age"),
        cell("SUM(p.age) FILTER (WHERE p.age > 20)", "CASE WHEN p.age > 20 THEN p.age END"),
    ];
    let oracle = format!(
        "SELECT p.education, j.occupation, {} {from} GROUP BY 1, 2 HAVING COUNT(*) >= 4",
        checked.join(", ")
    );
    let mut ours = lines(&world.ours(&sql, &k).await);
    let mut theirs = lines(&world.oracle(&oracle).await);
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
    let nulls = theirs.iter().map(|l| l.matches(" | NULL").count()).sum::<usize>();
    assert!((1..4 * theirs.len()).contains(&nulls), "{theirs:#?}");
    for (condition, rows) in [("p.person_id < 3", 0), ("p.person_id < 30", 1), ("p.age > 1000", 0)]
    {
        let sql = format!("SELECT COUNT(*), SUM(p.age) {from} WHERE {condition}");
        assert_eq!(world.ours(&sql, &k).await.num_rows(), rows, "{condition}");
    }
}
