//! Short inputs under a key: every backend against the BLAKE3 library, on every length of an input and odd numbers of them.

use protocols::kernels::Backend;

use crate::Cases;

#[test]
fn many_inputs_at_once_are_what_the_library_makes_of_each() {
    for backend in Backend::available() {
        for n in [0, 1, 7, 8, 9, 15, 16, 17, 65, 1000] {
            let mut cases = Cases(n as u64);
            let key = std::array::from_fn(|_| cases.word().to_le_bytes()[0]);
            let (mut blocks, mut lengths, mut want) = (Vec::new(), Vec::new(), Vec::new());
            for i in 0..n {
                let length = (i + n) % 65;
                let mut block = [0; 64];
                block[..length].fill_with(|| cases.word().to_le_bytes()[3]);
                want.push(*blake3::keyed_hash(&key, &block[..length]).as_bytes());
                blocks.push(block);
                lengths.push(u8::try_from(length).unwrap());
            }
            let mut got = vec![[0; 32]; n];
            backend.keyed_hash(&key, &blocks, &lengths, &mut got);
            assert_eq!(got, want, "{} {n}", backend.name);
        }
    }
}
