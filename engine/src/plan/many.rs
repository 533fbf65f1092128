//! An intersection of three and more owners' sets that ends with them, whether they compute or not.

use std::ops::RangeInclusive;

use protocols::{
    party::PartyId,
    psi::{
        Sizes,
        multiparty::{self, Audience, Setting},
        planner::{Form, Means, Protocol, Question, choose},
    },
    session::CircleCost,
    vole::Model,
};
use serde::{Deserialize, Serialize};

use super::{
    explain::{in_buckets, table, thousands},
    ir::{LocalInput, Op, Plan},
    psi::{Keeps, SetUse},
};
use crate::job::BucketRows;

/// An intersection of three and more parties' sets: one of them, the leader, learns which of its own rows all others have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Many {
    /// The inputs, each of another party.
    pub inputs: Vec<u32>,
    /// The leader's.
    pub leader: u32,
    /// Whether it tells all others, each of whom then learns the same of its own rows.
    pub everyone: bool,
    /// How many rows of the largest set go together.
    #[serde(default, skip_serializing_if = "BucketRows::is_usual")]
    pub bucket_rows: BucketRows,
    /// What those who learn keep.
    pub results: Vec<Keeps>,
}

impl Many {
    /// How many times a link between two of the parties is made anew in one run, where it is lost: each time one bucket at most is
    /// repeated, which a party that deviates could fill with other keys.
    pub const RENEWALS: u32 = Setting::RENEWALS;

    /// How many sets there can be: of fewer a protocol of two is asked, and a job names no more.
    pub const SETS: RangeInclusive<usize> = 3..=16;

    /// Its input whose owner has this number in a run, if one has.
    #[must_use]
    pub fn input_of(&self, plan: &Plan, party: PartyId) -> Option<u32> {
        let mut all = seated(plan, self).ok()?.into_iter();
        all.find(|(seat, ..)| *seat == party).map(|(_, input, _)| input)
    }

    /// Whose sets they are; nothing for inputs that the plan does not have.
    pub(super) fn owners<'p>(&self, plan: &'p Plan) -> Vec<&'p LocalInput> {
        self.inputs.iter().filter_map(|at| plan.inputs.get(*at as usize)).collect()
    }
}

impl Op {
    /// What owners of sets keep of an intersection.
    #[must_use]
    pub fn results(&self) -> &[Keeps] {
        match self {
            Self::Match(of) => &of.results,
            Self::Many(of) => &of.results,
            _ => &[],
        }
    }
}

/// The owners of an operation's sets, by their numbers in a run, ascending, each with the number of its input and a bound of its rows.
fn seated(plan: &Plan, of: &Many) -> Result<Vec<(PartyId, u32, usize)>, String> {
    let seat = |number: u32| {
        let input =
            plan.inputs.get(number as usize).ok_or_else(|| format!("has no set {number}"))?;
        if !input.key.as_ref().is_some_and(|key| key.enters == SetUse::Owner) {
            return Err(format!("has a set of {} that is shared", input.party));
        }
        let seat = plan.seat_of(&input.party).ok_or_else(|| format!("has no {}", input.party))?;
        let rows = usize::try_from(input.rows).map_err(|_| "too many rows".to_owned())?;
        Ok((seat, number, rows))
    };
    let mut all = of.inputs.iter().copied().map(seat).collect::<Result<Vec<_>, _>>()?;
    all.sort_unstable();
    let twice = all.array_windows().find(|[one, next]| one.0 == next.0);
    if let Some(input) = twice.and_then(|[one, _]| plan.inputs.get(one.1 as usize)) {
        return Err(format!("has more than one set of {}", input.party));
    }
    Ok(all)
}

/// What all parties of an operation know beforehand; they are numbered as in the run, and whoever owns no set takes no part.
///
/// # Errors
/// What does not fit.
pub fn many_setting(plan: &Plan, of: &Many) -> Result<Setting, String> {
    let all = seated(plan, of)?;
    if !Many::SETS.contains(&all.len()) {
        return Err(format!(
            "intersects {} sets, of three to sixteen that there can be",
            all.len()
        ));
    }
    let leader = all.iter().position(|(_, input, _)| *input == of.leader);
    let leader = leader.and_then(|at| u16::try_from(at).ok()).map(PartyId);
    let leader = leader.ok_or_else(|| format!("is led by input {}", of.leader))?;
    let audience = if of.everyone { Audience::Everyone } else { Audience::Leader };
    let (sizes, seats) = (all.iter().map(|it| it.2).collect(), all.iter().map(|it| it.0).collect());
    let setting = Setting::with_buckets_of(of.bucket_rows.rows(), leader, sizes, audience);
    setting.and_then(|setting| setting.seated(seats)).map_err(|error| error.to_string())
}

/// By what the question could be answered, with figures, or why not: a line each, for people.
#[must_use]
pub fn many_alternatives(plan: &Plan, of: &Many, means: Means) -> Vec<String> {
    let Ok(setting) = many_setting(plan, of) else { return Vec::new() };
    let mut cost = CircleCost::new(setting.places());
    multiparty::cost(&mut cost, &setting);
    let (bytes, rounds) = (cost.total_bytes(), cost.rounds());
    // The planner knows of others with as many items each: as many as the largest of them has.
    let leader = setting.leader();
    let others = setting.others(leader).map(|other| setting.size(other));
    let sizes = Sizes { sender: others.max().unwrap_or(0), receiver: setting.size(leader) };
    let parties = u16::try_from(setting.sizes().len()).unwrap_or(u16::MAX);
    let form = Form::AmongAll { parties, everyone: of.everyone };
    let bucket = of.bucket_rows.rows();
    let choice = choose(&Question { sizes, form, model: Model::SemiHonest, bucket }, means);
    let figures = choice.of(Protocol::Multi).and_then(|it| it.figures.as_ref().ok());
    let millis = figures.map_or(0, |figures| figures.nanos / 1_000_000);
    let (seconds, millis) = (millis / 1_000, millis % 1_000);
    vec![
        format!("`multi`: {bytes} bytes, {rounds} rounds, about {seconds}.{millis:03} s"),
        "`vole`, `vole-malicious`, `ecdh`, `circuit`, `lookup`: are between two parties, and more sets were asked about"
            .to_owned(),
        "`joint`: gives rows to the buyer, and counts and sums to owners".to_owned(),
    ]
}

/// Whether the operation is one: who learns nothing keeps nothing.
pub(super) fn check_many(plan: &Plan, of: &Many) -> Result<(), String> {
    many_setting(plan, of)?;
    let learns = |at: u32| at == of.leader || (of.everyone && of.inputs.contains(&at));
    match of.results.iter().find(|keeps| !learns(keeps.input)) {
        Some(keeps) => {
            Err(format!("keeps rows of input {}, whose owner learns nothing", keeps.input))
        }
        None => Ok(()),
    }
}

/// The operation in words.
pub(super) fn describe(plan: &Plan, of: &Many) -> String {
    let owners: Vec<_> = of.owners(plan).iter().map(|input| input.party.to_string()).collect();
    let leader = plan.inputs.get(of.leader as usize).map(|input| input.party.to_string());
    let leader = leader.unwrap_or_default();
    let whom = if of.everyone {
        format!("{leader} learns and tells all")
    } else {
        format!("{leader} learns")
    };
    let rows = of.owners(plan).iter().map(|input| input.rows).max().unwrap_or(0);
    let buckets = many_setting(plan, of).map_or(1, |setting| setting.buckets());
    let buckets = in_buckets(buckets, rows);
    format!("{} intersect by `multi`{buckets}; {whom}", owners.join(", "))
}

/// What it shows to each owner.
pub(super) fn learned(plan: &Plan, of: &Many) -> Vec<String> {
    let owners = of.owners(plan);
    let Some(leader) = plan.inputs.get(of.leader as usize) else { return Vec::new() };
    let all: Vec<_> = owners.iter().map(|input| input.party.as_str()).collect();
    let learns = |who: &LocalInput| {
        let others = owners.iter().filter(|input| input.party != who.party);
        let others: Vec<_> = others.map(|input| table(input)).collect();
        format!(
            "{}: which of its at most {} keys of {} are in each of {}; of a key that is not in all of them nobody learns where \
             it is missing",
            who.party,
            thousands(who.rows),
            table(who),
            others.join(", ")
        )
    };
    let mut sentences = vec![learns(leader)];
    if of.everyone {
        let others = owners.iter().filter(|input| input.party != leader.party);
        sentences.extend(others.map(|input| learns(input)));
        sentences.push(format!(
            "{} tells all others the outcome, which none of them can verify: a party that deviates could tell each of them \
             something else",
            leader.party
        ));
    }
    sentences.push(format!(
        "protocol `multi` between {}, secure against any of them together that follow it and look at all they see; {} with \
         another that claims to have every key would learn which of its keys the rest have",
        all.join(", "),
        leader.party
    ));
    sentences.push(format!(
        "if a link between two of them is lost they go on over another, {} times at most for each, and all repeat one bucket at most each \
         time, with fresh randomness: that shows nothing new of parties that follow the protocol; if {} deviates it could test other \
         keys in these buckets",
        Many::RENEWALS,
        leader.party
    ));
    sentences
}
