//! The sum over rows of their gradients, each of a bounded norm, in integers: what differential privacy of single rows stands on.

use super::{network::Network, pass::Pass, rows::Rows};

/// The sum of all rows' gradients, each scaled down to a norm of `clip` where it is longer and then rounded to multiples of
/// 1/`scale`, modulo 2^64.
///
/// One row more or less changes it by an integer vector of norm `clip · scale + √d / 2` at most, whatever the others are: each is
/// clipped and rounded by itself, and integers add up exactly. A row whose gradient is not finite adds nothing.
///
/// # Panics
/// If the parameters or the rows are another network's.
///
/// # Source
/// Abadi and others, *Deep Learning with Differential Privacy*, CCS 2016, algorithm 1, with all rows in a step; norms in closed
/// form as in Goodfellow, *Efficient Per-Example Gradient Computations*, 2015, <https://arxiv.org/abs/1510.01799>.
#[must_use]
pub fn clipped_sum(
    network: &Network,
    parameters: &[f32],
    rows: &Rows,
    clip: f64,
    scale: f64,
) -> Vec<u64> {
    assert_eq!(parameters.len(), network.parameters(), "another network's parameters");
    assert_eq!(rows.features(), network.features(), "another network's rows");
    let (mut pass, mut sum) = (Pass::new(network), vec![0_u64; parameters.len()]);
    for at in 0..rows.len() {
        let row = rows.row(at);
        pass.forward(parameters, row);
        pass.slopes(parameters, rows.label(at));
        let norm = pass.exact_norm(row);
        if !norm.is_finite() {
            continue;
        }
        let factor = if norm > clip { clip / norm * scale } else { scale };
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the clipped norm")]
        pass.each_slope(row, |at, slope| {
            let rounded = (slope * factor).round_ties_even() as i64;
            sum[at] = sum[at].wrapping_add(rounded.cast_unsigned());
        });
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of all kinds of sizes.
    fn rows(n: usize) -> Rows {
        let values = (0..3 * n).map(|i| ((i * 7919) % 13) as f32 - 6.0).collect();
        Rows::new(3, values, (0..n).map(|i| (i % 2) as f32).collect()).unwrap()
    }

    fn networks() -> [Network; 4] {
        let layers = Network::layers(3, &[5], 2).unwrap();
        let softmax = Network::softmax(3, 2).unwrap();
        [Network::linear(3).unwrap(), Network::logistic(3).unwrap(), softmax, layers]
    }

    fn length(words: &[u64]) -> f64 {
        words.iter().map(|word| (word.cast_signed() as f64).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn one_row_changes_the_sum_by_the_bound_at_most() {
        let (clip, scale) = (0.5, f64::from(1 << 20));
        for network in networks() {
            let parameters = network.initial(&[3; 16]);
            let bound = clip * scale + (parameters.len() as f64).sqrt() / 2.0;
            let all = rows(40);
            let sum = |rows: &Rows| clipped_sum(&network, &parameters, rows, clip, scale);
            let whole = sum(&all);
            let mut reached = 0.0_f64;
            for left_out in 0..40 {
                let others: Vec<usize> = (0..40).filter(|at| *at != left_out).collect();
                let without = sum(&all.pick(&others));
                let off: Vec<u64> =
                    whole.iter().zip(without).map(|(a, b)| a.wrapping_sub(b)).collect();
                assert!(length(&off) <= bound, "{network:?}: {}", length(&off));
                reached = reached.max(length(&off));
            }
            assert!(reached > 0.9 * clip * scale, "{network:?}: some rows are clipped: {reached}");
        }
    }

    #[test]
    fn short_gradients_are_left_as_they_are() {
        for network in networks() {
            let (parameters, rows) = (network.initial(&[4; 16]), rows(20));
            let words = clipped_sum(&network, &parameters, &rows, 1e6, f64::from(1 << 30));
            let (_, mean) = super::super::gradient(&network, &parameters, &rows);
            for (word, mean) in words.iter().zip(mean) {
                let sum = word.cast_signed() as f64 / f64::from(1 << 30);
                assert!((sum - 20.0 * f64::from(mean)).abs() < 1e-3, "{network:?}: {sum}, {mean}");
            }
        }
    }

    #[test]
    fn what_is_not_finite_adds_nothing() {
        let network = Network::linear(3).unwrap();
        let parameters = [f32::MAX; 4];
        let words = clipped_sum(&network, &parameters, &rows(9), 1.0, 1024.0);
        assert!(length(&words) <= 9.0 * 1025.0);
        assert!(clipped_sum(&network, &parameters, &rows(0), 1.0, 1.0).iter().all(|x| *x == 0));
    }
}
