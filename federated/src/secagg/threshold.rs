//! How many neighbours, and how many of them restore a secret, as checked code.

/// The probability that some neighbourhood is too corrupted is at most 2^-this, over all clients.
const PRIVACY_BITS: f64 = 40.0;
/// The probability that some neighbourhood loses too many is at most 2^-this, over all clients.
const SUCCESS_BITS: f64 = 20.0;
/// Up to this many clients all are neighbours of all.
const COMPLETE: u32 = 32;

/// Neighbours of each client, and how many of them restore its secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Neighbours of each client.
    pub neighbours: u32,
    /// Shares that restore a secret.
    pub shares: u32,
}

/// Why there is no threshold.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ThresholdError {
    /// Too few clients to hide one among.
    #[error("{0} clients are too few to hide one among the others; 3 and more can sum")]
    Clients(u32),
    /// Fractions that are none.
    #[error("fractions of corrupted and of lost clients are at least 0 and below 1")]
    Fraction,
    /// Too many corrupted and lost.
    #[error(
        "no number of neighbours withstands so many corrupted and so many lost of {0} clients; ask for less"
    )]
    None(u32),
}

impl Threshold {
    /// For `clients` who are all neighbours of all, of whom so many conspire with the coordinator and so many drop out: no chance is
    /// in it, so that no coin has to be drawn that nobody can bias.
    ///
    /// # Errors
    /// [`ThresholdError`].
    pub fn complete(clients: u32, corrupted: u32, lost: u32) -> Result<Self, ThresholdError> {
        if clients < 3 {
            return Err(ThresholdError::Clients(clients));
        }
        let neighbours = clients - 1;
        let shares = neighbours.saturating_add(corrupted) / 2 + 1;
        if shares.saturating_add(lost) <= neighbours {
            Ok(Self { neighbours, shares })
        } else {
            Err(ThresholdError::None(clients))
        }
    }

    /// How many of a client's neighbours may be in league with the coordinator: with `shares` signers for each of two stories the honest
    /// ones sign one.
    #[must_use]
    pub(crate) const fn in_league(self) -> usize {
        (2 * self.shares).saturating_sub(self.neighbours + 1) as usize
    }

    /// For `clients`, of whom up to a fraction `corrupted` conspires with the coordinator and a fraction `lost` drops out.
    ///
    /// # Errors
    /// [`ThresholdError`].
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "fractions of a u32"
    )]
    pub fn new(clients: u32, corrupted: f64, lost: f64) -> Result<Self, ThresholdError> {
        if clients < 3 {
            return Err(ThresholdError::Clients(clients));
        }
        if !(0.0..1.0).contains(&corrupted) || !(0.0..1.0).contains(&lost) {
            return Err(ThresholdError::Fraction);
        }
        let of = |fraction: f64| (fraction * f64::from(clients)).floor() as u32;
        let (corrupted, lost) = (of(corrupted), of(lost));
        if clients <= COMPLETE {
            return Self::complete(clients, corrupted, lost);
        }
        let tails = Tails::new(clients);
        // An even number of neighbours, or an even number of clients: otherwise no graph is regular.
        let regular = |neighbours: &u32| (neighbours * clients).is_multiple_of(2);
        let fits = |neighbours: u32| {
            let shares = (neighbours / 2 + 1..=neighbours).find(|shares| {
                tails.ln(corrupted, neighbours, 2 * shares - neighbours) <= -PRIVACY_BITS
            })?;
            let stays = tails.ln(lost, neighbours, neighbours - shares + 1) <= -SUCCESS_BITS;
            stays.then_some(Self { neighbours, shares })
        };
        (2..clients).filter(regular).find_map(fits).ok_or(ThresholdError::None(clients))
    }
}

/// Tails of the hypergeometric distribution of marked clients among neighbours.
struct Tails {
    clients: u32,
    /// ln n!
    factorials: Vec<f64>,
}

impl Tails {
    fn new(clients: u32) -> Self {
        let mut factorials = vec![0.0];
        let mut sum = 0.0;
        for n in 1..=clients {
            sum += f64::from(n).ln();
            factorials.push(sum);
        }
        Self { clients, factorials }
    }

    fn ln_choose(&self, n: u32, k: u32) -> f64 {
        if k > n {
            return f64::NEG_INFINITY;
        }
        let at = |n: u32| self.factorials[n as usize];
        at(n) - at(k) - at(n - k)
    }

    /// log2 of `clients` times the probability that `least` or more of a client's `neighbours` are among `marked` others.
    fn ln(&self, marked: u32, neighbours: u32, least: u32) -> f64 {
        let others = self.clients - 1;
        let all = self.ln_choose(others, neighbours);
        let term = |i: u32| {
            let rest = self.ln_choose(others - marked, neighbours - i);
            (self.ln_choose(marked, i) + rest - all).exp()
        };
        let sum: f64 = (least..=neighbours.min(marked)).map(term).sum();
        (f64::from(self.clients) * sum).log2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_withstand_two_stories() {
        let third = 1.0 / 3.0;
        for (clients, want) in [
            (100, [(41, 31), (61, 41), (54, 44), (74, 54)]),
            (1000, [(138, 102), (298, 203), (217, 170), (503, 365)]),
        ] {
            let settings = [(0.2, 0.1), (0.2, 0.2), (third, 0.1), (third, 0.2)];
            for ((corrupted, lost), (neighbours, shares)) in settings.into_iter().zip(want) {
                let got = Threshold::new(clients, corrupted, lost);
                assert_eq!(
                    got,
                    Ok(Threshold { neighbours, shares }),
                    "{clients} {corrupted} {lost}"
                );
            }
        }
    }

    #[test]
    fn few_clients_are_all_neighbours() {
        let got = Threshold::new(10, 0.2, 0.2).unwrap();
        assert_eq!(got, Threshold { neighbours: 9, shares: 6 });
        // Two stories need t signers each of 7 honest and twice 2 corrupted neighbours.
        assert!(2 * got.shares > got.neighbours + 2);
        assert_eq!(Threshold::complete(10, 2, 2), Ok(got));
        assert_eq!(Threshold::complete(10, 2, 4), Err(ThresholdError::None(10)));
        assert_eq!(Threshold::complete(3, 1, 0), Ok(Threshold { neighbours: 2, shares: 2 }));
        assert_eq!(Threshold::complete(4, 0, 1), Ok(Threshold { neighbours: 3, shares: 2 }));
        assert_eq!(Threshold::complete(2, 0, 0), Err(ThresholdError::Clients(2)));
        assert_eq!(Threshold::new(2, 0.0, 0.0), Err(ThresholdError::Clients(2)));
        assert_eq!(Threshold::new(10, 0.5, 0.5), Err(ThresholdError::None(10)));
        assert_eq!(Threshold::new(10, 1.0, 0.0), Err(ThresholdError::Fraction));
        assert_eq!(Threshold::new(100, 0.5, 0.4), Err(ThresholdError::None(100)));
    }
}
