//! Whatever a party receives is masked, and no mask serves twice: words received are uniform for the inputs 0 and 2^63, one by
//! one and in pairs, also when the shares themselves hide nothing.

use protocols::{
    mpc::{self, Column, Shuffle},
    party::Role,
    ring::{B64, Buf, Ring, Z32, Z64},
    session::{Session, SessionError},
    share::{Bits, Shared},
    testkit::{World, share_bits, test_prss},
};

use super::view::{combine, record, uniform};

const ROWS: usize = 16_384;

/// Shares of one value in every row: dealt at random, or all of it in one summand that two parties know.
#[derive(Clone, Copy)]
struct Values {
    world: World,
    dealt: bool,
    value: u64,
}

impl Values {
    fn words(self, s: &Session, label: u64) -> Shared<Z64> {
        self.constant(s, label, self.value)
    }

    fn constant(self, s: &Session, label: u64, value: u64) -> Shared<Z64> {
        let values = vec![value; ROWS];
        if self.dealt {
            self.world.deal::<Z64>(label + self.value, &values)[s.role().index()].clone()
        } else {
            Shared::public(s.role(), &values)
        }
    }

    /// The highest `width` bits.
    fn bits(self, s: &Session, label: u64, width: usize) -> Bits {
        let values = vec![self.value >> (64 - width); ROWS];
        if self.dealt {
            share_bits(self.world, label + self.value, &values, width)[s.role().index()].clone()
        } else {
            Bits::public(s.role(), &values, width)
        }
    }
}

type Protocol = fn(&mut Session, Values) -> Result<(), SessionError>;

/// Runs a protocol on 0 and then on 2^63 in one session, and looks at everything each party received.
fn masked(protocol: Protocol) -> Result<(), String> {
    for dealt in [false, true] {
        let world = World::new(u64::from(dealt) + 40);
        let (_, views) = record(world, |s| {
            protocol(s, Values { world, dealt, value: 0 })?;
            protocol(s, Values { world, dealt, value: 1 << 63 })
        });
        let mut any = false;
        for (party, view) in views.iter().enumerate() {
            let messages: Vec<Vec<u8>> = view.received().into_iter().flatten().collect();
            let why = |why: String| format!("P{party}, dealt: {dealt}: {why}");
            for (at, message) in messages.iter().enumerate().filter(|(_, m)| m.len() >= 1280) {
                any = true;
                uniform(message).map_err(why)?;
                // A mask that serves twice cancels in a difference.
                for other in messages[..at].iter().filter(|other| other.len() == message.len()) {
                    uniform(&combine(message, other, u64::wrapping_sub)).map_err(why)?;
                    uniform(&combine(message, other, u64::wrapping_add)).map_err(why)?;
                    uniform(&combine(message, other, |a, b| a ^ b)).map_err(why)?;
                }
            }
        }
        if !any {
            return Err("nothing was received".to_owned());
        }
    }
    Ok(())
}

const HONEST: &[(&str, Protocol)] = &[
    ("mul", |s, v| mpc::mul(s, &v.words(s, 1), &v.constant(s, 2, 1)).map(drop)),
    ("products", |s, v| {
        let (x, y) = (v.words(s, 1), v.words(s, 2));
        let (x, y) = (mpc::View::all(&x), mpc::View::all(&y));
        mpc::products(s, &[(x, y), (y, y)]).map(drop)
    }),
    ("sum of products", |s, v| {
        let (x, y) = (v.words(s, 1), v.words(s, 2));
        let (x, y) = (mpc::View::all(&x), mpc::View::all(&y));
        mpc::sum_of_products(s, ROWS, &[(x, y), (x, x)]).map(drop)
    }),
    ("and", |s, v| mpc::and(s, &v.bits(s, 1, 2), &v.bits(s, 2, 2)).map(drop)),
    ("reshare", |s, v| mpc::reshare(s, &v.words(s, 1)).map(drop)),
    ("inject z64", |s, v| mpc::inject::<Z64>(s, &v.bits(s, 1, 1)).map(drop)),
    ("inject z32", |s, v| mpc::inject::<Z32>(s, &v.bits(s, 1, 3)).map(drop)),
    ("to bits", |s, v| mpc::to_bits(s, &v.words(s, 1), 5).map(drop)),
    ("from bits", |s, v| mpc::from_signed_bits::<Z64>(s, &v.bits(s, 1, 5)).map(drop)),
    ("lt", |s, v| mpc::lt(s, &v.words(s, 1), &v.constant(s, 2, 0), 63).map(drop)),
    ("eq", |s, v| mpc::eq(s, &v.words(s, 1), &v.constant(s, 2, 0), 64).map(drop)),
    ("mask", |s, v| mpc::mask(s, &v.words(s, 1), &v.bits(s, 2, 1)).map(drop)),
    ("select", |s, v| {
        let (x, y) = (v.words(s, 1), v.constant(s, 3, 7));
        mpc::select_words(s, &v.bits(s, 2, 1), &x, &y).map(drop)
    }),
    ("shuffle", |s, v| {
        let columns = [Column::Z64(v.words(s, 1)), Column::Bits(v.bits(s, 2, 3))];
        let shuffle = Shuffle::draw(s, ROWS);
        let there = shuffle.apply(s, &columns)?;
        shuffle.undo(s, &there).map(drop)
    }),
    ("sort", |s, v| mpc::sort_positions(s, &v.bits(s, 1, 5)).map(drop)),
    ("matmul", |s, v| {
        let (x, y) = (v.words(s, 1).slice(0, 1024), v.words(s, 2).slice(0, 1024));
        mpc::matmul(s, &x, (128, 8), &y, (8, 128)).map(drop)
    }),
    ("from bits", |s, v| mpc::from_bits::<Z64>(s, &v.bits(s, 1, 3)).map(drop)),
    ("lookup", |s, v| {
        let table: Vec<u64> = (0..64).map(|entry| entry * entry).collect();
        mpc::lookup_words::<Z64>(s, &v.bits(s, 1, 6), &table).map(drop)
    }),
    ("count", |s, v| mpc::count_ones::<Z64>(s, &v.bits(s, 1, 64)).map(drop)),
    ("segmented sums", |s, v| mpc::segmented_sums(s, &v.words(s, 1), &v.bits(s, 2, 1)).map(drop)),
    ("input", |s, v| {
        for owner in Role::ALL {
            let mine = vec![v.value; ROWS];
            let mine = (s.role() == owner).then_some(mine.as_slice());
            mpc::input::<Z64>(s, owner, mine, ROWS)?;
            mpc::input::<B64>(s, owner, mine, ROWS)?;
        }
        Ok(())
    }),
];

#[test]
fn what_is_received_is_uniform_whatever_the_inputs() {
    for (name, protocol) in HONEST {
        assert_eq!(masked(*protocol), Ok(()), "{name}");
    }
}

/// A product whose summands are sent as they are.
fn mul_unmasked(s: &mut Session, x: &Shared<Z64>, y: &Shared<Z64>) -> Result<(), SessionError> {
    mul_under(s, x, y, vec![0; x.len()])
}

fn mul_under(
    s: &mut Session,
    x: &Shared<Z64>,
    y: &Shared<Z64>,
    mut own: Vec<u64>,
) -> Result<(), SessionError> {
    Z64::cross(&mut own, (x.own(), x.next()), (y.own(), y.next()));
    s.exchange::<Z64>(&own).map(drop)
}

const BROKEN: &[(&str, Protocol)] = &[
    ("mul without a zero share", |s, v| {
        let (x, y) = (v.words(s, 1), v.constant(s, 2, 1));
        mul_unmasked(s, &x, &y)
    }),
    ("mul whose zero share is the same each time", |s, v| {
        let mut zero = vec![0; ROWS];
        test_prss(9, s.role()).zero_share::<Z64>(&mut zero);
        let (x, y) = (v.words(s, 1), v.constant(s, 2, 1));
        mul_under(s, &x, &y, zero)
    }),
    ("mul whose zero share is one block over and over", |s, v| {
        let mut block = [0; 2];
        s.prss().zero_share::<Z64>(&mut block);
        let (x, y) = (v.words(s, 1), v.constant(s, 2, 1));
        mul_under(s, &x, &y, block.repeat(ROWS / 2))
    }),
    ("and whose masks are arithmetic ones of 32 bits", |s, v| {
        let mut zero = vec![0; ROWS];
        s.prss().zero_share::<Z32>(&mut zero);
        let (x, y) = (v.words(s, 1), v.constant(s, 2, 1));
        mul_under(s, &x, &y, zero.into_iter().map(u64::from).collect())
    }),
    ("reshare that hands on what it has", |s, v| {
        // Forgets the fresh zero share; with shares computed from known ones nothing hides them.
        let own = v.words(s, 1).own().to_vec();
        s.exchange::<Z64>(&own).map(drop)
    }),
    ("input in clear", |s, v| {
        if s.role() == Role::P0 {
            s.send(Role::P1.id(), &vec![v.value; ROWS])?;
        }
        if s.role() == Role::P1 {
            s.recv(Role::P0.id(), &mut Buf::<u64>::zeroed(ROWS))?;
        }
        Ok(())
    }),
    ("inject whose second mask is the first", |s, v| {
        // P1 receives c − m from P0 and b·c_0 − m from P2, under one mask m of P0 and P2.
        let m = s.prss().summand::<Z64>(Role::P0, ROWS);
        let zeros = vec![v.value >> 63; ROWS];
        match (s.role(), m) {
            (Role::P1, _) => {
                s.recv(Role::P0.id(), &mut Buf::<u64>::zeroed(ROWS))?;
                s.recv(Role::P2.id(), &mut Buf::<u64>::zeroed(ROWS))
            }
            (_, Some(m)) => {
                let mut word = Buf::copy_of(&zeros);
                Z64::sub_assign(&mut word, &m);
                s.send(Role::P1.id(), &word)
            }
            _ => Ok(()),
        }
    }),
    ("shuffle whose first hop has no mask", |s, v| {
        let x = v.words(s, 1);
        match s.role() {
            Role::P0 => {
                let part: Vec<u64> =
                    x.own().iter().zip(x.next()).map(|(a, b)| a.wrapping_add(*b)).collect();
                s.send(Role::P2.id(), &part)
            }
            Role::P2 => s.recv(Role::P0.id(), &mut Buf::<u64>::zeroed(ROWS)),
            Role::P1 => Ok(()),
        }
    }),
];

#[test]
fn a_missing_or_reused_mask_is_seen() {
    for (name, protocol) in BROKEN {
        assert!(masked(*protocol).is_err(), "{name} went unseen");
    }
}
