//! The sum of a round, opened by thirds.

use std::ops::Range;

use protocols::{
    kernels::Backend,
    party::Role,
    ring::{Ring, Z32, Z64, halves_mut},
    session::{Meter, OpeningKind, Recipient, Session},
};

use super::{
    course::Course,
    error::RoundError,
    message::PIECE_WORDS,
    total::{Opened, open_total, open_total_cost},
};
use crate::average::{TRAILER_WORDS, Trailer, sum::checked};

/// The words of a model that one party opens.
pub(super) fn third(parameters: usize, role: Role) -> Range<usize> {
    let at = |third: usize| parameters * third / 3;
    at(role.index())..at(role.index() + 1)
}

/// Opens the average of the updates of `providers`, or the total of their sums, from each party's sum of shares.
///
/// The figures beside the update are opened by all, the update by thirds: each party gets the two other sums of its third and
/// tells the others the average of it. Of sums with noise there are no figures (but the count that a clip follows, with its noise):
/// the average is one by what is public.
///
/// # Cost
/// 3 rounds, and what [`Counting::tell`](super::Counting::tell) takes where rows are counted; every party sends 2·8·5 bytes, 2·8 a parameter of another's third (2·4 in 32 bits), 2·4 of its own. With noise a round and the 2·8·5
/// bytes less; a round and 2·8 bytes where a clip follows a count.
///
/// # Security
/// Sums are masked by fresh shares of zero: the three say their total and nothing else.
pub(super) fn open(
    s: &mut Session,
    course: &Course,
    mut sum: Vec<u64>,
    (providers, round): (&[usize], u32),
) -> Result<(Opened, Trailer, Vec<u64>), RoundError> {
    s.pass_gate(OpeningKind::Average, course.opened(), Recipient::All)?;
    let (pairs, words) = sum.split_at_mut(course.layout().pairs().words());
    mask::<Z32>(s, halves_mut(pairs));
    mask::<Z64>(s, words);
    let (update, figures) = sum.split_at_mut(course.layout().body());
    if let Some(privacy) = &course.privacy {
        let mut average = open_update(s, course, update, privacy.total(providers))?;
        average.iter_mut().for_each(|x| *x *= privacy.factor());
        let counted = if figures.is_empty() { Vec::new() } else { open_figures(s, figures)? };
        return Ok((Opened::Average(average), Trailer::default(), counted));
    }
    let (figures, counts) = figures.split_at(course.figures());
    let figures = open_figures(s, figures)?;
    let (trailer, counted) = figures.split_at(TRAILER_WORDS);
    let (trailer, total) = checked(trailer, providers.len(), &course.encoding)
        .map_err(|source| RoundError::Sum { round: round + 1, source })?;
    let opened = match course.rule.exact() {
        Some(exact) => open_total(s, exact, update, (&trailer, course, round))?,
        None => Opened::Average(open_update(s, course, update, total)?),
    };
    let of = (trailer.weight, providers.len(), course.providers.len());
    let told = match (&course.tally, counted) {
        (Some(counting), [counted]) => counting.tell(s, (counts, *counted), of)?,
        _ => Vec::new(),
    };
    Ok((opened, trailer, told))
}

/// Masks a party's words by its share of zeros.
fn mask<R: Ring>(s: &mut Session, sum: &mut [R::Word]) {
    // In pieces: a second vector of the model's length would be the most that a party holds.
    let mut zeros = vec![R::ZERO; PIECE_WORDS.min(sum.len())];
    for piece in sum.chunks_mut(PIECE_WORDS) {
        let zeros = &mut zeros[..piece.len()];
        s.prss().zero_share::<R>(zeros);
        R::add_assign(piece, zeros);
    }
}

/// The average of a sum over so much weight, in the ring of its coordinates.
fn open_update(
    s: &mut Session,
    course: &Course,
    update: &mut [u64],
    total: u64,
) -> Result<Vec<f32>, RoundError> {
    let encoding = &course.encoding;
    if course.layout().is_narrow() {
        let update = &mut halves_mut(update)[..course.coordinates()];
        return open_thirds::<Z32>(s, update, |sum| encoding.decode_narrow(sum, total));
    }
    open_thirds::<Z64>(s, update, |sum| encoding.decode(sum, total))
}

fn open_thirds<R: Ring>(
    s: &mut Session,
    update: &mut [R::Word],
    decode: impl Fn(&[R::Word]) -> Vec<f32>,
) -> Result<Vec<f32>, RoundError> {
    let (role, coordinates) = (s.role(), update.len());
    let others = [role.next(), role.prev()];
    for to in others {
        s.send(to.id(), &update[third(coordinates, to)])?;
    }
    let own = third(coordinates, role);
    let mut theirs = vec![R::ZERO; own.len()];
    for from in others {
        s.recv(from.id(), &mut theirs)?;
        R::add_assign(&mut update[own.clone()], &theirs);
    }
    drop(theirs);
    let mut average = vec![0.0; coordinates];
    let mean = decode(&update[own.clone()]);
    let bits: Vec<u32> = mean.iter().map(|x| x.to_bits()).collect();
    for to in others {
        s.send(to.id(), &bits)?;
    }
    average[own].copy_from_slice(&mean);
    for from in others {
        let third = third(coordinates, from);
        let bits = s.wire().recv_words::<u32>(from.id(), third.len())?;
        for (x, bits) in average[third].iter_mut().zip(bits.iter()) {
            *x = f32::from_bits(*bits);
        }
    }
    Ok(average)
}

fn open_figures(s: &mut Session, own: &[u64]) -> Result<Vec<u64>, RoundError> {
    let role = s.role();
    let mut figures = own.to_vec();
    for to in [role.next(), role.prev()] {
        s.send(to.id(), own)?;
    }
    for from in [role.next(), role.prev()] {
        let mut theirs = vec![0_u64; own.len()];
        s.recv(from.id(), &mut theirs)?;
        Backend::active().add_u64(&mut figures, &theirs);
    }
    Ok(figures)
}

/// Twin of [`open`].
pub(super) fn open_cost(m: &mut Meter, course: &Course) {
    m.pass_gate(OpeningKind::Average, course.opened(), Recipient::All);
    if course.privacy.is_none() {
        to_both(m, |_, _| 8 * course.figures());
    }
    if course.rule.exact().is_some() {
        open_total_cost(m, course.coordinates());
    } else {
        let each = course.layout().bytes();
        to_both(m, |_, to| each * third(course.coordinates(), to).len());
        to_both(m, |from, _| 4 * third(course.coordinates(), from).len());
    }
    if course.adaptive().is_some() {
        to_both(m, |_, _| 8 * course.figures());
    }
    if let Some(counting) = &course.tally {
        counting.cost(m);
    }
}

/// A message from every party to both others at the same time, of so many bytes.
pub(super) fn to_both(m: &mut Meter, bytes: impl Fn(Role, Role) -> usize) {
    let all = Role::ALL.into_iter().flat_map(|from| [(from, from.next()), (from, from.prev())]);
    let batch: Vec<_> = all.map(|(from, to)| (from, to, bytes(from, to))).collect();
    let batch: Vec<_> = batch.into_iter().filter(|(_, _, bytes)| *bytes > 0).collect();
    m.messages(&batch);
}
