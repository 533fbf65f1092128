//! The first message of a data-plane connection, and its answer.

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::error::LinkError;
use crate::identity::{Hash32, PartyName};

/// Version of the data plane. Two ends with different ones do not talk.
pub const PROTOCOL_VERSION: u32 = 2;

/// Longest hello or answer, in bytes.
const MAX_BYTES: usize = 4096;

/// One attempt at one job: what the two ends of a link have in common before they compare plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunKey {
    /// The job.
    pub job: Hash32,
    /// Which attempt.
    pub attempt: u32,
    /// 0 for the links that the run starts with; else for which time the one link is made anew, or [`RunKey::AGAIN`].
    pub time: u32,
}

impl RunKey {
    /// In the place of a time: that for which the party called waits. Who was killed in a run and is back does not know it.
    pub const AGAIN: u32 = u32::MAX;

    /// So often no link is made anew, whatever it carries.
    pub(super) const TIMES: u32 = 1 << 16;

    /// Whether both are of the same attempt.
    pub(super) fn same_run(&self, other: &Self) -> bool {
        (self.job, self.attempt) == (other.job, other.attempt)
    }
}

/// Which way the frames of a connection go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// From the party that dialled.
    FromDialler,
    /// To the party that dialled.
    ToDialler,
}

impl Flow {
    /// A link has a connection for each.
    pub(super) const BOTH: [Self; 2] = [Self::FromDialler, Self::ToDialler];
}

/// What the dialling party says first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`].
    pub version: u32,
    /// The program's version, for messages.
    pub build: String,
    /// The job and attempt.
    pub key: RunKey,
    /// The run: hash of job, plan, attempt and everybody's nonces.
    pub run: Hash32,
    /// The plan.
    pub plan: Hash32,
    /// Who dials.
    pub from: PartyName,
    /// Who is called.
    pub to: PartyName,
    /// Which way the frames will go.
    pub flow: Flow,
}

/// The called party's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Answer {
    /// The link stands.
    Welcome,
    /// The link stands, for the time that it was waited for: to who asked for [`RunKey::AGAIN`].
    Again(u32),
    /// It speaks another version: this one.
    Version(u32),
    /// It runs another `plan` or `run`.
    Mismatch(String),
    /// Anything else, from a fixed list.
    Refused(String),
}

/// Writes a message: its length in two bytes, then JSON.
pub(super) async fn write<T: Serialize, W: AsyncWrite + Unpin>(
    to: &mut W,
    message: &T,
) -> std::io::Result<()> {
    let json = serde_json::to_vec(message)?;
    let len = u16::try_from(json.len()).map_err(std::io::Error::other)?;
    to.write_all(&len.to_be_bytes()).await?;
    to.write_all(&json).await?;
    to.flush().await
}

/// Reads a message; `None` if the bytes are none.
pub(super) async fn read<T: for<'de> Deserialize<'de>, R: AsyncRead + Unpin>(
    from: &mut R,
) -> std::io::Result<Option<T>> {
    let len = usize::from(from.read_u16().await?);
    if len > MAX_BYTES {
        return Ok(None);
    }
    let mut json = vec![0; len];
    from.read_exact(&mut json).await?;
    Ok(serde_json::from_slice(&json).ok())
}

impl Answer {
    /// For which time the link stands, where the answer says so.
    pub(super) fn time(&self) -> Option<u32> {
        match self {
            Self::Again(time) => Some(*time),
            _ => None,
        }
    }

    /// What the answer means for the party that dialled `peer` for this time: for which one the link stands.
    pub(super) fn into_result(self, peer: &PartyName, time: u32) -> Result<u32, LinkError> {
        let peer = peer.clone();
        match self {
            Self::Welcome => Ok(time),
            Self::Again(answered) if time == RunKey::AGAIN && answered < RunKey::TIMES => {
                Ok(answered)
            }
            Self::Again(_) => Err(LinkError::Malformed { peer: peer.to_string() }),
            Self::Version(theirs) => {
                Err(LinkError::Version { peer, theirs, ours: PROTOCOL_VERSION })
            }
            Self::Mismatch(what) => Err(LinkError::Mismatch { peer, what }),
            Self::Refused(why) => Err(LinkError::Refused { peer, why }),
        }
    }

    /// What the answer means for the party that gives it to `peer`.
    pub(super) fn as_error(&self, hello: &Hello) -> Option<LinkError> {
        let peer = hello.from.clone();
        match self {
            Self::Welcome | Self::Again(_) => None,
            Self::Version(ours) => {
                Some(LinkError::Version { peer, theirs: hello.version, ours: *ours })
            }
            Self::Mismatch(what) => Some(LinkError::Mismatch { peer, what: what.clone() }),
            Self::Refused(_) => Some(LinkError::Malformed { peer: peer.to_string() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[expect(clippy::unwrap_in_result, reason = "no runtime fails the test")]
    fn read_blocking<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> std::io::Result<Option<T>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(read(&mut &bytes[..]))
    }

    proptest! {
        #[test]
        fn random_bytes_are_no_hello(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
            prop_assert!(!matches!(read_blocking::<Hello>(&bytes), Ok(Some(_))));
            prop_assert!(!matches!(read_blocking::<Answer>(&bytes), Ok(Some(_))));
        }
    }

    #[test]
    fn a_time_is_taken_from_who_was_asked_for_one_and_in_bounds() {
        let peer = PartyName::try_from("exchange").unwrap();
        let told = |answered, asked| Answer::Again(answered).into_result(&peer, asked);
        assert!(matches!(told(3, RunKey::AGAIN), Ok(3)));
        for (answered, asked) in [(u32::MAX, RunKey::AGAIN), (RunKey::TIMES, RunKey::AGAIN), (3, 2)]
        {
            assert!(
                matches!(told(answered, asked), Err(LinkError::Malformed { .. })),
                "{answered}"
            );
        }
    }

    #[test]
    fn a_hello_longer_than_the_limit_is_not_waited_for() {
        let announced = u16::try_from(MAX_BYTES + 1).unwrap().to_be_bytes();
        assert!(matches!(read_blocking::<Hello>(&announced), Ok(None)));
    }
}
