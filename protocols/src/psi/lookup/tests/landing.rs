//! Tables whose fetch breaks off: it goes on behind the last whole piece, in the same run or in a later one.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::FileExt as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::*;
use crate::{
    net::{
        CHUNK_BYTES, Channel,
        faulty::{Fault, Faulty, Planned},
        memory,
    },
    party::PartyId,
    testkit::DuoRun,
};

/// What stands in front of a table.
const FRONT: &[u8] = b"before";

/// The path of a file that nobody else has.
fn path() -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("unseen-landing-{}-{number}", std::process::id()))
}

/// A file without a name.
fn file() -> File {
    let path = path();
    let options = File::options().read(true).write(true).create_new(true).clone();
    let mut file = options.open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    file.write_all(FRONT).unwrap();
    file
}

fn begin(header: &Header, file: &File) -> Landing {
    Landing::begin(file.try_clone().unwrap(), FRONT.len() as u64, header).unwrap()
}

/// What is found in the file by a party that was started anew.
fn again(header: &Header, file: &File) -> Landing {
    Landing::again(file.try_clone().unwrap(), FRONT.len() as u64, header).unwrap()
}

/// What stands behind the front of the file.
fn written(mut file: &File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes.strip_prefix(FRONT).unwrap().to_vec()
}

/// Of so many rows, with labels of so many bytes.
fn table(n: u128, label_bytes: usize) -> Publication {
    let items: Vec<u128> = (0..n).collect();
    let labels: Vec<u8> = (0..=250).cycle().take(items.len() * label_bytes).collect();
    let label_bytes = u32::try_from(label_bytes).unwrap();
    let rows = Rows { items: &items, labels: &labels, label_bytes, withdrawn: &[] };
    publish(BASE, 9, rows, &mut Prg::new(&[1; 16])).unwrap().0
}

/// Three pieces and a bit.
fn large() -> Publication {
    let made = table(13, CHUNK_BYTES / 4);
    assert_eq!(made.body.len().div_ceil(PIECE_BYTES), 4);
    made
}

type Sent = DuoRun<Result<(), SessionError>, Result<Result<(), LookupError>, SessionError>>;

/// Sends these bytes without the pieces that have come; the link ends at the `cut`th frame.
fn sent(bytes: &[u8], landing: &mut Landing, cut: Option<usize>) -> Sent {
    let (bytes, pieces) = (bytes.to_vec(), landing.pieces());
    let ends = memory::mesh(2, Duration::from_secs(5)).into_iter().zip(0..);
    let channels = ends.map(|(end, id)| {
        let close = |nth| Planned { to: PartyId(1), nth, fault: Fault::Close };
        let plan = cut.filter(|_| id == 0).map(close).into_iter().collect();
        Arc::new(Faulty::new(end, plan)) as Arc<dyn Channel>
    });
    Duo::new(71).run_over(
        channels.collect(),
        |pair, _| match send_table(pair, &bytes, pieces) {
            Err(LookupError::Session(error)) => Err(error),
            other => {
                other.unwrap();
                Ok(())
            }
        },
        |pair, _| match fetch_table(pair, landing) {
            Err(LookupError::Session(error)) => Err(error),
            other => Ok(other),
        },
    )
}

fn whole(run: &Sent) -> bool {
    (&run.sender, &run.receiver) == (&Ok(()), &Ok(Ok(())))
}

#[test]
fn a_table_arrives_as_it_was_signed_or_not_at_all() {
    // Of no piece, of one, of one to the byte, of more than may wait to leave.
    let exact = table(1, CHUNK_BYTES);
    for made in [table(0, 5), table(3, 0), exact, table(40, CHUNK_BYTES / 2)] {
        let Publication { header, body } = made;
        let fetched = |bytes: &[u8]| {
            let file = file();
            let mut landing = begin(&header, &file);
            let run = sent(bytes, &mut landing, None);
            let mut quoted = PairCost::new();
            table_cost(&mut quoted, body.len(), 0);
            if bytes.len() == body.len() {
                let (sent, due) = (run.sent[0].bytes, quoted.total_bytes());
                assert_eq!(sent, due);
            }
            run.receiver.map(|fetched| {
                fetched.unwrap();
                landing.table().map(|table| (table, written(&file)))
            })
        };
        let (table, bytes) = fetched(&body).unwrap().unwrap();
        assert!(bytes == body && *table.header() == header);
        if body.is_empty() {
            continue;
        }
        let altered = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut body = body.clone();
            change(&mut body);
            fetched(&body)
        };
        for refused in [altered(&|body| body.rotate_left(1)), altered(&|body| body[0] ^= 1)] {
            assert_eq!(refused.unwrap().map(drop).unwrap_err(), TableError::Digest);
        }
        assert!(altered(&|body| body.truncate(body.len() - 1)).is_err());
        assert!(altered(&|body| body.push(0)).is_err());
    }
}

#[test]
fn what_has_come_is_not_sent_again_in_the_same_run_or_after_a_restart() {
    let Publication { header, body } = large();
    for cut in 0..4 {
        for restarted in [false, true] {
            let file = file();
            let mut landing = begin(&header, &file);
            let run = sent(&body, &mut landing, Some(cut));
            assert!(run.sender.is_err() && run.receiver.is_err(), "{cut}");
            // What was on its way is lost or not; what has come is whole.
            let pieces = landing.pieces();
            assert!(pieces <= cut as u64, "{cut}: {pieces}");
            if restarted {
                drop(landing);
                landing = again(&header, &file);
            }
            assert_eq!(landing.pieces(), pieces, "{cut}");
            let run = sent(&body, &mut landing, None);
            assert!(whole(&run), "{cut}");
            let mut quoted = PairCost::new();
            table_cost(&mut quoted, body.len(), pieces);
            run.assert_cost(&quoted);
            let table = landing.table().unwrap();
            assert!(written(&file) == body && table.header().digest == header.digest);
        }
    }
    // Having all of it is as good as having fetched it.
    let file = file();
    let mut landing = begin(&header, &file);
    assert!(whole(&sent(&body, &mut landing, None)));
    drop(landing);
    let mut landing = again(&header, &file);
    assert_eq!(landing.pieces(), 4);
    let run = sent(&body, &mut landing, None);
    assert!(whole(&run) && run.sent[0].bytes == 0);
    assert!(landing.table().is_ok());
}

/// A file of which the first so many pieces have come.
fn partly(Publication { header, body }: &Publication, pieces: usize) -> File {
    let file = file();
    let mut landing = begin(header, &file);
    body.chunks(PIECE_BYTES).take(pieces).for_each(|piece| landing.take(piece).unwrap());
    assert_eq!(landing.pieces(), pieces as u64);
    file
}

#[test]
fn another_table_behind_what_had_come_is_refused() {
    let made = large();
    let Publication { header, body } = &made;
    for pieces in 0..4 {
        let file = partly(&made, pieces);
        let mut landing = again(header, &file);
        let mut other = body.clone();
        *other.last_mut().unwrap() ^= 1;
        assert!(whole(&sent(&other, &mut landing, None)));
        assert_eq!(landing.table().unwrap_err(), TableError::Digest, "{pieces}");
    }
    // What came first was of another one: that shows at the end as well.
    let mut other = Publication { header: *header, body: body.clone() };
    other.body[0] ^= 1;
    let mut landing = again(header, &partly(&other, 2));
    assert_eq!(landing.pieces(), 2);
    assert!(whole(&sent(body, &mut landing, None)));
    assert_eq!(landing.table().unwrap_err(), TableError::Digest);
    // What is not whole is no table.
    let landing = again(header, &partly(&made, 3));
    let (want, got) = (body.len(), 3 * PIECE_BYTES);
    assert_eq!(landing.table().unwrap_err(), TableError::Length { want, got });
}

#[test]
fn what_changed_on_the_disk_is_fetched_again_and_the_table_is_right() {
    let made = large();
    let Publication { header, body } = &made;
    let marks = (FRONT.len() + body.len()) as u64;
    let piece = |at: u64| FRONT.len() as u64 + at * PIECE_BYTES as u64;
    // Where a byte is another one, and how many pieces are good before it.
    let places = [
        (piece(0), 0),
        (piece(1) - 1, 0),
        (piece(1), 1),
        (piece(3) - 1, 2),
        (marks, 0),
        (marks + 31, 0),
        (marks + 64, 2),
    ];
    for (place, good) in places {
        let file = partly(&made, 3);
        let mut byte = [0];
        file.read_exact_at(&mut byte, place).unwrap();
        file.write_all_at(&[byte[0] ^ 1], place).unwrap();
        let mut landing = again(header, &file);
        assert_eq!(landing.pieces(), good, "byte {place}");
        assert!(whole(&sent(body, &mut landing, None)));
        assert!(landing.table().is_ok() && written(&file) == *body, "byte {place}");
    }
    // Cut anywhere, or with the marks of another table.
    for len in [0, FRONT.len() as u64, piece(2), marks, marks + 33, marks + 64] {
        let file = partly(&made, 3);
        file.set_len(len).unwrap();
        let good = if len == marks + 64 { 2 } else { u64::from(len == marks + 33) };
        let landing = again(header, &file);
        assert_eq!(landing.pieces(), good, "{len} bytes");
    }
    let other = Header { digest: [9; 32], ..*header };
    assert_eq!(again(&other, &partly(&made, 3)).pieces(), 0);
}

#[test]
fn a_claim_to_more_than_there_is_is_refused_and_a_disk_that_fails_is_told() {
    let Publication { header, body } = large();
    for pieces in [5, u64::MAX] {
        let run = Duo::new(72)
            .run(|pair, _| Ok::<_, SessionError>(send_table(pair, &body, pieces)), |_, _| Ok(()));
        let refused = matches!(run.sender, Err(LookupError::Session(SessionError::Invalid { .. })));
        assert!(refused, "{pieces}");
    }
    let path = path();
    std::fs::write(&path, FRONT).unwrap();
    let closed = File::open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    assert!(Landing::begin(closed, FRONT.len() as u64, &header).is_err());
    let hostile = Header { rows: 1 << 40, label_bytes: u32::MAX, ..header };
    assert_eq!(Landing::begin(file(), 0, &hostile).unwrap_err(), TableError::Header);
}
