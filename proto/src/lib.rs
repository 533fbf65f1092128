//! Unseen's wire types, generated from `proto/unseen`. A leaf: names nothing of ours, and only the engine names it.

/// Package `unseen.v1`.
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    clippy::missing_errors_doc,
    clippy::or_fun_call,
    clippy::use_self,
    clippy::large_futures,
    clippy::semicolon_if_nothing_returned,
    reason = "generated code; its documentation stands in the .proto files"
)]
pub mod v1 {
    tonic::include_proto!("unseen.v1");

    /// The compiled descriptors, for server reflection.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/unseen.bin"));
}

/// Package `unseen.trainer.v1`: what a provider's own programs offer its daemon.
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    clippy::missing_errors_doc,
    clippy::or_fun_call,
    clippy::use_self,
    clippy::large_futures,
    clippy::semicolon_if_nothing_returned,
    reason = "generated code; its documentation stands in the .proto file"
)]
pub mod trainer {
    tonic::include_proto!("unseen.trainer.v1");
}
