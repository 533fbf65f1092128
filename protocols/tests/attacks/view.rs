//! Each party's complete view of a run, and when bytes look uniform.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use protocols::{
    net::{
        Channel, HEADER_BYTES, Tag, decode_header, memory,
        record::{Direction, Recorder, Shape},
    },
    party::PartyId,
    session::{Session, SessionError},
    testkit::World,
};

/// What one party sent and received.
pub(crate) struct View {
    pub(crate) shape: Shape,
    bytes: BTreeMap<Direction, Vec<u8>>,
}

impl View {
    /// What a recorder wrote down.
    pub(crate) fn of(shape: Shape, bytes: BTreeMap<Direction, Vec<u8>>) -> Self {
        Self { shape, bytes }
    }

    /// Tag and body of each frame of a direction, in order.
    pub(crate) fn frames(&self, direction: Direction) -> Vec<(Tag, Vec<u8>)> {
        let mut rest = self.bytes.get(&direction).map_or(&[][..], Vec::as_slice);
        let mut frames = Vec::new();
        while !rest.is_empty() {
            let (header, after) = rest.split_at(HEADER_BYTES);
            let (tag, _, len) = decode_header(header.try_into().unwrap()).unwrap();
            let (body, after) = after.split_at(len);
            frames.push((tag, body.to_vec()));
            rest = after;
        }
        frames
    }

    /// The bodies of all frames from the two other compute parties, by sender.
    pub(crate) fn received(&self) -> [Vec<Vec<u8>>; 3] {
        [0, 1, 2].map(|from| {
            let frames = self.frames(Direction::From(PartyId(from)));
            frames.into_iter().map(|(_, body)| body).collect()
        })
    }
}

/// Runs a protocol at three parties and keeps their results and views.
pub(crate) fn record<T: Send>(
    world: World,
    protocol: impl Fn(&mut Session) -> Result<T, SessionError> + Sync,
) -> ([T; 3], [View; 3]) {
    let ends = memory::mesh(3, Duration::from_secs(20));
    let recorders: Vec<_> =
        ends.into_iter().map(|end| Arc::new(Recorder::with_bytes(end))).collect();
    let channels = recorders.iter().map(|one| Arc::clone(one) as Arc<dyn Channel>).collect();
    let run = world.run_over(channels, protocol);
    let views = [0, 1, 2].map(|at: usize| {
        let recorder: &Recorder<_> = &recorders[at];
        View::of(recorder.shape(), recorder.bytes())
    });
    (run.results.map(Result::unwrap), views)
}

/// Why bytes do not look uniform: a χ² test of the byte values, for each place in a 64-bit word where there are enough.
///
/// 255 degrees of freedom have mean 255 and deviation 22.6; 400 is exceeded by chance about once in 10^8. Seeds are fixed, so a
/// test that passed passes.
pub(crate) fn uniform(bytes: &[u8]) -> Result<(), String> {
    let lanes = if bytes.len() >= 8 * 1280 { 8 } else { 1 };
    if bytes.len() < 1280 {
        return Err(format!("{} bytes say nothing", bytes.len()));
    }
    for lane in 0..lanes {
        let values: Vec<u8> = bytes.iter().skip(lane).step_by(lanes).copied().collect();
        let mut counts = [0_u32; 256];
        values.iter().for_each(|value| counts[usize::from(*value)] += 1);
        let chi = chi_square(&counts);
        if chi > 400.0 {
            return Err(format!("byte {lane} of {lanes}: chi-square {chi:.0} over 255 degrees"));
        }
    }
    Ok(())
}

/// χ² of counts against equal chances.
pub(crate) fn chi_square(counts: &[u32]) -> f64 {
    let total: u32 = counts.iter().sum();
    let expected = f64::from(total) / f64::from(u32::try_from(counts.len()).unwrap());
    counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum()
}

/// Two byte strings of equal length, word by word.
pub(crate) fn combine(a: &[u8], b: &[u8], of: fn(u64, u64) -> u64) -> Vec<u8> {
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    let pairs = a.chunks_exact(8).zip(b.chunks_exact(8));
    pairs.flat_map(|(a, b)| of(word(a), word(b)).to_le_bytes()).collect()
}
