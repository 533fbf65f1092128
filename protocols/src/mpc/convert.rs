//! Between boolean and arithmetic sharing: a bit becomes 0 or 1 in any ring, a word becomes bits.

use super::{
    circuit::{sum, sum_cost},
    dealt::{bit_blocks, bit_lanes, bit_lanes_cost},
    spread::{spread_cost, spread_parts},
};
use crate::{
    party::Role,
    ring::{Arithmetic, B64, Buf, Ring},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// Each bit as 0 or 1 of an arithmetic ring.
///
/// A bit `b = b_0 ⊕ b_1 ⊕ b_2` is `c ⊕ b_2 = c + b_2 − 2·c·b_2` with `c = b_0 ⊕ b_1`, which P0 knows and shares as
/// `c = c_0 + c_1`. P2 knows `c_0·b_2`, P1 knows `c_1·b_2`; each sends the other its product under a mask that only P0
/// shares with it, and the sum of the two is summand 2 of the product.
///
/// # Shape
/// `w` planes of `n` rows; returns `w · n` elements, all rows of plane 0 first.
///
/// # Cost
/// 2 rounds; P0, P1 and P2 send `w · n` elements each.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party. P1 receives `c_1`, masked by the key of P0 and P2, and P2's product, masked by the
/// same key further on; P2 receives P1's product, masked by the key of P0 and P1; P0 receives nothing.
///
/// # Source
/// \[ABY3\] <https://eprint.iacr.org/2018/403> §5.4.1 (bit injection, the product of a bit known to two parties), with the
/// resharing of \[AFLNO16\] cut to the two parties that hold a product.
pub fn inject<R: Arithmetic>(s: &mut Session, bits: &Bits) -> Result<Shared<R>, SessionError> {
    let parts = spread_parts(s, bits.rows(), |s, rows| {
        if rows.len() == bits.rows() {
            return inject_part::<R>(s, bits);
        }
        inject_part::<R>(s, &bits.row_range(rows.start, rows.end))
    })?;
    match <[_; 1]>::try_from(parts) {
        Ok([whole]) => Ok(whole),
        Err(parts) => Ok(plane_by_plane(&parts, bits.width())),
    }
}

/// Injected bits of several runs of rows, all runs of plane 0 first.
fn plane_by_plane<R: Ring>(parts: &[Shared<R>], width: usize) -> Shared<R> {
    let plane = |part: &Shared<R>, plane| {
        let rows = part.len() / width;
        part.slice(plane * rows, (plane + 1) * rows)
    };
    let pieces: Vec<_> =
        (0..width).flat_map(|bit| parts.iter().map(move |part| plane(part, bit))).collect();
    Shared::concat(&pieces.iter().collect::<Vec<_>>())
}

fn inject_part<R: Arithmetic>(s: &mut Session, bits: &Bits) -> Result<Shared<R>, SessionError> {
    let n = bits.rows() * bits.width();
    let c_mask = s.prss().summand::<R>(Role::P0, n);
    let d_0 = s.prss().summand::<R>(Role::P0, n);
    let d_1 = s.prss().summand::<R>(Role::P1, n);
    let (c, b_2, d) = match (s.role(), c_mask, d_0, d_1) {
        (Role::P0, Some(c_0), Some(d_0), Some(d_1)) => {
            let mut c_1 = expand::<R>(bits, bits.planes().own(), Some(bits.planes().next()));
            R::sub_assign(&mut c_1, &c_0);
            s.send(Role::P1.id(), &c_1)?;
            (Shared::from_parts(c_0, c_1), Shared::zeros(n), Shared::from_parts(d_0, d_1))
        }
        (Role::P1, _, _, Some(d_1)) => {
            let b_2 = expand::<R>(bits, bits.planes().next(), None);
            let mut c_1 = Buf::scratch(n);
            s.recv(Role::P0.id(), &mut c_1)?;
            let d_2 = trade::<R>(s, Role::P2, [&c_1, &b_2], &d_1)?;
            let b_2 = Shared::from_parts(Buf::zeroed(n), b_2);
            (Shared::from_parts(c_1, Buf::zeroed(n)), b_2, Shared::from_parts(d_1, d_2))
        }
        (_, Some(c_0), Some(d_0), _) => {
            let b_2 = expand::<R>(bits, bits.planes().own(), None);
            let d_2 = trade::<R>(s, Role::P1, [&c_0, &b_2], &d_0)?;
            let b_2 = Shared::from_parts(b_2, Buf::zeroed(n));
            (Shared::from_parts(Buf::zeroed(n), c_0), b_2, Shared::from_parts(d_2, d_0))
        }
        _ => unreachable!("each role holds two of the three keys"),
    };
    let mut bit: Shared<R> = c.plus(&b_2);
    bit.sub_assign(&d);
    bit.sub_assign(&d);
    Ok(bit)
}

/// Twin of [`inject`].
pub fn inject_cost<R: Ring>(m: &mut Meter, rows: usize, width: usize) {
    spread_cost(m, rows, |m, rows| {
        let bytes = rows * width * size_of::<R::Word>();
        // P1's product needs what P0 sends; P2's needs nothing.
        m.messages(&[(Role::P0, Role::P1, bytes)]);
        m.messages(&[(Role::P1, Role::P2, bytes), (Role::P2, Role::P1, bytes)]);
    });
}

/// Sends this party's product minus its mask to `peer` and adds the peer's: summand 2 of the product.
fn trade<R: Ring>(
    s: &mut Session,
    peer: Role,
    factors: [&Buf<R::Word>; 2],
    mask: &Buf<R::Word>,
) -> Result<Buf<R::Word>, SessionError> {
    let mut mine = Buf::zeroed(mask.len());
    R::sub_assign(&mut mine, mask);
    R::mul_add(&mut mine, factors[0], factors[1]);
    s.send(peer.id(), &mine)?;
    let mut sum = Buf::scratch(mask.len());
    s.recv(peer.id(), &mut sum)?;
    R::add_assign(&mut sum, &mine);
    Ok(sum)
}

/// Each bit of one summand (or of the XOR of two) as 0 or 1, plane by plane.
fn expand<R: Arithmetic>(bits: &Bits, first: &[u64], second: Option<&[u64]>) -> Buf<R::Word> {
    let (rows, stride) = (bits.rows(), bits.stride());
    let mut out = Buf::scratch(rows * bits.width());
    let mut both = Buf::<u64>::scratch(if second.is_some() { stride } else { 0 });
    for (plane, target) in out.chunks_mut(rows.max(1)).enumerate() {
        let range = plane * stride..(plane + 1) * stride;
        let bits = match second {
            None => &first[range],
            Some(second) => {
                both.copy_from_slice(&first[range.clone()]);
                B64::add_assign(&mut both, &second[range]);
                &both
            }
        };
        R::expand(bits, target);
    }
    out
}

/// The low `width` bits of arithmetic values.
///
/// # Shape
/// `n` values; returns `n` rows of `width` bits, `width` from 1 to k in a ring of k bits.
///
/// # Cost
/// 2 rounds for the bits of `x_i + x_{i+1}` at a party and the carries they generate with `x_{i+2}`, 3·`width` − 2 bits in all, and
/// ⌈log2 (`width` − 1)⌉ for the carries of the sum: 64 bits take 8 rounds and 1120 bits.
///
/// # Errors
/// Channel errors pass through.
///
/// # Panics
/// If `width` is 0 or above the ring's bits.
///
/// # Security
/// Semi-honest: what a party tells of its sum of two summands, and two parties each other, is masked by a key that the
/// receiver does not know; the rest are multiplications.
///
/// # Source
/// \[ABY3\] §5.3 (A2B), with Sklansky's parallel prefix.
pub fn to_bits<R: Arithmetic>(
    s: &mut Session,
    x: &Shared<R>,
    width: usize,
) -> Result<Bits, SessionError> {
    assert!((1..=R::BITS).contains(&width), "a value has 1 to k bits");
    let lanes = bit_lanes(s, x, width)?;
    sum(s, x.len(), bit_blocks(x.len(), width), lanes)
}

/// Twin of [`to_bits`].
pub fn to_bits_cost(m: &mut Meter, n: usize, width: usize) {
    let blocks = bit_blocks(n, width);
    bit_lanes_cost(m, blocks, width);
    sum_cost(m, blocks, width);
}

/// The same values modulo a smaller (or the same) power of two. Local: summands are reduced one by one.
///
/// Exact for every value that the smaller ring can hold.
///
/// # Panics
/// If the target ring has more bits: a sum of three summands wraps, so going up takes bits and back.
#[must_use]
pub fn narrow<R: Arithmetic, S: Arithmetic>(x: &Shared<R>) -> Shared<S> {
    assert!(S::BITS <= R::BITS, "{} has more bits than {}", S::NAME, R::NAME);
    x.map(|words| {
        let mut out = Buf::scratch(words.len());
        out.iter_mut().zip(words).for_each(|(out, word)| *out = S::from_u128(R::to_u128(*word)));
        out
    })
}
