//! Items to elements of ristretto255, the sender's key, and the receiver's blinds.

use std::{collections::VecDeque, fmt};

use curve25519_dalek::{Scalar, constants::RISTRETTO_BASEPOINT_COMPRESSED};
use zeroize::Zeroizing;

use super::point::{Point, hashed};
use crate::{
    kernels::{Backend, FixedBase},
    prg::Prg,
    psi::cores::{PART, on_all_cores},
    ring::Z128,
    session::{Pair, SessionError},
};

/// What item hashes are derived for.
const TO_FIELD: &str = "unseen ecdh psi item to element of ristretto255 v1";

/// The sender's secret key: 8k times the element of an item is what is compared.
///
/// Every kernel gives the double of what it adds or raises, since a double is encoded at a fraction of the price: asked is
/// 2·(H(x) + r·G), answered 2k·that, and unblinded 2·(that − r·4k·G) = 8k·H(x).
pub(super) struct Key {
    /// k, below the order of the group.
    asked: Zeroizing<Point>,
    /// 4k, by that order.
    own: Zeroizing<Point>,
    public: Point,
}

impl Key {
    /// A fresh one.
    pub(super) fn random(rng: &mut Prg) -> Self {
        let mut wide = Zeroizing::new([0; 64]);
        wide.copy_from_slice(bytemuck::cast_slice(&rng.elements::<Z128>(4)));
        let key = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide));
        let own = Zeroizing::new(*key * Scalar::from(4_u64));
        let minus = Zeroizing::new((-*own).to_bytes());
        let mut public = [RISTRETTO_BASEPOINT_COMPRESSED.to_bytes()];
        Backend::active().ristretto_multiply(&[*minus], &mut public);
        let [public] = public;
        Self { asked: Zeroizing::new(key.to_bytes()), own: Zeroizing::new(own.to_bytes()), public }
    }

    /// −4k·G, which takes blinds off.
    pub(super) const fn public(&self) -> &Point {
        &self.public
    }

    /// 8k times the elements of this side's items.
    pub(super) fn own(&self, items: impl Iterator<Item = u128>) -> Vec<Point> {
        let mut points = hashed(TO_FIELD, items);
        on_all_cores(points.chunks_mut(PART), |part| {
            Backend::active().ristretto_raise_map(&self.own, part);
        });
        points
    }

    /// 2k times what came from the peer.
    ///
    /// # Errors
    /// If one of them is no encoding, or the neutral element's.
    pub(super) fn answer(&self, pair: &Pair<'_>, points: &mut [Point]) -> Result<(), SessionError> {
        on_all_cores(points.chunks_mut(PART), |part| {
            Backend::active().ristretto_raise(&self.asked, part);
        });
        refused(pair, points)
    }
}

/// Keys do not print.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// The receiver's blinds of what it asked and was not answered yet, and the base that takes them off.
pub(super) struct Blinds {
    fresh: Prg,
    waiting: VecDeque<Zeroizing<Vec<Point>>>,
    base: Option<FixedBase>,
}

impl Blinds {
    /// None yet.
    pub(super) fn new(rng: &mut Prg) -> Self {
        let mut seed = Zeroizing::new([0; 16]);
        seed.copy_from_slice(bytemuck::cast_slice(&rng.elements::<Z128>(1)));
        Self { fresh: Prg::new(&seed), waiting: VecDeque::new(), base: None }
    }

    /// Asks about items, each under a blind of its own that serves this once.
    ///
    /// # Security
    /// Blinds are uniform below 2^252: so near the order, 2^252 + 2^124.6, that what is asked is 2^−127 from a uniform element,
    /// whatever the item.
    pub(super) fn ask(&mut self, items: impl Iterator<Item = u128>) -> Vec<Point> {
        let mut points = hashed(TO_FIELD, items);
        let mut blinds = Zeroizing::new(vec![[0; 32]; points.len()]);
        let words = self.fresh.elements::<Z128>(2 * points.len());
        blinds.as_flattened_mut().copy_from_slice(bytemuck::cast_slice(&words));
        blinds.iter_mut().for_each(|blind| blind[31] &= 0x0f);
        let parts = blinds.chunks(PART).zip(points.chunks_mut(PART));
        on_all_cores(parts, |(blinds, part)| {
            Backend::active().ristretto_add_to_map(FixedBase::generator(), blinds, part);
        });
        self.waiting.push_back(blinds);
        points
    }

    /// Hears the sender's public key, if it has not.
    ///
    /// # Errors
    /// If it is none; the link's errors pass through.
    pub(super) fn hear_key(&mut self, pair: &mut Pair<'_>) -> Result<(), SessionError> {
        if self.base.is_none() {
            let base = FixedBase::new(&pair.recv_array()?);
            self.base = Some(base.ok_or_else(|| pair.invalid(BAD))?);
        }
        Ok(())
    }

    /// 8k times the elements of the items that were asked about longest ago, from their answers.
    ///
    /// # Errors
    /// If an answer is no encoding, or the neutral element's; [`SessionError::Misuse`] for one that was not asked for.
    pub(super) fn unblind(
        &mut self,
        pair: &Pair<'_>,
        answers: &mut [Point],
    ) -> Result<(), SessionError> {
        // The neutral element has no place among answers, and a blind would hide it.
        refused(pair, answers)?;
        let (Some(blinds), Some(base)) = (self.waiting.pop_front(), &self.base) else {
            return Err(pair.misuse("an answer that was not asked for"));
        };
        on_all_cores(blinds.chunks(PART).zip(answers.chunks_mut(PART)), |(blinds, part)| {
            Backend::active().ristretto_add(base, blinds, part);
        });
        refused(pair, answers)
    }
}

/// What is said of a bad point.
const BAD: &str = "a point that is no encoding, or the neutral element's";

/// An error if one of the points is 0.
fn refused(pair: &Pair<'_>, points: &[Point]) -> Result<(), SessionError> {
    if points.contains(&[0; 32]) { Err(pair.invalid(BAD)) } else { Ok(()) }
}
