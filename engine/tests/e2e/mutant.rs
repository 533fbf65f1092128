//! Bytes made wrong by chance, from a seed.

/// Chance from a seed: `SplitMix64`, after Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed that the system gives, for another look each time.
    pub(crate) fn seed() -> u64 {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).unwrap();
        u64::from_le_bytes(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    /// Random bytes, fewer than `limit`.
    pub(crate) fn bytes(&mut self, limit: usize) -> Vec<u8> {
        let len = self.below(limit);
        (0..len).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    fn one_of<'a>(&mut self, choices: &[&'a [u8]]) -> &'a [u8] {
        choices[self.below(choices.len())]
    }
}

const NUMBERS: [&[u8]; 8] = [
    b"-1",
    b"0",
    b"18446744073709551615",
    b"18446744073709551616",
    b"9223372036854775808",
    b"-99999999999999999999999999999999999999999",
    b"1e999",
    b"0.5",
];

/// The bytes with one thing or several wrong with them, or others altogether.
pub(crate) fn mutant(valid: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for _ in 0..=chance.below(3) {
        let at = chance.below(bytes.len() + 1);
        let to = at + chance.below(bytes.len() - at + 1);
        match chance.below(9) {
            0 => bytes = chance.bytes(2000),
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at..to)),
            3 => drop(bytes.splice(at..at, chance.bytes(40))),
            4 => bytes = [&bytes[..to], &bytes[at..]].concat(),
            5 => {
                let nested = chance.one_of(&[b"[", b"{\"a\":", b"\x0a", b"("]).repeat(5000);
                drop(bytes.splice(at..at, nested));
            }
            6 => number(&mut bytes, at, chance),
            7 => drop(bytes.splice(at..at, vec![b'a'; 1 << 15])),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << chance.below(8);
                }
            }
        }
    }
    bytes
}

/// Puts another number in place of the first one from `at` on.
fn number(bytes: &mut Vec<u8>, at: usize, chance: &mut Chance) {
    let Some(from) = bytes[at..].iter().position(u8::is_ascii_digit) else { return };
    let digits = bytes[at + from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let other = chance.one_of(&NUMBERS).to_vec();
    bytes.splice(at + from..at + from + digits, other);
}

#[test]
fn a_seed_gives_the_same_mutants_again() {
    let valid = br#"{"rows":"12","name":"x"}"#;
    let all = |seed| {
        let mut chance = Chance::new(seed);
        (0..50).map(|_| mutant(valid, &mut chance)).collect::<Vec<_>>()
    };
    assert_eq!(all(1), all(1));
    assert_ne!(all(1), all(2));
    assert!(all(3).iter().filter(|mutant| **mutant != valid).count() > 40);
}
