//! The job file: what a buyer writes down, before it becomes a signed specification.

use std::path::Path;

use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use serde::Deserialize;

use super::exit::{CliError, in_words};
use crate::{
    identity::{PartyName, SealingPublicKey},
    job::{
        Compute, JobKind, JobSpec, JoinBy, NetworkProfile, PsiSpec, ScoreSpec, Security, TrainSpec,
        VerticalSpec,
    },
};

/// How long a job may take from its submission, where the file does not say.
const DEFAULT_MINUTES: u32 = 60;

/// Longest that a job may be under way: coordinators take no more than 30 days.
const MOST_MINUTES: u32 = 30 * 24 * 60;

/// A job as a buyer writes it (TOML).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JobFile {
    /// Submitting twice with one id runs once; a fresh one each time where it is left out.
    pub(super) request_id: Option<String>,
    /// What for: one of the purposes that the policies allow.
    pub(super) purpose: String,
    /// P0, P1, P2; or the one that adds up masked updates.
    pub(super) compute: Compute,
    /// The statement; or there is one of the tables below.
    pub(super) sql: Option<String>,
    /// An intersection of sets.
    pub(super) psi: Option<PsiSpec>,
    /// A federated training.
    pub(super) train: Option<TrainSpec>,
    /// A training on joined rows.
    pub(super) train_vertical: Option<VerticalSpec>,
    /// A scoring.
    pub(super) score: Option<ScoreSpec>,
    /// The adversary model; `semi_honest` where it is left out.
    #[serde(default = "semi_honest")]
    pub(super) security: Security,
    /// When it ends at the latest, minutes after its submission.
    pub(super) expires_in_minutes: Option<u32>,
    /// The links between the compute parties, for the quoted seconds.
    #[serde(default = "same_site")]
    pub(super) network: NetworkProfile,
    /// How the first two tables of a statement or a scoring are joined.
    #[serde(default)]
    pub(super) joins: JoinBy,
}

/// What a job file leaves open.
#[derive(Clone, Debug)]
pub(super) struct Submission {
    /// Who asks.
    pub(super) buyer: PartyName,
    /// What the result is sealed to.
    pub(super) sealing_key: SealingPublicKey,
    /// Where neither the command line nor the file names a request.
    pub(super) request_id: String,
    /// UTC milliseconds.
    pub(super) now_ms: i64,
}

impl JobFile {
    /// A job with everything else left to its default.
    pub(super) fn new(purpose: &str, compute: [PartyName; 3], kind: JobKind) -> Self {
        let mut file = Self::empty(purpose, compute.into());
        match kind {
            JobKind::Sql { sql } => file.sql = Some(sql),
            JobKind::Psi(asked) => file.psi = Some(asked),
            JobKind::Train(asked) => file.train = Some(asked),
            JobKind::TrainVertical(asked) => file.train_vertical = Some(asked),
            JobKind::Score(asked) => file.score = Some(asked),
        }
        file
    }

    /// A job that asks for nothing.
    fn empty(purpose: &str, compute: Compute) -> Self {
        Self {
            request_id: None,
            purpose: purpose.to_owned(),
            compute,
            sql: None,
            psi: None,
            train: None,
            train_vertical: None,
            score: None,
            security: semi_honest(),
            expires_in_minutes: None,
            network: same_site(),
            joins: JoinBy::Auto,
        }
    }

    /// Reads a job file.
    ///
    /// # Errors
    /// Usage: it cannot be read, or a field is missing, unknown or wrong; the message names file and field.
    pub(super) fn load(path: &Path) -> Result<Self, CliError> {
        let example = "see engine/examples for a job file, and `unseen job explain` to try one";
        if !path.is_file() {
            let message = format!("job file {}: there is no such file", path.display());
            return Err(CliError::usage(message).next(example));
        }
        let file: Self = Figment::from(Toml::file(path)).extract().map_err(|error| {
            CliError::usage(format!("job file {}: {}", path.display(), in_words(&error)))
                .next(example)
        })?;
        if let Some(minutes) = file.expires_in_minutes.filter(|m| !(1..=MOST_MINUTES).contains(m)) {
            let message = format!(
                "job file {}: expires_in_minutes is 1 to {MOST_MINUTES}, 30 days, and not {minutes}",
                path.display()
            );
            return Err(CliError::usage(message).next("60 is what holds where it is left out"));
        }
        let trains = [file.train.is_some(), file.train_vertical.is_some()];
        let asked =
            [file.sql.is_some(), file.psi.is_some(), trains[0], trains[1], file.score.is_some()];
        if asked.iter().filter(|asked| **asked).count() != 1 {
            let message = format!(
                "job file {}: one of `sql`, `[psi]`, `[train]`, `[train_vertical]` and `[score]` is due",
                path.display()
            );
            return Err(CliError::usage(message).next(example));
        }
        Ok(file)
    }

    /// The specification to sign.
    #[must_use]
    pub(super) fn spec(self, submission: Submission) -> JobSpec {
        let minutes = self.expires_in_minutes.unwrap_or(DEFAULT_MINUTES);
        JobSpec {
            schema: "unseen.job/v1".to_owned(),
            request_id: self.request_id.unwrap_or(submission.request_id),
            buyer: submission.buyer,
            sealing_key: submission.sealing_key,
            kind: match (self.psi, self.train, self.train_vertical, self.score) {
                (Some(psi), ..) => JobKind::Psi(psi),
                (None, Some(train), ..) => JobKind::Train(train),
                (None, None, Some(train), _) => JobKind::TrainVertical(train),
                (None, None, None, Some(score)) => JobKind::Score(score),
                (None, None, None, None) => JobKind::Sql { sql: self.sql.unwrap_or_default() },
            },
            purpose: self.purpose,
            compute: self.compute,
            issued_at_ms: submission.now_ms,
            expires_at_ms: submission.now_ms.saturating_add(i64::from(minutes) * 60_000),
            security: self.security,
            network: self.network,
            joins: self.joins,
        }
    }
}

fn semi_honest() -> Security {
    Security::SemiHonest
}

/// One machine room: a tenth of a millisecond, 10 Gbit/s.
fn same_site() -> NetworkProfile {
    NetworkProfile::new(100, 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        purpose = "risk model"
        compute = ["census", "employers", "neutral"]
        sql = "SELECT COUNT(*) FROM census.people"
    "#;

    /// A job file, in a folder that is there as long as the guard.
    fn written(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job.toml");
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[test]
    fn what_a_job_file_leaves_out_has_defaults() {
        let (_dir, path) = written(GOOD);
        let file = JobFile::load(&path).unwrap();
        let spec = file.spec(Submission {
            buyer: "insurer".parse().unwrap(),
            sealing_key: SealingPublicKey([1; 32]),
            request_id: "fresh".to_owned(),
            now_ms: 1_000,
        });
        assert_eq!(spec.request_id, "fresh");
        assert_eq!(spec.security, Security::SemiHonest);
        assert_eq!(spec.expires_at_ms, 1_000 + 60 * 60_000);
        assert_eq!(spec.compute[2].as_str(), "neutral");
    }

    #[test]
    fn the_intersection_in_the_readme_is_a_job_file() {
        let readme = include_str!("../../../README.md");
        let block = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
        let (_dir, path) = written(block.unwrap());
        let psi = JobFile::load(&path).unwrap().psi.unwrap();
        assert_eq!(psi.check(), Ok(()));
        assert_eq!(psi.sets[1].filter.as_deref(), Some("hours_per_week >= 20"));
        assert!(psi.text.fold_width && psi.to[0].as_str() == "census");
    }

    #[test]
    fn the_training_in_the_readme_is_a_job_file() {
        let readme = include_str!("../../../README.md");
        let block = readme.split("```toml\n").nth(2).and_then(|rest| rest.split("```").next());
        let head = "purpose = \"research\"\ncompute = [\"north\", \"south\", \"neutral\"]\n";
        let (_dir, path) = written(&format!("{head}{}", block.unwrap()));
        let train = JobFile::load(&path).unwrap().train.unwrap();
        assert_eq!(train.check(), Ok(()));
        assert_eq!((train.rounds, train.least(), train.batch), (20, 3, 32));
        let both = format!("{head}sql = \"SELECT 1\"\n{}", block.unwrap());
        let (_dir, path) = written(&both);
        assert!(JobFile::load(&path).unwrap_err().message.contains("one of"));
    }

    #[test]
    fn the_training_on_joined_rows_in_the_readme_is_a_job_file() {
        let readme = include_str!("../../../README.md");
        let mut blocks =
            readme.split("```toml\n").filter(|rest| rest.starts_with("[train_vertical]"));
        let block = blocks.next().and_then(|rest| rest.split("```").next());
        let head = "purpose = \"research\"\ncompute = [\"clinic\", \"lab\", \"neutral\"]\n";
        let (_dir, path) = written(&format!("{head}{}", block.unwrap()));
        let train = JobFile::load(&path).unwrap().train_vertical.unwrap();
        assert_eq!(train.check(), Ok(()));
        assert_eq!((train.epochs, train.features.len()), (10, 4));
    }

    /// A job file with an intersection in buckets of so many rows.
    fn psi(bucket_rows: &str) -> String {
        let readme = include_str!("../../../README.md");
        let block = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
        block.unwrap().replace("[psi]\n", &format!("[psi]\nbucket_rows = {bucket_rows}\n"))
    }

    #[test]
    fn a_bad_job_file_is_a_usage_error_that_names_the_field() {
        for (text, field) in [
            (GOOD.replace("purpose", "porpoise"), "porpoise"),
            (GOOD.replace("\"neutral\"", "\"Neutral!\""), "compute"),
            (format!("{GOOD}\nsecurity = \"perfect\""), "security"),
            (format!("{GOOD}\nexpires_in_minutes = 0"), "expires_in_minutes is 1 to 43200"),
            (format!("{GOOD}\nnetwork = \"wan\""), "in `network`"),
            (
                psi("4096").replace(
                    "form = \"inner\"",
                    "form = { sum = { column = \"a.b.c\" }, with = 1 }",
                ),
                "unknown field `with`",
            ),
            (psi("5000"), "psi.bucket_rows is a power of two from 4096 to 4194304, and not 5000"),
        ] {
            let (_dir, path) = written(&text);
            let error = JobFile::load(&path).unwrap_err();
            assert_eq!(error.ending, super::super::exit::Ending::Usage);
            assert!(error.message.contains(field), "{}", error.message);
        }
        assert!(JobFile::load(Path::new("/nonexistent/job.toml")).is_err());
    }
}
