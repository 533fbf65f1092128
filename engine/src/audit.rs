//! Evidence: a receipt for every job that all its parties signed, and each party's own chain of what it did.
//!
//! A receipt is checked offline with the keys it carries, or better with pins. It holds hashes, names, public sizes and
//! what was opened; never a value of a table.

mod assemble;
mod check;
mod contribution;
mod ledger;
mod log;
mod part;
mod receipt;
mod renewed;
mod verify;

pub use assemble::{JobFacts, assemble};
pub use check::check_own_part;
pub use contribution::{Contribution, ContributionCertificate};
pub use ledger::Ledger;
pub use log::{AuditLog, Event, LogError, LogHead, verify_log};
pub use part::{Failure, PART_DOMAIN, PartLink, ReceiptPart};
pub use receipt::{
    Fault, Flow, InputEntry, Leakage, LinkEntry, MASKED, Meter, Opened, OpenedKind, OutputEntry,
    PartyEntry, PartyRole, PartySignature, Protocol, RECEIPT_DOMAIN, RECEIPT_SCHEMA, Receipt,
    ReceiptBody, RunOutcome, Times, inputs_root, leakage_hash, sql_hash,
};
pub use verify::{Report, read, verify};

#[cfg(test)]
pub(crate) mod tests;
