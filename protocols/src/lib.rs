//! What three parties compute with each other on secret shares, and what two or more find out about their sets. Knows vectors,
//! not tables; peers, not jobs.
//!
//! | notation | means |
//! |---|---|
//! | `x = x_0 + x_1 + x_2` | replicated sharing in a ring: party `i` holds `own = x_i` and `next = x_{i+1}` |
//! | `K_i` | the key of summand `i`, known to the two parties that hold it, P_i and P_{i−1} |
//! | plane | one bit of every row of a column, 64 rows a word |
//! | round | a message that had to wait for another; the critical path is counted, not the calls |
//!
//! | protocol | adversary | source |
//! |---|---|---|
//! | everything in [`mpc`] and [`relational`] | semi-honest, one of the three compute parties | named in each module |
//! | [`ot`] and [`vole`], between two parties | semi-honest or malicious, as asked | Masny–Rindal, SoftSpokenOT, expand-convolute codes |
//! | [`psi::vole_psi`] | semi-honest or malicious, as asked; what malicious means there stands in the module | Raghuraman–Rindal, Rindal–Schoppmann |
//! | [`psi::lookup`] | a malicious provider cannot use another key than the one it published | RFC 9497 |
//! | the other protocols in [`psi`] | semi-honest | named in each module |
//!
//! No protocol of three withstands a party that deviates.
//!
//! ```text
//! testkit
//! psi › relational › mpc › session › prss | sample › prg › share › ring › kernels
//! psi › vole › ot | okvs › session
//!                    session › net › party
//! ```
//!
//! # Invariants
//! * No table, no job, no async runtime, no gRPC.
//! * What talks takes `&mut Session`, `&mut Pair` or `&mut Wire`; what does not is an ordinary method.
//! * Message lengths, counts and order, and keystream positions, depend on public sizes only.
//! * A value leaves its shares in `mpc::reveal` or, sealed, above this crate, and a set shows something of itself in `psi`; all
//!   pass the gate.
//! * `unsafe` lives in [`kernels`] only.

pub mod kernels;
pub mod mpc;
pub mod net;
pub mod okvs;
pub mod ot;
pub mod party;
pub mod prg;
pub mod prss;
pub mod psi;
pub mod relational;
pub mod ring;
pub mod sample;
pub mod session;
pub mod share;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
pub mod vole;
