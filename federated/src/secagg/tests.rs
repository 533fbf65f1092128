//! Sums against sums in the clear, with clients lost at every step; and coordinators that cheat.

use std::{collections::BTreeSet, sync::Arc};

use ed25519_dalek::SigningKey;
use protocols::{prg::Prg, ring::Z64};

use super::{
    Advertised, Client, Confirmed, Envelope, Keys, Masked, Name, SecAggError, Server, Sets,
    Setting, Shared, Slots, Threshold, Unmasking,
};

const WORDS: usize = 70;

fn signer(client: u32) -> SigningKey {
    SigningKey::from_bytes(&[u8::try_from(client + 1).unwrap(); 32])
}

fn setting(clients: u32, threshold: Threshold, round: u32) -> Arc<Setting> {
    let keys = (0..clients).map(|client| signer(client).verifying_key()).collect();
    let name = Name { job: [1; 32], round, attempt: 1, from: [2; 32] };
    Arc::new(Setting::new(name, keys, WORDS, (threshold, 2), &[5; 32]).unwrap())
}

/// A run up to some step, with the clients that are still there.
struct Run {
    setting: Arc<Setting>,
    server: Server,
    rng: Prg,
}

impl Run {
    fn new(clients: u32, threshold: Threshold, seed: u8) -> Self {
        let setting = setting(clients, threshold, 1);
        Self { server: Server::new(Arc::clone(&setting)), setting, rng: Prg::new(&[seed; 16]) }
    }

    fn advertised(&mut self, there: &BTreeSet<u32>) -> Vec<(u32, Client<Advertised>)> {
        let mut clients = Vec::new();
        for index in there {
            let setting = Arc::clone(&self.setting);
            let (client, keys) =
                Client::new(setting, *index, signer(*index), &mut self.rng).unwrap();
            self.server.keys(*index, keys).unwrap();
            clients.push((*index, client));
        }
        clients
    }

    fn shared(&mut self, clients: Vec<(u32, Client<Advertised>)>) -> Vec<(u32, Client<Shared>)> {
        let mut after = Vec::new();
        for (index, client) in clients {
            let keys = self.server.keys_for(index);
            let (client, envelopes) = client.share(keys, &mut self.rng).unwrap();
            self.server.shares(index, envelopes).unwrap();
            after.push((index, client));
        }
        after
    }

    fn masked(&mut self, clients: Vec<(u32, Client<Shared>)>) -> Vec<(u32, Client<Masked>)> {
        let mut after = Vec::new();
        for (index, client) in clients {
            let envelopes = self.server.shares_for(index);
            let (client, vector) = client.mask(envelopes, vector(index)).unwrap();
            self.server.vector(index, &vector).unwrap();
            after.push((index, client));
        }
        after
    }

    fn confirmed(
        &self,
        clients: Vec<(u32, Client<Masked>)>,
    ) -> Vec<(u32, Client<Confirmed>, [u8; 64])> {
        let confirm = |(index, client): (u32, Client<Masked>)| {
            let (client, signature) = client.confirm(self.server.sets()).unwrap();
            (index, client, signature)
        };
        clients.into_iter().map(confirm).collect()
    }

    fn unmasked(&mut self, clients: Vec<(u32, Client<Confirmed>, [u8; 64])>) {
        let signatures: Vec<_> =
            clients.iter().map(|(index, _, signed)| (*index, *signed)).collect();
        for (index, client, _) in clients {
            let neighbours = self.setting.neighbours(index);
            let own: Vec<_> =
                signatures.iter().filter(|(by, _)| neighbours.contains(by)).copied().collect();
            self.server.unmasking(index, client.unmask(&own).unwrap()).unwrap();
        }
    }
}

fn vector(client: u32) -> Vec<u64> {
    Prg::new(&[u8::try_from(client).unwrap() ^ 0x5a; 16]).elements::<Z64>(WORDS).to_vec()
}

fn plain(clients: &BTreeSet<u32>) -> Vec<u64> {
    let mut sum = vec![0_u64; WORDS];
    for client in clients {
        sum.iter_mut().zip(vector(*client)).for_each(|(sum, word)| *sum = sum.wrapping_add(word));
    }
    sum
}

/// So many of the clients, at random.
fn some(clients: u32, lost: u32, rng: &mut Prg) -> BTreeSet<u32> {
    let mut left: BTreeSet<u32> = (0..clients).collect();
    while left.len() > (clients - lost) as usize {
        let at = rng.elements::<Z64>(1)[0] % u64::from(clients);
        left.remove(&u32::try_from(at).unwrap());
    }
    left
}

#[test]
fn the_sum_is_that_of_the_clients_who_sent_vectors() {
    for seed in 0..12 {
        let mut draws = Prg::new(&[seed ^ 0x33; 16]);
        let (clients, threshold) = match seed % 3 {
            0 => (5, Threshold::new(5, 0.0, 0.2).unwrap()),
            1 => (16, Threshold::new(16, 0.2, 0.2).unwrap()),
            _ => (36, Threshold { neighbours: 14, shares: 8 }),
        };
        let lost = clients / 6;
        let mut run = Run::new(clients, threshold, seed);
        let mut there = (0..clients).collect::<BTreeSet<_>>();
        let all = run.advertised(&there);
        let shared = run.shared(all);
        there = some(clients, lost, &mut draws);
        let left = shared.into_iter().filter(|(index, _)| there.contains(index)).collect();
        let masked = run.masked(left);
        let summed = there.clone();
        // One more is gone before it has signed, and another before it gives shares.
        let masked = masked.into_iter().skip(usize::from(seed % 2)).collect();
        let confirmed = run.confirmed(masked);
        run.unmasked(confirmed);
        let (sum, of) = run.server.finish().unwrap();
        assert_eq!(of, summed, "seed {seed}");
        assert_eq!(sum, plain(&summed), "seed {seed}: {clients} clients, {lost} lost");
    }
}

#[test]
fn one_masked_vector_says_nothing_and_no_two_runs_are_alike() {
    let threshold = Threshold::new(5, 0.0, 0.2).unwrap();
    let first = |seed| {
        let mut run = Run::new(5, threshold, seed);
        let all = run.advertised(&(0..5).collect());
        let mut shared = run.shared(all);
        let (index, client) = shared.remove(0);
        let envelopes = run.server.shares_for(index);
        client.mask(envelopes, vector(index)).unwrap().1
    };
    let (a, b) = (first(1), first(2));
    let same = |x: &[u64], y: &[u64]| x.iter().zip(y).filter(|(x, y)| x == y).count();
    assert_eq!(same(&a, &vector(0)), 0);
    assert_eq!(same(&a, &b), 0);
}

/// Five clients who have sent their vectors, but for client 4.
fn at_masked() -> (Run, Vec<(u32, Client<Masked>)>) {
    let mut run = Run::new(5, Threshold::new(5, 0.0, 0.2).unwrap(), 3);
    let all = run.advertised(&(0..5).collect());
    let mut shared = run.shared(all);
    shared.pop();
    let masked = run.masked(shared);
    (run, masked)
}

#[test]
fn nobody_is_in_the_sum_and_lost() {
    let (run, mut masked) = at_masked();
    let mut sets = run.server.sets();
    sets.lost.insert(1);
    let (_, client) = masked.pop().unwrap();
    assert_eq!(client.confirm(sets).unwrap_err(), SecAggError::Both(1));
}

#[test]
fn a_sum_of_many_is_not_made_of_sums_of_few() {
    let mut run = Run::new(5, Threshold::new(5, 0.0, 0.2).unwrap(), 3);
    let all = run.advertised(&(0..5).collect());
    let mut shared = run.shared(all);
    let (index, client) = shared.remove(0);
    // The coordinator keeps back what client 3 shared: the two have no mask in common then.
    let mut envelopes = run.server.shares_for(index);
    envelopes.retain(|it| it.from != 3);
    let (client, masked) = client.mask(envelopes, vector(index)).unwrap();
    run.server.vector(index, &masked).unwrap();
    drop(run.masked(shared));
    assert_eq!(client.confirm(run.server.sets()).unwrap_err(), SecAggError::Passed);
}

#[test]
fn who_does_not_share_with_all_neighbours_is_told_apart_from_the_coordinator() {
    let mut run = Run::new(5, Threshold::new(5, 0.0, 0.2).unwrap(), 6);
    let mut all = run.advertised(&(0..5).collect());
    let (index, client) = all.remove(0);
    let keys = run.server.keys_for(index);
    let (_, mut envelopes) = client.share(keys, &mut run.rng).unwrap();
    envelopes.pop();
    assert_eq!(run.server.shares(index, envelopes), Err(SecAggError::Omitted(index)));
}

#[test]
fn a_coordinator_that_tells_two_stories_gets_no_shares() {
    let (run, masked) = at_masked();
    let honest = run.server.sets();
    // Half are told that client 0 is in the sum, half that it was lost.
    let other = Sets {
        summed: honest.summed.iter().copied().filter(|client| *client != 0).collect(),
        lost: honest.lost.iter().copied().chain([0]).collect(),
    };
    let mut told = Vec::new();
    for (index, client) in masked {
        let sets = if index == 0 || index == 1 { honest.clone() } else { other.clone() };
        let (client, signature) = client.confirm(sets).unwrap();
        told.push((index, client, signature));
    }
    let signatures: Vec<_> = told.iter().map(|(index, _, signed)| (*index, *signed)).collect();
    for (index, client, _) in told {
        let all: Vec<_> = signatures.iter().filter(|(by, _)| *by != index).copied().collect();
        let same: Vec<_> =
            all.iter().filter(|(by, _)| (*by <= 1) == (index <= 1)).copied().collect();
        let refused = client.unmask(&same);
        assert!(matches!(refused, Err(SecAggError::Few { .. })), "{index}: {refused:?}");
    }
    let (run, masked) = at_masked();
    let mut confirmed = run.confirmed(masked);
    let (_, client, _) = confirmed.remove(1);
    let mixed: Vec<_> = signatures.iter().filter(|(by, _)| *by != 1).copied().collect();
    assert_eq!(client.unmask(&mixed).unwrap_err(), SecAggError::Stories(2));
}

#[test]
fn keys_of_somebody_between_are_refused() {
    let mut run = Run::new(5, Threshold::new(5, 0.0, 0.2).unwrap(), 4);
    let mut all = run.advertised(&(0..5).collect());
    let (_, client) = all.remove(0);
    let mut keys = run.server.keys_for(0);
    // The coordinator puts its own key in the place of client 1's.
    keys[0].1.mask = [9; 32];
    let refused = client.share(keys, &mut run.rng).map(drop);
    assert_eq!(refused.unwrap_err(), SecAggError::KeySignature(1));
    // Keys of another round are no keys of this one.
    let other = setting(5, run.setting.threshold, 2);
    let (_, old) = Client::new(other, 2, signer(2), &mut run.rng).unwrap();
    assert_eq!(Server::new(run.setting).keys(2, old), Err(SecAggError::KeySignature(2)));
}

#[test]
fn a_key_that_gives_no_secret_is_refused_before_it_is_passed_on() {
    let setting = setting(5, Threshold::new(5, 0.0, 0.2).unwrap(), 1);
    let (good, mut low) = ([9; 32], [0; 32]);
    for first in [0, 1] {
        low[0] = first;
        for public in [[low, good], [good, low]] {
            let mut server = Server::new(Arc::clone(&setting));
            let keys = Keys::sign(&setting, 3, public, &signer(3));
            assert_eq!(server.keys(3, keys), Err(SecAggError::Forced(3)));
            assert!(server.keys_for(0).is_empty());
        }
    }
    let keys = Keys::sign(&setting, 3, [good, good], &signer(3));
    assert_eq!(Server::new(Arc::clone(&setting)).keys(3, keys), Ok(()));
}

#[test]
fn a_mark_that_is_none_is_at_the_door_of_who_gave_it() {
    let setting = setting(5, Threshold::new(5, 0.0, 0.2).unwrap(), 1);
    let slots = Slots::of(&setting, 2);
    let mut words = slots.unmasking(&Unmasking::default());
    assert!(slots.read_unmasking(&words).is_ok());
    // In the slot of client 0.
    words[0] = 4;
    assert_eq!(slots.read_unmasking(&words).unwrap_err(), SecAggError::Mark(2));
}

#[test]
fn what_is_sent_twice_or_changed_on_the_way_is_refused() {
    let mut run = Run::new(5, Threshold::new(5, 0.0, 0.2).unwrap(), 5);
    let all = run.advertised(&(0..5).collect());
    let keys: Keys = run.server.keys_for(1)[0].1.clone();
    assert_eq!(run.server.keys(0, keys), Err(SecAggError::Twice(0)));
    let mut shared = run.shared(all);
    let (_, client) = shared.remove(0);
    let mut envelopes: Vec<Envelope> = run.server.shares_for(0);
    envelopes.push(envelopes[1].clone());
    let from = envelopes[1].from;
    assert_eq!(client.mask(envelopes, vector(0)).unwrap_err(), SecAggError::Twice(from));
    let (_, client) = shared.remove(0);
    let short = client.mask(Vec::new(), vec![0; 3]).map(drop);
    assert!(matches!(short, Err(SecAggError::Length { got: 3, want: WORDS, .. })));
    let masked = run.masked(vec![shared.remove(0)]);
    assert_eq!(masked[0].0, 2);
    assert_eq!(run.server.vector(2, &vector(2)), Err(SecAggError::Twice(2)));
    assert!(matches!(run.server.vector(7, &vector(2)), Err(SecAggError::Stranger(7))));
}

#[test]
fn too_few_are_no_sum() {
    let (mut run, masked) = at_masked();
    let confirmed = run.confirmed(masked);
    // One client alone cannot take masks off.
    let signatures: Vec<_> = confirmed.iter().map(|(index, _, signed)| (*index, *signed)).collect();
    let (index, client, _) = confirmed.into_iter().next().unwrap();
    let own: Vec<_> = signatures.iter().filter(|(by, _)| *by != index).copied().collect();
    run.server.unmasking(index, client.unmask(&own).unwrap()).unwrap();
    assert!(matches!(run.server.finish(), Err(SecAggError::Few { .. })));
}

/// A sum of four of five clients, of whom the fifth was lost; these lie about its key, of which three shares are enough.
fn lied_to(liars: &[u32]) -> Run {
    let (mut run, masked) = at_masked();
    let confirmed = run.confirmed(masked);
    let signatures: Vec<_> = confirmed.iter().map(|(index, _, signed)| (*index, *signed)).collect();
    for (index, client, _) in confirmed {
        let own: Vec<_> = signatures.iter().filter(|(by, _)| *by != index).copied().collect();
        let mut given: Unmasking = client.unmask(&own).unwrap();
        if liars.contains(&index) {
            given.keys[0].1[3] ^= 1 + u8::try_from(index).unwrap();
        }
        run.server.unmasking(index, given).unwrap();
    }
    run
}

#[test]
fn a_neighbour_that_lies_about_a_lost_key_is_put_aside_where_the_others_are_enough() {
    for liar in 0..4 {
        let mut run = lied_to(&[liar]);
        run.server.set_aside();
        // It, or whose key it is: that may have sealed it so.
        assert!(run.server.unopened().eq([(4, liar)]), "{liar}");
        let (sum, of) = run.server.finish().unwrap();
        assert_eq!(of, (0..4).collect());
        assert_eq!(sum, plain(&of), "{liar}");
    }
}

#[test]
fn neighbours_that_lie_about_a_lost_key_are_found_out() {
    let mut run = lied_to(&[1, 3]);
    run.server.set_aside();
    assert_eq!(run.server.unopened().count(), 0);
    let refused = run.server.finish().unwrap_err();
    assert_eq!(refused, SecAggError::Restored(4));
    // Which of them is not known, and the one who was lost is not accused.
    assert_eq!(refused.client(), None);
}

/// All seven clients up to their vectors, where envelopes are spoiled on their way; client 6 is lost after it has shared.
fn with_garbage(spoiled: &[(u32, u32)]) -> (Run, Vec<(u32, Client<Masked>)>) {
    let mut run = Run::new(7, Threshold::complete(7, 1, 2).unwrap(), 9);
    let all = run.advertised(&(0..7).collect());
    let mut shared = run.shared(all);
    shared.pop();
    let mut masked = Vec::new();
    for (index, client) in shared {
        let mut envelopes = run.server.shares_for(index);
        for it in envelopes.iter_mut().filter(|it| spoiled.contains(&(it.from, it.to))) {
            it.sealed[11] ^= 0x40;
        }
        let (client, vector) = client.mask(envelopes, vector(index)).unwrap();
        let found = client.unopened().map(|from| (from, index));
        assert!(found.eq(spoiled.iter().copied().filter(|(_, to)| *to == index)));
        run.server.vector(index, &vector).unwrap();
        masked.push((index, client));
    }
    (run, masked)
}

#[test]
fn who_cannot_open_an_envelope_keeps_its_place_and_says_whose_it_was() {
    // Of one in the sum, and of the one who is lost, each at as many as may be missing: four others take its masks off.
    let spoiled = [(2, 0), (6, 1), (6, 3)];
    let (mut run, masked) = with_garbage(&spoiled);
    let confirmed = run.confirmed(masked);
    run.unmasked(confirmed);
    assert!(run.server.unopened().eq(spoiled));
    let (sum, of) = run.server.finish().unwrap();
    assert_eq!(of, (0..6).collect());
    assert_eq!(sum, plain(&of));
}

#[test]
fn garbage_for_too_many_is_at_the_door_of_who_sealed_it() {
    // Four of seven take masks off, and one may be in league: two who complain are one more.
    for (spoiled, by) in [(&[(2, 0), (2, 3), (2, 4)][..], 3), (&[(6, 0), (6, 1), (6, 5)], 3)] {
        let (mut run, masked) = with_garbage(spoiled);
        let confirmed = run.confirmed(masked);
        run.unmasked(confirmed);
        let client = spoiled[0].0;
        let refused = run.server.finish().unwrap_err();
        assert_eq!(refused, SecAggError::Unopened { client, by });
        assert_eq!(refused.client(), Some(client));
    }
    // One alone may lie: the masks do not come off when others are gone too, and nobody is accused.
    let (mut run, masked) = with_garbage(&[(2, 0)]);
    let confirmed = run.confirmed(masked);
    let signatures: Vec<_> = confirmed.iter().map(|(by, _, signed)| (*by, *signed)).collect();
    for (index, client, _) in confirmed {
        let own: Vec<_> = signatures.iter().filter(|(by, _)| *by != index).copied().collect();
        let given = client.unmask(&own).unwrap();
        // Clients 3 and 4 are gone before they give anything.
        if ![3, 4].contains(&index) {
            run.server.unmasking(index, given).unwrap();
        }
    }
    let refused = run.server.finish().unwrap_err();
    assert!(matches!(refused, SecAggError::Few { .. }), "{refused:?}");
    assert_eq!(refused.client(), None);
}

#[test]
fn garbage_gets_the_coordinator_no_share_that_it_would_not_have_had() {
    let gave = |spoiled: &[(u32, u32)]| {
        let (run, masked) = with_garbage(spoiled);
        let confirmed = run.confirmed(masked);
        let signatures: Vec<_> = confirmed.iter().map(|(by, _, signed)| (*by, *signed)).collect();
        let given = confirmed.into_iter().map(|(index, client, _)| {
            let own: Vec<_> = signatures.iter().filter(|(by, _)| *by != index).copied().collect();
            let given = client.unmask(&own).unwrap();
            let of = |all: &[(u32, super::shamir::Secret)]| -> Vec<_> {
                all.iter().map(|(of, share)| (index, *of, **share)).collect()
            };
            (of(&given.seeds), of(&given.keys))
        });
        given.collect::<Vec<_>>()
    };
    let (whole, spoiled) = (gave(&[]), gave(&[(2, 0), (6, 3)]));
    assert_ne!(whole, spoiled);
    for ((seeds, keys), (fewer_seeds, fewer_keys)) in whole.iter().zip(&spoiled) {
        assert!(fewer_seeds.iter().all(|share| seeds.contains(share)));
        assert!(fewer_keys.iter().all(|share| keys.contains(share)));
    }
}

#[test]
fn clients_that_were_handed_different_things_are_in_different_sums() {
    let threshold = Threshold::complete(5, 1, 1).unwrap();
    let mut run = Run::new(5, threshold, 2);
    let mut all = run.advertised(&(0..5).collect());
    let name = Name { job: [1; 32], round: 1, attempt: 1, from: [3; 32] };
    let keys = (0..5).map(|client| signer(client).verifying_key()).collect();
    let other = Setting::new(name, keys, WORDS, (threshold, 2), &[5; 32]).unwrap();
    let (client, keys) = Client::new(Arc::new(other), 4, signer(4), &mut run.rng).unwrap();
    let (_, of_them) = all.remove(0);
    let mut told = run.server.keys_for(0);
    told.retain(|(of, _)| *of != 4);
    told.push((4, keys));
    let refused = of_them.share(told, &mut run.rng).map(drop).unwrap_err();
    assert_eq!(refused, SecAggError::KeySignature(4));
    let refused = client.share(run.server.keys_for(4), &mut run.rng).map(drop).unwrap_err();
    assert_eq!(refused, SecAggError::KeySignature(0));
}

#[test]
fn forty_clients_are_all_neighbours_of_all() {
    let threshold = Threshold::complete(40, 8, 4).unwrap();
    let mut run = Run::new(40, threshold, 7);
    let all = run.advertised(&(0..40).collect());
    let mut shared = run.shared(all);
    shared.truncate(37);
    let masked = run.masked(shared);
    let confirmed = run.confirmed(masked);
    run.unmasked(confirmed);
    let (sum, of) = run.server.finish().unwrap();
    assert_eq!(of, (0..37).collect());
    assert_eq!(sum, plain(&of));
}
