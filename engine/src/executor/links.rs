//! The connections of a run as a channel of the protocols, and who sits where in it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use protocols::{
    net::{
        Abort, AbortCode, ChannelError,
        tls::{Connected, LinkConfig, PeerLink, TlsChannel},
    },
    party::{PartyId, Role},
    session::SessionError,
};

use super::relink::Again;
use crate::{
    exec::ExecError,
    identity::PartyName,
    job::{Failure, Reason, Stage},
    link::{DataLink, Relinker},
};

/// Who is who in a run: compute parties 0, 1, 2, then outside providers in name order.
#[derive(Clone, Debug)]
pub(super) struct Seats {
    me: PartyName,
    names: Vec<Option<PartyName>>,
}

impl Seats {
    /// Those who compute, so many, and then the outside providers: where one computes, two seats stay empty.
    pub(super) fn new(
        me: &PartyName,
        names: impl IntoIterator<Item = PartyName>,
        computing: usize,
    ) -> Self {
        let mut names: Vec<_> = names.into_iter().map(Some).collect();
        let outside = names.split_off(computing.min(names.len()));
        names.resize(Role::ALL.len(), None);
        names.extend(outside);
        Self { me: me.clone(), names }
    }

    /// This party's own place.
    pub(super) fn mine(&self) -> Result<PartyId, Failure> {
        self.of(&self.me)
    }

    /// The place of a party.
    pub(super) fn of(&self, name: &PartyName) -> Result<PartyId, Failure> {
        let seat = self.names.iter().position(|seated| seated.as_ref() == Some(name));
        let seat = seat.and_then(|seat| u16::try_from(seat).ok()).map(PartyId);
        seat.ok_or_else(|| lost("has no place in this run").at(name))
    }

    /// Who sits there.
    pub(super) fn name(&self, id: PartyId) -> Option<&PartyName> {
        self.names.get(usize::from(id.0))?.as_ref()
    }

    /// A channel over the two connections to each peer, whose links are made anew by this one where they may be, within this time.
    pub(super) fn channel(
        &self,
        links: Vec<DataLink>,
        (relinker, limit): (Relinker, Duration),
        config: LinkConfig,
    ) -> Result<Arc<TlsChannel>, Failure> {
        let (links, mine) = (self.links(links)?, self.mine()?);
        let again = Arc::new(Again::new(self.clone(), relinker, limit));
        let channel = TlsChannel::relinked_by(again, mine, links, config);
        channel.map(Arc::new).map_err(|error| lost(&error.to_string()))
    }

    /// Connections as links, one to each peer.
    pub(super) fn links(&self, links: Vec<DataLink>) -> Result<Vec<PeerLink>, Failure> {
        let mut peers: BTreeMap<PartyName, (u32, [Option<Connected>; 2])> = BTreeMap::new();
        for link in links {
            let place = usize::from(link.outgoing);
            let connected = Connected { stream: link.tcp, conn: link.tls };
            let (times, connections) = peers.entry(link.peer).or_default();
            (*times, connections[place]) = (link.time, Some(connected));
        }
        let mut both = Vec::new();
        for (name, (times, connections)) in peers {
            let [Some(incoming), Some(outgoing)] = connections else {
                return Err(lost("one direction of the link is missing").at(&name));
            };
            both.push(PeerLink { peer: self.of(&name)?, outgoing, incoming, times });
        }
        Ok(both)
    }

    /// What a run's error means for the job, and who is at fault.
    pub(super) fn failure(&self, error: &ExecError) -> Failure {
        match error {
            ExecError::Session(error) => self.session_failure(error),
            ExecError::MissingInput { party, .. }
            | ExecError::InputShape { party, .. }
            | ExecError::Validation { party, .. } => {
                self.failed(Reason::InputInvalid, error.to_string()).at(party)
            }
            ExecError::Cheated { party, .. } => {
                self.failed(Reason::ProtocolViolation, error.to_string()).at(party)
            }
            ExecError::TooFew => self.too_few(),
            ExecError::TooFewProviders(words) => {
                self.failed(Reason::TooFewProviders, words.clone())
            }
            ExecError::Inconsistent(words) => self.failed(Reason::Inconsistent, words.clone()),
            ExecError::NoSolution(words) => self.failed(Reason::NoSolution, words.clone()),
            ExecError::DiskFull(words) => self.failed(Reason::DiskFull, words.clone()).at(&self.me),
            _ => self.failed(Reason::Internal, error.to_string()).at(&self.me),
        }
    }

    /// What the opened bit says to all three alike, whoever says it first: nobody's fault.
    fn too_few(&self) -> Failure {
        self.failed(Reason::TooFewInCommon, ExecError::TooFew.to_string())
    }

    fn session_failure(&self, error: &SessionError) -> Failure {
        if let SessionError::Channel { source, .. } = error {
            return self.channel_failure(source);
        }
        if let SessionError::OutOfRange { .. } = error {
            return self.failed(Reason::InputInvalid, error.to_string());
        }
        // The role only matters for what is laid at this party's own door.
        let (peer, code) = error.blame(PartyId(0)).unwrap_or((PartyId(0), AbortCode::Internal));
        let own = matches!(
            error,
            SessionError::Gate(_)
                | SessionError::Shape { .. }
                | SessionError::Misuse { .. }
                | SessionError::Unlucky { .. }
        );
        let party = if own { Some(&self.me) } else { self.name(peer) };
        self.named(self.failed(reason(code), error.to_string()), party)
    }

    /// What a link's error means for the job.
    pub(super) fn channel_failure(&self, error: &ChannelError) -> Failure {
        let (reason, peer) = match error {
            ChannelError::Closed(peer) | ChannelError::NoLink(peer) => (Reason::PartyLost, *peer),
            ChannelError::Stalled { peer, .. } => (Reason::Stalled, *peer),
            ChannelError::Malformed { peer, .. } => (Reason::ProtocolViolation, *peer),
            ChannelError::Aborted(Abort { code: AbortCode::TooFew, .. }) => return self.too_few(),
            // Who says so first is not who it lies at.
            ChannelError::Aborted(Abort { code: AbortCode::Inconsistent, .. }) => {
                return self.failed(Reason::Inconsistent, error.to_string());
            }
            ChannelError::Aborted(Abort { party, code, .. }) => (reason(*code), *party),
            _ => return self.failed(Reason::Internal, error.to_string()).at(&self.me),
        };
        self.named(self.failed(reason, error.to_string()), self.name(peer))
    }

    fn failed(&self, reason: Reason, words: String) -> Failure {
        Failure::new(reason, Stage::Run, words)
    }

    fn named(&self, failure: Failure, party: Option<&PartyName>) -> Failure {
        match party {
            Some(party) => failure.at(party),
            None => failure,
        }
    }
}

/// The code under which peers are told of a failure.
pub(super) fn code(reason: Reason) -> AbortCode {
    match reason {
        Reason::PartyLost => AbortCode::PeerLost,
        Reason::Stalled => AbortCode::Stalled,
        Reason::ProtocolViolation => AbortCode::Protocol,
        Reason::Inconsistent => AbortCode::Inconsistent,
        Reason::GateViolation => AbortCode::Gate,
        Reason::TooFewInCommon => AbortCode::TooFew,
        Reason::TooFewProviders => AbortCode::TooFewProviders,
        Reason::NoSolution => AbortCode::NoSolution,
        Reason::DiskFull => AbortCode::DiskFull,
        Reason::InputInvalid => AbortCode::Input,
        Reason::DeadlineExceeded => AbortCode::Deadline,
        Reason::Cancelled | Reason::Draining | Reason::Interrupted => AbortCode::Cancelled,
        _ => AbortCode::Internal,
    }
}

fn reason(code: AbortCode) -> Reason {
    match code {
        AbortCode::PeerLost => Reason::PartyLost,
        AbortCode::Stalled => Reason::Stalled,
        AbortCode::Protocol => Reason::ProtocolViolation,
        AbortCode::Inconsistent => Reason::Inconsistent,
        AbortCode::Gate => Reason::GateViolation,
        AbortCode::TooFew => Reason::TooFewInCommon,
        AbortCode::TooFewProviders => Reason::TooFewProviders,
        AbortCode::NoSolution => Reason::NoSolution,
        AbortCode::DiskFull => Reason::DiskFull,
        AbortCode::Input => Reason::InputInvalid,
        AbortCode::Cancelled => Reason::Cancelled,
        AbortCode::Deadline => Reason::DeadlineExceeded,
        _ => Reason::Internal,
    }
}

fn lost(words: &str) -> Failure {
    Failure::new(Reason::PartyLost, Stage::Connect, words)
}

#[cfg(test)]
mod tests {
    use federated::round::RoundError;

    use super::*;

    /// Whose fault it is cannot be told: neither who notices is blamed, nor who says so first.
    #[test]
    fn what_nobody_can_be_blamed_for_names_nobody() {
        let [a, b, c] = ["a", "b", "c"].map(|name| PartyName::try_from(name).unwrap());
        let seats = Seats::new(&a, [a.clone(), b, c], 3);
        let noticed = seats.failure(&ExecError::from(RoundError::Again { round: 2 }));
        let abort = Abort { party: PartyId(1), path: 3, code: code(noticed.reason) };
        let heard = seats.channel_failure(&ChannelError::Aborted(abort));
        for failure in [noticed, heard] {
            assert_eq!((failure.reason, failure.party), (Reason::Inconsistent, None));
        }
    }
}
