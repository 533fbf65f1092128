//! The contract's table, and what plans say of themselves, against f64: on its own ranges and on random ones.

use super::{
    super::{contract::*, *},
    SIZES, words_in,
};
use crate::{
    ring::Z64,
    session::{Meter, Session, SessionError},
    share::Shared,
    testkit::World,
};

/// A planned function of one or two vectors.
enum Plan {
    Mul(Product),
    Exp(Exp),
    Log(Log),
    Power(Power, f64),
    Div(Quotient),
    Sigmoid(Sigmoid),
}

impl Plan {
    fn new(function: Function, from: Fixed, frac: u32) -> Result<Self, FixedError> {
        Ok(match function {
            Function::Mul => Self::Mul(Product::new(from, from, frac)?),
            Function::Exp => Self::Exp(Exp::new(from, frac)?),
            Function::Log => Self::Log(Log::new(from, frac)?),
            Function::Reciprocal => Self::Power(Power::reciprocal(from, frac)?, -1.0),
            Function::Sqrt => Self::Power(Power::sqrt(from, frac)?, 0.5),
            Function::Rsqrt => Self::Power(Power::rsqrt(from, frac)?, -0.5),
            Function::Div => Self::Div(Quotient::new(dividend(from.frac()), from, frac)?),
            Function::Sigmoid(shape) => Self::Sigmoid(Sigmoid::new(from, shape, frac)?),
        })
    }

    fn run(
        &self,
        s: &mut Session,
        x: &Shared<Z64>,
        y: &Shared<Z64>,
    ) -> Result<Shared<Z64>, SessionError> {
        match self {
            Self::Mul(plan) => mul(s, x, y, plan),
            Self::Exp(plan) => exp(s, x, plan),
            Self::Log(plan) => log(s, x, plan),
            Self::Power(plan, _) => power(s, x, plan),
            Self::Div(plan) => div(s, y, x, plan),
            Self::Sigmoid(plan) => sigmoid(s, x, plan),
        }
    }

    fn cost(&self, m: &mut Meter, n: usize) {
        match self {
            Self::Mul(plan) => mul_cost(m, n, plan),
            Self::Exp(_) => exp_cost(m, n),
            Self::Log(plan) => log_cost(m, n, plan),
            Self::Power(plan, _) => power_cost(m, n, plan),
            Self::Div(plan) => div_cost(m, n, plan),
            Self::Sigmoid(plan) => sigmoid_cost(m, n, plan),
        }
    }

    fn clear(&self, x: f64, y: f64) -> f64 {
        match self {
            Self::Mul(_) => x * y,
            Self::Exp(_) => x.exp(),
            Self::Log(_) => x.ln(),
            Self::Power(_, exponent) => x.powf(*exponent),
            Self::Div(_) => y / x,
            Self::Sigmoid(_) => 1.0 / (1.0 + (-x).exp()),
        }
    }

    fn stated(&self) -> (Fixed, Tolerance) {
        match self {
            Self::Mul(plan) => (plan.out(), plan.error()),
            Self::Exp(plan) => (plan.out(), plan.error()),
            Self::Log(plan) => (plan.out(), plan.error()),
            Self::Power(plan, _) => (plan.out(), plan.error()),
            Self::Div(plan) => (plan.out(), plan.error()),
            Self::Sigmoid(plan) => (plan.out(), plan.error()),
        }
    }
}

fn dividend(frac: u32) -> Fixed {
    Fixed::new(frac, -1000.0, 1000.0).unwrap()
}

/// Words of a range: half of them uniform, half with a uniform number of bits.
fn spread(world: World, label: u64, n: usize, range: Fixed) -> Vec<u64> {
    let (low, high) = range.words();
    let mut words = words_in(world, label, n, low, high);
    let mut random = world.random(label + 100);
    for word in words.iter_mut().skip(5).step_by(2) {
        *word = (word.cast_signed() >> (random() % 40)).clamp(low, high).cast_unsigned();
    }
    words
}

/// Runs a plan on `n` values and holds it to its tolerance, its range and its cost.
fn hold(what: &str, plan: &Plan, from: Fixed, tolerance: Tolerance, (n, seed): (usize, u64)) {
    let world = World::new(seed);
    let other = if matches!(plan, Plan::Div(_)) { dividend(from.frac()) } else { from };
    let (x, y) = (spread(world, 1, n, from), spread(world, 2, n, other));
    let (a, b) = (world.deal::<Z64>(1, &x), world.deal::<Z64>(2, &y));
    let run = world.run(|s| plan.run(s, &a[s.role().index()], &b[s.role().index()]));
    let (out, stated) = plan.stated();
    let words = run.reconstruct();
    let (low, high) = out.words();
    for ((word, got), (x, y)) in
        words.iter().zip(out.decode(&words)).zip(from.decode(&x).into_iter().zip(other.decode(&y)))
    {
        let want = plan.clear(x, y);
        assert!(
            tolerance.allows(got, want),
            "{what} seed {seed}: of {x}, {y} is {want}, got {got}"
        );
        assert!(
            stated.allows(got, want),
            "{what} seed {seed}: {x}, {y} beyond the plan's own word"
        );
        assert!((low..=high).contains(&word.cast_signed()), "{what} seed {seed}: out of range");
    }
    run.assert_cost(what, |m| plan.cost(m, n));
}

#[test]
fn every_clause_of_the_contract_holds() {
    for (seed, clause) in (0..).zip(CONTRACT) {
        let what = format!("{clause:?}");
        let from = Fixed::new(clause.frac.0, clause.range.0, clause.range.1).unwrap();
        let plan = Plan::new(clause.function, from, clause.frac.1)
            .unwrap_or_else(|e| panic!("{what}: {e}"));
        for sample in 0..4 {
            hold(&what, &plan, from, clause.tolerance, (3000, 16 * seed + sample));
        }
    }
}

#[test]
fn every_function_works_and_costs_what_it_says_at_any_size() {
    for clause in CONTRACT {
        let from = Fixed::new(clause.frac.0, clause.range.0, clause.range.1).unwrap();
        let plan = Plan::new(clause.function, from, clause.frac.1).unwrap();
        for n in SIZES {
            hold(&format!("{:?} n = {n}", clause.function), &plan, from, clause.tolerance, (n, 7));
        }
    }
}

#[test]
fn what_plans_say_of_themselves_holds_on_random_ranges() {
    let functions: Vec<Function> = CONTRACT.iter().map(|clause| clause.function).collect();
    let (mut ran, mut refused) = (0, 0);
    for seed in 0..600 {
        let mut random = World::new(seed).random(9);
        let function = functions[usize::try_from(random()).unwrap() % functions.len()];
        let [frac, to] =
            [4 + random() % 24, 4 + random() % 44].map(|bits| u32::try_from(bits).unwrap());
        let mut end = |most: u64| ((random() >> 1) >> (63 - random() % most)).cast_signed();
        let positive = !matches!(function, Function::Mul | Function::Exp | Function::Sigmoid(_));
        let low = if positive {
            end(20) + 1
        } else {
            end(2 + u64::from(frac)) - end(6 + u64::from(frac))
        };
        let Ok(from) = Fixed::of_words(frac, low, low.saturating_add(end(40))) else { continue };
        match Plan::new(function, from, to) {
            Ok(plan) => {
                let what = format!("{function:?} {from:?} to {to} bits");
                hold(&what, &plan, from, plan.stated().1, (100, seed));
                ran += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(ran > 100 && refused > 100, "{ran} ran, {refused} were refused");
}
