//! What a protocol puts on the links: what its own twin says.

use super::question::{Form, Protocol, Question, Unfit};
use crate::{
    mpc::Shape,
    party::{PartyId, Role},
    psi::{
        aggregate::{Aggregates, Rule, aggregate_cost},
        circuit::{Provider, Task, intersect_cost},
        ecdh,
        hello::{Output, Setting},
        lookup,
        multiparty::{self, Audience},
        opprf,
        parameters::{Parameters, Sizes},
        vole_psi,
    },
    session::{CircleCost, Meter, PairCost, Profile, Recipient, Side},
    vole::Model,
};

/// Bytes and rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Price {
    /// Of the sender and of the receiver.
    pub(super) bytes: [u64; 2],
    /// Of all others.
    pub(super) others: u64,
    pub(super) rounds: u32,
    /// Bytes in the fullest direction of one link.
    pub(super) fullest: u64,
}

impl Price {
    fn of_two(cost: &PairCost) -> Self {
        let bytes = [Side::Sender, Side::Receiver].map(|side| cost.sent_by(side));
        Self { bytes, others: 0, rounds: cost.rounds(), fullest: bytes[0].max(bytes[1]) }
    }

    /// What a protocol would cost, if it answers.
    pub(super) fn of(
        protocol: Protocol,
        question: &Question,
        profile: Profile,
    ) -> Result<Self, Unfit> {
        if matches!(question.form, Form::AmongAll { .. }) && protocol != Protocol::Multi {
            return Err(Unfit::Parties);
        }
        let withstands = matches!(protocol, Protocol::VoleMalicious | Protocol::Lookup);
        if question.model == Model::Malicious && !withstands {
            return Err(Unfit::Model);
        }
        match protocol {
            Protocol::Vole | Protocol::VoleMalicious | Protocol::VoleLowCommunication => {
                vole(question, protocol)
            }
            Protocol::Ecdh => ecdh(question),
            Protocol::Circuit => circuit(question, profile),
            Protocol::Lookup => lookup(question),
            Protocol::Multi => multi(question),
        }
    }
}

fn vole(question: &Question, protocol: Protocol) -> Result<Price, Unfit> {
    let mut cost = PairCost::new();
    vole_psi::cost(&mut cost, &setting(question, protocol)?);
    Ok(Price::of_two(&cost))
}

/// What both sides of VOLE-PSI would agree on.
pub(super) fn setting(question: &Question, protocol: Protocol) -> Result<Setting, Unfit> {
    let output = match question.form {
        Form::ToReceiver => Output::ToReceiver,
        Form::ToBoth => Output::ToBoth,
        _ => return Err(Unfit::Form),
    };
    let parameters = match protocol {
        Protocol::VoleLowCommunication => {
            Parameters::low_communication_with_buckets_of(question.bucket, question.sizes)
        }
        Protocol::VoleMalicious => {
            Parameters::with_buckets_of(question.bucket, question.sizes, Model::Malicious)
        }
        _ => Parameters::with_buckets_of(question.bucket, question.sizes, Model::SemiHonest),
    };
    Ok(Setting { parameters: parameters.map_err(|_| Unfit::Sizes)?, output, context: [0; 32] })
}

fn ecdh(question: &Question) -> Result<Price, Unfit> {
    let mut cost = PairCost::new();
    let output = match question.form {
        Form::ToReceiver => Output::ToReceiver,
        Form::ToBoth => Output::ToBoth,
        Form::Count => {
            let Sizes { sender, receiver } = question.sizes;
            // A count is of sets in one piece: beyond that no order is drawn.
            if sender.max(receiver) >= 1 << 32 {
                return Err(Unfit::Sizes);
            }
            let output = ecdh::Output::CountToReceiver;
            ecdh::cost(&mut cost, ecdh::Shape { sender, receiver, output });
            return Ok(Price::of_two(&cost));
        }
        _ => return Err(Unfit::Form),
    };
    let Question { bucket, sizes, .. } = *question;
    let setting = ecdh::Setting::with_buckets_of(bucket, sizes, output, [0; 32]);
    ecdh::cost_from(&mut cost, &setting.map_err(|_| Unfit::Sizes)?, 0);
    Ok(Price::of_two(&cost))
}

/// The sender is P0, the receiver P1.
pub(super) fn task(question: &Question) -> Result<Task, Unfit> {
    let columns = match question.form {
        Form::Count => [0, 0],
        Form::Sums(sums) => [sums, 0],
        Form::IntoShares { sender, receiver } => [sender, receiver],
        _ => return Err(Unfit::Form),
    };
    let provider = |role, items, columns: u32| Provider {
        role,
        items,
        columns: (0..columns).map(|_| Shape::Z64).collect(),
    };
    let Sizes { sender, receiver } = question.sizes;
    let [sender, receiver] =
        [provider(Role::P0, sender, columns[0]), provider(Role::P1, receiver, columns[1])];
    Task::new(receiver, sender, 1).map_err(|_| Unfit::Sizes)
}

fn circuit(question: &Question, profile: Profile) -> Result<Price, Unfit> {
    let task = task(question)?;
    let sums = match question.form {
        Form::Count => Some(0),
        Form::Sums(sums) => Some(sums as usize),
        _ => None,
    };
    let mut m = Meter::on(profile);
    intersect_cost(&mut m, &task);
    if let Some(sums) = sums {
        aggregate_cost(&mut m, task.bins(), 0, sums, &Rule::default());
        Aggregates::open_cost(&mut m, 0, sums, Recipient::One(Role::P1));
    }
    let mut between = PairCost::new();
    if task.sender().items > 0 && task.receiver().items > 0 {
        opprf::cost(&mut between, task.function());
    }
    // What is not between the two is spread over all three.
    let rest = m.total().bytes - between.total_bytes();
    let bytes = [Side::Sender, Side::Receiver].map(|side| between.sent_by(side) + rest / 3);
    let fullest = bytes[0].max(bytes[1]);
    Ok(Price { bytes, others: rest - 2 * (rest / 3), rounds: m.total().rounds, fullest })
}

fn lookup(question: &Question) -> Result<Price, Unfit> {
    let Form::Lookup { label_bytes, budget, fetched } = question.form else {
        return Err(Unfit::Unpublished);
    };
    let Sizes { sender, receiver } = question.sizes;
    let body = lookup::table_bytes(sender as u64, budget, label_bytes).ok_or(Unfit::Sizes)?;
    let mut cost = PairCost::new();
    if !fetched {
        cost.message::<u8>(Side::Sender, lookup::HEADER_BYTES);
        cost.message::<u8>(Side::Sender, body);
    }
    lookup::cost(&mut cost, receiver);
    Ok(Price::of_two(&cost))
}

fn multi(question: &Question) -> Result<Price, Unfit> {
    let Form::AmongAll { parties, everyone } = question.form else {
        return Err(Unfit::Form);
    };
    let setting = circle(question, parties, everyone).ok_or(Unfit::Sizes)?;
    let mut cost = CircleCost::new(usize::from(parties));
    multiparty::cost(&mut cost, &setting);
    let [leader, other] = [0, 1].map(|party| cost.bytes[party]);
    let links = u64::from(parties) - 1;
    let fullest = other.max(leader / links);
    let others = cost.total_bytes() - leader - other;
    Ok(Price { bytes: [other, leader], others, rounds: cost.rounds(), fullest })
}

/// Party 0 leads.
pub(super) fn circle(
    question: &Question,
    parties: u16,
    everyone: bool,
) -> Option<multiparty::Setting> {
    let Question { sizes, bucket, .. } = *question;
    let mut all = vec![sizes.sender; usize::from(parties)];
    *all.first_mut()? = sizes.receiver;
    let audience = if everyone { Audience::Everyone } else { Audience::Leader };
    multiparty::Setting::with_buckets_of(bucket, PartyId(0), all, audience).ok()
}
