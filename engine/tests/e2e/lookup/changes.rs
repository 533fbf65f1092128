//! A provider that publishes changes: right answers from the table and what changed it, of which only what is new is fetched.

use std::fmt::Write as _;

use super::*;

/// A policy with changes, and a table that is large enough for them.
fn changing() -> Cast {
    let mut cast = cast(json!(1000));
    cast.jobs.psi["lookup_changes"] = json!(1024);
    cast.jobs.rows_max = 4096;
    cast
}

/// The published rows, and so many that nobody asks for, of a salary.
fn rows(lines: &str, others: u32, pay: u32) -> String {
    let mut csv = lines.to_owned();
    for i in 0..others {
        let _ = writeln!(csv, "{},777-{i},{pay},A,Ulm,2020-01-31", 100 + i);
    }
    csv
}

#[test]
fn a_change_is_fetched_in_the_place_of_the_table_and_says_what_is_new_and_what_is_gone() {
    let world = World::start(&changing());
    let job = lookup("inner", ["[]", "[\"pay\", \"city\"]"], TO);
    let write = |csv: String| fs::write(world.of("employers").join("jobs.csv"), csv).unwrap();
    let list = || succeeded(&world.by("employers", &["lookup", "list"]));
    succeeded(&world.ask_psi(&job));
    let found = ["row,pay,city", "0,1000.00,Ulm", "1,2000.00,Köln", "2,-3000.00,", "5,1000.00,Ulm"];
    assert_eq!(learned(&world), found);
    let ((price, most), first) = (quoted(&world), bytes(&world));
    succeeded(&world.ask_psi(&job));
    assert_eq!(bytes(&world), price, "it is held");
    let table = first - price;

    // Another salary, a new row, and one that is gone.
    let new = PUBLISHED.replace("555-02,2000", "555-02,2500").replace("555-07", "555-99");
    let new = new.replace("23,555-03,-3000,B,,2021-05-05\n", "");
    write(rows(&new, 0, 0));
    let published =
        ["lookup", "publish", "jobs", "--key", "phone", "--columns", "pay,city", "--fold-width"];
    let told = succeeded(&world.by("employers", &published));
    assert!(told.contains("  change of epoch ") && told.contains(": 1024 rows, "), "{told}");
    succeeded(&world.ask_psi(&job));
    let found =
        ["row,pay,city", "0,1000.00,Ulm", "1,2500.00,Köln", "4,7000.00,Trier", "5,1000.00,Ulm"];
    assert_eq!(learned(&world), found);
    let change = bytes(&world) - price;
    assert!(change * 3 < table, "{change} of {table}");
    succeeded(&world.ask_psi(&job));
    let asked = bytes(&world) - price;
    assert!(asked < 2000, "a statement and longer answers: {asked}");
    assert_eq!(learned(&world), found);

    // Three more, of rows that nobody asks for, and what is gone comes back.
    for pay in 1..=3 {
        write(rows(PUBLISHED, 300, pay));
        succeeded(&world.ask_psi(&job));
        assert_eq!(learned(&world)[2..4], ["1,2000.00,Köln", "2,-3000.00,"]);
        let sent = bytes(&world) - price;
        assert!(sent * 2 < table, "{sent} of {table}");
    }
    assert_eq!(list().matches("  change of epoch ").count(), 4);
    assert!(first - price < most && most < 3 * table, "{most}");
    // There is no place for a fifth: all is whole again.
    write(rows(&new, 300, 4));
    succeeded(&world.ask_psi(&job));
    assert_eq!(learned(&world), found);
    assert_eq!(bytes(&world), first);
    assert_eq!(list().matches("  change of epoch ").count(), 0);
    // And where more has changed than goes into a change.
    write(rows(&new, 2000, 5));
    succeeded(&world.ask_psi(&job));
    assert_eq!(bytes(&world), first);
    let told = succeeded(&world.by("insurer", &["job", "explain", "insurer/job.toml"]));
    for words in ["that rows of the table have changed", "how many such changes stand behind"] {
        assert!(told.contains(words), "{words}: {told}");
    }
}
