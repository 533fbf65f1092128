//! Diffie–Hellman set intersection on Curve25519, by u-coordinates alone.
//!
//! With H a hash to the curve, the receiver (set X) draws an exponent a, the sender (set Y) an exponent b:
//!
//! ```text
//! receiver                                              sender
//!    H(x)^a of every x, in random order   ───────▶
//!                                         ◀───────      H(y)^b of every y, in random order
//!                                         ◀───────      (H(x)^a)^b, in the order received, shortened
//!    x is common if (H(x)^a)^b = (H(y)^b)^a for some y
//!    which y were common, and a digest    ───────▶      if both are to learn the result
//! ```
//!
//! Everything goes in chunks, each sent one ahead of its turn, so that both sides work all the time, each on all the cores it has. Some
//! five microseconds of a core an element and 76 bytes, but no setup at all: for small sets, for many counterparties, and where the
//! other side speaks nothing else. A sender that answers often about one set keeps it [prepared](Prepared).
//!
//! # Security
//! Semi-honest, under decisional Diffie–Hellman with H a random oracle: points raised to a secret exponent look like random
//! ones, so each side sees random points but for the common ones. H is BLAKE3 to a field element and Elligator 2 from there.
//! An item must never be taken for a u-coordinate itself: the ladder keeps on the curve what is on the curve and on the twist
//! what is on the twist, which would show one bit of each item. Exponents are multiples of 8, so that of a point only its
//! part in the subgroup of prime order counts; the twist is as hard as the curve. A point that is not canonical, or that an
//! exponent takes to the neutral element, ends the run.
//!
//! # Buckets
//!
//! [`send_from`] and [`receive_from`] read their sets bucket by bucket, by the first bits of the ids, and pad each to a size that
//! follows from the sizes of the sets, so that memory follows from the bucket and nothing is told by how full it is. The steps go on
//! from one bucket into the next without a pause: its first points are under way while the last ones of the bucket before are
//! answered and compared. One exponent of a side serves all buckets of an attempt, as it serves all items of a set in one piece. That a
//! point belongs to an item of this bucket, or to a random one, is all that the order of buckets adds.
//!
//! Where a link is lost, another attempt goes on over another one: both sides say how many buckets they are done with, compare a
//! digest of what they saw of those that both are, and repeat the others, two at most, under fresh exponents and orders and with
//! other random items. Against sides that follow the protocol a repeated bucket shows what its first run would have shown: random
//! points, and the outcome. A side that deviates may put other items into the buckets that are repeated, two for each attempt; whoever
//! runs this bounds their number. What is opened passes the gate in the first attempt alone.
//!
//! The sender cannot know how large the intersection is before the receiver does: a minimum size, or noise, needs
//! another protocol.
//!
//! # Source
//! C. Meadows, "A more efficient cryptographic matchmaking protocol for use in the absence of a continuously available third
//! party", IEEE S&P 1986; B. Huberman, M. Franklin, T. Hogg, "Enhancing privacy and trust in electronic communities",
//! ACM EC 1999. The count alone, by an order that tells nothing: E. De Cristofaro, P. Gasti, G. Tsudik, "Fast and private
//! computation of cardinality of set intersection and union", CANS 2012. Elligator 2: RFC 9380 §6.7.1.

mod answering;
mod asking;
mod cores;
mod cost;
mod exchange;
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
pub use point::Exponent;
pub use prepared::Prepared;
pub use receiver::{count, receive};
pub use sender::send;
pub use setting::Setting;
pub use shape::{Output, Shape};
