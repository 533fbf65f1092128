//! What a trainer's model says of a job's rows.

use federated::model::Rows;
use proto::trainer::{self, evaluate_response};

use super::{
    line::{Line, empty, words},
    trainer::TrainerSetting,
};

/// One job's rows at a trainer that evaluates them.
#[derive(Debug)]
pub struct TrainerScores {
    line: Line<trainer::EvaluateResponse>,
    rows: usize,
}

/// Why there are no probabilities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unscored {
    /// What was wrong.
    pub why: String,
    /// The program does not evaluate at all.
    pub never: bool,
    /// It declined this round, and goes on.
    pub declined: bool,
}

impl Unscored {
    /// For now.
    #[must_use]
    pub fn because(why: &str) -> Self {
        Self { why: why.to_owned(), never: false, declined: false }
    }
}

impl TrainerScores {
    pub(super) async fn begin(
        line: Line<trainer::EvaluateResponse>,
        setting: &TrainerSetting,
        rows: &Rows,
    ) -> Result<Self, Unscored> {
        let mut scores = Self { line, rows: rows.len() };
        let begun = scores.line.begin(setting, rows).await;
        begun.map_err(|why| scores.unscored(why))?;
        Ok(scores)
    }

    /// The probability of class 1 of each row under this model, as the trainer says; as many as there are rows.
    ///
    /// # Errors
    /// [`Unscored`]: but where the program declined, the stream is of no use then.
    pub async fn round(&mut self, number: u32, model: &[f32]) -> Result<Vec<f32>, Unscored> {
        let came = self.came(number, model).await.map_err(|why| self.unscored(why))?;
        let declined = |why| Unscored { why, never: false, declined: true };
        came.map_err(declined)
    }

    fn unscored(&self, why: String) -> Unscored {
        Unscored { why, never: self.line.is_unknown(), declined: false }
    }

    async fn came(
        &mut self,
        number: u32,
        model: &[f32],
    ) -> Result<Result<Vec<f32>, String>, String> {
        self.line.ask(number, model).await?;
        let due = 4 * self.rows;
        let mut bytes = Vec::with_capacity(due);
        let rows = loop {
            match self.line.next().await?.what.ok_or_else(empty)? {
                evaluate_response::What::Probabilities(piece)
                    if piece.len() <= due - bytes.len() =>
                {
                    bytes.extend_from_slice(&piece);
                }
                evaluate_response::What::Probabilities(_) => {
                    return Err(format!("it sent probabilities of more than {} rows", self.rows));
                }
                evaluate_response::What::Evaluated(trainer::Evaluated { rows }) => break rows,
                evaluate_response::What::Declined(trainer::Declined { reason })
                    if bytes.is_empty() =>
                {
                    return Ok(Err(words(&reason)));
                }
                evaluate_response::What::Declined(_) => {
                    return Err("it declined in the middle of its probabilities".into());
                }
            }
        };
        if bytes.len() != due || rows != self.rows as u64 {
            let (got, want) = (bytes.len() / 4, self.rows);
            return Err(format!(
                "it sent probabilities of {got} rows, says that these are {rows}, and has {want}"
            ));
        }
        Ok(Ok(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
    }
}
