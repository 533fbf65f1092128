//! What each provider's updates of a training were worth, as all parties sign it: a part of the receipt, which says of which job, plan
//! and transcript it is.

use federated::contribution::{PriceError, Terms, price};
use serde::{Deserialize, Serialize};

use super::receipt::{Fault, PartyEntry};
use crate::{
    identity::{PartyName, int_string},
    job::Micro,
};

/// How values are worked out: the Aumann–Shapley value by Gauss and Legendre's rule at 4 points, the mean of 8 folds.
const METHOD: &str = "aumann-shapley/4-points/8-folds";

/// What updates were worth, and what is paid for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContributionCertificate {
    /// How values were worked out.
    pub method: String,
    /// `party.dataset` by whose rows: its commitment stands under `inputs`.
    pub validation: String,
    /// What is shared out.
    pub price: u32,
    /// The part of it that goes by rows.
    pub for_rows: Micro,
    /// Each provider, in the order of the job.
    pub providers: Vec<Contribution>,
}

/// What one provider's updates were worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contribution {
    /// Who.
    pub party: PartyName,
    /// The published bound on its rows.
    #[serde(with = "int_string")]
    pub rows: u64,
    /// How much less the mean validation loss is for its updates, in millionths.
    #[serde(with = "int_string")]
    pub value: i64,
    /// The ends of the interval that holds that in 95 of 100 cases, over the choice of validation rows.
    #[serde(with = "int_string")]
    pub low: i64,
    /// The upper end.
    #[serde(with = "int_string")]
    pub high: i64,
    /// The part of its rows that counts as its own.
    pub unique: Micro,
    /// Its part of the price.
    #[serde(with = "int_string")]
    pub pay: u64,
}

impl ContributionCertificate {
    /// Of these values, whose `pay` is worked out here.
    ///
    /// # Errors
    /// [`PriceError`].
    pub fn new(
        validation: String,
        (price, for_rows): (u32, Micro),
        providers: Vec<Contribution>,
    ) -> Result<Self, PriceError> {
        let method = METHOD.to_owned();
        let mut all = Self { method, validation, price, for_rows, providers };
        let paid = all.split()?;
        all.providers.iter_mut().zip(paid).for_each(|(one, pay)| one.pay = pay);
        Ok(all)
    }

    /// What each is paid.
    fn split(&self) -> Result<Vec<u64>, PriceError> {
        let terms = Terms { total: self.price.into(), for_rows: self.for_rows.value() };
        let rows: Vec<u64> = self.providers.iter().map(|one| one.rows).collect();
        #[expect(clippy::cast_precision_loss, reason = "losses in millionths")]
        let values: Vec<f64> = self.providers.iter().map(|one| one.value as f64 / 1e6).collect();
        let unique: Vec<f64> = self.providers.iter().map(|one| one.unique.value()).collect();
        price(&terms, &rows, &values, &unique)
    }

    /// Whether it says of parties of the job what follows from its own numbers.
    ///
    /// # Errors
    /// A [`Fault`] naming what does not hold.
    pub(super) fn check(&self, parties: &[PartyEntry]) -> Result<(), Fault> {
        let field = "contribution";
        if self.method != METHOD {
            return Err(Fault::new("contribution.method", format!("is not `{METHOD}`")));
        }
        for one in &self.providers {
            if !parties.iter().any(|entry| entry.party == one.party) {
                return Err(Fault::of(&one.party, field, "takes no part in this job"));
            }
            if one.low > one.value || one.value > one.high || one.unique > Micro::ONE {
                return Err(Fault::of(&one.party, field, "has numbers that cannot be"));
            }
        }
        let paid = self.split().map_err(|error| Fault::new(field, error.to_string()))?;
        match self.providers.iter().zip(paid).find(|(one, pay)| one.pay != *pay) {
            Some((one, pay)) => {
                let message = format!("is paid {} where its value comes to {pay}", one.pay);
                Err(Fault::of(&one.party, "contribution.pay", message))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(party: &str, value: i64, unique: u64) -> Contribution {
        let party = party.parse().unwrap();
        let (low, high) = (value - 5, value + 5);
        Contribution { party, rows: 64, value, low, high, unique: Micro(unique), pay: 0 }
    }

    #[test]
    fn a_price_is_shared_out_by_what_is_written_beside_it() {
        let providers =
            vec![one("a", 300_000, 1_000_000), one("b", 300_000, 500_000), one("c", -9, 0)];
        let terms = (1000, Micro(200_000));
        let all = ContributionCertificate::new("v.rows".into(), terms, providers).unwrap();
        let paid: Vec<u64> = all.providers.iter().map(|one| one.pay).collect();
        assert_eq!(paid.iter().sum::<u64>(), 1000);
        assert!(paid[0] > paid[1] && paid[1] > paid[2] && paid[2] >= 66, "{paid:?}");
        let key = crate::identity::IdentityKey::from_seed(&[1; 32]).public();
        let entry = |party: &str| PartyEntry {
            party: party.parse().unwrap(),
            organisation: party.to_owned(),
            key,
            roles: Vec::new(),
            software: None,
        };
        let parties = ["a", "b", "c"].map(entry);
        assert_eq!(all.check(&parties), Ok(()));
        let fails = |change: &dyn Fn(&mut ContributionCertificate)| {
            let mut all = all.clone();
            change(&mut all);
            all.check(&parties).unwrap_err().field
        };
        assert_eq!(fails(&|all| all.providers[1].pay += 1), "contribution.pay");
        let lower = |all: &mut ContributionCertificate| {
            (all.providers[0].value, all.providers[0].low) = (200_000, 0);
        };
        assert_eq!(fails(&lower), "contribution.pay");
        assert_eq!(fails(&|all| all.providers[0].low = 300_001), "contribution");
        assert_eq!(fails(&|all| all.providers[0].party = "d".parse().unwrap()), "contribution");
        assert_eq!(fails(&|all| all.method.clear()), "contribution.method");
    }
}
