//! What travels around a run: preparations, the order to start, and what comes back.

use proto::v1;
use serde::{Deserialize, Serialize};

use super::{
    document,
    verdict::{party, violation},
};
use crate::{
    identity::{Hash32, PartyName, Signed, canonical_hash},
    job::{Failure, JobId, Stage},
    plan::Plan,
    policy::{Consent, participants},
};

/// Longest piece of a sealed share in one message, in bytes.
pub const CHUNK_BYTES: usize = 1 << 20;

/// What a participant brings to a run before it starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// Its part of the run's name: 32 random bytes.
    pub nonce: Hash32,
    /// Its commitments to the rows it will share (JSON).
    pub commitments: Vec<u8>,
}

/// One participant in the order to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Who.
    pub party: PartyName,
    /// Where (host:port).
    pub address: String,
    /// Its consent.
    pub consent: Signed<Consent>,
    /// What it prepared.
    pub prepared: Prepared,
}

/// The order to start a run. The first three participants are P0, P1, P2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOrder {
    /// The job.
    pub job: JobId,
    /// Which attempt.
    pub attempt: u32,
    /// Everybody, compute parties first, then outside providers by name.
    pub participants: Vec<Participant>,
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// 0 to 100.
    pub percent: u32,
    /// The step of the plan.
    pub step: String,
    /// What a round of a training came to, sealed to the buyer.
    pub round: Option<SealedRound>,
}

/// The figures of a round of a training, sealed to the buyer while it goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedRound {
    /// Which, from 1.
    pub round: u32,
    /// The signed manifest (JSON).
    pub manifest: Vec<u8>,
    /// The ciphertext.
    pub ciphertext: Vec<u8>,
}

/// A compute party's sealed share of the result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedShare {
    /// The signed manifest (JSON).
    pub manifest: Vec<u8>,
    /// The ciphertext.
    pub ciphertext: Vec<u8>,
}

/// A piece of a sealed share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedPiece {
    /// The signed manifest (JSON), on the first piece.
    pub manifest: Vec<u8>,
    /// Where in the ciphertext it begins.
    pub offset: u64,
    /// The bytes.
    pub data: Vec<u8>,
    /// Whether it is the last.
    pub last: bool,
}

/// What a participant reports while it prepares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrepareEvent {
    /// It is at work.
    Progress(Progress),
    /// What it brings; the last event.
    Prepared(Prepared),
}

/// What a participant reports of its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEvent {
    /// It goes on.
    Progress(Progress),
    /// A piece of its sealed share.
    Sealed(SealedPiece),
    /// Its part of the receipt (JSON); the last event.
    Receipt(Vec<u8>),
}

/// The participants of a plan: compute parties in order, then outside providers by name.
#[must_use]
pub fn roster(plan: &Plan) -> Vec<PartyName> {
    let outside = participants(plan).into_iter().filter(|party| !plan.compute.contains(party));
    plan.compute.iter().cloned().chain(outside).collect()
}

/// The run's name: hash of job, plan, attempt and the three compute parties' nonces.
#[must_use]
pub fn run_id(plan: Hash32, order: &RunOrder) -> Hash32 {
    #[derive(Serialize)]
    struct Run {
        job: Hash32,
        plan: Hash32,
        attempt: u32,
        nonces: Vec<Hash32>,
    }
    let compute = order.participants.iter().take(3);
    let nonces = compute.map(|party| party.prepared.nonce).collect();
    let job = order.job.hash();
    canonical_hash("unseen.run/v1", &Run { job, plan, attempt: order.attempt, nonces })
}

/// Cuts a sealed share into pieces of at most [`CHUNK_BYTES`]; at least one.
#[must_use]
pub fn pieces(share: SealedShare) -> Vec<SealedPiece> {
    let count = share.ciphertext.len().div_ceil(CHUNK_BYTES).max(1);
    let mut manifest = share.manifest;
    let piece = |at: usize| {
        let from = at * CHUNK_BYTES;
        let to = share.ciphertext.len().min(from + CHUNK_BYTES);
        SealedPiece {
            manifest: std::mem::take(&mut manifest),
            offset: from as u64,
            data: share.ciphertext[from..to].to_vec(),
            last: at + 1 == count,
        }
    };
    (0..count).map(piece).collect()
}

impl SealedShare {
    /// Takes the next piece; says whether the share is complete.
    ///
    /// # Errors
    /// A protocol violation if a piece is missing, repeated, or beyond `limit` bytes in all.
    pub fn take(&mut self, piece: SealedPiece, limit: usize) -> Result<bool, Failure> {
        if piece.offset != self.ciphertext.len() as u64 {
            return Err(violation("a piece of a sealed share is missing or repeated"));
        }
        if (piece.offset == 0) == piece.manifest.is_empty() {
            return Err(violation("the manifest belongs on the first piece of a sealed share"));
        }
        if self.ciphertext.len() + piece.data.len() > limit {
            return Err(violation("a sealed share is longer than allowed"));
        }
        if piece.offset == 0 {
            self.manifest = piece.manifest;
        }
        self.ciphertext.extend_from_slice(&piece.data);
        Ok(piece.last)
    }
}

impl Prepared {
    /// Reads a preparation.
    ///
    /// # Errors
    /// A protocol violation if the nonce has another length.
    pub fn read(wire: v1::PrepareResponse) -> Result<Self, Failure> {
        Ok(Self { nonce: nonce(&wire.nonce)?, commitments: wire.commitments })
    }
}

impl From<Prepared> for v1::PrepareResponse {
    fn from(prepared: Prepared) -> Self {
        Self { nonce: prepared.nonce.0.to_vec(), commitments: prepared.commitments }
    }
}

impl SealedRound {
    /// Bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.manifest.len() + self.ciphertext.len()
    }
}

impl From<v1::SealedRound> for SealedRound {
    fn from(wire: v1::SealedRound) -> Self {
        let v1::SealedRound { round, manifest, ciphertext } = wire;
        Self { round, manifest, ciphertext }
    }
}

impl From<SealedRound> for v1::SealedRound {
    fn from(sealed: SealedRound) -> Self {
        let SealedRound { round, manifest, ciphertext } = sealed;
        Self { round, manifest, ciphertext }
    }
}

impl From<v1::Progress> for Progress {
    fn from(wire: v1::Progress) -> Self {
        let v1::Progress { percent, step, round } = wire;
        Self { percent, step, round: round.map(Into::into) }
    }
}

impl From<Progress> for v1::Progress {
    fn from(progress: Progress) -> Self {
        let Progress { percent, step, round } = progress;
        Self { percent, step, round: round.map(Into::into) }
    }
}

impl PrepareEvent {
    /// Reads an event.
    ///
    /// # Errors
    /// A protocol violation if it is none.
    pub fn read(wire: v1::PrepareEvent) -> Result<Self, Failure> {
        use v1::prepare_event::Event;
        Ok(match wire.event.ok_or_else(|| violation("an empty event of a preparation"))? {
            Event::Progress(progress) => Self::Progress(progress.into()),
            Event::Prepared(prepared) => Self::Prepared(Prepared::read(prepared)?),
        })
    }
}

impl From<PrepareEvent> for v1::PrepareEvent {
    fn from(event: PrepareEvent) -> Self {
        use v1::prepare_event::Event;
        let event = match event {
            PrepareEvent::Progress(progress) => Event::Progress(progress.into()),
            PrepareEvent::Prepared(prepared) => Event::Prepared(prepared.into()),
        };
        Self { event: Some(event) }
    }
}

impl RunOrder {
    /// Reads an order.
    ///
    /// # Errors
    /// A protocol violation if a field is none of its kind.
    pub fn read(wire: v1::RunRequest) -> Result<Self, Failure> {
        let participant = |wire: v1::Participant| {
            Ok(Participant {
                party: party(&wire.party)?,
                address: wire.address,
                consent: document::parse("consent", Stage::Connect, &wire.consent)?,
                prepared: Prepared { nonce: nonce(&wire.nonce)?, commitments: wire.commitments },
            })
        };
        Ok(Self {
            job: wire.job.parse().map_err(|_| violation("an order to run no job"))?,
            attempt: wire.attempt,
            participants: wire
                .participants
                .into_iter()
                .map(participant)
                .collect::<Result<_, Failure>>()?,
        })
    }
}

impl From<RunOrder> for v1::RunRequest {
    fn from(order: RunOrder) -> Self {
        let participant = |participant: Participant| v1::Participant {
            party: participant.party.into(),
            address: participant.address,
            consent: document::write(&participant.consent),
            nonce: participant.prepared.nonce.0.to_vec(),
            commitments: participant.prepared.commitments,
        };
        Self {
            job: order.job.to_string(),
            attempt: order.attempt,
            participants: order.participants.into_iter().map(participant).collect(),
        }
    }
}

impl RunEvent {
    /// Reads an event.
    ///
    /// # Errors
    /// A protocol violation if it is none.
    pub fn read(wire: v1::RunEvent) -> Result<Self, Failure> {
        use v1::run_event::Event;
        Ok(match wire.event.ok_or_else(|| violation("an empty run event"))? {
            Event::Progress(progress) => Self::Progress(progress.into()),
            Event::Sealed(v1::SealedChunk { manifest, offset, data, last }) => {
                Self::Sealed(SealedPiece { manifest, offset, data, last })
            }
            Event::ReceiptPart(part) => Self::Receipt(part),
        })
    }
}

impl From<RunEvent> for v1::RunEvent {
    fn from(event: RunEvent) -> Self {
        use v1::run_event::Event;
        let event = match event {
            RunEvent::Progress(progress) => Event::Progress(progress.into()),
            RunEvent::Sealed(SealedPiece { manifest, offset, data, last }) => {
                Event::Sealed(v1::SealedChunk { manifest, offset, data, last })
            }
            RunEvent::Receipt(part) => Event::ReceiptPart(part),
        };
        Self { event: Some(event) }
    }
}

fn nonce(bytes: &[u8]) -> Result<Hash32, Failure> {
    bytes.try_into().map(Hash32).map_err(|_| violation("a nonce has 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_in_pieces_is_put_together_again() {
        for len in [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES] {
            let share = SealedShare { manifest: b"{}".to_vec(), ciphertext: vec![7; len] };
            let mut whole = SealedShare::default();
            let done: Vec<bool> = pieces(share.clone())
                .into_iter()
                .map(|piece| whole.take(piece, 1 << 30).unwrap())
                .collect();
            assert_eq!(done.iter().filter(|done| **done).count(), 1);
            assert!(done[done.len() - 1]);
            assert_eq!(whole, share);
        }
    }

    #[test]
    fn pieces_out_of_order_or_beyond_the_limit_are_refused() {
        let share = SealedShare { manifest: b"{}".to_vec(), ciphertext: vec![7; CHUNK_BYTES + 1] };
        let cut = pieces(share);
        assert!(SealedShare::default().take(cut[1].clone(), 1 << 30).is_err());
        assert!(SealedShare::default().take(cut[0].clone(), 100).is_err());
        let mut whole = SealedShare::default();
        whole.take(cut[0].clone(), 1 << 30).unwrap();
        assert!(whole.take(cut[0].clone(), 1 << 30).is_err());
    }
}
