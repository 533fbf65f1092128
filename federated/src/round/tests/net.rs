//! Links in memory that are lost by plan and can be made anew, and guests that are killed by plan and come back.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Duration,
};

use protocols::{
    net::{Abort, Channel, ChannelError, Frame},
    party::{PartyId, Role},
};

/// Nothing in a test takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Two ends of a link, the lower one first.
pub(in crate::round) type Ends = (PartyId, PartyId);

/// When a link is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::round) struct Cut {
    pub(in crate::round) link: Ends,
    /// Which frame of the two over it is the first that does not arrive, from 0 after each time that it was made anew.
    pub(in crate::round) at: usize,
    /// Whether what was sent before it has arrived.
    pub(in crate::round) arrives: bool,
}

/// All links of a run.
pub(in crate::round) struct Net {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    links: BTreeMap<Ends, Link>,
    plan: Vec<Cut>,
    /// When a guest is killed: at a frame of one of its links.
    kills: Vec<Cut>,
    /// How often each was.
    lives: BTreeMap<PartyId, u32>,
    /// Who was killed and has not all links again.
    coming: Vec<PartyId>,
    abort: Option<Abort>,
}

/// What unwinds the thread of a guest that was killed.
struct Killed;

/// What comes of a part, or nothing where whoever plays it was killed. Any other panic goes on.
pub(in crate::round) fn unless_killed<T>(part: impl FnOnce() -> T) -> Option<T> {
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(part));
    ended.map_or_else(
        |why| if why.is::<Killed>() { None } else { std::panic::resume_unwind(why) },
        Some,
    )
}

#[derive(Default)]
struct Link {
    /// To the lower end, and to the higher one.
    queues: [VecDeque<Frame>; 2],
    /// Frames so far.
    passed: usize,
    lost: bool,
    /// Who waits for it to be made anew.
    calls: [bool; 2],
    /// One of the two is not there any more.
    left: bool,
    /// How often it was.
    times: u32,
    /// All frames and their bytes, since the beginning.
    carried: (usize, usize),
}

impl Net {
    /// Ends of so many parties that are cut like this, one after the other on each link.
    pub(in crate::round) fn mesh(parties: u16, plan: &[Cut]) -> (Arc<Self>, Vec<Arc<dyn Channel>>) {
        let state = Mutex::new(State { plan: plan.to_vec(), ..State::default() });
        let net = Arc::new(Self { state, changed: Condvar::new() });
        let ends = (0..parties).map(|me| net.end(PartyId(me)) as Arc<dyn Channel>).collect();
        (net, ends)
    }

    fn end(self: &Arc<Self>, me: PartyId) -> Arc<End> {
        let life = self.lock().lives.get(&me).copied().unwrap_or(0);
        Arc::new(End { me, life, net: Arc::clone(self) })
    }

    /// Kills the guest of a link when so many frames have passed over it: what was sent arrives, and the guest sees nothing more.
    pub(in crate::round) fn kill_at(&self, link: Ends, at: usize) {
        self.lock().kills.push(Cut { link, at, arrives: true });
    }

    /// Kills a guest, on its own thread.
    pub(in crate::round) fn kill(&self, guest: PartyId) -> ! {
        self.lock().kill(guest);
        self.changed.notify_all();
        std::panic::resume_unwind(Box::new(Killed));
    }

    /// How often a guest was killed.
    pub(in crate::round) fn lives(&self, guest: PartyId) -> u32 {
        self.lock().lives.get(&guest).copied().unwrap_or(0)
    }

    /// A guest that was killed is back: its end, when these parties have made their links with it anew.
    pub(in crate::round) fn back(
        self: &Arc<Self>,
        guest: PartyId,
        parties: &[Role],
    ) -> Arc<dyn Channel> {
        let end = self.end(guest);
        parties.iter().for_each(|role| end.renew(role.id()).unwrap());
        self.lock().coming.retain(|other| *other != guest);
        end
    }

    /// How often a link was made anew.
    pub(in crate::round) fn times(&self, link: Ends) -> u32 {
        self.lock().links.get(&link).map_or(0, |link| link.times)
    }

    /// Frames and bytes that were sent over a link.
    pub(in crate::round) fn carried(&self, link: Ends) -> (usize, usize) {
        self.lock().links.get(&link).map_or((0, 0), |link| link.carried)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Waits until something is there.
    fn wait<T>(&self, mut ready: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let mut found = None;
        let held = self.changed.wait_timeout_while(self.lock(), PATIENCE, |state| {
            found = ready(state);
            found.is_none()
        });
        drop(held.unwrap());
        found
    }
}

impl State {
    fn kill(&mut self, guest: PartyId) {
        *self.lives.entry(guest).or_default() += 1;
        self.coming.push(guest);
        for role in Role::ALL {
            let link = self.links.entry((role.id(), guest)).or_default();
            link.lost = true;
            link.queues[1].clear();
        }
    }
}

/// One party's end.
struct End {
    me: PartyId,
    /// Of a guest that was killed only the last one is there.
    life: u32,
    net: Arc<Net>,
}

impl End {
    fn is_dead(&self, state: &State) -> bool {
        state.lives.get(&self.me).is_some_and(|life| *life > self.life)
    }

    /// Whoever was killed does not see what it asked for.
    fn alive(&self) {
        if self.is_dead(&self.net.lock()) {
            std::panic::resume_unwind(Box::new(Killed));
        }
    }

    fn leave(&self) {
        let mut state = self.net.lock();
        if self.is_dead(&state) {
            return;
        }
        let mine = |ends: &Ends| ends.0 == self.me || ends.1 == self.me;
        state
            .links
            .iter_mut()
            .filter(|(ends, _)| mine(ends))
            .for_each(|(_, link)| link.left = true);
        drop(state);
        self.net.changed.notify_all();
    }

    fn with(&self, peer: PartyId) -> (Ends, usize) {
        ((self.me.min(peer), self.me.max(peer)), usize::from(self.me > peer))
    }
}

impl Channel for End {
    fn me(&self) -> PartyId {
        self.me
    }

    fn send(&self, to: PartyId, frame: Frame) -> Result<(), ChannelError> {
        self.alive();
        let (ends, side) = self.with(to);
        let mut state = self.net.lock();
        if let Some(abort) = &state.abort {
            return Err(ChannelError::Aborted(abort.clone()));
        }
        let State { links, plan, .. } = &mut *state;
        let link = links.entry(ends).or_default();
        if link.lost || link.left {
            return Err(ChannelError::Closed(to));
        }
        let cut = plan.iter().position(|cut| cut.link == ends);
        let cut = cut.filter(|cut| plan[*cut].at == link.passed).map(|cut| plan.remove(cut));
        link.passed += 1;
        link.carried.0 += 1;
        link.carried.1 += frame.body.len();
        match cut {
            // Whoever sends does not know.
            Some(cut) => {
                link.lost = true;
                if !cut.arrives {
                    link.queues = Default::default();
                }
            }
            None => link.queues[1 - side].push_back(frame),
        }
        let passed = link.passed;
        let due = |kill: &Cut| kill.link == ends && kill.at < passed;
        let here = !state.coming.contains(&ends.1);
        if let Some(at) = state.kills.iter().position(due).filter(|_| here) {
            state.kills.remove(at);
            state.kill(ends.1);
        }
        drop(state);
        self.net.changed.notify_all();
        Ok(())
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        let (ends, side) = self.with(from);
        let came = self.net.wait(|state| {
            if let Some(abort) = &state.abort {
                return Some(Err(ChannelError::Aborted(abort.clone())));
            }
            if self.is_dead(state) {
                return Some(Err(ChannelError::Closed(from)));
            }
            let link = state.links.entry(ends).or_default();
            match link.queues[side].pop_front() {
                Some(frame) => Some(Ok(frame)),
                None => (link.lost || link.left).then_some(Err(ChannelError::Closed(from))),
            }
        });
        self.alive();
        came.unwrap_or(Err(ChannelError::stalled(from, PATIENCE)))
    }

    fn abort(&self, abort: Abort) {
        if self.me.role().is_none() {
            return self.leave();
        }
        self.net.lock().abort.get_or_insert(abort);
        self.net.changed.notify_all();
    }

    fn lost(&self, peer: PartyId) -> bool {
        let (ends, _) = self.with(peer);
        let state = self.net.lock();
        let lost = state.links.get(&ends).is_some_and(|link| link.lost && !link.left);
        lost && !self.is_dead(&state)
    }

    fn times(&self, peer: PartyId) -> u32 {
        let (ends, _) = self.with(peer);
        self.net.times(ends)
    }

    fn renew(&self, peer: PartyId) -> Result<(), ChannelError> {
        self.alive();
        let (ends, side) = self.with(peer);
        let before = self.net.times(ends);
        let made = self.net.wait(|state| {
            if let Some(abort) = &state.abort {
                return Some(Err(ChannelError::Aborted(abort.clone())));
            }
            let link = state.links.entry(ends).or_default();
            if link.left {
                return Some(Err(ChannelError::Closed(peer)));
            }
            if link.times > before {
                return Some(Ok(()));
            }
            link.calls[side] = true;
            if link.calls != [true; 2] || !link.lost {
                return None;
            }
            let (times, carried) = (link.times + 1, link.carried);
            *link = Link { times, carried, ..Link::default() };
            Some(Ok(()))
        });
        self.net.changed.notify_all();
        made.unwrap_or(Err(ChannelError::Closed(peer)))
    }
}

/// What was sent before arrives.
impl Drop for End {
    fn drop(&mut self) {
        self.leave();
    }
}
