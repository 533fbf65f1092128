//! Measured = quoted for products of matrices, extremes, scans, lookups and histograms, on random sizes and in random sequences.

use protocols::{
    mpc::{self, Column, Extremum, Ordering, Shape, View},
    party::Role,
    ring::{B64, Z32, Z64, Z128},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
    testkit::World,
};

/// Public sizes of a call.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    n: usize,
    m: usize,
    width: usize,
}

impl Sizes {
    fn draw(random: &mut impl FnMut() -> u64) -> Self {
        let mut below = |limit: u64| usize::try_from(random() % limit).unwrap();
        Self { n: below(300) * below(2), m: 1 + below(20), width: 1 + below(31) }
    }

    fn bits(self, width: usize) -> Bits {
        Bits::zeros(self.n, width)
    }

    fn words(self) -> Shared<Z64> {
        Shared::zeros(self.n)
    }

    fn table(self) -> Vec<u64> {
        (0..1 << (self.m % 7)).map(|entry: u64| entry << (self.width % 20)).collect()
    }
}

type Call =
    (&'static str, fn(&mut Session, Sizes) -> Result<(), SessionError>, fn(&mut Meter, Sizes));

/// Values do not matter for the price: all are 0.
const CALLS: &[Call] = &[
    (
        "products and their sum",
        |s, z| {
            let (x, bits) = (z.words(), z.bits(z.width));
            let pair = (View::all(&x), View::all(&x));
            mpc::products(s, &[pair, pair])?;
            mpc::sum_of_products(s, z.n, &[pair, pair])?;
            let plane = View::planes(&bits, 0, 1);
            mpc::products(s, &[(plane, plane)]).map(drop)
        },
        |m, z| {
            mpc::products_cost::<Z64>(m, 2 * z.n);
            mpc::sum_of_products_cost::<Z64>(m, z.n);
            mpc::products_cost::<B64>(m, z.n.div_ceil(64));
        },
    ),
    (
        "lt_zero",
        |s, z| mpc::lt_zero(s, &z.words(), z.width).map(drop),
        |m, z| mpc::lt_zero_cost(m, z.n, z.width),
    ),
    (
        "linear_form",
        |s, z| {
            let first = |input: &[u64], output: &mut [u64]| {
                output.iter_mut().zip(input).for_each(|(output, input)| *output = *input);
            };
            mpc::linear_form::<Z64>(s, &z.bits(z.width), z.m, first).map(drop)
        },
        |m, z| mpc::linear_form_cost::<Z64>(m, z.n * z.width, z.m),
    ),
    (
        "input_bits",
        |s, z| {
            let planes = vec![0; z.width * z.n.div_ceil(64)];
            let mine = (s.role() == Role::P2).then_some(planes.as_slice());
            mpc::input_bits(s, Role::P2, mine, z.n, z.width).map(drop)
        },
        |m, z| mpc::input_bits_cost(m, Role::P2, z.n, z.width),
    ),
    (
        "a table in order",
        |s, z| {
            let columns = [Column::Z64(z.words())];
            Ordering::sort(s, &z.bits(z.width % 9), &columns).map(drop)
        },
        |m, z| mpc::sort_cost(m, z.n, z.width % 9, &[Shape::Z64]),
    ),
    (
        "matmul",
        |s, z| {
            let y = Shared::<Z64>::zeros(z.m * z.width);
            let x = Shared::zeros(z.n * z.m);
            mpc::matmul(s, &x, (z.n, z.m), &y, (z.m, z.width)).map(drop)
        },
        |m, z| mpc::matmul_cost::<Z64>(m, z.n, z.width),
    ),
    (
        "arg_extremes of bits",
        |s, z| {
            let x = Bits::zeros(z.n * z.m, z.width);
            mpc::arg_extremes(s, &x, z.m, Extremum::Max, z.width).map(drop)
        },
        |m, z| mpc::arg_extremes_cost::<Bits>(m, z.n, z.m, z.width),
    ),
    (
        "extremes of words",
        |s, z| mpc::extremes(s, &z.words(), z.n.max(1), Extremum::Min, z.width).map(drop),
        |m, z| mpc::extremes_cost::<Shared<Z64>>(m, z.n.min(1), z.n.max(1), z.width),
    ),
    (
        "positive_part",
        |s, z| mpc::positive_part(s, &z.words(), z.width).map(drop),
        |m, z| mpc::positive_part_cost::<Z64>(m, z.n, z.width),
    ),
    (
        "clamp",
        |s, z| mpc::clamp(s, &z.words(), (0, 1), z.width).map(drop),
        |m, z| mpc::clamp_cost::<Z64>(m, z.n, z.width),
    ),
    (
        "segmented_sums",
        |s, z| mpc::segmented_sums(s, &z.words(), &z.bits(1)).map(drop),
        |m, z| mpc::segmented_sums_cost::<Z64>(m, z.n),
    ),
    (
        "copy_down_bits",
        |s, z| mpc::copy_down_bits(s, &z.bits(z.width), &z.bits(1)).map(drop),
        |m, z| mpc::copy_down_bits_cost(m, z.n, z.width),
    ),
    (
        "segmented_extremes",
        |s, z| mpc::segmented_extremes(s, &z.bits(z.width), &z.bits(1), Extremum::Max).map(drop),
        |m, z| mpc::segmented_extremes_cost(m, z.n, z.width),
    ),
    (
        "segmented_or",
        |s, z| mpc::segmented_or(s, &z.bits(z.width), &z.bits(1)).map(drop),
        |m, z| mpc::segmented_or_cost(m, z.n, z.width),
    ),
    (
        "one_hot",
        |s, z| mpc::one_hot(s, &z.bits(z.m % 9)).map(drop),
        |m, z| mpc::one_hot_cost(m, z.n, z.m % 9),
    ),
    (
        "lookup_bits",
        |s, z| mpc::lookup_bits(s, &z.bits(z.m % 12), &[1], z.width).map(drop),
        |m, z| mpc::lookup_bits_cost(m, z.n, z.m % 12, z.width),
    ),
    (
        "lookup_words",
        |s, z| mpc::lookup_words::<Z64>(s, &z.bits(z.m % 7), &z.table()).map(drop),
        |m, z| mpc::lookup_words_cost::<Z64>(m, z.n, z.m % 7, &z.table()),
    ),
    (
        "from_bits",
        |s, z| mpc::from_bits::<Z128>(s, &z.bits(z.width)).map(drop),
        |m, z| mpc::from_bits_cost::<Z128>(m, z.n, z.width),
    ),
    (
        "count_ones",
        |s, z| mpc::count_ones::<Z32>(s, &Bits::zeros(z.n * 20, z.width % 5)).map(drop),
        |m, z| mpc::count_ones_cost::<Z32>(m, z.n * 20, z.width % 5),
    ),
    (
        "histogram",
        |s, z| mpc::histogram::<Z64>(s, &z.bits(z.m % 5), &z.bits(1)).map(drop),
        |m, z| mpc::histogram_cost::<Z64>(m, z.n, z.m % 5),
    ),
    (
        "histogram_sums",
        |s, z| {
            let measures = Shared::<Z64>::zeros(3 * z.n);
            mpc::histogram_sums(s, &z.bits(z.m % 5), &z.bits(1), &measures, 3).map(drop)
        },
        |m, z| mpc::histogram_sums_cost::<Z64>(m, z.n, z.m % 5, 3),
    ),
];

fn holds(seed: u64, calls: &[(&Call, Sizes)]) {
    let named: Vec<_> = calls.iter().map(|(call, sizes)| (call.0, sizes)).collect();
    let run =
        World::new(seed).run(|s| calls.iter().try_for_each(|(call, sizes)| call.1(s, *sizes)));
    run.assert_cost(&format!("seed {seed}: {named:?}"), |meter| {
        calls.iter().for_each(|(call, sizes)| call.2(meter, *sizes));
    });
}

#[test]
fn each_call_on_vectors_costs_what_it_quotes() {
    let mut random = World::new(78).random(0);
    for call in CALLS {
        for seed in 0..10 {
            holds(seed, &[(call, Sizes::draw(&mut random))]);
        }
    }
}

#[test]
fn random_sequences_on_vectors_cost_what_they_quote() {
    for seed in 0..40 {
        let mut random = World::new(seed).random(1);
        let calls: Vec<_> = (0..5)
            .map(|_| {
                let which = usize::try_from(random() % CALLS.len() as u64).unwrap();
                (&CALLS[which], Sizes::draw(&mut random))
            })
            .collect();
        holds(seed, &calls);
    }
}
