//! The price of a training by masks in which every provider takes part in every step.

use protocols::{
    party::Role,
    session::{Meter, OpeningKind, Recipient},
};

use super::step::Step;
use crate::{
    round::{
        course::Course,
        message::{model_pieces, pieces},
    },
    secagg::Threshold,
};

/// Twin of [`super::aggregate`] and [`super::take_part_masked`]. A provider that is late, declines or is lost makes it less.
pub fn masked_cost(m: &mut Meter, course: &Course, threshold: Threshold) {
    let party = Role::P0.id();
    for _ in 0..course.rounds {
        for step in Step::ALL {
            let Some(answers) = step.answers(course, threshold) else { continue };
            if step == Step::Signatures {
                m.pass_gate(OpeningKind::Average, course.opened(), Recipient::One(Role::P0));
            }
            let model = if step == Step::Ask { course.handed() } else { 0 };
            for (_, id) in course.guests() {
                let bodies = [8, 8 * step.says(course, threshold)].into_iter();
                let all = bodies.chain(model_pieces(model).map(|numbers| 4 * numbers));
                all.for_each(|bytes| m.told(party, id, bytes));
            }
            for (_, id) in course.guests() {
                m.told(id, party, 8 * step.begins());
                pieces(answers).for_each(|words| m.told(id, party, 8 * words));
            }
        }
    }
    for (_, id) in course.guests() {
        m.told(party, id, 8);
    }
}
