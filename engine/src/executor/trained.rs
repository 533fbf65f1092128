//! The result of a training, as the buyer has it: the model, and a table of its rounds.

use std::{collections::HashMap, fmt, sync::Arc};

use datafusion::arrow::{
    array::{
        ArrayRef, AsArray as _, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    },
    datatypes::Int64Type,
};
use serde_json::{Map, Value, json};

use super::{forest::forest, metrics::metrics};
use crate::{
    identity::PartyName,
    job::{Micro, ModelFamily},
    plan::{Feature, ROUND_WORDS, Tensor, Training},
};

/// A trained model.
#[derive(Clone, PartialEq)]
pub struct Model {
    tensors: Vec<Tensor>,
    parameters: Vec<f32>,
    metadata: HashMap<String, String>,
}

/// The model is the buyer's alone: it prints its size only.
impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Model({} parameters)", self.parameters.len())
    }
}

/// Reads the opened words of a training: the model, and a row for each round.
///
/// Nothing if they are not those of this training.
pub(super) fn trained(
    training: &Training,
    owners: &[&PartyName],
    opened: &RecordBatch,
) -> Option<(Model, RecordBatch)> {
    let words = opened.columns().first()?.as_primitive_opt::<Int64Type>()?.values();
    if training.model.trees().is_some() {
        return forest(training, words);
    }
    let (parameters, figures) = words.split_at_checked(training.parameters().ok()?)?;
    if figures.len() != training.rounds as usize * training.round_words() {
        return None;
    }
    let parameter = |word: &i64| u32::try_from(*word).ok().map(f32::from_bits);
    let parameters: Vec<f32> = parameters.iter().map(parameter).collect::<Option<_>>()?;
    let mut metadata = metadata(training.model.family(), &training.features, &training.label);
    let trainer = training.model.plugin();
    metadata.extend(trainer.map(|plugin| ("trainer".to_owned(), plugin.name.clone())));
    metadata.extend(promised(training));
    let model = Model::new(training.tensors().ok()?, parameters, metadata);
    let rounds = if training.privacy.is_some() {
        private_rounds(training, figures)?
    } else {
        rounds(training, owners, (1, figures))?
    };
    Some((model, rounds))
}

/// One round of a training without noise, which goes on: its row in the table of rounds. Nothing if these are not its words.
pub(super) fn round_of(
    training: &Training,
    owners: &[&PartyName],
    (round, words): (u32, &[u64]),
) -> Option<RecordBatch> {
    if words.len() != training.round_words() || !(1..=training.rounds).contains(&round) {
        return None;
    }
    let words: Vec<i64> = words.iter().map(|word| word.cast_signed()).collect();
    rounds(training, owners, (i32::try_from(round).ok()?, &words))
}

#[expect(clippy::cast_precision_loss, reason = "means, for reading")]
fn rounds(
    training: &Training,
    owners: &[&PartyName],
    (first, figures): (i32, &[i64]),
) -> Option<RecordBatch> {
    let each = || figures.chunks_exact(training.round_words());
    let round = Int32Array::from_iter_values((first..).take(each().len()));
    let providers = each().map(|round| i32::try_from(round[0]).ok()).collect::<Option<Vec<_>>>()?;
    let rows = Int64Array::from_iter_values(each().map(|round| round[1]));
    let mean = |total: fn(&[i64]) -> f64| {
        let mean = move |round: &[i64]| total(round) / round[1].max(1) as f64;
        Float64Array::from_iter_values(each().map(mean))
    };
    let loss = |round: &[i64]| f64::from_bits(round[2].cast_unsigned());
    let mut columns = vec![
        ("round", Arc::new(round) as ArrayRef),
        ("providers", Arc::new(Int32Array::from(providers))),
        ("rows", Arc::new(rows)),
        ("loss", Arc::new(mean(loss))),
        ("accuracy", Arc::new(mean(|round| round[3] as f64))),
    ];
    columns.extend(metrics(training, figures));
    let named = |from: usize| {
        let names = each().map(|round| named(owners, round.get(from..).unwrap_or_default()));
        Arc::new(StringArray::from_iter_values(names))
    };
    if training.gate.is_some() {
        columns.push(("refused", named(ROUND_WORDS)));
    }
    columns.push(("absent", named(training.round_words() - training.absent_words())));
    RecordBatch::try_from_iter(columns).ok()
}

/// The names of those whose bits are set.
fn named(owners: &[&PartyName], bits: &[i64]) -> String {
    let bit = |at: usize| bits.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1);
    let names = owners.iter().enumerate().filter(|(at, _)| bit(*at));
    names.map(|(_, name)| name.to_string()).collect::<Vec<_>>().join(" ")
}

/// A row for each round with noise: of whose updates nothing else is known than how many there were.
fn private_rounds(training: &Training, figures: &[i64]) -> Option<RecordBatch> {
    let each = || figures.chunks_exact(training.round_words());
    let round = Int32Array::from_iter_values((1..).take(each().len()));
    let providers = each().map(|round| i32::try_from(round[0]).ok()).collect::<Option<Vec<_>>>()?;
    let spent = |round| training.guarantee(round).map_or(f64::INFINITY, |all| all.epsilon);
    let epsilon = Float64Array::from_iter_values((1..=training.rounds).map(spent));
    let mut columns = vec![
        ("round", Arc::new(round) as ArrayRef),
        ("providers", Arc::new(Int32Array::from(providers))),
        ("epsilon", Arc::new(epsilon)),
    ];
    if training.adaptive().is_some() {
        let real = |at: usize| {
            let of = move |round: &[i64]| f64::from_bits(round[ROUND_WORDS + at].cast_unsigned());
            Arc::new(Float64Array::from_iter_values(each().map(of))) as ArrayRef
        };
        columns.extend([("clip", real(0)), ("within", real(1))]);
    }
    RecordBatch::try_from_iter(columns).ok()
}

/// What a model with noise promises.
fn promised(training: &Training) -> Option<(String, String)> {
    let (of, promise) = (training.privacy.as_ref()?, training.guarantee(training.rounds)?);
    let mut privacy = json!({
        "unit": of.unit,
        "epsilon": promise.epsilon_text(),
        "delta": of.delta,
        "mechanism": "discrete Gaussian noise on every average",
        "noise": of.noise,
        "clip": of.clip,
        "rounds": training.rounds,
    });
    if let Some(adaptive) = training.adaptive() {
        let noise = json!({
            "noise_on_averages": Micro(adaptive.multiplier_micro()),
            "noise_on_counts": of.adaptive.as_ref().map(|of| of.count_noise(training.inputs.len())),
        });
        privacy["adaptive"] = json!({ "asked": of.adaptive, "has": noise });
    }
    Some(("privacy".to_owned(), privacy.to_string()))
}

/// What else is needed to use the model: what its inputs are and how they are scaled, what its outputs mean.
pub(super) fn metadata(
    family: ModelFamily,
    features: &[Feature],
    label: &Feature,
) -> HashMap<String, String> {
    let names: Vec<String> = features.iter().flat_map(Feature::names).collect();
    HashMap::from([
        ("format".to_owned(), "unseen.model/v1".to_owned()),
        ("kind".to_owned(), family.to_string()),
        ("inputs".to_owned(), json!(names).to_string()),
        ("features".to_owned(), json!(features).to_string()),
        ("label".to_owned(), json!(label).to_string()),
    ])
}

impl Model {
    pub(super) fn new(
        tensors: Vec<Tensor>,
        parameters: Vec<f32>,
        metadata: HashMap<String, String>,
    ) -> Self {
        Self { tensors, parameters, metadata }
    }

    /// All parameters, tensor by tensor. Of a network, layer by layer: weights, an input's after another, then biases.
    #[must_use]
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// What its inputs are made of, and what it was taught.
    #[must_use]
    pub fn described(&self) -> Option<(Vec<Feature>, Feature)> {
        let features = serde_json::from_str(self.metadata.get("features")?).ok()?;
        Some((features, serde_json::from_str(self.metadata.get("label")?).ok()?))
    }

    /// The model as a safetensors file, single precision: of a network `layers.N.weight` of inputs × outputs and `layers.N.bias`.
    ///
    /// The format is the length of a JSON header (8 bytes, little-endian), the header, which says where each tensor lies, and the
    /// tensors: <https://github.com/huggingface/safetensors#format>. Only whole files of one type of number are written here.
    #[must_use]
    pub fn safetensors(&self) -> Vec<u8> {
        let mut header = Map::from_iter([("__metadata__".to_owned(), json!(self.metadata))]);
        let mut at = 0;
        for Tensor { name, shape } in &self.tensors {
            let end = at + 4 * shape.iter().product::<usize>();
            let tensor = json!({ "dtype": "F32", "shape": shape, "data_offsets": [at, end] });
            header.insert(name.clone(), tensor);
            at = end;
        }
        let mut header = Value::Object(header).to_string();
        // The tensors begin at a multiple of 8.
        header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend_from_slice(header.as_bytes());
        file.extend(self.parameters.iter().flat_map(|x| x.to_le_bytes()));
        file
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::job::{AveragingSpec, ModelSpec, PrivacySpec, RingSpec, StrategySpec};

    pub(in crate::executor) fn training() -> Training {
        Training {
            inputs: vec![0, 1],
            features: vec![
                Feature::Number { name: "age".into(), min: 0, max: 100, digits: 0 },
                Feature::OneOf { name: "sex".into(), domain: vec!["f".into(), "m".into()] },
            ],
            label: Feature::Flag { name: "rich".into() },
            model: ModelSpec::Logistic,
            strategy: StrategySpec::default(),
            averaging: AveragingSpec::default(),
            rounds: 2,
            epochs: 1,
            batch: 8,
            rate: Micro(100_000),
            proximal: Micro(0),
            largest_update: Micro(8_000_000),
            ring: RingSpec::Wide,
            least: 2,
            round_seconds: 60,
            gate: None,
            privacy: None,
            metrics: None,
            valuation: None,
            resumes: None,
        }
    }

    #[test]
    fn a_model_with_noise_says_what_it_promises_and_nothing_of_rows() {
        let privacy = r#"{"unit": "client", "clip": 1, "noise": 1}"#;
        let privacy = serde_json::from_str(privacy).unwrap();
        let training = Training { privacy: Some(privacy), rounds: 1, ..training() };
        let words = vec![0, 0, 0, 0, 2, 0, 0, 0];
        let (model, rounds) = trained(&training, &[], &opened(words)).unwrap();
        let promise: Value = serde_json::from_str(&model.metadata["privacy"]).unwrap();
        assert_eq!((&promise["epsilon"], &promise["delta"]), (&json!("4.378"), &json!("0.00001")));
        assert_eq!((&promise["unit"], &promise["noise"]), (&json!("client"), &json!("1")));
        let names: Vec<_> = rounds.schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, ["round", "providers", "epsilon"]);
        let epsilon = rounds["epsilon"].as_primitive::<datafusion::arrow::datatypes::Float64Type>();
        assert!((epsilon.value(0) - 4.377_178_096).abs() < 1e-8);
    }

    #[test]
    fn a_clip_that_follows_updates_is_told_round_by_round() {
        let privacy =
            r#"{"unit": "client", "clip": 1, "noise": 1, "adaptive": {"count_noise": 1}}"#;
        let privacy = serde_json::from_str(privacy).unwrap();
        let training = Training { privacy: Some(privacy), ..training() };
        let real = |x: f64| x.to_bits().cast_signed();
        let mut words = vec![0, 0, 0, 0];
        words.extend([2, 0, 0, 0, real(1.0), real(0.75), 2, 0, 0, 0, real(0.5), real(-0.25)]);
        let (model, rounds) = trained(&training, &[], &opened(words.clone())).unwrap();
        let names: Vec<_> = rounds.schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, ["round", "providers", "epsilon", "clip", "within"]);
        let column = |name: &str| {
            rounds[name]
                .as_primitive::<datafusion::arrow::datatypes::Float64Type>()
                .values()
                .to_vec()
        };
        assert_eq!((column("clip"), column("within")), (vec![1.0, 0.5], vec![0.75, -0.25]));
        let promise: Value = serde_json::from_str(&model.metadata["privacy"]).unwrap();
        let has = json!({ "noise_on_averages": "1.154701", "noise_on_counts": "1" });
        assert_eq!(promise["adaptive"]["has"], has);
        // It costs what the noise alone does.
        let alone = training.privacy.clone().map(|of| PrivacySpec { adaptive: None, ..of });
        let alone = Training { privacy: alone, ..training.clone() };
        assert_eq!(training.guarantee(2), alone.guarantee(2));
        words.pop();
        assert!(trained(&training, &[], &opened(words)).is_none());
    }

    fn opened(words: Vec<i64>) -> RecordBatch {
        let words = Arc::new(Int64Array::from(words)) as ArrayRef;
        RecordBatch::try_from_iter([("word", words)]).unwrap()
    }

    #[test]
    fn a_model_is_written_as_others_read_it() {
        let parameters = [0.5_f32, -1.0, 2.0, 0.25];
        let mut words: Vec<i64> = parameters.iter().map(|x| x.to_bits().into()).collect();
        let loss = |sum: f64| sum.to_bits().cast_signed();
        words.extend([2, 100, loss(50.0), 75, 0, 1, 100, loss(2.5e15), 80, 0b10]);
        let owners: Vec<PartyName> = ["north", "south"].map(|name| name.parse().unwrap()).into();
        let owners: Vec<_> = owners.iter().collect();
        let (model, rounds) = trained(&training(), &owners, &opened(words.clone())).unwrap();
        assert_eq!(model.parameters(), parameters);
        let file = model.safetensors();
        let (length, rest) = file.split_first_chunk().unwrap();
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap();
        assert!(length.is_multiple_of(8));
        let (header, tensors) = rest.split_at(length);
        let header: Value = serde_json::from_slice(header).unwrap();
        let bias = &header["layers.0.bias"];
        assert_eq!(*bias, json!({ "dtype": "F32", "shape": [1], "data_offsets": [12, 16] }));
        assert_eq!(header["layers.0.weight"]["shape"], json!([3, 1]));
        assert_eq!(tensors[12..], 0.25_f32.to_le_bytes());
        let inputs = header["__metadata__"]["inputs"].as_str().unwrap();
        assert_eq!(inputs, r#"["age","sex = f","sex = m"]"#);
        assert_eq!(rounds.num_rows(), 2);
        let loss = rounds["loss"].as_primitive::<datafusion::arrow::datatypes::Float64Type>();
        assert!((loss.value(0) - 0.5).abs() < 1e-9 && (loss.value(1) - 2.5e13).abs() < 1e-2);
        let two = |rounds: &RecordBatch, name: &str| {
            [0, 1].map(|round| rounds[name].as_string::<i32>().value(round).to_owned())
        };
        assert_eq!(two(&rounds, "absent"), ["", "south"]);
        // With a gate, whose updates were refused in a round, too.
        let gate = serde_json::from_str(r#"{"kind": "norm", "largest_norm": 1}"#).unwrap();
        let gated = Training { gate: Some(gate), ..training() };
        let mut longer = words.clone();
        longer.insert(8, 0b10);
        longer.insert(14, 0b1);
        let (_, rounds) = trained(&gated, &owners, &opened(longer)).unwrap();
        assert_eq!(two(&rounds, "refused"), ["south", "north"]);
        assert_eq!(two(&rounds, "absent"), ["", "south"]);
        assert!(trained(&gated, &owners, &opened(words.clone())).is_none());
        words.pop();
        assert!(trained(&training(), &[], &opened(words)).is_none());
        assert!(trained(&training(), &[], &opened(vec![-1; 14])).is_none(), "no bits of a number");
    }
}
