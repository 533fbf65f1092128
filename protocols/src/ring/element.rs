//! What a ring offers: whole-vector arithmetic on machine words.

use std::fmt::Debug;

use crate::kernels::{AesKey, Matrix};

/// A machine word that ring elements are stored in.
pub trait Word: bytemuck::Pod + Debug + Eq + Send + Sync {}

impl Word for u8 {}
impl Word for u32 {}
impl Word for u64 {}
impl Word for u128 {}

/// A finite commutative ring whose elements fit a machine word. All operations are on vectors of equal length
/// (asserted in debug builds) and take time that depends on lengths only.
pub trait Ring: Copy + Debug + Default + Send + Sync + 'static {
    /// The word an element is stored in and travels as (little-endian).
    type Word: Word;

    /// `z32`, `z64`, `z128` or `b64`: the label in benches and messages.
    const NAME: &'static str;
    /// Neutral for addition.
    const ZERO: Self::Word;
    /// Neutral for multiplication (all ones in `B64`).
    const ONE: Self::Word;

    /// `acc += x`.
    fn add_assign(acc: &mut [Self::Word], x: &[Self::Word]);
    /// `acc -= x`.
    fn sub_assign(acc: &mut [Self::Word], x: &[Self::Word]);
    /// `acc *= c` for one public constant.
    fn scale_assign(acc: &mut [Self::Word], c: Self::Word);
    /// `acc += x * y`.
    fn mul_add(acc: &mut [Self::Word], x: &[Self::Word], y: &[Self::Word]);
    /// `acc += xo*yo + xo*yn + xn*yo`: one party's part of a replicated product.
    fn cross(
        acc: &mut [Self::Word],
        x: (&[Self::Word], &[Self::Word]),
        y: (&[Self::Word], &[Self::Word]),
    );
    /// `acc += a · b`, the product of matrices: `a` is m × q, `b` is q × p, `acc` is m × p row by row.
    fn gemm(acc: &mut [Self::Word], a: Matrix<'_, Self::Word>, b: Matrix<'_, Self::Word>);
    /// Running sums in place: element `i` becomes the sum of elements `0..=i`.
    ///
    /// For `B64` the running sum goes bit by bit through the words, lowest bit first: prefix XOR over rows.
    fn prefix_sum(acc: &mut [Self::Word]);
    /// `out = F(key)`: uniform elements from a key's keystream at (`path`, `block`).
    fn keystream(out: &mut [Self::Word], key: &AesKey, path: u64, block: u64);
    /// `out = F(a) - F(b)`: a share of zero, from the two keys' keystreams at (`path`, `block`).
    fn zero_share(out: &mut [Self::Word], keys: [&AesKey; 2], path: u64, block: u64);

    /// Sum of two words.
    fn add(x: Self::Word, y: Self::Word) -> Self::Word;
    /// Additive inverse of one word.
    fn neg(x: Self::Word) -> Self::Word;
    /// The element 1 where `bit` is set, else 0.
    fn from_bit(bit: bool) -> Self::Word;

    /// `x = -x`.
    fn neg_assign(x: &mut [Self::Word]) {
        for word in x {
            *word = Self::neg(*word);
        }
    }
}
