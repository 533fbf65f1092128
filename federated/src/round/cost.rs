//! The price of a training in which every provider takes part in every round.

use protocols::{party::Role, session::Meter};

use super::{
    closing,
    course::Course,
    gate::taken_cost,
    message::{ASK_WORDS, answer_words, model_pieces, pieces},
    open::{open_cost, to_both},
    worth::{start_cost, tell_cost, weigh_cost},
};
use crate::average::explicit_party;

/// Twin of [`super::train`] and [`super::take_part`]. A provider that is late, declines or is lost makes it less, and so do rounds
/// of an earlier run.
pub fn cost(m: &mut Meter, course: &Course) {
    if let Some(worth) = &course.worth {
        start_cost(m, worth);
    }
    if course.resumed {
        closing::cost(m, course);
    }
    for round in 0..course.rounds {
        round_cost(m, course, round);
    }
    if course.worth.is_some() {
        closing::done_cost(m);
        tell_cost(m, course);
    }
    for (_, id) in course.guests() {
        for role in Role::ALL {
            m.told(role.id(), id, 8 * ASK_WORDS);
        }
    }
}

/// One round, from 0.
pub(super) fn round_cost(m: &mut Meter, course: &Course, round: u32) {
    to_both(m, |_, _| 8 * course.set_words());
    for (number, id) in course.guests() {
        for role in Role::ALL {
            m.told(role.id(), id, 8 * ASK_WORDS);
        }
        let server = course.server(number, round).id();
        model_pieces(course.handed()).for_each(|numbers| m.told(server, id, 4 * numbers));
    }
    let seated = course.seated().flat_map(|(number, owner)| {
        let to = [owner.next(), owner.prev()].into_iter();
        to.flat_map(move |to| answer(course, number, to).map(move |bytes| (owner, to, bytes)))
    });
    m.messages(&seated.collect::<Vec<_>>());
    for (number, id) in course.guests() {
        for role in Role::ALL {
            answer(course, number, role).for_each(|bytes| m.told(id, role.id(), bytes));
        }
    }
    match &course.gates {
        None => to_both(m, |_, _| 8 * course.set_words()),
        Some(gates) => taken_cost(m, course, gates),
    }
    closing::close_cost(m);
    open_cost(m, course);
    if let Some(worth) = &course.worth {
        weigh_cost(m, course, worth);
    }
}

/// The messages of one provider to one party in a round.
fn answer(course: &Course, number: usize, to: Role) -> impl Iterator<Item = usize> {
    let parts = course.parts(to);
    let words = if parts.contains(&explicit_party(number)) { course.words() } else { 0 };
    std::iter::once(8 * answer_words(parts.len())).chain(pieces(words).map(|words| 8 * words))
}
