//! What weighing a round takes, on disk: until all three have kept what came of it.
//!
//! ```text
//! closed: shares of the updates, the model, the totals before ─▶ opened, weighed ─▶ totals after on disk ─▶ next round closed
//!         a crash between: the same sum is opened again, and all three weigh the round anew
//! ```
//!
//! Totals are shares: those of three parties are worth something only if they are of one run. Who closes a round has heard in it
//! from both others, and so they have kept the totals of this run. As long as nobody has closed the next round the last one is
//! weighed again by all three, from what they have kept of it, whoever has come further.
//!
//! # Security
//! What is on disk is what this party had in memory: its own shares of updates, two seeds or a seed and words each. They are gone
//! with the next round that is closed, and when the last one is over before anything of the totals is said.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
};

use protocols::{
    ring::{Buf, Z64},
    share::Shared,
};
use zeroize::Zeroizing;

use crate::{
    average::Share,
    round::{
        course::Course,
        landing::{Both, Landed, Part},
        message::PIECE_WORDS,
    },
    shelf::{Reader, Writer, broken},
};

/// Words of a digest.
const DIGEST_WORDS: usize = 4;
/// How a share stands in the file: its words follow, or a seed whose stream is added or subtracted.
const WORDS: u64 = 0;
const PLUS: u64 = 1;
const MINUS: u64 = 2;

/// What updates were worth so far: this party's shares.
#[derive(Clone)]
pub struct Totals {
    /// The validation rows that they are by.
    pub(super) rows: [u8; 32],
    /// A word a fold and provider, those of the first fold first.
    pub(super) shares: Shared<Z64>,
}

/// What it takes to weigh a round that is closed.
#[derive(Debug)]
pub(in crate::round) struct Weighing {
    /// The model before it.
    pub(super) model: Vec<f32>,
    /// What was worth what before it.
    pub(super) totals: Totals,
    /// Shares of the updates that are in it.
    pub(super) landed: BTreeMap<usize, Landed>,
}

/// Shares do not print.
impl std::fmt::Debug for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Totals × {}", self.shares.len())
    }
}

impl Totals {
    pub(in crate::round) fn write(&self, out: &mut Writer) -> io::Result<()> {
        let (digest, _) = self.rows.as_chunks();
        let digest: Vec<u64> = digest.iter().map(|word| u64::from_le_bytes(*word)).collect();
        out.words(&digest)?;
        out.words(self.shares.own())?;
        out.words(self.shares.next())
    }

    pub(in crate::round) fn read(file: &mut Reader, course: &Course) -> io::Result<Self> {
        let mut rows = [0; 8 * DIGEST_WORDS];
        let digest = file.words()?;
        for (bytes, word) in rows.as_chunks_mut().0.iter_mut().zip(&digest) {
            *bytes = word.to_le_bytes();
        }
        let [own, next] = [file.words()?, file.words()?];
        let want = super::terms::FOLDS * course.providers.len();
        if digest.len() != DIGEST_WORDS || own.len() != want || next.len() != want {
            return Err(broken("what updates were worth is of other providers"));
        }
        let buf = |words: Vec<u64>| words.into_iter().collect::<Buf<u64>>();
        Ok(Self { rows, shares: Shared::from_parts(buf(own), buf(next)) })
    }
}

impl Weighing {
    pub(in crate::round) fn write(&self, out: &mut Writer) -> io::Result<()> {
        out.floats(&self.model)?;
        self.totals.write(out)?;
        let updates = || {
            self.landed.iter().filter_map(|(number, landed)| match landed {
                Landed::Both(both) => Some((*number, both)),
                Landed::One(_) | Landed::Declined => None,
            })
        };
        out.word(updates().count() as u64)?;
        for (number, both) in updates() {
            out.word(number as u64)?;
            write_part(out, &both.own)?;
            write_part(out, &both.next)?;
        }
        Ok(())
    }

    pub(in crate::round) fn read(file: &mut Reader, course: &Course) -> io::Result<Self> {
        let (model, totals) = (file.floats()?, Totals::read(file, course)?);
        let mut landed = BTreeMap::new();
        for _ in 0..file.length()? {
            let number = file.small()? as usize;
            let [own, next] = [read_part(file, course)?, read_part(file, course)?];
            landed.insert(number, Landed::Both(Box::new(Both::new(own, next)?)));
        }
        match model.len() == course.parameters {
            true => Ok(Self { model, totals, landed }),
            false => Err(broken("it is of another model")),
        }
    }
}

fn write_part(out: &mut Writer, part: &Part) -> io::Result<()> {
    match part {
        Part::Share(Share::Plus(seed)) => write_seed(out, PLUS, seed),
        Part::Share(Share::Minus(seed)) => write_seed(out, MINUS, seed),
        Part::Share(Share::Words(_)) | Part::Spooled(_) => {
            let words = part.words()?;
            out.word(WORDS)?;
            out.word(words as u64)?;
            let mut piece = vec![0; PIECE_WORDS.min(words)];
            for from in (0..words).step_by(PIECE_WORDS) {
                let piece = &mut piece[..PIECE_WORDS.min(words - from)];
                part.read(from, piece)?;
                out.piece(piece)?;
            }
            Ok(())
        }
    }
}

fn write_seed(out: &mut Writer, how: u64, seed: &[u8; 16]) -> io::Result<()> {
    out.word(how)?;
    crate::round::message::seed_words(seed).iter().try_for_each(|word| out.word(*word))
}

fn read_part(file: &mut Reader, course: &Course) -> io::Result<Part> {
    let how = file.word()?;
    if how != WORDS {
        let seed: Zeroizing<[u8; 16]> =
            crate::round::message::seed_of([file.word()?, file.word()?]);
        return match how {
            PLUS => Ok(Part::Share(Share::Plus(seed))),
            MINUS => Ok(Part::Share(Share::Minus(seed))),
            _ => Err(broken("a share is none")),
        };
    }
    let words = usize::try_from(file.length()?).unwrap_or(usize::MAX);
    if words != course.words() {
        return Err(broken("an update is of another model"));
    }
    // Where it was while it was waited for: in memory, or in a file without a name.
    let mut piece = vec![0; PIECE_WORDS.min(words)];
    let mut spooled = (words > Part::MEMORY_WORDS).then(tempfile::tempfile).transpose()?;
    let mut kept = Vec::new();
    for from in (0..words).step_by(PIECE_WORDS) {
        let piece = &mut piece[..PIECE_WORDS.min(words - from)];
        file.fill(piece)?;
        match &mut spooled {
            Some(spooled) => {
                let bytes: Vec<u8> = piece.iter().flat_map(|word| word.to_le_bytes()).collect();
                spooled.write_all(&bytes)?;
            }
            None => kept.extend_from_slice(piece),
        }
    }
    Ok(spooled.map_or(Part::Share(Share::Words(kept)), Part::Spooled))
}
