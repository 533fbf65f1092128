//! Going on with a growth that was interrupted: the three parties come to have the same steps.
//!
//! # Security
//! No step is opened twice: what one of the three has on disk is what all three heard, and who has it not is told. A step that
//! none has on disk was heard by nobody but the three: it is decided again and comes out as it was, since from rows and trees so far to
//! a cut all is exact integers. Sums of a tree that was under way are shared once more, under fresh seeds; none of them is opened.

use protocols::{
    party::Role,
    session::{Meter, Session, SessionError},
};

use super::{
    error::GrowthError,
    growth::Growth,
    record::{Keep, digest},
};
use crate::heard::{heard, heard_cost};

/// Words of a digest.
const DIGEST_WORDS: usize = 4;

/// Has those who are behind catch up, and all three compare what they have.
///
/// # Errors
/// [`GrowthError`]: what they have kept are not parts of one growth.
pub(super) fn together(
    s: &mut Session,
    of: &Growth,
    (steps, keep): (&mut Vec<Vec<u64>>, &mut dyn Keep),
) -> Result<(), GrowthError> {
    let me = s.role();
    let mut have = [0; 3];
    have[me.index()] = steps.len();
    for (from, words) in heard(s, &[steps.len() as u64])? {
        let count = usize::try_from(words[0]).unwrap_or(usize::MAX);
        if count > of.steps() {
            let (peer, what) = (from.id(), "more steps of a growth than there are");
            return Err(SessionError::Invalid { step: s.step(), peer, what }.into());
        }
        have[from.index()] = count;
    }
    let most = have.into_iter().max().unwrap_or(0);
    let first = Role::ALL.into_iter().find(|role| have[role.index()] == most).unwrap_or(me);
    for behind in Role::ALL {
        for at in have[behind.index()]..most {
            if me == first {
                s.send(behind.id(), &steps[at])?;
            } else if me == behind {
                let mut words = vec![0; of.step_words(at)];
                s.recv(first.id(), &mut words)?;
                keep.opened(&words).map_err(GrowthError::Disk)?;
                steps.push(words);
            }
        }
    }
    let own = digest(steps);
    for (from, words) in heard(s, &own)? {
        if words != own {
            let (peer, what) = (from.id(), "what was opened of the trees");
            return Err(SessionError::Inconsistent { step: s.step(), peer, what }.into());
        }
    }
    Ok(())
}

/// Passes through the gate what an earlier run has opened: this growth has opened it.
pub(super) fn before(s: &mut Session, step: impl FnOnce(&mut Meter)) -> Result<(), SessionError> {
    let mut m = Meter::new();
    m.enter(s.step());
    step(&mut m);
    m.openings().iter().try_for_each(|opening| {
        let count = usize::try_from(opening.count).unwrap_or(usize::MAX);
        s.pass_gate(opening.kind, count, opening.to)
    })
}

/// Twin of [`together`] where all three have as much.
pub(super) fn together_cost(m: &mut Meter) {
    [1, DIGEST_WORDS].into_iter().for_each(|words| heard_cost(m, words));
}
