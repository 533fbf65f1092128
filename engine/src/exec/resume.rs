//! VOLE-PSI between two owners over a link that may be lost: it is made anew, and what was under way is repeated.
//!
//! Only a link that was lost is made anew: its connections ended, and nobody said why. An abort, a frame that is none, a peer that
//! says goodbye and one that is silent for too long end the run. So does what is lost elsewhere, or after the last word here.
//!
//! # Security
//! That of [`vole_psi`], section "Another attempt": over each new pair of connections the buckets that were under way are repeated,
//! two at most, so that [`Between::RENEWALS`] bounds what a party that deviates can test beyond the size agreed on. Randomness goes on
//! where it stood and comes never twice. What is opened stays what the plan lists.

use protocols::{
    prg::Prg,
    psi::{Buckets, Output, Setting, vole_psi},
    session::{Pair, PairCost, SessionError, Side},
};

use crate::plan::Between;

/// The receiver's last word, where the sender would otherwise not know that its last answer arrived.
const ARRIVED: u64 = 1;

/// One owner's side, over as many connections as it takes.
///
/// # Cost
/// That of [`vole_psi::cost`] and [`cost`]; for each time that the link was lost what was sent until then, and from there on
/// [`vole_psi::cost_from`] in the place of it.
pub(super) fn going_on(
    pair: &mut Pair<'_>,
    setting: &Setting,
    sends: bool,
    rows: &mut dyn Buckets,
    rng: &mut Prg,
) -> Result<(), SessionError> {
    let mut progress = vole_psi::Progress::new(setting);
    for _ in 0..Between::RENEWALS {
        match attempt(pair, setting, sends, (rows, &mut progress), rng) {
            Err(error) if error.is_lost(pair.peer()) => {
                // Who waits for this party waits while it calls.
                pair.wire().working();
                pair.renew()?;
            }
            done => return done,
        }
    }
    attempt(pair, setting, sends, (rows, &mut progress), rng)
}

/// From the last bucket that both are done with to the end.
fn attempt(
    pair: &mut Pair<'_>,
    setting: &Setting,
    sends: bool,
    (rows, progress): (&mut dyn Buckets, &mut vole_psi::Progress),
    rng: &mut Prg,
) -> Result<(), SessionError> {
    if sends {
        vole_psi::send_from(pair, setting, rows, progress, rng)?;
    } else {
        vole_psi::receive_from(pair, setting, rows, progress, rng)?;
    }
    // Where both learn they compare digests at the end.
    if setting.output == Output::ToBoth {
        return Ok(());
    }
    if !sends {
        return pair.send(&[ARRIVED]);
    }
    match pair.recv_array::<8>()? {
        word if word == ARRIVED.to_le_bytes() => Ok(()),
        _ => Err(pair.invalid("another last word than the one due")),
    }
}

/// The price of the last word.
pub(super) fn cost(c: &mut PairCost, setting: &Setting) {
    if setting.output == Output::ToReceiver {
        c.message::<u64>(Side::Receiver, 1);
    }
}
