//! Links that are lost and made anew.

use std::{
    net::TcpStream,
    sync::{Arc, Condvar, Mutex},
};

use super::{super::Relink, *};

/// Links that take the place of lost ones, in this order; who finds none waits until the run is over.
#[derive(Default)]
struct Spare {
    links: Mutex<(Vec<PeerLink>, bool)>,
    over: Condvar,
}

impl Relink for Spare {
    fn relink(&self, peer: PartyId, time: u32) -> Option<PeerLink> {
        let mut links = self.links.lock().unwrap();
        if let Some(link) = links.0.pop() {
            assert_eq!((link.peer, time), (peer, 1));
            return Some(link);
        }
        drop(self.over.wait_while(links, |links| !links.1).unwrap());
        None
    }

    fn stop(&self) {
        self.links.lock().unwrap().1 = true;
        self.over.notify_all();
    }
}

/// Two ends whose link can be made anew once, and how to break it.
fn mendable() -> ([TlsChannel; 2], Vec<TcpStream>) {
    let (first, again) = (loopback::mesh_links(2).unwrap(), loopback::mesh_links(2).unwrap());
    let sockets = |link: &PeerLink| {
        [&link.outgoing, &link.incoming].map(|end| end.stream.try_clone().unwrap())
    };
    let sockets = sockets(&first[0][0]).into();
    let config = LinkConfig { linger: Duration::from_millis(200), ..patient() };
    let ends = [A, B].into_iter().zip(first.into_iter().zip(again));
    let mut ends = ends.map(|(me, (links, again))| {
        let spare = Arc::new(Spare { links: Mutex::new((again, false)), over: Condvar::new() });
        TlsChannel::relinked_by(spare, me, links, config).unwrap()
    });
    ([ends.next().unwrap(), ends.next().unwrap()], sockets)
}

#[test]
fn a_lost_link_is_made_anew_and_says_how_often() {
    let ([a, b], sockets) = mendable();
    a.send(B, frame(0, vec![1; 100])).unwrap();
    assert_eq!(b.recv(A), Ok(frame(0, vec![1; 100])));
    a.digests().unwrap();
    sockets.iter().for_each(|socket| socket.shutdown(Shutdown::Both).unwrap());
    assert_eq!(a.recv(B), Err(ChannelError::Closed(B)));
    assert_eq!(b.recv(A), Err(ChannelError::Closed(A)));
    std::thread::scope(|scope| {
        let renewed = [scope.spawn(|| a.renew(B)), scope.spawn(|| b.renew(A))];
        renewed.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), Ok(())));
    });
    b.send(A, frame(7, vec![3; 50])).unwrap();
    assert_eq!(a.recv(B), Ok(frame(7, vec![3; 50])));
    let (at_a, at_b) = (a.digests().unwrap()[0].1, b.digests().unwrap()[0].1);
    assert_eq!((at_b.sent, at_b.received), (at_a.received, at_a.sent), "of the last connections");
    assert_eq!((at_b.sent.frames, at_a.sent.frames), (1, 0));
    assert_eq!((at_a.lost.times, at_b.lost.times), (1, 1));
    assert_eq!((at_a.lost.bytes, at_b.lost.bytes), (124, 0));
}

#[test]
fn a_link_that_one_end_breaks_off_is_lost_at_the_other() {
    let ([a, b], sockets) = mendable();
    // One direction only: A finds out when B gives the other one up.
    sockets[0].shutdown(Shutdown::Both).unwrap();
    std::thread::scope(|scope| {
        let at_a = scope.spawn(|| {
            assert_eq!(a.recv(B), Err(ChannelError::Closed(B)));
            a.renew(B)
        });
        assert_eq!(b.recv(A), Err(ChannelError::Closed(A)));
        assert_eq!((b.renew(A), at_a.join().unwrap()), (Ok(()), Ok(())));
    });
    a.send(B, frame(0, vec![])).unwrap();
    assert_eq!(b.recv(A), Ok(frame(0, vec![])));
}

#[test]
fn a_peer_that_left_or_ended_the_run_is_not_waited_for() {
    let ([a, b], _) = mendable();
    drop(b);
    assert_eq!(a.recv(B), Err(ChannelError::Closed(B)));
    assert_eq!(a.renew(B), Err(ChannelError::Closed(B)), "it said goodbye");

    let ([a, b], sockets) = mendable();
    let abort = Abort { party: A, path: 5, code: AbortCode::Protocol };
    // A's direction breaks, and before it gives up B's it hears why B goes no further.
    sockets[0].shutdown(Shutdown::Both).unwrap();
    std::thread::scope(|scope| {
        let at_a = scope.spawn(|| a.renew(B));
        b.abort(abort.clone());
        assert_eq!(at_a.join().unwrap(), Err(ChannelError::Aborted(abort.clone())));
    });
    assert_eq!(b.renew(A), Err(ChannelError::Aborted(abort)));
}

#[test]
fn who_waits_for_a_link_that_does_not_come_is_woken_by_the_end_of_the_run() {
    let ([a, b], sockets) = mendable();
    sockets.iter().for_each(|socket| socket.shutdown(Shutdown::Both).unwrap());
    assert_eq!(a.renew(B), Ok(()));
    let abort = Abort { party: A, path: 5, code: AbortCode::Cancelled };
    std::thread::scope(|scope| {
        // There is no other link left to take.
        let waiting = scope.spawn(|| a.renew(B));
        a.abort(abort.clone());
        assert_eq!(waiting.join().unwrap(), Err(ChannelError::Aborted(abort.clone())));
    });
    drop(b);
}

#[test]
fn without_anybody_to_make_it_anew_a_lost_link_stays_lost() {
    let (a, b) = pair(patient());
    drop(b);
    assert_eq!(a.renew(B), Err(ChannelError::Closed(B)));
    assert_eq!(a.renew(PartyId(9)), Err(ChannelError::NoLink(PartyId(9))));
}
