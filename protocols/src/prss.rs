//! Pseudo-random secret sharing: each pair of parties has a key, so all three can make correlated randomness without talking.
//!
//! Key `K_i` is known to the two parties that hold summand `x_i`: P_i and P_{i-1}. A keystream position is
//! (step of the plan, block), and the block counter advances by public lengths only, alike at all three parties,
//! whether or not a party uses what it passes. \[AFLNO16\] §2.2; \[CDI05\] Cramer, Damgård, Ishai, TCC 2005.

use std::{fmt, sync::Arc};

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    kernels::AesKey,
    party::Role,
    ring::{Buf, Ring, Word},
    share::Shared,
};

/// A secret that two parties agreed on for one run.
pub type PairSecret = Zeroizing<[u8; 32]>;

/// One party's two keys and its place in their keystreams.
pub struct Prss {
    role: Role,
    own: Arc<AesKey>,
    next: Arc<AesKey>,
    path: u64,
    block: u64,
}

/// Where a stretch of every keystream begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    path: u64,
    block: u64,
}

impl Prss {
    /// Keys from the secrets shared with the previous party (`own`) and the next one (`next`).
    #[must_use]
    pub fn new(role: Role, own: &PairSecret, next: &PairSecret) -> Self {
        Self { role, own: Arc::new(expand(own)), next: Arc::new(expand(next)), path: 0, block: 0 }
    }

    /// Moves to a step of the plan, whose keystream positions no other step uses.
    pub(crate) fn enter(&mut self, path: u64) {
        self.path = path;
        self.block = 0;
    }

    /// The same keys at the start of another step.
    pub(crate) fn at(&self, path: u64) -> Self {
        let (own, next) = (Arc::clone(&self.own), Arc::clone(&self.next));
        Self { role: self.role, own, next, path, block: 0 }
    }

    /// The same keys under other names of the summands: this party's own one is `role`'s from now on.
    pub(crate) fn play(&mut self, role: Role) {
        self.role = role;
    }

    /// Passes `words` elements of every keystream and returns where they start.
    fn take<W: Word>(&mut self, words: usize) -> u64 {
        let start = self.block;
        self.block += (words * size_of::<W>()).div_ceil(16) as u64;
        start
    }

    /// This party's summands of a sharing of `n` zeros: uniform, adding up to zero over the three parties.
    pub fn zero_share<R: Ring>(&mut self, out: &mut [R::Word]) {
        let block = self.take::<R::Word>(out.len());
        R::zero_share(out, [&self.own, &self.next], self.path, block);
    }

    /// Shares of `n` uniform elements that nobody knows.
    pub fn random<R: Ring>(&mut self, n: usize) -> Shared<R> {
        let block = self.take::<R::Word>(n);
        let [mut own, mut next] = [Buf::scratch(n), Buf::scratch(n)];
        R::keystream(&mut own, &self.own, self.path, block);
        R::keystream(&mut next, &self.next, self.path, block);
        Shared::from_parts(own, next)
    }

    /// Passes `words` elements of every keystream, to be made later, in any order and in parts.
    pub(crate) fn stretch<R: Ring>(&mut self, words: usize) -> Stretch {
        Stretch { path: self.path, block: self.take::<R::Word>(words) }
    }

    /// Elements of summand `index`'s keystream from element `at` of a stretch on; `at` is a multiple of 16 bytes.
    ///
    /// # Panics
    /// If this party does not hold that summand.
    pub(crate) fn fill<R: Ring>(
        &self,
        index: Role,
        stretch: Stretch,
        at: usize,
        out: &mut [R::Word],
    ) {
        let bytes = at * size_of::<R::Word>();
        debug_assert!(bytes.is_multiple_of(16), "parts begin with a block");
        assert_ne!(index, self.role.prev(), "{} does not hold summand {index}", self.role);
        let key = if index == self.role { &self.own } else { &self.next };
        R::keystream(out, key, stretch.path, stretch.block + (bytes / 16) as u64);
    }

    /// Keystream of summand `index` where this party knows its key; advances alike at all parties.
    ///
    /// Returns `None` at the one party that does not hold that summand.
    pub fn summand<R: Ring>(&mut self, index: Role, n: usize) -> Option<Buf<R::Word>> {
        let block = self.take::<R::Word>(n);
        let key = if index == self.role {
            &self.own
        } else if index == self.role.next() {
            &self.next
        } else {
            return None;
        };
        let mut out = Buf::scratch(n);
        R::keystream(&mut out, key, self.path, block);
        Some(out)
    }
}

/// The AES-128 key of a pair secret.
fn expand(secret: &PairSecret) -> AesKey {
    let mut key = Zeroizing::new([0; 16]);
    let hkdf = Hkdf::<Sha256>::new(None, secret.as_ref());
    // 16 bytes are far below HKDF's limit, so this cannot fail.
    let expanded = hkdf.expand(b"unseen/v1 prss aes-128", key.as_mut());
    debug_assert!(expanded.is_ok());
    AesKey::new(&key)
}

/// Keys do not print.
impl fmt::Debug for Prss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prss({}, step {}, block {})", self.role, self.path, self.block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::{B64, Z32, Z64, Z128};

    fn three(seed: u8) -> [Prss; 3] {
        let secret = [0, 1, 2].map(|i| Zeroizing::new([seed + i; 32]));
        Role::ALL.map(|r| Prss::new(r, &secret[r.index()], &secret[r.next().index()]))
    }

    fn zeros_add_up<R: Ring>(n: usize) {
        let mut parties = three(1);
        for _ in 0..2 {
            let mut sum = vec![R::ZERO; n];
            for prss in &mut parties {
                let mut share = vec![R::ZERO; n];
                prss.zero_share::<R>(&mut share);
                assert!(n == 0 || share.iter().any(|w| *w != R::ZERO));
                R::add_assign(&mut sum, &share);
            }
            assert!(sum.iter().all(|w| *w == R::ZERO), "{} n = {n}", R::NAME);
        }
    }

    #[test]
    fn zero_shares_add_up_to_zero() {
        for n in [0, 1, 2, 3, 63, 64, 65, 1000] {
            zeros_add_up::<Z32>(n);
            zeros_add_up::<Z64>(n);
            zeros_add_up::<Z128>(n);
            zeros_add_up::<B64>(n);
        }
    }

    #[test]
    fn two_parties_hold_each_summand_and_all_advance_alike() {
        let mut parties = three(1);
        for index in Role::ALL {
            let got: Vec<_> = parties.iter_mut().map(|p| p.summand::<Z32>(index, 5)).collect();
            assert_eq!(got[index.next().index()].as_deref(), None);
            assert!(got[index.index()].is_some());
            assert_eq!(got[index.index()].as_deref(), got[index.prev().index()].as_deref());
        }
        assert!(parties.iter().all(|p| p.block == parties[0].block));
    }

    #[test]
    fn no_two_steps_and_no_two_calls_share_a_mask_block() {
        let mut prss = three(1).into_iter().next().unwrap();
        let mut seen = std::collections::HashSet::new();
        for path in 0..4 {
            prss.enter(path);
            for _ in 0..4 {
                for words in prss.random::<Z128>(8).own() {
                    assert!(seen.insert(*words), "a mask block came twice");
                }
            }
        }
    }
}
