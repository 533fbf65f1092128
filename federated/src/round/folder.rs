//! Where a training stands, on disk.
//!
//! Two files: `state`, after the rounds that are over, and `closed`, the round that was closed last.

use std::{io, path::Path};

use super::{
    course::{Course, RoundReport, State},
    keeper::{Closed, Keeper, Standing},
    set::Set,
    worth::{Totals, Weighing},
};
use crate::{
    average::Trailer,
    disk::DiskError,
    shelf::{CLOSED, GROWN, Reader, STATE, Shelf, WEIGHTS, Writer, broken},
    strategy::Optimizer,
};

/// A folder that keeps one training.
///
/// # Security
/// What is kept is the model as the compute parties know it, and this party's share of one sum; where updates are weighed, its shares
/// of those in the sum and of what they were worth so far, too. Only this user may read it.
#[derive(Debug)]
pub struct Folder(Shelf);

impl Folder {
    /// The folder, made if it is not there. `training` is a hash of all that must be the same for a training to go on.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::WouldBlock`] while another run has it; [`io::ErrorKind::InvalidData`] if trees or weights of joined rows are kept in it.
    pub fn open(path: &Path, training: [u8; 32]) -> io::Result<Self> {
        let shelf = Shelf::open(path, training)?;
        shelf.without(&[GROWN, WEIGHTS])?;
        Ok(Self(shelf))
    }

    /// Where the training stands here; before the first round, of this state, if nothing is kept.
    ///
    /// # Errors
    /// A file that cannot be read, is not whole, or is of another training.
    pub fn standing(&self, course: &Course, start: State) -> io::Result<Standing> {
        self.standing_of(course, start, course.summed())
    }

    /// The same at the one party that adds up masked updates, which keeps no sum of the round that was closed last.
    ///
    /// # Errors
    /// See [`Self::standing`].
    pub fn standing_masked(&self, course: &Course, start: State) -> io::Result<Standing> {
        let standing = self.standing_of(course, start, 0)?;
        let (over, closed) = (standing.state.rounds, standing.closed.as_ref());
        if closed.is_some_and(|closed| closed.round > over || !closed.is_of(course)) {
            return Err(broken("it is of rounds or providers that the training does not have"));
        }
        Ok(standing)
    }

    /// With so many words in the sum of the round that was closed.
    fn standing_of(&self, course: &Course, start: State, words: usize) -> io::Result<Standing> {
        let mut standing = Standing::new(start);
        if let Some(mut file) = self.0.read(STATE)? {
            (standing.state, standing.reports) = state_from(&mut file, course)?;
            standing.totals = maybe(&mut file, |file| Totals::read(file, course))?;
            file.end()?;
        }
        if let Some(mut file) = self.0.read(CLOSED)? {
            let closed = closed_from(&mut file, course)?;
            file.end()?;
            let fits = closed.sum.len() == words;
            if !fits || closed.providers.0.len() != course.set_words() {
                return Err(broken("it is of another model, or of other providers"));
            }
            standing.closed = Some(closed);
        }
        Ok(standing)
    }

    /// Forgets the training.
    ///
    /// # Errors
    /// The system's.
    pub fn remove(self) -> io::Result<()> {
        self.0.remove()
    }
}

impl Keeper for Folder {
    fn closed(&mut self, closed: &Closed) -> Result<(), DiskError> {
        let put = |out: &mut Writer| {
            out.word(closed.round.into())?;
            out.words(&closed.providers.0)?;
            out.numbers(&closed.refused)?;
            out.words(&closed.sum)?;
            out.word(closed.weighing.is_some().into())?;
            closed.weighing.as_ref().map_or(Ok(()), |weighing| weighing.write(out))
        };
        self.0.write(CLOSED, put).map(drop).map_err(|error| self.0.failed(&error))
    }

    fn reopened(&mut self) -> Result<(), DiskError> {
        self.0.remove_file(CLOSED).map_err(|error| self.0.failed(&error))
    }

    fn opened(
        &mut self,
        state: &State,
        reports: &[RoundReport],
        totals: Option<&Totals>,
    ) -> Result<(), DiskError> {
        let put = |out: &mut Writer| {
            out.word(state.rounds.into())?;
            out.floats(&state.model)?;
            state.optimizer.memory().iter().try_for_each(|part| out.floats(part))?;
            state.clip.map_or(Ok(()), |clip| out.floats(&[clip]))?;
            out.word(reports.len() as u64)?;
            reports.iter().try_for_each(|report| report_to(out, report))?;
            out.word(totals.is_some().into())?;
            totals.map_or(Ok(()), |totals| totals.write(out))
        };
        self.0.write(STATE, put).map(drop).map_err(|error| self.0.failed(&error))
    }
}

fn report_to(out: &mut Writer, report: &RoundReport) -> io::Result<()> {
    out.word(report.round.into())?;
    out.numbers(&report.providers)?;
    out.numbers(&report.refused)?;
    let Trailer { weight, loss, correct, updates, squared_norm } = report.trailer;
    [weight, loss.to_bits(), correct, updates, squared_norm.to_bits()]
        .iter()
        .try_for_each(|word| out.word(*word))?;
    // Nothing where nothing is counted.
    report.told.iter().try_for_each(|word| out.word(*word))
}

fn report_from(file: &mut Reader, course: &Course) -> io::Result<RoundReport> {
    let round = file.small()?;
    let (providers, refused) = (file.numbers()?, file.numbers()?);
    let mut words = [0; 5];
    for word in &mut words {
        *word = file.word()?;
    }
    let [weight, loss, correct, updates, squared_norm] = words;
    let (loss, squared_norm) = (f64::from_bits(loss), f64::from_bits(squared_norm));
    let trailer = Trailer { weight, loss, correct, updates, squared_norm };
    let told = (0..course.told()).map(|_| file.word()).collect::<io::Result<_>>()?;
    Ok(RoundReport { round, providers, refused, trailer, told })
}

fn state_from(file: &mut Reader, course: &Course) -> io::Result<(State, Vec<RoundReport>)> {
    let rounds = file.small()?;
    let (model, memory) = (file.floats()?, [file.floats()?, file.floats()?]);
    // Before the first round it is where the course begins.
    let follows = course.adaptive().filter(|_| rounds > 0);
    let clip = follows.map(|_| file.floats()).transpose()?;
    let clip = clip.map(|clip| clip.first().copied().ok_or_else(|| broken("it has no clip")));
    let clip = clip.transpose()?;
    let reports: Vec<_> =
        (0..file.length()?).map(|_| report_from(file, course)).collect::<io::Result<_>>()?;
    if model.len() != course.parameters || reports.len() != rounds as usize {
        return Err(broken("it is of another model"));
    }
    let optimizer = Optimizer::resume(course.rule, memory);
    Ok((State { rounds, model, optimizer, clip }, reports))
}

fn closed_from(file: &mut Reader, course: &Course) -> io::Result<Closed> {
    Ok(Closed {
        round: file.small()?,
        providers: Set(file.words()?),
        refused: file.numbers()?,
        sum: file.words()?,
        weighing: maybe(file, |file| Weighing::read(file, course))?,
    })
}

/// What is there if a word says so.
fn maybe<T>(
    file: &mut Reader,
    read: impl FnOnce(&mut Reader) -> io::Result<T>,
) -> io::Result<Option<T>> {
    if file.word()? == 0 { Ok(None) } else { read(file).map(Some) }
}
