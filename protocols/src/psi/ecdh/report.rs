//! The result for the sender as well: which of its points were common, and a digest that both hold against each other.

use subtle::ConstantTimeEq;

use crate::{
    psi::matches::bitmap_bytes,
    session::{Pair, SessionError},
};

/// What digests of a result are derived for.
const DIGEST: &str = "unseen ecdh psi common ids v1";

/// Bytes of the digest.
const DIGEST_BYTES: usize = 32;

/// Tells the sender which of its `n` points, in the order it sent them, are common.
pub(super) fn send(
    pair: &mut Pair<'_>,
    items: &[u128],
    positions: &[u32],
    places: &[u32],
    n: usize,
) -> Result<(), SessionError> {
    let mut bitmap = vec![0_u8; bitmap_bytes(n)];
    for place in places {
        bitmap[*place as usize / 8] |= 1 << (place % 8);
    }
    pair.send(&bitmap)?;
    agree(pair, items, positions)
}

/// Hears which of the points that were sent in this order are common.
pub(super) fn accept(
    pair: &mut Pair<'_>,
    items: &[u128],
    order: &[u32],
) -> Result<Vec<u32>, SessionError> {
    let bitmap = pair.recv_words::<u8>(bitmap_bytes(order.len()))?;
    let bit = |place: usize| bitmap[place / 8] >> (place % 8) & 1 == 1;
    if (order.len()..8 * bitmap.len()).any(bit) {
        return Err(pair.invalid("a result that names items beyond the last"));
    }
    let places = order.iter().enumerate();
    let mut positions: Vec<u32> =
        places.filter_map(|(place, position)| bit(place).then_some(*position)).collect();
    positions.sort_unstable();
    agree(pair, items, &positions)?;
    Ok(positions)
}

/// Both found the same ids, or the run fails.
fn agree(pair: &mut Pair<'_>, items: &[u128], positions: &[u32]) -> Result<(), SessionError> {
    let own = digest(items, positions);
    pair.send(&own)?;
    let theirs: [u8; DIGEST_BYTES] = pair.recv_array()?;
    if bool::from(own.ct_eq(&theirs)) {
        return Ok(());
    }
    Err(pair.inconsistent("the common items"))
}

fn digest(items: &[u128], positions: &[u32]) -> [u8; DIGEST_BYTES] {
    let mut ids: Vec<u128> = positions.iter().map(|position| items[*position as usize]).collect();
    ids.sort_unstable();
    let mut hasher = blake3::Hasher::new_derive_key(DIGEST);
    for id in ids {
        hasher.update(&id.to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}
