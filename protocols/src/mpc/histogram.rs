//! Counting secret bits: how many rows, how many of each value of a small domain, and sums of bit-sliced integers.
//!
//! Rows are counted as bits, 64 counters side by side in a word, by a tree of full adders, of one AND each: \[BP05\] Boyar and Peralta,
//! "The Exact Multiplicative Complexity of the Hamming Weight Function", ECCC TR05-049; carries saved as in Wallace, "A Suggestion
//! for a Fast Multiplier", 1964. Fewer than n ANDs for n rows, 3 bits each in all, where a ring word for every row takes 192; only
//! the counters' few bits go over into the ring.

use super::{
    convert::{inject, inject_cost},
    lookup::{one_hot, one_hot_cost},
    matmul::{MatrixView, matmul_cost, product},
    multiply::{View, products, products_cost},
    select::{mask_bits, mask_bits_cost},
    weigh::{linear_form, linear_form_cost},
};
use crate::{
    ring::{Arithmetic, B64, Buf},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// How many rows have a 1, for each plane.
///
/// # Shape
/// n rows × w, n below 2^k in a ring of k bits; returns w words.
///
/// # Cost
/// With g = ⌈n/64⌉ words a plane: about log_1.5 g rounds for the adders, fewer than w · g words a party; then 2 rounds, in which
/// P0 sends at most 128 · w · ⌈log2 (g + 1)⌉ words and P1 and P2 send w each. (To [`inject`] every row and add up takes 2 rounds and
/// 24 bytes a row on Z64, and so is done sooner up to some 10^6 rows, on near links as on far ones.)
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest: multiplications and a [`linear_form`].
///
/// # Source
/// \[BP05\], see the module.
pub fn count_ones<R: Arithmetic>(s: &mut Session, bits: &Bits) -> Result<Shared<R>, SessionError> {
    let width = bits.width();
    if bits.rows() == 0 || width == 0 {
        return Ok(Shared::zeros(width));
    }
    let mut classes = vec![by_words(bits)];
    while classes.iter().any(|class| class.len() > 2 * width) {
        classes = add_threes(s, &classes, width)?;
    }
    // One plane a counter bit, whose rows are the lanes of all counted planes.
    let weights: Vec<usize> = (0..)
        .zip(&classes)
        .flat_map(|(weight, class)| std::iter::repeat_n(weight, class.len() / width))
        .collect();
    let classes: Vec<&Shared<B64>> = classes.iter().collect();
    let counters = Bits::from_planes(64 * width, weights.len(), Shared::concat(&classes));
    linear_form::<R>(s, &counters, width, |input, output| {
        for (plane, weight) in input.chunks(64 * width).zip(&weights) {
            for (lanes, sum) in plane.chunks(64).zip(output.iter_mut()) {
                let mut term = [lanes.iter().fold(R::ZERO, |sum, lane| R::add(sum, *lane))];
                R::scale_assign(&mut term, R::power_of_two(*weight));
                *sum = R::add(*sum, term[0]);
            }
        }
    })
}

/// Twin of [`count_ones`].
pub fn count_ones_cost<R: Arithmetic>(m: &mut Meter, rows: usize, width: usize) {
    let mut classes = vec![rows.div_ceil(64)];
    while width > 0 && classes.iter().any(|items| *items > 2) {
        let adders: usize = classes.iter().map(|items| items / 3).sum();
        products_cost::<B64>(m, adders * width);
        let carries = std::iter::once(0).chain(classes.iter().map(|items| items / 3));
        let stays = classes.iter().map(|items| items / 3 + items % 3).chain([0]);
        classes = stays.zip(carries).map(|(stay, carry)| stay + carry).collect();
        if classes.last() == Some(&0) {
            classes.pop();
        }
    }
    if rows > 0 {
        let counters: usize = classes.iter().sum();
        linear_form_cost::<R>(m, 64 * width * counters, width);
    }
}

/// The words of all planes, word 0 of each first, bits beyond the rows cleared.
fn by_words(bits: &Bits) -> Shared<B64> {
    let mut bits = bits.clone();
    bits.clear_beyond_rows();
    let (width, stride) = (bits.width(), bits.stride());
    bits.planes().map(|words| {
        let mut out = Buf::scratch(words.len());
        for (at, word) in out.iter_mut().enumerate() {
            *word = words[at % width * stride + at / width];
        }
        out
    })
}

/// A layer of full adders: of each weight, three items make one of it and one of the next.
fn add_threes(
    s: &mut Session,
    classes: &[Shared<B64>],
    width: usize,
) -> Result<Vec<Shared<B64>>, SessionError> {
    let part = |class: &Shared<B64>, third: usize| {
        let items = class.len() / width / 3 * width;
        class.slice(third * items, (third + 1) * items)
    };
    let thirds: Vec<[Shared<B64>; 3]> =
        classes.iter().map(|class| [0, 1, 2].map(|third| part(class, third))).collect();
    // carry(a, b, c) = (a ⊕ c)·(b ⊕ c) ⊕ c
    let factors: Vec<_> = thirds.iter().map(|[a, b, c]| (a.plus(c), b.plus(c))).collect();
    let todo: Vec<_> = factors.iter().map(|(a, b)| (View::all(a), View::all(b))).collect();
    let made = products::<B64>(s, &todo)?;
    let mut at = 0;
    let mut carried = Shared::<B64>::zeros(0);
    let mut next = Vec::with_capacity(classes.len() + 1);
    for ((class, [_, _, c]), (a_c, b_c)) in classes.iter().zip(&thirds).zip(&factors) {
        let sums = a_c.plus(b_c).plus(c);
        let rest = class.slice(3 * c.len(), class.len());
        next.push(Shared::concat(&[&sums, &rest, &carried]));
        carried = made.slice(at, at + c.len()).plus(c);
        at += c.len();
    }
    if !carried.is_empty() {
        next.push(carried);
    }
    Ok(next)
}

/// The sum of a column of unsigned bit-sliced integers, as one word modulo 2^k.
///
/// # Shape
/// n rows × w, n below 2^k in a ring of k bits; returns 1 word.
///
/// # Cost
/// That of [`count_ones`].
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// That of [`count_ones`].
///
/// # Source
/// That of [`count_ones`].
pub fn sum_bits<R: Arithmetic>(s: &mut Session, of: &Bits) -> Result<Shared<R>, SessionError> {
    Ok(count_ones::<R>(s, of)?.map(|counts| {
        let mut sum = Buf::zeroed(1);
        super::weigh::add_weighted::<R>(counts, &mut sum, R::power_of_two);
        sum
    }))
}

/// Twin of [`sum_bits`].
pub fn sum_bits_cost<R: Arithmetic>(m: &mut Meter, rows: usize, width: usize) {
    count_ones_cost::<R>(m, rows, width);
}

/// How many live rows have each value of a key of few bits.
///
/// # Shape
/// `keys`: n rows × k, k at most 20; `live`: n rows of 1 bit; returns 2^k counts.
///
/// # Cost
/// That of [`one_hot`], a mask of 2^k − 1 planes (1 round), and [`count_ones`] of 2^k planes: about 3 · 2^k bits a row and party.
///
/// # Errors
/// [`SessionError::Shape`] if the rows differ; channel errors pass through.
///
/// # Security
/// Semi-honest: multiplications and a [`linear_form`]. The counts stay shared.
///
/// # Source
/// [`one_hot`]'s and \[BP05\], see the modules.
pub fn histogram<R: Arithmetic>(
    s: &mut Session,
    keys: &Bits,
    live: &Bits,
) -> Result<Shared<R>, SessionError> {
    let hot = live_one_hot(s, keys, live)?;
    count_ones::<R>(s, &hot)
}

/// Twin of [`histogram`].
pub fn histogram_cost<R: Arithmetic>(m: &mut Meter, rows: usize, key: usize) {
    live_one_hot_cost(m, rows, key);
    count_ones_cost::<R>(m, rows, 1 << key);
}

/// The sum of each measure over the live rows of each value of a key of few bits.
///
/// # Shape
/// `keys`: n rows × k, k at most 20; `live`: n rows of 1 bit; v measures of n words, one behind the other. Returns 2^k × v sums, row
/// by row.
///
/// # Cost
/// That of [`one_hot`], a mask of 2^k − 1 planes (1 round), an injection of 2^k · n bits, and a product of matrices
/// (1 round, 2^k · v words).
///
/// # Errors
/// [`SessionError::Shape`] if the rows differ; channel errors pass through.
///
/// # Security
/// Semi-honest: multiplications and injections. The sums stay shared.
pub fn histogram_sums<R: Arithmetic>(
    s: &mut Session,
    keys: &Bits,
    live: &Bits,
    measures: &Shared<R>,
    count: usize,
) -> Result<Shared<R>, SessionError> {
    s.same_len(measures.len(), count * keys.rows())?;
    let hot = live_one_hot(s, keys, live)?;
    let lanes = inject::<R>(s, &hot)?;
    let measures = MatrixView::new(measures, count, keys.rows()).transposed();
    product(s, MatrixView::new(&lanes, hot.width(), hot.rows()), measures)
}

/// Twin of [`histogram_sums`], for `measures` columns.
pub fn histogram_sums_cost<R: Arithmetic>(m: &mut Meter, rows: usize, key: usize, measures: usize) {
    live_one_hot_cost(m, rows, key);
    inject_cost::<R>(m, rows, 1 << key);
    matmul_cost::<R>(m, 1 << key, measures);
}

/// One-hot bits of the live rows, none of the others.
fn live_one_hot(s: &mut Session, keys: &Bits, live: &Bits) -> Result<Bits, SessionError> {
    s.same_len(keys.rows(), live.rows())?;
    let hot = one_hot(s, keys)?;
    let masked = mask_bits(s, &hot.bit_range(1, hot.width() - 1), live)?;
    // The one that is left: live where no other bit is.
    let first =
        (0..masked.width()).fold(live.clone(), |first, bit| first.xor(&masked.bit_range(bit, 1)));
    Ok(Bits::beside(&[&first, &masked]))
}

fn live_one_hot_cost(m: &mut Meter, rows: usize, key: usize) {
    one_hot_cost(m, rows, key);
    mask_bits_cost(m, rows, (1 << key) - 1);
}
