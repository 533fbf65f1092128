//! Tables that are made, sent and kept a little at a time: the same tables, and the same refusals.

use std::{
    io::{self, Cursor, Read, Seek, SeekFrom, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use proptest::prelude::*;

use super::{
    super::{filed::Filed, index::Index, label::tag, places::Scratch},
    *,
};
use crate::{net::CHUNK_BYTES, psi::elias_fano, ring::Z128};

/// Sorted numbers of a width.
fn sorted(seed: u8, n: usize, bits: u32) -> Vec<u128> {
    let mut tags = Prg::new(&[seed; 16]).elements::<Z128>(n).to_vec();
    tags.iter_mut().for_each(|tag| *tag >>= 128 - bits);
    tags.sort_unstable();
    tags.dedup();
    tags
}

#[test]
fn an_index_finds_each_tag_at_its_place_and_no_other() {
    for n in [0, 1, 2, 63, 64, 65, 1000, 16_384, 40_000] {
        for bits in [40, 65, 80, 112, 128] {
            let tags = sorted(3, n, bits);
            let code = elias_fano::encode(&tags, bits);
            let index = Index::new(&code, tags.len(), bits).unwrap();
            let step = (n / 300).max(1);
            let ends = tags.first().into_iter().chain(tags.last());
            for tag in tags.iter().step_by(step).chain(ends) {
                let place = tags.binary_search(tag).unwrap() as u64;
                assert_eq!(index.find(&code, *tag), Ok(Some(place)), "{n} of {bits} bits");
                for beside in [tag.wrapping_sub(1), tag ^ 1] {
                    let beside = beside & (u128::MAX >> (128 - bits));
                    let want = tags.binary_search(&beside).ok().map(|at| at as u64);
                    assert_eq!(index.find(&code, beside), Ok(want), "{n} of {bits} bits");
                }
            }
            for absent in [0, u128::MAX >> (128 - bits)] {
                let want = tags.binary_search(&absent).ok().map(|at| at as u64);
                assert_eq!(index.find(&code, absent), Ok(want), "{n} of {bits} bits");
            }
        }
    }
}

/// A provider may sign for tags that lie together: they are found all the same, and not one by one.
#[test]
fn tags_that_lie_together_are_found() {
    for start in [0_u128, 1 << 79] {
        let tags: Vec<u128> = (0..50_000).map(|i| start + 3 * i).collect();
        let code = elias_fano::encode(&tags, 80);
        let index = Index::new(&code, tags.len(), 80).unwrap();
        for at in [0, 1, 16_384, 25_000, 49_999] {
            assert_eq!(index.find(&code, tags[at]), Ok(Some(at as u64)));
            assert_eq!(index.find(&code, tags[at] + 1), Ok(None));
        }
    }
}

proptest! {
    /// What is indexed is what is decoded, and it is found.
    #[test]
    fn an_index_refuses_what_is_no_code(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        marks in any::<bool>(),
        n in 0..60_usize,
        bits in 20..=128_u32,
    ) {
        bytes.resize(elias_fano::len(n, bits), 0);
        if marks {
            // As many marks as are due, so that some of these are codes.
            let tags: Vec<u128> = bytes.chunks(3).take(n).map(|c| u128::from(c[0])).collect();
            let mut tags = [tags, vec![7; n]].concat();
            tags.truncate(n);
            bytes = elias_fano::encode(&{ tags.sort_unstable(); tags }, bits);
            if let Some(byte) = bytes.first_mut() {
                *byte ^= 1;
            }
        }
        let decoded = elias_fano::decode(&bytes, n, bits);
        let indexed = Index::new(&bytes, n, bits);
        prop_assert_eq!(decoded.is_ok(), indexed.is_ok());
        if let (Ok(tags), Ok(index)) = (decoded, indexed) {
            for tag in &tags {
                let place = index.find(&bytes, *tag).unwrap().unwrap();
                prop_assert_eq!(tags[usize::try_from(place).unwrap()], *tag);
            }
        }
    }
}

/// Memory that counts how far it was written.
#[derive(Default)]
struct Counted(Cursor<Vec<u8>>, u64);

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.1 = self.1.max(self.0.position());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn rows_that_are_filed_come_back_in_order_whatever_they_take() {
    for (rows, slot) in [(0, 5), (1, 0), (700, 0), (70_000, 24), (3_000, 2_000), (40, 60_000)] {
        let mut scratch = Counted::default();
        let prefixes = Prg::new(&[9; 16]).elements::<Z128>(rows).to_vec();
        let slot_of = |prefix: u128| -> Vec<u8> {
            prefix.to_le_bytes().into_iter().cycle().skip(3).take(slot).collect()
        };
        let mut filed = Filed::new(&mut scratch, rows as u64, slot);
        for prefix in &prefixes {
            filed.push(*prefix, &slot_of(*prefix)).unwrap();
        }
        assert_eq!(filed.rows(), rows as u64);
        let (mut want, mut parts) = (prefixes.clone(), 0);
        want.sort_unstable();
        let mut want = want.into_iter();
        for part in filed.into_parts() {
            parts += 1;
            for (prefix, label) in part.unwrap().iter() {
                assert_eq!(Some(prefix), want.next());
                assert!(label == slot_of(prefix), "{rows} rows of {slot} bytes");
            }
        }
        assert_eq!(want.next(), None);
        let bytes = rows * (16 + slot);
        assert_eq!(parts, bytes.div_ceil(1 << 20).max(1).next_power_of_two());
        // All but the blocks that are being filled is on disk.
        let written = usize::try_from(scratch.1).unwrap();
        assert!((bytes.saturating_sub(parts * (16_384 + slot))..=bytes).contains(&written));
    }
}

/// The table of rows that come in parts of this size, as a file behind something else.
fn streamed(duo: &Duo, n: usize, parts: usize) -> (Header, Vec<u8>) {
    let (items, labels) = rows(duo, n);
    let terms = Terms { epoch: BASE, queries: 1 << 16, rows: n as u64, label_bytes: 12 };
    let (mut scratch, mut out) = (Cursor::new(Vec::new()), Cursor::new(b"before".to_vec()));
    out.seek(SeekFrom::End(0)).unwrap();
    let mut publisher = Publisher::new(terms, &mut scratch, &mut duo.prg(9)).unwrap();
    // The last rows first: the order in which they come shows nowhere.
    for (items, labels) in items.chunks(parts).zip(labels.chunks(12 * parts)).rev() {
        publisher.push(items, labels).unwrap();
    }
    let (header, _) = publisher.finish(&mut out).unwrap();
    let bytes = out.into_inner();
    (header, bytes.strip_prefix(b"before").unwrap().to_vec())
}

#[test]
fn a_table_is_the_same_however_its_rows_come() {
    for (seed, n) in (60..).zip([0, 1, 63, 64, 65, 1000]) {
        let duo = Duo::new(seed);
        let (items, publication, key) = published(&duo, n);
        for parts in [if n < 100 { 1 } else { 300 }, 1024] {
            let (header, body) = streamed(&duo, n, parts);
            assert_eq!(header, publication.header, "seed {seed}");
            assert!(body == publication.body, "seed {seed}");
        }
        // As a list of tags and of labels, written down without streams.
        let Publication { header, body } = publication;
        let outputs = publish::functions(&key, &items);
        let mut all: Vec<_> = outputs.into_iter().zip(0..).collect();
        all.sort_unstable_by_key(|(output, _)| tag(output, header.tag_bits()));
        let tags: Vec<u128> = all.iter().map(|(out, _)| tag(out, header.tag_bits())).collect();
        let code = elias_fano::encode(&tags, header.tag_bits());
        assert!(body.starts_with(&code), "seed {seed}");
        assert_eq!(header.digest, *blake3::hash(&body).as_bytes());
        let table = header.open(&body).unwrap();
        for (output, i) in &all {
            assert_eq!(table.find(output), Ok(label(*i)), "seed {seed}");
        }
        assert_eq!(table.find(&[3; 64]), Ok(Answer::Absent));
    }
}

#[test]
fn rows_that_do_not_add_up_are_refused() {
    let terms = Terms { epoch: BASE, queries: 1, rows: 2, label_bytes: 0 };
    let made = |push: &[u128]| {
        let (mut scratch, mut body) = (Cursor::new(Vec::new()), Cursor::new(Vec::new()));
        let mut publisher = Publisher::new(terms, &mut scratch, &mut Prg::new(&[1; 16])).unwrap();
        publisher.push(push, &[]).unwrap();
        assert_eq!(publisher.withdraw(&[3]), Err(PublishError::Withdrawn));
        publisher.finish(&mut body).map(drop)
    };
    assert_eq!(made(&[1, 2]), Ok(()));
    assert_eq!(made(&[1]), Err(PublishError::Count { want: 2, got: 1 }));
    assert_eq!(made(&[1, 2, 3]), Err(PublishError::Count { want: 2, got: 3 }));
    assert_eq!(made(&[2, 2]), Err(PublishError::Duplicate));
}

/// A disk that fails.
struct Full;

impl Read for Full {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Full {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Ok(0)
    }
}

#[test]
fn a_disk_that_fails_is_told() {
    let full = PublishError::Storage(io::ErrorKind::StorageFull);
    let made = |scratch: &mut dyn Scratch, out: &mut dyn Scratch| {
        let terms = Terms { epoch: BASE, queries: 1, rows: 20, label_bytes: 1000 };
        let mut publisher = Publisher::new(terms, scratch, &mut Prg::new(&[1; 16]))?;
        let items: Vec<u128> = (0..20).collect();
        publisher.push(&items, &[0; 20_000])?;
        publisher.finish(out).map(drop)
    };
    assert_eq!(made(&mut Full, &mut Cursor::new(Vec::new())), Err(full));
    assert_eq!(made(&mut Cursor::new(Vec::new()), &mut Full), Err(full));
}

/// A table whose file is cut after it was opened.
struct Cut(Vec<u8>, Arc<AtomicU64>);

impl Places for Cut {
    fn bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        if at + out.len() as u64 > self.1.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.0.read_at(at, out)
    }
}

#[test]
fn a_table_that_can_no_longer_be_read_is_told() {
    let duo = Duo::new(70);
    let (items, Publication { header, body }, key) = published(&duo, 300);
    let cut = TableError::Storage(io::ErrorKind::UnexpectedEof);
    let outputs = publish::functions(&key, &items);
    for left in [0, 1000, body.len() as u64 - 1] {
        let readable = Arc::new(AtomicU64::new(u64::MAX));
        let cut_later = || Box::new(Cut(body.clone(), Arc::clone(&readable)));
        let table = header.open_stored(cut_later()).unwrap();
        readable.store(left, Ordering::Relaxed);
        let found: Vec<_> = outputs.iter().map(|output| table.find(output)).collect();
        assert!(found.contains(&Err(cut)), "{left} bytes");
        assert!(left > 0 || found.iter().all(|found| *found == Err(cut)));
        assert_eq!(header.open_stored(cut_later()).unwrap_err(), cut);
    }
}

#[test]
fn a_message_in_pieces_is_the_message() {
    for len in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 20 * CHUNK_BYTES + 7] {
        let bytes: Vec<u8> = (0..=250).cycle().take(len).collect();
        let mut quoted = PairCost::new();
        table_cost(&mut quoted, len, 0);
        let whole = Duo::new(74).run(
            |pair, _| pair.send(&bytes),
            |pair, _| {
                let mut got = Vec::new();
                pair.recv_pieces(len, |piece| {
                    got.extend_from_slice(piece);
                    Ok::<_, SessionError>(())
                })?;
                Ok(got == bytes)
            },
        );
        assert!(whole.receiver);
        whole.assert_cost(&quoted);
        let pieces = Duo::new(74).run(
            |pair, _| {
                let mut left = &bytes[..];
                pair.send_pieces(len, |piece| {
                    let (here, behind) = left.split_at(piece.len());
                    piece.copy_from_slice(here);
                    left = behind;
                    Ok::<_, SessionError>(())
                })
            },
            |pair, _| Ok(pair.recv_words::<u8>(len)?.to_vec() == bytes),
        );
        assert!(pieces.receiver);
        pieces.assert_cost(&quoted);
    }
}
