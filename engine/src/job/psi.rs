//! What a private set intersection asks for: which sets, by which keys, what of them, to whom, and by which protocol.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{bucket::BucketRows, id::JobId, noise::PsiNoise};
use crate::identity::{PartyName, one_entry};

/// A private set intersection of two and more providers' sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PsiSpec {
    /// The sets; `left` and `anti` are about the rows of the first one.
    pub sets: Vec<PsiSet>,
    /// What is asked of them.
    #[serde(deserialize_with = "one_entry")]
    pub form: PsiForm,
    /// Where it is not the buyer: the owners of sets who learn which of their own rows it is about, or the counts and sums.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<PartyName>,
    /// By which protocol.
    #[serde(default)]
    pub protocol: PsiProtocol,
    /// What is done to text before it is compared.
    #[serde(default)]
    pub text: TextRule,
    /// Noise on counts and sums; where policies demand more, there is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<PsiNoise>,
    /// Where rows go to owners, or two sets meet in a circuit: how many rows of the larger set go together; 2^18 if
    /// nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket_rows: Option<BucketRows>,
    /// The job that began this intersection of two owners and was interrupted: it goes on behind the last bucket that both have kept.
    /// All else is as in that job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes: Option<JobId>,
}

/// One provider's set: the rows of a table, by a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PsiSet {
    /// `party.dataset`.
    pub dataset: String,
    /// The columns that make up the key, in order. A row whose key has a NULL in it matches nothing; of rows with the same key
    /// the first one in the table stands for all.
    pub key: Vec<String>,
    /// Which rows belong to the set: a condition in SQL on this table's columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// The columns that the result has of the rows it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

/// What is asked of the sets; [`Left`](PsiForm::Left) and [`Anti`](PsiForm::Anti) of two alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PsiForm {
    /// The rows whose key is in all.
    Inner,
    /// All rows of the first set, with the columns of the second where it has the key.
    Left,
    /// The rows of the first set whose key is not in the second.
    Anti,
    /// How many keys are in all.
    Cardinality,
    /// The sum of a column over the rows whose key is in all, and how many they are.
    Sum {
        /// `party.dataset.column`, of any set.
        column: String,
        /// Likewise: a column with a public list of values, for one sum each.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
}

/// The protocols that a job may name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PsiProtocol {
    /// The cheapest one that the policies and the form allow.
    #[default]
    Auto,
    /// A sort-based join of the three compute parties on shared keys.
    Joint,
    /// VOLE-PSI between the owners.
    Vole,
    /// The same, against a party that deviates.
    VoleMalicious,
    /// The same with less to send and more to compute.
    VoleLow,
    /// Diffie–Hellman on an elliptic curve, between the owners.
    Ecdh,
    /// Circuit PSI between the owners, into shares.
    Circuit,
    /// Of three and more sets.
    Multi,
    /// Of a few keys in a large set that was published before.
    Lookup,
}

/// What is done to text before it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextRule {
    /// White space at both ends is dropped.
    pub trim: bool,
    /// Upper and lower case are the same.
    pub fold_case: bool,
    /// Full-width and half-width letters and digits, ligatures and other compatible forms are the same (NFKC instead of NFC).
    pub fold_width: bool,
}

impl Default for TextRule {
    fn default() -> Self {
        Self { trim: true, fold_case: false, fold_width: false }
    }
}

/// Most sets of an intersection.
const MAX_SETS: usize = 16;

/// Most columns of a key.
const MAX_KEY_COLUMNS: usize = 16;

impl PsiSpec {
    /// What can be checked without tables.
    ///
    /// # Errors
    /// The first field that has a value it cannot have, and why.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let field = |holds: bool, field, why| if holds { Ok(()) } else { Err((field, why)) };
        field((2..=MAX_SETS).contains(&self.sets.len()), "psi.sets", "names 2 to 16 sets")?;
        for set in &self.sets {
            field(set.dataset.split_once('.').is_some(), "psi.sets.dataset", "is party.dataset")?;
            let columns = set.key.len();
            field((1..=MAX_KEY_COLUMNS).contains(&columns), "psi.sets.key", "has 1 to 16 columns")?;
        }
        let owners = |to: &PartyName| self.owners().any(|owner| owner == to.as_str());
        field(
            self.to.iter().all(owners),
            "psi.to",
            "names owners of the sets; the buyer is meant where it is left out",
        )?;
        let once = self.to.iter().enumerate().all(|(at, party)| !self.to[..at].contains(party));
        field(once, "psi.to", "names a party twice")?;
        let met = self.form.aggregates() || self.to.is_empty();
        let circuit = matches!(self.protocol, PsiProtocol::Auto | PsiProtocol::Circuit);
        let computed = met && circuit && self.sets.len() == 2;
        let to_owners = !self.to.is_empty()
            && !self.form.aggregates()
            && !matches!(self.protocol, PsiProtocol::Lookup);
        field(
            self.bucket_rows.is_none() || computed || to_owners,
            "psi.bucket_rows",
            "is for rows to owners, and for two sets by `auto` or `circuit`: no other sets meet bucket by bucket",
        )?;
        field(
            self.resumes.is_none() || self.can_resume(),
            "psi.resumes",
            "is for rows of two sets to their owners: no other intersection goes on with another job; leave it out",
        )?;
        let Some(noise) = self.noise else { return Ok(()) };
        field(self.form.aggregates(), "psi.noise", "is for counts and sums")?;
        noise.check().map_err(|why| ("psi.noise", why))
    }

    /// Whether another job may go on with it where it was interrupted: rows of two sets that go to their owners.
    #[must_use]
    pub fn can_resume(&self) -> bool {
        let between = !matches!(self.protocol, PsiProtocol::Multi | PsiProtocol::Lookup);
        between && self.sets.len() == 2 && !self.to.is_empty() && !self.form.aggregates()
    }

    /// The parties of the sets, in order.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        self.sets.iter().filter_map(|set| Some(set.dataset.split_once('.')?.0))
    }
}

impl PsiForm {
    /// Whether the result is made of counts and sums.
    #[must_use]
    pub fn aggregates(&self) -> bool {
        matches!(self, Self::Cardinality | Self::Sum { .. })
    }

    /// As policies write it.
    #[must_use]
    pub fn name(&self) -> PsiFormName {
        match self {
            Self::Inner => PsiFormName::Inner,
            Self::Left => PsiFormName::Left,
            Self::Anti => PsiFormName::Anti,
            Self::Cardinality => PsiFormName::Cardinality,
            Self::Sum { .. } => PsiFormName::Sum,
        }
    }
}

impl PsiFormName {
    /// As [`PsiForm::aggregates`].
    #[must_use]
    pub fn aggregates(self) -> bool {
        matches!(self, Self::Cardinality | Self::Sum)
    }
}

/// The forms by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PsiFormName {
    /// [`PsiForm::Inner`].
    Inner,
    /// [`PsiForm::Left`].
    Left,
    /// [`PsiForm::Anti`].
    Anti,
    /// [`PsiForm::Cardinality`].
    Cardinality,
    /// [`PsiForm::Sum`].
    Sum,
}

impl fmt::Display for PsiFormName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inner => "inner",
            Self::Left => "left",
            Self::Anti => "anti",
            Self::Cardinality => "cardinality",
            Self::Sum => "sum",
        })
    }
}

impl fmt::Display for PsiProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Joint => "joint",
            Self::Vole => "vole",
            Self::VoleMalicious => "vole-malicious",
            Self::VoleLow => "vole-low",
            Self::Ecdh => "ecdh",
            Self::Circuit => "circuit",
            Self::Multi => "multi",
            Self::Lookup => "lookup",
        })
    }
}

/// The question in words, for people who approve it.
impl fmt::Display for PsiSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PSI ({}", self.form.name())?;
        match &self.form {
            PsiForm::Sum { column, by: None } => write!(f, " of {column}")?,
            PsiForm::Sum { column, by: Some(by) } => write!(f, " of {column} by {by}")?,
            _ => {}
        }
        writeln!(f, ", protocol {})", self.protocol)?;
        for set in &self.sets {
            write!(f, "  {} by {}", set.dataset, set.key.join(", "))?;
            if let Some(filter) = &set.filter {
                write!(f, " where {filter}")?;
            }
            if !set.columns.is_empty() {
                write!(f, ", with {}", set.columns.join(", "))?;
            }
            writeln!(f)?;
        }
        if let Some(noise) = self.noise {
            writeln!(f, "  with noise of {noise} for each number, or more")?;
        }
        if let Some(rows) = self.bucket_rows {
            writeln!(f, "  in buckets of about {rows} rows")?;
        }
        if let Some(job) = &self.resumes {
            writeln!(f, "  going on where {job} was interrupted")?;
        }
        let to: Vec<_> = self.to.iter().map(PartyName::as_str).collect();
        write!(f, "  to {}", if to.is_empty() { "the buyer".to_owned() } else { to.join(" and ") })
    }
}
