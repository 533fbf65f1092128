//! Edges of bins that hold about as many rows each, from shared counts.

use protocols::{
    mpc::{count_ones, count_ones_cost, lt_zero, lt_zero_cost, reveal, reveal_cost},
    ring::{Buf, Z64},
    session::{Meter, OpeningKind, Session, SessionError},
    share::{Bits, Shared},
};

use super::setting::Setting;

/// The last bucket of each bin but the last, of each feature: bin q ends with the bucket in which the rows so far reach q parts of
/// all. Bins of a value that many rows share are empty, which does no harm.
///
/// # Shape
/// `counts`: rows of each of `buckets` buckets of each feature, feature by feature
/// ([`Bins::counts`](super::Bins::counts), summed over providers), `buckets` a multiple of 64. Returns `bins − 1` buckets a feature.
///
/// # Cost
/// A comparison for each bucket and edge, a count of their bits, and one opening; [`edges_cost`] has them exactly.
///
/// # Errors
/// [`SessionError::Shape`] if there are other counts; channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party. The edges alone are opened, to all three: they are part of the model. No count is. An edge is a
/// quantile of all rows on a public grid; one provider's few rows move it by a bucket or not at all.
///
/// # Source
/// Quantiles by counting how many sums lie below; the count is \[BP05\], see [`count_ones`].
pub fn edges(
    s: &mut Session,
    setting: &Setting,
    counts: &Shared<Z64>,
    buckets: usize,
) -> Result<Buf<u64>, SessionError> {
    let plan = setting.plan();
    let fits = buckets > 0 && buckets.is_multiple_of(64) && counts.len() == plan.features * buckets;
    if !fits {
        let (left, right) = (counts.len(), plan.features * buckets);
        return Err(SessionError::Shape { step: s.step(), left, right });
    }
    let below = counts.map::<Z64>(|words| differences(words, buckets, plan.bins));
    let is_below = lt_zero(s, &below, width(setting))?;
    // Each edge's buckets are whole words of the one plane: they are as many planes.
    let planes = plan.features * (plan.bins - 1);
    let is_below = Bits::from_planes(buckets, planes, is_below.into_planes());
    let ends = count_ones::<Z64>(s, &is_below)?;
    reveal::<Z64>(s, &ends, OpeningKind::Result)
}

/// Twin of [`edges`].
pub fn edges_cost(m: &mut Meter, setting: &Setting, buckets: usize) {
    let planes = setting.candidates();
    lt_zero_cost(m, planes * buckets, width(setting));
    count_ones_cost::<Z64>(m, buckets, planes);
    reveal_cost::<Z64>(m, planes, OpeningKind::Result);
}

/// Rows times bins.
fn width(setting: &Setting) -> usize {
    let most = setting.plan().rows.saturating_mul(setting.plan().bins as u64);
    (u64::BITS - most.leading_zeros()) as usize
}

/// `bins · (rows up to the bucket) − q · (all rows)`, which is below 0 before edge q: all buckets of an edge side by side.
fn differences(counts: &[u64], buckets: usize, bins: usize) -> Buf<u64> {
    let mut out = Buf::zeroed(counts.len() * (bins - 1));
    let features = counts.chunks(buckets).zip(out.chunks_mut(buckets * (bins - 1)));
    for (counts, edges) in features {
        let all = counts.iter().fold(0_u64, |sum, count| sum.wrapping_add(*count));
        for (edge, out) in (1_u64..).zip(edges.chunks_mut(buckets)) {
            let mut so_far = 0_u64;
            for (out, count) in out.iter_mut().zip(counts) {
                so_far = so_far.wrapping_add(*count);
                let part = so_far.wrapping_mul(bins as u64);
                *out = part.wrapping_sub(edge.wrapping_mul(all));
            }
        }
    }
    out
}
