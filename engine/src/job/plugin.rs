//! A model that this program knows nothing of: each provider trains it by a program of its own.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::micro::Micro;

/// A model that providers train by programs of their own, in whatever framework.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginSpec {
    /// Which of its programs: `[provider.trainers.NAME]` in each provider's configuration.
    pub name: String,
    /// How many numbers the model has, where that is all there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<u64>,
    /// Otherwise its tensors, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tensors: Vec<TensorSpec>,
}

/// A tensor of a model, in single precision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorSpec {
    /// What it is called.
    pub name: String,
    /// Its lengths.
    pub shape: Vec<u64>,
    /// It begins with numbers between −start and start that follow from the job; 0 where it is left out: with zeros.
    #[serde(default)]
    pub start: Micro,
}

/// What [`PluginSpec::parameters`] alone makes: one tensor of this name.
const PARAMETERS: &str = "parameters";
/// Most tensors of a model.
const MAX_TENSORS: usize = 4096;
/// Most lengths of a tensor.
const MAX_LENGTHS: usize = 16;
/// Most numbers of a model, and the largest start.
const MAX_PARAMETERS: u64 = 1 << 31;
/// Longest name of a program or a tensor.
const MAX_NAME: usize = 128;

impl PluginSpec {
    /// What can be checked without anything else.
    ///
    /// # Errors
    /// The first field that has a value it cannot have, and why.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let field = |holds: bool, field, why| if holds { Ok(()) } else { Err((field, why)) };
        field(
            is_name(&self.name),
            "train.model.name",
            "is a trainer's name: letters, digits, `-`, `_` and `.`, 128 at most",
        )?;
        field(
            self.parameters.is_some() == self.tensors.is_empty()
                && self.tensors.len() <= MAX_TENSORS,
            "train.model.parameters",
            "says how many numbers the model has, or train.model.tensors lists its tensors, 4096 at most; not both",
        )?;
        let tensors = self.tensors();
        let names: BTreeSet<_> = tensors.iter().map(|tensor| &tensor.name).collect();
        let fits = |tensor: &TensorSpec| {
            is_name(&tensor.name)
                && (1..=MAX_LENGTHS).contains(&tensor.shape.len())
                && tensor.size().is_some_and(|size| size > 0)
                && tensor.start.value() <= 1e6
        };
        field(
            names.len() == tensors.len() && tensors.iter().all(fits),
            "train.model.tensors",
            "have a name each, 1 to 16 lengths of at least 1, and begin with numbers up to a million",
        )?;
        let mut sizes = tensors.iter().map(TensorSpec::size);
        let all = sizes.try_fold(0_u64, |all, size| all.checked_add(size?));
        field(
            all.is_some_and(|all| all <= MAX_PARAMETERS),
            "train.model.parameters",
            "are 2147483648 in all at most",
        )
    }

    /// The tensors, also where only their number is given.
    #[must_use]
    pub fn tensors(&self) -> Vec<TensorSpec> {
        match self.parameters {
            Some(parameters) => {
                let (name, shape) = (PARAMETERS.to_owned(), vec![parameters]);
                vec![TensorSpec { name, shape, start: Micro(0) }]
            }
            None => self.tensors.clone(),
        }
    }
}

impl TensorSpec {
    /// How many numbers it has, if that can be counted.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.shape.iter().try_fold(1_u64, |size, length| size.checked_mul(*length))
    }
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> PluginSpec {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_number_of_parameters_is_one_tensor() {
        let spec = read(r#"{"name": "numpy", "parameters": 12}"#);
        assert_eq!(spec.check(), Ok(()));
        assert_eq!((spec.tensors()[0].size(), spec.tensors().len()), (Some(12), 1));
        let spec = read(
            r#"{"name": "numpy", "tensors": [{"name": "w", "shape": [3, 4], "start": 0.5}, {"name": "b", "shape": [1]}]}"#,
        );
        assert_eq!(spec.check(), Ok(()));
        assert_eq!(spec.tensors()[0].size(), Some(12));
        assert_eq!(read(&serde_json::to_string(&spec).unwrap()), spec);
    }

    #[test]
    fn what_is_no_model_is_named() {
        let tensor = |more: &str| format!(r#"{{"name": "numpy", "tensors": [{more}]}}"#);
        let (w, many) = (r#"{"name": "w", "shape": [2]}"#, 1_u64 << 32);
        for (json, field) in [
            (r#"{"name": "a/b", "parameters": 1}"#.to_owned(), "train.model.name"),
            (r#"{"name": "", "parameters": 1}"#.to_owned(), "train.model.name"),
            (r#"{"name": "numpy"}"#.to_owned(), "train.model.parameters"),
            (format!(r#"{{"name": "numpy", "parameters": {many}}}"#), "train.model.parameters"),
            (
                format!(r#"{{"name": "numpy", "parameters": 1, "tensors": [{w}]}}"#),
                "train.model.parameters",
            ),
            (r#"{"name": "numpy", "parameters": 0}"#.to_owned(), "train.model.tensors"),
            (tensor(&format!("{w}, {w}")), "train.model.tensors"),
            (tensor(r#"{"name": "w", "shape": []}"#), "train.model.tensors"),
            (
                tensor(&format!(r#"{{"name": "w", "shape": [{many}, {many}]}}"#)),
                "train.model.tensors",
            ),
        ] {
            assert_eq!(read(&json).check().unwrap_err().0, field, "{json}");
        }
    }
}
