//! What this party signs of sums by masks: written down before a word of it is said, once a round of a job, and one sum of a
//! round of a training, ever.

use std::sync::Arc;

use federated::disk::DiskError;
use tokio::runtime::Handle;

use super::desk::Desk;
use crate::{
    job::{JobId, Reason},
    plan::SignOnce,
};

impl Desk {
    /// This party's account of what it signs in a job. Called on threads that block.
    pub(super) fn sign_once(&self, job: JobId) -> SignOnce {
        let (store, runtime) = (self.store.clone(), Handle::current());
        Arc::new(move |sum| {
            let signed = runtime.block_on(store.sign_sum(job, &sum));
            signed.map_err(|error| {
                DiskError::new(error.to_string(), Reason::of_fault(&error) == Reason::DiskFull)
            })
        })
    }
}
