//! Diffie–Hellman set intersection on ristretto255: the receiver blinds what it asks by a summand of its own for each item.
//!
//! With H a hash to the group and G its generator, the sender (set Y) draws a key k, the receiver (set X) a blind r for every item:
//!
//! ```text
//! receiver                                              sender
//!                                         ◀───────      K = k·G
//!    H(x) + r·G of every x, in random order ──────▶
//!                                         ◀───────      k·H(y) of every y, in random order, shortened
//!                                         ◀───────      k·(H(x) + r·G), in the order received
//!    x is common if k·(H(x) + r·G) − r·K = k·H(y) for some y
//!    which y were common, and a digest    ───────▶      if both are to learn the result
//! ```
//!
//! The [count] alone has another protocol, where both sides raise everything.
//!
//! Everything goes in chunks, each sent one ahead of its turn, so that both sides work all the time, each on all the cores it has. The
//! sender raises both sets, five microseconds of a core an element; the receiver adds multiples of two fixed points from tables, two
//! microseconds each. 74 bytes an element of equal sets, but no setup at all: for small sets, and for many counterparties.
//! Messages are Unseen's own, those of the [count] too: no other library's Diffie–Hellman intersection understands them. A sender that answers
//! often about one set keeps it [prepared](Prepared).
//!
//! # Security
//! Semi-honest.
//!
//! What the sender sees are uniform elements, whatever the receiver's items: each is hidden by a blind that serves once. What the
//! receiver sees, K, its own k·H(x) and in random order some bytes of every k·H(y), looks like random elements but for the common
//! ones, by decisional Diffie–Hellman with H a random oracle. H is BLAKE3 to a field element and `MAP` of RFC 9496 from there, once:
//! its image is a part of the group, but elements of it with a preimage can be drawn at random, which is what the proof asks of H. The
//! order of the group is prime. An encoding that is none, or the neutral element's, ends the run.
//!
//! The receiver must know the key that belongs to k: here the sender tells it, and follows the protocol. One that does not may tell
//! another K, so that items are lost, or answer so that an item matches exactly if it is one that the sender guessed: where the
//! sender hears what matched, a guess tested, as it also is by an item put into the sender's set. It makes no item match that it did
//! not guess. A receiver that does not may ask about elements of its own making, and gets as many multiples as it stated items:
//! that they tell of no more items than that is the one-more Diffie–Hellman assumption of the first source, where the result is hashed
//! once more; nothing is claimed here.
//!
//! # Buckets
//!
//! [`send_from`] and [`receive_from`] read their sets bucket by bucket, by the first bits of the ids, and pad each to a size that
//! follows from the sizes of the sets, so that memory follows from the bucket and nothing is told by how full it is. The steps go on
//! from one bucket into the next without a pause: its first points are under way while the last ones of the bucket before are
//! answered and compared. One key serves all buckets of an attempt, as it serves all items of a set in one piece. That a
//! point belongs to an item of this bucket, or to a random one, is all that the order of buckets adds.
//!
//! Where a link is lost, another attempt goes on over another one: both sides say how many buckets they are done with, compare a
//! digest of what they saw of those that both are, and repeat the others, two at most, under fresh keys, blinds and orders and with
//! other random items. Against sides that follow the protocol a repeated bucket shows what its first run would have shown: random
//! points, and the outcome. A side that deviates may put other items into the buckets that are repeated, two for each attempt; whoever
//! runs this bounds their number. What is opened passes the gate in the first attempt alone.
//!
//! The sender cannot know how large the intersection is before the receiver does: a minimum size, or noise, needs
//! another protocol.
//!
//! # Source
//! The function and its two blinds: S. Jarecki, H. Krawczyk, J. Xu, "On the (In)Security of the Diffie–Hellman Oblivious PRF with
//! Multiplicative Blinding", PKC 2021, written multiplicatively there: a = H(x)·g^r, b = a^k, v = b·z^−r with z = g^k. It is safe
//! where z is the right one, and it says what is lost where it is not. The outer hash H2 is left out: between sides that follow the
//! protocol the points themselves look random. All multiples are eight times those above, and K stands for its negative, so that
//! the kernels that double what they encode need no corrections.
//! Intersection by such a function: C. Hazay, Y. Lindell, "Efficient protocols for set intersection and pattern matching with
//! security against malicious and covert adversaries", TCC 2008. Raising on both sides, of which the count is left: C. Meadows, "A
//! more efficient cryptographic matchmaking protocol for use in the absence of a continuously available third party", IEEE S&P 1986; B. Huberman, M. Franklin,
//! T. Hogg, "Enhancing privacy and trust in electronic communities", ACM EC 1999; by an order that tells nothing: E. De Cristofaro,
//! P. Gasti, G. Tsudik, "Fast and private computation of cardinality of set intersection and union", CANS 2012. Elligator 2: RFC
//! 9380 §6.7.1. Ristretto255: RFC 9496.

mod answering;
mod asking;
mod cost;
mod counting;
mod exchange;
mod key;
mod matching;
mod open;
mod order;
mod point;
mod prepared;
mod receiver;
mod report;
mod sender;
mod setting;
mod shape;
mod steps;
#[cfg(test)]
mod tests;

pub use answering::send_from;
pub use asking::receive_from;
pub use cost::{cost, cost_from};
pub use counting::count;

pub use prepared::Prepared;
pub use receiver::receive;
pub use sender::send;
pub use setting::Setting;
pub use shape::{Output, Shape};
