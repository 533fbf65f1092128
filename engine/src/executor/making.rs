//! Making a publication's table: the rows that are in it, and invented ones.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom},
};

use protocols::{
    prg::Prg,
    psi::lookup::{EpochKey, Header, PublishError, Publisher as Maker, Terms},
    ring::Z128,
};

use super::{
    difference::Difference,
    entries::Entries,
    publications::{Publisher, fault},
};
use crate::{
    identity::Hash32,
    job::{Failure, Reason, is_full},
};

/// Invented rows that are made at a time.
const INVENTED: usize = 4096;

/// How often two tags may fall together, which happens with probability 2^-40, before something else is wrong.
const ATTEMPTS: usize = 3;

/// What goes into a new publication.
pub(super) struct New<'a> {
    pub(super) entries: &'a Entries<'a>,
    pub(super) salt: Hash32,
    pub(super) terms: Terms,
    /// For a change, what it changes; a whole table has all entries.
    pub(super) change: Option<Difference>,
    pub(super) rng: Prg,
}

impl New<'_> {
    /// Writes the table into a file from `front` on.
    pub(super) fn written(
        &mut self,
        publisher: Publisher<'_>,
        file: &mut File,
        front: u64,
    ) -> Result<(Header, EpochKey), Failure> {
        let failed = |error: PublishError| {
            let full = matches!(error, PublishError::Storage(kind) if is_full(kind));
            let reason = if full { Reason::DiskFull } else { Reason::Internal };
            fault(publisher, reason, error.to_string())
        };
        for attempt in 1.. {
            // An attempt that failed leaves nothing.
            let empty = file.set_len(front).and_then(|()| file.seek(SeekFrom::Start(front)));
            empty.map_err(|error| failed(error.into()))?;
            let mut scratch = self.entries.scratch()?;
            let maker = Maker::new(self.terms, &mut scratch, &mut self.rng).map_err(failed)?;
            match self.fill(maker, failed)?.finish(file) {
                Err(PublishError::Unlucky) if attempt < ATTEMPTS => {}
                made => return made.map_err(failed),
            }
        }
        Err(failed(PublishError::Unlucky))
    }

    /// Brings all rows. How many there are is nobody's business: invented ones fill the table up.
    fn fill<'s>(
        &mut self,
        mut maker: Maker<'s>,
        failed: impl Fn(PublishError) -> Failure,
    ) -> Result<Maker<'s>, Failure> {
        let Terms { rows, label_bytes, .. } = self.terms;
        let Self { entries, salt, change, .. } = self;
        let count = change.as_ref().map_or_else(|| entries.count(), Difference::count);
        match change {
            None => entries
                .each(&salt.0, &mut |items, labels| maker.push(items, labels).map_err(&failed))?,
            Some(change) => {
                let (mut number, width) = (0, entries.label_bytes());
                entries.each(&salt.0, &mut |items, labels| {
                    let (mut some, mut theirs) = (Vec::new(), Vec::new());
                    for (at, item) in items.iter().enumerate() {
                        if change.has(number) {
                            some.push(*item);
                            theirs.extend_from_slice(&labels[at * width..(at + 1) * width]);
                        }
                        number += 1;
                    }
                    maker.push(&some, &theirs).map_err(&failed)
                })?;
                change.gone(entries, INVENTED, |ids| maker.withdraw(ids).map_err(&failed))?;
            }
        }
        let mut left = usize::try_from(rows.saturating_sub(count)).unwrap_or(0);
        while left > 0 {
            let invented = self.rng.elements::<Z128>(left.min(INVENTED));
            let labels = vec![0; invented.len() * label_bytes as usize];
            maker.push(&invented, &labels).map_err(&failed)?;
            left -= invented.len();
        }
        Ok(maker)
    }
}
