//! RFC 9497, appendix A.1.2: ristretto255-SHA512, verifiable mode.

use curve25519_dalek::Scalar;

use crate::psi::lookup::{
    key::SecretKey,
    proof::{Batch, prove, verify},
    suite::{hash_to_group, hash_to_scalar, multiply, output},
};

const SECRET: &str = "e6f73f344b79b379f1a0dd37e07ff62e38d9f71345ce62ae3a9bc60b04ccd909";
const PUBLIC: &str = "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e";
const BLIND: &str = "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706";
const OTHER: &str = "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e";

/// Input, blind, blinded element, evaluated element, output.
type Query = [&'static str; 5];

struct Vector {
    queries: &'static [Query],
    proof: &'static str,
    random: &'static str,
}

const ONE: Query = [
    "00",
    BLIND,
    "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945",
    "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e",
    "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7d\
     a4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c",
];
const TWO: &str = "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60\
                   356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6";

const VECTORS: [Vector; 3] = [
    Vector {
        queries: &[ONE],
        proof: "ddef93772692e535d1a53903db24367355cc2cc78de93b3be5a8ffcc6985dd06\
                6d4346421d17bf5117a2a1ff0fcb2a759f58a539dfbe857a40bce4cf49ec600d",
        random: OTHER,
    },
    Vector {
        queries: &[[
            "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
            BLIND,
            "cc0b2a350101881d8a4cba4c80241d74fb7dcbfde4a61fde2f91443c2bf9ef0c",
            "60a59a57208d48aca71e9e850d22674b611f752bed48b36f7a91b372bd7ad468",
            TWO,
        ]],
        proof: "401a0da6264f8cf45bb2f5264bc31e109155600babb3cd4e5af7d181a2c9dc0a\
                67154fabf031fd936051dec80b0b6ae29c9503493dde7393b722eafdf5a50b02",
        random: OTHER,
    },
    Vector {
        queries: &[
            ONE,
            [
                "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
                OTHER,
                "90a0145ea9da29254c3a56be4fe185465ebb3bf2a1801f7124bbbadac751e654",
                "cc5ac221950a49ceaa73c8db41b82c20372a4c8d63e5dded2db920b7eee36a2a",
                TWO,
            ],
        ],
        proof: "cc203910175d786927eeb44ea847328047892ddf8590e723c37205cb74600b0a\
                5ab5337c8eb4ceae0494c2cf89529dcf94572ed267473d567aeed6ab873dee08",
        random: "419c4f4f5052c53c45f3da494d2b67b220d02118e0857cdbcf037f9ea84bbe0c",
    },
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.bytes().filter(|digit| *digit != b' ').collect();
    let byte = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    bytes(hex).try_into().unwrap()
}

fn scalar(hex: &str) -> Scalar {
    Scalar::from_canonical_bytes(array(hex)).unwrap()
}

/// `DeriveKeyPair`. RFC 9497 §3.2.1.
#[test]
fn the_key_pair_is_derived_from_its_seed() {
    let parts: [&[u8]; 4] = [&[0xa3; 32], &[0, 8], b"test key", &[0]];
    let derived = hash_to_scalar(&parts, Some(b"DeriveKeyPair"));
    assert_eq!(derived, scalar(SECRET));
    let key = SecretKey::new(derived).unwrap();
    assert_eq!(*key.public().as_bytes(), array(PUBLIC));
}

#[test]
fn every_step_gives_the_rfcs_bytes() {
    let key = SecretKey::new(scalar(SECRET)).unwrap();
    for vector in &VECTORS {
        let column = |i: usize| vector.queries.iter().map(move |query| query[i]);
        let inputs: Vec<_> = column(0).map(bytes).collect();
        let blinds: Vec<_> = column(1).map(scalar).collect();
        let hashed = hash_to_group(inputs.iter().map(Vec::as_slice));
        let blinded = multiply(blinds.iter().copied(), &hashed).unwrap();
        assert!(blinded.iter().copied().eq(column(2).map(array)));
        let evaluated = multiply(std::iter::repeat(*key.scalar()), &blinded).unwrap();
        assert!(evaluated.iter().copied().eq(column(3).map(array)));
        let batch = Batch { blinded: &blinded, evaluated: &evaluated };
        let proof = prove(&key, batch, scalar(vector.random)).unwrap();
        assert_eq!(proof, array(vector.proof));
        assert!(verify(key.public(), batch, &proof).is_some());
        let unblinded = multiply(blinds.iter().map(Scalar::invert), &evaluated).unwrap();
        let outputs = inputs.iter().zip(&unblinded).map(|(input, n)| output(input, n));
        assert!(outputs.eq(column(4).map(array)));
        for at in [0, 40] {
            let mut wrong = proof;
            wrong[at] ^= 1;
            assert!(verify(key.public(), batch, &wrong).is_none(), "a wrong proof");
        }
        let other = SecretKey::new(scalar(BLIND)).unwrap();
        assert!(verify(other.public(), batch, &proof).is_none(), "another key");
    }
}
