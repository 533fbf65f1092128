//! The demo's jobs.

/// One job of the demo.
#[derive(Clone, Copy, Debug)]
pub(super) struct DemoJob {
    /// What `--job` calls it.
    pub(super) name: &'static str,
    /// What it shows, in a line.
    pub(super) about: &'static str,
    /// The statement.
    pub(super) sql: &'static str,
}

/// What the demo's jobs are for, as their policies name it.
pub(super) const PURPOSE: &str = "insurance-pricing";

/// All of them; the first is the default.
pub(super) const JOBS: &[DemoJob] = &[
    DemoJob {
        name: "adult",
        about: "people, average hours and the share of high incomes by occupation and education",
        sql: "\
SELECT j.occupation, p.education, COUNT(*) AS people, AVG(j.hours_per_week) AS avg_hours,
       AVG(CASE WHEN p.income = '>50K' THEN 1.0 ELSE 0.0 END) AS high_income_share
FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id
WHERE p.age BETWEEN 25 AND 64 AND j.hours_per_week >= 20
GROUP BY j.occupation, p.education
ORDER BY people DESC, occupation, education",
    },
    DemoJob {
        name: "scalar",
        about: "one row over the whole join: people with high incomes, their hours and capital gains",
        sql: "\
SELECT COUNT(*) AS people, AVG(j.hours_per_week) AS avg_hours, SUM(j.capital_gain) AS capital_gain
FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id
WHERE p.income = '>50K' AND j.hours_per_week >= 35",
    },
    DemoJob {
        name: "refused",
        about: "what the policies forbid: groups by marital status, and the largest capital gain",
        sql: "\
SELECT p.marital_status, MAX(j.capital_gain) AS largest
FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id
GROUP BY p.marital_status",
    },
];

/// The job of this name.
pub(super) fn job(name: &str) -> Option<&'static DemoJob> {
    JOBS.iter().find(|job| job.name == name)
}

/// A line for each.
pub(in crate::cli) fn list() -> String {
    JOBS.iter().map(|job| format!("{:<10} {}\n", job.name, job.about)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_shows_the_default_job() {
        let readme = include_str!("../../../../README.md");
        assert!(readme.contains(JOBS[0].sql));
        assert_eq!(job("adult").unwrap().sql, JOBS[0].sql);
        assert!(job("nothing").is_none());
    }
}
