//! What a plan says of the gates of a training.

use federated::{
    average::Encoding,
    gate::{Gates, Krum, Projections, Terms},
};

use super::{
    ir::Plan,
    train::{ROUND_WORDS, Training},
};

impl Training {
    /// What updates are held to, given how they would be encoded without that; none if whatever comes is added up. Gates take
    /// fewer fractional bits where squares would not fit otherwise: the encoding is that of [their terms](Gates::terms).
    ///
    /// # Errors
    /// What does not fit.
    pub fn gates(&self, plan: &Plan, encoding: Encoding) -> Result<Option<Gates>, String> {
        let Some(gate) = &self.gate else { return Ok(None) };
        let (norm, loss, projections) = gate.bounds();
        let (providers, least) = (self.inputs.len(), self.least as usize);
        let krum = gate.krum(providers).map(|(byzantine, keep)| Krum { byzantine, keep });
        if let Some(Krum { keep, .. }) = krum.filter(|krum| krum.keep < least) {
            return Err(format!(
                "takes {keep} updates a round and opens averages of {least} at least"
            ));
        }
        let terms = Terms {
            encoding,
            parameters: self.parameters()?,
            clip: norm.value(),
            most_weight: self.owners(plan).map(|input| input.rows).max().unwrap_or(0),
            most_loss: loss.value(),
            projections: match projections {
                64 => Projections::Few,
                128 => Projections::Usual,
                other => return Err(format!("has a gate of {other} projections, not 64 or 128")),
            },
            krum,
            private: false,
            least,
        };
        let gates = Gates::finest(terms).map_err(|error| format!("has a gate: {error}"))?;
        gates.check(providers).map_err(|error| format!("has a gate: {error}"))?;
        Ok(Some(gates))
    }

    /// Words that the result has of each round: after the others what is told of counts, or of a clip that follows updates, or with a
    /// gate a bit a provider, whose update was refused; behind that without noise a bit a provider, who was absent.
    #[must_use]
    pub fn round_words(&self) -> usize {
        // Of trees nothing is told but what they are.
        if self.model.trees().is_some() {
            return 0;
        }
        ROUND_WORDS
            + self.tally_words()
            + self.clip_words()
            + self.gate.as_ref().map_or(0, |_| self.inputs.len().div_ceil(64))
            + self.absent_words()
    }

    /// The last of these words: who was absent from a round. With noise nothing is told of a round but how many were in it.
    #[must_use]
    pub fn absent_words(&self) -> usize {
        if self.privacy.is_some() { 0 } else { self.inputs.len().div_ceil(64) }
    }

    /// Whether the buyer hears of its rounds while it goes on: where the result tells of them what all compute parties see.
    #[must_use]
    pub fn tells_rounds(&self) -> bool {
        self.privacy.is_none() && self.model.trees().is_none()
    }

    /// What it hears, and that it does also of a training that comes to no result.
    pub(super) fn rounds_show(&self, plan: &Plan) -> Option<String> {
        let first = plan.compute.first()?;
        self.tells_rounds().then(|| {
            format!(
                "the buyer hears of each round while the training goes on, from {first}, also if there is no result in the end"
            )
        })
    }

    /// What a gate shows besides.
    pub(super) fn gate_shows(&self) -> Option<String> {
        let gate = self.gate.as_ref()?;
        Some(format!(
            "compute parties, and the buyer: for each round whose updates came and were refused, a bit a provider; taken are \
             {gate}"
        ))
    }
}
