//! Decimals of 38 digits between real daemons: compared, summed, averaged, sealed and opened to the last digit.

use std::fmt::Write as _;

use serde_json::json;

use crate::{
    cast::{Cast, Column},
    world::{World, succeeded},
};

const RICH: &str = "SELECT j.sector, COUNT(*) AS people, SUM(j.pay) AS pay, AVG(j.pay) AS mean
FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id
WHERE j.pay > p.credit
GROUP BY j.sector
ORDER BY j.sector";

#[test]
fn wide_decimals_reach_the_buyer_to_the_last_digit() {
    let mut cast = Cast::small();
    let money = "type = { decimal = { precision = 38, scale = 10 } }\n\
                 min = \"-99999999999999999999999\"\nmax = \"99999999999999999999999\"";
    cast.people.csv = "person_id,credit\n".to_owned();
    cast.jobs.csv = "person_id,sector,pay\n".to_owned();
    for i in 0..12 {
        let (sector, sign, less) =
            [("care", "", "0000000000"), ("trade", "-", "0000000002")][i % 2];
        let pay = format!("{sign}12345678901234567890123.0000000001");
        // Ten have one unit less of credit than pay, two as much.
        let credit = if i < 10 { pay.replace("0000000001", less) } else { pay.clone() };
        let _ = writeln!(cast.people.csv, "{},{credit}", 100 + i);
        let _ = writeln!(cast.jobs.csv, "{},{sector},{pay}", 100 + i);
    }
    cast.people.columns[1] = Column::new("credit", money, json!({"release": ["filter"]}));
    let rule = json!({"release": ["aggregate", "filter"], "aggregates": ["SUM", "AVG"]});
    cast.jobs.columns[2] = Column::new("pay", money, rule);
    let world = World::start(&cast);
    let care = "care,5,61728394506172839450615.0000000005,12345678901234567890123.00000000010000";
    let trade =
        "trade,5,-61728394506172839450615.0000000005,-12345678901234567890123.00000000010000";
    let want = format!("sector,people,pay,mean\n{care}\n{trade}\n");
    assert_eq!(succeeded(&world.ask(RICH)), want);
}
