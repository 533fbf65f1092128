//! What has been spent on each dataset, by all jobs together.

use super::{
    event::{Event, EventError},
    exact, pld, rdp,
};

/// Whom differential privacy hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// All that a provider has.
    Client,
    /// One row.
    Record,
}

/// One release. Made again it is the same, with the same noise, and costs nothing more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    /// The job.
    pub job: String,
    /// The round.
    pub round: u32,
    /// The attempt at it.
    pub attempt: u32,
    /// A digest of the updates in the sum: over others it is another release.
    pub updates: [u8; 32],
}

/// An entry of a ledger: plain data, for whoever keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Spending {
    /// The dataset.
    pub dataset: String,
    /// Whom the noise hides.
    pub unit: Unit,
    /// What was released.
    pub release: Release,
    /// The probability with which a unit took part in a step.
    pub sampling: f64,
    /// The noise multiplier.
    pub noise: f64,
    /// How many steps.
    pub steps: u32,
}

/// What may be spent: (ε, δ) of all releases together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    epsilon: f64,
    delta: f64,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// It is new: to be kept before anything is released.
    New,
    /// It was there.
    Already,
}

/// Why nothing is spent.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A budget that is none.
    #[error("a budget has an ε of 0 at least and a δ between 0 and 1, not {epsilon} and {delta}")]
    Budget {
        /// Its ε.
        epsilon: f64,
        /// Its δ.
        delta: f64,
    },
    /// An entry that is no event.
    #[error("an entry on {dataset} is no release with noise: {source}")]
    Event {
        /// The dataset.
        dataset: String,
        /// Why.
        source: EventError,
    },
    /// An entry of a release that is there with other figures.
    #[error(
        "round {round} of job {job} is in the ledger of {dataset} with other figures; the ledger must not be edited"
    )]
    Differs {
        /// The dataset.
        dataset: String,
        /// The job.
        job: String,
        /// The round.
        round: u32,
    },
    /// More than there is.
    #[error(
        "with this release {dataset} would have spent ε = {epsilon:.3} of {budget}; stop here, or agree on another budget"
    )]
    Exceeded {
        /// The dataset.
        dataset: String,
        /// What it would come to.
        epsilon: f64,
        /// What there is.
        budget: f64,
    },
}

impl Budget {
    /// An ε and a δ.
    ///
    /// # Errors
    /// [`LedgerError::Budget`].
    pub fn new(epsilon: f64, delta: f64) -> Result<Self, LedgerError> {
        let fits = epsilon >= 0.0 && epsilon.is_finite() && delta > 0.0 && delta < 1.0;
        if fits { Ok(Self { epsilon, delta }) } else { Err(LedgerError::Budget { epsilon, delta }) }
    }

    /// Its ε.
    #[must_use]
    pub const fn epsilon(&self) -> f64 {
        self.epsilon
    }

    /// Its δ.
    #[must_use]
    pub const fn delta(&self) -> f64 {
        self.delta
    }
}

impl Spending {
    /// The event that is accounted for.
    fn event(&self) -> Result<Event, LedgerError> {
        Event::new(self.sampling, self.noise, self.steps)
            .map_err(|source| LedgerError::Event { dataset: self.dataset.clone(), source })
    }

    fn is_of(&self, dataset: &str, unit: Unit) -> bool {
        self.dataset == dataset && self.unit == unit
    }
}

/// All releases of all jobs: entries are added and never taken away.
///
/// An entry is kept by the caller before what it stands for goes out: what was spent and not released is lost, what was released
/// and not spent would be worse.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    entries: Vec<Spending>,
}

impl Ledger {
    /// With nothing spent.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From the entries that were kept, in any order.
    ///
    /// # Errors
    /// [`LedgerError::Event`] and [`LedgerError::Differs`].
    pub fn restore(entries: impl IntoIterator<Item = Spending>) -> Result<Self, LedgerError> {
        let mut ledger = Self::new();
        for entry in entries {
            entry.event()?;
            if ledger.charge(&entry)? == Charge::New {
                ledger.entries.push(entry);
            }
        }
        Ok(ledger)
    }

    /// All entries, to be kept.
    #[must_use]
    pub fn entries(&self) -> &[Spending] {
        &self.entries
    }

    /// The ε that all releases of a dataset come to, for a δ.
    ///
    /// # Errors
    /// [`LedgerError::Budget`] if δ is none.
    pub fn epsilon(&self, dataset: &str, unit: Unit, delta: f64) -> Result<f64, LedgerError> {
        Budget::new(0.0, delta)?;
        let mine = self.entries.iter().filter(|entry| entry.is_of(dataset, unit));
        let events: Vec<Event> = mine.map(Spending::event).collect::<Result<_, _>>()?;
        Ok(epsilon(events, delta))
    }

    /// The ε that a dataset would have spent with this release, and whether that is more than its budget.
    ///
    /// # Errors
    /// [`LedgerError::Event`] and [`LedgerError::Differs`].
    pub fn would_exceed(
        &self,
        budget: &Budget,
        spending: &Spending,
    ) -> Result<(f64, bool), LedgerError> {
        let event = spending.event()?;
        let mine =
            self.entries.iter().filter(|entry| entry.is_of(&spending.dataset, spending.unit));
        let mut events: Vec<Event> = mine.map(Spending::event).collect::<Result<_, _>>()?;
        if self.charge(spending)? == Charge::New {
            events.push(event);
        }
        let would = epsilon(events, budget.delta);
        // What is no number is no bound.
        Ok((would, would.is_nan() || would > budget.epsilon))
    }

    /// Writes a release down, unless it would exceed the budget; the ledger is then as before.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn spend(&mut self, budget: &Budget, spending: Spending) -> Result<Charge, LedgerError> {
        let charge = self.charge(&spending)?;
        let (epsilon, exceeds) = self.would_exceed(budget, &spending)?;
        match charge {
            Charge::Already => {}
            Charge::New if exceeds => {
                let Spending { dataset, .. } = spending;
                return Err(LedgerError::Exceeded { dataset, epsilon, budget: budget.epsilon });
            }
            Charge::New => self.entries.push(spending),
        }
        Ok(charge)
    }

    /// Whether a release is there already.
    fn charge(&self, spending: &Spending) -> Result<Charge, LedgerError> {
        let same = |entry: &&Spending| {
            entry.is_of(&spending.dataset, spending.unit) && entry.release == spending.release
        };
        match self.entries.iter().find(same) {
            None => Ok(Charge::New),
            Some(entry) if entry == spending => Ok(Charge::Already),
            Some(_) => Err(LedgerError::Differs {
                dataset: spending.dataset.clone(),
                job: spending.release.job.clone(),
                round: spending.release.round,
            }),
        }
    }
}

/// The least bound there is: exact where nothing was sampled, else the tighter of two.
fn epsilon(events: Vec<Event>, delta: f64) -> f64 {
    let events = merged(events);
    if events.is_empty() {
        return 0.0;
    }
    exact::epsilon(&events, delta)
        .unwrap_or_else(|| pld::epsilon(&events, delta).min(rdp::epsilon(&events, delta)))
}

/// Equal steps as one event.
fn merged(events: Vec<Event>) -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    for event in events {
        let like = |other: &&mut Event| {
            other.sampling().to_bits() == event.sampling().to_bits()
                && other.noise().to_bits() == event.noise().to_bits()
        };
        let sum = |other: &Event| other.steps().checked_add(event.steps());
        match all.iter_mut().find(like) {
            Some(other) if sum(other).is_some() => {
                *other = other.longer(event.steps());
            }
            _ => all.push(event),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spending(round: u32, attempt: u32, (sampling, noise): (f64, f64)) -> Spending {
        let release = Release { job: "j".to_owned(), round, attempt, updates: [1; 32] };
        let (dataset, unit) = ("rows".to_owned(), Unit::Client);
        Spending { dataset, unit, release, sampling, noise, steps: 1 }
    }

    #[test]
    fn rounds_are_written_down_until_the_budget_is_spent_and_not_after() {
        let budget = Budget::new(8.6, 1e-5).unwrap();
        let mut ledger = Ledger::new();
        // 50 rounds with noise of 4 come to 8.5958…
        for round in 0..50 {
            assert_eq!(ledger.spend(&budget, spending(round, 0, (1.0, 4.0))), Ok(Charge::New));
        }
        let spent = ledger.epsilon("rows", Unit::Client, 1e-5).unwrap();
        assert!((spent - 8.595_865_790).abs() < 1e-8, "{spent}");
        let before = ledger.clone();
        let error = ledger.spend(&budget, spending(50, 0, (1.0, 4.0))).unwrap_err();
        assert!(matches!(error, LedgerError::Exceeded { .. }), "{error}");
        assert!(ledger.would_exceed(&budget, &spending(50, 0, (1.0, 4.0))).unwrap().1);
        assert_eq!(ledger, before);
        // What was released may be released again; another attempt at it is another release.
        assert_eq!(ledger.spend(&budget, spending(49, 0, (1.0, 4.0))), Ok(Charge::Already));
        assert!(ledger.spend(&budget, spending(49, 1, (1.0, 4.0))).is_err());
        let mut others = spending(49, 0, (1.0, 4.0));
        others.release.updates = [2; 32];
        assert!(ledger.spend(&budget, others).is_err(), "a sum of other updates");
        // Other datasets and units have accounts of their own.
        let other = Spending { dataset: "other".to_owned(), ..spending(50, 0, (1.0, 4.0)) };
        assert_eq!(ledger.spend(&budget, other), Ok(Charge::New));
        let other = Spending { unit: Unit::Record, ..spending(50, 0, (1.0, 4.0)) };
        assert_eq!(ledger.spend(&budget, other), Ok(Charge::New));
    }

    #[test]
    fn what_is_kept_makes_the_same_ledger_in_any_order() {
        let budget = Budget::new(20.0, 1e-5).unwrap();
        let mut ledger = Ledger::new();
        for (round, of) in (0..).zip([(0.01, 1.1), (1.0, 5.0), (0.01, 1.1), (0.3, 2.0)]) {
            ledger.spend(&budget, spending(round, 0, of)).unwrap();
        }
        let mut kept = ledger.entries().to_vec();
        kept.reverse();
        kept.push(kept[0].clone());
        let again = Ledger::restore(kept.clone()).unwrap();
        assert_eq!(again.entries().len(), 4);
        let of = |ledger: &Ledger| ledger.epsilon("rows", Unit::Client, 1e-5).unwrap();
        assert!((of(&ledger) - of(&again)).abs() < 1e-9);
        assert!(of(&ledger) > 0.0 && ledger.epsilon("none", Unit::Client, 1e-5) == Ok(0.0));
        kept[0].noise += 1.0;
        assert!(matches!(Ledger::restore(kept.clone()), Err(LedgerError::Differs { .. })));
        kept.truncate(1);
        kept[0].noise = 0.0;
        assert!(matches!(Ledger::restore(kept), Err(LedgerError::Event { .. })));
    }

    #[test]
    fn sampled_steps_cost_what_the_accountants_say() {
        let budget = Budget::new(5.2, 1e-5).unwrap();
        let steps = Spending { steps: 10_000, ..spending(0, 0, (0.01, 1.1)) };
        let (epsilon, exceeds) = Ledger::new().would_exceed(&budget, &steps).unwrap();
        assert!((epsilon - 5.192_62).abs() < 1e-4 && !exceeds, "{epsilon}");
        let halves = |round| Spending { steps: 5000, ..spending(round, 0, (0.01, 1.1)) };
        let mut ledger = Ledger::new();
        ledger.spend(&budget, halves(0)).unwrap();
        assert_eq!(ledger.would_exceed(&budget, &halves(1)).unwrap(), (epsilon, false));
        let lower = Budget::new(5.19, 1e-5).unwrap();
        assert!(ledger.would_exceed(&lower, &halves(1)).unwrap().1);
    }

    #[test]
    fn what_is_no_budget_is_refused() {
        for (epsilon, delta) in
            [(-1.0, 0.1), (f64::NAN, 0.1), (1.0, 0.0), (1.0, 1.0), (1.0, f64::NAN)]
        {
            assert!(Budget::new(epsilon, delta).is_err(), "{epsilon} {delta}");
        }
        assert!(Ledger::new().epsilon("rows", Unit::Client, 1.0).is_err());
    }
}
