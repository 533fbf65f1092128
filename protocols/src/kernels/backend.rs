//! The list of kernels: one instruction set's implementation of each.

use std::fmt;

use super::{aes::AesKey, exconv::CONVOLUTION_STATE, matrix::Matrix, ristretto::FixedBase};

/// Declares the table of function pointers and a method for each, so that a kernel is named once.
macro_rules! backend {
    ($($(#[$attr:meta])* fn $name:ident($($arg:ident: $ty:ty),*);)*) => {
        /// One instruction set's implementation of every kernel.
        ///
        /// # Shape
        /// Slices of one call have equal lengths unless the kernel says otherwise; any length will do, as will
        /// any alignment (buffers that start on a cache line are faster). Unequal lengths are a fault of the
        /// caller: debug builds panic; release builds may panic, or leave the surplus alone.
        #[derive(Clone, Copy)]
        pub struct Backend {
            /// The name that `UNSEEN_KERNELS` takes: `portable`, `avx2`, `avx512`.
            pub name: &'static str,
            $(pub(super) $name: fn($($ty),*),)*
        }

        impl Backend {
            $($(#[$attr])*
            #[inline]
            pub fn $name(&self, $($arg: $ty),*) {
                (self.$name)($($arg),*);
            })*
        }
    };
}

backend! {
    /// `acc[i] += x[i]` mod 2^64.
    fn add_u64(acc: &mut [u64], x: &[u64]);
    /// `acc[i] -= x[i]` mod 2^64.
    fn sub_u64(acc: &mut [u64], x: &[u64]);
    /// `acc[i] *= c` mod 2^64.
    fn scale_u64(acc: &mut [u64], c: u64);
    /// `acc[i] += x[i] · y[i]` mod 2^64.
    fn mul_add_u64(acc: &mut [u64], x: &[u64], y: &[u64]);
    /// The replicated cross product: `acc += x_own · (y_own + y_next) + x_next · y_own` mod 2^64.
    fn cross_u64(acc: &mut [u64], x_own: &[u64], x_next: &[u64], y_own: &[u64], y_next: &[u64]);
    /// Inclusive prefix sums in place: `xs[i] = xs[0] + … + xs[i]` mod 2^64.
    fn prefix_sum_u64(xs: &mut [u64]);
    /// `out[i] = src[perm[i]]`; `out` and `perm` are of one length. The permutation is public.
    ///
    /// # Panics
    /// If an index of `perm` lies outside `src`.
    fn gather_u64(out: &mut [u64], src: &[u64], perm: &[u32]);

    /// `out[i] = weight · round(x[i] · scale)` mod 2^64, halves to the even integer; `|x[i] · scale|` is below 2^51, or else the
    /// word is any.
    fn fixed_point(x: &[f32], scale: f64, weight: u64, out: &mut [u64]);

    /// `words[i] = weight · q` mod 2^32, where `words[i]` was uniform before and decides which of the two integers beside
    /// `x[i] · scale` is `q`: the mean of `q` is `x[i] · scale`, but for less than 2^-24, and an integer stays what it is. `scale` is a
    /// power of two; `|x[i] · scale|` is below 2^22, or else the word is any.
    ///
    /// # Source
    /// Rounding at random without bias: Gupta, Agrawal, Gopalakrishnan and Narayanan, *Deep Learning with Limited Numerical
    /// Precision*, ICML 2015.
    fn dithered(x: &[f32], scale: f32, weight: u32, words: &mut [u32]);

    /// Raises `largest` to the bits of the largest magnitude of `x`, as a word: infinities are above all numbers, and what is no
    /// number is above infinity.
    fn largest_magnitude(x: &[f32], largest: &mut u32);

    /// `sums[v][j] += Σ_i r(j, i) · x[v][i]` mod 2^64 for both vectors `v`, with entries `r` of −1, 0 and 1.
    ///
    /// # Shape
    /// Two vectors of `n` words and two of `k` sums; `k` words of signs for every 32 coordinates begun: `r(j, 32·c + i)` is bit 2i of
    /// word `c·k + j`, less bit 2i + 1. So of uniform words half of the entries are 0 and a quarter each 1 and −1.
    ///
    /// # Cost
    /// Measured on Zen 5 for k = 128, both vectors and the making of signs together: 6.8 ns a coordinate with AVX-512, 19 with AVX2, 31 elsewhere.
    ///
    /// # Panics
    /// If the shapes do not fit.
    ///
    /// # Security
    /// Signs are public: they index tables.
    fn ternary_products(signs: &[u64], x: [&[u64]; 2], sums: [&mut [u64]; 2]);

    /// `acc[i] += x[i]` mod 2^32.
    fn add_u32(acc: &mut [u32], x: &[u32]);
    /// `acc[i] -= x[i]` mod 2^32.
    fn sub_u32(acc: &mut [u32], x: &[u32]);
    /// `acc[i] *= c` mod 2^32.
    fn scale_u32(acc: &mut [u32], c: u32);
    /// `acc[i] += x[i] · y[i]` mod 2^32.
    fn mul_add_u32(acc: &mut [u32], x: &[u32], y: &[u32]);
    /// The replicated cross product: `acc += x_own · (y_own + y_next) + x_next · y_own` mod 2^32.
    fn cross_u32(acc: &mut [u32], x_own: &[u32], x_next: &[u32], y_own: &[u32], y_next: &[u32]);
    /// Inclusive prefix sums in place: `xs[i] = xs[0] + … + xs[i]` mod 2^32.
    fn prefix_sum_u32(xs: &mut [u32]);
    /// `out[i] = src[perm[i]]`; `out` and `perm` are of one length. The permutation is public.
    ///
    /// # Panics
    /// If an index of `perm` lies outside `src`.
    fn gather_u32(out: &mut [u32], src: &[u32], perm: &[u32]);

    /// `acc[i] += x[i]` mod 2^128.
    fn add_u128(acc: &mut [u128], x: &[u128]);
    /// `acc[i] -= x[i]` mod 2^128.
    fn sub_u128(acc: &mut [u128], x: &[u128]);
    /// `acc[i] *= c` mod 2^128.
    fn scale_u128(acc: &mut [u128], c: u128);
    /// `acc[i] += x[i] · y[i]` mod 2^128.
    fn mul_add_u128(acc: &mut [u128], x: &[u128], y: &[u128]);
    /// The replicated cross product: `acc += x_own · (y_own + y_next) + x_next · y_own` mod 2^128.
    fn cross_u128(acc: &mut [u128], x_own: &[u128], x_next: &[u128], y_own: &[u128], y_next: &[u128]);
    /// Inclusive prefix sums in place: `xs[i] = xs[0] + … + xs[i]` mod 2^128.
    fn prefix_sum_u128(xs: &mut [u128]);
    /// `out[i] = src[perm[i]]`; `out` and `perm` are of one length. The permutation is public.
    ///
    /// # Panics
    /// If an index of `perm` lies outside `src`.
    fn gather_u128(out: &mut [u128], src: &[u128], perm: &[u32]);

    /// The matrix product `acc += a · b` mod 2^64, in time `m · q · p`.
    ///
    /// # Shape
    /// `a` is m × q, `b` is q × p, `acc` is m × p row by row; any of the three may be 0.
    ///
    /// # Panics
    /// If the shapes do not fit.
    fn gemm_u64(acc: &mut [u64], a: Matrix<'_, u64>, b: Matrix<'_, u64>);
    /// [`gemm_u64`](Self::gemm_u64) mod 2^32.
    fn gemm_u32(acc: &mut [u32], a: Matrix<'_, u32>, b: Matrix<'_, u32>);
    /// [`gemm_u64`](Self::gemm_u64) mod 2^128.
    fn gemm_u128(acc: &mut [u128], a: Matrix<'_, u128>, b: Matrix<'_, u128>);

    /// `acc[i] ^= x[i]`: addition of 64 bits side by side.
    fn xor(acc: &mut [u64], x: &[u64]);
    /// `acc[i] &= x[i]`: multiplication of 64 bits side by side.
    fn and(acc: &mut [u64], x: &[u64]);
    /// The replicated cross product of bits: `acc ^= x_own & (y_own ^ y_next) ^ x_next & y_own`.
    fn cross_bits(acc: &mut [u64], x_own: &[u64], x_next: &[u64], y_own: &[u64], y_next: &[u64]);
    /// The low `bytes` bytes (1 to 4) of each value, side by side, little-endian; `out.len() == bytes * values.len()`.
    fn pack_u32(out: &mut [u8], values: &[u32], bytes: usize);
    /// The inverse of [`pack_u32`](Self::pack_u32); higher bytes are zero.
    fn unpack_u32(values: &mut [u32], packed: &[u8], bytes: usize);
    /// `acc[i] = (digits[i] == digit) - acc[i]` mod 2^32.
    fn unit_minus_u32(acc: &mut [u32], digits: &[u8], digit: u8);
    /// Swaps `a[i]` with `b[i]` where bit `bit` of `digits[i]` is set.
    fn swap_where_u32(a: &mut [u32], b: &mut [u32], digits: &[u8], bit: u32);
    /// `acc[i] |= b << at`, where `b` is bit `i % 64` of word `i / 64` of the plane; `plane.len() == ⌈acc.len() / 64⌉`.
    fn put_bit(acc: &mut [u8], plane: &[u64], at: u32);
    /// Turns `n` rows into `width` bit planes: bit `i % 64` of word `i / 64` of plane `j` is bit `j` of `rows[i]`.
    ///
    /// # Shape
    /// `width` in 1..=64; bits of a row from `width` on are ignored. With `stride = ⌈n / 64⌉`,
    /// `planes.len() == width · stride` and plane `j` is `planes[j · stride..][..stride]`. Bits beyond `n` are zero.
    fn to_planes(rows: &[u64], width: usize, planes: &mut [u64]);
    /// The inverse of [`to_planes`](Self::to_planes). Bits of a row from `width` on are zero; bits of a plane
    /// beyond `n = rows.len()` are ignored.
    fn from_planes(planes: &[u64], width: usize, rows: &mut [u64]);
    /// As [`to_planes`](Self::to_planes), `width` in 1..=32.
    fn to_planes_u32(rows: &[u32], width: usize, planes: &mut [u64]);
    /// As [`from_planes`](Self::from_planes), `width` in 1..=32.
    fn from_planes_u32(planes: &[u64], width: usize, rows: &mut [u32]);
    /// As [`to_planes`](Self::to_planes), `width` in 1..=128.
    fn to_planes_u128(rows: &[u128], width: usize, planes: &mut [u64]);
    /// As [`from_planes`](Self::from_planes), `width` in 1..=128.
    fn from_planes_u128(planes: &[u64], width: usize, rows: &mut [u128]);
    /// `out[i]` = bit `i % 64` of `plane[i / 64]`, as 0 or 1.
    ///
    /// # Shape
    /// `plane.len() == ⌈out.len() / 64⌉`; bits beyond `out.len()` are ignored.
    fn expand_u64(plane: &[u64], out: &mut [u64]);
    /// As [`expand_u64`](Self::expand_u64).
    fn expand_u32(plane: &[u64], out: &mut [u32]);
    /// As [`expand_u64`](Self::expand_u64).
    fn expand_u128(plane: &[u64], out: &mut [u128]);

    /// Lane `s − 1` `^=` the AND of the planes that the bits of `s` name, for `s` from 1 to 2^bits − 1.
    ///
    /// # Shape
    /// `bits` in 1..=8 planes of `n` words; 2^bits − 1 lanes of `n` words.
    fn digit_lanes(planes: &[u64], bits: usize, lanes: &mut [u64]);
    /// With `u` the bits whose products the lanes are (or summands of them) and `v` those in `planes`: `out[0] ^=` whether
    /// `u + v ≥ 2^bits`, `out[1] ^=` whether `u + v = 2^bits − 1`. What depends on `v` alone is added if `constant` says so.
    ///
    /// # Shape
    /// `planes` and `lanes` as for [`digit_lanes`](Self::digit_lanes); the two outputs of `n` words each, or empty if
    /// not wanted.
    fn digit_sums(planes: &[u64], bits: usize, lanes: &[u64], constant: bool, out: [&mut [u64]; 2]);

    /// `acc[i] ^= c · x[i]` in GF(2^128), see [`gf128_mul`](super::gf128_mul).
    fn gf128_scale_add(acc: &mut [u128], x: &[u128], c: u128);
    /// `acc[i] ^= x[i] · y[i]` in GF(2^128).
    fn gf128_mul_add(acc: &mut [u128], x: &[u128], y: &[u128]);
    /// `sum ^= x[0] · y[0] ^ x[1] · y[1] ^ …` in GF(2^128), with one reduction.
    fn gf128_inner(sum: &mut u128, x: &[u128], y: &[u128]);
    /// `acc[i] ^= c · x[i]` in GF(2^80), see [`gf80_mul`](super::gf80_mul): of factors the lower 80 bits count.
    fn gf80_scale_add(acc: &mut [u128], x: &[u128], c: u128);
    /// `acc[i] ^= x[i] · y[i]` in GF(2^80).
    fn gf80_mul_add(acc: &mut [u128], x: &[u128], y: &[u128]);
    /// One pass of a convolution over GF(2^128) in place, in blocks of four. With `[c, τ]` the words of `taps` for a block,
    /// `r[l] = c · (x[l] + x'[l − 28]) + s[l]`, where `x'` is what `x` becomes and `s` what earlier blocks add; then the bits
    /// of `τ` say to which of the 24 entries behind the block each `r[l]` is added, and which of the `r` before it in the
    /// block are added to `r[l]` to give `x'[l]`.
    ///
    /// # Shape
    /// `x` has a whole number of blocks, `taps` two words for each. `state` goes from one piece of a vector to the next;
    /// before the first piece it is zero. Bits `24·l` to `24·l + 23` of `τ` are for what follows the block, bits 96 to 101
    /// for 0→1, 0→2, 1→2, 0→3, 1→3, 2→3 inside it. Taps are public.
    fn convolve(x: &mut [u128], state: &mut [u128; CONVOLUTION_STATE], taps: &[u128]);
    /// [`convolve`](Self::convolve) over GF(2^80): of a word `c` the lower 80 bits count.
    fn gf80_convolve(x: &mut [u128], state: &mut [u128; CONVOLUTION_STATE], taps: &[u128]);
    /// `out[i] ^=` the sum of 21 entries of `d`: one from each sixteenth, by the low bits of the first 16 of the output's 24
    /// `places`, and five from all of `d`, by the low bits of the next five. If `d` is longer than 65536, each of these five
    /// has four bits more, the lowest of the 32 that follow them first.
    ///
    /// # Shape
    /// `d.len()` is a power of two from 2^4 to 2^20; `places` has 24 for each output. Places are public.
    ///
    /// # Panics
    /// If `d` has another length.
    fn expand_sums(out: &mut [u128], d: &[u128], places: &[u16]);

    /// The keystream `K` under `key`: block `j` is `AES_key(le64(path) ‖ le64(j))`, two words of it at a time,
    /// little-endian, from block `first_block` on. The last block is cut where `out` ends.
    ///
    /// # Security
    /// A (key, path, block) must serve once only. Block numbers wrap at 2^64.
    fn fill_u64(key: &AesKey, path: u64, first_block: u64, out: &mut [u64]);
    /// The same stream as [`fill_u64`](Self::fill_u64), four words a block.
    fn fill_u32(key: &AesKey, path: u64, first_block: u64, out: &mut [u32]);
    /// The same stream as [`fill_u64`](Self::fill_u64), one word a block.
    fn fill_u128(key: &AesKey, path: u64, first_block: u64, out: &mut [u128]);
    /// `out[i] = A[i] - B[i]` mod 2^64, of the two keys' streams: one party's part of a sharing of zero.
    fn fill_sub_u64(key_a: &AesKey, key_b: &AesKey, path: u64, first_block: u64, out: &mut [u64]);
    /// `out[i] = A[i] - B[i]` mod 2^32, four words a block.
    fn fill_sub_u32(key_a: &AesKey, key_b: &AesKey, path: u64, first_block: u64, out: &mut [u32]);
    /// `out[i] = A[i] - B[i]` mod 2^128, one word a block.
    fn fill_sub_u128(key_a: &AesKey, key_b: &AesKey, path: u64, first_block: u64, out: &mut [u128]);
    /// `out[i] = A[i] ^ B[i]`: the same for bits.
    fn fill_xor(key_a: &AesKey, key_b: &AesKey, path: u64, first_block: u64, out: &mut [u64]);
    /// `acc[i] += A[i] - B[i]` mod 2^64: masks `acc` without a buffer for the mask.
    fn add_fill_sub_u64(key_a: &AesKey, key_b: &AesKey, path: u64, first_block: u64, acc: &mut [u64]);
    /// `acc[i] += A[i] - B[i]` mod 2^32.
    fn add_fill_sub_u32(key_a: &AesKey, key_b: &AesKey, path: u64, first_block: u64, acc: &mut [u32]);
    /// `acc[i] += A[i] - B[i]` mod 2^128.
    fn add_fill_sub_u128(key_a: &AesKey, key_b: &AesKey, path: u64, first_block: u64, acc: &mut [u128]);
    /// `acc[i] ^= A[i] ^ B[i]`.
    fn xor_fill_xor(key_a: &AesKey, key_b: &AesKey, path: u64, first_block: u64, acc: &mut [u64]);

    /// Each u-coordinate of Curve25519 becomes that of `scalar` times its point (RFC 7748 §5, without clamping: bit 255 of the
    /// scalar is ignored, the rest is taken as it stands).
    ///
    /// An encoding that is not below 2^255 − 19 comes out as 0, and so does a point whose multiple is the neutral element: with
    /// a scalar that is a multiple of 8, every point of low order. No other does, so that 0 means refused.
    ///
    /// # Cost
    /// Measured on Zen 5 with AVX512-IFMA: about 2.2 µs a point; elsewhere some 35 µs.
    ///
    /// # Security
    /// Constant time in the scalar and the points. One refused point does not touch the others.
    fn montgomery_ladder(scalar: &[u8; 32], points: &mut [[u8; 32]]);
    /// Each element of the field of 2^255 − 19, bit 255 ignored, becomes the u-coordinate of a point on Curve25519: the map
    /// `map_to_curve_elligator2_curve25519` of RFC 9380 §6.7.1, without its sign.
    ///
    /// # Security
    /// Constant time. The image is about half of the curve, points of its subgroups of order 8 among them: whoever goes on
    /// takes a multiple of 8 next.
    fn elligator2(elements: &mut [[u8; 32]]);
    /// Each 64 uniform bytes become the encoding of a point of ristretto255: RFC 9496 §4.3.4, constant time.
    fn ristretto_from_uniform(uniform: &[[u8; 64]], out: &mut [[u8; 32]]);
    /// Each point of ristretto255 becomes its multiple by the scalar of its place, taken modulo the order and below 2^255.
    ///
    /// What is no encoding comes out as 0, which is the neutral element: with scalars that are no multiples of the order, 0
    /// means that a point was refused, or was the neutral one.
    ///
    /// # Cost
    /// Measured on Zen 5 with AVX512-IFMA: some 3.6 µs a point, decoding and encoding included.
    ///
    /// # Security
    /// Constant time in scalars and points.
    fn ristretto_multiply(scalars: &[[u8; 32]], points: &mut [[u8; 32]]);
    /// Each point of ristretto255 becomes twice its multiple by the one scalar. What is no encoding comes out as 0, and so does the
    /// neutral element.
    ///
    /// # Shape
    /// A scalar below 2^253, and not one less than a multiple of the order: of that the lanes say 0.
    ///
    /// # Cost
    /// Measured on Zen 4 with AVX512-IFMA: 5.4 µs a point, where [`montgomery_ladder`](Self::montgomery_ladder) takes 4.8.
    ///
    /// # Security
    /// Constant time in the scalar and the points.
    fn ristretto_raise(scalar: &[u8; 32], points: &mut [[u8; 32]]);
    /// [`ristretto_raise`](Self::ristretto_raise) of points that elements of the field are mapped to: `MAP` of RFC 9496
    /// §4.3.4, once, bit 255 ignored.
    ///
    /// # Security
    /// As there. The image of the map is a part of the group, not all of it.
    fn ristretto_raise_map(scalar: &[u8; 32], elements: &mut [[u8; 32]]);
    /// Each point of ristretto255 becomes twice the sum of it and of the base's multiple by the scalar of its place, which is
    /// below 2^254. What is no encoding comes out as 0; so does what adds up to the neutral element.
    ///
    /// # Cost
    /// Measured on Zen 4 with AVX512-IFMA: 1.8 µs a point.
    ///
    /// # Security
    /// Constant time in scalars and points.
    fn ristretto_add(base: &FixedBase, scalars: &[[u8; 32]], points: &mut [[u8; 32]]);
    /// [`ristretto_add`](Self::ristretto_add) to the points that elements of the field are mapped to, as for
    /// [`ristretto_raise_map`](Self::ristretto_raise_map).
    fn ristretto_add_to_map(base: &FixedBase, scalars: &[[u8; 32]], elements: &mut [[u8; 32]]);
    /// The sum of all points of ristretto255 times the scalars of their places; nothing if one of them is no encoding.
    ///
    /// # Security
    /// For public points and scalars: time may depend on them.
    fn ristretto_weigh(scalars: &[[u8; 32]], points: &[[u8; 32]], sum: &mut Option<[u8; 32]>);

    /// `x[i] = AES_key(x[i]) ^ x[i]`, little-endian: the fixed-key hash.
    ///
    /// # Security
    /// Correlation robust with AES as an ideal cipher (Guo, Katz, Wang, Yu: *Efficient and Secure Multiparty Computation
    /// from Fixed-Key Block Ciphers*, 2020): the key may be public, inputs must be hard to guess or masked by the
    /// caller, and one input hashed twice under one key gives one output.
    fn hash_blocks(key: &AesKey, x: &mut [u128]);
    /// The keyed BLAKE3 hash of each input: the first bytes of its block, as many as its length says, 0 to 64. The rest of a
    /// block is zero.
    ///
    /// # Cost
    /// A compression an input: sixteen at a time with AVX-512, eight with AVX2.
    ///
    /// # Security
    /// Lengths are public where the time taken is seen.
    fn keyed_hash(key: &[u8; 32], blocks: &[[u8; 64]], lengths: &[u8], out: &mut [[u8; 32]]);

    /// Three distinct numbers below `columns` from each hash, from 32 bits each of its lower 96; the fourth word is 0.
    ///
    /// # Panics
    /// If `columns` is not in 3..=2^16.
    fn places(hashes: &[u128], columns: u32, out: &mut [[u16; 4]]);
    /// `out[i]` = the sum in GF(2)^128 of the vector's words at the first three of `places[i]`, which are public, or the
    /// caller's own.
    ///
    /// # Panics
    /// If a place lies outside the vector.
    fn gather_three(out: &mut [u128], vector: &[u128], places: &[[u16; 4]]);
    /// For `[p, a, b, v]` of `order`, the last one first: `vector[p] = vector[a] ^ vector[b] ^ values[v]`. `order` is the
    /// caller's own.
    ///
    /// # Panics
    /// If a place lies outside the vector or the values.
    fn substitute(vector: &mut [u128], order: &[[u16; 4]], values: &[u128]);
    /// [`places`](Self::places) as numbers of 32 bits.
    ///
    /// # Panics
    /// If `columns` is not in 3..=2^20.
    fn places_u32(hashes: &[u128], columns: u32, out: &mut [[u32; 4]]);
    /// [`gather_three`](Self::gather_three) in longer vectors.
    fn gather_three_u32(out: &mut [u128], vector: &[u128], places: &[[u32; 4]]);
    /// [`substitute`](Self::substitute) in longer vectors.
    fn substitute_u32(vector: &mut [u128], order: &[[u32; 4]], values: &[u128]);
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("name", &self.name).finish_non_exhaustive()
    }
}
