//! The policy document: what one provider allows of one dataset. Strict JSON, signed by the provider's identity key.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Visitor},
};

use super::{psi::PsiRule, train::TrainRule, utc::UtcTime, vertical::VerticalRule};
use crate::{
    identity::{Hash32, PartyName, PublicKey, SealingPublicKey, canonical_hash},
    job::Security,
};

/// The domain tag under which policies are signed and hashed.
pub const POLICY_DOMAIN: &str = "unseen.policy/v1";

/// What `schema` says.
pub const POLICY_SCHEMA: &str = "unseen.policy/v1";

/// What a provider allows of one dataset. What is not granted here is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// [`POLICY_SCHEMA`].
    pub schema: String,
    /// The document's name.
    pub id: String,
    /// Counts up with every change.
    pub version: u32,
    /// The provider that grants, with the key that signs this document.
    pub assigner: Assigner,
    /// `party.name`.
    pub dataset: String,
    /// The column that identifies whom a row is about; must be what the catalog publishes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_key: Option<String>,
    /// Who may open results.
    pub recipients: Vec<Recipient>,
    /// What for.
    pub purposes: Vec<String>,
    /// From when to when.
    pub validity: Validity,
    /// By what and by whom it may be computed on.
    pub operators: Operators,
    /// What each column may be used for; a column that is not here may not be used.
    #[serde(deserialize_with = "distinct")]
    pub columns: BTreeMap<String, ColumnRule>,
    /// What results have to keep to.
    pub output: OutputRule,
    /// What may be asked of intersections; nothing where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psi: Option<PsiRule>,
    /// What may be trained on it; nothing where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<TrainRule>,
    /// What may be trained on its rows joined with others'; nothing where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_vertical: Option<VerticalRule>,
    /// Whether a person agrees to each job.
    pub approval: Approval,
}

/// Who grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assigner {
    /// The provider.
    pub party: PartyName,
    /// Its identity key.
    pub key: PublicKey,
}

/// Who may open results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// The buyer.
    pub party: PartyName,
    /// Its identity key; must be the one pinned here.
    pub key: PublicKey,
    /// The keys that results may be sealed to.
    pub sealing_keys: Vec<SealingPublicKey>,
}

/// When the policy holds: `not_before <= now < expires`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validity {
    /// From then on.
    pub not_before: UtcTime,
    /// Before then.
    pub expires: UtcTime,
}

/// By what and by whom the data may be computed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operators {
    /// Kinds of job.
    pub kinds: Vec<JobKindName>,
    /// Who may be one of the three compute parties.
    pub compute_parties: Vec<ComputeParty>,
    /// The weakest adversary model that will do.
    pub min_security: Security,
}

/// The kinds of job a policy can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobKindName {
    /// Joint queries.
    Sql,
    /// Private set intersections.
    Psi,
    /// Federated training.
    Train,
    /// Training on joined rows.
    TrainVertical,
    /// Rows scored by a model that their owners do not see.
    Score,
}

/// An acceptable compute party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComputeParty {
    /// Its name.
    pub party: PartyName,
    /// Its identity key; must be the one pinned here.
    pub key: PublicKey,
}

/// What one column may be used for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRule {
    /// The forms granted. None: the column may not be used.
    pub release: Vec<ReleaseForm>,
    /// With `join_key`: the datasets (`party.name`) it may be joined with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub join_with: Vec<String>,
    /// With `aggregate`: the functions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aggregates: Vec<Aggregate>,
    /// With `group_key`: the public list of a string column's values, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domain: Vec<String>,
}

/// The ways in which a column may show in, or shape, a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseForm {
    /// In conditions on rows (WHERE, HAVING, CASE).
    Filter,
    /// As the key of a join with one of `join_with`.
    JoinKey,
    /// In GROUP BY.
    GroupKey,
    /// Under one of `aggregates`.
    Aggregate,
    /// Under MIN or MAX: shows one entity's value.
    Extrema,
    /// Row by row.
    List,
    /// As a feature or the label of a model that is trained.
    Train,
    /// As a feature that is scored, or a weight that scores.
    Score,
    /// To weigh updates of a training by: the compute parties see it row by row.
    Validate,
}

/// The functions of `aggregate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Aggregate {
    /// How many.
    Count,
    /// The sum.
    Sum,
    /// The average; implies SUM and COUNT, which the buyer divides.
    Avg,
}

/// What results have to keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputRule {
    /// Every released row and scalar rests on at least so many entities; 0 asks for nothing.
    pub min_group_entities: u32,
    /// The largest number of groups a GROUP BY may be planned for.
    pub max_groups: u32,
}

/// Whether a person agrees to each job that the policy allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// The provider's operator approves each job.
    Manual,
    /// The daemon consents by itself.
    Auto,
}

/// Reads a JSON object that names no column twice: the last one would win silently.
fn distinct<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, ColumnRule>, D::Error> {
    struct Columns;
    impl<'de> Visitor<'de> for Columns {
        type Value = BTreeMap<String, ColumnRule>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of columns")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut columns = BTreeMap::new();
            while let Some((name, rule)) = map.next_entry::<String, ColumnRule>()? {
                if columns.insert(name.clone(), rule).is_some() {
                    return Err(A::Error::custom(format!("column `{name}` stands here twice")));
                }
            }
            Ok(columns)
        }
    }
    d.deserialize_map(Columns)
}

impl PolicyDocument {
    /// The hash by which plans name this document.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        canonical_hash(POLICY_DOMAIN, self)
    }
}

impl ColumnRule {
    /// Whether a form is granted.
    #[must_use]
    pub fn grants(&self, form: ReleaseForm) -> bool {
        self.release.contains(&form)
    }

    /// Whether a function (upper case) is granted. AVG implies SUM and COUNT.
    #[must_use]
    pub fn grants_aggregate(&self, function: &str) -> bool {
        let implied =
            self.aggregates.contains(&Aggregate::Avg) && matches!(function, "SUM" | "COUNT");
        let named = self.aggregates.iter().any(|granted| granted.as_str() == function);
        self.grants(ReleaseForm::Aggregate) && (named || implied)
    }
}

impl Aggregate {
    /// As SQL writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "COUNT",
            Self::Sum => "SUM",
            Self::Avg => "AVG",
        }
    }
}

impl ReleaseForm {
    /// As policies write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::JoinKey => "join_key",
            Self::GroupKey => "group_key",
            Self::Aggregate => "aggregate",
            Self::Extrema => "extrema",
            Self::List => "list",
            Self::Train => "train",
            Self::Score => "score",
            Self::Validate => "validate",
        }
    }
}

impl fmt::Display for ReleaseForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
