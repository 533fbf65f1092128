//! What a provider's publications say at the last: each id, in their order, with a digest of its label. By it is known what has changed since,
//! without the table of before.
//!
//! Ids are those under the salt of the publications, and digests are made under a key of the file's own. It is this party's own data, for
//! its eyes alone.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    path::Path,
};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::fetched::unfinished;

const MAGIC: [u8; 8] = *b"UNSSTND1";
const KEY_BYTES: usize = 32;
const HASH_BYTES: usize = 32;

/// An id, and the digest of its label.
pub(super) type Entry = (u128, u128);

/// What is compared of labels, under a key.
pub(super) struct Digests(Zeroizing<[u8; KEY_BYTES]>);

impl Digests {
    pub(super) fn new(key: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(key)
    }

    /// Of the label of an id: of equal labels of two ids it differs.
    pub(super) fn of(&self, id: u128, label: &[u8]) -> u128 {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&id.to_le_bytes()).update(label);
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        u128::from_le_bytes(digest)
    }
}

/// What stands, as it is read: from the first id to the last.
pub(super) struct Standing {
    file: BufReader<File>,
    digests: Digests,
    left: u64,
    hasher: blake3::Hasher,
}

impl Standing {
    /// What stands since the publication of this number, if that is the last that was made.
    pub(super) fn open(path: &Path, epoch: u64) -> Option<Self> {
        let mut file = BufReader::new(File::open(path).ok()?);
        let mut hasher = blake3::Hasher::new();
        let [magic, number] = [take(&mut file, &mut hasher)?, take(&mut file, &mut hasher)?];
        let key = Zeroizing::new(take(&mut file, &mut hasher)?);
        let left = u64::from_le_bytes(take(&mut file, &mut hasher)?);
        let fits = magic == MAGIC && number == epoch.to_le_bytes();
        fits.then(|| Self { file, digests: Digests(key), left, hasher })
    }

    /// How labels are compared with those that stand.
    pub(super) fn digests(&self) -> Digests {
        Digests(self.digests.0.clone())
    }

    /// The next one, if there is one.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        if self.left == 0 {
            return Ok(None);
        }
        let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let mut number = || take(&mut self.file, &mut self.hasher).map(u128::from_le_bytes);
        let entry = (number().ok_or_else(cut)?, number().ok_or_else(cut)?);
        self.left -= 1;
        Ok(Some(entry))
    }

    /// Whether what was read is what was written, now that all of it was.
    pub(super) fn ended_whole(mut self) -> bool {
        let mut hash = [0; HASH_BYTES];
        self.left == 0
            && self.file.read_exact(&mut hash).is_ok()
            && *self.hasher.finalize().as_bytes() == hash
    }
}

fn take<const N: usize>(file: &mut impl Read, hasher: &mut blake3::Hasher) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).ok()?;
    hasher.update(&bytes);
    Some(bytes)
}

/// What will stand, as it is written: beside its place, until the publication that says it is there.
pub(super) struct Writing {
    file: BufWriter<NamedTempFile>,
    hasher: blake3::Hasher,
}

impl Writing {
    /// So many entries, since the publication of this number.
    pub(super) fn new(
        folder: &Path,
        (epoch, entries): (u64, u64),
        digests: &Digests,
    ) -> io::Result<Self> {
        let file = BufWriter::new(unfinished(folder)?);
        let mut writing = Self { file, hasher: blake3::Hasher::new() };
        for part in [&MAGIC[..], &epoch.to_le_bytes(), &*digests.0, &entries.to_le_bytes()] {
            writing.write(part)?;
        }
        Ok(writing)
    }

    /// The next one.
    pub(super) fn push(&mut self, (id, digest): Entry) -> io::Result<()> {
        self.write(&id.to_le_bytes())?;
        self.write(&digest.to_le_bytes())
    }

    /// All of it is there: in its place from now on.
    pub(super) fn keep(mut self, path: &Path) -> io::Result<()> {
        let hash = *self.hasher.finalize().as_bytes();
        self.file.write_all(&hash)?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error).map(drop)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.file.write_all(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests() -> Digests {
        Digests::new(Zeroizing::new([5; KEY_BYTES]))
    }

    fn written(folder: &Path, entries: &[Entry]) -> std::path::PathBuf {
        let path = folder.join("a.standing");
        let mut writing = Writing::new(folder, (7, entries.len() as u64), &digests()).unwrap();
        entries.iter().for_each(|entry| writing.push(*entry).unwrap());
        writing.keep(&path).unwrap();
        path
    }

    fn read(path: &Path) -> Option<(Vec<Entry>, bool)> {
        let mut standing = Standing::open(path, 7)?;
        let mut entries = Vec::new();
        while let Some(entry) = standing.next().ok()? {
            entries.push(entry);
        }
        Some((entries, standing.ended_whole()))
    }

    #[test]
    fn what_stands_is_read_as_it_was_written_and_what_is_damaged_is_not_whole() {
        let dir = tempfile::tempdir().unwrap();
        for n in [0, 1, 1000] {
            let entries: Vec<_> = (0..n).map(|i| (i, i * i)).collect();
            let path = written(dir.path(), &entries);
            assert_eq!(read(&path), Some((entries, true)));
            assert!(Standing::open(&path, 8).is_none(), "of another publication");
            let good = std::fs::read(&path).unwrap();
            for at in [0, 8, 16, 50, good.len() - 1] {
                let mut bad = good.clone();
                bad[at] ^= 1;
                std::fs::write(&path, bad).unwrap();
                assert!(read(&path).is_none_or(|(_, whole)| !whole), "byte {at} of {n}");
            }
            std::fs::write(&path, &good[..good.len() - 1]).unwrap();
            assert!(read(&path).is_none_or(|(_, whole)| !whole), "cut short");
        }
    }

    #[test]
    fn equal_labels_of_two_ids_are_not_seen_to_be_equal() {
        let digests = digests();
        assert_eq!(digests.of(1, b"a"), digests.of(1, b"a"));
        assert_ne!(digests.of(1, b"a"), digests.of(2, b"a"));
        assert_ne!(digests.of(1, b"a"), digests.of(1, b"b"));
        let other = Digests::new(Zeroizing::new([6; KEY_BYTES]));
        assert_ne!(digests.of(1, b"a"), other.of(1, b"a"));
    }
}
