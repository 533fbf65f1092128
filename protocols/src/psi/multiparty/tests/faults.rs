//! Bytes that were changed, cut or belong elsewhere: the run ends, and never with two different outcomes.

use super::*;
use crate::net::faulty::{Fault, Faulty, Planned};

type Ended = Vec<Result<Option<Vec<u32>>, SessionError>>;

/// A run of all there are places for, in which one message of a party suffers so. No link is made anew.
fn faulted(setting: &Setting, sets: &[Vec<u128>], fault: Option<(PartyId, Planned)>) -> Ended {
    let places = setting.places();
    let mesh = memory::mesh(places, Duration::from_secs(20)).into_iter();
    let channels = mesh.map(|end| {
        let planned = fault.filter(|(party, _)| *party == end.me()).map(|(_, planned)| planned);
        Arc::new(Faulty::new(end, planned.into_iter().collect())) as Arc<dyn Channel>
    });
    let circle = Circle::new(51, u16::try_from(places).unwrap());
    let run = circle.run_over(channels.collect(), |wire, rng| {
        let at = setting.parties().position(|party| party == wire.me());
        at.map_or(Ok(None), |at| intersect(wire, setting, &sets[at], rng))
    });
    run.results
}

/// All items are common, so that a report has them and nothing else.
#[test]
fn whatever_message_is_altered_all_end_with_the_same_or_with_an_error() {
    let setting = Setting::new(PartyId(2), vec![8; 3], Audience::Everyone).unwrap();
    let sets = sets(&Circle::new(51, 3), setting.sizes(), 8);
    let whole = faulted(&setting, &sets, None);
    assert!(whole.iter().all(|found| *found == Ok(Some((0..8).collect()))), "{whole:?}");
    let faults = [
        Fault::FlipBit(0),
        Fault::FlipBit(777),
        Fault::FlipBit(usize::MAX / 8),
        Fault::Truncate(3),
        Fault::WrongTag,
    ];
    let (mut noticed, mut ended) = (0, 0);
    let ways = (0..3).flat_map(|from| (0..3).map(move |to| (from, to))).filter(|(a, b)| a != b);
    for (from, to) in ways {
        for (nth, fault) in (0..6).flat_map(|nth| faults.map(|fault| (nth, fault))) {
            let planned = Planned { to: PartyId(to), nth, fault };
            let found = faulted(&setting, &sets, Some((PartyId(from), planned)));
            let differ = |error: &SessionError| {
                matches!(error, SessionError::Inconsistent { what: "intersections", .. })
            };
            noticed += usize::from(found.iter().any(|one| one.as_ref().is_err_and(differ)));
            let keys = found.iter().zip(&sets).map(|(found, set)| {
                let at = found.as_ref().ok()?.as_ref()?;
                Some(at.iter().map(|at| set[*at as usize]).collect::<HashSet<u128>>())
            });
            match keys.collect::<Option<Vec<_>>>() {
                Some(keys) => {
                    assert!(keys.iter().all(|one| *one == keys[0]), "{from} {planned:?}");
                }
                None => ended += 1,
            }
        }
    }
    assert!(noticed > 0 && ended > noticed, "{noticed} of {ended}");
}

/// What one of the others hears of the common items: all of them notice, whoever of them it is.
#[test]
fn a_report_that_one_of_five_hears_otherwise_is_noticed() {
    let seats: Vec<_> = [0, 1, 3, 4, 5].map(PartyId).into();
    let leader = PartyId(4);
    let setting = Setting::new(leader, vec![8; 5], Audience::Everyone).unwrap();
    let setting = setting.seated(seats).unwrap();
    let sets = sets(&Circle::new(52, 5), setting.sizes(), 8);
    let whole = faulted(&setting, &sets, None);
    let learned = |found: &Result<_, _>| *found == Ok(Some((0..8).collect()));
    assert_eq!(whole.iter().filter(|found| learned(found)).count(), 5, "{whole:?}");
    let leader = setting.leader();
    for to in setting.others(leader) {
        let mut noticed = 0;
        for nth in 0..8 {
            let planned = Planned { to, nth, fault: Fault::FlipBit(0) };
            let found = faulted(&setting, &sets, Some((leader, planned)));
            let differ = |error: &SessionError| {
                matches!(error, SessionError::Inconsistent { what: "intersections", .. })
            };
            let seen = found.iter().any(|one| one.as_ref().is_err_and(differ));
            let counts: HashSet<_> =
                found.iter().flatten().flatten().map(|common| common.len()).collect();
            let ended = found.iter().any(Result::is_err);
            assert!(ended || counts.len() == 1, "{planned:?}: {found:?}");
            noticed += usize::from(seen);
        }
        assert!(noticed > 0, "{to}");
    }
}
