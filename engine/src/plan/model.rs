//! The model of a training: how many numbers, in which tensors, and with what they begin.

use federated::model::Network;
use protocols::{prg::Prg, ring::Z32};

use super::train::{Feature, Training};
use crate::job::{ModelSpec, TensorSpec};

/// A tensor of a model, in single precision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// What it is called.
    pub name: String,
    /// Its lengths.
    pub shape: Vec<usize>,
}

impl Training {
    /// Numbers that describe a row.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.features.iter().map(Feature::width).sum()
    }

    /// The model that is trained, where this program knows it.
    ///
    /// # Errors
    /// What does not fit.
    pub fn network(&self) -> Result<Network, String> {
        let features = self.inputs();
        let classes = match &self.label {
            Feature::OneOf { domain, .. } => domain.len(),
            _ => 2,
        };
        let network = match &self.model {
            ModelSpec::Linear => Network::linear(features),
            ModelSpec::Logistic => Network::logistic(features),
            ModelSpec::Softmax => Network::softmax(features, classes),
            ModelSpec::Network { hidden } => {
                let hidden: Vec<usize> = hidden.iter().map(|units| *units as usize).collect();
                Network::layers(features, &hidden, classes)
            }
            ModelSpec::Trees(_) => return Err("grows trees, which are no network".into()),
            ModelSpec::Plugin(of) => {
                return Err(format!("only the program `{}` knows its model", of.name));
            }
        };
        network.map_err(|error| error.to_string())
    }

    /// How many numbers the model has; of trees how many words: where bins end, cuts and leaves.
    ///
    /// # Errors
    /// What does not fit.
    pub fn parameters(&self) -> Result<usize, String> {
        if let Some([edges, nodes, leaves]) = self.forest_words() {
            let trees = (nodes + leaves).checked_mul(self.rounds as usize);
            return trees
                .and_then(|words| words.checked_add(edges))
                .ok_or_else(|| "too many trees".into());
        }
        let Some(plugin) = self.model.plugin() else {
            return self.network().map(|network| network.parameters());
        };
        plugin.check().map_err(|(field, why)| format!("has a model whose `{field}` {why}"))?;
        let sizes =
            self.tensors()?.into_iter().map(|tensor| tensor.shape.iter().product::<usize>());
        Ok(sizes.sum())
    }

    /// The model's tensors, in the order of its numbers: of a network each layer's weights, of inputs × outputs, then its biases.
    ///
    /// # Errors
    /// What does not fit.
    pub fn tensors(&self) -> Result<Vec<Tensor>, String> {
        if let Some(trees) = self.forest_tensors() {
            return Ok(trees);
        }
        if let Some(plugin) = self.model.plugin() {
            let tensor = |tensor: TensorSpec| {
                let lengths = tensor.shape.iter().map(|length| usize::try_from(*length));
                let shape = lengths.collect::<Result<_, _>>();
                let shape = shape.map_err(|_| "has a tensor beyond this machine")?;
                Ok(Tensor { name: tensor.name, shape })
            };
            return plugin.tensors().into_iter().map(tensor).collect();
        }
        let network = self.network()?;
        let layer = |(layer, pair): (usize, &[usize])| {
            let of = |part: &str, shape| Tensor { name: format!("layers.{layer}.{part}"), shape };
            [of("weight", vec![pair[0], pair[1]]), of("bias", vec![pair[1]])]
        };
        Ok(network.widths().windows(2).enumerate().flat_map(layer).collect())
    }

    /// With what the model begins: it follows from the job, and is nobody's secret.
    ///
    /// # Errors
    /// What does not fit.
    pub fn initial(&self, seed: &[u8; 16]) -> Result<Vec<f32>, String> {
        let Some(plugin) = self.model.plugin() else {
            return self.network().map(|network| network.initial(seed));
        };
        let (mut rng, mut model) = (Prg::new(seed), Vec::with_capacity(self.parameters()?));
        for (tensor, spec) in self.tensors()?.iter().zip(plugin.tensors()) {
            let (size, start) = (tensor.shape.iter().product(), spec.start.single());
            let unit = |word: &u32| (word >> 8) as f32 / (1_u32 << 23) as f32 - 1.0;
            if start > 0.0 {
                model.extend(rng.elements::<Z32>(size).iter().map(|word| start * unit(word)));
            } else {
                model.resize(model.len() + size, 0.0);
            }
        }
        Ok(model)
    }
}
