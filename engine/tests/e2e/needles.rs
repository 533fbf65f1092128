//! Looks for values in bytes, in every dress in which they could have got there.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

/// Bytes that decide whether a longer look is worth it.
const HEAD: usize = 6;

/// Values to look for.
#[derive(Default)]
pub(crate) struct Needles {
    forms: Vec<(Vec<u8>, String)>,
    by_head: HashMap<[u8; HEAD], Vec<usize>>,
}

impl Needles {
    /// Adds an integer: both byte orders and decimal.
    pub(crate) fn integer(&mut self, what: &str, value: i64) {
        self.bytes(&format!("{what}, little-endian"), &value.to_le_bytes());
        self.bytes(&format!("{what}, big-endian"), &value.to_be_bytes());
        self.bytes(&format!("{what}, decimal"), value.to_string().as_bytes());
        self.bytes(
            &format!("{what}, unsigned decimal"),
            value.cast_unsigned().to_string().as_bytes(),
        );
        self.add(format!("{what}, number in hex"), format!("{value:x}").into_bytes());
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, what: &str, value: &str) {
        self.bytes(what, value.as_bytes());
    }

    /// Adds bytes as they are, in hex, in base64 wherever they may start, and as a list of numbers.
    pub(crate) fn bytes(&mut self, what: &str, bytes: &[u8]) {
        self.add(what.to_owned(), bytes.to_vec());
        self.add(format!("{what}, in hex"), hex::encode(bytes).into_bytes());
        self.add(format!("{what}, in HEX"), hex::encode_upper(bytes).into_bytes());
        for shift in 0..3 {
            let text = STANDARD_NO_PAD.encode([&vec![0; shift], bytes].concat());
            // Characters that also hold bits of the neighbours say nothing.
            let (from, whole) = ((shift * 8).div_ceil(6), (shift + bytes.len()) * 8 / 6);
            let text = &text[from..whole];
            self.add(format!("{what}, in base64 at {shift}"), text.as_bytes().to_vec());
            let url = text.replace('+', "-").replace('/', "_");
            self.add(format!("{what}, in base64url at {shift}"), url.into_bytes());
        }
        for comma in [",", ", "] {
            let list: Vec<_> = bytes.iter().map(ToString::to_string).collect();
            self.add(format!("{what}, as a list"), list.join(comma).into_bytes());
        }
    }

    fn add(&mut self, what: String, form: Vec<u8>) {
        let head = form[..HEAD].try_into().unwrap();
        self.by_head.entry(head).or_default().push(self.forms.len());
        self.forms.push((form, what));
    }

    /// What is found in these bytes.
    pub(crate) fn found_in(&self, hay: &[u8]) -> Vec<&str> {
        let mut starts = vec![false; 1 << 16];
        let pair = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
        for (form, _) in &self.forms {
            starts[pair(form)] = true;
        }
        let mut found = Vec::new();
        for (at, window) in hay.windows(HEAD).enumerate() {
            if !starts[pair(window)] {
                continue;
            }
            let Some(candidates) = self.by_head.get(window) else { continue };
            let here = candidates.iter().map(|index| &self.forms[*index]);
            found.extend(
                here.filter(|(form, _)| hay[at..].starts_with(form)).map(|(_, what)| what.as_str()),
            );
        }
        found
    }
}

#[test]
fn every_dress_is_seen_through() {
    let mut needles = Needles::default();
    let value = 0x1234_5678_9abc_def0_i64;
    needles.integer("value", value);
    needles.text("text", "pssst, a secret!");
    let bytes = value.to_le_bytes();
    let base64 =
        |before: &str| STANDARD_NO_PAD.encode([before.as_bytes(), &bytes, b"after"].concat());
    let dressed: [Vec<u8>; 9] = [
        bytes.to_vec(),
        value.to_be_bytes().to_vec(),
        format!("pay={value};").into_bytes(),
        hex::encode(bytes).into_bytes(),
        base64("").into_bytes(),
        base64("1").into_bytes(),
        base64("22").into_bytes(),
        format!("{bytes:?}").into_bytes(),
        b"he said: pssst, a secret!".to_vec(),
    ];
    for dressed in dressed {
        let hay = [b"something before ", dressed.as_slice(), b" and after"].concat();
        assert!(!needles.found_in(&hay).is_empty(), "{}", String::from_utf8_lossy(&hay));
    }
    assert!(needles.found_in(format!("pay={};", value ^ 1).as_bytes()).is_empty());
}
