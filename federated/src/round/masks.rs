//! Rounds with one party that computes: it adds up masked updates, and sees each round's average and no provider's update.
//!
//! ```text
//! party ── the model, its hash before it ─────────▶ provider      trains
//!       ◀── two public keys, signed ────────────────              or declines the round; a seed and the update are on its disk
//!       ── the keys of the others ────────────────▶               on its disk, as the two bodies that follow
//!       ◀── shares of its two secrets, sealed ──────
//!       ── the shares that are for it ────────────▶
//!       ◀── update + own mask ± common masks ───────              in pieces
//!       ── who is in the sum, who was lost ───────▶               writes down that it signs
//!       ◀── signs both ─────────────────────────────
//!       ── the others' signatures ────────────────▶
//!       ◀── one share of each of the others ────────
//! ```
//!
//! Every message is a number that says which step of which round it is, and then a body whose length is public. Who is late
//! is not in the sum and hears so by being asked for the next round; who is lost at any step costs the sum nothing, as long as
//! enough are left to take masks off. Every step has the time of a round.
//!
//! # Memory
//! The party holds the model, the sum, and a few megabytes of each link. A masked update is kept as it comes, on disk where all
//! providers' together are long, and added up when it is whole and what its provider named it; then it is forgotten. One that is whole
//! too late, or never, is in no sum: its provider is one of the lost.
//!
//! # Lost links
//! A link that is lost is made anew, and the two tell each other where they are, as in rounds on shares: what the party said and the
//! provider has not heard is said again, and so is what the provider answered, to the bit, a masked update behind its last whole piece
//! under the hash that it was named by. A provider does each step of a round once, whatever becomes of its links: it trains once, masks
//! once, signs once, and gives shares once; to the party that says anything but the step that it has answered, or a later one, it
//! says nothing more. A step waits for a lost link for a quarter of its time and five seconds at most, or to its end where there are too few
//! without it; who comes back later is in the next round. Whose link does not stand again within a round's time is out for the rest of the job:
//! the thread that serves it says so, which cannot tell a lost link from a provider that was killed, and need not.
//!
//! # Killed providers
//! A provider that keeps what it says ([`super::Pledges`]) and is killed comes back over a link made anew, into the very step: it says to
//! itself again what it has said, from the seed, the update and the bodies on its disk, tells the party where it is as after any lost link,
//! and goes on. Killed before the update is on its disk, it is asked anew and trains again, and nothing had been said. Back when the round has
//! gone on without it, it ends what it was told last, which is thrown away, and is in the next one under fresh keys.
//!
//! # Going on
//! The party keeps whose updates a round's sum is of before it asks anyone to sign, and where the training stands when the round is over
//! ([`super::Keeper`]). Another run goes on from there, under keys and masks of its own. The round that was under way is over the set that
//! was kept, or there is no such round: the first run may have taken its masks off. Providers hold the party to it: for a round of a training
//! they sign for one sum, whichever job it is of.
//!
//! # Security
//! That of [`crate::secagg`]: the party may deviate and conspire with as many providers as the threshold was made for. What is sent
//! again over a link made anew is what was sent before, to whom it was sent; also by a provider that was killed: there is one answer to a
//! step, ever, so that a party that cuts links and kills providers at will sees what it would have seen without. Two processes of one provider
//! never say anything at a time: one has the folder. All providers of a sum were handed the same model: masks,
//! keys and signatures are of its hash, and no two of different models have a mask in common. So the party cannot make others' updates
//! known by a model of their own and find one provider's in the sum (Pasquini, Francati, Ateniese, *Eluding Secure Aggregation in
//! Federated Learning via Model Inconsistency*, CCS 2022, <https://arxiv.org/abs/2111.07380>). It is trusted to hand out the
//! model that it has worked out, and to seal it: providers cannot tell. What it puts in the place of a model for all of them can
//! make an update say more of its rows; it stays one of a sum of [`super::Pace::least`]. A model that was handed out in an earlier round
//! is taken again: trainings that have come to rest hand it out honestly, and whoever compares two sums would change its last bit.

mod adder;
mod clerk;
mod coming;
mod cost;
mod desk;
mod party;
mod pledge;
mod provider;
mod setting;
mod step;
#[cfg(test)]
mod tests;

pub use cost::masked_cost;
pub use party::{Aggregate, Doubt, Doubts, aggregate};
pub use provider::{Member, Once, Signing, take_part_masked};
pub use setting::Masks;
