//! The joint plan: a list of operations on shared columns, each of which may name earlier ones only.
//!
//! A plan is data: deterministic from (job, catalog, policies), hashed, printed, priced, checked and run by every party.
//! Three-valued logic, encodings and masking are explicit in it, so that what runs is what was read.

use serde::{Deserialize, Serialize};

use super::{
    blur::Blur,
    bucketwise::Bucketwise,
    lookup::Lookup,
    many::Many,
    output::Output,
    psi::{Intersect, Match, PsiTerms, SetKey, SetUse},
    refs::Ref,
    score::Score,
    tell::Tell,
    train::Training,
    uses::{ColumnUse, PolicyRef},
    vertical::Vertical,
};
use crate::{
    identity::{Hash32, PartyName},
    job::Compute,
};

/// Version of this format; part of the hash.
pub const PLAN_FORMAT: u32 = 1;

/// A compiled job. Immutable once made; [`hash`](crate::plan::hash()) names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`PLAN_FORMAT`].
    pub format: u32,
    /// Hash of the signed job specification this was compiled from.
    pub job: Hash32,
    /// P0, P1, P2, in this order; or the one that adds up masked updates.
    pub compute: Compute,
    /// Who opens the result.
    pub buyer: PartyName,
    /// What each provider works out alone and then shares.
    pub inputs: Vec<LocalInput>,
    /// The joint computation. Node `i` may name nodes below `i` only.
    pub nodes: Vec<Op>,
    /// What is sealed to the buyer.
    pub output: Output,
    /// The smallest number of entities a released row or scalar rests on; 0 where no policy asks for one.
    pub min_group_entities: u32,
    /// How each column of each dataset is used: what policies are evaluated on. Sorted, without duplicates.
    pub uses: Vec<ColumnUse>,
    /// The policies that were in force, by dataset.
    pub policies: Vec<PolicyRef>,
    /// Sentences for the leakage report beyond what the operations imply (e.g. that AVG seals SUM and COUNT).
    pub notes: Vec<String>,
    /// Of a private set intersection: what policies are asked about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psi: Option<PsiTerms>,
}

impl Plan {
    /// The training, if the plan has one, and which node it is.
    #[must_use]
    pub fn training(&self) -> Option<(usize, &Training)> {
        self.nodes.iter().enumerate().find_map(|(at, op)| match op {
            Op::Train(of) => Some((at, &**of)),
            _ => None,
        })
    }

    /// Whether a run goes on without a provider that does nothing but provide: rounds of averages do, trees do not.
    #[must_use]
    pub fn goes_on_without(&self) -> bool {
        self.training().is_some_and(|(_, of)| of.model.trees().is_none())
    }

    /// The training on joined rows, if the plan has one.
    #[must_use]
    pub fn vertical(&self) -> Option<&Vertical> {
        self.nodes.iter().find_map(|op| match op {
            Op::TrainVertical(of) => Some(&**of),
            _ => None,
        })
    }

    /// The job that began the training that this one goes on with, if it does.
    #[must_use]
    pub fn resumes(&self) -> Option<Hash32> {
        self.training().map_or_else(|| self.vertical()?.resumes, |(_, of)| of.resumes)
    }

    /// Every two providers of sets that are intersected among them, in the order of the plan.
    #[must_use]
    pub fn pairs(&self) -> Vec<(PartyName, PartyName)> {
        let party = |at: u32| Some(&self.inputs.get(at as usize)?.party);
        let sets = |op: &Op| match op {
            Op::Match(of) => vec![of.sender, of.receiver],
            Op::Many(of) => of.inputs.clone(),
            _ => Vec::new(),
        };
        let mut pairs = Vec::new();
        for sets in self.nodes.iter().map(sets) {
            let owners: Vec<_> = sets.into_iter().filter_map(party).collect();
            for (at, one) in owners.iter().enumerate() {
                pairs.extend(
                    owners[at + 1..].iter().map(|other| ((*one).clone(), (*other).clone())),
                );
            }
        }
        pairs
    }
}

/// A sub-plan that reads one provider's tables only; the provider runs it in DataFusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalInput {
    /// The provider.
    pub party: PartyName,
    /// The datasets it reads.
    pub datasets: Vec<String>,
    /// The sub-plan, as DataFusion prints it (deterministic; each party compares its own).
    pub text: String,
    /// Public row bound; the provider pads with dead rows up to it.
    pub rows: u64,
    /// Where set, the provider sorts its rows by these input columns, ascending, before sharing (a join's unique side).
    pub sorted_by: Vec<u32>,
    /// What is shared, in order; the `live` bit follows as one more output.
    pub columns: Vec<InputColumn>,
    /// Where the rows are a set by a key: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SetKey>,
    /// Whether a model is trained on its rows, which stay.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trains: bool,
}

impl LocalInput {
    /// Whether its rows stay with their owner, and only enter an intersection or a training.
    #[must_use]
    pub fn is_at_home(&self) -> bool {
        self.trains || self.key.as_ref().is_some_and(|key| key.enters != SetUse::Shared)
    }
}

/// One shared column of a local input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputColumn {
    /// Column index in the local sub-plan's result.
    pub source: u32,
    /// Its name there, for messages.
    pub name: String,
    /// How a value becomes ring elements.
    pub encoding: Encoding,
}

/// How a clear value becomes shared bits or words. An absent (NULL) value is encoded as 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Encoding {
    /// Bits: `value - min`, unsigned, in `width` bits; out of `[min, max]` is that provider's error.
    Offset {
        /// Smallest value.
        #[serde(with = "crate::identity::int_string")]
        min: i128,
        /// Largest value.
        #[serde(with = "crate::identity::int_string")]
        max: i128,
        /// Bits.
        width: u16,
    },
    /// Z64: the integer representation in two's complement; out of `[min, max]` is that provider's error.
    Word {
        /// Smallest value.
        #[serde(with = "crate::identity::int_string")]
        min: i128,
        /// Largest value.
        #[serde(with = "crate::identity::int_string")]
        max: i128,
    },
    /// Z128: likewise, for ranges beyond 64 bits and for what is summed beyond them.
    Wide {
        /// Smallest value.
        #[serde(with = "crate::identity::int_string")]
        min: i128,
        /// Largest value.
        #[serde(with = "crate::identity::int_string")]
        max: i128,
    },
    /// Z64: the value brought to −1 to 1 by these bounds, with `frac` fraction bits; out of them is that provider's error.
    Unit {
        /// What becomes −1.
        #[serde(with = "crate::identity::int_string")]
        min: i128,
        /// What becomes 1.
        #[serde(with = "crate::identity::int_string")]
        max: i128,
        /// Fraction bits.
        frac: u16,
    },
    /// Bits: the index in a public, ascending list of strings; another string is that provider's error.
    Code {
        /// The list.
        domain: Vec<String>,
        /// Bits.
        width: u16,
    },
    /// Bits: `width` bits from bit `from` on of a hash of the value's canonical bytes, keyed per run after the snapshot
    /// commitments. Wider hashes travel as several columns.
    KeyedHash {
        /// First bit.
        from: u16,
        /// Bits, at most 64.
        width: u16,
    },
    /// Bits: `width` bits from bit `from` on of the row's key id ([`LocalInput::key`]): a hash of the canonical key under the same
    /// salt of the run at every party.
    KeyId {
        /// First bit: 0 or 64.
        from: u16,
        /// Bits, at most 64.
        width: u16,
    },
    /// One bit: whether the row has a key (1) or a NULL in it (0).
    KeyPresent,
    /// One bit: a boolean.
    Flag,
    /// One bit: whether the value is there (1) or NULL (0).
    Present,
}

impl Encoding {
    /// Bits of a value on the wire; 64 or 128 for words.
    #[must_use]
    pub fn width(&self) -> u16 {
        match self {
            Self::Offset { width, .. }
            | Self::Code { width, .. }
            | Self::KeyedHash { width, .. }
            | Self::KeyId { width, .. } => *width,
            Self::Word { .. } | Self::Unit { .. } => 64,
            Self::Wide { .. } => 128,
            Self::KeyPresent | Self::Flag | Self::Present => 1,
        }
    }

    /// What a column so encoded holds.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Word { .. } | Self::Unit { .. } => Kind::Z64,
            Self::Wide { .. } => Kind::Z128,
            other => Kind::Bits(other.width()),
        }
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Boolean-shared unsigned integers of this many bits, bit-sliced.
    Bits(u16),
    /// Arithmetic shares modulo 2^64, two's complement.
    Z64,
    /// Arithmetic shares modulo 2^128, two's complement.
    Z128,
}

/// A column's public shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// What it holds.
    pub kind: Kind,
    /// How many rows.
    pub rows: u64,
}

/// One operation. Element-wise ones need equal row counts, and words of one ring. All outputs are in order 0, 1, ….
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// Outputs `inputs[input].columns` and then `live` (Bits(1)).
    Input {
        /// Index in [`Plan::inputs`].
        input: u32,
    },
    /// `rows` copies of a public value.
    Constant {
        /// The value (for Bits, its low bits).
        #[serde(with = "crate::identity::int_string")]
        value: i128,
        /// Shape.
        shape: Shape,
    },
    /// Bits: bit by bit exclusive or.
    Xor(Ref, Ref),
    /// Bits: bit by bit and, equal widths.
    And(Ref, Ref),
    /// Bits: bit by bit complement.
    Not(Ref),
    /// Bits: `parts[0]` becomes the lowest bits, then `parts[1]`, ….
    Concat(Vec<Ref>),
    /// Bits: `width` bits from bit `from` on.
    Slice {
        /// Column.
        of: Ref,
        /// First bit.
        from: u16,
        /// How many.
        width: u16,
    },
    /// Bits(1): whether two Bits columns of equal width agree.
    EqBits(Ref, Ref),
    /// Bits(1): `a < b` as unsigned integers of equal width.
    LtBits(Ref, Ref),
    /// Words: sum.
    Add(Ref, Ref),
    /// Words: difference.
    Sub(Ref, Ref),
    /// Words: product.
    Mul(Ref, Ref),
    /// Words: `of * by + plus`, both public.
    Affine {
        /// Column.
        of: Ref,
        /// Factor.
        #[serde(with = "crate::identity::int_string")]
        by: i128,
        /// Addend.
        #[serde(with = "crate::identity::int_string")]
        plus: i128,
    },
    /// Bits(1): `a < b`, words, where |a − b| < 2^width; width at most 63 on Z64 and 127 on Z128.
    Lt {
        /// Left.
        a: Ref,
        /// Right.
        b: Ref,
        /// See above.
        width: u16,
    },
    /// Bits(1): `a = b`, words, where |a − b| < 2^width; width as for `Lt`.
    Eq {
        /// Left.
        a: Ref,
        /// Right.
        b: Ref,
        /// See above.
        width: u16,
    },
    /// Bits(1) to Z64: 0 or 1.
    Inject(Ref),
    /// Words to Bits(width): `value - min`, where the value is known to be in `[min, min + 2^width)`.
    ToBits {
        /// Column.
        of: Ref,
        /// Smallest value.
        #[serde(with = "crate::identity::int_string")]
        min: i128,
        /// Bits.
        width: u16,
    },
    /// Bits to Z64: `bits + min`.
    ToWord {
        /// Column.
        of: Ref,
        /// Smallest value.
        #[serde(with = "crate::identity::int_string")]
        min: i128,
    },
    /// Bits to Z128: `bits + min`.
    ToWide {
        /// Column.
        of: Ref,
        /// Smallest value.
        #[serde(with = "crate::identity::int_string")]
        min: i128,
    },
    /// `of` where `by` (Bits(1)) is 1, else 0.
    Mask {
        /// Column.
        of: Ref,
        /// Bit.
        by: Ref,
    },
    /// `yes` where `by` (Bits(1)) is 1, else `no`. Equal kinds.
    Select {
        /// Bit.
        by: Ref,
        /// Taken where it is 1.
        yes: Ref,
        /// Taken where it is 0.
        no: Ref,
    },
    /// Inner join of `right` with `left`, whose live keys are unique. One output row for each `right` row:
    /// outputs `matched` (Bits(1): live, present, and found), then `columns` brought over from the left.
    /// Columns brought over hold arbitrary values where `matched` is 0.
    Join {
        /// The unique side's key (Bits).
        left_key: Ref,
        /// Its live bit.
        left_live: Ref,
        /// Whether the left rows are shared in ascending key order, dead rows last (else they are sorted first).
        left_sorted: bool,
        /// Left columns to bring over.
        columns: Vec<Ref>,
        /// The other side's key, of equal width.
        right_key: Ref,
        /// Its live bit (already 0 where the key is NULL).
        right_live: Ref,
    },
    /// Groups live rows by `keys`; outputs `live` (Bits(1)), the keys, the sums, the extremes, each `groups` rows.
    /// Rows beyond the groups hold zeros everywhere. No key: one group, live where any row is.
    GroupBy {
        /// Group keys (Bits).
        keys: Vec<Ref>,
        /// Which rows count.
        live: Ref,
        /// Columns of words to add up, each in its ring.
        sums: Vec<Ref>,
        /// Columns (Bits) of which the largest or smallest value is taken; a row takes part where its `live` is 1.
        extremes: Vec<Extreme>,
        /// Public bound on the number of groups.
        groups: u64,
    },
    /// Sorts rows by `keys`, most significant first, dead rows last, stably; outputs `live` and then `columns`.
    Sort {
        /// Which rows come first.
        live: Ref,
        /// Keys.
        keys: Vec<SortKey>,
        /// What is moved.
        columns: Vec<Ref>,
    },
    /// Brings rows into an order that nobody knows, one for all columns; outputs them.
    Shuffle {
        /// What is moved.
        columns: Vec<Ref>,
    },
    /// The first `rows` rows.
    Head {
        /// Column.
        of: Ref,
        /// How many.
        rows: u64,
    },
    /// Two sets that are not shared: their owners intersect them, and keep what they learn. No output.
    Match(Match),
    /// The sets of all compute parties, which are not shared: they intersect them, and keep what they learn. No output.
    Many(Many),
    /// Two sets that are not shared: their owners intersect them into shares. Outputs whether a row has a match (Bits(1)), then the
    /// columns: of the receiver as they are, 0 in rows without an element; of the sender arbitrary where there is no match.
    Intersect(Intersect),
    /// The same bucket by bucket, with what is done in each. Outputs as [`Bucketwise`] says.
    Bucketwise(Box<Bucketwise>),
    /// Released columns that owners of sets open instead of the buyer. No output.
    Tell(Tell),
    /// Two sets that are not shared: the owner of one looks its keys up in the other, and keeps what it learns. No output.
    Lookup(Lookup),
    /// Bits(1) of one row, opened to the three compute parties: where it is 0 the run ends, and nothing after this happens. No output.
    Require(Ref),
    /// Inputs that stay: a model is trained on them. Outputs as [`Training`] says.
    Train(Box<Training>),
    /// Shared rows: a model is trained on them. Outputs as [`Vertical`] says.
    TrainVertical(Box<Vertical>),
    /// Shared rows, scored by shared weights. Output as [`Score`] says.
    Score(Box<Score>),
    /// Z64 columns of equal length with noise of all three parties added.
    Blur(Blur),
    /// Bits(1) of one row: `rows` copies of it.
    Spread {
        /// The bit.
        of: Ref,
        /// How many.
        rows: u64,
    },
}

/// One MIN or MAX of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extreme {
    /// Column (Bits, in value order).
    pub of: Ref,
    /// Largest or smallest.
    pub largest: bool,
}

/// One key of a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortKey {
    /// Column (Bits, in value order).
    pub of: Ref,
    /// Largest first.
    pub descending: bool,
}
