//! What one party keeps of a training on joined rows: its shares of the weights after the last passes, in a file.

use std::{io, path::Path};

use protocols::{
    ring::{Buf, Z64},
    share::Shared,
};
use zeroize::Zeroizing;

use super::{
    setting::Setting,
    standing::{KEPT, Standing},
};
use crate::{
    disk::DiskError,
    shelf::{CLOSED, GROWN, Reader, STATE, Shelf, WEIGHTS, Writer, broken},
};

/// How many times a training is kept, about: so that many short passes are not spent on writing.
const TIMES: usize = 64;

/// A folder that keeps one training.
///
/// # Security
/// What is kept are this party's shares, and only this user may read them: with those of another party they are the weights.
#[derive(Debug)]
pub struct Record {
    shelf: Shelf,
    /// The last ones, in order.
    kept: Vec<Standing>,
    every: usize,
    last: usize,
}

impl Record {
    /// The folder, made if it is not there, and what it has of this training; nothing, if the training does not go on. `training` is a
    /// hash of all that must be the same for it to go on.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::WouldBlock`] while another run has it; [`io::ErrorKind::InvalidData`] if what is kept there is of
    /// another training, or was touched: it stays as it is.
    pub fn open(
        (path, training): (&Path, [u8; 32]),
        setting: &Setting,
        resumed: bool,
    ) -> io::Result<Self> {
        let shelf = Shelf::open(path, training)?;
        shelf.without(&[STATE, CLOSED, GROWN])?;
        let kept = if resumed {
            shelf.read(WEIGHTS)?.map_or(Ok(Vec::new()), |file| kept_in(file, setting))?
        } else {
            // Of an earlier attempt.
            shelf.remove_file(WEIGHTS)?;
            Vec::new()
        };
        let last = setting.descent().epochs;
        Ok(Self { shelf, kept, every: last.div_ceil(TIMES), last })
    }

    pub(super) fn kept(&mut self) -> &mut Vec<Standing> {
        &mut self.kept
    }

    /// Keeps where the training stands, if it is due after so many passes: all parties keep the same ones. It is there after the power
    /// fails.
    pub(super) fn reached(&mut self, standing: &Standing) -> Result<(), DiskError> {
        let passes = standing.passes;
        if !passes.is_multiple_of(self.every) && passes != self.last {
            return Ok(());
        }
        self.kept.push(standing.clone());
        let surplus = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..surplus);
        let put = |out: &mut Writer| {
            out.word(self.kept.len() as u64)?;
            self.kept.iter().try_for_each(|standing| write(out, standing))
        };
        let done = self.shelf.write(WEIGHTS, put);
        done.map(drop).map_err(|error| self.shelf.failed(&error))
    }
}

fn write(out: &mut Writer, of: &Standing) -> io::Result<()> {
    [of.passes as u64, of.mark[0], of.mark[1]].into_iter().try_for_each(|word| out.word(word))?;
    out.words(of.weights.own())?;
    out.words(of.weights.next())
}

fn kept_in(mut file: Reader, setting: &Setting) -> io::Result<Vec<Standing>> {
    let count = file.length()?;
    if count > KEPT as u64 {
        return Err(broken("it has more than is ever kept"));
    }
    let kept: Vec<Standing> =
        (0..count).map(|_| read(&mut file, setting)).collect::<io::Result<_>>()?;
    file.end()?;
    if kept.iter().any(|of| !(1..=setting.descent().epochs).contains(&of.passes)) {
        return Err(broken("it is of passes that the training does not have"));
    }
    Ok(kept)
}

fn read(file: &mut Reader, setting: &Setting) -> io::Result<Standing> {
    let passes = file.small()? as usize;
    let mark = [file.word()?, file.word()?];
    let mut half = || -> io::Result<Buf<u64>> {
        let words = Zeroizing::new(file.words()?);
        if words.len() == setting.len() {
            Ok(Buf::copy_of(&words))
        } else {
            Err(broken("it is of another model"))
        }
    };
    Ok(Standing { passes, mark, weights: Shared::<Z64>::from_parts(half()?, half()?) })
}
