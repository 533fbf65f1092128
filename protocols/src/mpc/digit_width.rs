//! How many bits a digit of the radix sort has.

use super::sort::sort_positions_by_cost;
use crate::session::{Meter, Profile};

/// Processor time that a digit takes for a row, of all parties together, in picoseconds: what does not depend on the digit's width
/// (permutations, gathers), and what each of its lanes costs. Measured over the memory network on a Zen 5 core with AVX-512:
/// digits of 1, 2, 3 and 4 bits took 39, 50, 83 and 153 ns with 10^5 rows, and 60, 71, 94 and 162 ns with 10^6.
const PER_ROW: u64 = 42_000;
const PER_LANE: u64 = 7_500;
/// How many of the parties' processors work at a time.
const AT_ONCE: u64 = 2;

/// The digit width, 1 to 4 bits, by which a sort of `rows` keys of `width` bits is expected to end first: the exact bytes
/// and rounds of its messages on links of this profile, and an estimate of its computing. Depends on public sizes only, and all in
/// integers, so that all parties choose alike.
#[must_use]
pub fn digit_width(profile: Profile, rows: usize, width: usize) -> usize {
    (1..=4).min_by_key(|digit| modelled_nanos(profile, rows, width, *digit)).unwrap_or(1)
}

/// The modelled time of a sort.
fn modelled_nanos(profile: Profile, rows: usize, width: usize, digit: usize) -> u64 {
    let mut meter = Meter::on(profile);
    sort_positions_by_cost(&mut meter, rows, width, digit);
    let digits = width.div_ceil(digit) as u64;
    let lanes = (1_u64 << digit) - 1;
    let compute = rows as u64 * digits * (PER_ROW + lanes * PER_LANE) / (1000 * AT_ONCE);
    profile.link_nanos(meter.total()).saturating_add(compute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_has_the_least_modelled_time() {
        for profile in [Profile::LOOPBACK, Profile::LAN, Profile::WAN] {
            for rows in [0, 1, 1000, 100_000, 1_000_000] {
                for width in [0, 1, 5, 32, 64] {
                    let chosen = digit_width(profile, rows, width);
                    let least =
                        (1..=4).map(|digit| modelled_nanos(profile, rows, width, digit)).min();
                    assert_eq!(Some(modelled_nanos(profile, rows, width, chosen)), least);
                }
            }
        }
    }

    #[test]
    fn far_links_want_wider_digits_than_near_ones() {
        // Many rows on near links: bytes and computing decide. Few rows on far ones: rounds do.
        assert!(digit_width(Profile::LAN, 1_000_000, 32) < digit_width(Profile::WAN, 1000, 32));
        assert_eq!(digit_width(Profile::WAN, 1000, 32), 4);
    }
}
