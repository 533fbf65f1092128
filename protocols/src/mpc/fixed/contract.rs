//! The numerics contract: what each function is allowed to be off by, range by range.

use super::{format::Tolerance, sigmoid::Logistic};

/// A function of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Function {
    /// [`mul`](super::mul) of two values of the range.
    Mul,
    /// [`exp`](super::exp).
    Exp,
    /// [`log`](super::log).
    Log,
    /// [`power`](super::power) −1.
    Reciprocal,
    /// [`power`](super::power) 1/2.
    Sqrt,
    /// [`power`](super::power) −1/2.
    Rsqrt,
    /// [`div`](super::div) of values up to ±1000 by a value of the range.
    Div,
    /// [`sigmoid`](super::sigmoid).
    Sigmoid(Logistic),
}

/// One line of the contract.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clause {
    /// The function.
    pub function: Function,
    /// The declared range.
    pub range: (f64, f64),
    /// Fraction bits of arguments and of the result.
    pub frac: (u32, u32),
    /// What it may be off by.
    pub tolerance: Tolerance,
}

/// One table for the documentation and for the test that holds it.
macro_rules! contract {
    ($($name:literal $function:expr, $low:literal to $high:literal, $from:literal to $to:literal,
      $absolute:literal + $relative:literal;)*) => {
        /// The contract. A result is off by at most the absolute error plus the relative one times itself; arguments are the
        /// numbers shared, after their own rounding. Other ranges and fraction bits: ask the plan (`error`).
        ///
        #[doc = concat!(
            "| function | from | to | fraction bits | → | absolute | relative |\n|---|---|---|---|---|---|---|\n",
            $("| ", $name, " | ", stringify!($low), " | ", stringify!($high), " | ", stringify!($from), " | ", stringify!($to),
              " | ", stringify!($absolute), " | ", stringify!($relative), " |\n",)*
        )]
        pub const CONTRACT: &[Clause] = &[$(Clause {
            function: $function,
            range: ($low, $high),
            frac: ($from, $to),
            tolerance: Tolerance { absolute: $absolute, relative: $relative },
        }),*];
    };
}

contract! {
    "x · y" Function::Mul, -1000.0 to 1000.0, 16 to 16, 1.53e-5 + 0.0;
    "x · y" Function::Mul, -4.0 to 4.0, 28 to 28, 3.73e-9 + 0.0;
    "exp" Function::Exp, -10.0 to 10.0, 16 to 30, 1.4e-9 + 1e-7;
    "exp" Function::Exp, -16.0 to 16.0, 16 to 37, 1.1e-11 + 4e-5;
    "exp" Function::Exp, -20.0 to 0.0, 20 to 40, 1.4e-12 + 3e-7;
    "exp" Function::Exp, 0.0 to 20.0, 16 to 30, 1.4e-9 + 1e-8;
    "log" Function::Log, 0.00002 to 32767.0, 16 to 30, 2e-7 + 0.0;
    "log" Function::Log, 1.0 to 16.0, 20 to 30, 2e-7 + 0.0;
    "1/x" Function::Reciprocal, 0.00002 to 32767.0, 16 to 36, 2.2e-11 + 4e-7;
    "1/x" Function::Reciprocal, 1.0 to 1000.0, 16 to 40, 1.4e-12 + 2e-7;
    "√x" Function::Sqrt, 0.00002 to 32767.0, 16 to 30, 1.4e-9 + 2e-7;
    "1/√x" Function::Rsqrt, 0.00002 to 32767.0, 16 to 36, 2.2e-11 + 2e-7;
    "x / y, |x| ≤ 1000" Function::Div, 1.0 to 32767.0, 16 to 16, 1.6e-5 + 2e-7;
    "x / y, |x| ≤ 1000" Function::Div, 0.01 to 100.0, 16 to 20, 1.0e-4 + 2e-7;
    "sigmoid, linear" Function::Sigmoid(Logistic::Linear), -4.0 to 4.0, 16 to 16, 0.134 + 0.0;
    "sigmoid, segments" Function::Sigmoid(Logistic::Segments), -1000.0 to 1000.0, 16 to 16, 0.134 + 0.0;
    "sigmoid, cubic" Function::Sigmoid(Logistic::Cubic), -5.0 to 5.0, 16 to 16, 0.0391 + 0.0;
    "sigmoid, series" Function::Sigmoid(Logistic::Series), -8.0 to 8.0, 16 to 16, 8e-4 + 0.0;
    "sigmoid, series" Function::Sigmoid(Logistic::Series), -16.0 to 16.0, 16 to 16, 8e-4 + 0.0;
    "sigmoid, series" Function::Sigmoid(Logistic::Series), -32.0 to 32.0, 16 to 16, 8e-4 + 0.0;
    "sigmoid, exact" Function::Sigmoid(Logistic::Exact), -8.0 to 8.0, 16 to 24, 2e-5 + 0.0;
    "sigmoid, exact" Function::Sigmoid(Logistic::Exact), -16.0 to 16.0, 16 to 24, 2e-5 + 0.0;
}
