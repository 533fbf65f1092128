//! The demo's jobs.

use super::{joined::BOTH, models};
use crate::job::{
    AveragingSpec, CurveSpec, JobKind, Micro, ModelSpec, PsiForm, PsiProtocol, PsiSet, PsiSpec,
    RingSpec, ScoreSpec, StrategySpec, TextRule, TrainSpec, VerticalSpec,
};

/// One job of the demo.
#[derive(Clone, Copy, Debug)]
pub(super) struct DemoJob {
    /// What `--job` calls it.
    pub(super) name: &'static str,
    /// What it shows, in a line.
    pub(super) about: &'static str,
    /// What is asked.
    question: Question,
}

#[derive(Clone, Copy, Debug)]
enum Question {
    Sql(&'static str),
    Psi(fn() -> PsiSpec),
    Train(fn() -> TrainSpec),
    Vertical(fn() -> VerticalSpec),
    Score(fn() -> ScoreSpec),
}

impl DemoJob {
    /// What is asked.
    pub(super) fn kind(&self) -> JobKind {
        match self.question {
            Question::Sql(sql) => JobKind::Sql { sql: sql.to_owned() },
            Question::Psi(psi) => JobKind::Psi(psi()),
            Question::Train(train) => JobKind::Train(train()),
            Question::Vertical(train) => JobKind::TrainVertical(train()),
            Question::Score(score) => JobKind::Score(score()),
        }
    }
}

/// What the demo's jobs are for, as their policies name it.
pub(super) const PURPOSE: &str = "insurance-pricing";

/// All of them; the first is the default.
pub(super) const JOBS: &[DemoJob] = &[
    DemoJob {
        name: "adult",
        about: "people, average hours and the share of high incomes by occupation and education",
        question: Question::Sql(
            "\
SELECT j.occupation, p.education, COUNT(*) AS people, AVG(j.hours_per_week) AS avg_hours,
       AVG(CASE WHEN p.income = '>50K' THEN 1.0 ELSE 0.0 END) AS high_income_share
FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id
WHERE p.age BETWEEN 25 AND 64 AND j.hours_per_week >= 20
GROUP BY j.occupation, p.education
ORDER BY people DESC, occupation, education",
        ),
    },
    DemoJob {
        name: "scalar",
        about: "one row over the whole join: people with high incomes, their hours and capital gains",
        question: Question::Sql(
            "\
SELECT COUNT(*) AS people, AVG(j.hours_per_week) AS avg_hours, SUM(j.capital_gain) AS capital_gain
FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id
WHERE p.income = '>50K' AND j.hours_per_week >= 35",
        ),
    },
    DemoJob {
        name: "refused",
        about: "what the policies forbid: groups by marital status, and the largest capital gain",
        question: Question::Sql(
            "\
SELECT p.marital_status, MAX(j.capital_gain) AS largest
FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id
GROUP BY p.marital_status",
        ),
    },
    DemoJob {
        name: "psi",
        about: "accounts in both tables and their hours by education, by account numbers that people typed",
        question: Question::Psi(hours_by_education),
    },
    DemoJob {
        name: "psi-rows",
        about: "the oldest people with an account in both tables, row by row",
        question: Question::Psi(oldest),
    },
    DemoJob {
        name: "psi-lookup",
        about: "a few accounts of one provider, looked up in the other's register: it cannot see which, the first keeps the answer",
        question: Question::Psi(looked_up),
    },
    DemoJob {
        name: "psi-multi",
        about: "accounts in three providers' tables, and the capital gains that the third one knows, by education",
        question: Question::Psi(gains_by_education),
    },
    DemoJob {
        name: "train",
        about: "a model of high incomes, trained on the people of three providers who never show a row or an update",
        question: Question::Train(high_incomes),
    },
    DemoJob {
        name: "train-vertical",
        about: "a model of high incomes, trained on what two providers know of the same people, joined by key on shares",
        question: Question::Vertical(incomes_of_both),
    },
    DemoJob {
        name: "train-trees",
        about: "boosted trees of the same people, grown on shared sums; what they are worth where nobody took part",
        question: Question::Train(models::trees),
    },
    DemoJob {
        name: "score",
        about: "people of two providers scored by weights of a third, who shows them nobody and does not see the people",
        question: Question::Score(models::scores),
    },
    DemoJob {
        name: "psi-refused",
        about: "what the policies forbid: the rows of one table that are not in the other",
        question: Question::Psi(missing),
    },
];

fn accounts(form: PsiForm) -> PsiSpec {
    let set = |dataset: &str| PsiSet {
        dataset: dataset.to_owned(),
        key: vec!["account".to_owned()],
        filter: None,
        columns: Vec::new(),
    };
    PsiSpec {
        sets: vec![set("census.clients"), set("employers.staff")],
        form,
        to: Vec::new(),
        protocol: PsiProtocol::Auto,
        text: TextRule { trim: true, fold_case: true, fold_width: true },
        noise: None,
        bucket_rows: None,
        resumes: None,
    }
}

fn hours_by_education() -> PsiSpec {
    accounts(PsiForm::Sum {
        column: "employers.staff.hours_per_week".to_owned(),
        by: Some("census.clients.education".to_owned()),
    })
}

fn gains_by_education() -> PsiSpec {
    let mut psi = accounts(PsiForm::Sum {
        column: "tax.payers.capital_gain".to_owned(),
        by: Some("census.clients.education".to_owned()),
    });
    let payers = PsiSet { dataset: "tax.payers".to_owned(), ..psi.sets[0].clone() };
    psi.sets.push(payers);
    psi
}

fn oldest() -> PsiSpec {
    let mut psi = accounts(PsiForm::Inner);
    psi.sets[0].filter = Some("age >= 75".to_owned());
    psi.sets[0].columns = vec!["age".to_owned(), "education".to_owned()];
    psi.sets[1].columns = vec!["hours_per_week".to_owned()];
    psi
}

fn looked_up() -> PsiSpec {
    let mut psi = accounts(PsiForm::Left);
    psi.sets[0].dataset = "census.inquiries".to_owned();
    psi.sets[0].columns = vec!["age".to_owned()];
    psi.sets[1].dataset = "employers.register".to_owned();
    psi.sets[1].columns = vec!["hours_per_week".to_owned(), "occupation".to_owned()];
    psi.protocol = PsiProtocol::Lookup;
    psi.to = "census".parse().into_iter().collect();
    psi
}

fn missing() -> PsiSpec {
    let mut psi = accounts(PsiForm::Anti);
    psi.sets[0].columns = vec!["age".to_owned()];
    psi
}

pub(super) fn high_incomes() -> TrainSpec {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    TrainSpec {
        datasets: owned(&["census.residents", "employers.residents", "tax.residents"]),
        features: owned(&[
            "age",
            "education",
            "marital_status",
            "occupation",
            "hours_per_week",
            "capital_gain > 5000",
            "capital_loss > 1500",
        ]),
        label: "income = '>50K'".to_owned(),
        filter: None,
        model: ModelSpec::Logistic,
        strategy: StrategySpec::default(),
        averaging: AveragingSpec::default(),
        rounds: 10,
        epochs: 1,
        batch: 32,
        rate: Micro(100_000),
        proximal: Micro(0),
        largest_update: Micro(8_000_000),
        ring: RingSpec::Wide,
        min_providers: Some(3),
        round_seconds: 60,
        gate: None,
        privacy: None,
        metrics: None,
        contribution: None,
        resumes: None,
    }
}

fn incomes_of_both() -> VerticalSpec {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    VerticalSpec {
        from: BOTH.to_owned(),
        features: owned(&[
            "h.age",
            "h.education",
            "h.marital_status",
            "c.occupation",
            "c.hours_per_week",
            "c.capital_gain > 5000",
            "c.capital_loss > 1500",
        ]),
        label: "h.income = '>50K'".to_owned(),
        // What is not trained on is there to see what the model is worth.
        filter: Some(format!("h.person_id % {HELD_OUT} <> 0")),
        epochs: 5,
        batch: 1024,
        rate: Micro(4_000_000),
        penalty: Micro(0),
        curve: CurveSpec::Segments,
        resumes: None,
    }
}

/// One person of so many is held out of the training on joined rows.
pub(super) const HELD_OUT: u64 = 4;

/// The job of this name.
pub(super) fn job(name: &str) -> Option<&'static DemoJob> {
    JOBS.iter().find(|job| job.name == name)
}

/// A line for each.
pub(in crate::cli) fn list() -> String {
    JOBS.iter().map(|job| format!("{:<14} {}\n", job.name, job.about)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_shows_the_default_job() {
        let readme = include_str!("../../../../README.md");
        assert!(readme.contains(&JOBS[0].kind().text()));
        assert_eq!(job("adult").unwrap().kind(), JOBS[0].kind());
        assert!(job("nothing").is_none());
    }
}
