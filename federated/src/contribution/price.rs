//! From values to money.

/// How a price is shared out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// What the buyer pays in all, in the smallest unit of its currency.
    pub total: u64,
    /// The part that is paid for rows, whatever they were worth: between 0 and 1.
    pub for_rows: f64,
}

/// Why a price cannot be shared out.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PriceError {
    /// No rows, or a part that is none.
    #[error(
        "a price is shared out among providers with rows, a part between 0 and 1 of it by their number"
    )]
    Terms,
    /// Lists of different lengths.
    #[error(
        "{rows} numbers of rows, {values} values and {unique} parts of own rows: name one of each for every provider"
    )]
    Lengths {
        /// How many numbers of rows.
        rows: usize,
        /// How many values.
        values: usize,
        /// How many parts.
        unique: usize,
    },
}

/// The part of a provider's rows that counts as its own: a row that it has in common with `others` providers counts as one
/// over all that have it. `common[i]` of its `rows` rows are also provider i's; the sum is what pairs of sets tell, so rows
/// that three have are discounted a little more than they should be, never less.
#[must_use]
pub fn uniqueness(rows: u64, common: &[u64]) -> f64 {
    if rows == 0 {
        return 0.0;
    }
    let shared: f64 = common.iter().map(|common| *common as f64 / 2.0).sum();
    (1.0 - shared / rows as f64).clamp(0.0, 1.0)
}

/// What each provider is paid: a part by its rows, the rest by what its rows were worth, of its own ones; nobody pays. Adds up to the
/// total; what rounding leaves goes to the first providers, a unit each.
///
/// # Errors
/// [`PriceError`].
pub fn price(
    terms: &Terms,
    rows: &[u64],
    values: &[f64],
    unique: &[f64],
) -> Result<Vec<u64>, PriceError> {
    if rows.len() != values.len() || rows.len() != unique.len() {
        let (rows, values, unique) = (rows.len(), values.len(), unique.len());
        return Err(PriceError::Lengths { rows, values, unique });
    }
    let all_rows: u64 = rows.iter().sum();
    if all_rows == 0 || !(0.0..=1.0).contains(&terms.for_rows) {
        return Err(PriceError::Terms);
    }
    let worth: Vec<f64> =
        values.iter().zip(unique).map(|(value, unique)| unique * value.max(0.0)).collect();
    let all_worth: f64 = worth.iter().sum();
    // Where nothing was worth anything, rows are all there is to go by.
    let for_rows = if all_worth > 0.0 { terms.for_rows } else { 1.0 };
    let part = |rows: u64, worth: f64| {
        let by_worth = if all_worth > 0.0 { worth / all_worth } else { 0.0 };
        for_rows * rows as f64 / all_rows as f64 + (1.0 - for_rows) * by_worth
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a u64, not negative"
    )]
    let mut paid: Vec<u64> = rows
        .iter()
        .zip(&worth)
        .map(|(rows, worth)| (part(*rows, *worth) * terms.total as f64).floor() as u64)
        .collect();
    let left = terms.total.saturating_sub(paid.iter().sum());
    let providers = paid.len() as u64;
    for (at, paid) in (0..).zip(&mut paid) {
        *paid += left / providers + u64::from(at < left % providers);
    }
    Ok(paid)
}
