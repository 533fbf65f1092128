//! What memory a compute party of a training takes by itself: everybody is a process of its own.

use std::{
    io::{self, BufRead as _},
    net::SocketAddr,
    sync::Arc,
};

use federated::round::Course;
use protocols::{
    net::{
        Channel,
        loopback::{self, Authority, Credentials},
        tls::LinkConfig,
    },
    party::PartyId,
    session::Counters,
};
use serde::{Deserialize, Serialize};

use super::{
    command::Line,
    masks,
    round::{self, PROVIDERS, STALL, one_round},
};
use crate::{
    Failure,
    figure::{peak_rss, reset_peak},
    party::{hear, tell},
    processes::{Party, timed},
};

pub(super) const NAME: &str = "party";
/// The same of two hundred providers.
pub(super) const CROWD: &str = "party/200";
/// The same with updates in words of 32 bits.
pub(super) const NARROW: &str = "party/32";
/// The same with one party that adds up masked updates, of ten providers and of thirty-two.
pub(super) const MASKS: &str = "party/masks";
pub(super) const MANY: &str = "party/masks/32";
const NOTE: &str = "rounds of providers over TLS, a process each, with their first one; the memory is that of the largest compute \
                    party, twice its model and 256 MiB at most";

/// What is measured.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Kind {
    /// Three parties, on shares in words of 64 bits, of so many providers.
    Wide(u16),
    /// In words of 32.
    Narrow,
    /// One party, by masks of so many providers.
    Masks(u16),
}

/// What a party is told first.
#[derive(Serialize, Deserialize)]
struct Order {
    seat: u16,
    n: usize,
    rounds: u32,
    kind: Kind,
    credentials: String,
}

/// What a party says in the end.
#[derive(Serialize, Deserialize)]
struct Told {
    peak_rss: u64,
    exact: bool,
}

/// The seconds of a line are those of a round, on average.
pub(super) fn run(n: usize, reps: u32) -> Result<Line, Failure> {
    measured((NAME, Kind::Wide(PROVIDERS)), (n, reps))
}

pub(super) fn run_crowd(n: usize, reps: u32) -> Result<Line, Failure> {
    measured((CROWD, Kind::Wide(200)), (n, reps))
}

pub(super) fn run_narrow(n: usize, reps: u32) -> Result<Line, Failure> {
    measured((NARROW, Kind::Narrow), (n, reps))
}

pub(super) fn run_masks(n: usize, reps: u32) -> Result<Line, Failure> {
    measured((MASKS, Kind::Masks(PROVIDERS)), (n, reps))
}

pub(super) fn run_many(n: usize, reps: u32) -> Result<Line, Failure> {
    measured((MANY, Kind::Masks(32)), (n, reps))
}

impl Kind {
    fn providers(self) -> u16 {
        match self {
            Self::Narrow => PROVIDERS,
            Self::Wide(providers) | Self::Masks(providers) => providers,
        }
    }

    fn course(self, (n, rounds): (usize, u32)) -> Result<Course, Failure> {
        match self {
            Self::Wide(providers) => round::course_of(providers, (n, rounds)),
            Self::Narrow => round::narrow(n, rounds),
            Self::Masks(providers) => masks::course_of(providers, (n, rounds)),
        }
    }

    fn one_round(self, course: &Course) -> Result<Counters, Failure> {
        match self {
            Self::Wide(_) | Self::Narrow => Ok(one_round(course)),
            Self::Masks(_) => masks::one_round(course),
        }
    }

    /// Plays a seat's part; the model, where it has one.
    fn play(
        self,
        channel: Arc<dyn Channel>,
        course: &Course,
        seat: u16,
    ) -> Result<Option<Vec<f32>>, Failure> {
        match (self, seat, seat.checked_sub(3)) {
            (Self::Masks(_), 0, _) => masks::party(channel, course).map(Some),
            (Self::Masks(_), _, Some(number)) => {
                masks::guest(channel, course, usize::from(number)).map(|()| None)
            }
            // Nobody sits there.
            (Self::Masks(_), ..) => Ok(None),
            (_, _, None) => Ok(Some(round::party(channel, course, &mut || Ok(()))?)),
            (_, _, Some(number)) => {
                round::guest(channel, course, usize::from(number));
                Ok(None)
            }
        }
    }
}

fn measured((case, kind): (&'static str, Kind), (n, reps): (usize, u32)) -> Result<Line, Failure> {
    let authority = Authority::new()?;
    let mut parties = Vec::new();
    for seat in 0..3 + kind.providers() {
        let mut party = Party::start("train-party")?;
        let credentials = authority.issue(PartyId(seat))?.to_pem().into();
        party.tell(&Order { seat, n, rounds: reps, kind, credentials })?;
        parties.push(party);
    }
    let addresses: Vec<SocketAddr> =
        parties.iter_mut().map(Party::hear).collect::<Result<_, _>>()?;
    parties.iter_mut().try_for_each(|party| party.tell(&addresses))?;
    let (took, told) = timed::<Told>(&mut parties)?;
    let largest = told.iter().take(3).map(|party| party.peak_rss).max().unwrap_or(0);
    let most = 2 * 4 * n as u64 + (256 << 20);
    let one = kind.one_round(&kind.course((n, reps))?)?;
    Ok(Line {
        case,
        n,
        parties: 3 + kind.providers(),
        network: "loopback",
        seconds: took.as_secs_f64() / f64::from(reps),
        bytes_sent: one.bytes,
        rounds: one.rounds,
        peak_rss_bytes: largest,
        exact: told.iter().all(|party| party.exact) && largest <= most,
        note: NOTE.to_owned(),
    })
}

/// Serves one order: its address, then `ready`, and after a line of any kind `done` and what it saw.
pub(crate) fn serve() -> Result<bool, Failure> {
    let mut input = io::stdin().lock().lines();
    let order: Order = hear(&mut input)?;
    let listener = loopback::bind()?;
    tell(&listener.local_addr()?)?;
    let addresses: Vec<SocketAddr> = hear(&mut input)?;
    let credentials = Credentials::from_pem(&order.credentials)?;
    let (me, config) = (PartyId(order.seat), LinkConfig::with_stall(STALL).with_guests());
    let channel = loopback::connect(me, &listener, &addresses, &credentials, config)?;
    let channel: Arc<dyn Channel> = Arc::new(channel);
    let course = order.kind.course((order.n, order.rounds))?;
    tell(&"ready")?;
    hear::<String>(&mut input)?;
    reset_peak();
    let trained = order.kind.play(channel, &course, order.seat)?;
    let peak_rss = peak_rss();
    tell(&"done")?;
    let exact = trained.is_none_or(|model| round::is_right(&model, &course));
    tell(&Told { peak_rss, exact })?;
    Ok(exact)
}
