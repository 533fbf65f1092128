//! Random bytes where frames, headers and notes are due.

use std::{sync::Arc, time::Duration};

use proptest::{collection::vec, prelude::*};
use protocols::{
    net::{
        Channel, Frame, HEADER_BYTES, MAX_BODY_BYTES, MAX_NOTE_BYTES, Notes, Tag,
        agreement::{AgreementError, agree},
        decode_header, encode_header, memory,
    },
    party::{PartyId, Role},
    session::{Gate, Session, SessionError},
    testkit::test_prss,
};
use zeroize::Zeroizing;

fn frames() -> impl Strategy<Value = Frame> {
    let small = |below: u32| prop_oneof![3 => 0..below, 1 => any::<u32>()];
    let path = prop_oneof![3 => 0..3_u64, 1 => 0..u64::MAX];
    (path, small(2), small(2), any::<u32>(), vec(any::<u8>(), 0..40)).prop_map(
        |(path, seq, chunk, depth, body)| Frame {
            tag: Tag { path, seq, chunk },
            depth,
            body: body.into(),
        },
    )
}

proptest! {
    #[test]
    fn a_header_is_read_back_or_refused(header in any::<[u8; HEADER_BYTES]>()) {
        match decode_header(&header) {
            Ok((tag, depth, len)) => {
                prop_assert!(len <= MAX_BODY_BYTES);
                prop_assert_eq!(encode_header(tag, depth, u32::try_from(len).unwrap()), header);
            }
            Err(refused) => prop_assert!(refused.0 as usize > MAX_BODY_BYTES),
        }
    }

    #[test]
    fn a_note_that_is_no_key_is_refused(
        note in prop_oneof![vec(any::<u8>(), 0..100), vec(any::<u8>(), 0..40).prop_map(|rest| {
            [b"unseen.prss/v1".as_slice(), &rest].concat()
        })],
    ) {
        let ends = memory::mesh(3, Duration::from_millis(50));
        ends[1].send_note(PartyId(0), note.clone()).unwrap();
        ends[2].send_note(PartyId(0), note.clone()).unwrap();
        let agreed = agree(&ends[0], &[1; 32], Zeroizing::new([1; 32]));
        let is_key = note.strip_prefix(b"unseen.prss/v1").is_some_and(|key| key.len() == 32);
        match agreed {
            Ok(_) => prop_assert!(is_key),
            Err(AgreementError::Forced(_)) => prop_assert!(is_key),
            Err(AgreementError::NoKey(_)) => prop_assert!(!is_key),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn a_frame_that_is_not_the_one_due_ends_the_run(sent in vec(frames(), 1..4), due in 1_usize..4) {
        let mut ends = memory::mesh(3, Duration::from_millis(50));
        let peer = ends.remove(1);
        for frame in &sent {
            peer.send(PartyId(0), frame.clone()).unwrap();
        }
        let end = ends.remove(0);
        let mut s = Session::new(Role::P0, Arc::new(end), test_prss(1, Role::P0), Gate::recording());
        s.enter(1);
        let mut words = vec![0_u64; due];
        let is_due =
            sent[0].tag == Tag { path: 1, seq: 0, chunk: 0 } && sent[0].body.len() == 8 * due;
        match s.recv(Role::P1.id(), &mut words) {
            Ok(()) => prop_assert!(is_due),
            Err(SessionError::Desync { peer, .. } | SessionError::Length { peer, .. }) => {
                prop_assert!(!is_due);
                prop_assert_eq!(peer, PartyId(1));
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

#[test]
fn oversized_frames_and_notes_are_not_taken() {
    let ends = memory::mesh(2, Duration::from_millis(50));
    let tag = Tag { path: 1, seq: 0, chunk: 0 };
    let body = vec![0; MAX_BODY_BYTES + 1];
    assert!(ends[0].send(PartyId(1), Frame { tag, depth: 0, body: body.into() }).is_err());
    assert!(ends[0].send_note(PartyId(1), vec![0; MAX_NOTE_BYTES + 1]).is_err());
    assert!(ends[0].send(PartyId(7), Frame { tag, depth: 0, body: vec![].into() }).is_err());
}

#[test]
fn a_depth_at_the_limit_does_not_wrap() {
    let mut ends = memory::mesh(3, Duration::from_millis(50));
    let peer = ends.remove(1);
    let tag = Tag { path: 1, seq: 0, chunk: 0 };
    peer.send(PartyId(0), Frame { tag, depth: u32::MAX, body: vec![0; 8].into() }).unwrap();
    let end = ends.remove(0);
    let mut s = Session::new(Role::P0, Arc::new(end), test_prss(1, Role::P0), Gate::recording());
    s.enter(1);
    s.recv(Role::P1.id(), &mut [0_u64]).unwrap();
    assert_eq!(s.depth(), u32::MAX);
}
