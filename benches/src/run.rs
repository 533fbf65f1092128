//! One party's repetition: wait for the start, run, then open the result and compare it.

use std::{sync::Arc, time::Instant};

use protocols::{
    kernels::Backend,
    mpc::{Column, reveal},
    net::Channel,
    party::Role,
    ring::{Arithmetic, B64, Z32, Z64, Z128},
    session::{Counters, Gate, Meter, OpeningKind, Profile, Session, SessionError},
    testkit::test_prss,
};

use crate::case::{Case, Clear, Verdict};

/// What one party saw.
pub(crate) struct Seen {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) bytes: u64,
    pub(crate) rounds: u32,
    pub(crate) verdict: Verdict,
}

/// A repetition's seed: no two repetitions share a keystream position.
pub(crate) fn seed(rep: u32) -> u64 {
    0x0075_6e73_6565_6e00 + u64::from(rep)
}

/// Runs one repetition as `role`; `start` returns when all parties are ready, `done` is told as soon as this one has ended.
pub(crate) fn repetition(
    (case, rep, profile): (&Case, u32, Profile),
    role: Role,
    channel: Arc<dyn Channel>,
    clear: &[Clear],
    inputs: &[Column],
    wait: (impl FnOnce(), impl FnOnce()),
) -> Result<Seen, SessionError> {
    let prss = test_prss(seed(rep), role);
    let mut s = Session::new(role, channel, prss, Gate::recording()).on(profile);
    s.enter(1);
    let (start, done) = wait;
    start();
    let began = Instant::now();
    let result = (case.run)(&mut s, inputs);
    let ended = Instant::now();
    done();
    let outputs = result.inspect_err(|error| s.abort(error))?;
    let (bytes, rounds) = (s.stats().total().bytes, s.depth());
    s.enter(2);
    let mut opened = Vec::new();
    for column in &outputs {
        opened.push(open(&mut s, column)?);
    }
    Ok(Seen { began, ended, bytes, rounds, verdict: (case.judge)(clear, &opened) })
}

/// What a case is quoted at for so many rows.
pub(crate) fn quote(case: &Case, n: usize, profile: Profile) -> Counters {
    let mut meter = Meter::on(profile);
    meter.enter(1);
    (case.quote)(&mut meter, n);
    meter.total()
}

fn open(s: &mut Session, column: &Column) -> Result<Vec<u64>, SessionError> {
    const KIND: OpeningKind = OpeningKind::Result;
    Ok(match column {
        Column::Z64(words) => reveal::<Z64>(s, words, KIND)?.to_vec(),
        Column::Z128(words) => halves(&reveal::<Z128>(s, words, KIND)?),
        Column::Z32(words) => {
            reveal::<Z32>(s, words, KIND)?.iter().map(|word| u64::from(*word)).collect()
        }
        Column::Bits(bits) => {
            let mut bits = bits.clone();
            bits.clear_beyond_rows();
            let planes = reveal::<B64>(s, bits.planes(), KIND)?;
            let mut rows = vec![0; bits.rows()];
            Backend::active().from_planes(&planes, bits.width(), &mut rows);
            rows
        }
    })
}

/// Each 128-bit word as its low and its high half.
fn halves(words: &[u128]) -> Vec<u64> {
    words.iter().flat_map(|word| [*word, word >> 64].map(Z128::low_u64)).collect()
}
