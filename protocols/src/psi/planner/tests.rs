//! Figures are the twins', choices are sensible, and refusals say why.

use super::{price::setting, *};
use crate::{
    mpc::Shape,
    party::{PartyId, Role},
    psi::{
        BUCKET_ITEMS, Output, Scattered, Sizes,
        aggregate::{Aggregates, Rule, aggregate_cost},
        circuit::{Provider, Task, intersect_cost},
        ecdh, lookup, multiparty, vole_psi,
    },
    session::{CircleCost, Meter, PairCost, Profile, Recipient, Side},
    testkit::Duo,
    vole::Model,
};

const LOOKUP: Form = Form::Lookup { label_bytes: 8, budget: 1 << 20, fetched: false };

fn question(n: usize, form: Form, model: Model) -> Question {
    Question { sizes: Sizes { sender: n, receiver: n }, form, model, bucket: BUCKET_ITEMS }
}

fn best(question: &Question, profile: Profile) -> Option<Protocol> {
    choose(question, profile).best()
}

/// Bytes of the sender, of the receiver and of all, and rounds.
fn figures(protocol: Protocol, question: &Question) -> ([u64; 2], u64, u32) {
    let choice = choose(question, Profile::LAN);
    let figures = choice.of(protocol).unwrap().figures.as_ref().unwrap();
    (figures.bytes, figures.total_bytes(), figures.rounds)
}

#[test]
fn tiny_sets_go_by_curve_points_and_large_ones_by_correlations() {
    for (profile, large) in [
        (Profile::LOOPBACK, Protocol::Vole),
        (Profile::LAN, Protocol::Vole),
        (Profile::WAN, Protocol::VoleLowCommunication),
    ] {
        let best = |n| best(&question(n, Form::ToReceiver, Model::SemiHonest), profile);
        assert_eq!(best(100), Some(Protocol::Ecdh));
        assert_eq!(best(1 << 20), Some(large));
    }
}

#[test]
fn every_form_has_its_protocol() {
    let shares = Form::IntoShares { sender: 1, receiver: 1 };
    let all = Form::AmongAll { parties: 5, everyone: true };
    let forms = [
        (Form::Count, Protocol::Circuit),
        (Form::Sums(2), Protocol::Circuit),
        (shares, Protocol::Circuit),
        (LOOKUP, Protocol::Lookup),
        (all, Protocol::Multi),
    ];
    for (form, protocol) in forms {
        let asked = question(1 << 18, form, Model::SemiHonest);
        assert_eq!(best(&asked, Profile::LAN), Some(protocol), "{form:?}");
    }
    let count = question(100, Form::Count, Model::SemiHonest);
    assert_eq!(best(&count, Profile::LAN), Some(Protocol::Ecdh), "a small count");
    let lookup = question(100, LOOKUP, Model::Malicious);
    assert_eq!(best(&lookup, Profile::LAN), Some(Protocol::Lookup));
}

#[test]
fn what_a_protocol_cannot_do_is_said() {
    let malicious = choose(&question(100, Form::ToBoth, Model::Malicious), Profile::LAN);
    assert_eq!(malicious.best(), Some(Protocol::VoleMalicious));
    let both = choose(&question(1 << 28, Form::ToBoth, Model::SemiHonest), Profile::LAN);
    let all = Form::AmongAll { parties: 3, everyone: false };
    let all = choose(&question(100, all, Model::SemiHonest), Profile::LAN);
    for (choice, said) in [
        (&malicious, "ecdh: is semi-honest"),
        (&malicious, "vole: is semi-honest"),
        (&malicious, "vole-low: is semi-honest"),
        (&both, "vole-low: has no parameters"),
        (&both, "circuit: does not give this form"),
        (&both, "lookup: answers queries about a table"),
        (&all, "vole-malicious: is between two"),
    ] {
        assert!(choice.to_string().contains(said), "{said}: {choice}");
    }
    for form in [Form::Count, Form::Sums(1), Form::AmongAll { parties: 3, everyone: true }] {
        let none = choose(&question(100, form, Model::Malicious), Profile::LAN);
        assert_eq!(none.best(), None, "{none}");
    }
    let huge = question(usize::MAX, Form::ToBoth, Model::SemiHonest);
    assert_eq!(best(&huge, Profile::LAN), None);
    let alone = Form::AmongAll { parties: 1, everyone: false };
    assert_eq!(best(&question(9, alone, Model::SemiHonest), Profile::LAN), None);
}

/// The bytes that decide are those that a run sends.
#[test]
fn quoted_bytes_are_measured_bytes() {
    let duo = Duo::new(1);
    let (n, words) = (2000, duo.words(0, 3000));
    for (form, model, protocol) in [
        (Form::ToReceiver, Model::SemiHonest, Protocol::Vole),
        (Form::ToBoth, Model::SemiHonest, Protocol::Vole),
        (Form::ToBoth, Model::SemiHonest, Protocol::VoleLowCommunication),
        (Form::ToBoth, Model::Malicious, Protocol::VoleMalicious),
    ] {
        let asked = question(n, form, model);
        let setting = setting(&asked, protocol).unwrap();
        let vole = duo.run(
            |pair, rng| vole_psi::send(pair, &setting, &mut Scattered::new(&words[..n], 1), rng),
            |pair, rng| {
                vole_psi::receive(pair, &setting, &mut Scattered::new(&words[1000..], 1), rng)
            },
        );
        let bytes = [0, 1].map(|side| vole.sent[side].bytes);
        assert_eq!(figures(protocol, &asked), (bytes, bytes[0] + bytes[1], vole.rounds));
    }
}

/// Every protocol's figures are those of its own twin, which its own tests hold to what it sends.
#[test]
fn figures_are_those_of_the_twins() {
    for sizes in [(1, 1), (0, 5), (70, 3000), (3000, 70)] {
        let sizes = Sizes { sender: sizes.0, receiver: sizes.1 };
        let asked = |form| Question { sizes, form, model: Model::SemiHonest, bucket: BUCKET_ITEMS };
        let pairwise = |form, protocol, twin: &dyn Fn(&mut PairCost)| {
            let mut cost = PairCost::new();
            twin(&mut cost);
            let bytes = [Side::Sender, Side::Receiver].map(|side| cost.sent_by(side));
            let want = (bytes, cost.total_bytes(), cost.rounds());
            assert_eq!(figures(protocol, &asked(form)), want, "{protocol}, {form:?}");
        };
        for (form, output) in
            [(Form::ToReceiver, Output::ToReceiver), (Form::ToBoth, Output::ToBoth)]
        {
            let setting = ecdh::Setting::with_buckets_of(BUCKET_ITEMS, sizes, output, [0; 32]);
            let setting = setting.unwrap();
            pairwise(form, Protocol::Ecdh, &|c| ecdh::cost_from(c, &setting, 0));
        }
        let Sizes { sender, receiver } = sizes;
        let shape = ecdh::Shape { sender, receiver, output: ecdh::Output::CountToReceiver };
        pairwise(Form::Count, Protocol::Ecdh, &|c| ecdh::cost(c, shape));
        for protocol in [Protocol::Vole, Protocol::VoleLowCommunication, Protocol::VoleMalicious] {
            let setting = setting(&asked(Form::ToBoth), protocol).unwrap();
            pairwise(Form::ToBoth, protocol, &|c| vole_psi::cost(c, &setting));
        }
        pairwise(LOOKUP, Protocol::Lookup, &|c| {
            let body = lookup::table_bytes(sizes.sender as u64, 1 << 20, 8).unwrap();
            c.message::<u8>(Side::Sender, lookup::HEADER_BYTES);
            c.message::<u8>(Side::Sender, body);
            lookup::cost(c, sizes.receiver);
        });
        let fetched = Form::Lookup { label_bytes: 8, budget: 1 << 20, fetched: true };
        pairwise(fetched, Protocol::Lookup, &|c| lookup::cost(c, sizes.receiver));
        joint(sizes);
        among(sizes);
    }
}

/// Circuits among three compute parties.
fn joint(sizes: Sizes) {
    for (form, columns, sums) in [
        (Form::IntoShares { sender: 2, receiver: 1 }, [2, 1], None),
        (Form::Count, [0, 0], Some(0)),
        (Form::Sums(1), [1, 0], Some(1)),
    ] {
        let provider =
            |role, items, columns| Provider { role, items, columns: vec![Shape::Z64; columns] };
        let task = Task::new(
            provider(Role::P1, sizes.receiver, columns[1]),
            provider(Role::P0, sizes.sender, columns[0]),
            1,
        )
        .unwrap();
        let mut m = Meter::new();
        intersect_cost(&mut m, &task);
        if let Some(sums) = sums {
            aggregate_cost(&mut m, task.bins(), 0, sums, &Rule::default());
            Aggregates::open_cost(&mut m, 0, sums, Recipient::One(Role::P1));
        }
        let asked = Question { sizes, form, model: Model::SemiHonest, bucket: BUCKET_ITEMS };
        let (bytes, all, rounds) = figures(Protocol::Circuit, &asked);
        assert_eq!((all, rounds), (m.total().bytes, m.total().rounds), "{form:?}");
        assert!(bytes[0] <= all && bytes[1] <= all);
    }
}

fn among(sizes: Sizes) {
    for (parties, everyone) in [(2, false), (3, true), (5, false)] {
        let mut all = vec![sizes.sender; usize::from(parties)];
        all[0] = sizes.receiver;
        let audience =
            if everyone { multiparty::Audience::Everyone } else { multiparty::Audience::Leader };
        let setting = multiparty::Setting::new(PartyId(0), all, audience).unwrap();
        let mut cost = CircleCost::new(usize::from(parties));
        multiparty::cost(&mut cost, &setting);
        let form = Form::AmongAll { parties, everyone };
        let asked = Question { sizes, form, model: Model::SemiHonest, bucket: BUCKET_ITEMS };
        let want = ([cost.bytes[1], cost.bytes[0]], cost.total_bytes(), cost.rounds());
        assert_eq!(figures(Protocol::Multi, &asked), want, "{parties} parties");
    }
}

#[test]
fn slower_links_and_fewer_processors_take_longer() {
    let slow = Profile { rtt_us: 50_000, bandwidth_mbps: 10 };
    let asked = question(1 << 20, Form::ToReceiver, Model::SemiHonest);
    let nanos = |means: Means| {
        let choice = choose(&asked, means);
        choice.alternatives()[0].figures.as_ref().unwrap().nanos
    };
    let means = |profile, cores| Means { profile, cores };
    assert!(nanos(means(Profile::LAN, 2)) < nanos(means(Profile::WAN, 2)));
    assert!(nanos(means(Profile::WAN, 2)) < nanos(means(slow, 2)));
    assert!(nanos(means(Profile::LOOPBACK, 2)) < nanos(means(Profile::LOOPBACK, 1)));
    assert_eq!(nanos(means(slow, 1)), nanos(means(slow, 2)), "the link is what takes long");
    assert_eq!(nanos(means(Profile::LAN, 0)), nanos(means(Profile::LAN, 1)));
    // Diffie–Hellman alone computes on all of them, where there are points for all.
    let of = |items: usize, cores: u32| {
        let sizes = Sizes { sender: items, receiver: items };
        let choice = choose(&Question { sizes, ..asked }, means(Profile::LOOPBACK, cores));
        let mut all = choice.alternatives().iter();
        all.find(|one| one.protocol == Protocol::Ecdh).unwrap().figures.as_ref().unwrap().nanos
    };
    assert!(of(1 << 20, 4) < of(1 << 20, 2) * 6 / 10);
    assert_eq!(of(200, 4), of(200, 2));
}

/// One query in a large table: points, or a table at hand; never correlations for every row.
#[test]
fn unequal_sets_are_told_from_equal_ones() {
    let sizes = Sizes { sender: 1, receiver: 200 };
    let asked =
        Question { sizes, form: Form::ToReceiver, model: Model::SemiHonest, bucket: BUCKET_ITEMS };
    assert_eq!(best(&asked, Profile::LAN), Some(Protocol::Ecdh));
    let fetched = |fetched| Form::Lookup { label_bytes: 8, budget: 1 << 20, fetched };
    let sizes = Sizes { sender: 1_000_000, receiver: 1 };
    let nanos = |form| {
        let asked = Question { sizes, form, model: Model::SemiHonest, bucket: BUCKET_ITEMS };
        choose(&asked, Profile::WAN).alternatives()[0].figures.as_ref().unwrap().nanos
    };
    assert!(nanos(fetched(true)) * 10 < nanos(fetched(false)));
}
