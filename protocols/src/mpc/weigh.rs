//! Linear forms of secret bits in an arithmetic ring.
//!
//! [`inject`](super::inject) gives each bit by itself. Where only sums of them with public weights are wanted, the two parties
//! that trade products add them up first: one word goes each way for a sum, not for a bit.

use crate::{
    party::Role,
    ring::{Arithmetic, B64, Buf, Ring},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// A linear map of all bits of a column, as 0 or 1 of an arithmetic ring.
///
/// As in [`inject`](super::inject), `b = c + b_2 − 2·c·b_2` with `c = b_0 ⊕ b_1 = c_0 + c_1`, so that a linear `F` has
/// `F(b) = F(c) + F(b_2) − 2·F(c·b_2)`; and of the last term P2 knows `F(c_0·b_2)`, P1 `F(c_1·b_2)`.
///
/// # Shape
/// `form(input, output)` is linear over the ring, sets `outputs` words, and is the same at all parties; its input is w · n words,
/// all rows of plane 0 first. Returns `outputs` words.
///
/// # Cost
/// 2 rounds; P0 sends w · n words, P1 and P2 send `outputs` words each.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party. P1 receives `c_1`, masked by the key of P0 and P2, and P2's sums, masked by the same key
/// further on; P2 receives P1's sums, masked by the key of P0 and P1; P0 receives nothing. Each mask is fresh: one word of
/// keystream a word sent.
///
/// # Source
/// \[ABY3\] <https://eprint.iacr.org/2018/403> §5.4.1, with the products summed before they are reshared.
pub fn linear_form<R: Arithmetic>(
    s: &mut Session,
    bits: &Bits,
    outputs: usize,
    form: impl Fn(&[R::Word], &mut [R::Word]),
) -> Result<Shared<R>, SessionError> {
    let n = bits.rows() * bits.width();
    let mapped = |input: &[R::Word]| {
        let mut output = Buf::zeroed(outputs);
        form(input, &mut output);
        output
    };
    let c_mask = s.prss().summand::<R>(Role::P0, n);
    let d_0 = s.prss().summand::<R>(Role::P0, outputs);
    let d_1 = s.prss().summand::<R>(Role::P1, outputs);
    // This party's summands of F(c) + F(b_2), and of F(c·b_2).
    let (sum, product) = match (s.role(), c_mask, d_0, d_1) {
        (Role::P0, Some(c_0), Some(d_0), Some(d_1)) => {
            let mut c_1 = words_of::<R>(bits, bits.planes().own(), Some(bits.planes().next()));
            R::sub_assign(&mut c_1, &c_0);
            s.send(Role::P1.id(), &c_1)?;
            ((mapped(&c_0), mapped(&c_1)), (d_0, d_1))
        }
        (Role::P1, _, _, Some(d_1)) => {
            let b_2 = words_of::<R>(bits, bits.planes().next(), None);
            let mut c_1 = Buf::scratch(n);
            s.recv(Role::P0.id(), &mut c_1)?;
            let mut both = Buf::zeroed(n);
            R::mul_add(&mut both, &c_1, &b_2);
            let d_2 = trade::<R>(s, Role::P2, mapped(&both), &d_1)?;
            ((mapped(&c_1), mapped(&b_2)), (d_1, d_2))
        }
        (_, Some(c_0), Some(d_0), _) => {
            let b_2 = words_of::<R>(bits, bits.planes().own(), None);
            let mut both = Buf::zeroed(n);
            R::mul_add(&mut both, &c_0, &b_2);
            let d_2 = trade::<R>(s, Role::P1, mapped(&both), &d_0)?;
            ((mapped(&b_2), mapped(&c_0)), (d_2, d_0))
        }
        _ => unreachable!("each role holds two of the three keys"),
    };
    let mut result = Shared::<R>::from_parts(sum.0, sum.1);
    let product = Shared::from_parts(product.0, product.1);
    result.sub_assign(&product);
    result.sub_assign(&product);
    Ok(result)
}

/// Twin of [`linear_form`], for `bits` bits in all.
pub fn linear_form_cost<R: Ring>(m: &mut Meter, bits: usize, outputs: usize) {
    let bytes = |words: usize| words * size_of::<R::Word>();
    // P1's sums need what P0 sends; P2's need nothing.
    m.messages(&[(Role::P0, Role::P1, bytes(bits))]);
    m.messages(&[(Role::P1, Role::P2, bytes(outputs)), (Role::P2, Role::P1, bytes(outputs))]);
}

/// Sends this party's sums minus its mask to `peer` and adds the peer's: summand 2.
fn trade<R: Ring>(
    s: &mut Session,
    peer: Role,
    mut mine: Buf<R::Word>,
    mask: &[R::Word],
) -> Result<Buf<R::Word>, SessionError> {
    R::sub_assign(&mut mine, mask);
    s.send(peer.id(), &mine)?;
    let mut sum = Buf::scratch(mine.len());
    s.recv(peer.id(), &mut sum)?;
    R::add_assign(&mut sum, &mine);
    Ok(sum)
}

/// Each bit of one summand (or of the XOR of two) as 0 or 1, plane by plane.
fn words_of<R: Arithmetic>(bits: &Bits, first: &[u64], second: Option<&[u64]>) -> Buf<R::Word> {
    let mut planes = Buf::copy_of(first);
    if let Some(second) = second {
        B64::add_assign(&mut planes, second);
    }
    let (rows, stride) = (bits.rows().max(1), bits.stride().max(1));
    let mut out = Buf::scratch(bits.rows() * bits.width());
    for (plane, target) in planes.chunks(stride).zip(out.chunks_mut(rows)) {
        R::expand(plane, target);
    }
    out
}

/// `output[i] += Σ_j weight(j) · input[j · n + i]`.
pub(super) fn add_weighted<R: Ring>(
    input: &[R::Word],
    output: &mut [R::Word],
    weight: impl Fn(usize) -> R::Word,
) {
    let mut term = Buf::scratch(output.len());
    for (j, plane) in input.chunks(output.len().max(1)).enumerate() {
        term.copy_from_slice(plane);
        R::scale_assign(&mut term, weight(j));
        R::add_assign(output, &term);
    }
}
