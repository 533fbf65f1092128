//! One compute party's complete view of a run over TLS, twice with different rows under the same public bounds: every frame,
//! note and call is there in both, in the same order on each link direction, and of the same length.
//!
//! Four things may differ, since they tell of time and not of data: heartbeats, signs of life while a party prepares, whether a
//! stream's trailer is still read once its last message is there, and the number of digits of the milliseconds that a party says
//! in its part of the receipt that it took.

use std::collections::BTreeMap;

use crate::{
    cast::{BY_SECTOR, Cast},
    shape::other,
    wiretap::{Call, Wiretap},
    world::{World, succeeded},
};

/// Whose view it is: a provider that computes, too.
const PARTY: &str = "employers";

/// From whom, to whom.
type Direction = (&'static str, &'static str);

/// Everything about a frame but its content: step, message, chunk, depth, length.
type Frame = (u64, u32, u32, u32, usize);

/// What ends a stream that went well.
const TRAILER: &[u8] = b"grpc-status: 0\n";

/// A call: method, length of all headers but the trailer, and the lengths of the messages each way.
type Exchange = (String, usize, Vec<usize>, Vec<usize>);

/// What a party sees of a run, without what it says.
#[derive(Debug, PartialEq)]
struct View {
    frames: BTreeMap<Direction, Vec<Frame>>,
    calls: BTreeMap<Direction, Vec<Exchange>>,
}

/// The view, and all that was said in it.
fn view(wiretap: &Wiretap) -> (View, Vec<u8>) {
    let concerned = |one: &str, other: &str| one == PARTY || other == PARTY;
    let (mut frames, mut content) = (BTreeMap::new(), Vec::new());
    for link in wiretap.links() {
        if concerned(link.dialled, link.called) {
            let sent = link.sent();
            let shape = |sent: &crate::wiretap::Sent| {
                (sent.tag.path, sent.tag.seq, sent.tag.chunk, sent.depth, sent.body.len())
            };
            let before = frames.insert(link.direction(), sent.iter().map(shape).collect());
            assert_eq!(before, None, "one connection a direction");
            content.extend(sent.into_iter().flat_map(|sent| sent.body));
        }
    }
    let mut calls: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for call in wiretap.calls().into_iter().filter(|call| concerned(call.from, call.to)) {
        let lengths = |side: &[u8]| Call::messages(side).into_iter().map(length).collect();
        let (said, mut heard): (_, Vec<_>) = (lengths(&call.said), lengths(&call.heard));
        if call.method.ends_with("/Prepare") {
            heard.drain(..heard.len() - 1);
        }
        let heads = call.heads.strip_suffix(TRAILER).unwrap_or(&call.heads);
        let exchange = (call.method.clone(), heads.len(), said, heard);
        calls.entry((call.from, call.to)).or_default().push(exchange);
    }
    (View { frames, calls }, content)
}

/// A message's length without the digits of the time that a run took.
fn length(message: &[u8]) -> usize {
    const FIELD: &[u8] = b"\"milliseconds\":\"";
    let digits = |at: usize| message[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let fields = message.windows(FIELD.len()).enumerate().filter(|(_, window)| *window == FIELD);
    message.len() - fields.map(|(at, _)| digits(at + FIELD.len())).sum::<usize>()
}

fn run(cast: &Cast) -> (String, View, Vec<u8>) {
    let (world, wiretap) = World::start_tapped(cast);
    let answer = succeeded(&world.ask(BY_SECTOR));
    let (view, content) = view(&wiretap);
    (answer, view, content)
}

#[test]
fn a_partys_whole_view_has_one_shape_whatever_the_rows_are() {
    let ((first, one, said), (second, another, otherwise)) = (run(&Cast::small()), run(&other()));
    assert_ne!(first, second);
    assert_eq!(one.frames, another.frames);
    assert_eq!(one.calls, another.calls);
    assert_ne!(said, otherwise);
    let directions: Vec<_> = one.frames.keys().copied().collect();
    let (census, neutral) = ("census", "neutral");
    let due = [(census, PARTY), (PARTY, census), (PARTY, neutral), (neutral, PARTY)];
    assert_eq!(directions, due);
    for (direction, frames) in &one.frames {
        assert!(frames.len() > 20, "{direction:?}: {} frames", frames.len());
    }
    let calls: Vec<_> = one.calls[&("exchange", PARTY)].iter().map(|call| call.0.clone()).collect();
    let due = ["Describe", "Validate", "Prepare", "Run", "Cosign"];
    assert_eq!(calls, due.map(|call| format!("/unseen.v1.PartyService/{call}")));
    // The comparison sees a difference in size.
    let mut larger = other();
    larger.jobs.rows_max = 128;
    assert_ne!(one.frames, run(&larger).1.frames);
}
