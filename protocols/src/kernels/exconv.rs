//! The two steps of an expand-convolute code over a binary field, for every processor.

use super::field::mul;

/// Entries of a block.
pub(super) const BLOCK: usize = 4;
/// Blocks after its own that an entry is tapped into.
pub(super) const REACH: usize = 6;
/// Entries behind a block's first one whose block is multiplied along with it.
pub(super) const BACK: usize = BLOCK * (REACH + 1);

/// Words of state between two pieces of a convolution: the last seven blocks, and what is tapped into the next six.
pub const CONVOLUTION_STATE: usize = BACK + BLOCK * REACH;

/// Places of an output, the bytes of three cipher blocks: 21 places, and what makes the last five of them longer.
pub const EXPANSION_PLACES: usize = 24;
/// Places in regions of their own.
pub(super) const REGIONS: usize = 16;
/// Entries that add up to an output.
pub(super) const WEIGHT: usize = 21;

/// The taps inside a block: from, to.
const INSIDE: [(usize, usize); 6] = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)];

pub(super) fn convolve<const BITS: u32>(
    x: &mut [u128],
    state: &mut [u128; CONVOLUTION_STATE],
    taps: &[u128],
) {
    debug_assert!(x.len().is_multiple_of(BLOCK) && taps.len() * 2 == x.len());
    let (back, ahead) = state.split_at_mut(BACK);
    for (block, taps) in x.chunks_exact_mut(BLOCK).zip(taps.chunks_exact(2)) {
        for ((entry, back), ahead) in block.iter_mut().zip(&*back).zip(&*ahead) {
            *entry = mul::<BITS>(*entry ^ back, taps[0]) ^ ahead;
        }
        let tap = |bit: usize| (taps[1] >> bit & 1).wrapping_neg();
        ahead.copy_within(BLOCK.., 0);
        ahead[BLOCK * (REACH - 1)..].fill(0);
        for (from, entry) in block.iter().enumerate() {
            for (to, ahead) in ahead.iter_mut().enumerate() {
                *ahead ^= entry & tap(from * BLOCK * REACH + to);
            }
        }
        // From the last entry down, so that each is still what it was when it is added.
        for (i, (from, to)) in INSIDE.into_iter().enumerate().rev() {
            block[to] ^= block[from] & tap(BLOCK * BLOCK * REACH + i);
        }
        back.copy_within(BLOCK.., 0);
        back[BACK - BLOCK..].copy_from_slice(block);
    }
}

/// The longest vector whose entries 16 bits name.
pub(super) const SHORT: usize = 1 << 16;
/// The longest one: a sixteenth of it has 2^16 entries.
const LONG: usize = REGIONS << 16;

#[inline(always)]
pub(super) fn check_expanded(d: &[u128]) {
    assert!(d.len().is_power_of_two() && (REGIONS..=LONG).contains(&d.len()), "no such code");
}

/// The places in all of `d`, before they are cut to its length. Beyond 2^16 entries four more bits of each come from what
/// follows the places.
#[inline(always)]
pub(super) fn anywhere<const FAR: bool>(
    places: &[u16; EXPANSION_PLACES],
) -> [usize; WEIGHT - REGIONS] {
    let more = usize::from(places[WEIGHT]) | usize::from(places[WEIGHT + 1]) << 16;
    std::array::from_fn(|i| {
        let near = usize::from(places[REGIONS + i]);
        if FAR { near | (more >> (4 * i) & 0xf) << 16 } else { near }
    })
}

pub(super) fn expand_sums(out: &mut [u128], d: &[u128], places: &[u16]) {
    check_expanded(d);
    debug_assert_eq!(places.len(), out.len() * EXPANSION_PLACES);
    if d.len() > SHORT { sums::<true>(out, d, places) } else { sums::<false>(out, d, places) }
}

fn sums<const FAR: bool>(out: &mut [u128], d: &[u128], places: &[u16]) {
    let region = d.len() / REGIONS;
    for (out, places) in out.iter_mut().zip(places.as_chunks::<EXPANSION_PLACES>().0) {
        for (j, place) in places[..REGIONS].iter().enumerate() {
            *out ^= d[j * region + (usize::from(*place) & (region - 1))];
        }
        for place in anywhere::<FAR>(places) {
            *out ^= d[place & (d.len() - 1)];
        }
    }
}
