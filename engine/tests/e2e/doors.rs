//! Hostile bytes at every door of real daemons: on the port, behind TLS, and in every call, from parties whose keys are pinned.
//! The daemons answer or close, keep to their memory, and run the next job.

use std::time::Duration;

use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tokio_rustls::client::TlsStream;
use tonic::codegen::{Bytes, http::Request};

use crate::{
    cast::{BY_SECTOR, Cast, SMALL_ANSWER},
    mutant::{Chance, mutant},
    wiretap::{Call, Ends},
    world::{DAEMONS, World, succeeded},
};

/// How long a daemon may take to answer what is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// Mutants of each call.
const TIMES: usize = 12;

async fn connect(
    ends: &Ends,
    (from, to): (&str, &str),
    at: &str,
    alpn: &[u8],
) -> TlsStream<TcpStream> {
    let tcp = TcpStream::connect(at).await.unwrap();
    let name = to.to_owned().try_into().unwrap();
    ends.connector(from, alpn).connect(name, tcp).await.unwrap()
}

/// Bytes on the bare port, in the data plane before and after a hello, and in place of HTTP/2.
async fn bytes(world: &World, ends: &Ends, hello: &[u8], chance: &mut Chance) {
    for to in DAEMONS {
        let at = world.listen(to);
        for _ in 0..20 {
            let mut tcp = TcpStream::connect(&at).await.unwrap();
            let _ = tcp.write_all(&chance.bytes(3000)).await;
        }
        for from in DAEMONS {
            for _ in 0..5 {
                let mut data = connect(ends, (from, to), &at, b"unseen/1").await;
                let _ = data.write_all(&mutant(hello, chance)).await;
                let _ = data.flush().await;
                let mut control = connect(ends, (from, to), &at, b"h2").await;
                let opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
                let after = [&opening[..], &chance.bytes(2000)].concat();
                let _ = control.write_all(&after[..chance.below(after.len())]).await;
                let _ = control.flush().await;
            }
        }
    }
}

/// One call with this body; returns whether it was answered, well or not, in time.
async fn call(ends: &Ends, at: &str, call: &Call, body: Vec<u8>) -> bool {
    let stream = connect(ends, (call.from, call.to), at, b"h2").await;
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let driving = tokio::spawn(connection);
    let asking = async {
        let request = Request::post(format!("http://{}{}", call.to, call.method))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .unwrap();
        let (answer, mut upload) = client.ready().await?.send_request(request, false)?;
        upload.send_data(Bytes::from(body), true)?;
        let mut answer = answer.await?.into_body();
        while let Some(data) = answer.data().await {
            answer.flow_control().release_capacity(data?.len())?;
        }
        answer.trailers().await.map(drop)
    };
    // A stream that is reset is an answer, too.
    let answered = tokio::time::timeout(PATIENCE, asking).await.is_ok();
    driving.abort();
    answered
}

/// Mutants of every call that was made, some with a length before the message that is not the message's.
async fn calls(world: &World, ends: &Ends, made: &[Call], chance: &mut Chance) {
    for made in made {
        let message = Call::messages(&made.said).first().copied().unwrap_or_default();
        for _ in 0..TIMES {
            let message = mutant(message, chance);
            let len = match chance.below(4) {
                0 => u32::MAX,
                1 => u32::try_from(chance.below(5 << 20)).unwrap(),
                _ => u32::try_from(message.len()).unwrap(),
            };
            let body = [&[0][..], &len.to_be_bytes(), &message].concat();
            let answered = call(ends, &world.listen(made.to), made, body).await;
            assert!(answered, "{} of {} at {} hangs", made.method, made.from, made.to);
        }
    }
}

#[test]
fn daemons_outlive_whatever_is_thrown_at_their_doors() {
    let (mut world, wiretap) = World::start_tapped(&Cast::small());
    assert_eq!(succeeded(&world.ask(BY_SECTOR)), SMALL_ANSWER);
    for command in [&["job", "list"][..], &["job", "explain", "insurer/job.toml"]] {
        succeeded(&world.by("insurer", command));
    }
    let made = wiretap.calls();
    let hello = wiretap.links()[0].bytes()[0][..300].to_vec();
    let before = DAEMONS.map(|party| world.peak_memory(party));
    let ends = Ends::of(&world);
    let seed = Chance::seed();
    let mut chance = Chance::new(seed);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        bytes(&world, &ends, &hello, &mut chance).await;
        calls(&world, &ends, &made, &mut chance).await;
    });
    for (party, before) in DAEMONS.into_iter().zip(before) {
        let log = world.log(party);
        assert!(world.is_up(party), "{party} ended, seed {seed}:\n{log}");
        assert!(!log.contains("panicked"), "{party}, seed {seed}:\n{log}");
        let more = world.peak_memory(party) - before;
        assert!(more < 64 << 20, "{party} took {more} bytes more, seed {seed}");
    }
    assert_eq!(succeeded(&world.ask(BY_SECTOR)), SMALL_ANSWER);
}
