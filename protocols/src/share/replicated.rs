//! Replicated sharing among three: `x = x_0 + x_1 + x_2`, party `i` holds `own = x_i` and `next = x_{i+1}`.
//!
//! One party's two summands are uniform and independent of `x`; any two parties hold all three. \[AFLNO16\]
//! <https://eprint.iacr.org/2016/768>, where party `i` holds `(x_i, x_{i-1})`.

use std::fmt;

use crate::{
    party::Role,
    ring::{Buf, Ring},
};

/// One party's shares of a vector.
///
/// Invariant: `own` and `next` have equal lengths.
#[derive(Clone)]
pub struct Shared<R: Ring> {
    own: Buf<R::Word>,
    next: Buf<R::Word>,
}

/// Copies of one summand that differ between the two parties that hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two parties hold different copies of summand {0}: one of them is wrong")]
pub struct Inconsistent(pub usize);

impl<R: Ring> Shared<R> {
    /// Shares from their two halves.
    ///
    /// # Panics
    /// If the lengths differ.
    #[must_use]
    pub fn from_parts(own: Buf<R::Word>, next: Buf<R::Word>) -> Self {
        assert_eq!(own.len(), next.len(), "both summands cover the same vector");
        Self { own, next }
    }

    /// Shares of `n` zeros, all summands zero.
    #[must_use]
    pub fn zeros(n: usize) -> Self {
        Self { own: Buf::zeroed(n), next: Buf::zeroed(n) }
    }

    /// Shares of values that everybody knows: the whole value is summand 0.
    #[must_use]
    pub fn public(role: Role, values: &[R::Word]) -> Self {
        let mut shares = Self::zeros(values.len());
        shares.add_public(role, values);
        shares
    }

    /// How many elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.own.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// The summand with this party's number.
    #[must_use]
    pub fn own(&self) -> &[R::Word] {
        &self.own
    }

    /// The summand with the next party's number.
    #[must_use]
    pub fn next(&self) -> &[R::Word] {
        &self.next
    }

    /// Both summands, `own` first.
    #[must_use]
    pub fn into_parts(self) -> (Buf<R::Word>, Buf<R::Word>) {
        (self.own, self.next)
    }

    /// Applies a linear map to both summands.
    #[must_use]
    pub fn map<S: Ring>(&self, f: impl Fn(&[R::Word]) -> Buf<S::Word>) -> Shared<S> {
        Shared::from_parts(f(&self.own), f(&self.next))
    }

    /// Applies a linear map to both summands in place.
    pub fn map_assign(&mut self, f: impl Fn(&mut [R::Word])) {
        f(&mut self.own);
        f(&mut self.next);
    }

    /// Elements `from..to`.
    ///
    /// # Panics
    /// If the range is out of bounds.
    #[must_use]
    pub fn slice(&self, from: usize, to: usize) -> Self {
        self.map(|words| Buf::copy_of(&words[from..to]))
    }

    /// Vectors, one behind the other.
    #[must_use]
    pub fn concat(parts: &[&Self]) -> Self {
        let own: Vec<&[R::Word]> = parts.iter().map(|part| part.own()).collect();
        let next: Vec<&[R::Word]> = parts.iter().map(|part| part.next()).collect();
        Self { own: Buf::concat(&own), next: Buf::concat(&next) }
    }

    /// `self + other`, element by element.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        sum.add_assign(other);
        sum
    }

    /// `self - other`, element by element.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let mut difference = self.clone();
        difference.sub_assign(other);
        difference
    }

    /// `self += other`.
    pub fn add_assign(&mut self, other: &Self) {
        R::add_assign(&mut self.own, &other.own);
        R::add_assign(&mut self.next, &other.next);
    }

    /// `self -= other`.
    pub fn sub_assign(&mut self, other: &Self) {
        R::sub_assign(&mut self.own, &other.own);
        R::sub_assign(&mut self.next, &other.next);
    }

    /// `self *= c` for a public constant.
    pub fn scale(&mut self, c: R::Word) {
        self.map_assign(|words| R::scale_assign(words, c));
    }

    /// `self = -self`.
    pub fn negate(&mut self) {
        self.map_assign(R::neg_assign);
    }

    /// `self += values`, public: they go onto summand 0, which P0 and P2 hold.
    pub fn add_public(&mut self, role: Role, values: &[R::Word]) {
        match role {
            Role::P0 => R::add_assign(&mut self.own, values),
            Role::P1 => {}
            Role::P2 => R::add_assign(&mut self.next, values),
        }
    }

    /// `self += c` in every element, for a public constant.
    pub fn add_constant(&mut self, role: Role, c: R::Word) {
        let summand = match role {
            Role::P0 => &mut self.own,
            Role::P1 => return,
            Role::P2 => &mut self.next,
        };
        summand.iter_mut().for_each(|word| *word = R::add(*word, c));
    }
}

/// Splits values into three parties' shares, with two summands from `random`.
///
/// # Security
/// Whoever deals sees the values; `random` must be fresh and uniform.
pub fn deal<R: Ring>(values: &[R::Word], mut random: impl FnMut(&mut [R::Word])) -> [Shared<R>; 3] {
    let mut summand = [(); 3].map(|()| Buf::<R::Word>::copy_of(values));
    random(&mut summand[0]);
    random(&mut summand[1]);
    let [first, second, mut third] = summand;
    R::sub_assign(&mut third, &first);
    R::sub_assign(&mut third, &second);
    [
        Shared::from_parts(first.clone(), second.clone()),
        Shared::from_parts(second, third.clone()),
        Shared::from_parts(third, first),
    ]
}

/// Adds the three summands, after checking that both copies of each agree.
///
/// # Errors
/// [`Inconsistent`] names the first summand whose copies differ.
pub fn reconstruct<R: Ring>(shares: [&Shared<R>; 3]) -> Result<Vec<R::Word>, Inconsistent> {
    for role in Role::ALL {
        if shares[role.index()].next() != shares[role.next().index()].own() {
            return Err(Inconsistent(role.next().index()));
        }
    }
    let mut values = shares[0].own().to_vec();
    R::add_assign(&mut values, shares[1].own());
    R::add_assign(&mut values, shares[2].own());
    Ok(values)
}

/// Shares print their ring and length only.
impl<R: Ring> fmt::Debug for Shared<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared<{}>({})", R::NAME, self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::{B64, Z32, Z64, Z128};

    fn splitmix(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^ z >> 29
    }

    fn linear<R: Ring>(make: fn(u64) -> R::Word) {
        let mut state = 5;
        let mut random =
            |out: &mut [R::Word]| out.iter_mut().for_each(|w| *w = make(splitmix(&mut state)));
        let (x, y): (Vec<_>, Vec<_>) = (0..65).map(|i| (make(i), make(i * i + 3))).unzip();
        let (a, b) = (deal::<R>(&x, &mut random), deal::<R>(&y, &mut random));
        let sums: Vec<_> = Role::ALL
            .iter()
            .map(|r| {
                let mut sum = a[r.index()].plus(&b[r.index()]);
                sum.add_constant(*r, make(9));
                sum.add_public(*r, &x);
                sum.minus(&a[r.index()])
            })
            .collect();
        let mut want = y.clone();
        R::add_assign(&mut want, &[make(9); 65]);
        R::add_assign(&mut want, &x);
        assert_eq!(reconstruct([&sums[0], &sums[1], &sums[2]]), Ok(want), "{}", R::NAME);
    }

    #[test]
    fn sharing_is_linear_in_every_ring() {
        #[expect(clippy::cast_possible_truncation, reason = "any 32 bits do")]
        linear::<Z32>(|i| i as u32);
        linear::<Z64>(|i| i);
        linear::<Z128>(u128::from);
        linear::<B64>(|i| i);
    }

    #[test]
    fn differing_copies_are_named() {
        let [a, b, c] = deal::<Z64>(&[1, 2], |out| out.fill(4));
        let (own, mut next) = b.into_parts();
        next[1] ^= 1;
        let b = Shared::from_parts(own, next);
        assert_eq!(reconstruct([&a, &b, &c]), Err(Inconsistent(2)));
    }

    #[test]
    fn shares_do_not_print() {
        let [a, ..] = deal::<Z64>(&[1, 2], |out| out.fill(123_456));
        assert_eq!(format!("{a:?}"), "Shared<z64>(2)");
    }
}
