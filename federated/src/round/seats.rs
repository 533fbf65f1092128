//! What a party knows of the providers that do not compute: who is there, who was asked, and whose link was lost.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::guest::{Event, News};

/// A round that can do without a provider whose link was lost waits for it no longer than this, and no longer than a part of its own
/// time: about what a daemon that was killed takes to be up again.
const AWAY: Duration = Duration::from_secs(5);
/// That part.
const OF_ROUND: u32 = 4;

/// How long that is in rounds of so long.
pub(super) fn patience(deadline: Duration) -> Duration {
    AWAY.min(deadline / OF_ROUND)
}

/// What is known of a guest.
#[derive(Clone, Copy)]
enum Seat {
    /// Waits for the next round.
    Idle,
    /// Was asked in this round.
    Asked(u64),
    /// Its link was lost and is being made anew; until then it is waited for, and longer where it is needed.
    Away { asked: Option<u64>, until: Instant },
    /// Its link failed, and does not come about again.
    Gone,
}

/// All guests.
pub(super) struct Seats {
    seats: BTreeMap<usize, Seat>,
    away: Duration,
}

impl Seats {
    /// All are there.
    pub(super) fn new(guests: impl Iterator<Item = usize>, deadline: Duration) -> Self {
        let seats = guests.map(|number| (number, Seat::Idle)).collect();
        Self { seats, away: patience(deadline) }
    }

    /// How long who is away is waited for.
    pub(super) fn patience(&self) -> Duration {
        self.away
    }

    /// Whether one can be asked: it is no guest, or does nothing.
    pub(super) fn is_here(&self, number: usize) -> bool {
        self.seats.get(&number).is_none_or(|seat| seat.is_here())
    }

    /// How many guests can be asked.
    pub(super) fn here(&self) -> usize {
        self.seats.values().filter(|seat| seat.is_here()).count()
    }

    /// A guest is asked; one that is away when it is back.
    pub(super) fn ask(&mut self, number: usize, round: u64) {
        self.change(number, |seat| match seat {
            Seat::Away { until, .. } => Seat::Away { asked: Some(round), until },
            _ => Seat::Asked(round),
        });
    }

    /// Nobody serves a guest any more.
    pub(super) fn lose(&mut self, number: usize) {
        self.change(number, |_| Seat::Gone);
    }

    /// A guest has done something.
    pub(super) fn note(&mut self, event: &Event) {
        let until = Instant::now() + self.away;
        self.change(event.provider, |seat| match (&event.news, seat) {
            (News::Away, Seat::Asked(round)) => Seat::Away { asked: Some(round), until },
            (News::Away, _) => Seat::Away { asked: None, until },
            (News::Back, Seat::Away { asked: Some(round), .. }) => Seat::Asked(round),
            (News::Back, seat @ Seat::Asked(_)) => seat,
            (News::Back | News::Landed(_), _) => Seat::Idle,
            (News::Lost(_), _) => Seat::Gone,
        });
    }

    /// How many were asked in this round and are there to answer.
    pub(super) fn asked(&self, round: u64) -> usize {
        self.seats.values().filter(|seat| matches!(seat, Seat::Asked(of) if *of == round)).count()
    }

    /// Until when an answer of such a round is to be waited for, where it must not be later than `until`; nothing if there is nobody, or
    /// it is over. Where it cannot be done without them, `needed`, who is away is waited for as long as who is there.
    pub(super) fn waits(
        &self,
        of: impl Fn(u64) -> bool,
        (until, needed): (Instant, bool),
    ) -> Option<Instant> {
        let (due, now) = (self.seats.values(), Instant::now());
        let ends = due.filter_map(|seat| match *seat {
            Seat::Asked(round) if of(round) => Some(until),
            Seat::Away { asked: Some(round), .. } if needed && of(round) => Some(until),
            Seat::Away { asked: Some(round), until: back } if of(round) => Some(back.min(until)),
            _ => None,
        });
        ends.max().filter(|end| *end > now)
    }

    /// The same for whoever is away without having been asked.
    pub(super) fn returns(&self, until: Instant) -> Option<Instant> {
        let away = |seat: &Seat| matches!(seat, Seat::Away { .. });
        self.seats.values().any(away).then_some(until).filter(|end| *end > Instant::now())
    }

    fn change(&mut self, number: usize, to: impl FnOnce(Seat) -> Seat) {
        if let Some(seat) = self.seats.get_mut(&number) {
            *seat = to(*seat);
        }
    }
}

impl Seat {
    fn is_here(&self) -> bool {
        match self {
            Self::Idle => true,
            Self::Away { asked: None, until } => *until > Instant::now(),
            _ => false,
        }
    }
}
