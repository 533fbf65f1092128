//! Fixed-point functions, each within an error, and a training.

use protocols::{
    mpc::{
        Column,
        fixed::{self, Exp, Fixed, FixedError, Log, Logistic, Power, Product, Quotient, Sigmoid},
    },
    ring::Z64,
    session::{Session, SessionError},
    share::Shared,
};

use crate::{
    case::{Case, Clear, Random, Verdict, all_rows, misfit},
    logreg::{Table, Training, train, train_cost},
};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "fxp_mul",
        note: "products of |x| <= 1000, 16 fraction bits, to one unit",
        rows: all_rows,
        clear: |random, n| vec![uniform(random, n, factor()), uniform(random, n, factor())],
        run: |s, inputs| on_two(s, inputs, |s, x, y| fixed::mul(s, x, y, &product())),
        quote: |m, n| fixed::mul_cost(m, n, &product()),
        judge: |clear, opened| {
            let want = |x, y| x * y;
            judge(clear, opened, (factor(), product().out()), (want, |_| 1.0), 1.53e-5)
        },
    },
    Case {
        name: "sigmoid",
        note: "|x| <= 16, 16 fraction bits, absolute error",
        rows: all_rows,
        clear: |random, n| vec![uniform(random, n, logits())],
        run: |s, inputs| on_one(s, inputs, |s, x| fixed::sigmoid(s, x, &logistic())),
        quote: |m, n| fixed::sigmoid_cost(m, n, &logistic()),
        judge: |clear, opened| {
            let want = |x: f64, _| 1.0 / (1.0 + (-x).exp());
            judge(clear, opened, (logits(), logistic().out()), (want, |_| 1.0), 1e-3)
        },
    },
    Case {
        name: "exp",
        note: "|x| <= 10, 16 fraction bits to 30, relative error",
        rows: all_rows,
        clear: |random, n| vec![uniform(random, n, exponents())],
        run: |s, inputs| on_one(s, inputs, |s, x| fixed::exp(s, x, &exponential())),
        quote: fixed::exp_cost,
        judge: |clear, opened| {
            let want = |x: f64, _| x.exp();
            judge(clear, opened, (exponents(), exponential().out()), (want, |want| want), 1e-4)
        },
    },
    Case {
        name: "div",
        note: "1 <= y < 2^15 below |x| < 2^15, 16 fraction bits, error relative from 1 on",
        rows: all_rows,
        clear: |random, n| vec![octaves(random, n, dividend()), octaves(random, n, divisor())],
        run: |s, inputs| on_two(s, inputs, |s, x, y| fixed::div(s, x, y, &quotient())),
        quote: |m, n| fixed::div_cost(m, n, &quotient()),
        judge: |clear, opened| {
            let want = |x, y| x / y;
            judge(clear, opened, (dividend(), quotient().out()), (want, from_one), 2.5e-4)
        },
    },
    Case {
        name: "sqrt",
        note: "0 < x < 2^15, 16 fraction bits, error relative from 1 on",
        rows: all_rows,
        clear: |random, n| vec![octaves(random, n, positive())],
        run: |s, inputs| on_one(s, inputs, |s, x| fixed::power(s, x, &root())),
        quote: |m, n| fixed::power_cost(m, n, &root()),
        judge: |clear, opened| {
            let want = |x: f64, _| x.sqrt();
            judge(clear, opened, (positive(), root().out()), (want, from_one), 2.5e-5)
        },
    },
    Case {
        name: "log",
        note: "0 < x < 2^15, 16 fraction bits, absolute error",
        rows: all_rows,
        clear: |random, n| vec![octaves(random, n, positive())],
        run: |s, inputs| on_one(s, inputs, |s, x| fixed::log(s, x, &logarithm())),
        quote: |m, n| fixed::log_cost(m, n, &logarithm()),
        judge: |clear, opened| {
            let want = |x: f64, _| x.ln();
            judge(clear, opened, (positive(), logarithm().out()), (want, |_| 1.0), 1.6e-5)
        },
    },
    Case {
        name: "logreg",
        note: "breast_cancer, 10 epochs of 10 batches; the part of the rows it gets wrong",
        rows: |_| 569,
        clear: |_, _| planned(Table::breast_cancer().words()).map(Clear::Words).into(),
        run: |s, inputs| on_two(s, inputs, |s, x, y| train(s, x, y, &training())),
        quote: |m, _| train_cost(m, &training()),
        judge: |_, opened| {
            let accuracy = planned(Table::breast_cancer().accuracy(&opened[0]));
            Verdict::Within { error: 1.0 - accuracy, bound: 0.02 }
        },
    },
];

/// The cases' ranges and plans are fixed, so a refusal is a fault of this file.
fn planned<T>(plan: Result<T, FixedError>) -> T {
    plan.unwrap_or_else(|error| unreachable!("{error}"))
}

fn factor() -> Fixed {
    planned(Fixed::new(16, -1000.0, 1000.0))
}

fn product() -> Product {
    planned(Product::new(factor(), factor(), 16))
}

fn logits() -> Fixed {
    planned(Fixed::new(16, -16.0, 16.0))
}

fn logistic() -> Sigmoid {
    planned(Sigmoid::new(logits(), Logistic::Series, 16))
}

fn exponents() -> Fixed {
    planned(Fixed::new(16, -10.0, 10.0))
}

fn exponential() -> Exp {
    planned(Exp::new(exponents(), 30))
}

fn dividend() -> Fixed {
    planned(Fixed::new(16, -32767.0, 32767.0))
}

fn divisor() -> Fixed {
    planned(Fixed::new(16, 1.0, 32767.0))
}

fn quotient() -> Quotient {
    planned(Quotient::new(dividend(), divisor(), 16))
}

fn positive() -> Fixed {
    planned(Fixed::new(16, 0.000_02, 32767.0))
}

fn root() -> Power {
    planned(Power::sqrt(positive(), 16))
}

fn logarithm() -> Log {
    planned(Log::new(positive(), 16))
}

fn training() -> Training {
    planned(Training::new((569, 31), (10, 10)))
}

/// A number from 0 to 1.
fn fraction(random: &mut Random<'_>) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    let word = (random() >> 11) as f64;
    word / 9_007_199_254_740_992.0
}

/// Numbers anywhere in a range.
fn uniform(random: &mut Random<'_>, n: usize, range: Fixed) -> Clear {
    let (low, high) = (range.low(), range.high());
    let values: Vec<f64> = (0..n).map(|_| low + (high - low) * fraction(random)).collect();
    Clear::Words(planned(range.encode(&values)))
}

/// Numbers of a range of every magnitude, each octave as often.
fn octaves(random: &mut Random<'_>, n: usize, range: Fixed) -> Clear {
    let (low, high) = (range.low(), range.high());
    let least = low.max(range.decode(&[1])[0]);
    let values: Vec<f64> = (0..n)
        .map(|_| {
            let size = least * (high / least).powf(fraction(random));
            if low < 0.0 && random() & 1 == 1 { -size } else { size }
        })
        .collect();
    Clear::Words(planned(range.encode(&values)))
}

/// What should come of two numbers.
type Ideal = fn(f64, f64) -> f64;
type Protocol = fn(&mut Session, &Shared<Z64>) -> Result<Shared<Z64>, SessionError>;
type Protocol2 = fn(&mut Session, &Shared<Z64>, &Shared<Z64>) -> Result<Shared<Z64>, SessionError>;

fn on_one(s: &mut Session, inputs: &[Column], of: Protocol) -> Result<Vec<Column>, SessionError> {
    match inputs {
        [Column::Z64(x)] => Ok(vec![Column::Z64(of(s, x)?)]),
        _ => Err(misfit(s, inputs)),
    }
}

fn on_two(s: &mut Session, inputs: &[Column], of: Protocol2) -> Result<Vec<Column>, SessionError> {
    match inputs {
        [Column::Z64(x), Column::Z64(y)] => Ok(vec![Column::Z64(of(s, x, y)?)]),
        _ => Err(misfit(s, inputs)),
    }
}

/// What an error is measured by: the result itself, but at least 1.
fn from_one(want: f64) -> f64 {
    want.abs().max(1.0)
}

/// The largest error of the opened numbers, as a part of what `by` makes of the right ones.
fn judge(
    clear: &[Clear],
    opened: &[Vec<u64>],
    (from, out): (Fixed, Fixed),
    (want, by): (Ideal, fn(f64) -> f64),
    bound: f64,
) -> Verdict {
    let x = from.decode(&clear[0].words());
    let y = clear.last().map_or_else(Vec::new, |column| from.decode(&column.words()));
    let got = out.decode(&opened[0]);
    let complete = got.len() == x.len();
    let errors = x.iter().zip(&y).zip(&got).map(|((x, y), got)| {
        let want = want(*x, *y);
        (got - want).abs() / by(want)
    });
    let error = errors.fold(0.0, |worst: f64, error| if error <= worst { worst } else { error });
    Verdict::Within { error: if complete { error } else { f64::INFINITY }, bound }
}
