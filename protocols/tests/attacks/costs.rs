//! Measured = quoted on random sizes and random sequences: what one protocol leaves uneven, the next must be priced on.

use protocols::{
    mpc::{self, Column, Ordering, Shape, Shuffle},
    party::Role,
    relational::{
        Extreme, GroupBy, Join, compact, compact_cost, filter, filter_cost, group_by,
        group_by_cost, join, join_cost, order_by, order_by_cost,
    },
    ring::{B64, Z32, Z64},
    session::{Meter, OpeningKind, Session, SessionError},
    share::{Bits, Shared},
    testkit::World,
};

/// A protocol call with its public sizes.
#[derive(Clone, Copy, Debug)]
struct Call {
    which: usize,
    n: usize,
    m: usize,
    width: usize,
    role: Role,
}

const KINDS: usize = 23;

fn words(n: usize) -> Shared<Z64> {
    Shared::zeros(n)
}

fn sides<'a>(
    keys: &'a [Bits; 2],
    live: &'a [Bits; 2],
    columns: &'a [Column],
    sorted: bool,
) -> Join<'a> {
    Join {
        left_key: &keys[0],
        left_live: &live[0],
        left_sorted: sorted,
        columns,
        right_key: &keys[1],
        right_live: &live[1],
    }
}

impl Call {
    fn draw(random: &mut impl FnMut() -> u64) -> Self {
        let mut below = |limit: u64| usize::try_from(random() % limit).unwrap();
        Self {
            which: below(KINDS as u64),
            n: below(300) * below(2),
            m: below(200),
            width: 1 + below(63),
            role: Role::ALL[below(3)],
        }
    }

    /// Runs it. Values do not matter for the price, so all are 0 but the keys of a join's unique side, which is empty of live rows.
    fn run(self, s: &mut Session) -> Result<(), SessionError> {
        let Self { which, n, m, width, role } = self;
        let bits = |width| Bits::zeros(n, width);
        let (x, kind) = (words(n), OpeningKind::Masked);
        match which {
            0 => mpc::mul(s, &x, &x).map(drop),
            1 => mpc::and(s, &bits(width), &bits(width)).map(drop),
            2 => mpc::dot(s, &x, &x).map(drop),
            3 => mpc::lt(s, &x, &x, width).map(drop),
            4 => mpc::eq(s, &x, &x, width).map(drop),
            5 => mpc::lt_bits(s, &bits(width), &bits(width)).map(drop),
            6 => mpc::eq_bits(s, &bits(width), &bits(width)).map(drop),
            7 => mpc::inject::<Z32>(s, &bits(width % 8)).map(drop),
            8 => mpc::to_bits(s, &x, width).map(drop),
            9 => mpc::mask(s, &x, &bits(1)).map(drop),
            10 => mpc::select_words(s, &bits(1), &x, &x).map(drop),
            11 => {
                let shuffle = Shuffle::draw(s, n);
                let moved = shuffle.apply(s, &[Column::Z64(x), Column::Bits(bits(width))])?;
                shuffle.undo(s, &moved[1..]).map(drop)
            }
            12 => {
                let positions = mpc::sort_positions(s, &bits(width % 12))?;
                let (order, moved) = Ordering::apply(s, &positions, &[Column::Z64(x)])?;
                order.undo(s, &moved).map(drop)
            }
            13 => mpc::reveal(s, &x, kind).map(drop),
            14 => mpc::reveal_to(s, &x, role, kind).map(drop),
            15 => mpc::reshare(s, &x).map(drop),
            16 => {
                let mine = vec![0; n];
                mpc::input::<Z64>(s, role, (s.role() == role).then_some(&mine), n).map(drop)
            }
            17 => order_by(s, &bits(1), &bits(width % 9), &[Column::Z64(x)]).map(drop),
            18 => compact(s, &bits(1), &[Column::Bits(bits(width))]).map(drop),
            22 => mpc::from_bits::<Z64>(s, &bits(width)).map(drop),
            19 => filter(s, &bits(1), &bits(1)).map(drop),
            20 => {
                let keys = [bits(width % 9 + 1), Bits::zeros(m, width % 9 + 1)];
                let live = [bits(1), Bits::zeros(m, 1)];
                join(s, &sides(&keys, &live, &[Column::Z64(x)], m % 2 == 0)).map(drop)
            }
            _ => {
                let (keys, live, of) = (bits(width % 6), bits(1), bits(width % 5 + 1));
                let extremes = [Extreme { of: &of, largest: n % 2 == 0 }];
                let extremes = &extremes[..m % 2];
                let group = GroupBy {
                    keys: &keys,
                    live: &live,
                    sums: &[Column::Z64(x)],
                    extremes,
                    groups: m,
                };
                group_by(s, &group).map(drop)
            }
        }
    }

    /// Prices it.
    fn quote(self, meter: &mut Meter) {
        let Self { which, n, m, width, role } = self;
        let kind = OpeningKind::Masked;
        match which {
            0 => mpc::mul_cost::<Z64>(meter, n),
            1 => mpc::and_cost(meter, n, width),
            2 => mpc::dot_cost::<Z64>(meter),
            3 => mpc::lt_cost(meter, n, width),
            4 => mpc::eq_cost(meter, n, width),
            5 => mpc::lt_bits_cost(meter, n, width),
            6 => mpc::eq_bits_cost(meter, n, width),
            7 => mpc::inject_cost::<Z32>(meter, n, width % 8),
            8 => mpc::to_bits_cost(meter, n, width),
            9 => mpc::mask_cost::<Z64>(meter, n),
            10 => mpc::select_words_cost::<Z64>(meter, n),
            11 => {
                mpc::shuffle_cost(meter, n, &[Shape::Z64, Shape::Bits(width)], false);
                mpc::shuffle_cost(meter, n, &[Shape::Bits(width)], true);
            }
            12 => {
                mpc::sort_positions_cost(meter, n, width % 12);
                mpc::order_cost(meter, n, &[Shape::Z64]);
                mpc::undo_cost(meter, n, &[Shape::Z64]);
            }
            13 => mpc::reveal_cost::<Z64>(meter, n, kind),
            14 => mpc::reveal_to_cost::<Z64>(meter, n, role, kind),
            15 => mpc::reshare_cost::<Z64>(meter, n),
            16 => mpc::input_cost::<Z64>(meter, role, n),
            17 => order_by_cost(meter, n, width % 9, &[Shape::Z64]),
            18 => compact_cost(meter, n, &[Shape::Bits(width)]),
            22 => mpc::from_bits_cost::<Z64>(meter, n, width),
            19 => filter_cost(meter, n),
            20 => join_cost(meter, (n, m), width % 9 + 1, m % 2 == 0, &[Shape::Z64]),
            _ => {
                let widths = [width % 5 + 1];
                group_by_cost(meter, n, width % 6, &[Shape::Z64], &widths[..m % 2], m);
            }
        }
    }
}

fn holds(seed: u64, calls: &[Call]) {
    let run = World::new(seed).run(|s| calls.iter().try_for_each(|call| call.run(s)));
    run.assert_cost(&format!("seed {seed}: {calls:?}"), |meter| {
        calls.iter().for_each(|call| call.quote(meter));
    });
}

#[test]
fn each_call_costs_what_it_quotes_on_random_sizes() {
    let mut random = World::new(77).random(0);
    for which in 0..KINDS {
        for seed in 0..8 {
            holds(seed, &[Call { which, ..Call::draw(&mut random) }]);
        }
    }
}

#[test]
fn random_sequences_cost_what_they_quote() {
    for seed in 0..60 {
        let mut random = World::new(seed).random(1);
        let calls: Vec<Call> = (0..6).map(|_| Call::draw(&mut random)).collect();
        holds(seed, &calls);
    }
}

#[test]
fn an_uneven_sequence_is_priced_on_its_critical_path() {
    // P1 gets ahead of nobody: what each leaves to the next party only is where the critical path runs.
    let run = World::new(5).run(|s| {
        let mine = [3; 10];
        let x = mpc::input::<Z64>(s, Role::P2, (s.role() == Role::P2).then_some(&mine), 10)?;
        mpc::reveal_to(s, &x, Role::P0, OpeningKind::Result)?;
        let bits = mpc::input::<B64>(s, Role::P0, (s.role() == Role::P0).then_some(&mine[..1]), 1)?;
        let bits = Bits::from_planes(10, 1, bits);
        let words = mpc::inject::<Z64>(s, &bits)?;
        let moved = Shuffle::draw(s, 10).apply(s, &[Column::Z64(words)])?;
        let positions = mpc::sort_positions(s, &bits)?;
        Ordering::apply(s, &positions, &moved).map(drop)
    });
    run.assert_cost("uneven", |m| {
        mpc::input_cost::<Z64>(m, Role::P2, 10);
        mpc::reveal_to_cost::<Z64>(m, 10, Role::P0, OpeningKind::Result);
        mpc::input_cost::<B64>(m, Role::P0, 1);
        mpc::inject_cost::<Z64>(m, 10, 1);
        mpc::shuffle_cost(m, 10, &[Shape::Z64], false);
        mpc::sort_positions_cost(m, 10, 1);
        mpc::order_cost(m, 10, &[Shape::Z64]);
    });
}
