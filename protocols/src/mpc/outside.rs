//! Input by a provider that is no compute party.
//!
//! `x = x_0 + x_1 + x_2`: a seed for `x_0` goes to P0 and P2, a seed for `x_1` to P0 and P1, and the correction `x_2` to P1 and P2,
//! who compare digests of it. (A zero third summand would show P0 the value, since it holds both others.) The holders of each
//! seed compare digests too, so a provider whose copies differ is always caught. \[AFLNO16\]
//! <https://eprint.iacr.org/2016/768> §2.1.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::column::{Column, Shape};
use crate::{
    net::{Body, CHUNK_BYTES, Channel, ChannelError, Frame, Tag},
    party::{PartyId, Role},
    prg::Prg,
    ring::{Buf, Z64},
    session::{Meter, Session, SessionError},
};

/// A digest of what two parties must have alike.
const DIGEST_WORDS: usize = 4;

/// What an outside provider sends: its columns' words in clear and two fresh seeds.
pub struct OutsideInput {
    seeds: [Zeroizing<[u8; 16]>; 2],
    words: Vec<(Shape, Buf<u64>)>,
}

impl OutsideInput {
    /// An input from two fresh, uniform seeds that serve for nothing else.
    #[must_use]
    pub fn new(seeds: [Zeroizing<[u8; 16]>; 2]) -> Self {
        Self { seeds, words: Vec::new() }
    }

    /// Adds a column: plane-major words for bits, one word a row for Z64.
    pub fn push(&mut self, shape: Shape, words: &[u64]) {
        self.words.push((shape, Buf::copy_of(words)));
    }

    /// Sends the input to the three compute parties at a step of the plan. `sent` counts the messages that this provider has sent
    /// each of them so far, from 0: they are numbered through.
    ///
    /// # Cost
    /// 5 messages: four seeds of 16 bytes (P0's two travel together), and the correction twice.
    ///
    /// # Errors
    /// If a link is down.
    ///
    /// # Security
    /// P0 sees the two seeds, P1 one seed and the correction, P2 the other seed and the correction: each view is uniform.
    pub fn send(
        &self,
        channel: &dyn Channel,
        step: u64,
        sent: &mut [u32; 3],
    ) -> Result<(), ChannelError> {
        let mut streams = self.seeds.each_ref().map(|seed| Prg::new(seed));
        let mut correction = Vec::new();
        for (shape, words) in &self.words {
            let mut rest = words.clone();
            for stream in &mut streams {
                shape.subtract(&mut rest, &stream.elements::<Z64>(words.len()));
            }
            correction.extend_from_slice(bytemuck::cast_slice::<u64, u8>(&rest));
        }
        let both = [*self.seeds[0], *self.seeds[1]].concat();
        let mut send = |to: Role, bytes: &[u8]| {
            let seq = sent[to.index()];
            // Nothing is sent for an empty message, and none is expected.
            sent[to.index()] += u32::from(!bytes.is_empty());
            for (chunk, body) in (0_u32..).zip(bytes.chunks(CHUNK_BYTES)) {
                let tag = Tag { path: step, seq, chunk };
                channel.send(to.id(), Frame { tag, depth: 0, body: Body::copy_of(body) })?;
            }
            Ok(())
        };
        send(Role::P0, &both)?;
        send(Role::P1, &*self.seeds[1])?;
        send(Role::P2, &*self.seeds[0])?;
        send(Role::P1, &correction)?;
        send(Role::P2, &correction)
    }
}

/// Receives an outside provider's columns as shares.
///
/// # Shape
/// `rows` rows of each shape; returns a column for each.
///
/// # Cost
/// 2 rounds; the provider sends 4 seeds and the correction twice, each compute party one digest of 32 bytes.
///
/// # Errors
/// [`SessionError::Inconsistent`] if copies differ; channel errors pass through.
///
/// # Security
/// Each party's view of the input is uniform. Semi-honest parties; a provider whose copies differ is caught.
pub fn outside_input(
    s: &mut Session,
    provider: PartyId,
    rows: usize,
    shapes: &[Shape],
) -> Result<Vec<Column>, SessionError> {
    let total: usize = shapes.iter().map(|shape| shape.wire_words(rows)).sum();
    let role = s.role();
    // Seed 0 belongs to summand 0 (P0, P2), seed 1 to summand 1 (P0, P1).
    let mut seeds = [[0_u64; 2]; 2];
    match role {
        Role::P0 => s.recv(provider, seeds.as_flattened_mut())?,
        Role::P1 => s.recv(provider, &mut seeds[1])?,
        Role::P2 => s.recv(provider, &mut seeds[0])?,
    }
    let mut correction = Buf::<u64>::scratch(if role == Role::P0 { 0 } else { total });
    s.recv(provider, &mut correction)?;
    check_copies(s, &seeds, &correction)?;
    let mut streams = seeds.each_ref().map(|seed| Prg::new(bytemuck::cast_ref(seed)));
    let (mut at, mut out) = (0, Vec::with_capacity(shapes.len()));
    for shape in shapes {
        let words = shape.wire_words(rows);
        let mut summand = |index: usize| streams[index].elements::<Z64>(words);
        let rest = || Buf::copy_of(&correction[at..at + words]);
        let (own, next) = match role {
            Role::P0 => (summand(0), summand(1)),
            Role::P1 => (summand(1), rest()),
            Role::P2 => (rest(), summand(0)),
        };
        out.push(Column::from_wire(*shape, rows, own, next));
        at += if role == Role::P0 { 0 } else { words };
    }
    Ok(out)
}

/// Twin of [`outside_input`], the provider's messages included.
pub fn outside_input_cost(m: &mut Meter, rows: usize, shapes: &[Shape]) {
    let total: usize = shapes.iter().map(|shape| shape.wire_words(rows)).sum();
    m.outside(Role::P0, 32);
    m.outside(Role::P1, 16);
    m.outside(Role::P2, 16);
    m.outside(Role::P1, total * 8);
    m.outside(Role::P2, total * 8);
    m.messages(&Role::ALL.map(|role| (role, role.next(), DIGEST_WORDS * 8)));
}

/// Each summand has two holders; one sends the other a digest of its copy.
///
/// Digests go to the next party: P0 sends that of summand 1 to P1, P1 that of summand 2 to P2, P2 that of summand 0 to P0. A seed
/// has 128 bits of entropy, so its digest tells nothing; that of the correction goes to a party that has the correction.
fn check_copies(
    s: &mut Session,
    seeds: &[[u64; 2]; 2],
    correction: &[u64],
) -> Result<(), SessionError> {
    let digest = |index: Role| -> [u64; DIGEST_WORDS] {
        let bytes: &[u8] = match index {
            Role::P2 => bytemuck::cast_slice(correction),
            _ => bytemuck::cast_slice(&seeds[index.index()]),
        };
        bytemuck::cast(*blake3::hash(bytes).as_bytes())
    };
    let role = s.role();
    s.send(role.next().id(), &digest(role.next()))?;
    let mut theirs = [0_u64; DIGEST_WORDS];
    s.recv(role.prev().id(), &mut theirs)?;
    if bool::from(theirs.ct_eq(&digest(role))) {
        Ok(())
    } else {
        let peer = role.prev().id();
        Err(SessionError::Inconsistent { step: s.step(), peer, what: "a provider's copies" })
    }
}

/// The seeds and the data are secret: neither prints.
impl std::fmt::Debug for OutsideInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutsideInput({} columns)", self.words.len())
    }
}
