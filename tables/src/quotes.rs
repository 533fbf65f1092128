//! Quotes of a CSV file, watched as it is read: one that is never closed makes one cell of all that follows, and rows are gone
//! without a word.

use std::{fmt, io};

const QUOTE: u8 = b'"';
/// What an open quote is told by, up to its line.
const OPEN: &str = "the quote that opens on line ";

/// A file's bytes as they are; where they end within quotes, an error names the line on which those open.
#[derive(Debug)]
pub struct Quotes<R> {
    inner: R,
    place: Place,
    line: u64,
    /// The line of the quote that was opened last.
    opened: u64,
}

/// Where a byte stands, as the reader of cells behind this has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before a cell: a quote opens it.
    Before,
    /// In a cell without quotes, or behind the quotes of one: a quote is a quote.
    Plain,
    /// Between quotes.
    Between,
    /// Behind a quote that closes a cell, or is the first of two that stand for one.
    Behind,
}

/// A quote that is never closed.
#[derive(Debug)]
struct Open {
    line: u64,
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{OPEN}{} is never closed", self.line)
    }
}

impl std::error::Error for Open {}

impl<R: io::Read> Quotes<R> {
    /// Of a file from its beginning.
    pub const fn new(inner: R) -> Self {
        Self { inner, place: Place::Before, line: 1, opened: 0 }
    }

    fn watch(&mut self, bytes: &[u8]) {
        if let (Some(last), false) = (bytes.last(), bytes.contains(&QUOTE)) {
            // Most bytes of most files: no quote changes where the last one stands.
            self.line += bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
            if self.place != Place::Between {
                self.place = if ends_cell(*last) { Place::Before } else { Place::Plain };
            }
            return;
        }
        for byte in bytes {
            self.place = match (self.place, *byte) {
                (Place::Before, QUOTE) => {
                    self.opened = self.line;
                    Place::Between
                }
                (Place::Between, QUOTE) => Place::Behind,
                (Place::Between, _) | (Place::Behind, QUOTE) => Place::Between,
                (_, byte) if ends_cell(byte) => Place::Before,
                _ => Place::Plain,
            };
            self.line += u64::from(*byte == b'\n');
        }
    }
}

const fn ends_cell(byte: u8) -> bool {
    matches!(byte, b',' | b'\n' | b'\r')
}

impl<R: io::Read> io::Read for Quotes<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.watch(&out[..read]);
        if read == 0 && !out.is_empty() && self.place == Place::Between {
            return Err(io::Error::new(io::ErrorKind::InvalidData, Open { line: self.opened }));
        }
        Ok(read)
    }
}

/// The line of an open quote, where that is what a reader's words say.
pub(super) fn open_line(words: &str) -> Option<u64> {
    let (_, rest) = words.split_once(OPEN)?;
    rest.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    /// Bytes that come a few at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl io::Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(out.len());
            (&mut self.0).take(n as u64).read(out)
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_is_told_by_its_line_and_no_other() {
        for (text, line) in [
            ("a,b\n1,2\n", None),
            ("a,b\n\"x,\ny\",2\n", None),
            ("a,b\n\"he said \"\"no\"\"\",2", None),
            ("a,b\n5\" wide,2\n", None),
            ("a,b\n\"x\"", None),
            ("a,b\n\"x\" y\",\"\"\n", None),
            ("", None),
            ("a,b\n1,\"x\n3,4\n5,6\n", Some(2)),
            ("a,b\r\n\"1\n2\",2\r\n3,\"x\r\n", Some(4)),
            ("\"a,b\n1,2\n", Some(1)),
            ("a,b\n1,\"x\"\"\n3,4\n", Some(2)),
            ("a,b\n1,\"", Some(2)),
        ] {
            for step in [1, 2, 3, 100] {
                let mut file = Quotes::new(Slow(text.as_bytes(), step));
                let told = file.read_to_string(&mut String::new()).err();
                let told = told.map(|error| open_line(&error.to_string()).unwrap());
                assert_eq!(told, line, "{text:?} by {step}");
            }
        }
    }
}
