//! A federated training: rounds among the compute parties, and at a provider that does not compute.

use std::io;

use federated::{
    model::Rows,
    round::{
        self, Course, Native, Pace, RoundError, RoundReport, State, Train, Trainer, Value, Worth,
    },
    sums::SumsError,
};
use protocols::{
    mpc::Column,
    prg::Prg,
    ring::Z64,
    session::{Meter, Session, Wire},
    share::Shared,
};

use super::{
    error::ExecError,
    input::party_of,
    kept, masks,
    own::Own,
    run::{Around, step_of},
    trees,
};
use crate::{
    identity::PartyName,
    job::{ModelSpec, StrategySpec},
    plan::{EncodedInput, Kind, Op, Plan, ROUND_WORDS, Shape, Training, TrainingRows},
    trainer::Hired,
};

/// What everybody knows of a training.
pub(super) fn course(plan: &Plan, of: &Training, at: usize) -> Result<Course, ExecError> {
    let malformed = |_| ExecError::Malformed(at);
    let providers = of.inputs.iter().map(|input| {
        let input = plan.inputs.get(*input as usize).ok_or(ExecError::Malformed(at))?;
        Ok(party_of(plan, &input.party))
    });
    let encoding = of.encoding(plan).map_err(malformed)?;
    Ok(Course {
        parameters: of.parameters().map_err(malformed)?,
        encoding,
        privacy: of.noised(plan).map_err(malformed)?.map(|(privacy, _)| privacy),
        rounds: of.rounds,
        providers: providers.collect::<Result<_, ExecError>>()?,
        pace: Pace {
            least: of.least as usize,
            deadline: std::time::Duration::from_secs(of.round_seconds.into()),
        },
        rule: of.rule(plan).map_err(malformed)?,
        gates: of.gates(plan, encoding).map_err(malformed)?,
        tally: of.counting(plan).map_err(malformed)?,
        worth: worth(plan, of).map_err(malformed)?,
        resumed: of.resumes.is_some(),
    })
}

/// How updates are weighed, if they are.
fn worth(plan: &Plan, of: &Training) -> Result<Option<Worth>, String> {
    let Some(valuation) = &of.valuation else { return Ok(None) };
    let input = valuation.input(plan).ok_or("an input that there is not")?;
    let rows = usize::try_from(input.rows).map_err(|_| "too many rows")?;
    let worth = Worth::new(of.network()?, party_of(plan, &input.party), rows);
    worth.map(Some).map_err(|error| error.to_string())
}

/// The rows that updates are weighed by, where this party brings them.
fn validation<'i>(
    plan: &Plan,
    (of, me): (&Training, &PartyName),
    inputs: &'i [Option<EncodedInput>],
) -> Result<Option<&'i Rows>, ExecError> {
    let Some(valuation) = &of.valuation else { return Ok(None) };
    if valuation.input(plan).is_none_or(|input| input.party != *me) {
        return Ok(None);
    }
    let input = valuation.validation;
    let held = inputs.get(input as usize).and_then(Option::as_ref);
    let held = held.and_then(|held| held.train.as_ref());
    held.map(|held| Some(&held.rows))
        .ok_or_else(|| ExecError::MissingInput { party: me.clone(), input })
}

/// A training of the plan, and whose number this party has in it.
pub(super) fn part_of(plan: &Plan, me: &PartyName) -> Option<(usize, usize)> {
    let (at, of) = plan.training()?;
    let mine = |input: &u32| plan.inputs.get(*input as usize).is_some_and(|i| i.party == *me);
    Some((at, of.inputs.iter().position(mine)?))
}

/// The rows that a provider trains on, by its number, where they are here.
fn held<'i>(
    of: &Training,
    (number, inputs): (usize, &'i [Option<EncodedInput>]),
) -> Option<&'i TrainingRows> {
    let input = of.inputs.get(number).copied()?;
    inputs.get(input as usize)?.as_ref()?.train.as_ref()
}

/// This party's own trainer: of the rows that it brought.
pub(super) fn trainer(
    plan: &Plan,
    of: &Training,
    (number, inputs): (usize, &[Option<EncodedInput>]),
) -> Result<Own, ExecError> {
    let input = of.inputs.get(number).copied().unwrap_or(u32::MAX);
    let party = plan.inputs.get(input as usize).map(|input| input.party.clone());
    let party = party.unwrap_or_else(|| plan.buyer.clone());
    let missing = ExecError::MissingInput { party: party.clone(), input };
    let held = held(of, (number, inputs)).ok_or(missing)?;
    let trainer: Box<dyn Trainer> = match &held.program {
        Some(program) => {
            let steps = of.steps(plan).map_err(|_| ExecError::Malformed(number))?;
            let hired = Hired::new(program.clone(), of, held, steps);
            Box::new(hired.map_err(ExecError::Training)?)
        }
        None => {
            let network = of.network().map_err(|_| ExecError::Malformed(number))?;
            let native = Native::new(network, held.rows.clone(), of.fit(), *held.order);
            let rule = of.rule(plan).map_err(|_| ExecError::Malformed(number))?;
            Box::new(keeping(native.by(rule), (plan, of), held)?)
        }
    };
    let spend = of.privacy.as_ref().map(|_| held.spend.clone().ok_or_else(unaccounted));
    Ok(Own { trainer, spend: spend.transpose()?, party })
}

/// A trainer that keeps what it has from round to round, where its owner has a folder for it.
fn keeping(
    native: Native,
    (plan, of): (&Plan, &Training),
    held: &TrainingRows,
) -> Result<Native, ExecError> {
    let Some((path, name)) = kept::own(held.keeps.as_deref(), (plan, of)) else {
        return Ok(native);
    };
    let again = held.presence.is_some_and(|presence| presence.again);
    let kept = native.keeping((&path, name), of.resumes.is_some() || again);
    kept.map_err(|error| unkept("keeping a correction", &error))
}

/// What a party's disk says of what it keeps of a training.
pub(super) fn unkept(what: &str, error: &io::Error) -> ExecError {
    ExecError::of_disk(error, |words| ExecError::Training(format!("{what}: {words}")))
}

fn unaccounted() -> ExecError {
    let words =
        "this party keeps no account of what rounds with noise give away; nothing was trained";
    ExecError::Training(words.to_owned())
}

/// Trains, at a compute party; the result as the plan has it, and what updates were worth if that was asked for.
pub(super) fn run(
    s: &mut Session,
    plan: &Plan,
    of: &Training,
    (at, inputs): (usize, &[Option<EncodedInput>]),
    rng: &mut Prg,
    around: Around<'_>,
) -> Result<(Vec<Column>, Vec<Value>), ExecError> {
    let Around { progress, figures: heard, trainings } = around;
    let me = &plan.compute[s.role().index()];
    let own = part_of(plan, me).filter(|(node, _)| *node == at);
    let mine = (own.map(|(_, number)| number), inputs);
    if let Some(words) = trees::run(s, (plan, of, at), mine, rng, (&mut *progress, trainings))? {
        return Ok((known(s, &words), Vec::new()));
    }
    let course = course(plan, of, at)?;
    let mut own = own.map(|(_, number)| trainer(plan, of, (number, inputs))).transpose()?;
    let trainer = own.as_mut().map(|own| own as &mut dyn Trainer);
    // Where a model begins is nobody's secret: it follows from the job that began it.
    let mut seed = [0; 16];
    seed.copy_from_slice(&of.root(plan).0[..16]);
    let start = of.initial(&seed).map_err(|_| ExecError::Malformed(at))?;
    let start = State::new(start, course.rule);
    let mut told = |state: &State, report: &RoundReport| {
        tell_refused(plan, of, report);
        tell_clip(of, report);
        if of.tells_rounds() {
            heard(report.round, &figures(of, report));
        }
        progress(state.rounds as usize, course.rounds as usize);
    };
    let (from, mut keep) = kept::begin(trainings, (plan, of), (&course, start), &mut told)?;
    let (channel, validation) = (s.wire().channel(), validation(plan, (of, me), inputs)?);
    let with = Train { channel, course: &course, from, trainer, validation, keep: &mut keep };
    let trained = round::train(s, with, rng).map_err(|error| failed(plan, of, error))?;
    let mut words: Vec<u64> = trained.state.model.iter().map(|x| x.to_bits().into()).collect();
    words.extend(trained.reports.iter().flat_map(|report| figures(of, report)));
    Ok((known(s, &words), trained.values))
}

/// Words that all three parties have, as the result of the operation.
fn known(s: &Session, words: &[u64]) -> Vec<Column> {
    let live = Shape { kind: Kind::Bits(1), rows: words.len() as u64 };
    let live = super::run::constant(s, 1, live);
    vec![live, Column::Z64(Shared::<Z64>::public(s.role(), words))]
}

/// The figures of a round as the result has them: how many providers, rows, the sum of losses (the bits of it), rows that were right;
/// what is told of counts besides, or of a clip that follows updates; with a gate whose updates were refused, and without noise who
/// was absent, a bit each.
pub(super) fn figures(of: &Training, report: &RoundReport) -> Vec<u64> {
    let trailer = &report.trailer;
    let providers = report.providers.len() as u64;
    let mut words = vec![providers, trailer.weight, trailer.loss.to_bits(), trailer.correct];
    words.extend(&report.told);
    words.resize(of.round_words(), 0);
    let (rest, absent) = words.split_at_mut(of.round_words() - of.absent_words());
    mark(&mut rest[ROUND_WORDS..], report.refused.iter().copied());
    let there =
        |number: &usize| report.providers.contains(number) || report.refused.contains(number);
    mark(absent, (0..of.inputs.len()).filter(|number| !there(number)));
    words
}

/// Sets these providers' bits, where there is room for them.
fn mark(words: &mut [u64], numbers: impl Iterator<Item = usize>) {
    for number in numbers {
        if let Some(word) = words.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }
}

/// Who was refused is for this party's operator, as the buyer is told too.
fn tell_refused(plan: &Plan, of: &Training, report: &RoundReport) {
    let owners: Vec<_> = of.owners(plan).map(|input| &input.party).collect();
    for party in report.refused.iter().filter_map(|number| owners.get(*number)) {
        tracing::warn!(round = report.round, %party, "its update was refused by the gate");
    }
}

/// Where a clip is that follows updates is for this party's operator, as the buyer is told too.
fn tell_clip(of: &Training, report: &RoundReport) {
    if let (Some(_), [clip, within]) = (of.adaptive(), &report.told[..]) {
        let [clip, within] = [clip, within].map(|word| f64::from_bits(*word));
        tracing::info!(round = report.round, clip, within, "updates were clipped");
    }
}

/// Twin of [`run`] and [`provide`].
pub(super) fn cost(m: &mut Meter, plan: &Plan, of: &Training, at: usize) -> Result<(), ExecError> {
    if trees::cost(m, plan, of, at)? {
        return Ok(());
    }
    let course = course(plan, of, at)?;
    if !masks::cost(m, &course, of) {
        round::cost(m, &course);
    }
    Ok(())
}

/// Takes part as a provider that does not compute.
pub(super) fn provide(
    wire: &mut Wire,
    plan: &Plan,
    (at, number): (usize, usize),
    inputs: &[Option<EncodedInput>],
    rng: &mut Prg,
) -> Result<(), ExecError> {
    let Some(Op::Train(of)) = plan.nodes.get(at) else { return Err(ExecError::Malformed(at)) };
    if trees::provide(wire, (plan, of, at), (number, inputs), rng)? {
        return Ok(());
    }
    if of.threshold().is_some() {
        return masks::provide(wire, plan, (of, at, number), inputs, rng);
    }
    let course = course(plan, of, at)?;
    let mut trainer = trainer(plan, of, (number, inputs))?;
    let mut pledges = kept::pledges((plan, of), held(of, (number, inputs)))?;
    round::take_part_keeping(wire, &course, (number, &mut trainer), &mut pledges, rng)?;
    Ok(())
}

/// Brings the rows that updates are weighed by, as a party that does not compute; nothing for any other party.
pub(super) fn weigh(
    wire: &mut Wire,
    (plan, me): (&Plan, &PartyName),
    inputs: &[Option<EncodedInput>],
) -> Result<(), ExecError> {
    let Some((at, of)) = plan.training() else { return Ok(()) };
    let Some(rows) = validation(plan, (of, me), inputs)? else { return Ok(()) };
    let worth = worth(plan, of).map_err(|_| ExecError::Malformed(at))?;
    let worth = worth.ok_or(ExecError::Malformed(at))?;
    wire.enter(step_of(at));
    round::validate(wire, &worth, rows).map_err(|error| failed(plan, of, error))
}

/// Why a training ended; what cannot be weighed is at the door of whose rows they are.
pub(super) fn failed(plan: &Plan, of: &Training, error: RoundError) -> ExecError {
    let validator = of.valuation.as_ref().and_then(|valuation| valuation.input(plan));
    match validator {
        Some(input) if matches!(error, RoundError::Worth(_)) => {
            ExecError::Validation { party: input.party.clone(), what: error.to_string() }
        }
        _ if matches!(error, RoundError::Few { declined: 1.., .. }) => {
            ExecError::TooFewProviders(format!("{error}{}", what_declines(of)))
        }
        _ => error.into(),
    }
}

/// What to look at where updates are declined. Why one was is its provider's to know: this is of the job alone.
fn what_declines(of: &Training) -> String {
    if matches!(of.strategy, StrategySpec::Ridge { .. } | StrategySpec::Newton { .. }) {
        return String::new();
    }
    let label = match of.model {
        ModelSpec::Linear => {
            " the label is not scaled, so divide one that is far from 0, as `pay * 0.001` does;"
        }
        _ => "",
    };
    format!(
        ". One reason is public: a number in an update beyond `largest_update` = {};{label} a smaller `rate` or a larger `largest_update` \
         lets more through",
        of.largest_update
    )
}

impl From<RoundError> for ExecError {
    fn from(error: RoundError) -> Self {
        match error {
            RoundError::Session(error) => Self::Session(error),
            few @ (RoundError::Few { .. } | RoundError::Refused { .. }) => {
                Self::TooFewProviders(few.to_string())
            }
            few @ RoundError::Closed { .. } => Self::TooFewProviders(few.to_string()),
            few @ RoundError::Solved { source: SumsError::Few { .. }, .. } => {
                Self::TooFewProviders(few.to_string())
            }
            none @ RoundError::Solved { source: SumsError::Singular, .. } => {
                Self::NoSolution(none.to_string())
            }
            full @ RoundError::Disk { .. } if full.is_disk_full() => {
                Self::DiskFull(full.to_string())
            }
            error @ (RoundError::Sum { .. }
            | RoundError::Masks { .. }
            | RoundError::Model { .. }
            | RoundError::Again { .. }
            | RoundError::Apart { .. }) => Self::Inconsistent(error.to_string()),
            other => Self::Training(other.to_string()),
        }
    }
}
