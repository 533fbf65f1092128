//! The best cut of each node, on shares.

use protocols::{
    mpc::{
        Extremum, View, and, and_cost, arg_extremes, arg_extremes_cost, inject, inject_cost,
        lt_zero, lt_zero_cost, mask_bits, mask_bits_cost, mul, mul_cost, products, products_cost,
        sum_of_products, sum_of_products_cost, widen, widen_cost,
    },
    ring::{Arithmetic, Buf, Z64, Z128},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

use super::{
    fractions::{Fractions, is_less, is_less_cost},
    layout::{KINDS, for_each_cut},
    setting::Setting,
};

/// The best cut of each node: whether there is one that gains anything, and under it its number; zeros where there is none.
///
/// # Shape
/// `left`: rows, ΣG and ΣH left of each cut of each node; `whole`: those of the nodes. Returns a row a node.
pub(super) fn best_cuts(
    s: &mut Session,
    setting: &Setting,
    left: &Shared<Z64>,
    whole: &Shared<Z64>,
) -> Result<Bits, SessionError> {
    let nodes = whole.len() / KINDS;
    let spread =
        whole.map(|words| each_kind(words, |kind| for_each_cut(kind, setting.candidates())));
    let fits = is_fit(s, setting, left, &spread)?;
    let wide = wide_sums(s, left, whole)?;
    let gains = gains(s, setting, &wide, nodes)?;
    let gains = keep(s, gains, &fits)?;
    let width = setting.product_width;
    let (best, place) = arg_extremes(s, &gains, setting.candidates(), Extremum::Max, width)?;
    let [gradient, hessian] = wide.whole;
    // G²/(H + λ) + 2γ, what the best cut must exceed.
    let mut below = hessian;
    below.add_constant(s.role(), u128::from(setting.lambda));
    let mut above = mul(s, &gradient, &gradient)?;
    let mut more = below.clone();
    more.scale(u128::from(setting.gamma));
    above.add_assign(&more);
    let gains = is_less(s, [&above, &below], [&best.upper, &best.lower], width)?;
    let place = mask_bits(s, &place, &gains)?;
    Ok(Bits::beside(&[&place, &gains]))
}

/// Twin of [`best_cuts`].
pub(super) fn best_cuts_cost(m: &mut Meter, setting: &Setting, nodes: usize) {
    let (candidates, width) = (setting.candidates(), setting.product_width);
    let n = candidates * nodes;
    lt_zero_cost(m, 2 * n, setting.row_width());
    and_cost(m, n, 1);
    widen_cost(m, 2 * (n + nodes));
    products_cost::<Z128>(m, 3 * n);
    sum_of_products_cost::<Z128>(m, n);
    inject_cost::<Z128>(m, n, 1);
    products_cost::<Z128>(m, 2 * n);
    arg_extremes_cost::<Fractions>(m, nodes, candidates, width);
    mul_cost::<Z128>(m, nodes);
    is_less_cost(m, nodes, width);
    mask_bits_cost(m, nodes, setting.place_bits());
}

/// More than any sum.
const OFFSET: u64 = 1 << 62;

/// Gradients and hessians in 128 bits.
struct Wide {
    left: [Shared<Z128>; 2],
    whole: [Shared<Z128>; 2],
}

/// Whether both sides of a cut have as many rows as they must.
fn is_fit(
    s: &mut Session,
    setting: &Setting,
    left: &Shared<Z64>,
    whole: &Shared<Z64>,
) -> Result<Bits, SessionError> {
    let n = left.len() / KINDS;
    let mut few = left.slice(0, n);
    let mut rest = whole.slice(0, n).minus(&few);
    let least = setting.plan().least.wrapping_neg();
    few.add_constant(s.role(), least);
    rest.add_constant(s.role(), least);
    let few = lt_zero(s, &Shared::concat(&[&few, &rest]), setting.row_width())?.not(s.role());
    and(s, &few.row_range(0, n), &few.row_range(n, 2 * n))
}

fn wide_sums(
    s: &mut Session,
    left: &Shared<Z64>,
    whole: &Shared<Z64>,
) -> Result<Wide, SessionError> {
    let (n, nodes) = (left.len() / KINDS, whole.len() / KINDS);
    let role = s.role();
    let mut sums = Shared::concat(&[&left.slice(n, KINDS * n), &whole.slice(nodes, KINDS * nodes)]);
    // Signed sums, moved to where their top bit is 0.
    sums.add_constant(role, OFFSET);
    let mut wide = widen(s, &sums)?;
    wide.add_constant(role, u128::from(OFFSET).wrapping_neg());
    let whole = 2 * n;
    Ok(Wide {
        left: [wide.slice(0, n), wide.slice(n, whole)],
        whole: [wide.slice(whole, whole + nodes), wide.slice(whole + nodes, whole + 2 * nodes)],
    })
}

/// `(G_l²·B + G_r²·A) / (A·B)` for `A = H_l + λ` and `B = H_r + λ`.
fn gains(
    s: &mut Session,
    setting: &Setting,
    wide: &Wide,
    nodes: usize,
) -> Result<Fractions, SessionError> {
    let role = s.role();
    let [left, hessian] = &wide.left;
    let n = left.len();
    let candidates = n / nodes.max(1);
    let each = |of: &Shared<Z128>| of.map::<Z128>(|words| repeat(words, candidates));
    let right = each(&wide.whole[0]).minus(left);
    let mut b = each(&wide.whole[1]).minus(hessian);
    let mut a = hessian.clone();
    for side in [&mut a, &mut b] {
        side.add_constant(role, u128::from(setting.lambda));
    }
    let all = View::<Z128>::all;
    let first =
        products(s, &[(all(left), all(left)), (all(&right), all(&right)), (all(&a), all(&b))])?;
    let squares = [View::of(&first, 0, n), View::of(&first, n, 2 * n)];
    let upper = sum_of_products(s, n, &[(squares[0], all(&b)), (squares[1], all(&a))])?;
    Ok(Fractions { upper, lower: first.slice(2 * n, 3 * n) })
}

/// Fractions where the bit is 1, else 0/1.
fn keep(s: &mut Session, gains: Fractions, fits: &Bits) -> Result<Fractions, SessionError> {
    let (role, n) = (s.role(), fits.rows());
    let fits = inject::<Z128>(s, fits)?;
    let Fractions { upper, mut lower } = gains;
    lower.add_constant(role, Z128::from_i128(-1));
    let all = View::<Z128>::all;
    let kept = products(s, &[(all(&upper), all(&fits)), (all(&lower), all(&fits))])?;
    let mut lower = kept.slice(n, 2 * n);
    lower.add_constant(role, 1);
    Ok(Fractions { upper: kept.slice(0, n), lower })
}

fn each_kind(words: &[u64], f: impl Fn(&[u64]) -> Buf<u64>) -> Buf<u64> {
    let parts: Vec<Buf<u64>> = words.chunks((words.len() / KINDS).max(1)).map(f).collect();
    Buf::concat(&parts.iter().map(|part| &part[..]).collect::<Vec<_>>())
}

fn repeat(words: &[u128], times: usize) -> Buf<u128> {
    words.iter().copied().cycle().take(words.len() * times).collect()
}
