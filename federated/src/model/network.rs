//! What a model is: layers, and what it is measured by.

use protocols::{prg::Prg, ring::Z32};

/// Layers beneath the last at most.
const MOST_HIDDEN: usize = 16;
/// Parameters at most.
const MOST_PARAMETERS: usize = 1 << 31;

/// What outputs mean, and how far they are from labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// One output is a real number: half the squared difference.
    Squared,
    /// One output is the log-odds of class 1: cross entropy.
    Logistic,
    /// Outputs are log-odds of classes: cross entropy.
    Softmax,
}

/// Dense layers with rectified units between them. Parameters are, layer by layer, the weights, input by input, then the biases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    widths: Vec<usize>,
    loss: Loss,
}

/// Why there is no such network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A layer of nothing, or too many layers.
    #[error(
        "a network has 1 to {MOST_HIDDEN} hidden layers of 1 unit and more, and 1 feature and more"
    )]
    Layers,
    /// Classes that are none.
    #[error("{0} classes; a classifier tells 2 and more apart")]
    Classes(usize),
    /// Too large.
    #[error("a network of more than {MOST_PARAMETERS} parameters")]
    Size,
}

impl Network {
    /// Linear regression.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub fn linear(features: usize) -> Result<Self, NetworkError> {
        Self::new(vec![features, 1], Loss::Squared)
    }

    /// Logistic regression.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub fn logistic(features: usize) -> Result<Self, NetworkError> {
        Self::new(vec![features, 1], Loss::Logistic)
    }

    /// Softmax regression.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub fn softmax(features: usize, classes: usize) -> Result<Self, NetworkError> {
        Self::layers(features, &[], classes)
    }

    /// A classifier with hidden layers of these widths.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub fn layers(features: usize, hidden: &[usize], classes: usize) -> Result<Self, NetworkError> {
        if classes < 2 {
            return Err(NetworkError::Classes(classes));
        }
        let widths = [&[features], hidden, &[classes]].concat();
        Self::new(widths, Loss::Softmax)
    }

    fn new(widths: Vec<usize>, loss: Loss) -> Result<Self, NetworkError> {
        if widths.contains(&0) || widths.len() > MOST_HIDDEN + 2 {
            return Err(NetworkError::Layers);
        }
        let network = Self { widths, loss };
        let size = |pair: &[usize]| pair[0].checked_add(1)?.checked_mul(pair[1]);
        let sizes: Option<Vec<usize>> = network.widths.windows(2).map(size).collect();
        let total =
            sizes.and_then(|sizes| sizes.iter().try_fold(0_usize, |a, b| a.checked_add(*b)));
        match total {
            Some(total) if total <= MOST_PARAMETERS => Ok(network),
            _ => Err(NetworkError::Size),
        }
    }

    /// Features of a row.
    #[must_use]
    pub fn features(&self) -> usize {
        self.widths[0]
    }

    /// Outputs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.widths[self.widths.len() - 1]
    }

    /// What outputs mean.
    #[must_use]
    pub const fn loss(&self) -> Loss {
        self.loss
    }

    /// Width of each layer, features first.
    #[must_use]
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// How many parameters.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.widths.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
    }

    /// Parameters to start from: zeros, or of hidden layers uniform ones of variance 2 / inputs (He and others, ICCV 2015).
    #[must_use]
    pub fn initial(&self, seed: &[u8; 16]) -> Vec<f32> {
        let mut rng = Prg::new(seed);
        let deep = self.widths.len() > 2;
        let mut parameters = Vec::with_capacity(self.parameters());
        for pair in self.widths.windows(2) {
            let span = if deep { (6.0 / pair[0] as f32).sqrt() } else { 0.0 };
            for word in rng.elements::<Z32>(pair[0] * pair[1]).iter() {
                let unit = (word >> 8) as f32 / (1_u32 << 23) as f32 - 1.0;
                parameters.push(span * unit);
            }
            parameters.resize(parameters.len() + pair[1], 0.0);
        }
        parameters
    }
}
