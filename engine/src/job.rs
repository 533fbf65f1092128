//! Jobs: what is asked for, the states it goes through, and how it can end.

mod admission;
mod delta;
mod failure;
mod gate;
mod id;
mod micro;
mod noise;
mod plugin;
mod privacy;
mod psi;
mod reason;
mod score;
mod spec;
mod state;
mod strategy;
mod train;
mod trees;
mod vertical;

pub use admission::admit;
pub use delta::Delta;
pub use failure::{Failure, Stage};
pub use gate::{GateKind, GateSpec};
pub use id::{BadJobId, JobId};
pub use micro::Micro;
pub use noise::PsiNoise;
pub use plugin::{PluginSpec, TensorSpec};
pub use privacy::{PrivacySpec, PrivacyUnit};
pub use psi::{PsiForm, PsiFormName, PsiProtocol, PsiSet, PsiSpec, TextRule};
pub use reason::{Audience, Code, Reason};
pub use score::{ScoreSpec, WeightsSpec};
pub use spec::{JobKind, JobSpec, NetworkProfile, SPEC_DOMAIN, Security, SpecError};
pub use state::{Illegal, JobEvent, JobState};
pub use train::{ModelFamily, ModelSpec, StrategySpec, TrainSpec};
pub use trees::TreesSpec;
pub use vertical::{CurveSpec, VerticalSpec};
