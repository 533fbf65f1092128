//! Links between threads over real sockets.

use std::{
    io::{Read, Write},
    net::Shutdown,
    time::{Duration, Instant},
};

use proptest::{collection::vec, prelude::*};

use super::super::{
    Abort, AbortCode, Channel, ChannelError, Frame, MAX_BODY_BYTES, Notes, Tag, loopback,
};
use super::{Connected, LinkConfig, PeerLink, TlsChannel};
use crate::party::PartyId;

mod relink;

/// Patience for tests in which nothing may run out.
fn patient() -> LinkConfig {
    LinkConfig::default()
}

fn pair(config: LinkConfig) -> (TlsChannel, TlsChannel) {
    let mut ends = loopback::mesh(2, config).unwrap();
    let b = ends.pop().unwrap();
    (ends.pop().unwrap(), b)
}

const A: PartyId = PartyId(0);
const B: PartyId = PartyId(1);

fn frame(seq: u32, body: Vec<u8>) -> Frame {
    Frame { tag: Tag { path: 3, seq, chunk: 1 }, depth: 5, body: body.into() }
}

#[test]
fn frames_of_all_sizes_arrive_in_order() {
    let (a, b) = pair(patient());
    let sizes = [0, 1, 23, 24, 4096, 16 << 10, (16 << 10) + 1, (256 << 10) + 1, MAX_BODY_BYTES];
    for round in 0..3_u8 {
        for (seq, size) in (0..).zip(sizes) {
            a.send(B, frame(seq, vec![round; size])).unwrap();
            b.send(A, frame(seq, vec![round + 100; size])).unwrap();
        }
    }
    for round in 0..3_u8 {
        for (seq, size) in (0..).zip(sizes) {
            assert_eq!(b.recv(A), Ok(frame(seq, vec![round; size])));
            assert_eq!(a.recv(B), Ok(frame(seq, vec![round + 100; size])));
        }
    }
}

#[test]
fn both_ends_agree_on_what_passed() {
    let (a, b) = pair(patient());
    a.send(B, frame(0, vec![1; 100])).unwrap();
    a.send_note(B, vec![9; 1000]).unwrap();
    a.send(B, frame(1, vec![2; 100_000])).unwrap();
    b.recv(A).unwrap();
    b.recv(A).unwrap();
    let (at_a, at_b) = (a.digests().unwrap()[0].1, b.digests().unwrap()[0].1);
    assert_eq!(at_a.sent, at_b.received);
    assert_eq!((at_a.sent.frames, at_a.sent.bytes), (2, 100_100 + 2 * 24), "without the note");
    assert_eq!(at_a.received, at_b.sent);
    assert_eq!(at_a.received.frames, 0);

    let mut hasher = blake3::Hasher::new();
    for (seq, body) in [(0, vec![1; 100]), (1, vec![2; 100_000])] {
        let len = u32::try_from(body.len()).unwrap();
        hasher.update(&super::super::encode_header(frame(seq, vec![]).tag, 5, len));
        match body.len() {
            100 => hasher.update(&body),
            _ => hasher.update(blake3::hash(&body).as_bytes()),
        };
    }
    assert_eq!(at_a.sent.hash, *hasher.finalize().as_bytes());
}

#[test]
fn who_says_that_it_works_is_waited_for() {
    let (a, b) = pair(LinkConfig::with_stall(Duration::from_millis(800)));
    let (_never, tick) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let a = &a;
        scope.spawn(move || {
            for _ in 0..6 {
                tick.recv_timeout(Duration::from_millis(200)).unwrap_err();
                a.working();
            }
            a.send(B, frame(0, vec![1; 10])).unwrap();
        });
        assert_eq!(b.recv(A), Ok(frame(0, vec![1; 10])), "later than the stall timeout");
    });
    assert!(matches!(b.recv(A), Err(ChannelError::Stalled { .. })));
    assert_eq!(b.digests().unwrap()[0].1.received.frames, 1, "and it does not count");
}

#[test]
fn a_guest_ends_its_own_link_alone() {
    let mut ends = loopback::mesh(4, patient().with_guests()).unwrap();
    let (guest, c) = (ends.pop().unwrap(), ends.pop().unwrap());
    let abort = Abort { party: PartyId(3), path: 1, code: AbortCode::Input };
    guest.abort(abort.clone());
    assert_eq!(c.recv(PartyId(3)), Err(ChannelError::Aborted(abort)));
    ends[0].send(PartyId(2), frame(0, vec![1; 10])).unwrap();
    assert_eq!(c.recv(PartyId(0)), Ok(frame(0, vec![1; 10])));
    c.abort(Abort { party: PartyId(2), path: 1, code: AbortCode::Internal });
    assert!(matches!(ends[0].recv(PartyId(1)), Err(ChannelError::Aborted(_))));
}

#[test]
fn a_dropped_end_delivers_what_it_sent_and_then_closes() {
    let (a, b) = pair(patient());
    for seq in 0..20 {
        a.send(B, frame(seq, vec![7; MAX_BODY_BYTES])).unwrap();
    }
    drop(a);
    for seq in 0..20 {
        assert_eq!(b.recv(A), Ok(frame(seq, vec![7; MAX_BODY_BYTES])));
    }
    assert_eq!(b.recv(A), Err(ChannelError::Closed(A)));
    assert_eq!(b.send(A, frame(0, vec![])), Err(ChannelError::Closed(A)));
}

/// A provider is done with its part long before those who compute are: that it takes no signs of life any more is no lost link.
#[test]
fn what_passed_is_known_long_after_a_peer_left() {
    let (a, b) = pair(LinkConfig { heartbeat: Duration::from_millis(5), ..patient() });
    a.send(B, frame(0, vec![7; 100])).unwrap();
    assert_eq!(b.recv(A), Ok(frame(0, vec![7; 100])));
    drop(a);
    assert_eq!(b.recv(A), Err(ChannelError::Closed(A)));
    let began = Instant::now();
    while b.settle(A).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(20), "its signs of life still go somewhere");
        std::thread::yield_now();
    }
    assert_eq!(b.digests().unwrap()[0].1.received.frames, 1);
}

#[test]
fn an_abort_reaches_everybody() {
    let ends = loopback::mesh(3, patient()).unwrap();
    let abort = Abort { party: PartyId(2), path: 77, code: AbortCode::Inconsistent };
    std::thread::scope(|scope| {
        let waiting = [scope.spawn(|| ends[0].recv(B)), scope.spawn(|| ends[1].recv(A))];
        ends[2].abort(abort.clone());
        for thread in waiting {
            assert_eq!(thread.join().unwrap(), Err(ChannelError::Aborted(abort.clone())));
        }
    });
    let sent = ends[0].send(B, frame(0, vec![]));
    assert_eq!(sent, Err(ChannelError::Aborted(abort.clone())));
    assert_eq!(ends[2].recv(A), Err(ChannelError::Aborted(abort)));
}

#[test]
fn silence_is_a_stall_though_the_heart_beats() {
    let millis = Duration::from_millis;
    let config = LinkConfig { heartbeat: millis(10), stall: millis(200), ..patient() };
    let (a, b) = pair(config);
    assert_eq!(a.recv(B), Err(ChannelError::Stalled { peer: B, ms: 200 }));
    drop(b);
}

#[test]
fn a_peer_without_a_heartbeat_is_gone() {
    let millis = Duration::from_millis;
    let config = LinkConfig {
        heartbeat: Duration::from_secs(3600),
        dead: millis(100),
        linger: millis(100),
        ..patient()
    };
    let (a, _b) = pair(config);
    assert_eq!(a.recv(B), Err(ChannelError::Closed(B)));
}

#[test]
fn notes_travel_beside_frames() {
    let (a, b) = pair(patient());
    a.send(B, frame(0, vec![])).unwrap();
    a.send_note(B, vec![1]).unwrap();
    a.send_note(B, vec![2; super::super::MAX_NOTE_BYTES]).unwrap();
    assert_eq!(b.recv_note(A), Ok(vec![1]));
    assert_eq!(b.recv_note(A).unwrap().len(), super::super::MAX_NOTE_BYTES);
    assert_eq!(b.recv(A), Ok(frame(0, vec![])));
    let long = vec![0; super::super::MAX_NOTE_BYTES + 1];
    assert_eq!(a.send_note(B, long), Err(ChannelError::NoteTooLong((64 << 10) + 1)));
}

#[test]
fn a_peer_far_ahead_is_slowed_down_and_loses_nothing() {
    let (a, b) = pair(LinkConfig { backlog: 1000, ..patient() });
    for seq in 0..200 {
        a.send(B, frame(seq, vec![1; 50_000])).unwrap();
    }
    for seq in 0..200 {
        assert_eq!(b.recv(A).unwrap().tag.seq, seq);
    }
}

/// Of what is sent no more stands in memory than waits to leave, and what the sockets hold.
#[test]
fn who_settles_is_no_further_ahead_than_the_other_takes() {
    use std::sync::atomic::{AtomicU32, Ordering};
    // 60 MB, and what both ends of two sockets hold at most, in MB.
    const FRAMES: u32 = 240;
    const SOCKETS: u32 = 30;
    let (a, b) = pair(patient());
    b.throttle(A, Some(1000));
    let gone = AtomicU32::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for seq in 0..FRAMES {
                a.send(B, frame(seq, vec![1; 256 << 10])).unwrap();
                a.settle(B).unwrap();
                gone.store(seq + 1, Ordering::SeqCst);
            }
        });
        for seq in 0..FRAMES {
            // The sender has begun.
            while gone.load(Ordering::SeqCst) == 0 {
                std::thread::yield_now();
            }
            assert!(gone.load(Ordering::SeqCst) <= seq + 4 * SOCKETS);
            assert_eq!(b.recv(A).unwrap().tag.seq, seq);
        }
    });
    // Throttled no more.
    b.throttle(A, None);
    a.send(B, frame(FRAMES, vec![2; 5000])).unwrap();
    a.send(B, frame(FRAMES + 1, vec![2; 5000])).unwrap();
    a.settle(B).unwrap();
    assert_eq!(b.recv(A).unwrap().tag.seq, FRAMES);
    assert_eq!(b.recv(A).unwrap().tag.seq, FRAMES + 1);
}

#[test]
fn a_frame_that_is_none_is_not_sent() {
    let (a, b) = pair(patient());
    let long = frame(0, vec![0; MAX_BODY_BYTES + 1]);
    assert!(matches!(a.send(B, long), Err(ChannelError::Unsendable(_))));
    let mut reserved = frame(0, vec![]);
    reserved.tag.path = u64::MAX;
    assert!(matches!(a.send(B, reserved), Err(ChannelError::Unsendable(_))));
    assert_eq!(a.send(PartyId(5), frame(0, vec![])), Err(ChannelError::NoLink(PartyId(5))));
    drop(b);
}

/// A peer that writes what it likes into its sending connection; the receiving one stays open.
struct Hostile(PeerLink);

/// A hostile A and an honest B.
fn hostile() -> (Hostile, TlsChannel) {
    // The hostile one does not take leave; nobody need wait for it.
    let linger = Duration::from_millis(10);
    let config = LinkConfig { linger, heartbeat: linger, ..patient() };
    let mut ends = loopback::mesh_links(2).unwrap();
    let b = TlsChannel::new(B, ends.pop().unwrap(), config).unwrap();
    (Hostile(ends.pop().unwrap().pop().unwrap()), b)
}

impl Hostile {
    fn write(&mut self, bytes: &[u8]) {
        let Connected { stream, conn } = &mut self.0.outgoing;
        conn.writer().write_all(bytes).unwrap();
        while conn.wants_write() {
            conn.write_tls(stream).unwrap();
        }
    }

    /// What B sends.
    fn read_exact(&mut self, bytes: &mut [u8]) {
        let Connected { stream, conn } = &mut self.0.incoming;
        while conn.reader().read_exact(bytes).is_err() {
            conn.read_tls(stream).unwrap();
            conn.process_new_packets().unwrap();
        }
    }

    fn hang_up(&self) {
        self.0.outgoing.stream.shutdown(Shutdown::Write).unwrap();
    }
}

/// Receives until an error.
fn drain(channel: &TlsChannel) -> ChannelError {
    loop {
        if let Err(error) = channel.recv(A) {
            return error;
        }
    }
}

#[test]
fn a_silent_party_sends_heartbeats() {
    let (mut a, _b) = hostile();
    for _ in 0..3 {
        let mut header = [0; 24];
        for byte in &mut header {
            a.read_exact(std::slice::from_mut(byte));
        }
        assert_eq!(header, super::control::Kind::Heartbeat.header(0));
    }
}

#[test]
fn a_peer_that_ends_within_a_frame_is_closed() {
    let (mut a, b) = hostile();
    let header = super::super::encode_header(frame(0, vec![]).tag, 0, 1000);
    a.write(&header);
    a.write(&[1; 999]);
    a.hang_up();
    assert_eq!(b.recv(A), Err(ChannelError::Closed(A)));
}

#[test]
fn a_frame_over_the_limit_ends_the_link_before_its_body_came() {
    let (mut a, b) = hostile();
    a.write(&super::super::encode_header(frame(0, vec![]).tag, 0, (1 << 20) + 1));
    let Err(ChannelError::Malformed { peer, what }) = b.recv(A) else { panic!("taken") };
    assert_eq!(peer, A);
    assert!(what.contains("1048577 bytes"), "{what}");
}

#[test]
fn bytes_that_are_not_tls_end_the_link() {
    let (mut a, b) = hostile();
    a.0.outgoing.stream.write_all(&[0x17, 3, 3, 0, 30]).unwrap();
    a.0.outgoing.stream.write_all(&[0; 30]).unwrap();
    assert!(matches!(b.recv(A), Err(ChannelError::Malformed { .. })));
}

#[test]
fn a_killed_party_is_noticed_by_the_others() {
    let mut ends = loopback::mesh_links(3).unwrap();
    let sockets: Vec<_> = ends[1]
        .iter()
        .map(|link| {
            [link.outgoing.stream.try_clone().unwrap(), link.incoming.stream.try_clone().unwrap()]
        })
        .collect();
    let mut channels: Vec<_> = (0..)
        .zip(ends.drain(..))
        .map(|(id, links)| TlsChannel::new(PartyId(id), links, patient()).unwrap())
        .collect();
    let (c, b, a) = (channels.pop().unwrap(), channels.pop().unwrap(), channels.pop().unwrap());
    std::thread::scope(|scope| {
        let waiting = [scope.spawn(|| a.recv(B)), scope.spawn(|| c.recv(B))];
        b.send(A, frame(0, vec![1; MAX_BODY_BYTES])).unwrap();
        sockets.iter().flatten().for_each(|socket| socket.shutdown(Shutdown::Both).unwrap());
        for thread in waiting {
            match thread.join().unwrap() {
                // The kill may come after the frame.
                Ok(frame) => assert_eq!(frame.body.len(), MAX_BODY_BYTES),
                Err(error) => assert_eq!(error, ChannelError::Closed(B)),
            }
        }
    });
    assert_eq!(c.recv(B), Err(ChannelError::Closed(B)));
    a.send(PartyId(2), frame(1, vec![])).unwrap();
    assert_eq!(c.recv(A), Ok(frame(1, vec![])), "the link between the others stands");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn any_bytes_from_a_peer_end_in_an_error(bytes in vec(any::<u8>(), 0..5000)) {
        let (mut a, b) = hostile();
        a.write(&bytes);
        a.hang_up();
        let error = drain(&b);
        prop_assert!(
            matches!(error, ChannelError::Closed(A) | ChannelError::Malformed { peer: A, .. }),
            "{error}"
        );
    }
}
