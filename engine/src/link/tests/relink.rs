//! One link made anew while the others of its run stand.

use super::{super::Relinker, *};

/// For links that come, and for links that do not.
const PATIENT: Duration = Duration::from_secs(30);
const BRIEF: Duration = Duration::from_millis(1200);

fn relinker(daemon: &Daemon, roster: &Roster) -> Relinker {
    Relinker::new(daemon.dialler.clone(), daemon.rendezvous.clone(), roster.clone())
}

/// Makes a link anew on a thread that may block.
async fn again(
    relinker: &Relinker,
    peer: &str,
    time: u32,
    limit: Duration,
) -> Result<Vec<DataLink>, LinkError> {
    let (relinker, peer) = (relinker.clone(), name(peer));
    tokio::task::spawn_blocking(move || relinker.connect(&peer, time, limit)).await.unwrap()
}

/// Three that compute, and two that do not.
async fn five() -> Vec<(&'static str, Daemon)> {
    let all = [("census", 1), ("employers", 2), ("neutral", 3), ("bank_a", 4), ("bank_b", 5)];
    let (pins, mut daemons) = (pins(&all), Vec::new());
    for (party, byte) in all {
        daemons.push((party, daemon(credentials(9, party, byte, &pins)).await));
    }
    daemons
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ends_ask_for_it_and_have_it_as_often_as_they_ask() {
    let daemons = five().await;
    let parties: Vec<_> = daemons.iter().map(|(party, daemon)| (*party, daemon)).collect();
    let roster = roster(7, &parties);
    let of = |party: &str| {
        let (_, daemon) = daemons.iter().find(|(name, _)| *name == party).unwrap();
        relinker(daemon, &roster)
    };
    // Two that compute, one that does not and one that does, two that do not.
    for [one, other] in [["census", "employers"], ["bank_a", "neutral"], ["bank_a", "bank_b"]] {
        let (a, b) = (of(one), of(other));
        for time in [1, 2] {
            let (at_a, at_b) =
                tokio::join!(again(&a, other, time, PATIENT), again(&b, one, time, PATIENT));
            let (at_a, at_b) = (at_a.unwrap(), at_b.unwrap());
            let one = one.to_owned();
            let greeting = tokio::task::spawn_blocking(move || greet(at_a, &one));
            let other = other.to_owned();
            let back = other.clone();
            let answer = tokio::task::spawn_blocking(move || greet(at_b, &back));
            assert_eq!(greeting.await.unwrap(), [other]);
            answer.await.unwrap();
        }
    }
    // Two that have no link in this run get none.
    let error = again(&relinker(parties[0].1, &roster), "nobody", 1, PATIENT).await.unwrap_err();
    assert_eq!(error, LinkError::Ended);
}

/// Two providers whose links with the same party were lost alike.
#[tokio::test(flavor = "multi_thread")]
async fn several_links_of_a_party_are_made_anew_at_the_same_time() {
    let daemons = five().await;
    let parties: Vec<_> = daemons.iter().map(|(party, daemon)| (*party, daemon)).collect();
    let roster = roster(7, &parties);
    let [census, _, _, bank_a, bank_b] = &daemons[..] else { panic!("five") };
    let [census, bank_a, bank_b] = [census, bank_a, bank_b].map(|(_, it)| relinker(it, &roster));
    let (to_a, to_b, of_a, of_b) = tokio::join!(
        again(&census, "bank_a", 1, PATIENT),
        again(&census, "bank_b", 1, PATIENT),
        again(&bank_a, "census", 1, PATIENT),
        again(&bank_b, "census", 1, PATIENT),
    );
    for (links, peer) in [(to_a, "bank_a"), (to_b, "bank_b"), (of_a, "census"), (of_b, "census")] {
        let links = links.unwrap();
        assert!(links.len() == 2 && links.iter().all(|link| link.peer == name(peer)), "{peer}");
    }
}

/// Who was killed does not know how often its links were made anew, and is told by who waits for it, and by nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_has_all_links_for_the_times_that_its_peers_wait_for() {
    let daemons = five().await;
    let parties: Vec<_> = daemons.iter().map(|(party, daemon)| (*party, daemon)).collect();
    let roster = roster(7, &parties);
    let of: Vec<_> = daemons.iter().map(|(_, daemon)| relinker(daemon, &roster)).collect();
    let [census, employers, neutral, bank_a, bank_b] = &of[..] else { panic!("five") };
    let (late, at_census, at_employers, at_neutral, back) = tokio::join!(
        bank_b.rejoin(BRIEF),
        again(census, "bank_a", 1, PATIENT),
        again(employers, "bank_a", 4, PATIENT),
        // This one notices later that the link was lost.
        async {
            tokio::time::sleep(BRIEF / 4).await;
            again(neutral, "bank_a", 2, PATIENT).await
        },
        bank_a.rejoin(PATIENT),
    );
    assert!(matches!(late.unwrap_err(), LinkError::Timeout { .. }), "nobody waits for it");
    let mut back: Vec<_> =
        back.unwrap().into_iter().map(|link| (link.peer.to_string(), link.time)).collect();
    back.sort();
    let due = [("census", 1), ("employers", 4), ("neutral", 2)];
    assert_eq!(
        back,
        due.iter().flat_map(|(p, t)| [0; 2].map(|_| ((*p).to_owned(), *t))).collect::<Vec<_>>()
    );
    for (links, (_, time)) in [at_census, at_employers, at_neutral].into_iter().zip(due) {
        let links = links.unwrap();
        assert!(links.len() == 2 && links.iter().all(|link| link.time == time));
    }
    // Another run has none of them.
    let other = relinker_of_other_run(&daemons);
    let (two, back) = tokio::join!(again(census, "bank_a", 2, BRIEF), other.rejoin(BRIEF));
    assert!(two.is_err() && matches!(back.unwrap_err(), LinkError::Mismatch { .. }));
}

/// Who is killed while the links of a run are made, and back before all stand, has new ones in their place.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_back_before_all_links_stand_begins_with_new_ones() {
    let daemons = five().await;
    let parties: Vec<_> = daemons.iter().take(4).map(|(party, daemon)| (*party, daemon)).collect();
    let roster = roster(7, &parties);
    let begins = |at: usize| {
        let (daemon, roster) = (&daemons[at].1, roster.clone());
        let (dialler, rendezvous) = (daemon.dialler.clone(), daemon.rendezvous.clone());
        tokio::spawn(async move { connect_run(&dialler, &rendezvous, &roster).await })
    };
    let (census, employers, killed) = (begins(0), begins(1), begins(3));
    // Its links with these two stand, and that with the third does not.
    let stands = |at: usize| daemons[at].1.rendezvous.is_complete();
    while !(stands(0) && stands(1)) {
        tokio::time::sleep(BRIEF / 100).await;
    }
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    let back = relinker(&daemons[3].1, &roster);
    let (back, neutral) = tokio::join!(back.rejoin(PATIENT), async {
        tokio::time::sleep(BRIEF / 4).await;
        begins(2).await.unwrap()
    });
    let back = back.unwrap();
    assert!(back.len() == 6 && back.iter().all(|link| link.time == 0));
    let greeting =
        |links, party: &'static str| tokio::task::spawn_blocking(move || greet(links, party));
    let all = [
        (census.await.unwrap(), "census"),
        (employers.await.unwrap(), "employers"),
        (neutral, "neutral"),
    ];
    let greetings: Vec<_> =
        all.into_iter().map(|(links, party)| greeting(links.unwrap(), party)).collect();
    assert_eq!(greeting(back, "bank_a").await.unwrap(), ["census", "employers", "neutral"]);
    for heard in greetings {
        assert_eq!(heard.await.unwrap().len(), 3);
    }
}

/// The first provider's, in a run of the same name that is another one.
fn relinker_of_other_run(daemons: &[(&'static str, Daemon)]) -> Relinker {
    let parties: Vec<_> = daemons.iter().map(|(party, daemon)| (*party, daemon)).collect();
    let roster = Roster { run: Hash32([8; 32]), ..roster(7, &parties) };
    relinker(&daemons[3].1, &roster)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_gone_counts_otherwise_or_runs_something_else_has_none() {
    let pins = pins(&[("census", 1), ("employers", 2), ("neutral", 3)]);
    let census = daemon(credentials(9, "census", 1, &pins)).await;
    let employers = daemon(credentials(9, "employers", 2, &pins)).await;
    let neutral = daemon(credentials(9, "neutral", 3, &pins)).await;
    let parties = [("census", &census), ("employers", &employers), ("neutral", &neutral)];
    let roster = roster(7, &parties);

    let (a, b) = (relinker(&census, &roster), relinker(&employers, &roster));
    let (dials, waits) =
        tokio::join!(again(&a, "employers", 1, BRIEF), again(&b, "census", 2, BRIEF));
    let late = |peer: &str| LinkError::Timeout {
        peer: peer.to_owned(),
        stage: "the links of the run",
        ms: 1200,
    };
    assert_eq!(dials.unwrap_err(), late("employers"));
    assert_eq!(waits.unwrap_err(), late("census"));

    let other = Roster { run: Hash32([8; 32]), ..roster.clone() };
    let b = relinker(&employers, &other);
    let (dials, waits) =
        tokio::join!(again(&a, "employers", 1, BRIEF), again(&b, "census", 1, BRIEF));
    assert!(matches!(dials.unwrap_err(), LinkError::Mismatch { .. }));
    assert!(matches!(waits.unwrap_err(), LinkError::Mismatch { .. }));

    // The end of the run ends all waiting, that of later calls as well.
    let waiting = tokio::spawn({
        let a = a.clone();
        async move { again(&a, "neutral", 1, PATIENT).await }
    });
    a.stop();
    assert_eq!(waiting.await.unwrap().unwrap_err(), LinkError::Ended);
    assert_eq!(again(&a, "employers", 1, BRIEF).await.unwrap_err(), LinkError::Ended);
}
