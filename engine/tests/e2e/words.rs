//! Looks for any of very many 64-bit words in bytes, whatever the bytes are dressed in.

use std::collections::HashMap;

/// Low bits of a word that decide whether a longer look is worth it.
const LOW: u32 = 24;

/// Words to look for, each with what it is.
pub(crate) struct Words {
    known: HashMap<u64, String>,
    low: Vec<bool>,
}

impl Default for Words {
    fn default() -> Self {
        Self { known: HashMap::new(), low: vec![false; 1 << LOW] }
    }
}

impl Words {
    /// Adds a word, unless it could turn up by chance: seven of its eight bytes must differ.
    pub(crate) fn add(&mut self, what: &str, word: u64) {
        let mut bytes = word.to_le_bytes();
        bytes.sort_unstable();
        if bytes.windows(2).filter(|pair| pair[0] != pair[1]).count() >= 6 {
            self.low[low(word)] = true;
            self.known.insert(word, what.to_owned());
        }
    }

    /// Adds all words of a message.
    pub(crate) fn add_all(&mut self, what: &str, body: &[u8]) {
        body.as_chunks().0.iter().for_each(|word| self.add(what, u64::from_le_bytes(*word)));
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    fn get(&self, word: u64) -> Option<&str> {
        if self.low[low(word)] { self.known.get(&word).map(String::as_str) } else { None }
    }

    /// Which are found, and in which dress.
    pub(crate) fn found_in(&self, hay: &[u8]) -> Vec<String> {
        let mut found = self.binary("as it is", hay);
        found.extend(self.varints(hay));
        found.extend(self.decimals(hay));
        found.extend(self.binary("escaped", &unescaped(hay)));
        for run in runs(hay, 15, |byte| byte.is_ascii_hexdigit()) {
            found.extend((0..2).flat_map(|from| self.binary("in hex", &from_hex(&run[from..]))));
            // Written as a number, which leaves out a zero in front.
            found.extend(self.binary("in hex", &from_hex(&[b"0", run].concat())));
        }
        for run in runs(hay, 10, |byte| sextet(byte).is_some()) {
            let decode = |from: usize| self.binary("in base64", &from_base64(&run[from..]));
            found.extend((0..4).flat_map(decode));
        }
        for run in runs(hay, 15, |byte| byte.is_ascii_digit() || b", \n".contains(&byte)) {
            found.extend(self.binary("as a list", &from_list(run)));
        }
        found
    }

    fn binary(&self, dress: &str, bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for window in bytes.windows(8) {
            let word = u64::from_le_bytes(window.try_into().unwrap());
            for what in [word, word.swap_bytes()].into_iter().filter_map(|word| self.get(word)) {
                found.push(format!("{what}, {dress}"));
            }
        }
        found
    }

    /// As protobuf writes `uint64` and `sint64`.
    fn varints(&self, hay: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for window in hay.windows(10).filter(|window| window[..8].iter().all(|b| *b >= 0x80)) {
            let end = window.iter().position(|byte| *byte < 0x80).unwrap_or(9);
            let value = window[..=end]
                .iter()
                .rev()
                .fold(0_u64, |value, byte| value << 7 | u64::from(byte & 0x7f));
            let zigzag = (value >> 1) ^ (value & 1).wrapping_neg();
            for what in [value, zigzag].into_iter().filter_map(|word| self.get(word)) {
                found.push(format!("{what}, as a varint"));
            }
        }
        found
    }

    /// With and without a sign.
    fn decimals(&self, hay: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for run in runs(hay, 15, |byte| byte.is_ascii_digit()).filter(|run| run.len() <= 20) {
            let Ok(value) = std::str::from_utf8(run).unwrap().parse::<u64>() else { continue };
            for word in [value, value.wrapping_neg()] {
                found.extend(self.get(word).map(|what| format!("{what}, in decimal")));
            }
        }
        found
    }
}

fn low(word: u64) -> usize {
    usize::try_from(word & ((1 << LOW) - 1)).unwrap()
}

/// Longest pieces, of at least `least` bytes, that are all of one kind.
fn runs(hay: &[u8], least: usize, kind: impl Fn(u8) -> bool) -> impl Iterator<Item = &[u8]> {
    hay.split(move |byte| !kind(*byte)).filter(move |run| run.len() >= least)
}

fn from_hex(run: &[u8]) -> Vec<u8> {
    hex::decode(&run[..run.len() & !1]).unwrap()
}

/// Both alphabets.
fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

fn from_base64(run: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(run.len());
    for four in run.chunks(4) {
        let bits = four.iter().fold(0, |bits, byte| bits << 6 | sextet(*byte).unwrap());
        let bits = bits << (6 * (4 - four.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..four.len().max(1)]);
    }
    bytes
}

/// Numbers with commas between them, as far as they are bytes.
fn from_list(run: &[u8]) -> Vec<u8> {
    let numbers = run.split(|byte| !byte.is_ascii_digit()).filter(|number| !number.is_empty());
    numbers.filter_map(|number| std::str::from_utf8(number).ok()?.parse().ok()).collect()
}

/// What Rust writes as `b"\x01…"`, as bytes.
fn unescaped(hay: &[u8]) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::with_capacity(hay.len()), hay);
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'\\', [b'x', high, low, tail @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                (from_hex(&[*high, *low])[0], tail)
            }
            (b'\\', [b'n', tail @ ..]) => (b'\n', tail),
            (b'\\', [b'r', tail @ ..]) => (b'\r', tail),
            (b'\\', [b't', tail @ ..]) => (b'\t', tail),
            (b'\\', [b'0', tail @ ..]) => (0, tail),
            (b'\\', [quoted @ (b'\\' | b'"' | b'\''), tail @ ..]) => (*quoted, tail),
            _ => (*first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}

/// A word in everything that it could be dressed in.
pub(crate) fn dressed(word: u64) -> Vec<Vec<u8>> {
    use base64::{
        Engine as _,
        engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
    };
    let (le, be) = (word.to_le_bytes(), word.to_be_bytes());
    let mut all: Vec<_> = [le, be].iter().map(|bytes| bytes.to_vec()).collect();
    for before in [&b""[..], b"1", b"22"] {
        let bytes = [before, &le, b"after"].concat();
        all.push(STANDARD.encode(&bytes).into_bytes());
        all.push(URL_SAFE_NO_PAD.encode(&bytes).into_bytes());
    }
    for text in [
        hex::encode(le),
        hex::encode_upper(be),
        format!("a{}", hex::encode(le)),
        format!("{word:x}"),
        format!("{word:#018X}"),
        format!("{word}"),
        format!("{}", word.cast_signed()),
        format!("{le:?}"),
        format!("{le:#?}"),
        format!("{:?}", tonic::codegen::Bytes::copy_from_slice(&le)),
    ] {
        all.push(text.into_bytes());
    }
    let mut varint = Vec::new();
    prost::encoding::encode_varint(word, &mut varint);
    all.push(varint);
    all
}

#[test]
fn every_dress_of_a_word_is_seen_through() {
    for word in [0x1234_5678_9abc_def0_u64, 0xfedc_ba98_7654_0a21, 0x0123_4567_5c22_0a0d] {
        let mut words = Words::default();
        words.add("it", word);
        words.add("too few different bytes", 0x0101_0000_0203);
        assert_eq!(words.len(), 1);
        for dressed in dressed(word) {
            let hay = [b" something before: ", dressed.as_slice(), b" and after"].concat();
            assert!(!words.found_in(&hay).is_empty(), "{}", String::from_utf8_lossy(&hay));
            let mut other = Words::default();
            other.add("another", word ^ 1 << 40);
            assert!(other.found_in(&hay).is_empty(), "{}", String::from_utf8_lossy(&hay));
        }
    }
}
