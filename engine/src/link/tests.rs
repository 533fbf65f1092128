//! The port over real TLS on loopback.

use std::{
    io::{Read, Write},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use tokio_stream::StreamExt;

use super::{
    Acceptor, Authority, Credentials, DataLink, Dialler, Flow, Hello, LinkError, PROTOCOL_VERSION,
    Rendezvous, Roster, RunKey, Timeouts, connect_run,
};
mod relink;

use crate::identity::{Hash32, IdentityKey, PartyName, Pin, Pins};

const TIMEOUTS: Timeouts =
    Timeouts { handshake: Duration::from_secs(5), rendezvous: Duration::from_secs(5) };

fn name(text: &str) -> PartyName {
    PartyName::try_from(text).unwrap()
}

fn key(byte: u8) -> IdentityKey {
    IdentityKey::from_seed(&[byte; 32])
}

fn pins(parties: &[(&str, u8)]) -> Arc<Pins> {
    let mut pins = Pins::default();
    for (party, byte) in parties {
        let key = key(*byte).public();
        pins.insert(name(party), Pin { key, organisation: (*party).into(), sealing_key: None });
    }
    Arc::new(pins)
}

fn credentials(authority: u8, party: &str, byte: u8, pins: &Arc<Pins>) -> Credentials {
    let authority = Authority::new(key(authority));
    let chain = authority.certify(&name(party), &key(byte).public()).unwrap();
    let root = authority.certificate_pem().unwrap();
    Credentials::from_pem(name(party), Arc::new(key(byte)), &chain, &root, pins.clone()).unwrap()
}

struct Daemon {
    address: SocketAddr,
    dialler: Dialler,
    rendezvous: Arc<Rendezvous>,
    peers: tokio::sync::mpsc::UnboundedReceiver<super::Peer>,
}

async fn daemon(credentials: Credentials) -> Daemon {
    use tonic::transport::server::Connected;
    let rendezvous = Arc::new(Rendezvous::default());
    let any = "127.0.0.1:0".parse().unwrap();
    let acceptor =
        Acceptor::bind(any, credentials.clone(), rendezvous.clone(), TIMEOUTS).await.unwrap();
    let address = acceptor.local_addr().unwrap();
    let mut incoming = acceptor.serve();
    let (seen, peers) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(stream)) = incoming.next().await {
            let _ = seen.send(stream.connect_info());
        }
    });
    Daemon { address, dialler: Dialler::new(credentials, TIMEOUTS), rendezvous, peers }
}

fn roster(plan: u8, parties: &[(&str, &Daemon)]) -> Roster {
    Roster {
        key: RunKey { job: Hash32([1; 32]), attempt: 1, time: 0 },
        run: Hash32([2; 32]),
        plan: Hash32([plan; 32]),
        computing: 3,
        parties: parties.iter().map(|(p, d)| (name(p), d.address.to_string())).collect(),
        pairs: vec![(name("bank_b"), name("bank_a"))],
    }
}

/// Ten bytes from a link.
fn read(link: &mut DataLink) -> String {
    let mut text = [0; 10];
    loop {
        match link.tls.reader().read_exact(&mut text) {
            Ok(()) => return String::from_utf8(text.to_vec()).unwrap(),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
        link.tls.read_tls(&mut link.tcp).unwrap();
        link.tls.process_new_packets().unwrap();
    }
}

/// Writes `me` on every outgoing link and reads the peer's number on every incoming one.
fn greet(mut links: Vec<DataLink>, me: &str) -> Vec<String> {
    let mut heard = Vec::new();
    for link in links.iter_mut().filter(|link| link.outgoing) {
        writeln!(link.tls.writer(), "{me:9}").unwrap();
        while link.tls.wants_write() {
            link.tls.write_tls(&mut link.tcp).unwrap();
        }
    }
    for link in links.iter_mut().filter(|link| !link.outgoing) {
        let text = read(link);
        assert_eq!(text.trim(), link.peer.as_str());
        heard.push(text.trim().to_owned());
    }
    heard.sort();
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn parties_link_up_as_the_roster_says() {
    let all = ["census", "employers", "neutral", "bank_a", "bank_b", "bank_c"];
    let all: Vec<_> = all.into_iter().zip(1..).collect();
    let pins = pins(&all);
    let mut daemons = Vec::new();
    for (party, byte) in all {
        daemons.push((party, daemon(credentials(9, party, byte, &pins)).await));
    }
    let parties: Vec<_> = daemons.iter().map(|(party, daemon)| (*party, daemon)).collect();
    let roster = roster(7, &parties);
    let runs = parties.iter().map(|(_, d)| connect_run(&d.dialler, &d.rendezvous, &roster));
    let linked = futures::future::join_all(runs).await;
    let mut greeting = Vec::new();
    for ((party, _), links) in parties.iter().zip(linked) {
        let (party, links) = ((*party).to_owned(), links.unwrap());
        greeting.push(tokio::task::spawn_blocking(move || greet(links, &party)));
    }
    let mut heard = Vec::new();
    for done in greeting {
        heard.push(done.await.unwrap().join(" "));
    }
    assert_eq!(
        heard,
        [
            "bank_a bank_b bank_c employers neutral",
            "bank_a bank_b bank_c census neutral",
            "bank_a bank_b bank_c census employers",
            "bank_b census employers neutral",
            "bank_a census employers neutral",
            "census employers neutral",
        ]
    );
}

/// Dials `census` once with these credentials and returns why it failed; `None` if TLS stood.
async fn refusal(server: &Daemon, client: Credentials) -> Option<LinkError> {
    let dialler = Dialler::new(client.clone(), TIMEOUTS);
    let hello = hello(&client, 7);
    let error = dialler.data(&server.address.to_string(), &hello).await.unwrap_err();
    matches!(error, LinkError::Untrusted { .. } | LinkError::Unreachable { .. }).then_some(error)
}

fn hello(client: &Credentials, plan: u8) -> Hello {
    Hello {
        version: PROTOCOL_VERSION,
        build: "test".into(),
        key: RunKey { job: Hash32([1; 32]), attempt: 1, time: 0 },
        run: Hash32([2; 32]),
        plan: Hash32([plan; 32]),
        from: client.name().clone(),
        to: name("census"),
        flow: Flow::FromDialler,
    }
}

#[tokio::test]
async fn a_certificate_from_another_authority_is_refused_by_both_ends() {
    let pins = pins(&[("census", 1), ("employers", 2)]);
    let server = daemon(credentials(9, "census", 1, &pins)).await;
    // The client does not trust the server.
    let stranger = credentials(8, "employers", 2, &pins);
    assert!(matches!(refusal(&server, stranger).await, Some(LinkError::Untrusted { .. })));
    // The server does not trust the client, who trusts the server's authority.
    let other = Authority::new(key(8)).certify(&name("employers"), &key(2).public()).unwrap();
    let root = Authority::new(key(9)).certificate_pem().unwrap();
    let stranger =
        Credentials::from_pem(name("employers"), Arc::new(key(2)), &other, &root, pins.clone());
    assert!(refusal(&server, stranger.unwrap()).await.is_some());
}

#[tokio::test]
async fn the_right_authority_does_not_make_up_for_an_unpinned_key() {
    let pinned = pins(&[("census", 1), ("employers", 2)]);
    let server = daemon(credentials(9, "census", 1, &pinned)).await;
    // The authority certified another key for `employers`.
    assert!(refusal(&server, credentials(9, "employers", 5, &pinned)).await.is_some());
    // It certified another key for `census`: the client's pins say so.
    let posing = daemon(credentials(9, "census", 6, &pinned)).await;
    let client = credentials(9, "employers", 2, &pinned);
    assert!(matches!(refusal(&posing, client.clone()).await, Some(LinkError::Untrusted { .. })));
    // And another pinned party's key under the name `census` does not serve either.
    let posing = daemon(credentials(9, "census", 2, &pinned)).await;
    assert!(matches!(refusal(&posing, client).await, Some(LinkError::Untrusted { .. })));
}

#[tokio::test]
async fn another_version_or_plan_is_refused_with_a_word_to_both_ends() {
    let pinned = pins(&[("census", 1), ("employers", 2)]);
    let server = daemon(credentials(9, "census", 1, &pinned)).await;
    let client = credentials(9, "employers", 2, &pinned);
    let dialler = Dialler::new(client.clone(), TIMEOUTS);
    let address = server.address.to_string();
    let (key, run, plan) = (hello(&client, 7).key, Hash32([2; 32]), Hash32([7; 32]));
    let missing = vec![(name("employers"), Flow::FromDialler)];

    let mut old = hello(&client, 7);
    old.version = 99;
    let mut waiting = server.rendezvous.expect(key, run, plan, missing.clone());
    let theirs = dialler.data(&address, &old).await.unwrap_err();
    let ours = waiting.links.recv().await.unwrap().unwrap_err();
    assert_eq!(
        theirs,
        LinkError::Version {
            peer: name("census"),
            theirs: PROTOCOL_VERSION,
            ours: PROTOCOL_VERSION
        }
    );
    assert_eq!(
        ours,
        LinkError::Version { peer: name("employers"), theirs: 99, ours: PROTOCOL_VERSION }
    );
    drop(waiting);

    let mut waiting = server.rendezvous.expect(key, run, plan, missing);
    let theirs = dialler.data(&address, &hello(&client, 8)).await.unwrap_err();
    let ours = waiting.links.recv().await.unwrap().unwrap_err();
    assert_eq!(theirs, LinkError::Mismatch { peer: name("census"), what: "plan".into() });
    assert_eq!(ours, LinkError::Mismatch { peer: name("employers"), what: "plan".into() });
}

#[tokio::test]
async fn grpc_connections_carry_the_name_of_their_peer() {
    let pinned = pins(&[("census", 1), ("employers", 2)]);
    let mut server = daemon(credentials(9, "census", 1, &pinned)).await;
    let client = Dialler::new(credentials(9, "employers", 2, &pinned), TIMEOUTS);
    let channel = client.control(&name("census"), &server.address.to_string()).unwrap();
    // No service answers here; the connection itself is what counts.
    let call = tokio::spawn(async move {
        let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
        health.check(tonic_health::pb::HealthCheckRequest::default()).await
    });
    assert_eq!(server.peers.recv().await.unwrap(), super::Peer(name("employers")));
    call.abort();
}
