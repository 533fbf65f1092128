//! What this party signs of sums by masks: written down before a word of it is said, once a round of a job, ever.

use std::sync::Arc;

use federated::disk::DiskError;
use tokio::runtime::Handle;

use super::desk::Desk;
use crate::{
    identity::Hash32,
    job::{JobId, Reason},
    plan::SignOnce,
};

impl Desk {
    /// This party's account of what it signs in a job. Called on threads that block.
    pub(super) fn sign_once(&self, job: JobId) -> SignOnce {
        let (store, runtime) = (self.store.clone(), Handle::current());
        Arc::new(move |round, sets| {
            let signed = runtime.block_on(store.sign_sum(job, round, Hash32(*sets)));
            signed.map_err(|error| {
                DiskError::new(error.to_string(), Reason::of_fault(&error) == Reason::DiskFull)
            })
        })
    }
}
