//! The order in which the result's columns are sealed, opened and decoded.

use super::{output::Output, refs::Ref};

impl Output {
    /// `live` first, then for each result column its value, its `present` bit and its divisor, as far as it has them.
    #[must_use]
    pub fn layout(&self) -> Vec<Ref> {
        let mut refs = vec![self.live];
        for column in &self.columns {
            refs.push(column.value);
            refs.extend(column.present);
            refs.extend(column.divisor);
        }
        refs
    }

    /// The same, to be replaced.
    pub(crate) fn layout_mut(&mut self) -> Vec<&mut Ref> {
        let mut refs = vec![&mut self.live];
        for column in &mut self.columns {
            refs.push(&mut column.value);
            refs.extend(&mut column.present);
            refs.extend(&mut column.divisor);
        }
        refs
    }
}
