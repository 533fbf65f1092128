//! What is intersected with what: sizes, shapes and places, all public.

use super::fields::{Field, blocks, lay_out, width};
use crate::{
    mpc::Shape,
    okvs,
    party::Role,
    psi::{cuckoo, opprf, parameters::ParametersError},
};

/// Statistical security against a bin that matches by chance.
const SECURITY_BITS: u32 = 40;
/// The widest field.
const WIDEST: usize = 64;

/// One of the two providers: where it sits, and what is public of its set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its place among the compute parties.
    pub role: Role,
    /// A bound on its elements. It may have fewer, and nobody learns how many.
    pub items: usize,
    /// Shapes of the columns that come with its elements: Z64, or bits of up to 64.
    pub columns: Vec<Shape>,
}

/// An intersection of two providers' sets: all that is public about it.
#[derive(Clone, Debug)]
pub struct Task {
    receiver: Provider,
    sender: Provider,
    table: cuckoo::Params,
    /// The tag's fields, then the sender's columns.
    fields: Vec<Field>,
    tag_width: usize,
    function: opprf::Size,
}

/// Why two sets cannot be intersected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// A party is to intersect with itself.
    #[error("{0} is named as both providers; an intersection is between two")]
    OneProvider(Role),
    /// A column that cannot come along.
    #[error("a column of shape {0:?} cannot come along; give Z64, or bits of 1 to 64")]
    Column(Shape),
    /// The receiver's set is too large, or there are too many of them.
    #[error(transparent)]
    Table(#[from] cuckoo::ParamsError),
    /// The sender's set is too large, or there are too many of them.
    #[error(transparent)]
    Function(#[from] okvs::ParamsError),
    /// The sets cannot be split so.
    #[error(transparent)]
    Buckets(#[from] ParametersError),
}

impl Task {
    /// An intersection, one of `instances` of a run that share the failure probability.
    ///
    /// # Errors
    /// [`TaskError`].
    pub fn new(receiver: Provider, sender: Provider, instances: u64) -> Result<Self, TaskError> {
        Self::repeated(receiver, sender, instances, 0)
    }

    /// The same of a run in which so many instances more may be begun and dropped: that their tables and stores fail by chance counts,
    /// what matches in them does not.
    pub(super) fn repeated(
        receiver: Provider,
        sender: Provider,
        instances: u64,
        repeats: u64,
    ) -> Result<Self, TaskError> {
        let begun = instances.saturating_add(repeats);
        if receiver.role == sender.role {
            return Err(TaskError::OneProvider(receiver.role));
        }
        let columns = receiver.columns.iter().chain(&sender.columns);
        if let Some(shape) = columns.into_iter().find(|shape| width(**shape).is_none()) {
            return Err(TaskError::Column(*shape));
        }
        let table = cuckoo::Params::new(receiver.items, begun)?;
        let tag_width = tag_width(table.bins(), instances);
        let tags = (0..tag_width).step_by(WIDEST).map(|from| (tag_width - from).min(WIDEST));
        let shapes: Vec<_> = tags.map(Shape::Bits).chain(sender.columns.iter().copied()).collect();
        let fields = lay_out(&shapes);
        let size = opprf::Size {
            queries: receiver.items,
            points: 3 * sender.items,
            columns: blocks(&fields),
            instances: begun,
        };
        Ok(Self { function: size.checked()?, receiver, sender, table, fields, tag_width })
    }

    /// Who hashes its set into the bins, and so knows which of its elements stands in which.
    #[must_use]
    pub fn receiver(&self) -> &Provider {
        &self.receiver
    }

    /// The other provider.
    #[must_use]
    pub fn sender(&self) -> &Provider {
        &self.sender
    }

    /// The compute party that has no set here.
    #[must_use]
    pub fn helper(&self) -> Role {
        let taken = [self.receiver.role, self.sender.role];
        Role::ALL.into_iter().find(|role| !taken.contains(role)).unwrap_or(Role::P0)
    }

    /// Rows of what comes out.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.table.bins()
    }

    /// Bits that are compared in each bin.
    #[must_use]
    pub fn tag_width(&self) -> usize {
        self.tag_width
    }

    /// −log2 of the bound on the probability that the receiver's set of any instance does not fit its bins.
    #[must_use]
    pub fn failure_bits(&self) -> f64 {
        self.table.failure_bits()
    }

    pub(super) fn table(&self) -> &cuckoo::Params {
        &self.table
    }

    pub(in crate::psi) fn function(&self) -> &opprf::Size {
        &self.function
    }

    /// Whether there is anything to compare.
    pub(super) fn is_empty(&self) -> bool {
        self.receiver.items == 0 || self.sender.items == 0
    }

    /// The tag's fields, then the sender's columns.
    pub(super) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// How many of the fields are the tag's.
    pub(super) fn tags(&self) -> usize {
        self.fields.len() - self.sender.columns.len()
    }
}

/// Bits of a tag: two random ones are equal in no bin of any instance but with probability 2^-40.
fn tag_width(bins: usize, instances: u64) -> usize {
    let tags = (bins as u128).saturating_mul(u128::from(instances)).max(1);
    (SECURITY_BITS + tags.next_power_of_two().trailing_zeros()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(role: Role, items: usize, columns: &[Shape]) -> Provider {
        Provider { role, items, columns: columns.to_vec() }
    }

    #[test]
    fn a_tag_of_a_million_has_61_bits_and_one_of_a_billion_spans_two_fields() {
        let n = 1 << 20;
        let [one, other] = [Role::P0, Role::P2].map(|role| provider(role, n, &[Shape::Z64]));
        let task = Task::new(one.clone(), other.clone(), 1).unwrap();
        assert_eq!((task.tag_width(), task.tags(), task.function().columns), (61, 1, 1));
        assert_eq!(task.helper(), Role::P1);
        let task = Task::new(one, other, 1000).unwrap();
        assert_eq!((task.tag_width(), task.tags(), task.function().columns), (71, 2, 2));
    }

    #[test]
    fn what_cannot_be_intersected_is_refused() {
        let set = |role, shape| provider(role, 10, &[shape]);
        let new = |a, b| Task::new(a, b, 1).unwrap_err();
        let same = new(set(Role::P1, Shape::Z64), set(Role::P1, Shape::Z64));
        assert_eq!(same, TaskError::OneProvider(Role::P1));
        let wide = new(set(Role::P1, Shape::Z64), set(Role::P0, Shape::Bits(65)));
        assert_eq!(wide, TaskError::Column(Shape::Bits(65)));
        let many = Task::new(set(Role::P1, Shape::Z64), set(Role::P0, Shape::Z64), 1 << 60);
        assert!(matches!(many, Err(TaskError::Table(_))));
    }
}
