//! The joint part of a run at one participant: agree on keys, run the plan, say ready, seal.

use std::{path::Path, sync::Arc, time::Instant};

use protocols::{
    mpc::Column,
    net::{
        Abort, Channel, agreement, at_work,
        tls::{LinkConfig, TlsChannel},
    },
    party::{PartyId, Role},
    prg::Prg,
    prss::Prss,
    session::{Gate, Opening, Session},
};
use zeroize::Zeroizing;

use super::{
    aloud::Aloud,
    compilation::Compilation,
    evidence::{Account, account, committed},
    links::{self, Seats},
    masking::masks,
    ready::{self, Ready},
    relink, worth,
};
use crate::{
    exec::{self, Adding, Around, ExecError, Found, LookedUp, Provided, SharedResult},
    identity::{Hash32, IdentityKey, PartyName, Pins},
    job::{Failure, Reason, Stage},
    plan::{EncodedInput, Opened, Shape},
    provider::RunStart,
    seal::{ResultShare, Sealed, Sealer, ShareColumn, seal},
};

/// Who this participant is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Me<'a> {
    pub(super) name: &'a PartyName,
    pub(super) key: &'a IdentityKey,
    pub(super) pins: &'a Pins,
    /// What its links wait for.
    pub(super) patience: LinkConfig,
    /// Where it keeps trainings.
    pub(super) trainings: Option<&'a Path>,
}

/// What a finished run leaves at this participant.
pub(super) struct Finished {
    pub(super) sealed: Option<Sealed>,
    pub(super) account: Account,
    /// What it learned of its own sets.
    pub(super) found: Vec<Found>,
    /// What was opened to it of the result.
    pub(super) told: Option<Opened>,
    /// What it learned of its own keys.
    pub(super) looked_up: Vec<LookedUp>,
}

/// Runs the plan as a compute party, or sends this party's inputs to those that compute. The peers wait while it makes them ready.
pub(super) fn run(
    me: Me<'_>,
    mut start: RunStart,
    compilation: &Compilation,
    bring: impl FnOnce() -> Result<Vec<Option<EncodedInput>>, Failure> + Send,
) -> Result<Finished, Failure> {
    let names = start.order.participants.iter().map(|participant| participant.party.clone());
    let seats = Seats::new(me.name, names, compilation.compiled.plan.compute.len());
    let committed = committed(&start.order)?;
    // Who only provides to a training may leave it, and it goes on.
    let guests = compilation.compiled.plan.goes_on_without();
    let patience = if guests { me.patience.with_guests() } else { me.patience };
    let (links, relinker) = (std::mem::take(&mut start.links), start.relinker.clone());
    let limit = relink::patience(&compilation.compiled.plan, patience.dead);
    let channel = seats.channel(links, (relinker.clone(), limit), patience)?;
    let (held, id) = (Arc::downgrade(&channel), seats.mine()?);
    start.stop.on_stop(move |why| {
        if let Some(channel) = held.upgrade() {
            channel.abort(Abort { party: id, path: 0, code: links::code(why.reason) });
        }
    });
    let seat = Seat { me, seats: &seats, channel: &channel, compilation };
    let alone = compilation.compiled.plan.adds_up().is_some();
    let finished = at_work(|| channel.working(), bring).and_then(|inputs| match id.role() {
        Some(_) if alone => seat.add_up(&start),
        Some(role) => seat.play(role, &start, inputs, committed),
        None => seat.provide(&inputs),
    });
    // A provider that is still away has nothing to come back to.
    relinker.stop();
    // Whatever ends the run here, the peers hear of it; a reason they have given already stays the first.
    finished.inspect_err(|failure| {
        let named = failure.party.as_ref();
        let party = named.and_then(|name| seats.of(name).ok()).unwrap_or(id);
        channel.abort(Abort { party, path: 0, code: links::code(failure.reason) });
    })
}

/// One participant's place in one run.
struct Seat<'a> {
    me: Me<'a>,
    seats: &'a Seats,
    channel: &'a Arc<TlsChannel>,
    compilation: &'a Compilation,
}

impl Seat<'_> {
    /// A compute party's whole part, up to its sealed share.
    fn play(
        &self,
        role: Role,
        start: &RunStart,
        inputs: Vec<Option<EncodedInput>>,
        committed: Hash32,
    ) -> Result<Finished, Failure> {
        let (me, began) = (self.me, Instant::now());
        let (release, attempt) = (&start.release, start.order.attempt);
        let sealer = Sealer { release, attempt, party: me.name, key: me.key };
        // One tells the buyer of rounds; all know the same of them.
        let aloud = Aloud::new(start, "step", (role == Role::P0).then_some(sealer));
        let mut session = self.session(role, &start.run.0)?;
        let mut shared = self.compute(&mut session, inputs, &aloud)?;
        let (found, told) = (std::mem::take(&mut shared.found), shared.told.take());
        let looked_up = std::mem::take(&mut shared.looked_up);
        let worth = worth::certificate(&self.compilation.compiled.plan, &shared.worth)?;
        let (job, plan, run) = (start.job.id.hash(), self.compilation.hash, start.run);
        let ready = Ready { job, plan, run, inputs: committed };
        let share = self.share(role, shared)?;
        let speaker = (me.name, me.key, me.pins);
        let sealed = ready::then_seal(&**self.channel, self.seats, &ready, speaker, || {
            seal(&share, &sealer).map_err(|error| {
                Failure::new(Reason::Internal, Stage::Release, error.to_string()).at(me.name)
            })
        })?;
        let account = self.account((session.opened(), session.depth()), began)?.certifying(worth);
        Ok(Finished { sealed: Some(sealed), account, found, looked_up, told })
    }

    /// The whole part of the one party that adds up, to the sealed result: it has all of it.
    fn add_up(&self, start: &RunStart) -> Result<Finished, Failure> {
        let (me, began) = (self.me, Instant::now());
        let plan = &self.compilation.compiled.plan;
        let (release, attempt) = (&start.release, start.order.attempt);
        let sealer = Sealer { release, attempt, party: me.name, key: me.key };
        let aloud = Aloud::new(start, "round", Some(sealer));
        let progress: &mut dyn FnMut(usize, usize) = &mut |at, of| aloud.at(at, of);
        let figures: &mut dyn FnMut(u32, &[u64]) = &mut |round, words| aloud.figures(round, words);
        let masks = masks(plan, me.pins, start.run)?;
        let shapes = self.compilation.sealed_shapes();
        let channel = Arc::clone(self.channel) as Arc<dyn Channel>;
        let openings = &self.compilation.quote.openings;
        let (masks, shapes_of, trainings) = (&masks, &shapes[..], me.trainings);
        let with = Adding { openings, masks, shapes: shapes_of, progress, figures, trainings };
        let added =
            exec::add_up(&channel, plan, with).map_err(|error| self.seats.failure(&error))?;
        let unfit = |_| {
            let words = "the result has other columns than the plan seals";
            Failure::new(Reason::Internal, Stage::Release, words).at(me.name)
        };
        let share = ResultShare::whole(&shapes, &added.words).map_err(unfit)?;
        let sealed = seal(&share, &sealer).map_err(|error| {
            Failure::new(Reason::Internal, Stage::Release, error.to_string()).at(me.name)
        })?;
        let account = self.account((&added.opened, added.rounds), began)?;
        let (found, looked_up) = (Vec::new(), Vec::new());
        Ok(Finished { sealed: Some(sealed), account, found, told: None, looked_up })
    }

    /// A session with keys agreed for this run, whose gate lists what the plan opens.
    fn session(&self, role: Role, run: &[u8; 32]) -> Result<Session, Failure> {
        let keys = agreement::agree(&**self.channel, run, random()?);
        let keys =
            keys.map_err(|error| match error {
                agreement::AgreementError::Channel(error) => self.seats.channel_failure(&error),
                agreement::AgreementError::NoKey(peer)
                | agreement::AgreementError::Forced(peer) => self.blame(peer, &error.to_string()),
                other => Failure::new(Reason::Internal, Stage::Connect, other.to_string())
                    .at(self.me.name),
            })?;
        let prss = Prss::new(role, &Zeroizing::new(*keys.own()), &Zeroizing::new(*keys.next()));
        let gate = Gate::listing(&self.compilation.quote.openings);
        let channel = Arc::clone(self.channel) as Arc<dyn Channel>;
        Ok(Session::new(role, channel, prss, gate).on(self.compilation.quote.profile))
    }

    fn blame(&self, peer: PartyId, words: &str) -> Failure {
        let failure = Failure::new(Reason::ProtocolViolation, Stage::Connect, words);
        match self.seats.name(peer) {
            Some(name) => failure.at(name),
            None => failure,
        }
    }

    /// The plan, to the last opening on the list.
    fn compute(
        &self,
        session: &mut Session,
        inputs: Vec<Option<EncodedInput>>,
        aloud: &Aloud<'_>,
    ) -> Result<SharedResult, Failure> {
        let plan = &self.compilation.compiled.plan;
        let mut rng = Prg::new(&*seed()?);
        let progress: &mut dyn FnMut(usize, usize) = &mut |at, of| aloud.at(at, of);
        let figures: &mut dyn FnMut(u32, &[u64]) = &mut |round, words| aloud.figures(round, words);
        let around = Around { progress, figures, trainings: self.me.trainings };
        let ran = exec::run(plan, inputs, session, around, &mut rng);
        let finished = ran.and_then(|shared| {
            session.finish().map_err(ExecError::from)?;
            Ok(shared)
        });
        finished.map_err(|error| {
            self.tell(session, &error);
            self.seats.failure(&error)
        })
    }

    /// Lets the peers know why this party goes no further.
    fn tell(&self, session: &Session, error: &ExecError) {
        match error {
            ExecError::Session(error) => session.abort(error),
            other => {
                let code = links::code(self.seats.failure(other).reason);
                let party = session.role().id();
                self.channel.abort(Abort { party, path: session.step(), code });
            }
        }
    }

    /// An outside provider's whole part: its inputs, shared; and its side of an intersection that ends with owners.
    fn provide(&self, inputs: &[Option<EncodedInput>]) -> Result<Finished, Failure> {
        let began = Instant::now();
        let channel = Arc::clone(self.channel) as Arc<dyn Channel>;
        let plan = &self.compilation.compiled.plan;
        let (openings, mut rng) = (&self.compilation.quote.openings, Prg::new(&*seed()?));
        let provided = exec::provide(&channel, (plan, self.me.name), inputs, openings, &mut rng);
        let Provided { found, opened, rounds, .. } =
            provided.map_err(|error| self.seats.failure(&error))?;
        let account = self.account((&opened, rounds), began)?;
        Ok(Finished { sealed: None, account, found, looked_up: Vec::new(), told: None })
    }

    /// This party's share of the result, in the shapes that the plan seals.
    fn share(&self, role: Role, shared: SharedResult) -> Result<ResultShare, Failure> {
        let shapes = self.compilation.sealed_shapes();
        let columns =
            shared.columns.into_iter().zip(shapes).map(|(column, shape)| words(column, shape));
        let columns: Option<Vec<_>> = columns.collect();
        let unfit = || {
            let words = "the result has other columns than the plan seals";
            Failure::new(Reason::Internal, Stage::Release, words).at(self.me.name)
        };
        Ok(ResultShare::new(role, columns.ok_or_else(unfit)?))
    }

    fn account(
        &self,
        (opened, rounds): (&[Opening], u32),
        began: Instant,
    ) -> Result<Account, Failure> {
        let digests = self.channel.digests().map_err(|error| self.seats.channel_failure(&error))?;
        account(self.seats, &digests, opened, (rounds, began.elapsed()))
    }
}

/// A column's two summands as the words that are sealed.
fn words(column: Column, shape: Shape) -> Option<ShareColumn> {
    let (own, next) = match column {
        Column::Bits(bits) => {
            let planes = bits.into_planes();
            (planes.own().to_vec(), planes.next().to_vec())
        }
        Column::Z64(words) => (words.own().to_vec(), words.next().to_vec()),
        Column::Z128(words) => (halves(words.own()), halves(words.next())),
        Column::Z32(_) => return None,
    };
    ShareColumn::new(shape, own, next).ok()
}

/// Each 128-bit value as its lower word and its upper one.
#[expect(clippy::cast_possible_truncation, reason = "the lower half, then the upper one")]
fn halves(words: &[u128]) -> Vec<u64> {
    words.iter().flat_map(|word| [*word as u64, (*word >> 64) as u64]).collect()
}

pub(super) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Failure> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut()).map_err(|_| {
        Failure::new(Reason::Internal, Stage::Connect, "the operating system gave no randomness")
    })?;
    Ok(bytes)
}

fn seed() -> Result<Zeroizing<[u8; 16]>, Failure> {
    random()
}
