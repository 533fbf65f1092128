//! A participant's datasets as they are now: described again when their files change.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, PoisonError, RwLock},
    time::Duration,
};

use super::compilation::DATASET_DOMAIN;
use crate::{
    catalog::{Catalog, DatasetDescriptor},
    identity::{IdentityKey, PartyName, Signed},
    job::{Failure, Reason, Stage},
    wire,
};

/// How long whoever asks waits for files that are being described anew: a coordinator gives up after half as long again.
const PATIENCE: Duration = Duration::from_secs(20);

/// The datasets, and who signs for them.
#[derive(Clone)]
pub(super) struct Tables(Arc<Kept>);

struct Kept {
    name: PartyName,
    key: Arc<IdentityKey>,
    now: RwLock<Arc<Described>>,
    /// Whether files are being read; whoever comes meanwhile waits for that.
    reads: Mutex<bool>,
    read: Condvar,
}

/// The datasets at one time. A job is prepared on one of these, whatever happens to files meanwhile.
pub(super) struct Described {
    pub(super) catalog: Catalog,
    /// What is published of them, signed (JSON).
    pub(super) descriptors: Vec<Vec<u8>>,
}

impl Tables {
    pub(super) fn new((name, key): (PartyName, Arc<IdentityKey>), catalog: Catalog) -> Self {
        let now = RwLock::new(Arc::new(described(&name, &key, catalog)));
        let (reads, read) = (Mutex::default(), Condvar::new());
        Self(Arc::new(Kept { name, key, now, reads, read }))
    }

    /// The datasets as they were described the last time.
    pub(super) fn now(&self) -> Arc<Described> {
        self.0.now()
    }

    /// The datasets as their files are now. If that takes long to find out, as they were, and soon as they are.
    pub(super) fn renewed(&self) -> Arc<Described> {
        if self.now().catalog.is_outdated() {
            let mut reads = self.0.reads.lock().unwrap_or_else(PoisonError::into_inner);
            if !*reads {
                *reads = true;
                let kept = Arc::clone(&self.0);
                std::thread::spawn(move || kept.renew());
            }
            let waited = self.0.read.wait_timeout_while(reads, PATIENCE, |reads| *reads);
            if waited.is_ok_and(|(reads, _)| *reads) {
                tracing::warn!("a file that changed is not read to its end yet");
            }
        }
        self.now()
    }

    /// Why a description that somebody brought, and that is not among these, cannot be planned with.
    pub(super) fn stale(&self, json: &[u8]) -> Option<Failure> {
        let read = wire::parse("dataset descriptor", Stage::Validate, json);
        let signed: Signed<DatasetDescriptor> = read.ok()?;
        signed.verify(DATASET_DOMAIN, &self.0.key.public()).ok()?;
        let dataset = signed.body.table();
        let words = format!(
            "dataset `{dataset}`: its description is not what it was when the job was planned; submit the job again"
        );
        Some(Failure::new(Reason::InputInvalid, Stage::Validate, words).at(&self.0.name))
    }
}

impl Kept {
    fn now(&self) -> Arc<Described> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn renew(&self) {
        // However it ends, the next one may try.
        let _ends = Ends(self);
        let renewed = described(&self.name, &self.key, self.now().catalog.renewed());
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(renewed);
    }
}

/// The end of a reading.
struct Ends<'a>(&'a Kept);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        *self.0.reads.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.read.notify_all();
    }
}

fn described(name: &PartyName, key: &IdentityKey, catalog: Catalog) -> Described {
    let sign = |descriptor: &DatasetDescriptor| {
        wire::write(&Signed::new(DATASET_DOMAIN, descriptor.clone(), name.clone(), key))
    };
    let descriptors = catalog.descriptors().map(sign).collect();
    Described { catalog, descriptors }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tables({:?})", self.now().catalog)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::catalog::{DatasetConfig, Source};

    #[test]
    fn what_is_published_follows_the_file_and_an_older_description_of_ones_own_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        let text = |rows: u32| (0..rows).fold("id\n".to_owned(), |t, row| t + &format!("{row}\n"));
        fs::write(&path, text(9)).unwrap();
        let (name, source) = ("t".to_owned(), Source::Path(path.clone()));
        let config =
            DatasetConfig { name, source, entity_key: None, rows_max: None, columns: vec![] };
        let census = PartyName::try_from("census").unwrap();
        let catalog = Catalog::open(&census, vec![config]).unwrap();
        let key = IdentityKey::from_seed(&[1; 32]);
        let tables = Tables::new((census.clone(), Arc::new(key)), catalog);
        let before = tables.renewed();
        assert!(Arc::ptr_eq(&before, &tables.renewed()));
        fs::write(&path, text(1500)).unwrap();
        let after = tables.renewed();
        assert!(Arc::ptr_eq(&after, &tables.now()));
        assert_eq!(after.catalog.descriptor("t").unwrap().rows_max, 2048);
        assert_eq!(before.catalog.descriptor("t").unwrap().rows_max, 1024);
        let [older] = &before.descriptors[..] else { panic!() };
        assert!(!after.descriptors.contains(older));
        let failure = tables.stale(older).unwrap();
        assert_eq!((failure.reason, failure.party.as_ref()), (Reason::InputInvalid, Some(&census)));
        assert!(failure.message.contains("`census.t`") && failure.message.contains("submit"));
        // What somebody else signed in this party's name is no older description.
        let other = IdentityKey::from_seed(&[2; 32]);
        let forged = described(&census, &other, before.catalog.renewed()).descriptors;
        assert!(tables.stale(&forged[0]).is_none());
    }
}
